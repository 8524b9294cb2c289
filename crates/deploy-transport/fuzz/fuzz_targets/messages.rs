//! Authentic messages from a stage that the first byte chooses; each message is cut off by its length in one byte.
#![no_main]

use deploy_testbed::hostile::{Exchange, Hostile, Message};
use libfuzzer_sys::fuzz_target;

#[path = "client.rs"]
mod client;

fn messages(mut data: &[u8]) -> Vec<Message> {
    let mut found = Vec::new();
    while let Some((&length, rest)) = data.split_first() {
        let (message, rest) = rest.split_at(usize::from(length).min(rest.len()));
        if let Some((&number, fields)) = message.split_first() {
            found.push(Message::new(number).bytes(fields));
        }
        data = rest;
    }
    found
}

fuzz_target!(|data: &[u8]| {
    let Some((&stage, rest)) = data.split_first() else { return };
    let messages = messages(rest);
    let server = Hostile::start(move |wire| {
        wire.introduce()?;
        match stage % 5 {
            0 => wire.begin_exchange()?,
            1 => wire.exchange_keys(&Exchange::default())?,
            2 => {
                wire.exchange_keys(&Exchange::default())?;
                wire.let_in()?;
                wire.opened()?;
            }
            more => {
                wire.exchange_keys(&Exchange::default())?;
                wire.let_in()?;
                let channel = wire.next_command()?;
                if more == 4 {
                    wire.accept(&channel)?;
                }
            }
        }
        messages.iter().try_for_each(|message| wire.send(message))?;
        wire.hang_up()
    });
    client::meet(&server.expect("a port"));
});
