//! Bytes from a host become lines that are safe to show on a terminal.
//!
//! A host may send anything: half a character, an escape sequence that renames the window, a right-to-left override
//! that turns a line around, a line without end. [`LineFilter`] takes such bytes in any pieces and gives lines in which
//! every character is printable. What was not printable is shown as an escape of its own: `\x1b`, `\u{202e}`.

use std::fmt::Write as _;

/// How many characters a shown line has at most; a longer one is continued on the next line.
pub const MAX_LINE: usize = 2000;

/// Whether a character could move the cursor, hide or reorder text.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Appends a character, or its escape, and tells how many characters that took.
fn put_visible(text: &mut String, c: char) -> usize {
    if c == '\t' || !is_hidden(c) {
        text.push(c);
        return 1;
    }
    let before = text.len();
    // Writing to a String cannot fail.
    let _ =
        if c.is_ascii() { write!(text, "\\x{:02x}", u32::from(c)) } else { write!(text, "\\u{{{:x}}}", u32::from(c)) };
    text.len() - before
}

/// A whole text with everything unprintable shown as an escape; line ends and tabs stay.
///
/// ```
/// assert_eq!(deploy_report::visible("a\u{1b}[31mb\nc"), "a\\x1b[31mb\nc");
/// ```
#[must_use]
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '\n' {
            out.push(c);
        } else {
            put_visible(&mut out, c);
        }
    }
    out
}

/// A stream of bytes cut into printable lines. How the bytes are cut into chunks makes no difference.
///
/// A carriage return starts the line over, as on a terminal, so of a progress bar the last state that is not blank is
/// kept; a complete record is the log file's business. Lines longer than the limit are broken.
///
/// ```
/// use deploy_report::LineFilter;
///
/// let mut filter = LineFilter::new();
/// let mut lines = Vec::new();
/// filter.push(b"10%\r100%\ntitle: \x1b]0;x\x07 caf\xc3", &mut lines);
/// filter.push(b"\xa9 \xff", &mut lines);
/// filter.finish(&mut lines);
/// assert_eq!(lines, ["100%", "title: \\x1b]0;x\\x07 café \\xff"]);
/// ```
#[derive(Clone, Debug)]
pub struct LineFilter {
    /// The beginning of a character whose other bytes have not come yet.
    carry: Vec<u8>,
    line: String,
    width: usize,
    /// The last segment before a carriage return that was not blank.
    kept: Option<String>,
    /// A carriage return was seen: the next text starts the line over, a line feed just ends it.
    returned: bool,
    limit: usize,
}

impl Default for LineFilter {
    fn default() -> Self {
        Self::new()
    }
}

impl LineFilter {
    /// A filter with lines of at most [`MAX_LINE`] characters.
    #[must_use]
    pub fn new() -> Self {
        Self::with_limit(MAX_LINE)
    }

    /// A filter with lines of at most `limit` characters (never less than one escape needs).
    #[must_use]
    pub fn with_limit(limit: usize) -> Self {
        Self { carry: Vec::new(), line: String::new(), width: 0, kept: None, returned: false, limit: limit.max(12) }
    }

