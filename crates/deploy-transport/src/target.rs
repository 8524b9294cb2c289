//! Where to connect and how: settings of the recipe over ssh_config over defaults.

use std::path::PathBuf;
use std::time::Duration;

use crate::environment::LocalEnvironment;
use crate::error::{ConnectError, ConnectErrorKind, Endpoint};
use crate::secret::Secret;
use crate::ssh_config::{
    ForwardAgent, HostKeyChecking, HostOptions, SshConfig, SshConfigError, TokenError, Tokens, Unhonoured,
};

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

/// The files in which host keys are looked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KnownHostsFiles {
    /// The person's files. New keys are recorded in the first one.
    pub user: Vec<PathBuf>,
    /// The machine's files.
    pub system: Vec<PathBuf>,
    /// More files, such as one that belongs to the project.
    pub extra: Vec<PathBuf>,
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
    /// Through the input and output of a command, run by `/bin/sh`.
    Command(String),
}

/// Everything needed to connect to a host.
#[derive(Debug, Clone)]
pub struct Target {
    /// The name as shown in output.
    pub name: String,
    /// The name or address to look up.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The login user.
    pub user: String,
    /// The name under which the host key is recorded, if not `host`.
    pub host_key_alias: Option<String>,
    /// Keys to try.
    pub identity_files: Vec<IdentityFile>,
    /// Only the keys of `identity_files`, even if the agent has more?
    pub identities_only: bool,
    /// The agent to ask for keys.
    pub agent: AgentSource,
    /// Ways to log in, in order.
    pub auth_methods: Vec<AuthMethod>,
    /// A password that is known already; otherwise the prompter is asked.
    pub password: Option<Secret>,
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
}

