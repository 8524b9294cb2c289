//! What a host answers to the runner: the same whatever pieces it comes in.
#![no_main]

use deploy_shell::runner::{Decoder, Event, Nonce};
use libfuzzer_sys::fuzz_target;

fn nonce() -> Nonce {
    Nonce::new(*b"sixteen bytes 16")
}

/// Runs of output are joined: where they are cut means nothing.
fn heard(pieces: &[&[u8]]) -> Vec<String> {
    let mut decoder = Decoder::stdout(&nonce());
    let mut all: Vec<String> = Vec::new();
    let mut noise = Vec::new();
    let mut output = Vec::new();
    for event in pieces.iter().flat_map(|piece| decoder.push(piece)) {
        match event {
            Event::Noise(bytes) => noise.extend(bytes),
            Event::Output { bytes, .. } => output.extend(bytes),
            other => all.push(format!("{} {} {other:?}", noise.len(), output.len())),
        }
    }
    all
}

fuzz_target!(|data: (u8, &[u8])| {
    let (size, bytes) = data;
    // Where the nonce stands the fuzzer could not guess it.
    let nonce = nonce();
    let name = nonce.as_str();
    let text: Vec<u8> = bytes.split(|b| *b == 0xf0).collect::<Vec<_>>().join(name.as_bytes());
    let pieces: Vec<&[u8]> = text.chunks(usize::from(size).max(1)).collect();
    assert_eq!(heard(&[&text]), heard(&pieces));
});
