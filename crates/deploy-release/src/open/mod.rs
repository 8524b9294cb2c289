//! Opening a transaction: facts of all hosts in, one decision for the fleet out, or every reason against it at once.

mod behind;
mod blockers;
mod rights;
mod target;

use deploy_inventory::HostId;
use deploy_plan::{
    Expect, HostRelease, KnownRelease, Layout, Opened, PlanNote, Problem, ProblemKind, Purpose, ReleaseId,
    ReleaseState, Revision, Transaction,
};
use indexmap::IndexMap;

pub use blockers::{blockers, blockers_so_far, shared_units};
pub use rights::{Unwritable, by_hand};

use crate::facts::{Current, HostFacts};
use crate::identity::{RunIdentity, allocate, names_seen};
use crate::ledger::{Release, UnitHistory, reconcile};
use crate::recovery::{Journal, fold_journal, recoveries};

/// One host, as the planner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Its releases.
    pub history: UnitHistory,
    /// What `current` was.
    pub current: Current,
    /// How many things lie in the trash: what a run left that died while it removed them.
    pub trash: usize,
    /// What the last run that changed something there has said about itself.
    pub journal: Option<Journal>,
    /// Whether a run that died has left the application without the restart that it needs.
    pub owes: bool,
}

impl Unit {
    /// Whether somebody has asked the host; else its history is no history.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.current != Current::Unknown
    }
}

/// All that the planner needs to know; made once per transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetContext {
    /// Where.
    pub layout: Layout,
    /// Who and when.
    pub identity: RunIdentity,
    /// For what.
    pub purpose: Purpose,
    /// Whether built-in steps use `sudo`.
    pub sudo: bool,
    /// The release of the run.
    pub release: Option<ReleaseId>,
    /// The hosts.
    pub units: IndexMap<HostId, Unit>,
}

impl FleetContext {
    /// This context with what was opened later in the same run. While the run is `busy` with its release what was known
    /// of a host stays: the plan was made for that.
    pub(crate) fn widened(mut self, later: Self, busy: bool) -> Self {
        if !busy {
            let mut units = std::mem::take(&mut self.units);
            if !later.purpose.only_reads() || self.purpose.only_reads() {
                self = later.clone();
            }
            units.extend(later.units);
            self.units = units;
            return self;
        }
        for (host, unit) in later.units {
            self.units.entry(host).or_insert(unit);
        }
        self
    }

    /// What runs of ours left on a host when they died while they were building. A release that is half-made on one host is
    /// of no use on the others either, however complete it is there.
    #[must_use]
    pub fn left_by_dead_runs(&self, host: &HostId) -> Vec<&Release> {
        left_by_dead_runs(&self.units, host)
    }

    /// Whether a host has the release of the run already, so that nothing is built there: it is to catch up with others.
    #[must_use]
    pub fn has_already(&self, host: &HostId) -> bool {
        let (Some(release), Some(unit)) = (&self.release, self.units.get(host)) else { return false };
        self.purpose == Purpose::CatchUp && unit.history.get(release).is_some_and(behind::is_usable)
    }

    /// What was live on a host when it was opened.
    #[must_use]
    pub fn live(&self, host: &HostId) -> Option<&ReleaseId> {
        self.units.get(host).and_then(|unit| unit.history.live.as_ref())
    }
}

/// An opened transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedFleet {
    /// What the recipe may know.
    pub opened: Opened,
    /// What the planner must know.
    pub context: FleetContext,
    /// What people should know.
    pub warnings: Vec<PlanNote>,
    /// Hosts that serve already what the run brings to others, with what that is. They take no part.
    pub up_to_date: Vec<(HostId, HostRelease)>,
}

/// Decides on which release a transaction works, or says everything that stands against it.
///
/// # Errors
/// With every blocker of every host, in the order of the hosts.
pub fn open(
    transaction: &Transaction,
    identity: &RunIdentity,
    facts: &IndexMap<HostId, HostFacts>,
) -> Result<OpenedFleet, Vec<Problem>> {
    let problems = blockers(transaction, facts);
    if !problems.is_empty() && transaction.purpose != Purpose::Check {
        return Err(problems);
    }
    let mut units = units(facts);
    let unfinished = recoveries(&units, identity, None);
    for (host, unit) in &mut units {
        unit.owes = unfinished.iter().any(|recovery| recovery.owes(host));
    }
    let at = |problems: Vec<Problem>| {
        problems.into_iter().map(|problem| problem.at(transaction.site.clone())).collect::<Vec<_>>()
    };
    let mut release = decide(transaction, identity, facts, &units).map_err(at)?;
    let mut hosts: Vec<(HostId, HostRelease)> = facts
        .iter()
        .zip(units.values())
        .map(|((host, facts), unit)| (host.clone(), host_release(facts, &unit.history)))
        .collect();
    let (mut revision, mut up_to_date) = (None, Vec::new());
    let mut warnings = warnings(facts, &units, &transaction.purpose);
    warnings.extend(unconfirmed(&units, &transaction.purpose));
    if transaction.purpose == Purpose::CatchUp
        && let Some(gap) = behind::gap(&units, facts).map_err(at)?
    {
        release = (!gap.behind.is_empty()).then_some(gap.release);
        revision = gap.revision;
        (hosts, up_to_date) = hosts.into_iter().partition(|(host, _)| gap.behind.contains(host));
        units.retain(|host, _| gap.behind.contains(host));
    }
    if matches!(transaction.purpose, Purpose::Deploy { .. }) {
        warnings.extend(left_behind(&units));
    }
    let context = FleetContext {
        layout: transaction.layout.clone(),
        identity: identity.clone(),
        purpose: transaction.purpose.clone(),
        sudo: transaction.sudo,
        release: release.clone(),
        units,
    };
    Ok(OpenedFleet { opened: Opened { release, revision, hosts, blockers: problems }, context, warnings, up_to_date })
}

