//! Exception objects.

use crate::interp::{Args, Call, Reply};
use crate::value::{Exception, Value};
use std::rc::Rc;

pub(super) const NAMES: &[&str] = &[
    "message",
    "to_s",
    "full_message",
    "backtrace",
    "set_backtrace",
    "cause",
    "exception",
    "status",
    "success?",
    "key",
    "receiver",
    "name",
    "result",
    "errno",
    "signo",
    "path",
];

pub(super) fn call(call: &Call, this: &Rc<Exception>, name: &str, args: &Args) -> Reply {
    Ok(Some(match name {
        "message" | "to_s" | "detailed_message" => Value::from(this.message()),
        "full_message" => {
            let at =
                call.interp().position(this.span()).map(|p| format!("{}:{}: ", p.file, p.line)).unwrap_or_default();
            Value::from(format!("{at}{} ({})", this.message(), this.class().name()))
        }
        "backtrace" => backtrace(call, this),
        "backtrace_locations" => Value::Nil,
        "set_backtrace" => {
            this.trace.replace(Some(args.at(0)));
            args.at(0)
        }
        "cause" => this.cause.borrow().clone(),
        "exception" => match args.get(0) {
            None => Value::Exception(this.clone()),
            Some(message) => Value::Exception(Rc::new(this.with_message(message.clone()))),
        },
        "status" | "success?" if this.class().descends_from("SystemExit") => {
            let status = this.detail.borrow().as_int().unwrap_or(0);
            if name == "status" { Value::Int(status) } else { Value::Bool(status == 0) }
        }
        "receiver" => this.receiver.borrow().clone(),
        "errno" => {
            const NUMBERS: &[(&str, i64)] = &[
                ("ENOENT", 2),
                ("EACCES", 13),
                ("EEXIST", 17),
                ("ENOTDIR", 20),
                ("EISDIR", 21),
                ("EINVAL", 22),
                ("ENOTEMPTY", 39),
                ("EPERM", 1),
                ("EIO", 5),
                ("ETIMEDOUT", 110),
                ("ECONNREFUSED", 111),
            ];
            let name = this.class().name().trim_start_matches("Errno::").to_owned();
            NUMBERS.iter().find(|(known, _)| *known == name).map(|(_, number)| *number).into()
        }
        "key" | "name" | "result" | "signo" | "path" => this.detail.borrow().clone(),
        _ => return Ok(None),
    }))
}

pub(super) fn backtrace(call: &Call, this: &Exception) -> Value {
    if let Some(given) = this.trace.borrow().clone() {
        return given;
    }
    if this.span().is_none() {
        return Value::Nil;
    }
    let sites =
        std::iter::once(this.span()).chain(this.chain.borrow().iter().rev().map(|f| f.site).collect::<Vec<_>>());
    let lines = sites.filter_map(|s| call.interp().position(s)).map(|p| Value::from(format!("{}:{}", p.file, p.line)));
    Value::array(lines.collect())
}
