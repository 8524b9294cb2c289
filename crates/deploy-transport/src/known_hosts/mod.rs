//! Which host keys are trusted: reading, judging and extending known_hosts files.
//!
//! The rules are OpenSSH's: several files, hashed names, patterns with negation, `[host]:port`, the markers
//! `@revoked` and `@cert-authority`. A host on another port than 22 is also known if the name without a port is known
//! with the very same key. Lines that cannot be read are skipped.

mod append;
mod krl;
mod line;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use data_encoding::{BASE64, BASE64_NOPAD};
use ring::digest;

pub use append::append;
use krl::Krl;
pub(crate) use line::key_type_of;
use line::{Line, Marker};

/// The SHA-256 fingerprint of a key, shown as ssh shows it: `SHA256:…`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint of a key in the encoding of the protocol.
    pub fn of_key(key: &[u8]) -> Self {
        let mut bytes = [0; 32];
        for (to, from) in bytes.iter_mut().zip(digest::digest(&digest::SHA256, key).as_ref()) {
            *to = *from;
        }
        Self(bytes)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SHA256:{}", BASE64_NOPAD.encode(&self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A key that is recorded for a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedKey {
    /// The file.
    pub file: PathBuf,
    /// The line, counted from 1; 0 in a binary list, which has none.
    pub line: usize,
    /// The type, such as `ssh-ed25519`.
    pub key_type: String,
    /// The fingerprint.
    pub fingerprint: Fingerprint,
}

impl RecordedKey {
    /// `file:line`.
    pub fn place(&self) -> String {
        match self.line {
            0 => self.file.display().to_string(),
            line => format!("{}:{line}", self.file.display()),
        }
    }
}

/// What the files say about a key that a host showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// The key is recorded for the host.
    Known(RecordedKey),
    /// Nothing is recorded for the host.
    Unknown,
    /// Only keys of other types are recorded for the host.
    OtherType(Vec<RecordedKey>),
    /// Another key of the same type is recorded for the host.
    Changed(Vec<RecordedKey>),
    /// The key is marked as revoked.
    Revoked(RecordedKey),
    /// Authorities are recorded for the host, but no plain key: it should show a certificate.
    Authority(Vec<RecordedKey>),
}

/// The content of one or more known_hosts files.
#[derive(Debug, Clone, Default)]
pub struct KnownHosts {
    files: Vec<(PathBuf, Vec<Line>)>,
    /// Keys that are refused for every host.
    revoked: Vec<RevokedKey>,
    /// The same as binary lists.
    lists: Vec<(PathBuf, Krl)>,
}

#[derive(Debug, Clone)]
struct RevokedKey {
    key: Vec<u8>,
    recorded: RecordedKey,
}

impl KnownHosts {
    /// Reads files. One that does not exist counts as empty; one that cannot be read is an error.
    pub fn read<P: AsRef<Path>>(files: impl IntoIterator<Item = P>) -> Result<Self, (PathBuf, io::Error)> {
        let mut all = Self::default();
        for file in files {
            let file = file.as_ref();
            match std::fs::read(file) {
                Ok(content) => all.add(file, &String::from_utf8_lossy(&content)),
                Err(error) if is_absent(&error) => all.add(file, ""),
                Err(error) => return Err((file.to_owned(), error)),
            }
        }
        Ok(all)
    }

    /// Adds the content of one more file.
    pub fn add(&mut self, file: &Path, content: &str) {
        let lines = content.lines().enumerate().filter_map(|(index, text)| Line::parse(index + 1, text)).collect();
        self.files.push((file.to_owned(), lines));
    }

    /// Reads keys that are refused for every host (`RevokedHostKeys`): public keys, one per line, or OpenSSH's binary list. A
    /// file that is missing, or a list of which nothing can be made, is an error: it must not open the door.
    pub fn read_revoked(&mut self, path: &Path) -> io::Result<()> {
        let content = std::fs::read(path)?;
        if content.starts_with(b"SSHKRL") {
            let list = Krl::parse(&content).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            self.lists.push((path.to_owned(), list));
            return Ok(());
        }
        for (index, text) in String::from_utf8_lossy(&content).lines().enumerate() {
            // As a line for every host.
            if let Some(line) = Line::parse(index + 1, &format!("* {}", text.trim())) {
                self.revoked.push(RevokedKey { recorded: recorded(path, &line), key: line.key });
            }
        }
        Ok(())
    }

    /// The line that revokes a key, for this host or for all.
    pub fn revoked(&self, host: &str, port: u16, key: &[u8]) -> Option<RecordedKey> {
        let everywhere = self.revoked.iter().find(|revoked| revoked.key == key).map(|revoked| revoked.recorded.clone());
        let name = name_with_port(host, port);
        let is_it = |line: &Line| line.marker == Marker::Revoked && line.key == key;
        let here = |name: &str| {
            let line = self.lines_matching(name).find(|(_, line)| is_it(line))?;
            Some(recorded(line.0, line.1))
        };
        let listed = || {
            let (file, _) = self.lists.iter().find(|(_, list)| list.has_key(key))?;
            Some(in_list(file, key))
        };
        everywhere.or_else(listed).or_else(|| here(&name)).or_else(|| here(host))
    }

    /// The list that revokes a certificate by its number or its name. Its key and its authority's are asked for by
    /// [`revoked`](Self::revoked).
    pub fn revoked_certificate(&self, authority: &[u8], serial: u64, id: &str) -> Option<RecordedKey> {
        let found = self.lists.iter().find(|(_, list)| list.has_certificate(authority, serial, id.as_bytes()));
        found.map(|(file, _)| in_list(file, authority))
    }

