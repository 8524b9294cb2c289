//! Other servers, and OpenSSH with settings that forbid much.

use std::fs;
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use deploy_transport::target::{AgentSource, IdentityFile, KnownHostsFiles};
use deploy_transport::transfer::{Source, Upload, read, upload};
use deploy_transport::*;

use crate::sshd::Sshd;
use crate::support::{connector, environment, free_address, make_key, output, program};

/// Dropbear in a mount namespace where the home of root is a directory of ours.
struct Dropbear {
    dir: tempfile::TempDir,
    target: Target,
    child: Child,
}

impl Dropbear {
    fn start() -> Option<Self> {
        let (server, keygen) = (program("dropbear")?, program("dropbearkey")?);
        program("ssh-keygen")?;
        if !rustix::process::getuid().is_root() {
            println!("skipped: Dropbear takes keys from the login's home only, and making one needs root");
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        let key = make_key(dir.path(), "user_ed25519", &["-t", "ed25519", "-N", ""]);
        fs::create_dir(dir.path().join(".ssh")).unwrap();
        fs::copy(dir.path().join("user_ed25519.pub"), dir.path().join(".ssh/authorized_keys")).unwrap();
        let host_key = dir.path().join("host");
        let made = Command::new(keygen).args(["-t", "ed25519", "-f"]).arg(&host_key).output().unwrap();
        let text = String::from_utf8_lossy(&made.stdout).into_owned();
        let public = text.lines().find(|line| line.starts_with("ssh-ed25519")).unwrap().to_owned();
        let (host, port) = free_address();
        let known = dir.path().join("known_hosts");
        fs::write(&known, format!("[{host}]:{port} {public}\n")).unwrap();
        let child = Command::new("unshare")
            .args(["--mount", "--propagation", "private", "sh", "-c"])
            .arg("mount --bind \"$1\" /root && exec \"$2\" -F -E -r \"$1/host\" -P \"$1/pid\" -p \"$3\"")
            .arg("sh")
            .arg(dir.path())
            .arg(server)
            .arg(format!("{host}:{port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(dir.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let mut target = Target::new(&host, "root", &environment(dir.path()));
        target.port = port;
        target.identity_files = vec![IdentityFile { path: key, named: true }];
        target.agent = AgentSource::None;
        target.known_hosts = KnownHostsFiles { user: vec![known], ..KnownHostsFiles::default() };
        let dropbear = Self { dir, target, child };
        for _ in 0..3000 {
            if TcpStream::connect((host.as_str(), port)).is_ok() {
                return Some(dropbear);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("dropbear does not listen: {}", fs::read_to_string(dropbear.dir.path().join("log")).unwrap());
    }
}

impl Drop for Dropbear {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn dropbear_runs_commands_and_takes_files() {
    let Some(dropbear) = Dropbear::start() else { return };
    let session = connector().connect(&dropbear.target).await.unwrap();
    let done = output(&session, "echo out; echo err >&2; exit 3").await;
    assert_eq!(
        (done.status.clone(), done.stdout_text(), done.stderr_text()),
        (ExitStatus::Code(3), "out\n".into(), "err\n".into())
    );
    let killed = output(&session, "kill -TERM $$").await.status;
    assert!(matches!(&killed, ExitStatus::Signal { name, .. } if name == "TERM"), "{killed:?}");
    let many = (0..6).map(|n| {
        let session = Arc::clone(&session);
        async move { output(&session, &format!("sleep 0.1; echo {n}")).await.stdout_text() }
    });
    let all = futures_util::future::join_all(many).await;
    assert_eq!(all.concat(), "0\n1\n2\n3\n4\n5\n");
    let data = Upload::new(Source::Bytes(vec![b'x'; 2_000_000].into()), "~/sent");
    upload(&*session, "web1", &data, &mut |_| ()).await.unwrap();
    assert_eq!(read(&*session, "web1", "sent", 3_000_000).await.unwrap().len(), 2_000_000);
    let mut running = session.exec(Exec::new("tty").with_pty(Pty::default())).await.unwrap();
    assert!(running.collect(1000).await.stdout_text().contains("/dev/pts"));
    session.close().await;
}

#[tokio::test]
async fn one_session_at_a_time_is_enough() {
    let Some(sshd) = Sshd::start("MaxSessions 1") else { return };
    let session = connector().connect(&sshd.target()).await.unwrap();
    let many = (0..5).map(|n| {
        let session = Arc::clone(&session);
        async move { output(&session, &format!("echo {n}")).await.stdout_text() }
    });
    assert_eq!(futures_util::future::join_all(many).await.concat(), "0\n1\n2\n3\n4\n");
}

#[tokio::test]
async fn a_forced_command_runs_instead() {
    let Some(sshd) = Sshd::start("ForceCommand echo \"forced: $SSH_ORIGINAL_COMMAND\"") else { return };
    let session = connector().connect(&sshd.target()).await.unwrap();
    let done = output(&session, "uptime").await;
    assert_eq!((done.status.clone(), done.stdout_text()), (ExitStatus::Code(0), "forced: uptime\n".into()));
    // What did not run cannot be taken for success.
    let data = Upload::new(Source::Bytes("x".into()), sshd.path("sent").to_str().unwrap());
    let sent = upload(&*session, "web1", &data, &mut |_| ()).await;
    assert!(!sshd.path("sent").exists());
    drop(sent);
}

#[tokio::test]
async fn no_terminals_and_no_agent() {
    let Some(sshd) = Sshd::start("PermitTTY no\nAllowAgentForwarding no") else { return };
    let Some(agent) = crate::agent::RealAgent::start() else { return };
    let mut target = sshd.target();
    target.forward_agent = true;
    target.forwarded_agent = Some(agent.socket.clone());
    let session = connector().connect(&target).await.unwrap();
    let error = session.exec(Exec::new("true").with_pty(Pty::default())).await.unwrap_err();
    assert!(matches!(error, ExecError::Refused { request: "pty", .. }), "{error}");
    let mut exec = Exec::new("echo \"[$SSH_AUTH_SOCK]\"");
    exec.forward_agent = true;
    let mut running = session.exec(exec).await.unwrap();
    let done = running.collect(1000).await;
    assert_eq!(done.stdout_text(), "[]\n");
    assert_eq!(running.notes(), [Note::AgentForwardingRefused]);
    assert!(output(&session, "true").await.status.success());
}

#[tokio::test]
async fn a_banner_before_the_login_is_no_output() {
    let Some(sshd) = Sshd::start("Banner /etc/hosts\nPrintLastLog yes") else { return };
    let session = connector().connect(&sshd.target()).await.unwrap();
    assert_eq!(output(&session, "echo only this").await.stdout_text(), "only this\n");
}

#[tokio::test]
async fn variables_are_asked_for_and_compressed_connections_work() {
    let Some(sshd) = Sshd::start("AcceptEnv CAPSTAN_*\nCompression yes") else { return };
    let mut target = sshd.target();
    target.env = vec![("CAPSTAN_A".into(), "it's".into()), ("NOT_ALLOWED".into(), "x".into())];
    target.algorithms.compression = true;
    target.algorithms.ciphers = Some(ssh_config::AlgorithmList::new("aes256-ctr"));
    target.algorithms.macs = Some(ssh_config::AlgorithmList::new("hmac-sha2-256"));
    let session = connector().connect(&target).await.unwrap();
    assert_eq!(output(&session, "echo $CAPSTAN_A,$NOT_ALLOWED").await.stdout_text(), "it's,\n");
    let done = output(&session, "head -c 3000000 /dev/zero").await;
    assert_eq!(done.stdout.len(), 3_000_000);
    assert!(session.stats().bytes_in < 300_000, "{:?}", session.stats());
}

#[tokio::test]
async fn two_hundred_hosts_behind_one_server_with_default_limits() {
    let Some(sshd) = Sshd::start("MaxStartups 10:30:100") else { return };
    let connector = Arc::new(connector());
    let target = sshd.target();
    let all = futures_util::future::join_all((0..200).map(|_| connector.connect(&target))).await;
    let failed: Vec<_> = all.iter().filter_map(|result| result.as_ref().err().map(ToString::to_string)).collect();
    assert!(failed.is_empty(), "{} of 200: {failed:?}", failed.len());
}
