//! Quoting, by round trip through every shell.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::process::Command;

use deploy_shell::{quote, quote_bytes};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::hosts::shell;

/// Arguments for each round; together with the rounds more than 20 000.
const BATCH: usize = 500;
const ROUNDS: u32 = 42;

fn shells() -> Vec<(&'static str, PathBuf, Vec<&'static str>)> {
    let wanted = [("dash", vec![]), ("bash", vec![]), ("bash", vec!["--posix"]), ("busybox", vec!["sh"])];
    wanted.into_iter().filter_map(|(name, args)| Some((name, shell(name)?, args))).collect()
}

/// What the shell makes of these words, each as an argument of its own.
fn echo(shell: &(&str, PathBuf, Vec<&str>), words: &[Vec<u8>], locale: &str) -> Vec<Vec<u8>> {
    let mut text = b"printf '%s\\0'".to_vec();
    for word in words {
        text.push(b' ');
        text.extend(word);
    }
    let run = Command::new(&shell.1)
        .args(&shell.2)
        .arg("-c")
        .arg(OsStr::from_bytes(&text))
        .env("LC_ALL", locale)
        .output()
        .unwrap();
    assert!(run.status.success(), "{}: {}", shell.0, String::from_utf8_lossy(&run.stderr));
    let mut out: Vec<Vec<u8>> = run.stdout.split(|&b| b == 0).map(<[u8]>::to_vec).collect();
    assert_eq!(out.pop(), Some(Vec::new()));
    out
}

fn argument() -> impl Strategy<Value = Vec<u8>> {
    let nasty = || {
        proptest::sample::select(vec![
            "'",
            "\"",
            "\\",
            "$",
            "`",
            "!",
            "\n",
            "\r",
            "\t",
            " ",
            ";",
            "&",
            "|",
            "<",
            ">",
            "(",
            ")",
            "{",
            "}",
            "*",
            "?",
            "[",
            "]",
            "~",
            "#",
            "=",
            "%",
            "-",
            "--",
            "a",
            "1",
            "$(id)",
            "${IFS}",
            "'\\''",
            "\\'",
            "\u{1b}[0m",
            "\u{7f}",
            "é",
            "\u{202e}",
            "\u{feff}",
            "\u{10348}",
            "e\u{301}",
            "\u{85}",
            "\u{a0}",
            ",",
            "^",
            "@",
        ])
    };
    prop_oneof![
        4 => proptest::collection::vec(nasty(), 0..12).prop_map(|parts| parts.concat().into_bytes()),
        3 => any::<String>().prop_map(|s| s.replace('\0', "").into_bytes()),
        2 => proptest::collection::vec(1..=255u8, 0..40),
        1 => "[-_./:,@%+=a-zA-Z0-9]{1,30}".prop_map(String::into_bytes),
    ]
}

#[test]
fn every_argument_comes_back_from_every_shell() {
    for shell in shells() {
        let mut runner = TestRunner::new(Config { cases: ROUNDS, failure_persistence: None, ..Config::default() });
        let strategy = proptest::collection::vec(argument(), BATCH);
        let locales = ["C", "C.UTF-8"];
        runner
            .run(&strategy, |arguments| {
                let words: Vec<Vec<u8>> = arguments
                    .iter()
                    .map(|a| match std::str::from_utf8(a) {
                        Ok(text) => quote(text).unwrap().into_bytes(),
                        Err(_) => quote_bytes(a).unwrap(),
                    })
                    .collect();
                for locale in locales {
                    let back = echo(&shell, &words, locale);
                    if let Some(at) = (0..BATCH).find(|&i| back.get(i) != Some(&arguments[i])) {
                        let (sent, got) =
                            (arguments[at].escape_ascii(), back.get(at).map(|b| b.escape_ascii().to_string()));
                        prop_assert!(false, "{} in {locale}: `{sent}` came back as {got:?}", shell.0);
                    }
                    prop_assert_eq!(back.len(), BATCH);
                }
                Ok(())
            })
            .unwrap();
    }
}

#[test]
fn a_quoted_word_is_a_command_name_wherever_it_stands() {
    for shell in shells() {
        for word in ["if", "function", "{", "}", "!", "A=b", "~", "in", "case", "select", "coproc", "-x=1"] {
            let text = format!(": ; {} 2>/dev/null; echo $?", quote(word).unwrap());
            let run =
                Command::new(&shell.1).args(&shell.2).args(["-c", &text]).env("PATH", "/nonexistent").output().unwrap();
            assert_eq!(String::from_utf8_lossy(&run.stdout), "127\n", "{}: {word}", shell.0);
        }
    }
}
