//! One run: it is the `Hosts` of the recipe. What the recipe records is kept, planned and run when the flow gets there.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use deploy_inventory::HostId;
use deploy_plan::{
    Builtin, BuiltinItem, Command, CommandResult, Event, HandlerId, HostRelease, Hosts, Item, Layout, Level, Observer,
    Opened, Phase, Plan, Problem, ProblemKind, Program, Publish, Purpose, RemotePath, RunId, Site, Slot, Step, StepId,
    Stopped, Suspension, Tolerance, Transaction, Want, Work,
};
use deploy_release::{Checker, CompileContext, FleetMachine, Planner, RunIdentity};
use tokio::sync::Mutex;

use crate::engine::{Mode, Settings};
use crate::fleet::Fleet;
use crate::phase::NotDone;
use crate::ports::Ports;
use crate::preflight::Outlook;
use crate::question::{Asked, Rider, carries};
use crate::undo::Undoable;

/// What a run knows and has done.
#[derive(Default)]
pub(crate) struct State {
    /// Recorded and not planned yet.
    pub pending: Vec<Item>,
    /// What is open.
    pub opening: Option<Opening>,
    /// Makes steps of items.
    pub planner: Option<Planner>,
    /// Looks at each plan before it runs.
    pub checker: Option<Checker>,
    /// What is known of the fleet.
    pub machine: Option<FleetMachine>,
    /// In a rehearsal: all that would run.
    pub rehearsed: Plan,
    /// What can be undone, in the order in which it was started.
    pub undo: Vec<Undoable>,
    /// The next step id of the way back.
    pub undo_steps: Option<StepId>,
    /// What went wrong.
    pub problems: Vec<Problem>,
    /// Problems after the transaction's edge.
    pub late: Vec<Problem>,
    /// Sentences for the end.
    pub notes: Vec<String>,
    /// Hosts that a second Ctrl-C has left before all was undone there.
    pub abandoned: Vec<HostId>,
    /// Hosts of which the recipe has told that something is in the way.
    pub blocked: Vec<HostId>,
    /// Whether some host may have switched.
    pub publishing: bool,
    /// Whether the transaction's edge is behind us: what fails now is told and turns nothing back.
    pub past_edge: bool,
    /// Whether the run is on its way back.
    pub undoing: bool,
    /// Why hosts were not reached that the recipe had asked for, reached or not.
    pub unreached: Vec<Problem>,
    /// Hosts where a migration failed.
    pub migrations_failed: Vec<HostId>,
    /// Hosts that were put back, but where the restart on the old release failed.
    pub restart_failed: Vec<HostId>,
    /// Where `current` points to on hosts that were not put back, as it was read there at the end.
    pub found: indexmap::IndexMap<HostId, String>,
    /// Hosts that were not put back.
    pub not_put_back: Vec<HostId>,
    /// Commands of the restart slot, started or not: a put-back repeats all of it.
    pub restarts: Vec<Step>,
    /// For each task that is entered and not left in what is planned so far: whether it is of the restart slot.
    pub entered: Vec<bool>,
    /// Hosts whose lock is ours.
    pub locked: Vec<HostId>,
    /// Hosts that the run goes on without.
    pub apart: Vec<crate::apart::Apart>,
    /// Hosts that serve already what this run brings to others, and what that is.
    pub up_to_date: Vec<(HostId, HostRelease)>,
    /// What the recipe lets go wrong.
    pub tolerance: Tolerance,
    /// The directory that these locks are in.
    pub locked_in: Option<RemotePath>,
    /// What a look at the hosts before what hangs in front of the opening has shown.
    pub outlook: Outlook,
    /// Hosts that were lost, were reached again on the way back and have been undone.
    pub returned: Vec<HostId>,
    /// Hosts that were left out after a failure (`:on_error => :continue`).
    pub dropped: Vec<HostId>,
    /// Times at which `current` changed, as we saw it, for the window.
    pub switched: Vec<Duration>,
    /// What is known about sudo.
    pub sudo: HashMap<HostId, crate::sudo::Sudo>,
    /// How long each host has worked.
    pub worked: HashMap<HostId, Duration>,
    /// Hosts of whose clocks the run has warned.
    pub skewed: Vec<HostId>,
    /// The revision of the release that this run publishes.
    pub revision: Option<deploy_plan::Revision>,
    /// Whether commands of the recipe have run.
    pub commands_ran: bool,
    /// The hosts of the latest opening that was asked for, refused or not.
    pub targeted: Vec<HostId>,
    /// Hosts that something ran on, or was about to.
    pub touched: Vec<HostId>,
    /// Hosts with a journal of this run.
    pub journaled: indexmap::IndexSet<HostId>,
    /// The layout on which an earlier run is recovered, before this one has opened it.
    pub recovering: Option<Layout>,
    /// What the flow waits for at the moment, in the recipe.
    pub waits_at: Option<Site>,
    /// Whether health checks have been passed.
    pub gated: bool,
    /// What each host has cost in round trips.
    pub round_trips: HashMap<HostId, u32>,
}

