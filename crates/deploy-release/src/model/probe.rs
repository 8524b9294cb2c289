//! What the probe answers about a tree.

use std::fmt::Write as _;

use deploy_plan::{Layout, RemotePath};

use super::tree::Tree;
use crate::probe::ProbeNeeds;

/// The answer of [`probe_script`](crate::probe_script), for [`parse_probe`](crate::parse_probe). Every tool is there,
/// there is no sudo, `boot` tells machines apart and `clock` is theirs.
#[must_use]
pub fn answer(layout: &Layout, needs: &ProbeNeeds, tree: &Tree, boot: &str, clock: i64) -> Vec<u8> {
    let mut text = format!("capstan-probe\t1\nclock\t{clock}\nuser\tdeploy\nhome\t{}\nboot\t{boot}\n", tree.home());
    places(layout, tree, &mut text);
    releases(layout, tree, &mut text);
    let state = tree.spell(&layout.state());
    for name in tree.names(&state).iter().filter(|name| name.starts_with("links.")) {
        if tree.is_dir(&format!("{state}/{name}")) {
            put(&mut text, &["links", name]);
        }
    }
    let journal = tree.read(&format!("{state}/journal")).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    for line in journal.iter().flat_map(|text| text.lines()).filter(|line| !line.is_empty()) {
        put(&mut text, &["journal", line]);
    }
    let trash = tree.names(&format!("{state}/trash")).iter().filter(|name| !name.starts_with('.')).count();
    put(&mut text, &["trash", &trash.to_string()]);
    for tool in &needs.tools {
        put(&mut text, &["tool", "yes", tool]);
    }
    if needs.migrations {
        migrations(&tree.spell(&layout.current), tree, &mut text);
    }
    if needs.sudo {
        text.push_str("sudo\tabsent\n");
    }
    text.push_str("ledger-begin\n");
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(&tree.read(&format!("{state}/ledger")).unwrap_or_default());
    bytes.extend_from_slice(b"\nledger-end\nend\n");
    bytes
}

fn put(text: &mut String, fields: &[&str]) {
    let escaped: Vec<String> =
        fields.iter().map(|field| field.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n")).collect();
    let _ = writeln!(text, "{}", escaped.join("\t"));
}

fn places(layout: &Layout, tree: &Tree, text: &mut String) {
    let parent = layout.current.parent().unwrap_or_else(|| layout.deploy_to.clone());
    let state = layout.state();
    let all: [(&str, &RemotePath); 5] = [
        ("deploy_to", &layout.deploy_to),
        ("releases", &layout.releases),
        ("shared", &layout.shared),
        ("state", &state),
        ("current_dir", &parent),
    ];
    let mut stats = String::new();
    for (name, path) in all {
        let path = tree.spell(path);
        let word = if tree.is_dir(&path) {
            let inode = tree.identity(&path).unwrap_or_default();
            let _ = writeln!(stats, "stat\t755\tdeploy\tdeploy\t1\t{inode}");
            "writable"
        } else if tree.exists(&path) || tree.is_link(&path) {
            "other"
        } else {
            "absent"
        };
        put(text, &["place", name, word]);
    }
    text.push_str(&stats);
}

fn releases(layout: &Layout, tree: &Tree, text: &mut String) {
    let (releases, current) = (tree.spell(&layout.releases), tree.spell(&layout.current));
    let mut live = "";
    let entries = tree.glob(&releases);
    for path in &entries {
        let name = path.rsplit('/').next().unwrap_or_default();
        let (mut kind, mut revision) = ("other", "-".to_owned());
        if tree.is_link(path) {
            kind = "link";
        } else if tree.is_dir(path) {
            kind = "dir";
            if let Some(bytes) = tree.read(&format!("{path}/REVISION")) {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                revision = format!("={}", text.split('\n').next().unwrap_or_default());
            }
            if tree.same(path, &current) {
                live = name;
            }
        }
        put(text, &["entry", kind, &revision, name]);
    }
    match tree.readlink(&current) {
        Some(to) => {
            let state = if tree.exists(&current) { "resolves" } else { "dangling" };
            put(text, &["current", "link", state, live, &to]);
        }
        None if tree.is_dir(&current) => text.push_str("current\tdirectory\n"),
        None if tree.exists(&current) => text.push_str("current\tother\n"),
        None => text.push_str("current\tabsent\n"),
    }
}

fn migrations(current: &str, tree: &Tree, text: &mut String) {
    let directory = format!("{current}/db/migrate");
    if tree.is_dir(&directory) {
        text.push_str("migrations\n");
        for name in tree.names(&directory).iter().filter(|name| !name.starts_with('.')) {
            put(text, &["migration", name]);
        }
    }
    for name in ["Rakefile", "rakefile", "Rakefile.rb", "rakefile.rb"] {
        if tree.read(&format!("{current}/{name}")).is_some() {
            text.push_str("rakefile\n");
        }
    }
}
