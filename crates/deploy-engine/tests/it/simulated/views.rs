//! Simulated hosts as the invariants see them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use deploy_plan::{Layout, Revision};
use deploy_release::invariants::{EntryView, UnitView};
use deploy_release::model::{Kind, Tree};

use super::world::{HOME, Host, checkout, layout};

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

fn digest(tree: &Tree, path: &str) -> u64 {
    hash(&tree.below(path))
}

/// The fingerprint of a release that is whole.
pub fn whole(revision: &Revision) -> Option<u64> {
    thread_local!(static KNOWN: RefCell<HashMap<String, u64>> = RefCell::default());
    KNOWN.with_borrow_mut(|known| Some(*known.entry(revision.to_string()).or_insert_with(|| build(revision))))
}

fn build(revision: &Revision) -> u64 {
    let mut tree = Tree::new(HOME);
    let path = format!("{HOME}/app/releases/x");
    let built = checkout(&mut tree, &format!("checkout {revision} {path}"));
    assert_eq!(built, Ok(0));
    assert_eq!(tree.write(&format!("{path}/REVISION"), format!("{revision}\n").as_bytes()), Ok(true));
    assert_eq!(tree.symlink(&format!("{HOME}/app/shared/log"), &format!("{path}/log")), Ok(true));
    digest(&tree, &path)
}

pub fn view(host: &Host) -> UnitView {
    of_tree(host.id.as_str(), &host.tree, &layout())
}

fn of_tree(name: &str, tree: &Tree, layout: &Layout) -> UnitView {
    let (releases, current) = (tree.spell(&layout.releases), tree.spell(&layout.current));
    let (shared, state) = (tree.spell(&layout.shared), tree.spell(&layout.state()));
    let root = tree.spell(&layout.deploy_to);
    let entries = tree.names(&releases).into_iter().map(|name| {
        let path = format!("{releases}/{name}");
        EntryView {
            is_directory: tree.is_dir(&path) && !tree.is_link(&path),
            identity: tree.identity(&path).unwrap_or_default() as u64,
            digest: digest(tree, &path),
            name,
        }
    });
    let ours = root.trim_start_matches('/').to_owned() + "/";
    let outside: Vec<(String, u16, Kind)> =
        tree.below("/").into_iter().filter(|(path, ..)| !path.starts_with(&ours)).collect();
    UnitView {
        name: name.to_owned(),
        entries: entries.collect(),
        live: tree.identity(&current).map(|identity| identity as u64),
        has_current: tree.exists(&current) || tree.is_link(&current),
        ledger: tree.read(&format!("{state}/ledger")).map(|bytes| bytes.to_vec()).unwrap_or_default(),
        shared: digest(tree, &shared),
        outside: hash(&outside),
        leftovers: leftovers(tree, &root, &state),
        links: tree
            .names(&state)
            .into_iter()
            .filter(|name| name.starts_with("links."))
            .flat_map(|name| tree.names(&format!("{state}/{name}")))
            .collect(),
    }
}

fn leftovers(tree: &Tree, root: &str, state: &str) -> Vec<String> {
    let mut found: Vec<String> =
        tree.names(&format!("{state}/trash")).iter().map(|name| format!("trash/{name}")).collect();
    let own = tree.names(state);
    found.extend(own.iter().filter(|name| name.starts_with("links.")).skip(1).cloned());
    let known = ["ledger", "journal", "reserve", "trash", "lock"];
    found.extend(own.iter().filter(|name| !known.contains(&name.as_str()) && !name.starts_with("links.")).cloned());
    let parts = ["releases", "shared", "current", ".capstan", "revisions.log"];
    found.extend(tree.names(root).into_iter().filter(|name| !parts.contains(&name.as_str())));
    found
}

/// What tells one state of a fleet from another.
pub fn fingerprint(hosts: &[Host]) -> u64 {
    hash(&hosts.iter().map(|host| (host.tree.below("/"), host.schema)).collect::<Vec<_>>())
}
