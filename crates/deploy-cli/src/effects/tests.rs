//! Effects on the real machine, in a directory of their own.

use deploy_ruby::{CommandLine, Stderr};

use super::*;
use crate::io::{Captured, Io};

struct Bench {
    effects: SystemEffects,
    captured: Captured,
    directory: tempfile::TempDir,
}

fn bench() -> Bench {
    let directory = tempfile::tempdir().unwrap();
    let (io, captured) = Io::captured();
    let screen = Screen::new(io, false);
    let environment =
        BTreeMap::from([("PATH".to_owned(), std::env::var("PATH").unwrap()), ("STAGE".to_owned(), "a b'c".to_owned())]);
    let secrets = Secrets::new();
    secrets.register("hunter2");
    let local = LocalEnvironment::current();
    let asker = Asker::new(screen.clone());
    let effects = SystemEffects::new(environment, directory.path().to_owned(), local, screen, asker, secrets);
    Bench { effects, captured, directory }
}

fn command(line: CommandLine) -> Command {
    Command { line, env: Vec::new(), dir: None, stdin: None, capture: true, stderr: Stderr::Capture }
}

fn shell(text: &str) -> Command {
    command(CommandLine::Shell(text.to_owned()))
}

fn argv(words: &[&str]) -> Command {
    command(CommandLine::Argv(words.iter().map(|word| (*word).to_owned()).collect()))
}

#[tokio::test]
async fn output_status_environment_and_directory() {
    let bench = bench();
    fs::create_dir(bench.directory.path().join("sub dir")).unwrap();
    let mut command = shell("printf '%s|' \"$STAGE\" \"$ONE\" \"${HOME-none}\"; pwd; echo oops >&2; exit 3");
    command.env = vec![("ONE".to_owned(), Some("1".to_owned())), ("STAGE".to_owned(), Some("other".to_owned()))];
    command.dir = Some("sub dir".to_owned());
    let finished = bench.effects.run_process(command).await.unwrap();
    let pwd = fs::canonicalize(bench.directory.path()).unwrap().join("sub dir");
    assert_eq!(String::from_utf8(finished.stdout).unwrap(), format!("other|1|none|{}\n", pwd.display()));
    assert_eq!((finished.status, finished.stderr.as_slice()), (Some(3), b"oops\n".as_slice()));
}

#[tokio::test]
async fn arguments_are_not_interpreted_and_input_is_given() {
    let bench = bench();
    let mut command = argv(&["cat", "-", "/dev/null"]);
    command.stdin = Some(b"in\0put".to_vec());
    assert_eq!(bench.effects.run_process(command).await.unwrap().stdout, b"in\0put");
    let command = argv(&["printf", "%s", "$HOME; `id` '*'"]);
    assert_eq!(bench.effects.run_process(command).await.unwrap().stdout, b"$HOME; `id` '*'");
}

#[tokio::test]
async fn a_program_that_is_missing_is_not_found() {
    let bench = bench();
    for words in [&["no-such-program-here"][..], &["./nothing"], &[""]] {
        let error = bench.effects.run_process(argv(words)).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound, "{error}");
    }
    assert_eq!(bench.effects.run_process(shell("no-such-program-here")).await.unwrap().status, Some(127));
}

#[tokio::test]
async fn what_is_not_captured_is_shown_without_secrets() {
    let bench = bench();
    let mut command = shell("echo to out hunter2; echo to err >&2");
    (command.capture, command.stderr) = (false, Stderr::Inherit);
    let finished = bench.effects.run_process(command).await.unwrap();
    assert_eq!((finished.status, finished.stdout.len()), (Some(0), 0));
    assert_eq!((bench.captured.out().as_str(), bench.captured.err().as_str()), ("to out [secret]\n", "to err\n"));
}

#[tokio::test]
async fn streams_can_be_merged_and_signals_have_numbers() {
    let bench = bench();
    let mut command = shell("echo one; echo two >&2; kill -TERM $$");
    command.stderr = Stderr::Merge;
    let finished = bench.effects.run_process(command).await.unwrap();
    assert_eq!((finished.stdout.as_slice(), finished.stderr.len()), (b"one\ntwo\n".as_slice(), 0));
    assert_eq!((finished.status, finished.signal), (None, Some(15)));
}

#[test]
fn the_environment_is_the_recipes_own() {
    let bench = bench();
    bench.effects.set_env("STAGE", None);
    bench.effects.set_env("NEW", Some("x"));
    assert_eq!(bench.effects.env("STAGE"), None);
    assert_eq!(bench.effects.env("NEW").as_deref(), Some("x"));
    assert!(std::env::var("NEW").is_err());
}

#[test]
fn files_have_kinds_and_modes() {
    let bench = bench();
    let at = |name: &str| bench.directory.path().join(name);
    fs::write(at("file"), "12345").unwrap();
    fs::set_permissions(at("file"), fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink("file", at("link")).unwrap();
    let file = stat(&at("file"), false).unwrap();
    assert_eq!((file.kind, file.size, file.mode), (FileKind::File, 5, 0o640));
    assert_eq!(stat(&at("link"), false).unwrap().kind, FileKind::Symlink);
    assert_eq!(stat(&at("link"), true).unwrap().kind, FileKind::File);
    assert_eq!(stat(&at("."), true).unwrap().kind, FileKind::Directory);
    assert_eq!(bench.effects.path("/abs"), Path::new("/abs"));
}

#[test]
fn random_bits_differ() {
    assert_ne!(random(), random());
}
