//! Plans of whole flows, read as people read them.

use deploy_plan::{Builtin, HandlerId, Op, Purpose, Step};

use super::*;
use crate::fixture::*;
use crate::{Checker, OpenedFleet, open};

const OLD: [&str; 2] = ["20261101000000", "20261102000000"];
const NEW: &str = "20261123060439";

fn opened(purpose: Purpose, releases: &[&str]) -> OpenedFleet {
    open(&transaction(purpose, &FLEET), &identity(), &fleet(releases)).unwrap()
}

fn plan(fleet: &OpenedFleet, items: &[Item]) -> Plan {
    let plan = Planner::new(fleet.context.clone()).segment(items, true).unwrap();
    Checker::new(&fleet.context).check(&plan).unwrap();
    plan
}

fn ops<'a>(plan: &'a Plan, step: u32, host_name: &str) -> &'a [Op] {
    let step = plan.phases.iter().flat_map(|phase| &phase.steps).find(|s| s.id == StepId(step)).unwrap();
    match &step.work {
        Work::Ops(ops) => &ops[&host(host_name)],
        Work::Command(_) => panic!("{} is a command", step.title),
    }
}

/// Ops in short: what they do to which release, in which state.
fn short(ops: &[Op]) -> Vec<String> {
    let one = |op: &Op| match op {
        Op::Record(entry) => format!("record {} {} {}", entry.sequence, entry.release, entry.state.word()),
        Op::Switch { to, expect } => format!("switch {to} {expect:?}").replace("ReleaseId(", "").replace(')', ""),
        Op::RemoveRelease { release } => format!("remove {release}"),
        Op::AbandonRelease { failed } => {
            format!("abandon {} {} {}", failed.sequence, failed.release, failed.state.word())
        }
        Op::ReadyLink { release } => format!("link {release}"),
        Op::ReadBack { release } => format!("read {release}"),
        Op::AppendLine { line, .. } => format!("log {line}"),
        other => format!("{other:?}").split([' ', '(']).next().unwrap().to_owned(),
    };
    ops.iter().filter(|op| !matches!(op, Op::Journal(_))).map(one).collect()
}

/// What each step writes into the journal of a host: before the act that it announces, and the end behind all proofs.
#[test]
fn the_journal_says_what_follows() {
    let fleet = opened(deploy(), &OLD);
    let plan = plan(&fleet, &classic(NEW));
    let said = |op: &Op| match op {
        Op::Journal(entry) => format!("{:?}", entry.event).split([' ', '{']).next().unwrap().to_owned(),
        Op::Switch { .. } => "switch".to_owned(),
        Op::ReadBack { .. } => "proof".to_owned(),
        _ => String::new(),
    };
    let all = plan.phases.iter().flat_map(|phase| &phase.steps).filter_map(|step| match &step.work {
        Work::Ops(ops) => ops.get(&host("app1")),
        Work::Command(_) => None,
    });
    let said: Vec<String> = all.flatten().map(said).filter(|said| !said.is_empty()).collect();
    assert_eq!(said, ["Begin", "Switch", "switch", "proof", "End(Done)"]);
}

