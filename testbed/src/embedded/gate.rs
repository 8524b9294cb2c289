//! A TCP stream that can be frozen or cut from outside, which the SSH library has no means for.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Frozen,
    Cut,
}

/// The handle by which a connection is frozen or cut.
#[derive(Debug)]
pub(crate) struct Gate(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    state: State,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Gate {
    fn set(&self, state: State) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.state == State::Cut {
            return;
        }
        inner.state = state;
        for waker in [inner.reader.take(), inner.writer.take()].into_iter().flatten() {
            waker.wake();
        }
    }

    /// Resets the connection.
    pub(crate) fn cut(&self) {
        self.set(State::Cut);
    }

    /// Stops all traffic, or lets it go on.
    pub(crate) fn freeze(&self, frozen: bool) {
        self.set(if frozen { State::Frozen } else { State::Open });
    }

    fn check(&self, cx: &Context<'_>, writing: bool) -> State {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = if writing { &mut inner.writer } else { &mut inner.reader };
        *slot = Some(cx.waker().clone());
        inner.state
    }
}

/// The stream behind a gate.
pub(crate) struct GatedStream {
    inner: TcpStream,
    gate: Arc<Gate>,
}

impl GatedStream {
    pub(crate) fn new(inner: TcpStream) -> (Self, Arc<Gate>) {
        let gate = Arc::new(Gate(Mutex::new(Inner { state: State::Open, reader: None, writer: None })));
        (GatedStream { inner, gate: Arc::clone(&gate) }, gate)
    }

    fn pass(&self, cx: &Context<'_>, writing: bool) -> Poll<io::Result<()>> {
        match self.gate.check(cx, writing) {
            State::Open => Poll::Ready(Ok(())),
            State::Frozen => Poll::Pending,
            State::Cut => {
                // With no lingering the close that follows is a reset, not an orderly end.
                let _ = rustix::net::sockopt::set_socket_linger(&self.inner, Some(std::time::Duration::ZERO));
                Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
            }
        }
    }
}

impl AsyncRead for GatedStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        std::task::ready!(self.pass(cx, false))?;
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl AsyncWrite for GatedStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        std::task::ready!(self.pass(cx, true))?;
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        std::task::ready!(self.pass(cx, true))?;
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
