//! What must work on every kind of fleet.

use deploy_testbed::Fleet;
use deploy_testbed::repo::Scm;

use crate::support::{ALL, APP, Stage};

/// Set up, deploy, commit, deploy, roll back; every host is looked at after each.
pub fn main_job(fleet: Fleet, scm: Scm, options: &[&str]) {
    let stage = Stage::new(fleet, scm);
    stage.set_up();
    let with = |task: &'static str| [&[task], options].concat();
    stage.cap(&with("deploy:check")).expect(0);

    let first = stage.repo.head().unwrap();
    stage.cap(&with("deploy")).expect(0).says(&["Deployed", "web1.example.com", "db1.example.com"]);
    let one = check_live(&stage, &first, "1");

    let second = stage.repo.release("2").unwrap();
    stage.cap(&with("deploy")).expect(0);
    let two = check_live(&stage, &second, "2");
    assert!(two > one, "release names grow: {one} {two}");

    stage.cap(&with("deploy:rollback")).expect(0).says(&["Rolled back"]);
    assert_eq!(check_live(&stage, &first, "1"), one);

    // As in Capistrano 2, the release that was left is gone; a further rollback has nowhere to go and changes nothing.
    let before: Vec<String> = ALL.iter().map(|host| stage.tree(host)).collect();
    stage.cap(&with("deploy:rollback")).expect(1);
    let after: Vec<String> = ALL.iter().map(|host| stage.tree(host)).collect();
    assert_eq!(before, after);

    stage.cap(&with("deploy")).expect(0);
    check_live(&stage, &second, "2");
}

/// All hosts live on one release of this revision; gives its name.
#[track_caller]
pub fn check_live(stage: &Stage, revision: &str, version: &str) -> String {
    let root = stage.deploy_to();
    let release = stage.live("web1");
    for host in ALL {
        assert_eq!(stage.live(host), release, "{host}");
        let current = format!("{root}/current");
        assert_eq!(stage.on(host, &format!("cat {current}/REVISION")), revision, "{host}");
        assert_eq!(stage.on(host, &format!("cat {current}/VERSION")), version, "{host}");
        let link = stage.on(host, &format!("readlink {current}"));
        assert!(link.starts_with('/'), "{host}: Capistrano writes absolute links: {link}");
        for (at, target) in [("log", "log"), ("public/system", "system"), ("tmp/pids", "pids")] {
            let link = stage.on(host, &format!("readlink {current}/{at}"));
            assert!(link.ends_with(&format!("/my_cool_app/shared/{target}")), "{host}: {at} -> {link}");
            stage.on(host, &format!("test -d {current}/{at}"));
        }
        let is_app = APP.contains(&host);
        let restarted = stage.fleet.run(host, &format!("test -e {current}/tmp/restart.txt")).unwrap().ok();
        assert_eq!(restarted, is_app, "{host}: restart.txt");
        let linked = stage.fleet.run(host, &format!("test -L {current}/config/database.yml")).unwrap().ok();
        assert_eq!(linked, is_app, "{host}: config/database.yml");
        let log = stage.on(host, &format!("tail -n 1 {root}/revisions.log"));
        assert!(log.contains(&release) || log.contains("rolled back"), "{host}: revisions.log says {log}");
    }
    release
}

