//! Whole recipes, loaded and evaluated against a fleet that only takes notes.

mod actions;
mod check;
mod flows;
mod hooks;
mod language;
mod loading;
mod mangled;
mod options;
mod recipes;
mod secrets;
mod servers;
mod suspension;
mod v2_plugins;
mod v3;
mod v3_plugins;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use async_trait::async_trait;
use deploy_inventory::HostId;
use deploy_plan::{
    Builtin, Command, CommandResult, Event, ExitStatus, HostRelease, Hosts, Item, Opened, Problem, Program, Purpose,
    ReleaseId, Revision, Site, Stopped, Suspension, Transaction, Want,
};
use deploy_ruby::{Finished, MemoryEffects};

use crate::{Loader, Recipe};

/// The recipe of the examples: five hosts, three roles, a restart task and a hook found by its name.
pub(crate) const SEED: &str = include_str!("../../../../examples/my_cool_app/config/deploy.rb");

/// The id of the release that the fleet gives.
pub(crate) const NEW: &str = "20261123054446";

type Answer = Box<dyn Fn(&Command, &HostId) -> (i32, String)>;

/// A fleet that takes notes and answers as it is told.
pub(crate) struct Notes {
    pub lines: RefCell<Vec<String>>,
    pub messages: RefCell<Vec<String>>,
    pub failed: RefCell<Vec<Problem>>,
    pub rehearsal: Cell<bool>,
    pub facts: RefCell<HostRelease>,
    /// Ends the run at the request with this number (from 1).
    pub stop_at: Cell<usize>,
    requests: Cell<usize>,
    answer: RefCell<Answer>,
}

impl Default for Notes {
    fn default() -> Self {
        Self {
            lines: RefCell::default(),
            messages: RefCell::default(),
            failed: RefCell::default(),
            rehearsal: Cell::default(),
            facts: RefCell::new(HostRelease {
                live: Some(ReleaseId::new("20261101000002").unwrap()),
                live_revision: Some(Revision::new("4700").unwrap()),
                previous: Some(ReleaseId::new("20261101000001").unwrap()),
                releases: vec![ReleaseId::new("20261101000001").unwrap(), ReleaseId::new("20261101000002").unwrap()],
                migrations: None,
                ..HostRelease::default()
            }),
            stop_at: Cell::default(),
            requests: Cell::default(),
            answer: RefCell::new(Box::new(|_, _| (0, String::new()))),
        }
    }
}

impl Notes {
    pub fn answering(answer: impl Fn(&Command, &HostId) -> (i32, String) + 'static) -> Self {
        Self { answer: RefCell::new(Box::new(answer)), ..Self::default() }
    }

    fn line(&self, line: impl Into<String>) {
        self.lines.borrow_mut().push(line.into());
    }

    fn request(&self) -> Result<(), Stopped> {
        self.requests.set(self.requests.get() + 1);
        if self.requests.get() == self.stop_at.get() { Err(Stopped::Run) } else { Ok(()) }
    }

    /// What was recorded, without tasks and notes.
    pub fn work(&self) -> Vec<String> {
        let lines = self.lines.borrow();
        let is_work = |line: &&String| !["> ", "< ", "note: "].iter().any(|mark| line.trim_start().starts_with(mark));
        lines.iter().filter(is_work).cloned().collect()
    }

    pub fn notes(&self) -> Vec<String> {
        let lines = self.lines.borrow();
        lines.iter().filter_map(|line| line.strip_prefix("note: ")).map(str::to_owned).collect()
    }

    pub fn tasks(&self) -> Vec<String> {
        let lines = self.lines.borrow();
        lines
            .iter()
            .filter_map(|line| line.strip_prefix("> "))
            .map(|line| line.split(' ').next().unwrap().to_owned())
            .collect()
    }
}

fn short(hosts: &[HostId]) -> String {
    hosts.iter().map(|host| host.as_str().trim_end_matches(".example.com")).collect::<Vec<_>>().join(",")
}

