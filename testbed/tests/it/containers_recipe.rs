//! The whole product in containers: `cap` runs an ordinary recipe, unchanged, in the deployer's container, and the hosts
//! and the repository have the names that the recipe gives them.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::support::start;
use deploy_testbed::containers::{ContainerFleet, repo_url};
use deploy_testbed::repo::{AppRepo, Scm};
use deploy_testbed::{Fleet, FleetSpec, HostOutput, HostSpec};

const ALL: [&str; 5] = ["web1", "web2", "app1", "app2", "db1"];
const APP: [&str; 2] = ["app1", "app2"];
const ROOT: &str = "/var/www/my_cool_app";

/// A fleet with the recipe in the deployer's project.
struct Stage {
    fleet: Fleet,
    /// The recipe as it was given.
    recipe: PathBuf,
    /// What follows the task on each command line.
    options: Vec<String>,
    scm: Scm,
}

/// The project's own example.
fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/my_cool_app/config/deploy.rb")
}

/// The recipe that this product was asked for, where it lies beside the checkout; elsewhere the example.
fn recipe() -> PathBuf {
    let given = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/seed/deploy.rb");
    if given.exists() { given } else { example() }
}

/// The binary under test; without one these tests have nothing to say, and say so.
fn cap() -> Option<PathBuf> {
    let cap = std::env::var_os("CAPSTAN_CAP").map(PathBuf::from);
    if cap.is_none() {
        let required = std::env::var("CAPSTAN_REQUIRE").unwrap_or_default();
        assert!(
            !required.split(',').any(|layer| layer.trim() == "containers"),
            "CAPSTAN_CAP must name the `cap` binary"
        );
        println!("skipped: CAPSTAN_CAP does not name the `cap` binary");
    }
    cap
}

impl Stage {
    fn new(spec: FleetSpec, recipe: PathBuf, scm: Scm) -> Option<Self> {
        let fleet = start(spec.cap(cap()?))?;
        let stage = Self { fleet, recipe, options: Vec::new(), scm };
        let config = stage.inside().project_dir().join("config");
        fs::create_dir_all(&config).unwrap();
        fs::copy(&stage.recipe, config.join("deploy.rb")).unwrap();
        Some(stage)
    }

    fn inside(&self) -> &ContainerFleet {
        self.fleet.containers().unwrap()
    }

    fn repo(&self) -> &AppRepo {
        self.inside().repo(self.scm).expect("the machine has the repository's programs")
    }

    fn argv(&self, task: &str) -> Vec<String> {
        ["cap", task].map(str::to_owned).into_iter().chain(self.options.iter().cloned()).collect()
    }

    /// Runs a task in the deployer's container; it has to succeed and to say these words.
    #[track_caller]
    fn cap(&self, task: &str, words: &[&str]) {
        let argv = self.argv(task);
        let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
        let out = self.inside().deploy(&argv).unwrap();
        assert!(out.ok(), "`cap {task}`: {:?}\n{}{}", out.status, out.stdout, out.stderr);
        for word in words {
            assert!(said(&out).contains(word), "{word:?} is missing:\n{}", said(&out));
        }
    }

    #[track_caller]
    fn on(&self, host: &str, text: &str) -> String {
        let out = self.fleet.run(host, text).unwrap();
        assert!(out.ok(), "`{text}` on {host}: {out:?}");
        out.text().to_owned()
    }

    /// Makes the layout, and puts the file on the application servers that the recipe links.
    fn set_up(&self) {
        self.cap("deploy:setup", &["Done: 5 hosts"]);
        for host in APP {
            self.on(
                host,
                &format!("mkdir -p {ROOT}/shared/config && echo 'host: {host}' > {ROOT}/shared/config/database.yml"),
            );
        }
        self.cap("deploy:check", &[]);
    }

    /// No release says that it was restarted, so that the next restart shows.
    fn forget_restarts(&self) {
        for host in ALL {
            self.on(host, &format!("rm -f {ROOT}/releases/*/tmp/restart.txt"));
        }
    }

    /// Looks at every host: all are live on one release of this revision, with every link of the layout, and the
    /// application servers have been restarted. Gives the release's name.
    #[track_caller]
    fn live(&self, revision: &str, version: &str, kept: usize) -> String {
        let release = self.on("web1", &format!("basename $(readlink {ROOT}/current)"));
        for host in ALL {
            let app = APP.contains(&host);
            let mut expected = format!(
                "current {ROOT}/releases/{release}\nREVISION {revision}\nVERSION {version}\nlog {ROOT}/shared/log\n\
                 public/system {ROOT}/shared/system\ntmp/pids {ROOT}/shared/pids\nkept {kept}\nrestarted {}\n",
                if app { "yes" } else { "no" }
            );
            if app {
                expected += &format!("config/database.yml {ROOT}/shared/config/database.yml\nhost: {host}\n");
            }
            let look = format!(
                "cd {ROOT} && echo current $(readlink current) && cd current/ || exit
                 echo REVISION $(cat REVISION); echo VERSION $(cat VERSION)
                 for link in log public/system tmp/pids; do test -d $link && echo $link $(readlink $link); done
                 echo kept $(ls {ROOT}/releases | wc -l)
                 if test -e tmp/restart.txt; then echo restarted yes; else echo restarted no; fi
                 link=config/database.yml; if test -L $link; then echo $link $(readlink $link); cat $link; fi"
            );
            assert_eq!(self.on(host, &look), expected.trim_end(), "{host}");
        }
        release
    }

