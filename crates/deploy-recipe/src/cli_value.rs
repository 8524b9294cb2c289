//! Values given on the command line with `-s` and `-S`.

/// A value as the command line gives it.
#[derive(Clone, Debug, PartialEq)]
pub enum CliValue {
    /// `nil`
    Nil,
    /// `true`, `false`
    Bool(bool),
    /// Digits only.
    Int(i64),
    /// Digits, a dot, digits.
    Float(f64),
    /// Anything else; one pair of quotes around it is taken off.
    Text(String),
}

impl CliValue {
    /// Reads a value as Capistrano 2 does.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text {
            "nil" => return Self::Nil,
            "true" => return Self::Bool(true),
            "false" => return Self::Bool(false),
            _ => {}
        }
        if digits(text)
            && let Ok(number) = text.parse()
        {
            return Self::Int(number);
        }
        if let Some((whole, part)) = text.split_once('.')
            && digits(whole)
            && digits(part)
            && let Ok(number) = text.parse()
        {
            return Self::Float(number);
        }
        for quote in ['"', '\''] {
            if let Some(inner) = text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
                return Self::Text(inner.to_owned());
            }
        }
        Self::Text(text.to_owned())
    }
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Splits `name=value`; none when there is no `=` or no name.
#[must_use]
pub fn assignment(text: &str) -> Option<(String, CliValue)> {
    let (name, value) = text.split_once('=')?;
    (!name.is_empty()).then(|| (name.to_owned(), CliValue::parse(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        for (text, value) in [
            ("1234", CliValue::Int(1234)),
            ("'1234'", CliValue::Text("1234".into())),
            ("\"1.5\"", CliValue::Text("1.5".into())),
            ("1.5", CliValue::Float(1.5)),
            ("1.5.2", CliValue::Text("1.5.2".into())),
            ("-1", CliValue::Text("-1".into())),
            ("true", CliValue::Bool(true)),
            ("false", CliValue::Bool(false)),
            ("nil", CliValue::Nil),
            ("", CliValue::Text(String::new())),
            ("\"", CliValue::Text("\"".into())),
            ("99999999999999999999", CliValue::Text("99999999999999999999".into())),
        ] {
            assert_eq!(CliValue::parse(text), value, "{text}");
        }
    }

    #[test]
    fn assignments() {
        assert_eq!(assignment("a=b=c"), Some(("a".into(), CliValue::Text("b=c".into()))));
        assert_eq!(assignment("a"), None);
        assert_eq!(assignment("=x"), None);
    }
}
