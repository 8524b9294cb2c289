//! The command line: Capistrano 2's forms, and our own flags.

use std::path::PathBuf;

use clap::{ArgAction, CommandFactory as _, Parser, ValueEnum, ValueHint};
use clap_complete::Shell;

use crate::errors::Complaint;
use crate::help;

/// How a run is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Live on a terminal, plain otherwise.
    #[default]
    Auto,
    /// One line per thing that happens.
    Plain,
    /// A line per host, redrawn.
    Live,
    /// One JSON object per event, on standard output.
    Json,
}

/// The command line as it was given.
#[derive(Clone, Debug, Default, Parser)]
#[command(
    name = "cap",
    about = "Deploys web applications to fleets of hosts over SSH",
    long_about = help::ABOUT,
    after_help = help::AFTER,
    after_long_help = help::AFTER_LONG,
    override_usage = "cap [options] TASK … [NAME=VALUE …]",
    disable_help_flag = true,
    disable_version_flag = true,
    infer_long_args = true,
    args_override_self = true,
    max_term_width = 110,
)]
pub struct Args {
    /// Tasks to run, in this order, and NAME=VALUE settings for the environment
    #[arg(value_name = "TASK | NAME=VALUE")]
    pub words: Vec<String>,

    /// Load this recipe instead of the Capfile; may be repeated
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Recipe")]
    pub file: Vec<String>,
    /// Load the Capfile even with -f
    #[arg(short = 'F', long, help_heading = "Recipe")]
    pub default_config: bool,
    /// Set a variable after the recipe is loaded; may be repeated
    #[arg(short = 's', long = "set", value_name = "NAME=VALUE", help_heading = "Recipe")]
    pub set: Vec<String>,
    /// Set a variable before the recipe is loaded; may be repeated
    #[arg(short = 'S', long = "set-before", value_name = "NAME=VALUE", help_heading = "Recipe")]
    pub set_before: Vec<String>,
    /// Take ROLES= as a filter on the roles of each task, not instead of them
    #[arg(short = 'r', long, help_heading = "Recipe")]
    pub preserve_roles: bool,
    /// Take the recipe for one of Capistrano 2 or 3, whatever it looks like
    #[arg(long, value_name = "2|3", value_parser = ["2", "3"], help_heading = "Recipe")]
    pub dialect: Option<String>,
    /// Run only on these hosts of the stage (dialect 3)
    #[arg(short = 'z', long, value_name = "HOSTS", help_heading = "Recipe")]
    pub hosts: Vec<String>,
    /// Run only on hosts of these roles of the stage (dialect 3)
    #[arg(long, value_name = "ROLES", help_heading = "Recipe")]
    pub roles: Vec<String>,
    /// Do not read /etc/capistrano.conf
    #[arg(short = 'X', long, help_heading = "Recipe")]
    pub skip_system_config: bool,
    /// Do not read ~/.caprc
    #[arg(short = 'x', long, help_heading = "Recipe")]
    pub skip_user_config: bool,

    /// List the tasks, or those whose names match a pattern
    #[arg(short = 'T', long, value_name = "PATTERN", num_args = 0..=1, default_missing_value = "", help_heading = "Look, change nothing")]
    pub tasks: Option<String>,
    /// With -T: also tasks without a description
    #[arg(short = 'A', long, help_heading = "Look, change nothing")]
    pub all: bool,
    /// Explain one task
    #[arg(short, long, value_name = "TASK", help_heading = "Look, change nothing")]
    pub explain: Option<String>,
    /// Read the hosts and show the plan: phases, steps, hosts and commands
    #[arg(long, help_heading = "Look, change nothing")]
    pub plan: bool,
    /// Show the plan without connecting to any host
    #[arg(short = 'n', long, help_heading = "Look, change nothing")]
    pub dry_run: bool,

    /// The release that deploy:rollback goes to, or that release:bad and its like are about (RELEASE=)
    #[arg(long = "to", value_name = "RELEASE", help_heading = "Run")]
    pub release: Option<String>,
    /// What deploy:lock tells those whom it stops (MESSAGE=)
    #[arg(short, long, value_name = "TEXT", help_heading = "Run")]
    pub message: Option<String>,
    /// Wait this long for a lock that another run holds
    #[arg(long, value_name = "SECONDS", default_value_t = 0, help_heading = "Run")]
    pub lock_wait: u32,

