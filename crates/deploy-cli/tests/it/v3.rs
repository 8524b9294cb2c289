//! Recipes of Capistrano 3 on our fleets.

use deploy_testbed::repo::{AppRepo, RepoServer, Scm};
use deploy_testbed::{Fleet, FleetSpec};

use crate::support::{ALL, APP, Ran, Stage, have, start};

/// As `cap install` writes it, with a task file of the project's own.
const CAPFILE: &str = "require \"capistrano/setup\"\nrequire \"capistrano/deploy\"\n\
     require \"capistrano/scm/git\"\ninstall_plugin Capistrano::SCM::Git\n\
     Dir.glob(\"lib/capistrano/tasks/*.rake\").each { |r| import r }\n";

const RESTART: &str = r#"
namespace :deploy do
  desc "Restarts by tmp/restart.txt"
  task :restart do
    on roles(:app) do
      execute :mkdir, "-p", release_path.join("tmp")
      execute :touch, release_path.join('tmp/restart.txt')
    end
  end
end
after 'deploy:publishing', 'deploy:restart'
"#;

/// A project of dialect 3 on a fleet.
pub(crate) struct Three {
    pub(crate) stage: Stage,
}

impl Three {
    pub(crate) fn new(fleet: Fleet, deploy: &str) -> Self {
        Self::with(fleet, Scm::Git, deploy)
    }

    fn with(fleet: Fleet, scm: Scm, deploy: &str) -> Self {
        let repo = AppRepo::create(&fleet.scratch("repository").unwrap(), scm).unwrap();
        let server: RepoServer = repo.serve().unwrap();
        let project = fleet.scratch("project").unwrap();
        let three = Self { stage: Stage { fleet, repo, server, project } };
        three.write("Capfile", CAPFILE);
        three.write(
            "config/deploy.rb",
            &format!(
                "lock '~> 3.17'\nset :application, 'my_cool_app'\nset :repo_url, '{}'\nset :branch, 'main'\n\
                 set :deploy_to, '{}'\n{deploy}",
                three.stage.server.url(),
                three.stage.deploy_to()
            ),
        );
        three.write(
            "config/deploy/production.rb",
            "server 'web1.example.com', user: 'deploy', roles: %w[web]\n\
             server 'web2.example.com', user: 'deploy', roles: %w[web]\n\
             role :app, %w[deploy@app1.example.com deploy@app2.example.com]\n\
             server 'db1.example.com', user: 'deploy', roles: %w[db], primary: true\n",
        );
        three.write("lib/capistrano/tasks/restart.rake", RESTART);
        three
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        self.stage.write(name, text);
    }

    pub(crate) fn cap(&self, args: &[&str]) -> Ran {
        self.stage.run(self.stage.bare(args))
    }

    pub(crate) fn root(&self) -> String {
        self.stage.deploy_to()
    }

    /// All hosts live on one release of this revision; gives its name.
    #[track_caller]
    pub(crate) fn check_live(&self, revision: &str, version: &str) -> String {
        let release = self.stage.live("web1");
        for host in ALL {
            assert_eq!(self.stage.live(host), release, "{host}");
            let current = format!("{}/current", self.root());
            assert_eq!(self.stage.on(host, &format!("cat {current}/REVISION")), revision, "{host}");
            assert_eq!(self.stage.on(host, &format!("cat {current}/VERSION")), version, "{host}");
            let restarted = self.stage.on(host, &format!("test -e {current}/tmp/restart.txt && echo yes; true"));
            assert_eq!(restarted == "yes", APP.contains(&host), "{host}");
        }
        release
    }
}

pub(crate) fn embedded() -> Fleet {
    start(FleetSpec::embedded(), "embedded").expect("embedded fleets start everywhere")
}

