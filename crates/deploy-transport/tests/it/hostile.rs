//! Servers that break the protocol before anybody has logged in, byte by byte: each ends in a named error, and none hangs or grows.

use std::time::Duration;

use deploy_transport::*;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use crate::rogue::plain_target;
use crate::support::connector;

const VERSION: &[u8] = b"SSH-2.0-Hostile\r\n";

/// Connects to a server that sends `start` and then `again` without end (or nothing more).
async fn refused(start: &[u8], again: &[u8]) -> ConnectErrorKind {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (start, again) = (start.to_vec(), again.to_vec());
    let server = tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let (start, again) = (start.clone(), again.clone());
            kept.push(tokio::spawn(async move {
                let mut sent = stream.write_all(&start).await;
                while sent.is_ok() && !again.is_empty() {
                    sent = stream.write_all(&again).await;
                }
                if again.is_empty() {
                    std::future::pending::<()>().await;
                }
            }));
        }
    });
    let mut target = plain_target(address);
    target.handshake_timeout = Duration::from_millis(500);
    target.strictness = Strictness::Off;
    // Only so that a hang is seen as one.
    let connector = connector();
    let tried = tokio::time::timeout(Duration::from_secs(120), connector.connect(&target)).await;
    server.abort();
    match tried.expect("it hangs") {
        Ok(_) => panic!("connected"),
        Err(error) => error.kind,
    }
}

/// A packet of the protocol before encryption.
fn packet(payload: &[u8]) -> Vec<u8> {
    let padding = 8 + (8 - (payload.len() + 5) % 8) % 8;
    let mut packet = u32::try_from(payload.len() + padding + 1).unwrap().to_be_bytes().to_vec();
    packet.push(u8::try_from(padding).unwrap());
    packet.extend_from_slice(payload);
    packet.extend(vec![0; padding]);
    packet
}

#[tokio::test]
async fn a_flood_instead_of_an_introduction() {
    for again in [&[b'x'; 4096][..], &b"a line\r\n".repeat(500)[..], &[0u8; 4096][..], &[0xff; 4096][..]] {
        let kind = refused(b"", again).await;
        let named = matches!(
            kind,
            ConnectErrorKind::NotSsh(_) | ConnectErrorKind::TimedOut { .. } | ConnectErrorKind::ResetBeforeBanner
        );
        assert!(named, "{kind:?}");
    }
}

#[tokio::test]
async fn packets_that_no_server_sends() {
    let cases: Vec<Vec<u8>> = vec![
        vec![0xff; 64],
        vec![0; 64],
        // A length that nobody could keep.
        [&0xffff_fff0u32.to_be_bytes()[..], &[4; 60]].concat(),
        // More padding than packet.
        [&12u32.to_be_bytes()[..], &[200; 60]].concat(),
        packet(&[20]),
        packet(&[20; 17]),
        // Answers to questions that were not asked.
        packet(&[21]),
        packet(&[31, 0, 0, 0, 1, 0]),
        packet(&[52]),
        packet(&[91, 0, 0, 0, 0, 0, 0, 0, 0]),
        packet(&[93, 0, 0, 0, 9, 0xff, 0xff, 0xff, 0xff]),
        packet(&[1, 0, 0, 0, 2, 0xff, 0xff, 0xff, 0xff]),
        packet(&[255; 32]),
    ];
    for case in cases {
        let kind = refused(&[VERSION, &case].concat(), b"").await;
        assert!(!kind.to_string().is_empty());
        // The same again and again, until the client has had enough.
        refused(VERSION, &case.repeat(50)).await;
    }
}

#[test]
fn bytes_by_chance_after_the_introduction() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(24) });
    let bytes = (any::<u8>(), proptest::collection::vec(any::<u8>(), 0..120), any::<bool>());
    runner
        .run(&bytes, |(message, rest, framed)| {
            let payload = [&[message][..], &rest].concat();
            let sent = if framed { packet(&payload) } else { payload };
            let kind = runtime.block_on(refused(&[VERSION, &sent].concat(), b""));
            prop_assert!(!kind.to_string().is_empty());
            Ok(())
        })
        .unwrap();
}