/// An item on one line.
fn show(item: &Item) -> String {
    match item {
        Item::TaskStarted { task, slot, .. } => format!("> {task} {}", slot.map_or("-", deploy_plan::Slot::word)),
        Item::TaskEnded { task } => format!("< {task}"),
        Item::Command(command) => format!("run {} @ {}", command.shown, short(&command.hosts)),
        Item::Together(commands) => {
            let each = commands.iter().map(|command| format!("{} @ {}", command.shown, short(&command.hosts)));
            format!("together {}", each.collect::<Vec<_>>().join("; "))
        }
        Item::Builtin(item) => {
            let sudo = if item.sudo { "sudo " } else { "" };
            format!("{sudo}{} @ {} for {}", show_builtin(&item.builtin), short(&item.hosts), item.task)
        }
        Item::OnRollback { handler, task } => format!("on_rollback {} for {task}", handler.0),
        Item::Health(item) => format!("health {}: {}", item.check, short(&item.hosts)),
        Item::Edge => "edge".to_owned(),
        Item::Condition(Some(text)) => format!("only if {text}"),
        Item::Condition(None) => "in any case".to_owned(),
        Item::Note(text) => format!("note: {text}"),
    }
}

fn show_builtin(builtin: &Builtin) -> String {
    match builtin {
        Builtin::Setup { directories, group_writable } => {
            let names: Vec<String> = directories.iter().map(ToString::to_string).collect();
            format!("setup {} g+w={group_writable}", names.join(" "))
        }
        Builtin::UpdateCode(update) => {
            let links: Vec<String> = update.links.iter().map(|link| format!("{}->{}", link.at, link.target)).collect();
            format!("update_code {} {} ({}) links {}", update.release, update.revision, update.label, links.join(" "))
        }
        Builtin::Publish(publish) => {
            format!("publish {} {}", publish.release, publish.revision.as_ref().map_or("-", Revision::as_str))
        }
        Builtin::Rollback(rollback) => {
            format!("rollback to {} from {}", rollback.to, rollback.from.as_ref().map_or("-", ReleaseId::as_str))
        }
        Builtin::RemoveLeft { release, .. } => format!("remove left {release}"),
        Builtin::Cleanup { keep } => format!("cleanup keep {keep}"),
        Builtin::Mark { release, mark, set } => format!("mark {release} {mark:?} {set}"),
        Builtin::Hold { reason } => format!("hold {reason:?}"),
        Builtin::Ops { title, ops, undo } => format!("ops {title}: {} ops, {} to undo", ops.len(), undo.len()),
    }
}

#[async_trait(?Send)]
impl Hosts for Notes {
    fn record(&self, item: Item) {
        self.line(show(&item));
    }

    async fn begin(&self, transaction: Transaction) -> Result<Opened, Stopped> {
        self.request()?;
        let (word, release) = match &transaction.purpose {
            Purpose::Read => ("read".to_owned(), None),
            Purpose::Check => ("check".to_owned(), None),
            Purpose::Setup => ("setup".to_owned(), None),
            Purpose::Deploy { release_name } => {
                let name = release_name.clone();
                (format!("deploy {}", name.as_deref().unwrap_or("-")), Some(name.unwrap_or_else(|| NEW.to_owned())))
            }
            Purpose::Recover { .. } => ("recover".to_owned(), None),
            Purpose::Republish => {
                ("republish".to_owned(), self.facts.borrow().releases.last().map(ToString::to_string))
            }
            Purpose::Rollback { to: Some(name) } => (format!("rollback to {name}"), Some(name.clone())),
            Purpose::Rollback { to: None } => {
                ("rollback".to_owned(), self.facts.borrow().previous.as_ref().map(ToString::to_string))
            }
            Purpose::CatchUp => ("catch up".to_owned(), Some(NEW.to_owned())),
            Purpose::Cleanup => ("cleanup".to_owned(), None),
            Purpose::Records => ("records".to_owned(), None),
        };
        let sudo = if transaction.sudo { " sudo" } else { "" };
        self.line(format!("begin {word}{sudo} in {} @ {}", transaction.layout.deploy_to, short(&transaction.hosts)));
        let facts = self.facts.borrow().clone();
        Ok(Opened {
            release: release.map(|name| ReleaseId::new(&name).unwrap()),
            revision: None,
            hosts: transaction.hosts.into_iter().map(|host| (host, facts.clone())).collect(),
            blockers: Vec::new(),
        })
    }

