//! A simulated runner: speaks the wire contract of the real one, and has its work done by the simulated host.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use deploy_transport::memory::FarEnd;
use deploy_transport::{
    ConnectError, ConnectErrorKind, Connector, Endpoint, Event, Exec, ExecError, ExitStatus, Running, Session, Stats,
    Target, memory,
};

use deploy_plan::RunId;

use super::world::{Conn, End, Piece, Request, What, World};

type Shared = Arc<Mutex<World>>;

/// Makes connections to simulated hosts.
pub struct SimConnector(pub Shared);

#[async_trait]
impl Connector for SimConnector {
    async fn connect(&self, target: &Target) -> Result<Arc<dyn Session>, ConnectError> {
        let mut world = self.0.lock().unwrap();
        let host = world.hosts.iter().position(|host| host.id.as_str() == target.name).unwrap();
        if !world.hosts[host].up {
            let endpoint = Endpoint {
                name: target.name.clone(),
                host: target.host.clone(),
                port: 22,
                user: "deploy".into(),
                address: None,
            };
            let kind = ConnectErrorKind::Settings("the simulated host is down".into());
            return Err(ConnectError { endpoint: Box::new(endpoint), kind, attempts: 1 });
        }
        let run = world.run.clone();
        let unit = &mut world.hosts[host];
        unit.conns.push(Conn { alive: true, run, ..Conn::default() });
        let conn = unit.conns.len() - 1;
        Ok(Arc::new(SimSession { world: Arc::clone(&self.0), host, conn }))
    }
}

struct SimSession {
    world: Shared,
    host: usize,
    conn: usize,
}

#[async_trait]
impl Session for SimSession {
    async fn exec(&self, _: Exec) -> Result<Running, ExecError> {
        let (running, far) = memory::command();
        let runner = Runner {
            world: Arc::clone(&self.world),
            host: self.host,
            conn: self.conn,
            far,
            nonce: String::new(),
            line: Vec::new(),
            slots: Default::default(),
        };
        tokio::spawn(runner.serve());
        Ok(running)
    }
    fn stats(&self) -> Stats {
        Stats::default()
    }
    fn is_closed(&self) -> bool {
        !self.world.lock().unwrap().hosts[self.host].conns[self.conn].alive
    }
    async fn close(&self) {
        self.world.lock().unwrap().hang_up(self.host, self.conn);
    }
}

struct Runner {
    world: Shared,
    host: usize,
    conn: usize,
    far: FarEnd,
    nonce: String,
    line: Vec<u8>,
    slots: [Vec<u8>; 3],
}

const FIELD: &str = "\u{1f}";

impl Runner {
    async fn serve(mut self) {
        loop {
            let next = self.world.lock().unwrap().hosts[self.host].conns[self.conn].queue.pop_front();
            let Some(request) = next else {
                let Some(bytes) = self.far.read().await else {
                    self.world.lock().unwrap().hang_up(self.host, self.conn);
                    return;
                };
                self.take(&bytes).await;
                continue;
            };
            self.pace().await;
            if self.is_dead() || !self.answer(request).await || self.is_dead() {
                return;
            }
        }
    }

    /// The host of the fault works before all others, or after them.
    async fn pace(&self) {
        let turns = match self.world.lock().unwrap().fault {
            Some(fault) if (fault.host == self.host) == fault.last => 40,
            _ => 0,
        };
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
    }

    fn is_dead(&self) -> bool {
        let world = self.world.lock().unwrap();
        world.client_dead || !world.hosts[self.host].conns[self.conn].alive
    }

