//! `deploy:recover` of dialect 3 on real sshd hosts, behind a deployer that was killed.

use deploy_testbed::FleetSpec;

use crate::sshd_recovery::{COUNTS_RESTARTS, kill_command_when_held};
use crate::support::{ALL, APP, Ran, start};
use crate::v3::Three;

fn three() -> Option<Three> {
    let three = Three::new(start(FleetSpec::sshd(), "sshd")?, "");
    let restart = format!(
        "namespace(:deploy) {{ task(:restart) {{ on(roles(:app)) {{ execute '{COUNTS_RESTARTS}true'; \
         execute :mkdir, '-p', release_path.join('tmp'); execute :touch, release_path.join('tmp/restart.txt') }} }} }}\n\
         namespace(:hold) {{ task(:build) {{ on(roles(:all)) {{ execute 'if test -e ~/slow-build; then : > ~/began; fi; \
         while test -e ~/slow-build; do sleep 0.05; done' }} }} }}\n\
         after 'deploy:updating', 'hold:build'\nafter 'deploy:publishing', 'deploy:restart'\n"
    );
    three.write("lib/capistrano/tasks/restart.rake", &restart);
    three.cap(&["production", "deploy"]).expect(0);
    three.stage.repo.release("2").unwrap();
    Some(three)
}

/// Again until the runner of the dead deployer has let go of the lock.
fn when_free(three: &Three, task: &str) -> Ran {
    loop {
        let ran = three.cap(&["production", task]);
        if ran.code != 5 {
            return ran;
        }
    }
}

fn restarts(three: &Three) -> Vec<u32> {
    APP.iter().map(|host| three.stage.on(host, "wc -l < ~/restarts").parse().unwrap()).collect()
}

/// The release is live everywhere, and only the restart and the record are missing.
#[test]
fn killed_in_the_restart_dialect_3_recovers() {
    let Some(three) = three() else { return };
    let old = three.stage.live("web1");
    let deploy = three.stage.bare(&["production", "deploy"]);
    kill_command_when_held(&three.stage, deploy, "slow-restart", &APP, || true);
    let new = three.stage.live("web1");
    assert!(new > old);
    let before = restarts(&three);
    let ran = when_free(&three, "deploy:recover").expect(0);
    ran.says(&["stopped after the restart had begun", "leave as it is, restart"]);
    let after: Vec<u32> = before.iter().map(|count| count + 1).collect();
    assert_eq!(restarts(&three), after);
    assert_eq!(three.check_live(&three.stage.repo.head().unwrap(), "2"), new);
    three.cap(&["production", "recover"]).expect(0).says(&["no run has left anything unfinished"]);
    assert_eq!(restarts(&three), after);
    three.cap(&["production", "deploy:rollback"]).expect(0);
    assert_eq!(three.stage.live("web1"), old);
}

/// What is half-built goes away, and nothing is restarted.
#[test]
fn killed_in_the_build_dialect_3_removes() {
    let Some(three) = three() else { return };
    let old = three.stage.live("web1");
    let before = restarts(&three);
    let deploy = three.stage.bare(&["production", "deploy"]);
    kill_command_when_held(&three.stage, deploy, "slow-build", &ALL, || true);
    when_free(&three, "deploy:recover").expect(0).says(&["nothing had gone live", "stopped while it built"]);
    for host in ALL {
        assert_eq!(three.stage.on(host, &format!("ls {}/releases", three.root())), old, "{host}");
    }
    assert_eq!(restarts(&three), before);
    three.cap(&["production", "deploy"]).expect(0);
    three.check_live(&three.stage.repo.head().unwrap(), "2");
}
