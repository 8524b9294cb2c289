//! Which crate may know which, and what they may depend on.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use crate::support::{crates, manifest, names_in, packages, root, section, shown, sources};

/// Which of our crates each crate may depend on.
const ARROWS: &[(&str, &[&str])] = &[
    ("deploy-shell", &[]),
    ("deploy-inventory", &[]),
    ("deploy-ruby", &[]),
    ("deploy-plan", &["deploy-shell", "deploy-inventory"]),
    ("deploy-release", &["deploy-plan", "deploy-shell", "deploy-inventory"]),
    ("deploy-scm", &["deploy-plan", "deploy-shell"]),
    ("deploy-transport", &["deploy-shell", "deploy-inventory"]),
    (
        "deploy-recipe",
        &["deploy-ruby", "deploy-scm", "deploy-release", "deploy-plan", "deploy-inventory", "deploy-shell"],
    ),
    ("deploy-engine", &["deploy-release", "deploy-transport", "deploy-plan", "deploy-inventory", "deploy-shell"]),
    ("deploy-report", &["deploy-plan", "deploy-inventory"]),
    (
        "deploy-cli",
        &[
            "deploy-recipe",
            "deploy-engine",
            "deploy-report",
            "deploy-transport",
            "deploy-scm",
            "deploy-release",
            "deploy-plan",
            "deploy-inventory",
            "deploy-shell",
            "deploy-ruby",
        ],
    ),
];

#[test]
fn crates_know_only_those_below_them() {
    let allowed: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    let mut wrong = Vec::new();
    for name in crates() {
        let Some(may) = allowed.get(name.as_str()) else {
            wrong.push(format!("{name} is not in the table of arrows"));
            continue;
        };
        for dependency in names_in(&manifest(&name), "dependencies") {
            if dependency.starts_with("deploy-") && !may.contains(&dependency.as_str()) {
                wrong.push(format!("{name} must not depend on {dependency}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_graph_is_at_most_five_levels_tall() {
    fn height(name: &str, graph: &BTreeMap<&str, &[&str]>) -> usize {
        1 + graph.get(name).into_iter().flat_map(|below| below.iter()).map(|n| height(n, graph)).max().unwrap_or(0)
    }
    let graph: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    for (name, _) in ARROWS {
        assert!(height(name, &graph) <= 5, "{name} is {} levels tall", height(name, &graph));
    }
}

#[test]
fn every_package_inherits_lints_and_versions() {
    let mut wrong = Vec::new();
    for folder in packages() {
        let text = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        if !section(&text, "lints").iter().any(|line| line.trim() == "workspace = true") {
            wrong.push(format!("{} does not inherit the lints", shown(&folder)));
        }
        for line in section(&text, "dependencies").iter().chain(&section(&text, "dev-dependencies")) {
            let own = line.contains("version =") || line.contains("= \"");
            if own && !line.starts_with('#') {
                wrong.push(format!("{}: {line} has a version of its own", shown(&folder)));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_dependency_has_its_reason() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let reasons = fs::read_to_string(root().join("docs/src/dependencies.md")).unwrap();
    let declared: BTreeSet<String> =
        names_in(&manifest, "workspace.dependencies").into_iter().filter(|name| !name.starts_with("deploy-")).collect();
    let rows = reasons.lines().filter(|line| line.starts_with("| `"));
    let given: BTreeSet<String> = rows
        .filter_map(|row| row.split('|').nth(1))
        .flat_map(|cell| cell.split(',').map(|name| name.trim().trim_matches('`').to_owned()))
        .collect();
    let missing: Vec<_> = declared.difference(&given).collect();
    assert!(missing.is_empty(), "docs/src/dependencies.md gives no reason for {missing:?}");
    let stale: Vec<_> = given.difference(&declared).collect();
    assert!(stale.is_empty(), "docs/src/dependencies.md has reasons for {stale:?}, which the workspace does not have");
}

#[test]
fn every_dependency_is_used() {
    fn text_of(folders: &[PathBuf]) -> String {
        let files = sources().into_iter().filter(|path| folders.iter().any(|folder| path.starts_with(folder)));
        files.map(|path| fs::read_to_string(path).unwrap()).collect()
    }
    let mut unused = Vec::new();
    let workspace = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let mut left: BTreeSet<String> = names_in(&workspace, "workspace.dependencies").into_iter().collect();
    for folder in packages() {
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let all = [folder.join("src"), folder.join("tests"), folder.join("benches")];
        for (kind, folders) in [("dependencies", &all[..1]), ("dev-dependencies", &all[..])] {
            let text = text_of(folders);
            for name in names_in(&manifest, kind) {
                // As a path, or behind `use`; a word in a comment does not count for names that are no words.
                let word = name.replace('-', "_");
                let used = [format!("{word}::"), format!("use {word} "), format!("use {word};")];
                if !used.iter().any(|form| text.contains(form)) {
                    unused.push(format!("{}: {name} ({kind})", shown(&folder)));
                }
                left.remove(&name);
            }
        }
    }
    assert!(unused.is_empty(), "not used by the code: {unused:#?}");
    assert!(left.is_empty(), "in the workspace's table, but in no package: {left:?}");
}

/// A package that is not published must not be asked for by version: those that are published could not be packaged.
#[test]
fn what_is_published_needs_nothing_that_is_not() {
    let workspace = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let own: BTreeMap<String, bool> = section(&workspace, "workspace.dependencies")
        .iter()
        .filter(|line| line.starts_with("deploy-"))
        .map(|line| (line.split(' ').next().unwrap().to_owned(), line.contains("version =")))
        .collect();
    for folder in packages() {
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let name = section(&manifest, "package")
            .iter()
            .find_map(|line| line.strip_prefix("name = ").map(str::to_owned))
            .unwrap();
        let published = !manifest.contains("publish = false");
        if let Some(versioned) = own.get(name.trim_matches('"')) {
            assert_eq!(
                *versioned, published,
                "{name}: a version in the workspace's table means published, and the reverse"
            );
        }
        if published {
            for below in names_in(&manifest, "dependencies") {
                assert!(own.get(&below) != Some(&false), "{name} is published and needs {below}, which is not");
            }
        }
    }
}

/// Versions with known holes must not come back: the public advisory lists lag behind for the crate that matters most.
#[test]
fn security_floors_hold() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let mut packages: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut name = "";
    for line in lock.lines() {
        if let Some(rest) = line.strip_prefix("name = \"") {
            name = rest.trim_end_matches('"');
        } else if let Some(rest) = line.strip_prefix("version = \"") {
            packages.entry(name).or_default().push(rest.trim_end_matches('"'));
        }
    }
    assert!(!packages.contains_key("russh-keys"), "russh-keys is retired; russh::keys replaces it");
    // What encrypts, parses keys and unpacks for russh and for us counts as well; a name that is gone from the lock has no floor.
    let floors = [
        ("russh", (0, 65)),
        ("ring", (0, 17)),
        ("curve25519-dalek", (4, 1)),
        ("ed25519-dalek", (2, 0)),
        ("ssh-key", (0, 7)),
        ("tar", (0, 4)),
        ("tokio", (1, 54)),
        ("shlex", (1, 3)),
    ];
    for name in ["russh", "ring", "ssh-key"] {
        assert!(packages.contains_key(name), "{name} is not in Cargo.lock: mend this list");
    }
    for (crate_name, floor) in floors {
        for version in packages.get(crate_name).into_iter().flatten() {
            let mut parts = version.split('.').map(|part| part.parse::<u64>().unwrap_or(0));
            let have = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
            assert!(have >= floor, "{crate_name} {version} is below {floor:?}");
        }
    }
}
