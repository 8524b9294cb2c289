//! Health checks: an application that is not well after the restart turns the whole fleet back.

use std::collections::HashMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;

use deploy_testbed::repo::Scm;
use deploy_testbed::{Fleet, FleetSpec};

use crate::support::{ALL, APP, RECIPE, Stage, start};
use crate::v3::Three;

/// The restart as an application sees it: what runs is the release that is live then, unless it is stuck.
pub const RESTARTS: &str =
    "after('deploy:restart') { run \"test -e ~/stuck || readlink #{current_path} > ~/running\", :roles => :app }\n";

/// An application of each host behind one port: its release is what the restart has left in `~/running`, and it is not
/// well where `~/sick` names that version.
pub fn application(fleet: &Fleet) -> u16 {
    let home = |host: &str| PathBuf::from(fleet.run(host, "cd && pwd -P").unwrap().text());
    let homes: HashMap<String, PathBuf> = ALL.iter().map(|host| (format!("{host}.example.com"), home(host))).collect();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let _ = answer(stream, &homes);
        }
    });
    port
}

fn answer(mut stream: TcpStream, homes: &HashMap<String, PathBuf>) -> std::io::Result<()> {
    let mut request = [0; 2048];
    let read = stream.read(&mut request)?;
    let text = String::from_utf8_lossy(&request[..read]).into_owned();
    let host = text.split(['/', ' ']).nth(2).unwrap_or_default();
    let Some(home) = homes.get(host) else { return Ok(()) };
    let read = |name: &str| fs::read_to_string(home.join(name)).unwrap_or_default().trim().to_owned();
    let release = read("running").rsplit('/').next().unwrap_or_default().to_owned();
    let is_sick = read("sick").lines().any(|line| line == release || line == "all");
    let (status, body) = if is_sick { ("503 Service Unavailable", "no database") } else { ("200 OK", "fine") };
    let length = body.len();
    write!(stream, "HTTP/1.1 {status}\r\nX-Release: {release}\r\nContent-Length: {length}\r\n\r\n{body}")
}

/// A recipe with a check of the application, and one release that is live and well.
fn stage(more: &str) -> (Stage, u16) {
    let fleet = start(FleetSpec::embedded(), "embedded").expect("embedded fleets start everywhere");
    let port = application(&fleet);
    let more = more.replace("PORT", &port.to_string());
    let stage = Stage::with(fleet, Scm::Git, &format!("{RECIPE}{RESTARTS}{more}"));
    stage.set_up();
    let ran = stage.cap(&["deploy"]).expect(0);
    assert!(!ran.text.contains("no health check is configured"), "{}", ran.text);
    (stage, port)
}

const CHECK: &str = "set :health_check, :http => 'http://127.0.0.1:PORT/$CAPISTRANO:HOST$/up', :body => 'fine',\n    \
                     :release => 'X-Release', :attempts => 3, :interval => 0.1\n";

/// Every host serves this release, and those with the application run it.
#[track_caller]
pub fn all_on(stage: &Stage, release: &str) {
    for host in ALL {
        assert_eq!(stage.live(host), release, "{host}");
    }
    for host in APP {
        assert!(stage.on(host, "cat ~/running").ends_with(release), "{host}");
    }
}

#[test]
fn a_release_that_is_not_well_goes_back_everywhere_restart_included() {
    let (stage, port) = stage(CHECK);
    let old = stage.live("web1");
    stage.repo.release("2").unwrap();
    stage.cap(&["--plan", "deploy"]).expect(0).says(&[
        &format!("health check: GET http://127.0.0.1:{port}/$CAPISTRANO:HOST$/up is 200-299 with \"fine\""),
        "the release in X-Release (3 × every 0.1 s, 60 s at most)",
    ]);
    stage.on("app2", "echo all > ~/sick");
    stage.cap(&["deploy"]).expect(3).says(&[
        "could not pass the health check: GET http://127.0.0.1",
        "where: app2.example.com",
        "attempt 3 of 3: status 503 instead of 200-299 (\"no database\")",
        "read the application's log on that host",
        "restart on the old release",
    ]);
    all_on(&stage, &old);
    stage.cap(&["recover"]).expect(0).says(&["no run has left anything unfinished"]);
    stage.on("app2", "rm ~/sick");
    stage.cap(&["deploy"]).expect(0);
    let new = stage.live("web1");
    assert_ne!(new, old);
    all_on(&stage, &new);

    // A rollback has the same gate; nothing is removed when it does not get through.
    stage.on("app1", &format!("echo {old} > ~/sick"));
    stage.cap(&["deploy:rollback"]).expect(3).says(&["where: app1.example.com", "status 503"]);
    all_on(&stage, &new);
    stage.on("app1", "rm ~/sick");
    stage.cap(&["deploy:rollback"]).expect(0);
    all_on(&stage, &old);
}

#[test]
fn an_application_that_still_runs_the_old_release_is_not_healthy() {
    let (stage, _) = stage(CHECK);
    let old = stage.live("web1");
    stage.repo.release("2").unwrap();
    stage.on("app1", "touch ~/stuck");
    let answers = format!("X-Release says \"{old}\"");
    stage.cap(&["deploy"]).expect(3).says(&["where: app1.example.com", "the answer is not of release", &answers]);
    all_on(&stage, &old);
}

/// Where the server of a host forwards nothing, `curl` or `wget` there asks.
#[test]
fn without_forwarding_a_program_on_the_host_asks() {
    let (stage, _) = stage(CHECK);
    for host in ALL {
        stage.fleet.faults(host, |faults| faults.refuse_forwarding = true).unwrap();
    }
    let old = stage.live("web1");
    stage.repo.release("2").unwrap();
    stage.on("app1", "echo all > ~/sick");
    stage.cap(&["deploy"]).expect(3).says(&["where: app1.example.com", "status 503 instead of 200-299"]);
    all_on(&stage, &old);
    stage.on("app1", "rm ~/sick");
    stage.cap(&["deploy"]).expect(0);
    all_on(&stage, &stage.live("web1"));
}

