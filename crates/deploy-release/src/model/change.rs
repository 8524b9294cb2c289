//! The programs that change a filesystem, as far as the generated text uses them: `mkdir`, `rm`, `mv`, `ln`, `chmod`,
//! redirections, `sync`. Each answers whether it succeeded; each can be where its caller dies.

use std::sync::Arc;

use super::trap::{Condition, Needs, Room, Trap, TrapKind, blocks, link_blocks};
use super::tree::{Body, Ino, Node, Tree};

/// Whoever was at work is gone; nothing after this happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Died;

/// Whether a program succeeded.
pub(super) type Done = Result<bool, Died>;

impl Tree {
    /// Lets something go wrong at a later change; with none, whatever waited is forgotten.
    pub fn set_trap(&mut self, trap: Option<Trap>) {
        self.trap = trap;
    }

    /// Whether a trap still waits.
    #[must_use]
    pub fn has_trap(&self) -> bool {
        self.trap.is_some()
    }

    /// The disk is sound again: room on it, and it can be written.
    pub fn mend(&mut self) {
        (self.trap, self.condition) = (None, Condition::Sound);
    }

    /// Sets the umask of whoever works from now on; gives the one before.
    pub fn set_umask(&mut self, umask: u16) -> u16 {
        std::mem::replace(&mut self.umask, umask)
    }

    /// All that was ever written is on the disk, as it is when some time has passed.
    pub fn write_back(&mut self) {
        for node in self.nodes.iter_mut().flatten() {
            if let Body::File(bytes, flushed) = &mut node.body {
                *flushed = bytes.len();
            }
        }
    }

    /// From now on it is known what a power cut would leave.
    pub fn watch_durability(&mut self) {
        self.durable = None;
        let mut snapshot = self.clone();
        snapshot.lose_unflushed();
        self.durable = Some(Box::new(snapshot));
    }

    /// The power fails. With `names_survive`, what was renamed, linked and removed stays so, but of every file only what
    /// had been flushed (an ordered journal, and writeback that had not come yet). Without it, all since the last flush is
    /// undone.
    pub fn cut_power(&mut self, names_survive: bool) {
        if names_survive {
            self.lose_unflushed();
        } else if let Some(durable) = self.durable.take() {
            let changes = self.changes;
            *self = *durable;
            self.changes = changes;
        }
        self.mend();
        self.durable = None;
    }

    fn lose_unflushed(&mut self) {
        for node in self.nodes.iter_mut().flatten() {
            if let Body::File(bytes, flushed) = &mut node.body
                && *flushed < bytes.len()
            {
                *bytes = bytes.get(..*flushed).unwrap_or_default().into();
            }
        }
    }

    /// `sync`.
    pub(super) fn sync(&mut self) -> Done {
        // Whoever dies at a flush has not flushed.
        if !self.spring()? {
            return Ok(false);
        }
        self.write_back();
        self.note_durable();
        Ok(true)
    }

    /// `sync FILE`: names are on the disk with it, other files are not.
    pub(super) fn sync_file(&mut self, path: &str) -> Done {
        let Some(ino) = self.ino(path) else { return Ok(false) };
        if !self.spring()? {
            return Ok(false);
        }
        if let Some(Node { body: Body::File(bytes, flushed), .. }) = self.node_mut(ino) {
            *flushed = bytes.len();
        }
        self.note_durable();
        Ok(true)
    }

    fn note_durable(&mut self) {
        if self.durable.is_some() {
            self.watch_durability();
        }
    }

    /// A change is about to be made, or the disk asked to flush: whatever waits for this moment happens.
    fn spring(&mut self) -> Done {
        self.changes += 1;
        if let Some(trap) = &mut self.trap {
            if trap.after > 0 {
                trap.after -= 1;
            } else {
                let kind = trap.kind;
                self.trap = None;
                match kind {
                    TrapKind::Die | TrapKind::Tear => return Err(Died),
                    TrapKind::Fail => return Ok(false),
                    TrapKind::NoBlocks => {
                        self.condition = Condition::Full(Room { blocks: 0, inodes: 1_000_000 });
                    }
                    TrapKind::Full => self.condition = Condition::Full(Room { blocks: 0, inodes: 0 }),
                    TrapKind::ReadOnly => self.condition = Condition::ReadOnly,
                }
            }
        }
        Ok(true)
    }

