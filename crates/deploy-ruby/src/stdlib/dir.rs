//! Dir

use super::file::path_arg;
use super::{expand, io_error};
use crate::core::{opt_text, text};
use crate::interp::{Args, Call, FileKind, Object, Reply};
use crate::value::{Unwind, Value};
use async_trait::async_trait;
use std::rc::Rc;

pub(super) const NAMES: &[&str] = &[
    "[]",
    "glob",
    "pwd",
    "getwd",
    "chdir",
    "mkdir",
    "rmdir",
    "delete",
    "unlink",
    "entries",
    "children",
    "each_child",
    "foreach",
    "exist?",
    "exists?",
    "empty?",
    "home",
    "tmpdir",
    "mktmpdir",
];

pub(super) async fn class_call(call: &Call, name: &str, args: &Args) -> Reply {
    let effects = call.interp().effects().clone();
    Ok(Some(match name {
        "pwd" | "getwd" => Value::from(effects.cwd()),
        "home" => Value::from(effects.env("HOME").unwrap_or_else(|| "/".to_owned())),
        "tmpdir" => Value::from(effects.env("TMPDIR").unwrap_or_else(|| "/tmp".to_owned())),
        "[]" | "glob" => {
            let found = globbed(call, args).await?;
            match &args.block {
                Some(block) => {
                    for path in found {
                        call.call_proc(block, vec![path]).await?;
                    }
                    Value::Nil
                }
                None => Value::array(found),
            }
        }
        "chdir" => chdir(call, args).await?,
        "mkdir" => {
            let path = path_arg(call, args, 0)?;
            effects.make_dir(call, &path).await.map_err(|e| io_error(call, &e, &path))?;
            Value::Int(0)
        }
        "rmdir" | "delete" | "unlink" => {
            let path = path_arg(call, args, 0)?;
            effects.remove_dir(call, &path).await.map_err(|e| io_error(call, &e, &path))?;
            Value::Int(0)
        }
        "entries" | "children" | "each_child" | "foreach" => {
            let path = path_arg(call, args, 0)?;
            let mut names = effects.list(call, &path).await.map_err(|e| io_error(call, &e, &path))?;
            names.sort();
            if matches!(name, "entries" | "foreach") {
                names.splice(0..0, [".".to_owned(), "..".to_owned()]);
            }
            let Some(block) = &args.block else {
                return Ok(Some(Value::array(names.into_iter().map(Value::from).collect())));
            };
            for name in names {
                call.call_proc(block, vec![Value::from(name)]).await?;
            }
            Value::Nil
        }
        "new" | "open" => {
            let path = path_arg(call, args, 0)?;
            let mut names = effects.list(call, &path).await.map_err(|e| io_error(call, &e, &path))?;
            names.sort();
            names.splice(0..0, [".".to_owned(), "..".to_owned()]);
            let dir = Value::object(Handle { path, names });
            match &args.block {
                Some(block) => call.call_proc(block, vec![dir]).await?,
                None => dir,
            }
        }
        "exist?" | "exists?" => {
            let stat = effects.stat(call, &path_arg(call, args, 0)?, true).await;
            Value::Bool(stat.is_ok_and(|s| s.kind == FileKind::Directory))
        }
        "empty?" => {
            Value::Bool(effects.list(call, &path_arg(call, args, 0)?).await.is_ok_and(|names| names.is_empty()))
        }
        "mktmpdir" => temp_dir(call, args).await?,
        _ => return Ok(None),
    }))
}

/// `Dir.new`: the names as they were when it was opened.
struct Handle {
    path: String,
    names: Vec<String>,
}

#[async_trait(?Send)]
impl Object for Handle {
    fn class_name(&self) -> String {
        "Dir".to_owned()
    }

    fn inspect(&self) -> String {
        format!("#<Dir:{}>", self.path)
    }

    fn items(&self) -> Option<Vec<Value>> {
        Some(self.names.iter().map(Value::str).collect())
    }

    async fn call(self: Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        match name {
            "path" | "to_path" => Ok(Some(Value::str(&self.path))),
            "close" => Ok(Some(Value::Nil)),
            "children" | "each_child" => {
                let mut all = Args::one(Value::str(&self.path));
                all.block.clone_from(&args.block);
                Box::pin(class_call(call, name, &all)).await
            }
            _ => Ok(None),
        }
    }
}

impl Call {
    /// Paths of this machine that a pattern matches, as `Dir.glob` gives them: sorted, relative where the pattern is.
    pub async fn glob(&self, pattern: &str) -> Vec<String> {
        let base = expand(self, ".", None);
        super::glob::glob(self, pattern, &base, false).await
    }
}

async fn globbed(call: &Call, args: &Args) -> Result<Vec<Value>, Unwind> {
    let (patterns, options) = args.split_options();
    let base = options.get_sym("base").as_ref().and_then(opt_text);
    let base = expand(call, base.as_deref().unwrap_or("."), None);
    let dot = patterns
        .get(1)
        .and_then(Value::as_int)
        .or_else(|| options.get_sym("flags").and_then(|f| f.as_int()))
        .unwrap_or(0)
        & 4
        != 0;
    let mut found = Vec::new();
    for pattern in patterns.iter().filter(|p| !matches!(p, Value::Int(_))).flat_map(Value::to_list_of_patterns) {
        let hits = super::glob::glob(call, &text(call, &pattern)?, &base, dot).await;
        found.extend(hits.into_iter().map(Value::from));
    }
    Ok(found)
}

impl Value {
    /// An array of patterns, or one pattern.
    fn to_list_of_patterns(&self) -> Vec<Value> {
        match self {
            Value::Array(items) => items.to_vec(),
            other => vec![other.clone()],
        }
    }
}

async fn chdir(call: &Call, args: &Args) -> Result<Value, Unwind> {
    let effects = call.interp().effects().clone();
    let before = effects.cwd();
    let path = match args.len() {
        0 => effects.env("HOME").unwrap_or_else(|| "/".to_owned()),
        _ => path_arg(call, args, 0)?,
    };
    effects.set_cwd(call, &path).map_err(|e| io_error(call, &e, &path))?;
    let Some(block) = &args.block else { return Ok(Value::Int(0)) };
    let result = call.call_proc(block, vec![Value::from(path)]).await;
    effects.set_cwd(call, &before).map_err(|e| io_error(call, &e, &before))?;
    result
}

async fn temp_dir(call: &Call, args: &Args) -> Result<Value, Unwind> {
    let effects = call.interp().effects().clone();
    let base = effects.env("TMPDIR").unwrap_or_else(|| "/tmp".to_owned());
    let prefix = args.get(0).map_or_else(|| "d".to_owned(), Value::to_s);
    let path = format!("{base}/{prefix}{:016x}", effects.random());
    effects.make_dir(call, &path).await.map_err(|e| io_error(call, &e, &path))?;
    effects.chmod(call, &path, 0o700).await.map_err(|e| io_error(call, &e, &path))?;
    let Some(block) = &args.block else { return Ok(Value::from(path)) };
    let result = call.call_proc(block, vec![Value::str(&path)]).await;
    super::fileutils::remove_tree(call, &path).await.map_err(|e| io_error(call, &e, &path))?;
    result
}
