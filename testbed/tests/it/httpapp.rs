//! The application server and the load on it: right switches do not fail a request, wrong ones do.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use deploy_testbed::httpapp::{HttpApp, Site};
use deploy_testbed::load::Load;

fn release(dir: &Path, version: &str, page: &str) {
    let at = dir.join("releases").join(version);
    fs::create_dir_all(at.join("public")).unwrap();
    fs::write(at.join("VERSION"), format!("{version}\n")).unwrap();
    fs::write(at.join("public/index.html"), format!("<p>version {page}</p>\n")).unwrap();
}

fn switch(dir: &Path, target: &str) {
    symlink(target, dir.join("next")).unwrap();
    fs::rename(dir.join("next"), dir.join("current")).unwrap();
}

/// Waits until this many more requests were seen.
fn after(load: &Load, more: u64) {
    let until = load.so_far().requests + more;
    while load.so_far().requests < until {
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn renamed_links_fail_no_request() {
    let dir = tempfile::tempdir().unwrap();
    release(dir.path(), "1", "1");
    release(dir.path(), "2", "2");
    switch(dir.path(), "releases/1");
    let app = HttpApp::serve(Site::plain(dir.path().join("current"))).unwrap();
    let load = Load::start(&[app.addr()], 4, Duration::ZERO).unwrap();
    for i in 0..200 {
        switch(dir.path(), if i % 2 == 0 { "releases/2" } else { "releases/1" });
        after(&load, 2);
    }
    let report = load.stop();
    assert_eq!(report.failed, 0, "{report:?}");
    assert!(report.versions.contains_key("1") && report.versions.contains_key("2"), "{report:?}");
}

#[test]
fn a_missing_link_and_a_mixed_release_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    release(dir.path(), "1", "1");
    release(dir.path(), "2", "other");
    switch(dir.path(), "releases/1");
    let app = HttpApp::serve(Site::plain(dir.path().join("current"))).unwrap();
    let load = Load::start(&[app.addr()], 2, Duration::ZERO).unwrap();
    after(&load, 10);
    assert_eq!(load.so_far().failed, 0);
    fs::remove_file(dir.path().join("current")).unwrap();
    after(&load, 10);
    let missing = load.so_far().failed;
    assert!(missing > 0);
    switch(dir.path(), "releases/2");
    after(&load, 10);
    let report = load.stop();
    assert!(report.failures.iter().any(|f| f.contains("503")), "{report:?}");
    assert!(report.failed > missing, "{report:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn absolute_links_of_a_host_start_at_its_own_root() {
    let dir = tempfile::tempdir().unwrap();
    release(dir.path(), "7", "7");
    switch(dir.path(), "/releases/7");
    let app = HttpApp::serve(Site::in_root(dir.path(), "current")).unwrap();
    let load = Load::start(&[app.addr()], 1, Duration::ZERO).unwrap();
    after(&load, 3);
    let report = load.stop();
    assert_eq!((report.failed, report.versions.len()), (0, 1), "{report:?}");
    assert!(report.versions.contains_key("7"));
}
