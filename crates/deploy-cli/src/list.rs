//! `cap -T` and `cap -e`: the tasks of a recipe in words.

use fancy_regex::Regex;

/// A task as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Fully qualified name.
    pub name: String,
    /// First sentence of the description; empty where there is none.
    pub summary: String,
    /// The whole description.
    pub description: String,
    /// Whether it is only listed when everything is (no description, or `[internal]`).
    pub hidden: bool,
}

/// How tasks are listed.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Names only.
    pub tool: bool,
    /// Also what is hidden.
    pub all: bool,
    /// Columns of the terminal, where there is one.
    pub width: Option<usize>,
}

/// The least room that a summary gets, however long names are.
const LEAST: usize = 30;

/// The list of tasks, `cap NAME # summary`, aligned. The second part is a warning where nothing matches the pattern.
#[must_use]
pub fn tasks(entries: &[Entry], pattern: &str, style: Style) -> (String, Option<String>) {
    let shown: Vec<&Entry> = entries.iter().filter(|entry| style.all || !entry.hidden).collect();
    let matching: Vec<&Entry> = shown.iter().copied().filter(|entry| matches(&entry.name, pattern)).collect();
    let warning = (matching.is_empty() && !pattern.is_empty())
        .then(|| format!("warning: no task's name matches {pattern:?}; here are all of them"));
    let listed = if warning.is_some() { shown } else { matching };
    let mut text = String::new();
    if style.tool {
        listed.iter().for_each(|entry| text.push_str(&format!("cap {}\n", entry.name)));
        return (text, warning);
    }
    let longest = listed.iter().map(|entry| entry.name.chars().count()).max().unwrap_or_default();
    for entry in &listed {
        let summary = cut(&entry.summary, style.width.map(|width| width.saturating_sub(longest + 7).max(LEAST)));
        let line = format!("cap {:longest$} # {summary}", entry.name);
        text.push_str(line.trim_end_matches(['#', ' ']));
        text.push('\n');
    }
    if listed.is_empty() {
        text.push_str("This recipe has no task with a description.\n");
    }
    if entries.iter().any(|entry| entry.hidden) && !style.all {
        text.push_str(
            "\nSome tasks are not listed: they have no description, or only other tasks use them.\n\
             `cap -vT` lists them all.\n",
        );
    }
    text.push_str("\n`cap -e TASK` explains a task.\n");
    (text, warning)
}

/// A regular expression, as in Capistrano; where it is none, a part of the name.
fn matches(name: &str, pattern: &str) -> bool {
    match Regex::new(pattern) {
        Ok(regex) => regex.is_match(name).unwrap_or(false),
        Err(_) => name.contains(pattern),
    }
}

fn cut(text: &str, width: Option<usize>) -> String {
    match width {
        Some(width) if text.chars().count() > width => {
            let head: String = text.chars().take(width.saturating_sub(3)).collect();
            format!("{}...", head.trim_end())
        }
        _ => text.to_owned(),
    }
}

/// The whole description of a task.
#[must_use]
pub fn explain(entry: &Entry, width: usize) -> String {
    let rule = "-".repeat(60);
    let mut text = format!("{rule}\ncap {}\n{rule}\n", entry.name);
    if entry.description.trim().is_empty() {
        text.push_str("This task has no description.\n");
    }
    for paragraph in paragraphs(&entry.description) {
        text.push_str(&wrap(&paragraph, width.clamp(40, 100)));
        text.push('\n');
    }
    text
}

/// Text lines that belong together are joined; indented ones (examples) stay as they are.
fn paragraphs(text: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut open = false;
    for line in text.trim_end().lines() {
        let line = line.trim_end();
        let joins = open && !line.is_empty() && !line.starts_with(char::is_whitespace);
        match all.last_mut() {
            Some(last) if joins => {
                last.push(' ');
                last.push_str(line);
            }
            _ => all.push(line.to_owned()),
        }
        open = !line.is_empty() && !line.starts_with(char::is_whitespace);
    }
    all
}

fn wrap(text: &str, width: usize) -> String {
    if text.starts_with(char::is_whitespace) {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut column = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > width {
            out.push('\n');
            column = 0;
        }
        if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;

    fn entry(name: &str, summary: &str, hidden: bool) -> Entry {
        Entry { name: name.into(), summary: summary.into(), description: summary.into(), hidden }
    }

    fn entries() -> Vec<Entry> {
        vec![
            entry("deploy", "Deploys your project.", false),
            entry("deploy:finalize_update", "Touches up the code.", true),
            entry(
                "deploy:rollback",
                "Rolls back to the release before and restarts, on every host of the fleet.",
                false,
            ),
            entry("web:nothing", "", true),
        ]
    }

    const PLAIN: Style = Style { tool: false, all: false, width: Some(60) };

    #[test]
    fn aligned_and_cut_to_the_terminal() {
        let (text, warning) = tasks(&entries(), "", PLAIN);
        assert_eq!(warning, None);
        assert_snapshot!(text);
    }

    #[test]
    fn all_of_them() {
        assert_snapshot!(tasks(&entries(), "", Style { all: true, width: None, ..PLAIN }).0);
    }

    #[test]
    fn names_for_tools() {
        let style = Style { tool: true, ..PLAIN };
        assert_eq!(tasks(&entries(), "roll", style).0, "cap deploy:rollback\n");
        assert_eq!(tasks(&entries(), "^deploy$", style).0, "cap deploy\n");
    }

    #[test]
    fn a_pattern_without_match_lists_all_and_says_so() {
        let (text, warning) = tasks(&entries(), "zzz", PLAIN);
        assert!(text.contains("cap deploy:rollback"));
        assert_eq!(warning.unwrap(), "warning: no task's name matches \"zzz\"; here are all of them");
        assert!(tasks(&entries(), "[", PLAIN).1.is_some());
    }

    #[test]
    fn explained() {
        let mut entry = entry("deploy:web:disable", "", false);
        entry.description = "Present a maintenance page to visitors. Disables your application's web interface by \
            writing a file\nto each web server.\n\n  $ cap deploy:web:disable REASON=\"hardware upgrade\"\n\nFurther text."
            .into();
        assert_snapshot!(explain(&entry, 60));
        entry.description.clear();
        assert!(explain(&entry, 60).ends_with("This task has no description.\n"));
    }
}
