//! Control characters that a terminal shows when they are typed.

use std::io;

use rustix::process::getpgrp;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};

/// While this lives the terminal does not show `^C` for Ctrl-C: in the middle of a live display it would move the cursor,
/// and lines of the display would be left on the screen. Nothing else about the terminal is changed.
pub(crate) struct HiddenControls(Termios);

impl HiddenControls {
    /// None where standard input is no terminal, or is another job's.
    pub(crate) fn begin() -> Option<Self> {
        let before = tcgetattr(io::stdin()).ok().filter(|_| is_ours())?;
        let mut now = before.clone();
        now.local_modes.remove(LocalModes::ECHOCTL);
        tcsetattr(io::stdin(), OptionalActions::Now, &now).ok()?;
        Some(Self(before))
    }
}

impl Drop for HiddenControls {
    fn drop(&mut self) {
        if is_ours() {
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
        }
    }
}

/// A job in the background that sets the terminal is stopped by it.
fn is_ours() -> bool {
    tcgetpgrp(io::stdin()).is_ok_and(|group| group == getpgrp())
}
