//! Records survive the way to the disk and back, and damage is noticed.

use proptest::prelude::*;

use super::*;

fn entry(sequence: u64, release: &str, state: ReleaseState) -> LedgerEntry {
    LedgerEntry {
        sequence,
        release: ReleaseId::new(release).unwrap(),
        state,
        revision: Some(Revision::new("4711").unwrap()),
        run: RunId::new("r1").unwrap(),
        by: "alice@laptop".into(),
        at: When("2026-11-23T06:00:00Z".into()),
    }
}

fn any_entry() -> impl Strategy<Value = LedgerEntry> {
    let state = prop_oneof![
        Just(ReleaseState::Building),
        Just(ReleaseState::Ready),
        Just(ReleaseState::Live),
        Just(ReleaseState::Confirmed),
        Just(ReleaseState::Failed),
    ];
    let names = ("[a-z0-9][ -~&&[^/]]{0,20}", proptest::option::of("[0-9a-f]{1,40}"), "[a-z0-9]{1,12}");
    (any::<u64>(), state, names, "\\PC*", ".*").prop_map(|(sequence, state, (release, revision, run), by, at)| {
        LedgerEntry {
            sequence,
            release: ReleaseId::new(&release).unwrap(),
            state,
            revision: revision.map(|text| Revision::new(&text).unwrap()),
            run: RunId::new(&run).unwrap(),
            by,
            at: When(at),
        }
    })
}

#[test]
fn the_form_is_fixed() {
    let line = ledger_line(&entry(7, "20261123060000", ReleaseState::Ready));
    assert_eq!(line, "cap1\ta733330a\trelease\t7\tready\t20261123060000\t4711\tr1\talice@laptop\t2026-11-23T06:00:00Z");
}

#[test]
fn the_checksum_is_the_known_one() {
    assert_eq!(checksum(b"123456789"), 0xCBF4_3926);
}

#[test]
fn marks_come_back() {
    let mark = MarkEntry {
        release: ReleaseId::new("1").unwrap(),
        mark: Mark::Pinned,
        set: true,
        by: "a\tb".into(),
        at: When("now".into()),
    };
    let (lines, warnings) = parse_ledger(format!("{}\n", mark_line(&mark)).as_bytes());
    assert_eq!((lines, warnings.len()), (vec![LedgerLine::Mark(mark)], 0));
}

#[test]
fn zeros_other_versions_and_nonsense_are_skipped() {
    let good = ledger_line(&entry(1, "1", ReleaseState::Ready));
    let text = format!("\0\0\0\0\ncap2\tx\thello\nhello\n\n{good}\n");
    let (lines, warnings) = parse_ledger(text.as_bytes());
    assert_eq!(lines.len(), 1);
    assert_eq!(warnings.len(), 2, "{warnings:?}");
}

#[test]
fn a_record_behind_a_torn_one_is_saved() {
    let first = ledger_line(&entry(1, "1", ReleaseState::Ready));
    let second = ledger_line(&entry(2, "2", ReleaseState::Ready));
    let text = format!("{}{second}\n", &first[..30]);
    let (lines, warnings) = parse_ledger(text.as_bytes());
    assert_eq!(lines, vec![LedgerLine::Release(entry(2, "2", ReleaseState::Ready))]);
    assert_eq!(warnings.len(), 1);
}

proptest! {
    #[test]
    fn round_trip_with_a_torn_tail(entries in proptest::collection::vec(any_entry(), 1..8), cut in any::<proptest::sample::Index>()) {
        let mut text = Vec::new();
        let mut ends = Vec::new();
        for entry in &entries {
            text.extend_from_slice(ledger_line(entry).as_bytes());
            ends.push(text.len());
            text.push(b'\n');
        }
        let length = cut.index(text.len() + 1);
        let (lines, warnings) = parse_ledger(&text[..length]);
        // Every record whose bytes are all there is read; nothing else is.
        let whole = ends.iter().filter(|end| **end <= length).count();
        let expected: Vec<LedgerLine> = entries.iter().take(whole).cloned().map(LedgerLine::Release).collect();
        prop_assert_eq!(lines, expected);
        let torn = length > 0 && text.get(length - 1) != Some(&b'\n') && !ends.contains(&length);
        prop_assert_eq!(warnings.len(), usize::from(torn));
    }

    #[test]
    fn one_flipped_bit_is_noticed(entry in any_entry(), place in any::<proptest::sample::Index>(), bit in 0..8u8) {
        let mut line = ledger_line(&entry).into_bytes();
        let at = place.index(line.len());
        line[at] ^= 1 << bit;
        line.push(b'\n');
        let (lines, _) = parse_ledger(&line);
        prop_assert!(!lines.iter().any(|l| *l == LedgerLine::Release(entry.clone())) || line[at].eq_ignore_ascii_case(&(line[at] ^ (1 << bit))));
        prop_assert!(lines.is_empty() || line[at].is_ascii_hexdigit());
    }

    #[test]
    fn any_bytes_can_be_read(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = parse_ledger(&bytes);
    }
}

#[test]
fn many_unreadable_lines_are_one_sentence() {
    let told = |count: usize| parse_ledger("nonsense\n".repeat(count).as_bytes()).1;
    assert_eq!(told(1), ["line 1 of the ledger is not a record and is ignored"]);
    assert_eq!(told(3), ["lines 1, 2, 3 of the ledger are ignored: each is not a record"]);
    assert_eq!(told(400), ["400 lines of the ledger are ignored, from line 1 on: each is not a record"]);
}
