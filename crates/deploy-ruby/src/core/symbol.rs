//! Symbol.

use crate::interp::{Args, Call, Reply};
use crate::value::{Callable, Proc, Str, Sym, Value};

pub(super) const NAMES: &[&str] = &[
    "to_s",
    "to_sym",
    "to_proc",
    "id2name",
    "name",
    "length",
    "size",
    "[]",
    "upcase",
    "downcase",
    "capitalize",
    "swapcase",
    "succ",
    "next",
    "start_with?",
    "end_with?",
    "empty?",
    "=~",
    "match",
    "match?",
    "<=>",
    "casecmp",
    "casecmp?",
];

pub(super) fn call(call: &Call, this: &Sym, name: &str, args: &Args) -> Reply {
    Ok(Some(match name {
        "to_s" | "id2name" | "name" => Value::str(this.as_str()),
        "to_sym" => Value::Sym(this.clone()),
        "to_proc" => Value::Proc(Proc::new(Callable::Symbol(this.clone()))),
        "==" | "===" | "!=" | "inspect" | "hash" | "dup" | "clone" | "freeze" | "<=>" => return Ok(None),
        "upcase" | "downcase" | "capitalize" | "swapcase" | "succ" | "next" => {
            let text = super::string::call(call, &Str::new(this.as_str()), name, args)?;
            return Ok(text.map(|t| Value::sym(t.to_s())));
        }
        "length" | "size" | "[]" | "start_with?" | "end_with?" | "empty?" | "=~" | "match" | "match?" | "casecmp"
        | "encoding" | "casecmp?" => {
            let args = Args::new(
                args.positional
                    .iter()
                    .map(|a| if let Value::Sym(s) = a { Value::str(s.as_str()) } else { a.clone() })
                    .collect(),
            );
            return super::string::call(call, &Str::new(this.as_str()), name, &args);
        }
        _ => return Ok(None),
    }))
}