/// Several checks of other kinds, some on hosts of another role.
#[test]
fn commands_ports_and_questions_from_here() {
    let (stage, _) = stage(
        "set :health_check, [\n  {:command => 'test ! -e ~/sick && echo $RELEASE > ~/checked', :roles => :web, :attempts => 2, \
         :interval => 0},\n  {:tcp => PORT}, {:http => 'http://127.0.0.1:PORT/$CAPISTRANO:HOST$/', :from => :deployer, \
         :attempts => 2, :interval => 0}]\n",
    );
    let old = stage.live("web1");
    assert_eq!(stage.on("web2", "cat ~/checked"), old);
    stage.repo.release("2").unwrap();
    stage.on("web2", "touch ~/sick");
    stage.cap(&["deploy"]).expect(3).says(&["where: web2.example.com", "attempt 2 of 2: exit status 1"]);
    all_on(&stage, &old);
    stage.on("web2", "rm ~/sick");
    stage.on("app1", "echo all > ~/sick");
    stage.cap(&["deploy"]).expect(3).says(&["asked from here", "where: app1.example.com", "status 503"]);
    all_on(&stage, &old);
    stage.on("app1", "rm ~/sick");
    // A command that never ends is ended at the deadline.
    let hangs = "set :health_check, :command => 'sleep 1000', :deadline => 1\n";
    stage.write("config/deploy.rb", &format!("{RECIPE}{RESTARTS}{hangs}"));
    stage.cap(&["deploy"]).expect(3).says(&["could not pass the health check: `sleep 1000`", "over its deadline"]);
    all_on(&stage, &old);
}

/// A value that makes no sense is found before any host is asked.
#[test]
fn wrong_values_are_refused_before_any_host_is_asked() {
    let (stage, _) = stage(CHECK);
    for host in ALL {
        stage.fleet.stop_host(host).unwrap();
    }
    for (value, words) in [
        ("'127.0.0.1:3000'", "can be the address of a page"),
        ("'https://shop.example/up'", "which health checks do not speak"),
        (":http => 'http://a/', :atempts => 3", "did you mean `attempts`?"),
        (":tcp => 'http'", "can be a port (8080)"),
        (":tcp => 80, :roles => :ap", "no such role"),
    ] {
        stage.write("config/deploy.rb", &format!("{RECIPE}set :health_check, {value}\n"));
        let ran =
            stage.cap(&["deploy"]).expect(2).says(&["read the variable `health_check'", "where:", "next:", words]);
        assert!(ran.text.contains("config/deploy.rb:"), "{}", ran.text);
    }
}

/// The same in a recipe of Capistrano 3.
#[test]
fn in_dialect_three() {
    let fleet = start(FleetSpec::embedded(), "embedded").expect("embedded fleets start everywhere");
    let port = application(&fleet);
    let recipe = format!(
        "set :health_check, {{ http: 'http://127.0.0.1:{port}/$CAPISTRANO:HOST$/up', release: 'X-Release', attempts: 2, \
         interval: 0 }}\nafter 'deploy:publishing', :runs do\n  on(roles(:app)) {{ execute \"readlink #{{current_path}} > \
         ~/running\" }}\nend\n"
    );
    let three = Three::new(fleet, &recipe);
    three.cap(&["production", "deploy"]).expect(0);
    let old = three.stage.live("web1");
    three.stage.repo.release("2").unwrap();
    three.stage.on("app1", "echo all > ~/sick");
    three.cap(&["production", "deploy"]).expect(3).says(&["pass the health check", "where: app1.example.com"]);
    all_on(&three.stage, &old);
    three.stage.on("app1", "rm ~/sick");
    three.cap(&["production", "deploy"]).expect(0);
    let new = three.stage.live("web1");
    assert_ne!(new, old);
    all_on(&three.stage, &new);
    three.cap(&["production", "deploy:rollback"]).expect(0);
    all_on(&three.stage, &old);
}

/// Over the forwarding of a real OpenSSH.
#[test]
fn sshd_forwards_the_question() {
    let Some(fleet) = start(FleetSpec::sshd(), "sshd") else { return };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let sick = fleet.scratch("application").unwrap().join("sick");
    let is_sick = sick.clone();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 2048]);
            let status = if is_sick.exists() { "500 No" } else { "200 OK" };
            let _ = write!(stream, "HTTP/1.1 {status}\r\nConnection: close\r\n\r\nhello");
        }
    });
    let check = format!("set :health_check, :http => 'http://127.0.0.1:{port}/', :body => 'hello', :attempts => 2\n");
    let stage = Stage::with(fleet, Scm::Git, &format!("{RECIPE}{check}"));
    stage.set_up();
    stage.cap(&["deploy"]).expect(0);
    let old = stage.live("web1");
    stage.repo.release("2").unwrap();
    fs::write(&sick, "").unwrap();
    stage.cap(&["deploy"]).expect(3).says(&["pass the health check", "attempt 2 of 2: status 500"]);
    for host in ALL {
        assert_eq!(stage.live(host), old, "{host}");
    }
    fs::remove_file(&sick).unwrap();
    stage.cap(&["deploy"]).expect(0);
    // Nobody listens: the port of a host where the application is down.
    stage.write("config/deploy.rb", &format!("{RECIPE}set :health_check, :tcp => 1, :attempts => 1\n"));
    stage
        .cap(&["deploy"])
        .expect(3)
        .says(&["pass the health check: 127.0.0.1:1 is open", "no connection to 127.0.0.1:1"]);
}
