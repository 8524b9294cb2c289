//! Tables, and the same answers as `ssh -G` on generated configurations.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;
use crate::test_support::{Program, program};

fn environment() -> LocalEnvironment {
    LocalEnvironment::current()
}

fn options(text: &str, host: &str) -> HostOptions {
    SshConfig::from_text("config", text, environment()).options_for(host, None).unwrap()
}

#[test]
fn match_blocks_do_not_leak() {
    let text = "Host web1\n Port 1\nMatch host other\n Port 2\n User leak\nHost *\n Port 3\n";
    assert_eq!(options(text, "web1").port, Some(1));
    assert_eq!(options(text, "web1").user, None);
    assert_eq!(options(text, "other").user.as_deref(), Some("leak"));
    assert_eq!(options(text, "db").port, Some(3));
}

#[test]
fn unhonoured_lines_are_named() {
    let text = "Host *\n Ciphers aes128-ctr\n Nonsense yes\n LogLevel DEBUG\nMatch exec \"true\"\n Port 5\n";
    let found = options(text, "web1");
    assert_eq!(found.port, None);
    let names: Vec<_> = found.unhonoured.iter().map(|u| (u.line, u.keyword.as_str(), u.known_to_ssh)).collect();
    assert_eq!(names, [(2, "ciphers", true), (3, "nonsense", false), (5, "match exec", true)]);
}

#[test]
fn errors_name_file_and_line() {
    for (text, problem) in [
        ("\nPort x", "not a port"),
        ("\nHost a\n", ""),
        ("\nUser \"a", "quotes"),
        ("\nMatch host", "no value"),
        ("\nIdentitiesOnly maybe", "neither"),
        ("\nConnectTimeout 5q", "not a time"),
    ] {
        let config = SshConfig::from_text("my config", text, environment());
        match config.options_for("web1", None) {
            Ok(_) => assert_eq!(problem, "", "{text:?}"),
            Err(error) => {
                let message = error.to_string();
                assert!(message.contains("my config:2") && message.contains(problem), "{message}");
            }
        }
    }
}

#[test]
fn times() {
    let time = |text: &str| {
        let found = options(&format!("ConnectTimeout {text}\nConnectTimeout 7"), "a");
        found.connect_timeout.unwrap()
    };
    for (text, seconds) in [("5", 5), ("1m30s", 90), ("2h", 7200), ("none", 7), ("1d", 86_400)] {
        assert_eq!(time(text), Duration::from_secs(seconds), "{text}");
    }
}

#[test]
fn a_named_file_must_exist() {
    let config = SshConfig::from_file("/nonexistent/config", environment());
    assert!(config.options_for("a", None).is_err());
    assert!(SshConfig::none(environment()).options_for("a", None).is_ok());
}

/// What we compare, in the words of `ssh -G`.
fn ours(options: &HostOptions, host: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let environment = environment();
    let mut say = |keyword: &str, value: String| lines.push(format!("{keyword} {value}"));
    let name = options.host_name.clone().unwrap_or_else(|| host.to_ascii_lowercase());
    say("hostname", name);
    say("user", options.user.clone().unwrap_or(environment.user.clone()));
    say("port", options.port.unwrap_or(22).to_string());
    for file in &options.identity_files {
        say("identityfile", file.clone());
    }
    let yes_no = |flag: bool| if flag { "yes" } else { "no" }.to_owned();
    say("identitiesonly", yes_no(options.identities_only.unwrap_or(false)));
    if let Some(agent) = &options.identity_agent {
        say("identityagent", agent.clone());
    }
    if let Some(jump) = options.proxy_jump.as_ref().filter(|j| *j != "none") {
        say("proxyjump", jump.clone());
    }
    if let Some(command) = options.proxy_command.as_ref().filter(|c| *c != "none") {
        say("proxycommand", command.clone());
    }
    let home = |file: &String| environment.expand_tilde(file).to_string_lossy().into_owned();
    if let Some(files) = &options.user_known_hosts_files {
        say("userknownhostsfile", files.iter().map(home).collect::<Vec<_>>().join(" "));
    }
    let checking = match options.strict_host_key_checking {
        Some(HostKeyChecking::Yes) => "true",
        Some(HostKeyChecking::No) => "false",
        Some(HostKeyChecking::AcceptNew) => "accept-new",
        Some(HostKeyChecking::Ask) | None => "ask",
    };
    say("stricthostkeychecking", checking.into());
    if let Some(alias) = &options.host_key_alias {
        say("hostkeyalias", alias.clone());
    }
    let timeout = match options.connect_timeout {
        Some(time) if !time.is_zero() => time.as_secs().to_string(),
        _ => "none".into(),
    };
    say("connecttimeout", timeout);
    say("serveraliveinterval", options.server_alive_interval.unwrap_or_default().as_secs().to_string());
    say("serveralivecountmax", options.server_alive_count_max.unwrap_or(3).to_string());
    let forward = match &options.forward_agent {
        None | Some(ForwardAgent::No) => "no".into(),
        Some(ForwardAgent::Yes) => "yes".into(),
        Some(ForwardAgent::Socket(socket)) => socket.clone(),
    };
    say("forwardagent", forward);
    lines.sort();
    lines
}

