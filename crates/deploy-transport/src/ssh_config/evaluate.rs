//! Walking through the files for one host: which blocks apply, and what they say.

use std::path::Path;
use std::sync::Arc;

use super::options::{Applied, HostOptions, Unhonoured};
use super::parse::{Directive, next_word};
use super::tokens::{Tokens, is_harmless_in_shell};
use super::{Scope, Source, SshConfig, SshConfigError, include};
use crate::pattern::{self, ListMatch};

/// As in OpenSSH.
const MAX_INCLUDE_DEPTH: usize = 16;

/// Criteria that newer versions of ssh know and that are not judged here.
const LATER_CRITERIA: &[&str] = &["localnetwork", "command", "sessiontype", "version"];

pub(super) struct Evaluation<'a> {
    config: &'a SshConfig,
    /// The name given in the recipe.
    original_host: &'a str,
    /// The name that `Host` lines are compared with: the given one, in the final pass the resolved one.
    host: String,
    final_pass: bool,
    wants_final_pass: bool,
    options: HostOptions,
}

/// Where a line stands.
#[derive(Clone, Copy)]
struct Place<'a> {
    file: &'a Path,
    scope: Scope,
    depth: usize,
    /// The file is included from a block that does not apply: nothing in it may.
    never: bool,
}

impl<'a> Evaluation<'a> {
    pub(super) fn run(config: &'a SshConfig, host: &'a str, user: Option<&str>) -> Result<HostOptions, SshConfigError> {
        let mut evaluation = Self {
            config,
            original_host: host,
            host: host.to_owned(),
            final_pass: false,
            wants_final_pass: false,
            options: HostOptions { user: user.map(str::to_owned), ..HostOptions::default() },
        };
        evaluation.pass()?;
        if evaluation.wants_final_pass {
            evaluation.host = evaluation.settled_name()?;
            // As in OpenSSH, the name is settled before the final pass.
            evaluation.options.host_name = Some(evaluation.host.replace('%', "%%"));
            evaluation.final_pass = true;
            evaluation.pass()?;
        }
        let name = match evaluation.options.host_name {
            Some(_) => Some(evaluation.settled_name()?),
            None => None,
        };
        let mut options = evaluation.options;
        options.host_name = name;
        options.unhonoured.sort();
        options.unhonoured.dedup();
        Ok(options)
    }

    /// The host name at the end of a pass.
    fn settled_name(&self) -> Result<String, SshConfigError> {
        let written = self.options.host_name.as_deref().unwrap_or_default().replace("%%", "");
        match written.split('%').skip(1).find(|rest| !rest.starts_with('h')) {
            Some(_) => Err(SshConfigError {
                file: self.config.file().unwrap_or_else(|| "ssh_config".into()),
                line: 0,
                problem: format!("HostName {written:?} has a token that means nothing there"),
            }),
            None => Ok(self.host_name()),
        }
    }

    /// The host name as resolved so far, in lower case.
    fn host_name(&self) -> String {
        let given = self.original_host.to_ascii_lowercase();
        match &self.options.host_name {
            // Only %h and %% mean something here.
            Some(name) => name.split("%%").map(|part| part.replace("%h", &given)).collect::<Vec<_>>().join("%"),
            None => given,
        }
    }

    fn pass(&mut self) -> Result<(), SshConfigError> {
        let config = self.config;
        for source in &config.sources {
            let (file, scope, lines) = match source {
                Source::Text(name, lines) => (name, Scope::User, Some(Arc::clone(lines))),
                Source::File(path, scope) => (path, *scope, config.lines_of(path)?),
            };
            let place = Place { file, scope, depth: 0, never: false };
            match lines {
                Some(lines) => self.lines(place, &lines, &mut true)?,
                None if config.named => return Err(place.error(0, "there is no such file")),
                None => {}
            }
        }
        Ok(())
    }

    fn lines(&mut self, place: Place<'_>, lines: &[Directive], active: &mut bool) -> Result<(), SshConfigError> {
        for directive in lines {
            let fail = |problem: String| place.error(directive.line, problem);
            match directive.keyword.as_str() {
                _ if directive.bad_quotes && directive.keyword != "proxycommand" => {
                    return Err(fail("the quotes do not match".into()));
                }
                "host" if directive.arguments.is_empty() => return Err(fail("Host has no pattern".into())),
                "host" => *active = !place.never && self.host_applies(directive),
                "match" => {
                    *active = self.match_applies(place, directive).map_err(fail)? && !place.never;
                }
                "include" => self.include(place, directive, *active)?,
                // Values are checked in blocks that do not apply, too, as ssh does.
                _ if !*active => {
                    HostOptions::default().apply(directive).map_err(fail)?;
                }
                _ => {
                    if let Applied::Unhonoured { known_to_ssh } = self.options.apply(directive).map_err(fail)? {
                        self.unhonoured(place, directive, &directive.keyword, known_to_ssh);
                    }
                }
            }
        }
        Ok(())
    }

    fn unhonoured(&mut self, place: Place<'_>, directive: &Directive, keyword: &str, known_to_ssh: bool) {
        self.options.unhonoured.push(Unhonoured {
            file: place.file.to_owned(),
            line: directive.line,
            keyword: keyword.to_owned(),
            known_to_ssh,
        });
    }

