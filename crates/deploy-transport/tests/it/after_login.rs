//! Servers that break the protocol once somebody has logged in: each ends in a named result within its deadline, whatever it does.

use std::io;
use std::time::Duration;

use deploy_testbed::hostile::{Channel, Exchange, Hostile, Message, Wire};
use deploy_transport::*;

use crate::rogue::plain_target;
use crate::support::connector;

const GLOBAL_REQUEST: u8 = 80;
const OPEN: u8 = 90;
const CONFIRMED: u8 = 91;
const REFUSED: u8 = 92;
const ADJUST: u8 = 93;
const DATA: u8 = 94;
const EXTENDED: u8 = 95;
const EOF: u8 = 96;
const CLOSE: u8 = 97;
const REQUEST: u8 = 98;
const SUCCESS: u8 = 99;

/// Only so that a hang is seen as one.
const HANG: Duration = Duration::from_secs(120);

fn target(server: &Hostile) -> Target {
    let mut target = plain_target(server.address());
    target.strictness = Strictness::Off;
    target.handshake_timeout = Duration::from_secs(60);
    target.reply_timeout = Duration::from_secs(60);
    target.keepalive_interval = Duration::from_millis(300);
    target.keepalive_max = 2;
    target
}

async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(HANG, what).await.expect("it hangs")
}

/// Connects, runs a command, and gives how that ended.
async fn ended(server: &Hostile) -> Result<Output, ExecError> {
    let connector = connector();
    let target = target(server);
    let session = within(connector.connect(&target)).await.unwrap();
    let mut running = within(session.exec(Exec::new("work"))).await?;
    Ok(within(running.collect(1 << 20)).await)
}

/// A message about a channel.
fn about(number: u8, channel: u32) -> Message {
    Message::new(number).u32(channel)
}

fn exit_status(channel: u32, status: u32) -> Message {
    about(REQUEST, channel).string(b"exit-status").byte(0).u32(status)
}

fn all(wire: &mut Wire, messages: &[Message]) -> io::Result<()> {
    messages.iter().try_for_each(|message| wire.send(message))
}

/// A server that accepts the command and then sends this.
fn sends(messages: impl Fn(&Channel) -> Vec<Message> + Send + Sync + 'static) -> Hostile {
    Hostile::start(move |wire| {
        let channel = wire.serve_until_command()?;
        wire.accept(&channel)?;
        all(wire, &messages(&channel))
    })
    .unwrap()
}

fn lost(result: &Result<Output, ExecError>) -> &str {
    match result {
        Ok(Output { status: ExitStatus::Lost(reason), .. }) | Err(ExecError::Lost { reason, .. }) => reason,
        other => panic!("not lost: {other:?}"),
    }
}

#[tokio::test]
async fn the_script_can_also_keep_to_the_rules() {
    let server = sends(|channel| {
        let n = channel.theirs;
        vec![about(DATA, n).string(b"out"), about(EOF, n), exit_status(n, 3), about(CLOSE, n)]
    });
    let done = ended(&server).await.unwrap();
    assert_eq!((done.stdout_text().as_str(), done.status), ("out", ExitStatus::Code(3)));
    assert_eq!((server.connections(), server.logins()), (1, 1));
}

/// What is said of channels that do not exist reaches nobody.
#[tokio::test]
async fn channels_that_nobody_opened() {
    for strange in [1, 7, u32::MAX] {
        let server = sends(move |channel| {
            let (n, other) = (channel.theirs, channel.theirs.wrapping_add(strange));
            vec![
                about(DATA, other).string(b"not yours"),
                about(EXTENDED, other).u32(1).string(b"not yours"),
                about(ADJUST, other).u32(u32::MAX),
                exit_status(other, 0),
                about(REQUEST, other).string(b"exit-signal").byte(0).string(b"KILL").byte(0).string(b"").string(b""),
                about(SUCCESS, other),
                about(CONFIRMED, other).u32(9).u32(9).u32(9),
                about(REFUSED, other).u32(2).string(b"no").string(b""),
                about(EOF, other),
                about(CLOSE, other),
                about(DATA, n).string(b"mine"),
                exit_status(n, 4),
                about(CLOSE, n),
            ]
        });
        let result = ended(&server).await;
        match &result {
            Ok(done) if !matches!(done.status, ExitStatus::Lost(_)) => {
                assert_eq!((done.stdout_text().as_str(), &done.status), ("mine", &ExitStatus::Code(4)));
            }
            _ => assert!(lost(&result).contains("broke the SSH protocol"), "{result:?}"),
        }
    }
}

