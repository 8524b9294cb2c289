//! Hosts in containers on a private network, where the example recipe's own names resolve, with a
//! repository server and a deployer in containers of their own.
//!
//! Starting them takes the feature `containers`; the image, the sweep and reaching into a running
//! fleet take the `docker` program only.

mod docker;
#[cfg(feature = "containers")]
mod fleet;
pub mod image;
#[cfg(feature = "containers")]
mod machine;
pub mod sweep;
mod turn;

use std::path::Path;
use std::process::Command;

#[cfg(feature = "containers")]
pub use fleet::ContainerFleet;

use crate::fleet::RunAs;
use crate::repo::{APPLICATION, Scm};

const USER: &str = "deploy";
const HOME: &str = "/home/deploy";
const PROJECT: &str = "/home/deploy/project";
const DEPLOYER: &str = "deployer";

/// Every container, network and image of a testbed has this label.
const LABEL: &str = "capstan.testbed";

/// The URL, on the fleet's network, of the repository that every container fleet has.
#[must_use]
pub fn repo_url(scm: Scm) -> String {
    match scm {
        Scm::Git => format!("git://git.example.com/{APPLICATION}.git"),
        Scm::Subversion => format!("svn://svn.example.com/apps/{APPLICATION}/trunk"),
    }
}

/// A docker command that runs these words in a container.
fn exec(id: &str, who: RunAs, dir: &str, argv: &[&str]) -> Command {
    let (user, home) = match who {
        RunAs::Login => (USER, HOME),
        RunAs::Root => ("root", "/root"),
    };
    let mut command = docker::docker(&["exec", "--user", user, "--workdir", dir]);
    command.args(["--env", &format!("HOME={home}"), "--env", &format!("USER={user}")]).arg(id).args(argv);
    command
}

/// A docker command that runs these words in the deployer of a fleet that another process holds.
#[must_use]
pub fn command_in_deployer(fleet: &Path, argv: &[&str]) -> Option<Command> {
    Some(exec(&sweep::deployer_of(fleet)?, RunAs::Login, PROJECT, argv))
}
