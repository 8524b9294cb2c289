//! Directories, files and links in memory, and how paths lead to them.

use std::collections::BTreeMap;
use std::sync::Arc;

use deploy_plan::RemotePath;

use super::trap::{Condition, Trap};

/// How many links are followed before a path is said to go round in circles.
const MOST_LINKS: usize = 40;

pub(super) type Ino = usize;

/// What stands at a place.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A directory.
    Directory,
    /// A file with its bytes.
    File(Arc<[u8]>),
    /// A link with its text.
    Link(Arc<str>),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Body {
    Dir(BTreeMap<Arc<str>, Ino>),
    /// With how many of its bytes have been flushed.
    File(Arc<[u8]>, usize),
    Link(Arc<str>),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Node {
    pub mode: u16,
    pub body: Body,
}

/// A host's filesystem. Modes are kept as far as ops set them; owners and times are not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    pub(super) nodes: Vec<Option<Node>>,
    pub(super) spare: Vec<Ino>,
    pub(super) home: Arc<str>,
    pub(super) umask: u16,
    pub(super) trap: Option<Trap>,
    pub(super) condition: Condition,
    pub(super) changes: u64,
    /// What a power cut would leave, kept while that is of interest.
    pub(super) durable: Option<Box<Tree>>,
}

impl Tree {
    /// A host with nothing but the login's empty home directory.
    #[must_use]
    pub fn new(home: &str) -> Self {
        let root = Node { mode: 0o755, body: Body::Dir(BTreeMap::new()) };
        let mut tree = Self {
            nodes: vec![Some(root)],
            spare: Vec::new(),
            home: home.into(),
            umask: 0o022,
            trap: None,
            condition: Condition::Sound,
            changes: 0,
            durable: None,
        };
        // Nothing can fail on a sound disk.
        let _ = tree.mkdir_p(home);
        tree
    }

    /// The login's home directory.
    #[must_use]
    pub fn home(&self) -> &str {
        &self.home
    }

    /// A path as this host spells it.
    #[must_use]
    pub fn spell(&self, path: &RemotePath) -> String {
        match (path.is_below_home(), path.rest()) {
            (true, "") => self.home.to_string(),
            (true, rest) => format!("{}/{rest}", self.home),
            (false, rest) => format!("/{rest}"),
        }
    }

    pub(super) fn node(&self, ino: Ino) -> Option<&Node> {
        self.nodes.get(ino).and_then(Option::as_ref)
    }

    pub(super) fn node_mut(&mut self, ino: Ino) -> Option<&mut Node> {
        self.nodes.get_mut(ino).and_then(Option::as_mut)
    }

    pub(super) fn children(&self, ino: Ino) -> Option<&BTreeMap<Arc<str>, Ino>> {
        match &self.node(ino)?.body {
            Body::Dir(children) => Some(children),
            _ => None,
        }
    }

    fn walk(&self, path: &str, follow_last: bool) -> Option<Ino> {
        let mut budget = MOST_LINKS;
        self.walk_from(vec![0], path, follow_last, &mut budget)?.last().copied()
    }

    /// From a directory, given with all above it, to the end of a path, with all above that.
    fn walk_from(&self, from: Vec<Ino>, path: &str, follow_last: bool, budget: &mut usize) -> Option<Vec<Ino>> {
        let must_be_directory = path.ends_with('/');
        let mut trail = if path.starts_with('/') { vec![0] } else { from };
        let mut parts = path.split('/').filter(|part| !part.is_empty() && *part != ".").peekable();
        while let Some(part) = parts.next() {
            if part == ".." {
                if trail.len() > 1 {
                    trail.pop();
                }
                continue;
            }
            let next = *self.children(*trail.last()?)?.get(part)?;
            let is_last = parts.peek().is_none() && !must_be_directory;
            match &self.node(next)?.body {
                Body::Link(text) if !is_last || follow_last => {
                    *budget = budget.checked_sub(1)?;
                    trail = self.walk_from(trail, text, true, budget)?;
                }
                _ => trail.push(next),
            }
        }
        if must_be_directory {
            self.children(*trail.last()?)?;
        }
        Some(trail)
    }

