//! What the engine needs from the outside: connections, a clock, an observer, an answer to password questions.

use std::sync::Arc;

use async_trait::async_trait;
use deploy_inventory::{Host, HostId};
use deploy_plan::{Clock, Observer, Problem};
use deploy_transport::{ConnectError, Connector, Secret, Target};

/// Turns what a recipe says about a host into a target, and a refused connection into a problem for people.
pub trait Dialer: Send + Sync {
    /// The target of a host: the recipe's options over `ssh_config` over defaults.
    ///
    /// # Errors
    /// When the recipe's options make no sense.
    fn target(&self, host: &Host) -> Result<Target, Problem>;

    /// Who makes connections.
    fn connector(&self) -> &Arc<dyn Connector>;

    /// A failed connection in words.
    fn refused(&self, target: &Target, error: &ConnectError) -> Problem;
}

/// Answers the question for a `sudo` password.
#[async_trait]
pub trait SudoPassword: Send + Sync {
    /// Asks, on behalf of this host and all that are like it; `again` when the answer before was wrong. None when nobody can
    /// be asked.
    async fn ask(&self, host: &HostId, again: bool) -> Option<Secret>;
}

/// The person who runs it, where there is one at a terminal.
#[async_trait]
pub trait Person: Send + Sync {
    /// Whether there is somebody to ask.
    fn is_there(&self) -> bool;

    /// Asks whether to go on. Anything but a yes is a no, and so is the end of the input.
    async fn agrees(&self, question: &str) -> bool;
}

/// All of them.
pub struct Ports {
    /// Connections.
    pub dialer: Box<dyn Dialer>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Whoever watches.
    pub observer: Arc<dyn Observer>,
    /// Passwords for `sudo`.
    pub sudo: Box<dyn SudoPassword>,
    /// Decisions that are asked for on the way.
    pub person: Box<dyn Person>,
}
