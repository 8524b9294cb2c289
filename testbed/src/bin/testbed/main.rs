//! `testbed`: fleets to try things on, for people.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for people, not a library")]

mod demo;
mod reach;
mod up;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use deploy_testbed::Backend;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Fleets of hosts to try deployments on. Nothing outside this machine is touched.
#[derive(Parser)]
#[command(name = "testbed")]
struct Args {
    /// The fleet's directory
    #[arg(long, global = true, default_value_os_t = default_dir())]
    dir: PathBuf,
    #[command(subcommand)]
    command: Cmd,
}

#[derive(Subcommand)]
enum Cmd {
    /// Starts a fleet with a repository and a project to deploy, and keeps it until Ctrl-C or `down`
    Up {
        /// Where the hosts live
        #[arg(long, value_enum, default_value = "embedded")]
        backend: BackendArg,
        /// This many hosts, host1 … hostN, instead of web1 web2 app1 app2 db1
        #[arg(long)]
        hosts: Option<usize>,
        /// The repository's system
        #[arg(long, value_enum, default_value = "git")]
        scm: ScmArg,
        /// The `cap` binary; found beside this one if not given
        #[arg(long)]
        cap: Option<PathBuf>,
        /// Returns when the fleet is up and leaves it running
        #[arg(long)]
        detach: bool,
    },
    /// Takes the fleet down
    Down,
    /// Runs a command on a host, or opens a shell
    Ssh {
        /// The host's name
        host: String,
        /// The command
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<String>,
    },
    /// Commits a new version of the application, so that there is something to deploy
    Commit {
        /// What the application should say of itself
        version: String,
    },
    /// Runs `cap` in the fleet's project: `testbed deploy deploy:setup`; `cap deploy` without words
    Deploy {
        /// The `cap` binary; found beside this one if not given
        #[arg(long)]
        cap: Option<PathBuf>,
        /// Its arguments
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Deploys the example application to five embedded hosts, changes it, deploys, rolls back
    Demo {
        /// The `cap` binary
        #[arg(long)]
        cap: PathBuf,
        /// The directory with the example recipes
        #[arg(long)]
        examples: PathBuf,
        /// Leaves the hosts up at the end, until Ctrl-C
        #[arg(long)]
        keep: bool,
    },
    /// Builds the containers' image; at once if it is there
    Image,
    /// Removes what killed fleets left behind
    Sweep,
}

#[derive(Clone, Copy, ValueEnum)]
enum BackendArg {
    Embedded,
    Sshd,
    Containers,
}

impl From<BackendArg> for Backend {
    fn from(arg: BackendArg) -> Self {
        match arg {
            BackendArg::Embedded => Backend::Embedded,
            BackendArg::Sshd => Backend::Sshd,
            BackendArg::Containers => Backend::Containers,
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum ScmArg {
    Git,
    Svn,
}

/// What the commands give back: the status to exit with, or why not.
type Done = Result<ExitCode, Box<dyn std::error::Error>>;

/// Prints a line; a reader that has seen enough (`| head`) is no failure.
fn say(text: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Ctrl-C and TERM, which from the first call on do not end the process.
struct Signals {
    runtime: tokio::runtime::Runtime,
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (interrupt, terminate) = {
            let _inside = runtime.enter();
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
        };
        Ok(Signals { runtime, interrupt, terminate })
    }

    fn wait(mut self) {
        self.runtime.block_on(async {
            tokio::select! {
                _ = self.interrupt.recv() => {}
                _ = self.terminate.recv() => {}
            }
        });
    }
}

fn default_dir() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).join("target/testbed/fleet")
}

fn main() -> ExitCode {
    let args = Args::parse();
    let done = match args.command {
        Cmd::Up { backend, hosts, scm, cap, detach } => {
            let up = up::Up { backend: backend.into(), hosts, scm, cap, dir: args.dir };
            if detach { up.detached() } else { up.in_foreground() }
        }
        Cmd::Down => up::down(&args.dir),
        Cmd::Ssh { host, command } => reach::ssh(&args.dir, &host, &command),
        Cmd::Commit { version } => reach::commit(&args.dir, &version),
        Cmd::Deploy { cap, args: words } => reach::deploy(&args.dir, cap, &words),
        Cmd::Demo { cap, examples, keep } => demo::Demo { cap, examples, keep }.run(),
        Cmd::Image => image(),
        Cmd::Sweep => sweep(&args.dir),
    };
    done.unwrap_or_else(|e| {
        eprintln!("testbed: {e}");
        let mut cause = e.source();
        while let Some(c) = cause {
            eprintln!("  because: {c}");
            cause = c.source();
        }
        ExitCode::FAILURE
    })
}

fn image() -> Done {
    let image = deploy_testbed::containers::image::ensure(&|step| eprintln!("testbed: {step}"))?;
    say(&image.to_string());
    Ok(ExitCode::SUCCESS)
}

fn sweep(dir: &Path) -> Done {
    let mut swept = deploy_testbed::sweep::sweep()?;
    if deploy_testbed::sweep::sweep_dir(dir)? {
        swept.directories.push(dir.to_owned());
    }
    for dir in &swept.directories {
        say(&format!("removed {}", dir.display()));
    }
    say(&format!("{} directories, {} containers and networks", swept.directories.len(), swept.containers));
    Ok(ExitCode::SUCCESS)
}
