//! Recipes of plugin gems for dialect 2 that are built in: texts of our own in the recipe language.

use std::rc::Rc;

use deploy_ruby::Call;

use super::Cap;
use super::convert::{R, site};
use crate::check::Met;
use crate::notifiers::notice;

/// A text of ours by its name.
type Text = (&'static str, &'static str);

const ASSETS: Text = ("assets", include_str!("plugins/assets.rb"));
const BUNDLER: Text = ("bundler", include_str!("plugins/bundler.rb"));
const CAPIFONY: Text = ("capifony", include_str!("plugins/capifony.rb"));
const DELAYED_JOB: Text = ("delayed_job", include_str!("plugins/delayed_job.rb"));
const DOTENV: Text = ("dotenv", include_str!("plugins/dotenv.rb"));
const FOREMAN: Text = ("foreman", include_str!("plugins/foreman.rb"));
const MONGREL_CLUSTER: Text = ("mongrel_cluster", include_str!("plugins/mongrel_cluster.rb"));
const MULTISTAGE: Text = ("multistage", include_str!("plugins/multistage.rb"));
const PUMA: Text = ("puma", include_str!("plugins/puma.rb"));
const RAILSLESS: Text = ("railsless", include_str!("plugins/railsless.rb"));
const RBENV: Text = ("rbenv", include_str!("plugins/rbenv.rb"));
const RESQUE: Text = ("resque", include_str!("plugins/resque.rb"));
const RVM: Text = ("rvm", include_str!("plugins/rvm.rb"));
const SIDEKIQ: Text = ("sidekiq", include_str!("plugins/sidekiq.rb"));
const SPHINX: Text = ("thinking_sphinx", include_str!("plugins/thinking_sphinx.rb"));
const UNICORN: Text = ("unicorn", include_str!("plugins/unicorn.rb"));
const WHENEVER: Text = ("whenever", include_str!("plugins/whenever.rb"));

/// The text that `require` of a name stands for.
const REQUIRES: &[(&str, Text)] = &[
    ("bundler/capistrano", BUNDLER),
    ("bundler/deployment", BUNDLER),
    ("capifony", CAPIFONY),
    ("capifony_symfony2", CAPIFONY),
    ("capistrano-bundler", BUNDLER),
    ("capistrano-rbenv", RBENV),
    ("capistrano-resque", RESQUE),
    ("capistrano-unicorn", UNICORN),
    ("capistrano/ext/multistage", MULTISTAGE),
    ("capistrano/bundler", BUNDLER),
    ("capistrano/puma", PUMA),
    ("capistrano/resque", RESQUE),
    ("capistrano/sidekiq", SIDEKIQ),
    ("capistrano/unicorn", UNICORN),
    ("delayed/recipes", DELAYED_JOB),
    ("dotenv/capistrano", DOTENV),
    ("dotenv/deployment/capistrano", DOTENV),
    ("foreman/capistrano", FOREMAN),
    ("mongrel_cluster/recipes", MONGREL_CLUSTER),
    ("puma/capistrano", PUMA),
    ("railsless-deploy", RAILSLESS),
    ("rvm/capistrano", RVM),
    ("rvm1/capistrano", RVM),
    ("sidekiq/capistrano", SIDEKIQ),
    ("thinking_sphinx/capistrano", SPHINX),
    ("thinking_sphinx/deploy/capistrano", SPHINX),
    ("whenever/capistrano", WHENEVER),
];

/// Gems that only change how a run looks, or help to find others.
const SILENT: &[&str] = &[
    "cap_colors",
    "capistrano-colors",
    "capistrano_colors",
    "capistrano-deepmodules",
    "capistrano-maintenance",
    "capistrano/colors",
    "capistrano/deepmodules",
    "capistrano/maintenance",
    "colored",
    "colorize",
    "rainbow",
    "rubygems",
    "term/ansicolor",
    "bundler",
    "bundler/setup",
];

/// Whether a gem gives strings words for colours, which change nothing here.
pub(crate) fn is_colours(name: &str) -> bool {
    ["colored", "colorize", "rainbow", "rainbow/ext/string", "term/ansicolor"].contains(&name)
}

/// Gems that a deploy does without, and what is missing then.
const WITHOUT_TASKS: &[(&str, &str)] = &[
    ("capistrano/ext/monitor", "its tasks monitor:load and monitor:requests_per_second are missing"),
    ("net/ssh/kerberos", "logins by Kerberos tickets are not tried; keys, the agent and passwords are"),
];

/// Loads what `require` of a name stands for; whether there is anything.
pub(crate) async fn require(cap: &Rc<Cap>, call: &Call, name: &str) -> R<bool> {
    let name = name.strip_suffix(".rb").unwrap_or(name);
    if SILENT.contains(&name) {
        if is_colours(name) {
            cap.colours.set(true);
        }
        return Ok(true);
    }
    if let Some((_, missing)) = WITHOUT_TASKS.iter().find(|(gem, _)| *gem == name) {
        cap.warn_at(site(call), &format!("`require {name:?}` is not built in: {missing}"));
        return Ok(true);
    }
    if let Some(notice) = notice(name) {
        let file = format!("built-in {name}");
        if !is_loaded(cap, &file) {
            cap.warn_at(site(call), &notice.warning);
            cap.eval_recipe(call, &file, &notice.text).await?;
        }
        return Ok(true);
    }
    let Some((_, text)) = REQUIRES.iter().find(|(gem, _)| *gem == name) else { return Ok(false) };
    load(cap, call, text).await?;
    Ok(true)
}

/// How `require` of a name is met, files of the project aside.
pub(crate) fn how_met(name: &str) -> Met {
    let name = name.strip_suffix(".rb").unwrap_or(name);
    if notice(name).is_some() {
        return Met::Notifier;
    }
    let known = SILENT.contains(&name) || WITHOUT_TASKS.iter().any(|(gem, _)| *gem == name);
    if known || REQUIRES.iter().any(|(gem, _)| *gem == name) { Met::BuiltIn } else { Met::Unknown }
}

/// What `load` of a name stands for where there is no such file.
const LOADS: &[(&str, Text)] =
    &[("deploy/assets", ASSETS), ("deploy/rails3", ASSETS), ("capifony", CAPIFONY), ("symfony2", CAPIFONY)];

/// `load "deploy/assets"` and its kin: whether there are bundled recipes of this name.
pub(crate) async fn bundled(cap: &Rc<Cap>, call: &Call, name: &str) -> R<bool> {
    let Some((_, text)) = LOADS.iter().find(|(own, _)| *own == name) else { return Ok(false) };
    load(cap, call, text).await?;
    Ok(true)
}

async fn load(cap: &Rc<Cap>, call: &Call, (name, text): &Text) -> R<()> {
    let file = format!("built-in {name}");
    if is_loaded(cap, &file) {
        return Ok(());
    }
    cap.eval_recipe(call, &file, text).await.map(drop)
}

fn is_loaded(cap: &Cap, file: &str) -> bool {
    cap.sources.borrow().iter().any(|(source, _)| source == file)
}
