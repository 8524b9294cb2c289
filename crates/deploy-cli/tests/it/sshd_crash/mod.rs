//! Faults by the hundred against real sshd, with the binary of the feature `faults`: `cargo xtask crash`.
//!
//! A cell is a command on one to three hosts, a fault in it and what is done afterwards. After each the invariants of
//! `deploy_release::invariants` are checked, as in the simulated fleet.

mod cell;
mod ground;
mod judge;
mod planted;
mod play;
mod view;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use cell::{Cell, all, sample};
use ground::Ground;

/// The binary with faults, where `cargo xtask crash` has built it.
fn binary() -> Option<String> {
    let found = std::env::var("CAPSTAN_CRASH_CAP").ok();
    if found.is_none() {
        println!("skipped: `cargo xtask crash` runs this, with a binary of its own");
    }
    found
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// The cells that the environment asks for.
fn wanted(ground: &mut Ground) -> Vec<Cell> {
    if let Ok(line) = std::env::var("CAPSTAN_CRASH_REPLAY") {
        return vec![Cell::parse(&line).expect("a line as a failure prints it")];
    }
    let cells = all(&mut |scenario| {
        let sites = ground.field(false).sites(scenario);
        let letters = |(host, letters): &(String, Vec<char>)| format!("{host} {}", letters.iter().collect::<String>());
        println!("{scenario:?}: {}", sites.iter().map(letters).collect::<Vec<_>>().join(", "));
        sites
    });
    let count = number("CAPSTAN_CRASH_CELLS").unwrap_or(200);
    let seed = number("CAPSTAN_CRASH_SEED").unwrap_or(1);
    println!("{} cells there are; seed {seed}", cells.len());
    match count {
        0 => cells,
        count => sample(&cells, seed, usize::try_from(count).unwrap()),
    }
}

#[test]
fn faults_against_real_hosts() {
    let Some(binary) = binary() else { return };
    let Some(mut first) = Ground::start(&binary) else { return };
    planted::every_mistake_is_found(first.field(false));
    let cells = wanted(&mut first);
    let (next, begun) = (AtomicUsize::new(0), Instant::now());
    let failed = Mutex::new(Vec::new());
    let mut grounds = vec![first];
    let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get).min(cells.len()).max(1);
    grounds.extend((1..threads).filter_map(|_| Ground::start(&binary)));
    std::thread::scope(|scope| {
        for mut ground in grounds {
            let (next, failed, cells) = (&next, &failed, &cells);
            scope.spawn(move || {
                while let Some(cell) = cells.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let broken = play::play(&mut ground, cell);
                    if !broken.is_empty() {
                        println!("cargo xtask crash --replay '{cell}'\n    {}", broken.join("\n    "));
                        failed.lock().unwrap().push(cell.to_string());
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    println!("{} cells, {} failed, {} s", cells.len(), failed.len(), begun.elapsed().as_secs());
    for cell in &failed {
        println!("cargo xtask crash --replay '{cell}'");
    }
    assert!(failed.is_empty(), "{} of {} cells failed", failed.len(), cells.len());
}

/// What is built for use knows none of the words; the one for these tests knows them, or this test could not fail.
#[test]
fn the_ordinary_binary_has_no_such_hook() {
    let word = b"CAPSTAN_FAULT";
    let knows = |file: &str| std::fs::read(file).unwrap().windows(word.len()).any(|window| window == word);
    assert!(!knows(env!("CARGO_BIN_EXE_cap")), "cap was built with the feature `faults`");
    if let Some(binary) = binary() {
        assert!(knows(&binary));
    }
    let manifest = include_str!("../../../Cargo.toml");
    assert!(
        !manifest.lines().any(|line| line.trim_start().starts_with("default =")),
        "a build for use has no features"
    );
}
