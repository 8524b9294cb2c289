//! What must be true after runs on real hosts: the checkers that the simulated fleet uses.

use std::collections::{HashMap, HashSet};

use deploy_plan::{Outcome, ReleaseId};
use deploy_release::invariants::{self as i, Checked, UnitView};

use super::cell::{Cell, Kind, Scenario};
use super::ground::KEEP;
use super::view::View;

pub fn units(views: &[View]) -> Vec<UnitView> {
    views.iter().map(|view| view.unit.clone()).collect()
}

/// The release that a run of a scenario may make live.
pub fn target(scenario: Scenario, commit: &str, before: &[View], now: &[View]) -> Option<ReleaseId> {
    if scenario == Scenario::Rollback {
        return before.first()?.history.previous().map(|release| release.id.clone());
    }
    let of_commit = |view: &View| {
        let known = view.unit.folded().releases.into_iter();
        let mut found: Vec<_> = known
            .filter(|(_, known)| known.revision.as_ref().is_some_and(|revision| revision.to_string() == commit))
            .map(|(id, known)| (known.sequence, id))
            .collect();
        found.sort();
        found.pop().map(|(_, id)| id)
    };
    now.iter().find_map(of_commit)
}

/// Everything that is wrong right after a run.
pub fn after_run(
    cell: &Cell,
    before: &[View],
    now: &[View],
    target: Option<&ReleaseId>,
    whole: &HashMap<String, u64>,
) -> Vec<String> {
    let mut found = Vec::new();
    let mut note = |checked: Checked| found.extend(checked.err().map(|broken| broken.to_string()));
    let is_rollback = cell.scenario == Scenario::Rollback;
    let is_live = |unit: &UnitView| unit.live_entry().map(|entry| entry.name.as_str()) == target.map(ReleaseId::as_str);
    let everywhere = target.is_some() && now.iter().all(|view| is_live(&view.unit));
    let disk = cell.kind.is_of_the_disk() || cell.kind == Kind::Host;
    let keep = if cell.scenario == Scenario::Cleanup { 1 } else { KEEP };
    for (before, view) in before.iter().zip(now) {
        let (old, new) = (&before.unit, &view.unit);
        note(i::current_resolves(old.live_entry().is_some(), new));
        note(i::complete_is_complete(new, &|revision| whole.get(&revision.to_string()).copied()));
        note(i::entries_are_known(new, &view.history));
        note(i::nothing_outside(old, new));
        note(i::shared_is_untouched(old, new));
        note(i::lookup_is_old_or_new(old, new, target));
        note(i::old_release_stays(old, new, is_rollback && everywhere));
        note(i::ledger_only_grows(old, new, disk));
        note(i::removal_leaves_no_half(old, new));
        note(i::nothing_goes_live_by_itself(old, new, target));
        note(i::cleanup_spares(old, new, keep, is_rollback));
        note(i::once_is_once(view.migrations - before.migrations, "migrate"));
    }
    for broken in same_everywhere(now) {
        found.push(broken);
    }
    found
}

/// One id is one and the same on all hosts.
pub fn same_everywhere(now: &[View]) -> Vec<String> {
    let units = units(now);
    let ids: HashSet<ReleaseId> = units.iter().flat_map(|unit| unit.folded().releases.into_keys()).collect();
    let broken = ids.iter().filter_map(|id| i::one_id_one_content(&units, id).err());
    broken.map(|broken| broken.to_string()).collect()
}

/// Whether what a run says of itself by its code is true.
pub fn told(cell: &Cell, code: i32, before: &[View], now: &[View], target: Option<&ReleaseId>) -> Vec<String> {
    let (old, new) = (units(before), units(now));
    let mut found = Vec::new();
    let mut note = |checked: Checked| found.extend(checked.err().map(|broken| broken.to_string()));
    let publishes = !matches!(cell.scenario, Scenario::Cleanup | Scenario::Recover);
    match code {
        0 if publishes => {
            note(i::success_is_true(Outcome::Deployed, &new, target));
            found.extend(runs_what_is_live(now));
        }
        1 | 3 | 130 if publishes => {
            note(i::failure_is_true(Outcome::FailedClean, &old, &new));
            // Who is gone, or can write nothing, has the rest taken away by the next run.
            let excused = matches!(cell.kind, Kind::Cut | Kind::Hole | Kind::Host) || cell.kind.is_of_the_disk();
            for (old, new) in old.iter().zip(&new).filter(|(old, _)| !excused || old.name != cell.host) {
                note(i::turned_back_leaves_nothing(old, new));
            }
        }
        // Killed; said that it is not uniform, unknown, for a person to decide, late; nothing is promised of a cleanup.
        -1 | 0 | 1 | 3 | 4 | 6 | 7 | 8 | 130 => {}
        other => found.push(format!("I14: the exit code is {other}")),
    }
    found
}

/// The application was restarted since the switch.
pub fn runs_what_is_live(now: &[View]) -> Vec<String> {
    let differs = |view: &&View| view.unit.live_entry().is_some_and(|entry| entry.name != view.running);
    let told =
        |view: &View| format!("the application of {} runs {:?}, which is not live", view.unit.name, view.running);
    now.iter().filter(differs).map(told).collect()
}
