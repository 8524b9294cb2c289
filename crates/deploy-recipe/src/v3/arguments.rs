//! `task[one,two]`: a task with arguments, as the command line writes it.

/// The name and the arguments.
pub(crate) fn split(text: &str) -> (String, Vec<String>) {
    let Some((name, rest)) = text.split_once('[') else { return (text.to_owned(), Vec::new()) };
    let Some(inside) = rest.trim_end().strip_suffix(']') else { return (text.to_owned(), Vec::new()) };
    let mut all: Vec<String> = Vec::new();
    let mut current = String::new();
    let mut escaped = false;
    for c in inside.chars() {
        match c {
            '\\' if !escaped => escaped = true,
            ',' if !escaped => all.push(std::mem::take(&mut current)),
            c => {
                current.push(c);
                escaped = false;
            }
        }
    }
    if !inside.is_empty() {
        all.push(current);
    }
    (name.to_owned(), all.into_iter().map(|text| text.trim().to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn forms() {
        for (text, name, arguments) in [
            ("deploy", "deploy", &[][..]),
            ("db:pull[]", "db:pull", &[]),
            ("say[a]", "say", &["a"]),
            ("say[a, b c,,d]", "say", &["a", "b c", "", "d"]),
            ("say[a\\,b]", "say", &["a,b"]),
            ("say[a", "say[a", &[]),
        ] {
            let (found, given) = split(text);
            assert_eq!(
                (found.as_str(), given.iter().map(String::as_str).collect::<Vec<_>>()),
                (name, arguments.to_vec())
            );
        }
    }
}
