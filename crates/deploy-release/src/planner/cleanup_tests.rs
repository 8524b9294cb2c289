//! Which releases go: tables, and what must hold for any history.

use deploy_plan::{Builtin, Expect, JournalEntry, JournalEvent, Purpose, ReleaseState, RunEnd, RunId, When};
use proptest::prelude::*;

use super::*;
use crate::fixture::*;
use crate::open::open;
use crate::reconcile;
use crate::recovery::journal_line;

use ReleaseState::{Building, Confirmed, Failed, Ready, Retired, Reverted};

fn history(records: &[(&str, ReleaseState)], live: Option<&str>) -> UnitHistory {
    let ledger: String =
        records.iter().enumerate().map(|(i, (name, state))| line(i as u64 + 1, name, *state)).collect();
    let names: Vec<&str> = records.iter().map(|(name, _)| *name).collect();
    reconcile(&facts_with(1, &names, live, &ledger))
}

#[test]
fn tables() {
    type Case<'a> = (&'a [(&'a str, ReleaseState)], Option<&'a str>, Option<&'a str>, usize, &'a [&'a str]);
    let good = [("1", Confirmed), ("2", Confirmed), ("3", Confirmed), ("4", Confirmed)];
    let cases: [Case<'_>; 10] = [
        (&good, Some("4"), Some("5"), 2, &["1", "2", "3"]),
        (&good, Some("4"), Some("5"), 3, &["1", "2"]),
        (&good, Some("4"), Some("4"), 2, &["1", "2"]),
        // Even with nothing to keep: what is live and what a rollback goes to.
        (&good, Some("4"), Some("4"), 0, &["1", "2"]),
        // After a rollback: the live one, the one before it, and the last good ones.
        (&good, Some("2"), Some("2"), 1, &["3"]),
        // Failed ones push nothing out, and only two of them stay.
        (
            &[("1", Confirmed), ("2", Failed), ("3", Ready), ("4", Reverted), ("5", Building), ("6", Confirmed)],
            Some("6"),
            Some("6"),
            5,
            &["2", "3"],
        ),
        // A removal that was cut short is finished.
        (&[("1", Retired), ("2", Confirmed)], Some("2"), Some("2"), 5, &["1"]),
        // What was live before this run stays, good or not.
        (&[("1", Confirmed), ("2", Failed), ("3", Failed), ("4", Ready)], Some("2"), Some("5"), 1, &[]),
        (&[], None, None, 3, &[]),
        (&good, None, None, 1, &["1", "2", "3"]),
    ];
    for (number, (records, live, now, keep, gone)) in cases.into_iter().enumerate() {
        let removed = removable(&history(records, live), now.map(id).as_ref(), keep);
        let removed: Vec<&str> = removed.iter().map(ReleaseId::as_str).collect();
        assert_eq!(removed, gone, "case {number}");
    }
}

#[test]
fn pinned_ones_stay() {
    let mut history = history(&[("1", Confirmed), ("2", Confirmed), ("3", Confirmed)], Some("3"));
    history.releases[0].pinned = true;
    assert!(removable(&history, Some(&id("3")), 1).is_empty());
}

fn any_state() -> impl Strategy<Value = ReleaseState> {
    proptest::sample::select(vec![Building, Ready, ReleaseState::Live, Confirmed, Retired, Failed, Reverted])
}

proptest! {
    #[test]
    fn protected_whatever_happened(
        states in proptest::collection::vec(any_state(), 1..12),
        live in proptest::option::of(any::<proptest::sample::Index>()),
        fresh in any::<bool>(),
        keep in 0..6usize,
    ) {
        let names: Vec<String> = (0..states.len()).map(|n| format!("{:014}", n + 1)).collect();
        let records: Vec<(&str, ReleaseState)> = names.iter().map(String::as_str).zip(states.iter().copied()).collect();
        let live = live.map(|index| names[index.index(names.len())].as_str());
        let history = history(&records, live);
        let new = id("99999999999999");
        let now = if fresh { Some(&new) } else { history.live.as_ref() };
        let removed = removable(&history, now, keep);
        prop_assert!(!removed.iter().any(|r| Some(r) == now || Some(r) == history.live.as_ref()));
        // After it a rollback from what is live still has where to go, if it had before.
        let end = now.and_then(|n| history.releases.iter().position(|r| r.id == *n)).unwrap_or(history.releases.len());
        let target = history.releases[..end].iter().rev().find(|r| r.good && r.present);
        prop_assert!(target.is_none_or(|target| !removed.contains(&target.id)));
        let counts = |r: &&Release| r.present && (r.good || Some(&r.id) == now);
        let good_all = history.releases.iter().filter(counts).count();
        let good_left = history.releases.iter().filter(counts).filter(|r| !removed.contains(&r.id)).count();
        prop_assert!(good_left + usize::from(fresh) >= keep.min(good_all + usize::from(fresh)));
        let left: Vec<_> = history.releases.iter().filter(|r| r.present && !r.good && !removed.contains(&r.id)).collect();
        prop_assert!(left.len() <= LEFTOVERS + 1, "only the live one besides the quota");
    }
}

/// A run that died may have to go back to what was live before it, however old that is.
#[test]
fn what_a_recovery_may_need_stays() {
    let begin = JournalEvent::Begin {
        release: id("3"),
        from: Expect::Release(id("1")),
        hosts: FLEET.len(),
        by: "bob@desk".into(),
        at: When("2026-11-20T06:00:00Z".into()),
    };
    let removed = |events: &[JournalEvent]| {
        let mut facts = fleet(&["1", "2", "3"]);
        for facts in facts.values_mut() {
            let entry = |event: &JournalEvent| JournalEntry::new(RunId::new("r0").unwrap(), event.clone());
            facts.journal = events.iter().map(|event| journal_line(&entry(event))).collect();
        }
        let context = open(&transaction(Purpose::Cleanup, &FLEET), &identity(), &facts).unwrap().context;
        let items = [builtin("deploy:cleanup", &FLEET, Builtin::Cleanup { keep: 1 })];
        let plan = Planner::new(context).segment(&items, true).unwrap();
        let steps = plan.phases.iter().flat_map(|phase| &phase.steps);
        steps.filter(|step| step.title.starts_with("remove")).count()
    };
    assert_eq!(removed(&[]), 1);
    assert_eq!(removed(&[begin.clone(), JournalEvent::Switch]), 0);
    assert_eq!(removed(&[begin, JournalEvent::Switch, JournalEvent::End(RunEnd::Done)]), 1);
}
