//! How often the client has to wait for the network, counted at a relay between it and a real server.
//!
//! The relay holds everything back for a while, like a long way does, and gives each piece of data the number of the trip that it belongs
//! to: a piece of the client's belongs to the trip after the last one whose answer has reached it. So a client that sends two things
//! without waiting in between makes one trip, and one that waits makes two. A machine that stalls for longer than the way takes can
//! make the number too high, never too low: the smallest of some tries is the truth.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use deploy_transport::*;

use crate::sshd::Sshd;
use crate::support::{connector, public};

/// How long each direction takes.
const WAY: Duration = Duration::from_millis(60);
const TRIES: usize = 5;

/// A relay for one connection.
struct Relay {
    address: SocketAddr,
    /// Trips whose answer has reached the client.
    made: Arc<AtomicU32>,
}

impl Relay {
    fn to(server: (String, u16)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let made = Arc::new(AtomicU32::new(0));
        let at_client = Arc::clone(&made);
        std::thread::spawn(move || {
            let (client, _) = listener.accept().unwrap();
            let server = TcpStream::connect(server).unwrap();
            client.set_nodelay(true).unwrap();
            server.set_nodelay(true).unwrap();
            // The server learns of the connection by the end of its first trip, and may speak then.
            let at_server = Arc::new(AtomicU32::new(1));
            let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            let number = Arc::clone(&at_client);
            carry(from, to, move || number.load(Ordering::SeqCst) + 1, Arc::clone(&at_server));
            carry(server, client, move || at_server.load(Ordering::SeqCst), at_client);
        });
        Self { address, made }
    }

    fn made(&self) -> u32 {
        self.made.load(Ordering::SeqCst)
    }
}

/// Carries data one way: late, and each piece with its number, which `arrived` has once it is delivered.
fn carry(mut from: TcpStream, mut to: TcpStream, number: impl Fn() -> u32 + Send + 'static, arrived: Arc<AtomicU32>) {
    let (sender, pieces) = mpsc::channel::<(Instant, u32, Vec<u8>)>();
    std::thread::spawn(move || {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            if sender.send((Instant::now() + WAY, number(), buffer[..read].to_vec())).is_err() {
                break;
            }
        }
    });
    std::thread::spawn(move || {
        for (due, number, piece) in pieces {
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            // Before the data: whoever answers it must find the number.
            arrived.fetch_max(number, Ordering::SeqCst);
            if to.write_all(&piece).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    });
}

/// The smallest of some measurements; stops early when it has what is wanted.
async fn fewest<const N: usize>(wanted: [u32; N], mut measure: impl AsyncFnMut() -> [u32; N]) -> [u32; N] {
    let mut least = [u32::MAX; N];
    for _ in 0..TRIES {
        let found = measure().await;
        least = std::array::from_fn(|i| least[i].min(found[i]));
        if least == wanted {
            break;
        }
    }
    least
}

/// A target behind the relay.
fn behind(sshd: &Sshd, relay: &Relay) -> Target {
    let mut target = sshd.target();
    target.host = relay.address.ip().to_string();
    target.port = relay.address.port();
    let line = format!("[{}]:{} {}\n", target.host, target.port, public(&sshd.host_key));
    let known = sshd.path(&format!("known_hosts_{}", target.port));
    std::fs::write(&known, line).unwrap();
    target.known_hosts.user = vec![known];
    target
}

/// What OpenSSH's client needs for the same.
fn openssh(sshd: &Sshd, known: &str) -> u32 {
    let relay = Relay::to((sshd.host.clone(), sshd.port));
    let done = Command::new("ssh")
        .args(["-F", "/dev/null", "-o", "BatchMode=yes", "-o", "IdentityAgent=none", "-o", "IdentitiesOnly=yes"])
        .args(["-o", "GlobalKnownHostsFile=none", "-o", "UpdateHostKeys=no", "-o", "StrictHostKeyChecking=yes"])
        .args(["-o", &format!("UserKnownHostsFile={known}"), "-o", "HostKeyAlias=it"])
        .args(["-i", sshd.user_key.to_str().unwrap(), "-p", &relay.address.port().to_string()])
        .args([&format!("{}@127.0.0.1", sshd.target().user), "echo there"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&done.stdout), "there\n", "{}", String::from_utf8_lossy(&done.stderr));
    relay.made()
}

/// The trip of TCP itself comes before the first. Then: introductions and the server's algorithms; the keys; "may I log in?"; "would
/// you take this key?"; the signature. A command: the channel; the command and its whole result.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_and_commands_take_no_more_trips_than_the_protocol_needs() {
    let Some(sshd) = Sshd::start("") else { return };
    let wanted = [5, 2, 2, 2];
    let least = fewest(wanted, async || {
        let relay = Relay::to((sshd.host.clone(), sshd.port));
        let session = connector().connect(&behind(&sshd, &relay)).await.unwrap();
        let mut trips = vec![relay.made()];
        for n in 0..3 {
            let done = session.exec(Exec::new(format!("echo {n}"))).await.unwrap().output(100).await;
            assert_eq!((done.status.success(), done.stdout_text()), (true, format!("{n}\n")));
            trips.push(relay.made());
        }
        session.close().await;
        [trips[0], trips[1] - trips[0], trips[2] - trips[1], trips[3] - trips[2]]
    })
    .await;
    assert_eq!(least, wanted);

    if crate::support::program("ssh").is_none() {
        return;
    }
    let known = sshd.path("known_alias");
    std::fs::write(&known, format!("it {}\n", public(&sshd.host_key))).unwrap();
    let theirs = (0..TRIES).map(|_| openssh(&sshd, known.to_str().unwrap())).min().unwrap();
    println!("login and one command: {} trips, ssh {theirs}", least[0] + least[1]);
    assert!(least[0] + least[1] <= theirs, "{least:?} against {theirs}");
}

/// Commands that are started together share their trips.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_at_the_same_time_share_their_trips() {
    let Some(sshd) = Sshd::start("") else { return };
    let least = fewest([2], async || {
        let relay = Relay::to((sshd.host.clone(), sshd.port));
        let session = connector().connect(&behind(&sshd, &relay)).await.unwrap();
        let before = relay.made();
        let all = (0..6).map(|n| crate::support::output(&session, ["echo a", "echo b", "true"][n % 3]));
        assert!(futures_util::future::join_all(all).await.iter().all(|done| done.status.success()));
        [relay.made() - before]
    })
    .await;
    assert_eq!(least, [2]);
}

/// A shell that stays open takes one trip per question. The first has one more than a command, because OpenSSH's server takes no input (its
/// window is 0) until it has started the command.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shell_that_stays_takes_one_trip_per_question() {
    let Some(sshd) = Sshd::start("") else { return };
    let wanted = [3, 1, 1];
    let least = fewest(wanted, async || {
        let relay = Relay::to((sshd.host.clone(), sshd.port));
        let session = connector().connect(&behind(&sshd, &relay)).await.unwrap();
        let mut made = relay.made();
        let mut running = session.exec(Exec::new("exec sh -s").pipelined()).await.unwrap();
        let mut input = running.take_stdin().unwrap();
        let mut trips = [0; 3];
        for trip in &mut trips {
            input.write("echo answer\n").await.unwrap();
            assert_eq!(running.next().await, Some(Event::Stdout("answer\n".into())));
            *trip = relay.made() - made;
            made = relay.made();
        }
        trips
    })
    .await;
    assert_eq!(least, wanted);
}
