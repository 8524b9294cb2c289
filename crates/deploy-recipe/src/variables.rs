//! The variables of a recipe: values, and callables that are evaluated once, on the first read.
//!
//! The store knows nothing of the recipe's language: a value is a `V`, and whoever reads evaluates the callables.

use deploy_plan::Site;
use indexmap::IndexMap;

/// What a variable holds.
#[derive(Clone, Debug)]
enum Content<V> {
    /// A value.
    Value(V),
    /// A callable that has not been called yet.
    Lazy(V),
    /// A callable that is called at every read: its answer changes while the flow goes on.
    Live(V),
}

#[derive(Clone, Debug)]
struct Entry<V> {
    content: Content<V>,
    /// The callable that the value came from, for `reset!`.
    original: Option<V>,
    site: Option<Site>,
    /// Whether it is a default and not the recipe's own.
    default: bool,
    read: bool,
}

/// What a read finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Read<V> {
    /// The value.
    Value(V),
    /// Call this, then tell [`Variables::finish`] or [`Variables::abandon`].
    Evaluate(V),
    /// Nothing is set.
    Missing,
}

/// A variable is needed for its own value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the variable `{}` is needed for its own value ({})", .0.first().map_or("", String::as_str), .0.join(" → "))]
pub(crate) struct Cycle(pub Vec<String>);

/// A name that no variable can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid variable `{0}`: the name must begin with a lower-case letter or an underscore")]
pub(crate) struct BadName(pub String);

/// The variables of a recipe.
#[derive(Clone, Debug)]
pub(crate) struct Variables<V> {
    entries: IndexMap<String, Entry<V>>,
    evaluating: Vec<String>,
    /// Whether a name may be any text.
    any_name: bool,
}

impl<V> Default for Variables<V> {
    fn default() -> Self {
        Self { entries: IndexMap::new(), evaluating: Vec::new(), any_name: false }
    }
}

impl<V: Clone> Variables<V> {
    /// Takes every name from now on, as Capistrano 3 does.
    pub fn take_any_name(&mut self) {
        self.any_name = true;
    }

    /// Sets a value.
    pub fn set(&mut self, name: &str, value: V, site: Option<Site>) -> Result<(), BadName> {
        self.insert(name, Content::Value(value), site, false)
    }

    /// Sets a callable that gives the value at the first read.
    pub fn set_lazy(&mut self, name: &str, callable: V, site: Option<Site>) -> Result<(), BadName> {
        self.insert(name, Content::Lazy(callable), site, false)
    }

