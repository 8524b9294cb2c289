//! Fleets of hosts to test deployments against, and something to deploy to them.
//!
//! A [`Fleet`] is a set of named hosts that any SSH client reaches by name through the fleet's own
//! key, known_hosts and ssh_config. There are three backends behind the one interface:
//!
//! * **embedded**: SSH servers inside the test process, one loopback address each. Commands are real
//!   shells in that host's own home directory. Any user, any Unix machine, milliseconds. Faults can be
//!   switched on: see [`Faults`].
//! * **sshd**: real OpenSSH, each host with a root file system, hostname and processes of its own, so
//!   that the same path is another directory on each. Linux and root; changes nothing on the machine.
//! * **containers** (feature `containers`): a private network on which `web1.example.com` and
//!   `svn.example.com` resolve, with a repository server and a deployer in containers of their own.
//!   The image is built without a registry.
//!
//! Beside the fleets: [`repo`] makes small real git and Subversion repositories and serves them,
//! [`project`] writes a recipe that deploys them, [`httpapp`] serves what is live, and [`load`] counts
//! the requests that a deployment fails. [`hostile`] breaks the protocol by script. The program `testbed` offers the same to people.
//!
//! Every call blocks, and all servers run on threads of their own; use it from any kind of test.
//! Everything that was started ends when the value is dropped; what a killed process leaves is found by
//! [`sweep`]. Commands on hosts come from tests and are trusted: a fleet is not a sandbox.
//!
//! Limits: embedded hosts have no pseudo-terminals, no sudo and one user, the one who runs the test;
//! daemons that leave their process group are found on Linux only. Hosts of the sshd backend share the
//! machine's network.
//!
//! ```
//! use deploy_testbed::FleetSpec;
//! use deploy_testbed::repo::{AppRepo, Scm};
//!
//! # fn main() -> deploy_testbed::Result<()> {
//! let fleet = FleetSpec::embedded().hosts(["web1", "db1"]).start()?;
//! let repo = AppRepo::create(&fleet.scratch("repo")?, Scm::Git)?;
//! let server = repo.serve()?;
//!
//! // What a deployment would do on a host; any SSH client gets there with `ssh -F <ssh_config> web1`.
//! let clone = format!("git clone --quiet {} app && cat app/VERSION", server.url());
//! assert_eq!(fleet.run("web1", &clone)?.text(), "1");
//! // The same path on another host is another directory.
//! assert!(!fleet.run("db1", "test -d app")?.ok());
//!
//! fleet.stop_host("db1")?;
//! fleet.down()
//! # }
//! ```

mod access;
mod background;
pub mod containers;
mod embedded;
mod error;
mod fleet;
pub mod hostile;
pub mod httpapp;
pub mod load;
mod loopback;
mod output;
mod procs;
pub mod project;
mod rake;
pub mod repo;
mod spec;
mod sshd;
pub mod sweep;
mod workdir;

pub use embedded::{Faults, HostStats};
pub use error::{Result, TestbedError};
pub use fleet::{Fleet, FleetHost, RunAs};
pub use output::HostOutput;
pub use spec::{Backend, DEFAULT_HOSTS, FleetSpec, HostSpec, LoginShell, Sudo, Userland};
