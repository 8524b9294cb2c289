//! File and IO: class methods, and open files.

use super::path::{basename, extname, relative};
use super::stream::StringIo;
use super::{dirname, expand, io_error, join_path};
use crate::core::{int, opt_text, text};
use crate::interp::{Args, Call, FileKind, Object, Reply};
use crate::value::{Str, Unwind, Value};
use async_trait::async_trait;
use std::cell::Cell;
use std::rc::Rc;

pub(super) const NAMES: &[&str] = &[
    "join",
    "expand_path",
    "absolute_path",
    "dirname",
    "basename",
    "extname",
    "split",
    "read",
    "binread",
    "write",
    "binwrite",
    "readlines",
    "foreach",
    "open",
    "new",
    "exist?",
    "exists?",
    "file?",
    "directory?",
    "symlink?",
    "readable?",
    "writable?",
    "executable?",
    "zero?",
    "empty?",
    "size",
    "size?",
    "stat",
    "lstat",
    "mtime",
    "ctime",
    "atime",
    "readlink",
    "realpath",
    "chmod",
    "chown",
    "delete",
    "unlink",
    "rename",
    "symlink",
    "link",
    "fnmatch",
    "fnmatch?",
    "identical?",
    "absolute_path?",
    "popen",
    "copy_stream",
    "touch",
    "umask",
    "utime",
    "ftype",
    "world_readable?",
    "owned?",
];

/// A path given as text or as an object that stands for one.
pub(super) fn path_arg(call: &Call, args: &Args, index: usize) -> Result<String, Unwind> {
    let value = args.at(index);
    let given = match opt_text(&value) {
        Some(path) => path,
        None => text(call, &value)?,
    };
    Ok(given)
}

fn join_all(call: &Call, values: &[Value], depth: usize) -> Result<String, Unwind> {
    let mut out: Option<String> = None;
    for value in values {
        let part = match value {
            Value::Array(inner) if depth < 50 => join_all(call, &inner.to_vec(), depth + 1)?,
            other => text(call, other)?,
        };
        out = Some(match out {
            None => part,
            Some(before) => join_path(&before, &part),
        });
    }
    Ok(out.unwrap_or_default())
}

fn lexical(call: &Call, name: &str, args: &Args) -> Reply {
    Ok(Some(match name {
        "join" => Value::from(join_all(call, &args.positional, 0)?),
        "expand_path" | "absolute_path" => {
            let base = args.get(1).filter(|v| !v.is_nil()).map(|b| text(call, b)).transpose()?;
            Value::from(expand(call, &text(call, &args.at(0))?, base.as_deref()))
        }
        "dirname" => {
            let mut path = text(call, &args.at(0))?;
            for _ in 0..args.get(1).map_or(Ok(1), |n| int(call, n))?.clamp(0, 1000) {
                path = dirname(&path);
            }
            Value::from(path)
        }
        "basename" => {
            let suffix = args.get(1).map_or(Ok(String::new()), |s| text(call, s))?;
            Value::from(basename(&text(call, &args.at(0))?, &suffix))
        }
        "extname" => Value::from(extname(&text(call, &args.at(0))?)),
        "split" => {
            let path = text(call, &args.at(0))?;
            Value::array(vec![Value::from(dirname(&path)), Value::from(basename(&path, ""))])
        }
        "absolute_path?" => Value::Bool(text(call, &args.at(0))?.starts_with('/')),
        "fnmatch" | "fnmatch?" => {
            let flags = args.get(2).map_or(Ok(0), |f| int(call, f))?;
            Value::Bool(super::glob::fnmatch(&text(call, &args.at(0))?, &text(call, &args.at(1))?, flags))
        }
        "relative_path" => Value::from(relative(&text(call, &args.at(0))?, &text(call, &args.at(1))?)),
        "umask" => Value::Int(0o022),
        _ => return Ok(None),
    }))
}

pub(super) async fn class_call(call: &Call, name: &str, args: &Args) -> Reply {
    if let Some(done) = lexical(call, name, args)? {
        return Ok(Some(done));
    }
    if let Some(done) = Box::pin(look(call, name, args)).await? {
        return Ok(Some(done));
    }
    Box::pin(act(call, name, args)).await
}

