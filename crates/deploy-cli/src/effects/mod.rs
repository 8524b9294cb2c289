//! What a recipe's own Ruby does to this machine, for real.

mod process;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use deploy_report::Secrets;
use deploy_ruby::{Call, Command, Effects, FileKind, Finished, Stat, Stream};
use deploy_transport::LocalEnvironment;

use crate::clock::SystemClock;
use crate::io::Screen;
use crate::prompt::Asker;
pub(crate) use process::signal_number;

/// This machine, as a recipe may use it. The environment and the working directory are the recipe's own: changing them
/// changes nothing in this process, but reaches the processes that the recipe starts.
pub struct SystemEffects {
    environment: RefCell<BTreeMap<String, String>>,
    /// Names that this process has, and that its children would inherit.
    inherited: Vec<String>,
    directory: RefCell<PathBuf>,
    local: LocalEnvironment,
    clock: SystemClock,
    screen: Screen,
    asker: Asker,
    secrets: Secrets,
    /// What has come out of pipes: they give it once, and a recipe is read more than once.
    pipes: RefCell<BTreeMap<PathBuf, Vec<u8>>>,
}

impl SystemEffects {
    /// Effects with this environment, beginning in this directory.
    #[must_use]
    pub fn new(
        environment: BTreeMap<String, String>,
        directory: PathBuf,
        local: LocalEnvironment,
        screen: Screen,
        asker: Asker,
        secrets: Secrets,
    ) -> Self {
        let inherited = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()).collect();
        Self {
            environment: RefCell::new(environment),
            inherited,
            directory: RefCell::new(directory),
            local,
            clock: SystemClock::new(),
            screen,
            asker,
            secrets,
            pipes: RefCell::default(),
        }
    }

    /// Where a path of the recipe is.
    fn path(&self, path: &str) -> PathBuf {
        self.directory.borrow().join(path)
    }
}

/// Random bits; good for names, not for keys.
#[must_use]
pub fn random() -> u64 {
    // The standard library seeds each of these anew from the system's random numbers.
    RandomState::new().hash_one(0u8)
}

fn text(path: PathBuf) -> io::Result<String> {
    path.into_os_string()
        .into_string()
        .map_err(|path| io::Error::new(io::ErrorKind::InvalidData, format!("{} is not UTF-8", path.display())))
}

fn stat(path: &Path, follow: bool) -> io::Result<Stat> {
    let data = if follow { fs::metadata(path)? } else { fs::symlink_metadata(path)? };
    let kind = match data.file_type() {
        kind if kind.is_symlink() => FileKind::Symlink,
        kind if kind.is_dir() => FileKind::Directory,
        kind if kind.is_file() => FileKind::File,
        _ => FileKind::Other,
    };
    let modified = jiff::Timestamp::try_from(data.modified()?).map_err(io::Error::other)?;
    Ok(Stat { kind, size: data.len(), mode: data.permissions().mode() & 0o7777, modified })
}

#[async_trait(?Send)]
impl Effects for SystemEffects {
    fn env(&self, name: &str) -> Option<String> {
        self.environment.borrow().get(name).cloned()
    }

