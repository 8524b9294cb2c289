//! Equality and order of values, without calling back into programs.

use super::Value;
use std::cmp::Ordering;
use std::rc::Rc;

/// Nesting beyond which containers count as unequal, so that a container inside itself ends.
const MAX_DEPTH: usize = 200;

impl Value {
    /// Ruby's `==`.
    pub fn equals(&self, other: &Value) -> bool {
        equals(self, other, 0, false)
    }

    /// Ruby's `eql?`: like `==`, but Integer and Float are never equal.
    pub fn eql(&self, other: &Value) -> bool {
        equals(self, other, 0, true)
    }

    /// Ruby's `<=>` for values of the library itself; `None` where they have no order.
    pub fn compare(&self, other: &Value) -> Option<Ordering> {
        compare(self, other, 0)
    }
}

fn equals(a: &Value, b: &Value, depth: usize, strict: bool) -> bool {
    if depth > MAX_DEPTH {
        return false;
    }
    match (a, b) {
        (Value::Nil, Value::Nil) => true,
        (Value::Bool(x), Value::Bool(y)) => x == y,
        (Value::Int(x), Value::Int(y)) => x == y,
        (Value::Float(x), Value::Float(y)) => x == y,
        #[allow(clippy::cast_precision_loss, reason = "an integer beside a float is compared as a float")]
        (Value::Int(x), Value::Float(y)) | (Value::Float(y), Value::Int(x)) => !strict && (*x as f64) == *y,
        (Value::Str(x), Value::Str(y)) => x.same(y) || x.with(|x| y.with(|y| x == y)),
        (Value::Sym(x), Value::Sym(y)) => x == y,
        (Value::Array(x), Value::Array(y)) => Rc::ptr_eq(x, y) || arrays(&x.to_vec(), &y.to_vec(), depth, strict),
        (Value::Hash(x), Value::Hash(y)) => {
            Rc::ptr_eq(x, y)
                || (x.len() == y.len()
                    && x.pairs().iter().all(|(k, v)| y.get(k).is_some_and(|w| equals(v, &w, depth + 1, strict))))
        }
        (Value::Range(x), Value::Range(y)) => {
            x.exclusive == y.exclusive
                && equals(&x.low, &y.low, depth + 1, strict)
                && equals(&x.high, &y.high, depth + 1, strict)
        }
        (Value::Regexp(x), Value::Regexp(y)) => x.same(y),
        (Value::Proc(x), Value::Proc(y)) => x.same(y),
        (Value::Match(x), Value::Match(y)) => Rc::ptr_eq(x, y),
        (Value::Exception(x), Value::Exception(y)) => {
            Rc::ptr_eq(x, y) || (x.class().name() == y.class().name() && x.message() == y.message())
        }
        (Value::Time(x), Value::Time(y)) => x.timestamp() == y.timestamp(),
        (Value::Class(x), Value::Class(y)) => x.name() == y.name(),
        (Value::Enumerator(x), Value::Enumerator(y)) => Rc::ptr_eq(x, y),
        (Value::Object(x), other) => x.equals(other) || matches!(other, Value::Object(y) if Rc::ptr_eq(x, y)),
        (other, Value::Object(y)) if !strict => y.equals(other),
        _ => false,
    }
}

fn arrays(a: &[Value], b: &[Value], depth: usize, strict: bool) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(x, y)| equals(x, y, depth + 1, strict))
}

fn compare(a: &Value, b: &Value, depth: usize) -> Option<Ordering> {
    if depth > MAX_DEPTH {
        return None;
    }
    match (a, b) {
        (Value::Int(x), Value::Int(y)) => Some(x.cmp(y)),
        (Value::Float(x), Value::Float(y)) => x.partial_cmp(y),
        #[allow(clippy::cast_precision_loss, reason = "an integer beside a float is compared as a float")]
        (Value::Int(x), Value::Float(y)) => (*x as f64).partial_cmp(y),
        #[allow(clippy::cast_precision_loss, reason = "an integer beside a float is compared as a float")]
        (Value::Float(x), Value::Int(y)) => x.partial_cmp(&(*y as f64)),
        (Value::Str(x), Value::Str(y)) => Some(x.with(|x| y.with(|y| x.cmp(y)))),
        (Value::Sym(x), Value::Sym(y)) => Some(x.cmp(y)),
        (Value::Time(x), Value::Time(y)) => Some(x.timestamp().cmp(&y.timestamp())),
        (Value::Array(x), Value::Array(y)) => {
            let (x, y) = (x.to_vec(), y.to_vec());
            for (p, q) in x.iter().zip(&y) {
                match compare(p, q, depth + 1)? {
                    Ordering::Equal => {}
                    other => return Some(other),
                }
            }
            Some(x.len().cmp(&y.len()))
        }
        (Value::Object(x), other) => x.compare(other),
        _ if a.equals(b) => Some(Ordering::Equal),
        _ => None,
    }
}
