//! A plan in the making: phases grow, and steps get their numbers when all of them stand.

use std::time::Duration;

use deploy_inventory::HostId;
use deploy_plan::{HandlerId, Op, Phase, Plan, PlanNote, Site, Slot, Step, StepClass, StepId, Wave, Work};
use indexmap::IndexMap;

/// A step without a number.
#[derive(Clone, Debug)]
pub(super) struct NewStep {
    pub slot: Slot,
    pub title: String,
    pub task: Option<String>,
    pub site: Option<Site>,
    pub class: StepClass,
    pub deadline: Option<Duration>,
    pub sudo: bool,
    pub forward_agent: bool,
    pub work: Work,
    pub undo: IndexMap<HostId, Vec<Op>>,
}

impl NewStep {
    pub fn new(slot: Slot, title: impl Into<String>, work: Work) -> Self {
        Self {
            slot,
            title: title.into(),
            task: None,
            site: None,
            class: StepClass::Idempotent,
            deadline: None,
            sudo: false,
            forward_agent: false,
            work,
            undo: IndexMap::new(),
        }
    }

    /// The same ops on every host.
    pub fn same(slot: Slot, title: impl Into<String>, hosts: &[HostId], ops: &[Op]) -> Self {
        Self::new(slot, title, Work::Ops(hosts.iter().map(|host| (host.clone(), ops.to_vec())).collect()))
    }

    pub fn from(mut self, task: &str, site: Option<&Site>, sudo: bool) -> Self {
        (self.task, self.site, self.sudo) = (Some(task.to_owned()), site.cloned(), sudo);
        self
    }

    pub fn class(mut self, class: StepClass) -> Self {
        self.class = class;
        self
    }

    /// Built-in work that takes longer than this hangs.
    pub fn within(mut self, seconds: u64) -> Self {
        self.deadline = Some(Duration::from_secs(seconds));
        self
    }

    pub fn undo(mut self, undo: IndexMap<HostId, Vec<Op>>) -> Self {
        self.undo = undo;
        self
    }

    fn numbered(self, id: StepId) -> Step {
        Step {
            id,
            title: self.title,
            slot: self.slot,
            task: self.task,
            site: self.site,
            class: self.class,
            deadline: self.deadline,
            sudo: self.sudo,
            forward_agent: self.forward_agent,
            work: self.work,
            undo: self.undo,
        }
    }

    fn hosts(&self) -> Vec<&HostId> {
        match &self.work {
            Work::Ops(ops) => ops.keys().collect(),
            Work::Command(command) => command.hosts.iter().collect(),
        }
    }

    /// Whether a built-in step may follow it in the same flight: the command runs in the runner, on all hosts at once,
    /// and where it fails the run does not go on without the step behind it.
    fn carries(&self) -> bool {
        match &self.work {
            Work::Ops(_) => true,
            Work::Command(command) => !command.pty && command.max_hosts.is_none() && !command.continue_on_error,
        }
    }

    fn is_builtin(&self) -> bool {
        matches!(self.work, Work::Ops(_))
    }
}

#[derive(Clone, Debug)]
struct DraftPhase {
    title: String,
    slot: Slot,
    steps: Vec<NewStep>,
    handlers: Vec<HandlerId>,
    condition: Option<String>,
    wave: Option<Wave>,
}

impl DraftPhase {
    fn is_on(&self, host: &HostId) -> bool {
        self.steps.iter().any(|step| step.hosts().contains(&host))
    }

    /// Whether it works on exactly these hosts.
    fn is_for(&self, hosts: &[&HostId]) -> bool {
        hosts.iter().all(|host| self.is_on(host))
            && self.steps.iter().flat_map(NewStep::hosts).all(|host| hosts.contains(&host))
    }
}

/// The phases of a segment.
#[derive(Debug, Default)]
pub(super) struct Draft {
    phases: Vec<DraftPhase>,
    notes: Vec<PlanNote>,
    /// Of what is drafted now.
    condition: Option<String>,
    /// Where the flow waits to see how a condition turns out: nothing that comes later joins a phase before it.
    barrier: usize,
    /// Of what is drafted now; its gate is in the first phase alone.
    wave: Option<Wave>,
}

impl Draft {
    pub fn note(&mut self, note: PlanNote) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    pub fn warn(&mut self, text: String) {
        self.note(PlanNote { text, warning: true });
    }

    /// From here on phases run only if this turns out to be so; or in any case.
    pub fn only_if(&mut self, condition: Option<String>) {
        self.condition = condition;
        self.barrier = self.phases.len();
    }