/// An open layout.
#[derive(Clone)]
pub(crate) struct Opening {
    /// As asked for.
    pub transaction: Transaction,
    /// As answered.
    pub opened: Opened,
}

/// One run.
pub(crate) struct Run<'a> {
    pub id: RunId,
    pub settings: &'a Settings,
    pub ports: Arc<Ports>,
    pub program: &'a dyn Program,
    pub fleet: Fleet,
    pub state: RefCell<State>,
    /// One part of the flow at a time.
    turn: Mutex<()>,
}

impl<'a> Run<'a> {
    pub(crate) fn new(id: RunId, settings: &'a Settings, ports: Arc<Ports>, program: &'a dyn Program) -> Self {
        let fleet = Fleet::new(Arc::clone(&ports));
        Self { id, settings, ports, program, fleet, state: RefCell::default(), turn: Mutex::new(()) }
    }

    /// Whether the transaction's edge is behind us, or waits to be run to.
    pub(crate) fn has_recorded_the_edge(&self) -> bool {
        let state = self.state.borrow();
        self.settings.mode == Mode::Real && (state.past_edge || state.pending.contains(&Item::Edge))
    }

    /// The user has stopped it.
    pub(crate) fn interrupted(&self) {
        if self.state.borrow().past_edge {
            return;
        }
        if let Some(machine) = self.state.borrow_mut().machine.as_mut() {
            let _ = machine.apply(deploy_release::FleetEvent::Interrupted);
        }
    }

    /// Tells the observer a sentence.
    pub(crate) fn say(&self, level: Level, text: impl Into<String>) {
        self.ports.observer.event(&Event::Message { level, host: None, text: text.into() });
    }

    /// Notes a failure and tells it.
    pub(crate) fn fail(&self, problems: Vec<Problem>) -> Stopped {
        for problem in &problems {
            self.ports.observer.event(&Event::Failed { problem: problem.clone() });
        }
        let mut state = self.state.borrow_mut();
        if state.past_edge {
            state.late.extend(problems);
        } else {
            state.problems.extend(problems);
        }
        Stopped::Run
    }

    /// Plans and runs what is recorded; `end` when nothing follows.
    pub(crate) async fn advance(&self, end: bool) -> Result<(), Stopped> {
        let _turn = self.turn.lock().await;
        self.advance_in_turn(end, None).await.map(drop)
    }

