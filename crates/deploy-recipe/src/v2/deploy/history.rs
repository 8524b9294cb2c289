//! `deploy:pending`: what lies between the live revision and the one that a deploy would take.

use std::rc::Rc;

use deploy_plan::{Event, Level, Problem, ProblemKind, Revision};
use deploy_ruby::{Call, Command, CommandLine, Stderr, Value};
use deploy_scm::{ScmKind, Source};

use crate::v2::Cap;
use crate::v2::convert::{R, fail};

impl Cap {
    /// `deploy:pending` (`log`) and `deploy:pending:diff` (`diff`).
    pub async fn pending(self: &Rc<Self>, call: &Call, what: &str) -> R<()> {
        let pinned = self.pinned(call).await?.pinned;
        let live = self.get(call, "current_revision").await?;
        if live.to_s() == Revision::known_at_run().as_str() {
            self.note_not_known("what lies between the live revision and the one that a deploy would take");
            return Ok(());
        }
        if live.is_nil() {
            let mut problem = Problem::new(ProblemKind::Layout, "read the live revision", "nothing is deployed yet");
            problem.next = Some("cap deploy".to_owned());
            return Err(fail(call, problem));
        }
        self.refuse_other_system(call, &live.to_s(), pinned.revision.as_str())?;
        let text = if live.to_s() == pinned.revision.as_str() {
            format!("nothing is pending: {} ({}) is live", pinned.revision.short(), pinned.label)
        } else {
            let from = live.to_s();
            self.history_text(call, what, &from, Some(&Value::str(pinned.revision.as_str()))).await?
        };
        let text = if text.trim().is_empty() {
            format!("no commits between {} and {}", live.to_s(), pinned.revision)
        } else {
            text
        };
        self.port.tell(Event::Message { level: Level::Info, host: None, text });
        Ok(())
    }

    /// Refuses what has no history in common: one of the two is the number of a revision, the other a commit.
    fn refuse_other_system(&self, call: &Call, live: &str, pinned: &str) -> R<()> {
        let (before, now) = match (is_number(live), is_number(pinned)) {
            (true, false) => ("Subversion", "git"),
            (false, true) => ("git", "Subversion"),
            _ => return Ok(()),
        };
        let why = format!(
            "the live revision {live} is one of {before}, and the repository is one of {now}: what is live was deployed from \
             another repository"
        );
        let problem = Problem::new(ProblemKind::Scm, "compare the live revision with the repository", why);
        let next = "if the repository has moved, run `cap deploy`: from then on there is something to compare with";
        Err(fail(call, problem.at(self.set_at("repository").or_else(|| self.set_at("repo_url"))).next(next)))
    }

    /// The log or diff behind one revision, up to another or the head.
    pub async fn history_text(self: &Rc<Self>, call: &Call, what: &str, from: &str, to: Option<&Value>) -> R<String> {
        let source = self.scm_source(call).await?;
        let to = to.filter(|to| !to.is_nil()).map(Value::to_s);
        for revision in std::iter::once(from).chain(to.as_deref()) {
            if revision.is_empty() || revision.starts_with('-') {
                return Err(call.argument_error(format!("{revision:?} is no revision")));
            }
        }
        let argv = arguments(&source, what, from, to.as_deref());
        let command = Command {
            line: CommandLine::Argv(argv.clone()),
            env: vec![("LC_ALL".to_owned(), Some("C".to_owned()))],
            dir: None,
            stdin: Some(Vec::new()),
            capture: true,
            stderr: Stderr::Capture,
        };
        let problem = |why: String| {
            let mut problem = Problem::new(ProblemKind::Scm, format!("show the {what} since {from}"), why);
            problem.next = Some(format!("try on this machine: {}", argv.join(" ")));
            fail(call, problem)
        };
        let finished = self.local_effects(call).run(call, command).await.map_err(|error| problem(error.to_string()))?;
        if finished.status != Some(0) {
            return Err(problem(String::from_utf8_lossy(&finished.stderr).trim().to_owned()));
        }
        Ok(String::from_utf8_lossy(&finished.stdout).trim_end().to_owned())
    }
}

/// Whether a revision has the form that Subversion gives it; a full commit is longer than any number of a revision.
fn is_number(revision: &str) -> bool {
    revision.len() < 20 && revision.chars().all(|c| c.is_ascii_digit())
}

fn arguments(source: &Source, what: &str, from: &str, to: Option<&str>) -> Vec<String> {
    let mut argv = source.local_program.clone();
    match source.kind {
        ScmKind::Git => {
            let range = if what == "log" {
                format!("{from}..{}", to.unwrap_or("HEAD"))
            } else {
                to.map_or_else(|| from.to_owned(), |to| format!("{from}..{to}"))
            };
            argv.extend(["--no-pager".to_owned(), what.to_owned(), range, "--".to_owned()]);
        }
        ScmKind::Subversion => {
            // The log of FROM:TO has FROM itself in it, which is live already.
            let first = match (what, from.parse::<u64>()) {
                ("log", Ok(number)) => (number + 1).to_string(),
                _ => from.to_owned(),
            };
            let range = format!("-r{first}:{}", to.unwrap_or("HEAD"));
            let words = ["--non-interactive", what, source.url.as_str(), &range];
            argv.extend(words.map(str::to_owned));
        }
    }
    argv
}

#[cfg(test)]
mod tests {
    use deploy_scm::RepositoryUrl;

    use super::*;

    #[test]
    fn ranges() {
        let git = Source::new(ScmKind::Git, RepositoryUrl::parse("git://h/x.git").unwrap());
        let svn = Source::new(ScmKind::Subversion, RepositoryUrl::parse("svn://h/x").unwrap());
        for (source, what, to, text) in [
            (&git, "log", Some("b"), "git --no-pager log 4..b --"),
            (&git, "log", None, "git --no-pager log 4..HEAD --"),
            (&git, "diff", None, "git --no-pager diff 4 --"),
            (&svn, "log", Some("9"), "svn --non-interactive log svn://h/x -r5:9"),
            (&svn, "diff", None, "svn --non-interactive diff svn://h/x -r4:HEAD"),
        ] {
            assert_eq!(arguments(source, what, "4", to).join(" "), text);
        }
    }
}
