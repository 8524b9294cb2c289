//! Calling tasks: frames, hooks in their order, transactions, and the transaction's edge.

use std::future::Future;
use std::rc::Rc;

use deploy_plan::{HandlerId, Item, Problem, ProblemKind, Site, Slot, Suspension};
use deploy_ruby::{Args, Call, Proc, Unwind, Value};

use super::cap::{Body, Frame, Handler};
use super::convert::{Later, R, problem_of, site};
use super::deploy::table::BuiltinTask;
use super::{Cap, TaskRef};
use crate::callbacks::{Action, Hook, When};
use crate::magic::{self, Off, Side};
use crate::nearest::did_you_mean;

/// Leaves the frame when it goes, also when the evaluation is dropped.
struct Framed<'a>(&'a Cap);

impl Drop for Framed<'_> {
    fn drop(&mut self) {
        self.0.flow.borrow_mut().frames.pop();
    }
}

/// Leaves the transaction when it goes.
struct InTransaction<'a>(&'a Cap);

impl Drop for InTransaction<'_> {
    fn drop(&mut self) {
        let mut flow = self.0.flow.borrow_mut();
        flow.transactions = flow.transactions.saturating_sub(1);
    }
}

impl Cap {
    /// Calls a task with all its hooks.
    pub fn execute<'a>(self: &'a Rc<Self>, call: &'a Call, task: TaskRef, place: Option<Site>) -> Later<'a, R> {
        Box::pin(self.execute_inner(call, task, place))
    }

    async fn execute_inner(self: &Rc<Self>, call: &Call, task: TaskRef, place: Option<Site>) -> R {
        let name = task.full_name();
        self.refuse_endless(call, &name)?;
        if self.leaves_out(&name) {
            return Ok(NOTHING);
        }
        self.settle_fleet(call, &name).await?;
        let _label = call.context().enter(&format!("in task {name}"));
        if self.port.is_open() {
            // What hangs before our own switch is not the switch: only the recipe's own body makes a release live by commands.
            let ours = matches!(task.body, Body::Builtin(_));
            let slot = slot_of(&name).filter(|slot| !(ours && *slot == Slot::Publish));
            self.port.record(Item::TaskStarted { task: name.clone(), slot, site: place.clone() });
        }
        let value = {
            self.flow.borrow_mut().frames.push(Frame { task: task.clone(), site: place, handler: Rc::default() });
            let _framed = Framed(self);
            self.around(call, &task, &name).await?
        };
        if self.port.is_open() {
            self.own_publish(&task, &name);
            self.port.record(Item::TaskEnded { task: name.clone() });
            self.edge_behind(call, &name).await?;
        }
        Ok(value)
    }

    /// Awaits something as if it were asked for by a task that has not been called yet.
    pub async fn in_task<T>(&self, task: TaskRef, work: impl Future<Output = T>) -> T {
        self.flow.borrow_mut().frames.push(Frame { task, site: None, handler: Rc::default() });
        let _framed = Framed(self);
        work.await
    }

    async fn around(self: &Rc<Self>, call: &Call, task: &TaskRef, name: &str) -> R {
        self.magic_hook(call, task, Side::Before).await?;
        self.fire(call, When::Before, Some(name)).await?;
        let value = self.body(call, task).await?;
        self.fire(call, When::After, Some(name)).await?;
        self.magic_hook(call, task, Side::After).await?;
        Ok(value)
    }

    async fn body(self: &Rc<Self>, call: &Call, task: &TaskRef) -> R {
        match &task.body {
            Body::Builtin(builtin) => self.builtin(call, *builtin).await,
            Body::Block(block) => {
                let self_value = self.namespace_value(&task.namespace);
                call.interp().call_proc(call.context(), block, Args::none(), Some(self_value)).await
            }
        }
    }

