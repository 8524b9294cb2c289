//! Every single fault at every moment of every piece of work, and pairs of faults.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use deploy_engine::Mode;
use deploy_plan::ReleaseId;

use super::fault::{Fault, KINDS, Kind, Moment};
use super::recipe::Verb;
use super::scenario::{Case, SCENARIOS, Scenario, Seen, check, dry, judge, one_run, recipe};
use super::views::fingerprint;
use super::world::{Site, World};

/// The moments at which a fault of this kind is another one, in a piece of work.
fn moments(kind: Kind, site: &Site) -> Vec<Moment> {
    let inside = |from: u32| (from..site.changes).map(Moment::Inside);
    match kind {
        Kind::NoBlocks | Kind::Full | Kind::Eio | Kind::ReadOnly => inside(0).collect(),
        Kind::Slow => vec![Moment::Before],
        Kind::Hang if site.has_deadline => vec![Moment::Before, Moment::Unreported],
        Kind::Hang => Vec::new(),
        Kind::Interrupt => vec![Moment::Before, Moment::After],
        Kind::Signal => [Moment::Before].into_iter().chain(inside(1)).chain([Moment::Unreported]).collect(),
        _ => [Moment::Before].into_iter().chain(inside(1)).chain([Moment::Unreported, Moment::After]).collect(),
    }
}

/// Every fault that can meet a run.
pub fn faults(sites: &[Vec<Site>]) -> Vec<Fault> {
    let mut found = Vec::new();
    for (host, sites) in sites.iter().enumerate() {
        for (number, site) in sites.iter().enumerate() {
            for kind in KINDS {
                let is_alone = host == 0 && kind.trap().is_some();
                for moment in moments(kind, site) {
                    for last in [false, true] {
                        if !(last && is_alone) {
                            let site = u32::try_from(number).unwrap();
                            found.push(Fault { host, site, moment, kind, last });
                        }
                    }
                }
            }
        }
    }
    found
}

/// All cases of one fault in a scenario.
pub fn singles(scenario: Scenario, hosts: usize) -> (World, Vec<Case>) {
    let start = scenario.start(hosts);
    let shared = Arc::new(Mutex::new(start.fork()));
    let recipe = recipe(&shared, scenario.verb(), 10);
    let mut faults = faults(&dry(&start, &recipe));
    if hosts == 1 {
        faults.retain(|fault| !fault.last);
    }
    (start, faults.into_iter().map(|fault| Case { scenario, hosts, faults: vec![fault] }).collect())
}

/// What a sweep came to.
#[derive(Default, Debug)]
pub struct Tally {
    pub cases: usize,
    pub states: usize,
    pub failed: Vec<(String, Vec<String>)>,
}

/// Runs one in so many cases of each of these.
pub fn sweep(scenarios: &[Scenario], hosts: &[usize], one_in: usize) -> Tally {
    let work: Vec<(Scenario, usize)> =
        hosts.iter().flat_map(|hosts| scenarios.iter().map(move |scenario| (*scenario, *hosts))).collect();
    let (work, total) = (Mutex::new(work), Mutex::new(Tally::default()));
    let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let next = work.lock().unwrap().pop();
                    let Some((scenario, hosts)) = next else { return };
                    let (start, cases) = singles(scenario, hosts);
                    let mut seen = Seen::default();
                    let mut tally = Tally::default();
                    for case in cases.iter().skip(hosts % one_in).step_by(one_in) {
                        tally.cases += 1;
                        let broken = check(&start, case, &mut seen);
                        if !broken.is_empty() {
                            tally.failed.push((case.to_string(), broken));
                        }
                    }
                    let mut total = total.lock().unwrap();
                    total.cases += tally.cases;
                    total.states += seen.len();
                    total.failed.append(&mut tally.failed);
                }
            });
        }
    });
    total.into_inner().unwrap()
}

/// A state that runs of a scenario with one fault leave, with the first case that led there.
struct Left {
    case: Case,
    world: World,
    published: Option<ReleaseId>,
}

/// Every different state that one fault in a scenario leaves.
fn states(scenario: Scenario, hosts: usize) -> Vec<Left> {
    let (start, cases) = singles(scenario, hosts);
    let mut known = HashSet::new();
    let mut found = Vec::new();
    for case in cases {
        let world = Arc::new(Mutex::new(start.fork()));
        one_run(&world, &recipe(&world, scenario.verb(), 10), case.faults.first().copied(), Mode::Real);
        let world = world.lock().unwrap();
        // What is wrong after one fault is told of that fault.
        if world.broken.is_empty() && known.insert(fingerprint(&world.hosts)) {
            let published = world.target.clone().filter(|_| scenario == Scenario::Tolerant);
            found.push(Left { case, world: world.fork(), published });
        }
    }
    found
}

