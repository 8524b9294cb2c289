//! The deployer dies between two steps of a run, and what the next command makes of that, on real sshd hosts.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use deploy_testbed::FleetSpec;
use rustix::process::Signal;

use crate::scenarios::check_live;
use crate::sshd_faults::{deploy_when_free, deployed, wait_until_held};
use crate::support::{ALL, APP, RECIPE, Ran, Stage, start};
use crate::terminal::{Background, until};

/// Stands before the host's `mv`: where there is a file `~/slow-switch`, the rename over `current` waits.
const SLOW_MV: &str = "#!/bin/sh\ncase \"$2 $3\" in */current\\ */my_cool_app/)\n\
                       while [ -e /home/deploy/slow-switch ]; do : > /home/deploy/began; sleep 0.05; done ;;\nesac\n\
                       exec /bin/mv \"$@\"\n";

pub const COUNTS_RESTARTS: &str = "echo x >> ~/restarts; if test -e ~/slow-restart; then : > ~/began; fi; \
                               while test -e ~/slow-restart; do sleep 0.05; done; ";

macro_rules! stage {
    ($recipe:expr) => {
        match start(FleetSpec::sshd(), "sshd") {
            Some(fleet) => deployed(fleet, $recipe),
            None => return,
        }
    };
}

fn counting() -> String {
    RECIPE.replace("run \"touch", &format!("run \"{COUNTS_RESTARTS}touch"))
}

fn restarts(stage: &Stage) -> Vec<String> {
    APP.iter().map(|host| stage.on(host, "wc -l < ~/restarts")).collect()
}

/// Again until the runner of the dead deployer has let go of the lock.
fn when_free(stage: &Stage, args: &[&str]) -> Ran {
    loop {
        let ran = stage.cap(args);
        if ran.code != 5 {
            return ran;
        }
    }
}

/// Starts a deploy, waits until it is held up on these hosts, and kills it.
fn kill_when_held(stage: &Stage, task: &str, flag: &str, hosts: &[&str], ready: impl Fn() -> bool) {
    kill_command_when_held(stage, stage.command(&[task]), flag, hosts, ready);
}

pub fn kill_command_when_held(stage: &Stage, command: Command, flag: &str, hosts: &[&str], ready: impl Fn() -> bool) {
    for host in hosts {
        stage.on(host, &format!("rm -f ~/began; touch ~/{flag}"));
    }
    let run = Background::start(command);
    wait_until_held(stage, hosts);
    until("the others are as far", ready);
    run.signal(Signal::KILL);
    run.end();
    // What waits on the hosts is ended by their runners, not let go on.
    for host in hosts {
        until("the step has been ended", || stage.on(host, "ps ax -o args= | grep -c '[s]leep 0.05'; true") == "0");
        stage.on(host, &format!("rm ~/{flag}"));
    }
}

