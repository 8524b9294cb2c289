//! Subversion over `file://`: each strategy, and what earlier runs may have left.

use std::fs;

use deploy_scm::{Detection, LocalDirectory, RepositoryUrl, ScmError, ScmKind, Strategy, decide, detect};

use crate::world::{World, each_shell, have, in_shell};

const NEEDED: [&str; 3] = ["svn", "svnadmin", "svnversion"];

#[test]
fn checkout_and_export() {
    if !have(&NEEDED) {
        return;
    }
    each_shell(|world| {
        let source = world.svn_repository();
        let pinned = world.resolve(&source, "HEAD").unwrap();
        assert_eq!((pinned.revision.as_str(), pinned.label.as_str()), ("2", "trunk"));
        world.svn_commit("app.txt", "two");

        assert_eq!(world.deploy(&source, &pinned, &world.side(Strategy::Checkout, "1")), "");
        assert_eq!(world.read("app/releases/1/app.txt"), "one", "the pinned revision, not the newest");
        assert_eq!(world.run("app/releases/1", &["svnversion", "-n", "."]), "2");

        fs::create_dir(world.path("app/releases/2@3; $(touch x)")).unwrap();
        world.deploy(&source, &pinned, &world.side(Strategy::Export, "2@3; $(touch x)"));
        assert_eq!(world.read("app/releases/2@3; $(touch x)/app.txt"), "one");
        assert!(!world.has("app/releases/2@3; $(touch x)/.svn"));
        world.deploy(&source, &pinned, &world.side(Strategy::Checkout, "4@5"));
        assert_eq!(world.read("app/releases/4@5/app.txt"), "one");

        world.write("app/releases/3/precious", "x");
        let said = world.refuse(&source, &pinned, &world.side(Strategy::Export, "3"));
        assert!(said.contains("is there already"), "{said}");
        assert_eq!(world.read("app/releases/3/precious"), "x");
    });
}

#[test]
fn revisions() {
    if !have(&NEEDED) {
        return;
    }
    let world = World::new(&["sh".to_owned()]);
    let source = world.svn_repository();
    world.svn_commit("app.txt", "two");
    for (wanted, revision) in [("HEAD", "3"), ("2", "2"), ("r2", "2"), ("{2999-01-01}", "3")] {
        assert_eq!(world.resolve(&source, wanted).unwrap().revision.as_str(), revision, "{wanted}");
    }
    let error = world.resolve(&source, "99").unwrap_err();
    assert!(matches!(error, ScmError::NotFound { .. }), "{error}");
    let pinned = world.resolve(&source, "2").unwrap();
    let gone = world.source(ScmKind::Subversion, &world.path("svn/nowhere"));
    for (source, can) in [(&source, true), (&gone, false)] {
        let text = source.host_probe(Some(&pinned), &[]).unwrap();
        let output = world.command("sh").arg("-c").arg(text).output().unwrap();
        assert_eq!(output.status.success(), can, "{}", String::from_utf8_lossy(&output.stderr));
    }
    let error = world.resolve(&gone, "HEAD").unwrap_err();
    assert!(matches!(error, ScmError::Unreachable { .. }), "{error}");
}

#[test]
fn the_cache_is_made_then_updated() {
    if !have(&NEEDED) {
        return;
    }
    each_shell(|world| {
        let source = world.svn_repository();
        let pinned = world.resolve(&source, "HEAD").unwrap();
        world.deploy(&source, &pinned, &world.side(Strategy::RemoteCache, "1"));
        assert_eq!(world.read("app/releases/1/app.txt"), "one");

        let cache = "app/shared/cached-copy";
        world.write(&format!("{cache}/app.txt"), "tampered");
        world.write(&format!("{cache}/stray dir/file"), "x");
        world.write(&format!("{cache}/-rf stray"), "x");
        world.write(&format!("{cache}/.svn/mark"), "");
        world.svn_commit("sub/more.txt", "two");
        let pinned = world.resolve(&source, "HEAD").unwrap();
        assert_eq!(world.deploy(&source, &pinned, &world.side(Strategy::RemoteCache, "2")), "");
        assert_eq!(world.read("app/releases/2/app.txt"), "one");
        assert_eq!(world.read("app/releases/2/sub/more.txt"), "two");
        assert!(!world.has("app/releases/2/stray dir") && !world.has("app/releases/2/-rf stray"));
        assert!(world.has(&format!("{cache}/.svn/mark")), "updated in place");
        assert_eq!(world.run("app/releases/2", &["svnversion", "-n", "."]), pinned.revision.as_str());
    });
}

