//! Subversion: `svn info` of the address at the wanted revision, which also proves that it exists.

use deploy_plan::Revision;

use super::{Resolution, Resolver};
use crate::kind::svn_target;
use crate::query::{Query, QueryKind, QueryOutput};
use crate::reference::check_svn;
use crate::{Pinned, RepositoryUrl, ScmError};

impl Resolver {
    pub(super) fn start_svn(&mut self) -> Result<Resolution, ScmError> {
        self.wanted = check_svn(&self.wanted)?;
        let target = svn_target(self.source.query_url());
        let query = Query::svn(QueryKind::SvnInfo, ["info", "-r", &self.wanted, &target]);
        let mut query = query.with_login(self.source.login(), self.source.password.as_ref());
        query.argv.extend(self.source.arguments.iter().cloned());
        query.argv.splice(0..1, self.source.local_program.iter().cloned());
        Ok(Resolution::Ask(Box::new(query)))
    }

    /// Revision is where the tree was looked at, Last Changed Rev where it last changed; the greater of both is the
    /// number that gives exactly this tree.
    pub(super) fn read_info(&mut self, query: &Query, output: &QueryOutput) -> Result<Resolution, ScmError> {
        if !output.is_success() {
            let said = String::from_utf8_lossy(&output.stderr);
            // A number beyond the newest; or one at which this path was not there.
            if ["E160006", "E160013", "E195012"].iter().any(|code| said.contains(code)) && self.wanted != "HEAD" {
                return Err(self.not_found());
            }
            return Err(self.unreachable(query, output));
        }
        let text = output.text();
        let number = |field: &str| {
            text.lines().find_map(|line| line.strip_prefix(field)).and_then(|value| value.trim().parse::<u64>().ok())
        };
        let Some(revision) = number("Revision:").max(number("Last Changed Rev:")) else {
            return Err(ScmError::Answer { program: "svn", answer: text.chars().take(80).collect() });
        };
        Ok(Resolution::Pinned(Pinned {
            revision: Revision::new(&revision.to_string())?,
            label: label(&self.source.url),
            name: None,
            unverified: None,
        }))
    }
}

/// The part of the address that tells what is deployed: `trunk`, `branches/1.2`.
fn label(url: &RepositoryUrl) -> String {
    let parts: Vec<&str> = url.path().split('/').filter(|part| !part.is_empty()).collect();
    let from = parts.iter().rposition(|part| matches!(*part, "trunk" | "branches" | "tags"));
    match from.and_then(|from| parts.get(from..)) {
        Some(tail) => tail.join("/"),
        None => parts.last().map_or_else(|| url.to_string(), |last| (*last).to_owned()),
    }
}
