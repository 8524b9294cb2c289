//! One container: what is asked for, and its life.

use std::net::SocketAddrV4;
use std::path::Path;
use std::time::Duration;

use russh::keys::{PrivateKey, PublicKey};
use testcontainers::bollard::models::PortBinding;
use testcontainers::core::{AccessMode, IntoContainerPort, Mount, WaitFor};
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, ContainerRequest, GenericImage, ImageExt};
use tokio::task::JoinSet;

use super::image::Image;
use super::{docker, sweep};
use crate::access::public_line;
use crate::error::{Result, TestbedError};
use crate::spec::{HostSpec, LoginShell, Sudo, Userland};

/// For a container to be made, started and ready. The client library itself waits two minutes for one answer and one
/// minute for a container to be ready.
const START: Duration = Duration::from_secs(180);

/// A running container.
pub(super) struct Machine {
    pub(super) name: String,
    aliases: Vec<String>,
    pub(super) container: ContainerAsync<GenericImage>,
}

/// A container to start.
pub(super) struct Wanted {
    name: String,
    aliases: Vec<String>,
    command: Vec<String>,
    ready: String,
    env: Vec<(&'static str, String)>,
    files: Vec<(&'static str, Vec<u8>)>,
    mounts: Vec<Mount>,
    publish: Option<SocketAddrV4>,
}

impl Wanted {
    /// A container that does nothing yet.
    pub(super) fn new(name: &str) -> Self {
        Wanted {
            name: name.to_owned(),
            aliases: vec![name.to_owned()],
            command: Vec::new(),
            ready: String::new(),
            env: Vec::new(),
            files: Vec::new(),
            mounts: Vec::new(),
            publish: None,
        }
    }

    /// A host with sshd, published on this address of this machine.
    pub(super) fn host(
        spec: &HostSpec,
        names: [String; 2],
        publish: SocketAddrV4,
        key: &PrivateKey,
        login_key: &PublicKey,
    ) -> Result<Self> {
        let mut wanted =
            Wanted::new(&spec.name).command(&["/usr/local/sbin/testbed-host"], "Server listening on 0.0.0.0 port 22.");
        wanted.aliases = names.into();
        wanted.publish = Some(publish);
        let text = key.to_openssh(russh::keys::ssh_key::LineEnding::LF);
        let text =
            text.map_err(|e| TestbedError::Key { what: format!("of the host {}", spec.name), source: Box::new(e) })?;
        let authorized = format!("{}\n", public_line(login_key)?);
        wanted.files = vec![
            ("/etc/ssh/ssh_host_ed25519_key", text.as_bytes().to_vec()),
            ("/testbed/authorized_keys", authorized.into_bytes()),
        ];
        wanted.env = vec![
            ("TESTBED_USERLAND", userland(spec.userland).to_owned()),
            ("TESTBED_SHELL", shell(spec.shell).to_owned()),
            ("TESTBED_SUDO", sudo(&spec.sudo)?),
        ];
        for (path, size) in &spec.tmpfs {
            wanted.mounts.push(Mount::tmpfs_mount(path).with_size(size).with_mode(0o1777));
        }
        Ok(wanted)
    }

    /// Another name on the network.
    pub(super) fn alias(mut self, name: &str) -> Self {
        self.aliases.push(name.to_owned());
        self
    }

    /// What it runs, and the line of its stderr that says it is ready.
    pub(super) fn command(mut self, argv: &[&str], ready: &str) -> Self {
        self.command = argv.iter().map(|a| (*a).to_owned()).collect();
        ready.clone_into(&mut self.ready);
        self
    }

    /// A file or directory of this machine.
    pub(super) fn mount(mut self, from: &Path, to: &str, read_only: bool) -> Self {
        let mode = if read_only { AccessMode::ReadOnly } else { AccessMode::ReadWrite };
        let mount = Mount::bind_mount(from.display().to_string(), to).with_access_mode(mode);
        self.mounts.push(mount);
        self
    }

    fn request(&self, image: &Image, fleet: &str) -> ContainerRequest<GenericImage> {
        let mut request = GenericImage::new(&image.name, &image.tag)
            .with_wait_for(WaitFor::message_on_stderr(&self.ready))
            .with_cmd(&self.command)
            .with_hostname(&self.name)
            .with_labels(sweep::labels(&self.name, fleet));
        for (name, value) in &self.env {
            request = request.with_env_var(*name, value);
        }
        for (path, content) in &self.files {
            request = request.with_copy_to(*path, content.clone());
        }
        for mount in &self.mounts {
            request = request.with_mount(mount.clone());
        }
        if let Some(publish) = self.publish {
            let binding =
                PortBinding { host_ip: Some(publish.ip().to_string()), host_port: Some(publish.port().to_string()) };
            // The address and port are fixed, because a port that the engine chose changes with
            // every start, and is open to the whole network.
            request = request.with_mapped_port(publish.port(), 22.tcp()).with_host_config_modifier(move |config| {
                config.publish_all_ports = Some(false);
                config.port_bindings = Some([("22/tcp".to_owned(), Some(vec![binding.clone()]))].into());
            });
        } else {
            request = request.with_host_config_modifier(|config| config.publish_all_ports = Some(false));
        }
        request
    }

    async fn start(self, image: Image, fleet: String) -> Result<Machine> {
        let starting = self.request(&image, &fleet).start();
        let container = within(&format!("start the container {}", self.name), START, starting).await?;
        Ok(Machine { name: self.name, aliases: self.aliases, container })
    }
}

impl Machine {
    /// Joins the private network under its names, which the client library has no means for.
    pub(super) fn connect(&self, network: &str) -> Result<()> {
        let mut command = docker::docker(&["network", "connect"]);
        for alias in &self.aliases {
            command.args(["--alias", alias]);
        }
        command.args([network, self.container.id()]);
        docker::must(&format!("put {} on the network {network}", self.name), docker::limit(), &mut command).map(drop)
    }
}

/// Waits for the engine, but not for ever.
async fn within<T, E: std::error::Error + Send + Sync + 'static>(
    what: &str,
    limit: Duration,
    call: impl Future<Output = Result<T, E>>,
) -> Result<T> {
    match tokio::time::timeout(limit, call).await {
        Ok(done) => done.map_err(|e| TestbedError::Engine { what: what.to_owned(), source: Box::new(e) }),
        Err(_) => {
            let call = format!("the engine's interface (to {what})");
            docker::fell_silent(&call);
            Err(docker::no_answer(&call, limit))
        }
    }
}

/// Starts containers, a few at a time; gives those that run and the first failure.
pub(super) async fn start_all(
    image: Image,
    fleet: String,
    wanted: Vec<Wanted>,
) -> (Vec<Machine>, Option<TestbedError>) {
    let (mut machines, mut failure) = (Vec::new(), None);
    let mut tasks = JoinSet::new();
    let mut wanted = wanted.into_iter();
    loop {
        while tasks.len() < 4
            && failure.is_none()
            && let Some(next) = wanted.next()
        {
            tasks.spawn(next.start(image.clone(), fleet.clone()));
        }
        match tasks.join_next().await {
            None => return (machines, failure),
            Some(Ok(Ok(machine))) => machines.push(machine),
            Some(Ok(Err(e))) => failure = failure.or(Some(e)),
            Some(Err(e)) => {
                let e = TestbedError::Engine { what: "start a container".to_owned(), source: Box::new(e) };
                failure = failure.or(Some(e));
            }
        }
    }
}

/// Removes containers, one after another; gives the first failure. Side by side they lock up the engine for good now and
/// then: up to Docker 20.10 one container that leaves a network waits for another that is struck off it, and that one for
/// the first (moby/libnetwork, pull request 2679).
pub(super) async fn remove_all(machines: Vec<Machine>) -> Result<()> {
    let mut result = Ok(());
    for machine in machines {
        let what = format!("remove the container {}", machine.name);
        result = result.and(within(&what, docker::limit(), machine.container.rm()).await);
    }
    result
}

fn userland(userland: Userland) -> &'static str {
    match userland {
        Userland::Gnu => "gnu",
        Userland::BusyBox => "busybox",
    }
}

fn shell(shell: LoginShell) -> &'static str {
    match shell {
        LoginShell::Sh => "/bin/sh",
        LoginShell::Bash => "/bin/bash",
    }
}

fn sudo(sudo: &Sudo) -> Result<String> {
    Ok(match sudo {
        Sudo::Refused => "refused".to_owned(),
        Sudo::Free => "free".to_owned(),
        Sudo::Password(word) => crate::access::hash_password(word)?,
    })
}
