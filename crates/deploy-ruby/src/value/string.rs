//! Mutable byte strings that are read as UTF-8.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

struct Inner {
    bytes: RefCell<Vec<u8>>,
    frozen: Cell<bool>,
}

/// A shared mutable string.
#[derive(Clone)]
pub struct Str(Rc<Inner>);

impl Str {
    /// A new string.
    pub fn new(text: &str) -> Self {
        Self::from_bytes(text.as_bytes().to_vec())
    }

    /// A new string from bytes.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Rc::new(Inner { bytes: RefCell::new(bytes.into()), frozen: Cell::new(false) }))
    }

    /// The text; invalid UTF-8 is replaced.
    pub fn to_text(&self) -> String {
        match String::from_utf8_lossy(&self.0.bytes.borrow()) {
            Cow::Borrowed(text) => text.to_owned(),
            Cow::Owned(text) => text,
        }
    }

    /// The bytes, copied.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.bytes.borrow().clone()
    }

    /// Number of bytes.
    pub fn byte_len(&self) -> usize {
        self.0.bytes.borrow().len()
    }

    /// Whether it is frozen.
    pub fn is_frozen(&self) -> bool {
        self.0.frozen.get()
    }

    /// Forbids further changes.
    pub fn freeze(&self) {
        self.0.frozen.set(true);
    }

    pub(crate) fn set(&self, bytes: impl Into<Vec<u8>>) {
        self.0.bytes.replace(bytes.into());
    }

    pub(crate) fn append(&self, bytes: &[u8]) {
        self.0.bytes.borrow_mut().extend_from_slice(bytes);
    }

    pub(crate) fn same(&self, other: &Str) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    pub(crate) fn address(&self) -> usize {
        Rc::as_ptr(&self.0) as usize
    }

    pub(crate) fn with<T>(&self, look: impl FnOnce(&[u8]) -> T) -> T {
        look(&self.0.bytes.borrow())
    }
}
