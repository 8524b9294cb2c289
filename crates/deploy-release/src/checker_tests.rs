//! Plans that were right, with one thing broken each.

use deploy_plan::Purpose;

use super::*;
use crate::fixture::*;
use crate::{OpenedFleet, Planner, open};

const OLD: [&str; 2] = ["20261101000000", "20261102000000"];
const NEW: &str = "20261123060439";

fn opened() -> OpenedFleet {
    open(&transaction(deploy(), &FLEET), &identity(), &fleet(&OLD)).unwrap()
}

fn broken(change: impl FnOnce(&mut Plan)) -> Vec<Violation> {
    let fleet = opened();
    let mut plan = Planner::new(fleet.context.clone()).segment(&classic(NEW), true).unwrap();
    change(&mut plan);
    Checker::new(&fleet.context).check(&plan).err().unwrap_or_default()
}

fn ops<'a>(plan: &'a mut Plan, phase: usize, step: usize, name: &str) -> &'a mut Vec<Op> {
    match &mut plan.phases[phase].steps[step].work {
        Work::Ops(ops) => ops.get_mut(&host(name)).unwrap(),
        Work::Command(_) => panic!("a command"),
    }
}

#[test]
fn a_right_plan_passes() {
    assert_eq!(broken(|_| {}), []);
}

#[test]
fn a_switch_without_seal() {
    let found = broken(|plan| ops(plan, 0, 3, "db1").clear());
    assert_eq!(found.len(), 5, "one unfinished host keeps every host from switching: {found:?}");
    assert!(found.iter().all(|v| matches!(v, Violation::Unsealed { .. })));
}

#[test]
fn a_seal_in_the_phase_of_the_switch_is_too_late() {
    let found = broken(|plan| {
        let seal = plan.phases[1].steps.remove(1);
        plan.phases[2].steps.insert(0, seal);
    });
    assert!(matches!(found[0], Violation::Unsealed { .. }), "{found:?}");
}

#[test]
fn a_switch_to_something_else() {
    let found = broken(|plan| {
        let Some(Op::Switch { to, .. }) = ops(plan, 2, 0, "app1").last_mut() else { panic!() };
        *to = id(OLD[0]);
    });
    assert!(matches!(&found[..], [Violation::Target { host, .. }] if host.as_str() == "app1"), "{found:?}");
}

#[test]
fn a_switch_that_expects_something_else() {
    let found = broken(|plan| {
        let Some(Op::Switch { expect, .. }) = ops(plan, 2, 0, "app1").last_mut() else { panic!() };
        *expect = Expect::Nothing;
    });
    assert!(matches!(&found[..], [Violation::Expectation { .. }]), "{found:?}");
}

#[test]
fn no_way_back() {
    let found = broken(|plan| drop(plan.phases[2].steps[0].undo.shift_remove(&host("web2"))));
    assert!(matches!(&found[..], [Violation::NoUndo { host, .. }] if host.as_str() == "web2"), "{found:?}");
    let found = broken(|plan| plan.phases[0].steps[1].undo.clear());
    assert!(found.iter().any(|v| matches!(v, Violation::NoUndo { .. })), "{found:?}");
}

#[test]
fn an_undo_that_would_remove_what_it_found() {
    let found = broken(|plan| {
        for ops in plan.phases[0].steps[1].undo.values_mut() {
            ops.push(Op::RemoveRelease { release: id(NEW) });
        }
    });
    assert_eq!(found.len(), 5);
    assert!(found.iter().all(|v| matches!(v, Violation::BlindUndo { .. })), "{found:?}");
}

#[test]
fn building_after_the_switch() {
    let found = broken(|plan| {
        let mut late = plan.phases[0].steps[2].clone();
        late.id = StepId(100);
        plan.phases[4].steps.push(late);
    });
    assert!(matches!(found[0], Violation::LateBuild { .. }), "{found:?}");
}

#[test]
fn steps_for_nobody_and_out_of_order() {
    let found = broken(|plan| plan.phases[0].steps[0].id = StepId(9));
    assert!(found.contains(&Violation::Order(StepId(2))));
    let found = broken(|plan| plan.phases[2].steps[0].work = Work::Ops(IndexMap::new()));
    assert!(found.contains(&Violation::NoHost(StepId(7))));
}

