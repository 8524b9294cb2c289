//! Running a phase: each host gets its steps in one flight, and the phase ends when every host has answered.

use std::sync::Arc;

use deploy_inventory::HostId;
use deploy_plan::{
    Command, CommandResult, Event, ExitStatus, Level, Observer, Phase, Problem, ProblemKind, Slot, Step, StepClass,
    StepId, Stopped, Work,
};
use deploy_release::{FleetEvent, UnitEvent, compile_step, events_of};

use crate::flight::{Job, JobKind, JobResult, Output};
use crate::question::Rider;
use crate::run::{Run, step_problem};
use crate::undo::Undoable;

/// How many of the last lines of output a failure carries.
const TAIL_LINES: usize = 20;

/// What a failure does to the run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    /// It is told, and the run goes on.
    Late,
    /// The host is left out of what allows it.
    Lenient,
    /// It ends the run.
    Fatal,
}

impl Failure {
    fn is_lost(&self) -> bool {
        matches!(self.result.status, ExitStatus::Lost(_))
    }

    pub(crate) fn weight(&self, phase: &Phase) -> Weight {
        let lenient = matches!(&self.step.work, Work::Command(command) if command.continue_on_error);
        if phase.slot == Slot::After || self.step.slot == Slot::After {
            Weight::Late
        } else if lenient && !self.is_lost() {
            Weight::Lenient
        } else {
            Weight::Fatal
        }
    }
}

/// A step that failed on a host.
pub(crate) struct Failure {
    pub host: HostId,
    pub step: Step,
    pub result: JobResult,
}

/// A step that was tried and failed.
pub(crate) struct NotDone {
    pub host: HostId,
    pub step: Step,
    pub why: String,
    /// Whether the connection went, so that nothing can be done there now.
    pub lost: bool,
}

