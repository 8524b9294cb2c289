//! `upload!`, `download!`, `remote_file`: files and directories between the deployer and a host.

use std::rc::Rc;

use deploy_plan::{Sent, Transfer, Via};
use deploy_ruby::{Args, Call, Hash, Value};

use super::backend::Backend;
use super::command::escape_path;
use super::rake::RakeTask;
use crate::v2::{Cap, R, Source, fail, is_directory, local_path, no_file, site, unsupported};

/// `upload! "local" or StringIO, "remote", recursive: true`
pub(crate) async fn upload(backend: &Rc<Backend>, call: &Call, args: &Args) -> R {
    let (positional, options) = args.split_options();
    let [source, target] = positional.as_slice() else {
        return Err(call.argument_error("`upload!' needs what is uploaded and where to"));
    };
    let source = Source::read(call, source).await?;
    let path = backend.place(&target.to_s());
    let Some(host) = backend.host() else { return upload_here(call, &source, &path, &options).await };
    let via = via(call, "upload!", &options)?;
    let shown = format!("upload {} -> {path}", source.shown());
    let what = match source {
        Source::Bytes(content) => Sent::Bytes(content),
        Source::Path(local) => {
            let at = local_path(call, &local);
            match is_directory(backend.cap(), call, &local).await? {
                true if recursive(&options) => Sent::Tree { path: at, inside: true },
                true => {
                    let why = "it is a directory, and `recursive: true' is not said";
                    return Err(unsupported(call, format!("upload! {local}"), why));
                }
                false => Sent::File(at),
            }
        }
    };
    backend.transfer(call, host, shown, Transfer::Send { what, to: path, mode: None, via }).await?;
    Ok(Value::Bool(true))
}

/// `via:`, as SSHKit 1.22 has it: SFTP where the recipe says so.
fn via(call: &Call, word: &str, options: &Hash) -> R<Via> {
    match options.get_name("via").filter(|via| !via.is_nil()).map(|via| via.as_name().unwrap_or(via.to_s())).as_deref()
    {
        None | Some("scp") => Ok(Via::Command),
        Some("sftp") => Ok(Via::Sftp),
        Some(other) => {
            Err(unsupported(call, word, format!("{other} is no way to carry files; there are :sftp and :scp")))
        }
    }
}

fn recursive(options: &Hash) -> bool {
    options.get_name("recursive").is_some_and(|value| value.truthy())
}

/// On this machine an upload is a copy.
async fn upload_here(call: &Call, source: &Source, path: &str, options: &Hash) -> R {
    match source {
        Source::Path(local) => copy_here(call, local, path, recursive(options)).await,
        Source::Bytes(content) => {
            let written = call.interp().effects().clone().write(call, path, content.bytes(), false).await;
            written.map_err(|error| no_file(call, path, &error))?;
            Ok(Value::Bool(true))
        }
    }
}

async fn copy_here(call: &Call, from: &str, to: &str, recursive: bool) -> R {
    let mut words = vec!["cp".to_owned()];
    words.extend(recursive.then(|| "-R".to_owned()));
    words.extend(["--".to_owned(), from.to_owned(), to.to_owned()]);
    let command = deploy_ruby::Command {
        line: deploy_ruby::CommandLine::Argv(words),
        env: Vec::new(),
        dir: None,
        stdin: None,
        capture: true,
        stderr: deploy_ruby::Stderr::Capture,
    };
    let done = call.interp().effects().clone().run(call, command).await;
    match done.map_err(|error| no_file(call, from, &error))? {
        done if done.status == Some(0) => Ok(Value::Bool(true)),
        done => {
            let why = String::from_utf8_lossy(&done.stderr).trim().to_owned();
            let what = format!("copy {from} to {to} on this machine");
            Err(fail(call, deploy_plan::Problem::new(deploy_plan::ProblemKind::Recipe, what, why).at(site(call))))
        }
    }
}

/// `download! "remote", "local"`; without a second path it gives the content.
pub(crate) async fn download(backend: &Rc<Backend>, call: &Call, args: &Args) -> R {
    let (positional, options) = args.split_options();
    let Some(source) = positional.first() else { return Err(call.argument_error("`download!' needs a path")) };
    let from = backend.place(&source.to_s());
    let target = positional.get(1).filter(|target| !target.is_nil());
    let is_path = |target: &Value| match target {
        Value::Object(object) => object.to_str().is_some(),
        _ => true,
    };
    let to = target.filter(|target| is_path(target)).map(Value::to_s);
    let content = match (backend.host(), &to) {
        (None, Some(to)) => return copy_here(call, &from, to, recursive(&options)).await,
        (None, None) => {
            let read = call.interp().effects().clone().read(call, &from).await;
            read.map_err(|error| no_file(call, &from, &error))?
        }
        (Some(host), to) => {
            let arrow = to.as_ref().map(|to| format!(" -> {to}")).unwrap_or_default();
            let at = to.as_ref().map(|to| local_path(call, to));
            let via = via(call, "download!", &options)?;
            let transfer = Transfer::Fetch { from: from.clone(), to: at, via };
            backend.transfer(call, host, format!("download {from}{arrow}"), transfer).await?
        }
    };
    match (to, target) {
        (Some(_), _) => Ok(Value::Bool(true)),
        // Something that is written to.
        (None, Some(target)) => call.send(target, "write", Args::new(vec![Value::bytes(content)])).await,
        (None, None) => Ok(Value::bytes(content)),
    }
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
