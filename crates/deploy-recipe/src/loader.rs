//! Finding and loading a recipe.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use deploy_inventory::Filters;
use deploy_plan::{Problem, ProblemKind};
use deploy_ruby::{Call, Effects, FileKind, Interp, Value};

use crate::callbacks::When;
use crate::check::is_capfile;
use crate::cli_value::CliValue;
use crate::dialect::Dialect;
use crate::recipe::{Recipe, with_call};
use crate::v2::{Cap, Settings};

/// The prompt that `sudo` is given when nobody chose another.
pub const SUDO_PROMPT: &str = "sudo password: ";

/// What a recipe is loaded from, and what the command line says to it.
pub struct Loader {
    /// What the recipe may do on this machine.
    pub effects: Rc<dyn Effects>,
    /// `-f`: these files instead of the one that is looked for.
    pub files: Vec<String>,
    /// `-F`: the one that is looked for, even with `-f`.
    pub default_too: bool,
    /// `-S`: variables set before anything is loaded.
    pub before: Vec<(String, CliValue)>,
    /// `-s`: variables set when everything is loaded.
    pub after: Vec<(String, CliValue)>,
    /// `-X`: `/etc/capistrano.conf` is not loaded first.
    pub skip_system: bool,
    /// `-x`: `~/.caprc` is not loaded first.
    pub skip_user: bool,
    /// `-r`: `ROLES` only narrows the roles of a task.
    pub preserve_roles: bool,
    /// `-n`: what the recipe reads as `dry_run`.
    pub dry_run: bool,
    /// `-n` and `--plan`: nothing is to be changed, on this machine neither. What the recipe gives for the end of the
    /// process is not run.
    pub rehearsal: bool,
    /// The prompt that `sudo` is given; [`SUDO_PROMPT`] if there is none.
    pub sudo_prompt: Option<String>,
    /// The password asked for before loading (`-p`).
    pub password: Option<String>,
    /// Gems whose `require` is let pass without effect.
    pub allow_require: Vec<String>,
    /// How many steps of evaluation the loading, a flow or an undo block may take: what needs more is taken for a loop
    /// without end. [`STEPS`] unless set.
    pub steps: u64,
    /// The dialect, where the recipe is not to be asked.
    pub dialect: Option<Dialect>,
    /// The words of the command line: in dialect 3 the first one names the stage, which is loaded.
    pub words: Vec<String>,
    /// `--hosts` and `--roles` (dialect 3).
    pub host_filters: Vec<String>,
    /// See [`Loader::host_filters`].
    pub role_filters: Vec<String>,
}

/// Far more than any recipe needs; they take some seconds.
pub const STEPS: u64 = 50_000_000;

impl Loader {
    /// Looks for the recipe as `cap` without options does.
    #[must_use]
    pub fn new(effects: Rc<dyn Effects>) -> Self {
        Self {
            effects,
            files: Vec::new(),
            default_too: false,
            before: Vec::new(),
            after: Vec::new(),
            skip_system: false,
            skip_user: false,
            preserve_roles: false,
            dry_run: false,
            rehearsal: false,
            sudo_prompt: None,
            password: None,
            allow_require: Vec::new(),
            steps: STEPS,
            dialect: None,
            words: Vec::new(),
            host_filters: Vec::new(),
            role_filters: Vec::new(),
        }
    }

    /// Loads the recipe. No host is touched; what the recipe itself does while it is loaded on this machine is done.
    ///
    /// # Errors
    /// When there is no recipe, or it cannot be parsed or evaluated. The problem's `why` has the place with the line
    /// of source.
    pub async fn load(self) -> Result<Recipe, Box<Problem>> {
        self.load_unless(std::future::pending()).await
    }

    /// The same, unless `stop` comes first: then the evaluation is dropped where it stands, which the problem names.
    ///
    /// # Errors
    /// As [`Loader::load`]; of the kind `Interrupted` when it was stopped.
    pub async fn load_unless(self, stop: impl Future<Output = ()>) -> Result<Recipe, Box<Problem>> {
        let recipe = Recipe::new(self.settings(), self.effects.clone());
        let cap = recipe.cap().clone();
        let interp = recipe.interp().clone();
        let loading = with_call(&interp, &cap, move |call, cap| async move { self.run(&call, &cap).await });
        match first(loading, stop).await {
            Some(Ok(Ok(()))) => Ok(recipe),
            Some(Ok(Err(problem))) => Err(problem),
            Some(Err(unwind)) => Err(Box::new(explain(&interp, unwind))),
            None => {
                let problem = Problem::new(ProblemKind::Interrupted, "load the recipe", "it was interrupted here");
                let place = interp.latest().map(|position| crate::v2::site_of(&position));
                Err(Box::new(problem.at(place).next("no host was asked anything; look at that place if it takes long")))
            }
        }
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings {
            dry_run: self.dry_run,
            rehearsal: self.rehearsal,
            sudo_prompt: self.sudo_prompt.clone().unwrap_or_else(|| SUDO_PROMPT.to_owned()),
            allow_require: self.allow_require.clone(),
            steps: self.steps,
        }
    }

