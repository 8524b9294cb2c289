//! Programs, keys, prompters and addresses for tests.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};

use async_trait::async_trait;
use deploy_transport::*;

/// Where a program is. When it is missing the test must return early, which is said; if `CAPSTAN_REQUIRE` names its layer
/// (`dropbear` for Dropbear's, else `sshd`), that is a failure instead.
pub fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut dirs: Vec<_> = std::env::split_paths(&path).collect();
    dirs.extend(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    let found = dirs.iter().map(|dir| dir.join(name)).find(|file| file.is_file());
    if found.is_none() {
        let required = std::env::var("CAPSTAN_REQUIRE").unwrap_or_default();
        let layer = if name.starts_with("dropbear") { "dropbear" } else { "sshd" };
        assert!(!required.split(',').any(|r| r == layer), "{name} is missing but CAPSTAN_REQUIRE names {layer}");
        println!("skipped: {name} is not installed");
    }
    found
}

/// A loopback address that no other test process uses at the same time, and a port that no other test of this process does.
pub fn free_address() -> (String, u16) {
    static PORT: AtomicU16 = AtomicU16::new(24_000);
    let pid = std::process::id();
    let host = format!("127.{}.{}.{}", 64 + ((pid >> 15) & 63), (pid >> 8) & 127, pid & 255);
    // The last byte must not be 0 or 255 for some tools.
    let host = host.strip_suffix(".0").map_or(host.clone(), |h| format!("{h}.254"));
    (host, PORT.fetch_add(1, Ordering::SeqCst))
}

/// Makes a key pair and gives the path of its private half.
pub fn make_key(dir: &Path, name: &str, arguments: &[&str]) -> PathBuf {
    let path = dir.join(name);
    let done = Command::new("ssh-keygen")
        .args(["-q", "-C", name, "-f"])
        .arg(&path)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    path
}

/// The fingerprint that OpenSSH gives for a key.
pub fn fingerprint(key: &Path) -> String {
    let done = Command::new("ssh-keygen").arg("-lf").arg(key).output().unwrap();
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    text.split(' ').nth(1).unwrap().to_owned()
}

/// The text of a public key file without its comment.
pub fn public(key: &Path) -> String {
    let text = std::fs::read_to_string(format!("{}.pub", key.display())).unwrap();
    text.split(' ').take(2).collect::<Vec<_>>().join(" ")
}

/// An environment without the files of the person who runs the tests.
pub fn environment(home: &Path) -> LocalEnvironment {
    LocalEnvironment { home: home.to_owned(), agent_socket: None, ..LocalEnvironment::current() }
}

/// Gives prepared answers and counts the questions.
pub struct Answering {
    answers: Mutex<VecDeque<String>>,
    pub asked: AtomicU32,
    pub questions: Mutex<Vec<PromptRequest>>,
}

impl Answering {
    pub fn new<'a>(answers: impl IntoIterator<Item = &'a str>) -> Arc<Self> {
        Arc::new(Self {
            answers: Mutex::new(answers.into_iter().map(str::to_owned).collect()),
            asked: AtomicU32::new(0),
            questions: Mutex::default(),
        })
    }

    pub fn count(&self) -> u32 {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Prompter for Answering {
    async fn ask(&self, request: &PromptRequest) -> Option<Secret> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.questions.lock().unwrap().push(request.clone());
        tokio::task::yield_now().await;
        self.answers.lock().unwrap().pop_front().map(Secret::new)
    }
}

pub fn connector() -> SshConnector {
    SshConnector::new(Arc::new(NoPrompter))
}

/// Runs a command to its end.
pub async fn output(session: &Arc<dyn Session>, command: &str) -> Output {
    session.exec(Exec::new(command)).await.unwrap().output(64 << 20).await
}
