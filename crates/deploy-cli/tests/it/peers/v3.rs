//! Debian's Capistrano 3.

use std::process::Command;

use super::case::{Case, all};
use super::{Bench, Peer, Side};
use crate::sshd_peers::{CAPISTRANO, capistrano3};

const CAPFILE: &str = "require 'capistrano/setup'\nrequire 'capistrano/deploy'\nrequire 'capistrano/scm/git'\n\
     install_plugin Capistrano::SCM::Git\nDir.glob('lib/capistrano/tasks/*.rake').each { |r| import r }\n";

/// What stands before each case's own text. `note` is how a recipe says what it did: in a file of the host.
const BEFORE: &str = r##"
set :application, 'my_cool_app'
set :repo_url, ENV['REPO']
set :branch, ENV['BRANCH'] || 'v1'
set :deploy_to, ENV['ROOT']
set :ssh_options, { config: [ENV['SSH_CONFIG']], verify_host_key: :never } if ENV['THEIRS']
def note(*words)
  execute "echo '#{words.join(' ').gsub("'", '"')}' >> #{fetch(:deploy_to)}.log"
end
def all_note(*words)
  on(roles(:all)) { note(*words) }
end
"##;

const STAGE: &str = "server 'web1.example.com', user: 'deploy', roles: %w[web db]\n\
     server 'app1.example.com', user: 'deploy', roles: %w[app]\n\
     server 'app2.example.com', user: 'deploy', roles: %w[app]\n";

struct Three;

impl Peer for Three {
    fn project(&self, case: &Case, side: &Side<'_>) {
        side.write("Capfile", CAPFILE);
        side.write("config/deploy/production.rb", STAGE);
        let (name, text) = &case.files[0];
        super::write(&side.project.join(name), &format!("{}\n{text}", BEFORE.trim().replace('\n', "; ")));
    }

    fn theirs(&self, side: &Side<'_>, args: &[String]) -> Option<Command> {
        let mut command = Command::new(CAPISTRANO);
        side.tell(&mut command);
        command.env("THEIRS", "1").arg("production").args(args);
        Some(command)
    }

    fn ours(&self, side: &Side<'_>, args: &[String]) -> Command {
        let mut command = side.cap();
        command.arg("production").args(args);
        command
    }
}

#[test]
fn capistrano_3_does_the_same() {
    if !capistrano3() {
        return;
    }
    let cases = all("v3");
    if let Some(bench) = Bench::start() {
        bench.compare(&Three, &cases);
    }
}
