//! One lock, many contenders, both ways of keeping it.

use deploy_shell::runner::{Event, Gate, Lock, LockWay, Request, Status};

use crate::hosts::{Host, each};
use crate::session::{Session, command, eventually, kill, lock};

fn taken(event: &Event) -> bool {
    matches!(event, Event::LockTaken { .. })
}

#[test]
fn a_lock_is_taken_refused_and_given_back() {
    each(Host::all(), |host| {
        let way = if host.name.contains("lease") || host.name == "busybox" { LockWay::Lease } else { LockWay::Flock };
        let mut one = Session::start(host);
        let mut two = Session::start(host);
        assert_eq!(one.hello.as_ref().unwrap().lock, way, "{}", host.name);
        let owner = "Ann o'Neil\n\\0101 é";
        let mine = Lock { owner: owner.into(), ..lock("unit", "run-1") };
        let event = one.lock(mine.clone());
        assert!(matches!(event, Event::LockTaken { again: false, way: w, .. } if w == way), "{}: {event:?}", host.name);
        let event = one.lock(mine.clone());
        assert!(matches!(event, Event::LockTaken { again: true, .. }), "{}: {event:?}", host.name);
        match two.lock(lock("unit", "run-2")) {
            Event::LockRefused { same_run: false, run, owner: told, .. } => {
                assert_eq!((run.as_str(), told.as_str()), ("run-1", owner), "{}", host.name);
            }
            event => panic!("{}: {event:?}", host.name),
        }
        let event = two.lock(lock("unit", "run-1"));
        assert!(matches!(event, Event::LockRefused { same_run: true, .. }), "{}: {event:?}", host.name);
        assert!(!two.unlock(), "unlocked what it did not hold");
        assert!(!taken(&two.lock(lock("unit", "run-2"))), "{}", host.name);
        assert!(matches!(one.lock(lock("elsewhere", "run-1")), Event::LockFailed { .. }));
        assert!(one.unlock());
        assert!(!one.unlock());
        assert!(taken(&two.lock(lock("unit", "run-2"))), "{}", host.name);
        two.quit();
        assert!(taken(&one.lock(lock("unit", "run-3"))), "{}", host.name);
        one.quit();
    });
}

#[test]
fn a_step_that_needs_the_lock_is_not_run_without_it() {
    each(Host::all(), |host| {
        let mut holder = Session::start(host);
        assert!(taken(&holder.lock(lock("unit", "run-1"))));
        let mut session = Session::launch(host, 60, &[]);
        let refused = session.id();
        session.send(&Request::Lock { id: refused, lock: lock("unit", "run-2") });
        let id = session.id();
        session.send(&Request::Step { id, work: command("echo never >never"), gate: Gate::LOCK });
        assert!(!taken(&session.lock_answer(refused)));
        assert_eq!(session.finish(id).status(), Status::NoLock, "{}", host.name);
        assert!(!host.home.path().join("never").exists());
        assert_eq!(session.run(command("exit 4")).status(), Status::Exited(4));
        session.quit();
        holder.quit();
    });
}

#[test]
fn a_lock_is_waited_for() {
    each(Host::all(), |host| {
        let mut one = Session::start(host);
        let mut two = Session::start(host);
        assert!(taken(&one.lock(lock("unit", "run-1"))));
        let event = two.lock(Lock { wait: 1, ..lock("unit", "run-2") });
        assert!(matches!(event, Event::LockRefused { .. }), "{}", host.name);
        let id = two.id();
        two.send(&Request::Lock { id, lock: Lock { wait: 100, ..lock("unit", "run-2") } });
        assert!(one.unlock());
        assert!(taken(&two.lock_answer(id)), "{}", host.name);
        one.quit();
        two.quit();
    });
}

#[test]
fn waiting_for_a_lock_ends_with_the_client() {
    each(Host::all(), |host| {
        let mut one = Session::start(host);
        assert!(taken(&one.lock(lock("unit", "run-1"))));
        let mut two = Session::start(host);
        let id = two.id();
        two.send(&Request::Lock { id, lock: Lock { wait: 100_000, ..lock("unit", "run-2") } });
        while !matches!(two.next(), Some((_, Event::Begin(begun))) if begun == id) {}
        two.hang_up();
        assert!(!two.drain().iter().any(taken), "{}", host.name);
        one.quit();
        eventually("no process is left", || host.processes().is_empty());
    });
}

