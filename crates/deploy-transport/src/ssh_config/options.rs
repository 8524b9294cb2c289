//! The options that are honoured.

use std::path::PathBuf;
use std::time::Duration;

use super::algorithms::AlgorithmList;
use super::keywords::{IRRELEVANT, KNOWN, canonical};
use super::parse::Directive;
use super::values::*;
use crate::pattern;

/// How strictly host keys are checked (`StrictHostKeyChecking`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostKeyChecking {
    /// `yes`.
    Yes,
    /// `ask`, the default of ssh.
    Ask,
    /// `accept-new`.
    AcceptNew,
    /// `no` or `off`.
    No,
}

/// Whether the agent is passed on (`ForwardAgent`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ForwardAgent {
    /// `no`.
    No,
    /// `yes`.
    Yes,
    /// The socket to pass on, as a path or `$VARIABLE`.
    Socket(String),
}

/// Which addresses are tried (`AddressFamily`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AddressFamily {
    /// Both.
    #[default]
    Any,
    /// IPv4 only.
    V4,
    /// IPv6 only.
    V6,
}

/// A line that would matter but is not honoured.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Unhonoured {
    /// The file.
    pub file: PathBuf,
    /// The line.
    pub line: usize,
    /// The option, as ssh writes it in lower case.
    pub keyword: String,
    /// Does ssh know this option?
    pub known_to_ssh: bool,
}

/// What the configuration says about a host. Values are as written: tokens and `~` are not expanded yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostOptions {
    /// `HostName`, with `%h` and `%%` expanded.
    pub host_name: Option<String>,
    /// `User`.
    pub user: Option<String>,
    /// `Port`.
    pub port: Option<u16>,
    /// `IdentityFile`, all of them in order.
    pub identity_files: Vec<String>,
    /// `IdentitiesOnly`.
    pub identities_only: Option<bool>,
    /// `IdentityAgent`.
    pub identity_agent: Option<String>,
    /// `ProxyJump`; `none` switches it off.
    pub proxy_jump: Option<String>,
    /// `ProxyCommand`; `none` switches it off.
    pub proxy_command: Option<String>,
    /// `UserKnownHostsFile`.
    pub user_known_hosts_files: Option<Vec<String>>,
    /// `GlobalKnownHostsFile`.
    pub global_known_hosts_files: Option<Vec<String>>,
    /// `StrictHostKeyChecking`.
    pub strict_host_key_checking: Option<HostKeyChecking>,
    /// `HostKeyAlias`.
    pub host_key_alias: Option<String>,
    /// `ConnectTimeout`.
    pub connect_timeout: Option<Duration>,
    /// `ServerAliveInterval`; zero means off.
    pub server_alive_interval: Option<Duration>,
    /// `ServerAliveCountMax`.
    pub server_alive_count_max: Option<u32>,
    /// `ForwardAgent`.
    pub forward_agent: Option<ForwardAgent>,
    /// `AddressFamily`.
    pub address_family: Option<AddressFamily>,
    /// `BindAddress`: the local address to connect from.
    pub bind_address: Option<String>,
    /// `CertificateFile`, all of them in order.
    pub certificate_files: Vec<String>,
    /// `Ciphers`.
    pub ciphers: Option<AlgorithmList>,
    /// `KexAlgorithms`.
    pub kex_algorithms: Option<AlgorithmList>,
    /// `MACs`.
    pub macs: Option<AlgorithmList>,
    /// `HostKeyAlgorithms`.
    pub host_key_algorithms: Option<AlgorithmList>,
    /// `PubkeyAcceptedAlgorithms`.
    pub pubkey_accepted_algorithms: Option<AlgorithmList>,
    /// `CASignatureAlgorithms`.
    pub ca_signature_algorithms: Option<AlgorithmList>,
    /// `Compression`.
    pub compression: Option<bool>,
    /// `SendEnv`: patterns of local variables to pass on.
    pub send_env: Vec<String>,
    /// `SetEnv`: variables to set.
    pub set_env: Vec<(String, String)>,
    /// `PubkeyAuthentication`.
    pub pubkey_authentication: Option<bool>,
    /// `PasswordAuthentication`.
    pub password_authentication: Option<bool>,
    /// `KbdInteractiveAuthentication`.
    pub kbd_interactive_authentication: Option<bool>,
    /// `PreferredAuthentications`, as written.
    pub preferred_authentications: Option<String>,
    /// `NumberOfPasswordPrompts`.
    pub password_prompts: Option<u32>,
    /// `BatchMode`: may nobody be asked?
    pub batch_mode: Option<bool>,
    /// `ConnectionAttempts`.
    pub connection_attempts: Option<u32>,
    /// `RevokedHostKeys`; `none` switches it off.
    pub revoked_host_keys: Option<String>,
    /// `CanonicalizeHostname`, which is not honoured if it is true.
    pub canonicalize_host_name: Option<bool>,
    /// `IgnoreUnknown`: patterns of options that nobody is to be told of.
    pub ignore_unknown: Option<String>,
    /// `Tag`, for `Match tagged`.
    pub tag: Option<String>,
    /// Lines for this host that would matter but are not honoured.
    pub unhonoured: Vec<Unhonoured>,
}

/// What became of a line.
pub(super) enum Applied {
    Done,
    Unhonoured { known_to_ssh: bool },
}

