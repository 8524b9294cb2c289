//! Server strings: `user@host:port`, checked character by character before anything else sees them.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::HostId;

/// Which part of a server string, or which name beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// The login user.
    User,
    /// The host name or address.
    Host,
    /// The port.
    Port,
    /// A role's name.
    Role,
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User => "user",
            Self::Host => "host",
            Self::Port => "port",
            Self::Role => "role",
        })
    }
}

/// Why a text is not a server, user, port or role name. Positions are 1-based and count characters of `text`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// The part is there but empty, or the whole text is.
    #[error("the {field} in {text:?} is empty")]
    Empty {
        /// Which part.
        field: Field,
        /// The text as given.
        text: String,
    },
    /// A character that the part must not have at that place.
    #[error("the {field} in {text:?} may not have {found:?} at position {position}")]
    Character {
        /// Which part.
        field: Field,
        /// The text as given.
        text: String,
        /// The offending character.
        found: char,
        /// Where it stands in `text`.
        position: usize,
    },
    /// The part is wrong as a whole.
    #[error("the {field} in {text:?} {why}")]
    Form {
        /// Which part.
        field: Field,
        /// The text as given.
        text: String,
        /// What is wrong with it.
        why: &'static str,
    },
}

/// One SSH target as it is written: a host, and the user and port where they are written.
///
/// ```
/// use deploy_inventory::Address;
///
/// let address = Address::parse("deploy@[2001:db8::7]:2222")?;
/// assert_eq!(address.host(), "2001:db8::7");
/// assert_eq!(address.to_string(), "deploy@[2001:db8::7]:2222");
/// assert!(Address::parse("-oProxyCommand=x").is_err());
/// # Ok::<(), deploy_inventory::AddressError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    user: Option<String>,
    host: String,
    port: Option<u16>,
}

impl Address {
    /// Reads `[user@]host[:port]`. The host is a DNS name or an alias of `ssh_config`, an IPv4 address, or an IPv6
    /// address in brackets. Everything that a shell or an option parser could take for something else is refused.
    ///
    /// # Errors
    /// When a part is empty, has a forbidden character, or is no such name.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let (user, rest, offset) = match text.rsplit_once('@') {
            Some((user, rest)) => (Some(user), rest, user.chars().count() + 1),
            None => (None, text, 0),
        };
        if let Some(user) = user {
            check_user(text, user, 0)?;
        }
        let (host, port) = split_port(text, rest)?;
        if let Some(inner) = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
            check_ipv6(text, inner)?;
            return Ok(Self::from_parts(user, inner, read_port(text, port, offset + host.chars().count() + 1)?));
        }
        check_host(text, host, offset)?;
        Ok(Self::from_parts(user, host, read_port(text, port, offset + host.chars().count() + 1)?))
    }

    fn from_parts(user: Option<&str>, host: &str, port: Option<u16>) -> Self {
        Self { user: user.map(str::to_owned), host: host.to_owned(), port }
    }

    /// The login user, where it is written.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// The host name or address, an IPv6 address without its brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, where it is written.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// Fills in what is not written.
    ///
    /// # Errors
    /// When the user is not a name that a login may have.
    pub fn or(mut self, user: Option<&str>, port: Option<u16>) -> Result<Self, AddressError> {
        if let (None, Some(user)) = (&self.user, user) {
            check_user(user, user, 0)?;
            self.user = Some(user.to_owned());
        }
        self.port = self.port.or(port);
        Ok(self)
    }

    /// The identity made of exactly the written parts.
    #[must_use]
    pub fn id(&self) -> HostId {
        HostId::new(&self.to_string())
    }

    /// Whether `other` has every part that is written here.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.host == other.host
            && (self.user.is_none() || self.user == other.user)
            && (self.port.is_none() || self.port == other.port)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        if self.host.contains(':') {
            write!(f, "[{}]", self.host)?;
        } else {
            f.write_str(&self.host)?;
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// Parts the port from the host; a colon inside brackets belongs to the address.
fn split_port<'a>(text: &str, rest: &'a str) -> Result<(&'a str, Option<&'a str>), AddressError> {
    if rest.starts_with('[') {
        let form = |why| AddressError::Form { field: Field::Host, text: text.to_owned(), why };
        let end = rest.find(']').ok_or_else(|| form("opens a bracket and does not close it"))?;
        let (host, after) = rest.split_at(end + 1);
        return match after.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if after.is_empty() => Ok((host, None)),
            None => Err(form("has something other than a port after the closing bracket")),
        };
    }
    if rest.matches(':').count() > 1 {
        let why = "has more than one colon: write an IPv6 address in brackets, as in [::1]:22";
        return Err(AddressError::Form { field: Field::Host, text: text.to_owned(), why });
    }
    Ok(rest.split_once(':').map_or((rest, None), |(host, port)| (host, Some(port))))
}

