//! The list of releases, marks, a rollback to a named release, and the lock that a person sets.

use deploy_testbed::FleetSpec;
use deploy_testbed::repo::Scm;
use rustix::process::Signal;
use serde_json::Value;

use crate::support::{ALL, RECIPE, Ran, Stage, start};
use crate::terminal::{Background, until};

/// Three releases are there, and the names of all of them.
fn stage() -> (Stage, Vec<String>) {
    let stage = Stage::with(start(FleetSpec::embedded(), "embedded").unwrap(), Scm::Git, RECIPE);
    stage.set_up();
    let names = ["1", "2", "3"].map(|version| {
        if version != "1" {
            stage.repo.release(version).unwrap();
        }
        stage.cap(&["deploy"]).expect(0);
        stage.live("web1")
    });
    (stage, names.to_vec())
}

fn table(ran: &Ran) -> Vec<Value> {
    let lines = ran.text.lines().filter(|line| line.starts_with('{'));
    let events = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
    let table = events.into_iter().find(|event| event["event"] == "table").expect(&ran.text);
    table["rows"].as_array().unwrap().clone()
}

/// What counts: releases, the live one, what the ledger and the log say.
fn visible(stage: &Stage) -> Vec<String> {
    let root = stage.deploy_to();
    let text = format!("cd {root} && ls releases && readlink current && cksum .capstan/ledger revisions.log");
    ALL.iter().map(|host| stage.on(host, &text)).collect()
}

#[track_caller]
fn all_live(stage: &Stage, release: &str) {
    for host in ALL {
        assert_eq!(stage.live(host), release, "{host}");
    }
}

#[test]
fn embedded_releases_are_listed_with_their_marks() {
    let (stage, names) = stage();
    let text = stage.cap(&["releases"]).expect(0).says(&["RELEASE", "STATE", "live, confirmed", "@"]).text;
    assert_eq!(text.lines().filter(|line| line.contains("confirmed")).count(), 3, "hosts are told together:\n{text}");
    stage.cap(&["release:bad", &format!("RELEASE={}", names[1])]).expect(0);
    stage.cap(&["release:pin", "--to", &names[0]]).expect(0);
    let rows = table(&stage.cap(&["releases", "--format", "json"]).expect(0));
    assert_eq!(rows.len(), 3 * ALL.len());
    // Whole revisions with -v only.
    let whole = rows[0]["revision"].as_str().unwrap();
    assert_eq!(whole.len(), 40, "{whole}");
    assert!(!text.contains(whole) && text.contains(&whole[..10]), "{text}");
    stage.cap(&["releases", "-v"]).expect(0).says(&[whole]);
    for host in ALL {
        let host = format!("{host}.example.com");
        let states: Vec<&str> =
            rows.iter().filter(|row| row["host"] == *host).map(|row| row["state"].as_str().unwrap()).collect();
        assert_eq!(states, ["confirmed, pinned", "confirmed, bad", "live, confirmed"], "{host}");
        assert!(rows.iter().all(|row| !row["when"].as_str().unwrap().is_empty()), "{rows:?}");
    }
    // The bad one is passed over, and what goes is the release that was left.
    stage.cap(&["deploy:rollback"]).expect(0);
    all_live(&stage, &names[0]);
    stage.cap(&["release:good", "--to", &names[1]]).expect(0);
    stage.cap(&["deploy:rollback", "--to", &names[1]]).expect(0);
    all_live(&stage, &names[1]);
}

#[test]
fn embedded_cleanup_keeps_what_is_pinned() {
    let (stage, names) = stage();
    stage.cap(&["release:pin", "--to", &names[0]]).expect(0);
    stage.cap(&["deploy"]).expect(0);
    stage.cap(&["deploy:cleanup", "-s", "keep_releases=1"]).expect(0);
    let kept = |host: &str| stage.on(host, &format!("ls {}/releases", stage.deploy_to()));
    for host in ALL {
        assert!(kept(host).contains(&names[0]) && !kept(host).contains(&names[1]), "{host}: {}", kept(host));
    }
    stage.cap(&["release:unpin", "--to", &names[0]]).expect(0);
    stage.cap(&["deploy:cleanup", "-s", "keep_releases=1"]).expect(0);
    assert!(!kept("app2").contains(&names[0]), "{}", kept("app2"));
}

