//! Hosts that cannot be had: for each way the whole message, the exit code, and that no host is changed.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use deploy_testbed::FleetSpec;
use deploy_testbed::hostile::{Exchange, Hostile, Message};
use deploy_testbed::repo::Scm;
use fancy_regex::Regex;

use crate::sshd_logins::{config_without_key, with_config};
use crate::support::{ALL, RECIPE, Ran, Stage, start};

/// What a run said of its failure, with what differs from run to run replaced by words.
pub fn failure(stage: &Stage, ran: &Ran) -> String {
    let begin = ran.text.find("error:").unwrap_or_else(|| panic!("no error:\n{}", ran.text));
    let mut text = ran.text[begin..].replace(&stage.project.display().to_string(), "PROJECT");
    let fleet = stage.fleet.ssh_config.parent().unwrap().display().to_string();
    text = text.replace(&fleet, "FLEET");
    for (pattern, word) in [
        (r"SHA256:[A-Za-z0-9+/]{43}", "SHA256:…"),
        (r"AAAA[A-Za-z0-9+/=]{40,}", "AAAA…"),
        (r"127\.\d+\.\d+\.\d+", "ADDRESS"),
        (r"(?<=[a-zA-Z\]]):\d{4,5}\b", ":PORT"),
        (r"-p \d{4,5}", "-p PORT"),
        (r"\b\d+(\.\d+)? s\b", "N s"),
        (r"20\d{12}", "RELEASE"),
        (r"\b[0-9a-f]{10}\b", "COMMIT"),
    ] {
        text = Regex::new(pattern).unwrap().replace_all(&text, word).into_owned();
    }
    text
}

/// Every host as it was, the message as it was when it was last read with care, and all four of its parts.
#[track_caller]
pub fn refused(stage: &Stage, row: &str, code: i32, ran: Ran) {
    let ran = ran.expect(code);
    let text = failure(stage, &ran);
    for part in ["error: ", "  where: ", "  why: ", "  next:"] {
        assert!(text.contains(part), "{row} has no {part:?}:\n{}", ran.text);
    }
    insta::assert_snapshot!(row.replace(' ', "_"), text);
}

pub fn trees(stage: &Stage) -> Vec<String> {
    ALL.iter().map(|host| stage.tree(host)).collect()
}

/// Fails with the lines that differ. Our own books (records of the attempt, claims that are swept) are not what is served.
#[track_caller]
pub fn unchanged(stage: &Stage, before: &[String]) {
    let after = trees(stage);
    for (host, (before, after)) in ALL.iter().zip(before.iter().zip(&after)) {
        let served = |text: &str| -> Vec<String> {
            text.lines().filter(|line| !line.contains("./.capstan/")).map(str::to_owned).collect()
        };
        let (before, after) = (served(before), served(after));
        let gone = before.iter().filter(|line| !after.contains(line)).map(|line| format!("- {line}"));
        let new = after.iter().filter(|line| !before.contains(line)).map(|line| format!("+ {line}"));
        let changes: Vec<_> = gone.chain(new).collect();
        assert!(changes.is_empty(), "{host}: {changes:#?}");
    }
}

/// A fleet with something live, and another version to deploy.
pub fn deployed(spec: FleetSpec, layer: &str) -> Option<Stage> {
    let stage = Stage::new(start(spec, layer)?, Scm::Git);
    stage.set_up();
    stage.cap(&["deploy"]).expect(0);
    stage.repo.release("2").unwrap();
    Some(stage)
}

fn embedded() -> Stage {
    deployed(FleetSpec::embedded(), "embedded").unwrap()
}

/// The fleet's ssh_config with lines before it, which win.
pub fn config(stage: &Stage, lines: &str) -> PathBuf {
    let path = stage.project.join("my_ssh_config");
    fs::write(&path, format!("{lines}\n{}", fs::read_to_string(&stage.fleet.ssh_config).unwrap())).unwrap();
    path
}

/// Deploys with such lines.
pub fn deploy_with(stage: &Stage, lines: &str) -> Ran {
    stage.run(with_config(stage, &config(stage, lines), &["deploy"]))
}