    async fn command(&self, command: Command, want: Want, why: Suspension) -> Result<Vec<CommandResult>, Stopped> {
        self.request()?;
        self.line(format!("wait {why:?} {want:?}: {} @ {}", command.shown, short(&command.hosts)));
        let answer = self.answer.borrow();
        let results: Vec<CommandResult> = command
            .hosts
            .iter()
            .map(|host| {
                let (code, stdout) = answer(&command, host);
                let (host, stderr) = (host.clone(), Vec::new());
                CommandResult {
                    host,
                    status: ExitStatus::Code(code),
                    stdout: stdout.into_bytes(),
                    stderr,
                    unreached: None,
                }
            })
            .collect();
        let failed = results.iter().any(|result| !result.status.is_success());
        if failed && want == Want::Output && !command.continue_on_error { Err(Stopped::Run) } else { Ok(results) }
    }

    async fn settle(&self, why: Suspension, _site: Option<Site>) -> Result<(), Stopped> {
        self.request()?;
        self.line(format!("settle {why:?}"));
        Ok(())
    }

    fn is_rehearsal(&self) -> bool {
        self.rehearsal.get()
    }

    fn tell(&self, event: Event) {
        match event {
            Event::Message { text, .. } => self.messages.borrow_mut().push(text),
            Event::Printed { text, .. } => self.messages.borrow_mut().push(text.trim_end_matches('\n').to_owned()),
            Event::Failed { problem } => self.failed.borrow_mut().push(problem),
            _ => {}
        }
    }
}

/// A deployer on which `svn` and `git` answer.
pub(crate) fn deployer() -> Rc<MemoryEffects> {
    let effects = Rc::new(MemoryEffects::new());
    effects.set_clock("2026-11-23T05:44:46Z".parse().unwrap());
    effects.on_run(|command| {
        let text = match &command.line {
            deploy_ruby::CommandLine::Shell(text) => text.clone(),
            deploy_ruby::CommandLine::Argv(argv) => argv.join(" "),
        };
        let fine = |stdout: &str| Ok(Finished { status: Some(0), stdout: stdout.into(), ..Finished::default() });
        match text.as_str() {
            text if text.starts_with("svn --non-interactive info") => fine("Revision: 4711\nLast Changed Rev: 4700\n"),
            text if text.starts_with("git ls-remote") => {
                fine("8f3a2c1b00000000000000000000000000000001\trefs/heads/main\n8f3a2c1b00000000000000000000000000000001\tHEAD\n")
            }
            text if text.starts_with("echo ") => fine(&format!("{}\n", &text[5..])),
            text if text.starts_with("git rev-parse") => fine("abc\n"),
            _ => Ok(Finished { status: Some(1), stderr: b"no".to_vec(), ..Finished::default() }),
        }
    });
    effects
}

pub(crate) async fn load_with(effects: Rc<MemoryEffects>, text: &str) -> Result<Recipe, Box<Problem>> {
    effects.add_file("/app/config/deploy.rb", text);
    let mut loader = Loader::new(effects);
    loader.files = vec!["/app/config/deploy.rb".to_owned()];
    loader.load().await
}

/// Loads a recipe that must be right.
pub(crate) async fn load(text: &str) -> Recipe {
    match load_with(deployer(), text).await {
        Ok(recipe) => recipe,
        Err(problem) => panic!("{}: {}", problem.what, problem.why),
    }
}

/// Loads a recipe that must be wrong.
pub(crate) async fn refuse(text: &str) -> Problem {
    match load_with(deployer(), text).await {
        Ok(_) => panic!("this loads: {text}"),
        Err(problem) => *problem,
    }
}

/// Runs tasks that must succeed; the notes.
pub(crate) async fn run(text: &str, tasks: &[&str]) -> Notes {
    run_on(text, tasks, Notes::default()).await
}

pub(crate) async fn run_on(text: &str, tasks: &[&str], notes: Notes) -> Notes {
    let recipe = load(text).await;
    run_recipe(&recipe, tasks, &notes).await.unwrap_or_else(|stopped| panic!("{stopped}"));
    notes
}

pub(crate) async fn run_recipe(recipe: &Recipe, tasks: &[&str], notes: &Notes) -> Result<(), Stopped> {
    let tasks = tasks.iter().map(|task| (*task).to_owned()).collect();
    recipe.program(tasks).run(notes).await
}

/// Runs tasks that must fail by the recipe; the problem and the notes.
pub(crate) async fn fail(text: &str, tasks: &[&str]) -> (Problem, Notes) {
    let recipe = load(text).await;
    let notes = Notes::default();
    match run_recipe(&recipe, tasks, &notes).await {
        Err(Stopped::Problem(problem)) => (*problem, notes),
        other => panic!("{other:?} for {text}"),
    }
}