    async fn run(self, call: &Call, cap: &Rc<Cap>) -> Result<Result<(), Box<Problem>>, deploy_ruby::Unwind> {
        cap.install_standard();
        call.interp().set_global("$*", Value::array(self.words.iter().map(Value::str).collect()));
        if let Err(problem) = set_all(cap, "-S", &self.before) {
            return Ok(Err(problem));
        }
        if let Some(password) = &self.password {
            // A name that every recipe has.
            let _ = cap.set_from_cli("-p", "password", &CliValue::Text(password.clone()));
        }
        self.load_personal(call, cap).await?;
        let files = match self.first_files(call).await {
            Ok(files) => files,
            Err(problem) => return Ok(Err(problem)),
        };
        if let Ok(bytes) = self.effects.read(call, "Gemfile.lock").await {
            let _ = cap.gemfile_lock.set(String::from_utf8_lossy(&bytes).into_owned());
        }
        if self.shown(call, &files).await.0 == Dialect::Capistrano3 {
            return self.run_three(call, cap, &files).await;
        }
        for file in &files {
            if let Some(problem) = self.load_one(call, cap, file).await? {
                return Ok(Err(problem));
            }
        }
        cap.fire(call, When::Load, None).await?;
        if let Err(problem) = set_all(cap, "-s", &self.after) {
            return Ok(Err(problem));
        }
        let mut filters = Filters::from_variables(|name| self.effects.env(name));
        filters.preserve_roles = self.preserve_roles;
        *cap.filters.borrow_mut() = filters;
        Ok(Ok(()))
    }

    /// The files that loading begins with; enters the directory of the one that was looked for.
    pub(crate) async fn first_files(&self, call: &Call) -> Result<Vec<String>, Box<Problem>> {
        let mut files = self.files.clone();
        if files.is_empty() || self.default_too {
            match self.find(call).await {
                Ok(Some(found)) => files.insert(0, found),
                Ok(None) => return Err(Box::new(self.nothing_found())),
                Err(error) => {
                    let what = "enter the directory of the recipe";
                    return Err(Box::new(Problem::new(ProblemKind::Usage, what, error.to_string())));
                }
            }
        }
        Ok(files)
    }

    /// The dialect, and why: as it was said to be, else as the texts show.
    pub(crate) async fn shown(&self, call: &Call, files: &[String]) -> (Dialect, String) {
        if let Some(dialect) = self.dialect {
            return (dialect, "--dialect says so".to_owned());
        }
        for file in files {
            let Ok(bytes) = self.effects.read(call, file).await else { continue };
            let text = String::from_utf8_lossy(&bytes);
            if let Some((dialect, line)) = Dialect::shown_by(&text) {
                let shown = text.lines().nth(line - 1).unwrap_or_default().trim();
                return (dialect, format!("{file}:{line}: {shown}"));
            }
        }
        let because = "nothing in it is of Capistrano 3 only; --dialect 3 says so where that is wrong";
        (Dialect::default(), because.to_owned())
    }

    /// Loads a recipe of Capistrano 3: the Capfile, what it imports, and the stage that the command line names.
    async fn run_three(
        &self,
        call: &Call,
        cap: &Rc<Cap>,
        files: &[String],
    ) -> Result<Result<(), Box<Problem>>, deploy_ruby::Unwind> {
        cap.dialect.set(Dialect::Capistrano3);
        cap.variables.borrow_mut().take_any_name();
        cap.v3.host_filters.borrow_mut().clone_from(&self.host_filters);
        cap.v3.role_filters.borrow_mut().clone_from(&self.role_filters);
        let mut own_capfile = false;
        for file in files {
            if is_capfile(file) {
                own_capfile = true;
                cap.load_file3(call, file).await?;
            }
        }
        if !own_capfile {
            // As the Capfile that `cap install` writes.
            cap.eval_recipe(call, "built-in Capfile", DEFAULT_CAPFILE).await?;
            for file in files.iter().filter(|file| *file != "config/deploy.rb") {
                cap.load_file3(call, file).await?;
            }
        }
        cap.load_imports(call).await?;
        let stages = cap.stage_names(call).await?;
        if let Some(stage) = self.words.first().filter(|word| stages.contains(word)) {
            cap.load_stage(call, stage).await?;
        }
        // The command line is stronger than the recipe.
        Ok(set_all(cap, "-S", &self.before).and_then(|()| set_all(cap, "-s", &self.after)))
    }

    async fn load_one(
        &self,
        call: &Call,
        cap: &Rc<Cap>,
        file: &str,
    ) -> Result<Option<Box<Problem>>, deploy_ruby::Unwind> {
        match self.effects.read(call, file).await {
            Ok(bytes) => {
                let text = String::from_utf8_lossy(&bytes);
                if wants_deploy(file, &text) {
                    cap.install_deploy();
                }
                cap.eval_recipe(call, file, &text).await?;
                Ok(None)
            }
            Err(error) => {
                let mut problem =
                    Problem::new(ProblemKind::Usage, format!("read the recipe {file}"), error.to_string());
                problem.next = Some("check the name given with -f".to_owned());
                Ok(Some(Box::new(problem)))
            }
        }
    }

