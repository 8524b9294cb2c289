//! What goes wrong with a filesystem, and at which change.

/// What happens at a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TrapKind {
    /// Whoever makes the change dies before it.
    Die,
    /// Whoever makes the change dies in the middle of it: of a write only the first half is there.
    Tear,
    /// This change alone fails: an input/output error.
    Fail,
    /// From here on no block is free (inodes are).
    NoBlocks,
    /// From here on neither a block nor an inode is free.
    Full,
    /// From here on nothing can be changed.
    ReadOnly,
}

/// A fault that waits for its moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Trap {
    /// How many changes still succeed before it.
    pub after: u32,
    /// What happens then.
    pub kind: TrapKind,
}

/// What is left on a disk that has filled up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Room {
    /// Free blocks of 4 KiB.
    pub blocks: u64,
    /// Free inodes.
    pub inodes: u64,
}

/// The lasting state of a disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum Condition {
    #[default]
    Sound,
    Full(Room),
    ReadOnly,
}

/// What a change needs of the disk.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Needs {
    pub blocks: u64,
    pub inodes: u64,
}

pub(super) const BLOCK: usize = 4096;

/// Blocks of so many bytes.
pub(super) fn blocks(bytes: usize) -> u64 {
    bytes.div_ceil(BLOCK) as u64
}

/// A link with a short text lives in its inode.
pub(super) fn link_blocks(text: &str) -> u64 {
    u64::from(text.len() > 59)
}
