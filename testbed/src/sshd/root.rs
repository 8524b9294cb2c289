//! The root file system of an sshd host: a directory with users, keys and settings of its own, into
//! which the machine's programs are mounted read-only, inside the host's namespaces only.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use russh::keys::PublicKey;

use crate::access::{hash_password, new_key, public_line, write_file, write_key};
use crate::error::{Doing, Result, TestbedError};
use crate::output::{find_program, must};
use crate::spec::{HostSpec, LoginShell, Sudo, Userland};

/// The login's number: one that ordinary machines have not given away.
pub(super) const UID: u32 = 20022;
/// The login's name.
pub(super) const USER: &str = "deploy";
/// Its home on every host.
pub(super) const HOME: &str = "/home/deploy";
/// Where programs of the testbed's own are.
const BIN: &str = "/opt/testbed/bin";

/// One mount that the host's start script makes.
#[derive(Debug)]
pub(super) enum Mount {
    /// A file or directory of this machine, read-only.
    ReadOnly(PathBuf, PathBuf),
    /// A directory of this machine with all that is mounted in it.
    Everything(PathBuf, PathBuf),
    /// Pseudo-terminals of the host's own.
    Terminals(PathBuf),
    /// A small file system.
    Tmpfs(String, PathBuf),
}

/// A root that is ready but for its mounts.
#[derive(Debug)]
pub(super) struct Root {
    pub(super) path: PathBuf,
    pub(super) mounts: Vec<Mount>,
    pub(super) host_key: String,
}

/// What all hosts have in common.
pub(super) struct Common<'a> {
    /// Lines of `/etc/hosts`.
    pub(super) hosts_file: &'a str,
    pub(super) login_key: &'a PublicKey,
}

impl Root {
    /// Makes the directory.
    pub(super) fn make(
        path: PathBuf,
        spec: &HostSpec,
        listen: std::net::SocketAddrV4,
        common: &Common<'_>,
    ) -> Result<Self> {
        let mut root = Root { path, mounts: Vec::new(), host_key: String::new() };
        root.directories()?;
        root.devices()?;
        root.users(spec)?;
        root.settings(spec, common)?;
        root.ssh(listen, common)?;
        match spec.userland {
            Userland::Gnu => root.gnu()?,
            Userland::BusyBox => root.busybox()?,
        }
        for (path, size) in &spec.tmpfs {
            let at = root.dir(path.trim_start_matches('/'), 0o755)?;
            root.mounts.push(Mount::Tmpfs(size.clone(), at));
        }
        for (path, dir) in &spec.shared {
            let at = root.dir(path.trim_start_matches('/'), 0o755)?;
            fs::create_dir_all(dir).doing(|| format!("create {}", dir.display()))?;
            own(dir)?;
            root.mounts.push(Mount::Everything(dir.clone(), at));
        }
        Ok(root)
    }

