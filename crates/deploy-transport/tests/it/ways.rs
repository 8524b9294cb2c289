//! Ways to a host other than plain TCP: jump hosts and commands.

use std::fs;

use deploy_transport::target::Proxy;
use deploy_transport::*;

use crate::sshd::Sshd;
use crate::support::{connector, output};

#[tokio::test]
async fn two_jump_hosts_and_their_connections_are_shared() {
    let (Some(first), Some(second), Some(last)) = (Sshd::start(""), Sshd::start(""), Sshd::start("")) else { return };
    let mut target = last.target();
    target.proxy = Proxy::Jump(vec![first.target(), second.target()]);
    let connector = connector();
    for n in 0..3 {
        let session = connector.connect(&target).await.unwrap();
        assert_eq!(output(&session, &format!("echo {n}")).await.stdout_text(), format!("{n}\n"));
    }
    assert_eq!(first.log().matches("Accepted publickey").count(), 1);
    assert_eq!(second.log().matches("Accepted publickey").count(), 1);
    assert_eq!(last.log().matches("Accepted publickey").count(), 3);
}

#[tokio::test]
async fn the_host_key_of_a_jump_host_is_checked() {
    let (Some(jump), Some(last)) = (Sshd::start(""), Sshd::start("")) else { return };
    fs::write(jump.path("known_hosts"), "").unwrap();
    let mut target = last.target();
    target.proxy = Proxy::Jump(vec![jump.target()]);
    let Err(error) = connector().connect(&target).await else { panic!("connected") };
    let ConnectErrorKind::Jump { source, .. } = &error.kind else { panic!("{error}") };
    assert!(matches!(source.kind, ConnectErrorKind::HostKeyUnknown(_)), "{source}");
    assert!(!last.log().contains("Accepted"));
}

#[tokio::test]
async fn a_target_that_the_jump_host_cannot_reach() {
    let Some(jump) = Sshd::start("") else { return };
    let mut target = jump.target();
    target.proxy = Proxy::Jump(vec![jump.target()]);
    target.port = 1;
    let Err(error) = connector().connect(&target).await else { panic!("connected") };
    assert!(matches!(&error.kind, ConnectErrorKind::JumpRefused { .. }), "{error}");
}

#[tokio::test]
async fn a_command_as_the_way() {
    let Some(sshd) = Sshd::start("") else { return };
    let mut target = sshd.target();
    let server = crate::support::program("sshd").unwrap();
    // A server of our own on the command's input and output.
    target.proxy =
        Proxy::Command(format!("{} -i -e -f {} 2>/dev/null", server.display(), sshd.path("sshd_config").display()));
    let session = connector().connect(&target).await.unwrap();
    assert_eq!(output(&session, "echo through").await.stdout_text(), "through\n");
    target.proxy = Proxy::Command("exit 3".into());
    let Err(error) = connector().connect(&target).await else { panic!("connected") };
    assert!(matches!(error.kind, ConnectErrorKind::ResetBeforeBanner), "{error}");
}