/// What `ssh -G` says, reduced to what we compare. `None` if ssh refuses the configuration.
fn theirs(ssh: &Path, file: &Path, host: &str, options: &HostOptions) -> Option<Vec<String>> {
    let output =
        Command::new(ssh).args(["-G", "-F"]).arg(file).args(["--", host]).stdin(Stdio::null()).output().unwrap();
    if !output.status.success() {
        return None;
    }
    let compared = [
        "hostname",
        "user",
        "port",
        "identityfile",
        "identitiesonly",
        "identityagent",
        "proxyjump",
        "proxycommand",
        "userknownhostsfile",
        "stricthostkeychecking",
        "hostkeyalias",
        "connecttimeout",
        "serveraliveinterval",
        "serveralivecountmax",
        "forwardagent",
    ];
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut lines: Vec<String> = text
        .lines()
        .filter(|line| {
            let keyword = line.split(' ').next().unwrap_or_default();
            compared.contains(&keyword)
                // Defaults of ssh that are not part of the configuration.
                && !(keyword == "identityfile" && options.identity_files.is_empty())
                && !(keyword == "userknownhostsfile" && options.user_known_hosts_files.is_none())
        })
        .map(str::to_owned)
        .collect();
    lines.sort();
    Some(lines)
}

fn option_line() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        Just("HostName %h.example"),
        Just("HostName 10.0.0.1"),
        Just("hostname=x%%y"),
        Just("User deploy"),
        Just("USER = \"root\""),
        Just("User ann # comment"),
        Just("Port 2222"),
        Just("port=22"),
        Just("IdentityFile ~/.ssh/a"),
        Just("IdentityFile \"~/.ssh/b c\""),
        Just("IdentityFile %d/x"),
        Just("IdentitiesOnly yes"),
        Just("IdentitiesOnly false"),
        Just("IdentityAgent none"),
        Just("IdentityAgent /tmp/agent"),
        Just("ProxyJump gate"),
        Just("ProxyJump ann@gate:2200,second"),
        Just("ProxyJump none"),
        Just("ProxyCommand nc %h %p"),
        Just("ProxyCommand none"),
        Just("ProxyCommand = nc \"%h\" # x"),
        Just("UserKnownHostsFile ~/a /tmp/b"),
        Just("StrictHostKeyChecking accept-new"),
        Just("StrictHostKeyChecking off"),
        Just("StrictHostKeyChecking yes"),
        Just("HostKeyAlias al"),
        Just("ConnectTimeout 1m10"),
        Just("ConnectTimeout none"),
        Just("ServerAliveInterval 7"),
        Just("ServerAliveCountMax 9"),
        Just("ForwardAgent yes"),
        Just("ForwardAgent no"),
        Just("Compression yes"),
        Just("# note"),
    ];
    (value, prop_oneof![Just(""), Just("  "), Just("\t")]).prop_map(|(value, indent)| format!("{indent}{value}"))
}

fn pattern() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("web1".to_owned()),
        Just("*".into()),
        Just("web*".into()),
        Just("!web1".into()),
        Just("web?".into()),
        Just("db".into()),
        Just("WEB1".into()),
        Just("!db".into())
    ]
}

fn block_line() -> impl Strategy<Value = String> {
    let list = || proptest::collection::vec(pattern(), 1..3).prop_map(|p| p.join(","));
    let criterion = prop_oneof![
        list().prop_map(|l| format!("host {l}")),
        list().prop_map(|l| format!("!host {l}")),
        list().prop_map(|l| format!("originalhost {l}")),
        Just("host *.example".to_owned()),
        Just("host=\"10.0.0.1\"".to_owned()),
        Just("user deploy,ann".to_owned()),
        Just("!user root".to_owned()),
        Just("localuser root".to_owned()),
        Just("final".to_owned()),
        Just("!final".to_owned()),
        Just("canonical".to_owned()),
    ];
    prop_oneof![
        proptest::collection::vec(pattern(), 1..4).prop_map(|p| format!("Host {}", p.join(" "))),
        proptest::collection::vec(criterion, 1..3).prop_map(|c| format!("Match {}", c.join(" "))),
        Just("Match all".to_owned()),
        Just("Match final all".to_owned()),
        Just("Include INCLUDED/*.conf".to_owned()),
        Just("Include INCLUDED/one.conf INCLUDED/missing".to_owned()),
    ]
}

fn text() -> impl Strategy<Value = String> {
    proptest::collection::vec(prop_oneof![3 => option_line(), 1 => block_line()], 0..14)
        .prop_map(|lines| lines.join("\n") + "\n")
}

fn without_include(text: &str) -> String {
    text.lines().filter(|l| !l.starts_with("Include")).collect::<Vec<_>>().join("\n")
}

#[test]
fn answers_as_ssh_does() {
    let Some(ssh) = program(Program::Ssh) else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let included = dir.path().join("included");
    std::fs::create_dir(&included).unwrap();
    let file = dir.path().join("config");
    let host = prop_oneof![Just("web1"), Just("web22"), Just("db"), Just("WEB1")];
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(250) });
    runner
        .run(&(text(), text(), text(), host), |(main, one, two, host)| {
            std::fs::write(&file, main.replace("INCLUDED", &included.to_string_lossy())).unwrap();
            std::fs::write(included.join("one.conf"), without_include(&one)).unwrap();
            std::fs::write(included.join("two.conf"), without_include(&two)).unwrap();
            let answer = SshConfig::from_file(&file, environment()).options_for(host, None);
            match answer {
                Ok(options) => {
                    let expected = theirs(&ssh, &file, host, &options);
                    prop_assert_eq!(expected, Some(ours(&options, host)), "{}", main);
                }
                Err(error) => {
                    let none = theirs(&ssh, &file, host, &HostOptions::default());
                    prop_assert_eq!(none, None, "only we refuse: {}", error);
                }
            }
            Ok(())
        })
        .unwrap();
}