    /// The same with a question that may travel with the last phase; the answers, if it did.
    async fn advance_in_turn(&self, end: bool, rider: Option<&Rider>) -> Result<Option<Vec<CommandResult>>, Stopped> {
        if self.state.borrow().undoing {
            return self.advance_undo().await.map(|()| None);
        }
        if self.state.borrow().pending.iter().any(is_work) {
            self.preflight().await?;
        }
        let (plan, loose) = self.plan_pending(end, rider.is_some())?;
        if self.settings.mode != Mode::Real {
            let mut state = self.state.borrow_mut();
            state.rehearsed.phases.extend(plan.phases);
            state.rehearsed.notes.extend(plan.notes);
            return Ok(None);
        }
        if !plan.phases.is_empty() || !plan.notes.is_empty() {
            self.ports.observer.event(&Event::Planned { plan: plan.clone() });
        }
        self.refuse_questions_to_nobody(&plan)?;
        self.connect_ahead(&plan).await?;
        let count = plan.phases.len();
        let mut answers = None;
        for (index, phase) in plan.phases.into_iter().enumerate() {
            let last = index + 1 == count;
            let rider = rider.filter(|_| last && carries(&phase));
            self.pass_the_gate(&phase).await?;
            answers = self.run_phase(phase, end && last, rider).await?;
        }
        // The flow has got past these without a phase to hang them on.
        self.arm(&loose);
        Ok(answers)
    }

    /// A host that only a later step needs is not found out of reach when the rest of the fleet has switched.
    async fn connect_ahead(&self, plan: &Plan) -> Result<(), Stopped> {
        let mut hosts: Vec<HostId> = Vec::new();
        for phase in plan.phases.iter().filter(|phase| phase.slot != Slot::After) {
            hosts.extend(phase.hosts());
        }
        let hosts = self.remaining(&hosts);
        let refuse = |problems| self.refuse(&hosts, problems);
        self.fleet.connect(self.program, &hosts).await.map_err(refuse)?;
        // Where the first work of all goes it finds out by itself whether a shell runs there.
        let first = plan.phases.first().map(Phase::hosts).unwrap_or_default();
        let later: Vec<HostId> = hosts.iter().filter(|host| !first.contains(host)).cloned().collect();
        self.fleet.make_ready(self.program, &later).await.map_err(refuse)
    }

    /// Ends the run before anything went to these hosts. The table has all of them, those that were reached, too.
    pub(crate) fn refuse(&self, hosts: &[HostId], problems: Vec<Problem>) -> Stopped {
        let mut state = self.state.borrow_mut();
        let new: Vec<HostId> = hosts.iter().filter(|host| !state.touched.contains(host)).cloned().collect();
        state.touched.extend(new);
        drop(state);
        self.fail(problems)
    }

    /// The number of a step that the planner does not make; no other step of the run gets it.
    pub(crate) fn take_step_id(&self) -> StepId {
        let mut state = self.state.borrow_mut();
        if let Some(next) = state.undo_steps {
            state.undo_steps = Some(StepId(next.0 + 1));
            return next;
        }
        state.planner.get_or_insert_with(|| Planner::task_only(self.identity())).take_step_id()
    }

    /// From now on these bodies are part of the way back.
    pub(crate) fn arm(&self, handlers: &[HandlerId]) {
        let mut state = self.state.borrow_mut();
        if state.past_edge {
            return;
        }
        for handler in handlers {
            let known = state.undo.iter().any(|entry| matches!(entry, Undoable::Handler(other) if other == handler));
            if !known {
                state.undo.push(Undoable::Handler(*handler));
            }
        }
    }

