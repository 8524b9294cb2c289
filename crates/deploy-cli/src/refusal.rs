//! A connection that did not come about, in four parts.

use deploy_plan::{Problem, ProblemKind};
use deploy_shell::Argv;
use deploy_transport::known_hosts::RecordedKey;
use deploy_transport::target::Proxy;
use deploy_transport::{ConnectError, ConnectErrorKind, KeyFileProblem, Target};

use crate::dial::chain;

/// The problem that a refused connection is to its user.
pub(crate) fn problem(target: &Target, error: &ConnectError) -> Problem {
    let endpoint = &error.endpoint;
    let mut why = why(&error.kind);
    if error.attempts > 1 {
        why.push_str(&format!(" (tried {} times)", error.attempts));
    }
    let what = format!("connect to {endpoint} as {}", endpoint.user);
    Problem::new(kind(&error.kind), what, why).next(next(target, &target.asked, error))
}

fn kind(kind: &ConnectErrorKind) -> ProblemKind {
    match kind {
        ConnectErrorKind::Settings(_)
        | ConnectErrorKind::KeyFile { .. }
        | ConnectErrorKind::KnownHostsFile { .. }
        | ConnectErrorKind::ProxyCommand { .. } => ProblemKind::Usage,
        _ => ProblemKind::Connect,
    }
}

fn why(kind: &ConnectErrorKind) -> String {
    let mut text = chain(kind);
    match kind {
        ConnectErrorKind::HostKeyUnknown(key) => {
            let files: Vec<String> = key.files.iter().map(|file| file.display().to_string()).collect();
            text.push_str(&format!("; looked in {}", files.join(", ")));
            if !key.other_types.is_empty() {
                text.push_str(&format!("; keys of other types are recorded: {}", places(&key.other_types)));
            }
        }
        ConnectErrorKind::HostKeyChanged { recorded, .. } if recorded.len() > 1 => {
            text.push_str(&format!("; all of them: {}", places(recorded)));
        }
        _ => {}
    }
    text
}

fn places(keys: &[RecordedKey]) -> String {
    let places: Vec<String> =
        keys.iter().map(|key| format!("{} {} ({})", key.place(), key.fingerprint, key.key_type)).collect();
    places.join(", ")
}

/// What to do about it. `asked` is the host of the recipe on whose account the target was connected to: itself, or one behind it.
fn next(target: &Target, asked: &str, error: &ConnectError) -> String {
    let by_hand = by_hand(target);
    match &error.kind {
        ConnectErrorKind::Settings(_) => "mend the host's name, :user or :ssh_options in the recipe".to_owned(),
        ConnectErrorKind::Resolve(_) => {
            format!("look for a spelling mistake in the recipe, or add a HostName to {}", configuration(target))
        }
        ConnectErrorKind::Refused(_) => {
            format!("see whether sshd runs there and on that port (`set :port`); by hand: {by_hand}")
        }
        ConnectErrorKind::Unreachable(_) | ConnectErrorKind::TimedOut { .. } => {
            format!("see whether the host is up and the way to it open; by hand: {by_hand}")
        }
        ConnectErrorKind::ResetBeforeBanner => {
            "wait a minute (MaxStartups, fail2ban) and see the host's own log".to_owned()
        }
        ConnectErrorKind::NotSsh(_) => "see whether the port is right (`set :port`)".to_owned(),
        ConnectErrorKind::HostKeyUnknown(key) => {
            unknown_key(asked, &key.line, key.files.first().map(|file| file.display().to_string()))
        }
        ConnectErrorKind::HostKeyChanged { recorded, .. } => {
            let place = recorded.first().map(RecordedKey::place).unwrap_or_default();
            format!(
                "find out why before anything else: it may not be your host. If it was set up anew, remove {place} and record the new key"
            )
        }
        ConnectErrorKind::HostKeyRevoked { recorded, .. } => {
            format!("do not connect; somebody marked this key as stolen in {}", recorded.place())
        }
        ConnectErrorKind::HostCertificate { certificate, .. } => {
            let place = certificate.authority.place();
            format!(
                "have a new certificate made for the host by the authority of {place}; find out first why this one is shown"
            )
        }
        ConnectErrorKind::KnownHostsFile { path, .. } => format!("make {} readable", path.display()),
        ConnectErrorKind::AuthRefused { user, .. } => {
            format!(
                "see whether {user} is the right login (`set :user`) and one of these keys is in its authorized_keys; by hand: {by_hand}"
            )
        }
        ConnectErrorKind::KeyFile { path, problem } => key_file(&path.display().to_string(), problem, target),
        ConnectErrorKind::Jump { hop, source } => match hops(target).iter().find(|host| host.name == *hop) {
            Some(host) => format!("on the jump host {hop}: {}", next(host, asked, source)),
            None => format!("see whether {hop} can be logged in to; by hand: {by_hand}"),
        },
        ConnectErrorKind::JumpRefused { hop, .. } => format!(
            "see whether sshd runs there and {hop} reaches that port and may forward (AllowTcpForwarding in its sshd_config); by hand: {by_hand}"
        ),
        ConnectErrorKind::ProxyCommand { .. } => format!("mend ProxyCommand in {}", configuration(target)),
        _ => format!("by hand: {by_hand}"),
    }
}

