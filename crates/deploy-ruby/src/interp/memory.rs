//! Effects without a machine: an in-memory environment, clock, file tree and record of output.

use super::{Call, Command, CommandLine, Effects, FileKind, Finished, Stat, Stream};
use async_trait::async_trait;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

#[derive(Clone)]
enum Entry {
    File { data: Vec<u8>, mode: u32, modified: jiff::Timestamp },
    Dir { modified: jiff::Timestamp },
    Link(String),
}

type Runner = Box<dyn Fn(&Command) -> io::Result<Finished>>;

/// Effects that stay in memory: for tests, and for looking at a program without letting it act.
pub struct MemoryEffects {
    env: RefCell<BTreeMap<String, String>>,
    files: RefCell<BTreeMap<String, Entry>>,
    cwd: RefCell<String>,
    clock: Cell<jiff::Timestamp>,
    random: Cell<u64>,
    out: RefCell<Vec<u8>>,
    err: RefCell<Vec<u8>>,
    answers: RefCell<Vec<String>>,
    secrets: RefCell<Vec<String>>,
    slept: Cell<Duration>,
    runner: RefCell<Option<Runner>>,
}

impl Default for MemoryEffects {
    fn default() -> Self {
        let root = Entry::Dir { modified: jiff::Timestamp::UNIX_EPOCH };
        Self {
            env: RefCell::new(BTreeMap::from([
                ("HOME".to_owned(), "/home/user".to_owned()),
                ("USER".to_owned(), "user".to_owned()),
            ])),
            files: RefCell::new(BTreeMap::from([("/".to_owned(), root.clone()), ("/tmp".to_owned(), root)])),
            cwd: RefCell::new("/".to_owned()),
            clock: Cell::new(jiff::Timestamp::UNIX_EPOCH),
            random: Cell::new(0x2545_F491_4F6C_DD1D),
            out: RefCell::default(),
            err: RefCell::default(),
            answers: RefCell::default(),
            secrets: RefCell::default(),
            slept: Cell::default(),
            runner: RefCell::default(),
        }
    }
}

impl MemoryEffects {
    /// An empty world at the Unix epoch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the clock.
    pub fn set_clock(&self, now: jiff::Timestamp) {
        self.clock.set(now);
    }

    /// Adds a file; missing directories appear.
    pub fn add_file(&self, path: &str, data: &str) {
        let path = self.absolute(path);
        let mut at = String::new();
        for part in path.split('/').filter(|p| !p.is_empty()) {
            at = format!("{at}/{part}");
            let dir = Entry::Dir { modified: self.clock.get() };
            self.files.borrow_mut().entry(at.clone()).or_insert(dir);
        }
        let file = Entry::File { data: data.as_bytes().to_vec(), mode: 0o644, modified: self.clock.get() };
        self.files.borrow_mut().insert(path, file);
    }

    /// Makes a directory the current one; it need not exist yet.
    pub fn enter(&self, path: &str) {
        self.cwd.replace(self.absolute(path));
    }

    /// Answers for `gets` and prompts, in order.
    pub fn add_answer(&self, answer: &str) {
        self.answers.borrow_mut().push(answer.to_owned());
    }

    /// What plays the processes. Without it every process ends with status 127.
    pub fn on_run(&self, runner: impl Fn(&Command) -> io::Result<Finished> + 'static) {
        *self.runner.borrow_mut() = Some(Box::new(runner));
    }

