//! Commands that the recipe waits for. One of our own that only looks at a host travels with the last phase before it, so
//! that it costs no round trip.

use deploy_inventory::HostId;
use deploy_plan::{
    Command, CommandResult, ExitStatus, Phase, Problem, Slot, Step, StepClass, StepId, Stopped, Suspension, Want, Work,
};

use crate::engine::Mode;
use crate::flight::{Job, JobKind, JobResult, Output};
use crate::phase::Failure;
use crate::run::Run;

/// A command that the recipe waits for.
pub(crate) struct Asked {
    pub command: Command,
    pub want: Want,
    /// Why it waits.
    pub why: Suspension,
}

/// A question that may travel with a phase.
pub(crate) struct Rider {
    step: Step,
    command: Command,
}

impl Rider {
    /// Whom it asks.
    pub fn hosts(&self) -> impl Iterator<Item = &HostId> {
        self.command.hosts.iter()
    }

    /// Adds it behind the jobs of its hosts: where one of those fails it is not asked.
    pub fn board(&self, flights: &mut Vec<(HostId, Vec<Job>)>, kind: impl Fn(&Command, &HostId) -> JobKind) {
        for host in self.hosts() {
            let job = question_job(&self.step, kind(&self.command, host), Output::Kept);
            match flights.iter_mut().find(|(other, _)| other == host) {
                Some((_, jobs)) => jobs.push(job),
                None => flights.push((host.clone(), vec![job])),
            }
        }
    }
}

/// Whether a question may travel behind the work of a phase: all of it goes to all of its hosts at once, in the runner.
pub(crate) fn carries(phase: &Phase) -> bool {
    let plain = |step: &Step| match &step.work {
        Work::Ops(_) => true,
        Work::Command(command) => is_plain(command) && command.max_hosts.is_none() && !command.continue_on_error,
    };
    phase.slot != Slot::After && phase.steps.iter().all(plain)
}

/// Whether it goes through the runner.
fn is_plain(command: &Command) -> bool {
    !command.pty && !command.text.is_no_command()
}

impl Run<'_> {
    /// The question as a rider, if it is one that changes nothing and has no conditions of its own.
    pub(crate) fn rider(&self, command: &Command, want: Want) -> Option<Rider> {
        let looks = command.class == StepClass::Idempotent && want == Want::Output;
        let plain = is_plain(command) && !command.sudo && !command.continue_on_error && command.max_hosts.is_none();
        // What it asks goes on whatever becomes of the phase on other hosts only where one failure ends all.
        let strict = self.state.borrow().tolerance.failed == 0;
        if !looks || !plain || !strict || self.settings.mode != Mode::Real || self.state.borrow().undoing {
            return None;
        }
        let step = question_step(self.take_step_id(), command.clone());
        Some(Rider { step, command: command.clone() })
    }

    /// Takes the rider's answer out of the results of a host.
    pub(crate) fn take_answer(
        &self,
        rider: &Rider,
        host: &HostId,
        results: &mut Vec<JobResult>,
        answers: &mut Vec<CommandResult>,
    ) -> Option<Failure> {
        let place = results.iter().position(|result| result.step == Some(rider.step.id))?;
        let result = results.remove(place);
        self.clock_up(host, &rider.step, &result);
        match &result.status {
            status if status.is_success() => {
                answers.push(answer(host, result));
                None
            }
            // What kept it from being asked is told by itself.
            ExitStatus::Skipped if results.iter().any(|other| !other.status.is_success()) => None,
            _ => Some(Failure { host: host.clone(), step: rider.step.clone(), result }),
        }
    }

    /// A command that the recipe waits for.
    pub(crate) async fn run_question(&self, asked: Asked) -> Result<Vec<CommandResult>, Stopped> {
        let Asked { mut command, want, why } = asked;
        // What could be rescued is work all the same, and only its end is the recipe's to know.
        let is_work = why == Suspension::Rescue;
        let mut answers = Vec::new();
        if let Err(problems) = self.fleet.make_ready(self.program, &command.hosts).await {
            if want != Want::Reach {
                return Err(self.refuse(&command.hosts, problems));
            }
            {
                let mut state = self.state.borrow_mut();
                state.targeted.clone_from(&command.hosts);
                state.unreached.extend(problems.iter().cloned());
            }
            answers.extend(problems.into_iter().filter_map(out_of_reach));
            command.hosts.retain(|host| answers.iter().all(|answer| answer.host != *host));
        }
        let step = question_step(self.take_step_id(), command.clone());
        let phase = Phase {
            title: step.title.clone(),
            slot: Slot::Task,
            steps: vec![step.clone()],
            handlers: Vec::new(),
            condition: None,
            wave: None,
        };
        self.ask_for_sudo(&phase).await?;
        // What a transfer brings is a file.
        let is_told = is_work && !command.text.is_transfer();
        let output = if is_told { Output::Both } else { Output::Kept };
        if is_work {
            self.announce(&phase);
        }
        let jobs = |host: &HostId| vec![question_job(&step, self.command_kind(&command, host), output)];
        let flights = command.hosts.iter().map(|host| (host.clone(), jobs(host))).collect();
        let mut failures = Vec::new();
        for (host, results) in self.fleet.fly(flights).await {
            for result in results {
                self.clock_up(&host, &step, &result);
                let lost = matches!(result.status, ExitStatus::Lost(_));
                if (lost && want != Want::Reach) || (want == Want::Output && !result.status.is_success()) {
                    failures.push(Failure { host: host.clone(), step: step.clone(), result: result.clone() });
                }
                answers.push(answer(&host, result));
            }
        }
        self.judge(&phase, failures)?;
        Ok(answers)
    }
}

fn answer(host: &HostId, result: JobResult) -> CommandResult {
    let (stdout, stderr) = (result.stdout, result.tail);
    CommandResult { host: host.clone(), status: result.status, stdout, stderr, unreached: None }
}

fn question_job(step: &Step, kind: JobKind, output: Output) -> Job {
    Job {
        step: Some(step.id),
        title: step.title.clone(),
        kind,
        output,
        always: false,
        needs_lock: false,
        deadline: None,
    }
}

/// The answer of a host that could not be connected to.
fn out_of_reach(problem: Problem) -> Option<CommandResult> {
    let (host, status) = (problem.host.clone()?, ExitStatus::Lost(problem.why.clone()));
    let unreached = Some(Box::new(problem));
    Some(CommandResult { host, status, stdout: Vec::new(), stderr: Vec::new(), unreached })
}

/// A step for a command whose answer is waited for.
fn question_step(id: StepId, command: Command) -> Step {
    Step {
        id,
        title: command.shown.clone(),
        slot: Slot::Task,
        task: command.task.clone(),
        site: command.site.clone(),
        class: command.class,
        deadline: None,
        sudo: false,
        forward_agent: command.forward_agent,
        work: Work::Command(command),
        undo: indexmap::IndexMap::new(),
    }
}
