//! Hosts that were left out of earlier runs, and new ones, are brought to what the others serve.

use deploy_testbed::FleetSpec;
use deploy_testbed::repo::Scm;

use crate::support::{ALL, RECIPE, Stage, start};
use crate::v3::Three;

/// Hooks that note what was run where, and a step of the build that can be made to fail.
const MORE: &str = "set :unreachable, :skip\nset :migrate_on_deploy, true\n\
     before('deploy:finalize_update') { run 'echo build >> ~/seen; test ! -e ~/broken' }\n\
     after('deploy:restart') { run 'echo restart >> ~/seen; if test -e ~/sick; then rm ~/sick; false; fi' }\n\
     after('deploy') { run 'echo after >> ~/seen' }\n";

/// One release is live on all hosts, and another version, which has a migration, is committed.
fn stage() -> Stage {
    let fleet = start(FleetSpec::embedded(), "embedded").expect("embedded fleets start everywhere");
    let stage = Stage::with(fleet, Scm::Git, &format!("{RECIPE}{MORE}"));
    stage.set_up();
    stage.cap(&["deploy"]).expect(0);
    stage.repo.release("2").unwrap();
    stage.repo.migration("20240101000000_add_mail", "x\n").unwrap();
    stage
}

/// The same, and `app1` has missed the second deploy; behind it the branch has gone on.
fn one_behind() -> (Stage, String, String) {
    let stage = stage();
    let old = stage.live("web1");
    stage.fleet.stop_host("app1").unwrap();
    stage.cap(&["deploy"]).expect(6).says(&["app1.example.com is not on the release of this run; `cap", "catch-up`"]);
    stage.fleet.start_host("app1").unwrap();
    let new = stage.live("web1");
    assert_eq!(stage.live("app1"), old);
    stage.repo.release("3").unwrap();
    for host in ALL {
        stage.on(host, "rm -f ~/seen ~/rake.log");
    }
    (stage, old, new)
}

/// The hosts but that one.
const OTHERS: [&str; 4] = ["web1", "web2", "app2", "db1"];

/// What counts on a host: releases, the live one, what the ledger and the log say.
fn shape(stage: &Stage, host: &str) -> String {
    let text = "ls releases && readlink current && cksum .capstan/ledger .capstan/journal revisions.log";
    stage.on(host, &format!("cd {} && {text}", stage.deploy_to()))
}

fn seen(stage: &Stage, host: &str) -> String {
    stage.on(host, "cat ~/seen 2>/dev/null | tr '\\n' ' '; true").trim().to_owned()
}

#[track_caller]
fn all_live(stage: &Stage, release: &str) {
    for host in ALL {
        assert_eq!(stage.live(host), release, "{host}");
    }
}

fn revision(stage: &Stage, host: &str) -> String {
    stage.on(host, &format!("cat {}/current/REVISION", stage.deploy_to()))
}

#[test]
fn a_host_that_was_left_out_gets_what_the_others_serve() {
    let (stage, old, new) = one_behind();
    let others: Vec<String> = OTHERS.iter().map(|host| shape(&stage, host)).collect();
    let before = shape(&stage, "app1");
    let plan = stage.cap(&["--plan", "catch-up"]).expect(0);
    let plan = plan.says(&[
        "app1.example.com is behind and is brought to",
        &new,
        "no migrations",
        "[publish] on app1.example.com",
    ]);
    assert!(!plan.text.contains("only if"), "nothing migrates: {}", plan.text);
    assert_eq!(shape(&stage, "app1"), before, "a plan changes nothing");
    stage.cap(&["-n", "catch-up"]).expect(0).says(&["behind the others is not known without connecting"]);

    let ran = stage.cap(&["catch-up"]).expect(0);
    ran.says(&["app1.example.com is behind", "Deployed: ", &new, "served that release already", "nothing to do"]);
    all_live(&stage, &new);
    assert_eq!(revision(&stage, "app1"), revision(&stage, "web1"), "the revision of the fleet, not the newest");
    assert_eq!(seen(&stage, "app1"), "build restart after");
    assert_eq!(seen(&stage, "web1"), "", "hosts that are not behind are not touched");
    assert_eq!(stage.on("db1", "cat ~/rake.log 2>/dev/null; true"), "", "no migrations");
    let after: Vec<String> = OTHERS.iter().map(|host| shape(&stage, host)).collect();
    assert_eq!(after, others);

    stage.cap(&["catch-up"]).expect(0).says(&["no host is behind the others", "Done: 5 hosts"]);
    // From here on it is a host like the others.
    stage.cap(&["deploy:rollback"]).expect(0);
    all_live(&stage, &old);
    stage.cap(&["deploy"]).expect(0);
}

