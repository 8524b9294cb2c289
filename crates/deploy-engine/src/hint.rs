//! What to do next where one of our own steps failed: there is no command that a person could run by hand.

use deploy_plan::Op;

/// What the host said, and what helps. The words are those of the C library's messages; every tool passes them on.
const CAUSES: [(&str, &str); 5] = [
    (
        "No space left on device",
        "make room on the host's disk (`cap deploy:cleanup` removes old releases), then run the same command again",
    ),
    (
        "Disk quota exceeded",
        "make room for the login on the host (`cap deploy:cleanup` removes old releases), then run the same command again",
    ),
    (
        "Read-only file system",
        "the host's filesystem cannot be written: look at `mount` and the kernel's log there, then run the same command again",
    ),
    (
        "Permission denied",
        "let the login write there (`ls -ld` in `cap ssh HOST` shows owner and mode of each directory of the path), then run the same command again",
    ),
    (
        "Operation not permitted",
        "let the login write there (`ls -ld` in `cap ssh HOST` shows owner and mode, `lsattr -d` more), then run the same command again",
    ),
];

/// What mends a step of ours, by what the host said last and by what the step does.
pub(crate) fn of_ops(ops: &[Op], said: &[String]) -> String {
    let refuses_links = ops.iter().any(|op| matches!(op, Op::CheckLinks { refuse: true, .. }));
    if refuses_links && said.iter().any(|line| line.contains(" points to ") && line.ends_with("which does not exist")) {
        return "make what the link points to on the host (or, to deploy without it: set :dangling_links, :warn), then \
                run the same command again"
            .to_owned();
    }
    let linked = |line: &String| line.starts_with("linked file ") && line.ends_with(" does not exist");
    if said.iter().any(linked) {
        return "put the file there on each of these hosts (deploy never makes it: it is what a release does not bring, as \
                passwords and keys), then run the same command again"
            .to_owned();
    }
    let cause = CAUSES.iter().find(|(words, _)| {
        said.last().is_some_and(|line| {
            // ssh's own words about a login of git's or svn's.
            line.contains(words) && !line.contains("Permission denied (")
        })
    });
    if let Some((_, next)) = cause {
        return (*next).to_owned();
    }
    let own = ops.iter().rev().find_map(|op| match op {
        Op::Switch { .. } | Op::ReadBack { .. } => Some(
            "look what the link to the live release is on the host now (`cap deploy:check`, `cap releases`), then run the same command again",
        ),
        Op::Script { .. } => {
            Some("mend what the host says above (`cap deploy:check` has every host read the repository), then run the same command again")
        }
        _ => None,
    });
    own.unwrap_or(
        "mend what the host says above (`cap deploy:check` finds most causes), then run the same command again",
    )
    .to_owned()
}

#[cfg(test)]
mod tests {
    use deploy_plan::{ReleaseId, RemotePath};

    use super::*;

    fn next(ops: &[Op], said: &str) -> String {
        of_ops(ops, &[said.to_owned()])
    }

    #[test]
    fn no_step_of_ours_is_to_be_run_by_hand() {
        let release = RemotePath::new("/srv/app/releases/1").unwrap();
        let check = |refuse| Op::CheckLinks { release: release.clone(), refuse };
        let flush = Op::Flush { path: release.clone() };
        let dangling = "error: /srv/app/releases/1/x points to /srv/app/shared/x, which does not exist";
        assert!(next(&[check(true), flush.clone()], dangling).contains(":dangling_links, :warn"));
        // Where it only warned something else has failed.
        assert!(!next(&[check(false), flush.clone()], dangling).contains("dangling"));
        let full = "sync: error: No space left on device";
        assert!(next(&[check(true), flush], full).contains("make room"));

        let to = ReleaseId::new("20261123054446").unwrap();
        let switch = Op::ReadBack { release: to };
        let denied = "mv: cannot move '/srv/app/.capstan/links/current' to '/srv/app/current': Permission denied";
        assert!(next(std::slice::from_ref(&switch), denied).starts_with("let the login write there"));
        let other = "/srv/app/current points to releases/3, not to 20261123054446";
        assert!(next(&[switch], other).contains("cap releases"));
        let script = Op::Script { title: "check out 4711".to_owned(), body: "false".to_owned() };
        assert!(next(&[script], "fatal: early EOF").contains("read the repository"));
        let script = [Op::Script { title: "find the linked files".to_owned(), body: "false".to_owned() }];
        assert!(next(&script, "linked file /srv/app/shared/.env does not exist").contains("put the file there"));
        assert!(next(&script, "git@example.com: Permission denied (publickey).").contains("read the repository"));
        for ops in [vec![], vec![Op::RemoveFile { path: release.clone() }]] {
            assert!(!of_ops(&ops, &[]).contains("by hand"));
        }
    }
}
