//! One host of a run: its connection, its runner and the jobs it is given, looked after by one task.

use std::collections::VecDeque;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use deploy_inventory::HostId;
use deploy_plan::{Event, ExitStatus, Level, Observer, Stream};
use deploy_shell::runner::{
    Decoder, EXEC_TEXT, Event as Said, Gate, Lock, Nonce, Outbox, Request, SILENCE_LIMIT, Secret as Bytes,
    StepId as Number, Work, boot,
};
use deploy_transport::{Event as Received, Exec, Pty, Running, Secret, Session, Stdin};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tracing::Instrument as _;

use crate::carry::{Carried, Carrying};
use crate::flight::{Job, JobKind, JobResult};
use crate::group::{Group, group};
use crate::ports::Ports;
use crate::progress::Progress;
use crate::turns::Turns;

/// How long a runner may take to say hello: a login shell may do much before it.
const HELLO_LIMIT: Duration = Duration::from_secs(10);
/// A third of the runner's silence limit.
const HEARTBEAT: Duration = Duration::from_secs(SILENCE_LIMIT as u64 / 3);
/// How long a host may take to say goodbye.
const GOODBYE_LIMIT: Duration = Duration::from_secs(5);
/// How much of what a login shell prints before the runner speaks is kept.
const NOISE_LIMIT: usize = 2048;
/// How much of it is shown in an error, in characters.
const NOISE_SHOWN: usize = 160;

enum Ask {
    Fly { jobs: Vec<Job>, reply: oneshot::Sender<Vec<JobResult>> },
    Close { reply: oneshot::Sender<()> },
}

/// Whether the runner has said hello: not yet, yes, or why it never will.
type Greeting = Option<Result<(), String>>;

/// A handle on a connected host; cheap to clone.
#[derive(Clone)]
pub(crate) struct HostHandle {
    asks: mpsc::UnboundedSender<Ask>,
    kills: mpsc::UnboundedSender<()>,
    greeting: watch::Receiver<Greeting>,
    /// Whether somebody has waited for the hello: then it has cost a round trip.
    awaited: Arc<AtomicBool>,
    lost: Arc<AtomicBool>,
    round_trips: Arc<AtomicU32>,
}

impl HostHandle {
    /// Starts the runner on a session. Jobs may be sent at once: they travel with the runner's program. Whether there is a
    /// shell that runs it is told by [`greeted`](Self::greeted).
    pub(crate) async fn start(
        id: HostId,
        session: Arc<dyn Session>,
        forward_agent: bool,
        ports: Arc<Ports>,
    ) -> Result<Self, String> {
        let mut exec = Exec::new(EXEC_TEXT).pipelined();
        exec.forward_agent = forward_agent;
        let mut running = session.exec(exec).await.map_err(|error| error.to_string())?;
        let nonce = nonce();
        let stdin = running.take_stdin().ok_or("the channel has no input")?;
        let (greet, greeting) = watch::channel(None);
        let (round_trips, awaited) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
        let is_lost = Arc::new(AtomicBool::new(false));
        let mut host = HostTask {
            out: Decoder::stdout(&nonce),
            err: Decoder::stderr(&nonce),
            writer: spawn_writer(stdin),
            outbox: Outbox::default(),
            next: 1,
            flight: None,
            terminal: None,
            terminal_input: None,
            to_start: None,
            carrying: None,
            lost: None,
            is_lost: Arc::clone(&is_lost),
            greet,
            noise: Vec::new(),
            holds: false,
            turns: Turns::default(),
            awaited: Arc::clone(&awaited),
            round_trips: Arc::clone(&round_trips),
            id,
            session,
            running,
            ports,
        };
        host.turns.sent();
        host.count();
        let _ = host.writer.send(boot(&nonce, SILENCE_LIMIT));
        let (asks, asked) = mpsc::unbounded_channel();
        let (kills, killed) = mpsc::unbounded_channel();
        let span = tracing::info_span!("host", host = %host.id);
        tokio::spawn(host.work(asked, killed).instrument(span));
        Ok(Self { asks, kills, greeting, awaited, lost: is_lost, round_trips })
    }

    /// Waits until the runner has said hello, or cannot any more.
    pub(crate) async fn greeted(&self) -> Result<(), String> {
        self.awaited.store(true, Ordering::Relaxed);
        let mut greeting = self.greeting.clone();
        match greeting.wait_for(Option::is_some).await {
            Ok(said) => said.clone().unwrap_or(Ok(())),
            Err(_) => Err("the connection has ended".to_owned()),
        }
    }

