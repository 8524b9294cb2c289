//! Stages: `config/deploy.rb` and `config/deploy/STAGE.rb`, loaded when the first word of the command line names one.

use std::rc::Rc;

use deploy_plan::{Problem, ProblemKind};
use deploy_ruby::{Args, Call, FileKind, Proc, Reply, Value};

use super::state::Scm;
use crate::v2::{Cap, Later, R, fail, site};

/// The words of this theme.
pub(crate) const WORDS: &[&str] = &["directory", "file", "import"];

/// Names that no stage can have.
const RESERVED: &[&str] = &["deploy", "doctor", "install"];

/// Does what a word says.
pub(crate) fn word<'a>(cap: &'a Rc<Cap>, call: &'a Call, name: &'a str, args: &'a Args) -> Later<'a, Reply> {
    Box::pin(async move {
        match name {
            "import" => {
                let files = args.positional.iter().flat_map(Value::to_list).map(|file| file.to_s());
                cap.v3.imports.borrow_mut().extend(files);
                Ok(Some(Value::Nil))
            }
            _ => {
                let why = "tasks of files on this machine are Rake's and not built in";
                Err(crate::v2::unsupported(call, format!("define a `{name}' task"), why))
            }
        }
    })
}

/// A callable of ours as a value.
fn native<F>(cap: &Rc<Cap>, body: impl Fn(Rc<Cap>, Call) -> F + 'static) -> Value
where
    F: Future<Output = R> + 'static,
{
    let cap = Rc::downgrade(cap);
    Value::Proc(Proc::native(move |call, _args| {
        let work = cap.upgrade().map(|cap| body(cap, call));
        Box::pin(async move {
            match work {
                Some(work) => work.await,
                None => Ok(Value::Nil),
            }
        })
    }))
}

impl Cap {
    /// Where the stages are.
    pub async fn stage_dir(self: &Rc<Self>, call: &Call) -> R<String> {
        Ok(self.text3(call, "stage_config_path").await?.unwrap_or_else(|| "config/deploy".to_owned()))
    }

    /// What all stages have in common.
    pub async fn deploy_config(self: &Rc<Self>, call: &Call) -> R<String> {
        Ok(self.text3(call, "deploy_config_path").await?.unwrap_or_else(|| "config/deploy.rb".to_owned()))
    }

    /// The names of the stages, sorted.
    pub async fn stage_names(self: &Rc<Self>, call: &Call) -> R<Vec<String>> {
        let dir = self.stage_dir(call).await?;
        let files = self.local_effects(call).list(call, &dir).await.unwrap_or_default();
        let mut names: Vec<String> = files
            .iter()
            .filter_map(|file| file.strip_suffix(".rb"))
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect();
        names.sort();
        if let Some(bad) = names.iter().find(|name| RESERVED.contains(&name.as_str())) {
            let why = format!("{bad:?} is a reserved word and cannot be used as a stage");
            let problem = Problem::new(ProblemKind::Usage, "read the stages", why);
            return Err(fail(call, problem.next(format!("rename {dir}/{bad}.rb"))));
        }
        Ok(names)
    }

    /// What is accepted and told: `lock "~> 3.17"`.
    pub fn note_lock(&self, version: &str) {
        *self.v3.locked.borrow_mut() = Some(version.to_owned());
    }

    /// Loads what the Capfile imported; what those import, too.
    pub async fn load_imports(self: &Rc<Self>, call: &Call) -> R<()> {
        loop {
            let next = {
                let mut imports = self.v3.imports.borrow_mut();
                if imports.is_empty() { None } else { Some(imports.remove(0)) }
            };
            let Some(file) = next else { return Ok(()) };
            let known = self.sources.borrow().iter().any(|(name, _)| *name == file);
            if !known {
                self.load_file3(call, &file).await?;
            }
        }
    }

    /// The task of each stage: it loads it.
    pub async fn define_stages(self: &Rc<Self>, call: &Call) -> R<()> {
        for name in self.stage_names(call).await? {
            let task = {
                let mut rake = self.v3.rake.borrow_mut();
                let outer = rake.enter_top();
                let task = rake.define(&name, None);
                rake.leave(outer);
                task
            };
            let stage = name.clone();
            let load = native(self, move |cap, call| {
                let stage = stage.clone();
                async move { cap.load_stage(&call, &stage).await.map(|()| Value::Nil) }
            });
            if let Value::Proc(load) = load {
                task.actions.borrow_mut().insert(0, super::rake::Action::Block(load));
            }
        }
        Ok(())
    }

    /// Loads the defaults, what all stages have in common, and the stage.
    pub async fn load_stage(self: &Rc<Self>, call: &Call, stage: &str) -> R<()> {
        let known = self.v3.stage.borrow().clone();
        if let Some(known) = known {
            // Loaded before the flow began; what hangs on the task is done in it.
            return if known == stage {
                Ok(())
            } else {
                Err(call.argument_error(format!("the stage {known} is loaded, and a run has one")))
            };
        }
        *self.v3.stage.borrow_mut() = Some(stage.to_owned());
        let _ = self.variables.borrow_mut().set("stage", Value::sym(stage), None);
        self.install_defaults3();
        let defaults = self.v3.rake.borrow().get("load:defaults");
        if let Some(task) = defaults {
            self.invoke_task(call, task, Vec::new(), None).await?;
        }
        let common = self.deploy_config(call).await?;
        self.load_file3(call, &common).await?;
        let own = format!("{}/{stage}.rb", self.stage_dir(call).await?);
        self.load_file3(call, &own).await?;
        self.configure_scm3(call).await?;
        if let Some(hash) = self.read3(call, "default_env").await?.and_then(|value| value.as_hash().cloned()) {
            *self.v3.sshkit.default_env.borrow_mut() = hash;
        }
        Ok(())
    }

    /// Git where the recipe installs no plugin; none where it says so.
    async fn configure_scm3(self: &Rc<Self>, call: &Call) -> R<()> {
        if self.v3.scm.get() != Scm::Unset || !self.v3.deploy_loaded.get() {
            return Ok(());
        }
        let own = self.variables.borrow().is_own("scm");
        let word = self.read3(call, "scm").await?.unwrap_or_default();
        let (scm, name) = match word.as_name().as_deref() {
            None if own => (Scm::Other, None),
            Some("svn" | "subversion") => (Scm::Svn, Some("svn")),
            None | Some("git") => (Scm::Git, Some("git")),
            Some(other) => {
                let why = format!("the system {other:?} is not built in; git and Subversion are");
                let problem =
                    Problem::new(ProblemKind::Unsupported, "use the variable `scm'", why).at(self.set_at("scm"));
                return Err(fail(call, problem));
            }
        };
        self.v3.scm.set(scm);
        if let Some(name) = name {
            self.install_scm3(name, true);
        }
        Ok(())
    }

    /// Variables where the recipe has not set them before.
    fn install_defaults3(self: &Rc<Self>) {
        let deploy_to = native(self, |cap, call| async move {
            let application = cap.read3(&call, "application").await?.unwrap_or_default();
            Ok(Value::from(format!("/var/www/{}", application.to_s())))
        });
        let user = native(self, |cap, call| async move {
            let effects = cap.local_effects(&call);
            let found = ["USER", "LOGNAME", "USERNAME"].iter().find_map(|name| effects.env(name));
            Ok(found.map_or(Value::Nil, Value::from))
        });
        let previous = native(self, |cap, call| async move { cap.previous_revision3(&call).await });
        let current = native(self, |cap, call| async move { cap.current_revision3(&call).await });
        let mut variables = self.variables.borrow_mut();
        for (name, value) in [
            ("branch", Value::str("master")),
            ("tmp_dir", Value::str("/tmp")),
            ("keep_releases", Value::Int(5)),
            ("default_env", Value::hash([])),
            ("format", Value::sym("airbrussh")),
            ("log_level", Value::sym("debug")),
            ("pty", Value::Bool(false)),
            ("git_shallow_clone", Value::Bool(false)),
            ("git_max_concurrent_connections", Value::Int(10)),
            ("git_wait_interval", Value::Int(0)),
        ] {
            variables.default_value(name, value);
        }
        variables.default_lazy("deploy_to", deploy_to);
        variables.default_lazy("local_user", user);
        variables.default_live("previous_revision", previous);
        variables.default_live("current_revision", current);
    }

    /// `load "file"`, with or without `.rb`, for this dialect.
    pub async fn load_file3(self: &Rc<Self>, call: &Call, name: &str) -> R<()> {
        let effects = self.local_effects(call);
        for path in [name.to_owned(), format!("{name}.rb")] {
            let is_file = effects.stat(call, &path, true).await.is_ok_and(|stat| stat.kind == FileKind::File);
            if is_file && let Ok(bytes) = effects.read(call, &path).await {
                return self.eval_recipe(call, &path, &String::from_utf8_lossy(&bytes)).await.map(drop);
            }
        }
        let exception = call.interp().exception("LoadError", format!("cannot load such file -- {name}"));
        let here = effects.cwd();
        exception.add_note(format!("looked for {here}/{name} and {here}/{name}.rb"));
        let mut problem =
            Problem::new(ProblemKind::Usage, format!("load {name}"), format!("there is no such file in {here}"));
        problem.site = site(call);
        exception.set_payload(Rc::new(problem));
        Err(call.interp().raise_at(call.context(), exception))
    }

    /// What is wrong with a command line that names no stage.
    pub async fn no_stage(self: &Rc<Self>, call: &Call, words: &[String]) -> R<Option<Problem>> {
        let task = words.iter().find(|word| !["install"].contains(&word.as_str()));
        let Some(task) = task.filter(|_| self.v3.stage.borrow().is_none()) else { return Ok(None) };
        let stages = self.stage_names(call).await?;
        let mut problem =
            Problem::new(ProblemKind::Usage, format!("run {task}"), "no stage is named on the command line");
        problem.next = Some(match stages.first() {
            Some(first) => format!("`cap {first} {task}`; the stages are {}", stages.join(", ")),
            None => format!("write {}/production.rb, then `cap production {task}`", self.stage_dir(call).await?),
        });
        Ok(Some(problem))
    }
}
