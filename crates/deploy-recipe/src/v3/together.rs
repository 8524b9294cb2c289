//! What the strands of an `on` block recorded, put together: the same command of several hosts is one step.

use std::collections::VecDeque;
use std::rc::Rc;

use deploy_inventory::HostId;
use deploy_plan::{Builtin, BuiltinItem, Command, CommandText, Item, Op, Site};
use indexmap::IndexMap;

use crate::v2::Cap;

/// One thing that a strand recorded for its host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// A command.
    Command(Box<Command>),
    /// Work of ours: a file that is written.
    Ops { title: String, ops: Vec<Op>, host: HostId, task: String, site: Option<Site> },
}

impl Piece {
    fn is_command(&self) -> bool {
        matches!(self, Self::Command(_))
    }
}

/// Records it: runs of commands as one phase each, what is ours between them.
pub(crate) fn record(cap: &Cap, strands: Vec<Vec<Piece>>) {
    if !cap.port.is_open() {
        return;
    }
    for item in items(strands) {
        cap.flow.borrow_mut().recorded += 1;
        cap.port.record(item);
    }
}

fn items(strands: Vec<Vec<Piece>>) -> Vec<Item> {
    let mut strands: Vec<VecDeque<Piece>> = strands.into_iter().map(VecDeque::from).collect();
    let mut items = Vec::new();
    while strands.iter().any(|strand| !strand.is_empty()) {
        let runs: Vec<Vec<Command>> = strands.iter_mut().map(leading_commands).collect();
        let commands = merged(runs);
        if !commands.is_empty() {
            items.push(Item::Together(commands));
        }
        items.extend(leading_ops(&mut strands));
    }
    items
}

fn leading_commands(strand: &mut VecDeque<Piece>) -> Vec<Command> {
    let mut run = Vec::new();
    while strand.front().is_some_and(Piece::is_command) {
        if let Some(Piece::Command(command)) = strand.pop_front() {
            run.push(*command);
        }
    }
    run
}

/// The next piece of ours of each strand; the same one on several hosts is one item.
fn leading_ops(strands: &mut [VecDeque<Piece>]) -> Vec<Item> {
    let mut found: Vec<BuiltinItem> = Vec::new();
    for strand in strands {
        let Some(Piece::Ops { title, ops, host, task, site }) = strand.pop_front() else { continue };
        let builtin = Builtin::Ops { title, ops, undo: Vec::new() };
        match found.iter_mut().find(|item| item.builtin == builtin && item.site == site) {
            Some(item) => item.hosts.push(host),
            None => found.push(BuiltinItem { builtin, hosts: vec![host], task, site, sudo: false }),
        }
    }
    found.into_iter().map(Item::Builtin).collect()
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
    a.site == b.site && a.task == b.task && a.shown == b.shown && a.class == b.class
}

fn one(group: Vec<Command>) -> Option<Command> {
    let mut whole = group.first()?.clone();
    whole.hosts = group.iter().flat_map(|command| command.hosts.clone()).collect();
    if group.iter().any(|command| command.text != whole.text) {
        let texts: IndexMap<HostId, String> = group
            .iter()
            .flat_map(|command| command.hosts.iter().map(|host| (host.clone(), command.text.on(host).to_owned())))
            .collect();
        whole.text = CommandText::PerHost(texts);
    }
    Some(whole)
}

/// Whether all of it are commands, and those.
pub(crate) fn only_commands(pieces: &[Piece]) -> Option<Vec<Command>> {
    pieces
        .iter()
        .map(|piece| match piece {
            Piece::Command(command) => Some((**command).clone()),
            Piece::Ops { .. } => None,
        })
        .collect()
}

/// The strands of one host.
pub(crate) fn of_one(cap: &Rc<Cap>, pieces: Vec<Piece>) {
    record(cap, vec![pieces]);
}

#[cfg(test)]
mod tests {
    use deploy_plan::StepClass;

    use super::*;

    fn command(shown: &str, host: &str) -> Piece {
        Piece::Command(Box::new(Command {
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
        }))
    }

    fn ops(title: &str, host: &str) -> Piece {
        Piece::Ops {
            title: title.to_owned(),
            ops: Vec::new(),
            host: HostId::new(host),
            task: String::new(),
            site: None,
        }
    }

    fn shown(items: &[Item]) -> Vec<String> {
        let hosts = |hosts: &[HostId]| hosts.iter().map(HostId::as_str).collect::<Vec<_>>().join("+");
        items
            .iter()
            .map(|item| match item {
                Item::Together(all) => {
                    all.iter().map(|c| format!("{}@{}", c.shown, hosts(&c.hosts))).collect::<Vec<_>>().join(" ")
                }
                Item::Builtin(item) => format!("ops@{}", hosts(&item.hosts)),
                _ => String::new(),
            })
            .collect()
    }

    #[test]
    fn the_same_command_is_one_step_and_each_host_keeps_its_order() {
        let strands = vec![
            vec![command("a", "h1"), command("b", "h1"), command("c", "h1")],
            vec![command("a", "h2"), command("c", "h2")],
        ];
        let items = items(strands);
        assert_eq!(shown(&items), ["a@h1+h2 b@h1 c@h2 c@h1"]);
        let Item::Together(commands) = &items[0] else { panic!("one phase") };
        assert_eq!(commands[0].text.on(&HostId::new("h2")), "a on h2");
    }

    #[test]
    fn files_stand_where_they_were_written() {
        let strands = vec![
            vec![command("a", "h1"), ops("file", "h1"), command("b", "h1")],
            vec![command("a", "h2"), ops("file", "h2"), command("b", "h2")],
        ];
        assert_eq!(shown(&items(strands)), ["a@h1+h2", "ops@h1+h2", "b@h1+h2"]);
        assert!(items(vec![Vec::new()]).is_empty());
    }
}
