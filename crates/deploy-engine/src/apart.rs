//! Hosts that a run goes on without: those that cannot be reached before it begins, and as many as the recipe lets fail
//! before the switch.

use deploy_inventory::HostId;
use deploy_plan::{
    Event, JournalEvent, Level, Observer, Phase, PlanNote, Problem, ProblemKind, RunEnd, Slot, Step, Stopped,
    Tolerance, Work,
};
use deploy_release::{FleetEvent, UndoPhase, undo_phases};

use crate::engine::Mode;
use crate::phase::{Failure, NotDone, Weight, problem_of, unlock};
use crate::run::{Run, State};
use crate::undo::Undoable;

/// A host that the run goes on without.
#[derive(Clone, Debug)]
pub(crate) struct Apart {
    pub host: HostId,
    /// As the final table says it.
    pub why: String,
    /// Whether it took part and failed; else it could not be reached at all.
    pub failed: bool,
}

impl State {
    /// Hosts that the run goes on without, and those on which it has nothing to do.
    pub(crate) fn not_taking_part(&self) -> Vec<HostId> {
        let apart = self.apart.iter().map(|apart| apart.host.clone());
        apart.chain(self.up_to_date.iter().map(|(host, _)| host.clone())).collect()
    }
}

impl Run<'_> {
    /// Connects ahead. See [`Hosts::reach`](deploy_plan::Hosts::reach).
    pub(crate) async fn reach_ahead(&self, hosts: Vec<HostId>, needed: &[HostId]) -> Result<(), Stopped> {
        if self.settings.mode == Mode::Offline {
            return Ok(());
        }
        let Err(mut problems) = self.fleet.make_ready(self.program, &hosts).await else { return Ok(()) };
        let out = |problem: &Problem| problem.host.clone().filter(|host| hosts.contains(host));
        let all_gone = hosts.iter().all(|host| problems.iter().any(|problem| problem.host.as_ref() == Some(host)));
        let is_needed = |problem: &Problem| problem.host.as_ref().is_none_or(|host| needed.contains(host));
        if all_gone || problems.iter().any(|problem| problem.kind != ProblemKind::Connect || is_needed(problem)) {
            self.state.borrow_mut().targeted = hosts;
            for problem in problems.iter_mut().filter(|problem| !all_gone && is_needed(problem)) {
                problem.why = format!("{}; the run cannot go on without this host", problem.why);
            }
            return Err(self.fail(problems));
        }
        for problem in &problems {
            let Some(host) = out(problem) else { continue };
            let text = format!("{host} cannot be reached and is left out of this run: {}", problem.why);
            if self.settings.mode == Mode::Plan {
                self.state.borrow_mut().rehearsed.notes.push(PlanNote { text, warning: true });
            } else {
                self.say(Level::Warning, text);
            }
            let why = "could not be reached".to_owned();
            self.state.borrow_mut().apart.push(Apart { host, why, failed: false });
        }
        Ok(())
    }

    /// What the recipe lets go wrong.
    pub(crate) fn let_fail(&self, tolerance: Tolerance) {
        self.state.borrow_mut().tolerance = tolerance;
    }

    /// The hosts that the run goes on without.
    pub(crate) fn is_apart(&self, host: &HostId) -> bool {
        self.state.borrow().not_taking_part().contains(host)
    }

    /// Takes what is planned for hosts that are left out by now from a phase.
    pub(crate) fn without_apart(&self, phase: &mut Phase) {
        let apart = self.state.borrow().not_taking_part();
        without(phase, &apart);
    }

    /// Whether the failures of a phase are few enough, and early enough, for the others to go on without those hosts.
    pub(crate) fn tolerates(&self, phase: &Phase, failures: &[Failure]) -> bool {
        let state = self.state.borrow();
        let decided = state.publishing || state.past_edge || state.undoing || phase.slot == Slot::Migrate;
        let (Some(opening), Some(_)) = (&state.opening, &state.machine) else { return false };
        if state.tolerance.failed == 0 || decided {
            return false;
        }
        let failed = failing(phase, failures);
        let needed = failed.iter().any(|host| state.tolerance.needed.contains(host));
        let before = state.apart.iter().filter(|apart| apart.failed).count();
        let members = &opening.transaction.hosts;
        let is_left = |host: &HostId| !failed.contains(host) && state.apart.iter().all(|apart| apart.host != *host);
        let stranger = failed.iter().any(|host| !members.contains(host));
        !needed && !stranger && before + failed.len() <= state.tolerance.failed && members.iter().any(is_left)
    }

    /// Leaves the hosts out that failed, where that is tolerated; gives the failures that are left to judge.
    pub(crate) async fn leave_out_failed(&self, phase: &Phase, failures: Vec<Failure>) -> Vec<Failure> {
        if !self.tolerates(phase, &failures) {
            return failures;
        }
        let failed = failing(phase, &failures);
        let (gone, rest): (Vec<Failure>, Vec<Failure>) =
            failures.into_iter().partition(|failure| failed.contains(&failure.host));
        for host in failed {
            let Some(failure) = gone.iter().find(|failure| failure.host == host) else { continue };
            let problem = problem_of(failure);
            let text = format!(
                "{host} failed before the switch and is left out of this run (max_failed): {}: {}",
                problem.what, problem.why
            );
            self.ports.observer.event(&Event::Message { level: Level::Warning, host: Some(host.clone()), text });
            self.put_apart(&host, problem.what).await;
        }
        rest
    }

    /// Undoes what was done on one host, as far as it can be reached, and goes on without it.
    async fn put_apart(&self, host: &HostId, why: String) {
        let mut next = self.take_step_id();
        let started = self.take_started(host);
        let started: Vec<(HostId, &Step)> = started.iter().map(|step| (host.clone(), step)).collect();
        let mut left = false;
        for UndoPhase { phase, .. } in undo_phases(&started, &mut next) {
            let phase = self.renumbered(phase);
            self.announce(&phase);
            for NotDone { step, why, .. } in self.run_leniently(phase).await {
                left = true;
                let text = format!("{}: {why}; the next deploy removes what is half-built there", step.title);
                self.ports.observer.event(&Event::Message { level: Level::Warning, host: Some(host.clone()), text });
            }
        }
        let mut jobs = Vec::new();
        if !left {
            jobs.extend(self.journal_job(host, JournalEvent::End(RunEnd::Undone)));
        }
        jobs.push(unlock());
        self.fleet.fly(vec![(host.clone(), jobs)]).await;
        let mut state = self.state.borrow_mut();
        state.locked.retain(|other| other != host);
        state.journaled.shift_remove(host);
        if let Some(machine) = state.machine.as_mut() {
            let _ = machine.apply(FleetEvent::LeftOut(host.clone()));
        }
        state.apart.push(Apart { host: host.clone(), why, failed: true });
    }

    /// Steps that were started on a host; from now on nobody else undoes them there.
    fn take_started(&self, host: &HostId) -> Vec<Step> {
        let mut started = Vec::new();
        for entry in &mut self.state.borrow_mut().undo {
            if let Undoable::Step { step, hosts } = entry
                && hosts.contains(host)
            {
                hosts.retain(|other| other != host);
                started.push((**step).clone());
            }
        }
        started
    }

    /// Steps that come between those of the way forward get numbers of their own.
    fn renumbered(&self, mut phase: Phase) -> Phase {
        for step in &mut phase.steps {
            step.id = self.take_step_id();
        }
        phase
    }
}

/// The hosts whose failures would end the run.
fn failing(phase: &Phase, failures: &[Failure]) -> Vec<HostId> {
    let mut hosts: Vec<HostId> = Vec::new();
    for failure in failures.iter().filter(|failure| failure.weight(phase) == Weight::Fatal) {
        if !hosts.contains(&failure.host) {
            hosts.push(failure.host.clone());
        }
    }
    hosts
}

/// Takes what is planned for these hosts from a phase.
pub(crate) fn without(phase: &mut Phase, hosts: &[HostId]) {
    if hosts.is_empty() {
        return;
    }
    for step in &mut phase.steps {
        match &mut step.work {
            Work::Command(command) => command.hosts.retain(|host| !hosts.contains(host)),
            Work::Ops(ops) => ops.retain(|host, _| !hosts.contains(host)),
        }
        step.undo.retain(|host, _| !hosts.contains(host));
    }
    phase.steps.retain(|step| step.hosts().next().is_some());
}
