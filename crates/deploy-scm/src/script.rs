//! Builds the sh text of a host's step: fixed text of our own, and values that enter it only as quoted words.

use deploy_plan::RemotePath;

use crate::ScmError;

/// A sh text under construction. It runs in a subshell of its own, without standard input.
#[derive(Debug)]
pub(crate) struct Script {
    text: String,
}

impl Script {
    pub(crate) fn new() -> Self {
        Self { text: "(\n".to_owned() }
    }

    /// Fixed text.
    pub(crate) fn text(&mut self, text: &'static str) {
        self.text.push_str(text.trim_matches('\n'));
        self.text.push('\n');
    }

    /// `name=VALUE`
    pub(crate) fn set(&mut self, name: &'static str, value: &str) -> Result<(), ScmError> {
        let value = word(value)?;
        self.text.push_str(&format!("{name}={value}\n"));
        Ok(())
    }

    /// `name=PATH`, below the home directory where the path is.
    pub(crate) fn set_path(&mut self, name: &'static str, path: &RemotePath) -> Result<(), ScmError> {
        let rest = word(path.rest())?;
        let value = match (path.is_below_home(), path.rest().is_empty()) {
            (true, true) => "\"$HOME\"".to_owned(),
            (true, false) => format!("\"$HOME\"/{rest}"),
            (false, true) => "/".to_owned(),
            (false, false) => format!("/{rest}"),
        };
        self.text.push_str(&format!("{name}={value}\n"));
        Ok(())
    }

    /// A function that runs a program with these words and its own arguments behind them; `redirect` is fixed text.
    pub(crate) fn function<S: AsRef<str>>(
        &mut self,
        name: &'static str,
        words: impl IntoIterator<Item = S>,
        redirect: &'static str,
    ) -> Result<(), ScmError> {
        let words = joined(words)?;
        let space = if redirect.is_empty() { "" } else { " " };
        // `command` keeps a function from calling itself where it has the name of the program.
        self.text.push_str(&format!("{name}() {{ command {words} \"$@\"{space}{redirect}; }}\n"));
        Ok(())
    }

    /// As [`Script::function`], with another function in place of the program.
    pub(crate) fn function_of<S: AsRef<str>>(
        &mut self,
        name: &'static str,
        of: &'static str,
        words: impl IntoIterator<Item = S>,
    ) -> Result<(), ScmError> {
        let words = joined(words)?;
        self.text.push_str(&format!("{name}() {{ {of} {words} \"$@\"; }}\n"));
        Ok(())
    }

    pub(crate) fn finish(mut self) -> String {
        self.text.push_str(") </dev/null");
        self.text
    }
}

/// One shell word for any text.
fn word(text: &str) -> Result<String, ScmError> {
    deploy_shell::quote(text).map_err(|error| ScmError::Form {
        what: "argument",
        text: text.to_owned(),
        why: format!("cannot be passed to a program: {error}"),
    })
}

fn joined<S: AsRef<str>>(words: impl IntoIterator<Item = S>) -> Result<String, ScmError> {
    let words: Vec<String> = words.into_iter().map(|w| word(w.as_ref())).collect::<Result<_, _>>()?;
    Ok(words.join(" "))
}
