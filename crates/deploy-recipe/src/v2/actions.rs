//! Words that act on hosts: run, capture, stream, put, transactions; and run_locally.

use std::rc::Rc;

use deploy_inventory::{Host, HostId};
use deploy_plan::{
    Command, CommandResult, CommandText, ExitStatus, Item, Problem, ProblemKind, StepClass, Suspension, Want,
};
use deploy_ruby::{Args, Call, Hash, Proc, Reply, Unwind, Value};
use indexmap::IndexMap;

use super::Cap;
use super::command::{self, for_host, has_placeholder, join_lines};
use super::convert::{Later, R, fail, site};
use super::execute::NOTHING;
use super::objects::Channel;
use super::run_options::RunOptions;

/// The words of this theme.
pub(crate) const WORDS: &[&str] = &[
    "capture",
    "connect!",
    "download",
    "get",
    "on_rollback",
    "parallel",
    "put",
    "rollback_called?",
    "run",
    "run_locally",
    "stream",
    "transaction",
    "transaction?",
    "transfer",
    "upload",
];

/// Does what a word says; none where it is not of this theme after all.
pub(crate) fn word<'a>(cap: &'a Rc<Cap>, call: &'a Call, name: &'a str, args: &'a Args) -> Later<'a, Reply> {
    Box::pin(answer(cap, call, name, args))
}

async fn answer(cap: &Rc<Cap>, call: &Call, name: &str, args: &Args) -> Reply {
    let value = match name {
        "run" => {
            let (text, options) = text_and_options(call, args)?;
            run(cap, call, &text, &options, args.block.as_ref()).await?
        }
        "stream" => {
            let (text, options) = text_and_options(call, args)?;
            run(cap, call, &text, &options, None).await?
        }
        "capture" => {
            let (text, options) = text_and_options(call, args)?;
            capture(cap, call, &text, &options, args.block.as_ref()).await?
        }
        "parallel" => super::parallel::parallel(cap, call, args).await?,
        "upload" | "put" | "download" | "get" | "transfer" => super::transfer::word(cap, call, name, args).await?,
        "run_locally" => run_locally(cap, call, args).await?,
        "transaction" => match &args.block {
            Some(block) => cap.transaction(call, block).await?,
            None => return Err(call.argument_error("expected a block")),
        },
        "transaction?" => Value::Bool(cap.flow.borrow().transactions > 0),
        "rollback_called?" => Value::Bool(false),
        "on_rollback" => match &args.block {
            Some(block) => {
                cap.on_rollback(block);
                NOTHING
            }
            None => return Err(call.argument_error("expected a block")),
        },
        "connect!" => NOTHING,
        _ => return Ok(None),
    };
    Ok(Some(value))
}

fn text_and_options(call: &Call, args: &Args) -> R<(String, Rc<Hash>)> {
    let (positional, options) = args.split_options();
    match positional.as_slice() {
        [text] if !text.is_nil() => Ok((text.to_s(), options)),
        [] | [_] => Err(call.argument_error("a command is needed")),
        more => {
            Err(call.argument_error(format!("wrong number of arguments ({} for 1 command and options)", more.len())))
        }
    }
}

/// A command on the hosts of the innermost task.
pub(crate) async fn run(cap: &Rc<Cap>, call: &Call, text: &str, options: &Hash, block: Option<&Proc>) -> R {
    let Some(command) = prepare(cap, call, text, options).await? else { return Ok(NOTHING) };
    cap.flow.borrow_mut().recorded += 1;
    match block {
        Some(block) => {
            let results = ask(cap, call, command, Suspension::Result).await?;
            feed(cap, call, block, &results).await
        }
        None if call.under_rescue() => {
            ask(cap, call, command, Suspension::Rescue).await?;
            Ok(NOTHING)
        }
        None => {
            cap.port.record(Item::Command(command));
            Ok(NOTHING)
        }
    }
}