    fn env_all(&self) -> Vec<(String, String)> {
        self.environment.borrow().iter().map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    fn set_env(&self, name: &str, value: Option<&str>) {
        let mut environment = self.environment.borrow_mut();
        match value {
            Some(value) => environment.insert(name.to_owned(), value.to_owned()),
            None => environment.remove(name),
        };
    }

    fn now(&self) -> jiff::Timestamp {
        self.clock.timestamp()
    }

    fn time_zone(&self) -> jiff::tz::TimeZone {
        match self.env("TZ") {
            Some(name) if !name.is_empty() => {
                jiff::tz::TimeZone::get(&name).unwrap_or_else(|_| jiff::tz::TimeZone::system())
            }
            _ => jiff::tz::TimeZone::system(),
        }
    }

    fn print(&self, _call: &Call, stream: Stream, text: &[u8]) {
        let mut clean = Vec::with_capacity(text.len());
        let mut scrubber = self.secrets.stream();
        scrubber.push(text, &mut clean);
        scrubber.finish(&mut clean);
        self.screen.print(stream == Stream::Err, &clean);
    }

    fn keep_secret(&self, text: &str) {
        self.secrets.register(text);
    }

    fn random(&self) -> u64 {
        random()
    }

    fn hostname(&self) -> String {
        self.local.hostname.clone()
    }

    fn user(&self) -> String {
        self.local.user.clone()
    }

    fn cwd(&self) -> String {
        self.directory.borrow().to_string_lossy().into_owned()
    }

    fn set_cwd(&self, _call: &Call, path: &str) -> io::Result<()> {
        let path = fs::canonicalize(self.path(path))?;
        if !path.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        *self.directory.borrow_mut() = path;
        Ok(())
    }

    async fn sleep(&self, _call: &Call, time: Duration) {
        tokio::time::sleep(time).await;
    }

    async fn run(&self, _call: &Call, command: Command) -> io::Result<Finished> {
        self.run_process(command).await
    }

    async fn prompt(&self, _call: &Call, question: &str, echo: bool) -> io::Result<Option<String>> {
        let answer = self.asker.ask(question, echo).await?;
        if let Some(secret) = answer.as_ref().filter(|_| !echo) {
            self.secrets.register(secret);
        }
        Ok(answer)
    }

    async fn read(&self, _call: &Call, path: &str) -> io::Result<Vec<u8>> {
        let path = self.path(path);
        if !fs::metadata(&path).is_ok_and(|found| found.file_type().is_fifo()) {
            return fs::read(path);
        }
        if let Some(known) = self.pipes.borrow().get(&path) {
            return Ok(known.clone());
        }
        let bytes = fs::read(&path)?;
        self.pipes.borrow_mut().insert(path, bytes.clone());
        Ok(bytes)
    }

    async fn write(&self, _call: &Call, path: &str, data: &[u8], append: bool) -> io::Result<()> {
        let mut options = fs::OpenOptions::new();
        options.create(true).write(true).append(append).truncate(!append);
        options.open(self.path(path))?.write_all(data)
    }

    async fn stat(&self, _call: &Call, path: &str, follow: bool) -> io::Result<Stat> {
        stat(&self.path(path), follow)
    }

    async fn list(&self, _call: &Call, path: &str) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.path(path))? {
            names.push(text(entry?.file_name().into())?);
        }
        names.sort();
        Ok(names)
    }

    async fn make_dir(&self, _call: &Call, path: &str) -> io::Result<()> {
        fs::create_dir(self.path(path))
    }

    async fn remove_file(&self, _call: &Call, path: &str) -> io::Result<()> {
        fs::remove_file(self.path(path))
    }

    async fn remove_dir(&self, _call: &Call, path: &str) -> io::Result<()> {
        fs::remove_dir(self.path(path))
    }

    async fn rename(&self, _call: &Call, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path(from), self.path(to))
    }

    async fn symlink(&self, _call: &Call, target: &str, link: &str) -> io::Result<()> {
        std::os::unix::fs::symlink(target, self.path(link))
    }

    async fn read_link(&self, _call: &Call, path: &str) -> io::Result<String> {
        text(fs::read_link(self.path(path))?)
    }

    async fn real_path(&self, _call: &Call, path: &str) -> io::Result<String> {
        text(fs::canonicalize(self.path(path))?)
    }

    async fn chmod(&self, _call: &Call, path: &str, mode: u32) -> io::Result<()> {
        fs::set_permissions(self.path(path), fs::Permissions::from_mode(mode))
    }

    async fn touch(&self, _call: &Call, path: &str) -> io::Result<()> {
        use rustix::fs::{CWD, Timespec, Timestamps, UTIME_NOW, utimensat};

        let path = self.path(path);
        // Made if it is not there; as a directory cannot be opened for writing, that alone is no error.
        if !path.exists() {
            fs::OpenOptions::new().create(true).append(true).open(&path)?;
        }
        let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
        utimensat(CWD, &path, &Timestamps { last_access: now, last_modification: now }, rustix::fs::AtFlags::empty())?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
