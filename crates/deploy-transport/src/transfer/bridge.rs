//! Between code that blocks (reading and writing archives) and the connection, which must not.

use std::io::{self, Read, Write};

use bytes::{Buf, Bytes};
use tokio::sync::mpsc;

/// Pieces that wait on the way.
const PIECES: usize = 8;
/// The size of a piece that is sent.
const PIECE: usize = 128 * 1024;

/// A way from a thread that writes to a task that receives.
pub(super) fn outlet() -> (Outlet, mpsc::Receiver<Bytes>) {
    let (sender, receiver) = mpsc::channel(PIECES);
    (Outlet { sender, held: Vec::with_capacity(PIECE) }, receiver)
}

/// A way from a task that sends to a thread that reads.
pub(super) fn inlet() -> (mpsc::Sender<Bytes>, Inlet) {
    let (sender, receiver) = mpsc::channel(PIECES);
    (sender, Inlet { receiver, held: Bytes::new() })
}

/// The end that is written to.
pub(super) struct Outlet {
    sender: mpsc::Sender<Bytes>,
    held: Vec<u8>,
}

impl Write for Outlet {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.held.extend_from_slice(data);
        if self.held.len() >= PIECE {
            self.flush()?;
        }
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let piece = std::mem::replace(&mut self.held, Vec::with_capacity(PIECE));
        if piece.is_empty() {
            return Ok(());
        }
        self.sender.blocking_send(piece.into()).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

/// The end that is read from.
pub(super) struct Inlet {
    receiver: mpsc::Receiver<Bytes>,
    held: Bytes,
}

impl Read for Inlet {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.held.is_empty() {
            match self.receiver.blocking_recv() {
                Some(piece) => self.held = piece,
                None => return Ok(0),
            }
        }
        let count = buffer.len().min(self.held.len());
        if let Some(start) = buffer.get_mut(..count) {
            self.held.copy_to_slice(start);
        }
        Ok(count)
    }
}
