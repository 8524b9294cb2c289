//! `upload`, `put`, `download`, `get`, `transfer`: files and directories between the deployer and the hosts. What is sent
//! is no part of a command, whose text every user of a host can read in its list of processes.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use deploy_inventory::Host;
use deploy_plan::{
    Command, CommandText, Content, Item, Problem, ProblemKind, Sent, StepClass, Suspension, Transfer, Via,
};
use deploy_ruby::{Args, Call, FileKind, Hash, Unwind, Value};
use indexmap::IndexMap;

use super::Cap;
use super::actions::{ask, need_flow, run};
use super::command::{for_host, has_placeholder, quote_path};
use super::convert::{R, fail, site, unsupported};
use super::execute::NOTHING;
use super::run_options::RunOptions;

/// Options that say how something is carried, not between whom.
const OWN: &[&str] = &["mode", "via", "recursive", "logger", "preserve", "verbose", "chunk_size", "properties"];

/// What the recipe gives as the source of an upload.
pub(crate) enum Source {
    /// A path of the deployer.
    Path(String),
    /// What a string or an open file holds.
    Bytes(Content),
}

impl Source {
    /// A path, or everything that can be read.
    pub async fn read(call: &Call, value: &Value) -> R<Self> {
        let path = value.as_str().or_else(|| match value {
            Value::Object(object) => object.to_str(),
            _ => None,
        });
        if let Some(path) = path {
            return Ok(Self::Path(path));
        }
        let all = call.send(value, "read", Args::none()).await?;
        // The next host reads it from its beginning, too.
        if call.send(value, "respond_to?", Args::new(vec![Value::sym("rewind")])).await?.truthy() {
            call.send(value, "rewind", Args::none()).await?;
        }
        Ok(Self::Bytes(Content::new(all.to_s_bytes())))
    }

    /// What it is called.
    pub fn shown(&self) -> String {
        match self {
            Self::Path(path) => path.clone(),
            Self::Bytes(content) => format!("{} bytes", content.bytes().len()),
        }
    }
}

/// A path of the deployer as the engine needs it.
pub(crate) fn local_path(call: &Call, path: &str) -> PathBuf {
    Path::new(&call.interp().effects().cwd()).join(path)
}

/// Whether a path of the deployer is a directory. In a rehearsal what a process would have made may not be there yet.
pub(crate) async fn is_directory(cap: &Cap, call: &Call, path: &str) -> R<bool> {
    match call.interp().effects().clone().stat(call, path, true).await {
        Ok(stat) => Ok(stat.kind == FileKind::Directory),
        Err(_) if cap.port.is_rehearsal() => Ok(false),
        Err(error) => Err(no_file(call, path, &error)),
    }
}

pub(crate) fn no_file(call: &Call, path: &str, error: &std::io::Error) -> Unwind {
    let problem = Problem::new(ProblemKind::Recipe, format!("read {path} on this machine"), error.to_string());
    fail(call, problem.at(site(call)).next("give the path of a file that is there"))
}

/// Does what the word says.
pub(crate) async fn word(cap: &Rc<Cap>, call: &Call, name: &str, args: &Args) -> R {
    if args.block.is_some() {
        cap.note(format!("the block of `{name}' is not called: how far a file is, is shown while it is on its way"));
    }
    let (positional, options) = args.split_options();
    match (name, positional.as_slice()) {
        ("upload", [from, to]) => upload(cap, call, "upload", from, to, &options).await,
        ("put", [data, to]) => {
            let source = Source::Bytes(Content::new(data.to_s_bytes()));
            send(cap, call, "put", source, &to.to_s(), &options).await
        }
        ("download", [from, to]) => fetch(cap, call, "download", from, to, &options).await,
        ("get", [from, to]) => {
            let once = Hash::from_pairs(options.pairs());
            once.insert(Value::sym("once"), Value::Bool(true));
            fetch(cap, call, "get", from, to, &once).await
        }
        ("transfer", [way, from, to]) => match way.as_name().as_deref() {
            Some("up") => upload(cap, call, "upload", from, to, &options).await,
            Some("down") => fetch(cap, call, "download", from, to, &options).await,
            _ => Err(call.argument_error("`transfer' needs :up or :down first")),
        },
        _ => Err(call.argument_error(format!("`{name}' needs what is carried and where to"))),
    }
}

