//! What a person types to `cap ssh` itself: `~.` at the beginning of a line hangs up, `~~` there is one `~`.

/// Finds the escapes in what is typed.
pub(super) struct Escapes {
    /// Whether a line begins here.
    at_start: bool,
    /// Whether a `~` is held back until the next key says what it means.
    held: bool,
}

/// What becomes of some keys.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Keys {
    /// What goes to the host.
    pub(super) typed: Vec<u8>,
    /// Whether the person hangs up.
    pub(super) hang_up: bool,
}

impl Escapes {
    pub(super) fn new() -> Self {
        Self { at_start: true, held: false }
    }

    pub(super) fn take(&mut self, keys: &[u8]) -> Keys {
        let mut typed = Vec::with_capacity(keys.len());
        for &key in keys {
            if std::mem::take(&mut self.held) {
                match key {
                    b'.' => return Keys { typed, hang_up: true },
                    b'~' => {}
                    _ => typed.push(b'~'),
                }
            } else if key == b'~' && self.at_start {
                (self.held, self.at_start) = (true, false);
                continue;
            }
            typed.push(key);
            self.at_start = matches!(key, b'\r' | b'\n');
        }
        Keys { typed, hang_up: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_count_at_the_beginning_of_a_line_only() {
        for (keys, typed, hang_up) in [
            ("~.", "", true),
            ("ls\r~.more", "ls\r", true),
            ("a~.", "a~.", false),
            ("~~.\r", "~.\r", false),
            ("~/x\r", "~/x\r", false),
            ("~\r~.", "~\r", true),
            ("~", "", false),
        ] {
            let expected = Keys { typed: typed.into(), hang_up };
            assert_eq!(Escapes::new().take(keys.as_bytes()), expected, "{keys:?}");
            // The same key by key.
            let (mut escapes, mut all, mut hung_up) = (Escapes::new(), Vec::new(), false);
            for key in keys.bytes() {
                if !hung_up {
                    let one = escapes.take(&[key]);
                    all.extend(one.typed);
                    hung_up = one.hang_up;
                }
            }
            assert_eq!(Keys { typed: all, hang_up: hung_up }, expected, "{keys:?}");
        }
    }
}
