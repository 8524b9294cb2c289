//! What can become of the run's release on one unit, and what follows for the fleet.

use std::fmt;

use deploy_inventory::HostId;
use deploy_plan::{HostResult, Op, Outcome, ReleaseState, Step, Work};
use indexmap::IndexMap;

/// The run's release on one unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnitState {
    /// Not there.
    Absent,
    /// Being built.
    Building,
    /// Complete; could be switched to. Where the way goes back to an older release, it begins here.
    Ready,
    /// `current` points to it.
    Live,
    /// Proven to be live, and recorded as good.
    Confirmed,
    /// Was live and is not any more.
    Reverted,
    /// Removed before it was ever confirmed.
    Failed,
}

/// Something that was proven to have happened on a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnitEvent {
    /// Its place was found free and a record says that it is being built.
    Claimed,
    /// It is complete and on disk.
    Sealed,
    /// `current` points to it now.
    Switched,
    /// It was read back and recorded.
    Confirmed,
    /// `current` points to what was live before, whether or not it had moved.
    SwitchedBack,
    /// What was built has been removed.
    Removed,
}

/// A move that the table does not have: a fault in whoever drives the run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{event:?} cannot happen to a release that is {state:?}{}", .host.as_ref().map_or_else(String::new, |h| format!(" on {h}")))]
pub struct Illegal {
    /// The state before.
    pub state: UnitState,
    /// What was to happen.
    pub event: UnitEvent,
    /// The host, where it is known.
    pub host: Option<HostId>,
}

/// The table of legal moves.
///
/// # Errors
/// When the event cannot happen in that state.
pub fn advance(state: UnitState, event: UnitEvent) -> Result<UnitState, Illegal> {
    use UnitEvent as E;
    use UnitState as S;
    match (state, event) {
        (S::Absent, E::Claimed) => Ok(S::Building),
        // Once more where something was built after it.
        (S::Building | S::Ready, E::Sealed) => Ok(S::Ready),
        // Once more after an answer was lost, or after the way back turned forward again.
        (S::Ready | S::Live | S::Reverted, E::Switched) => Ok(S::Live),
        // The proof alone where the recipe's own commands made it live: those tell us nothing.
        (S::Ready | S::Live | S::Confirmed, E::Confirmed) => Ok(S::Confirmed),
        (S::Live | S::Confirmed, E::SwitchedBack) => Ok(S::Reverted),
        // Undo looks first: where nothing had moved, nothing moves.
        (S::Ready | S::Reverted, E::SwitchedBack) => Ok(state),
        (S::Building | S::Ready | S::Reverted | S::Failed, E::Removed) => Ok(S::Failed),
        (S::Absent, E::Removed) => Ok(S::Absent),
        _ => Err(Illegal { state, event, host: None }),
    }
}

/// What the success of a built-in step means for a unit. Works for steps forward and for undo steps.
#[must_use]
pub fn events_of(step: &Step, host: &HostId) -> Vec<UnitEvent> {
    let Work::Ops(ops) = &step.work else { return Vec::new() };
    let back = step.slot == deploy_plan::Slot::Undo;
    let event = |op: &Op| match op {
        Op::ClaimRelease { .. } => Some(UnitEvent::Claimed),
        Op::Record(entry) if entry.state == ReleaseState::Ready && !back => Some(UnitEvent::Sealed),
        Op::Switch { .. } if back => Some(UnitEvent::SwitchedBack),
        Op::Switch { .. } => Some(UnitEvent::Switched),
        Op::Unpublish { .. } | Op::RestoreLink { .. } => Some(UnitEvent::SwitchedBack),
        Op::ReadBack { .. } => Some(UnitEvent::Confirmed),
        Op::AbandonRelease { .. } => Some(UnitEvent::Removed),
        _ => None,
    };
    ops.get(host).map(|ops| ops.iter().filter_map(event).collect()).unwrap_or_default()
}

/// What a run is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Deploy,
    Rollback,
    Task,
}

/// Something that happened in the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FleetEvent {
    /// On one unit.
    Unit(HostId, UnitEvent),
    /// The host is about to be told to switch.
    Intent(HostId),
    /// The host is about to be told to migrate its database.
    Migrating(HostId),
    /// A step failed on the host.
    Failed(HostId),
    /// The end of what the host was told to do is not known.
    Lost(HostId),
    /// The host was read again.
    Found(HostId, UnitState),
    /// The way back failed on the host.
    NotPutBack(HostId),
    /// The run goes on without the host, on which nothing of it is left to go live.
    LeftOut(HostId),
    /// The user stopped the run.
    Interrupted,
}

#[derive(Clone, Copy, Debug)]
struct Track {
    state: UnitState,
    intent: bool,
    was_live: bool,
    failed: bool,
    unknown: bool,
    stuck: bool,
}

/// The fold over all that happens to a fleet in one run.
#[derive(Clone, Debug)]
pub struct FleetMachine {
    kind: Kind,
    units: IndexMap<HostId, Track>,
    migrated: bool,
    interrupted: bool,
}

impl FleetMachine {
    /// A run that makes a new release.
    #[must_use]
    pub fn deploy(hosts: impl IntoIterator<Item = HostId>) -> Self {
        Self::new(Kind::Deploy, UnitState::Absent, hosts)
    }

    /// A run that publishes a release which was built before.
    #[must_use]
    pub fn republish(hosts: impl IntoIterator<Item = HostId>) -> Self {
        Self::new(Kind::Deploy, UnitState::Ready, hosts)
    }