impl Run<'_> {
    /// Runs a phase. `last` when nothing follows it, so that the lock goes with it. A question may travel with it; then its
    /// answers come back.
    pub(crate) async fn run_phase(
        &self,
        mut phase: Phase,
        last: bool,
        rider: Option<&Rider>,
    ) -> Result<Option<Vec<CommandResult>>, Stopped> {
        self.leave_out_dropped(&mut phase);
        self.without_apart(&mut phase);
        let mut hosts = phase.hosts();
        hosts.extend(rider.into_iter().flat_map(Rider::hosts).filter(|host| !phase.hosts().contains(host)).cloned());
        self.fleet.connect(self.program, &hosts).await.map_err(|problems| self.fail(problems))?;
        self.ask_for_sudo(&phase).await?;
        self.remember_undo(&phase);
        self.remember_journal(&phase);
        let (mut failures, mut answers) = (Vec::new(), rider.map(|_| Vec::new()));
        let mut waiting = slices(&phase, &hosts).into_iter();
        for slice in waiting.by_ref() {
            let mut flights = self.flights(&phase, &slice, last).map_err(|problem| self.fail(vec![*problem]))?;
            if let Some(rider) = rider {
                rider.board(&mut flights, |command, host| self.command_kind(command, host));
            }
            for (host, mut results) in self.fleet.fly(flights).await {
                if let (Some(rider), Some(answers)) = (rider, answers.as_mut()) {
                    failures.extend(self.take_answer(rider, &host, &mut results, answers));
                }
                failures.extend(self.take_results(&phase, &host, results));
            }
            let fatal = failures.iter().any(|failure| failure.weight(&phase) == Weight::Fatal);
            if fatal && !self.tolerates(&phase, &failures) {
                break;
            }
        }
        for host in waiting.flatten() {
            for step in &phase.steps {
                self.forget_undo(step.id, &host);
            }
        }
        let failures = self.leave_out_failed(&phase, failures).await;
        self.judge(&phase, failures)?;
        self.state.borrow_mut().gated |= phase.slot == Slot::Health;
        if phase.steps.iter().any(|step| step.slot == Slot::Confirm) {
            self.pass_the_edge();
        }
        Ok(answers)
    }

    /// Every host is proven and recorded: from here on nothing turns the run back.
    fn pass_the_edge(&self) {
        let mut state = self.state.borrow_mut();
        state.past_edge = true;
        state.undo.clear();
    }

    /// Hosts left out earlier do nothing more for steps that allow it.
    fn leave_out_dropped(&self, phase: &mut Phase) {
        let dropped = self.state.borrow().dropped.clone();
        if dropped.is_empty() {
            return;
        }
        for step in &mut phase.steps {
            if let Work::Command(command) = &mut step.work
                && command.continue_on_error
            {
                command.hosts.retain(|host| !dropped.contains(host));
            }
        }
    }

    /// What is about to start can be undone from now on, whatever becomes of it.
    fn remember_undo(&self, phase: &Phase) {
        self.arm(&phase.handlers);
        let mut state = self.state.borrow_mut();
        for step in &phase.steps {
            let late = state.past_edge || phase.slot == Slot::After || matches!(step.slot, Slot::After | Slot::Confirm);
            let hosts: Vec<HostId> = step.hosts().cloned().collect();
            for host in &hosts {
                if !state.touched.contains(host) {
                    state.touched.push(host.clone());
                }
            }
            if !late && phase.slot != Slot::Undo {
                state.undo.push(Undoable::Step { step: Box::new(step.clone()), hosts });
            }
        }
        let decides = match phase.slot {
            Slot::Publish => {
                state.publishing = true;
                Some(FleetEvent::Intent as fn(HostId) -> FleetEvent)
            }
            Slot::Migrate => Some(FleetEvent::Migrating as fn(HostId) -> FleetEvent),
            _ => None,
        };
        if let (Some(event), Some(machine)) = (decides, state.machine.as_mut()) {
            for host in phase.hosts() {
                let _ = machine.apply(event(host));
            }
        }
    }

    /// The jobs of each host of the slice.
    fn flights(&self, phase: &Phase, hosts: &[HostId], last: bool) -> Result<Vec<(HostId, Vec<Job>)>, Box<Problem>> {
        let mut flights = Vec::new();
        for host in hosts {
            let (before, mut behind) = self.around(phase, host);
            let mut jobs: Vec<Job> = before.into_iter().collect();
            let mut commands =
                phase.steps.iter().filter(|step| matches!(step.work, Work::Command(_)) && step.is_on(host));
            let last_command = commands.next_back().map(|step| step.id);
            for step in phase.steps.iter().filter(|step| step.is_on(host)) {
                jobs.extend(self.job(phase, step, host)?);
                if Some(step.id) == last_command {
                    jobs.extend(behind.take());
                }
            }
            // Behind a phase that can still turn the run back the lock is kept until that is decided.
            if last && phase.slot == Slot::After && self.state.borrow().locked.contains(host) {
                jobs.push(unlock());
            }
            flights.push((host.clone(), jobs));
        }
        Ok(flights)
    }

    /// The job of a step; none where the step has nothing to do on that host.
    fn job(&self, phase: &Phase, step: &Step, host: &HostId) -> Result<Option<Job>, Box<Problem>> {
        let kind = match &step.work {
            Work::Command(command) => self.command_kind(command, host),
            Work::Ops(_) => {
                let Some(layout) = self.layout() else {
                    let why =
                        "no layout has been opened, so it is not known where to work; this is an error in the tool";
                    let problem = Problem::new(ProblemKind::Unsupported, step.title.clone(), why).on(host);
                    return Err(Box::new(problem.at(step.site.clone())));
                };
                match compile_step(step, host, &self.compile_context(&layout)) {
                    Some(body) => JobKind::Script { body, sudo: self.sudo_secret(host) },
                    None => return Ok(None),
                }
            }
        };
        // An after phase goes on past everything; what the recipe wrote as one sequence on a host stays one.
        let always = phase.slot == Slot::After && matches!(step.work, Work::Ops(_));
        Ok(Some(Job {
            step: Some(step.id),
            title: step.title.clone(),
            kind,
            output: Output::Told,
            always,
            // Whoever took over meanwhile must not find us at work.
            needs_lock: self.state.borrow().locked.contains(host),
            deadline: step.deadline,
        }))
    }

    pub(crate) fn command_kind(&self, command: &Command, host: &HostId) -> JobKind {
        if let Some(transfer) = command.text.transfer(host) {
            return JobKind::Transfer(transfer.clone());
        }
        if let Some(check) = command.text.port_check(host) {
            return JobKind::Health(Box::new(check));
        }
        let stdin = if command.sudo { self.sudo_secret(host) } else { None };
        JobKind::Command { text: command.text.on(host).to_owned(), stdin, pty: command.pty }
    }

    /// Notes what the results of one host mean; gives its failures.
    fn take_results(&self, phase: &Phase, host: &HostId, results: Vec<JobResult>) -> Vec<Failure> {
        let mut failures = Vec::new();
        let mut skipped = Vec::new();
        for result in results {
            let Some(step) = phase.steps.iter().find(|step| Some(step.id) == result.step) else { continue };
            self.clock_up(host, step, &result);
            if result.status.is_success() {
                self.learn(host, step, &result);
            } else if result.status == ExitStatus::Skipped {
                self.forget_undo(step.id, host);
                skipped.push((step, result));
            } else {
                failures.push(Failure { host: host.clone(), step: step.clone(), result });
            }
        }
        // What was not started is no success either: something must have kept it from that.
        if failures.is_empty()
            && let Some((step, mut result)) = skipped.into_iter().next()
        {
            result.status = ExitStatus::Lost("it was not started, and nothing says why".to_owned());
            failures.push(Failure { host: host.clone(), step: step.clone(), result });
        }
        failures
    }

    /// Adds up what a host has worked.
    pub(crate) fn clock_up(&self, host: &HostId, step: &Step, result: &JobResult) {
        if let Some((from, to)) = result.time {
            let mut state = self.state.borrow_mut();
            state.commands_ran |=
                step.slot == Slot::Setup || matches!(step.work, Work::Command(_)) && step.class == StepClass::Once;
            if !state.touched.contains(host) {
                state.touched.push(host.clone());
            }
            *state.worked.entry(host.clone()).or_default() += to.saturating_sub(from);
        }
    }

    fn learn(&self, host: &HostId, step: &Step, result: &JobResult) {
        let mut state = self.state.borrow_mut();
        let events = events_of(step, host);
        if events.contains(&UnitEvent::Switched)
            && let Some((_, ended)) = result.time
        {
            state.switched.push(ended);
        }
        let mut illegal = Vec::new();
        if let Some(machine) = state.machine.as_mut() {
            for event in events {
                illegal.extend(machine.apply(FleetEvent::Unit(host.clone(), event)).err());
            }
        }
        drop(state);
        for move_ in illegal {
            // What is known of the host and what it just proved do not go together.
            let why = move_.to_string();
            self.fail(vec![Problem::new(ProblemKind::NeedsPerson, format!("follow: {}", step.title), why).on(host)]);
        }
    }

    /// A step that was never started needs no undo.
    fn forget_undo(&self, id: StepId, host: &HostId) {
        for entry in &mut self.state.borrow_mut().undo {
            if let Undoable::Step { step, hosts } = entry
                && step.id == id
            {
                hosts.retain(|other| other != host);
            }
        }
    }

    /// What the failures of a phase mean for the run.
    pub(crate) fn judge(&self, phase: &Phase, failures: Vec<Failure>) -> Result<(), Stopped> {
        let past_edge = self.state.borrow().past_edge;
        let mut fatal = Vec::new();
        for failure in failures {
            let problem = self.fleet.refusal(&failure.host).unwrap_or_else(|| problem_of(&failure));
            match failure.weight(phase) {
                Weight::Late => {
                    self.ports.observer.event(&Event::Failed { problem: problem.clone() });
                    self.state.borrow_mut().late.push(problem);
                }
                Weight::Lenient => {
                    let text = format!("{} is left out where the recipe allows it: {}", failure.host, problem.what);
                    self.say(Level::Warning, text);
                    let mut state = self.state.borrow_mut();
                    state.notes.push(format!("{} failed: {} (on_error => :continue)", failure.host, problem.what));
                    state.dropped.push(failure.host);
                }
                Weight::Fatal => {
                    if !past_edge {
                        self.blame(&failure);
                    }
                    if phase.slot == Slot::Migrate {
                        self.state.borrow_mut().migrations_failed.push(failure.host.clone());
                    }
                    fatal.push(problem);
                }
            }
        }
        if fatal.is_empty() { Ok(()) } else { Err(self.fail(fatal)) }
    }

    fn blame(&self, failure: &Failure) {
        if let Some(machine) = self.state.borrow_mut().machine.as_mut() {
            let event = if failure.is_lost() { FleetEvent::Lost } else { FleetEvent::Failed };
            let _ = machine.apply(event(failure.host.clone()));
        }
    }

    /// Runs every step of a phase on every host and goes past failures, which it gives back.
    pub(crate) async fn run_leniently(&self, phase: Phase) -> Vec<NotDone> {
        let hosts = phase.hosts();
        let mut failed = Vec::new();
        // What cannot be connected to is told with the step that it was for.
        let _ = self.fleet.connect(self.program, &hosts).await;
        let _ = self.ask_for_sudo(&phase).await;
        for slice in slices(&phase, &hosts) {
            let mut flights = Vec::new();
            for host in slice {
                let (jobs, impossible) = self.lenient_jobs(&phase, &host);
                failed.extend(impossible);
                flights.push((host, jobs));
            }
            for (host, results) in self.fleet.fly(flights).await {
                let failures = self.take_results(&phase, &host, results);
                failed.extend(failures.into_iter().map(NotDone::new));
            }
        }
        failed
    }

    /// Jobs, and the steps of which none can be made.
    fn lenient_jobs(&self, phase: &Phase, host: &HostId) -> (Vec<Job>, Vec<NotDone>) {
        let (mut jobs, mut impossible): (Vec<Job>, Vec<_>) = (self.way_back(host).into_iter().collect(), Vec::new());
        for step in phase.steps.iter().filter(|step| step.is_on(host)) {
            match self.job(phase, step, host) {
                Ok(job) => jobs.extend(job.map(|job| Job { always: true, ..job })),
                Err(problem) => {
                    let (host, step) = (host.clone(), step.clone());
                    impossible.push(NotDone { host, step, why: problem.why, lost: false });
                }
            }
        }
        (jobs, impossible)
    }
}

