//! Standard streams and StringIO.

use crate::core::{int, text};
use crate::interp::{Args, Call, Object, Reply, Stream};
use crate::value::{Str, Unwind, Value};
use async_trait::async_trait;
use std::cell::Cell;
use std::rc::Rc;

#[derive(Clone, Copy, PartialEq)]
enum Std {
    In,
    Out,
    Err,
}

struct Standard(Std);

/// `STDOUT`, `STDERR`, `STDIN`
pub(crate) fn stream(name: &str) -> Value {
    Value::object(Standard(match name {
        "STDERR" => Std::Err,
        "STDIN" => Std::In,
        _ => Std::Out,
    }))
}

/// Bytes that `puts`, `print`, `<<`, … write.
pub(super) fn written(call: &Call, name: &str, args: &Args) -> Result<Option<Vec<u8>>, Unwind> {
    let values = args.flat();
    Ok(Some(match name {
        "puts" => crate::core::lines_of(&values),
        "print" | "write" | "<<" | "syswrite" | "write_nonblock" => values.iter().flat_map(Value::to_s_bytes).collect(),
        "printf" => {
            crate::core::format(call, &text(call, &args.at(0))?, values.get(1..).unwrap_or_default())?.into_bytes()
        }
        "putc" => args.at(0).to_s().into_bytes(),
        "p" => values.iter().flat_map(|v| format!("{}\n", v.inspect()).into_bytes()).collect(),
        _ => return Ok(None),
    }))
}

/// Whether this is the real standard output, error or input.
pub(crate) fn is_standard(value: &Value) -> bool {
    value.downcast::<Standard>().is_some()
}

/// What the writing method returns.
pub(super) fn write_result(name: &str, whole: Value, count: usize) -> Value {
    match name {
        "<<" => whole,
        "write" | "syswrite" | "write_nonblock" => Value::from(count),
        _ => Value::Nil,
    }
}

#[async_trait(?Send)]
impl Object for Standard {
    fn class_name(&self) -> String {
        "IO".to_owned()
    }

    fn inspect(&self) -> String {
        match self.0 {
            Std::In => "#<IO:<STDIN>>",
            Std::Out => "#<IO:<STDOUT>>",
            Std::Err => "#<IO:<STDERR>>",
        }
        .to_owned()
    }

    fn equals(&self, other: &Value) -> bool {
        other.downcast::<Standard>().is_some_and(|other| other.0 == self.0)
    }

    fn responds_to(&self, name: &str) -> bool {
        ["puts", "print", "write", "<<", "flush", "sync=", "tty?", "printf"].contains(&name)
    }

    async fn call(self: Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        if self.0 != Std::In
            && let Some(bytes) = written(call, name, args)?
        {
            let stream = if self.0 == Std::Out { Stream::Out } else { Stream::Err };
            call.interp().effects().print(call, stream, &bytes);
            return Ok(Some(write_result(name, Value::Object(self), bytes.len())));
        }
        Ok(Some(match name {
            "flush" | "fsync" | "set_encoding" | "binmode" => Value::Object(self),
            "sync" => Value::Bool(true),
            "sync=" => args.at(0),
            "tty?" | "isatty" => Value::Bool(false),
            "fileno" => Value::Int(self.0 as i64),
            "winsize" => Value::array(vec![Value::Int(24), Value::Int(80)]),
            "gets" | "readline" if self.0 == Std::In => {
                let line = call.interp().effects().clone().prompt(call, "", true).await;
                let line = line.map_err(|e| super::io_error(call, &e, "standard input"))?;
                if line.is_none() && name == "readline" {
                    return Err(call.raise("EOFError", "end of file reached"));
                }
                line.map(|l| format!("{}\n", l.trim_end_matches('\n'))).into()
            }
            "noecho" => match &args.block {
                Some(block) => call.call_proc(block, vec![Value::Object(self.clone())]).await?,
                None => Value::Nil,
            },
            "getpass" => {
                let question = args.at(0).to_s();
                let line = call.interp().effects().clone().prompt(call, &question, false).await;
                line.map_err(|e| super::io_error(call, &e, "standard input"))?.into()
            }
            _ => return Ok(None),
        }))
    }
}

/// An IO over a string.
pub(crate) struct StringIo {
    text: Str,
    at: Cell<usize>,
}

impl StringIo {
    pub(super) fn over(text: Str) -> Self {
        Self { text, at: Cell::new(0) }
    }

    /// The rest from the position on.
    fn rest(&self) -> Vec<u8> {
        let bytes = self.text.to_bytes();
        bytes.get(self.at.get()..).unwrap_or_default().to_vec()
    }

