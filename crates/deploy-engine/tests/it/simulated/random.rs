//! Random histories: runs of every kind with faults of every kind, clocks that jump, and what is true after each run.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use deploy_engine::Mode;

use super::cells::share;
use super::fault::{Fault, KINDS, Moment};
use super::recipe::Verb;
use super::scenario::{SCENARIOS, afterwards, one_run, recipe};
use super::world::World;

/// A small generator of numbers that are the same for the same seed everywhere (SplitMix64).
pub struct Dice(pub u64);

impl Dice {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

fn fault(dice: &mut Dice, hosts: usize) -> Fault {
    let moment = match dice.below(4) {
        0 => Moment::Before,
        1 => Moment::Inside(u32::try_from(dice.below(14)).unwrap()),
        2 => Moment::Unreported,
        _ => Moment::After,
    };
    let (host, site) = (dice.below(hosts), u32::try_from(dice.below(15)).unwrap());
    let kind = loop {
        let kind = dice.of(&KINDS);
        // Whether a piece of work can hang without an end depends on its deadline; the cells know.
        if kind != super::fault::Kind::Hang {
            break kind;
        }
    };
    Fault { host, site, moment, kind, last: dice.below(2) == 1 }
}

/// Where histories begin: each scenario's fleet on one to three hosts.
fn starts() -> Vec<World> {
    (1..=3).flat_map(|hosts| SCENARIOS.map(|scenario| scenario.start(hosts))).collect()
}

/// Plays the history of a seed; everything that is wrong in it.
fn play(seed: u64, starts: &[World], tell: bool) -> Vec<String> {
    let mut dice = Dice(seed);
    let mut start = starts[dice.below(starts.len())].fork();
    start.keep_trace = tell;
    let hosts = start.hosts.len();
    let world = Arc::new(Mutex::new(start));
    for revision in 20..21 + dice.below(3) {
        let jump = dice.of(&[0, 0, 1, -1, 3_600, -3_600, 86_400 * 2, -86_400 * 365]);
        world.lock().unwrap().clock.skew.fetch_add(jump, Ordering::SeqCst);
        let verb = dice.of(&[Verb::Deploy, Verb::Waves, Verb::Migrate, Verb::Rollback, Verb::Cleanup]);
        let fault = (dice.below(4) > 0).then(|| fault(&mut dice, hosts));
        let recipe = recipe(&world, verb, u32::try_from(revision).unwrap());
        if tell {
            println!("{verb:?} of r{revision}, clock {jump:+} s, {fault:?}");
        }
        one_run(&world, &recipe, fault, Mode::Real);
        if !world.lock().unwrap().broken.is_empty() {
            break;
        }
    }
    if world.lock().unwrap().broken.is_empty() {
        afterwards(&world);
    }
    let mut world = world.lock().unwrap();
    if tell {
        println!("{:#?}", world.trace);
    }
    std::mem::take(&mut world.broken)
}

/// A hundred thousand of them where the build is made for it.
#[test]
fn random_histories() {
    let named = std::env::var("CAPSTAN_SIM_SEEDS").ok().and_then(|count| count.parse().ok());
    let count = named.unwrap_or(100_000 / u64::try_from(share(2_000)).unwrap());
    let (next, failed) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let starts = starts();
                loop {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    if seed >= count {
                        return;
                    }
                    let broken = play(seed, &starts, false);
                    if !broken.is_empty() {
                        failed.lock().unwrap().push((seed, broken));
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    println!("{count} seeds, {} failed", failed.len());
    for (seed, broken) in failed.iter().take(20) {
        println!("cargo xtask sim --seed {seed}\n    {}", broken.join("\n    "));
    }
    assert!(failed.is_empty(), "{} of {count} seeds failed", failed.len());
}

/// The same seed is the same history.
#[test]
fn a_seed_replays_to_the_same_trace() {
    let starts = starts();
    let trace = |seed| {
        let mut dice = Dice(seed);
        let mut start = starts[dice.below(starts.len())].fork();
        start.keep_trace = true;
        let hosts = start.hosts.len();
        let world = Arc::new(Mutex::new(start));
        let fault = fault(&mut dice, hosts);
        one_run(&world, &recipe(&world, Verb::Deploy, 20), Some(fault), Mode::Real);
        let world = world.lock().unwrap();
        (world.trace.clone(), super::views::fingerprint(&world.hosts))
    };
    for seed in 0..5 {
        let first = trace(seed);
        for _ in 0..5 {
            assert!(trace(seed) == first, "seed {seed}");
        }
    }
}

/// Plays the one seed that is named in the environment, with all that happens in it.
#[test]
fn replay_seed() {
    let Some(seed) = std::env::var("CAPSTAN_SIM_SEED").ok().and_then(|seed| seed.parse().ok()) else { return };
    let broken = play(seed, &starts(), true);
    assert!(broken.is_empty(), "seed {seed}\n{}", broken.join("\n"));
}
