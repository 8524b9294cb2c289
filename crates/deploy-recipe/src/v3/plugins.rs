//! Recipes of plugin gems that are built in: texts of our own in the recipe language, loaded by the gem's name.

use std::rc::Rc;

use deploy_plan::{Problem, ProblemKind};
use deploy_ruby::{Args, Call, Value};

use super::rake_objects::Constant;
use super::state::Scm;
use crate::check::Met;
use crate::notifiers::notice;
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
    ("capistrano3/unicorn", &["unicorn"]),
    ("capistrano/rails/console", &["rails_console"]),
    ("capistrano/secrets_yml", &["secrets_yml"]),
    ("capistrano/upload-config", &["upload_config"]),
    ("capistrano/sidekiq", &["sidekiq"]),
    ("capistrano-sidekiq", &["sidekiq"]),
    ("capistrano/delayed-job", &["delayed_job"]),
    ("capistrano/delayed_job", &["delayed_job"]),
    ("capistrano/nginx", &["nginx"]),
    ("capistrano/dotenv", &["dotenv"]),
    ("capistrano/dotenv/tasks", &["dotenv"]),
    ("capistrano/safe_deploy_to", &["safe_deploy_to"]),
    ("capistrano/nvm", &["nvm"]),
    ("capistrano/bower", &["bower"]),
    ("capistrano/linked_files", &["linked_files"]),
    ("capistrano/touch-linked-files", &["touch_linked_files"]),
    ("capistrano/maintenance", &["maintenance"]),
    ("capistrano-maintenance", &["maintenance"]),
    ("capistrano-resque", &["resque"]),
    ("capistrano/resque", &["resque"]),
    ("capistrano/file-permissions", &["file_permissions"]),
    ("capistrano/symfony", &["composer", "symfony", "file_permissions"]),
    ("capistrano/postgresql", &["postgresql"]),
    ("capistrano-db-tasks", &["db_tasks"]),
    ("capistrano/thinking_sphinx", &["thinking_sphinx"]),
    ("thinking_sphinx/capistrano", &["thinking_sphinx"]),
    ("capistrano-bundler", &["bundler"]),
    ("capistrano-rails", &["bundler", "rails_assets", "rails_migrations"]),
    ("capistrano/puma/nginx", &["puma_nginx"]),
    ("capistrano/puma/workers", &["puma"]),
    ("capistrano/puma/jungle", &["puma"]),
    ("capistrano/puma/monit", &["puma"]),
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
    ("unicorn", include_str!("plugins/unicorn.rb")),
    ("rails_console", include_str!("plugins/rails_console.rb")),
    ("secrets_yml", include_str!("plugins/secrets_yml.rb")),
    ("upload_config", include_str!("plugins/upload_config.rb")),
    ("sidekiq", include_str!("plugins/sidekiq.rb")),
    ("delayed_job", include_str!("plugins/delayed_job.rb")),
    ("nginx", include_str!("plugins/nginx.rb")),
    ("dotenv", include_str!("plugins/dotenv.rb")),
    ("safe_deploy_to", include_str!("plugins/safe_deploy_to.rb")),
    ("nvm", include_str!("plugins/nvm.rb")),
    ("bower", include_str!("plugins/bower.rb")),
    ("linked_files", include_str!("plugins/linked_files.rb")),
    ("touch_linked_files", include_str!("plugins/touch_linked_files.rb")),
    ("maintenance", include_str!("plugins/maintenance.rb")),
    ("resque", include_str!("plugins/resque.rb")),
    ("file_permissions", include_str!("plugins/file_permissions.rb")),
    ("symfony", include_str!("plugins/symfony.rb")),
    ("postgresql", include_str!("plugins/postgresql.rb")),
    ("db_tasks", include_str!("plugins/db_tasks.rb")),
    ("thinking_sphinx", include_str!("plugins/thinking_sphinx.rb")),
    ("puma_nginx", include_str!("plugins/puma_nginx.rb")),
    ("puma_pumactl", include_str!("plugins/puma_pumactl.rb")),
];

/// Classes that `install_plugin` takes.
const PLUGINS: &[&str] = &[
    "Capistrano::SCM::Git",
    "Capistrano::SCM::Git::WithSubmodules",
    "Capistrano::SCM::Svn",
    "Capistrano::Puma",
    "Capistrano::Puma::Systemd",
    "Capistrano::Puma::Daemon",
    "Capistrano::Puma::Nginx",
    "Capistrano::Sidekiq",
    "Capistrano::Sidekiq::Systemd",
];

