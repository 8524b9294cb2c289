//! Repository addresses, checked before any program sees them.

use std::fmt;

use crate::{Redacted, ScmError};

const WHAT: &str = "repository";

/// How a repository is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// `svn://`
    Svn,
    /// `svn+ssh://`
    SvnSsh,
    /// `git://`
    Git,
    /// `ssh://`, `git+ssh://` or `user@host:path`
    Ssh,
    /// `http://` or `https://`
    Http,
    /// `file://`
    File,
    /// An absolute path on the machine that reads it.
    Path,
}

/// The address of a repository. A password in it is taken out and kept apart; everything shown is without it.
///
/// ```
/// use deploy_scm::RepositoryUrl;
///
/// let url = RepositoryUrl::parse("https://alice:s3cret@example.com/shop.git")?;
/// assert_eq!(url.to_string(), "https://alice@example.com/shop.git");
/// assert_eq!(url.password().map(|p| p.reveal()), Some("s3cret"));
/// assert!(RepositoryUrl::parse("ssh://-oProxyCommand=x/shop.git").is_err());
/// # Ok::<(), deploy_scm::ScmError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositoryUrl {
    text: String,
    transport: Transport,
    user: Option<String>,
    password: Option<Redacted>,
    host: Option<String>,
    port: Option<u16>,
    path: String,
}

impl RepositoryUrl {
    /// Reads an address.
    ///
    /// # Errors
    /// When a part of it could be taken for an option or has a character that must not be there, or when no known
    /// transport has that form.
    pub fn parse(given: &str) -> Result<Self, ScmError> {
        let text = given.trim();
        if text.is_empty() {
            return Err(form(text, "is empty"));
        }
        if let Some((scheme, rest)) = text.split_once("://") {
            return Self::parse_scheme(text, scheme, rest);
        }
        control(text, text)?;
        if text.starts_with('-') {
            return Err(character(text, '-', 1));
        }
        if text.starts_with('/') {
            return Ok(Self::local(text, Transport::Path, text));
        }
        if text.contains("::") && !text.contains('[') {
            return Err(form(text, "names a transport helper, which could run any program"));
        }
        Self::parse_scp(text)
    }

    fn local(text: &str, transport: Transport, path: &str) -> Self {
        Self {
            text: text.to_owned(),
            transport,
            user: None,
            password: None,
            host: None,
            port: None,
            path: path.to_owned(),
        }
    }

    fn parse_scheme(text: &str, scheme: &str, rest: &str) -> Result<Self, ScmError> {
        let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        let (userinfo, place) = authority.rsplit_once('@').map_or((None, authority), |(u, h)| (Some(u), h));
        let (user, password) = match userinfo.map(|u| u.split_once(':').unwrap_or((u, ""))) {
            None => (None, None),
            Some((user, "")) => (Some(user), None),
            Some((user, password)) => (Some(user), Some(Redacted::new(decode(password)))),
        };
        let clean =
            user.map_or_else(|| format!("{scheme}://{rest}"), |user| format!("{scheme}://{user}@{place}{path}"));
        control(&clean, text)?;
        let transport = match scheme.to_ascii_lowercase().as_str() {
            "svn" => Transport::Svn,
            "svn+ssh" => Transport::SvnSsh,
            "git" => Transport::Git,
            "ssh" | "git+ssh" | "ssh+git" => Transport::Ssh,
            "http" | "https" => Transport::Http,
            "file" => Transport::File,
            _ => return Err(form(&clean, "has a scheme that neither git nor Subversion knows")),
        };
        let lower = path.to_ascii_lowercase();
        if ["%00", "%0a", "%0d"].iter().any(|code| lower.contains(code) || place.to_ascii_lowercase().contains(code)) {
            return Err(form(&clean, "has an encoded line end or NUL in it"));
        }
        if transport == Transport::File {
            let named = user.is_some() || !(place.is_empty() || place == "localhost");
            if named || path.len() < 2 {
                return Err(form(&clean, "is no file address: it takes the form file:///path"));
            }
            return Ok(Self::local(&clean, transport, path));
        }
        let strict = matches!(transport, Transport::Ssh | Transport::SvnSsh);
        let start = scheme.chars().count() + 3;
        if let Some(user) = user {
            check_user(&clean, user, start, strict)?;
        }
        let start = start + user.map_or(0, |u| u.chars().count() + 1);
        let (host, port) = check_place(&clean, place, start)?;
        Ok(Self {
            text: clean,
            transport,
            user: user.map(str::to_owned),
            password,
            host: Some(host),
            port,
            path: path.to_owned(),
        })
    }

