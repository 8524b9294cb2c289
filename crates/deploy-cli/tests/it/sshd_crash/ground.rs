//! The fleets of the cells: started once, brought back to the start of a cell each time.

use std::collections::HashMap;
use std::process::{Command, Stdio};

use deploy_testbed::repo::Scm;
use deploy_testbed::{FleetSpec, HostSpec, RunAs};
use rustix::process::Signal;
use tempfile::TempDir;

use super::cell::{Scenario, Sites};
use super::view::{View, view};
use crate::support::{Ran, Stage, start};
use crate::terminal::{Background, until};

pub const HOSTS: [&str; 3] = ["web1", "web2", "web3"];
pub const ROOT: &str = "/var/www/my_cool_app";
/// How many releases are kept.
pub const KEEP: usize = 3;

/// The recipe for so many hosts. What the application runs is what was live when it was restarted.
fn recipe(hosts: usize) -> String {
    let names = HOSTS.map(|name| format!("'{name}.example.com'"));
    format!(
        "set :application, 'my_cool_app'\nset :user, 'deploy'\nset :use_sudo, false\nset :keep_releases, {KEEP}\n\
         set :magic_hooks, false\nset :migrate_on_deploy, false\nrole :app, {all}\nrole :db, {first}, :primary => true\n\
         namespace :deploy do\n  task :restart, :roles => :app do\n    \
         run \"readlink #{{current_path}} | sed 's:.*/::' > ~/running\"\n  end\n  \
         task :migrate, :roles => :db, :only => {{ :primary => true }} do\n    run 'echo x >> ~/migrations'\n  end\nend\n\
         after 'deploy:update_code' do\n  run \"test -e #{{release_path}}/VERSION\"\nend\n\
         after 'deploy:restart', 'deploy:cleanup'\n",
        all = names[..hosts].join(", "),
        first = names[0],
    )
}

/// The commits: three are deployed before, the fourth is in the run that the fault meets, the fifth is the newer one.
const COMMITS: usize = 5;

/// Two fleets (one with disks that can be filled) and the states that cells begin with.
pub struct Ground {
    binary: String,
    /// Ordinary disks, small disks.
    fields: [Option<Field>; 2],
}

/// A fleet with a repository of its own.
pub struct Field {
    pub stage: Stage,
    pub commits: Vec<String>,
    /// The fingerprint of the releases of the last two commits.
    pub whole: HashMap<String, u64>,
    binary: String,
    /// Where the hosts' applications lie: in memory, where a flush costs nothing. Removed behind the fleet.
    _memory: Option<TempDir>,
}

impl Ground {
    /// The first fleet; the other is started when a cell wants it.
    pub fn start(binary: &str) -> Option<Self> {
        let first = Field::make(binary, false)?;
        Some(Self { binary: binary.to_owned(), fields: [Some(first), None] })
    }

    /// The fleet with ordinary or with small disks.
    pub fn field(&mut self, small: bool) -> &Field {
        let field = &mut self.fields[usize::from(small)];
        field.get_or_insert_with(|| Field::make(&self.binary, small).expect("the first one could be started"))
    }
}

impl Field {
    fn make(binary: &str, small: bool) -> Option<Self> {
        // Where it is not there, everything takes longer and is the same.
        let memory = tempfile::Builder::new().prefix("capstan-crash-").tempdir_in("/dev/shm").ok();
        let host = |name: &str| match (small, &memory) {
            (true, _) => HostSpec::new(name).tmpfs("/var/www", "4m,nr_inodes=900"),
            (false, Some(memory)) => HostSpec::new(name).shared("/var/www", memory.path().join(name)),
            (false, None) => HostSpec::new(name),
        };
        let mut spec = FleetSpec::sshd();
        spec.hosts = HOSTS.map(host).into();
        let stage = Stage::with(start(spec, "sshd")?, Scm::Git, &recipe(3));
        for hosts in 1..=3 {
            stage.write(&format!("config/deploy{hosts}.rb"), &recipe(hosts));
            stage.write(&format!("Capfile{hosts}"), &format!("load 'deploy'\nload 'config/deploy{hosts}'\n"));
        }
        let mut commits = vec![stage.repo.head().unwrap()];
        for version in 2..=COMMITS {
            commits.push(stage.repo.release(&version.to_string()).unwrap());
        }
        let mut field = Self { stage, commits, whole: HashMap::new(), binary: binary.to_owned(), _memory: memory };
        field.prepare();
        Some(field)
    }

    /// Makes the states in which cells begin, and learns what whole releases look like.
    fn prepare(&mut self) {
        let stage = &self.stage;
        let cap = |task: &str, commit: usize| {
            let commit = format!("revision={}", self.commits[commit - 1]);
            run(plain(stage, 3, &[task, "-S", &commit])).expect(0)
        };
        cap("deploy:setup", 1);
        keep(stage, "First");
        for commit in 1..=3 {
            cap("deploy", commit);
        }
        keep(stage, "Deploy");
        let learnt = [4, 5].map(|commit| {
            cap("deploy", commit);
            let now = view(stage, HOSTS[0]);
            (self.commits[commit - 1].clone(), now.unit.live_entry().unwrap().digest)
        });
        let sites = self.sites(Scenario::Deploy);
        for hosts in 1..=3 {
            restore(stage, "Deploy", 3);
            self.die_between_two_switches(hosts, switch_of(&sites[hosts - 1].1));
            quiet(stage, hosts);
            keep(stage, &format!("Recover{hosts}"));
        }
        self.whole.extend(learnt);
    }

