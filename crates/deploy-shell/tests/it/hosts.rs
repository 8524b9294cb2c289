//! Kinds of hosts made on this machine: a login shell, an `sh`, a set of tools, an empty home.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// One simulated host. Its processes can be found by a variable in their environment.
pub struct Host {
    pub name: &'static str,
    pub login: PathBuf,
    pub home: TempDir,
    pub bin: TempDir,
    pub path: String,
    pub tag: String,
}

const TOOLS: &[&str] = &[
    "id", "uname", "sleep", "setsid", "flock", "touch", "stat", "date", "mv", "rm", "mkdir", "rmdir", "cat", "ls",
    "env", "grep", "head", "ps", "nohup", "tr", "dd", "od", "printf", "true", "false", "wc", "cksum", "kill", "seq",
];

fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/bin:/bin";
    path.split(':').map(|dir| Path::new(dir).join(program)).find(|p| p.is_file())
}

/// The shell's path. If it is missing: `None` with a note, or a failure where `CAPSTAN_REQUIRE` names `shells`.
pub fn shell(name: &str) -> Option<PathBuf> {
    let found = find(name);
    if found.is_none() {
        let required = std::env::var("CAPSTAN_REQUIRE").unwrap_or_default();
        assert!(!required.contains("shells"), "CAPSTAN_REQUIRE wants all shells, and there is no {name}");
        eprintln!("skipped: no {name} on this machine");
    }
    found
}

/// Runs a test on several hosts at the same time; most of the time it waits.
pub fn each(hosts: Vec<Host>, test: impl Fn(&Host) + Sync) {
    std::thread::scope(|scope| {
        for host in &hosts {
            std::thread::Builder::new().name(host.name.into()).spawn_scoped(scope, || test(host)).unwrap();
        }
    });
}

impl Host {
    fn new(name: &'static str, login: PathBuf, bin: TempDir) -> Self {
        let home = TempDir::new().unwrap();
        let path = bin.path().display().to_string();
        let tag = format!("capstan-test-{}-{}", std::process::id(), home.path().file_name().unwrap().display());
        Self { name, login, home, bin, path, tag }
    }

    fn with_tools(name: &'static str, login: PathBuf, sh: &Path, without: &[&str]) -> Self {
        let bin = TempDir::new().unwrap();
        symlink(sh, bin.path().join("sh")).unwrap();
        for tool in TOOLS.iter().filter(|t| !without.contains(t)) {
            let target = find(tool).unwrap_or_else(|| panic!("this machine has no {tool}"));
            symlink(target, bin.path().join(tool)).unwrap();
        }
        Self::new(name, login, bin)
    }

    /// GNU tools and dash.
    pub fn dash() -> Option<Self> {
        let dash = shell("dash")?;
        Some(Self::with_tools("dash", dash.clone(), &dash, &[]))
    }

    /// GNU tools, bash as login shell and as `sh`.
    pub fn bash() -> Option<Self> {
        let bash = shell("bash")?;
        Some(Self::with_tools("bash", bash.clone(), &bash, &[]))
    }

    /// GNU tools and BusyBox's shell.
    pub fn ash() -> Option<Self> {
        let busybox = shell("busybox")?;
        let host = Self::with_tools("ash", busybox.clone(), &busybox, &[]);
        Some(host.login_as_sh())
    }

    /// Nothing but BusyBox.
    pub fn busybox() -> Option<Self> {
        let busybox = shell("busybox")?;
        let bin = TempDir::new().unwrap();
        let list = std::process::Command::new(&busybox).arg("--list").output().unwrap().stdout;
        for applet in String::from_utf8(list).unwrap().lines() {
            symlink(&busybox, bin.path().join(applet)).unwrap();
        }
        symlink(&busybox, bin.path().join("busybox")).ok();
        Some(Self::new("busybox", busybox, bin).login_as_sh())
    }

    /// Dash without `flock`: locks are leases.
    pub fn lease() -> Option<Self> {
        let dash = shell("dash")?;
        Some(Self::with_tools("lease", dash.clone(), &dash, &["flock"]))
    }

    /// Bash as `sh` without `flock`.
    pub fn bash_lease() -> Option<Self> {
        let bash = shell("bash")?;
        Some(Self::with_tools("bash-lease", bash.clone(), &bash, &["flock"]))
    }

    /// Dash without `setsid`: no sessions.
    pub fn no_session() -> Option<Self> {
        let dash = shell("dash")?;
        Some(Self::with_tools("no-session", dash.clone(), &dash, &["setsid"]))
    }

    /// A BusyBox login shell has to be called by a name that it knows.
    fn login_as_sh(mut self) -> Self {
        self.login = self.bin.path().join("sh");
        self
    }

    /// Every kind that has sessions.
    pub fn all() -> Vec<Self> {
        [Self::dash(), Self::bash(), Self::ash(), Self::busybox(), Self::lease(), Self::bash_lease()]
            .into_iter()
            .flatten()
            .collect()
    }

    /// The environment that a login gets.
    pub fn env(&self) -> Vec<(&'static str, String)> {
        let home = self.home.path().display().to_string();
        vec![
            ("HOME", home),
            ("SHELL", self.login.display().to_string()),
            ("USER", "deploy".into()),
            ("LOGNAME", "deploy".into()),
            ("PATH", self.path.clone()),
            ("CAPSTAN_TEST_TAG", self.tag.clone()),
        ]
    }

    /// What a command prints that is run without a runner, as a login on its own channel runs it.
    pub fn direct(&self, text: &str) -> String {
        let run = std::process::Command::new(&self.login)
            .args(["-c", text])
            .env_clear()
            .envs(self.env())
            .current_dir(self.home.path())
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        String::from_utf8_lossy(&run.stdout).into_owned()
    }

    /// Ids of the living processes that were started on this host.
    pub fn processes(&self) -> Vec<(u32, String)> {
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
            let Ok(environ) = fs::read(entry.path().join("environ")) else { continue };
            if environ.split(|&b| b == 0).any(|v| v.ends_with(self.tag.as_bytes())) {
                let args = fs::read(entry.path().join("cmdline")).unwrap_or_default();
                found.push((pid, String::from_utf8_lossy(&args).replace('\0', " ")));
            }
        }
        found
    }
}

/// What a failed test left running; a test that passes has looked for leftovers itself.
impl Drop for Host {
    fn drop(&mut self) {
        for (pid, _) in self.processes() {
            crate::session::kill("KILL", pid.into());
        }
    }
}