#[test]
fn the_classic_recipe() {
    let fleet = opened(deploy(), &OLD);
    assert_eq!(fleet.opened.release.as_ref().unwrap().as_str(), NEW);
    let plan = plan(&fleet, &classic(NEW));
    assert_eq!(
        plan.outline(),
        " 1. build release 20261123060439 (build)
      claim releases/20261123060439  [web1, web2, app1, app2, db1]
      check out 4711 into releases/20261123060439  [web1, web2, app1, app2, db1]
      link what is shared  [web1, web2, app1, app2, db1]
      finish releases/20261123060439  [web1, web2, db1]
 2. deploy:after_update_code (build)
      ln -nfs database.yml  [app1, app2]
      finish releases/20261123060439  [app1, app2]
 3. publish 20261123060439 (publish)
      switch current to releases/20261123060439  [web1, web2, app1, app2, db1]
 4. deploy:restart (restart)
      touch restart.txt  [app1, app2]
      read back releases/20261123060439  [web1, web2, app1, app2, db1]
 5. record and clean up (after)
      record releases/20261123060439 as good  [web1, web2, app1, app2, db1]
"
    );
    let ids: Vec<u32> = plan.phases.iter().flat_map(|phase| &phase.steps).map(|step| step.id.0).collect();
    assert_eq!(ids, (1..=10).collect::<Vec<u32>>());
    assert_eq!(short(ops(&plan, 1, "web1")), ["ClaimRelease", "record 3 20261123060439 building"]);
    assert_eq!(short(ops(&plan, 2, "web1")), ["Script", "WriteFile"]);
    assert_eq!(short(ops(&plan, 3, "web1")), ["GroupWritable", "ReplaceWithLink"]);
    assert_eq!(
        short(ops(&plan, 4, "db1")),
        ["CheckLinks", "Flush", "record 3 20261123060439 ready", "link 20261123060439"]
    );
    assert_eq!(
        short(ops(&plan, 7, "app1")),
        ["record 3 20261123060439 live", "switch 20261123060439 Release(\"20261102000000\""]
    );
    assert_eq!(short(ops(&plan, 9, "app1")), ["read 20261123060439"]);
    assert_eq!(
        short(ops(&plan, 10, "app1")),
        [
            "record 3 20261123060439 confirmed",
            "log Branch trunk (at 4711) deployed as release 20261123060439 by alice",
            "link 20261123060439",
            "link 20261101000000",
            "link 20261102000000"
        ]
    );
    let step = |id: u32| plan.phases.iter().flat_map(|p| &p.steps).find(|s| s.id.0 == id).unwrap();
    assert_eq!(short(&step(2).undo[&host("web1")]), ["abandon 3 20261123060439 failed"]);
    assert_eq!(short(&step(7).undo[&host("web1")])[1], "record 3 20261123060439 reverted");
    assert_eq!(step(10).slot, Slot::After, "after the proof nothing turns back");
}

#[test]
fn a_first_deploy_is_undone_by_taking_the_link_away() {
    let plan = plan(&opened(deploy(), &[]), &classic(NEW));
    let switch = &plan.phases[2].steps[0];
    assert_eq!(short(ops(&plan, 7, "web1"))[1], format!("switch {NEW} Nothing"));
    assert_eq!(short(&switch.undo[&host("web1")]), ["Unpublish", "record 1 20261123060439 reverted"]);
}

#[test]
fn known_only_in_pieces_the_seal_has_a_phase_of_its_own() {
    let fleet = opened(deploy(), &OLD);
    let mut planner = Planner::new(fleet.context.clone());
    let mut checker = Checker::new(&fleet.context);
    let items = classic(NEW);
    let mut outline = String::new();
    // The recipe waits for a result after the hook's command, and again after the restart.
    for (part, end) in [(&items[..7], false), (&items[7..14], false), (&items[14..], true)] {
        let plan = planner.segment(part, end).unwrap();
        checker.check(&plan).unwrap();
        outline += &plan.outline();
        outline += "--\n";
    }
    assert_eq!(
        outline,
        " 1. build release 20261123060439 (build)
      claim releases/20261123060439  [web1, web2, app1, app2, db1]
      check out 4711 into releases/20261123060439  [web1, web2, app1, app2, db1]
      link what is shared  [web1, web2, app1, app2, db1]
 2. deploy:after_update_code (build)
      ln -nfs database.yml  [app1, app2]
--
 1. finish release 20261123060439 (build)
      finish releases/20261123060439  [web1, web2, app1, app2, db1]
 2. publish 20261123060439 (publish)
      switch current to releases/20261123060439  [web1, web2, app1, app2, db1]
 3. deploy:restart (restart)
      touch restart.txt  [app1, app2]
--
 1. confirm 20261123060439 (confirm)
      read back releases/20261123060439  [web1, web2, app1, app2, db1]
 2. record and clean up (after)
      record releases/20261123060439 as good  [web1, web2, app1, app2, db1]
--
"
    );
    assert_eq!(planner.next_step_id(), StepId(10));
}

