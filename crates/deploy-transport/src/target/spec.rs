//! A host in one word, as ssh takes it.

/// `user@host:port` in the forms that ssh takes: also `ssh://…` and `[v6]:port`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostSpec {
    /// The user, if given.
    pub user: Option<String>,
    /// The host, without brackets.
    pub host: String,
    /// The port, if given.
    pub port: Option<u16>,
}

impl HostSpec {
    /// Reads a host. `None` if it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix("ssh://").unwrap_or(text).trim_end_matches('/');
        let (user, rest) = match text.rsplit_once('@') {
            Some((user, rest)) if !user.is_empty() => (Some(user.to_owned()), rest),
            Some(_) => return None,
            None => (None, text),
        };
        let (host, port) = if let Some(rest) = rest.strip_prefix('[') {
            let (host, after) = rest.split_once(']')?;
            match after {
                "" => (host, None),
                after => (host, Some(after.strip_prefix(':')?)),
            }
        } else {
            match rest.split_once(':') {
                // More than one colon: an IPv6 address without brackets.
                Some((_, more)) if more.contains(':') => (rest, None),
                Some((host, port)) => (host, Some(port)),
                None => (rest, None),
            }
        };
        let port = match port {
            Some(port) => Some(port.parse().ok().filter(|p| *p > 0)?),
            None => None,
        };
        (!host.is_empty() && !host.starts_with('-')).then(|| Self { user, host: host.to_owned(), port })
    }
}
