//! Functions that can be called without a receiver.

use super::object::block;
use super::take::{self, int, name_of, text};
use crate::interp::{Args, Call, LoadKind, Loaded, Reply, Stream};
use crate::value::{Exception, Jump, Unwind, Value};
use std::rc::Rc;

pub(crate) const KERNEL_NAMES: &[&str] = &[
    "puts",
    "print",
    "p",
    "pp",
    "printf",
    "putc",
    "format",
    "sprintf",
    "require",
    "require_relative",
    "load",
    "raise",
    "fail",
    "abort",
    "exit",
    "exit!",
    "at_exit",
    "sleep",
    "system",
    "exec",
    "rand",
    "srand",
    "gets",
    "loop",
    "lambda",
    "proc",
    "Integer",
    "Float",
    "String",
    "Array",
    "Hash",
    "warn",
    "binding",
    "catch",
    "throw",
    "trap",
    "block_given?",
    "caller",
    "define_method",
    "alias_method",
    "private",
    "public",
    "protected",
    "module_function",
    "__method__",
    "__dir__",
    "local_variables",
    "instance_variable_get",
    "instance_variable_set",
    "send",
    "respond_to?",
    "open",
    "`",
    "Pathname",
    "URI",
];

/// What a program put in the place of standard output or standard error.
fn redirected(call: &Call, name: &str) -> Option<Value> {
    let stream = match name {
        "puts" | "print" | "p" | "pp" | "printf" | "putc" => "$stdout",
        "warn" => "$stderr",
        _ => return None,
    };
    let set = call.interp().0.globals.borrow().get(&crate::value::Sym::new(stream)).cloned()?;
    (!crate::stdlib::is_standard(&set)).then_some(set)
}

async fn print_into(call: &Call, stream: &Value, name: &str, args: &Args) -> Reply {
    let values = args.flat();
    match name {
        "p" | "pp" => {
            for value in &values {
                call.send(stream, "puts", Args::one(value.inspect())).await?;
            }
            Ok(Some(match values.len() {
                0 => Value::Nil,
                1 => values.into_iter().next().unwrap_or_default(),
                _ => Value::array(values),
            }))
        }
        "warn" => call.send(stream, "puts", Args::new(args.positional.clone())).await.map(Some),
        name => call.send(stream, name, args.clone()).await.map(Some),
    }
}

pub(crate) async fn kernel(call: &Call, name: &str, args: &Args) -> Reply {
    if let Some(stream) = redirected(call, name) {
        return Box::pin(print_into(call, &stream, name, args)).await;
    }
    let done = output(call, name, args)?;
    if done.is_some() {
        return Ok(done);
    }
    let done = convert(call, name, args)?;
    if done.is_some() {
        return Ok(done);
    }
    let done = Box::pin(flow(call, name, args)).await?;
    if done.is_some() {
        return Ok(done);
    }
    Box::pin(outside(call, name, args)).await
}

fn print(call: &Call, stream: Stream, text: &[u8]) {
    call.interp().effects().print(call, stream, text);
}

/// What `puts` prints for values.
pub(crate) fn lines_of(values: &[Value]) -> Vec<u8> {
    fn add(value: &Value, out: &mut Vec<u8>, depth: usize) {
        if let Value::Array(items) = value
            && depth < 100
        {
            items.to_vec().iter().for_each(|item| add(item, out, depth + 1));
            return;
        }
        out.extend(value.to_s_bytes());
        if out.last() != Some(&b'\n') || value.to_s().is_empty() {
            out.push(b'\n');
        }
    }
    let mut out = Vec::new();
    values.iter().for_each(|value| add(value, &mut out, 0));
    if values.is_empty() {
        out.push(b'\n');
    }
    out
}

