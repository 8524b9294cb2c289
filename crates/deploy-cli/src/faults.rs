//! Faults on the way to the hosts, for tests of what a run leaves behind. Only in a build with the feature `faults`, which
//! no build for use has.
//!
//! Between the engine and its connections stands a relay that counts what a host's runner is asked: steps, locks, unlocks,
//! from 0, over all connections of the host. At one of these *sites*, at one moment of it, one thing goes wrong:
//!
//! - `CAPSTAN_FAULT=HOST.SITE.MOMENT.KIND`. Moments: `before` (not sent yet), `begun` (the host says that its turn has
//!   come), `unreported` (it is done, and the engine does not hear of it), `after` (the engine has heard). Kinds: `kill`
//!   (this process, at once), `cut` (the connection ends), `hole` (the connection swallows everything from now on), `slow`
//!   (a second late), `signal` (the step dies by SIGKILL: before its first command, or `unreported`, behind its last),
//!   `pause` (see below).
//! - `CAPSTAN_FAULT_MARK=FILE`: a `pause` makes this file and goes on when it is gone; whoever made the fault does in
//!   between what they like to the host.
//! - `CAPSTAN_FAULT_LOG=FILE`: a line `HOST SITE LETTER` is added for each site, the letter as in the runner's protocol.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use deploy_shell::runner::{Decoder, EXEC_TEXT, Event as Said, StepId};
use deploy_transport::memory::{FarEnd, command};
use deploy_transport::{ConnectError, Connector, Event, Exec, ExecError, Running, Session, Stats, Stdin, Target};
use rustix::process::{Signal, getpid, kill_process};
use tokio::time::sleep;

/// When, at a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    Before,
    Begun,
    Unreported,
    After,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Kill,
    Cut,
    Hole,
    Slow,
    Signal,
    Pause,
}

#[derive(Debug)]
struct Fault {
    host: String,
    site: u32,
    moment: Moment,
    kind: Kind,
}

impl Fault {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let (host, site) = (parts.next()?.to_owned(), parts.next()?.parse().ok()?);
        let moment = match parts.next()? {
            "before" => Moment::Before,
            "begun" => Moment::Begun,
            "unreported" => Moment::Unreported,
            "after" => Moment::After,
            _ => return None,
        };
        let kind = match parts.next()? {
            "kill" => Kind::Kill,
            "cut" => Kind::Cut,
            "hole" => Kind::Hole,
            "slow" => Kind::Slow,
            "signal" => Kind::Signal,
            "pause" => Kind::Pause,
            _ => return None,
        };
        Some(Self { host, site, moment, kind })
    }
}

/// What the environment asks for, and how far each host is.
struct Script {
    fault: Option<Fault>,
    mark: Option<PathBuf>,
    log: Option<PathBuf>,
    /// Sites so far, by host.
    sites: Mutex<HashMap<String, u32>>,
}

impl Script {
    /// The next site of a host.
    fn count(&self, host: &str, letter: char) -> u32 {
        let mut sites = self.sites.lock().unwrap_or_else(PoisonError::into_inner);
        let next = sites.entry(host.to_owned()).or_default();
        let site = *next;
        *next += 1;
        let opened = self.log.as_ref().and_then(|log| OpenOptions::new().append(true).create(true).open(log).ok());
        if let Some(mut log) = opened {
            let _ = writeln!(log, "{host} {site} {letter}");
        }
        site
    }

    /// The kind of the fault at this moment of a site.
    fn at(&self, host: &str, site: u32, moment: Moment) -> Option<Kind> {
        let fault = self.fault.as_ref()?;
        (fault.host == host && fault.site == site && fault.moment == moment).then_some(fault.kind)
    }