fn unknown_key(asked: &str, line: &str, file: Option<String>) -> String {
    let file = file.unwrap_or_else(|| "~/.ssh/known_hosts".to_owned());
    format!(
        "compare the fingerprint with that on the host (`ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub` there), then let `cap hosts:trust {asked}` store it for the project, or add this line to {file}:\n{line}"
    )
}

/// The ssh configuration in words.
fn configuration(target: &Target) -> String {
    match &target.config_file {
        Some(file) if file.as_os_str() != "none" => format!("the ssh configuration {}", file.display()),
        _ => "the ssh configuration".to_owned(),
    }
}

fn key_file(path: &str, problem: &KeyFileProblem, target: &Target) -> String {
    match problem {
        _ if path.starts_with("key_data[") => {
            "give ssh_options[:key_data] whole private keys, and :passphrase where they are encrypted".to_owned()
        }
        KeyFileProblem::TooOpen(_) => format!("chmod 600 {path}"),
        KeyFileProblem::Encrypted => format!("add it to your agent: ssh-add {path}"),
        KeyFileProblem::WrongPassphrase => format!("try again, or add it to your agent: ssh-add {path}"),
        KeyFileProblem::Missing => {
            format!("mend the path (:keys in the recipe, IdentityFile in {})", configuration(target))
        }
        _ => format!("look at it with ssh-keygen -y -f {path}"),
    }
}

/// The jump hosts on the way.
fn hops(target: &Target) -> &[Target] {
    match &target.proxy {
        Proxy::Jump(hops) => hops,
        Proxy::Direct | Proxy::Command(_) => &[],
    }
}

/// The command that tries the same by hand, with the same configuration and through the same hosts: ssh knows nothing of a
/// recipe's gateway.
fn by_hand(target: &Target) -> String {
    let mut ssh = Argv::new("ssh");
    if let Some(file) = &target.config_file {
        ssh = ssh.arg("-F").arg(file.display().to_string());
    }
    if target.port != 22 {
        ssh = ssh.arg("-p").arg(target.port.to_string());
    }
    let hops: Vec<String> = hops(target).iter().map(|hop| format!("{}@{}:{}", hop.user, hop.asked, hop.port)).collect();
    if !hops.is_empty() {
        ssh = ssh.arg("-J").arg(hops.join(","));
    }
    // By the name that the configuration knows, or it would not apply.
    let login = format!("{}@{}", target.user, target.asked);
    ssh.arg(&login).to_sh().unwrap_or_else(|_| format!("ssh {login}"))
}
