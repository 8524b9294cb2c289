//! What the displays show of a run, word by word.

use std::path::PathBuf;

use deploy_plan::{Event, HostResult, Observer, Outcome, Stream};
use insta::assert_snapshot;

use crate::sample::{self, Paper, SlowClock};
use crate::{Findings, JsonLines, LogFile, Plain, Tee, Verbosity, plan_json, plan_text, summary_text};

fn plain(verbosity: Verbosity, color: bool) -> String {
    let paper = Paper::default();
    let display = Plain::new(paper.clone(), sample::secrets(), verbosity, color);
    sample::failed_deploy().iter().for_each(|event| display.event(event));
    paper.text()
}

#[test]
fn plain_lines() {
    assert_snapshot!(plain(Verbosity::Normal, false));
}

#[test]
fn plain_lines_verbose() {
    assert_snapshot!(plain(Verbosity::Verbose, false));
}

#[test]
fn plain_lines_quiet() {
    assert_snapshot!(plain(Verbosity::Quiet, false));
}

/// What a fleet of `hosts` prints of a deploy in which all goes well.
fn well(hosts: usize, verbosity: Verbosity) -> String {
    let paper = Paper::default();
    let display = Plain::new(paper.clone(), sample::secrets(), verbosity, false);
    sample::good_deploy(hosts).iter().for_each(|event| display.event(event));
    paper.text()
}

#[test]
fn a_large_fleet_is_as_short_as_a_small_one() {
    let (five, thousand) = (well(5, Verbosity::Normal), well(1000, Verbosity::Normal));
    assert_snapshot!(thousand);
    assert!(five.lines().count() <= 20 && thousand.lines().count() <= 20, "{five}\n{thousand}");
    assert!(thousand.lines().all(|line| line.chars().count() <= 120), "{thousand}");
    assert_eq!(well(1000, Verbosity::Verbose).matches(" done: ").count(), 2500, "each is told with -v");
}

#[test]
fn what_takes_long_is_told_with_what_is_done() {
    let paper = Paper::default();
    let clock = sample::SetClock::new();
    let display = Plain::new(paper.clone(), sample::secrets(), Verbosity::Normal, false).watching(clock.clone());
    let events = sample::good_deploy(5);
    // Up to the first end; then one more host ends and the others do not.
    let first_end = events.iter().position(|event| matches!(event, Event::StepEnded { .. })).unwrap();
    events[..=first_end].iter().for_each(|event| display.event(event));
    clock.set(16);
    let begun = std::time::Instant::now();
    while !paper.text().contains("still running") {
        assert!(begun.elapsed().as_secs() < 60, "{}", paper.text());
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let text = paper.text();
    let told: Vec<&str> = text.lines().rev().take(2).collect();
    assert_eq!(
        told,
        [
            "    still running on host2, host3, host4, host5: check out 4711 (16.0 s)",
            "    done on host1: check out 4711 (0.1 s)"
        ]
    );
}

#[test]
fn colour_adds_nothing_but_colour() {
    let colored = plain(Verbosity::Normal, true);
    assert!(colored.contains("\x1b[1;31m"));
    let mut bare = String::new();
    let mut rest = colored.as_str();
    while let Some((head, tail)) = rest.split_once("\x1b[") {
        bare.push_str(head);
        rest = tail.split_once('m').unwrap().1;
    }
    bare.push_str(rest);
    assert_eq!(bare, plain(Verbosity::Normal, false));
}

#[test]
fn plan_as_text() {
    assert_snapshot!(plan_text(&sample::plan(), &sample::secrets(), true));
}

#[test]
fn plan_as_json() {
    assert_snapshot!(serde_json::to_string_pretty(&plan_json(&sample::plan(), &sample::secrets())).unwrap());
}

#[test]
fn json_lines() {
    let paper = Paper::default();
    let display = JsonLines::new(paper.clone(), sample::secrets(), SlowClock::new());
    sample::failed_deploy().iter().for_each(|event| display.event(event));
    let text = paper.text();
    for line in text.lines() {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(value["v"], 1, "{line}");
        assert!(value["event"].is_string(), "{line}");
    }
    assert!(!text.contains("hunter2"));
    assert_snapshot!(text);
}

#[test]
fn log_file() {
    let paper = Paper::default();
    let log = LogFile::new(paper.clone(), PathBuf::from("cap.log"), sample::secrets(), SlowClock::new());
    sample::failed_deploy().iter().for_each(|event| log.event(event));
    let bytes = paper.bytes();
    let raw = b"[web2.example.com] err: caf\xc3\xa9 \x1b]0;owned\x07 \xff\r\n";
    assert!(bytes.windows(raw.len()).any(|window| window == raw), "output is kept byte by byte");
    assert_snapshot!(bytes.escape_ascii().to_string().replace("\\n", "\n"));
    assert!(log.take_error().is_none());
}

#[test]
fn a_new_log_file_is_its_owners_and_an_old_one_is_kept() {
    use std::os::unix::fs::PermissionsExt as _;

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("cap.log");
    for _ in 0..2 {
        let log = LogFile::open(&path, sample::secrets(), SlowClock::new()).unwrap();
        log.event(&Event::TaskStarted { task: "deploy".to_owned() });
    }
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 2);
    let error = LogFile::open(directory.path(), sample::secrets(), SlowClock::new()).err().unwrap();
    assert!(error.to_string().starts_with("write the log file /"), "{error}");
}

