//! Methods that every value has.

use super::take::{name_of, text};
use crate::interp::{Args, Call, Reply};
use crate::value::{Callable, Method, Proc, Sym, Unwind, Value};
use std::rc::Rc;

pub(super) const NAMES: &[&str] = &[
    "==",
    "!=",
    "===",
    "=~",
    "!~",
    "<=>",
    "!",
    "equal?",
    "eql?",
    "nil?",
    "is_a?",
    "kind_of?",
    "instance_of?",
    "class",
    "respond_to?",
    "to_s",
    "inspect",
    "hash",
    "object_id",
    "freeze",
    "frozen?",
    "dup",
    "clone",
    "itself",
    "instance_variable_get",
    "instance_variable_set",
    "instance_variable_defined?",
    "instance_variables",
    "method",
    "methods",
    "send",
    "public_send",
    "__send__",
    "tap",
    "then",
    "yield_self",
    "instance_eval",
    "instance_exec",
    "to_json",
    "to_yaml",
    "display",
    "extend",
    "enum_for",
    "to_enum",
    "singleton_class",
    "define_singleton_method",
];

pub(super) fn call(call: &Call, recv: &Value, name: &str, args: &Args) -> Reply {
    let interp = call.interp();
    Ok(Some(match name {
        "==" | "===" => Value::Bool(recv.equals(&args.at(0))),
        "!=" => Value::Bool(!recv.equals(&args.at(0))),
        "equal?" => Value::Bool(recv.same(&args.at(0))),
        "eql?" => Value::Bool(recv.eql(&args.at(0))),
        "!" => Value::Bool(!recv.truthy()),
        "=~" => Value::Nil,
        "!~" => Value::Bool(true),
        "<=>" => recv.compare(&args.at(0)).map(|o| o as i64).into(),
        "nil?" => Value::Bool(recv.is_nil()),
        "is_a?" | "kind_of?" => match args.at(0) {
            Value::Class(class) => Value::Bool(interp.is_a(recv, class.name())),
            Value::Object(object) => Value::Bool(matches!(recv, Value::Object(r) if r.is_a(&object.class_name()))),
            _ => return Err(call.type_error("class or module required")),
        },
        "instance_of?" => Value::Bool(matches!(args.at(0), Value::Class(c) if c.name() == interp.class_name(recv))),
        "class" | "singleton_class" => {
            let name = interp.class_name(recv);
            Value::Class(
                interp.class(&name).unwrap_or_else(|| Rc::new(crate::value::Class::new(&name, interp.class("Object")))),
            )
        }
        "respond_to?" => Value::Bool(super::responds_to(call, recv, &name_of(call, &args.at(0))?)),
        "to_s" => Value::from(recv.to_s()),
        "inspect" | "pretty_inspect" => Value::from(recv.inspect()),
        "hash" => Value::Int(hash_of(recv)),
        "object_id" | "__id__" => Value::Int(identity(recv)),
        "freeze" => {
            freeze(recv);
            recv.clone()
        }
        "frozen?" => Value::Bool(frozen(recv)),
        "dup" => dup(recv),
        "clone" => {
            let copy = dup(recv);
            if frozen(recv) && args.option("freeze").is_none_or(|v| v.truthy()) {
                freeze(&copy);
            }
            copy
        }
        "between?" | "clamp" if matches!(recv, Value::Str(_) | Value::Sym(_) | Value::Time(_) | Value::Object(_)) => {
            return super::number::bounds(call, recv, name, args);
        }
        "itself" => recv.clone(),
        "instance_variable_get" => interp.ivars_of(recv).get(&name_of(call, &args.at(0))?).unwrap_or_default(),
        "instance_variable_set" => {
            interp.ivars_of(recv).set(&name_of(call, &args.at(0))?, args.at(1));
            args.at(1)
        }
        "instance_variable_defined?" => Value::Bool(interp.ivars_of(recv).get(&name_of(call, &args.at(0))?).is_some()),
        "instance_variables" => Value::array(interp.ivars_of(recv).names().into_iter().map(Value::Sym).collect()),
        "method" | "public_method" => method(call, recv, &name_of(call, &args.at(0))?)?,
        "methods" | "public_methods" => Value::array(super::method_names(recv).into_iter().map(Value::sym).collect()),
        "to_json" => Value::from(crate::stdlib::to_json(call, recv, false)?),
        "to_yaml" => Value::from(crate::stdlib::to_yaml(call, recv)?),
        "extend" | "taint" | "untaint" => recv.clone(),
        "to_enum" | "enum_for" | "each_entry" => {
            let method = match args.get(0) {
                Some(value) => name_of(call, value)?,
                None => "each".to_owned(),
            };
            let mut given = args.clone();
            given.positional.drain(..args.len().min(1));
            super::enumerate::enumerator(recv, &method, &given)
        }
        _ => return Ok(None),
    }))
}

