//! Ends of runs, and what can never happen.

use proptest::prelude::*;

use super::*;
use crate::fixture::{classic, deploy, fleet, host, hosts, identity, transaction};
use crate::{Planner, open, undo_phases};
use deploy_plan::StepId;

use FleetEvent as F;
use UnitEvent as E;

fn run(events: &[FleetEvent]) -> FleetMachine {
    let mut machine = FleetMachine::deploy(hosts(&["a", "b"]));
    for event in events {
        machine.apply(event.clone()).unwrap();
    }
    machine
}

fn unit(name: &str, events: &[UnitEvent]) -> Vec<FleetEvent> {
    events.iter().map(|event| F::Unit(host(name), *event)).collect()
}

const BUILT: [UnitEvent; 2] = [E::Claimed, E::Sealed];
const WHOLE: [UnitEvent; 4] = [E::Claimed, E::Sealed, E::Switched, E::Confirmed];

#[test]
fn ends() {
    let lost = |name: &str| vec![F::Lost(host(name))];
    let intent = || vec![F::Intent(host("a")), F::Intent(host("b"))];
    let cases: Vec<(Vec<Vec<FleetEvent>>, Outcome)> = vec![
        (vec![], Outcome::Done),
        (vec![unit("a", &WHOLE), unit("b", &WHOLE)], Outcome::Deployed),
        (vec![unit("a", &BUILT), unit("b", &BUILT)], Outcome::Done),
        (vec![unit("a", &BUILT), vec![F::Failed(host("b"))], unit("a", &[E::Removed])], Outcome::FailedClean),
        (vec![unit("a", &BUILT), lost("b")], Outcome::FailedClean),
        (vec![unit("a", &BUILT), vec![F::Interrupted]], Outcome::Interrupted),
        (vec![unit("a", &WHOLE), unit("b", &BUILT), intent(), lost("b")], Outcome::Stuck),
        (vec![unit("a", &WHOLE), unit("b", &BUILT), vec![F::Failed(host("b"))]], Outcome::Stuck),
        (
            vec![unit("a", &WHOLE), unit("b", &BUILT), vec![F::Failed(host("b"))], unit("a", &[E::SwitchedBack])],
            Outcome::PutBack,
        ),
        (
            vec![unit("a", &WHOLE), unit("b", &BUILT), vec![F::Interrupted], unit("a", &[E::SwitchedBack])],
            Outcome::Interrupted,
        ),
        (
            vec![
                unit("a", &BUILT),
                unit("b", &BUILT),
                intent(),
                lost("b"),
                vec![F::Found(host("b"), UnitState::Live)],
                unit("b", &[E::SwitchedBack]),
                unit("a", &[E::SwitchedBack]),
            ],
            Outcome::PutBack,
        ),
        (
            vec![unit("a", &WHOLE), unit("b", &BUILT), vec![F::Failed(host("b")), F::NotPutBack(host("a"))]],
            Outcome::Stuck,
        ),
        // Everywhere confirmed, but one answer is missing: not a success.
        (vec![unit("a", &WHOLE), unit("b", &WHOLE), intent(), lost("b")], Outcome::Stuck),
    ];
    for (number, (events, outcome)) in cases.into_iter().enumerate() {
        assert_eq!(run(&events.concat()).outcome(), outcome, "case {number}");
    }
}

#[test]
fn a_recipe_that_publishes_itself_is_proven_by_the_read_back_alone() {
    let mut events = [unit("a", &BUILT), unit("b", &BUILT), unit("a", &[E::Confirmed])].concat();
    let half = run(&events);
    assert_eq!((half.outcome(), half.host_result(&host("a"))), (Outcome::Stuck, HostResult::Live));
    events.extend(unit("b", &[E::Confirmed]));
    assert_eq!(run(&events).outcome(), Outcome::Deployed);
    for state in [UnitState::Absent, UnitState::Building, UnitState::Reverted, UnitState::Failed] {
        assert!(advance(state, E::Confirmed).is_err(), "{state}");
    }
    // Its switch back counts as one, too.
    events.truncate(4);
    events.extend(unit("a", &[E::Confirmed, E::SwitchedBack]));
    assert_eq!(run(&events).outcome(), Outcome::PutBack);
}

#[test]
fn rows_of_the_last_table() {
    let mut events = unit("a", &WHOLE);
    events.extend(unit("b", &BUILT));
    events.extend([F::Failed(host("b")), F::Unit(host("a"), E::SwitchedBack)]);
    let machine = run(&events);
    assert_eq!(machine.host_result(&host("a")), HostResult::PutBack);
    assert_eq!(machine.host_result(&host("b")), HostResult::Failed);
    assert_eq!(machine.host_result(&host("c")), HostResult::Idle);
    assert_eq!(run(&[]).host_result(&host("a")), HostResult::Ok);
    assert_eq!(run(&[F::Failed(host("b"))]).host_result(&host("a")), HostResult::Unchanged);
    assert_eq!(run(&[F::Lost(host("b"))]).host_result(&host("b")), HostResult::Unknown);
}

