//! The demo: five hosts, one recipe, deploy, change, deploy, rollback, with an application that is
//! asked all the while.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Duration;

use deploy_testbed::httpapp::HttpApp;
use deploy_testbed::load::Load;
use deploy_testbed::project::copy_example;
use deploy_testbed::repo::{AppRepo, RepoServer, Scm};
use deploy_testbed::{Fleet, FleetSpec};

use crate::{Done, Signals, say};

/// The example that is deployed: a directory of `examples/`, and its application's name.
const EXAMPLE: &str = "shop";

/// What `demo` was asked for.
pub struct Demo {
    pub cap: PathBuf,
    pub examples: PathBuf,
    pub keep: bool,
}

type Step<T> = Result<T, Box<dyn std::error::Error>>;

/// What the steps work on. Fields end in this order: first those that look into the fleet.
struct Stage {
    cap: PathBuf,
    project: PathBuf,
    apps: Vec<(String, HttpApp)>,
    server: RepoServer,
    repo: AppRepo,
    fleet: Fleet,
}

impl Demo {
    /// Runs all of it.
    pub fn run(self) -> Done {
        // Ctrl-C reaches `cap` too; when that has ended, the demo cleans up and ends.
        let signals = Signals::new()?;
        let stage = self.set()?;
        stage.first_deploy()?;
        let addrs: Vec<_> = stage.apps.iter().map(|(_, app)| app.addr()).collect();
        let load = Load::start(&addrs, 2, Duration::from_millis(5))?;
        stage.second_deploy()?;
        stage.rollback()?;
        stage.with_subversion()?;
        let report = load.stop();
        heading("Done");
        say(&format!(
            "From step 3 on the application was asked {} times, while it was switched again and again: {} requests failed.",
            report.requests, report.failed
        ));
        if report.failed > 0 {
            return Err(report.failures.join("\n").into());
        }
        self.end(stage, signals)
    }

    fn set(&self) -> Step<Stage> {
        let fleet = FleetSpec::embedded().start()?;
        let names: Vec<&str> = fleet.hosts.iter().map(|h| h.name.as_str()).collect();
        let repo = AppRepo::create_named(&fleet.scratch("git")?, Scm::Git, EXAMPLE)?;
        let server = repo.serve()?;
        say(&format!(
            "\nFive servers are up on this machine: {}. Each speaks SSH and has a home directory of its own.\n\
             A git repository with a small web application is at {}.\n\nThe recipe, examples/{EXAMPLE}/config/deploy.rb:\n",
            names.join(" "),
            server.url()
        ));
        let project = fleet.scratch("project")?;
        copy_example(&self.examples.join(EXAMPLE), &project)?;
        say(&indented(&std::fs::read_to_string(project.join("config/deploy.rb"))?));
        say("(Each `cap` below is also told by options where these servers and this repository really are.)");
        let mut apps = Vec::new();
        for host in fleet.hosts.iter().filter(|h| h.name.starts_with("app")) {
            let site = host.site(&deploy_to()).ok_or("the hosts' files cannot be seen from here")?;
            apps.push((host.name.clone(), HttpApp::serve(site)?));
        }
        let cap = self.cap.canonicalize().map_err(|e| format!("cannot find {}: {e}", self.cap.display()))?;
        Ok(Stage { cap, project, apps, server, repo, fleet })
    }

