//! What a run costs: round trips of each host behind its login, as the run itself counts them.

use std::collections::{BTreeMap, BTreeSet};

use deploy_testbed::FleetSpec;
use deploy_testbed::repo::Scm;
use serde_json::Value;

use crate::support::{ALL, RECIPE, Ran, Stage, start};

fn stage(recipe: &str) -> Stage {
    let stage = Stage::with(start(FleetSpec::embedded(), "embedded").unwrap(), Scm::Git, recipe);
    stage.set_up();
    stage
}

fn events(ran: &Ran) -> Vec<Value> {
    ran.text.lines().filter(|line| line.starts_with('{')).map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Round trips by host.
fn trips(ran: &Ran) -> BTreeMap<String, u64> {
    let events = events(ran);
    let end = events.iter().find(|event| event["event"] == "run_ended").expect(&ran.text);
    let rows = end["rows"].as_array().unwrap().iter();
    rows.map(|row| (row["host"].as_str().unwrap().to_owned(), row["round_trips"].as_u64().unwrap())).collect()
}

#[track_caller]
fn most(ran: &Ran) -> u64 {
    let trips = trips(ran);
    assert_eq!(trips.len(), ALL.len(), "{trips:?}");
    assert!(trips.values().all(|count| *count > 0), "{trips:?}");
    *trips.values().max().unwrap()
}

/// Open, build, hook, switch, restart, record: six; the migrations are one more. A rollback opens, switches, restarts and
/// records: four. Setting up reads and makes: two. A command alone is one.
#[test]
fn embedded_a_run_costs_no_more_round_trips_than_it_has_barriers() {
    let stage = stage(RECIPE);
    let first = stage.cap(&["deploy", "--format", "json"]).expect(0);
    assert_eq!(most(&first), 7, "the first release brings its migrations\n{:?}", trips(&first));
    stage.repo.release("2").unwrap();
    let deploy = stage.cap(&["deploy", "--format", "json"]).expect(0);
    assert_eq!(most(&deploy), 6, "{:?}", trips(&deploy));
    let rollback = stage.cap(&["deploy:rollback", "--format", "json"]).expect(0);
    assert_eq!(most(&rollback), 4, "{:?}", trips(&rollback));
    let again = stage.cap(&["deploy:setup", "--format", "json"]).expect(0);
    assert_eq!(most(&again), 2, "{:?}", trips(&again));
    let invoke = stage.cap(&["invoke", "COMMAND=true", "--format", "json"]).expect(0);
    assert_eq!(most(&invoke), 1, "{:?}", trips(&invoke));
    stage.cap(&["invoke", "COMMAND=true", "-v"]).expect(0).says(&["1 round trip behind the login"]);
}

/// However many commands are recorded before the first of them goes out, and whether a host answers or not.
#[test]
fn embedded_one_connection_per_host_whatever_is_run_there() {
    let stage = stage(&format!("{RECIPE}\ntask :many do\n  12.times {{ |n| run \"echo $((#{{n}} + 100))\" }}\nend\n"));
    let counts = || ALL.map(|host| stage.fleet.stats(host).map(|stats| (stats.connections, stats.logins)).unwrap());
    let before = counts();
    stage.cap(&["many"]).expect(0).says(&["100", "111"]);
    let after = counts();
    assert_eq!(after, before.map(|(connections, logins)| (connections + 1, logins + 1)));
    stage.fleet.stop_host("web1").unwrap();
    let ran = stage.cap(&["many"]).expect(6);
    assert_eq!(ran.text.matches("error: could not connect").count(), 1, "{}", ran.text);
}

/// No number names two steps: not of a question that the recipe waits for, not of the way back, not of a second restart.
#[test]
fn embedded_step_numbers_are_unique_in_a_run() {
    let recipe = format!(
        "{}\n{}",
        RECIPE.replace("run \"touch", "run \"test ! -e ~/broken && touch"),
        "before 'deploy:create_symlink' do\n  capture 'true'\n  on_rollback { run 'true'; run 'true' }\n  capture 'true'\nend\n\
         before 'deploy:restart' do\n  capture 'true'\n  on_rollback { run 'true' }\n  run 'true'\nend\n"
    );
    let stage = stage(&recipe);
    stage.cap(&["deploy"]).expect(0);
    stage.on("app2", "touch ~/broken");
    let ran = stage.cap(&["deploy", "--format", "json"]);
    assert!([3, 4, 7].contains(&ran.code), "{}", ran.text);
    let mut seen = BTreeSet::new();
    let mut titles: BTreeMap<u64, String> = BTreeMap::new();
    for event in events(&ran).iter().filter(|event| event["event"] == "step_started") {
        let (host, step) = (event["host"].as_str().unwrap(), event["step"].as_u64().unwrap());
        let title = event["title"].as_str().unwrap();
        assert!(seen.insert((host.to_owned(), step)), "step {step} twice on {host}: {title}\n{}", ran.text);
        let known = titles.entry(step).or_insert_with(|| title.to_owned());
        assert_eq!(known, title, "step {step}\n{}", ran.text);
    }
    let again = titles.values().filter(|title| title.starts_with("restart on the old release")).count();
    assert!(again >= 1 && titles.values().any(|title| title.starts_with("undo")), "{titles:?}");
}

/// A host whose login has no shell is named, whichever work reaches it first, and nothing has been changed anywhere.
#[test]
fn embedded_a_login_without_a_shell_is_told_before_anything_changes() {
    let stage = stage(RECIPE);
    stage.cap(&["deploy"]).expect(0);
    let live = stage.live("web1");
    stage.fleet.faults("app2", |faults| faults.refuse_exec = true).unwrap();
    stage.cap(&["deploy"]).expect(6).says(&["start a shell on app2.example.com", "next:"]);
    stage.cap(&["invoke", "COMMAND=true"]).expect(6).says(&["start a shell on app2.example.com"]);
    stage.fleet.faults("app2", |faults| faults.refuse_exec = false).unwrap();
    for host in ALL {
        assert_eq!(stage.live(host), live, "{host}");
    }
    stage.cap(&["deploy"]).expect(0);
}