impl Target {
    /// A target with the defaults, for hosts that need nothing special.
    pub fn new(host: impl Into<String>, user: impl Into<String>, environment: &LocalEnvironment) -> Self {
        let host = host.into();
        let ssh = environment.home.join(".ssh");
        Self {
            name: host.clone(),
            host,
            port: 22,
            user: user.into(),
            host_key_alias: None,
            identity_files: standard_identities(environment),
            identities_only: false,
            agent: environment.agent_socket.clone().map_or(AgentSource::None, AgentSource::Socket),
            auth_methods: vec![AuthMethod::PublicKey, AuthMethod::KeyboardInteractive, AuthMethod::Password],
            password: None,
            forward_agent: false,
            forwarded_agent: None,
            known_hosts: KnownHostsFiles {
                user: vec![ssh.join("known_hosts"), ssh.join("known_hosts2")],
                system: vec!["/etc/ssh/ssh_known_hosts".into(), "/etc/ssh/ssh_known_hosts2".into()],
                extra: Vec::new(),
            },
            strictness: Strictness::Strict,
            proxy: Proxy::Direct,
            connect_timeout: Duration::from_secs(10),
            handshake_timeout: Duration::from_secs(20),
            reply_timeout: Duration::from_secs(20),
            keepalive_interval: Duration::from_secs(5),
            keepalive_max: 2,
            max_channels: 8,
            unhonoured: Vec::new(),
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

/// What the recipe says about a host. Everything that is set wins over ssh_config.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// The name as shown in output, if not the host's name in the recipe.
    pub name: Option<String>,
    /// The name to look up instead (`:host_name`).
    pub host_name: Option<String>,
    /// The port.
    pub port: Option<u16>,
    /// The login user.
    pub user: Option<String>,
    /// Key files (`:keys`), `~` allowed.
    pub identity_files: Option<Vec<String>>,
    /// Only these keys (`:keys_only`)?
    pub identities_only: Option<bool>,
    /// Whether an agent may be asked at all (`:use_agent`).
    pub use_agent: Option<bool>,
    /// Ways to log in (`:auth_methods`).
    pub auth_methods: Option<Vec<AuthMethod>>,
    /// The password.
    pub password: Option<Secret>,
    /// Pass the agent on (`:forward_agent`)?
    pub forward_agent: Option<bool>,
    /// The person's known_hosts files (`:user_known_hosts_file`).
    pub user_known_hosts_files: Option<Vec<String>>,
    /// The machine's known_hosts files (`:global_known_hosts_file`).
    pub global_known_hosts_files: Option<Vec<String>>,
    /// More known_hosts files, such as the project's.
    pub extra_known_hosts_files: Vec<PathBuf>,
    /// How strictly host keys are checked (`:verify_host_key`).
    pub strictness: Option<Strictness>,
    /// The name under which the key is recorded (`:host_key_alias`).
    pub host_key_alias: Option<String>,
    /// Deadline for connecting (`:timeout`).
    pub connect_timeout: Option<Duration>,
    /// Seconds between signs of life (`:keepalive_interval`); zero switches them off (`:keepalive => false`).
    pub keepalive_interval: Option<Duration>,
    /// How many may stay unanswered (`:keepalive_maxcount`).
    pub keepalive_max: Option<u32>,
    /// Hosts to go through, as in `ProxyJump` (`user@host:port,…`, or `none`).
    pub proxy_jump: Option<String>,
    /// A command to go through, as in `ProxyCommand`.
    pub proxy_command: Option<String>,
}

/// Settings from which no target can be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// The ssh configuration cannot be used.
    #[error(transparent)]
    Config(#[from] SshConfigError),
    /// A value has a token that means nothing there.
    #[error("the ssh settings of {host} cannot be used: {problem}")]
    Value {
        /// The host as named in the recipe.
        host: String,
        /// What is wrong.
        problem: String,
    },
}

/// How many jump hosts may stand behind each other.
const MAX_JUMPS: usize = 8;

/// Makes the target for a host that the recipe names.
pub fn resolve(host: &str, overrides: &Overrides, config: &SshConfig) -> Result<Target, ResolveError> {
    resolve_at(host, overrides, config, 0)
}

fn resolve_at(host: &str, overrides: &Overrides, config: &SshConfig, depth: usize) -> Result<Target, ResolveError> {
    let environment = config.environment();
    let options = config.options_for(host, overrides.user.as_deref())?;
    let user = overrides.user.clone().or_else(|| options.user.clone());
    let mut target = Target::new(host, user.unwrap_or_else(|| environment.user.clone()), environment);
    if let Some(name) = &overrides.name {
        target.name.clone_from(name);
    }
    if let Some(name) = overrides.host_name.as_ref().or(options.host_name.as_ref()) {
        target.host.clone_from(name);
    }
    target.port = overrides.port.or(options.port).unwrap_or(target.port);
    target.host_key_alias = overrides.host_key_alias.clone().or_else(|| options.host_key_alias.clone());
    let resolver = Resolver { host, overrides, options: &options, config };
    resolver.timing(&mut target);
    resolver.identities(&mut target)?;
    resolver.agent(&mut target)?;
    resolver.host_keys(&mut target)?;
    resolver.proxy(&mut target, depth)?;
    target.unhonoured.extend(options.unhonoured.iter().cloned());
    Ok(target)
}

struct Resolver<'a> {
    host: &'a str,
    overrides: &'a Overrides,
    options: &'a HostOptions,
    config: &'a SshConfig,
}

impl Resolver<'_> {
    fn fail(&self, problem: impl ToString) -> ResolveError {
        ResolveError::Value { host: self.host.to_owned(), problem: problem.to_string() }
    }

    fn tokens<'b>(&'b self, target: &'b Target) -> Tokens<'b> {
        Tokens {
            host: &target.host,
            original_host: self.host,
            host_key_alias: target.host_key_alias.as_deref(),
            port: target.port,
            user: &target.user,
            environment: self.config.environment(),
        }
    }

    fn path(&self, target: &Target, value: &str) -> Result<PathBuf, ResolveError> {
        let expanded = self.tokens(target).expand(value, true).map_err(|error: TokenError| self.fail(error))?;
        Ok(self.config.environment().expand_tilde(&expanded))
    }

    fn paths(&self, target: &Target, values: &[String]) -> Result<Vec<PathBuf>, ResolveError> {
        values.iter().filter(|value| *value != "none").map(|value| self.path(target, value)).collect()
    }