    /// Takes bytes and appends the lines that they complete.
    pub fn push(&mut self, bytes: &[u8], lines: &mut Vec<String>) {
        let joined;
        let all = if self.carry.is_empty() {
            bytes
        } else {
            self.carry.extend_from_slice(bytes);
            joined = std::mem::take(&mut self.carry);
            &joined
        };
        let mut chunks = all.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            for c in chunk.valid().chars() {
                self.put(c, lines);
            }
            let bad = chunk.invalid();
            let unfinished = std::str::from_utf8(bad).is_err_and(|error| error.error_len().is_none());
            if unfinished && chunks.peek().is_none() {
                self.carry.extend_from_slice(bad);
            } else {
                self.put_bytes(bad, lines);
            }
        }
    }

    /// Ends the stream: what is left becomes the last line.
    pub fn finish(&mut self, lines: &mut Vec<String>) {
        let rest = std::mem::take(&mut self.carry);
        self.put_bytes(&rest, lines);
        if !self.line.is_empty() || self.kept.is_some() {
            self.end_line(lines);
        }
        self.returned = false;
    }

    /// The line as far as it has come.
    #[must_use]
    pub fn partial(&self) -> &str {
        &self.line
    }

    fn put(&mut self, c: char, lines: &mut Vec<String>) {
        match c {
            '\n' => self.end_line(lines),
            '\r' => self.returned = true,
            _ => {
                self.start_over();
                let before = self.line.len();
                let width = put_visible(&mut self.line, c);
                self.fit(before, width, lines);
            }
        }
    }

    fn put_bytes(&mut self, bytes: &[u8], lines: &mut Vec<String>) {
        for byte in bytes {
            self.start_over();
            let before = self.line.len();
            let _ = write!(self.line, "\\x{byte:02x}");
            self.fit(before, 4, lines);
        }
    }

    /// Breaks the line before what was just added, if it has become too long.
    fn fit(&mut self, before: usize, width: usize, lines: &mut Vec<String>) {
        if self.width + width > self.limit {
            let piece = self.line.split_off(before);
            lines.push(std::mem::replace(&mut self.line, piece));
            self.kept = None;
            self.width = 0;
        }
        self.width += width;
    }

    fn start_over(&mut self) {
        if !std::mem::take(&mut self.returned) {
            return;
        }
        let old = std::mem::take(&mut self.line);
        self.width = 0;
        if !old.trim().is_empty() {
            self.kept = Some(old);
        }
    }

    fn end_line(&mut self, lines: &mut Vec<String>) {
        let line = std::mem::take(&mut self.line);
        let line = if line.trim().is_empty() { self.kept.take().unwrap_or(line) } else { line };
        lines.push(line);
        self.kept = None;
        self.width = 0;
        self.returned = false;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines_of(chunks: &[&[u8]], limit: usize) -> Vec<String> {
        let mut filter = LineFilter::with_limit(limit);
        let mut lines = Vec::new();
        for chunk in chunks {
            filter.push(chunk, &mut lines);
        }
        filter.finish(&mut lines);
        lines
    }

    #[test]
    fn what_hosts_send() {
        let cases: &[(&[u8], &[&str])] = &[
            (b"", &[]),
            (b"one\ntwo", &["one", "two"]),
            (b"one\r\ntwo\r\n", &["one", "two"]),
            (b"\n\n", &["", ""]),
            (b"10%\r20%\r100%, done.\n", &["100%, done."]),
            (b"loading\r       \r\n", &["loading"]),
            (b"loading\r       \rready\n", &["ready"]),
            (b"a\tb", &["a\tb"]),
            (b"\x00\x07\x1b[2J\x7f", &["\\x00\\x07\\x1b[2J\\x7f"]),
            ("safe\u{202e}txt.exe".as_bytes(), &["safe\\u{202e}txt.exe"]),
            ("\u{9b}31m".as_bytes(), &["\\u{9b}31m"]),
            (b"\x9b31m", &["\\x9b31m"]),
            (b"\xe2\x82", &["\\xe2\\x82"]),
            (b"\xe2\x28\xa1", &["\\xe2(\\xa1"]),
            ("zażółć 日本 \u{1f980}".as_bytes(), &["zażółć 日本 \u{1f980}"]),
        ];
        for (bytes, expected) in cases {
            assert_eq!(lines_of(&[bytes], MAX_LINE), *expected, "{bytes:?}");
        }
    }

    #[test]
    fn an_endless_line_is_broken_and_no_escape_is_torn() {
        assert_eq!(lines_of(&[&[b'x'; 30]], 12), ["x".repeat(12), "x".repeat(12), "x".repeat(6)]);
        assert_eq!(lines_of(&[b"0123456789\x1bend"], 12), ["0123456789", "\\x1bend"]);
    }

    #[test]
    fn the_unfinished_line_can_be_seen() {
        let mut filter = LineFilter::new();
        filter.push(b"one\nPassword: ", &mut Vec::new());
        assert_eq!(filter.partial(), "Password: ");
    }

    /// Bytes with the interesting ones much more frequent than by chance.
    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            Just(b"\r".to_vec()),
            Just(b"\n".to_vec()),
            Just(b"\r\n".to_vec()),
            Just(b"  ".to_vec()),
            Just("\u{202e}é日\u{1f980}".as_bytes().to_vec()),
            Just(b"\x1b[1m".to_vec()),
            Just(b"\xf0\x9f".to_vec()),
            proptest::collection::vec(any::<u8>(), 0..6),
            "[a-z]{0,20}".prop_map(String::into_bytes),
        ];
        proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn chunks_make_no_difference(bytes in bytes(), cuts in proptest::collection::vec(1usize..7, 1..9), limit in 12usize..40) {
            let mut chunks: Vec<&[u8]> = Vec::new();
            let mut rest = bytes.as_slice();
            for cut in cuts.iter().cycle() {
                if rest.is_empty() { break; }
                let (head, tail) = rest.split_at((*cut).min(rest.len()));
                chunks.push(head);
                rest = tail;
            }
            let whole = lines_of(&[&bytes], limit);
            prop_assert_eq!(&whole, &lines_of(&chunks, limit));
            for line in &whole {
                prop_assert!(line.chars().count() <= limit);
                prop_assert!(line.chars().all(|c| c == '\t' || !is_hidden(c)), "{:?}", line);
            }
        }

        #[test]
        fn plain_text_passes_unchanged(lines in proptest::collection::vec("[ -~ąéß日]{0,11}", 0..8)) {
            let text: String = lines.iter().map(|l| format!("{l}\n")).collect();
            prop_assert_eq!(lines_of(&[text.as_bytes()], 12), lines);
        }
    }
}
