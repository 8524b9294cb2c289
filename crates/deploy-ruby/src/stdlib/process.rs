//! What asks or uses the machine: Open3, Process, Etc, Socket, Dotenv, Tempfile, Timeout, Benchmark.

use super::file::open_file;
use super::io_error;
use crate::core::text;
use crate::interp::{Args, Call, Reply, Stderr};
use crate::value::{Unwind, Value};

pub(super) async fn class_call(call: &Call, class: &str, name: &str, args: &Args) -> Reply {
    let effects = call.interp().effects().clone();
    Ok(Some(match (class, name) {
        ("Open3", "capture2" | "capture2e" | "capture3") => open3(call, name, args).await?,
        ("Process", "pid") => Value::Int(1),
        ("Process", "clock_gettime") => Value::Float(effects.now().as_duration().as_secs_f64()),
        ("Etc", "getlogin") => Value::from(effects.user()),
        ("Etc", "nprocessors") => Value::Int(1),
        ("Socket", "gethostname") => Value::from(effects.hostname()),
        ("Signal", "trap") => {
            call.interp().0.host.warning(call, "signal handlers of a program are not installed");
            Value::Nil
        }
        ("Dotenv", "load" | "overload" | "load!") => dotenv(call, name == "overload", args).await?,
        ("Timeout", "timeout") => match &args.block {
            // The host's own deadlines end a command that hangs.
            Some(block) => call.call_proc(block, vec![args.at(0)]).await?,
            None => return Err(call.argument_error("no block given")),
        },
        ("Benchmark", "realtime" | "measure") => {
            let before = effects.now();
            if let Some(block) = &args.block {
                call.call_proc(block, Vec::new()).await?;
            }
            Value::Float(effects.now().duration_since(before).as_secs_f64())
        }
        ("Tempfile", "new" | "open" | "create") => tempfile(call, name, args).await?,
        _ => return Ok(None),
    }))
}

async fn open3(call: &Call, name: &str, args: &Args) -> Result<Value, Unwind> {
    let mut command = crate::core::command(call, args)?;
    command.capture = true;
    command.stderr = match name {
        "capture3" => Stderr::Capture,
        "capture2e" => Stderr::Merge,
        _ => Stderr::Inherit,
    };
    let shown = args.at(0).to_s();
    let finished = call.interp().effects().clone().run(call, command).await.map_err(|e| io_error(call, &e, &shown))?;
    let status = crate::core::set_status(call, &finished);
    let mut parts = vec![Value::bytes(finished.stdout)];
    if name == "capture3" {
        parts.push(Value::bytes(finished.stderr));
    }
    parts.push(status);
    Ok(Value::array(parts))
}

/// Reads `NAME=value` files into the environment.
async fn dotenv(call: &Call, over: bool, args: &Args) -> Result<Value, Unwind> {
    let effects = call.interp().effects().clone();
    let files = if args.get(0).is_none() { vec![Value::str(".env")] } else { args.positional.clone() };
    let mut set = Vec::new();
    for file in files {
        let path = text(call, &file)?;
        // A missing file is no error, as with the gem.
        let Ok(bytes) = effects.read(call, &path).await else { continue };
        for line in String::from_utf8_lossy(&bytes).lines() {
            let line = line.trim();
            let line = line.strip_prefix("export ").unwrap_or(line);
            let Some((name, value)) = line.split_once('=').filter(|_| !line.starts_with('#')) else { continue };
            let (name, value) = (name.trim(), unquote(value.trim()));
            if over || effects.env(name).is_none() {
                effects.set_env(name, Some(&value));
            }
            set.push((Value::str(name), Value::from(value)));
        }
    }
    Ok(Value::hash(set))
}

fn unquote(value: &str) -> String {
    for quote in ['"', '\''] {
        let inside = value.strip_prefix(quote).and_then(|rest| rest.find(quote).and_then(|end| rest.get(..end)));
        if let Some(inside) = inside {
            return if quote == '"' { inside.replace("\\n", "\n") } else { inside.to_owned() };
        }
    }
    value.split(" #").next().unwrap_or(value).trim_end().to_owned()
}

async fn tempfile(call: &Call, name: &str, args: &Args) -> Result<Value, Unwind> {
    let effects = call.interp().effects().clone();
    let (prefix, suffix) = match args.at(0) {
        Value::Array(parts) => (parts.get(0).unwrap_or_default().to_s(), parts.get(1).unwrap_or_default().to_s()),
        other => (other.to_s(), String::new()),
    };
    let dir = effects.env("TMPDIR").unwrap_or_else(|| "/tmp".to_owned());
    let path = format!("{dir}/{prefix}{:016x}{suffix}", effects.random());
    let file = open_file(call, &path, "w+", Some(0o600)).await?;
    let value = Value::Object(file.clone());
    let Some(block) = args.block.as_ref().filter(|_| name != "new") else { return Ok(value) };
    let result = call.call_proc(block, vec![value]).await;
    file.close(call).await?;
    // The block may have removed or moved it.
    let _ = effects.remove_file(call, &path).await;
    result
}