/// What asks the file system and changes nothing.
async fn look(call: &Call, name: &str, args: &Args) -> Reply {
    let effects = call.interp().effects().clone();
    let known = matches!(
        name,
        "exist?"
            | "exists?"
            | "file?"
            | "directory?"
            | "symlink?"
            | "readable?"
            | "writable?"
            | "executable?"
            | "zero?"
            | "empty?"
            | "size"
            | "size?"
            | "mtime"
            | "ctime"
            | "atime"
            | "stat"
            | "lstat"
            | "ftype"
            | "owned?"
            | "world_readable?"
    );
    if known {
        let path = path_arg(call, args, 0)?;
        if path.is_empty() && !matches!(name, "size" | "mtime" | "ctime" | "atime" | "stat" | "lstat" | "ftype") {
            return Ok(Some(if name == "size?" { Value::Nil } else { Value::Bool(false) }));
        }
        let found = effects.stat(call, &path, !matches!(name, "symlink?" | "lstat" | "ftype")).await;
        return Ok(Some(match (name, found) {
            ("size?", Ok(s)) => {
                if s.size == 0 {
                    Value::Nil
                } else {
                    Value::Int(i64::try_from(s.size).unwrap_or(i64::MAX))
                }
            }
            ("size?", Err(_)) => Value::Nil,
            ("size" | "mtime" | "ctime" | "atime" | "stat" | "lstat" | "ftype", Err(error)) => {
                return Err(io_error(call, &error, &path));
            }
            (_, Err(_)) => Value::Bool(false),
            ("exist?" | "exists?" | "readable?" | "owned?" | "world_readable?", Ok(_)) => Value::Bool(true),
            ("file?", Ok(s)) => Value::Bool(s.kind == FileKind::File),
            ("directory?", Ok(s)) => Value::Bool(s.kind == FileKind::Directory),
            ("symlink?", Ok(s)) => Value::Bool(s.kind == FileKind::Symlink),
            ("writable?", Ok(s)) => Value::Bool(s.mode & 0o222 != 0),
            ("executable?", Ok(s)) => Value::Bool(s.mode & 0o111 != 0),
            ("zero?" | "empty?", Ok(s)) => Value::Bool(s.size == 0 && s.kind == FileKind::File),
            ("size", Ok(s)) => Value::Int(i64::try_from(s.size).unwrap_or(i64::MAX)),
            ("stat" | "lstat", Ok(s)) => Value::object(FileStat(s)),
            ("ftype", Ok(s)) => Value::str(match s.kind {
                FileKind::File => "file",
                FileKind::Directory => "directory",
                FileKind::Symlink => "link",
                FileKind::Other => "unknown",
            }),
            (_, Ok(s)) => Value::Time(Rc::new(s.modified.to_zoned(effects.time_zone()))),
        }));
    }
    Ok(Some(match name {
        "readlink" => {
            let path = path_arg(call, args, 0)?;
            Value::from(effects.read_link(call, &path).await.map_err(|e| io_error(call, &e, &path))?)
        }
        "realpath" | "realdirpath" => {
            let path = path_arg(call, args, 0)?;
            Value::from(effects.real_path(call, &path).await.map_err(|e| io_error(call, &e, &path))?)
        }
        "read" | "binread" => {
            let mut bytes = read(call, &path_arg(call, args, 0)?).await?;
            let skip = args.get(2).map_or(Ok(0), |n| int(call, n))?;
            bytes.drain(..usize::try_from(skip).unwrap_or(0).min(bytes.len()));
            if let Some(Value::Int(n)) = args.get(1) {
                bytes.truncate(usize::try_from(*n).unwrap_or(0));
            }
            Value::bytes(bytes)
        }
        "readlines" | "foreach" => {
            let io = StringIo::over(Str::from_bytes(read(call, &path_arg(call, args, 0)?).await?));
            let chomp = args.option("chomp").is_some_and(|v| v.truthy());
            let mut lines = io.serve(call, Value::Nil, "readlines", &Args::none()).await?.unwrap_or_default().to_list();
            if chomp {
                lines = lines.into_iter().map(|l| Value::str(l.to_s().trim_end_matches(['\n', '\r']))).collect();
            }
            let Some(block) = &args.block else { return Ok(Some(Value::array(lines))) };
            for line in lines {
                call.call_proc(block, vec![line]).await?;
            }
            Value::Nil
        }
        "identical?" => {
            let (a, b) = (path_arg(call, args, 0)?, path_arg(call, args, 1)?);
            let same = (effects.real_path(call, &a).await, effects.real_path(call, &b).await);
            Value::Bool(matches!(same, (Ok(a), Ok(b)) if a == b))
        }
        _ => return Ok(None),
    }))
}