    /// Lets go wrong what stops, or delays, everything behind it. Whether the connection is over with it.
    async fn strike(&self, kind: Kind) -> bool {
        match kind {
            Kind::Kill => {
                let _ = kill_process(getpid(), Signal::KILL);
                std::future::pending().await
            }
            Kind::Cut | Kind::Hole => true,
            Kind::Slow => {
                sleep(Duration::from_secs(1)).await;
                false
            }
            Kind::Signal => false,
            Kind::Pause => {
                if let Some(mark) = self.mark.as_ref().filter(|mark| std::fs::write(mark, "").is_ok()) {
                    while mark.exists() {
                        sleep(Duration::from_millis(5)).await;
                    }
                }
                false
            }
        }
    }
}

/// A connector whose connections go wrong as the environment says.
pub(crate) fn faulty(inner: Arc<dyn Connector>) -> Arc<dyn Connector> {
    let value = |name: &str| std::env::var(name).ok();
    let script = Script {
        fault: value("CAPSTAN_FAULT").as_deref().and_then(Fault::parse),
        mark: value("CAPSTAN_FAULT_MARK").map(PathBuf::from),
        log: value("CAPSTAN_FAULT_LOG").map(PathBuf::from),
        sites: Mutex::default(),
    };
    Arc::new(Faulty { inner, script: Arc::new(script) })
}

struct Faulty {
    inner: Arc<dyn Connector>,
    script: Arc<Script>,
}

#[async_trait]
impl Connector for Faulty {
    async fn connect(&self, target: &Target) -> Result<Arc<dyn Session>, ConnectError> {
        let inner = self.inner.connect(target).await?;
        let host = target.name.split('.').next().unwrap_or_default().to_owned();
        Ok(Arc::new(Watched { inner, host, script: Arc::clone(&self.script) }))
    }
}

struct Watched {
    inner: Arc<dyn Session>,
    host: String,
    script: Arc<Script>,
}

#[async_trait]
impl Session for Watched {
    async fn exec(&self, exec: Exec) -> Result<Running, ExecError> {
        let is_runner = exec.command == EXEC_TEXT;
        let mut running = self.inner.exec(exec).await?;
        let Some(stdin) = running.take_stdin().filter(|_| is_runner) else { return Ok(running) };
        let (near, far) = command();
        let relay = Relay {
            inner: Arc::clone(&self.inner),
            host: self.host.clone(),
            script: Arc::clone(&self.script),
            decoder: None,
            line: Vec::new(),
            payload: Vec::new(),
            sites: HashMap::new(),
        };
        tokio::spawn(relay.run(running, stdin, far));
        Ok(near)
    }

    fn stats(&self) -> Stats {
        self.inner.stats()
    }

    fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

/// One runner's channel.
struct Relay {
    inner: Arc<dyn Session>,
    host: String,
    script: Arc<Script>,
    /// From the moment at which the runner's program, which holds its nonce, has gone by.
    decoder: Option<Decoder>,
    /// What came of a line that is not whole yet.
    line: Vec<u8>,
    /// The texts of a request, before the line that ends it.
    payload: Vec<u8>,
    /// The site of each request of this connection.
    sites: HashMap<StepId, u32>,
}

impl Relay {
    async fn run(mut self, mut running: Running, stdin: Stdin, mut far: FarEnd) {
        let mut stdin = Some(stdin);
        let over = loop {
            tokio::select! {
                bytes = far.read(), if stdin.is_some() => match (bytes, &mut stdin) {
                    (Some(bytes), Some(to)) => {
                        if self.up(&bytes, to).await { break true }
                    }
                    _ => stdin = None,
                },
                event = running.next() => match event {
                    Some(event) => if self.down(event, &far).await { break true },
                    None => break false,
                },
            }
        };
        let is_hole = self.script.fault.as_ref().is_some_and(|fault| fault.kind == Kind::Hole);
        if over && is_hole {
            // Both ends are kept open and nothing passes.
            loop {
                tokio::select! {
                    read = far.read() => if read.is_none() { break },
                    event = running.next() => if event.is_none() { break },
                }
            }
        }
        if over {
            self.inner.close().await;
        }
    }

