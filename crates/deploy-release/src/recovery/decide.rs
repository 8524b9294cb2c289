//! The decision about runs that died: on to their release, back to what was live before, or a person has to say.

use deploy_inventory::HostId;
use deploy_plan::{
    Expect, JournalEntry, JournalEvent, LedgerEntry, Op, Phase, Problem, ProblemKind, ReleaseId, ReleaseState, RunEnd,
    RunId, Slot, Step, StepClass, StepId, Work,
};
use indexmap::IndexMap;

use super::journal::Journal;
use crate::identity::RunIdentity;
use crate::open::{Unit, expected};

/// Where the fleet goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// On: the run was decided, and every host of it has the whole release.
    Forward,
    /// On, and nothing is missing but the record: some host has confirmed, which comes after every host's proof.
    Record,
    /// Back to what was live before.
    Back,
    /// Nothing had been decided: what was built is removed.
    Nothing,
    /// Another run or tool has made something else live since: it stays.
    Overtaken,
    /// Migrations had begun, and nobody knows how they ended.
    Question,
}

/// A run that died, and what becomes of it.
#[derive(Clone, Debug)]
pub struct Recovery {
    /// The run.
    pub run: RunId,
    /// The release that it was to make live.
    pub release: ReleaseId,
    /// Where its hosts go.
    pub way: Way,
    by: String,
    at: String,
    hosts: IndexMap<HostId, Member>,
}

/// A host of such a run.
#[derive(Clone, Debug)]
struct Member {
    /// Whether the run had gone on without it.
    left_out: bool,
    found: String,
    done: String,
    moves: Vec<Op>,
    /// Whether the application has to be restarted before the run is over there.
    owes: bool,
    /// Whether the run is unfinished there.
    open: bool,
}

/// What is known of a host of the run. The journal may be lost where the power failed: then the ledger says whose the release
/// is.
struct Seen<'a> {
    unit: &'a Unit,
    journal: Option<&'a Journal>,
    live: Option<&'a ReleaseId>,
}

impl Seen<'_> {
    fn says(&self, test: fn(&Journal) -> bool) -> bool {
        self.journal.is_some_and(test)
    }

    /// Whether the run had gone on without this host: the others were proven, and this one was never told to switch.
    fn was_left_out(&self, way: Way) -> bool {
        way == Way::Record
            && self.journal.is_some_and(|journal| !journal.switching && journal.end != Some(RunEnd::Done))
    }

    /// Whether its wave had begun to switch. A recovery that has brought it further has a journal of its own there.
    fn had_its_turn(&self, release: &ReleaseId) -> bool {
        self.says(|journal| journal.switching) || self.live == Some(release)
    }

    fn has_whole(&self, release: &ReleaseId) -> bool {
        self.unit.history.get(release).is_some_and(|known| {
            known.present && !known.bad && (known.is_complete() || known.state == ReleaseState::Reverted)
        })
    }

    /// Whether something is live that this run has nothing to do with.
    fn is_elsewhere(&self, release: &ReleaseId) -> bool {
        let Some(journal) = self.journal else { return false };
        match (self.live, &journal.from) {
            (Some(live), _) if live == release => false,
            (Some(live), Expect::Release(from)) => live != from,
            (Some(_), _) | (None, Expect::Release(_)) => true,
            (None, _) => false,
        }
    }
}

/// Every run that died on these units and what becomes of it. `migrated` is what a person says about migrations whose end
/// nobody knows.
#[must_use]
pub fn recoveries(units: &IndexMap<HostId, Unit>, identity: &RunIdentity, migrated: Option<bool>) -> Vec<Recovery> {
    let mut found: Vec<Recovery> = Vec::new();
    for unit in units.values() {
        let Some(journal) = unit.journal.as_ref().filter(|journal| journal.end.is_none()) else { continue };
        if found.iter().all(|known| known.run != journal.run) {
            found.push(recovery(journal, units, identity, migrated));
        }
    }
    found
}

