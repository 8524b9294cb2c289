//! The password for `sudo`: asked once per run, and only when a host wants one.

use std::sync::Arc;

use deploy_inventory::HostId;
use deploy_plan::{ExitStatus, Level, Phase, Problem, ProblemKind, Stopped, Work};

use crate::flight::{Job, JobKind, Output};
use crate::phase::SharedSecret;
use crate::run::Run;

/// What is known about `sudo` on a host.
#[derive(Clone, Debug)]
pub(crate) enum Sudo {
    /// It asks nothing.
    Free,
    /// It asks nothing for some commands, and which they are is not known: a recipe that restarts a service may need no
    /// more.
    Partly,
    /// It wants this password.
    Password(SharedSecret),
}

impl Run<'_> {
    /// The password to send to a host, where it wants one.
    pub(crate) fn sudo_secret(&self, host: &HostId) -> Option<SharedSecret> {
        match self.state.borrow().sudo.get(host) {
            Some(Sudo::Password(secret)) => Some(Arc::clone(secret)),
            _ => None,
        }
    }

    /// Before a phase that uses `sudo`: finds out which of its hosts want a password, and asks for it once.
    pub(crate) async fn ask_for_sudo(&self, phase: &Phase) -> Result<(), Stopped> {
        let (mut ours, mut recipes): (Vec<HostId>, Vec<HostId>) = (Vec::new(), Vec::new());
        for step in &phase.steps {
            match &step.work {
                Work::Ops(_) if step.sudo => ours.extend(step.hosts().cloned()),
                Work::Command(command) if command.sudo => recipes.extend(step.hosts().cloned()),
                _ => {}
            }
        }
        self.find_out_sudo(&ours).await?;
        self.see_sudo(&recipes).await?;
        self.remember_password(&self.wanting(&recipes, false)).await
    }

    /// Finds out which hosts want a password for whatever we may do with sudo, and asks for it once.
    pub(crate) async fn find_out_sudo(&self, hosts: &[HostId]) -> Result<(), Stopped> {
        self.see_sudo(hosts).await?;
        self.remember_password(&self.wanting(hosts, true)).await
    }

    /// Hosts whose password is still to be asked for; with `for_all` also where some commands need none.
    pub(crate) fn wanting(&self, hosts: &[HostId], for_all: bool) -> Vec<HostId> {
        let state = self.state.borrow();
        let wants = |host: &HostId| match state.sudo.get(host) {
            None => true,
            Some(Sudo::Partly) => for_all,
            Some(Sudo::Free | Sudo::Password(_)) => false,
        };
        let mut found: Vec<HostId> = Vec::new();
        for host in hosts.iter().filter(|host| wants(host)) {
            if !found.contains(host) {
                found.push(host.clone());
            }
        }
        found
    }

    /// Asks hosts of which nothing is known yet.
    async fn see_sudo(&self, hosts: &[HostId]) -> Result<(), Stopped> {
        let mut flights: Vec<(HostId, Vec<Job>)> = Vec::new();
        for host in hosts.iter().filter(|host| !self.state.borrow().sudo.contains_key(*host)) {
            if !flights.iter().any(|(known, _)| known == host) {
                flights.push((host.clone(), vec![probe()]));
            }
        }
        if flights.is_empty() {
            return Ok(());
        }
        let mut lost = Vec::new();
        for (host, results) in self.fleet.fly(flights).await {
            let found = match results.first().map(|result| &result.status) {
                Some(ExitStatus::Code(0)) => Sudo::Free,
                Some(ExitStatus::Code(PARTLY)) => Sudo::Partly,
                Some(ExitStatus::Lost(why)) => {
                    // No password helps there.
                    let problem =
                        || Problem::new(ProblemKind::Lost, "see whether sudo wants a password", why).on(&host);
                    lost.push(self.fleet.refusal(&host).unwrap_or_else(problem));
                    continue;
                }
                _ => continue,
            };
            self.state.borrow_mut().sudo.insert(host, found);
        }
        if lost.is_empty() { Ok(()) } else { Err(self.fail(lost)) }
    }

    /// Asks for the password that these hosts want and tries it there at once: a wrong one must not be found out half-way
    /// through a deploy. Hosts that do not take it are asked about again, so they may have a password of their own.
    async fn remember_password(&self, hosts: &[HostId]) -> Result<(), Stopped> {
        let mut wanting = hosts.to_vec();
        let mut refused: Vec<Problem> = Vec::new();
        for attempt in 0..ATTEMPTS {
            let Some(first) = wanting.first() else { return Ok(()) };
            let Some(secret) = self.ports.sudo.ask(first, attempt > 0).await else {
                // Perhaps what is needed is among what sudo allows without one; if not, sudo will say so.
                let partly = |host: &HostId| matches!(self.state.borrow().sudo.get(host), Some(Sudo::Partly));
                wanting.retain(|host| !partly(host));
                break;
            };
            refused = self.try_password(&wanting, Arc::new(secret)).await;
            if refused.iter().any(|problem| !is_wrong_password(&problem.why)) {
                break;
            }
            wanting = refused.iter().filter_map(|problem| problem.host.clone()).collect();
            for host in &wanting {
                self.say(Level::Warning, format!("{host}: sudo does not take this password"));
            }
        }
        if wanting.is_empty() {
            return Ok(());
        }
        let nobody = "sudo wants a password on this host, and there is nobody to ask for it";
        if refused.is_empty() {
            let problem = |host: HostId| Problem::new(ProblemKind::Password, "use sudo", nobody).on(&host);
            refused = wanting.into_iter().map(problem).collect();
        }
        Err(self.fail(refused))
    }

    /// Remembers the password for hosts that take it; gives those that do not, with what sudo said.
    async fn try_password(&self, hosts: &[HostId], secret: SharedSecret) -> Vec<Problem> {
        let flights = hosts.iter().map(|host| (host.clone(), vec![trial(&secret)])).collect();
        let mut refused = Vec::new();
        for (host, results) in self.fleet.fly(flights).await {
            let Some(result) = results.first() else { continue };
            if result.status.is_success() {
                self.state.borrow_mut().sudo.insert(host, Sudo::Password(Arc::clone(&secret)));
            } else {
                let is_lost = matches!(result.status, ExitStatus::Lost(_));
                let kind = if is_lost { ProblemKind::Lost } else { ProblemKind::Password };
                let said = result.tail_lines(1).pop().unwrap_or_else(|| result.status.to_string());
                refused.push(Problem::new(kind, "use sudo", said).on(&host));
            }
        }
        refused
    }
}

/// How often a password is asked for, as sudo itself does.
const ATTEMPTS: u32 = 3;

/// Whether another password could help. Said by sudo in the C locale.
fn is_wrong_password(said: &str) -> bool {
    said.contains("incorrect password") || said.contains("no password was provided")
}

fn engine_job(title: &str, body: &str, sudo: Option<SharedSecret>) -> Job {
    Job {
        step: None,
        title: title.to_owned(),
        kind: JobKind::Script { body: body.to_owned(), sudo },
        output: Output::Kept,
        always: true,
        needs_lock: false,
        deadline: None,
    }
}

/// What the probe says where sudo allows some commands without a password: only there it shows its list unasked.
const PARTLY: i32 = 9;

fn probe() -> Job {
    let body = "( sudo -n true 2>/dev/null && exit 0; sudo -n -l >/dev/null 2>&1 && exit 9; exit 1 )";
    engine_job("see whether sudo wants a password", body, None)
}

fn trial(secret: &SharedSecret) -> Job {
    let body = "( LC_ALL=C; export LC_ALL; cap_sudo true )";
    engine_job("try the password for sudo", body, Some(Arc::clone(secret)))
}
