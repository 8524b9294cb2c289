//! Embedded hosts, seen with the real `ssh` client.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::{installed, reached_by_ssh, ssh};
use deploy_testbed::FleetSpec;

#[test]
fn hosts_are_reached_by_both_names_and_have_their_own_home() {
    if !installed(&["ssh"], "sshd") {
        return;
    }
    let fleet = FleetSpec::embedded().start().unwrap();
    assert_eq!(fleet.hosts.len(), 5);
    for host in &fleet.hosts {
        let out = ssh(&fleet, &[&host.name, "echo $HOME > ~/mark; pwd"]);
        assert!(out.ok(), "{out:?}");
        assert_eq!(out.text(), host.home);
        let long = format!("{}.example.com", host.name);
        assert_eq!(ssh(&fleet, &[&long, "cat ~/mark"]).text(), host.home);
        assert_eq!(fleet.run(&long, "cat ~/mark").unwrap().text(), host.home);
        let seen = std::fs::read_to_string(host.local("~/mark").unwrap()).unwrap();
        assert_eq!(seen.trim(), host.home);
    }
    let dir = fleet.dir.clone();
    fleet.down().unwrap();
    assert!(!dir.exists());
}

#[test]
fn output_status_signals_and_environment_are_as_with_sshd() {
    let Some(fleet) = reached_by_ssh(&["web1"]) else { return };
    let out = ssh(&fleet, &["web1", "echo out; echo err >&2; exit 7"]);
    assert_eq!((out.status, out.text(), out.stderr.trim()), (Some(7), "out", "err"));
    // The client reports a death by signal as 255.
    assert_eq!(ssh(&fleet, &["web1", "kill -KILL $$"]).status, Some(255));
    let env = ssh(&fleet, &["web1", "env"]).stdout;
    let mut names: Vec<&str> = env.lines().filter_map(|l| l.split('=').next()).collect();
    names.retain(|n| !matches!(*n, "_" | "SHLVL" | "OLDPWD" | "LANG") && !n.starts_with("LC_"));
    names.sort_unstable();
    let expected = ["HOME", "LOGNAME", "PATH", "PWD", "SHELL", "SSH_CLIENT", "SSH_CONNECTION", "USER"];
    assert_eq!(names, expected, "{env}");
}

