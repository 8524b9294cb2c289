//! A release that gets to the fleet part by part: each wave switches, restarts and is checked before the next begins.

use deploy_inventory::HostId;
use deploy_plan::{
    Builtin, BuiltinItem, Command, Gate, HealthItem, Item, Problem, ProblemKind, Publish, Purpose, Rollout, Slot, Wave,
};

use super::Planner;
use super::draft::Draft;

/// What lies between the switch and the transaction's edge, until all of it is known: each wave gets its part.
#[derive(Clone, Debug)]
pub(super) struct Held {
    publish: (BuiltinItem, Publish),
    waves: Vec<Vec<HostId>>,
    gate: Gate,
    /// The tasks that the switch is inside.
    tasks: Vec<(String, Option<Slot>)>,
    items: Vec<Item>,
}

impl Planner {
    /// The waves of a release that is to get to the fleet in more than one. Whoever catches up follows others, and whoever
    /// goes back is in a hurry.
    pub(super) fn in_waves(&self, item: &BuiltinItem, rollout: &Rollout) -> Option<Vec<Vec<HostId>>> {
        let purpose = self.context.as_ref().map(|context| &context.purpose);
        let builds = self.building.is_some() && purpose != Some(&Purpose::CatchUp);
        Some(rollout.waves(&item.hosts)).filter(|waves| builds && waves.len() > 1)
    }

    /// Waits for the transaction's edge.
    pub(super) fn hold_back(&mut self, item: &BuiltinItem, publish: &Publish, waves: Vec<Vec<HostId>>) {
        let gate = publish
            .rollout
            .as_ref()
            .map_or_else(Gate::default, |rollout| Gate { pause: rollout.pause, ask: rollout.ask });
        let publish = (item.clone(), publish.clone());
        self.held = Some(Held { publish, waves, gate, tasks: self.tasks.clone(), items: Vec::new() });
    }

    /// Whether an item waits with the switch. Nothing that is decided at run time can: a body of the recipe is evaluated
    /// once, and so it cannot be run for one wave after the other.
    pub(super) fn is_held(&mut self, item: &Item) -> Result<bool, Problem> {
        let Some(held) = self.held.as_mut().filter(|_| *item != Item::Edge) else { return Ok(false) };
        if matches!(item, Item::Condition(_)) {
            return Err(decided_at_run_time());
        }
        held.items.push(item.clone());
        Ok(true)
    }

    /// The flow waits for something: all that a wave needs must be known before that.
    pub(super) fn holds_nothing_back(&self) -> Result<(), Problem> {
        if self.held.is_some() { Err(decided_at_run_time()) } else { Ok(()) }
    }

    /// All that was held back, wave by wave.
    pub(super) fn release_waves(&mut self, draft: &mut Draft) -> Result<(), Problem> {
        let Some(held) = self.held.take() else { return Ok(()) };
        let (item, publish) = &held.publish;
        let of = held.waves.len();
        for (index, hosts) in held.waves.iter().enumerate() {
            let gate = Some(held.gate).filter(|_| index > 0);
            draft.begin_wave(Some(Wave { number: index + 1, of, gate }));
            self.tasks.clone_from(&held.tasks);
            self.switch_wave(item, publish, hosts, draft)?;
            let part = Part { all: &item.hosts, wave: hosts, first: index == 0, last: index + 1 == of };
            for item in held.items.iter().filter_map(|item| part.of(item)) {
                self.item(&item, draft)?;
            }
        }
        draft.begin_wave(None);
        Ok(())
    }
}

fn decided_at_run_time() -> Problem {
    let why = "the recipe decides at run time what happens between the switch and the end of the restart (it reads an answer \
               of a host, asks, waits or does something here), and its code runs once, not once for each wave";
    let next = "let the restart and its hooks be plain commands, or do without `set :rollout`";
    Problem::new(ProblemKind::Usage, "make the release live in waves", why).next(next)
}

/// One wave's share of the flow.
struct Part<'a> {
    all: &'a [HostId],
    wave: &'a [HostId],
    first: bool,
    last: bool,
}

impl Part<'_> {
    fn of(&self, item: &Item) -> Option<Item> {
        match item {
            Item::TaskStarted { .. } | Item::TaskEnded { .. } => Some(item.clone()),
            Item::Command(command) => self.command(command).map(Item::Command),
            Item::Together(commands) => {
                let commands: Vec<Command> = commands.iter().filter_map(|command| self.command(command)).collect();
                (!commands.is_empty()).then_some(Item::Together(commands))
            }
            Item::Builtin(builtin) if matches!(builtin.builtin, Builtin::Ops { .. }) => {
                let hosts = self.hosts(&builtin.hosts);
                (!hosts.is_empty()).then(|| Item::Builtin(BuiltinItem { hosts, ..builtin.clone() }))
            }
            // A check of nobody is told, once.
            Item::Health(health) if !health.hosts.iter().any(|host| self.all.contains(host)) => self.once(item),
            Item::Health(health) => {
                let hosts = self.hosts(&health.hosts);
                (!hosts.is_empty()).then(|| Item::Health(HealthItem { hosts, ..health.clone() }))
            }
            Item::OnRollback { .. } | Item::Note(_) => Some(item.clone()).filter(|_| self.first),
            Item::Builtin(_) | Item::Condition(_) | Item::Edge => self.once(item),
        }
    }

    fn once(&self, item: &Item) -> Option<Item> {
        Some(item.clone()).filter(|_| self.last)
    }

    fn command(&self, command: &Command) -> Option<Command> {
        let hosts = self.hosts(&command.hosts);
        (!hosts.is_empty()).then(|| Command { hosts, ..command.clone() })
    }

    /// Hosts of the wave. Those without the release (a load balancer) have their turn when every other host has it.
    fn hosts(&self, hosts: &[HostId]) -> Vec<HostId> {
        let here = |host: &&HostId| self.wave.contains(host) || self.last && !self.all.contains(host);
        hosts.iter().filter(here).cloned().collect()
    }
}

#[cfg(test)]
#[path = "waves_tests.rs"]
mod tests;
