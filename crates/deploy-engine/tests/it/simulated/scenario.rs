//! What is done to a fleet, from where it starts to what must be true in the end.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex};

use deploy_engine::{Ended, Mode};
use deploy_plan::{HostResult, Outcome, ReleaseId, ReleaseState};
use deploy_release::invariants::{self as i, Checked, UnitView};
use deploy_release::reconcile;

use super::drive::{Shared, run};
use super::fault::{Fault, Kind, Moment};
use super::recipe::{KEEP, Recipe, Verb};
use super::views::{fingerprint, view, whole};
use super::world::{Site, World};

/// What is done, and to a fleet in which state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scenario {
    /// The first deploy of all.
    First,
    /// A deploy over three good releases.
    Deploy,
    /// The same with migrations.
    Migrate,
    /// The same where one host may fail before the switch.
    Tolerant,
    /// The same in waves, the first of one host.
    Waves,
    Rollback,
    Cleanup,
    /// A deploy after a run that died between two switches.
    Recover,
}

pub const SCENARIOS: [Scenario; 8] = [
    Scenario::First,
    Scenario::Deploy,
    Scenario::Migrate,
    Scenario::Tolerant,
    Scenario::Waves,
    Scenario::Rollback,
    Scenario::Cleanup,
    Scenario::Recover,
];

impl Scenario {
    pub fn verb(self) -> Verb {
        match self {
            Self::First | Self::Deploy | Self::Recover => Verb::Deploy,
            Self::Migrate => Verb::Migrate,
            Self::Tolerant => Verb::Tolerant,
            Self::Waves => Verb::Waves,
            Self::Rollback => Verb::Rollback,
            Self::Cleanup => Verb::Cleanup,
        }
    }

    /// The fleet before it.
    pub fn start(self, hosts: usize) -> World {
        let world = Arc::new(Mutex::new(World::new(hosts)));
        let deploys = if self == Self::First { 0 } else { 3 };
        for number in 1..=deploys {
            let ended = run(&world, &recipe(&world, Verb::Deploy, number), None, Mode::Real);
            assert_eq!(ended.map(|ended| ended.summary.outcome), Some(Outcome::Deployed));
        }
        if self == Self::Recover {
            let recipe = recipe(&world, Verb::Deploy, 90);
            let sites = dry(&world.lock().unwrap(), &recipe);
            let switch = sites[0].iter().position(|site| site.title.contains("Switch")).unwrap();
            let site = u32::try_from(switch).unwrap();
            let fault = Fault { host: 0, site, moment: Moment::Unreported, kind: Kind::ClientKill, last: false };
            assert!(run(&world, &recipe, Some(fault), Mode::Real).is_none());
        }
        let world = world.lock().unwrap();
        assert_eq!(world.broken, Vec::<String>::new());
        world.fork()
    }
}

pub fn recipe(world: &Shared, verb: Verb, revision: u32) -> Recipe {
    let hosts = world.lock().unwrap().hosts.iter().map(|host| host.id.clone()).collect();
    Recipe { verb, hosts, revision, to: None }
}

/// Every piece of work of a run that nothing happens to.
pub fn dry(world: &World, recipe: &Recipe) -> Vec<Vec<Site>> {
    let world = Arc::new(Mutex::new(world.fork()));
    run(&world, recipe, None, Mode::Real);
    let world = world.lock().unwrap();
    world.hosts.iter().map(|host| host.sites.clone()).collect()
}

pub fn views(world: &World) -> Vec<UnitView> {
    world.hosts.iter().map(view).collect()
}

/// One case: a scenario on so many hosts, a fault in its run, perhaps one in the run after it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Case {
    pub scenario: Scenario,
    pub hosts: usize,
    pub faults: Vec<Fault>,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}", self.scenario, self.hosts)?;
        self.faults.iter().try_for_each(|fault| write!(f, " {fault}"))
    }
}

impl Case {
    /// The reverse of `Display`.
    pub fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let name = words.next()?;
        let scenario = SCENARIOS.into_iter().find(|known| format!("{known:?}") == name)?;
        let hosts = words.next()?.parse().ok()?;
        let faults = words.map(Fault::parse).collect::<Option<_>>()?;
        Some(Self { scenario, hosts, faults })
    }
}

