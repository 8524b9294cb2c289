//! Plans of releases that get to the fleet part by part.

use std::time::Duration;

use deploy_plan::{
    CommandText, HealthCheck, JournalEntry, JournalEvent, Op, Phase, Plan, Probe, Vantage, WaveSize, Work,
};
use indexmap::IndexSet;

use super::*;
use crate::fixture::*;
use crate::{Checker, FleetContext, open};

const NEW: &str = "20261123060439";
const OLD: &str = "20261101000000";

fn rollout(sizes: &[WaveSize]) -> Rollout {
    Rollout { sizes: sizes.to_vec(), pause: Duration::from_secs(30), ask: true }
}

fn context(purpose: Purpose) -> FleetContext {
    open(&transaction(purpose, &FLEET), &identity(), &fleet(&[OLD])).unwrap().context
}

/// The flow of the classic recipe, its release in waves.
fn in_waves(sizes: &[WaveSize]) -> Vec<Item> {
    let mut items = classic(NEW);
    for item in &mut items {
        if let Item::Builtin(BuiltinItem { builtin: Builtin::Publish(publish), .. }) = item {
            publish.rollout = Some(rollout(sizes));
        }
    }
    items
}

fn before_the_edge(items: &mut Vec<Item>, more: Vec<Item>) {
    let edge = items.iter().position(|item| *item == Item::Edge).unwrap();
    items.splice(edge..edge, more);
}

fn planned(items: &[Item]) -> Plan {
    let context = context(deploy());
    let plan = Planner::new(context.clone()).segment(items, true).unwrap();
    Checker::new(&context).check(&plan).unwrap();
    plan
}

fn told(phase: &Phase) -> String {
    let steps: Vec<String> = phase
        .steps
        .iter()
        .map(|step| {
            let hosts: Vec<&str> = step.hosts().map(HostId::as_str).collect();
            format!("{} on {}", step.slot.word(), hosts.join("+"))
        })
        .collect();
    format!("{}: {}", phase.title, steps.join(", "))
}

#[test]
fn each_wave_switches_and_restarts_before_the_next() {
    let plan = planned(&in_waves(&[WaveSize::Hosts(1), WaveSize::Hosts(2), WaveSize::Percent(100)]));
    let waves: Vec<String> = plan.phases.iter().skip_while(|phase| phase.wave.is_none()).map(told).collect();
    assert_eq!(
        waves,
        [
            "wave 1 of 3: publish 20261123060439: publish on web1",
            "wave 2 of 3 (after 30 s, when you say yes): publish 20261123060439: publish on web2+app1",
            "wave 2 of 3: deploy:restart: restart on app1",
            "wave 3 of 3 (after 30 s, when you say yes): publish 20261123060439: publish on app2+db1",
            "wave 3 of 3: deploy:restart: restart on app2",
            "confirm 20261123060439: confirm on web1+web2+app1+app2+db1",
            "record and clean up: after on web1+web2+app1+app2+db1",
        ]
    );
}

#[test]
fn a_wave_that_is_not_all_is_journalled_as_such() {
    let events = |plan: &Plan| -> Vec<String> {
        let ops = plan.phases.iter().flat_map(|phase| &phase.steps).filter_map(|step| match &step.work {
            Work::Ops(ops) => Some(ops.values().flatten()),
            Work::Command(_) => None,
        });
        let event = |op: &Op| match op {
            Op::Journal(JournalEntry { event: event @ (JournalEvent::Wave | JournalEvent::Switch), .. }) => {
                Some(format!("{event:?}"))
            }
            _ => None,
        };
        ops.flatten().filter_map(event).collect::<IndexSet<String>>().into_iter().collect()
    };
    assert_eq!(events(&planned(&in_waves(&[WaveSize::Hosts(2)]))), ["Wave", "Switch"]);
    assert_eq!(events(&planned(&in_waves(&[WaveSize::Percent(100)]))), ["Switch"]);
}

