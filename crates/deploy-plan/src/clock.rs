//! The one way to know the time.

use std::time::Duration;

/// Wall and monotonic time. Wall time is for people and names; order never comes from it.
pub trait Clock: Send + Sync {
    /// Seconds since 1970 in UTC.
    fn unix_seconds(&self) -> i64;
    /// Time since some fixed moment; never goes back.
    fn monotonic(&self) -> Duration;
}
