//! To which release a fleet goes back, or which one is published again.

use deploy_inventory::HostId;
use deploy_plan::{Problem, ProblemKind, ReleaseId, ReleaseState};
use indexmap::IndexMap;

use super::Unit;
use crate::ledger::Release;

/// How many releases are named that a mixed fleet can go to; the newest come first.
const NAMED: usize = 5;

/// One line per host about what is live on it, where that differs.
pub(super) fn disagreement(units: &IndexMap<HostId, Unit>) -> Option<Vec<String>> {
    let mut lives = units.values().map(|unit| unit.history.live.as_ref());
    let first = lives.next()?;
    if lives.all(|live| live == first) {
        return None;
    }
    let row = |(host, unit): (&HostId, &Unit)| {
        format!("{host} {}", unit.history.live.as_ref().map_or("nothing", ReleaseId::as_str))
    };
    Some(units.iter().map(row).collect())
}

/// Whether every host was asked: what all of them have can be told only then.
fn all_known(units: &IndexMap<HostId, Unit>) -> bool {
    units.values().all(Unit::is_known)
}

/// The newest good release older than the live one that all hosts still have.
pub(super) fn previous(units: &IndexMap<HostId, Unit>) -> Result<ReleaseId, Problem> {
    const WHAT: &str = "find the release to roll back to";
    if !all_known(units) {
        return Ok(ReleaseId::known_at_run("previous"));
    }
    if let Some(table) = disagreement(units) {
        let why = "the hosts are not on the same release, so \"the one before\" is not the same everywhere";
        let mut problem = Problem::new(ProblemKind::HostsDisagree, WHAT, why).next(choice(units));
        problem.tail = table;
        return Err(problem);
    }
    let common = units.values().next().and_then(|first| {
        first
            .history
            .rollback_targets()
            .find(|target| {
                units.values().all(|unit| unit.history.rollback_targets().any(|other| other.id == target.id))
            })
            .map(|target| target.id.clone())
    });
    common.ok_or_else(|| nothing(WHAT, units))
}

/// What brings hosts together again: a release that all of them can go to, by name, or a new one.
pub(super) fn choice(units: &IndexMap<HostId, Unit>) -> String {
    let good = |found: &Release| !found.bad && refusal(found).is_none();
    let everywhere = |release: &&Release| units.values().all(|unit| unit.history.get(&release.id).is_some_and(good));
    let mut common: Vec<&str> = units.values().next().map_or_else(Vec::new, |unit| {
        unit.history.releases.iter().filter(everywhere).map(|release| release.id.as_str()).collect()
    });
    common.reverse();
    common.truncate(NAMED);
    match common.as_slice() {
        [] => "deploy again: the hosts have no good release in common to go back to".to_owned(),
        [one] => format!("`cap deploy:rollback RELEASE={one}` (the only one that all hosts have), or deploy again"),
        [newest, others @ ..] => format!(
            "`cap deploy:rollback RELEASE={newest}` (all hosts have {}, too), or deploy again",
            others.join(", ")
        ),
    }
}

fn nothing(what: &str, units: &IndexMap<HostId, Unit>) -> Problem {
    let live = units.values().find_map(|unit| unit.history.live.as_ref());
    let why = match live {
        None => "nothing is live".to_owned(),
        Some(live) => format!("no good release older than {live} is left on all of the hosts"),
    };
    let mut problem = Problem::new(ProblemKind::NothingToRollBack, what, why);
    problem.tail = units.iter().flat_map(|(host, unit)| table(host, unit)).collect();
    problem
}

/// Every release of a host and why it is no target.
fn table(host: &HostId, unit: &Unit) -> Vec<String> {
    let history = &unit.history;
    if !history.releases.iter().any(|release| release.present) {
        return vec![format!("{host}: no releases")];
    }
    history
        .releases
        .iter()
        .filter(|release| release.present)
        .map(|release| {
            let why = if history.live.as_ref() == Some(&release.id) {
                "live"
            } else if release.bad {
                "marked bad"
            } else if !release.good {
                match release.state {
                    ReleaseState::Ready => "never confirmed",
                    state => state.word(),
                }
            } else if history.is_older_than_live(&release.id) {
                "good, but not on every host"
            } else {
                "newer than the live one"
            };
            format!("{host}: {} ({why})", release.id)
        })
        .collect()
}

