//! Integer and Float. Integer arithmetic is checked: a result beyond 64 bits is RangeError.

use super::object::block;
use super::take::{int as take_int, int_or};
use crate::interp::{Args, Call, Reply};
use crate::value::{Unwind, Value};

pub(super) const NAMES: &[&str] = &[
    "+",
    "-",
    "*",
    "/",
    "%",
    "modulo",
    "**",
    "pow",
    "-@",
    "+@",
    "==",
    "===",
    "<",
    ">",
    "<=",
    ">=",
    "<=>",
    "abs",
    "magnitude",
    "to_i",
    "to_int",
    "truncate",
    "to_f",
    "to_s",
    "inspect",
    "to_r",
    "to_c",
    "floor",
    "ceil",
    "round",
    "zero?",
    "positive?",
    "negative?",
    "nonzero?",
    "divmod",
    "div",
    "fdiv",
    "quo",
    "remainder",
    "integer?",
    "finite?",
    "infinite?",
    "nan?",
    "between?",
    "clamp",
    "coerce",
    "step",
    "eql?",
    "hash",
];

pub(super) const INT_NAMES: &[&str] = &[
    "&",
    "|",
    "^",
    "~",
    "<<",
    ">>",
    "[]",
    "even?",
    "odd?",
    "succ",
    "next",
    "pred",
    "chr",
    "ord",
    "times",
    "upto",
    "downto",
    "gcd",
    "lcm",
    "digits",
    "bit_length",
    "size",
    "pow",
    "allbits?",
    "anybits?",
    "nobits?",
    "truncate",
];

fn overflow(call: &Call) -> Unwind {
    call.raise("RangeError", "integer beyond 64 bits")
}

fn checked(call: &Call, result: Option<i64>) -> Reply {
    result.map(|i| Some(Value::Int(i))).ok_or_else(|| overflow(call))
}

fn zero_division(call: &Call) -> Unwind {
    call.raise("ZeroDivisionError", "divided by 0")
}

fn as_float(i: i64) -> f64 {
    i as f64
}

pub(super) fn int(call: &Call, this: i64, name: &str, args: &Args) -> Reply {
    match args.get(0) {
        Some(Value::Int(other)) => int_int(call, this, name, *other, args),
        Some(Value::Float(_))
            if matches!(
                name,
                "+" | "-"
                    | "*"
                    | "/"
                    | "%"
                    | "modulo"
                    | "**"
                    | "<"
                    | ">"
                    | "<="
                    | ">="
                    | "fdiv"
                    | "divmod"
                    | "div"
                    | "quo"
            ) =>
        {
            float(call, as_float(this), name, args)
        }
        Some(other)
            if matches!(
                name,
                "+" | "-" | "*" | "/" | "%" | "**" | "&" | "|" | "^" | "div" | "divmod" | "fdiv" | "modulo"
            ) =>
        {
            let what = if other.is_nil() { "nil".to_owned() } else { super::kind(call, other) };
            Err(call.type_error(format!("{what} can't be coerced into Integer")))
        }
        Some(other) if matches!(name, "<" | ">" | "<=" | ">=") => {
            Err(call.argument_error(format!("comparison of Integer with {} failed", shown(other))))
        }
        _ => int_alone(call, this, name, args),
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Nil | Value::Int(_) | Value::Float(_) | Value::Bool(_) => value.inspect(),
        Value::Str(_) => "String".to_owned(),
        other => other.inspect(),
    }
}