    /// A run that goes back to an older release.
    #[must_use]
    pub fn rollback(hosts: impl IntoIterator<Item = HostId>) -> Self {
        Self::new(Kind::Rollback, UnitState::Ready, hosts)
    }

    /// A run without a release.
    #[must_use]
    pub fn task(hosts: impl IntoIterator<Item = HostId>) -> Self {
        Self::new(Kind::Task, UnitState::Absent, hosts)
    }

    fn new(kind: Kind, state: UnitState, hosts: impl IntoIterator<Item = HostId>) -> Self {
        let track = Track { state, intent: false, was_live: false, failed: false, unknown: false, stuck: false };
        Self { kind, units: hosts.into_iter().map(|host| (host, track)).collect(), migrated: false, interrupted: false }
    }

    /// Takes one event. One about a host that is not part of the release is remembered only as far as it can be.
    ///
    /// # Errors
    /// When it cannot happen; the state stays as it was.
    pub fn apply(&mut self, event: FleetEvent) -> Result<(), Illegal> {
        match event {
            FleetEvent::Interrupted => self.interrupted = true,
            FleetEvent::Migrating(_) => self.migrated = true,
            FleetEvent::LeftOut(host) => self.leave_out(host)?,
            FleetEvent::Unit(host, event) => {
                if let Some(track) = self.units.get_mut(&host) {
                    let state =
                        advance(track.state, event).map_err(|illegal| Illegal { host: Some(host), ..illegal })?;
                    track.state = state;
                    track.was_live |= matches!(state, UnitState::Live | UnitState::Confirmed);
                    if event == UnitEvent::SwitchedBack {
                        (track.unknown, track.stuck) = (false, false);
                    }
                }
            }
            FleetEvent::Intent(host) => self.track(&host, |track| track.intent = true),
            FleetEvent::Failed(host) => self.track(&host, |track| track.failed = true),
            FleetEvent::Lost(host) => self.track(&host, |track| (track.unknown, track.failed) = (true, true)),
            FleetEvent::NotPutBack(host) => self.track(&host, |track| track.stuck = true),
            FleetEvent::Found(host, state) => self.track(&host, |track| {
                track.unknown = false;
                track.state = state;
                track.was_live |= matches!(state, UnitState::Live | UnitState::Confirmed);
            }),
        }
        Ok(())
    }

    /// Only before it was told to switch: later the fleet goes one way as a whole.
    fn leave_out(&mut self, host: HostId) -> Result<(), Illegal> {
        match self.units.get(&host) {
            Some(track) if track.intent => {
                Err(Illegal { state: track.state, event: UnitEvent::Removed, host: Some(host) })
            }
            _ => {
                self.units.shift_remove(&host);
                Ok(())
            }
        }
    }

    fn track(&mut self, host: &HostId, change: impl FnOnce(&mut Track)) {
        if let Some(track) = self.units.get_mut(host) {
            change(track);
        }
    }

    /// Whether the fleet goes forward or back as a whole from here on: a switch or a migration has been ordered.
    #[must_use]
    pub fn is_decided(&self) -> bool {
        self.migrated || self.units.values().any(|track| track.intent)
    }

    /// Whether a migration has been ordered; a way back leaves the schema migrated.
    #[must_use]
    pub fn has_migrated(&self) -> bool {
        self.migrated
    }

    /// The run's release on a host.
    #[must_use]
    pub fn unit(&self, host: &HostId) -> Option<UnitState> {
        self.units.get(host).map(|track| track.state)
    }

    /// The end of the run, if it ended now.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let mut all = self.units.values();
        let any = |test: fn(&Track) -> bool| self.units.values().any(test);
        let went_wrong = any(|track| track.failed);
        let nothing_live = || match (went_wrong, self.interrupted) {
            (_, true) => Outcome::Interrupted,
            (true, false) => Outcome::FailedClean,
            (false, false) => Outcome::Done,
        };
        if self.kind == Kind::Task {
            return nothing_live();
        }
        if any(|track| track.stuck || (track.unknown && track.intent)) {
            return Outcome::Stuck;
        }
        if !self.units.is_empty() && all.all(|track| track.state == UnitState::Confirmed) {
            return if self.kind == Kind::Rollback { Outcome::RolledBack } else { Outcome::Deployed };
        }
        if any(|track| matches!(track.state, UnitState::Live | UnitState::Confirmed)) {
            return Outcome::Stuck;
        }
        // Also where it came so late that some host had switched: it was the user who ended the run, and nothing is left of it.
        if any(|track| track.was_live) && !self.interrupted { Outcome::PutBack } else { nothing_live() }
    }

    /// Whether a host served the release of this run at any moment.
    #[must_use]
    pub fn has_been_live(&self, host: &HostId) -> bool {
        self.units.get(host).is_some_and(|track| track.was_live)
    }

    /// What became of a host, if the run ended now.
    #[must_use]
    pub fn host_result(&self, host: &HostId) -> HostResult {
        let Some(track) = self.units.get(host) else { return HostResult::Idle };
        match track.state {
            _ if track.unknown => HostResult::Unknown,
            _ if track.failed || track.stuck => HostResult::Failed,
            UnitState::Live | UnitState::Confirmed => HostResult::Live,
            _ if track.was_live => HostResult::PutBack,
            _ if self.outcome() == Outcome::Done => HostResult::Ok,
            _ => HostResult::Unchanged,
        }
    }
}

impl fmt::Display for UnitState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Absent => "absent",
            Self::Building => "building",
            Self::Ready => "ready",
            Self::Live => "live",
            Self::Confirmed => "confirmed",
            Self::Reverted => "reverted",
            Self::Failed => "failed",
        })
    }
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;
