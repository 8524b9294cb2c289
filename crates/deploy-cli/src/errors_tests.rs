//! Every message that this crate makes itself, word by word, and the table of exit codes.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use deploy_plan::{HostRow, Site};
use insta::assert_snapshot;

use super::*;
use crate::args::Args;

const KINDS: [ProblemKind; 19] = [
    ProblemKind::Usage,
    ProblemKind::Recipe,
    ProblemKind::NoHosts,
    ProblemKind::Connect,
    ProblemKind::Lost,
    ProblemKind::Locked,
    ProblemKind::Layout,
    ProblemKind::CurrentNotALink,
    ProblemKind::Scm,
    ProblemKind::Step,
    ProblemKind::Changed,
    ProblemKind::NothingToRollBack,
    ProblemKind::HostsDisagree,
    ProblemKind::NotUniform,
    ProblemKind::MissingTool,
    ProblemKind::Password,
    ProblemKind::Interrupted,
    ProblemKind::NeedsPerson,
    ProblemKind::Unsupported,
];

fn site() -> Option<Site> {
    Some(Site { file: Arc::from("config/deploy.rb"), line: 24, column: 5 })
}

fn no_tail(_: &HostId) -> Vec<String> {
    Vec::new()
}

#[test]
fn each_kind_has_an_exit_code_and_a_hint() {
    let mut text = String::new();
    for kind in KINDS {
        let code = Exit::of_problems(&[Problem::new(kind, "", "")]).code();
        writeln!(text, "{kind:?} = {code}: {}", hint(kind)).unwrap();
    }
    assert_snapshot!(text);
}

#[test]
fn wrong_command_lines() {
    let mut text = String::new();
    for line in [
        "--unknown",
        "--dryrun deploy",
        "-f",
        "--format xml deploy",
        "--completions tcsh",
        "-d deploy",
        "--plan -n deploy",
        "-t",
        "-q -v deploy",
        "-s branch",
        "-S Branch=x",
    ] {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let complaint = Args::read(&words).and_then(|args| args.check()).expect_err(line);
        writeln!(text, "$ cap {line}\n{complaint}").unwrap();
    }
    assert_snapshot!(text);
}

#[test]
fn a_failed_hook_on_one_host() {
    let host = HostId::new("web2.example.com");
    let mut problem = Problem::new(ProblemKind::Step, "run `ln -nfs /a /b`", "exit status 1").on(&host).at(site());
    problem.task = Some("deploy:after_update_code".to_owned());
    let tail = |_: &HostId| vec!["ln: failed to create symbolic link".to_owned(), "evil \u{1b}[2J".to_owned()];
    assert_snapshot!(problems_text(&[problem], &tail));
}

#[test]
fn the_same_on_many_hosts_is_told_once() {
    let refused = |n: usize| {
        let host = HostId::new(&format!("web{n}.example.com"));
        Problem::new(ProblemKind::Connect, "connect", "connection refused (port 22)").on(&host)
    };
    let mut problems: Vec<Problem> = (1..=14).map(refused).collect();
    problems.push(Problem::new(ProblemKind::NoHosts, "run task x", "no host has the role db").next("add one"));
    assert_snapshot!(problems_text(&problems, &no_tail));
}

#[test]
fn source_text_keeps_its_columns() {
    let why = "config/deploy.rb:24:5: undefined method `foo'\n    set :x, foo\n            ^^^\n";
    let problem = Problem::new(ProblemKind::Recipe, "read the recipe", why).at(site());
    assert_snapshot!(problems_text(&[problem], &no_tail));
}

#[test]
fn tails_of_their_own_win_and_only_commands_have_them() {
    let host = HostId::new("a");
    let mut own = Problem::new(ProblemKind::Step, "build", "exit status 2").on(&host);
    own.tail = vec!["own line".to_owned()];
    let other = |_: &HostId| vec!["observed line".to_owned()];
    assert!(problems_text(std::slice::from_ref(&own), &other).contains("own line"));
    assert!(!problems_text(&[own], &other).contains("observed line"));
    let locked = Problem::new(ProblemKind::Locked, "lock", "held by bob").on(&host);
    assert!(!problems_text(&[locked], &other).contains("observed line"));
}