/// Deploy, commit, deploy, roll back.
fn main_job(fleet: Fleet) {
    let three = Three::new(fleet, "");
    let first = three.stage.repo.head().unwrap();
    three.cap(&["--plan", "production", "deploy"]).expect(0).says(&["Capistrano 3", "restart.txt", "app1.example.com"]);
    three.cap(&["production", "deploy"]).expect(0).says(&["Deployed", "web1.example.com", "db1.example.com"]);
    let one = three.check_live(&first, "1");
    let second = three.stage.repo.release("2").unwrap();
    three.cap(&["production", "deploy"]).expect(0);
    let two = three.check_live(&second, "2");
    assert!(two > one);
    let dry = crate::dry_run::tells_no_lie(three.cap(&["-n", "production", "deploy:rollback"]));
    dry.says(&["switch current to release [previous, known at run]", "archive releases/[live, known at run]"]);
    three.cap(&["production", "deploy:rollback"]).expect(0).says(&["Rolled back"]);
    assert_eq!(three.check_live(&first, "1"), one);
    let root = three.root();
    for host in ALL {
        assert_eq!(three.stage.on(host, &format!("git -C {root}/repo rev-parse --is-bare-repository")), "true");
        three.stage.on(host, &format!("test -s {root}/rolled-back-release-{two}.tar.gz"));
        let log = three.stage.on(host, &format!("cat {root}/revisions.log"));
        let lines: Vec<&str> = log.lines().collect();
        assert_eq!(lines.len(), 3, "{log}");
        assert_eq!(lines[0], format!("Branch main (at {first}) deployed as release {one} by alice"), "{log}");
        assert!(lines[2].ends_with(&format!(" rolled back to release {one}")), "{log}");
    }
    three.cap(&["production", "deploy:rollback"]).expect(1).says(&["roll back"]);
}

#[test]
fn main_job_embedded() {
    main_job(embedded());
}

#[test]
fn main_job_sshd() {
    if let Some(fleet) = start(FleetSpec::sshd(), "sshd") {
        main_job(fleet);
    }
}

/// Nothing of a block waits for another host: here one host answers only when the other has done its last command.
#[test]
fn hosts_of_a_block_go_at_their_own_pace() {
    let three = Three::new(embedded(), "");
    let meeting = three.stage.fleet.scratch("meeting").unwrap();
    let place = meeting.display();
    three.write(
        "lib/capistrano/tasks/meet.rake",
        &format!(
            "task :meet do\n  on roles(:app) do |host|\n    if host.hostname == 'app1.example.com'\n      \
             info capture('until [ -e {place}/go ]; do sleep 0.1; done; echo they met')\n    else\n      \
             execute :echo, 'first'\n      execute :touch, '{place}/go'\n    end\n  end\nend\n"
        ),
    );
    three.cap(&["production", "meet"]).expect(0).says(&["they met", "first"]);
}

/// What fails before the switch leaves every host as it was; what fails behind it puts all of them back; `deploy:failed`
/// runs both times, and what hangs on the end only warns.
#[test]
fn failures_of_a_deploy() {
    let hooks = "after('deploy:updated', :look) { on(roles(:all)) { execute 'test ! -e ~/broken' } }\n\
         after('deploy:publishing', :ping) { on(roles(:app)) { execute 'echo ping >> ~/pings; rm ~/dead 2>/dev/null && exit 1; true' } }\n\
         after('deploy:failed', :tell) { on(roles(:web)) { execute 'touch ~/told' } }\n\
         after('deploy:finished', :late) { on(roles(:db)) { execute 'test ! -e ~/late' } }\n";
    let three = Three::new(embedded(), hooks);
    let first = three.stage.repo.head().unwrap();
    three.cap(&["production", "deploy"]).expect(0);
    let one = three.check_live(&first, "1");
    three.stage.repo.release("2").unwrap();
    let releases = format!("ls {}/releases", three.root());

    three.stage.on("db1", "touch ~/broken");
    three.cap(&["production", "deploy"]).expect(1).says(&["db1.example.com", "config/deploy.rb:"]);
    three.stage.on("web1", "rm ~/told");
    for host in ALL {
        assert_eq!(three.stage.live(host), one, "{host}");
        assert_eq!(three.stage.on(host, &releases), one, "{host}");
    }
    three.stage.on("db1", "rm ~/broken");

    three.stage.on("app2", "touch ~/dead");
    let ran = three.cap(&["production", "deploy"]).expect(3).says(&["app2.example.com"]);
    for host in ALL {
        assert_eq!(three.stage.live(host), one, "{host}\n{}", ran.text);
    }
    // The first deploy, the second, and once more on the release that is back.
    assert_eq!(three.stage.on("app1", "wc -l < ~/pings").trim(), "3", "{}", ran.text);
    three.stage.on("web1", "rm ~/told");

    three.stage.on("db1", "touch ~/late");
    three.cap(&["production", "deploy"]).expect(8);
    assert_ne!(three.stage.live("db1"), one);
    assert!(!three.stage.fleet.run("web1", "test -e ~/told").unwrap().ok());
}