/// The command as the engine gets it; none when no host is left for it and that is no failure.
async fn prepare(cap: &Rc<Cap>, call: &Call, text: &str, options: &Hash) -> R<Option<Command>> {
    need_flow(cap, call)?;
    let options = RunOptions::read(cap, call, options).await?;
    let Some(hosts) = cap.scope(call, &options.wanted).await? else { return Ok(None) };
    build(cap, call, text, &hosts, &options).await.map(Some)
}

pub(crate) fn need_flow(cap: &Cap, call: &Call) -> R<()> {
    if cap.port.is_open() {
        return Ok(());
    }
    let why = "hosts can be asked only while a task runs, not while the recipe is being loaded";
    Err(fail(call, Problem::new(ProblemKind::Recipe, "run a command", why).at(site(call))))
}

/// The command for these hosts.
pub(crate) async fn build(cap: &Rc<Cap>, call: &Call, text: &str, hosts: &[Host], options: &RunOptions) -> R<Command> {
    let text = join_lines(text);
    let (sudo, prompt) = cap.sudo_settings(call).await?;
    let needs_sudo = text.contains(&format!("{sudo} -S"));
    if text.contains("db:migrate") && !cap.is_inside("deploy:migrate") {
        cap.flow.borrow_mut().migrates_itself = true;
    }
    let wrap = |text: &str| command::wrap(text, options.environment.as_ref(), &options.shell);
    let whole = if has_placeholder(&text) {
        let inventory = cap.inventory.borrow();
        let texts: IndexMap<HostId, String> = hosts
            .iter()
            .map(|host| (host.id.clone(), wrap(&for_host(&text, &host.name, &inventory.roles_of(&host.id)))))
            .collect();
        CommandText::PerHost(texts)
    } else {
        CommandText::Same(wrap(&text))
    };
    Ok(Command {
        shown: command::shown(&text, &sudo, &prompt),
        text: whole,
        hosts: hosts.iter().map(|host| host.id.clone()).collect(),
        task: cap.current_task().map(|task| task.full_name()),
        site: site(call),
        class: StepClass::Once,
        sudo: needs_sudo,
        pty: options.pty,
        max_hosts: options.wanted.max_hosts,
        continue_on_error: options.wanted.continue_on_error,
        forward_agent: cap.forwards_agent(),
    })
}

/// Runs a command and waits; a failure is the recipe's to rescue where something could, else it stops the run.
pub(crate) async fn ask(cap: &Rc<Cap>, call: &Call, command: Command, why: Suspension) -> R<Vec<CommandResult>> {
    let rescued = call.under_rescue();
    let may_fail = command.continue_on_error;
    let (shown, is_transfer) = (command.shown.clone(), command.text.is_transfer());
    let want = if rescued { Want::Status } else { Want::Output };
    let results = cap.port.command(command, want, why).await;
    let bad = |result: &&CommandResult| {
        let skipped = result.status == ExitStatus::Skipped && cap.port.is_rehearsal();
        !result.status.is_success() && !skipped
    };
    let failed: Vec<&CommandResult> = results.iter().filter(bad).collect();
    if failed.is_empty() {
        return Ok(results);
    }
    if may_fail {
        cap.failed.borrow_mut().extend(failed.iter().map(|result| result.host.clone()));
        return Ok(results);
    }
    Err(match is_transfer {
        true => transfer_error(cap, call, &shown, &failed),
        false => command_error(cap, call, &shown, &failed),
    })
}

fn command_error(cap: &Rc<Cap>, call: &Call, shown: &str, failed: &[&CommandResult]) -> Unwind {
    let hosts: Vec<&str> = failed.iter().map(|result| result.host.as_str()).collect();
    let first = failed.first();
    let status = first.map(|result| result.status.to_string()).unwrap_or_default();
    let why = format!("{status} on {}", hosts.join(", "));
    let mut problem = Problem::new(ProblemKind::Step, format!("run {shown:?}"), why).at(site(call));
    problem.host = first.map(|result| result.host.clone());
    problem.task = cap.current_task().map(|task| task.full_name());
    problem.tail = first.map(|result| tail(&result.stderr, &result.stdout)).unwrap_or_default();
    fail(call, problem)
}