    fn host_applies(&self, directive: &Directive) -> bool {
        let patterns = directive.arguments.iter().map(String::as_str);
        pattern::matches_list(&self.host, patterns) == ListMatch::Yes
    }

    fn match_applies(&mut self, place: Place<'_>, directive: &Directive) -> Result<bool, String> {
        let mut rest = directive.rest.as_str();
        let (mut applies, mut count) = (true, 0);
        while !rest.is_empty() && !rest.starts_with('#') {
            let (word, after) = next_word(rest);
            rest = after;
            count += 1;
            let (negated, criterion) = match word.strip_prefix('!') {
                Some(word) => (true, word.to_ascii_lowercase()),
                None => (false, word.to_ascii_lowercase()),
            };
            let found = match criterion.as_str() {
                "all" => {
                    let alone = rest.is_empty() || rest.starts_with('#');
                    if !alone || (count > 1 && !self.final_criterion_before(directive)) {
                        return Err("\"all\" cannot be combined with other criteria".into());
                    }
                    true
                }
                "canonical" => self.final_pass,
                "final" => {
                    self.wants_final_pass = true;
                    self.final_pass
                }
                _ => {
                    let (value, after) = next_word(rest);
                    rest = after;
                    if value.is_empty() {
                        return Err(format!("the criterion {criterion:?} has no value"));
                    }
                    let found = match criterion.as_str() {
                        // As in ssh, only where everything before it holds.
                        "exec" if !applies || place.never => Some(false),
                        "exec" => Some(self.config.succeeds(&self.command(&value)?)?),
                        _ => self.criterion(&criterion, &value),
                    };
                    match found {
                        Some(found) => found,
                        None => {
                            // The block does not apply, whatever the negation.
                            let known = LATER_CRITERIA.contains(&criterion.as_str());
                            self.unhonoured(place, directive, &format!("match {criterion}"), known);
                            return Ok(false);
                        }
                    }
                }
            };
            applies &= found != negated;
        }
        if count == 0 {
            return Err("Match has no criterion".into());
        }
        Ok(applies)
    }

    /// The command of a `Match exec`. Names from outside must not be able to say anything to its shell.
    fn command(&self, text: &str) -> Result<String, String> {
        let (host, environment) = (self.host_name_for_match(), &self.config.environment);
        let user = self.options.user.as_deref().unwrap_or(&environment.user);
        for name in [host.as_str(), self.original_host, user] {
            if !is_harmless_in_shell(name) {
                return Err(format!("{name:?} may not be put into a command of Match exec"));
            }
        }
        let tokens = Tokens {
            host: &host,
            original_host: self.original_host,
            host_key_alias: self.options.host_key_alias.as_deref(),
            port: self.options.port.unwrap_or(22),
            user,
            environment,
        };
        tokens.expand(text, false).map_err(|error| error.to_string())
    }

    /// `Match canonical all` and `Match final all` are allowed.
    fn final_criterion_before(&self, directive: &Directive) -> bool {
        let (word, rest) = next_word(&directive.rest);
        let (second, _) = next_word(rest);
        let word = word.trim_start_matches('!').to_ascii_lowercase();
        (word == "canonical" || word == "final") && second.eq_ignore_ascii_case("all")
    }

    /// Does a criterion with a value hold? `None` if it cannot be judged.
    fn criterion(&self, criterion: &str, value: &str) -> Option<bool> {
        let local_user = self.config.environment.user.as_str();
        let verdict = match criterion {
            "host" => pattern::matches_host_list(&self.host_name_for_match(), value),
            "originalhost" => pattern::matches_host_list(self.original_host, value),
            "user" => {
                let user = self.options.user.as_deref().unwrap_or(local_user);
                pattern::matches_list(user, value.split(','))
            }
            "tagged" => pattern::matches_list(self.options.tag.as_deref().unwrap_or_default(), value.split(',')),
            "localuser" => pattern::matches_list(local_user, value.split(',')),
            _ => return None,
        };
        Some(verdict == ListMatch::Yes)
    }

    fn host_name_for_match(&self) -> String {
        if self.options.host_name.is_some() { self.host_name() } else { self.host.clone() }
    }

    fn include(&mut self, place: Place<'_>, directive: &Directive, active: bool) -> Result<(), SshConfigError> {
        if place.depth >= MAX_INCLUDE_DEPTH {
            return Err(place.error(directive.line, "too many files include each other"));
        }
        for argument in &directive.arguments {
            let pattern = include::anchored(argument, place.scope, &self.config.environment)
                .map_err(|problem| place.error(directive.line, problem))?;
            for file in include::glob(&pattern) {
                let Some(lines) = self.config.lines_of(&file)? else {
                    continue;
                };
                let inner =
                    Place { file: &file, scope: place.scope, depth: place.depth + 1, never: place.never || !active };
                // A Host or Match in there does not reach beyond its end.
                self.lines(inner, &lines, &mut active.clone())?;
            }
        }
        Ok(())
    }
}

impl Place<'_> {
    fn error(&self, line: usize, problem: impl Into<String>) -> SshConfigError {
        SshConfigError { file: self.file.to_owned(), line, problem: problem.into() }
    }
}