    /// Passes on what the engine sends, line by line. Whether the connection is over.
    async fn up(&mut self, bytes: &[u8], to: &mut Stdin) -> bool {
        let mut out = Vec::new();
        for byte in bytes {
            self.line.push(*byte);
            if *byte != b'\n' {
                continue;
            }
            let line = std::mem::take(&mut self.line);
            match (self.decoder.is_some(), line.first()) {
                (false, _) => {
                    self.decoder = nonce(&line).map(|nonce| Decoder::stdout(&nonce));
                    out.extend(line);
                }
                (true, Some(b'1'..=b'3')) => self.payload.extend(line),
                (true, Some(letter @ (b'C' | b'S' | b'E' | b'L' | b'U'))) => {
                    let site = self.script.count(&self.host, char::from(*letter));
                    if let Some(id) = number(&line) {
                        self.sites.insert(id, site);
                    }
                    if let Some(kind) = self.script.at(&self.host, site, Moment::Before) {
                        // What was asked before has been sent by then.
                        let _ = to.write(std::mem::take(&mut out)).await;
                        let _ = to.flush().await;
                        if self.script.strike(kind).await {
                            return true;
                        }
                    }
                    out.extend(self.request(site, *letter, &line));
                }
                _ => out.extend(line),
            }
        }
        // A host that reads no more is told of by its own end.
        let _ = to.write(out).await;
        false
    }

    /// The lines of a request, with the signal that ends it where it is to end by one.
    fn request(&mut self, site: u32, letter: u8, line: &[u8]) -> Vec<u8> {
        let payload = std::mem::take(&mut self.payload);
        let dies = |moment| self.script.at(&self.host, site, moment) == Some(Kind::Signal) && b"CS".contains(&letter);
        let first: &[u8] = if dies(Moment::Before) { b"1kill -KILL $$\\0012\n" } else { b"" };
        let last: &[u8] = if dies(Moment::Unreported) { b"1\\0012kill -KILL $$\n" } else { b"" };
        [first, &payload, last, line].concat()
    }

    /// Passes on what the host says. Whether the connection is over.
    async fn down(&mut self, event: Event, far: &FarEnd) -> bool {
        let said = match (&event, &mut self.decoder) {
            (Event::Stdout(bytes), Some(decoder)) => decoder.push(bytes),
            _ => Vec::new(),
        };
        let struck = |moment| said.iter().find_map(|said| self.script.at(&self.host, self.site(said, moment)?, moment));
        let (begun, unreported, after) = (struck(Moment::Begun), struck(Moment::Unreported), struck(Moment::After));
        for kind in [begun, unreported].into_iter().flatten() {
            if self.script.strike(kind).await {
                return true;
            }
        }
        far.say(event).await;
        match after {
            Some(kind) => self.script.strike(kind).await,
            None => false,
        }
    }

    /// The site that a word of the runner is about, where it belongs to the moment.
    fn site(&self, said: &Said, moment: Moment) -> Option<u32> {
        let (id, begins) = match said {
            Said::Begin(id) => (id, true),
            Said::End { step: id, .. }
            | Said::LockTaken { id, .. }
            | Said::LockRefused { id, .. }
            | Said::LockFailed { id, .. }
            | Said::Unlocked { id, .. } => (id, false),
            _ => return None,
        };
        (begins == (moment == Moment::Begun)).then(|| self.sites.get(id).copied()).flatten()
    }
}

/// The nonce in the runner's program.
fn nonce(program: &[u8]) -> Option<deploy_shell::runner::Nonce> {
    let text = std::str::from_utf8(program).ok()?;
    let digits = text.split_once("_rN=")?.1.split(';').next()?;
    let mut bytes = [0; 16];
    for (number, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(2 * number..2 * number + 2)?, 16).ok()?;
    }
    Some(deploy_shell::runner::Nonce::new(bytes))
}

/// The number in a line that ends a request.
fn number(line: &[u8]) -> Option<StepId> {
    let text = std::str::from_utf8(line).ok()?;
    Some(StepId(text.split_whitespace().nth(1)?.parse().ok()?))
}
