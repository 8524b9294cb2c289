//! Joins the recipe, the engine, the connections and the report into one run.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::{Arc, OnceLock};

use deploy_engine::{Ended, Engine, Mode, Ports, Settings};
use deploy_plan::{Clock, Event, Observer, Problem, ProblemKind};
use deploy_recipe::{Dialect, Loader, Recipe};
use deploy_report::{Findings, JsonLines, Live, LogFile, Plain, Secrets, Tee, Verbosity, plan_json, plan_text};
use deploy_ruby::Effects;
use deploy_transport::{LocalEnvironment, SshConfig};
use tokio::sync::mpsc;

use crate::again::{Again, Completed};
use crate::args::{Args, Format, Words};
use crate::clock::SystemClock;
use crate::dial::Dial;
use crate::effects::{SystemEffects, random};
use crate::errors::{Complaint, Exit, problems_text};
use crate::held::Held;
use crate::help;
use crate::hosts;
use crate::install;
use crate::interrupt::Interrupts;
use crate::io::{Io, Screen, Sink};
use crate::list::{self, Entry, Style};
use crate::look;
use crate::prompt::{Answers, Asker, PasswordRequest, SharedAnswers};
use crate::trace;

/// For how long a host that was lost is tried again on the way back.
const COME_BACK: std::time::Duration = std::time::Duration::from_secs(10);

/// What a run begins with.
pub(crate) struct Start {
    pub args: Args,
    pub environment: Vec<(String, String)>,
    pub io: Io,
    /// Whether signals are ours, and tracing.
    pub process: bool,
}

/// Everything that the parts of one run share.
pub(crate) struct Session {
    pub(crate) args: Args,
    pub(crate) words: Words,
    environment: BTreeMap<String, String>,
    directory: PathBuf,
    /// The recipe's directory, once it is loaded.
    project: OnceLock<PathBuf>,
    local: LocalEnvironment,
    pub(crate) screen: Screen,
    pub(crate) io: Io,
    pub(crate) secrets: Secrets,
    clock: Arc<SystemClock>,
    pub(crate) asker: Asker,
    pub(crate) interrupts: Interrupts,
    findings: Arc<Findings>,
    again: Arc<Again>,
    held: OnceLock<Arc<Held>>,
}

/// Runs with a recipe.
pub(crate) async fn run(start: Start) -> Exit {
    let Start { args, environment, io, process } = start;
    let session = match Session::new(args, environment, io) {
        Ok(session) => session,
        Err((io, complaint)) => return crate::complain(&io, &complaint),
    };
    if process {
        let filter = session.environment.get("CAPSTAN_LOG").map(String::as_str);
        let log = session.args.log.as_ref().map(|path| session.directory.join(path));
        let wanted = trace::Wanted { verbose: session.args.verbose, filter, log: log.as_deref() };
        trace::begin(&wanted, &session.screen, &session.secrets);
        // Without signals a Ctrl-C ends the process at once, which the hosts survive.
        let _ = session.interrupts.listen(session.screen.clone());
    }
    let interrupts = session.interrupts.clone();
    let exit = tokio::select! {
        exit = session.with_recipe() => exit,
        () = interrupts.left() => session.left_at_once(),
    };
    session.screen.set_live(None);
    exit
}

impl Session {
    fn new(args: Args, environment: Vec<(String, String)>, io: Io) -> Result<Self, (Io, Complaint)> {
        let directory = match std::env::current_dir() {
            Ok(directory) => directory,
            Err(error) => {
                let next = "change to a directory that exists";
                let complaint = Complaint::usage("start", "the working directory", error.to_string(), next);
                return Err((io, complaint));
            }
        };
        let words = args.words();
        let mut environment: BTreeMap<String, String> = environment.into_iter().collect();
        environment.extend(words.environment.iter().cloned());
        let mut local = LocalEnvironment::current();
        if let Some(home) = environment.get("HOME").filter(|home| !home.is_empty()) {
            local.home = PathBuf::from(home);
        }
        local.agent_socket = environment.get("SSH_AUTH_SOCK").filter(|path| !path.is_empty()).map(PathBuf::from);
        let screen = Screen::new(io.clone(), args.format == Format::Json);
        let secrets = Secrets::new();
        Ok(Self {
            findings: Arc::new(Findings::new(secrets.clone())),
            asker: Asker::new(screen.clone()),
            again: Arc::new(Again::of(&args)),
            held: OnceLock::new(),
            args,
            words,
            environment,
            directory,
            project: OnceLock::new(),
            local,
            screen,
            io,
            secrets,
            clock: Arc::new(SystemClock::new()),
            interrupts: Interrupts::default(),
        })
    }

