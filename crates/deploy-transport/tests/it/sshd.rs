//! A real OpenSSH server, run as the current user on a loopback address.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use deploy_transport::target::{AgentSource, IdentityFile, KnownHostsFiles};
use deploy_transport::*;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::support::{environment, free_address, make_key, program, public};

/// A running server with a user key that it takes and a known_hosts file that trusts it.
pub struct Sshd {
    pub dir: TempDir,
    pub host: String,
    pub port: u16,
    pub user_key: PathBuf,
    pub host_key: PathBuf,
    child: Child,
}

impl Sshd {
    /// Starts one with more lines of configuration, in which `@DIR@` stands for its directory. `None` if OpenSSH is not installed.
    pub fn start(more: &str) -> Option<Self> {
        let sshd = program("sshd")?;
        program("ssh-keygen")?;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path();
        let host_key = make_key(path, "host_ed25519", &["-t", "ed25519", "-N", ""]);
        let user_key = make_key(path, "user_ed25519", &["-t", "ed25519", "-N", ""]);
        fs::copy(path.join("user_ed25519.pub"), path.join("authorized_keys")).unwrap();
        let (host, port) = free_address();
        let config = config(path, &host, port, &more.replace("@DIR@", &path.to_string_lossy()));
        fs::write(path.join("sshd_config"), config).unwrap();
        if rustix::process::getuid().is_root() {
            fs::create_dir_all("/run/sshd").unwrap();
        }
        fs::write(path.join("known_hosts"), format!("[{host}]:{port} {}\n", public(&host_key))).unwrap();
        let child = spawn(&sshd, path);
        let mut server = Self { dir, host, port, user_key, host_key, child };
        server.wait_until_ready();
        Some(server)
    }

    /// Ends the server and starts it again, with files as they are now.
    pub fn restart(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.child = spawn(&program("sshd").unwrap(), self.dir.path());
        self.wait_until_ready();
    }

    fn wait_until_ready(&mut self) {
        for _ in 0..3000 {
            if TcpStream::connect((self.host.as_str(), self.port)).is_ok() {
                return;
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("sshd ended ({status}): {}", self.log());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("sshd does not listen: {}", self.log());
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap()
    }

    /// A target that logs in with the user key and trusts the host key.
    pub fn target(&self) -> Target {
        let environment = environment(self.dir.path());
        let mut target = Target::new(&self.host, &environment.user, &environment);
        target.name = "web1".into();
        target.port = self.port;
        target.identity_files = vec![IdentityFile { path: self.user_key.clone(), named: true }];
        target.agent = AgentSource::None;
        target.known_hosts = KnownHostsFiles { user: vec![self.path("known_hosts")], ..KnownHostsFiles::default() };
        target
    }

    /// Lets another key in.
    pub fn authorize(&self, key: &Path) {
        let line = fs::read_to_string(format!("{}.pub", key.display())).unwrap();
        let mut all = fs::read_to_string(self.path("authorized_keys")).unwrap();
        all.push_str(&line);
        fs::write(self.path("authorized_keys"), all).unwrap();
    }

    /// The processes that serve connections, not what they run.
    pub fn session_processes(&self) -> Vec<Pid> {
        descendants(self.child.id())
            .into_iter()
            .filter(|pid| {
                let comm = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
                comm.starts_with("sshd")
            })
            .filter_map(|pid| Pid::from_raw(i32::try_from(pid).unwrap()))
            .collect()
    }

    pub fn signal_sessions(&self, signal: Signal) {
        for pid in self.session_processes() {
            let _ = kill_process(pid, signal);
        }
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let all = descendants(self.child.id());
        let _ = self.child.kill();
        let _ = self.child.wait();
        for pid in all {
            if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
                let _ = kill_process(pid, Signal::KILL);
            }
        }
    }
}

fn spawn(sshd: &Path, path: &Path) -> Child {
    Command::new(sshd)
        .args(["-D", "-f"])
        .arg(path.join("sshd_config"))
        // Not on standard error: commands would inherit that for their first lines.
        .arg("-E")
        .arg(path.join("log"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn config(path: &Path, host: &str, port: u16, more: &str) -> String {
    // What comes first counts. HOME is ours, so that no start-up file of the person's shell interferes.
    format!(
        "{more}\nListenAddress {host}\nPort {port}\nHostKey {0}/host_ed25519\nAuthorizedKeysFile {0}/authorized_keys\n\
         PidFile none\nUsePAM no\nUseDNS no\nStrictModes no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
         PermitRootLogin yes\nPrintMotd no\nMaxSessions 100\nLogLevel VERBOSE\nSetEnv HOME={0}\n",
        path.display()
    )
}

/// All processes below one, by /proc.
fn descendants(pid: u32) -> Vec<u32> {
    let mut all = Vec::new();
    let mut open = vec![pid];
    while let Some(pid) = open.pop() {
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        let children = children.split_whitespace().filter_map(|c| c.parse::<u32>().ok());
        for child in children {
            all.push(child);
            open.push(child);
        }
    }
    all
}
