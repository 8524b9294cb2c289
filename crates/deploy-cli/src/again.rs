//! Commands in hints, so that they can be typed as they stand: with the options of this command line that decide which
//! recipe, which stage, which hosts and which connections are meant.

use std::sync::{Arc, OnceLock};

use deploy_plan::{Event, Observer, Plan, Problem};

use crate::args::Args;
use crate::errors::hint;

/// Settings that belong to one task, not to whatever is run next.
const OF_ONE_TASK: [&str; 8] =
    ["COMMAND", "REASON", "UNTIL", "RELEASE", "ROLLBACK_RELEASE", "FILES", "REVISION", "MIGRATED"];
/// Settings that choose hosts. A hint that names hosts itself takes their place.
const FILTERS: [&str; 4] = ["HOSTS", "ROLES", "HOSTFILTER", "HOSTROLEFILTER"];
/// Options that need no recipe.
const ALONE: [&str; 8] = ["-h", "-H", "-V", "--help", "--long-help", "--version", "--completions", "--man"];
/// Commands about hosts that they name.
const ABOUT_HOSTS: [&str; 2] = ["ssh", "hosts:trust"];
/// What a command in a hint begins with.
const CAP: &str = "cap ";

/// What has to be given again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Again {
    options: String,
    /// Options that choose hosts.
    filters: String,
    settings: Vec<(String, String)>,
    /// Known once the recipe is loaded.
    stage: OnceLock<String>,
}

impl Again {
    /// What a next command needs of this one.
    #[must_use]
    pub fn of(args: &Args) -> Self {
        let mut options = String::new();
        let mut option = |flag: &str, value: &str| options.push_str(&written(flag, value));
        args.dialect.iter().for_each(|version| option("--dialect", version));
        args.file.iter().for_each(|file| option("-f", file));
        for (flag, given) in [("-F", args.default_config), ("-r", args.preserve_roles), ("-p", args.password)] {
            if given {
                option(flag, "");
            }
        }
        args.set_before.iter().for_each(|text| option("-S", &discreet(text)));
        args.set.iter().for_each(|text| option("-s", &discreet(text)));
        if let Some(file) = args.ssh_config.as_ref().map(|file| file.to_string_lossy()) {
            option("--ssh-config", &file);
        }
        let chosen = |flag: &str, given: &[String]| given.iter().map(|text| written(flag, text)).collect::<String>();
        let filters = chosen("-z", &args.hosts) + &chosen("--roles", &args.roles);
        let settings = args.words().environment;
        let settings = settings.into_iter().filter(|(name, _)| !OF_ONE_TASK.contains(&name.as_str())).collect();
        Self { options, filters, settings, stage: OnceLock::new() }
    }

    /// The word of the command line that chooses the stage; it goes before every task.
    pub fn choose(&self, stage: &str) {
        // A run has one stage: the first word that chose one stays.
        let _ = self.stage.set(stage.to_owned());
    }

    /// The same problems, with something to do next that can be typed as it stands.
    #[must_use]
    pub fn problems(&self, problems: &[Problem]) -> Vec<Problem> {
        let mut problems = problems.to_vec();
        for problem in &mut problems {
            let next = problem.next.as_deref().unwrap_or_else(|| hint(problem.kind));
            problem.next = Some(self.hint(next));
        }
        problems
    }

    /// A hint with its commands completed.
    #[must_use]
    pub fn hint(&self, text: &str) -> String {
        self.complete(text, false)
    }

    /// A note or warning, with the commands between backticks completed. What is said of somebody else's command stays.
    #[must_use]
    pub fn note(&self, text: &str) -> String {
        self.complete(text, true)
    }

    /// The plan, with its notes completed.
    #[must_use]
    pub fn plan(&self, plan: &Plan) -> Plan {
        let mut plan = plan.clone();
        for note in &mut plan.notes {
            note.text = self.note(&note.text);
        }
        plan
    }

