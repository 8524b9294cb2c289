//! However much a host sends, in whatever form: the client's memory stays small. Each case runs in a process of its own, whose
//! largest size the kernel remembers.

use std::io;
use std::process::Command;
use std::time::Duration;

use deploy_testbed::hostile::{Exchange, Hostile, Message, Wire};
use deploy_transport::*;

use crate::rogue::plain_target;
use crate::support::connector;

const ADDRESS: &str = "CAPSTAN_TEST_HOSTILE_ADDRESS";
/// How much is sent in each case, and in how many messages at the most.
const FLOOD: usize = 100_000_000;
const MESSAGES: usize = 60_000;
const ALLOWED_KIB: usize = 64 << 10;

/// Sends a message again and again, until it is enough or the client has had enough.
fn flood(wire: &mut Wire, message: &Message) -> io::Result<()> {
    for _ in 0..MESSAGES.min(FLOOD / message.text().len()) {
        wire.send(message)?;
    }
    wire.hang_up()
}

type Script = fn(&mut Wire) -> io::Result<()>;

/// After the command was accepted.
macro_rules! running {
    (|$channel:ident| $message:expr) => {
        |wire| {
            let $channel = wire.serve_until_command()?;
            wire.accept(&$channel)?;
            flood(wire, &$message)
        }
    };
}

const CASES: &[(&str, Script)] = &[
    ("data beyond the window", running!(|channel| Message::new(94).u32(channel.theirs).string(&[b'x'; 32_000]))),
    (
        "errors beyond the window",
        running!(|channel| Message::new(95).u32(channel.theirs).u32(1).string(&[b'x'; 32_000])),
    ),
    (
        "data of an unknown kind",
        running!(|channel| Message::new(95).u32(channel.theirs).u32(7).string(&[b'x'; 32_000])),
    ),
    ("data for nobody", running!(|channel| Message::new(94).u32(channel.theirs + 9).string(&[b'x'; 32_000]))),
    ("requests that want answers", running!(|_channel| Message::new(80).string(b"strange@example.com").byte(1))),
    ("big requests", running!(|_channel| Message::new(80).string(&[b'r'; 32_000]).byte(1).string(&[0; 2000]))),
    (
        "keys of the host",
        running!(|_channel| Message::new(80).string(b"hostkeys-00@openssh.com").byte(0).string(&[0; 30_000])),
    ),
    (
        "channels",
        running!(|_channel| Message::new(90).string(b"auth-agent@openssh.com").u32(3).u32(1 << 20).u32(32_768)),
    ),
    ("more window", running!(|channel| Message::new(93).u32(channel.theirs).u32(u32::MAX))),
    ("nothing", running!(|_channel| Message::new(2).string(&[0; 32_000]))),
    ("remarks", running!(|_channel| Message::new(4).byte(1).string(&[b'd'; 30_000]).string(b""))),
    ("unknown messages", running!(|_channel| Message::new(192).string(&[0; 32_000]))),
    ("abilities", running!(|_channel| Message::new(7).u32(1).string(b"server-sig-algs").string(&[b'a'; 30_000]))),
    ("banners before the login", |wire| {
        wire.introduce()?;
        wire.exchange_keys(&Exchange::default())?;
        wire.receive_number(5)?;
        wire.send(&Message::new(6).string(b"ssh-userauth"))?;
        flood(wire, &Message::new(53).string(&[b'b'; 30_000]).string(b""))
    }),
    ("questions without number", |wire| {
        wire.introduce()?;
        wire.exchange_keys(&Exchange::default())?;
        wire.receive_number(5)?;
        wire.send(&Message::new(6).string(b"ssh-userauth"))?;
        wire.receive_number(50)?;
        wire.send(&Message::new(51).string(b"keyboard-interactive").byte(0))?;
        wire.receive_number(50)?;
        let many = Message::new(60).string(b"").string(b"").string(b"").u32(u32::MAX);
        wire.send(&many.string(b"Password: ").byte(0))?;
        flood(wire, &Message::new(60).string(b"").string(b"").string(b"").u32(u32::MAX).bytes(&[0; 30_000]))
    }),
    ("keys again and again", |wire| {
        let channel = wire.serve_until_command()?;
        wire.accept(&channel)?;
        for _ in 0..300 {
            wire.exchange_keys(&Exchange::default())?;
            wire.send(&Message::new(94).u32(channel.theirs).string(&[b'x'; 32_000]))?;
        }
        wire.hang_up()
    }),
    ("packets that begin and never end", |wire| {
        let channel = wire.serve_until_command()?;
        wire.accept(&channel)?;
        wire.exchange_keys(&Exchange::default())?;
        wire.send_raw(&vec![0; FLOOD])
    }),
];

#[test]
fn memory_stays_small_whatever_a_host_sends() {
    let mut grown = Vec::new();
    for (what, script) in CASES {
        let server = Hostile::start(script).unwrap();
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "hostile_memory::the_client", "--ignored", "--nocapture"])
            .env(ADDRESS, server.address().to_string())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&child.stdout).into_owned();
        assert!(child.status.success(), "{what}: {said}{}", String::from_utf8_lossy(&child.stderr));
        let figure = |name: &str| said.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
        let peak: usize = figure("peak KiB").parse().unwrap();
        println!("{what}: {peak} KiB, {}", figure("ended"));
        if peak > ALLOWED_KIB {
            grown.push(format!("{what}: {peak} KiB"));
        }
    }
    assert!(grown.is_empty(), "{grown:#?}");
}

#[tokio::test]
#[ignore = "the other process of the test above"]
async fn the_client() {
    let Ok(address) = std::env::var(ADDRESS) else { return };
    let mut target = plain_target(address.parse().unwrap());
    target.strictness = Strictness::Off;
    target.keepalive_interval = Duration::from_millis(500);
    target.keepalive_max = 2;
    target.reply_timeout = Duration::from_secs(3);
    let why = tokio::time::timeout(Duration::from_secs(120), meet(&target)).await.expect("it hangs");
    assert!(!why.is_empty());
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    println!("\nended {why}\npeak KiB {}", peak.trim().trim_end_matches(" kB"));
}

/// Runs a command, reads nothing until the connection has ended, then all of it; gives how it ended.
async fn meet(target: &Target) -> String {
    let session = match connector().connect(target).await {
        Ok(session) => session,
        Err(error) => return error.to_string(),
    };
    let mut running = match session.exec(Exec::new("flood")).await {
        Ok(running) => running,
        Err(error) => return error.to_string(),
    };
    while !session.is_closed() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    loop {
        match running.next().await {
            Some(Event::Exit(status)) => return status.to_string(),
            Some(_) => {}
            None => panic!("no end was told"),
        }
    }
}
