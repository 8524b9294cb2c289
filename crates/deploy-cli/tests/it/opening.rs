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

/// Every way in which a recipe asks a host something, before a deploy and a rollback.
const ASKING: &str = r#"
before('deploy') { run 'echo plain >> ~/hooklog', :roles => :web }
before('deploy') { capture 'echo capture >> ~/hooklog', :roles => :web }
before('deploy:update') { run('echo stream >> ~/hooklog', :roles => :web) { |channel, stream, data| } }
before('deploy:update_code') do
  begin
    run 'echo rescued >> ~/hooklog', :roles => :web
  rescue => e
    raise e
  end
  run 'echo before-local >> ~/hooklog', :roles => :web
  run_locally 'touch local'
end
before('deploy:rollback') { capture 'echo back >> ~/hooklog', :roles => :web }
"#;

fn asking(more: &str) -> Stage {
    let stage = stage(&[]);
    stage.write("config/deploy.rb", &format!("{RECIPE}{ASKING}{more}"));
    stage
}

#[test]
fn embedded_a_lock_by_hand_is_seen_before_a_hook_that_asks() {
    let stage = asking("");
    stage.cap(&["deploy:lock", "-m", "frozen"]).expect(0);
    for task in ["deploy", "deploy:update", "deploy:update_code", "deploy:migrations", "deploy:rollback"] {
        stage.cap(&[task]).expect(5).says(&["frozen"]);
        assert_eq!(hooklog(&stage), "", "{task}");
    }
    stage.cap(&["deploy:unlock"]).expect(0);
    let live = stage.live("web1");
    stage.cap(&["deploy"]).expect(0);
    assert_eq!(hooklog(&stage), "plain\ncapture\nstream\nrescued\nbefore-local");
    assert_ne!(stage.live("web1"), live);
    stage.cap(&["deploy:rollback"]).expect(0);
    assert_eq!(stage.live("web1"), live);
}

#[test]
fn embedded_another_run_and_a_lost_host_are_seen_before_a_hook_that_asks() {
    let stage = asking("");
    let asking = std::fs::read_to_string(stage.project.join("config/deploy.rb")).unwrap();
    let held = "before('deploy:create_symlink') { run 'touch ~/began; while test -e ~/slow; do sleep 0.05; done' }";
    stage.write("config/deploy.rb", &format!("{RECIPE}\n{held}\n"));
    for host in ALL {
        stage.on(host, "touch ~/slow");
    }
    let first = Background::start(stage.command(&["deploy"]));
    for host in ALL {
        until("the first run is at work", || stage.fleet.run(host, "test -e ~/began").unwrap().ok());
    }
    stage.write("config/deploy.rb", &asking);
    stage.cap(&["deploy"]).expect(5).says(&["runs `cap deploy`"]);
    assert_eq!(hooklog(&stage), "");
    for host in ALL {
        stage.on(host, "rm ~/slow");
    }
    first.end().expect(0);
    stage.write("config/deploy.rb", &(asking + "\nrole :app, 'nosuch.invalid'\n"));
    stage.cap(&["deploy"]).expect(6).says(&["nosuch.invalid"]);
    assert_eq!(hooklog(&stage), "");
}

/// What is missing may still be made by a hook, one that asks too; what else stands against the run is seen before it.
#[test]
fn embedded_a_setup_behind_a_question_still_makes_what_is_opened() {
    let stage = asking("\nbefore 'deploy:update', 'deploy:setup'\n");
    let root = stage.deploy_to();
    stage.on("web1", &format!("rm -rf {root}"));
    stage.on("app1", &format!("rm -rf {root}/releases"));
    stage.cap(&["deploy:lock", "-m", "frozen", "HOSTS=db1.example.com"]).expect(0);
    stage.cap(&["deploy"]).expect(5).says(&["frozen", "db1.example.com"]);
    assert_eq!(hooklog(&stage), "");
    stage.on("web1", &format!("test ! -e {root}"));
    stage.cap(&["deploy:unlock", "HOSTS=db1.example.com"]).expect(0);
    stage.cap(&["deploy"]).expect(0);
    assert_eq!(stage.live("web1"), stage.live("db1"));
}

/// A hook behind a question may still say where it goes: what was locked before is given back.
#[test]
fn embedded_a_place_that_a_hook_sets_is_the_one_that_is_locked() {
    let stage = stage(&[]);
    let (root, other) = (stage.deploy_to(), format!("{}2", stage.deploy_to()));
    let hook = format!("before('deploy') {{ capture 'true'\n set :deploy_to, '{other}' }}\n");
    stage.write("config/deploy.rb", &format!("{RECIPE}\n{hook}"));
    let live = stage.live("web1");
    for host in ALL {
        stage.on(host, &format!("mkdir -p {other}/releases {other}/shared"));
    }
    stage.cap(&["deploy"]).expect(0);
    assert_eq!(stage.live("web1"), live);
    for host in ALL {
        stage.on(host, &format!("test -e {other}/current/REVISION"));
        let log = stage.on(host, &format!("tail -n 1 {root}/.capstan/journal"));
        assert!(log.ends_with("done"), "{log}");
    }
}

/// The built-in migration without a host is refused before anything is locked or written.
#[test]
fn embedded_migrations_without_a_host_change_nothing() {
    let fleet = start(FleetSpec::embedded(), "embedded").unwrap();
    let hosts = RECIPE.lines().filter(|line| !line.starts_with("role :db")).collect::<Vec<_>>().join("\n");
    let stage = Stage::with(fleet, Scm::Git, &hosts);
    stage.cap(&["deploy:setup"]).expect(0);
    let hooked = format!("{hosts}\nafter 'deploy:update_code', 'deploy:migrate'\n");
    let before = stage.tree("web1");
    for (recipe, task) in [(&hosts, "deploy:migrations"), (&hosts, "deploy:cold"), (&hooked, "deploy")] {
        stage.write("config/deploy.rb", recipe);
        stage.cap(&[task]).expect(2).says(&["deploy:migrate", "role :db", ":primary => true"]);
        assert_eq!(stage.tree("web1"), before, "{task}");
    }
}
