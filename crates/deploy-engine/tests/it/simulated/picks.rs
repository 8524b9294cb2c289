//! What rollback and cleanup pick, against a model that knows nothing of names, clocks or ledgers: only what happened.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use deploy_engine::Mode;
use deploy_plan::{Outcome, ReleaseId};

use super::cells::share;
use super::drive::run;
use super::random::Dice;
use super::recipe::{KEEP, Verb};
use super::scenario::recipe;
use super::world::World;

/// A release that is there, as the model remembers it.
#[derive(Clone, Debug)]
struct Known {
    id: ReleaseId,
    /// Whether its run succeeded on the whole fleet and nobody went back from it.
    good: bool,
    bad: bool,
    pinned: bool,
}

/// What is there, in the order in which it was built, and which of it is live.
#[derive(Clone, Debug, Default)]
struct Model {
    there: Vec<Known>,
    live: Option<usize>,
}

impl Model {
    fn counts(&self, at: usize) -> bool {
        self.there[at].good && !self.there[at].bad
    }

    /// The newest that counts of those built before the live one.
    fn before_live(&self) -> Option<usize> {
        (0..self.live?).rev().find(|at| self.counts(*at))
    }

    fn deployed(&mut self, id: ReleaseId) {
        let was_live = self.live;
        self.there.push(Known { id, good: true, bad: false, pinned: false });
        self.live = Some(self.there.len() - 1);
        self.prune(KEEP, was_live);
    }

    /// Where it goes; what is left goes away, unless somebody has pinned it.
    fn rolled_back(&mut self) -> Option<ReleaseId> {
        let to = self.before_live()?;
        let left = self.live.replace(to)?;
        if self.there[left].pinned {
            self.there[left].good = false;
        } else {
            self.there.remove(left);
        }
        Some(self.there[to].id.clone())
    }

    /// Stay: what is live and was, what a rollback goes to, the last good ones, what is pinned, and two that are not good.
    fn prune(&mut self, keep: usize, was_live: Option<usize>) {
        let is_good = |at: &usize| self.counts(*at) || Some(*at) == self.live;
        let all = 0..self.there.len();
        let mut stays: Vec<usize> = all.clone().rev().filter(is_good).take(keep).collect();
        stays.extend(self.live.into_iter().chain(was_live).chain(self.before_live()));
        stays.extend(all.clone().filter(|at| self.there[*at].pinned));
        let others: Vec<usize> = all.clone().rev().filter(|at| !is_good(at) && !stays.contains(at)).take(2).collect();
        stays.extend(others);
        let live = self.live.map(|at| self.there[at].id.clone());
        let mut at = 0..;
        self.there.retain(|_| at.next().is_some_and(|at| stays.contains(&at)));
        self.live = self.there.iter().position(|known| Some(&known.id) == live.as_ref());
    }

    fn mark(&mut self, id: &ReleaseId, verb: Verb) {
        for known in self.there.iter_mut().filter(|known| known.id == *id) {
            known.bad |= verb == Verb::MarkBad;
            known.pinned |= verb == Verb::Pin;
        }
    }

    /// As a host shows it: what is there, by name, and what is live.
    fn shown(&self) -> (Vec<String>, Option<String>) {
        let mut names: Vec<String> = self.there.iter().map(|known| known.id.to_string()).collect();
        names.sort();
        (names, self.live.map(|at| self.there[at].id.to_string()))
    }
}

fn shown(world: &World, host: usize) -> (Vec<String>, Option<String>) {
    let unit = super::views::view(&world.hosts[host]);
    let names = unit.entries.iter().map(|entry| entry.name.clone()).collect();
    (names, unit.live_entry().map(|entry| entry.name.clone()))
}

/// One history; the first thing that differs from the model.
fn play(seed: u64) -> Result<usize, String> {
    let mut dice = Dice(seed ^ 0xca95_7a4e);
    let hosts = 1 + dice.below(3);
    let world = Arc::new(Mutex::new(World::new(hosts)));
    let mut model = Model::default();
    let (length, mut picks) = (6 + dice.below(9), 0);
    for step in 0..length {
        let jumps = [0, 0, 0, 1, -1, 60, -3_600, 86_400 * 2, -86_400 * 2, 86_400 * 365, -86_400 * 365];
        world.lock().unwrap().clock.skew.fetch_add(jumps[dice.below(jumps.len())], Ordering::SeqCst);
        let verbs = [
            Verb::Deploy,
            Verb::Deploy,
            Verb::Deploy,
            Verb::Failing,
            Verb::Rollback,
            Verb::Rollback,
            Verb::Cleanup,
            Verb::MarkBad,
            Verb::Pin,
        ];
        let verb = verbs[dice.below(verbs.len())];
        let mut what = recipe(&world, verb, u32::try_from(step).unwrap() + 1);
        if matches!(verb, Verb::MarkBad | Verb::Pin) {
            if model.there.is_empty() {
                continue;
            }
            what.to = Some(model.there[dice.below(model.there.len())].id.clone());
        }
        let ended = run(&world, &what, None, Mode::Real);
        let outcome = ended.as_ref().map(|ended| ended.summary.outcome);
        let world = world.lock().unwrap();
        let mut expected = Some(Outcome::Done);
        match verb {
            Verb::Deploy => {
                let (_, live) = shown(&world, 0);
                let Some(id) = live.and_then(|live| ReleaseId::new(&live).ok()) else {
                    return Err(format!("step {step}: nothing is live after a deploy: {outcome:?}"));
                };
                model.deployed(id);
                (expected, picks) = (Some(Outcome::Deployed), picks + 1);
            }
            Verb::Rollback => {
                let goes = model.rolled_back().is_some();
                (expected, picks) = (Some(if goes { Outcome::RolledBack } else { Outcome::FailedClean }), picks + 1);
            }
            Verb::Cleanup => {
                let live = model.live;
                model.prune(1, live);
                picks += 1;
            }
            Verb::Failing => expected = Some(Outcome::FailedClean),
            _ => what.to.iter().for_each(|id| model.mark(id, verb)),
        }
        let wrong = || format!("step {step}, {verb:?} {:?}", what.to);
        if outcome != expected {
            return Err(format!("{}: {outcome:?}, not {expected:?}: {:?}", wrong(), ended.map(|ended| ended.problems)));
        }
        for host in 0..hosts {
            let (is, should) = (shown(&world, host), model.shown());
            if is != should {
                return Err(format!("{}: web{host} has {is:?}, the model {should:?}", wrong()));
            }
        }
        if !world.broken.is_empty() {
            return Err(format!("{}: {:?}", wrong(), world.broken));
        }
    }
    Ok(picks)
}

/// Ten thousand where the build is made for it.
#[test]
fn rollback_and_cleanup_pick_what_the_model_picks() {
    let named = std::env::var("CAPSTAN_SIM_HISTORIES").ok().and_then(|count| count.parse().ok());
    let count = named.unwrap_or(10_000 / u64::try_from(share(200)).unwrap());
    let (next, picks, failed) = (AtomicU64::new(0), AtomicU64::new(0), Mutex::new(Vec::new()));
    let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    if seed >= count {
                        return;
                    }
                    match play(seed) {
                        Ok(number) => drop(picks.fetch_add(number as u64, Ordering::SeqCst)),
                        Err(broken) => failed.lock().unwrap().push((seed, broken)),
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    println!("{count} histories with {picks:?} picks, {} failed", failed.len());
    for (seed, broken) in failed.iter().take(10) {
        println!("history {seed}: {broken}");
    }
    assert!(failed.is_empty(), "{} of {count} histories failed", failed.len());
}