    /// Nobody waited for the end: where something had begun, hosts may differ.
    fn left_at_once(&self) -> Exit {
        if self.findings.has_worked() { Exit::NotUniform } else { Exit::Interrupted }
    }

    async fn with_recipe(&self) -> Exit {
        if install::is_asked(&self.words.tasks, &self.directory) && self.args.tasks.is_none() {
            return install::run(&self.directory, &self.environment, &self.io);
        }
        if let Err(complaint) = self.check_ssh_config() {
            return crate::complain(&self.io, &complaint);
        }
        if let Some(exit) = self.check().await {
            return exit;
        }
        let password = match self.first_password().await {
            Ok(password) => password,
            Err(complaint) => return crate::complain(&self.io, &complaint),
        };
        let recipe = match self.load(password).await {
            Ok(recipe) => recipe,
            Err(_) if self.asks_for_help() => return self.print(&help::short(self.io.terminal.columns())),
            Err(problem) => return self.fail(&[*problem]),
        };
        if let Some(stage) = recipe.stage_word(&self.words.tasks) {
            self.again.choose(stage);
        }
        let exit = if self.asks_for_help() && recipe.explain("help").is_err() {
            match self.words.tasks.get(1) {
                Some(task) => self.explain(&recipe, task),
                None => self.print(&help::short(self.io.terminal.columns())),
            }
        } else if let Some(pattern) = &self.args.tasks {
            self.list(&recipe, pattern)
        } else if let Some(task) = &self.args.explain {
            self.explain(&recipe, task)
        } else if self.asks_for_doctor(&recipe) {
            self.doctor(&recipe).await
        } else if let Some((word, names)) = self.host_word(&recipe) {
            self.host_command(&recipe, word, &names).await
        } else {
            self.deploy(&recipe).await
        };
        match recipe.at_exit().await {
            Ok(()) => exit,
            Err(problem) => {
                let failed = self.fail(&[*problem]);
                if exit == Exit::Done { failed } else { exit }
            }
        }
    }

    /// `cap help`, `cap help TASK`; a recipe may have a task of that name.
    fn asks_for_help(&self) -> bool {
        self.words.tasks.first().is_some_and(|task| task == "help")
    }

    /// `--ssh-config`: a file that can be read, before any host is looked up in it.
    fn check_ssh_config(&self) -> Result<(), Complaint> {
        let Some(file) = &self.args.ssh_config else { return Ok(()) };
        let path = self.directory.join(file);
        // A pipe gives what is in it once.
        if std::fs::metadata(&path).is_ok_and(|found| found.file_type().is_fifo()) {
            return Ok(());
        }
        std::fs::read(path).map(drop).map_err(|error| {
            let place = format!("the command line, --ssh-config {}", file.display());
            let next = "name a file that can be read, or leave the option out to read ~/.ssh/config";
            Complaint::usage("read the ssh_config", place, error.to_string(), next)
        })
    }

    /// What one run cannot do in one go is refused before any host is asked.
    fn check_together(&self, recipe: &Recipe) -> Result<(), Complaint> {
        let Some((first, second)) = recipe.not_together(&self.words.tasks) else { return Ok(()) };
        let next = self.again.hint(&format!("run them one after the other: `cap {first}`, then `cap {second}`"));
        let why = format!("a run is one transaction, which goes live or back as a whole: {first} and {second} are two");
        Err(Complaint::usage(format!("run {first} and {second} together"), "the command line", why, next))
    }

