//! git over `file://`: each strategy, and what earlier runs and other people may have left.

use std::fs;

use deploy_scm::{Detection, LocalDirectory, RepositoryUrl, ScmError, ScmKind, Strategy, Submodules, decide, detect};

use crate::world::{World, each_shell, have, in_shell};

fn head(world: &World, release: &str) -> String {
    world.run(&format!("app/releases/{release}"), &["git", "rev-parse", "HEAD"])
}

#[test]
fn checkout_and_export() {
    if !have(&["git"]) {
        return;
    }
    each_shell(|world| {
        let source = world.git_repository();
        let pinned = world.resolve(&source, "main").unwrap();
        assert_eq!(pinned.label, "branch main");
        world.commit("work", "app.txt", "two");

        assert_eq!(world.deploy(&source, &pinned, &world.side(Strategy::Checkout, "1")), "");
        assert_eq!(world.read("app/releases/1/app.txt"), "one", "the pinned commit, not the newest");
        assert_eq!(head(world, "1"), pinned.revision.as_str());
        assert_eq!(world.run("app/releases/1", &["git", "symbolic-ref", "HEAD"]), "refs/heads/deploy");

        fs::create_dir(world.path("app/releases/2")).unwrap();
        world.deploy(&source, &pinned, &world.side(Strategy::Export, "2"));
        assert_eq!(world.read("app/releases/2/app.txt"), "one");
        assert!(!world.has("app/releases/2/.git"));

        world.write("app/releases/3/precious", "x");
        let said = world.refuse(&source, &pinned, &world.side(Strategy::Checkout, "3"));
        assert!(said.contains("is there already"), "{said}");
        assert_eq!(world.read("app/releases/3/precious"), "x");
    });
}

#[test]
fn names() {
    if !have(&["git"]) {
        return;
    }
    let world = World::new(&["sh".to_owned()]);
    let source = world.git_repository();
    let first = world.run("work", &["git", "rev-parse", "HEAD"]);
    world.run("work", &["git", "tag", "-a", "-m", "annotated", "v1"]);
    world.run("work", &["git", "tag", "both"]);
    let second = world.commit("work", "app.txt", "two");
    world.run("work", &["git", "push", "-q", "origin", "main:refs/heads/both"]);

    for (wanted, revision, label) in [
        ("HEAD", &second, "HEAD"),
        ("main", &second, "branch main"),
        ("v1", &first, "tag v1"),
        ("refs/tags/both", &first, "tag both"),
        ("heads/both", &second, "branch both"),
    ] {
        let pinned = world.resolve(&source, wanted).unwrap();
        assert_eq!((pinned.revision.as_str(), pinned.label.as_str()), (revision.as_str(), label));
    }
    assert_eq!(world.resolve(&source, &second[..8]).unwrap().revision.as_str(), second);
    let error = world.resolve(&source, "both").unwrap_err();
    assert!(matches!(&error, ScmError::Ambiguous { candidates, .. } if candidates.len() == 2), "{error}");
    let error = world.resolve(&source, "mian").unwrap_err();
    assert!(error.to_string().ends_with("did you mean main?"), "{error}");
    let gone = world.source(ScmKind::Git, &world.path("nowhere.git"));
    let error = world.resolve(&gone, "main").unwrap_err();
    assert!(matches!(&error, ScmError::Unreachable { why, .. } if why.contains("does not")), "{error}");
}

