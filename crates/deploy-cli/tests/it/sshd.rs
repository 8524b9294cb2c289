//! Against real OpenSSH on loopback, each host in a mount namespace of its own.

use deploy_testbed::repo::Scm;
use deploy_testbed::{FleetSpec, RunAs};

use crate::scenarios;
use crate::support::{ALL, RECIPE, Stage, start};

macro_rules! fleet {
    () => {
        match start(FleetSpec::sshd(), "sshd") {
            Some(fleet) => fleet,
            None => return,
        }
    };
}

#[test]
fn main_job_with_subversion() {
    scenarios::main_job(fleet!(), Scm::Subversion, &[]);
}

#[test]
fn main_job_with_subversion_remote_cache() {
    scenarios::main_job(fleet!(), Scm::Subversion, &["-s", "deploy_via=remote_cache"]);
}

#[test]
fn main_job_with_git() {
    scenarios::main_job(fleet!(), Scm::Git, &[]);
}

#[test]
fn migrates_on_the_primary_before_the_switch() {
    scenarios::migrates(fleet!(), Scm::Git);
}

/// One host where nothing can be built: every host keeps its release.
#[test]
fn releases_not_writable_on_one_host() {
    let stage = Stage::new(fleet!(), Scm::Git);
    stage.set_up();
    stage.cap(&["deploy"]).expect(0);
    let before = stage.live("web1");
    stage.repo.release("2").unwrap();
    let releases = format!("{}/releases", stage.deploy_to());
    stage.fleet.run_as("app1", RunAs::Root, &format!("chown root {releases} && chmod 755 {releases}")).unwrap();
    stage.cap(&["deploy"]).expect(1).says(&["app1.example.com", "releases", "chown"]);
    stage.cap(&["deploy:check"]).expect(1).says(&["app1.example.com", "chown", "belongs to root:"]);
    // What belongs to the login already needs no other owner.
    stage.fleet.run_as("app1", RunAs::Root, &format!("chown deploy {releases} && chmod 555 {releases}")).unwrap();
    let own = stage.cap(&["deploy:check"]).expect(1).says(&["belongs to deploy:", "mode 555", "chmod u+rwx"]);
    assert!(!own.text.contains("chown"), "{}", own.text);
    for host in ALL {
        assert_eq!(stage.live(host), before, "{host}");
        assert_eq!(stage.on(host, &format!("ls {releases}")), before, "{host}");
    }
}

/// The switch itself fails on one host: those that had switched are put back.
#[test]
fn a_switch_that_fails_on_one_host_puts_all_back() {
    let recipe = format!(
        "{RECIPE}\nafter 'deploy:update_code', :roles => :db do\n  run 'test ! -e ~/stiff || chmod a-w {{/var/www/my_cool_app}}'\nend\n"
    )
    .replace("{/var/www/my_cool_app}", "/var/www/my_cool_app");
    let recipe =
        recipe.replace("after 'deploy:update_code', :roles => :db do\n  run", "task :stiffen, :roles => :db do\n  run");
    let recipe = format!("{recipe}\nafter 'deploy:update_code', 'stiffen'\n");
    let stage = Stage::with(fleet!(), Scm::Git, &recipe);
    stage.set_up();
    stage.cap(&["deploy"]).expect(0);
    let before = stage.live("web1");
    stage.repo.release("2").unwrap();
    stage.on("db1", "touch ~/stiff");
    let ran = stage.cap(&["deploy"]);
    assert!([1, 3].contains(&ran.code), "{}\n{}", ran.code, ran.text);
    for host in ALL {
        assert_eq!(stage.live(host), before, "{host}\n{}", ran.text);
    }
    stage.on("db1", "rm ~/stiff; chmod u+w /var/www/my_cool_app");
    stage.cap(&["deploy"]).expect(0);
    scenarios::check_live(&stage, &stage.repo.head().unwrap(), "2");
}
