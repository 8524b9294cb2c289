//! A recipe of the comparison: a file of Ruby whose `#:` lines say what is done with it.
//!
//! - `#: cap ARGS`: both succeed; what the recipe's commands did and what lies on the hosts is equal.
//! - `#: fails(N) ARGS`: both fail, ours with this code; the rest is equal, but for the failed release (see `Differs`).
//! - `#: differs(KEY) N ARGS`: ours ends with code N; nothing else is compared but by `then` lines. KEY is a difference that
//!   the migration guide lists.
//! - `#: sh HOST TEXT`: on a host, or `all`, once for each tool, with its root in `$ROOT`.
//! - `#: then HOST TEXT => THEIRS | OURS`: what that text prints, once for each tool.
//! - `#: file PATH`: what follows goes to another file of the project.
//! - `#: only VERSION`: for this version of the peer.
//!
//! `@R1`, `@R2`, … stand for the releases (and other names of 14 digits) in the order of their names.

use std::path::{Path, PathBuf};

#[derive(Debug, Clone)]
pub enum Step {
    Same(Vec<String>),
    Fails(i32, Vec<String>),
    Differs(String, i32, Vec<String>),
    Shell(String, String),
    Then { host: String, text: String, theirs: String, ours: String },
}

#[derive(Debug)]
pub struct Case {
    pub name: String,
    pub path: PathBuf,
    pub steps: Vec<Step>,
    /// Files of the project by name; the first is `config/deploy.rb`.
    pub files: Vec<(String, String)>,
    pub only: Option<String>,
}

/// Words between blanks; single quotes keep blanks.
fn words(text: &str) -> Vec<String> {
    let (mut words, mut quoted) = (vec![String::new()], false);
    for letter in text.chars() {
        match letter {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            _ => words.last_mut().unwrap().push(letter),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// `name(inner) rest`.
fn bracketed<'a>(line: &'a str, name: &str) -> Option<(&'a str, &'a str)> {
    line.strip_prefix(name)?.strip_prefix('(')?.split_once(") ")
}

impl Case {
    pub fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let mut case = Case { name, path: path.to_owned(), steps: Vec::new(), files: Vec::new(), only: None };
        case.files.push(("config/deploy.rb".to_owned(), String::new()));
        for line in text.lines() {
            match line.strip_prefix("#: ") {
                Some(order) => case.order(order),
                None => {
                    let (_, file) = case.files.last_mut().unwrap();
                    file.push_str(line);
                    file.push('\n');
                }
            }
        }
        assert!(!case.steps.is_empty(), "{} does nothing", path.display());
        case
    }

    fn order(&mut self, line: &str) {
        let step = if let Some(args) = line.strip_prefix("cap ") {
            Step::Same(words(args))
        } else if let Some((code, args)) = bracketed(line, "fails") {
            Step::Fails(code.parse().unwrap(), words(args))
        } else if let Some((key, rest)) = bracketed(line, "differs") {
            let (code, args) = rest.split_once(' ').unwrap();
            Step::Differs(key.to_owned(), code.parse().unwrap(), words(args))
        } else if let Some(rest) = line.strip_prefix("sh ") {
            let (host, text) = rest.split_once(' ').unwrap();
            Step::Shell(host.to_owned(), text.to_owned())
        } else if let Some(rest) = line.strip_prefix("then ") {
            let (host, rest) = rest.split_once(' ').unwrap();
            let (text, expected) = rest.rsplit_once(" => ").unwrap();
            let (theirs, ours) = expected.split_once(" | ").unwrap();
            let owned = |text: &str| text.trim().to_owned();
            Step::Then { host: owned(host), text: owned(text), theirs: owned(theirs), ours: owned(ours) }
        } else if let Some(path) = line.strip_prefix("file ") {
            self.files.push((path.to_owned(), String::new()));
            return;
        } else if let Some(version) = line.strip_prefix("only ") {
            self.only = Some(version.to_owned());
            return;
        } else {
            panic!("{}: {line}", self.path.display());
        };
        self.steps.push(step);
    }
}

/// The cases of a directory below `tests/peers`, in the order of their names; `CAPSTAN_PEER_CASE` chooses those whose
/// name has it.
pub fn all(directory: &str) -> Vec<Case> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers").join(directory);
    let wanted = std::env::var("CAPSTAN_PEER_CASE").unwrap_or_default();
    let entries = std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|kind| kind == "rb")).collect();
    assert!(paths.len() >= 30, "{} recipes in {}", paths.len(), directory.display());
    paths.sort();
    paths.retain(|path| path.file_stem().unwrap().to_string_lossy().contains(&wanted));
    paths.iter().map(|path| Case::read(path)).collect()
}