    /// `--to` and `RELEASE=`, which must not be taken for what is deployed.
    fn check_release(&self, recipe: &Recipe) -> Result<(), Complaint> {
        let Some((_, release)) = self.words.environment.iter().find(|(name, _)| name == "RELEASE") else {
            return Ok(());
        };
        let takes = |wanted: bool| move |task: &&String| recipe.takes_release(task) == Some(wanted);
        let Some(task) = self.words.tasks.iter().find(takes(false)) else { return Ok(()) };
        // A recipe that reads the variable itself has its own meaning for it.
        if self.words.tasks.iter().any(|task| takes(true)(&task)) || recipe.mentions("RELEASE") {
            return Ok(());
        }
        let option = if self.args.release.is_some() { format!("--to {release}") } else { format!("RELEASE={release}") };
        let next = self.again.hint("`cap deploy:rollback --to RELEASE` goes to a release that the hosts have");
        let why = format!("{task} goes to no release that is named; deploy:rollback and the tasks of release: do");
        let place = format!("the command line, {option}");
        Err(Complaint::usage(format!("use {option} with {task}"), place, why, next))
    }

    /// `-p`: the password, asked before anything else.
    async fn first_password(&self) -> Result<Option<String>, Complaint> {
        if !self.args.password {
            return Ok(None);
        }
        let complaint = |why: String| {
            let next = "run it from a terminal, or log in with a key or an ssh-agent";
            Complaint::new(ProblemKind::Password, "ask for the password", "the command line, -p", why, next)
        };
        match self.asker.ask("Password: ", false).await {
            Ok(Some(password)) => {
                self.secrets.register(&password);
                Ok(Some(password))
            }
            Ok(None) => Err(complaint("nothing was typed".to_owned())),
            Err(error) => Err(complaint(error.to_string())),
        }
    }

    async fn load(&self, password: Option<String>) -> Result<Recipe, Box<Problem>> {
        let (loader, effects) = self.loader(password);
        let loaded = loader.load_unless(self.interrupts.gently().cancelled()).await;
        // The loader has entered the recipe's directory.
        let _ = self.project.set(PathBuf::from(effects.cwd()));
        loaded
    }

    /// What the recipe is loaded with, as the command line says.
    pub(crate) fn loader(&self, password: Option<String>) -> (Loader, Rc<SystemEffects>) {
        let effects = SystemEffects::new(
            self.environment.clone(),
            self.directory.clone(),
            self.local.clone(),
            self.screen.clone(),
            self.asker.clone(),
            self.secrets.clone(),
        );
        let assignments = |given: &[String]| given.iter().filter_map(|text| deploy_recipe::assignment(text)).collect();
        let allowed = self.environment.get("CAP_ALLOW_REQUIRE").map(String::as_str).unwrap_or_default();
        let effects = Rc::new(effects);
        let mut loader = Loader::new(Rc::clone(&effects) as Rc<dyn Effects>);
        loader.files.clone_from(&self.args.file);
        loader.default_too = self.args.default_config;
        loader.skip_system = self.args.skip_system_config;
        loader.skip_user = self.args.skip_user_config;
        loader.before = assignments(&self.args.set_before);
        loader.after = assignments(&self.args.set);
        loader.preserve_roles = self.args.preserve_roles;
        loader.dry_run = self.args.dry_run;
        loader.rehearsal = self.is_rehearsal();
        loader.sudo_prompt = Some(format!("[cap {:016x}] password: ", random()));
        loader.password = password;
        loader.dialect = self.args.dialect.as_deref().and_then(Dialect::from_version);
        loader.words.clone_from(&self.words.tasks);
        loader.host_filters.clone_from(&self.args.hosts);
        loader.role_filters.clone_from(&self.args.roles);
        loader.allow_require =
            allowed.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
        (loader, effects)
    }

    /// The project's own known_hosts file, beside its `deploy.rb`.
    pub(crate) fn project_known_hosts(&self) -> PathBuf {
        self.project.get().unwrap_or(&self.directory).join("config/known_hosts")
    }

    /// Where the command was typed.
    pub(crate) fn directory(&self) -> &Path {
        self.project.get().unwrap_or(&self.directory)
    }

    /// A variable of the environment.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.environment.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// What turns the recipe's hosts into connections.
    pub(crate) fn dial(&self, answers: Arc<Answers>, observer: Arc<dyn Observer>) -> Dial {
        let config = match &self.args.ssh_config {
            Some(file) => SshConfig::from_file(self.directory.join(file), self.local.clone()),
            None => SshConfig::standard(self.local.clone()),
        };
        Dial::new(config, answers, observer, self.secrets.clone()).with_project_file(self.project_known_hosts())
    }

