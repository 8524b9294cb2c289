//! Turning back: undoing what was started, in reverse, past its own errors.

use deploy_inventory::HostId;
use deploy_plan::{Event, HandlerId, Level, Observer, Op, Phase, Plan, Problem, ProblemKind, Slot, Step, StepId, Work};
use deploy_release::{FleetEvent, Planner, UndoPhase, by_hand, undo_phases};

use crate::apart::without;
use crate::phase::NotDone;
use crate::run::{Run, handlers_of, is_work};

/// Something that was started and can be undone.
#[derive(Clone, Debug)]
pub(crate) enum Undoable {
    /// A body given to `on_rollback`.
    Handler(HandlerId),
    /// A step, on the hosts where it was (or may have been) started.
    Step {
        /// The step.
        step: Box<Step>,
        /// Those hosts.
        hosts: Vec<HostId>,
    },
}

impl Run<'_> {
    /// Undoes everything of the transaction that was started. Never gives up half-way; what could not be undone is
    /// noted as a problem. Behind the transaction's edge there is nothing to undo.
    pub(crate) async fn turn_back(&self) {
        self.arm_reached();
        let mut undo = {
            let mut state = self.state.borrow_mut();
            state.undoing = true;
            state.pending.clear();
            std::mem::take(&mut state.undo)
        };
        // A command of the recipe has no undo of its own; nothing to say where there is nothing to turn back.
        let something = |entry: &Undoable| match entry {
            Undoable::Handler(_) => true,
            Undoable::Step { step, hosts } => hosts.iter().any(|host| step.undo.contains_key(host)),
        };
        if !undo.iter().any(something) {
            return;
        }
        let reason = self.state.borrow().problems.first().map_or_else(String::new, |problem| problem.what.clone());
        self.ports.observer.event(&Event::Undoing { reason });
        let begun = restart_begun(&undo);
        let late = self.take_lost(&mut undo);
        let mut failed: Vec<HostId> = Vec::new();
        let mut batch: Vec<(HostId, Step)> = Vec::new();
        for entry in undo.into_iter().rev() {
            match entry {
                Undoable::Step { step, hosts } => {
                    batch.extend(hosts.into_iter().rev().map(|host| (host, (*step).clone())));
                }
                Undoable::Handler(handler) => {
                    failed.extend(self.undo_batch(std::mem::take(&mut batch), &begun).await);
                    self.undo_handler(handler).await;
                }
            }
        }
        failed.extend(self.undo_batch(batch, &begun).await);
        failed.extend(self.undo_where_lost(late, &begun).await);
        self.see_what_is_live().await;
        self.end_journals(&failed, &begun).await;
    }

    /// The same on hosts whose connection is gone, when all others are back: it is tried to reach them once more.
    async fn undo_where_lost(&self, mut late: Vec<(HostId, Step)>, restart_begun: &[HostId]) -> Vec<HostId> {
        let mut hosts: Vec<HostId> = Vec::new();
        for (host, step) in &late {
            if !hosts.contains(host) && step.undo.contains_key(host) {
                hosts.push(host.clone());
            }
        }
        self.reach_again(&hosts).await;
        late.reverse();
        let failed = self.undo_batch(late, restart_begun).await;
        let back = hosts.into_iter().filter(|host| !self.fleet.is_lost(host) && !failed.contains(host));
        self.state.borrow_mut().returned.extend(back);
        failed
    }

    /// Bodies of `on_rollback` that the flow had reached although nothing ran after them.
    fn arm_reached(&self) {
        let reached: Vec<HandlerId> = {
            let state = self.state.borrow();
            let before_work = state.pending.iter().take_while(|item| !is_work(item)).cloned().collect::<Vec<_>>();
            handlers_of(&before_work).collect()
        };
        self.arm(&reached);
    }

    /// `batch` comes in reverse order of starting. Gives the hosts where something of it failed.
    async fn undo_batch(&self, mut batch: Vec<(HostId, Step)>, restart_begun: &[HostId]) -> Vec<HostId> {
        let (mut all_failed, mut astray) = (Vec::new(), Vec::new());
        if batch.is_empty() {
            return all_failed;
        }
        batch.reverse();
        let started: Vec<(HostId, &Step)> = batch.iter().map(|(host, step)| (host.clone(), step)).collect();
        let mut next = self.next_undo_step();
        let phases = undo_phases(&started, &mut next);
        self.state.borrow_mut().undo_steps = Some(next);
        for UndoPhase { of, mut phase } in phases {
            // A release stays where it may be live; whoever decides about that host finds it there.
            without(&mut phase, &astray);
            if phase.steps.is_empty() {
                continue;
            }
            let (hosts, empty) = (phase.hosts(), without_a_release(&phase));
            let failed = self.run_undo_phase(phase).await;
            self.state.borrow_mut().not_put_back.extend(failed.iter().cloned());
            if of == Slot::Publish {
                astray.extend(failed.iter().cloned());
                let back = |host: &&HostId| restart_begun.contains(host) && !failed.contains(host);
                let (empty, back): (Vec<_>, Vec<_>) =
                    hosts.iter().filter(back).cloned().partition(|host| empty.contains(host));
                self.note_not_restarted(&empty);
                all_failed.extend(self.restart_again(&back).await);
            }
            all_failed.extend(failed);
        }
        all_failed
    }

    /// Step ids of the way back go on behind those of the way forward.
    pub(crate) fn next_undo_step(&self) -> StepId {
        let state = self.state.borrow();
        state.undo_steps.or_else(|| state.planner.as_ref().map(Planner::next_step_id)).unwrap_or(StepId(1))
    }

    /// Runs one phase of the way back; gives the hosts where it failed.
    async fn run_undo_phase(&self, phase: Phase) -> Vec<HostId> {
        self.announce(&phase);
        let mut failed = Vec::new();
        for NotDone { host, step, why, lost } in self.run_leniently(phase).await {
            failed.push(host.clone());
            if lost && !self.state.borrow().publishing {
                // `current` was not touched there, and the next run takes away what this one leaves.
                self.note_lost(&host);
                continue;
            }
            if let Some(machine) = self.state.borrow_mut().machine.as_mut() {
                let _ = machine.apply(FleetEvent::NotPutBack(host.clone()));
            }
            let kind = if lost { ProblemKind::Lost } else { ProblemKind::NeedsPerson };
            let undone = step.title.strip_prefix("undo: ").unwrap_or(&step.title);
            let mut problem = Problem::new(kind, format!("undo: {undone}"), why).on(&host);
            problem.next = restarts_by_hand(&step, &host);
            self.fail(vec![problem]);
        }
        failed
    }

    /// Tells the observer of a phase of the way back before it runs.
    pub(crate) fn announce(&self, phase: &Phase) {
        let plan = Plan { phases: vec![phase.clone()], notes: Vec::new() };
        self.ports.observer.event(&Event::Planned { plan });
    }

    fn note_lost(&self, host: &HostId) {
        let note =
            format!("{host} was lost before anything was switched; the next deploy removes what is half-built there");
        let mut state = self.state.borrow_mut();
        if !state.notes.contains(&note) {
            state.notes.push(note);
        }
    }

    /// Where this run made the first release there is nothing to restart the application on.
    fn note_not_restarted(&self, hosts: &[HostId]) {
        if hosts.is_empty() {
            return;
        }
        let names = hosts.iter().map(HostId::to_string).collect::<Vec<_>>().join(", ");
        let note = format!("nothing was live before on {names}, so nothing is restarted there");
        self.state.borrow_mut().notes.push(note);
    }

    /// After a switch back the application is restarted, with every command of the restart slot in order, on the hosts
    /// where the restart had begun: one that was stopped and not started again must not stay so.
    async fn restart_again(&self, hosts: &[HostId]) -> Vec<HostId> {
        let mut failed = Vec::new();
        if hosts.is_empty() {
            return failed;
        }
        let (steps, unfinished) = {
            let state = self.state.borrow();
            (state.restarts.clone(), state.entered.contains(&true))
        };
        for mut again in steps {
            if let Work::Command(command) = &mut again.work {
                command.hosts.retain(|host| hosts.contains(host));
                if command.hosts.is_empty() {
                    continue;
                }
            }
            again.title = format!("restart on the old release: {}", again.title);
            again.id = self.take_step_id();
            again.slot = Slot::Undo;
            let phase = Phase {
                title: again.title.clone(),
                slot: Slot::Undo,
                steps: vec![again],
                handlers: Vec::new(),
                condition: None,
                wave: None,
            };
            let here = self.run_undo_phase(phase).await;
            self.state.borrow_mut().restart_failed.extend(here.iter().cloned());
            failed.extend(here);
        }
        if unfinished {
            self.state.borrow_mut().restart_failed.extend(hosts.iter().cloned());
            failed.extend(hosts.iter().cloned());
            let why = "the recipe decides at run time how it restarts, and it had not got to the end of that";
            let problems = hosts.iter().map(|host| {
                Problem::new(ProblemKind::NeedsPerson, "restart the application on the old release", why).on(host)
            });
            self.fail(problems.collect());
        }
        failed
    }

    /// The recipe's own undo; its failure is told and does not stop the rest, as in Capistrano.
    async fn undo_handler(&self, handler: HandlerId) {
        let evaluated = self.program.undo(handler, self).await;
        let outcome = match evaluated {
            Ok(()) => self.advance_undo().await,
            Err(stopped) => Err(stopped),
        };
        if outcome.is_err() {
            self.say(Level::Warning, "a body given to on_rollback failed; going on with the rest");
        }
    }
}

