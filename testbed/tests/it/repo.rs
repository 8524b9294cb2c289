//! Repositories: what is committed is what a client checks out, by file and by network.

use std::path::Path;
use std::process::Command;

use deploy_testbed::repo::{AppRepo, Scm};

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
