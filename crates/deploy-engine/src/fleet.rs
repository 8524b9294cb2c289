//! The hosts of a run: connected when first needed, all in parallel, one connection each.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use deploy_inventory::HostId;
use deploy_plan::{Event, Observer, Problem, ProblemKind, Program};
use deploy_transport::Connector;
use futures_util::future::join_all;
use indexmap::IndexSet;

use crate::flight::{Job, JobResult};
use crate::host::HostHandle;
use crate::ports::Ports;

/// Everything that is connected.
pub(crate) struct Fleet {
    ports: Arc<Ports>,
    hosts: RefCell<HashMap<HostId, HostHandle>>,
}

impl Fleet {
    pub(crate) fn new(ports: Arc<Ports>) -> Self {
        Self { ports, hosts: RefCell::new(HashMap::new()) }
    }

    /// Makes sure that all of these hosts are logged in to. If one is not, all of the failures are reported. Whether a
    /// shell runs there is seen with the first work, which travels with the runner's program: [`refusal`](Self::refusal).
    pub(crate) async fn connect(&self, program: &dyn Program, wanted: &[HostId]) -> Result<(), Vec<Problem>> {
        // A host of several steps is named several times.
        let missing: IndexSet<HostId> =
            wanted.iter().filter(|id| !self.hosts.borrow().contains_key(*id)).cloned().collect();
        let results = join_all(missing.iter().map(|id| self.dial(program, id))).await;
        let mut problems = Vec::new();
        for (id, result) in missing.into_iter().zip(results) {
            match result {
                Ok(handle) => {
                    self.hosts.borrow_mut().insert(id, handle);
                }
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    /// The same, and waits until a shell runs on each of them.
    pub(crate) async fn make_ready(&self, program: &dyn Program, wanted: &[HostId]) -> Result<(), Vec<Problem>> {
        self.connect(program, wanted).await?;
        let wanted: IndexSet<&HostId> = wanted.iter().collect();
        let handles: Vec<HostHandle> = {
            let hosts = self.hosts.borrow();
            wanted.iter().filter_map(|id| hosts.get(*id).cloned()).collect()
        };
        join_all(handles.iter().map(HostHandle::greeted)).await;
        let problems: Vec<Problem> = wanted.iter().filter_map(|id| self.refusal(id)).collect();
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    /// Why no shell runs on a host, once that is known.
    pub(crate) fn refusal(&self, id: &HostId) -> Option<Problem> {
        let why = self.hosts.borrow().get(id)?.refusal()?;
        Some(Problem::new(ProblemKind::Connect, format!("start a shell on {id}"), why).on(id))
    }

    /// Whether a host was connected to and is not any more.
    pub(crate) fn is_lost(&self, id: &HostId) -> bool {
        self.hosts.borrow().get(id).is_some_and(HostHandle::is_lost)
    }

    /// Another connection to a host that was lost. It is used when it [replaces](Self::replace) the other.
    pub(crate) async fn dial_again(&self, program: &dyn Program, id: &HostId) -> Result<HostHandle, Problem> {
        self.dial(program, id).await
    }

    /// From now on a host is spoken to over this connection.
    pub(crate) fn replace(&self, id: &HostId, handle: HostHandle) {
        self.hosts.borrow_mut().insert(id.clone(), handle);
    }

    /// How many round trips each connected host has cost behind its login.
    pub(crate) fn round_trips(&self) -> HashMap<HostId, u32> {
        self.hosts.borrow().iter().map(|(id, handle)| (id.clone(), handle.round_trips())).collect()
    }

    async fn dial(&self, program: &dyn Program, id: &HostId) -> Result<HostHandle, Problem> {
        let Some(host) = program.host(id) else {
            let why = "the recipe does not know a host of this name";
            return Err(Problem::new(ProblemKind::Connect, format!("connect to {id}"), why).on(id));
        };
        let target = self.ports.dialer.target(&host).map_err(|problem| problem.on(id))?;
        self.ports.observer.event(&Event::Connecting { host: id.clone() });
        let before = self.ports.clock.monotonic();
        let connector: &Arc<dyn Connector> = self.ports.dialer.connector();
        let session = match connector.connect(&target).await {
            Ok(session) => session,
            Err(error) => return Err(self.ports.dialer.refused(&target, &error).on(id)),
        };
        let elapsed = self.ports.clock.monotonic().saturating_sub(before);
        self.ports.observer.event(&Event::Connected { host: id.clone(), elapsed });
        HostHandle::start(id.clone(), session, target.forward_agent, Arc::clone(&self.ports))
            .await
            .map_err(|why| Problem::new(ProblemKind::Connect, format!("start a shell on {id}"), why).on(id))
    }

    /// Sends each host its jobs and waits for all of them. Results come in the order of the flights.
    pub(crate) async fn fly(&self, flights: Vec<(HostId, Vec<Job>)>) -> Vec<(HostId, Vec<JobResult>)> {
        let waiting = flights.into_iter().map(|(id, jobs)| {
            let handle = self.hosts.borrow().get(&id).cloned();
            async move {
                let results = match handle {
                    Some(handle) => handle.fly(jobs).await,
                    None => jobs.iter().map(|job| JobResult::lost(job, "not connected")).collect(),
                };
                (id, results)
            }
        });
        join_all(waiting).await
    }

    /// Ends what runs on every host now.
    pub(crate) fn kill_all(&self) {
        for handle in self.hosts.borrow().values() {
            handle.kill();
        }
    }

    /// Says goodbye to every host.
    pub(crate) async fn close(&self) {
        let handles: Vec<HostHandle> = self.hosts.borrow_mut().drain().map(|(_, handle)| handle).collect();
        join_all(handles.into_iter().map(HostHandle::close)).await;
    }
}