    fn list(&self, recipe: &Recipe, pattern: &str) -> Exit {
        let mut entries: Vec<Entry> = recipe.tasks().into_iter().map(entry).chain(commands(recipe)).collect();
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        let terminal = self.io.terminal;
        let width = terminal.output.then(|| terminal.columns());
        let style = Style { tool: self.args.tool, all: self.args.all || self.args.verbose > 0, width };
        let (text, warning) = list::tasks(&entries, pattern, style);
        if let Some(warning) = warning {
            self.screen.print(true, format!("{warning}\n").as_bytes());
        }
        // Sentences behind the list begin with the command that they are about.
        let complete = |line: &str| if line.starts_with('`') { self.again.hint(line) } else { line.to_owned() };
        let text: String = text.lines().map(|line| complete(line) + "\n").collect();
        self.print(&text)
    }

    fn explain(&self, recipe: &Recipe, task: &str) -> Exit {
        match recipe.explain(task) {
            Ok(task) => self.print(&list::explain(&entry(task), self.io.terminal.columns())),
            Err(problem) => match commands(recipe).iter().find(|entry| entry.name == task) {
                Some(command) => self.print(&list::explain(command, self.io.terminal.columns())),
                None => self.fail(&[*problem]),
            },
        }
    }

    async fn deploy(&self, recipe: &Recipe) -> Exit {
        if let Err(complaint) = self.check_release(recipe).and_then(|()| self.check_together(recipe)) {
            return crate::complain(&self.io, &complaint);
        }
        self.tell_dialect(recipe);
        let (log, observer) = match self.observers() {
            Ok(observers) => observers,
            Err(complaint) => return crate::complain(&self.io, &complaint),
        };
        let ended = self.run_engine(recipe, Arc::clone(&observer)).await;
        self.screen.set_live(None);
        let exit = self.conclude(&ended);
        if let Some(error) = log.as_ref().and_then(|log| log.take_error()) {
            let text = format!("warning: the log is not complete: {}\n", crate::dial::chain(&error));
            self.screen.print(true, text.as_bytes());
        }
        exit
    }

    /// Shows for which Capistrano the recipe is taken: with -v, and wherever it is not the older one.
    fn tell_dialect(&self, recipe: &Recipe) {
        let shown = self.args.verbose > 0 || self.is_rehearsal();
        if self.args.quiet || self.args.format == Format::Json || !shown {
            return;
        }
        let locked = recipe.locked().map(|version| format!(", lock {version:?}")).unwrap_or_default();
        let text = format!("The recipe is one of {}{locked}.\n", recipe.dialect());
        self.screen.print(false, text.as_bytes());
    }

    async fn run_engine(&self, recipe: &Recipe, observer: Arc<dyn Observer>) -> Ended {
        let (sender, requests) = mpsc::unbounded_channel();
        let answers = Arc::new(Answers::new(self.asker.clone(), self.secrets.clone(), sender));
        let dialer = self.dial(Arc::clone(&answers), Arc::clone(&observer));
        let clock = Arc::clone(&self.clock);
        let sudo = Box::new(SharedAnswers(answers));
        let engine = Engine::new(Ports {
            dialer: Box::new(dialer),
            clock,
            observer,
            sudo,
            person: Box::new(self.asker.clone()),
        });
        let program = recipe.program(self.words.tasks.clone());
        let settings = self.settings();
        tokio::select! {
            ended = engine.run(&program, &settings, self.interrupts.for_engine()) => ended,
            never = serve_passwords(recipe, requests) => match never {},
        }
    }

    pub(crate) fn is_rehearsal(&self) -> bool {
        self.args.plan || self.args.dry_run
    }

    fn settings(&self) -> Settings {
        let mode = match (self.args.plan, self.args.dry_run) {
            (true, _) => Mode::Plan,
            (_, true) => Mode::Offline,
            _ => Mode::Real,
        };
        let started = self.clock.timestamp().strftime("%Y-%m-%d %H:%M UTC").to_string();
        // Whom the logs name: as Capistrano 3 does, by the environment first.
        let named =
            ["USER", "LOGNAME"].iter().find_map(|name| self.environment.get(*name)).filter(|name| !name.is_empty());
        let by = format!("{}@{}", named.unwrap_or(&self.local.user), self.local.hostname);
        let (tasks, lock_wait) = (self.words.tasks.clone(), self.args.lock_wait);
        Settings { mode, by, tasks, started, flush: true, lock_wait, come_back: COME_BACK }
    }

