//! The journal as text: one record is one line of words, checksum first.
//!
//! Every append begins a line of its own, so a torn record spoils nobody else; a line that cannot be believed is skipped.

use std::fmt::Write as _;

use deploy_plan::{Expect, JournalEntry, JournalEvent, ReleaseId, RunEnd, RunId, When};

use crate::ledger::checksum;

const VERSION: &str = "cap1";

/// The line of a record, without its end. Its words hold no blank, no control character and no backslash.
#[must_use]
pub fn journal_line(entry: &JournalEntry) -> String {
    let mut words = vec![entry.run.to_string(), word_of(&entry.event).to_owned()];
    if let JournalEvent::Begin { release, from, hosts, by, at } = &entry.event {
        let from = match from {
            Expect::Nothing => "nothing".to_owned(),
            Expect::Release(id) => format!("release:{id}"),
            Expect::LinkText(text) => format!("link:{text}"),
        };
        words.extend([release.to_string(), from, hosts.to_string(), by.clone(), at.0.clone()]);
    }
    let payload = words.iter().map(|word| escape(word)).collect::<Vec<_>>().join(" ");
    format!("{VERSION} {:08x} {payload}", checksum(payload.as_bytes()))
}

/// The lines that a record adds, and whether they take the place of all that is there: the journal of a run that is over.
#[must_use]
pub(crate) fn journal_lines(entry: &JournalEntry) -> (Vec<String>, bool) {
    let owe = entry.owes.then(|| journal_line(&JournalEntry::new(entry.run.clone(), JournalEvent::Owe)));
    let replaces = matches!(entry.event, JournalEvent::Begin { .. }) && !entry.owes;
    (owe.into_iter().chain([journal_line(entry)]).collect(), replaces)
}

fn word_of(event: &JournalEvent) -> &'static str {
    match event {
        JournalEvent::Begin { .. } => "begin",
        JournalEvent::Owe => "owe",
        JournalEvent::Migrate => "migrate",
        JournalEvent::Migrated => "migrated",
        JournalEvent::Wave => "wave",
        JournalEvent::Switch => "switch",
        JournalEvent::Restart => "restart",
        JournalEvent::Back => "back",
        JournalEvent::End(RunEnd::Done) => "done",
        JournalEvent::End(RunEnd::Undone) => "undone",
    }
}

fn escape(word: &str) -> String {
    let mut plain = String::with_capacity(word.len());
    for c in word.chars() {
        if c == ' ' || c == '%' || c == '\\' || c.is_control() {
            let _ = write!(plain, "%{:x};", u32::from(c));
        } else {
            plain.push(c);
        }
    }
    if plain.is_empty() { "%;".to_owned() } else { plain }
}

fn unescape(word: &str) -> Option<String> {
    let mut plain = String::with_capacity(word.len());
    let mut rest = word;
    while let Some((before, escaped)) = rest.split_once('%') {
        let (code, after) = escaped.split_once(';')?;
        plain.push_str(before);
        if !code.is_empty() {
            plain.push(char::from_u32(u32::from_str_radix(code, 16).ok()?)?);
        }
        rest = after;
    }
    plain.push_str(rest);
    Some(plain)
}

fn read(line: &str) -> Option<JournalEntry> {
    let (sum, payload) = line.strip_prefix(VERSION)?.strip_prefix(' ')?.split_once(' ')?;
    if u32::from_str_radix(sum, 16).ok() != Some(checksum(payload.as_bytes())) {
        return None;
    }
    let words: Vec<String> = payload.split(' ').map(unescape).collect::<Option<_>>()?;
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (run, event) = match words.as_slice() {
        [run, "begin", release, from, hosts, by, at] => {
            let from = match from.split_once(':') {
                Some(("release", id)) => Expect::Release(ReleaseId::new(id).ok()?),
                Some(("link", text)) => Expect::LinkText(text.to_owned()),
                _ => Expect::Nothing,
            };
            let (hosts, by, at) = (hosts.parse().ok()?, (*by).to_owned(), When((*at).to_owned()));
            (run, JournalEvent::Begin { release: ReleaseId::new(release).ok()?, from, hosts, by, at })
        }
        [run, word] => {
            let known = [
                JournalEvent::Owe,
                JournalEvent::Migrate,
                JournalEvent::Migrated,
                JournalEvent::Wave,
                JournalEvent::Switch,
                JournalEvent::Restart,
                JournalEvent::Back,
                JournalEvent::End(RunEnd::Done),
                JournalEvent::End(RunEnd::Undone),
            ];
            (run, known.into_iter().find(|event| word_of(event) == *word)?)
        }
        _ => return None,
    };
    Some(JournalEntry::new(RunId::new(run).ok()?, event))
}

/// What the journal of a unit says about the last run that began there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journal {
    /// The run.
    pub run: RunId,
    /// The release that it was to make live.
    pub release: ReleaseId,
    /// What was live before.
    pub from: Expect,
    /// On how many hosts.
    pub hosts: usize,
    /// Who ran it.
    pub by: String,
    /// When it began.
    pub at: When,
    /// An earlier run owed the application a restart when it began.
    pub owed: bool,
    /// Migrations had begun.
    pub migrating: bool,
    /// They had ended well.
    pub migrated: bool,
    /// It was not to switch on all hosts at once.
    pub in_waves: bool,
    /// The switch was ordered.
    pub switching: bool,
    /// The restart had begun.
    pub restarting: bool,
    /// It was on its way back.
    pub back: bool,
    /// How it ended; none where it died.
    pub end: Option<RunEnd>,
}

/// Reads a journal. None where no run has begun, or where that cannot be read.
#[must_use]
pub fn fold_journal<'a>(lines: impl IntoIterator<Item = &'a str>) -> Option<Journal> {
    let mut journal: Option<Journal> = None;
    let mut owing: Vec<RunId> = Vec::new();
    for entry in lines.into_iter().filter_map(read) {
        if let JournalEvent::Begin { release, from, hosts, by, at } = entry.event {
            let (migrating, migrated, switching, restarting, back) = (false, false, false, false, false);
            let run = entry.run;
            let owed = owing.contains(&run);
            journal = Some(Journal {
                run,
                release,
                from,
                hosts,
                by,
                at,
                owed,
                migrating,
                migrated,
                in_waves: false,
                switching,
                restarting,
                back,
                end: None,
            });
            continue;
        }
        // It comes before the run's first record, so that the two are never apart.
        if entry.event == JournalEvent::Owe {
            owing.push(entry.run.clone());
        }
        // A late record of a run that was taken over says nothing about this one.
        let Some(journal) = journal.as_mut().filter(|journal| journal.run == entry.run) else { continue };
        match entry.event {
            JournalEvent::Begin { .. } => {}
            JournalEvent::Owe => journal.owed = true,
            JournalEvent::Migrate => journal.migrating = true,
            JournalEvent::Migrated => journal.migrated = true,
            JournalEvent::Wave => journal.in_waves = true,
            JournalEvent::Switch => journal.switching = true,
            JournalEvent::Restart => journal.restarting = true,
            JournalEvent::Back => journal.back = true,
            JournalEvent::End(end) => journal.end = Some(end),
        }
    }
    journal
}

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;
