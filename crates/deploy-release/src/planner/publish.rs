//! Making a release live, proving it, and what follows from that.

use deploy_inventory::HostId;
use deploy_plan::{
    Builtin, BuiltinItem, Command, Expect, JournalEvent, LogLine, Op, Problem, ProblemKind, Publish, ReleaseId,
    ReleaseState, Rollback, RunEnd, Slot, StepClass, Work,
};
use indexmap::IndexMap;

use super::draft::{Draft, NewStep};
use super::{Planner, Published};
use crate::facts::Current;
use crate::open::{Unit, expected};

impl Planner {
    pub(super) fn publish(&mut self, item: &BuiltinItem, publish: &Publish, draft: &mut Draft) -> Result<(), Problem> {
        let release = &publish.release;
        if self.is_published(release) {
            draft.note(deploy_plan::PlanNote { text: format!("{release} is published once"), warning: false });
            return Ok(());
        }
        self.seal(draft)?;
        if let Some(waves) = publish.rollout.as_ref().and_then(|rollout| self.in_waves(item, rollout)) {
            self.hold_back(item, publish, waves);
            return Ok(());
        }
        self.switch(item, release, format!("publish {release}"), draft)?;
        self.publishes(item, publish);
        Ok(())
    }

    /// The switch of one wave, which is part of the fleet.
    pub(super) fn switch_wave(
        &mut self,
        item: &BuiltinItem,
        publish: &Publish,
        wave: &[HostId],
        draft: &mut Draft,
    ) -> Result<(), Problem> {
        let part = BuiltinItem { hosts: wave.to_vec(), ..item.clone() };
        self.switch(&part, &publish.release, format!("publish {}", publish.release), draft)?;
        if self.published.is_none() {
            self.publishes(item, publish);
        }
        Ok(())
    }

    fn publishes(&mut self, item: &BuiltinItem, publish: &Publish) {
        self.published = Some(Published {
            release: publish.release.clone(),
            revision: publish.revision.clone(),
            label: publish.label.clone(),
            log: publish.log.clone(),
            hosts: item.hosts.clone(),
            sudo: item.sudo,
            task: item.task.clone(),
            site: item.site.clone(),
            rollback: false,
            confirmed: false,
        });
    }

    pub(super) fn rollback(
        &mut self,
        item: &BuiltinItem,
        rollback: &Rollback,
        draft: &mut Draft,
    ) -> Result<(), Problem> {
        if self.is_published(&rollback.to) {
            return Ok(());
        }
        self.seal(draft)?;
        self.switch(item, &rollback.to, format!("go back to {}", rollback.to), draft)?;
        self.published = Some(Published {
            release: rollback.to.clone(),
            revision: None,
            label: String::new(),
            log: rollback.log.clone(),
            hosts: item.hosts.clone(),
            sudo: item.sudo,
            task: item.task.clone(),
            site: item.site.clone(),
            rollback: true,
            confirmed: false,
        });
        Ok(())
    }

    fn is_published(&self, release: &ReleaseId) -> bool {
        self.published.as_ref().is_some_and(|published| published.release == *release)
    }

    /// The decision: from here on the fleet goes forward or back as a whole.
    fn switch(&mut self, item: &BuiltinItem, to: &ReleaseId, title: String, draft: &mut Draft) -> Result<(), Problem> {
        let (mut ops, mut undo) = (IndexMap::new(), IndexMap::new());
        for host in &item.hosts {
            let unit = self.unit(host)?;
            if !self.can_be_live(to, host)? {
                let why = format!("{host} has no complete release of that name");
                return Err(Problem::new(ProblemKind::Layout, title, why).on(host).at(item.site.clone()));
            }
            let switch = Op::Switch { to: to.clone(), expect: expected(unit) };
            let back = switch_back(unit, to);
            let mut forward = vec![Op::Record(self.entry(host, to, ReleaseState::Live)?)];
            let mut here: Vec<Op> = back.into_iter().collect();
            here.push(Op::Record(self.entry(host, to, self.state_if_undone(host, to)?)?));
            undo.insert(host.clone(), here);
            let mut begin = self.begin(host, to)?;
            // Nothing but this tells after a power cut that the host has moved. (A deploy's lies there since the build.)
            if let Some(Op::Journal(last)) = begin.last_mut() {
                last.lasting = true;
            }
            forward.extend(begin);
            if draft.is_in_waves() {
                forward.push(self.journal(JournalEvent::Wave));
            }
            forward.extend([self.journal(JournalEvent::Switch), switch]);
            ops.insert(host.clone(), forward);
        }
        let step = NewStep::new(Slot::Publish, format!("switch current to releases/{to}"), Work::Ops(ops))
            .from(&item.task, item.site.as_ref(), item.sudo)
            .class(StepClass::Probe)
            .within(300)
            .undo(undo);
        draft.alone(Slot::Publish, title, step, &mut self.handlers);
        Ok(())
    }

