//! The transaction's edge: what fails before it turns everything back, what fails behind it is told and turns nothing
//! back (exit 8).

use deploy_testbed::FleetSpec;
use deploy_testbed::repo::Scm;
use rustix::process::Signal;

use crate::support::{ALL, APP, RECIPE, Stage, start};
use crate::terminal::{Background, until};

/// The test recipe with more behind it, deployed once.
fn stage(more: &str) -> Stage {
    let fleet = start(FleetSpec::embedded(), "embedded").unwrap();
    let stage = Stage::with(fleet, Scm::Git, RECIPE);
    stage.set_up();
    stage.cap(&["deploy"]).expect(0);
    stage.write("config/deploy.rb", &format!("{RECIPE}\n{more}\n"));
    stage.repo.release("2").unwrap();
    stage
}

#[track_caller]
fn all_serve(stage: &Stage, version: &str) {
    for host in ALL {
        assert_eq!(stage.on(host, &format!("cat {}/current/VERSION", stage.deploy_to())), version, "{host}");
    }
}

/// Whatever goes wrong behind the edge, the deploy stays.
#[test]
fn embedded_late_failures_turn_nothing_back() {
    for late in [
        "run_locally 'false'",
        "capture 'false'",
        "run 'false'",
        "raise 'the notifier is down'",
        "capture 'true'; raise 'the notifier is down'",
        "run 'true', :hosts => 'no-such-host.invalid'",
    ] {
        let stage = stage(&format!("after 'deploy' do\n  {late}\nend"));
        let ran = stage.cap(&["deploy"]);
        assert_eq!(ran.code, 8, "{late}\n{}", ran.text);
        all_serve(&stage, "2");
    }
}

/// The hooks of `:exit` are behind the edge of a deploy, reach hosts, and run only when all went well.
#[test]
fn embedded_hooks_of_exit_come_last() {
    let tell = "on :exit, 'byebye'\ntask(:byebye) { run 'echo bye >>~/bye', :roles => :db }\n";
    let stage = stage(&format!("{tell}task(:bad) {{ run 'false' }}\non(:exit) {{ raise 'no mail' if ENV['LATE'] }}"));
    let said = |times: &str| {
        let count = stage.on("db1", "cat ~/bye 2>/dev/null | wc -l");
        assert_eq!(count.trim(), times);
    };
    stage.cap(&["nosuch"]).expect(2);
    assert_ne!(stage.cap(&["bad"]).code, 0);
    assert_ne!(stage.cap(&["deploy", "bad"]).code, 0);
    said("0");
    stage.cap(&["deploy"]).expect(0);
    said("1");
    stage.cap(&["deploy", "LATE=1"]).expect(8).says(&["no mail", "config/deploy.rb:"]);
    said("2");
    all_serve(&stage, "2");
}

#[test]
fn embedded_a_late_failure_of_a_rollback_turns_nothing_back() {
    let stage = stage("after 'deploy:rollback' do\n  run_locally 'false'\nend");
    stage.cap(&["deploy"]).expect(0);
    all_serve(&stage, "2");
    stage.cap(&["deploy:rollback"]).expect(8);
    all_serve(&stage, "1");
}

/// A restart of two commands whose first fails on one host: back on the old release, both commands run again.
#[test]
fn embedded_a_failed_restart_puts_all_back_and_restarts_again() {
    let restart = "namespace :deploy do\n  task :restart, :roles => :app do\n    \
                   run 'echo stop >>~/restarts; test ! -e ~/broken || { rm ~/broken; false; }'\n    \
                   run 'echo start >>~/restarts'\n  end\nend";
    let stage = stage(restart);
    stage.on("app2", "touch ~/broken");
    stage.cap(&["deploy"]).expect(3).says(&["app2.example.com"]);
    all_serve(&stage, "1");
    for host in APP {
        let log = stage.on(host, "cat ~/restarts");
        assert!(log.ends_with("stop\nstart"), "{host} is running again: {log}");
    }
}

/// Where nothing was live before there is nothing to restart on: the hosts are as they were, and that is all.
#[test]
fn embedded_a_first_deploy_whose_restart_fails_is_put_back() {
    let recipe = RECIPE.replace("run \"touch", "run \"test ! -e ~/broken && touch");
    let stage = Stage::with(start(FleetSpec::embedded(), "embedded").unwrap(), Scm::Git, &recipe);
    stage.set_up();
    stage.on("app2", "touch ~/broken");
    let nothing = "nothing was live before on app1.example.com, app2.example.com, so nothing is restarted there";
    let ran = stage.cap(&["deploy"]).expect(3).says(&["app2.example.com", nothing]);
    assert!(!ran.text.contains("restart on the old release"), "{}", ran.text);
    for host in ALL {
        let root = stage.deploy_to();
        assert_eq!(stage.on(host, &format!("ls {root}/releases; test ! -L {root}/current")), "", "{host}");
    }
    stage.on("app2", "rm ~/broken");
    stage.cap(&["deploy"]).expect(0);
    all_serve(&stage, "1");
}

