//! Directories, small files, links inside a release.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use deploy_plan::{Op, RemotePath};
use deploy_release::state_dir_script;

use crate::world::{World, id, in_every_shell, names};

fn mode(path: impl AsRef<std::path::Path>) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

fn in_release(world: &World, name: &str) -> RemotePath {
    world.layout.release(&id("1")).join(name)
}

#[test]
fn directories_and_modes() {
    in_every_shell(|world| {
        let path = world.layout.deploy_to.join("a/b c/d");
        for _ in 0..2 {
            world.ok(&Op::MakeDir { path: path.clone() });
        }
        fs::set_permissions(world.at("a/b c/d"), PermissionsExt::from_mode(0o755)).unwrap();
        fs::write(world.at("a/b c/d/f"), "").unwrap();
        fs::set_permissions(world.at("a/b c/d/f"), PermissionsExt::from_mode(0o640)).unwrap();
        world.ok(&Op::GroupWritable { path: path.clone(), recursive: false });
        assert_eq!((mode(world.at("a/b c/d")), mode(world.at("a/b c/d/f"))), (0o775, 0o640));
        world.ok(&Op::GroupWritable { path, recursive: true });
        assert_eq!(mode(world.at("a/b c/d/f")), 0o660);
        fs::write(world.at("file"), "").unwrap();
        let told = world.refused(&Op::MakeDir { path: world.layout.deploy_to.join("file/x") });
        assert!(told.contains("file"), "{told}");
    });
}

#[test]
fn our_own_directory() {
    in_every_shell(|world| {
        for (shared, name, dir_mode, ledger_mode) in [(true, "team", 0o2770, 0o660), (false, "one", 0o700, 0o600)] {
            let mut world = world.moved(name);
            world.layout.group_writable = shared;
            let script = state_dir_script(&world.layout, false);
            let output = world.sh(&script);
            assert_eq!((output.status.code(), output.stderr.len()), (Some(3), 0), "nothing to be in yet");
            fs::create_dir_all(world.at("")).unwrap();
            for _ in 0..2 {
                assert!(world.sh(&script).status.success());
            }
            world.ok(&Op::MakeStateDir { path: world.layout.state(), group: shared });
            world.give_away();
            for shut in ["", ".capstan"] {
                let before = mode(world.at(shut));
                fs::set_permissions(world.at(shut), PermissionsExt::from_mode(0o555)).unwrap();
                if shut.is_empty() {
                    fs::rename(world.at(".capstan"), world.home().join("aside")).unwrap();
                }
                if let Some(output) = world.sh_as_nobody(&script) {
                    assert_eq!((output.status.code(), output.stderr.len()), (Some(3), 0), "the probe will tell");
                }
                if shut.is_empty() {
                    fs::rename(world.home().join("aside"), world.at(".capstan")).unwrap();
                }
                fs::set_permissions(world.at(shut), PermissionsExt::from_mode(before)).unwrap();
            }
            assert_eq!(mode(world.at(".capstan")), dir_mode);
            assert_eq!(mode(world.at(".capstan/ledger")), ledger_mode);
            world.enter("r1");
            assert_eq!(mode(world.at(".capstan/links.r1")), dir_mode);
        }
    });
}

#[test]
fn a_small_file() {
    in_every_shell(|world| {
        world.with_releases(&["1"]);
        let write =
            |content: &str, mode| Op::WriteFile { path: in_release(world, "RE VISION"), content: content.into(), mode };
        let file = world.at("releases/1/RE VISION");
        for content in ["4711\n", "", "%s \\n '\"$(id)`id`\n\ttab\u{fc}", "no newline", "-n"] {
            world.ok(&write(content, None));
            assert_eq!(fs::read_to_string(&file).unwrap(), content);
        }
        world.ok(&write("secret", Some(0o600)));
        assert_eq!(mode(&file), 0o600);
        assert_eq!(names(&world.at("releases/1")), ["RE VISION", "REVISION"], "no temporary file stays");
        assert!(world.refused(&write("a\0b", None)).contains("NUL"));
        fs::remove_file(&file).unwrap();
        fs::create_dir(&file).unwrap();
        assert!(world.refused(&write("x", None)).contains("is a directory"));
        let lost = Op::WriteFile { path: in_release(world, "no/such/dir"), content: "x".into(), mode: None };
        assert!(world.refused(&lost).contains("such"));
        world.ok(&Op::RemoveFile { path: in_release(world, "REVISION") });
        world.ok(&Op::RemoveFile { path: in_release(world, "REVISION") });
        assert_eq!(names(&world.at("releases/1")), ["RE VISION"]);
    });
}