fn recovery(of: &Journal, units: &IndexMap<HostId, Unit>, identity: &RunIdentity, migrated: Option<bool>) -> Recovery {
    let release = &of.release;
    let seen: IndexMap<&HostId, Seen<'_>> = units
        .iter()
        .filter_map(|(host, unit)| {
            let journal = unit.journal.as_ref().filter(|journal| journal.run == of.run);
            let ours = unit.history.get(release).is_some_and(|known| known.run.as_ref() == Some(&of.run));
            let live = unit.history.live.as_ref();
            // A host that the run had not come to: all of the run's are here, and this one is as the run found it.
            let waits = of.hosts == units.len() && (live == Some(release) || expected(unit) == of.from);
            (journal.is_some() || ours || waits).then_some((host, Seen { unit, journal, live }))
        })
        .collect();
    let way = way(release, &seen, migrated);
    let hosts = seen.iter().map(|(host, seen)| ((*host).clone(), member(of, seen, way, identity))).collect();
    let (run, by, at) = (of.run.clone(), of.by.clone(), of.at.0.clone());
    Recovery { run, release: release.clone(), way, by, at, hosts }
}

fn way(release: &ReleaseId, seen: &IndexMap<&HostId, Seen<'_>>, migrated: Option<bool>) -> Way {
    let any = |test: fn(&Journal) -> bool| seen.values().any(|seen| seen.says(test));
    let switched = any(|journal| journal.switching) || seen.values().any(|seen| seen.live == Some(release));
    let whole = seen.values().all(|seen| seen.has_whole(release));
    let unknown = any(|journal| journal.migrating && !journal.migrated) && !switched;
    if seen.values().any(|seen| seen.is_elsewhere(release)) {
        Way::Overtaken
    } else if any(|journal| journal.end == Some(RunEnd::Done)) {
        Way::Record
    } else if any(|journal| journal.back || journal.end == Some(RunEnd::Undone)) {
        Way::Back
    } else if !switched && !any(|journal| journal.migrating) {
        Way::Nothing
    } else if unknown && migrated.is_none() {
        Way::Question
    } else if unknown && migrated == Some(false) {
        Way::Nothing
    } else if any(|journal| journal.in_waves) && !seen.values().all(|seen| seen.had_its_turn(release)) {
        // Nobody looks at how the first of them do any more: the others are not to follow.
        Way::Back
    } else if whole {
        Way::Forward
    } else {
        Way::Back
    }
}

fn member(of: &Journal, seen: &Seen<'_>, way: Way, identity: &RunIdentity) -> Member {
    let open = seen.says(|journal| journal.end.is_none()) || seen.journal.is_none();
    let on = seen.live == Some(&of.release);
    let journal = seen.journal;
    let record = |state| Op::Record(entry(of, seen.unit, state, identity));
    let mut moves = Vec::new();
    // What it was building there goes, and the others stay where they are.
    let left_out = seen.was_left_out(way);
    let way = if left_out { Way::Nothing } else { way };
    match way {
        Way::Forward | Way::Record if !on => {
            moves.push(record(ReleaseState::Live));
            moves.push(Op::Switch { to: of.release.clone(), expect: expected(seen.unit) });
        }
        Way::Back if on => {
            moves.extend(journal.and_then(way_back));
            moves.push(record(state_if_undone(of, seen.unit)));
        }
        Way::Nothing if !on && is_left(of, seen.unit) => {
            moves.push(record(ReleaseState::Failed));
            moves.push(Op::RemoveRelease { release: of.release.clone() });
        }
        _ => {}
    }
    if way == Way::Record && open {
        moves.push(record(ReleaseState::Confirmed));
    }
    let owed = seen.says(|journal| journal.owed);
    let owes = open
        && match way {
            Way::Forward => true,
            Way::Back => owed || seen.says(|journal| journal.restarting),
            Way::Nothing => owed,
            Way::Record | Way::Overtaken | Way::Question => false,
        };
    let (found, done) = words(of, seen, way, on, owes);
    Member { left_out, found, done, moves, owes, open }
}

