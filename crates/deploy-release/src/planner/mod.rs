//! From what a recipe recorded to phases: which built-in work goes to a host in one script, where the barriers are, and
//! what undoes what.

mod build;
mod cleanup;
mod draft;
mod health;
mod publish;
mod records;
mod waves;

use deploy_inventory::HostId;
use deploy_plan::{
    Builtin, BuiltinItem, Command, HandlerId, Item, JournalEntry, JournalEvent, LedgerEntry, LogLine, Op, Plan,
    PlanNote, Problem, ProblemKind, ReleaseId, ReleaseState, Revision, Site, Slot, StepId, UpdateCode, Work,
};
use indexmap::IndexSet;

pub use cleanup::removable;

use crate::identity::RunIdentity;
use crate::open::{FleetContext, Unit, expected};
use draft::{Draft, NewStep};

/// The release that this run builds.
#[derive(Clone, Debug)]
struct Building {
    update: UpdateCode,
    hosts: Vec<HostId>,
    sudo: bool,
    task: String,
    site: Option<Site>,
    unsealed: IndexSet<HostId>,
    /// Its migrations have begun.
    migrating: bool,
}

/// The release that this run made live.
#[derive(Clone, Debug)]
struct Published {
    release: ReleaseId,
    revision: Option<Revision>,
    label: String,
    log: LogLine,
    hosts: Vec<HostId>,
    sudo: bool,
    task: String,
    site: Option<Site>,
    /// It is an older one.
    rollback: bool,
    confirmed: bool,
}

/// Plans a run, piece by piece as the recipe gets there.
#[derive(Debug)]
pub struct Planner {
    identity: RunIdentity,
    context: Option<FleetContext>,
    /// The last step number given out.
    last: u32,
    tasks: Vec<(String, Option<Slot>)>,
    past_edge: bool,
    building: Option<Building>,
    published: Option<Published>,
    /// Removals that wait for the release to be confirmed.
    waiting: Vec<BuiltinItem>,
    handlers: Vec<HandlerId>,
    /// Hosts whose ledger has been told what other tools did.
    adopted: IndexSet<HostId>,
    /// Hosts whose journal says that this run has begun.
    begun: IndexSet<HostId>,
    /// What waits because the fleet gets the release in waves.
    held: Option<waves::Held>,
}

impl Planner {
    /// A planner for an opened transaction.
    #[must_use]
    pub fn new(context: FleetContext) -> Self {
        Self { context: Some(context.clone()), ..Self::task_only(context.identity) }
    }

    /// A planner for commands without any release layout (`invoke`).
    #[must_use]
    pub fn task_only(identity: RunIdentity) -> Self {
        Self {
            identity,
            context: None,
            last: 0,
            tasks: Vec::new(),
            past_edge: false,
            building: None,
            published: None,
            waiting: Vec::new(),
            handlers: Vec::new(),
            adopted: IndexSet::new(),
            begun: IndexSet::new(),
            held: None,
        }
    }

    /// The recipe opened a transaction, or a wider one, in the middle of its flow.
    pub fn set_context(&mut self, context: FleetContext) {
        let busy = self.building.is_some() || self.published.is_some();
        self.context = Some(match self.context.take() {
            Some(known) => known.widened(context, busy),
            None => context,
        });
    }

    /// The number that the next step will get; the undo steps of a run count on from it.
    #[must_use]
    pub fn next_step_id(&self) -> StepId {
        StepId(self.last + 1)
    }

    /// A number for a step that is not planned here (a question of the recipe). No other step of the run gets it.
    pub fn take_step_id(&mut self) -> StepId {
        self.last += 1;
        StepId(self.last)
    }

    /// The same planner, its steps numbered from `next` on: numbers are unique in a run.
    #[must_use]
    pub fn numbered_from(mut self, next: StepId) -> Self {
        self.last = next.0.saturating_sub(1);
        self
    }

    /// Phases for what was recorded. `end` says that the flow is complete.
    ///
    /// # Errors
    /// When an item makes no sense where it stands: a host that was not opened, a second release in one run.
    pub fn segment(&mut self, items: &[Item], end: bool) -> Result<Plan, Problem> {
        let mut draft = Draft::default();
        for item in items {
            self.item(item, &mut draft)?;
        }
        if end {
            self.close(&mut draft, false)?;
        }
        self.holds_nothing_back()?;
        Ok(draft.into_plan(&mut self.last))
    }

