//! Everything is killed at each program that a step starts; the next step must find its way whatever is left.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};

use deploy_scm::{Pinned, ScmKind, Source, Strategy};

use crate::world::{World, have, in_shell, which};

/// Counts its calls, those that only read left out; at the one asked for it kills its process group, which is the whole step, before it has done
/// anything.
const SHIM: &str = r#"#!/bin/sh
case " $* " in *' config --get '* | *' cat-file '* | *' rev-parse '* | *' info '* | *' -n . ') exec REAL "$@" ;; esac
count=$(($(cat "$HOME/../count") + 1))
echo "$count" >"$HOME/../count"
[ "$count" != "$KILL_AT" ] || kill -9 0
exec REAL "$@"
"#;

fn shims(world: &World) {
    for name in ["git", "svn", "svnversion", "mv", "cp", "rm", "mkdir", "find"] {
        if let Some(real) = which(name) {
            let path = format!("bin/{name}");
            world.write(&path, &SHIM.replace("REAL", real.to_str().unwrap()));
            fs::set_permissions(world.path(&path), fs::Permissions::from_mode(0o755)).unwrap();
        }
    }
}

/// Whether the step was killed at that call; it had fewer calls otherwise.
fn killed_at(world: &World, source: &Source, pinned: &Pinned, call: u32) -> bool {
    world.write("count", "0");
    let ops = source.host_ops(pinned, &world.side(Strategy::RemoteCache, "killed")).unwrap();
    let [deploy_plan::Op::Script { body, .. }] = ops.as_slice() else { panic!("a script") };
    let path = format!("{}:{}", world.path("bin").display(), std::env::var("PATH").unwrap());
    let mut command = world.command(&world.shell[0]);
    command.args(&world.shell[1..]).arg("-c").arg(body).env("PATH", path).env("KILL_AT", call.to_string());
    let output = command.process_group(0).output().unwrap();
    let killed = output.status.signal() == Some(9);
    assert!(killed || output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    killed
}

/// Kills at each call, from the same state each time, and deploys afterwards.
fn sweep(world: &World, source: &Source, pinned: &Pinned, wanted: &str) {
    fs::rename(world.path("app"), world.path("state")).unwrap();
    for call in 1.. {
        world.run(".", &["cp", "-a", "state", "app"]);
        let killed = killed_at(world, source, pinned, call);
        if killed {
            world.deploy(source, pinned, &world.side(Strategy::RemoteCache, "next"));
            assert_eq!(world.read("app/releases/next/app.txt"), wanted, "killed at call {call}");
            let left: Vec<_> =
                fs::read_dir(world.path("app/shared")).unwrap().map(|e| e.unwrap().file_name()).collect();
            assert_eq!(left, ["cached-copy"], "killed at call {call}");
        }
        fs::remove_dir_all(world.path("app")).unwrap();
        if !killed {
            assert!(call > 5, "the programs are counted");
            break;
        }
    }
    fs::rename(world.path("state"), world.path("app")).unwrap();
}

#[test]
fn git_cache() {
    if !have(&["git"]) {
        return;
    }
    in_shell(0, |world| {
        shims(world);
        let source = world.git_repository();
        let pinned = world.resolve(&source, "main").unwrap();
        sweep(world, &source, &pinned, "one");
        world.deploy(&source, &pinned, &world.side(Strategy::RemoteCache, "1"));
        world.commit("work", "app.txt", "two");
        let pinned = world.resolve(&source, "main").unwrap();
        sweep(world, &source, &pinned, "two");
        fs::rename(world.path("repo.git"), world.path("moved.git")).unwrap();
        let source = world.source(ScmKind::Git, &world.path("moved.git"));
        sweep(world, &source, &pinned, "two");
    });
}

#[test]
fn svn_cache() {
    if !have(&["svn", "svnadmin", "svnversion"]) {
        return;
    }
    in_shell(1, |world| {
        shims(world);
        let source = world.svn_repository();
        let pinned = world.resolve(&source, "HEAD").unwrap();
        sweep(world, &source, &pinned, "one");
        world.deploy(&source, &pinned, &world.side(Strategy::RemoteCache, "1"));
        world.svn_commit("app.txt", "two");
        let pinned = world.resolve(&source, "HEAD").unwrap();
        sweep(world, &source, &pinned, "two");
    });
}