#[test]
fn what_lies_there_already_is_not_built_again() {
    let stage = stage();
    let old = stage.live("web1");
    stage.cap(&["deploy"]).expect(0);
    let new = stage.live("web1");
    stage.fleet.stop_host("app1").unwrap();
    stage.cap(&["deploy:rollback"]).expect(6).says(&["catch-up`"]);
    stage.fleet.start_host("app1").unwrap();
    assert_eq!((stage.live("app1"), stage.live("app2")), (new.clone(), old.clone()));
    stage.on("app1", "rm -f ~/seen");
    let inode = format!("stat -c %i {}/releases/{old}", stage.deploy_to());
    let before = stage.on("app1", &inode);
    stage.cap(&["--plan", "catch-up"]).expect(0).says(&["app1.example.com is behind", &old]);
    stage.cap(&["catch-up"]).expect(0);
    all_live(&stage, &old);
    assert_eq!(stage.on("app1", &inode), before);
    assert_eq!(seen(&stage, "app1"), "restart after", "nothing is built");
    // The release that it came from counts for nothing there, as on the others.
    stage.cap(&["deploy"]).expect(0);
    stage.cap(&["deploy:rollback"]).expect(0);
    all_live(&stage, &old);
}

#[test]
fn a_new_host_gets_the_release_of_the_fleet() {
    let stage = stage();
    stage.cap(&["deploy"]).expect(0);
    let live = stage.live("web1");
    stage.repo.release("3").unwrap();
    let root = stage.deploy_to();
    stage.on("app2", &format!("rm -rf {root} ~/seen"));
    stage.cap(&["catch-up"]).expect(1).says(&["app2.example.com", "does not exist", "deploy:setup"]);
    stage.cap(&["deploy:setup"]).expect(0);
    stage.on("app2", &format!("mkdir -p {root}/shared/config; echo x > {root}/shared/config/database.yml"));
    stage.cap(&["catch-up"]).expect(0).says(&["app2.example.com is behind"]);
    all_live(&stage, &live);
    assert_eq!(revision(&stage, "app2"), revision(&stage, "web1"));
    assert_eq!(seen(&stage, "app2"), "build restart after");
}

#[test]
fn what_fails_leaves_the_host_as_it_was() {
    let (stage, old, new) = one_behind();
    let root = stage.deploy_to();
    stage.on("app1", "touch ~/broken");
    stage.cap(&["catch-up"]).expect(1).says(&["app1.example.com", "every host serves what it served before"]);
    assert_eq!((stage.live("app1"), stage.on("app1", &format!("ls {root}/releases"))), (old.clone(), old.clone()));
    stage.on("app1", "rm ~/broken; touch ~/sick");
    stage.cap(&["catch-up"]).expect(3).says(&["everything put back"]);
    assert_eq!((stage.live("app1"), stage.on("app1", &format!("ls {root}/releases"))), (old.clone(), old.clone()));
    assert_eq!(stage.live("web1"), new);
    stage.cap(&["recover"]).expect(0).says(&["no run has left anything unfinished"]);
    stage.cap(&["catch-up"]).expect(0);
    all_live(&stage, &new);
}

#[test]
fn a_failed_switch_keeps_a_release_that_was_there() {
    let stage = stage();
    let old = stage.live("web1");
    stage.cap(&["deploy"]).expect(0);
    let new = stage.live("web1");
    stage.fleet.stop_host("app1").unwrap();
    stage.cap(&["deploy:rollback"]).expect(6);
    stage.fleet.start_host("app1").unwrap();
    stage.on("app1", "touch ~/sick");
    stage.cap(&["catch-up"]).expect(3);
    assert_eq!(stage.live("app1"), new);
    stage.on("app1", &format!("test -e {}/releases/{old}/REVISION", stage.deploy_to()));
    stage.cap(&["catch-up"]).expect(0);
    all_live(&stage, &old);
}

#[test]
fn a_half_made_release_of_that_name_is_built_anew() {
    let (stage, _, new) = one_behind();
    let root = stage.deploy_to();
    stage.on("app1", &format!("mkdir {root}/releases/{new}; echo half > {root}/releases/{new}/half"));
    stage.cap(&["catch-up"]).expect(0);
    all_live(&stage, &new);
    stage.on("app1", &format!("test ! -e {root}/current/half"));
    assert_eq!(revision(&stage, "app1"), revision(&stage, "web1"));
}

