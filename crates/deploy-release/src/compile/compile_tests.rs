//! The form of the texts; what they do is tried on real filesystems in `tests/`.

use super::*;
use crate::fixture::{id, layout};
use deploy_plan::{Expect, JournalEntry, JournalEvent, LedgerEntry, ReleaseState, When};

fn run() -> RunId {
    RunId::new("r1").unwrap()
}

fn with_sudo(op: &Op, sudo: bool) -> String {
    let (layout, run) = (layout(), run());
    compile_op(op, &CompileContext { layout: &layout, run: &run, sudo, flush: true })
}

fn every_op() -> Vec<Op> {
    let at = || RemotePath::new("/var/www/shop/releases/1/x").unwrap();
    let entry = LedgerEntry {
        sequence: 1,
        release: id("1"),
        state: ReleaseState::Ready,
        revision: None,
        run: run(),
        by: "a@b".into(),
        at: When("t".into()),
    };
    let abandoned = LedgerEntry { state: ReleaseState::Failed, ..entry.clone() };
    vec![
        Op::MakeDir { path: at() },
        Op::MakeStateDir { path: layout().state(), group: true },
        Op::GroupWritable { path: at(), recursive: true },
        Op::ReplaceWithLink { at: at(), target: at() },
        Op::WriteFile { path: at(), content: "x\n".into(), mode: Some(0o644) },
        Op::RemoveFile { path: at() },
        Op::TouchAssets { release: at(), children: vec!["images".into()], stamp: "202601010000.00".into() },
        Op::CheckLinks { release: at(), refuse: true },
        Op::ClaimRelease { release: at() },
        Op::Flush { path: at() },
        Op::Record(entry),
        Op::Journal(JournalEntry::new(run(), JournalEvent::Switch)),
        Op::AppendLine { path: at(), line: "x".into() },
        Op::ReadyLink { release: id("1") },
        Op::Switch { to: id("1"), expect: Expect::Release(id("0")) },
        Op::ReadBack { release: id("1") },
        Op::Unpublish { from: id("1") },
        Op::RestoreLink { text: "/x".into(), from: id("1") },
        Op::RemoveRelease { release: id("1") },
        Op::EmptyTrash,
        Op::AbandonRelease { failed: abandoned },
    ]
}

/// What old hosts may not have: here-documents, bash's own words, GNU's long options.
#[test]
fn only_what_old_hosts_know() {
    let mut texts: Vec<String> = every_op().iter().flat_map(|op| [with_sudo(op, false), with_sudo(op, true)]).collect();
    texts.push(entry_script(&layout(), &run()));
    texts.push(state_dir_script(&layout(), true));
    texts.push(crate::probe_script(&layout(), &crate::ProbeNeeds::default()));
    for text in texts {
        for word in ["<<", "[[", " == ", "local ", "mv -T", "ln -n", "readlink -f", "&>", "echo -n", "source "] {
            assert!(!text.contains(word), "{word:?} in\n{text}");
        }
        let long = text.split_whitespace().find(|word| word.starts_with("--") && word.len() > 2);
        assert_eq!(long, None, "{text}");
        assert!(text.starts_with("(\n") && text.ends_with("\n)"), "{text}");
    }
}

#[test]
fn sudo_only_where_it_is_asked_for() {
    for op in every_op() {
        assert!(!with_sudo(&op, false).contains("sudo"), "{op:?}");
    }
    // Our own directory is the login's: records and ready links are never made by root.
    for op in every_op() {
        if matches!(op, Op::Record(_) | Op::ReadyLink { .. } | Op::ReadBack { .. } | Op::CheckLinks { .. }) {
            assert!(!with_sudo(&op, true).contains("sudo"), "{op:?}");
        }
    }
    assert!(with_sudo(&Op::EmptyTrash, true).contains("cap_sudo rm -rf"));
}

#[test]
fn a_switch_in_full() {
    let switch = Op::Switch { to: id("2"), expect: Expect::Release(id("1")) };
    let text = with_sudo(&switch, false);
    let order = [
        "[ -L /var/www/shop/current ] && [ /var/www/shop/current -ef /var/www/shop/releases/1 ]",
        "mv /var/www/shop/.capstan/links.r1/2 /var/www/shop/.capstan/links.r1/current",
        "mv -f /var/www/shop/.capstan/links.r1/current /var/www/shop/ ",
        "sync -f /var/www/shop ",
        "\"$(readlink /var/www/shop/current)\" = /var/www/shop/releases/2",
    ];
    let places: Vec<usize> =
        order.iter().map(|part| text.rfind(part).unwrap_or_else(|| panic!("{part}\n{text}"))).collect();
    assert!(places.is_sorted(), "{places:?}\n{text}");
}

#[test]
fn relative_links_where_they_are_wanted() {
    let mut layout = layout();
    layout.relative_links = true;
    let run = run();
    let cx = CompileContext { layout: &layout, run: &run, sudo: false, flush: false };
    assert_eq!(cx.link_text(&id("1")), "releases/1");
    let mut elsewhere = layout.clone();
    elsewhere.current = RemotePath::new("/srv/shop").unwrap();
    let cx = CompileContext { layout: &elsewhere, ..cx };
    assert_eq!(cx.link_text(&id("1")), "/var/www/shop/releases/1", "never through a .. that may not lead back");
}

#[test]
fn steps_become_one_text() {
    let step = Step {
        id: deploy_plan::StepId(1),
        title: "t".into(),
        slot: deploy_plan::Slot::Build,
        task: None,
        site: None,
        class: deploy_plan::StepClass::Idempotent,
        deadline: None,
        sudo: false,
        forward_agent: false,
        work: Work::Ops([(HostId::new("a"), vec![Op::EmptyTrash, Op::EmptyTrash])].into_iter().collect()),
        undo: indexmap::IndexMap::new(),
    };
    let (layout, run) = (layout(), run());
    let cx = CompileContext { layout: &layout, run: &run, sudo: true, flush: false };
    let text = compile_step(&step, &HostId::new("a"), &cx).unwrap();
    assert_eq!(text.matches("|| exit\n").count(), 1);
    assert!(!text.contains("cap_sudo"), "the step decides about sudo");
    assert_eq!(compile_step(&step, &HostId::new("b"), &cx), None);
    assert_eq!(compile_undo(&step, &HostId::new("a"), &cx), None);
}
