//! A temporary directory with repositories, a home, and a deployment; everything in it goes away with it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use deploy_plan::{Op, RemotePath};
use deploy_scm::{
    HostSide, Pinned, Query, QueryOutput, RepositoryUrl, Resolution, Resolver, ScmError, ScmKind, Source, Strategy,
};

/// Whether the programs are there. Where they are not, the test says so and passes, unless `CAPSTAN_REQUIRE` names
/// `scm`.
pub fn have(programs: &[&str]) -> bool {
    let missing: Vec<&&str> = programs.iter().filter(|p| which(p).is_none()).collect();
    if missing.is_empty() {
        return true;
    }
    let required = std::env::var("CAPSTAN_REQUIRE").unwrap_or_default();
    assert!(!required.split([',', ' ']).any(|word| word == "scm"), "missing: {missing:?}");
    println!("skipped: needs {missing:?}");
    false
}

pub fn which(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(program)).find(|file| file.is_file())
}

/// The shells that a host may have.
pub fn shells() -> Vec<Vec<String>> {
    let all = [vec!["dash"], vec!["bash", "--posix"], vec!["busybox", "sh"]];
    let found: Vec<Vec<String>> =
        all.iter().filter(|s| which(s[0]).is_some()).map(|s| s.iter().map(|w| (*w).to_owned()).collect()).collect();
    if found.is_empty() { vec![vec!["sh".to_owned()]] } else { found }
}

pub struct World {
    dir: tempfile::TempDir,
    /// The shell that plays the host.
    pub shell: Vec<String>,
}

