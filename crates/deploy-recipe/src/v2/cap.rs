//! The state of a recipe: what Capistrano calls its configuration.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use deploy_inventory::{Filters, Host, HostId, Inventory, Properties, Property};
use deploy_plan::{HandlerId, Opened, Problem, Purpose, Revision, Site};
use deploy_ruby::{Call, Effects, Hash, Proc, Value};
use indexmap::{IndexMap, IndexSet};

use super::deploy::scm::Pinned;
use super::deploy::table::BuiltinTask;
use super::namespace::Namespace;
use crate::callbacks::Hooks;
use crate::dialect::Dialect;
use crate::port::Port;
use crate::tasks::{Task, Tasks};
use crate::variables::Variables;

/// The body of a task.
#[derive(Clone)]
pub(crate) enum Body {
    /// The recipe's.
    Block(Proc),
    /// Ours.
    Builtin(BuiltinTask),
}

/// A task of this dialect.
pub(crate) type CapTask = Task<Body, Rc<Hash>>;
/// A task, shared.
pub(crate) type TaskRef = Rc<CapTask>;

/// A role whose servers a block gives when they are first needed.
#[derive(Clone)]
pub(crate) struct DynamicRole {
    pub name: String,
    pub block: Proc,
    pub properties: Properties,
}

/// An entry of `depend`.
#[derive(Clone)]
pub(crate) struct Dependency {
    pub remote: bool,
    pub kind: String,
    pub arguments: Vec<Value>,
    pub options: Rc<Hash>,
    pub message: Rc<RefCell<Option<String>>>,
    pub site: Option<Site>,
}

/// A body given to `on_rollback`.
#[derive(Clone)]
pub(crate) struct Handler {
    pub block: Proc,
    pub task: TaskRef,
}

/// A call of a task.
#[derive(Clone)]
pub(crate) struct Frame {
    pub task: TaskRef,
    /// Where it was called.
    pub site: Option<Site>,
    /// The handler that this call has given.
    pub handler: Rc<Cell<Option<HandlerId>>>,
}

/// What is open on the hosts.
pub(crate) struct Open {
    pub purpose: Purpose,
    pub answer: Opened,
}

/// The state of the flow that is being evaluated.
#[derive(Default)]
pub(crate) struct FlowState {
    pub frames: Vec<Frame>,
    /// The task of the command line whose start is being announced.
    pub starting: Option<TaskRef>,
    pub open: Option<Open>,
    pub pinned: Option<Pinned>,
    /// Hosts are brought to what others serve: no migrations.
    pub catching_up: bool,
    /// The revision of that, which takes the place of what the recipe says.
    pub revision: Option<Revision>,
    /// A release was built in this run.
    pub building: bool,
    /// The release that a rollback in this run has left.
    pub left: Option<deploy_plan::ReleaseId>,
    /// A release name that was read before any deploy began.
    pub timestamp: Option<String>,
    /// Something was made live and the edge is not recorded yet.
    pub published: bool,
    /// The new release was made live: from here on the hosts' `REVISION` is its.
    pub switched: bool,
    /// `current_revision` as it was first read; it stays that.
    pub current_revision: Option<Option<String>>,
    /// Nested `transaction`s.
    pub transactions: usize,
    /// What broke a transaction, whether or not the recipe has rescued it.
    pub broken: Option<Problem>,
    /// `deploy:migrate` was recorded.
    pub migrated: bool,
    /// A command that migrates was recorded by the recipe itself.
    pub migrates_itself: bool,
    /// Notes that were recorded already.
    pub notes: IndexSet<String>,
    /// The tasks of the command line.
    pub asked: Vec<String>,
    /// What may go wrong on hosts has been settled with the engine.
    pub fleet_settled: bool,
    /// Commands that found no host because of a filter, and all commands.
    pub skipped: usize,
    pub recorded: usize,
}

