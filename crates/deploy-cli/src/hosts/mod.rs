//! Commands about the recipe's hosts themselves: `cap hosts:trust` and `cap ssh HOST`.

mod escape;
mod shell;
mod trust;

use std::sync::Arc;

use deploy_inventory::{Address, Host, Properties};
use deploy_plan::{Observer, Problem, ProblemKind};
use deploy_recipe::Recipe;
use tokio::sync::mpsc;

use crate::dial::Dial;
use crate::errors::{Complaint, Exit};
use crate::list::Entry;
use crate::prompt::Answers;
use crate::wire::{Session, serve_passwords};

/// The words that begin such a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HostWord {
    Trust,
    Shell,
}

/// What lists and explanations of tasks say of these commands.
const EXPLAINED: [(HostWord, &str); 2] = [
    (
        HostWord::Trust,
        "Records the keys of the recipe's hosts. Shows the key of each host that is not known yet, asks whether it is the \
         right one, and stores it in config/known_hosts, which belongs to the project. `cap hosts:trust HOST…` looks at \
         these hosts only; --fingerprint SHA256:… stores a key with this fingerprint without asking.",
    ),
    (
        HostWord::Shell,
        "Opens a shell on a host, with the login, the keys and the gateway that a deploy uses. `cap ssh HOST COMMAND…` runs a \
         command there instead.",
    ),
];

/// The commands about hosts, as tasks are listed; a task of the recipe with such a name comes first.
pub(crate) fn entries(recipe: &Recipe) -> Vec<Entry> {
    let own = |word: HostWord| recipe.explain(word.text()).is_ok();
    let entry = |(word, text): &(HostWord, &str)| Entry {
        name: word.text().to_owned(),
        summary: text.split_inclusive('.').next().unwrap_or_default().to_owned(),
        description: (*text).to_owned(),
        hidden: false,
    };
    EXPLAINED.iter().filter(|(word, _)| !own(*word)).map(entry).collect()
}

impl HostWord {
    fn text(self) -> &'static str {
        match self {
            Self::Trust => "hosts:trust",
            Self::Shell => "ssh",
        }
    }
}

impl Session {
    /// The command that the command line begins with, perhaps behind a stage (`cap production ssh web1`), and what it is about.
    /// A task of the recipe with that name comes first.
    pub(crate) fn host_word(&self, recipe: &Recipe) -> Option<(HostWord, Vec<String>)> {
        let tasks = &self.words.tasks;
        let stages = tasks.iter().take_while(|task| recipe.explain(task).is_ok()).count().min(1);
        let (first, names) = tasks.get(stages..)?.split_first()?;
        let word = [HostWord::Trust, HostWord::Shell].into_iter().find(|word| word.text() == first)?;
        recipe.explain(first).is_err().then(|| (word, names.to_vec()))
    }

    pub(crate) async fn host_command(&self, recipe: &Recipe, word: HostWord, names: &[String]) -> Exit {
        if self.is_rehearsal() {
            let next = format!("leave out --plan and -n; `cap {}` changes nothing on any host", word.text());
            let complaint =
                Complaint::usage(format!("plan {}", word.text()), "the command line", "there is nothing to plan", next);
            return crate::complain(&self.io, &complaint);
        }
        let mut hosts = match recipe.hosts().await {
            Ok(hosts) => hosts,
            Err(problem) => return self.fail(&[*problem]),
        };
        let named = self.words.environment.iter().filter(|(name, _)| name == "HOSTS");
        for host in named.flat_map(|(_, list)| list.split(',').filter_map(named_host)) {
            if !hosts.iter().any(|known| known.id == host.id || known.name == host.name && host.user.is_none()) {
                hosts.push(host);
            }
        }
        let observer: Arc<dyn Observer> = match self.observers() {
            Ok((_, observer)) => observer,
            Err(complaint) => return crate::complain(&self.io, &complaint),
        };
        let (sender, requests) = mpsc::unbounded_channel();
        let answers = Arc::new(Answers::new(self.asker.clone(), self.secrets.clone(), sender));
        let dial = self.dial(answers, observer);
        let work = async {
            match word {
                HostWord::Trust => self.trust(&dial, &hosts, names).await,
                HostWord::Shell => self.shell(&dial, &hosts, names).await,
            }
        };
        tokio::select! {
            done = work => done.unwrap_or_else(|problem| self.fail(&[*problem])),
            never = serve_passwords(recipe, requests) => match never {},
            () = self.interrupts.gently().cancelled(), if word == HostWord::Trust => Exit::Interrupted,
        }
    }
}

/// A host that `HOSTS=` names and the recipe need not have.
fn named_host(text: &str) -> Option<Host> {
    let address = Address::parse(text.trim()).ok()?;
    let (id, name) = (address.id(), address.host().to_owned());
    Some(Host {
        id,
        name,
        user: address.user().map(str::to_owned),
        port: address.port(),
        properties: Properties::new(),
    })
}

/// The host that a person means: by its whole name, its id, or the first part of its name if that is clear.
fn find<'a>(hosts: &'a [Host], name: &str) -> Result<&'a Host, Box<Problem>> {
    let exact = hosts.iter().find(|host| host.name == name || host.id.as_str() == name);
    let short: Vec<&Host> =
        hosts.iter().filter(|host| host.name.split('.').next().is_some_and(|first| first == name)).collect();
    match (exact, short.as_slice()) {
        (Some(host), _) => Ok(host),
        (None, [host]) => Ok(host),
        _ => {
            let mut known: Vec<&str> = hosts.iter().map(|host| host.name.as_str()).collect();
            known.dedup();
            let why = format!("the recipe has no host of the name {name:?}");
            let problem = Problem::new(ProblemKind::NoHosts, format!("find the host {name:?}"), why);
            Err(Box::new(problem.next(format!("name one of the recipe's hosts: {}", known.join(", ")))))
        }
    }
}

/// What a connection to a host needs, or why there can be none.
fn target(dial: &Dial, host: &Host) -> Result<deploy_transport::Target, Box<Problem>> {
    deploy_engine::Dialer::target(dial, host).map_err(Box::new)
}
