//! The journal of a run on a unit: what it was about to do, so that whoever comes after its death can go on or go back.

use crate::{Expect, ReleaseId, RunId, When};

/// One record of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalEntry {
    /// The run that writes it.
    pub run: RunId,
    /// What it says.
    pub event: JournalEvent,
    /// Whether it is brought to disk before the run goes on: what follows may outlive a power cut.
    pub lasting: bool,
    /// With the first record of a run: an earlier one has left the application without the restart that it needed. Both are
    /// said in one piece, beneath what that run has written: whatever dies in between, one of them still says it.
    pub owes: bool,
}

impl JournalEntry {
    /// A record that nothing waits for.
    #[must_use]
    pub fn new(run: RunId, event: JournalEvent) -> Self {
        Self { run, event, lasting: false, owes: false }
    }
}

/// How a run ended on a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RunEnd {
    /// Every host of it was proven on its release.
    Done,
    /// All that it had done was undone.
    Undone,
}

/// What a run says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JournalEvent {
    /// It begins to change the unit. The journal of the run before, which is over, ends with it.
    Begin {
        /// The release that it is to make live.
        release: ReleaseId,
        /// What is live before.
        from: Expect,
        /// On how many hosts it runs.
        hosts: usize,
        /// Who, on which machine.
        by: String,
        /// When, by the deployer's clock; for people only.
        at: When,
    },
    /// An earlier run has left the application without the restart that it needed.
    Owe,
    /// Migrations are about to begin.
    Migrate,
    /// They have ended well.
    Migrated,
    /// `current` is about to be switched on this host, and not on all others with it.
    Wave,
    /// `current` is about to be switched.
    Switch,
    /// The restart is about to begin.
    Restart,
    /// The run is on its way back.
    Back,
    /// It is over.
    End(RunEnd),
}