    /// A deploy that is killed when the last host is about to switch and all others have.
    fn die_between_two_switches(&self, hosts: usize, switch: usize) {
        let (stage, mark) = (&self.stage, self.stage.project.join("mark"));
        let live = stage.live(HOSTS[0]);
        let mut command = self.faulty(Scenario::Deploy, hosts);
        command.env("CAPSTAN_FAULT", format!("{}.{switch}.before.pause", HOSTS[hosts - 1]));
        command.env("CAPSTAN_FAULT_MARK", &mark);
        let run = Background::start(command);
        let others = &HOSTS[..hosts - 1];
        until("all others have switched", || mark.exists() && others.iter().all(|host| stage.live(host) != live));
        run.signal(Signal::KILL);
        run.end();
        std::fs::remove_file(&mark).unwrap();
    }

    /// The requests of every host in a run that nothing happens to.
    pub fn sites(&self, scenario: Scenario) -> Sites {
        let hosts = HOSTS.len();
        restore(&self.stage, &state(scenario, hosts), hosts);
        let file = self.stage.project.join("sites");
        let _ = std::fs::remove_file(&file);
        let mut command = self.faulty(scenario, hosts);
        command.env("CAPSTAN_FAULT_LOG", &file);
        run(command).expect(0);
        let mut sites: Sites = HOSTS.iter().map(|host| ((*host).to_owned(), Vec::new())).collect();
        for line in std::fs::read_to_string(&file).unwrap().lines() {
            let (host, letter) = (line.split(' ').next().unwrap(), line.chars().last().unwrap());
            sites.iter_mut().find(|(name, _)| name == host).unwrap().1.push(letter);
        }
        sites
    }

    /// The command of a scenario, with the binary that has faults.
    pub fn faulty(&self, scenario: Scenario, hosts: usize) -> Command {
        let stage = &self.stage;
        let commit = format!("revision={}", self.commits[3]);
        let args: &[&str] = match scenario {
            Scenario::First | Scenario::Deploy => &["deploy", "-S", &commit],
            Scenario::Migrations => &["deploy:migrations", "-S", &commit],
            Scenario::Rollback => &["deploy:rollback"],
            Scenario::Cleanup => &["deploy:cleanup", "-S", "keep_releases=1"],
            Scenario::Recover => &["recover"],
        };
        let plain = plain(stage, hosts, args);
        let mut command = Command::new(&self.binary);
        command.args(plain.get_args()).current_dir(&stage.project).env_clear();
        command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?)))).stdin(Stdio::null());
        command
    }
}

/// The site of the switch: with what is sent to the host at once behind the last barrier. It is the third script from the
/// end of a deploy with a hook, a restart and a cleanup.
fn switch_of(letters: &[char]) -> usize {
    let commands: Vec<usize> = (0..letters.len()).filter(|site| letters[*site] == 'C').collect();
    let restart = *commands.last().unwrap();
    (0..restart).rev().find(|site| letters[*site] == 'S').unwrap()
}

/// The state that a scenario begins with.
pub fn state(scenario: Scenario, hosts: usize) -> String {
    match scenario {
        Scenario::First => "First".to_owned(),
        Scenario::Recover => format!("Recover{hosts}"),
        _ => "Deploy".to_owned(),
    }
}

/// `cap` as people have it.
pub fn plain(stage: &Stage, hosts: usize, args: &[&str]) -> Command {
    let file = format!("Capfile{hosts}");
    stage.command(&[&["-f", file.as_str()], args].concat())
}

pub fn run(mut command: Command) -> Ran {
    let output = command.output().unwrap();
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    Ran { code: output.status.code().unwrap_or(-1), text }
}

const NOTES: &str = "running migrations";

fn keep(stage: &Stage, name: &str) {
    let text = format!(
        "mkdir -p ~/.kept/{name} && cp -a {ROOT} ~/.kept/{name}/app && cd && touch {NOTES} && cp {NOTES} ~/.kept/{name}"
    );
    on_each(3, |host| drop(stage.on(host, &text)));
}

/// Does something for each of the first hosts, all at once; the results in their order.
fn on_each<T: Send>(hosts: usize, each: impl Fn(&str) -> T + Sync) -> Vec<T> {
    std::thread::scope(|scope| {
        let each = &each;
        let all: Vec<_> = HOSTS[..hosts].iter().map(|host| scope.spawn(move || each(host))).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    })
}

/// Brings hosts back to a state.
pub fn restore(stage: &Stage, name: &str, hosts: usize) {
    let text =
        format!("rm -rf {ROOT} /var/www/fill* && cp -a ~/.kept/{name}/app {ROOT} && cd ~/.kept/{name} && cp {NOTES} ~");
    on_each(hosts, |host| drop(stage.on(host, &text)));
}

/// Waits until no runner is left: until every lock can be had.
pub fn quiet(stage: &Stage, hosts: usize) {
    for host in &HOSTS[..hosts] {
        let free = format!("test ! -e {ROOT}/.capstan/lock || flock -w 60 {ROOT}/.capstan/lock true");
        let done = stage.fleet.run(host, &free).unwrap();
        assert!(done.ok(), "{host}: the lock does not become free: {done:?}");
    }
}

/// Something that only root can do to a host.
pub fn as_root(stage: &Stage, host: &str, text: &str) {
    let done = stage.fleet.run_as(host, RunAs::Root, text).unwrap();
    assert!(done.ok(), "{host}: {text}: {done:?}");
}

pub fn views(stage: &Stage, hosts: usize) -> Vec<View> {
    on_each(hosts, |host| view(stage, host))
}
