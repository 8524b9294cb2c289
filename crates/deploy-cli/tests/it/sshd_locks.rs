//! Locks of runs that stop, die and race, on real sshd hosts.

use std::time::Instant;

use deploy_testbed::FleetSpec;
use rustix::process::Signal;

use crate::scenarios::check_live;
use crate::sshd_faults::{deployed, go_on, slow, visible, wait_until_held};
use crate::support::{ALL, RECIPE, Ran, Stage, start};
use crate::terminal::{Background, until};

macro_rules! stage {
    ($recipe:expr) => {
        match start(FleetSpec::sshd(), "sshd") {
            Some(fleet) => deployed(fleet, $recipe),
            None => return,
        }
    };
}

fn is_free(stage: &Stage, host: &str) -> bool {
    stage.fleet.run(host, "flock -n /var/www/my_cool_app/.capstan/lock true").unwrap().ok()
}

/// Killed in the middle of a step that would go on for ever: nobody has to remove anything.
#[test]
fn a_lock_does_not_outlive_a_killed_deployer() {
    let stage = stage!(RECIPE);
    slow(&stage, &ALL);
    let run = Background::start(stage.command(&["deploy"]));
    wait_until_held(&stage, &ALL);
    assert!(!is_free(&stage, "db1"));
    run.signal(Signal::KILL);
    let killed = Instant::now();
    until("every lock is free", || ALL.iter().all(|host| is_free(&stage, host)));
    println!("free {:.1} s after the kill, with the step in hand ended", killed.elapsed().as_secs_f32());
    for host in ALL {
        assert_eq!(stage.on(host, "ps ax -o args= | grep -c '[s]leep 0.05'; true"), "0", "{host}");
    }
    run.end();
    go_on(&stage, &ALL);
    stage.cap(&["deploy"]).expect(0);
}

/// A deployer that was stopped (a laptop that slept) while another deployed wakes up and changes nothing.
#[test]
fn a_deployer_that_was_stopped_wakes_and_changes_nothing() {
    let stage = stage!(RECIPE);
    slow(&stage, &ALL);
    let sleeper = Background::start(stage.command(&["deploy"]));
    wait_until_held(&stage, &ALL);
    sleeper.signal(Signal::STOP);
    until("its runners have given up", || ALL.iter().all(|host| is_free(&stage, host)));
    go_on(&stage, &ALL);
    let third = stage.repo.release("3").unwrap();
    stage.cap(&["deploy"]).expect(0);
    check_live(&stage, &third, "3");
    let ledgers = || ALL.map(|host| stage.on(host, "cat /var/www/my_cool_app/.capstan/ledger"));
    let before = (visible(&stage), ledgers());
    sleeper.signal(Signal::CONT);
    let ran = sleeper.end();
    assert!([1, 5, 6].contains(&ran.code), "{}: {}", ran.code, ran.text);
    // It may take the free lock to remove what it had begun; that is gone, and nothing else is touched.
    assert_eq!((visible(&stage), ledgers()), before, "{}", ran.text);
    stage.cap(&["recover"]).expect(0).says(&["no run has left anything unfinished"]);
    stage.cap(&["deploy:rollback"]).expect(0);
}

/// However often: of runs that begin together exactly one deploys. Each may get some of the locks first. As many as take
/// seconds, or `CAPSTAN_DEPLOY_RACES`.
#[test]
fn never_do_all_of_several_deploys_lose() {
    let stage = stage!(RECIPE);
    let races = std::env::var("CAPSTAN_DEPLOY_RACES").ok().and_then(|races| races.parse().ok());
    let hosts = ["web1", "app1", "db1"];
    let only = format!("HOSTS={}", hosts.map(|host| format!("{host}.example.com")).join(","));
    for round in 0..races.unwrap_or(6_u32) {
        slow(&stage, &hosts);
        let start = |_| Background::start(stage.command(&["deploy", &only]));
        let mut runs: Vec<Background> = (0..3).map(start).collect();
        until("all but one are refused", || runs.iter_mut().map(Background::runs).filter(|runs| !runs).count() >= 2);
        go_on(&stage, &hosts);
        let ended: Vec<Ran> = runs.into_iter().map(Background::end).collect();
        let mut codes: Vec<i32> = ended.iter().map(|ran| ran.code).collect();
        codes.sort_unstable();
        let said: String = ended.into_iter().map(|ran| ran.text).collect();
        assert_eq!(codes, [0, 5, 5], "round {round}:\n{said}");
    }
}