    /// Plans what is recorded; with it the bodies of `on_rollback` that no phase of the plan names.
    fn plan_pending(&self, end: bool, look: bool) -> Result<(Plan, Vec<HandlerId>), Stopped> {
        let mut state = self.state.borrow_mut();
        let items = std::mem::take(&mut state.pending);
        for item in &items {
            match item {
                Item::TaskStarted { slot, .. } => state.entered.push(*slot == Some(Slot::Restart)),
                Item::TaskEnded { .. } => drop(state.entered.pop()),
                _ => {}
            }
        }
        let planner = state.planner.get_or_insert_with(|| Planner::task_only(self.identity()));
        let planned = if look { planner.segment_before_a_look(&items) } else { planner.segment(&items, end) };
        let violations = match (&planned, state.checker.as_mut()) {
            (Ok(plan), Some(checker)) => checker.check(plan).err().unwrap_or_default(),
            _ => Vec::new(),
        };
        drop(state);
        let waits_at = self.state.borrow().waits_at.clone();
        let placed = |problem: Problem| if problem.site.is_some() { problem } else { problem.at(waits_at) };
        let plan = planned.map_err(|problem| self.fail(vec![placed(problem)]))?;
        if violations.is_empty() {
            let mut state = self.state.borrow_mut();
            let steps = plan.phases.iter().flat_map(|phase| &phase.steps);
            let restarts = steps.filter(|step| step.slot == Slot::Restart && matches!(step.work, Work::Command(_)));
            state.restarts.extend(restarts.cloned());
            let named = |handler: &HandlerId| plan.phases.iter().any(|phase| phase.handlers.contains(handler));
            let loose = handlers_of(&items).filter(|handler| !named(handler)).collect();
            return Ok((plan, loose));
        }
        let why = violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        Err(self.fail(vec![Problem::new(ProblemKind::NeedsPerson, "make a consistent plan", why)]))
    }

    /// Who runs, for ledgers and logs.
    pub(crate) fn identity(&self) -> RunIdentity {
        RunIdentity {
            run: self.id.clone(),
            by: self.settings.by.clone(),
            unix_seconds: self.ports.clock.unix_seconds(),
        }
    }

    /// The layout that is open.
    pub(crate) fn layout(&self) -> Option<Layout> {
        let state = self.state.borrow();
        let opened = state.opening.as_ref().map(|opening| opening.transaction.layout.clone());
        opened.or_else(|| state.recovering.clone())
    }

    /// What compiling a built-in step needs.
    pub(crate) fn compile_context<'b>(&'b self, layout: &'b Layout) -> CompileContext<'b> {
        CompileContext { layout, run: &self.id, sudo: false, flush: self.settings.flush }
    }

    /// The hosts of a command that have not been left out.
    fn remaining(&self, hosts: &[HostId]) -> Vec<HostId> {
        let state = self.state.borrow();
        let apart = state.not_taking_part();
        hosts.iter().filter(|host| !state.dropped.contains(host) && !apart.contains(host)).cloned().collect()
    }

    /// Runs a command that the recipe waits for.
    async fn ask(&self, mut asked: Asked) -> Result<Vec<CommandResult>, Stopped> {
        if asked.want == Want::Reach && self.settings.mode != Mode::Real {
            return self.look_in_rehearsal(asked).await;
        }
        if self.settings.mode != Mode::Real {
            let text = match asked.command.text.is_transfer() {
                true => format!("not carried now, and the recipe may go on by what it brings: {}", asked.command.shown),
                false => format!("from here on the recipe decides by the answer to: {}", asked.command.shown),
            };
            self.note_rehearsal(&text, asked.command.site.as_ref());
            return Ok(asked
                .command
                .hosts
                .iter()
                .map(|host| CommandResult {
                    host: host.clone(),
                    status: deploy_plan::ExitStatus::Code(0),
                    stdout: Vec::new(),
                    stderr: Vec::new(),
                    unreached: None,
                })
                .collect());
        }
        if asked.command.continue_on_error {
            asked.command.hosts = self.remaining(&asked.command.hosts);
        }
        let (apart, there): (Vec<HostId>, Vec<HostId>) =
            std::mem::take(&mut asked.command.hosts).into_iter().partition(|host| self.is_apart(host));
        if there.is_empty() && !apart.is_empty() {
            return Ok(apart.iter().map(skipped).collect());
        }
        asked.command.hosts = there;
        self.run_question(asked).await
    }

    /// A look at hosts is true in a plan too, unless the flow would have changed them before.
    async fn look_in_rehearsal(&self, asked: Asked) -> Result<Vec<CommandResult>, Stopped> {
        let untouched = self.state.borrow().rehearsed.phases.is_empty();
        if self.settings.mode == Mode::Plan && untouched {
            return self.run_question(asked).await;
        }
        Ok(asked.command.hosts.iter().map(skipped).collect())
    }