    /// The authorities that may sign certificates for a host.
    pub fn authorities(&self, host: &str, port: u16) -> Vec<(RecordedKey, Vec<u8>)> {
        let name = name_with_port(host, port);
        let names = [name.as_str(), host];
        let names = names.iter().take(if port == DEFAULT_PORT { 1 } else { 2 });
        let mut found = Vec::new();
        for name in names {
            let lines = self.lines_matching(name).filter(|(_, line)| line.marker == Marker::CertAuthority);
            found.extend(lines.map(|(file, line)| (recorded(file, line), line.key.clone())));
        }
        found
    }

    /// The files that were read.
    pub fn files(&self) -> Vec<PathBuf> {
        self.files.iter().map(|(file, _)| file.clone()).collect()
    }

    fn lines_matching<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a Path, &'a Line)> {
        self.files
            .iter()
            .flat_map(|(file, lines)| lines.iter().map(move |line| (file.as_path(), line)))
            .filter(move |(_, line)| line.matches(name))
    }

    /// Judges the key that a host showed.
    pub fn judge(&self, host: &str, port: u16, key: &[u8]) -> Decision {
        if let Some(recorded) = self.revoked(host, port, key) {
            return Decision::Revoked(recorded);
        }
        let decision = self.judge_name(&name_with_port(host, port), key);
        let open = !matches!(decision, Decision::Known(_) | Decision::Revoked(_) | Decision::Changed(_));
        if port != DEFAULT_PORT && open {
            // As in OpenSSH: the name without a port can make a key known or revoked, but not "changed".
            if let found @ (Decision::Known(_) | Decision::Revoked(_)) = self.judge_name(host, key) {
                return found;
            }
        }
        decision
    }

    fn judge_name(&self, name: &str, key: &[u8]) -> Decision {
        let key_type = key_type_of(key).unwrap_or_default();
        let (mut known, mut same_type, mut other_types, mut authorities) = (None, vec![], vec![], vec![]);
        for (file, line) in self.lines_matching(name) {
            let recorded = recorded(file, line);
            match line.marker {
                // A revoked key is refused wherever else it is listed.
                Marker::Revoked if line.key == key => return Decision::Revoked(recorded),
                Marker::Revoked => {}
                Marker::CertAuthority => authorities.push(recorded),
                Marker::None if line.key == key => known = known.or(Some(recorded)),
                Marker::None if line.key_type == key_type => same_type.push(recorded),
                Marker::None => other_types.push(recorded),
            }
        }
        if let Some(known) = known {
            Decision::Known(known)
        } else if !same_type.is_empty() {
            Decision::Changed(same_type)
        } else if !other_types.is_empty() {
            Decision::OtherType(other_types)
        } else if !authorities.is_empty() {
            Decision::Authority(authorities)
        } else {
            Decision::Unknown
        }
    }

    /// The key types recorded for a host, in order and without repetition: what to ask the server for first, so that a
    /// second host key does not look like a change.
    pub fn key_types(&self, host: &str, port: u16) -> Vec<String> {
        let mut types: Vec<String> = Vec::new();
        let name = name_with_port(host, port);
        let names = [name.as_str(), host];
        for name in names.iter().take(if port == DEFAULT_PORT { 1 } else { 2 }) {
            for (_, line) in self.lines_matching(name) {
                if line.marker == Marker::None && !types.contains(&line.key_type) {
                    types.push(line.key_type.clone());
                }
            }
        }
        types
    }

    /// The lines by which a host is trusted here, rewritten so that they name exactly this host and port. Meant for
    /// handing this trust on, for instance to a `git` that runs on another machine.
    pub fn lines_for(&self, host: &str, port: u16) -> Vec<String> {
        let name = name_with_port(host, port);
        let mut lines: Vec<String> = Vec::new();
        let mut has_plain_key = false;
        for searched in [name.as_str(), host] {
            // As when we connect: the name without a port counts only where the port has no key of its own.
            if has_plain_key {
                break;
            }
            for (_, line) in self.lines_matching(searched) {
                has_plain_key |= line.marker == Marker::None;
                let text = line.rewritten_for(&name);
                if !lines.contains(&text) {
                    lines.push(text);
                }
            }
        }
        lines
    }
}

const DEFAULT_PORT: u16 = 22;

/// The name under which a host on this port is recorded.
pub(crate) fn name_with_port(host: &str, port: u16) -> String {
    let host = host.to_ascii_lowercase();
    if port == DEFAULT_PORT { host } else { format!("[{host}]:{port}") }
}

/// The line that makes a key known.
pub(crate) fn line_for(host: &str, port: u16, key: &[u8]) -> String {
    let key_type = key_type_of(key).unwrap_or("unknown");
    format!("{} {key_type} {}", name_with_port(host, port), BASE64.encode(key))
}

/// A key of a binary list.
fn in_list(file: &Path, key: &[u8]) -> RecordedKey {
    RecordedKey {
        file: file.to_owned(),
        line: 0,
        key_type: key_type_of(key).unwrap_or("unknown").to_owned(),
        fingerprint: Fingerprint::of_key(key),
    }
}

fn recorded(file: &Path, line: &Line) -> RecordedKey {
    RecordedKey {
        file: file.to_owned(),
        line: line.number,
        key_type: line.key_type.clone(),
        fingerprint: line.fingerprint(),
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