#[test]
fn much_data_passes_in_both_directions() {
    let Some(fleet) = reached_by_ssh(&["web1"]) else { return };
    let mut child = Command::new("ssh")
        .arg("-F")
        .arg(&fleet.ssh_config)
        .args(["web1", "cat; echo end >&2"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let sent: Vec<u8> = (0..8_000_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let copy = sent.clone();
    let writer = std::thread::spawn(move || input.write_all(&copy).unwrap());
    let mut got = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut got).unwrap();
    writer.join().unwrap();
    assert!(child.wait().unwrap().success());
    assert!(got == sent, "{} of {} bytes", got.len(), sent.len());
}

#[test]
fn a_login_shell_reads_its_commands_from_the_channel() {
    let Some(fleet) = reached_by_ssh(&["web1"]) else { return };
    let mut child = Command::new("ssh")
        .arg("-F")
        .arg(&fleet.ssh_config)
        .args(["-T", "web1"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"cd /\npwd\nexit 3\n").unwrap();
    let out = child.wait_with_output().unwrap();
    assert_eq!((out.status.code(), &*out.stdout), (Some(3), &b"/\n"[..]));
}

// Daemons that left their process group are found by /proc.
#[cfg(target_os = "linux")]
#[test]
fn a_host_that_is_off_refuses_and_its_processes_are_gone() {
    let Some(fleet) = reached_by_ssh(&["web1", "web2"]) else { return };
    let start = "setsid sleep 1000 >/dev/null 2>&1 </dev/null & echo $!";
    let pid = ssh(&fleet, &["web1", start]).text().to_owned();
    // A dead process may still wait for init to collect it.
    let there = format!("grep -q '^State:.[RSD]' /proc/{pid}/status");
    assert!(fleet.run("web2", &there).unwrap().ok());
    fleet.stop_host("web1").unwrap();
    assert!(!fleet.run("web2", &there).unwrap().ok());
    let out = ssh(&fleet, &["web1", "true"]);
    assert!(out.stderr.contains("Connection refused"), "{out:?}");
    assert!(ssh(&fleet, &["web2", "true"]).ok());
    fleet.start_host("web1").unwrap();
    assert!(ssh(&fleet, &["web1", "true"]).ok());
}

#[test]
fn a_command_outlives_its_client_as_with_sshd() {
    let Some(fleet) = reached_by_ssh(&["web1"]) else { return };
    let mut child = Command::new("ssh")
        .arg("-F")
        .arg(&fleet.ssh_config)
        .args(["web1", "echo up; while [ ! -e ~/go ]; do sleep 0.05; done; echo on > ~/went"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0; 3];
    child.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    fleet.drop_connections("web1").unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(255));
    let wait = "touch ~/go; while [ ! -s ~/went ]; do sleep 0.05; done; cat ~/went";
    assert_eq!(fleet.run("web1", wait).unwrap().text(), "on");
}

#[test]
fn refusals_of_login_and_exec() {
    let Some(fleet) = reached_by_ssh(&["web1"]) else { return };
    fleet.faults("web1", |f| f.refuse_auth = true).unwrap();
    let out = ssh(&fleet, &["web1", "true"]);
    assert!(out.stderr.contains("Permission denied"), "{out:?}");
    fleet
        .faults("web1", |f| {
            f.refuse_auth = false;
            f.refuse_exec = true;
        })
        .unwrap();
    let out = ssh(&fleet, &["web1", "true"]);
    assert!(out.stderr.contains("exec request failed"), "{out:?}");
    let out = ssh(&fleet, &["-l", "mallory", "web1", "true"]);
    assert!(out.stderr.contains("Permission denied"), "{out:?}");
    let stats = fleet.stats("web1").unwrap();
    assert_eq!((stats.connections, stats.logins, stats.execs.len()), (3, 1, 1));
}

#[test]
fn connections_cut_by_what_passes_through_them() {
    let Some(fleet) = reached_by_ssh(&["web1"]) else { return };
    fleet.faults("web1", |f| f.drop_on_output = Some("two".into())).unwrap();
    let out = ssh(&fleet, &["web1", "echo one; sleep 0.2; echo two; echo done > ~/done"]);
    assert_eq!((out.status, out.text()), (Some(255), "one"));
    // The rule was for once.
    let out = ssh(&fleet, &["web1", "while [ ! -e ~/done ]; do sleep 0.05; done; echo two"]);
    assert_eq!(out.text(), "two");
}

#[test]
fn statuses_that_are_missing_or_wrong() {
    let Some(fleet) = reached_by_ssh(&["web1"]) else { return };
    fleet.faults("web1", |f| f.no_exit_status = true).unwrap();
    let out = ssh(&fleet, &["web1", "echo x"]);
    assert_eq!((out.status, out.text()), (Some(255), "x"));
    fleet
        .faults("web1", |f| {
            f.no_exit_status = false;
            f.exit_status = Some(42);
        })
        .unwrap();
    assert_eq!(ssh(&fleet, &["web1", "true"]).status, Some(42));
}

#[test]
fn a_changed_host_key_is_noticed() {
    let Some(fleet) = reached_by_ssh(&["web1"]) else { return };
    fleet.change_host_key("web1").unwrap();
    let out = ssh(&fleet, &["web1", "true"]);
    assert!(out.stderr.contains("REMOTE HOST IDENTIFICATION HAS CHANGED"), "{out:?}");
}

#[test]
fn servers_that_are_none() {
    let Some(fleet) = reached_by_ssh(&["web1"]) else { return };
    fleet.faults("web1", |f| f.not_ssh = true).unwrap();
    assert_eq!(ssh(&fleet, &["web1", "true"]).status, Some(255));
    fleet
        .faults("web1", |f| {
            f.not_ssh = false;
            f.mute = true;
        })
        .unwrap();
    let out = ssh(&fleet, &["-o", "ConnectTimeout=1", "web1", "true"]);
    assert!(out.stderr.contains("timed out"), "{out:?}");
}

#[test]
fn a_connection_has_ten_sessions_at_most() {
    let Some(fleet) = reached_by_ssh(&["web1"]) else { return };
    let socket = format!("{}/mux", fleet.scratch("mux").unwrap().display());
    let path = format!("ControlPath={socket}");
    let mux = |args: &[&str]| {
        let mut c = Command::new("ssh");
        c.arg("-F").arg(&fleet.ssh_config).args(["-o", &path]).args(args);
        c.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        c
    };
    let mut master = mux(&["-M", "-N", "web1"]).spawn().unwrap();
    while !std::path::Path::new(&socket).exists() {
        std::thread::sleep(Duration::from_millis(10));
    }
    let mut held: Vec<_> = (0..10).map(|_| mux(&["web1", "echo up; cat"]).spawn().unwrap()).collect();
    for child in &mut held {
        let mut first = [0; 3];
        child.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    }
    assert_eq!(fleet.stats("web1").unwrap().connections, 1);
    // The eleventh is refused, whereupon ssh connects anew.
    assert!(mux(&["web1", "true"]).status().unwrap().success());
    assert_eq!(fleet.stats("web1").unwrap().connections, 2);
    for mut child in held {
        drop(child.stdin.take());
        assert!(child.wait().unwrap().success());
    }
    master.kill().unwrap();
    master.wait().unwrap();
}

#[test]
fn a_frozen_host_is_silent_and_goes_on_later() {
    let Some(fleet) = reached_by_ssh(&["web1"]) else { return };
    let mut child = Command::new("ssh")
        .arg("-F")
        .arg(&fleet.ssh_config)
        .args(["web1", "echo up; read x; echo got $x"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0; 3];
    child.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    fleet.freeze("web1", true).unwrap();
    child.stdin.as_mut().unwrap().write_all(b"it\n").unwrap();
    std::thread::sleep(Duration::from_millis(200));
    assert!(child.try_wait().unwrap().is_none());
    fleet.freeze("web1", false).unwrap();
    let out = child.wait_with_output().unwrap();
    assert_eq!(&*out.stdout, b"got it\n");
}

#[test]
fn the_agent_is_forwarded_where_the_client_offers_it() {
    let Some(fleet) = reached_by_ssh(&["web1"]) else { return };
    let dir = fleet.scratch("agent").unwrap();
    let socket = dir.join("a").display().to_string();
    let mut agent = Command::new("ssh-agent").args(["-D", "-a", &socket]).stdout(Stdio::null()).spawn().unwrap();
    while !std::path::Path::new(&socket).exists() {
        std::thread::sleep(Duration::from_millis(10));
    }
    let add = Command::new("ssh-add").env("SSH_AUTH_SOCK", &socket).arg(&fleet.identity).stderr(Stdio::null()).status();
    let set = format!("IdentityAgent={socket}");
    let with = ssh(&fleet, &["-A", "-o", &set, "web1", "ssh-add -l"]);
    let without = ssh(&fleet, &["-a", "-o", &set, "web1", "ssh-add -l"]);
    agent.kill().unwrap();
    agent.wait().unwrap();
    assert!(add.unwrap().success());
    assert!(with.stdout.contains("ED25519"), "{with:?}");
    assert_eq!(without.status, Some(2), "{without:?}");
}

#[test]
fn a_fleet_works_inside_a_single_threaded_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let Some(fleet) = reached_by_ssh(&["web1"]) else { return };
        assert!(ssh(&fleet, &["web1", "true"]).ok());
    });
}

#[test]
fn power_comes_and_goes_quickly() {
    let Some(fleet) = reached_by_ssh(&["web1"]) else { return };
    for _ in 0..50 {
        fleet.stop_host("web1").unwrap();
        fleet.start_host("web1").unwrap();
    }
    assert!(ssh(&fleet, &["web1", "true"]).ok());
}
