//! The client's SSH agent, offered to the commands of a connection through a socket.

use std::path::PathBuf;

use russh::server::Handle;
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;

/// A socket that lives as long as its connection or a command of it.
pub(super) struct AgentSocket {
    pub(super) path: PathBuf,
    _dir: tempfile::TempDir,
    _stop: tokio_util::sync::DropGuard,
}

impl AgentSocket {
    /// Opens a socket only its owner can reach. Not in the fleet's directory: a socket's path may
    /// have about 100 bytes only.
    pub(super) fn open(handle: Handle) -> std::io::Result<Self> {
        let dir = tempfile::Builder::new().prefix("ssh-").tempdir()?;
        let path = dir.path().join("agent");
        let listener = UnixListener::bind(&path)?;
        let stop = CancellationToken::new();
        let guard = stop.clone().drop_guard();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    Ok((stream, _)) = listener.accept() => {
                        tokio::spawn(forward(stream, handle.clone()));
                    }
                }
            }
        });
        Ok(AgentSocket { path, _dir: dir, _stop: guard })
    }
}

async fn forward(mut local: UnixStream, handle: Handle) {
    if let Ok(channel) = handle.channel_open_agent().await {
        let _ = tokio::io::copy_bidirectional(&mut local, &mut channel.into_stream()).await;
    }
}
