//! The program for people: up, use, down, and what a killed one leaves.

use std::path::Path;
use std::process::{Command, Output};

use crate::support::installed;

fn testbed(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_testbed")).arg("--dir").arg(dir).args(args).output().unwrap()
}

fn text(out: &Output) -> String {
    String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr)
}

/// A `cap` that shows how it was called.
fn fake_cap(dir: &Path) -> String {
    let path = dir.join("cap");
    std::fs::write(&path, "#!/bin/sh\npwd\necho \"$@\"\nexit 3\n").unwrap();
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    path.display().to_string()
}

#[test]
fn a_detached_fleet_is_used_and_taken_down() {
    if !installed(&["ssh"], "sshd") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let cap = fake_cap(dir.path());
    let fleet = dir.path().join("fleet");
    let up = testbed(&fleet, &["up", "--detach"]);
    assert!(up.status.success(), "{}", text(&up));
    let next = format!("cargo xtask testbed --dir {} deploy deploy:setup\n", fleet.display());
    assert!(text(&up).contains(&next), "{}", text(&up));
    assert!(!testbed(&fleet, &["up", "--detach"]).status.success());

    let ssh = testbed(&fleet, &["ssh", "app2", "echo $USER; exit 4"]);
    assert_eq!((ssh.status.code(), &*ssh.stdout), (Some(4), &b"deploy\n"[..]));
    let commit = testbed(&fleet, &["commit", "2"]);
    assert!(text(&commit).starts_with("version 2 is "), "{}", text(&commit));

    let deploy = testbed(&fleet, &["deploy", "--cap", &cap, "deploy:setup", "-v"]);
    let seen = text(&deploy);
    let fleet_dir = fleet.canonicalize().unwrap();
    let project = fleet_dir.join("project");
    let config = fleet_dir.join("ssh_config");
    assert_eq!(seen, format!("{}\n--ssh-config {} deploy:setup -v\n", project.display(), config.display()));
    assert_eq!(deploy.status.code(), Some(3));
    let recipe = std::fs::read_to_string(project.join("config/deploy.rb")).unwrap();
    assert!(recipe.contains("role :web, \"web1.example.com\", \"web2.example.com\""), "{recipe}");
    assert!(recipe.contains("git://127.0.0.1:"), "{recipe}");

    let down = testbed(&fleet, &["down"]);
    assert!(down.status.success(), "{}", text(&down));
    assert!(!fleet.exists());
    assert!(!testbed(&fleet, &["ssh", "app2", "true"]).status.success());
}

// Processes that lost their parent are found by /proc.
#[cfg(target_os = "linux")]
#[test]
fn a_killed_fleet_is_swept() {
    if !installed(&["ssh"], "sshd") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let fleet = dir.path().join("fleet");
    assert!(testbed(&fleet, &["up", "--hosts", "1", "--detach"]).status.success());
    let start = "setsid sleep 1000 >/dev/null 2>&1 </dev/null & echo $!";
    let ssh = testbed(&fleet, &["ssh", "host1", start]);
    let daemon = String::from_utf8_lossy(&ssh.stdout).trim().to_owned();
    let owner = std::fs::read_to_string(fleet.join("owner")).unwrap();
    let holder = owner.split_whitespace().next().unwrap();
    assert!(Command::new("kill").args(["-KILL", holder]).status().unwrap().success());
    let gone = |pid: &str| {
        // A dead process may still wait for init to collect it.
        std::fs::read_to_string(format!("/proc/{pid}/status"))
            .map_or(true, |s| s.contains("State:\tZ") || s.contains("State:\tX"))
    };
    while !gone(holder) {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert!(!gone(&daemon));
    let down = testbed(&fleet, &["down"]);
    assert!(text(&down).contains("removed what was left"), "{}", text(&down));
    assert!(gone(&daemon));
    assert!(!fleet.exists());
}

/// A socket that takes connections and says nothing, as an engine does that has locked up.
#[test]
fn an_engine_that_answers_nothing_is_named_and_not_waited_for() {
    if !Command::new("docker").arg("--version").output().is_ok_and(|out| out.status.success()) {
        println!("skipped: the program `docker` is not installed");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("engine.sock");
    let _silent = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    for command in ["image", "sweep"] {
        let out = Command::new(env!("CARGO_BIN_EXE_testbed"))
            .arg(command)
            .env("DOCKER_HOST", format!("unix://{}", socket.display()))
            .env("CAPSTAN_TESTBED_ENGINE_SECONDS", "1")
            // The sweep is of an empty place.
            .env("TMPDIR", dir.path())
            .output()
            .unwrap();
        assert!(!out.status.success(), "{}", text(&out));
        for words in ["`docker version", "took longer than 1 s", "restart the engine", "testbed sweep"] {
            assert!(text(&out).contains(words), "{command}: {words:?} is missing: {}", text(&out));
        }
    }
}