#[tokio::test]
async fn a_window_that_is_more_than_a_number_can_hold() {
    let server = Hostile::start(|wire| {
        let channel = wire.serve_until_command()?;
        wire.accept(&channel)?;
        all(wire, &[about(ADJUST, channel.theirs).u32(u32::MAX), about(ADJUST, channel.theirs).u32(u32::MAX)])?;
        let mut taken = 0;
        while taken < 5_000_000 {
            taken += wire.receive_number(DATA)?.len();
        }
        all(wire, &[exit_status(channel.theirs, 0), about(CLOSE, channel.theirs)])
    })
    .unwrap();
    let session = within(connector().connect(&target(&server))).await.unwrap();
    let mut running = within(session.exec(Exec::new("take"))).await.unwrap();
    let mut stdin = running.take_stdin().unwrap();
    let write = async { while stdin.write(vec![0; 100_000]).await.is_ok() {} };
    let (done, ()) = within(async { tokio::join!(running.collect(10), write) }).await;
    assert_eq!(done.status, ExitStatus::Code(0));
}

/// A window of nothing, and packets that may hold nothing: what is written waits, and does not turn in circles.
#[tokio::test]
async fn input_that_the_server_never_takes() {
    for (window, packet) in [(0, 32_768), (1 << 20, 0), (0, 0), (u32::MAX, u32::MAX), (1, 1)] {
        let server = Hostile::start(move |wire| {
            wire.serve_login()?;
            let (theirs, _) = wire.opened()?;
            wire.send(&about(CONFIRMED, theirs).u32(0).u32(window).u32(packet))?;
            wire.command()?;
            wire.send(&about(SUCCESS, theirs))
        })
        .unwrap();
        let connector = connector();
        let session = within(connector.connect(&target(&server))).await.unwrap();
        let result = match within(session.exec(Exec::new("take"))).await {
            Err(error) => Err(error),
            Ok(mut running) => {
                let mut stdin = running.take_stdin().unwrap();
                let write = async { while stdin.write(vec![0; 100_000]).await.is_ok() {} };
                let (done, ()) = within(async { tokio::join!(running.collect(10), write) }).await;
                Ok(done)
            }
        };
        // The script is over, so nothing is answered any more: that is noticed.
        let reason = lost(&result);
        assert!(reason.contains("no sign of life") || reason.contains("broke the SSH protocol"), "{reason}");
    }
}

