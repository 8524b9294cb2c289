//! Hosts whose connection is lost and that can be reached again: what the run had begun there is undone like everywhere
//! else, over a new connection.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

use deploy_inventory::HostId;
use deploy_plan::{Event, Level, Observer, Step};
use futures_util::future::join_all;
use tokio::time::{sleep, timeout};

use crate::host::HostHandle;
use crate::run::Run;
use crate::undo::Undoable;

/// The pause before the second try; each one after it is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// How long the runner of the lost connection may take to let go of the lock: its limit of silence, and what it takes to end
/// a step.
const LOCK_PATIENCE: Duration = Duration::from_secs(16);
/// How long a host waits for the lock before it answers, in seconds.
const LOCK_SLICE: u32 = 1;
/// How long one try may take beyond the pauses.
const TRY_LIMIT: Duration = Duration::from_secs(20);

impl Run<'_> {
    /// Takes what was started on hosts whose connection is gone out of what is to be undone, in the order of starting.
    pub(crate) fn take_lost(&self, undo: &mut [Undoable]) -> Vec<(HostId, Step)> {
        let mut lost = Vec::new();
        for entry in undo.iter_mut() {
            if let Undoable::Step { step, hosts } = entry {
                let (gone, there) = std::mem::take(hosts).into_iter().partition(|host| self.fleet.is_lost(host));
                *hosts = there;
                let gone: Vec<HostId> = gone;
                lost.extend(gone.into_iter().map(|host| (host, (**step).clone())));
            }
        }
        lost
    }

    /// Connects to hosts anew and takes their locks again. Where that cannot be done in time, everything stays as it is.
    pub(crate) async fn reach_again(&self, hosts: &[HostId]) {
        if self.state.borrow().opening.is_none() {
            return;
        }
        let limit = self.settings.come_back + TRY_LIMIT;
        join_all(hosts.iter().map(|host| timeout(limit, self.come_back(host)))).await;
    }

    async fn come_back(&self, host: &HostId) {
        let (begun, mut pause) = (self.ports.clock.monotonic(), FIRST_PAUSE);
        loop {
            if let Ok(handle) = self.fleet.dial_again(self.program, host).await {
                let is_ours = self.lock_again(host, &handle).await;
                let text = match is_ours {
                    true => "the connection was lost, and there is a new one for the way back".to_owned(),
                    false => "the host is there again, but its lock is not: it is not put back".to_owned(),
                };
                let level = if is_ours { Level::Info } else { Level::Warning };
                self.ports.observer.event(&Event::Message { level, host: Some(host.clone()), text });
                if is_ours {
                    self.fleet.replace(host, handle);
                }
                return;
            }
            if self.since(begun) + pause > self.settings.come_back {
                return;
            }
            sleep(jittered(pause)).await;
            pause *= 2;
        }
    }

    fn since(&self, begun: Duration) -> Duration {
        self.ports.clock.monotonic().saturating_sub(begun)
    }

    /// The lock went with the connection, or goes when the runner there notices. Whoever has taken it since keeps it.
    async fn lock_again(&self, host: &HostId, handle: &HostHandle) -> bool {
        let transaction = self.state.borrow().opening.as_ref().map(|opening| opening.transaction.clone());
        let Some(transaction) = transaction else { return false };
        if !self.state.borrow().locked.contains(host) {
            return handle.greeted().await.is_ok();
        }
        let begun = self.ports.clock.monotonic();
        loop {
            let jobs = self.lock_jobs(&transaction, host, LOCK_SLICE, transaction.sudo);
            let results = handle.fly(jobs).await;
            if results.iter().all(|result| result.status.is_success()) {
                return true;
            }
            let is_held = results.iter().any(|result| result.refused_by.is_some());
            if !is_held || self.since(begun) > LOCK_PATIENCE {
                return false;
            }
        }
    }
}

/// Hosts that went together do not come back in the same instant.
fn jittered(pause: Duration) -> Duration {
    let random = RandomState::new().build_hasher().finish();
    let part = u32::try_from(random % 1_000).unwrap_or_default();
    pause / 2 + pause * part / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_differ_and_stay_in_bounds() {
        let all: Vec<Duration> = (0..50).map(|_| jittered(FIRST_PAUSE)).collect();
        assert!(all.iter().all(|pause| (FIRST_PAUSE / 2..FIRST_PAUSE * 3 / 2).contains(pause)), "{all:?}");
        assert!(all.iter().any(|pause| *pause != all[0]), "{all:?}");
    }
}