#[test]
fn shared_directories_take_the_place_of_checked_out_ones() {
    in_every_shell(|world| {
        world.with_releases(&["1"]);
        fs::create_dir_all(world.at("releases/1/public/system/deep")).unwrap();
        fs::write(world.at("shared/log/keep"), "").unwrap();
        let link = |at: &str, to: &str| Op::ReplaceWithLink {
            at: in_release(world, at),
            target: world.layout.shared.join(to),
        };
        for _ in 0..2 {
            world.ok(&link("public/system", "system"));
            world.ok(&link("log", "log"));
            world.ok(&link("tmp/pids", "pids"));
        }
        assert_eq!(fs::read_link(world.at("releases/1/public/system")).unwrap(), world.at("shared/system"));
        assert_eq!(fs::read_link(world.at("releases/1/tmp/pids")).unwrap(), world.at("shared/pids"));
        assert_eq!(names(&world.at("shared/log")), ["keep"], "what is shared is never removed with the link");
    });
}

#[test]
fn links_that_point_nowhere_are_told() {
    in_every_shell(|world| {
        world.with_releases(&["1"]);
        let release = world.layout.release(&id("1"));
        let check = |refuse| Op::CheckLinks { release: release.clone(), refuse };
        let dir = world.at("releases/1");
        fs::create_dir_all(dir.join("config/deep")).unwrap();
        fs::create_dir_all(dir.join(".git")).unwrap();
        symlink(world.at("shared/log"), dir.join("log")).unwrap();
        symlink("/nowhere", world.at("shared/log/stale")).unwrap();
        symlink("/nowhere", dir.join(".git/x")).unwrap();
        symlink("/nowhere", dir.join("config/deep/x")).unwrap();
        assert_eq!(world.ok(&check(false)), "");
        world.ok(&check(true));
        symlink("/no where", dir.join("config/database.yml")).unwrap();
        symlink("/nowhere", dir.join(".env")).unwrap();
        let told = world.ok(&check(false));
        assert_eq!(told.lines().count(), 2, "{told}");
        assert!(told.lines().all(|line| line.starts_with("warning: ")));
        assert!(told.contains("config/database.yml points to /no where, which does not exist"), "{told}");
        assert!(world.refused(&check(true)).contains("error: "));
    });
}

#[test]
fn assets_get_one_time_stamp() {
    in_every_shell(|world| {
        world.with_releases(&["1"]);
        let images = world.at("releases/1/public/images");
        fs::create_dir_all(images.join("sub dir")).unwrap();
        fs::write(images.join("sub dir/a.png"), "").unwrap();
        symlink("/nowhere/x", images.join("dangling")).unwrap();
        let touch = |children: &[&str]| Op::TouchAssets {
            release: world.layout.release(&id("1")),
            children: children.iter().map(|child| (*child).to_owned()).collect(),
            stamp: "202001020304.05".into(),
        };
        let told = world.ok(&touch(&["images", "javascripts"]));
        assert_eq!(told, "", "an application without javascripts is no error");
        assert_eq!(fs::metadata(images.join("sub dir/a.png")).unwrap().mtime(), 1_577_934_245);
        assert!(!std::path::Path::new("/nowhere").exists());
        world.ok(&touch(&[]));
    });
}

#[test]
fn nothing_is_built_where_something_is() {
    in_every_shell(|world| {
        world.with_releases(&["1"]);
        let claim = |name: &str| Op::ClaimRelease { release: world.layout.release(&id(name)) };
        assert!(world.refused(&claim("1")).contains("releases/1: it is there already"));
        symlink("/nowhere", world.at("releases/2")).unwrap();
        world.refused(&claim("2"));
        world.ok(&claim("3"));
        assert_eq!(world.releases(), ["1", "2"]);
    });
}

#[test]
fn a_script_fails_by_its_status() {
    in_every_shell(|world| {
        let script = |body: &str| Op::Script { title: "t".into(), body: body.into() };
        world.ok(&script("true # a comment at the end"));
        assert_eq!(world.op(&script("exit 7")).status.code(), Some(7));
        world.ok(&Op::Flush { path: RemotePath::new("~").unwrap() });
    });
}
