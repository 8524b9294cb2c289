//! Messages of the protocol, put together piece by piece.

/// A message: its number and its fields.
#[derive(Debug, Clone)]
pub struct Message(pub(crate) Vec<u8>);

impl Message {
    /// A message of this number (RFC 4250, section 4.1.2).
    #[must_use]
    pub fn new(number: u8) -> Self {
        Self(vec![number])
    }

    /// Adds one byte.
    #[must_use]
    pub fn byte(mut self, byte: u8) -> Self {
        self.0.push(byte);
        self
    }

    /// Adds a number.
    #[must_use]
    pub fn u32(mut self, number: u32) -> Self {
        self.0.extend(number.to_be_bytes());
        self
    }

    /// Adds a string with its length.
    #[must_use]
    pub fn string(self, text: &[u8]) -> Self {
        // Nobody makes longer ones.
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
        self.u32(length).bytes(text)
    }

    /// Adds bytes as they are.
    #[must_use]
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// What it is as bytes.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        &self.0
    }

    /// Adds a number of any length, given without leading zeros or with them.
    pub(crate) fn mpint(self, digits: &[u8]) -> Self {
        let skip = digits.iter().take_while(|digit| **digit == 0).count();
        let digits = digits.get(skip..).unwrap_or_default();
        match digits.first() {
            Some(first) if *first >= 0x80 => self.string(&[&[0], digits].concat()),
            _ => self.string(digits),
        }
    }
}

/// Reads the fields of a message.
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl<'a> Fields<'a> {
    pub(crate) fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.bytes(4)?.try_into().ok().map(u32::from_be_bytes)
    }

    pub(crate) fn string(&mut self) -> Option<&'a [u8]> {
        let length = self.u32()?;
        self.bytes(usize::try_from(length).ok()?)
    }
}
