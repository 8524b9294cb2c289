//! The text that starts a runner: the fixed exec text and the program line.

use std::fmt::Write as _;

use super::Nonce;

/// The command to execute on the host, always the same: its argv names neither application nor path.
///
/// It reads one line and evaluates it. `read` takes no byte beyond that line in any shell, so the client may send the
/// program ([`boot`]) and its first requests in one flight. Works whatever the login shell is, csh and fish included.
pub const EXEC_TEXT: &str = "exec sh -c 'IFS= read -r _r && eval \"$_r\"'";

/// Seconds without a line from the client after which a runner ends its step and itself, unless told otherwise.
pub const SILENCE_LIMIT: u32 = 12;

const SOURCE: &str = include_str!("program.sh");

/// The first line to send: the runner's program with its parameters, newline included (about 11 KiB).
///
/// `silence` is in seconds (see [`SILENCE_LIMIT`]); at least 1. Any line from the client counts as a sign of life.
pub fn boot(nonce: &Nonce, silence: u32) -> Vec<u8> {
    let mut line = format!("unset _r _rN _rT;_rN={};_rT={};eval \"$(printf %b '", nonce.as_str(), silence.max(1));
    for source in SOURCE.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with("# ") && *l != "#") {
        for byte in source.bytes() {
            match byte {
                b'\\' => line.push_str("\\\\"),
                b'\'' => line.push_str("\\0047"),
                b' '..=b'~' => line.push(char::from(byte)),
                other => {
                    // Cannot fail: writing to a String.
                    let _ = write!(line, "\\0{other:03o}");
                }
            }
        }
        line.push_str("\\n");
    }
    line.push_str("')\"\n");
    line.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boot_is_one_printable_line_of_moderate_size() {
        let line = boot(&Nonce::new([7; 16]), 12);
        assert_eq!(line.iter().filter(|&&b| b == b'\n').count(), 1);
        assert!(line[..line.len() - 1].iter().all(|b| (b' '..=b'~').contains(b)));
        assert!(line.len() < 16 * 1024, "{}", line.len());
    }

    #[test]
    fn the_program_has_no_here_document_no_local_and_no_trailing_comment() {
        for line in SOURCE.lines() {
            assert!(!line.contains("<<"), "{line}");
            assert!(!line.trim_start().starts_with("local "), "{line}");
            assert!(line.is_ascii(), "{line}");
        }
    }

    #[test]
    fn the_exec_text_names_nothing_of_ours() {
        assert!(!EXEC_TEXT.contains('/'));
        assert!(!EXEC_TEXT.contains("capstan"));
    }
}
