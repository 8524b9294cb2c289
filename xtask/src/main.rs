//! What a person or CI runs: `cargo xtask demo`, `test`, `testbed`, `sim`, `crash`, `bench`, `check`, `corpus`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for people, not a library")]

mod crash;
mod engine;
mod install;
mod layers;
mod report;
mod run;
mod sim;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask COMMAND

  demo [--keep]           deploys and rolls back the example application on five embedded hosts, and says what to try next
  test [LAYER…] [--install]
                          runs every test layer that this machine can, and names what was skipped and how to get it;
                          with CI=true it installs what is missing, and a skipped layer is a failure
  check                   the quick part of test: fmt, clippy
  testbed ARGS…           fleets to try things on: up, down, ssh, deploy, image, sweep (testbed --help tells more)
  sim [--share N] [--pairs N] [--seeds N] [--histories N] | --replay 'CASE' | --seed N
                          the simulated fleet in an optimised build: every single fault, a hundred thousand random histories;
                          or one of them again, with all that happens in it (sim --help tells more)
  crash [--cells N | --all] [--seed N] | --replay 'CELL'
                          faults against real sshd, by a `cap` that was built with the feature `faults`: 200 cells, picked by
                          the seed; or one of them again (crash --help tells more)
  bench [FILTER]          Criterion benchmarks, optimised
  book                    builds docs/ with mdbook, where mdbook is installed
  corpus DIR [NAME]       reads a folder of recipes (each with its Capfile, config/deploy.rb, stages, tasks), in memory only,
                          and says how many parse, load and evaluate, and what stops the others

Layers of test, in order: fmt clippy docs unit sim embedded sshd crash containers standalone package
";

/// The options of each command. `testbed` has its own, and its own help.
const OPTIONS: &[(&str, &[&str])] = &[
    ("demo", &["--keep"]),
    ("test", &["--install"]),
    ("check", &[]),
    ("sim", sim::OPTIONS),
    ("crash", crash::OPTIONS),
    ("bench", &[]),
    ("book", &[]),
    ("corpus", &[]),
];

/// What is wrong with the options of a command.
fn refused(command: &str, args: &[String]) -> Option<String> {
    let known = OPTIONS.iter().find(|(name, _)| *name == command).map(|(_, options)| *options)?;
    let unknown = args.iter().find(|arg| arg.starts_with('-') && !known.contains(&arg.as_str()))?;
    let known = if known.is_empty() { "it has none".to_owned() } else { format!("it has: {}", known.join(" ")) };
    Some(format!("`{command}` has no option {unknown}; {known}; `cargo xtask help` tells more"))
}

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let command = args.next().unwrap_or_default();
    let rest: Vec<String> = args.collect();
    if command != "testbed" && rest.iter().any(|arg| arg == "-h" || arg == "--help") {
        print!(
            "{}",
            match command.as_str() {
                "sim" => sim::HELP,
                "crash" => crash::HELP,
                _ => HELP,
            }
        );
        return ExitCode::SUCCESS;
    }
    if let Some(why) = refused(&command, &rest) {
        eprintln!("xtask: {why}");
        return ExitCode::from(2);
    }
    let result = match command.as_str() {
        "demo" => run::demo(&rest),
        "test" => layers::test(&rest).map(done),
        "check" => layers::test(&["fmt".to_owned(), "clippy".to_owned()]).map(done),
        "testbed" => run::testbed(&rest),
        "sim" => sim::sim(&rest).map(done),
        "crash" => crash::crash(&rest).map(done),
        "bench" => run::bench(&rest).map(done),
        "book" => run::book().map(done),
        "corpus" => run::corpus(&rest).map(done),
        "" | "help" | "-h" | "--help" => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        other => Err(format!("there is no command {other:?}; `cargo xtask help` lists them")),
    };
    match result {
        Ok(code) => code,
        Err(why) => {
            eprintln!("xtask: {why}");
            ExitCode::FAILURE
        }
    }
}

/// What is not a program of its own ends with 0 if nothing went wrong.
fn done((): ()) -> ExitCode {
    ExitCode::SUCCESS
}
