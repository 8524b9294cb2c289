//! The one interface over all backends: hosts, how to reach them, and switches to hurt them.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use crate::access::AccessFiles;
use crate::embedded::{EmbeddedFleet, Faults, HostStats};
use crate::error::{Doing, Result, TestbedError};
use crate::httpapp::Site;
use crate::output::HostOutput;
use crate::spec::{Backend, FleetSpec};
use crate::sshd::SshdFleet;
use crate::workdir::WorkDir;

/// One host of a running fleet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FleetHost {
    /// Short name.
    pub name: String,
    /// Where its SSH server listens, as seen from this machine.
    pub address: IpAddr,
    /// On this port.
    pub port: u16,
    /// The login.
    pub user: String,
    /// The login's home directory, as the host names it.
    pub home: String,
    /// Where applications go, as the host (or a recipe's `deploy_to`) names it: `~` or `/var/www`.
    pub base: String,
    /// The directory of this machine that the host has as its `/`: `/` itself for an embedded host.
    /// None if the host cannot be looked into from here (containers).
    pub root: Option<PathBuf>,
    /// The host's key as in known_hosts: algorithm and base64.
    pub host_key: String,
}

impl FleetHost {
    /// Every name it answers to.
    #[must_use]
    pub fn names(&self) -> [String; 2] {
        [self.name.clone(), format!("{}.example.com", self.name)]
    }

    /// A value for `deploy_to`: `base/application`.
    #[must_use]
    pub fn deploy_to(&self, application: &str) -> String {
        format!("{}/{application}", self.base)
    }

    /// What an application server on this host would serve: `current` below `deploy_to`. None if
    /// the host's files cannot be seen from here.
    #[must_use]
    pub fn site(&self, deploy_to: &str) -> Option<Site> {
        let root = self.root.as_deref()?;
        let current = self.local(&format!("{deploy_to}/current"))?;
        if root == Path::new("/") {
            return Some(Site::plain(current));
        }
        Some(Site::in_root(root, current.strip_prefix(root).ok()?))
    }

    /// A path of the host (absolute, or starting with `~`) as a path of this machine; none if it
    /// cannot be seen from here. Symbolic links on the way are not translated: see
    /// [`crate::httpapp`] for opening files below the host's own root.
    #[must_use]
    pub fn local(&self, path: &str) -> Option<PathBuf> {
        let absolute = match path.strip_prefix('~') {
            Some(rest) => format!("{}{rest}", self.home),
            None => path.to_owned(),
        };
        Some(self.root.as_ref()?.join(absolute.trim_start_matches('/')))
    }
}

/// As whom [`Fleet::run_as`] runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunAs {
    /// The login user.
    Login,
    /// The superuser, where the backend has one.
    Root,
}

/// What each backend does its own way.
pub(crate) trait Running: Send + Sync {
    fn backend(&self) -> Backend;
    fn run(&self, host: &FleetHost, who: RunAs, text: &str) -> Result<HostOutput>;
    fn stop_host(&self, name: &str) -> Result<()>;
    fn start_host(&self, name: &str) -> Result<()>;
    fn down(&mut self) -> Result<()>;
    fn embedded(&self) -> Option<&EmbeddedFleet> {
        None
    }
    #[cfg(feature = "containers")]
    fn containers(&self) -> Option<&crate::containers::ContainerFleet> {
        None
    }
}

/// A running fleet. All of it goes away when the value is dropped.
///
/// Every call blocks; the servers run on threads of their own, so that a fleet can be used from
/// any kind of test.
pub struct Fleet {
    /// Its hosts, in the order of the spec.
    pub hosts: Vec<FleetHost>,
    /// The private key of the login.
    pub identity: PathBuf,
    /// The hosts' keys, by address and by name.
    pub known_hosts: PathBuf,
    /// For `ssh -F` and `cap --ssh-config`: every host by name.
    pub ssh_config: PathBuf,
    /// All files of the fleet.
    pub dir: PathBuf,
    running: Box<dyn Running>,
    // After `running`: the backend must let go of the directory before it is removed.
    workdir: WorkDir,
}

impl std::fmt::Debug for Fleet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fleet")
            .field("backend", &self.running.backend())
            .field("dir", &self.dir)
            .field("hosts", &self.hosts)
            .finish_non_exhaustive()
    }
}

impl Fleet {
    /// Starts a fleet; returns when every host answers.
    pub fn start(spec: FleetSpec) -> Result<Self> {
        let workdir = WorkDir::create(spec.dir.as_deref(), spec.backend)?;
        let access = AccessFiles::within(workdir.path());
        let login_key = access.make_identity()?;
        let (running, hosts): (Box<dyn Running>, Vec<FleetHost>) = match spec.backend {
            Backend::Embedded => {
                let (fleet, hosts) = EmbeddedFleet::start(&spec, workdir.path(), &login_key)?;
                (Box::new(fleet), hosts)
            }
            Backend::Sshd => {
                let (fleet, hosts) = SshdFleet::start(&spec, workdir.path(), &login_key)?;
                (Box::new(fleet), hosts)
            }
            Backend::Containers => start_containers(&spec, workdir.path(), &login_key)?,
        };
        access.write(&hosts)?;
        Ok(Fleet {
            hosts,
            identity: access.identity,
            known_hosts: access.known_hosts,
            ssh_config: access.ssh_config,
            dir: workdir.path().to_owned(),
            running,
            workdir,
        })
    }

