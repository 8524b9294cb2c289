//! Decisions on tables, and the same look-ups as `ssh-keygen -F` on generated files.

use std::path::Path;
use std::process::{Command, Stdio};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;
use crate::test_support::{Program, program};

const ED1: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
const ED2: &str = "AAAAC3NzaC1lZDI1NTE5AAAAILIG2T/B0l0gaqj3puu510tu9N1OkQ4znY3LYuEm5zCF";
const ECDSA: &str = "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBMHHRyHvWa2oNCzHTDuFSRAPe0yhGbK3Bt3mBkBjhMeKfTlqRB0t4RDGo8gYcRhYbCKXWYAmdLEdJXWBTo1lZ5E=";

fn key(text: &str) -> Vec<u8> {
    BASE64.decode(text.as_bytes()).unwrap()
}

fn hosts(content: &str) -> KnownHosts {
    let mut hosts = KnownHosts::default();
    hosts.add(Path::new("kh"), content);
    hosts
}

fn judge(content: &str, host: &str, port: u16, shown: &str) -> &'static str {
    match hosts(content).judge(host, port, &key(shown)) {
        Decision::Known(_) => "known",
        Decision::Unknown => "unknown",
        Decision::OtherType(_) => "other type",
        Decision::Changed(_) => "changed",
        Decision::Revoked(_) => "revoked",
        Decision::Authority(_) => "authority",
    }
}

#[test]
fn decisions() {
    let plain = format!("web1 ssh-ed25519 {ED1}\n");
    let cases = [
        (plain.clone(), "web1", 22, ED1, "known"),
        (plain.clone(), "WEB1", 22, ED1, "known"),
        (plain.clone(), "web2", 22, ED1, "unknown"),
        (plain.clone(), "web1", 22, ED2, "changed"),
        (plain.clone(), "web1", 22, ECDSA, "other type"),
        // The name without a port makes a key known, but never "changed".
        (plain.clone(), "web1", 2222, ED1, "known"),
        (plain.clone(), "web1", 2222, ED2, "unknown"),
        (format!("[web1]:2222 ssh-ed25519 {ED1}\n"), "web1", 2222, ED1, "known"),
        (format!("[web1]:2222 ssh-ed25519 {ED1}\n"), "web1", 2222, ED2, "changed"),
        (format!("[web1]:2222 ssh-ed25519 {ED1}\n"), "web1", 22, ED1, "unknown"),
        (format!("*.example,!db.example\tssh-ed25519\t{ED1}\n"), "a.example", 22, ED1, "known"),
        (format!("*.example,!db.example ssh-ed25519 {ED1}\n"), "db.example", 22, ED1, "unknown"),
        (format!("web? ssh-ed25519 {ED1}\n"), "web1", 22, ED1, "known"),
        // Two recorded keys of one type: either will do.
        (format!("{plain}web1 ssh-ed25519 {ED2}\n"), "web1", 22, ED2, "known"),
        // A revoked key is refused even if it is also listed plainly, in either order and by pattern.
        (format!("{plain}@revoked * ssh-ed25519 {ED1}\n"), "web1", 22, ED1, "revoked"),
        (format!("@revoked web1 ssh-ed25519 {ED1}\n{plain}"), "web1", 22, ED1, "revoked"),
        (format!("@revoked * ssh-ed25519 {ED1}\n"), "web1", 2222, ED1, "revoked"),
        (format!("@revoked web1 ssh-ed25519 {ED2}\n{plain}"), "web1", 22, ED1, "known"),
        (format!("@cert-authority *.example ssh-ed25519 {ED1}\n"), "a.example", 22, ED1, "authority"),
        // Lines that cannot be read do not hide the others.
        (format!("web1 ssh-ed25519 %%%\nweb1\n{plain}"), "web1", 22, ED1, "known"),
        (String::new(), "web1", 22, ED1, "unknown"),
    ];
    for (content, host, port, shown, expected) in cases {
        assert_eq!(judge(&content, host, port, shown), expected, "{host}:{port} in {content:?}");
    }
}

