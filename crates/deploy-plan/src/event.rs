//! What happens in a run, told as it happens.

use std::time::Duration;

use deploy_inventory::HostId;

use crate::{ExitStatus, Plan, Problem, RunId, Site, StepId, Summary, Suspension};

/// Which stream of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// How much a message matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Only with `-v`.
    Debug,
    /// Ordinary.
    Info,
    /// Something the user should look at.
    Warning,
    /// A failure.
    Error,
}

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// The recipe itself has printed something on this machine (`puts`).
    Printed {
        /// Where to.
        stream: Stream,
        /// What, in whole lines or not.
        text: String,
    },
    /// A run begins.
    RunStarted {
        /// Its id.
        run: RunId,
        /// The tasks as given on the command line.
        tasks: Vec<String>,
    },
    /// A task of the recipe is entered (as its commands are recorded, not as they run).
    TaskStarted {
        /// Fully qualified name.
        task: String,
    },
    /// A connection is being made.
    Connecting {
        /// The host.
        host: HostId,
    },
    /// A connection is ready.
    Connected {
        /// The host.
        host: HostId,
        /// From the first packet to the end of the login.
        elapsed: Duration,
    },
    /// These phases are about to run.
    Planned {
        /// The part of the flow that is known now.
        plan: Plan,
    },
    /// A step begins on a host.
    StepStarted {
        /// The host.
        host: HostId,
        /// The step.
        step: StepId,
        /// Its title.
        title: String,
    },
    /// A piece of a command's output; chunks, not lines.
    Output {
        /// The host.
        host: HostId,
        /// The step, where it is known.
        step: Option<StepId>,
        /// Which stream.
        stream: Stream,
        /// The bytes as the host sent them: anything may be in there.
        bytes: Vec<u8>,
    },
    /// A file or tree is on its way to or from a host.
    Transferred {
        /// The host.
        host: HostId,
        /// The step.
        step: Option<StepId>,
        /// Bytes so far.
        bytes: u64,
        /// All of them, where that is known.
        total: Option<u64>,
    },
    /// A step ended on a host.
    StepEnded {
        /// The host.
        host: HostId,
        /// The step.
        step: StepId,
        /// Its title.
        title: String,
        /// How.
        status: ExitStatus,
        /// How long it took.
        elapsed: Duration,
    },
    /// The recipe's own code decides from here on.
    Suspended {
        /// What it waits for.
        why: Suspension,
        /// Where.
        site: Option<Site>,
    },
    /// Something to say.
    Message {
        /// How much it matters.
        level: Level,
        /// The host it is about.
        host: Option<HostId>,
        /// One or more lines.
        text: String,
    },
    /// An answer that the user asked for, as a table. A row is about one host, which its first cell names.
    Table {
        /// What it is about.
        title: String,
        /// The columns' names; the first is the host's.
        columns: Vec<&'static str>,
        /// The rows.
        rows: Vec<Vec<String>>,
    },
    /// Something failed.
    Failed {
        /// The failure.
        problem: Problem,
    },
    /// The run turns back.
    Undoing {
        /// Why, in a few words.
        reason: String,
    },
    /// The run is over; nothing follows.
    RunEnded {
        /// The end.
        summary: Summary,
    },
}

/// Whoever wants to know what happens. Called from many tasks; must not block.
pub trait Observer: Send + Sync {
    /// Takes one event.
    fn event(&self, event: &Event);
}

impl<T: Observer + ?Sized> Observer for std::sync::Arc<T> {
    fn event(&self, event: &Event) {
        (**self).event(event);
    }
}
