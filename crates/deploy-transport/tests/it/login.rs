//! Logging in with keys of all kinds on a real server.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use deploy_transport::target::IdentityFile;
use deploy_transport::*;

use crate::sshd::Sshd;
use crate::support::{Answering, connector, fingerprint, make_key, output};

fn with_key(sshd: &Sshd, key: &Path) -> Target {
    let mut target = sshd.target();
    target.identity_files = vec![IdentityFile { path: key.to_owned(), named: true }];
    target
}

#[tokio::test]
async fn keys_of_all_kinds_and_forms() {
    let Some(sshd) = Sshd::start("") else { return };
    let kinds: &[(&str, &[&str])] = &[
        ("ed25519", &["-t", "ed25519"]),
        ("rsa", &["-t", "rsa", "-b", "2048"]),
        ("rsa_pem", &["-t", "rsa", "-b", "2048", "-m", "PEM"]),
        ("rsa_pkcs8", &["-t", "rsa", "-b", "2048", "-m", "PKCS8"]),
        ("ecdsa256", &["-t", "ecdsa", "-b", "256"]),
        ("ecdsa384", &["-t", "ecdsa", "-b", "384"]),
        ("ecdsa521", &["-t", "ecdsa", "-b", "521"]),
        ("ecdsa_pem", &["-t", "ecdsa", "-b", "256", "-m", "PEM"]),
    ];
    for (name, arguments) in kinds {
        let arguments: Vec<_> = arguments.iter().copied().chain(["-N", ""]).collect();
        let key = make_key(sshd.dir.path(), name, &arguments);
        sshd.authorize(&key);
        let session = connector().connect(&with_key(&sshd, &key)).await.unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(output(&session, "true").await.status.success(), "{name}");
    }
}

#[tokio::test]
async fn a_passphrase_is_asked_for_once_for_many_hosts() {
    let Some(sshd) = Sshd::start("") else { return };
    for (name, form) in [("openssh", "RFC4716"), ("pem", "PEM"), ("pkcs8", "PKCS8")] {
        let key = make_key(sshd.dir.path(), name, &["-t", "rsa", "-b", "2048", "-m", form, "-N", "open sesame"]);
        sshd.authorize(&key);
        let prompter = Answering::new(["open sesame"]);
        let connector = SshConnector::new(prompter.clone());
        let target = with_key(&sshd, &key);
        let all = futures_util::future::join_all((0..5).map(|_| connector.connect(&target))).await;
        for result in all {
            result.unwrap_or_else(|e| panic!("{name}: {e}"));
        }
        assert_eq!(prompter.count(), 1, "{name}");
    }
}

#[tokio::test]
async fn a_passphrase_is_not_asked_for_a_key_that_the_server_does_not_want() {
    let Some(sshd) = Sshd::start("") else { return };
    let key = make_key(sshd.dir.path(), "stranger", &["-t", "ed25519", "-N", "secret"]);
    let prompter = Answering::new(["secret"]);
    let Err(error) = SshConnector::new(prompter.clone()).connect(&with_key(&sshd, &key)).await else { panic!() };
    assert!(matches!(error.kind, ConnectErrorKind::AuthRefused { .. }), "{error}");
    assert_eq!(prompter.count(), 0);
}

#[tokio::test]
async fn wrong_passphrases_end_after_three() {
    let Some(sshd) = Sshd::start("") else { return };
    let key = make_key(sshd.dir.path(), "locked", &["-t", "ed25519", "-N", "right"]);
    sshd.authorize(&key);
    let prompter = Answering::new(["no", "nope", "never", "right"]);
    let Err(error) = SshConnector::new(prompter.clone()).connect(&with_key(&sshd, &key)).await else { panic!() };
    assert!(
        matches!(&error.kind, ConnectErrorKind::KeyFile { problem: KeyFileProblem::WrongPassphrase, .. }),
        "{error}"
    );
    assert_eq!(prompter.count(), 3);
    let Err(error) = connector().connect(&with_key(&sshd, &key)).await else { panic!() };
    assert!(matches!(&error.kind, ConnectErrorKind::KeyFile { problem: KeyFileProblem::Encrypted, .. }), "{error}");
}

#[tokio::test]
async fn a_refusal_names_methods_and_keys() {
    let Some(sshd) = Sshd::start("") else { return };
    let key = make_key(sshd.dir.path(), "stranger", &["-t", "ed25519", "-N", ""]);
    let Err(error) = connector().connect(&with_key(&sshd, &key)).await else { panic!() };
    let ConnectErrorKind::AuthRefused { offered, tried, .. } = &error.kind else { panic!("{error}") };
    assert_eq!(offered, &["publickey"]);
    assert_eq!(tried[0].fingerprint.unwrap().to_string(), fingerprint(&key));
    assert!(error.to_string().contains("stranger"), "{error}");
    assert_eq!(sshd.log().matches("Failed publickey").count(), 1, "each key is tried once");
}

#[tokio::test]
async fn key_files_that_cannot_be_used_say_why() {
    use std::os::unix::fs::PermissionsExt;
    let Some(sshd) = Sshd::start("") else { return };
    let problem = |path: std::path::PathBuf| {
        let target = with_key(&sshd, &path);
        async move {
            match connector().connect(&target).await.err().map(|e| e.kind) {
                Some(ConnectErrorKind::KeyFile { problem, .. }) => problem,
                other => panic!("{other:?}"),
            }
        }
    };
    assert_eq!(problem(sshd.path("missing")).await, KeyFileProblem::Missing);
    fs::write(sshd.path("junk"), "junk").unwrap();
    fs::set_permissions(sshd.path("junk"), fs::Permissions::from_mode(0o600)).unwrap();
    assert!(matches!(problem(sshd.path("junk")).await, KeyFileProblem::Malformed(_)));
    let open = make_key(sshd.dir.path(), "open", &["-t", "ed25519", "-N", ""]);
    fs::set_permissions(&open, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(problem(open).await, KeyFileProblem::TooOpen(0o644));
}

#[tokio::test]
async fn many_keys_stop_before_the_server_hangs_up() {
    let Some(sshd) = Sshd::start("") else { return };
    let mut target = sshd.target();
    target.identity_files = (0..9)
        .map(|n| IdentityFile {
            path: make_key(sshd.dir.path(), &format!("key{n}"), &["-t", "ed25519", "-N", ""]),
            named: true,
        })
        .collect();
    let Err(error) = connector().connect(&target).await else { panic!() };
    let ConnectErrorKind::AuthRefused { tried, untried, .. } = &error.kind else { panic!("{error}") };
    assert_eq!((tried.len(), *untried), (5, 4));
}

#[tokio::test]
async fn forty_logins_at_once_are_all_let_in_by_a_server_with_default_limits() {
    let Some(sshd) = Sshd::start("MaxStartups 10:30:100") else { return };
    let connector = Arc::new(connector());
    let target = sshd.target();
    let all = futures_util::future::join_all((0..40).map(|_| connector.connect(&target))).await;
    for result in all {
        result.unwrap();
    }
}
