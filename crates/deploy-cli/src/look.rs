//! `cap check` and `cap doctor`: what a recipe is and what in it cannot work, without touching any host.

use deploy_plan::Problem;
use deploy_recipe::{Checked, Recipe};

use crate::errors::Exit;
use crate::list::Entry;
use crate::wire::Session;

const CHECK: &str = "Looks through all files of the recipe without running any of it, and lists everything that cannot work, \
     each with its place: errors of syntax, Ruby that is outside the language, and gems that nothing stands for. Ends with 2 \
     where there is any. Names that the recipe makes up as it runs are not followed. No stage is needed.";

const DOCTOR: &str = "Shows what the recipe is: the dialect and why, the files that were loaded, how each required gem is met, \
     the programs that are needed on this machine, the servers, and variables that are set and that nothing reads, with \
     their places. The recipe is loaded; no host is touched. With stages: `cap STAGE doctor`.";

/// The two commands, as tasks are listed; a task of the recipe with such a name comes first.
pub(crate) fn entries(recipe: &Recipe) -> Vec<Entry> {
    let entry = |(name, text): (&str, &str)| Entry {
        name: name.to_owned(),
        summary: text.split_inclusive(['.', ':']).next().unwrap_or_default().replace(':', "."),
        description: text.to_owned(),
        hidden: false,
    };
    let missing = |(name, _): &(&str, &str)| recipe.explain(name).is_err();
    [("check", CHECK), ("doctor", DOCTOR)].into_iter().filter(missing).map(entry).collect()
}

impl Session {
    /// `cap check`, perhaps behind a stage; none where the words ask for something else, as for the recipe's own task of
    /// that name.
    pub(crate) async fn check(&self) -> Option<Exit> {
        let word = self.last_word()?;
        if word != "check" || self.args.tasks.is_some() || self.args.explain.is_some() {
            return None;
        }
        let (loader, _) = self.loader(None);
        match loader.check().await {
            Ok(found) if found.top_tasks.iter().any(|task| task == word) => None,
            Ok(found) => Some(self.tell(&found)),
            Err(problem) => Some(self.fail(&[*problem])),
        }
    }

    fn tell(&self, found: &Checked) -> Exit {
        let mut text = String::new();
        for diagnostic in found.errors.iter().chain(&found.warnings) {
            text.push_str(&diagnostic.render());
            text.push('\n');
        }
        let count = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
        text.push_str(&format!(
            "The recipe is one of {} ({}). {} looked through: {}, {}.\n",
            found.dialect,
            found.because,
            count(found.files.len(), "file"),
            count(found.errors.len(), "error"),
            count(found.warnings.len(), "warning"),
        ));
        if found.malformed {
            text.push_str("An error of syntax stops every run: nothing of that file can be loaded.\n");
        } else if !found.errors.is_empty() {
            text.push_str("An error in the body of a task stops only a run that gets there.\n");
        }
        let exit = self.print(&self.secrets.clean(&text));
        if exit == Exit::Done && !found.errors.is_empty() { Exit::Usage } else { exit }
    }

    /// Whether the words are `doctor`, perhaps behind a stage, and the recipe has no such task of its own.
    pub(crate) fn asks_for_doctor(&self, recipe: &Recipe) -> bool {
        let own = recipe.explain("doctor").is_ok_and(|task| task.site.is_some());
        self.last_word() == Some("doctor") && !own
    }

    pub(crate) async fn doctor(&self, recipe: &Recipe) -> Exit {
        match self.diagnose(recipe).await {
            Ok(text) => self.print(&self.secrets.clean(&text)),
            Err(problem) => self.fail(&[*problem]),
        }
    }

    async fn diagnose(&self, recipe: &Recipe) -> Result<String, Box<Problem>> {
        let (loader, _) = self.loader(None);
        let checked = loader.check().await?;
        recipe.doctor(&checked).await
    }

    /// The word of a command line that has no other, or only a stage before it.
    fn last_word(&self) -> Option<&str> {
        match self.words.tasks.as_slice() {
            [word] => Some(word),
            [stage, word] if self.directory().join(format!("config/deploy/{stage}.rb")).is_file() => Some(word),
            _ => None,
        }
    }
}
