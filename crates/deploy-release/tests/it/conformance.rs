//! The model and the generated text agree: each op on each precondition gives the same status and the same tree.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use deploy_plan::{Expect, JournalEntry, JournalEvent, LedgerEntry, Op, ReleaseState, RunId, When};
use deploy_release::model::{Died, Kind, Status, Tree, answer, apply, apply_entry, apply_state_dir};
use deploy_release::{ProbeNeeds, compile_op, entry_script, parse_probe, probe_script, state_dir_script};

use crate::world::{Shell, World, id, in_every_shell, in_shell, required};

/// One thing that is there before; paths are below the home directory, `@` in a link's text stands for it.
#[derive(Clone, Copy)]
enum Put {
    Dir(&'static str),
    File(&'static str, &'static str),
    Link(&'static str, &'static str),
}

use Put::{Dir, File, Link};

const LAYOUT: &[Put] = &[Dir("app/releases"), Dir("app/shared/log"), File("app/shared/log/keep", "x")];
const STATE: &[Put] = &[
    Dir("app/.capstan/links.r1"),
    Dir("app/.capstan/trash"),
    File("app/.capstan/ledger", "old\n"),
    File("app/.capstan/reserve", "0000"),
];
const RELEASES: &[Put] = &[
    Dir("app/releases/1/sub/deep"),
    File("app/releases/1/REVISION", "one\n"),
    File("app/releases/1/sub/f", "1"),
    Dir("app/releases/2"),
    File("app/releases/2/REVISION", "two\nmore"),
];
const LIVE_1: &[Put] = &[Link("app/current", "@/app/releases/1")];
const ON_2: &[Put] = &[Link("app/current", "@/app/releases/2")];

/// Names and parts of what is there before an op.
fn preconditions() -> Vec<(&'static str, Vec<&'static [Put]>)> {
    let own = |name, extra: &'static [Put]| (name, vec![LAYOUT, STATE, RELEASES, extra]);
    vec![
        ("nothing", vec![]),
        ("a layout that nobody has deployed to", vec![LAYOUT]),
        ("an entered run without releases", vec![LAYOUT, STATE]),
        ("releases and no current", vec![LAYOUT, STATE, RELEASES]),
        ("releases without our directory", vec![LAYOUT, RELEASES, LIVE_1]),
        own("the first is live", LIVE_1),
        own("the second is live", ON_2),
        own("current is a directory", &[File("app/current/precious", "x")]),
        own("current is a file", &[File("app/current", "x")]),
        own("current dangles", &[Link("app/current", "@/app/releases/9")]),
        own("current goes in circles", &[Link("app/current", "current")]),
        own("current is elsewhere", &[Dir("else"), Link("app/current", "@/else")]),
        own("current is relative", &[Link("app/current", "releases/1")]),
        own("current is spelled through a link", &[Link("alias", "app"), Link("app/current", "@/alias/releases/1")]),
        own("current is a trash link", &[Link("app/current", "../else"), Dir("else/deep")]),
        (
            "another run holds the links",
            vec![LAYOUT, &[Dir("app/.capstan/links.r0"), File("app/.capstan/ledger", "")], RELEASES, LIVE_1],
        ),
        own(
            "two directories of links",
            &[Link("app/current", "@/app/releases/1"), Link("app/.capstan/links.r0/1", "@/app/releases/1")],
        ),
        own(
            "a staged link was left",
            &[
                Link("app/.capstan/links.r1/current", "@/app/releases/1"),
                Link("app/.capstan/links.r1/.restore", "/old"),
                Link("app/current", "@/app/releases/1"),
            ],
        ),
        own(
            "ready links, right and wrong",
            &[
                Link("app/.capstan/links.r1/1", "@/app/releases/1"),
                Link("app/.capstan/links.r1/2", "/wrong"),
                Link("app/current", "@/app/releases/1"),
            ],
        ),
        own(
            "a directory stands where a ready link should",
            &[Dir("app/.capstan/links.r1/2"), Link("app/current", "@/app/releases/1")],
        ),
        own(
            "graves of this run and others",
            &[
                Dir("app/.capstan/trash/1.r1/half"),
                Dir("app/.capstan/trash/2.r1"),
                File("app/.capstan/trash/.hidden", ""),
                Link("app/.capstan/trash/5.r0", "@/app/shared/log"),
            ],
        ),
        (
            "the trash is a file",
            vec![
                LAYOUT,
                RELEASES,
                &[Dir("app/.capstan/links.r1"), File("app/.capstan/trash", ""), File("app/.capstan/ledger", "")],
            ],
        ),
        own(
            "the third is being built",
            &[
                File("app/.capstan/links.r1/.claim.3", ""),
                File("app/releases/3/a/b", "x"),
                Link("app/releases/3/log", "@/app/shared/log"),
                Link("app/current", "@/app/releases/2"),
            ],
        ),
        own(
            "the third is claimed and live",
            &[
                File("app/.capstan/links.r1/.claim.3", ""),
                Dir("app/releases/3"),
                Link("app/current", "@/app/releases/3"),
            ],
        ),
        own("a link stands in the third's place", &[Link("app/releases/3", "@/app/shared")]),
        own("a dangling link stands in the third's place", &[Link("app/releases/3", "/nowhere")]),
        own("a file stands in the third's place", &[File("app/releases/3", "x")]),
        own(
            "links that lead nowhere",
            &[
                Link("app/releases/1/config", "@/app/shared/missing"),
                Link("app/releases/1/.hidden", "nowhere"),
                Link("app/releases/2/.git/head", "nowhere"),
                Link("app/releases/2/uploads", "@/app/shared"),
                Link("app/shared/dead", "nowhere"),
            ],
        ),
        (
            "a torn ledger",
            vec![LAYOUT, RELEASES, &[Dir("app/.capstan/links.r0/.x"), File("app/.capstan/ledger", "whole\nhal")]],
        ),
        ("the ledger is gone", vec![LAYOUT, RELEASES, &[Dir("app/.capstan/links.r1")]]),
        (
            "the ledger is a directory",
            vec![LAYOUT, RELEASES, &[Dir("app/.capstan/ledger"), Dir("app/.capstan/links.r1")]],
        ),
        own(
            "files that will be written are there",
            &[
                Dir("app/releases/1/note"),
                File("app/releases/2/note", "before"),
                File("app/releases/2/.note.r1", "left"),
                File("app/revisions.log", "Branch main\n"),
            ],
        ),
        own(
            "a link will be written through",
            &[Link("app/releases/2/note", "@/app/shared/log/keep"), Link("app/revisions.log", "shared/log/other")],
        ),
        ("releases is a file", vec![&[File("app/releases", ""), Dir("app/.capstan/links.r1")]]),
        ("the state directory is a file", vec![LAYOUT, RELEASES, &[File("app/.capstan", "")]]),
    ]
}

fn entry(name: &str, state: ReleaseState) -> LedgerEntry {
    let (run, at) = (RunId::new("r1").unwrap(), When("t".into()));
    LedgerEntry { sequence: 7, release: id(name), state, revision: None, run, by: "al'ice\t@x".into(), at }
}

/// Every kind of op, with every kind of argument that makes a difference.
fn ops(world: &World) -> Vec<Op> {
    let layout = &world.layout;
    let release = |name: &str| layout.release(&id(name));
    let journal = |event| JournalEntry { lasting: true, ..JournalEntry::new(RunId::new("r1").unwrap(), event) };
    let note = |name: &str| release(name).join("note");
    let begin = JournalEvent::Begin {
        release: id("3"),
        hosts: 2,
        from: Expect::LinkText("/a b\n\\'%".into()),
        by: "al'ice\t@x".into(),
        at: When("t".into()),
    };
    let mut ops = vec![
        Op::MakeDir { path: layout.shared.join("a/b c/d") },
        Op::MakeDir { path: note("2").join("x") },
        Op::MakeStateDir { path: layout.state(), group: false },
        Op::MakeStateDir { path: layout.state(), group: true },
        Op::GroupWritable { path: release("1"), recursive: true },
        Op::GroupWritable { path: layout.current.clone(), recursive: false },
        Op::ReplaceWithLink { at: release("1").join("sub"), target: layout.shared.join("log") },
        Op::ReplaceWithLink { at: release("2").join("tmp/pids"), target: layout.shared.join("pids") },
        Op::WriteFile { path: note("1"), content: "x".into(), mode: None },
        Op::WriteFile { path: note("2"), content: "$(id)\n%s\\n'".into(), mode: Some(0o600) },
        Op::WriteFile { path: note("2"), content: "a\0b".into(), mode: None },
        Op::WriteFile { path: note("2"), content: String::new(), mode: Some(0o644) },
        Op::RemoveFile { path: note("1") },
        Op::RemoveFile { path: note("2") },
        Op::TouchAssets { release: release("1"), children: vec!["images".into()], stamp: "202601010000.00".into() },
        Op::Flush { path: release("1") },
        Op::Script { title: "check out".into(), body: format!("mkdir {}/made", world.at("releases/2").display()) },
        Op::AppendLine { path: layout.deploy_to.join("revisions.log"), line: "two\nlines $(id)".into() },
        Op::AppendLine { path: release("9").join("log"), line: "x".into() },
        Op::RestoreLink { text: "/old place".into(), from: id("1") },
        Op::RestoreLink { text: "/old place".into(), from: id("2") },
        Op::EmptyTrash,
        Op::Journal(journal(JournalEvent::Switch)),
        Op::Journal(journal(begin.clone())),
        Op::Journal(JournalEntry { owes: true, ..journal(begin) }),
        Op::AbandonRelease { failed: entry("3", ReleaseState::Failed) },
        Op::Record(entry("1", ReleaseState::Building)),
        Op::Record(entry("1", ReleaseState::Ready)),
        Op::Record(entry("1", ReleaseState::Confirmed)),
    ];
    for name in ["1", "2", "3"] {
        ops.extend([
            Op::ClaimRelease { release: release(name) },
            Op::CheckLinks { release: release(name), refuse: name != "2" },
            Op::ReadyLink { release: id(name) },
            Op::ReadBack { release: id(name) },
            Op::Unpublish { from: id(name) },
            Op::RemoveRelease { release: id(name) },
            Op::Switch { to: id(name), expect: Expect::Nothing },
            Op::Switch { to: id(name), expect: Expect::LinkText("../else".into()) },
            Op::Switch { to: id(name), expect: Expect::Release(id("1")) },
            Op::Switch { to: id(name), expect: Expect::Release(id("2")) },
        ]);
    }
    ops
}

fn made(tree: &mut Tree, body: &str) -> Result<Status, Died> {
    let path = body.strip_prefix("mkdir ").unwrap();
    Ok(u8::from(!tree.mkdir(path)?))
}

/// What is put there, on disk and in memory.
fn prepare(home: &Path, parts: &[&[Put]]) -> Tree {
    let spelled = home.to_str().unwrap();
    let mut tree = Tree::new(spelled);
    let mode = |path: &Path, mode: u32| fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    fs::create_dir_all(home).unwrap();
    mode(home, 0o755);
    let directory = |tree: &mut Tree, path: &Path| {
        let missing: Vec<&Path> = path.ancestors().take_while(|above| !above.exists()).collect();
        for path in missing.into_iter().rev() {
            fs::create_dir(path).unwrap();
            mode(path, 0o755);
        }
        assert_eq!(tree.mkdir_p(path.to_str().unwrap()), Ok(true));
    };
    for put in parts.iter().copied().flatten() {
        let (Dir(name) | File(name, _) | Link(name, _)) = put;
        let path = home.join(name);
        directory(&mut tree, if matches!(put, Dir(_)) { &path } else { path.parent().unwrap() });
        let text = path.to_str().unwrap();
        match put {
            Dir(_) => {}
            File(_, content) => {
                fs::write(&path, content).unwrap();
                mode(&path, 0o644);
                assert_eq!(tree.write(text, content.as_bytes()), Ok(true));
            }
            Link(_, to) => {
                let to = to.replace('@', spelled);
                symlink(&to, &path).unwrap();
                assert_eq!(tree.symlink(&to, text), Ok(true));
            }
        }
    }
    tree
}

fn on_disk(dir: &Path, prefix: &str, found: &mut Vec<(String, u16, Kind)>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let meta = fs::symlink_metadata(&path).unwrap();
        let name = format!("{prefix}{}", path.file_name().unwrap().to_str().unwrap());
        let mode = u16::try_from(meta.permissions().mode() & 0o7777).unwrap();
        if meta.is_symlink() {
            let text = fs::read_link(&path).unwrap();
            found.push((name, 0o777, Kind::Link(text.to_str().unwrap().into())));
        } else if meta.is_dir() {
            found.push((name.clone(), mode, Kind::Directory));
            on_disk(&path, &format!("{name}/"), found);
        } else {
            found.push((name, mode, Kind::File(fs::read(&path).unwrap().into())));
        }
    }
}

