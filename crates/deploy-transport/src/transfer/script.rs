//! The shell texts that run on the host. They go through the login's own shell, so each is one line for `sh -c`.

use std::hash::{BuildHasher, Hasher, RandomState};

use deploy_shell::{Argv, quote};

use super::{Existing, TransferProblem};

/// Where a file goes and how.
pub(super) struct FileScript<'a> {
    pub(super) to: &'a str,
    /// Its name if `to` is a directory.
    pub(super) name: &'a str,
    pub(super) size: u64,
    pub(super) mode: Option<u32>,
}

/// A name that nothing has yet.
pub(super) fn temporary() -> String {
    // A fresh hasher has random keys.
    format!(".capstan-{:016x}", RandomState::new().build_hasher().finish())
}

fn path(text: &str) -> Result<String, TransferProblem> {
    let bad = |_| TransferProblem::Path(text.to_owned());
    if text.is_empty() {
        return Err(TransferProblem::Path(text.to_owned()));
    }
    match text.strip_prefix('~') {
        Some("") => Ok("\"$HOME\"".to_owned()),
        Some(rest) if rest.starts_with('/') => Ok(format!("\"$HOME\"{}", quote(rest).map_err(bad)?)),
        // What looks like an option or a plain name is made a path.
        _ if text.starts_with('/') => quote(text).map_err(bad),
        _ => quote(&format!("./{text}")).map_err(bad),
    }
}

fn wrapped(script: &str) -> Result<String, TransferProblem> {
    let argv = Argv::new("sh").arg("-c").arg(script);
    let text = argv.to_sh().map_err(|error| TransferProblem::Path(error.to_string()))?;
    Ok(format!("exec {text}"))
}

/// `$to` is the place, `$t` the other name beside it, which goes away whatever happens.
fn place(to: &str, inside: Option<&str>) -> Result<String, TransferProblem> {
    let mut script = format!("set -C; to={}; ", path(to)?);
    script.push_str(&target(inside)?);
    script.push_str(&format!("t=\"$d\"{}; ", temporary()));
    script.push_str("trap 'rm -rf -- \"$t\"' 0; trap 'exit 1' 1 2 13 15; ");
    Ok(script)
}

/// Settles `$to`, inside a directory if it is one, and `$d`, the directory that it is in.
fn target(inside: Option<&str>) -> Result<String, TransferProblem> {
    let mut script = String::new();
    if let Some(name) = inside {
        let name = quote(name).map_err(|_| TransferProblem::Path(name.to_owned()))?;
        script.push_str(&format!("if test -d \"$to\"; then to=\"${{to%/}}/\"{name}; fi; "));
    }
    script.push_str("case $to in */) to=${to%/};; esac; case $to in */*) d=${to%/*}/;; *) d=;; esac; ");
    Ok(script)
}

pub(super) fn receive_file(file: &FileScript<'_>) -> Result<String, TransferProblem> {
    let mut script = place(file.to, Some(file.name))?;
    let size = file.size;
    let chmod = match file.mode {
        Some(mode) => {
            script.push_str("umask 077; ");
            format!("chmod {:o} \"$t\" && ", mode & 0o7777)
        }
        None => String::new(),
    };
    script.push_str(&format!(
        "cat >\"$t\" || exit 1; n=$(wc -c <\"$t\"); \
         if test $n -eq {size}; then {chmod}mv -f \"$t\" \"$to\"; \
         else echo \"$n of {size} bytes arrived\" >&2; exit 3; fi"
    ));
    wrapped(&script)
}

/// The file grows under the name `part`, which stays when the connection breaks. What is there is said first; then a line of
/// input says from where it goes on, and the rest of the input is that.
pub(super) fn resume_file(file: &FileScript<'_>, part: &str) -> Result<String, TransferProblem> {
    let mut script = format!("set -C; umask 077; to={}; ", path(file.to)?);
    script.push_str(&target(Some(file.name))?);
    let (size, mode) = (file.size, file.mode.unwrap_or(0o600) & 0o7777);
    script.push_str(&format!(
        "t=\"$d\"{part}; \
         find \"${{d:-./}}.\" ! -name . -prune -name '.capstan-part-*' -mtime +7 -exec rm -f -- {{}} + 2>/dev/null; \
         n=0; s=-; \
         if test -f \"$t\" && test ! -h \"$t\" && test -O \"$t\" && command -v sha256sum >/dev/null; \
         then n=$(($(wc -c <\"$t\"))); s=$(sha256sum <\"$t\"); s=${{s%% *}}; fi; \
         echo \"capstan-part $n $s\"; read -r from || exit 3; \
         if test \"$from\" = 0; then rm -f -- \"$t\"; : >\"$t\" || exit 1; fi; \
         cat >>\"$t\" || {{ rm -f -- \"$t\"; exit 1; }}; n=$(($(wc -c <\"$t\"))); \
         if test $n -eq {size}; then chmod {mode:o} \"$t\" && mv -f \"$t\" \"$to\"; \
         else echo \"$n of {size} bytes arrived, and stay for the next try\" >&2; exit 3; fi"
    ));
    wrapped(&script)
}

/// The archive has the tree as `tree` and ends with the empty file `end`: that it is there says that all of it came.
pub(super) fn receive_tree(to: &str, name: &str, existing: Existing) -> Result<String, TransferProblem> {
    let inside = (existing == Existing::Inside).then_some(name);
    let mut script = place(to, inside)?;
    script.push_str(
        "mkdir -m 700 \"$t\" && tar -x -p -o -f - -C \"$t\" || exit 1; \
         test -f \"$t/end\" || { echo \"the archive ended early\" >&2; exit 3; }; \
         if test -d \"$to\"; then cp -RPp \"$t/tree/.\" \"$to/\"; else mv \"$t/tree\" \"$to\"; fi",
    );
    wrapped(&script)
}

/// A file as an archive of one entry, or a directory as one of its content.
pub(super) fn send(from: &str) -> Result<String, TransferProblem> {
    let script = format!(
        "p={}; test -e \"$p\" || {{ echo \"there is no such file\" >&2; exit 1; }}; \
         if test -d \"$p\"; then cd \"$p\" && exec tar -cf - .; fi; \
         exec tar -chf - -C \"${{p%/*}}/\" \"./${{p##*/}}\"",
        path(from)?
    );
    wrapped(&script)
}

/// A file's content as it is.
pub(super) fn print(from: &str) -> Result<String, TransferProblem> {
    wrapped(&format!("exec cat {}", path(from)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted_and_never_options() {
        let cases = [
            ("/a b", "'/a b'"),
            ("-rf", "./-rf"),
            ("~/x y", "\"$HOME\"'/x y'"),
            ("~", "\"$HOME\""),
            ("~bob", "'./~bob'"),
        ];
        for (text, expected) in cases {
            assert_eq!(path(text).unwrap(), expected, "{text}");
        }
        assert!(path("").is_err() && path("a\0b").is_err());
        assert_ne!(temporary(), temporary());
    }
}