    /// A task that calls itself through others for ever is named before the evaluator's depth is reached.
    fn refuse_endless(&self, call: &Call, name: &str) -> R<()> {
        let flow = self.flow.borrow();
        let depth = flow.frames.iter().filter(|frame| frame.task.full_name() == name).count();
        if depth < 8 {
            return Ok(());
        }
        let mut chain: Vec<String> = Vec::new();
        for frame in flow.frames.iter().rev() {
            chain.push(frame.task.full_name());
            if chain.len() > 1 && frame.task.full_name() == name {
                break;
            }
        }
        chain.reverse();
        drop(flow);
        chain.push(name.to_owned());
        Err(call.raise("SystemStackError", format!("tasks call each other without end: {}", chain.join(" → "))))
    }

    /// Fires the hooks of an event.
    pub async fn fire(self: &Rc<Self>, call: &Call, when: When, task: Option<&str>) -> R<()> {
        let due: Vec<Hook<Proc>> = self.hooks.borrow().firing(when, task);
        for hook in due {
            match hook.action {
                Action::Task(name) => match self.hook_task(call, &name, &hook.site) {
                    Err(_) if self.lets_pass(call, &name) => {}
                    task => drop(self.execute(call, task?, hook.site).await?),
                },
                Action::Block(block) => {
                    call.call_proc(&block, Vec::new()).await?;
                }
            }
        }
        Ok(())
    }

    /// Calls a task that the recipe names; one of a gem that was let pass does nothing.
    pub async fn execute_named(self: &Rc<Self>, call: &Call, name: &str, place: Option<Site>) -> R {
        match self.find_task(call, name) {
            Err(_) if self.lets_pass(call, name) => Ok(NOTHING),
            task => self.execute(call, task?, place).await,
        }
    }

    /// The task that a hook names; looked up only now, as it may be defined later than the hook.
    fn hook_task(&self, call: &Call, name: &str, place: &Option<Site>) -> R<TaskRef> {
        let found = self.tasks.borrow().find(name);
        found.ok_or_else(|| {
            let unwind = self.no_task(call, name);
            if let (Some(exception), Some(place)) = (unwind.exception(), place) {
                exception.add_note(format!("hooked at {place}"));
            }
            unwind
        })
    }

    async fn magic_hook(self: &Rc<Self>, call: &Call, of: &TaskRef, side: Side) -> R<()> {
        let Some((task, on)) = self.magic_task(call, of, side).await? else { return Ok(()) };
        let (name, target) = (task.full_name(), of.full_name());
        match on {
            Ok(()) => {
                self.note(format!(
                    "{name} runs {} {target} because of its name, as in Capistrano 2.0 to 2.10 (set :magic_hooks, false turns this off)",
                    side.word()
                ));
                let place = task.site.clone();
                self.execute(call, task, place).await?;
            }
            Err(Off::Pinned(version)) => self.note(format!(
                "{name} is not run {} {target}: Gemfile.lock pins capistrano {version}, which knows no hooks by name",
                side.word()
            )),
            Err(Off::Set) => {}
        }
        Ok(())
    }

    /// The task that hangs on another by its name, and whether such hooks are on.
    async fn magic_task(
        self: &Rc<Self>,
        call: &Call,
        of: &TaskRef,
        side: Side,
    ) -> R<Option<(TaskRef, Result<(), Off>)>> {
        let renamed = (of.full_name() == "deploy:create_symlink").then(|| self.old_symlink_hook(side)).flatten();
        let found = renamed.or_else(|| magic::find(&self.tasks.borrow(), of, side));
        let Some(task) = found else { return Ok(None) };
        let name = task.full_name();
        if matches!(task.body, Body::Builtin(_)) || name == of.full_name() || self.hooks.borrow().calls(&name) {
            return Ok(None);
        }
        let called = self
            .sources
            .borrow()
            .iter()
            .find_map(|(file, text)| magic::called_at(text, &task.name).map(|line| format!("{file}:{line}")));
        if let Some(place) = called {
            self.note(format!(
                "{name} is not run {} {} by its name: the recipe calls it itself at {place}",
                side.word(),
                of.full_name()
            ));
            return Ok(None);
        }
        if !self.own_flag(call, "magic_hooks", true).await? {
            return Ok(Some((task, Err(Off::Set))));
        }
        let pinned = self.gemfile_lock.get().and_then(|lock| magic::pinned(lock));
        Ok(Some((task, pinned.map_or(Ok(()), Err))))
    }