/// The hosts as the planner sees them.
#[must_use]
pub fn units(facts: &IndexMap<HostId, HostFacts>) -> IndexMap<HostId, Unit> {
    let unit = |facts: &HostFacts| Unit {
        history: reconcile(facts),
        current: facts.current.clone(),
        trash: facts.trash,
        journal: fold_journal(facts.journal.iter().map(String::as_str)),
        owes: false,
    };
    facts.iter().map(|(host, facts)| (host.clone(), unit(facts))).collect()
}

/// What must be live before a switch.
pub(crate) fn expected(unit: &Unit) -> Expect {
    match (&unit.history.live, &unit.current) {
        (Some(live), _) => Expect::Release(live.clone()),
        (None, Current::Link { text, .. }) => Expect::LinkText(text.clone()),
        (None, _) => Expect::Nothing,
    }
}

fn decide(
    transaction: &Transaction,
    identity: &RunIdentity,
    facts: &IndexMap<HostId, HostFacts>,
    units: &IndexMap<HostId, Unit>,
) -> Result<Option<ReleaseId>, Vec<Problem>> {
    let one = |problem: Problem| vec![problem];
    match &transaction.purpose {
        Purpose::Read | Purpose::Check | Purpose::Setup | Purpose::Cleanup | Purpose::Records | Purpose::CatchUp => {
            Ok(None)
        }
        Purpose::Deploy { release_name: Some(name) } => {
            new_name(name, &transaction.layout, facts).map(Some).map_err(one)
        }
        Purpose::Deploy { release_name: None } => {
            let all: Vec<&HostFacts> = facts.values().collect();
            allocate(identity.unix_seconds, &all)
                .map(Some)
                .map_err(|error| one(Problem::new(ProblemKind::Usage, "name a new release", error.to_string())))
        }
        // The links have been moved before; what is left is a restart of what is live.
        Purpose::Recover { .. } => Ok(target::owing(units)),
        Purpose::Republish => target::newest(units).map(Some).map_err(one),
        Purpose::Rollback { to: None } => target::previous(units).map(Some).map_err(one),
        Purpose::Rollback { to: Some(name) } => target::named(name, units).map(Some),
    }
}

/// A name that the recipe gives (`set :release_name`) must be new everywhere.
fn new_name(name: &str, layout: &Layout, facts: &IndexMap<HostId, HostFacts>) -> Result<ReleaseId, Problem> {
    let what = || format!("name the new release {name}");
    let id = ReleaseId::new(name).map_err(|error| Problem::new(ProblemKind::Usage, what(), error.to_string()))?;
    if name == layout.current.file_name() {
        let why = "that is the name of the link to the live release";
        return Err(Problem::new(ProblemKind::Usage, what(), why));
    }
    for (host, facts) in facts {
        if facts.releases.iter().any(|entry| entry.name == name) {
            let why = format!("{} is there already", layout.release(&id));
            return Err(Problem::new(ProblemKind::Usage, what(), why).on(host).next("set another :release_name"));
        }
        if names_seen(facts).contains(&id) {
            let why = "the host's ledger knows an earlier release of that name";
            return Err(Problem::new(ProblemKind::Usage, what(), why).on(host).next("set another :release_name"));
        }
    }
    Ok(id)
}

fn host_release(facts: &HostFacts, history: &UnitHistory) -> HostRelease {
    if facts.current == Current::Unknown {
        return HostRelease {
            live: history.live.clone(),
            live_revision: Some(Revision::known_at_run()),
            previous: Some(ReleaseId::known_at_run("previous")),
            releases: history.live.iter().cloned().collect(),
            not_asked: true,
            ..HostRelease::default()
        };
    }
    let live_revision: Option<Revision> =
        history.live.as_ref().and_then(|live| history.get(live)).and_then(|release| release.revision.clone());
    HostRelease {
        live: history.live.clone(),
        live_revision,
        previous: history.previous().map(|release| release.id.clone()),
        releases: history.complete().map(|release| release.id.clone()).collect(),
        migrations: facts.migrations.clone(),
        history: history
            .releases
            .iter()
            .filter(|release| release.present)
            .map(|release| known(release, history))
            .collect(),
        hold: facts.hold(),
        not_asked: false,
    }
}

