//! Ends of steps and of runners: daemons, kills, a client that is gone or silent, leftovers.

use deploy_shell::runner::{Event, Gate, Request, Status};

use crate::hosts::{Host, each};
use crate::session::{Session, command, eventually, kill, lock, script, shell_text};

/// Zombies in a process group.
fn zombies(group: i64) -> usize {
    let stats = std::fs::read_dir("/proc").unwrap().flatten();
    let stats = stats.filter_map(|e| std::fs::read_to_string(e.path().join("stat")).ok());
    stats
        .filter(|stat| {
            let fields: Vec<&str> = stat.rsplit_once(") ").map_or(Vec::new(), |(_, rest)| rest.split(' ').collect());
            fields.first() == Some(&"Z") && fields.get(2) == Some(&group.to_string().as_str())
        })
        .count()
}

/// A host on which all processes are gone soon.
fn nothing_left(host: &Host) {
    eventually("no process is left", || {
        let left = host.processes();
        left.is_empty()
    });
}

fn alive(pid: &str) -> bool {
    // The state follows the name, which is in parentheses.
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

#[test]
fn a_daemon_delays_neither_the_step_nor_the_end_nor_the_lock() {
    each(Host::all(), |host| {
        let mut session = Session::start(host);
        assert!(matches!(session.lock(lock("unit", "run-1")), Event::LockTaken { .. }), "{}", host.name);
        let daemons = [
            // Holding the step's output.
            "sleep 300 & echo $!",
            "setsid sleep 300 & echo $!",
            // Debian's BusyBox has no nohup.
            if host.name == "busybox" {
                "(trap '' HUP; exec sleep 300) >/dev/null 2>&1 & echo $!"
            } else {
                "nohup sleep 300 >/dev/null 2>&1 & echo $!"
            },
            // Forked twice.
            "(sleep 300 & echo $!) ",
            "setsid sh -c 'sleep 300 & echo $!; exit 0'",
        ];
        let mut pids = Vec::new();
        for text in daemons {
            let done = session.run(command(text));
            assert_eq!(done.status(), Status::Exited(0), "{}: {text}", host.name);
            pids.push(done.out());
            let done = session.run(script(text));
            assert_eq!(done.status(), Status::Exited(0), "{}: {text}", host.name);
            pids.push(done.out());
        }
        for pid in &pids {
            assert!(alive(pid), "{}: {pid} of {pids:?}", host.name);
        }
        session.send(&Request::Quit);
        loop {
            // The daemons hold the output open, so its end never comes; the bye does.
            if let (_, Event::Bye { .. }) = session.next().unwrap() {
                break;
            }
        }
        let mut other = Session::start(host);
        assert!(matches!(other.lock(lock("unit", "run-2")), Event::LockTaken { .. }), "{}", host.name);
        assert!(pids.iter().all(|p| alive(p)), "a daemon was killed on {}", host.name);
        for pid in &pids {
            kill("KILL", pid.trim().parse().unwrap());
        }
        other.quit();
        drop(session);
        nothing_left(host);
    });
}

#[test]
fn when_the_client_is_gone_the_step_dies_and_the_lock_is_free() {
    each(Host::all(), |host| {
        for stubborn in [false, true] {
            let mut session = Session::start(host);
            session.lock(lock("unit", "run-1"));
            let trap = if stubborn { "trap '' TERM; " } else { "" };
            let id =
                session.begin(command(&format!("{trap}echo on; (sleep 300; echo never >never) ; echo never >never")));
            session.wait_output(id, "on\n");
            session.hang_up();
            let mut other = Session::start(host);
            let again = deploy_shell::runner::Lock { wait: 100, ..lock("unit", "run-2") };
            assert!(matches!(other.lock(again), Event::LockTaken { .. }), "{}", host.name);
            let left: Vec<_> = host.processes().into_iter().filter(|(_, args)| args.contains("sleep 300")).collect();
            assert!(left.is_empty(), "{}: {left:?}", host.name);
            assert!(!session.drain().iter().any(|e| matches!(e, Event::End { status, .. } if status.success())));
            other.quit();
            nothing_left(host);
            assert!(!host.home.path().join("never").exists());
        }
    });
}

#[test]
fn requests_not_yet_begun_do_not_begin_when_the_client_is_gone() {
    each(Host::all(), |host| {
        let mut session = Session::start(host);
        let first = session.begin(command("echo on; sleep 300"));
        session.wait_output(first, "on\n");
        // Against the rule of flow control: queued behind a running step.
        let queued = Request::Step { id: session.id(), work: command("echo never >never"), gate: Gate::default() };
        session.send_raw(&queued.encode().unwrap());
        session.hang_up();
        session.drain();
        nothing_left(host);
        assert!(!host.home.path().join("never").exists(), "{}", host.name);
    });
}

#[test]
fn when_the_client_is_silent_the_step_dies_and_the_runner_ends() {
    each(Host::all(), |host| {
        let mut session = Session::launch(host, 2, &[]);
        session.greet();
        session.lock(lock("unit", "run-1"));
        let id = session.begin(command("echo on; sleep 300"));
        session.wait_output(id, "on\n");
        // The channel stays open; nothing more is said.
        let events = session.drain_open();
        assert!(!events.iter().any(|e| matches!(e, Event::End { status, .. } if status.success())), "{}", host.name);
        nothing_left(host);
        let mut other = Session::start(host);
        assert!(matches!(other.lock(lock("unit", "run-2")), Event::LockTaken { .. }));
        other.quit();
        nothing_left(host);
    });
}

#[test]
fn an_idle_runner_ends_when_the_client_is_silent() {
    each(Host::all(), |host| {
        let mut session = Session::launch(host, 1, &[]);
        session.greet();
        let events = session.drain_open();
        assert_eq!(events, [Event::Bye { lock_lost: false }], "{}", host.name);
        nothing_left(host);
    });
}

#[test]
fn heartbeats_keep_a_step_alive_beyond_the_limit() {
    each(Host::all(), |host| {
        let mut session = Session::launch(host, 2, &[]);
        session.greet();
        let id = session.begin(command("i=0; while [ $i -lt 6 ]; do echo beat; sleep 1; i=$((i + 1)); done; echo ok"));
        for n in 1..=6 {
            session.wait_output(id, &"beat\n".repeat(n));
            session.send(&Request::Heartbeat);
        }
        session.wait_output(id, "ok\n");
        assert_eq!(session.finish(id).status(), Status::Exited(0), "{}", host.name);
        session.quit();
    });
}

#[test]
fn a_killed_step_ends_with_its_whole_group_and_the_next_one_works() {
    each(Host::all(), |host| {
        let mut session = Session::start(host);
        for work in [
            command("echo on; sleep 300; echo never"),
            command("echo on; sh -c 'trap \"\" TERM; sleep 300; sleep 300' ; echo never"),
            command("trap 'echo cleaning; exit 9' TERM; echo on; while :; do sleep 0.1; done"),
            command("(trap '' TERM; sleep 300; sleep 300) & echo on; wait"),
            script("echo on; sleep 300; echo never"),
            script("trap '' TERM; echo on; sleep 300; sleep 300"),
        ] {
            let what = format!("{}: {work:?}", host.name);
            let id = session.begin(work);
            session.wait_output(id, "on\n");
            session.send(&Request::Kill { through: id });
            let done = session.finish(id);
            assert!(!done.status().success(), "{what}");
            assert!(!done.out().contains("never"), "{what}");
            let left: Vec<_> = host.processes().into_iter().filter(|(_, args)| args.contains("sleep 300")).collect();
            assert!(left.is_empty(), "{what}: {left:?}");
            assert_eq!(session.run(command("echo next")).out(), "next\n", "{what}");
        }
        session.quit();
        nothing_left(host);
    });
}

#[test]
fn a_kill_does_not_reach_later_steps() {
    each(Host::all(), |host| {
        let mut session = Session::start(host);
        let id = session.begin(command("exit 3"));
        assert_eq!(session.finish(id).status(), Status::Exited(3));
        session.send(&Request::Kill { through: id });
        assert_eq!(session.run(command("sleep 2.5; echo fine")).out(), "fine\n", "{}", host.name);
        session.quit();
    });
}

#[test]
fn a_step_that_was_told_to_die_before_it_began_does_not_live() {
    each(Host::all(), |host| {
        let mut session = Session::start(host);
        let id = session.begin(command("sleep 300"));
        session.send(&Request::Kill { through: id });
        assert!(!session.finish(id).status().success(), "{}", host.name);
        session.quit();
        nothing_left(host);
    });
}

#[test]
fn a_step_that_kills_its_own_group_is_reported() {
    each(Host::all(), |host| {
        let mut session = Session::start(host);
        for signal in ["TERM", "INT", "HUP", "KILL"] {
            let done = session.run(command(&format!("kill -{signal} 0; sleep 5")));
            assert!(!done.status().success(), "{}: {signal}", host.name);
            assert_eq!(session.run(command("echo next")).out(), "next\n");
        }
        session.quit();
        nothing_left(host);
    });
}

#[test]
fn the_lock_outlives_a_killed_runner_until_its_step_has_ended() {
    each(Host::all(), |host| {
        let mut session = Session::start(host);
        // The lease is over long before the step is: then the step's wrapper stands for the lock.
        let short = deploy_shell::runner::Lock { lease: 1, ..lock("unit", "run-1") };
        assert!(matches!(session.lock(short.clone()), Event::LockTaken { .. }));
        let id = session.begin(command("echo on; while ! [ -e go ]; do sleep 0.1; done; echo done >done"));
        session.wait_output(id, "on\n");
        kill("KILL", -session.group());
        std::thread::sleep(std::time::Duration::from_secs(3));
        let mut other = Session::start(host);
        let next = deploy_shell::runner::Lock { run: "run-2".into(), ..short };
        match other.lock(next.clone()) {
            Event::LockRefused { same_run: false, run, owner, .. } => {
                assert_eq!((run.as_str(), owner.as_str()), ("run-1", "owner of run-1"), "{}", host.name);
            }
            event => panic!("{}: {event:?}", host.name),
        }
        assert!(!host.home.path().join("done").exists());
        std::fs::write(host.home.path().join("go"), "").unwrap();
        let next = deploy_shell::runner::Lock { wait: 100, ..next };
        assert!(matches!(other.lock(next), Event::LockTaken { .. }), "{}", host.name);
        assert!(host.home.path().join("done").exists(), "{}", host.name);
        other.quit();
        nothing_left(host);
    });
}

#[test]
fn a_killed_worker_takes_its_step_and_its_runner_along() {
    each(Host::all(), |host| {
        let mut session = Session::start(host);
        session.lock(lock("unit", "run-1"));
        let id = session.begin(command("echo on; sleep 300"));
        session.wait_output(id, "on\n");
        kill("KILL", session.hello.as_ref().unwrap().pid.into());
        session.drain_open();
        nothing_left(host);
        let mut other = Session::start(host);
        assert!(matches!(other.lock(lock("unit", "run-2")), Event::LockTaken { .. }), "{}", host.name);
        other.quit();
    });
}

#[test]
fn a_killed_wrapper_is_never_a_success() {
    each(Host::all(), |host| {
        let mut session = Session::start(host);
        let id = session.begin(command("echo $PPID; sleep 300"));
        let pid = session.wait_output(id, "\n");
        kill("KILL", pid.trim().parse().unwrap());
        assert_eq!(session.finish(id).status(), Status::Lost, "{}", host.name);
        let left: Vec<_> = host.processes().into_iter().filter(|(_, args)| args.contains("sleep 300")).collect();
        assert!(left.is_empty(), "{}: {left:?}", host.name);
        assert_eq!(session.run(command("echo next")).out(), "next\n");
        session.quit();
    });
}

#[test]
fn quitting_finishes_what_was_asked_before() {
    each(Host::all(), |host| {
        let mut session = Session::start(host);
        let id = session.begin(command("sleep 1; echo done >done"));
        session.send_raw(b"Q\n");
        let events = session.drain_open();
        assert!(events.contains(&Event::End { step: id, status: Status::Exited(0) }), "{}: {events:?}", host.name);
        assert!(events.contains(&Event::Bye { lock_lost: false }));
        assert!(host.home.path().join("done").exists());
        nothing_left(host);
    });
}

#[test]
fn no_file_is_made_and_nothing_is_left() {
    each(Host::all(), |host| {
        let mut session = Session::start(host);
        for _ in 0..3 {
            session.run(command("true"));
            session.run(script("true"));
            session.run(shell_text("true"));
        }
        eventually("no zombie is kept", || zombies(session.group()) == 0);
        session.quit();
        nothing_left(host);
        let left: Vec<_> = std::fs::read_dir(host.home.path()).unwrap().flatten().map(|e| e.file_name()).collect();
        assert!(left.is_empty(), "{}: {left:?}", host.name);
    });
}

#[test]
fn without_setsid_it_works_and_says_what_is_missing() {
    let Some(host) = Host::no_session() else { return };
    let mut session = Session::start(&host);
    assert!(!session.hello.as_ref().unwrap().has_session);
    assert_eq!(session.run(command("echo hi; exit 7")).status(), Status::Exited(7));
    assert_eq!(session.run(script("_fact a b; exit 8")).status(), Status::Exited(8));
    let id = session.begin(command("echo on; exec sleep 300"));
    session.wait_output(id, "on\n");
    session.send(&Request::Kill { through: id });
    assert!(!session.finish(id).status().success());
    assert_eq!(session.run(command("echo next")).out(), "next\n");
    session.lock(lock("unit", "run-1"));
    let id = session.begin(command("echo on; exec sleep 300"));
    session.wait_output(id, "on\n");
    session.hang_up();
    session.drain();
    nothing_left(&host);
}
