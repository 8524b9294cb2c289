//! Builds one sh script of named steps, each of which reports its result.

use std::collections::HashSet;
use std::time::Duration;

/// A script of steps that run in order until one fails.
///
/// Each step's body runs in a subshell of its own under `set -e`, with `/dev/null` as input: what it sets (variables,
/// directory, `exit`) ends with it. Its output goes raw to stdout and stderr. Before and after it the script prints a mark
/// that [`StepReport::read`] understands. The first step that fails ends the script with its status.
///
/// The text is for a [`runner`](crate::runner), as [`Work::Script`](crate::runner::Work::Script); it also runs by
/// itself, without marks. It is POSIX sh: dash, bash, BusyBox ash. Bodies are joined as they are, so what stands in them
/// must be quoted ([`quote`](crate::quote)) and complete: an open quote or `if` spoils the whole script, which then runs
/// nothing.
///
/// ```
/// use deploy_shell::{Argv, Script};
/// let mut script = Script::new();
/// script.step("make-release", &Argv::new("mkdir").arg("releases/1").to_sh()?)?;
/// script.step("link", "ln -s ../shared/log releases/1/log")?;
/// assert!(script.to_sh().contains("mkdir releases/1"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Script {
    prolog: String,
    steps: Vec<(String, String)>,
    ids: HashSet<String>,
}

/// A step that cannot be added to a script.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScriptError {
    /// Its id has other characters than letters, digits and `._:/-`, or is empty or longer than 100 bytes.
    #[error("cannot add step `{0}` to a script: not a valid step id")]
    BadId(String),
    /// The script has one of that id already.
    #[error("cannot add step `{0}` to a script: it has one of that id")]
    Duplicate(String),
    /// No shell can hold its body.
    #[error("cannot add step `{id}` to a script: NUL byte at position {position} of its text")]
    Nul {
        /// The step.
        id: String,
        /// Byte offset in the body.
        position: usize,
    },
    /// Its body would swallow the line after it.
    #[error("cannot add step `{0}` to a script: its text ends in a backslash")]
    Continued(String),
}

/// What comes before the first step. The elapsed time is taken from the uptime, which costs no process; where there is
/// no `/proc/uptime` it is not told.
const HEAD: &str = r#"if ! command -v _mark >/dev/null; then
_mark() { :; }
_up() { _ru=; }
fi
_begin() {
_sid=$1
_up
_sup=$_ru
_mark step "$1" begin
}
_end() {
_sst=$1
_up
_mark step "$_sid" end "$_sst" "$_sup" "$_ru"
[ "$_sst" -eq 0 ] || exit "$_sst"
}
"#;

impl Script {
    /// A script without steps; it does nothing and succeeds.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds sh text that runs before the first step, in the script's own shell: functions and variables for all steps.
    pub fn prolog(&mut self, text: &str) -> Result<&mut Self, ScriptError> {
        check("prolog", text)?;
        self.prolog.push_str(text);
        self.prolog.push('\n');
        Ok(self)
    }

    /// Adds a step.
    pub fn step(&mut self, id: &str, body: &str) -> Result<&mut Self, ScriptError> {
        let valid = |b: u8| b.is_ascii_alphanumeric() || b"._:/-".contains(&b);
        if id.is_empty() || id.len() > 100 || !id.bytes().all(valid) {
            return Err(ScriptError::BadId(id.to_owned()));
        }
        check(id, body)?;
        if !self.ids.insert(id.to_owned()) {
            return Err(ScriptError::Duplicate(id.to_owned()));
        }
        self.steps.push((id.to_owned(), body.to_owned()));
        Ok(self)
    }

    /// The ids of the steps, in order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().map(|(id, _)| id.as_str())
    }

    /// Whether it has no steps.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The whole text.
    pub fn to_sh(&self) -> String {
        let mut text = String::from(HEAD);
        text.push_str(&self.prolog);
        for (id, body) in &self.steps {
            text.push_str(&format!("_begin {id}\n(\nset -e\n{body}\n) </dev/null\n_end $?\n"));
        }
        text
    }
}

fn check(id: &str, text: &str) -> Result<(), ScriptError> {
    if let Some(position) = text.bytes().position(|b| b == 0) {
        return Err(ScriptError::Nul { id: id.to_owned(), position });
    }
    let backslashes = text.bytes().rev().take_while(|&b| b == b'\\').count();
    if backslashes % 2 == 1 {
        return Err(ScriptError::Continued(id.to_owned()));
    }
    Ok(())
}

/// What a script's mark says about one of its steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepReport {
    /// It was begun.
    Begun {
        /// Which.
        id: String,
    },
    /// It ended.
    Ended {
        /// Which.
        id: String,
        /// Its exit status; 0 is success.
        status: u8,
        /// How long it took, to a hundredth of a second, where the host tells.
        elapsed: Option<Duration>,
    },
}

impl StepReport {
    /// Reads the kind and fields of a [`Mark`](crate::runner::Event::Mark); `None` if it is some other mark.
    pub fn read(kind: &str, fields: &[Vec<u8>]) -> Option<Self> {
        if kind != "step" {
            return None;
        }
        let text: Vec<&str> = fields.iter().map(|f| std::str::from_utf8(f)).collect::<Result<_, _>>().ok()?;
        match text.as_slice() {
            [id, "begin"] => Some(Self::Begun { id: (*id).to_owned() }),
            [id, "end", status, from, to] => {
                let elapsed = uptime(from).zip(uptime(to)).and_then(|(from, to)| to.checked_sub(from));
                Some(Self::Ended { id: (*id).to_owned(), status: status.parse().ok()?, elapsed })
            }
            _ => None,
        }
    }
}

/// From seconds with a fraction, as in `/proc/uptime`.
fn uptime(text: &str) -> Option<Duration> {
    text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_that_would_spoil_the_script_are_refused() {
        let mut script = Script::new();
        for id in ["", "a b", "a'", "é", "a\n"] {
            assert_eq!(script.step(id, "true"), Err(ScriptError::BadId(id.into())));
        }
        assert_eq!(script.step("a", "x\0"), Err(ScriptError::Nul { id: "a".into(), position: 1 }));
        assert_eq!(script.step("a", "x\\"), Err(ScriptError::Continued("a".into())));
        assert!(script.step("a", "x\\\\").is_ok());
        assert_eq!(script.step("a", "true"), Err(ScriptError::Duplicate("a".into())));
        assert_eq!(script.ids().collect::<Vec<_>>(), ["a"]);
    }

    #[test]
    fn reports_are_read_and_other_marks_are_not() {
        let fields = |text: &str| text.split('|').map(|f| f.as_bytes().to_vec()).collect::<Vec<_>>();
        assert_eq!(StepReport::read("step", &fields("a|begin")), Some(StepReport::Begun { id: "a".into() }));
        let elapsed = Some(Duration::from_millis(1500));
        let ended = |elapsed| Some(StepReport::Ended { id: "a".into(), status: 3, elapsed });
        assert_eq!(StepReport::read("step", &fields("a|end|3|10.00|11.50")), ended(elapsed));
        assert_eq!(StepReport::read("step", &fields("a|end|3||")), ended(None));
        assert_eq!(StepReport::read("step", &fields("a|end|3|11.00|1e400")), ended(None));
        for other in ["a", "a|end", "a|end|x|1|2", "a|end|256|1|2", "a|end|0|1|2|3"] {
            assert_eq!(StepReport::read("step", &fields(other)), None, "{other}");
        }
        assert_eq!(StepReport::read("fact", &fields("a|begin")), None);
    }
}
