//! Real hosts as the invariants see them.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use deploy_plan::{Layout, RemotePath};
use deploy_release::invariants::{EntryView, UnitView};
use deploy_release::{ProbeNeeds, UnitHistory, parse_probe, probe_script, reconcile};

use super::ground::ROOT;
use crate::support::Stage;

/// A unit, what reconciling makes of it, and what its application runs.
pub struct View {
    pub unit: UnitView,
    pub history: UnitHistory,
    pub running: String,
    pub migrations: usize,
}

/// Everything at one moment, in sections. Names, kinds and modes, then contents.
const LOOK: &str = r#"
cd "$ROOT" || exit
echo '== entries'; find releases -mindepth 1 -maxdepth 1 -printf '%i %y %f\n'
echo '== current'; test ! -L current || echo link; stat -L -c %i current 2>/dev/null
echo '== tree'; find releases shared -name .git -prune -o -printf '%p %y %m %l\n'
echo '== sums'; find releases shared -name .git -prune -o -type f -exec cksum {} + | sed 's/^\([0-9]* [0-9]*\) \(.*\)$/\2 \1/'
echo '== outside'; find /var/www /home/deploy -mindepth 1 \( -path "$ROOT" -o -path /home/deploy/.kept \) -prune -o \
  ! -name running ! -name migrations ! -name 'fill*' -printf '%p %y %m %l\n'
echo '== own'; ls -A .capstan
echo '== trash'; ls -A .capstan/trash 2>/dev/null
echo '== links'; ls -A .capstan/links.*/ 2>/dev/null | grep -v ':$' | grep .
echo '== root'; ls -A .
echo '== running'; cat ~/running
echo '== migrations'; wc -l < ~/migrations
echo '== ledger'; cat .capstan/ledger 2>/dev/null
"#;

fn section<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
    let begins = format!("== {name}");
    text.lines().skip_while(|line| **line != *begins).skip(1).take_while(|line| !line.starts_with("== ")).collect()
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// The fingerprint of all below a path.
fn digest(lines: &[&str], path: &str) -> u64 {
    let below = format!("{path}/");
    let mut found: Vec<&str> = lines.iter().filter_map(|line| line.strip_prefix(&below)).collect();
    found.sort_unstable();
    hash(&found)
}

pub fn view(stage: &Stage, host: &str) -> View {
    let layout = Layout::new(RemotePath::new(ROOT).unwrap());
    let probe = probe_script(&layout, &ProbeNeeds::default());
    let text = stage.on(host, &format!("ROOT={ROOT}\n{LOOK}echo '== probe'\n{probe}"));
    let (text, answer) = text.split_once("== probe\n").unwrap();
    let facts = parse_probe(format!("{answer}\n").as_bytes()).unwrap();
    View {
        unit: unit(host, text),
        history: reconcile(&facts),
        running: section(text, "running").concat(),
        migrations: section(text, "migrations").concat().trim().parse().unwrap(),
    }
}

fn unit(host: &str, text: &str) -> UnitView {
    let contents = [section(text, "tree"), section(text, "sums")].concat();
    let entries = section(text, "entries").into_iter().map(|line| {
        let [identity, kind, name] = line.splitn(3, ' ').collect::<Vec<_>>().try_into().unwrap();
        EntryView {
            name: name.to_owned(),
            is_directory: kind == "d",
            identity: identity.parse().unwrap(),
            digest: digest(&contents, &format!("releases/{name}")),
        }
    });
    let current = section(text, "current");
    let mut entries: Vec<EntryView> = entries.collect();
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    let mut outside = section(text, "outside");
    outside.sort_unstable();
    UnitView {
        name: host.to_owned(),
        entries,
        live: current.iter().find_map(|line| line.parse().ok()),
        has_current: !current.is_empty(),
        ledger: section(text, "ledger").iter().map(|line| format!("{line}\n")).collect::<String>().into_bytes(),
        shared: digest(&contents, "shared"),
        outside: hash(&outside),
        leftovers: leftovers(text),
        links: section(text, "links").into_iter().map(str::to_owned).collect(),
    }
}

fn leftovers(text: &str) -> Vec<String> {
    let mut found: Vec<String> = section(text, "trash").iter().map(|name| format!("trash/{name}")).collect();
    let own = section(text, "own");
    found.extend(own.iter().filter(|name| name.starts_with("links.")).skip(1).map(|name| (*name).to_owned()));
    let known = ["ledger", "journal", "reserve", "trash", "lock"];
    let unknown = own.iter().filter(|name| !known.contains(name) && !name.starts_with("links."));
    found.extend(unknown.map(|name| (*name).to_owned()));
    let parts = ["releases", "shared", "current", ".capstan", "revisions.log"];
    found.extend(section(text, "root").into_iter().filter(|name| !parts.contains(name)).map(str::to_owned));
    found
}
