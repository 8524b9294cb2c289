//! A loaded recipe, and its flow as the engine runs it.

use std::cell::RefCell;
use std::future::Future;
use std::rc::Rc;

use async_trait::async_trait;
use deploy_inventory::{FilterProblem, Filters, Host, HostId, Property, Selection};
use deploy_plan::{Event, HandlerId, Hosts, Level, Problem, ProblemKind, Program, Site, Stopped, Transaction};
use deploy_ruby::{Args, Call, Effects, Interp, Proc, Unwind, Value};

use crate::callbacks::When;
use crate::dialect::Dialect;
use crate::nearest::did_you_mean;
use crate::port::drive;
use crate::v2::{Cap, FlowEffects, Settings, TaskRef, command_of, task_of};
use crate::v3::{AnyHost, Server, split_task};

/// A task as lists show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskInfo {
    /// The full name.
    pub name: String,
    /// The whole description, where there is one.
    pub description: Option<String>,
    /// Its first sentence.
    pub summary: String,
    /// Whether lists leave it out: it has no description or an `[internal]` one.
    pub hidden: bool,
    /// Where it is defined; none for a built-in one.
    pub site: Option<Site>,
}

impl TaskInfo {
    fn of(task: &TaskRef) -> Self {
        let name = task.full_name();
        Self {
            name: command_of(&name).map_or(name, str::to_owned),
            description: task.description.clone().filter(|text| !text.is_empty()),
            summary: task.summary(),
            hidden: task.is_hidden(),
            site: task.site.clone(),
        }
    }

    fn of_rake(task: &crate::v3::RakeTask) -> Self {
        let description = task.description();
        Self {
            name: command_of(&task.name).map_or_else(|| task.with_params(), str::to_owned),
            summary: task.summary(),
            hidden: description.is_none(),
            description,
            site: task.site.borrow().clone(),
        }
    }
}

/// What a built-in task begins on the hosts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Begins {
    /// A release of its own.
    Release,
    /// The way to a release that is there.
    Rollback,
    /// Nothing: it looks at what is there when it begins.
    Look,
    /// It works on the release that is live, or makes it so.
    Upkeep,
}

impl Begins {
    fn of(task: &str, three: bool) -> Option<Self> {
        match task {
            "deploy" => Some(Self::Release),
            "deploy:default" | "deploy:update" | "deploy:update_code" | "deploy:migrations" | "deploy:cold"
                if !three =>
            {
                Some(Self::Release)
            }
            "deploy:symlink" | "deploy:create_symlink" if !three => Some(Self::Upkeep),
            "deploy:cleanup" => Some(Self::Upkeep),
            "deploy:rollback" => Some(Self::Rollback),
            "deploy:rollback:default" | "deploy:rollback:code" | "deploy:rollback:revision" if !three => {
                Some(Self::Rollback)
            }
            "capstan:releases" => Some(Self::Look),
            _ => None,
        }
    }

    /// Whether the other one cannot follow in the same run.
    fn excludes(self, next: Self) -> bool {
        let begins = |task: Self| matches!(task, Self::Release | Self::Rollback);
        begins(self) && begins(next) || next == Self::Look && self != Self::Look
    }
}

struct Inner {
    cap: Rc<Cap>,
    interp: Interp,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.cap.clear();
    }
}

/// A loaded recipe. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Recipe(Rc<Inner>);

impl Recipe {
    pub(crate) fn new(settings: Settings, effects: Rc<dyn Effects>) -> Self {
        let cap = Cap::new(settings);
        let _ = cap.effects.set(effects.clone());
        let flow_effects = FlowEffects { inner: effects, cap: cap.clone() };
        let interp = Interp::new(Rc::new(AnyHost::new(&cap)), Rc::new(flow_effects));
        for (name, parent) in [
            ("Capistrano::Error", "RuntimeError"),
            ("Capistrano::CommandError", "Capistrano::Error"),
            ("Capistrano::TransferError", "Capistrano::Error"),
            ("Capistrano::ConnectionError", "Capistrano::Error"),
            ("Capistrano::TransferError", "Capistrano::Error"),
            ("Capistrano::NoSuchTaskError", "Capistrano::Error"),
            ("Capistrano::NoMatchingServersError", "Capistrano::Error"),
            ("Capistrano::LocalArgumentError", "Capistrano::Error"),
            ("Capistrano::ValidationError", "RuntimeError"),
            ("SSHKit::StandardError", "StandardError"),
            ("SSHKit::Command::Failed", "SSHKit::StandardError"),
            ("SSHKit::Runner::ExecuteError", "SSHKit::StandardError"),
        ] {
            interp.define_exception(name, parent);
        }
        Self(Rc::new(Inner { cap, interp }))
    }

