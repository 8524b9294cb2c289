//! What a recipe may ask for: a branch, tag, commit or Subversion revision, checked before any program sees it.

use deploy_plan::Revision;

use crate::ScmError;

const WHAT: &str = "revision";

/// A revision to which a name was resolved, once, for all hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pinned {
    /// The full commit hash or the Subversion revision number.
    pub revision: Revision,
    /// What people call it: `branch main`, `tag v1`, `trunk`.
    pub label: String,
    /// The branch or tag in the repository that it was found by.
    pub name: Option<String>,
    /// Why nobody knows yet whether the repository has it: found out on the hosts.
    pub unverified: Option<String>,
}

/// Refuses what git would not take as the name of a reference, and what an option parser could misread. Characters
/// that only a shell would misread are fine: they are quoted.
///
/// # Errors
/// With the position of the first bad character.
pub(crate) fn check_git(text: &str) -> Result<(), ScmError> {
    check_common(text)?;
    find(text, |_, c| matches!(c, ' ' | '~' | '^' | ':' | '?' | '*' | '[' | '\\'))?;
    for (sequence, offset) in [("..", 0), ("@{", 0), ("//", 1), ("/.", 1)] {
        if let Some(at) = text.find(sequence) {
            let position = text.get(..at).unwrap_or_default().chars().count() + offset + 1;
            let found = sequence.chars().nth(offset).unwrap_or('.');
            return Err(ScmError::Character { what: WHAT, text: text.to_owned(), found, position });
        }
    }
    let form = |why: &str| Err(ScmError::Form { what: WHAT, text: text.to_owned(), why: why.to_owned() });
    if text.starts_with(['.', '/']) || text.ends_with(['.', '/']) {
        return form("begins or ends with a dot or a slash");
    }
    if text == "@" || text.split('/').any(|part| part.ends_with(".lock")) {
        return form("is a name that git keeps for itself");
    }
    Ok(())
}

/// Refuses what is no operative revision of a whole repository: `HEAD`, a number, or a date in braces.
///
/// # Errors
/// With the position of the first bad character, or what is accepted.
pub(crate) fn check_svn(text: &str) -> Result<String, ScmError> {
    check_common(text)?;
    let number = text.strip_prefix('r').unwrap_or(text);
    if number.bytes().all(|b| b.is_ascii_digit()) && (1..=18).contains(&number.len()) {
        return Ok(number.trim_start_matches('0').to_owned()).map(|n| if n.is_empty() { "0".to_owned() } else { n });
    }
    if text.eq_ignore_ascii_case("head") {
        return Ok("HEAD".to_owned());
    }
    let date = text.strip_prefix('{').and_then(|t| t.strip_suffix('}'));
    if date.is_some_and(|date| !date.is_empty() && !date.contains(['{', '}'])) {
        return Ok(text.to_owned());
    }
    Err(ScmError::Form {
        what: WHAT,
        text: text.to_owned(),
        why: "is no Subversion revision: HEAD, a number, or {a date}".to_owned(),
    })
}

fn check_common(text: &str) -> Result<(), ScmError> {
    if text.is_empty() {
        return Err(ScmError::Form { what: WHAT, text: String::new(), why: "is empty".to_owned() });
    }
    if text.len() > 1024 {
        let text: String = text.chars().take(40).collect();
        return Err(ScmError::Form { what: WHAT, text, why: "is longer than 1024 bytes".to_owned() });
    }
    find(text, |index, c| c.is_control() || (index == 0 && c == '-'))
}

fn find(text: &str, bad: impl Fn(usize, char) -> bool) -> Result<(), ScmError> {
    match text.chars().enumerate().find(|(index, c)| bad(*index, *c)) {
        Some((index, found)) => {
            Err(ScmError::Character { what: WHAT, text: text.to_owned(), found, position: index + 1 })
        }
        None => Ok(()),
    }
}

/// Whether the text is a full object name: 40 hexadecimal digits, or 64 in a repository of the newer format.
pub(crate) fn is_full_hash(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Whether the text could be the beginning of an object name.
pub(crate) fn is_short_hash(text: &str) -> bool {
    (4..64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn git_names() {
        for good in [
            "main",
            "feature/x",
            "v1.2",
            "a;touch${IFS}b",
            "$(id)",
            "it's",
            "a\"b",
            "`x`",
            "é",
            "a|b",
            "x&y",
            "HEAD",
            "@x",
            "{a,b}",
        ] {
            assert_eq!(check_git(good), Ok(()), "{good}");
        }
        for (bad, found, position) in [
            ("-x", '-', 1),
            ("--upload-pack=x", '-', 1),
            ("a b", ' ', 2),
            ("main~1", '~', 5),
            ("a\nb", '\n', 2),
            ("a..b", '.', 2),
            ("a@{1}", '@', 2),
            ("é//b", '/', 3),
            ("a/.b", '.', 3),
            ("a:b", ':', 2),
        ] {
            let error = check_git(bad).unwrap_err();
            assert_eq!(error, ScmError::Character { what: WHAT, text: bad.to_owned(), found, position }, "{bad}");
        }
        for bad in ["", "@", "x.lock", "a.lock/b", ".a", "a.", "/a", "a/", &"x".repeat(1025)] {
            assert!(check_git(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn svn_revisions() {
        for (given, read) in [
            ("HEAD", "HEAD"),
            ("head", "HEAD"),
            ("17", "17"),
            ("r17", "17"),
            ("000", "0"),
            ("{2026-01-01}", "{2026-01-01}"),
        ] {
            assert_eq!(check_svn(given).as_deref(), Ok(read));
        }
        for bad in ["", "-1", "BASE", "1:2", "r", "trunk", "{}", "{a}{b}", "1\n", "12345678901234567890"] {
            assert!(check_svn(bad).is_err(), "{bad:?}");
        }
    }
}
