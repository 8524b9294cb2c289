//! Numbers at the start of texts, and the text that follows a text.

use super::string::blank;
use crate::interp::Call;
use crate::value::Unwind;

/// Leading digits of a text in a base; 0 if there are none.
pub(super) fn to_i(call: &Call, s: &str, base: i64) -> Result<i64, Unwind> {
    let trimmed = s.trim_start_matches(blank);
    let (negative, body) = match trimmed.strip_prefix(['-', '+']) {
        Some(body) => (trimmed.starts_with('-'), body),
        None => (false, trimmed),
    };
    let lower = body.to_lowercase();
    // Base 0, or a negative one: the text's own prefix decides.
    let base = match (base, lower.get(..2)) {
        (0 | ..0, Some("0x")) => 16,
        (0 | ..0, Some("0b")) => 2,
        (0 | ..0, _) if lower.starts_with('0') => 8,
        (0, _) => 10,
        (base, _) => base.saturating_abs(),
    };
    let radix = u32::try_from(base)
        .ok()
        .filter(|b| (2..=36).contains(b))
        .ok_or_else(|| call.argument_error(format!("invalid radix {base}")))?;
    let prefix = match radix {
        16 => "0x",
        8 => "0o",
        2 => "0b",
        _ => "",
    };
    let digits = lower.strip_prefix(prefix).unwrap_or(&lower);
    let mut total: i64 = 0;
    let mut previous = '_';
    for c in digits.chars() {
        let Some(digit) = c.to_digit(radix) else {
            if c == '_' && previous != '_' {
                previous = c;
                continue;
            }
            break;
        };
        previous = c;
        let next = total.checked_mul(base).and_then(|t| t.checked_add(i64::from(digit)));
        total = next.ok_or_else(|| call.raise("RangeError", "integer beyond 64 bits"))?;
    }
    Ok(if negative { -total } else { total })
}

pub(super) fn to_f(s: &str) -> f64 {
    let s = s.trim_start_matches(blank).replace('_', "");
    let mut end = 0;
    for (i, c) in s.char_indices() {
        let before = s.get(..i).unwrap_or_default();
        let fits = c.is_ascii_digit()
            || (matches!(c, '+' | '-') && (i == 0 || before.ends_with(['e', 'E'])))
            || (c == '.' && !before.contains('.'))
            || (matches!(c, 'e' | 'E')
                && !before.contains(['e', 'E'])
                && before.ends_with(|c: char| c.is_ascii_digit()));
        if !fits {
            break;
        }
        end = i + c.len_utf8();
    }
    let mut text = s.get(..end).unwrap_or_default();
    while !text.is_empty() {
        if let Ok(value) = text.parse() {
            return value;
        }
        text = super::string::without_last(text);
    }
    0.0
}

/// The next text: `az` → `ba`, `a9` → `b0`, `Zz` → `AAa`.
pub(super) fn succ(s: &str) -> String {
    let mut chars: Vec<char> = s.chars().collect();
    if chars.is_empty() {
        return String::new();
    }
    let alnum = chars.iter().any(char::is_ascii_alphanumeric);
    let mut at = chars.len();
    let mut last = None;
    let (mut gap, mut digit) = (false, None);
    while at > 0 {
        at -= 1;
        let Some(c) = chars.get_mut(at) else { break };
        if alnum && !c.is_ascii_alphanumeric() {
            gap = true;
            if last.is_some() && !s.chars().take(at).any(|c| c.is_ascii_alphanumeric()) {
                break;
            }
            continue;
        }
        // A carry does not go from digits to letters, or back, over other characters.
        if gap && digit.is_some_and(|d| d != c.is_ascii_digit()) {
            break;
        }
        (gap, digit) = (false, Some(c.is_ascii_digit()));
        let (next, carry) = match *c {
            'z' => ('a', Some('a')),
            'Z' => ('A', Some('A')),
            '9' => ('0', Some('1')),
            c => (char::from_u32(u32::from(c) + 1).unwrap_or(c), None),
        };
        *c = next;
        last = Some((at, carry));
        if carry.is_none() {
            return chars.into_iter().collect();
        }
    }
    if let Some((at, Some(extra))) = last {
        chars.insert(at, extra);
    }
    chars.into_iter().collect()
}
