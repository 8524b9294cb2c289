//! Digest, SecureRandom, and the escaping functions of CGI and ERB::Util.

use super::text::base64;
use crate::core::text;
use crate::interp::{Args, Call, Object, Reply};
use crate::value::{Unwind, Value};
use async_trait::async_trait;
use sha1::Digest as _;
use std::cell::RefCell;
use std::rc::Rc;

fn digest(class: &str, data: &[u8]) -> Vec<u8> {
    match class {
        "Digest::MD5" => md5::compute(data).0.to_vec(),
        "Digest::SHA1" => sha1::Sha1::digest(data).to_vec(),
        "Digest::SHA384" => sha2::Sha384::digest(data).to_vec(),
        "Digest::SHA512" => sha2::Sha512::digest(data).to_vec(),
        _ => sha2::Sha256::digest(data).to_vec(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// `Digest::SHA256.new`: it takes its data bit by bit.
struct Running {
    class: String,
    data: RefCell<Vec<u8>>,
}

#[async_trait(?Send)]
impl Object for Running {
    fn class_name(&self) -> String {
        self.class.clone()
    }

    fn to_s(&self) -> String {
        hex(&digest(&self.class, &self.data.borrow()))
    }

    async fn call(self: Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        match name {
            "update" | "<<" => {
                self.data.borrow_mut().extend(args.at(0).to_s_bytes());
                Ok(Some(Value::Object(self)))
            }
            "reset" => {
                self.data.borrow_mut().clear();
                Ok(Some(Value::Object(self)))
            }
            "hexdigest" | "digest" | "base64digest" => {
                let data = match args.get(0) {
                    Some(given) => given.to_s_bytes(),
                    None => self.data.borrow().clone(),
                };
                Box::pin(class_call(call, &self.class, name, &Args::one(Value::bytes(data)))).await
            }
            _ => Ok(None),
        }
    }
}

pub(super) async fn class_call(call: &Call, class: &str, name: &str, args: &Args) -> Reply {
    let data = args.at(0).to_s_bytes();
    Ok(Some(match name {
        "new" => Value::object(Running { class: class.to_owned(), data: RefCell::default() }),
        "hexdigest" => Value::from(hex(&digest(class, &data))),
        "digest" => Value::bytes(digest(class, &data)),
        "base64digest" => Value::from(base64(&digest(class, &data))),
        "file" => {
            let path = text(call, &args.at(0))?;
            let data = super::file::read(call, &path).await?;
            Value::from(hex(&digest(class, &data)))
        }
        _ => return Ok(None),
    }))
}

fn random_bytes(call: &Call, args: &Args, default: usize) -> Result<Vec<u8>, Unwind> {
    let count = match args.at(0) {
        Value::Nil => default,
        n => usize::try_from(crate::core::int(call, &n)?).unwrap_or(0),
    };
    call.interp().check_size(call.context(), Some(count))?;
    let effects = call.interp().effects();
    let mut bytes = Vec::new();
    while bytes.len() < count {
        bytes.extend(effects.random().to_be_bytes());
    }
    bytes.truncate(count);
    Ok(bytes)
}

pub(super) fn random_call(call: &Call, name: &str, args: &Args) -> Reply {
    let letters = |set: &str| -> Result<String, Unwind> {
        let set: Vec<char> = set.chars().collect();
        let bytes = random_bytes(call, args, 16)?;
        Ok(bytes.iter().filter_map(|b| set.get(usize::from(*b) % set.len().max(1))).collect())
    };
    Ok(Some(match name {
        "hex" => Value::from(hex(&random_bytes(call, args, 16)?)),
        "random_bytes" | "bytes" => Value::bytes(random_bytes(call, args, 16)?),
        "base64" => Value::from(base64(&random_bytes(call, args, 16)?)),
        "urlsafe_base64" => Value::from(
            base64(&random_bytes(call, args, 16)?).replace('+', "-").replace('/', "_").trim_end_matches('='),
        ),
        "alphanumeric" => Value::from(letters("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")?),
        "uuid" => {
            let mut hex: Vec<char> = hex(&random_bytes(call, &Args::none(), 16)?).chars().collect();
            for (at, c) in [(12, '4'), (16, '9')] {
                if let Some(place) = hex.get_mut(at) {
                    *place = c;
                }
            }
            let part = |a: usize, b: usize| hex.get(a..b).unwrap_or_default().iter().collect::<String>();
            Value::from(format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)))
        }
        "random_number" | "rand" => return Ok(Some(crate::core::random(call, &args.at(0))?)),
        _ => return Ok(None),
    }))
}

pub(super) fn escape_call(call: &Call, name: &str, args: &Args) -> Reply {
    Ok(Some(match name {
        "h" | "html_escape" | "escapeHTML" | "escape_html" => Value::from(super::erb::escape_html(&args.at(0).to_s())),
        "u" | "url_encode" => return super::uri::class_call(call, "escape", args),
        "escape" => return super::uri::class_call(call, "encode_www_form_component", args),
        "unescape" => return super::uri::class_call(call, "decode_www_form_component", args),
        _ => return Ok(None),
    }))
}
