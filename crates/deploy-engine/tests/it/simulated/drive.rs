//! One run of the real engine on a simulated fleet.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use deploy_engine::{Dialer, Ended, Engine, Interrupts, Mode, Person, Ports, Settings, SudoPassword};
use deploy_inventory::{Host, HostId};
use deploy_plan::{Problem, ProblemKind};
use deploy_transport::{ConnectError, Connector, LocalEnvironment, Secret, Target};
use tokio_util::sync::CancellationToken;

use super::fault::{Fault, Kind};
use super::recipe::Recipe;
use super::runner::SimConnector;
use super::world::{Ear, World};

pub type Shared = Arc<Mutex<World>>;

struct Dial {
    connector: Arc<dyn Connector>,
    environment: LocalEnvironment,
}

impl Dialer for Dial {
    fn target(&self, host: &Host) -> Result<Target, Problem> {
        Ok(Target::new(&host.name, "deploy", &self.environment))
    }
    fn connector(&self) -> &Arc<dyn Connector> {
        &self.connector
    }
    fn refused(&self, _: &Target, error: &ConnectError) -> Problem {
        Problem::new(ProblemKind::Connect, "connect", error.to_string())
    }
}

struct Nobody;

#[async_trait]
impl SudoPassword for Nobody {
    async fn ask(&self, _: &HostId, _: bool) -> Option<Secret> {
        None
    }
}

#[async_trait]
impl Person for Nobody {
    fn is_there(&self) -> bool {
        false
    }
    async fn agrees(&self, _: &str) -> bool {
        false
    }
}

fn environment() -> LocalEnvironment {
    let (user, home, hostname) = ("alice".to_owned(), "/home/alice".into(), "laptop".to_owned());
    LocalEnvironment { user, uid: 1000, home, hostname, agent_socket: None, shell: "/bin/sh".into() }
}

/// Runs a recipe; none where the deployer was killed.
pub fn run(world: &Shared, recipe: &Recipe, fault: Option<Fault>, mode: Mode) -> Option<Ended> {
    let (clock, killed, cancel) = prepare(world, fault);
    let ports = Ports {
        dialer: Box::new(Dial { connector: Arc::new(SimConnector(Arc::clone(world))), environment: environment() }),
        clock,
        observer: Arc::new(Ear(Arc::clone(world))),
        sudo: Box::new(Nobody),
        person: Box::new(Nobody),
    };
    let settings = Settings {
        mode,
        by: "alice@laptop".into(),
        tasks: vec!["deploy".into()],
        started: "now".into(),
        flush: true,
        lock_wait: 0,
        come_back: Duration::ZERO,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let engine = Engine::new(ports);
    let interrupts = Interrupts { gently: cancel, at_once: CancellationToken::new() };
    let ended = runtime.block_on(async {
        tokio::select! {
            biased;
            () = killed.notified() => None,
            ended = engine.run(recipe, &settings, &interrupts) => Some(ended),
        }
    });
    drop(runtime);
    let mut world = world.lock().unwrap();
    world.settle(fault.is_some_and(|fault| fault.kind == Kind::ClientKillLate));
    for host in &mut world.hosts {
        host.up = true;
        host.tree.mend();
    }
    ended
}

fn prepare(
    world: &Shared,
    fault: Option<Fault>,
) -> (Arc<super::world::SimClock>, Arc<tokio::sync::Notify>, CancellationToken) {
    let mut world = world.lock().unwrap();
    let world = &mut *world;
    // A new second, so that names differ from those of the run before.
    world.clock.pass(Duration::from_millis(1_003));
    (world.fault, world.fired, world.client_dead, world.target) = (fault, false, false, None);
    (world.killed, world.cancel, world.migrations) = (Arc::default(), CancellationToken::new(), 0);
    for host in &mut world.hosts {
        host.conns.clear();
        host.tree.write_back();
        host.app_before = host.app;
        host.sites.clear();
        host.recovered = false;
        host.before = host.tree.identity(&host.tree.spell(&world.layout.current));
        if fault.is_some_and(|fault| fault.kind == Kind::PowerAll) {
            host.tree.watch_durability();
        }
    }
    (Arc::clone(&world.clock), Arc::clone(&world.killed), world.cancel.clone())
}
