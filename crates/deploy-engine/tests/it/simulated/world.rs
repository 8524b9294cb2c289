//! The simulated fleet: hosts in memory, the work that they are given, and the fault that meets it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use deploy_inventory::HostId;
use deploy_plan::{
    Clock, Event, JournalEntry, JournalEvent, Layout, Observer, Op, ReleaseId, RemotePath, RunEnd, RunId, Work,
};
use deploy_release::model::{Died, Status, Tree, answer, apply_entry, apply_in_row, apply_state_dir};
use deploy_release::model::{Trap, TrapKind};
use deploy_release::{
    CompileContext, ProbeNeeds, compile_step, compile_undo, entry_script, invariants, journal_script, probe_script,
    read_current_script, state_dir_script,
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::fault::{Fault, Kind, Moment};
use super::recipe::HEALTHY;

pub const HOME: &str = "/home/deploy";

/// Time that goes on only when somebody says so.
#[derive(Debug, Default)]
pub struct SimClock {
    nanos: AtomicU64,
    /// Seconds by which the deployer's wall clock is wrong.
    pub skew: std::sync::atomic::AtomicI64,
}

impl SimClock {
    pub fn pass(&self, time: Duration) {
        self.nanos.fetch_add(u64::try_from(time.as_nanos()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for SimClock {
    // 2026-11-23 06:00:00 UTC is the start of all time.
    fn unix_seconds(&self) -> i64 {
        1_795_413_600 + i64::try_from(self.monotonic().as_secs()).unwrap() + self.skew.load(Ordering::SeqCst)
    }
    fn monotonic(&self) -> Duration {
        Duration::from_nanos(self.nanos.load(Ordering::SeqCst))
    }
}

/// What a text that a host is sent means.
#[derive(Clone, Debug)]
pub enum What {
    Ops(Arc<Vec<Op>>),
    StateDir,
    Entry,
    /// Where `current` points to.
    Current,
    Probe(ProbeNeeds),
    Command(String),
    /// What an earlier run left is brought in order.
    Recovery(Arc<Vec<Op>>),
    Unknown(String),
}

/// One piece of work of a request: all of it, or one step of a script.
#[derive(Clone, Debug)]
pub struct Piece {
    /// Its name in the script's marks.
    pub mark: Option<String>,
    pub what: What,
    /// Whether it is killed when it takes too long.
    pub has_deadline: bool,
}

/// A request to a runner, as far as it has not been done.
#[derive(Clone, Debug)]
pub enum Request {
    Work { id: u32, flags: String, begun: bool, pieces: VecDeque<Piece> },
    Lock { id: u32, run: String, owner: String },
    Unlock { id: u32 },
    Quit,
}

/// How a piece of work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Status(Status),
    Killed,
    /// The runner, its host or the client is gone.
    Gone,
    /// It does not end by itself.
    Hangs,
}

#[derive(Debug, Default)]
pub struct Conn {
    pub alive: bool,
    pub queue: VecDeque<Request>,
    /// Whether a step has failed since the chain began.
    pub failed: bool,
    pub run: Option<RunId>,
}

/// A piece of work that was done, for those who look where faults can be.
#[derive(Clone, Debug)]
pub struct Site {
    pub title: String,
    pub changes: u32,
    pub has_deadline: bool,
}

pub struct Host {
    pub id: HostId,
    pub tree: Tree,
    /// The connection that holds the lock.
    pub lock: Option<usize>,
    /// Whether it answers at all.
    pub up: bool,
    pub conns: Vec<Conn>,
    pub sites: Vec<Site>,
    /// The release that the application runs, and how often it was started.
    pub app: Option<usize>,
    pub schema: u32,
    /// What `current` was when the run began, or when it had recovered what an earlier one left.
    pub before: Option<usize>,
    /// Whether it has done so.
    pub recovered: bool,
    /// What the application ran then.
    pub app_before: Option<usize>,
}

pub struct World {
    pub hosts: Vec<Host>,
    pub clock: Arc<SimClock>,
    pub layout: Layout,
    pub run: Option<RunId>,
    pub fault: Option<Fault>,
    pub fired: bool,
    pub client_dead: bool,
    pub killed: Arc<Notify>,
    pub cancel: CancellationToken,
    /// What was found wrong on the way.
    pub broken: Vec<String>,
    /// Every piece of work in the order in which it was done.
    pub trace: Vec<String>,
    pub keep_trace: bool,
    /// Starts of steps that may run once, in this run.
    pub migrations: usize,
    /// What texts mean, and whether they have a deadline.
    book: HashMap<String, (What, bool)>,
    /// The release of the run, once something is switched to it.
    pub target: Option<ReleaseId>,
    /// A fault planted in the machinery itself, to see that it is found.
    pub planted: Option<super::planted::Plant>,
}

pub fn layout() -> Layout {
    Layout::new(RemotePath::new("~/app").unwrap())
}

impl World {
    pub fn new(hosts: usize) -> Self {
        let host = |number: usize| {
            let mut tree = Tree::new(HOME);
            for dir in ["app/releases", "app/shared/log", "other"] {
                assert_eq!(tree.mkdir_p(&format!("{HOME}/{dir}")), Ok(true));
            }
            for (file, content) in [("app/shared/log/keep", "precious"), ("other/file", "not ours")] {
                assert_eq!(tree.write(&format!("{HOME}/{file}"), content.as_bytes()), Ok(true));
            }
            Host {
                id: HostId::new(&format!("web{number}")),
                tree,
                lock: None,
                up: true,
                conns: Vec::new(),
                sites: Vec::new(),
                app: None,
                schema: 0,
                before: None,
                recovered: false,
                app_before: None,
            }
        };
        Self {
            hosts: (0..hosts).map(host).collect(),
            clock: Arc::default(),
            layout: layout(),
            run: None,
            fault: None,
            fired: false,
            client_dead: false,
            killed: Arc::default(),
            cancel: CancellationToken::new(),
            broken: Vec::new(),
            trace: Vec::new(),
            keep_trace: false,
            migrations: 0,
            book: HashMap::new(),
            target: None,
            planted: None,
        }
    }

    /// The same fleet at the same moment, with nothing going on.
    pub fn fork(&self) -> Self {
        let mut world = Self::new(0);
        world.clock.pass(self.clock.monotonic());
        world.planted = self.planted;
        world.hosts = self
            .hosts
            .iter()
            .map(|host| Host {
                id: host.id.clone(),
                tree: host.tree.clone(),
                lock: None,
                up: true,
                conns: Vec::new(),
                sites: Vec::new(),
                app: host.app,
                schema: host.schema,
                before: None,
                recovered: false,
                app_before: None,
            })
            .collect();
        world
    }

    pub fn note(&mut self, broken: invariants::Checked) {
        if let Err(broken) = broken {
            self.broken.push(broken.to_string());
        }
    }

    /// What a text means. Everything that a run may send is known from its beginning or from its plans.
    pub fn piece(&self, mark: Option<String>, body: &str) -> Piece {
        let (what, has_deadline) =
            self.book.get(body).cloned().unwrap_or_else(|| (What::Unknown(body.to_owned()), false));
        Piece { mark, what, has_deadline }
    }

    /// A run begins.
    fn begin(&mut self, run: &RunId) {
        self.run = Some(run.clone());
        let layout = &self.layout;
        self.book.clear();
        self.book.insert(entry_script(layout, run), (What::Entry, false));
        self.book.insert(read_current_script(layout), (What::Current, false));
        self.book.insert(state_dir_script(layout, false), (What::StateDir, false));
        for event in [
            JournalEvent::Migrate,
            JournalEvent::Migrated,
            JournalEvent::Restart,
            JournalEvent::Back,
            JournalEvent::End(RunEnd::Undone),
        ] {
            let entry = JournalEntry::new(run.clone(), event);
            let ops = Arc::new(vec![Op::Journal(entry.clone())]);
            self.book.insert(journal_script(layout, &entry), (What::Ops(ops), false));
        }
        for (migrations, space) in [(false, false), (true, false), (false, true), (true, true)] {
            let needs = ProbeNeeds { migrations, space, ..ProbeNeeds::default() };
            self.book.insert(probe_script(layout, &needs), (What::Probe(needs), false));
        }
    }

    /// Learns what the texts of a plan mean.
    fn learn(&mut self, plan: &deploy_plan::Plan) {
        let run = self.run.clone().unwrap();
        let layout = self.layout.clone();
        let cx = CompileContext { layout: &layout, run: &run, sudo: false, flush: true };
        for step in plan.phases.iter().flat_map(|phase| &phase.steps) {
            let has_deadline = step.deadline.is_some();
            if let Work::Ops(by_host) = &step.work {
                for (host, ops) in by_host {
                    let is_recovery = step.title.starts_with("recover run ");
                    if let Some(text) = compile_step(step, host, &cx).filter(|_| is_recovery) {
                        self.book.insert(text, (What::Recovery(Arc::new(ops.clone())), has_deadline));
                    } else if let Some(text) = compile_step(step, host, &cx) {
                        self.book.insert(text, (What::Ops(Arc::new(ops.clone())), has_deadline));
                    }
                }
            }
            for (host, ops) in &step.undo {
                if let Some(text) = compile_undo(step, host, &cx) {
                    self.book.insert(text, (What::Ops(Arc::new(ops.clone())), false));
                }
            }
        }
    }

    /// Does one piece of work; the fault of the run meets it where it should.
    pub fn perform(&mut self, host: usize, conn: usize, piece: &Piece) -> (End, Vec<u8>) {
        let Piece { what, has_deadline, .. } = piece;
        let site = u32::try_from(self.hosts[host].sites.len()).unwrap();
        let fault = self.fault.filter(|fault| !self.fired && fault.host == host && fault.site == site);
        let before = self.hosts[host].tree.changes();
        self.clock.pass(Duration::from_millis(10));
        let title = title(what);
        if self.keep_trace {
            self.trace.push(format!("{} {site} {title}", self.hosts[host].id));
        }
        self.hosts[host].sites.push(Site { title, changes: 0, has_deadline: *has_deadline });
        let (end, out) = match fault {
            Some(fault) => self.meet(fault, host, conn, what),
            None => self.act(host, what),
        };
        let changes = self.hosts[host].tree.changes() - before;
        if let Some(site) = self.hosts[host].sites.last_mut() {
            site.changes = u32::try_from(changes).unwrap();
        }
        self.watch(host, conn, what, changes > 0);
        (end, out)
    }

    /// What is true all the time.
    fn watch(&mut self, host: usize, conn: usize, what: &What, changed: bool) {
        let actor = self.run.clone().unwrap();
        let unit = &self.hosts[host];
        let holder = unit.lock.and_then(|holder| unit.conns[holder].run.clone());
        if !matches!(what, What::StateDir) && unit.conns[conn].alive {
            let changed = changed && unit.conns[conn].alive;
            self.note(invariants::changes_need_the_lock(holder.as_ref(), &actor, changed));
        }
        if changed && matches!(what, What::Recovery(_)) {
            let unit = &mut self.hosts[host];
            unit.before = unit.tree.identity(&unit.tree.spell(&self.layout.current));
            unit.recovered = true;
        }
        let before = self.hosts[host].before;
        if changed && before.is_some() {
            let tree = &self.hosts[host].tree;
            let current = tree.spell(&self.layout.current);
            let now = tree.identity(&current);
            let target = self.target.as_ref().and_then(|id| tree.identity(&tree.spell(&self.layout.release(id))));
            if now != before && (now.is_none() || now != target) {
                self.broken.push(format!(
                    "I4: {}: current is a third thing after {}",
                    self.hosts[host].id,
                    title(what)
                ));
            }
        }
    }

    fn meet(&mut self, fault: Fault, host: usize, conn: usize, what: &What) -> (End, Vec<u8>) {
        self.fired = true;
        if let Some(kind) = fault.kind.trap() {
            let after = if let Moment::Inside(after) = fault.moment { after } else { 0 };
            self.hosts[host].tree.set_trap(Some(Trap { after, kind }));
            return self.act(host, what);
        }
        match fault.moment {
            Moment::Before => match self.strike(fault, host, conn) {
                Some(end) => (end, Vec::new()),
                None => self.act(host, what),
            },
            Moment::Inside(after) => {
                let kind = if after % 2 == 0 { TrapKind::Tear } else { TrapKind::Die };
                self.hosts[host].tree.set_trap(Some(Trap { after, kind }));
                let (end, out) = self.act(host, what);
                self.hosts[host].tree.set_trap(None);
                match end {
                    End::Gone => (self.strike(fault, host, conn).unwrap_or(End::Status(1)), Vec::new()),
                    end => (end, out),
                }
            }
            Moment::Unreported | Moment::After => {
                let (end, out) = self.act(host, what);
                match self.strike(fault, host, conn) {
                    Some(struck) if fault.moment == Moment::Unreported => (struck, Vec::new()),
                    _ => (end, out),
                }
            }
        }
    }

    /// The fault happens. None where the work goes on.
    fn strike(&mut self, fault: Fault, host: usize, conn: usize) -> Option<End> {
        let kind = fault.kind;
        match kind {
            Kind::ClientKill | Kind::ClientKillLate => {
                self.client_dead = true;
                self.killed.notify_one();
                if !matches!(fault.moment, Moment::Unreported | Moment::After) {
                    // What was at work here has ended with it.
                    self.hang_up(host, conn);
                }
            }
            Kind::HostKill | Kind::PowerNames | Kind::PowerAll => {
                let unit = &mut self.hosts[host];
                match kind {
                    Kind::PowerNames => unit.tree.cut_power(true),
                    Kind::PowerAll => unit.tree.cut_power(false),
                    _ => {}
                }
                (unit.up, unit.app) = (false, None);
                for conn in &mut unit.conns {
                    conn.alive = false;
                }
                unit.lock = None;
            }
            Kind::LinkCut => self.hang_up(host, conn),
            Kind::BlackHole => {
                // The host does not know yet: it works off what it has, or its silence limit ends it in the middle.
                self.hosts[host].up = false;
                if matches!(fault.moment, Moment::Unreported | Moment::After) {
                    self.work_off(host, conn);
                }
                self.hang_up(host, conn);
            }
            Kind::Signal => return Some(End::Killed),
            Kind::Slow => {
                self.clock.pass(Duration::from_secs(100));
                return None;
            }
            Kind::Hang => return Some(End::Hangs),
            Kind::Interrupt => {
                self.cancel.cancel();
                return None;
            }
            Kind::NoBlocks | Kind::Full | Kind::Eio | Kind::ReadOnly => return None,
        }
        Some(End::Gone)
    }

    /// The runner's channel is closed: it ends and its lock is free.
    pub fn hang_up(&mut self, host: usize, conn: usize) {
        let unit = &mut self.hosts[host];
        unit.conns[conn].alive = false;
        unit.conns[conn].queue.clear();
        if unit.lock == Some(conn) {
            unit.lock = None;
        }
    }

    /// Does all that a runner has been sent, with nobody to tell.
    pub fn work_off(&mut self, host: usize, conn: usize) {
        while let Some(request) = self.hosts[host].conns[conn].queue.pop_front() {
            match request {
                Request::Work { flags, begun, pieces, .. } => {
                    if !begun && !self.may_start(host, conn, &flags) {
                        continue;
                    }
                    for piece in pieces {
                        let (end, _) = self.perform(host, conn, &piece);
                        if end != End::Status(0) {
                            self.hosts[host].conns[conn].failed = true;
                            break;
                        }
                    }
                }
                Request::Lock { .. } | Request::Quit => {}
                Request::Unlock { .. } => {
                    if self.hosts[host].lock == Some(conn) {
                        self.hosts[host].lock = None;
                    }
                }
            }
        }
    }

    /// The gate of a step: its chain and its lock.
    pub fn may_start(&mut self, host: usize, conn: usize, flags: &str) -> bool {
        let holds = self.hosts[host].lock == Some(conn);
        let conn = &mut self.hosts[host].conns[conn];
        if flags.contains('n') {
            conn.failed = false;
        }
        let may = !(flags.contains('o') && conn.failed) && (!flags.contains('l') || holds);
        conn.failed |= !may;
        may
    }

    /// After the client's death: what the hosts still do, and that all locks are free then.
    pub fn settle(&mut self, finish: bool) {
        for host in 0..self.hosts.len() {
            for conn in 0..self.hosts[host].conns.len() {
                if finish && self.hosts[host].conns[conn].alive && self.hosts[host].up {
                    self.work_off(host, conn);
                }
                self.hang_up(host, conn);
            }
        }
    }

    fn act(&mut self, host: usize, what: &What) -> (End, Vec<u8>) {
        let (layout, run) = (self.layout.clone(), self.run.clone().unwrap());
        let clock = self.clock.unix_seconds();
        let mut out = Vec::new();
        let name = self.hosts[host].id.to_string();
        let planted = self.planted;
        let tree = &mut self.hosts[host].tree;
        let done = match what {
            What::Ops(ops) => {
                let cx = CompileContext { layout: &layout, run: &run, sudo: false, flush: true };
                // The way back comes second, if it comes.
                if let Some(Op::Switch { to, .. }) = ops.iter().find(|op| matches!(op, Op::Switch { .. })) {
                    self.target.get_or_insert_with(|| to.clone());
                }
                match planted {
                    Some(plant) => plant.apply(ops, &cx, tree, &name),
                    None => apply_in_row(ops, &cx, tree, &checkout),
                }
            }
            What::Recovery(ops) => {
                let cx = CompileContext { layout: &layout, run: &run, sudo: false, flush: true };
                apply_in_row(ops, &cx, tree, &checkout)
            }
            What::StateDir => apply_state_dir(&layout, &run, tree),
            What::Entry => {
                planted.into_iter().for_each(|plant| plant.before_entry(&layout, &run, tree));
                apply_entry(&layout, &run, tree)
            }
            What::Current => {
                let link = tree.readlink(&tree.spell(&layout.current));
                out = link.as_deref().map(|text| format!("{text}\n").into_bytes()).unwrap_or_default();
                Ok(u8::from(link.is_none()))
            }
            What::Probe(needs) => {
                out = answer(&layout, needs, tree, &name, clock);
                Ok(0)
            }
            What::Command(text) => Ok(self.command(host, text)),
            What::Unknown(text) => {
                self.broken.push(format!("the simulator does not know this text:\n{text}"));
                Ok(1)
            }
        };
        (done.map_or(End::Gone, End::Status), out)
    }

    /// A command of the recipe.
    fn command(&mut self, host: usize, text: &str) -> Status {
        let current = self.layout.current.clone();
        let unit = &mut self.hosts[host];
        match text {
            "restart" => unit.app = unit.tree.identity(&unit.tree.spell(&current)),
            "migrate" => {
                unit.schema += 1;
                self.migrations += 1;
            }
            "hook" => {}
            "fail" => return 1,
            text if text.contains(HEALTHY) => {
                let live = unit.tree.identity(&unit.tree.spell(&current));
                return u8::from(unit.app.is_none() || unit.app != live);
            }
            other => self.broken.push(format!("the simulator does not know this command: {other}")),
        }
        0
    }
}

/// A short name for a piece of work.
pub fn title(what: &What) -> String {
    let name = |op: &Op| {
        let text = format!("{op:?}");
        text.split([' ', '(']).next().unwrap_or_default().to_owned()
    };
    match what {
        What::Ops(ops) => ops.iter().map(name).collect::<Vec<_>>().join("+"),
        What::StateDir => "state directory".to_owned(),
        What::Entry => "entry".to_owned(),
        What::Current => "read current".to_owned(),
        What::Probe(_) => "probe".to_owned(),
        What::Command(text) => format!("command {text}"),
        What::Recovery(ops) => format!("recovery {}", ops.iter().map(name).collect::<Vec<_>>().join("+")),
        What::Unknown(_) => "unknown".to_owned(),
    }
}

/// The paths and contents of a checked-out revision.
pub fn files(revision: &str) -> Vec<(String, String)> {
    vec![
        ("app/code.rb".to_owned(), format!("code of {revision}\n")),
        ("config/routes.rb".to_owned(), "routes\n".to_owned()),
        ("public/index.html".to_owned(), format!("page of {revision}\n")),
    ]
}

/// What the texts of the simulated recipe's checkouts do: `checkout REVISION PATH`.
pub fn checkout(tree: &mut Tree, body: &str) -> Result<Status, Died> {
    let mut words = body.split(' ');
    let (Some("checkout"), Some(revision), Some(path)) = (words.next(), words.next(), words.next()) else {
        return Ok(127);
    };
    let path = path.replace('~', HOME);
    for (name, content) in files(revision) {
        let file = format!("{path}/{name}");
        let parent = file.rsplit_once('/').unwrap().0;
        if !tree.mkdir_p(parent)? || !tree.write(&file, content.as_bytes())? {
            return Ok(1);
        }
    }
    Ok(0)
}

/// Hears what the engine tells: the run's id, and plans before they run.
pub struct Ear(pub Arc<std::sync::Mutex<World>>);

impl Observer for Ear {
    fn event(&self, event: &Event) {
        match event {
            Event::RunStarted { run, .. } => self.0.lock().unwrap().begin(run),
            Event::Planned { plan } => self.0.lock().unwrap().learn(plan),
            _ => {}
        }
    }
}