    fn line(&self) -> Option<Value> {
        let rest = self.rest();
        if rest.is_empty() {
            return None;
        }
        let end = rest.iter().position(|b| *b == b'\n').map_or(rest.len(), |i| i + 1);
        self.at.set(self.at.get() + end);
        Some(Value::bytes(rest.get(..end).unwrap_or_default().to_vec()))
    }

    pub(super) fn write(&self, bytes: &[u8]) {
        let mut all = self.text.to_bytes();
        let at = self.at.get().min(all.len());
        let end = (at + bytes.len()).min(all.len());
        drop(all.splice(at..end, bytes.iter().copied()));
        self.at.set(at + bytes.len());
        self.text.set(all);
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        self.text.to_bytes()
    }

    pub(super) fn to_end(&self) {
        self.at.set(self.text.byte_len());
    }

    pub(super) async fn serve(&self, call: &Call, whole: Value, name: &str, args: &Args) -> Reply {
        if let Some(bytes) = written(call, name, args)? {
            self.write(&bytes);
            return Ok(Some(write_result(name, whole, bytes.len())));
        }
        Ok(Some(match name {
            "string" => Value::Str(self.text.clone()),
            "read" | "sysread" | "readpartial" => {
                let rest = self.rest();
                let take = args.get(0).filter(|v| !v.is_nil()).map(|n| int(call, n)).transpose()?;
                let take = take.map_or(rest.len(), |n| usize::try_from(n).unwrap_or(0)).min(rest.len());
                self.at.set(self.at.get() + take);
                Value::bytes(rest.get(..take).unwrap_or_default().to_vec())
            }
            "getc" | "readchar" => {
                let text = String::from_utf8_lossy(&self.rest()).into_owned();
                match text.chars().next() {
                    Some(c) => {
                        self.at.set(self.at.get() + c.len_utf8());
                        Value::from(c.to_string())
                    }
                    None if name == "readchar" => return Err(call.raise("EOFError", "end of file reached")),
                    None => Value::Nil,
                }
            }
            "each_char" | "each_byte" => {
                let rest = Value::bytes(self.rest());
                self.to_end();
                return Box::pin(crate::core::call_later(call, &rest, name, args)).await;
            }
            "gets" => self.line().unwrap_or_default(),
            "readline" => match self.line() {
                Some(line) => line,
                None => return Err(call.raise("EOFError", "end of file reached")),
            },
            "readlines" | "each_line" | "each" => {
                let mut lines = Vec::new();
                while let Some(line) = self.line() {
                    lines.push(line);
                }
                if args.option("chomp").is_some_and(|v| v.truthy()) {
                    lines = lines.into_iter().map(|l| Value::str(l.to_s().trim_end_matches(['\n', '\r']))).collect();
                }
                let Some(block) = &args.block else { return Ok(Some(Value::array(lines))) };
                for line in lines {
                    call.call_proc(block, vec![line]).await?;
                }
                whole
            }
            "rewind" => {
                self.at.set(0);
                Value::Int(0)
            }
            "pos" | "tell" => Value::from(self.at.get()),
            "seek" | "pos=" => {
                self.at.set(usize::try_from(int(call, &args.at(0))?).unwrap_or(0));
                Value::Int(0)
            }
            "eof?" | "eof" => Value::Bool(self.rest().is_empty()),
            "size" | "length" => Value::from(self.text.byte_len()),
            "truncate" => {
                let mut bytes = self.text.to_bytes();
                bytes.truncate(usize::try_from(int(call, &args.at(0))?).unwrap_or(0));
                self.text.set(bytes);
                Value::Int(0)
            }
            "flush" | "binmode" | "fsync" | "set_encoding" => whole,
            "sync" | "sync=" | "closed?" | "tty?" => Value::Bool(false),
            _ => return Ok(None),
        }))
    }
}

#[async_trait(?Send)]
impl Object for StringIo {
    fn class_name(&self) -> String {
        "StringIO".to_owned()
    }

    fn responds_to(&self, name: &str) -> bool {
        ["read", "write", "gets", "puts", "string", "rewind", "<<", "print", "each_line"].contains(&name)
    }

    async fn call(self: Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        match name {
            "close" | "close_read" | "close_write" => Ok(Some(Value::Nil)),
            _ => {
                let whole = Value::Object(self.clone());
                Box::pin(self.serve(call, whole, name, args)).await
            }
        }
    }
}

pub(super) fn class_call(call: &Call, name: &str, args: &Args) -> Reply {
    match name {
        "new" | "open" => {
            let text = match args.get(0) {
                Some(Value::Str(s)) => s.clone(),
                Some(other) => Str::new(&text(call, other)?),
                None => Str::new(""),
            };
            let io = StringIo::over(text);
            if args.at(1).to_s().starts_with('a') {
                io.to_end();
            }
            Ok(Some(Value::object(io)))
        }
        _ => Ok(None),
    }
}
