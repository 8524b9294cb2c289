//! What a runner tells about its host when it starts.

use super::HelloError;

/// How a host keeps locks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockWay {
    /// A kernel lock, free at the moment its last holder is gone.
    Flock,
    /// A directory entry with a lease: the host has no `flock`.
    Lease,
}

/// The host as its login sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// Process id of the worker.
    pub pid: u32,
    /// User id of the login.
    pub uid: u32,
    /// Name of the login.
    pub user: String,
    /// Name of its group.
    pub group: String,
    /// The host's own name (`uname -n`).
    pub host: String,
    /// The system's name (`uname -s`).
    pub os: String,
    /// `$HOME`.
    pub home: String,
    /// `$SHELL`, the login shell; may be empty.
    pub shell: String,
    /// The login's umask.
    pub umask: u32,
    /// Whether steps get a session of their own. Without `setsid` a kill reaches a step's first process only, and a
    /// step dies with its runner.
    pub has_session: bool,
    /// How locks are kept.
    pub lock: LockWay,
    /// Whether the ordinary tools are BusyBox's.
    pub busybox: bool,
    /// Whether `sh` is bash.
    pub bash: bool,
    /// Whether `printf` is built into `sh`. If not, input of commands and secrets would be visible in argv: do not
    /// send any.
    pub builtin_printf: bool,
}

impl Hello {
    /// From the `key=value` fields of the hello frame. Keys that are not known are passed over.
    pub(super) fn parse(fields: &[Vec<u8>]) -> Result<Self, HelloError> {
        let get = |key: &'static str| -> Option<String> {
            fields.iter().find_map(|f| {
                let value = f.strip_prefix(key.as_bytes())?.strip_prefix(b"=")?;
                Some(String::from_utf8_lossy(value).into_owned())
            })
        };
        let text = |key: &'static str| get(key).ok_or(HelloError::Missing(key));
        let number = |key: &'static str, radix: u32| -> Result<u32, HelloError> {
            let value = text(key)?;
            u32::from_str_radix(&value, radix).map_err(|_| HelloError::NotANumber { key, value })
        };
        let proto = number("proto", 10)?;
        if proto != super::PROTOCOL {
            return Err(HelloError::Protocol(proto));
        }
        Ok(Self {
            pid: number("pid", 10)?,
            uid: number("uid", 10)?,
            user: text("user")?,
            group: text("group")?,
            host: text("host")?,
            os: text("os")?,
            home: text("home")?,
            shell: text("shell")?,
            umask: number("umask", 8)?,
            has_session: text("session")? == "setsid",
            lock: if text("lock")? == "flock" { LockWay::Flock } else { LockWay::Lease },
            busybox: text("busybox")? == "1",
            bash: text("sh")? == "bash",
            builtin_printf: text("printf")? == "builtin",
        })
    }
}
