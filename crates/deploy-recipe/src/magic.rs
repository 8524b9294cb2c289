//! Hooks by name: tasks called `before_X` or `after_X`, as Capistrano 2.0 to 2.10 knew them.

use std::rc::Rc;

use crate::tasks::{Task, Tasks};

/// Which side of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// `before_X`
    Before,
    /// `after_X`
    After,
}

impl Side {
    /// The word in the task's name.
    pub fn word(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
        }
    }
}

/// The task that hangs on another by its name: searched from that task's namespace upward; for a default task by the
/// namespace's name first.
pub(crate) fn find<B, O>(tasks: &Tasks<B, O>, of: &Task<B, O>, side: Side) -> Option<Rc<Task<B, O>>> {
    let word = side.word();
    if of.is_default() {
        let name = of.namespace.rsplit(':').next().unwrap_or_default();
        if let Some(task) = tasks.search(&of.namespace, &format!("{word}_{name}")) {
            return Some(task);
        }
    }
    tasks.search(&of.namespace, &format!("{word}_{}", of.name))
}

/// Why names are no hooks in this recipe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Off {
    /// `set :magic_hooks, false`
    Set,
    /// `Gemfile.lock` pins a version that no longer knows them.
    Pinned(String),
}

/// The version of Capistrano that a `Gemfile.lock` pins, if it no longer has hooks by name (2.11 and newer).
pub(crate) fn pinned(lock: &str) -> Option<Off> {
    let version = lock.lines().find_map(|line| {
        let rest = line.strip_prefix("    capistrano (")?;
        rest.strip_suffix(')')
    })?;
    let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let (major, minor) = (parts.next()?, parts.next().unwrap_or(0));
    ((major, minor) >= (2, 11)).then(|| Off::Pinned(version.to_owned()))
}

/// The line (from 1) in which a recipe's text calls a task itself or names it to something other than `task`: as a word, a
/// symbol, or a string that is its name with or without namespaces.
pub(crate) fn called_at(text: &str, name: &str) -> Option<u32> {
    (1..).zip(text.lines()).find(|(_, line)| calls(line, name)).map(|(number, _)| number)
}

fn calls(line: &str, name: &str) -> bool {
    let mut before = String::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let (token, behind) = match first {
            '#' => return false,
            '"' | '\'' => string(rest, first),
            c if is_word(c) => {
                let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                rest.split_at(end)
            }
            c => rest.split_at(c.len_utf8()),
        };
        let inner = token.trim_matches(['"', '\'']);
        let named = inner == name || (token != inner && inner.ends_with(&format!(":{name}")));
        if named && !["task", "def", "desc"].contains(&before.as_str()) {
            return true;
        }
        if first == '"' && interpolations(inner).any(|code| calls(code, name)) {
            return true;
        }
        if is_word(first) {
            before = token.to_owned();
        } else if !matches!(first, ' ' | '(' | ':') {
            before.clear();
        }
        rest = behind;
    }
    false
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '?' || c == '!'
}

/// A string literal and what follows it; one that does not end on this line is taken to its end.
fn string(text: &str, quote: char) -> (&str, &str) {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return text.split_at(at + c.len_utf8()),
            _ => {}
        }
    }
    (text, "")
}

/// What stands between `#{` and `}`.
fn interpolations(text: &str) -> impl Iterator<Item = &str> {
    text.split("#{").skip(1).map(|part| part.split('}').next().unwrap_or(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(names: &[(&str, &str)]) -> Tasks<(), ()> {
        let mut tasks = Tasks::default();
        tasks.open("", "deploy").unwrap();
        tasks.open("deploy", "web").unwrap();
        for (namespace, name) in names {
            let (namespace, name) = ((*namespace).to_owned(), (*name).to_owned());
            tasks.define(Task { namespace, name, description: None, options: (), body: (), site: None }).unwrap();
        }
        tasks
    }

    fn found(tasks: &Tasks<(), ()>, of: &str, side: Side) -> Option<String> {
        find(tasks, &tasks.find(of).unwrap(), side).map(|task| task.full_name())
    }

    #[test]
    fn upward_search() {
        let tasks = table(&[
            ("deploy", "update_code"),
            ("deploy", "after_update_code"),
            ("deploy:web", "disable"),
            ("", "after_disable"),
            ("", "before_update_code"),
        ]);
        assert_eq!(found(&tasks, "deploy:update_code", Side::After).unwrap(), "deploy:after_update_code");
        assert_eq!(found(&tasks, "deploy:update_code", Side::Before).unwrap(), "before_update_code");
        assert_eq!(found(&tasks, "deploy:web:disable", Side::After).unwrap(), "after_disable");
        assert_eq!(found(&tasks, "deploy:web:disable", Side::Before), None);
    }

    #[test]
    fn a_default_task_goes_by_its_namespace_first() {
        let both = table(&[("deploy", "default"), ("", "after_deploy"), ("deploy", "after_default")]);
        assert_eq!(found(&both, "deploy", Side::After).unwrap(), "after_deploy");
        let one = table(&[("deploy", "default"), ("deploy", "after_default")]);
        assert_eq!(found(&one, "deploy", Side::After).unwrap(), "deploy:after_default");
    }

    #[test]
    fn lock_files() {
        let lock = |version: &str| format!("GEM\n  specs:\n    capistrano ({version})\n      net-ssh (>= 2.0.14)\n");
        assert_eq!(pinned(&lock("2.8.0")), None);
        assert_eq!(pinned(&lock("2.10.9")), None);
        assert_eq!(pinned(&lock("2.11.0")), Some(Off::Pinned("2.11.0".into())));
        assert_eq!(pinned(&lock("2.15.5")), Some(Off::Pinned("2.15.5".into())));
        assert_eq!(pinned("    capistrano-ext (2.15.5)\n      capistrano (>= 2.11)\n"), None);
        assert_eq!(pinned(""), None);
    }

    #[test]
    fn calls_in_the_text() {
        for (text, called) in [
            ("task :after_x, :roles => :app do", false),
            ("task \"after_x\" do # after_x", false),
            ("task(:after_x) {", false),
            ("  deploy.after_x", true),
            ("after_x", true),
            ("after 'deploy:x', 'deploy:after_x'", true),
            ("after :x, :after_x", true),
            ("run \"#{y}\" # after_x", false),
            ("run \"#{after_x}\"", true),
            ("puts 'now after_x runs'", false),
            ("puts \"it's \\\"after_x\\\"\"", false),
            ("find_and_execute_task('deploy:after_x')", true),
            ("after_x_again", false),
            ("my_after_x", false),
            ("# after_x", false),
            ("'unfinished after_x", false),
        ] {
            assert_eq!(called_at(text, "after_x").is_some(), called, "{text}");
        }
        assert_eq!(called_at("task(:after_x) { }\n\nafter_x", "after_x"), Some(3));
    }
}