#[test]
fn a_mirror_is_made_then_updated_and_archived() {
    if !have(&["git", "tar"]) {
        return;
    }
    each_shell(|world| {
        let source = world.git_repository();
        let pinned = world.resolve(&source, "main").unwrap();
        world.commit("work", "sub/deep/file.txt", "two");
        world.deploy(&source, &pinned, &world.side(Strategy::Archive, "1"));
        assert_eq!(world.read("app/releases/1/app.txt"), "one", "the pinned commit, not the newest");
        assert!(!world.has("app/releases/1/sub") && !world.has("app/releases/1/.git"));
        let time = world.read("app/releases/1/REVISION_TIME");
        assert!(time.trim().len() == 10 && time.trim().bytes().all(|b| b.is_ascii_digit()), "{time:?}");
        let cache = "app/shared/cached-copy";
        assert_eq!(world.run(cache, &["git", "rev-parse", "--is-bare-repository"]), "true");
        assert_eq!(world.run(cache, &["git", "config", "remote.origin.mirror"]), "true");

        // Updated in place; a directory of the repository alone.
        world.write(&format!("{cache}/mark"), "the same mirror");
        let pinned = world.resolve(&source, "main").unwrap();
        let mut side = world.side(Strategy::Archive, "2");
        side.tree = Some("/sub/deep/".to_owned());
        // BusyBox's tar may have been built without what takes directories off.
        if world.shell[0] != "busybox" {
            assert_eq!(world.deploy(&source, &pinned, &side), "");
            assert_eq!(world.read("app/releases/2/file.txt"), "two");
            assert!(world.has(&format!("{cache}/mark")), "updated in place");
        }

        // Half of a mirror is made anew, somebody's own directory is not touched.
        fs::remove_dir_all(world.path(&format!("{cache}/objects"))).unwrap();
        let said = world.refuse(&source, &pinned, &world.side(Strategy::Archive, "3"));
        assert!(said.contains("is no mirror of a git repository"), "{said}");
        fs::remove_dir_all(world.path(cache)).unwrap();
        let mut shallow = source.clone();
        shallow.depth = Some(1);
        world.deploy(&shallow, &pinned, &world.side(Strategy::Archive, "4"));
        assert_eq!(world.read("app/releases/4/sub/deep/file.txt"), "two");

        // An archive that breaks off is a failure whatever tar thinks of it.
        let mut gone = world.side(Strategy::Archive, "5");
        gone.tree = Some("no/such".to_owned());
        world.refuse(&source, &pinned, &gone);
    });
}

#[test]
fn the_cache_is_made_then_updated() {
    if !have(&["git"]) {
        return;
    }
    each_shell(|world| {
        let source = world.git_repository();
        let pinned = world.resolve(&source, "main").unwrap();
        world.deploy(&source, &pinned, &world.side(Strategy::RemoteCache, "1"));
        assert_eq!(world.read("app/releases/1/app.txt"), "one");
        assert_eq!(head(world, "1"), pinned.revision.as_str());

        // Whatever happened in the cache must not reach a release.
        world.write("app/shared/cached-copy/app.txt", "tampered");
        world.write("app/shared/cached-copy/stray/file", "x");
        world.write("app/shared/cached-copy/kept-inode", "x");
        let mark = world.path("app/shared/cached-copy/.git/mark");
        fs::write(&mark, "the same cache").unwrap();
        world.commit("work", "more.txt", "two");
        let pinned = world.resolve(&source, "main").unwrap();
        assert_eq!(world.deploy(&source, &pinned, &world.side(Strategy::RemoteCache, "2")), "");
        assert_eq!(world.read("app/releases/2/app.txt"), "one");
        assert_eq!(world.read("app/releases/2/more.txt"), "two");
        assert!(!world.has("app/releases/2/stray"));
        assert!(mark.is_file(), "updated in place");
        assert_eq!(world.read("app/releases/1/app.txt"), "one");
        assert!(!world.has("app/releases/1/more.txt"));
    });
}

#[test]
fn stale_locks_are_removed() {
    if !have(&["git"]) {
        return;
    }
    in_shell(0, |world| {
        let source = world.git_repository();
        let pinned = world.resolve(&source, "main").unwrap();
        world.deploy(&source, &pinned, &world.side(Strategy::RemoteCache, "1"));
        let locks = [
            "index.lock",
            "HEAD.lock",
            "config.lock",
            "shallow.lock",
            "packed-refs.lock",
            "refs/remotes/origin/main.lock",
        ];
        for lock in locks {
            world.write(&format!("app/shared/cached-copy/.git/{lock}"), "");
        }
        world.write("app/shared/cached-copy/.git/mark", "");
        world.commit("work", "app.txt", "two");
        let pinned = world.resolve(&source, "main").unwrap();
        assert_eq!(world.deploy(&source, &pinned, &world.side(Strategy::RemoteCache, "2")), "");
        assert_eq!(world.read("app/releases/2/app.txt"), "two");
        assert!(world.has("app/shared/cached-copy/.git/mark"));
    });
}

