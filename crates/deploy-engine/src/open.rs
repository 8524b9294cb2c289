//! Opening the layout on a set of hosts: connect, lock, read, decide; all or nothing.

use deploy_inventory::HostId;
use deploy_plan::{ExitStatus, Level, Opened, Problem, ProblemKind, Purpose, RemotePath, Slot, Stopped, Transaction};
use deploy_release::{
    Checker, Current, FleetEvent, FleetMachine, HostFacts, OpenedFleet, Place, PlaceKind, Planner, ProbeNeeds,
    UnitState, blockers, entry_script, parse_probe, probe_script, shared_units, state_dir_script,
};
use indexmap::IndexMap;

use crate::engine::Mode;
use crate::flight::{Job, JobKind, JobResult, Output};
use crate::phase::unlock;
use crate::run::{Opening, Run};
use crate::sudo::Sudo;

/// The exit status of the state directory's script when `deploy_to` is not there at all.
const NO_DEPLOY_TO: i32 = 3;

/// Seconds in which another run that began together with this one has given its locks back.
const LOCK_WAIT: u32 = 5;
/// How long a host waits for the lock before it answers, in seconds: an interrupt comes into effect between two such waits.
const LOCK_SLICE: u32 = 1;

/// The facts of hosts.
type Facts = IndexMap<HostId, HostFacts>;