    /// Which backend it runs on.
    #[must_use]
    pub fn backend(&self) -> Backend {
        self.running.backend()
    }

    /// A host by its short or long name.
    pub fn host(&self, name: &str) -> Result<&FleetHost> {
        self.hosts
            .iter()
            .find(|h| h.names().iter().any(|n| n == name))
            .ok_or_else(|| TestbedError::UnknownHost { name: name.to_owned() })
    }

    /// Runs sh text on a host as the login user, from its home directory; not through SSH, so
    /// that a check does not rest on what it checks.
    pub fn run(&self, host: &str, text: &str) -> Result<HostOutput> {
        self.run_as(host, RunAs::Login, text)
    }

    /// The same as another user.
    pub fn run_as(&self, host: &str, who: RunAs, text: &str) -> Result<HostOutput> {
        self.running.run(self.host(host)?, who, text)
    }

    /// Pulls the plug: its server, its connections and all its processes are gone at once.
    pub fn stop_host(&self, host: &str) -> Result<()> {
        self.running.stop_host(&self.host(host)?.name)
    }

    /// Boots it again, at the same address with the same files.
    pub fn start_host(&self, host: &str) -> Result<()> {
        self.running.start_host(&self.host(host)?.name)
    }

    /// A directory of the fleet for the caller's own files, made on the first call.
    pub fn scratch(&self, name: &str) -> Result<PathBuf> {
        let dir = self.dir.join("scratch").join(name);
        fs::create_dir_all(&dir).doing(|| format!("create {}", dir.display()))?;
        Ok(dir)
    }

    /// Changes what goes wrong on an embedded host.
    pub fn faults(&self, host: &str, change: impl FnOnce(&mut Faults)) -> Result<()> {
        let name = &self.host(host)?.name;
        self.embedded("inject faults")?.faults(name, change)
    }

    /// Resets every connection to an embedded host; what runs there goes on, as under sshd.
    pub fn drop_connections(&self, host: &str) -> Result<()> {
        let name = &self.host(host)?.name;
        self.embedded("drop connections")?.drop_connections(name)
    }

    /// Makes every connection to an embedded host silent, or lets it speak again.
    pub fn freeze(&self, host: &str, frozen: bool) -> Result<()> {
        let name = &self.host(host)?.name;
        self.embedded("freeze connections")?.freeze(name, frozen)
    }

    /// Gives an embedded host a new key that known_hosts does not have.
    pub fn change_host_key(&self, host: &str) -> Result<()> {
        let name = &self.host(host)?.name;
        self.embedded("change host keys")?.change_host_key(name)
    }

    /// What clients have asked of an embedded host so far.
    pub fn stats(&self, host: &str) -> Result<HostStats> {
        let name = &self.host(host)?.name;
        self.embedded("count requests")?.stats(name)
    }

    fn embedded(&self, what: &'static str) -> Result<&EmbeddedFleet> {
        self.running.embedded().ok_or(TestbedError::Unsupported { backend: self.backend().name(), what })
    }

    /// What only the container fleet has: the deployer, the repository server.
    #[cfg(feature = "containers")]
    pub fn containers(&self) -> Result<&crate::containers::ContainerFleet> {
        self.running
            .containers()
            .ok_or(TestbedError::Unsupported { backend: self.backend().name(), what: "run a deployer container" })
    }

    /// Takes everything down and says what would not go.
    pub fn down(mut self) -> Result<()> {
        self.running.down()?;
        self.workdir.remove()
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        if let Err(e) = self.running.down() {
            tracing::warn!("testbed fleet in {}: {e}", self.dir.display());
        }
    }
}

#[cfg(feature = "containers")]
fn start_containers(
    spec: &FleetSpec,
    dir: &Path,
    key: &russh::keys::PublicKey,
) -> Result<(Box<dyn Running>, Vec<FleetHost>)> {
    let (fleet, hosts) = crate::containers::ContainerFleet::start(spec, dir, key)?;
    Ok((Box::new(fleet), hosts))
}

#[cfg(not(feature = "containers"))]
fn start_containers(_: &FleetSpec, _: &Path, _: &russh::keys::PublicKey) -> Result<(Box<dyn Running>, Vec<FleetHost>)> {
    Err(TestbedError::Unavailable {
        backend: Backend::Containers.name(),
        why: "deploy-testbed was built without its feature `containers`".to_owned(),
    })
}
