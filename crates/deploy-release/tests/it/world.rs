//! A host in a directory: a home, a deployment, and the shells to run text in.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use deploy_plan::{Layout, Op, ReleaseId, RemotePath, RunId};
use deploy_release::{
    CompileContext, HostFacts, ProbeNeeds, compile_op, entry_script, parse_probe, probe_script, state_dir_script,
};
use tempfile::TempDir;

/// A shell with the tools that go with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shell {
    Dash,
    Bash,
    /// BusyBox's shell, and nothing but BusyBox in the path.
    Ash,
}

impl Shell {
    fn program(self) -> &'static str {
        match self {
            Self::Dash => "dash",
            Self::Bash => "bash",
            Self::Ash => "busybox",
        }
    }

    fn found(self) -> Option<PathBuf> {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).map(|dir| dir.join(self.program())).find(|file| file.is_file())
    }
}

/// Whether the shells must be here, so that nothing is left out.
pub fn required() -> bool {
    std::env::var("CAPSTAN_REQUIRE").is_ok_and(|names| names.contains("shells"))
}

/// Runs a test in every shell that is here.
pub fn in_every_shell(test: impl Fn(&World)) {
    in_every_shell_below(&std::env::temp_dir(), test);
}

/// The same with the hosts' files in this directory.
pub fn in_every_shell_below(folder: &Path, test: impl Fn(&World)) {
    for shell in [Shell::Dash, Shell::Bash, Shell::Ash] {
        in_shell_below(folder, shell, &test);
    }
}

/// Runs a test in a shell.
pub fn in_shell(shell: Shell, test: &impl Fn(&World)) {
    in_shell_below(&std::env::temp_dir(), shell, test);
}

/// A missing shell is told, and is a failure where shells are required.
fn in_shell_below(folder: &Path, shell: Shell, test: &impl Fn(&World)) {
    if shell.found().is_none() {
        assert!(!required(), "{} is not installed", shell.program());
        println!("skipped: {} is not installed", shell.program());
        return;
    }
    println!("in {shell:?}");
    test(&World::new(folder, shell, "app"));
}

pub fn id(name: &str) -> ReleaseId {
    ReleaseId::new(name).unwrap()
}

pub struct World {
    pub shell: Shell,
    root: Arc<TempDir>,
    /// BusyBox under all its names, made once for a test.
    tools: Arc<TempDir>,
    pub layout: Layout,
    pub run: RunId,
    pub sudo: bool,
}

impl World {
    /// `deploy_to` is `~/NAME`.
    fn new(folder: &Path, shell: Shell, name: &str) -> Self {
        let tools = tempfile::tempdir().unwrap();
        fs::set_permissions(tools.path(), fs::Permissions::from_mode(0o755)).unwrap();
        if shell == Shell::Ash {
            let list = Command::new("busybox").arg("--list").output().unwrap();
            for tool in String::from_utf8(list.stdout).unwrap().lines() {
                symlink(shell.found().unwrap(), tools.path().join(tool)).unwrap();
            }
        }
        Self::with_tools(folder, shell, name, Arc::new(tools))
    }

    fn with_tools(folder: &Path, shell: Shell, name: &str, tools: Arc<TempDir>) -> Self {
        let root = Arc::new(tempfile::tempdir_in(folder).unwrap());
        fs::create_dir(root.path().join("home")).unwrap();
        let layout = Layout::new(RemotePath::new(&format!("~/{name}")).unwrap());
        Self { shell, root, tools, layout, run: RunId::new("r1").unwrap(), sudo: false }
    }

    /// Another host with the same shell.
    pub fn moved(&self, name: &str) -> Self {
        Self::with_tools(&std::env::temp_dir(), self.shell, name, Arc::clone(&self.tools))
    }

    /// The same host and deployment for another run.
    pub fn for_run(&self, run: &str) -> Self {
        let (root, tools) = (Arc::clone(&self.root), Arc::clone(&self.tools));
        let run = RunId::new(run).unwrap();
        Self { shell: self.shell, root, tools, layout: self.layout.clone(), run, sudo: self.sudo }
    }

    pub fn home(&self) -> PathBuf {
        self.root.path().join("home")
    }

    pub fn at(&self, name: &str) -> PathBuf {
        self.home().join(self.layout.deploy_to.rest()).join(name)
    }

    pub fn current(&self) -> PathBuf {
        self.at("current")
    }

    fn command(&self, text: &str) -> Command {
        let mut command = match self.shell {
            Shell::Ash => {
                let mut command = Command::new(self.shell.found().unwrap());
                command.arg("ash").env_clear().env("PATH", self.tools.path());
                command
            }
            shell => {
                let mut command = Command::new(shell.found().unwrap());
                command.env_clear().env("PATH", std::env::var_os("PATH").unwrap());
                command
            }
        };
        command
            .args(["-c", text])
            .env("HOME", self.home())
            .env("LANG", "C.UTF-8")
            .current_dir("/")
            .stdin(Stdio::null());
        command
    }

