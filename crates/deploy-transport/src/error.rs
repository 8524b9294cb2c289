//! What can go wrong between here and a host, in kinds that a program can act on.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::known_hosts::{Fingerprint, RecordedKey};

/// Where a connection was meant to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The host's name as shown in output.
    pub name: String,
    /// The name or address that was looked up.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The login user.
    pub user: String,
    /// The address that was tried last, once the name was resolved.
    pub address: Option<SocketAddr>,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, host, port, .. } = self;
        if name != host {
            write!(f, "{name} (")?;
        }
        if host.contains(':') {
            write!(f, "[{host}]:{port}")?;
        } else {
            write!(f, "{host}:{port}")?;
        }
        if let Some(address) = self.address.filter(|a| a.ip().to_string() != *host) {
            write!(f, ", {}", address.ip())?;
        }
        if name != host {
            f.write_str(")")?;
        }
        Ok(())
    }
}

/// A connection that did not come about: where, why, after how many tries.
#[derive(Debug)]
pub struct ConnectError {
    /// Where it was meant to go.
    pub endpoint: Box<Endpoint>,
    /// Why it did not come about.
    pub kind: ConnectErrorKind,
    /// How often it was tried.
    pub attempts: u32,
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "connecting to {} failed: {}", self.endpoint, self.kind)
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.kind.source()
    }
}

/// The step of connecting that was under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectPhase {
    /// Looking up the name.
    Resolve,
    /// Opening the TCP connection.
    Tcp,
    /// Version exchange and key exchange.
    Handshake,
    /// Logging in.
    Login,
}

impl fmt::Display for ConnectPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolve => "the name look-up",
            Self::Tcp => "the TCP connection",
            Self::Handshake => "the SSH handshake",
            Self::Login => "the login",
        })
    }
}

/// One attempt to log in that the server refused, or that could not be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TriedLogin {
    /// `publickey`, `password` or `keyboard-interactive`.
    pub method: &'static str,
    /// The key file or the agent's comment; empty for passwords.
    pub source: String,
    /// The key's fingerprint, for `publickey`.
    pub fingerprint: Option<Fingerprint>,
    /// Why it came to nothing, if not by the server's refusal.
    pub problem: Option<String>,
}

impl fmt::Display for TriedLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.method)?;
        if !self.source.is_empty() {
            write!(f, " {}", self.source)?;
        }
        if let Some(fingerprint) = &self.fingerprint {
            write!(f, " {fingerprint}")?;
        }
        if let Some(problem) = &self.problem {
            write!(f, " ({problem})")?;
        }
        Ok(())
    }
}

