//! What a recipe hangs before a deploy goes to no host until every host is connected to, locked and looked at.

use deploy_testbed::FleetSpec;
use deploy_testbed::repo::Scm;

use crate::support::{ALL, RECIPE, Stage, start};
use crate::terminal::{Background, until};

/// The test recipe, deployed once, with a command before each of these tasks.
fn stage(tasks: &[&str]) -> Stage {
    let fleet = start(FleetSpec::embedded(), "embedded").unwrap();
    let stage = Stage::with(fleet, Scm::Git, RECIPE);
    stage.set_up();
    stage.cap(&["deploy"]).expect(0);
    stage.cap(&["deploy"]).expect(0);
    stage.write("config/deploy.rb", &recipe(tasks));
    stage
}

fn recipe(tasks: &[&str]) -> String {
    let mut recipe = RECIPE.to_owned();
    for task in tasks {
        recipe.push_str(&format!("\nbefore('{task}') {{ run 'echo {task} >> ~/hooklog', :roles => :web }}\n"));
    }
    recipe
}

fn hooklog(stage: &Stage) -> String {
    stage.on("web1", "cat ~/hooklog 2>/dev/null; true")
}

const TASKS: &[&str] = &["deploy", "deploy:update", "deploy:update_code", "deploy:symlink", "deploy:rollback"];

/// What a deploy adds to the log; the new name of `deploy:symlink` fires the hooks of the old one.
const ALL_FIRED: &str = "deploy\ndeploy:update\ndeploy:update_code\ndeploy:symlink";

#[test]
fn embedded_a_lock_by_hand_is_seen_before_the_first_hook() {
    let stage = stage(TASKS);
    stage.cap(&["deploy:lock", "-m", "frozen"]).expect(0);
    for task in
        ["deploy", "deploy:update", "deploy:update_code", "deploy:symlink", "deploy:migrations", "deploy:rollback"]
    {
        stage.cap(&[task]).expect(5).says(&["frozen"]);
        assert_eq!(hooklog(&stage), "", "{task}");
    }
    stage.cap(&["deploy:unlock"]).expect(0);
    stage.cap(&["deploy"]).expect(0);
    assert_eq!(hooklog(&stage), ALL_FIRED);
    stage.cap(&["deploy:rollback"]).expect(0);
    assert!(hooklog(&stage).ends_with("deploy:rollback"), "{}", hooklog(&stage));
}

#[test]
fn embedded_the_lock_of_another_run_is_seen_before_the_first_hook() {
    let stage = stage(&[]);
    let held = "before('deploy:create_symlink') { run 'touch ~/began; while test -e ~/slow; do sleep 0.05; done' }";
    stage.write("config/deploy.rb", &format!("{RECIPE}\n{held}\n"));
    for host in ALL {
        stage.on(host, "touch ~/slow");
    }
    let first = Background::start(stage.command(&["deploy"]));
    for host in ALL {
        until("the first run is at work", || stage.fleet.run(host, "test -e ~/began").unwrap().ok());
    }
    stage.write("config/deploy.rb", &recipe(TASKS));
    stage.cap(&["deploy"]).expect(5).says(&["runs `cap deploy`"]);
    assert_eq!(hooklog(&stage), "");
    for host in ALL {
        stage.on(host, "rm ~/slow");
    }
    first.end().expect(0);
}

#[test]
fn embedded_what_stands_against_a_deploy_is_seen_before_the_first_hook() {
    let stage = stage(TASKS);
    let current = format!("{}/current", stage.deploy_to());
    stage.on("web1", &format!("mv {current} {current}.kept && mkdir {current}"));
    stage.cap(&["deploy"]).expect(1).says(&["web1.example.com", "current"]);
    assert_eq!(hooklog(&stage), "");
    stage.on("web1", &format!("rmdir {current} && mv {current}.kept {current}"));
    stage.cap(&["deploy"]).expect(0);
}

#[test]
fn embedded_a_host_out_of_reach_is_seen_before_the_first_hook() {
    let stage = stage(TASKS);
    let lost = recipe(TASKS) + "\nrole :app, 'nosuch.invalid'\n";
    stage.write("config/deploy.rb", &lost);
    stage.cap(&["deploy"]).expect(6).says(&["nosuch.invalid"]);
    assert_eq!(hooklog(&stage), "");
}

/// A hook that fails gives the lock back, its `on_rollback` runs, and nothing was published.
#[test]
fn embedded_a_hook_that_fails_turns_the_run_back() {
    let stage = stage(&[]);
    let live = stage.live("web1");
    let hook = "before('deploy') { transaction { on_rollback { run 'echo undone >> ~/hooklog' }\n run 'false' } }";
    stage.write("config/deploy.rb", &format!("{RECIPE}\n{hook}\n"));
    let ran = stage.cap(&["deploy"]);
    assert_ne!(ran.code, 0, "{}", ran.text);
    assert_eq!(hooklog(&stage), "undone");
    assert_eq!(stage.live("web1"), live);
    stage.write("config/deploy.rb", &recipe(TASKS));
    stage.cap(&["deploy"]).expect(0);
    assert_ne!(stage.live("web1"), live);
}

/// What makes the layout goes before: it could not be opened without.
#[test]
fn embedded_a_setup_before_a_deploy_makes_what_is_opened() {
    let fleet = start(FleetSpec::embedded(), "embedded").unwrap();
    let stage = Stage::with(fleet, Scm::Git, RECIPE);
    stage.set_up();
    stage.write("config/deploy.rb", &(recipe(TASKS) + "\nbefore 'deploy:update', 'deploy:setup'\n"));
    let root = stage.deploy_to();
    stage.on("web1", &format!("rmdir {root}/releases"));
    stage.cap(&["deploy"]).expect(0);
    assert_eq!(hooklog(&stage), ALL_FIRED);
}
