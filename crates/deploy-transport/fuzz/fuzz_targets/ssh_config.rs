//! A configuration file, and a host to look up in it.
#![no_main]

use deploy_transport::{LocalEnvironment, Overrides, SshConfig, resolve};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: (&str, &str)| {
    let (file, host) = data;
    // These read other files and run commands.
    let lower = file.to_ascii_lowercase();
    if lower.contains("include") || lower.contains("exec") {
        return;
    }
    let config = SshConfig::from_text("config", file, LocalEnvironment::current());
    let _ = config.options_for(host, None);
    let _ = resolve(host, &Overrides::default(), &config);
});
