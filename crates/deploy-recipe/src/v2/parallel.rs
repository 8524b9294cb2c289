//! `parallel`: different commands on different hosts, chosen by conditions.

use std::cell::RefCell;
use std::rc::Rc;

use async_trait::async_trait;
use deploy_inventory::Host;
use deploy_plan::{CommandText, Item, Suspension};
use deploy_ruby::{Args, Call, Object, Reply, Value};
use indexmap::IndexMap;

use super::Cap;
use super::actions::{ask, build};
use super::convert::{R, site};
use super::execute::NOTHING;
use super::objects::Server;
use super::run_options::RunOptions;

/// One `when`, or the `else` where there is no condition.
#[derive(Clone)]
struct Branch {
    condition: Option<Value>,
    command: String,
    last: bool,
}

/// What the block of `parallel` gets.
struct Session {
    branches: RefCell<Vec<Branch>>,
}

#[async_trait(?Send)]
impl Object for Session {
    fn class_name(&self) -> String {
        "Capistrano::Command::Tree".to_owned()
    }

    async fn call(self: Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        let (positional, options) = args.split_options();
        let last = options.get_name("last").is_some_and(|value| value.truthy());
        let branch = match (name, positional.as_slice()) {
            ("when", [condition, command]) => {
                Branch { condition: Some(condition.clone()), command: command.to_s(), last }
            }
            ("else", [command]) => Branch { condition: None, command: command.to_s(), last },
            ("when" | "else", _) => return Err(call.argument_error(format!("`{name}' needs a command"))),
            _ => return Ok(None),
        };
        self.branches.borrow_mut().push(branch);
        Ok(Some(NOTHING))
    }
}

/// What a condition is evaluated in: `in?(:app)`, `server`, `configuration`.
struct Condition {
    cap: Rc<Cap>,
    host: Host,
}

#[async_trait(?Send)]
impl Object for Condition {
    fn class_name(&self) -> String {
        "Capistrano::Command::Tree::ConditionBinding".to_owned()
    }

    async fn call(self: Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        Ok(Some(match name {
            "in?" => {
                let role = super::convert::name_arg(call, &args.at(0), "a role")?;
                let inventory = self.cap.inventory.borrow();
                Value::Bool(inventory.in_role(&role).iter().any(|host| host.id == self.host.id))
            }
            "server" => Server::value(&self.cap, self.host.clone()),
            "configuration" => self.cap.namespace_value(""),
            _ => return Ok(None),
        }))
    }

    async fn missing(self: Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        let root = self.cap.namespace("");
        root.missing(call, name, args).await
    }
}

/// Runs on every host the commands whose conditions hold there; the `else` where none does.
pub(crate) async fn parallel(cap: &Rc<Cap>, call: &Call, args: &Args) -> R {
    let Some(block) = &args.block else { return Err(call.argument_error("parallel() requires a block")) };
    let session = Rc::new(Session { branches: RefCell::default() });
    call.call_proc(block, vec![Value::Object(session.clone())]).await?;
    let branches = session.branches.borrow().clone();
    let (_, given) = args.split_options();
    let options = RunOptions::read(cap, call, &given).await?;
    let Some(hosts) = cap.scope(call, &options.wanted).await? else { return Ok(NOTHING) };
    let mut rounds: Vec<Vec<(Host, String)>> = Vec::new();
    for host in &hosts {
        for (round, command) in chosen(cap, call, &branches, host).await?.into_iter().enumerate() {
            if rounds.len() <= round {
                rounds.push(Vec::new());
            }
            if let Some(place) = rounds.get_mut(round) {
                place.push((host.clone(), command));
            }
        }
    }
    for round in rounds {
        record(cap, call, &round, &options).await?;
    }
    Ok(NOTHING)
}

async fn chosen(cap: &Rc<Cap>, call: &Call, branches: &[Branch], host: &Host) -> R<Vec<String>> {
    let mut found = Vec::new();
    for branch in branches {
        let Some(condition) = &branch.condition else { continue };
        if holds(cap, call, condition, host).await? {
            found.push(branch.command.clone());
            if branch.last {
                return Ok(found);
            }
        }
    }
    if found.is_empty() {
        let fallback = branches.iter().find(|branch| branch.condition.is_none());
        found.extend(fallback.map(|branch| branch.command.clone()));
    }
    Ok(found)
}

async fn holds(cap: &Rc<Cap>, call: &Call, condition: &Value, host: &Host) -> R<bool> {
    let binding = Value::object(Condition { cap: cap.clone(), host: host.clone() });
    Ok(match condition {
        Value::Proc(callable) => call.instance_exec(callable, binding, Vec::new()).await?.truthy(),
        Value::Str(text) => {
            let name = site(call).map_or_else(|| "parallel".to_owned(), |site| format!("condition at {site}"));
            call.interp().eval_file(call.context(), &name, &text.to_text(), binding).await?.truthy()
        }
        other => other.truthy(),
    })
}

/// One command item whose text differs from host to host.
async fn record(cap: &Rc<Cap>, call: &Call, round: &[(Host, String)], options: &RunOptions) -> R<()> {
    let hosts: Vec<Host> = round.iter().map(|(host, _)| host.clone()).collect();
    let mut texts = IndexMap::new();
    let mut shown: Vec<String> = Vec::new();
    let mut whole = None;
    let mut sudo = false;
    for (host, text) in round {
        let one = build(cap, call, text, std::slice::from_ref(host), options).await?;
        texts.insert(host.id.clone(), one.text.on(&host.id).to_owned());
        if !shown.contains(&one.shown) {
            shown.push(one.shown.clone());
        }
        sudo |= one.sudo;
        whole = Some(one);
    }
    let Some(mut command) = whole else { return Ok(()) };
    command.sudo = sudo;
    command.text = CommandText::PerHost(texts);
    command.hosts = hosts.iter().map(|host| host.id.clone()).collect();
    command.shown = shown.join(" | ");
    cap.flow.borrow_mut().recorded += 1;
    if call.under_rescue() {
        ask(cap, call, command, Suspension::Rescue).await?;
    } else {
        cap.port.record(Item::Command(command));
    }
    Ok(())
}