    fn complete(&self, text: &str, quoted_only: bool) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(CAP) {
            let (before, from) = rest.split_at(at);
            let behind = from.strip_prefix(CAP).unwrap_or_default();
            out.push_str(before);
            let quoted = before.ends_with('`');
            let begins = match quoted_only {
                true => quoted && !before.ends_with("runs `"),
                false => before.chars().next_back().is_none_or(|c| c.is_whitespace() || "`(".contains(c)),
            };
            let length = if begins { length(behind, quoted) } else { 0 };
            let (command, after) = behind.split_at(length);
            out.push_str(&if command.is_empty() { CAP.to_owned() } else { self.command(command) });
            rest = after;
        }
        out.push_str(rest);
        out
    }

    /// A whole command; `words` are those behind `cap`.
    fn command(&self, words: &str) -> String {
        let first = words.split_whitespace().next().unwrap_or_default();
        if ALONE.contains(&first) {
            return format!("{CAP}{words}");
        }
        let is_list = first.starts_with('-') && first.ends_with(['T', 'e', 't']);
        let names_hosts = |word: &str| setting(word).is_some_and(|name| FILTERS.contains(&name));
        let chooses = ABOUT_HOSTS.contains(&first) || words.split_whitespace().any(names_hosts);
        let mut text = format!("{CAP}{}", self.options);
        if !(is_list || chooses) {
            text.push_str(&self.filters);
        }
        // Flags of the hint itself go before the stage.
        let flags: usize = words.split_inclusive(' ').take_while(|word| word.starts_with('-')).map(str::len).sum();
        let (flags, tasks) = words.split_at(flags);
        text.push_str(flags);
        if let Some(stage) = self.stage.get().filter(|stage| !is_list && tasks.split(' ').next() != Some(stage)) {
            text.push_str(&word(stage));
            text.push(' ');
        }
        text.push_str(tasks);
        for (name, value) in self.settings.iter().filter(|_| !is_list) {
            let is_given = words.split_whitespace().any(|word| setting(word) == Some(name));
            // A host that only the command line names is none of the recipe's.
            let adds = name == "HOSTS" && ABOUT_HOSTS.contains(&first);
            if !(is_given || chooses && !adds && FILTERS.contains(&name.as_str())) {
                text.push_str(&format!(" {name}={}", word(value)));
            }
        }
        text
    }
}

/// Completes the commands in what an observer is told.
pub(crate) struct Completed {
    pub(crate) again: Arc<Again>,
    pub(crate) observer: Arc<dyn Observer>,
}

impl Observer for Completed {
    fn event(&self, event: &Event) {
        let mut event = event.clone();
        match &mut event {
            Event::Message { text, .. } => *text = self.again.note(text),
            Event::Failed { problem } => problem.next = problem.next.as_deref().map(|next| self.again.hint(next)),
            Event::RunEnded { summary } => {
                summary.notes.iter_mut().for_each(|note| *note = self.again.note(note));
            }
            Event::Planned { plan } => *plan = self.again.plan(plan),
            _ => {}
        }
        self.observer.event(&event);
    }
}

/// A flag and its value, as they are typed, and a blank.
fn written(flag: &str, value: &str) -> String {
    format!("{} ", format!("{flag} {}", word(value)).trim_end())
}

