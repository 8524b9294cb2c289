//! Constant load on the sample application, counting every answer that is not a whole, right one.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use crate::background::Background;
use crate::error::Result;

/// What a load has seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// Requests that were answered or failed.
    pub requests: u64,
    /// Those not answered with 200 and one version throughout.
    pub failed: u64,
    /// What the first twenty of them were.
    pub failures: Vec<String>,
    /// Good answers by version.
    pub versions: BTreeMap<String, u64>,
}

/// A running load; it ends with the value.
pub struct Load {
    report: Arc<Mutex<LoadReport>>,
    stop: CancellationToken,
    clients: Vec<tokio::task::JoinHandle<()>>,
    background: Background,
}

impl std::fmt::Debug for Load {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Load").field(&*lock(&self.report)).finish()
    }
}

fn lock(report: &Mutex<LoadReport>) -> MutexGuard<'_, LoadReport> {
    report.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Load {
    /// Starts this many clients at each address; each waits `pause` after an answer.
    pub fn start(addrs: &[SocketAddr], clients: usize, pause: Duration) -> Result<Self> {
        let background = Background::new("testbed-load")?;
        let report = Arc::new(Mutex::new(LoadReport::default()));
        let stop = CancellationToken::new();
        let clients = addrs
            .iter()
            .flat_map(|addr| std::iter::repeat_n(*addr, clients))
            .map(|addr| {
                let client = client(addr, pause, Arc::clone(&report), stop.clone());
                background.handle().spawn(client)
            })
            .collect();
        Ok(Load { report, stop, clients, background })
    }

    /// What was seen so far.
    #[must_use]
    pub fn so_far(&self) -> LoadReport {
        lock(&self.report).clone()
    }

    /// Lets every client finish its request, and reports.
    #[must_use]
    pub fn stop(mut self) -> LoadReport {
        self.stop.cancel();
        let clients = std::mem::take(&mut self.clients);
        self.background.call(async move {
            for client in clients {
                let _ = client.await;
            }
        });
        self.so_far()
    }
}

async fn client(addr: SocketAddr, pause: Duration, report: Arc<Mutex<LoadReport>>, stop: CancellationToken) {
    let mut connection = None;
    while !stop.is_cancelled() {
        let outcome = request(&mut connection, addr).await;
        {
            let mut report = lock(&report);
            report.requests += 1;
            match outcome {
                Ok(version) => *report.versions.entry(version).or_default() += 1,
                Err(e) => {
                    connection = None;
                    report.failed += 1;
                    if report.failures.len() < 20 {
                        report.failures.push(format!("{addr}: {e}"));
                    }
                }
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Asks for the front page and gives the version that the whole answer agrees on.
async fn request(connection: &mut Option<BufReader<TcpStream>>, addr: SocketAddr) -> io::Result<String> {
    let stream = match connection {
        Some(stream) => stream,
        None => connection.insert(BufReader::new(TcpStream::connect(addr).await?)),
    };
    stream.get_mut().write_all(b"GET / HTTP/1.1\r\nHost: app\r\n\r\n").await?;
    let mut status = String::new();
    stream.read_line(&mut status).await?;
    let (mut length, mut version) = (0, String::new());
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if line.trim_end().is_empty() {
            break;
        }
        match line.split_once(':') {
            Some(("Content-Length", n)) => length = n.trim().parse().map_err(io::Error::other)?,
            Some(("X-Version", v)) => v.trim().clone_into(&mut version),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    let body = String::from_utf8_lossy(&body);
    if status.split_whitespace().nth(1) != Some("200") {
        return Err(io::Error::other(format!("{} {}", status.trim(), body.trim())));
    }
    if !body.contains(&format!("<p>version {version}</p>")) {
        return Err(io::Error::other(format!("VERSION says {version}, the page says {body}")));
    }
    Ok(version)
}
