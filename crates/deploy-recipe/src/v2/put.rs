//! `put`: a small text into a file on the hosts. It travels as an op and not as a command, whose text every user of a
//! host can read in its list of processes.

use std::rc::Rc;

use deploy_inventory::{Host, HostId};
use deploy_plan::{Builtin, BuiltinItem, Item, Op, Problem, ProblemKind, Purpose};
use deploy_ruby::{Args, Call, Hash};

use super::Cap;
use super::actions::need_flow;
use super::command::{for_host, has_placeholder};
use super::convert::{R, fail, site, unsupported};
use super::execute::NOTHING;
use super::places::PLACES;
use super::run_options::RunOptions;

/// How many bytes a text may have.
const LIMIT: usize = 64 * 1024;

/// Options that say how the file is written, not where.
const OWN: &[&str] = &["mode", "via", "recursive"];

/// Writes a small text into a file on the hosts.
pub(crate) async fn put(cap: &Rc<Cap>, call: &Call, args: &Args) -> R {
    let (positional, options) = args.split_options();
    let [data, path] = positional.as_slice() else {
        return Err(call.argument_error("`put' needs the text and the path"));
    };
    let path = path.to_s();
    let text = text(call, &path, data.to_s_bytes())?;
    let mode = mode(call, &path, &options)?;
    need_flow(cap, call)?;
    let others = options.pairs().into_iter().filter(|(key, _)| {
        let name = key.as_name();
        !name.is_some_and(|name| OWN.contains(&name.as_str()))
    });
    let options = RunOptions::read(cap, call, &Hash::from_pairs(others)).await?;
    let Some(hosts) = cap.scope(call, &options.wanted).await? else { return Ok(NOTHING) };
    open(cap, call, &path, &hosts).await?;
    if options.wanted.continue_on_error || call.under_rescue() {
        cap.note(format!("a host on which `put {path}' fails ends the run, whatever the recipe rescues or lets pass"));
    }
    for (path, hosts) in paths(cap, &path, &hosts) {
        let title = format!("put {path} ({} bytes)", text.len());
        let path = cap.remote_path(call, "the path of `put'", &path)?;
        let ops = vec![Op::WriteFile { path, content: text.clone(), mode }];
        let task = cap.current_task().map(|task| task.full_name()).unwrap_or_default();
        cap.flow.borrow_mut().recorded += 1;
        // With :max_hosts one part of the hosts after the other, as commands do.
        for part in hosts.chunks(options.wanted.max_hosts.unwrap_or(hosts.len()).max(1)) {
            let builtin = Builtin::Ops { title: title.clone(), ops: ops.clone(), undo: Vec::new() };
            let (hosts, task) = (part.to_vec(), task.clone());
            cap.port.record(Item::Builtin(BuiltinItem { builtin, hosts, task, site: site(call), sudo: false }));
        }
    }
    Ok(NOTHING)
}

fn text(call: &Call, path: &str, bytes: Vec<u8>) -> R<String> {
    let why = match String::from_utf8(bytes) {
        Ok(text) if text.contains('\0') => "`put' writes text only, and this is none".to_owned(),
        Ok(text) if text.len() > LIMIT => {
            format!("{} bytes are more than the {LIMIT} that `put' can write", text.len())
        }
        Ok(text) => return Ok(text),
        Err(_) => "`put' writes text only, and this is none".to_owned(),
    };
    Err(unsupported(call, format!("put {path}"), why))
}

fn mode(call: &Call, path: &str, options: &Hash) -> R<Option<u32>> {
    let Some(mode) = options.get_name("mode").filter(|mode| mode.truthy()) else { return Ok(None) };
    let bits = match mode.as_int() {
        Some(bits) => u32::try_from(bits).ok(),
        None => u32::from_str_radix(mode.to_s().trim(), 8).ok(),
    };
    match bits.filter(|bits| *bits <= 0o7777) {
        Some(bits) => Ok(Some(bits)),
        None => {
            let why = format!("the mode {} is no number like 0644", mode.inspect());
            Err(unsupported(call, format!("put {path}"), why))
        }
    }
}

/// Ops need an open layout, even where they write beside it.
async fn open(cap: &Rc<Cap>, call: &Call, path: &str, hosts: &[Host]) -> R<()> {
    let missing = PLACES.iter().skip(1).find(|name| !cap.variables.borrow().exists(name));
    if let Some(missing) = missing {
        let why =
            format!("`put' goes the way of the deploy recipes' own files, and the variable `{missing}' is not set");
        let problem = Problem::new(ProblemKind::Unsupported, format!("put {path}"), why).at(site(call));
        let next = "add to the Capfile: load 'deploy', and to the recipe: set :application, \"my_shop\"";
        return Err(fail(call, problem.next(next)));
    }
    let hosts = hosts.iter().map(|host| host.id.clone()).collect();
    cap.open(call, Purpose::Read, hosts).await.map(drop)
}

/// Every path with its hosts: one, or one per host where the path has a placeholder.
fn paths(cap: &Cap, path: &str, hosts: &[Host]) -> Vec<(String, Vec<HostId>)> {
    if !has_placeholder(path) {
        return vec![(path.to_owned(), hosts.iter().map(|host| host.id.clone()).collect())];
    }
    let inventory = cap.inventory.borrow();
    let own = |host: &Host| for_host(path, &host.name, &inventory.roles_of(&host.id));
    hosts.iter().map(|host| (own(host), vec![host.id.clone()])).collect()
}