    /// Takes lines of input in.
    async fn take(&mut self, bytes: &Bytes) {
        self.line.extend_from_slice(bytes);
        let whole = self.line.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let lines: Vec<u8> = self.line.drain(..whole).collect();
        for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let line = std::str::from_utf8(line).unwrap();
            if self.nonce.is_empty() {
                let at = line.find("_rN=").unwrap() + 4;
                self.nonce = line[at..at + 32].to_owned();
                let facts = [
                    "proto=1",
                    "pid=7",
                    "uid=1000",
                    "user=deploy",
                    "group=deploy",
                    "os=Linux",
                    "host=sim",
                    "home=/home/deploy",
                    "shell=/bin/sh",
                    "umask=0022",
                    "session=setsid",
                    "lock=flock",
                    "busybox=0",
                    "sh=sh",
                    "printf=builtin",
                ];
                self.frame("H", &facts).await;
                continue;
            }
            self.line_in(line);
        }
    }

    fn line_in(&mut self, line: &str) {
        let (first, rest) = line.split_at(1);
        if let ("1" | "2" | "3", slot) = (first, rest) {
            let index: usize = first.parse().unwrap();
            self.slots[index - 1].extend_from_slice(slot.as_bytes());
            return;
        }
        if matches!(first, "H" | "K") {
            return;
        }
        let words: Vec<&str> = line.split(' ').collect();
        // Only now: a long text has several lines, and they may end in the middle of an escape.
        let slots = std::mem::take(&mut self.slots).map(|slot| String::from_utf8(unescape(&slot)).unwrap());
        let [text, second, third] = slots;
        let id = words.get(1).map_or(0, |word| word.parse().unwrap());
        let work = |pieces| Request::Work { id, flags: words[2].to_owned(), begun: false, pieces };
        let mut world = self.world.lock().unwrap();
        let request = match first {
            "C" => work([Piece { mark: None, what: What::Command(text), has_deadline: false }].into()),
            "E" => work([world.piece(None, &text)].into()),
            "S" => work(steps(&text).into_iter().map(|(mark, body)| world.piece(Some(mark), &body)).collect()),
            "L" => Request::Lock { id, run: second, owner: third },
            "U" => Request::Unlock { id },
            "Q" => Request::Quit,
            other => panic!("no request: {other}"),
        };
        world.hosts[self.host].conns[self.conn].queue.push_back(request);
    }

    /// Does a request and answers it; false where there is nobody left to do or hear it.
    async fn answer(&mut self, request: Request) -> bool {
        match request {
            Request::Work { id, flags, pieces, .. } => self.work(id, &flags, pieces).await,
            Request::Lock { id, run, owner } => self.lock(id, run, owner).await,
            Request::Unlock { id } => {
                let held = {
                    let mut world = self.world.lock().unwrap();
                    let held = world.hosts[self.host].lock == Some(self.conn);
                    if held {
                        world.hosts[self.host].lock = None;
                    }
                    held
                };
                self.frame("U", &[&id.to_string(), if held { "1" } else { "0" }]).await;
                true
            }
            Request::Quit => {
                self.world.lock().unwrap().hang_up(self.host, self.conn);
                self.frame("Z", &["done"]).await;
                self.far.say(Event::Exit(ExitStatus::Code(0))).await;
                false
            }
        }
    }

    async fn lock(&self, id: u32, run: String, _owner: String) -> bool {
        let id = id.to_string();
        let refused = {
            let mut world = self.world.lock().unwrap();
            let unit = &mut world.hosts[self.host];
            match unit.lock {
                Some(other) if other != self.conn => {
                    Some(unit.conns[other].run.as_ref().map_or_else(String::new, ToString::to_string))
                }
                _ => {
                    unit.lock = Some(self.conn);
                    unit.conns[self.conn].run = RunId::new(&run).ok();
                    None
                }
            }
        };
        self.frame("B", &[&id]).await;
        match refused {
            Some(other) => self.frame("N", &[&id, "other", &other, "somebody"]).await,
            None => self.frame("T", &[&id, "flock", "new"]).await,
        }
        true
    }

    async fn work(&mut self, id: u32, flags: &str, pieces: std::collections::VecDeque<Piece>) -> bool {
        let number = id.to_string();
        self.frame("B", &[&number]).await;
        self.frame_err("B", &[&number]).await;
        if !self.world.lock().unwrap().may_start(self.host, self.conn, flags) {
            self.ended(&number, 0, "skipped").await;
            return true;
        }
        // What is left stays where the host finds it when the client is gone.
        let left = Request::Work { id, flags: flags.to_owned(), begun: true, pieces };
        self.world.lock().unwrap().hosts[self.host].conns[self.conn].queue.push_front(left);
        while let Some(piece) = self.next_piece() {
            if let Some(mark) = &piece.mark {
                self.mark(&number, mark, &["begin"]).await;
            }
            let (end, out) = {
                let mut world = self.world.lock().unwrap();
                world.perform(self.host, self.conn, &piece)
            };
            if !out.is_empty() {
                self.far.say(Event::Stdout(out.into())).await;
            }
            let end = if end == End::Hangs { self.wait_for_kill().await } else { end };
            match end {
                End::Gone | End::Hangs => return false,
                End::Killed => {
                    self.fail();
                    self.ended(&number, 137, "signal").await;
                    return true;
                }
                End::Status(status) => {
                    if let Some(mark) = &piece.mark {
                        self.mark(&number, mark, &["end", &status.to_string(), "1.00", "1.01"]).await;
                    }
                    if status != 0 {
                        self.fail();
                        self.ended(&number, status, "exit").await;
                        return true;
                    }
                }
            }
            if self.is_dead() {
                return false;
            }
            tokio::task::yield_now().await;
        }
        self.ended(&number, 0, "exit").await;
        true
    }

    /// The next piece of the request in hand; takes the request away when there is none.
    fn next_piece(&self) -> Option<Piece> {
        let mut world = self.world.lock().unwrap();
        let queue = &mut world.hosts[self.host].conns[self.conn].queue;
        let Some(Request::Work { pieces, .. }) = queue.front_mut() else { return None };
        let next = pieces.pop_front();
        if next.is_none() {
            queue.pop_front();
        }
        next
    }

    /// The request in hand has failed: the rest of it is not done.
    fn fail(&self) {
        let mut world = self.world.lock().unwrap();
        let conn = &mut world.hosts[self.host].conns[self.conn];
        conn.failed = true;
        conn.queue.pop_front();
    }

    /// Work that hangs shows a sign of life, so that whoever waits looks at the clock, and ends when it is killed.
    async fn wait_for_kill(&mut self) -> End {
        // The client has heard that the work began before the time passes.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        self.world.lock().unwrap().clock.pass(std::time::Duration::from_secs(100_000));
        self.far.say(Event::Stderr(".".into())).await;
        loop {
            let Some(bytes) = self.far.read().await else {
                self.world.lock().unwrap().hang_up(self.host, self.conn);
                return End::Gone;
            };
            let is_kill = bytes.split(|byte| *byte == b'\n').any(|line| line.starts_with(b"K "));
            self.take(&bytes).await;
            if is_kill {
                return End::Killed;
            }
        }
    }

    async fn ended(&self, number: &str, status: u8, how: &str) {
        self.frame("E", &[number, &status.to_string(), how]).await;
        self.frame_err("E", &[number]).await;
    }

    async fn mark(&self, number: &str, step: &str, fields: &[&str]) {
        self.frame("M", &[&[number, "step", step], fields].concat()).await;
    }

    fn text(&self, letter: &str, fields: &[&str]) -> Bytes {
        let fields: String = fields.iter().map(|field| format!("{FIELD}{field}")).collect();
        format!("\u{1e}{}{letter}{fields}\u{1e}\n", self.nonce).into()
    }

    async fn frame(&self, letter: &str, fields: &[&str]) {
        self.far.say(Event::Stdout(self.text(letter, fields))).await;
    }

    async fn frame_err(&self, letter: &str, fields: &[&str]) {
        self.far.say(Event::Stderr(self.text(letter, fields))).await;
    }
}

/// What `printf %b` undoes.
fn unescape(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        match (first, tail) {
            (b'\\', [b'0', a, b, c, tail @ ..]) => {
                let digit = |byte: &u8| u32::from(byte - b'0');
                plain.push(u8::try_from(digit(a) * 64 + digit(b) * 8 + digit(c)).unwrap());
                rest = tail;
            }
            (b'\\', [other, tail @ ..]) => {
                plain.push(*other);
                rest = tail;
            }
            _ => {
                plain.push(*first);
                rest = tail;
            }
        }
    }
    plain
}

/// The steps of a script: name and body.
fn steps(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("\n_begin ") {
        let (head, body) = rest[at + 8..].split_once("\n(\nset -e\n").unwrap();
        let (body, tail) = body.split_once("\n) </dev/null\n_end $?\n").unwrap();
        found.push((head.to_owned(), body.to_owned()));
        // The line before the next step is the end of this one.
        rest = &rest[rest.len() - tail.len() - 1..];
    }
    assert!(!found.is_empty(), "a script without steps: {text}");
    found
}