    /// Whoever watches the run: what decides the exit code, the log file, the display.
    pub(crate) fn observers(&self) -> Result<Observers, Complaint> {
        let mut all: Vec<Arc<dyn Observer>> = Vec::new();
        let mut log = None;
        if let Some(path) = &self.args.log {
            let path = self.directory.join(path);
            let clock = Arc::clone(&self.clock);
            let file = LogFile::open(&path, self.secrets.clone(), clock).map_err(|error| {
                let place = format!("the command line, --log {}", path.display());
                let next = "name a file in a directory that is there and that you may write";
                Complaint::usage("write the log file", place, crate::dial::chain(&error.source), next)
            })?;
            let file = Arc::new(file);
            all.push(file.clone());
            log = Some(file);
        }
        let display = self.display()?;
        let machine = self.args.format == Format::Json;
        all.push(match (machine, self.is_rehearsal()) {
            (true, _) => display,
            (false, true) => Arc::new(Between(display)),
            (false, false) => Arc::clone(self.held.get_or_init(|| Arc::new(Held::new(display)))) as Arc<dyn Observer>,
        });
        let shown = Completed { again: Arc::clone(&self.again), observer: Arc::new(Tee::new(all)) };
        // What is told at the end is completed there.
        Ok((log, Arc::new(Tee::new(vec![self.findings.clone(), Arc::new(shown)]))))
    }

    fn display(&self) -> Result<Arc<dyn Observer>, Complaint> {
        let verbosity = match (self.args.quiet, self.args.verbose) {
            (true, _) => Verbosity::Quiet,
            (_, 0) => Verbosity::Normal,
            _ => Verbosity::Verbose,
        };
        let terminal = self.io.terminal;
        let (sink, is_terminal) = self.report_sink()?;
        let value = |name: &str| self.environment.get(name).map(String::as_str).unwrap_or_default();
        let color = is_terminal && !self.args.no_color && value("NO_COLOR").is_empty() && value("TERM") != "dumb";
        // The live display draws on standard error itself.
        // Without TERM it takes the terminal for one that cannot, and shows nothing at all.
        let can_draw = terminal.error && self.args.logger.is_none() && !["", "dumb"].contains(&value("TERM"));
        let live = match self.args.format {
            Format::Json => {
                let (out, clock) = (self.io.out.clone(), Arc::clone(&self.clock));
                return Ok(Arc::new(JsonLines::new(out, self.secrets.clone(), clock)));
            }
            Format::Plain => false,
            Format::Live if !can_draw => {
                let why = "standard error is not a terminal that can move its cursor, or -l sends the report elsewhere";
                return Err(Complaint::usage(
                    "show the run live",
                    "the command line, --format live",
                    why,
                    "use --format plain",
                ));
            }
            Format::Live => true,
            Format::Auto => can_draw && verbosity != Verbosity::Quiet,
        };
        if !live {
            let columns = is_terminal.then(|| terminal.columns());
            let plain = Plain::new(sink, self.secrets.clone(), verbosity, color).columns(columns);
            return Ok(Arc::new(plain.watching(Arc::clone(&self.clock) as Arc<dyn Clock>)));
        }
        let rows = terminal.size.map_or(20, |(_, rows)| rows.saturating_sub(6)).clamp(3, 40);
        let live = Arc::new(Live::stderr(self.secrets.clone(), verbosity, color, Some(terminal.columns()), rows));
        self.screen.set_live(Some(live.clone()));
        Ok(live)
    }

    /// `-l`: where the report goes, and whether that is a terminal.
    fn report_sink(&self) -> Result<(Sink, bool), Complaint> {
        match self.args.logger.as_deref() {
            None | Some("STDERR") => Ok((self.io.err.clone(), self.io.terminal.error)),
            Some("STDOUT") => Ok((self.io.out.clone(), self.io.terminal.output)),
            Some(file) => {
                let opened = OpenOptions::new().append(true).create(true).open(self.directory.join(file));
                let file = opened.map_err(|error| {
                    let place = format!("the command line, -l {file}");
                    let next = "give STDERR, STDOUT, or a file that you may write";
                    Complaint::usage("write the report", place, error.to_string(), next)
                })?;
                Ok((Sink::new(file), false))
            }
        }
    }

