//! A known_hosts file, and a name to look up in it.
#![no_main]

use std::path::Path;

use deploy_transport::KnownHosts;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: (&str, &str, u16, &[u8])| {
    let (file, name, port, key) = data;
    let mut known = KnownHosts::default();
    known.add(Path::new("known_hosts"), file);
    let _ = known.judge(name, port, key);
    let _ = known.authorities(name, port);
    let _ = known.key_types(name, port);
    let _ = known.lines_for(name, port);
});
