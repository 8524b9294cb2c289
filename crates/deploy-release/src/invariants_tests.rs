//! Each invariant finds the fault that is planted for it, and nothing in what is sound.

use super::*;
use crate::fixture::line;
use crate::reconcile;
use crate::{Current, Entry, EntryKind, HostFacts};

fn id(name: &str) -> ReleaseId {
    ReleaseId::new(name).unwrap()
}

fn entry(name: &str, identity: u64) -> EntryView {
    EntryView { name: name.into(), is_directory: true, identity, digest: 100 + identity }
}

/// Three good releases, the last of them live.
fn sound() -> UnitView {
    let ledger: String = (1..=3).map(|n| line(n, &n.to_string(), ReleaseState::Confirmed)).collect();
    UnitView {
        name: "web1".into(),
        entries: vec![entry("1", 1), entry("2", 2), entry("3", 3)],
        live: Some(3),
        has_current: true,
        ledger: ledger.into_bytes(),
        ..UnitView::default()
    }
}

fn with(change: impl FnOnce(&mut UnitView)) -> UnitView {
    let mut unit = sound();
    change(&mut unit);
    unit
}

fn more(name: &str, sequence: u64, state: ReleaseState) -> UnitView {
    with(|unit| unit.ledger.extend(line(sequence, name, state).into_bytes()))
}

fn history(unit: &UnitView) -> UnitHistory {
    let entry = |entry: &EntryView| Entry {
        name: entry.name.clone(),
        exact: true,
        kind: EntryKind::Directory,
        revision: Some("4700".into()),
    };
    let live = unit.live_entry().map(|entry| entry.name.clone());
    reconcile(&HostFacts {
        releases: unit.entries.iter().map(entry).collect(),
        current: Current::Link { text: String::new(), exact: true, release: live, dangling: false },
        ledger: unit.ledger.clone(),
        ..HostFacts::default()
    })
}

fn run(name: &str) -> RunId {
    RunId::new(name).unwrap()
}

fn digest_of_three(_: &Revision) -> Option<u64> {
    Some(103)
}

/// For each number: what is checked in a sound state, and in one with its fault.
fn pairs() -> Vec<(u8, Checked, Checked)> {
    let s = sound();
    let gone = with(|unit| unit.live = None);
    let three = with(|unit| unit.entries.retain(|entry| entry.name == "3"));
    let spoiled = with(|unit| {
        unit.entries.retain(|entry| entry.name == "3");
        unit.entries[0].digest = 0;
    });
    let stranger = with(|unit| unit.entries.push(entry("9", 9)));
    let without = |name: &str| with(|unit| unit.entries.retain(|entry| entry.name != name));
    let on = |identity: u64| with(|unit| unit.live = Some(identity));
    let half = with(|unit| unit.entries[0].digest = 0);
    let differs = with(|unit| unit.entries[2].digest = 0);
    let reverted = {
        let mut unit = more("2", 2, ReleaseState::Reverted);
        unit.live = Some(2);
        unit
    };
    let (a, b) = (run("a"), run("b"));
    let second = Duration::from_secs(1);
    vec![
        (1, current_resolves(true, &s), current_resolves(true, &gone)),
        (2, complete_is_complete(&three, &digest_of_three), complete_is_complete(&spoiled, &digest_of_three)),
        (3, entries_are_known(&s, &history(&s)), entries_are_known(&stranger, &history(&stranger))),
        (4, lookup_is_old_or_new(&s, &on(2), Some(&id("2"))), lookup_is_old_or_new(&s, &on(1), Some(&id("2")))),
        (5, old_release_stays(&s, &without("1"), false), old_release_stays(&s, &without("3"), false)),
        (6, changes_need_the_lock(Some(&a), &a, true), changes_need_the_lock(Some(&a), &b, true)),
        (7, lock_dies_with_holder(true, false, second), lock_dies_with_holder(true, false, second * 17)),
        (8, only_the_owner_releases(Some(&a), &a, true), only_the_owner_releases(Some(&a), &b, true)),
        (
            9,
            ledger_only_grows(&s, &more("4", 4, ReleaseState::Building), false),
            ledger_only_grows(&s, &with(|unit| unit.ledger.clear()), false),
        ),
        (10, rollback_target(&[sound()], Some(&id("2"))), rollback_target(&[sound()], Some(&id("1")))),
        (11, cleanup_spares(&s, &without("1"), 2, false), cleanup_spares(&s, &without("2"), 2, false)),
        (12, removal_leaves_no_half(&s, &without("1")), removal_leaves_no_half(&s, &half)),
        (13, one_id_one_content(&[sound(), sound()], &id("3")), one_id_one_content(&[sound(), differs], &id("3"))),
        (
            14,
            success_is_true(Outcome::Deployed, &[sound()], Some(&id("3"))),
            success_is_true(Outcome::Deployed, &[sound(), on(2)], Some(&id("3"))),
        ),
        (
            14,
            failure_is_true(Outcome::PutBack, &[sound()], &[sound()]),
            failure_is_true(Outcome::PutBack, &[sound()], &[on(2)]),
        ),
        (
            15,
            nothing_goes_live_by_itself(&more("2", 2, ReleaseState::Reverted), &reverted, Some(&id("2"))),
            nothing_goes_live_by_itself(&more("2", 2, ReleaseState::Reverted), &reverted, None),
        ),
        (16, once_is_once(1, "migrate"), once_is_once(2, "migrate")),
        (17, secrets_stay_secret("geheim", &[b"nothing"]), secrets_stay_secret("geheim", &[b"x", b"=Z2VoZWlt="])),
        (18, nothing_outside(&s, &s), nothing_outside(&s, &with(|unit| unit.outside = 1))),
        (19, leaves_nothing(&s, 3), leaves_nothing(&with(|unit| unit.leftovers.push("trash/1".into())), 3)),
        (
            19,
            turned_back_leaves_nothing(&s, &with(|unit| unit.links.push("3".into()))),
            turned_back_leaves_nothing(&s, &with(|unit| unit.links.push("4".into()))),
        ),
        (
            19,
            turned_back_leaves_nothing(&s, &s),
            turned_back_leaves_nothing(&s, &with(|unit| unit.entries.push(entry("4", 4)))),
        ),
        (20, deadlines_hold(second, second), deadlines_hold(second * 2, second)),
        (21, recovery_is_idempotent(&[sound()], &[sound()]), recovery_is_idempotent(&[sound()], &[on(2)])),
        (22, shared_is_untouched(&s, &s), shared_is_untouched(&s, &with(|unit| unit.shared = 1))),
        (23, recovered_hosts_agree(&[sound(), sound()]), recovered_hosts_agree(&[sound(), on(2)])),
        (24, looking_changes_nothing(&s, &s), looking_changes_nothing(&s, &more("3", 3, ReleaseState::Live))),
        (
            25,
            garbage_stays_at_home(&[sound()], &[sound()], b"plain\n"),
            garbage_stays_at_home(&[sound()], &[sound()], b"\x1b[2J"),
        ),
    ]
}

#[test]
fn each_finds_its_own_fault() {
    let mut numbers: Vec<u8> = Vec::new();
    for (number, sound, broken) in pairs() {
        assert_eq!(sound, Ok(()), "I{number}");
        assert_eq!(broken.map_err(|broken| broken.number), Err(number), "I{number}");
        numbers.push(number);
    }
    numbers.dedup();
    assert_eq!(numbers, (1..=25).collect::<Vec<u8>>());
}

#[test]
fn base64_as_everybody_writes_it() {
    assert_eq!(base64(b"geheim"), "Z2VoZWlt");
}
