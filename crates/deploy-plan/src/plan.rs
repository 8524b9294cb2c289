//! A plan: ordered phases of steps, immutable data that leaves no choice to be made while it runs.

use std::fmt::Write as _;
use std::time::Duration;

use deploy_inventory::HostId;
use indexmap::IndexMap;

use crate::{Command, HandlerId, Op, Site, Slot, StepClass, StepId, Wave};

/// What a step does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// Built-in: primitive actions, host by host.
    Ops(IndexMap<HostId, Vec<Op>>),
    /// A command of the recipe.
    Command(Command),
}

/// One named unit of remote work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its number in the run.
    pub id: StepId,
    /// What people call it.
    pub title: String,
    /// Its part of the deployment.
    pub slot: Slot,
    /// The task it comes from.
    pub task: Option<String>,
    /// The place in the recipe, if it comes from there.
    pub site: Option<Site>,
    /// Whether it may be repeated.
    pub class: StepClass,
    /// How long it may take; none for a recipe's commands.
    pub deadline: Option<Duration>,
    /// Whether its writes go through `sudo`.
    pub sudo: bool,
    /// Whether the agent is forwarded to it.
    pub forward_agent: bool,
    /// What it does.
    pub work: Work,
    /// How to undo it, host by host; for built-in steps.
    pub undo: IndexMap<HostId, Vec<Op>>,
}

impl Step {
    /// The hosts it works on, in plan order.
    pub fn hosts(&self) -> impl Iterator<Item = &HostId> {
        let (ops, command) = match &self.work {
            Work::Ops(ops) => (Some(ops.keys()), None),
            Work::Command(command) => (None, Some(command.hosts.iter())),
        };
        ops.into_iter().flatten().chain(command.into_iter().flatten())
    }

    /// Whether it works on that host.
    #[must_use]
    pub fn is_on(&self, host: &HostId) -> bool {
        self.hosts().any(|h| h == host)
    }
}

/// Steps between two fleet barriers: inside it every host goes at its own pace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phase {
    /// What people call it.
    pub title: String,
    /// Its part of the deployment.
    pub slot: Slot,
    /// The steps; each host runs those that name it, in this order.
    pub steps: Vec<Step>,
    /// Bodies of `on_rollback` that count from the start of this phase on (recorded before its first step).
    pub handlers: Vec<HandlerId>,
    /// In a rehearsal: what must turn out to be so for it to run, as the rest of "only if …".
    pub condition: Option<String>,
    /// Where the fleet gets the release part by part: the part that it is of.
    pub wave: Option<Wave>,
}

impl Phase {
    /// The hosts that have something to do in it, in order of first mention.
    #[must_use]
    pub fn hosts(&self) -> Vec<HostId> {
        let mut hosts: Vec<HostId> = Vec::new();
        for host in self.steps.iter().flat_map(Step::hosts) {
            if !hosts.contains(host) {
                hosts.push(host.clone());
            }
        }
        hosts
    }
}

/// A sentence that belongs to the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanNote {
    /// The sentence.
    pub text: String,
    /// Whether the user should look twice.
    pub warning: bool,
}

/// Ordered phases. A flow that a recipe's own code decides at run time is planned piece by piece.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The phases.
    pub phases: Vec<Phase>,
    /// What else a reader must know.
    pub notes: Vec<PlanNote>,
}

impl Plan {
    /// Hosts of all phases, in order of first mention.
    #[must_use]
    pub fn hosts(&self) -> Vec<HostId> {
        let mut hosts: Vec<HostId> = Vec::new();
        for host in self.phases.iter().flat_map(Phase::hosts) {
            if !hosts.contains(&host) {
                hosts.push(host);
            }
        }
        hosts
    }

    /// The plan as text: phases, steps, hosts and commands, one thing a line.
    #[must_use]
    pub fn outline(&self) -> String {
        let mut text = String::new();
        for (index, phase) in self.phases.iter().enumerate() {
            let _ = writeln!(text, "{:>2}. {} ({})", index + 1, phase.title, phase.slot.word());
            for step in &phase.steps {
                let hosts: Vec<&str> = step.hosts().map(HostId::as_str).collect();
                let _ = writeln!(text, "      {}  [{}]", step.title, hosts.join(", "));
            }
        }
        text
    }
}