#[test]
fn what_hosts_say_alike_is_said_once() {
    let failed = |host: &str, lines: &[&str]| {
        let why = format!("exit status 1: {}", lines.last().unwrap());
        let mut problem = Problem::new(ProblemKind::Step, "build", why).on(&HostId::new(host));
        problem.tail = lines.iter().map(|line| (*line).to_owned()).collect();
        problem
    };
    let dangling = ["/a points to /b, which does not exist"];
    let text = problems_text(&["a", "b", "c"].map(|host| failed(host, &dangling)), &no_tail);
    assert!(text.matches("which does not exist").count() == 1 && text.contains("where: a, b, c"), "{text}");
    let long = ["one", "two"];
    let problems = [failed("a", &long), failed("b", &["zero", "two"]), failed("c", &long), failed("d", &["two"])];
    let text = problems_text(&problems, &no_tail);
    let tails = "  last lines of a, c:\n    one\n    two\n  last lines of b:\n    zero\n    two\n  next:";
    assert!(text.contains(tails), "{text}");
}

#[test]
fn exits_of_runs() {
    let row = |result| HostRow {
        host: HostId::new("a"),
        release: None,
        revision: None,
        elapsed: Duration::ZERO,
        result,
        note: String::new(),
        round_trips: 0,
    };
    let summary = |outcome, result, late_failure| Summary {
        outcome,
        rows: vec![row(result)],
        narrowed: None,
        notes: vec![],
        elapsed: Duration::ZERO,
        window: None,
        late_failure,
        unrestarted: false,
        abandoned: false,
        commands_ran: false,
    };
    let problem = |kind| Problem::new(kind, "", "");
    let cases = [
        (summary(Outcome::Done, HostResult::Ok, false), vec![], 0),
        (summary(Outcome::Deployed, HostResult::Live, false), vec![], 0),
        (summary(Outcome::Deployed, HostResult::Live, true), vec![problem(ProblemKind::Step)], 8),
        (summary(Outcome::RolledBack, HostResult::Live, false), vec![], 0),
        (summary(Outcome::FailedClean, HostResult::Failed, false), vec![problem(ProblemKind::Step)], 1),
        (summary(Outcome::FailedClean, HostResult::Failed, false), vec![], 1),
        (summary(Outcome::FailedClean, HostResult::Failed, false), vec![problem(ProblemKind::Connect)], 6),
        (
            summary(Outcome::FailedClean, HostResult::Failed, false),
            vec![problem(ProblemKind::Connect), problem(ProblemKind::Locked), problem(ProblemKind::Step)],
            5,
        ),
        (summary(Outcome::FailedClean, HostResult::Idle, false), vec![problem(ProblemKind::Recipe)], 2),
        (summary(Outcome::PutBack, HostResult::PutBack, false), vec![problem(ProblemKind::Step)], 3),
        (summary(Outcome::PutBack, HostResult::PutBack, false), vec![problem(ProblemKind::Lost)], 3),
        (summary(Outcome::Stuck, HostResult::Failed, false), vec![problem(ProblemKind::Step)], 4),
        (summary(Outcome::Stuck, HostResult::Unknown, false), vec![problem(ProblemKind::Lost)], 6),
        (summary(Outcome::Stuck, HostResult::Unknown, false), vec![problem(ProblemKind::NotUniform)], 4),
        (summary(Outcome::Stuck, HostResult::Unknown, false), vec![problem(ProblemKind::NeedsPerson)], 7),
        (summary(Outcome::Interrupted, HostResult::Unchanged, false), vec![problem(ProblemKind::Interrupted)], 130),
    ];
    for (summary, problems, code) in cases {
        assert_eq!(Exit::of_run(&summary, &problems).code(), code, "{summary:?} {problems:?}");
    }
}