    async fn ask_if(&self, asked: Option<Asked>) -> Result<Vec<CommandResult>, Stopped> {
        match asked {
            Some(asked) => self.ask(asked).await,
            None => Ok(Vec::new()),
        }
    }

    fn note_rehearsal(&self, text: &str, site: Option<&Site>) {
        let text = site.map_or_else(|| text.to_owned(), |site| format!("{site}: {text}"));
        self.state.borrow_mut().rehearsed.notes.push(deploy_plan::PlanNote { text, warning: true });
    }
}

#[async_trait(?Send)]
impl Hosts for Run<'_> {
    async fn reach(&self, hosts: Vec<HostId>, needed: Vec<HostId>) -> Result<(), Stopped> {
        let _turn = self.turn.lock().await;
        self.reach_ahead(hosts, &needed).await
    }

    fn tolerate(&self, tolerance: Tolerance) {
        self.let_fail(tolerance);
    }

    fn left_out(&self) -> Vec<HostId> {
        self.state.borrow().not_taking_part()
    }

    fn record(&self, item: Item) {
        if let Item::TaskStarted { task, .. } = &item {
            self.ports.observer.event(&Event::TaskStarted { task: task.clone() });
        }
        let mut state = self.state.borrow_mut();
        if let Item::Builtin(BuiltinItem { builtin, .. }) = &item {
            if let Builtin::UpdateCode(update) = builtin {
                state.revision = Some(update.revision.clone());
            } else if let Builtin::Publish(Publish { revision: Some(revision), .. }) = builtin {
                state.revision = Some(revision.clone());
            }
        }
        state.pending.push(item);
    }

    async fn begin(&self, transaction: Transaction) -> Result<Opened, Stopped> {
        let _turn = self.turn.lock().await;
        if let Some(opened) = self.already_open(&transaction) {
            return Ok(opened);
        }
        self.refuse_second(&transaction)?;
        if self.opens_first(&transaction) {
            // Whatever stands against the run is found out before a command of the recipe goes to any host.
            let opened = self.open(transaction, None).await?;
            self.advance_in_turn(false, None).await?;
            return Ok(opened);
        }
        let facts = self.looked_at(&transaction).await?;
        self.advance_in_turn(false, None).await?;
        self.open(transaction, facts).await
    }

    async fn command(&self, command: Command, want: Want, why: Suspension) -> Result<Vec<CommandResult>, Stopped> {
        let _turn = self.turn.lock().await;
        self.preflight().await?;
        self.state.borrow_mut().waits_at.clone_from(&command.site);
        let rider = self.rider(&command, want);
        if let Some(answers) = self.advance_in_turn(false, rider.as_ref()).await? {
            return Ok(answers);
        }
        self.ports.observer.event(&Event::Suspended { why, site: command.site.clone() });
        self.ask(Asked { command, want, why }).await
    }

    async fn along(
        &self,
        before: Vec<Command>,
        asked: Option<(Command, Want)>,
        why: Suspension,
    ) -> Result<Vec<CommandResult>, Stopped> {
        let asked = asked.map(|(command, want)| Asked { command, want, why });
        let site = asked.as_ref().map(|asked| asked.command.site.clone());
        let plan = {
            let _turn = self.turn.lock().await;
            self.preflight().await?;
            self.state.borrow_mut().waits_at = site.clone().flatten();
            self.advance_in_turn(false, None).await?;
            if let Some(site) = site {
                self.ports.observer.event(&Event::Suspended { why, site });
            }
            if !before.is_empty() {
                self.state.borrow_mut().pending.push(Item::Together(before));
            }
            if self.settings.mode != Mode::Real || self.state.borrow().undoing {
                self.advance_in_turn(false, None).await?;
                return self.ask_if(asked).await;
            }
            self.plan_pending(false, false)?.0
        };
        // From here on hosts do not wait for each other.
        if !plan.phases.is_empty() {
            self.ports.observer.event(&Event::Planned { plan: plan.clone() });
        }
        for phase in plan.phases {
            self.run_phase(phase, false, None).await?;
        }
        self.ask_if(asked).await
    }

    async fn settle(&self, why: Suspension, site: Option<Site>) -> Result<(), Stopped> {
        let _turn = self.turn.lock().await;
        if self.state.borrow().pending.iter().any(is_work) {
            self.state.borrow_mut().waits_at.clone_from(&site);
            self.ports.observer.event(&Event::Suspended { why, site });
            self.advance_in_turn(false, None).await?;
        }
        // Failures behind the edge let the flow go on, but not what tells of a success.
        if why == Suspension::Exit && !self.state.borrow().late.is_empty() {
            return Err(Stopped::Run);
        }
        Ok(())
    }

    fn is_rehearsal(&self) -> bool {
        self.settings.mode != Mode::Real
    }

    fn tell(&self, event: Event) {
        if let Event::Failed { problem } = &event {
            self.state.borrow_mut().blocked.extend(problem.host.clone());
        }
        self.ports.observer.event(&event);
    }
}

