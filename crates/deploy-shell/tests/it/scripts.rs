//! Built scripts, run by real shells in a runner and by themselves.

use std::process::Command;

use deploy_shell::{Script, StepReport, quote};

use crate::hosts::{Host, each};
use crate::session::{Session, script};

fn reports(marks: &[(String, Vec<String>)]) -> Vec<String> {
    let read = |(kind, fields): &(String, Vec<String>)| {
        let fields: Vec<Vec<u8>> = fields.iter().map(|f| f.clone().into_bytes()).collect();
        match StepReport::read(kind, &fields)? {
            StepReport::Begun { id } => Some(format!("{id}?")),
            StepReport::Ended { id, status, elapsed } => {
                assert!(elapsed.is_some(), "no elapsed time");
                Some(format!("{id}={status}"))
            }
        }
    };
    marks.iter().filter_map(read).collect()
}

#[test]
fn steps_run_in_order_until_one_fails() {
    each(Host::all(), |host| {
        let mut session = Session::start(host);
        let mut built = Script::new();
        built.prolog("where=shared\nsay() { echo \"say $1\"; }").unwrap();
        built.step("one", "say 1; cd /; x=1; cat").unwrap();
        built.step("two", "say \"$x$where\"; pwd; echo err >&2").unwrap();
        built.step("three", "false\necho never").unwrap();
        built.step("four", "echo never").unwrap();
        let done = session.run(script(&built.to_sh()));
        let home = host.home.path().display();
        assert_eq!(done.out(), format!("say 1\nsay shared\n{home}\n"), "{}", host.name);
        assert_eq!(done.err(), "err\n");
        assert_eq!(reports(&done.marks), ["one?", "one=0", "two?", "two=0", "three?", "three=1"]);
        assert!(!done.status().success());
        session.quit();
    });
}

#[test]
fn a_steps_own_exit_and_death_are_its_status() {
    each(Host::all(), |host| {
        let mut session = Session::start(host);
        for (body, status) in
            [("exit 7", 7), ("exit 0", 0), ("sh -c 'kill -9 $$'", 137), ("nothing-of-that-name", 127), (":", 0)]
        {
            let mut built = Script::new();
            built.step("a", body).unwrap();
            let done = session.run(script(&built.to_sh()));
            assert_eq!(reports(&done.marks), ["a?".to_owned(), format!("a={status}")], "{}: {body}", host.name);
            assert_eq!(done.status().success(), status == 0);
        }
        assert!(session.run(script(&Script::new().to_sh())).status().success());
        session.quit();
    });
}

#[test]
fn a_hundred_steps_of_odd_text_are_one_round_trip() {
    each(Host::all(), |host| {
        let mut session = Session::start(host);
        let mut built = Script::new();
        let mut wanted = String::new();
        for n in 0..100 {
            let text = format!("{n} it's \"$x\" `y`\n\\0 é {}", "#".repeat(n));
            built.step(&format!("step-{n}"), &format!("printf '%s\\n' {} # why", quote(&text).unwrap())).unwrap();
            wanted += &text;
            wanted += "\n";
        }
        let done = session.run(script(&built.to_sh()));
        assert_eq!(done.out(), wanted, "{}", host.name);
        assert_eq!(done.marks.len(), 200);
        session.quit();
    });
}

#[test]
fn a_script_also_runs_by_itself() {
    each(Host::all(), |host| {
        let mut built = Script::new();
        built.step("one", "echo 1").unwrap();
        built.step("two", "exit 5").unwrap();
        built.step("three", "echo 3").unwrap();
        let run = Command::new(host.bin.path().join("sh"))
            .args(["-c", &built.to_sh()])
            .env("PATH", &host.path)
            .output()
            .unwrap();
        assert_eq!((run.stdout.as_slice(), run.status.code()), (b"1\n".as_slice(), Some(5)), "{}", host.name);
    });
}