#[test]
fn a_rewritten_history_is_followed() {
    if !have(&["git"]) {
        return;
    }
    in_shell(1, |world| {
        let source = world.git_repository();
        let old = world.resolve(&source, "main").unwrap();
        world.run("work", &["git", "tag", "moving"]);
        world.run("work", &["git", "push", "-q", "--tags", "origin", "HEAD:refs/heads/dir"]);
        world.deploy(&source, &old, &world.side(Strategy::RemoteCache, "1"));

        world.run("work", &["git", "checkout", "-q", "--orphan", "fresh"]);
        world.run("work", &["git", "push", "-q", "origin", ":refs/heads/dir"]);
        world.write("work/app.txt", "rewritten");
        world.run("work", &["git", "add", "-A"]);
        world.run("work", &["git", "commit", "-q", "-m", "rewritten"]);
        world.run("work", &["git", "tag", "-f", "moving"]);
        // A branch below the name of a former branch.
        world.run("work", &["git", "push", "-q", "-f", "origin", "HEAD:main", "HEAD:refs/heads/dir/below", "moving"]);
        let new = world.resolve(&source, "main").unwrap();
        assert_ne!(old.revision, new.revision);
        world.write("app/shared/cached-copy/.git/mark", "");
        assert_eq!(world.deploy(&source, &new, &world.side(Strategy::RemoteCache, "2")), "");
        assert_eq!(world.read("app/releases/2/app.txt"), "rewritten");
        assert!(world.has("app/shared/cached-copy/.git/mark"), "no need to make it anew");
        // Going back to a commit that only the cache still knows.
        world.deploy(&source, &old, &world.side(Strategy::RemoteCache, "3"));
        assert_eq!(world.read("app/releases/3/app.txt"), "one");
    });
}

#[test]
fn a_cache_that_cannot_be_used_is_replaced() {
    if !have(&["git"]) {
        return;
    }
    each_shell(|world| {
        let source = world.git_repository();
        let pinned = world.resolve(&source, "main").unwrap();
        let cache = "app/shared/cached-copy";
        let deploy = |release: &str, spoil: &dyn Fn()| {
            spoil();
            world.deploy(&source, &pinned, &world.side(Strategy::RemoteCache, release));
            assert_eq!(world.read(&format!("app/releases/{release}/app.txt")), "one");
            assert_eq!(world.read(&format!("{cache}/app.txt")), "one");
            let left: Vec<_> =
                fs::read_dir(world.path("app/shared")).unwrap().map(|e| e.unwrap().file_name()).collect();
            assert_eq!(left, ["cached-copy"], "nothing beside the cache");
        };
        let remove = || fs::remove_dir_all(world.path(cache)).unwrap();
        deploy("other-url", &|| {
            world.run(".", &["git", "init", "-q", "--bare", "other.git"]);
            world.run(".", &["git", "clone", "-q", "other.git", cache]);
        });
        deploy("damaged", &|| fs::write(world.path(&format!("{cache}/.git/HEAD")), "garbage").unwrap());
        deploy("damaged-objects", &|| {
            fs::remove_dir_all(world.path(&format!("{cache}/.git/objects"))).unwrap();
        });
        deploy("other-system", &|| {
            remove();
            world.write(&format!("{cache}/.svn/wc.db"), "x");
        });
        deploy("empty", &|| {
            remove();
            fs::create_dir(world.path(cache)).unwrap();
        });
        deploy("link", &|| {
            fs::rename(world.path(cache), world.path("app/disk")).unwrap();
            std::os::unix::fs::symlink("../disk", world.path(cache)).unwrap();
        });
        assert!(world.path(cache).is_symlink(), "a cache may lie elsewhere");
        deploy("left-over", &|| {
            world.write(&format!("{cache}.capstan-new/x"), "x");
            world.write(&format!("{cache}.capstan-old/x"), "x");
            fs::remove_file(world.path(cache)).unwrap();
        });
        // Somebody's own directory is not ours to remove, nor is a link to a disk that is not there.
        remove();
        std::os::unix::fs::symlink("/nowhere", world.path(cache)).unwrap();
        let said = world.refuse(&source, &pinned, &world.side(Strategy::RemoteCache, "gone"));
        assert!(said.contains("is no working copy"), "{said}");
        fs::remove_file(world.path(cache)).unwrap();
        world.write(&format!("{cache}/holiday.jpg"), "x");
        let said = world.refuse(&source, &pinned, &world.side(Strategy::RemoteCache, "own"));
        assert!(said.contains("is no working copy"), "{said}");
        assert!(world.has(&format!("{cache}/holiday.jpg")));
    });
}

