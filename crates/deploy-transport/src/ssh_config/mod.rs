//! The common part of OpenSSH's client configuration, read without OpenSSH.
//!
//! Understood: `Host` with patterns and negation, `Match` (`all`, `host`, `originalhost`, `user`, `localuser`, `exec`, `tagged`,
//! `final`, `canonical`), `Include` with globs, and the options of [`HostOptions`]. The first value wins. Names are never
//! canonicalized. Every option and criterion that would matter but is not honoured is listed in [`HostOptions::unhonoured`].

mod algorithms;
mod evaluate;
mod exec;
mod include;
mod keywords;
mod options;
#[cfg(test)]
mod oracle;
mod parse;
#[cfg(test)]
mod tests;
mod tokens;
mod values;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::environment::LocalEnvironment;
use crate::prompt::lock;
pub use algorithms::AlgorithmList;
pub use options::{AddressFamily, ForwardAgent, HostKeyChecking, HostOptions, Unhonoured};
pub(crate) use tokens::{TokenError, Tokens, is_harmless_in_shell};

use evaluate::Evaluation;
use parse::Directive;

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("reading the ssh configuration failed at {}:{line}: {problem}", .file.display())]
pub struct SshConfigError {
    /// The file.
    pub file: PathBuf,
    /// The line, 0 for the file as a whole.
    pub line: usize,
    /// What is wrong.
    pub problem: String,
}

/// Where relative `Include`s are looked for, and whether `~` means something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    User,
    System,
}

#[derive(Debug, Clone)]
enum Source {
    File(PathBuf, Scope),
    Text(PathBuf, Arc<Vec<Directive>>),
}

/// The configuration files to ask. Each file is read once.
#[derive(Debug)]
pub struct SshConfig {
    sources: Vec<Source>,
    environment: LocalEnvironment,
    /// Is a missing file an error? Only if it was named.
    named: bool,
    files: Mutex<HashMap<PathBuf, Option<Arc<Vec<Directive>>>>>,
    /// What the commands of `Match exec` said: each is run once, however many hosts ask.
    commands: Mutex<HashMap<String, bool>>,
}

impl SshConfig {
    /// `~/.ssh/config` and `/etc/ssh/ssh_config`, as far as they exist.
    pub fn standard(environment: LocalEnvironment) -> Self {
        let user = environment.home.join(".ssh/config");
        let sources =
            vec![Source::File(user, Scope::User), Source::File(PathBuf::from("/etc/ssh/ssh_config"), Scope::System)];
        Self::new(sources, environment, false)
    }

    /// One file instead of the standard ones. It must exist.
    pub fn from_file(path: impl Into<PathBuf>, environment: LocalEnvironment) -> Self {
        Self::new(vec![Source::File(path.into(), Scope::User)], environment, true)
    }

    /// A configuration given as text; `name` stands for the file in messages.
    pub fn from_text(name: impl Into<PathBuf>, text: &str, environment: LocalEnvironment) -> Self {
        let source = Source::Text(name.into(), Arc::new(parse::parse(text)));
        Self::new(vec![source], environment, false)
    }

    /// No configuration at all.
    pub fn none(environment: LocalEnvironment) -> Self {
        Self::new(Vec::new(), environment, false)
    }

    fn new(sources: Vec<Source>, environment: LocalEnvironment, named: bool) -> Self {
        Self { sources, environment, named, files: Mutex::default(), commands: Mutex::default() }
    }

    /// The environment this configuration is read for.
    pub fn environment(&self) -> &LocalEnvironment {
        &self.environment
    }

    /// The one file that is read instead of the standard ones, as ssh's `-F` takes it; `none` for no configuration.
    pub fn file(&self) -> Option<PathBuf> {
        match self.sources.as_slice() {
            [] => Some(PathBuf::from("none")),
            [Source::File(path, _)] if self.named => Some(path.clone()),
            _ => None,
        }
    }

    /// The options for a host as it is named in the recipe. A user given by other means is what `Match user` sees.
    pub fn options_for(&self, host: &str, user: Option<&str>) -> Result<HostOptions, SshConfigError> {
        Evaluation::run(self, host, user)
    }

    /// Does this command of a `Match exec` succeed?
    fn succeeds(&self, command: &str) -> Result<bool, String> {
        if let Some(known) = lock(&self.commands).get(command) {
            return Ok(*known);
        }
        let verdict = exec::succeeds(&self.environment.shell, command)?;
        lock(&self.commands).insert(command.to_owned(), verdict);
        Ok(verdict)
    }

    /// The lines of a file; `None` if it does not exist.
    fn lines_of(&self, path: &Path) -> Result<Option<Arc<Vec<Directive>>>, SshConfigError> {
        if let Some(found) = lock(&self.files).get(path) {
            return Ok(found.clone());
        }
        let lines = match std::fs::read(path) {
            Ok(content) => Some(Arc::new(parse::parse(&String::from_utf8_lossy(&content)))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                return Err(SshConfigError { file: path.to_owned(), line: 0, problem: error.to_string() });
            }
        };
        lock(&self.files).insert(path.to_owned(), lines.clone());
        Ok(lines)
    }
}
