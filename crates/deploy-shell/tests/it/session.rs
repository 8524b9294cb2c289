//! A client of one runner: a process on a host, two decoders, and waiting with a limit that only a hang reaches.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use deploy_shell::runner::{
    Decoder, EXEC_TEXT, Event, Gate, Hello, LEASE, Lock, Nonce, Outbox, Request, Secret, Status, StepId, Work, boot,
};

use crate::hosts::Host;

/// Only a hang takes so long.
const PATIENCE: Duration = Duration::from_secs(120);

pub struct Session {
    child: Child,
    stdin: Option<ChildStdin>,
    events: Receiver<(bool, Event)>,
    pub nonce: Nonce,
    pub hello: Option<Hello>,
    pub noise: Vec<u8>,
    outbox: Outbox,
    last: u32,
    steps: HashMap<StepId, Done>,
    answers: HashMap<StepId, Event>,
}

/// What came of one step.
#[derive(Debug, Default)]
pub struct Done {
    pub status: Option<Status>,
    pub out: Vec<u8>,
    pub err: Vec<u8>,
    pub marks: Vec<(String, Vec<String>)>,
    err_ended: bool,
}

impl Done {
    pub fn out(&self) -> String {
        String::from_utf8_lossy(&self.out).into_owned()
    }

    pub fn err(&self) -> String {
        String::from_utf8_lossy(&self.err).into_owned()
    }

    pub fn status(&self) -> Status {
        self.status.unwrap()
    }
}

