//! The table of Rake tasks: prerequisites, actions that add up, arguments, names that are looked up from inside out.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use deploy_plan::Site;
use deploy_ruby::Proc;
use indexmap::IndexMap;

use super::table::Act;
use crate::describe;
use crate::tasks::{join, parent};

/// One thing that a task does.
#[derive(Clone)]
pub(crate) enum Action {
    /// A block of the recipe.
    Block(Proc),
    /// Ours.
    Builtin(Act),
    /// `after`: invokes another task, looked up from this task's namespace when it is reached.
    After(String, Option<Site>),
    /// `remote_file`: uploads a file where it is missing, to the hosts of these roles.
    RemoteFile(Vec<String>),
}

/// A task.
#[derive(Default)]
pub(crate) struct RakeTask {
    pub name: String,
    /// The namespace that it was defined in; empty for the top.
    pub scope: String,
    pub comments: RefCell<Vec<String>>,
    pub params: RefCell<Vec<String>>,
    pub prerequisites: RefCell<Vec<String>>,
    pub actions: RefCell<Vec<Action>>,
    pub invoked: Cell<bool>,
    /// Where it was first defined; none for a built-in one.
    pub site: RefCell<Option<Site>>,
}

impl RakeTask {
    /// The name with its parameters, as lists show it.
    pub fn with_params(&self) -> String {
        let params = self.params.borrow();
        if params.is_empty() { self.name.clone() } else { format!("{}[{}]", self.name, params.join(",")) }
    }

    /// All descriptions.
    pub fn description(&self) -> Option<String> {
        let comments = self.comments.borrow();
        (!comments.is_empty()).then(|| comments.join("\n"))
    }

    /// The first sentences of the descriptions.
    pub fn summary(&self) -> String {
        let comments = self.comments.borrow();
        comments.iter().map(|text| describe::summary(text)).collect::<Vec<_>>().join(" / ")
    }

    /// Whether one of its actions is this one of ours.
    pub fn has(&self, act: Act) -> bool {
        self.actions.borrow().iter().any(|action| matches!(action, Action::Builtin(own) if *own == act))
    }
}

/// All tasks.
#[derive(Default)]
pub(crate) struct Rake {
    tasks: IndexMap<String, Rc<RakeTask>>,
    /// The namespace that is open.
    scope: String,
    description: Option<String>,
}

impl Rake {
    /// The namespace that is open.
    pub fn scope(&self) -> &str {
        &self.scope
    }

    /// Opens a namespace inside the one that is open; gives the outer one, to be put back.
    pub fn enter(&mut self, name: &str) -> String {
        let inner = join(&self.scope, name);
        std::mem::replace(&mut self.scope, inner)
    }

    /// Leaves all namespaces; gives the one that was open, to be put back.
    pub fn enter_top(&mut self) -> String {
        std::mem::take(&mut self.scope)
    }

    /// Puts a namespace back.
    pub fn leave(&mut self, outer: String) {
        self.scope = outer;
    }

    /// Keeps a description for the next task.
    pub fn describe(&mut self, text: &str) {
        self.description = Some(describe::tidy(text));
    }

    /// The task of this name in the namespace that is open, made where there is none. The description that waits is
    /// its, whoever defined it first.
    pub fn define(&mut self, name: &str, site: Option<Site>) -> Rc<RakeTask> {
        let full = join(&self.scope, name);
        // A built-in task is defined by its full name.
        let scope = match &site {
            Some(_) => self.scope.clone(),
            None => parent(&full).unwrap_or_default().to_owned(),
        };
        let new = || Rc::new(RakeTask { name: full.clone(), scope, site: RefCell::new(site), ..RakeTask::default() });
        let task = self.tasks.entry(full.clone()).or_insert_with(new).clone();
        if let Some(text) = self.description.take()
            && !text.is_empty()
            && !task.comments.borrow().contains(&text)
        {
            task.comments.borrow_mut().push(text);
        }
        task
    }

    /// The task of exactly this name.
    pub fn get(&self, name: &str) -> Option<Rc<RakeTask>> {
        self.tasks.get(name).cloned()
    }

    /// A task by its name as seen from a namespace: in it, then in those around. `rake:x` is `x` at the top, `^x` begins
    /// in the namespace around.
    pub fn lookup(&self, name: &str, scope: &str) -> Option<Rc<RakeTask>> {
        if let Some(top) = name.strip_prefix("rake:") {
            return self.get(top);
        }
        let (mut name, mut from) = (name, Some(scope));
        while let Some(rest) = name.strip_prefix('^') {
            (name, from) = (rest, from.and_then(parent));
        }
        while let Some(here) = from {
            if let Some(task) = self.get(&join(here, name)) {
                return Some(task);
            }
            from = parent(here);
        }
        None
    }

    /// All tasks, sorted by name.
    pub fn sorted(&self) -> Vec<Rc<RakeTask>> {
        let mut all: Vec<_> = self.tasks.values().cloned().collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    /// Names of all tasks.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tasks.keys().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_looked_up_from_inside_out() {
        let mut rake = Rake::default();
        rake.define("restart", None);
        let outer = rake.enter("deploy");
        rake.define("restart", None);
        rake.define("check:files", None);
        rake.leave(outer);
        let found = |name: &str, scope: &str| rake.lookup(name, scope).map(|task| task.name.clone());
        assert_eq!(found("restart", "deploy:check").as_deref(), Some("deploy:restart"));
        assert_eq!(found("restart", "").as_deref(), Some("restart"));
        assert_eq!(found("rake:restart", "deploy").as_deref(), Some("restart"));
        assert_eq!(found("^restart", "deploy").as_deref(), Some("restart"));
        assert_eq!(found("check:files", "deploy").as_deref(), Some("deploy:check:files"));
        assert_eq!(found("deploy:restart", "other").as_deref(), Some("deploy:restart"));
        assert_eq!(found("nothing", "deploy"), None);
    }

    #[test]
    fn definitions_add_up() {
        let mut rake = Rake::default();
        rake.describe("One. More.");
        rake.define("a", None);
        rake.describe("Two");
        let task = rake.define("a", None);
        assert_eq!(task.summary(), "One. / Two");
        assert_eq!(rake.define("b", None).description(), None);
    }
}
