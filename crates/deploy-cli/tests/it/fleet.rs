//! Hosts that a run goes on without: those that cannot be reached, and those that fail before the switch.

use deploy_testbed::FleetSpec;
use deploy_testbed::repo::Scm;

use crate::support::{ALL, RECIPE, Stage, start};
use crate::terminal::{Background, until};

/// A step of the build that fails where there is a file `~/broken`.
const BREAKS: &str = "before(\"deploy:finalize_update\") { run \"test ! -e ~/broken\" }\n";

/// One release is live on all hosts, and another version is committed.
fn stage(more: &str) -> Stage {
    let fleet = start(FleetSpec::embedded(), "embedded").expect("embedded fleets start everywhere");
    let stage = Stage::with(fleet, Scm::Git, &format!("{RECIPE}{more}"));
    stage.set_up();
    stage.cap(&["deploy"]).expect(0);
    stage.repo.release("2").unwrap();
    stage
}

/// What is live on each host.
fn lives(stage: &Stage) -> Vec<String> {
    ALL.iter().map(|host| stage.live(host)).collect()
}

/// Every host but these is on one release, which is not the old one; these are still on the old one.
#[track_caller]
fn all_but(stage: &Stage, left_out: &[&str], old: &str) -> String {
    let new = stage.live(if left_out.contains(&"web1") { "db1" } else { "web1" });
    assert_ne!(new, old);
    for host in ALL {
        let expected = if left_out.contains(&host) { old } else { &new };
        assert_eq!(stage.live(host), expected, "{host}");
    }
    new
}

#[test]
fn who_cannot_be_reached_is_left_out() {
    let stage = stage("set :unreachable, :skip\n");
    let old = stage.live("web1");
    stage.fleet.stop_host("web2").unwrap();
    let plan = stage.cap(&["--plan", "deploy"]).expect(0);
    plan.says(&["web2.example.com cannot be reached and is left out", "but never db1.example.com"]);
    stage.cap(&["-n", "deploy"]).expect(0).says(&["left out, but never db1.example.com (set :unreachable, :skip)"]);
    stage.cap(&["deploy"]).expect(6).says(&[
        "web2.example.com cannot be reached and is left out of this run",
        "left out",
        "could not be reached",
        "on 4 of 5 hosts",
        "without web2.example.com",
        "catch-up` brings it there, and so does the next deploy that reaches it",
    ]);
    let new = all_but(&stage, &["web2"], &old);
    stage.cap(&["deploy:rollback"]).expect(6).says(&["rolled back", "without web2.example.com"]);
    assert_eq!(lives(&stage), vec![old.clone(); 5]);
    assert_ne!(new, old);
}

#[test]
fn nothing_begins_without_the_primary_database_host_or_any_host() {
    let stage = stage("set :unreachable, :skip\n");
    let before = lives(&stage);
    stage.fleet.stop_host("db1").unwrap();
    stage.cap(&["deploy"]).expect(6).says(&["db1.example.com", "the run cannot go on without this host"]);
    assert_eq!(lives(&stage), before);
    // Going back migrates nothing.
    stage.cap(&["-s", "migrate_on_deploy=false", "deploy"]).expect(6).says(&["deployed", "without db1.example.com"]);
    let new = all_but(&stage, &["db1"], &before[0]);
    for host in ALL {
        if host != "db1" {
            stage.fleet.stop_host(host).unwrap();
        }
    }
    stage.cap(&["-s", "migrate_on_deploy=false", "deploy"]).expect(6).says(&["nothing changed"]);
    assert_eq!(all_but(&stage, &["db1"], &before[0]), new);
}

#[test]
fn without_the_setting_an_unreachable_host_stops_the_run() {
    let stage = stage("set :unreachable, :abort\n");
    let before = lives(&stage);
    stage.fleet.stop_host("web2").unwrap();
    stage.cap(&["deploy"]).expect(6).says(&["nothing changed", "web2.example.com"]);
    assert_eq!(lives(&stage), before);
    stage.cap(&["-s", "unreachable=maybe", "deploy"]).expect(2).says(&["unreachable", ":skip or :abort"]);
}