    /// The same where the flow waits for a look at a host. What is built so far is sealed on the way, which costs nothing
    /// there; a host on which more is built later is sealed again.
    ///
    /// # Errors
    /// As [`segment`](Self::segment).
    pub fn segment_before_a_look(&mut self, items: &[Item]) -> Result<Plan, Problem> {
        let mut draft = Draft::default();
        for item in items {
            self.item(item, &mut draft)?;
        }
        self.holds_nothing_back()?;
        if !self.past_edge {
            self.seal_on_the_way(&mut draft)?;
        }
        Ok(draft.into_plan(&mut self.last))
    }

    fn item(&mut self, item: &Item, draft: &mut Draft) -> Result<(), Problem> {
        if self.is_held(item)? {
            return Ok(());
        }
        match item {
            Item::TaskStarted { task, slot, .. } => self.tasks.push((task.clone(), *slot)),
            Item::TaskEnded { .. } => drop(self.tasks.pop()),
            Item::Builtin(builtin) => self.builtin(builtin, draft)?,
            Item::Command(command) => self.command(command, draft)?,
            Item::Together(commands) => self.together(commands, draft)?,
            Item::OnRollback { handler, .. } => self.handlers.push(*handler),
            Item::Health(health) => self.health(health, draft)?,
            Item::Edge => {
                self.close(draft, true)?;
                self.past_edge = true;
            }
            Item::Condition(text) => {
                // As in the run, which looks at a host here: what is built so far is sealed whether or not the condition
                // holds, and what is built under it is sealed under it.
                if !self.past_edge {
                    self.seal(draft)?;
                }
                draft.only_if(text.clone());
            }
            Item::Note(text) => draft.note(match text.strip_prefix("warning: ") {
                Some(text) => PlanNote { text: text.to_owned(), warning: true },
                None => PlanNote { text: text.clone(), warning: false },
            }),
        }
        Ok(())
    }

    /// The end of the transaction or of the flow: what was built is sealed, what was published is confirmed. Only the
    /// transaction's own end has the restart behind it.
    fn close(&mut self, draft: &mut Draft, restarted: bool) -> Result<(), Problem> {
        self.release_waves(draft)?;
        self.seal(draft)?;
        self.confirm(restarted, draft)?;
        for item in std::mem::take(&mut self.waiting) {
            self.remove(&item, draft)?;
        }
        Ok(())
    }

    fn builtin(&mut self, item: &BuiltinItem, draft: &mut Draft) -> Result<(), Problem> {
        match &item.builtin {
            Builtin::Setup { directories, group_writable } => {
                self.setup(item, directories, *group_writable, draft);
                Ok(())
            }
            Builtin::UpdateCode(update) => self.update_code(item, update, draft),
            Builtin::Publish(publish) => self.publish(item, publish, draft),
            Builtin::Rollback(rollback) => self.rollback(item, rollback, draft),
            Builtin::RemoveLeft { .. } | Builtin::Cleanup { .. } => {
                // While anything may still go back nothing is taken away.
                if self.may_go_back() {
                    self.waiting.push(item.clone());
                    return Ok(());
                }
                self.remove(item, draft)
            }
            Builtin::Mark { release, mark, set } => self.mark(item, release, *mark, *set, draft),
            Builtin::Hold { reason } => self.hold(item, reason.as_deref(), draft),
            Builtin::Ops { title, ops, undo } => {
                self.small_ops(item, title, ops, undo, draft);
                Ok(())
            }
        }
    }

    /// Every command of the recipe is a barrier over its hosts.
    fn command(&mut self, command: &Command, draft: &mut Draft) -> Result<(), Problem> {
        self.together(std::slice::from_ref(command), draft)
    }

    /// Commands with no barrier between them: one phase.
    fn together(&mut self, commands: &[Command], draft: &mut Draft) -> Result<(), Problem> {
        let Some(first) = commands.first() else { return Ok(()) };
        let slot = self.command_slot();
        if slot == Slot::Migrate {
            self.seal_before_migrating(draft)?;
        }
        commands.iter().for_each(|command| self.built_on(&command.hosts));
        if slot == Slot::Publish && self.published.is_none() {
            self.recipe_publishes(first, draft)?;
        }
        let steps: Vec<NewStep> = commands.iter().filter_map(|command| self.command_step(slot, command)).collect();
        if steps.is_empty() {
            return Ok(());
        }
        let task = steps.first().and_then(|step| step.task.clone());
        draft.steps(slot, task.unwrap_or_else(|| first.shown.clone()), steps, &mut self.handlers);
        Ok(())
    }

    /// Hosts on which a step of a slot has something to do: nothing is built where the release is already.
    fn that_need(&self, slot: Slot, hosts: &[HostId]) -> Vec<HostId> {
        let has = |host: &HostId| self.context.as_ref().is_some_and(|context| context.has_already(host));
        hosts.iter().filter(|host| slot != Slot::Build || !has(host)).cloned().collect()
    }

