//! The ledger on a real disk: appended, torn, full.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;

use deploy_plan::{LedgerEntry, Op, ReleaseState, Revision, RunId, When};
use deploy_release::{LedgerLine, parse_ledger, reconcile};

use crate::world::{id, in_every_shell};

fn entry(sequence: u64, name: &str, state: ReleaseState) -> LedgerEntry {
    LedgerEntry {
        sequence,
        release: id(name),
        state,
        revision: Some(Revision::new("4711").unwrap()),
        run: RunId::new("r1").unwrap(),
        by: "al'ice $(id)\t\\n@läptop\n".into(),
        at: When("2026-11-23T06:00:00Z".into()),
    }
}

#[test]
fn what_is_written_is_read() {
    in_every_shell(|world| {
        world.with_releases(&["1"]);
        let entries = [entry(1, "1", ReleaseState::Building), entry(1, "1", ReleaseState::Ready)];
        for entry in &entries {
            assert_eq!(world.ok(&Op::Record(entry.clone())), "");
        }
        let facts = world.probe();
        let (lines, warnings) = parse_ledger(&facts.ledger);
        assert_eq!(lines, entries.map(LedgerLine::Release));
        assert!(warnings.is_empty() && facts.ledger_writable);
    });
}

#[test]
fn a_torn_end_is_mended_when_a_run_begins() {
    in_every_shell(|world| {
        for torn in [&b"cap1\t0000"[..], b"cap1\tabc\0\0\0\0"] {
            let world = world.moved("torn");
            world.with_releases(&["1"]);
            let mut ledger = fs::OpenOptions::new().append(true).open(world.at(".capstan/ledger")).unwrap();
            world.ok(&Op::Record(entry(1, "1", ReleaseState::Ready)));
            ledger.write_all(torn).unwrap();
            world.enter("r2");
            world.ok(&Op::Record(entry(2, "2", ReleaseState::Building)));
            let (lines, warnings) = parse_ledger(&world.probe().ledger);
            assert_eq!((lines.len(), warnings.len()), (2, 1), "{warnings:?}");
        }
    });
}

#[test]
fn a_full_disk_stops_a_build_but_not_the_way_back() {
    in_every_shell(|world| {
        world.with_releases(&["1"]);
        fs::remove_file(world.at(".capstan/ledger")).unwrap();
        symlink("/dev/full", world.at(".capstan/ledger")).unwrap();
        for state in [ReleaseState::Building, ReleaseState::Ready] {
            world.refused(&Op::Record(entry(1, "1", state)));
        }
        assert!(!world.at(".capstan/reserve").exists(), "the reserve was given up first");
        for state in [ReleaseState::Live, ReleaseState::Confirmed, ReleaseState::Reverted, ReleaseState::Failed] {
            let told = world.ok(&Op::Record(entry(1, "1", state)));
            assert!(told.contains("warning: the ledger does not say that 1 is"), "{told}");
        }
    });
}

#[test]
fn a_reserve_is_kept() {
    in_every_shell(|world| {
        world.with_releases(&[]);
        assert_eq!(fs::metadata(world.at(".capstan/reserve")).unwrap().len(), 16384);
    });
}

#[test]
fn a_log_for_people() {
    in_every_shell(|world| {
        world.with_releases(&[]);
        let path = world.layout.deploy_to.join("revisions.log");
        let append = |line: &str| Op::AppendLine { path: path.clone(), line: line.into() };
        world.ok(&append("Branch it's $(x) (at 4711) deployed"));
        world.ok(&append("two\nlines"));
        assert_eq!(
            fs::read_to_string(world.at("revisions.log")).unwrap(),
            "Branch it's $(x) (at 4711) deployed\ntwo lines\n"
        );
    });
}

#[test]
fn capistrano_and_ours_in_turn() {
    in_every_shell(|world| {
        world.with_releases(&["20260101000000", "20260102000000"]).publish_by_hand("20260102000000");
        for (sequence, name) in [(1, "20260101000000"), (2, "20260102000000")] {
            world.ok(&Op::Record(entry(sequence, name, ReleaseState::Confirmed)));
        }
        fs::create_dir(world.at("releases/20260103000000")).unwrap();
        fs::write(world.at("releases/20260103000000/REVISION"), "abc\n").unwrap();
        world.publish_by_hand("20260103000000");
        fs::remove_dir_all(world.at("releases/20260101000000")).unwrap();
        let history = reconcile(&world.probe());
        let told: Vec<_> = history.releases.iter().map(|r| (r.id.as_str(), r.state, r.sequence)).collect();
        assert_eq!(
            told,
            [
                ("20260101000000", ReleaseState::Retired, 1),
                ("20260102000000", ReleaseState::Confirmed, 2),
                ("20260103000000", ReleaseState::Confirmed, 3)
            ]
        );
        assert_eq!(history.previous().unwrap().id, id("20260102000000"));
    });
}
