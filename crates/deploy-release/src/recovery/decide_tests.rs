//! Which way a fleet goes after a run that died.

use deploy_plan::{JournalEvent as J, RunId, When};

use super::*;
use crate::fixture::{facts_with, host, id, identity, line};
use crate::open::units;
use crate::recovery::journal_line;
use ReleaseState::{Building, Confirmed, Live, Ready};

/// A host with the good release 1, and what the run r0 has made of release 2 on it.
fn unit(live: &str, state: ReleaseState, events: &[J]) -> crate::HostFacts {
    let ledger = [line(1, "1", Confirmed), line(2, "2", state)].concat();
    let mut facts = facts_with(1, &["1", "2"], Some(live), &ledger);
    let begin = J::Begin {
        release: id("2"),
        from: Expect::Release(id("1")),
        hosts: 2,
        by: "bob@desk".into(),
        at: When("2026-11-20T06:00:00Z".into()),
    };
    let entry = |event: &J| JournalEntry::new(RunId::new("r0").unwrap(), event.clone());
    facts.journal = [begin].iter().chain(events).map(|event| journal_line(&entry(event))).collect();
    facts
}

fn decided(all: &[crate::HostFacts], migrated: Option<bool>) -> Vec<Recovery> {
    let facts = all.iter().enumerate().map(|(number, facts)| (host(&format!("web{number}")), facts.clone()));
    recoveries(&units(&facts.collect()), &identity(), migrated)
}

/// The way, what is done on each host in short, and who owes a restart.
fn outcome(all: &[crate::HostFacts], migrated: Option<bool>) -> (Way, Vec<Vec<String>>, Vec<bool>) {
    let found = decided(all, migrated);
    let [recovery] = found.as_slice() else { panic!("{} recoveries", found.len()) };
    let short = |op: &Op| match op {
        Op::Record(entry) => format!("record {} {}", entry.release, entry.state.word()),
        Op::Switch { to, .. } => format!("switch {to}"),
        Op::RemoveRelease { release } => format!("remove {release}"),
        Op::Journal(entry) => format!("{:?}", entry.event),
        other => panic!("{other:?}"),
    };
    let ops = recovery.hosts.values().map(|member| recovery.ops(member).iter().map(short).collect()).collect();
    (recovery.way, ops, recovery.hosts.values().map(|member| member.owes).collect())
}

#[test]
fn what_is_over_is_left_alone() {
    let done = unit("2", Confirmed, &[J::Switch, J::Restart, J::End(RunEnd::Done)]);
    let undone = unit("1", ReleaseState::Reverted, &[J::Switch, J::Back, J::End(RunEnd::Undone)]);
    assert!(decided(&[done], None).is_empty());
    assert!(decided(&[undone], None).is_empty());
}

#[test]
fn before_the_decision_nothing_is_left() {
    let (way, ops, owes) = outcome(&[unit("1", Building, &[]), unit("1", Ready, &[])], None);
    let removed = ["record 2 failed", "remove 2", "End(Undone)"];
    assert_eq!((way, owes), (Way::Nothing, vec![false, false]));
    assert_eq!(ops, [removed, removed]);
}

#[test]
fn between_two_switches_it_goes_on() {
    let (way, ops, owes) = outcome(&[unit("2", Live, &[J::Switch]), unit("1", Ready, &[])], None);
    assert_eq!((way, owes), (Way::Forward, vec![true, true]));
    assert_eq!(ops, [vec![], vec!["record 2 live".to_owned(), "switch 2".to_owned()]]);
}

#[test]
fn where_the_release_is_not_whole_everywhere_it_goes_back() {
    let mut without = unit("1", Ready, &[]);
    without.releases.retain(|entry| entry.name != "2");
    let (way, ops, owes) = outcome(&[unit("2", Live, &[J::Switch, J::Restart]), without], None);
    assert_eq!((way, owes), (Way::Back, vec![true, false]));
    assert_eq!(ops, [vec!["switch 1", "record 2 reverted"], vec!["End(Undone)"]]);
}

/// A way back that had begun is never turned round again: something had failed.
#[test]
fn the_way_back_goes_on() {
    let (way, ops, owes) =
        outcome(&[unit("2", Live, &[J::Switch, J::Restart]), unit("1", Live, &[J::Switch, J::Back])], None);
    assert_eq!((way, owes), (Way::Back, vec![true, false]));
    assert_eq!(ops, [vec!["switch 1", "record 2 reverted"], vec!["End(Undone)"]]);
    let over = unit("1", ReleaseState::Reverted, &[J::Switch, J::Back, J::End(RunEnd::Undone)]);
    assert_eq!(outcome(&[unit("2", Live, &[J::Switch]), over], None).0, Way::Back);
}

/// Hosts record success only when all of them are proven.
#[test]
fn one_that_has_confirmed_speaks_for_all() {
    let (way, ops, owes) = outcome(
        &[
            unit("2", Confirmed, &[J::Switch, J::Restart, J::End(RunEnd::Done)]),
            unit("2", Live, &[J::Switch, J::Restart]),
        ],
        None,
    );
    assert_eq!((way, owes), (Way::Record, vec![false, false]));
    assert_eq!(ops, [vec![], vec!["record 2 confirmed".to_owned(), "End(Done)".to_owned()]]);
}

