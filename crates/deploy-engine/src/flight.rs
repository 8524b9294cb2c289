//! What is sent to one host in one go, and what comes back.

use std::sync::Arc;
use std::time::Duration;

use deploy_plan::{ExitStatus, PortCheck, StepId, Transfer};
use deploy_transport::Secret;

/// One thing for the runner of a host to do.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    /// The step it belongs to; none for the engine's own (lock, probe).
    pub step: Option<StepId>,
    /// For people.
    pub title: String,
    /// What.
    pub kind: JobKind,
    /// Who gets its output.
    pub output: Output,
    /// Whether it runs even if an earlier job of the flight failed.
    pub always: bool,
    /// Whether it must not run unless the lock is held.
    pub needs_lock: bool,
    /// How long it may take.
    pub deadline: Option<Duration>,
}

/// Who gets the output of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// Whoever watches the run.
    Told,
    /// Whoever asked.
    Kept,
    /// Both: the recipe wants to know how a command ended that is a command like any other.
    Both,
}

/// The ways to run a job.
#[derive(Clone, Debug)]
pub(crate) enum JobKind {
    /// sh text of ours, in a session of its own.
    Script {
        /// The text.
        body: String,
        /// The password for `cap_sudo`, where one is needed.
        sudo: Option<Arc<Secret>>,
    },
    /// A short text of ours, in the runner's own shell.
    Shell {
        /// The text.
        body: String,
    },
    /// A command of the recipe, as the login would run it.
    Command {
        /// The text for the login shell.
        text: String,
        /// What it can read from standard input.
        stdin: Option<Arc<Secret>>,
        /// Whether it gets a terminal, on a channel of its own.
        pty: bool,
    },
    /// Carry a file or tree, on a channel of its own.
    Transfer(Transfer),
    /// Ask a port how the application is.
    Health(Box<PortCheck>),
    /// Take the lock in this directory.
    Lock {
        /// The directory: absolute, or relative to the home directory.
        directory: String,
        /// Who we are, for those who are refused.
        owner: String,
        /// The run.
        run: String,
        /// Whether the group shares it.
        shared: bool,
        /// Seconds to wait for it.
        wait: u32,
    },
    /// Give the lock back.
    Unlock,
}

impl JobKind {
    /// Whether it goes on a channel of its own and not through the runner.
    pub(crate) fn is_apart(&self) -> bool {
        matches!(self, Self::Command { pty: true, .. } | Self::Transfer(_) | Self::Health(_))
    }
}

/// What became of a job.
#[derive(Clone, Debug)]
pub(crate) struct JobResult {
    /// The step it belongs to.
    pub step: Option<StepId>,
    /// How it ended.
    pub status: ExitStatus,
    /// Captured standard output, bounded.
    pub stdout: Vec<u8>,
    /// The last of standard error (and of standard output when that was shown).
    pub tail: Vec<u8>,
    /// For a lock that was refused: who holds it.
    pub refused_by: Option<String>,
    /// When it began and ended, as we heard of it; none if it was not started.
    pub time: Option<(Duration, Duration)>,
}

impl JobResult {
    /// A job that was not started.
    pub(crate) fn skipped(job: &Job) -> Self {
        Self {
            step: job.step,
            status: ExitStatus::Skipped,
            stdout: Vec::new(),
            tail: Vec::new(),
            refused_by: None,
            time: None,
        }
    }

    /// A job whose end is not known.
    pub(crate) fn lost(job: &Job, why: &str) -> Self {
        Self { status: ExitStatus::Lost(why.to_owned()), ..Self::skipped(job) }
    }

    /// The last lines of its output as text.
    pub(crate) fn tail_lines(&self, most: usize) -> Vec<String> {
        let text = String::from_utf8_lossy(&self.tail);
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        lines.iter().skip(lines.len().saturating_sub(most)).map(|line| (*line).to_owned()).collect()
    }
}
