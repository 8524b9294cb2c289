//! Counting round trips.

/// Round trips of one host behind its login.
///
/// A round trip is work of ours that could not be sent before an answer of the host had come. Requests that leave together,
/// or before the host has answered any that left before, are one; heartbeats, kills and the goodbye are none, because nothing
/// waits for them. The login is everything up to the open session channel.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    count: u32,
    /// Nothing has been answered since the last work was sent.
    waiting: bool,
}

impl Turns {
    /// Work leaves.
    pub(crate) fn sent(&mut self) {
        if !self.waiting {
            self.count += 1;
            self.waiting = true;
        }
    }

    /// An answer has come.
    pub(crate) fn answered(&mut self) {
        self.waiting = false;
    }

    /// Something that waited by itself: the start of a channel.
    pub(crate) fn waited(&mut self, times: u32) {
        self.count += times;
    }

    /// How many so far.
    pub(crate) fn count(&self) -> u32 {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_together_is_one() {
        let mut turns = Turns::default();
        turns.sent();
        turns.sent();
        assert_eq!(turns.count(), 1);
        turns.answered();
        turns.answered();
        assert_eq!(turns.count(), 1, "answers alone are none");
        turns.sent();
        assert_eq!(turns.count(), 2);
        turns.waited(2);
        assert_eq!(turns.count(), 4);
    }
}
