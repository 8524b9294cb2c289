//! Regexps (translated to the engine's syntax) and match results.

use crate::ast::RegexFlags;
use std::fmt::Write as _;
use std::rc::Rc;

/// A compiled regexp.
pub struct Regexp {
    source: String,
    flags: RegexFlags,
    engine: fancy_regex::Regex,
}

/// What a match found.
pub struct MatchData {
    pub(crate) text: Rc<str>,
    pub(crate) groups: Vec<Option<(usize, usize)>>,
    pub(crate) names: Vec<Option<String>>,
    pub(crate) regexp: Rc<Regexp>,
}

impl Regexp {
    pub(crate) fn new(source: &str, flags: RegexFlags) -> Result<Self, String> {
        let engine = fancy_regex::RegexBuilder::new(&translate(source, flags))
            .backtrack_limit(2_000_000)
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Self { source: source.to_owned(), flags, engine })
    }

    /// The text between the slashes.
    pub fn source(&self) -> &str {
        &self.source
    }

    pub(crate) fn same(&self, other: &Regexp) -> bool {
        self.source == other.source && self.flags == other.flags
    }

    pub(crate) fn options(&self) -> i64 {
        i64::from(self.flags.ignore_case) | i64::from(self.flags.extended) << 1 | i64::from(self.flags.multi_line) << 2
    }

    pub(crate) fn names(&self) -> Vec<Option<String>> {
        self.engine.capture_names().map(|n| n.map(str::to_owned)).collect()
    }

    /// The first match at or behind a byte offset.
    pub fn find(self: &Rc<Self>, text: &str, from: usize) -> Option<MatchData> {
        if from > text.len() || !text.is_char_boundary(from) {
            return None;
        }
        // A program whose backtracking explodes sees no match rather than a hang.
        let captures = self.engine.captures_from_pos(text, from).ok().flatten()?;
        let groups = captures.iter().map(|group| group.map(|g| (g.start(), g.end()))).collect();
        Some(MatchData { text: text.into(), groups, names: self.names(), regexp: self.clone() })
    }

    /// Every match from left to right, not overlapping.
    pub(crate) fn find_all(self: &Rc<Self>, text: &str) -> Vec<MatchData> {
        let mut found = Vec::new();
        let mut at = 0;
        while let Some(one) = self.find(text, at) {
            let (start, end) = one.range(0).unwrap_or((at, at));
            at = if end > start { end } else { next_char(text, end) };
            found.push(one);
            if at > text.len() {
                break;
            }
        }
        found
    }

    pub(crate) fn inspect(&self) -> String {
        let mut source = String::new();
        let mut escaped = false;
        for c in self.source.chars() {
            if c == '/' && !escaped {
                source.push('\\');
            }
            escaped = c == '\\' && !escaped;
            source.push(c);
        }
        format!("/{source}/{}", self.letters())
    }

    fn letters(&self) -> String {
        let mut letters = String::new();
        if self.flags.multi_line {
            letters.push('m');
        }
        if self.flags.ignore_case {
            letters.push('i');
        }
        if self.flags.extended {
            letters.push('x');
        }
        letters
    }

    pub(crate) fn to_s(&self) -> String {
        let on = self.letters();
        let off: String = "mix".chars().filter(|c| !on.contains(*c)).collect();
        let off = if off.is_empty() { off } else { format!("-{off}") };
        format!("(?{on}{off}:{})", self.source)
    }
}

/// Offset behind the character at this offset.
pub(crate) fn next_char(text: &str, at: usize) -> usize {
    text.get(at..).and_then(|rest| rest.chars().next()).map_or(at + 1, |c| at + c.len_utf8())
}

impl MatchData {
    pub(crate) fn range(&self, group: usize) -> Option<(usize, usize)> {
        self.groups.get(group).copied().flatten()
    }

    /// Text of a group.
    pub fn group(&self, group: usize) -> Option<String> {
        let (start, end) = self.range(group)?;
        self.text.get(start..end).map(str::to_owned)
    }

