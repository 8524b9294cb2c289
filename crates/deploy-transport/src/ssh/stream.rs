//! The byte stream below the SSH protocol: counted, guarded, and killable from outside.
//!
//! Three things happen here because the SSH library cannot do them: the first bytes of the server are kept for error
//! messages, a write that makes no progress ends the connection (the library's keepalive does not run while it
//! waits for a write), and a connection can be cut whatever the library is waiting for.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::prompt::lock;
use crate::session::Counters;

/// Anything a connection can run over.
pub(crate) trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Transport for T {}

/// How many bytes of the server's introduction are kept.
const KEPT: usize = 256;

/// What is known of a stream from outside.
#[derive(Debug, Default)]
pub(crate) struct Wire {
    /// The first bytes that came in.
    first: Mutex<Vec<u8>>,
    /// The error that ended it.
    error: Mutex<Option<io::Error>>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) kill: CancellationToken,
}

impl Wire {
    /// The first bytes that came in, up to a limit.
    pub(crate) fn first_bytes(&self) -> Vec<u8> {
        lock(&self.first).clone()
    }

    /// The text of the error that ended the stream.
    pub(crate) fn error(&self) -> Option<String> {
        lock(&self.error).as_ref().map(ToString::to_string)
    }

    fn note<T>(&self, result: &io::Result<T>) {
        if let Err(error) = result {
            let copy = io::Error::new(error.kind(), error.to_string());
            lock(&self.error).get_or_insert(copy);
        }
    }
}

/// A stream with its [`Wire`].
pub(crate) struct WireStream {
    inner: Box<dyn Transport>,
    wire: Arc<Wire>,
    killed: Pin<Box<WaitForCancellationFutureOwned>>,
    /// Runs while a write is blocked.
    stalled: Option<Pin<Box<Sleep>>>,
    write_deadline: Duration,
}

impl WireStream {
    pub(crate) fn new(inner: Box<dyn Transport>, wire: Arc<Wire>, write_deadline: Duration) -> Self {
        Self { inner, killed: Box::pin(wire.kill.clone().cancelled_owned()), wire, stalled: None, write_deadline }
    }

    fn poll_killed(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        match self.killed.as_mut().poll(context) {
            Poll::Ready(()) => Err(io::Error::new(io::ErrorKind::ConnectionAborted, "closed by us")),
            Poll::Pending => Ok(()),
        }
    }

    /// Arms or checks the deadline of a blocked write.
    fn poll_stalled(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let deadline = self.write_deadline;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + deadline)));
        match stalled.as_mut().poll(context) {
            Poll::Ready(()) => {
                let problem = format!("the peer took no data for {} s", deadline.as_secs_f32());
                let result = Err(io::Error::new(io::ErrorKind::TimedOut, problem));
                self.wire.note(&result);
                Poll::Ready(result)
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for WireStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.poll_killed(context)?;
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(context, buffer);
        if let Poll::Ready(result) = &polled {
            self.wire.note(result);
            let new = buffer.filled().get(before..).unwrap_or_default();
            Counters::add(&self.wire.counters.bytes_in, new.len() as u64);
            let mut first = lock(&self.wire.first);
            let room = KEPT.saturating_sub(first.len());
            first.extend(new.iter().take(room));
        }
        polled
    }
}

impl AsyncWrite for WireStream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_killed(context)?;
        match Pin::new(&mut self.inner).poll_write(context, data) {
            Poll::Ready(result) => {
                self.stalled = None;
                self.wire.note(&result);
                let written = *result.as_ref().unwrap_or(&0);
                Counters::add(&self.wire.counters.bytes_out, written as u64);
                Poll::Ready(result)
            }
            Poll::Pending => self.poll_stalled(context),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_killed(context)?;
        Pin::new(&mut self.inner).poll_flush(context)
    }

    /// Never fails: the library would report that instead of what ended the connection.
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.poll_killed(context).is_err() {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.inner).poll_shutdown(context).map(|_| Ok(()))
    }
}

/// How many reads are answered at once.
const QUICK_READS: u32 = 64;

/// A TCP stream whose first reads are acknowledged at once. Servers leave Nagle's algorithm on, and our delayed
/// acknowledgement then costs 40 ms in every login; Linux forgets the option, so it is set again and again.
pub(crate) struct QuickAck {
    stream: TcpStream,
    reads: u32,
}

impl QuickAck {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self { stream, reads: 0 }
    }
}

impl AsyncRead for QuickAck {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        if polled.is_ready() && self.reads < QUICK_READS {
            self.reads += 1;
            // Only speed depends on it.
            #[cfg(target_os = "linux")]
            let _ = rustix::net::sockopt::set_tcp_quickack(&self.stream, true);
        }
        polled
    }
}

impl AsyncWrite for QuickAck {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn a_write_without_progress_ends() {
        let (ours, _theirs) = tokio::io::duplex(16);
        let wire = Arc::new(Wire::default());
        let mut stream = WireStream::new(Box::new(ours), Arc::clone(&wire), Duration::from_millis(50));
        let error = stream.write_all(&[0; 64]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(wire.error().unwrap().contains("0.05 s"));
        assert_eq!(wire.counters.stats().bytes_out, 16);
    }

    #[tokio::test]
    async fn killing_ends_a_blocked_read_and_the_first_bytes_stay() {
        let (ours, mut theirs) = tokio::io::duplex(16);
        let wire = Arc::new(Wire::default());
        let mut stream = WireStream::new(Box::new(ours), Arc::clone(&wire), Duration::from_secs(15));
        theirs.write_all(b"HTTP/1.1").await.unwrap();
        let mut buffer = [0; 8];
        stream.read_exact(&mut buffer).await.unwrap();
        let kill = wire.kill.clone();
        let (read, ()) = tokio::join!(stream.read(&mut buffer), async {
            tokio::task::yield_now().await;
            kill.cancel();
        });
        assert!(read.is_err());
        assert_eq!(wire.first_bytes(), b"HTTP/1.1");
    }
}