/// Where the flow only waits for a look at a host, what is built is sealed on the way; what is built on after that is
/// sealed once more.
#[test]
fn before_a_look_the_seal_costs_no_phase() {
    let fleet = opened(deploy(), &OLD);
    let mut planner = Planner::new(fleet.context.clone());
    let mut checker = Checker::new(&fleet.context);
    let mut items = classic(NEW);
    items.splice(
        8..8,
        [start("deploy:migrate", Some(Slot::Migrate)), command("rake db:migrate", &["db1"]), finish("deploy:migrate")],
    );
    let first = planner.segment_before_a_look(&items[..8]).unwrap();
    checker.check(&first).unwrap();
    let sealed = |plan: &Plan, place: usize| {
        let seal = plan.phases[place].steps.iter().find(|step| step.title.starts_with("finish")).unwrap();
        seal.hosts().cloned().collect::<Vec<_>>()
    };
    assert_eq!(first.phases.len(), 2);
    assert_eq!((sealed(&first, 0), sealed(&first, 1)), (hosts(&["web1", "web2", "db1"]), hosts(&["app1", "app2"])));
    let rest = planner.segment(&items[8..], true).unwrap();
    checker.check(&rest).unwrap();
    assert_eq!((rest.phases[0].slot, sealed(&rest, 0)), (Slot::Migrate, hosts(&["db1"])));
    assert_eq!(rest.phases[1].slot, Slot::Publish, "{}", rest.outline());
    // With nothing to do but the look there is nothing for the seal to follow: it stays for later.
    let mut planner = Planner::new(fleet.context.clone());
    planner.segment(&[update_code(NEW, &FLEET)], false).unwrap();
    assert!(planner.segment_before_a_look(&[]).unwrap().phases.is_empty());
    assert_eq!(
        planner.segment(&[publish(NEW, &FLEET)], true).unwrap().phases[0].title,
        format!("finish release {NEW}")
    );
}

#[test]
fn a_migration_stands_before_the_switch() {
    let mut items = classic(NEW);
    items.splice(
        8..8,
        [start("deploy:migrate", Some(Slot::Migrate)), command("rake db:migrate", &["db1"]), finish("deploy:migrate")],
    );
    let plan = plan(&opened(deploy(), &OLD), &items);
    let slots: Vec<Slot> = plan.phases.iter().map(|phase| phase.slot).collect();
    assert_eq!(slots, [Slot::Build, Slot::Build, Slot::Migrate, Slot::Publish, Slot::Restart, Slot::After]);
    let sealed = |phase: usize| plan.phases[phase].steps.last().unwrap();
    for (phase, here) in [(0, vec!["web1", "web2", "db1"]), (1, vec!["app1", "app2"]), (2, vec!["db1"])] {
        let seal = sealed(phase);
        assert_eq!(seal.title, format!("finish releases/{NEW}"));
        assert_eq!(seal.hosts().cloned().collect::<Vec<_>>(), hosts(&here), "{}", plan.outline());
    }
    assert_eq!(plan.phases[2].hosts(), hosts(&["db1"]));
    let again = ops(&plan, sealed(2).id.0, "db1");
    assert_eq!(short(again)[1], "Flush", "what the migration left in the release is on disk too");
}

/// Where the seal cannot follow a host's last work it has a phase of its own, once, before the first of the migrations.
#[test]
fn every_host_is_sealed_before_the_first_migration() {
    let mut items = classic(NEW);
    let Item::Command(hook) = &mut items[5] else { panic!() };
    hook.pty = true;
    let mut migration = command("rake db:migrate", &["db1"]);
    let Item::Command(rake) = &mut migration else { panic!() };
    rake.pty = true;
    let migrations =
        [start("deploy:migrate", Some(Slot::Migrate)), migration.clone(), migration, finish("deploy:migrate")];
    items.splice(8..8, migrations);
    let plan = plan(&opened(deploy(), &OLD), &items);
    let shape: Vec<(Slot, usize)> = plan.phases.iter().map(|phase| (phase.slot, phase.hosts().len())).collect();
    let build = [(Slot::Build, 5), (Slot::Build, 2), (Slot::Build, 2)];
    let rest = [(Slot::Migrate, 1), (Slot::Migrate, 1), (Slot::Build, 1), (Slot::Publish, 5)];
    assert_eq!(shape[..7], [&build[..], &rest[..]].concat(), "{}", plan.outline());
    // The other way round the checker says no.
    let fleet = opened(deploy(), &OLD);
    let mut early = Planner::new(fleet.context.clone()).segment(&items, true).unwrap();
    early.phases.remove(2);
    let found = Checker::new(&fleet.context).check(&early).unwrap_err();
    assert!(found.iter().any(|one| matches!(one, crate::Violation::EarlyMigration(_))), "{found:?}");
}