fn output(call: &Call, name: &str, args: &Args) -> Reply {
    let values = args.flat();
    match name {
        "puts" => print(call, Stream::Out, &lines_of(&values)),
        "warn" => {
            if values.first().is_some_and(|v| !v.is_nil()) {
                print(call, Stream::Err, &lines_of(&args.positional));
            }
        }
        "print" => values.iter().for_each(|v| print(call, Stream::Out, &v.to_s_bytes())),
        "putc" => {
            let shown = match args.at(0) {
                Value::Int(code) => vec![u8::try_from(code & 255).unwrap_or(0)],
                other => other.to_s().chars().take(1).collect::<String>().into_bytes(),
            };
            print(call, Stream::Out, &shown);
            return Ok(Some(args.at(0)));
        }
        "printf" => {
            let template = text(call, &args.at(0))?;
            let filled = super::format(call, &template, values.get(1..).unwrap_or_default())?;
            print(call, Stream::Out, filled.as_bytes());
        }
        "p" | "pp" => {
            for value in &values {
                print(call, Stream::Out, format!("{}\n", value.inspect()).as_bytes());
            }
            return Ok(Some(match values.len() {
                0 => Value::Nil,
                1 => values.into_iter().next().unwrap_or_default(),
                _ => Value::array(values),
            }));
        }
        _ => return Ok(None),
    }
    Ok(Some(Value::Nil))
}

fn convert(call: &Call, name: &str, args: &Args) -> Reply {
    let quiet = args.option("exception").is_some_and(|v| !v.truthy());
    let or_nil =
        |result: Result<Value, Unwind>| if quiet { Ok(Some(result.unwrap_or_default())) } else { result.map(Some) };
    Ok(Some(match name {
        "format" | "sprintf" => {
            let template = text(call, &args.at(0))?;
            let values = args.flat();
            Value::from(super::format(call, &template, values.get(1..).unwrap_or_default())?)
        }
        "Integer" => {
            let base = match args.at(1) {
                Value::Int(base) => base,
                _ => 10,
            };
            if let (true, Value::Str(s)) = (base != 10, args.at(0)) {
                let radix = u32::try_from(base).unwrap_or(10).clamp(2, 36);
                let text = s.to_text().trim().replace('_', "").to_lowercase();
                let prefix = match radix {
                    16 => "0x",
                    8 => "0o",
                    2 => "0b",
                    _ => "",
                };
                let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |digits| ("-", digits));
                let digits = digits.strip_prefix(prefix).unwrap_or(digits);
                let parsed = i64::from_str_radix(&format!("{sign}{digits}"), radix).map(Value::Int);
                return or_nil(parsed.map_err(|_| {
                    call.argument_error(format!("invalid value for Integer(): {}", args.at(0).inspect()))
                }));
            }
            return or_nil(super::number::to_integer(call, &args.at(0)).map(Value::Int));
        }
        "Float" => return or_nil(super::number::to_float(call, &args.at(0)).map(Value::Float)),
        "String" => Value::from(args.at(0).to_s()),
        "Array" => match args.folded().at(0) {
            Value::Range(r) => Value::array(super::range::items(call, &r)?),
            Value::Object(o) => o.items().map_or_else(|| Value::array(vec![args.at(0)]), Value::array),
            other => Value::array(other.to_list()),
        },
        "Hash" => match args.folded().at(0) {
            Value::Nil => Value::hash([]),
            Value::Array(a) if a.is_empty() => Value::hash([]),
            Value::Hash(h) => Value::Hash(h),
            other => return Err(call.type_error(format!("can't convert {} into Hash", super::kind(call, &other)))),
        },
        "rand" => random(call, &args.at(0))?,
        "srand" => Value::Int(0),
        "Pathname" => crate::stdlib::pathname(&text(call, &args.at(0))?),
        "URI" => crate::stdlib::uri(call, &text(call, &args.at(0))?)?,
        _ => return Ok(None),
    }))
}

