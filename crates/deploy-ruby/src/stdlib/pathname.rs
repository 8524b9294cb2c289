//! Pathname: a path that joins with `+`, `/` and `join`, and stands for its text.

use super::path::{basename, extname, normalize, relative};
use super::{dirname, expand, join_path};
use crate::core::text;
use crate::interp::{Args, Call, Object, Reply};
use crate::value::{Unwind, Value};
use async_trait::async_trait;
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::rc::Rc;

/// A path.
pub struct Pathname(String);

impl Pathname {
    /// A path with this text.
    pub fn new(path: &str) -> Self {
        Self(path.to_owned())
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn plus(&self, other: &str) -> String {
        if other.starts_with('/') {
            return other.to_owned();
        }
        let mut base = self.0.trim_end_matches('/').to_owned();
        let mut rest = other;
        loop {
            if let Some(tail) = rest.strip_prefix("./") {
                rest = tail;
            } else if let Some(tail) = rest.strip_prefix("../").or_else(|| (rest == "..").then_some("")) {
                if base.is_empty() || base == "." || base == ".." || base.ends_with("/..") {
                    break;
                }
                base = dirname(&base);
                rest = tail;
            } else {
                break;
            }
        }
        match (rest.is_empty() || rest == ".", base.as_str()) {
            (true, _) if base.is_empty() => "/".to_owned(),
            (true, _) => base,
            (false, ".") => rest.to_owned(),
            (false, _) => join_path(&base, rest),
        }
    }
}

/// A path as a value.
pub(crate) fn pathname(path: &str) -> Value {
    Value::object(Pathname::new(path))
}

pub(super) async fn class_call(call: &Call, name: &str, args: &Args) -> Reply {
    Ok(Some(match name {
        "new" => pathname(&text(call, &args.at(0))?),
        "pwd" | "getwd" => pathname(&call.interp().effects().cwd()),
        "glob" | "[]" => {
            let found = Box::pin(super::dir::class_call(call, "glob", args)).await?.unwrap_or_default();
            Value::array(found.to_list().iter().map(|p| pathname(&p.to_s())).collect())
        }
        _ => return Ok(None),
    }))
}

fn cleaned(path: &str) -> String {
    if path.starts_with('/') {
        return normalize(path);
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/').filter(|p| !p.is_empty() && *p != ".") {
        match (part, parts.last()) {
            ("..", Some(last)) if *last != ".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    if parts.is_empty() { ".".to_owned() } else { parts.join("/") }
}

#[async_trait(?Send)]
impl Object for Pathname {
    fn class_name(&self) -> String {
        "Pathname".to_owned()
    }

    fn to_s(&self) -> String {
        self.0.clone()
    }

    fn to_str(&self) -> Option<String> {
        Some(self.0.clone())
    }

    fn inspect(&self) -> String {
        format!("#<Pathname:{}>", self.0)
    }

    fn equals(&self, other: &Value) -> bool {
        other.downcast::<Pathname>().is_some_and(|o| o.0 == self.0)
    }

    fn compare(&self, other: &Value) -> Option<Ordering> {
        other.downcast::<Pathname>().map(|o| self.0.cmp(&o.0))
    }

    fn hash_code(&self) -> u64 {
        let mut hasher = std::hash::DefaultHasher::new();
        self.0.hash(&mut hasher);
        hasher.finish()
    }

    fn responds_to(&self, name: &str) -> bool {
        self.method_names().iter().any(|n| n == name)
    }

    fn method_names(&self) -> Vec<String> {
        let names = [
            "join",
            "+",
            "/",
            "to_s",
            "to_path",
            "basename",
            "dirname",
            "parent",
            "extname",
            "exist?",
            "file?",
            "directory?",
            "read",
            "write",
            "relative?",
            "absolute?",
            "expand_path",
            "cleanpath",
            "relative_path_from",
            "children",
            "glob",
            "mkpath",
            "sub",
            "sub_ext",
            "each_filename",
            "realpath",
        ];
        names.into_iter().map(str::to_owned).collect()
    }

    async fn call(self: Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        let given = |i: usize| text(call, &args.at(i));
        Ok(Some(match name {
            "+" | "/" => pathname(&self.plus(&given(0)?)),
            "join" => {
                let mut path = Pathname(self.0.clone());
                for part in &args.positional {
                    path = Pathname(path.plus(&text(call, part)?));
                }
                Value::object(path)
            }
            "to_s" | "to_path" | "to_str" => Value::str(&self.0),
            "basename" => {
                let suffix = args.get(0).map_or(Ok(String::new()), |s| text(call, s))?;
                pathname(&basename(&self.0, &suffix))
            }
            "dirname" | "parent" => pathname(&dirname(&self.0)),
            "extname" => Value::from(extname(&self.0)),
            "absolute?" => Value::Bool(self.0.starts_with('/')),
            "relative?" => Value::Bool(!self.0.starts_with('/')),
            "root?" => Value::Bool(self.0 == "/"),
            "cleanpath" => pathname(&cleaned(&self.0)),
            "expand_path" => {
                pathname(&expand(call, &self.0, args.get(0).map(|b| text(call, b)).transpose()?.as_deref()))
            }
            "relative_path_from" => pathname(&relative(&cleaned(&given(0)?), &cleaned(&self.0))),
            "sub_ext" => {
                let stem = self.0.strip_suffix(extname(&self.0).as_str()).unwrap_or(&self.0);
                pathname(&format!("{stem}{}", given(0)?))
            }
            "sub" | "gsub" => {
                let changed = Box::pin(call.send(&Value::str(&self.0), name, args.clone())).await?;
                pathname(&changed.to_s())
            }
            "each_filename" => {
                let parts = self.0.split('/').filter(|p| !p.is_empty()).map(Value::str);
                Value::array(parts.collect())
            }
            "ascend" | "descend" => {
                let mut parts = vec![self.0.clone()];
                while let Some(last) = parts.last().filter(|p| !matches!(p.as_str(), "/" | ".")).cloned() {
                    let up = dirname(&last);
                    if up == "." {
                        break;
                    }
                    parts.push(up);
                }
                if name == "descend" {
                    parts.reverse();
                }
                let list = Value::array(parts.iter().map(|part| pathname(part)).collect());
                return Box::pin(crate::core::call_later(call, &list, "each", args)).await;
            }
            "children" | "entries" => {
                let listed = Box::pin(super::dir::class_call(call, name, &Args::one(Value::str(&self.0))))
                    .await?
                    .unwrap_or_default();
                let path = |n: &Value| if name == "entries" { n.to_s() } else { self.plus(&n.to_s()) };
                Value::array(listed.to_list().iter().map(|n| pathname(&path(n))).collect())
            }
            "glob" => {
                let pattern = join_path(&self.0, &given(0)?);
                return Box::pin(class_call(call, "glob", &Args::one(pattern).with_block(args.block.clone()))).await;
            }
            "mkpath" | "rmtree" => {
                file_utils(call, &self.0, if name == "mkpath" { "mkdir_p" } else { "rm_rf" }).await?;
                Value::Nil
            }
            "mkdir" | "rmdir" => {
                return Box::pin(super::dir::class_call(call, name, &Args::one(Value::str(&self.0)))).await;
            }
            "realpath" | "readlink" => {
                let found = Box::pin(super::file::class_call(call, name, &Args::one(Value::str(&self.0))))
                    .await?
                    .unwrap_or_default();
                pathname(&found.to_s())
            }
            "==" | "===" | "!=" | "eql?" | "<=>" | "hash" | "inspect" | "class" | "is_a?" | "kind_of?" | "nil?"
            | "respond_to?" | "freeze" | "dup" => return Ok(None),
            name if super::file::NAMES.contains(&name) && !matches!(name, "new" | "split" | "popen") => {
                return forward(call, &self.0, name, args).await;
            }
            _ => return Ok(None),
        }))
    }
}

async fn file_utils(call: &Call, path: &str, name: &str) -> Reply {
    Box::pin(super::fileutils::class_call(call, name, &Args::one(Value::str(path)))).await
}

/// `path.read` as `File.read(path)`.
async fn forward(call: &Call, path: &str, name: &str, args: &Args) -> Result<Option<Value>, Unwind> {
    let mut args = args.clone();
    let at = usize::from(name == "chmod");
    args.positional.insert(at.min(args.positional.len()), Value::str(path));
    Box::pin(super::file::class_call(call, name, &args)).await
}