/// As it will be without the migration, and the migration beside it.
#[test]
fn a_migration_under_a_condition_changes_nothing_else() {
    let mut items = classic(NEW);
    let migration =
        [start("deploy:migrate", Some(Slot::Migrate)), command("rake db:migrate", &["db1"]), finish("deploy:migrate")];
    let mut conditional = vec![Item::Condition(Some("there is something new".to_owned()))];
    conditional.extend(migration);
    conditional.push(Item::Condition(None));
    items.splice(8..8, conditional);
    let plan = plan(&opened(deploy(), &OLD), &items);
    let shape: Vec<(Slot, bool, usize)> =
        plan.phases.iter().map(|phase| (phase.slot, phase.condition.is_some(), phase.steps.len())).collect();
    let at = shape.iter().position(|(_, conditional, _)| *conditional).unwrap();
    assert_eq!(shape[at], (Slot::Migrate, true, 2), "with the seal of the host that it is on");
    assert_eq!(plan.phases[at].hosts(), hosts(&["db1"]));
    let mut without = Planner::new(opened(deploy(), &OLD).context).segment(&classic(NEW), true).unwrap();
    without.phases.insert(at, plan.phases[at].clone());
    let outline = |plan: &Plan| plan.phases.iter().map(|phase| (phase.slot, phase.hosts())).collect::<Vec<_>>();
    assert_eq!(outline(&plan), outline(&without));
}

#[test]
fn a_command_on_a_channel_of_its_own_carries_no_seal() {
    let mut items = classic(NEW);
    let Item::Command(hook) = &mut items[5] else { panic!() };
    hook.pty = true;
    let plan = plan(&opened(deploy(), &OLD), &items);
    assert_eq!(plan.phases[1].steps.len(), 1);
    assert_eq!(plan.phases[2].title, format!("finish release {NEW}"));
    assert_eq!(plan.phases[2].hosts(), hosts(&["app1", "app2"]));
}

/// It may fail while the run goes on: the seal behind it would be skipped, and the switch would come nevertheless.
#[test]
fn a_command_that_may_fail_carries_no_seal() {
    let mut items = classic(NEW);
    let Item::Command(hook) = &mut items[5] else { panic!() };
    hook.continue_on_error = true;
    let plan = plan(&opened(deploy(), &OLD), &items);
    assert_eq!(plan.phases[1].steps.len(), 1);
    assert_eq!((plan.phases[2].title.clone(), plan.phases[2].slot), (format!("finish release {NEW}"), Slot::Build));
    assert_eq!(plan.phases[2].hosts(), hosts(&["app1", "app2"]));
}

/// A failure there would only warn.
#[test]
fn no_seal_behind_what_can_only_warn() {
    let items = [Item::Edge, update_code(NEW, &FLEET), command("late", &["web1"])];
    let plan = plan(&opened(deploy(), &OLD), &items);
    let late = plan.phases.iter().position(|phase| phase.slot == Slot::After).unwrap();
    assert_eq!(plan.phases[late].steps.len(), 1, "{}", plan.outline());
    assert_eq!(plan.phases[late + 1].hosts(), hosts(&["web1"]));
    assert_eq!(plan.phases[late + 1].slot, Slot::Build);
}

