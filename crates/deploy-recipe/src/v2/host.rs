//! What the evaluator asks about names and files: constants, `load`, `require`, hints.

use std::rc::Rc;

use async_trait::async_trait;
use deploy_plan::{Level, Problem, ProblemKind};
use deploy_ruby::{Args, Call, Host, LoadKind, Loaded, Object, Reply, Unwind, Value};

use super::Cap;
use super::convert::{R, site, unsupported};
use super::namespace::Namespace;
use super::plugins;
use super::questions::Cli;
use crate::check::Met;

/// Answers for one recipe.
pub(crate) struct CapHost {
    pub cap: Rc<Cap>,
}

#[async_trait(?Send)]
impl Host for CapHost {
    /// A bare word in code whose self is no part of the recipe, such as a template.
    async fn missing(&self, call: &Call, recv: Option<&Value>, name: &str, args: &Args) -> Reply {
        if recv.is_none() && call.self_value().downcast::<Namespace>().is_none() {
            let root = self.cap.namespace("");
            if let Some(value) = root.clone().call(call, name, args).await? {
                return Ok(Some(value));
            }
            if let Some(value) = root.missing(call, name, args).await? {
                return Ok(Some(value));
            }
        }
        Ok(self.cap.inert(call, recv, name))
    }

    fn constant_missing(&self, call: &Call, name: &str) -> Reply {
        Ok(self.cap.inert(call, None, name))
    }

    fn constant(&self, _call: &Call, name: &str) -> Reply {
        Ok(Some(match name {
            "Capistrano" => Value::object(Module),
            "Capistrano::CLI" => Value::object(Cli { cap: self.cap.clone() }),
            "Capistrano::Configuration" => Value::object(Configuration { cap: self.cap.clone() }),
            "Capistrano::VERSION" | "Capistrano::Version::STRING" => Value::str(env!("CARGO_PKG_VERSION")),
            "Capistrano::Logger::IMPORTANT" | "Logger::IMPORTANT" => Value::Int(0),
            "Capistrano::Logger::INFO" => Value::Int(1),
            "Capistrano::Logger::DEBUG" => Value::Int(2),
            "Capistrano::Logger::TRACE" | "Capistrano::Logger::MAX_LEVEL" | "Logger::TRACE" | "Logger::MAX_LEVEL" => {
                Value::Int(3)
            }
            _ => return Ok(super::ssh_proxy_class(name)),
        }))
    }

    async fn load(&self, call: &Call, kind: LoadKind, name: &str) -> Result<Loaded, Unwind> {
        match kind {
            LoadKind::Load => {
                self.cap.load_file(call, name).await?;
                Ok(Loaded::Handled(true))
            }
            LoadKind::Require | LoadKind::RequireRelative => self.cap.require(call, name).await,
        }
    }

    fn words(&self, _self_value: &Value) -> Vec<String> {
        let variables = self.cap.variables.borrow();
        let methods = self.cap.methods.borrow();
        let tasks = self.cap.tasks.borrow();
        let names = tasks.iter().map(|task| task.name.clone());
        let names = names.chain(methods.keys().map(|(_, name)| name.clone()));
        names.chain(variables.names().filter(|name| !variables.is_wanted(name)).map(str::to_owned)).collect()
    }

    fn hints(&self, _name: &str) -> Vec<String> {
        let ignored = self.cap.ignored.borrow();
        let hint = |(gem, place): &(String, Option<deploy_plan::Site>)| {
            let place = place.as_ref().map(|site| format!(" at {site}")).unwrap_or_default();
            format!("`require {gem:?}`{place} was let pass without effect; the name may come from there")
        };
        ignored.iter().map(hint).collect()
    }

    fn warning(&self, call: &Call, message: &str) {
        self.cap.say(call, Level::Warning, message.to_owned());
    }
}

/// `Capistrano`
struct Module;

#[async_trait(?Send)]
impl Object for Module {
    fn class_name(&self) -> String {
        "Module".to_owned()
    }

    async fn call(self: Rc<Self>, call: &Call, name: &str, _args: &Args) -> Reply {
        match name {
            "plugin" => {
                Err(unsupported(call, "use Capistrano.plugin", "modules of a recipe's own are not supported yet"))
            }
            _ => Ok(None),
        }
    }

    fn inspect(&self) -> String {
        "Capistrano".to_owned()
    }
}

/// `Capistrano::Configuration`
struct Configuration {
    cap: Rc<Cap>,
}

#[async_trait(?Send)]
impl Object for Configuration {
    fn class_name(&self) -> String {
        "Class".to_owned()
    }

    async fn call(self: Rc<Self>, _call: &Call, name: &str, _args: &Args) -> Reply {
        Ok(match name {
            "instance" => Some(self.cap.namespace_value("")),
            _ => None,
        })
    }

    fn responds_to(&self, name: &str) -> bool {
        name == "instance"
    }

    fn inspect(&self) -> String {
        "Capistrano::Configuration".to_owned()
    }
}

impl Cap {
    /// The text of a file by its name as asked for, with or without `.rb`.
    pub async fn find_file(&self, call: &Call, name: &str) -> Option<(String, String)> {
        let effects = self.local_effects(call);
        let home = effects.env("HOME").unwrap_or_default();
        let path = match name.strip_prefix("~/") {
            Some(rest) => format!("{home}/{rest}"),
            None => name.to_owned(),
        };
        for path in [path.clone(), format!("{path}.rb")] {
            let is_file =
                effects.stat(call, &path, true).await.is_ok_and(|stat| stat.kind == deploy_ruby::FileKind::File);
            if is_file && let Ok(bytes) = effects.read(call, &path).await {
                return Some((path, String::from_utf8_lossy(&bytes).into_owned()));
            }
        }
        None
    }