fn slow_switch(stage: &Stage, host: &str) {
    let path = stage.fleet.host(host).unwrap().root.clone().unwrap().join("opt/testbed/bin/mv");
    fs::write(&path, SLOW_MV).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Killed between two switches: `cap recover` brings the last host to the release of the others, restarts and confirms, and
/// a second time changes nothing.
#[test]
fn killed_in_the_switch_recover_goes_on() {
    let stage = stage!(&counting());
    let old = stage.live("web1");
    slow_switch(&stage, "app2");
    let others = ["web1", "web2", "app1", "db1"];
    kill_when_held(&stage, "deploy", "slow-switch", &["app2"], || others.iter().all(|host| stage.live(host) != old));
    assert_eq!(stage.live("app2"), old);
    let before = restarts(&stage);
    let ran = when_free(&stage, &["recover"]).expect(0);
    let ran = ran.says(&[
        "was not finished",
        "goes live on 1 of 5 hosts",
        "app2.example.com",
        "stopped at the switch",
        "restart",
    ]);
    let new = check_live(&stage, &stage.repo.head().unwrap(), "2");
    for (before, now) in before.iter().zip(restarts(&stage)) {
        assert_eq!(now, (before.parse::<u32>().unwrap() + 1).to_string(), "{}", ran.text);
    }
    let ledgers = || ALL.map(|host| stage.on(host, "cat /var/www/my_cool_app/.capstan/ledger"));
    let ledger = ledgers();
    assert!(ledger.iter().all(|ledger| ledger.contains(&format!("confirmed\t{new}"))), "{ledger:?}");
    stage.cap(&["recover"]).expect(0).says(&["no run has left anything unfinished"]);
    assert_eq!(ledgers(), ledger);
    stage.cap(&["deploy:rollback"]).expect(0);
    assert_eq!(stage.live("app2"), old);
}

/// The same, and a plain deploy of something newer: one line, and what it was asked for is what is live.
#[test]
fn killed_in_the_switch_a_plain_deploy_recovers_first() {
    let stage = stage!(&counting());
    let old = stage.live("web1");
    slow_switch(&stage, "app2");
    kill_when_held(&stage, "deploy", "slow-switch", &["app2"], || stage.live("web1") != old);
    let third = stage.repo.release("3").unwrap();
    stage.cap(&["--plan", "deploy"]).expect(0).says(&["was not finished", "this comes first"]);
    deploy_when_free(&stage).expect(0).says(&["was not finished: ", "goes live on 1 of 5 hosts"]);
    check_live(&stage, &third, "3");
    stage.cap(&["recover"]).expect(0).says(&["no run has left anything unfinished"]);
    stage.cap(&["deploy:rollback"]).expect(0);
    assert_eq!(stage.live("web1"), old, "what nobody confirmed is passed over");
}

/// Killed while it restarts: the release is live everywhere, and only the restart and the record are missing.
#[test]
fn killed_in_the_restart_recover_restarts() {
    let stage = stage!(&counting());
    let old = stage.live("web1");
    kill_when_held(&stage, "deploy", "slow-restart", &APP, || true);
    let new = stage.live("web1");
    assert!(new > old);
    let before = restarts(&stage);
    when_free(&stage, &["recover"]).expect(0).says(&["stopped after the restart had begun", "leave as it is, restart"]);
    for (before, now) in before.iter().zip(restarts(&stage)) {
        assert_eq!(now, (before.parse::<u32>().unwrap() + 1).to_string());
    }
    check_live(&stage, &stage.repo.head().unwrap(), "2");
    stage.cap(&["recover"]).expect(0).says(&["no run has left anything unfinished"]);
}

/// The same, and then an update, which restarts nothing: that the restart is owed is said and not forgotten.
#[test]
fn killed_in_the_restart_an_update_leaves_the_restart_owed() {
    let stage = stage!(&counting());
    kill_when_held(&stage, "deploy", "slow-restart", &APP, || true);
    let before = restarts(&stage);
    let third = stage.repo.release("3").unwrap();
    let owed = "the restart stays owed until";
    when_free(&stage, &["deploy:update"]).expect(0).says(&["was not finished", owed]);
    stage.repo.release("4").unwrap();
    let fourth = stage.repo.head().unwrap();
    assert_ne!(third, fourth);
    stage.cap(&["deploy:update"]).expect(0).says(&["was not finished", owed]);
    assert_eq!(restarts(&stage), before);
    let live = stage.live("web1");
    stage.cap(&["recover"]).expect(0).says(&["leave as it is, restart"]);
    for (before, now) in before.iter().zip(restarts(&stage)) {
        assert_eq!(now, (before.parse::<u32>().unwrap() + 1).to_string());
    }
    check_live(&stage, &fourth, "4");
    assert_eq!(stage.live("web1"), live);
    stage.cap(&["recover"]).expect(0).says(&["no run has left anything unfinished"]);
    let quiet = stage.cap(&["deploy:update"]).expect(0);
    assert!(!quiet.text.contains("owed"), "{}", quiet.text);
}

/// Killed while it builds: `cap recover` takes away what is half-made, and nothing else happens.
#[test]
fn killed_in_the_checkout_recover_removes() {
    let stage = stage!(&counting());
    let old = stage.live("web1");
    let before = restarts(&stage);
    kill_when_held(&stage, "deploy", "slow", &ALL, || true);
    when_free(&stage, &["recover"]).expect(0).says(&["nothing had gone live", "stopped while it built"]);
    for host in ALL {
        assert_eq!(stage.on(host, "ls /var/www/my_cool_app/releases"), old, "{host}");
    }
    assert_eq!(restarts(&stage), before);
    stage.cap(&["recover"]).expect(0).says(&["no run has left anything unfinished"]);
}

/// Killed in its migrations: a person has to say what became of them, and nothing goes on before.
#[test]
fn killed_in_the_migrations_a_person_is_asked() {
    let migrate = "\nnamespace :deploy do\n  task :migrate, :roles => :db do\n    run \"if test -e ~/slow-migrate; then : > ~/began; fi; \
                   while test -e ~/slow-migrate; do sleep 0.05; done\"\n  end\nend\n";
    let stage = stage!(&format!("{}{migrate}", counting()));
    let old = stage.live("web1");
    kill_when_held(&stage, "deploy:migrations", "slow-migrate", &["db1"], || true);
    for args in [&["deploy"][..], &["recover"]] {
        when_free(&stage, args).expect(7).says(&["migrations", "db1.example.com", "MIGRATED=yes", "next:"]);
        assert_eq!(stage.live("app1"), old);
    }
    stage.cap(&["recover", "MIGRATED=perhaps"]).expect(2).says(&["neither yes nor no"]);
    stage.cap(&["recover", "MIGRATED=no"]).expect(0).says(&["stopped in its migrations", "remove releases/"]);
    for host in ALL {
        assert_eq!(stage.on(host, "ls /var/www/my_cool_app/releases"), old, "{host}");
    }
    kill_when_held(&stage, "deploy:migrations", "slow-migrate", &["db1"], || true);
    when_free(&stage, &["recover", "MIGRATED=yes"]).expect(0).says(&["goes live on 5 of 5 hosts"]);
    check_live(&stage, &stage.repo.head().unwrap(), "2");
    stage.cap(&["deploy"]).expect(0);
}