    /// Ask for the login password at the start
    #[arg(short, long, help_heading = "SSH")]
    pub password: bool,
    /// hosts:trust: store keys with this fingerprint without asking; may be repeated
    #[arg(long, value_name = "SHA256:…", help_heading = "SSH")]
    pub fingerprint: Vec<String>,
    /// Read this file instead of ~/.ssh/config and the system's
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "SSH")]
    pub ssh_config: Option<PathBuf>,

    /// How a run is shown: auto, plain, live or json
    #[arg(long, hide_possible_values = true, value_enum, value_name = "FORMAT", default_value_t = Format::Auto, help_heading = "Output")]
    pub format: Format,
    /// Append everything that happens to a file; output is kept byte by byte
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Output")]
    pub log: Option<PathBuf>,
    /// Where the report goes: STDERR (as without it), STDOUT or a file
    #[arg(short, long, value_name = "WHERE", help_heading = "Output")]
    pub logger: Option<String>,
    /// Tell more; twice (-vv): also inner events
    #[arg(short, long, action = ArgAction::Count, help_heading = "Output")]
    pub verbose: u8,
    /// Tell only warnings, failures and the end
    #[arg(short, long, help_heading = "Output")]
    pub quiet: bool,
    /// No colour (also with the environment variable NO_COLOR)
    #[arg(long, help_heading = "Output")]
    pub no_color: bool,
    /// With -T: names only, for other programs
    #[arg(short = 't', long, help_heading = "Output")]
    pub tool: bool,
    /// Ask before each remote command (does not work yet)
    #[arg(short, long, help_heading = "Output")]
    pub debug: bool,

    /// Show the options
    #[arg(short = 'h', help_heading = "Help")]
    pub help: bool,
    /// Show everything: options, environment, exit codes, examples
    #[arg(short = 'H', long = "help", visible_alias = "long-help", help_heading = "Help")]
    pub long_help: bool,
    /// Show the version
    #[arg(short = 'V', long, help_heading = "Help")]
    pub version: bool,
    /// Print a completion script for a shell
    #[arg(long, value_name = "SHELL", value_enum, help_heading = "Help")]
    pub completions: Option<Shell>,
    /// Print the manual page (roff)
    #[arg(long, help_heading = "Help")]
    pub man: bool,
}

/// What the words of the command line mean.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// Tasks in order.
    pub tasks: Vec<String>,
    /// NAME=VALUE settings for the environment, in order.
    pub environment: Vec<(String, String)>,
}

impl Args {
    /// Reads the arguments, the program's own name not among them.
    ///
    /// # Errors
    /// A complaint about an argument that is not known or lacks its value.
    pub fn read(arguments: &[String]) -> Result<Self, Complaint> {
        let named = std::iter::once("cap").chain(arguments.iter().map(String::as_str));
        Self::try_parse_from(named).map_err(|error| complaint(&error))
    }

    /// Divides tasks from settings of the environment: `NAME=VALUE` is a setting where NAME is a plain word.
    #[must_use]
    pub fn words(&self) -> Words {
        let mut words = Words::default();
        for word in &self.words {
            match word.split_once('=') {
                Some((name, value)) if is_name(name) => words.environment.push((name.to_owned(), value.to_owned())),
                _ => words.tasks.push(word.clone()),
            }
        }
        // In dialect 3 the task reads ROLLBACK_RELEASE.
        let flags = [("RELEASE", &self.release), ("ROLLBACK_RELEASE", &self.release), ("MESSAGE", &self.message)];
        for (name, flag) in flags {
            words.environment.extend(flag.iter().map(|value| (name.to_owned(), value.clone())));
        }
        words
    }

    /// Says which of the given flags do not work yet, or not together.
    ///
    /// # Errors
    /// The first such flag: none is ignored in silence.
    pub fn check(&self) -> Result<(), Complaint> {
        if self.debug {
            let why = "asking before each remote command does not work yet";
            let next = "leave it out; `cap --plan TASK` shows every command before anything runs";
            return Err(Complaint::unsupported("-d", "the command line, -d/--debug", why, next));
        }
        if self.plan && self.dry_run {
            let why = "--plan reads the hosts, -n does not connect to them";
            return Err(Complaint::usage("use --plan and -n together", "the command line", why, "give one of them"));
        }
        if self.tool && self.tasks.is_none() {
            let why = "it changes how -T lists tasks, and there is no -T";
            return Err(Complaint::usage("use -t/--tool", "the command line", why, "type `cap -T -t`"));
        }
        if self.all && self.tasks.is_none() {
            let why = "it changes how -T lists tasks, and there is no -T";
            return Err(Complaint::usage("use -A/--all", "the command line", why, "type `cap -AT`"));
        }
        if self.quiet && self.verbose > 0 {
            let why = "one asks for less, the other for more";
            return Err(Complaint::usage("use -q and -v together", "the command line", why, "give one of them"));
        }
        if let Some(bad) = self.fingerprint.iter().find(|text| !text.starts_with("SHA256:")) {
            let place = format!("the command line, --fingerprint {bad}");
            let next = "give it as `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` prints it on the host";
            return Err(Complaint::usage("take a fingerprint", place, "it does not begin with SHA256:", next));
        }
        for (flag, values) in [("-s", &self.set), ("-S", &self.set_before)] {
            if let Some(bad) =
                values.iter().find(|value| !value.split_once('=').is_some_and(|(name, _)| is_variable(name)))
            {
                let why =
                    format!("it is not of the form NAME=VALUE with a NAME of small letters, digits and _: {bad:?}");
                let next = format!("write it as in `{flag} branch=main`");
                return Err(Complaint::usage("set a variable", format!("the command line, {flag} {bad}"), why, next));
            }
        }
        Ok(())
    }
}

