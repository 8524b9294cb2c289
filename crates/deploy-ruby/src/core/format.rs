//! `format`, `sprintf`, `%`.

use super::take;
use crate::interp::Call;
use crate::value::{Unwind, Value};

#[derive(Default)]
struct Spec {
    minus: bool,
    plus: bool,
    space: bool,
    zero: bool,
    alternate: bool,
    width: usize,
    precision: Option<usize>,
    named: Option<Value>,
}

struct Formatter<'a> {
    call: &'a Call,
    values: &'a [Value],
    next: usize,
}

/// Fills a format text.
pub(crate) fn format(call: &Call, template: &str, values: &[Value]) -> Result<String, Unwind> {
    let mut formatter = Formatter { call, values, next: 0 };
    let mut out = String::new();
    let mut rest = template.chars().peekable();
    while let Some(c) = rest.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        match rest.peek() {
            Some('%') => {
                rest.next();
                out.push('%');
            }
            None => return Err(call.argument_error("incomplete format specifier; use %% (double %) instead")),
            Some(_) => out.push_str(&formatter.directive(&mut rest)?),
        }
    }
    call.interp().check_size(call.context(), Some(out.len()))?;
    Ok(out)
}

type Rest<'a> = std::iter::Peekable<std::str::Chars<'a>>;

impl Formatter<'_> {
    fn directive(&mut self, rest: &mut Rest<'_>) -> Result<String, Unwind> {
        let mut spec = Spec::default();
        loop {
            match rest.next() {
                Some('-') => spec.minus = true,
                Some('+') => spec.plus = true,
                Some(' ') => spec.space = true,
                Some('0') => spec.zero = true,
                Some('#') => spec.alternate = true,
                Some('*') => {
                    let width = take::int(self.call, &self.value()?)?;
                    spec.minus |= width < 0;
                    spec.width = usize::try_from(width.unsigned_abs()).unwrap_or(0);
                }
                Some(digit @ '1'..='9') => {
                    let found = number(digit, rest);
                    if rest.next_if_eq(&'$').is_none() {
                        spec.width = found;
                        continue;
                    }
                    let value = found.checked_sub(1).and_then(|at| self.values.get(at)).cloned();
                    spec.named = Some(value.ok_or_else(|| self.call.argument_error("too few arguments"))?);
                }
                Some('.') => {
                    let first = rest.next_if(char::is_ascii_digit);
                    spec.precision = Some(first.map_or(0, |d| number(d, rest)));
                }
                Some('<') => spec.named = Some(self.named(rest, '<', '>')?),
                Some('{') => {
                    let value = self.named(rest, '{', '}')?;
                    return self.padded(&spec, value.to_s());
                }
                Some(kind) => return self.convert(kind, spec),
                None => return Err(self.call.argument_error("incomplete format specifier; use %% (double %) instead")),
            }
        }
    }

    fn named(&self, rest: &mut Rest<'_>, start: char, end: char) -> Result<Value, Unwind> {
        let name: String = rest.by_ref().take_while(|c| *c != end).collect();
        let Some(Value::Hash(hash)) = self.values.first() else {
            return Err(self.call.argument_error("one hash required"));
        };
        hash.get_sym(&name).ok_or_else(|| self.call.raise("KeyError", format!("key{start}{name}{end} not found")))
    }

    fn value(&mut self) -> Result<Value, Unwind> {
        let value = self.values.get(self.next).cloned();
        self.next += 1;
        value.ok_or_else(|| self.call.argument_error("too few arguments"))
    }

    fn convert(&mut self, kind: char, mut spec: Spec) -> Result<String, Unwind> {
        let value = match spec.named.take() {
            Some(value) => value,
            None => self.value()?,
        };
        match kind {
            's' | 'p' => {
                let text = if kind == 's' { value.to_s() } else { value.inspect() };
                let text = match spec.precision {
                    Some(max) => text.chars().take(max).collect(),
                    None => text,
                };
                self.padded(&spec, text)
            }
            'c' => {
                let text = match &value {
                    Value::Int(code) => {
                        u32::try_from(*code).ok().and_then(char::from_u32).map(String::from).unwrap_or_default()
                    }
                    other => other.to_s().chars().take(1).collect(),
                };
                self.padded(&spec, text)
            }
            'd' | 'i' | 'u' | 'x' | 'X' | 'o' | 'b' | 'B' => {
                let number = super::number::to_integer(self.call, &value)?;
                self.integer(kind, &spec, number)
            }
            'f' | 'e' | 'E' | 'g' | 'G' => {
                let number = super::number::to_float(self.call, &value)?;
                let text = float_text(kind, &spec, number.abs());
                self.signed(&spec, number.is_sign_negative() && !number.is_nan(), "", text)
            }
            other => Err(self.call.argument_error(format!("malformed format string - %{other}"))),
        }
    }

    fn integer(&self, kind: char, spec: &Spec, number: i64) -> Result<String, Unwind> {
        let size = number.unsigned_abs();
        if number < 0 && !matches!(kind, 'd' | 'i' | 'u') && !spec.plus && !spec.space {
            return self.padded(spec, complement(kind, number));
        }
        let (prefix, digits) = match kind {
            'x' => ("0x", format!("{size:x}")),
            'X' => ("0X", format!("{size:X}")),
            'o' => ("0", format!("{size:o}")),
            'b' => ("0b", format!("{size:b}")),
            'B' => ("0B", format!("{size:b}")),
            _ => ("", size.to_string()),
        };
        let digits = match spec.precision {
            Some(min) => {
                self.call.interp().check_size(self.call.context(), Some(min))?;
                format!("{digits:0>min$}")
            }
            None => digits,
        };
        self.signed(spec, number < 0, if spec.alternate { prefix } else { "" }, digits)
    }

    fn signed(&self, spec: &Spec, negative: bool, prefix: &str, digits: String) -> Result<String, Unwind> {
        let sign = match (negative, spec.plus, spec.space) {
            (true, _, _) => "-",
            (false, true, _) => "+",
            (false, false, true) => " ",
            _ => "",
        };
        let fixed = sign.len() + prefix.len();
        if spec.zero && !spec.minus && spec.precision.is_none_or(|_| digits.contains('.')) {
            self.call.interp().check_size(self.call.context(), Some(spec.width))?;
            let width = spec.width.saturating_sub(fixed);
            return Ok(format!("{sign}{prefix}{digits:0>width$}"));
        }
        self.padded(spec, format!("{sign}{prefix}{digits}"))
    }

    fn padded(&self, spec: &Spec, text: String) -> Result<String, Unwind> {
        let width = self.call.interp().check_size(self.call.context(), Some(spec.width))?;
        let missing = width.saturating_sub(text.chars().count());
        let fill = " ".repeat(missing);
        Ok(if spec.minus { format!("{text}{fill}") } else { format!("{fill}{text}") })
    }
}

