//! Which hosts a command or a built-in task is for: the options of the nearest task, overlaid with those of the call.

use std::rc::Rc;

use deploy_inventory::{Host, HostId, Selection};
use deploy_plan::{Event, Level, Problem, ProblemKind};
use deploy_ruby::{Call, Hash, Value};

use super::Cap;
use super::convert::{R, fail, merged, names, property, site};

/// What the options of a task and a call ask for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    pub selection: Selection,
    pub once: bool,
    pub max_hosts: Option<usize>,
    /// `:on_no_matching_servers => :continue`
    pub may_be_none: bool,
    /// `:on_error => :continue` of the task.
    pub continue_on_error: bool,
}

impl Wanted {
    /// Reads the options of a task overlaid with those of a call; callables in them are called.
    pub async fn read(call: &Call, task: Option<&Hash>, options: &Hash) -> R<Self> {
        let none = Hash::new();
        let all = merged(task.unwrap_or(&none), options);
        let mut selection = Selection::all();
        selection.roles = list(call, &all, "roles").await?;
        selection.hosts = list(call, &all, "hosts").await?;
        for (key, conditions) in [("only", &mut selection.only), ("except", &mut selection.except)] {
            if let Some(Value::Hash(pairs)) = all.get_name(key) {
                for (name, value) in pairs.pairs() {
                    let value = called(call, value).await?;
                    conditions.insert(name.to_s(), property(&value));
                }
            }
        }
        let is = |name: &str, word: &str| all.get_name(name).and_then(|v| v.as_name()).as_deref() == Some(word);
        let truthy = |name: &str| all.get_name(name).is_some_and(|value| value.truthy());
        selection.skip_host_filter = truthy("skip_hostfilter");
        let most = all.get_name("max_hosts").and_then(|value| value.as_int());
        Ok(Self {
            selection,
            once: truthy("once"),
            max_hosts: most.and_then(|n| usize::try_from(n).ok()).filter(|n| *n > 0),
            may_be_none: is("on_no_matching_servers", "continue"),
            continue_on_error: task
                .is_some_and(|task| task.get_name("on_error").and_then(|v| v.as_name()).as_deref() == Some("continue")),
        })
    }
}

async fn called(call: &Call, value: Value) -> R {
    match value {
        Value::Proc(callable) => call.call_proc(&callable, Vec::new()).await,
        other => Ok(other),
    }
}

/// A list option: none when it is not given, empty when it is nil.
async fn list(call: &Call, options: &Hash, name: &str) -> R<Option<Vec<String>>> {
    match options.get_name(name) {
        Some(value) => {
            let value = called(call, value).await?;
            let mut all = Vec::new();
            for item in value.to_list() {
                all.extend(names(&called(call, item).await?));
            }
            Ok(Some(all))
        }
        None => Ok(None),
    }
}

impl Cap {
    /// The hosts of a selection under the filters of the command line.
    pub async fn select(self: &Rc<Self>, call: &Call, selection: &Selection) -> R<Vec<Host>> {
        self.settle_roles(call).await?;
        let inventory = self.inventory.borrow();
        let selected = inventory.select(selection, &self.filters.borrow());
        let mut selected = selected.map_err(|error| call.argument_error(error.to_string()))?;
        selected.hosts.retain(|host| !self.port.is_left_out(&host.id));
        for host in &selected.hosts {
            if inventory.host(&host.id).is_none() {
                self.strangers.borrow_mut().insert(host.id.clone(), host.clone());
            }
        }
        Ok(selected.hosts)
    }

    /// The hosts that a command of the innermost task is for; none when there are none and that is no failure.
    pub async fn scope(self: &Rc<Self>, call: &Call, wanted: &Wanted) -> R<Option<Vec<Host>>> {
        let mut hosts = self.select(call, &wanted.selection).await?;
        if hosts.is_empty() {
            return self.no_hosts(call, wanted).map(|()| None);
        }
        if wanted.continue_on_error {
            let failed = self.failed.borrow();
            hosts.retain(|host| !failed.contains(&host.id));
            if hosts.is_empty() {
                return Ok(None);
            }
        }
        if wanted.once {
            hosts.truncate(1);
        }
        Ok(Some(hosts))
    }

    /// What becomes of a command without hosts: left out, or the end of the run.
    fn no_hosts(&self, call: &Call, wanted: &Wanted) -> R<()> {
        let task = self.current_task().map(|task| task.full_name());
        let filters = self.filters.borrow();
        let left_out = self.port.has_left_out()
            && self.inventory.borrow().select(&wanted.selection, &filters).is_ok_and(|found| !found.hosts.is_empty());
        let narrowed = filters.host_filter.is_some() || filters.host_role_filter.is_some() || left_out;
        let who = task.as_deref().map_or_else(|| "a command".to_owned(), |name| format!("`{name}'"));
        if narrowed || wanted.may_be_none {
            // A task that may go without hosts is no failure, even if there is nothing else to do.
            self.flow.borrow_mut().skipped += usize::from(narrowed);
            let text = format!("skipping {who} because no servers matched");
            self.port.tell(Event::Message { level: Level::Info, host: None, text });
            return Ok(());
        }
        let why = self.inventory.borrow().why_none(&wanted.selection, &filters);
        let why = why.ok().flatten().map_or_else(|| "no servers matched".to_owned(), |why| why.to_string());
        let mut problem = Problem::new(ProblemKind::NoHosts, format!("find the hosts of {who}"), why).at(site(call));
        problem.task = task;
        let inventory = self.inventory.borrow();
        let mut roles = wanted.selection.roles.iter().flatten();
        let built_in = self.current_task().is_some_and(|task| task.site.is_none());
        let missing = roles.find(|role| !inventory.roles().any(|known| known == *role));
        if let Some(role) = missing.filter(|_| built_in) {
            // Nobody has misspelt it: the task is ours.
            let primary = if role == "db" { ", :primary => true" } else { "" };
            problem.why = format!("{}; the built-in task runs on the role :{role}", problem.why);
            problem = problem.next(format!("add to the recipe: role :{role}, \"host.example.com\"{primary}"));
        } else if missing.is_some() {
            let known: Vec<&str> = inventory.roles().collect();
            problem = problem.next(format!("mend the name of the role; the recipe has these: {}", known.join(", ")));
        }
        drop(inventory);
        Err(fail(call, problem))
    }

    /// The hosts that the innermost task's options select, for built-in work; a failure where there are none.
    pub async fn task_hosts(self: &Rc<Self>, call: &Call) -> R<Option<Vec<HostId>>> {
        let options = self.current_task().map(|task| task.options.clone());
        let wanted = Wanted::read(call, options.as_deref(), &Hash::new()).await?;
        let hosts = self.scope(call, &wanted).await?;
        Ok(hosts.map(|hosts| hosts.into_iter().map(|host| host.id).collect()))
    }

    /// The hosts that would hold releases: all but those with `:no_release`.
    pub async fn release_hosts(self: &Rc<Self>, call: &Call) -> R<Vec<HostId>> {
        let selection = Selection::all().except("no_release", deploy_inventory::Property::Bool(true));
        let hosts = self.select(call, &selection).await?;
        Ok(hosts.into_iter().map(|host| host.id).collect())
    }
}
