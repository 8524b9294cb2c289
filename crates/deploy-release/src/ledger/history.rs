//! What is true of the releases of one unit, ledger and disk taken together.

use deploy_plan::{ReleaseId, ReleaseState, Revision, RunId, When};

/// One release on one unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// Its name.
    pub id: ReleaseId,
    /// Its place in the order; equal numbers are ordered by name.
    pub sequence: u64,
    /// What it is.
    pub state: ReleaseState,
    /// Whether a rollback may go to it: it was live when its run succeeded everywhere, and nobody marked it bad.
    pub good: bool,
    /// Its revision, where known.
    pub revision: Option<Revision>,
    /// Whether its directory is there.
    pub present: bool,
    /// Whether the ledger has a record of it (Capistrano's own releases have none until we write one).
    pub recorded: bool,
    /// Whether the ledger says something else than `state`, so that a record is due.
    pub unwritten: bool,
    /// Never roll back to it.
    pub bad: bool,
    /// Never remove it.
    pub pinned: bool,
    /// The run that wrote its last record.
    pub run: Option<RunId>,
    /// Who wrote its last record.
    pub by: Option<String>,
    /// When that was.
    pub at: Option<When>,
}

impl Release {
    /// Whether it is all there: could be switched to.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.present && matches!(self.state, ReleaseState::Ready | ReleaseState::Live | ReleaseState::Confirmed)
    }
}

/// The releases of one unit, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnitHistory {
    /// Releases by sequence, then name.
    pub releases: Vec<Release>,
    /// The release that `current` resolves to.
    pub live: Option<ReleaseId>,
    /// The number of the next new release.
    pub next_sequence: u64,
    /// Damage and contradictions found.
    pub warnings: Vec<String>,
}

impl UnitHistory {
    /// A release by name.
    #[must_use]
    pub fn get(&self, id: &ReleaseId) -> Option<&Release> {
        self.releases.iter().find(|release| release.id == *id)
    }

    /// Whether the release is older than the live one.
    #[must_use]
    pub fn is_older_than_live(&self, id: &ReleaseId) -> bool {
        let place = |wanted: &ReleaseId| self.releases.iter().position(|release| release.id == *wanted);
        match (place(id), self.live.as_ref().and_then(place)) {
            (Some(this), Some(live)) => this < live,
            _ => false,
        }
    }

    /// Releases that a rollback can go to, newest first.
    pub fn rollback_targets(&self) -> impl Iterator<Item = &Release> {
        self.releases
            .iter()
            .rev()
            .filter(|release| release.present && release.good && !release.bad && self.is_older_than_live(&release.id))
    }

    /// The release that was good before the live one.
    #[must_use]
    pub fn previous(&self) -> Option<&Release> {
        self.rollback_targets().next()
    }

    /// Complete releases, oldest first.
    pub fn complete(&self) -> impl Iterator<Item = &Release> {
        self.releases.iter().filter(|release| release.is_complete())
    }

    /// Releases whose true state the ledger does not hold yet.
    pub fn unwritten(&self) -> impl Iterator<Item = &Release> {
        self.releases.iter().filter(|release| release.unwritten)
    }

    /// What is here of releases that runs of ours were building when they died. Nobody builds them on.
    pub fn left_by_dead_runs(&self) -> impl Iterator<Item = &Release> {
        self.unwritten().filter(|release| release.recorded && release.present && release.state == ReleaseState::Failed)
    }
}