impl NotDone {
    fn new(failure: Failure) -> Self {
        let mut why = failure.result.status.to_string();
        for line in failure.result.tail_lines(3) {
            why.push_str("; ");
            why.push_str(&line);
        }
        let lost = failure.is_lost();
        Self { host: failure.host, step: failure.step, why, lost }
    }
}

/// The end of the lock, as a job.
pub(crate) fn unlock() -> Job {
    Job {
        step: None,
        title: "give the lock back".to_owned(),
        kind: JobKind::Unlock,
        output: Output::Kept,
        always: true,
        needs_lock: false,
        deadline: None,
    }
}

/// The hosts in the groups in which they may work at the same time.
fn slices(phase: &Phase, hosts: &[HostId]) -> Vec<Vec<HostId>> {
    let most = phase
        .steps
        .iter()
        .filter_map(|step| match &step.work {
            Work::Command(command) => command.max_hosts,
            Work::Ops(_) => None,
        })
        .min()
        .unwrap_or(usize::MAX)
        .max(1);
    hosts.chunks(most).map(<[HostId]>::to_vec).collect()
}

/// What helps where the application came up and is not well.
const NOT_HEALTHY: &str = "read the application's log on that host (`cap ssh HOST`): the release ran there until it was \
                           taken back; if it only needs longer, give health_check more attempts or a longer deadline";

