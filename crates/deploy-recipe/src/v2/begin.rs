//! The beginning and end of a flow.

use std::rc::Rc;

use deploy_plan::{Problem, ProblemKind};
use deploy_ruby::Call;
use deploy_scm::{ScmError, ScmKind, Strategy};

use super::cap::FlowState;
use super::convert::{R, cli_value, fail};
use super::deploy::{defaults, table};
use super::{Cap, install_deploy};
use crate::cli_value::CliValue;

/// Tasks in which code is checked out.
const BUILDING: &[&str] =
    &["deploy", "deploy:default", "deploy:update", "deploy:update_code", "deploy:migrations", "deploy:cold"];

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

    /// Sets a variable as the command line says.
    pub fn set_from_cli(&self, name: &str, value: &CliValue) -> Result<(), Box<Problem>> {
        let done = self.variables.borrow_mut().set(name, cli_value(value), None);
        done.map_err(|error| {
            Box::new(Problem::new(ProblemKind::Usage, "set a variable from the command line", error.to_string()))
        })
    }

    /// Forgets what an earlier flow has left.
    pub fn begin_flow(&self, asked: &[String]) {
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
    pub fn refuse_settings(&self, call: &Call, tasks: &[String]) -> R<()> {
        self.refuse_strangers(call, tasks)?;
        if !tasks.iter().any(|task| BUILDING.contains(&task.as_str())) {
            return Ok(());
        }
        let word = |variable: &str| {
            let variables = self.variables.borrow();
            variables.peek(variable).and_then(|value| value.as_name()).filter(|_| variables.is_own(variable))
        };
        let check = |variable: &str, parsed: Option<Result<(), ScmError>>| match parsed {
            Some(Err(error)) => {
                let problem =
                    Problem::new(ProblemKind::Unsupported, format!("use the variable `{variable}'"), error.to_string());
                Err(fail(call, problem.at(self.set_at(variable))))
            }
            _ => Ok(()),
        };
        check("scm", word("scm").map(|name| ScmKind::from_setting(&name).map(drop)))?;
        check("deploy_via", word("deploy_via").map(|name| Strategy::from_setting(&name).map(drop)))
    }

    /// The problem of a flow that had something to do and found no host for any of it.
    pub fn nothing_left(&self) -> Option<Problem> {
        let flow = self.flow.borrow();
        if flow.skipped == 0 || flow.recorded > 0 {
            return None;
        }
        let filters = self.filters.borrow().text();
        let why = if filters.is_empty() {
            "no servers matched".to_owned()
        } else {
            format!("no servers matched with {filters}")
        };
        let problem = Problem::new(ProblemKind::NoHosts, format!("run {}", flow.asked.join(", ")), why);
        Some(problem.next("cap without the filter goes to all hosts of the tasks"))
    }
}