/// Polls until it is true.
pub fn eventually(what: &str, mut check: impl FnMut() -> bool) {
    let start = Instant::now();
    while !check() {
        assert!(start.elapsed() < PATIENCE, "still not: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// `kill -SIGNAL TARGET`, where a negative target is a process group.
pub fn kill(signal: &str, target: i64) {
    let text = format!("kill -{signal} {target}");
    Command::new("sh").arg("-c").arg(text).stderr(Stdio::null()).status().unwrap();
}

pub fn command(text: &str) -> Work {
    Work::Command { text: text.into(), stdin: None }
}

pub fn script(text: &str) -> Work {
    Work::Script { text: text.into(), secrets: Vec::new() }
}

pub fn shell_text(text: &str) -> Work {
    Work::Shell { text: text.into() }
}

pub fn input(text: &str, stdin: &str) -> Work {
    Work::Command { text: text.into(), stdin: Some(Secret::new(stdin)) }
}

pub fn lock(dir: &str, run: &str) -> Lock {
    Lock { dir: dir.into(), run: run.into(), owner: format!("owner of {run}"), wait: 0, lease: LEASE, group: false }
}

fn pump(
    mut from: impl Read + Send + 'static,
    mut decoder: Decoder,
    is_err: bool,
    to: std::sync::mpsc::Sender<(bool, Event)>,
) {
    std::thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(n @ 1..) = from.read(&mut buffer) {
            for event in decoder.push(&buffer[..n]) {
                if to.send((is_err, event)).is_err() {
                    return;
                }
            }
        }
        for event in decoder.finish() {
            to.send((is_err, event)).ok();
        }
    });
}

fn nonce() -> Nonce {
    let mut random = [0; 16];
    std::fs::File::open("/dev/urandom").unwrap().read_exact(&mut random).unwrap();
    Nonce::new(random)
}

impl Session {
    /// Starts a runner and waits for its hello.
    pub fn start(host: &Host) -> Self {
        let mut session = Self::launch(host, 60, &[]);
        session.greet();
        session
    }

    /// Starts a runner; requests may be sent at once.
    pub fn launch(host: &Host, silence: u32, env: &[(&str, &str)]) -> Self {
        let nonce = nonce();
        let mut child = Command::new(&host.login)
            .arg("-c")
            .arg(EXEC_TEXT)
            .env_clear()
            .envs(host.env())
            .envs(env.iter().copied())
            .current_dir(host.home.path())
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, events) = channel();
        pump(child.stdout.take().unwrap(), Decoder::stdout(&nonce), false, sender.clone());
        pump(child.stderr.take().unwrap(), Decoder::stderr(&nonce), true, sender);
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(&boot(&nonce, silence)).unwrap();
        Self {
            child,
            stdin: Some(stdin),
            events,
            nonce,
            hello: None,
            noise: Vec::new(),
            outbox: Outbox::default(),
            last: 0,
            steps: HashMap::new(),
            answers: HashMap::new(),
        }
    }

    pub fn greet(&mut self) {
        while self.hello.is_none() {
            self.next().expect("the runner ended before its hello");
        }
    }

    /// The process group of the runner (not of its steps).
    pub fn group(&self) -> i64 {
        self.child.id().into()
    }

    /// The next event, or nothing when the runner has closed its streams.
    pub fn next(&mut self) -> Option<(bool, Event)> {
        let (is_err, event) = match self.events.recv_timeout(PATIENCE) {
            Ok(event) => event,
            Err(RecvTimeoutError::Disconnected) => return None,
            Err(RecvTimeoutError::Timeout) => panic!("the runner hangs"),
        };
        self.note(is_err, &event);
        if !is_err {
            self.outbox.on_event(&event);
            self.flush();
        }
        Some((is_err, event))
    }

    /// The two streams are not in step with each other, so what belongs to a later request may come first.
    fn note(&mut self, is_err: bool, event: &Event) {
        match event {
            Event::Hello(hello) => self.hello = Some((**hello).clone()),
            Event::Noise(bytes) => self.noise.extend(bytes),
            Event::Malformed(bytes) => panic!("malformed: {}", String::from_utf8_lossy(bytes)),
            Event::BadHello(error) => panic!("{error}"),
            Event::Output { step: Some(step), bytes } => {
                let done = self.steps.entry(*step).or_default();
                if is_err { &mut done.err } else { &mut done.out }.extend(bytes);
            }
            Event::Mark { step, kind, fields } => {
                let text = |f: &Vec<u8>| String::from_utf8_lossy(f).into_owned();
                let marks = &mut self.steps.entry(*step).or_default().marks;
                marks.push((kind.clone(), fields.iter().map(text).collect()));
            }
            Event::End { step, status } => self.steps.entry(*step).or_default().status = Some(*status),
            Event::ErrEnd(step) => self.steps.entry(*step).or_default().err_ended = true,
            Event::LockTaken { id, .. }
            | Event::LockRefused { id, .. }
            | Event::LockFailed { id, .. }
            | Event::Unlocked { id, .. } => {
                self.answers.insert(*id, event.clone());
            }
            _ => {}
        }
    }

    pub fn send(&mut self, request: &Request) {
        self.outbox.push(request).unwrap();
        self.flush();
    }

    fn flush(&mut self) {
        let bytes = self.outbox.take();
        if let (Some(stdin), false) = (&mut self.stdin, bytes.is_empty()) {
            stdin.write_all(&bytes).ok();
        }
    }

    pub fn id(&mut self) -> StepId {
        self.last += 1;
        StepId(self.last)
    }

    /// Sends a step.
    pub fn begin(&mut self, work: Work) -> StepId {
        let id = self.id();
        self.send(&Request::Step { id, work, gate: Gate::default() });
        id
    }

    /// Collects a step until both of its trailers are there. Nothing if the runner ended before.
    pub fn try_finish(&mut self, id: StepId) -> Option<Done> {
        while !self.steps.get(&id).is_some_and(|done| done.status.is_some() && done.err_ended) {
            self.next()?;
        }
        self.steps.remove(&id)
    }

    pub fn finish(&mut self, id: StepId) -> Done {
        self.try_finish(id).expect("the runner ended before the step did")
    }

    /// Runs a step to its end.
    pub fn run(&mut self, work: Work) -> Done {
        let id = self.begin(work);
        self.finish(id)
    }

    /// Waits until this text has come out of the step, so that it is certainly running.
    pub fn wait_output(&mut self, id: StepId, text: &str) -> String {
        loop {
            if let Some(done) = self.steps.get(&id) {
                if done.out().contains(text) {
                    return done.out();
                }
                assert!(done.status.is_none(), "ended with {:?} instead of {text}", done.status);
            }
            self.next().expect("the runner ended");
        }
    }

    /// Asks for the lock and gives the answer.
    pub fn lock(&mut self, lock: Lock) -> Event {
        let id = self.id();
        self.send(&Request::Lock { id, lock });
        self.lock_answer(id)
    }

    /// The answer to a lock or unlock request.
    pub fn lock_answer(&mut self, wanted: StepId) -> Event {
        loop {
            if let Some(answer) = self.answers.remove(&wanted) {
                return answer;
            }
            self.next().expect("the runner ended");
        }
    }

    pub fn unlock(&mut self) -> bool {
        let id = self.id();
        self.send(&Request::Unlock { id });
        matches!(self.lock_answer(id), Event::Unlocked { held: true, .. })
    }

    /// The client is gone.
    pub fn hang_up(&mut self) {
        self.stdin = None;
    }

    /// Asks for the end and waits for it.
    pub fn quit(mut self) {
        self.send(&Request::Quit);
        let mut bye = false;
        while let Some((_, event)) = self.next() {
            bye |= matches!(event, Event::Bye { lock_lost: false });
        }
        assert!(bye, "no bye");
        self.wait();
    }

    /// Sends bytes past the outbox.
    pub fn send_raw(&mut self, bytes: &[u8]) {
        self.stdin.as_mut().unwrap().write_all(bytes).unwrap();
    }

    /// As [`drain`](Self::drain), while the client's end stays open.
    pub fn drain_open(mut self) -> Vec<Event> {
        let open = self.stdin.take();
        let events = self.drain();
        drop(open);
        events
    }

    /// Reads to the end of both streams and waits for the runner's process.
    pub fn drain(mut self) -> Vec<Event> {
        let mut all = Vec::new();
        while let Some((_, event)) = self.next() {
            all.push(event);
        }
        self.wait();
        all
    }

    fn wait(&mut self) {
        eventually("the runner's process ends", || self.child.try_wait().unwrap().is_some());
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.stdin = None;
        let start = Instant::now();
        while let Ok(None) = self.child.try_wait() {
            if start.elapsed() > Duration::from_secs(30) {
                kill("KILL", -self.group());
                self.child.wait().ok();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
