//! Where a deployment lives on a host.

use crate::{ReleaseId, RemotePath};

/// The directories of one deployment. The defaults are Capistrano's; a recipe may rename each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The root of the deployment.
    pub deploy_to: RemotePath,
    /// Where releases are made: `releases`.
    pub releases: RemotePath,
    /// What outlives releases: `shared`.
    pub shared: RemotePath,
    /// The link to the live release: `current`.
    pub current: RemotePath,
    /// Whether links are written relative to the directory that holds them.
    pub relative_links: bool,
    /// Whether the group may write what we make (v2 `:group_writable`).
    pub group_writable: bool,
}

impl Layout {
    /// Capistrano's layout below `deploy_to`.
    #[must_use]
    pub fn new(deploy_to: RemotePath) -> Self {
        Self {
            releases: deploy_to.join("releases"),
            shared: deploy_to.join("shared"),
            current: deploy_to.join("current"),
            deploy_to,
            relative_links: false,
            group_writable: true,
        }
    }

    /// The directory of a release.
    #[must_use]
    pub fn release(&self, id: &ReleaseId) -> RemotePath {
        self.releases.join(id.as_str())
    }

    /// Our own directory beside Capistrano's: lock, ledger, ready-made links, trash.
    #[must_use]
    pub fn state(&self) -> RemotePath {
        self.deploy_to.join(".capstan")
    }
}
