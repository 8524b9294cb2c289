//! A server that speaks SSH by a script, byte by byte, so that it can break the protocol at any point: before the key exchange, inside
//! it, in the login, and in channels. A server made with an SSH library cannot: the library keeps to the rules.
//!
//! ```
//! use deploy_testbed::hostile::{Hostile, Message};
//!
//! // It lets everybody in, takes the command, and sends data for a channel that nobody opened.
//! let server = Hostile::start(|wire| {
//!     let channel = wire.serve_until_command()?;
//!     wire.send(&Message::new(94).u32(channel.theirs + 1).string(b"boo"))
//! })?;
//! println!("{} {}", server.address(), server.known_hosts_line("bad.example.com"));
//! # Ok::<(), std::io::Error>(())
//! ```

mod crypt;
mod exchange;
mod message;
mod wire;

use std::io::{self, Read};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

pub use exchange::Exchange;
pub use message::Message;
pub use wire::{Channel, Wire};

/// What is done with each connection.
type Script = dyn Fn(&mut Wire) -> io::Result<()> + Send + Sync;

/// The server. It and its connections end with the value.
pub struct Hostile {
    address: SocketAddr,
    public_key: String,
    state: Arc<State>,
    accepter: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct State {
    stopping: AtomicBool,
    connections: AtomicU32,
    logins: AtomicU32,
    streams: Mutex<Vec<TcpStream>>,
    servers: Mutex<Vec<JoinHandle<()>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Hostile {
    /// Starts one on a free port of 127.0.0.1. When the script is done the connection stays open, and what comes is thrown away, until
    /// the client closes it; when it fails the connection is closed.
    ///
    /// # Errors
    /// When the machine has no port, or no randomness for a host key.
    pub fn start(script: impl Fn(&mut Wire) -> io::Result<()> + Send + Sync + 'static) -> io::Result<Self> {
        let host_key = Arc::new(crypt::HostKey::new()?);
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?;
        let state = Arc::new(State::default());
        let public_key = host_key.public_line();
        let inner = Arc::clone(&state);
        let script: Arc<Script> = Arc::new(script);
        let accepter = thread::Builder::new().name("hostile".into()).spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if inner.stopping.load(Ordering::SeqCst) {
                    return;
                }
                inner.connections.fetch_add(1, Ordering::SeqCst);
                let (script, host_key, state) = (Arc::clone(&script), Arc::clone(&host_key), Arc::clone(&inner));
                let Ok(copy) = stream.try_clone() else { continue };
                lock(&inner.streams).push(copy);
                let served = thread::Builder::new().spawn(move || serve(stream, &*script, host_key, &state));
                lock(&inner.servers).extend(served);
            }
        })?;
        Ok(Self { address, public_key, state, accepter: Some(accepter) })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The line of known_hosts that trusts it under a name (the name of its port is added).
    #[must_use]
    pub fn known_hosts_line(&self, name: &str) -> String {
        format!("[{name}]:{} {}\n", self.address.port(), self.public_key)
    }

    /// How many connections were made to it.
    #[must_use]
    pub fn connections(&self) -> u32 {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// How many logins were begun: clients that refuse the host before have begun none.
    #[must_use]
    pub fn logins(&self) -> u32 {
        self.state.logins.load(Ordering::SeqCst)
    }
}

fn serve(stream: TcpStream, script: &Script, host_key: Arc<crypt::HostKey>, state: &Arc<State>) {
    let counter = Arc::clone(state);
    let begun = move || {
        counter.logins.fetch_add(1, Ordering::SeqCst);
    };
    let Ok(mut rest) = stream.try_clone() else { return };
    let done = Wire::new(stream, host_key, Box::new(begun)).and_then(|mut wire| script(&mut wire));
    if done.is_ok() {
        let mut buffer = [0; 4096];
        while rest.read(&mut buffer).is_ok_and(|n| n > 0) {}
    }
    // The client may be gone already.
    let _ = rest.shutdown(Shutdown::Both);
}

impl Drop for Hostile {
    fn drop(&mut self) {
        self.state.stopping.store(true, Ordering::SeqCst);
        // Wakes the accepter.
        drop(TcpStream::connect(self.address));
        if let Some(accepter) = self.accepter.take() {
            let _ = accepter.join();
        }
        for stream in lock(&self.state.streams).drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
        let servers: Vec<_> = lock(&self.state.servers).drain(..).collect();
        for server in servers {
            let _ = server.join();
        }
    }
}
