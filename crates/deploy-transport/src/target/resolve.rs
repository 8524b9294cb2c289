//! From what a recipe and ssh_config say about a host to a target.

use std::path::PathBuf;
use std::time::Duration;

use super::spec::HostSpec;
use super::{AgentSource, Algorithms, AuthMethod, IdentityFile, Proxy, Strictness, Target};
use crate::pattern;
use crate::secret::Secret;
use crate::ssh::{check_algorithms, is_variable_name};
use crate::ssh_config::{
    AddressFamily, AlgorithmList, ForwardAgent, HostKeyChecking, HostOptions, SshConfig, SshConfigError, TokenError,
    Tokens, is_harmless_in_shell,
};

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
    /// Private keys as text (`:key_data`). With them the standard key files are left out.
    pub key_data: Vec<Secret>,
    /// Only these keys (`:keys_only`)?
    pub identities_only: Option<bool>,
    /// Whether an agent may be asked at all (`:use_agent`).
    pub use_agent: Option<bool>,
    /// Ways to log in (`:auth_methods`).
    pub auth_methods: Option<Vec<AuthMethod>>,
    /// The password.
    pub password: Option<Secret>,
    /// The passphrase of the keys (`:passphrase`).
    pub passphrase: Option<Secret>,
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
    /// Certificates for the keys, as in `CertificateFile` (`:keycerts`).
    pub certificate_files: Option<Vec<String>>,
    /// Ciphers in order (`:encryption`).
    pub ciphers: Option<AlgorithmList>,
    /// Key exchange algorithms in order (`:kex`).
    pub kex: Option<AlgorithmList>,
    /// MACs in order (`:hmac`).
    pub macs: Option<AlgorithmList>,
    /// Host key algorithms in order (`:host_key`).
    pub host_keys: Option<AlgorithmList>,
    /// Compress (`:compression`)?
    pub compression: Option<bool>,
    /// The local address to connect from (`:bind_address`).
    pub bind_address: Option<String>,
    /// Patterns of local variables to pass on (`:send_env`).
    pub send_env: Option<Vec<String>>,
    /// Variables to set (`:set_env`).
    pub set_env: Option<Vec<(String, String)>>,
    /// How often a wrong password is asked for again (`:number_of_password_prompts`).
    pub password_prompts: Option<u32>,
    /// May nobody be asked (`:non_interactive`)?
    pub batch_mode: Option<bool>,
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
    host.clone_into(&mut target.asked);
    target.port = overrides.port.or(options.port).unwrap_or(target.port);
    target.host_key_alias = overrides.host_key_alias.clone().or_else(|| options.host_key_alias.clone());
    let resolver = Resolver { host, overrides, options: &options, config };
    resolver.timing(&mut target);
    resolver.methods(&mut target);
    resolver.network(&mut target)?;
    resolver.algorithms(&mut target)?;
    resolver.environment(&mut target);
    resolver.identities(&mut target)?;
    resolver.agent(&mut target)?;
    resolver.host_keys(&mut target)?;
    resolver.proxy(&mut target, depth)?;
    target.config_file = config.file();
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
        if let Some(attempts) = options.connection_attempts {
            target.connection_attempts = attempts.max(1);
        }
    }

    /// The ways to log in. Those of the recipe count as they are; ssh_config can order them and switch them off.
    fn methods(&self, target: &mut Target) {
        let (overrides, options) = (self.overrides, self.options);
        if let Some(methods) = &overrides.auth_methods {
            target.auth_methods.clone_from(methods);
        } else {
            if let Some(order) = &options.preferred_authentications {
                target.auth_methods = order.split(',').filter_map(AuthMethod::from_name).collect();
            }
            let switched_off = |method: &AuthMethod| {
                let switch = match method {
                    AuthMethod::PublicKey => options.pubkey_authentication,
                    AuthMethod::KeyboardInteractive => options.kbd_interactive_authentication,
                    AuthMethod::Password => options.password_authentication,
                };
                switch == Some(false)
            };
            target.auth_methods.retain(|method| !switched_off(method));
        }
        target.key_data.clone_from(&overrides.key_data);
        target.password.clone_from(&overrides.password);
        target.passphrase.clone_from(&overrides.passphrase);
        target.batch_mode = overrides.batch_mode.or(options.batch_mode).unwrap_or(false);
        if let Some(prompts) = overrides.password_prompts.or(options.password_prompts) {
            target.password_prompts = prompts;
        }
    }

    fn network(&self, target: &mut Target) -> Result<(), ResolveError> {
        target.address_family = self.options.address_family.unwrap_or_default();
        if let Some(address) = self.overrides.bind_address.as_ref().or(self.options.bind_address.as_ref()) {
            let parsed = address.parse().map_err(|_| self.fail(format!("{address:?} is not an address to bind to")))?;
            target.bind_address = Some(parsed);
            if target.address_family == AddressFamily::Any {
                target.address_family = family_of(parsed);
            }
        }
        Ok(())
    }

    fn algorithms(&self, target: &mut Target) -> Result<(), ResolveError> {
        let (overrides, options) = (self.overrides, self.options);
        target.algorithms = Algorithms {
            ciphers: overrides.ciphers.clone().or_else(|| options.ciphers.clone()),
            kex: overrides.kex.clone().or_else(|| options.kex_algorithms.clone()),
            macs: overrides.macs.clone().or_else(|| options.macs.clone()),
            host_keys: overrides.host_keys.clone().or_else(|| options.host_key_algorithms.clone()),
            user_keys: options.pubkey_accepted_algorithms.clone(),
            authorities: options.ca_signature_algorithms.clone(),
            compression: overrides.compression.or(options.compression).unwrap_or(false),
        };
        check_algorithms(&target.algorithms).map_err(|problem| self.fail(problem))
    }

    /// Variables for commands: those of this process that are named, then those that are set.
    fn environment(&self, target: &mut Target) {
        let patterns = self.overrides.send_env.as_ref().unwrap_or(&self.options.send_env);
        let named = |name: &str| is_variable_name(name) && patterns.iter().any(|p| pattern::matches(name, p));
        let mut sent: Vec<(String, String)> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| named(name))
            .collect();
        sent.sort();
        sent.extend_from_slice(self.overrides.set_env.as_ref().unwrap_or(&self.options.set_env));
        target.env = sent;
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
        if !self.overrides.key_data.is_empty() {
            target.identity_files.retain(|file| file.named);
        }
        if let Some(files) = &self.overrides.certificate_files {
            let environment = self.config.environment();
            target.certificate_files = files.iter().map(|file| environment.expand_tilde(file)).collect();
        } else {
            target.certificate_files = self.paths(target, &self.options.certificate_files)?;
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
        target.known_hosts.revoked = match &options.revoked_host_keys {
            Some(file) if file != "none" => Some(self.path(target, file)?),
            _ => None,
        };
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
        for name in [&target.host, &target.user, &self.host.to_owned()] {
            if !is_harmless_in_shell(name) {
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

fn family_of(address: std::net::IpAddr) -> AddressFamily {
    if address.is_ipv4() { AddressFamily::V4 } else { AddressFamily::V6 }
}
