//! What is left on the screen when a run has ended: on a real terminal, in every kind of ending.

use deploy_testbed::FleetSpec;
use deploy_testbed::repo::Scm;

use crate::support::{ALL, APP, RECIPE, Stage, start};
use crate::terminal::Terminal;

/// A fleet that serves version 1, with version 2 to be deployed, and this as its restart.
fn stage(restart: &str) -> Stage {
    let fleet = start(FleetSpec::embedded(), "embedded").unwrap();
    let stage = Stage::with(fleet, Scm::Git, RECIPE);
    stage.set_up();
    stage.cap(&["deploy"]).expect(0);
    stage.repo.release("2").unwrap();
    let recipe = RECIPE.replace("touch #{current_path}/tmp/restart.txt", restart);
    assert_ne!(recipe, RECIPE);
    stage.write("config/deploy.rb", &recipe);
    stage
}

fn terminal(stage: &Stage, args: &[&str]) -> Terminal {
    let mut command = stage.command(args);
    command.env("TERM", "xterm-256color");
    Terminal::start(&command)
}

/// Everything drawn is gone, the cursor stands where a shell can go on, and this is the last line.
#[track_caller]
fn assert_ends_well(text: &str, last: &str) {
    assert!(text.ends_with("\r\n"), "{text:?}");
    let line = text.trim_end_matches("\r\n").rsplit("\r\n").next().unwrap();
    assert!(line.contains(last), "the last line is {line:?}");
    assert!(!line.contains('⠋'), "{line:?}");
}

#[track_caller]
fn all_serve(stage: &Stage, version: &str) {
    for host in ALL {
        assert_eq!(stage.on(host, &format!("cat {}/current/VERSION", stage.deploy_to())), version, "{host}");
    }
}

#[test]
fn embedded_success_ends_with_a_line() {
    let stage = stage("true");
    let ran = terminal(&stage, &["deploy"]).end().expect(0);
    assert_ends_well(&ran.text, "Deployed: ");
    all_serve(&stage, "2");
}

#[test]
fn embedded_failure_ends_with_a_line() {
    let stage = stage("test ! -e broken");
    stage.on("app2", "touch broken");
    let ran = terminal(&stage, &["deploy"]).end();
    assert_ne!(ran.code, 0);
    assert_ends_well(&ran.text, "next: ");
    all_serve(&stage, "1");
}

/// Ctrl-C when all hosts have switched: everything is put back, and it is an interrupt all the same.
#[test]
fn embedded_a_late_control_c_ends_with_a_line_and_130() {
    let stage = stage("echo restarting; test -e patient || sleep 600");
    let mut terminal = terminal(&stage, &["deploy"]);
    for _ in APP {
        terminal.wait_for("out: restarting");
    }
    // What the restart runs after the way back must end.
    for host in APP {
        stage.on(host, "touch patient");
    }
    terminal.press(3);
    terminal.wait_for("interrupted: ");
    let ran = terminal.end().expect(130).says(&["Interrupted, everything put back"]);
    assert_ends_well(&ran.text, "next: ");
    assert!(!ran.text.contains("^C"), "{:?}", ran.text);
    all_serve(&stage, "1");
}

/// A second one while the hosts are put back: each is named, with what it serves, and the next run mends it.
#[test]
fn embedded_a_second_control_c_says_what_it_leaves() {
    let stage = stage("echo restarting; test -e patient || sleep 600");
    let mut terminal = terminal(&stage, &["deploy"]);
    for _ in APP {
        terminal.wait_for("out: restarting");
    }
    terminal.press(3);
    // The links are back; the restart on the old release hangs as the first did.
    for _ in APP {
        terminal.wait_for("out: restarting");
    }
    terminal.press(3);
    let ran = terminal.end().expect(4);
    let ran = ran.says(&["left by a second Ctrl-C", "recover`: it finishes or undoes", "NOT everything is undone"]);
    assert_ends_well(&ran.text, "next: ");
    all_serve(&stage, "1");
    for host in APP {
        stage.on(host, "touch patient");
    }
    stage.cap(&["recover"]).expect(0).says(&["restart"]);
    stage.cap(&["deploy"]).expect(0);
    all_serve(&stage, "2");
}

/// The same before the links are back: who was last seen to serve what.
#[test]
fn embedded_a_second_control_c_before_the_switch_back() {
    let stage = stage("echo restarting; test -e patient || sleep 600");
    let recipe = std::fs::read_to_string(stage.project.join("config/deploy.rb")).unwrap();
    let guard = "\nbefore 'deploy:restart', 'guard'\ntask :guard do\n  on_rollback { run 'echo undoing; test -e patient || sleep 600' }\n  run 'true'\nend\n";
    stage.write("config/deploy.rb", &format!("{recipe}{guard}"));
    let mut terminal = terminal(&stage, &["deploy"]);
    for _ in APP {
        terminal.wait_for("out: restarting");
    }
    terminal.press(3);
    terminal.wait_for("out: undoing");
    terminal.press(3);
    let ran = terminal.end().expect(4).says(&["STUCK, hosts may serve different releases", "was last switched to"]);
    assert_ends_well(&ran.text, "next: ");
    all_serve(&stage, "2");
    for host in ALL {
        stage.on(host, "touch patient");
    }
    stage.cap(&["recover"]).expect(0);
    all_serve(&stage, "1");
}