fn known(release: &Release, history: &UnitHistory) -> KnownRelease {
    KnownRelease {
        release: release.id.clone(),
        state: release.state,
        live: history.live.as_ref() == Some(&release.id),
        bad: release.bad,
        pinned: release.pinned,
        revision: release.revision.clone(),
        by: release.by.clone(),
        at: release.at.clone(),
    }
}

/// What does not stand against a run but should be looked at.
fn warnings(facts: &IndexMap<HostId, HostFacts>, units: &IndexMap<HostId, Unit>, purpose: &Purpose) -> Vec<PlanNote> {
    let mut notes = Vec::new();
    for ((host, facts), unit) in facts.iter().zip(units.values()) {
        notes.extend(unit.history.warnings.iter().map(|text| format!("{host}: {text}")));
        if let Current::Link { text, release: None, dangling, .. } = &facts.current {
            let how = if *dangling { "points to nothing" } else { "points outside of releases/" };
            notes.push(format!("{host}: the link to the live release {how}: {text}"));
        }
        let strange: Vec<&str> = facts
            .releases
            .iter()
            .filter(|entry| !entry.name.starts_with('.') && entry.release().is_none_or(|id| !id.is_well_formed()))
            .map(|entry| entry.name.as_str())
            .collect();
        if let Some(first) = strange.iter().find(|name| !known_name(name, unit)) {
            notes.push(format!("{host}: unexpected name in releases/: {first:?}"));
        }
    }
    // A run that ends that says who is behind.
    if let Some(table) = target::disagreement(units).filter(|_| *purpose != Purpose::CatchUp) {
        notes.push(format!("the hosts are not on the same release: {}", table.join("; ")));
    }
    notes.into_iter().map(|text| PlanNote { text, warning: true }).collect()
}

fn left_by_dead_runs<'a>(units: &'a IndexMap<HostId, Unit>, host: &HostId) -> Vec<&'a Release> {
    let half_made = |release: &Release| {
        let mut all = units.values().flat_map(|unit| unit.history.left_by_dead_runs());
        all.any(|left| left.id == release.id && left.run == release.run)
    };
    let Some(unit) = units.get(host) else { return Vec::new() };
    let never_live = |release: &&Release| {
        let waiting = release.state == ReleaseState::Ready && !release.good && !release.pinned;
        release.present && release.recorded && (release.state == ReleaseState::Failed || waiting)
    };
    let history = &unit.history;
    history.releases.iter().filter(never_live).filter(|release| half_made(release)).collect()
}

/// A line for each release that is live although its run never confirmed it. Without the lock nobody knows whether that run
/// is still going on.
fn unconfirmed(units: &IndexMap<HostId, Unit>, purpose: &Purpose) -> Vec<PlanNote> {
    let mut found: IndexMap<String, Vec<String>> = IndexMap::new();
    // Where its journal is there, recovery has said what becomes of it.
    let told = |unit: &Unit| unit.owes && !purpose.only_reads();
    for (host, unit) in units.iter().filter(|(_, unit)| !told(unit)) {
        let live = unit.history.live.as_ref().and_then(|live| unit.history.get(live));
        if let Some(release) = live.filter(|release| release.recorded && release.state == ReleaseState::Live) {
            let by = release.by.as_deref().map(|by| format!(" by {by}")).unwrap_or_default();
            found.entry(format!("{}{by}", release.id)).or_default().push(host.to_string());
        }
    }
    let ended = match purpose {
        Purpose::Read | Purpose::Check => "has not confirmed it: it still goes on, or it ended there and",
        _ => "ended before it confirmed it, and",
    };
    let mends = if units.values().any(|unit| unit.owes) { "recover" } else { "deploy:restart" };
    let note = |(what, hosts): (String, Vec<String>)| {
        format!(
            "an earlier run that switched to {what} {ended} its restart may not have run on {}: `cap {mends}` restarts \
             them, the next deploy or rollback settles it",
            hosts.join(", ")
        )
    };
    found.into_iter().map(|found| PlanNote { text: note(found), warning: true }).collect()
}

/// A line for each release that a run was building when it died; this run takes it away first.
fn left_behind(units: &IndexMap<HostId, Unit>) -> Vec<PlanNote> {
    let mut found: IndexMap<String, Vec<String>> = IndexMap::new();
    for host in units.keys() {
        for release in left_by_dead_runs(units, host) {
            let by = release.by.as_deref().unwrap_or("somebody");
            found.entry(format!("{} by {by}", release.id)).or_default().push(host.to_string());
        }
    }
    let note = |(what, hosts): (String, Vec<String>)| {
        format!("an earlier run ended while it built release {what}; what it left is removed on {}", hosts.join(", "))
    };
    found.into_iter().map(|found| PlanNote { text: note(found), warning: true }).collect()
}

/// A name that our own ledger holds is not unexpected, however it is spelled.
fn known_name(name: &str, unit: &Unit) -> bool {
    unit.history.releases.iter().any(|release| release.recorded && release.id.as_str() == name)
}

#[cfg(test)]
#[path = "open_tests.rs"]
mod tests;