/// The bytes of a file.
pub(super) async fn read(call: &Call, path: &str) -> Result<Vec<u8>, Unwind> {
    let bytes = call.interp().effects().clone().read(call, path).await.map_err(|e| io_error(call, &e, path))?;
    call.interp().check_size(call.context(), Some(bytes.len()))?;
    Ok(bytes)
}

/// What changes the file system.
async fn act(call: &Call, name: &str, args: &Args) -> Reply {
    let effects = call.interp().effects().clone();
    let wrap = |path: &str| {
        let path = path.to_owned();
        move |error: std::io::Error| io_error(call, &error, &path)
    };
    Ok(Some(match name {
        "write" | "binwrite" => {
            let path = path_arg(call, args, 0)?;
            let data = args.at(1).to_s_bytes();
            let append = args.option("mode").is_some_and(|m| m.to_s().starts_with('a'));
            effects.write(call, &path, &data, append).await.map_err(wrap(&path))?;
            Value::from(data.len())
        }
        "open" | "new" => open(call, args).await?,
        "popen" => {
            let command = match args.at(0) {
                Value::Array(words) => Args::new(words.to_vec()),
                line => Args::one(line),
            };
            let mut command = crate::core::command(call, &command)?;
            command.capture = true;
            let finished = effects.run(call, command).await.map_err(wrap("popen"))?;
            crate::core::set_status(call, &finished);
            let io = Value::object(StringIo::over(Str::from_bytes(finished.stdout)));
            match &args.block {
                Some(block) => call.call_proc(block, vec![io]).await?,
                None => io,
            }
        }
        "chmod" => {
            let mode = u32::try_from(int(call, &args.at(0))?).unwrap_or(0o644);
            for index in 1..args.len() {
                let path = path_arg(call, args, index)?;
                effects.chmod(call, &path, mode).await.map_err(wrap(&path))?;
            }
            Value::from(args.len().saturating_sub(1))
        }
        "delete" | "unlink" => {
            for index in 0..args.len() {
                let path = path_arg(call, args, index)?;
                effects.remove_file(call, &path).await.map_err(wrap(&path))?;
            }
            Value::from(args.len())
        }
        "rename" => {
            let (from, to) = (path_arg(call, args, 0)?, path_arg(call, args, 1)?);
            effects.rename(call, &from, &to).await.map_err(wrap(&format!("({from}, {to})")))?;
            Value::Int(0)
        }
        "symlink" => {
            let (target, link) = (path_arg(call, args, 0)?, path_arg(call, args, 1)?);
            effects.symlink(call, &target, &link).await.map_err(wrap(&format!("({target}, {link})")))?;
            Value::Int(0)
        }
        _ => return Ok(None),
    }))
}

async fn open(call: &Call, args: &Args) -> Result<Value, Unwind> {
    let path = path_arg(call, args, 0)?;
    let mode = args
        .get(1)
        .filter(|m| matches!(m, Value::Str(_)))
        .map_or_else(|| args.option("mode").map_or("r".to_owned(), |m| m.to_s()), Value::to_s);
    let bits = args.get(2).and_then(Value::as_int).and_then(|m| u32::try_from(m).ok());
    let file = open_file(call, &path, &mode, bits).await?;
    let Some(block) = &args.block else { return Ok(Value::Object(file)) };
    let result = call.call_proc(block, vec![Value::Object(file.clone())]).await;
    file.close(call).await?;
    result
}

/// Opens a file in one of C's modes.
pub(super) async fn open_file(call: &Call, path: &str, mode: &str, bits: Option<u32>) -> Result<Rc<OpenFile>, Unwind> {
    let effects = call.interp().effects().clone();
    let wrap = |error: std::io::Error| io_error(call, &error, path);
    let kind = mode.chars().next().unwrap_or('r');
    let text = match kind {
        'w' => {
            effects.write(call, path, b"", false).await.map_err(wrap)?;
            Vec::new()
        }
        'a' => effects.read(call, path).await.unwrap_or_default(),
        _ => effects.read(call, path).await.map_err(wrap)?,
    };
    if let (Some(bits), true) = (bits, kind != 'r') {
        effects.chmod(call, path, bits).await.map_err(wrap)?;
    }
    let io = StringIo::over(Str::from_bytes(text));
    if kind == 'a' {
        io.to_end();
    }
    let writable = kind != 'r' || mode.contains('+');
    Ok(Rc::new(OpenFile {
        path: path.to_owned(),
        io,
        writable,
        dirty: Cell::default(),
        closed: Cell::default(),
        gone: Cell::default(),
    }))
}

