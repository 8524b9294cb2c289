//! Journals survive the way to the disk and back, and a torn record spoils nothing.

use proptest::prelude::*;

use super::*;

fn entry(run: &str, event: JournalEvent) -> JournalEntry {
    JournalEntry::new(RunId::new(run).unwrap(), event)
}

fn begin(by: &str, from: Expect) -> JournalEvent {
    let release = ReleaseId::new("20261123060439").unwrap();
    JournalEvent::Begin { release, from, hosts: 5, by: by.into(), at: When("2026-11-23T06:00:00Z".into()) }
}

#[test]
fn the_form_is_fixed() {
    let from = Expect::Release(ReleaseId::new("1").unwrap());
    let line = journal_line(&entry("r1", begin("al ice@laptop", from)));
    assert_eq!(line, "cap1 7207c833 r1 begin 20261123060439 release:1 5 al%20;ice@laptop 2026-11-23T06:00:00Z");
}

#[test]
fn only_the_last_run_counts_and_only_its_own_records() {
    let lines = [
        journal_line(&entry("r1", begin("a", Expect::Nothing))),
        journal_line(&entry("r1", JournalEvent::Switch)),
        journal_line(&entry("r2", begin("b", Expect::LinkText("/else where".into())))),
        journal_line(&entry("r1", JournalEvent::End(RunEnd::Done))),
        "cap1 00000000 r2 switch".to_owned(),
        journal_line(&entry("r2", JournalEvent::Restart)),
    ];
    let journal = fold_journal(lines.iter().map(String::as_str)).unwrap();
    assert_eq!((journal.run.as_str(), journal.by.as_str()), ("r2", "b"));
    assert_eq!(journal.from, Expect::LinkText("/else where".into()));
    assert_eq!((journal.switching, journal.restarting, journal.end), (false, true, None));
}

/// What is owed is said in one piece with the beginning: torn anywhere, the earlier run still says it, or this one does.
#[test]
fn what_is_owed_is_never_lost() {
    let old = [begin("a", Expect::Nothing), JournalEvent::Switch].map(|event| journal_line(&entry("r1", event)));
    let old: String = old.iter().map(|line| format!("\n{line}\n")).collect();
    let (lines, replaces) = journal_lines(&JournalEntry { owes: true, ..entry("r2", begin("b", Expect::Nothing)) });
    assert!(!replaces);
    let new: String = lines.iter().map(|line| format!("\n{line}\n")).collect();
    for cut in 0..=new.len() {
        let text = format!("{old}{}", &new[..cut]);
        let journal = fold_journal(text.lines()).unwrap();
        let says = (journal.run.as_str(), journal.owed, journal.switching);
        assert!(says == ("r1", false, true) || says == ("r2", true, false), "{cut}: {says:?}");
    }
    // As it was written once: behind the beginning.
    let lines = [entry("r2", begin("b", Expect::Nothing)), entry("r2", JournalEvent::Owe)];
    assert!(fold_journal(lines.iter().map(journal_line).collect::<Vec<_>>().iter().map(String::as_str)).unwrap().owed);
}

proptest! {
    #[test]
    fn a_torn_end_is_dropped(by in "\\PC{0,20}|.{0,20}", cut in any::<proptest::sample::Index>()) {
        let first = format!("\n{}\n", journal_line(&entry("r1", begin(&by, Expect::Nothing))));
        let second = format!("\n{}\n", journal_line(&entry("r1", JournalEvent::Switch)));
        prop_assert!(!first.contains(['\\', '\t']));
        // The second record is torn anywhere, and a third one is appended behind it.
        let length = cut.index(second.len() - 1);
        let third = format!("\n{}\n", journal_line(&entry("r1", JournalEvent::Back)));
        let text = format!("{first}{}{third}", &second[..length]);
        let journal = fold_journal(text.lines()).unwrap();
        prop_assert_eq!(journal.by, by);
        prop_assert!(journal.back);
        prop_assert_eq!(journal.switching, length == second.len() - 1);
    }

    #[test]
    fn any_text_can_be_read(text in ".*") {
        let _ = fold_journal(text.lines());
    }
}
