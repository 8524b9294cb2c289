//! A second opinion on plans, independent of the planner: it knows the rules, not how plans are made.

use deploy_inventory::HostId;
use deploy_plan::{Expect, Op, Phase, Plan, Purpose, ReleaseId, ReleaseState, Slot, Step, StepId, Work};
use indexmap::{IndexMap, IndexSet};

use crate::facts::Current;
use crate::open::FleetContext;

/// Why a plan does not hold together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// Nobody would run it.
    #[error("step {0} has no host")]
    NoHost(StepId),
    /// Numbers must grow through the run.
    #[error("step {0} does not follow the steps before it")]
    Order(StepId),
    /// Built-in work on a host that was not opened.
    #[error("step {step} works on {host}, which is not part of the transaction")]
    Stranger {
        /// The step.
        step: StepId,
        /// The host.
        host: HostId,
    },
    /// A switch to something else than the run is about.
    #[error("step {step} switches {host} to {release}, which is not the release of this run")]
    Target {
        /// The step.
        step: StepId,
        /// The host.
        host: HostId,
        /// The release.
        release: ReleaseId,
    },
    /// A switch to a release that is not proven complete before any host switches.
    #[error("step {step} switches {host} to {release}, which is not finished on it before the first switch")]
    Unsealed {
        /// The step.
        step: StepId,
        /// The host.
        host: HostId,
        /// The release.
        release: ReleaseId,
    },
    /// A migration for a release that is not proven complete on every host.
    #[error("step {0} migrates before the release is finished on every host")]
    EarlyMigration(StepId),
    /// A switch that expects something else than was found.
    #[error("step {step} does not expect on {host} what was found there")]
    Expectation {
        /// The step.
        step: StepId,
        /// The host.
        host: HostId,
    },
    /// Work on a release that may be live already.
    #[error("step {step} builds on {host} after the first switch")]
    LateBuild {
        /// The step.
        step: StepId,
        /// The host.
        host: HostId,
    },
    /// Something changes and nothing would change it back.
    #[error("step {step} cannot be undone on {host}")]
    NoUndo {
        /// The step.
        step: StepId,
        /// The host.
        host: HostId,
    },
    /// An undo that would remove a release whether this run made it or not.
    #[error("the undo of step {step} would remove on {host} what may have been there before")]
    BlindUndo {
        /// The step.
        step: StepId,
        /// The host.
        host: HostId,
    },
    /// A record of success without proof.
    #[error("step {step} confirms {host} without reading it back")]
    Unproven {
        /// The step.
        step: StepId,
        /// The host.
        host: HostId,
    },
    /// Something else than a proof in a phase of proofs, where a failure on one host turns all of them back.
    #[error("step {0} is no proof, but stands among the proofs")]
    NoProof(StepId),
    /// What can only warn, before every host that switches has confirmed.
    #[error("step {0} counts on a confirmation that not every host has given before it")]
    TooEarly(StepId),
    /// A removal of what may still be needed.
    #[error("step {step} removes {release} from {host}, which is {why}")]
    Removal {
        /// The step.
        step: StepId,
        /// The host.
        host: HostId,
        /// The release.
        release: ReleaseId,
        /// What protects it.
        why: &'static str,
    },
}

/// Reads the plans of a run in order, piece by piece.
#[derive(Debug)]
pub struct Checker {
    context: Option<FleetContext>,
    last: StepId,
    claimed: IndexMap<HostId, StepId>,
    /// Hosts whose half-made release would be removed.
    covered: IndexSet<HostId>,
    sealed: IndexSet<HostId>,
    switched: IndexMap<HostId, ReleaseId>,
    confirmed: IndexSet<HostId>,
    found: Vec<Violation>,
}

impl Checker {
    /// For a run on an opened fleet.
    #[must_use]
    pub fn new(context: &FleetContext) -> Self {
        Self { context: Some(context.clone()), ..Self::task_only() }
    }

    /// The recipe opened a transaction, or a wider one, in the middle of its flow.
    pub fn set_context(&mut self, context: FleetContext) {
        let busy = !self.claimed.is_empty() || !self.switched.is_empty();
        self.context = Some(match self.context.take() {
            Some(known) => known.widened(context, busy),
            None => context,
        });
    }

    /// For a run without a layout.
    #[must_use]
    pub fn task_only() -> Self {
        Self {
            context: None,
            last: StepId(0),
            claimed: IndexMap::new(),
            covered: IndexSet::new(),
            sealed: IndexSet::new(),
            switched: IndexMap::new(),
            confirmed: IndexSet::new(),
            found: Vec::new(),
        }
    }

