//! A run dies after every single op: it is put back, or left lying for the next run, and nothing is ever wrong.

use std::fs;

use deploy_inventory::HostId;
use deploy_plan::{
    Builtin, BuiltinItem, Expect, Item, LogLine, Op, Plan, Publish, Purpose, Revision, Rollback, RunId, SharedLink,
    Slot, Step, Transaction, UpdateCode, Work,
};
use deploy_release::{Checker, OpenedFleet, Planner, RunIdentity, compile_step, open, reconcile, undo_phases};
use indexmap::IndexMap;

use crate::world::{Shell, World, id, in_every_shell, names, tree};

const OLD: [&str; 2] = ["20260101000000", "20260102000000"];

fn host() -> HostId {
    HostId::new("h")
}

fn identity(run: &str) -> RunIdentity {
    RunIdentity { run: RunId::new(run).unwrap(), by: "alice@laptop".into(), unix_seconds: 1_795_413_879 }
}

fn begin(world: &World, purpose: Purpose) -> OpenedFleet {
    let transaction =
        Transaction { purpose, layout: world.layout.clone(), hosts: vec![host()], sudo: false, site: None };
    let mut facts = world.probe();
    facts.tools.clear();
    let facts = IndexMap::from([(host(), facts)]);
    open(&transaction, &identity(world.run.as_str()), &facts).unwrap()
}

fn item(builtin: Builtin) -> Item {
    Item::Builtin(BuiltinItem { builtin, hosts: vec![host()], task: "t".into(), site: None, sudo: false })
}

fn deploy(world: &World) -> Plan {
    let fleet = begin(world, Purpose::Deploy { release_name: None });
    let release = fleet.opened.release.clone().unwrap();
    let path = world.at("releases").join(release.as_str());
    let path = path.display();
    let update = UpdateCode {
        release: release.clone(),
        revision: Revision::new("4711").unwrap(),
        label: "trunk".into(),
        checkout: vec![
            Op::Script { title: "half".into(), body: format!("mkdir '{path}' && echo 1 >'{path}/a'") },
            Op::Script { title: "whole".into(), body: format!("mkdir '{path}/sub' && echo 1 >'{path}/sub/b'") },
        ],
        write_revision: true,
        links: vec![SharedLink { at: "log".into(), target: world.layout.shared.join("log") }],
        group_writable: true,
        assets: None,
        refuse_dangling: false,
        flush: false,
    };
    let publish = Publish {
        release,
        revision: Some(update.revision.clone()),
        label: "trunk".into(),
        log: LogLine::default(),
        rollout: None,
    };
    let items = [
        item(Builtin::UpdateCode(Box::new(update))),
        item(Builtin::Publish(publish)),
        item(Builtin::Cleanup { keep: 2 }),
        Item::Edge,
    ];
    checked(&fleet, &items)
}

fn go_back(world: &World) -> Plan {
    let fleet = begin(world, Purpose::Rollback { to: None });
    let (to, from) = (fleet.opened.release.clone().unwrap(), fleet.context.live(&host()).cloned());
    checked(&fleet, &[item(Builtin::Rollback(Rollback { to, from, log: LogLine::default() })), Item::Edge])
}

fn checked(fleet: &OpenedFleet, items: &[Item]) -> Plan {
    let plan = Planner::new(fleet.context.clone()).segment(items, true).unwrap();
    assert_eq!(Checker::new(&fleet.context).check(&plan), Ok(()));
    plan
}

fn steps(plan: &Plan) -> Vec<&Step> {
    plan.phases.iter().flat_map(|phase| &phase.steps).collect()
}

/// The step with only its first ops.
fn part(step: &Step, count: usize) -> Step {
    let mut step = step.clone();
    if let Work::Ops(ops) = &mut step.work {
        for ops in ops.values_mut() {
            ops.truncate(count);
        }
    }
    step
}

fn length(step: &Step) -> usize {
    match &step.work {
        Work::Ops(ops) => ops.values().map(Vec::len).max().unwrap_or(0),
        Work::Command(_) => 0,
    }
}

