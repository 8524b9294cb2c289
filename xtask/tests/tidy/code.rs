//! Who may print, spawn or look at a clock, and what every file begins with.

use std::fs;

use crate::support::{manifest, names_in, shown, sources};

#[test]
fn every_file_says_what_it_is_for() {
    let wrong: Vec<String> = sources()
        .iter()
        .filter(|path| {
            let text = fs::read_to_string(path).unwrap();
            !text.trim_start_matches("#!/usr/bin/env").starts_with("//!")
        })
        .map(|path| shown(path))
        .collect();
    assert!(wrong.is_empty(), "these files do not begin with a //! line: {wrong:#?}");
}

#[test]
fn files_stay_readable() {
    let wrong: Vec<String> = sources()
        .iter()
        .map(|path| (shown(path), fs::read_to_string(path).unwrap().lines().count()))
        .filter(|(_, lines)| *lines > 800)
        .map(|(name, lines)| format!("{name}: {lines} lines"))
        .collect();
    assert!(wrong.is_empty(), "split by meaning: {wrong:#?}");
}

/// Lines of library code (up to the unit tests) that hold one of the words.
fn library_lines_with(words: &[&str], exempt: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for path in sources() {
        let name = shown(&path);
        let in_tests = name.contains("/tests/") || name.ends_with("tests.rs") || name.contains("test_support");
        let library = name.starts_with("crates/") && !in_tests;
        if !library || exempt.iter().any(|prefix| name.starts_with(prefix)) {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for (number, line) in text.lines().take_while(|line| line.trim() != "#[cfg(test)]").enumerate() {
            let code = line.trim_start();
            if !code.starts_with("//") && words.iter().any(|word| code.contains(word)) {
                found.push(format!("{name}:{}: {code}", number + 1));
            }
        }
    }
    found
}

#[test]
fn only_the_binary_prints_and_exits() {
    let words = ["println!(", "eprintln!(", "print!(", "eprint!(", "process::exit(", "io::stdout()", "io::stderr()"];
    let found = library_lines_with(&words, &["crates/deploy-cli/", "crates/deploy-report/"]);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn only_the_transport_spawns_and_connects() {
    let words = ["process::Command", "TcpStream", "TcpListener", "UnixStream", "UdpSocket", "Command::new("];
    let found = library_lines_with(&words, &["crates/deploy-transport/", "crates/deploy-plan/"]);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn only_the_clock_looks_at_the_time() {
    let words = ["Instant::now(", "SystemTime::now(", "Zoned::now(", "Timestamp::now("];
    let found = library_lines_with(&words, &["crates/deploy-cli/src/clock.rs", "crates/deploy-transport/"]);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn pure_crates_stay_pure() {
    let words = ["std::fs", "tokio::", "std::env::", "std::thread"];
    for name in ["shell", "inventory", "ruby", "plan", "release", "scm"] {
        let manifest = manifest(&format!("deploy-{name}"));
        let depends = names_in(&manifest, "dependencies");
        assert!(!depends.iter().any(|d| d == "tokio" || d == "russh"), "deploy-{name} must stay pure: {depends:?}");
    }
    let impure = ["crates/deploy-transport/", "crates/deploy-engine/", "crates/deploy-cli/", "crates/deploy-report/"];
    let found = library_lines_with(&words, &[&impure[..], &["crates/deploy-recipe/"]].concat());
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn nothing_unfinished_is_left() {
    let words = ["todo!(", "unimplemented!(", "FIXME", "XXX"];
    let found = library_lines_with(&words, &[]);
    assert!(found.is_empty(), "{found:#?}");
}

/// `cargo xtask test` does not look for tests there.
#[test]
fn programs_hold_no_tests() {
    let programs = sources().into_iter().filter(|path| {
        let name = shown(path);
        name.contains("/src/bin/") || name.starts_with("xtask/src/")
    });
    let wrong: Vec<String> = programs
        .filter(|path| fs::read_to_string(path).unwrap().contains("#[test]"))
        .map(|path| shown(&path))
        .collect();
    assert!(wrong.is_empty(), "their tests would not be run: {wrong:#?}");
}