/// What the command line says about the recipe.
#[derive(Clone, Default)]
pub(crate) struct Settings {
    pub dry_run: bool,
    /// Nothing is to be changed anywhere.
    pub rehearsal: bool,
    pub sudo_prompt: String,
    pub allow_require: Vec<String>,
    /// How many steps one evaluation may take.
    pub steps: u64,
}

/// What a host is for the engine, as of the start of a flow.
#[derive(Clone, Default)]
pub(crate) struct Logins {
    pub user: Option<String>,
    pub port: Option<u16>,
    pub ssh_options: Properties,
    pub gateway: Option<Property>,
}

/// The configuration.
#[derive(Default)]
pub(crate) struct Cap {
    pub settings: Settings,
    pub port: Port,
    pub variables: RefCell<Variables<Value>>,
    pub tasks: RefCell<Tasks<Body, Rc<Hash>>>,
    pub hooks: RefCell<Hooks<Proc>>,
    pub inventory: RefCell<Inventory>,
    pub dynamic_roles: RefCell<Vec<DynamicRole>>,
    pub filters: RefCell<Filters>,
    pub methods: RefCell<IndexMap<(String, String), Proc>>,
    pub namespaces: RefCell<HashMap<String, Rc<Namespace>>>,
    pub dependencies: RefCell<Vec<Dependency>>,
    pub handlers: RefCell<Vec<Handler>>,
    pub flow: RefCell<FlowState>,
    pub logins: RefCell<Logins>,
    /// Hosts that no role has, named by `HOSTS` or `:hosts`.
    pub strangers: RefCell<IndexMap<HostId, Host>>,
    /// Hosts that a `:on_error => :continue` command has lost.
    pub failed: RefCell<IndexSet<HostId>>,
    /// The effects that need not wait for the flow.
    pub effects: OnceCell<Rc<dyn Effects>>,
    /// Names and texts of the files that were loaded.
    pub sources: RefCell<Vec<(String, String)>>,
    /// Sentences about the recipe for the next flow.
    pub odd: RefCell<IndexSet<String>>,
    /// Whether something has happened on this machine that must not happen twice: a question, a process, a file written.
    pub acted: Cell<bool>,
    /// Gems whose `require` was let pass, with the place.
    pub ignored: RefCell<Vec<(String, Option<Site>)>>,
    /// A gem that gives strings words for colours was required.
    pub colours: Cell<bool>,
    /// Whether the deploy recipes are loaded.
    pub deploy_loaded: Cell<bool>,
    /// Which Capistrano it is written for.
    pub dialect: Cell<Dialect>,
    /// What only dialect 3 has.
    pub v3: crate::v3::State,
    /// The text of `Gemfile.lock`.
    pub gemfile_lock: OnceCell<String>,
}

impl Cap {
    /// An empty configuration.
    pub fn new(settings: Settings) -> Rc<Self> {
        Rc::new(Self { settings, ..Self::default() })
    }

    /// The object of a namespace; always the same one.
    pub fn namespace(self: &Rc<Self>, path: &str) -> Rc<Namespace> {
        let mut known = self.namespaces.borrow_mut();
        known.entry(path.to_owned()).or_insert_with(|| Rc::new(Namespace::new(self, path))).clone()
    }

    /// The object of a namespace as a value.
    pub fn namespace_value(self: &Rc<Self>, path: &str) -> Value {
        Value::Object(self.namespace(path))
    }

    /// The task whose call is innermost.
    pub fn current_task(&self) -> Option<TaskRef> {
        self.flow.borrow().frames.last().map(|frame| frame.task.clone())
    }

    /// The innermost call.
    pub fn frame(&self) -> Option<Frame> {
        self.flow.borrow().frames.last().cloned()
    }

    /// Whether a task of this name is being called, at any depth.
    pub fn is_inside(&self, name: &str) -> bool {
        self.flow.borrow().frames.iter().any(|frame| frame.task.full_name() == name)
    }

    /// Whether the given name's body is ours and it is being called.
    pub fn is_inside_builtin(&self, builtin: BuiltinTask) -> bool {
        let flow = self.flow.borrow();
        flow.frames.iter().any(|frame| matches!(frame.task.body, Body::Builtin(b) if b == builtin))
    }

