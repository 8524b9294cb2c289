//! Histories of fleets that were taken over, handed back, killed and repaired by hand.

use deploy_plan::{LedgerEntry, RunId, When};
use proptest::prelude::*;

use super::*;
use crate::facts::{Current, EntryKind};
use crate::ledger::ledger_line;

fn id(name: &str) -> ReleaseId {
    ReleaseId::new(name).unwrap()
}

fn line(sequence: u64, name: &str, state: ReleaseState) -> String {
    let entry = LedgerEntry {
        sequence,
        release: id(name),
        state,
        revision: Some(Revision::new("1").unwrap()),
        run: RunId::new("r").unwrap(),
        by: "a@b".into(),
        at: When("t".into()),
    };
    format!("{}\n", ledger_line(&entry))
}

fn host(entries: &[&str], live: Option<&str>, ledger: String) -> HostFacts {
    let releases = entries
        .iter()
        .map(|name| Entry {
            name: (*name).trim_end_matches('?').to_owned(),
            exact: true,
            kind: EntryKind::Directory,
            revision: if name.ends_with('?') { None } else { Some("1".into()) },
        })
        .collect();
    let current = live.map_or(Current::Absent, |name| Current::Link {
        text: format!("/d/releases/{name}"),
        exact: true,
        release: Some(name.to_owned()),
        dangling: false,
    });
    HostFacts { releases, current, ledger: ledger.into_bytes(), ..HostFacts::default() }
}

fn order(history: &UnitHistory) -> Vec<(&str, ReleaseState)> {
    history.releases.iter().map(|r| (r.id.as_str(), r.state)).collect()
}

use ReleaseState::{Building, Confirmed, Failed, Live, Ready, Retired, Reverted};

#[test]
fn a_fleet_of_capistrano_is_taken_over() {
    let history = reconcile(&host(
        &["20260103000000", "20260101000000", "20260102000000?"],
        Some("20260103000000"),
        String::new(),
    ));
    assert_eq!(
        order(&history),
        [("20260101000000", Confirmed), ("20260102000000", Failed), ("20260103000000", Confirmed)]
    );
    assert_eq!(history.previous().unwrap().id, id("20260101000000"), "never to a release that was left half-made");
    assert_eq!(history.next_sequence, 4);
    assert_eq!(history.unwritten().count(), 3);
}

#[test]
fn a_tool_that_writes_no_revision_is_believed() {
    let history = reconcile(&host(&["1?", "2?"], Some("2"), String::new()));
    assert_eq!(history.previous().unwrap().id, id("1"));
}

#[test]
fn capistrano_deployed_after_us() {
    let ledger = [line(1, "20260101000000", Confirmed), line(2, "20260105000000", Confirmed)].concat();
    // Its clock is slow, but what is live is the newest.
    let history = reconcile(&host(
        &["20260101000000", "20260105000000", "20260103000000"],
        Some("20260103000000"),
        ledger.clone(),
    ));
    assert_eq!(history.releases.last().unwrap().id, id("20260103000000"));
    assert_eq!(history.previous().unwrap().id, id("20260105000000"));
    // A directory whose record was lost takes its place by name.
    let history =
        reconcile(&host(&["20260101000000", "20260105000000", "20260103000000"], Some("20260105000000"), ledger));
    assert_eq!(history.previous().unwrap().id, id("20260103000000"));
    assert_eq!(history.next_sequence, 3);
}

#[test]
fn a_dead_run_leaves_failed_and_ready_ones() {
    let ledger = [
        line(1, "1", Confirmed),
        line(2, "2", Building),
        line(3, "3", Building),
        line(3, "3", Ready),
        line(4, "4", Building),
        line(4, "4", Ready),
        line(4, "4", Live),
        line(5, "5", Building),
    ];
    let history = reconcile(&host(&["1", "2", "3", "4"], Some("1"), ledger.concat()));
    assert_eq!(order(&history), [("1", Confirmed), ("2", Failed), ("3", Ready), ("4", Ready), ("5", Retired)]);
    assert!(history.rollback_targets().next().is_none());
    let unwritten: Vec<&str> = history.unwritten().map(|r| r.id.as_str()).collect();
    assert_eq!(unwritten, ["2", "5"]);
}