/// `cap install` writes a project that works when its settings are filled in, and leaves what is there alone.
#[test]
fn install_writes_a_project() {
    let three = Three::new(embedded(), "");
    for name in ["Capfile", "config", "lib"] {
        let path = three.stage.project.join(name);
        if path.is_dir() { std::fs::remove_dir_all(path).unwrap() } else { std::fs::remove_file(path).unwrap() }
    }
    three.cap(&["install", "STAGES=production"]).expect(0).says(&["create config/deploy/production.rb", "Capified"]);
    three.cap(&["install", "STAGES=deploy"]).expect(2).says(&["\"deploy\""]);
    let project = &three.stage.project;
    let add = |name: &str, text: &str| {
        let path = project.join(name);
        let known = std::fs::read_to_string(&path).unwrap();
        std::fs::write(path, format!("{known}{text}")).unwrap();
    };
    add(
        "config/deploy.rb",
        &format!(
            "set :repo_url, '{}'\nset :branch, 'main'\nset :deploy_to, '{}'\n",
            three.stage.server.url(),
            three.root()
        ),
    );
    add("config/deploy/production.rb", "server 'web1.example.com', user: 'deploy', roles: %w[web app db]\n");
    three.cap(&["install", "STAGES=production"]).expect(0).says(&["[skip] config/deploy.rb already exists"]);
    three.cap(&["-T"]).expect(0).says(&["cap deploy ", "cap deploy:rollback", "cap git:check"]);
    three.cap(&["deploy"]).expect(2).says(&["no stage", " production deploy`"]);
    three.cap(&["production", "deploy"]).expect(0).says(&["Deployed"]);
    three.cap(&["production", "depoly"]).expect(2).says(&["did you mean", "deploy"]);
    three.cap(&["production", "deploy", "HOSTS=web9.example.com"]).expect(2).says(&["web9.example.com"]);
}

/// The example of the repository loads, with its stages.
#[test]
fn the_example_loads() {
    let example = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/stages");
    let cap = |args: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_cap"))
            .args(args)
            .current_dir(&example)
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        Ran { code: output.status.code().unwrap_or(-1), text }
    };
    cap(&["-T"]).expect(0).says(&["cap app:uptime", "cap deploy:restart", "cap deploy:rollback"]);
    cap(&["production", "doctor"]).expect(0).says(&["Capistrano 3", "app2.example.com  [app]"]);
    cap(&["-n", "production", "app:uptime"]).expect(0).says(&["uptime", "web1.example.com"]);
}

#[test]
fn subversion() {
    if !have(Scm::Subversion) {
        return;
    }
    let three = Three::with(embedded(), Scm::Subversion, "");
    three.write("Capfile", &CAPFILE.replace("scm/git", "scm/svn").replace("SCM::Git", "SCM::Svn"));
    let first = three.stage.repo.head().unwrap();
    three.cap(&["production", "deploy"]).expect(0);
    let one = three.check_live(&first, "1");
    let second = three.stage.repo.release("2").unwrap();
    three.cap(&["production", "deploy"]).expect(0);
    three.check_live(&second, "2");
    three.cap(&["production", "deploy:rollback", &format!("ROLLBACK_RELEASE={one}")]).expect(0);
    assert_eq!(three.check_live(&first, "1"), one);
}