    fn dir(&self, relative: &str, mode: u32) -> Result<PathBuf> {
        let path = self.path.join(relative);
        let doing = || format!("create {}", path.display());
        fs::create_dir_all(&path).doing(doing)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).doing(doing)?;
        Ok(path)
    }

    fn file(&self, relative: &str, content: &str, mode: u32) -> Result<()> {
        write_file(&self.path.join(relative), content.as_bytes(), mode)
    }

    fn directories(&self) -> Result<()> {
        for d in ["", "dev", "proc", "etc", "var", "var/log", "run", "run/sshd", "home", "opt", "usr"] {
            self.dir(d, 0o755)?;
        }
        for (d, mode) in [("root", 0o700), ("tmp", 0o1777), ("var/tmp", 0o1777)] {
            self.dir(d, mode)?;
        }
        for d in ["home/deploy", "var/www"] {
            let path = self.dir(d, 0o755)?;
            own(&path)?;
        }
        self.file(&format!("{}/rake", BIN.trim_start_matches('/')), crate::rake::SCRIPT, 0o755)
    }

    /// The devices that programs expect, and no disks. Where device files cannot be made or do not
    /// work (`nodev`), the machine's own.
    fn devices(&mut self) -> Result<()> {
        let dev = self.dir("dev", 0o755)?;
        if make_devices(&dev).is_err() || fs::write(dev.join("null"), b"x").is_err() {
            self.mounts.push(Mount::Everything("/dev".into(), dev));
            return Ok(());
        }
        self.dir("dev/shm", 0o1777)?;
        let pts = self.dir("dev/pts", 0o755)?;
        self.mounts.push(Mount::Terminals(pts));
        for (name, target) in [
            ("ptmx", "pts/ptmx"),
            ("fd", "/proc/self/fd"),
            ("stdin", "/proc/self/fd/0"),
            ("stdout", "/proc/self/fd/1"),
            ("stderr", "/proc/self/fd/2"),
        ] {
            symlink(target, dev.join(name)).doing(|| format!("make /dev/{name}"))?;
        }
        Ok(())
    }

    fn users(&self, spec: &HostSpec) -> Result<()> {
        let shell = match spec.shell {
            LoginShell::Sh => "/bin/sh",
            LoginShell::Bash => "/bin/bash",
        };
        let password = match &spec.sudo {
            Sudo::Password(word) => hash_password(word)?,
            Sudo::Refused | Sudo::Free => "*".to_owned(),
        };
        let passwd = format!(
            "root:x:0:0:root:/root:/bin/sh\n\
             sshd:x:100:65534::/run/sshd:/usr/sbin/nologin\n\
             nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n\
             {USER}:x:{UID}:{UID}::{HOME}:{shell}\n"
        );
        self.file("etc/passwd", &passwd, 0o644)?;
        let group = format!("root:x:0:\ntty:x:5:\nsudo:x:27:\nnogroup:x:65534:\n{USER}:x:{UID}:\n");
        self.file("etc/group", &group, 0o644)?;
        let shadow = format!(
            "root:*:19000:0:99999:7:::\nsshd:!:19000::::::\nnobody:*:19000:0:99999:7:::\n\
             {USER}:{password}:19000:0:99999:7:::\n"
        );
        self.file("etc/shadow", &shadow, 0o640)?;
        let rule = match spec.sudo {
            Sudo::Refused => String::new(),
            Sudo::Free => format!("{USER} ALL=(ALL:ALL) NOPASSWD: ALL\n"),
            Sudo::Password(_) => format!("{USER} ALL=(ALL:ALL) ALL\n"),
        };
        self.file("etc/sudoers", &format!("root ALL=(ALL:ALL) ALL\n{rule}"), 0o440)
    }

    fn settings(&self, spec: &HostSpec, common: &Common<'_>) -> Result<()> {
        let pam = "auth required pam_unix.so\naccount required pam_unix.so\nsession required pam_permit.so\n";
        for service in ["sudo", "sudo-i", "su", "other"] {
            self.file(&format!("etc/pam.d/{service}"), pam, 0o644)?;
        }
        self.file("etc/hostname", &format!("{}\n", spec.name), 0o644)?;
        self.file("etc/hosts", common.hosts_file, 0o644)?;
        let nss = "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n";
        self.file("etc/nsswitch.conf", nss, 0o644)?;
        // The loader's cache and the resolver's servers are the machine's, by copy.
        for name in ["ld.so.cache", "ld.so.conf", "resolv.conf"] {
            let from = Path::new("/etc").join(name);
            if let Ok(content) = fs::read(&from) {
                write_file(&self.path.join("etc").join(name), &content, 0o644)?;
            }
        }
        Ok(())
    }

    fn ssh(&mut self, listen: std::net::SocketAddrV4, common: &Common<'_>) -> Result<()> {
        let key = new_key(&format!("of the host in {}", self.path.display()))?;
        write_key(&key, &self.path.join("etc/ssh/ssh_host_ed25519_key"))?;
        self.host_key = public_line(key.public_key())?;
        let config = format!(
            "ListenAddress {listen}\n\
             HostKey /etc/ssh/ssh_host_ed25519_key\n\
             PidFile none\n\
             UsePAM no\n\
             UseDNS no\n\
             PasswordAuthentication no\n\
             KbdInteractiveAuthentication no\n\
             PermitRootLogin no\n\
             AllowUsers {USER}\n\
             PrintMotd no\n\
             PrintLastLog no\n\
             MaxStartups 500\n\
             LogLevel VERBOSE\n\
             AcceptEnv LANG LC_*\n\
             SetEnv PATH={BIN}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin\n\
             Subsystem sftp internal-sftp\n"
        );
        self.file("etc/ssh/sshd_config", &config, 0o644)?;
        let ssh_dir = self.dir("home/deploy/.ssh", 0o700)?;
        let line = format!("{}\n", public_line(common.login_key)?);
        self.file("home/deploy/.ssh/authorized_keys", &line, 0o600)?;
        own(&ssh_dir)?;
        own(&ssh_dir.join("authorized_keys"))
    }

    /// The machine's programs, all of them.
    fn gnu(&mut self) -> Result<()> {
        self.read_only(Path::new("/usr"))?;
        for name in ["bin", "sbin", "lib", "lib32", "lib64", "libx32"] {
            self.top_level(name)?;
        }
        for dir in ["/etc/alternatives", "/etc/ssl"] {
            self.read_only(Path::new(dir))?;
        }
        Ok(())
    }

    /// BusyBox applets, and of the machine's programs git, svn with svnversion, ssh and sshd with their libraries.
    fn busybox(&mut self) -> Result<()> {
        let busybox = find_program("busybox").ok_or_else(|| TestbedError::Unavailable {
            backend: "sshd",
            why: "a BusyBox host was asked for and `busybox` is not installed".to_owned(),
        })?;
        let applets = must("list the applets", Command::new(&busybox).arg("--list"))?;
        let bin = self.dir("bin", 0o755)?;
        fs::copy(&busybox, bin.join("busybox")).doing(|| format!("copy {}", busybox.display()))?;
        for applet in applets.lines().filter(|a| *a != "busybox" && !a.contains('/')) {
            symlink("busybox", bin.join(applet)).doing(|| format!("make the applet {applet}"))?;
        }
        for dir in ["lib", "lib32", "lib64", "libx32", "libexec", "share"] {
            self.read_only(&Path::new("/usr").join(dir))?;
            self.read_only(&Path::new("/usr/local").join(dir))?;
            if dir.starts_with("lib") && dir != "libexec" {
                self.top_level(dir)?;
            }
        }
        for (program, dir) in [("git", "bin"), ("svn", "bin"), ("svnversion", "bin"), ("ssh", "bin"), ("sshd", "sbin")]
        {
            if let Some(from) = find_program(program) {
                let to = self.path.join("usr").join(dir).join(program);
                write_file(&to, b"", 0o755)?;
                self.mounts.push(Mount::ReadOnly(from, to));
            }
        }
        self.read_only(Path::new("/etc/ssl"))
    }

    /// A directory of this machine at the same path, where there is one.
    fn read_only(&mut self, from: &Path) -> Result<()> {
        if from.is_dir() && !from.is_symlink() {
            let relative = from.to_string_lossy();
            let to = self.dir(relative.trim_start_matches('/'), 0o755)?;
            self.mounts.push(Mount::ReadOnly(from.to_owned(), to));
        }
        Ok(())
    }

    /// `/bin` and its like: a link into `/usr` or a directory, as on this machine.
    fn top_level(&mut self, name: &str) -> Result<()> {
        let from = Path::new("/").join(name);
        match fs::read_link(&from) {
            Ok(target) => symlink(&target, self.path.join(name)).doing(|| format!("link {}", from.display())),
            Err(_) => self.read_only(&from),
        }
    }
}

fn make_devices(dev: &Path) -> std::io::Result<()> {
    use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};
    let nodes = [("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0)];
    for (name, major, minor) in nodes {
        let (path, mode) = (dev.join(name), Mode::from_raw_mode(0o666));
        mknodat(CWD, &path, FileType::CharacterDevice, mode, makedev(major, minor))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666))?;
    }
    Ok(())
}

fn own(path: &Path) -> Result<()> {
    chown(path, Some(UID), Some(UID)).doing(|| format!("give {} to {USER}", path.display()))
}
