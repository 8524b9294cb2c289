//! Reading YAML: plain types, aliases and merge keys; no object tags.

use super::yaml::resolve_plain;
use crate::interp::Call;
use crate::value::{Hash, Unwind, Value};
use saphyr_parser::{Event, Parser, ScalarStyle};
use std::collections::HashMap;
use std::rc::Rc;

/// A collection that is being filled.
enum Open {
    List(Vec<Value>, usize),
    Map { hash: Rc<Hash>, key: Option<Value>, anchor: usize },
}

struct Loader<'a> {
    call: &'a Call,
    symbols: bool,
    open: Vec<Open>,
    anchors: HashMap<usize, Value>,
    documents: Vec<Value>,
}

/// The first document, or all of them.
pub(super) fn load(call: &Call, text: &str, symbols: bool, all: bool) -> Result<Value, Unwind> {
    let mut loader = Loader { call, symbols, open: Vec::new(), anchors: HashMap::new(), documents: Vec::new() };
    for event in Parser::new_from_str(text) {
        match event {
            Ok((event, _)) => loader.event(event)?,
            Err(error) => {
                let at = error.marker();
                let message = format!("(<unknown>): {} at line {} column {}", error.info(), at.line(), at.col() + 1);
                return Err(call.raise("Psych::SyntaxError", message));
            }
        }
        if !all && !loader.documents.is_empty() {
            break;
        }
    }
    Ok(match all {
        true => Value::array(loader.documents),
        false => loader.documents.into_iter().next().unwrap_or_default(),
    })
}

impl Loader<'_> {
    fn event(&mut self, event: Event<'_>) -> Result<(), Unwind> {
        if self.open.len() > 500 {
            return Err(self.call.raise("Psych::SyntaxError", "nesting too deep"));
        }
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let tag = tag.map(|t| t.suffix.clone());
                let value = self.scalar(&text, style, tag.as_deref())?;
                self.keep(anchor, &value);
                self.put(value, style == ScalarStyle::Plain)?;
            }
            Event::Alias(anchor) => {
                let value = self.anchors.get(&anchor).cloned().unwrap_or_default();
                self.put(value, false)?;
            }
            Event::SequenceStart(anchor, _) => self.open.push(Open::List(Vec::new(), anchor)),
            Event::MappingStart(anchor, tag) => {
                if let Some(tag) = tag.filter(|t| t.suffix.starts_with("ruby/object") || t.suffix.starts_with("object"))
                {
                    return Err(self
                        .call
                        .raise("Psych::DisallowedClass", format!("Tried to load unspecified class: {}", tag.suffix)));
                }
                self.open.push(Open::Map { hash: Rc::default(), key: None, anchor });
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open::List(items, anchor)) => self.close(Value::array(items), anchor)?,
                Some(Open::Map { hash, anchor, .. }) => self.close(Value::Hash(hash), anchor)?,
                None => {}
            },
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, value: Value, anchor: usize) -> Result<(), Unwind> {
        self.keep(anchor, &value);
        self.put(value, false)
    }

    fn keep(&mut self, anchor: usize, value: &Value) {
        if anchor != 0 {
            self.anchors.insert(anchor, value.clone());
        }
    }

    fn scalar(&self, text: &str, style: ScalarStyle, tag: Option<&str>) -> Result<Value, Unwind> {
        Ok(match tag {
            Some("str") => Value::str(text),
            Some("sym" | "symbol" | "ruby/symbol" | "ruby/sym") => Value::sym(text),
            Some("int") => match resolve_plain(text) {
                int @ Value::Int(_) => int,
                _ => return Err(self.call.argument_error(format!("invalid value for Integer(): {text:?}"))),
            },
            Some(tag) if tag.starts_with("ruby/") => {
                return Err(self
                    .call
                    .raise("Psych::DisallowedClass", format!("Tried to load unspecified class: {tag}")));
            }
            _ if style == ScalarStyle::Plain => resolve_plain(text),
            _ => Value::str(text),
        })
    }

    fn put(&mut self, value: Value, plain: bool) -> Result<(), Unwind> {
        match self.open.last_mut() {
            None => self.documents.push(value),
            Some(Open::List(items, _)) => items.push(value),
            Some(Open::Map { hash, key, .. }) => match key.take() {
                None => {
                    let name = match (&value, self.symbols) {
                        (Value::Str(s), true) if !(plain && s.to_text() == "<<") => Value::sym(s.to_text()),
                        _ => value,
                    };
                    *key = Some(name);
                }
                Some(Value::Str(merge)) if merge.to_text() == "<<" => merge_into(hash, &value),
                Some(key) => {
                    hash.insert(key, value);
                }
            },
        }
        Ok(())
    }
}

/// `<<: *base`, in the order of the text, as Psych does it: a later key wins.
fn merge_into(hash: &Hash, value: &Value) {
    for source in match value {
        Value::Array(list) => list.to_vec(),
        one => vec![one.clone()],
    } {
        if let Value::Hash(source) = source {
            for (key, value) in source.pairs() {
                hash.insert(key, value);
            }
        }
    }
}