    /// Text of a named group.
    pub fn named(&self, name: &str) -> Option<String> {
        let mut at = self.names.iter().enumerate().filter(|(_, n)| n.as_deref() == Some(name));
        at.find_map(|(i, _)| self.group(i))
    }

    pub(crate) fn has_name(&self, name: &str) -> bool {
        self.names.iter().any(|n| n.as_deref() == Some(name))
    }

    pub(crate) fn whole(&self) -> String {
        self.group(0).unwrap_or_default()
    }

    pub(crate) fn before(&self) -> &str {
        self.range(0).and_then(|(start, _)| self.text.get(..start)).unwrap_or_default()
    }

    pub(crate) fn after(&self) -> &str {
        self.range(0).and_then(|(_, end)| self.text.get(end..)).unwrap_or_default()
    }

    pub(crate) fn char_offset(&self, byte: usize) -> i64 {
        let count = self.text.get(..byte).map_or(0, |t| t.chars().count());
        i64::try_from(count).unwrap_or(i64::MAX)
    }

    pub(crate) fn inspect(&self) -> String {
        let mut out = format!("#<MatchData {}", super::inspect_bytes(self.whole().as_bytes()));
        for index in 1..self.groups.len() {
            let name = self.names.get(index).cloned().flatten().unwrap_or_else(|| index.to_string());
            let text = self.group(index).map_or_else(|| "nil".to_owned(), |t| super::inspect_bytes(t.as_bytes()));
            let _ = write!(out, " {name}:{text}");
        }
        out.push('>');
        out
    }
}

/// Ruby's regexp syntax in that of the engine: line anchors always on, `m` means that dot matches
/// newlines, `\d \w \s` are ASCII, and a brace that is no repetition is literal.
fn translate(source: &str, flags: RegexFlags) -> String {
    let mut out = String::from("(?m");
    if flags.multi_line {
        out.push('s');
    }
    if flags.ignore_case {
        out.push('i');
    }
    if flags.extended {
        out.push('x');
    }
    out.push(')');
    let mut rest = source.chars().peekable();
    let mut class_depth = 0usize;
    while let Some(c) = rest.next() {
        match c {
            '\\' => match rest.next() {
                Some(p @ ('p' | 'P')) if rest.peek() == Some(&'{') => {
                    rest.next();
                    let name: String = rest.by_ref().take_while(|c| *c != '}').collect();
                    property(&name, p == 'P', class_depth > 0, &mut out);
                }
                Some(escaped) => escape(escaped, class_depth > 0, &mut out),
                None => out.push_str("\\\\"),
            },
            '[' if class_depth > 0 && rest.peek() == Some(&':') => {
                rest.next();
                let name: String = rest.by_ref().take_while(|c| *c != ']').collect();
                let name = name.trim_end_matches(':');
                let bare = name.trim_start_matches('^');
                property(bare, name.starts_with('^'), true, &mut out);
            }
            '(' if class_depth == 0 && rest.peek() == Some(&'?') => {
                out.push('(');
                inline_flags(&mut rest, &mut out);
            }
            '[' => {
                class_depth += 1;
                out.push('[');
                if rest.peek() == Some(&'^') {
                    rest.next();
                    out.push('^');
                }
                if rest.peek() == Some(&']') {
                    rest.next();
                    out.push_str("\\]");
                }
            }
            ']' if class_depth > 0 => {
                class_depth -= 1;
                out.push(']');
            }
            ' ' | '#' if class_depth > 0 && flags.extended => {
                out.push('\\');
                out.push(c);
            }
            '{' if class_depth == 0 => brace(rest.clone(), &mut out),
            _ => out.push(c),
        }
    }
    out
}

