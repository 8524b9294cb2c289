//! The beginning and end of a flow.

use std::rc::Rc;

use deploy_plan::{Problem, ProblemKind, Site};
use deploy_ruby::Call;
use deploy_scm::{RepositoryUrl, ScmError, ScmKind, Strategy};

use super::cap::FlowState;
use super::convert::{R, cli_value, fail};
use super::deploy::table::CATCH_UP;
use super::deploy::{defaults, table};
use super::{Cap, install_deploy};
use crate::cli_value::CliValue;

/// Tasks in which code is checked out.
const BUILDING: &[&str] =
    &["deploy", "deploy:default", "deploy:update", "deploy:update_code", "deploy:migrations", "deploy:cold", CATCH_UP];

impl Cap {
    /// Adds what is there in every recipe.
    pub fn install_standard(self: &Rc<Self>) {
        table::install_standard(self);
        defaults::install_standard(self);
    }

    /// Adds the deploy recipes.
    pub fn install_deploy(self: &Rc<Self>) {
        install_deploy(self);
    }

    /// Sets a variable as an option of the command line says.
    pub fn set_from_cli(&self, option: &str, name: &str, value: &CliValue) -> Result<(), Box<Problem>> {
        let place = Some(Site::command_line(&format!("{option} {name}")));
        let done = self.store(name, cli_value(value), false, place.clone());
        done.map_err(|error| {
            let problem = Problem::new(ProblemKind::Usage, format!("set the variable {name:?}"), error.to_string());
            Box::new(problem.at(place).next(format!("write it as {option} name=value")))
        })
    }

    /// Forgets what an earlier flow has left.
    pub fn begin_flow(&self, asked: &[String]) {
        self.v3.begin_flow();
        *self.flow.borrow_mut() = FlowState { asked: asked.to_vec(), ..FlowState::default() };
        self.variables.borrow_mut().forget_evaluations();
        self.handlers.borrow_mut().clear();
        self.failed.borrow_mut().clear();
    }

    /// Forgets where an evaluation that was dropped had stood; facts and handlers stay.
    pub fn begin_undo(&self) {
        let mut flow = self.flow.borrow_mut();
        flow.frames.clear();
        flow.transactions = 0;
        self.variables.borrow_mut().forget_evaluations();
    }

    /// Refuses settings that no hook can make good again before anything is asked of a host.
    pub async fn refuse_settings(self: &Rc<Self>, call: &Call, tasks: &[String]) -> R<()> {
        if self.is_three() {
            return Ok(());
        }
        self.refuse_strangers(call, tasks)?;
        let known = |variable: &str| self.variables.borrow().peek(variable).is_some();
        // In a recipe every value but false and nil is true, as in Ruby; on the command line a word is more likely a slip.
        let given = self.variables.borrow().site("use_sudo").is_some_and(|site| site.is_command_line());
        if given && known("use_sudo") {
            self.own_flag(call, "use_sudo", true).await?;
        }
        if !tasks.iter().any(|task| BUILDING.contains(&task.as_str())) || !self.deploy_loaded.get() {
            return Ok(());
        }
        let word = |variable: &str| {
            let variables = self.variables.borrow();
            variables.peek(variable).and_then(|value| value.as_name()).filter(|_| variables.is_own(variable))
        };
        let check = |variable: &str, parsed: Option<Result<(), ScmError>>| match parsed {
            Some(Err(error)) => {
                let what = format!("use the variable `{variable}'");
                Err(fail(call, self.scm_problem(&what, &error, variable, None)))
            }
            _ => Ok(()),
        };
        check("scm", word("scm").map(|name| ScmKind::from_setting(&name).map(drop)))?;
        check("deploy_via", word("deploy_via").map(|name| Strategy::from_setting(&name).map(drop)))?;
        check("repository", word("repository").map(|text| RepositoryUrl::parse(&text).map(drop)))?;
        for variable in ["branch", "revision"] {
            let value = self.variables.borrow().peek(variable).cloned();
            if let Some(value) = value {
                self.refuse_empty(call, variable, &value)?;
            }
        }
        if let Some(name) = word("repository_cache") {
            self.refuse_cache_outside(call, &name)?;
        }
        for flag in ["magic_hooks", "migrate_on_deploy", "relative_links", "flush_release"] {
            if known(flag) {
                self.own_flag(call, flag, true).await?;
            }
        }
        if known("dangling_links") {
            self.refuses_dangling(call).await?;
        }
        Ok(())
    }

    /// The problem of a flow that had something to do and found no host for any of it.
    pub fn nothing_left(&self) -> Option<Problem> {
        let flow = self.flow.borrow();
        if flow.skipped == 0 || flow.recorded > 0 {
            return None;
        }
        let filters = match self.v3.narrowed.borrow().as_ref() {
            Some((_, _, text)) => text.clone(),
            None => self.filters.borrow().text(),
        };
        let why = if filters.is_empty() {
            "no servers matched".to_owned()
        } else {
            format!("no servers matched with {filters}")
        };
        let problem = Problem::new(ProblemKind::NoHosts, format!("run {}", flow.asked.join(", ")), why);
        Some(problem.next("cap without the filter goes to all hosts of the tasks"))
    }
}