#[test]
fn embedded_what_cannot_be_marked_or_gone_back_to_changes_nothing() {
    let (stage, names) = stage();
    let before = visible(&stage);
    stage.cap(&["release:bad"]).expect(2).says(&["RELEASE is not set", "next:", "releases"]);
    stage.cap(&["release:pin", "--to", "../x"]).expect(2).says(&["next:"]);
    stage.cap(&["release:pin", "--to", "20200101000000"]).expect(2).says(&["no host has", "releases"]);
    let ran = stage.cap(&["deploy:rollback", "--to", "20200101000000"]).expect(2);
    let ran = ran.says(&[
        "where: web1.example.com, web2.example.com, ",
        "does not have it",
        "name one that all of the hosts have: ",
        "releases` lists",
    ]);
    assert!(!ran.text.contains("last lines"), "{}", ran.text);
    let after = visible(&stage);
    assert_eq!(before, after);
    all_live(&stage, &names[2]);
}

/// Hosts that are on different releases have no common "one before": the table says what each has, and a name helps.
#[test]
fn embedded_hosts_that_disagree_are_shown_in_a_table() {
    let (stage, names) = stage();
    let root = stage.deploy_to();
    stage.on("app1", &format!("ln -nfs {root}/releases/{} {root}/current", names[1]));
    stage.cap(&["deploy:rollback"]).expect(7).says(&[
        "not on the same release",
        &format!("app1.example.com {}", names[1]),
        &format!("web1.example.com {}", names[2]),
        "next:",
        &format!("(all hosts have {}, {}, too)", names[1], names[0]),
        &format!("deploy:rollback RELEASE={}", names[2]),
    ]);
    stage.cap(&["deploy:rollback", "--to", &names[0]]).expect(0);
    all_live(&stage, &names[0]);
}

#[test]
fn embedded_a_lock_by_hand_stops_every_run_until_it_is_taken_away() {
    let (stage, names) = stage();
    stage.cap(&["deploy:lock", "-m", "release freeze until Monday"]).expect(0);
    let before = visible(&stage);
    for task in ["deploy", "deploy:rollback", "deploy:cleanup"] {
        stage.cap(&[task]).expect(5).says(&["@", "release freeze until Monday", "deploy:unlock"]);
    }
    stage.cap(&["deploy:lock", "-m", "again"]).expect(5).says(&["release freeze until Monday"]);
    let after = visible(&stage);
    assert_eq!(before, after);
    stage.cap(&["releases"]).expect(0).says(&["locked by ", "release freeze until Monday"]);
    stage.cap(&["release:pin", "--to", &names[0]]).expect(0);
    stage.cap(&["deploy:unlock"]).expect(0);
    stage.cap(&["deploy:unlock"]).expect(0).says(&["nothing to unlock"]);
    stage.cap(&["deploy"]).expect(0);
}

/// A run that may wait begins when the other ends; one that may not is refused and told by whom.
#[test]
fn embedded_a_run_can_wait_for_the_lock() {
    let (stage, _) = stage();
    let held = "task :hold do\n  run 'touch ~/began; while test -e ~/slow; do sleep 0.05; done'\nend\n\
                before 'deploy:create_symlink', 'hold'";
    stage.write("config/deploy.rb", &format!("{RECIPE}\n{held}\n"));
    for host in ALL {
        stage.on(host, "rm -f ~/began; touch ~/slow");
    }
    let first = Background::start(stage.command(&["deploy"]));
    for host in ALL {
        until("the first run is at work", || stage.fleet.run(host, "test -e ~/began").unwrap().ok());
    }
    stage.cap(&["deploy:rollback"]).expect(5).says(&["@", "runs `cap deploy`", "since"]);
    stage.cap(&["deploy:unlock"]).expect(5).says(&["runs `cap deploy`"]);
    stage
        .cap(&["deploy", "--lock-wait", "1"])
        .expect(5)
        .says(&["waiting for the lock, 1 s at most", "runs `cap deploy`"]);
    let log = stage.project.join("second.log");
    let mut command = stage.command(&["deploy", "--lock-wait", "600"]);
    command.arg("--log").arg(&log);
    let second = Background::start(command);
    until("the second waits", || std::fs::read_to_string(&log).is_ok_and(|text| text.contains("waiting for the lock")));
    // A Ctrl-C ends the waiting; the other run goes on.
    let log = stage.project.join("third.log");
    let mut command = stage.command(&["deploy", "--lock-wait", "600"]);
    command.arg("--log").arg(&log);
    let third = Background::start(command);
    until("the third waits", || std::fs::read_to_string(&log).is_ok_and(|text| text.contains("waiting for the lock")));
    third.signal(Signal::INT);
    third.end().expect(130).says(&["interrupted"]);
    for host in ALL {
        stage.on(host, "rm ~/slow");
    }
    first.end().expect(0);
    second.end().expect(0);
    let live = stage.live("web1");
    all_live(&stage, &live);
}
