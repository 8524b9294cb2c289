//! Which releases go, and which never do.

use deploy_plan::{BuiltinItem, Expect, Op, PlanNote, Problem, ReleaseId, ReleaseState, Slot, Work};
use indexmap::IndexMap;

use super::Planner;
use super::draft::{Draft, NewStep};
use crate::ledger::{Release, UnitHistory};
use crate::open::Unit;

/// How many releases that were never good (failed, never published, put back) stay for people to look at.
const LEFTOVERS: usize = 2;

/// The releases that cleanup removes from a unit, oldest first, when `now` is live: the release of this run, or what was
/// live when the unit was opened.
///
/// Kept are: what is live, what was live before this run, the newest good release before the live one, the last `keep`
/// good ones, everything pinned, and the two newest that never were good. Names, clocks and times of files do not count.
#[must_use]
pub fn removable(history: &UnitHistory, now: Option<&ReleaseId>, keep: usize) -> Vec<ReleaseId> {
    let present: Vec<&Release> = history.releases.iter().filter(|release| release.present).collect();
    let position = |id: &ReleaseId| present.iter().position(|release| release.id == *id);
    // A release of this run is not in the history yet: it is the newest.
    let live_at = now.map_or(present.len(), |id| position(id).unwrap_or(present.len()));
    let is_new = now.is_some_and(|id| position(id).is_none());

    let is_good = |release: &Release| release.good || now == Some(&release.id);
    let good: Vec<&Release> = present.iter().copied().filter(|release| is_good(release)).collect();
    let room = keep.saturating_sub(usize::from(is_new));
    let mut protected: Vec<&ReleaseId> = good.iter().rev().take(room).map(|release| &release.id).collect();
    protected.extend(now);
    protected.extend(history.live.as_ref());
    protected.extend(present.iter().take(live_at).rev().find(|release| release.good).map(|release| &release.id));
    protected.extend(present.iter().filter(|release| release.pinned).map(|release| &release.id));

    let leftover = |release: &Release| !is_good(release) && release.state != ReleaseState::Retired;
    let spared: Vec<&ReleaseId> = present
        .iter()
        .rev()
        .filter(|release| leftover(release) && !protected.contains(&&release.id))
        .take(LEFTOVERS)
        .map(|release| &release.id)
        .collect();
    present
        .iter()
        .map(|release| &release.id)
        .filter(|id| !protected.contains(id) && !spared.contains(id))
        .cloned()
        .collect()
}

/// Whether a run that died may go back or forward to it, which is decided when somebody recovers it.
fn is_needed_by_recovery(unit: &Unit, release: &ReleaseId) -> bool {
    let open = unit.journal.as_ref().filter(|journal| journal.end.is_none());
    open.is_some_and(|journal| journal.release == *release || journal.from == Expect::Release(release.clone()))
}

impl Planner {
    pub(super) fn cleanup(&mut self, item: &BuiltinItem, keep: usize, draft: &mut Draft) -> Result<(), Problem> {
        let published = self.published.as_ref().map(|published| published.release.clone());
        let mut ops = IndexMap::new();
        let mut counts = Vec::new();
        for host in &item.hosts {
            if !self.unit(host)?.is_known() {
                let text = format!("which old releases are removed (all but {keep}) is not known without connecting");
                draft.note(PlanNote { text, warning: false });
                return Ok(());
            }
            let history = &self.unit(host)?.history;
            let now = published.as_ref().or(history.live.as_ref());
            let unit = self.unit(host)?;
            let mut removed = removable(history, now, keep);
            removed.retain(|release| !is_needed_by_recovery(unit, release));
            if removed.is_empty() {
                if self.unit(host)?.trash > 0 {
                    ops.insert(host.clone(), vec![Op::EmptyTrash]);
                }
                continue;
            }
            counts.push(removed.len());
            let mut here = self.adopt(host)?;
            for release in removed {
                here.push(Op::Record(self.entry(host, &release, ReleaseState::Retired)?));
                here.push(Op::RemoveRelease { release });
            }
            here.push(Op::EmptyTrash);
            ops.insert(host.clone(), here);
        }
        if ops.is_empty() {
            draft.note(PlanNote { text: "no old releases to clean up".to_owned(), warning: false });
            return Ok(());
        }
        let title = match (counts.iter().min(), counts.iter().max()) {
            (Some(1), Some(1)) => "remove 1 old release".to_owned(),
            (Some(least), Some(most)) if least == most => format!("remove {most} old releases"),
            (Some(least), Some(most)) => format!("remove {least} to {most} old releases per host"),
            _ => "empty the trash".to_owned(),
        };
        let slot = if published.is_some() { Slot::After } else { Slot::Task };
        let step = NewStep::new(slot, title.clone(), Work::Ops(ops))
            .from(&item.task, item.site.as_ref(), item.sudo)
            .within(1800);
        if slot == Slot::After {
            draft.after(title, step, &mut self.handlers);
        } else {
            draft.alone(slot, title, step, &mut self.handlers);
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "cleanup_tests.rs"]
mod tests;
