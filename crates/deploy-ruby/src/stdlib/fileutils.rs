//! FileUtils

use super::path::basename;
use super::{dirname, expand, io_error, join_path};
use crate::core::{int, text};
use crate::interp::{Args, Call, FileKind, Reply};
use crate::value::{Unwind, Value};
use std::io;

/// Its functions; with `include FileUtils` they are called bare.
pub(crate) const FILE_UTILS: &[&str] = &[
    "mkdir_p",
    "makedirs",
    "mkpath",
    "mkdir",
    "rm",
    "remove",
    "rm_f",
    "rm_r",
    "rm_rf",
    "rmtree",
    "remove_dir",
    "rmdir",
    "cp",
    "copy",
    "cp_r",
    "mv",
    "move",
    "ln_s",
    "symlink",
    "ln_sf",
    "touch",
    "chmod",
    "cd",
    "chdir",
    "pwd",
    "install",
];

fn paths(call: &Call, value: &Value) -> Result<Vec<String>, Unwind> {
    match value {
        Value::Array(items) => items.to_vec().iter().map(|p| text(call, p)).collect(),
        other => Ok(vec![text(call, other)?]),
    }
}

pub(super) async fn class_call(call: &Call, name: &str, args: &Args) -> Reply {
    let effects = call.interp().effects().clone();
    match name {
        "pwd" => return Ok(Some(Value::from(effects.cwd()))),
        "cd" | "chdir" => return Box::pin(super::dir::class_call(call, "chdir", args)).await,
        _ if !FILE_UTILS.contains(&name) => return Ok(None),
        _ => {}
    }
    let (positional, options) = args.split_options();
    if options.get_sym("noop").is_some_and(|v| v.truthy()) {
        return Ok(Some(Value::Nil));
    }
    let at = |i: usize| positional.get(i).cloned().unwrap_or_default();
    let force = name.contains("_f")
        || name.contains("rf")
        || name == "ln_sf"
        || options.get_sym("force").is_some_and(|v| v.truthy());
    match name {
        "mv" | "move" | "cp" | "copy" | "cp_r" | "ln_s" | "symlink" | "ln_sf" | "install" => {
            let to = text(call, &at(1))?;
            for from in paths(call, &at(0))? {
                let done = Box::pin(transfer(call, name, &from, &to, force)).await;
                done.map_err(|e| io_error(call, &e, &from))?;
            }
        }
        "chmod" => {
            let mode = u32::try_from(int(call, &at(0))?).unwrap_or(0o644);
            for path in paths(call, &at(1))? {
                effects.chmod(call, &path, mode).await.map_err(|e| io_error(call, &e, &path))?;
            }
        }
        _ => {
            for path in paths(call, &at(0))? {
                let done = Box::pin(one(call, name, &path, force)).await;
                done.map_err(|e| io_error(call, &e, &path))?;
            }
        }
    }
    Ok(Some(at(0)))
}

async fn one(call: &Call, name: &str, path: &str, force: bool) -> io::Result<()> {
    let effects = call.interp().effects().clone();
    match name {
        "mkdir_p" | "makedirs" | "mkpath" => make_path(call, path).await,
        "mkdir" => effects.make_dir(call, path).await,
        "touch" => effects.touch(call, path).await,
        "rmdir" => effects.remove_dir(call, path).await,
        "rm" | "remove" | "rm_f" => match effects.remove_file(call, path).await {
            Err(_) if force => Ok(()),
            done => done,
        },
        _ => match remove_tree(call, path).await {
            Err(_) if force || name == "rmtree" => Ok(()),
            done => done,
        },
    }
}

async fn is_dir(call: &Call, path: &str) -> bool {
    let stat = call.interp().effects().clone().stat(call, path, true).await;
    stat.is_ok_and(|s| s.kind == FileKind::Directory)
}

async fn make_path(call: &Call, path: &str) -> io::Result<()> {
    let full = expand(call, path, None);
    let mut missing = Vec::new();
    let mut at = full;
    while !is_dir(call, &at).await && at != "/" {
        missing.push(at.clone());
        at = dirname(&at);
    }
    for dir in missing.into_iter().rev() {
        call.interp().effects().clone().make_dir(call, &dir).await?;
    }
    Ok(())
}

/// Removes a file or a directory with everything in it; links are not followed.
pub(super) async fn remove_tree(call: &Call, path: &str) -> io::Result<()> {
    let effects = call.interp().effects().clone();
    if effects.stat(call, path, false).await?.kind != FileKind::Directory {
        return effects.remove_file(call, path).await;
    }
    for name in effects.list(call, path).await? {
        Box::pin(remove_tree(call, &join_path(path, &name))).await?;
    }
    effects.remove_dir(call, path).await
}

async fn transfer(call: &Call, name: &str, from: &str, to: &str, force: bool) -> io::Result<()> {
    let effects = call.interp().effects().clone();
    let to = if is_dir(call, to).await { join_path(to, &basename(from, "")) } else { to.to_owned() };
    match name {
        "mv" | "move" => effects.rename(call, from, &to).await,
        "ln_s" | "symlink" | "ln_sf" => {
            if force {
                // A missing old link is what is wanted.
                let _ = effects.remove_file(call, &to).await;
            }
            effects.symlink(call, from, &to).await
        }
        "cp_r" => copy_tree(call, from, &to).await,
        _ => copy_file(call, from, &to).await,
    }
}

async fn copy_file(call: &Call, from: &str, to: &str) -> io::Result<()> {
    let effects = call.interp().effects().clone();
    let mode = effects.stat(call, from, true).await?.mode;
    let data = effects.read(call, from).await?;
    effects.write(call, to, &data, false).await?;
    effects.chmod(call, to, mode & 0o7777).await
}

async fn copy_tree(call: &Call, from: &str, to: &str) -> io::Result<()> {
    let effects = call.interp().effects().clone();
    match effects.stat(call, from, false).await?.kind {
        FileKind::Directory => {
            if !is_dir(call, to).await {
                effects.make_dir(call, to).await?;
            }
            for name in effects.list(call, from).await? {
                Box::pin(copy_tree(call, &join_path(from, &name), &join_path(to, &name))).await?;
            }
            Ok(())
        }
        FileKind::Symlink => {
            let target = effects.read_link(call, from).await?;
            effects.symlink(call, &target, to).await
        }
        _ => copy_file(call, from, to).await,
    }
}