async fn upload(cap: &Rc<Cap>, call: &Call, word: &str, from: &Value, to: &Value, options: &Hash) -> R {
    send(cap, call, word, Source::read(call, from).await?, &to.to_s(), options).await
}

/// `deploy:upload FILES=a,b/*`: each file to the same path in the live release.
pub(crate) async fn upload_files(cap: &Rc<Cap>, call: &Call) -> R<()> {
    let given = call.interp().effects().env("FILES").unwrap_or_default();
    let patterns: Vec<&str> = given.split(',').map(str::trim).filter(|pattern| !pattern.is_empty()).collect();
    let mut files = Vec::new();
    let mut absent = Vec::new();
    for pattern in &patterns {
        let found = call.glob(pattern).await;
        if found.is_empty() {
            absent.push(*pattern);
        }
        files.extend(found);
    }
    let nothing = || format!("nothing in {} matches {}", call.interp().effects().cwd(), absent.join(", "));
    if files.is_empty() {
        let why = if patterns.is_empty() { "no file is named in FILES".to_owned() } else { nothing() };
        let problem = Problem::new(ProblemKind::Usage, "run deploy:upload", why);
        return Err(fail(call, problem.next("name files or patterns, as in `cap deploy:upload FILES=config/app.yml`")));
    }
    if !absent.is_empty() {
        cap.note(format!("warning: {}", nothing()));
    }
    let current = cap.layout(call).await?.current;
    for file in files {
        let to = format!("{current}/{}", file.trim_start_matches('/'));
        send(cap, call, "upload", Source::Path(file), &to, &Hash::new()).await?;
    }
    Ok(())
}

/// How something is carried.
struct How {
    /// `:via`: SCP puts a directory inside an existing one, SFTP adds to it.
    scp: bool,
    /// Which way it really goes: SFTP only where the recipe says so.
    via: Via,
    /// The mode as a number.
    mode: Option<u32>,
    /// The mode as `chmod` knows it.
    words: Option<String>,
}

impl How {
    fn read(call: &Call, word: &str, options: &Hash) -> R<Self> {
        let via = options.get_name("via").filter(|via| !via.is_nil()).map(|via| via.as_name().unwrap_or(via.to_s()));
        let (scp, via) = match via.as_deref() {
            None => (false, Via::Command),
            Some("sftp") => (false, Via::Sftp),
            Some("scp") => (true, Via::Command),
            Some(other) => {
                let why = format!("{other} is no way to carry files; there are :sftp and :scp");
                return Err(unsupported(call, word, why));
            }
        };
        let mode = options.get_name("mode").filter(Value::truthy);
        let words = mode.as_ref().map(|mode| match mode.as_int() {
            Some(bits) => format!("{bits:o}"),
            None => mode.to_s().trim().to_owned(),
        });
        if let Some(words) = &words
            && (words.is_empty() || !words.chars().all(|c| c.is_ascii_alphanumeric() || "+-=,".contains(c)))
        {
            return Err(unsupported(call, word, format!("{words:?} is no mode like 0644 or u=rw,g=r")));
        }
        let bits = words.as_deref().and_then(|words| u32::from_str_radix(words, 8).ok());
        Ok(Self { scp, via, mode: bits.filter(|bits| *bits <= 0o7777), words })
    }
}