    /// Reads the next plan of the run.
    ///
    /// # Errors
    /// With everything that is wrong with it.
    pub fn check(&mut self, plan: &Plan) -> Result<(), Vec<Violation>> {
        for phase in &plan.phases {
            self.phase(phase);
        }
        let found = std::mem::take(&mut self.found);
        if found.is_empty() { Ok(()) } else { Err(found) }
    }

    fn phase(&mut self, phase: &Phase) {
        // What happens in a phase counts for the others from the next phase on: inside it every host has its own pace.
        let before = (self.sealed.clone(), self.confirmed.clone());
        for step in &phase.steps {
            if step.id <= self.last {
                self.found.push(Violation::Order(step.id));
            }
            self.last = step.id;
            if (phase.slot == Slot::Confirm || step.slot == Slot::Confirm) && !is_proof(step) {
                self.found.push(Violation::NoProof(step.id));
            }
            if (phase.slot == Slot::After || step.slot == Slot::After) && !self.is_settled(&before.1) {
                self.found.push(Violation::TooEarly(step.id));
            }
            if step.hosts().next().is_none() {
                self.found.push(Violation::NoHost(step.id));
            }
            if step.slot == Slot::Migrate && !self.claimed.keys().all(|host| before.0.contains(host)) {
                self.found.push(Violation::EarlyMigration(step.id));
            }
            if let Work::Ops(ops) = &step.work {
                for (host, ops) in ops {
                    self.host(step, host, ops, &before.0, &before.1);
                }
            }
        }
    }

    fn host(
        &mut self,
        step: &Step,
        host: &HostId,
        ops: &[Op],
        sealed: &IndexSet<HostId>,
        confirmed: &IndexSet<HostId>,
    ) {
        let at = |make: fn(StepId, HostId) -> Violation| make(step.id, host.clone());
        let opened = self.context.as_ref().is_some_and(|context| context.units.contains_key(host));
        if !opened && ops.iter().any(is_about_releases) {
            self.found.push(at(|step, host| Violation::Stranger { step, host }));
            return;
        }
        let undoes = has(step, host, |op| matches!(op, Op::AbandonRelease { .. }));
        if has(step, host, |op| matches!(op, Op::RemoveRelease { .. })) {
            self.found.push(at(|step, host| Violation::BlindUndo { step, host }));
        }
        if undoes && self.claimed.contains_key(host) {
            self.covered.insert(host.clone());
        }
        if step.slot == Slot::Build && !self.switched.is_empty() {
            self.found.push(at(|step, host| Violation::LateBuild { step, host }));
        } else if self.claimed.contains_key(host) && !self.covered.contains(host) && ops.iter().any(changes) {
            self.found.push(at(|step, host| Violation::NoUndo { step, host }));
        }
        for op in ops {
            match op {
                Op::ClaimRelease { .. } => drop(self.claimed.insert(host.clone(), step.id)),
                Op::ReadBack { .. } if step.slot == Slot::Confirm => drop(self.confirmed.insert(host.clone())),
                Op::Record(entry) if entry.state == ReleaseState::Ready => drop(self.sealed.insert(host.clone())),
                Op::Record(entry) if entry.state == ReleaseState::Confirmed => {
                    let ours = self.switched.get(host) == Some(&entry.release);
                    if ours && !confirmed.contains(host) {
                        self.found.push(at(|step, host| Violation::Unproven { step, host }));
                    }
                }
                Op::Switch { to, expect } => self.switch(step, host, to, expect, sealed),
                Op::RemoveRelease { release } => self.removal(step, host, release, confirmed),
                _ => {}
            }
        }
    }