    /// From here on phases are of this part of the fleet; or of no part. Nothing of it joins what was drafted before.
    pub fn begin_wave(&mut self, wave: Option<Wave>) {
        self.wave = wave;
        self.barrier = self.phases.len();
    }

    /// Whether the release gets to the fleet part by part.
    pub fn is_in_waves(&self) -> bool {
        self.wave.is_some()
    }

    /// A phase of its own. Rollback bodies recorded so far count from its start.
    pub fn alone(&mut self, slot: Slot, title: impl Into<String>, step: NewStep, handlers: &mut Vec<HandlerId>) {
        self.steps(slot, title, vec![step], handlers);
    }

    /// A phase of its own with several steps.
    pub fn steps(&mut self, slot: Slot, title: impl Into<String>, steps: Vec<NewStep>, handlers: &mut Vec<HandlerId>) {
        let handlers = std::mem::take(handlers);
        let (condition, wave) = (self.condition.clone(), self.wave);
        if let Some(wave) = &mut self.wave {
            wave.gate = None;
        }
        self.phases.push(DraftPhase { title: title.into(), slot, steps, handlers, condition, wave });
    }

    /// Built-in steps: joined to the phase before where that is built-in work of the same slot for the same hosts.
    pub fn merge(&mut self, slot: Slot, title: impl Into<String>, steps: Vec<NewStep>, handlers: &mut Vec<HandlerId>) {
        let mut hosts: Vec<&HostId> = steps.iter().flat_map(NewStep::hosts).collect();
        hosts.dedup();
        let may_join = self.phases.len() > self.barrier;
        if let Some(last) = self.phases.last_mut()
            && may_join
            && last.slot == slot
            && handlers.is_empty()
            && last.steps.iter().all(NewStep::is_builtin)
            && last.is_for(&hosts)
        {
            last.steps.extend(steps);
        } else {
            self.steps(slot, title, steps, handlers);
        }
    }

    /// Built-in work that can only warn: joined to such work just before, so that all of it is one flight.
    pub fn after(&mut self, title: impl Into<String>, step: NewStep, handlers: &mut Vec<HandlerId>) {
        let is_joined = |last: &&mut DraftPhase| last.slot == Slot::After && last.steps.iter().all(NewStep::is_builtin);
        match self.phases.last_mut().filter(is_joined) {
            Some(last) => last.steps.push(step),
            None => self.alone(Slot::After, title, step, handlers),
        }
    }

    /// A health check: joined to those just before.
    pub fn health(&mut self, step: NewStep, handlers: &mut Vec<HandlerId>) {
        match self.phases.last_mut().filter(|last| last.slot == Slot::Health) {
            Some(last) => last.steps.push(step),
            None => self.alone(Slot::Health, "check that it is healthy", step, handlers),
        }
    }

    /// The last phase that works on a host, if a built-in step that must not fail unheard may follow there.
    pub fn last_with(&self, host: &HostId) -> Option<usize> {
        let index = self.phases.iter().rposition(|phase| phase.is_on(host))?;
        let phase = self.phases.get(index)?;
        let may_follow = index >= self.barrier
            && !matches!(phase.slot, Slot::Confirm | Slot::After)
            && phase.steps.iter().all(NewStep::carries);
        may_follow.then_some(index)
    }

    /// The last phase of all, if it makes or restarts a release and the fleet's proof may follow its work in the same
    /// flight. The last wave is only a part of the fleet.
    pub fn end_of_transaction(&self) -> Option<usize> {
        let index = self.phases.len().checked_sub(1)?;
        let phase = self.phases.get(index)?;
        let fits = matches!(phase.slot, Slot::Publish | Slot::Restart | Slot::Health)
            && phase.wave.is_none()
            && phase.steps.iter().all(NewStep::carries);
        fits.then_some(index)
    }

    /// Adds to one phase.
    pub fn append_to(&mut self, index: usize, step: NewStep) {
        if let Some(phase) = self.phases.get_mut(index) {
            phase.steps.push(step);
        }
    }

    /// Numbers the steps.
    pub fn into_plan(self, last: &mut u32) -> Plan {
        let mut number = |step: NewStep| {
            *last += 1;
            step.numbered(StepId(*last))
        };
        let phases = self
            .phases
            .into_iter()
            .map(|phase| Phase {
                title: match phase.wave {
                    Some(wave) => format!("{wave}: {}", phase.title),
                    None => phase.title,
                },
                slot: phase.slot,
                steps: phase.steps.into_iter().map(&mut number).collect(),
                handlers: phase.handlers,
                condition: phase.condition,
                wave: phase.wave,
            })
            .collect();
        Plan { phases, notes: self.notes }
    }
}
