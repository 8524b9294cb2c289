//! Who is behind, by ledgers alone.

use deploy_plan::{LedgerEntry, Purpose, When};

use super::*;
use crate::facts::{Current, HostFacts};
use crate::fixture::*;
use crate::ledger::ledger_line;
use crate::open::{OpenedFleet, open};

const NAMES: [&str; 4] = ["20261101000000", "20261102000000", "20261103000000", "20261104000000"];

fn record(run: &str, sequence: u64, name: &str, state: ReleaseState) -> String {
    let entry = LedgerEntry {
        sequence,
        release: id(name),
        state,
        revision: Some(Revision::new(&format!("47{sequence:02}")).unwrap()),
        run: RunId::new(run).unwrap(),
        by: "bob@desk".into(),
        at: When("2026-11-20T06:00:00Z".into()),
    };
    format!("{}\n", ledger_line(&entry))
}

/// Deploys of the releases of these numbers, run `rN` makes release N.
fn deployed(numbers: &[usize]) -> String {
    use ReleaseState as S;
    let one = |number: &usize| {
        let states = [S::Building, S::Ready, S::Live, S::Confirmed];
        let run = format!("r{number}");
        states.map(|state| record(&run, *number as u64 + 1, NAMES[*number], state)).concat()
    };
    numbers.iter().map(one).collect()
}

/// A host that has the releases of these numbers, the given one live.
fn unit(number: usize, there: &[usize], live: Option<usize>, ledger: &str) -> HostFacts {
    let names: Vec<&str> = there.iter().map(|at| NAMES[*at]).collect();
    let mut facts = facts_with(number, &names, live.map(|at| NAMES[at]), ledger);
    for entry in &mut facts.releases {
        let at = NAMES.iter().position(|name| *name == entry.name).unwrap();
        entry.revision = Some(format!("47{:02}", at + 1));
    }
    facts
}

