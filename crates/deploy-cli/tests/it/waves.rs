//! Waves: a part of the fleet gets the release first, and the rest only when that part is well.

use deploy_testbed::repo::Scm;
use deploy_testbed::{Fleet, FleetSpec};
use rustix::process::Signal;

use crate::health::{RESTARTS, all_on, application};
use crate::support::{ALL, RECIPE, Stage, start};
use crate::terminal::{Background, Terminal, until};
use crate::v3::Three;

const CHECK: &str = "set :health_check, :http => 'http://127.0.0.1:PORT/$CAPISTRANO:HOST$/up', :release => 'X-Release', \
                     :attempts => 2, :interval => 0\n";
/// web1, then web2, then the others.
const ONE_BY_TWO: &str = "set :rollout, [1, '20%', '100%']\n";

/// One release is live and well, a second one is in the repository.
fn stage(fleet: Fleet, more: &str) -> Stage {
    let stage = Stage::with(fleet, Scm::Git, &format!("{RECIPE}{RESTARTS}{more}"));
    stage.set_up();
    stage.cap(&["deploy", "-s", "rollout=off"]).expect(0);
    stage.repo.release("2").unwrap();
    stage
}

fn embedded(more: &str) -> Stage {
    let fleet = start(FleetSpec::embedded(), "embedded").expect("embedded fleets start everywhere");
    let check = CHECK.replace("PORT", &application(&fleet).to_string());
    stage(fleet, &format!("{check}{more}"))
}

/// The inode of `current`: another one after every switch, there and back.
fn links(stage: &Stage) -> Vec<String> {
    let link = format!("ls -di {}/current", stage.deploy_to());
    ALL.iter().map(|host| stage.on(host, &link)).collect()
}

#[test]
fn embedded_a_wave_that_is_not_well_goes_back_and_the_rest_is_not_touched() {
    let stage = embedded(&ONE_BY_TWO.replace("[1, '20%', '100%']", "[3, '100%']"));
    let (old, before) = (stage.live("web1"), links(&stage));
    stage.cap(&["--plan", "deploy"]).expect(0).says(&[
        "wave 1 of 2: publish",
        "wave 1 of 2: check that it is healthy",
        "wave 2 of 2: publish",
        "wave 2 of 2: check that it is healthy",
    ]);
    stage.on("app1", "echo all > ~/sick");
    let ran = stage.cap(&["deploy"]).expect(3).says(&["pass the health check", "where: app1.example.com"]);
    assert!(!ran.text.contains("wave 2 of 2"), "{}", ran.text);
    all_on(&stage, &old);
    let now = links(&stage);
    for (number, host) in ALL.iter().enumerate() {
        assert_eq!(before[number] == now[number], number > 2, "{host}: {before:?} {now:?}");
    }

    // In the last wave: all of them go back.
    stage.on("app1", "rm ~/sick");
    stage.on("app2", "echo all > ~/sick");
    stage.cap(&["deploy"]).expect(3).says(&["wave 2 of 2", "where: app2.example.com"]);
    all_on(&stage, &old);
    stage.on("app2", "rm ~/sick");
    let ran = stage.cap(&["deploy"]).expect(0);
    let new = stage.live("web1");
    assert_ne!(new, old);
    all_on(&stage, &new);
    assert!(ran.text.find("wave 1 of 2").unwrap() < ran.text.find("wave 2 of 2").unwrap(), "{}", ran.text);

    // Whoever goes back is in a hurry.
    let ran = stage.cap(&["deploy:rollback"]).expect(0);
    assert!(!ran.text.contains("wave"), "{}", ran.text);
    all_on(&stage, &old);
}

/// A person looks at each wave; what is not a yes is a no.
#[test]
fn embedded_a_person_says_yes_to_each_wave() {
    let stage = embedded(&format!("{ONE_BY_TWO}set :rollout_ask, true\n"));
    let (old, before) = (stage.live("web1"), links(&stage));
    stage.cap(&["deploy"]).expect(2).says(&["no terminal to ask on", "-s rollout_ask=false"]);
    assert_eq!(links(&stage), before);

    let mut person = Terminal::start(&stage.command(&["deploy"]));
    person.wait_for("Wave 1 of 3 is done. Go on with web2.example.com? (yes/no)");
    assert_ne!(stage.live("web1"), old);
    assert_eq!(stage.live("web2"), old);
    person.type_line("yes");
    person.wait_for("Wave 2 of 3 is done. Go on with app1.example.com, app2.example.com, db1.example.com?");
    assert_eq!(stage.live("app1"), old);
    person.type_line("what?");
    person.end().expect(3).says(&["could not go on with wave 3 of 3", "nobody said yes"]);
    all_on(&stage, &old);
    assert_eq!(links(&stage)[2..], before[2..]);

    let mut person = Terminal::start(&stage.command(&["deploy"]));
    for wave in ["Wave 1 of 3", "Wave 2 of 3"] {
        person.wait_for(wave);
        person.type_line("y");
    }
    person.end().expect(0);
    let new = stage.live("db1");
    assert_ne!(new, old);
    all_on(&stage, &new);

    // Control-C at the question: nothing of it stays.
    stage.repo.release("3").unwrap();
    let mut person = Terminal::start(&stage.command(&["deploy"]));
    person.wait_for("Wave 1 of 3");
    person.press(3);
    person.end().expect(130);
    all_on(&stage, &new);
}