#[test]
fn another_branch_of_the_same_repository() {
    if !have(&NEEDED) {
        return;
    }
    in_shell(0, |world| {
        let source = world.svn_repository();
        let pinned = world.resolve(&source, "HEAD").unwrap();
        world.deploy(&source, &pinned, &world.side(Strategy::RemoteCache, "1"));
        let copy = ["-q", "copy", "-m", "branch", "^/trunk", "^/branches/it's @2;ü@"];
        let made = world.command("svn").args(copy).current_dir(world.path("swork")).env("LC_ALL", "C.UTF-8").status();
        if !made.unwrap().success() {
            println!("skipped: no C.UTF-8 locale");
            return;
        }
        world.write("app/shared/cached-copy/.svn/mark", "");
        let branch = world.source(ScmKind::Subversion, &world.path("svn/branches/it's @2;ü"));
        let pinned = world.resolve(&branch, "HEAD").unwrap();
        assert_eq!(world.deploy(&branch, &pinned, &world.side(Strategy::RemoteCache, "2")), "");
        assert!(world.has("app/shared/cached-copy/.svn/mark"), "switched, not made anew");
        let url = world.run("app/releases/2", &["svn", "info", "."]);
        assert!(url.contains("/branches/it"), "{url}");
    });
}

#[test]
fn a_cache_that_cannot_be_used_is_replaced() {
    if !have(&NEEDED) || !have(&["git"]) {
        return;
    }
    each_shell(|world| {
        let source = world.svn_repository();
        let git = world.git_repository();
        let pinned = world.resolve(&source, "HEAD").unwrap();
        let cache = "app/shared/cached-copy";
        let deploy = |release: &str| {
            world.deploy(&source, &pinned, &world.side(Strategy::RemoteCache, release));
            assert_eq!(world.read(&format!("app/releases/{release}/app.txt")), "one");
            assert!(world.has(&format!("{cache}/.svn")) && !world.has(&format!("{cache}/.git")));
        };
        // The project has moved from git and back.
        let hash = world.resolve(&git, "main").unwrap();
        world.deploy(&git, &hash, &world.side(Strategy::RemoteCache, "git"));
        assert!(world.has(&format!("{cache}/.git")));
        deploy("from-git");
        world.deploy(&git, &hash, &world.side(Strategy::RemoteCache, "git-again"));
        assert!(world.has(&format!("{cache}/.git")) && !world.has(&format!("{cache}/.svn")));
        deploy("from-git-again");

        world.run(".", &["svnadmin", "create", "other"]);
        fs::remove_dir_all(world.path(cache)).unwrap();
        let other = format!("file://{}", world.path("other").to_str().unwrap().replace(' ', "%20"));
        world.run(".", &["svn", "-q", "checkout", &other, cache]);
        deploy("other-repository");

        fs::write(world.path(&format!("{cache}/.svn/wc.db")), "garbage").unwrap();
        deploy("damaged");
    });
}

