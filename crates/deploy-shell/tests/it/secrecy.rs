//! What a command must not see: nonce, program, script, input, lock, pipes.

use deploy_shell::runner::{Event, Secret, Work};

use crate::hosts::{Host, each};
use crate::session::{Session, command, eventually, input, lock, script};

/// Environments and argument lists of all processes of the host.
fn visible(host: &Host) -> String {
    let mut all = String::new();
    for (pid, _) in host.processes() {
        for file in ["environ", "cmdline"] {
            let bytes = std::fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
            all.push_str(&String::from_utf8_lossy(&bytes));
            all.push('\n');
        }
    }
    all
}

#[test]
fn neither_nonce_nor_scripts_nor_input_nor_secrets_are_in_any_argv_or_environment() {
    each(Host::all(), |host| {
        let mut session = Session::start(host);
        assert!(matches!(session.lock(lock("unit", "run-1")), Event::LockTaken { .. }));
        let wait = "echo on; env; set; ps; while ! [ -e go ]; do sleep 0.1; done; rm go; echo off";
        let secret = || Secret::new("s3cret-v4lue");
        let works = [
            command(&wait.replace("set;", "")),
            input(&format!("read -r x; {}", wait.replace("set;", "")), "s3cret-v4lue\n"),
            Work::Script {
                text: format!("x='scr1pt-text'\n{}", wait.replace("set;", "")),
                secrets: vec![("pw".into(), secret())],
            },
        ];
        for work in works {
            let what = format!("{}: {work:?}", host.name);
            let id = session.begin(work);
            let mut seen = session.wait_output(id, "on\n");
            seen += &visible(host);
            std::fs::write(host.home.path().join("go"), "").unwrap();
            let done = session.finish(id);
            seen += &done.out();
            assert!(done.status().success(), "{what}");
            for word in [session.nonce.as_str(), "s3cret-v4lue", "scr1pt-text", "_r_worker"] {
                assert!(!seen.contains(word), "{what}: {word} can be seen");
            }
            assert!(!seen.contains("_rN="), "{what}");
        }
        session.quit();
    });
}

#[test]
fn secrets_arrive_and_are_not_exported() {
    each(Host::all(), |host| {
        let mut session = Session::start(host);
        let value = "it's\n\\0101 \u{e9} $x";
        let work = Work::Script {
            text: "printf %s \"$pw\"; env | grep -c pw= >&2".into(),
            secrets: vec![("pw".into(), Secret::new(value))],
        };
        let done = session.run(work);
        assert_eq!(done.out(), value, "{}", host.name);
        assert_eq!(done.err().trim(), "0");
        session.quit();
    });
}

#[test]
fn a_command_has_no_descriptor_but_the_three() {
    each(Host::all(), |host| {
        let mut session = Session::start(host);
        assert!(matches!(session.lock(lock("unit", "run-1")), Event::LockTaken { .. }));
        // The fourth is of the directory that `ls` reads; what the test process itself hands on is not ours.
        let ours = std::process::Command::new("ls").arg("/proc/self/fd").output().unwrap().stdout;
        let ours: Vec<String> = String::from_utf8(ours).unwrap().split_whitespace().map(String::from).collect();
        for work in [command("exec ls /proc/self/fd"), script("ls /proc/self/fd"), input("exec ls /proc/self/fd", "x")]
        {
            let done = session.run(work);
            let fds: Vec<String> = done.out().split_whitespace().map(String::from).collect();
            assert_eq!(fds, ours, "{}", host.name);
        }
        session.quit();
        eventually("no process is left", || host.processes().is_empty());
    });
}

#[test]
fn a_script_that_forks_a_subshell_into_the_background_does_not_hand_on_the_lock() {
    each(Host::all(), |host| {
        let mut session = Session::start(host);
        assert!(matches!(session.lock(lock("unit", "run-1")), Event::LockTaken { .. }));
        let text = "( while ! [ -e go ]; do sleep 0.1; done ) >/dev/null 2>&1 & echo fine";
        assert_eq!(session.run(script(text)).out(), "fine\n", "{}", host.name);
        assert_eq!(session.run(command(text)).out(), "fine\n", "{}", host.name);
        session.quit();
        let mut other = Session::start(host);
        assert!(matches!(other.lock(lock("unit", "run-2")), Event::LockTaken { .. }), "{}", host.name);
        std::fs::write(host.home.path().join("go"), "").unwrap();
        other.quit();
        eventually("no process is left", || host.processes().is_empty());
    });
}