    /// What the machine and the person have for all their recipes.
    async fn load_personal(&self, call: &Call, cap: &Rc<Cap>) -> Result<(), deploy_ruby::Unwind> {
        let home = self.effects.env("HOME").filter(|home| !home.is_empty());
        let system = (!self.skip_system).then(|| "/etc/capistrano.conf".to_owned());
        let user = home.filter(|_| !self.skip_user).map(|home| format!("{home}/.caprc"));
        for file in system.into_iter().chain(user) {
            if let Ok(bytes) = self.effects.read(call, &file).await {
                cap.eval_recipe(call, &file, &String::from_utf8_lossy(&bytes)).await?;
            }
        }
        Ok(())
    }

    /// `Capfile` here or in a directory above, else `config/deploy.rb` likewise; enters that directory.
    async fn find(&self, call: &Call) -> std::io::Result<Option<String>> {
        let start = self.effects.cwd();
        for names in [&["Capfile", "capfile", "Capfile.rb", "capfile.rb"][..], &["config/deploy.rb"]] {
            let mut dir = start.as_str();
            loop {
                for name in names {
                    let path = format!("{}/{name}", dir.trim_end_matches('/'));
                    let found = self.effects.stat(call, &path, true).await;
                    if found.is_ok_and(|stat| stat.kind == FileKind::File) {
                        if dir != start {
                            self.effects.set_cwd(call, if dir.is_empty() { "/" } else { dir })?;
                        }
                        return Ok(Some((*name).to_owned()));
                    }
                }
                match dir.rsplit_once('/') {
                    Some((up, _)) if !dir.is_empty() => dir = up,
                    _ => break,
                }
            }
        }
        Ok(None)
    }

    fn nothing_found(&self) -> Problem {
        let here = self.effects.cwd();
        let why = format!("there is no Capfile and no config/deploy.rb in {here} or a directory above it");
        Problem::new(ProblemKind::Usage, "find a recipe", why)
            .next("write config/deploy.rb, or name a recipe with -f FILE")
    }
}

/// What the work gives, or none where `stop` came first.
async fn first<T>(work: impl Future<Output = T>, stop: impl Future<Output = ()>) -> Option<T> {
    let (mut work, mut stop) = (pin!(work), pin!(stop));
    poll_fn(|cx| {
        if stop.as_mut().poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        work.as_mut().poll(cx).map(Some)
    })
    .await
}

/// Whether the deploy recipes come first: a Capfile says so itself; any other file is taken for one that goes with them,
/// unless it has a task of that name.
fn wants_deploy(file: &str, text: &str) -> bool {
    let name = file.rsplit('/').next().unwrap_or(file);
    let own = text.lines().any(|line| {
        let rest = line.strip_prefix("task").map(|rest| rest.trim_start_matches(['(', ' ', ':', '"', '\'']));
        rest.and_then(|rest| rest.strip_prefix("deploy"))
            .is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
    });
    !name.eq_ignore_ascii_case("capfile") && !own
}

/// What a project without a Capfile goes by.
const DEFAULT_CAPFILE: &str = "require 'capistrano/setup'\nrequire 'capistrano/deploy'\n\
     require 'capistrano/scm/git'\ninstall_plugin Capistrano::SCM::Git\n\
     Dir.glob('lib/capistrano/tasks/*.rake').each { |file| import file }\n";

fn set_all(cap: &Cap, option: &str, values: &[(String, CliValue)]) -> Result<(), Box<Problem>> {
    values.iter().try_for_each(|(name, value)| cap.set_from_cli(option, name, value))
}

/// What ended the loading, as a problem.
fn explain(interp: &Interp, unwind: deploy_ruby::Unwind) -> Problem {
    let error = interp.error(unwind);
    if let Some(status) = error.exit_status {
        let why = if status == 0 { "it called exit".to_owned() } else { format!("it ended with status {status}") };
        let place = error.exit_position.as_ref().map(crate::v2::site_of);
        return Problem::new(ProblemKind::Recipe, "load the recipe", why).at(place);
    }
    crate::v2::problem_of(&error, "load the recipe")
}

#[cfg(test)]
mod tests {
    use super::wants_deploy;

    #[test]
    fn which_files_go_with_the_deploy_recipes() {
        for (file, text, wants) in [
            ("config/deploy.rb", "namespace :deploy do", true),
            ("seed.rb", "task :deploy_it do", true),
            ("tasks.rb", "task :deploy do", false),
            ("tasks.rb", "task(\"deploy\") { }", false),
            ("/app/Capfile", "", false),
        ] {
            assert_eq!(wants_deploy(file, text), wants, "{file}: {text}");
        }
    }
}
