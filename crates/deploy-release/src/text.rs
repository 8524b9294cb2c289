//! Shell text: where values of this crate become words of sh.

use deploy_plan::RemotePath;
use deploy_shell::quote;

/// One argument. No file name, release or line can hold a NUL; where a text has one nevertheless it is made visible, for
/// a shell could not carry it.
pub(crate) fn word(text: &str) -> String {
    quote(text).or_else(|_| quote(&text.replace('\0', "\u{2400}"))).unwrap_or_else(|_| "''".to_owned())
}

/// One path; the home directory is found by the host.
pub(crate) fn path(path: &RemotePath) -> String {
    match (path.is_below_home(), path.rest()) {
        (true, "") => "\"$HOME\"".to_owned(),
        (true, rest) => format!("\"$HOME\"/{}", word(rest)),
        (false, rest) => word(&format!("/{rest}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        for (given, text) in [
            ("/var/www/shop", "/var/www/shop"),
            ("~", "\"$HOME\""),
            ("~/apps/a b", "\"$HOME\"/'apps/a b'"),
            ("/x/$(id)'", r"'/x/$(id)'\'''"),
            ("~/%x", "\"$HOME\"/'%x'"),
        ] {
            assert_eq!(path(&RemotePath::new(given).unwrap()), text);
        }
        assert_eq!(word("a\0b"), "'a\u{2400}b'");
    }
}
