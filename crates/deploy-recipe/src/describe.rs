//! Descriptions of tasks: indentation off, first sentence, hidden or not.

/// Takes the indentation of the first line off every line, and blank space off both ends.
pub(crate) fn tidy(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let indent: String = text.chars().take_while(|c| *c == ' ' || *c == '\t').collect();
    let lines: Vec<&str> =
        text.lines().map(|line| line.strip_prefix(&indent).unwrap_or(line.trim_start()).trim_end()).collect();
    lines.join("\n").trim().to_owned()
}

/// The first sentence, on one line.
pub(crate) fn summary(description: &str) -> String {
    let paragraph = description.split("\n\n").next().unwrap_or_default();
    let words: Vec<&str> = paragraph.split_whitespace().collect();
    let mut sentence: Vec<&str> = Vec::new();
    for word in words {
        sentence.push(word);
        if word.ends_with('.') {
            break;
        }
    }
    sentence.join(" ")
}

/// Whether a task with this description is left out of lists.
pub(crate) fn is_hidden(description: Option<&str>) -> bool {
    description.is_none_or(|text| text.is_empty() || text.starts_with("[internal]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indentation() {
        assert_eq!(tidy("    One.\n\n      code\n    two\n  "), "One.\n\n  code\ntwo");
        assert_eq!(tidy("One\r\ntwo"), "One\ntwo");
        assert_eq!(tidy("  a\n b"), "a\nb");
    }

    #[test]
    fn first_sentence() {
        assert_eq!(summary("Deploys\nyour project. Then rests."), "Deploys your project.");
        assert_eq!(summary("Uses v1.2 now. Rest"), "Uses v1.2 now.");
        assert_eq!(summary("No full stop\n\nRest"), "No full stop");
        assert_eq!(summary(""), "");
    }

    #[test]
    fn hidden() {
        assert!(is_hidden(None) && is_hidden(Some("")) && is_hidden(Some("[internal] x")));
        assert!(!is_hidden(Some("x")));
    }
}
