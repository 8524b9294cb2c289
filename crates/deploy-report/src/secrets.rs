//! Values that must never be shown: registered when they become known, removed from everything that is shown.

use std::sync::{Arc, PoisonError, RwLock};

use data_encoding::{BASE64, BASE64_NOPAD};

/// What is shown in place of a secret.
const MASK: &[u8] = b"[secret]";

/// Values shorter than this are not masked: they would take ordinary words apart and guard nothing.
const SHORTEST: usize = 4;

/// The secrets of a run, shared by everything that shows text. Clones are handles to the same set.
///
/// A value is masked as it is, and in the forms in which it travels: base64, percent-encoded, inside single-quoted shell
/// text. Values shorter than four bytes are not masked.
///
/// ```
/// let secrets = deploy_report::Secrets::new();
/// secrets.register("hunter2");
/// assert_eq!(secrets.clean("svn --password hunter2 up"), "svn --password [secret] up");
/// assert_eq!(secrets.clean("aHVudGVyMg=="), "[secret]");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Secrets(Arc<RwLock<Patterns>>);

#[derive(Default)]
struct Patterns {
    /// Longest first, so that the first match at a place is the longest.
    texts: Vec<Arc<[u8]>>,
}

impl std::fmt::Debug for Patterns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} patterns", self.texts.len())
    }
}

/// What the patterns say about a place in the bytes.
enum Found {
    /// A secret of this length begins here.
    Secret(usize),
    /// One could begin here: more bytes are needed to know.
    Perhaps,
    Nothing,
}

impl Patterns {
    fn at(&self, rest: &[u8], more: bool) -> Found {
        for text in &self.texts {
            if rest.starts_with(text) {
                return Found::Secret(text.len());
            }
            // Longer patterns come first, so an unfinished longer one wins over a finished shorter one.
            if more && rest.len() < text.len() && text.starts_with(rest) {
                return Found::Perhaps;
            }
        }
        Found::Nothing
    }

    /// Appends `bytes` without secrets; gives the number of bytes that were dealt with.
    fn clean(&self, bytes: &[u8], more: bool, out: &mut Vec<u8>) -> usize {
        if self.texts.is_empty() {
            out.extend_from_slice(bytes);
            return bytes.len();
        }
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            match self.at(rest, more) {
                Found::Secret(length) => {
                    out.extend_from_slice(MASK);
                    at += length;
                }
                Found::Perhaps => break,
                Found::Nothing => {
                    out.extend(rest.first());
                    at += 1;
                }
            }
        }
        at
    }
}

impl Secrets {
    /// No secrets yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on this value is masked. Secrets of several lines are masked line by line, too.
    pub fn register(&self, value: &str) {
        let mut patterns = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let lines = value.lines().map(str::trim).filter(|line| *line != value);
        for form in std::iter::once(value).chain(lines).filter(|v| v.len() >= SHORTEST).flat_map(forms) {
            let form: Arc<[u8]> = form.into();
            if !patterns.texts.contains(&form) {
                patterns.texts.push(form);
            }
        }
        patterns.texts.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    }

    /// A text without the secrets.
    #[must_use]
    pub fn clean(&self, text: &str) -> String {
        let mut out = Vec::with_capacity(text.len());
        self.read(text.as_bytes(), false, &mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    /// A cleaner for bytes that come in pieces.
    #[must_use]
    pub fn stream(&self) -> Scrubber {
        Scrubber { secrets: self.clone(), held: Vec::new() }
    }

    fn read(&self, bytes: &[u8], more: bool, out: &mut Vec<u8>) -> usize {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clean(bytes, more, out)
    }
}

/// Cleans one stream of bytes: a secret is found also where it lies across pieces, so the beginning of what could become
/// one is held back until that is known.
#[derive(Debug)]
pub struct Scrubber {
    secrets: Secrets,
    held: Vec<u8>,
}

impl Scrubber {
    /// Takes a piece and appends what can be shown.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        if self.held.is_empty() {
            let done = self.secrets.read(bytes, true, out);
            self.held.extend_from_slice(bytes.get(done..).unwrap_or_default());
        } else {
            self.held.extend_from_slice(bytes);
            let done = self.secrets.read(&self.held, true, out);
            self.held.drain(..done.min(self.held.len()));
        }
    }

    /// Ends the stream.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        let held = std::mem::take(&mut self.held);
        self.secrets.read(&held, false, out);
    }
}