/// Whether a constant is a class that `install_plugin` takes.
pub(crate) fn is_plugin(name: &str) -> bool {
    PLUGINS.contains(&name)
}

/// Whether a gem brings recipes, by its name.
pub(crate) fn is_of_capistrano(name: &str) -> bool {
    ["capistrano", "rvm1/"].iter().any(|part| name.starts_with(part)) || name.ends_with("/capistrano")
}

/// How `require` of a name is met, files of the project aside.
pub(crate) fn how_met(name: &str) -> Met {
    match notice(name) {
        Some(_) => Met::Notifier,
        None if REQUIRES.iter().any(|(gem, _)| *gem == name) => Met::BuiltIn,
        None => Met::Unknown,
    }
}

/// The texts that were loaded, with their names.
pub(crate) fn loaded_texts(cap: &Cap) -> Vec<&'static str> {
    let loaded = cap.v3.loaded.borrow();
    TEXTS.iter().filter(|(name, _)| loaded.contains(*name)).map(|(_, text)| *text).collect()
}

/// Loads what a name of a gem stands for; whether there is anything.
pub(crate) async fn require(cap: &Rc<Cap>, call: &Call, name: &str) -> R<bool> {
    if let Some(notice) = notice(name) {
        if cap.v3.loaded.borrow_mut().insert(name.to_owned()) {
            cap.warn_at(site(call), &notice.warning);
            evaluate(cap, call, name, &notice.text).await?;
        }
        return Ok(true);
    }
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
    let name = if name == "puma" && locked_major(cap, "capistrano3-puma").is_some_and(|major| major < 5) {
        "puma_pumactl"
    } else {
        name
    };
    let Some((_, text)) = TEXTS.iter().find(|(own, _)| *own == name) else { return Ok(()) };
    if !cap.v3.loaded.borrow_mut().insert(name.to_owned()) {
        return Ok(());
    }
    evaluate(cap, call, name, text).await
}

async fn evaluate(cap: &Rc<Cap>, call: &Call, name: &str, text: &str) -> R<()> {
    let outer = cap.v3.rake.borrow_mut().enter_top();
    let file = format!("built-in {name}");
    let done = Box::pin(call.interp().eval_file(call.context(), &file, text, cap.top())).await;
    cap.v3.rake.borrow_mut().leave(outer);
    done.map(drop)
}

/// The major version of a gem that the project's `Gemfile.lock` has.
fn locked_major(cap: &Cap, gem: &str) -> Option<u32> {
    let text = cap.gemfile_lock.get()?;
    let line = text.lines().find_map(|line| line.strip_prefix("    ")?.strip_prefix(gem)?.strip_prefix(" ("))?;
    line.split('.').next()?.parse().ok()
}

/// `install_plugin Capistrano::SCM::Git, load_hooks: false`
pub(crate) async fn install(cap: &Rc<Cap>, call: &Call, args: &Args) -> R {
    let (positional, options) = args.split_options();
    let hooks = options.get_name("load_hooks").is_none_or(|value| value.truthy());
    let plugin = positional.first().cloned().unwrap_or_default();
    let name = plugin.downcast::<Constant>().map(|constant| constant.name.clone()).unwrap_or_default();
    match name.as_str() {
        "Capistrano::SCM::Git" | "Capistrano::SCM::Git::WithSubmodules" => {
            cap.v3.scm.set(Scm::Git);
            cap.v3.submodules.set(name.ends_with("WithSubmodules"));
            cap.install_scm3("git", hooks);
        }
        "Capistrano::SCM::Svn" => {
            cap.v3.scm.set(Scm::Svn);
            cap.install_scm3("svn", hooks);
        }
        "Capistrano::Puma" | "Capistrano::Puma::Systemd" => load(cap, call, "puma").await?,
        "Capistrano::Puma::Nginx" => load(cap, call, "puma_nginx").await?,
        "Capistrano::Sidekiq" | "Capistrano::Sidekiq::Systemd" => load(cap, call, "sidekiq").await?,
        _ if cap.is_inert(&plugin) => {}
        _ => {
            let why = "a recipe's own plugin classes, and those of other gems, are not built in";
            let what = format!("install_plugin {}", plugin.inspect());
            let problem = Problem::new(ProblemKind::Unsupported, what, why).at(site(call));
            return Err(fail(call, problem.next("write its tasks as lib/capistrano/tasks/NAME.rake")));
        }
    }
    Ok(Value::Nil)
}