    pub(crate) fn cap(&self) -> &Rc<Cap> {
        &self.0.cap
    }

    pub(crate) fn interp(&self) -> &Interp {
        &self.0.interp
    }

    /// All tasks, sorted by name.
    #[must_use]
    pub fn tasks(&self) -> Vec<TaskInfo> {
        if self.cap().is_three() {
            return self.cap().v3.rake.borrow().sorted().iter().map(|task| TaskInfo::of_rake(task)).collect();
        }
        let mut all: Vec<TaskInfo> = self.cap().tasks.borrow().sorted().iter().map(TaskInfo::of).collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    /// One task.
    ///
    /// # Errors
    /// When there is none of that name; the problem says which may have been meant.
    pub fn explain(&self, name: &str) -> Result<TaskInfo, Box<Problem>> {
        if self.cap().is_three() {
            let found = self.cap().v3.rake.borrow().get(&split_task(self.asked(name)).0);
            return found.map(|task| TaskInfo::of_rake(&task)).ok_or_else(|| Box::new(self.unknown_task(name)));
        }
        let found = self.cap().tasks.borrow().find(self.asked(name));
        match found {
            Some(task) => Ok(TaskInfo::of(&task)),
            None => Err(Box::new(self.unknown_task(name))),
        }
    }

    /// Whether a task goes to, or is about, a release that the command line names; none for a task of the recipe's own, of
    /// which nobody knows.
    #[must_use]
    pub fn takes_release(&self, name: &str) -> Option<bool> {
        if self.cap().is_three() {
            return crate::v3::takes_release(&split_task(self.asked(name)).0);
        }
        let name = self.asked(name);
        let full = self.cap().tasks.borrow().find(name).map_or_else(|| name.to_owned(), |task| task.full_name());
        crate::v2::takes_release(&full)
    }

    /// Two of these tasks that cannot be parts of one run.
    #[must_use]
    pub fn not_together<'a>(&self, tasks: &'a [String]) -> Option<(&'a str, &'a str)> {
        let built_in = |name: &&String| self.explain(name).is_ok_and(|task| task.site.is_none());
        let all: Vec<(&str, Begins)> = tasks
            .iter()
            .filter(built_in)
            .filter_map(|name| {
                Some((name.as_str(), Begins::of(self.asked(&split_task(name).0), self.cap().is_three())?))
            })
            .collect();
        let (first, second) = all.iter().enumerate().find_map(|(index, (name, begins))| {
            let before = all.iter().take(index).find(|(_, other)| other.excludes(*begins))?;
            Some((before.0, *name))
        })?;
        Some((first, second))
    }

    fn unknown_task(&self, name: &str) -> Problem {
        let tasks = self.tasks();
        let hint = match name {
            // Its name in dialect 2, which hints about hosts without directories give.
            "deploy:setup" if self.cap().is_three() => {
                let stage = if self.cap().v3.stage.borrow().is_some() { "" } else { "STAGE " };
                Some(format!("the directories are made by deploy itself, or by `cap {stage}deploy:check:directories`"))
            }
            _ => did_you_mean(name, tasks.iter().map(|task| task.name.as_str())),
        };
        Problem::new(ProblemKind::Usage, format!("run the task `{name}'"), format!("the task `{name}' does not exist"))
            .next(hint.unwrap_or_else(|| "`cap -T` lists the tasks".to_owned()))
    }

    /// The flow of these tasks, in this order.
    #[must_use]
    pub fn program(&self, tasks: Vec<String>) -> Flow {
        let tasks = tasks.iter().map(|name| self.asked(name).to_owned()).collect();
        Flow { recipe: self.clone(), tasks }
    }

