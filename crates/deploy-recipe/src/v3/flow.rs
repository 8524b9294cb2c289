//! Invoking tasks: once each, prerequisites first, actions in order; and what that means for the transaction.

use std::rc::Rc;

use deploy_plan::{HandlerId, Item, Problem, ProblemKind, Site, Slot};
use deploy_ruby::{Args, Call, Proc, Value};

use super::rake::{Action, RakeTask};
use super::rake_objects::{Arguments, TaskObject};
use super::table::Act;
use crate::nearest::did_you_mean;
use crate::tasks::Task;
use crate::v2::{Cap, Later, R};

/// Leaves the task when it goes, also when the evaluation is dropped.
struct Executing<'a>(&'a Cap);

impl Drop for Executing<'_> {
    fn drop(&mut self) {
        self.0.v3.executing.borrow_mut().pop();
    }
}

/// The same for a task and its prerequisites.
struct Invoking<'a>(&'a Cap);

impl<'a> Invoking<'a> {
    fn new(cap: &'a Cap, task: &Rc<RakeTask>) -> Self {
        cap.v3.invoking.borrow_mut().push(task.clone());
        Self(cap)
    }
}

impl Drop for Invoking<'_> {
    fn drop(&mut self) {
        self.0.v3.invoking.borrow_mut().pop();
    }
}

impl Cap {
    /// The task that is being executed.
    pub fn task3(&self) -> Option<String> {
        self.v3.executing.borrow().last().cloned()
    }

    /// The task of a name as seen from the namespace that is open, or an error with the nearest names.
    pub fn find3(&self, call: &Call, name: &str) -> R<Rc<RakeTask>> {
        let rake = self.v3.rake.borrow();
        let found = rake.lookup(name, rake.scope());
        drop(rake);
        found.ok_or_else(|| self.no_task3(call, name))
    }

    /// The same for a name that the recipe gives: a gem that was let pass may have had the task.
    pub fn named_task(&self, call: &Call, name: &str) -> R<Rc<RakeTask>> {
        match self.find3(call, name) {
            Err(_) if self.lets_pass(call, name) => {
                let mut rake = self.v3.rake.borrow_mut();
                let outer = rake.enter_top();
                let task = rake.define(name.strip_prefix("rake:").unwrap_or(name), None);
                rake.leave(outer);
                Ok(task)
            }
            found => found,
        }
    }

    fn no_task3(&self, call: &Call, name: &str) -> deploy_ruby::Unwind {
        let why = format!("Don't know how to build task '{name}'");
        let rake = self.v3.rake.borrow();
        let hint = did_you_mean(name, rake.names());
        let mut problem =
            Problem::new(ProblemKind::Usage, format!("find the task `{name}'"), format!("there is no task `{name}'"));
        problem.site = crate::v2::site(call);
        problem.next = Some(hint.clone().unwrap_or_else(|| "cap -AT lists all tasks".to_owned()));
        let exception = call.interp().exception("RuntimeError", why);
        if let Some(hint) = hint {
            exception.add_note(hint);
        }
        exception.set_payload(Rc::new(problem));
        call.interp().raise_at(call.context(), exception)
    }

