//! The table of tasks and namespaces.

use std::rc::Rc;

use deploy_plan::Site;
use indexmap::{IndexMap, IndexSet};

use crate::describe;

/// A task: a named body with options.
#[derive(Debug)]
pub(crate) struct Task<B, O> {
    /// The namespace, its parts joined by colons; empty for the top.
    pub namespace: String,
    /// The name in its namespace.
    pub name: String,
    /// Tidied description.
    pub description: Option<String>,
    /// Options as the dialect reads them.
    pub options: O,
    /// What it does.
    pub body: B,
    /// Where it was defined; none for a built-in one.
    pub site: Option<Site>,
}

impl<B, O> Task<B, O> {
    /// The name in lists and hooks: a default task has the name of its namespace.
    pub fn full_name(&self) -> String {
        full_name(&self.namespace, &self.name)
    }

    /// Whether it stands for its namespace.
    pub fn is_default(&self) -> bool {
        self.name == "default" && !self.namespace.is_empty()
    }

    /// The first sentence of its description.
    pub fn summary(&self) -> String {
        self.description.as_deref().map(describe::summary).unwrap_or_default()
    }

    /// Whether it is left out of lists.
    pub fn is_hidden(&self) -> bool {
        describe::is_hidden(self.description.as_deref())
    }
}

/// The name in lists and hooks.
pub(crate) fn full_name(namespace: &str, name: &str) -> String {
    match (namespace, name) {
        ("", name) => name.to_owned(),
        (namespace, "default") => namespace.to_owned(),
        (namespace, name) => format!("{namespace}:{name}"),
    }
}

/// A namespace inside another.
pub(crate) fn join(namespace: &str, name: &str) -> String {
    if namespace.is_empty() { name.to_owned() } else { format!("{namespace}:{name}") }
}

/// The namespace around another; none for the top.
pub(crate) fn parent(namespace: &str) -> Option<&str> {
    if namespace.is_empty() { None } else { Some(namespace.rsplit_once(':').map_or("", |(head, _)| head)) }
}

/// Why a name cannot be defined.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("defining a {what} named `{name}' would shadow an existing {existing} with that name")]
pub(crate) struct Shadows {
    pub what: &'static str,
    pub name: String,
    pub existing: &'static str,
}

/// What a word means in a namespace.
#[derive(Debug)]
pub(crate) enum Found<B, O> {
    /// A task.
    Task(Rc<Task<B, O>>),
    /// A namespace; its full name.
    Namespace(String),
}

/// All tasks and namespaces of a recipe.
#[derive(Debug)]
pub(crate) struct Tasks<B, O> {
    tasks: IndexMap<(String, String), Rc<Task<B, O>>>,
    namespaces: IndexSet<String>,
    next_description: Option<String>,
}

impl<B, O> Default for Tasks<B, O> {
    fn default() -> Self {
        Self { tasks: IndexMap::new(), namespaces: IndexSet::new(), next_description: None }
    }
}

impl<B, O> Tasks<B, O> {
    /// Keeps a description for the next task, wherever that is defined.
    pub fn describe(&mut self, text: &str) {
        self.next_description = Some(describe::tidy(text));
    }

    /// Takes the description that waits for a task.
    pub fn take_description(&mut self) -> Option<String> {
        self.next_description.take()
    }

    /// Defines or replaces a task.
    pub fn define(&mut self, task: Task<B, O>) -> Result<(), Shadows> {
        if self.namespaces.contains(&join(&task.namespace, &task.name)) {
            return Err(Shadows { what: "task", name: task.name, existing: "namespace" });
        }
        self.tasks.insert((task.namespace.clone(), task.name.clone()), Rc::new(task));
        Ok(())
    }

    /// Opens a namespace, for the first time or again; gives its full name.
    pub fn open(&mut self, inside: &str, name: &str) -> Result<String, Shadows> {
        if self.get(inside, name).is_some() {
            return Err(Shadows { what: "namespace", name: name.to_owned(), existing: "task" });
        }
        let full = join(inside, name);
        self.namespaces.insert(full.clone());
        Ok(full)
    }

    /// The task of this name in exactly this namespace.
    pub fn get(&self, namespace: &str, name: &str) -> Option<Rc<Task<B, O>>> {
        self.tasks.get(&(namespace.to_owned(), name.to_owned())).cloned()
    }

    /// Whether there is a namespace of this full name; the top always is.
    pub fn has_namespace(&self, full: &str) -> bool {
        full.is_empty() || self.namespaces.contains(full)
    }

    /// The task of a full name such as `deploy:web:disable`; a namespace's name means its default task.
    pub fn find(&self, path: &str) -> Option<Rc<Task<B, O>>> {
        if path.is_empty() || path.split(':').any(str::is_empty) {
            return None;
        }
        if self.namespaces.contains(path) {
            return self.get(path, "default");
        }
        match path.rsplit_once(':') {
            Some((namespace, name)) => self.get(namespace, name),
            None => self.get("", path),
        }
    }

