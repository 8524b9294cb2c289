//! What people say about releases and the fleet: marks, and a lock that stays until it is taken away.

use deploy_plan::{BuiltinItem, Mark, Op, Problem, ProblemKind, ReleaseId, Slot, StepClass, Work};
use indexmap::IndexMap;

use super::Planner;
use super::draft::{Draft, NewStep};
use crate::ledger::{MarkEntry, mark_line};

impl Planner {
    /// A line in the ledger of every host that has the release.
    pub(super) fn mark(
        &mut self,
        item: &BuiltinItem,
        release: &ReleaseId,
        mark: Mark,
        set: bool,
        draft: &mut Draft,
    ) -> Result<(), Problem> {
        let word = match (mark, set) {
            (Mark::Bad, true) => "mark as bad",
            (Mark::Bad, false) => "mark as good again",
            (Mark::Pinned, true) => "pin",
            (Mark::Pinned, false) => "unpin",
        };
        let title = format!("{word}: releases/{release}");
        let (mut ops, mut missing) = (IndexMap::new(), Vec::new());
        for host in &item.hosts {
            let unit = self.unit(host)?;
            if unit.is_known() && !unit.history.get(release).is_some_and(|known| known.present) {
                missing.push(host.to_string());
                continue;
            }
            // A release that another tool made has no record that the mark could be about.
            let mut here = self.adopt(host)?;
            let (by, at) = (self.identity.by.clone(), self.identity.when());
            let entry = MarkEntry { release: release.clone(), mark, set, by, at };
            let path = self.context()?.layout.state().join("ledger");
            here.push(Op::AppendLine { path, line: mark_line(&entry) });
            ops.insert(host.clone(), here);
        }
        if ops.is_empty() {
            let problem = Problem::new(ProblemKind::Usage, title, "no host has a release of that name");
            return Err(problem.at(item.site.clone()).next("`cap releases` lists them"));
        }
        if !missing.is_empty() {
            draft.warn(format!("{} has no release {release}", missing.join(", ")));
        }
        let step = NewStep::new(Slot::Task, title.clone(), Work::Ops(ops));
        draft.alone(
            Slot::Task,
            title,
            step.from(&item.task, item.site.as_ref(), false).within(120),
            &mut self.handlers,
        );
        Ok(())
    }

    /// The file that stands against every run: who, since when, why.
    pub(super) fn hold(&mut self, item: &BuiltinItem, reason: Option<&str>, draft: &mut Draft) -> Result<(), Problem> {
        let path = self.context()?.layout.state().join("hold");
        let group = self.context()?.layout.group_writable;
        let (title, ops) = match reason {
            Some(reason) => {
                let line = |text: &str| text.replace(['\n', '\r', '\0'], " ");
                let content = format!("{}\n{}\n{}\n", line(&self.identity.by), self.identity.when().0, line(reason));
                let mode = Some(if group { 0o660 } else { 0o600 });
                let write = Op::WriteFile { path: path.clone(), content, mode };
                ("lock the deployment", (vec![write], vec![Op::RemoveFile { path }]))
            }
            None => ("unlock the deployment", (vec![Op::RemoveFile { path }], Vec::new())),
        };
        let (ops, undo) = ops;
        let mut step = NewStep::same(Slot::Task, title, &item.hosts, &ops)
            .from(&item.task, item.site.as_ref(), false)
            .class(StepClass::Idempotent)
            .within(120);
        if !undo.is_empty() {
            step = step.undo(item.hosts.iter().map(|host| (host.clone(), undo.clone())).collect());
        }
        draft.alone(Slot::Task, title, step, &mut self.handlers);
        Ok(())
    }
}
