//! A tiny application server behind `current`, and nothing that could hide a bad switch: the link is
//! resolved anew for every request, once, and all files of a response come from that one directory.

use std::io::Read as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{Mode, OFlags, openat};
use rustix::io::Errno;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::background::Background;
use crate::error::{Doing, Result};
use crate::loopback;

/// Where the live release is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// The directory that the host has as `/`: absolute links start there.
    root: Option<PathBuf>,
    current: PathBuf,
}

impl Site {
    /// A link that means the same to everybody.
    pub fn plain(current: impl Into<PathBuf>) -> Self {
        Site { root: None, current: current.into() }
    }

    /// A link of a host that has `root` as its `/`; `current` is relative to it.
    pub fn in_root(root: impl Into<PathBuf>, current: impl Into<PathBuf>) -> Self {
        Site { root: Some(root.into()), current: current.into() }
    }

    /// Opens the release that is live now.
    fn open(&self) -> Result<Release, Errno> {
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::RDONLY;
        let dir = match &self.root {
            None => rustix::fs::open(&self.current, flags, Mode::empty())?,
            Some(root) => {
                let root = rustix::fs::open(root, flags, Mode::empty())?;
                open_in_root(&root, &self.current, flags)?
            }
        };
        Ok(Release(dir))
    }
}

#[cfg(target_os = "linux")]
fn open_in_root(root: &OwnedFd, path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    rustix::fs::openat2(root, path, flags, Mode::empty(), rustix::fs::ResolveFlags::IN_ROOT)
}

/// Only Linux has hosts with a root of their own.
#[cfg(not(target_os = "linux"))]
fn open_in_root(_: &OwnedFd, _: &Path, _: OFlags) -> Result<OwnedFd, Errno> {
    Err(Errno::NOSYS)
}

/// One release directory, whatever becomes of the link that led to it.
struct Release(OwnedFd);

impl Release {
    fn read(&self, path: &str) -> Result<Vec<u8>, Errno> {
        let file = openat(&self.0, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
        let mut content = Vec::new();
        std::fs::File::from(file)
            .read_to_end(&mut content)
            .map_err(|e| Errno::from_io_error(&e).unwrap_or(Errno::IO))?;
        Ok(content)
    }

    fn line(&self, path: &str) -> Result<String, Errno> {
        Ok(String::from_utf8_lossy(&self.read(path)?).trim().to_owned())
    }
}

struct Response {
    status: &'static str,
    version: String,
    revision: String,
    body: Vec<u8>,
}

impl Response {
    fn error(status: &'static str, why: &str) -> Self {
        let body = format!("{status}: {why}\n").into_bytes();
        Response { status, version: String::new(), revision: String::new(), body }
    }

    /// Answers a path from the release that is live at this moment.
    fn of(site: &Site, path: &str) -> Self {
        let release = match site.open() {
            Ok(release) => release,
            Err(e) => return Response::error("503 Service Unavailable", &format!("current: {e}")),
        };
        let version = match release.line("VERSION") {
            Ok(version) => version,
            Err(e) => return Response::error("500 Internal Server Error", &format!("VERSION: {e}")),
        };
        let file = match path {
            "/" => "public/index.html".to_owned(),
            "/version" => "VERSION".to_owned(),
            _ if path.split('/').any(|s| s == "..") => {
                return Response::error("400 Bad Request", path);
            }
            _ => format!("public{path}"),
        };
        match release.read(&file) {
            Ok(body) => Response {
                status: "200 OK",
                version,
                // Not every deployment writes one.
                revision: release.line("REVISION").unwrap_or_default(),
                body,
            },
            Err(e) if e == Errno::NOENT => Response::error("404 Not Found", &file),
            Err(e) => Response::error("500 Internal Server Error", &format!("{file}: {e}")),
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut out = format!(
            "HTTP/1.1 {}\r\nContent-Length: {}\r\nX-Version: {}\r\nX-Revision: {}\r\n\r\n",
            self.status,
            self.body.len(),
            self.version,
            self.revision
        )
        .into_bytes();
        out.extend_from_slice(&self.body);
        out
    }
}

/// A server on 127.0.0.1 that lives as long as the value.
pub struct HttpApp {
    addr: SocketAddr,
    _background: Background,
}

impl std::fmt::Debug for HttpApp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("HttpApp").field(&self.addr).finish()
    }
}

impl HttpApp {
    /// Serves a site on a free port.
    pub fn serve(site: Site) -> Result<Self> {
        let background = Background::new("testbed-http")?;
        let listener = loopback::listen(Ipv4Addr::LOCALHOST, 0)?;
        let addr = listener.local_addr().doing(|| "read a listener's address".to_owned())?;
        let inside = background.handle().enter();
        let listener = TcpListener::from_std(listener).doing(|| format!("listen on {addr}"))?;
        tokio::spawn(accept(listener, Arc::new(site)));
        drop(inside);
        Ok(HttpApp { addr, _background: background })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Asks it, over HTTP, which version is live.
    pub fn ask_version(&self) -> Result<String> {
        let doing = || format!("ask {} for its version", self.url());
        let mut stream = std::net::TcpStream::connect(self.addr).doing(doing)?;
        std::io::Write::write_all(&mut stream, b"GET /version HTTP/1.1\r\nHost: app\r\n\r\n").doing(doing)?;
        // The server ends the connection when no further request comes.
        stream.shutdown(std::net::Shutdown::Write).doing(doing)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).doing(doing)?;
        match answer.split_once("\r\n\r\n") {
            Some((head, body)) if head.starts_with("HTTP/1.1 200 ") => Ok(body.trim().to_owned()),
            _ => Err(std::io::Error::other(answer)).doing(doing),
        }
    }

    /// `http://127.0.0.1:PORT/`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/", self.addr)
    }
}

async fn accept(listener: TcpListener, site: Arc<Site>) {
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            let site = Arc::clone(&site);
            // A client that breaks off has only itself to tell.
            tokio::spawn(async move { drop(serve(stream, &site).await) });
        }
    }
}

/// Requests of one connection, one after the other.
async fn serve(stream: TcpStream, site: &Site) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    loop {
        let mut request = String::new();
        if stream.read_line(&mut request).await? == 0 {
            return Ok(());
        }
        let mut header = String::new();
        while stream.read_line(&mut header).await? > 2 {
            header.clear();
        }
        let mut words = request.split_whitespace();
        let response = match (words.next(), words.next()) {
            (Some("GET"), Some(path)) => Response::of(site, path),
            _ => Response::error("400 Bad Request", request.trim()),
        };
        stream.get_mut().write_all(&response.bytes()).await?;
    }
}