/// What a single host's failed proof must find untouched: logs, marks and releases of all the others.
#[test]
fn before_every_host_has_confirmed_nothing_is_said_or_removed() {
    let many = ["20261101000000", "20261102000000", "20261103000000", "20261104000000"];
    let back = [
        rollback(many[2], many[3], &FLEET),
        builtin("deploy:rollback:cleanup", &FLEET, Builtin::RemoveLeft { release: id(many[3]), archive: false }),
        builtin("deploy:cleanup", &FLEET, Builtin::Cleanup { keep: 1 }),
        Item::Edge,
    ];
    let mut forward = classic(NEW);
    forward.insert(15, builtin("deploy:cleanup", &FLEET, Builtin::Cleanup { keep: 1 }));
    let cases = [(Purpose::Rollback { to: None }, back.to_vec(), 3), (deploy(), forward, 2)];
    for (purpose, items, steps) in cases {
        let plan = plan(&opened(purpose, &many), &items);
        let proves = |phase: &deploy_plan::Phase| phase.steps.iter().any(|step| step.slot == Slot::Confirm);
        let confirm = plan.phases.iter().position(proves).unwrap();
        let all = |phase: &deploy_plan::Phase| -> Vec<String> {
            let ids = phase.steps.iter().map(|step| step.id.0);
            ids.flat_map(|id| short(ops(&plan, id, "web1"))).collect()
        };
        let after = &plan.phases[confirm + 1];
        assert_eq!((after.title.as_str(), after.slot, after.steps.len()), ("record and clean up", Slot::After, steps));
        assert!(plan.phases.get(confirm + 2).is_none(), "one flight: {}", plan.outline());
        assert!(all(after)[0].ends_with(" confirmed"), "{:?}", all(after));
        assert!(all(after).iter().any(|op| op.starts_with("log ")) && all(after).contains(&"EmptyTrash".to_owned()));
        for phase in &plan.phases[..=confirm] {
            let early = |step: &Step| match &step.work {
                Work::Ops(_) => short(ops(&plan, step.id.0, "app1")),
                Work::Command(_) => Vec::new(),
            };
            for op in phase.steps.iter().filter(|step| step.is_on(&host("app1"))).flat_map(early) {
                let early = ["log ", "remove "].iter().any(|start| op.starts_with(start));
                assert!(!early && !op.ends_with(" reverted") && !op.ends_with(" confirmed"), "{op}");
            }
        }
    }
}

#[test]
fn code_without_publishing_is_sealed_at_the_end() {
    let fleet = opened(deploy(), &OLD);
    let plan = plan(&fleet, &[update_code(NEW, &FLEET)]);
    assert_eq!(plan.phases.len(), 1);
    assert_eq!(plan.phases[0].steps.last().unwrap().title, format!("finish releases/{NEW}"));
}

#[test]
fn a_rollback_removes_what_was_left_only_when_all_have_confirmed() {
    let fleet = opened(Purpose::Rollback { to: None }, &OLD);
    assert_eq!(fleet.opened.release, Some(id(OLD[0])));
    let items = [
        start("deploy:rollback", None),
        rollback(OLD[0], OLD[1], &FLEET),
        start("deploy:restart", Some(Slot::Restart)),
        command("touch restart.txt", &["app1", "app2"]),
        finish("deploy:restart"),
        builtin("deploy:rollback:cleanup", &FLEET, Builtin::RemoveLeft { release: id(OLD[1]), archive: false }),
        Item::Edge,
        finish("deploy:rollback"),
    ];
    let plan = plan(&fleet, &items);
    assert_eq!(
        plan.outline(),
        " 1. go back to 20261101000000 (publish)
      switch current to releases/20261101000000  [web1, web2, app1, app2, db1]
 2. deploy:restart (restart)
      touch restart.txt  [app1, app2]
      read back releases/20261101000000  [web1, web2, app1, app2, db1]
 3. record and clean up (after)
      record releases/20261101000000 as good  [web1, web2, app1, app2, db1]
      remove releases/20261102000000  [web1, web2, app1, app2, db1]
"
    );
    assert_eq!(short(ops(&plan, 3, "db1")), ["read 20261101000000"]);
    assert_eq!(
        short(&plan.phases[0].steps[0].undo[&host("db1")])[1],
        "record 1 20261101000000 confirmed",
        "a target that was put back is as good as before"
    );
    assert_eq!(
        short(ops(&plan, 4, "db1"))[..3],
        [
            "record 1 20261101000000 confirmed",
            "record 2 20261102000000 reverted",
            "log alice rolled back to release 20261101000000"
        ]
    );
    assert_eq!(short(ops(&plan, 5, "db1")), ["record 2 20261102000000 retired", "remove 20261102000000"]);
}

