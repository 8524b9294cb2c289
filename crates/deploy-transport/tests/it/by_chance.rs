//! Messages by chance, encrypted and authentic, at each stage of a connection: always a result with a reason, never a panic or a hang.
//!
//! `CAPSTAN_FUZZ_CASES` sets how many connections are made; the fuzz targets beside this crate go on for as long as one likes.

use std::time::Duration;

use deploy_testbed::hostile::{Exchange, Hostile, Message, Wire};
use deploy_transport::*;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::rogue::plain_target;
use crate::support::connector;

/// Where the nonsense begins.
#[derive(Debug, Clone, Copy)]
enum Stage {
    InTheExchange,
    BeforeTheLogin,
    InTheLogin,
    BeforeTheChannel,
    BeforeTheAnswer,
    WhileItRuns,
}

impl Stage {
    /// Keeps to the rules until then.
    fn reach(self, wire: &mut Wire) -> std::io::Result<()> {
        wire.introduce()?;
        if matches!(self, Self::InTheExchange) {
            return wire.begin_exchange();
        }
        wire.exchange_keys(&Exchange::default())?;
        match self {
            Self::BeforeTheLogin => return Ok(()),
            Self::InTheLogin => {
                wire.receive_number(5)?;
                wire.send(&Message::new(6).string(b"ssh-userauth"))?;
                return wire.receive_number(50).map(drop);
            }
            _ => wire.let_in()?,
        }
        if matches!(self, Self::BeforeTheChannel) {
            return wire.opened().map(drop);
        }
        let channel = wire.next_command()?;
        match self {
            Self::WhileItRuns => wire.accept(&channel),
            _ => Ok(()),
        }
    }
}

/// Fields as messages have them, and as they do not.
fn message() -> impl Strategy<Value = Message> {
    let number = prop_oneof![1u8..8, 20u8..22, 30u8..32, 50u8..67, 80u8..83, 90u8..101, any::<u8>()];
    let text = proptest::sample::select(vec![
        "exit-status",
        "exit-signal",
        "keepalive@openssh.com",
        "hostkeys-00@openssh.com",
        "auth-agent@openssh.com",
        "publickey,password,keyboard-interactive",
        "ssh-userauth",
    ]);
    let field = prop_oneof![
        any::<u32>().prop_map(|n| n.to_be_bytes().to_vec()),
        (0u32..3).prop_map(|n| n.to_be_bytes().to_vec()),
        text.prop_map(|text| Message::new(0).string(text.as_bytes()).text()[1..].to_vec()),
        proptest::collection::vec(any::<u8>(), 0..40)
            .prop_map(|text| Message::new(0).string(&text).text()[1..].to_vec()),
        proptest::collection::vec(any::<u8>(), 0..9),
    ];
    let fields = proptest::collection::vec(field, 0..6);
    (number, fields).prop_map(|(number, fields)| Message::new(number).bytes(&fields.concat()))
}

/// How a command on such a server ended.
async fn ended(server: &Hostile) -> String {
    let mut target = plain_target(server.address());
    target.strictness = Strictness::Off;
    let session = match connector().connect(&target).await {
        Ok(session) => session,
        Err(error) => return error.kind.to_string(),
    };
    match session.exec(Exec::new("work")).await {
        Ok(mut running) => running.collect(1 << 20).await.status.to_string(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn messages_by_chance() {
    let cases = std::env::var("CAPSTAN_FUZZ_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(60);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(cases) });
    let stage = proptest::sample::select(vec![
        Stage::InTheExchange,
        Stage::BeforeTheLogin,
        Stage::InTheLogin,
        Stage::BeforeTheChannel,
        Stage::BeforeTheAnswer,
        Stage::WhileItRuns,
    ]);
    runner
        .run(&(stage, proptest::collection::vec(message(), 1..12)), |(stage, messages)| {
            let server = Hostile::start(move |wire| {
                stage.reach(wire)?;
                messages.iter().try_for_each(|message| wire.send(message))?;
                wire.hang_up()
            })
            .unwrap();
            let ended = runtime.block_on(async {
                tokio::time::timeout(Duration::from_secs(120), ended(&server)).await.expect("it hangs")
            });
            prop_assert!(!ended.is_empty());
            Ok(())
        })
        .unwrap();
}