#[test]
fn embedded_values_and_flows_that_make_no_waves_are_refused() {
    let stage = embedded("");
    let (old, before) = (stage.live("web1"), links(&stage));
    for (option, words) in [
        ("rollout=canary", "can be the sizes of the waves"),
        ("rollout=0", "can be the sizes of the waves"),
        ("rollout_pause=soon", "can be seconds, from 0 to 86400"),
        ("rollout_ask=perhaps", "can be true or false"),
    ] {
        stage.cap(&["deploy", "-s", option]).expect(2).says(&["read the variable `rollout", words]);
    }
    let asks = "after('deploy:restart') { capture 'uptime' }\n";
    let recipe = std::fs::read_to_string(stage.project.join("config/deploy.rb")).unwrap();
    stage.write("config/deploy.rb", &format!("{recipe}{asks}"));
    let why = ["could not make the release live in waves", "the recipe decides at run time", "config/deploy.rb:"];
    stage.cap(&["deploy", "-s", "rollout=1"]).expect(2).says(&why);
    stage.cap(&["deploy", "-s", "rollout=1", "--plan"]).expect(2).says(&why);
    all_on(&stage, &old);
    assert_eq!(links(&stage), before);
    stage.cap(&["deploy"]).expect(0);
    assert_ne!(stage.live("web1"), old);
}

#[test]
fn embedded_waves_in_dialect_three() {
    let fleet = start(FleetSpec::embedded(), "embedded").expect("embedded fleets start everywhere");
    let port = application(&fleet);
    let recipe = format!(
        "set :health_check, {{ http: 'http://127.0.0.1:{port}/$CAPISTRANO:HOST$/up', release: 'X-Release', attempts: 2, \
         interval: 0 }}\nset :rollout, [3, '100%']\nset :rollout_pause, 0.2\nafter 'deploy:publishing', :runs do\n  \
         on(roles(:app)) {{ execute \"readlink #{{current_path}} > ~/running\" }}\nend\n"
    );
    let three = Three::new(fleet, &recipe);
    three.cap(&["production", "deploy"]).expect(0).says(&["wave 1 of 2 is done; the next one", "begins in 0.2 s"]);
    let (old, before) = (three.stage.live("web1"), links(&three.stage));
    three.stage.repo.release("2").unwrap();
    three.stage.on("app1", "echo all > ~/sick");
    three.cap(&["production", "deploy"]).expect(3).says(&["pass the health check", "where: app1.example.com"]);
    all_on(&three.stage, &old);
    assert_eq!(links(&three.stage)[3..], before[3..]);
    three.stage.on("app1", "rm ~/sick");
    three.cap(&["production", "deploy"]).expect(0);
    all_on(&three.stage, &three.stage.live("web1"));
    assert_ne!(three.stage.live("web1"), old);
}

/// The deployer dies between two waves: nobody looks at the first one any more, so the others do not follow it.
#[test]
fn sshd_killed_between_two_waves_the_first_goes_back() {
    let Some(fleet) = start(FleetSpec::sshd(), "sshd") else { return };
    let stage = stage(fleet, "set :rollout, [3, '100%']\nset :rollout_pause, 3600\n");
    let (old, before) = (stage.live("web1"), links(&stage));
    let run = Background::start(stage.command(&["deploy"]));
    until("the first wave is live", || stage.on("app1", "cat ~/running") != stage.on("app2", "cat ~/running"));
    run.signal(Signal::KILL);
    run.end();
    assert_ne!(stage.live("web1"), old);
    let mut recovered = None;
    until("the lock is free", || {
        let ran = stage.cap(&["recover"]);
        let free = ran.code != 5;
        recovered = Some(ran);
        free
    });
    recovered.unwrap().expect(0).says(&["was not finished", "3 of 5 hosts go back"]);
    all_on(&stage, &old);
    assert_eq!(links(&stage)[3..], before[3..]);
    stage.cap(&["recover"]).expect(0).says(&["no run has left anything unfinished"]);
}
