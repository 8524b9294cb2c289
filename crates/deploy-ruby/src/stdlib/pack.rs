//! `Array#pack` and `String#unpack`: text, bytes, integers of every size and order, Base64, hexadecimal.

use super::text::{base64, hex, unbase64, unhex};
use crate::core::int;
use crate::interp::Call;
use crate::value::{Unwind, Value};

/// How often a directive applies.
#[derive(Clone, Copy, PartialEq)]
enum Repeat {
    Once,
    Times(usize),
    All,
}

/// One directive of a format.
struct Directive {
    kind: char,
    big: bool,
    repeat: Repeat,
}

fn directives(call: &Call, format: &str) -> Result<Vec<Directive>, Unwind> {
    let mut found = Vec::new();
    let mut rest = format.chars().filter(|c| !c.is_whitespace()).peekable();
    while let Some(kind) = rest.next() {
        let mut big = matches!(kind, 'n' | 'N');
        while let Some(order) = rest.next_if(|c| matches!(c, '_' | '!' | '<' | '>')) {
            big |= order == '>';
        }
        let mut digits = String::new();
        while let Some(digit) = rest.next_if(char::is_ascii_digit) {
            digits.push(digit);
        }
        let repeat = match (rest.next_if_eq(&'*'), digits.as_str()) {
            (Some(_), _) => Repeat::All,
            (None, "") => Repeat::Once,
            (None, digits) => {
                let times = digits.parse().ok();
                Repeat::Times(call.interp().check_size(call.context(), times)?)
            }
        };
        found.push(Directive { kind, big, repeat });
    }
    Ok(found)
}

/// Bytes of an integer directive, and whether it has a sign.
fn width(kind: char) -> Option<(usize, bool)> {
    Some(match kind {
        'C' => (1, false),
        'c' => (1, true),
        'S' | 'n' | 'v' => (2, false),
        's' => (2, true),
        'L' | 'I' | 'N' | 'V' => (4, false),
        'l' | 'i' => (4, true),
        'Q' | 'J' => (8, false),
        'q' | 'j' => (8, true),
        _ => return None,
    })
}

fn outside(call: &Call, what: &str, kind: char) -> Unwind {
    call.raise("NotImplementedError", format!("{what} directive `{kind}` is outside the language here"))
}

/// Values of a byte string.
pub(crate) fn unpack(call: &Call, bytes: &[u8], format: &str) -> Result<Vec<Value>, Unwind> {
    let mut out = Vec::new();
    let mut rest = bytes;
    for directive in directives(call, format)? {
        rest = take(call, &directive, rest, &mut out)?;
    }
    Ok(out)
}

fn take<'a>(call: &Call, directive: &Directive, rest: &'a [u8], out: &mut Vec<Value>) -> Result<&'a [u8], Unwind> {
    let count = |one: usize| match directive.repeat {
        Repeat::Once => one,
        Repeat::Times(n) => n,
        Repeat::All => usize::MAX,
    };
    if let Some((size, signed)) = width(directive.kind) {
        let mut rest = rest;
        for _ in 0..count(1) {
            let Some((chunk, tail)) = rest.split_at_checked(size) else {
                if directive.repeat != Repeat::All {
                    out.push(Value::Nil);
                }
                break;
            };
            out.push(Value::Int(number(chunk, directive.big, signed)));
            rest = tail;
        }
        return Ok(rest);
    }
    let (part, tail) = rest.split_at(count(1).min(rest.len()));
    match directive.kind {
        'a' => out.push(Value::bytes(part.to_vec())),
        'A' => {
            let end = part.iter().rposition(|b| !matches!(b, b' ' | 0)).map_or(0, |at| at + 1);
            out.push(Value::bytes(part.get(..end).unwrap_or_default().to_vec()));
        }
        'Z' => out.push(Value::bytes(part.split(|b| *b == 0).next().unwrap_or_default().to_vec())),
        'x' => {}
        'm' | 'H' | 'U' => {
            match directive.kind {
                'm' => out.push(Value::bytes(unbase64(&String::from_utf8_lossy(rest)))),
                'H' => out.push(Value::from(hex(rest).chars().take(count(1)).collect::<String>())),
                _ => {
                    let text = String::from_utf8_lossy(rest);
                    out.extend(text.chars().take(count(1)).map(|c| Value::Int(i64::from(u32::from(c)))));
                }
            }
            return Ok(&[]);
        }
        other => return Err(outside(call, "unpack", other)),
    }
    Ok(tail)
}

fn number(chunk: &[u8], big: bool, signed: bool) -> i64 {
    let mut bytes = chunk.to_vec();
    if !big {
        bytes.reverse();
    }
    let size = bytes.iter().fold(0u64, |total, byte| total << 8 | u64::from(*byte));
    let bits = 64 - 8 * chunk.len().min(8);
    let wide = (size << bits).cast_signed();
    if signed { wide >> bits } else { size.cast_signed() }
}

/// The byte string of values.
pub(crate) fn pack(call: &Call, items: &[Value], format: &str) -> Result<Vec<u8>, Unwind> {
    let mut out = Vec::new();
    let mut rest = items.iter();
    for directive in directives(call, format)? {
        let mut next = || rest.next().cloned().ok_or_else(|| call.argument_error("too few arguments"));
        match directive.kind {
            'a' | 'A' | 'Z' => {
                let mut bytes = next()?.to_s_bytes();
                let fill = if directive.kind == 'A' { b' ' } else { 0 };
                match directive.repeat {
                    Repeat::All if directive.kind == 'Z' => bytes.push(0),
                    Repeat::All => {}
                    Repeat::Once => bytes.resize(1, fill),
                    Repeat::Times(n) => bytes.resize(n, fill),
                }
                out.extend(bytes);
            }
            'm' if directive.repeat == Repeat::Times(0) => out.extend(base64(&next()?.to_s_bytes()).into_bytes()),
            'm' => out.extend(super::text::lines_of_60(&base64(&next()?.to_s_bytes())).into_bytes()),
            'H' => out.extend(unhex(&next()?.to_s())),
            'x' => out.push(0),
            kind => {
                let times = match directive.repeat {
                    Repeat::Once => 1,
                    Repeat::Times(n) => n,
                    Repeat::All => rest.len(),
                };
                for _ in 0..times {
                    let item = rest.next().cloned().ok_or_else(|| call.argument_error("too few arguments"))?;
                    out.extend(number_bytes(call, kind, directive.big, int(call, &item)?)?);
                }
            }
        }
    }
    Ok(out)
}

fn number_bytes(call: &Call, kind: char, big: bool, value: i64) -> Result<Vec<u8>, Unwind> {
    if kind == 'U' {
        let c = u32::try_from(value).ok().and_then(char::from_u32);
        let c = c.ok_or_else(|| call.raise("RangeError", "pack(U): value out of range"))?;
        return Ok(c.to_string().into_bytes());
    }
    let (size, _) = width(kind).ok_or_else(|| outside(call, "pack", kind))?;
    let bytes = value.to_le_bytes();
    let mut bytes = bytes.get(..size).unwrap_or_default().to_vec();
    if big {
        bytes.reverse();
    }
    Ok(bytes)
}
