//! The primitive actions of built-in work. One function compiles an op to sh text; another will apply it to a model.

use crate::{JournalEntry, ReleaseId, RemotePath, Revision, RunId};

/// A moment as people read it: UTC, `YYYY-MM-DDTHH:MM:SSZ`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct When(pub String);

/// What became of a release on one unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReleaseState {
    /// Its directory is being filled.
    Building,
    /// Complete, flushed to disk, could be switched to.
    Ready,
    /// `current` points to it.
    Live,
    /// It was live when the run that published it succeeded on the whole fleet.
    Confirmed,
    /// Removed by cleanup.
    Retired,
    /// Its run failed before it went live.
    Failed,
    /// It was live and was left by a rollback or put back.
    Reverted,
}

impl ReleaseState {
    /// The word in the ledger.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Building => "building",
            Self::Ready => "ready",
            Self::Live => "live",
            Self::Confirmed => "confirmed",
            Self::Retired => "retired",
            Self::Failed => "failed",
            Self::Reverted => "reverted",
        }
    }

    /// The state of a ledger word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Building, Self::Ready, Self::Live, Self::Confirmed, Self::Retired, Self::Failed, Self::Reverted]
            .into_iter()
            .find(|state| state.word() == word)
    }
}

/// A mark that a person sets on a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mark {
    /// Never roll back to it.
    Bad,
    /// Never remove it.
    Pinned,
}

/// One record of the ledger. The sequence number orders releases, never the name or the time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerEntry {
    /// Grows by one with each release that the unit has known; all records of a release carry the same.
    pub sequence: u64,
    /// The release.
    pub release: ReleaseId,
    /// What it became.
    pub state: ReleaseState,
    /// Its revision, where known.
    pub revision: Option<Revision>,
    /// The run that wrote the record.
    pub run: RunId,
    /// Who, on which machine: `alice@laptop`.
    pub by: String,
    /// When, by the deployer's clock; for people only.
    pub at: When,
}

/// What a switch expects to be live before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expect {
    /// No `current` at all: a first deploy.
    Nothing,
    /// This release, compared by device and inode.
    Release(ReleaseId),
    /// A link with this text, which names no release of ours.
    LinkText(String),
}

/// One primitive action on one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Make a directory and what is missing above it.
    MakeDir {
        /// Which.
        path: RemotePath,
    },
    /// Make our own state directory with its fixed mode.
    MakeStateDir {
        /// Which.
        path: RemotePath,
        /// Whether the group of `deploy_to` may use it too.
        group: bool,
    },
    /// Let the group write.
    GroupWritable {
        /// What.
        path: RemotePath,
        /// With everything below it.
        recursive: bool,
    },
    /// Remove what is at a place and put a link there.
    ReplaceWithLink {
        /// The place.
        at: RemotePath,
        /// What the link points to.
        target: RemotePath,
    },
    /// Write a small file under a temporary name and rename it.
    WriteFile {
        /// Where.
        path: RemotePath,
        /// What.
        content: String,
        /// Its mode; the login's umask decides where there is none.
        mode: Option<u32>,
    },
    /// Remove one file if it is there.
    RemoveFile {
        /// Which.
        path: RemotePath,
    },
    /// Run a piece of sh text made by another crate of ours (a checkout).
    Script {
        /// What it does, for people.
        title: String,
        /// The text. It must fail by its exit status.
        body: String,
    },
    /// Give the public assets of a release one and the same time stamp (Capistrano's `normalize_asset_timestamps`).
    TouchAssets {
        /// The release.
        release: RemotePath,
        /// Directories below its `public/`.
        children: Vec<String>,
        /// `YYYYMMDDhhmm.ss` in UTC.
        stamp: String,
    },
    /// Name links at the top two levels of a release that point nowhere; fail if asked to.
    CheckLinks {
        /// The release.
        release: RemotePath,
        /// Whether a dangling link is an error.
        refuse: bool,
    },
    /// Refuse to build where something is already.
    ClaimRelease {
        /// The release that is about to be made.
        release: RemotePath,
    },
    /// Bring the release to disk before it can go live.
    Flush {
        /// What.
        path: RemotePath,
    },
    /// Append to the ledger.
    Record(LedgerEntry),
    /// Append to the journal of the run. It is a help to whoever comes after: where it cannot be written the run goes on.
    Journal(JournalEntry),
    /// Append a line to a log that people read (`revisions.log`).
    AppendLine {
        /// The file.
        path: RemotePath,
        /// The line, without its end.
        line: String,
    },
    /// Have a link ready in the run's own directory, so that a switch is one rename.
    ReadyLink {
        /// To which release.
        release: ReleaseId,
    },
    /// Point `current` to a release: compare, rename, flush the directory, read back.
    Switch {
        /// To which release.
        to: ReleaseId,
        /// What must be live before.
        expect: Expect,
    },
    /// Prove which release is live.
    ReadBack {
        /// The release that must be.
        release: ReleaseId,
    },
    /// Remove `current` again: a first deploy is undone.
    Unpublish {
        /// The release it must point to.
        from: ReleaseId,
    },
    /// Put back a link that names no release of ours, as it was before the switch.
    RestoreLink {
        /// What it said.
        text: String,
        /// The release that is live now.
        from: ReleaseId,
    },
    /// Rename a release into the trash and delete it there; never the live one (by device and inode).
    RemoveRelease {
        /// Which.
        release: ReleaseId,
    },
    /// Record a release as failed and remove it, but only if this run claimed it: what stood in its way is left alone.
    AbandonRelease {
        /// The record; it names the release.
        failed: LedgerEntry,
    },
    /// Delete what earlier runs left in the trash.
    EmptyTrash,
}