pub(crate) fn random(call: &Call, limit: &Value) -> Result<Value, Unwind> {
    let bits = call.interp().effects().random();
    Ok(match limit {
        Value::Range(r) => {
            let (low, high) = (int(call, &r.low)?, int(call, &r.high)?);
            let width = high.saturating_sub(low).saturating_add(i64::from(!r.exclusive));
            if width <= 0 { Value::Nil } else { Value::Int(low + i64::try_from(bits >> 1).unwrap_or(0) % width) }
        }
        Value::Int(n) if *n != 0 => Value::Int(i64::try_from(bits >> 1).unwrap_or(0) % n.saturating_abs()),
        Value::Float(f) => Value::Float((bits >> 11) as f64 / (1u64 << 53) as f64 * f),
        _ => Value::Float((bits >> 11) as f64 / (1u64 << 53) as f64),
    })
}

async fn flow(call: &Call, name: &str, args: &Args) -> Reply {
    Ok(Some(match name {
        "raise" | "fail" => return Err(raise(call, args).await?),
        "abort" => {
            let message = args.get(0).map(|m| text(call, m)).transpose()?;
            if let Some(message) = &message {
                print(call, Stream::Err, format!("{message}\n").as_bytes());
            }
            return Err(exit(call, 1, &message.unwrap_or_else(|| "exit".to_owned())));
        }
        "exit" => {
            let status = match args.at(0) {
                Value::Nil | Value::Bool(true) => 0,
                Value::Bool(false) => 1,
                other => int(call, &other)?,
            };
            return Err(exit(call, status, "exit"));
        }
        "exit!" => {
            let status = take::int_or(call, args, 0, 0)?;
            return Err(Unwind::jump(Jump::Quit(i32::try_from(status).unwrap_or(1))));
        }
        "loop" => return repeat(call, args).await,
        "lambda" => Value::Proc(super::procs::to_lambda(block(call, args)?)),
        "proc" => Value::Proc(block(call, args)?.clone()),
        "catch" => {
            let tag = args.get(0).cloned().unwrap_or_else(|| Value::sym(format!("tag {}", call.interp().next_id())));
            let _catching = call.context().enter_catch(&tag);
            match call.call_proc(block(call, args)?, vec![tag.clone()]).await {
                Err(unwind) => match *unwind.0 {
                    Jump::Throw(thrown, value) if thrown.same(&tag) => value,
                    jump => return Err(Unwind::jump(jump)),
                },
                Ok(value) => value,
            }
        }
        "throw" if call.context().catches(&args.at(0)) => {
            return Err(Unwind::jump(Jump::Throw(args.at(0), args.at(1))));
        }
        "throw" => {
            return Err(call.raise("UncaughtThrowError", format!("uncaught throw {}", args.at(0).inspect())));
        }
        "block_given?" | "iterator?" => Value::Bool(call.env.as_ref().is_some_and(|e| e.home.block.is_some())),
        "binding" => crate::stdlib::binding(call)?,
        "local_variables" => {
            let names = call.env.as_ref().map(|e| e.visible()).unwrap_or_default();
            Value::array(names.into_iter().map(|(n, _)| Value::Sym(n)).collect())
        }
        "__method__" => call.env.as_ref().and_then(|e| e.home.method.clone()).into(),
        "__dir__" => {
            let file = call.position().map(|p| p.file.to_string()).unwrap_or_default();
            let dir = crate::stdlib::dirname(&file);
            Value::from(crate::stdlib::expand(call, &dir, None))
        }
        "caller" | "caller_locations" => {
            let sites = call.chain().into_iter().rev().filter_map(|f| call.interp().position(f.site));
            Value::array(sites.map(|p| Value::from(format!("{}:{}", p.file, p.line))).collect())
        }
        "define_method" => {
            let name = name_of(call, &args.at(0))?;
            let body = match args.get(1) {
                Some(Value::Proc(body)) => body.clone(),
                _ => block(call, args)?.clone(),
            };
            let method = super::procs::to_method(&body, &name);
            match call.self_value() {
                Value::Object(object) if object.define_method(&name, &method) => {}
                _ => call.interp().define_method(&name, method),
            }
            Value::sym(name)
        }
        "alias_method" => {
            call.interp().alias(
                call.context(),
                call.self_value(),
                &name_of(call, &args.at(0))?,
                &name_of(call, &args.at(1))?,
            )?;
            Value::Nil
        }
        "private" | "public" | "protected" | "module_function" | "using" | "include" | "extend" | "prepend"
            if call.self_value().same(&call.interp().main()) || !name.contains("nclude") =>
        {
            visibility(call, name, args)?
        }
        "eval" | "instance_eval" if args.get(0).is_some() && args.block.is_none() => {
            return Err(outside_language(call, "`eval` of a string"));
        }
        "fork" => return Err(outside_language(call, "`fork`")),
        _ => return Ok(None),
    }))
}

