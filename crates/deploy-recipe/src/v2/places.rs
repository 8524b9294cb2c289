//! The variables that name places on the hosts: what the recipe puts into its own commands unquoted must mean nothing
//! to a shell.

use deploy_plan::{Problem, ProblemKind};
use deploy_ruby::{Call, Value};

use super::Cap;
use super::convert::{R, fail};

/// The variables, the one that others are made of first.
pub(crate) const PLACES: &[&str] = &["application", "deploy_to", "releases_path", "shared_path", "current_path"];

/// What the name of a branch, a tag or a commit may have.
const REFERENCE: &str = "letters, digits and . _ / - + @ # { } : % = ,";

/// The first character that a variable may not have, and its place from 1.
fn stranger(variable: &str, text: &str) -> Option<(char, usize)> {
    let home = text.strip_prefix("$HOME").filter(|rest| rest.is_empty() || rest.starts_with('/'));
    let (skipped, rest, marks) = match (variable, home) {
        // A label as often as a part of a path; a path made of it is looked at by itself.
        ("application", _) => (0, text, "._- "),
        // Recipes put the names of branches into their commands, too. git allows more than this.
        ("branch" | "revision", _) => (0, text, "._/-+@#~^{}:%=,"),
        (_, Some(rest)) => ("$HOME".len(), rest, "._/~@+,:=-"),
        (_, None) => (0, text, "._/~@+,:=-"),
    };
    let allowed = |c: char| c.is_alphanumeric() || marks.contains(c);
    let found = rest.chars().enumerate().find(|(_, c)| !allowed(*c));
    found.map(|(at, c)| (c, skipped + at + 1))
}

impl Cap {
    /// Refuses a place with a character that could mean something to a shell.
    pub fn refuse_stranger(&self, call: &Call, variable: &str, text: &str) -> R<()> {
        let Some((found, position)) = stranger(variable, text) else { return Ok(()) };
        let place = self.set_at(variable);
        let (rest, example) = match variable {
            "branch" => (REFERENCE, "main"),
            "revision" => (REFERENCE, "HEAD"),
            "application" => ("letters, digits, blanks and . _ -", "my_shop"),
            _ => ("letters, digits and . _ / ~ @ + , : = -, and $HOME at its beginning", "/var/www/my_shop"),
        };
        let why = format!("{text:?} has {found:?} as character {position}; it may have only {rest}");
        let problem = Problem::new(ProblemKind::Usage, format!("use the variable `{variable}'"), why);
        Err(fail(call, problem.at(place).next(self.give(variable, &format!("{example:?}")))))
    }

    /// Refuses a name without a letter: what is deployed then would be anybody's guess. `nil` means that there is none.
    pub fn refuse_empty(&self, call: &Call, variable: &str, value: &Value) -> R<()> {
        if value.is_nil() || !value.to_s().trim().is_empty() {
            return Ok(());
        }
        let why = "it is empty, which names no branch, tag or commit";
        let problem = Problem::new(ProblemKind::Usage, format!("use the variable `{variable}'"), why);
        let example = if variable == "revision" { "\"HEAD\"" } else { "\"main\"" };
        let next = format!("{}, or leave it out to deploy the head of the repository", self.give(variable, example));
        Err(fail(call, problem.at(self.set_at(variable)).next(next)))
    }

    /// Refuses an `:application` that is no name: empty or of dots alone, it makes a path another directory than one's own.
    pub fn refuse_nameless(&self, call: &Call) -> R<()> {
        const VARIABLE: &str = "application";
        let text = match self.variables.borrow().peek(VARIABLE) {
            Some(value) if value.is_nil() => None,
            Some(value) => Some(value.to_s()),
            None => return Ok(()),
        };
        let why = match text.as_deref() {
            None => "it is nil, which names no application".to_owned(),
            Some(text) if text.trim().is_empty() => "it is empty, which names no application".to_owned(),
            Some(text) if text.trim().chars().all(|c| c == '.') => {
                format!("{text:?} is no name: in a path it is another directory than the application's own")
            }
            Some(_) => return Ok(()),
        };
        let problem = Problem::new(ProblemKind::Usage, format!("use the variable `{VARIABLE}'"), why);
        Err(fail(call, problem.at(self.set_at(VARIABLE)).next(self.give(VARIABLE, "\"my_shop\""))))
    }

    /// The same for all places whose values are known already, where one of these tasks is of the deploy recipes.
    pub fn refuse_strangers(&self, call: &Call, tasks: &[String]) -> R<()> {
        let deploys = tasks.iter().any(|task| task == "deploy" || task.starts_with("deploy:"));
        if !deploys || !self.deploy_loaded.get() {
            return Ok(());
        }
        self.refuse_nameless(call)?;
        for variable in PLACES {
            let known =
                self.variables.borrow().peek(variable).filter(|value| !value.is_nil()).map(|value| value.to_s());
            if let Some(text) = known {
                self.refuse_stranger(call, variable, &text)?;
            }
        }
        Ok(())
    }

    /// Whether a task of the deploy recipes' namespaces is being called.
    pub fn is_deploying_task(&self) -> bool {
        let flow = self.flow.borrow();
        let of_deploy = |namespace: &str| namespace == "deploy" || namespace.starts_with("deploy:");
        self.deploy_loaded.get() && flow.frames.iter().any(|frame| of_deploy(&frame.task.namespace))
    }
}

#[cfg(test)]
mod tests {
    use super::stranger;

    #[test]
    fn strangers() {
        for (variable, text, found) in [
            ("application", "my_cool-app.2", None),
            ("application", "my app", None),
            ("branch", "feature/x-1.2+y#3", None),
            ("revision", "HEAD@{1}~2^{commit}", None),
            ("branch", "x;touch${IFS}y", Some((';', 2))),
            ("application", "a/b", Some(('/', 2))),
            ("application", "$HOME", Some(('$', 1))),
            ("deploy_to", "/var/www/a,b+c@d:e=f~1.x_-", None),
            ("deploy_to", "~/apps/x", None),
            ("deploy_to", "$HOME/apps", None),
            ("deploy_to", "$HOME", None),
            ("deploy_to", "$HOME/$x", Some(('$', 7))),
            ("deploy_to", "$HOMER/x", Some(('$', 1))),
            ("deploy_to", "/x/$HOME", Some(('$', 4))),
            ("deploy_to", "/x;id", Some((';', 3))),
            ("deploy_to", "/ä", None),
            ("deploy_to", "/my app", Some((' ', 4))),
            ("shared_path", "/x\n", Some(('\n', 3))),
        ] {
            assert_eq!(stranger(variable, text), found, "{variable} {text:?}");
        }
    }
}