    /// One change is about to be made. `frees` for one that works on a full disk, too.
    fn change(&mut self, needs: Needs, frees: bool) -> Done {
        if !self.spring()? {
            return Ok(false);
        }
        match &mut self.condition {
            Condition::Sound => Ok(true),
            Condition::ReadOnly => Ok(false),
            Condition::Full(_) if frees => Ok(true),
            Condition::Full(room) => {
                let fits = needs.blocks <= room.blocks && needs.inodes <= room.inodes;
                if fits {
                    room.blocks -= needs.blocks;
                    room.inodes -= needs.inodes;
                }
                Ok(fits)
            }
        }
    }

    /// Whether the next change is a torn write.
    fn is_torn(&self) -> bool {
        self.trap == Some(Trap { after: 0, kind: TrapKind::Tear })
    }

    fn allot(&mut self, node: Node) -> Ino {
        match self.spare.pop() {
            Some(ino) => {
                if let Some(slot) = self.nodes.get_mut(ino) {
                    *slot = Some(node);
                }
                ino
            }
            None => {
                self.nodes.push(Some(node));
                self.nodes.len() - 1
            }
        }
    }

    fn attach(&mut self, parent: Ino, name: Arc<str>, ino: Ino) {
        if let Some(Node { body: Body::Dir(children), .. }) = self.node_mut(parent) {
            children.insert(name, ino);
        }
    }

    fn detach(&mut self, parent: Ino, name: &str) -> Option<Ino> {
        match self.node_mut(parent) {
            Some(Node { body: Body::Dir(children), .. }) => children.remove(name),
            _ => None,
        }
    }

    fn release(&mut self, ino: Ino) {
        let Some(node) = self.nodes.get_mut(ino).and_then(Option::take) else { return };
        self.spare.push(ino);
        if let Condition::Full(room) = &mut self.condition {
            room.inodes += 1;
            room.blocks += match &node.body {
                Body::File(bytes, _) => blocks(bytes.len()),
                Body::Dir(_) => 1,
                Body::Link(text) => link_blocks(text),
            };
        }
    }

    fn add(&mut self, path: &str, mode: u16, body: Body, blocks: u64) -> Done {
        let Some((parent, name)) = self.place(path) else { return Ok(false) };
        if self.children(parent).is_some_and(|children| children.contains_key(&name)) {
            return Ok(false);
        }
        if !self.change(Needs { blocks, inodes: 1 }, false)? {
            return Ok(false);
        }
        let ino = self.allot(Node { mode, body });
        self.attach(parent, name, ino);
        Ok(true)
    }

    /// `mkdir`.
    pub fn mkdir(&mut self, path: &str) -> Result<bool, Died> {
        let mode = 0o777 & !self.umask;
        self.add(path, mode, Body::Dir(std::collections::BTreeMap::new()), 1)
    }

