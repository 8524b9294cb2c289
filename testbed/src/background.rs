//! A runtime of its own for servers, so that a fleet works below any caller: blocking tests, a
//! single-threaded runtime, or no runtime at all.

use std::future::Future;
use std::sync::mpsc;
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};

use crate::error::{Doing, Result};

/// Threads on which servers run until the value is dropped.
pub(crate) struct Background {
    runtime: Option<Runtime>,
    handle: Handle,
}

impl Background {
    /// Starts the threads.
    pub(crate) fn new(name: &str) -> Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name(name)
            .enable_all()
            .build()
            .doing(|| "start the testbed's threads".to_owned())?;
        let handle = runtime.handle().clone();
        Ok(Background { runtime: Some(runtime), handle })
    }

    /// Where to spawn.
    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Runs a future there and blocks this thread for its result; unlike `Runtime::block_on` this
    /// works inside another runtime too. None if the future panicked.
    pub(crate) fn call<T: Send + 'static>(&self, future: impl Future<Output = T> + Send + 'static) -> Option<T> {
        let (tx, rx) = mpsc::channel();
        self.handle.spawn(async move {
            let _ = tx.send(future.await);
        });
        rx.recv().ok()
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Polls until `done` or the limit has passed; says which. The only waiting loop of the crate.
pub(crate) fn wait_until(limit: Duration, mut done: impl FnMut() -> bool) -> bool {
    let step = Duration::from_millis(10);
    let mut left = limit;
    loop {
        if done() {
            return true;
        }
        if left.is_zero() {
            return false;
        }
        std::thread::sleep(step);
        left = left.saturating_sub(step);
    }
}
