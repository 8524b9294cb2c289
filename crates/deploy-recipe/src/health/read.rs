//! From the value of `health_check` to checks.

use std::time::Duration;

use deploy_plan::{HealthCheck, HttpProbe, Probe, ReleaseIn, Vantage};
use deploy_ruby::{Hash, Value};

use crate::nearest::did_you_mean;

/// Patience where the recipe says nothing: what an application needs to come up.
const ATTEMPTS: u32 = 30;
const INTERVAL: Duration = Duration::from_secs(1);
const TIMEOUT: Duration = Duration::from_secs(5);
const DEADLINE: Duration = Duration::from_secs(60);
/// Longest time that makes sense, in seconds: an hour.
const LONGEST: f64 = 3600.0;

/// What may be asked.
const KINDS: [&str; 4] = ["http", "tcp", "command", "unit"];
/// What every check may say beside it, and what only one of HTTP.
const COMMON: [&str; 5] = ["attempts", "interval", "timeout", "deadline", "roles"];
const OF_PORTS: [&str; 1] = ["from"];
const OF_HTTP: [&str; 4] = ["status", "body", "release", "host"];

/// A check, and the roles that it is for where it names some.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Given {
    pub check: HealthCheck,
    pub roles: Option<Vec<String>>,
}

/// What is wrong with the value, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub why: String,
    pub next: String,
}

fn wrong(why: impl Into<String>, next: impl Into<String>) -> Wrong {
    Wrong { why: why.into(), next: next.into() }
}

/// A part of it that cannot be what it is.
fn no_value(key: &str, got: &Value, wanted: &str) -> Wrong {
    wrong(
        format!("its {key} is {} and can be {wanted}", got.inspect()),
        format!("set :{key} in health_check to {wanted}"),
    )
}

/// The checks of a value: none, one, or a list of them.
pub(super) fn checks(value: &Value) -> Result<Vec<Given>, Wrong> {
    match value {
        Value::Nil | Value::Bool(false) => Ok(Vec::new()),
        Value::Array(list) => list.to_vec().iter().map(one).collect(),
        _ if value.as_name().is_some_and(|word| matches!(word.trim(), "" | "off" | "no" | "none" | "false")) => {
            Ok(Vec::new())
        }
        one_value => Ok(vec![one(one_value)?]),
    }
}

fn one(value: &Value) -> Result<Given, Wrong> {
    if let Some(hash) = value.as_hash() {
        return of_hash(hash);
    }
    match value.as_str() {
        Some(url) => of_hash(&Hash::from_pairs([(Value::sym("http"), Value::str(url))])),
        None => Err(wrong(
            format!("it is {} and can be the address of a page, a hash or a list of these", value.inspect()),
            "set it to a text like \"http://127.0.0.1:3000/up\", or see the chapter on health checks",
        )),
    }
}

fn of_hash(hash: &Hash) -> Result<Given, Wrong> {
    let kinds: Vec<&str> = KINDS.into_iter().filter(|kind| hash.get_name(kind).is_some()).collect();
    let [kind] = kinds[..] else {
        let what =
            if kinds.is_empty() { "nothing to ask".to_owned() } else { format!("{} at once", kinds.join(" and ")) };
        let next = "give it exactly one of :http, :tcp, :command and :unit; several checks are a list of hashes";
        return Err(wrong(format!("it has {what}"), next));
    };
    known_keys(hash, kind)?;
    let (attempts, interval) = (attempts(hash)?, seconds(hash, "interval", INTERVAL, true)?);
    let timeout = seconds(hash, "timeout", TIMEOUT, false)?;
    let deadline = seconds(hash, "deadline", DEADLINE, false)?;
    let value = hash.get_name(kind).unwrap_or_default();
    let probe = match kind {
        "http" => Probe::Http(http(hash, &value)?),
        "tcp" => tcp(&value)?,
        "command" => Probe::Command(text(kind, &value, "a command (\"bin/check\")")?),
        _ => Probe::Unit(unit(&value)?),
    };
    let check = HealthCheck { probe, from: vantage(hash)?, attempts, interval, timeout, deadline };
    Ok(Given { check, roles: roles(hash)? })
}

