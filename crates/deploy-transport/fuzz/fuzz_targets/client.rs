//! A client that connects to a server and runs a command, whatever comes of it.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use deploy_testbed::hostile::Hostile;
use deploy_transport::target::{AgentSource, KnownHostsFiles};
use deploy_transport::{
    ConnectLimiter, Connector, Exec, LocalEnvironment, NoPrompter, SshConnector, Strictness, Target,
};
use tokio::runtime::{Builder, Runtime};

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime"));

/// It must end, with a reason.
pub fn meet(server: &Hostile) {
    let address = server.address();
    let mut target = Target::new(address.ip().to_string(), "deploy", &LocalEnvironment::current());
    target.port = address.port();
    target.identity_files.clear();
    target.agent = AgentSource::None;
    target.known_hosts = KnownHostsFiles::default();
    target.strictness = Strictness::Off;
    let work = async {
        let connector = SshConnector::with_limiter(Arc::new(NoPrompter), ConnectLimiter::new(1));
        match connector.connect(&target).await {
            Err(error) => error.to_string(),
            Ok(session) => match session.exec(Exec::new("work")).await {
                Err(error) => error.to_string(),
                Ok(mut running) => running.collect(1 << 20).await.status.to_string(),
            },
        }
    };
    let ended = RUNTIME.block_on(async { tokio::time::timeout(Duration::from_secs(100), work).await });
    assert!(!ended.expect("it hangs").is_empty());
}
