//! From the text of an ssh_config file to its lines: keyword and arguments, with OpenSSH's quoting.

/// One line that says something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Directive {
    pub(crate) line: usize,
    /// In lower case.
    pub(crate) keyword: String,
    pub(crate) arguments: Vec<String>,
    /// Everything after the keyword, for options that take the rest of the line as it is.
    pub(crate) rest: String,
    /// The quotes do not match.
    pub(crate) bad_quotes: bool,
}

/// Reads all lines.
pub(crate) fn parse(text: &str) -> Vec<Directive> {
    text.lines().enumerate().filter_map(|(index, line)| parse_line(index + 1, line)).collect()
}

fn parse_line(number: usize, text: &str) -> Option<Directive> {
    let text = text.trim_end_matches([' ', '\t', '\r', '\x0c']).trim_start_matches([' ', '\t', '\r']);
    if text.is_empty() || text.starts_with('#') {
        return None;
    }
    let (keyword, rest) = next_word(text);
    let (arguments, bad_quotes) = match split_arguments(rest) {
        Some(arguments) => (arguments, false),
        None => (Vec::new(), true),
    };
    Some(Directive {
        line: number,
        keyword: keyword.to_ascii_lowercase(),
        arguments,
        rest: rest.trim_start_matches([' ', '\t', '=']).to_owned(),
        bad_quotes,
    })
}

/// The next word of a line, and what follows it. A word may stand in double quotes; after it white space and at most
/// one `=` are skipped.
pub(crate) fn next_word(text: &str) -> (String, &str) {
    let text = text.trim_start_matches([' ', '\t']);
    if let Some((word, rest)) = text.strip_prefix('"').and_then(|quoted| quoted.split_once('"')) {
        return (word.to_owned(), skip_separator(rest));
    }
    let end = text.find([' ', '\t', '=']).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    (word.to_owned(), skip_separator(rest))
}

fn skip_separator(rest: &str) -> &str {
    let rest = rest.trim_start_matches([' ', '\t']);
    rest.strip_prefix('=').map_or(rest, |rest| rest.trim_start_matches([' ', '\t']))
}

/// Splits arguments: white space separates, single and double quotes group, a backslash protects quotes, itself and
/// (outside quotes) a space, and `#` at the beginning of an argument starts a comment. `None` if a quote stays open.
pub(crate) fn split_arguments(text: &str) -> Option<Vec<String>> {
    let mut arguments = Vec::new();
    let mut characters = text.chars().peekable();
    loop {
        while characters.next_if(|c| matches!(c, ' ' | '\t')).is_some() {}
        match characters.peek() {
            None | Some('#') => return Some(arguments),
            Some(_) => arguments.push(one_argument(&mut characters)?),
        }
    }
}

fn one_argument(characters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<String> {
    let mut argument = String::new();
    let mut quote: Option<char> = None;
    while let Some(c) = characters.next_if(|c| quote.is_some() || !matches!(c, ' ' | '\t')) {
        match c {
            '\\' => {
                let escaped =
                    characters.next_if(|next| matches!(next, '\'' | '"' | '\\') || (quote.is_none() && *next == ' '));
                argument.push(escaped.unwrap_or('\\'));
            }
            '\'' | '"' if quote.is_none() => quote = Some(c),
            c if Some(c) == quote => quote = None,
            c => argument.push(c),
        }
    }
    quote.is_none().then_some(argument)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> (String, Vec<String>) {
        let mut all = parse(text);
        assert_eq!(all.len(), 1, "{text:?}");
        let directive = all.remove(0);
        assert!(!directive.bad_quotes, "{text:?}");
        (directive.keyword, directive.arguments)
    }

    #[test]
    fn separators_quotes_and_comments() {
        for text in ["Port 22", "  PORT=22  ", "port = 22", "Port\t22 # here", "\"Port\" 22\r"] {
            assert_eq!(one(text), ("port".into(), vec!["22".into()]), "{text:?}");
        }
        let cases = [
            (r#"IdentityFile "a b" c"#, vec!["a b", "c"]),
            (r"IdentityFile a\ b 'c d'", vec!["a b", "c d"]),
            (r#"IdentityFile a"b c"d#e"#, vec!["ab cd#e"]),
            (r"IdentityFile a\d", vec![r"a\d"]),
        ];
        for (text, expected) in cases {
            assert_eq!(one(text).1, expected, "{text:?}");
        }
        assert!(parse("# x\n\n   \n").is_empty());
        assert!(parse("User \"a").iter().all(|d| d.bad_quotes));
    }

    #[test]
    fn the_rest_of_the_line_is_kept() {
        assert_eq!(
            parse("ProxyCommand = nc -X 5 \"%h\" %p # no comment").remove(0).rest,
            "nc -X 5 \"%h\" %p # no comment"
        );
    }
}
