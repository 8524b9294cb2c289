//! Debian's Capistrano and ours by turns on the same hosts, in any order: neither removes or passes over a live release.

use deploy_testbed::FleetSpec;
use deploy_testbed::repo::{AppRepo, Scm};

use crate::sshd_peers::capistrano3;
use crate::support::{Stage, start};
use crate::v3_peers::{ours, theirs, write_project};

const ROOT: &str = "/var/www/both";
const HOSTS: [&str; 2] = ["web1", "app1"];
/// How many releases either tool keeps.
const KEEP: usize = 2;

/// The same numbers for the same seed everywhere (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }
}

/// What a host has: the names of its releases, and what is live, which is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    releases: Vec<String>,
    live: String,
    version: String,
}

fn seen(stage: &Stage, host: &str) -> Seen {
    let text = format!("cd {ROOT} && cat current/VERSION && readlink -f current && cd releases && ls");
    let said = stage.on(host, &text);
    let mut lines = said.lines().map(str::to_owned);
    let version = lines.next().unwrap();
    let live = lines.next().unwrap().rsplit_once('/').unwrap().1.to_owned();
    Seen { releases: lines.collect(), live, version }
}

fn deploys(stage: &Stage, dice: &mut Dice, version: &mut u64) -> Seen {
    *version += 1;
    stage.repo.release(&version.to_string()).unwrap();
    let before = seen(stage, "web1");
    if dice.below(2) == 0 {
        let ran = theirs(stage, ROOT, &["deploy"]);
        assert_eq!(ran.code, 0, "{}", ran.text);
    } else {
        ours(stage, ROOT, &["deploy"]).expect(0);
    }
    let now = seen(stage, "web1");
    assert_eq!(now.version, version.to_string());
    assert!(!before.releases.contains(&now.live), "a release of its own");
    assert!(now.releases.contains(&before.live), "{} was live before and is gone: {now:?}", before.live);
    now
}

/// Back by one: to the newest that is older than the live one. Both tools take away the release that is left, so names tell.
fn goes_back(stage: &Stage, dice: &mut Dice) {
    let before = seen(stage, "web1");
    let older: Vec<&String> = before.releases.iter().filter(|name| **name < before.live).collect();
    let by_them = dice.below(2) == 0;
    let ran = if by_them { theirs(stage, ROOT, &["deploy:rollback"]) } else { ours(stage, ROOT, &["deploy:rollback"]) };
    let now = seen(stage, "web1");
    match older.last() {
        Some(previous) => {
            assert_eq!(ran.code, 0, "{}", ran.text);
            assert_eq!(now.live, **previous, "by them: {by_them}\n{}", ran.text);
        }
        None => {
            assert_ne!(ran.code, 0, "{}", ran.text);
            assert_eq!(now.live, before.live, "{}", ran.text);
        }
    }
}

fn cleans_up(stage: &Stage, dice: &mut Dice) {
    let before = seen(stage, "web1");
    let ran = match dice.below(2) {
        0 => theirs(stage, ROOT, &["deploy:cleanup"]),
        _ => ours(stage, ROOT, &["deploy:cleanup"]),
    };
    assert_eq!(ran.code, 0, "{}", ran.text);
    let now = seen(stage, "web1");
    assert_eq!((&now.live, &now.version), (&before.live, &before.version), "{}", ran.text);
    assert!(now.releases.contains(&now.live) && now.releases.len() <= before.releases.len(), "{now:?}\n{}", ran.text);
    assert!(now.releases.len() <= KEEP + 3, "{now:?}\n{}", ran.text);
}

/// Fifty such steps with `CAPSTAN_ALTERNATIONS=50`; here as many as take seconds.
#[test]
fn by_turns_with_debians_capistrano() {
    if !capistrano3() {
        return;
    }
    let Some(fleet) = start(FleetSpec::sshd().hosts(HOSTS), "sshd") else { return };
    let named = std::env::var("CAPSTAN_ALTERNATIONS").ok().and_then(|n| n.parse().ok());
    let repo = AppRepo::create(&fleet.scratch("repository").unwrap(), Scm::Git).unwrap();
    let server = repo.serve().unwrap();
    let project = fleet.scratch("project").unwrap();
    let stage = Stage { fleet, repo, server, project };
    write_project(&stage);
    for host in HOSTS {
        let shared = format!("{ROOT}/shared");
        stage.on(
            host,
            &format!("mkdir -p {shared}/config; echo x > {shared}/config/database.yml; echo y > {shared}/.env"),
        );
    }
    ours(&stage, ROOT, &["deploy"]).expect(0);
    // The first eight steps from the one seed are of every kind, each by either tool.
    let (mut dice, mut version) = (Dice(if named.is_some() { 17 } else { 39 }), 1);
    for step in 0..named.unwrap_or(8_u64) {
        let what = dice.below(5);
        println!(
            "step {step}: {}",
            ["deploy", "deploy", "deploy", "rollback", "cleanup"][usize::try_from(what).unwrap()]
        );
        match what {
            0..=2 => drop(deploys(&stage, &mut dice, &mut version)),
            3 => goes_back(&stage, &mut dice),
            _ => cleans_up(&stage, &mut dice),
        }
        let [one, two] = HOSTS.map(|host| seen(&stage, host));
        assert_eq!(one.live, two.live, "step {step}");
        assert_eq!(one.version, two.version, "step {step}");
    }
}