fn int_int(call: &Call, a: i64, name: &str, b: i64, args: &Args) -> Reply {
    Ok(Some(match name {
        "+" => return checked(call, a.checked_add(b)),
        "-" => return checked(call, a.checked_sub(b)),
        "*" => return checked(call, a.checked_mul(b)),
        "/" | "div" => return if b == 0 { Err(zero_division(call)) } else { checked(call, floor_div(a, b)) },
        "%" | "modulo" => return if b == 0 { Err(zero_division(call)) } else { checked(call, floor_mod(a, b)) },
        "remainder" => return if b == 0 { Err(zero_division(call)) } else { checked(call, a.checked_rem(b)) },
        "divmod" => match (floor_div(a, b), floor_mod(a, b)) {
            _ if b == 0 => return Err(zero_division(call)),
            (Some(q), Some(r)) => Value::array(vec![Value::Int(q), Value::Int(r)]),
            _ => return Err(overflow(call)),
        },
        "fdiv" | "quo" => Value::Float(as_float(a) / as_float(b)),
        "**" | "pow" => return power(call, a, b, args),
        "<" => Value::Bool(a < b),
        ">" => Value::Bool(a > b),
        "<=" => Value::Bool(a <= b),
        ">=" => Value::Bool(a >= b),
        "==" | "===" => Value::Bool(a == b),
        "<=>" => Value::Int(a.cmp(&b) as i64),
        "&" => Value::Int(a & b),
        "|" => Value::Int(a | b),
        "^" => Value::Int(a ^ b),
        "<<" | ">>" => return shift(call, a, if name == "<<" { b } else { b.saturating_neg() }),
        "[]" => Value::Int(if b < 0 { 0 } else { (a >> b.min(63)) & 1 }),
        "gcd" => return checked(call, i64::try_from(gcd(a.unsigned_abs(), b.unsigned_abs())).ok()),
        "lcm" => {
            let divisor = gcd(a.unsigned_abs(), b.unsigned_abs()).max(1);
            let multiple = (a.unsigned_abs() / divisor).checked_mul(b.unsigned_abs());
            return checked(call, multiple.and_then(|m| i64::try_from(m).ok()));
        }
        "allbits?" => Value::Bool(a & b == b),
        "anybits?" => Value::Bool(a & b != 0),
        "nobits?" => Value::Bool(a & b == 0),
        "ceildiv" => {
            return if b == 0 {
                Err(zero_division(call))
            } else {
                checked(call, floor_div(a, b).and_then(|q| q.checked_add(i64::from(a % b != 0))))
            };
        }
        "coerce" => Value::array(vec![Value::Int(b), Value::Int(a)]),
        _ => return int_alone(call, a, name, args),
    }))
}

fn floor_div(a: i64, b: i64) -> Option<i64> {
    let q = a.checked_div(b)?;
    if a % b != 0 && (a < 0) != (b < 0) { q.checked_sub(1) } else { Some(q) }
}

