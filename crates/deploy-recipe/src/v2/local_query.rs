//! Which processes on the deployer only read from a repository, so that they need not wait for the flow.

use deploy_ruby::CommandLine;

/// Beginnings of options that write a file, start another program, or change what the program is configured to do. They
/// are shorter than the options' names, as programs take any beginning that is not ambiguous.
const REFUSED: &[&str] =
    &["--ou", "-o", "--up", "--exe", "--ext", "--diff-c", "--diff3-c", "--conf", "-c", "--editor", "--tool"];

/// Whether a process only reads from a repository.
pub(crate) fn only_reads(line: &CommandLine) -> bool {
    let words: Vec<String> = match line {
        CommandLine::Argv(argv) => argv.clone(),
        CommandLine::Shell(text) => {
            let plain = |c: char| c.is_ascii_alphanumeric() || " \t-_./:@=%'\"^~,{}+*#".contains(c);
            if !text.trim().chars().all(plain) {
                return false;
            }
            // A quote may stand anywhere in a word.
            text.split_whitespace().map(|word| word.replace(['\'', '"'], "")).collect()
        }
    };
    let mut rest = words.iter().map(String::as_str);
    let program = rest.next().unwrap_or_default();
    let verb = rest.find(|word| !word.starts_with('-')).unwrap_or_default();
    // A shell may make several words of one in braces.
    let expands = |word: &String| word.contains('{') && (word.contains(',') || word.contains(".."));
    let refused = |word: &String| REFUSED.iter().any(|option| word.starts_with(option));
    if words.iter().skip(1).any(|word| refused(word) || expands(word)) {
        return false;
    }
    let given = |word: &&str| word.starts_with('-');
    match (program.rsplit('/').next().unwrap_or_default(), verb) {
        // With a value it sets one.
        ("git", "symbolic-ref") => {
            let (options, names): (Vec<&str>, Vec<&str>) = rest.partition(given);
            names.len() <= 1 && options.iter().all(|option| ["-q", "--quiet", "--short"].contains(option))
        }
        ("hg", "branch") => rest.next().is_none(),
        ("git", verb) => GIT.contains(&verb),
        ("svn", verb) => ["info", "log", "ls", "list", "cat", "diff", "propget", "status"].contains(&verb),
        ("hg", verb) => ["id", "identify", "log", "parents", "diff", "status", "tip"].contains(&verb),
        _ => false,
    }
}

/// Queries of git.
const GIT: &[&str] = &[
    "rev-parse",
    "rev-list",
    "log",
    "show",
    "describe",
    "ls-remote",
    "ls-files",
    "ls-tree",
    "status",
    "diff",
    "name-rev",
    "cat-file",
    "shortlog",
    "merge-base",
    "show-ref",
    "for-each-ref",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_of_a_repository_need_not_wait() {
        for (text, reads) in [
            ("git rev-parse HEAD", true),
            ("git log -1 --format=%H\n", true),
            ("git log --oneline -1 'HEAD@{1}'", true),
            ("git symbolic-ref --short HEAD", true),
            ("git symbolic-ref HEAD refs/heads/x", false),
            ("git symbolic-ref -d HEAD", false),
            ("git -c x=y rev-parse HEAD", false),
            ("git --config-env=core.pager=X log", false),
            ("git diff --output=file", false),
            ("git diff --output file", false),
            ("git diff --outp=file", false),
            ("git diff --out\"put\"=file", false),
            ("git diff {--output=file,HEAD}", false),
            ("git diff --ext-diff", false),
            ("git ls-remote --upload-pack=x y", false),
            ("git ls-remote --exec=x y", false),
            ("git --exec-path=x log", false),
            ("git ls-remote -o x y", false),
            ("git push origin main", false),
            ("git tag v1", false),
            ("git rev-parse HEAD > file", false),
            ("git rev-parse HEAD; rm -rf x", false),
            ("git rev-parse HEAD\nrm -rf x", false),
            ("git log | head", false),
            ("svn info", true),
            ("svn diff --diff-cmd x", false),
            ("svn info --config-option x:y:z=1", false),
            ("svn commit", false),
            ("hg branch", true),
            ("hg branch new", false),
            ("hg log --config x=y", false),
            ("rake spec", false),
        ] {
            assert_eq!(only_reads(&CommandLine::Shell(text.to_owned())), reads, "{text}");
        }
        let argv = |text: &str| CommandLine::Argv(text.split(' ').map(str::to_owned).collect());
        assert!(only_reads(&argv("git ls-remote x")));
        assert!(!only_reads(&argv("git diff --output=x")));
    }
}
