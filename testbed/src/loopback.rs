//! Loopback addresses of our own: all of 127.0.0.0/8 where the system has it, else 127.0.0.1.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};
use std::time::Duration;

use crate::background::wait_until;
use crate::error::{Doing, Result, TestbedError};

/// The network of one fleet: 127.x.y.0 onwards, or nothing but 127.0.0.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Base {
    second: u8,
    third: u8,
    whole_net: bool,
}

impl Base {
    /// A random one, so that fleets of parallel tests do not meet. Below 127.64 and above 127.0,
    /// which people use for their own.
    pub(crate) fn pick() -> Self {
        let [a, b, ..] = RandomState::new().build_hasher().finish().to_le_bytes();
        let base = Base { second: 64 + a % 128, third: b, whole_net: true };
        // macOS has 127.0.0.1 only.
        let whole_net = TcpListener::bind((base.address(0), 0)).is_ok();
        Base { whole_net, ..base }
    }

    /// The address of host number `i`; they differ up to 60 000 hosts.
    pub(crate) fn address(self, i: usize) -> Ipv4Addr {
        if !self.whole_net {
            return Ipv4Addr::LOCALHOST;
        }
        let low = u8::try_from(i % 250 + 1).unwrap_or(1);
        let third = self.third.wrapping_add(u8::try_from(i / 250 % 256).unwrap_or(0));
        Ipv4Addr::new(127, self.second, third, low)
    }

    /// Whether each host has an address of its own.
    #[cfg(feature = "containers")]
    pub(crate) fn is_whole(self) -> bool {
        self.whole_net
    }
}

/// A port that is free now; for servers that are not told one by the system.
#[cfg(feature = "containers")]
pub(crate) fn free_port(address: Ipv4Addr) -> Result<u16> {
    let doing = || format!("find a free port of {address}");
    let listener = TcpListener::bind((address, 0)).doing(doing)?;
    Ok(listener.local_addr().doing(doing)?.port())
}

/// A listener for a server with many clients at once: deep backlog, non-blocking.
pub(crate) fn listen(address: Ipv4Addr, port: u16) -> Result<TcpListener> {
    let doing = || format!("listen on {address}:{port}");
    let listener = TcpListener::bind((address, port)).doing(doing)?;
    rustix::net::listen(&listener, 1024).doing(doing)?;
    listener.set_nonblocking(true).doing(doing)?;
    Ok(listener)
}

/// Waits until something accepts connections there.
pub(crate) fn wait_listening(addr: SocketAddrV4, what: &str, detail: impl Fn() -> String) -> Result<()> {
    let limit = Duration::from_secs(15);
    if wait_until(limit, || std::net::TcpStream::connect(addr).is_ok()) {
        return Ok(());
    }
    Err(TestbedError::Timeout { what: what.to_owned(), seconds: limit.as_secs(), detail: detail() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_a_fleet_differ_and_are_loopback() {
        let base = Base { second: 70, third: 250, whole_net: true };
        let all: std::collections::HashSet<_> = (0..2000).map(|i| base.address(i)).collect();
        assert_eq!(all.len(), 2000);
        assert!(all.iter().all(Ipv4Addr::is_loopback));
    }
}