fn floor_mod(a: i64, b: i64) -> Option<i64> {
    let r = a.checked_rem(b)?;
    if r != 0 && (r < 0) != (b < 0) { r.checked_add(b) } else { Some(r) }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn power(call: &Call, base: i64, exponent: i64, args: &Args) -> Reply {
    if let Some(modulus) = args.get(1) {
        let modulus = take_int(call, modulus)?;
        if modulus == 0 {
            return Err(zero_division(call));
        }
        let (mut result, mut b, mut e) = (1i128, i128::from(base), exponent.max(0));
        while e > 0 {
            if e & 1 == 1 {
                result = (result * b).rem_euclid(i128::from(modulus));
            }
            b = (b * b).rem_euclid(i128::from(modulus));
            e >>= 1;
        }
        return checked(call, i64::try_from(result).ok());
    }
    match u32::try_from(exponent) {
        Ok(exponent) => checked(call, base.checked_pow(exponent)),
        Err(_) if exponent < 0 => Ok(Some(Value::Float(as_float(base).powf(as_float(exponent))))),
        Err(_) => match base {
            0 | 1 => Ok(Some(Value::Int(base))),
            _ => Err(overflow(call)),
        },
    }
}

fn shift(call: &Call, a: i64, by: i64) -> Reply {
    if by < 0 {
        return Ok(Some(Value::Int(a >> by.unsigned_abs().min(63))));
    }
    let wide = i128::from(a).checked_shl(u32::try_from(by.min(100)).unwrap_or(100));
    checked(call, wide.filter(|_| a == 0 || by < 64).and_then(|w| i64::try_from(w).ok()))
}

fn int_alone(call: &Call, this: i64, name: &str, args: &Args) -> Reply {
    Ok(Some(match name {
        "-@" => return checked(call, this.checked_neg()),
        "+@" | "to_i" | "to_int" | "ord" | "numerator" => Value::Int(this),
        "denominator" => Value::Int(1),
        "~" => Value::Int(!this),
        "abs" | "magnitude" => return checked(call, this.checked_abs()),
        "to_f" => Value::Float(as_float(this)),
        "to_s" | "inspect" => match int_or(call, args, 0, 10)? {
            10 => Value::from(this.to_string()),
            base => Value::from(in_base(call, this, base)?),
        },
        "floor" | "ceil" | "round" | "truncate" => match int_or(call, args, 0, 0)? {
            places if places < 0 => return round_int(call, this, name, places, args),
            _ => Value::Int(this),
        },
        "zero?" => Value::Bool(this == 0),
        "positive?" => Value::Bool(this > 0),
        "negative?" => Value::Bool(this < 0),
        "nonzero?" => {
            if this == 0 {
                Value::Nil
            } else {
                Value::Int(this)
            }
        }
        "even?" => Value::Bool(this & 1 == 0),
        "odd?" => Value::Bool(this & 1 == 1),
        "succ" | "next" => return checked(call, this.checked_add(1)),
        "pred" => return checked(call, this.checked_sub(1)),
        "chr" => match u32::try_from(this).ok().and_then(char::from_u32) {
            Some(c) if this < 128 || args.get(0).is_some() => Value::from(c.to_string()),
            Some(_) if this < 256 => Value::bytes(vec![u8::try_from(this).unwrap_or(0)]),
            _ => return Err(call.raise("RangeError", format!("{this} out of char range"))),
        },
        "integer?" | "finite?" => Value::Bool(true),
        "infinite?" => Value::Nil,
        "nan?" => Value::Bool(false),
        "digits" => {
            if this < 0 {
                return Err(call.raise("Math::DomainError", "out of domain"));
            }
            Value::array(this.to_string().bytes().rev().map(|b| Value::Int(i64::from(b - b'0'))).collect())
        }
        "bit_length" => Value::Int(i64::from(64 - (if this < 0 { !this } else { this }).leading_zeros())),
        "size" => Value::Int(8),
        "between?" | "clamp" => return bounds(call, &Value::Int(this), name, args),
        _ => return Ok(None),
    }))
}

pub(super) fn bounds(call: &Call, this: &Value, name: &str, args: &Args) -> Reply {
    let (low, high) = match args.at(0) {
        Value::Range(r) => (r.low.clone(), r.high.clone()),
        low => (low, args.at(1)),
    };
    let order = |other: &Value| {
        this.compare(other).ok_or_else(|| {
            call.argument_error(format!("comparison of {} with {} failed", super::kind(call, this), other.inspect()))
        })
    };
    let below = !low.is_nil() && order(&low)?.is_lt();
    let above = !high.is_nil() && order(&high)?.is_gt();
    Ok(Some(match name {
        "between?" => Value::Bool(!below && !above),
        _ if below => low,
        _ if above => high,
        _ => this.clone(),
    }))
}

fn in_base(call: &Call, this: i64, base: i64) -> Result<String, Unwind> {
    let radix = u32::try_from(base)
        .ok()
        .filter(|b| (2..=36).contains(b))
        .ok_or_else(|| call.argument_error(format!("invalid radix {base}")))?;
    let mut size = this.unsigned_abs();
    let mut digits = Vec::new();
    while size > 0 || digits.is_empty() {
        let digit = u32::try_from(size % u64::from(radix)).unwrap_or(0);
        digits.push(char::from_digit(digit, radix).unwrap_or('0'));
        size /= u64::from(radix);
    }
    if this < 0 {
        digits.push('-');
    }
    Ok(digits.into_iter().rev().collect())
}

fn round_int(call: &Call, this: i64, name: &str, places: i64, args: &Args) -> Reply {
    let Some(unit) = u32::try_from(-places).ok().and_then(|p| 10i64.checked_pow(p)) else {
        return Ok(Some(Value::Int(0)));
    };
    let down = floor_mod(this, unit).and_then(|r| this.checked_sub(r));
    let rest = floor_mod(this, unit).unwrap_or(0);
    let up = match name {
        "ceil" => rest > 0,
        "truncate" => rest > 0 && this < 0,
        "round" if rest == unit - rest => match half(args).as_str() {
            "even" => down.is_some_and(|d| (d / unit) % 2 != 0),
            "down" => this < 0,
            _ => this >= 0,
        },
        "round" => rest > unit - rest,
        _ => false,
    };
    checked(call, down.and_then(|d| if up { d.checked_add(unit) } else { Some(d) }))
}

pub(super) fn float(call: &Call, this: f64, name: &str, args: &Args) -> Reply {
    let operand = || match args.get(0) {
        Some(Value::Int(i)) => Ok(as_float(*i)),
        Some(Value::Float(f)) => Ok(*f),
        other => {
            let other = other.cloned().unwrap_or_default();
            Err(match name {
                "<" | ">" | "<=" | ">=" => {
                    call.argument_error(format!("comparison of Float with {} failed", shown(&other)))
                }
                _ => call.type_error(format!("{} can't be coerced into Float", super::kind(call, &other))),
            })
        }
    };
    Ok(Some(match name {
        "+" => Value::Float(this + operand()?),
        "-" => Value::Float(this - operand()?),
        "*" => Value::Float(this * operand()?),
        "/" | "fdiv" | "quo" => Value::Float(this / operand()?),
        "%" | "modulo" => {
            let by = operand()?;
            Value::Float(this - by * (this / by).floor())
        }
        "div" => return to_int(call, (this / operand()?).floor()),
        "divmod" => {
            let by = operand()?;
            if by == 0.0 {
                return Err(zero_division(call));
            }
            let q = (this / by).floor();
            Value::array(vec![to_int(call, q)?.unwrap_or_default(), Value::Float(this - by * q)])
        }
        "**" | "pow" => Value::Float(this.powf(operand()?)),
        "<" => Value::Bool(this < operand()?),
        ">" => Value::Bool(this > operand()?),
        "<=" => Value::Bool(this <= operand()?),
        ">=" => Value::Bool(this >= operand()?),
        "-@" => Value::Float(-this),
        "+@" | "to_f" => Value::Float(this),
        "abs" | "magnitude" => Value::Float(this.abs()),
        "to_i" | "to_int" => return to_int(call, this.trunc()),
        "next_float" => Value::Float(this.next_up()),
        "prev_float" => Value::Float(this.next_down()),
        "coerce" => Value::array(vec![Value::Float(operand()?), Value::Float(this)]),
        "remainder" => Value::Float(this % operand()?),
        "to_s" | "inspect" => return Ok(None),
        "floor" | "ceil" | "round" | "truncate" => return round(call, this, name, args),
        "zero?" => Value::Bool(this == 0.0),
        "positive?" => Value::Bool(this > 0.0),
        "negative?" => Value::Bool(this < 0.0),
        "nonzero?" => {
            if this == 0.0 {
                Value::Nil
            } else {
                Value::Float(this)
            }
        }
        "integer?" => Value::Bool(false),
        "nan?" => Value::Bool(this.is_nan()),
        "finite?" => Value::Bool(this.is_finite()),
        "infinite?" => {
            if this.is_infinite() {
                Value::Int(if this > 0.0 { 1 } else { -1 })
            } else {
                Value::Nil
            }
        }
        "between?" | "clamp" => return bounds(call, &Value::Float(this), name, args),
        _ => return Ok(None),
    }))
}

fn to_int(call: &Call, f: f64) -> Reply {
    if !f.is_finite() {
        let what = if f.is_nan() {
            "NaN"
        } else if f > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        };
        return Err(call.raise("FloatDomainError", what));
    }
    if f.abs() >= 9.2e18 {
        return Err(overflow(call));
    }
    Ok(Some(Value::Int(f as i64)))
}

