//! Hosts of real OpenSSH: one sshd per loopback address, each with a root file system, a hostname
//! and processes of its own. Needs root on Linux; changes nothing on the machine.

mod machine;
mod root;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddrV4, TcpListener};
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use russh::keys::PublicKey;

use machine::Machine;
use root::{Common, HOME, Root, USER};

use crate::error::{Result, TestbedError};
use crate::fleet::{FleetHost, RunAs, Running};
use crate::loopback;
use crate::output::{self, HostOutput, find_program};
use crate::spec::{Backend, FleetSpec};

const PORT: u16 = 2222;

/// The hosts.
pub(crate) struct SshdFleet {
    hosts: Vec<Host>,
    up: Mutex<HashMap<String, Machine>>,
}

struct Host {
    name: String,
    addr: SocketAddrV4,
    root: Root,
}

impl SshdFleet {
    pub(crate) fn start(spec: &FleetSpec, dir: &Path, login_key: &PublicKey) -> Result<(Self, Vec<FleetHost>)> {
        check_machine()?;
        let addrs = addresses(spec.hosts.len());
        let hosts_file = hosts_file(spec, &addrs);
        let common = Common { hosts_file: &hosts_file, login_key };
        let mut hosts = Vec::new();
        for (host, addr) in spec.hosts.iter().zip(addrs) {
            let root = Root::make(dir.join("hosts").join(&host.name), host, addr, &common)?;
            hosts.push(Host { name: host.name.clone(), addr, root });
        }
        let fleet = SshdFleet { hosts, up: Mutex::new(HashMap::new()) };
        for host in &fleet.hosts {
            let machine = Machine::boot(&host.root, &host.name)?;
            fleet.up().insert(host.name.clone(), machine);
        }
        for host in &fleet.hosts {
            fleet.wait_up(host)?;
        }
        let described = fleet.hosts.iter().map(describe).collect();
        Ok((fleet, described))
    }

    fn up(&self) -> MutexGuard<'_, HashMap<String, Machine>> {
        self.up.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn host(&self, name: &str) -> Result<&Host> {
        self.hosts.iter().find(|h| h.name == name).ok_or_else(|| TestbedError::UnknownHost { name: name.to_owned() })
    }

    fn wait_up(&self, host: &Host) -> Result<()> {
        match self.up().get(&host.name) {
            Some(machine) => machine.wait_up(host.addr, &host.root.path),
            None => Ok(()),
        }
    }
}

fn describe(host: &Host) -> FleetHost {
    FleetHost {
        name: host.name.clone(),
        address: IpAddr::V4(*host.addr.ip()),
        port: host.addr.port(),
        user: USER.to_owned(),
        home: HOME.to_owned(),
        base: "/var/www".to_owned(),
        root: Some(host.root.path.clone()),
        host_key: host.root.host_key.clone(),
    }
}

/// An address per host on which the port is free.
fn addresses(n: usize) -> Vec<SocketAddrV4> {
    loop {
        let base = loopback::Base::pick();
        let addrs: Vec<_> = (0..n).map(|i| SocketAddrV4::new(base.address(i), PORT)).collect();
        if addrs.iter().all(|a| TcpListener::bind(a).is_ok()) {
            return addrs;
        }
    }
}

fn hosts_file(spec: &FleetSpec, addrs: &[SocketAddrV4]) -> String {
    let mut text = "127.0.0.1 localhost\n".to_owned();
    for (host, addr) in spec.hosts.iter().zip(addrs) {
        text.push_str(&format!("{} {name}.example.com {name}\n", addr.ip(), name = host.name));
    }
    text
}

/// Says what is missing, if anything is.
fn check_machine() -> Result<()> {
    let missing = |why: &str| Err(TestbedError::Unavailable { backend: Backend::Sshd.name(), why: why.to_owned() });
    if !cfg!(target_os = "linux") {
        return missing("it rests on Linux namespaces");
    }
    if !rustix::process::geteuid().is_root() {
        return missing("it needs root, for namespaces and mounts");
    }
    for (program, package) in [("sshd", "openssh-server"), ("unshare", "util-linux"), ("nsenter", "util-linux")] {
        if find_program(program).is_none() {
            return missing(&format!("`{program}` is missing: apt-get install {package}"));
        }
    }
    let mut probe = Command::new("unshare");
    probe.args(["--mount", "--uts", "--pid", "--fork", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]);
    let out = output::run(&mut probe)?;
    if !out.ok() {
        return missing(&format!("namespaces are not allowed here: {}", out.stderr.trim()));
    }
    Ok(())
}

impl Running for SshdFleet {
    fn backend(&self) -> Backend {
        Backend::Sshd
    }

    fn run(&self, host: &FleetHost, who: RunAs, text: &str) -> Result<HostOutput> {
        // The lock is not held while the command runs: the number of process 1 is enough.
        let mut command = match self.up().get(&host.name) {
            Some(machine) => machine.command(who, text)?,
            None => return Err(machine::not_up(&host.name)),
        };
        output::run(&mut command)
    }

    fn stop_host(&self, name: &str) -> Result<()> {
        let machine = self.up().remove(name);
        machine.map_or(Ok(()), Machine::power_off)
    }

    fn start_host(&self, name: &str) -> Result<()> {
        let host = self.host(name)?;
        if self.up().contains_key(name) {
            return Ok(());
        }
        let machine = Machine::boot(&host.root, name)?;
        machine.wait_up(host.addr, &host.root.path)?;
        self.up().insert(name.to_owned(), machine);
        Ok(())
    }

    fn down(&mut self) -> Result<()> {
        let mut machines: Vec<Machine> = self.up().drain().map(|(_, m)| m).collect();
        machines.iter_mut().for_each(Machine::unplug);
        machines.into_iter().try_for_each(Machine::power_off)
    }
}

impl Drop for SshdFleet {
    /// A fleet of which a host did not start is dropped before anyone could call `down`.
    fn drop(&mut self) {
        if let Err(e) = self.down() {
            tracing::warn!("testbed: {e}");
        }
    }
}