/// The same in the first deploy of all: there is no older release to restart the application on.
#[test]
fn embedded_a_control_c_in_the_first_restart_ends_with_130() {
    let recipe = RECIPE
        .replace("touch #{current_path}", "cd #{current_path} && echo restarting; sleep 600; touch #{current_path}");
    let stage = Stage::with(start(FleetSpec::embedded(), "embedded").unwrap(), Scm::Git, &recipe);
    stage.set_up();
    let mut terminal = terminal(&stage, &["deploy"]);
    for _ in APP {
        terminal.wait_for("out: restarting");
    }
    terminal.press(3);
    terminal.wait_for("interrupted: ");
    let ran = terminal.end().expect(130).says(&["Interrupted, everything put back", "nothing was live before"]);
    assert_ends_well(&ran.text, "next: ");
    for host in ALL {
        stage.on(host, &format!("test ! -L {}/current", stage.deploy_to()));
    }
}

#[test]
fn embedded_a_terminal_that_cannot_draw_gets_plain_lines() {
    let stage = stage("true");
    let mut command = stage.command(&["deploy"]);
    command.env("TERM", "dumb");
    let ran = Terminal::start(&command).end().expect(0).says(&["done on 5 hosts: ", "Deployed: "]);
    assert!(!ran.text.contains('\u{1b}'), "{:?}", ran.text);
    assert_ends_well(&ran.text, "Deployed: ");
}

/// russh's own events are there for who asks, and only then.
#[test]
fn embedded_the_ssh_library_can_be_listened_to() {
    let stage = Stage::new(start(FleetSpec::embedded(), "embedded").unwrap(), Scm::Git);
    let invoke = ["invoke", "COMMAND=true", "HOSTS=web1.example.com"];
    let quiet = stage.cap(&invoke).expect(0);
    assert!(!quiet.text.contains("russh"), "{}", quiet.text);
    let mut command = stage.command(&invoke);
    command.env("CAPSTAN_LOG", "russh=debug");
    stage.run(command).expect(0).says(&["DEBUG", "russh::client"]);
    let mut command = stage.command(&invoke);
    command.env("CAPSTAN_LOG", "russh=debug").args(["--log", "run.log"]);
    let quiet = stage.run(command).expect(0);
    assert!(!quiet.text.contains("russh"), "{}", quiet.text);
    let log = std::fs::read_to_string(stage.project.join("run.log")).unwrap();
    assert!(log.contains("russh::client") && log.contains("==> invoke"), "{log}");
    let mut command = stage.command(&invoke);
    command.env("CAPSTAN_LOG", "russh=nonsense");
    stage.run(command).expect(0).says(&["warning: CAPSTAN_LOG"]);
}

/// The phases of a text, without the release's name.
fn phases(text: &str, mark: &str) -> Vec<String> {
    let lines = text.lines().filter_map(|line| line.trim_start().strip_prefix(mark));
    let lines = lines.filter(|line| line.starts_with(|c: char| c.is_ascii_digit()) && line.contains("] on "));
    let title = |line: &str| line.split_once(". ").map(|(_, title)| title.to_owned());
    lines.filter_map(title).map(|title| title.split(|c: char| c.is_ascii_digit()).collect()).collect()
}

/// What the plan shows is what the run does; a migration is in it under its condition.
#[test]
fn embedded_a_plan_has_the_phases_of_the_run() {
    let stage = stage("true");
    let planned = stage.cap(&["deploy", "--plan"]).expect(0).says(&["only if the new release has migrations"]);
    let planned = phases(&planned.text, "");
    let migrates = planned.iter().position(|title| title.starts_with("deploy:migrate [migrate]")).unwrap();
    let run = phases(&stage.cap(&["deploy"]).expect(0).text, "--> ");
    let mut without = planned.clone();
    without.remove(migrates);
    assert_eq!(run, without);
    stage.repo.migration("20240101000000_add_mail", "x\n").unwrap();
    let run = phases(&stage.cap(&["deploy"]).expect(0).text, "--> ");
    // The host that has migrated finishes its release right behind that, in the same flight.
    assert_eq!((run.len(), &run[..=migrates]), (planned.len(), &planned[..=migrates]));
    assert_eq!(run[migrates + 2..], planned[migrates + 2..]);
}

#[test]
fn embedded_quiet_tells_the_end_and_what_failed() {
    let stage = stage("test ! -e broken");
    let quiet = |expected: i32| {
        let ran = stage.cap(&["-q", "deploy"]).expect(expected);
        assert!(!ran.text.contains("--> ") && !ran.text.contains("done on"), "{}", ran.text);
        ran
    };
    let ran = quiet(0);
    assert!(ran.text.starts_with("\nHOST "), "{}", ran.text);
    assert!(ran.text.lines().last().unwrap().starts_with("Deployed: "), "{}", ran.text);
    stage.on("app2", "touch broken");
    // The old release is restarted by the same command, so that this needs a person.
    let old = stage.live("web1");
    let stuck = format!(
        "STUCK, every host's current is back on {old}, and the restart failed there too: look at app2.example.com"
    );
    let ran = quiet(7).says(&["[app2.example.com] FAILED: ", &stuck, "error: could not run", "next: "]);
    assert!(ran.text.contains("then restart it; in `cap "), "{}", ran.text);
}

#[test]
fn embedded_colour_is_for_terminals_that_want_it() {
    let stage = stage("true");
    let colours = |name: &str, value: &str| {
        let mut command = stage.command(&["--format", "plain", "invoke", "COMMAND=true"]);
        command.env("TERM", "xterm").env(name, value);
        Terminal::start(&command).end().expect(0).text.contains('\u{1b}')
    };
    assert!(colours("LANG", "C"));
    assert!(!colours("NO_COLOR", "1"));
    assert!(!stage.cap(&["invoke", "COMMAND=true"]).expect(0).text.contains('\u{1b}'), "a pipe");
}
