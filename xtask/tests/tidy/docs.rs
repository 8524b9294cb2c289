//! The docs keep up with the code, and lead somewhere.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use crate::support::{crates, root, shown};

#[test]
fn every_crate_says_its_limits_and_has_an_example_that_runs() {
    let mut wrong = Vec::new();
    for name in crates() {
        let text = fs::read_to_string(root().join("crates").join(&name).join("src/lib.rs")).unwrap();
        let intro: String =
            text.lines().take_while(|line| line.starts_with("//!")).map(|line| format!("{line}\n")).collect();
        // A fence without a word opens an example that is run; every fence with one is shut by one without.
        let fences: Vec<&str> = intro.lines().filter(|line| line.starts_with("//! ```")).collect();
        if !fences.chunks(2).any(|pair| pair[0] == "//! ```") {
            wrong.push(format!("{name}: no example that runs"));
        }
        if !intro.contains("Limits") {
            wrong.push(format!("{name}: does not say its limits"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn pages() -> Vec<PathBuf> {
    let mut pages: Vec<PathBuf> = fs::read_dir(root().join("docs/src"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "md"))
        .collect();
    pages.push(root().join("README.md"));
    pages
}

/// Targets of the links of a Markdown text.
fn links(text: &str) -> Vec<String> {
    text.match_indices("](")
        .filter_map(|(at, _)| text[at + 2..].split(')').next())
        .map(str::to_owned)
        .filter(|target| !target.contains("://") && !target.starts_with('#') && !target.contains(' '))
        .collect()
}

#[test]
fn links_in_the_docs_lead_somewhere() {
    let mut broken = Vec::new();
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for link in links(&text) {
            let file = link.split('#').next().unwrap_or_default();
            if !page.parent().unwrap().join(file).exists() {
                broken.push(format!("{}: {link}", shown(&page)));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn every_page_is_in_the_summary() {
    let summary = fs::read_to_string(root().join("docs/src/SUMMARY.md")).unwrap();
    let listed: BTreeSet<String> = links(&summary).into_iter().collect();
    for page in pages() {
        let name = page.file_name().unwrap().to_str().unwrap().to_owned();
        if name != "SUMMARY.md" && name != "README.md" {
            assert!(listed.contains(&name), "{name} is not in SUMMARY.md");
        }
    }
}