#[test]
fn directories_that_cannot_hold_a_lock_are_told() {
    each(Host::all(), |host| {
        std::fs::write(host.home.path().join("file"), "").unwrap();
        let mut session = Session::start(host);
        for dir in ["file", "file/unit", "no/such/unit", "/proc/unit"] {
            let event = session.lock(lock(dir, "run-1"));
            assert!(matches!(event, Event::LockFailed { .. }), "{}: {dir} {event:?}", host.name);
        }
        let odd = "a b'\"$x;\u{e9}*\\0101";
        assert!(taken(&session.lock(lock(odd, "run-1"))), "{}", host.name);
        assert!(host.home.path().join(odd).is_dir());
        assert!(session.unlock());
        assert!(taken(&session.lock(lock("-n", "run-1"))), "{}", host.name);
        session.quit();
    });
}

#[test]
fn modes_are_private_or_the_groups_whatever_the_umask() {
    use std::os::unix::fs::PermissionsExt;
    each(Host::all(), |host| {
        for (group, dir, dir_mode, file_mode) in [(false, "mine", 0o700, 0o600), (true, "ours", 0o770, 0o660)] {
            let mut session = Session::start(host);
            session.run(crate::session::shell_text("umask 022"));
            assert!(taken(&session.lock(Lock { group, ..lock(dir, "run-1") })));
            assert_eq!(session.run(command("umask")).out().trim().trim_start_matches('0'), "22");
            let mode = |path: std::path::PathBuf| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
            let unit = host.home.path().join(dir);
            assert_eq!(mode(unit.clone()), dir_mode, "{}", host.name);
            for entry in std::fs::read_dir(&unit).unwrap().flatten() {
                let want = if entry.path().is_dir() { dir_mode } else { file_mode };
                assert_eq!(mode(entry.path()), want, "{}: {:?}", host.name, entry.path());
            }
            session.quit();
        }
    });
}

#[test]
fn a_dead_holders_lease_is_taken_over_and_not_before() {
    each([Host::lease(), Host::bash_lease(), Host::busybox()].into_iter().flatten().collect(), |host| {
        let mut one = Session::start(host);
        assert!(taken(&one.lock(lock("unit", "run-1"))));
        kill("KILL", -one.group());
        one.drain();
        let mut two = Session::start(host);
        assert!(!taken(&two.lock(Lock { lease: 100_000, ..lock("unit", "run-2") })), "{}", host.name);
        let short = Lock { lease: 2, wait: 100, ..lock("unit", "run-2") };
        assert!(taken(&two.lock(short)), "{}", host.name);
        two.quit();
        let mut three = Session::start(host);
        assert!(taken(&three.lock(lock("unit", "run-3"))));
        three.quit();
    });
}

#[test]
fn a_lease_is_renewed_by_heartbeats() {
    each([Host::lease(), Host::bash_lease(), Host::busybox()].into_iter().flatten().collect(), |host| {
        let mut one = Session::start(host);
        assert!(taken(&one.lock(lock("unit", "run-1"))));
        let mut two = Session::start(host);
        // The first heartbeat is for the lease to be younger than three seconds, the others keep it so for six.
        for _ in 0..12 {
            one.send(&Request::Heartbeat);
            std::thread::sleep(std::time::Duration::from_millis(500));
            let entry = std::fs::read_dir(host.home.path().join("unit/lock.d"))
                .unwrap()
                .flatten()
                .find(|e| e.file_name().to_string_lossy().starts_with('T'));
            assert!(entry.is_some(), "{}", host.name);
        }
        let id = two.id();
        two.send(&Request::Lock { id, lock: Lock { lease: 30, ..lock("unit", "run-2") } });
        assert!(!taken(&two.lock_answer(id)), "{}", host.name);
        two.quit();
        one.quit();
    });
}

