//! Recipes of Capistrano 3 on our fleets.

use deploy_testbed::repo::{AppRepo, RepoServer, Scm};
use deploy_testbed::{Fleet, FleetSpec};

use crate::support::{ALL, APP, Ran, Stage, start};

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
struct Three {
    stage: Stage,
}

impl Three {
    fn new(fleet: Fleet, deploy: &str) -> Self {
        let repo = AppRepo::create(&fleet.scratch("repository").unwrap(), Scm::Git).unwrap();
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

    fn write(&self, name: &str, text: &str) {
        self.stage.write(name, text);
    }

    fn cap(&self, args: &[&str]) -> Ran {
        self.stage.run(self.stage.bare(args))
    }

    fn root(&self) -> String {
        self.stage.deploy_to()
    }

    /// All hosts live on one release of this revision; gives its name.
    #[track_caller]
    fn check_live(&self, revision: &str, version: &str) -> String {
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

fn embedded() -> Fleet {
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
