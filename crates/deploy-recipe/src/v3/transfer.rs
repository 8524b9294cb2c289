//! `upload!`, `download!`, `remote_file`: small texts to the hosts, files from them.

use std::rc::Rc;

use deploy_plan::{Op, Problem, ProblemKind, Purpose};
use deploy_ruby::{Args, Call, Value};

use super::backend::Backend;
use super::command::escape_path;
use super::rake::RakeTask;
use super::together::Piece;
use crate::v2::{Cap, R, fail, site, unsupported};

/// How many bytes a text may have.
const LIMIT: usize = 64 * 1024;

/// `upload! "local" or StringIO, "remote"`
pub(crate) async fn upload(backend: &Rc<Backend>, call: &Call, args: &Args) -> R {
    let (positional, options) = args.split_options();
    let [source, target] = positional.as_slice() else {
        return Err(call.argument_error("`upload!' needs what is uploaded and where to"));
    };
    if options.get_name("recursive").is_some_and(|value| value.truthy()) {
        let why = "directories are not carried to the hosts yet; upload! writes one small text";
        return Err(unsupported(call, format!("upload! {} with recursive: true", source.to_s()), why));
    }
    let (bytes, name) = content(call, source).await?;
    let mut path = backend.place(&target.to_s());
    if path.ends_with('/') {
        path.push_str(&name);
    }
    let Some(host) = backend.host() else {
        call.interp()
            .effects()
            .clone()
            .write(call, &path, &bytes, false)
            .await
            .map_err(|error| io(call, &path, &error))?;
        return Ok(Value::Bool(true));
    };
    let text = text(call, &path, bytes)?;
    let cap = backend.cap();
    // Our own files are written through the layout's connection, which must be open.
    cap.open(call, Purpose::Read, vec![host.id()]).await?;
    let title = format!("upload {path} ({} bytes)", text.len());
    let at = cap.remote_path(call, "the path of `upload!'", &path)?;
    let ops = vec![Op::WriteFile { path: at, content: text, mode: None }];
    let task = cap.task3().unwrap_or_default();
    backend.keep(Piece::Ops { title, ops, host: host.id(), task, site: site(call) });
    Ok(Value::Bool(true))
}

/// What is uploaded, and its name.
async fn content(call: &Call, source: &Value) -> R<(Vec<u8>, String)> {
    let path = source.as_str().or_else(|| match source {
        Value::Object(object) => object.to_str(),
        _ => None,
    });
    match path {
        Some(path) => {
            let name = path.rsplit('/').next().unwrap_or(&path).to_owned();
            let read = call.interp().effects().clone().read(call, &path).await;
            Ok((read.map_err(|error| io(call, &path, &error))?, name))
        }
        None => {
            let all = call.send(source, "read", Args::none()).await?;
            Ok((all.to_s_bytes(), "file".to_owned()))
        }
    }
}

fn io(call: &Call, path: &str, error: &std::io::Error) -> deploy_ruby::Unwind {
    let problem = Problem::new(ProblemKind::Recipe, format!("read {path} on this machine"), error.to_string());
    fail(call, problem.at(site(call)).next("give the path of a file that is there"))
}

fn text(call: &Call, path: &str, bytes: Vec<u8>) -> R<String> {
    let size = bytes.len();
    let why = match String::from_utf8(bytes) {
        Ok(text) if size <= LIMIT && !text.contains('\0') => return Ok(text),
        Ok(_) if size > LIMIT => format!("{size} bytes are more than the {LIMIT} that it can write"),
        _ => "it writes text only, and this is none".to_owned(),
    };
    Err(unsupported(call, format!("upload! {path}"), why))
}

/// `download! "remote", "local"`; without a second path it gives the content.
pub(crate) async fn download(backend: &Rc<Backend>, call: &Call, args: &Args) -> R {
    let (positional, _) = args.split_options();
    let Some(source) = positional.first() else { return Err(call.argument_error("`download!' needs a path")) };
    let path = backend.place(&source.to_s());
    let done = backend.output_of(call, format!("cat {}", escape_path(&path)), format!("download {path}")).await?;
    if !done.status.is_success() && !backend.cap().is_rehearsal() {
        let why = format!("{}: {}", done.status, String::from_utf8_lossy(&done.stderr).trim());
        let mut problem = Problem::new(ProblemKind::Step, format!("download {path}"), why).at(site(call));
        problem.host = backend.host().map(|host| host.id());
        return Err(fail(call, problem));
    }
    let Some(target) = positional.get(1).filter(|target| !target.is_nil()) else {
        return Ok(Value::bytes(done.stdout));
    };
    let target = target.to_s();
    let effects = call.interp().effects().clone();
    effects.write(call, &target, &done.stdout, false).await.map_err(|error| io(call, &target, &error))?;
    Ok(Value::Bool(true))
}

/// `remote_file "config/x.yml" => "local"`: to `shared/config/x.yml`, where it is missing.
pub(crate) async fn remote_file(cap: &Rc<Cap>, call: &Call, task: &RakeTask, roles: &[String]) -> R<()> {
    let Some(local) = task.params.borrow().first().cloned() else { return Ok(()) };
    let file = format!("{}/{}", cap.place(call, "shared_path").await?, task.name);
    let program = format!(
        "on roles({}) do\n  unless test({})\n    info {}\n    upload! {}, {}\n  end\nend\n",
        Value::array(roles.iter().map(Value::sym).collect()).inspect(),
        Value::from(format!("[ -f {} ]", escape_path(&file))).inspect(),
        Value::from(format!("uploading {local} to {file}")).inspect(),
        Value::str(&local).inspect(),
        Value::str(&file).inspect(),
    );
    Box::pin(call.interp().eval_file(call.context(), "remote_file", &program, cap.top())).await.map(drop)
}
