//! Methods of the built-in values. `call_now` serves what needs neither a block nor waiting,
//! `call_later` the rest.

mod array;
mod array_edit;
mod array_more;
mod class;
mod enumerable;
mod enumerate;
mod exception;
mod format;
mod generator;
mod hash;
mod hash_block;
mod instance;
mod kernel;
mod lazy;
mod number;
mod object;
mod procs;
mod range;
mod regexp;
mod shell;
mod streaming;
mod strftime;
mod string;
mod string_chars;
mod string_edit;
mod string_encode;
mod string_find;
mod string_parse;
mod string_parts;
mod symbol;
mod take;
mod time;
mod user_class;

pub(crate) use enumerate::elements;
pub(crate) use format::format;
pub(crate) use generator::Stepper;
pub(crate) use instance::Instance;
pub(crate) use kernel::{KERNEL_NAMES, kernel, lines_of, random};
pub(crate) use shell::{backtick, command, set_status};
pub(crate) use strftime::strftime;
pub(crate) use take::{int, kind, name_of, opt_text, text};
pub(crate) use time::time_to_s;
pub(crate) use user_class::{Entry, UserClass, run as run_method};

use crate::interp::{Args, Call, Reply};
use crate::value::{Hash, Proc, Unwind, Value};
use std::rc::Rc;

/// Methods that need neither a block nor waiting.
pub(crate) fn call_now(call: &Call, recv: &Value, name: &str, args: &Args) -> Reply {
    let found = match recv {
        Value::Object(_) => return Ok(None),
        Value::Int(i) => number::int(call, *i, name, args)?,
        Value::Float(f) => number::float(call, *f, name, args)?,
        Value::Str(s) => match string::call(call, s, name, args)? {
            None => string_edit::call(call, s, name, args)?,
            found => found,
        },
        Value::Sym(s) => symbol::call(call, s, name, args)?,
        Value::Array(a) => match array::call(call, a, name, args)? {
            None => match array_edit::call(call, a, name, args)? {
                None => enumerable::call(call, &a.to_vec(), name, args)?,
                found => found,
            },
            found => found,
        },
        Value::Hash(h) => hash::call(call, h, name, args)?,
        Value::Range(r) => range::call(call, r, name, args)?,
        Value::Regexp(r) => regexp::call(call, r, name, args)?,
        Value::Match(m) => regexp::match_data(call, m, name, args)?,
        Value::Proc(p) => procs::call(call, p, name, args)?,
        Value::Exception(e) => exception::call(call, e, name, args)?,
        Value::Time(t) => time::call(call, t, name, args)?,
        Value::Class(c) => class::call(call, c, name, args)?,
        Value::Nil => object::nil(call, name, args)?,
        Value::Bool(b) => object::bool(*b, name, args),
        Value::Enumerator(_) => None,
    };
    match found {
        None => object::call(call, recv, name, args),
        found => Ok(found),
    }
}

/// Methods that call a block or wait.
pub(crate) async fn call_later(call: &Call, recv: &Value, name: &str, args: &Args) -> Reply {
    let found = match recv {
        Value::Int(i) => Box::pin(number::later(call, *i, name, args)).await?,
        Value::Float(_) if name == "step" => Box::pin(number::step(call, recv, args)).await?,
        Value::Float(_) => None,
        Value::Str(s) => Box::pin(string_edit::later(call, s, name, args)).await?,
        Value::Array(a) => match Box::pin(array_edit::later(call, a, name, args)).await? {
            None => match Box::pin(array_more::later(call, a, name, args)).await? {
                None => Box::pin(enumerate::call(call, recv, name, args)).await?,
                found => found,
            },
            found => found,
        },
        Value::Hash(h) => match Box::pin(hash_block::call(call, h, name, args)).await? {
            None => Box::pin(enumerate::call(call, recv, name, args)).await?,
            found => found,
        },
        Value::Range(_) | Value::Enumerator(_) => Box::pin(enumerate::call(call, recv, name, args)).await?,
        Value::Proc(p) => Box::pin(procs::later(call, p, name, args)).await?,
        Value::Class(c) => match Box::pin(class::later(call, c, name, args)).await? {
            None => Box::pin(crate::stdlib::class_call(call, c.name(), name, args)).await?,
            found => found,
        },
        Value::Object(o) if o.items().is_some() => Box::pin(enumerate::call(call, recv, name, args)).await?,
        _ => None,
    };
    if found.is_some() {
        return Ok(found);
    }
    let found = match recv {
        Value::Object(_) => object::call(call, recv, name, args)?,
        _ => call_now(call, recv, name, args)?,
    };
    match found {
        None => Box::pin(object::later(call, recv, name, args)).await,
        found => Ok(found),
    }
}

