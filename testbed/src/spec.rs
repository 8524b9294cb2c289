//! What a fleet should look like: its backend, its hosts and their peculiarities.

use std::path::PathBuf;

use crate::error::Result;
use crate::fleet::Fleet;

/// Where the hosts of a fleet live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Backend {
    /// SSH servers inside this process.
    Embedded,
    /// OpenSSH on loopback addresses, each host in namespaces of its own.
    Sshd,
    /// Containers on a private network.
    Containers,
}

impl Backend {
    /// The name that people type.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Backend::Embedded => "embedded",
            Backend::Sshd => "sshd",
            Backend::Containers => "containers",
        }
    }
}

/// What a host has in its PATH.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Userland {
    /// The machine's (or the image's) own: GNU tools.
    #[default]
    Gnu,
    /// BusyBox applets, git and svn, nothing else.
    BusyBox,
}

/// The login shell of the user `deploy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LoginShell {
    /// `/bin/sh`: dash on Debian, ash on a BusyBox host.
    #[default]
    Sh,
    /// `/bin/bash`; not on a BusyBox host.
    Bash,
}

/// What `sudo` does for the user `deploy`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Sudo {
    /// Refuses.
    #[default]
    Refused,
    /// Works without a password.
    Free,
    /// Works with this password.
    Password(String),
}

/// One host to make.
#[derive(Debug, Clone)]
pub struct HostSpec {
    /// Its short name; it is also reached as `<name>.example.com`.
    pub name: String,
    /// What is in its PATH. The embedded backend has this machine's, always.
    pub userland: Userland,
    /// The login shell. The embedded backend has `/bin/sh`, always.
    pub shell: LoginShell,
    /// sudo; not on the embedded backend.
    pub sudo: Sudo,
    /// Small file systems of their own: path on the host and size as `mount` takes it (`"2m"`).
    /// Not on the embedded backend.
    pub tmpfs: Vec<(String, String)>,
    /// Directories of this machine that the host has as its own, for the login to write to: path on the host and
    /// directory. They outlive the host's power, and can lie where a flush costs nothing. On the sshd backend only.
    pub shared: Vec<(String, PathBuf)>,
}

impl HostSpec {
    /// An ordinary host.
    pub fn new(name: impl Into<String>) -> Self {
        HostSpec {
            name: name.into(),
            userland: Userland::Gnu,
            shell: LoginShell::Sh,
            sudo: Sudo::Refused,
            tmpfs: Vec::new(),
            shared: Vec::new(),
        }
    }

    /// With BusyBox instead of GNU tools.
    #[must_use]
    pub fn busybox(mut self) -> Self {
        self.userland = Userland::BusyBox;
        self
    }

    /// With this login shell.
    #[must_use]
    pub fn shell(mut self, shell: LoginShell) -> Self {
        self.shell = shell;
        self
    }

    /// With this sudo.
    #[must_use]
    pub fn sudo(mut self, sudo: Sudo) -> Self {
        self.sudo = sudo;
        self
    }

    /// With a file system of this size at this path.
    #[must_use]
    pub fn tmpfs(mut self, path: impl Into<String>, size: impl Into<String>) -> Self {
        self.tmpfs.push((path.into(), size.into()));
        self
    }

    /// With a directory of this machine at this path.
    #[must_use]
    pub fn shared(mut self, path: impl Into<String>, dir: impl Into<PathBuf>) -> Self {
        self.shared.push((path.into(), dir.into()));
        self
    }
}

/// A fleet to start.
#[derive(Debug, Clone)]
pub struct FleetSpec {
    /// Where its hosts live.
    pub backend: Backend,
    /// Its hosts.
    pub hosts: Vec<HostSpec>,
    /// Where its files go: an absent or empty directory, removed with the fleet. A fresh temporary
    /// directory if none.
    pub dir: Option<PathBuf>,
    /// The image's tag for containers; the one that `image::ensure` builds if none.
    pub image: Option<String>,
    /// The `cap` binary that is put into the deployer container.
    pub cap: Option<PathBuf>,
}

/// The hosts of the example recipe: two web servers, two application servers, one database.
pub const DEFAULT_HOSTS: [&str; 5] = ["web1", "web2", "app1", "app2", "db1"];

impl FleetSpec {
    /// The five default hosts on this backend.
    #[must_use]
    pub fn new(backend: Backend) -> Self {
        FleetSpec {
            backend,
            hosts: DEFAULT_HOSTS.iter().copied().map(HostSpec::new).collect(),
            dir: None,
            image: None,
            cap: None,
        }
    }

    /// On embedded SSH servers.
    #[must_use]
    pub fn embedded() -> Self {
        Self::new(Backend::Embedded)
    }

    /// On real sshd.
    #[must_use]
    pub fn sshd() -> Self {
        Self::new(Backend::Sshd)
    }

    /// In containers.
    #[must_use]
    pub fn containers() -> Self {
        Self::new(Backend::Containers)
    }

    /// With ordinary hosts of these names.
    #[must_use]
    pub fn hosts<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.hosts = names.into_iter().map(HostSpec::new).collect();
        self
    }

    /// With `host1` … `hostN`.
    #[must_use]
    pub fn count(self, n: usize) -> Self {
        self.hosts((1..=n).map(|i| format!("host{i}")))
    }

    /// With this host in place of the one of the same name, or in addition.
    #[must_use]
    pub fn with(mut self, host: HostSpec) -> Self {
        match self.hosts.iter_mut().find(|h| h.name == host.name) {
            Some(old) => *old = host,
            None => self.hosts.push(host),
        }
        self
    }

    /// With its files here.
    #[must_use]
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = Some(dir.into());
        self
    }

    /// With this `cap` binary in the deployer container.
    #[must_use]
    pub fn cap(mut self, cap: impl Into<PathBuf>) -> Self {
        self.cap = Some(cap.into());
        self
    }

    /// Starts it; returns when every host answers.
    pub fn start(self) -> Result<Fleet> {
        Fleet::start(self)
    }
}