#[test]
fn failures_change_nothing_that_works() {
    if !have(&["git"]) {
        return;
    }
    in_shell(2, |world| {
        let source = world.git_repository();
        let mut pinned = world.resolve(&source, "main").unwrap();
        world.deploy(&source, &pinned, &world.side(Strategy::RemoteCache, "1"));
        pinned.revision = deploy_plan::Revision::new(&"ab".repeat(20)).unwrap();
        for (strategy, release) in [(Strategy::Checkout, "2"), (Strategy::RemoteCache, "3")] {
            let said = world.refuse(&source, &pinned, &world.side(strategy, release));
            assert!(said.contains("is not in file://"), "{said}");
        }
        assert_eq!(world.read("app/shared/cached-copy/app.txt"), "one", "the cache is still there");
        fs::rename(world.path("repo.git"), world.path("away.git")).unwrap();
        let said = world.refuse(&source, &pinned, &world.side(Strategy::Checkout, "4"));
        assert_eq!(said.matches("does not").count(), 3, "tried three times: {said}");
        fs::rename(world.path("away.git"), world.path("repo.git")).unwrap();
        let pinned = world.resolve(&source, "main").unwrap();
        assert_eq!(world.deploy(&source, &pinned, &world.side(Strategy::RemoteCache, "5")), "");
    });
}

#[test]
fn unpleasant_branches() {
    if !have(&["git"]) {
        return;
    }
    in_shell(0, |world| {
        let source = world.git_repository();
        let names = [
            "a;touch${IFS}x",
            "$(touch${IFS}x)",
            "`touch${IFS}x`",
            "it's",
            "a\"b",
            "a|b&c",
            "deploy",
            "deploy/x",
            "{a,b}",
            "!x",
            "é",
        ];
        for (index, name) in names.iter().enumerate() {
            if *name == "deploy/x" {
                world.run("work", &["git", "push", "-q", "origin", ":refs/heads/deploy"]);
            }
            let text = format!("content {index}");
            world.write("work/app.txt", &text);
            world.run("work", &["git", "commit", "-q", "-am", &text]);
            world.run("work", &["git", "push", "-q", "origin", &format!("HEAD:refs/heads/{name}")]);
            let pinned = world.resolve(&source, name).unwrap();
            assert_eq!(pinned.label, format!("branch {name}"));
            let mut shallow = source.clone();
            shallow.depth = Some(1);
            let release = format!("r{index}; $(touch x) 'q'");
            world.deploy(&shallow, &pinned, &world.side(Strategy::Checkout, &release));
            assert_eq!(world.read(&format!("app/releases/{release}/app.txt")), text);
            world.deploy(&source, &pinned, &world.side(Strategy::RemoteCache, &format!("c{index}")));
            assert_eq!(world.read(&format!("app/releases/c{index}/app.txt")), text);
        }
        for place in ["x", "home/x", "app/x", "app/releases/x"] {
            assert!(!world.has(place), "nothing of a name was executed");
        }
    });
}