/// The forms in which a value travels.
fn forms(value: &str) -> Vec<Vec<u8>> {
    let mut forms = vec![value.as_bytes().to_vec()];
    let percent = |upper: bool| {
        let byte = |b: u8| match b {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(b).to_string(),
            _ if upper => format!("%{b:02X}"),
            _ => format!("%{b:02x}"),
        };
        value.bytes().map(byte).collect::<String>().into_bytes()
    };
    forms.extend([percent(true), percent(false), value.replace('\'', "'\\''").into_bytes()]);
    forms.extend([BASE64.encode(value.as_bytes()).into_bytes(), BASE64_NOPAD.encode(value.as_bytes()).into_bytes()]);
    // Inside a longer base64 text (`user:password`) it may begin at any byte of a group of three; only the
    // characters that depend on nothing but the value can be looked for.
    for (lead, skip) in [(0, 0), (1, 2), (2, 3)] {
        let padded = [vec![0; lead], value.as_bytes().to_vec()].concat();
        let whole = padded.len() / 3 * 4;
        let text = BASE64_NOPAD.encode(&padded).into_bytes();
        forms.extend(text.get(skip..whole).filter(|core| core.len() >= 8).map(<[u8]>::to_vec));
    }
    forms
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn streamed(secrets: &Secrets, chunks: &[&[u8]]) -> Vec<u8> {
        let mut scrubber = secrets.stream();
        let mut out = Vec::new();
        for chunk in chunks {
            scrubber.push(chunk, &mut out);
        }
        scrubber.finish(&mut out);
        out
    }

    #[test]
    fn forms_that_travel() {
        let secrets = Secrets::new();
        secrets.register("it's 100% secret");
        for text in [
            "it's 100% secret",
            "it%27s%20100%25%20secret",
            "it'\\''s 100% secret",
            "aXQncyAxMDAlIHNlY3JldA==",
            "aXQncyAxMDAlIHNlY3JldA",
        ] {
            assert_eq!(secrets.clean(&format!("<{text}>")), "<[secret]>", "{text}");
        }
        // Basic authentication: base64 of "deploy:it's 100% secret" and of "me:it's 100% secret".
        for text in ["deploy:it's 100% secret", "me:it's 100% secret"] {
            let shown = secrets.clean(&BASE64.encode(text.as_bytes()));
            assert!(shown.contains("[secret]"), "{shown}");
        }
    }

    #[test]
    fn a_secret_across_pieces_and_at_the_end() {
        let secrets = Secrets::new();
        secrets.register("hunter2");
        assert_eq!(streamed(&secrets, &[b"a hun", b"ter", b"2 b hunte"]), b"a [secret] b hunte");
        assert_eq!(streamed(&secrets, &[b"huhunter2"]), b"hu[secret]");
    }

    #[test]
    fn the_longest_wins_and_short_values_are_left_alone() {
        let secrets = Secrets::new();
        secrets.register("pass");
        secrets.register("password");
        secrets.register("of");
        assert_eq!(streamed(&secrets, &[b"pas", b"swo", b"rd of pass"]), b"[secret] of [secret]");
        assert_eq!(streamed(&secrets, &[b"passwo"]), b"[secret]wo");
    }

    #[test]
    fn lines_of_a_key_are_masked_one_by_one() {
        let secrets = Secrets::new();
        secrets.register("-----BEGIN\nAAAAsecretline\n-----END\n");
        assert_eq!(secrets.clean("\tAAAAsecretline"), "\t[secret]");
        assert!(!format!("{secrets:?}").contains("AAAA"));
    }

    proptest! {
        #[test]
        fn chunks_make_no_difference(text in "[abc]{0,40}", values in proptest::collection::vec("[abc]{4,7}", 0..4),
                                     cuts in proptest::collection::vec(1usize..5, 1..6)) {
            let secrets = Secrets::new();
            values.iter().for_each(|v| secrets.register(v));
            let mut chunks: Vec<&[u8]> = Vec::new();
            let mut rest = text.as_bytes();
            for cut in cuts.iter().cycle() {
                if rest.is_empty() { break; }
                let (head, tail) = rest.split_at((*cut).min(rest.len()));
                chunks.push(head);
                rest = tail;
            }
            let whole = secrets.clean(&text);
            prop_assert_eq!(whole.as_bytes(), streamed(&secrets, &chunks));
            for value in &values {
                prop_assert!(!whole.contains(value.as_str()));
            }
        }
    }
}