/// One host is this server instead.
fn with_server(stage: &Stage, server: &Hostile) -> Ran {
    fs::create_dir_all(stage.project.join("config")).unwrap();
    stage.write("config/known_hosts", &server.known_hosts_line("127.0.0.1"));
    let port = server.address().port();
    deploy_with(stage, &format!("Host web2.example.com\n  HostName 127.0.0.1\n  Port {port}\n"))
}

#[test]
fn embedded_names_and_ports() {
    let stage = embedded();
    let before = trees(&stage);
    let elsewhere = "Host app1.example.com\n  HostName no-such-host.invalid\n";
    refused(&stage, "HST-01 the name does not resolve", 6, deploy_with(&stage, elsewhere));
    stage.fleet.stop_host("app1").unwrap();
    refused(&stage, "HST-02 connection refused", 6, stage.cap(&["deploy"]));
    stage.fleet.start_host("app1").unwrap();
    let server = Hostile::start(|wire| wire.hang_up()).unwrap();
    refused(&stage, "HST-02 closed before the introduction", 6, with_server(&stage, &server));
    assert_eq!(server.connections(), 5, "tried again before anybody has logged in");
    stage.fleet.faults("db1", |faults| faults.not_ssh = true).unwrap();
    refused(&stage, "HST-02 something else answers", 6, stage.cap(&["deploy"]));
    unchanged(&stage, &before);
}

#[test]
fn embedded_keys_of_hosts() {
    let stage = embedded();
    let before = trees(&stage);
    let known = fs::read_to_string(&stage.fleet.known_hosts).unwrap();
    let other = |text: &str| fs::write(&stage.fleet.known_hosts, text).unwrap();
    let lines: Vec<&str> = known.lines().collect();
    other(&lines[1..].join("\n"));
    refused(&stage, "HST-03 unknown host key", 6, stage.cap(&["deploy"]));
    let key = |line: &str| line.split_once(' ').unwrap().1.to_owned();
    let swapped = known.replacen(&key(lines[0]), &key(lines[1]), 1);
    other(&swapped);
    refused(&stage, "HST-04 host key changed", 6, stage.cap(&["deploy"]));
    other(&format!("{known}@revoked * {}\n", key(lines[0])));
    refused(&stage, "HST-05 host key revoked", 6, stage.cap(&["deploy"]));
    for host in ALL {
        let logins = stage.fleet.stats(host).unwrap().execs.len();
        other(&format!("{known}@revoked * {}\n", key(lines[0])));
        stage.cap(&["invoke", "COMMAND=true", "HOSTS=web1.example.com"]).expect(6);
        assert_eq!(stage.fleet.stats(host).unwrap().execs.len(), logins, "{host}");
    }
    other(&known);
    unchanged(&stage, &before);
}

#[test]
fn embedded_logins() {
    let stage = embedded();
    let before = trees(&stage);
    stage.fleet.faults("web2", |faults| faults.refuse_auth = true).unwrap();
    refused(&stage, "HST-06 login refused", 6, stage.cap(&["deploy"]));
    stage.fleet.faults("web2", |faults| faults.refuse_auth = false).unwrap();
    let key = stage.project.join("key");
    fs::copy(&stage.fleet.identity, &key).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let config = config_without_key(&stage, &format!("Host *\n  IdentityFile {}\n  BatchMode yes\n", key.display()));
    let deploy = || stage.run(with_config(&stage, &config, &["deploy", "HOSTS=web1.example.com"]));
    refused(&stage, "HST-07 a private key that others can read", 2, deploy());
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let lock = ["-q", "-p", "-f", key.to_str().unwrap(), "-P", "", "-N", "sesame-2281"];
    assert!(Command::new("ssh-keygen").args(lock).status().unwrap().success());
    refused(&stage, "HST-07 a private key with a passphrase and nobody to ask", 2, deploy());
    unchanged(&stage, &before);
}

#[test]
fn embedded_servers_that_cannot_be_used() {
    let stage = embedded();
    let before = trees(&stage);
    let server = Hostile::start(|wire| wire.serve_login()).unwrap();
    let port = server.address().port();
    let lines = format!("Host web2.example.com\n  HostName 127.0.0.1\n  Port {port}\n  Ciphers aes128-ctr\n");
    refused(&stage, "HST-08 no common algorithm", 6, deploy_with(&stage, &lines));
    assert_eq!(server.logins(), 0);
    stage.fleet.stop_host("web1").unwrap();
    let jump = "Host app1.example.com app2.example.com\n  ProxyJump web1.example.com\n";
    let behind = ["deploy", "HOSTS=app1.example.com,app2.example.com"];
    let ran = stage.run(with_config(&stage, &config(&stage, jump), &behind));
    refused(&stage, "HST-09 the jump host fails", 6, ran);
    stage.fleet.start_host("web1").unwrap();
    unchanged(&stage, &before);
}

