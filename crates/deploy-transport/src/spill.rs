//! A queue of output that stays small in memory: what does not fit goes to a file without a name.
//!
//! Why it is needed: the SSH library grants a channel's sender new window as soon as data arrives, not when it is read,
//! and it feeds all channels of a connection from one task. A reader that does not keep up would therefore either freeze
//! its whole connection or fill the memory. This queue takes everything at once and gives it back in order.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use bytes::Bytes;

/// Which stream a piece belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    Out,
    Err,
}

/// How much is kept in memory before the file is used.
pub(crate) const MEMORY_LIMIT: usize = 1024 * 1024;
/// How much the file may hold. Beyond it the queue takes nothing more, and the connection waits for the reader.
pub(crate) const FILE_LIMIT: u64 = 4 * 1024 * 1024 * 1024;
/// Pieces in the file are read back in this size at most.
const READ_CHUNK: u64 = 128 * 1024;

/// A run of bytes of one stream in the file.
struct Run {
    stream: Stream,
    length: u64,
}

/// The queue. All methods are quick: file access goes to the page cache.
pub(crate) struct SpillQueue {
    memory: VecDeque<(Stream, Bytes)>,
    in_memory: usize,
    file: Option<File>,
    runs: VecDeque<Run>,
    read_at: u64,
    write_at: u64,
    memory_limit: usize,
    file_limit: u64,
}

impl SpillQueue {
    pub(crate) fn new(memory_limit: usize, file_limit: u64) -> Self {
        Self {
            memory: VecDeque::new(),
            in_memory: 0,
            file: None,
            runs: VecDeque::new(),
            read_at: 0,
            write_at: 0,
            memory_limit,
            file_limit,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.memory.is_empty() && self.runs.is_empty()
    }

    /// May more be pushed?
    pub(crate) fn has_room(&self) -> bool {
        self.write_at < self.file_limit
    }

    /// Adds a piece at the end.
    pub(crate) fn push(&mut self, stream: Stream, data: Bytes) -> io::Result<()> {
        if self.runs.is_empty() && self.in_memory < self.memory_limit {
            self.in_memory += data.len();
            self.memory.push_back((stream, data));
            return Ok(());
        }
        self.spill(stream, &data)
    }

    fn spill(&mut self, stream: Stream, data: &[u8]) -> io::Result<()> {
        let file = match &self.file {
            Some(file) => file,
            None => self.file.insert(nameless_file()?),
        };
        file.write_all_at(data, self.write_at)?;
        let length = data.len() as u64;
        self.write_at += length;
        match self.runs.back_mut() {
            Some(run) if run.stream == stream => run.length += length,
            _ => self.runs.push_back(Run { stream, length }),
        }
        Ok(())
    }

    /// Takes the piece at the front.
    pub(crate) fn pop(&mut self) -> io::Result<Option<(Stream, Bytes)>> {
        if let Some((stream, data)) = self.memory.pop_front() {
            self.in_memory -= data.len();
            return Ok(Some((stream, data)));
        }
        let (Some(run), Some(file)) = (self.runs.front_mut(), &self.file) else {
            return Ok(None);
        };
        let length = run.length.min(READ_CHUNK);
        let mut data = vec![0; usize::try_from(length).unwrap_or(0)];
        file.read_exact_at(&mut data, self.read_at)?;
        self.read_at += length;
        run.length -= length;
        let stream = run.stream;
        if run.length == 0 {
            self.runs.pop_front();
        }
        if self.runs.is_empty() {
            // Read back completely: give the disk space back and go on in memory.
            file.set_len(0)?;
            (self.read_at, self.write_at) = (0, 0);
        }
        Ok(Some((stream, data.into())))
    }
}

/// A file without a name, on a disk if possible: `/tmp` is often kept in memory.
fn nameless_file() -> io::Result<File> {
    if std::env::var_os("TMPDIR").is_none()
        && let Ok(file) = tempfile::tempfile_in("/var/tmp")
    {
        return Ok(file);
    }
    tempfile::tempfile()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Act {
        Push(bool, Vec<u8>),
        Pop,
    }

    fn act() -> impl Strategy<Value = Act> {
        prop_oneof![
            (any::<bool>(), proptest::collection::vec(any::<u8>(), 1..40)).prop_map(|(err, data)| Act::Push(err, data)),
            Just(Act::Pop),
        ]
    }

    fn streams(pieces: &[(Stream, Bytes)]) -> Vec<(Stream, u8)> {
        pieces.iter().flat_map(|(stream, data)| data.iter().map(|b| (*stream, *b))).collect()
    }

    proptest! {
        #[test]
        fn what_goes_in_comes_out_in_order(acts in proptest::collection::vec(act(), 0..60)) {
            let mut queue = SpillQueue::new(64, 1 << 20);
            let (mut pushed, mut popped) = (Vec::new(), Vec::new());
            for act in acts {
                match act {
                    Act::Push(err, data) => {
                        let stream = if err { Stream::Err } else { Stream::Out };
                        let data = Bytes::from(data);
                        pushed.push((stream, data.clone()));
                        queue.push(stream, data).unwrap();
                    }
                    Act::Pop => popped.extend(queue.pop().unwrap()),
                }
                prop_assert!(queue.in_memory < 64 + 40);
            }
            while let Some(piece) = queue.pop().unwrap() {
                popped.push(piece);
            }
            prop_assert!(queue.is_empty());
            prop_assert_eq!(streams(&pushed), streams(&popped));
        }
    }

    #[test]
    fn it_says_when_it_is_full() {
        let mut queue = SpillQueue::new(0, 10);
        queue.push(Stream::Out, Bytes::from_static(b"0123456789")).unwrap();
        assert!(!queue.has_room());
        queue.pop().unwrap();
        assert!(queue.has_room());
    }
}