/// From each of these states one in so many faults in the recovery, and what is true after it.
fn pairs_of(left: &Left, one_in: usize, skip: usize, seen: &mut Seen, tally: &mut Tally) {
    let shared = Arc::new(Mutex::new(left.world.fork()));
    let recover = recipe(&shared, Verb::Recover, 11);
    let mut second = faults(&dry(&left.world, &recover));
    if left.case.hosts == 1 {
        second.retain(|fault| !fault.last);
    }
    for fault in second.into_iter().skip(skip % one_in).step_by(one_in) {
        let world = Arc::new(Mutex::new(left.world.fork()));
        one_run(&world, &recover, Some(fault), Mode::Real);
        tally.cases += 1;
        let broken = judge(&world, left.published.as_ref(), seen);
        if !broken.is_empty() {
            let faults = left.case.faults.iter().copied().chain([fault]).collect();
            tally.failed.push((Case { faults, ..left.case.clone() }.to_string(), broken));
        }
    }
}

/// Pairs of faults, the second one in `cap recover`, on one and two hosts.
pub fn sweep_pairs(one_in: usize) -> Tally {
    let work: Vec<(Scenario, usize)> =
        [1, 2].into_iter().flat_map(|hosts| asked().into_iter().map(move |each| (each, hosts))).collect();
    let (work, total) = (Mutex::new(work), Mutex::new(Tally::default()));
    let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let next = work.lock().unwrap().pop();
                    let Some((scenario, hosts)) = next else { return };
                    let (mut seen, mut tally) = (Seen::default(), Tally::default());
                    for (number, left) in states(scenario, hosts).iter().enumerate() {
                        pairs_of(left, one_in, number, &mut seen, &mut tally);
                    }
                    let mut total = total.lock().unwrap();
                    total.cases += tally.cases;
                    total.states += seen.len();
                    total.failed.append(&mut tally.failed);
                }
            });
        }
    });
    total.into_inner().unwrap()
}

/// The failures, the first few in full, one line each to replay.
pub fn report(tally: &Tally) {
    println!("{} cases, {} different states after them, {} failed", tally.cases, tally.states, tally.failed.len());
    for (case, broken) in tally.failed.iter().take(20) {
        println!("cargo xtask sim --replay '{case}'\n    {}", broken.join("\n    "));
    }
    assert!(tally.failed.is_empty(), "{} of {} cases failed", tally.failed.len(), tally.cases);
}

/// One in so many: all of them in a build that is made for it.
pub fn share(of_all: usize) -> usize {
    let named = std::env::var("CAPSTAN_SIM_SHARE").ok().and_then(|share| share.parse().ok());
    named.unwrap_or(if cfg!(debug_assertions) { of_all } else { 1 })
}

#[test]
fn every_single_fault() {
    let tally = sweep(&asked(), &[1, 2, 3, 5], share(400));
    report(&tally);
    let least = if share(400) > 3 || asked().len() < SCENARIOS.len() { 100 } else { 25_000 };
    assert!(tally.cases > least, "{} cases", tally.cases);
}

/// The scenario that `CAPSTAN_SIM_ONLY` names, or all.
fn asked() -> Vec<Scenario> {
    let only = std::env::var("CAPSTAN_SIM_ONLY").ok();
    let is_asked = |scenario: &Scenario| only.as_ref().is_none_or(|only| format!("{scenario:?}") == *only);
    SCENARIOS.into_iter().filter(is_asked).collect()
}

/// A fault in the run and one in the recovery. All of them take days of one core: `CAPSTAN_SIM_PAIRS` says one in how many.
#[test]
fn pairs_of_faults() {
    let named = std::env::var("CAPSTAN_SIM_PAIRS").ok().and_then(|share| share.parse().ok());
    if cfg!(debug_assertions) && named.is_none() {
        // The states alone take minutes here.
        return;
    }
    let tally = sweep_pairs(named.unwrap_or(500));
    report(&tally);
    assert!(tally.cases > if asked().len() < SCENARIOS.len() { 100 } else { 1_000 }, "{} cases", tally.cases);
}

/// Runs the one case that is named in the environment, with all that happens in it.
#[test]
fn replay() {
    let Ok(line) = std::env::var("CAPSTAN_SIM_REPLAY") else { return };
    let case = Case::parse(&line).expect("a line as a failure prints it");
    let mut start = case.scenario.start(case.hosts);
    start.keep_trace = true;
    let broken = check(&start, &case, &mut Seen::default());
    assert!(broken.is_empty(), "{case}\n{}", broken.join("\n"));
}
