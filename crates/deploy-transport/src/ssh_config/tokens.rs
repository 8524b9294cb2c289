//! `%`-tokens and `${VARIABLE}`s in values.

use data_encoding::HEXLOWER;
use ring::digest;

use crate::environment::LocalEnvironment;

/// Can a name from outside go into a command line without saying anything there?
pub(crate) fn is_harmless_in_shell(name: &str) -> bool {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "._-:@%+".contains(c) || !c.is_ascii();
    !name.starts_with('-') && name.chars().all(harmless)
}

/// A token that means nothing in its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{token:?} in {value:?} cannot be expanded")]
pub(crate) struct TokenError {
    token: String,
    value: String,
}

/// What the tokens stand for.
pub(crate) struct Tokens<'a> {
    pub(crate) host: &'a str,
    pub(crate) original_host: &'a str,
    pub(crate) host_key_alias: Option<&'a str>,
    pub(crate) port: u16,
    pub(crate) user: &'a str,
    pub(crate) environment: &'a LocalEnvironment,
}

impl Tokens<'_> {
    fn token(&self, letter: char) -> Option<String> {
        let environment = self.environment;
        Some(match letter {
            '%' => "%".into(),
            'C' => self.connection_hash(),
            'd' => environment.home.to_string_lossy().into_owned(),
            'h' => self.host.into(),
            'i' => environment.uid.to_string(),
            'k' => self.host_key_alias.unwrap_or(self.original_host).into(),
            'L' => environment.hostname.split('.').next().unwrap_or_default().into(),
            'l' => environment.hostname.clone(),
            'n' => self.original_host.into(),
            'p' => self.port.to_string(),
            'r' => self.user.into(),
            'u' => environment.user.clone(),
            _ => return None,
        })
    }

    /// `%C`: a short name for this connection.
    fn connection_hash(&self) -> String {
        let text = format!("{}{}{}{}", self.environment.hostname, self.host, self.port, self.user);
        HEXLOWER.encode(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes()).as_ref())
    }

    /// Expands all tokens, and variables where `variables` says so.
    pub(crate) fn expand(&self, value: &str, variables: bool) -> Result<String, TokenError> {
        let fail = |token: &str| TokenError { token: token.to_owned(), value: value.to_owned() };
        let mut expanded = String::new();
        let mut rest = value;
        while let Some(c) = rest.chars().next() {
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
            if c == '%' {
                let letter = rest.chars().next().ok_or_else(|| fail("%"))?;
                expanded.push_str(&self.token(letter).ok_or_else(|| fail(&format!("%{letter}")))?);
                rest = rest.get(letter.len_utf8()..).unwrap_or_default();
            } else if let Some(after) = rest.strip_prefix('{').filter(|_| c == '$' && variables) {
                let (name, after) = after.split_once('}').ok_or_else(|| fail("${"))?;
                expanded.push_str(&std::env::var(name).map_err(|_| fail(&format!("${{{name}}}")))?);
                rest = after;
            } else {
                expanded.push(c);
            }
        }
        Ok(expanded)
    }
}