#[test]
fn a_full_disk_is_told_once() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let log = LogFile::new(Full, PathBuf::from("cap.log"), sample::secrets(), SlowClock::new());
    sample::failed_deploy().iter().for_each(|event| log.event(event));
    assert!(log.take_error().is_some());
    assert!(log.take_error().is_none());
}

#[test]
fn findings_keep_the_failed_step_and_not_what_undoing_printed() {
    let findings = std::sync::Arc::new(Findings::new(sample::secrets()));
    let tee = Tee::new(vec![findings.clone()]);
    assert!(!findings.has_worked());
    sample::failed_deploy().iter().for_each(|event| tee.event(event));
    let web2 = sample::host("web2.example.com");
    assert_eq!(findings.tail(&web2), ["ln: failed to create symbolic link: No such file or directory"]);
    assert_eq!(findings.tail(&sample::host("db1")), ["no line end"]);
    assert_eq!(findings.problems(), [sample::problem()]);
    assert!(findings.has_worked());
    assert_eq!(findings.summary(), Some(sample::summary()));
}

#[test]
fn a_tail_is_bounded() {
    let findings = Findings::new(sample::secrets());
    let host = sample::host("h");
    for n in 0..50 {
        let bytes = format!("{n}\n").into_bytes();
        findings.event(&Event::Output { host: host.clone(), step: None, stream: Stream::Out, bytes });
    }
    let tail = findings.tail(&host);
    assert_eq!((tail.len(), tail[0].as_str(), tail[19].as_str()), (20, "30", "49"));
}

#[test]
fn ends_of_runs() {
    let mut text = String::new();
    for outcome in [
        Outcome::Done,
        Outcome::Deployed,
        Outcome::RolledBack,
        Outcome::FailedClean,
        Outcome::PutBack,
        Outcome::Stuck,
        Outcome::Interrupted,
    ] {
        let mut summary = sample::summary();
        summary.outcome = outcome;
        summary.notes.clear();
        if matches!(outcome, Outcome::Deployed | Outcome::RolledBack) {
            summary.rows.iter_mut().for_each(|row| row.result = HostResult::Live);
            summary.narrowed = None;
            summary.window = Some(std::time::Duration::from_millis(17));
            summary.late_failure = outcome == Outcome::RolledBack;
        }
        let shown = summary_text(&summary, &sample::secrets(), false);
        text.push_str(shown.lines().last().unwrap());
        text.push('\n');
    }
    assert_snapshot!(text);
}