    /// Says at the end what was planned, or what failed; last of all the failing hosts and their last lines.
    fn conclude(&self, ended: &Ended) -> Exit {
        if let Some(plan) = ended.plan.as_ref().map(|plan| self.again.plan(plan)) {
            let mut text = match self.args.format {
                Format::Json => plan_json(&plan, &self.secrets).to_string(),
                _ => plan_text(&plan, &self.secrets, self.args.verbose > 0) + self.rehearsed(),
            };
            if !text.ends_with('\n') {
                text.push('\n');
            }
            // What could be planned of a run that cannot begin is of no use.
            if ended.problems.is_empty() || !plan.phases.is_empty() {
                self.print(&text);
            }
        }
        // What a check found on the hosts is told in the run; it belongs to the end as much as what ended the run.
        let mut problems = self.findings.problems();
        // Each time that a lost host did not answer was told in the run; the end has one sentence for all of them.
        let differs = |lost: &Problem| {
            ended.problems.iter().any(|other| other.kind == ProblemKind::NotUniform && other.host == lost.host)
        };
        problems.retain(|problem| problem.kind != ProblemKind::Lost || !differs(problem));
        problems
            .extend(ended.problems.iter().filter(|problem| !problems.contains(problem)).cloned().collect::<Vec<_>>());
        if !problems.is_empty() {
            let problems = self.again.problems(&problems);
            let text = problems_text(&problems, &|host| self.findings.tail(host));
            // Nothing to be kept apart from where the error is all that is said.
            let gap = if self.held.get().is_some_and(|held| !held.has_shown()) { "" } else { "\n" };
            self.screen.print(true, format!("{gap}{}", self.secrets.clean(&text)).as_bytes());
        }
        Exit::of_run(&ended.summary, &ended.problems)
    }

    /// What a rehearsal was, in a sentence.
    fn rehearsed(&self) -> &'static str {
        if self.args.dry_run {
            "\nNothing was connected to and nothing was changed. What depends on the hosts shows with --plan.\n"
        } else {
            "\nNothing was changed: hosts were only read.\n"
        }
    }

    pub(crate) fn print(&self, text: &str) -> Exit {
        let mut out = self.io.out.clone();
        crate::printed_exit(&self.io, out.write_all(text.as_bytes()).and_then(|()| out.flush()))
    }

    /// Tells what is wrong where no run has begun.
    pub(crate) fn fail(&self, problems: &[Problem]) -> Exit {
        let text = problems_text(&self.again.problems(problems), &|_| Vec::new());
        self.screen.print(true, self.secrets.clean(&text).as_bytes());
        Exit::of_problems(problems)
    }
}

/// The log file, which may have something to say at the end, and all observers as one.
type Observers = (Option<Arc<LogFile>>, Arc<dyn Observer>);

/// A display of what lies between beginning and end. A rehearsal has neither: its result is the plan.
struct Between(Arc<dyn Observer>);

impl Observer for Between {
    fn event(&self, event: &Event) {
        if !matches!(event, Event::RunStarted { .. } | Event::RunEnded { .. }) {
            self.0.event(event);
        }
    }
}

/// Answers requests for the recipe's `:password` on the recipe's own thread.
pub(crate) async fn serve_passwords(
    recipe: &Recipe,
    mut requests: mpsc::UnboundedReceiver<PasswordRequest>,
) -> std::convert::Infallible {
    while let Some(request) = requests.recv().await {
        // A password that cannot be had is the connection's or sudo's failure, told there; so is one that the recipe
        // has as plain text and that was wrong.
        let password = match request.again && !recipe.reset_password() {
            true => None,
            false => recipe.password().await.ok().flatten(),
        };
        let _ = request.answer.send(password);
    }
    std::future::pending().await
}

/// Commands that are no tasks.
fn commands(recipe: &Recipe) -> Vec<Entry> {
    hosts::entries(recipe).into_iter().chain(look::entries(recipe)).collect()
}

fn entry(task: deploy_recipe::TaskInfo) -> Entry {
    Entry {
        name: task.name,
        summary: task.summary,
        description: task.description.unwrap_or_default(),
        hidden: task.hidden,
    }
}