#[test]
fn an_interrupted_update_is_cleaned_up() {
    if !have(&NEEDED) || !have(&["python3"]) {
        return;
    }
    each_shell(|world| {
        let source = world.svn_repository();
        let pinned = world.resolve(&source, "HEAD").unwrap();
        world.deploy(&source, &pinned, &world.side(Strategy::RemoteCache, "1"));
        // The lock that a killed update leaves behind.
        let lock = "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.execute(\"insert into wc_lock values (1,'',-1)\"); c.commit()";
        world.run("app/shared/cached-copy", &["python3", "-c", lock, ".svn/wc.db"]);
        world.write("app/shared/cached-copy/.svn/mark", "");
        world.svn_commit("app.txt", "two");
        let locked = world
            .command("svn")
            .args(["update", "-q", "--non-interactive"])
            .current_dir(world.path("app/shared/cached-copy"))
            .output();
        assert!(!locked.unwrap().status.success(), "the cache is locked");
        let pinned = world.resolve(&source, "HEAD").unwrap();
        assert_eq!(world.deploy(&source, &pinned, &world.side(Strategy::RemoteCache, "2")), "");
        assert_eq!(world.read("app/releases/2/app.txt"), "two");
        assert!(world.has("app/shared/cached-copy/.svn/mark"));
    });
}

#[test]
fn failures_are_failures() {
    if !have(&NEEDED) {
        return;
    }
    in_shell(1, |world| {
        let source = world.svn_repository();
        let mut pinned = world.resolve(&source, "HEAD").unwrap();
        world.deploy(&source, &pinned, &world.side(Strategy::RemoteCache, "0"));
        pinned.revision = deploy_plan::Revision::new("99").unwrap();
        for (strategy, release) in [(Strategy::Checkout, "1"), (Strategy::Export, "2"), (Strategy::RemoteCache, "3")] {
            let said = world.refuse(&source, &pinned, &world.side(strategy, release));
            assert!(said.contains("E160006"), "{said}");
        }
        assert_eq!(world.read("app/shared/cached-copy/app.txt"), "one");
    });
}

#[test]
fn names_beyond_ascii_in_a_plain_locale() {
    if !have(&NEEDED) {
        return;
    }
    in_shell(1, |world| {
        let source = world.svn_repository();
        world.write("swork/grüße.txt", "x");
        let add = world
            .command("svn")
            .args(["-q", "add", "--force", "."])
            .current_dir(world.path("swork"))
            .env("LC_ALL", "C.UTF-8")
            .status();
        let commit = world
            .command("svn")
            .args(["-q", "commit", "-m", "x"])
            .current_dir(world.path("swork"))
            .env("LC_ALL", "C.UTF-8")
            .status();
        if !add.unwrap().success() || !commit.unwrap().success() {
            println!("skipped: no C.UTF-8 locale");
            return;
        }
        let pinned = world.resolve(&source, "HEAD").unwrap();
        let ops = source.host_ops(&pinned, &world.side(Strategy::Checkout, "1")).unwrap();
        let deploy_plan::Op::Script { body, .. } = &ops[0] else { panic!("a script") };
        let mut command = world.command(&world.shell[0]);
        command.args(&world.shell[1..]).arg("-c").arg(body).env("LC_ALL", "C").env_remove("LANG");
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(world.has("app/releases/1/grüße.txt"));
    });
}

#[test]
fn the_repository_tells_what_it_is() {
    if !have(&NEEDED) || !have(&["git"]) {
        return;
    }
    let world = World::new(&["sh".to_owned()]);
    let source = world.svn_repository();
    let Detection::Ask(queries) = detect(&source.url) else { panic!("a file address does not tell") };
    let answers: Vec<_> = queries.iter().map(|query| world.query(query)).collect();
    assert_eq!(decide(&source.url, &answers, LocalDirectory::default()), Ok(ScmKind::Subversion));
    let nothing = RepositoryUrl::parse("file:///nowhere/at/all").unwrap();
    let Detection::Ask(queries) = detect(&nothing) else { panic!("asks") };
    let answers: Vec<_> = queries.iter().map(|query| world.query(query)).collect();
    let error = decide(&nothing, &answers, LocalDirectory::default()).unwrap_err();
    // Neither program got to a repository, so it is not the system that is unknown.
    assert!(matches!(error, ScmError::Unreachable { .. }), "{error}");
}