/// Whether the release lies there and nobody has ever counted on it.
fn is_left(of: &Journal, unit: &Unit) -> bool {
    unit.history.get(&of.release).is_some_and(|known| {
        let ours = known.run.as_ref() == Some(&of.run);
        ours && known.present && !known.good && !known.pinned && known.state != ReleaseState::Confirmed
    })
}

fn way_back(journal: &Journal) -> Option<Op> {
    let (to, release) = (&journal.from, &journal.release);
    match to {
        Expect::Release(from) if from == release => None,
        Expect::Release(from) => Some(Op::Switch { to: from.clone(), expect: Expect::Release(release.clone()) }),
        Expect::LinkText(text) => Some(Op::RestoreLink { text: text.clone(), from: release.clone() }),
        Expect::Nothing => Some(Op::Unpublish { from: release.clone() }),
    }
}

fn state_if_undone(of: &Journal, unit: &Unit) -> ReleaseState {
    let good = unit.history.get(&of.release).is_some_and(|known| known.good);
    if good { ReleaseState::Confirmed } else { ReleaseState::Reverted }
}

fn entry(of: &Journal, unit: &Unit, state: ReleaseState, identity: &RunIdentity) -> LedgerEntry {
    let known = unit.history.get(&of.release);
    LedgerEntry {
        sequence: known.map_or(unit.history.next_sequence, |known| known.sequence),
        release: of.release.clone(),
        state,
        revision: known.and_then(|known| known.revision.clone()),
        run: identity.run.clone(),
        by: identity.by.clone(),
        at: identity.when(),
    }
}

/// What was found on a host, and what is done there.
fn words(of: &Journal, seen: &Seen<'_>, way: Way, on: bool, owes: bool) -> (String, String) {
    let release = &of.release;
    let step = match seen.journal {
        None => "no journal",
        Some(journal) if journal.end == Some(RunEnd::Done) => "finished",
        Some(journal) if journal.end == Some(RunEnd::Undone) => "put back",
        Some(journal) if journal.back => "stopped on its way back",
        Some(journal) if journal.restarting => "stopped after the restart had begun",
        Some(journal) if journal.switching => "stopped at the switch",
        Some(journal) if journal.migrated => "stopped after its migrations",
        Some(journal) if journal.migrating => "stopped in its migrations",
        Some(_) => "stopped while it built",
    };
    let live = seen.live.map_or("nothing", ReleaseId::as_str);
    let done = match way {
        Way::Forward | Way::Record if !on => format!("switch to {release}"),
        Way::Back if on => match &of.from {
            Expect::Release(from) => format!("switch back to {from}"),
            Expect::LinkText(text) => format!("switch back to {text}"),
            Expect::Nothing => "take current away".to_owned(),
        },
        Way::Nothing if is_left(of, seen.unit) => format!("remove releases/{release}"),
        Way::Question => "a person must decide".to_owned(),
        _ => "leave as it is".to_owned(),
    };
    let done = if owes { format!("{done}, restart") } else { done };
    (format!("{step}; {live} is live"), done)
}

