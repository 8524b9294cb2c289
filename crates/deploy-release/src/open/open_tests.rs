//! Decisions for a fleet, and all the reasons against one at once.

use deploy_plan::ReleaseState;

use super::*;
use crate::facts::{Owner, Place, PlaceKind};
use crate::fixture::*;

const OLD: [&str; 3] = ["20261101000000", "20261102000000", "20261103000000"];

fn roll(to: Option<&str>) -> Purpose {
    Purpose::Rollback { to: to.map(str::to_owned) }
}

fn try_open(purpose: Purpose, facts: &IndexMap<HostId, HostFacts>) -> Result<OpenedFleet, Vec<Problem>> {
    open(&transaction(purpose, &FLEET), &identity(), facts)
}

fn only(problems: Vec<Problem>) -> Problem {
    assert_eq!(problems.len(), 1, "{problems:#?}");
    problems.into_iter().next().unwrap()
}

#[test]
fn a_new_release() {
    let opened = try_open(deploy(), &fleet(&OLD)).unwrap();
    assert_eq!(opened.opened.release, Some(id("20261123060439")));
    assert!(opened.warnings.is_empty(), "{:?}", opened.warnings);
    let (_, web1) = &opened.opened.hosts[0];
    assert_eq!(web1.live, Some(id(OLD[2])));
    assert_eq!(web1.previous, Some(id(OLD[1])));
    assert_eq!(web1.releases.len(), 3);
    assert_eq!(opened.context.live(&host("db1")), Some(&id(OLD[2])));
}

#[test]
fn a_name_of_the_recipe_must_be_new_everywhere() {
    let named = |name: &str| Purpose::Deploy { release_name: Some(name.into()) };
    assert_eq!(try_open(named("v1.2"), &fleet(&OLD)).unwrap().opened.release, Some(id("v1.2")));
    for (name, why) in [
        (OLD[0], "is there already"),
        ("current", "the name of the link"),
        ("a/b", "'/' at position 2"),
        ("-x", "begins with a dot or a dash"),
    ] {
        let problem = only(try_open(named(name), &fleet(&OLD)).unwrap_err());
        assert!(problem.why.contains(why), "{name}: {}", problem.why);
    }
    let mut facts = fleet(&OLD);
    facts[4].ledger.extend(line(9, "v1", ReleaseState::Retired).into_bytes());
    let problem = only(try_open(named("v1"), &facts).unwrap_err());
    assert_eq!((problem.host, problem.kind), (Some(host("db1")), ProblemKind::Usage));
}

#[test]
fn the_newest_good_one_that_all_have() {
    let mut facts = fleet(&OLD);
    assert_eq!(try_open(roll(None), &facts).unwrap().opened.release, Some(id(OLD[1])));
    facts[2].releases.remove(1);
    assert_eq!(try_open(roll(None), &facts).unwrap().opened.release, Some(id(OLD[0])));
    facts[3].releases.remove(0);
    let problem = only(try_open(roll(None), &facts).unwrap_err());
    assert_eq!(problem.kind, ProblemKind::NothingToRollBack);
    assert!(
        problem.tail.contains(&"web1: 20261102000000 (good, but not on every host)".to_owned()),
        "{:?}",
        problem.tail
    );
}

#[test]
fn never_to_a_failed_or_reverted_one() {
    let mut facts = fleet(&OLD);
    for unit in facts.values_mut() {
        unit.ledger.extend(line(2, OLD[1], ReleaseState::Reverted).into_bytes());
    }
    assert_eq!(try_open(roll(None), &facts).unwrap().opened.release, Some(id(OLD[0])));
    // Named, a release that was complete once may go live again; a failed one may not.
    assert_eq!(try_open(roll(Some(OLD[1])), &facts).unwrap().opened.release, Some(id(OLD[1])));
    facts[1].ledger.extend(line(2, OLD[1], ReleaseState::Failed).into_bytes());
    let problem = only(try_open(roll(Some(OLD[1])), &facts).unwrap_err());
    assert!(problem.why.contains("the ledger calls it failed"), "{}", problem.why);
}

#[test]
fn nothing_to_roll_back_to() {
    for releases in [&OLD[..1], &[]] {
        let problem = only(try_open(roll(None), &fleet(releases)).unwrap_err());
        assert_eq!(problem.kind, ProblemKind::NothingToRollBack);
    }
}

/// Every host that lacks it is named, and what is said of the others is true of all hosts.
#[test]
fn a_name_that_nothing_has() {
    let ask = |facts: &IndexMap<HostId, HostFacts>| try_open(roll(Some("20200101000000")), facts).unwrap_err();
    let mut facts = fleet(&OLD);
    let problems = ask(&facts);
    assert_eq!(problems.iter().filter_map(|problem| problem.host.clone()).collect::<Vec<_>>(), FLEET.map(host));
    let all = format!(
        "name one that all of the hosts have: {}, {}, {}; `cap releases` lists them all",
        OLD[2], OLD[1], OLD[0]
    );
    for problem in &problems {
        assert_eq!((problem.why.as_str(), problem.next.as_deref()), ("the host does not have it", Some(all.as_str())));
        assert!(problem.tail.is_empty(), "{:?}", problem.tail);
    }
    facts[2].releases.remove(1);
    let some = format!("all of the hosts have: {}, {}; only some of them have {}; ", OLD[2], OLD[0], OLD[1]);
    assert!(ask(&facts)[0].next.as_ref().unwrap().contains(&some), "{:?}", ask(&facts)[0].next);
}