#[test]
fn a_holder_whose_lease_was_taken_over_ends_and_frees_nothing() {
    each([Host::lease(), Host::bash_lease(), Host::busybox()].into_iter().flatten().collect(), |host| {
        let mut one = Session::start(host);
        assert!(taken(&one.lock(lock("unit", "run-1"))));
        kill("STOP", -one.group());
        let mut two = Session::start(host);
        assert!(taken(&two.lock(Lock { lease: 2, wait: 100, ..lock("unit", "run-2") })), "{}", host.name);
        kill("CONT", -one.group());
        one.send(&Request::Heartbeat);
        let events = one.drain_open();
        assert_eq!(events.last(), Some(&Event::Bye { lock_lost: true }), "{}", host.name);
        let mut three = Session::start(host);
        match three.lock(lock("unit", "run-3")) {
            Event::LockRefused { run, owner, .. } => {
                assert_eq!((run.as_str(), owner.as_str()), ("run-2", "owner of run-2"), "{}", host.name);
            }
            event => panic!("{}: {event:?}", host.name),
        }
        two.quit();
        three.quit();
    });
}

#[test]
fn of_simultaneous_contenders_exactly_one_wins() {
    let races: usize = std::env::var("CAPSTAN_LOCK_RACES").ok().and_then(|n| n.parse().ok()).unwrap_or(200);
    let hosts = Host::all();
    let share = races.div_ceil(hosts.len());
    each(hosts, |host| {
        for contenders in [2, 4, 8] {
            race(host, contenders, share.div_ceil(3));
        }
    });
}

/// Runners that are there already ask for the lock at the same moment; the winner gives it back for the next round.
fn race(host: &Host, contenders: usize, rounds: usize) {
    let mut sessions: Vec<Session> = (0..contenders).map(|_| Session::start(host)).collect();
    for round in 0..rounds {
        let asked: Vec<_> = sessions
            .iter_mut()
            .enumerate()
            .map(|(n, session)| {
                let id = session.id();
                session.send(&Request::Lock { id, lock: lock("unit", &format!("run-{round}-{n}")) });
                id
            })
            .collect();
        let answers: Vec<Event> = sessions.iter_mut().zip(asked).map(|(s, id)| s.lock_answer(id)).collect();
        let winners: Vec<usize> = (0..contenders).filter(|&n| taken(&answers[n])).collect();
        assert_eq!(winners.len(), 1, "{} round {round} of {contenders}: {answers:?}", host.name);
        assert!(sessions[winners[0]].unlock());
    }
    for session in sessions {
        session.quit();
    }
}

#[test]
fn of_contenders_for_a_dead_lease_exactly_one_wins() {
    let rounds: usize = std::env::var("CAPSTAN_LOCK_RACES").ok().and_then(|n| n.parse().ok()).unwrap_or(200) / 20;
    each([Host::lease(), Host::busybox()].into_iter().flatten().collect(), |host| {
        let mut sessions: Vec<Session> = (0..4).map(|_| Session::start(host)).collect();
        for round in 0..rounds {
            let unit = host.home.path().join(format!("unit-{round}"));
            // As a holder leaves it that died long ago.
            std::fs::create_dir_all(unit.join("lock.d")).unwrap();
            let entry = std::fs::File::create(unit.join("lock.d/Tdead.1")).unwrap();
            entry.set_modified(std::time::SystemTime::now() - std::time::Duration::from_secs(3600)).unwrap();
            let dir = format!("unit-{round}");
            let asked: Vec<_> = sessions
                .iter_mut()
                .enumerate()
                .map(|(n, session)| {
                    let id = session.id();
                    session.send(&Request::Lock { id, lock: lock(&dir, &format!("run-{n}")) });
                    id
                })
                .collect();
            let answers: Vec<Event> = sessions.iter_mut().zip(asked).map(|(s, id)| s.lock_answer(id)).collect();
            let winners: Vec<usize> = (0..4).filter(|&n| taken(&answers[n])).collect();
            assert_eq!(winners.len(), 1, "{} round {round}: {answers:?}", host.name);
            assert!(sessions[winners[0]].unlock());
        }
        for session in sessions {
            session.quit();
        }
    });
}
