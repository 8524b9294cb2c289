//! From a name to a pinned revision: questions to the repository, and what their answers mean.

mod git;
mod svn;

use crate::query::{Query, QueryKind, QueryOutput};
use crate::{Pinned, ScmError, ScmKind, Source};

/// How far the resolution has come.
#[derive(Clone, Debug)]
pub enum Resolution {
    /// Done.
    Pinned(Pinned),
    /// Run this on the deployer, in the directory of the recipe, and hand the output to [`Resolver::answer`].
    Ask(Box<Query>),
}

/// Resolves one name of one repository, question by question.
///
/// ```
/// use deploy_scm::{QueryOutput, RepositoryUrl, Resolution, Resolver, ScmKind, Source};
///
/// let source = Source::new(ScmKind::Git, RepositoryUrl::parse("git://example.com/shop.git")?);
/// let (mut resolver, first) = Resolver::start(&source, "main")?;
/// let Resolution::Ask(query) = first else { panic!("a branch has to be asked for") };
/// assert_eq!(query.argv[..3], ["git", "ls-remote", "git://example.com/shop.git"]);
///
/// // … the caller runs it …
/// let line = b"8f3a2c1b00000000000000000000000000000001\trefs/heads/main\n".to_vec();
/// let output = QueryOutput { code: Some(0), stdout: line, stderr: Vec::new() };
/// let Resolution::Pinned(pinned) = resolver.answer(&query, &output)? else { panic!("one answer is enough") };
/// assert_eq!(pinned.label, "branch main");
/// # Ok::<(), deploy_scm::ScmError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Resolver {
    source: Source,
    wanted: String,
    /// Names that the repository has, for a message.
    known: Vec<String>,
}

impl Resolver {
    /// Begins with what the recipe asks for: a git branch, tag, full or short hash, `HEAD`, or for Subversion `HEAD`, a
    /// number or a date in braces.
    ///
    /// # Errors
    /// When the text is no such name, or a setting cannot be used.
    pub fn start(source: &Source, wanted: &str) -> Result<(Self, Resolution), ScmError> {
        source.check()?;
        let wanted = wanted.trim();
        let mut resolver = Self { source: source.clone(), wanted: wanted.to_owned(), known: Vec::new() };
        let first = match source.kind {
            ScmKind::Git => resolver.start_git()?,
            ScmKind::Subversion => resolver.start_svn()?,
        };
        Ok((resolver, first))
    }

    /// Takes the output of a query that it asked for.
    ///
    /// # Errors
    /// When the repository cannot be read, or has no such revision or several.
    pub fn answer(&mut self, query: &Query, output: &QueryOutput) -> Result<Resolution, ScmError> {
        match query.kind {
            QueryKind::SvnInfo | QueryKind::IsSubversion => self.read_info(query, output),
            QueryKind::GitNamed | QueryKind::IsGit => self.read_named(query, output),
            QueryKind::GitAll => self.read_all(query, output),
            QueryKind::GitLocal => self.read_local(output),
            QueryKind::GitHash => self.read_hash(output),
            QueryKind::GitHolds => self.read_holds(output),
        }
    }

    fn unreachable(&self, query: &Query, output: &QueryOutput) -> ScmError {
        let program = query.program().to_owned();
        if output.code.is_none() && output.stdout.is_empty() || output.code == Some(127) {
            return ScmError::MissingProgram { program };
        }
        let why = output.complaint(self.source.password.as_ref());
        ScmError::Unreachable { url: self.source.query_url().to_string(), why }
    }

    fn not_found(&self) -> ScmError {
        ScmError::NotFound {
            wanted: self.wanted.clone(),
            url: self.source.query_url().to_string(),
            nearest: nearest(&self.wanted, &self.known),
        }
    }
}

/// Up to three known names that are nearest to what was asked.
fn nearest(asked: &str, known: &[String]) -> Vec<String> {
    let asked = asked.to_lowercase();
    let mut found: Vec<(usize, &String)> = known
        .iter()
        .filter_map(|name| {
            let lower = name.to_lowercase();
            let tail = lower.rsplit('/').next().unwrap_or_default();
            let far = strsim::osa_distance(&asked, &lower);
            let most = (asked.chars().count().max(lower.chars().count()) / 3).max(1);
            let related = tail == asked || (asked.len() > 2 && lower.starts_with(&asked));
            (far <= most || related).then_some((if related { far.min(1) } else { far }, name))
        })
        .collect();
    found.sort_by_key(|(far, _)| *far);
    found.into_iter().take(3).map(|(_, name)| name.clone()).collect()
}

#[cfg(test)]
mod tests;
