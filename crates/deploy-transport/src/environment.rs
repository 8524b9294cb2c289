//! What the resolver needs to know about the person and machine it runs for.

use std::path::PathBuf;

/// Home, login name and the like. [`LocalEnvironment::current`] reads them once; tests make their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalEnvironment {
    /// The login name on this machine.
    pub user: String,
    /// Its numeric id.
    pub uid: u32,
    /// The home directory.
    pub home: PathBuf,
    /// This machine's name.
    pub hostname: String,
    /// The socket of the person's ssh-agent, if one is announced.
    pub agent_socket: Option<PathBuf>,
    /// The shell that runs the commands of the person's own configuration.
    pub shell: PathBuf,
}

impl LocalEnvironment {
    /// Reads the process's environment and the password database (for what the environment lacks).
    pub fn current() -> Self {
        let uid = rustix::process::getuid().as_raw();
        let entry = passwd_entry(uid);
        let variable = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
        let user = entry
            .as_ref()
            .map(|e| e.0.clone())
            .or_else(|| variable("USER"))
            .or_else(|| variable("LOGNAME"))
            .unwrap_or_else(|| uid.to_string());
        let home = variable("HOME")
            .map(PathBuf::from)
            .or_else(|| entry.map(|e| PathBuf::from(e.1)))
            .unwrap_or_else(|| PathBuf::from("/"));
        Self {
            user,
            uid,
            home,
            hostname: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            agent_socket: variable("SSH_AUTH_SOCK").map(PathBuf::from),
            shell: shell(),
        }
    }

    /// Replaces a leading `~` or `~/` by the home directory. `~other` is left as it is.
    pub(crate) fn expand_tilde(&self, path: &str) -> PathBuf {
        match path.strip_prefix('~') {
            Some("") => self.home.clone(),
            Some(rest) => match rest.strip_prefix('/') {
                Some(rest) => self.home.join(rest),
                None => PathBuf::from(path),
            },
            None => PathBuf::from(path),
        }
    }
}

/// What `$SHELL` names, as ssh takes it for `ProxyCommand` and `Match exec`.
pub(crate) fn shell() -> PathBuf {
    std::env::var_os("SHELL").filter(|shell| !shell.is_empty()).map_or_else(|| PathBuf::from("/bin/sh"), PathBuf::from)
}

/// Login name and home of a user id. Only the file: name service plug-ins are out of reach of a static binary.
pub(crate) fn passwd_entry(uid: u32) -> Option<(String, String)> {
    let text = std::fs::read_to_string("/etc/passwd").ok()?;
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let id = fields.nth(1)?;
        let home = fields.nth(2)?;
        (id.parse() == Ok(uid)).then(|| (name.to_owned(), home.to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tilde_is_the_home_only_at_the_start_and_alone() {
        let environment = LocalEnvironment {
            user: "ann".into(),
            uid: 1000,
            home: "/home/ann".into(),
            hostname: "desk".into(),
            agent_socket: None,
            shell: "/bin/sh".into(),
        };
        let cases =
            [("~", "/home/ann"), ("~/.ssh/id", "/home/ann/.ssh/id"), ("~bob/x", "~bob/x"), ("/a/~", "/a/~"), ("", "")];
        for (input, expected) in cases {
            assert_eq!(environment.expand_tilde(input), PathBuf::from(expected));
        }
    }
}
