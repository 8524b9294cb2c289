//! One record is one line: version, checksum, kind, then the fields, separated by tabs.
//!
//! A line is believed only if its checksum is right. A torn last line, a block of zeros after a power cut and two
//! lines run together are recognised; what can be saved is saved, the rest is reported and skipped.

use deploy_plan::{LedgerEntry, Mark, ReleaseId, ReleaseState, Revision, RunId, When};

const VERSION: &str = "cap1";

/// A mark that a person set or took away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkEntry {
    /// The release.
    pub release: ReleaseId,
    /// Which mark.
    pub mark: Mark,
    /// Whether it is set (or taken away).
    pub set: bool,
    /// Who.
    pub by: String,
    /// When.
    pub at: When,
}

/// One believed line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LedgerLine {
    /// What a release became.
    Release(LedgerEntry),
    /// A mark.
    Mark(MarkEntry),
}

/// The line of a record, without its end.
#[must_use]
pub fn ledger_line(entry: &LedgerEntry) -> String {
    let revision = entry.revision.as_ref().map_or("-", Revision::as_str);
    seal(&[
        "release",
        &entry.sequence.to_string(),
        entry.state.word(),
        entry.release.as_str(),
        revision,
        entry.run.as_str(),
        &entry.by,
        &entry.at.0,
    ])
}

/// The line of a mark, without its end.
#[must_use]
pub fn mark_line(entry: &MarkEntry) -> String {
    let change = if entry.set { "set" } else { "clear" };
    seal(&["mark", change, mark_word(entry.mark), entry.release.as_str(), &entry.by, &entry.at.0])
}

fn mark_word(mark: Mark) -> &'static str {
    match mark {
        Mark::Bad => "bad",
        Mark::Pinned => "pinned",
    }
}

fn seal(fields: &[&str]) -> String {
    let escaped: Vec<String> = fields.iter().map(|field| escape(field)).collect();
    let payload = escaped.join("\t");
    format!("{VERSION}\t{:08x}\t{payload}", checksum(payload.as_bytes()))
}

fn escape(field: &str) -> String {
    field.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n")
}

fn unescape(field: &str) -> String {
    let mut plain = String::with_capacity(field.len());
    let mut rest = field.chars();
    while let Some(c) = rest.next() {
        match c {
            '\\' => match rest.next() {
                Some('t') => plain.push('\t'),
                Some('n') => plain.push('\n'),
                Some(other) => plain.push(other),
                None => plain.push('\\'),
            },
            other => plain.push(other),
        }
    }
    plain
}

/// CRC-32 as in zlib: guards against torn and garbled lines, not against people.
pub(crate) fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
        }
    }
    !crc
}

/// Reads a ledger. Lines that cannot be believed are skipped, and sentences say which.
#[must_use]
pub fn parse_ledger(bytes: &[u8]) -> (Vec<LedgerLine>, Vec<String>) {
    let mut lines = Vec::new();
    let mut warnings = Vec::new();
    let mut unread: Vec<(&str, Vec<String>)> = Vec::new();
    let whole = bytes.last().is_none_or(|byte| *byte == b'\n');
    let mut raw: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    // What follows the last newline is no line, or a torn one.
    let torn = raw.pop().filter(|_| !whole);
    for (index, line) in raw.iter().enumerate() {
        if line.is_empty() {
            continue;
        }
        match believe(line) {
            Ok((entry, None)) => lines.push(entry),
            Ok((entry, Some(lost))) => {
                lines.push(entry);
                warnings
                    .push(format!("line {} of the ledger begins with {lost} torn bytes, which are ignored", index + 1));
            }
            Err(why) => match unread.iter_mut().find(|(known, _)| *known == why) {
                Some((_, numbers)) => numbers.push((index + 1).to_string()),
                None => unread.push((why, vec![(index + 1).to_string()])),
            },
        }
    }
    warnings.extend(unread.iter().map(|(why, numbers)| unread_lines(why, numbers)));
    if let Some(line) = torn {
        // Complete but for its newline: the record was written, only its end is missing.
        match believe(line) {
            Ok((entry, _)) => lines.push(entry),
            Err(_) => warnings.push(format!("the last {} bytes of the ledger are torn and are ignored", line.len())),
        }
    }
    (lines, warnings)
}

/// Of a few lines each is named.
fn unread_lines(why: &str, numbers: &[String]) -> String {
    match numbers {
        [one] => format!("line {one} of the ledger {why} and is ignored"),
        few if few.len() <= 5 => format!("lines {} of the ledger are ignored: each {why}", few.join(", ")),
        many => {
            let (first, count) = (many.first().map_or("", String::as_str), many.len());
            format!("{count} lines of the ledger are ignored, from line {first} on: each {why}")
        }
    }
}

/// The record of a line. A record that was appended to a torn one is found at its own beginning.
fn believe(line: &[u8]) -> Result<(LedgerLine, Option<usize>), &'static str> {
    let first = one(line);
    if first.is_ok() {
        return first.map(|entry| (entry, None));
    }
    let mark = format!("{VERSION}\t");
    let mark = mark.as_bytes();
    let later = line.windows(mark.len()).rposition(|window| window == mark).filter(|start| *start > 0);
    if let Some(start) = later
        && let Some(Ok(entry)) = line.get(start..).map(one)
    {
        return Ok((entry, Some(start)));
    }
    first.map(|entry| (entry, None))
}

fn one(line: &[u8]) -> Result<LedgerLine, &'static str> {
    let text = std::str::from_utf8(line).map_err(|_| "is no text")?;
    let Some((VERSION, rest)) = text.split_once('\t') else {
        return Err(if text.starts_with("cap") { "is of another version" } else { "is not a record" });
    };
    let (sum, payload) = rest.split_once('\t').ok_or("is cut off")?;
    if u32::from_str_radix(sum, 16).ok() != Some(checksum(payload.as_bytes())) {
        return Err("has a wrong checksum");
    }
    let fields: Vec<String> = payload.split('\t').map(unescape).collect();
    let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
    let unknown = "has fields of a kind that is not known here";
    match fields.as_slice() {
        ["release", sequence, state, release, revision, run, by, at] => {
            let entry = LedgerEntry {
                sequence: sequence.parse().map_err(|_| unknown)?,
                release: ReleaseId::new(release).map_err(|_| unknown)?,
                state: ReleaseState::from_word(state).ok_or(unknown)?,
                revision: if *revision == "-" { None } else { Some(Revision::new(revision).map_err(|_| unknown)?) },
                run: RunId::new(run).map_err(|_| unknown)?,
                by: (*by).to_owned(),
                at: When((*at).to_owned()),
            };
            Ok(LedgerLine::Release(entry))
        }
        ["mark", change, mark, release, by, at] => {
            let mark = [Mark::Bad, Mark::Pinned].into_iter().find(|m| mark_word(*m) == *mark).ok_or(unknown)?;
            let entry = MarkEntry {
                release: ReleaseId::new(release).map_err(|_| unknown)?,
                mark,
                set: *change == "set",
                by: (*by).to_owned(),
                at: When((*at).to_owned()),
            };
            Ok(LedgerLine::Mark(entry))
        }
        _ => Err(unknown),
    }
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