    /// The task that a word of the command line means: the recipe's own goes before a command of ours.
    fn asked<'a>(&self, name: &'a str) -> &'a str {
        if self.cap().is_three() {
            let own = self.cap().v3.rake.borrow().get(name).is_some();
            return if own { name } else { crate::v3::task_of(name).unwrap_or(name) };
        }
        let own = self.cap().tasks.borrow().find(name).is_some();
        if own { name } else { task_of(name).unwrap_or(name) }
    }

    /// Every host that the recipe declares, with login and options as the flow will give them. Roles whose servers a
    /// block gives are evaluated.
    ///
    /// # Errors
    /// When something in the recipe fails on the way.
    pub async fn hosts(&self) -> Result<Vec<Host>, Box<Problem>> {
        self.evaluate("read the hosts of the recipe", |call, cap| async move { cap.read_logins(&call).await }).await?;
        let ids: Vec<HostId> = if self.cap().is_three() {
            self.cap().v3.servers.borrow().iter().map(Server::id).collect()
        } else {
            self.cap().inventory.borrow().hosts().into_iter().map(|host| host.id).collect()
        };
        Ok(ids.iter().filter_map(|id| self.cap().host(id)).collect())
    }

    /// Which Capistrano it is written for.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.cap().dialect.get()
    }

    /// The version that the recipe names with `lock`, as it is written there.
    #[must_use]
    pub fn locked(&self) -> Option<String> {
        self.cap().v3.locked.borrow().clone()
    }

    /// The word of a command line that chooses the stage: in dialect 3 the first one, with
    /// `capistrano/ext/multistage` wherever it stands.
    #[must_use]
    pub fn stage_word<'a>(&self, words: &'a [String]) -> Option<&'a str> {
        let cap = self.cap();
        if cap.is_three() {
            let stage = cap.v3.stage.borrow();
            return words.first().filter(|word| stage.as_deref() == Some(word)).map(String::as_str);
        }
        let stages = cap.variables.borrow().peek("stages").map(Value::to_list).unwrap_or_default();
        let is_stage = |word: &&String| stages.iter().any(|stage| stage.to_s() == **word);
        words.iter().find(is_stage).filter(|word| self.explain(word).is_ok()).map(String::as_str)
    }

    /// The filters of the command line.
    #[must_use]
    pub fn filters(&self) -> Filters {
        self.cap().filters.borrow().clone()
    }

    /// A variable, evaluated where it has not been yet; none when it is not set.
    ///
    /// # Errors
    /// When its evaluation fails.
    pub async fn setting(&self, name: &str) -> Result<Option<Property>, Box<Problem>> {
        let name = name.to_owned();
        let what = format!("read the variable `{name}'");
        self.evaluate(&what, |call, cap| async move {
            Ok(cap.read(&call, &name).await?.map(|value| crate::v2::property_of(&value)))
        })
        .await
    }

    /// The password for logins and `sudo`: the recipe's, else asked for. Evaluated once.
    ///
    /// # Errors
    /// When it cannot be had.
    pub async fn password(&self) -> Result<Option<String>, Box<Problem>> {
        self.evaluate("read the password", |call, cap| async move { cap.text(&call, "password").await }).await
    }

    /// Forgets the password, so that the next call of [`Recipe::password`] asks again. Says whether that makes sense: a
    /// password that the recipe has as plain text stays the same.
    #[must_use]
    pub fn reset_password(&self) -> bool {
        self.cap().variables.borrow_mut().reset("password")
    }

    /// Variables that the recipe sets and nothing has read so far, with the place.
    #[must_use]
    pub fn never_read(&self) -> Vec<(String, Option<Site>)> {
        let variables = self.cap().variables.borrow();
        variables.never_read().map(|(name, site)| (name.to_owned(), site.cloned())).collect()
    }

    /// Whether the recipe's own text has a word.
    #[must_use]
    pub fn mentions(&self, word: &str) -> bool {
        self.cap().sources.borrow().iter().any(|(_, text)| text.contains(word))
    }

    /// Runs the blocks of `at_exit`. To be called once, at the end of the process. A rehearsal only names them, and the
    /// hooks of the `:exit` event, which are otherwise a part of the flow.
    ///
    /// # Errors
    /// When one of them fails.
    pub async fn at_exit(&self) -> Result<(), Box<Problem>> {
        self.evaluate("run the blocks of at_exit", |call, cap| async move {
            if cap.is_rehearsal() {
                cap.name_what_ends(&call);
                return Ok(());
            }
            for block in call.interp().take_at_exit() {
                call.call_proc(&block, Vec::new()).await?;
            }
            Ok(())
        })
        .await
    }

    /// Evaluates beside any flow.
    pub(crate) async fn evaluate<T, F, Fut>(&self, what: &str, body: F) -> Result<T, Box<Problem>>
    where
        T: 'static,
        F: FnOnce(Call, Rc<Cap>) -> Fut + 'static,
        Fut: Future<Output = Result<T, Unwind>> + 'static,
    {
        let _outside = self.cap().port.outside();
        let result = with_call(self.interp(), self.cap(), body).await;
        result.map_err(|unwind| Box::new(crate::v2::problem_of(&self.interp().error(unwind), what)))
    }
}

