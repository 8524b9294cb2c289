//! Opening the layout on a set of hosts: connect, lock, read, decide; all or nothing.

use deploy_inventory::HostId;
use deploy_plan::{ExitStatus, Level, Opened, Problem, ProblemKind, Purpose, RemotePath, Slot, Stopped, Transaction};
use deploy_release::{
    Checker, FleetMachine, HostFacts, OpenedFleet, Place, PlaceKind, Planner, ProbeNeeds, entry_script, parse_probe,
    probe_script, state_dir_script,
};
use indexmap::IndexMap;

use crate::engine::Mode;
use crate::flight::{Job, JobKind, JobResult};
use crate::phase::unlock;
use crate::run::{Opening, Run};

/// The exit status of the state directory's script when `deploy_to` is not there at all.
const NO_DEPLOY_TO: i32 = 3;

/// Seconds in which another run that began together with this one has given its locks back.
const LOCK_WAIT: u32 = 5;

impl Run<'_> {
    /// The answer, if what is open already covers this.
    pub(crate) fn already_open(&self, wanted: &Transaction) -> Option<Opened> {
        let state = self.state.borrow();
        let opening = state.opening.as_ref()?;
        let have = &opening.transaction;
        let same_place = have.layout == wanted.layout && wanted.hosts.iter().all(|host| have.hosts.contains(host));
        let enough = have.purpose == wanted.purpose
            || wanted.purpose == Purpose::Read
            || (matches!(have.purpose, Purpose::Deploy { .. })
                && matches!(wanted.purpose, Purpose::Deploy { .. } | Purpose::Republish | Purpose::Cleanup))
            || (matches!(have.purpose, Purpose::Rollback { .. } | Purpose::Republish)
                && wanted.purpose == Purpose::Cleanup);
        (same_place && enough).then(|| opening.opened.clone())
    }

    /// Opens the layout.
    pub(crate) async fn open(&self, transaction: Transaction) -> Result<Opened, Stopped> {
        let facts = if self.settings.mode == Mode::Offline {
            assumed_facts(&transaction)
        } else {
            self.fleet.connect(self.program, &transaction.hosts).await.map_err(|problems| self.fail(problems))?;
            self.read(&transaction).await?
        };
        let facts = self.as_if_made(&transaction, facts);
        let opened = match deploy_release::open(&transaction, &self.identity(), &facts) {
            Ok(opened) => opened,
            Err(problems) => return Err(self.fail(problems)),
        };
        Ok(self.keep(transaction, opened))
    }

    /// In a rehearsal the directories that the flow makes before are not there: hosts are taken for what they will be.
    fn as_if_made(
        &self,
        transaction: &Transaction,
        mut facts: IndexMap<HostId, HostFacts>,
    ) -> IndexMap<HostId, HostFacts> {
        if self.settings.mode != Mode::Plan || transaction.purpose == Purpose::Setup {
            return facts;
        }
        let state = self.state.borrow();
        let made = |host: &HostId| {
            let setups = state.rehearsed.phases.iter().filter(|phase| phase.slot == Slot::Setup);
            setups.flat_map(|phase| phase.hosts()).any(|other| other == *host)
        };
        let assumed = assumed_facts(transaction);
        for (host, facts) in facts.iter_mut().filter(|(host, facts)| !facts.releases_dir.is_directory() && made(host)) {
            if let Some(assumed) = assumed.get(host) {
                *facts = HostFacts { user: facts.user.clone(), ..assumed.clone() };
            }
        }
        facts
    }

    /// Remembers what is open. A narrower opening beside one that holds the lock widens what is known and changes nothing
    /// else.
    fn keep(&self, transaction: Transaction, fleet: OpenedFleet) -> Opened {
        for warning in &fleet.warnings {
            self.say(Level::Warning, warning.text.clone());
        }
        let hosts = transaction.hosts.clone();
        let mut state = self.state.borrow_mut();
        if let Some(release) = &fleet.opened.release {
            let known = fleet.context.units.values().find_map(|unit| unit.history.get(release)?.revision.clone());
            state.revision = known.or(state.revision.take());
        }
        match state.checker.as_mut() {
            Some(checker) => checker.set_context(fleet.context.clone()),
            None => state.checker = Some(Checker::new(&fleet.context)),
        }
        // Step ids go on through the run, however often it opens something.
        match state.planner.as_mut() {
            Some(planner) => planner.set_context(fleet.context),
            None => state.planner = Some(Planner::new(fleet.context)),
        }
        let opened = fleet.opened.clone();
        if !state.locked.is_empty() && !locks(&transaction.purpose) {
            return opened;
        }
        match &transaction.purpose {
            Purpose::Deploy { .. } => state.machine = Some(FleetMachine::deploy(hosts)),
            Purpose::Republish => state.machine = Some(FleetMachine::republish(hosts)),
            Purpose::Rollback { .. } => state.machine = Some(FleetMachine::rollback(hosts)),
            Purpose::Read | Purpose::Setup | Purpose::Cleanup => {}
        }
        state.opening = Some(Opening { transaction, opened: fleet.opened });
        opened
    }

    /// Takes the lock on every host where the purpose asks for it, and reads them.
    async fn read(&self, transaction: &Transaction) -> Result<IndexMap<HostId, HostFacts>, Stopped> {
        let locking = self.settings.mode == Mode::Real && locks(&transaction.purpose);
        if locking && transaction.sudo {
            // The state directory may need it, before anything else is known.
            self.find_out_sudo(&transaction.hosts).await?;
        }
        let mut flights = Vec::new();
        for host in &transaction.hosts {
            let ours = self.state.borrow().locked.contains(host);
            let mut jobs = if locking && !ours { self.lock_jobs(transaction, host, 0) } else { Vec::new() };
            jobs.push(probe_job(transaction));
            flights.push((host.clone(), jobs));
        }
        let mut answers = self.fleet.fly(flights).await;
        if locking {
            self.wait_for_locks(transaction, &mut answers).await;
        }
        let mut problems = Vec::new();
        let mut facts = IndexMap::new();
        for (host, results) in answers {
            match read_answer(&host, &results, transaction) {
                Ok(read) => {
                    facts.insert(host, read);
                }
                Err(problem) => problems.push(*problem),
            }
        }
        if problems.is_empty() {
            if locking {
                self.state.borrow_mut().locked.extend(transaction.hosts.iter().cloned());
            }
            return Ok(facts);
        }
        if locking && self.state.borrow().locked.is_empty() {
            self.give_back(&transaction.hosts).await;
        }
        Err(self.fail(problems))
    }

    /// Runs that begin together may each get some of the locks. The one with the first host's waits for the rest, one by
    /// one in order; the others give back what they have. So one of them wins, never none.
    async fn wait_for_locks(&self, transaction: &Transaction, answers: &mut [(HostId, Vec<JobResult>)]) {
        let refused = |results: &[JobResult]| results.iter().any(|result| result.refused_by.is_some());
        let has_first = |(host, results): &(HostId, Vec<JobResult>)| read_answer(host, results, transaction).is_ok();
        if !answers.first().is_some_and(has_first) {
            return;
        }
        for (host, results) in answers.iter_mut().filter(|(_, results)| refused(results)) {
            let mut jobs = self.lock_jobs(transaction, host, LOCK_WAIT);
            jobs.push(probe_job(transaction));
            if let Some((_, again)) = self.fleet.fly(vec![(host.clone(), jobs)]).await.pop() {
                *results = again;
            }
            if refused(results) {
                return;
            }
        }
    }

    /// Make the state directory, take the lock, adopt the ready-made links.
    fn lock_jobs(&self, transaction: &Transaction, host: &HostId, wait: u32) -> Vec<Job> {
        let layout = &transaction.layout;
        let job = |title: &str, kind: JobKind, needs_lock: bool| Job {
            step: None,
            title: title.to_owned(),
            kind,
            captured: true,
            always: false,
            needs_lock,
            deadline: None,
        };
        let lock = JobKind::Lock {
            directory: from_home(&layout.state()),
            owner: self.owner_text(),
            run: self.id.as_str().to_owned(),
            shared: layout.group_writable,
            wait,
        };
        let body = state_dir_script(layout, transaction.sudo);
        // In the runner's own shell it costs no process and no answer; a password must not stay there, though.
        let prepare = match (transaction.sudo, self.sudo_secret(host)) {
            (false, _) => JobKind::Shell { body },
            (true, sudo) => JobKind::Script { body, sudo },
        };
        let adopt = JobKind::Script { body: entry_script(layout, &self.id), sudo: None };
        vec![
            job("make the state directory", prepare, false),
            job("take the lock", lock, false),
            job("adopt the ready-made links", adopt, true),
        ]
    }

    /// What those who are refused get to read.
    fn owner_text(&self) -> String {
        let task = self.settings.tasks.join(" ");
        format!("{} runs `cap {task}` (run {}, since {})", self.settings.by, self.id, self.settings.started)
    }

    /// Gives locks back without having done anything.
    async fn give_back(&self, hosts: &[HostId]) {
        let flights = hosts.iter().map(|host| (host.clone(), vec![unlock()])).collect();
        self.fleet.fly(flights).await;
    }
}

