//! Turns arguments into sh text, at the one place where that is done.

use std::fmt;

/// An argument that no shell can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cannot quote an argument for the shell: NUL byte at position {position}")]
pub struct QuoteError {
    /// Byte offset of the NUL in the argument.
    pub position: usize,
}

/// Words that a shell reads as syntax when they stand first.
const RESERVED: &[&[u8]] = &[
    b"if",
    b"then",
    b"else",
    b"elif",
    b"fi",
    b"do",
    b"done",
    b"case",
    b"esac",
    b"while",
    b"until",
    b"for",
    b"in",
    b"function",
    b"select",
    b"time",
    b"coproc",
];

/// Quotes one argument for a POSIX shell: plain when it is safe anywhere in a command, else `'…'`.
///
/// The result is one word whatever the argument holds: blanks, newlines, quotes, globs, a leading dash (which stays
/// an option to the *program*: put `--` before it). It is for sh, not for csh or fish, which treat `!` and `\` inside
/// single quotes in their own way.
///
/// ```
/// use deploy_shell::quote;
/// assert_eq!(quote("releases/20260102030405")?, "releases/20260102030405");
/// assert_eq!(quote("it's; rm -rf ~")?, r"'it'\''s; rm -rf ~'");
/// assert!(quote("a\0b").is_err());
/// # Ok::<(), deploy_shell::QuoteError>(())
/// ```
pub fn quote(arg: &str) -> Result<String, QuoteError> {
    let mut out = String::with_capacity(arg.len() + 2);
    if let Some(position) = arg.bytes().position(|b| b == 0) {
        return Err(QuoteError { position });
    }
    if is_plain(arg.as_bytes()) {
        return Ok(arg.to_owned());
    }
    out.push('\'');
    for (i, part) in arg.split('\'').enumerate() {
        if i > 0 {
            out.push_str(r"'\''");
        }
        out.push_str(part);
    }
    out.push('\'');
    Ok(out)
}

/// As [`quote`], for a name that need not be UTF-8 (a file name that a host reported).
pub fn quote_bytes(arg: &[u8]) -> Result<Vec<u8>, QuoteError> {
    if let Some(position) = arg.iter().position(|&b| b == 0) {
        return Err(QuoteError { position });
    }
    if is_plain(arg) {
        return Ok(arg.to_vec());
    }
    let mut out = Vec::with_capacity(arg.len() + 2);
    out.push(b'\'');
    for &byte in arg {
        match byte {
            b'\'' => out.extend_from_slice(br"'\''"),
            other => out.push(other),
        }
    }
    out.push(b'\'');
    Ok(out)
}

/// Plain is what no shell expands, splits or reads as syntax, in whatever place of a command the word stands.
fn is_plain(arg: &[u8]) -> bool {
    let safe = |b: &u8| b.is_ascii_alphanumeric() || b"_-./:,@%+".contains(b);
    // `A=b` in front is an assignment; `--key=value` never is. `%1` in front is a job.
    let safe_option = |b: &u8| safe(b) || *b == b'=';
    match arg.first() {
        None | Some(b'%') => false,
        Some(b'-') => arg.iter().all(safe_option),
        Some(_) => arg.iter().all(safe) && !RESERVED.contains(&arg),
    }
}

/// A command as a list of arguments: the only thing from which command text for a host is made.
///
/// ```
/// use deploy_shell::Argv;
/// let git = Argv::new("git").arg("fetch").args(["--", "feature branch"]);
/// assert_eq!(git.to_sh()?, "git fetch -- 'feature branch'");
/// # Ok::<(), deploy_shell::QuoteError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Argv {
    words: Vec<String>,
}

impl Argv {
    /// A command without arguments.
    pub fn new(program: impl Into<String>) -> Self {
        Self { words: vec![program.into()] }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.words.push(arg.into());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<I>(mut self, args: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.words.extend(args.into_iter().map(Into::into));
        self
    }

    /// The program and its arguments, unquoted.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// The command as sh text: every word quoted, joined by single spaces.
    pub fn to_sh(&self) -> Result<String, QuoteError> {
        let mut out = String::new();
        for word in &self.words {
            if !out.is_empty() {
                out.push(' ');
            }
            out.push_str(&quote(word)?);
        }
        Ok(out)
    }
}

/// For people: as sh text, with a NUL shown as `\0` (such a command cannot be run).
impl fmt::Display for Argv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, word) in self.words.iter().enumerate() {
            let space = if i > 0 { " " } else { "" };
            let shown = word.replace('\0', "\\0");
            write!(f, "{space}{}", quote(&shown).unwrap_or(shown))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn plain_words_stay_plain_and_syntax_does_not() {
        for plain in ["a", "-", "--", "--format=%H", "/srv/app/releases/1", "user@host:path", "1.5", "a+b,c%d"] {
            assert_eq!(quote(plain).unwrap(), plain);
        }
        for word in
            ["", "A=b", "if", "for", "~", "~/x", "a*", "{a,b}", "a b", "$X", "`x`", "!", "#", "é", "a\nb", "-x y"]
        {
            let quoted = quote(word).unwrap();
            assert!(quoted.starts_with('\'') && quoted.ends_with('\''), "{quoted}");
        }
    }

    #[test]
    fn nul_is_refused_with_its_place() {
        assert_eq!(quote("ab\0c"), Err(QuoteError { position: 2 }));
        assert_eq!(quote_bytes(b"\0"), Err(QuoteError { position: 0 }));
        assert_eq!(Argv::new("x").arg("\0").to_sh(), Err(QuoteError { position: 0 }));
        assert_eq!(Argv::new("x").arg("\0").to_string(), r"x '\0'");
    }

    proptest! {
        #[test]
        fn text_and_bytes_agree(arg in "[^\0]*") {
            prop_assert_eq!(quote(&arg).unwrap().into_bytes(), quote_bytes(arg.as_bytes()).unwrap());
        }
    }
}
