//! A running fleet of containers.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::{IpAddr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use russh::keys::PublicKey;

use super::image::{self, Image};
use super::machine::{self, Machine, Wanted};
use super::turn::Turn;
use super::{DEPLOYER, HOME, PROJECT, USER, docker, exec, sweep};

use crate::access::{AccessFiles, known_hosts, new_key, public_line, write_file};
use crate::background::Background;
use crate::error::{Doing, Result, TestbedError};
use crate::fleet::{FleetHost, RunAs, Running};
use crate::loopback;
use crate::output::HostOutput;
use crate::repo::{AppRepo, Scm};
use crate::spec::{Backend, FleetSpec, HostSpec};

const REPOSITORIES: &str = "svn";
const PORT: u16 = 2222;

/// The containers of a fleet, beyond what every fleet can do.
pub struct ContainerFleet {
    network: String,
    dir: PathBuf,
    repos: Vec<AppRepo>,
    machines: Mutex<Vec<Machine>>,
    background: Background,
    down: bool,
}

impl ContainerFleet {
    pub(crate) fn start(spec: &FleetSpec, dir: &Path, login_key: &PublicKey) -> Result<(Self, Vec<FleetHost>)> {
        docker::check_engine()?;
        let image = match &spec.image {
            Some(reference) => Image::named(reference),
            None => image::ensure(&|step| tracing::info!("{step}"))?,
        };
        let repos = make_repositories(&dir.join("repositories"))?;
        let turn = Turn::take()?;
        sweep::sweep_in_turn()?;
        let network = network_name();
        let fleet = ContainerFleet {
            network,
            dir: dir.to_owned(),
            repos,
            machines: Mutex::new(Vec::new()),
            background: Background::new("testbed-containers")?,
            down: false,
        };
        // From here on a failure drops the fleet, which removes what has been started.
        let started = fleet.come_up(spec, &image, login_key);
        // Before a failed fleet is dropped, which takes a turn of its own.
        drop(turn);
        started.map(|hosts| (fleet, hosts))
    }

    fn come_up(&self, spec: &FleetSpec, image: &Image, login_key: &PublicKey) -> Result<Vec<FleetHost>> {
        create_network(&self.network)?;
        let mut hosts = Vec::new();
        let mut wanted = Vec::new();
        let base = loopback::Base::pick();
        for (i, host) in spec.hosts.iter().enumerate() {
            let (host_wanted, described) = self.host(host, base, i, login_key)?;
            wanted.push(host_wanted);
            hosts.push(described);
        }
        wanted.push(self.repository_server());
        wanted.push(self.deployer(spec, &hosts)?);
        self.start_all(image, wanted)?;
        self.give_key_to_deployer()?;
        Ok(hosts)
    }

    fn host(
        &self,
        spec: &HostSpec,
        base: loopback::Base,
        index: usize,
        login_key: &PublicKey,
    ) -> Result<(Wanted, FleetHost)> {
        let key = new_key(&format!("of the host {}", spec.name))?;
        let address = base.address(index);
        // Where there is but one loopback address, each host has a port of its own.
        let port = if base.is_whole() { PORT } else { loopback::free_port(address)? };
        let described = FleetHost {
            name: spec.name.clone(),
            address: IpAddr::V4(address),
            port,
            user: USER.to_owned(),
            home: HOME.to_owned(),
            base: "/var/www".to_owned(),
            root: None,
            host_key: public_line(key.public_key())?,
        };
        let publish = SocketAddrV4::new(address, port);
        Ok((Wanted::host(spec, described.names(), publish, &key, login_key)?, described))
    }

    fn repository_server(&self) -> Wanted {
        Wanted::new(REPOSITORIES)
            .alias("svn.example.com")
            .alias("git.example.com")
            .command(&["/usr/local/sbin/testbed-repositories"], "repositories are served")
            .mount(&self.dir.join("repositories"), "/srv/repositories", true)
    }

