//! `current` changes by one rename, to what was asked for, from what was expected; or not at all.

use std::fs;
use std::os::unix::fs::symlink;

use deploy_plan::{Expect, Op, RunId};
use deploy_release::entry_script;

use crate::world::{id, in_every_shell, names};

fn switch(to: &str, expect: Expect) -> Op {
    Op::Switch { to: id(to), expect }
}

fn from(name: &str) -> Expect {
    Expect::Release(id(name))
}

#[test]
fn there_and_back() {
    in_every_shell(|world| {
        world.with_releases(&["1", "2"]);
        world.ok(&switch("1", Expect::Nothing));
        world.ok(&switch("2", from("1")));
        assert_eq!(world.live().as_deref(), Some("2"));
        assert_eq!(
            fs::read_link(world.current()).unwrap(),
            world.at("releases/2"),
            "absolute, as Capistrano writes it"
        );
        world.ok(&Op::ReadBack { release: id("2") });
        assert!(world.refused(&Op::ReadBack { release: id("1") }).contains("not to 1"));
        world.ok(&switch("1", from("2")));
        assert_eq!(world.live().as_deref(), Some("1"));
        assert_eq!(names(&world.at(".capstan/links.r1")), ["1", "2"], "used links are made again");
        assert_eq!(fs::read_dir(world.at("releases/1")).unwrap().count(), 1, "nothing lands inside a release");
    });
}

#[test]
fn once_more_after_a_lost_answer() {
    in_every_shell(|world| {
        world.with_releases(&["1", "2"]).publish_by_hand("1");
        for _ in 0..2 {
            world.ok(&switch("2", from("1")));
            assert_eq!(world.live().as_deref(), Some("2"));
        }
        // The way back, done and not done.
        for _ in 0..2 {
            world.ok(&switch("1", from("2")));
            assert_eq!(world.live().as_deref(), Some("1"));
        }
    });
}

#[test]
fn somebody_else_switched() {
    in_every_shell(|world| {
        world.with_releases(&["1", "2", "3"]).publish_by_hand("3");
        let told = world.refused(&switch("2", from("1")));
        assert!(told.contains("points to") && told.contains("releases/3, not to 1"), "{told}");
        assert!(world.refused(&switch("2", Expect::Nothing)).contains("not to nothing"));
        assert!(world.refused(&switch("2", Expect::LinkText("/elsewhere".into()))).contains("not to /elsewhere"));
        assert_eq!(world.live().as_deref(), Some("3"));
        fs::remove_file(world.current()).unwrap();
        assert!(world.refused(&switch("2", from("1"))).contains("points to nothing"));
        assert_eq!(world.live(), None);
    });
}

#[test]
fn what_is_no_link_stays() {
    in_every_shell(|world| {
        world.with_releases(&["1"]);
        fs::create_dir(world.current()).unwrap();
        fs::write(world.current().join("precious"), "x").unwrap();
        for op in [
            switch("1", Expect::Nothing),
            Op::Unpublish { from: id("1") },
            Op::RestoreLink { text: "/x".into(), from: id("1") },
        ] {
            assert!(world.refused(&op).contains("real directory or file"));
        }
        assert_eq!(names(&world.current()), ["precious"]);
        fs::remove_dir_all(world.current()).unwrap();
        fs::write(world.current(), "a file").unwrap();
        assert!(world.refused(&switch("1", Expect::Nothing)).contains("real directory or file"));
        assert_eq!(fs::read_to_string(world.current()).unwrap(), "a file");
    });
}

#[test]
fn never_to_what_is_not_there() {
    in_every_shell(|world| {
        world.with_releases(&["1"]).publish_by_hand("1");
        assert!(world.refused(&switch("2", from("1"))).contains("it is not there"));
        assert_eq!(world.live().as_deref(), Some("1"));
    });
}

#[test]
fn a_late_holder_changes_nothing() {
    in_every_shell(|world| {
        world.with_releases(&["1", "2"]).publish_by_hand("1");
        world.ok(&Op::ReadyLink { release: id("2") });
        // Another run takes over: the directory of ready links moves away.
        world.enter("r2");
        assert_eq!(names(&world.at(".capstan")).iter().filter(|name| name.starts_with("links.")).count(), 1);
        for op in [
            switch("2", from("1")),
            Op::Unpublish { from: id("1") },
            Op::RestoreLink { text: "/x".into(), from: id("1") },
        ] {
            world.refused(&op);
            assert_eq!(world.live().as_deref(), Some("1"));
        }
        assert_eq!(names(&world.at(".capstan/links.r2")), ["2"], "the ready link went with it");
    });
}

#[test]
fn links_that_were_not_ready_are_made() {
    in_every_shell(|world| {
        world.with_releases(&["1", "2"]).publish_by_hand("1");
        // A stale one of ours, a wrong one, and one left half-way by an earlier try.
        let links = world.at(".capstan/links.r1");
        symlink("/nowhere", links.join("2")).unwrap();
        symlink("/nowhere", links.join("current")).unwrap();
        world.ok(&switch("2", from("1")));
        assert_eq!(world.live().as_deref(), Some("2"));
    });
}