/// Why a connection did not come about. The variants are what a program tells apart.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectErrorKind {
    /// Host, user or another setting cannot be used at all.
    #[error("{0}")]
    Settings(String),
    /// The name has no address.
    #[error("the name cannot be resolved")]
    Resolve(#[source] std::io::Error),
    /// Nothing listens there.
    #[error("connection refused")]
    Refused(#[source] std::io::Error),
    /// The network says that it cannot be reached.
    #[error("the host cannot be reached")]
    Unreachable(#[source] std::io::Error),
    /// A step took longer than its deadline.
    #[error("{phase} took longer than {} s", .after.as_secs_f32())]
    TimedOut {
        /// The step.
        phase: ConnectPhase,
        /// Its deadline.
        after: Duration,
    },
    /// The other side closed or reset the connection before it said that it speaks SSH. Busy servers do this
    /// (`MaxStartups`), and so do packet filters and servers that have blocked this address.
    #[error("the connection was closed before the server introduced itself")]
    ResetBeforeBanner,
    /// What answered is not an SSH server. The first bytes, made printable.
    #[error("the server does not speak SSH, it began with {0:?}")]
    NotSsh(String),
    /// The host's key is in none of the known_hosts files.
    #[error("the host key {} ({}) is not known", .0.fingerprint, .0.key_type)]
    HostKeyUnknown(Box<UnknownHostKey>),
    /// The host shows another key than the recorded one.
    #[error("the host key has changed: it is {fingerprint} ({key_type}), but {} says {}",
        .recorded.first().map_or_else(String::new, RecordedKey::place),
        .recorded.first().map_or_else(String::new, |r| r.fingerprint.to_string()))]
    HostKeyChanged {
        /// The fingerprint of the key that the host showed.
        fingerprint: Fingerprint,
        /// Its type.
        key_type: String,
        /// What is recorded, with file and line.
        recorded: Vec<RecordedKey>,
    },
    /// The host shows a key that is marked `@revoked`.
    #[error("the host key {fingerprint} ({key_type}) is revoked by {}", .recorded.place())]
    HostKeyRevoked {
        /// The fingerprint of the key that the host showed.
        fingerprint: Fingerprint,
        /// Its type.
        key_type: String,
        /// The line that revokes it.
        recorded: Box<RecordedKey>,
    },
    /// The host shows a certificate of an authority that is known for it, but the certificate is no good.
    #[error("the host certificate {:?} (serial {}) {problem}; it is for {} and good from {} to {}, signed by {} ({})",
        .certificate.key_id, .certificate.serial, .certificate.principals(), .certificate.valid_after(),
        .certificate.valid_before(), .certificate.authority.fingerprint, .certificate.authority.place())]
    HostCertificate {
        /// What is wrong: it `is expired`, for instance.
        problem: String,
        /// What the certificate says.
        certificate: Box<HostCertificate>,
    },
    /// A host key could not be recorded or the file of known hosts could not be read.
    #[error("the known hosts file {} cannot be used", .path.display())]
    KnownHostsFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The server refused every way to log in.
    #[error("the login was refused for user {user} ({})", LoginSummary::new(.offered, .tried, *.untried))]
    AuthRefused {
        /// The login user.
        user: String,
        /// The methods that the server would still take.
        offered: Vec<String>,
        /// What was tried, in order.
        tried: Vec<TriedLogin>,
        /// Keys that were left out so that the server's limit of tries was not run into.
        untried: usize,
    },
    /// A private key file that was asked for by name cannot be used.
    #[error("the key file {} cannot be used: {problem}", .path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: KeyFileProblem,
    },
    /// Client and server have no algorithm in common.
    #[error("no common {kind} algorithm; the server has {}, we have {}", shorten(.theirs), shorten(.ours))]
    NoCommonAlgorithm {
        /// `key exchange`, `host key`, `cipher`, `MAC` or `compression`.
        kind: &'static str,
        /// Ours.
        ours: Vec<String>,
        /// The server's.
        theirs: Vec<String>,
    },
    /// The server ended the connection and said why, or broke the protocol.
    #[error("{0}")]
    Protocol(String),
    /// A host on the way (ProxyJump) could not be used.
    #[error("the jump host {hop} cannot be used")]
    Jump {
        /// The jump host.
        hop: String,
        /// What went wrong there.
        #[source]
        source: Box<ConnectError>,
    },
    /// The jump host could not open the way to the target.
    #[error("the jump host {hop} could not reach it: {reason}")]
    JumpRefused {
        /// The jump host.
        hop: String,
        /// Its answer.
        reason: String,
    },
    /// The command that should make the connection did not start.
    #[error("the ProxyCommand {command:?} did not start")]
    ProxyCommand {
        /// The command.
        command: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Another failure of the system.
    #[error("the connection broke")]
    Io(#[source] std::io::Error),
}

impl ConnectErrorKind {
    /// Did nothing answer at all?
    pub(crate) fn is_no_answer(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::Unreachable(_) | Self::TimedOut { phase: ConnectPhase::Tcp, .. })
    }

    /// Was the connection cut before anybody logged in? Such a failure is worth another try.
    pub(crate) fn is_early_cut(&self) -> bool {
        match self {
            Self::ResetBeforeBanner => true,
            Self::Jump { source, .. } => source.kind.is_early_cut(),
            _ => false,
        }
    }
}

/// What a host certificate says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostCertificate {
    /// The name that its authority gave it.
    pub key_id: String,
    /// Its number.
    pub serial: u64,
    /// The host names it is for; all if there is none.
    pub principals: Vec<String>,
    /// The second since 1970 from which it is good.
    pub after: u64,
    /// The second from which it is not any more.
    pub before: u64,
    /// The line by which its authority is known.
    pub authority: RecordedKey,
}

impl HostCertificate {
    fn principals(&self) -> String {
        if self.principals.is_empty() { "all hosts".into() } else { self.principals.join(", ") }
    }

    fn valid_after(&self) -> String {
        date(self.after)
    }

    fn valid_before(&self) -> String {
        date(self.before)
    }
}