/// How `round` treats a half: `up`, `even` or `down`.
fn half(args: &Args) -> String {
    args.option("half").and_then(|v| v.as_name()).unwrap_or_else(|| "up".to_owned())
}

fn round(call: &Call, this: f64, name: &str, args: &Args) -> Reply {
    let places = match args.get(0) {
        Some(Value::Int(places)) => *places,
        _ => 0,
    };
    let half = half(args);
    let apply = |f: f64| match name {
        "floor" => f.floor(),
        "ceil" => f.ceil(),
        "truncate" => f.trunc(),
        _ if (f - f.trunc()).abs() == 0.5 && half == "even" => f.round_ties_even(),
        _ if (f - f.trunc()).abs() == 0.5 && half == "down" => f.trunc(),
        _ => f.round(),
    };
    if places <= 0 {
        let whole = to_int(call, apply(this))?;
        return match (places, whole) {
            (0, whole) => Ok(whole),
            (_, Some(Value::Int(i))) => round_int(call, i, name, places, args),
            (_, other) => Ok(other),
        };
    }
    if places >= 15 || !this.is_finite() {
        return Ok(Some(Value::Float(this)));
    }
    let scale = 10f64.powi(i32::try_from(places).unwrap_or(0));
    let scaled = this * scale;
    if !scaled.is_finite() {
        return Ok(Some(Value::Float(this)));
    }
    let mut whole = apply(scaled);
    // What the multiplication lost: the written number lies on the edge, its double just below.
    if name == "round" && half == "up" && this > 0.0 && (whole + 0.5) / scale <= this {
        whole += 1.0;
    } else if name == "round" && half == "up" && this < 0.0 && (whole - 0.5) / scale >= this {
        whole -= 1.0;
    } else if name == "floor" && (whole + 1.0) / scale <= this {
        whole += 1.0;
    }
    Ok(Some(Value::Float(whole / scale)))
}