    /// Set up, deploy, commit, deploy, roll back, deploy again; every host is looked at after each.
    fn main_job(&self) {
        self.set_up();
        let first = self.repo().head().unwrap();
        self.cap("deploy", &["Deployed", "web1.example.com", "db1.example.com"]);
        let one = self.live(&first, "1", 1);

        let second = self.repo().release("2").unwrap();
        self.forget_restarts();
        self.cap("deploy", &["Deployed"]);
        let two = self.live(&second, "2", 2);
        assert!(two > one, "release names grow: {one} {two}");

        self.forget_restarts();
        self.cap("deploy:rollback", &["Rolled back", &one]);
        assert_eq!(self.live(&first, "1", 1), one);
        let log = self.on("app2", &format!("cat {ROOT}/revisions.log"));
        let words: Vec<bool> = log.lines().map(|line| line.contains("rolled back")).collect();
        assert_eq!(words, [false, false, true], "{log}");

        self.forget_restarts();
        self.cap("deploy", &["Deployed"]);
        assert!(self.live(&second, "2", 2) > two);
        let ran = fs::read(self.inside().project_dir().join("config/deploy.rb")).unwrap();
        assert_eq!(ran, fs::read(&self.recipe).unwrap(), "the recipe ran byte for byte");
    }
}

fn said(out: &HostOutput) -> String {
    format!("{}{}", out.stdout, out.stderr)
}

#[test]
fn the_recipe_runs_unchanged_from_subversion() {
    let Some(stage) = Stage::new(FleetSpec::containers(), recipe(), Scm::Subversion) else { return };
    fs::write(stage.inside().project_dir().join("Capfile"), "load 'deploy'\nload 'config/deploy'\n").unwrap();
    stage.main_job();
}

// One of the servers has BusyBox, and there is no Capfile.
#[test]
fn the_recipe_runs_unchanged_from_git() {
    let spec = FleetSpec::containers()
        .hosts(["web1"])
        .with(HostSpec::new("web2").busybox())
        .with(HostSpec::new("app1"))
        .with(HostSpec::new("app2").busybox())
        .with(HostSpec::new("db1"));
    let Some(mut stage) = Stage::new(spec, recipe(), Scm::Git) else { return };
    let repository = format!("repository={}", repo_url(Scm::Git));
    stage.options = ["-s", &repository, "-s", "scm=git"].map(str::to_owned).to_vec();
    stage.main_job();
}

/// Holds the migration by a pipe that nobody reads, and looks at the hosts meanwhile.
#[test]
fn a_new_migration_runs_once_on_the_primary_before_any_switch() {
    let Some(stage) = Stage::new(FleetSpec::containers(), example(), Scm::Subversion) else { return };
    stage.set_up();
    let first = stage.repo().head().unwrap();
    stage.cap("deploy", &["Deployed"]);
    let one = stage.live(&first, "1", 1);

    stage.on("db1", "rm -f ~/rake.log && mkfifo ~/rake.log");
    let second = stage.repo().migration("20240101000000_add_mail", "alter table users add mail text;\n").unwrap();
    let argv = stage.argv("deploy");
    let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
    std::thread::scope(|scope| {
        let deploying = scope.spawn(|| stage.inside().deploy(&argv).unwrap());
        let limit = Instant::now() + Duration::from_secs(60);
        while !stage.fleet.run("db1", "pgrep -u deploy -x rake").unwrap().ok() {
            if deploying.is_finished() || Instant::now() > limit {
                // Lets a deploy end that came to the migration too late.
                let _ = stage.fleet.run("db1", "timeout 1 cat ~/rake.log");
                panic!("no migration ran");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let seen = ALL.map(|host| stage.on(host, &format!("basename $(readlink {ROOT}/current)")));
        let log = stage.on("db1", "timeout 60 cat ~/rake.log");
        let out = deploying.join().unwrap();
        assert!(out.ok(), "{out:?}");
        assert_eq!(seen, ALL.map(|_| one.clone()), "a host was switched before the migration had ended");
        let two = stage.live(&second, "1", 2);
        assert_eq!(log, format!("{ROOT}/releases/{two} RAILS_ENV=production db:migrate"));
    });
    assert_eq!(stage.on("db1", "grep -c add_mail ~/schema_migrations"), "1");

    // Nothing new: no rake. Elsewhere there never was any.
    stage.on("db1", "rm ~/rake.log");
    stage.cap("deploy", &["Deployed"]);
    for host in ALL {
        let traces = stage.on(host, "cd && ls -d rake.log schema_migrations 2>/dev/null; true");
        assert_eq!(traces, if host == "db1" { "schema_migrations" } else { "" }, "{host}");
    }
}
