//! The tool `cap` as a library: reads a command line, runs it, and gives the exit code.
//!
//! The binaries `cap` and `capstan` only call [`main`]. Everything else is here, so that it can be tested and embedded:
//! [`run`] takes arguments, an environment and streams, and touches nothing of the process but its working directory's files.
//!
//! - [`args`]: the command line, Capistrano 2's forms and our own flags;
//! - [`errors`]: what a person is told when something goes wrong (what, where, why, what next), and the exit codes;
//! - [`again`]: the commands in hints, so that they can be typed as they stand;
//! - [`list`]: `-T` and `-e`.
//!
//! Limits: questions are asked only on a real terminal; signals are handled only by [`main`].
//!
//! ```
//! use deploy_cli::io::Io;
//!
//! let (io, captured) = Io::captured();
//! let code = deploy_cli::run(vec!["--version".to_owned()], vec![], io);
//! assert_eq!(code, 0);
//! assert!(captured.out().starts_with("cap "));
//!
//! let (io, captured) = Io::captured();
//! let code = deploy_cli::run(vec!["--no-such-flag".to_owned()], vec![], io);
//! assert_eq!(code, 2);
//! assert!(captured.err().starts_with("error: could not understand the option --no-such-flag\n  where: the command line"));
//! ```

pub mod again;
pub mod args;
pub mod clock;
pub mod errors;
pub mod io;
pub mod list;

mod dial;
mod echo;
mod effects;
#[cfg(feature = "faults")]
mod faults;
mod held;
mod help;
mod hosts;
mod install;
mod interrupt;
mod look;
mod prompt;
mod refusal;
mod trace;
mod wire;

use std::io::Write as _;
use std::process::ExitCode;

use args::Args;
use deploy_plan::ProblemKind;
use errors::{Complaint, Exit};
use io::Io;

/// The binary: arguments, environment and streams of this process.
#[must_use]
pub fn main() -> ExitCode {
    let mut arguments = Vec::new();
    for argument in std::env::args_os().skip(1) {
        match argument.into_string() {
            Ok(text) => arguments.push(text),
            Err(raw) => return ExitCode::from(complain(&Io::standard(), &not_text(&raw.to_string_lossy())).code()),
        }
    }
    let environment =
        std::env::vars_os().filter_map(|(name, value)| name.into_string().ok().zip(value.into_string().ok()));
    ExitCode::from(start(&arguments, environment.collect(), Io::standard(), true))
}

/// Runs a command line and gives the exit code.
#[must_use]
pub fn run(arguments: Vec<String>, environment: Vec<(String, String)>, io: Io) -> u8 {
    start(&arguments, environment, io, false)
}

fn start(arguments: &[String], environment: Vec<(String, String)>, io: Io, process: bool) -> u8 {
    let exit = match Args::read(arguments).and_then(|args| args.check().map(|()| args)) {
        Ok(args) => match without_recipe(&args, &io) {
            Some(exit) => exit,
            None => with_recipe(wire::Start { args, environment, io, process }),
        },
        Err(complaint) => complain(&io, &complaint),
    };
    exit.code()
}

/// What needs no recipe: help and the like, and a command line without a task.
fn without_recipe(args: &Args, io: &Io) -> Option<Exit> {
    let columns = io.terminal.columns();
    let mut out = io.out.clone();
    let printed = if args.version {
        out.write_all(help::version().as_bytes())
    } else if args.long_help {
        out.write_all(help::long(columns).as_bytes())
    } else if args.help {
        out.write_all(help::short(columns).as_bytes())
    } else if let Some(shell) = args.completions {
        help::completions(shell, &mut out)
    } else if args.man {
        help::man(&mut out)
    } else if args.words().tasks.is_empty() && args.tasks.is_none() && args.explain.is_none() {
        let _ = io.err.clone().write_all(help::short(columns).as_bytes());
        let next = again::Again::of(args).hint("`cap -T` lists the tasks of this recipe");
        let complaint = Complaint::usage("find a task to run", "the command line", "there is no task on it", next);
        return Some(complain(io, &complaint));
    } else {
        return None;
    };
    Some(printed_exit(io, printed.and_then(|()| out.flush())))
}

/// The exit of a command that only prints. With `cap -H | head` whoever reads has had enough, which is no failure.
fn printed_exit(io: &Io, printed: std::io::Result<()>) -> Exit {
    match printed {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            let (why, next) = (error.to_string(), "see where the output goes to, and whether there is room");
            complain(io, &Complaint::new(ProblemKind::Step, "print", "standard output", why, next))
        }
        _ => Exit::Done,
    }
}

/// The stack of the thread that evaluates recipes: deeply nested Ruby is deeply nested here. The evaluator's limits are made
/// for half of this.
const STACK: usize = 128 << 20;

/// Runs on a thread with a large stack, and the network on others.
fn with_recipe(start: wire::Start) -> Exit {
    let io = start.io.clone();
    let run = move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        let exit = runtime.block_on(wire::run(start));
        // A thread that still waits for an answer of the person must not hold the end up.
        runtime.shutdown_background();
        Ok(exit)
    };
    let thread = std::thread::Builder::new().name("recipe".to_owned()).stack_size(STACK).spawn(run);
    let ended = match thread {
        Ok(thread) => thread.join().unwrap_or_else(|_| Err("an error in the tool itself; please report it".to_owned())),
        Err(error) => Err(error.to_string()),
    };
    ended.unwrap_or_else(|why| {
        let next = "look at the limits of this machine (`ulimit -a`), then try again";
        complain(&io, &Complaint::new(ProblemKind::Step, "run", "this machine", why, next))
    })
}

fn complain(io: &Io, complaint: &Complaint) -> Exit {
    // Without a reader there is nobody to tell.
    let _ = io.err.clone().write_all(complaint.to_string().as_bytes());
    complaint.exit()
}

fn not_text(argument: &str) -> Complaint {
    let why = format!("the argument {argument:?} is not valid UTF-8");
    Complaint::usage("understand the command line", "the command line", why, "write it in UTF-8")
}
