//! The options that are honoured, and how their values are read.

use std::path::PathBuf;
use std::time::Duration;

use super::parse::Directive;

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
    /// Lines for this host that would matter but are not honoured.
    pub unhonoured: Vec<Unhonoured>,
}

/// Options that ssh knows and that mean nothing to a program that runs commands without a person at a terminal.
const IRRELEVANT: &[&str] = &[
    "addkeystoagent",
    "batchmode",
    "checkhostip",
    "clearallforwardings",
    "controlmaster",
    "controlpath",
    "controlpersist",
    "dynamicforward",
    "enableescapecommandline",
    "enablesshkeysign",
    "escapechar",
    "exitonforwardfailure",
    "fingerprinthash",
    "forkafterauthentication",
    "forwardx11",
    "forwardx11timeout",
    "forwardx11trusted",
    "gatewayports",
    "hashknownhosts",
    "ignoreunknown",
    "ipqos",
    "keepalive",
    "localcommand",
    "localforward",
    "loglevel",
    "logverbose",
    "nohostauthenticationforlocalhost",
    "numberofpasswordprompts",
    "obscurekeystroketiming",
    "permitlocalcommand",
    "permitremoteopen",
    "remoteforward",
    "requesttty",
    "sessiontype",
    "stdinnull",
    "streamlocalbindmask",
    "streamlocalbindunlink",
    "syslogfacility",
    "tag",
    "tcpkeepalive",
    "tunnel",
    "tunneldevice",
    "updatehostkeys",
    "usekeychain",
    "useprivilegedport",
    "verifyhostkeydns",
    "visualhostkey",
    "xauthlocation",
];

/// Options that ssh knows and that would change something, but are not honoured here.
const KNOWN: &[&str] = &[
    "addressfamily",
    "bindaddress",
    "bindinterface",
    "canonicaldomains",
    "canonicalizefallbacklocal",
    "canonicalizehostname",
    "canonicalizemaxdots",
    "canonicalizepermittedcnames",
    "casignaturealgorithms",
    "certificatefile",
    "channeltimeout",
    "ciphers",
    "compression",
    "connectionattempts",
    "gssapiauthentication",
    "gssapidelegatecredentials",
    "hostbasedacceptedalgorithms",
    "hostbasedauthentication",
    "hostkeyalgorithms",
    "kbdinteractiveauthentication",
    "kbdinteractivedevices",
    "kexalgorithms",
    "knownhostscommand",
    "macs",
    "passwordauthentication",
    "pkcs11provider",
    "preferredauthentications",
    "proxyusefdpass",
    "pubkeyacceptedalgorithms",
    "pubkeyauthentication",
    "rekeylimit",
    "remotecommand",
    "requiredrsasize",
    "revokedhostkeys",
    "securitykeyprovider",
    "sendenv",
    "setenv",
];

/// What became of a line.
pub(super) enum Applied {
    Done,
    Unhonoured { known_to_ssh: bool },
}

