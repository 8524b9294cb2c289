//! One project of Capistrano 3, run by Debian's Capistrano 3.17 and by us on the same hosts from the same state.

use std::path::Path;
use std::process::Command;

use deploy_testbed::FleetSpec;
use deploy_testbed::repo::{AppRepo, Scm};

use crate::sshd_peers::{CAPISTRANO, capistrano3, ruby};
use crate::support::{ALL, Ran, Stage, start};

const CAPFILE: &str = "require 'capistrano/setup'\nrequire 'capistrano/deploy'\nrequire 'capistrano/scm/git'\n\
     install_plugin Capistrano::SCM::Git\nDir.glob('lib/capistrano/tasks/*.rake').each { |r| import r }\n";

/// Every hook point says on the app hosts that it was reached, and what it was given.
const TASKS: &str = r#"
def note(text)
  on roles(:app) do |host|
    within '/' do
      with note: text do
        execute :echo, "$NOTE", host.roles.to_a.join('+'), "`pwd` `umask`", ">> ~/commands"
      end
    end
    execute "echo raw #{text} >> ~/commands"
  end
end

%w[check starting started updating updated publishing published finishing finished
   reverting reverted finishing_rollback symlink:shared symlink:release cleanup set_current_revision].each do |name|
  before("deploy:#{name}", "before_#{name}") { note "before_#{name} #{release_path}" }
  after("deploy:#{name}", "after_#{name}") { note "after_#{name} #{release_path}" }
end

namespace :deploy do
  task(:restart) { note "restart #{fetch(:stage)} #{fetch(:keep_releases)} #{fetch(:linked_dirs).join(',')}" }
  task(:late) { note 'late' }
end
after 'deploy:publishing', 'deploy:restart'
after 'deploy:restart', 'deploy:late'
after 'git:create_release', :built do
  on release_roles(:all) do
    execute :touch, release_path.join('built') if test("[ -d #{release_path} ]")
    user = capture(:whoami)
    execute :echo, user, '>', release_path.join('user')
  end
end

task :say, [:what] => :before_say do |_, args|
  note "say #{args[:what]}"
end
task(:before_say) { note 'first' }
"#;

pub(crate) fn write_project(stage: &Stage) {
    stage.write("Capfile", CAPFILE);
    stage.write("lib/capistrano/tasks/own.rake", TASKS);
    stage.write(
        "config/deploy.rb",
        &format!(
            "set :application, 'my_cool_app'\nset :repo_url, '{}'\nset :branch, 'main'\nset :deploy_to, ENV['ROOT']\n\
             set :keep_releases, 2\nappend :linked_files, 'config/database.yml', '.env'\n\
             append :linked_dirs, 'log', 'tmp/pids', 'public/system'\n",
            stage.server.url()
        ),
    );
    let role = |name: &str| format!("%w[{}]", name.trim_end_matches(char::is_numeric));
    let hosts = stage.fleet.hosts.iter();
    let theirs = hosts.clone().map(|host| {
        let name = ALL.iter().find(|name| host.name.starts_with(*name)).unwrap();
        format!("server '{}', port: {}, user: '{}', roles: {}\n", host.address, host.port, host.user, role(name))
    });
    let options = format!(
        "set :ssh_options, {{ keys: ['{}'], keys_only: true, config: false, verify_host_key: :never }}\n",
        stage.fleet.identity.display()
    );
    stage.write("config/deploy/theirs.rb", &format!("{options}{}", theirs.collect::<String>()));
    let ours = hosts.map(|host| {
        let name = ALL.iter().find(|name| host.name.starts_with(*name)).unwrap();
        format!("server '{name}.example.com', user: '{}', roles: {}\n", host.user, role(name))
    });
    stage.write("config/deploy/ours.rb", &ours.collect::<String>());
}

pub(crate) fn theirs(stage: &Stage, root: &str, args: &[&str]) -> Ran {
    let mut command = Command::new(CAPISTRANO);
    ruby(&mut command, Path::new(&stage.project));
    command.current_dir(&stage.project).env("ROOT", root).arg("theirs").args(args);
    stage.run(command)
}

pub(crate) fn ours(stage: &Stage, root: &str, args: &[&str]) -> Ran {
    let mut command = stage.bare(&["ours"]);
    command.env("ROOT", root).args(args);
    stage.run(command)
}