    fn switch(&mut self, step: &Step, host: &HostId, to: &ReleaseId, expect: &Expect, sealed: &IndexSet<HostId>) {
        let Some(context) = &self.context else { return };
        let Some(unit) = context.units.get(host) else { return };
        let (id, host, release) = (step.id, host.clone(), to.clone());
        if context.release.as_ref().is_some_and(|wanted| wanted != to) {
            self.found.push(Violation::Target { step: id, host: host.clone(), release: release.clone() });
        }
        let fits = match (&unit.history.live, &unit.current, expect) {
            (Some(live), _, Expect::Release(expected)) => live == expected,
            (None, Current::Link { text, .. }, Expect::LinkText(expected)) => text == expected,
            (None, Current::Absent, Expect::Nothing) => true,
            _ => false,
        };
        if !fits {
            self.found.push(Violation::Expectation { step: id, host: host.clone() });
        }
        let known = unit.history.get(to).filter(|_| !self.claimed.contains_key(&host));
        let ready = match known {
            Some(known) => known.is_complete() || known.state == ReleaseState::Reverted,
            None if !unit.is_known() && self.claimed.is_empty() => true,
            None => self.claimed.keys().all(|claimed| sealed.contains(claimed)) && sealed.contains(&host),
        };
        if !ready {
            self.found.push(Violation::Unsealed { step: id, host: host.clone(), release: release.clone() });
        }
        let back = match (&unit.history.live, &unit.current) {
            (Some(live), _) if live == to => true,
            (Some(live), _) => has(step, &host, |op| matches!(op, Op::Switch { to, .. } if to == live)),
            (None, Current::Link { text, .. }) => {
                has(step, &host, |op| matches!(op, Op::RestoreLink { text: back, .. } if back == text))
            }
            (None, _) => has(step, &host, |op| matches!(op, Op::Unpublish { .. })),
        };
        if !back {
            self.found.push(Violation::NoUndo { step: id, host: host.clone() });
        }
        self.switched.insert(host, release);
    }

    /// Whether every host that was told to switch is proven.
    fn is_settled(&self, confirmed: &IndexSet<HostId>) -> bool {
        self.switched.keys().all(|host| confirmed.contains(host))
    }

    fn removal(&mut self, step: &Step, host: &HostId, release: &ReleaseId, confirmed: &IndexSet<HostId>) {
        let Some(context) = &self.context else { return };
        let Some(unit) = context.units.get(host) else { return };
        let history = &unit.history;
        let left = history.live.as_ref();
        let now = self.switched.get(host).or(left);
        let moved = self.switched.contains_key(host);
        let settled = self.is_settled(confirmed);
        let is_rollback = matches!(context.purpose, Purpose::Rollback { .. });
        let older_good = |id: &ReleaseId| {
            let place = |wanted: &ReleaseId| history.releases.iter().position(|known| known.id == *wanted);
            let end = now.and_then(place).unwrap_or(history.releases.len());
            history
                .releases
                .iter()
                .take(end)
                .rev()
                .find(|known| known.present && known.good)
                .is_some_and(|k| k.id == *id)
        };
        let why = if now == Some(release) {
            "live"
        } else if !moved && self.claimed.contains_key(host) && !self.sealed.contains(host) {
            "perhaps needed: nothing is finished yet"
        } else if !settled {
            "perhaps needed: not every host has confirmed before"
        } else if left == Some(release) && !(is_rollback && moved) {
            "what the host goes back to"
        } else if older_good(release) {
            "what a rollback goes to"
        } else if history.get(release).is_some_and(|known| known.pinned) {
            "pinned"
        } else {
            return;
        };
        self.found.push(Violation::Removal { step: step.id, host: host.clone(), release: release.clone(), why });
    }
}

fn has(step: &Step, host: &HostId, test: impl Fn(&Op) -> bool) -> bool {
    step.undo.get(host).is_some_and(|undo| undo.iter().any(test))
}

/// Whether a step reads back and does nothing else.
fn is_proof(step: &Step) -> bool {
    let proves = |op: &Op| matches!(op, Op::ReadBack { .. });
    match &step.work {
        Work::Ops(ops) => ops.values().flatten().all(proves),
        Work::Command(_) => false,
    }
}

fn is_about_releases(op: &Op) -> bool {
    matches!(
        op,
        Op::ClaimRelease { .. }
            | Op::Record(_)
            | Op::Switch { .. }
            | Op::Unpublish { .. }
            | Op::RestoreLink { .. }
            | Op::RemoveRelease { .. }
            | Op::AbandonRelease { .. }
            | Op::ReadyLink { .. }
            | Op::ReadBack { .. }
    )
}

/// Whether an op leaves something in the release.
fn changes(op: &Op) -> bool {
    matches!(
        op,
        Op::Script { .. }
            | Op::MakeDir { .. }
            | Op::WriteFile { .. }
            | Op::ReplaceWithLink { .. }
            | Op::GroupWritable { .. }
            | Op::ReadyLink { .. }
    )
}

#[cfg(test)]
#[path = "checker_tests.rs"]
mod tests;
