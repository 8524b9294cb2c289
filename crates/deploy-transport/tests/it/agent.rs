//! A real ssh-agent: logging in with its keys, and passing it on.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use deploy_transport::target::AgentSource;
use deploy_transport::*;
use tempfile::TempDir;

use crate::sshd::Sshd;
use crate::support::{connector, fingerprint, make_key, output, program};

pub struct RealAgent {
    child: Child,
    pub socket: PathBuf,
    _dir: TempDir,
}

impl RealAgent {
    pub fn start() -> Option<Self> {
        let agent = program("ssh-agent")?;
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("agent");
        let child = Command::new(agent)
            .arg("-D")
            .arg("-a")
            .arg(&socket)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        while !socket.exists() {
            std::thread::sleep(Duration::from_millis(5));
        }
        Some(Self { child, socket, _dir: dir })
    }

    pub fn add(&self, key: &std::path::Path) {
        let done = Command::new("ssh-add")
            .arg("-q")
            .arg(key)
            .env("SSH_AUTH_SOCK", &self.socket)
            .stdin(Stdio::null())
            .status()
            .unwrap();
        assert!(done.success());
    }
}

impl Drop for RealAgent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A target that has no key file and asks the agent.
fn target(sshd: &Sshd, agent: &RealAgent) -> Target {
    let mut target = sshd.target();
    target.identity_files.clear();
    target.agent = AgentSource::Socket(agent.socket.clone());
    target.forwarded_agent = Some(agent.socket.clone());
    target
}

#[tokio::test]
async fn keys_of_the_agent_of_all_kinds() {
    let Some(sshd) = Sshd::start("") else { return };
    for (name, arguments) in [
        ("a_ed", ["-t", "ed25519", "-N", ""].as_slice()),
        ("a_rsa", ["-t", "rsa", "-b", "2048", "-N", ""].as_slice()),
        ("a_ecdsa", ["-t", "ecdsa", "-b", "256", "-N", ""].as_slice()),
    ] {
        let Some(agent) = RealAgent::start() else { return };
        let key = make_key(sshd.dir.path(), name, arguments);
        sshd.authorize(&key);
        agent.add(&key);
        let session = connector().connect(&target(&sshd, &agent)).await.unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(output(&session, "true").await.status.success());
    }
}

#[tokio::test]
async fn only_the_configured_keys_of_the_agent_when_said_so() {
    let (Some(sshd), Some(agent)) = (Sshd::start(""), RealAgent::start()) else { return };
    let wrong = make_key(sshd.dir.path(), "wrong", &["-t", "ed25519", "-N", ""]);
    agent.add(&wrong);
    agent.add(&sshd.user_key);
    let mut target = target(&sshd, &agent);
    target.identities_only = true;
    let Err(error) = connector().connect(&target).await else { panic!() };
    assert!(matches!(&error.kind, ConnectErrorKind::AuthRefused { tried, .. } if tried.is_empty()), "{error}");
    // The public half is enough to name a key of the agent, and it is tried first.
    let public = sshd.path("named");
    fs::copy(sshd.path("user_ed25519.pub"), sshd.path("named.pub")).unwrap();
    target.identity_files = vec![target::IdentityFile { path: public, named: true }];
    assert!(connector().connect(&target).await.is_ok());
    target.identities_only = false;
    assert!(connector().connect(&target).await.is_ok());
    let log = sshd.log();
    assert!(!log.contains(&fingerprint(&wrong)), "the configured key comes first: {log}");
}

use deploy_transport::target;

#[tokio::test]
async fn the_agent_is_passed_on_only_when_asked_for() {
    let (Some(sshd), Some(agent)) = (Sshd::start(""), RealAgent::start()) else { return };
    agent.add(&sshd.user_key);
    let mut target = target(&sshd, &agent);
    target.forward_agent = true;
    let session = connector().connect(&target).await.unwrap();
    assert_eq!(output(&session, "echo ${SSH_AUTH_SOCK:-none}").await.stdout_text(), "none\n");
    let mut exec = Exec::new("ssh-add -l && ssh-add -l");
    exec.forward_agent = true;
    let done = session.exec(exec.clone()).await.unwrap().output(10_000).await;
    assert_eq!(done.stdout_text().matches(&fingerprint(&sshd.user_key)).count(), 2, "{done:?}");

    target.forward_agent = false;
    let session = connector().connect(&target).await.unwrap();
    let error = session.exec(exec).await.unwrap_err();
    assert!(matches!(error, ExecError::Unsupported { .. }), "{error}");
}

#[tokio::test]
async fn a_server_that_does_not_pass_agents_on_is_noted() {
    let (Some(sshd), Some(agent)) = (Sshd::start("AllowAgentForwarding no"), RealAgent::start()) else { return };
    agent.add(&sshd.user_key);
    let mut target = target(&sshd, &agent);
    target.forward_agent = true;
    let session = connector().connect(&target).await.unwrap();
    let mut exec = Exec::new("echo on");
    exec.forward_agent = true;
    let mut running = session.exec(exec).await.unwrap();
    assert_eq!(running.collect(100).await.stdout_text(), "on\n");
    assert_eq!(running.notes(), [Note::AgentForwardingRefused]);
}

#[tokio::test]
async fn an_agent_that_is_gone_does_not_matter_when_there_is_a_key_file() {
    let Some(sshd) = Sshd::start("") else { return };
    let mut target = sshd.target();
    target.agent = AgentSource::Socket(sshd.path("no-such-socket"));
    assert!(connector().connect(&target).await.is_ok());
}