async fn send(cap: &Rc<Cap>, call: &Call, word: &str, source: Source, to: &str, options: &Hash) -> R {
    let how = How::read(call, word, options)?;
    let Some((hosts, run_options)) = between(cap, call, options).await? else { return Ok(NOTHING) };
    let mut transfers = IndexMap::new();
    let mut trees = false;
    for host in &hosts {
        let what = match &source {
            Source::Bytes(content) => Sent::Bytes(content.clone()),
            Source::Path(path) => {
                let path = own(cap, path, host);
                let at = local_path(call, &path);
                if is_directory(cap, call, &path).await? {
                    trees = true;
                    Sent::Tree { path: at, inside: how.scp }
                } else {
                    Sent::File(at)
                }
            }
        };
        let mode = how.mode.filter(|_| !matches!(what, Sent::Tree { .. }));
        transfers.insert(host.id.clone(), Transfer::Send { what, to: own(cap, to, host), mode, via: how.via });
    }
    let shown = match (&source, word) {
        (Source::Bytes(_), "put") => format!("put {to} ({})", source.shown()),
        _ => format!("{word} {} -> {to}", source.shown()),
    };
    let command = command(cap, call, shown, transfers, &run_options, StepClass::Once);
    cap.flow.borrow_mut().recorded += 1;
    if call.under_rescue() {
        ask(cap, call, command, Suspension::Rescue).await?;
    } else {
        cap.port.record(Item::Command(command));
    }
    // What a mode means for a directory, and modes in words, are chmod's to say, as in Capistrano.
    if let Some(words) = how.words.filter(|_| trees || how.mode.is_none()) {
        let text = format!("chmod {words} {}", quote_path(to));
        run(cap, call, &text, &others(options), None).await?;
    }
    Ok(NOTHING)
}

async fn fetch(cap: &Rc<Cap>, call: &Call, word: &str, from: &Value, to: &Value, options: &Hash) -> R {
    let via = How::read(call, word, options)?.via;
    let (from, to) = (
        from.to_s(),
        match to {
            Value::Object(object) if object.to_str().is_none() => {
                return Err(unsupported(
                    call,
                    format!("{word} {}", from.to_s()),
                    "it writes files only: give it a path",
                ));
            }
            path => path.to_s(),
        },
    );
    let Some((hosts, run_options)) = between(cap, call, options).await? else { return Ok(NOTHING) };
    if hosts.len() > 1 && !has_placeholder(&to) {
        cap.note(format!(
            "`{word}' brings {from} of {} hosts to the one place {to}: the last to come stays; \
             $CAPISTRANO:HOST$ in the name gives each its own",
            hosts.len()
        ));
    }
    let each = |host: &Host| {
        let place = local_path(call, &own(cap, &to, host));
        (host.id.clone(), Transfer::Fetch { from: own(cap, &from, host), to: Some(place), via })
    };
    let transfers = hosts.iter().map(each).collect();
    let shown = format!("{word} {from} -> {to}");
    let command = command(cap, call, shown, transfers, &run_options, StepClass::Idempotent);
    cap.flow.borrow_mut().recorded += 1;
    // What comes next in the recipe may read the file.
    let why = if call.under_rescue() { Suspension::Rescue } else { Suspension::Result };
    ask(cap, call, command, why).await?;
    Ok(NOTHING)
}

/// The hosts; none when no host is left and that is no failure.
async fn between(cap: &Rc<Cap>, call: &Call, options: &Hash) -> R<Option<(Vec<Host>, RunOptions)>> {
    need_flow(cap, call)?;
    let options = RunOptions::read(cap, call, &others(options)).await?;
    Ok(cap.scope(call, &options.wanted).await?.map(|hosts| (hosts, options)))
}

fn others(options: &Hash) -> Hash {
    let other = |key: &Value| !key.as_name().is_some_and(|name| OWN.contains(&name.as_str()));
    Hash::from_pairs(options.pairs().into_iter().filter(|(key, _)| other(key)))
}

/// A path with the host's own name in it, where it asks for that.
fn own(cap: &Cap, path: &str, host: &Host) -> String {
    if !has_placeholder(path) {
        return path.to_owned();
    }
    let inventory = cap.inventory.borrow();
    for_host(path, &host.name, &inventory.roles_of(&host.id))
}

fn command(
    cap: &Cap,
    call: &Call,
    shown: String,
    transfers: IndexMap<deploy_inventory::HostId, Transfer>,
    options: &RunOptions,
    class: StepClass,
) -> Command {
    Command {
        shown,
        hosts: transfers.keys().cloned().collect(),
        text: CommandText::Transfer(transfers),
        task: cap.current_task().map(|task| task.full_name()),
        site: site(call),
        class,
        sudo: false,
        pty: false,
        max_hosts: options.wanted.max_hosts,
        continue_on_error: options.wanted.continue_on_error,
        forward_agent: false,
    }
}
