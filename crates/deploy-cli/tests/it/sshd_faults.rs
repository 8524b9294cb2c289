//! What goes wrong while a run is under way, on real sshd hosts.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use deploy_testbed::repo::Scm;
use deploy_testbed::{Fleet, FleetSpec};
use rustix::process::Signal;

use crate::scenarios::check_live;
use crate::support::{ALL, APP, RECIPE, Ran, Stage, start};
use crate::terminal::{Background, Terminal, until};

/// Stands before the host's git: says that it has begun, and waits as long as there is a file `~/slow`.
const SLOW_GIT: &str = "#!/bin/sh\nif [ -e /home/deploy/slow ]; then : > /home/deploy/began; fi\n\
                        while [ -e /home/deploy/slow ]; do sleep 0.05; done\nexec /usr/bin/git \"$@\"\n";

macro_rules! stage {
    ($recipe:expr) => {
        match start(FleetSpec::sshd(), "sshd") {
            Some(fleet) => deployed(fleet, $recipe),
            None => return,
        }
    };
}

/// One release is live, another version is committed, and git can be held up.
pub fn deployed(fleet: Fleet, recipe: &str) -> Stage {
    let stage = Stage::with(fleet, Scm::Git, recipe);
    for host in ALL {
        let path = stage.fleet.host(host).unwrap().root.clone().unwrap().join("opt/testbed/bin/git");
        fs::write(&path, SLOW_GIT).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    stage.set_up();
    stage.cap(&["deploy"]).expect(0);
    stage.repo.release("2").unwrap();
    stage
}

pub fn slow(stage: &Stage, hosts: &[&str]) {
    for host in hosts {
        stage.on(host, "rm -f ~/began; touch ~/slow");
    }
}

pub fn go_on(stage: &Stage, hosts: &[&str]) {
    for host in hosts {
        stage.on(host, "rm -f ~/slow");
    }
}

/// Waits for the mark of what is held up.
pub fn wait_until_held(stage: &Stage, hosts: &[&str]) {
    for host in hosts {
        until("git has begun", || stage.fleet.run(host, "test -e ~/began").unwrap().ok());
    }
}

/// What counts: the releases, what is live, and what is in them.
pub fn visible(stage: &Stage) -> Vec<String> {
    let text = "cd /var/www/my_cool_app && ls -A . releases shared && readlink current && find releases/ -type f | sort | xargs cksum";
    ALL.iter().map(|host| stage.on(host, text)).collect()
}

/// As a user would who has been told that a lock is held: again, until it is free. Nothing is removed by hand.
pub fn deploy_when_free(stage: &Stage) -> Ran {
    loop {
        let ran = stage.cap(&["deploy"]);
        if ran.code != 5 {
            return ran;
        }
        eprintln!("refused:\n{}", ran.text);
    }
}

#[test]
fn cap_is_killed_in_the_checkout() {
    let stage = stage!(RECIPE);
    let old = stage.live("web1");
    slow(&stage, &ALL);
    let run = Background::start(stage.command(&["deploy"]));
    wait_until_held(&stage, &ALL);
    run.signal(Signal::KILL);
    run.end();
    for host in ALL {
        assert_eq!(stage.live(host), old, "{host}");
    }
    go_on(&stage, &ALL);
    let third = stage.repo.release("3").unwrap();
    deploy_when_free(&stage).expect(0);
    let new = check_live(&stage, &third, "3");
    for host in ALL {
        assert_eq!(stage.on(host, "ls /var/www/my_cool_app/releases"), format!("{old}\n{new}"), "{host}");
        until("what ran there is over", || {
            stage.on(host, "ps ax -o args= 2>/dev/null | grep -c '[s]leep 0.05'; true") == "0"
        });
    }
    stage.cap(&["deploy:rollback"]).expect(0);
    assert_eq!(stage.live("app2"), old);
}

/// Killed when some hosts have their release and others do not.
#[test]
fn cap_is_killed_while_one_host_lags() {
    let stage = stage!(RECIPE);
    let old = stage.live("web1");
    slow(&stage, &["app2"]);
    let run = Background::start(stage.command(&["deploy"]));
    wait_until_held(&stage, &["app2"]);
    // Not the directory: a git that is killed while it clones takes it away again.
    until("the others are checked out", || {
        let checked_out = |host| stage.on(host, "ls /var/www/my_cool_app/releases/*/REVISION | wc -l") == "2";
        ALL.into_iter().filter(|host| *host != "app2").all(checked_out)
    });
    run.signal(Signal::KILL);
    run.end();
    go_on(&stage, &["app2"]);
    let ran = deploy_when_free(&stage).expect(0).says(&["an earlier run ended while it built release"]);
    let new = check_live(&stage, &stage.repo.head().unwrap(), "2");
    for host in ALL {
        let releases = stage.on(host, "ls /var/www/my_cool_app/releases");
        assert_eq!(releases, format!("{old}\n{new}"), "{host}\n{}", ran.text);
    }
}

/// Killed when every host has switched and one still restarts: the next deploy publishes what it was asked to, and a
/// rollback goes to what was good before, not to the release that nobody confirmed.
#[test]
fn cap_is_killed_in_the_restart() {
    let wait = "if test -e ~/slow-restart; then : > ~/began; fi; while test -e ~/slow-restart; do sleep 0.05; done; ";
    let stage = stage!(&RECIPE.replace("run \"touch", &format!("run \"{wait}touch")));
    stage.cap(&["deploy"]).expect(0);
    let good = stage.live("web1");
    stage.repo.release("3").unwrap();
    for host in APP {
        stage.on(host, "touch ~/slow-restart");
    }
    let run = Background::start(stage.command(&["deploy"]));
    wait_until_held(&stage, &APP);
    run.signal(Signal::KILL);
    run.end();
    for host in APP {
        stage.on(host, "rm ~/slow-restart");
    }
    let half = stage.live("web1");
    assert!(half > good, "switched");
    let fourth = stage.repo.release("4").unwrap();
    deploy_when_free(&stage).expect(0);
    let new = check_live(&stage, &fourth, "4");
    assert!(new > half);
    stage.cap(&["deploy:rollback"]).expect(0);
    for host in ALL {
        assert_eq!(stage.live(host), good, "{host}: {half} was never confirmed");
    }
}

#[test]
fn one_interrupt_undoes_and_gives_the_locks_back() {
    let stage = stage!(RECIPE);
    let before = visible(&stage);
    slow(&stage, &ALL);
    let run = Background::start(stage.command(&["deploy"]));
    wait_until_held(&stage, &ALL);
    run.signal(Signal::INT);
    run.end().expect(130).says(&["interrupted"]);
    assert_eq!(visible(&stage), before);
    go_on(&stage, &ALL);
    stage.cap(&["deploy"]).expect(0);
    check_live(&stage, &stage.repo.head().unwrap(), "2");
}

/// The same by the key, on a terminal.
#[test]
fn control_c_on_a_terminal() {
    let stage = stage!(RECIPE);
    let before = visible(&stage);
    slow(&stage, &ALL);
    let mut terminal = Terminal::start(&stage.command(&["deploy"]));
    wait_until_held(&stage, &ALL);
    terminal.press(3);
    terminal.wait_for("interrupted");
    terminal.end().expect(130);
    assert_eq!(visible(&stage), before);
    go_on(&stage, &ALL);
    stage.cap(&["deploy"]).expect(0);
}

#[test]
fn of_two_deploys_at_once_one_wins() {
    let stage = stage!(RECIPE);
    slow(&stage, &ALL);
    let mut runs = vec![Background::start(stage.command(&["deploy"])), Background::start(stage.command(&["deploy"]))];
    until("one is refused", || runs.iter_mut().any(|run| !run.runs()));
    let loser = runs.iter_mut().position(|run| !run.runs()).unwrap();
    runs.remove(loser).end().expect(5).says(&["runs `cap deploy`", "since", "next:"]);
    go_on(&stage, &ALL);
    runs.remove(0).end().expect(0);
    check_live(&stage, &stage.repo.head().unwrap(), "2");
    for host in ALL {
        assert_eq!(stage.on(host, "ls /var/www/my_cool_app/releases | wc -l"), "2", "{host}");
    }
}

#[test]
fn a_host_goes_down_before_the_switch() {
    let stage = stage!(RECIPE);
    let before = visible(&stage);
    slow(&stage, &ALL);
    let run = Background::start(stage.command(&["deploy"]));
    wait_until_held(&stage, &ALL);
    stage.fleet.stop_host("app1").unwrap();
    let others: Vec<&str> = ALL.into_iter().filter(|host| *host != "app1").collect();
    go_on(&stage, &others);
    let ran = run.end().expect(6).says(&["app1.example.com", "next:"]);
    let last: String = ran.text.lines().rev().take(8).collect::<Vec<_>>().join("\n");
    assert!(last.contains("app1.example.com"), "{}", ran.text);
    stage.fleet.start_host("app1").unwrap();
    go_on(&stage, &ALL);
    for (index, (host, now)) in ALL.iter().zip(visible(&stage)).enumerate() {
        if *host != "app1" {
            assert_eq!(now, before[index], "{host}");
        }
    }
    assert!(before[2].contains(&stage.live("app1")), "{}", ran.text);
    stage.cap(&["deploy"]).expect(0);
    let new = check_live(&stage, &stage.repo.head().unwrap(), "2");
    let releases = stage.on("app1", "ls /var/www/my_cool_app/releases");
    assert_eq!(releases.lines().count(), 2, "what was half-built is gone: {releases} ({new} is live)");
}

/// Daemons that a recipe starts neither keep the run waiting nor hold the lock.
#[test]
fn daemons_of_the_recipe_outlive_the_run() {
    let recipe = format!(
        "{RECIPE}\nafter 'deploy:update_code' do\n  run 'nohup sleep 4711 &'\n  run 'setsid sleep 4712 &'\n  \
         run 'sleep 4713 &'\n  run '( ( sleep 4714 & ) & )'\nend\n"
    );
    let stage = stage!(&recipe);
    stage.cap(&["deploy"]).expect(0);
    for host in ALL {
        let count = |seconds: &str| stage.on(host, &format!("ps ax -o args= | grep -c '^sleep {seconds}'; true"));
        let alive = ["4711", "4712", "4713", "4714"].map(count);
        assert_eq!(alive, ["2", "2", "2", "2"], "{host}: two deploys, none killed");
    }
    // As the process that starts the daemons dies with everything it holds: nobody has the lock.
    stage.cap(&["deploy:rollback"]).expect(0);
}

const FAILS_ONCE: &str = "echo restarted >> ~/restarts; if test -e ~/no-restart; then rm ~/no-restart; exit 1; fi; ";

/// The restart fails on one host: the whole fleet is put back, and restarted again where a restart had begun.
#[test]
fn a_restart_that_fails_puts_the_fleet_back() {
    let recipe = RECIPE.replace("run \"touch", &format!("run \"{FAILS_ONCE}touch"));
    let stage = stage!(&recipe);
    let before = visible(&stage);
    for host in ALL {
        stage.on(host, "rm -f ~/restarts");
    }
    stage.on("app2", "touch ~/no-restart");
    let ran = stage.cap(&["deploy"]).expect(3).says(&["app2.example.com", "next:"]);
    assert_eq!(visible(&stage), before, "{}", ran.text);
    for host in APP {
        assert_eq!(
            stage.on(host, "wc -l < ~/restarts"),
            "2",
            "{host}: tried, and again after the switch back\n{}",
            ran.text
        );
    }
    stage.cap(&["deploy"]).expect(0);
    check_live(&stage, &stage.repo.head().unwrap(), "2");
}

/// And if the application does not come up again either, a person is told of it.
#[test]
fn a_restart_that_never_works_needs_a_person() {
    let recipe = RECIPE.replace("run \"touch", "run \"test ! -e ~/no-restart && touch");
    let stage = stage!(&recipe);
    let old = stage.live("web1");
    stage.on("app2", "touch ~/no-restart");
    let ran = stage.cap(&["deploy"]);
    assert!([4, 7].contains(&ran.code), "{}\n{}", ran.code, ran.text);
    let ran = ran.says(&["app2.example.com", "restart"]);
    for host in ALL {
        assert_eq!(stage.live(host), old, "{host}\n{}", ran.text);
    }
    stage.on("app2", "rm ~/no-restart");
    stage.cap(&["deploy"]).expect(0);
}

/// A rehearsal while another deploys: it reads and neither waits nor disturbs.
#[test]
fn a_plan_needs_no_lock() {
    let stage = stage!(RECIPE);
    slow(&stage, &ALL);
    let run = Background::start(stage.command(&["deploy"]));
    wait_until_held(&stage, &ALL);
    stage.cap(&["--plan", "deploy"]).expect(0);
    go_on(&stage, &ALL);
    run.end().expect(0);
}
