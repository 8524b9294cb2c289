//! Hosts that cannot be used, on real OpenSSH: certificates, login shells that print, missing tools, sudo, clocks.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use deploy_testbed::{FleetSpec, HostSpec, LoginShell, RunAs};

use crate::hosts::{deployed, refused, trees, unchanged};
use crate::scenarios::check_live;
use crate::support::{ALL, Stage};

macro_rules! stage {
    () => {
        match deployed(FleetSpec::sshd(), "sshd") {
            Some(stage) => stage,
            None => return,
        }
    };
}

fn keygen(args: &[&str]) {
    let output = Command::new("ssh-keygen").arg("-q").args(args).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Gives a host a certificate of this kind, and starts it anew.
fn certify(stage: &Stage, host: &str, authority: &str, more: &[&str]) {
    let root = stage.fleet.host(host).unwrap().root.clone().unwrap();
    let public = root.join("etc/ssh/ssh_host_ed25519_key.pub");
    keygen(&[&["-h", "-s", authority, "-I", host, "-z", "77"], more, &[public.to_str().unwrap()]].concat());
    stage.fleet.stop_host(host).unwrap();
    let path = root.join("etc/ssh/sshd_config");
    let line = "HostCertificate /etc/ssh/ssh_host_ed25519_key-cert.pub\n";
    let text = fs::read_to_string(&path).unwrap().replace(line, "");
    fs::write(&path, format!("{line}{text}")).unwrap();
    stage.fleet.start_host(host).unwrap();
}

#[test]
fn certificates_of_hosts() {
    let stage = stage!();
    let before = trees(&stage);
    let authority = stage.project.join("authority");
    let name = authority.to_str().unwrap();
    keygen(&["-t", "ed25519", "-N", "", "-C", "", "-f", name]);
    let public = fs::read_to_string(stage.project.join("authority.pub")).unwrap();
    let known = fs::read_to_string(&stage.fleet.known_hosts).unwrap();
    let others: String = known.lines().filter(|line| !line.contains("web1")).map(|line| format!("{line}\n")).collect();
    fs::write(&stage.fleet.known_hosts, format!("@cert-authority * {public}{others}")).unwrap();
    let address = stage.fleet.host("web1").unwrap().address.to_string();
    for (row, more) in [
        ("HST-05 certificate expired", &["-n", &address, "-V", "20200101:20200201"][..]),
        ("HST-05 certificate not good yet", &["-n", &address, "-V", "20990101:20990201"]),
        ("HST-05 certificate of another host", &["-n", "other.example.com"]),
    ] {
        certify(&stage, "web1", name, more);
        refused(&stage, row, 6, stage.cap(&["deploy"]));
    }
    unchanged(&stage, &before);
    // The same with a good one is a deploy.
    certify(&stage, "web1", name, &["-n", &address]);
    stage.cap(&["deploy"]).expect(0);
}

/// Writes a start-up file that bash reads for commands that come over SSH.
fn start_up(stage: &Stage, host: &str, text: &str) {
    let write = format!("printf '%s\\n' '{text}' >/home/deploy/.bashrc; chown deploy: /home/deploy/.bashrc");
    assert!(stage.fleet.run_as(host, RunAs::Root, &write).unwrap().ok());
}

#[test]
fn start_up_files_that_print_or_never_end() {
    let Some(stage) = deployed(FleetSpec::sshd().with(HostSpec::new("web1").shell(LoginShell::Bash)), "sshd") else {
        return;
    };
    let before = trees(&stage);
    start_up(&stage, "web1", "echo Welcome to web1; sleep 60");
    refused(&stage, "HST-10 a start-up file that never ends", 6, stage.cap(&["deploy"]));
    start_up(&stage, "web1", "echo \"Only for people.\"; exit 0");
    refused(&stage, "HST-10 a start-up file that ends the shell", 6, stage.cap(&["deploy"]));
    start_up(&stage, "web1", "exec cat");
    stage.cap(&["deploy"]).expect(6).says(&["web1.example.com", "did not run sh", "it printed", "next:"]);
    unchanged(&stage, &before);
    start_up(&stage, "web1", "echo Welcome to web1");
    stage.cap(&["deploy"]).expect(0).says(&["prints before it runs commands", "Welcome to web1"]);
}

#[test]
fn tools_that_are_missing_or_refuse() {
    let stage = stage!();
    let git = stage.fleet.host("app1").unwrap().root.clone().unwrap().join("opt/testbed/bin/git");
    fs::write(&git, "#!/bin/sh\necho 'sh: git: not found' >&2\nexit 127\n").unwrap();
    fs::set_permissions(&git, fs::Permissions::from_mode(0o755)).unwrap();
    let before = trees(&stage);
    refused(&stage, "HST-11 a tool is missing", 1, stage.cap(&["deploy"]));
    unchanged(&stage, &before);
}

/// Our own records that the login may not use stand against a deploy, and a check lists them once, with what mends them.
#[test]
fn a_check_finds_records_that_a_deploy_cannot_use() {
    let stage = stage!();
    let state = format!("{}/.capstan", stage.deploy_to());
    let errors = |text: &str| text.matches("\nerror: ").count() + usize::from(text.starts_with("error: "));
    for (mode, path) in [("000", ""), ("500", ""), ("444", "/ledger"), ("200", "/ledger")] {
        let path = format!("{state}{path}");
        let mode_before = stage.on("web2", &format!("stat -c %a {path}"));
        stage.on("web2", &format!("chmod {mode} {path}"));
        stage.cap(&["deploy"]).expect(1).says(&["web2.example.com", &path]);
        let ran = stage.cap(&["deploy:check"]).expect(1);
        let ran = ran.says(&["web2.example.com", &path, "1 thing is in the way", "chmod u+rw"]);
        assert!(!ran.text.contains("ready for a deploy"), "{mode} {path}: {}", ran.text);
        assert_eq!(errors(&ran.text), 2, "the finding and the sum: {}", ran.text);
        stage.on("web2", &format!("chmod {mode_before} {path}"));
        stage.cap(&["deploy:check"]).expect(0).says(&["ready for a deploy"]);
    }
    // What the check itself has found is not told again in the words of a deploy.
    let root = stage.deploy_to();
    stage.on("web1", &format!("chmod 500 {root}/releases; mv {root}/current {root}/kept; mkdir {root}/current"));
    let ran = stage.cap(&["deploy:check"]).expect(1).says(&["2 things are in the way on 1 host"]);
    assert_eq!(errors(&ran.text), 3, "{}", ran.text);
}

/// Clocks that are off are worth a word and change nothing, and the order of releases is right.
#[test]
fn clocks_that_are_off() {
    let stage = stage!();
    for (host, seconds) in [("web2", "3725"), ("db1", "-400")] {
        let date = stage.fleet.host(host).unwrap().root.clone().unwrap().join("opt/testbed/bin/date");
        let text = format!(
            "#!/bin/sh\nn=$(($(/bin/date +%s) + {seconds}))\n[ \"$*\" = +%s ] && echo $n || exec /bin/date \"$@\" -d @$n\n"
        );
        fs::write(&date, text).unwrap();
        fs::set_permissions(&date, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let before = stage.live("web1");
    let ran = stage.cap(&["deploy"]).expect(0);
    assert_eq!(ran.text.matches("clocks differ").count(), 1, "{}", ran.text);
    let ran = ran.says(&["web2.example.com is 1 h 2 min ahead", "db1.example.com is 6 min ", "behind", "NTP"]);
    assert!(!ran.text.contains("web1.example.com is "), "{}", ran.text);
    let live = check_live(&stage, &stage.repo.head().unwrap(), "2");
    assert!(live > before, "{live} after {before}");
    stage.cap(&["deploy:rollback"]).expect(0).says(&["clocks differ"]);
    assert_eq!(stage.live("db1"), before);
}

/// Every host's server gets these lines, which win, and starts anew.
fn configure(stage: &Stage, lines: &str) {
    for host in ALL {
        stage.fleet.stop_host(host).unwrap();
        let path = stage.fleet.host(host).unwrap().root.clone().unwrap().join("etc/ssh/sshd_config");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{lines}\n{text}")).unwrap();
        stage.fleet.start_host(host).unwrap();
    }
}

/// Servers that allow little: one channel, no terminal, no agent, and a text before the login.
#[test]
fn servers_that_allow_little_are_enough() {
    let stage = stage!();
    let little = "MaxSessions 1\nPermitTTY no\nAllowAgentForwarding no\nAllowTcpForwarding no\nX11Forwarding no\nBanner /etc/passwd";
    configure(&stage, little);
    let ran = stage.cap(&["deploy"]).expect(0);
    assert!(!ran.text.contains("/home/deploy:"), "a banner is no output: {}", ran.text);
    check_live(&stage, &stage.repo.head().unwrap(), "2");
    stage.cap(&["deploy:rollback"]).expect(0);
    for host in ALL {
        assert_eq!(stage.on(host, "cat /var/www/my_cool_app/current/VERSION"), "1", "{host}");
    }
}

/// Whatever is asked for, the server runs another command.
#[test]
fn a_forced_command_is_told() {
    let stage = stage!();
    let before = trees(&stage);
    configure(&stage, "ForceCommand echo This account is for backups.");
    let ran = stage.cap(&["deploy"]).expect(6);
    for host in ALL {
        assert!(ran.text.contains(&format!("{host}.example.com")), "{host}: {}", ran.text);
    }
    ran.says(&["it printed \"This account is for backups.\"", "next:"]);
    for host in ALL {
        stage.fleet.stop_host(host).unwrap();
        let path = stage.fleet.host(host).unwrap().root.clone().unwrap().join("etc/ssh/sshd_config");
        let text = fs::read_to_string(&path).unwrap().replace("ForceCommand", "#");
        fs::write(&path, text).unwrap();
        stage.fleet.start_host(host).unwrap();
    }
    unchanged(&stage, &before);
    stage.cap(&["deploy"]).expect(0);
}
