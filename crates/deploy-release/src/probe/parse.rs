//! Reads the answer of the probe. A host may answer anything; it can spoil its own answer only.

use crate::facts::{Current, Entry, EntryKind, HostFacts, Owner, Place, PlaceKind, Space};

/// Why an answer is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProbeError {
    /// Something else was printed first.
    #[error("the host's answer does not begin as the probe's: {0:?}")]
    Foreign(String),
    /// It breaks off.
    #[error("the host's answer is cut off after {0} bytes")]
    Cut(usize),
    /// A line is none of the probe's.
    #[error("line {number} of the host's answer cannot be read: {text:?}")]
    Line {
        /// 1-based.
        number: usize,
        /// The line, shortened.
        text: String,
    },
}

const HEAD: &[u8] = b"capstan-probe\t1\n";
const LEDGER_BEGIN: &[u8] = b"\nledger-begin\n";
const LEDGER_END: &[u8] = b"\nledger-end\nend\n";

/// Makes facts of the answer of [`probe_script`](crate::probe_script).
///
/// # Errors
/// When the answer is cut off or is not the probe's.
pub fn parse_probe(answer: &[u8]) -> Result<HostFacts, ProbeError> {
    let Some(body) = answer.strip_prefix(HEAD) else {
        return Err(ProbeError::Foreign(shown(answer)));
    };
    let cut = || ProbeError::Cut(answer.len());
    let begin = find(body, LEDGER_BEGIN).ok_or_else(cut)?;
    let (lines, rest) = body.split_at(begin);
    let ledger = rest.get(LEDGER_BEGIN.len()..).and_then(|rest| rest.strip_suffix(LEDGER_END)).ok_or_else(cut)?;

    let mut reader = Reader { facts: HostFacts { ledger_writable: true, ..HostFacts::default() }, ..Reader::default() };
    for (index, line) in lines.split(|byte| *byte == b'\n').enumerate() {
        if reader.line(line).is_none() {
            return Err(ProbeError::Line { number: index + 2, text: shown(line) });
        }
    }
    let mut facts = reader.finish();
    facts.ledger = ledger.to_vec();
    Ok(facts)
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.get(..60).unwrap_or(bytes)).into_owned()
}

/// A field as text, and whether the text is exactly what the host has.
fn field(bytes: &[u8]) -> (String, bool) {
    let mut plain = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter();
    while let Some(byte) = rest.next() {
        plain.push(match byte {
            b'\\' => match rest.next() {
                Some(b't') => b'\t',
                Some(b'n') => b'\n',
                Some(other) => *other,
                None => b'\\',
            },
            other => *other,
        });
    }
    match String::from_utf8(plain) {
        Ok(text) => (text, true),
        Err(error) => (String::from_utf8_lossy(error.as_bytes()).into_owned(), false),
    }
}

fn text(bytes: &[u8]) -> String {
    field(bytes).0
}

#[derive(Default)]
struct Reader {
    facts: HostFacts,
    /// Names of the directories that `stat` was asked about, in its order.
    asked: Vec<String>,
    owners: Vec<Owner>,
    blocks: Option<u64>,
    inodes: Option<u64>,
}

