//! What the evaluator asks about names and files in dialect 3: constants, `require`, `load`.

use std::rc::Rc;

use async_trait::async_trait;
use deploy_plan::{Level, Problem, ProblemKind};
use deploy_ruby::{Args, Call, Host, LoadKind, Loaded, Reply, Unwind, Value};

use super::backend::Backend;
use super::plugins;
use super::top::{Top, constant, word};
use crate::check::Met;
use crate::dialect::Dialect;
use crate::v2::{Cap, CapHost, how_to_allow, site};

/// Answers for a recipe of either dialect.
pub(crate) struct AnyHost {
    two: CapHost,
    cap: Rc<Cap>,
}

impl AnyHost {
    pub fn new(cap: &Rc<Cap>) -> Self {
        Self { two: CapHost { cap: cap.clone() }, cap: cap.clone() }
    }

    fn is_three(&self) -> bool {
        self.cap.dialect.get() == Dialect::Capistrano3
    }
}

#[async_trait(?Send)]
impl Host for AnyHost {
    async fn missing(&self, call: &Call, recv: Option<&Value>, name: &str, args: &Args) -> Reply {
        if !self.is_three() {
            return self.two.missing(call, recv, name, args).await;
        }
        let this = call.self_value();
        if recv.is_none()
            && this.downcast::<Top>().is_none()
            && this.downcast::<Backend>().is_none()
            && let Some(value) = word(&self.cap, call, name, args).await?
        {
            return Ok(Some(value));
        }
        Ok(self.cap.inert(call, recv, name))
    }

    fn constant_missing(&self, call: &Call, name: &str) -> Reply {
        self.two.constant_missing(call, name)
    }

    fn constant(&self, call: &Call, name: &str) -> Reply {
        if self.is_three() {
            Ok(constant(&self.cap, name).or_else(|| crate::v2::ssh_proxy_class(name)))
        } else {
            self.two.constant(call, name)
        }
    }

    async fn load(&self, call: &Call, kind: LoadKind, name: &str) -> Result<Loaded, Unwind> {
        if !self.is_three() {
            return self.two.load(call, kind, name).await;
        }
        match kind {
            LoadKind::Load => self.cap.load_file3(call, name).await.map(|()| Loaded::Handled(true)),
            LoadKind::Require | LoadKind::RequireRelative => self.cap.require3(call, name).await,
        }
    }

    fn words(&self, self_value: &Value) -> Vec<String> {
        if self.is_three() { Vec::new() } else { self.two.words(self_value) }
    }

    fn hints(&self, name: &str) -> Vec<String> {
        self.two.hints(name)
    }

    fn warning(&self, call: &Call, message: &str) {
        self.two.warning(call, message);
    }
}

/// Gems that only change how a run looks, or load other gems.
const SILENT: &[&str] = &[
    "airbrussh",
    "airbrussh/capistrano",
    "bundler",
    "bundler/setup",
    "capistrano/all",
    "capistrano/console",
    "capistrano/doctor",
    "capistrano/faster_assets",
    "capistrano/ssh_doctor",
    "capistrano/dsl",
    "capistrano/framework",
    "capistrano/scm/git",
    "capistrano/scm/git-with-submodules",
    "capistrano/shell",
    "capistrano/scm/plugin",
    "capistrano/scm/svn",
    "capistrano/version",
    "capistrano_colors",
    "rake",
    "sshkit",
    "sshkit/dsl",
    "sshkit/sudo",
];

impl Cap {
    /// How `require` of a name is met, files of the project aside.
    pub fn how_met3(&self, name: &str) -> Met {
        let built_in = ["capistrano/setup", "capistrano/deploy"].contains(&name)
            || SILENT.contains(&name)
            || crate::v2::is_colours(name);
        if built_in { Met::BuiltIn } else { plugins::how_met(name) }
    }

    async fn require3(self: &Rc<Self>, call: &Call, name: &str) -> Result<Loaded, Unwind> {
        if self.is_allowed(name) {
            return Ok(Loaded::Handled(self.let_pass(call, name)));
        }
        if crate::v2::loads_application(name) {
            return Ok(Loaded::Handled(self.skip_application(call, name)));
        }
        match name {
            "capistrano/setup" => {
                let first = !self.v3.loaded.borrow().contains("setup");
                self.install_setup3();
                if first {
                    self.define_stages(call).await?;
                }
                return Ok(Loaded::Handled(first));
            }
            "capistrano/deploy" => {
                self.install_deploy3();
                return Ok(Loaded::Handled(true));
            }
            _ => {}
        }
        if crate::v2::is_colours(name) {
            self.colours.set(true);
            return Ok(Loaded::Handled(true));
        }
        if SILENT.contains(&name) || crate::v2::is_ssh_proxy(name) {
            return Ok(Loaded::Handled(true));
        }
        if plugins::require(self, call, name).await? {
            return Ok(Loaded::Handled(true));
        }
        let found = self.find_file(call, name).await;
        if let Some((file, text)) = found {
            let known = self.sources.borrow().iter().any(|(source, _)| *source == file);
            if !known {
                self.eval_recipe(call, &file, &text).await?;
            }
            return Ok(Loaded::Handled(!known));
        }
        if plugins::is_of_capistrano(name) {
            let why = "its recipes are not built in";
            let exception = call.interp().exception("LoadError", format!("cannot load {name}: {why}"));
            let mut problem = Problem::new(ProblemKind::Unsupported, format!("require {name:?}"), why).at(site(call));
            problem.next = Some(how_to_allow(name));
            exception.set_payload(Rc::new(problem));
            return Err(call.interp().raise_at(call.context(), exception));
        }
        Ok(Loaded::NotFound)
    }

    /// Notes that a gem is done without; whether it is the first time.
    fn let_pass(&self, call: &Call, name: &str) -> bool {
        let known = self.ignored.borrow().iter().any(|(gem, _)| gem == name);
        if !known {
            self.ignored.borrow_mut().push((name.to_owned(), site(call)));
            let text = format!("`require {name:?}` is let pass: its tasks and hooks are missing");
            self.say(call, Level::Warning, text);
        }
        !known
    }
}