#[test]
fn default_branch_below_deploy() {
    if !have(&["git"]) {
        return;
    }
    in_shell(1, |world| {
        let source = world.git_repository();
        world.run("work", &["git", "push", "-q", "origin", "HEAD:refs/heads/deploy/x"]);
        world.run("repo.git", &["git", "symbolic-ref", "HEAD", "refs/heads/deploy/x"]);
        let pinned = world.resolve(&source, "HEAD").unwrap();
        world.deploy(&source, &pinned, &world.side(Strategy::Checkout, "1"));
        assert_eq!(head(world, "1"), pinned.revision.as_str());
    });
}

#[test]
fn shallow_clones_reach_older_commits() {
    if !have(&["git"]) {
        return;
    }
    in_shell(2, |world| {
        let mut source = world.git_repository();
        source.depth = Some(1);
        let pinned = world.resolve(&source, "main").unwrap();
        world.deploy(&source, &pinned, &world.side(Strategy::Checkout, "1"));
        assert!(world.has("app/releases/1/.git/shallow") || head(world, "1") == pinned.revision.as_str());
        for text in ["two", "three"] {
            world.commit("work", "app.txt", text);
        }
        world.deploy(&source, &pinned, &world.side(Strategy::Checkout, "2"));
        assert_eq!(world.read("app/releases/2/app.txt"), "one");
        let newest = world.resolve(&source, "main").unwrap();
        world.deploy(&source, &newest, &world.side(Strategy::RemoteCache, "3"));
        assert!(world.has("app/shared/cached-copy/.git/shallow"));
        world.commit("work", "app.txt", "four");
        let newest = world.resolve(&source, "main").unwrap();
        assert_eq!(world.deploy(&source, &newest, &world.side(Strategy::RemoteCache, "4")), "");
        assert_eq!(world.read("app/releases/4/app.txt"), "four");
    });
}

#[test]
fn submodules_as_asked() {
    if !have(&["git"]) {
        return;
    }
    in_shell(0, |world| {
        let mut source = world.git_repository();
        world.run(".", &["git", "init", "-q", "--bare", "lib.git"]);
        world.run(".", &["git", "clone", "-q", "lib.git", "libwork"]);
        world.commit("libwork", "lib.txt", "lib one");
        let url = format!("file://{}", world.path("lib.git").display());
        world.run("work", &["git", "submodule", "-q", "add", &url, "vendor lib"]);
        world.commit("work", "app.txt", "two");
        let pinned = world.resolve(&source, "main").unwrap();

        let said = world.deploy(&source, &pinned, &world.side(Strategy::Checkout, "1"));
        assert!(said.starts_with("warning: the repository has submodules"), "{said}");
        assert!(!world.has("app/releases/1/vendor lib/lib.txt"));

        source.submodules = Submodules::Recursive;
        for (strategy, release) in [(Strategy::Checkout, "2"), (Strategy::RemoteCache, "3"), (Strategy::Export, "4")] {
            world.deploy(&source, &pinned, &world.side(strategy, release));
            assert_eq!(world.read(&format!("app/releases/{release}/vendor lib/lib.txt")), "lib one");
        }
        assert!(!world.has("app/releases/4/vendor lib/.git"));

        world.commit("libwork", "lib.txt", "lib two");
        world.run("work/vendor lib", &["git", "pull", "-q", "origin", "main"]);
        world.commit("work", "app.txt", "three");
        let pinned = world.resolve(&source, "main").unwrap();
        source.submodules = Submodules::TopLevel;
        world.deploy(&source, &pinned, &world.side(Strategy::RemoteCache, "5"));
        assert_eq!(world.read("app/releases/5/vendor lib/lib.txt"), "lib two");
    });
}