/// The first character of `part` that is refused becomes an error with its position in `text`.
fn refuse(
    field: Field,
    text: &str,
    part: &str,
    offset: usize,
    allowed: impl Fn(usize, char) -> bool,
) -> Result<(), AddressError> {
    match part.chars().enumerate().find(|(index, c)| !allowed(*index, *c)) {
        None => Ok(()),
        Some((index, found)) => {
            Err(AddressError::Character { field, text: text.to_owned(), found, position: offset + index + 1 })
        }
    }
}

fn check_user(text: &str, user: &str, offset: usize) -> Result<(), AddressError> {
    let field = Field::User;
    if user.is_empty() {
        return Err(AddressError::Empty { field, text: text.to_owned() });
    }
    refuse(field, text, user, offset, |index, c| {
        c.is_ascii_alphanumeric() || c == '_' || (index > 0 && matches!(c, '.' | '-'))
    })?;
    if user.len() > 32 {
        return Err(AddressError::Form { field, text: text.to_owned(), why: "is longer than 32 characters" });
    }
    Ok(())
}

fn check_host(text: &str, host: &str, offset: usize) -> Result<(), AddressError> {
    let field = Field::Host;
    let form = |why| AddressError::Form { field, text: text.to_owned(), why };
    if host.is_empty() {
        return Err(AddressError::Empty { field, text: text.to_owned() });
    }
    refuse(field, text, host, offset, |index, c| {
        c.is_ascii_alphanumeric() || c == '_' || (index > 0 && matches!(c, '.' | '-'))
    })?;
    let name = host.strip_suffix('.').unwrap_or(host);
    if name.len() > 253 {
        return Err(form("is longer than 253 characters"));
    }
    if name.split('.').any(|label| label.is_empty() || label.starts_with('-') || label.len() > 63) {
        return Err(form("has a part that is empty, longer than 63 characters or begins with a dash"));
    }
    // Resolvers read `1`, `127.1` and `0x7f000001` as IPv4 addresses, each in its own way.
    let last = name.rsplit('.').next().unwrap_or_default();
    let number = last.bytes().all(|b| b.is_ascii_digit()) || last.to_ascii_lowercase().starts_with("0x");
    if number && name.parse::<Ipv4Addr>().is_err() {
        return Err(form("looks like a number but is no IPv4 address of four parts"));
    }
    Ok(())
}

fn check_ipv6(text: &str, inner: &str) -> Result<(), AddressError> {
    let (address, zone) = inner.split_once('%').map_or((inner, None), |(a, z)| (a, Some(z)));
    let zone_is_good = zone.is_none_or(|zone| {
        !zone.is_empty()
            && !zone.starts_with('-')
            && zone.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
    });
    if address.parse::<Ipv6Addr>().is_err() || !zone_is_good {
        return Err(AddressError::Form {
            field: Field::Host,
            text: text.to_owned(),
            why: "has brackets around something that is no IPv6 address",
        });
    }
    Ok(())
}

fn read_port(text: &str, port: Option<&str>, offset: usize) -> Result<Option<u16>, AddressError> {
    let Some(port) = port else { return Ok(None) };
    if port.is_empty() {
        return Err(AddressError::Empty { field: Field::Port, text: text.to_owned() });
    }
    refuse(Field::Port, text, port, offset, |_, c| c.is_ascii_digit())?;
    match port.parse::<u16>() {
        Ok(number) if number > 0 => Ok(Some(number)),
        _ => Err(AddressError::Form { field: Field::Port, text: text.to_owned(), why: "is not between 1 and 65535" }),
    }
}