/// A release with a new migration runs it once, on the primary, before any host is switched.
pub fn migrates(fleet: Fleet, scm: Scm) {
    let stage = Stage::new(fleet, scm);
    stage.set_up();
    stage.cap(&["deploy"]).expect(0);
    let root = stage.deploy_to();
    for host in ALL {
        stage.on(host, "rm -f ~/rake.log ~/schema_migrations");
    }
    let old = stage.live("web1");
    stage.cap(&["deploy"]).expect(0);
    assert_eq!(stage.on("db1", "cat ~/rake.log 2>/dev/null; true"), "", "nothing new, nothing migrated");

    let revision = stage.repo.migration("20240101000000_add_mail", "alter table users add mail text;\n").unwrap();
    assert_ne!(old, stage.live("web1"));
    stage.cap(&["deploy"]).expect(0);
    check_live(&stage, &revision, "1");
    let log = stage.on("db1", "cat ~/rake.log");
    assert_eq!(log.lines().count(), 1, "{log}");
    assert!(log.contains("db:migrate") && log.contains(&format!("releases/{}", stage.live("db1"))), "{log}");
    for host in ALL.iter().filter(|host| **host != "db1") {
        assert_eq!(stage.on(host, "cat ~/rake.log 2>/dev/null; true"), "", "{host}");
    }

    // One that fails leaves every host as it was.
    stage.repo.migration("20240102000000_broken", "FAIL\n").unwrap();
    let before = stage.live("web1");
    let ran = stage.cap(&["deploy"]).expect(1).says(&["db1.example.com", "the migration failed on db1.example.com"]);
    assert!(!ran.text.contains("migrations were run"), "{}", ran.text);
    for host in ALL {
        assert_eq!(stage.live(host), before, "{host}");
        let left = stage.on(host, &format!("ls {root}/releases | wc -l"));
        assert_eq!(left, "3", "{host}: the failed release is gone");
    }
}

/// A hook command that fails on one of five hosts: no host is switched, nothing is left behind, exit 1.
pub fn hook_fails_on_one(fleet: Fleet, scm: Scm) {
    let recipe = format!(
        "{}\nafter 'deploy:update_code' do\n  run 'echo looking; test ! -e ~/broken'\nend\n",
        crate::support::RECIPE
    );
    let stage = Stage::with(fleet, scm, &recipe);
    stage.set_up();
    stage.cap(&["deploy"]).expect(0);
    let before = stage.live("web1");
    stage.repo.release("2").unwrap();
    stage.on("app2", "touch ~/broken");
    let ran = stage.cap(&["deploy"]).expect(1).says(&["app2.example.com", "config/deploy.rb:", "looking"]);
    let last = ran.text.lines().rev().take(12).collect::<Vec<_>>().join("\n");
    assert!(last.contains("app2.example.com"), "the failing host comes last:\n{}", ran.text);
    for host in ALL {
        assert_eq!(stage.live(host), before, "{host}");
        assert_eq!(stage.on(host, &format!("ls {}/releases", stage.deploy_to())), before, "{host}");
    }
    stage.on("app2", "rm ~/broken");
    stage.cap(&["deploy"]).expect(0);
    assert_ne!(stage.live("app2"), before);
}

/// A plan and a dry run change nothing and say what would run.
pub fn rehearsals_change_nothing(fleet: Fleet, scm: Scm) {
    let stage = Stage::new(fleet, scm);
    stage.set_up();
    stage.cap(&["deploy"]).expect(0);
    let revision = stage.repo.release("2").unwrap();
    let before: Vec<String> = ALL.iter().map(|host| stage.tree(host)).collect();
    let short = &revision[..revision.len().min(10)];
    stage.cap(&["--plan", "deploy"]).expect(0).says(&[short, "restart.txt", "app1.example.com", "database.yml"]);
    stage.cap(&["-n", "deploy"]).expect(0).says(&["restart.txt"]);
    stage.cap(&["--plan", "deploy:rollback"]).expect(1);
    stage.cap(&["--plan", "deploy:check"]).expect(0).says(&["the hosts are ready for a deploy"]);
    let after: Vec<String> = ALL.iter().map(|host| stage.tree(host)).collect();
    assert_eq!(before, after);
    // A check in a plan has looked; one in a dry run does not say that it has.
    let releases = format!("{}/releases", stage.deploy_to());
    stage.on("app2", &format!("mv {releases} {releases}.away"));
    stage.cap(&["--plan", "deploy:check"]).expect(1).says(&["app2.example.com", "find", "releases", "deploy:setup"]);
    let dry = stage.cap(&["-n", "deploy:check"]).expect(0).says(&["no host was looked at"]);
    assert!(!dry.text.contains("the hosts are ready"), "{}", dry.text);
}