    pub fn sh(&self, text: &str) -> Output {
        self.command(text).output().unwrap()
    }

    /// Runs text as a login without special rights, where the tests run as root.
    pub fn sh_as_nobody(&self, text: &str) -> Option<Output> {
        if fs::metadata(self.root.path()).unwrap().uid() != 0 {
            return Some(self.sh(text));
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        let Some(setpriv) = std::env::split_paths(&path).map(|dir| dir.join("setpriv")).find(|file| file.is_file())
        else {
            println!("skipped: setpriv is not installed");
            return None;
        };
        let mut command = Command::new(setpriv);
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]);
        let inner = self.command(text);
        command.arg(inner.get_program()).args(inner.get_args()).env_clear().stdin(Stdio::null()).current_dir("/");
        for (name, value) in inner.get_envs() {
            command.env(name, value.unwrap());
        }
        Some(command.output().unwrap())
    }

    /// Gives everything to that login.
    pub fn give_away(&self) {
        if fs::metadata(self.root.path()).unwrap().uid() == 0 {
            fs::set_permissions(self.root.path(), fs::Permissions::from_mode(0o755)).unwrap();
            assert!(Command::new("chown").args(["-R", "65534:65534"]).arg(self.home()).status().unwrap().success());
        }
    }

    pub fn cx(&self) -> CompileContext<'_> {
        CompileContext { layout: &self.layout, run: &self.run, sudo: self.sudo, flush: false }
    }

    pub fn text(&self, op: &Op) -> String {
        compile_op(op, &self.cx())
    }

    pub fn op(&self, op: &Op) -> Output {
        self.sh(&self.text(op))
    }

    #[track_caller]
    pub fn ok(&self, op: &Op) -> String {
        let output = self.op(op);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{:?}: {op:?}\n{}\n{told}", self.shell, self.text(op));
        told
    }

    #[track_caller]
    pub fn refused(&self, op: &Op) -> String {
        let output = self.op(op);
        assert!(!output.status.success(), "{:?}: {op:?} should have failed", self.shell);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!told.is_empty(), "{:?}: {op:?} fails without a word", self.shell);
        told
    }

    /// Capistrano's layout with these releases, and the run entered.
    pub fn with_releases(&self, names: &[&str]) -> &Self {
        for dir in ["releases", "shared/log"] {
            fs::create_dir_all(self.at(dir)).unwrap();
        }
        for name in names {
            fs::create_dir_all(self.at("releases").join(name)).unwrap();
            fs::write(self.at("releases").join(name).join("REVISION"), format!("rev-{name}\n")).unwrap();
        }
        self.enter("r1");
        self
    }

    /// What a run does first.
    pub fn enter(&self, run: &str) {
        let entry = entry_script(&self.layout, &RunId::new(run).unwrap());
        let output = self.sh(&format!("{} || exit\n{entry}", state_dir_script(&self.layout, false)));
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    }

    pub fn publish_by_hand(&self, name: &str) {
        let _ = fs::remove_file(self.current());
        symlink(self.at("releases").join(name), self.current()).unwrap();
    }

    pub fn live(&self) -> Option<String> {
        let target = fs::canonicalize(self.current()).ok()?;
        Some(target.file_name().unwrap().to_string_lossy().into_owned())
    }

    pub fn releases(&self) -> Vec<String> {
        names(&self.at("releases"))
    }

    pub fn probe(&self) -> HostFacts {
        let needs =
            ProbeNeeds { tools: vec!["ls".into(), "no such tool".into()], migrations: true, space: true, sudo: false };
        let output = self.sh(&probe_script(&self.layout, &needs));
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        parse_probe(&output.stdout).unwrap()
    }
}

pub fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .map(|entries| entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect())
        .unwrap_or_default();
    names.sort();
    names
}

/// Every path below a directory with its kind, mode and content: what must not change, or must come back.
pub fn tree(dir: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    walk(dir, dir, &mut lines);
    lines.sort();
    lines
}

fn walk(root: &Path, dir: &Path, lines: &mut Vec<String>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let meta = fs::symlink_metadata(&path).unwrap();
        let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
        let what = if meta.is_symlink() {
            format!("-> {}", fs::read_link(&path).unwrap().display())
        } else if meta.is_dir() {
            walk(root, &path, lines);
            "dir".to_owned()
        } else {
            format!("{:?}", String::from_utf8_lossy(&fs::read(&path).unwrap()))
        };
        lines.push(format!("{name} {:o} {what}", meta.mode() & 0o7777));
    }
}
