//! What a recipe of Capistrano 3 hangs before a deploy goes to no host until every host is connected to, locked and looked at.

use crate::support::{ALL, RECIPE, Ran};
use crate::terminal::{Background, until};
use crate::v3::{Three, embedded};

/// Hooks of every kind in front of the first built-in work.
const HOOKS: &str = r#"
namespace :hook do
  %w[deploy starting check].each do |place|
    task(place) { on(roles(:web)) { execute "echo #{place} >> ~/hooklog" } }
  end
  task(:asks) { on(roles(:web)) { test 'echo asks >> ~/hooklog' } }
  task(:captures) { on(roles(:web)) { capture 'echo captures >> ~/hooklog' } }
end
before 'deploy', 'hook:deploy'
before 'deploy:starting', 'hook:starting'
before 'deploy:starting', 'hook:asks'
before 'deploy:check', 'hook:check'
before 'deploy:rollback', 'hook:captures'
"#;

/// What a deploy adds to the log.
const FIRED: &str = "deploy\nstarting\nasks\ncheck";

/// Deployed twice, and then given the hooks.
fn deployed() -> Three {
    let three = Three::new(embedded(), "");
    three.cap(&["production", "deploy"]).expect(0);
    three.cap(&["production", "deploy"]).expect(0);
    three.write("lib/capistrano/tasks/hooks.rake", HOOKS);
    three.write("lock.rb", &format!("load 'deploy'\n{RECIPE}"));
    three
}

fn hooklog(three: &Three) -> String {
    three.stage.on("web1", "cat ~/hooklog 2>/dev/null; true")
}

/// The lock that a person sets; it is a command of dialect 2.
fn by_hand(three: &Three, words: &[&str]) -> Ran {
    three.stage.cap(&[&["-f", "lock.rb"], words].concat())
}

#[test]
fn embedded_a_lock_by_hand_is_seen_before_the_first_hook_of_dialect_3() {
    let three = deployed();
    by_hand(&three, &["deploy:lock", "-m", "frozen"]).expect(0);
    for task in ["deploy", "deploy:rollback"] {
        three.cap(&["production", task]).expect(5).says(&["frozen"]);
        assert_eq!(hooklog(&three), "", "{task}");
    }
    by_hand(&three, &["deploy:unlock"]).expect(0);
    let live = three.stage.live("web1");
    three.cap(&["production", "deploy"]).expect(0);
    assert_eq!(hooklog(&three), FIRED);
    three.cap(&["production", "deploy:rollback"]).expect(0);
    assert_eq!(three.stage.live("web1"), live);
    assert!(hooklog(&three).starts_with(&format!("{FIRED}\ncaptures\n")), "{}", hooklog(&three));
}

#[test]
fn embedded_another_run_and_a_lost_host_are_seen_before_the_first_hook_of_dialect_3() {
    let three = deployed();
    three.write(
        "lib/capistrano/tasks/hooks.rake",
        "task(:hold) { on(roles(:all)) { execute 'touch ~/began; while test -e ~/slow; do sleep 0.05; done' } }\n\
         before 'deploy:symlink:release', 'hold'\n",
    );
    for host in ALL {
        three.stage.on(host, "touch ~/slow");
    }
    let first = Background::start(three.stage.bare(&["production", "deploy"]));
    for host in ALL {
        until("the first run is at work", || three.stage.fleet.run(host, "test -e ~/began").unwrap().ok());
    }
    three.write("lib/capistrano/tasks/hooks.rake", HOOKS);
    three.cap(&["production", "deploy"]).expect(5).says(&["runs `cap production deploy`"]);
    assert_eq!(hooklog(&three), "");
    for host in ALL {
        three.stage.on(host, "rm ~/slow");
    }
    first.end().expect(0);
    let stage = std::fs::read_to_string(three.stage.project.join("config/deploy/production.rb")).unwrap();
    three.write("config/deploy/production.rb", &(stage + "server 'nosuch.invalid', roles: %w[app]\n"));
    three.cap(&["production", "deploy"]).expect(6).says(&["nosuch.invalid"]);
    assert_eq!(hooklog(&three), "");
}

/// Hosts that have nothing yet have nothing to lock; the others are looked at all the same.
#[test]
fn embedded_new_hosts_beside_a_locked_one_get_nothing() {
    let three = deployed();
    let root = three.root();
    three.stage.on("web1", &format!("rm -rf {root}"));
    by_hand(&three, &["deploy:lock", "-m", "frozen", "HOSTS=db1.example.com"]).expect(0);
    three.cap(&["production", "deploy"]).expect(5).says(&["frozen", "db1.example.com"]);
    assert_eq!(hooklog(&three), "");
    three.stage.on("web1", &format!("test ! -e {root}"));
    by_hand(&three, &["deploy:unlock", "HOSTS=db1.example.com"]).expect(0);
    three.cap(&["production", "deploy"]).expect(0);
    assert_eq!(three.stage.live("web1"), three.stage.live("db1"));
    assert_eq!(hooklog(&three), FIRED);
}
