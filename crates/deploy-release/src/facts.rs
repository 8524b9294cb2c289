//! What a host was found to have: the answer to a probe, before anybody judges it.

use deploy_plan::{Hold, ReleaseId};
use indexmap::IndexMap;

/// What stands at a path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PlaceKind {
    /// Nothing, or nothing that this login can see.
    #[default]
    Absent,
    /// A directory, perhaps behind a link.
    Directory,
    /// Something else.
    Other,
}

/// Owner, mode and identity of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Octal, as `chmod` takes it.
    pub mode: String,
    /// Name of the owner.
    pub user: String,
    /// Name of the group.
    pub group: String,
    /// Number of the filesystem.
    pub device: String,
    /// Number of the directory in it.
    pub inode: String,
}

impl Owner {
    /// What [`STAT`](Self::STAT) has `stat` print.
    #[must_use]
    pub fn of_stat(line: &str) -> Option<Self> {
        let fields: Vec<&str> = line.trim_end_matches('\n').split('\t').collect();
        let [mode, user, group, device, inode] = fields.as_slice() else { return None };
        let text = |field: &&str| (**field).to_owned();
        Some(Self { mode: text(mode), user: text(user), group: text(group), device: text(device), inode: text(inode) })
    }

    /// Whether its mode lets the owner make entries.
    #[must_use]
    pub fn may_write(&self) -> bool {
        u32::from_str_radix(&self.mode, 8).is_ok_and(|mode| mode & 0o300 == 0o300)
    }

    /// The format for `stat -L -c`; the gaps are tabs.
    pub const STAT: &'static str = "%a\t%U\t%G\t%d\t%i";
}

/// One directory of the layout.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// What is there.
    pub kind: PlaceKind,
    /// Whether the login may make entries in it.
    pub writable: bool,
    /// Whether nobody may: its filesystem is mounted read-only.
    pub read_only: bool,
    /// Owner and mode, where the host could tell.
    pub owner: Option<Owner>,
}

impl Place {
    /// Whether it is a directory.
    #[must_use]
    pub fn is_directory(&self) -> bool {
        self.kind == PlaceKind::Directory
    }
}

/// What an entry of `releases/` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A directory: perhaps a release.
    Directory,
    /// A link; never a release (Capistrano 3 leaves `releases/current` behind when it is killed).
    Link,
    /// Anything else.
    Other,
}

/// One entry of `releases/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name; characters that are no text are replaced.
    pub name: String,
    /// Whether `name` is exactly what the host has.
    pub exact: bool,
    /// What it is.
    pub kind: EntryKind,
    /// The first line of its `REVISION`, where it has that file.
    pub revision: Option<String>,
}

impl Entry {
    /// The release that it can be: a directory whose name is a release name.
    #[must_use]
    pub fn release(&self) -> Option<ReleaseId> {
        let usable = self.exact && self.kind == EntryKind::Directory;
        if usable { ReleaseId::new(&self.name).ok() } else { None }
    }
}

/// What `current` is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Current {
    /// Nobody has looked (`-n`): whatever else the facts of such a host say is taken for granted, and what they do not
    /// say may be there.
    Unknown,
    /// There is none.
    #[default]
    Absent,
    /// A link.
    Link {
        /// Its text.
        text: String,
        /// Whether `text` is exactly what the host has.
        exact: bool,
        /// The entry of `releases/` that it resolves to, compared by device and inode.
        release: Option<String>,
        /// Whether it resolves to nothing.
        dangling: bool,
    },
    /// A real directory.
    Directory,
    /// A file or something stranger.
    Other,
}

/// Free room on the filesystem of `deploy_to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// Free blocks in KiB.
    pub kibibytes: u64,
    /// Free inodes, where the host could tell.
    pub inodes: Option<u64>,
}

/// What tells one `deploy_to` from another, whatever the hosts are called.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UnitIdentity {
    /// The kernel that runs.
    pub boot: String,
    /// Device and inode of `deploy_to`.
    pub directory: String,
}

/// The answer of one host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostFacts {
    /// The login's name.
    pub user: String,
    /// Its home directory.
    pub home: String,
    /// The host's clock in seconds since 1970; for people and warnings only.
    pub clock: Option<i64>,
    /// Boot id of the kernel.
    pub boot: Option<String>,
    /// The root of the deployment.
    pub deploy_to: Place,
    /// `releases/`.
    pub releases_dir: Place,
    /// `shared/`.
    pub shared_dir: Place,
    /// `.capstan/`.
    pub state_dir: Place,
    /// The directory that holds `current`.
    pub current_dir: Place,
    /// Where `deploy_to` is absent: the nearest directory above it that exists.
    pub ancestor: Option<(String, Place)>,
    /// Entries of `releases/`.
    pub releases: Vec<Entry>,
    /// What `current` is.
    pub current: Current,
    /// The ledger as it is on disk; empty when there is none.
    pub ledger: Vec<u8>,
    /// Whether the login may append to an existing ledger (true when there is none).
    pub ledger_writable: bool,
    /// Lines of the journal of the last run that changed something here.
    pub journal: Vec<String>,
    /// Directories of ready-made links, of this or earlier runs.
    pub links: Vec<String>,
    /// How many things lie in the trash.
    pub trash: usize,
    /// Free room, where asked for.
    pub space: Option<Space>,
    /// Tools asked for: whether they are there.
    pub tools: IndexMap<String, bool>,
    /// Whether `sudo -n true` worked, where asked for.
    pub sudo: Option<bool>,
    /// The text of the lock that a person has set, where there is one.
    pub hold: Option<String>,
    /// Whether it is free for some commands only; which, is not known.
    pub sudo_partly: bool,
    /// Whether there is a `sudo` at all, where asked for.
    pub sudo_present: Option<bool>,
    /// Names in `db/migrate` of the live release, where it has that directory.
    pub migrations: Option<Vec<String>>,
    /// Whether the live release has a Rakefile.
    pub rakefile: bool,
}

impl HostFacts {
    /// The lock that a person has set, where there is one: who, since when, why, a line each.
    #[must_use]
    pub fn hold(&self) -> Option<Hold> {
        let mut lines = self.hold.as_deref()?.splitn(3, '\n').map(|line| line.trim_end().to_owned());
        let mut next = || lines.next().unwrap_or_default();
        Some(Hold { by: next(), since: next(), reason: next() })
    }

    /// The release that `current` resolves to.
    #[must_use]
    pub fn live(&self) -> Option<ReleaseId> {
        match &self.current {
            Current::Link { release: Some(name), .. } => {
                self.releases.iter().find(|entry| entry.name == *name).and_then(Entry::release)
            }
            _ => None,
        }
    }

    /// The directories that could be releases.
    pub fn release_entries(&self) -> impl Iterator<Item = (ReleaseId, &Entry)> {
        self.releases.iter().filter_map(|entry| entry.release().map(|id| (id, entry)))
    }

    /// What tells this unit from others, where the host could tell.
    #[must_use]
    pub fn unit(&self) -> Option<UnitIdentity> {
        let owner = self.deploy_to.owner.as_ref()?;
        let boot = self.boot.clone()?;
        Some(UnitIdentity { boot, directory: format!("{}:{}", owner.device, owner.inode) })
    }
}
