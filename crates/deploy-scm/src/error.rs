//! What can be wrong with a repository, a reference or the way they are to be deployed.

use deploy_plan::NameError;

/// A failure of source code management. No variant holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScmError {
    /// A character that a repository's address or a reference must not have.
    #[error("the {what} {text:?} may not have {found:?} at position {position}")]
    Character {
        /// `repository` or `revision`.
        what: &'static str,
        /// The text, without secrets.
        text: String,
        /// The offending character.
        found: char,
        /// Its 1-based position in characters of the text as given.
        position: usize,
    },
    /// A repository's address or a reference is wrong as a whole.
    #[error("the {what} {text:?} {why}")]
    Form {
        /// `repository` or `revision`.
        what: &'static str,
        /// The text, without secrets.
        text: String,
        /// What is wrong with it.
        why: String,
    },
    /// Something that a recipe may ask for and that is not there yet. Known before any host is touched.
    #[error("{option} {value:?} is not supported: {why}")]
    Unsupported {
        /// The recipe's variable.
        option: &'static str,
        /// Its value, without secrets.
        value: String,
        /// The reason, or what to use instead.
        why: &'static str,
    },
    /// Nothing tells which system the repository belongs to.
    #[error("cannot tell whether {url} is a git or a Subversion repository: {why}")]
    Undecided {
        /// The repository, without secrets.
        url: String,
        /// What was tried, with the answers.
        why: String,
    },
    /// The program is not installed on the deployer or could not be started.
    #[error("cannot run {program} on this machine")]
    MissingProgram {
        /// The program.
        program: String,
    },
    /// The repository did not answer, or refused.
    #[error("cannot read the repository {url}: {why}")]
    Unreachable {
        /// The repository, without secrets.
        url: String,
        /// What the program said, without secrets.
        why: String,
    },
    /// No such branch, tag or revision.
    #[error("there is no {wanted:?} in {url}{}", meant(.nearest))]
    NotFound {
        /// What was asked for.
        wanted: String,
        /// The repository, without secrets.
        url: String,
        /// Names that may have been meant.
        nearest: Vec<String>,
    },
    /// Several different commits go by that name.
    #[error("{wanted:?} is ambiguous in {url}: {}", .candidates.join(", "))]
    Ambiguous {
        /// What was asked for.
        wanted: String,
        /// The repository, without secrets.
        url: String,
        /// Each candidate with its commit.
        candidates: Vec<String>,
    },
    /// The program's answer makes no sense.
    #[error("{program} answered something that is no revision: {answer:?}")]
    Answer {
        /// The program.
        program: &'static str,
        /// The beginning of the answer.
        answer: String,
    },
    /// The revision found cannot be named.
    #[error("the repository's answer cannot be used")]
    Name(#[from] NameError),
}

fn meant(nearest: &[String]) -> String {
    if nearest.is_empty() { String::new() } else { format!("; did you mean {}?", nearest.join(" or ")) }
}