#[test]
fn cleanup_waits_for_the_confirmation_wherever_it_is_hooked() {
    let many = ["20261101000000", "20261102000000", "20261103000000", "20261104000000"];
    let cleanup = || builtin("deploy:cleanup", &FLEET, Builtin::Cleanup { keep: 2 });
    for place in [8, 11, 14, 16] {
        let mut items = classic(NEW);
        items.insert(place, cleanup());
        let plan = plan(&opened(deploy(), &many), &items);
        let last = plan.phases.last().unwrap();
        assert_eq!((last.slot, last.steps.len()), (Slot::After, 2), "hooked at {place}");
        let proof = plan.phases[plan.phases.len() - 2].steps.last().unwrap();
        assert_eq!(proof.slot, Slot::Confirm, "hooked at {place}");
        assert_eq!(
            short(ops(&plan, 11, "web1")),
            [
                "record 1 20261101000000 retired",
                "remove 20261101000000",
                "record 2 20261102000000 retired",
                "remove 20261102000000",
                "record 3 20261103000000 retired",
                "remove 20261103000000",
                "EmptyTrash"
            ]
        );
    }
    // What hangs on it runs where it stands, as part of the transaction.
    let fleet = opened(deploy(), &many);
    for place in [8, 11, 14] {
        let mut items = classic(NEW);
        let task = "deploy:cleanup".to_owned();
        items.splice(
            place..place,
            [
                Item::TaskStarted { task: task.clone(), slot: Some(Slot::After), site: None },
                command("echo before", &FLEET),
                cleanup(),
                command("echo after", &FLEET),
                Item::TaskEnded { task },
            ],
        );
        let plan = plan(&fleet, &items);
        let shown = |text: &str| {
            let is_it = |step: &&Step| matches!(&step.work, Work::Command(command) if command.shown == text);
            plan.phases.iter().flat_map(|phase| &phase.steps).find(is_it).unwrap().slot
        };
        assert_eq!(shown("echo before"), shown("echo after"), "hooked at {place}");
        assert_ne!(shown("echo after"), Slot::After, "hooked at {place}");
    }
    // Without a release to publish it waits for the end.
    let fleet = opened(deploy(), &many);
    let slots: Vec<Slot> =
        plan(&fleet, &[update_code(NEW, &FLEET), cleanup()]).phases.iter().map(|phase| phase.slot).collect();
    assert_eq!(slots, [Slot::Build, Slot::Task]);
    // Behind a command after the edge it goes by itself.
    let mut items = classic(NEW);
    items.extend([command("echo done", &["web1"]), cleanup()]);
    let plan = plan(&opened(deploy(), &many), &items);
    let slots: Vec<Slot> = plan.phases.iter().skip(4).map(|phase| phase.slot).collect();
    assert_eq!(slots, [Slot::After, Slot::After, Slot::After]);
}

#[test]
fn cleanup_alone() {
    let fleet = opened(Purpose::Cleanup, &["20261101000000", "20261102000000", "20261103000000"]);
    let cleanup = |keep| [builtin("deploy:cleanup", &FLEET, Builtin::Cleanup { keep })];
    assert_eq!(plan(&fleet, &cleanup(1)).outline().lines().next().unwrap(), " 1. remove 1 old release (task)");
    let nothing = plan(&fleet, &cleanup(5));
    assert!(nothing.phases.is_empty());
    assert_eq!(nothing.notes[0].text, "no old releases to clean up");
}