#[test]
fn hosts_that_disagree() {
    let mut facts = fleet(&OLD);
    facts[2] = facts_with(3, &OLD, Some(OLD[1]), "");
    let problem = only(try_open(roll(None), &facts).unwrap_err());
    assert_eq!(problem.kind, ProblemKind::HostsDisagree);
    assert_eq!(problem.tail[1..3], ["web2 20261103000000", "app1 20261102000000"]);
    let all = format!("`cap deploy:rollback RELEASE={}` (all hosts have {}, {}, too)", OLD[2], OLD[1], OLD[0]);
    assert!(problem.next.as_ref().unwrap().contains(&all), "{:?}", problem.next);
    // What one host lacks or marks as failed is no choice.
    let next = |change: &dyn Fn(&mut IndexMap<HostId, HostFacts>)| {
        let mut facts = facts.clone();
        change(&mut facts);
        only(try_open(roll(None), &facts).unwrap_err()).next.unwrap()
    };
    let failed = line(2, OLD[1], ReleaseState::Failed);
    let one = next(&|facts| {
        facts[1].ledger.extend(line(1, OLD[0], ReleaseState::Failed).into_bytes());
        facts[4].releases.remove(2);
    });
    assert!(one.contains(&format!("RELEASE={}` (the only one", OLD[1])), "{one}");
    let none = next(&|facts| {
        facts[0].ledger.extend(failed.clone().into_bytes());
        facts[1].ledger.extend(line(1, OLD[0], ReleaseState::Failed).into_bytes());
        facts[4].releases.remove(2);
    });
    assert!(none.starts_with("deploy again"), "{none}");
    // By name it can be mended, and a deploy mends it too.
    assert!(try_open(roll(Some(OLD[0])), &facts).is_ok());
    let opened = try_open(deploy(), &facts).unwrap();
    assert!(opened.warnings.iter().any(|note| note.text.contains("not on the same release")));
}

#[test]
fn publishing_again_takes_the_newest_complete_one() {
    let mut facts = fleet(&OLD);
    for unit in facts.values_mut() {
        unit.ledger.extend(line(4, "20261104000000", ReleaseState::Building).into_bytes());
        unit.ledger.extend(line(4, "20261104000000", ReleaseState::Ready).into_bytes());
        let mut entry = unit.releases[0].clone();
        entry.name = "20261104000000".into();
        unit.releases.push(entry);
    }
    assert_eq!(try_open(Purpose::Republish, &facts).unwrap().opened.release, Some(id("20261104000000")));
    facts[0].ledger.extend(line(4, "20261104000000", ReleaseState::Failed).into_bytes());
    assert_eq!(try_open(Purpose::Republish, &facts).unwrap().opened.release, Some(id(OLD[2])));
}

#[test]
fn all_blockers_of_all_hosts_at_once() {
    let mut facts = fleet(&OLD);
    facts[0].deploy_to = Place::default();
    facts[1].releases_dir.writable = false;
    facts[1].releases_dir.owner.as_mut().unwrap().user = "root".into();
    facts[2].current = Current::Directory;
    facts[3].tools.insert("svn".into(), false);
    facts[3].current = Current::Other;
    facts[4].current_dir.owner.as_mut().unwrap().device = "99".into();
    let problems = try_open(deploy(), &facts).unwrap_err();
    let told: Vec<String> = problems
        .iter()
        .map(|p| {
            format!("{} | {} | {} | {}", p.host.as_ref().unwrap(), p.what, p.why, p.next.as_deref().unwrap_or("-"))
        })
        .collect();
    assert_eq!(
        told,
        [
            "web1 | deploy to /var/www/shop | /var/www/shop does not exist | cap deploy:setup",
            "web2 | deploy to /var/www/shop | /var/www/shop/releases belongs to root:deploy with mode 775, and deploy may not \
             write there | in `cap ssh web2`: sudo chown deploy: /var/www/shop/releases",
            "app1 | deploy to /var/www/shop | /var/www/shop/current is a real directory, not a link to a release | look what is \
             in it, then move it away; in `cap ssh app1`: mv /var/www/shop/current /var/www/shop/current.before",
            "app2 | use svn | the program is not installed on the host | install svn on the host",
            "app2 | deploy to /var/www/shop | /var/www/shop/current is a file, not a link to a release | look what is in it, \
             then move it away; in `cap ssh app2`: mv /var/www/shop/current /var/www/shop/current.before",
            "db1 | deploy to /var/www/shop | /var/www/shop/current and /var/www/shop/.capstan are on different filesystems, so \
             the link could not be switched in one step | keep both on one filesystem",
        ]
    );
}