fn known_keys(hash: &Hash, kind: &str) -> Result<(), Wrong> {
    let mut known: Vec<&str> = vec![kind];
    known.extend(COMMON);
    known.extend(OF_PORTS.iter().filter(|_| matches!(kind, "http" | "tcp")));
    known.extend(OF_HTTP.iter().filter(|_| kind == "http"));
    for key in hash.keys() {
        let name = key.to_s();
        if !known.contains(&name.as_str()) {
            let near = did_you_mean(&name, known.iter().copied());
            let next = near.unwrap_or_else(|| format!("it may have {}", known.join(", ")));
            return Err(wrong(format!("a check of {kind} knows no :{name}"), next));
        }
    }
    Ok(())
}

fn attempts(hash: &Hash) -> Result<u32, Wrong> {
    let Some(value) = hash.get_name("attempts") else { return Ok(ATTEMPTS) };
    let number = value.to_s().trim().parse().ok().filter(|number| (1..=10_000).contains(number));
    number.ok_or_else(|| no_value("attempts", &value, "a number from 1 to 10000"))
}

/// A time in seconds.
fn seconds(hash: &Hash, key: &str, default: Duration, may_be_none: bool) -> Result<Duration, Wrong> {
    let Some(value) = hash.get_name(key) else { return Ok(default) };
    let number: Option<f64> = value.to_s().trim().parse().ok();
    let least = if may_be_none { 0.0 } else { 0.1 };
    let right = number.filter(|number| (least..=LONGEST).contains(number));
    let wanted = if may_be_none { "seconds, from 0 to 3600" } else { "seconds, from 0.1 to 3600" };
    right.map(Duration::from_secs_f64).ok_or_else(|| no_value(key, &value, wanted))
}

fn vantage(hash: &Hash) -> Result<Vantage, Wrong> {
    let Some(value) = hash.get_name("from") else { return Ok(Vantage::Host) };
    match value.as_name().as_deref() {
        Some("host") => Ok(Vantage::Host),
        Some("deployer") => Ok(Vantage::Deployer),
        _ => Err(no_value("from", &value, ":host or :deployer")),
    }
}

fn roles(hash: &Hash) -> Result<Option<Vec<String>>, Wrong> {
    let Some(value) = hash.get_name("roles") else { return Ok(None) };
    let names: Option<Vec<String>> = value.to_list().iter().map(Value::as_name).collect();
    let names = names.filter(|names| !names.is_empty());
    names.map(Some).ok_or_else(|| no_value("roles", &value, "a role (:app) or a list of roles"))
}

fn text(key: &str, value: &Value, wanted: &str) -> Result<String, Wrong> {
    let found = value.as_str().filter(|text| !text.trim().is_empty() && !text.contains('\0'));
    found.ok_or_else(|| no_value(key, value, wanted))
}

fn unit(value: &Value) -> Result<String, Wrong> {
    let wanted = "the name of a systemd unit (\"puma.service\")";
    let name = text("unit", value, wanted)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || ":-_.\\@$*".contains(c);
    if name.chars().all(plain) { Ok(name) } else { Err(no_value("unit", value, wanted)) }
}

/// A port of the host itself, or `host:port`.
fn tcp(value: &Value) -> Result<Probe, Wrong> {
    let text = value.to_s();
    let (host, port) = match text.trim().rsplit_once(':') {
        Some((host, port)) => (host.trim_start_matches('[').trim_end_matches(']'), port),
        None => ("127.0.0.1", text.trim()),
    };
    match port.parse::<u16>() {
        Ok(port) if port > 0 && is_host(host) => Ok(Probe::Tcp { host: host.to_owned(), port }),
        _ => Err(no_value("tcp", value, "a port (8080) or host and port (\"10.0.0.1:8080\")")),
    }
}