    /// The directory that would hold this entry, links on the way followed, and the entry's name.
    pub(super) fn place(&self, path: &str) -> Option<(Ino, Arc<str>)> {
        let path = path.trim_end_matches('/');
        let (parent, name) = path.rsplit_once('/')?;
        let parent = if parent.is_empty() { 0 } else { self.walk(parent, true)? };
        self.children(parent)?;
        Some((parent, name.into()))
    }

    pub(super) fn ino(&self, path: &str) -> Option<Ino> {
        self.walk(path, true)
    }

    pub(super) fn ino_of_entry(&self, path: &str) -> Option<Ino> {
        self.walk(path, false)
    }

    /// `[ -e PATH ]`: something is there, links followed.
    #[must_use]
    pub fn exists(&self, path: &str) -> bool {
        self.ino(path).is_some()
    }

    /// `[ -d PATH ]`.
    #[must_use]
    pub fn is_dir(&self, path: &str) -> bool {
        self.ino(path).is_some_and(|ino| self.children(ino).is_some())
    }

    /// `[ -L PATH ]`.
    #[must_use]
    pub fn is_link(&self, path: &str) -> bool {
        self.readlink(path).is_some()
    }

    /// `[ A -ef B ]`: both are one and the same.
    #[must_use]
    pub fn same(&self, a: &str, b: &str) -> bool {
        matches!((self.ino(a), self.ino(b)), (Some(a), Some(b)) if a == b)
    }

    /// The text of a link.
    #[must_use]
    pub fn readlink(&self, path: &str) -> Option<Arc<str>> {
        match &self.node(self.ino_of_entry(path)?)?.body {
            Body::Link(text) => Some(Arc::clone(text)),
            _ => None,
        }
    }

    /// The bytes of a file, links followed.
    #[must_use]
    pub fn read(&self, path: &str) -> Option<Arc<[u8]>> {
        match &self.node(self.ino(path)?)?.body {
            Body::File(bytes, _) => Some(Arc::clone(bytes)),
            _ => None,
        }
    }

    /// Names in a directory, sorted by byte; nothing where there is none.
    #[must_use]
    pub fn names(&self, path: &str) -> Vec<String> {
        let children = self.ino(path).and_then(|ino| self.children(ino));
        children.map(|children| children.keys().map(ToString::to_string).collect()).unwrap_or_default()
    }

    /// What a shell's `PATH/* PATH/.[!.]*` finds: links that lead nowhere, too.
    #[must_use]
    pub fn glob(&self, path: &str) -> Vec<String> {
        let names = self.names(path);
        let dotted = |name: &&String| name.starts_with('.');
        let plain = names.iter().filter(|name| !name.starts_with('.'));
        let hidden = names.iter().filter(dotted).filter(|name| name.len() > 1 && !name.starts_with(".."));
        plain.chain(hidden).map(|name| format!("{path}/{name}")).collect()
    }

    /// Everything below a directory, itself excepted: relative path, mode and kind, in order of paths.
    #[must_use]
    pub fn below(&self, path: &str) -> Vec<(String, u16, Kind)> {
        let mut found = Vec::new();
        if let Some(ino) = self.ino(path) {
            self.collect(ino, "", &mut found);
        }
        found
    }

    fn collect(&self, ino: Ino, prefix: &str, found: &mut Vec<(String, u16, Kind)>) {
        for (name, ino) in self.children(ino).into_iter().flatten() {
            let path = if prefix.is_empty() { name.to_string() } else { format!("{prefix}/{name}") };
            let Some(node) = self.node(*ino) else { continue };
            let kind = match &node.body {
                Body::Dir(_) => Kind::Directory,
                Body::File(bytes, _) => Kind::File(Arc::clone(bytes)),
                Body::Link(text) => Kind::Link(Arc::clone(text)),
            };
            let is_dir = kind == Kind::Directory;
            found.push((path.clone(), node.mode, kind));
            if is_dir {
                self.collect(*ino, &path, found);
            }
        }
    }

    /// The number by which one directory is told from another.
    #[must_use]
    pub fn identity(&self, path: &str) -> Option<usize> {
        self.ino(path)
    }

    /// How many changes have been made so far.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.changes
    }
}
