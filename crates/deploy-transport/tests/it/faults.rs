//! Servers that misbehave: each ends in a named error or result, and none hangs.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use deploy_transport::target::{AuthMethod, IdentityFile};
use deploy_transport::*;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use crate::rogue::{Manners, Rogue, plain_target};
use crate::support::{Answering, connector, output};

async fn session(rogue: &Rogue) -> Arc<dyn Session> {
    connector().connect(&rogue.target()).await.unwrap()
}

#[tokio::test]
async fn a_refused_command() {
    let rogue = Rogue::start(Manners::default()).await;
    let session = session(&rogue).await;
    let error = session.exec(Exec::new("refuse")).await.unwrap_err();
    assert!(matches!(error, ExecError::Refused { request: "exec", .. }), "{error}");
    let mut running = session.exec(Exec::new("refuse").pipelined()).await.unwrap();
    let mut stdin = running.take_stdin().unwrap();
    assert!(running.accepted().await.is_err());
    let write = async { while stdin.write("x").await.is_ok() {} };
    let (done, ()) = tokio::join!(running.collect(10), write);
    assert!(matches!(&done.status, ExitStatus::Lost(reason) if reason.contains("refused")), "{:?}", done.status);
    assert_eq!(output(&session, "on").await.stdout_text(), "on");
}

#[tokio::test]
async fn a_command_that_is_never_answered() {
    let rogue = Rogue::start(Manners::default()).await;
    let mut target = rogue.target();
    target.reply_timeout = Duration::from_millis(200);
    let session = connector().connect(&target).await.unwrap();
    let error = session.exec(Exec::new("stall")).await.unwrap_err();
    assert!(matches!(error, ExecError::TimedOut { .. }), "{error}");
}

#[tokio::test]
async fn ends_of_all_kinds() {
    let rogue = Rogue::start(Manners::default()).await;
    let session = session(&rogue).await;
    let done = output(&session, "close").await;
    assert!(matches!(&done.status, ExitStatus::Lost(r) if r.contains("without an exit status")), "{:?}", done.status);
    assert_eq!(done.stdout, b"some");
    let error = session.exec(Exec::new("early close")).await.unwrap_err();
    assert!(matches!(error, ExecError::Lost { .. }), "{error}");
    let signal = ExitStatus::Signal { name: "SEGV".into(), core_dumped: true, message: "it broke".into() };
    assert_eq!(output(&session, "signal").await.status, signal);
    let done = output(&session, "late").await;
    assert_eq!((done.status, done.stdout.as_slice()), (ExitStatus::Code(5), b"after the status".as_slice()));
    assert_eq!(output(&session, "never closed").await.status, ExitStatus::Code(0));
}

#[tokio::test]
async fn signals_are_sent() {
    let rogue = Rogue::start(Manners::default()).await;
    let session = session(&rogue).await;
    for (sent, received) in [("TERM", "TERM"), ("SIGINT", "INT"), ("USR2", "Custom(\"USR2\")")] {
        let mut running = session.exec(Exec::new("wait")).await.unwrap();
        running.controller().signal(sent).await;
        let done = running.collect(100).await;
        assert_eq!((done.stdout_text().as_str(), done.status), (received, ExitStatus::Code(7)));
    }
}

#[tokio::test]
async fn a_server_that_says_goodbye() {
    let rogue = Rogue::start(Manners::default()).await;
    let session = session(&rogue).await;
    let done = output(&session, "goodbye").await;
    assert_eq!(done.status, ExitStatus::Lost("the server said: maintenance  now".into()));
    let error = session.exec(Exec::new("x")).await.unwrap_err();
    assert!(error.to_string().contains("maintenance"), "{error}");
}

