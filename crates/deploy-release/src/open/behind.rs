//! Which hosts are behind the others, and what they are to be brought to.

use deploy_inventory::HostId;
use deploy_plan::{Problem, ProblemKind, ReleaseId, ReleaseState, Revision, RunId};
use indexmap::IndexMap;

use super::{Unit, target};
use crate::facts::HostFacts;
use crate::ledger::{LedgerLine, Release, parse_ledger};

const WHAT: &str = "find the release that hosts are to catch up with";

/// The revision of a release that a recipe's own code has built.
const UNKNOWN: &str = "unknown";

/// What the hosts that are ahead serve, and who is to get it.
pub(super) struct Gap {
    pub release: ReleaseId,
    pub revision: Option<Revision>,
    pub behind: Vec<HostId>,
}

/// What a host serves, and since when in terms of runs: clocks and names do not count.
struct Standing<'a> {
    unit: &'a Unit,
    live: Option<&'a Release>,
    /// Runs that have made something live on it, and what.
    made_live: Vec<(RunId, ReleaseId)>,
}

impl<'a> Standing<'a> {
    fn new(unit: &'a Unit, facts: &HostFacts) -> Self {
        let live = unit.history.live.as_ref().and_then(|live| unit.history.get(live));
        Self { unit, live, made_live: made_live(&facts.ledger) }
    }

    /// The run that made its live release live; none where another tool did.
    fn last(&self) -> Option<&RunId> {
        let live = self.live?;
        self.made_live.iter().rev().find(|(_, release)| *release == live.id).map(|(run, _)| run)
    }

    /// Whether it has seen the run that made the other's live release live.
    fn has_seen_run_of(&self, other: &Self) -> bool {
        match (other.last(), other.live) {
            (Some(run), _) => self.made_live.iter().any(|(known, _)| known == run),
            (None, Some(live)) => self.unit.history.get(&live.id).is_some(),
            (None, None) => true,
        }
    }

    /// The same, or what that run had made live has been live here by another run (a recovery has runs of its own).
    fn has_left(&self, other: &Self) -> bool {
        let served = |live: &&Release| self.made_live.iter().any(|(_, release)| *release == live.id);
        self.has_seen_run_of(other) || other.live.as_ref().is_some_and(served)
    }

    /// Where each has something behind it that the other serves, neither is.
    fn is_ahead_of(&self, other: &Self) -> bool {
        match (self.live, other.live) {
            (Some(_), None) => true,
            (Some(this), Some(that)) => !same(this, that) && self.went_on_from(other) && !other.went_on_from(self),
            (None, _) => false,
        }
    }

    fn went_on_from(&self, other: &Self) -> bool {
        self.has_left(other) && !other.has_seen_run_of(self)
    }
}

/// Runs that have made a release live, in order. A record that says "good" counts only behind others of the same run and
/// release: runs say it of releases of other tools, too.
fn made_live(ledger: &[u8]) -> Vec<(RunId, ReleaseId)> {
    let (mut made, mut begun) = (Vec::new(), Vec::new());
    for line in parse_ledger(ledger).0 {
        let LedgerLine::Release(entry) = line else { continue };
        let this = (entry.run, entry.release);
        match entry.state {
            ReleaseState::Live => made.push(this),
            ReleaseState::Confirmed if begun.contains(&this) => made.push(this),
            ReleaseState::Building | ReleaseState::Ready => begun.push(this),
            _ => {}
        }
    }
    made
}

/// A release is told by its name and its revision, never by the name alone.
fn same(this: &Release, that: &Release) -> bool {
    let differ = this.revision.is_some() && that.revision.is_some() && this.revision != that.revision;
    this.id == that.id && !differ
}

/// What becomes of the fleet; none where nobody knows its hosts.
pub(super) fn gap(
    units: &IndexMap<HostId, Unit>,
    facts: &IndexMap<HostId, HostFacts>,
) -> Result<Option<Gap>, Vec<Problem>> {
    if !units.values().all(Unit::is_known) {
        return Ok(None);
    }
    let all: Vec<(&HostId, Standing<'_>)> =
        units.iter().zip(facts.values()).map(|((host, unit), facts)| (host, Standing::new(unit, facts))).collect();
    let is_behind = |this: &Standing<'_>| all.iter().any(|(_, other)| other.is_ahead_of(this));
    let front: Vec<&Release> =
        all.iter().filter(|(_, this)| !is_behind(this)).filter_map(|(_, this)| this.live).collect();
    if all.iter().all(|(_, this)| this.live.is_none()) {
        let problem = Problem::new(ProblemKind::Layout, WHAT, "nothing is live on any of the hosts yet");
        return Err(vec![problem.next("cap deploy")]);
    }
    let Some(first) = front.first().copied().filter(|first| front.iter().all(|other| same(first, other))) else {
        return Err(vec![disagreement(units)]);
    };
    let revision =
        front.iter().find_map(|release| release.revision.clone()).filter(|revision| revision.as_str() != UNKNOWN);
    let gap = Gap {
        release: first.id.clone(),
        revision,
        behind: all.iter().filter(|(_, this)| is_behind(this)).map(|(host, _)| (*host).clone()).collect(),
    };
    let problems = what_stands_against(&gap, first, units);
    if problems.is_empty() { Ok(Some(gap)) } else { Err(problems) }
}

fn disagreement(units: &IndexMap<HostId, Unit>) -> Problem {
    let why = "hosts serve different releases, and by their ledgers none of these came after the others everywhere";
    let mut problem = Problem::new(ProblemKind::HostsDisagree, WHAT, why).next(target::choice(units));
    problem.tail = target::disagreement(units).unwrap_or_default();
    problem
}

fn what_stands_against(gap: &Gap, wanted: &Release, units: &IndexMap<HostId, Unit>) -> Vec<Problem> {
    let problem = |host: &HostId| {
        let unit = units.get(host)?;
        let known = unit.history.get(&gap.release).filter(|known| known.present);
        if let Some(other) = known.filter(|known| is_usable(known) && !same(known, wanted)) {
            let revision = other.revision.as_ref().map_or("", Revision::as_str);
            let why = format!("the host has another release of the name {}, of revision {revision}", gap.release);
            return Some(Problem::new(ProblemKind::HostsDisagree, WHAT, why).on(host).next("cap deploy"));
        }
        if gap.revision.is_none() && !known.is_some_and(is_usable) {
            let why = format!("{} has to be built there, and no host knows of which revision it is", gap.release);
            return Some(Problem::new(ProblemKind::HostsDisagree, WHAT, why).on(host).next("cap deploy"));
        }
        None
    };
    gap.behind.iter().filter_map(problem).collect()
}

/// Whether a release that lies on a host can go live there as it is. One that is only ready cannot: its run may not have
/// come to the last of the recipe's commands.
pub(crate) fn is_usable(release: &Release) -> bool {
    let served = matches!(release.state, ReleaseState::Live | ReleaseState::Confirmed | ReleaseState::Reverted);
    release.present && served
}

#[cfg(test)]
#[path = "behind_tests.rs"]
mod tests;
