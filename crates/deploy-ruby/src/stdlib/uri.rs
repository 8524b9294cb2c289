//! URI

use crate::core::text;
use crate::interp::{Args, Call, Object, Reply};
use crate::value::{Unwind, Value};
use async_trait::async_trait;
use std::rc::Rc;

#[derive(Default)]
struct Uri {
    scheme: Option<String>,
    userinfo: Option<String>,
    host: Option<String>,
    port: Option<i64>,
    path: String,
    query: Option<String>,
    fragment: Option<String>,
}

/// A parsed URI.
pub(crate) fn uri(call: &Call, given: &str) -> Result<Value, Unwind> {
    if given.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(
            call.raise("URI::InvalidURIError", format!("bad URI(is not URI?): {}", Value::str(given).inspect()))
        );
    }
    let (rest, fragment) = cut(given, '#');
    let (rest, query) = cut(rest, '?');
    let mut it = Uri { fragment, query, ..Uri::default() };
    let mut rest = rest;
    if let Some((scheme, tail)) = rest.split_once(':')
        && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    {
        it.scheme = Some(scheme.to_lowercase());
        rest = tail;
    }
    if let Some(tail) = rest.strip_prefix("//") {
        let (authority, path) = tail.find('/').map_or((tail, ""), |at| tail.split_at(at));
        it.authority(authority);
        rest = path;
    }
    it.path = rest.to_owned();
    Ok(Value::object(it))
}

fn cut(text: &str, at: char) -> (&str, Option<String>) {
    text.split_once(at).map_or((text, None), |(head, tail)| (head, Some(tail.to_owned())))
}

impl Uri {
    fn authority(&mut self, text: &str) {
        let (user, place) = text.rsplit_once('@').map_or((None, text), |(u, p)| (Some(u.to_owned()), p));
        self.userinfo = user;
        let port = place.rsplit_once(':').filter(|(_, p)| !p.is_empty() && p.chars().all(|c| c.is_ascii_digit()));
        let (host, port) = port.map_or((place, None), |(h, p)| (h, p.parse().ok()));
        self.host = Some(host.to_owned());
        self.port = port.or(match self.scheme.as_deref() {
            Some("http") => Some(80),
            Some("https") => Some(443),
            Some("ftp") => Some(21),
            _ => None,
        });
    }

    fn default_port(&self) -> bool {
        matches!(
            (self.scheme.as_deref(), self.port),
            (Some("http"), Some(80)) | (Some("https"), Some(443)) | (Some("ftp"), Some(21))
        )
    }
}

#[async_trait(?Send)]
impl Object for Uri {
    fn class_name(&self) -> String {
        "URI::Generic".to_owned()
    }

    fn to_s(&self) -> String {
        let mut out = self.scheme.as_ref().map(|s| format!("{s}:")).unwrap_or_default();
        if let Some(host) = &self.host {
            out.push_str("//");
            out.extend(self.userinfo.iter().map(|u| format!("{u}@")));
            out.push_str(host);
            if !self.default_port() {
                out.extend(self.port.map(|p| format!(":{p}")));
            }
        }
        out.push_str(&self.path);
        out.extend(self.query.iter().map(|q| format!("?{q}")));
        out.extend(self.fragment.iter().map(|f| format!("#{f}")));
        out
    }

    fn inspect(&self) -> String {
        format!("#<URI::Generic {}>", self.to_s())
    }

    fn equals(&self, other: &Value) -> bool {
        other.downcast::<Uri>().is_some_and(|o| o.to_s() == self.to_s())
    }

    async fn call(self: Rc<Self>, _call: &Call, name: &str, _args: &Args) -> Reply {
        let part = |index: usize| self.userinfo.as_ref().and_then(|u| u.split(':').nth(index)).map(str::to_owned);
        Ok(Some(match name {
            "scheme" => self.scheme.clone().into(),
            "host" | "hostname" => self.host.clone().into(),
            "port" => self.port.into(),
            "path" => Value::str(&self.path),
            "query" => self.query.clone().into(),
            "fragment" => self.fragment.clone().into(),
            "userinfo" => self.userinfo.clone().into(),
            "user" => part(0).into(),
            "password" => part(1).into(),
            "to_s" => Value::from(self.to_s()),
            "request_uri" => Value::from(format!(
                "{}{}",
                self.path,
                self.query.as_ref().map(|q| format!("?{q}")).unwrap_or_default()
            )),
            "absolute?" => Value::Bool(self.scheme.is_some()),
            "relative?" => Value::Bool(self.scheme.is_none()),
            _ => return Ok(None),
        }))
    }
}

fn encode(text: &str, plus: bool) -> String {
    let mut out = String::new();
    for b in text.bytes() {
        match b {
            b' ' if plus => out.push('+'),
            b if b.is_ascii_alphanumeric() || b"-._*".contains(&b) || (!plus && b == b'~') => out.push(char::from(b)),
            b => out.push_str(&format!("%{b:02X}")),
        }
    }
    out
}

fn decode(text: &str, plus: bool) -> Vec<u8> {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(b) = bytes.next() {
        match b {
            b'+' if plus => out.push(b' '),
            b'%' => {
                let pair: Vec<u8> = bytes.by_ref().take(2).collect();
                let parsed = std::str::from_utf8(&pair).ok().and_then(|p| u8::from_str_radix(p, 16).ok());
                match parsed {
                    Some(byte) => out.push(byte),
                    None => out.extend([b"%", pair.as_slice()].concat()),
                }
            }
            b => out.push(b),
        }
    }
    out
}

pub(super) fn class_call(call: &Call, name: &str, args: &Args) -> Reply {
    let given = || text(call, &Value::from(args.at(0).to_s()));
    Ok(Some(match name {
        "parse" => uri(call, &given()?)?,
        "join" => {
            let mut base = given()?;
            for part in args.positional.iter().skip(1) {
                let part = part.to_s();
                base = match (part.contains("://"), part.starts_with('/')) {
                    (true, _) => part,
                    (false, true) => format!("{}{part}", origin(&base)),
                    (false, false) => format!(
                        "{}/{part}",
                        base.rfind('/')
                            .filter(|at| *at >= origin(&base).len())
                            .map_or(base.as_str(), |at| base.get(..at).unwrap_or(&base))
                    ),
                };
            }
            uri(call, &base)?
        }
        "encode_www_form_component" | "escape" if name != "escape" => Value::from(encode(&given()?, true)),
        "escape" | "encode_uri_component" => Value::from(encode(&given()?, false)),
        "decode_www_form" => {
            let given = given()?;
            let pairs = given.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
                let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                Value::array([key, value].map(|part| Value::bytes(decode(part, true))).to_vec())
            });
            Value::array(pairs.collect())
        }
        "decode_www_form_component" => Value::bytes(decode(&given()?, true)),
        "unescape" | "decode_uri_component" => Value::bytes(decode(&given()?, false)),
        "encode_www_form" => {
            let pairs: Vec<String> = args
                .folded()
                .at(0)
                .to_list()
                .iter()
                .filter_map(Value::as_array)
                .map(|p| {
                    let at = |i: usize| encode(&p.get(i).map(Value::to_s).unwrap_or_default(), true);
                    format!("{}={}", at(0), at(1))
                })
                .collect();
            Value::from(pairs.join("&"))
        }
        _ => return Ok(None),
    }))
}

/// Scheme and authority of a URI.
fn origin(uri: &str) -> &str {
    let start = uri.find("://").map_or(0, |at| at + 3);
    let end = uri.get(start..).and_then(|rest| rest.find('/')).map_or(uri.len(), |at| start + at);
    uri.get(..end).unwrap_or(uri)
}