    fn timing(&self, target: &mut Target) {
        let (overrides, options) = (self.overrides, self.options);
        let timeout = overrides.connect_timeout.or(options.connect_timeout.filter(|t| !t.is_zero()));
        if let Some(timeout) = timeout {
            target.connect_timeout = timeout;
        }
        // An interval of zero is ssh's default, which would leave a dead peer unnoticed; only the recipe can say so.
        let configured = options.server_alive_interval.filter(|t| !t.is_zero());
        if let Some(interval) = overrides.keepalive_interval.or(configured) {
            target.keepalive_interval = interval;
        }
        if let Some(max) = overrides.keepalive_max.or(options.server_alive_count_max) {
            target.keepalive_max = max;
        }
        if let Some(methods) = &overrides.auth_methods {
            target.auth_methods.clone_from(methods);
        }
        target.password.clone_from(&overrides.password);
    }

    fn identities(&self, target: &mut Target) -> Result<(), ResolveError> {
        // As in Net::SSH, keys of the recipe replace those of the configuration.
        if let Some(files) = &self.overrides.identity_files {
            let environment = self.config.environment();
            let paths: Vec<_> = files.iter().map(|file| environment.expand_tilde(file)).collect();
            target.identity_files = named(paths);
        } else if !self.options.identity_files.is_empty() {
            target.identity_files = named(self.paths(target, &self.options.identity_files)?);
        }
        if let Some(only) = self.overrides.identities_only.or(self.options.identities_only) {
            target.identities_only = only;
        }
        Ok(())
    }

    fn agent(&self, target: &mut Target) -> Result<(), ResolveError> {
        if let Some(value) = &self.options.identity_agent {
            target.agent = match value.as_str() {
                "none" => AgentSource::None,
                "SSH_AUTH_SOCK" => target.agent.clone(),
                value => AgentSource::Socket(self.socket(target, value)?),
            };
        }
        if self.overrides.use_agent == Some(false) {
            target.agent = AgentSource::None;
        }
        let (forward, socket) = match &self.options.forward_agent {
            None | Some(ForwardAgent::No) => (false, None),
            Some(ForwardAgent::Yes) => (true, None),
            Some(ForwardAgent::Socket(value)) => (true, Some(self.socket(target, value)?)),
        };
        target.forward_agent = self.overrides.forward_agent.unwrap_or(forward);
        // The agent that is passed on is the person's, even if another one is asked for the login.
        target.forwarded_agent = socket.or_else(|| self.config.environment().agent_socket.clone());
        Ok(())
    }

    /// A socket given as a path or as `$VARIABLE`.
    fn socket(&self, target: &Target, value: &str) -> Result<PathBuf, ResolveError> {
        match value.strip_prefix('$').filter(|name| !name.starts_with('{')) {
            Some(name) => match std::env::var(name) {
                Ok(path) => Ok(PathBuf::from(path)),
                Err(_) => Err(self.fail(format!("the agent's socket is {value}, which is not set"))),
            },
            None => self.path(target, value),
        }
    }

    fn host_keys(&self, target: &mut Target) -> Result<(), ResolveError> {
        let (overrides, options) = (self.overrides, self.options);
        let user = overrides.user_known_hosts_files.as_ref().or(options.user_known_hosts_files.as_ref());
        if let Some(files) = user {
            target.known_hosts.user = self.paths(target, files)?;
        }
        let system = overrides.global_known_hosts_files.as_ref().or(options.global_known_hosts_files.as_ref());
        if let Some(files) = system {
            target.known_hosts.system = self.paths(target, files)?;
        }
        target.known_hosts.extra.clone_from(&overrides.extra_known_hosts_files);
        let configured = options.strict_host_key_checking.map(|checking| match checking {
            HostKeyChecking::Yes | HostKeyChecking::Ask => Strictness::Strict,
            // ssh goes on with a changed key, without passwords; a deployer has no business there at all.
            HostKeyChecking::AcceptNew | HostKeyChecking::No => Strictness::AcceptNew,
        });
        target.strictness = overrides.strictness.or(configured).unwrap_or_default();
        Ok(())
    }

