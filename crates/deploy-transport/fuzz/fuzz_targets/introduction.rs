//! What a server sends before any key is exchanged.
#![no_main]

use deploy_testbed::hostile::Hostile;
use libfuzzer_sys::fuzz_target;

#[path = "client.rs"]
mod client;

fuzz_target!(|data: &[u8]| {
    let bytes = data.to_vec();
    let server = Hostile::start(move |wire| {
        wire.send_raw(&bytes)?;
        wire.hang_up()
    });
    client::meet(&server.expect("a port"));
});