    /// Why there is no runner, once that is known.
    pub(crate) fn refusal(&self) -> Option<String> {
        self.greeting.borrow().clone()?.err()
    }

    /// Whether nothing can be done over this connection any more.
    pub(crate) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }

    /// How many round trips the host has cost behind its login.
    pub(crate) fn round_trips(&self) -> u32 {
        self.round_trips.load(Ordering::Relaxed)
    }

    /// Gives the host jobs and waits for their results.
    pub(crate) async fn fly(&self, jobs: Vec<Job>) -> Vec<JobResult> {
        let lost: Vec<JobResult> = jobs.iter().map(|job| JobResult::lost(job, "the connection has ended")).collect();
        let (reply, answer) = oneshot::channel();
        if self.asks.send(Ask::Fly { jobs, reply }).is_err() {
            return lost;
        }
        answer.await.unwrap_or(lost)
    }

    /// Ends what runs there now.
    pub(crate) fn kill(&self) {
        let _ = self.kills.send(());
    }

    /// Gives back what is held and ends the connection.
    pub(crate) async fn close(self) {
        let (reply, answer) = oneshot::channel();
        if self.asks.send(Ask::Close { reply }).is_ok() {
            let _ = answer.await;
        }
    }
}

/// Input goes through a task of its own, so that a host that stops reading never stops us from hearing it.
fn spawn_writer(mut stdin: Stdin) -> mpsc::UnboundedSender<Vec<u8>> {
    let (sender, mut receiver) = mpsc::unbounded_channel::<Vec<u8>>();
    tokio::spawn(async move {
        while let Some(bytes) = receiver.recv().await {
            if stdin.write(bytes).await.is_err() {
                return;
            }
        }
    });
    sender
}

/// The jobs of one flight and how far they are.
struct Flight {
    /// Not sent yet.
    waiting: VecDeque<Group>,
    /// Sent and not over, in the order in which the runner takes them.
    active: VecDeque<Progress>,
    results: Vec<JobResult>,
    /// Whether a job failed, so that those that depend on it are not to be sent any more.
    failed: bool,
    /// Whether nothing has been sent yet.
    fresh: bool,
    reply: oneshot::Sender<Vec<JobResult>>,
}

struct HostTask {
    id: HostId,
    session: Arc<dyn Session>,
    running: Running,
    out: Decoder,
    err: Decoder,
    writer: mpsc::UnboundedSender<Vec<u8>>,
    outbox: Outbox,
    next: u32,
    flight: Option<Flight>,
    /// A command with a terminal, on a channel of its own: the runner has none.
    terminal: Option<Running>,
    /// Its input, kept open so that the terminal does not hang up.
    terminal_input: Option<Stdin>,
    /// One that is to be started.
    to_start: Option<(String, Option<Arc<Secret>>)>,
    /// A file or tree on its way.
    carrying: Option<Carrying>,
    /// Why nothing can be done any more.
    lost: Option<String>,
    /// The same for others to see.
    is_lost: Arc<AtomicBool>,
    /// Where the runner's hello is told.
    greet: watch::Sender<Greeting>,
    /// What the login shell printed before it.
    noise: Vec<u8>,
    /// Whether the lock is, or may be, held there.
    holds: bool,
    turns: Turns,
    awaited: Arc<AtomicBool>,
    /// The count of them for others to read.
    round_trips: Arc<AtomicU32>,
    ports: Arc<Ports>,
}

impl HostTask {
    fn is_greeted(&self) -> bool {
        self.greet.borrow().is_some()
    }

    /// The hello has come, or it never will.
    fn greeted(&mut self, hello: Result<(), String>) {
        if self.is_greeted() {
            return;
        }
        if hello.is_ok() && !self.noise.is_empty() {
            let shown = String::from_utf8_lossy(&self.noise).trim_end().to_owned();
            let text = format!("the login shell prints before it runs commands; ignored: {shown}");
            self.tell(Level::Warning, text);
        }
        let _ = self.greet.send(Some(hello));
    }

    fn noise(&mut self, bytes: &[u8]) {
        let room = NOISE_LIMIT.saturating_sub(self.noise.len());
        self.noise.extend(bytes.iter().take(room));
    }

    fn count(&self) {
        self.round_trips.store(self.turns.count(), Ordering::Relaxed);
    }

