//! A plan as text: what a run is going to do, where, in which order.

use std::fmt::Write as _;

use deploy_inventory::HostId;
use deploy_plan::{Command, CommandText, Op, Phase, Plan, Step, StepClass, Work};
use indexmap::IndexMap;

use crate::words::{count, host_list, on_hosts};
use crate::{Secrets, op_words, visible};

/// A plan for people: phases in order (between two of them all hosts wait for each other), in each phase the steps with
/// their hosts, and of each step its commands as written, or its actions in words; then how it would be undone. The sh
/// text of built-in scripts is shown only if `scripts` is set: it is long and always the same.
#[must_use]
pub fn plan_text(plan: &Plan, secrets: &Secrets, scripts: bool) -> String {
    let mut text = String::new();
    let hosts = plan.hosts();
    // Writing to a String cannot fail, here and below.
    let _ = match plan.phases.is_empty() {
        true => writeln!(text, "Plan: nothing would change on any host"),
        false => {
            writeln!(text, "Plan: {} on {}: {}", phases(plan), count(hosts.len(), "host"), host_list(&hosts, NAMES))
        }
    };
    for (index, phase) in plan.phases.iter().enumerate() {
        text.push('\n');
        phase_text(&mut text, index + 1, phase, hosts.len(), scripts);
    }
    if !plan.notes.is_empty() {
        text.push_str("\nNotes:\n");
        for note in &plan.notes {
            let sign = if note.warning { "warning: " } else { "" };
            let _ = writeln!(text, "  - {sign}{}", note.text);
        }
    }
    visible(&secrets.clean(&text))
}

/// `8 phases, 1 of them only if need be`.
fn phases(plan: &Plan) -> String {
    let all = count(plan.phases.len(), "phase");
    match plan.phases.iter().filter(|phase| phase.condition.is_some()).count() {
        0 => all,
        some => format!("{all}, {some} of them only if need be,"),
    }
}

/// How many hosts a plan names.
const NAMES: usize = 12;

fn phase_text(text: &mut String, number: usize, phase: &Phase, all: usize, scripts: bool) {
    let hosts = phase.hosts();
    let _ = writeln!(text, "{number:>2}. {} [{}] {}", phase.title, phase.slot.word(), on_hosts(&hosts, all));
    if let Some(condition) = &phase.condition {
        let _ = writeln!(text, "    only if {condition}");
    }
    for step in &phase.steps {
        step_text(text, step, hosts.len(), scripts);
    }
}

fn step_text(text: &mut String, step: &Step, all: usize, scripts: bool) {
    let hosts: Vec<HostId> = step.hosts().cloned().collect();
    let mut facts = Vec::new();
    facts.extend(step.task.as_ref().map(|task| format!("task {task}")));
    facts.extend(step.site.as_ref().map(ToString::to_string));
    if hosts.len() < all {
        facts.push(format!("on {}", host_list(&hosts, NAMES)));
    }
    if step.sudo {
        facts.push("with sudo".to_owned());
    }
    // For a built-in step it is a permission that the recipe's settings may not use.
    if step.forward_agent && matches!(step.work, Work::Command(_)) {
        facts.push("with your ssh-agent".to_owned());
    }
    if step.class == StepClass::Once && matches!(step.work, Work::Ops(_)) {
        facts.push("never repeated by itself".to_owned());
    }
    facts.extend(step.deadline.map(|limit| format!("at most {} s", limit.as_secs())));
    let facts = if facts.is_empty() { String::new() } else { format!("  ({})", facts.join("; ")) };
    match &step.work {
        Work::Ops(ops) => {
            let _ = writeln!(text, "    - {}{facts}", first_line(&step.title));
            ops_text(text, ops, "        ", scripts);
        }
        Work::Command(command) => command_text(text, command, &facts),
    }
    if !step.undo.is_empty() {
        text.push_str("      undone by:\n");
        ops_text(text, &step.undo, "        ", scripts);
    }
}

fn first_line(title: &str) -> &str {
    title.lines().next().unwrap_or_default()
}

/// Hosts with the same actions, together.
pub(crate) fn groups(ops: &IndexMap<HostId, Vec<Op>>) -> Vec<(Vec<HostId>, &Vec<Op>)> {
    let mut groups: Vec<(Vec<HostId>, &Vec<Op>)> = Vec::new();
    for (host, ops) in ops {
        match groups.iter_mut().find(|(_, same)| *same == ops) {
            Some((hosts, _)) => hosts.push(host.clone()),
            None => groups.push((vec![host.clone()], ops)),
        }
    }
    groups
}

fn ops_text(text: &mut String, ops: &IndexMap<HostId, Vec<Op>>, indent: &str, scripts: bool) {
    let groups = groups(ops);
    let several = groups.len() > 1;
    for (hosts, ops) in groups {
        if several {
            let _ = writeln!(text, "{indent}on {}:", host_list(&hosts, NAMES));
        }
        let indent = if several { format!("{indent}  ") } else { indent.to_owned() };
        for op in ops {
            match op {
                Op::Script { body, .. } if scripts => {
                    let _ = writeln!(text, "{indent}{}", op_words(op));
                    for line in body.lines() {
                        let _ = writeln!(text, "{indent}  | {line}");
                    }
                }
                Op::Script { body, .. } => {
                    let length = count(body.lines().count(), "line");
                    let _ = writeln!(text, "{indent}{} ({length} of sh; -v shows them)", op_words(op));
                }
                _ => {
                    let _ = writeln!(text, "{indent}{}", op_words(op));
                }
            }
        }
    }
}

fn command_text(text: &mut String, command: &Command, facts: &str) {
    let mut notes = Vec::new();
    if command.pty {
        notes.push("on a terminal".to_owned());
    }
    notes.extend(command.max_hosts.map(|most| format!("{} at a time", count(most, "host"))));
    if command.continue_on_error {
        notes.push("a host that fails is left out from then on".to_owned());
    }
    let notes = if notes.is_empty() { String::new() } else { format!("  [{}]", notes.join("; ")) };
    let shown = command.shown.trim_end().replace('\n', "\n      ");
    let sign = if command.text.is_no_command() { '-' } else { '$' };
    let _ = writeln!(text, "    {sign} {shown}{facts}{notes}");
    if let CommandText::PerHost(texts) = &command.text {
        for (host, line) in texts {
            let _ = writeln!(text, "        on {host}: {line}");
        }
    }
}