    fn command_step(&self, slot: Slot, command: &Command) -> Option<NewStep> {
        let command = Command { hosts: self.that_need(slot, &command.hosts), ..command.clone() };
        if command.hosts.is_empty() {
            return None;
        }
        let mut step = NewStep::new(slot, command.shown.clone(), Work::Command(command.clone()));
        step.task = command.task.clone().or_else(|| self.tasks.last().map(|(task, _)| task.clone()));
        step.site.clone_from(&command.site);
        step.class = command.class;
        step.sudo = command.sudo;
        step.forward_agent = command.forward_agent;
        Some(step)
    }

    /// The part of the deployment that a command belongs to, by where it stands.
    fn command_slot(&self) -> Slot {
        if self.past_edge {
            return Slot::After;
        }
        // A cleanup inside the transaction waits for its end; what the recipe hangs on it does not.
        let counts = |slot: &Slot| *slot != Slot::After || !self.may_go_back();
        let named = self.tasks.iter().rev().find_map(|(_, slot)| slot.filter(counts));
        let building = self.building.is_some();
        match (named, &self.published) {
            (Some(Slot::Migrate), _) => Slot::Migrate,
            (Some(Slot::Restart), _) => Slot::Restart,
            (None | Some(Slot::Build | Slot::Publish | Slot::Setup), Some(_)) => Slot::Publish,
            (None, None) if building => Slot::Build,
            (Some(Slot::Publish), None) if !building => Slot::Task,
            (Some(slot), _) => slot,
            (None, None) => Slot::Task,
        }
    }

    /// Whether something is built or published that not every host has confirmed.
    fn may_go_back(&self) -> bool {
        match &self.published {
            Some(published) => !published.confirmed,
            None => self.building.is_some(),
        }
    }

    fn context(&self) -> Result<&FleetContext, Problem> {
        self.context.as_ref().ok_or_else(|| {
            Problem::new(ProblemKind::Unsupported, "plan a built-in task", "the hosts' layout has not been opened")
        })
    }

    fn unit(&self, host: &HostId) -> Result<&Unit, Problem> {
        self.context()?.units.get(host).ok_or_else(|| {
            let why = "the host is not part of the transaction that was opened";
            Problem::new(ProblemKind::Unsupported, "plan a built-in task", why).on(host)
        })
    }

    /// Whether the application of a host needs a restart that a run which died owes it.
    #[must_use]
    pub fn owes(&self, host: &HostId) -> bool {
        self.context.as_ref().and_then(|context| context.units.get(host)).is_some_and(|unit| unit.owes)
    }

    /// The journal's first records on a host, once per run.
    fn begin(&mut self, host: &HostId, release: &ReleaseId) -> Result<Vec<Op>, Problem> {
        if !self.begun.insert(host.clone()) {
            return Ok(Vec::new());
        }
        let unit = self.unit(host)?;
        let (by, at) = (self.identity.by.clone(), self.identity.when());
        let hosts = self.context()?.units.len();
        let begin = JournalEvent::Begin { release: release.clone(), from: expected(unit), hosts, by, at };
        let owes = unit.owes;
        Ok(vec![Op::Journal(JournalEntry { owes, ..JournalEntry::new(self.identity.run.clone(), begin) })])
    }

    fn journal(&self, event: JournalEvent) -> Op {
        Op::Journal(JournalEntry::new(self.identity.run.clone(), event))
    }

    /// A record about a release on a host.
    fn entry(&self, host: &HostId, release: &ReleaseId, state: ReleaseState) -> Result<LedgerEntry, Problem> {
        let history = &self.unit(host)?.history;
        let ours = |building: &&Building| building.update.release == *release && building.hosts.contains(host);
        let built = self.building.as_ref().filter(ours);
        let known = history.get(release);
        // A host that was read again in the middle of the run knows the run's own release already.
        let sequence = match known {
            Some(known) if built.is_none() || known.run.as_ref() == Some(&self.identity.run) => known.sequence,
            _ => history.next_sequence,
        };
        let revision = built
            .map(|building| building.update.revision.clone())
            .or_else(|| known.and_then(|known| known.revision.clone()));
        Ok(LedgerEntry {
            sequence,
            release: release.clone(),
            state,
            revision,
            run: self.identity.run.clone(),
            by: self.identity.by.clone(),
            at: self.identity.when(),
        })
    }
}

#[cfg(test)]
#[path = "planner_tests.rs"]
mod tests;
