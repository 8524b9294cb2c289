//! The probe on real trees: what it says, and that it changes nothing.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use deploy_release::{Current, EntryKind, PlaceKind, ProbeNeeds, parse_probe, probe_script};

use crate::world::{in_every_shell, tree};

#[test]
fn a_host_without_anything() {
    in_every_shell(|world| {
        let facts = world.probe();
        assert_eq!(facts.deploy_to.kind, PlaceKind::Absent);
        let (path, place) = facts.ancestor.as_ref().unwrap();
        assert_eq!(path, world.home().to_str().unwrap());
        assert!(place.is_directory() && place.writable && place.owner.is_some());
        assert_eq!(facts.current, Current::Absent);
        assert_eq!(facts.home, world.home().to_str().unwrap());
        assert!(facts.clock.unwrap() > 1_600_000_000 && !facts.user.is_empty());
        assert!(facts.ledger.is_empty() && facts.unit().is_none());
    });
}

#[test]
fn an_ordinary_host() {
    in_every_shell(|world| {
        world.with_releases(&["20260101000000", "20260102000000"]).publish_by_hand("20260101000000");
        fs::remove_file(world.at("releases/20260102000000/REVISION")).unwrap();
        symlink(world.at("releases/20260102000000"), world.at("releases/current")).unwrap();
        fs::create_dir_all(world.at("releases/20260101000000/db/migrate")).unwrap();
        fs::write(world.at("releases/20260101000000/db/migrate/001_a b.rb"), "").unwrap();
        fs::write(world.at("releases/20260101000000/Rakefile"), "").unwrap();
        let before = tree(&world.home());
        let facts = world.probe();
        assert_eq!(tree(&world.home()), before, "it only looks");
        assert_eq!(facts.live().unwrap().as_str(), "20260101000000");
        let told: Vec<_> = facts.releases.iter().map(|e| (e.name.as_str(), e.kind, e.revision.as_deref())).collect();
        assert_eq!(
            told,
            [
                ("20260101000000", EntryKind::Directory, Some("rev-20260101000000")),
                ("20260102000000", EntryKind::Directory, None),
                ("current", EntryKind::Link, None)
            ]
        );
        let meta = fs::metadata(world.at("")).unwrap();
        assert_eq!(facts.unit().unwrap().directory, format!("{}:{}", meta.dev(), meta.ino()));
        assert!(facts.deploy_to.writable && facts.shared_dir.is_directory() && facts.state_dir.writable);
        assert_eq!(facts.state_dir.owner.unwrap().mode, "2770");
        assert_eq!(facts.links, ["links.r1"]);
        assert_eq!(facts.migrations.unwrap(), ["001_a b.rb"]);
        assert!(facts.rakefile);
        assert_eq!(facts.tools.values().copied().collect::<Vec<_>>(), [true, false]);
        assert!(facts.space.unwrap().kibibytes > 0);
    });
}

#[test]
fn names_that_are_not_nice() {
    let names: [&[u8]; 11] = [
        b"a b",
        b"new\nline",
        b"tab\there\\n",
        b"back\\slash\\",
        b"-n",
        b"$(touch pwned)",
        b"'\"*?[x]",
        b"\xff\xfe",
        b"\xc3\xbcml\xc3\xa4ut",
        b"ledger-begin",
        b"\n",
    ];
    in_every_shell(|world| {
        world.with_releases(&[]);
        for name in names {
            fs::create_dir(world.at("releases").join(OsStr::from_bytes(name))).unwrap();
        }
        let facts = world.probe();
        let mut found: Vec<Vec<u8>> =
            facts.releases.iter().filter(|entry| entry.exact).map(|entry| entry.name.clone().into_bytes()).collect();
        let mut made: Vec<Vec<u8>> = names.iter().filter(|n| **n != b"\xff\xfe").map(|name| name.to_vec()).collect();
        found.sort();
        made.sort();
        assert_eq!(found, made);
        assert_eq!(facts.releases.len(), names.len());
        for name in names {
            let _ = fs::remove_file(world.current());
            symlink(world.at("releases").join(OsStr::from_bytes(name)), world.current()).unwrap();
            let Current::Link { release, dangling, text, exact } = world.probe().current else { panic!() };
            assert_eq!(release.unwrap(), String::from_utf8_lossy(name));
            assert!(!dangling);
            assert_eq!(exact, std::str::from_utf8(name).is_ok());
            assert!(text.ends_with(&*String::from_utf8_lossy(name)), "{text:?}");
        }
    });
}

#[test]
fn every_kind_of_current() {
    in_every_shell(|world| {
        world.with_releases(&["1"]);
        symlink("/nowhere/at all", world.current()).unwrap();
        let link = |text: &str, dangling| Current::Link { text: text.into(), exact: true, release: None, dangling };
        assert_eq!(world.probe().current, link("/nowhere/at all", true));
        fs::remove_file(world.current()).unwrap();
        symlink("shared", world.current()).unwrap();
        assert_eq!(world.probe().current, link("shared", false));
        fs::remove_file(world.current()).unwrap();
        symlink("releases/1", world.current()).unwrap();
        assert_eq!(world.probe().live().unwrap().as_str(), "1");
        fs::remove_file(world.current()).unwrap();
        fs::create_dir(world.current()).unwrap();
        assert_eq!(world.probe().current, Current::Directory);
        fs::remove_dir(world.current()).unwrap();
        fs::write(world.current(), "").unwrap();
        assert_eq!(world.probe().current, Current::Other);
    });
}

#[test]
fn a_ledger_of_any_bytes() {
    in_every_shell(|world| {
        world.with_releases(&[]);
        for ledger in [&b""[..], b"\0\0\0", b"no newline", b"\nledger-end\nend\n", b"\xff\n\n\n"] {
            fs::write(world.at(".capstan/ledger"), ledger).unwrap();
            assert_eq!(world.probe().ledger, ledger);
        }
    });
}

#[test]
fn what_the_login_may_not() {
    in_every_shell(|world| {
        world.with_releases(&["1"]);
        world.give_away();
        fs::set_permissions(world.at("releases"), PermissionsExt::from_mode(0o555)).unwrap();
        fs::set_permissions(world.at(".capstan/ledger"), PermissionsExt::from_mode(0o444)).unwrap();
        if let Some(output) = world.sh_as_nobody(&probe_script(&world.layout, &ProbeNeeds::default())) {
            let facts = parse_probe(&output.stdout).unwrap();
            assert!(!facts.releases_dir.writable && facts.deploy_to.writable && !facts.ledger_writable);
            assert_eq!(facts.releases_dir.owner.unwrap().mode, "555");
        }
        fs::set_permissions(world.at("releases"), PermissionsExt::from_mode(0o755)).unwrap();
    });
}