fn outside_language(call: &Call, what: &str) -> Unwind {
    call.raise("NotImplementedError", format!("{what} is outside the language here"))
}

fn visibility(call: &Call, name: &str, args: &Args) -> Result<Value, Unwind> {
    if matches!(name, "include" | "extend" | "prepend") {
        match args.at(0) {
            // Modules of the library whose functions are callable anyway.
            Value::Class(class)
                if matches!(class.name(), "FileUtils" | "ERB::Util" | "Comparable" | "Kernel" | "Shellwords") => {}
            // Its methods become words of the whole program.
            // What stands for a module of the host has its words everywhere.
            Value::Object(_) => {
                if let Some(module) = args.at(0).downcast::<super::UserClass>() {
                    super::user_class::open_to_all(call, &module);
                }
            }
            _ => return Err(outside_language(call, &format!("`{name}` of a module"))),
        }
    }
    Ok(args.at(0))
}

async fn repeat(call: &Call, args: &Args) -> Reply {
    let Some(block) = &args.block else {
        return Ok(Some(super::enumerate::enumerator(call.self_value(), "loop", args)));
    };
    loop {
        if let Err(unwind) = call.call_proc(block, Vec::new()).await {
            return match crate::interp::Interp::loop_ends(&unwind) {
                Some(result) => Ok(Some(result)),
                None => Err(unwind),
            };
        }
    }
}

fn exit(call: &Call, status: i64, message: &str) -> Unwind {
    let exception = call.interp().exception("SystemExit", message);
    exception.detail.replace(Value::Int(status));
    call.context().set_span(call.span());
    call.interp().raise_at(call.context(), exception)
}

async fn raise(call: &Call, args: &Args) -> Result<Unwind, Unwind> {
    let current = call.interp().0.globals.borrow().get(&crate::value::Sym::new("$!")).cloned().unwrap_or_default();
    let exception = match (args.get(0), args.get(1)) {
        (None, _) => match &current {
            Value::Exception(e) => return Ok(Unwind::raise(e.clone())),
            _ => call.interp().exception("RuntimeError", "unhandled exception"),
        },
        (Some(Value::Str(message)), _) => call.interp().exception("RuntimeError", message.to_text()),
        (Some(Value::Exception(e)), None) => e.clone(),
        (Some(Value::Exception(e)), Some(message)) => Rc::new(e.with_message(message.clone())),
        (Some(Value::Class(class)), message) if class.descends_from("Exception") => {
            Rc::new(Exception::new(class.clone(), message.cloned()))
        }
        (Some(other @ Value::Object(_)), message) => {
            let args = Args::new(message.cloned().into_iter().collect());
            match Box::pin(call.send(other, "exception", args)).await? {
                Value::Exception(e) => e,
                _ => return Err(call.type_error("exception object expected")),
            }
        }
        _ => return Err(call.type_error("exception class/object expected")),
    };
    if let Some(trace) = args.get(2) {
        exception.trace.replace(Some(trace.clone()));
    }
    let cause = args.keywords.as_ref().and_then(|k| k.get_sym("cause")).unwrap_or(current);
    if exception.cause.borrow().is_nil() && !matches!(&cause, Value::Exception(c) if Rc::ptr_eq(c, &exception)) {
        exception.cause.replace(cause);
    }
    call.context().set_span(call.span());
    Ok(call.interp().raise_at(call.context(), exception))
}

