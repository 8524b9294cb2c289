//! An ordinary recipe, loaded from memory.

use std::rc::Rc;

use deploy_recipe::{Loader, Recipe};
use deploy_ruby::MemoryEffects;

use crate::Failure;

/// Five hosts, three roles, a restart task and a hook that is found by its name.
pub const CLASSIC: &str = include_str!("../../examples/shop/config/deploy.rb");

/// Stages, tasks and hooks as they pile up over the years: the classic recipe and `tasks` further tasks.
#[must_use]
pub fn grown(tasks: usize) -> String {
    let mut text = CLASSIC.to_owned();
    for number in 0..tasks {
        text.push_str(&format!(
            r##"
namespace :part{number} do
  set(:part{number}_path) {{ File.join(shared_path, "part{number}", *%w(tmp run).map {{ |name| name.upcase }}) }}
  desc "Warms part {number} up."
  task :warm, :roles => [:web, :app] do
    {{ "a" => 1, "b" => 2 }}.each do |key, value|
      run "test -d #{{part{number}_path}} || mkdir -p #{{part{number}_path}}/#{{key}}-#{{value}}"
    end
  end
end
after "deploy:update_code", "part{number}:warm"
"##
        ));
    }
    text
}

/// Finds, parses and evaluates a recipe; nothing but memory is touched.
///
/// # Errors
/// When the recipe does not load.
pub async fn load(text: &str) -> Result<Recipe, Failure> {
    let machine = Rc::new(MemoryEffects::new());
    machine.add_file("/config/deploy.rb", text);
    Ok(Loader::new(machine).load().await.map_err(|problem| problem.why)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn both_recipes_load_with_their_tasks() {
        let known = |recipe: &Recipe, task: &str| recipe.tasks().iter().any(|info| info.name == task);
        let classic = load(CLASSIC).await.unwrap();
        assert!(known(&classic, "deploy:restart") && !known(&classic, "part49:warm"));
        assert!(known(&load(&grown(50)).await.unwrap(), "part49:warm"));
    }
}
