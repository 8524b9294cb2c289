//! Where to connect and how: settings of the recipe over ssh_config over defaults.

mod resolve;
mod spec;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::environment::LocalEnvironment;
use crate::error::{ConnectError, ConnectErrorKind, Endpoint};
use crate::secret::Secret;
use crate::ssh_config::{AddressFamily, AlgorithmList, Unhonoured};
pub use resolve::{Overrides, ResolveError, resolve};
pub use spec::HostSpec;

/// What to do with the host key of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Strictness {
    /// Only recorded keys are good. The default.
    #[default]
    Strict,
    /// The key of a host of which nothing is recorded is recorded and good; a changed key never is.
    AcceptNew,
    /// Every key is good, except a revoked one. Not safe; the caller should say so each run.
    Off,
}

/// A private key file to log in with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityFile {
    /// The file.
    pub path: PathBuf,
    /// Was it asked for by name? Then it is an error if it cannot be used; the standard files may be missing.
    pub named: bool,
}

/// Which ssh-agent to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgentSource {
    /// None.
    None,
    /// The one behind this socket.
    Socket(PathBuf),
}

/// A way to log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthMethod {
    /// Keys from files and from the agent.
    PublicKey,
    /// Questions of the server.
    KeyboardInteractive,
    /// A password.
    Password,
}

impl AuthMethod {
    /// The method of this name in the protocol, if it is one that we have.
    pub fn from_name(name: &str) -> Option<Self> {
        match name.trim() {
            "publickey" => Some(Self::PublicKey),
            "keyboard-interactive" => Some(Self::KeyboardInteractive),
            "password" => Some(Self::Password),
            _ => None,
        }
    }
}

/// Which algorithms to agree on, where not the built-in ones in the built-in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Algorithms {
    /// `Ciphers`.
    pub ciphers: Option<AlgorithmList>,
    /// `KexAlgorithms`.
    pub kex: Option<AlgorithmList>,
    /// `MACs`.
    pub macs: Option<AlgorithmList>,
    /// `HostKeyAlgorithms`.
    pub host_keys: Option<AlgorithmList>,
    /// `PubkeyAcceptedAlgorithms`: with which algorithms the user's keys may sign.
    pub user_keys: Option<AlgorithmList>,
    /// `CASignatureAlgorithms`: with which algorithms authorities may have signed host certificates.
    pub authorities: Option<AlgorithmList>,
    /// `Compression`.
    pub compression: bool,
}

/// The files in which host keys are looked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KnownHostsFiles {
    /// The person's files. New keys are recorded in the first one.
    pub user: Vec<PathBuf>,
    /// The machine's files.
    pub system: Vec<PathBuf>,
    /// More files, such as one that belongs to the project.
    pub extra: Vec<PathBuf>,
    /// Keys that are refused whatever the others say (`RevokedHostKeys`): public keys, one per line. It must exist.
    pub revoked: Option<PathBuf>,
}

impl KnownHostsFiles {
    /// All files in the order in which they are read.
    pub fn all(&self) -> impl Iterator<Item = &PathBuf> {
        self.user.iter().chain(&self.system).chain(&self.extra)
    }
}

/// How to get to the host.
#[derive(Debug, Clone, Default)]
pub enum Proxy {
    /// By TCP.
    #[default]
    Direct,
    /// Through other hosts, in order.
    Jump(Vec<Target>),
    /// Through the input and output of a command, run by the person's shell (`$SHELL`).
    Command(String),
}

/// Everything needed to connect to a host.
#[derive(Debug, Clone)]
pub struct Target {
    /// The name as shown in output.
    pub name: String,
    /// The name as it was asked for, before the configuration said what it means.
    pub asked: String,
    /// The name or address to look up.
    pub host: String,
    /// Is it this machine itself, which needs no login? Only [`AnyConnector`](crate::AnyConnector) looks at this.
    pub local: bool,
    /// The port.
    pub port: u16,
    /// The login user.
    pub user: String,
    /// The name under which the host key is recorded, if not `host`.
    pub host_key_alias: Option<String>,
    /// Keys to try.
    pub identity_files: Vec<IdentityFile>,
    /// Private keys as text, tried after those of the files.
    pub key_data: Vec<Secret>,
    /// Only the keys of `identity_files`, even if the agent has more?
    pub identities_only: bool,
    /// Certificates for the keys (`CertificateFile`). A key's own `-cert.pub` beside it needs no mention.
    pub certificate_files: Vec<PathBuf>,
    /// The agent to ask for keys.
    pub agent: AgentSource,
    /// Ways to log in, in order.
    pub auth_methods: Vec<AuthMethod>,
    /// A password that is known already; otherwise the prompter is asked.
    pub password: Option<Secret>,
    /// A passphrase that is known already, tried on encrypted keys before anybody is asked.
    pub passphrase: Option<Secret>,
    /// Is nobody to be asked for anything (`BatchMode`)?
    pub batch_mode: bool,
    /// How often a password is asked for (`NumberOfPasswordPrompts`).
    pub password_prompts: u32,
    /// May commands use the local agent?
    pub forward_agent: bool,
    /// The agent to pass on, if not `agent`.
    pub forwarded_agent: Option<PathBuf>,
    /// Where host keys are recorded.
    pub known_hosts: KnownHostsFiles,
    /// How strictly the host key is checked.
    pub strictness: Strictness,
    /// How to get there.
    pub proxy: Proxy,
    /// Which addresses are tried.
    pub address_family: AddressFamily,
    /// The local address to connect from.
    pub bind_address: Option<IpAddr>,
    /// Which algorithms to agree on.
    pub algorithms: Algorithms,
    /// Variables to ask the server to set for each command (`SendEnv`, `SetEnv`). Servers take only those that their `AcceptEnv`
    /// names and do not say so; what a command depends on belongs into [`Exec::env`](crate::Exec::env).
    pub env: Vec<(String, String)>,
    /// How often a TCP connection is tried (`ConnectionAttempts`).
    pub connection_attempts: u32,
    /// Deadline for a TCP connection.
    pub connect_timeout: Duration,
    /// Deadline for version and key exchange, and for each answer during login.
    pub handshake_timeout: Duration,
    /// Deadline for the server's answers to channel requests.
    pub reply_timeout: Duration,
    /// How long the server may be silent before it is asked for a sign of life; zero means never.
    pub keepalive_interval: Duration,
    /// How many unanswered questions mean that it is dead.
    pub keepalive_max: u32,
    /// How many commands may run on the connection at the same time; more of them wait. Servers allow 10 by default.
    pub max_channels: usize,
    /// Lines of ssh_config that would matter but are not honoured; to be named once.
    pub unhonoured: Vec<Unhonoured>,
    /// The ssh configuration that was asked instead of the standard one (`SshConfig::file`).
    pub config_file: Option<PathBuf>,
}