    /// What was printed to standard output.
    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.out.borrow()).into_owned()
    }

    /// What was printed to standard error.
    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.err.borrow()).into_owned()
    }

    /// What must never be shown, in the order in which that was said.
    pub fn secrets(&self) -> Vec<String> {
        self.secrets.borrow().clone()
    }

    /// How long the program asked to sleep in all.
    pub fn slept(&self) -> Duration {
        self.slept.get()
    }

    fn absolute(&self, path: &str) -> String {
        let full = if path.starts_with('/') { path.to_owned() } else { format!("{}/{path}", self.cwd.borrow()) };
        let mut parts: Vec<&str> = Vec::new();
        for part in full.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop();
                }
                part => parts.push(part),
            }
        }
        format!("/{}", parts.join("/"))
    }

    fn find(&self, path: &str, follow: bool) -> io::Result<(String, Entry)> {
        let mut path = self.absolute(path);
        for _ in 0..16 {
            let entry = self.files.borrow().get(&path).cloned().ok_or(io::ErrorKind::NotFound)?;
            match entry {
                Entry::Link(target) if follow => {
                    let base = parent(&path);
                    path = self.absolute(&if target.starts_with('/') { target } else { format!("{base}/{target}") });
                }
                entry => return Ok((path, entry)),
            }
        }
        Err(io::Error::other("too many levels of symbolic links"))
    }

    fn add(&self, path: &str, entry: Entry) -> io::Result<()> {
        let path = self.absolute(path);
        match self.find(&parent(&path), true)?.1 {
            Entry::Dir { .. } => {}
            _ => return Err(io::ErrorKind::NotADirectory.into()),
        }
        self.files.borrow_mut().insert(path, entry);
        Ok(())
    }

    fn children(&self, path: &str) -> Vec<String> {
        let prefix = if path == "/" { "/".to_owned() } else { format!("{path}/") };
        let files = self.files.borrow();
        let names = files.keys().filter_map(|k| k.strip_prefix(&prefix));
        names.filter(|n| !n.is_empty() && !n.contains('/')).map(str::to_owned).collect()
    }
}

fn parent(path: &str) -> String {
    match path.rsplit_once('/') {
        Some(("", _)) | None => "/".to_owned(),
        Some((parent, _)) => parent.to_owned(),
    }
}

#[async_trait(?Send)]
impl Effects for MemoryEffects {
    fn env(&self, name: &str) -> Option<String> {
        self.env.borrow().get(name).cloned()
    }

    fn env_all(&self) -> Vec<(String, String)> {
        self.env.borrow().iter().map(|(k, v)| (k.clone(), v.clone())).collect()
    }

    fn set_env(&self, name: &str, value: Option<&str>) {
        let mut env = self.env.borrow_mut();
        match value {
            Some(value) => env.insert(name.to_owned(), value.to_owned()),
            None => env.remove(name),
        };
    }

    fn now(&self) -> jiff::Timestamp {
        self.clock.get()
    }

    fn time_zone(&self) -> jiff::tz::TimeZone {
        jiff::tz::TimeZone::UTC
    }

    fn print(&self, _call: &Call, stream: Stream, text: &[u8]) {
        match stream {
            Stream::Out => self.out.borrow_mut().extend_from_slice(text),
            Stream::Err => self.err.borrow_mut().extend_from_slice(text),
        }
    }

    fn keep_secret(&self, text: &str) {
        self.secrets.borrow_mut().push(text.to_owned());
    }

    fn random(&self) -> u64 {
        let mut x = self.random.get();
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        self.random.set(x);
        x
    }

    fn hostname(&self) -> String {
        "localhost".to_owned()
    }

    fn user(&self) -> String {
        self.env("USER").unwrap_or_default()
    }

    fn cwd(&self) -> String {
        self.cwd.borrow().clone()
    }

