//! Host keys against a real server: what is not trusted is refused before anything is said about the user.

use std::fs;
use std::time::Duration;

use deploy_transport::target::Proxy;
use deploy_transport::*;

use crate::sshd::Sshd;
use crate::support::{connector, fingerprint, make_key, output, program, public};

async fn refused(sshd: &Sshd, target: &Target) -> ConnectErrorKind {
    let Err(error) = connector().connect(target).await else { panic!("connected") };
    assert_eq!(error.endpoint.port, sshd.port);
    assert!(error.endpoint.address.is_some());
    let log = sshd.log();
    assert!(log.contains("Connection from"), "{log}");
    assert!(!log.contains("userauth-request"), "a login was begun: {log}");
    error.kind
}

#[tokio::test]
async fn an_unknown_key_is_refused_before_the_login() {
    let Some(sshd) = Sshd::start("LogLevel DEBUG1") else { return };
    let known = sshd.path("known_hosts");
    let expected = fs::read_to_string(&known).unwrap();
    fs::write(&known, "").unwrap();
    let ConnectErrorKind::HostKeyUnknown(unknown) = refused(&sshd, &sshd.target()).await else { panic!() };
    assert_eq!(unknown.fingerprint.to_string(), fingerprint(&sshd.host_key));
    assert_eq!((unknown.key_type.as_str(), unknown.files.as_slice()), ("ssh-ed25519", [known.clone()].as_slice()));
    // The line that it proposes is the one that makes it known.
    assert_eq!(format!("{}\n", unknown.line), expected);
    fs::write(&known, format!("{}\n", unknown.line)).unwrap();
    assert!(connector().connect(&sshd.target()).await.is_ok());
}

#[tokio::test]
async fn a_changed_key_is_refused_with_file_and_line_whatever_the_strictness_but_off() {
    let Some(sshd) = Sshd::start("LogLevel DEBUG1") else { return };
    let other = make_key(sshd.dir.path(), "other", &["-t", "ed25519", "-N", ""]);
    let known = sshd.path("known_hosts");
    let content = format!("# a note\n[{}]:{} {}\n", sshd.host, sshd.port, public(&other));
    fs::write(&known, &content).unwrap();
    for strictness in [Strictness::Strict, Strictness::AcceptNew] {
        let mut target = sshd.target();
        target.strictness = strictness;
        let kind = refused(&sshd, &target).await;
        let message = kind.to_string();
        let ConnectErrorKind::HostKeyChanged { fingerprint: shown, recorded, .. } = kind else { panic!("{message}") };
        assert_eq!(shown.to_string(), fingerprint(&sshd.host_key));
        assert_eq!((recorded[0].line, recorded[0].fingerprint.to_string()), (2, fingerprint(&other)));
        assert!(message.contains("known_hosts:2") && message.contains(&fingerprint(&other)), "{message}");
    }
    assert_eq!(fs::read_to_string(&known).unwrap(), content);
    let mut target = sshd.target();
    target.strictness = Strictness::Off;
    assert!(connector().connect(&target).await.is_ok());
}

#[tokio::test]
async fn a_revoked_key_is_refused_even_with_checking_off() {
    let Some(sshd) = Sshd::start("LogLevel DEBUG1") else { return };
    let known = sshd.path("known_hosts");
    let content = fs::read_to_string(&known).unwrap();
    fs::write(&known, format!("{content}@revoked * {}\n", public(&sshd.host_key))).unwrap();
    let mut target = sshd.target();
    target.strictness = Strictness::Off;
    let kind = refused(&sshd, &target).await;
    assert!(matches!(&kind, ConnectErrorKind::HostKeyRevoked { recorded, .. } if recorded.line == 2), "{kind}");
}

