//! Checkouts of Capistrano 2, where the environment names them (`CAPSTAN_CAP215`, `CAPSTAN_CAP28`); where it does not, what
//! 2.15.11 answered is read from the records beside the recipes.

use std::path::PathBuf;
use std::process::Command;

use super::case::{Case, all};
use super::{Bench, Peer, Side};

/// What stands before each case's own text. `note` is how a recipe says what it did: in a file of the host.
const BEFORE: &str = r##"
set :application, 'my_cool_app'
set :repository, ENV['REPO']
set :scm, :git
set :branch, ENV['BRANCH'] || 'v1'
set :deploy_to, ENV['ROOT']
set :user, 'deploy'
set :use_sudo, false
set :migrate_on_deploy, false
set :normalize_asset_timestamps, false
ssh_options[:config] = [ENV['SSH_CONFIG']]
ssh_options[:verify_host_key] = :never
def note(*words)
  options = words.last.is_a?(Hash) ? words.pop : {}
  run "echo '#{words.join(' ').gsub("'", '"')}' >> #{deploy_to}.log", options
end
"##;

const ROLES: &str = "role :web, 'web1.example.com'\nrole :app, 'app1.example.com', 'app2.example.com'\n\
     role :db, 'web1.example.com', :primary => true\n";

struct Two {
    checkout: Option<PathBuf>,
    shims: Option<PathBuf>,
}

impl Two {
    fn named(variable: &str, bench: &Bench) -> Self {
        let checkout = std::env::var_os(variable).filter(|path| !path.is_empty()).map(PathBuf::from);
        let shims = checkout.as_ref().map(|_| {
            // 2.8 asks for a library that Ruby has dropped since, and never uses it.
            let shims = bench.fleet.scratch("shims").unwrap();
            std::fs::write(shims.join("scanf.rb"), "").unwrap();
            shims
        });
        Self { checkout, shims }
    }
}

impl Peer for Two {
    fn project(&self, case: &Case, side: &Side<'_>) {
        side.write("Capfile", "load 'deploy'\nload 'config/deploy'\n");
        let (name, text) = &case.files[0];
        let own = case.files.iter().any(|(_, text)| text.contains("role :app") || text.contains("role :web"));
        let roles = if own { "" } else { ROLES };
        let before = format!("{}{roles}", BEFORE.trim_start()).trim().replace('\n', "; ");
        super::write(&side.project.join(name), &format!("{before}\n{text}"));
    }

    fn theirs(&self, side: &Side<'_>, args: &[String]) -> Option<Command> {
        let checkout = self.checkout.as_ref()?;
        let mut command = Command::new("ruby");
        side.tell(&mut command);
        command.arg("-W0").arg("-I").arg(self.shims.as_ref()?).arg("-I").arg(checkout.join("lib"));
        command.arg(checkout.join("bin/cap")).args(args);
        Some(command)
    }

    fn ours(&self, side: &Side<'_>, args: &[String]) -> Command {
        let mut command = side.cap();
        command.args(args);
        command
    }

    fn logs(&self) -> bool {
        false
    }

    fn record(&self, case: &Case) -> Option<PathBuf> {
        Some(case.path.with_extension("txt"))
    }
}

#[test]
fn capistrano_2_15_does_the_same() {
    let cases = all("v2");
    if let Some(bench) = Bench::start() {
        let peer = Two::named("CAPSTAN_CAP215", &bench);
        if peer.checkout.is_none() {
            println!("CAPSTAN_CAP215 names no checkout of Capistrano: its recorded answers are compared");
        }
        bench.compare(&peer, &cases);
    }
}

/// Older still: the same recipes, but for those that say that only the newer one can.
#[test]
fn capistrano_2_8_does_the_same() {
    if std::env::var_os("CAPSTAN_CAP28").is_none_or(|path| path.is_empty()) {
        println!("skipped: CAPSTAN_CAP28 names no checkout of Capistrano");
        return;
    }
    let mut cases = all("v2");
    cases.retain(|case| case.only.is_none());
    if let Some(bench) = Bench::start() {
        bench.compare(&Two::named("CAPSTAN_CAP28", &bench), &cases);
    }
}