    fn set_cwd(&self, _call: &Call, path: &str) -> io::Result<()> {
        match self.find(path, true)? {
            (path, Entry::Dir { .. }) => {
                self.cwd.replace(path);
                Ok(())
            }
            _ => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    async fn sleep(&self, _call: &Call, time: Duration) {
        self.slept.set(self.slept.get() + time);
    }

    async fn run(&self, _call: &Call, command: Command) -> io::Result<Finished> {
        match &*self.runner.borrow() {
            Some(runner) => runner(&command),
            None => match command.line {
                CommandLine::Shell(_) => Ok(Finished { status: Some(127), ..Finished::default() }),
                CommandLine::Argv(_) => Err(io::ErrorKind::NotFound.into()),
            },
        }
    }

    async fn prompt(&self, call: &Call, question: &str, _echo: bool) -> io::Result<Option<String>> {
        self.print(call, Stream::Out, question.as_bytes());
        let mut answers = self.answers.borrow_mut();
        Ok(if answers.is_empty() { None } else { Some(answers.remove(0)) })
    }

    async fn read(&self, _call: &Call, path: &str) -> io::Result<Vec<u8>> {
        match self.find(path, true)?.1 {
            Entry::File { data, .. } => Ok(data),
            _ => Err(io::ErrorKind::IsADirectory.into()),
        }
    }

    async fn write(&self, _call: &Call, path: &str, data: &[u8], append: bool) -> io::Result<()> {
        let modified = self.clock.get();
        match self.find(path, true) {
            Ok((path, Entry::File { data: old, mode, .. })) => {
                let data = if append { [&old, data].concat() } else { data.to_vec() };
                self.files.borrow_mut().insert(path, Entry::File { data, mode, modified });
                Ok(())
            }
            Ok(_) => Err(io::ErrorKind::IsADirectory.into()),
            Err(_) => self.add(path, Entry::File { data: data.to_vec(), mode: 0o644, modified }),
        }
    }

    async fn stat(&self, _call: &Call, path: &str, follow: bool) -> io::Result<Stat> {
        Ok(match self.find(path, follow)?.1 {
            Entry::File { data, mode, modified } => {
                Stat { kind: FileKind::File, size: data.len() as u64, mode, modified }
            }
            Entry::Dir { modified } => Stat { kind: FileKind::Directory, size: 0, mode: 0o755, modified },
            Entry::Link(_) => {
                Stat { kind: FileKind::Symlink, size: 0, mode: 0o777, modified: jiff::Timestamp::UNIX_EPOCH }
            }
        })
    }

    async fn list(&self, _call: &Call, path: &str) -> io::Result<Vec<String>> {
        match self.find(path, true)? {
            (path, Entry::Dir { .. }) => Ok(self.children(&path)),
            _ => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    async fn make_dir(&self, _call: &Call, path: &str) -> io::Result<()> {
        if self.find(path, false).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.add(path, Entry::Dir { modified: self.clock.get() })
    }

    async fn remove_file(&self, _call: &Call, path: &str) -> io::Result<()> {
        match self.find(path, false)? {
            (_, Entry::Dir { .. }) => Err(io::ErrorKind::IsADirectory.into()),
            (path, _) => {
                self.files.borrow_mut().remove(&path);
                Ok(())
            }
        }
    }

    async fn remove_dir(&self, _call: &Call, path: &str) -> io::Result<()> {
        match self.find(path, false)? {
            (path, Entry::Dir { .. }) if self.children(&path).is_empty() => {
                self.files.borrow_mut().remove(&path);
                Ok(())
            }
            (_, Entry::Dir { .. }) => Err(io::ErrorKind::DirectoryNotEmpty.into()),
            _ => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    async fn rename(&self, _call: &Call, from: &str, to: &str) -> io::Result<()> {
        let (from, _) = self.find(from, false)?;
        let to = self.absolute(to);
        self.find(&parent(&to), true)?;
        let inside = format!("{from}/");
        let mut files = self.files.borrow_mut();
        let moved: Vec<String> = files.keys().filter(|k| **k == from || k.starts_with(&inside)).cloned().collect();
        for old in moved {
            if let Some(entry) = files.remove(&old) {
                files.insert(format!("{to}{}", old.strip_prefix(&from).unwrap_or_default()), entry);
            }
        }
        Ok(())
    }

    async fn symlink(&self, _call: &Call, target: &str, link: &str) -> io::Result<()> {
        if self.find(link, false).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.add(link, Entry::Link(target.to_owned()))
    }

    async fn read_link(&self, _call: &Call, path: &str) -> io::Result<String> {
        match self.find(path, false)?.1 {
            Entry::Link(target) => Ok(target),
            _ => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    async fn real_path(&self, _call: &Call, path: &str) -> io::Result<String> {
        Ok(self.find(path, true)?.0)
    }

    async fn chmod(&self, _call: &Call, path: &str, bits: u32) -> io::Result<()> {
        let (path, entry) = self.find(path, true)?;
        if let Entry::File { data, modified, .. } = entry {
            self.files.borrow_mut().insert(path, Entry::File { data, mode: bits, modified });
        }
        Ok(())
    }

    async fn touch(&self, _call: &Call, path: &str) -> io::Result<()> {
        let modified = self.clock.get();
        match self.find(path, true) {
            Ok((path, Entry::File { data, mode, .. })) => {
                self.files.borrow_mut().insert(path, Entry::File { data, mode, modified });
                Ok(())
            }
            Ok(_) => Ok(()),
            Err(_) => self.add(path, Entry::File { data: Vec::new(), mode: 0o644, modified }),
        }
    }
}