#[tokio::test]
async fn connections_that_are_cut_early_are_tried_again() {
    let rogue = Rogue::start(Manners { drop_first: 2, ..Manners::default() }).await;
    let session = session(&rogue).await;
    assert_eq!(output(&session, "on").await.stdout_text(), "on");
    assert_eq!(rogue.connections.load(Ordering::SeqCst), 3);
    let rogue = Rogue::start(Manners { drop_first: 100, ..Manners::default() }).await;
    let Err(error) = connector().connect(&rogue.target()).await else { panic!() };
    assert!(matches!(error.kind, ConnectErrorKind::ResetBeforeBanner), "{error}");
    assert_eq!((error.attempts, rogue.connections.load(Ordering::SeqCst)), (5, 5));
}

/// A listener that says `greeting` to everybody and then nothing.
async fn greeter(greeting: &'static [u8]) -> (std::net::SocketAddr, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(greeting).await;
            kept.push(stream);
        }
    });
    (address, task)
}

#[tokio::test]
async fn servers_that_do_not_speak_ssh_or_not_at_all() {
    for (greeting, expected) in [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n".as_slice(), "HTTP/1.1 400"),
        (b"", "took longer"),
        (b"SSH-2.0-Silent\r\n", "took longer"),
        (b"SSH-1.0-Old\r\n", ""),
        (&[0xff; 4096], "does not speak SSH"),
    ] {
        let (address, task) = greeter(greeting).await;
        let mut target = plain_target(address);
        target.handshake_timeout = Duration::from_millis(400);
        let Err(error) = connector().connect(&target).await else { panic!("connected") };
        assert!(error.to_string().contains(expected), "{error}");
        task.abort();
    }
}

#[tokio::test]
async fn no_common_algorithm() {
    let preferred = russh::Preferred { cipher: vec![russh::cipher::AES_192_CTR].into(), ..russh::Preferred::default() };
    let rogue = Rogue::start(Manners { preferred: Some(preferred), ..Manners::default() }).await;
    let Err(error) = connector().connect(&rogue.target()).await else { panic!() };
    let ConnectErrorKind::NoCommonAlgorithm { kind, theirs, .. } = &error.kind else { panic!("{error}") };
    assert_eq!((*kind, theirs.as_slice()), ("cipher", ["aes192-ctr".to_owned()].as_slice()));
}

#[tokio::test]
async fn nobody_listens_and_nobody_is_called_that() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let Err(error) = connector().connect(&plain_target(free)).await else { panic!() };
    assert!(matches!(error.kind, ConnectErrorKind::Refused(_)), "{error}");
    assert_eq!(error.endpoint.address, Some(free));
    let mut target = plain_target(free);
    target.host = "no-such-host.invalid".into();
    let Err(error) = connector().connect(&target).await else { panic!() };
    assert!(matches!(error.kind, ConnectErrorKind::Resolve(_)), "{error}");
    target.host = "-oProxyCommand=x".into();
    let Err(error) = connector().connect(&target).await else { panic!() };
    assert!(matches!(error.kind, ConnectErrorKind::Settings(_)), "{error}");
}

#[tokio::test]
async fn a_password_is_asked_for_once_for_a_group_of_hosts() {
    let rogues: Vec<_> = futures_util::future::join_all(
        (0..12).map(|_| Rogue::start(Manners { password: Some("right"), ..Manners::default() })),
    )
    .await;
    let prompter = Answering::new(["right"]);
    let connector = SshConnector::new(prompter.clone());
    let all = futures_util::future::join_all(rogues.iter().map(|rogue| {
        let (connector, target) = (&connector, rogue.target());
        async move { connector.connect(&target).await }
    }))
    .await;
    for result in all {
        result.unwrap();
    }
    assert_eq!(prompter.count(), 1);
    let question = prompter.questions.lock().unwrap().remove(0);
    assert_eq!((question.text.as_str(), question.echo), ("Password for user deploy:", false));
}