impl World {
    pub fn new(shell: &[String]) -> Self {
        // A place with everything in its name that a careless script trips over.
        let dir = tempfile::Builder::new().prefix("cap it's $(x) ").tempdir().unwrap();
        let world = Self { dir, shell: shell.to_vec() };
        for name in ["home", "app/releases", "app/shared", "app/run"] {
            fs::create_dir_all(world.path(name)).unwrap();
        }
        let config = "[user]\n\tname = T\n\temail = t@example.com\n[init]\n\tdefaultBranch = main\n[protocol \"file\"]\n\tallow = always\n";
        fs::write(world.path("home/.gitconfig"), config).unwrap();
        world
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    pub fn has(&self, name: &str) -> bool {
        self.path(name).symlink_metadata().is_ok()
    }

    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.dir.path()).env("HOME", self.path("home")).env("GIT_CONFIG_NOSYSTEM", "1");
        command.env_remove("GIT_SSH_COMMAND").stdin(Stdio::null());
        command
    }

    /// Runs a program in a directory of this world and expects success.
    pub fn run(&self, dir: &str, argv: &[&str]) -> String {
        let output = self.command(argv[0]).args(&argv[1..]).current_dir(self.path(dir)).output().unwrap();
        assert!(output.status.success(), "{argv:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    pub fn remote(&self, name: &str) -> RemotePath {
        RemotePath::new(self.path(name).to_str().unwrap()).unwrap()
    }

    pub fn side(&self, strategy: Strategy, release: &str) -> HostSide {
        let release = self.remote("app/releases").join(release);
        let mut side = HostSide::new(strategy, release, self.remote("app/shared/cached-copy"), self.remote("app/run"));
        side.retry_wait = 0;
        side
    }

    /// Runs ops as a host would.
    pub fn host(&self, ops: &[Op]) -> Output {
        let [Op::Script { body, .. }] = ops else { panic!("one script: {ops:?}") };
        let mut command = self.command(&self.shell[0]);
        // As one op of several, each in a subshell of its own, whose failure must be seen.
        let text = format!("(\n{body}\n)\nstatus=$?\necho \"status $status\"\nexit \"$status\"\n");
        command.args(&self.shell[1..]).arg("-c").arg(text).output().unwrap()
    }

    /// Deploys and expects success; what was said on stderr comes back.
    pub fn deploy(&self, source: &Source, pinned: &Pinned, side: &HostSide) -> String {
        let output = self.host(&source.host_ops(pinned, side).unwrap());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{:?}: {said}", self.shell);
        assert!(fs::read_dir(self.path("app/run")).unwrap().next().is_none(), "nothing is left in the run's directory");
        said
    }

    /// Deploys and expects failure.
    pub fn refuse(&self, source: &Source, pinned: &Pinned, side: &HostSide) -> String {
        let output = self.host(&source.host_ops(pinned, side).unwrap());
        assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    pub fn query(&self, query: &Query) -> QueryOutput {
        let mut command = self.command(&query.argv[0]);
        command.args(&query.argv[1..]).envs(query.env.iter().cloned()).envs(query.env_unless_set.iter().cloned());
        command.envs(query.secret_env.iter().map(|(name, value)| (name, value.reveal())));
        let output = command.output().unwrap();
        QueryOutput { code: output.status.code(), stdout: output.stdout, stderr: output.stderr }
    }

    pub fn resolve(&self, source: &Source, wanted: &str) -> Result<Pinned, ScmError> {
        let (mut resolver, mut state) = Resolver::start(source, wanted)?;
        loop {
            match state {
                Resolution::Pinned(pinned) => return Ok(pinned),
                Resolution::Ask(query) => state = resolver.answer(&query, &self.query(&query))?,
            }
        }
    }

    pub fn source(&self, kind: ScmKind, repository: &Path) -> Source {
        Source::new(kind, RepositoryUrl::parse(&file_url(kind, repository)).unwrap())
    }

    /// A git repository `repo.git` with a work tree `work`, one commit on `main`.
    pub fn git_repository(&self) -> Source {
        self.run(".", &["git", "init", "-q", "--bare", "repo.git"]);
        self.run(".", &["git", "clone", "-q", "repo.git", "work"]);
        self.commit("work", "app.txt", "one");
        self.source(ScmKind::Git, &self.path("repo.git"))
    }

    /// Commits a file and pushes; the hash comes back.
    pub fn commit(&self, work: &str, file: &str, text: &str) -> String {
        self.write(&format!("{work}/{file}"), text);
        self.run(work, &["git", "add", "-A"]);
        self.run(work, &["git", "commit", "-q", "-m", text]);
        self.run(work, &["git", "push", "-q", "-f", "--tags", "origin", "HEAD"]);
        self.run(work, &["git", "rev-parse", "HEAD"])
    }

    /// A Subversion repository `svn` with trunk and a branch, and a working copy `swork` of trunk.
    pub fn svn_repository(&self) -> Source {
        self.run(".", &["svnadmin", "create", "svn"]);
        let root = file_url(ScmKind::Subversion, &self.path("svn"));
        self.run(
            ".",
            &[
                "svn",
                "-q",
                "mkdir",
                "-m",
                "layout",
                "--parents",
                &format!("{root}/trunk@"),
                &format!("{root}/branches@"),
            ],
        );
        self.run(".", &["svn", "-q", "checkout", &format!("{root}/trunk@"), "swork"]);
        self.svn_commit("app.txt", "one");
        self.source(ScmKind::Subversion, &self.path("svn/trunk"))
    }

    pub fn svn_commit(&self, file: &str, text: &str) {
        self.write(&format!("swork/{file}"), text);
        self.run("swork", &["svn", "-q", "add", "--force", "."]);
        self.run("swork", &["svn", "-q", "commit", "-m", text]);
    }
}

/// Both programs take file addresses percent-decoded; git takes them as they are.
fn file_url(kind: ScmKind, path: &Path) -> String {
    let path = path.to_str().unwrap();
    match kind {
        ScmKind::Git => format!("file://{path}"),
        ScmKind::Subversion => format!("file://{}", path.replace('%', "%25")),
    }
}

/// Runs a test once for each shell.
pub fn each_shell(test: impl Fn(&World)) {
    for shell in shells() {
        test(&World::new(&shell));
    }
}

/// Runs a test in one of the shells, for what hardly depends on the shell.
pub fn in_shell(index: usize, test: impl Fn(&World)) {
    let shells = shells();
    test(&World::new(&shells[index % shells.len()]));
}