/// A plain word, as the names of environment variables are.
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// A name that a recipe can `set`.
fn is_variable(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// What the parser has against the command line, in our form.
fn complaint(error: &clap::Error) -> Complaint {
    use clap::error::{ContextKind, ContextValue, ErrorKind};

    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(texts)) => Some(texts.join(", ")),
        _ => None,
    };
    let argument = context(ContextKind::InvalidArg).unwrap_or_default();
    let value = context(ContextKind::InvalidValue).unwrap_or_default();
    let place = format!("the command line, {argument}");
    match error.kind() {
        ErrorKind::UnknownArgument => {
            let next = match context(ContextKind::SuggestedArg) {
                Some(near) => format!("did you mean {near}? `cap -h` lists all options"),
                None => "`cap -h` lists all options".to_owned(),
            };
            Complaint::usage(format!("understand the option {argument}"), place, "there is no such option", next)
        }
        ErrorKind::InvalidValue if value.is_empty() => {
            let next = "give it one; `cap -h` shows the form of each option";
            Complaint::usage(format!("use {argument}"), place, "it needs a value", next)
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            let known = context(ContextKind::ValidValue).filter(|known| !known.is_empty());
            let next = known
                .map_or_else(|| "`cap -H` explains each option".to_owned(), |known| format!("use one of: {known}"));
            Complaint::usage(format!("use {argument}"), place, format!("{value:?} is not a value it takes"), next)
        }
        _ => {
            let why = error.to_string();
            let why = why.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
            Complaint::usage(
                "understand the command line",
                "the command line",
                why,
                "`cap -h` shows the form of a call",
            )
        }
    }
}

/// The definition of the command line, for help, completions and the manual page.
#[must_use]
pub fn command() -> clap::Command {
    Args::command()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Args {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Args::read(&words).unwrap_or_else(|complaint| panic!("{line}: {complaint:?}"))
    }

    #[test]
    fn definition_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn capistrano_2_forms() {
        let args = read(
            "deploy:setup -f a.rb deploy -fb.rb -vvS branch=main HOSTS=web1,web2 --set-before a=b -s user=me REASON=",
        );
        assert_eq!(args.file, ["a.rb", "b.rb"]);
        assert_eq!((args.set_before, args.set), (vec!["branch=main".into(), "a=b".into()], vec!["user=me".to_owned()]));
        assert_eq!(args.verbose, 2);
        let words = read("deploy:setup HOSTS=web1,web2 a:b=c deploy REASON=").words();
        assert_eq!(words.tasks, ["deploy:setup", "a:b=c", "deploy"]);
        assert_eq!(words.environment, [("HOSTS".into(), "web1,web2".into()), ("REASON".into(), String::new())]);
    }

    #[test]
    fn flags_for_what_tasks_read_from_the_environment() {
        let args = read("deploy:rollback --to 20261123054446 --lock-wait 30 -m freeze");
        let release = |name: &str| (name.to_owned(), "20261123054446".to_owned());
        let expected = [release("RELEASE"), release("ROLLBACK_RELEASE"), ("MESSAGE".into(), "freeze".into())];
        assert_eq!(args.words().environment, expected);
        assert_eq!((args.lock_wait, read("deploy").lock_wait), (30, 0));
    }

    #[test]
    fn optional_pattern_of_tasks() {
        assert_eq!(read("-T").tasks.as_deref(), Some(""));
        assert_eq!(read("-T deploy").tasks.as_deref(), Some("deploy"));
        assert_eq!(read("-vT").tasks.as_deref(), Some(""));
        assert_eq!(read("-T -v").tasks.as_deref(), Some(""));
        assert_eq!(read("--tasks=web").tasks.as_deref(), Some("web"));
        assert_eq!(read("deploy").tasks, None);
    }

    #[test]
    fn long_names_may_be_shortened_and_flags_mixed_with_tasks() {
        let args = read("--dry deploy --pres -q --ssh-config=x --no-color --format json");
        assert!(args.dry_run && args.preserve_roles && args.quiet && args.no_color);
        assert_eq!(args.format, Format::Json);
        assert_eq!(args.words, ["deploy"]);
    }

    #[test]
    fn help_and_version() {
        assert!(read("-h").help && read("-H").long_help && read("--help").long_help && read("--long-help").long_help);
        assert!(read("-V").version && read("--version").version);
    }

    #[test]
    fn every_flag_that_does_not_work_says_so() {
        assert_eq!(read("-d deploy").check().unwrap_err().kind, deploy_plan::ProblemKind::Unsupported);
        for line in ["--plan -n deploy", "-t", "-q -v deploy", "-s nothing", "-S Name=x"] {
            assert_eq!(read(line).check().unwrap_err().kind, deploy_plan::ProblemKind::Usage, "{line}");
        }
        assert!(read("-T -t").check().is_ok());
    }
}
