//! The same recipe run by Capistrano and by us, on the same hosts and from the same state: a table of recipes for each
//! generation (`tests/peers`).

mod case;
mod look;
mod v2;
mod v3;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use deploy_testbed::repo::{AppRepo, RepoServer, Scm};
use deploy_testbed::{Fleet, FleetSpec, HostSpec, Sudo};

use crate::sshd_peers::ruby;
use crate::support::{Ran, start};
use case::{Case, Step};

/// The hosts of every case.
const HOSTS: [&str; 3] = ["web1", "app1", "app2"];

/// The differences from Capistrano that a case may name; the migration guide lists each of them, with its reason.
const DIFFERENCES: [&str; 10] = [
    "failed release",
    "put back",
    "after the switch",
    "empty filter",
    "linked files",
    "rollback target",
    "half-done publish",
    "ahead",
    "cleanup",
    "handlers",
];

/// A fleet and a repository that all cases share. Each case has a root of its own on the hosts, one for each tool.
struct Bench {
    fleet: Fleet,
    server: RepoServer,
    /// The commits of the branches v1, v2, …; known in what is compared as C1, C2, …
    commits: Vec<String>,
    projects: PathBuf,
}

/// One of the two tools on a case.
struct Side<'a> {
    bench: &'a Bench,
    project: PathBuf,
    root: String,
    /// Names of releases seen so far: they are known by their order.
    seen: BTreeSet<String>,
}

/// What a generation of Capistrano is like to compare with.
trait Peer: Sync {
    /// Writes the files that every case has around its own.
    fn project(&self, case: &Case, side: &Side<'_>);
    /// The command line of Capistrano itself; none where it is not here, and the record of its answers is used instead.
    fn theirs(&self, side: &Side<'_>, args: &[String]) -> Option<Command>;
    /// Ours.
    fn ours(&self, side: &Side<'_>, args: &[String]) -> Command;
    /// Whether it writes `revisions.log`.
    fn logs(&self) -> bool {
        true
    }
    /// Where the record of its answers is.
    fn record(&self, _case: &Case) -> Option<PathBuf> {
        None
    }
}

impl Bench {
    fn start() -> Option<Self> {
        let hosts = HOSTS.map(|name| HostSpec::new(name).sudo(Sudo::Free));
        let spec = hosts.into_iter().fold(FleetSpec::sshd().hosts([""; 0]), FleetSpec::with);
        let fleet = start(spec, "sshd")?;
        let repo = AppRepo::create(&fleet.scratch("repository").unwrap(), Scm::Git).unwrap();
        let mut commits = Vec::new();
        for number in 1..=4 {
            repo.branch(&format!("v{number}")).unwrap();
            commits.push(if number == 1 { repo.head() } else { repo.release(&number.to_string()) }.unwrap());
        }
        let server = repo.serve().unwrap();
        let projects = fleet.scratch("projects").unwrap();
        let bench = Self { fleet, server, commits, projects };
        for host in HOSTS {
            bench.on(host, "mkdir -p /var/www/theirs /var/www/ours00");
        }
        Some(bench)
    }

    fn on(&self, host: &str, text: &str) -> String {
        let output = self.fleet.run(host, text).unwrap();
        assert!(output.ok(), "`{text}` on {host}: {:?} {}{}", output.status, output.stdout, output.stderr);
        output.text().to_owned()
    }

    /// As before the case.
    fn clear(&self, case: &Case) {
        for host in HOSTS {
            self.on(host, &format!("rm -rf /var/www/theirs/{0} /var/www/ours00/{0}", case.name));
        }
        for tool in ["theirs", "ours00"] {
            let _ = std::fs::remove_dir_all(self.projects.join(tool).join(&case.name));
        }
    }

    fn side(&self, case: &Case, ours: bool) -> Side<'_> {
        let (bench, tool) = (self, if ours { "ours00" } else { "theirs" });
        let project = self.projects.join(tool).join(&case.name);
        for (name, text) in &case.files {
            write(&project.join(name), text);
        }
        Side { bench, project, root: format!("/var/www/{tool}/{}", case.name), seen: BTreeSet::new() }
    }

    /// All cases, several at once; fails with what differs.
    fn compare(&self, peer: &dyn Peer, cases: &[Case]) {
        let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        let work = || {
            while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                let mut compared = look::case(self, peer, case);
                // Once in thousands of commands Capistrano misses that one has ended, and hangs; that says nothing of us.
                if compared.as_ref().is_err_and(|why| why.contains("Capistrano ended with 124")) {
                    self.clear(case);
                    compared = look::case(self, peer, case);
                }
                if let Err(why) = compared {
                    failed.lock().unwrap().push(format!("{}:\n{why}", case.path.display()));
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(work);
            }
        });
        let failed = failed.into_inner().unwrap();
        assert!(failed.is_empty(), "{} of {} differ:\n{}", failed.len(), cases.len(), failed.join("\n\n"));
    }
}

impl Side<'_> {
    fn write(&self, name: &str, text: &str) {
        let path = self.project.join(name);
        if !path.exists() {
            write(&path, text);
        }
    }

    /// What both tools are told of the surroundings.
    fn tell(&self, command: &mut Command) {
        ruby(command, &self.project);
        command.current_dir(&self.project);
        command.env("ROOT", &self.root).env("REPO", self.bench.server.url());
        command.env("SSH_CONFIG", &self.bench.fleet.ssh_config);
    }

    /// `cap` of ours, by its name alone.
    fn cap(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cap"));
        self.tell(&mut command);
        command.arg("--ssh-config").arg(&self.bench.fleet.ssh_config);
        command
    }

    /// Runs it with a deadline: Capistrano 2 waits for ever for what does not come.
    fn run(&self, command: Command) -> Ran {
        let mut limited = Command::new("timeout");
        limited.args(["-k", "5", "120"]).arg(command.get_program()).args(command.get_args()).stdin(Stdio::null());
        limited.current_dir(&self.project).env_clear();
        limited.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let output = limited.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        Ran { code: output.status.code().unwrap_or(-1), text }
    }

    fn on(&self, host: &str, text: &str) -> String {
        self.bench.on(host, &format!("ROOT={}; {text}", self.root))
    }
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// Each difference that a case names is one of ours, is used, and stands in the migration guide.
#[test]
fn every_difference_is_listed() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/migration.md");
    let guide = std::fs::read_to_string(guide).unwrap();
    let cases: Vec<Case> = ["v2", "v3"].into_iter().flat_map(case::all).collect();
    let named: BTreeSet<&str> = cases
        .iter()
        .flat_map(|case| &case.steps)
        .filter_map(|step| match step {
            Step::Differs(key, ..) => Some(key.as_str()),
            Step::Fails(..) => Some("failed release"),
            _ => None,
        })
        .collect();
    assert_eq!(named, BTreeSet::from(DIFFERENCES));
    for name in DIFFERENCES {
        assert!(guide.contains(&format!("\n| {name} |")), "the migration guide does not list {name:?}");
    }
}