/// Runs a body of ours as if the program had called it: in a context of its own, with the configuration as self.
pub(crate) async fn with_call<T, F, Fut>(interp: &Interp, cap: &Rc<Cap>, body: F) -> Result<T, Unwind>
where
    T: 'static,
    F: FnOnce(Call, Rc<Cap>) -> Fut + 'static,
    Fut: Future<Output = Result<T, Unwind>> + 'static,
{
    let slot: Rc<RefCell<Option<T>>> = Rc::default();
    let (result, body, state) = (slot.clone(), RefCell::new(Some(body)), cap.clone());
    let native = Proc::native(move |call, _args| {
        let (body, result, cap) = (body.borrow_mut().take(), result.clone(), state.clone());
        Box::pin(async move {
            if let Some(body) = body {
                let value = body(call, cap).await?;
                result.replace(Some(value));
            }
            Ok(Value::Nil)
        })
    });
    let context = interp.context();
    interp.set_fuel(Some(cap.settings.steps));
    interp.call_proc(&context, &native, Args::none(), Some(cap.root())).await?;
    let value = slot.take();
    value.ok_or_else(|| interp.raise(&context, "RuntimeError", "the evaluation gave nothing"))
}

/// The flow of some tasks of a recipe.
pub struct Flow {
    recipe: Recipe,
    tasks: Vec<String>,
}

impl Flow {
    /// What can be found wrong before anything is evaluated.
    fn refuse(&self, cap: &Cap) -> Result<(), Box<Problem>> {
        if cap.is_three() {
            return self.tasks.iter().try_for_each(|name| self.recipe.explain(name).map(drop));
        }
        // Hooks of the start may define tasks and hosts, as stages do.
        let may_change = !cap.hooks.borrow().firing(When::Start, None).is_empty();
        if may_change {
            return Ok(());
        }
        for name in &self.tasks {
            self.recipe.explain(name)?;
        }
        let inventory = cap.inventory.borrow();
        for problem in cap.filters.borrow().problems(&inventory) {
            let harmless = matches!(&problem, FilterProblem::UnknownHost { filter: "HOSTS", .. });
            if !harmless {
                let next = "mend the filter, or leave it out to go to all hosts".to_owned();
                let problem = Problem::new(ProblemKind::Usage, "choose the hosts", problem.to_string()).next(next);
                return Err(Box::new(problem));
            }
        }
        Ok(())
    }