#[test]
fn hosts_that_disagree_are_shown_and_stay() {
    let stage = stage();
    let narrow = |host: &str| format!("HOSTFILTER={host}.example.com");
    let deploy = |host: &str| {
        stage.cap(&["deploy", &narrow(host), "-s", "migrate_on_deploy=false"]).expect(0);
        stage.live(host)
    };
    let one = deploy("web1");
    // Within one second, releases of hosts that are not deployed to together may have one name.
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    let two = deploy("web2");
    let before: Vec<String> = ALL.iter().map(|host| shape(&stage, host)).collect();
    let ran = stage.cap(&["catch-up"]).expect(7);
    ran.says(&[
        "hosts serve different releases",
        &format!("web1.example.com {one}"),
        &format!("web2.example.com {two}"),
        "deploy:rollback RELEASE=",
        "or deploy again",
    ]);
    let after: Vec<String> = ALL.iter().map(|host| shape(&stage, host)).collect();
    assert_eq!(after, before);
    // Among those that do not disagree it is clear.
    let rest = "HOSTFILTER=web1.example.com,app1.example.com";
    stage.cap(&["catch-up", rest]).expect(0).says(&["app1.example.com is behind", "2 of 5 hosts"]);
    assert_eq!(stage.live("app1"), one);
}

#[test]
fn who_cannot_be_reached_is_named_again() {
    let (stage, old, new) = one_behind();
    stage.fleet.stop_host("app1").unwrap();
    stage.cap(&["catch-up"]).expect(6).says(&["no host is behind", "app1.example.com cannot be reached", "LEFT OUT"]);
    stage.cap(&["-s", "unreachable=abort", "catch-up"]).expect(6).says(&["app1.example.com", "nothing changed"]);
    stage.fleet.start_host("app1").unwrap();
    assert_eq!((stage.live("app1"), stage.live("web1")), (old, new));
}

#[test]
fn with_nothing_live_anywhere_there_is_nothing_to_catch_up_with() {
    let fleet = start(FleetSpec::embedded(), "embedded").expect("embedded fleets start everywhere");
    let stage = Stage::new(fleet, Scm::Git);
    stage.set_up();
    stage.cap(&["catch-up"]).expect(1).says(&["nothing is live on any of the hosts", "next:", "deploy"]);
    stage.cap(&["-T"]).expect(0).says(&["cap catch-up "]);
    stage.cap(&["-e", "catch-up"]).expect(0).says(&["left out of earlier runs", "who is behind"]);
}

#[test]
fn dialect_3_catches_up() {
    let fleet = start(FleetSpec::embedded(), "embedded").expect("embedded fleets start everywhere");
    let more = "set :unreachable, :skip\n\
         namespace(:deploy) { task(:migrate) { on(roles(:db)) { execute 'echo migrate >> ~/seen' } } }\n\
         namespace(:note) { task(:built) { on(roles(:all)) { execute 'echo build >> ~/seen' } }\n\
         task(:after) { on(roles(:all)) { execute 'echo after >> ~/seen' } } }\n\
         after 'deploy:updated', 'deploy:migrate'\nafter 'deploy:updating', 'note:built'\nafter 'deploy:finished', 'note:after'\n";
    let three = Three::new(fleet, more);
    let (stage, cap) = (&three.stage, |args: &[&str]| three.cap(&[&["production"], args].concat()));
    cap(&["deploy"]).expect(0);
    let old = stage.live("web1");
    stage.repo.release("2").unwrap();
    stage.fleet.stop_host("app2").unwrap();
    cap(&["deploy"]).expect(6).says(&["production catch-up`"]);
    stage.fleet.start_host("app2").unwrap();
    let new = stage.live("web1");
    assert_eq!(stage.live("app2"), old);
    let head = stage.repo.head().unwrap();
    stage.repo.release("3").unwrap();
    // And one more is new: its directories are made as in every deploy.
    stage.on("db1", &format!("rm -rf {}", three.root()));
    for host in ALL {
        stage.on(host, "rm -f ~/seen");
    }
    cap(&["--plan", "catch-up"]).expect(0).says(&["app2.example.com, db1.example.com are behind", &new]);
    cap(&["catch-up"]).expect(0).says(&["deploy:migrate is not run"]);
    assert_eq!(three.check_live(&head, "2"), new);
    for (host, expected) in [("app2", "build after"), ("db1", "build after"), ("web1", ""), ("app1", "")] {
        assert_eq!(seen(stage, host), expected, "{host}");
    }
    stage.on("app2", &format!("test -e {}/current/tmp/restart.txt", three.root()));
    cap(&["deploy:catch_up"]).expect(0).says(&["no host is behind"]);
    cap(&["recover"]).expect(0).says(&["no run has left anything unfinished"]);
    three.cap(&["-e", "catch-up"]).expect(0).says(&["deploy:catch_up"]);
}