    /// `user@host:path`
    fn parse_scp(text: &str) -> Result<Self, ScmError> {
        let colon = if text.contains('[') { text.find("]:").map(|at| at + 1) } else { text.find(':') };
        let parts = colon.filter(|colon| !text.get(..*colon).unwrap_or_default().contains('/'));
        let Some((head, path)) = parts.and_then(|colon| Some((text.get(..colon)?, text.get(colon + 1..)?))) else {
            return Err(form(text, "is neither a URL, nor user@host:path, nor an absolute path"));
        };
        let (user, place) = head.rsplit_once('@').map_or((None, head), |(u, h)| (Some(u), h));
        if let Some(user) = user {
            check_user(text, user, 0, true)?;
        }
        let (host, _) = check_place(text, place, user.map_or(0, |u| u.chars().count() + 1))?;
        if path.is_empty() {
            return Err(form(text, "names no path"));
        }
        if path.starts_with('-') {
            return Err(character(text, '-', head.chars().count() + 2));
        }
        Ok(Self {
            text: text.to_owned(),
            transport: Transport::Ssh,
            user: user.map(str::to_owned),
            password: None,
            host: Some(host),
            port: None,
            path: path.to_owned(),
        })
    }

    /// The address as programs get it and people see it: without a password.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// How it is reached.
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.transport
    }

    /// The user in it.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// The password that was in it.
    #[must_use]
    pub fn password(&self) -> Option<&Redacted> {
        self.password.as_ref()
    }

    /// The host and port that `ssh` connects to, for addresses that go over it; the host's key must be known there.
    #[must_use]
    pub fn ssh_host(&self) -> Option<(&str, Option<u16>)> {
        matches!(self.transport, Transport::Ssh | Transport::SvnSsh)
            .then(|| self.host.as_deref().map(|host| (host, self.port)))
            .flatten()
    }

    /// The path in it.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl fmt::Display for RepositoryUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn form(text: &str, why: &str) -> ScmError {
    ScmError::Form { what: WHAT, text: text.to_owned(), why: why.to_owned() }
}

fn character(text: &str, found: char, position: usize) -> ScmError {
    ScmError::Character { what: WHAT, text: text.to_owned(), found, position }
}

/// The position counts in the text as given, the message shows it without a password.
fn control(shown: &str, given: &str) -> Result<(), ScmError> {
    match given.chars().enumerate().find(|(_, c)| c.is_control()) {
        Some((index, found)) => Err(character(shown, found, index + 1)),
        None => Ok(()),
    }
}

fn check_user(text: &str, user: &str, start: usize, strict: bool) -> Result<(), ScmError> {
    if user.is_empty() {
        return Err(form(text, "has an empty user"));
    }
    let fits = |index: usize, c: char| {
        c.is_ascii_alphanumeric()
            || c == '_'
            || (index > 0 && matches!(c, '.' | '-'))
            || (!strict && index > 0 && matches!(c, '%' | '+' | '~' | '='))
    };
    match user.chars().enumerate().find(|(index, c)| !fits(*index, *c)) {
        Some((index, found)) => Err(character(text, found, start + index + 1)),
        None => Ok(()),
    }
}

/// A host with an optional port.
fn check_place(text: &str, place: &str, start: usize) -> Result<(String, Option<u16>), ScmError> {
    let (host, port) = match place.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        Some((inner, after)) => {
            if inner.parse::<std::net::Ipv6Addr>().is_err() {
                return Err(form(text, "has brackets around something that is no IPv6 address"));
            }
            match (after, after.strip_prefix(':')) {
                ("", _) => (inner, None),
                (_, Some(port)) => (inner, Some(port)),
                _ => return Err(form(text, "has something other than a port after the closing bracket")),
            }
        }
        None => {
            let (host, port) = place.split_once(':').map_or((place, None), |(h, p)| (h, Some(p)));
            let fits =
                |index: usize, c: char| c.is_ascii_alphanumeric() || c == '_' || (index > 0 && matches!(c, '.' | '-'));
            if let Some((index, found)) = host.chars().enumerate().find(|(index, c)| !fits(*index, *c)) {
                return Err(character(text, found, start + index + 1));
            }
            (host, port)
        }
    };
    if host.is_empty() {
        return Err(form(text, "names no host"));
    }
    let port = match port {
        None | Some("") => None,
        Some(port) => match port.parse::<u16>() {
            Ok(number) if number > 0 && port.bytes().all(|b| b.is_ascii_digit()) => Some(number),
            _ => return Err(form(text, "has a port that is not between 1 and 65535")),
        },
    };
    Ok((host.to_owned(), port))
}