    fn can_be_live(&self, release: &ReleaseId, host: &HostId) -> Result<bool, Problem> {
        let built = self.building.as_ref().is_some_and(|b| b.update.release == *release && b.hosts.contains(host));
        let unit = self.unit(host)?;
        let known = unit.history.get(release);
        Ok(built
            || !unit.is_known()
            || known.is_some_and(|known| known.is_complete() || known.state == ReleaseState::Reverted))
    }

    /// What a release is again when the switch to it has been undone: an older one was what it was.
    fn state_if_undone(&self, host: &HostId, release: &ReleaseId) -> Result<ReleaseState, Problem> {
        let known = self.unit(host)?.history.get(release).map(|known| known.state);
        Ok(match known {
            Some(state @ (ReleaseState::Confirmed | ReleaseState::Ready)) => state,
            _ => ReleaseState::Reverted,
        })
    }

    /// The recipe's own commands make the release live. Hosts can be read back but not put back.
    pub(super) fn recipe_publishes(&mut self, command: &Command, draft: &mut Draft) -> Result<(), Problem> {
        let Some(building) = self.building.clone() else { return Ok(()) };
        self.seal(draft)?;
        let place = command.site.as_ref().map_or_else(String::new, |site| format!(" ({site})"));
        draft.warn(format!(
            "the recipe makes the release live itself{place}: hosts are read back, but cannot be put back"
        ));
        self.published = Some(Published {
            release: building.update.release.clone(),
            revision: Some(building.update.revision.clone()),
            label: building.update.label.clone(),
            log: LogLine::default(),
            hosts: building.hosts,
            sudo: building.sudo,
            task: building.task,
            site: command.site.clone(),
            rollback: false,
            confirmed: false,
        });
        Ok(())
    }

    /// Proof on every host: behind the last work of the transaction where that is part of this segment (no round trip of
    /// its own), else in a phase of its own. What takes the proof for granted stands behind the fleet's barrier, the record
    /// too: where one host is not proven all of them go back, and none may have said, marked or removed anything by then.
    /// Where an earlier run that died owes a restart and this one has none, the journal stays open, so that it stays owed.
    pub(super) fn confirm(&mut self, restarted: bool, draft: &mut Draft) -> Result<(), Problem> {
        let Some(published) = self.published.clone().filter(|published| !published.confirmed) else {
            return Ok(());
        };
        let release = &published.release;
        let owes = !restarted && self.context()?.units.values().any(|unit| unit.owes);
        if owes {
            let text = "an earlier run died before it had restarted everything, and this one restarts nothing: the restart stays \
                 owed until `cap recover` (in Capistrano 3 the task deploy:recover) or a whole deploy";
            draft.warn(text.to_owned());
        }
        let (mut proof, mut after) = (IndexMap::new(), IndexMap::new());
        for host in &published.hosts {
            proof.insert(host.clone(), vec![Op::ReadBack { release: release.clone() }]);
            after.insert(host.clone(), self.after_confirm(host, &published, !owes)?);
        }
        let from = |step: NewStep| step.from(&published.task, published.site.as_ref(), published.sudo);
        let proof = NewStep::new(Slot::Confirm, format!("read back releases/{release}"), Work::Ops(proof));
        let proof = from(proof).within(120);
        // A body of `on_rollback` that waits for a phase counts from the proof on.
        match draft.end_of_transaction().filter(|_| self.handlers.is_empty()) {
            Some(index) => draft.append_to(index, proof),
            None => draft.alone(Slot::Confirm, format!("confirm {release}"), proof, &mut self.handlers),
        }
        let after = NewStep::new(Slot::After, format!("record releases/{release} as good"), Work::Ops(after));
        draft.alone(Slot::After, "record and clean up", from(after).within(120), &mut self.handlers);
        if let Some(published) = &mut self.published {
            published.confirmed = true;
        }
        Ok(())
    }