#[test]
fn the_link_decides_what_is_live() {
    let ledger = [line(1, "1", Confirmed), line(2, "2", Confirmed), line(2, "2", Reverted)].concat();
    let history = reconcile(&host(&["1", "2"], Some("2"), ledger.clone()));
    assert_eq!(order(&history), [("1", Confirmed), ("2", Live)]);
    assert_eq!(history.warnings.len(), 1);
    let history = reconcile(&host(&["1", "2"], Some("1"), ledger));
    assert_eq!(order(&history), [("1", Confirmed), ("2", Reverted)]);
}

#[test]
fn a_live_intent_takes_nothing_from_a_good_release() {
    let ledger = [line(1, "1", Confirmed), line(2, "2", Confirmed), line(1, "1", Live)].concat();
    // A rollback from 2 to 1 that died before its switch.
    let history = reconcile(&host(&["1", "2"], Some("2"), ledger));
    assert_eq!(history.previous().unwrap().id, id("1"));
}

#[test]
fn what_is_gone_is_retired() {
    let ledger = [line(1, "1", Confirmed), line(2, "2", Confirmed)].concat();
    let history = reconcile(&host(&["2"], Some("2"), ledger));
    assert_eq!(order(&history), [("1", Retired), ("2", Confirmed)]);
    assert!(history.previous().is_none());
}

#[test]
fn a_name_built_again_is_a_new_release() {
    let ledger =
        [line(1, "a", Confirmed), line(2, "b", Confirmed), line(3, "a", Building), line(3, "a", Ready)].concat();
    let history = reconcile(&host(&["a", "b"], Some("b"), ledger));
    assert_eq!(order(&history), [("b", Confirmed), ("a", Ready)]);
    assert!(history.previous().is_none());
}

#[test]
fn sequence_orders_not_names() {
    let ledger = [line(1, "20990101000000", Confirmed), line(2, "20260101000000", Confirmed)].concat();
    let history = reconcile(&host(&["20990101000000", "20260101000000"], Some("20260101000000"), ledger));
    assert_eq!(history.previous().unwrap().id, id("20990101000000"));
}

fn any_state() -> impl Strategy<Value = ReleaseState> {
    proptest::sample::select(vec![Building, Ready, Live, Confirmed, Retired, Failed, Reverted])
}

proptest! {
    /// Whatever the ledger says: what is shown is on disk or retired, the live one is never a target, and writing down
    /// what reconciliation found changes nothing more.
    #[test]
    fn reconciliation_settles(
        records in proptest::collection::vec((1..6u64, any_state()), 0..20),
        present in proptest::collection::btree_set(0..8u64, 0..6),
        live in proptest::option::of(0..8u64),
    ) {
        let name = |n: u64| format!("2026010{n}000000");
        let mut ledger: String = records.iter().map(|(n, state)| line(*n, &name(*n), *state)).collect();
        let entries: Vec<String> = present.iter().map(|n| name(*n)).collect();
        let entries: Vec<&str> = entries.iter().map(String::as_str).collect();
        let live = live.filter(|n| present.contains(n)).map(name);
        let first = reconcile(&host(&entries, live.as_deref(), ledger.clone()));
        for release in &first.releases {
            prop_assert!(release.present || matches!(release.state, Retired | Failed));
            prop_assert!(release.state != Building);
        }
        for target in first.rollback_targets() {
            prop_assert!(target.present && target.good && Some(&target.id) != first.live.as_ref());
        }
        prop_assert!(first.releases.iter().all(|r| r.sequence < first.next_sequence));
        for release in first.unwritten() {
            ledger.push_str(&line(release.sequence, release.id.as_str(), release.state));
        }
        let second = reconcile(&host(&entries, live.as_deref(), ledger));
        prop_assert_eq!(order(&first), order(&second));
        prop_assert_eq!(second.unwritten().count(), 0);
    }
}
