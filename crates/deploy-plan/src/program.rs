//! The two ports between a recipe and the engine.

use std::fmt;

use async_trait::async_trait;
use deploy_inventory::{Host, HostId};

use crate::{Command, Event, HandlerId, Item, Layout, Problem, ReleaseId, ReleaseState, Revision, Site, When};

/// How a remote command ended. Only code 0, proven by its trailer, is success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    /// It exited.
    Code(i32),
    /// It was killed by this signal.
    Signal(String),
    /// Its end is not known: the connection was lost.
    Lost(String),
    /// It was not started, because an earlier step failed.
    Skipped,
}

impl ExitStatus {
    /// Whether it is proven success.
    #[must_use]
    pub fn is_success(&self) -> bool {
        *self == Self::Code(0)
    }
}

impl fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit status {code}"),
            Self::Signal(name) => write!(f, "killed by signal {name}"),
            Self::Lost(why) => write!(f, "connection lost, its end is unknown: {why}"),
            Self::Skipped => f.write_str("not started"),
        }
    }
}

/// What one host answered to a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandResult {
    /// The host.
    pub host: HostId,
    /// How it ended.
    pub status: ExitStatus,
    /// Standard output, bounded.
    pub stdout: Vec<u8>,
    /// Standard error, bounded.
    pub stderr: Vec<u8>,
    /// Why the host could not be reached, where it could not ([`Want::Reach`]): as a run that needs the host says it.
    pub unreached: Option<Box<Problem>>,
}

/// What a recipe wants back from a command that it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// Its output; a failure stops the run (`capture`).
    Output,
    /// Its status and output; a failure is the recipe's business (a command under `rescue`).
    Status,
    /// The same, and a host that cannot be reached is the recipe's business too: it answers with
    /// [`ExitStatus::Lost`] and the reason (`deploy:check` looks at all hosts at once). A rehearsal that may read hosts
    /// really asks, as such a command only looks; where it cannot, each host answers with [`ExitStatus::Skipped`].
    Reach,
}

/// Why recording cannot go on without the flow having got there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suspension {
    /// A result of a command is needed.
    Result,
    /// A variable is read from the hosts.
    Facts,
    /// A process is run or a file written on the deployer.
    LocalEffect,
    /// A question is asked.
    Prompt,
    /// The recipe sleeps.
    Sleep,
    /// A command's failure could be rescued.
    Rescue,
    /// Hooks follow that run only when all that was asked for is done.
    Exit,
}

/// What the hosts' layout is opened for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Only to read it.
    Read,
    /// To read it, and to hear all that stands against a deploy. It changes nothing and takes no lock.
    Check,
    /// To make it.
    Setup,
    /// To publish a new release; the name is given where the recipe sets `:release_name`.
    Deploy {
        /// The recipe's own release name.
        release_name: Option<String>,
    },
    /// To publish the newest complete release there is (`deploy:create_symlink` alone).
    Republish,
    /// To go back; to a named release where one is given.
    Rollback {
        /// The named release.
        to: Option<String>,
    },
    /// To remove old releases.
    Cleanup,
    /// To finish or undo what a run left that died, whatever else is asked for.
    Recover {
        /// What a person says about migrations whose end nobody knows: whether they are done.
        migrated: Option<bool>,
    },
    /// To bring hosts that are behind to what the others serve. Only they are opened; where none is behind there is no release.
    CatchUp,
    /// To change what our own records say (marks, a lock that a person sets), whoever has locked the fleet by hand.
    Records,
}

impl Purpose {
    /// Whether nothing is changed on the hosts.
    #[must_use]
    pub fn only_reads(&self) -> bool {
        matches!(self, Self::Read | Self::Check)
    }
}

/// Which hosts and which layout are opened, for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// For what.
    pub purpose: Purpose,
    /// Where.
    pub layout: Layout,
    /// Which hosts.
    pub hosts: Vec<HostId>,
    /// Whether built-in steps will use `sudo`.
    pub sudo: bool,
    /// Where in the recipe it was asked for.
    pub site: Option<Site>,
}

/// One release on one host, as tables show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownRelease {
    /// Its name.
    pub release: ReleaseId,
    /// What it is, ledger and disk taken together.
    pub state: ReleaseState,
    /// Whether `current` points to it.
    pub live: bool,
    /// Never roll back to it.
    pub bad: bool,
    /// Never remove it.
    pub pinned: bool,
    /// Its revision, where known.
    pub revision: Option<Revision>,
    /// Who wrote its last record; none where another tool made it.
    pub by: Option<String>,
    /// When that was.
    pub at: Option<When>,
}

/// A lock that a person has set, until a person takes it away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Who.
    pub by: String,
    /// Since when, as people read it.
    pub since: String,
    /// Why; may be empty.
    pub reason: String,
}