/// `pattern === subject`
pub(crate) async fn case_equal(call: &Call, pattern: &Value, subject: &Value) -> Result<bool, Unwind> {
    Ok(match pattern {
        Value::Class(class) => call.interp().is_a(subject, class.name()),
        Value::Range(range) => range::covers(range, subject),
        Value::Regexp(regexp) => match opt_text(subject).or_else(|| subject.as_name()) {
            Some(text) => {
                let found = regexp.find(&text, 0);
                let hit = found.is_some();
                regexp::set_last(call, found);
                hit
            }
            None => false,
        },
        Value::Proc(callee) => call.call_proc(callee, vec![subject.clone()]).await?.truthy(),
        Value::Object(object) => match object.clone().call(call, "===", &Args::one(subject.clone())).await? {
            Some(answer) => answer.truthy(),
            None => pattern.equals(subject),
        },
        other => other.equals(subject),
    })
}

/// A constant of the library that is not a class.
pub(crate) fn constant(call: &Call, full: &str) -> Option<Value> {
    Some(match full {
        "RUBY_VERSION" => Value::str("3.3.0"),
        "RUBY_PLATFORM" => Value::str("x86_64-linux"),
        "RUBY_ENGINE" => Value::str("ruby"),
        "RUBY_PATCHLEVEL" => Value::Int(0),
        "ARGV" => call.interp().global_list("$*"),
        "ENV" => crate::stdlib::env(),
        "STDOUT" | "STDERR" | "STDIN" => crate::stdlib::stream(full),
        "Float::INFINITY" => Value::Float(f64::INFINITY),
        "Float::NAN" => Value::Float(f64::NAN),
        "Float::MAX" => Value::Float(f64::MAX),
        "Float::MIN" => Value::Float(f64::MIN_POSITIVE),
        "Float::EPSILON" => Value::Float(f64::EPSILON),
        "Integer::MAX" => Value::Int(i64::MAX),
        "Math::PI" => Value::Float(std::f64::consts::PI),
        "Math::E" => Value::Float(std::f64::consts::E),
        "File::SEPARATOR" | "File::Separator" => Value::str("/"),
        "File::PATH_SEPARATOR" => Value::str(":"),
        "File::ALT_SEPARATOR" => Value::Nil,
        "File::FNM_DOTMATCH" => Value::Int(4),
        "File::FNM_PATHNAME" => Value::Int(2),
        "File::FNM_EXTGLOB" => Value::Int(16),
        "File::FNM_CASEFOLD" => Value::Int(8),
        "IO::SEEK_SET" => Value::Int(0),
        "File::RDONLY" => Value::Int(0),
        "File::WRONLY" => Value::Int(1),
        "File::RDWR" => Value::Int(2),
        "File::NULL" => Value::str("/dev/null"),
        "Regexp::IGNORECASE" => Value::Int(1),
        "Regexp::EXTENDED" => Value::Int(2),
        "Regexp::MULTILINE" => Value::Int(4),
        "Logger::DEBUG" => Value::Int(0),
        "Logger::INFO" => Value::Int(1),
        "Logger::WARN" => Value::Int(2),
        "Logger::ERROR" => Value::Int(3),
        "Logger::FATAL" => Value::Int(4),
        "Logger::UNKNOWN" => Value::Int(5),
        "Process::CLOCK_MONOTONIC" => Value::Int(1),
        "Process::CLOCK_REALTIME" => Value::Int(0),
        "Encoding::UTF_8" => crate::stdlib::encoding("UTF-8"),
        "Encoding::BINARY" | "Encoding::ASCII_8BIT" => crate::stdlib::encoding("ASCII-8BIT"),
        "Encoding::US_ASCII" | "Encoding::ASCII" => crate::stdlib::encoding("US-ASCII"),
        "Encoding::ISO_8859_1" => crate::stdlib::encoding("ISO-8859-1"),
        _ => return None,
    })
}

/// A special global variable that nobody has set.
pub(crate) fn global(call: &Call, name: &str) -> Value {
    match name {
        "$:" | "$LOAD_PATH" | "$*" | "$\"" | "$LOADED_FEATURES" => Value::array(Vec::new()),
        "$stdout" | "$>" => crate::stdlib::stream("STDOUT"),
        "$stderr" => crate::stdlib::stream("STDERR"),
        "$stdin" => crate::stdlib::stream("STDIN"),
        "$/" => Value::str("\n"),
        "$@" => match call.interp().0.globals.borrow().get(&crate::value::Sym::new("$!")) {
            Some(Value::Exception(e)) => exception::backtrace(call, e),
            _ => Value::Nil,
        },
        "$0" | "$PROGRAM_NAME" => Value::str("main"),
        "$$" => Value::Int(i64::from(u16::try_from(call.interp().effects().random() & 0x7fff).unwrap_or(1))),
        "$VERBOSE" | "$DEBUG" => Value::Bool(false),
        _ => Value::Nil,
    }
}