fn is_host(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || ".-_:$".contains(c))
}

fn http(hash: &Hash, value: &Value) -> Result<HttpProbe, Wrong> {
    let wanted = "the address of a page (\"http://127.0.0.1:3000/up\")";
    let url = text("http", value, wanted)?;
    if url.starts_with("https:") {
        return Err(wrong(
            format!("{url} is of https, which health checks do not speak"),
            "ask the application's own port by http, or use :command => \"curl -fsS https://…\"",
        ));
    }
    let (host, port, path) = split(url.trim()).ok_or_else(|| no_value("http", value, wanted))?;
    let authority = if port == 80 { host.clone() } else { format!("{host}:{port}") };
    let host_header = match hash.get_name("host") {
        None => authority,
        Some(given) => {
            let name = text("host", &given, "the name of a site (\"shop.example.com\")")?;
            let plain = name.bytes().all(|byte| byte.is_ascii_graphic());
            plain.then_some(name).ok_or_else(|| no_value("host", &given, "the name of a site"))?
        }
    };
    let body = match hash.get_name("body") {
        None => None,
        Some(given) => Some(text("body", &given, "a text that the page must have")?),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    Ok(HttpProbe { host, port, path, host_header, status: status(hash)?, body, release: release_in(hash)? })
}

/// Host (in brackets as given), port and path.
fn split(url: &str) -> Option<(String, u16, String)> {
    let rest = url.strip_prefix("http://")?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end)?;
    let path = match path {
        "" => "/".to_owned(),
        query if query.starts_with('?') => format!("/{query}"),
        path => path.to_owned(),
    };
    // `$CAPISTRANO:HOST$` has a colon of its own.
    let name_end = authority.rfind(']').or_else(|| authority.rfind('$')).map_or(0, |at| at + 1);
    let (host, port) = match authority.get(name_end..)?.rfind(':') {
        Some(at) => (authority.get(..name_end + at)?, authority.get(name_end + at + 1..)?.parse().ok()?),
        None => (authority, 80),
    };
    let name = host.trim_start_matches('[').trim_end_matches(']');
    let plain = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    (port > 0 && plain && is_host(name)).then(|| (host.to_owned(), port, path))
}

/// Codes that are right: 200, [200, 401], 200..299.
fn status(hash: &Hash) -> Result<Vec<(u16, u16)>, Wrong> {
    let Some(value) = hash.get_name("status") else { return Ok(vec![(200, 299)]) };
    let code = |value: &Value| value.to_s().trim().parse::<u16>().ok().filter(|code| (100..=599).contains(code));
    let span = |value: &Value| match value {
        Value::Range(range) => {
            let (from, to) = (code(&range.low)?, code(&range.high)?);
            let to = if range.exclusive { to - 1 } else { to };
            (from <= to).then_some((from, to))
        }
        one => code(one).map(|code| (code, code)),
    };
    let list = if matches!(value, Value::Array(_)) { value.to_list() } else { vec![value.clone()] };
    let spans: Option<Vec<(u16, u16)>> = list.iter().map(span).collect();
    let spans = spans.filter(|spans| !spans.is_empty());
    spans.ok_or_else(|| no_value("status", &value, "a code (200), codes ([200, 401]) or a range (200..399)"))
}

/// Where the answer names its release: in its body, or in a header field.
fn release_in(hash: &Hash) -> Result<Option<ReleaseIn>, Wrong> {
    let Some(value) = hash.get_name("release") else { return Ok(None) };
    let wanted = ":body or the name of a header field (\"X-Release\")";
    match value.as_name() {
        _ if matches!(value, Value::Bool(false)) => Ok(None),
        Some(word) if word == "body" => Ok(Some(ReleaseIn::Body)),
        Some(name) if !name.is_empty() && name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_') => {
            Ok(Some(ReleaseIn::Header(name)))
        }
        _ => Err(no_value("release", &value, wanted)),
    }
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