#[test]
fn migrations_whose_end_nobody_knows_are_a_question() {
    let fleet = [unit("1", Ready, &[J::Migrate]), unit("1", Ready, &[])];
    assert_eq!(outcome(&fleet, None).0, Way::Question);
    let problem = decided(&fleet, None)[0].question().unwrap();
    assert_eq!((problem.kind, problem.host), (ProblemKind::NeedsPerson, Some(host("web0"))));
    assert_eq!(outcome(&fleet, Some(true)).0, Way::Forward);
    assert_eq!(outcome(&fleet, Some(false)).0, Way::Nothing);
    let done = [unit("1", Ready, &[J::Migrate, J::Migrated]), unit("1", Ready, &[])];
    assert_eq!(outcome(&done, None).0, Way::Forward);
}

/// Whatever somebody else has made live since stays.
#[test]
fn a_later_deploy_by_another_tool_is_respected() {
    let mut elsewhere = facts_with(1, &["1", "2", "3"], Some("3"), "");
    elsewhere.journal = unit("2", Live, &[J::Switch]).journal;
    let (way, ops, _) = outcome(&[elsewhere, unit("1", Ready, &[J::Switch])], None);
    assert_eq!(way, Way::Overtaken);
    assert_eq!(ops, [["End(Undone)"], ["End(Undone)"]]);
}

/// A rollback writes its journal with its switch. Hosts that it had not come to go with the others, where all of the run's
/// are here.
#[test]
fn hosts_that_the_run_had_not_come_to_go_on_with_it() {
    let mut waits = facts_with(1, &["1", "2"], Some("1"), &[line(1, "1", Confirmed), line(2, "2", Confirmed)].concat());
    let (way, ops, owes) = outcome(&[unit("2", Confirmed, &[J::Switch]), waits.clone()], None);
    assert_eq!((way, owes), (Way::Forward, vec![true, true]));
    assert_eq!(ops[1], ["record 2 live", "switch 2"]);
    waits.ledger = line(1, "1", Confirmed).into_bytes();
    waits.releases.truncate(1);
    let narrowed = [unit("2", Live, &[J::Switch]), waits.clone(), waits];
    assert_eq!(outcome(&narrowed, None).1.len(), 1, "the third host shows that it was not a run on all of these");
}

/// A power cut may take the journal of a host; the ledger still says whose the release is.
/// Nobody looks at the first wave any more, so the others do not follow it; where all have their turn it goes on.
#[test]
fn between_two_waves_the_first_goes_back() {
    let (first, waiting) = (unit("2", Live, &[J::Wave, J::Switch, J::Restart]), unit("1", Ready, &[]));
    let (way, ops, owes) = outcome(&[first.clone(), waiting], None);
    assert_eq!((way, owes), (Way::Back, vec![true, false]));
    assert_eq!(ops, [vec!["switch 1", "record 2 reverted"], vec!["End(Undone)"]]);
    let last = unit("1", Ready, &[J::Wave, J::Switch]);
    assert_eq!(outcome(&[first.clone(), last], None).0, Way::Forward);
    // An earlier recovery has brought the last one on, and its own journal there took the place of the run's.
    let mut on = unit("2", Live, &[]);
    on.journal.clear();
    assert_eq!(outcome(&[first, on], None).0, Way::Forward);
}

#[test]
fn a_lost_journal_leaves_no_host_behind() {
    let mut lost = unit("1", Ready, &[]);
    lost.journal.clear();
    let (way, ops, _) = outcome(&[unit("2", Live, &[J::Switch]), lost], None);
    assert_eq!(way, Way::Forward);
    assert_eq!(ops[1], ["record 2 live", "switch 2"]);
}

/// A run that goes on without a host has never told it to switch; the success of the others says nothing about it.
#[test]
fn who_was_left_out_does_not_go_live_with_the_others() {
    let done = unit("2", Confirmed, &[J::Switch, J::Restart, J::End(RunEnd::Done)]);
    let late = unit("2", Live, &[J::Switch, J::Restart]);
    let removed = ["record 2 failed", "remove 2", "End(Undone)"];
    // Lost while it built, and lost when its release was whole.
    for state in [Building, Ready] {
        let (way, ops, owes) = outcome(&[done.clone(), late.clone(), unit("1", state, &[])], None);
        assert_eq!((way, owes), (Way::Record, vec![false; 3]));
        assert_eq!(ops[1], ["record 2 confirmed", "End(Done)"]);
        assert_eq!(ops[2], removed);
    }
    let mut put_apart = unit("1", ReleaseState::Failed, &[J::Back, J::End(RunEnd::Undone)]);
    put_apart.releases.truncate(1);
    let (way, ops, _) = outcome(&[done.clone(), late.clone(), put_apart.clone()], None);
    assert_eq!((way, ops[2].len()), (Way::Record, 0), "it is over there: {ops:?}");
    assert!(decided(&[done, put_apart.clone()], None).is_empty());
    // Nobody had confirmed yet: that one host was undone turns all of them back.
    assert_eq!(outcome(&[late, put_apart], None).0, Way::Back);
}
