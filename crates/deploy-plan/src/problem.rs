//! A failure with all that a person needs: what, where, why. What to do next is the binary's to add.

use deploy_inventory::HostId;

use crate::Site;

/// Which kind of failure; hints and exit codes hang on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProblemKind {
    /// The recipe or the command line is wrong.
    Usage,
    /// The recipe itself failed while it was evaluated.
    Recipe,
    /// No host matches what a task asks for.
    NoHosts,
    /// A host could not be reached or refused the login.
    Connect,
    /// A host was lost while it worked.
    Lost,
    /// A host was lost after it had switched, and could not be put back with the others.
    NotUniform,
    /// Another run holds the lock.
    Locked,
    /// `deploy:setup` has not been run, or the layout is not ours to write.
    Layout,
    /// `current` is something else than a link.
    CurrentNotALink,
    /// The repository or revision could not be read.
    Scm,
    /// A command of the recipe or a built-in step ended with a failure.
    Step,
    /// The live release is not the one that the plan was made for.
    Changed,
    /// There is no release to go back to.
    NothingToRollBack,
    /// Hosts have different histories.
    HostsDisagree,
    /// A needed program is missing on a host.
    MissingTool,
    /// A password is needed and cannot be had.
    Password,
    /// Stopped by the user.
    Interrupted,
    /// A state that only a person can resolve.
    NeedsPerson,
    /// A part of a recipe that is not supported yet.
    Unsupported,
}

/// One failure on one host or of the run as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Which kind.
    pub kind: ProblemKind,
    /// The intention that failed, with its object: "check out revision 4711".
    pub what: String,
    /// The host, where it is one host's failure.
    pub host: Option<HostId>,
    /// The place in the recipe, where there is one.
    pub site: Option<Site>,
    /// The task it happened in.
    pub task: Option<String>,
    /// The cause as found.
    pub why: String,
    /// The last lines of output of that host.
    pub tail: Vec<String>,
    /// A next step that only the place of failure can know, e.g. the exact command for a host.
    pub next: Option<String>,
}

impl Problem {
    /// A failure without a place.
    #[must_use]
    pub fn new(kind: ProblemKind, what: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            kind,
            what: what.into(),
            host: None,
            site: None,
            task: None,
            why: why.into(),
            tail: Vec::new(),
            next: None,
        }
    }

    /// Adds the host.
    #[must_use]
    pub fn on(mut self, host: &HostId) -> Self {
        self.host = Some(host.clone());
        self
    }

    /// Adds the place in the recipe.
    #[must_use]
    pub fn at(mut self, site: Option<Site>) -> Self {
        self.site = site;
        self
    }

    /// Adds what to do next.
    #[must_use]
    pub fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }
}