    async fn evaluate(self_: Recipe, tasks: Vec<String>) -> Result<(), Box<Problem>> {
        let interp = self_.interp().clone();
        let result = with_call(&interp, self_.cap(), move |call, cap| async move {
            cap.note_what_is_odd();
            cap.refuse_settings(&call, &tasks).await?;
            if cap.is_three() {
                return cap.run_words(&call, &tasks).await;
            }
            for name in &tasks {
                cap.execute_asked(&call, name).await?;
            }
            cap.leave(&call).await
        });
        match result.await {
            Ok(()) => Ok(()),
            Err(unwind) => {
                let error = interp.error(unwind);
                match error.exit_status {
                    Some(0) => Ok(()),
                    Some(status) => {
                        let why = format!("the recipe ended the run with status {status}");
                        // 2 is how our own recipes say that the command line is wrong.
                        let kind = if status == 2 { ProblemKind::Usage } else { ProblemKind::Step };
                        let place = error.exit_position.as_ref().map(crate::v2::site_of);
                        let problem = Problem::new(kind, "evaluate the tasks", why).at(place);
                        Err(Box::new(problem.next("what the recipe printed before says why")))
                    }
                    None => Err(Box::new(crate::v2::problem_of(&error, "evaluate the tasks"))),
                }
            }
        }
    }
}

#[async_trait(?Send)]
impl Program for Flow {
    async fn run(&self, hosts: &dyn Hosts) -> Result<(), Stopped> {
        let cap = self.recipe.cap().clone();
        cap.begin_flow(&self.tasks);
        let prepared = self.recipe.hosts().await.and_then(|_| self.refuse(&cap));
        prepared.map_err(Stopped::Problem)?;
        let work = Self::evaluate(self.recipe.clone(), self.tasks.clone());
        drive(&cap.port, hosts, work).await?.map_err(Stopped::Problem)?;
        let broken = cap.flow.borrow_mut().broken.take();
        match broken.or_else(|| cap.nothing_left()) {
            Some(problem) => Err(Stopped::Problem(Box::new(problem))),
            None => Ok(()),
        }
    }

    async fn ahead(&self) -> Option<Transaction> {
        let cap = self.recipe.cap();
        let ahead = cap.ahead()?;
        // A variable that is evaluated for this is evaluated again where the flow reads it, as what comes first may change
        // what it gives; but nobody is asked twice.
        let before = cap.variables.borrow().clone();
        cap.acted.set(false);
        let what = "see what is opened";
        let found = self.recipe.evaluate(what, |call, cap| async move { cap.transaction_ahead(&call, ahead).await });
        // Why it cannot be told is said when the flow gets there.
        let found = found.await.ok().flatten();
        if !cap.acted.get() {
            cap.variables.replace(before);
        }
        found
    }

    async fn undo(&self, handler: HandlerId, hosts: &dyn Hosts) -> Result<(), Stopped> {
        let cap = self.recipe.cap().clone();
        cap.begin_undo();
        let recipe = self.recipe.clone();
        let work = async move {
            let body = with_call(recipe.interp(), recipe.cap(), move |call, cap| async move {
                cap.run_handler(&call, handler).await
            });
            let problem =
                |unwind| crate::v2::problem_of(&recipe.interp().error(unwind), "evaluate an on_rollback block");
            body.await.map_err(problem)
        };
        if let Err(problem) = drive(&cap.port, hosts, work).await? {
            let text = format!("{}: {}; the other undo steps go on", problem.what, problem.why);
            hosts.tell(Event::Message { level: Level::Warning, host: None, text });
        }
        Ok(())
    }

    fn host(&self, id: &HostId) -> Option<Host> {
        self.recipe.cap().host(id)
    }

    fn narrowed(&self) -> Option<(usize, usize, String)> {
        let cap = self.recipe.cap();
        if cap.is_three() {
            return cap.v3.narrowed.borrow().clone();
        }
        let inventory = cap.inventory.borrow();
        let selected = inventory.select(&Selection::all(), &cap.filters.borrow()).ok()?;
        let filter = selected.filter.clone()?;
        let known = inventory.hosts();
        let foreign = selected.hosts.iter().filter(|host| known.iter().all(|known| known.id != host.id));
        let foreign: Vec<&str> = foreign.map(|host| host.name.as_str()).collect();
        if !foreign.is_empty() {
            let count = selected.hosts.len();
            return Some((count, count, format!("{filter}; not in the recipe: {}", foreign.join(", "))));
        }
        if !selected.is_narrowed() {
            return None;
        }
        Some((selected.hosts.len(), selected.of, filter))
    }
}