/// The name that a word gives a value to.
fn setting(word: &str) -> Option<&str> {
    word.split_once('=').map(|(name, _)| name).filter(|name| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
}

/// How much of a text is a command: to the backtick that closes it, or as long as words look like tasks, options and
/// settings.
fn length(text: &str, quoted: bool) -> usize {
    if quoted {
        return text.find('`').unwrap_or(0);
    }
    let is_task = |word: &str| {
        let name = word.trim_end_matches(['.', ',', ';']);
        name == "deploy"
            || name.split_once(':').is_some_and(|(space, task)| is_name(space) && task.split(':').all(is_name))
    };
    let mut end = 0;
    for piece in text.split_inclusive(' ') {
        let word = piece.trim_end();
        let bare = word.trim_end_matches(['.', ',', ';']);
        let fits = if end == 0 { is_task(word) || word == "invoke" } else { setting(bare).is_some() };
        if !fits {
            break;
        }
        end += piece.len() - (word.len() - bare.len()) - (piece.len() - word.len());
        if bare.len() < word.len() || piece.len() == word.len() {
            break;
        }
        // The blank belongs to the command only if another word of it follows.
        let next = text.get(end..).unwrap_or_default().trim_start().split(' ').next().unwrap_or_default();
        if setting(next).is_none() {
            break;
        }
        end += 1;
    }
    end
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// As the shell wants it.
fn word(text: &str) -> String {
    if text.is_empty() { String::new() } else { deploy_shell::quote(text).unwrap_or_else(|_| text.to_owned()) }
}

/// A password that was given as a setting is not shown again.
fn discreet(setting: &str) -> String {
    match setting.split_once('=') {
        Some((name, _)) if deploy_recipe::is_secret(name) => format!("{name}=…"),
        _ => setting.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn again(line: &[&str]) -> Again {
        let words: Vec<String> = line.iter().map(|word| (*word).to_owned()).collect();
        Again::of(&Args::read(&words).unwrap())
    }

    #[test]
    fn nothing_given_changes_nothing() {
        for text in ["run `cap deploy:setup`; then look", "cap deploy", "a cap on spending", "`cap -H` explains", ""] {
            assert_eq!(again(&["deploy", "-v", "--log", "x"]).hint(text), text);
        }
    }

    #[test]
    fn options_and_settings_are_repeated_where_they_matter() {
        let given = again(&[
            "-f",
            "my recipe",
            "--ssh-config",
            "x",
            "-s",
            "branch=a b",
            "-S",
            "password=pw",
            "-q",
            "deploy",
            "ROLES=app",
            "COMMAND=ls",
            "STAGE=it's",
        ]);
        let options = "-f 'my recipe' -S 'password=…' -s 'branch=a b' --ssh-config x";
        for (text, wanted) in [
            ("cap deploy:setup", format!("cap {options} deploy:setup ROLES=app STAGE='it'\\''s'")),
            (
                "run `cap deploy:check`, please",
                format!("run `cap {options} deploy:check ROLES=app STAGE='it'\\''s'`, please"),
            ),
            ("cap deploy:setup HOSTS=web1", format!("cap {options} deploy:setup HOSTS=web1 STAGE='it'\\''s'")),
            (
                "mend it, then run cap deploy:check again",
                format!("mend it, then run cap {options} deploy:check ROLES=app STAGE='it'\\''s' again"),
            ),
            ("`cap -T` lists, `cap -H` explains", format!("`cap {options} -T` lists, `cap -H` explains")),
            ("recap deploy:check", "recap deploy:check".to_owned()),
            ("in `cap ssh web1`: ls", format!("in `cap {options} ssh web1 STAGE='it'\\''s'`: ls")),
        ] {
            assert_eq!(given.hint(text), wanted);
        }
    }

    #[test]
    fn the_stage_goes_before_the_task() {
        let given = again(&["--dialect", "3", "-z", "web1", "production", "deploy"]);
        given.choose("production");
        given.choose("staging");
        for (text, wanted) in [
            ("`cap deploy:check`", "`cap --dialect 3 -z web1 production deploy:check`"),
            ("cap deploy:rollback RELEASE=1", "cap --dialect 3 -z web1 production deploy:rollback RELEASE=1"),
            ("`cap --plan deploy`", "`cap --dialect 3 -z web1 --plan production deploy`"),
            ("`cap production deploy`", "`cap --dialect 3 -z web1 production deploy`"),
            ("in `cap ssh web2`: ls", "in `cap --dialect 3 production ssh web2`: ls"),
            ("`cap -T` lists", "`cap --dialect 3 -T` lists"),
        ] {
            assert_eq!(given.hint(text), wanted);
        }
    }

    #[test]
    fn notes_are_prose_outside_backticks() {
        let given = again(&["-f", "x", "deploy"]);
        for (text, wanted) in [
            ("cap deploy does not migrate by itself", "cap deploy does not migrate by itself"),
            ("`cap deploy:setup` makes it", "`cap -f x deploy:setup` makes it"),
            ("ann@here runs `cap deploy` (run 1)", "ann@here runs `cap deploy` (run 1)"),
        ] {
            assert_eq!(given.note(text), wanted);
        }
    }
}