    /// `load "name"`: a file, or bundled recipes; evaluated with the configuration as self.
    pub async fn load_file(self: &Rc<Self>, call: &Call, name: &str) -> R {
        if let Some((file, text)) = self.find_file(call, name).await {
            self.eval_recipe(call, &file, &text).await?;
            return Ok(Value::Bool(true));
        }
        let bundled = name.strip_suffix(".rb").unwrap_or(name);
        if bundled == "deploy" {
            super::install_deploy(self);
            return Ok(Value::Bool(true));
        }
        if bundled == "standard" {
            return Ok(Value::Bool(true));
        }
        if self.is_allowed(name) || self.is_allowed(bundled) {
            // What it would have defined does nothing, as with a gem.
            self.ignored.borrow_mut().push((name.to_owned(), site(call)));
            self.say(call, Level::Warning, format!("`load {name:?}` is let pass: its tasks and hooks are missing"));
            return Ok(Value::Bool(true));
        }
        if plugins::bundled(self, call, bundled).await? {
            return Ok(Value::Bool(true));
        }
        let exception = call.interp().exception("LoadError", format!("no such file to load -- {name}"));
        let here = self.local_effects(call).cwd();
        exception.add_note(format!("looked for {here}/{name} and {here}/{name}.rb"));
        Err(call.interp().raise_at(call.context(), exception))
    }

    /// Evaluates a recipe's text with the configuration as self.
    pub async fn eval_recipe(self: &Rc<Self>, call: &Call, name: &str, text: &str) -> R {
        self.sources.borrow_mut().push((name.to_owned(), text.to_owned()));
        let _label = call.span().map(|_| call.context().enter(&format!("in {name}")));
        let root = self.root();
        Box::pin(call.interp().eval_file(call.context(), name, text, root)).await
    }

    /// Whether the person lets `require` of a name pass.
    pub fn is_allowed(&self, name: &str) -> bool {
        self.settings.allow_require.iter().any(|allowed| allowed == name)
    }

    /// How `require` of a name is met, files of the project aside.
    pub fn how_met(&self, name: &str) -> Met {
        if self.is_allowed(name) {
            return Met::Allowed;
        }
        if loads_application(name) {
            return Met::Skipped;
        }
        if super::is_ssh_proxy(name) {
            return Met::BuiltIn;
        }
        let known = match self.is_three() {
            true => self.how_met3(name),
            false if is_own(name) => Met::BuiltIn,
            false => plugins::how_met(name),
        };
        if known == Met::Unknown && deploy_ruby::is_library(name) { Met::Library } else { known }
    }

    /// Passes over what loads the application; always "loaded before".
    pub fn skip_application(&self, call: &Call, name: &str) -> bool {
        let text = format!("`require {name:?}` is skipped: it loads the application's gems, which nothing here needs");
        self.warn_at(site(call), &text);
        false
    }

    async fn require(self: &Rc<Self>, call: &Call, name: &str) -> Result<Loaded, Unwind> {
        if loads_application(name) && !self.is_allowed(name) {
            return Ok(Loaded::Handled(self.skip_application(call, name)));
        }
        if self.is_allowed(name) {
            let known = self.ignored.borrow().iter().any(|(gem, _)| gem == name);
            if !known {
                self.ignored.borrow_mut().push((name.to_owned(), site(call)));
                self.say(
                    call,
                    Level::Warning,
                    format!("`require {name:?}` is let pass: its tasks and hooks are missing"),
                );
            }
            return Ok(Loaded::Handled(!known));
        }
        if let Some((file, text)) = self.find_file(call, name).await {
            let known = self.sources.borrow().iter().any(|(source, _)| *source == file);
            if known {
                return Ok(Loaded::Handled(false));
            }
            self.eval_recipe(call, &file, &text).await?;
            return Ok(Loaded::Handled(true));
        }
        if super::is_ssh_proxy(name) {
            return Ok(Loaded::Handled(false));
        }
        if is_own(name) {
            return Ok(Loaded::Handled(false));
        }
        if plugins::require(self, call, name).await? {
            return Ok(Loaded::Handled(true));
        }
        if name.contains("capistrano") || name.ends_with("/recipes") {
            return Err(self.not_built_in(call, name, "its recipes are not built in"));
        }
        Ok(Loaded::NotFound)
    }

    /// LoadError for a gem, so that a recipe that can do without it may rescue it.
    fn not_built_in(&self, call: &Call, name: &str, why: &str) -> Unwind {
        let exception = call.interp().exception("LoadError", format!("cannot load {name}: {why}"));
        let mut problem = Problem::new(ProblemKind::Unsupported, format!("require {name:?}"), why).at(site(call));
        problem.next = Some(how_to_allow(name));
        exception.set_payload(Rc::new(problem));
        call.interp().raise_at(call.context(), exception)
    }
}

/// Parts of Capistrano itself.
fn is_own(name: &str) -> bool {
    name == "capistrano" || name.starts_with("capistrano/recipes/") || name == "capistrano/cli"
}

/// Whether a name is that of Rails' `config/boot`, which only finds the application's gems.
pub(crate) fn loads_application(name: &str) -> bool {
    name == "config/boot" || name.ends_with("/config/boot") || name.ends_with("/config/boot.rb")
}

/// How a `require` is let pass.
pub(crate) fn how_to_allow(name: &str) -> String {
    format!("take the line out, or let it pass without its tasks and hooks: CAP_ALLOW_REQUIRE={name}")
}
