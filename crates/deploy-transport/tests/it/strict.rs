//! Strict key exchange, the remedy against the Terrapin attack (CVE-2023-48795): offered always, and kept to when the server has it.

use deploy_testbed::hostile::{Exchange, Hostile, Message};
use deploy_transport::*;

use crate::rogue::plain_target;
use crate::support::connector;

const IGNORE: u8 = 2;

/// Connects to a server that exchanges keys like this.
async fn met(how: Exchange) -> (Result<(), ConnectErrorKind>, u32) {
    let server = Hostile::start(move |wire| {
        wire.introduce()?;
        wire.exchange_keys(&how)?;
        wire.let_in()
    })
    .unwrap();
    let mut target = plain_target(server.address());
    target.strictness = Strictness::Off;
    let result = connector().connect(&target).await.map(drop).map_err(|error| error.kind);
    (result, server.logins())
}

fn ignored() -> Vec<Message> {
    vec![Message::new(IGNORE).string(b"")]
}

#[tokio::test]
async fn a_server_with_and_one_without_are_taken() {
    let (result, logins) = met(Exchange::default()).await;
    assert!(result.is_ok() && logins == 1, "{result:?}");
    let (result, _) = met(Exchange { strict: false, reset: false, ..Exchange::default() }).await;
    assert!(result.is_ok(), "{result:?}");
    // Without it, what comes in between is allowed; this is where the attack begins, and how the refusals below are known to be its.
    let within = Exchange { strict: false, reset: false, within: ignored(), ..Exchange::default() };
    let (result, _) = met(within).await;
    assert!(result.is_ok(), "{result:?}");
}

#[tokio::test]
async fn nothing_may_come_before_the_exchange_or_inside_it() {
    for how in [
        Exchange { before: ignored(), ..Exchange::default() },
        Exchange { within: ignored(), ..Exchange::default() },
        Exchange { within: vec![Message::new(4).byte(0).string(b"").string(b"")], ..Exchange::default() },
    ] {
        let (result, logins) = met(how.clone()).await;
        let Err(kind) = result else { panic!("taken: {how:?}") };
        assert!(kind.to_string().contains("strict"), "{kind}");
        assert_eq!(logins, 0, "nothing about the user was said");
    }
}

/// A packet that somebody cut out or put in shifts the numbers; starting them anew with the keys is what makes that seen.
#[tokio::test]
async fn numbers_start_anew_with_the_keys() {
    for (strict, reset) in [(true, false), (false, true)] {
        let (result, logins) = met(Exchange { strict, reset, ..Exchange::default() }).await;
        assert!(result.is_err() && logins == 0, "{strict} {reset}: {result:?}");
    }
}

#[tokio::test]
async fn a_signature_of_something_else_is_refused() {
    let (result, logins) = met(Exchange { forged: true, ..Exchange::default() }).await;
    let Err(kind) = result else { panic!("taken") };
    assert!(kind.to_string().contains("signature"), "{kind}");
    assert_eq!(logins, 0);
}