#[test]
fn a_host_that_fails_before_the_switch_is_left_out() {
    let stage = stage(&format!("{BREAKS}set :max_failed, 1\n"));
    let old = stage.live("web1");
    stage.on("app2", "touch ~/broken");
    stage.cap(&["--plan", "deploy"]).expect(0).says(&["up to 1 host may fail before the switch", "never db1"]);
    stage.cap(&["deploy"]).expect(6).says(&[
        "app2.example.com failed before the switch and is left out",
        "on 4 of 5 hosts",
        "without app2.example.com",
    ]);
    let new = all_but(&stage, &["app2"], &old);
    let root = stage.deploy_to();
    assert_eq!(stage.on("app2", &format!("ls {root}/releases")), old, "what was built is removed");
    let ledger = stage.on("app2", &format!("cat {root}/.capstan/ledger"));
    assert!(ledger.contains(&format!("failed\t{new}")), "{ledger}");
    stage.cap(&["recover"]).expect(0).says(&["no run has left anything unfinished"]);

    stage.on("app2", "rm ~/broken");
    stage.cap(&["deploy"]).expect(0);
    all_but(&stage, &[], &new);
}

#[test]
fn too_many_failures_or_the_wrong_host_turn_everything_back() {
    let stage = stage(&format!("{BREAKS}set :max_failed, '20%'\n"));
    let before = lives(&stage);
    for broken in [&["app1", "app2"][..], &["db1"]] {
        broken.iter().for_each(|host| drop(stage.on(host, "touch ~/broken")));
        stage.cap(&["deploy"]).expect(1).says(&["every host serves what it served before", "test ! -e ~/broken"]);
        assert_eq!(lives(&stage), before, "{broken:?}");
        broken.iter().for_each(|host| drop(stage.on(host, "rm ~/broken")));
    }
    stage.cap(&["-s", "max_failed=few", "deploy"]).expect(2).says(&["max_failed", "a number of hosts"]);
    stage.cap(&["deploy"]).expect(0);
}

/// The connection to one host breaks in the restart, and the host is there all the same: it goes back with the others, and
/// is restarted on what it went back to.
#[test]
fn a_host_that_is_lost_after_its_switch_and_comes_back_is_put_back_too() {
    let fleet = start(FleetSpec::embedded(), "embedded").expect("embedded fleets start everywhere");
    let held = "run \"echo x >> ~/restarts; while test -e ~/hold; do sleep 0.05; done; touch";
    let stage = Stage::with(fleet, Scm::Git, &RECIPE.replace("run \"touch", held));
    stage.set_up();
    stage.cap(&["deploy"]).expect(0);
    stage.repo.release("2").unwrap();
    let before = lives(&stage);
    stage.on("app2", "rm ~/restarts; touch ~/hold");
    let run = Background::start(stage.command(&["deploy"]));
    until("the restart has begun", || stage.fleet.run("app2", "test -e ~/restarts").unwrap().ok());
    stage.on("app2", "rm ~/hold");
    stage.fleet.drop_connections("app2").unwrap();
    let ended = run.end();
    assert_eq!(ended.code, 3, "{}", ended.text);
    let ended =
        ended.says(&["the connection was lost, and there is a new one for the way back", "everything put back"]);
    assert_eq!(lives(&stage), before, "{}", ended.text);
    assert_eq!(stage.on("app2", "wc -l < ~/restarts").trim(), "2", "restarted again on the old release");
    let releases = stage.on("app2", &format!("ls {}/releases", stage.deploy_to()));
    assert_eq!(releases.lines().count(), 1, "what was built is gone: {releases}");
    let row = ended.text.lines().find(|line| line.starts_with("app2.example.com ") && !line.contains("done")).unwrap();
    assert!(!row.contains("UNKNOWN"), "{}", ended.text);
    stage.cap(&["recover"]).expect(0).says(&["no run has left anything unfinished"]);
    stage.cap(&["deploy"]).expect(0);
}
