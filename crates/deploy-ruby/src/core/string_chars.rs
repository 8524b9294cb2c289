//! String: sets of characters, as `tr`, `delete`, `squeeze` and `count` write them.

use super::take::text;
use crate::interp::{Args, Call};
use crate::value::{Unwind, Value};

/// A set of characters as `tr`, `delete` and `count` write it.
pub(super) struct CharSet {
    chars: Vec<char>,
    negated: bool,
}

impl CharSet {
    fn new(text: &str) -> Self {
        let negated = text.len() > 1 && text.starts_with('^');
        let body = if negated { text.get(1..).unwrap_or_default() } else { text };
        Self { chars: expand_ranges(body), negated }
    }

    pub(super) fn has(&self, c: char) -> bool {
        self.chars.contains(&c) != self.negated
    }
}

fn expand_ranges(text: &str) -> Vec<char> {
    let mut out = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let c = if c == '\\' { chars.next().unwrap_or('\\') } else { c };
        if chars.peek() == Some(&'-') {
            let mut ahead = chars.clone();
            ahead.next();
            if let Some(end) = ahead.next() {
                out.extend(c..=end);
                chars = ahead;
                continue;
            }
        }
        out.push(c);
    }
    out
}

pub(super) fn char_sets(call: &Call, args: &Args) -> Result<Vec<CharSet>, Unwind> {
    args.positional.iter().map(|a| Ok(CharSet::new(&text(call, a)?))).collect()
}

/// ArgumentError for a range such as `z-a`.
pub(super) fn reversed_range(call: &Call, set: &str) -> Result<(), Unwind> {
    let chars: Vec<char> = set.chars().collect();
    for window in chars.windows(3) {
        if let [low, '-', high] = window
            && low > high
            && *low != '\\'
        {
            let shown = Value::str(format!("{low}-{high}")).inspect();
            return Err(call.argument_error(format!("invalid range {shown} in string transliteration")));
        }
    }
    Ok(())
}

pub(super) fn translate(s: &str, from: &str, to: &str, squeeze: bool) -> String {
    let from = CharSet::new(from);
    let to = expand_ranges(to);
    let mut out = String::new();
    let mut last = None;
    for c in s.chars() {
        if !from.has(c) {
            out.push(c);
            last = None;
            continue;
        }
        let at = if from.negated { usize::MAX } else { from.chars.iter().position(|x| *x == c).unwrap_or(0) };
        let Some(new) = to.get(at).or_else(|| to.last()).copied() else { continue };
        if !(squeeze && last == Some(new)) {
            out.push(new);
        }
        last = Some(new);
    }
    out
}

pub(super) fn squeeze(s: &str, wanted: impl Fn(char) -> bool) -> String {
    let mut out = String::new();
    for c in s.chars() {
        if !(out.ends_with(c) && wanted(c)) {
            out.push(c);
        }
    }
    out
}