fn try_open(hosts: Vec<HostFacts>) -> Result<OpenedFleet, Vec<Problem>> {
    let names: Vec<String> = (0..hosts.len()).map(|at| format!("h{at}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let facts = names.iter().map(|name| host(name)).zip(hosts).collect();
    open(&transaction(Purpose::CatchUp, &names), &identity(), &facts)
}

/// The release that is the fleet's, and who is behind.
#[track_caller]
fn found(hosts: Vec<HostFacts>) -> (Option<String>, Vec<String>) {
    let opened = try_open(hosts).unwrap();
    let behind: Vec<String> = opened.opened.hosts.iter().map(|(host, _)| host.to_string()).collect();
    assert_eq!(behind, opened.context.units.keys().map(ToString::to_string).collect::<Vec<_>>());
    assert_eq!(opened.context.release, opened.opened.release);
    (opened.opened.release.map(|release| release.to_string()), behind)
}

#[track_caller]
fn refused(hosts: Vec<HostFacts>) -> Problem {
    let mut problems = try_open(hosts).unwrap_err();
    assert_eq!(problems.len(), 1, "{problems:#?}");
    problems.remove(0)
}

fn at(live: usize, numbers: &[usize]) -> HostFacts {
    unit(live * 10 + numbers.len(), numbers, Some(live), &deployed(numbers))
}

fn numbered(mut facts: HostFacts, number: usize) -> HostFacts {
    facts.boot = Some(format!("boot-{number}"));
    facts
}

fn fleet_of(hosts: Vec<HostFacts>) -> Vec<HostFacts> {
    hosts.into_iter().enumerate().map(|(number, facts)| numbered(facts, number)).collect()
}

#[test]
fn who_missed_deploys_is_behind_however_many() {
    let hosts = fleet_of(vec![at(0, &[0]), at(2, &[0, 1, 2]), at(1, &[0, 1]), at(2, &[0, 1, 2])]);
    assert_eq!(found(hosts), (Some(NAMES[2].into()), vec!["h0".into(), "h2".into()]));
    let opened = try_open(fleet_of(vec![at(0, &[0]), at(2, &[0, 1, 2])])).unwrap();
    assert_eq!(opened.opened.revision, Some(Revision::new("4703").unwrap()));
    assert_eq!(opened.up_to_date.len(), 1);
}

#[test]
fn who_has_nothing_live_is_behind() {
    let new = unit(9, &[], None, "");
    assert_eq!(found(fleet_of(vec![at(1, &[0, 1]), new])), (Some(NAMES[1].into()), vec!["h1".into()]));
    let problem = refused(fleet_of(vec![unit(1, &[], None, ""), unit(2, &[], None, "")]));
    assert_eq!(problem.kind, ProblemKind::Layout);
}

#[test]
fn nobody_is_behind() {
    assert_eq!(found(fleet_of(vec![at(1, &[0, 1]), at(1, &[1])])), (None, Vec::new()));
}

/// The newer name is not the newer one.
#[test]
fn who_missed_a_rollback_is_behind() {
    use ReleaseState as S;
    let back = deployed(&[0, 1])
        + &record("b", 1, NAMES[0], S::Live)
        + &record("b", 1, NAMES[0], S::Confirmed)
        + &record("b", 2, NAMES[1], S::Reverted);
    let rolled = unit(1, &[0, 1], Some(0), &back);
    let hosts = fleet_of(vec![rolled, at(1, &[0, 1])]);
    let opened = try_open(hosts.clone()).unwrap();
    assert!(opened.context.has_already(&host("h1")), "it was live there");
    assert_eq!(found(hosts), (Some(NAMES[0].into()), vec!["h1".into()]));
}

/// A host that failed before the switch has records of that run, but the run has made nothing live there.
#[test]
fn what_was_only_built_counts_for_nothing() {
    use ReleaseState as S;
    for last in [S::Building, S::Ready, S::Failed] {
        let tried = deployed(&[0]) + &record("r1", 2, NAMES[1], S::Building) + &record("r1", 2, NAMES[1], last);
        for there in [&[0][..], &[0, 1]] {
            let hosts = fleet_of(vec![unit(1, there, Some(0), &tried), at(1, &[0, 1])]);
            assert!(!try_open(hosts.clone()).unwrap().context.has_already(&host("h0")), "{last:?}");
            assert_eq!(found(hosts), (Some(NAMES[1].into()), vec!["h0".into()]), "{last:?} {there:?}");
        }
    }
}

#[test]
fn releases_of_other_tools_are_told_by_who_has_them() {
    let hosts = fleet_of(vec![unit(1, &[0], Some(0), ""), unit(2, &[0, 1], Some(1), "")]);
    assert_eq!(found(hosts), (Some(NAMES[1].into()), vec!["h0".into()]));
    // Ours on the one, that was adopted there; only theirs on the other.
    let adopted = record("r1", 1, NAMES[0], ReleaseState::Confirmed) + &deployed(&[1]);
    let hosts = fleet_of(vec![unit(1, &[0, 1], Some(1), &adopted), unit(2, &[0], Some(0), "")]);
    assert_eq!(found(hosts), (Some(NAMES[1].into()), vec!["h1".into()]));
    // A run that adopted a release on a host and failed there has made nothing live.
    let failed =
        record("r1", 1, NAMES[0], ReleaseState::Confirmed) + &record("r1", 2, NAMES[1], ReleaseState::Building);
    let hosts = fleet_of(vec![unit(1, &[0, 1], Some(1), &adopted), unit(2, &[0], Some(0), &failed)]);
    assert_eq!(found(hosts), (Some(NAMES[1].into()), vec!["h1".into()]));
}

#[test]
fn hosts_that_went_apart_are_refused() {
    let halves = fleet_of(vec![at(1, &[0, 1]), at(2, &[0, 2]), at(0, &[0])]);
    let problem = refused(halves);
    assert_eq!(problem.kind, ProblemKind::HostsDisagree);
    assert_eq!(problem.tail, [format!("h0 {}", NAMES[1]), format!("h1 {}", NAMES[2]), format!("h2 {}", NAMES[0])]);
    assert!(problem.next.unwrap().contains(NAMES[0]));
    // A host that was put back, and one that could not be: each knows of the other's run.
    use ReleaseState as S;
    let back = deployed(&[0])
        + &record("r1", 2, NAMES[1], S::Building)
        + &record("r1", 2, NAMES[1], S::Live)
        + &record("r1", 2, NAMES[1], S::Reverted);
    let stays = deployed(&[0]) + &record("r1", 2, NAMES[1], S::Building) + &record("r1", 2, NAMES[1], S::Live);
    let hosts = fleet_of(vec![unit(1, &[0], Some(0), &back), unit(2, &[0, 1], Some(1), &stays)]);
    assert_eq!(refused(hosts).kind, ProblemKind::HostsDisagree);
}

/// Each was once where the other is now, and has gone on from there without it.
#[test]
fn hosts_that_crossed_are_refused() {
    use ReleaseState as S;
    let both = deployed(&[0, 1]);
    let one = both.clone() + &record("x", 1, NAMES[0], S::Live);
    let two = both + &record("y", 1, NAMES[0], S::Live) + &record("z", 2, NAMES[1], S::Live);
    let hosts = fleet_of(vec![unit(1, &[0, 1], Some(0), &one), unit(2, &[0, 1], Some(1), &two)]);
    assert_eq!(refused(hosts).kind, ProblemKind::HostsDisagree);
}

/// One name, two releases.
#[test]
fn a_name_alone_is_no_release() {
    use ReleaseState as S;
    let entry = |state| record("x", 7, NAMES[1], state);
    let lines = deployed(&[0]) + &entry(S::Building) + &entry(S::Live) + &entry(S::Confirmed);
    let other = unit(9, &[0, 1], Some(1), &lines);
    assert_eq!(refused(fleet_of(vec![at(1, &[0, 1]), other])).kind, ProblemKind::HostsDisagree);
    // It lies on a host that is behind and was live there: neither removed nor taken for the other.
    let ledger = lines + &record("y", 1, NAMES[0], S::Live);
    let ahead = deployed(&[0]) + &record("y", 1, NAMES[0], S::Live) + &deployed(&[1]);
    let hosts = fleet_of(vec![unit(1, &[0, 1], Some(1), &ahead), unit(2, &[0, 1], Some(0), &ledger)]);
    let problem = refused(hosts);
    assert!(problem.why.contains("another release of the name"), "{}", problem.why);
    assert_eq!(problem.host, Some(host("h1")));
}

#[test]
fn a_revision_that_nobody_knows_cannot_be_built() {
    let nameless = |mut facts: HostFacts| {
        facts.releases.iter_mut().for_each(|entry| entry.revision = None);
        facts
    };
    let hosts = fleet_of(vec![nameless(unit(1, &[0, 1], Some(1), "")), nameless(unit(2, &[0], Some(0), ""))]);
    let problem = refused(hosts);
    assert!(problem.why.contains("of which revision"), "{}", problem.why);
    // Without connecting nothing is known, and nothing refused.
    let mut hosts = fleet_of(vec![at(1, &[0, 1]), at(0, &[0])]);
    hosts.iter_mut().for_each(|facts| facts.current = Current::Unknown);
    assert_eq!(try_open(hosts).unwrap().opened.release, None);
}