    /// What may fail without turning anything back.
    fn after_confirm(&mut self, host: &HostId, published: &Published, over: bool) -> Result<Vec<Op>, Problem> {
        let release = &published.release;
        let mut ops = vec![Op::Record(self.entry(host, release, ReleaseState::Confirmed)?)];
        if over && self.begun.contains(host) {
            ops.push(self.journal(JournalEvent::End(RunEnd::Done)));
        }
        ops.extend(self.adopt(host)?);
        let history = &self.unit(host)?.history;
        // A host that catches up with a rollback leaves the newer release like the others did.
        let back = published.rollback || self.context()?.has_already(host) && history.is_older_than_live(release);
        let left = history.live.clone().filter(|live| back && live != release);
        let keep: Vec<ReleaseId> =
            history.releases.iter().filter(|known| known.present && known.good).map(|known| known.id.clone()).collect();
        if let Some(left) = &left {
            ops.push(Op::Record(self.entry(host, left, ReleaseState::Reverted)?));
        }
        let path = self.context()?.layout.deploy_to.join("revisions.log");
        ops.extend(self.log_line(published).map(|line| Op::AppendLine { path, line }));
        // The link that the switch used up, and those of releases that other tools made.
        ops.push(Op::ReadyLink { release: release.clone() });
        ops.extend(keep.into_iter().filter(|id| id != release).map(|release| Op::ReadyLink { release }));
        Ok(ops)
    }

    /// As Capistrano 3 writes it.
    fn log_line(&self, published: &Published) -> Option<String> {
        let user = match &published.log {
            LogLine::Standard => self.identity.user(),
            LogLine::By(user) => user,
            LogLine::Text(text) => return Some(text.clone()),
            LogLine::Nothing => return None,
        };
        let release = &published.release;
        if published.rollback {
            return Some(format!("{user} rolled back to release {release}"));
        }
        if published.label == format!("release {release}") {
            // Not of a branch: what lay there was made live, by recovery or by a task of its own.
            return Some(format!("{user} made release {release} live"));
        }
        let branch = published.label.strip_prefix("branch ").unwrap_or(&published.label);
        let at = published.revision.as_ref().map_or_else(String::new, |revision| format!(" (at {revision})"));
        Some(format!("Branch {branch}{at} deployed as release {release} by {user}"))
    }

    /// Removals: never before everything is confirmed.
    pub(super) fn remove(&mut self, item: &BuiltinItem, draft: &mut Draft) -> Result<(), Problem> {
        match &item.builtin {
            Builtin::RemoveLeft { release, archive } => self.remove_left(item, release, *archive, draft),
            Builtin::Cleanup { keep } => self.cleanup(item, *keep, draft),
            _ => Ok(()),
        }
    }

    /// Until every host has confirmed, another one may have to go back to the release that was left.
    fn remove_left(
        &mut self,
        item: &BuiltinItem,
        release: &ReleaseId,
        archive: bool,
        draft: &mut Draft,
    ) -> Result<(), Problem> {
        let live_now = self.published.as_ref().map(|published| published.release.clone());
        let mut ops = IndexMap::new();
        for host in &item.hosts {
            let unit = self.unit(host)?;
            let history = &unit.history;
            let there = !unit.is_known() || history.get(release).is_some_and(|known| known.present && !known.pinned);
            let live = live_now.as_ref().or(history.live.as_ref());
            if there && live != Some(release) {
                let retired = Op::Record(self.entry(host, release, ReleaseState::Retired)?);
                let mut here: Vec<Op> = if archive { vec![self.archive(release)?] } else { Vec::new() };
                here.extend([retired, Op::RemoveRelease { release: release.clone() }]);
                ops.insert(host.clone(), here);
            }
        }
        if ops.is_empty() {
            return Ok(());
        }
        let title = format!("remove releases/{release}");
        let step = NewStep::new(Slot::After, title.clone(), Work::Ops(ops))
            .from(&item.task, item.site.as_ref(), item.sudo)
            .within(1800);
        draft.after(title, step, &mut self.handlers);
        Ok(())
    }
}

impl Planner {
    /// Keeps a release as one file before it is removed.
    fn archive(&self, release: &ReleaseId) -> Result<Op, Problem> {
        let layout = &self.context()?.layout;
        let file = layout.deploy_to.join(&format!("rolled-back-release-{release}.tar.gz"));
        let (file, dir) = (crate::text::path(&file), crate::text::path(&layout.releases));
        let title = format!("archive releases/{release}");
        Ok(Op::Script { title, body: format!("tar -czf {file} -C {dir} {}", crate::text::word(release.as_str())) })
    }
}

/// The way back from a switch; none where nothing changes.
fn switch_back(unit: &Unit, from: &ReleaseId) -> Option<Op> {
    match (&unit.history.live, &unit.current) {
        (Some(live), _) if live == from => None,
        (Some(live), _) => Some(Op::Switch { to: live.clone(), expect: Expect::Release(from.clone()) }),
        (None, Current::Link { text, .. }) => Some(Op::RestoreLink { text: text.clone(), from: from.clone() }),
        (None, _) => Some(Op::Unpublish { from: from.clone() }),
    }
}
