//! Places on the hosts that are not what a deploy needs, as setup, check and deploy tell of them.

use deploy_testbed::FleetSpec;
use deploy_testbed::repo::Scm;

use crate::support::{ALL, RECIPE, Stage, start};

fn stage() -> Stage {
    let fleet = start(FleetSpec::embedded(), "embedded").expect("embedded fleets start everywhere");
    Stage::new(fleet, Scm::Git)
}

/// A file in the place of a directory is named with the command that moves it away, by all three.
#[test]
fn a_file_where_a_directory_belongs() {
    let stage = stage();
    let root = stage.deploy_to();
    stage.on("web2", &format!("touch {root}"));
    let away = |path: &str| format!("mv {path} {path}.before");
    stage
        .cap(&["deploy:setup", "HOSTFILTER=web1.example.com,app1.example.com,app2.example.com,db1.example.com"])
        .expect(0);
    for task in ["deploy:setup", "deploy:check", "deploy"] {
        let ran = stage.cap(&[task]).expect(1).says(&["web2.example.com", "is no directory", &away(&root)]);
        assert!(!ran.text.contains("`cap deploy:setup`") || task != "deploy:setup", "{}", ran.text);
    }
    stage.on("web2", &format!("rm {root} && mkdir {root} && touch {root}/releases"));
    let releases = format!("{root}/releases");
    for task in ["deploy:setup", "deploy:check", "deploy"] {
        stage.cap(&[task]).expect(1).says(&["web2.example.com", "is no directory", &away(&releases)]);
    }
    stage.on("web2", &away(&releases));
    stage.set_up();
    stage.cap(&["deploy"]).expect(0);
}

/// Above `deploy_to`, too.
#[test]
fn a_file_above_the_root() {
    let stage = stage();
    stage.on("app1", "touch ~/apps");
    let repository = format!("repository={}", stage.server.url());
    let cap = |task: &str| stage.run(stage.bare(&[task, "-s", &repository, "-s", "deploy_to=~/apps/a/b"]));
    for task in ["deploy:check", "deploy:setup"] {
        let ran =
            cap(task).expect(1).says(&["app1.example.com", "apps is there, but is no directory", "mv ", "apps.before"]);
        assert!(!ran.text.contains("mkdir -p"), "{}", ran.text);
    }
    stage.on("app1", "mv ~/apps ~/apps.before");
    cap("deploy:setup").expect(0);
}

/// What `deploy:setup` and the log of the releases would stumble over.
#[test]
fn a_check_lists_what_stands_in_the_way_below_the_root() {
    let stage = stage();
    stage.set_up();
    let root = stage.deploy_to();
    stage.on("db1", &format!("rmdir {root}/shared/log && touch {root}/shared/log && mkdir {root}/revisions.log"));
    let away = |path: &str| format!("mv {root}/{path} {root}/{path}.before");
    stage.cap(&["deploy:check"]).expect(1).says(&[
        "db1.example.com",
        "2 things are in the way on 1 host",
        "shared/log is there, but is no directory",
        &away("shared/log"),
        "revisions.log is a directory, not a file",
        &away("revisions.log"),
    ]);
    stage.on("db1", &format!("{}; {}", away("shared/log"), away("revisions.log")));
    stage.cap(&["deploy:setup"]).expect(0);
    stage.cap(&["deploy:check"]).expect(0);
}

/// `current` in a directory of its own, which `deploy:setup` makes and without which nothing begins.
#[test]
fn the_link_to_the_live_release_in_a_subdirectory() {
    let stage = stage();
    stage.write("config/deploy.rb", &format!("{RECIPE}\nset :current_dir, 'htdocs/live'\n"));
    let root = stage.deploy_to();
    for (host, path) in ALL.iter().map(|host| (host, format!("{root}/releases {root}/shared/log"))) {
        stage.on(host, &format!("mkdir -p {path}"));
    }
    for task in ["deploy:check", "deploy"] {
        stage.cap(&[task]).expect(1).says(&["htdocs does not exist", "deploy:setup", "web1.example.com"]);
    }
    stage.set_up();
    stage.cap(&["deploy:check"]).expect(0);
    for more in [&[][..], &["-s", "relative_links=true"]] {
        stage.cap(&[&["deploy"], more].concat()).expect(0);
        for host in ALL {
            stage.on(host, &format!("test -f {root}/htdocs/live/REVISION"));
        }
    }
    stage.cap(&["deploy:rollback"]).expect(0);
    stage.on("web1", &format!("test -f {root}/htdocs/live/REVISION"));
}
