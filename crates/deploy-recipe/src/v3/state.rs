//! The state of a recipe that only dialect 3 has.

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;

use deploy_inventory::Host;
use deploy_ruby::{Proc, Value};
use indexmap::{IndexMap, IndexSet};

use super::rake::{Rake, RakeTask};
use super::servers::Servers;
use super::sshkit::SshKit;
use super::top::Top;
use crate::v2::Cap;

/// Where the code comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Scm {
    /// No plugin is installed: git, unless `set :scm, nil`.
    #[default]
    Unset,
    /// `Capistrano::SCM::Git`
    Git,
    /// `Capistrano::SCM::Svn`
    Svn,
    /// A plugin that the recipe brings, or none.
    Other,
}

/// The state of dialect 3.
#[derive(Default)]
pub(crate) struct State {
    pub rake: RefCell<Rake>,
    pub servers: RefCell<Servers>,
    pub sshkit: SshKit,
    pub validators: RefCell<Vec<(String, Proc)>>,
    pub custom_filters: RefCell<Vec<Proc>>,
    /// `--hosts` and `--roles` of the command line.
    pub host_filters: RefCell<Vec<String>>,
    pub role_filters: RefCell<Vec<String>>,
    /// Hosts with another login than they were declared with (`host.user = …` inside `on`).
    pub relogged: RefCell<IndexMap<String, Host>>,
    /// What `lock` named.
    pub locked: RefCell<Option<String>>,
    /// The stage that is loaded.
    pub stage: RefCell<Option<String>>,
    pub scm: Cell<Scm>,
    /// `Capistrano::SCM::Git::WithSubmodules`
    pub submodules: Cell<bool>,
    /// Files that `import` named, read when the Capfile is over.
    pub imports: RefCell<Vec<String>>,
    /// Whether the deploy tasks are loaded.
    pub deploy_loaded: Cell<bool>,
    /// Plugins of ours that are loaded.
    pub loaded: RefCell<IndexSet<String>>,
    /// Questions that have not been asked yet.
    pub questions: RefCell<IndexSet<String>>,
    /// The names of the tasks that are being executed, outermost first.
    pub executing: RefCell<Vec<String>>,
    /// The same with those that are still at their prerequisites.
    pub invoking: RefCell<Vec<Rc<RakeTask>>>,
    /// The instance of `Top`, which is self everywhere but on hosts.
    top: OnceCell<Rc<Top>>,
    /// `deploy:failed` is part of the way back already.
    pub armed: Cell<bool>,
    /// How many hosts a filter has left, of how many.
    pub narrowed: RefCell<Option<(usize, usize, String)>>,
}

impl State {
    /// Forgets what an earlier flow has left.
    pub fn begin_flow(&self) {
        self.executing.borrow_mut().clear();
        self.invoking.borrow_mut().clear();
        self.armed.set(false);
    }

    /// Breaks the circles of references.
    pub fn clear(&self) {
        *self.rake.borrow_mut() = Rake::default();
        *self.servers.borrow_mut() = Servers::default();
        self.sshkit.clear();
        self.validators.borrow_mut().clear();
        self.custom_filters.borrow_mut().clear();
    }
}

impl Cap {
    /// Self of a recipe of dialect 3.
    pub fn top(self: &Rc<Self>) -> Value {
        // Weak inside, so that this is no circle.
        Value::Object(self.v3.top.get_or_init(|| Rc::new(Top::new(self))).clone())
    }
}
