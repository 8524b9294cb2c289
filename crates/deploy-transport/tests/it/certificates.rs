//! Certificates of hosts and users against real OpenSSH, each in every way that it can be wrong.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use deploy_transport::target::{AgentSource, IdentityFile, Proxy};
use deploy_transport::*;

use crate::sshd::Sshd;
use crate::support::{Answering, connector, make_key, output, public};

/// Signs a public key; the certificate lies beside it.
fn sign(authority: &Path, key: &Path, more: &[&str]) -> PathBuf {
    let done = Command::new("ssh-keygen")
        .args(["-q", "-s"])
        .arg(authority)
        .args(["-I", "the id", "-z", "77"])
        .args(more)
        .arg(format!("{}.pub", key.display()))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    PathBuf::from(format!("{}-cert.pub", key.display()))
}

/// A server with a host certificate, and the line that makes its authority known.
struct Certified {
    sshd: Sshd,
    authority: PathBuf,
}

fn certified(more: &[&str]) -> Option<Certified> {
    let mut sshd = Sshd::start("LogLevel DEBUG1\nHostCertificate @DIR@/host_ed25519-cert.pub")?;
    let authority = make_key(sshd.dir.path(), "authority", &["-t", "ed25519", "-N", ""]);
    sign(&authority, &sshd.host_key, &[&["-h"], more].concat());
    // It reads its certificates at the start only.
    sshd.restart();
    trust(&sshd, &authority);
    Some(Certified { sshd, authority })
}

fn trust(sshd: &Sshd, authority: &Path) {
    let line = format!("@cert-authority [{}]:{} {}\n", sshd.host, sshd.port, public(authority));
    fs::write(sshd.path("known_hosts"), line).unwrap();
}

#[tokio::test]
async fn a_host_certificate_of_a_known_authority() {
    let Some(Certified { sshd, .. }) = certified(&["-n", "127.*"]) else { return };
    let session = connector().connect(&sshd.target()).await.unwrap();
    assert!(output(&session, "true").await.status.success());
    // The authority is not known for other hosts.
    let known = fs::read_to_string(sshd.path("known_hosts")).unwrap();
    fs::write(sshd.path("known_hosts"), known.replace(&sshd.host, "127.9.9.9")).unwrap();
    let Err(error) = connector().connect(&sshd.target()).await else { panic!("connected") };
    assert!(matches!(error.kind, ConnectErrorKind::HostKeyUnknown(_)), "{error}");
}

#[tokio::test]
async fn host_certificates_that_are_no_good() {
    let cases: [(&[&str], &str); 4] = [
        (&["-n", "other.example"], "is for other hosts"),
        (&["-V", "20200101:20200201"], "is expired"),
        (&["-V", "20990101:20990201"], "is not good yet"),
        (&["-n", "127.*", "-O", "critical:strange=1"], "options that are not understood"),
    ];
    for (more, why) in cases {
        let Some(Certified { sshd, .. }) = certified(more) else { return };
        let target = sshd.target();
        for target in [target.clone(), behind(&sshd, &target)] {
            let Err(error) = connector().connect(&target).await else { panic!("connected: {more:?}") };
            let kind = match error.kind {
                ConnectErrorKind::Jump { source, .. } => source.kind,
                kind => kind,
            };
            let text = kind.to_string();
            assert!(matches!(kind, ConnectErrorKind::HostCertificate { .. }), "{text}");
            assert!(text.contains(why) && text.contains("serial 77") && text.contains("known_hosts:1"), "{text}");
            assert!(!sshd.log().contains("userauth-request"), "a login was begun");
        }
    }
}

/// The same server as a jump host on the way to itself.
fn behind(sshd: &Sshd, target: &Target) -> Target {
    let mut behind = sshd.target();
    behind.proxy = Proxy::Jump(vec![target.clone()]);
    behind
}

#[tokio::test]
async fn revoked_keys_and_authorities_and_a_revocation_file() {
    let Some(Certified { sshd, authority }) = certified(&[]) else { return };
    let good = fs::read_to_string(sshd.path("known_hosts")).unwrap();
    for key in [&authority, &sshd.host_key] {
        fs::write(sshd.path("known_hosts"), format!("{good}@revoked * {}\n", public(key))).unwrap();
        let mut target = sshd.target();
        target.strictness = Strictness::Off;
        let Err(error) = connector().connect(&target).await else { panic!("connected") };
        assert!(matches!(error.kind, ConnectErrorKind::HostKeyRevoked { .. }), "{error}");
    }
    fs::write(sshd.path("known_hosts"), good).unwrap();
    let mut target = sshd.target();
    let list = sshd.path("revoked");
    target.known_hosts.revoked = Some(list.clone());
    // A list that is missing or cannot be read shuts the door.
    for content in [None, Some("SSHKRL\n\0")] {
        content.iter().for_each(|content| fs::write(&list, content).unwrap());
        let Err(error) = connector().connect(&target).await else { panic!("connected") };
        assert!(matches!(error.kind, ConnectErrorKind::KnownHostsFile { .. }), "{error}");
    }
    fs::write(&list, format!("# stolen\n{} a comment\n", public(&sshd.host_key))).unwrap();
    let Err(error) = connector().connect(&target).await else { panic!("connected") };
    assert!(matches!(&error.kind, ConnectErrorKind::HostKeyRevoked { recorded, .. } if recorded.line == 2), "{error}");
    // The same as a binary list: the key, its fingerprint, the authority's key.
    for line in [
        format!("key: {}\n", public(&sshd.host_key)),
        format!("sha256: {}\n", public(&sshd.host_key)),
        format!("sha256: {}\n", public(&authority)),
    ] {
        let specification = sshd.path("specification");
        fs::write(&specification, line).unwrap();
        let made = Command::new("ssh-keygen").args(["-q", "-k", "-f"]).arg(&list).arg(&specification).status();
        assert!(made.unwrap().success());
        let Err(error) = connector().connect(&target).await else { panic!("connected") };
        assert!(
            matches!(&error.kind, ConnectErrorKind::HostKeyRevoked { recorded, .. } if recorded.line == 0),
            "{error}"
        );
    }
    fs::write(&list, "# nothing\n").unwrap();
    assert!(connector().connect(&target).await.is_ok());
    assert!(!sshd.log().contains("invalid user"));
}

