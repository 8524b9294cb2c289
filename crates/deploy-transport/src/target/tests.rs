//! Settings from recipe, configuration and defaults, and their precedence.

use super::*;
use crate::SshConfig;

fn environment() -> LocalEnvironment {
    LocalEnvironment {
        user: "ann".into(),
        uid: 1000,
        home: "/home/ann".into(),
        hostname: "desk.example".into(),
        agent_socket: Some("/run/agent".into()),
        shell: "/bin/sh".into(),
    }
}

fn resolved(config: &str, host: &str, overrides: &Overrides) -> Target {
    resolve(host, overrides, &SshConfig::from_text("config", config, environment())).unwrap()
}

/// ssh itself goes on with a changed key then; nothing but a recipe that says so makes us do it.
#[test]
fn a_configuration_cannot_switch_host_keys_off() {
    for word in ["no", "off", "accept-new"] {
        let target = resolved(&format!("StrictHostKeyChecking {word}\n"), "web1", &Overrides::default());
        assert_eq!(target.strictness, Strictness::AcceptNew, "{word}");
    }
    for word in ["yes", "ask"] {
        let target = resolved(&format!("StrictHostKeyChecking {word}\n"), "web1", &Overrides::default());
        assert_eq!(target.strictness, Strictness::Strict, "{word}");
    }
}

#[test]
fn recipe_over_configuration_over_defaults() {
    let config = "Host web*\n User conf\n Port 2200\n HostName %h.example\n IdentityFile ~/.ssh/%r_%h\n \
                  StrictHostKeyChecking accept-new\n ForwardAgent yes\n";
    let plain = resolved(config, "web1", &Overrides::default());
    assert_eq!((plain.name.as_str(), plain.host.as_str()), ("web1", "web1.example"));
    assert_eq!((plain.user.as_str(), plain.port), ("conf", 2200));
    assert_eq!(plain.identity_files, [IdentityFile { path: "/home/ann/.ssh/conf_web1.example".into(), named: true }]);
    assert_eq!((plain.strictness, plain.forward_agent), (Strictness::AcceptNew, true));
    let overrides = Overrides {
        user: Some("deploy".into()),
        port: Some(22),
        strictness: Some(Strictness::Strict),
        forward_agent: Some(false),
        ..Overrides::default()
    };
    let over = resolved(config, "web1", &overrides);
    assert_eq!((over.user.as_str(), over.port), ("deploy", 22));
    assert_eq!((over.strictness, over.forward_agent), (Strictness::Strict, false));
    let other = resolved(config, "db1", &Overrides::default());
    assert_eq!((other.user.as_str(), other.port, other.host.as_str()), ("ann", 22, "db1"));
    assert_eq!(other.identity_files.len(), 3);
}

#[test]
fn jump_hosts_are_resolved_like_hosts() {
    let config = "Host bastion\n User gate\n HostName gate.example\n ProxyJump outer\nHost web1\n ProxyJump bastion,second:2222\n";
    let target = resolved(config, "web1", &Overrides::default());
    let Proxy::Jump(hops) = target.proxy else { panic!("no jump") };
    let hops: Vec<_> = hops.iter().map(|h| format!("{}@{}:{}", h.user, h.host, h.port)).collect();
    assert_eq!(hops, ["ann@outer:22", "gate@gate.example:22", "ann@second:2222"]);
}

#[test]
fn jump_hosts_that_point_at_each_other_are_refused() {
    let config = SshConfig::from_text("config", "Host a\n ProxyJump b\nHost b\n ProxyJump a\n", environment());
    assert!(resolve("a", &Overrides::default(), &config).is_err());
}

#[test]
fn a_proxy_command_gets_its_tokens_but_no_shell_words() {
    let config = "Host *\n ProxyCommand nc -X 5 %h %p\n";
    let target = resolved(config, "web1", &Overrides::default());
    assert!(matches!(target.proxy, Proxy::Command(c) if c == "nc -X 5 web1 22"));
    let config = SshConfig::from_text("config", config, environment());
    assert!(resolve("web1;id", &Overrides::default(), &config).is_err());
}

#[test]
fn host_specs() {
    let cases = [
        ("web1", Some((None, "web1", None))),
        ("ann@web1:2222", Some((Some("ann"), "web1", Some(2222)))),
        ("ssh://ann@web1:2222/", Some((Some("ann"), "web1", Some(2222)))),
        ("[::1]:22", Some((None, "::1", Some(22)))),
        ("::1", Some((None, "::1", None))),
        ("web1:x", None),
        ("@web1", None),
        ("-oProxyCommand=x", None),
        ("", None),
    ];
    for (text, expected) in cases {
        let expected = expected.map(|(user, host, port): (Option<&str>, &str, _)| HostSpec {
            user: user.map(Into::into),
            host: host.into(),
            port,
        });
        assert_eq!(HostSpec::parse(text), expected, "{text:?}");
    }
}

/// A dead peer is noticed within 16 seconds by the defaults: silence, then so many questions without an answer.
#[test]
fn a_dead_peer_is_noticed_soon_enough() {
    let target = resolved("", "web1", &Overrides::default());
    assert_eq!((target.keepalive_interval.as_secs(), target.keepalive_max), (5, 2));
    assert!(target.keepalive_interval * (target.keepalive_max + 1) <= Duration::from_secs(16));
}
