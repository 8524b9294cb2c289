//! Recipes of plugin gems that are built in: texts of our own in the recipe language, loaded by the gem's name.

use std::rc::Rc;

use deploy_plan::{Problem, ProblemKind};
use deploy_ruby::{Args, Call, Value};

use super::rake_objects::Constant;
use super::state::Scm;
use crate::v2::{Cap, R, fail, site};

/// What a name of a gem loads: our names of the texts.
const REQUIRES: &[(&str, &[&str])] = &[
    ("capistrano/bundler", &["bundler"]),
    ("capistrano/rails", &["bundler", "rails_assets", "rails_migrations"]),
    ("capistrano/rails/assets", &["rails_assets"]),
    ("capistrano/rails/migrations", &["rails_migrations"]),
    ("capistrano/rbenv", &["rbenv"]),
    ("capistrano/rvm", &["rvm"]),
    ("rvm1/capistrano3", &["rvm"]),
    ("capistrano/chruby", &["chruby"]),
    ("capistrano/passenger", &["passenger"]),
    ("capistrano/puma", &["puma"]),
    ("whenever/capistrano", &["whenever"]),
    ("capistrano/yarn", &["yarn"]),
    ("capistrano/npm", &["npm"]),
    ("capistrano/composer", &["composer"]),
];

/// The texts.
const TEXTS: &[(&str, &str)] = &[
    ("bundler", include_str!("plugins/bundler.rb")),
    ("rails_common", include_str!("plugins/rails_common.rb")),
    ("rails_assets", include_str!("plugins/rails_assets.rb")),
    ("rails_migrations", include_str!("plugins/rails_migrations.rb")),
    ("rbenv", include_str!("plugins/rbenv.rb")),
    ("rvm", include_str!("plugins/rvm.rb")),
    ("chruby", include_str!("plugins/chruby.rb")),
    ("passenger", include_str!("plugins/passenger.rb")),
    ("puma", include_str!("plugins/puma.rb")),
    ("whenever", include_str!("plugins/whenever.rb")),
    ("yarn", include_str!("plugins/yarn.rb")),
    ("npm", include_str!("plugins/npm.rb")),
    ("composer", include_str!("plugins/composer.rb")),
];

/// Classes that `install_plugin` takes.
const PLUGINS: &[&str] = &[
    "Capistrano::SCM::Git",
    "Capistrano::SCM::Svn",
    "Capistrano::Puma",
    "Capistrano::Puma::Systemd",
    "Capistrano::Puma::Daemon",
];

/// Whether a constant is a class that `install_plugin` takes.
pub(crate) fn is_plugin(name: &str) -> bool {
    PLUGINS.contains(&name)
}

/// Whether a gem brings recipes, by its name.
pub(crate) fn is_of_capistrano(name: &str) -> bool {
    ["capistrano", "rvm1/"].iter().any(|part| name.starts_with(part)) || name.ends_with("/capistrano")
}

/// Loads what a name of a gem stands for; whether there is anything.
pub(crate) async fn require(cap: &Rc<Cap>, call: &Call, name: &str) -> R<bool> {
    let Some((_, texts)) = REQUIRES.iter().find(|(gem, _)| *gem == name) else { return Ok(false) };
    for text in *texts {
        load(cap, call, text).await?;
    }
    Ok(true)
}

/// Loads one of the texts, once.
async fn load(cap: &Rc<Cap>, call: &Call, name: &str) -> R<()> {
    if name.starts_with("rails_") && name != "rails_common" {
        Box::pin(load(cap, call, "rails_common")).await?;
    }
    let Some((_, text)) = TEXTS.iter().find(|(own, _)| *own == name) else { return Ok(()) };
    if !cap.v3.loaded.borrow_mut().insert(name.to_owned()) {
        return Ok(());
    }
    let outer = cap.v3.rake.borrow_mut().enter_top();
    let file = format!("built-in {name}");
    let done = Box::pin(call.interp().eval_file(call.context(), &file, text, cap.top())).await;
    cap.v3.rake.borrow_mut().leave(outer);
    done.map(drop)
}

/// `install_plugin Capistrano::SCM::Git, load_hooks: false`
pub(crate) async fn install(cap: &Rc<Cap>, call: &Call, args: &Args) -> R {
    let (positional, options) = args.split_options();
    let hooks = options.get_name("load_hooks").is_none_or(|value| value.truthy());
    let plugin = positional.first().cloned().unwrap_or_default();
    let name = plugin.downcast::<Constant>().map(|constant| constant.name.clone()).unwrap_or_default();
    match name.as_str() {
        "Capistrano::SCM::Git" => {
            cap.v3.scm.set(Scm::Git);
            cap.install_scm3("git", hooks);
        }
        "Capistrano::SCM::Svn" => {
            cap.v3.scm.set(Scm::Svn);
            cap.install_scm3("svn", hooks);
        }
        "Capistrano::Puma" | "Capistrano::Puma::Systemd" => load(cap, call, "puma").await?,
        _ => {
            let why = "a recipe's own plugin classes, and those of other gems, are not built in";
            let what = format!("install_plugin {}", plugin.inspect());
            let problem = Problem::new(ProblemKind::Unsupported, what, why).at(site(call));
            return Err(fail(call, problem.next("write its tasks as lib/capistrano/tasks/NAME.rake")));
        }
    }
    Ok(Value::Nil)
}
