//! Jobs that go to a host as one request: built-in steps in a row become one script.

use std::collections::VecDeque;
use std::sync::Arc;

use deploy_shell::{Script, ScriptError};
use deploy_transport::Secret;

use crate::flight::{Job, JobKind};

/// One request's worth of jobs.
pub(crate) struct Group {
    pub kind: JobKind,
    pub jobs: Vec<Job>,
}

/// Sends the password to `sudo` on its standard input. The variable is the script's own and not exported. With `-k` sudo
/// always reads it, even where it has credentials cached: the command must never be the one to find it.
const SUDO_WITH_PASSWORD: &str = r#"cap_sudo() { printf '%s\n' "$cap_password" | sudo -k -S -p '' "$@"; }"#;
const SUDO_WITHOUT: &str = r#"cap_sudo() { sudo -n "$@"; }"#;

/// The text of a script, and the variables that must not be seen.
pub(crate) type ScriptText = (String, Vec<(String, Arc<Secret>)>);

impl Group {
    /// Whether it runs even if an earlier job of the flight failed.
    pub(crate) fn always(&self) -> bool {
        self.jobs.iter().any(|job| job.always)
    }

    /// Whether it must not run without the lock.
    pub(crate) fn needs_lock(&self) -> bool {
        self.jobs.iter().any(|job| job.needs_lock)
    }

    /// The script of its jobs. Each is known in it by its place.
    pub(crate) fn script(&self) -> Result<ScriptText, ScriptError> {
        let mut script = Script::new();
        let password = self.jobs.iter().find_map(|job| match &job.kind {
            JobKind::Script { sudo: Some(secret), .. } => Some(Arc::clone(secret)),
            _ => None,
        });
        script.prolog(if password.is_some() { SUDO_WITH_PASSWORD } else { SUDO_WITHOUT })?;
        for (index, job) in self.jobs.iter().enumerate() {
            if let JobKind::Script { body, .. } = &job.kind {
                script.step(&index.to_string(), body)?;
            }
        }
        Ok((script.to_sh(), password.map(|secret| ("cap_password".to_owned(), secret)).into_iter().collect()))
    }
}

/// Puts neighbouring scripts together.
pub(crate) fn group(jobs: Vec<Job>) -> VecDeque<Group> {
    let mut groups: VecDeque<Group> = VecDeque::new();
    for job in jobs {
        let joins = matches!(job.kind, JobKind::Script { .. })
            && groups.back().is_some_and(|last| {
                matches!(last.kind, JobKind::Script { .. })
                    && last.needs_lock() == job.needs_lock
                    && last.jobs.iter().all(|other| other.output == job.output)
                    // What runs always must not be kept from it by a failure before it.
                    && !job.always
                    && !last.always()
            });
        match groups.back_mut() {
            Some(last) if joins => last.jobs.push(job),
            _ => groups.push_back(Group { kind: job.kind.clone(), jobs: vec![job] }),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(body: &str, always: bool) -> Job {
        let kind = JobKind::Script { body: body.to_owned(), sudo: None };
        Job {
            step: None,
            title: body.to_owned(),
            kind,
            output: crate::flight::Output::Told,
            always,
            needs_lock: false,
            deadline: None,
        }
    }

    #[test]
    fn scripts_in_a_row_travel_together() {
        let unlock = Job { kind: JobKind::Unlock, ..job("unlock", true) };
        let groups = group(vec![job("one", false), job("two", false), job("three", true), unlock]);
        let sizes: Vec<usize> = groups.iter().map(|group| group.jobs.len()).collect();
        assert_eq!(sizes, [2, 1, 1]);
        let (text, secrets) = groups[0].script().unwrap();
        assert!(text.contains("one") && text.contains("two") && text.contains("sudo -n"));
        assert!(secrets.is_empty());
    }

    #[test]
    fn a_password_is_never_in_the_text() {
        let mut with = job("cap_sudo true", false);
        with.kind = JobKind::Script { body: "cap_sudo true".into(), sudo: Some(Arc::new(Secret::new("geheim"))) };
        let groups = group(vec![with]);
        let (text, secrets) = groups[0].script().unwrap();
        assert!(!text.contains("geheim"));
        assert_eq!(secrets[0].1.expose(), "geheim");
    }
}
