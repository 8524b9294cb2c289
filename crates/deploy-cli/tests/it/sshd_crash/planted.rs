//! Mistakes made on a host by hand: each must be found by the invariant that is about it, or the cells prove nothing.

use super::cell::{Cell, Kind, Scenario, Then};
use super::ground::{Field, HOSTS, ROOT, as_root, plain, restore, run, views};
use super::judge::{after_run, target};

/// What is done on the first of two hosts behind a deploy, and the invariants of which at least one must be broken.
/// `$L` is what is live, `$O` what was before.
const PLANTED: [(&str, &[&str]); 8] = [
    ("rm current", &["I1"]),
    ("echo x >> releases/$L/VERSION", &["I2", "I13"]),
    ("cp -a releases/$O releases/20990101000000", &["I3"]),
    ("ln -s releases/nothing x; mv -T x current", &["I1", "I4"]),
    ("mv releases/$O ~", &["I5", "I11"]),
    (": > .capstan/ledger", &["I9"]),
    ("rm releases/$O/VERSION", &["I12"]),
    ("echo x > shared/x", &["I22"]),
];

fn cell() -> Cell {
    let (host, moment) = (HOSTS[0].to_owned(), "after".to_owned());
    Cell { scenario: Scenario::Deploy, hosts: 2, host, site: 0, moment, kind: Kind::Kill, then: Then::Deploy }
}

/// What the checkers find behind a deploy, with something done to the first host.
fn found(field: &Field, done: &str) -> Vec<String> {
    let (stage, cell) = (&field.stage, cell());
    restore(stage, "Deploy", cell.hosts);
    let before = views(stage, cell.hosts);
    let commit = format!("revision={}", field.commits[3]);
    run(plain(stage, cell.hosts, &["deploy", "-S", &commit])).expect(0);
    let two = "L=$(readlink current | sed 's:.*/::'); O=$(ls releases | tail -n 2 | head -n 1)";
    stage.on(HOSTS[0], &format!("cd {ROOT} && {two} && {done}"));
    let now = views(stage, cell.hosts);
    let target = target(cell.scenario, &field.commits[3], &before, &now);
    let found = after_run(&cell, &before, &now, target.as_ref(), &field.whole);
    as_root(stage, HOSTS[0], "rm -rf /home/deploy/2*");
    found
}

pub fn every_mistake_is_found(field: &Field) {
    assert_eq!(found(field, "true"), Vec::<String>::new(), "nothing was done");
    for (done, wanted) in PLANTED {
        let found = found(field, done);
        let is_wanted = |broken: &String| wanted.iter().any(|number| broken.starts_with(&format!("{number}:")));
        assert!(found.iter().any(is_wanted), "{done}: {found:?}");
    }
}