#[test]
fn a_migration_decides_too() {
    let machine = run(&[F::Migrating(host("db"))]);
    assert!(machine.is_decided() && machine.has_migrated());
    assert!(!run(&unit("a", &BUILT)).is_decided());
}

#[test]
fn what_is_live_is_never_removed() {
    for state in [UnitState::Live, UnitState::Confirmed] {
        assert!(advance(state, E::Removed).is_err());
    }
    let error = advance(UnitState::Absent, E::Switched).unwrap_err();
    assert_eq!(error.to_string(), "Switched cannot happen to a release that is Absent");
    let mut machine = FleetMachine::deploy(hosts(&["a"]));
    let error = machine.apply(F::Unit(host("a"), E::Confirmed)).unwrap_err();
    assert_eq!(error.to_string(), "Confirmed cannot happen to a release that is Absent on a");
}

/// The planner's steps, forward and back, move the machine only as the table allows.
#[test]
fn plans_move_the_machine() {
    let opened =
        open(&transaction(deploy(), &crate::fixture::FLEET), &identity(), &fleet(&["20261101000000"])).unwrap();
    let plan = Planner::new(opened.context).segment(&classic("20261123060439"), true).unwrap();
    let steps: Vec<(HostId, &Step)> = plan
        .phases
        .iter()
        .flat_map(|phase| &phase.steps)
        .flat_map(|step| step.hosts().map(move |host| (host.clone(), step)))
        .collect();
    // Killed after any number of steps, and put back.
    for count in 0..=steps.len() {
        let mut machine = FleetMachine::deploy(plan.hosts());
        let done = &steps[..count];
        for (host, step) in done {
            for event in events_of(step, host) {
                machine.apply(F::Unit(host.clone(), event)).unwrap();
            }
        }
        if count == steps.len() {
            assert_eq!(machine.outcome(), Outcome::Deployed);
        }
        machine.apply(F::Failed(host("web1"))).unwrap();
        for undo in undo_phases(done, &mut StepId(100)) {
            for step in &undo.phase.steps {
                for host in step.hosts() {
                    for event in events_of(step, host) {
                        machine.apply(F::Unit(host.clone(), event)).unwrap();
                    }
                }
            }
        }
        assert!(
            matches!(machine.outcome(), Outcome::FailedClean | Outcome::PutBack),
            "after {count} steps: {:?}",
            machine.outcome()
        );
    }
}

fn any_event() -> impl Strategy<Value = FleetEvent> {
    let name = proptest::sample::select(vec!["a", "b"]);
    let event =
        proptest::sample::select(vec![E::Claimed, E::Sealed, E::Switched, E::Confirmed, E::SwitchedBack, E::Removed]);
    (name, event, 0..8u8).prop_map(|(name, event, kind)| match kind {
        0 => F::Lost(host(name)),
        1 => F::Failed(host(name)),
        2 => F::Intent(host(name)),
        3 => F::Interrupted,
        _ => F::Unit(host(name), event),
    })
}

proptest! {
    /// "Deployed" only if every host was confirmed last; nothing live and unaccounted for under a clean end.
    #[test]
    fn ends_are_honest(events in proptest::collection::vec(any_event(), 0..40)) {
        let mut machine = FleetMachine::deploy(hosts(&["a", "b"]));
        for event in events {
            let before = machine.clone();
            if machine.apply(event).is_err() {
                prop_assert_eq!(format!("{:?}", machine), format!("{:?}", before), "an illegal move changes nothing");
            }
        }
        let states = ["a", "b"].map(|name| machine.unit(&host(name)).unwrap());
        let live = |state: &UnitState| matches!(state, UnitState::Live | UnitState::Confirmed);
        match machine.outcome() {
            Outcome::Deployed => prop_assert!(states.iter().all(|state| *state == UnitState::Confirmed)),
            Outcome::Stuck => {}
            _ => prop_assert!(!states.iter().any(live)),
        }
    }
}

#[test]
fn the_fleet_goes_on_without_a_host_that_was_never_told_to_switch() {
    let mut events = [unit("b", &BUILT), unit("b", &[E::Removed]), vec![F::LeftOut(host("b"))]].concat();
    events.extend(unit("a", &WHOLE));
    let machine = run(&events);
    assert_eq!(machine.outcome(), Outcome::Deployed);
    assert_eq!((machine.unit(&host("b")), machine.host_result(&host("b"))), (None, HostResult::Idle));
    let mut decided = run(&[F::Intent(host("b"))]);
    assert!(decided.apply(F::LeftOut(host("b"))).is_err(), "from there on it goes one way with the others");
    assert_eq!(decided.unit(&host("b")), Some(UnitState::Absent));
}
