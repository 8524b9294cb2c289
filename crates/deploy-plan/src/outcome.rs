//! How a run ends.

use std::time::Duration;

use deploy_inventory::HostId;

use crate::{ReleaseId, Revision};

/// The end of a run as a whole; never just "failed".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything asked for was done (a task that is no deploy, a check, a plan).
    Done,
    /// Every targeted host was read back as live on the new release.
    Deployed,
    /// A rollback was asked for and every targeted host was read back on the older release.
    RolledBack,
    /// Nothing went live: every host serves what it served before.
    FailedClean,
    /// Some hosts had switched and all of them were put back.
    PutBack,
    /// A person is needed: hosts differ, or one could not be put back.
    Stuck,
    /// Stopped by the user, with nothing half-done.
    Interrupted,
}

/// What became of one host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostResult {
    /// Live on the release of this run, read back.
    Live,
    /// All its commands succeeded (runs without a release).
    Ok,
    /// Unchanged, because the run stopped before its turn or another host failed.
    Unchanged,
    /// Had switched and was put back.
    PutBack,
    /// A step failed on it.
    Failed,
    /// Its state could not be read.
    Unknown,
    /// Not touched: nothing was to be done on it.
    Idle,
    /// Left out of the run: it could not be reached before the run began, or it failed before the switch and the recipe
    /// lets so many hosts fail. It serves what it served before.
    LeftOut,
}

/// One line of the final table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostRow {
    /// The host.
    pub host: HostId,
    /// The release that is live on it now, where it was read.
    pub release: Option<ReleaseId>,
    /// The revision of that release, where it is known.
    pub revision: Option<Revision>,
    /// Time from the first to the last step on the host.
    pub elapsed: Duration,
    /// What became of it.
    pub result: HostResult,
    /// A word more, e.g. the step that failed.
    pub note: String,
    /// Round trips of the run behind the host's login: messages that could not be sent before an answer had come. The login
    /// is everything up to the open session channel.
    pub round_trips: u32,
}

/// What is said at the end of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The end as a whole.
    pub outcome: Outcome,
    /// One row per targeted host.
    pub rows: Vec<HostRow>,
    /// Hosts known to the recipe for these roles, when a filter narrowed the run: (selected, all, filter text); as
    /// many selected as all where the filter names hosts that the recipe does not.
    pub narrowed: Option<(usize, usize, String)>,
    /// Sentences that belong to the end: no health check configured, a dangling link, a warning repeated.
    pub notes: Vec<String>,
    /// Time of the whole run.
    pub elapsed: Duration,
    /// Between the first and the last switch of `current` on the fleet, as the hosts reported them.
    pub window: Option<Duration>,
    /// Whether something after the transaction's edge failed (exit 8).
    pub late_failure: bool,
    /// Whether every host's `current` was put back and nothing is wrong but that the restart failed there, too.
    pub unrestarted: bool,
    /// A second interrupt has left hosts before all was undone there.
    pub abandoned: bool,
    /// Whether commands of the recipe had run: nobody but the recipe can undo what they did.
    pub commands_ran: bool,
}