    /// Effects that do not wait for the flow: for queries that change nothing.
    pub fn local_effects(&self, call: &Call) -> Rc<dyn Effects> {
        self.effects.get().cloned().unwrap_or_else(|| call.interp().effects().clone())
    }

    /// A host as the engine sees it.
    pub fn host(&self, id: &HostId) -> Option<Host> {
        let declared = if self.is_three() {
            let server = self.v3.servers.borrow().by_id(id).map(crate::v3::Server::host);
            server.or_else(|| self.v3.relogged.borrow().get(id.as_str()).cloned())
        } else {
            self.inventory.borrow().host(id)
        };
        let mut host = declared.or_else(|| self.strangers.borrow().get(id).cloned())?;
        let logins = self.logins.borrow();
        host.user = host.user.or_else(|| logins.user.clone());
        host.port = host.port.or(logins.port);
        let mut options = logins.ssh_options.clone();
        if let Some(Property::Map(own)) = host.properties.get("ssh_options") {
            options.extend(own.clone());
        }
        if !options.is_empty() {
            host.properties.insert("ssh_options".to_owned(), Property::Map(options));
        }
        if let Some(gateway) = &logins.gateway {
            host.properties.entry("gateway".to_owned()).or_insert_with(|| gateway.clone());
        }
        Some(host)
    }

    /// Whether it is a recipe of Capistrano 3.
    pub fn is_three(&self) -> bool {
        self.dialect.get() == Dialect::Capistrano3
    }

    /// Self at the top of the recipe.
    pub fn root(self: &Rc<Self>) -> Value {
        if self.is_three() { self.top() } else { self.namespace_value("") }
    }

    /// Whether the recipe lets its commands use the agent.
    pub fn forwards_agent(&self) -> bool {
        self.logins.borrow().ssh_options.get("forward_agent").is_some_and(Property::is_truthy)
    }

    /// Reads what the engine asks of every host, so that it can be told without evaluating anything.
    pub async fn read_logins(self: &Rc<Self>, call: &Call) -> super::convert::R<()> {
        if self.is_three() {
            let options = self.read3(call, "ssh_options").await?.unwrap_or_default();
            let ssh_options = self.ssh_options3(&options);
            *self.logins.borrow_mut() = Logins { ssh_options, ..Logins::default() };
            return Ok(());
        }
        self.settle_roles(call).await?;
        let user = self.text(call, "user").await?;
        let port = self.text(call, "port").await?;
        let options = self.get(call, "ssh_options").await?;
        let gateway = self.get(call, "gateway").await?;
        let gateway = (!gateway.is_nil()).then(|| super::convert::property(&gateway));
        let port = match port {
            Some(text) => match text.trim().parse::<u16>() {
                Ok(port) if port > 0 => Some(port),
                _ => return Err(self.no_value(call, "port", &text, "a number from 1 to 65535")),
            },
            None => None,
        };
        let ssh_options = options.as_hash().map(|hash| super::convert::properties(hash)).unwrap_or_default();
        *self.logins.borrow_mut() = Logins { user, port, ssh_options, gateway };
        Ok(())
    }

    /// Records a sentence for the plan, once.
    pub fn note(&self, text: impl Into<String>) {
        let text = text.into();
        if self.port.is_open() && self.flow.borrow_mut().notes.insert(text.clone()) {
            self.port.record(deploy_plan::Item::Note(text));
        }
    }

    /// Breaks the circles of references between the recipe's blocks and this.
    pub fn clear(&self) {
        self.namespaces.borrow_mut().clear();
        self.methods.borrow_mut().clear();
        *self.variables.borrow_mut() = Variables::default();
        *self.tasks.borrow_mut() = Tasks::default();
        *self.hooks.borrow_mut() = Hooks::default();
        self.dynamic_roles.borrow_mut().clear();
        self.handlers.borrow_mut().clear();
        *self.flow.borrow_mut() = FlowState::default();
        self.v3.clear();
    }
}
