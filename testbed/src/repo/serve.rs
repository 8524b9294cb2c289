//! git daemon and svnserve on loopback, one process a connection.
//!
//! The listener is ours: git daemon's own has a backlog of five, which loses connections when a
//! fleet asks at once, and neither program says which port it was given.

use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::sync::Semaphore;

use super::Scm;
use crate::background::Background;
use crate::error::{Doing, Result};
use crate::loopback;
use crate::procs::Groups;

/// Processes at a time; other clients wait in the backlog.
const AT_ONCE: usize = 64;

/// A running server; it stops, and its processes end, when the value is dropped.
pub struct RepoServer {
    addr: SocketAddr,
    scheme: &'static str,
    url_path: String,
    groups: Arc<Groups>,
    // Stops accepting when dropped, after `drop` has killed what runs.
    background: Option<Background>,
}

impl std::fmt::Debug for RepoServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("RepoServer").field(&self.url()).finish()
    }
}

impl RepoServer {
    /// Serves every repository below `root`; `url_path` is what [`RepoServer::url`] ends with.
    pub fn start(scm: Scm, root: &Path, url_path: &str) -> Result<Self> {
        let background = Background::new("testbed-repo")?;
        let listener = loopback::listen(Ipv4Addr::LOCALHOST, 0)?;
        let addr = listener.local_addr().doing(|| "read a listener's address".to_owned())?;
        let groups = Arc::new(Groups::default());
        {
            let _inside = background.handle().enter();
            let listener = TcpListener::from_std(listener).doing(|| format!("serve {}", root.display()))?;
            let server = Server { scm, root: root.to_owned(), groups: Arc::clone(&groups) };
            tokio::spawn(server.accept(listener));
        }
        Ok(RepoServer {
            addr,
            scheme: match scm {
                Scm::Git => "git",
                Scm::Subversion => "svn",
            },
            url_path: url_path.to_owned(),
            groups,
            background: Some(background),
        })
    }

    /// `git://127.0.0.1:PORT/my_cool_app.git`, `svn://127.0.0.1:PORT/apps/my_cool_app/trunk`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}/{}", self.scheme, self.addr, self.url_path)
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }
}

impl Drop for RepoServer {
    fn drop(&mut self) {
        // Accepting ends with the runtime; a client that comes in between only finds a process
        // that is killed with its task.
        self.groups.kill_all();
        self.background = None;
    }
}

struct Server {
    scm: Scm,
    root: PathBuf,
    groups: Arc<Groups>,
}

impl Server {
    async fn accept(self, listener: TcpListener) {
        let slots = Arc::new(Semaphore::new(AT_ONCE));
        let server = Arc::new(self);
        loop {
            let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            };
            let server = Arc::clone(&server);
            tokio::spawn(async move {
                if let Err(e) = server.serve(stream).await {
                    tracing::warn!("repository server: {e}");
                }
                drop(slot);
            });
        }
    }

    async fn serve(&self, stream: tokio::net::TcpStream) -> std::io::Result<()> {
        let stream = stream.into_std()?;
        stream.set_nonblocking(false)?;
        let output = OwnedFd::from(stream.try_clone()?);
        let mut child = self
            .command()
            .process_group(0)
            .kill_on_drop(true)
            .stdin(OwnedFd::from(stream))
            .stdout(output)
            .stderr(Stdio::null())
            .spawn()?;
        let leader = child.id().and_then(|id| i32::try_from(id).ok()).unwrap_or(0);
        self.groups.add(leader);
        let _ = child.wait().await;
        self.groups.remove(leader);
        Ok(())
    }

    fn command(&self) -> Command {
        match self.scm {
            Scm::Git => {
                let mut c = Command::new("git");
                c.args(["daemon", "--inetd", "--export-all"])
                    .arg(format!("--base-path={}", self.root.display()))
                    .arg(&self.root)
                    .env("GIT_CONFIG_GLOBAL", "/dev/null")
                    .env("GIT_CONFIG_NOSYSTEM", "1")
                    .env_remove("GIT_DIR");
                c
            }
            Scm::Subversion => {
                let mut c = Command::new("svnserve");
                c.arg("--inetd").arg("--root").arg(&self.root);
                c
            }
        }
    }
}
