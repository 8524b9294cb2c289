//! Tests of the decoder: any chunking, imitations, bounded memory.

use proptest::prelude::*;

use super::*;

fn nonce() -> Nonce {
    Nonce::new([0xa5; 16])
}

fn frame(text: &str) -> Vec<u8> {
    let fields = text.replace('|', "\x1f");
    format!("\x1e{}{fields}\x1e\n", nonce().as_str()).into_bytes()
}

fn hello() -> Vec<u8> {
    frame(
        "H|proto=1|pid=7|uid=0|user=u|group=g|os=Linux|host=h|home=/root|shell=/bin/sh|umask=0022|session=setsid|\
         lock=flock|busybox=0|sh=sh|printf=builtin|later=x",
    )
}

/// Adjacent outputs joined, so that events of different chunkings can be compared.
fn joined(events: Vec<Event>) -> Vec<Event> {
    let mut all: Vec<Event> = Vec::new();
    for event in events {
        match (all.last_mut(), event) {
            (Some(Event::Noise(have)), Event::Noise(more)) => have.extend(more),
            (Some(Event::Output { step, bytes }), Event::Output { step: other, bytes: more }) if *step == other => {
                bytes.extend(more);
            }
            (_, event) => all.push(event),
        }
    }
    all
}

fn decode(bytes: &[u8], cuts: &[usize]) -> Vec<Event> {
    let mut decoder = Decoder::stdout(&nonce());
    let mut events = Vec::new();
    let mut from = 0;
    for &cut in cuts {
        let to = (from + cut).min(bytes.len());
        events.extend(decoder.push(&bytes[from..to]));
        from = to;
    }
    events.extend(decoder.push(&bytes[from..]));
    events.extend(decoder.finish());
    joined(events)
}

#[test]
fn a_session_is_understood() {
    let mut bytes = b"motd\n".to_vec();
    bytes.extend(hello());
    bytes.extend(frame("B|1"));
    bytes.extend(frame("T|1|flock|new"));
    bytes.extend(frame("B|2"));
    bytes.extend(b"no newline");
    bytes.extend(frame("M|2|fact|k|a b"));
    bytes.extend(frame("E|2|137|signal"));
    bytes.extend(b"late");
    bytes.extend(frame("N|3|other|run-9|a\\0012b"));
    bytes.extend(frame("F|4|why"));
    bytes.extend(frame("U|5|1"));
    bytes.extend(frame("Z|done"));
    let events = decode(&bytes, &[]);
    let Event::Hello(hello) = &events[1] else { panic!("{events:?}") };
    assert_eq!((hello.pid, hello.umask, hello.lock, hello.has_session), (7, 0o22, LockWay::Flock, true));
    let mut rest = events.clone();
    rest.remove(1);
    let output = |step, text: &str| Event::Output { step, bytes: text.into() };
    assert_eq!(
        rest,
        [
            Event::Noise(b"motd\n".into()),
            Event::Begin(StepId(1)),
            Event::LockTaken { id: StepId(1), way: LockWay::Flock, again: false },
            Event::Begin(StepId(2)),
            output(Some(StepId(2)), "no newline"),
            Event::Mark { step: StepId(2), kind: "fact".into(), fields: vec![b"k".into(), b"a b".into()] },
            Event::End { step: StepId(2), status: Status::Signaled(9) },
            output(None, "late"),
            Event::LockRefused { id: StepId(3), same_run: false, run: "run-9".into(), owner: "a\nb".into() },
            Event::LockFailed { id: StepId(4), reason: "why".into() },
            Event::Unlocked { id: StepId(5), held: true },
            Event::Bye { lock_lost: false },
        ]
    );
}

#[test]
fn success_is_only_an_exit_with_0() {
    for (text, success) in [
        ("E|1|0|exit", true),
        ("E|1|1|exit", false),
        ("E|1|0|lost", false),
        ("E|1|0|unstarted", false),
        ("E|1|0|unlocked", false),
        ("E|1|137|signal", false),
    ] {
        let events = decode(&frame(text), &[]);
        let [Event::End { status, .. }] = events.as_slice() else { panic!("{events:?}") };
        assert_eq!(status.success(), success, "{text}");
    }
    assert_eq!(Status::Exited(137).likely_signal(), Some(9));
    assert_eq!(Status::Exited(128).likely_signal(), None);
}