fn listing(home: &Path) -> Vec<(String, u16, Kind)> {
    let mut found = Vec::new();
    on_disk(home, "", &mut found);
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

type Model<'a> = Box<dyn Fn(&mut Tree) -> Result<Status, Died> + 'a>;

/// A piece of work as text and in the model.
struct Case<'a> {
    name: String,
    text: String,
    model: Model<'a>,
}

fn cases(world: &World) -> Vec<Case<'_>> {
    let mut cases: Vec<Case<'_>> = Vec::new();
    for relative in [false, true] {
        let mut layout = world.layout.clone();
        layout.relative_links = relative;
        for op in
            ops(world).into_iter().filter(|op| !relative || matches!(op, Op::Switch { .. } | Op::ReadyLink { .. }))
        {
            let (layout, run) = (layout.clone(), &world.run);
            let cx = deploy_release::CompileContext { layout: &layout, run, sudo: false, flush: true };
            let text = compile_op(&op, &cx);
            let name = format!("{op:?} {}", if relative { "relative" } else { "" });
            let model: Model<'_> = Box::new(move |tree| {
                let cx = deploy_release::CompileContext { layout: &layout, run, sudo: false, flush: true };
                apply(&op, &cx, tree, &made)
            });
            cases.push(Case { name, text, model });
        }
    }
    for group in [false, true] {
        let mut layout = world.layout.clone();
        layout.group_writable = group;
        let (text, shared) = (state_dir_script(&layout, false), layout.clone());
        let model: Model<'_> = Box::new(move |tree| apply_state_dir(&shared, &world.run, tree));
        cases.push(Case { name: format!("state directory, group {group}"), text, model });
        let text = entry_script(&layout, &world.run);
        let model: Model<'_> = Box::new(move |tree| apply_entry(&layout, &world.run, tree));
        cases.push(Case { name: format!("entry, group {group}"), text, model });
    }
    cases
}