/// `Integer(x)`, and what `%d` takes.
pub(super) fn to_integer(call: &Call, value: &Value) -> Result<i64, Unwind> {
    match value {
        Value::Int(i) => Ok(*i),
        Value::Float(f) => match to_int(call, f.trunc())? {
            Some(Value::Int(i)) => Ok(i),
            _ => Ok(0),
        },
        Value::Str(s) => {
            let text = s.to_text();
            parse_int(&text)
                .ok_or_else(|| call.argument_error(format!("invalid value for Integer(): {}", value.inspect())))
        }
        Value::Time(t) => Ok(t.timestamp().as_second()),
        Value::Nil => Err(call.type_error("can't convert nil into Integer")),
        other => Err(call.type_error(format!("can't convert {} into Integer", super::kind(call, other)))),
    }
}

fn parse_int(text: &str) -> Option<i64> {
    let text = text.trim().replace('_', "").to_lowercase();
    let (sign, body) = match text.strip_prefix('-') {
        Some(body) => ("-", body),
        None => ("", text.strip_prefix('+').unwrap_or(&text)),
    };
    let (radix, digits) = match body {
        b if b.starts_with("0x") => (16, b.get(2..)?),
        b if b.starts_with("0b") => (2, b.get(2..)?),
        b if b.starts_with("0o") => (8, b.get(2..)?),
        b if b.len() > 1 && b.starts_with('0') => (8, b.get(1..)?),
        b => (10, b),
    };
    if digits.starts_with(['-', '+']) {
        return None;
    }
    i64::from_str_radix(&format!("{sign}{digits}"), radix).ok()
}

/// `Float(x)`, and what `%f` takes.
pub(super) fn to_float(call: &Call, value: &Value) -> Result<f64, Unwind> {
    match value {
        Value::Str(s) => {
            let text = s.to_text();
            let clean = text.trim().replace('_', "");
            let plain = clean.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'));
            let parsed = if plain { clean.parse().ok() } else { None };
            parsed.ok_or_else(|| call.argument_error(format!("invalid value for Float(): {}", value.inspect())))
        }
        other => super::take::float(call, other),
    }
}

/// `step` of a number, by position or by name.
pub(super) async fn step(call: &Call, this: &Value, args: &Args) -> Reply {
    let Some(block) = &args.block else { return Ok(Some(super::enumerate::enumerator(this, "step", args))) };
    let end = args.option("to").unwrap_or_else(|| args.at(0));
    let by = args.option("by").or_else(|| args.get(1).cloned()).unwrap_or(Value::Int(1));
    if by.equals(&Value::Int(0)) {
        return Err(call.argument_error("step can't be 0"));
    }
    if let (Value::Int(from), Value::Int(by), Value::Int(_) | Value::Nil | Value::Hash(_)) = (this, &by, &end) {
        let (mut i, up) = (*from, *by > 0);
        let end = end.as_int().unwrap_or(if up { i64::MAX } else { i64::MIN });
        while if up { i <= end } else { i >= end } {
            call.call_proc(block, vec![Value::Int(i)]).await?;
            let Some(next) = i.checked_add(*by) else { break };
            i = next;
        }
        return Ok(Some(this.clone()));
    }
    let number = |value: &Value| super::take::float(call, value);
    let (low, by) = (number(this)?, number(&by)?);
    let end = if end.is_nil() { by.signum() * f64::INFINITY } else { number(&end)? };
    super::range::float_steps(call, low, end, by, false, block).await?;
    Ok(Some(this.clone()))
}

pub(super) async fn later(call: &Call, this: i64, name: &str, args: &Args) -> Reply {
    if name == "step" {
        return step(call, &Value::Int(this), args).await;
    }
    if !matches!(name, "times" | "upto" | "downto") {
        return Ok(None);
    }
    if args.block.is_none() {
        return Ok(Some(super::enumerate::enumerator(&Value::Int(this), name, args)));
    }
    let block = block(call, args)?;
    match name {
        "times" => {
            let mut i = 0;
            while i < this {
                call.call_proc(block, vec![Value::Int(i)]).await?;
                i += 1;
            }
        }
        "upto" => {
            let (mut i, end) = (this, take_int(call, &args.at(0))?);
            while i <= end {
                call.call_proc(block, vec![Value::Int(i)]).await?;
                i += 1;
            }
        }
        "downto" => {
            let (mut i, end) = (this, take_int(call, &args.at(0))?);
            while i >= end {
                call.call_proc(block, vec![Value::Int(i)]).await?;
                i -= 1;
            }
        }
        _ => {}
    }
    Ok(Some(Value::Int(this)))
}