/// What a host has, as far as a recipe may ask.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostRelease {
    /// The live release.
    pub live: Option<ReleaseId>,
    /// Its revision.
    pub live_revision: Option<Revision>,
    /// The release a rollback would go to.
    pub previous: Option<ReleaseId>,
    /// Every complete release, oldest first.
    pub releases: Vec<ReleaseId>,
    /// Names in `db/migrate` of the live release, where it has that directory.
    pub migrations: Option<Vec<String>>,
    /// Every release whose directory is there, oldest first.
    pub history: Vec<KnownRelease>,
    /// The lock that a person has set, where there is one.
    pub hold: Option<Hold>,
    /// Nobody has asked the host (`-n`): names above stand for what it has, and what is missing may be there.
    pub not_asked: bool,
}

/// The answer to an opened transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The release of the run: the new one, or the one gone back to.
    pub release: Option<ReleaseId>,
    /// The revision of a release that other hosts serve and these are to get.
    pub revision: Option<Revision>,
    /// What each host has.
    pub hosts: Vec<(HostId, HostRelease)>,
    /// What stands against a deploy; only a [check](Purpose::Check) gets an answer that has any.
    pub blockers: Vec<Problem>,
}

impl Opened {
    /// Whether the hosts were asked; a dry run asks none.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        !self.hosts.iter().any(|(_, facts)| facts.not_asked)
    }
}

/// The run has failed or was interrupted; whoever gets this returns at once and catches nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stopped {
    /// The engine knows why and has told it.
    #[error("the run has stopped")]
    Run,
    /// The request itself could not be met.
    #[error("{}: {}", .0.what, .0.why)]
    Problem(Box<Problem>),
}

/// What a recipe lets hosts do wrong before the switch without the others going back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tolerance {
    /// How many hosts may fail before the switch; they are left out, and the run goes on without them.
    pub failed: usize,
    /// Hosts that the run cannot do without.
    pub needed: Vec<HostId>,
}

/// What a recipe asks of the hosts.
#[async_trait(?Send)]
pub trait Hosts {
    /// Connects to these hosts before anything is begun. Those that cannot be reached are left out of the run from here on,
    /// each with a warning: [`left_out`](Self::left_out) names them. A run that needs one of them, or that would have none
    /// left, fails. Without connecting (`-n`) every host is taken to be there.
    async fn reach(&self, _hosts: Vec<HostId>, _needed: Vec<HostId>) -> Result<(), Stopped> {
        Ok(())
    }

    /// Says what may go wrong in this run from here on.
    fn tolerate(&self, _tolerance: Tolerance) {}

    /// The hosts that the run goes on without, or that have what it brings already. What is recorded for them is not run; a command that is asked of them alone
    /// is answered with [`ExitStatus::Skipped`].
    fn left_out(&self) -> Vec<HostId> {
        Vec::new()
    }

    /// Adds to the flow. Never waits: nothing has run when it returns.
    fn record(&self, item: Item);

    /// Opens the layout on some hosts (connects, locks, reads). Asked again with the same or a weaker purpose it answers
    /// from what is open. What was recorded before runs first; but where a release is to be published or gone back to and
    /// nothing is locked yet, it runs behind the opening, unless it makes the layout that is opened.
    async fn begin(&self, transaction: Transaction) -> Result<Opened, Stopped>;

    /// Runs everything recorded so far, then this command, and answers with its results, host by host.
    async fn command(&self, command: Command, want: Want, why: Suspension) -> Result<Vec<CommandResult>, Stopped>;

    /// Runs everything recorded so far; then, on their hosts alone and beside other calls of this, the commands of
    /// `before` and the one that is asked (v3 `on`: inside it each host goes at its own pace).
    async fn along(
        &self,
        before: Vec<Command>,
        asked: Option<(Command, Want)>,
        why: Suspension,
    ) -> Result<Vec<CommandResult>, Stopped> {
        let site = before.first().and_then(|command| command.site.clone());
        if !before.is_empty() {
            self.record(Item::Together(before));
        }
        match asked {
            Some((command, want)) => self.command(command, want, why).await,
            None => self.settle(why, site).await.map(|()| Vec::new()),
        }
    }

    /// Runs everything recorded so far: something on the deployer comes next.
    async fn settle(&self, why: Suspension, site: Option<Site>) -> Result<(), Stopped>;

    /// Whether nothing is to be changed anywhere (`--plan`, `--dry-run`).
    fn is_rehearsal(&self) -> bool;

    /// Tells the observer.
    fn tell(&self, event: Event);
}

/// What the engine asks of a recipe.
#[async_trait(?Send)]
pub trait Program {
    /// Evaluates the tasks asked for, each body once, recording into `hosts`.
    async fn run(&self, hosts: &dyn Hosts) -> Result<(), Stopped>;

    /// What the flow is going to open for a release, while it is still at what hangs before that; none where it opens
    /// nothing, or where that cannot be told yet. Asked between two steps of the flow, and leaves no trace in it.
    async fn ahead(&self) -> Option<Transaction> {
        None
    }

    /// Evaluates the body given to `on_rollback`.
    async fn undo(&self, handler: HandlerId, hosts: &dyn Hosts) -> Result<(), Stopped>;

    /// What the recipe says about a host.
    fn host(&self, id: &HostId) -> Option<Host>;

    /// When a filter (`HOSTS=`, `ROLES=`, …) narrowed the run: selected hosts, all hosts, the filter as given.
    fn narrowed(&self) -> Option<(usize, usize, String)> {
        None
    }
}
