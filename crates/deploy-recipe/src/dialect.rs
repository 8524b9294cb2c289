//! Which Capistrano a recipe is written for.

use std::fmt;

/// The recipe language.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// Capistrano 2: `load 'deploy'`, `role`, `run`.
    #[default]
    Capistrano2,
    /// Capistrano 3: `require 'capistrano/setup'`, stages, `on roles(:app) do … end`.
    Capistrano3,
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Capistrano2 => "Capistrano 2",
            Self::Capistrano3 => "Capistrano 3",
        })
    }
}

impl Dialect {
    /// The dialect of a version: `2` or `3`.
    #[must_use]
    pub fn from_version(text: &str) -> Option<Self> {
        match text.trim() {
            "2" => Some(Self::Capistrano2),
            "3" => Some(Self::Capistrano3),
            _ => None,
        }
    }

    /// The dialect that a text shows, with the line (from 1) that shows it: the first one that only one of them has.
    pub(crate) fn shown_by(text: &str) -> Option<(Self, usize)> {
        text.lines().enumerate().find_map(|(index, line)| Self::of_line(line.trim()).map(|found| (found, index + 1)))
    }

    fn of_line(line: &str) -> Option<Self> {
        let (word, rest) = line.split_once([' ', '(']).unwrap_or((line, ""));
        let argument = rest.trim_start_matches([' ', '(']);
        let text = argument.strip_prefix(['"', '\'']).unwrap_or_default();
        let named = |name: &str| {
            text.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(['"', '\'', '/', '.']))
        };
        let hosts = ["roles", "release_roles", "primary"];
        let of_hosts =
            hosts.iter().any(|name| argument.strip_prefix(name).is_some_and(|rest| rest.starts_with(['(', ' ', ':'])));
        match word {
            "require" if ["capistrano/setup", "capistrano/deploy", "capistrano/scm"].iter().any(|n| named(n)) => {
                Some(Self::Capistrano3)
            }
            "lock" if !text.is_empty() => Some(Self::Capistrano3),
            "on" if of_hosts => Some(Self::Capistrano3),
            "install_plugin" => Some(Self::Capistrano3),
            "load" if named("deploy") || named("config/deploy") => Some(Self::Capistrano2),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Dialect::{self, Capistrano2, Capistrano3};

    #[test]
    fn the_first_line_that_tells() {
        for (text, found) in [
            ("# a\nrequire \"capistrano/setup\"\n", Some((Capistrano3, 2))),
            ("require 'capistrano/deploy'", Some((Capistrano3, 1))),
            ("lock \"~> 3.17.0\"", Some((Capistrano3, 1))),
            ("task :x do\n  on roles(:app), in: :sequence do\n", Some((Capistrano3, 2))),
            ("on release_roles :all do", Some((Capistrano3, 1))),
            ("load 'deploy' if respond_to?(:namespace)", Some((Capistrano2, 1))),
            ("load 'deploy'\nrequire 'capistrano/setup'", Some((Capistrano2, 1))),
            ("on :start, :only => :x do", None),
            ("require 'capistrano/ext/multistage'", None),
            ("set :application, 'x'", None),
            ("on rolesx do", None),
        ] {
            assert_eq!(Dialect::shown_by(text), found, "{text}");
        }
    }
}