#[test]
fn a_fleet_that_is_one_wave_is_switched_at_once() {
    let (one, none) = (planned(&in_waves(&[WaveSize::Hosts(9)])), planned(&classic(NEW)));
    assert_eq!(one, none);
}

#[test]
fn hosts_without_the_release_come_last_and_checks_come_with_their_wave() {
    let check = HealthCheck {
        probe: Probe::Unit("puma".into()),
        from: Vantage::Host,
        attempts: 1,
        interval: Duration::ZERO,
        timeout: Duration::from_secs(1),
        deadline: Duration::from_secs(1),
    };
    let health = Item::Health(HealthItem { check, hosts: hosts(&["web1", "app2"]), site: None });
    let mut items = in_waves(&[WaveSize::Hosts(3)]);
    before_the_edge(&mut items, vec![command("reload", &["balancer", "web1"]), handler(7), health]);
    let plan = planned(&items);
    let waves: Vec<String> = plan.phases.iter().filter(|phase| phase.wave.is_some()).map(told).collect();
    assert_eq!(
        waves,
        [
            "wave 1 of 2: publish 20261123060439: publish on web1+web2+app1",
            "wave 1 of 2: deploy:restart: restart on app1",
            "wave 1 of 2: deploy: publish on web1",
            "wave 1 of 2: check that it is healthy: health on web1",
            "wave 2 of 2 (after 30 s, when you say yes): publish 20261123060439: publish on app2+db1",
            "wave 2 of 2: deploy:restart: restart on app2",
            "wave 2 of 2: deploy: publish on balancer",
            "wave 2 of 2: check that it is healthy: health on app2",
        ]
    );
    let with_handlers: Vec<&str> =
        plan.phases.iter().filter(|phase| !phase.handlers.is_empty()).map(|phase| phase.title.as_str()).collect();
    assert_eq!(with_handlers, ["wave 1 of 2: check that it is healthy"]);
}

#[test]
fn what_is_decided_at_run_time_cannot_come_in_waves() {
    let items = in_waves(&[WaveSize::Hosts(1)]);
    let edge = items.iter().position(|item| *item == Item::Edge).unwrap();
    let refused = |plan: Result<Plan, Problem>| {
        let problem = plan.unwrap_err();
        assert_eq!((problem.kind, problem.what.as_str()), (ProblemKind::Usage, "make the release live in waves"));
    };
    refused(Planner::new(context(deploy())).segment(&items[..edge], false));
    refused(Planner::new(context(deploy())).segment_before_a_look(&items[..edge]));
    let mut maybe = items.clone();
    before_the_edge(&mut maybe, vec![Item::Condition(Some("it is so".into()))]);
    refused(Planner::new(context(deploy())).segment(&maybe, true));
    // A flow that waits before the switch is none of that, and one that ends without an edge ends well.
    let switch = items.iter().position(|item| matches!(item, Item::Builtin(b) if b.task == "deploy:create_symlink"));
    let mut planner = Planner::new(context(deploy()));
    planner.segment(&items[..switch.unwrap()], false).unwrap();
    planner.segment(&items[switch.unwrap()..edge], true).unwrap();
}

#[test]
fn a_removal_waits_for_the_last_wave() {
    let mut items = in_waves(&[WaveSize::Hosts(2)]);
    before_the_edge(&mut items, vec![builtin("deploy:cleanup", &FLEET, Builtin::Cleanup { keep: 1 })]);
    let plan = planned(&items);
    let after: Vec<bool> = plan.phases.iter().map(|phase| phase.slot == Slot::After).collect();
    let first = after.iter().position(|after| *after).unwrap();
    assert!(plan.phases[..first].iter().any(|phase| phase.wave.is_some_and(|wave| wave.number == 3)));
    assert!(plan.phases[first..].iter().all(|phase| phase.wave.is_none()));
    let texts = plan.phases.iter().flat_map(|phase| &phase.steps).filter_map(|step| match &step.work {
        Work::Command(command) => Some(&command.text),
        Work::Ops(_) => None,
    });
    assert_eq!(texts.filter(|text| **text == CommandText::Same("touch restart.txt".into())).count(), 1);
}
