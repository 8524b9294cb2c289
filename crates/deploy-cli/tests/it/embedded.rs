//! Against SSH servers in this process, each host with a home of its own: any machine, no packages.

use std::time::Duration;

use deploy_testbed::httpapp::HttpApp;
use deploy_testbed::load::Load;
use deploy_testbed::repo::Scm;
use deploy_testbed::{Fleet, FleetSpec};

use crate::scenarios;
use crate::support::{ALL, APP, RECIPE, Stage, have, start};

fn fleet() -> Fleet {
    start(FleetSpec::embedded(), "embedded").expect("embedded fleets start everywhere")
}

#[test]
fn main_job_with_git() {
    scenarios::main_job(fleet(), Scm::Git, &[]);
}

#[test]
fn main_job_with_git_remote_cache() {
    scenarios::main_job(fleet(), Scm::Git, &["-s", "deploy_via=remote_cache"]);
}

#[test]
fn main_job_with_git_export() {
    scenarios::main_job(fleet(), Scm::Git, &["-s", "deploy_via=export"]);
}

#[test]
fn main_job_with_subversion() {
    if have(Scm::Subversion) {
        scenarios::main_job(fleet(), Scm::Subversion, &[]);
    }
}

#[test]
fn migrates_on_the_primary_before_the_switch() {
    scenarios::migrates(fleet(), Scm::Git);
}

#[test]
fn a_hook_that_fails_on_one_host_stops_all() {
    scenarios::hook_fails_on_one(fleet(), Scm::Git);
}

#[test]
fn rehearsals_change_nothing() {
    scenarios::rehearsals_change_nothing(fleet(), Scm::Git);
}

#[test]
fn a_deploy_needs_few_channels() {
    let stage = Stage::new(fleet(), Scm::Git);
    stage.set_up();
    stage.cap(&["deploy"]).expect(0);
    let count = |host: &str| {
        let stats = stage.fleet.stats(host).unwrap();
        (stats.connections, stats.execs.len())
    };
    let before: Vec<_> = ALL.iter().map(|host| count(host)).collect();
    stage.repo.release("2").unwrap();
    stage.cap(&["deploy"]).expect(0);
    for (host, before) in ALL.iter().zip(before) {
        let after = count(host);
        assert_eq!(after.0 - before.0, 1, "{host}: one connection a run");
        assert!(after.1 - before.1 <= 3, "{host}: {} exec channels", after.1 - before.1);
        let texts = stage.fleet.stats(host).unwrap().execs;
        assert!(texts.iter().all(|text| !text.contains("my_cool_app")), "no path in argv: {texts:?}");
    }
}

#[test]
fn one_host_in_all_roles() {
    let fleet = start(FleetSpec::embedded().hosts(["web1"]), "embedded").unwrap();
    let recipe = RECIPE
        .replace(
            "role :web, \"web1.example.com\", \"web2.example.com\"",
            "server \"web1.example.com\", :web, :app, :db, :primary => true",
        )
        .replace("role :app, \"app1.example.com\", \"app2.example.com\"\n", "")
        .replace("role :db,  \"db1.example.com\", :primary => true\n", "");
    let stage = Stage::with(fleet, Scm::Git, &recipe);
    stage.set_up();
    stage.cap(&["deploy"]).expect(0);
    let one = stage.live("web1");
    stage.repo.migration("20240101000000_add_mail", "x\n").unwrap();
    stage.cap(&["deploy"]).expect(0);
    let log = stage.on("web1", "cat ~/rake.log");
    assert!(log.contains(&stage.live("web1")), "{log}");
    assert_ne!(stage.live("web1"), one);
    stage.on("web1", &format!("test -e {}/current/tmp/restart.txt", stage.deploy_to()));
    stage.cap(&["deploy:rollback"]).expect(0);
    assert_eq!(stage.live("web1"), one);
}