impl Target {
    /// A target with the defaults, for hosts that need nothing special.
    pub fn new(host: impl Into<String>, user: impl Into<String>, environment: &LocalEnvironment) -> Self {
        let host = host.into();
        let ssh = environment.home.join(".ssh");
        Self {
            name: host.clone(),
            asked: host.clone(),
            host,
            local: false,
            port: 22,
            user: user.into(),
            host_key_alias: None,
            identity_files: standard_identities(environment),
            key_data: Vec::new(),
            identities_only: false,
            certificate_files: Vec::new(),
            agent: environment.agent_socket.clone().map_or(AgentSource::None, AgentSource::Socket),
            auth_methods: vec![AuthMethod::PublicKey, AuthMethod::KeyboardInteractive, AuthMethod::Password],
            password: None,
            passphrase: None,
            batch_mode: false,
            password_prompts: 3,
            forward_agent: false,
            forwarded_agent: None,
            known_hosts: KnownHostsFiles {
                user: vec![ssh.join("known_hosts"), ssh.join("known_hosts2")],
                system: vec!["/etc/ssh/ssh_known_hosts".into(), "/etc/ssh/ssh_known_hosts2".into()],
                extra: Vec::new(),
                revoked: None,
            },
            strictness: Strictness::Strict,
            proxy: Proxy::Direct,
            address_family: AddressFamily::Any,
            bind_address: None,
            algorithms: Algorithms::default(),
            env: Vec::new(),
            connection_attempts: 1,
            connect_timeout: Duration::from_secs(10),
            handshake_timeout: Duration::from_secs(20),
            reply_timeout: Duration::from_secs(20),
            keepalive_interval: Duration::from_secs(5),
            keepalive_max: 2,
            max_channels: 8,
            unhonoured: Vec::new(),
            config_file: None,
        }
    }

    /// The name under which the host key is recorded.
    pub fn host_key_name(&self) -> &str {
        self.host_key_alias.as_deref().unwrap_or(&self.host)
    }

    /// The port under which the host key is recorded: an alias stands for itself.
    pub(crate) fn host_key_port(&self) -> u16 {
        if self.host_key_alias.is_some() { 22 } else { self.port }
    }

    pub(crate) fn endpoint(&self) -> Endpoint {
        Endpoint {
            name: self.name.clone(),
            host: self.host.clone(),
            port: self.port,
            user: self.user.clone(),
            address: None,
        }
    }

    pub(crate) fn error(&self, kind: ConnectErrorKind) -> ConnectError {
        ConnectError { endpoint: Box::new(self.endpoint()), kind, attempts: 1 }
    }

    /// Refuses names that could be taken for something else on the way: empty, starting with `-`, or with white space
    /// or control characters.
    pub(crate) fn check(&self) -> Result<(), ConnectErrorKind> {
        for (what, text) in [("host name", &self.host), ("user name", &self.user)] {
            let bad =
                text.is_empty() || text.starts_with('-') || text.chars().any(|c| c.is_control() || c.is_whitespace());
            if bad {
                return Err(ConnectErrorKind::Settings(format!("{text:?} cannot be a {what}")));
            }
        }
        Ok(())
    }
}

/// The standard key files, in the order in which ssh tries them.
fn standard_identities(environment: &LocalEnvironment) -> Vec<IdentityFile> {
    ["id_rsa", "id_ecdsa", "id_ed25519"]
        .iter()
        .map(|name| IdentityFile { path: environment.home.join(".ssh").join(name), named: false })
        .collect()
}
