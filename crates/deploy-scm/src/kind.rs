//! Which system a repository belongs to and how its files come to a host, from the recipe's words and the
//! repository's form.

use std::fmt;

use crate::query::{Query, QueryKind, QueryOutput};
use crate::{RepositoryUrl, ScmError, Transport};

/// A source code management system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScmKind {
    /// git
    Git,
    /// Subversion
    Subversion,
}

impl ScmKind {
    /// Reads the value of `:scm`.
    ///
    /// # Errors
    /// For a system that is not supported or not known.
    pub fn from_setting(value: &str) -> Result<Self, ScmError> {
        let unsupported = |why| Err(ScmError::Unsupported { option: "scm", value: value.to_owned(), why });
        match value {
            "git" => Ok(Self::Git),
            "subversion" | "svn" => Ok(Self::Subversion),
            "mercurial" | "hg" | "bzr" | "cvs" | "darcs" | "perforce" | "accurev" | "none" => {
                unsupported("only git and Subversion are, so far")
            }
            _ => unsupported("there is no system of that name; use :git or :subversion"),
        }
    }

    /// The client program.
    #[must_use]
    pub fn program(self) -> &'static str {
        match self {
            Self::Git => "git",
            Self::Subversion => "svn",
        }
    }
}

impl fmt::Display for ScmKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Git => "git",
            Self::Subversion => "Subversion",
        })
    }
}

/// How the files of a revision come to a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Strategy {
    /// A working copy with its metadata.
    Checkout,
    /// The files alone.
    Export,
    /// A working copy kept on the host is brought up to date and copied.
    RemoteCache,
    /// The files alone, out of a bare mirror that is kept on the host (dialect 3); Subversion exports.
    Archive,
}

impl Strategy {
    /// Reads the value of `:deploy_via`.
    ///
    /// # Errors
    /// For a strategy that is not supported or not known.
    pub fn from_setting(value: &str) -> Result<Self, ScmError> {
        let unsupported = |why| Err(ScmError::Unsupported { option: "deploy_via", value: value.to_owned(), why });
        match value {
            "checkout" => Ok(Self::Checkout),
            "export" => Ok(Self::Export),
            "remote_cache" | "unshared_remote_cache" => Ok(Self::RemoteCache),
            "copy" => unsupported("use :checkout, :export or :remote_cache, with which each host reads the repository"),
            _ => unsupported("use :checkout, :export or :remote_cache"),
        }
    }
}

/// What a repository's form says about its system.
#[derive(Clone, Debug)]
pub enum Detection {
    /// The form is enough.
    Known(ScmKind),
    /// The repository must be asked: run these, in this order, and give the answers to [`decide`].
    Ask(Vec<Query>),
}

/// Tells the system from the form of the address alone, or how to ask the repository.
#[must_use]
pub fn detect(url: &RepositoryUrl) -> Detection {
    let path = url.path().trim_end_matches('/');
    let laid_out_for_svn = path.split('/').any(|part| matches!(part, "trunk" | "branches" | "tags"));
    match url.transport() {
        Transport::Svn | Transport::SvnSsh => Detection::Known(ScmKind::Subversion),
        Transport::Git | Transport::Ssh => Detection::Known(ScmKind::Git),
        _ if path.ends_with(".git") => Detection::Known(ScmKind::Git),
        Transport::Http if laid_out_for_svn => Detection::Known(ScmKind::Subversion),
        Transport::Http | Transport::File | Transport::Path => {
            let user = url.user().filter(|_| url.password().is_some());
            let git = Query::git(QueryKind::IsGit, ["ls-remote", url.as_str(), "HEAD"]);
            let git = git.with_login(user, url.password());
            let svn = Query::svn(QueryKind::IsSubversion, ["info", &svn_target(url)]);
            let svn = svn.with_login(user, url.password());
            // Subversion cannot read a plain path.
            Detection::Ask(if url.transport() == Transport::Path { vec![git] } else { vec![git, svn] })
        }
    }
}