impl Recovery {
    /// One line for the people who look on.
    #[must_use]
    pub fn sentence(&self) -> String {
        let (hosts, moved) = (self.hosts.len(), self.hosts.values().filter(|member| !member.moves.is_empty()).count());
        let on = |count: usize| if count == 1 { "1 host".to_owned() } else { format!("{count} hosts") };
        let left = self.hosts.values().filter(|member| member.left_out).count();
        let release = &self.release;
        let then = match self.way {
            Way::Forward if moved > 0 => format!("{release} goes live on {} of {}", moved, on(hosts)),
            Way::Forward => format!("{release} is live on {}, perhaps without a restart", on(hosts)),
            Way::Record if left > 0 => {
                format!("{release} was proven on the others, and what it left is removed on {}", on(left))
            }
            Way::Record => format!("{release} was proven everywhere; {} did not say so yet", on(moved)),
            Way::Back if moved > 0 => format!("{} of {} go back", moved, on(hosts)),
            Way::Back => format!("{} are back already", on(hosts)),
            Way::Nothing => format!("nothing had gone live; what it built is removed on {}", on(moved)),
            Way::Overtaken => "something else has been made live since, and stays".to_owned(),
            Way::Question => "its migrations had begun, and nothing says how they ended".to_owned(),
        };
        format!("run {} of {} ({}) was not finished: {then}", self.run, self.by, self.at)
    }

    /// The decision table: host, run, what was found, what is done.
    #[must_use]
    pub fn rows(&self) -> Vec<Vec<String>> {
        let row = |(host, member): (&HostId, &Member)| {
            vec![host.to_string(), self.run.to_string(), member.found.clone(), member.done.clone()]
        };
        self.hosts.iter().map(row).collect()
    }

    /// What only a person can say, where that is so.
    #[must_use]
    pub fn question(&self) -> Option<Problem> {
        if self.way != Way::Question {
            return None;
        }
        let host = self.hosts.keys().find(|host| self.hosts.get(*host).is_some_and(|m| m.found.contains("migrations")));
        let what = format!("go on behind run {} of {} ({})", self.run, self.by, self.at);
        let why = format!(
            "the migrations of release {} had begun when it died, and nothing says how they ended",
            self.release
        );
        let next = "look at the schema; then `cap recover MIGRATED=yes` goes on with that release, `cap recover MIGRATED=no` \
                    removes it and leaves the schema to you (in a recipe of Capistrano 3 the task is deploy:recover)";
        let problem = Problem::new(ProblemKind::NeedsPerson, what, why).next(next);
        Some(host.map_or(problem.clone(), |host| problem.on(host)))
    }

    /// Whether a host of it needs a restart before the run is over there.
    #[must_use]
    pub fn owes(&self, host: &HostId) -> bool {
        self.hosts.get(host).is_some_and(|member| member.owes)
    }

    fn ops(&self, member: &Member) -> Vec<Op> {
        let mut ops = member.moves.clone();
        if member.open && !member.owes && self.way != Way::Question {
            let end = if self.way == Way::Record && !member.left_out { RunEnd::Done } else { RunEnd::Undone };
            ops.push(Op::Journal(JournalEntry::new(self.run.clone(), JournalEvent::End(end))));
        }
        ops
    }
}

/// The work of recovering, up to the restarts: one step a run. None where there is nothing to do.
#[must_use]
pub fn recovery_phase(found: &[Recovery], sudo: bool, mut next: impl FnMut() -> StepId) -> Option<Phase> {
    let mut steps = Vec::new();
    for recovery in found {
        let ops: IndexMap<HostId, Vec<Op>> = recovery
            .hosts
            .iter()
            .map(|(host, member)| (host.clone(), recovery.ops(member)))
            .filter(|(_, ops)| !ops.is_empty())
            .collect();
        if ops.is_empty() {
            continue;
        }
        steps.push(Step {
            id: next(),
            title: format!("recover run {}", recovery.run),
            slot: Slot::Undo,
            task: None,
            site: None,
            class: StepClass::Idempotent,
            deadline: Some(std::time::Duration::from_secs(300)),
            sudo,
            forward_agent: false,
            work: Work::Ops(ops),
            undo: IndexMap::new(),
        });
    }
    let title = "recover what an earlier run left".to_owned();
    let phase = Phase { title, slot: Slot::Undo, steps, handlers: Vec::new(), condition: None, wave: None };
    (!phase.steps.is_empty()).then_some(phase)
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
