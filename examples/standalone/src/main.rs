//! `everywhere COMMAND [USER@]HOST[:PORT]…`: one command on many hosts at once, each host's answer as it comes.
//! Without hosts it runs the command here, through the same trait.

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

use deploy_inventory::{Inventory, Properties, Selection};
use deploy_transport::{
    Connector, Exec, LocalConnector, LocalEnvironment, NoPrompter, Overrides, SshConfig, SshConnector, Target, resolve,
};
use futures_util::future::join_all;

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let command = args.next().unwrap_or_else(|| "uname -a".to_owned());
    let hosts: Vec<String> = args.collect();

    let environment = LocalEnvironment::current();
    let (connector, targets): (Arc<dyn Connector>, Vec<Target>) = if hosts.is_empty() {
        (Arc::new(LocalConnector), vec![Target::new("localhost", environment.user.clone(), &environment)])
    } else {
        let mut inventory = Inventory::new();
        inventory.role("all", &hosts, &Properties::new())?;
        let config = SshConfig::standard(environment);
        let selected = inventory.select(&Selection::all(), &Default::default())?;
        let targets = selected
            .hosts
            .iter()
            .map(|host| {
                let overrides = Overrides { user: host.user.clone(), port: host.port, ..Overrides::default() };
                resolve(&host.name, &overrides, &config)
            })
            .collect::<Result<_, _>>()?;
        (Arc::new(SshConnector::new(Arc::new(NoPrompter))), targets)
    };

    let answers = join_all(targets.iter().map(|target| run(&connector, target, &command))).await;
    let mut all_well = true;
    for (target, answer) in targets.iter().zip(answers) {
        match answer {
            Ok(text) => print!("[{}] {text}", target.name),
            Err(error) => {
                all_well = false;
                eprintln!("[{}] {error}", target.name);
            }
        }
    }
    Ok(if all_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn run(connector: &Arc<dyn Connector>, target: &Target, command: &str) -> Result<String, Box<dyn Error>> {
    let session = connector.connect(target).await?;
    let output = session.exec(Exec::new(command)).await?.output(64 * 1024).await;
    session.close().await;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(output.status.to_string().into())
    }
}