/// The system by the repository's answers, in the order of the queries; where none answered, by the directory that
/// the recipe is in.
///
/// # Errors
/// When nothing tells.
pub fn decide(url: &RepositoryUrl, answers: &[QueryOutput], local: LocalDirectory) -> Result<ScmKind, ScmError> {
    let kinds = [ScmKind::Git, ScmKind::Subversion];
    if let Some((kind, _)) = kinds.iter().zip(answers).find(|(_, answer)| answer.is_success()) {
        return Ok(*kind);
    }
    match local {
        LocalDirectory { git: true, .. } => Ok(ScmKind::Git),
        LocalDirectory { svn: true, .. } => Ok(ScmKind::Subversion),
        LocalDirectory { .. } => {
            let said: Vec<String> = kinds
                .iter()
                .zip(answers)
                .map(|(kind, answer)| format!("{} said: {}", kind.program(), answer.complaint(url.password())))
                .collect();
            let (url, why) = (url.to_string(), said.join("; "));
            Err(if is_out_of_reach(answers) {
                ScmError::Unreachable { url, why }
            } else {
                ScmError::Undecided { url, why }
            })
        }
    }
}

/// What the programs say of a server that nobody reaches.
const NO_CONNECTION: &[&str] = &[
    "connection refused",
    "connection timed out",
    "could not connect",
    "could not resolve",
    "couldn't connect",
    "failed to connect",
    "name or service not known",
    "network is unreachable",
    "no route to host",
    "unable to connect",
];

/// What they say where there is no repository at all.
const NO_REPOSITORY: &[&str] =
    &["does not appear to be a git repository", "does not exist", "no such file or directory", "unable to open"];

/// Whether it is not the system that is unknown: no program got to a repository. One that is not installed says nothing
/// against that the other was not let through.
fn is_out_of_reach(answers: &[QueryOutput]) -> bool {
    let says = |answer: &QueryOutput, words: &[&str]| {
        let text = String::from_utf8_lossy(&answer.stderr).to_lowercase();
        answer.code.is_some() && words.iter().any(|word| text.contains(word))
    };
    let is_cut_off = |answer: &QueryOutput| says(answer, NO_CONNECTION);
    let all_lost = !answers.is_empty() && answers.iter().all(|one| is_cut_off(one) || says(one, NO_REPOSITORY));
    all_lost || answers.iter().any(is_cut_off) && answers.iter().all(|one| is_cut_off(one) || one.code.is_none())
}

/// What lies in the directory of the recipe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LocalDirectory {
    /// `.git` is there.
    pub git: bool,
    /// `.svn` is there.
    pub svn: bool,
}

/// The address in the form in which svn reads no part of it as a peg revision, unless one is written.
pub(crate) fn svn_target(url: &RepositoryUrl) -> String {
    let text = url.as_str().trim_end_matches('/');
    let last = text.rsplit('/').next().unwrap_or_default();
    let pegged = last.rsplit_once('@').is_some_and(|(_, peg)| {
        peg.is_empty() || peg.eq_ignore_ascii_case("head") || peg.bytes().all(|b| b.is_ascii_digit())
    });
    let text = svn_encode(text);
    if pegged { text } else { format!("{text}@") }
}