#[test]
fn hooks_of_the_cache_do_not_run() {
    if !have(&["git"]) {
        return;
    }
    in_shell(1, |world| {
        use std::os::unix::fs::PermissionsExt;
        let source = world.git_repository();
        let pinned = world.resolve(&source, "main").unwrap();
        world.deploy(&source, &pinned, &world.side(Strategy::RemoteCache, "1"));
        for hook in ["post-checkout", "post-merge", "reference-transaction", "post-index-change"] {
            let name = format!("app/shared/cached-copy/.git/hooks/{hook}");
            world.write(&name, "#!/bin/sh\ntouch \"$HOME/hooked\"\n");
            fs::set_permissions(world.path(&name), fs::Permissions::from_mode(0o755)).unwrap();
        }
        world.commit("work", "app.txt", "two");
        let pinned = world.resolve(&source, "main").unwrap();
        world.deploy(&source, &pinned, &world.side(Strategy::RemoteCache, "2"));
        assert!(!world.has("home/hooked"));
    });
}

#[test]
fn the_repository_tells_what_it_is() {
    if !have(&["git"]) {
        return;
    }
    let world = World::new(&["sh".to_owned()]);
    world.git_repository();
    fs::rename(world.path("repo.git"), world.path("shop")).unwrap();
    let url = RepositoryUrl::parse(&format!("file://{}", world.path("shop").display())).unwrap();
    let Detection::Ask(queries) = detect(&url) else { panic!("the form does not tell") };
    let mut answers = vec![world.query(&queries[0])];
    answers.push(deploy_scm::QueryOutput { code: Some(1), ..deploy_scm::QueryOutput::default() });
    assert_eq!(decide(&url, &answers, LocalDirectory::default()), Ok(ScmKind::Git));
}

#[test]
fn a_full_hash_is_looked_for_before_any_host() {
    if !have(&["git"]) {
        return;
    }
    let world = World::new(&["sh".to_owned()]);
    let source = world.git_repository();
    let old = world.run("work", &["git", "rev-parse", "HEAD"]);
    world.commit("work", "app.txt", "two");
    for (wanted, known) in [(old.as_str(), true), (&"0".repeat(40), false)] {
        match world.resolve(&source, wanted) {
            Ok(pinned) => {
                assert!(known && pinned.revision.as_str() == wanted && pinned.unverified.is_none(), "{pinned:?}")
            }
            Err(error) => assert!(!known && matches!(error, ScmError::NotFound { .. }), "{error}"),
        }
    }
    // What cannot be asked is left to the hosts.
    let gone = world.source(ScmKind::Git, &world.path("nowhere.git"));
    let taken = world.resolve(&gone, &old).unwrap();
    assert!(taken.unverified.is_some(), "{taken:?}");
}

#[test]
fn a_probe_tells_whether_a_host_can_read_it() {
    if !have(&["git"]) {
        return;
    }
    each_shell(|world| {
        let source = world.git_repository();
        let run = |source: &deploy_scm::Source, known: &[String]| {
            let text = source.host_probe(None, known).unwrap();
            let mut command = world.command(&world.shell[0]);
            command.env("TMPDIR", world.path("app/run")).args(&world.shell[1..]).arg("-c").arg(text).output().unwrap()
        };
        let fine = run(&source, &[]);
        assert!(fine.status.success() && fine.stderr.is_empty(), "{}", String::from_utf8_lossy(&fine.stderr));
        let gone = run(&world.source(ScmKind::Git, &world.path("nowhere.git")), &[]);
        assert!(!gone.status.success());
        assert!(
            deploy_scm::complaint(&gone.stderr).starts_with("fatal: "),
            "{}",
            String::from_utf8_lossy(&gone.stderr)
        );
        let ssh = deploy_scm::Source::new(ScmKind::Git, RepositoryUrl::parse("ssh://git@127.0.0.1:1/x.git").unwrap());
        assert!(!run(&ssh, &["127.0.0.1 ssh-ed25519 AAAA".to_owned()]).status.success());
        assert_eq!(fs::read_dir(world.path("app/run")).unwrap().count(), 0, "nothing is left");
    });
}