/// Undoes percent-encoding; what is no such code stays as it is.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let code = (*first == b'%')
            .then(|| tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok()))
            .flatten()
            .filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match code {
            Some(byte) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepted() {
        use Transport::{File, Git, Http, Path, Ssh, Svn, SvnSsh};
        for (text, transport, user, host, port) in [
            ("svn://svn.example.com/apps/my_cool_app/trunk", Svn, None, Some("svn.example.com"), None),
            ("svn+ssh://bob@h:2222/r", SvnSsh, Some("bob"), Some("h"), Some(2222)),
            ("git://h/shop.git", Git, None, Some("h"), None),
            ("git@github.com:team/shop.git", Ssh, Some("git"), Some("github.com"), None),
            ("host:shop", Ssh, None, Some("host"), None),
            ("git@[::1]:shop.git", Ssh, Some("git"), Some("::1"), None),
            ("ssh://git@h:22/~/shop", Ssh, Some("git"), Some("h"), Some(22)),
            ("ssh://[2001:db8::1]:2200/x", Ssh, None, Some("2001:db8::1"), Some(2200)),
            ("https://user%40corp@h/shop; touch x", Http, Some("user%40corp"), Some("h"), None),
            ("file:///srv/git/my shop.git", File, None, None, None),
            ("file://localhost/srv/x", File, None, None, None),
            ("/srv/git/x", Path, None, None, None),
        ] {
            let url = RepositoryUrl::parse(text).unwrap();
            assert_eq!((url.as_str(), url.transport(), url.user()), (text, transport, user));
            assert_eq!((url.host.as_deref(), url.port), (host, port), "{text}");
            assert_eq!(url.ssh_host().is_some(), matches!(transport, Ssh | SvnSsh));
        }
    }

    #[test]
    fn refused_with_position() {
        for (text, found, position) in [
            ("ssh://-oProxyCommand=x/r", '-', 7),
            ("svn+ssh://-oProxyCommand=x/r", '-', 11),
            ("ssh://-l@h/r", '-', 7),
            ("ssh://$x@h/r", '$', 7),
            ("git@-h:r", '-', 5),
            ("git@h:-r", '-', 7),
            ("-uroot@h:r", '-', 1),
            ("--upload-pack=x", '-', 1),
            ("git@h;x:r", ';', 6),
            ("git://h/a\nb", '\n', 10),
            ("/srv/\u{7f}x", '\u{7f}', 6),
            ("https://h$x/r", '$', 10),
        ] {
            let error = RepositoryUrl::parse(text).unwrap_err();
            let ScmError::Character { found: got, position: at, .. } = &error else { panic!("{text}: {error}") };
            assert_eq!((*got, *at), (found, position), "{text}");
        }
    }

    #[test]
    fn refused_as_a_whole() {
        for text in [
            "",
            "  ",
            "ext::sh -c x",
            "ext::x://y",
            "ftp://h/x",
            "javascript://x",
            "file://h/x",
            "file://",
            "ssh:///x",
            "https://@h/x",
            "git@h:",
            "relative/path",
            ".",
            "https://h/x%0ay",
            "https://h/x%00",
            "https://h:0/x",
            "https://h:+1/x",
            "ssh://[::x]/y",
            "../x",
            "ssh://[::1]x/y",
        ] {
            assert!(RepositoryUrl::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn passwords_are_kept_apart() {
        let url = RepositoryUrl::parse("https://al:p%40ss%zz@h:8443/x").unwrap();
        assert_eq!(url.as_str(), "https://al@h:8443/x");
        assert_eq!(url.password().unwrap().reveal(), "p@ss%zz");
        assert!(!format!("{url:?} {url}").contains("p@ss"));
        for bad in
            ["https://al:s3cret@h$/x", "foo://al:s3cret@h/x", "https://al:s3cret@h/\u{1}", "https://al:s3cret@h/%0a"]
        {
            let error = RepositoryUrl::parse(bad).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{error}");
        }
    }
}
