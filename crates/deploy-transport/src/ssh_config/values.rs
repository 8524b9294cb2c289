//! How the values of options are read.

use std::time::Duration;

use super::options::{AddressFamily, ForwardAgent, HostKeyChecking};
use super::parse::Directive;

pub(super) fn text(directive: &Directive) -> Result<String, String> {
    match directive.arguments.as_slice() {
        [] => Err(format!("{} has no value", directive.keyword)),
        [value] if value.is_empty() => Err(format!("{} has no value", directive.keyword)),
        [value] => Ok(value.clone()),
        [..] => Err(format!("{} has more than one value", directive.keyword)),
    }
}

pub(super) fn list(directive: &Directive) -> Result<Vec<String>, String> {
    match directive.arguments.as_slice() {
        [] => Err(format!("{} has no value", directive.keyword)),
        values => Ok(values.to_vec()),
    }
}

/// Files, where `none` must stand alone.
pub(super) fn files(directive: &Directive) -> Result<Vec<String>, String> {
    let files = list(directive)?;
    if files.len() > 1 && files.iter().any(|file| file == "none") {
        return Err(format!("{}: none must stand alone", directive.keyword));
    }
    Ok(files)
}

/// `NAME=VALUE` pairs.
pub(super) fn assignments(directive: &Directive) -> Result<Vec<(String, String)>, String> {
    let pair = |text: &String| match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(format!("{text:?} is not of the form NAME=VALUE")),
    };
    list(directive)?.iter().map(pair).collect()
}

/// Patterns of variables' names.
pub(super) fn names(directive: &Directive) -> Result<Vec<String>, String> {
    let names = list(directive)?;
    match names.iter().find(|name| name.is_empty() || name.contains('=')) {
        Some(bad) => Err(format!("{bad:?} is not the name of a variable")),
        None => Ok(names),
    }
}

pub(super) fn address_family(directive: &Directive) -> Result<AddressFamily, String> {
    let value = text(directive)?;
    match value.to_ascii_lowercase().as_str() {
        "any" => Ok(AddressFamily::Any),
        "inet" => Ok(AddressFamily::V4),
        "inet6" => Ok(AddressFamily::V6),
        _ => Err(format!("{value:?} is not an address family")),
    }
}

/// `PubkeyAuthentication` has two more words, both of which mean yes.
pub(super) fn public_key_flag(directive: &Directive) -> Result<bool, String> {
    match text(directive)?.to_ascii_lowercase().as_str() {
        "unbound" | "host-bound" => Ok(true),
        _ => flag(directive),
    }
}

/// `CanonicalizeHostname`: is a name to be looked up in other domains?
pub(super) fn canonicalize(directive: &Directive) -> Result<bool, String> {
    match text(directive)?.to_ascii_lowercase().as_str() {
        "always" => Ok(true),
        "none" => Ok(false),
        _ => flag(directive),
    }
}

pub(super) fn rest(directive: &Directive) -> Result<String, String> {
    match directive.rest.as_str() {
        "" => Err(format!("{} has no value", directive.keyword)),
        rest => Ok(rest.to_owned()),
    }
}

pub(super) fn port(value: &str) -> Result<u16, String> {
    match value.parse() {
        Ok(port) if port > 0 => Ok(port),
        _ => Err(format!("{value:?} is not a port number")),
    }
}

pub(super) fn number(directive: &Directive) -> Result<u32, String> {
    let value = text(directive)?;
    value.parse().map_err(|_| format!("{value:?} is not a number"))
}

pub(super) fn flag(directive: &Directive) -> Result<bool, String> {
    let value = text(directive)?;
    match value.to_ascii_lowercase().as_str() {
        "yes" | "true" => Ok(true),
        "no" | "false" => Ok(false),
        _ => Err(format!("{} is neither yes nor no: {value:?}", directive.keyword)),
    }
}

pub(super) fn checking(directive: &Directive) -> Result<HostKeyChecking, String> {
    let value = text(directive)?;
    match value.to_ascii_lowercase().as_str() {
        "yes" | "true" => Ok(HostKeyChecking::Yes),
        "no" | "false" | "off" => Ok(HostKeyChecking::No),
        "ask" => Ok(HostKeyChecking::Ask),
        "accept-new" => Ok(HostKeyChecking::AcceptNew),
        _ => Err(format!("{value:?} is no way to check host keys")),
    }
}

pub(super) fn forward_agent(directive: &Directive) -> Result<ForwardAgent, String> {
    let value = text(directive)?;
    Ok(match value.to_ascii_lowercase().as_str() {
        "yes" | "true" => ForwardAgent::Yes,
        "no" | "false" => ForwardAgent::No,
        _ => ForwardAgent::Socket(value),
    })
}

/// A time such as `90`, `1m30s` or `2h`. To ssh `none` is the same as not to say anything.
pub(super) fn time(directive: &Directive) -> Result<Option<Duration>, String> {
    let value = text(directive)?;
    let bad = || format!("{value:?} is not a time");
    if value == "none" {
        return Ok(None);
    }
    let (mut total, mut digits) = (0u64, String::new());
    for c in value.chars() {
        let unit: u64 = match c.to_ascii_lowercase() {
            '0'..='9' => {
                digits.push(c);
                continue;
            }
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            'w' => 604_800,
            _ => return Err(bad()),
        };
        let amount: u64 = digits.parse().map_err(|_| bad())?;
        total = amount.checked_mul(unit).and_then(|t| t.checked_add(total)).ok_or_else(bad)?;
        digits.clear();
    }
    if !digits.is_empty() {
        let amount: u64 = digits.parse().map_err(|_| bad())?;
        total = total.checked_add(amount).ok_or_else(bad)?;
    }
    Ok(Some(Duration::from_secs(total)))
}
