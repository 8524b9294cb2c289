//! Shellwords and Base64.

use crate::core::text;
use crate::interp::{Args, Call, Reply};
use crate::value::{Unwind, Value};

/// A word for a POSIX shell, as Ruby's Shellwords writes it.
pub(crate) fn shellescape(word: &str) -> String {
    if word.is_empty() {
        return "''".to_owned();
    }
    let mut out = String::new();
    for c in word.chars() {
        match c {
            '\n' => out.push_str("'\n'"),
            c if c.is_ascii_alphanumeric() || "_-.,:+/@".contains(c) => out.push(c),
            c => out.extend(['\\', c]),
        }
    }
    out
}

/// Splits a line into words as a POSIX shell would.
pub(crate) fn shellsplit(call: &Call, line: &str) -> Result<Value, Unwind> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        match c {
            c if c.is_whitespace() => words.extend(word.take()),
            '\'' | '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match rest.next() {
                        None => {
                            return Err(call.argument_error(format!("Unmatched quote: {}", Value::str(line).inspect())));
                        }
                        Some(end) if end == c => break,
                        Some('\\') if c == '"' => match rest.next() {
                            Some(e @ ('$' | '`' | '"' | '\\' | '\n')) => word.push(e),
                            Some(e) => word.extend(['\\', e]),
                            None => {}
                        },
                        Some(other) => word.push(other),
                    }
                }
            }
            '\\' => word.get_or_insert_default().extend(rest.next()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(Value::array(words.into_iter().map(Value::from).collect()))
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Base64 without line breaks.
pub(super) fn base64(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let at = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for i in 0..4 {
            let index = (bits >> (18 - 6 * i)) & 63;
            let letter = ALPHABET.get(index as usize).copied().unwrap_or(b'=');
            out.push(if i <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    out
}

/// Bytes of a Base64 text; anything outside the alphabet is skipped.
pub(super) fn unbase64(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let (mut bits, mut count) = (0u32, 0);
    for c in text.bytes().take_while(|c| *c != b'=') {
        let c = match c {
            b'-' => b'+',
            b'_' => b'/',
            c => c,
        };
        let Some(index) = ALPHABET.iter().position(|a| *a == c) else { continue };
        bits = bits << 6 | u32::try_from(index).unwrap_or(0);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push(u8::try_from(bits >> count & 255).unwrap_or(0));
        }
    }
    out
}

pub(super) fn lines_of_60(text: &str) -> String {
    text.as_bytes().chunks(60).map(|c| format!("{}\n", String::from_utf8_lossy(c))).collect()
}

pub(super) fn class_call(call: &Call, name: &str, args: &Args) -> Reply {
    let given = || text(call, &args.at(0));
    let bytes = || args.at(0).to_s_bytes();
    Ok(Some(match name {
        "escape" | "shellescape" => Value::from(shellescape(&args.at(0).to_s())),
        "split" | "shellsplit" | "shellwords" => shellsplit(call, &given()?)?,
        "join" | "shelljoin" => {
            let words: Vec<String> = args.at(0).to_list().iter().map(|w| shellescape(&w.to_s())).collect();
            Value::from(words.join(" "))
        }
        "strict_encode64" => Value::from(base64(&bytes())),
        "encode64" => Value::from(lines_of_60(&base64(&bytes()))),
        "urlsafe_encode64" => Value::from(base64(&bytes()).replace('+', "-").replace('/', "_")),
        "strict_decode64" if base64(&unbase64(&given()?)) != given()? => {
            return Err(call.argument_error("invalid base64"));
        }
        "decode64" | "strict_decode64" | "urlsafe_decode64" => Value::bytes(unbase64(&given()?)),
        _ => return Ok(None),
    }))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

pub(super) fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.chars().filter_map(|c| c.to_digit(16)).filter_map(|d| u8::try_from(d).ok()).collect();
    digits.chunks(2).map(|c| c.first().copied().unwrap_or(0) << 4 | c.get(1).copied().unwrap_or(0)).collect()
}

#[cfg(test)]
mod tests {
    use super::{base64, shellescape, unbase64};

    #[test]
    fn words_and_base64() {
        assert_eq!(shellescape("it's a $x"), "it\\'s\\ a\\ \\$x");
        assert_eq!(shellescape(""), "''");
        for (plain, coded) in
            [("", ""), ("a", "YQ=="), ("ab", "YWI="), ("abc", "YWJj"), ("hello world", "aGVsbG8gd29ybGQ=")]
        {
            assert_eq!(base64(plain.as_bytes()), coded);
            assert_eq!(unbase64(coded), plain.as_bytes());
        }
    }
}
