//! `cap hosts:trust`: records the keys of the recipe's hosts in the project's known_hosts file, after a person has compared them.

use std::collections::HashSet;
use std::path::Path;

use deploy_inventory::Host;
use deploy_plan::{Problem, ProblemKind};
use deploy_transport::known_hosts::append;
use deploy_transport::target::Proxy;
use deploy_transport::{ConnectError, ConnectErrorKind, Endpoint, Strictness, Target, UnknownHostKey};

use super::{find, target};
use crate::dial::Dial;
use crate::errors::Exit;
use crate::wire::Session;

impl Session {
    /// Looks at the key of each host, and of the jump hosts on the way, and stores what is agreed to.
    pub(super) async fn trust(&self, dial: &Dial, hosts: &[Host], names: &[String]) -> Result<Exit, Box<Problem>> {
        let chosen: Vec<&Host> = match names {
            [] => hosts.iter().collect(),
            names => names.iter().map(|name| find(hosts, name)).collect::<Result<_, _>>()?,
        };
        if chosen.is_empty() {
            let problem = Problem::new(ProblemKind::NoHosts, "look at host keys", "the recipe has no hosts");
            return Err(Box::new(problem));
        }
        let mut problems = Vec::new();
        let mut seen = HashSet::new();
        for host in chosen {
            let mut target = target(dial, host)?;
            strictly(&mut target);
            if !seen.insert((target.host_key_name().to_owned(), target.port)) {
                continue;
            }
            if let Err(problem) = self.trust_one(dial, host, &target).await {
                problems.push(problem.on(&host.id));
            }
        }
        match problems.as_slice() {
            [] => Ok(Exit::Done),
            problems => Ok(self.fail(problems)),
        }
    }

    async fn trust_one(&self, dial: &Dial, host: &Host, target: &Target) -> Result<(), Problem> {
        let file = self.project_known_hosts();
        loop {
            let error = match dial.ssh().check_host_key(target).await {
                Ok(()) => {
                    self.say(&format!("{}: its key is trusted\n", host.name));
                    return Ok(());
                }
                Err(error) => error,
            };
            // A jump host on the way comes first.
            let Some((endpoint, key)) = unknown(&error) else {
                return Err(deploy_engine::Dialer::refused(dial, target, &error));
            };
            self.agree(endpoint, key, &file).await?;
            append(&file, &key.line).map_err(|error| {
                let what = format!("record the key of {}", endpoint.name);
                let next = "make the file writable, or record the key in your own known_hosts";
                Problem::new(ProblemKind::Usage, what, format!("{}: {error}", file.display())).next(next)
            })?;
            let shown = file.strip_prefix(self.directory()).unwrap_or(&file).display().to_string();
            self.say(&format!("{}: {} {} stored in {shown}\n", endpoint.name, key.key_type, key.fingerprint));
        }
    }

    /// A fingerprint on the command line agrees for a person; otherwise one is asked.
    async fn agree(&self, endpoint: &Endpoint, key: &UnknownHostKey, file: &Path) -> Result<(), Problem> {
        let fingerprint = key.fingerprint.to_string();
        let what = format!("trust {endpoint}");
        let compare = "compare it with `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` on the host";
        if !self.args.fingerprint.is_empty() {
            if self.args.fingerprint.contains(&fingerprint) {
                return Ok(());
            }
            let why = format!("it shows {fingerprint} ({}), which is none of those given", key.key_type);
            let next = format!("find out why before anything else: it may not be your host; {compare}");
            return Err(Problem::new(ProblemKind::Connect, what, why).next(next));
        }
        let mut text = format!("{endpoint} shows the key {fingerprint} ({}).\n", key.key_type);
        if !key.other_types.is_empty() {
            let places: Vec<String> =
                key.other_types.iter().map(|k| format!("{} ({})", k.place(), k.key_type)).collect();
            text.push_str(&format!("Keys of other types are recorded for it: {}.\n", places.join(", ")));
        }
        text.push_str(&format!("{}.\n", compare.replacen('c', "C", 1)));
        self.say(&text);
        let question = format!("Store it in {}? (yes/no) ", file.display());
        match self.asker.ask(&question, true).await {
            Ok(Some(answer)) if answer.trim().eq_ignore_ascii_case("yes") => Ok(()),
            Ok(_) => {
                let why = format!("nobody said yes to the key {fingerprint}");
                Err(Problem::new(ProblemKind::Connect, what, why).next(format!("{compare}, then try again")))
            }
            Err(error) => {
                let why = format!("{error}; it shows {fingerprint} ({})", key.key_type);
                let next = "give the fingerprint that the host itself prints (`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` \
                            there): --fingerprint SHA256:…";
                Err(Problem::new(ProblemKind::Password, what, why).next(next))
            }
        }
    }

    fn say(&self, text: &str) {
        self.screen.print(false, deploy_report::visible(&self.secrets.clean(text)).as_bytes());
    }
}

/// The recipe may not check keys, or take new ones; here they are looked at.
fn strictly(target: &mut Target) {
    target.strictness = Strictness::Strict;
    if let Proxy::Jump(hops) = &mut target.proxy {
        hops.iter_mut().for_each(strictly);
    }
}

/// The host, on the way or at its end, of which no key is known.
fn unknown(error: &ConnectError) -> Option<(&Endpoint, &UnknownHostKey)> {
    match &error.kind {
        ConnectErrorKind::HostKeyUnknown(key) => Some((&error.endpoint, key)),
        ConnectErrorKind::Jump { source, .. } => unknown(source),
        _ => None,
    }
}