/// What is known of the states that runs leave, so that the same one is not looked at twice.
#[derive(Default)]
pub struct Seen(HashSet<u64>);

impl Seen {
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

/// Runs a case from a start; everything that is wrong afterwards.
pub fn check(start: &World, case: &Case, seen: &mut Seen) -> Vec<String> {
    let world = Arc::new(Mutex::new(start.fork()));
    world.lock().unwrap().keep_trace = start.keep_trace;
    let mut verb = case.scenario.verb();
    let mut published = None;
    for (number, fault) in case.faults.iter().enumerate() {
        let recipe = recipe(&world, verb, 10 + u32::try_from(number).unwrap());
        one_run(&world, &recipe, Some(*fault), Mode::Real);
        if number == 0 && case.scenario == Scenario::Tolerant {
            published = world.lock().unwrap().target.clone();
        }
        verb = Verb::Recover;
    }
    let broken = judge(&world, published.as_ref(), seen);
    if start.keep_trace {
        println!("{:#?}", world.lock().unwrap().trace);
    }
    broken
}

/// Everything that is wrong with a state that runs have left: with the runs themselves, with a recovery from there, and with
/// what follows.
pub fn judge(world: &Shared, published: Option<&ReleaseId>, seen: &mut Seen) -> Vec<String> {
    let state = fingerprint(&world.lock().unwrap().hosts);
    if world.lock().unwrap().broken.is_empty() && seen.0.insert(state) {
        let other = Arc::new(Mutex::new(world.lock().unwrap().fork()));
        let tells = world.lock().unwrap().keep_trace;
        other.lock().unwrap().keep_trace = tells;
        recovered(&other, published);
        if tells {
            println!("cap recover: {:#?}", other.lock().unwrap().trace);
        }
        let mut found = std::mem::take(&mut other.lock().unwrap().broken);
        for broken in &mut found {
            broken.insert_str(0, "cap recover: ");
        }
        world.lock().unwrap().broken.append(&mut found);
        afterwards(world);
    }
    std::mem::take(&mut world.lock().unwrap().broken)
}

/// A run, and what must be true right after it.
pub fn one_run(world: &Shared, recipe: &Recipe, fault: Option<Fault>, mode: Mode) -> Option<Ended> {
    let mut before = views(&world.lock().unwrap());
    let ended = run(world, recipe, fault, mode);
    let mut world = world.lock().unwrap();
    let now = views(&world);
    // What had to be brought in order first is where this run began.
    for (host, view) in world.hosts.iter().zip(&mut before).filter(|(host, _)| host.recovered) {
        view.live = host.before.map(|identity| identity as u64);
        view.has_current = host.before.is_some();
    }
    if world.keep_trace && std::env::var_os("CAPSTAN_SIM_REPLAY").is_some() {
        let told = ended.as_ref().map(|ended| (ended.summary.outcome, &ended.problems, &ended.summary.rows));
        println!("{fault:?}: {told:#?}");
    }
    let target = world.target.clone();
    let disk = fault.is_some_and(|fault| fault.kind.trap().is_some() || fault.kind.is_host_kill());
    let everywhere = target.is_some()
        && now.iter().all(|unit| unit.live_entry().map(|e| e.name.as_str()) == target.as_ref().map(ReleaseId::as_str));
    for number in 0..now.len() {
        let (old, new) = (&before[number], &now[number]);
        unit(&mut world, number, old, new);
        let is_rollback = recipe.verb == Verb::Rollback;
        world.note(i::lookup_is_old_or_new(old, new, target.as_ref()));
        world.note(i::old_release_stays(old, new, is_rollback && everywhere));
        world.note(i::ledger_only_grows(old, new, disk));
        world.note(i::removal_leaves_no_half(old, new));
        world.note(i::nothing_goes_live_by_itself(old, new, target.as_ref()));
        let keep = if recipe.verb == Verb::Cleanup { 1 } else { KEEP };
        world.note(i::cleanup_spares(old, new, keep, is_rollback));
        let held = world.hosts[number].lock.is_some();
        world.note(i::lock_dies_with_holder(held, false, i::LOCK_OUTLIVES * 2));
    }
    let ids: Vec<ReleaseId> = now.iter().flat_map(|unit| unit.folded().releases.into_keys()).collect();
    for id in ids.iter().collect::<HashSet<_>>() {
        world.note(i::one_id_one_content(&now, id));
    }
    let migrations = world.migrations;
    world.note(i::once_is_once(migrations, "migrate"));
    if let Some(ended) = &ended {
        told(&mut world, ended, &before, &now, target.as_ref(), fault);
    }
    ended
}

fn unit(world: &mut World, number: usize, old: &UnitView, new: &UnitView) {
    let facts = deploy_release::parse_probe(&deploy_release::model::answer(
        &world.layout,
        &Default::default(),
        &world.hosts[number].tree,
        "boot",
        1,
    ));
    let checks: [Checked; 5] = [
        i::current_resolves(old.live_entry().is_some(), new),
        i::complete_is_complete(new, &whole),
        facts.map_or(Ok(()), |facts| i::entries_are_known(new, &reconcile(&facts))),
        i::nothing_outside(old, new),
        i::shared_is_untouched(old, new),
    ];
    checks.into_iter().for_each(|checked| world.note(checked));
}

/// Whether what the run said of itself is true.
fn told(
    world: &mut World,
    ended: &Ended,
    before: &[UnitView],
    now: &[UnitView],
    target: Option<&ReleaseId>,
    fault: Option<Fault>,
) {
    let outcome = ended.summary.outcome;
    // Whoever was left out has what it had, and the run speaks for the others.
    let is_out = |name: &str| {
        ended.summary.rows.iter().any(|row| row.host.as_str() == name && row.result == HostResult::LeftOut)
    };
    for (old, new) in before.iter().zip(now).filter(|(old, _)| is_out(&old.name)) {
        if old.live != new.live {
            world.broken.push(format!("{} was left out, and something else is live there", old.name));
        }
    }
    let members: Vec<UnitView> = now.iter().filter(|unit| !is_out(&unit.name)).cloned().collect();
    world.note(i::success_is_true(outcome, &members, target));
    world.note(i::failure_is_true(outcome, before, now));
    let is_named = ended.problems.iter().any(|problem| problem.host.is_some()) || fault.is_none();
    if outcome == Outcome::Stuck && !is_named {
        world.broken.push(format!("stuck, and no host is named: {:?}", ended.problems));
    }
    turned_back(world, ended, before, now, fault);
    let runs_new = matches!(outcome, Outcome::Deployed | Outcome::RolledBack);
    for (host, unit) in world.hosts.iter().zip(now) {
        // A host that was killed runs nothing; one that was put back and never restarted runs what it ran; where nothing was
        // live before there is nothing that it could be restarted on.
        let is_as_before = outcome == Outcome::PutBack && (host.app == host.app_before || !unit.has_current);
        let runs_live = is_as_before || host.app.is_none_or(|app| Some(app as u64) == unit.live);
        if (runs_new || outcome == Outcome::PutBack) && !runs_live {
            world.broken.push(format!("{outcome:?}: the application of {} does not run what is live", host.id));
            break;
        }
    }
}

/// On each host where the run says that it has undone what it did there.
fn turned_back(world: &mut World, ended: &Ended, before: &[UnitView], now: &[UnitView], fault: Option<Fault>) {
    let clean = matches!(ended.summary.outcome, Outcome::FailedClean | Outcome::PutBack | Outcome::Interrupted);
    for ((number, old), new) in before.iter().enumerate().zip(now) {
        let row = ended.summary.rows.iter().find(|row| row.host.as_str() == new.name);
        let Some(row) = row else { continue };
        let is_out = row.result == HostResult::LeftOut;
        // Who is out of reach, or can write nothing, has the rest taken away by the next run, and that is said.
        let gone = |fault: Fault| {
            let cut = matches!(fault.kind, Kind::LinkCut) && is_out;
            fault.kind.trap().is_some() || fault.kind.is_host_kill() || fault.kind == Kind::BlackHole || cut
        };
        let excused =
            fault.is_some_and(|fault| fault.host == number && gone(fault)) || row.result == HostResult::Unknown;
        if (clean || is_out) && !excused && !world.hosts[number].recovered {
            world.note(i::turned_back_leaves_nothing(old, new));
        }
    }
}

/// The hosts of the run that published a release: where others have it live, those on which it failed were left out.
fn without_left_out(now: &[UnitView], published: Option<&ReleaseId>) -> Vec<UnitView> {
    let Some(release) = published else { return now.to_vec() };
    let is_live = |unit: &UnitView| unit.live_entry().is_some_and(|entry| entry.name == release.as_str());
    // Where the disk had failed even the record of that may be missing.
    let ended = [ReleaseState::Failed, ReleaseState::Building, ReleaseState::Retired];
    let failed = |unit: &UnitView| unit.folded().releases.get(release).is_none_or(|known| ended.contains(&known.state));
    let was_published = now.iter().any(is_live);
    now.iter().filter(|unit| !(was_published && !is_live(unit) && failed(unit))).cloned().collect()
}

/// After anything at all: a recovery brings every host to one release and restarts what has to be restarted; a second one
/// finds nothing to do.
pub fn recovered(world: &Shared, published: Option<&ReleaseId>) {
    let again = recipe(world, Verb::Recover, 50);
    let Some(ended) = one_run(world, &again, None, Mode::Real) else { return };
    {
        let mut world = world.lock().unwrap();
        let good = matches!(ended.summary.outcome, Outcome::Done | Outcome::Deployed);
        if !good || !ended.problems.is_empty() {
            world.broken.push(format!("the recovery: {:?} {:?}", ended.summary.outcome, ended.problems));
            return;
        }
        let now = views(&world);
        world.note(i::recovered_hosts_agree(&without_left_out(&now, published)));
        for (host, unit) in world.hosts.iter().zip(&now) {
            if host.app.is_some() && unit.live.is_some() && host.app.map(|app| app as u64) != unit.live {
                let broken = format!("recovered, but the application of {} does not run what is live", host.id);
                world.broken.push(broken);
                break;
            }
        }
    }
    let first = views(&world.lock().unwrap());
    let Some(ended) = one_run(world, &again, None, Mode::Real) else { return };
    let mut world = world.lock().unwrap();
    if ended.summary.outcome != Outcome::Done {
        world.broken.push(format!("I21: the second recovery: {:?} {:?}", ended.summary.outcome, ended.problems));
    }
    let second = views(&world);
    world.note(i::recovery_is_idempotent(&first, &second));
    for (first, second) in first.iter().zip(&second) {
        if first.ledger != second.ledger {
            world.broken.push(format!("I21: {}: the second recovery wrote into the ledger", first.name));
        }
    }
}

/// After anything at all: the next deploy publishes what it is asked to, and a rollback from there goes where it should.
pub fn afterwards(world: &Shared) {
    let recipe_of = |verb| recipe(world, verb, 50);
    let Some(mut ended) = one_run(world, &recipe_of(Verb::Deploy), None, Mode::Real) else { return };
    if ended.problems.iter().any(|problem| problem.what.starts_with("go on behind run ")) {
        // Only a person knows how the migrations ended.
        one_run(world, &recipe_of(Verb::Recover), None, Mode::Real);
        let Some(again) = one_run(world, &recipe_of(Verb::Deploy), None, Mode::Real) else { return };
        ended = again;
    }
    {
        let mut world = world.lock().unwrap();
        if ended.summary.outcome != Outcome::Deployed || !ended.problems.is_empty() {
            world.broken.push(format!("the next deploy: {:?} {:?}", ended.summary.outcome, ended.problems));
            return;
        }
        let now = views(&world);
        for unit in &now {
            world.note(i::leaves_nothing(unit, KEEP));
        }
        world.note(i::recovered_hosts_agree(&now));
    }
    let before = views(&world.lock().unwrap());
    let Some(ended) = one_run(world, &recipe_of(Verb::Rollback), None, Mode::Real) else { return };
    let mut world = world.lock().unwrap();
    let picked = world.target.clone();
    if picked.is_none() && ended.summary.outcome != Outcome::FailedClean {
        world.broken.push(format!("a rollback to nothing: {:?}", ended.summary.outcome));
    }
    if picked.is_some() && ended.summary.outcome != Outcome::RolledBack {
        world.broken.push(format!("the rollback: {:?} {:?}", ended.summary.outcome, ended.problems));
    }
    world.note(i::rollback_target(&before, picked.as_ref()));
}
