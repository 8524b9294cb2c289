//! The texts from which the tool can be learned, the manual page and completions.

use std::io::{self, Write};

use clap::builder::Resettable;
use clap_complete::Shell;

use crate::args::command;

pub(crate) const ABOUT: &str = "\
Deploys web applications to fleets of hosts over SSH, by recipes of Capistrano 2 and 3 (Capfile, config/deploy.rb).

A deploy is checked out into a new directory releases/ID on every host, linked to shared/, migrated on the primary database \
host, and made live on all hosts at once by switching the link `current`. If anything fails before the end, every host is put \
back to what it served before. The hosts need sshd, sh and the client of your version control system, nothing else.";

pub(crate) const AFTER: &str = "\
First steps:
  cap check                  what in the recipe cannot work, without running it
  cap doctor                 how the recipe was understood
  cap -T                     what this recipe can do
  cap deploy:check           what is missing on the hosts
  cap deploy:setup           make the directories
  cap deploy --plan          what a deploy would do
  cap deploy                 do it
  cap deploy:rollback        go back to the release before

`cap -H` explains the environment variables, exit codes and interrupting; `cap help TASK` explains a task.";

pub(crate) const AFTER_LONG: &str = "\
TASKS AND SETTINGS
  Several tasks run one after the other. Words of the form NAME=VALUE are put
  into the environment of the recipe:

  HOSTS=a,b           run on exactly these hosts, whatever a task's roles are
  ROLES=app,web       run on these roles instead of a task's own
                      (with -r: only on those of its own)
  HOSTFILTER=a,b      of the hosts that a task selects, only these
  HOSTROLEFILTER=app  of the hosts that a task selects, only these roles
  COMMAND=…           the command for `cap invoke`
  FILES=a,b/*         what `cap deploy:upload` copies into the live release
  REASON=… UNTIL=…    for the page of `cap deploy:web:disable`

  A run that is narrowed in this way locks, proves and puts back only the
  selected hosts, and says so at the end: `2 of 5 hosts (HOSTS=a,b)`.

RECIPES
  Without -f the file Capfile (or capfile) is looked for here and in every
  directory above; the tool works from where it is found. Without one,
  config/deploy.rb is loaded as if a Capfile said `load 'deploy'` and
  `load 'config/deploy'`. -S sets a variable before the recipe is loaded, so
  that the recipe can look at it; -s sets it afterwards, so that it wins.

  A recipe of Capistrano 3 has stages: the first word names one, as in
  `cap production deploy`. --dialect says which one it is where it does not
  show; `cap install` writes the files of a new project.

EXAMPLES
  cap deploy -s branch=stable            deploy another branch
  cap deploy HOSTS=web1.example.com      deploy to one host
  cap deploy:migrations                  deploy and migrate
  cap invoke COMMAND='uptime' ROLES=app  run a command
  cap -e deploy:rollback                 read about a task
  cap deploy --log deploy.log            keep a record of everything
  cap deploy --format json | jq .        for programs

ENVIRONMENT
  SSH_AUTH_SOCK  the ssh-agent to log in with
  NO_COLOR       no colour
  CAPSTAN_LOG    which inner events to show, e.g. `russh=debug`; in the file
                 of --log, if there is one

EXIT CODES
    0  deployed, rolled back or done; every host was read back
    1  failed; of a deploy or rollback nothing has changed
    2  the command line or the recipe is wrong
    3  failed; everything was put back
    4  failed; hosts differ now
    5  locked by another run
    6  a host is unknown, unreachable or lost
    7  a person must decide
    8  deployed, but a task after that failed
  130  interrupted, nothing is half-done

INTERRUPTING
  The first Ctrl-C starts nothing new, undoes what is half-done and gives the
  locks back. The second leaves at once: the hosts end what is running when
  the connection goes, and the next run finishes or undoes what it left.";

/// The options in short.
#[must_use]
pub fn short(width: usize) -> String {
    command().term_width(width).render_help().to_string()
}

/// Everything.
#[must_use]
pub fn long(width: usize) -> String {
    command().term_width(width).render_long_help().to_string()
}

/// One line.
#[must_use]
pub fn version() -> String {
    format!("cap {} (Capstan)\n", env!("CARGO_PKG_VERSION"))
}

/// Writes a completion script.
///
/// # Errors
/// When `out` cannot be written.
pub fn completions(shell: Shell, out: &mut dyn Write) -> io::Result<()> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut command(), "cap", &mut text);
    out.write_all(&text)
}

/// Writes the manual page.
///
/// # Errors
/// When `out` cannot be written.
pub fn man(out: &mut dyn Write) -> io::Result<()> {
    let bare = command().after_help(Resettable::Reset).after_long_help(Resettable::Reset);
    clap_mangen::Man::new(bare.version(env!("CARGO_PKG_VERSION"))).render(out)?;
    out.write_all(sections(AFTER_LONG).as_bytes())
}

/// Headed texts whose lines stay as they are, in roff.
fn sections(text: &str) -> String {
    let mut roff = String::new();
    for line in text.lines() {
        let escaped = line.replace('\\', "\\e").replace('-', "\\-");
        let is_heading = !line.is_empty() && !line.starts_with(' ');
        roff.push_str(&if is_heading { format!(".fi\n.SH {escaped}\n.nf\n") } else { format!("\\&{escaped}\n") });
    }
    roff + ".fi\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_help() {
        insta::assert_snapshot!(short(100));
    }

    #[test]
    fn long_help() {
        insta::assert_snapshot!(long(100));
    }

    #[test]
    fn every_shell_has_completions_with_our_flags() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::Elvish, Shell::PowerShell] {
            let mut text = Vec::new();
            completions(shell, &mut text).unwrap();
            let text = String::from_utf8(text).unwrap();
            assert!(text.contains("ssh-config") && text.contains("dry-run"), "{shell}");
        }
    }

    #[test]
    fn manual_page_has_flags_and_exit_codes() {
        let mut text = Vec::new();
        man(&mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        for part in [".TH cap 1", "ssh\\-config", ".SH EXIT CODES\n.nf\n\\&    0  deployed", "HOSTFILTER"] {
            assert!(text.contains(part), "{part}");
        }
    }
}
