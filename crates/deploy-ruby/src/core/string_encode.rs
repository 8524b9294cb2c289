//! String: its bytes as valid and as quoted text.

use super::take::text;
use crate::interp::{Args, Call};
use crate::value::{Str, Unwind};

/// The text with what is no UTF-8 replaced.
pub(super) fn scrub(call: &Call, this: &Str, name: &str, args: &Args) -> Result<String, Unwind> {
    let with = match name {
        "scrub" => args.get(0).cloned(),
        "encode" => args.option("replace"),
        _ => None,
    };
    let with = with.map_or(Ok("\u{fffd}".to_owned()), |w| text(call, &w))?;
    let bytes = this.to_bytes();
    let mut out = String::new();
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            out.push_str(&with);
        }
    }
    Ok(out)
}

/// A quoted text in ASCII only.
pub(super) fn dump(inspected: &str) -> String {
    let mut out = String::new();
    for c in inspected.chars() {
        match u32::from(c) {
            0..=0x7f => out.push(c),
            code @ 0x80..=0xffff => out.push_str(&format!("\\u{code:04X}")),
            code => out.push_str(&format!("\\u{{{code:X}}}")),
        }
    }
    out
}

/// The text that [`dump`] quoted.
pub(super) fn undump(quoted: &str) -> String {
    let inner = quoted.strip_prefix('"').and_then(|q| q.strip_suffix('"')).unwrap_or(quoted);
    let mut out = String::new();
    let mut rest = inner.chars();
    while let Some(c) = rest.next() {
        let next = if c == '\\' { rest.next() } else { None };
        match next {
            None => out.push(c),
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('e') => out.push('\u{1b}'),
            Some(kind @ ('u' | 'x')) => {
                let digits: String = rest.by_ref().take(if kind == 'u' { 4 } else { 2 }).collect();
                out.extend(u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32));
            }
            Some(other) => out.push(other),
        }
    }
    out
}
