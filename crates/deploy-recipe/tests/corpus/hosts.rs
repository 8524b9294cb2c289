//! Hosts that answer every command with nothing.

use async_trait::async_trait;
use deploy_plan::{
    Command, CommandResult, Event, ExitStatus, HostRelease, Hosts, Item, Opened, Purpose, ReleaseId, Revision, Site,
    Stopped, Suspension, Transaction, Want,
};

/// All commands succeed, or those whose status is asked for fail.
pub struct Silent {
    succeeds: bool,
}

impl Silent {
    /// Hosts on which every test says this.
    pub fn new(succeeds: bool) -> Self {
        Self { succeeds }
    }
}

fn facts() -> HostRelease {
    let id = |text: &str| ReleaseId::new(text).ok();
    HostRelease {
        live: id("20261101000002"),
        live_revision: Revision::new("0123456789012345678901234567890123456789").ok(),
        previous: id("20261101000001"),
        releases: ["20261101000001", "20261101000002"].iter().filter_map(|text| id(text)).collect(),
        migrations: None,
        history: Vec::new(),
        hold: None,
        not_asked: false,
    }
}

#[async_trait(?Send)]
impl Hosts for Silent {
    fn record(&self, _item: Item) {}

    async fn begin(&self, transaction: Transaction) -> Result<Opened, Stopped> {
        let name = match &transaction.purpose {
            Purpose::Deploy { release_name } => release_name.clone().unwrap_or_else(|| "20261123054446".to_owned()),
            _ => "20261101000002".to_owned(),
        };
        let hosts = transaction.hosts.into_iter().map(|host| (host, facts())).collect();
        Ok(Opened { release: ReleaseId::new(&name).ok(), revision: None, hosts, blockers: Vec::new() })
    }

    async fn command(&self, command: Command, want: Want, _why: Suspension) -> Result<Vec<CommandResult>, Stopped> {
        let code = i32::from(want != Want::Output && !self.succeeds);
        let answer = |host: &deploy_inventory::HostId| CommandResult {
            host: host.clone(),
            status: ExitStatus::Code(code),
            stdout: Vec::new(),
            stderr: Vec::new(),
            unreached: None,
        };
        Ok(command.hosts.iter().map(answer).collect())
    }

    async fn settle(&self, _why: Suspension, _site: Option<Site>) -> Result<(), Stopped> {
        Ok(())
    }

    fn is_rehearsal(&self) -> bool {
        true
    }

    fn tell(&self, _event: Event) {}
}