    /// `mkdir -p`.
    pub fn mkdir_p(&mut self, path: &str) -> Result<bool, Died> {
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        let steps: Vec<&str> = ends.filter_map(|end| path.get(..end)).filter(|part| !part.is_empty()).collect();
        for part in steps {
            if !self.is_dir(part) && !self.mkdir(part)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// `ln -s -- TEXT PATH`: into the directory where the path is one already.
    pub fn symlink(&mut self, text: &str, path: &str) -> Result<bool, Died> {
        let into = self.is_dir(path).then(|| format!("{path}/{}", text.rsplit('/').next().unwrap_or(text)));
        self.add(into.as_deref().unwrap_or(path), 0o777, Body::Link(text.into()), link_blocks(text))
    }

    /// `printf … >PATH`.
    pub fn write(&mut self, path: &str, bytes: &[u8]) -> Result<bool, Died> {
        self.put(path, bytes, false)
    }

    /// `printf … >>PATH`.
    pub fn append(&mut self, path: &str, bytes: &[u8]) -> Result<bool, Died> {
        self.put(path, bytes, true)
    }

    fn put(&mut self, path: &str, bytes: &[u8], keep: bool) -> Done {
        if self.ino(path).is_none() {
            let mode = 0o666 & !self.umask;
            let target = self.written_through(path);
            if !self.add(&target, mode, Body::File([].into(), 0), 0)? {
                return Ok(false);
            }
        }
        let Some(ino) = self.ino(path) else { return Ok(false) };
        let Some(Body::File(old, flushed)) = self.node(ino).map(|node| node.body.clone()) else { return Ok(false) };
        let before = if keep { old.to_vec() } else { Vec::new() };
        if bytes.is_empty() && before.len() == old.len() {
            return Ok(true);
        }
        let flushed = if keep { flushed } else { 0 };
        let more = blocks(before.len() + bytes.len()).saturating_sub(blocks(old.len()));
        let torn = self.is_torn();
        let made = self.change(Needs { blocks: more, inodes: 0 }, false);
        let part = if torn { bytes.get(..bytes.len() / 2).unwrap_or_default() } else { bytes };
        if made == Ok(true) || torn {
            self.fill(ino, &[&before, part].concat(), flushed);
        } else if made == Ok(false) && !keep && self.condition != Condition::ReadOnly {
            // The redirection had cut it off before the write failed.
            self.fill(ino, &[], 0);
        }
        made
    }

    fn fill(&mut self, ino: Ino, bytes: &[u8], flushed: usize) {
        if let Some(node) = self.node_mut(ino) {
            node.body = Body::File(bytes.into(), flushed.min(bytes.len()));
        }
    }

    /// Where a file is made when a link that leads nowhere is written to.
    fn written_through(&self, path: &str) -> String {
        match self.readlink(path) {
            Some(text) if text.starts_with('/') => text.to_string(),
            Some(text) => format!("{}/{text}", path.rsplit_once('/').map_or("", |(parent, _)| parent)),
            None => path.to_owned(),
        }
    }

    /// `rm -f` on one entry: nothing there is a success, a directory is none.
    pub fn rm_f(&mut self, path: &str) -> Result<bool, Died> {
        let Some(ino) = self.ino_of_entry(path) else { return Ok(true) };
        if self.children(ino).is_some() {
            return Ok(false);
        }
        self.unlink(path)
    }

    fn unlink(&mut self, path: &str) -> Done {
        let Some((parent, name)) = self.place(path) else { return Ok(false) };
        if !self.change(Needs::default(), true)? {
            return Ok(false);
        }
        if let Some(ino) = self.detach(parent, &name) {
            self.release(ino);
        }
        Ok(true)
    }

    /// `rm -rf`: goes on past what it cannot remove.
    pub fn rm_rf(&mut self, path: &str) -> Result<bool, Died> {
        let Some(ino) = self.ino_of_entry(path) else { return Ok(true) };
        let mut all = true;
        if let Some(children) = self.children(ino) {
            let names: Vec<Arc<str>> = children.keys().cloned().collect();
            for name in names {
                all &= self.rm_rf(&format!("{path}/{name}"))?;
            }
            if !all {
                return Ok(false);
            }
        }
        Ok(self.unlink(path)? && all)
    }

    /// `mv` within one filesystem: into the target where that is a directory.
    pub fn mv(&mut self, from: &str, to: &str) -> Result<bool, Died> {
        let Some(moved) = self.ino_of_entry(from) else { return Ok(false) };
        let name = from.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let to = match (self.is_dir(to), to.ends_with('/')) {
            (true, _) => format!("{}/{name}", to.trim_end_matches('/')),
            (false, true) => return Ok(false),
            (false, false) => to.to_owned(),
        };
        let (Some((source, name)), Some((target, new))) = (self.place(from), self.place(&to)) else {
            return Ok(false);
        };
        let replaced = self.children(target).and_then(|children| children.get(&new)).copied();
        if replaced == Some(moved) {
            return Ok(false);
        }
        if let Some(old) = replaced {
            let fits = match (self.children(moved).is_some(), self.children(old)) {
                (false, None) => true,
                (true, Some(children)) => children.is_empty(),
                _ => false,
            };
            if !fits {
                return Ok(false);
            }
        }
        if !self.change(Needs::default(), true)? {
            return Ok(false);
        }
        self.detach(source, &name);
        self.attach(target, new, moved);
        if let Some(old) = replaced {
            self.release(old);
        }
        Ok(true)
    }

    /// `chmod`, links followed.
    pub fn chmod(&mut self, path: &str, mode: impl Fn(u16) -> u16) -> Result<bool, Died> {
        let Some(ino) = self.ino(path) else { return Ok(false) };
        self.change_mode(ino, &mode)
    }

    /// `chmod -R`: links below are not followed.
    pub fn chmod_r(&mut self, path: &str, mode: &dyn Fn(u16) -> u16) -> Result<bool, Died> {
        let Some(ino) = self.ino(path) else { return Ok(false) };
        let mut all = self.change_mode(ino, mode)?;
        let names: Vec<Arc<str>> = self.children(ino).map(|c| c.keys().cloned().collect()).unwrap_or_default();
        for name in names {
            let child = format!("{path}/{name}");
            if !self.is_link(&child) {
                all &= self.chmod_r(&child, mode)?;
            }
        }
        Ok(all)
    }

    fn change_mode(&mut self, ino: Ino, mode: &dyn Fn(u16) -> u16) -> Done {
        if !self.change(Needs::default(), true)? {
            return Ok(false);
        }
        if let Some(node) = self.node_mut(ino) {
            node.mode = mode(node.mode);
        }
        Ok(true)
    }
}