/// One of five speaks SSH well until somebody has logged in. The others keep what they have, and the run ends.
#[test]
fn embedded_servers_that_break_the_protocol() {
    let stage = embedded();
    let before = trees(&stage);
    let noise = Hostile::start(|wire| {
        let channel = wire.serve_until_command()?;
        wire.accept(&channel)?;
        let text = b"Welcome to \x1b[31mweb2\x1b[0m!\r\nLast login: never\n";
        wire.send(&Message::new(94).u32(channel.theirs).string(text))?;
        // It lives, and answers nothing else.
        loop {
            if wire.receive()?.first() == Some(&80) {
                wire.send(&Message::new(82))?;
            }
        }
    });
    refused(&stage, "HST-10 a login shell that prints and runs nothing", 6, with_server(&stage, &noise.unwrap()));
    let garbage = Hostile::start(|wire| {
        let channel = wire.serve_until_command()?;
        wire.accept(&channel)?;
        wire.send(&Message::new(94).u32(channel.theirs).string(&[0, 1, 2, 0xff, 0xfe, b'%', 27, b']']))?;
        wire.send(&Message::new(98).u32(channel.theirs).string(b"exit-status").byte(0).u32(0))?;
        wire.send(&Message::new(97).u32(channel.theirs))
    });
    refused(&stage, "HST-14 garbage and a good end", 6, with_server(&stage, &garbage.unwrap()));
    let flood = Hostile::start(|wire| {
        let channel = wire.serve_until_command()?;
        wire.accept(&channel)?;
        loop {
            wire.send(&Message::new(94).u32(channel.theirs).string(&[b'x'; 30_000]))?;
        }
    });
    let ran = with_server(&stage, &flood.unwrap()).expect(6);
    let text = ran.says(&["web2.example.com", "next:"]).text;
    assert!(text.len() < 20_000, "{} bytes", text.len());
    let strange = Hostile::start(|wire| {
        let channel = wire.serve_until_command()?;
        wire.accept(&channel)?;
        wire.send(&Message::new(91).u32(channel.theirs + 5).u32(0).u32(0).u32(0))
    });
    refused(&stage, "HST-14 channels that nobody opened", 6, with_server(&stage, &strange.unwrap()));
    let keys = Hostile::start(|wire| {
        wire.serve_until_command()?;
        loop {
            wire.exchange_keys(&Exchange::default())?;
        }
    });
    with_server(&stage, &keys.unwrap()).expect(6).says(&["web2.example.com", "next:"]);
    unchanged(&stage, &before);
}

/// Two names of one machine, one directory.
#[test]
fn embedded_two_hosts_that_are_one() {
    let stage = embedded();
    let before = trees(&stage);
    let host = stage.fleet.host("web1").unwrap();
    let lines = format!(
        "Host web2.example.com\n  HostName {}\n  Port {}\n  HostKeyAlias web1.example.com\n",
        host.address, host.port
    );
    let known = fs::read_to_string(&stage.fleet.known_hosts).unwrap();
    let more = format!("web1.example.com {}\n", host.host_key);
    fs::write(&stage.fleet.known_hosts, known + &more).unwrap();
    let own = stage.deploy_to();
    assert!(own.starts_with('~'), "each embedded host has a home of its own: {own}");
    refused(&stage, "HST-15 two hosts share one directory", 2, deploy_with(&stage, &lines));
    unchanged(&stage, &before);
}