    fn deployer(&self, spec: &FleetSpec, hosts: &[FleetHost]) -> Result<Wanted> {
        let project = self.project_dir();
        std::fs::create_dir_all(&project).doing(|| format!("create {}", project.display()))?;
        // Inside the network every host listens on port 22 of its own name.
        let inside: Vec<FleetHost> = hosts.iter().map(|h| FleetHost { port: 22, ..h.clone() }).collect();
        let known = self.dir.join("deployer/known_hosts");
        write_file(&known, known_hosts(&inside).as_bytes(), 0o644)?;
        let mut wanted = Wanted::new(DEPLOYER)
            .command(&["sh", "-c", "echo ready >&2; exec sleep 2147483647"], "ready")
            .mount(&self.dir.join("deployer"), "/testbed/known", true)
            .mount(&AccessFiles::within(&self.dir).identity, "/testbed/id_ed25519", true)
            .mount(&project, PROJECT, false);
        if let Some(cap) = &spec.cap {
            let cap = cap.canonicalize().doing(|| format!("find {}", cap.display()))?;
            wanted = wanted.mount(&cap, "/usr/local/bin/cap", true);
        }
        Ok(wanted)
    }

    fn start_all(&self, image: &Image, wanted: Vec<Wanted>) -> Result<()> {
        docker::check_still_there()?;
        let started = self.background.call(machine::start_all(image.clone(), self.network.clone(), wanted));
        let (machines, failure) = started.unwrap_or_default();
        *self.machines() = machines;
        failure.map_or(Ok(()), Err)?;
        // One after another: an engine's networks are what locks it up.
        self.machines().iter().try_for_each(|machine| machine.connect(&self.network))
    }

    /// Keys have to be the login's own for ssh to take them.
    fn give_key_to_deployer(&self) -> Result<()> {
        let script = "install -o deploy -g deploy -m 600 /testbed/id_ed25519 /home/deploy/.ssh/id_ed25519
            install -o deploy -g deploy -m 644 /testbed/known/known_hosts /home/deploy/.ssh/known_hosts
            chown deploy:deploy /home/deploy/project
            chmod 777 /home/deploy/project";
        let mut exec = self.exec(DEPLOYER, RunAs::Root, "/root", &["sh", "-ec", script])?;
        docker::must("give the deployer its key", docker::limit(), &mut exec).map(drop)
    }

    /// What the deployer made in its project directory has to be removable by whoever runs this.
    fn take_project_back(&self) {
        let uid = rustix::process::getuid();
        if !uid.is_root() && self.id(DEPLOYER).is_ok() {
            let argv = ["chown", "-R", &uid.as_raw().to_string(), PROJECT];
            let what = "take the project back";
            let taken = self.exec(DEPLOYER, RunAs::Root, "/", &argv);
            let taken = taken.and_then(|mut command| docker::run(what, docker::limit(), &mut command));
            if let Err(e) = taken {
                tracing::warn!("testbed: {e}");
            }
        }
    }

    fn machines(&self) -> MutexGuard<'_, Vec<Machine>> {
        self.machines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn id(&self, name: &str) -> Result<String> {
        self.machines()
            .iter()
            .find(|m| m.name == name)
            .map(|m| m.container.id().to_owned())
            .ok_or_else(|| TestbedError::UnknownHost { name: name.to_owned() })
    }

    fn exec(&self, name: &str, who: RunAs, dir: &str, argv: &[&str]) -> Result<Command> {
        Ok(exec(&self.id(name)?, who, dir, argv))
    }

    /// A docker command that runs these words in the deployer's project directory as its user:
    /// `["cap", "deploy"]`. For callers that stream and set a limit of their own; [`ContainerFleet::deploy`] waits.
    pub fn deployer_command(&self, argv: &[&str]) -> Result<Command> {
        self.exec(DEPLOYER, RunAs::Login, PROJECT, argv)
    }

    /// Runs these words in the deployer container and waits, five minutes at most.
    pub fn deploy(&self, argv: &[&str]) -> Result<HostOutput> {
        docker::run("run it in the deployer", docker::IN_CONTAINER, &mut self.deployer_command(argv)?)
    }

