//! What goes wrong, on which host, at which piece of work, and at which moment of it; in one line, to be replayed.

use std::fmt;

use deploy_release::model::TrapKind;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// The deployer's process is killed; other hosts stop at once.
    ClientKill,
    /// The same, and the other hosts get to the end of what they have been sent.
    ClientKillLate,
    /// The host dies and comes back with all that was ever written.
    HostKill,
    /// The power fails: names are as they were, of files only what had been flushed.
    PowerNames,
    /// The power fails: all since the last flush is undone.
    PowerAll,
    /// The connection is cut.
    LinkCut,
    /// The network swallows everything; the host gets to the end of what it has been sent.
    BlackHole,
    /// The work is killed by a signal.
    Signal,
    /// No block is free from here on.
    NoBlocks,
    /// Neither a block nor an inode is free from here on.
    Full,
    /// One change fails.
    Eio,
    /// Nothing can be changed from here on.
    ReadOnly,
    /// The work takes a hundred times as long.
    Slow,
    /// The work never ends by itself.
    Hang,
    /// The user presses Ctrl-C.
    Interrupt,
}

pub const KINDS: [Kind; 15] = [
    Kind::ClientKill,
    Kind::ClientKillLate,
    Kind::HostKill,
    Kind::PowerNames,
    Kind::PowerAll,
    Kind::LinkCut,
    Kind::BlackHole,
    Kind::Signal,
    Kind::NoBlocks,
    Kind::Full,
    Kind::Eio,
    Kind::ReadOnly,
    Kind::Slow,
    Kind::Hang,
    Kind::Interrupt,
];

impl Kind {
    /// How the disk fails, where it is the disk.
    pub fn trap(self) -> Option<TrapKind> {
        Some(match self {
            Self::NoBlocks => TrapKind::NoBlocks,
            Self::Full => TrapKind::Full,
            Self::Eio => TrapKind::Fail,
            Self::ReadOnly => TrapKind::ReadOnly,
            _ => return None,
        })
    }

    pub fn is_host_kill(self) -> bool {
        matches!(self, Self::HostKill | Self::PowerNames | Self::PowerAll)
    }
}

/// When, within a piece of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Moment {
    /// Before it begins.
    Before,
    /// After so many of its changes.
    Inside(u32),
    /// All of it is done, and nobody is told.
    Unreported,
    /// It is done and told.
    After,
}

/// A fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fault {
    pub host: usize,
    /// The number of the piece of work on that host, counted from the start of the run.
    pub site: u32,
    pub moment: Moment,
    pub kind: Kind,
    /// Whether this host does its work after all others, or before them.
    pub last: bool,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = match self.moment {
            Moment::Before => "before".to_owned(),
            Moment::Inside(changes) => changes.to_string(),
            Moment::Unreported => "unreported".to_owned(),
            Moment::After => "after".to_owned(),
        };
        let order = if self.last { "last" } else { "first" };
        write!(f, "{}.{}.{moment}.{:?}.{order}", self.host, self.site, self.kind)
    }
}

impl Fault {
    /// The reverse of `Display`.
    pub fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split('.').collect();
        let [host, site, moment, kind, order] = parts.as_slice() else { return None };
        let moment = match *moment {
            "before" => Moment::Before,
            "unreported" => Moment::Unreported,
            "after" => Moment::After,
            changes => Moment::Inside(changes.parse().ok()?),
        };
        let kind = KINDS.into_iter().find(|known| format!("{known:?}") == *kind)?;
        Some(Self { host: host.parse().ok()?, site: site.parse().ok()?, moment, kind, last: *order == "last" })
    }
}
