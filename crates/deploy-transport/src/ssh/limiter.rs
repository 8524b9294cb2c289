//! How many logins may be under way at the same time to one address.
//!
//! Servers refuse logins at random when too many have begun (`MaxStartups`, 10 by default), and a bastion takes the logins
//! of all hosts behind it. Eight at a time are never refused by a server with the defaults.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::prompt::lock;

/// Limits simultaneous logins per address and port.
#[derive(Debug)]
pub struct ConnectLimiter {
    at_once: usize,
    gates: Mutex<HashMap<String, Arc<Semaphore>>>,
}

impl Default for ConnectLimiter {
    fn default() -> Self {
        Self::new(8)
    }
}

impl ConnectLimiter {
    /// So many at once per address.
    pub fn new(at_once: usize) -> Self {
        Self { at_once: at_once.max(1), gates: Mutex::new(HashMap::new()) }
    }

    /// Waits for a turn at an address.
    pub(crate) async fn turn(&self, address: &str) -> Option<OwnedSemaphorePermit> {
        let gate = lock(&self.gates)
            .entry(address.to_owned())
            .or_insert_with(|| Arc::new(Semaphore::new(self.at_once)))
            .clone();
        // It is never closed, so there is always a turn.
        gate.acquire_owned().await.ok()
    }
}

/// How long to wait before try number `attempt` (from 2): growing, and different for each caller.
pub(crate) fn pause(attempt: u32) -> Duration {
    let base = 150u64.saturating_mul(1 << attempt.saturating_sub(2).min(4));
    // A fresh hasher has random keys, which is all the chance needed here.
    let chance = RandomState::new().build_hasher().finish();
    Duration::from_millis(base + chance % base)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn no_more_than_allowed_at_once_and_addresses_are_apart() {
        let limiter = ConnectLimiter::new(3);
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let all = (0..20).map(|_| async {
            let _turn = limiter.turn("10.0.0.1:22").await;
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            now.fetch_sub(1, Ordering::SeqCst);
        });
        futures_util::future::join_all(all).await;
        assert_eq!(most.load(Ordering::SeqCst), 3);
        let _first = limiter.turn("10.0.0.2:22").await;
    }

    #[test]
    fn pauses_grow_and_differ() {
        let first: Vec<_> = (0..20).map(|_| pause(2)).collect();
        assert!(first.iter().all(|p| (150..300).contains(&p.as_millis())));
        assert!(first.iter().any(|p| *p != first[0]));
        assert!(pause(4).as_millis() >= 600);
    }
}