    fn insert(&mut self, name: &str, content: Content<V>, site: Option<Site>, default: bool) -> Result<(), BadName> {
        if !self.any_name && !name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_') {
            return Err(BadName(name.to_owned()));
        }
        let read = self.entries.get(name).is_some_and(|entry| entry.read);
        self.entries.insert(name.to_owned(), Entry { content, original: None, site, default, read });
        Ok(())
    }

    /// Gives a default to a variable that is not set.
    pub fn default_value(&mut self, name: &str, value: V) {
        self.fill(name, Content::Value(value));
    }

    /// Gives a callable as default to a variable that is not set.
    pub fn default_lazy(&mut self, name: &str, callable: V) {
        self.fill(name, Content::Lazy(callable));
    }

    /// Gives a default that is computed at every read.
    pub fn default_live(&mut self, name: &str, callable: V) {
        self.fill(name, Content::Live(callable));
    }

    fn fill(&mut self, name: &str, content: Content<V>) {
        if !self.entries.contains_key(name) {
            let entry = Entry { content, original: None, site: None, default: true, read: false };
            self.entries.insert(name.to_owned(), entry);
        }
    }

    /// Whether its callable is being called.
    pub fn is_wanted(&self, name: &str) -> bool {
        self.evaluating.iter().any(|wanted| wanted == name)
    }

    /// Looks a variable up; the caller evaluates what needs it.
    pub fn read(&mut self, name: &str) -> Result<Read<V>, Cycle> {
        let Some(entry) = self.entries.get_mut(name) else { return Ok(Read::Missing) };
        entry.read = true;
        let callable = match &entry.content {
            Content::Value(value) => return Ok(Read::Value(value.clone())),
            Content::Lazy(callable) | Content::Live(callable) => callable.clone(),
        };
        if let Some(at) = self.evaluating.iter().position(|n| n == name) {
            let mut chain = self.evaluating.get(at..).unwrap_or_default().to_vec();
            chain.push(name.to_owned());
            return Err(Cycle(chain));
        }
        self.evaluating.push(name.to_owned());
        Ok(Read::Evaluate(callable))
    }

    /// Keeps what the callable of a variable gave.
    pub fn finish(&mut self, name: &str, value: V) {
        self.abandon(name);
        if let Some(entry) = self.entries.get_mut(name)
            && let Content::Lazy(callable) = &entry.content
        {
            entry.original = Some(callable.clone());
            entry.content = Content::Value(value);
        }
    }

    /// The callable failed; the next read calls it again.
    pub fn abandon(&mut self, name: &str) {
        if let Some(at) = self.evaluating.iter().rposition(|n| n == name) {
            self.evaluating.truncate(at);
        }
    }

    /// Forgets which variables are being evaluated (after an evaluation was dropped half-way).
    pub fn forget_evaluations(&mut self) {
        self.evaluating.clear();
    }

    /// Puts back the callable that the value came from; says whether there was one.
    pub fn reset(&mut self, name: &str) -> bool {
        let Some(entry) = self.entries.get_mut(name) else { return false };
        match entry.original.take() {
            Some(callable) => {
                entry.content = Content::Lazy(callable);
                true
            }
            None => false,
        }
    }

    /// Removes a variable.
    pub fn unset(&mut self, name: &str) {
        self.entries.shift_remove(name);
    }

    /// Whether it is set, a default counting.
    pub fn exists(&self, name: &str) -> bool {
        self.entries.contains_key(name)
    }

    /// Whether the recipe or the command line has set it.
    pub fn is_own(&self, name: &str) -> bool {
        self.entries.get(name).is_some_and(|entry| !entry.default)
    }

    /// Where it was set last.
    pub fn site(&self, name: &str) -> Option<Site> {
        self.entries.get(name).and_then(|entry| entry.site.clone())
    }

    /// All names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// The value of a variable that is set to one, without evaluating anything and without counting as a read.
    pub fn peek(&self, name: &str) -> Option<&V> {
        match &self.entries.get(name)?.content {
            Content::Value(value) => Some(value),
            Content::Lazy(_) | Content::Live(_) => None,
        }
    }

    /// What the recipe has set and nothing has read.
    pub fn never_read(&self) -> impl Iterator<Item = (&str, Option<&Site>)> {
        let unread = self.entries.iter().filter(|(_, entry)| !entry.default && !entry.read);
        unread.map(|(name, entry)| (name.as_str(), entry.site.as_ref()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> Variables<String> {
        Variables::default()
    }

    #[test]
    fn values_and_missing() {
        let mut vars = store();
        vars.set("application", "shop".into(), None).unwrap();
        assert_eq!(vars.read("application"), Ok(Read::Value("shop".into())));
        assert_eq!(vars.read("nothing"), Ok(Read::Missing));
        assert!(vars.exists("application") && !vars.exists("nothing"));
        vars.unset("application");
        assert_eq!(vars.read("application"), Ok(Read::Missing));
    }

    #[test]
    fn names_begin_with_a_small_letter_or_underscore() {
        for bad in ["Application", "1st", "", "-x", "Ä"] {
            assert_eq!(store().set(bad, String::new(), None), Err(BadName(bad.into())));
        }
        let mut any = store();
        any.take_any_name();
        assert_eq!(any.set("User name:", String::new(), None), Ok(()));
        for good in ["a", "_a", "a1"] {
            assert_eq!(store().set(good, String::new(), None), Ok(()));
        }
    }

    #[test]
    fn a_callable_is_evaluated_once_until_reset() {
        let mut vars = store();
        vars.set_lazy("x", "callable".into(), None).unwrap();
        assert!(!vars.reset("x"), "never evaluated, so nothing to put back");
        assert_eq!(vars.read("x"), Ok(Read::Evaluate("callable".into())));
        vars.finish("x", "value".into());
        assert_eq!(vars.read("x"), Ok(Read::Value("value".into())));
        assert!(vars.reset("x"));
        assert_eq!(vars.read("x"), Ok(Read::Evaluate("callable".into())));
        vars.abandon("x");
        assert_eq!(vars.read("x"), Ok(Read::Evaluate("callable".into())), "a failed evaluation is tried again");
    }

    #[test]
    fn live_defaults_are_never_kept() {
        let mut vars = store();
        vars.default_live("current_release", "callable".into());
        for _ in 0..2 {
            assert_eq!(vars.read("current_release"), Ok(Read::Evaluate("callable".into())));
            vars.finish("current_release", "value".into());
        }
        vars.set("current_release", "mine".into(), None).unwrap();
        assert_eq!(vars.read("current_release"), Ok(Read::Value("mine".into())));
    }

    #[test]
    fn self_reference_names_the_chain() {
        let mut vars = store();
        for name in ["deploy_to", "application", "base"] {
            vars.set_lazy(name, name.into(), None).unwrap();
            vars.read(name).unwrap();
        }
        let cycle = vars.read("application").unwrap_err();
        assert_eq!(cycle.0, ["application", "base", "application"]);
        assert_eq!(
            cycle.to_string(),
            "the variable `application` is needed for its own value (application → base → application)"
        );
    }

    #[test]
    fn defaults_give_way() {
        let mut vars = store();
        vars.set("scm", "git".into(), None).unwrap();
        vars.default_value("scm", "none".into());
        vars.default_value("rake", "rake".into());
        assert_eq!(vars.read("scm"), Ok(Read::Value("git".into())));
        assert!(vars.is_own("scm") && !vars.is_own("rake") && vars.exists("rake"));
    }

    #[test]
    fn what_is_set_and_never_read() {
        let mut vars = store();
        vars.set("typo", "1".into(), None).unwrap();
        vars.set("used", "1".into(), None).unwrap();
        vars.default_value("rake", "rake".into());
        vars.read("used").unwrap();
        assert_eq!(vars.never_read().map(|(name, _)| name).collect::<Vec<_>>(), ["typo"]);
    }
}