#[test]
fn sudo_writes_where_the_login_may_not() {
    let mut facts = fleet(&OLD);
    for unit in facts.values_mut() {
        unit.deploy_to.writable = false;
        unit.current_dir.writable = false;
    }
    let mut transaction = transaction(deploy(), &FLEET);
    assert_eq!(blockers(&transaction, &facts).len(), 5);
    transaction.sudo = true;
    assert!(blockers(&transaction, &facts).is_empty());
    facts[0].sudo_present = Some(false);
    assert_eq!(blockers(&transaction, &facts)[0].kind, ProblemKind::MissingTool);
}

#[test]
fn two_names_of_one_machine() {
    let mut facts = fleet(&OLD);
    facts[1].boot = facts[0].boot.clone();
    assert!(try_open(deploy(), &facts).is_ok(), "one kernel may have several deployments");
    facts[1].deploy_to = facts[0].deploy_to.clone();
    let problem = only(try_open(deploy(), &facts).unwrap_err());
    assert_eq!(problem.why, "web1 and web2 share one /var/www/shop");
    assert!(try_open(Purpose::Read, &facts).is_ok());
}

#[test]
fn setup_needs_a_place_to_begin() {
    let mut facts = fleet(&[]);
    let owner =
        Owner { mode: "755".into(), user: "root".into(), group: "root".into(), device: "1".into(), inode: "2".into() };
    for unit in facts.values_mut() {
        unit.deploy_to = Place::default();
        unit.ancestor = Some(("/var".into(), Place { kind: PlaceKind::Directory, writable: true, ..Place::default() }));
    }
    assert!(try_open(Purpose::Setup, &facts).is_ok());
    facts[3].ancestor =
        Some(("/var".into(), Place { kind: PlaceKind::Directory, owner: Some(owner), ..Place::default() }));
    let problem = only(try_open(Purpose::Setup, &facts).unwrap_err());
    assert_eq!(problem.why, "the login may not make directories in /var (it belongs to root:root with mode 755)");
    let command = "sudo mkdir -p /var/www/shop && sudo chown deploy: /var/www/shop";
    assert_eq!(problem.next.unwrap(), format!("in `cap ssh app2`: {command}"));
}

/// What keeps a login from writing where its mode would let it.
#[test]
fn not_the_modes_fault() {
    let mut facts = fleet(&OLD);
    facts[0].releases_dir.writable = false;
    facts[0].releases_dir.owner.as_mut().unwrap().user = "deploy".into();
    let problem = only(try_open(deploy(), &facts).unwrap_err());
    assert!(problem.why.contains("all the same: an attribute or an access list"), "{problem:?}");
    let next = problem.next.unwrap();
    assert!(next.starts_with("in `cap ssh web1`: lsattr -d ") && !next.contains("chmod"), "{next}");
    facts[0].releases_dir.read_only = true;
    let problem = only(try_open(deploy(), &facts).unwrap_err());
    assert!(problem.why.contains("mounted read-only"), "{problem:?}");
    assert!(problem.next.unwrap().contains("mount -o remount,rw"));
}

/// Live, and its run never confirmed it.
#[test]
fn a_run_that_ended_behind_its_switch() {
    let mut facts = fleet(&OLD);
    for unit in facts.values_mut().take(2) {
        let text = String::from_utf8(unit.ledger.clone()).unwrap();
        let kept: Vec<&str> = text.lines().take(OLD.len() - 1).collect();
        let last = line(OLD.len() as u64, OLD[OLD.len() - 1], ReleaseState::Live);
        unit.ledger = format!("{}\n{last}", kept.join("\n")).into_bytes();
    }
    let told = |purpose| {
        let opened = try_open(purpose, &facts).unwrap();
        let texts: Vec<String> = opened.warnings.into_iter().map(|note| note.text).collect();
        texts.into_iter().find(|text| text.starts_with("an earlier run")).unwrap()
    };
    let text = told(deploy());
    assert!(
        text.contains("ended before it confirmed it") && text.contains("on web1, web2: `cap deploy:restart`"),
        "{text}"
    );
    assert!(told(Purpose::Read).contains("it still goes on, or it ended there"));
    assert!(try_open(deploy(), &fleet(&OLD)).unwrap().warnings.iter().all(|note| !note.text.contains("earlier run")));
}

#[test]
fn what_should_be_looked_at() {
    let mut facts = fleet(&OLD);
    facts[0].current = Current::Link { text: "/srv/other".into(), exact: true, release: None, dangling: false };
    facts[1].releases[0].name = "my backup".into();
    let notes: Vec<String> = try_open(deploy(), &facts).unwrap().warnings.into_iter().map(|note| note.text).collect();
    assert_eq!(
        notes,
        [
            "web1: the link to the live release points outside of releases/: /srv/other",
            "web2: unexpected name in releases/: \"my backup\"",
            "the hosts are not on the same release: web1 nothing; web2 20261103000000; app1 20261103000000; \
             app2 20261103000000; db1 20261103000000"
        ]
    );
}
