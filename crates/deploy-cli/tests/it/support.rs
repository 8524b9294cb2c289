//! A fleet, a repository, a recipe and the `cap` binary, put together for one test.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use deploy_testbed::repo::{AppRepo, RepoServer, Scm};
use deploy_testbed::{Fleet, FleetSpec};

/// The recipe of the tests: five hosts, three roles, a restart task and a hook found by its name.
pub const RECIPE: &str = include_str!("../../../../examples/my_cool_app/config/deploy.rb");

/// The five hosts by their short names.
pub const ALL: [&str; 5] = ["web1", "web2", "app1", "app2", "db1"];
/// The hosts of the app role.
pub const APP: [&str; 2] = ["app1", "app2"];

/// What a run of `cap` gave.
pub struct Ran {
    /// The exit code.
    pub code: i32,
    /// Standard output and standard error, in that order.
    pub text: String,
}

impl Ran {
    /// Fails the test unless it ended with this code.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "cap said:\n{}", self.text);
        self
    }

    /// Fails the test unless it said all of these.
    #[track_caller]
    pub fn says(self, words: &[&str]) -> Self {
        let said = self.text.to_lowercase();
        for word in words {
            assert!(said.contains(&word.to_lowercase()), "{word:?} is missing in what cap said:\n{}", self.text);
        }
        self
    }
}

/// A stage for one test.
pub struct Stage {
    pub fleet: Fleet,
    pub repo: AppRepo,
    pub server: RepoServer,
    pub project: PathBuf,
}

/// A fleet, or none where the layer cannot run here; then a message says why, or the test fails if it must run.
pub fn start(spec: FleetSpec, layer: &str) -> Option<Fleet> {
    match spec.start() {
        Ok(fleet) => Some(fleet),
        Err(error) if error.is_unavailable() => {
            let required = std::env::var("CAPSTAN_REQUIRE").unwrap_or_default();
            assert!(!required.split(',').any(|name| name == layer), "{layer} must run: {error}");
            println!("skipped: {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// Whether the programs of a system are here; where they are not, that is said, or the test fails if it must run.
pub fn have(scm: Scm) -> bool {
    let required = std::env::var("CAPSTAN_REQUIRE").unwrap_or_default();
    let is_here = scm.is_installed();
    assert!(is_here || !required.split(',').any(|name| name == "scm"), "the programs of {scm:?} are missing");
    if !is_here {
        println!("skipped: the programs of {scm:?} are not installed");
    }
    is_here
}

impl Stage {
    /// With the test recipe.
    pub fn new(fleet: Fleet, scm: Scm) -> Self {
        Self::with(fleet, scm, RECIPE)
    }

    pub fn with(fleet: Fleet, scm: Scm, recipe: &str) -> Self {
        let repo = AppRepo::create(&fleet.scratch("repository").unwrap(), scm).unwrap();
        let server = repo.serve().unwrap();
        let project = fleet.scratch("project").unwrap();
        let stage = Self { fleet, repo, server, project };
        stage.write("Capfile", "load 'deploy'\nload 'config/deploy'\n");
        stage.write("config/deploy.rb", recipe);
        stage
    }

    /// Writes a file of the project.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.project.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// The deployment's root on the hosts.
    pub fn deploy_to(&self) -> String {
        self.fleet.hosts[0].deploy_to("my_cool_app")
    }

    /// `cap` in the project, with the fleet's configuration and the repository of this test.
    pub fn cap(&self, args: &[&str]) -> Ran {
        self.run(self.command(args))
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = self.bare(args);
        command.arg("-s").arg(format!("repository={}", self.server.url()));
        command.arg("-s").arg(format!("deploy_to={}", self.deploy_to()));
        command
    }

    /// `cap` with nothing but the fleet's ssh_config.
    pub fn bare(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cap"));
        command
            .current_dir(&self.project)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &self.project)
            .env("USER", "alice")
            .arg("--ssh-config")
            .arg(&self.fleet.ssh_config)
            .args(args)
            .stdin(Stdio::null());
        command
    }

    pub fn run(&self, mut command: Command) -> Ran {
        let output = command.output().unwrap();
        let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.push_str(&String::from_utf8_lossy(&output.stderr));
        Ran { code: output.status.code().unwrap_or(-1), text }
    }

    /// Runs a shell text on a host, beside our product; it must succeed.
    #[track_caller]
    pub fn on(&self, host: &str, text: &str) -> String {
        let output = self.fleet.run(host, text).unwrap();
        assert!(output.ok(), "`{text}` on {host}: {:?} {}{}", output.status, output.stdout, output.stderr);
        output.text().to_owned()
    }

    /// The name of the live release.
    #[track_caller]
    pub fn live(&self, host: &str) -> String {
        let root = self.deploy_to();
        self.on(host, &format!("readlink {root}/current | sed 's:.*/::'"))
    }

    /// Sets the layout up and puts the shared file there that the recipe links.
    pub fn set_up(&self) {
        self.cap(&["deploy:setup"]).expect(0);
        let shared = format!("{}/shared/config", self.deploy_to());
        for host in ALL.iter().filter(|host| self.fleet.host(host).is_ok()) {
            self.on(host, &format!("mkdir -p {shared} && echo 'adapter: sqlite3' > {shared}/database.yml"));
        }
    }

    /// Everything that lies below the deployment's root, with kinds, link targets and contents' checksums.
    pub fn tree(&self, host: &str) -> String {
        let root = self.deploy_to();
        self.on(
            host,
            &format!(
                "cd {root} 2>/dev/null || exit 0; find . ! -path './.capstan/lock*' ! -type d -exec ls -ld {{}} + | \
                 sed 's/links\\.[0-9a-f-]*/links.R/g; s/ [A-Z][a-z][a-z] .*[0-9] \\.\\// .\\//' | sort; \
                 find . -type f ! -path './.capstan/lock*' -exec cksum {{}} + | sort"
            ),
        )
    }
}