/// A host that is gone for good after its switch cannot be put back with the others: the fleet differs, and that is said once.
#[test]
fn embedded_a_host_lost_after_its_switch_leaves_a_fleet_that_differs() {
    let restart = "namespace :deploy do\n  task :restart, :roles => :app do\n    \
                   run 'if test -e ~/broken; then touch ~/began; sleep 60; fi'\n  end\nend";
    let stage = stage(restart);
    let old = stage.live("app2");
    stage.on("app2", "touch ~/broken");
    let run = Background::start(stage.command(&["deploy"]));
    until("the restart has begun", || stage.fleet.run("app2", "test -e ~/began").unwrap().ok());
    stage.fleet.stop_host("app2").unwrap();
    let ran = run.end().expect(4);
    stage.on("app2", "rm ~/broken");
    let others = "web1.example.com, web2.example.com, app1.example.com, db1.example.com";
    let serves = format!("{others} serve {old}; app2.example.com was last switched to {}", stage.live("app2"));
    let ran = ran.says(&[&serves, "STUCK, hosts may serve different releases: look at app2.example.com"]);
    assert_ne!(stage.live("app2"), old);
    assert_eq!(ran.text.matches("\nerror: ").count(), 1, "one cause, one error:\n{}", ran.text);
    assert!(!ran.text.contains("a person is needed"), "{}", ran.text);
}

/// `:on_error => :continue` leaves a host out of that task, not out of the deploy.
#[test]
fn embedded_a_lenient_task_fails_for_itself_only() {
    let lenient = "task :wobbly, :roles => :app, :on_error => :continue do\n  run 'test ! -e ~/broken'\n  \
                   run 'echo ran >>~/wobbly'\nend\nafter 'deploy:update_code', 'wobbly'";
    let stage = stage(lenient);
    stage.on("app2", "touch ~/broken");
    stage.cap(&["deploy"]).expect(0).says(&["app2.example.com"]);
    all_serve(&stage, "2");
    let root = stage.deploy_to();
    for host in APP {
        stage
            .on(host, &format!("test -L {root}/current/config/database.yml && test -e {root}/current/tmp/restart.txt"));
    }
    assert_eq!(stage.on("app1", "cat ~/wobbly"), "ran");
    assert!(!stage.fleet.run("app2", "test -e ~/wobbly").unwrap().ok());
}

/// Slices of `:max_hosts` go on past a host that fails leniently.
#[test]
fn embedded_slices_go_on_past_a_lenient_failure() {
    let stage = stage(
        "task :rolling, :max_hosts => 1, :on_error => :continue do\n  run 'echo ran >>~/rolling; test ! -e ~/broken'\nend",
    );
    stage.on("web1", "touch ~/broken");
    stage.cap(&["rolling"]).expect(0);
    for host in ALL {
        assert_eq!(stage.on(host, "cat ~/rolling"), "ran", "{host}");
    }
}

/// A body given to `on_rollback` counts from the moment it is given.
#[test]
fn embedded_on_rollback_is_called_even_if_nothing_ran_after_it() {
    let task = "task :careful do\n  transaction do\n    run 'echo on >>~/steps'\n    on_rollback { run 'echo off >>~/steps' }\n    \
                capture 'false'\n  end\nend";
    let stage = stage(task);
    assert_ne!(stage.cap(&["careful"]).code, 0);
    for host in ALL {
        assert_eq!(stage.on(host, "cat ~/steps"), "on\noff", "{host}");
    }
}

/// A host that only the restart needs is found out of reach before anything is switched.
#[test]
fn embedded_hosts_of_later_steps_are_connected_before_the_switch() {
    let stage =
        stage("namespace :deploy do\n  task :restart do\n    run 'true', :hosts => 'no-such-host.invalid'\n  end\nend");
    stage.cap(&["deploy"]).expect(6).says(&["no-such-host.invalid"]);
    all_serve(&stage, "1");
}

/// What hangs before the built-in switch is not the switch, whatever it runs; and it is undone with the rest.
#[test]
fn embedded_a_hook_before_the_switch_is_not_the_switch() {
    let hooks = "before 'deploy:create_symlink' do\n  run 'echo block >>~/before'\nend\n\
                 task :warm_up, :roles => :web do\n  run 'echo task >>~/before'\nend\n\
                 before 'deploy:create_symlink', 'warm_up'\nafter 'deploy:create_symlink' do\n  run 'echo after >>~/before'\nend";
    let stage = stage(hooks);
    let ran = stage.cap(&["deploy"]).expect(0);
    assert!(!ran.text.contains("makes the release live itself"), "{}", ran.text);
    all_serve(&stage, "2");
    assert_eq!(stage.on("web1", "cat ~/before"), "block\ntask\nafter");
    assert_eq!(stage.on("db1", "cat ~/before"), "block\nafter");
}