/// What a missing layout means to whoever reads the hosts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lacking {
    /// It is refused, where the lock was to be taken there.
    Refused,
    /// It may still be made; there is nothing to lock until then.
    Allowed,
}

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
            || (have.purpose == Purpose::CatchUp
                && matches!(
                    wanted.purpose,
                    Purpose::Deploy { .. } | Purpose::Republish | Purpose::Cleanup | Purpose::Setup
                ))
            || (matches!(have.purpose, Purpose::Rollback { .. } | Purpose::Republish)
                && wanted.purpose == Purpose::Cleanup);
        (same_place && enough).then(|| opening.opened.clone())
    }

    /// A run is one transaction: another one cannot begin in it.
    pub(crate) fn refuse_second(&self, wanted: &Transaction) -> Result<(), Stopped> {
        let verb = |purpose: &Purpose| match purpose {
            Purpose::Deploy { .. } => Some("deploys"),
            Purpose::Rollback { .. } => Some("rolls back"),
            _ => None,
        };
        let have = self.state.borrow().opening.as_ref().and_then(|open| verb(&open.transaction.purpose));
        let (Some(have), Some(next)) = (have, verb(&wanted.purpose)) else { return Ok(()) };
        let why = format!("this run {have} already, and a run is one transaction, which goes live or back as a whole");
        let what = if next == "deploys" { "deploy" } else { "roll back" };
        let problem = Problem::new(ProblemKind::Recipe, format!("{what} in the same run"), why);
        // Told by whoever ends the run: what is recorded up to the edge still goes there first.
        Err(Stopped::Problem(Box::new(problem.next("do the second in a run of its own: take it out of the task"))))
    }

    /// Opens the layout; with facts where the hosts have just been looked at.
    pub(crate) async fn open(&self, transaction: Transaction, known: Option<Facts>) -> Result<Opened, Stopped> {
        if transaction.purpose != Purpose::Check || self.state.borrow().targeted.is_empty() {
            self.state.borrow_mut().targeted.clone_from(&transaction.hosts);
        }
        let facts = match known {
            Some(facts) => facts,
            None if self.settings.mode == Mode::Offline => facts_of_nobody(&transaction),
            None => {
                self.fleet.connect(self.program, &transaction.hosts).await.map_err(|problems| self.fail(problems))?;
                self.read(&transaction, Lacking::Refused).await?
            }
        };
        let facts = self.as_if_made(&transaction, facts);
        let facts = self.recover_first(&transaction, facts).await?;
        let opened = match deploy_release::open(&transaction, &self.identity(), &facts) {
            Ok(opened) => opened,
            Err(problems) => return Err(self.fail(problems)),
        };
        Ok(self.keep(transaction, opened))
    }

    /// In a rehearsal the directories that the flow makes before are not there: hosts are taken for what they will be.
    fn as_if_made(&self, transaction: &Transaction, mut facts: Facts) -> Facts {
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
    fn keep(&self, mut transaction: Transaction, fleet: OpenedFleet) -> Opened {
        for warning in &fleet.warnings {
            self.say(Level::Warning, warning.text.clone());
        }
        transaction.hosts.retain(|host| fleet.up_to_date.iter().all(|(other, _)| other != host));
        let hosts = transaction.hosts.clone();
        let mut state = self.state.borrow_mut();
        state.up_to_date.extend(fleet.up_to_date);
        let already: Vec<HostId> = hosts.iter().filter(|host| fleet.context.has_already(host)).cloned().collect();
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
        let open_for_change = state.opening.as_ref().is_some_and(|opening| locks(&opening.transaction.purpose));
        if open_for_change && !locks(&transaction.purpose) {
            return opened;
        }
        if transaction.purpose == Purpose::Check {
            // It is about the hosts that have not answered, too.
            let others = state.targeted.iter().filter(|host| !transaction.hosts.contains(host));
            transaction.hosts.extend(others.cloned().collect::<Vec<_>>());
        }
        match &transaction.purpose {
            Purpose::Deploy { .. } => state.machine = Some(FleetMachine::deploy(hosts)),
            Purpose::Republish | Purpose::Recover { .. } => state.machine = Some(FleetMachine::republish(hosts)),
            Purpose::Rollback { .. } => state.machine = Some(FleetMachine::rollback(hosts)),
            Purpose::CatchUp if opened.release.is_some() => state.machine = Some(catching_up(hosts, &already)),
            Purpose::CatchUp => {}
            Purpose::Read | Purpose::Check | Purpose::Setup | Purpose::Cleanup | Purpose::Records => {}
        }
        state.opening = Some(Opening { transaction, opened: fleet.opened });
        opened
    }

    /// Takes the lock on every host where the purpose asks for it, and reads them.
    pub(crate) async fn read(&self, transaction: &Transaction, lacking: Lacking) -> Result<Facts, Stopped> {
        let locking = self.settings.mode == Mode::Real && locks(&transaction.purpose);
        if locking {
            self.leave_other_place(transaction).await;
        }
        let begun = self.ports.clock.unix_seconds();
        let mut answers = self.look(transaction, locking, false).await;
        if locking && transaction.sudo && !answers.iter().any(|(_, answer)| answer.is_refused()) {
            self.learn_sudo(&answers);
            let unknown = !self.wanting(&transaction.hosts, true).is_empty();
            if unknown || answers.iter().any(|(_, answer)| answer.needs_sudo()) {
                // Nobody is kept waiting at a lock while a person types.
                self.give_back(&self.not_ours(&transaction.hosts)).await;
                self.find_out_sudo(&transaction.hosts).await?;
                answers = self.look(transaction, locking, true).await;
            }
        }
        if locking {
            if let Some(problems) = locked_by_ourselves(transaction, &answers) {
                self.give_back(&self.not_ours(&transaction.hosts)).await;
                return Err(self.fail(problems));
            }
            self.wait_for_locks(transaction, &mut answers).await;
        }
        let mut problems = Vec::new();
        let mut facts = IndexMap::new();
        let mut new = Vec::new();
        for (host, answer) in answers {
            let refusal = self.fleet.refusal(&host);
            match refusal.map_or_else(|| answer.facts(&host, transaction, lacking), |problem| Err(Box::new(problem))) {
                Ok(read) => {
                    new.extend(answer.is_locked().then(|| host.clone()));
                    facts.insert(host, read);
                }
                Err(problem) => problems.push(*problem),
            }
        }
        self.warn_of_clocks(begun, &facts);
        if problems.is_empty() {
            self.state.borrow_mut().locked.extend(new);
            return Ok(facts);
        }
        if locking && self.state.borrow().locked.is_empty() {
            self.give_back(&transaction.hosts).await;
        }
        Err(self.fail(problems))
    }

    /// Hosts whose lock was not ours before.
    fn not_ours(&self, hosts: &[HostId]) -> Vec<HostId> {
        let state = self.state.borrow();
        hosts.iter().filter(|host| !state.locked.contains(host)).cloned().collect()
    }

    /// One flight to every host: the lock where it is to be taken, and the probe.
    async fn look(&self, transaction: &Transaction, locking: bool, sudo: bool) -> Vec<(HostId, Answer)> {
        let mut flights = Vec::new();
        for host in &transaction.hosts {
            let ours = self.state.borrow().locked.contains(host);
            let mut jobs = if locking && !ours { self.lock_jobs(transaction, host, 0, sudo) } else { Vec::new() };
            jobs.push(probe_job(transaction));
            flights.push((host.clone(), jobs));
        }
        let answers = self.fleet.fly(flights).await;
        answers.into_iter().map(|(host, results)| (host, Answer(results))).collect()
    }

    /// What the probes say about sudo, so that nobody has to be asked about it again.
    fn learn_sudo(&self, answers: &[(HostId, Answer)]) {
        let mut state = self.state.borrow_mut();
        for (host, answer) in answers {
            let Some(facts) = answer.probe().and_then(|probe| parse_probe(&probe.stdout).ok()) else { continue };
            let known = match facts.sudo {
                Some(true) => Sudo::Free,
                _ if facts.sudo_partly => Sudo::Partly,
                _ => continue,
            };
            state.sudo.entry(host.clone()).or_insert(known);
        }
    }

    /// Runs that begin together may each get some of the locks. The one with the first host's waits for the rest, one by
    /// one in order; the others give back what they have. So one of them wins, never none. Whoever may wait for long gives
    /// everything back first and begins with the first host's.
    async fn wait_for_locks(&self, transaction: &Transaction, answers: &mut [(HostId, Answer)]) {
        if !answers.iter().any(|(_, answer)| answer.is_refused()) {
            return;
        }
        let begun = self.ports.clock.monotonic();
        let has_first = |(host, answer): &(HostId, Answer)| {
            !answer.is_refused() && answer.facts(host, transaction, Lacking::Allowed).is_ok()
        };
        let (mut patience, mut from_the_first) = (LOCK_WAIT, false);
        if !answers.first().is_some_and(has_first) {
            if self.settings.lock_wait == 0 {
                return;
            }
            let held = answers.iter().find_map(|(_, answer)| answer.refused_by()).unwrap_or_default();
            self.say(Level::Info, format!("waiting for the lock, {} s at most: {held}", self.settings.lock_wait));
            self.give_back(&self.not_ours(&transaction.hosts)).await;
            (patience, from_the_first) = (self.settings.lock_wait, true);
        }
        for (host, answer) in answers.iter_mut().filter(|(_, answer)| from_the_first || answer.is_refused()) {
            loop {
                let mut jobs = self.lock_jobs(transaction, host, LOCK_SLICE, transaction.sudo);
                jobs.push(probe_job(transaction));
                if let Some((_, again)) = self.fleet.fly(vec![(host.clone(), jobs)]).await.pop() {
                    *answer = Answer(again);
                }
                let waited = self.ports.clock.monotonic().saturating_sub(begun).as_secs();
                if !answer.is_refused() {
                    break;
                }
                if waited >= u64::from(patience) {
                    return;
                }
            }
        }
    }

    /// Make the state directory, take the lock, adopt the ready-made links.
    pub(crate) fn lock_jobs(&self, transaction: &Transaction, host: &HostId, wait: u32, sudo: bool) -> Vec<Job> {
        let layout = &transaction.layout;
        let job = |title: &str, kind: JobKind, needs_lock: bool| Job {
            step: None,
            title: title.to_owned(),
            kind,
            output: Output::Kept,
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
        let body = state_dir_script(layout, sudo);
        // In the runner's own shell they cost no process, and nothing behind them has to wait for an answer; a password
        // must not stay there, though.
        let prepare = match (sudo, self.sudo_secret(host)) {
            (false, _) => JobKind::Shell { body },
            (true, sudo) => JobKind::Script { body, sudo },
        };
        let adopt = JobKind::Shell { body: entry_script(layout, &self.id) };
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
    pub(crate) async fn give_back(&self, hosts: &[HostId]) {
        let flights = hosts.iter().map(|host| (host.clone(), vec![unlock()])).collect();
        self.fleet.fly(flights).await;
    }
}

/// Hosts that are one and the same place: the run itself holds the lock that it is refused there, and would wait for itself.
fn locked_by_ourselves(transaction: &Transaction, answers: &[(HostId, Answer)]) -> Option<Vec<Problem>> {
    if !answers.iter().any(|(_, answer)| answer.is_refused()) {
        return None;
    }
    let probed = |(host, answer): &(HostId, Answer)| {
        let facts = parse_probe(&answer.probe()?.stdout).ok()?;
        Some((host.clone(), facts))
    };
    let facts = answers.iter().filter_map(probed).collect();
    let problems = shared_units(&transaction.layout, &facts);
    (!problems.is_empty()).then_some(problems)
}

/// A run that makes a release which some of its hosts have.
fn catching_up(hosts: Vec<HostId>, already: &[HostId]) -> FleetMachine {
    let mut machine = FleetMachine::deploy(hosts);
    for host in already {
        // Where a host was found is never illegal.
        let _ = machine.apply(FleetEvent::Found(host.clone(), UnitState::Ready));
    }
    machine
}

/// Whether a purpose changes what other runs rely on.
fn locks(purpose: &Purpose) -> bool {
    !matches!(purpose, Purpose::Read | Purpose::Check | Purpose::Setup)
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
        output: Output::Kept,
        always: true,
        needs_lock: false,
        deadline: None,
    }
}

/// What one host answered: the results of [`lock_jobs`](Run::lock_jobs) where it was to be locked, and of the probe.
struct Answer(Vec<JobResult>);

impl Answer {
    fn probe(&self) -> Option<&JobResult> {
        self.0.last()
    }

    /// Preparing, locking, adopting; none where the lock was not asked for.
    fn locking(&self) -> Option<[&JobResult; 3]> {
        match self.0.as_slice() {
            [prepare, lock, adopt, _] => Some([prepare, lock, adopt]),
            _ => None,
        }
    }

    /// Whether somebody else holds the lock.
    fn is_refused(&self) -> bool {
        self.refused_by().is_some()
    }

    /// Who holds it.
    fn refused_by(&self) -> Option<String> {
        self.0.iter().find_map(|result| result.refused_by.clone())
    }

    /// Whether the lock was asked for and given.
    fn is_locked(&self) -> bool {
        self.locking().is_some_and(|results| results.iter().all(|result| result.status.is_success()))
    }

    /// Whether the state directory could not be made without sudo.
    fn needs_sudo(&self) -> bool {
        self.locking().is_some_and(|[prepare, ..]| matches!(prepare.status, ExitStatus::Code(code) if code != 0))
    }

    /// The host's facts, or why there are none. With them the lock is ours, where it was asked for and nothing may lack.
    fn facts(&self, host: &HostId, transaction: &Transaction, lacking: Lacking) -> Result<HostFacts, Box<Problem>> {
        let Some(probe) = self.probe() else {
            return Err(Box::new(Problem::new(ProblemKind::Lost, "read the layout", "no answer").on(host)));
        };
        let lock = self.locking().and_then(|results| lock_problem(results, transaction));
        // Why the state directory could not be made is told better by the probe.
        let prepared = !self.locking().is_some_and(|[prepare, ..]| prepare.status == ExitStatus::Code(NO_DEPLOY_TO));
        if let Some(problem) = lock.clone().filter(|_| prepared) {
            return Err(Box::new(problem.on(host)));
        }
        if !probe.status.is_success() {
            let is_lost = matches!(probe.status, ExitStatus::Lost(_));
            let kind = if is_lost { ProblemKind::Lost } else { ProblemKind::Layout };
            let mut problem = Problem::new(kind, "read the layout", probe.status.to_string()).on(host);
            problem.tail = probe.tail_lines(20);
            return Err(Box::new(problem));
        }
        let facts = parse_probe(&probe.stdout).map_err(|error| {
            Box::new(Problem::new(ProblemKind::Lost, "understand the layout", error.to_string()).on(host))
        })?;
        let is_missing = lacking == Lacking::Allowed && facts.deploy_to.kind == PlaceKind::Absent;
        if let Some(problem) = lock.filter(|_| !is_missing) {
            let one = IndexMap::from([(host.clone(), facts)]);
            let told = blockers(transaction, &one).into_iter().next();
            return Err(Box::new(told.unwrap_or_else(|| problem.on(host))));
        }
        Ok(facts)
    }
}

/// Why the lock is not ours.
fn lock_problem(results: [&JobResult; 3], transaction: &Transaction) -> Option<Problem> {
    let root: &RemotePath = &transaction.layout.deploy_to;
    if let Some(owner) = results.iter().find_map(|result| result.refused_by.as_ref()) {
        return Some(Problem::new(ProblemKind::Locked, format!("take the lock of {root}"), owner.clone()));
    }
    let failed = results.into_iter().find(|result| !result.status.is_success())?;
    if let ExitStatus::Lost(why) = &failed.status {
        return Some(Problem::new(ProblemKind::Lost, "take the lock", why.clone()));
    }
    let mut why = failed.status.to_string();
    if let Some(line) = failed.tail_lines(1).first() {
        why = format!("{why}: {line}");
    }
    Some(Problem::new(ProblemKind::Layout, format!("prepare {}", transaction.layout.state()), why))
}

/// What `-n` takes for granted about hosts that it does not ask: a layout that is set up. What is in it nobody knows.
fn facts_of_nobody(transaction: &Transaction) -> IndexMap<HostId, HostFacts> {
    let mut facts = assumed_facts(transaction);
    facts.values_mut().for_each(|facts| facts.current = Current::Unknown);
    facts
}

/// A layout that is set up and has no release.
fn assumed_facts(transaction: &Transaction) -> IndexMap<HostId, HostFacts> {
    let place = Place { kind: PlaceKind::Directory, writable: true, ..Place::default() };
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