    fn proxy(&self, target: &mut Target, depth: usize) -> Result<(), ResolveError> {
        let (overrides, options) = (self.overrides, self.options);
        let from_recipe = overrides.proxy_jump.is_some() || overrides.proxy_command.is_some();
        let (jump, command) = if from_recipe {
            (&overrides.proxy_jump, &overrides.proxy_command)
        } else {
            (&options.proxy_jump, &options.proxy_command)
        };
        let set = |value: &Option<String>| value.clone().filter(|v| !v.eq_ignore_ascii_case("none"));
        if let Some(hops) = set(jump) {
            if depth >= MAX_JUMPS {
                return Err(self.fail("the jump hosts point at each other"));
            }
            target.proxy = Proxy::Jump(self.hops(&hops, depth)?);
        } else if let Some(command) = set(command) {
            self.check_for_shell(target)?;
            let command = self.tokens(target).expand(&command, false).map_err(|error| self.fail(error))?;
            target.proxy = Proxy::Command(command);
        }
        Ok(())
    }

    /// Names that go into a command line must not be able to say anything there.
    fn check_for_shell(&self, target: &Target) -> Result<(), ResolveError> {
        let harmless = |c: char| c.is_ascii_alphanumeric() || "._-:@%+".contains(c) || !c.is_ascii();
        for name in [&target.host, &target.user, &self.host.to_owned()] {
            if name.starts_with('-') || !name.chars().all(harmless) {
                return Err(self.fail(format!("{name:?} may not be put into a ProxyCommand")));
            }
        }
        Ok(())
    }

    /// Each hop is resolved like a host of its own; only the first one's own jump hosts count.
    fn hops(&self, text: &str, depth: usize) -> Result<Vec<Target>, ResolveError> {
        let mut hops = Vec::new();
        for (index, hop) in text.split(',').enumerate() {
            let spec = HostSpec::parse(hop.trim()).ok_or_else(|| self.fail(format!("{hop:?} is not a jump host")))?;
            let overrides = Overrides {
                user: spec.user,
                port: spec.port,
                // What the project trusts counts on the way, too.
                extra_known_hosts_files: self.overrides.extra_known_hosts_files.clone(),
                proxy_jump: (index > 0).then(|| "none".to_owned()),
                ..Overrides::default()
            };
            let mut hop = resolve_at(&spec.host, &overrides, self.config, depth + 1)?;
            hop.forward_agent = false;
            if let Proxy::Jump(before) = std::mem::take(&mut hop.proxy) {
                hops.extend(before);
            }
            hops.push(hop);
        }
        Ok(hops)
    }
}

fn named(paths: Vec<PathBuf>) -> Vec<IdentityFile> {
    paths.into_iter().map(|path| IdentityFile { path, named: true }).collect()
}

/// `user@host:port` in the forms that ssh takes: also `ssh://…` and `[v6]:port`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostSpec {
    /// The user, if given.
    pub user: Option<String>,
    /// The host, without brackets.
    pub host: String,
    /// The port, if given.
    pub port: Option<u16>,
}

impl HostSpec {
    /// Reads a host. `None` if it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix("ssh://").unwrap_or(text).trim_end_matches('/');
        let (user, rest) = match text.rsplit_once('@') {
            Some((user, rest)) if !user.is_empty() => (Some(user.to_owned()), rest),
            Some(_) => return None,
            None => (None, text),
        };
        let (host, port) = if let Some(rest) = rest.strip_prefix('[') {
            let (host, after) = rest.split_once(']')?;
            match after {
                "" => (host, None),
                after => (host, Some(after.strip_prefix(':')?)),
            }
        } else {
            match rest.split_once(':') {
                // More than one colon: an IPv6 address without brackets.
                Some((_, more)) if more.contains(':') => (rest, None),
                Some((host, port)) => (host, Some(port)),
                None => (rest, None),
            }
        };
        let port = match port {
            Some(port) => Some(port.parse().ok().filter(|p| *p > 0)?),
            None => None,
        };
        (!host.is_empty() && !host.starts_with('-')).then(|| Self { user, host: host.to_owned(), port })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment() -> LocalEnvironment {
        LocalEnvironment {
            user: "ann".into(),
            uid: 1000,
            home: "/home/ann".into(),
            hostname: "desk.example".into(),
            agent_socket: Some("/run/agent".into()),
        }
    }

    fn resolved(config: &str, host: &str, overrides: &Overrides) -> Target {
        resolve(host, overrides, &SshConfig::from_text("config", config, environment())).unwrap()
    }

