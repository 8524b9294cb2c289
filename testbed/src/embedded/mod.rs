//! Hosts inside this process: an SSH server per host on a loopback address of its own, running real
//! shells in that host's own home directory. Works for any user on any Unix machine.

mod agent;
mod command;
mod connection;
mod faults;
mod gate;
mod host;

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use russh::keys::PublicKey;
use tokio::net::TcpListener;

pub use faults::{Faults, HostStats};
use host::Host;

use crate::access::{new_key, public_line};
use crate::background::Background;
use crate::error::{Doing, Result, TestbedError};
use crate::fleet::{FleetHost, RunAs, Running};
use crate::loopback;
use crate::output::{self, HostOutput};
use crate::procs;
use crate::spec::{Backend, FleetSpec};

const USER: &str = "deploy";

/// The running servers.
pub(crate) struct EmbeddedFleet {
    hosts: Vec<Arc<Host>>,
    background: Background,
}

impl EmbeddedFleet {
    pub(crate) fn start(spec: &FleetSpec, dir: &Path, login_key: &PublicKey) -> Result<(Self, Vec<FleetHost>)> {
        let background = Background::new("testbed-ssh")?;
        let base = loopback::Base::pick();
        let mut fleet = EmbeddedFleet { hosts: Vec::new(), background };
        let mut described = Vec::new();
        for (i, host) in spec.hosts.iter().enumerate() {
            let listener = loopback::listen(base.address(i), 0)?;
            let addr = listener.local_addr().doing(|| "read a listener's address".to_owned())?;
            let root = dir.join("hosts").join(&host.name);
            host::make_root(&root)?;
            let key = new_key(&format!("of the host {}", host.name))?;
            let host_key = public_line(key.public_key())?;
            let host = Arc::new(Host::new(&host.name, USER, root, addr, login_key.clone(), key));
            fleet.power_on(&host, listener)?;
            described.push(describe(&host, host_key));
            fleet.hosts.push(host);
        }
        Ok((fleet, described))
    }

    fn power_on(&self, host: &Arc<Host>, listener: std::net::TcpListener) -> Result<()> {
        let _inside = self.background.handle().enter();
        let listener = TcpListener::from_std(listener).doing(|| format!("listen for the host {}", host.name))?;
        host.power_on(listener);
        Ok(())
    }

    fn host(&self, name: &str) -> Result<&Arc<Host>> {
        self.hosts.iter().find(|h| h.name == name).ok_or_else(|| TestbedError::UnknownHost { name: name.to_owned() })
    }

    pub(crate) fn faults(&self, name: &str, change: impl FnOnce(&mut Faults)) -> Result<()> {
        change(&mut self.host(name)?.faults());
        Ok(())
    }

    pub(crate) fn drop_connections(&self, name: &str) -> Result<()> {
        self.host(name)?.each_gate(gate::Gate::cut);
        Ok(())
    }

    pub(crate) fn freeze(&self, name: &str, frozen: bool) -> Result<()> {
        self.host(name)?.each_gate(|g| g.freeze(frozen));
        Ok(())
    }

    pub(crate) fn change_host_key(&self, name: &str) -> Result<()> {
        let host = self.host(name)?;
        host.set_host_key(new_key(&format!("of the host {name}"))?);
        Ok(())
    }

    pub(crate) fn stats(&self, name: &str) -> Result<HostStats> {
        Ok(self.host(name)?.stats().clone())
    }
}

fn describe(host: &Host, host_key: String) -> FleetHost {
    FleetHost {
        name: host.name.clone(),
        address: host.addr().ip(),
        port: host.addr().port(),
        user: USER.to_owned(),
        home: host.home().display().to_string(),
        base: "~".to_owned(),
        root: Some("/".into()),
        host_key,
    }
}

impl Running for EmbeddedFleet {
    fn backend(&self) -> Backend {
        Backend::Embedded
    }

    fn run(&self, host: &FleetHost, who: RunAs, text: &str) -> Result<HostOutput> {
        if who == RunAs::Root {
            return Err(TestbedError::Unsupported { backend: Backend::Embedded.name(), what: "run commands as root" });
        }
        let host = self.host(&host.name)?;
        let mut sh = Command::new("/bin/sh");
        sh.arg("-c").arg(text).env_clear().envs(host.environment()).current_dir(host.home());
        output::run(&mut sh)
    }

    fn stop_host(&self, name: &str) -> Result<()> {
        self.host(name)?.power_off();
        Ok(())
    }

    fn start_host(&self, name: &str) -> Result<()> {
        let host = self.host(name)?;
        if host.is_on() {
            return Ok(());
        }
        let SocketAddr::V4(addr) = host.addr() else {
            return Ok(());
        };
        self.power_on(host, loopback::listen(*addr.ip(), addr.port())?)
    }

    fn down(&mut self) -> Result<()> {
        let hosts: Vec<_> = self.hosts.drain(..).collect();
        hosts.iter().for_each(|h| h.disconnect());
        hosts.iter().for_each(|h| h.groups.kill_all());
        // One look at all processes for all hosts.
        procs::kill_homes(&hosts.iter().map(|h| h.home()).collect::<Vec<_>>());
        Ok(())
    }

    fn embedded(&self) -> Option<&EmbeddedFleet> {
        Some(self)
    }
}
