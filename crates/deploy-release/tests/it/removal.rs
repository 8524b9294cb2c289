//! Releases go by way of the trash, and never the live one.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use deploy_plan::{LedgerEntry, Op, ReleaseState, When};
use deploy_release::parse_ledger;

use crate::world::{id, in_every_shell, names};

fn remove(name: &str) -> Op {
    Op::RemoveRelease { release: id(name) }
}

#[test]
fn old_ones_go_and_the_live_one_stays() {
    in_every_shell(|world| {
        world.with_releases(&["1", "2", "3"]).publish_by_hand("2");
        for name in ["1", "2", "3"] {
            world.ok(&Op::ReadyLink { release: id(name) });
        }
        world.ok(&remove("1"));
        world.ok(&remove("1"));
        assert!(world.refused(&remove("2")).contains("releases/2: it is live"));
        assert_eq!(world.releases(), ["2", "3"]);
        assert_eq!(names(&world.at(".capstan/links.r1")), ["2", "3"], "a removed release has no ready link");
        assert!(names(&world.at(".capstan/trash")).is_empty());
        // A `current` that points nowhere protects nothing.
        fs::remove_dir_all(world.at("releases/2")).unwrap();
        world.ok(&remove("3"));
        assert!(world.releases().is_empty());
    });
}

#[test]
fn the_same_name_twice_in_one_run() {
    in_every_shell(|world| {
        world.with_releases(&["1"]);
        fs::create_dir_all(world.at(".capstan/trash/1.r1/half")).unwrap();
        world.ok(&remove("1"));
        assert!(world.releases().is_empty() && names(&world.at(".capstan/trash")).is_empty());
    });
}

#[test]
fn read_only_directories_do_not_hold() {
    in_every_shell(|world| {
        world.with_releases(&["1"]);
        let vendor = world.at("releases/1/vendor");
        fs::create_dir(&vendor).unwrap();
        fs::write(vendor.join("module"), "").unwrap();
        world.give_away();
        fs::set_permissions(&vendor, PermissionsExt::from_mode(0o555)).unwrap();
        if let Some(output) = world.sh_as_nobody(&world.text(&remove("1"))) {
            assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
            assert!(world.releases().is_empty() && names(&world.at(".capstan/trash")).is_empty());
        }
    });
}

#[test]
fn what_cannot_be_moved_stays_whole() {
    in_every_shell(|world| {
        world.with_releases(&["1"]);
        world.give_away();
        fs::set_permissions(world.at("releases"), PermissionsExt::from_mode(0o555)).unwrap();
        if let Some(output) = world.sh_as_nobody(&world.text(&remove("1"))) {
            assert!(!output.status.success() && !output.stderr.is_empty(), "{output:?}");
            assert_eq!(names(&world.at("releases/1")), ["REVISION"]);
        }
        fs::set_permissions(world.at("releases"), PermissionsExt::from_mode(0o755)).unwrap();
    });
}

#[test]
fn a_link_in_the_place_of_a_release_is_removed_not_followed() {
    in_every_shell(|world| {
        world.with_releases(&[]);
        fs::write(world.at("shared/log/precious"), "").unwrap();
        symlink(world.at("shared/log"), world.at("releases/1")).unwrap();
        world.ok(&remove("1"));
        assert_eq!(names(&world.at("shared/log")), ["precious"]);
        assert!(world.releases().is_empty());
    });
}

#[test]
fn only_what_this_run_began_is_abandoned() {
    in_every_shell(|world| {
        world.with_releases(&["1"]);
        let failed = LedgerEntry {
            sequence: 2,
            release: id("1"),
            state: ReleaseState::Failed,
            revision: None,
            run: world.run.clone(),
            by: "a@b".into(),
            at: When("t".into()),
        };
        let claim = Op::ClaimRelease { release: world.layout.release(&id("1")) };
        let abandon = Op::AbandonRelease { failed };
        // The name was taken: the claim fails, and the way back must leave alone what is there.
        world.refused(&claim);
        world.ok(&abandon);
        assert_eq!((world.releases(), world.probe().ledger.len()), (vec!["1".to_owned()], 0));
        fs::remove_dir_all(world.at("releases/1")).unwrap();
        world.ok(&claim);
        fs::create_dir(world.at("releases/1")).unwrap();
        for _ in 0..2 {
            world.ok(&abandon);
            assert!(world.releases().is_empty());
        }
        assert_eq!(parse_ledger(&world.probe().ledger).0.len(), 1);
        // A run that lost its lock has begun nothing.
        world.ok(&claim);
        fs::create_dir(world.at("releases/1")).unwrap();
        world.enter("r2");
        world.ok(&abandon);
        world.for_run("r2").ok(&abandon);
        assert_eq!(world.releases(), ["1"]);
    });
}

/// A recipe that publishes in its own way leaves us a live release to take away.
#[test]
fn what_is_live_is_neither_abandoned_nor_called_failed() {
    in_every_shell(|world| {
        world.with_releases(&[]);
        world.ok(&Op::ClaimRelease { release: world.layout.release(&id("1")) });
        fs::create_dir(world.at("releases/1")).unwrap();
        world.publish_by_hand("1");
        let failed = LedgerEntry {
            sequence: 1,
            release: id("1"),
            state: ReleaseState::Failed,
            revision: None,
            run: world.run.clone(),
            by: "a@b".into(),
            at: When("t".into()),
        };
        let abandon = Op::AbandonRelease { failed };
        assert!(world.refused(&abandon).contains("releases/1: it is live"));
        assert_eq!((world.releases(), world.live()), (vec!["1".to_owned()], Some("1".to_owned())));
        assert!(world.probe().ledger.is_empty(), "no record");
        // Once it is not live any more it goes after all.
        fs::remove_file(world.current()).unwrap();
        world.ok(&abandon);
        assert!(world.releases().is_empty());
        assert_eq!(parse_ledger(&world.probe().ledger).0.len(), 1);
    });
}

#[test]
fn the_trash_is_emptied() {
    in_every_shell(|world| {
        world.with_releases(&[]);
        world.ok(&Op::EmptyTrash);
        for name in ["1.r0/deep", "a b", ".hidden"] {
            fs::create_dir_all(world.at(".capstan/trash").join(name)).unwrap();
        }
        symlink("/nowhere", world.at(".capstan/trash/link")).unwrap();
        assert_eq!(world.probe().trash, 3);
        world.ok(&Op::EmptyTrash);
        assert!(names(&world.at(".capstan/trash")).is_empty());
    });
}
