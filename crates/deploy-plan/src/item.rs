//! What a recipe records: the flow as data, in order, before any of it runs.

use std::fmt;
use std::sync::Arc;

use deploy_inventory::HostId;
use indexmap::IndexMap;

use crate::{Builtin, HandlerId, HealthItem, PortCheck, Transfer};

/// What stands before a word of the command line where it is told as a place.
const COMMAND_LINE: &str = "the command line, ";

/// A place in a recipe.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Site {
    /// The file as the user named it.
    pub file: Arc<str>,
    /// 1-based line; 0 where the place is no file, as the command line.
    pub line: u32,
    /// 1-based column in characters.
    pub column: u32,
}

impl Site {
    /// A word of the command line, such as `-s branch`.
    #[must_use]
    pub fn command_line(word: &str) -> Self {
        Self { file: Arc::from(format!("{COMMAND_LINE}{word}")), line: 0, column: 0 }
    }

    /// The word of the command line that it is, as it was given to [`Site::command_line`].
    #[must_use]
    pub fn word(&self) -> Option<&str> {
        self.file.strip_prefix(COMMAND_LINE).filter(|_| self.is_command_line())
    }

    /// Whether it is no place in a file.
    #[must_use]
    pub fn is_command_line(&self) -> bool {
        self.line == 0
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_command_line() {
            return f.write_str(&self.file);
        }
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// The part of a deployment that work belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Slot {
    /// Not part of a deployment.
    Task,
    /// Making the layout.
    Setup,
    /// Building a release.
    Build,
    /// Migrating the database.
    Migrate,
    /// Making it live.
    Publish,
    /// Restarting the application.
    Restart,
    /// Finding out whether the restarted application is healthy.
    Health,
    /// Proving and recording that it is good.
    Confirm,
    /// After the transaction's edge: can warn, never turn back.
    After,
    /// Putting back.
    Undo,
}

impl Slot {
    /// The word in a plan.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Task => "task",
            Self::Setup => "setup",
            Self::Build => "build",
            Self::Migrate => "migrate",
            Self::Publish => "publish",
            Self::Restart => "restart",
            Self::Health => "health",
            Self::Confirm => "confirm",
            Self::After => "after",
            Self::Undo => "undo",
        }
    }
}

/// Whether a step may be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StepClass {
    /// Running it again is right.
    Idempotent,
    /// Look first, then decide.
    Probe,
    /// Never again by itself (migrations, the recipe's own commands).
    Once,
}

/// The text of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandText {
    /// The same on every host.
    Same(String),
    /// Another one per host (`$CAPISTRANO:HOST$`).
    PerHost(IndexMap<HostId, String>),
    /// No command: a file or tree is carried, each host's own.
    Transfer(IndexMap<HostId, Transfer>),
    /// No command: a port is asked how the application is.
    Health(Box<PortCheck>),
}

impl CommandText {
    /// The text for a host; empty for a host that has none.
    #[must_use]
    pub fn on(&self, host: &HostId) -> &str {
        match self {
            Self::Same(text) => text,
            Self::PerHost(texts) => texts.get(host).map_or("", String::as_str),
            Self::Transfer(_) | Self::Health(_) => "",
        }
    }

    /// What is carried to or from a host, where it is no command.
    #[must_use]
    pub fn transfer(&self, host: &HostId) -> Option<&Transfer> {
        match self {
            Self::Transfer(transfers) => transfers.get(host),
            Self::Same(_) | Self::PerHost(_) | Self::Health(_) => None,
        }
    }

    /// Whether it is a transfer.
    #[must_use]
    pub fn is_transfer(&self) -> bool {
        matches!(self, Self::Transfer(_))
    }

    /// Whether nothing is run on the hosts for it.
    #[must_use]
    pub fn is_no_command(&self) -> bool {
        matches!(self, Self::Transfer(_) | Self::Health(_))
    }

    /// What a port is asked on a host, where it is no command.
    #[must_use]
    pub fn port_check(&self, host: &HostId) -> Option<PortCheck> {
        match self {
            Self::Health(asked) => Some(PortCheck { check: asked.check.on_host(host), release: asked.release.clone() }),
            Self::Same(_) | Self::PerHost(_) | Self::Transfer(_) => None,
        }
    }
}

/// A command of the recipe on some hosts, or a file that it carries to or from them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// What is shown: the command as the recipe wrote it.
    pub shown: String,
    /// What the login shell gets, environment and `sh -c` included.
    pub text: CommandText,
    /// On which hosts.
    pub hosts: Vec<HostId>,
    /// The task whose body or hook it is in.
    pub task: Option<String>,
    /// Where in the recipe.
    pub site: Option<Site>,
    /// Whether it may be repeated.
    pub class: StepClass,
    /// Whether the text has a `sudo` that may read a password from standard input.
    pub sudo: bool,
    /// Whether the recipe asked for a terminal on this very command.
    pub pty: bool,
    /// How many hosts at a time (v2 `:max_hosts`).
    pub max_hosts: Option<usize>,
    /// Whether a host that fails is only left out from here on (v2 `:on_error => :continue`).
    pub continue_on_error: bool,
    /// Whether the recipe's agent is forwarded to it.
    pub forward_agent: bool,
}

/// A built-in task on some hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuiltinItem {
    /// Which.
    pub builtin: Builtin,
    /// On which hosts.
    pub hosts: Vec<HostId>,
    /// The task.
    pub task: String,
    /// Where it was called, where that is in the recipe.
    pub site: Option<Site>,
    /// Whether its writes go through `sudo`.
    pub sudo: bool,
}

/// One thing that a recipe records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A task is entered. `slot` says what its commands belong to, where the dialect gives it a meaning.
    TaskStarted {
        /// Fully qualified name.
        task: String,
        /// The slot of everything inside, until it ends.
        slot: Option<Slot>,
        /// Where it was called.
        site: Option<Site>,
    },
    /// The task, its after-hooks included, has been recorded.
    TaskEnded {
        /// Fully qualified name.
        task: String,
    },
    /// Built-in work.
    Builtin(BuiltinItem),
    /// A command.
    Command(Command),
    /// Commands between two barriers: each host runs those that name it, in this order and at its own pace (v3 `on`).
    Together(Vec<Command>),
    /// The recipe gave a body to run if the transaction fails after this point.
    OnRollback {
        /// Which.
        handler: HandlerId,
        /// The task that gave it.
        task: String,
    },
    /// The application has been restarted: from here on it must be healthy.
    Health(HealthItem),
    /// The transaction's edge: what follows can warn but not turn the deploy back.
    Edge,
    /// In a rehearsal: what follows runs only if this turns out to be so, which shows in the run. Without a text, what
    /// follows runs in any case again.
    Condition(Option<String>),
    /// A sentence for the plan (a magic hook found, a migration decided, an option without effect). One that begins with
    /// `warning: ` is shown as such.
    Note(String),
}