    /// Its own name: that of its network, and the value of the label `capstan.testbed.fleet` of all that it started.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.network
    }

    /// The project directory of the deployer, as this machine sees it.
    #[must_use]
    pub fn project_dir(&self) -> PathBuf {
        self.dir.join("project")
    }

    /// The repository behind `svn://svn.example.com/apps/my_cool_app/trunk` or
    /// `git://git.example.com/my_cool_app.git`; none for a system that this machine has not.
    #[must_use]
    pub fn repo(&self, scm: Scm) -> Option<&AppRepo> {
        self.repos.iter().find(|r| r.scm() == scm)
    }
}

/// A name for the private network of a fleet, and for the fleet.
fn network_name() -> String {
    let unique = RandomState::new().build_hasher().finish();
    format!("capstan-testbed-{}-{unique:016x}", std::process::id())
}

fn create_network(name: &str) -> Result<()> {
    let mut create = docker::docker(&["network", "create"]);
    for (key, value) in sweep::labels("network", name) {
        create.args(["--label", &format!("{key}={value}")]);
    }
    docker::must("make a network", docker::limit(), create.arg(name)).map(drop)
}

fn make_repositories(dir: &Path) -> Result<Vec<AppRepo>> {
    std::fs::create_dir_all(dir).doing(|| format!("create {}", dir.display()))?;
    [Scm::Git, Scm::Subversion]
        .into_iter()
        .filter(|scm| scm.is_installed())
        .map(|scm| AppRepo::create(dir, scm))
        .collect()
}

impl Running for ContainerFleet {
    fn backend(&self) -> Backend {
        Backend::Containers
    }

    fn run(&self, host: &FleetHost, who: RunAs, text: &str) -> Result<HostOutput> {
        let home = if who == RunAs::Root { "/root" } else { HOME };
        let mut command = self.exec(&host.name, who, home, &["/bin/sh", "-c", text])?;
        docker::run(&format!("run it on {}", host.name), docker::IN_CONTAINER, &mut command)
    }

    fn stop_host(&self, name: &str) -> Result<()> {
        let id = self.id(name)?;
        docker::ask(&format!("stop the host {name}"), &["kill", &id]).map(drop)
    }

    fn start_host(&self, name: &str) -> Result<()> {
        let id = self.id(name)?;
        docker::ask(&format!("start the host {name}"), &["start", &id])?;
        let listening = "grep -q ':0016 .* 0A ' /proc/net/tcp";
        let up = || {
            let probe = self.exec(name, RunAs::Root, "/", &["/bin/sh", "-c", listening]);
            let listens = probe.and_then(|mut p| docker::run("wait for its sshd", docker::limit(), &mut p));
            listens.is_ok_and(|out| out.ok())
        };
        let limit = std::time::Duration::from_secs(20);
        if crate::background::wait_until(limit, up) {
            return Ok(());
        }
        Err(TestbedError::Timeout {
            what: format!("the start of the host {name}"),
            seconds: limit.as_secs(),
            detail: docker::ask_again("read its log", &["logs", "--tail", "5", &id]).unwrap_or_default(),
        })
    }

    fn down(&mut self) -> Result<()> {
        if std::mem::replace(&mut self.down, true) {
            return Ok(());
        }
        self.take_project_back();
        let machines = std::mem::take(&mut *self.machines());
        let turn = match docker::check_still_there().and_then(|()| Turn::take()) {
            Ok(turn) => turn,
            Err(e) => {
                // Dropped, each would ask the engine once more; the next sweep removes them.
                std::mem::forget(machines);
                return Err(e);
            }
        };
        let removed = self.background.call(machine::remove_all(machines));
        if let Some(Err(e)) = removed {
            tracing::warn!("testbed: {e}");
        }
        // The network, and what never came up.
        let left = sweep::remove_fleet(&self.network);
        drop(turn);
        left
    }

    fn containers(&self) -> Option<&ContainerFleet> {
        Some(self)
    }
}

impl Drop for ContainerFleet {
    fn drop(&mut self) {
        if let Err(e) = self.down() {
            tracing::warn!("testbed: {e}");
        }
    }
}