#[test]
fn strangers() {
    let found = broken(|plan| {
        let Work::Ops(ops) = &mut plan.phases[0].steps[0].work else { panic!() };
        ops.insert(host("mail1"), vec![Op::ReadyLink { release: id(NEW) }]);
    });
    assert!(matches!(&found[..], [Violation::Stranger { host, .. }] if host.as_str() == "mail1"), "{found:?}");
}

#[test]
fn a_confirmation_without_proof() {
    let found = broken(|plan| drop(ops(plan, 3, 1, "web1").remove(0)));
    assert!(
        found.iter().any(|v| matches!(v, Violation::Unproven { host, .. } if host.as_str() == "web1")),
        "{found:?}"
    );
    assert!(found.contains(&Violation::TooEarly(StepId(10))), "{found:?}");
}

#[test]
fn removals_of_what_may_be_needed() {
    for (phase, step, release, why) in [
        (4, 0, NEW, "live"),
        (4, 0, OLD[1], "what the host goes back to"),
        (0, 2, OLD[0], "perhaps needed: nothing is finished yet"),
        (2, 0, OLD[0], "perhaps needed: not every host has confirmed before"),
    ] {
        let found = broken(|plan| ops(plan, phase, step, "web1").push(Op::RemoveRelease { release: id(release) }));
        assert!(
            matches!(&found[..], [Violation::Removal { why: told, .. }] if *told == why),
            "{phase} {release}: {found:?}"
        );
    }
    assert_eq!(
        broken(|plan| ops(plan, 4, 0, "web1").push(Op::RemoveRelease { release: id(OLD[0]) })),
        [],
        "an old one may go"
    );
}

#[test]
fn a_left_release_is_removed_only_when_every_host_has_confirmed() {
    let fleet = open(&transaction(Purpose::Rollback { to: None }, &FLEET), &identity(), &fleet(&OLD)).unwrap();
    let left = deploy_plan::Builtin::RemoveLeft { release: id(OLD[1]), archive: false };
    let items = [rollback(OLD[0], OLD[1], &FLEET), builtin("t", &FLEET, left)];
    let mut plan = Planner::new(fleet.context.clone()).segment(&items, true).unwrap();
    assert_eq!(Checker::new(&fleet.context).check(&plan), Ok(()));
    let after = plan.phases.pop().unwrap();
    plan.phases[0].steps.extend(after.steps);
    let found = Checker::new(&fleet.context).check(&plan).unwrap_err();
    let early = |v: &Violation| {
        matches!(v, Violation::Removal { why: "perhaps needed: not every host has confirmed before", .. })
    };
    assert_eq!(found.iter().filter(|v| early(v)).count(), FLEET.len(), "{found:?}");
}

#[test]
fn nothing_but_proofs_among_the_proofs() {
    // The log of the first release that failed its proof would tell people that it is live.
    let found = broken(|plan| {
        let after = plan.phases.pop().unwrap();
        plan.phases[3].steps.extend(after.steps);
    });
    assert!(found.contains(&Violation::TooEarly(StepId(10))), "{found:?}");
    assert_eq!(found.iter().filter(|v| matches!(v, Violation::Unproven { .. })).count(), FLEET.len(), "{found:?}");
    let reverted = |plan: &mut Plan| {
        let Op::Record(mut entry) = ops(plan, 4, 0, "web2")[0].clone() else { panic!() };
        (entry.release, entry.state) = (id(OLD[1]), ReleaseState::Reverted);
        ops(plan, 3, 1, "web2").push(Op::Record(entry));
    };
    assert_eq!(broken(reverted), [Violation::NoProof(StepId(9))]);
    // One host without a proof is enough.
    let unproven = |plan: &mut Plan| {
        let Work::Ops(ops) = &mut plan.phases[3].steps[1].work else { panic!() };
        ops.shift_remove(&host("app2"));
    };
    assert_eq!(broken(unproven)[0], Violation::TooEarly(StepId(10)));
}