/// A negative number in the endless two's complement that Ruby shows: `..f01`.
fn complement(kind: char, number: i64) -> String {
    let (text, digit) = match kind {
        'x' => (format!("{number:x}"), 'f'),
        'X' => (format!("{number:X}"), 'F'),
        'o' => (format!("{number:o}").replacen('1', "7", 1), '7'),
        _ => (format!("{number:b}"), '1'),
    };
    format!("..{digit}{}", text.trim_start_matches(digit))
}

fn number(first: char, rest: &mut Rest<'_>) -> usize {
    let mut text = String::from(first);
    while let Some(digit) = rest.next_if(char::is_ascii_digit) {
        text.push(digit);
    }
    text.parse().unwrap_or(usize::MAX)
}

fn float_text(kind: char, spec: &Spec, number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return "Inf".to_owned();
    }
    let precision = spec.precision.unwrap_or(6).min(1000);
    match kind {
        'f' => format!("{number:.precision$}"),
        'e' | 'E' => exponent(number, precision, kind),
        _ => general(number, precision.max(1), kind),
    }
}

fn exponent(number: f64, precision: usize, kind: char) -> String {
    let text = format!("{number:.precision$e}");
    let (mantissa, power) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, digits) = power.strip_prefix('-').map_or(('+', power), |d| ('-', d));
    let letter = if kind.is_uppercase() { 'E' } else { 'e' };
    format!("{mantissa}{letter}{sign}{digits:0>2}")
}

fn general(number: f64, precision: usize, kind: char) -> String {
    let power = if number == 0.0 { 0 } else { number.log10().floor() as i64 };
    let digits = i64::try_from(precision).unwrap_or(6);
    let text = if power < -4 || power >= digits {
        exponent(number, precision - 1, if kind == 'G' { 'E' } else { 'e' })
    } else {
        let places = usize::try_from((digits - 1 - power).max(0)).unwrap_or(0);
        format!("{number:.places$}")
    };
    match text.split_once(['e', 'E']) {
        Some((mantissa, rest)) if mantissa.contains('.') => {
            let letter = if kind == 'G' { 'E' } else { 'e' };
            format!("{}{letter}{rest}", mantissa.trim_end_matches('0').trim_end_matches('.'))
        }
        None if text.contains('.') => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        _ => text,
    }
}