    /// Invokes a task unless that has been done.
    pub fn invoke_task<'a>(
        self: &'a Rc<Self>,
        call: &'a Call,
        task: Rc<RakeTask>,
        args: Vec<Value>,
        place: Option<Site>,
    ) -> Later<'a, R<()>> {
        let given = Rc::new(Arguments::new(&task, args));
        Box::pin(async move { self.invoke_in_chain(call, &task, given, &[], place).await })
    }

    fn invoke_in_chain<'a>(
        self: &'a Rc<Self>,
        call: &'a Call,
        task: &'a Rc<RakeTask>,
        args: Rc<Arguments>,
        chain: &'a [String],
        place: Option<Site>,
    ) -> Later<'a, R<()>> {
        Box::pin(async move {
            let mut chain = chain.to_vec();
            let again = chain.contains(&task.name);
            chain.push(task.name.clone());
            if again {
                let message = format!("Circular dependency detected: TOP => {}", chain.join(" => "));
                return Err(call.raise("RuntimeError", message));
            }
            if task.invoked.replace(true) {
                return Ok(());
            }
            if self.leaves_out(&task.name) {
                return Ok(());
            }
            self.settle_fleet(call, &task.name).await?;
            let _invoking = Invoking::new(self, task);
            // Looked up again each time: a prerequisite may be added while the others run.
            let mut next = 0;
            loop {
                let name = task.prerequisites.borrow().get(next).cloned();
                let Some(name) = name else { break };
                next += 1;
                let found = self.v3.rake.borrow().lookup(&name, &task.scope);
                if found.is_none() && self.lets_pass(call, &name) {
                    continue;
                }
                let before = found.ok_or_else(|| self.no_task3(call, &name))?;
                let inner = Rc::new(args.narrowed(&before));
                self.invoke_in_chain(call, &before, inner, &chain, place.clone()).await?;
            }
            self.execute_task(call, task, args, place).await
        })
    }

    /// Does what a task does, prerequisites not among it.
    pub async fn execute_task(
        self: &Rc<Self>,
        call: &Call,
        task: &Rc<RakeTask>,
        args: Rc<Arguments>,
        place: Option<Site>,
    ) -> R<()> {
        let actions = task.actions.borrow().clone();
        if !actions.is_empty() {
            let _label = call.context().enter(&format!("in task {}", task.name));
            let slot = if self.flow.borrow().published { Some(Slot::Restart) } else { slot_of(&task.name) };
            self.enter_slot(&task.name, slot, place.clone());
            self.v3.executing.borrow_mut().push(task.name.clone());
            let _executing = Executing(self);
            let before = self.flow.borrow().published;
            let mut inside_restart = false;
            for action in actions {
                // What follows the switch in the same task is part of the restart, too.
                if !before && !inside_restart && self.flow.borrow().published {
                    inside_restart = true;
                    self.enter_slot(&task.name, Some(Slot::Restart), None);
                }
                self.act(call, task, &args, action).await?;
            }
            if inside_restart {
                self.leave_slot(&task.name);
            }
            self.leave_slot(&task.name);
        }
        self.own_publish3(task);
        self.edge3(call, &task.name).await
    }

    fn enter_slot(&self, task: &str, slot: Option<Slot>, site: Option<Site>) {
        if self.port.is_open() {
            self.port.record(Item::TaskStarted { task: task.to_owned(), slot, site });
        }
    }

    fn leave_slot(&self, task: &str) {
        if self.port.is_open() {
            self.port.record(Item::TaskEnded { task: task.to_owned() });
        }
    }

    async fn act(self: &Rc<Self>, call: &Call, task: &Rc<RakeTask>, args: &Rc<Arguments>, action: Action) -> R<()> {
        match action {
            Action::Block(block) => {
                let values = vec![TaskObject::value(self, task.clone()), Value::Object(args.clone())];
                call.interp().call_proc(call.context(), &block, Args::new(values), Some(self.top())).await.map(drop)
            }
            Action::Builtin(act) => self.builtin3(call, act).await,
            Action::After(name, place) => {
                let found = self.v3.rake.borrow().lookup(&name, &task.scope);
                let Some(after) = found else {
                    if self.lets_pass(call, &name) {
                        return Ok(());
                    }
                    let exception = call.interp().exception("ArgumentError", format!("Task {name:?} not found"));
                    if let Some(place) = place {
                        exception.add_note(format!("hooked after {} at {place}", task.name));
                    }
                    return Err(call.interp().raise_at(call.context(), exception));
                };
                self.invoke_task(call, after, Vec::new(), place).await
            }
            Action::RemoteFile(roles) => super::transfer::remote_file(self, call, task, &roles).await,
        }
    }

    /// A task of the recipe's own that makes a release live.
    fn own_publish3(&self, task: &RakeTask) {
        let own = task.name == "deploy:symlink:release" && !task.has(Act::SymlinkRelease);
        if own && self.port.is_open() {
            self.note(
                "deploy:symlink:release is the recipe's own: the hosts are read back, but cannot be put back after it",
            );
            self.flow.borrow_mut().published = true;
        }
    }

    /// Records the transaction's edge behind `deploy:published`, when something was made live in this run.
    async fn edge3(self: &Rc<Self>, call: &Call, name: &str) -> R<()> {
        if name != "deploy:published" || !self.port.is_open() {
            return Ok(());
        }
        let published = std::mem::take(&mut self.flow.borrow_mut().published);
        if published {
            self.record_health(call).await?;
            self.port.record(Item::Edge);
        }
        Ok(())
    }

    /// Runs the words of the command line: the stage, then tasks with their arguments.
    pub async fn run_words(self: &Rc<Self>, call: &Call, words: &[String]) -> R<()> {
        if let Some(problem) = self.no_stage(call, words).await? {
            return Err(crate::v2::fail(call, problem));
        }
        if let Some(why) = self.unknown_in_filters(call) {
            let problem = Problem::new(ProblemKind::Usage, "choose the hosts", why);
            return Err(crate::v2::fail(call, problem.next("without a filter a task goes to all of its hosts")));
        }
        self.count_hosts(call).await?;
        for word in words {
            let (name, given) = super::arguments::split(word);
            let task = self.find3(call, &name)?;
            self.invoke_task(call, task, given.iter().map(Value::str).collect(), None).await?;
        }
        Ok(())
    }

    /// How many hosts the filters leave, for the end of the run.
    async fn count_hosts(self: &Rc<Self>, call: &Call) -> R<()> {
        let text = self.filter_text(call);
        let all: Vec<_> = self.v3.servers.borrow().iter().cloned().collect();
        let of = all.len();
        let left = self.filtered(call, all).await?.len();
        *self.v3.narrowed.borrow_mut() = (!text.is_empty() && left < of).then_some((left, of, text));
        Ok(())
    }

    /// From here on a failure of the transaction runs `deploy:failed`, behind everything that is put back.
    pub fn arm_failed(self: &Rc<Self>) {
        if self.v3.armed.replace(true) || !self.port.is_open() {
            return;
        }
        let weak = Rc::downgrade(self);
        let block = Proc::native(move |call, _args| {
            let weak = weak.clone();
            Box::pin(async move {
                if let Some(cap) = weak.upgrade() {
                    let task = cap.find3(&call, "deploy:failed")?;
                    task.invoked.set(false);
                    cap.flow.borrow_mut().published = false;
                    cap.invoke_task(&call, task, Vec::new(), None).await?;
                }
                Ok(Value::Nil)
            })
        });
        let task = Task {
            namespace: "deploy".to_owned(),
            name: "failed".to_owned(),
            description: None,
            options: Rc::default(),
            body: crate::v2::Body::Block(block.clone()),
            site: None,
        };
        let mut handlers = self.handlers.borrow_mut();
        let id = HandlerId(u32::try_from(handlers.len()).unwrap_or(u32::MAX));
        handlers.push(crate::v2::Handler { block, task: Rc::new(task) });
        drop(handlers);
        self.port.record(Item::OnRollback { handler: id, task: "deploy:failed".to_owned() });
    }
}

/// The part of a deployment that a task of this name belongs to, whoever wrote its actions.
fn slot_of(name: &str) -> Option<Slot> {
    if name == "deploy:check" || name.starts_with("deploy:check:") {
        return Some(Slot::Setup);
    }
    Some(match name {
        "deploy:updating" | "deploy:updated" | "deploy:new_release_path" => Slot::Build,
        "git:create_release" | "svn:create_release" | "deploy:set_current_revision" => Slot::Build,
        "deploy:symlink:shared" | "deploy:symlink:linked_files" | "deploy:symlink:linked_dirs" => Slot::Build,
        "deploy:migrate" | "deploy:migrating" => Slot::Migrate,
        "deploy:symlink:release" => Slot::Publish,
        "deploy:cleanup" | "deploy:cleanup_rollback" | "deploy:log_revision" => Slot::After,
        _ => return None,
    })
}
