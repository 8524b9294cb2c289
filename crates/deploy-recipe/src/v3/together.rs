//! What the strands of an `on` block recorded, put together: the same command of several hosts is one step.

use deploy_inventory::HostId;
use deploy_plan::{Command, CommandText, Item};
use indexmap::IndexMap;

use crate::v2::Cap;

/// Records it as one phase, in which each host goes at its own pace.
pub(crate) fn record(cap: &Cap, strands: Vec<Vec<Command>>) {
    let commands = merged(strands);
    if cap.port.is_open() && !commands.is_empty() {
        cap.flow.borrow_mut().recorded += 1;
        cap.port.record(Item::Together(commands));
    }
}

/// The commands of all hosts in an order that keeps that of each host.
fn merged(runs: Vec<Vec<Command>>) -> Vec<Command> {
    let longest = runs.iter().map(Vec::len).max().unwrap_or_default();
    let mut all: Vec<Command> = Vec::new();
    for index in 0..longest {
        let mut row: Vec<Vec<Command>> = Vec::new();
        for command in runs.iter().filter_map(|run| run.get(index)) {
            let alike = |group: &Vec<Command>| group.first().is_some_and(|first| is_alike(first, command));
            match row.iter_mut().find(|group| alike(group)) {
                Some(group) => group.push(command.clone()),
                None => row.push(vec![command.clone()]),
            }
        }
        all.extend(row.into_iter().filter_map(one));
    }
    all
}

/// Whether people would call it the same command.
fn is_alike(a: &Command, b: &Command) -> bool {
    let kind = |command: &Command| (command.class, command.text.is_transfer());
    a.site == b.site && a.task == b.task && a.shown == b.shown && kind(a) == kind(b)
}

fn one(group: Vec<Command>) -> Option<Command> {
    let mut whole = group.first()?.clone();
    whole.hosts = group.iter().flat_map(|command| command.hosts.clone()).collect();
    if whole.text.is_transfer() {
        let transfers = group.iter().filter_map(|command| match &command.text {
            CommandText::Transfer(transfers) => Some(transfers.clone()),
            CommandText::Same(_) | CommandText::PerHost(_) | CommandText::Health(_) => None,
        });
        whole.text = CommandText::Transfer(transfers.flatten().collect());
    } else if group.iter().any(|command| command.text != whole.text) {
        let texts: IndexMap<HostId, String> = group
            .iter()
            .flat_map(|command| command.hosts.iter().map(|host| (host.clone(), command.text.on(host).to_owned())))
            .collect();
        whole.text = CommandText::PerHost(texts);
    }
    Some(whole)
}

#[cfg(test)]
mod tests {
    use deploy_plan::{Content, Sent, StepClass, Transfer};

    use super::*;

    fn command(shown: &str, host: &str) -> Command {
        Command {
            shown: shown.to_owned(),
            text: CommandText::Same(format!("{shown} on {host}")),
            hosts: vec![HostId::new(host)],
            task: None,
            site: None,
            class: StepClass::Once,
            sudo: false,
            pty: false,
            max_hosts: None,
            continue_on_error: false,
            forward_agent: false,
        }
    }

    fn shown(all: &[Command]) -> String {
        let hosts = |hosts: &[HostId]| hosts.iter().map(HostId::as_str).collect::<Vec<_>>().join("+");
        all.iter().map(|c| format!("{}@{}", c.shown, hosts(&c.hosts))).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_same_command_is_one_step_and_each_host_keeps_its_order() {
        let strands = vec![
            vec![command("a", "h1"), command("b", "h1"), command("c", "h1")],
            vec![command("a", "h2"), command("c", "h2")],
        ];
        let commands = merged(strands);
        assert_eq!(shown(&commands), "a@h1+h2 b@h1 c@h2 c@h1");
        assert_eq!(commands[0].text.on(&HostId::new("h2")), "a on h2");
        assert!(merged(vec![Vec::new()]).is_empty());
    }

    #[test]
    fn each_host_gets_its_own_file() {
        let file = |host: &str| {
            let what = Sent::Bytes(Content::new(host.as_bytes()));
            let transfer = Transfer::Send { what, to: "/x".to_owned(), mode: None, via: deploy_plan::Via::Command };
            let text = CommandText::Transfer(IndexMap::from([(HostId::new(host), transfer)]));
            Command { text, ..command("upload", host) }
        };
        let commands = merged(vec![vec![file("h1")], vec![file("h2")], vec![command("upload", "h3")]]);
        assert_eq!(shown(&commands), "upload@h1+h2 upload@h3");
        let sent = commands[0].text.transfer(&HostId::new("h2"));
        assert!(matches!(sent, Some(Transfer::Send { what: Sent::Bytes(c), .. }) if c.bytes() == b"h2"), "{sent:?}");
    }
}