/// A deployer that is killed in the restart leaves a release that is live and was perhaps never restarted on: whoever comes
/// next is told.
#[test]
fn embedded_a_deployer_killed_in_the_restart() {
    let restart = "namespace :deploy do\n  task :restart, :roles => :app do\n    \
                   run 'touch ~/began; while test -e ~/slow; do sleep 0.05; done'\n  end\nend";
    let stage = stage(restart);
    for host in APP {
        stage.on(host, "rm -f ~/began; touch ~/slow");
    }
    let run = Background::start(stage.command(&["deploy"]));
    for host in APP {
        until("the restart runs", || stage.fleet.run(host, "test -e ~/began").unwrap().ok());
    }
    let live = stage.live("web1");
    run.signal(Signal::KILL);
    run.end();
    for host in APP {
        stage.on(host, "rm ~/slow");
    }
    let switched = format!("an earlier run that switched to {live} by alice");
    let looked =
        stage.cap(&["deploy:check"]).expect(0).says(&[&switched, "has not confirmed it", " recover` restarts"]);
    assert_eq!(looked.text.matches("an earlier run that switched").count(), 1, "{}", looked.text);
    // A deploy recovers first, and says that instead.
    let ran = stage.cap(&["deploy", "--lock-wait", "30"]).expect(0);
    let ran =
        ran.says(&["of alice@", "was not finished", &format!("{live} is live on 5 hosts, perhaps without a restart")]);
    assert!(!ran.text.contains("an earlier run that switched"), "{}", ran.text);
    let quiet = |task: &str| {
        let ran = stage.cap(&[task]).expect(0);
        assert!(!ran.text.contains("earlier run"), "{task}: {}", ran.text);
    };
    // A release that was made live without a restart is confirmed as well.
    ["deploy:check", "deploy:update", "deploy:check", "deploy:rollback", "deploy"].into_iter().for_each(quiet);
}

/// A hook that points `current` of one host elsewhere: that host cannot be put back, and the end says who serves what.
#[test]
fn embedded_a_host_on_a_third_release_is_told() {
    let fleet = start(FleetSpec::embedded(), "embedded").unwrap();
    let stage = Stage::with(fleet, Scm::Git, RECIPE);
    stage.set_up();
    stage.cap(&["deploy"]).expect(0);
    let oldest = stage.live("app2");
    stage.repo.release("2").unwrap();
    stage.cap(&["deploy"]).expect(0);
    let old = stage.live("app2");
    stage.repo.release("3").unwrap();
    let hook = format!(
        "\nbefore 'deploy:restart' do\n  run \"ln -sfn #{{releases_path}}/{oldest} #{{current_path}}\", :hosts => 'app2.example.com'\n  run 'false'\nend\n"
    );
    stage.write("config/deploy.rb", &format!("{RECIPE}{hook}"));
    let ran = stage.cap(&["deploy"]).expect(7);
    assert_eq!(stage.live("app2"), oldest);
    assert_eq!(stage.live("app1"), old);
    let others = "web1.example.com, web2.example.com, app1.example.com, db1.example.com";
    ran.says(&[&format!("{others} serve {old}; app2.example.com serves {oldest}")]);
    stage.write("config/deploy.rb", RECIPE);
    let ran = stage.cap(&["deploy"]);
    println!("{}", ran.text);
    ran.expect(0);
    all_serve(&stage, "3");
}

/// A run is one transaction: two of them are refused before any host is asked, or where the recipe gets to the second.
#[test]
fn embedded_two_transactions_in_one_run() {
    let stage = stage("task(:there_and_back) { deploy.default; deploy.rollback.default }");
    let old = stage.live("app1");
    for (tasks, why) in [
        (&["deploy", "deploy:rollback"][..], "deploy and deploy:rollback are two"),
        (&["deploy:rollback", "deploy:update"], "deploy:rollback and deploy:update are two"),
        (&["deploy", "deploy"], "deploy and deploy are two"),
        (&["deploy:update_code", "releases"], "deploy:update_code and releases are two"),
        (&["-n", "deploy", "deploy:rollback"], "deploy and deploy:rollback are two"),
    ] {
        let ran = stage.cap(tasks).expect(2).says(&[why, "run them one after the other: `cap "]);
        assert!(!ran.text.contains("connect"), "{}", ran.text);
    }
    assert_eq!(stage.live("app1"), old);
    let ran = stage.cap(&["there_and_back"]).expect(8);
    ran.says(&["could not roll back in the same run", "this run deploys already", "take it out of the task"]);
    all_serve(&stage, "2");
}

/// A link that leads nowhere is a warning of the run's, which `-q` shows, too.
#[test]
fn embedded_dangling_links_are_warned_of_quietly() {
    let stage = stage(
        "after('deploy:update_code') { run \"ln -nfs #{shared_path}/nothere.yml #{release_path}/nothere.yml\", :roles => :db }",
    );
    let ran = stage.cap(&["-q", "deploy"]).expect(0);
    ran.says(&["warning: ", "nothere.yml", "which does not exist"]);
}
