//! What a dry run (`-n`), which asks no host, says about a fleet that has releases: nothing that only hosts can tell.

use deploy_testbed::FleetSpec;
use deploy_testbed::repo::Scm;

use crate::support::{ALL, RECIPE, Ran, Stage, start};

/// Tasks of a recipe's own that read what the hosts have.
const OWN: &str = r#"
namespace :own do
  task :version, :roles => :app do
    run "cat #{current_release}/VERSION #{previous_release}/VERSION # #{current_revision}"
  end
  task :count, :roles => :app do
    run "echo #{releases.length}"
  end
end
"#;
/// What a plan that reads the hosts is asked for.
const HINT: &str = "not known without connecting: `cap ";
/// What would be said of a fleet that was asked and has nothing.
const LIES: [&str; 7] = [
    "nothing is live",
    "no releases",
    "no release on any",
    "no complete release",
    "nothing is deployed yet",
    "no old releases",
    "there is no current yet",
];

/// Three releases on every host.
fn stage() -> Stage {
    let stage = Stage::with(start(FleetSpec::embedded(), "embedded").unwrap(), Scm::Git, &format!("{RECIPE}{OWN}"));
    stage.set_up();
    for version in ["1", "2", "3"] {
        if version != "1" {
            stage.repo.release(version).unwrap();
        }
        stage.cap(&["deploy"]).expect(0);
    }
    stage
}

/// A dry run that ends well and says nothing that only a look at the hosts could tell.
#[track_caller]
pub fn tells_no_lie(ran: Ran) -> Ran {
    let ran = ran.expect(0).says(&["Nothing was connected to"]);
    for lie in LIES {
        assert!(!ran.text.contains(lie), "{lie:?} is not known:\n{}", ran.text);
    }
    ran
}

#[test]
fn what_only_hosts_can_tell_is_not_told() {
    let stage = stage();
    let before: Vec<String> = ALL.iter().map(|host| stage.tree(host)).collect();
    let dry = |words: &[&str]| tells_no_lie(stage.cap(&[&["-n"], words].concat()));
    dry(&["deploy"]).says(&["switch current to release", "if it is still what the run has found"]);
    dry(&["deploy:rollback"]).says(&["switch current to release [previous, known at run]", "restart.txt"]);
    dry(&["deploy:symlink"]).says(&["switch current to release [newest, known at run]"]);
    dry(&["deploy:pending"]).says(&[HINT, "deploy:pending`"]);
    dry(&["deploy:cleanup"]).says(&["not known without connecting"]);
    dry(&["releases"]).says(&[HINT, "releases`"]);
    dry(&["recover"]).says(&[HINT, "recover`"]);
    dry(&["deploy:unlock"]).says(&[HINT, "deploy:unlock`"]);
    dry(&["deploy:migrate"]).says(&["/releases/[live, known at run]' && rake"]);
    dry(&["own:version"])
        .says(&["/releases/[live, known at run]/VERSION", "/releases/[previous, known at run]/VERSION"]);
    dry(&["own:count"]).says(&[HINT, "how many"]);
    // A name that a person gives is not what hosts tell, and stands as it is.
    dry(&["deploy:rollback", "--to", "20200101000000"]).says(&["switch current to release 20200101000000"]);
    dry(&["release:bad", "--to", "20200101000000"]).says(&["20200101000000"]);
    stage.cap(&["-n", "deploy:rollback", "--to", "a/b"]).expect(2);
    let after: Vec<String> = ALL.iter().map(|host| stage.tree(host)).collect();
    assert_eq!(before, after);
}

/// Whoever looks is told what is there, and that there is nothing where there is nothing.
#[test]
fn a_plan_still_tells_what_is_there() {
    let stage = Stage::with(start(FleetSpec::embedded(), "embedded").unwrap(), Scm::Git, &format!("{RECIPE}{OWN}"));
    stage.set_up();
    stage.cap(&["--plan", "deploy:rollback"]).expect(1).says(&["nothing is live"]);
    stage.cap(&["--plan", "deploy"]).expect(0).says(&["if there is no current yet"]);
    stage.cap(&["--plan", "releases"]).expect(0).says(&["no release on any"]);
    stage.cap(&["deploy"]).expect(0);
    let live = stage.live("app1");
    let ran = stage.cap(&["--plan", "own:version"]).expect(0).says(&[&format!("/releases/{live}/VERSION")]);
    assert!(!ran.text.contains("known at run"), "{}", ran.text);
}