/// FrozenError with its receiver.
fn frozen_error(call: &Call, receiver: Value, message: String) -> Unwind {
    let unwind = call.raise("FrozenError", message);
    if let Some(exception) = unwind.exception() {
        exception.receiver.replace(receiver);
    }
    unwind
}

/// Whether a method is one of Enumerable.
fn is_enumerating(name: &str) -> bool {
    enumerable::NAMES.contains(&name) || enumerate::NAMES.contains(&name)
}

/// `respond_to?`
pub(crate) fn responds_to(call: &Call, recv: &Value, name: &str) -> bool {
    if let Value::Object(object) = recv
        && object.responds_to(name)
    {
        return true;
    }
    if recv.same(call.self_value()) && call.interp().0.defs.borrow().keys().any(|k| k.as_str() == name) {
        return true;
    }
    names(recv).iter().any(|list| list.contains(&name))
}

/// Names to suggest for a mistyped method.
pub(crate) fn method_names(recv: &Value) -> Vec<String> {
    let mut all: Vec<String> = names(recv).iter().flat_map(|list| list.iter().map(|n| (*n).to_owned())).collect();
    if let Value::Object(object) = recv {
        all.extend(object.method_names());
    }
    all
}

fn names(recv: &Value) -> Vec<&'static [&'static str]> {
    let own: Vec<&'static [&'static str]> = match recv {
        Value::Int(_) => vec![number::INT_NAMES, number::NAMES],
        Value::Float(_) => vec![number::NAMES],
        Value::Str(_) => vec![string::NAMES, string_edit::NAMES],
        Value::Sym(_) => vec![symbol::NAMES, &["between?", "clamp"]],
        Value::Array(_) => {
            vec![array::NAMES, array_edit::NAMES, array_more::NAMES, enumerable::NAMES, enumerate::NAMES]
        }
        Value::Hash(_) => vec![hash::NAMES, hash_block::NAMES, enumerate::NAMES],
        Value::Range(_) => vec![range::NAMES, enumerable::NAMES, enumerate::NAMES],
        Value::Enumerator(_) => vec![enumerable::NAMES, enumerate::NAMES],
        Value::Regexp(_) => vec![regexp::NAMES],
        Value::Match(_) => vec![regexp::MATCH_NAMES],
        Value::Proc(_) => vec![procs::NAMES],
        Value::Exception(_) => vec![exception::NAMES],
        Value::Time(_) => vec![time::NAMES],
        Value::Class(c) => vec![class::NAMES, crate::stdlib::class_names(c.name())],
        Value::Nil => vec![&["to_a", "to_h", "to_i", "to_f", "&", "|"]],
        Value::Bool(_) => vec![&["&", "|", "^", "!"]],
        Value::Object(o) if o.items().is_some() => vec![enumerable::NAMES, enumerate::NAMES],
        Value::Object(_) => vec![],
    };
    own.into_iter().chain([object::NAMES]).collect()
}

/// Whether ActiveSupport adds a method of this name to core classes.
pub(crate) fn is_active_support(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "blank?",
        "present?",
        "presence",
        "try",
        "try!",
        "titleize",
        "titlecase",
        "camelize",
        "camelcase",
        "underscore",
        "dasherize",
        "parameterize",
        "humanize",
        "pluralize",
        "singularize",
        "constantize",
        "classify",
        "tableize",
        "squish",
        "truncate",
        "in?",
        "ago",
        "from_now",
        "minutes",
        "minute",
        "hours",
        "hour",
        "days",
        "day",
        "weeks",
        "week",
        "months",
        "years",
        "seconds",
        "second",
        "megabytes",
        "gigabytes",
        "kilobytes",
        "symbolize_keys",
        "stringify_keys",
        "with_indifferent_access",
        "deep_merge",
        "deep_symbolize_keys",
        "reverse_merge",
        "to_sentence",
        "html_safe",
        "extract_options!",
        "strip_heredoc",
        "starts_with?",
        "ends_with?",
        "to_param",
        "to_query",
        "in_groups_of",
        "many?",
        "second_to_last",
        "without",
        "excluding",
        "pluck",
    ];
    NAMES.contains(&name)
}

/// `&hash` as a block: looks keys up.
pub(crate) fn hash_proc(hash: Rc<Hash>) -> Proc {
    Proc::native(move |_call, args| {
        let value = hash.get(&args.at(0)).unwrap_or_default();
        Box::pin(async move { Ok(value) })
    })
}