#[test]
fn what_other_tools_did_is_written_down_once() {
    let mut facts = fleet(&OLD);
    for unit in facts.values_mut() {
        unit.ledger.clear();
    }
    let fleet = open(&transaction(deploy(), &FLEET), &identity(), &facts).unwrap();
    let plan = plan(&fleet, &classic(NEW));
    assert_eq!(
        short(ops(&plan, 1, "web1")),
        [
            "record 1 20261101000000 confirmed",
            "record 2 20261102000000 confirmed",
            "ClaimRelease",
            "record 3 20261123060439 building"
        ]
    );
    let text: String = plan.phases.iter().skip(1).flat_map(|p| &p.steps).map(|s| format!("{s:?}")).collect();
    assert!(!text.contains("release: ReleaseId(\"20261101000000\"), state: Confirmed"));
}

#[test]
fn what_a_dead_run_was_building_is_taken_away_first() {
    let mut facts = fleet(&OLD);
    let dead = "20261103000000";
    let half = facts_with(
        2,
        &[OLD[0], OLD[1], dead],
        Some(OLD[1]),
        &[
            line(1, OLD[0], ReleaseState::Confirmed),
            line(2, OLD[1], ReleaseState::Confirmed),
            line(3, dead, ReleaseState::Building),
        ]
        .concat(),
    );
    facts.insert(host("web2"), half);
    // Another host had got further: it has the release complete, and it goes there too.
    let ready = facts_with(
        3,
        &[OLD[0], OLD[1], dead],
        Some(OLD[1]),
        &[
            line(1, OLD[0], ReleaseState::Confirmed),
            line(2, OLD[1], ReleaseState::Confirmed),
            line(3, dead, ReleaseState::Ready),
        ]
        .concat(),
    );
    facts.insert(host("app1"), ready);
    let fleet = open(&transaction(deploy(), &FLEET), &identity(), &facts).unwrap();
    let told: Vec<&str> = fleet.warnings.iter().map(|note| note.text.as_str()).collect();
    assert!(told[0].contains(dead) && told[0].contains("removed on web2, app1"), "{told:?}");
    let plan = plan(&fleet, &classic(NEW));
    let here = short(ops(&plan, 1, "web2"));
    assert_eq!(here[..2], [format!("record 3 {dead} failed"), format!("remove {dead}")]);
    assert_eq!(short(ops(&plan, 1, "app1"))[..2], here[..2]);
    assert_eq!(here[2..].len(), short(ops(&plan, 1, "web1")).len());
}

#[test]
fn rollback_bodies_count_from_the_phase_after_them() {
    let mut items = classic(NEW);
    items.insert(5, handler(7));
    items.insert(14, handler(8));
    let first = plan(&opened(deploy(), &OLD), &items);
    let handlers: Vec<Vec<HandlerId>> = first.phases.iter().map(|phase| phase.handlers.clone()).collect();
    assert_eq!(handlers, [vec![], vec![HandlerId(7)], vec![], vec![HandlerId(8)], vec![]]);
    // One that is given behind the last command counts from the proof on: that has a phase of its own then.
    let mut items = classic(NEW);
    items.insert(14, handler(9));
    let plan = plan(&opened(deploy(), &OLD), &items);
    let proof = plan.phases.iter().find(|phase| phase.slot == Slot::Confirm).unwrap();
    assert_eq!(proof.handlers, [HandlerId(9)], "{}", plan.outline());
}

#[test]
fn a_rollback_body_between_built_in_steps_parts_them() {
    let fleet = opened(deploy(), &OLD);
    let small =
        || builtin("web", &FLEET, Builtin::Ops { title: "page".into(), ops: vec![Op::EmptyTrash], undo: vec![] });
    let joined = plan(&fleet, &[update_code(NEW, &FLEET), small(), small()]);
    assert_eq!(joined.phases.len(), 1, "{}", joined.outline());
    let parted = plan(&fleet, &[update_code(NEW, &FLEET), handler(1), small()]);
    assert_eq!(parted.phases.len(), 2);
    assert_eq!(parted.phases[1].handlers, [HandlerId(1)]);
}