async fn outside(call: &Call, name: &str, args: &Args) -> Reply {
    let effects = call.interp().effects().clone();
    Ok(Some(match name {
        "require" | "require_relative" | "load" => load(call, name, &text(call, &args.at(0))?).await?,
        "sleep" => {
            let seconds = match args.get(0) {
                Some(value) => take::float(call, value)?,
                None => return Err(call.argument_error("sleeping for ever is not supported")),
            };
            if seconds < 0.0 {
                return Err(call.argument_error("time interval must not be negative"));
            }
            let time = std::time::Duration::try_from_secs_f64(seconds)
                .map_err(|_| call.argument_error("time interval too long"))?;
            effects.sleep(call, time).await;
            Value::Int(seconds.round() as i64)
        }
        "system" => super::shell::system(call, args).await?,
        "`" => super::backtick(call, &text(call, &args.at(0))?).await?,
        "exec" => {
            let ok = super::shell::system(call, args).await?;
            return Err(exit(call, i64::from(!ok.truthy()), "exit"));
        }
        "gets" => {
            let line = effects
                .prompt(call, "", true)
                .await
                .map_err(|e| crate::stdlib::io_error(call, &e, "standard input"))?;
            line.map(|l| format!("{}\n", l.trim_end_matches('\n'))).into()
        }
        "at_exit" => {
            let block = block(call, args)?.clone();
            call.interp().0.at_exit.borrow_mut().push(block.clone());
            Value::Proc(block)
        }
        "trap" => {
            call.interp().0.host.warning(call, "signal handlers of a program are not installed");
            Value::Nil
        }
        "open" => Box::pin(crate::stdlib::class_call(call, "File", "open", args)).await?.unwrap_or_default(),
        name if crate::stdlib::FILE_UTILS.contains(&name) && args.get(0).is_some() => {
            return Box::pin(crate::stdlib::class_call(call, "FileUtils", name, args)).await;
        }
        _ => return Ok(None),
    }))
}

async fn load(call: &Call, kind: &str, name: &str) -> Result<Value, Unwind> {
    let (kind, name) = match kind {
        "load" => (LoadKind::Load, name.to_owned()),
        "require" => (LoadKind::Require, name.to_owned()),
        _ => {
            let file = call.position().map(|p| p.file.to_string()).unwrap_or_default();
            let dir = crate::stdlib::dirname(&file);
            (LoadKind::RequireRelative, if dir == "." { name.to_owned() } else { crate::stdlib::join_path(&dir, name) })
        }
    };
    match call.interp().0.host.load(call, kind, &name).await? {
        Loaded::Handled(value) => Ok(Value::Bool(value)),
        Loaded::Text { name, text } => {
            let cx = call.context();
            cx.set_span(call.span());
            let _frame = cx.enter("loaded");
            let evaluated = call.interp().eval_file(cx, &name, &text, call.self_value().clone());
            Box::pin(evaluated).await?;
            Ok(Value::Bool(true))
        }
        Loaded::NotFound if kind == LoadKind::Require && crate::stdlib::is_library(&name) => {
            let mut loaded = call.interp().0.loaded.borrow_mut();
            let fresh = !loaded.contains(&name);
            if fresh {
                loaded.push(name);
            }
            Ok(Value::Bool(fresh))
        }
        Loaded::NotFound => {
            let unwind = call.raise("LoadError", format!("cannot load such file -- {name}"));
            if let Some(exception) = unwind.exception() {
                exception.detail.replace(Value::from(name));
            }
            Err(unwind)
        }
    }
}