    /// A task of this name in the namespace or one around it.
    pub fn search(&self, namespace: &str, name: &str) -> Option<Rc<Task<B, O>>> {
        let mut at = Some(namespace);
        while let Some(here) = at {
            if let Some(task) = self.get(here, name) {
                return Some(task);
            }
            at = parent(here);
        }
        None
    }

    /// What a bare word means: a task or namespace here, or in a namespace around.
    pub fn word(&self, namespace: &str, name: &str) -> Option<Found<B, O>> {
        let mut at = Some(namespace);
        while let Some(here) = at {
            if let Some(found) = self.member(here, name) {
                return Some(found);
            }
            at = parent(here);
        }
        None
    }

    /// A task or namespace in exactly this namespace.
    pub fn member(&self, namespace: &str, name: &str) -> Option<Found<B, O>> {
        if let Some(task) = self.get(namespace, name) {
            return Some(Found::Task(task));
        }
        let full = join(namespace, name);
        self.namespaces.contains(&full).then_some(Found::Namespace(full))
    }

    /// Full names of all namespaces, in order of definition.
    pub fn namespaces(&self) -> impl Iterator<Item = &str> {
        self.namespaces.iter().map(String::as_str)
    }

    /// All tasks, sorted by full name.
    pub fn sorted(&self) -> Vec<Rc<Task<B, O>>> {
        let mut tasks: Vec<_> = self.tasks.values().cloned().collect();
        tasks.sort_by_key(|task| task.full_name());
        tasks
    }

    /// All tasks in order of definition.
    pub fn iter(&self) -> impl Iterator<Item = &Rc<Task<B, O>>> {
        self.tasks.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Table = Tasks<&'static str, ()>;

    fn task(namespace: &str, name: &str, body: &'static str) -> Task<&'static str, ()> {
        let (namespace, name) = (namespace.to_owned(), name.to_owned());
        Task { namespace, name, description: None, options: (), body, site: None }
    }

    fn table() -> Table {
        let mut table = Table::default();
        table.open("", "deploy").unwrap();
        table.open("deploy", "web").unwrap();
        for (namespace, name) in
            [("", "restart"), ("deploy", "default"), ("deploy", "restart"), ("deploy:web", "disable"), ("", "notify")]
        {
            table.define(task(namespace, name, "first")).unwrap();
        }
        table
    }

    #[test]
    fn paths() {
        let table = table();
        for (path, name) in [
            ("deploy", Some("deploy")),
            ("deploy:default", Some("deploy")),
            ("deploy:web:disable", Some("deploy:web:disable")),
            ("deploy:web", None),
            ("deploy::restart", None),
            (":deploy", None),
            ("", None),
            ("nothing", None),
        ] {
            assert_eq!(table.find(path).map(|t| t.full_name()).as_deref(), name, "{path}");
        }
    }

    #[test]
    fn words_fall_through_to_outer_namespaces() {
        let table = table();
        let word = |namespace: &str, name: &str| match table.word(namespace, name) {
            Some(Found::Task(task)) => task.full_name(),
            Some(Found::Namespace(name)) => format!("namespace {name}"),
            None => "nothing".into(),
        };
        assert_eq!(word("deploy:web", "restart"), "deploy:restart");
        assert_eq!(word("", "restart"), "restart");
        assert_eq!(word("deploy:web", "notify"), "notify");
        assert_eq!(word("deploy", "web"), "namespace deploy:web");
        assert_eq!(word("", "disable"), "nothing");
        assert!(table.member("deploy:web", "restart").is_none());
    }

    #[test]
    fn redefinition_replaces_and_shadowing_is_refused() {
        let mut table = table();
        table.define(task("deploy", "restart", "second")).unwrap();
        assert_eq!(table.find("deploy:restart").unwrap().body, "second");
        let shadow = table.define(task("", "deploy", "x")).unwrap_err();
        assert_eq!(
            shadow.to_string(),
            "defining a task named `deploy' would shadow an existing namespace with that name"
        );
        assert_eq!(table.open("deploy", "restart").unwrap_err().existing, "task");
    }

    #[test]
    fn sorted_by_full_name() {
        let names: Vec<String> = table().sorted().iter().map(|t| t.full_name()).collect();
        assert_eq!(names, ["deploy", "deploy:restart", "deploy:web:disable", "notify", "restart"]);
    }

    #[test]
    fn search_goes_upward_for_tasks_only() {
        let table = table();
        assert_eq!(table.search("deploy:web", "notify").unwrap().full_name(), "notify");
        assert!(table.search("deploy", "web").is_none());
    }
}
