//! `current` under a tight reader, on the machine's own filesystem and in memory, with GNU's tools and BusyBox's.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use deploy_plan::{Expect, Op};

use crate::world::{World, id, in_every_shell_below};

/// Reads through the link until told to stop; the first thing that was neither release.
fn read(file: &Path, stop: &AtomicBool, reads: &AtomicU64) -> Option<String> {
    while !stop.load(Ordering::Relaxed) {
        match fs::read(file).as_deref() {
            Ok(b"rev-1\n" | b"rev-2\n") => reads.fetch_add(1, Ordering::Relaxed),
            other => return Some(format!("{other:?}")),
        };
    }
    None
}

/// So many swaps, and more until there were so many reads. Gives both numbers.
fn swap_and_read(world: &World, swaps: u64, wanted: u64) -> (u64, u64) {
    world.with_releases(&["1", "2"]).publish_by_hand("1");
    let file = world.current().join("REVISION");
    let switch = |to, from| world.text(&Op::Switch { to: id(to), expect: Expect::Release(id(from)) });
    // A process of its own for each, as on a host: the text may leave its shell.
    let both = format!("( {} ) || exit 1\n( {} ) || exit 1\n", switch("2", "1"), switch("1", "2"));
    let round = format!("n=0; while [ $n -lt 25 ]; do n=$((n + 1))\n{both}done");
    let (stop, reads) = (AtomicBool::new(false), AtomicU64::new(0));
    let (done, wrong) = std::thread::scope(|scope| {
        let reader = scope.spawn(|| read(&file, &stop, &reads));
        let mut done = 0;
        while done < swaps || reads.load(Ordering::Relaxed) < wanted {
            let output = world.sh(&round);
            if !output.status.success() || reader.is_finished() {
                stop.store(true, Ordering::Relaxed);
                assert!(output.status.success(), "{output:?}");
                break;
            }
            done += 50;
        }
        stop.store(true, Ordering::Relaxed);
        (done, reader.join().unwrap())
    });
    assert_eq!(wrong, None, "{:?} after {reads:?} reads and {done} swaps", world.shell);
    (done, reads.into_inner())
}

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|number| number.parse().ok()).unwrap_or(usual)
}

/// In each shell on each filesystem a part; `CAPSTAN_SWAPS=1000 CAPSTAN_READS=1000000` asks that of each.
#[test]
fn a_tight_reader_never_sees_a_gap() {
    let (swaps, wanted) = (number("CAPSTAN_SWAPS", 50), number("CAPSTAN_READS", 5_000));
    let memory = Path::new("/dev/shm");
    let temporary = std::env::temp_dir();
    let folders = [Some(temporary.as_path()), memory.is_dir().then_some(memory)];
    for folder in folders.into_iter().flatten() {
        in_every_shell_below(folder, |world| {
            let (swaps, reads) = swap_and_read(world, swaps, wanted);
            println!("{:?} in {}: {reads} reads, {swaps} swaps", world.shell, folder.display());
        });
    }
}
