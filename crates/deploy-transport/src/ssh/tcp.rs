//! Name look-up and TCP connections, both address families in a staggered race.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::net::TcpStream;

use crate::error::{ConnectErrorKind, ConnectPhase};

/// The head start of each address before the next one is tried as well.
const STAGGER: Duration = Duration::from_millis(250);

/// The addresses of a host, the families taking turns.
pub(crate) async fn addresses(host: &str, port: u16, deadline: Duration) -> Result<Vec<SocketAddr>, ConnectErrorKind> {
    let looked_up = tokio::time::timeout(deadline, tokio::net::lookup_host((host, port)))
        .await
        .map_err(|_| ConnectErrorKind::TimedOut { phase: ConnectPhase::Resolve, after: deadline })?
        .map_err(ConnectErrorKind::Resolve)?;
    let addresses = interleave(looked_up);
    if addresses.is_empty() {
        return Err(ConnectErrorKind::Resolve(io::Error::new(io::ErrorKind::NotFound, "the name has no address")));
    }
    Ok(addresses)
}

/// Orders addresses so that the families take turns, beginning with the resolver's first choice.
fn interleave(addresses: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let mut unique: Vec<SocketAddr> = Vec::new();
    for address in addresses {
        if !unique.contains(&address) {
            unique.push(address);
        }
    }
    let first_is_v6 = unique.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = unique.into_iter().partition(|a| a.is_ipv6() == first_is_v6);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut ordered = Vec::new();
    loop {
        match (first.next(), second.next()) {
            (None, None) => return ordered,
            (a, b) => ordered.extend(a.into_iter().chain(b)),
        }
    }
}

/// Connects to the first address that answers. On failure the address that is most telling is named.
pub(crate) async fn connect(
    addresses: &[SocketAddr],
    deadline: Duration,
) -> Result<(TcpStream, SocketAddr), (ConnectErrorKind, Option<SocketAddr>)> {
    let mut last = (timed_out(deadline), addresses.first().copied());
    let race = async {
        let mut attempts: FuturesUnordered<_> = addresses
            .iter()
            .enumerate()
            .map(|(index, address)| attempt(*address, STAGGER * u32::try_from(index).unwrap_or(u32::MAX)))
            .collect();
        while let Some((address, result)) = attempts.next().await {
            match result {
                Ok(stream) => return Ok((stream, address)),
                Err(error) => last = (classify(error), Some(address)),
            }
        }
        Err(())
    };
    match tokio::time::timeout(deadline, race).await {
        Ok(Ok((stream, address))) => {
            // Without it every small packet waits for the acknowledgement of the one before.
            match stream.set_nodelay(true) {
                Ok(()) => Ok((stream, address)),
                Err(error) => Err((ConnectErrorKind::Io(error), Some(address))),
            }
        }
        Ok(Err(())) => Err(last),
        Err(_) => Err((timed_out(deadline), last.1)),
    }
}

async fn attempt(address: SocketAddr, delay: Duration) -> (SocketAddr, io::Result<TcpStream>) {
    tokio::time::sleep(delay).await;
    (address, TcpStream::connect(address).await)
}

fn timed_out(after: Duration) -> ConnectErrorKind {
    ConnectErrorKind::TimedOut { phase: ConnectPhase::Tcp, after }
}

fn classify(error: io::Error) -> ConnectErrorKind {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => ConnectErrorKind::Refused(error),
        io::ErrorKind::ConnectionReset => ConnectErrorKind::ResetBeforeBanner,
        io::ErrorKind::TimedOut
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::AddrNotAvailable => ConnectErrorKind::Unreachable(error),
        _ => ConnectErrorKind::Io(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn families_take_turns_and_nothing_is_tried_twice() {
        let given = ["[::1]:22", "[::2]:22", "[::1]:22", "127.0.0.1:22", "127.0.0.2:22"].map(address);
        let expected = ["[::1]:22", "127.0.0.1:22", "[::2]:22", "127.0.0.2:22"].map(address);
        assert_eq!(interleave(given.into_iter()), expected);
    }

    #[tokio::test]
    async fn the_second_address_is_taken_when_the_first_refuses() {
        let open = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let closed = {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            listener.local_addr().unwrap()
        };
        let good = open.local_addr().unwrap();
        let (stream, address) = connect(&[closed, good], Duration::from_secs(30)).await.unwrap();
        assert_eq!(address, good);
        assert!(stream.nodelay().unwrap());
        let (error, address) = connect(&[closed], Duration::from_secs(30)).await.unwrap_err();
        assert!(matches!(error, ConnectErrorKind::Refused(_)));
        assert_eq!(address, Some(closed));
    }

    #[tokio::test]
    async fn a_name_without_address_is_a_resolve_error() {
        let error = addresses("no-such-host.invalid", 22, Duration::from_secs(30)).await.unwrap_err();
        assert!(matches!(error, ConnectErrorKind::Resolve(_)), "{error}");
    }
}
