//! A Rails application as most projects of Capistrano 3 deploy one: rbenv, bundler, assets, migrations, passenger. The
//! hosts have a stand-in for `rbenv` that notes what it was to run, where and with which environment. What is expected is
//! what Capistrano's gems do.

use deploy_testbed::FleetSpec;

use crate::support::{ALL, start};
use crate::v3::Three;

const CAPFILE: &str = "require 'capistrano/setup'\nrequire 'capistrano/deploy'\nrequire 'capistrano/scm/git'\n\
     install_plugin Capistrano::SCM::Git\nrequire 'capistrano/rbenv'\nrequire 'capistrano/bundler'\n\
     require 'capistrano/rails/assets'\nrequire 'capistrano/rails/migrations'\nrequire 'capistrano/passenger'\n\
     Dir.glob('lib/capistrano/tasks/*.rake').each { |r| import r }\n";

const DEPLOY: &str = "set :rbenv_ruby, '3.1.2'\nappend :linked_files, 'config/database.yml', 'config/master.key'\n\
     append :linked_dirs, 'log', 'tmp/pids', 'tmp/cache', 'storage'\nset :keep_assets, 2\n\
     set :passenger_restart_with_touch, true\nset :passenger_restart_wait, 0\nset :rails_env, 'production'\n\
     set :rails_assets_groups, :assets\n";

/// `rbenv exec …`: notes the call; `bundle check` succeeds once something is installed, assets get a manifest, and a
/// migration that is told to fail does.
const RBENV: &str = r#"#!/bin/sh
shift
echo "$PWD|$RBENV_ROOT|$RBENV_VERSION|$RAILS_ENV|$RAILS_GROUPS|$*" >> ~/calls
case "$*" in
  "bundle check"*) [ -e ~/installed ] ;;
  "bundle install"*) touch ~/installed ;;
  "bundle exec rake assets:precompile") mkdir -p public/assets && echo '{}' > public/assets/.sprockets-manifest-1.json ;;
  "bundle exec rake db:migrate") [ ! -e ~/no-migration ] ;;
esac
"#;

/// What a host was told since the last look, with the release and the home as words.
fn calls(three: &Three, host: &str) -> Vec<String> {
    let text = three.stage.on(host, "cat ~/calls 2>/dev/null; rm -f ~/calls");
    let home = three.stage.on(host, "echo ~");
    let root = three.root();
    let release = |line: &str| match line.split_once(&format!("{root}/releases/")) {
        Some(("", rest)) => format!("RELEASE{}", rest.get(14..).unwrap_or_default()),
        _ => line.to_owned(),
    };
    text.lines().map(|line| release(line).replace(&format!("{home}/"), "HOME/").replace(&root, "ROOT")).collect()
}

fn told(environment: &str, commands: &[&str]) -> Vec<String> {
    commands.iter().map(|command| format!("RELEASE|HOME/.rbenv|3.1.2|{environment}|{command}")).collect()
}

const CONFIG: [&str; 3] = [
    "bundle config --local deployment true",
    "bundle config --local path ROOT/shared/bundle",
    "bundle config --local without development:test",
];

fn rails(three: &Three) {
    three.write("Capfile", CAPFILE);
    std::fs::remove_file(three.stage.project.join("lib/capistrano/tasks/restart.rake")).unwrap();
    three.cap(&["production", "deploy"]).expect(2).says(&["rbenv", "3.1.2"]);
    for host in ALL {
        three.stage.on(host, "mkdir -p ~/.rbenv/bin ~/.rbenv/versions/3.1.2");
        three.stage.on(host, &format!("cat > ~/.rbenv/bin/rbenv <<'END'\n{RBENV}END\nchmod +x ~/.rbenv/bin/rbenv"));
        let root = three.root();
        three.stage.on(host, &format!("mkdir -p {root}/shared/config; touch {root}/shared/config/database.yml"));
    }
    three.cap(&["production", "deploy"]).expect(1).says(&["config/master.key", "web1.example.com", "db1.example.com"]);
    for host in ALL {
        assert_eq!(calls(three, host), [""; 0], "{host}: nothing is built where a linked file is missing");
        three.stage.on(host, &format!("touch {}/shared/config/master.key", three.root()));
    }

    three.cap(&["production", "deploy"]).expect(0).says(&["Deployed"]);
    for host in ALL {
        let mut wanted = told("|", &CONFIG);
        wanted.extend(told("|", &["bundle check", "bundle install --jobs 4 --quiet"]));
        match host {
            "web1" | "web2" => {
                wanted.extend(told("production|assets", &["bundle exec rake assets:precompile"]));
                wanted.extend(told("production|", &["bundle exec rake assets:clean[2]"]));
            }
            "db1" => wanted.extend(told("production|", &["bundle exec rake db:migrate"])),
            _ => {}
        }
        let mut found = calls(three, host);
        assert_eq!(found.len(), wanted.len(), "{host}: {found:#?}");
        found.sort();
        wanted.sort();
        assert_eq!(found, wanted, "{host}");
        let current = format!("{}/current", three.root());
        let has = |path: &str| three.stage.fleet.run(host, &format!("test -e {current}/{path}")).unwrap().ok();
        assert_eq!(has("tmp/restart.txt"), host.starts_with("app"), "{host}");
        assert_eq!(has("assets_manifest_backup/.sprockets-manifest-1.json"), host.starts_with("web"), "{host}");
        for link in ["log", "tmp/pids", "tmp/cache", "storage", "public/assets", "config/database.yml"] {
            let shared = three.stage.on(host, &format!("readlink {current}/{link}"));
            assert_eq!(shared, format!("{}/shared/{link}", three.root()), "{host}");
        }
    }
    again(three);
}

/// What is installed is only checked; a failing migration leaves every host as it was; a rollback brings the assets' manifest.
fn again(three: &Three) {
    three.stage.repo.release("2").unwrap();
    let old = three.stage.live("web1");
    three.stage.on("db1", "touch ~/no-migration");
    three.cap(&["production", "deploy"]).expect(1).says(&["db:migrate", "db1.example.com"]);
    for host in ALL {
        assert_eq!(three.stage.live(host), old, "{host}");
        calls(three, host);
    }
    three.stage.on("db1", "rm ~/no-migration");
    three.cap(&["production", "deploy"]).expect(0);
    let mut wanted = told("|", &CONFIG);
    wanted.extend(told("|", &["bundle check"]));
    assert_eq!(calls(three, "app1"), wanted);
    three.stage.on("web1", "rm -f ~/calls");
    three.cap(&["production", "deploy:rollback"]).expect(0);
    for host in ALL {
        assert_eq!(three.stage.live(host), old, "{host}");
    }
    let manifest = format!("test -e {}/current/public/assets/.sprockets-manifest-1.json", three.root());
    three.stage.on("web1", &manifest);
    assert!(calls(three, "web1").iter().all(|call| !call.contains("rake")), "a rollback builds nothing");
}

#[test]
fn a_rails_application_sshd() {
    if let Some(fleet) = start(FleetSpec::sshd(), "sshd") {
        rails(&Three::new(fleet, DEPLOY));
    }
}