/// Names of releases as R1, R2, … in their order; the root and the host's own name as words.
fn plain(stage: &Stage, host: &str, root: &str, text: &str) -> String {
    let mut text = text.replace(root, "ROOT").replace("theirs", "STAGE").replace("ours", "STAGE");
    let releases = stage.on(host, &format!("ls {root}/releases; ls {root} | sed -n 's/.*-\\([0-9]*\\).tar.gz/\\1/p'"));
    let mut names: Vec<&str> = releases.lines().collect();
    names.sort_unstable();
    names.dedup();
    // What is gone by now is known by its place in the log.
    let log = stage.on(host, &format!("grep -o '[0-9]\\{{14\\}}' {root}/revisions.log"));
    let mut all: Vec<&str> = log.lines().chain(names).collect();
    all.sort_unstable();
    all.dedup();
    for (index, name) in all.iter().enumerate() {
        text = text.replace(name, &format!("R{}", index + 1));
    }
    text
}

/// What lies below a root, with kinds, modes, link targets and contents. Left out: our own directory, the mirror, and the
/// file REVISION_TIME, which Capistrano writes since 3.19.
fn tree(stage: &Stage, host: &str, root: &str) -> String {
    let left_out = "\\( -name .capstan -o -path ./repo -o -name REVISION_TIME \\) -prune -o";
    let text = stage.on(
        host,
        &format!(
            "cd {root} && find . {left_out} -printf '%y %m %p %l\\n' | sort -k 3; \
             find . {left_out} -type f ! -name '*.tar.gz' -exec cksum {{}} + | grep -v revisions.log | sort -k 3; \
             cat revisions.log; for f in *.tar.gz; do [ ! -e $f ] || tar -tzf $f | sed 's:.*releases/::; s:^[0-9]*/::' | \
             grep -v REVISION_TIME | sort; done"
        ),
    );
    plain(stage, host, root, &text)
}

/// What the recipe's own commands did on a host, in order.
fn commands(stage: &Stage, host: &str, root: &str) -> String {
    let log = stage.on(host, "cat ~/commands 2>/dev/null; rm -f ~/commands");
    plain(stage, host, root, &log)
}

#[test]
fn debians_capistrano_does_the_same() {
    if !capistrano3() {
        return;
    }
    let Some(fleet) = start(FleetSpec::sshd(), "sshd") else { return };
    let repo = AppRepo::create(&fleet.scratch("repository").unwrap(), Scm::Git).unwrap();
    let server = repo.serve().unwrap();
    let project = fleet.scratch("project").unwrap();
    let stage = Stage { fleet, repo, server, project };
    write_project(&stage);
    let roots = ["/var/www/theirs", "/var/www/ours00"];
    let both = |args: &[&str]| {
        let they = theirs(&stage, roots[0], args);
        assert_eq!(they.code, 0, "Capistrano's {args:?}:\n{}", they.text);
        let they_did: Vec<String> = ALL.iter().map(|host| commands(&stage, host, roots[0])).collect();
        ours(&stage, roots[1], args).expect(0);
        for (host, they_did) in ALL.iter().zip(they_did) {
            assert_eq!(commands(&stage, host, roots[1]), they_did, "commands on {host} in {args:?} (left: ours)");
            let [theirs, ours] = roots.map(|root| tree(&stage, host, root));
            assert_eq!(ours, theirs, "{host} after {args:?} (left: ours)");
        }
    };
    // A linked file is missing: neither makes anything live.
    assert_eq!(theirs(&stage, roots[0], &["deploy"]).code, 1);
    ours(&stage, roots[1], &["deploy"]).expect(1).says(&[
        "linked file",
        "config/database.yml",
        ".env",
        "db1.example.com",
    ]);
    for host in ALL {
        stage.on(host, "rm -f ~/commands");
        for root in roots {
            stage.on(host, &format!("test ! -e {root}/current && rm -rf {root}/releases/*"));
            stage.on(
                host,
                &format!(
                    "echo x > {root}/shared/config/database.yml; echo y > {root}/shared/.env; : > {root}/revisions.log"
                ),
            );
        }
    }
    both(&["deploy"]);
    stage.repo.release("2").unwrap();
    both(&["deploy"]);
    stage.repo.release("3").unwrap();
    both(&["deploy"]);
    both(&["say[hello]"]);
    both(&["deploy:rollback"]);
    stage.repo.release("4").unwrap();
    both(&["deploy"]);
    both(&["deploy:check"]);
}
