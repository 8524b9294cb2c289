//! Starting a fleet and holding it; taking it down again.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use deploy_testbed::httpapp::HttpApp;
use deploy_testbed::repo::{APPLICATION, AppRepo, RepoServer, Scm};
use deploy_testbed::{Backend, Fleet, FleetSpec, containers, project, sweep};

use crate::reach::{find_cap, project_dir, repo_dir};
use crate::{Done, ScmArg, Signals, say};

/// Written when all is up; its text is what to type next.
const READY: &str = "ready";

/// What `up` was asked for.
pub struct Up {
    pub backend: Backend,
    pub hosts: Option<usize>,
    pub scm: ScmArg,
    pub cap: Option<PathBuf>,
    pub dir: PathBuf,
}

/// What lives as long as the fleet.
struct Held {
    fleet: Fleet,
    repository: String,
    apps: Vec<(String, HttpApp)>,
    // Serves the repository, where the fleet has no server of its own.
    _server: Option<RepoServer>,
}

impl Up {
    /// Starts it and waits for Ctrl-C or `down`.
    pub fn in_foreground(self) -> Done {
        // Before the start: a signal in the middle of it must not leave half a fleet behind.
        let signals = Signals::new()?;
        let held = self.start()?;
        let text = self.next_steps(&held);
        say(&text);
        fs::write(held.fleet.dir.join(READY), text)?;
        signals.wait();
        drop(held.apps);
        held.fleet.down()?;
        say("the fleet is gone");
        Ok(ExitCode::SUCCESS)
    }

    /// Starts another process that holds the fleet, and waits until it is up.
    pub fn detached(self) -> Done {
        if sweep::holder(&self.dir).is_some() {
            return Err(format!("a fleet runs in {} already; take it down first", self.dir.display()).into());
        }
        if let Some(parent) = self.dir.parent() {
            fs::create_dir_all(parent)?;
        }
        let log_path = self.dir.with_extension("log");
        let log = fs::File::create(&log_path)?;
        let mut args: Vec<_> = std::env::args_os().skip(1).collect();
        args.retain(|a| a != "--detach");
        let mut holder = Command::new(std::env::current_exe()?)
            .args(args)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        let ready = self.dir.join(READY);
        loop {
            if sweep::holder(&self.dir).is_some()
                && let Ok(text) = fs::read_to_string(&ready)
            {
                say(&text);
                return Ok(ExitCode::SUCCESS);
            }
            if holder.try_wait()?.is_some() {
                let why = fs::read_to_string(&log_path).unwrap_or_default();
                return Err(format!("the fleet did not start\n{}", why.trim_end()).into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn start(&self) -> Result<Held, Box<dyn std::error::Error>> {
        sweep::sweep_dir(&self.dir)?;
        let mut spec = FleetSpec::new(self.backend).dir(&self.dir);
        if let Some(n) = self.hosts {
            spec = spec.count(n);
        }
        spec.cap = find_cap(self.cap.as_deref());
        eprintln!("testbed: starting {} {} hosts", spec.hosts.len(), self.backend.name());
        let fleet = spec.start()?;
        let (repository, server) = self.repository(&fleet)?;
        let recipe = project::recipe(&fleet.hosts, APPLICATION, &repository);
        project::write(&project_dir(&fleet.dir), &recipe)?;
        for host in &fleet.hosts {
            // The recipe links it into each release.
            let shared = format!("{}/shared/config", host.deploy_to(APPLICATION));
            fleet.run(&host.name, &format!("mkdir -p {shared} && echo 'production: {{}}' > {shared}/database.yml"))?;
        }
        let mut apps = Vec::new();
        for host in fleet.hosts.iter().filter(|h| h.name.starts_with("app")) {
            if let Some(site) = host.site(&host.deploy_to(APPLICATION)) {
                apps.push((host.name.clone(), HttpApp::serve(site)?));
            }
        }
        Ok(Held { fleet, repository, apps, _server: server })
    }

    fn scm(&self) -> Scm {
        match self.scm {
            ScmArg::Git => Scm::Git,
            ScmArg::Svn => Scm::Subversion,
        }
    }

    /// The URL that the hosts use, and its server if the fleet has none of its own.
    fn repository(&self, fleet: &Fleet) -> Result<(String, Option<RepoServer>), Box<dyn std::error::Error>> {
        if self.backend == Backend::Containers {
            return Ok((containers::repo_url(self.scm()), None));
        }
        let server = AppRepo::create(&repo_dir(&fleet.dir), self.scm())?.serve()?;
        Ok((server.url(), Some(server)))
    }

    /// What finds this fleet again, where it is not the usual one.
    fn dir_option(&self) -> String {
        if self.dir == crate::default_dir() {
            return String::new();
        }
        let dir = std::path::absolute(&self.dir).unwrap_or_else(|_| self.dir.clone()).display().to_string();
        let plain = dir.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._-".contains(&b));
        let word = if plain { dir } else { format!("'{}'", dir.replace('\'', "'\\''")) };
        format!("--dir {word} ")
    }

    fn next_steps(&self, held: &Held) -> String {
        let fleet = &held.fleet;
        let mut names: Vec<&str> = fleet.hosts.iter().map(|h| h.name.as_str()).collect();
        if names.len() > 12 {
            names.splice(1..names.len() - 1, ["…"]);
        }
        let mut text = format!(
            "The fleet is up: {} ({}).\n\n  files       {}\n  project     {}\n  repository  {}\n",
            names.join(" "),
            self.backend.name(),
            fleet.dir.display(),
            project_dir(&fleet.dir).display(),
            held.repository
        );
        for (name, app) in &held.apps {
            text.push_str(&format!("  {name:<11} {} (once something is deployed)\n", app.url()));
        }
        let first = names.first().copied().unwrap_or("web1");
        let ssh = format!("ssh {first} 'ls -l'");
        text.push_str("\nNext:\n");
        for words in ["deploy deploy:setup", "deploy", "commit 2", "deploy", "deploy deploy:rollback", &ssh, "down"] {
            text.push_str(&format!("  cargo xtask testbed {}{words}\n", self.dir_option()));
        }
        if fleet.backend() != Backend::Containers {
            text.push_str(&format!("\nWith any SSH client:\n  ssh -F {} {first}\n", fleet.ssh_config.display()));
        }
        text
    }
}

/// Asks the process that holds the fleet to take it down, and waits until it has.
pub fn down(dir: &Path) -> Done {
    match sweep::holder(dir) {
        Some(pid) => {
            if let Some(pid) = rustix::process::Pid::from_raw(pid) {
                rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
            }
            while sweep::holder(dir).is_some() {
                std::thread::sleep(Duration::from_millis(50));
            }
            say(&format!("the fleet in {} is gone", dir.display()));
        }
        None if sweep::sweep_dir(dir)? => say(&format!("removed what was left in {}", dir.display())),
        None => say(&format!("no fleet in {}", dir.display())),
    }
    let _ = fs::remove_file(dir.with_extension("log"));
    Ok(ExitCode::SUCCESS)
}