/// Whether a purpose changes what other runs rely on.
fn locks(purpose: &Purpose) -> bool {
    matches!(purpose, Purpose::Deploy { .. } | Purpose::Republish | Purpose::Rollback { .. } | Purpose::Cleanup)
}

/// A path as the runner wants it: absolute, or relative to the home directory, which is where it works.
fn from_home(path: &RemotePath) -> String {
    if path.is_below_home() { path.rest().to_owned() } else { path.to_string() }
}

fn probe_job(transaction: &Transaction) -> Job {
    let migrations = matches!(transaction.purpose, Purpose::Deploy { .. } | Purpose::Read);
    let needs = ProbeNeeds { sudo: transaction.sudo, migrations, ..ProbeNeeds::default() };
    Job {
        step: None,
        title: "read the layout".to_owned(),
        kind: JobKind::Script { body: probe_script(&transaction.layout, &needs), sudo: None },
        captured: true,
        always: true,
        needs_lock: false,
        deadline: None,
    }
}

/// One host's facts, or why there are none.
fn read_answer(host: &HostId, results: &[JobResult], transaction: &Transaction) -> Result<HostFacts, Box<Problem>> {
    let Some((probe, before)) = results.split_last() else {
        return Err(Box::new(Problem::new(ProblemKind::Lost, "read the layout", "no answer").on(host)));
    };
    if let Some(problem) = before.iter().find_map(|result| lock_problem(host, result, transaction)) {
        return Err(Box::new(problem));
    }
    if !probe.status.is_success() {
        let kind = if matches!(probe.status, ExitStatus::Lost(_)) { ProblemKind::Lost } else { ProblemKind::Layout };
        let mut problem = Problem::new(kind, "read the layout", probe.status.to_string()).on(host);
        problem.tail = probe.tail_lines(20);
        return Err(Box::new(problem));
    }
    parse_probe(&probe.stdout)
        .map_err(|error| Box::new(Problem::new(ProblemKind::Lost, "understand the layout", error.to_string()).on(host)))
}