    /// `deploy:after_symlink` hangs on `deploy:create_symlink`, which had that shorter name then.
    fn old_symlink_hook(&self, side: Side) -> Option<TaskRef> {
        self.tasks.borrow().search("deploy", &format!("{}_symlink", side.word()))
    }

    /// A task of the recipe's own that makes a release live.
    fn own_publish(&self, task: &TaskRef, name: &str) {
        if slot_of(name) != Some(Slot::Publish) || matches!(task.body, Body::Builtin(_)) {
            return;
        }
        let place = task.site.as_ref().map(|site| format!(" ({site})")).unwrap_or_default();
        self.note(format!(
            "{name} is the recipe's own{place}: the hosts are read back, but cannot be put back after it"
        ));
        let mut flow = self.flow.borrow_mut();
        (flow.published, flow.switched) = (true, true);
    }

    /// Records the transaction's edge behind the restart, when something was made live in this run.
    async fn edge_behind(self: &Rc<Self>, call: &Call, name: &str) -> R<()> {
        let ends = name == "deploy:restart" || (name == "deploy:start" && self.is_inside_builtin(BuiltinTask::Cold));
        if ends && std::mem::take(&mut self.flow.borrow_mut().published) {
            self.record_health(call).await?;
            self.port.record(Item::Edge);
        }
        Ok(())
    }

    /// Runs a block, with its `on_rollback` bodies on the undo stack of the run.
    pub async fn transaction(self: &Rc<Self>, call: &Call, block: &Proc) -> R {
        if self.flow.borrow().frames.is_empty() {
            return Err(call.raise("ScriptError", "`transaction' can only be called in a task"));
        }
        self.transacted(call, call.call_proc(block, Vec::new())).await
    }

    /// Awaits work whose failure fails the run, even if the recipe rescues it: what the work has built must be undone.
    pub async fn transacted(self: &Rc<Self>, call: &Call, work: impl Future<Output = R>) -> R {
        let _in = self.enter_transaction();
        let result = work.await;
        if let Err(unwind) = &result
            && unwind.exception().is_some()
            && self.flow.borrow().transactions == 1
        {
            let problem = problem_of(&call.interp().error(unwind.clone()), "evaluate the transaction");
            self.flow.borrow_mut().broken.get_or_insert(problem);
        }
        result
    }