#[tokio::test]
async fn ends_in_the_wrong_order() {
    type Case = (fn(u32) -> Vec<Message>, ExitStatus, &'static str);
    let closed = || ExitStatus::Lost("the server closed the channel without an exit status".into());
    let cases: Vec<Case> = vec![
        (|n| vec![exit_status(n, 2), about(DATA, n).string(b"late"), about(CLOSE, n)], ExitStatus::Code(2), "late"),
        (
            |n| vec![about(EOF, n), about(DATA, n).string(b"late"), exit_status(n, 2), about(CLOSE, n)],
            ExitStatus::Code(2),
            "late",
        ),
        (|n| vec![exit_status(n, 2), exit_status(n, 0), about(CLOSE, n)], ExitStatus::Code(2), ""),
        (|n| vec![about(DATA, n).string(b"some"), about(CLOSE, n)], closed(), "some"),
        (|n| vec![about(EOF, n), about(CLOSE, n)], closed(), ""),
        (|n| vec![about(CLOSE, n), exit_status(n, 0), about(DATA, n).string(b"late"), about(CLOSE, n)], closed(), ""),
        // Whoever holds the exit status and never closes is not waited for.
        (|n| vec![exit_status(n, 5)], ExitStatus::Code(5), ""),
    ];
    for (messages, status, output) in cases {
        let server = sends(move |channel| messages(channel.theirs));
        let done = ended(&server).await.unwrap();
        assert_eq!((&done.status, done.stdout_text().as_str()), (&status, output));
    }
}

#[tokio::test]
async fn silence_after_the_command_was_accepted() {
    let server = sends(|channel| vec![about(DATA, channel.theirs).string(b"begun")]);
    let result = ended(&server).await;
    assert!(lost(&result).contains("no sign of life"), "{result:?}");
    // The same before it was accepted, and before the channel was.
    let server = Hostile::start(|wire| wire.serve_until_command().map(drop)).unwrap();
    assert!(lost(&ended(&server).await).contains("no sign of life"));
    let server = Hostile::start(|wire| {
        wire.serve_login()?;
        wire.opened().map(drop)
    })
    .unwrap();
    assert!(lost(&ended(&server).await).contains("no sign of life"));
}

/// The keepalive is answered, the command is not.
#[tokio::test]
async fn a_server_that_lives_and_answers_nothing() {
    let server = Hostile::start(|wire| {
        wire.serve_until_command()?;
        loop {
            if wire.receive()?.first() == Some(&GLOBAL_REQUEST) {
                wire.send(&Message::new(82))?;
            }
        }
    })
    .unwrap();
    let mut target = target(&server);
    target.reply_timeout = Duration::from_millis(300);
    let session = within(connector().connect(&target)).await.unwrap();
    let error = within(session.exec(Exec::new("work"))).await.unwrap_err();
    assert!(matches!(error, ExecError::TimedOut { .. }), "{error}");
}

#[tokio::test]
async fn a_connection_cut_in_the_middle() {
    for half in [&b""[..], &[0; 3], &[0; 40]] {
        let server = Hostile::start(move |wire| {
            let channel = wire.serve_until_command()?;
            wire.accept(&channel)?;
            wire.send_raw(half)?;
            wire.hang_up()
        })
        .unwrap();
        let result = ended(&server).await;
        let reason = lost(&result);
        assert!(reason.contains("server closed the connection") || reason.contains("bad packet size"), "{reason}");
    }
}

#[tokio::test]
async fn packets_that_are_not_authentic() {
    let server = Hostile::start(|wire| {
        let channel = wire.serve_until_command()?;
        wire.accept(&channel)?;
        wire.send_raw(&[0x5a; 4096])
    })
    .unwrap();
    let result = ended(&server).await;
    assert!(lost(&result).contains("broke the SSH protocol"), "{result:?}");
}

/// Channels that a server wants to open here are refused, however many, and the command goes on.
#[tokio::test]
async fn channels_that_the_server_opens() {
    let server = Hostile::start(|wire| {
        let channel = wire.serve_until_command()?;
        wire.accept(&channel)?;
        let kinds: [&[u8]; 6] = [
            b"session",
            b"x11",
            b"forwarded-tcpip",
            b"direct-tcpip",
            b"auth-agent@openssh.com",
            b"forwarded-streamlocal@openssh.com",
        ];
        for n in 0..600u32 {
            let open = Message::new(OPEN).string(kinds[n as usize % kinds.len()]).u32(n + 10).u32(1 << 20).u32(32_768);
            let open = match n % 6 {
                1 => open.string(b"127.0.0.1").u32(22),
                2 | 3 => open.string(b"127.0.0.1").u32(22).string(b"127.0.0.1").u32(22),
                5 => open.string(b"/run/socket").string(b""),
                _ => open,
            };
            wire.send(&open)?;
            let refused = wire.receive_number(REFUSED)?;
            assert_eq!(refused[1..5], (n + 10).to_be_bytes());
        }
        all(wire, &[exit_status(channel.theirs, 0), about(CLOSE, channel.theirs)])
    })
    .unwrap();
    let done = ended(&server).await.unwrap();
    assert_eq!(done.status, ExitStatus::Code(0));
}

/// Keys are exchanged for ever and nothing else happens: the command's own deadline counts, and giving up works.
#[tokio::test]
async fn new_keys_for_ever() {
    let server = Hostile::start(|wire| {
        wire.serve_until_command()?;
        loop {
            wire.exchange_keys(&Exchange::default())?;
        }
    })
    .unwrap();
    let mut target = target(&server);
    target.reply_timeout = Duration::from_millis(300);
    let session = within(connector().connect(&target)).await.unwrap();
    let error = within(session.exec(Exec::new("work"))).await.unwrap_err();
    assert!(matches!(error, ExecError::TimedOut { .. }), "{error}");
    within(session.close()).await;
    assert!(session.is_closed());
}

#[tokio::test]
async fn an_exchange_of_keys_in_the_middle_that_is_forged_or_never_ends() {
    let server = Hostile::start(|wire| {
        let channel = wire.serve_until_command()?;
        wire.accept(&channel)?;
        wire.exchange_keys(&Exchange { forged: true, ..Exchange::default() })
    })
    .unwrap();
    let result = ended(&server).await;
    assert!(lost(&result).contains("broke the SSH protocol (wrong server signature)"), "{result:?}");
    let server = Hostile::start(|wire| {
        let channel = wire.serve_until_command()?;
        wire.accept(&channel)?;
        wire.begin_exchange()
    })
    .unwrap();
    let result = ended(&server).await;
    assert!(lost(&result).contains("no sign of life"), "{result:?}");
}

/// One host misbehaves in every way at once; a command on another, over the same connector, is as quick as ever.
#[tokio::test]
async fn other_hosts_are_not_affected() {
    let flood = Hostile::start(|wire| {
        let channel = wire.serve_until_command()?;
        wire.accept(&channel)?;
        loop {
            wire.send(&about(DATA, channel.theirs).string(&[b'x'; 30_000]))?;
            wire.send(&Message::new(GLOBAL_REQUEST).string(b"hostkeys-00@openssh.com").byte(1))?;
        }
    })
    .unwrap();
    let good = Hostile::start(|wire| {
        wire.serve_login()?;
        loop {
            let channel = wire.next_command()?;
            wire.accept(&channel)?;
            let n = channel.theirs;
            all(wire, &[about(DATA, n).string(b"on"), exit_status(n, 0), about(CLOSE, n)])?;
        }
    })
    .unwrap();
    let connector = connector();
    let (bad, fine) = (target(&flood), target(&good));
    let (bad, fine) = within(async { tokio::join!(connector.connect(&bad), connector.connect(&fine)) }).await;
    let (bad, fine) = (bad.unwrap(), fine.unwrap());
    let mut running = within(bad.exec(Exec::new("flood"))).await.unwrap();
    // Some of it has come, and nobody reads on.
    assert!(matches!(within(running.next()).await, Some(Event::Stdout(_))));
    for _ in 0..50 {
        let done = within(fine.exec(Exec::new("echo on"))).await.unwrap();
        assert_eq!(within(done.output(100)).await.stdout_text(), "on");
    }
    within(bad.close()).await;
}