/// Whatever is asked of a host whose key is not the recorded one: nobody logs in to it.
#[test]
fn embedded_a_wrong_key_stops_every_command() {
    let stage = embedded();
    stage.cap(&["deploy"]).expect(0);
    let before = trees(&stage);
    stage.fleet.change_host_key("app1").unwrap();
    let begun = stage.fleet.stats("app1").unwrap();
    let (fresh, text) = ("put 'x', '/tmp/never-written'", "\ntask :send_it, :roles => :app do\n  ");
    stage.write("config/deploy.rb", &format!("{}{text}{fresh}\nend\n", RECIPE));
    for words in [
        &["deploy"][..],
        &["deploy:setup"],
        &["deploy:check"],
        &["deploy:rollback"],
        &["deploy:cleanup"],
        &["deploy:restart"],
        &["deploy:lock"],
        &["deploy:unlock"],
        &["send_it"],
        &["invoke", "COMMAND=true"],
        &["ssh", "app1", "true"],
    ] {
        stage.cap(words).expect(6).says(&["app1.example.com", "the host key has changed", "known_hosts:", "next:"]);
    }
    let ended = stage.fleet.stats("app1").unwrap();
    assert_eq!((begun.logins, begun.execs.len()), (ended.logins, ended.execs.len()));
    assert!(ended.connections > begun.connections);
    unchanged(&stage, &before);
}

/// A host that only the command line names, as a hint of another command has it: its key is recorded like the recipe's own.
#[test]
fn embedded_a_host_that_only_the_command_line_names_is_trusted() {
    let fleet = start(FleetSpec::embedded(), "embedded").unwrap();
    let stage = Stage::with(fleet, Scm::Git, &RECIPE.replace("\"web1.example.com\", ", ""));
    fs::write(&stage.fleet.known_hosts, "").unwrap();
    let stored = stage.project.join("config/known_hosts");
    let ls = ["invoke", "COMMAND=echo it is $((6*7))", "HOSTS=web1.example.com"];
    let hint = "hosts:trust web1.example.com HOSTS=web1.example.com`";
    let ran = stage.cap(&ls).expect(6).says(&["is not known", hint]);
    let shown = Regex::new(r"SHA256:[A-Za-z0-9+/]{43}").unwrap();
    let fingerprint = shown.find(&ran.text).unwrap().unwrap().as_str().to_owned();

    // The recipe has no such host, and a name that no other setting knows is none either.
    let none =
        ["where:", "why:", "next:", "the recipe has no host of the name", "name one of the recipe's hosts: web2."];
    stage.cap(&["hosts:trust", "web1.example.com", "--fingerprint", &fingerprint]).expect(2).says(&none);
    let other = ["hosts:trust", "web1.example.com", "HOSTS=app1.example.com", "--fingerprint", &fingerprint];
    stage.cap(&other).expect(2).says(&none);
    let wrong = ["hosts:trust", "web1.example.com", "HOSTS=web1.example.com", "--fingerprint", "SHA256:AAAA"];
    stage.cap(&wrong).expect(6).says(&["none of those given", &fingerprint]);
    assert!(!stored.exists());

    let named = ["hosts:trust", "web1.example.com", "HOSTS=web2.example.com,web1.example.com"];
    stage
        .cap(&[&named[..], &["--fingerprint", &fingerprint]].concat())
        .expect(0)
        .says(&["stored in config/known_hosts"]);
    assert_eq!(fs::read_to_string(&stored).unwrap().lines().count(), 1);
    stage.cap(&ls).expect(0).says(&["it is 42"]);
    assert_eq!(stage.fleet.stats("web2").unwrap().logins, 0);
}

/// What `deploy:setup` has made on the other hosts stays, and it says so.
#[test]
fn embedded_a_setup_that_fails_on_one_host() {
    let stage = Stage::new(start(FleetSpec::embedded(), "embedded").unwrap(), Scm::Git);
    let root = stage.deploy_to();
    stage.on("web2", &format!("mkdir -p {root}/shared && touch {root}/shared/log"));
    let ran = stage.cap(&["deploy:setup"]).expect(1);
    let ran = ran.says(&["where: web2.example.com, task deploy:setup", "why:", "next:", "what was done by then stays"]);
    assert!(!ran.text.contains("nothing changed"), "{}", ran.text);
    for host in ALL.iter().filter(|host| **host != "web2") {
        stage.on(host, &format!("cd {root} && test -d releases && test -d shared/log && ! test -e current"));
    }
    stage.on("web2", &format!("rm {root}/shared/log"));
    stage.cap(&["deploy:setup"]).expect(0);
    stage.cap(&["deploy"]).expect(0);
}