impl Run<'_> {
    /// Whether the whole opening goes before what is recorded, which costs nothing. Not where that makes the layout that is
    /// to be opened or the release that is to be found there, and not where the run is open for such a change already.
    fn opens_first(&self, wanted: &Transaction) -> bool {
        let state = self.state.borrow();
        let makes_layout =
            |item: &Item| matches!(item, Item::Builtin(BuiltinItem { builtin: Builtin::Setup { .. }, .. }));
        let publishes = matches!(wanted.purpose, Purpose::Deploy { .. } | Purpose::Rollback { .. } | Purpose::CatchUp);
        publishes && state.locked.is_empty() && !state.undoing && !state.pending.iter().any(makes_layout)
    }
}

/// The answer of a host that is not asked.
fn skipped(host: &HostId) -> CommandResult {
    let status = deploy_plan::ExitStatus::Skipped;
    CommandResult { host: host.clone(), status, stdout: Vec::new(), stderr: Vec::new(), unreached: None }
}

/// The bodies of `on_rollback` among items.
pub(crate) fn handlers_of(items: &[Item]) -> impl Iterator<Item = HandlerId> {
    items.iter().filter_map(|item| match item {
        Item::OnRollback { handler, .. } => Some(*handler),
        _ => None,
    })
}

/// Whether an item makes a host do something.
pub(crate) fn is_work(item: &Item) -> bool {
    matches!(item, Item::Builtin(_) | Item::Command(_) | Item::Together(_) | Item::Health(_))
}

/// A step that the recipe's author or a host is to blame for.
pub(crate) fn step_problem(title: &str, slot: Slot, status: &deploy_plan::ExitStatus) -> Problem {
    let kind = match status {
        deploy_plan::ExitStatus::Lost(_) => ProblemKind::Lost,
        _ => ProblemKind::Step,
    };
    let what = if slot == Slot::Task { title.to_owned() } else { format!("{title} ({})", slot.word()) };
    Problem::new(kind, what, status.to_string())
}

impl Run<'_> {
    /// Runs what a body given to `on_rollback` recorded, past its own failures.
    pub(crate) async fn advance_undo(&self) -> Result<(), Stopped> {
        let items = std::mem::take(&mut self.state.borrow_mut().pending);
        let mut planner = Planner::task_only(self.identity()).numbered_from(self.next_undo_step());
        let planned = planner.segment(&items, true);
        self.state.borrow_mut().undo_steps = Some(planner.next_step_id());
        let plan = planned.map_err(|problem| self.fail(vec![problem]))?;
        for phase in plan.phases {
            self.announce(&phase);
            for NotDone { host, step, why, .. } in self.run_leniently(phase).await {
                let text = format!("on_rollback: {} failed on {host}: {why}", step.title);
                self.say(Level::Warning, text);
            }
        }
        Ok(())
    }
}