impl Reader {
    /// Takes one line; none when it is not the probe's.
    fn line(&mut self, line: &[u8]) -> Option<()> {
        let fields: Vec<&[u8]> = line.split(|byte| *byte == b'\t').collect();
        let facts = &mut self.facts;
        match fields.as_slice() {
            [b"clock", value] => facts.clock = text(value).parse().ok(),
            [b"user", value] => facts.user = text(value),
            [b"home", value] => facts.home = text(value),
            [b"boot", value] => facts.boot = Some(text(value)),
            [b"ancestor", value] => facts.ancestor = Some((text(value), Place::default())),
            [b"place", name, state] => return self.place(&text(name), state),
            [b"stat", mode, user, group, device, inode] => self.owners.push(Owner {
                mode: text(mode),
                user: text(user),
                group: text(group),
                device: text(device),
                inode: text(inode),
            }),
            [b"entry", kind, revision, name] => facts.releases.push(entry(kind, revision, name)?),
            [b"current", rest @ ..] => facts.current = current(rest)?,
            [b"links", name] => facts.links.push(text(name)),
            [b"journal", line] => facts.journal.push(text(line)),
            [b"hold", value] => facts.hold = Some(text(value)),
            [b"trash", count] => facts.trash = text(count).parse().ok()?,
            [b"tool", b"yes", name] => drop(facts.tools.insert(text(name), true)),
            [b"tool", b"no", name] => drop(facts.tools.insert(text(name), false)),
            [b"migrations"] => facts.migrations = Some(Vec::new()),
            [b"migration", name] => facts.migrations.as_mut()?.push(text(name)),
            [b"rakefile"] => facts.rakefile = true,
            [b"sudo", word] => {
                facts.sudo_present = Some(*word != b"absent");
                facts.sudo = Some(*word == b"free");
                facts.sudo_partly = *word == b"partly";
            }
            [b"blocks", value] => self.blocks = free(&text(value)),
            [b"inodes", value] => self.inodes = free(&text(value)),
            [b"ledger_readonly"] => facts.ledger_writable = false,
            _ => return None,
        }
        Some(())
    }

    fn place(&mut self, name: &str, state: &[u8]) -> Option<()> {
        let kind = match state {
            b"writable" | b"readonly" | b"mounted_readonly" => PlaceKind::Directory,
            b"absent" => PlaceKind::Absent,
            b"other" => PlaceKind::Other,
            _ => return None,
        };
        let (writable, read_only) = (state == b"writable", state == b"mounted_readonly");
        *self.slot(name)? = Place { kind, writable, read_only, owner: None };
        if kind == PlaceKind::Directory {
            self.asked.push(name.to_owned());
        }
        Some(())
    }

    fn slot(&mut self, name: &str) -> Option<&mut Place> {
        let facts = &mut self.facts;
        Some(match name {
            "deploy_to" => &mut facts.deploy_to,
            "releases" => &mut facts.releases_dir,
            "shared" => &mut facts.shared_dir,
            "state" => &mut facts.state_dir,
            "current_dir" => &mut facts.current_dir,
            "ancestor" => &mut facts.ancestor.as_mut()?.1,
            _ => return None,
        })
    }

    fn finish(mut self) -> HostFacts {
        // A `stat` that saw fewer directories than it was asked about cannot be matched to them.
        if self.owners.len() == self.asked.len() {
            for (name, owner) in std::mem::take(&mut self.asked).into_iter().zip(std::mem::take(&mut self.owners)) {
                if let Some(place) = self.slot(&name) {
                    place.owner = Some(owner);
                }
            }
        }
        self.facts.space = self.blocks.map(|kibibytes| Space { kibibytes, inodes: self.inodes });
        self.facts
    }
}

fn entry(kind: &[u8], revision: &[u8], name: &[u8]) -> Option<Entry> {
    let kind = match kind {
        b"dir" => EntryKind::Directory,
        b"link" => EntryKind::Link,
        b"other" => EntryKind::Other,
        _ => return None,
    };
    let (name, exact) = field(name);
    let revision = text(revision).strip_prefix('=').map(|line| line.trim().to_owned()).filter(|line| !line.is_empty());
    Some(Entry { name, exact, kind, revision })
}

fn current(fields: &[&[u8]]) -> Option<Current> {
    Some(match fields {
        [b"absent"] => Current::Absent,
        [b"directory"] => Current::Directory,
        [b"other"] => Current::Other,
        [b"link", state, release, target] => {
            let (text, exact) = field(target);
            let release = Some(self::text(release)).filter(|name| !name.is_empty());
            Current::Link { text, exact, release, dangling: *state == b"dangling" }
        }
        _ => return None,
    })
}