/// The release that a person named; every host that cannot go to it says so.
pub(super) fn named(name: &str, units: &IndexMap<HostId, Unit>) -> Result<ReleaseId, Vec<Problem>> {
    let what = || format!("roll back to {name}");
    let id = ReleaseId::new(name).map_err(|error| vec![Problem::new(ProblemKind::Usage, what(), error.to_string())])?;
    let refused = |unit: &Unit| match unit.history.get(&id) {
        None => Some("the host does not have it".to_owned()),
        Some(release) => refusal(release),
    };
    let found: Vec<Problem> = units
        .iter()
        .filter(|(_, unit)| unit.is_known())
        .filter_map(|(host, unit)| refused(unit).map(|why| Problem::new(ProblemKind::Usage, what(), why).on(host)))
        .collect();
    if found.is_empty() {
        return Ok(id);
    }
    let next = names(units);
    Err(found.into_iter().map(|problem| problem.next(next.clone())).collect())
}

/// The releases that can be named: those that all hosts can go to, and those that only some can. The newest come first.
fn names(units: &IndexMap<HostId, Unit>) -> String {
    let asked = || units.values().filter(|unit| unit.is_known());
    let can = |unit: &Unit, id: &ReleaseId| unit.history.get(id).is_some_and(|release| refusal(release).is_none());
    let mut all: Vec<&ReleaseId> = asked().flat_map(|unit| &unit.history.releases).map(|found| &found.id).collect();
    all.sort();
    all.dedup();
    all.reverse();
    all.retain(|id| asked().any(|unit| can(unit, id)));
    let (everywhere, some): (Vec<&ReleaseId>, Vec<&ReleaseId>) =
        all.into_iter().partition(|id| asked().all(|unit| can(unit, id)));
    let listed = |ids: &[&ReleaseId]| ids.iter().take(NAMED).map(|id| id.as_str()).collect::<Vec<_>>().join(", ");
    let mut text = match everywhere.as_slice() {
        [] => "no release can go live on all of the hosts".to_owned(),
        ids => format!("name one that all of the hosts have: {}", listed(ids)),
    };
    if !some.is_empty() {
        text.push_str(&format!("; only some of them have {}", listed(&some)));
    }
    text + "; `cap releases` lists them all"
}

/// Why a host cannot go to a release that a person names.
fn refusal(release: &Release) -> Option<String> {
    match release.state {
        _ if !release.present => Some("the host does not have it".to_owned()),
        ReleaseState::Reverted => None,
        _ if release.is_complete() => None,
        state => Some(format!("it is not complete: the ledger calls it {}", state.word())),
    }
}

/// The release that all hosts are on, where some of them have not been restarted on it by the run that died.
pub(super) fn owing(units: &IndexMap<HostId, Unit>) -> Option<ReleaseId> {
    let owes = units.values().any(|unit| unit.owes) && disagreement(units).is_none();
    units.values().next().filter(|_| owes)?.history.live.clone()
}

/// The newest complete release that all hosts have.
pub(super) fn newest(units: &IndexMap<HostId, Unit>) -> Result<ReleaseId, Problem> {
    if !all_known(units) {
        return Ok(ReleaseId::known_at_run("newest"));
    }
    let has = |unit: &Unit, id: &ReleaseId| unit.history.complete().any(|release| release.id == *id);
    let mut complete: Vec<&ReleaseId> = units
        .values()
        .next()
        .map(|unit| unit.history.complete().map(|release| &release.id).collect())
        .unwrap_or_default();
    complete.reverse();
    complete.into_iter().find(|id| units.values().all(|unit| has(unit, id))).cloned().ok_or_else(|| {
        let why = "there is no complete release that all of the hosts have";
        Problem::new(ProblemKind::Layout, "find the release to publish", why).next("cap deploy:update_code")
    })
}