/// A second since 1970 as people read it, in UTC; the ends of time mean for ever.
fn date(second: u64) -> String {
    let stamp = i64::try_from(second).ok().filter(|second| *second > 0);
    stamp.and_then(|second| jiff::Timestamp::from_second(second).ok()).map_or_else(|| "ever".into(), |s| s.to_string())
}

/// A host key of which nothing is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownHostKey {
    /// The fingerprint of the key that the host showed.
    pub fingerprint: Fingerprint,
    /// Its type, such as `ssh-ed25519`.
    pub key_type: String,
    /// The line that would make it known.
    pub line: String,
    /// Keys of other types that are known for the host.
    pub other_types: Vec<RecordedKey>,
    /// The files that were read.
    pub files: Vec<PathBuf>,
}

/// What is wrong with a private key file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyFileProblem {
    /// It is not there.
    Missing,
    /// It cannot be read.
    Unreadable(String),
    /// Others can read it (its mode).
    TooOpen(u32),
    /// It is not a private key in a form that we know.
    Malformed(String),
    /// It is encrypted, and there was nobody to ask for the passphrase.
    Encrypted,
    /// The passphrases that were given do not fit.
    WrongPassphrase,
}

impl fmt::Display for KeyFileProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("no such file"),
            Self::Unreadable(why) => write!(f, "it cannot be read: {why}"),
            Self::TooOpen(mode) => write!(f, "others can read it (mode {mode:04o})"),
            Self::Malformed(why) => write!(f, "it is not a private key: {why}"),
            Self::Encrypted => f.write_str("it is encrypted and nobody gave the passphrase"),
            Self::WrongPassphrase => f.write_str("the passphrase does not fit"),
        }
    }
}

struct LoginSummary<'a> {
    offered: &'a [String],
    tried: &'a [TriedLogin],
    untried: usize,
}

impl<'a> LoginSummary<'a> {
    fn new(offered: &'a [String], tried: &'a [TriedLogin], untried: usize) -> Self {
        Self { offered, tried, untried }
    }
}

impl fmt::Display for LoginSummary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.offered.is_empty() {
            f.write_str("the server names no method")?;
        } else {
            write!(f, "the server takes {}", self.offered.join(", "))?;
        }
        if self.tried.is_empty() {
            f.write_str("; there was nothing to try")?;
        } else {
            f.write_str("; tried: ")?;
            for (index, tried) in self.tried.iter().enumerate() {
                let comma = if index == 0 { "" } else { ", " };
                write!(f, "{comma}{tried}")?;
            }
        }
        if self.untried > 0 {
            write!(f, "; {} more keys not tried", self.untried)?;
        }
        Ok(())
    }
}

fn shorten(names: &[String]) -> String {
    let mut text = names.iter().take(6).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > 6 {
        text.push_str(", …");
    }
    if text.is_empty() { "none".into() } else { text }
}

/// A command that could not be started on a host.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExecError {
    /// The connection is gone.
    #[error("starting a command on {host} failed: the connection is lost ({reason})")]
    Lost {
        /// The host's name as shown in output.
        host: String,
        /// What is known of the reason.
        reason: String,
    },
    /// The server opened no channel for it (its `MaxSessions`, for instance).
    #[error("starting a command on {host} failed: the server opened no session ({reason})")]
    ChannelRefused {
        /// The host's name as shown in output.
        host: String,
        /// The server's answer.
        reason: String,
    },
    /// The server refused to run it.
    #[error("starting a command on {host} failed: the server refused the {request} request")]
    Refused {
        /// The host's name as shown in output.
        host: String,
        /// `exec`, `shell`, `subsystem`, `pty` or `agent forwarding`.
        request: &'static str,
    },
    /// The server did not answer in time.
    #[error("starting a command on {host} failed: no answer within {} s", .after.as_secs_f32())]
    TimedOut {
        /// The host's name as shown in output.
        host: String,
        /// The deadline.
        after: Duration,
    },
    /// This kind of session cannot do what was asked.
    #[error("starting a command on {host} failed: {what}")]
    Unsupported {
        /// The host's name as shown in output.
        host: String,
        /// What it cannot do.
        what: String,
    },
    /// A local process could not be started.
    #[error("starting a command on {host} failed")]
    Spawn {
        /// The host's name as shown in output.
        host: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}