    fn end(&self, stage: Stage, signals: Signals) -> Done {
        say("\nOn your own servers, with your hosts and your repository in config/deploy.rb:\n\n  \
             cargo install --path crates/deploy-cli   # installs `cap`\n  \
             cap deploy:setup                         # makes the directories\n  \
             cap deploy:check                         # names all that would stop a deploy\n  \
             cap deploy\n  \
             cap deploy:rollback\n\n\
             More servers like these to try it on: cargo xtask testbed up");
        if self.keep {
            say(&format!(
                "\nThe servers stay until you press Ctrl-C. Meanwhile, in another terminal:\n\n  ssh -F {config} web1\n  \
                 curl {}\n  cd {} && {} --ssh-config {config} -s repository={} deploy",
                stage.apps.first().map(|(_, app)| app.url()).unwrap_or_default(),
                stage.project.display(),
                stage.cap.display(),
                stage.server.url(),
                config = stage.fleet.ssh_config.display(),
            ));
            signals.wait();
        }
        drop(stage.apps);
        stage.fleet.down()?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Stage {
    fn first_deploy(&self) -> Step<()> {
        heading("1. Set up: the directories of a deployment, on every server");
        self.cap(&self.server.url(), "deploy:setup", Told::Briefly)?;
        for host in &self.fleet.hosts {
            let shared = format!("{}/shared/config", deploy_to());
            let text = format!("mkdir -p {shared} && echo 'production: {{}}' > {shared}/database.yml");
            self.fleet.run(&host.name, &text)?;
        }
        say("\nEvery server now also has a shared/config/database.yml, which the recipe links into each release.");
        heading("2. The first deploy");
        self.cap(&self.server.url(), "deploy", Told::InFull)?;
        self.expect("1")
    }

    fn second_deploy(&self) -> Step<()> {
        let revision = self.repo.release("2")?;
        heading(&format!(
            "3. A change: version 2 is committed ({}) and deployed",
            revision.get(..10).unwrap_or(&revision)
        ));
        self.cap(&self.server.url(), "deploy", Told::Briefly)?;
        self.expect("2")
    }

    fn rollback(&self) -> Step<()> {
        heading("4. Back to the release before");
        self.cap(&self.server.url(), "deploy:rollback", Told::Briefly)?;
        self.expect("1")
    }

    fn with_subversion(&self) -> Step<()> {
        if !Scm::Subversion.is_installed() {
            say("\n(Subversion is not installed here; with it, the demo also deploys from there.)");
            return Ok(());
        }
        let repo = AppRepo::create_named(&self.fleet.scratch("svn")?, Scm::Subversion, EXAMPLE)?;
        let revision = repo.release("3")?;
        let server = repo.serve()?;
        heading(&format!("5. The same recipe, from Subversion: version 3, revision {revision}"));
        self.cap(&server.url(), "deploy", Told::Briefly)?;
        self.expect("3")
    }

    /// Runs the real `cap`, its output on this terminal.
    fn cap(&self, repository: &str, task: &str, told: Told) -> Step<()> {
        // A terminal gets one line per server, redrawn; anywhere else each step is a line, and once is enough.
        let on_terminal = std::io::stderr().is_terminal();
        let quiet: &[&str] = if told == Told::Briefly && !on_terminal { &["-q"] } else { &[] };
        say(&format!("$ cap {}", [quiet, &[task]].concat().join(" ")));
        let status = Command::new(&self.cap)
            .current_dir(&self.project)
            .arg("--ssh-config")
            .arg(&self.fleet.ssh_config)
            .args(["-s", &format!("repository={repository}")])
            .args(quiet)
            .arg(task)
            .status()
            .map_err(|e| format!("cannot run {}: {e}", self.cap.display()))?;
        match status.code() {
            Some(0) => Ok(()),
            Some(130) => Err("stopped; the servers and everything they made are gone".into()),
            _ => Err(format!("`cap {task}` ended with {status}").into()),
        }
    }

    /// Every application server has to answer with this version.
    fn expect(&self, version: &str) -> Step<()> {
        say("");
        for (name, app) in &self.apps {
            let answer = app.ask_version()?;
            say(&format!("{name} answers at {:<24} version {answer}", app.url()));
            if answer != version {
                return Err(format!("{name} should answer with version {version}").into());
            }
        }
        Ok(())
    }
}

/// How much of a run is shown where its output does not go to a terminal.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    InFull,
    Briefly,
}

fn heading(text: &str) {
    say(&format!("\n=== {text} ===\n"));
}

/// As the example's recipe has it.
fn deploy_to() -> String {
    format!("~/apps/{EXAMPLE}")
}

fn indented(text: &str) -> String {
    text.lines().map(|l| format!("    {l}\n")).collect()
}