/// As the engine runs it: in a subshell under `set -e`. What the flush costs is not the matter here.
fn one_script(cases: &[Case<'_>], homes: &[String]) -> String {
    let mut script = "umask 022\nsync() { :; }\n".to_owned();
    for (case, home) in cases.iter().zip(homes) {
        let text = &case.text;
        script.push_str(&format!("HOME={home}\n(\nset -e\n{text}\n) </dev/null 2>/dev/null\necho $?\n"));
    }
    script
}

/// Compares pairs of op and precondition in a shell: all of them where the shells are required, else every third, and
/// other ones in each shell. Gives their number.
fn compare(world: &World) -> usize {
    let root = tempfile::tempdir().unwrap();
    let mut count = 0;
    for (number, (precondition, parts)) in preconditions().iter().enumerate() {
        let is_due = |index: usize| required() || (index + number) % 3 == world.shell as usize;
        let cases = cases(world).into_iter().enumerate().filter(|(index, _)| is_due(*index));
        let (cases, homes): (Vec<Case<'_>>, Vec<String>) = cases
            .map(|(index, case)| {
                let home = format!("{}/{number}.{index}", root.path().display());
                let text = case.text.replace(world.home().to_str().unwrap(), &home);
                (Case { text, ..case }, home)
            })
            .unzip();
        let mut trees: Vec<Tree> = homes.iter().map(|home| prepare(Path::new(home), parts)).collect();
        let output = world.sh(&one_script(&cases, &homes));
        let told = String::from_utf8(output.stdout).unwrap();
        let statuses: Vec<&str> = told.lines().collect();
        assert_eq!(statuses.len(), cases.len(), "{}", String::from_utf8_lossy(&output.stderr));
        for (((case, home), tree), status) in cases.iter().zip(&homes).zip(&mut trees).zip(statuses) {
            // The one text with a path of its own is told where it is.
            let expected = match case.name.starts_with("Script") {
                true => made(tree, &format!("mkdir {home}/app/releases/2/made")),
                false => (case.model)(tree),
            };
            let place = format!("{:?}: {} on \"{precondition}\"\n{}", world.shell, case.name, case.text);
            // Which failure it is says nothing; only the state directory's 3 is looked at.
            let (model, real) = (expected.unwrap(), status.parse::<u8>().unwrap());
            assert_eq!((model == 0, model == 3), (real == 0, real == 3), "{real}, in the model {model}: {place}");
            assert_eq!(tree.below(home), listing(Path::new(home)), "{place}");
            count += 1;
        }
    }
    println!("{count} pairs of op and precondition agree in {:?}", world.shell);
    assert!(count > 700, "{count}");
    count
}

#[test]
fn every_op_on_every_precondition_in_dash() {
    in_shell(Shell::Dash, &|world: &World| {
        compare(world);
    });
}

#[test]
fn every_op_on_every_precondition_in_bash() {
    in_shell(Shell::Bash, &|world: &World| {
        compare(world);
    });
}

#[test]
fn every_op_on_every_precondition_in_busybox_ash() {
    in_shell(Shell::Ash, &|world: &World| {
        compare(world);
    });
}

/// The probe sees the same in both, owners and the host's own facts aside.
#[test]
fn probes_agree() {
    in_every_shell(|world| {
        let root = tempfile::tempdir().unwrap();
        for (number, (precondition, parts)) in preconditions().iter().enumerate() {
            let home = root.path().join(number.to_string());
            let tree = prepare(&home, parts);
            let needs = ProbeNeeds { tools: vec!["ls".into()], migrations: true, ..ProbeNeeds::default() };
            let script = probe_script(&world.layout, &needs);
            let output = world.sh(&format!("HOME={}\n{script}", home.display()));
            let mut real = parse_probe(&output.stdout).unwrap();
            let mut model = parse_probe(&answer(&world.layout, &needs, &tree, "boot", 1)).unwrap();
            for facts in [&mut real, &mut model] {
                (facts.boot, facts.clock, facts.ancestor) = (None, None, None);
                facts.user.clear();
                let places = [&mut facts.deploy_to, &mut facts.releases_dir, &mut facts.shared_dir];
                for place in places.into_iter().chain([&mut facts.state_dir, &mut facts.current_dir]) {
                    place.owner = None;
                }
                facts.releases.sort_by(|a, b| a.name.cmp(&b.name));
            }
            assert_eq!(model, real, "{:?}: \"{precondition}\"", world.shell);
        }
    });
}
