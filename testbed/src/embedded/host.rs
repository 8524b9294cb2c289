//! One embedded host: its directory, its keys, its listener and all that runs on it.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak, mpsc};
use std::time::Duration;

use russh::MethodKind;
use russh::keys::{PrivateKey, PublicKey};
use russh::server::Config;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::connection::Connection;
use super::faults::{Faults, HostStats};
use super::gate::{Gate, GatedStream};
use crate::procs::{self, Groups};

/// The state that a host's listener, connections and commands share.
pub(crate) struct Host {
    pub(super) name: String,
    pub(super) user: String,
    pub(super) root: PathBuf,
    pub(super) login_key: PublicKey,
    pub(super) groups: Groups,
    addr: SocketAddr,
    host_key: Mutex<PrivateKey>,
    faults: Mutex<Faults>,
    stats: Mutex<HostStats>,
    gates: Mutex<Vec<Weak<Gate>>>,
    /// None while the host is down.
    power: Mutex<Option<Power>>,
}

/// The switch of a listener.
struct Power {
    off: CancellationToken,
    /// Ends when the port is closed, so that it can be opened anew.
    closed: mpsc::Receiver<()>,
}

fn lock<T>(m: &Mutex<T>) -> MutexGuard<'_, T> {
    m.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Host {
    pub(super) fn new(
        name: &str,
        user: &str,
        root: PathBuf,
        addr: SocketAddr,
        login_key: PublicKey,
        host_key: PrivateKey,
    ) -> Self {
        Host {
            name: name.to_owned(),
            user: user.to_owned(),
            root,
            login_key,
            groups: Groups::default(),
            addr,
            host_key: Mutex::new(host_key),
            faults: Mutex::new(Faults::default()),
            stats: Mutex::new(HostStats::default()),
            gates: Mutex::new(Vec::new()),
            power: Mutex::new(None),
        }
    }

    pub(super) fn home(&self) -> PathBuf {
        self.root.join("home")
    }

    pub(super) fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub(super) fn faults(&self) -> MutexGuard<'_, Faults> {
        lock(&self.faults)
    }

    pub(super) fn stats(&self) -> MutexGuard<'_, HostStats> {
        lock(&self.stats)
    }

    pub(super) fn set_host_key(&self, key: PrivateKey) {
        *lock(&self.host_key) = key;
    }

    /// The environment of a login, as sshd without PAM makes it: nothing of this process's own.
    pub(super) fn environment(&self) -> Vec<(OsString, OsString)> {
        let home = self.home();
        let mut path = OsString::from(self.root.join("bin"));
        path.push(":/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin");
        vec![
            ("USER".into(), self.user.clone().into()),
            ("LOGNAME".into(), self.user.clone().into()),
            ("HOME".into(), home.into()),
            ("PATH".into(), path),
            ("SHELL".into(), "/bin/sh".into()),
        ]
    }

    /// Serves connections until the power goes.
    pub(super) fn power_on(self: &Arc<Self>, listener: TcpListener) {
        let off = CancellationToken::new();
        let (closing, closed) = mpsc::channel::<()>();
        *lock(&self.power) = Some(Power { off: off.clone(), closed });
        let host = Arc::clone(self);
        tokio::spawn(async move {
            loop {
                let accepted = tokio::select! {
                    () = off.cancelled() => break,
                    accepted = listener.accept() => accepted,
                };
                match accepted {
                    Ok((stream, peer)) => {
                        // The option of the configuration counts only where russh listens itself.
                        let _ = stream.set_nodelay(true);
                        host.accept(stream, peer);
                    }
                    // Out of descriptors, most likely: let the others finish.
                    Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                }
            }
            drop(listener);
            drop(closing);
        });
    }

    /// Whether the host is up.
    pub(super) fn is_on(&self) -> bool {
        lock(&self.power).is_some()
    }

    /// Listener, connections and processes are gone when this returns.
    pub(super) fn power_off(&self) {
        self.disconnect();
        self.groups.kill_all();
        procs::kill_homes(&[self.home()]);
    }

    /// The part of it that concerns the network.
    pub(super) fn disconnect(&self) {
        if let Some(power) = lock(&self.power).take() {
            power.off.cancel();
            let _ = power.closed.recv();
        }
        self.each_gate(Gate::cut);
    }

    pub(super) fn each_gate(&self, f: impl Fn(&Gate)) {
        let mut gates = lock(&self.gates);
        gates.retain(|g| g.strong_count() > 0);
        gates.iter().filter_map(Weak::upgrade).for_each(|g| f(&g));
    }

    fn accept(self: &Arc<Self>, stream: TcpStream, peer: SocketAddr) {
        self.stats().connections += 1;
        let (stream, gate) = GatedStream::new(stream);
        lock(&self.gates).push(Arc::downgrade(&gate));
        let host = Arc::clone(self);
        tokio::spawn(async move { host.serve(stream, gate, peer).await });
    }

    async fn serve(self: Arc<Self>, mut stream: GatedStream, gate: Arc<Gate>, peer: SocketAddr) {
        let (not_ssh, mute) = {
            let faults = self.faults();
            (faults.not_ssh, faults.mute)
        };
        if mute {
            // Reads and says nothing until the client gives up or the host goes down.
            let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
            return;
        }
        if not_ssh {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
            let _ = stream.shutdown().await;
            return;
        }
        let config = Arc::new(self.config());
        let connection = Connection::new(Arc::clone(&self), Arc::clone(&gate), peer);
        // An error here is the client's affair: it was refused, or it went away.
        if let Ok(session) = russh::server::run_stream(config, stream, connection).await {
            let _ = session.await;
        }
        drop(gate);
    }

    fn config(&self) -> Config {
        Config {
            server_id: russh::SshId::Standard("SSH-2.0-capstan_testbed".into()),
            methods: [MethodKind::PublicKey].as_slice().into(),
            auth_rejection_time: Duration::from_millis(10),
            auth_rejection_time_initial: Some(Duration::ZERO),
            keys: vec![lock(&self.host_key).clone()],
            max_auth_attempts: 6,
            inactivity_timeout: None,
            // Input that a command does not read waits here; past this the connection stalls.
            channel_buffer_size: 1024,
            ..Config::default()
        }
    }
}

/// Makes the directories of a host.
pub(super) fn make_root(root: &Path) -> crate::error::Result<()> {
    use crate::error::Doing;
    std::fs::create_dir_all(root.join("home")).doing(|| format!("create {}", root.join("home").display()))?;
    crate::access::write_file(&root.join("bin/rake"), crate::rake::SCRIPT.as_bytes(), 0o755)
}
