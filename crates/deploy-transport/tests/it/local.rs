//! This machine as a host, through the same traits.

use deploy_transport::*;

use crate::support::{environment, output};

async fn session() -> std::sync::Arc<dyn Session> {
    let dir = tempfile::tempdir().unwrap();
    let target = Target::new("localhost", "me", &environment(dir.path()));
    LocalConnector.connect(&target).await.unwrap()
}

#[tokio::test]
async fn commands_input_and_results() {
    let session = session().await;
    let mut running = session.exec(Exec::new("cat; echo $X >&2; exit 4").with_env("X", "y").pipelined()).await.unwrap();
    let mut stdin = running.take_stdin().unwrap();
    stdin.write("hello").await.unwrap();
    stdin.finish();
    let done = running.collect(100).await;
    assert_eq!((done.stdout_text().as_str(), done.stderr_text().as_str()), ("hello", "y\n"));
    assert_eq!(done.status, ExitStatus::Code(4));
    assert_eq!(session.stats().exec_channels, 1);
}

#[tokio::test]
async fn closing_the_session_ends_what_runs() {
    let session = session().await;
    let mut running = session.exec(Exec::new("echo ready; sleep 600")).await.unwrap();
    assert!(matches!(running.next().await, Some(Event::Stdout(_))));
    session.close().await;
    let done = running.collect(100).await;
    assert!(matches!(&done.status, ExitStatus::Signal { name, .. } if name == "KILL"), "{:?}", done.status);
    assert!(matches!(session.exec(Exec::new("true")).await, Err(ExecError::Lost { .. })));
}

#[tokio::test]
async fn writing_to_a_command_that_ended_fails() {
    let session = session().await;
    let mut running = session.exec(Exec::new("exit 0")).await.unwrap();
    let mut stdin = running.take_stdin().unwrap();
    let write = async { while stdin.write(vec![0u8; 1 << 16]).await.is_ok() {} };
    let (done, ()) = tokio::join!(running.collect(10), write);
    assert!(done.status.success());
}

#[tokio::test]
async fn a_process_left_behind_does_not_hold_the_command() {
    let session = session().await;
    let mut running = session.exec(Exec::new("sleep 600 & echo $!")).await.unwrap();
    let done = running.collect(100).await;
    assert_eq!((&done.status, running.notes()), (&ExitStatus::Code(0), vec![Note::OutputHeldOpen]));
    assert!(output(&session, &format!("kill {}", done.stdout_text())).await.status.success());
}

#[tokio::test]
async fn there_is_no_terminal() {
    let error = session().await.exec(Exec::new("true").with_pty(Pty::default())).await.unwrap_err();
    assert!(matches!(error, ExecError::Unsupported { .. }), "{error}");
}