/// Why the lock could not be had. A missing `deploy_to` is told better by the probe.
fn lock_problem(host: &HostId, result: &JobResult, transaction: &Transaction) -> Option<Problem> {
    let root: &RemotePath = &transaction.layout.deploy_to;
    if let Some(owner) = &result.refused_by {
        return Some(Problem::new(ProblemKind::Locked, format!("take the lock of {root}"), owner.clone()).on(host));
    }
    match &result.status {
        ExitStatus::Code(0 | NO_DEPLOY_TO) | ExitStatus::Skipped => None,
        ExitStatus::Lost(why) => Some(Problem::new(ProblemKind::Lost, "take the lock", why.clone()).on(host)),
        status => {
            let mut why = status.to_string();
            if let Some(line) = result.tail_lines(1).first() {
                why = format!("{why}: {line}");
            }
            let what = format!("prepare {}", transaction.layout.state());
            Some(Problem::new(ProblemKind::Layout, what, why).on(host))
        }
    }
}

/// What `-n` takes for granted about hosts that it does not ask: a layout that is set up and has no release.
fn assumed_facts(transaction: &Transaction) -> IndexMap<HostId, HostFacts> {
    let place = Place { kind: PlaceKind::Directory, writable: true, owner: None };
    let facts = HostFacts {
        deploy_to: place.clone(),
        releases_dir: place.clone(),
        shared_dir: place.clone(),
        state_dir: place.clone(),
        current_dir: place,
        ledger_writable: true,
        ..HostFacts::default()
    };
    transaction.hosts.iter().map(|host| (host.clone(), facts.clone())).collect()
}