#[tokio::test]
async fn a_new_key_is_recorded_once_by_many_and_then_known() {
    let Some(sshd) = Sshd::start("LogLevel DEBUG1") else { return };
    let known = sshd.path("fresh/known_hosts");
    let mut target = sshd.target();
    target.known_hosts.user = vec![known.clone()];
    target.strictness = Strictness::AcceptNew;
    let connector = connector();
    let all = futures_util::future::join_all((0..6).map(|_| connector.connect(&target))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(fs::read_to_string(&known).unwrap(), fs::read_to_string(sshd.path("known_hosts")).unwrap());
    target.strictness = Strictness::Strict;
    assert!(connector.connect(&target).await.is_ok());
}

#[tokio::test]
async fn the_type_that_is_known_is_asked_for_first() {
    if program("ssh-keygen").is_none() {
        return;
    }
    // The server has two keys; only the one that we would not ask for first by ourselves is known.
    let keys = tempfile::tempdir().unwrap();
    let ecdsa = make_key(keys.path(), "host_ecdsa", &["-t", "ecdsa", "-b", "384", "-N", ""]);
    let rsa = make_key(keys.path(), "host_rsa", &["-t", "rsa", "-b", "2048", "-N", ""]);
    let more = format!("HostKey {}\nHostKey {}", ecdsa.display(), rsa.display());
    let Some(sshd) = Sshd::start(&more) else { return };
    for key in [&ecdsa, &rsa] {
        let line = format!("[{}]:{} {}\n", sshd.host, sshd.port, public(key));
        fs::write(sshd.path("known_hosts"), line).unwrap();
        let session = connector().connect(&sshd.target()).await.unwrap();
        assert!(output(&session, "true").await.status.success());
    }
}

#[tokio::test]
async fn an_alias_and_an_extra_file_are_honoured() {
    let Some(sshd) = Sshd::start("LogLevel DEBUG1") else { return };
    fs::write(sshd.path("known_hosts"), "").unwrap();
    let extra = sshd.path("project_known_hosts");
    fs::write(&extra, format!("the-alias {}\n", public(&sshd.host_key))).unwrap();
    let mut target = sshd.target();
    target.known_hosts.extra = vec![extra];
    assert!(connector().connect(&target).await.is_err());
    target.host_key_alias = Some("the-alias".into());
    assert!(connector().connect(&target).await.is_ok());
}

/// Each way in which a key can be wrong, on the target and on the jump host before it: nobody's name is said to either, and a host
/// behind a jump host that is refused is not even connected to.
#[tokio::test]
async fn wrong_keys_on_the_target_and_on_the_jump_host() {
    let Some(sshd) = Sshd::start("LogLevel DEBUG1") else { return };
    let Some(last) = Sshd::start("LogLevel DEBUG1") else { return };
    let own = public(&sshd.host_key);
    let ed25519 = public(&make_key(sshd.dir.path(), "other", &["-t", "ed25519", "-N", ""]));
    let ecdsa = public(&make_key(sshd.dir.path(), "ecdsa", &["-t", "ecdsa", "-N", ""]));
    let name = format!("[{}]:{}", sshd.host, sshd.port);
    type Is = fn(&ConnectErrorKind) -> bool;
    let cases: [(&str, String, Is); 5] = [
        (
            "unknown",
            String::new(),
            |kind| matches!(kind, ConnectErrorKind::HostKeyUnknown(unknown) if unknown.other_types.is_empty()),
        ),
        ("changed", format!("{name} {ed25519}\n"), |kind| matches!(kind, ConnectErrorKind::HostKeyChanged { .. })),
        ("revoked", format!("{name} {own}\n@revoked {name} {own}\n"), |kind| {
            matches!(kind, ConnectErrorKind::HostKeyRevoked { .. })
        }),
        (
            "of another type",
            format!("{name} {ecdsa}\n"),
            |kind| matches!(kind, ConnectErrorKind::HostKeyUnknown(unknown) if unknown.other_types.len() == 1),
        ),
        ("of another port", format!("[{}]:1 {own}\n", sshd.host), |kind| {
            matches!(kind, ConnectErrorKind::HostKeyUnknown(_))
        }),
    ];
    // Nobody has connected to it yet but whoever waited for it to listen, of whom it may write later than that.
    let connections = || last.log().matches("Connection from").count();
    while connections() == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    for (what, known, is) in cases {
        fs::write(sshd.path("known_hosts"), known).unwrap();
        let kind = refused(&sshd, &sshd.target()).await;
        assert!(is(&kind), "{what}: {kind}");
        let mut behind = last.target();
        behind.proxy = Proxy::Jump(vec![sshd.target()]);
        let Err(error) = connector().connect(&behind).await else { panic!("{what}: connected") };
        let ConnectErrorKind::Jump { source, .. } = &error.kind else { panic!("{what}: {error}") };
        assert!(is(&source.kind), "{what}: {source}");
        assert!(!sshd.log().contains("userauth-request"), "{what}");
        assert_eq!(connections(), 1, "{what}: {}", last.log());
    }
    // The same keys on the target behind a good jump host.
    fs::write(sshd.path("known_hosts"), format!("{name} {own}\n")).unwrap();
    for known in [String::new(), format!("[{}]:{} {ed25519}\n", last.host, last.port)] {
        fs::write(last.path("known_hosts"), known).unwrap();
        let mut behind = last.target();
        behind.proxy = Proxy::Jump(vec![sshd.target()]);
        let Err(error) = connector().connect(&behind).await else { panic!("connected") };
        let wrong = matches!(error.kind, ConnectErrorKind::HostKeyUnknown(_) | ConnectErrorKind::HostKeyChanged { .. });
        assert!(wrong, "{error}");
        assert!(!last.log().contains("userauth-request"));
    }
}
