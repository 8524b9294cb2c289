//! Whatever stands in a setting arrives at the program as it was, and nothing of it is executed.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use deploy_plan::{RemotePath, Revision};
use deploy_scm::{HostSide, Pinned, RepositoryUrl, ScmKind, Source, Strategy};
use proptest::prelude::*;

use crate::world::{World, shells};

/// Writes each argument, ended by NUL, and fails.
const RECORD: &str = "#!/bin/sh\nprintf '%s\\0' \"$@\" >>\"$HOME/../argv.log\"\nexit 1\n";

fn world_with_recorder(shell: &[String]) -> World {
    let world = World::new(shell);
    world.write("bin/tool", RECORD);
    fs::set_permissions(world.path("bin/tool"), fs::Permissions::from_mode(0o755)).unwrap();
    world
}

fn hostile() -> impl Strategy_<Value = String> {
    let pieces = prop_oneof![
        Just("'".to_owned()),
        Just("\"".to_owned()),
        Just("$(touch x)".to_owned()),
        Just("`touch x`".to_owned()),
        Just("; touch x".to_owned()),
        Just("\\".to_owned()),
        Just("${IFS}".to_owned()),
        Just("&& touch x #".to_owned()),
        Just(" -rf ".to_owned()),
        Just("*?[a]{b,c}~!^".to_owned()),
        "\\PC{1,4}",
    ];
    proptest::collection::vec(pieces, 1..5).prop_map(|pieces| pieces.concat())
}

use proptest::strategy::Strategy as Strategy_;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn arguments_arrive_as_they_were(path in hostile(), name in hostile(), release in hostile(), user in hostile(), argument in hostile()) {
        for shell in shells() {
            let world = world_with_recorder(&shell);
            let tool = world.path("bin/tool").to_str().unwrap().to_owned();
            let address = format!("https://example.com/{path}");
            let Ok(url) = RepositoryUrl::parse(&address) else { continue };
            let release = format!("r{}", release.replace('/', "_"));
            let side = HostSide {
                retry_wait: 0,
                ..HostSide::new(
                    Strategy::Checkout,
                    RemotePath::new("~/releases").unwrap().join(&release),
                    RemotePath::new("~/cache").unwrap(),
                    RemotePath::new("~/run").unwrap(),
                )
            };
            let mut git = Source::new(ScmKind::Git, url.clone());
            git.program = vec![tool.clone()];
            git.depth = Some(1);
            let hash = "ab".repeat(20);
            let pinned = Pinned { revision: Revision::new(&hash).unwrap(), label: String::new(), name: Some(name.clone()), unverified: None };
            prop_assert!(!world.host(&git.host_ops(&pinned, &side).unwrap()).status.success());
            let log = world.read("argv.log");
            let got: Vec<&str> = log.split('\0').collect();
            let dest = format!("{}/releases/{release}", world.path("home").display());
            let wanted = ["-c", "core.hooksPath=/dev/null", "-c", "gc.autoDetach=false", "-c", "maintenance.autoDetach=false", "clone", "-n", "-o", "origin", "-q", "--depth", "1", "-b", &name, "--", url.as_str(), &dest];
            prop_assert_eq!(&got[..wanted.len()], &wanted);

            fs::remove_file(world.path("argv.log")).unwrap();
            fs::create_dir_all(world.path("home/releases")).unwrap();
            let mut svn = Source::new(ScmKind::Subversion, url);
            svn.program = vec![tool];
            svn.username = Some(format!("u{user}"));
            svn.arguments = vec![argument.clone()];
            let pinned = Pinned { revision: Revision::new("7").unwrap(), label: String::new(), name: None, unverified: None };
            prop_assert!(!world.host(&svn.host_ops(&pinned, &side).unwrap()).status.success());
            let log = world.read("argv.log");
            let got: Vec<&str> = log.split('\0').collect();
            let named = format!("u{user}");
            let wanted = ["--non-interactive", "--username", &named, "--no-auth-cache", &argument, "checkout", "-q", "-r", "7"];
            prop_assert_eq!(&got[..wanted.len()], &wanted);
            for place in ["x", "home/x", "home/releases/x"] {
                prop_assert!(!world.has(place), "something was executed");
            }
        }
    }
}

#[test]
fn excludes_go_to_rsync_one_by_one() {
    if !crate::world::have(&["git"]) {
        return;
    }
    crate::world::each_shell(|world| {
        let source = world.git_repository();
        let pinned = world.resolve(&source, "main").unwrap();
        let mut side = world.side(Strategy::RemoteCache, "1");
        side.exclude = vec![".git".to_owned(), "it's *; touch x".to_owned()];
        world.write("bin/rsync", "#!/bin/sh\nprintf '%s\\n' \"$@\" >\"$HOME/../argv.log\"\n");
        fs::set_permissions(world.path("bin/rsync"), fs::Permissions::from_mode(0o755)).unwrap();
        let ops = source.host_ops(&pinned, &side).unwrap();
        let deploy_plan::Op::Script { body, .. } = &ops[0] else { panic!("a script") };
        let path = format!("{}:{}", world.path("bin").display(), std::env::var("PATH").unwrap());
        let output = world
            .command(&world.shell[0])
            .args(&world.shell[1..])
            .arg("-c")
            .arg(body)
            .env("PATH", path)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let release = world.path("app/releases/1");
        let wanted = format!("-lrpt\n--exclude=.git\n--exclude=it's *; touch x\n./\n{}/\n", release.display());
        assert_eq!(world.read("argv.log"), wanted);
        assert!(source.requirements(Strategy::RemoteCache, true).iter().any(|r| r.program == "rsync"));
    });
}
