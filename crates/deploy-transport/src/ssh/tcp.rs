//! Name look-up and TCP connections, both address families in a staggered race.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::net::{TcpSocket, TcpStream};

use crate::error::{ConnectErrorKind, ConnectPhase};
use crate::ssh_config::AddressFamily;
use crate::target::Target;

/// The head start of each address before the next one is tried as well.
const STAGGER: Duration = Duration::from_millis(250);

/// The addresses of a host, the families taking turns.
pub(crate) async fn addresses(target: &Target) -> Result<Vec<SocketAddr>, ConnectErrorKind> {
    let deadline = target.connect_timeout;
    let looked_up = tokio::time::timeout(deadline, tokio::net::lookup_host((target.host.as_str(), target.port)))
        .await
        .map_err(|_| ConnectErrorKind::TimedOut { phase: ConnectPhase::Resolve, after: deadline })?
        .map_err(ConnectErrorKind::Resolve)?;
    let wanted = |address: &SocketAddr| match target.address_family {
        AddressFamily::Any => true,
        AddressFamily::V4 => address.is_ipv4(),
        AddressFamily::V6 => address.is_ipv6(),
    };
    let addresses = interleave(looked_up.filter(wanted));
    if addresses.is_empty() {
        let problem = match target.address_family {
            AddressFamily::Any => "the name has no address",
            AddressFamily::V4 => "the name has no IPv4 address",
            AddressFamily::V6 => "the name has no IPv6 address",
        };
        return Err(ConnectErrorKind::Resolve(io::Error::new(io::ErrorKind::NotFound, problem)));
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
    from: Option<IpAddr>,
    deadline: Duration,
) -> Result<(TcpStream, SocketAddr), (ConnectErrorKind, Option<SocketAddr>)> {
    let mut last = (timed_out(deadline), addresses.first().copied());
    let race = async {
        let mut attempts: FuturesUnordered<_> = addresses
            .iter()
            .enumerate()
            .map(|(index, address)| attempt(*address, from, STAGGER * u32::try_from(index).unwrap_or(u32::MAX)))
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

async fn attempt(address: SocketAddr, from: Option<IpAddr>, delay: Duration) -> (SocketAddr, io::Result<TcpStream>) {
    tokio::time::sleep(delay).await;
    (address, open(address, from).await)
}

async fn open(address: SocketAddr, from: Option<IpAddr>) -> io::Result<TcpStream> {
    let Some(from) = from else {
        return TcpStream::connect(address).await;
    };
    let socket = if from.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.bind(SocketAddr::new(from, 0))?;
    socket.connect(address).await
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
        let (stream, address) = connect(&[closed, good], None, Duration::from_secs(30)).await.unwrap();
        assert_eq!(address, good);
        assert!(stream.nodelay().unwrap());
        let (error, address) = connect(&[closed], None, Duration::from_secs(30)).await.unwrap_err();
        assert!(matches!(error, ConnectErrorKind::Refused(_)));
        assert_eq!(address, Some(closed));
    }

    #[tokio::test]
    async fn a_name_without_address_is_a_resolve_error() {
        let environment = crate::LocalEnvironment::current();
        let error = addresses(&Target::new("no-such-host.invalid", "me", &environment)).await.unwrap_err();
        assert!(matches!(error, ConnectErrorKind::Resolve(_)), "{error}");
    }

    #[tokio::test]
    async fn the_family_and_the_local_address_are_as_wanted() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let here = listener.local_addr().unwrap();
        let mut target = Target::new("127.0.0.1", "me", &crate::LocalEnvironment::current());
        target.address_family = AddressFamily::V6;
        let error = addresses(&target).await.unwrap_err();
        assert!(matches!(&error, ConnectErrorKind::Resolve(why) if why.to_string().contains("IPv6")), "{error}");
        let from = "127.0.0.77".parse().unwrap();
        let (stream, _) = connect(&[here], Some(from), Duration::from_secs(30)).await.unwrap();
        assert_eq!(stream.local_addr().unwrap().ip(), from);
    }
}