/// What helps where a server has no such subsystem.
const NO_SFTP: &str =
    "leave out `:via => :sftp' (files then go through a command), or give the host's sshd a `Subsystem sftp'";

pub(crate) fn problem_of(failure: &Failure) -> Problem {
    let title = match &failure.step.work {
        Work::Command(command) if command.text.is_transfer() => command.shown.clone(),
        Work::Command(command) if failure.step.slot == Slot::Health => format!("pass the {}", command.shown),
        Work::Command(command) => format!("run `{}`", command.shown),
        Work::Ops(_) => failure.step.title.clone(),
    };
    let slot = if failure.step.slot == Slot::Health { Slot::Task } else { failure.step.slot };
    let mut problem = step_problem(&title, slot, &failure.result.status);
    problem.host = Some(failure.host.clone());
    problem.site = failure.step.site.clone();
    problem.task.clone_from(&failure.step.task);
    problem.tail = failure.result.tail_lines(TAIL_LINES);
    if problem.kind == ProblemKind::Step
        && let Some(last) = problem.tail.last()
    {
        let is_transfer = matches!(&failure.step.work, Work::Command(command) if command.text.is_transfer());
        let is_ours = matches!(&failure.step.work, Work::Command(command) if command.text.is_no_command());
        // The exit status of a transfer or of a question to a port is ours and says nothing.
        problem.why = if is_ours { last.clone() } else { format!("{}: {last}", problem.why) };
        let no_sftp = last.contains("offers no SFTP");
        let next = if no_sftp { NO_SFTP } else { "look at the two paths and at what the login may do there" };
        problem.next = is_transfer.then(|| next.to_owned());
    }
    if problem.kind == ProblemKind::Step && failure.step.slot == Slot::Health {
        problem.next = Some(NOT_HEALTHY.to_owned());
    }
    if problem.kind == ProblemKind::Step
        && let Work::Ops(ops) = &failure.step.work
    {
        let ops = ops.get(&failure.host).map_or(&[][..], Vec::as_slice);
        problem.next = Some(crate::hint::of_ops(ops, &problem.tail));
    }
    problem
}

/// A secret of a run, shared by the jobs that need it.
pub(crate) type SharedSecret = Arc<deploy_transport::Secret>;