    /// Until the handle is gone or the host says goodbye.
    async fn work(mut self, mut asks: mpsc::UnboundedReceiver<Ask>, mut kills: mpsc::UnboundedReceiver<()>) {
        let mut beat = interval(HEARTBEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut no_hello = std::pin::pin!(sleep(HELLO_LIMIT));
        loop {
            if let Some((text, stdin)) = self.to_start.take() {
                self.start_terminal(&text, stdin).await;
            }
            let remaining = self.remaining();
            tokio::select! {
                // In this order: a kill is meant for what was asked before it, never for the undo that is asked for next,
                // and neither heartbeats nor deadlines wait behind a flood of output.
                biased;
                Some(()) = kills.recv() => self.kill("stopped"),
                ask = asks.recv(), if self.flight.is_none() => match ask {
                    Some(Ask::Fly { jobs, reply }) => self.take_off(jobs, reply),
                    Some(Ask::Close { reply }) => {
                        self.goodbye().await;
                        let _ = reply.send(());
                        return;
                    }
                    None => {
                        self.goodbye().await;
                        return;
                    }
                },
                _ = beat.tick(), if self.lost.is_none() => self.send(&Request::Heartbeat),
                () = &mut no_hello, if self.lost.is_none() && !self.is_greeted() => {
                    self.lose(&format!("the login shell did not run sh within {} s", HELLO_LIMIT.as_secs()));
                }
                () = sleep(remaining.unwrap_or_default()), if remaining.is_some() => {
                    self.kill("over its deadline");
                }
                received = self.running.next(), if self.lost.is_none() => self.receive(received),
                received = next_of(&mut self.terminal), if self.terminal.is_some() => {
                    let gone = || deploy_transport::ExitStatus::Lost("the terminal's channel was closed".to_owned());
                    self.receive_terminal(received.unwrap_or_else(|| Received::Exit(gone())));
                }
                said = carried(&mut self.carrying), if self.carrying.is_some() => self.receive_carried(said),
            }
        }
    }

    fn remaining(&self) -> Option<Duration> {
        self.flight.as_ref()?.active.front()?.remaining()
    }

    /// Ends the step in hand and gives up those behind it.
    fn kill(&mut self, why: &str) {
        let through = Number(self.next.saturating_sub(1));
        if let Some(flight) = &mut self.flight {
            flight.failed = true;
            for progress in &mut flight.active {
                progress.killed(why);
            }
        }
        if let Some(terminal) = &self.terminal {
            let controller = terminal.controller();
            tokio::spawn(async move {
                controller.signal("TERM").await;
                controller.close().await;
            });
        }
        self.send(&Request::Kill { through });
        if self.carrying.take().is_some() {
            let current = self.flight.as_mut().and_then(|flight| flight.active.front_mut());
            if let Some(current) = current {
                current.ended(ExitStatus::Signal(format!("TERM ({why})")));
            }
            self.reap();
        }
    }

    fn send(&mut self, request: &Request) {
        // A heartbeat, a kill and a goodbye can always be encoded.
        let _ = self.outbox.push(request);
        self.pump();
    }

    /// Writes what the runner may have now.
    fn pump(&mut self) {
        let before = self.outbox.requests();
        let bytes = self.outbox.take();
        if self.outbox.requests() > before {
            if self.awaited.swap(false, Ordering::Relaxed) {
                self.turns.answered();
            }
            self.turns.sent();
            self.count();
            tracing::debug!(round_trips = self.turns.count(), bytes = bytes.len(), "work sent");
        }
        if !bytes.is_empty() {
            let _ = self.writer.send(bytes);
        }
    }

    fn take_off(&mut self, jobs: Vec<Job>, reply: oneshot::Sender<Vec<JobResult>>) {
        let waiting = group(jobs);
        let (active, results) = (VecDeque::new(), Vec::new());
        self.flight = Some(Flight { waiting, active, results, failed: false, fresh: true, reply });
        self.fill();
    }

    /// Sends what can be sent now, all in one go; ends the flight when nothing is left.
    fn fill(&mut self) {
        while let Some(group) = self.next_group() {
            let number = Number(self.next);
            self.next += 1;
            let always = group.always();
            let Some(flight) = &mut self.flight else { return };
            if let Some(why) = &self.lost {
                flight.active.push_back(Progress::over(
                    self.id.clone(),
                    number,
                    group,
                    &self.ports,
                    &ExitStatus::Lost(why.clone()),
                ));
                flight.failed = true;
            } else if flight.failed && !always {
                flight.active.push_back(Progress::over(
                    self.id.clone(),
                    number,
                    group,
                    &self.ports,
                    &ExitStatus::Skipped,
                ));
            } else if let JobKind::Command { text, stdin, pty: true } = &group.kind {
                self.to_start = Some((text.clone(), stdin.clone()));
                let mut progress = Progress::new(self.id.clone(), number, group, &self.ports);
                progress.hear(Said::Begin(number), Stream::Out);
                flight.active.push_back(progress);
            } else if let JobKind::Transfer(transfer) = &group.kind {
                self.carrying = Some(Carrying::start(&self.session, &self.id, transfer.clone()));
                let mut progress = Progress::new(self.id.clone(), number, group, &self.ports);
                progress.hear(Said::Begin(number), Stream::Out);
                flight.active.push_back(progress);
                // The channel's opening, and the answer at the end.
                self.turns.waited(2);
            } else if let JobKind::Health(check) = &group.kind {
                self.carrying = Some(Carrying::checking(&self.session, (**check).clone()));
                let mut progress = Progress::new(self.id.clone(), number, group, &self.ports);
                progress.hear(Said::Begin(number), Stream::Out);
                flight.active.push_back(progress);
                // The way to the port, and the answer.
                self.turns.waited(2);
            } else {
                let gate =
                    Gate { lock: group.needs_lock(), unless_failed: !flight.fresh && !always, opens: flight.fresh };
                flight.fresh = false;
                let sent = request(number, &group, gate).and_then(|request| Ok(self.outbox.push(&request)?));
                let mut progress = Progress::new(self.id.clone(), number, group, &self.ports);
                if let Err(error) = sent {
                    progress.refused(&error.to_string());
                    flight.failed = true;
                }
                flight.active.push_back(progress);
            }
        }
        self.pump();
        self.reap();
    }

    /// The next group that may be sent. A command with a terminal and a transfer have a channel of their own, so they wait
    /// for all before them, and all behind them wait for them.
    fn next_group(&mut self) -> Option<Group> {
        let flight = self.flight.as_mut()?;
        let busy_there = self.to_start.is_some() || self.terminal.is_some() || self.carrying.is_some();
        let next_is = flight.waiting.front().is_some_and(|group| group.kind.is_apart());
        if busy_there || (next_is && flight.active.iter().any(|progress| !progress.is_over())) {
            return None;
        }
        flight.waiting.pop_front()
    }

    /// Takes the results of requests that are over, in order.
    fn reap(&mut self) {
        let Some(flight) = &mut self.flight else { return };
        while flight.active.front().is_some_and(Progress::is_over) {
            let Some(progress) = flight.active.pop_front() else { break };
            let results = progress.results();
            flight.failed |= results.iter().any(|result| !result.status.is_success());
            flight.results.extend(results);
        }
        if flight.active.is_empty() {
            if flight.waiting.is_empty() {
                if let Some(flight) = self.flight.take() {
                    let _ = flight.reply.send(flight.results);
                }
            } else {
                // Those behind a command with a terminal begin a chain of their own; what failed is known here.
                flight.fresh = true;
                self.fill();
            }
        }
    }

    fn receive(&mut self, received: Option<Received>) {
        match received {
            Some(Received::Stdout(bytes)) => {
                for said in self.out.push(&bytes) {
                    self.outbox.on_event(&said);
                    self.note(&said);
                    self.hear(said, Stream::Out);
                }
                self.pump();
            }
            Some(Received::Stderr(bytes)) => {
                for said in self.err.push(&bytes) {
                    self.note(&said);
                    self.hear(said, Stream::Err);
                }
            }
            Some(Received::Exit(status)) if self.is_greeted() => {
                self.lose(&format!("the shell on the host ended: {status}"));
            }
            Some(Received::Exit(status)) => self.lose(&format!("the login shell ended: {status}")),
            None => self.lose("the connection was lost"),
        }
    }

    /// What an event means for the host as a whole.
    fn note(&mut self, said: &Said) {
        match said {
            Said::Noise(bytes) => self.noise(bytes),
            Said::Hello(_) => self.greeted(Ok(())),
            Said::BadHello(error) => self.lose(&error.to_string()),
            Said::LockTaken { .. } => {
                self.holds = true;
                self.turns.answered();
            }
            Said::Unlocked { .. } => {
                self.holds = false;
                self.turns.answered();
            }
            Said::End { .. } | Said::LockRefused { .. } | Said::LockFailed { .. } => self.turns.answered(),
            _ => {}
        }
    }

    fn hear(&mut self, said: Said, stream: Stream) {
        let active = self.flight.as_mut().map(|flight| &mut flight.active);
        let number = number_of(&said);
        let progress = active.and_then(|active| active.iter_mut().find(|progress| Some(progress.number()) == number));
        match (progress, said) {
            (Some(progress), said) => {
                progress.hear(said, stream);
                if progress.is_over() {
                    self.reap();
                }
            }
            // A process that an earlier step left behind.
            (None, Said::Output { bytes, .. }) => {
                self.ports.observer.event(&Event::Output { host: self.id.clone(), step: None, stream, bytes });
            }
            _ => {}
        }
    }

    fn lose(&mut self, why: &str) {
        let why = &self.with_noise(why);
        self.lost = Some(why.to_owned());
        self.is_lost.store(true, Ordering::Relaxed);
        self.greeted(Err(why.to_owned()));
        // A command on a channel of its own went with the connection.
        (self.terminal, self.terminal_input, self.to_start, self.carrying) = (None, None, None, None);
        if let Some(flight) = &mut self.flight {
            flight.failed = true;
            for progress in flight.active.iter_mut().filter(|progress| !progress.is_over()) {
                progress.lost(why);
            }
        }
        self.reap();
        self.fill();
    }

    /// Adds to a reason what came instead of the runner's hello, in a form that is safe to show.
    fn with_noise(&self, why: &str) -> String {
        if self.is_greeted() || self.noise.is_empty() {
            return why.to_owned();
        }
        let text = String::from_utf8_lossy(&self.noise);
        let start: String = text.trim().chars().take(NOISE_SHOWN).collect();
        format!("{why}; it printed {start:?}, so look at the login's start-up files there")
    }

    async fn start_terminal(&mut self, text: &str, stdin: Option<Arc<Secret>>) {
        // The channel's opening and the command's start are each waited for.
        self.turns.waited(2);
        self.count();
        match self.session.exec(Exec::new(text).with_pty(Pty::default())).await {
            Ok(mut running) => {
                if let (Some(secret), Some(mut input)) = (stdin, running.take_stdin()) {
                    let _ = input.write(format!("{}\n", secret.expose()).into_bytes()).await;
                    self.terminal_input = Some(input);
                }
                self.terminal = Some(running);
            }
            Err(error) => {
                if let Some(progress) = self.flight.as_mut().and_then(|flight| flight.active.front_mut()) {
                    progress.refused(&error.to_string());
                }
                self.reap();
            }
        }
    }

    fn receive_terminal(&mut self, received: Received) {
        let ended = matches!(received, Received::Exit(_));
        let current = self.flight.as_mut().and_then(|flight| flight.active.front_mut());
        match (received, current) {
            (Received::Stdout(bytes), Some(current)) => {
                current.hear(Said::Output { step: None, bytes: bytes.to_vec() }, Stream::Out);
            }
            (Received::Stderr(bytes), Some(current)) => {
                current.hear(Said::Output { step: None, bytes: bytes.to_vec() }, Stream::Err);
            }
            (Received::Exit(status), Some(current)) => current.ended(channel_status(status)),
            (_, None) => {}
        }
        if ended {
            (self.terminal, self.terminal_input) = (None, None);
            self.reap();
        }
    }

    fn receive_carried(&mut self, said: Carried) {
        let current = self.flight.as_mut().and_then(|flight| flight.active.front_mut());
        let Some(current) = current else { return self.carrying = None };
        match said {
            Carried::Progress(progress) => return current.transferred(progress.bytes, progress.total),
            Carried::End(Ok(content)) => {
                current.fetched(content);
                current.ended(ExitStatus::Code(0));
            }
            Carried::End(Err(ended)) => current.failed(&ended.why, ended.status),
        }
        self.carrying = None;
        self.reap();
    }

    /// Whoever holds nothing is not waited for: the runner ends when the connection does.
    async fn goodbye(&mut self) {
        if self.lost.is_none() {
            self.send(&Request::Quit);
        }
        if self.holds && self.lost.is_none() {
            let _ = timeout(GOODBYE_LIMIT, async { while self.running.next().await.is_some() {} }).await;
            self.session.close().await;
        } else {
            let session = Arc::clone(&self.session);
            tokio::spawn(async move { session.close().await });
        }
    }

    fn tell(&self, level: Level, text: String) {
        self.ports.observer.event(&Event::Message { level, host: Some(self.id.clone()), text });
    }
}

/// A number that no output can guess.
fn nonce() -> Nonce {
    use std::collections::hash_map::RandomState;
    use std::hash::{BuildHasher, Hasher};
    let mut bytes = [0; 16];
    for half in bytes.chunks_mut(8) {
        let random = RandomState::new().build_hasher().finish().to_le_bytes();
        half.copy_from_slice(random.get(..half.len()).unwrap_or(&random));
    }
    Nonce::new(bytes)
}

/// The request that an event is about.
fn number_of(said: &Said) -> Option<Number> {
    match said {
        Said::Begin(number) | Said::ErrEnd(number) => Some(*number),
        Said::Output { step, .. } => *step,
        Said::Mark { step, .. } | Said::End { step, .. } => Some(*step),
        Said::LockTaken { id, .. }
        | Said::LockRefused { id, .. }
        | Said::LockFailed { id, .. }
        | Said::Unlocked { id, .. } => Some(*id),
        Said::Noise(_) | Said::Hello(_) | Said::BadHello(_) | Said::Bye { .. } | Said::Malformed(_) => None,
    }
}

/// What is sent for a group of jobs.
fn request(id: Number, group: &Group, gate: Gate) -> Result<Request, Box<dyn Error>> {
    Ok(match &group.kind {
        JobKind::Script { .. } => {
            let (text, secrets) = group.script()?;
            let secrets = secrets.into_iter().map(|(name, secret)| (name, Bytes::new(secret.expose()))).collect();
            Request::Step { id, work: Work::Script { text, secrets }, gate }
        }
        JobKind::Shell { body } => Request::Step { id, work: Work::Shell { text: body.clone() }, gate },
        JobKind::Command { text, stdin, .. } => {
            let stdin = stdin.as_ref().map(|secret| Bytes::new(format!("{}\n", secret.expose())));
            Request::Step { id, work: Work::Command { text: text.clone(), stdin }, gate }
        }
        JobKind::Lock { directory, owner, run, shared, wait } => {
            let lock = Lock {
                dir: directory.clone(),
                run: run.clone(),
                owner: owner.clone(),
                wait: *wait,
                lease: deploy_shell::runner::LEASE,
                group: *shared,
            };
            Request::Lock { id, lock }
        }
        JobKind::Unlock => Request::Unlock { id },
        JobKind::Transfer(_) | JobKind::Health(_) => return Err("this is no work for the runner".into()),
    })
}

/// The next event of a channel that may not be there.
async fn next_of(running: &mut Option<Running>) -> Option<Received> {
    match running {
        Some(running) => running.next().await,
        None => None,
    }
}

/// What is heard next of a transfer that may not be there.
async fn carried(carrying: &mut Option<Carrying>) -> Carried {
    match carrying {
        Some(carrying) => carrying.next().await,
        None => std::future::pending().await,
    }
}

/// The end of a command that had a channel of its own.
fn channel_status(status: deploy_transport::ExitStatus) -> ExitStatus {
    match status {
        deploy_transport::ExitStatus::Code(code) => ExitStatus::Code(i32::try_from(code).unwrap_or(255)),
        deploy_transport::ExitStatus::Signal { name, .. } => ExitStatus::Signal(name),
        deploy_transport::ExitStatus::Lost(why) => ExitStatus::Lost(why),
    }
}

/// The code of a step's end.
pub(crate) fn exit_status(status: deploy_shell::runner::Status) -> ExitStatus {
    use deploy_shell::runner::Status;
    match status {
        Status::Exited(code) => ExitStatus::Code(i32::from(code)),
        Status::Signaled(number) => ExitStatus::Signal(signal_name(number)),
        Status::Lost => ExitStatus::Lost("the step was killed together with what watched it".to_owned()),
        Status::NotStarted => ExitStatus::Code(127),
        // Something else than a step before it kept it from starting: that is a failure of its own.
        Status::NoLock => ExitStatus::Code(126),
        Status::Skipped => ExitStatus::Skipped,
    }
}

fn signal_name(number: u8) -> String {
    let name = match number {
        1 => "HUP",
        2 => "INT",
        3 => "QUIT",
        6 => "ABRT",
        9 => "KILL (out of memory?)",
        11 => "SEGV",
        13 => "PIPE",
        15 => "TERM",
        _ => return number.to_string(),
    };
    name.to_owned()
}

#[cfg(test)]
#[path = "host_tests.rs"]
mod tests;
