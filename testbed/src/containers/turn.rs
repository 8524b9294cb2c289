//! Taking turns: of all fleets of this machine one at a time comes up or goes down. Engines have been seen to lock up for
//! good when networks and containers of one fleet came while those of another went.

use std::fs::{File, TryLockError};
use std::time::Duration;

use crate::background::wait_until;
use crate::error::{Doing, Result, TestbedError};

/// As long as a fleet with every call at its deadline may take.
const LIMIT: Duration = Duration::from_secs(900);

/// The turn, until it is dropped; the kernel takes it from a process that dies.
#[derive(Debug)]
pub(super) struct Turn {
    _file: File,
}

impl Turn {
    /// Waits for it.
    pub(super) fn take() -> Result<Self> {
        let path = std::env::temp_dir().join("capstan-testbed.lock");
        let doing = || format!("lock {}", path.display());
        // Only to be locked; it may be another user's, who may not be written to.
        let file = File::open(&path).or_else(|_| File::create(&path)).doing(doing)?;
        let mut failure = None;
        let taken = wait_until(LIMIT, || match file.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock) => false,
            Err(TryLockError::Error(e)) => {
                failure = Some(e);
                true
            }
        });
        match (taken, failure) {
            (_, Some(e)) => Err(e).doing(doing),
            (true, None) => Ok(Turn { _file: file }),
            (false, None) => Err(TestbedError::Timeout {
                what: format!("waiting for {}", path.display()),
                seconds: LIMIT.as_secs(),
                detail: "another fleet of containers is coming up or going down, or hangs: find its process with \
                         `fuser`, end it, and run `cargo xtask testbed sweep`"
                    .to_owned(),
            }),
        }
    }
}
