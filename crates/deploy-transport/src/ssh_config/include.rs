//! The files that an `Include` line means.

use std::path::{Component, Path, PathBuf};

use globset::GlobBuilder;

use super::Scope;
use crate::environment::LocalEnvironment;

/// The argument as an absolute pattern: relative ones live in `~/.ssh` or `/etc/ssh`.
pub(super) fn anchored(argument: &str, scope: Scope, environment: &LocalEnvironment) -> Result<PathBuf, String> {
    match (argument.chars().next(), scope) {
        (None, _) => Err("Include has an empty file name".into()),
        (Some('~'), Scope::System) => Err("a system file cannot include from a home directory".into()),
        (Some('~'), Scope::User) => Ok(environment.expand_tilde(argument)),
        (Some('/'), _) => Ok(PathBuf::from(argument)),
        (Some(_), Scope::User) => Ok(environment.home.join(".ssh").join(argument)),
        (Some(_), Scope::System) => Ok(Path::new("/etc/ssh").join(argument)),
    }
}

/// The files that match an absolute pattern, in the order of their names. Nothing is no error.
pub(super) fn glob(pattern: &Path) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::from("/")];
    for component in pattern.components() {
        if let Component::Normal(part) = component {
            let part = part.to_string_lossy();
            found = found.iter().flat_map(|dir| entries(dir, &part)).collect();
        }
    }
    found.retain(|path| path.is_file());
    found
}

/// The entries of a directory whose name matches one component of the pattern.
fn entries(dir: &Path, part: &str) -> Vec<PathBuf> {
    if !part.contains(['*', '?', '[']) {
        let path = dir.join(part);
        return if path.exists() { vec![path] } else { vec![] };
    }
    let Ok(glob) = GlobBuilder::new(part).literal_separator(true).build() else {
        return vec![];
    };
    let matcher = glob.compile_matcher();
    let mut names: Vec<_> = std::fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name())
        // A leading dot must be written, as in the shell.
        .filter(|name| part.starts_with('.') || !name.to_string_lossy().starts_with('.'))
        .filter(|name| matcher.is_match(name))
        .collect();
    names.sort();
    names.into_iter().map(|name| dir.join(name)).collect()
}