/// An open file: its text is written back when it is flushed or closed.
pub(super) struct OpenFile {
    pub(super) path: String,
    io: StringIo,
    writable: bool,
    dirty: Cell<bool>,
    closed: Cell<bool>,
    /// Whether it was deleted through this handle.
    gone: Cell<bool>,
}

impl OpenFile {
    async fn flush(&self, call: &Call) -> Result<(), Unwind> {
        if self.dirty.replace(false) {
            let effects = call.interp().effects().clone();
            effects
                .write(call, &self.path, &self.io.bytes(), false)
                .await
                .map_err(|e| io_error(call, &e, &self.path))?;
        }
        Ok(())
    }

    pub(super) async fn close(&self, call: &Call) -> Result<(), Unwind> {
        self.closed.set(true);
        self.flush(call).await
    }
}

#[async_trait(?Send)]
impl Object for OpenFile {
    fn class_name(&self) -> String {
        "File".to_owned()
    }

    fn is_a(&self, class: &str) -> bool {
        matches!(class, "File" | "IO")
    }

    fn inspect(&self) -> String {
        format!("#<File:{}>", self.path)
    }

    fn to_str(&self) -> Option<String> {
        Some(self.path.clone())
    }

    fn responds_to(&self, name: &str) -> bool {
        ["read", "write", "gets", "puts", "path", "close", "<<", "print", "each_line"].contains(&name)
    }

    async fn call(self: Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        match name {
            "path" | "to_path" if self.gone.get() => return Ok(Some(Value::Nil)),
            "path" | "to_path" => return Ok(Some(Value::str(&self.path))),
            "close" => {
                self.close(call).await?;
                return Ok(Some(Value::Nil));
            }
            "closed?" => return Ok(Some(Value::Bool(self.closed.get()))),
            "unlink" | "delete" | "close!" => {
                self.closed.set(true);
                call.interp()
                    .effects()
                    .clone()
                    .remove_file(call, &self.path)
                    .await
                    .map_err(|e| io_error(call, &e, &self.path))?;
                self.gone.set(true);
                return Ok(Some(if name == "close!" { Value::Nil } else { Value::Bool(true) }));
            }
            "flush" | "fsync" => {
                self.flush(call).await?;
                return Ok(Some(Value::Object(self)));
            }
            "flock" => return Ok(Some(Value::Int(0))),
            "chmod" | "size" | "mtime" | "stat" => {
                self.flush(call).await?;
                let mut all = Args::new(vec![Value::str(&self.path)]);
                if name == "chmod" {
                    all.positional.insert(0, args.at(0));
                }
                return Box::pin(class_call(call, name, &all)).await;
            }
            "sync=" | "fileno" | "inspect" | "to_s" | "class" | "is_a?" | "nil?" | "respond_to?" | "==" => {
                return Ok(None);
            }
            _ => {}
        }
        if self.closed.get() {
            return Err(call.raise("IOError", "closed stream"));
        }
        if let Some(bytes) = super::stream::written(call, name, args)? {
            if !self.writable {
                return Err(call.raise("IOError", "not opened for writing"));
            }
            self.io.write(&bytes);
            self.dirty.set(true);
            return Ok(Some(super::stream::write_result(name, Value::Object(self), bytes.len())));
        }
        let whole = Value::Object(self.clone());
        Box::pin(self.io.serve(call, whole, name, args)).await
    }
}

struct FileStat(crate::interp::Stat);

#[async_trait(?Send)]
impl Object for FileStat {
    fn class_name(&self) -> String {
        "File::Stat".to_owned()
    }

    async fn call(self: Rc<Self>, call: &Call, name: &str, _args: &Args) -> Reply {
        let stat = self.0;
        Ok(Some(match name {
            "size" => Value::Int(i64::try_from(stat.size).unwrap_or(i64::MAX)),
            "mode" => Value::Int(i64::from(stat.mode)),
            "mtime" | "ctime" | "atime" => {
                Value::Time(Rc::new(stat.modified.to_zoned(call.interp().effects().time_zone())))
            }
            "file?" => Value::Bool(stat.kind == FileKind::File),
            "directory?" => Value::Bool(stat.kind == FileKind::Directory),
            "symlink?" => Value::Bool(stat.kind == FileKind::Symlink),
            "zero?" => Value::Bool(stat.size == 0),
            _ => return Ok(None),
        }))
    }
}
