//! Repositories: what is committed is what a client checks out, by file and by network.

use std::path::Path;
use std::process::Command;

use deploy_testbed::repo::{Access, AppRepo, Scm, WebServer};

use crate::support::installed;

fn checkout(scm: Scm, url: &str, to: &Path) {
    let mut cmd = match scm {
        Scm::Git => {
            let mut c = Command::new("git");
            c.args(["clone", "--quiet", url]);
            c
        }
        Scm::Subversion => {
            let mut c = Command::new("svn");
            c.args(["checkout", "--quiet", "--non-interactive", url]);
            c
        }
    };
    assert!(cmd.arg(to).status().unwrap().success(), "{url}");
}

fn round_trip(scm: Scm) {
    if !scm.is_installed() {
        println!("skipped: {scm:?} is not installed");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let repo = AppRepo::create(&dir.path().join("repos"), scm).unwrap();
    let first = repo.head().unwrap();
    let second = repo.release("2").unwrap();
    assert_ne!(first, second);
    repo.branch("next").unwrap();
    repo.migration("20240101000000_add_orders", "create table orders (id integer);\n").unwrap();
    repo.tag("v2").unwrap();
    repo.branch(if scm == Scm::Git { "main" } else { "trunk" }).unwrap();
    assert_eq!(repo.head().unwrap(), second);

    let server = repo.serve().unwrap();
    for (i, url) in [repo.file_url(), server.url()].iter().enumerate() {
        let to = dir.path().join(format!("out{i}"));
        checkout(scm, url, &to);
        assert_eq!(std::fs::read_to_string(to.join("VERSION")).unwrap(), "2\n");
        for needed in ["config/app.conf", "tmp", "public/index.html", "Rakefile", "db/migrate"] {
            assert!(to.join(needed).exists(), "{needed}");
        }
        assert!(!to.join("db/migrate/20240101000000_add_orders.sql").exists());
    }
}

#[test]
fn git_is_served() {
    round_trip(Scm::Git);
}

#[test]
fn subversion_is_served() {
    round_trip(Scm::Subversion);
}

#[test]
fn many_clients_at_once_are_all_served() {
    let dir = tempfile::tempdir().unwrap();
    let repo = AppRepo::create(&dir.path().join("repos"), Scm::Git).unwrap();
    let server = repo.serve().unwrap();
    let clients: Vec<_> = (0..40)
        .map(|_| {
            let mut git = Command::new("git");
            git.args(["ls-remote", &server.url(), "HEAD"]).stdout(std::process::Stdio::null());
            git.spawn().unwrap()
        })
        .collect();
    assert!(clients.into_iter().all(|mut c| c.wait().unwrap().success()));
}

/// Both systems from one web server, open and behind a login, in the clear and by https; then it is gone.
#[test]
fn a_web_server_serves_both() {
    if !installed(&["svn"], "apache") {
        return;
    }
    // Below a temporary directory of ours nobody else could read.
    let dir =
        tempfile::Builder::new().permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755)).tempdir().unwrap();
    let repos = [Scm::Git, Scm::Subversion].map(|scm| AppRepo::create(dir.path(), scm).unwrap());
    let server = match WebServer::start(dir.path()) {
        Ok(server) => server,
        Err(error) if error.is_unavailable() => {
            let required = std::env::var("CAPSTAN_REQUIRE").unwrap_or_default();
            assert!(!required.split(',').any(|name| name == "apache"), "{error}");
            println!("skipped: {error}");
            return;
        }
        Err(error) => panic!("{error}"),
    };
    let read = |url: &str, login: bool| {
        let mut git = Command::new("git");
        git.env("GIT_TERMINAL_PROMPT", "0").env("GIT_SSL_CAINFO", server.authority()).env("no_proxy", "127.0.0.0/8");
        let url = match login {
            true => url.replace("://", &format!("://{}:{}@", WebServer::USER, server.password())),
            false => url.to_owned(),
        };
        git.args(["ls-remote", &url]).output().unwrap()
    };
    for secure in [false, true] {
        let open = server.url(&repos[0], secure, Access::Everybody);
        let out = read(&open, false);
        assert!(out.status.success(), "{open} {out:?}");
        let closed = server.url(&repos[0], secure, Access::Login);
        assert!(!read(&closed, false).status.success(), "{closed}");
        assert!(read(&closed, true).status.success(), "{closed}");
    }
    checkout(Scm::Subversion, &server.url(&repos[1], false, Access::Everybody), &dir.path().join("out"));
    assert_eq!(std::fs::read_to_string(dir.path().join("out/VERSION")).unwrap(), "1\n");
    assert!(server.requests().contains("deployer GET /private/git/"), "{}", server.requests());
    let open = server.url(&repos[0], false, Access::Everybody);
    drop(server);
    let out = Command::new("git").args(["ls-remote", &open]).output().unwrap();
    assert!(!out.status.success(), "the server is gone");
}