    /// ssh itself goes on with a changed key then; nothing but a recipe that says so makes us do it.
    #[test]
    fn a_configuration_cannot_switch_host_keys_off() {
        for word in ["no", "off", "accept-new"] {
            let target = resolved(&format!("StrictHostKeyChecking {word}\n"), "web1", &Overrides::default());
            assert_eq!(target.strictness, Strictness::AcceptNew, "{word}");
        }
        for word in ["yes", "ask"] {
            let target = resolved(&format!("StrictHostKeyChecking {word}\n"), "web1", &Overrides::default());
            assert_eq!(target.strictness, Strictness::Strict, "{word}");
        }
    }

    #[test]
    fn recipe_over_configuration_over_defaults() {
        let config = "Host web*\n User conf\n Port 2200\n HostName %h.example\n IdentityFile ~/.ssh/%r_%h\n \
                      StrictHostKeyChecking accept-new\n ForwardAgent yes\n";
        let plain = resolved(config, "web1", &Overrides::default());
        assert_eq!((plain.name.as_str(), plain.host.as_str()), ("web1", "web1.example"));
        assert_eq!((plain.user.as_str(), plain.port), ("conf", 2200));
        assert_eq!(plain.identity_files, named(vec!["/home/ann/.ssh/conf_web1.example".into()]));
        assert_eq!((plain.strictness, plain.forward_agent), (Strictness::AcceptNew, true));
        let overrides = Overrides {
            user: Some("deploy".into()),
            port: Some(22),
            strictness: Some(Strictness::Strict),
            forward_agent: Some(false),
            ..Overrides::default()
        };
        let over = resolved(config, "web1", &overrides);
        assert_eq!((over.user.as_str(), over.port), ("deploy", 22));
        assert_eq!((over.strictness, over.forward_agent), (Strictness::Strict, false));
        let other = resolved(config, "db1", &Overrides::default());
        assert_eq!((other.user.as_str(), other.port, other.host.as_str()), ("ann", 22, "db1"));
        assert_eq!(other.identity_files.len(), 3);
    }

    #[test]
    fn jump_hosts_are_resolved_like_hosts() {
        let config = "Host bastion\n User gate\n HostName gate.example\n ProxyJump outer\nHost web1\n ProxyJump bastion,second:2222\n";
        let target = resolved(config, "web1", &Overrides::default());
        let Proxy::Jump(hops) = target.proxy else { panic!("no jump") };
        let hops: Vec<_> = hops.iter().map(|h| format!("{}@{}:{}", h.user, h.host, h.port)).collect();
        assert_eq!(hops, ["ann@outer:22", "gate@gate.example:22", "ann@second:2222"]);
    }

    #[test]
    fn jump_hosts_that_point_at_each_other_are_refused() {
        let config = SshConfig::from_text("config", "Host a\n ProxyJump b\nHost b\n ProxyJump a\n", environment());
        assert!(resolve("a", &Overrides::default(), &config).is_err());
    }

    #[test]
    fn a_proxy_command_gets_its_tokens_but_no_shell_words() {
        let config = "Host *\n ProxyCommand nc -X 5 %h %p\n";
        let target = resolved(config, "web1", &Overrides::default());
        assert!(matches!(target.proxy, Proxy::Command(c) if c == "nc -X 5 web1 22"));
        let config = SshConfig::from_text("config", config, environment());
        assert!(resolve("web1;id", &Overrides::default(), &config).is_err());
    }

    #[test]
    fn host_specs() {
        let cases = [
            ("web1", Some((None, "web1", None))),
            ("ann@web1:2222", Some((Some("ann"), "web1", Some(2222)))),
            ("ssh://ann@web1:2222/", Some((Some("ann"), "web1", Some(2222)))),
            ("[::1]:22", Some((None, "::1", Some(22)))),
            ("::1", Some((None, "::1", None))),
            ("web1:x", None),
            ("@web1", None),
            ("-oProxyCommand=x", None),
            ("", None),
        ];
        for (text, expected) in cases {
            let expected = expected.map(|(user, host, port): (Option<&str>, &str, _)| HostSpec {
                user: user.map(Into::into),
                host: host.into(),
                port,
            });
            assert_eq!(HostSpec::parse(text), expected, "{text:?}");
        }
    }
}
