//! Built-in tasks as data: settings resolved by the recipe, turned into steps by the planner.

use crate::{Mark, Op, ReleaseId, RemotePath, Revision, Rollout};

/// A shared directory or file linked into each release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedLink {
    /// The place in the release, e.g. `public/system`.
    pub at: String,
    /// What it points to, e.g. `/var/www/shop/shared/system`.
    pub target: RemotePath,
}

/// `normalize_asset_timestamps`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetTouch {
    /// Directories below `public/`.
    pub children: Vec<String>,
    /// `YYYYMMDDhhmm.ss` in UTC.
    pub stamp: String,
}

/// Check the code out into a new release and link what is shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateCode {
    /// The new release.
    pub release: ReleaseId,
    /// What is checked out.
    pub revision: Revision,
    /// What people call it: `branch main`, `trunk`.
    pub label: String,
    /// The checkout, as ops (mostly [`Op::Script`]).
    pub checkout: Vec<Op>,
    /// Whether `REVISION` must be written by us.
    pub write_revision: bool,
    /// Links to `shared/`.
    pub links: Vec<SharedLink>,
    /// Whether the group may write the release.
    pub group_writable: bool,
    /// Whether and how asset time stamps are evened out.
    pub assets: Option<AssetTouch>,
    /// Whether a dangling link refuses the release (`set :dangling_links, :fail`).
    pub refuse_dangling: bool,
    /// Whether the release is flushed to disk before it can go live.
    pub flush: bool,
}

/// Make a release live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publish {
    /// Which.
    pub release: ReleaseId,
    /// Its revision, where known.
    pub revision: Option<Revision>,
    /// What people call it.
    pub label: String,
    /// What is written of it.
    pub log: LogLine,
    /// How it gets to the fleet, where that is not at once.
    pub rollout: Option<Rollout>,
}

/// The line that `revisions.log` gets when a release is live.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LogLine {
    /// As Capistrano 3 words it, by whoever deploys.
    #[default]
    Standard,
    /// The same under this name.
    By(String),
    /// The recipe's own words.
    Text(String),
    /// None: the recipe has replaced the task that writes it.
    Nothing,
}

/// Go back to an older release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollback {
    /// To which.
    pub to: ReleaseId,
    /// From which (live on the fleet now).
    pub from: Option<ReleaseId>,
    /// What is written of it.
    pub log: LogLine,
}

/// A built-in task that the planner knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Builtin {
    /// Make the layout (`deploy:setup`).
    Setup {
        /// Directories, outermost first.
        directories: Vec<RemotePath>,
        /// Whether the group may write them.
        group_writable: bool,
    },
    /// `deploy:update_code` with `deploy:finalize_update`.
    UpdateCode(Box<UpdateCode>),
    /// `deploy:create_symlink`.
    Publish(Publish),
    /// `deploy:rollback:revision`.
    Rollback(Rollback),
    /// `deploy:rollback:cleanup`: remove the release that was left.
    RemoveLeft {
        /// Which.
        release: ReleaseId,
        /// Whether it is kept as `rolled-back-release-ID.tar.gz` beside the releases (dialect 3).
        archive: bool,
    },
    /// `deploy:cleanup`.
    Cleanup {
        /// How many confirmed releases stay.
        keep: usize,
    },
    /// Set a mark on a release, or take it away.
    Mark {
        /// Which release.
        release: ReleaseId,
        /// Which mark.
        mark: Mark,
        /// Whether it is set.
        set: bool,
    },
    /// Lock the fleet against all runs until a person unlocks it; none unlocks it.
    Hold {
        /// Why.
        reason: Option<String>,
    },
    /// Small work that changes no release (the maintenance page).
    Ops {
        /// What it does.
        title: String,
        /// The ops.
        ops: Vec<Op>,
        /// How to undo it.
        undo: Vec<Op>,
    },
}
