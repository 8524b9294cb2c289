//! `on`: a block that runs on hosts, a strand for each. Strands are evaluated beside each other; the hosts get what they
//! recorded as one phase, in which each goes at its own pace.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use deploy_ruby::{Args, Call, Hash, Proc, Unwind, Value};

use super::backend::Backend;
use super::host_object::{HostObject, hosts_of};
use super::servers::Server;
use super::together;
use crate::v2::{Cap, R};

/// How the strands go.
enum Way {
    Parallel,
    /// So many at a time, with a pause between.
    Groups(usize, Duration),
}

impl Way {
    fn read(cap: &Cap, call: &Call, options: &Hash) -> R<Self> {
        let default = cap.v3.sshkit.runner.borrow().clone();
        let get = |name: &str| options.get_name(name).or_else(|| default.as_ref().and_then(|hash| hash.get_name(name)));
        let number = |name: &str, default: f64| match get(name) {
            Some(Value::Int(number)) => number as f64,
            Some(Value::Float(number)) => number,
            _ => default,
        };
        let wait = Duration::from_secs_f64(number("wait", 2.0).clamp(0.0, 86_400.0));
        let way =
            get("in").filter(|value| !value.is_nil()).map(|value| value.as_name().unwrap_or_else(|| value.to_s()));
        match way.as_deref() {
            None | Some("parallel") => Ok(Self::Parallel),
            Some("sequence") => Ok(Self::Groups(1, wait)),
            Some("groups") => Ok(Self::Groups(number("limit", 2.0).max(1.0) as usize, wait)),
            Some(other) => {
                Err(call.argument_error(format!("`in: {other}' is none of :parallel, :sequence and :groups")))
            }
        }
    }
}

/// `on hosts, in: … do |host| … end`
pub(crate) async fn on(cap: &Rc<Cap>, call: &Call, args: &Args) -> R {
    let (positional, options) = args.split_options();
    let Some(block) = &args.block else { return Err(call.argument_error("`on' needs a block")) };
    crate::v2::need_flow(cap, call)?;
    let hosts = positional.first().cloned().unwrap_or_default();
    if is_local(&hosts) {
        return super::local::run_locally(cap, call, args).await;
    }
    let all = hosts_of(cap, call, &hosts)?;
    let asked = all.len();
    let servers = cap.filtered(call, all).await?;
    if servers.is_empty() {
        if asked > 0 {
            cap.flow.borrow_mut().skipped += 1;
        }
        return Ok(Value::Nil);
    }
    match Way::read(cap, call, &options)? {
        Way::Parallel => strands(cap, call, block, servers).await?,
        Way::Groups(size, wait) => {
            let groups: Vec<Vec<Server>> = servers.chunks(size).map(<[Server]>::to_vec).collect();
            let last = groups.len().saturating_sub(1);
            for (index, group) in groups.into_iter().enumerate() {
                strands(cap, call, block, group).await?;
                if index < last && !wait.is_zero() {
                    call.interp().effects().clone().sleep(call, wait).await;
                }
            }
        }
    }
    Ok(Value::Nil)
}

fn is_local(hosts: &Value) -> bool {
    hosts.as_name().is_some_and(|name| name == "local")
}

/// Runs the block for each of the hosts.
async fn strands(cap: &Rc<Cap>, call: &Call, block: &Proc, servers: Vec<Server>) -> R<()> {
    let mut backends: Vec<Rc<Backend>> = Vec::new();
    let live = Rc::new(Cell::new(false));
    for server in servers {
        let host = HostObject { cap: cap.clone(), server: RefCell::new(server), copied: true };
        backends.push(Rc::new(Backend::on(cap, Rc::new(host), &live)));
    }
    let runs = backends.iter().map(|backend| strand(call, block, backend.clone())).collect();
    let results = all(runs, &backends, &live).await;
    // What was recorded up to a failure would have run before it.
    together::record(cap, backends.iter().map(|backend| backend.take()).collect());
    // A host that the run goes on without has been told of already.
    let mut failed = results
        .into_iter()
        .zip(&backends)
        .filter(|(_, backend)| !backend.host_id().is_some_and(|host| cap.port.is_left_out(&host)))
        .filter_map(|(result, backend)| result.err().map(|e| (e, backend)));
    match failed.next() {
        Some((unwind, backend)) => Err(wrapped(call, unwind, backend)),
        None => Ok(()),
    }
}

type Strand<'a> = Pin<Box<dyn Future<Output = R<()>> + 'a>>;

fn strand<'a>(call: &'a Call, block: &'a Proc, backend: Rc<Backend>) -> Strand<'a> {
    let context = call.context().fork();
    Box::pin(async move {
        let host = backend.host_value();
        let self_value = Value::Object(backend);
        call.interp().call_proc(&context, block, Args::new(vec![host]), Some(self_value)).await.map(drop)
    })
}

/// Outside of `on` a failed command is an `ExecuteError`.
fn wrapped(call: &Call, unwind: Unwind, backend: &Backend) -> Unwind {
    if !unwind.is_a("SSHKit::Command::Failed") {
        return unwind;
    }
    let Some(inner) = unwind.exception() else { return unwind };
    let text = format!("Exception while executing on host {}: {}", backend.host_value().to_s(), inner.message());
    let outer = call.interp().exception("SSHKit::Runner::ExecuteError", text);
    if let Some(payload) = inner.payload() {
        outer.set_payload(payload);
    }
    call.interp().raise_at(call.context(), outer)
}

/// Runs all of them beside each other to their ends. When one of them waits for an answer of its host, what those that are
/// through have recorded runs meanwhile: no host waits for another inside the block.
async fn all(strands: Vec<Strand<'_>>, backends: &[Rc<Backend>], live: &Cell<bool>) -> Vec<R<()>> {
    let mut results: Vec<Option<R<()>>> = strands.iter().map(|_| None).collect();
    let mut running: Vec<Option<Strand<'_>>> = strands.into_iter().map(Some).collect();
    poll_fn(|cx| {
        loop {
            let mut waiting = 0;
            for (slot, result) in running.iter_mut().zip(&mut results) {
                let Some(strand) = slot else { continue };
                match strand.as_mut().poll(cx) {
                    Poll::Ready(ended) => {
                        result.get_or_insert(ended);
                        *slot = None;
                    }
                    Poll::Pending => waiting += 1,
                }
            }
            if waiting == 0 {
                return Poll::Ready(());
            }
            let mut begun = false;
            for (slot, backend) in running.iter_mut().zip(backends) {
                if slot.is_none() && live.get() && backend.has_commands() {
                    *slot = Some(Box::pin(async move {
                        backend.flush().await;
                        Ok(())
                    }));
                    begun = true;
                }
            }
            if !begun {
                return Poll::Pending;
            }
        }
    })
    .await;
    results.into_iter().flatten().collect()
}