/// A role's name may be anything that can stand in a comma-separated list and in a line of output.
pub(crate) fn check_role(name: &str) -> Result<(), AddressError> {
    let field = Field::Role;
    if name.trim().is_empty() {
        return Err(AddressError::Empty { field, text: name.to_owned() });
    }
    refuse(field, name, name, 0, |index, c| !c.is_control() && c != ',' && !(index == 0 && c == '-'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn accepted() {
        for (text, user, host, port) in [
            ("web1.example.com", None, "web1.example.com", None),
            ("deploy@web1", Some("deploy"), "web1", None),
            ("web_1:2222", None, "web_1", Some(2222)),
            ("a.b-c_d@10.0.0.7:22", Some("a.b-c_d"), "10.0.0.7", Some(22)),
            ("[::1]", None, "::1", None),
            ("u@[fe80::1%eth0]:65535", Some("u"), "fe80::1%eth0", Some(65535)),
            ("localhost.", None, "localhost.", None),
            ("4u.example.com", None, "4u.example.com", None),
            ("xn--bcher-kva.example", None, "xn--bcher-kva.example", None),
        ] {
            let address = Address::parse(text).unwrap();
            assert_eq!((address.user(), address.host(), address.port()), (user, host, port), "{text}");
            assert_eq!(address.to_string(), text, "writes what it read");
            assert_eq!(address.id().as_str(), text);
        }
    }

    #[test]
    fn refused_with_position() {
        for (text, field, found, position) in [
            ("-oProxyCommand=x", Field::Host, '-', 1),
            ("deploy@-h", Field::Host, '-', 8),
            ("-u@h", Field::User, '-', 1),
            ("$(id)@h", Field::User, '$', 1),
            ("de ploy@h", Field::User, ' ', 3),
            ("a@b@h", Field::User, '@', 2),
            ("web1;id", Field::Host, ';', 5),
            ("web\n1", Field::Host, '\n', 4),
            ("wëb", Field::Host, 'ë', 2),
            ("web1:22a", Field::Port, 'a', 8),
            ("u@web1:-1", Field::Port, '-', 8),
            (".web", Field::Host, '.', 1),
            ("h/x", Field::Host, '/', 2),
        ] {
            let error = Address::parse(text).unwrap_err();
            assert_eq!(error, AddressError::Character { field, text: text.to_owned(), found, position }, "{text:?}");
        }
    }

    #[test]
    fn refused_as_a_whole() {
        let long_user = format!("{}@h", "u".repeat(33));
        let long_host = vec!["a".repeat(50); 6].join(".");
        for text in [
            "",
            "@h",
            "u@",
            "h:",
            "::1",
            "[::1",
            "[::1]x",
            "[web]",
            "[::1%]",
            "[::1%-x]",
            "h:0",
            "h:65536",
            "h:1:2",
            "a..b",
            "a.-b",
            "1",
            "127.1",
            "0x7f000001",
            "a.0X7f",
            "1.2.3.4.5",
            "256.1.1.1",
            &long_user,
            &long_host,
        ] {
            assert!(Address::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn written_parts_win() {
        let address = Address::parse("a@h").unwrap().or(Some("b"), Some(22)).unwrap();
        assert_eq!(address.to_string(), "a@h:22");
        assert!(Address::parse("h").unwrap().or(Some("x y"), None).is_err());
        assert!(Address::parse("h").unwrap().covers(&address));
        assert!(!Address::parse("h:2222").unwrap().covers(&address));
    }

    proptest! {
        #[test]
        fn what_is_accepted_has_nothing_for_a_shell(text in "\\PC{0,24}|[-a-z0-9@.:\\[\\]%$;]{0,12}") {
            if let Ok(address) = Address::parse(&text) {
                prop_assert_eq!(address.to_string(), text.clone());
                prop_assert!(!text.starts_with('-'));
                prop_assert!(text.chars().all(|c| c.is_ascii_alphanumeric() || "._-@:[]%".contains(c)));
            }
        }
    }
}