#[tokio::test]
async fn a_wrong_password_is_asked_again_and_a_given_one_never() {
    let rogue = Rogue::start(Manners { password: Some("right"), ..Manners::default() }).await;
    let prompter = Answering::new(["wrong", "right"]);
    assert!(SshConnector::new(prompter.clone()).connect(&rogue.target()).await.is_ok());
    assert_eq!(prompter.count(), 2);

    let prompter = Answering::new(["right"]);
    let mut target = rogue.target();
    target.password = Some(Secret::new("wrong"));
    let Err(error) = SshConnector::new(prompter.clone()).connect(&target).await else { panic!() };
    let ConnectErrorKind::AuthRefused { offered, tried, .. } = &error.kind else { panic!("{error}") };
    assert_eq!((offered.as_slice(), tried.len()), (["password".to_owned()].as_slice(), 1));
    assert!(!format!("{error:?} {error}").contains("wrong"), "{error:?}");
    assert_eq!(prompter.count(), 0);
    target.password = Some(Secret::new("right"));
    assert!(connector().connect(&target).await.is_ok());
}

#[tokio::test]
async fn questions_of_the_server_are_asked_and_cleaned() {
    let manners = Manners { password: Some("right"), code: Some("123"), ..Manners::default() };
    let rogue = Rogue::start(manners).await;
    let prompter = Answering::new(["right", "123"]);
    assert!(SshConnector::new(prompter.clone()).connect(&rogue.target()).await.is_ok());
    let questions = prompter.questions.lock().unwrap().clone();
    assert_eq!(questions.len(), 2);
    assert!(!questions[1].text.contains('\x1b') && questions[1].echo, "{questions:?}");
}

#[tokio::test]
async fn a_key_and_then_questions_or_a_password() {
    let home = tempfile::tempdir().unwrap();
    let key = home.path().join("id");
    let pair = russh::keys::ssh_key::private::Ed25519Keypair::from_seed(&[9; 32]);
    let text = russh::keys::PrivateKey::new(pair.into(), "").unwrap().to_openssh(Default::default()).unwrap();
    std::fs::write(&key, text.as_bytes()).unwrap();
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    for (code, answers) in [(Some("123"), &["right", "123"][..]), (None, &["right"])] {
        let manners = || Manners { password: Some("right"), code, key_first: true, ..Manners::default() };
        let rogues = [Rogue::start(manners()).await, Rogue::start(manners()).await];
        let codes = answers.iter().skip(1);
        let prompter = Answering::new(answers.iter().chain(codes).copied());
        let connector = SshConnector::new(prompter.clone());
        for rogue in &rogues {
            let mut target = rogue.target();
            target.identity_files = vec![IdentityFile { path: key.clone(), named: true }];
            connector.connect(&target).await.unwrap_or_else(|error| panic!("{code:?}: {error:?}"));
            // Without the key nobody is asked for anything.
            target.identity_files.clear();
            let asked = prompter.count();
            assert!(connector.connect(&target).await.is_err());
            assert_eq!(prompter.count(), asked);
        }
        let passwords = prompter.questions.lock().unwrap().iter().filter(|q| q.text.starts_with("Password")).count();
        assert_eq!(passwords, 1, "{code:?}: the password is asked for once for both");
        assert!(rogues.iter().all(|rogue| rogue.password_tries.load(Ordering::SeqCst) == 1));
    }
}

#[tokio::test]
async fn only_the_methods_that_are_allowed() {
    let rogue = Rogue::start(Manners { password: Some("right"), ..Manners::default() }).await;
    let prompter = Answering::new(["right"]);
    let mut target = rogue.target();
    target.auth_methods = vec![AuthMethod::PublicKey];
    assert!(SshConnector::new(prompter.clone()).connect(&target).await.is_err());
    assert_eq!((prompter.count(), rogue.password_tries.load(Ordering::SeqCst)), (0, 0));
}

#[tokio::test]
async fn a_connection_attempt_that_is_given_up_leaves_nothing_behind() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut target = plain_target(listener.local_addr().unwrap());
    target.handshake_timeout = Duration::from_secs(600);
    let connector = connector();
    let connecting = connector.connect(&target);
    let given_up = tokio::time::timeout(Duration::from_millis(200), connecting).await;
    assert!(given_up.is_err());
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut buffer = Vec::new();
    // Our side closes: the read ends.
    tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut buffer).await.unwrap();
    assert!(buffer.starts_with(b"SSH-2.0-Capstan_"));
}