/// `unreachable` and `max_failed` mean the same as in dialect 2; inside of `on` the host that failed is left out, too.
#[test]
fn embedded_hosts_that_fail_or_cannot_be_reached_are_left_out() {
    let build = "set :unreachable, :skip\nset :max_failed, '20%'\nafter 'deploy:updating', 'breaks' do\n  on roles(:all) do\n    \
                 execute 'test ! -e ~/broken'\n    execute :touch, '~/went-on' if test('test -d /')\n  end\nend\n";
    let three = Three::new(embedded(), build);
    three.cap(&["production", "deploy"]).expect(0);
    let old = three.stage.live("web1");
    let head = three.stage.repo.release("2").unwrap();
    three.stage.on("app2", "touch ~/broken; rm ~/went-on");
    three.stage.fleet.stop_host("web2").unwrap();
    three.cap(&["-n", "production", "deploy"]).expect(0).says(&["are left out (set :unreachable, :skip)"]);
    three.cap(&["production", "deploy"]).expect(6).says(&[
        "web2.example.com cannot be reached and is left out",
        "app2.example.com failed before the switch and is left out",
        "on 3 of 5 hosts",
    ]);
    let new = three.stage.live("web1");
    assert_ne!(new, old);
    let lives = ALL.map(|host| three.stage.live(host));
    assert_eq!(lives, [&new, &old, &new, &old, &new].map(String::clone));
    assert!(!three.stage.fleet.run("app2", "test -e ~/went-on").unwrap().ok());
    three.stage.on("app2", "rm ~/broken");
    three.stage.fleet.start_host("web2").unwrap();
    three.cap(&["production", "deploy"]).expect(0);
    three.check_live(&head, "2");
}

/// The list of releases, marks and the lock by hand are there in this dialect too.
#[test]
fn embedded_releases_marks_and_locks() {
    let three = Three::new(start(FleetSpec::embedded(), "embedded").unwrap(), "");
    three.cap(&["production", "deploy"]).expect(0);
    let first = three.stage.live("web1");
    three.stage.repo.release("2").unwrap();
    three.cap(&["production", "deploy"]).expect(0);
    let second = three.stage.live("web1");
    three.cap(&["production", "releases"]).expect(0).says(&[&first, &second, "live, confirmed"]);
    three.stage.repo.release("3").unwrap();
    three.cap(&["production", "deploy"]).expect(0);
    three.cap(&["production", "release:bad", &format!("RELEASE={second}")]).expect(0);
    three.cap(&["production", "release:pin", "--to", &second]).expect(0);
    three.cap(&["production", "releases"]).expect(0).says(&["bad, pinned"]);
    three.cap(&["production", "deploy:rollback"]).expect(0);
    assert_eq!(three.stage.live("web1"), first, "{second} is bad");
    three.cap(&["production", "deploy:lock", "-m", "freeze until Monday"]).expect(0);
    let hint = "deploy:unlock";
    three.cap(&["production", "deploy"]).expect(5).says(&["freeze until Monday", hint]);
    three.cap(&["production", "deploy:unlock"]).expect(0);
    three.cap(&["production", "recover"]).expect(0).says(&["no run has left anything unfinished"]);
    three.cap(&["-T"]).expect(0).says(&["release:bad", "releases", "deploy:lock"]);
}

/// A relative `deploy_to` begins in the login's home, and each run says so once, where it was set.
#[test]
fn embedded_a_deploy_to_that_is_relative() {
    let three = Three::new(embedded(), "set :deploy_to, 'apps/shop'\nset :linked_dirs, %w[log]\n");
    for task in ["deploy:check", "deploy"] {
        let ran = three.cap(&["production", task]).expect(0);
        let warning = "warning: config/deploy.rb:6:1: deploy_to \"apps/shop\" is relative";
        assert_eq!(ran.text.matches(warning).count(), 1, "{task}: {}", ran.text);
    }
    for host in ALL {
        three.stage.on(host, "test -f ~/apps/shop/current/REVISION && test -d ~/apps/shop/current/log/.");
    }
    let ran = three.cap(&["production", "deploy", "-s", "deploy_to="]).expect(2);
    ran.says(&["the command line, -s deploy_to", "the path is empty", "give -s deploy_to=/var/www/my_shop"]);
}