#[tokio::test]
async fn looking_at_a_host_key_says_nothing_about_the_user() {
    let Some(sshd) = Sshd::start("LogLevel DEBUG1") else { return };
    assert!(connector().check_host_key(&sshd.target()).await.is_ok());
    fs::write(sshd.path("known_hosts"), "").unwrap();
    let Err(error) = connector().check_host_key(&sshd.target()).await else { panic!() };
    assert!(matches!(error.kind, ConnectErrorKind::HostKeyUnknown(_)), "{error}");
    assert!(!sshd.log().contains("userauth-request"));
}

/// A server that takes certificates of one authority and no plain keys.
fn takes_certificates() -> Option<(Sshd, PathBuf)> {
    let sshd = Sshd::start("TrustedUserCAKeys @DIR@/authority.pub\nAuthorizedKeysFile none")?;
    let authority = make_key(sshd.dir.path(), "authority", &["-t", "ed25519", "-N", ""]);
    Some((sshd, authority))
}

fn me() -> String {
    LocalEnvironment::current().user
}

#[tokio::test]
async fn a_user_certificate_beside_the_key_named_and_through_the_agent() {
    let Some((sshd, authority)) = takes_certificates() else { return };
    let target = sshd.target();
    assert!(connector().connect(&target).await.is_err(), "no plain keys");
    let beside = sign(&authority, &sshd.user_key, &["-n", &me()]);
    let session = connector().connect(&target).await.unwrap();
    assert!(output(&session, "true").await.status.success());
    assert!(sshd.log().contains("ID the id (serial 77)"));
    // Elsewhere, named.
    let elsewhere = sshd.path("elsewhere-cert.pub");
    fs::rename(&beside, &elsewhere).unwrap();
    assert!(connector().connect(&target).await.is_err());
    let mut named = target.clone();
    named.certificate_files = vec![elsewhere.clone()];
    assert!(connector().connect(&named).await.is_ok());
    // The agent has the key, a file the certificate.
    let Some(agent) = crate::agent::RealAgent::start() else { return };
    agent.add(&sshd.user_key);
    let mut through = named.clone();
    through.identity_files = vec![IdentityFile { path: sshd.path("nowhere"), named: false }];
    through.agent = AgentSource::Socket(agent.socket.clone());
    assert!(connector().connect(&through).await.is_ok());
    // The agent has both.
    fs::rename(&elsewhere, &beside).unwrap();
    agent.add(&sshd.user_key);
    through.certificate_files.clear();
    assert!(connector().connect(&through).await.is_ok());
}

#[tokio::test]
async fn certificates_that_do_not_let_in_and_encrypted_keys() {
    let Some((sshd, authority)) = takes_certificates() else { return };
    for more in [["-n", "somebody"], ["-V", "20200101:20200201"]] {
        sign(&authority, &sshd.user_key, &more);
        let Err(error) = connector().connect(&sshd.target()).await else { panic!("let in") };
        let text = error.to_string();
        assert!(text.contains("certificate") && text.contains("serial 77"), "{text}");
    }
    let key = make_key(sshd.dir.path(), "locked", &["-t", "rsa", "-b", "2048", "-N", "sesame"]);
    sign(&authority, &key, &["-n", &me()]);
    let mut target = sshd.target();
    target.identity_files = vec![IdentityFile { path: key, named: true }];
    let prompter = Answering::new(["sesame"]);
    let asking = SshConnector::new(prompter.clone());
    for _ in 0..3 {
        assert!(asking.connect(&target).await.is_ok());
    }
    assert_eq!(prompter.count(), 1);
    // Known already, and nobody to ask.
    target.batch_mode = true;
    target.passphrase = Some(Secret::new("sesame"));
    assert!(connector().connect(&target).await.is_ok());
    target.passphrase = None;
    let silent = Answering::new([]);
    assert!(SshConnector::new(silent.clone()).connect(&target).await.is_err());
    assert!(silent.questions.lock().unwrap().iter().all(|question| !question.person));
}

#[tokio::test]
async fn two_keys_in_a_row() {
    let Some(sshd) = Sshd::start("AuthenticationMethods publickey,publickey") else { return };
    let second = make_key(sshd.dir.path(), "second", &["-t", "ed25519", "-N", ""]);
    sshd.authorize(&second);
    let Err(error) = connector().connect(&sshd.target()).await else { panic!("one key was enough") };
    assert!(matches!(error.kind, ConnectErrorKind::AuthRefused { .. }), "{error}");
    let mut target = sshd.target();
    target.identity_files.push(IdentityFile { path: second, named: true });
    assert!(connector().connect(&target).await.is_ok());
    assert_eq!(sshd.log().matches("Failed publickey").count(), 0, "each key is tried once: {}", sshd.log());
}