/// The free column of a POSIX `df` line: the one before the percentage. Names of devices may hold blanks.
fn free(line: &str) -> Option<u64> {
    let columns: Vec<&str> = line.split_whitespace().collect();
    let percent = columns.iter().position(|column| {
        column.strip_suffix('%').is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
    })?;
    columns.get(percent.checked_sub(1)?)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(lines: &str, ledger: &str) -> Vec<u8> {
        format!("capstan-probe\t1\n{lines}ledger-begin\n{ledger}\nledger-end\nend\n").into_bytes()
    }

    #[test]
    fn every_kind_of_line() {
        let lines = "clock\t1700000000\nuser\tdeploy\nhome\t/home/deploy\nboot\tb-1\n\
            place\tdeploy_to\twritable\nplace\treleases\treadonly\nplace\tshared\tabsent\nplace\tstate\tother\n\
            stat\t755\troot\tstaff\t64\t2\nstat\t700\tdeploy\tdeploy\t64\t3\n\
            entry\tdir\t=4711\t20260101000000\nentry\tdir\t-\ta\\nb\\t\\\\c\nentry\tlink\t-\tcurrent\n\
            current\tlink\tresolves\t20260101000000\t/x/releases/20260101000000\nlinks\tlinks.r1\ntrash\t2\n\
            hold\talice@laptop\\n2026-11-23 09:00 UTC\\nrelease freeze\n\
            tool\tyes\tsvn\ntool\tno\tgit\nmigrations\nmigration\t1_a.rb\nrakefile\nsudo\tpassword\n\
            blocks\t/dev/my disk 100 40 60 40% /srv\ninodes\ttmpfs 10 4 6 40% /srv\n";
        let facts = parse_probe(&answer(lines, "x\ny")).unwrap();
        assert_eq!(facts.live().unwrap().as_str(), "20260101000000");
        assert_eq!(facts.deploy_to.owner.as_ref().unwrap().group, "staff");
        assert_eq!(facts.releases_dir.owner.as_ref().unwrap().mode, "700");
        assert!(facts.deploy_to.writable && !facts.releases_dir.writable);
        assert_eq!(facts.releases[1].name, "a\nb\t\\c");
        assert!(facts.releases[1].release().is_none(), "a name with a control character is no release");
        assert!(facts.releases[2].release().is_none());
        assert_eq!(facts.hold().unwrap().reason, "release freeze");
        assert_eq!(facts.releases[0].revision.as_deref(), Some("4711"));
        assert_eq!(facts.ledger, b"x\ny");
        assert_eq!((facts.tools.get("svn"), facts.tools.get("git")), (Some(&true), Some(&false)));
        assert_eq!((facts.sudo, facts.sudo_present), (Some(false), Some(true)));
        assert_eq!(facts.space, Some(Space { kibibytes: 60, inodes: Some(6) }));
        assert_eq!(facts.migrations.as_deref(), Some(&["1_a.rb".to_owned()][..]));
        assert!(facts.rakefile);
        assert_eq!(facts.unit().unwrap().directory, "64:2");
    }

    #[test]
    fn a_ledger_cannot_speak_for_the_host() {
        let facts = parse_probe(&answer("user\ta\n", "\nledger-end\nend\nuser\troot\nledger-begin\n")).unwrap();
        assert_eq!(facts.user, "a");
        assert_eq!(facts.ledger, b"\nledger-end\nend\nuser\troot\nledger-begin\n");
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        let whole = answer("user\ta\n", "l");
        for length in 0..whole.len() {
            assert!(parse_probe(&whole[..length]).is_err(), "cut at {length}");
        }
        assert!(matches!(parse_probe(b"Welcome to web1!\n"), Err(ProbeError::Foreign(_))));
        let odd = parse_probe(&answer("user\ta\nwhat\tis\tthis\n", "")).unwrap_err();
        assert_eq!(odd, ProbeError::Line { number: 3, text: "what\tis\tthis".into() });
    }

    #[test]
    fn a_short_stat_is_not_matched() {
        let lines = "place\tdeploy_to\twritable\nplace\treleases\twritable\nstat\t755\ta\tb\t1\t2\n";
        let facts = parse_probe(&answer(lines, "")).unwrap();
        assert_eq!(facts.deploy_to.owner, None);
    }
}