/// Steps in a row, as a runner would take them.
fn run_steps(world: &World, steps: &[Step]) {
    let texts: Vec<String> = steps.iter().filter_map(|step| compile_step(step, &host(), &world.cx())).collect();
    if !texts.is_empty() {
        let output = world.sh(&texts.join(" || exit\n"));
        assert!(output.status.success(), "{:?} {output:?}\n{}", world.shell, texts.join(" || exit\n"));
    }
}

/// Runs a plan and dies after `ops` ops. Answers what was started, and whether the end was reached.
fn run_until<'a>(world: &World, plan: &'a Plan, ops: usize) -> (Vec<(HostId, &'a Step)>, bool) {
    let mut left = ops;
    let (mut started, mut parts) = (Vec::new(), Vec::new());
    for step in steps(plan) {
        started.push((host(), step));
        let now = length(step).min(left);
        parts.push(part(step, now));
        left -= now;
        if now < length(step) {
            run_steps(world, &parts);
            // A phase goes to the host in one piece: nobody knows which of its steps began.
            let phase = plan.phases.iter().find(|phase| phase.steps.contains(step));
            let behind = phase.into_iter().flat_map(|phase| &phase.steps).filter(|later| later.id > step.id);
            started.extend(behind.map(|step| (host(), step)));
            return (started, false);
        }
    }
    run_steps(world, &parts);
    (started, true)
}

/// All but our own directory, and the log for people.
fn visible(world: &World) -> Vec<String> {
    let ours = |line: &String| line.starts_with(".capstan") || line.starts_with("revisions.log");
    tree(&world.at("")).into_iter().filter(|line| !ours(line)).collect()
}

fn fresh(world: &World, live: &[&str]) -> World {
    let world = world.moved("app");
    world.with_releases(live);
    if let Some(last) = live.last() {
        world.publish_by_hand(last);
    }
    world
}

type Flow = fn(&World) -> Plan;

#[test]
fn killed_anywhere_and_put_back() {
    in_every_shell(|world| {
        let flows: [(&[&str], Flow); 3] = [(&OLD, deploy), (&[], deploy), (&OLD, go_back)];
        for (live, flow) in flows {
            for ops in 0.. {
                let world = fresh(world, live);
                let before = visible(&world);
                let plan = flow(&world);
                let (started, whole) = run_until(&world, &plan, ops);
                if whole {
                    assert!(ops > 5);
                    break;
                }
                let confirmed = started.iter().any(|(_, step)| step.slot == Slot::Confirm);
                if !confirmed {
                    // Undone twice: the first answer may be lost.
                    for _ in 0..2 {
                        let mut next = deploy_plan::StepId(100);
                        for undo in undo_phases(&started, &mut next) {
                            run_steps(&world, &undo.phase.steps);
                        }
                    }
                    assert_eq!(visible(&world), before, "{ops} ops of\n{}", plan.outline());
                    assert!(names(&world.at(".capstan/trash")).is_empty());
                    assert_eq!(world.live().as_deref(), live.last().copied());
                }
            }
        }
    });
}

#[test]
fn killed_anywhere_and_left_lying() {
    in_every_shell(|world| {
        let flows: [(&[&str], Flow); 2] = [(&OLD, deploy), (&OLD, go_back)];
        for (live, flow) in flows {
            for ops in 0.. {
                let world = fresh(world, live);
                let plan = flow(&world);
                let (_, whole) = run_until(&world, &plan, ops);
                assert!(world.live().is_some(), "current always resolves");
                if whole {
                    break;
                }
                // One shell sees every place, the others every third.
                if world.shell == Shell::Dash || ops % 3 == 0 {
                    next_run(&world, ops);
                }
            }
        }
    });
}

/// A run after a dead one publishes what it is asked to, and a rollback from there goes to a good release.
fn next_run(world: &World, ops: usize) {
    let mut later = world.for_run("r2");
    later.enter("r2");
    let ledger = fs::read_to_string(world.at(".capstan/ledger")).unwrap();
    let good: Vec<String> = reconcile(&later.probe())
        .releases
        .iter()
        .filter(|release| release.good && release.present)
        .map(|release| release.id.as_str().to_owned())
        .collect();
    for name in &good {
        let proven = OLD.contains(&name.as_str()) || ledger.contains(&format!("\tconfirmed\t{name}\t"));
        assert!(proven, "{name} is taken for good after {ops} ops:\n{ledger}");
    }
    let plan = deploy(&later);
    let (_, whole) = run_until(&later, &plan, usize::MAX);
    assert!(whole);
    let live = later.live().unwrap();
    assert!(plan.outline().contains(&format!("switch current to releases/{live}")), "after {ops} ops");
    assert_eq!(fs::read_to_string(later.current().join("sub/b")).unwrap(), "1\n");
    assert_eq!(fs::read_to_string(later.current().join("REVISION")).unwrap(), "4711\n");
    if good.is_empty() {
        return;
    }
    later = later.for_run("r3");
    later.enter("r3");
    let plan = go_back(&later);
    run_until(&later, &plan, usize::MAX);
    assert!(good.contains(&later.live().unwrap()), "after {ops} ops: {:?} of {good:?}", later.live());
}

/// Runs an op that dies at its n-th change: before it, or with the effect done and nobody told.
fn cut(world: &World, op: &Op, changes: usize, after: bool) -> bool {
    let act = if after {
        "command $1 \"$@\"; [ $cap_n -gt 0 ] || exit 99"
    } else {
        "[ $cap_n -gt 0 ] || exit 99; command $1 \"$@\""
    };
    let mut text = format!("cap_n={changes}\n");
    for tool in ["mv", "ln", "rm", "chmod", "sync"] {
        text += &format!("{tool}() {{ cap_n=$((cap_n - 1)); {}; }}\n", act.replace("$1", tool));
    }
    let output = world.sh(&(text + &world.text(op)));
    assert!(matches!(output.status.code(), Some(0 | 99)), "{output:?}");
    output.status.code() == Some(99)
}

/// Every change inside an op: `current` resolves all the time, and both doing it again and undoing it are right.
#[test]
fn cut_inside_an_op() {
    in_every_shell(|world| {
        let switch = |to: &str, from: &str| Op::Switch { to: id(to), expect: Expect::Release(id(from)) };
        let cases = [
            (Some("1"), switch("2", "1"), switch("1", "2")),
            (None, Op::Switch { to: id("2"), expect: Expect::Nothing }, Op::Unpublish { from: id("2") }),
            (Some("2"), Op::Unpublish { from: id("2") }, switch("2", "2")),
            (Some("1"), Op::RemoveRelease { release: id("2") }, Op::EmptyTrash),
        ];
        for (live, op, undo) in &cases {
            for after in [false, true] {
                for changes in 0.. {
                    let mut died = false;
                    for again in [true, false] {
                        let world = fresh(world, &["1", "2"]);
                        let _ = fs::remove_file(world.current());
                        live.iter().for_each(|name| world.publish_by_hand(name));
                        died = cut(&world, op, changes, after);
                        if live.is_some() && !matches!(op, Op::Unpublish { .. }) {
                            assert!(world.live().is_some(), "{op:?} cut at {changes}");
                        }
                        assert!(world.releases().contains(&"1".to_owned()), "nothing else is touched");
                        if again {
                            world.ok(op);
                            let wanted = match op {
                                Op::Switch { to, .. } => Some(to.as_str()),
                                Op::Unpublish { .. } => None,
                                _ => *live,
                            };
                            assert_eq!(world.live().as_deref(), wanted, "{op:?} cut at {changes}, again");
                        } else if !matches!(op, Op::Unpublish { .. }) {
                            world.ok(undo);
                            assert_eq!(world.live().as_deref(), *live, "{op:?} cut at {changes}, undone");
                        }
                        assert!(
                            names(&world.at(".capstan/trash")).is_empty() || !again || matches!(op, Op::Switch { .. })
                        );
                    }
                    if !died {
                        assert!(changes > 1, "{op:?} changes nothing?");
                        break;
                    }
                }
            }
        }
    });
}