#[test]
fn a_first_deploy_is_undone() {
    in_every_shell(|world| {
        world.with_releases(&["1", "2"]);
        let undo = Op::Unpublish { from: id("1") };
        world.ok(&undo);
        world.ok(&switch("1", Expect::Nothing));
        for _ in 0..2 {
            world.ok(&undo);
            assert!(fs::symlink_metadata(world.current()).is_err());
        }
        world.publish_by_hand("2");
        assert!(world.refused(&undo).contains("releases/2, not to 1"));
        assert_eq!(world.live().as_deref(), Some("2"));
    });
}

#[test]
fn a_link_of_somebody_else_comes_back_as_it_was() {
    in_every_shell(|world| {
        world.with_releases(&["1"]);
        for text in ["/srv/old app/it's", "$(touch pwned)", "-x", "../elsewhere"] {
            let _ = fs::remove_file(world.current());
            symlink(text, world.current()).unwrap();
            world.ok(&switch("1", Expect::LinkText(text.into())));
            assert_eq!(world.live().as_deref(), Some("1"));
            for _ in 0..2 {
                world.ok(&Op::RestoreLink { text: text.into(), from: id("1") });
                assert_eq!(fs::read_link(world.current()).unwrap().to_str(), Some(text));
            }
        }
    });
}

#[test]
fn relative_links() {
    in_every_shell(|world| {
        let mut world = world.moved("rel");
        world.layout.relative_links = true;
        world.with_releases(&["1", "2"]);
        world.ok(&switch("1", Expect::Nothing));
        world.ok(&switch("2", from("1")));
        assert_eq!(fs::read_link(world.current()).unwrap().to_str(), Some("releases/2"));
        assert_eq!(world.live().as_deref(), Some("2"));
    });
}

#[test]
fn paths_that_are_not_nice() {
    in_every_shell(|world| {
        for name in ["a b/it's", "x$(touch pwned)", "`touch pwned`", "\"q\" \\ *?[a]", "-dash/~", "ümläut", "%s"] {
            let world = world.moved(name);
            world.with_releases(&["1", "v 2;'$(id)"]);
            world.ok(&switch("1", Expect::Nothing));
            world.ok(&switch("v 2;'$(id)", from("1")));
            assert_eq!(world.live().as_deref(), Some("v 2;'$(id)"), "{name}");
            assert_eq!(world.probe().live().unwrap().as_str(), "v 2;'$(id)");
            world.ok(&Op::RemoveRelease { release: id("1") });
            assert_eq!(world.releases(), ["v 2;'$(id)"]);
            assert_eq!(names(&world.home()).len(), 1);
        }
    });
}

#[test]
fn an_absolute_layout_and_one_behind_a_link() {
    in_every_shell(|world| {
        let mut world = world.moved("real");
        world.with_releases(&["1", "2"]);
        symlink(world.at(""), world.home().join("alias")).unwrap();
        let alias = world.home().join("alias");
        world.ok(&switch("1", Expect::Nothing));
        world.layout = deploy_plan::Layout::new(deploy_plan::RemotePath::new(alias.to_str().unwrap()).unwrap());
        let live = fs::read_link(alias.join("current")).unwrap();
        world.ok(&Op::ReadBack { release: id("1") });
        let text = world.text(&Op::RemoveRelease { release: id("1") });
        assert!(!world.sh(&text).status.success(), "live, however it is spelled");
        world.ok(&switch("2", from("1")));
        assert_ne!(fs::read_link(alias.join("current")).unwrap(), live);
    });
}

#[test]
fn a_login_that_may_not_write() {
    in_every_shell(|world| {
        world.with_releases(&["1", "2"]).publish_by_hand("1");
        world.give_away();
        let shut =
            |mode| fs::set_permissions(world.at(""), std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
        shut(0o555);
        if let Some(output) = world.sh_as_nobody(&world.text(&switch("2", from("1")))) {
            let told = String::from_utf8_lossy(&output.stderr);
            assert!(!output.status.success() && told.contains("ermission denied"), "{told}");
            assert_eq!(world.live().as_deref(), Some("1"));
        }
        shut(0o755);
        if let Some(output) = world.sh_as_nobody(&world.text(&switch("2", from("1")))) {
            assert!(output.status.success(), "{output:?}");
        }
        let output = world.sh(&entry_script(&world.layout, &RunId::new("r9").unwrap()));
        assert!(output.status.success());
    });
}

#[test]
fn sudo_is_a_word_in_front() {
    in_every_shell(|world| {
        let mut world = world.moved("s");
        world.sudo = true;
        world.with_releases(&["1"]);
        let log = world.home().join("sudo.log");
        let prelude = format!("cap_sudo() {{ echo \"$*\" >>'{}'; \"$@\"; }}\n", log.display());
        let output = world.sh(&(prelude + &world.text(&switch("1", Expect::Nothing))));
        assert!(output.status.success(), "{output:?}");
        let log = fs::read_to_string(log).unwrap();
        assert_eq!(log.lines().count(), 1);
        assert!(log.starts_with("mv -f "), "{log}");
    });
}

/// A ready-made link is all that a switch needs. The next one could not be made, and the script around runs under `set -e`.
#[test]
fn no_inode_is_free() {
    in_every_shell(|world| {
        world.with_releases(&["1", "2"]).publish_by_hand("2");
        world.ok(&Op::ReadyLink { release: id("1") });
        let output = world.sh(&format!("ln() {{ return 1; }}\n(\nset -e\n{}\n)", world.text(&switch("1", from("2")))));
        assert!(output.status.success(), "{output:?}");
        assert_eq!(world.live().as_deref(), Some("1"));
    });
}
