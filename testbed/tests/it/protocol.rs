//! What the `ssh` client cannot show: signals, and channels that do not hold each other up.

use std::sync::Arc;

use deploy_testbed::Fleet;
use russh::client::{self, AuthResult, Handle};
use russh::keys::{PrivateKeyWithHashAlg, PublicKeyOrCertificate, load_secret_key};
use russh::{Channel, ChannelMsg, Sig};

use crate::support::embedded;

struct Trusting;

impl client::Handler for Trusting {
    type Error = russh::Error;

    async fn check_server_key(&mut self, _: &PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        Ok(true)
    }
}

async fn connect(fleet: &Fleet) -> Handle<Trusting> {
    let host = fleet.host("web1").unwrap();
    let config = Arc::new(client::Config { nodelay: true, ..client::Config::default() });
    let mut session = client::connect(config, (host.address, host.port), Trusting).await.unwrap();
    let key = Arc::new(load_secret_key(&fleet.identity, None).unwrap());
    let key = PrivateKeyWithHashAlg::new(key, None);
    let login = session.authenticate_publickey("deploy", key).await.unwrap();
    assert!(matches!(login, AuthResult::Success));
    session
}

async fn exec(session: &Handle<Trusting>, text: &str) -> Channel<client::Msg> {
    let channel = session.channel_open_session().await.unwrap();
    channel.exec(true, text).await.unwrap();
    channel
}

/// Waits for this text on a channel.
async fn expect(channel: &mut Channel<client::Msg>, text: &str) {
    let mut got = Vec::new();
    while !String::from_utf8_lossy(&got).contains(text) {
        match channel.wait().await {
            Some(ChannelMsg::Data { data }) => got.extend_from_slice(&data),
            Some(_) => {}
            None => panic!("the channel ended without {text}"),
        }
    }
}

#[tokio::test]
async fn signals_reach_the_whole_group_and_come_back() {
    let fleet = embedded(&["web1"]);
    let session = connect(&fleet).await;
    let mut channel = exec(&session, "sleep 1000 & echo up; wait").await;
    expect(&mut channel, "up").await;
    channel.signal(Sig::TERM).await.unwrap();
    let mut ended = None;
    // The channel closes when the last of the group, the sleep, has let go of the output.
    while let Some(message) = channel.wait().await {
        if let ChannelMsg::ExitSignal { signal_name, .. } = message {
            ended = Some(signal_name);
        }
    }
    assert!(matches!(ended, Some(Sig::TERM)), "{ended:?}");
}

#[tokio::test]
async fn input_that_a_command_does_not_read_holds_up_no_other_channel() {
    let fleet = embedded(&["web1"]);
    let session = connect(&fleet).await;
    let mut slow = exec(&session, "echo up; while [ ! -e ~/go ]; do sleep 0.02; done; wc -c").await;
    expect(&mut slow, "up").await;
    let size = 4 << 20;
    let sender = slow.make_writer();
    let sending = tokio::spawn(async move {
        use tokio::io::AsyncWriteExt;
        let mut sender = std::pin::pin!(sender);
        sender.write_all(&vec![7; size]).await.unwrap();
        sender.shutdown().await.unwrap();
    });
    sending.await.unwrap();
    let mut quick = exec(&session, "touch ~/go; echo done").await;
    expect(&mut quick, "done").await;
    expect(&mut slow, &size.to_string()).await;
}