/// The hosts that a phase of the way back leaves without `current`, as they were.
fn without_a_release(phase: &Phase) -> Vec<HostId> {
    let unpublishes = |ops: &Vec<Op>| ops.iter().any(|op| matches!(op, Op::Unpublish { .. }));
    let built_in = phase.steps.iter().filter_map(|step| match &step.work {
        Work::Ops(ops) => Some(ops),
        Work::Command(_) => None,
    });
    built_in.flatten().filter(|(_, ops)| unpublishes(ops)).map(|(host, _)| host.clone()).collect()
}

/// A command that failed on the way back is a restart on the old release: `current` is right, and it is tried again by hand.
fn restarts_by_hand(step: &Step, host: &HostId) -> Option<String> {
    let Work::Command(command) = &step.work else { return None };
    let typed = by_hand(host, &command.shown);
    Some(format!("current is back on the old release there; see why it does not restart, then restart it; {typed}"))
}

/// The hosts where the restart had begun.
fn restart_begun(undo: &[Undoable]) -> Vec<HostId> {
    let mut found: Vec<HostId> = Vec::new();
    for entry in undo {
        if let Undoable::Step { step, hosts } = entry
            && step.slot == Slot::Restart
        {
            found.extend(hosts.iter().cloned());
        }
    }
    found
}