impl HostOptions {
    /// Takes a line into account if its option has no value yet. An error is a value that ssh would refuse, too.
    pub(super) fn apply(&mut self, directive: &Directive) -> Result<Applied, String> {
        match canonical(&directive.keyword) {
            "hostname" => first(&mut self.host_name, text(directive)?),
            "user" => first(&mut self.user, text(directive)?),
            "port" => first(&mut self.port, port(&text(directive)?)?),
            "identityfile" => {
                push_new(&mut self.identity_files, text(directive)?);
            }
            "identitiesonly" => first(&mut self.identities_only, flag(directive)?),
            "identityagent" => first(&mut self.identity_agent, text(directive)?),
            "proxycommand" if self.proxy_jump.as_deref().is_none_or(is_none) => {
                first(&mut self.proxy_command, rest(directive)?);
            }
            "proxyjump" if self.proxy_command.is_none() => {
                first(&mut self.proxy_jump, rest(directive)?);
            }
            "proxycommand" | "proxyjump" => {}
            "userknownhostsfile" => first(&mut self.user_known_hosts_files, files(directive)?),
            "globalknownhostsfile" => first(&mut self.global_known_hosts_files, files(directive)?),
            "stricthostkeychecking" => first(&mut self.strict_host_key_checking, checking(directive)?),
            "hostkeyalias" => first(&mut self.host_key_alias, text(directive)?),
            "connecttimeout" => first_of(&mut self.connect_timeout, time(directive)?),
            "serveraliveinterval" => first_of(&mut self.server_alive_interval, time(directive)?),
            "serveralivecountmax" => first(&mut self.server_alive_count_max, number(directive)?),
            "forwardagent" => first(&mut self.forward_agent, forward_agent(directive)?),
            "canonicalizehostname" => {
                let wanted = canonicalize(directive)?;
                if wanted && *self.canonicalize_host_name.get_or_insert(wanted) {
                    return Ok(Applied::Unhonoured { known_to_ssh: true });
                }
                first(&mut self.canonicalize_host_name, wanted);
            }
            _ => return self.apply_login(directive),
        }
        Ok(Applied::Done)
    }

    /// Options about logging in and variables.
    fn apply_login(&mut self, directive: &Directive) -> Result<Applied, String> {
        match canonical(&directive.keyword) {
            "certificatefile" => push_new(&mut self.certificate_files, text(directive)?),
            "sendenv" => self.send(names(directive)?),
            "setenv" => {
                let set = assignments(directive)?;
                if self.set_env.is_empty() {
                    self.set_env = set;
                }
            }
            "pubkeyauthentication" => first(&mut self.pubkey_authentication, public_key_flag(directive)?),
            "passwordauthentication" => first(&mut self.password_authentication, flag(directive)?),
            "kbdinteractiveauthentication" => first(&mut self.kbd_interactive_authentication, flag(directive)?),
            "preferredauthentications" => first(&mut self.preferred_authentications, text(directive)?),
            "numberofpasswordprompts" => first(&mut self.password_prompts, number(directive)?),
            "batchmode" => first(&mut self.batch_mode, flag(directive)?),
            "revokedhostkeys" => first(&mut self.revoked_host_keys, text(directive)?),
            "ignoreunknown" => first(&mut self.ignore_unknown, text(directive)?),
            "tag" => first(&mut self.tag, text(directive)?),
            _ => return self.apply_wire(directive),
        }
        Ok(Applied::Done)
    }

    /// Options about the connection itself, and those that nobody honours.
    fn apply_wire(&mut self, directive: &Directive) -> Result<Applied, String> {
        let algorithms = || text(directive).map(AlgorithmList::new);
        match canonical(&directive.keyword) {
            "addressfamily" => first(&mut self.address_family, address_family(directive)?),
            "bindaddress" => first(&mut self.bind_address, text(directive)?),
            "compression" => first(&mut self.compression, flag(directive)?),
            "connectionattempts" => first(&mut self.connection_attempts, number(directive)?),
            "ciphers" => first(&mut self.ciphers, algorithms()?),
            "kexalgorithms" => first(&mut self.kex_algorithms, algorithms()?),
            "macs" => first(&mut self.macs, algorithms()?),
            "hostkeyalgorithms" => first(&mut self.host_key_algorithms, algorithms()?),
            "pubkeyacceptedalgorithms" => first(&mut self.pubkey_accepted_algorithms, algorithms()?),
            "casignaturealgorithms" => first(&mut self.ca_signature_algorithms, algorithms()?),
            keyword if IRRELEVANT.contains(&keyword) => {}
            keyword => {
                let known_to_ssh = KNOWN.contains(&keyword);
                let ignored = self.ignore_unknown.as_deref().unwrap_or_default();
                if known_to_ssh || pattern::matches_host_list(keyword, ignored) != pattern::ListMatch::Yes {
                    return Ok(Applied::Unhonoured { known_to_ssh });
                }
            }
        }
        Ok(Applied::Done)
    }
}

impl HostOptions {
    /// Adds patterns of variables to pass on; one with a `-` takes back what it matches.
    fn send(&mut self, names: Vec<String>) {
        for name in names {
            match name.strip_prefix('-') {
                Some(pattern) => self.send_env.retain(|sent| !pattern::matches(sent, pattern)),
                None => self.send_env.push(name),
            }
        }
    }
}

fn push_new(list: &mut Vec<String>, value: String) {
    if !list.contains(&value) {
        list.push(value);
    }
}

fn first<T>(slot: &mut Option<T>, value: T) {
    slot.get_or_insert(value);
}

/// The same for values that may say nothing.
fn first_of<T>(slot: &mut Option<T>, value: Option<T>) {
    if slot.is_none() {
        *slot = value;
    }
}

fn is_none(value: &str) -> bool {
    value.eq_ignore_ascii_case("none")
}
