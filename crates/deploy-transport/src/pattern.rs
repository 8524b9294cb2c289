//! OpenSSH's patterns: `*`, `?`, and lists with negation, as in `Host` lines and known_hosts files.

/// Does `pattern` (with `*` and `?`) match all of `text`? Runs in time proportional to the product of the lengths.
pub(crate) fn matches(text: &str, pattern: &str) -> bool {
    let (text, pattern) = (text.as_bytes(), pattern.as_bytes());
    let (mut t, mut p) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    loop {
        match (pattern.get(p), text.get(t)) {
            (Some(b'*'), _) => {
                retry = Some((p + 1, t));
                p += 1;
            }
            (Some(b'?'), Some(_)) => (t, p) = (t + 1, p + 1),
            (Some(a), Some(b)) if a == b => (t, p) = (t + 1, p + 1),
            (None, None) => return true,
            // Let the last star take one more character, if it can.
            _ => match retry {
                Some((after, from)) if from < text.len() => {
                    retry = Some((after, from + 1));
                    (p, t) = (after, from + 1);
                }
                _ => return false,
            },
        }
    }
}

/// What a list of patterns says about a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ListMatch {
    /// A pattern matches and no negated one does.
    Yes,
    /// Nothing matches.
    No,
    /// A negated pattern matches, which overrides all others.
    Negated,
}

/// Matches a list of patterns, some of which may start with `!`.
pub(crate) fn matches_list<'a>(text: &str, patterns: impl IntoIterator<Item = &'a str>) -> ListMatch {
    let mut found = ListMatch::No;
    for pattern in patterns {
        match pattern.strip_prefix('!') {
            Some(pattern) if matches(text, pattern) => return ListMatch::Negated,
            None if matches(text, pattern) => found = ListMatch::Yes,
            _ => {}
        }
    }
    found
}

/// A host name against a comma-separated list, without regard to case.
pub(crate) fn matches_host_list(host: &str, list: &str) -> ListMatch {
    let list = list.to_ascii_lowercase();
    matches_list(&host.to_ascii_lowercase(), list.split(','))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The obvious, exponential definition.
    fn slow(text: &[u8], pattern: &[u8]) -> bool {
        match (pattern.first(), text.first()) {
            (None, None) => true,
            (Some(b'*'), _) => slow(text, &pattern[1..]) || (!text.is_empty() && slow(&text[1..], pattern)),
            (Some(b'?'), Some(_)) => slow(&text[1..], &pattern[1..]),
            (Some(a), Some(b)) if a == b => slow(&text[1..], &pattern[1..]),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(text in "[ab.]{0,8}", pattern in "[ab.*?]{0,8}") {
            prop_assert_eq!(matches(&text, &pattern), slow(text.as_bytes(), pattern.as_bytes()));
        }
    }

    #[test]
    fn negation_wins_wherever_it_stands() {
        for list in ["*.example,!web.example", "!web.example,*.example"] {
            assert_eq!(matches_host_list("WEB.example", list), ListMatch::Negated);
            assert_eq!(matches_host_list("db.Example", list), ListMatch::Yes);
            assert_eq!(matches_host_list("db.other", list), ListMatch::No);
        }
    }
}