#[test]
fn a_recipe_that_publishes_itself_is_read_back() {
    let mut items = classic(NEW);
    items[9] = command("ln -nfs releases/X current", &FLEET);
    let plan = plan(&opened(deploy(), &OLD), &items);
    let slots: Vec<Slot> = plan.phases.iter().map(|phase| phase.slot).collect();
    assert_eq!(slots, [Slot::Build, Slot::Build, Slot::Publish, Slot::Restart, Slot::After]);
    assert!(plan.notes[0].warning && plan.notes[0].text.contains("cannot be put back"), "{:?}", plan.notes);
    assert_eq!(short(ops(&plan, 9, "web1"))[0], format!("read {NEW}"));
}

#[test]
fn commands_know_their_place() {
    let fleet = opened(deploy(), &OLD);
    let mut planner = Planner::new(fleet.context);
    let items = [
        command("before", &["web1"]),
        update_code(NEW, &FLEET),
        command("hook", &["web1"]),
        publish(NEW, &FLEET),
        command("after link", &["web1"]),
        start("deploy:migrate", Some(Slot::Migrate)),
        command("late migration", &["db1"]),
        finish("deploy:migrate"),
        Item::Edge,
        start("deploy:restart", Some(Slot::Restart)),
        command("late", &["web1"]),
        finish("deploy:restart"),
    ];
    let plan = planner.segment(&items, true).unwrap();
    let slot = |title: &str| plan.phases.iter().find(|p| p.steps[0].title == title).unwrap().slot;
    assert_eq!(slot("before"), Slot::Task);
    assert_eq!(slot("hook"), Slot::Build);
    assert_eq!(slot("after link"), Slot::Publish);
    assert_eq!(slot("late migration"), Slot::Migrate);
    assert_eq!(slot("late"), Slot::After);
}

#[test]
fn commands_need_no_layout() {
    let mut planner = Planner::task_only(identity());
    let plan = planner.segment(&[command("uptime", &["web1"])], true).unwrap();
    assert_eq!(plan.outline(), " 1. uptime (task)\n      uptime  [web1]\n");
    let problem = planner.segment(&[update_code(NEW, &["web1"])], true).unwrap_err();
    assert_eq!(problem.why, "the hosts' layout has not been opened");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let fleet = opened(deploy(), &OLD);
    let refuse = |items: &[Item]| Planner::new(fleet.context.clone()).segment(items, true).unwrap_err();
    assert!(refuse(&[update_code(NEW, &FLEET), update_code(NEW, &FLEET)]).why.contains("one run makes one release"));
    assert!(refuse(&[publish("20991231000000", &["web1"])]).why.contains("no complete release"));
    assert!(refuse(&[update_code(NEW, &["mail1"])]).why.contains("not part of the transaction"));
}

#[test]
fn publishing_twice_is_publishing_once() {
    let mut items = classic(NEW);
    items.insert(10, publish(NEW, &FLEET));
    let plan = plan(&opened(deploy(), &OLD), &items);
    assert_eq!(plan.phases.iter().filter(|phase| phase.slot == Slot::Publish).count(), 1);
}

#[test]
fn a_wider_transaction_in_the_middle_of_a_run() {
    let whole = fleet(&OLD);
    let part = whole.iter().take(2).map(|(host, facts)| (host.clone(), facts.clone())).collect();
    let small = open(&transaction(deploy(), &FLEET[..2]), &identity(), &part).unwrap();
    let read = open(&transaction(Purpose::Read, &FLEET), &identity(), &whole).unwrap();
    let mut planner = Planner::new(small.context.clone());
    let mut checker = Checker::new(&small.context);
    for (items, end) in [(vec![update_code(NEW, &FLEET[..2])], false), (vec![publish(NEW, &FLEET[..2])], true)] {
        checker.check(&planner.segment(&items, end).unwrap()).unwrap();
        // The recipe reads a variable from all hosts: the run keeps what it was planned for.
        planner.set_context(read.context.clone());
        checker.set_context(read.context.clone());
    }
    assert_eq!(planner.context().unwrap().purpose, deploy());
    assert_eq!(planner.context().unwrap().units.len(), 5);
}