impl HostOptions {
    /// Takes a line into account if its option has no value yet. An error is a value that ssh would refuse, too.
    pub(super) fn apply(&mut self, directive: &Directive) -> Result<Applied, String> {
        let keyword = directive.keyword.as_str();
        match keyword {
            "hostname" => first(&mut self.host_name, text(directive)?),
            "user" => first(&mut self.user, text(directive)?),
            "port" => first(&mut self.port, port(&text(directive)?)?),
            "identityfile" => {
                let file = text(directive)?;
                if !self.identity_files.contains(&file) {
                    self.identity_files.push(file);
                }
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
            "userknownhostsfile" => first(&mut self.user_known_hosts_files, list(directive)?),
            "globalknownhostsfile" => first(&mut self.global_known_hosts_files, list(directive)?),
            "stricthostkeychecking" => first(&mut self.strict_host_key_checking, checking(directive)?),
            "hostkeyalias" => first(&mut self.host_key_alias, text(directive)?),
            "connecttimeout" => first_of(&mut self.connect_timeout, time(directive)?),
            "serveraliveinterval" => first_of(&mut self.server_alive_interval, time(directive)?),
            "serveralivecountmax" => first(&mut self.server_alive_count_max, number(directive)?),
            "forwardagent" => first(&mut self.forward_agent, forward_agent(directive)?),
            keyword if IRRELEVANT.contains(&keyword) => {}
            keyword => {
                return Ok(Applied::Unhonoured { known_to_ssh: KNOWN.contains(&keyword) });
            }
        }
        Ok(Applied::Done)
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

fn text(directive: &Directive) -> Result<String, String> {
    match directive.arguments.as_slice() {
        [] => Err(format!("{} has no value", directive.keyword)),
        [value] if value.is_empty() => Err(format!("{} has no value", directive.keyword)),
        [value] => Ok(value.clone()),
        [..] => Err(format!("{} has more than one value", directive.keyword)),
    }
}

fn list(directive: &Directive) -> Result<Vec<String>, String> {
    match directive.arguments.as_slice() {
        [] => Err(format!("{} has no value", directive.keyword)),
        values => Ok(values.to_vec()),
    }
}

fn rest(directive: &Directive) -> Result<String, String> {
    match directive.rest.as_str() {
        "" => Err(format!("{} has no value", directive.keyword)),
        rest => Ok(rest.to_owned()),
    }
}

fn port(value: &str) -> Result<u16, String> {
    match value.parse() {
        Ok(port) if port > 0 => Ok(port),
        _ => Err(format!("{value:?} is not a port number")),
    }
}

fn number(directive: &Directive) -> Result<u32, String> {
    let value = text(directive)?;
    value.parse().map_err(|_| format!("{value:?} is not a number"))
}

fn flag(directive: &Directive) -> Result<bool, String> {
    let value = text(directive)?;
    match value.to_ascii_lowercase().as_str() {
        "yes" | "true" => Ok(true),
        "no" | "false" => Ok(false),
        _ => Err(format!("{} is neither yes nor no: {value:?}", directive.keyword)),
    }
}

fn checking(directive: &Directive) -> Result<HostKeyChecking, String> {
    let value = text(directive)?;
    match value.to_ascii_lowercase().as_str() {
        "yes" | "true" => Ok(HostKeyChecking::Yes),
        "no" | "false" | "off" => Ok(HostKeyChecking::No),
        "ask" => Ok(HostKeyChecking::Ask),
        "accept-new" => Ok(HostKeyChecking::AcceptNew),
        _ => Err(format!("{value:?} is no way to check host keys")),
    }
}

fn forward_agent(directive: &Directive) -> Result<ForwardAgent, String> {
    let value = text(directive)?;
    Ok(match value.to_ascii_lowercase().as_str() {
        "yes" | "true" => ForwardAgent::Yes,
        "no" | "false" => ForwardAgent::No,
        _ => ForwardAgent::Socket(value),
    })
}

/// A time such as `90`, `1m30s` or `2h`. To ssh `none` is the same as not to say anything.
fn time(directive: &Directive) -> Result<Option<Duration>, String> {
    let value = text(directive)?;
    let bad = || format!("{value:?} is not a time");
    if value == "none" {
        return Ok(None);
    }
    let (mut total, mut digits) = (0u64, String::new());
    for c in value.chars() {
        let unit: u64 = match c.to_ascii_lowercase() {
            '0'..='9' => {
                digits.push(c);
                continue;
            }
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            'w' => 604_800,
            _ => return Err(bad()),
        };
        let amount: u64 = digits.parse().map_err(|_| bad())?;
        total = amount.checked_mul(unit).and_then(|t| t.checked_add(total)).ok_or_else(bad)?;
        digits.clear();
    }
    if !digits.is_empty() {
        let amount: u64 = digits.parse().map_err(|_| bad())?;
        total = total.checked_add(amount).ok_or_else(bad)?;
    }
    Ok(Some(Duration::from_secs(total)))
}