#[test]
fn requests_never_fail_while_releases_change() {
    let rounds: usize = std::env::var("CAPSTAN_LOAD_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(100);
    let stage = Stage::new(fleet(), Scm::Git);
    stage.set_up();
    stage.cap(&["deploy"]).expect(0);
    let root = stage.deploy_to();
    let servers: Vec<HttpApp> =
        APP.iter().map(|host| HttpApp::serve(stage.fleet.host(host).unwrap().site(&root).unwrap()).unwrap()).collect();
    let addrs: Vec<_> = servers.iter().map(HttpApp::addr).collect();
    let load = Load::start(&addrs, 2, Duration::from_millis(2)).unwrap();
    for round in 0..rounds {
        stage.cap(&["deploy"]).expect(0);
        if round % 5 == 4 {
            stage.cap(&["deploy:rollback"]).expect(0);
        }
        if round % 10 == 9 {
            stage.repo.release(&format!("{}", round + 2)).unwrap();
            stage.cap(&["deploy:cleanup"]).expect(0);
        }
    }
    let report = load.stop();
    println!("{} requests, {} failed, versions {:?}", report.requests, report.failed, report.versions);
    assert!(report.requests > 100, "{report:?}");
    assert_eq!(report.failed, 0, "{:?}", report.failures);
}

#[test]
fn filters_narrow_the_run_and_the_last_line_says_so() {
    let stage = Stage::new(fleet(), Scm::Git);
    stage.set_up();
    let narrow = "HOSTFILTER=web1.example.com,app1.example.com";
    // The release has migrations, and the host that runs them is filtered out.
    stage.cap(&["deploy", narrow]).expect(2).says(&["migrat", "db1.example.com"]);
    assert!(!stage.fleet.run("web1", &format!("test -e {}/current", stage.deploy_to())).unwrap().ok());
    stage.cap(&["deploy", narrow, "-s", "migrate_on_deploy=false"]).expect(0).says(&["2 of 5 hosts"]);
    stage.live("web1");
    assert!(!stage.fleet.run("web2", &format!("test -e {}/current", stage.deploy_to())).unwrap().ok());
    stage
        .cap(&["invoke", "COMMAND=echo hello $CAPISTRANO:HOST$", "ROLES=web"])
        .expect(0)
        .says(&["hello web1.example.com", "hello web2.example.com"]);
    stage.cap(&["invoke", "COMMAND=true", "ROLES=nosuch"]).expect(2);
}

/// Migrations that a filter leaves without their host: nothing goes live without them.
#[test]
fn a_filter_without_the_migrations_host_lets_nothing_go_live_unmigrated() {
    let stage = Stage::new(fleet(), Scm::Git);
    stage.set_up();
    stage.cap(&["deploy"]).expect(0);
    let live = stage.live("web1");
    stage.repo.migration("20240101000000_add_mail", "alter table users add mail text;\n").unwrap();
    let narrow = "HOSTFILTER=web1.example.com,app1.example.com";
    let before = stage.tree("web1");
    for task in ["deploy:migrations", "deploy:cold"] {
        for more in [&[][..], &["--plan"]] {
            let words = ["migrates on db1.example.com", "not among the selected hosts", "migrate_on_deploy=false"];
            stage.cap(&[&[task, narrow], more].concat()).expect(2).says(&words);
        }
        assert_eq!(stage.tree("web1"), before, "{task}");
    }
    // A hook of the recipe is skipped there, and so is what protects a plain deploy.
    stage.write("config/deploy.rb", &format!("{RECIPE}\nafter 'deploy:update_code', 'deploy:migrate'\n"));
    stage.cap(&["deploy", narrow, "--plan"]).expect(0).says(&["is refused: db1.example.com is not among"]);
    let words = ["new migrations (20240101000000_add_mail", "db1.example.com is not among the selected hosts"];
    stage.cap(&["deploy", narrow]).expect(2).says(&words);
    assert_eq!(stage.live("web1"), live);
    stage.on("db1", "rm -f ~/rake.log");
    stage.cap(&["deploy"]).expect(0);
    assert_eq!(stage.on("db1", "wc -l < ~/rake.log").trim(), "1");
    // With nothing new the hook is skipped as before.
    stage.cap(&["deploy", narrow]).expect(0).says(&["skipping `deploy:migrate'"]);
    stage.repo.migration("20240102000000_more", "alter table users add more text;\n").unwrap();
    stage.cap(&["deploy", narrow, "-s", "migrate_on_deploy=false"]).expect(0);
}

#[test]
fn maintenance_page_comes_and_goes() {
    let stage = Stage::new(fleet(), Scm::Git);
    stage.set_up();
    let page = format!("{}/shared/system/maintenance.html", stage.deploy_to());
    stage.cap(&["deploy:web:disable", "REASON=a <move>"]).expect(0);
    assert!(stage.on("web2", &format!("cat {page}")).contains("a &lt;move&gt;"));
    assert!(!stage.fleet.run("app1", &format!("test -e {page}")).unwrap().ok());
    stage.cap(&["deploy:web:enable"]).expect(0);
    assert!(!stage.fleet.run("web2", &format!("test -e {page}")).unwrap().ok());
}

#[test]
fn cleanup_keeps_the_live_and_the_previous_release() {
    let stage = Stage::new(fleet(), Scm::Git);
    stage.set_up();
    for _ in 0..4 {
        stage.cap(&["deploy"]).expect(0);
    }
    stage.cap(&["deploy:rollback"]).expect(0);
    let live = stage.live("web1");
    stage.cap(&["deploy:cleanup", "-s", "keep_releases=1"]).expect(0);
    for host in ALL {
        assert_eq!(stage.live(host), live);
        stage.on(host, &format!("test -e {}/current/REVISION", stage.deploy_to()));
    }
}

/// No schema is changed for a release that one host cannot complete, however the run gets to its migrations.
#[test]
fn migrations_wait_until_every_host_has_its_release() {
    // A command on one host at a time: what stands behind it cannot travel with it.
    let broken = "after 'deploy:update_code' do\n  run \"test ! -e ~/broken || ln -s nowhere #{release_path}/log2\", \
                  :roles => :web, :max_hosts => 1\nend";
    let recipe = format!("{RECIPE}\nset :dangling_links, :fail\n{broken}\n");
    let stage = Stage::with(fleet(), Scm::Git, &recipe);
    stage.set_up();
    stage.cap(&["deploy"]).expect(0);
    let live = stage.live("web1");
    stage.on("web1", "touch ~/broken");
    stage.on("db1", "rm -f ~/rake.log");
    stage.repo.migration("20240101000000_add_mail", "alter table users add mail text;\n").unwrap();
    for task in ["deploy", "deploy:migrations"] {
        stage.cap(&[task]).expect(1).says(&["web1.example.com", "log2 points to nowhere"]);
        assert_eq!(stage.on("db1", "cat ~/rake.log 2>/dev/null; true"), "", "{task} must not migrate");
        for host in ALL {
            assert_eq!(stage.live(host), live, "{task}: {host}");
        }
    }
    stage.on("web1", "rm ~/broken");
    stage.cap(&["deploy:migrations"]).expect(0);
    assert_eq!(stage.on("db1", "wc -l < ~/rake.log").trim(), "1");
}