#[test]
fn changed_names_file_and_line() {
    let content = format!("# first\n\nweb1 ssh-ed25519 {ED1}\n");
    let Decision::Changed(recorded) = hosts(&content).judge("web1", 22, &key(ED2)) else {
        panic!("not changed");
    };
    assert_eq!(recorded[0].place(), "kh:3");
    assert!(recorded[0].fingerprint.to_string().starts_with("SHA256:"));
}

#[test]
fn lines_for_names_the_host_plainly() {
    let content = format!("*.example ssh-ed25519 {ED1}\n@cert-authority * ssh-ed25519 {ED2}\n");
    assert_eq!(
        hosts(&content).lines_for("git.example", 22),
        [format!("git.example ssh-ed25519 {ED1}"), format!("@cert-authority git.example ssh-ed25519 {ED2}")]
    );
    let ported = hosts(&content).lines_for("git.example", 2222);
    assert!(ported.contains(&format!("[git.example]:2222 ssh-ed25519 {ED1}")));
    // What is recorded for the port alone counts, as it does when we connect ourselves.
    let both = format!("git ssh-ed25519 {ED1}\n[git]:2222 ssh-ed25519 {ED2}\n");
    assert_eq!(hosts(&both).lines_for("git", 2222), [format!("[git]:2222 ssh-ed25519 {ED2}")]);
    assert_eq!(hosts(&content).key_types("git.example", 22), ["ssh-ed25519"]);
}

#[test]
fn a_missing_file_is_empty_and_an_unreadable_one_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("missing");
    assert!(KnownHosts::read([&missing]).is_ok());
    assert_eq!(KnownHosts::read([dir.path()]).unwrap_err().0, dir.path());
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-c]{1,2}", "[a-c]\\.[a-c]", "\\[[a-c]\\]:222[2-4]"]
}

fn pattern_list() -> impl Strategy<Value = String> {
    let pattern = prop_oneof![name(), "!?[a-c*?]{1,3}", "\\*\\.[a-c]", "\\[[a-c*]\\]:222[2-4*]"];
    proptest::collection::vec(pattern, 1..4).prop_map(|p| p.join(","))
}

/// Lines of a file: hosts, marker, key and separator.
fn lines() -> impl Strategy<Value = Vec<String>> {
    let line = (
        prop_oneof![4 => Just(""), 1 => Just("@revoked "), 1 => Just("@cert-authority ")],
        pattern_list(),
        prop_oneof![Just(' '), Just('\t')],
        0..3usize,
    )
        .prop_map(|(marker, hosts, separator, key)| {
            let key = [
                format!("ssh-ed25519{separator}{ED1}"),
                format!("ssh-ed25519{separator}{ED2} comment"),
                format!("ecdsa-sha2-nistp256{separator}{ECDSA}"),
            ][key]
                .clone();
            format!("{marker}{hosts}{separator}{key}")
        });
    let junk = prop_oneof![Just(String::new()), Just("# note".into()), Just("zz ssh-ed25519 !!".into())];
    proptest::collection::vec(prop_oneof![6 => line, 1 => junk], 1..8)
}

/// The numbers of the lines that `ssh-keygen -F` finds.
fn found_by_keygen(keygen: &Path, file: &Path, name: &str) -> Vec<usize> {
    let output = Command::new(keygen).args(["-F", name, "-f"]).arg(file).stdin(Stdio::null()).output().unwrap();
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter(|l| l.starts_with("# Host"))
        .filter_map(|l| l.split("line ").nth(1)?.split(' ').next()?.parse().ok())
        .collect()
}

#[test]
fn finds_the_same_lines_as_ssh_keygen() {
    let Some(keygen) = program(Program::SshKeygen) else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("kh");
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(120) });
    runner
        .run(&(lines(), name(), any::<bool>()), |(lines, name, hash)| {
            std::fs::write(&file, lines.join("\n") + "\n").unwrap();
            if hash {
                let done = Command::new(&keygen).args(["-H", "-f"]).arg(&file).output().unwrap();
                prop_assert!(done.status.success() || !done.stderr.is_empty());
            }
            let known = KnownHosts::read([&file]).unwrap();
            let ours: Vec<usize> = known.lines_matching(&name).map(|(_, line)| line.number).collect();
            prop_assert_eq!(found_by_keygen(&keygen, &file, &name), ours);
            Ok(())
        })
        .unwrap();
}
