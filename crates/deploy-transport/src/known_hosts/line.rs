//! One line of a known_hosts file.

use data_encoding::{BASE64, BASE64_NOPAD};
use ring::hmac;

use crate::known_hosts::Fingerprint;
use crate::pattern::{self, ListMatch};

/// The word before the host names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Marker {
    None,
    CertAuthority,
    Revoked,
}

/// A line that we could read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) number: usize,
    pub(crate) marker: Marker,
    /// The host names as written: a list of patterns or one hashed name.
    pub(crate) hosts: String,
    pub(crate) key_type: String,
    /// The key in the encoding of the protocol, without the comment.
    pub(crate) key: Vec<u8>,
}

impl Line {
    /// Reads one line. `None` for empty lines, comments, and everything that cannot be read: one bad line must not
    /// hide the others.
    pub(crate) fn parse(number: usize, text: &str) -> Option<Self> {
        let text = text.trim_matches([' ', '\t', '\r']);
        if text.is_empty() || text.starts_with('#') {
            return None;
        }
        let (first, rest) = split_word(text);
        let (marker, hosts, rest) = match first {
            "@cert-authority" => with_hosts(Marker::CertAuthority, rest),
            "@revoked" => with_hosts(Marker::Revoked, rest),
            word if word.starts_with('@') => return None,
            word => (Marker::None, word, rest),
        };
        let (key_type, rest) = split_word(rest);
        let (key, _comment) = split_word(rest);
        let key = decode_base64(key)?;
        // The type stands twice, in clear and in the key; a line where they differ is damaged.
        if key_type_of(&key)? != key_type {
            return None;
        }
        Some(Self { number, marker, hosts: hosts.to_owned(), key_type: key_type.to_owned(), key })
    }

    /// Is the line about `name`, which is a host name or `[host]:port`?
    pub(crate) fn matches(&self, name: &str) -> bool {
        match self.hosts.strip_prefix("|1|") {
            Some(hashed) => matches_hash(hashed, &name.to_ascii_lowercase()),
            None => pattern::matches_host_list(name, &self.hosts) == ListMatch::Yes,
        }
    }

    /// The same trust for exactly one name.
    pub(crate) fn rewritten_for(&self, name: &str) -> String {
        let marker = match self.marker {
            Marker::None => "",
            Marker::CertAuthority => "@cert-authority ",
            Marker::Revoked => "@revoked ",
        };
        format!("{marker}{name} {} {}", self.key_type, BASE64.encode(&self.key))
    }

    pub(crate) fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of_key(&self.key)
    }
}

fn with_hosts(marker: Marker, rest: &str) -> (Marker, &str, &str) {
    let (hosts, rest) = split_word(rest);
    (marker, hosts, rest)
}

/// The first word and what follows it. Words are separated by spaces and tabs.
fn split_word(text: &str) -> (&str, &str) {
    let text = text.trim_start_matches([' ', '\t']);
    text.split_once([' ', '\t']).unwrap_or((text, ""))
}

fn decode_base64(text: &str) -> Option<Vec<u8>> {
    if text.is_empty() {
        return None;
    }
    BASE64.decode(text.as_bytes()).or_else(|_| BASE64_NOPAD.decode(text.as_bytes())).ok()
}

/// The type that stands at the beginning of an encoded key.
pub(crate) fn key_type_of(key: &[u8]) -> Option<&str> {
    let (length, rest) = key.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    std::str::from_utf8(rest.get(..length)?).ok()
}

/// `SALT|HASH`, both in base64: HMAC-SHA1 of the name with the salt as key.
fn matches_hash(hashed: &str, name: &str) -> bool {
    let Some((salt, hash)) = hashed.split_once('|') else {
        return false;
    };
    let (Some(salt), Some(hash)) = (decode_base64(salt), decode_base64(hash)) else {
        return false;
    };
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &salt);
    hmac::verify(&key, name.as_bytes(), &hash).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";

    fn parse(text: &str) -> Option<Line> {
        Line::parse(1, text)
    }

    #[test]
    fn tabs_markers_and_comments() {
        let line = parse(&format!("\t@revoked\tweb1,[web2]:2222  ssh-ed25519\t{KEY} a comment")).unwrap();
        assert_eq!(line.marker, Marker::Revoked);
        assert!(line.matches("WEB1") && line.matches("[web2]:2222"));
        assert!(!line.matches("web2"));
        assert_eq!(line.key_type, "ssh-ed25519");
    }

    #[test]
    fn unreadable_lines_are_skipped() {
        let bad =
            ["", "  # comment", "web1", "web1 ssh-ed25519", "web1 ssh-ed25519 %%%%", "@unknown web1 ssh-ed25519 AAAA"];
        for text in bad {
            assert_eq!(parse(text), None, "{text:?}");
        }
        assert_eq!(parse(&format!("web1 ssh-rsa {KEY}")), None, "types that differ");
    }

    #[test]
    fn a_hash_made_elsewhere_matches() {
        let salt = [7u8; 20];
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &salt);
        let hash = hmac::sign(&key, b"web1.example");
        let text = format!("|1|{}|{} ssh-ed25519 {KEY}", BASE64.encode(&salt), BASE64.encode(hash.as_ref()));
        let line = parse(&text).unwrap();
        assert!(line.matches("Web1.Example"));
        assert!(!line.matches("web2.example"));
    }
}
