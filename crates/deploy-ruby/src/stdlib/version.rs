//! Gem::Version and Gem::Requirement

use crate::core::text;
use crate::interp::{Args, Call, Object, Reply};
use crate::value::{Unwind, Value};
use async_trait::async_trait;
use std::cmp::Ordering;
use std::rc::Rc;

struct Version(String);

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    // A word sorts before any number: 1.0.rc1 < 1.0.
    Word(String),
    Number(u64),
}

fn segments(version: &str) -> Vec<Segment> {
    let mut parts: Vec<Segment> = Vec::new();
    let mut word = String::new();
    let mut flush = |word: &mut String| {
        if !word.is_empty() {
            let text = std::mem::take(word);
            parts.push(text.parse().map_or(Segment::Word(text), Segment::Number));
        }
    };
    for c in version.chars() {
        let changes = word.chars().last().is_some_and(|l| l.is_ascii_digit() != c.is_ascii_digit());
        if !c.is_ascii_alphanumeric() || changes {
            flush(&mut word);
        }
        if c.is_ascii_alphanumeric() {
            word.push(c);
        }
    }
    flush(&mut word);
    parts
}

/// Order of two versions.
fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (segments(a), segments(b));
    for i in 0..a.len().max(b.len()) {
        let zero = Segment::Number(0);
        let order = a.get(i).unwrap_or(&zero).cmp(b.get(i).unwrap_or(&zero));
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

fn satisfied(requirement: &str, version: &str) -> bool {
    let split = requirement.find(|c: char| c.is_ascii_alphanumeric()).unwrap_or(0);
    let (op, wanted) = requirement.split_at(split);
    let order = compare(version, wanted);
    match op.trim() {
        "" | "=" => order.is_eq(),
        "!=" => order.is_ne(),
        ">" => order.is_gt(),
        "<" => order.is_lt(),
        ">=" => order.is_ge(),
        "<=" => order.is_le(),
        "~>" => {
            let mut numbers: Vec<&str> =
                wanted.split('.').take_while(|p| p.chars().all(|c| c.is_ascii_digit())).collect();
            if numbers.len() > 1 {
                numbers.pop();
            }
            let last = numbers.pop().and_then(|n| n.parse::<u64>().ok()).unwrap_or(0);
            let bound =
                numbers.iter().map(|n| (*n).to_owned()).chain([(last + 1).to_string()]).collect::<Vec<_>>().join(".");
            order.is_ge() && compare(version, &bound).is_lt()
        }
        _ => false,
    }
}

fn given(call: &Call, value: &Value) -> Result<String, Unwind> {
    match value.downcast::<Version>() {
        Some(version) => Ok(version.0.clone()),
        None => text(call, value),
    }
}

pub(super) fn class_call(call: &Call, class: &str, name: &str, args: &Args) -> Reply {
    match name {
        "new" | "create" if class == "Gem::Version" => {
            let version = given(call, &args.at(0))?;
            let fits = version.trim().chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-');
            if !fits {
                return Err(call.argument_error(format!("Malformed version number string {version}")));
            }
            Ok(Some(Value::object(Version(version.trim().to_owned()))))
        }
        "correct?" => {
            Ok(Some(Value::Bool(given(call, &args.at(0))?.chars().all(|c| c.is_ascii_alphanumeric() || c == '.'))))
        }
        "new" | "create" => {
            let parts =
                args.positional.iter().flat_map(Value::to_list).map(|v| text(call, &v)).collect::<Result<_, _>>()?;
            Ok(Some(Value::object(Requirement(parts))))
        }
        _ => Ok(None),
    }
}

#[async_trait(?Send)]
impl Object for Version {
    fn class_name(&self) -> String {
        "Gem::Version".to_owned()
    }

    fn to_s(&self) -> String {
        self.0.clone()
    }

    fn inspect(&self) -> String {
        format!("Gem::Version.new({:?})", self.0)
    }

    fn equals(&self, other: &Value) -> bool {
        self.compare(other) == Some(Ordering::Equal)
    }

    fn compare(&self, other: &Value) -> Option<Ordering> {
        let other = other.downcast::<Version>().map(|v| v.0.clone()).or_else(|| other.as_str())?;
        Some(compare(&self.0, &other))
    }

    fn hash_code(&self) -> u64 {
        segments(&self.0).len() as u64
    }

    async fn call(self: Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        let order = || Ok::<_, Unwind>(compare(&self.0, &given(call, &args.at(0))?));
        Ok(Some(match name {
            "<" => Value::Bool(order()?.is_lt()),
            ">" => Value::Bool(order()?.is_gt()),
            "<=" => Value::Bool(order()?.is_le()),
            ">=" => Value::Bool(order()?.is_ge()),
            "version" => Value::str(&self.0),
            "segments" => {
                let parts = segments(&self.0).into_iter().map(|s| match s {
                    Segment::Number(n) => Value::Int(i64::try_from(n).unwrap_or(i64::MAX)),
                    Segment::Word(w) => Value::from(w),
                });
                Value::array(parts.collect())
            }
            "bump" => {
                let numbers: Vec<String> = self.0.split('.').map(str::to_owned).collect();
                let mut kept: Vec<u64> = numbers.iter().map_while(|n| n.parse().ok()).collect();
                if kept.len() > 1 {
                    kept.pop();
                }
                if let Some(last) = kept.last_mut() {
                    *last = last.saturating_add(1);
                }
                Value::object(Version(kept.iter().map(u64::to_string).collect::<Vec<_>>().join(".")))
            }
            "prerelease?" => Value::Bool(self.0.chars().any(char::is_alphabetic)),
            _ => return Ok(None),
        }))
    }
}

struct Requirement(Vec<String>);

#[async_trait(?Send)]
impl Object for Requirement {
    fn class_name(&self) -> String {
        "Gem::Requirement".to_owned()
    }

    fn to_s(&self) -> String {
        self.0.join(", ")
    }

    async fn call(self: Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        Ok(match name {
            "satisfied_by?" | "===" | "=~" => {
                let version = given(call, &args.at(0))?;
                Some(Value::Bool(self.0.iter().all(|r| satisfied(r, &version))))
            }
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{compare, satisfied};
    use std::cmp::Ordering;

    #[test]
    fn versions_are_ordered_by_segments() {
        assert_eq!(compare("1.10.0", "1.9"), Ordering::Greater);
        assert_eq!(compare("1.0", "1.0.0"), Ordering::Equal);
        assert_eq!(compare("2.0.0.rc1", "2.0.0"), Ordering::Less);
        assert!(satisfied("~> 3.1", "3.20.1") && !satisfied("~> 3.1", "4.0") && !satisfied("~> 3.1.2", "3.2"));
        assert!(satisfied(">= 2", "2.0") && !satisfied("< 2", "2.0"));
    }
}