    /// Until the guard goes, `on_rollback` counts.
    fn enter_transaction(&self) -> InTransaction<'_> {
        self.flow.borrow_mut().transactions += 1;
        InTransaction(self)
    }

    /// Keeps the body to run when the transaction fails after this: one for each call of a task, the last one given.
    pub fn on_rollback(&self, block: &Proc) {
        let mut flow = self.flow.borrow_mut();
        if flow.transactions == 0 || !self.port.is_open() {
            return;
        }
        let Some(frame) = flow.frames.last().cloned() else { return };
        let mut handlers = self.handlers.borrow_mut();
        let handler = Handler { block: block.clone(), task: frame.task.clone() };
        if let Some(id) = frame.handler.get() {
            if let Some(place) = usize::try_from(id.0).ok().and_then(|at| handlers.get_mut(at)) {
                *place = handler;
            }
            return;
        }
        let id = HandlerId(u32::try_from(handlers.len()).unwrap_or(u32::MAX));
        handlers.push(handler);
        frame.handler.set(Some(id));
        flow.recorded += 1;
        drop(flow);
        self.port.record(Item::OnRollback { handler: id, task: frame.task.full_name() });
    }

    /// Runs the body of a handler in the scope of the task that gave it.
    pub async fn run_handler(self: &Rc<Self>, call: &Call, id: HandlerId) -> R<()> {
        let handler = usize::try_from(id.0).ok().and_then(|at| self.handlers.borrow().get(at).cloned());
        let Some(handler) = handler else { return Ok(()) };
        let name = handler.task.full_name();
        let _label = call.context().enter(&format!("in on_rollback of task {name}"));
        let place = handler.block.span().and_then(|span| call.interp().sources().position(span));
        let place = place.as_ref().map(super::convert::site_of);
        self.port.record(Item::TaskStarted { task: name.clone(), slot: Some(Slot::Undo), site: place.clone() });
        {
            let frame = Frame { task: handler.task.clone(), site: place, handler: Rc::default() };
            self.flow.borrow_mut().frames.push(frame);
            let _framed = Framed(self);
            call.call_proc(&handler.block, Vec::new()).await?;
        }
        self.port.record(Item::TaskEnded { task: name });
        Ok(())
    }

    /// Calls a task named on the command line.
    pub async fn execute_asked(self: &Rc<Self>, call: &Call, name: &str) -> R<()> {
        let task = self.find_task(call, name)?;
        let full = task.full_name();
        self.flow.borrow_mut().starting = Some(task.clone());
        self.fire(call, When::Start, Some(&full)).await?;
        self.flow.borrow_mut().starting = None;
        self.execute(call, task, None).await?;
        self.fire(call, When::Finish, Some(&full)).await
    }

    /// Fires the hooks of `:exit` behind the tasks of the command line: when all that was asked for is done, so that they do
    /// not tell of a success that there is not, and behind the transaction's edge. A rehearsal names them instead.
    pub async fn leave(self: &Rc<Self>, call: &Call) -> R<()> {
        let due = self.hooks.borrow().firing(When::Exit, None);
        let Some(first) = due.first().filter(|_| !self.is_rehearsal()) else { return Ok(()) };
        let fails = self.flow.borrow().broken.is_some() || self.nothing_left().is_some();
        if fails {
            return Ok(());
        }
        let published = std::mem::take(&mut self.flow.borrow_mut().published);
        if published {
            self.port.record(Item::Edge);
        }
        self.port.settle(Suspension::Exit, first.site.clone()).await;
        let _label = call.context().enter("in a hook of :exit");
        self.fire(call, When::Exit, None).await
    }

    /// NoSuchTaskError with the nearest names.
    pub fn no_task(&self, call: &Call, name: &str) -> Unwind {
        let tasks = self.tasks.borrow();
        let names: Vec<String> = tasks.iter().map(|task| task.full_name()).collect();
        let hint = did_you_mean(name, names.iter().map(String::as_str));
        let place = site(call);
        let mut problem = Problem::new(
            ProblemKind::Usage,
            format!("run the task `{name}'"),
            format!("the task `{name}' does not exist"),
        )
        .at(place);
        problem.next = Some(hint.clone().unwrap_or_else(|| "`cap -T` lists the tasks".to_owned()));
        let exception =
            call.interp().exception("Capistrano::NoSuchTaskError", format!("the task `{name}' does not exist"));
        if let Some(hint) = hint {
            exception.add_note(hint);
        }
        exception.set_payload(Rc::new(problem));
        call.interp().raise_at(call.context(), exception)
    }
}

/// The part of a deployment that a task of this name belongs to, whoever wrote its body.
fn slot_of(name: &str) -> Option<Slot> {
    Some(match name {
        "deploy:setup" => Slot::Setup,
        "deploy:update_code" | "deploy:finalize_update" => Slot::Build,
        "deploy:migrate" => Slot::Migrate,
        "deploy:create_symlink" | "deploy:symlink" | "deploy:rollback:revision" => Slot::Publish,
        "deploy:restart" | "deploy:start" | "deploy:stop" => Slot::Restart,
        "deploy:cleanup" | "deploy:rollback:cleanup" => Slot::After,
        _ => return None,
    })
}

/// What a task gives when there is nothing to give.
pub(crate) const NOTHING: Value = Value::Nil;
