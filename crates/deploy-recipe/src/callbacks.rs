//! Hooks: what is registered for which event, and the order in which it fires.

use deploy_plan::Site;

/// When a hook fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum When {
    /// All recipes are loaded.
    Load,
    /// Before each task named on the command line.
    Start,
    /// After each task named on the command line.
    Finish,
    /// Before every call of a task.
    Before,
    /// After every call of a task.
    After,
    /// At the end of the process.
    Exit,
}

impl When {
    /// The event of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "load" => Self::Load,
            "start" => Self::Start,
            "finish" => Self::Finish,
            "before" => Self::Before,
            "after" => Self::After,
            "exit" => Self::Exit,
            _ => return None,
        })
    }
}

/// What a hook does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action<B> {
    /// Calls the task of this full name, looked up when it fires.
    Task(String),
    /// Runs a block in the scope of the task that it hangs on.
    Block(B),
}

/// One hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hook<B> {
    /// What it does.
    pub action: Action<B>,
    /// Only for these tasks, if any are given.
    pub only: Vec<String>,
    /// Not for these tasks.
    pub except: Vec<String>,
    /// Where it was declared.
    pub site: Option<Site>,
}

impl<B> Hook<B> {
    /// Whether it fires for a task; names are compared as text, so `deploy:default` never fires.
    fn applies_to(&self, task: Option<&str>) -> bool {
        let Some(task) = task else { return true };
        let named = |names: &[String]| names.iter().any(|name| name == task);
        let itself = matches!(&self.action, Action::Task(name) if name == task);
        (self.only.is_empty() || named(&self.only)) && !named(&self.except) && !itself
    }
}

/// All hooks of a recipe.
#[derive(Clone, Debug)]
pub(crate) struct Hooks<B> {
    hooks: Vec<(When, Hook<B>)>,
}

impl<B> Default for Hooks<B> {
    fn default() -> Self {
        Self { hooks: Vec::new() }
    }
}

impl<B: Clone> Hooks<B> {
    /// Registers a hook after all others.
    pub fn add(&mut self, when: When, hook: Hook<B>) {
        self.hooks.push((when, hook));
    }

    /// What fires now, in order of definition.
    pub fn firing(&self, when: When, task: Option<&str>) -> Vec<Hook<B>> {
        let due = self.hooks.iter().filter(|(event, hook)| *event == when && hook.applies_to(task));
        due.map(|(_, hook)| hook.clone()).collect()
    }

    /// Whether some hook calls the task.
    pub fn calls(&self, task: &str) -> bool {
        self.hooks.iter().any(|(_, hook)| matches!(&hook.action, Action::Task(name) if name == task))
    }

    /// All of them with their event.
    pub fn iter(&self) -> impl Iterator<Item = &(When, Hook<B>)> {
        self.hooks.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hook(name: &str, only: &[&str], except: &[&str]) -> Hook<()> {
        let list = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
        Hook { action: Action::Task(name.into()), only: list(only), except: list(except), site: None }
    }

    fn fired(hooks: &Hooks<()>, when: When, task: Option<&str>) -> Vec<String> {
        let name = |h: Hook<()>| match h.action {
            Action::Task(name) => name,
            Action::Block(()) => "block".into(),
        };
        hooks.firing(when, task).into_iter().map(name).collect()
    }

    #[test]
    fn order_of_definition_and_filters() {
        let mut hooks = Hooks::default();
        hooks.add(When::Before, hook("second", &["deploy"], &[]));
        hooks.add(When::Before, hook("all", &[], &[]));
        hooks.add(When::Before, Hook { action: Action::Block(()), ..hook("", &["deploy", "x"], &[]) });
        hooks.add(When::After, hook("after", &["deploy"], &[]));
        hooks.add(When::Before, hook("most", &[], &["deploy"]));
        assert_eq!(fired(&hooks, When::Before, Some("deploy")), ["second", "all", "block"]);
        assert_eq!(fired(&hooks, When::Before, Some("y")), ["all", "most"]);
        assert_eq!(fired(&hooks, When::After, Some("deploy")), ["after"]);
        assert_eq!(fired(&hooks, When::Load, None), Vec::<String>::new());
    }

    #[test]
    fn a_hook_never_fires_for_itself() {
        let mut hooks = Hooks::default();
        hooks.add(When::Before, hook("all", &[], &[]));
        assert!(fired(&hooks, When::Before, Some("all")).is_empty());
        assert!(hooks.calls("all") && !hooks.calls("other"));
    }

    #[test]
    fn names_are_texts() {
        let mut hooks = Hooks::default();
        hooks.add(When::After, hook("x", &["deploy:default"], &[]));
        assert!(fired(&hooks, When::After, Some("deploy")).is_empty());
    }

    #[test]
    fn events_by_name() {
        for name in ["load", "start", "finish", "before", "after", "exit"] {
            assert!(When::from_name(name).is_some());
        }
        assert_eq!(When::from_name("boot"), None);
    }
}