/// The address as svn itself prints it: in the C locale it cannot read anything beyond ASCII.
pub(crate) fn svn_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"!$&'()*+,-./:;=@_~%[]".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(text: &str) -> Option<ScmKind> {
        match detect(&RepositoryUrl::parse(text).unwrap()) {
            Detection::Known(kind) => Some(kind),
            Detection::Ask(_) => None,
        }
    }

    #[test]
    fn by_form() {
        let (git, svn) = (Some(ScmKind::Git), Some(ScmKind::Subversion));
        for (text, kind) in [
            ("svn://svn.example.com/apps/my_cool_app/trunk", svn),
            ("svn+ssh://h/r", svn),
            ("https://h/repos/x/trunk", svn),
            ("http://h/x/branches/1.2/app", svn),
            ("https://h/x/tags/1", svn),
            ("git://h/x", git),
            ("git@h:x", git),
            ("ssh://git@h/x", git),
            ("https://h/x.git", git),
            ("https://h/x.git/", git),
            ("file:///srv/x.git", git),
            ("https://h/trunk/x.git", git),
            ("file:///srv/x/trunk", None),
            ("https://h/team/x", None),
            ("/srv/x", None),
        ] {
            assert_eq!(known(text), kind, "{text}");
        }
    }

    #[test]
    fn by_answers_then_by_directory() {
        let url = RepositoryUrl::parse("https://h/x").unwrap();
        let Detection::Ask(queries) = detect(&url) else { panic!("asks") };
        assert_eq!(queries[0].argv, ["git", "ls-remote", "https://h/x", "HEAD"]);
        assert_eq!(queries[1].argv, ["svn", "--non-interactive", "info", "https://h/x@"]);
        let yes = QueryOutput { code: Some(0), ..QueryOutput::default() };
        let no = QueryOutput { code: Some(1), stderr: b"svn: E170013: no\n".to_vec(), ..QueryOutput::default() };
        let here = |git, svn| LocalDirectory { git, svn };
        assert_eq!(decide(&url, &[no.clone(), yes.clone()], here(true, false)), Ok(ScmKind::Subversion));
        assert_eq!(decide(&url, &[yes, no.clone()], here(false, true)), Ok(ScmKind::Git));
        assert_eq!(decide(&url, &[no.clone(), no.clone()], here(false, true)), Ok(ScmKind::Subversion));
        assert_eq!(decide(&url, &[no.clone(), no.clone()], here(true, true)), Ok(ScmKind::Git));
        let error = decide(&url, &[no.clone(), no], here(false, false)).unwrap_err();
        assert!(error.to_string().contains("E170013"), "{error}");
    }

    fn said(code: Option<i32>, text: &str) -> QueryOutput {
        QueryOutput { code, stderr: text.as_bytes().to_vec(), ..QueryOutput::default() }
    }

    #[test]
    fn out_of_reach_is_only_what_no_program_got_to() {
        let refused = said(Some(128), "fatal: unable to access 'http://h/x/': Failed to connect to h port 80\n");
        let unknown = said(Some(1), "svn: E670002: Name or service not known\n");
        let nothing = said(Some(128), "fatal: '/srv/x' does not appear to be a git repository\n");
        let none = said(Some(1), "svn: E180001: Unable to open repository 'file:///srv/x'\n");
        let not_installed = said(None, "connection refused");
        let other = said(Some(1), "svn: E170013: no\n");
        let denied = said(Some(128), "fatal: Authentication failed for 'http://h/x/'\n");
        for (answers, lost) in [
            (vec![refused.clone(), unknown.clone()], true),
            (vec![nothing.clone(), none.clone()], true),
            (vec![refused.clone(), none.clone()], true),
            (vec![nothing.clone()], true),
            (vec![refused.clone(), not_installed.clone()], true),
            (vec![not_installed.clone(), unknown], true),
            (vec![], false),
            (vec![not_installed.clone()], false),
            (vec![not_installed.clone(), not_installed.clone()], false),
            (vec![nothing, not_installed], false),
            (vec![refused, other.clone()], false),
            (vec![denied, none], false),
            (vec![other], false),
        ] {
            assert_eq!(is_out_of_reach(&answers), lost, "{answers:?}");
        }
    }

    #[test]
    fn settings() {
        assert_eq!(ScmKind::from_setting("subversion"), Ok(ScmKind::Subversion));
        assert_eq!(ScmKind::from_setting("git"), Ok(ScmKind::Git));
        assert_eq!(Strategy::from_setting("remote_cache"), Ok(Strategy::RemoteCache));
        for error in [ScmKind::from_setting("mercurial").unwrap_err(), ScmKind::from_setting("none").unwrap_err()] {
            assert!(matches!(error, ScmError::Unsupported { option: "scm", .. }));
        }
        let error = Strategy::from_setting("copy").unwrap_err();
        assert!(error.to_string().starts_with("deploy_via \"copy\" is not supported"), "{error}");
    }

    #[test]
    fn peg_revisions() {
        for (text, target) in [
            ("svn://h/x/trunk/", "svn://h/x/trunk@"),
            ("svn://h/x/a@b", "svn://h/x/a@b@"),
            ("svn://h/x/trunk@12", "svn://h/x/trunk@12"),
            ("svn://bob@h/x", "svn://bob@h/x@"),
            ("svn://h/my app/grün%20", "svn://h/my%20app/gr%C3%BCn%20@"),
        ] {
            assert_eq!(svn_target(&RepositoryUrl::parse(text).unwrap()), target);
        }
    }
}