#[test]
fn nonsense_with_the_right_nonce_is_reported_never_believed() {
    for text in [
        "",
        "E",
        "E|x|0|exit",
        "E|1|0",
        "E|1|256|exit",
        "E|1|0|fine",
        "E|1|3|signal",
        "B",
        "X|1",
        "?|line",
        "E||0|exit",
    ] {
        let events = decode(&frame(text), &[]);
        assert!(matches!(events.as_slice(), [Event::Malformed(_)]), "{text}: {events:?}");
    }
    let events = decode(&frame("H|proto=2"), &[]);
    assert_eq!(events, [Event::BadHello(HelloError::Protocol(2))]);
    assert_eq!(decode(&frame("H|pid=2"), &[]), [Event::BadHello(HelloError::Missing("proto"))]);
}

#[test]
fn an_endless_line_and_an_endless_frame_need_little_memory() {
    let mut decoder = Decoder::stdout(&nonce());
    decoder.push(&hello());
    let mut total = 0;
    for _ in 0..1000 {
        for event in decoder.push(&[b'x'; 10_000]) {
            let Event::Output { bytes, .. } = event else { panic!() };
            total += bytes.len();
        }
        assert!(decoder.held.capacity() < 100);
    }
    assert_eq!(total, 10_000_000);
    let mut begun = frame("M|1|");
    begun.truncate(begun.len() - 2);
    decoder.push(&begun);
    let mut malformed = 0;
    for _ in 0..1000 {
        let events = decoder.push(&[b'x'; 1000]);
        malformed += events.iter().filter(|e| matches!(e, Event::Malformed(_))).count();
        assert!(decoder.held.len() <= MAX_FRAME + 2000);
    }
    assert_eq!(malformed, 1);
}

#[test]
fn a_stream_cut_anywhere_never_proves_an_end() {
    let mut bytes = hello();
    bytes.extend(frame("B|1"));
    bytes.extend(frame("E|1|0|exit"));
    for len in 0..bytes.len() {
        let events = decode(&bytes[..len], &[]);
        assert!(!events.iter().any(|e| matches!(e, Event::End { .. })), "{len}");
    }
}

fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..40),
        proptest::collection::vec(prop_oneof![Just(MARK), Just(FIELD), Just(b'\n'), Just(b'a')], 0..20),
        Just(frame("B|3")),
        Just(frame("E|3|1|exit")),
        Just(frame("M|3|fact|x|\n\n")),
        Just(frame("nonsense")),
        Just(hello()),
        // Imitations: the right form with another nonce, and a true frame that was cut.
        Just(format!("\x1e{}E\x1f3\x1f0\x1fexit\x1e\n", "a5".repeat(15) + "00").into_bytes()),
        (0..40usize).prop_map(|n| frame("E|3|0|exit")[..n].to_vec()),
    ]
}

proptest! {
    #[test]
    fn any_chunking_gives_the_same_events(
        pieces in proptest::collection::vec(piece(), 0..20),
        cuts in proptest::collection::vec(0..50usize, 0..60),
    ) {
        let bytes = pieces.concat();
        let whole = decode(&bytes, &[]);
        prop_assert_eq!(&decode(&bytes, &cuts), &whole);
        prop_assert_eq!(&decode(&bytes, &vec![1; bytes.len()]), &whole);
    }

    #[test]
    fn output_without_frames_comes_through_exactly(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let mut all = hello();
        all.extend(frame("B|1"));
        all.extend(&bytes);
        all.extend(frame("E|1|0|exit"));
        let events = decode(&all, &[7, 1, 300]);
        let got: Vec<u8> = events.iter().filter_map(|e| match e {
            Event::Output { step: Some(StepId(1)), bytes } => Some(bytes.clone()),
            _ => None,
        }).flatten().collect();
        prop_assert_eq!(got, bytes);
    }
}