/// A class of characters by name, as `\p{…}` and `[:…:]` write it.
fn property(name: &str, negated: bool, in_class: bool, out: &mut String) {
    let (name, negated) = match name.strip_prefix('^') {
        Some(name) => (name, !negated),
        None => (name, negated),
    };
    let known = match name.to_ascii_lowercase().as_str() {
        "alpha" => "\\p{Alphabetic}",
        "digit" => "\\p{Nd}",
        "alnum" => "\\p{Alphabetic}\\p{Nd}",
        "upper" => "\\p{Uppercase}",
        "lower" => "\\p{Lowercase}",
        "space" => "\\p{White_Space}",
        "blank" => "\\p{Zs}\\t",
        "punct" => "\\p{P}\\$\\+<=>\\^`\\|~",
        "cntrl" => "\\p{Cc}",
        "xdigit" => "0-9a-fA-F",
        "word" => "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}",
        "graph" => "\\p{L}\\p{M}\\p{N}\\p{P}\\p{S}",
        "print" => "\\p{L}\\p{M}\\p{N}\\p{P}\\p{S}\\p{Zs}",
        "ascii" => "\\x00-\\x7F",
        _ => "",
    };
    let inside = if known.is_empty() { format!("\\p{{{name}}}") } else { known.to_owned() };
    let _ = match (in_class, negated) {
        (true, false) => write!(out, "{inside}"),
        (_, true) => write!(out, "[^{inside}]"),
        (false, false) => write!(out, "[{inside}]"),
    };
}

/// `?mi-x:` behind a parenthesis: Ruby's `m` is the engine's `s`.
fn inline_flags(rest: &mut std::iter::Peekable<std::str::Chars<'_>>, out: &mut String) {
    let flags: String = rest.clone().skip(1).take_while(|c| matches!(c, 'm' | 'i' | 'x' | '-')).collect();
    let end = rest.clone().nth(1 + flags.len());
    if flags.is_empty() || !matches!(end, Some(':' | ')')) {
        return;
    }
    for _ in 0..=flags.len() {
        rest.next();
    }
    let _ = write!(out, "?{}", flags.replace('m', "s").trim_end_matches('-'));
}

fn brace(rest: impl Iterator<Item = char>, out: &mut String) {
    let inside: String = rest.take_while(|c| *c != '}').take(24).collect();
    let (low, high) = inside.split_once(',').unwrap_or((&inside, "0"));
    let digits = |s: &str| s.chars().all(|c| c.is_ascii_digit());
    let repeats = digits(low) && digits(high) && !(low.is_empty() && (high.is_empty() || !inside.contains(',')));
    match (repeats, low.is_empty()) {
        (true, true) => out.push_str("{0"),
        (true, false) => out.push('{'),
        (false, _) => out.push_str("\\{"),
    }
}

fn escape(c: char, in_class: bool, out: &mut String) {
    let (ascii, negated) = match c {
        'd' => ("0-9", false),
        'D' => ("0-9", true),
        'w' => ("a-zA-Z0-9_", false),
        'W' => ("a-zA-Z0-9_", true),
        's' => (" \\t\\r\\n\\x0B\\x0C", false),
        'S' => (" \\t\\r\\n\\x0B\\x0C", true),
        'h' => ("0-9a-fA-F", false),
        'H' => ("0-9a-fA-F", true),
        'R' => {
            out.push_str("(?:\\r\\n|[\\n\\r\\x0B\\x0C])");
            return;
        }
        'Z' => {
            out.push_str("(?=\\n?\\z)");
            return;
        }
        'e' => {
            out.push_str("\\x1B");
            return;
        }
        c if c.is_ascii_alphanumeric() => {
            out.push('\\');
            out.push(c);
            return;
        }
        c => {
            if c.is_ascii_punctuation() || c == ' ' {
                out.push_str(if c == ' ' { "\\x20" } else { "\\" });
            }
            if c != ' ' {
                out.push(c);
            }
            return;
        }
    };
    let ascii = ascii.replace(' ', "\\x20");
    match (in_class, negated) {
        (true, false) => out.push_str(&ascii),
        (_, true) => {
            let _ = write!(out, "[^{ascii}]");
        }
        (false, false) => {
            let _ = write!(out, "[{ascii}]");
        }
    }
}