fn transfer_error(cap: &Rc<Cap>, call: &Call, shown: &str, failed: &[&CommandResult]) -> Unwind {
    let each = failed.iter().map(|result| {
        let said = String::from_utf8_lossy(&result.stderr).trim().to_owned();
        let why = if said.is_empty() { result.status.to_string() } else { said };
        format!("{}: {why}", result.host)
    });
    let mut problem = Problem::new(ProblemKind::Step, shown, each.collect::<Vec<_>>().join("; ")).at(site(call));
    problem.host = failed.first().map(|result| result.host.clone());
    problem.task = cap.current_task().map(|task| task.full_name());
    let text = format!("{} via transfer failed on {}", problem.what, problem.why);
    let exception = call.interp().exception("Capistrano::TransferError", text);
    exception.set_payload(Rc::new(problem));
    call.interp().raise_at(call.context(), exception)
}

fn tail(stderr: &[u8], stdout: &[u8]) -> Vec<String> {
    let text = if stderr.is_empty() { stdout } else { stderr };
    let lines: Vec<String> = String::from_utf8_lossy(text).lines().map(str::to_owned).collect();
    lines.get(lines.len().saturating_sub(20)..).unwrap_or_default().to_vec()
}

/// Gives the output of each host to a block: channel, stream, data.
async fn feed(cap: &Rc<Cap>, call: &Call, block: &Proc, results: &[CommandResult]) -> R {
    for result in results {
        let channel = Channel::value(cap, &result.host);
        for (stream, bytes) in [("out", &result.stdout), ("err", &result.stderr)] {
            if !bytes.is_empty() {
                let args = vec![channel.clone(), Value::sym(stream), Value::bytes(bytes.clone())];
                call.call_proc(block, args).await?;
            }
        }
    }
    Ok(NOTHING)
}

/// The output of a command on the first host.
pub(crate) async fn capture(cap: &Rc<Cap>, call: &Call, text: &str, options: &Hash, block: Option<&Proc>) -> R {
    let once = Hash::from_pairs(options.pairs());
    once.insert(Value::sym("once"), Value::Bool(true));
    let Some(command) = prepare(cap, call, text, &once).await? else { return Ok(Value::str("")) };
    cap.flow.borrow_mut().recorded += 1;
    let results = ask(cap, call, command, Suspension::Result).await?;
    match block {
        Some(block) => drop(feed(cap, call, block, &results).await?),
        // The recipe has no use for it, and whoever reads along has.
        None => results.iter().for_each(|result| cap.port.tell_errors(result.host.clone(), &result.stderr)),
    }
    Ok(results.first().map_or_else(|| Value::str(""), |result| Value::bytes(result.stdout.clone())))
}

/// A process on the deployer; its output. The effects see to it that the flow has got there.
async fn run_locally(cap: &Rc<Cap>, call: &Call, args: &Args) -> R {
    call.arity(args, 1, 1)?;
    let text = args.at(0).to_s();
    let command = deploy_ruby::Command {
        line: deploy_ruby::CommandLine::Shell(text.clone()),
        env: Vec::new(),
        dir: None,
        stdin: None,
        capture: true,
        stderr: deploy_ruby::Stderr::Inherit,
    };
    let finished = call.interp().effects().clone().run(call, command).await;
    let finished =
        finished.map_err(|error| call.raise("Capistrano::LocalArgumentError", format!("Command {text}: {error}")))?;
    match finished.status {
        Some(0) => Ok(Value::bytes(finished.stdout)),
        status => {
            let code = status.map_or_else(|| "no".to_owned(), |code| code.to_string());
            let mut problem = Problem::new(
                ProblemKind::Recipe,
                format!("run {text:?} on this machine"),
                format!("it returned status code {code}"),
            );
            problem.site = site(call);
            problem.task = cap.current_task().map(|task| task.full_name());
            let message = format!("Command {text} returned status code {code}");
            let exception = call.interp().exception("Capistrano::LocalArgumentError", message);
            exception.set_payload(Rc::new(problem));
            Err(call.interp().raise_at(call.context(), exception))
        }
    }
}