/// Methods that wait.
pub(super) async fn later(call: &Call, recv: &Value, name: &str, args: &Args) -> Reply {
    let interp = call.interp();
    Ok(Some(match name {
        "send" | "public_send" | "__send__" => {
            let mut args = args.clone();
            if args.positional.is_empty() {
                return Err(call.argument_error("no method name given"));
            }
            let method = Sym::new(&name_of(call, &args.positional.remove(0))?);
            if recv.same(call.self_value()) {
                Box::pin(interp.send_private(call, &method, args, false)).await?
            } else {
                interp.send(call, recv.clone(), &method, args).await?
            }
        }
        "tap" => {
            call.call_proc(block(call, args)?, vec![recv.clone()]).await?;
            recv.clone()
        }
        "then" | "yield_self" => call.call_proc(block(call, args)?, vec![recv.clone()]).await?,
        "instance_eval" | "instance_exec" | "class_eval" | "module_eval" | "class_exec" => {
            if args.block.is_none() && args.get(0).is_some() {
                return Err(
                    call.raise("NotImplementedError", format!("{name} of a string is outside the language here"))
                );
            }
            let mut given = args.positional.clone();
            if name == "instance_eval" {
                given = vec![recv.clone()];
            }
            call.instance_exec(block(call, args)?, recv.clone(), given).await?
        }
        "define_singleton_method" => {
            let name = name_of(call, &args.at(0))?;
            let body = match (&args.block, args.get(1)) {
                (Some(body), _) | (None, Some(Value::Proc(body))) => body.clone(),
                _ => return Err(call.argument_error("tried to create Proc object without a block")),
            };
            match recv {
                Value::Object(object) if object.define_method(&name, &body) => {}
                _ => interp.define_method(&name, body),
            }
            Value::sym(name)
        }
        "display" => {
            let text = text(call, &Value::from(recv.to_s()))?;
            interp.effects().print(call, crate::interp::Stream::Out, text.as_bytes());
            Value::Nil
        }
        _ => return Ok(None),
    }))
}

/// The block, or LocalJumpError.
pub(super) fn block<'a>(call: &Call, args: &'a Args) -> Result<&'a Proc, Unwind> {
    args.block.as_ref().ok_or_else(|| call.raise("LocalJumpError", "no block given (yield)"))
}

fn method(call: &Call, recv: &Value, name: &str) -> Result<Value, Unwind> {
    let own = recv.same(call.self_value());
    let exists = super::responds_to(call, recv, name) || (own && call.interp().word_exists(recv, name));
    if !exists && !matches!(recv, Value::Object(_)) {
        return Err(call.raise("NameError", format!("undefined method `{name}` for {}", recv.inspect())));
    }
    Ok(Value::Proc(Proc::new(Callable::Method(Method { recv: recv.clone(), name: Sym::new(name) }))))
}

fn identity(value: &Value) -> i64 {
    let at = match value {
        Value::Str(s) => s.address(),
        Value::Array(a) => Rc::as_ptr(a) as usize,
        Value::Hash(h) => Rc::as_ptr(h) as usize,
        Value::Int(i) => return i.wrapping_mul(2).wrapping_add(1),
        other => return hash_of(other),
    };
    i64::try_from(at).unwrap_or(0)
}

fn hash_of(value: &Value) -> i64 {
    use std::hash::{Hash, Hasher};
    let mut hasher = std::hash::DefaultHasher::new();
    crate::value::Key(value.clone()).hash(&mut hasher);
    i64::try_from(hasher.finish() >> 2).unwrap_or(0)
}

fn freeze(value: &Value) {
    match value {
        Value::Str(s) => s.freeze(),
        Value::Array(a) => a.freeze(),
        Value::Hash(h) => h.freeze(),
        _ => {}
    }
}

fn frozen(value: &Value) -> bool {
    match value {
        Value::Str(s) => s.is_frozen(),
        Value::Array(a) => a.is_frozen(),
        Value::Hash(h) => h.is_frozen(),
        Value::Object(_) | Value::Exception(_) | Value::Proc(_) | Value::Class(_) => false,
        _ => true,
    }
}

pub(super) fn dup(value: &Value) -> Value {
    match value {
        Value::Str(s) => Value::bytes(s.to_bytes()),
        Value::Array(a) => Value::array(a.to_vec()),
        Value::Hash(h) => Value::Hash(Rc::new(h.dup())),
        other => other.clone(),
    }
}

pub(super) fn nil(call: &Call, name: &str, args: &Args) -> Reply {
    Ok(Some(match name {
        "to_a" => Value::array(Vec::new()),
        "to_h" => Value::hash([]),
        "to_i" => Value::Int(0),
        "to_f" => Value::Float(0.0),
        "to_s" => Value::str(""),
        "&" => Value::Bool(false),
        "|" | "^" => Value::Bool(args.at(0).truthy()),
        "+" | "-" | "*" | "/" | "<<" | "[]" | "each" | "map" | "empty?" | "size" | "length" | "strip" | "split" => {
            return Err(call.raise("NoMethodError", format!("nil has no method `{name}`")));
        }
        _ => return Ok(None),
    }))
}

pub(super) fn bool(this: bool, name: &str, args: &Args) -> Option<Value> {
    Some(Value::Bool(match name {
        "&" => this && args.at(0).truthy(),
        "|" => this || args.at(0).truthy(),
        "^" => this != args.at(0).truthy(),
        _ => return None,
    }))
}
