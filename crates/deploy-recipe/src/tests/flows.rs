//! The built-in flows of the recipe that this product was asked for, item by item.

use deploy_plan::{HandlerId, HostRelease, ProblemKind, Program, Stopped};

use super::{NEW, Notes, SEED, fail, load, run, run_on, run_recipe};

const LINKS: &str = "links public/system->/var/www/my_cool_app/shared/system log->/var/www/my_cool_app/shared/log \
                     tmp/pids->/var/www/my_cool_app/shared/pids";
const ALL: &str = "web1,web2,app1,app2,db1";

fn items(notes: &Notes) -> String {
    notes.lines.borrow().join("\n")
}

fn build() -> String {
    format!(
        "begin deploy - in /var/www/my_cool_app @ {ALL}\n\
         update_code {NEW} 4711 (trunk) {LINKS} @ {ALL} for deploy:update_code\n\
         note: deploy:after_update_code runs after deploy:update_code because of its name, as in Capistrano 2.0 to 2.10 (set :magic_hooks, false turns this off)\n\
         > deploy:after_update_code -\n\
         run ln -nfs /var/www/my_cool_app/shared/config/database.yml /var/www/my_cool_app/releases/{NEW}/config/database.yml @ app1,app2\n\
         < deploy:after_update_code\n\
         < deploy:update_code"
    )
}

fn switch() -> String {
    format!("> deploy:create_symlink -\npublish {NEW} 4711 @ {ALL} for deploy:create_symlink\n< deploy:create_symlink")
}

const RESTART: &str = "> deploy:restart restart\nrun touch /var/www/my_cool_app/current/tmp/restart.txt @ app1,app2\n< deploy:restart\nedge";

#[tokio::test]
async fn deploy() {
    let notes = run(SEED, &["deploy"]).await;
    let look = "wait Facts Output: ls db/migrate @ db1";
    let expected = format!(
        "> deploy -\n> deploy:update -\n> deploy:update_code build\n{}\n{look}\n{}\n< deploy:update\n{RESTART}\n< deploy",
        build(),
        switch()
    );
    assert_eq!(items(&notes), expected);
}

#[tokio::test]
async fn migrations() {
    let notes = run(SEED, &["deploy:migrations"]).await;
    let migrate = format!(
        "> deploy:migrate migrate\nrun cd /var/www/my_cool_app/releases/{NEW} && rake RAILS_ENV=production db:migrate @ db1\n< deploy:migrate"
    );
    let expected = format!(
        "> deploy:migrations -\n> deploy:update_code build\n{}\n{migrate}\n{}\n{RESTART}\n< deploy:migrations",
        build(),
        switch()
    );
    assert_eq!(items(&notes), expected);
}

#[tokio::test]
async fn cold_migrates_after_the_switch_and_starts() {
    let notes = run(SEED, &["deploy:cold"]).await;
    let expected = format!(
        "> deploy:cold -\n> deploy:update -\n> deploy:update_code build\n{}\n{}\n< deploy:update\n> deploy:migrate migrate\n\
         run cd /var/www/my_cool_app/releases/{NEW} && rake RAILS_ENV=production db:migrate @ db1\n< deploy:migrate\n\
         > deploy:start restart\n< deploy:start\nedge\n< deploy:cold",
        build(),
        switch()
    );
    assert_eq!(items(&notes), expected);
}

#[tokio::test]
async fn rollback() {
    let notes = run(SEED, &["deploy:rollback"]).await;
    let expected = format!(
        "> deploy:rollback -\n> deploy:rollback:revision -\nbegin rollback in /var/www/my_cool_app @ {ALL}\n\
         rollback to 20261101000001 from 20261101000002 @ {ALL} for deploy:rollback:revision\n< deploy:rollback:revision\n{RESTART}\n\
         > deploy:rollback:cleanup after\nremove left 20261101000002 @ {ALL} for deploy:rollback:cleanup\n< deploy:rollback:cleanup\n\
         < deploy:rollback"
    );
    assert_eq!(items(&notes), expected);
}

#[tokio::test]
async fn rollback_to_a_release_that_is_named() {
    for (task, name, wanted) in [
        ("deploy:rollback", "20261001000000", "begin rollback to 20261001000000 in"),
        ("deploy:rollback:code", " 20261001000000 ", "begin rollback to 20261001000000 in"),
        ("deploy:rollback:revision", "20261001000000", "begin rollback to 20261001000000 in"),
        ("deploy:rollback", " ", "begin rollback in"),
    ] {
        let work = run(&format!("ENV['RELEASE'] = '{name}'\n{SEED}"), &[task]).await.work();
        assert!(work[0].starts_with(wanted), "{task}: {work:?}");
    }
    let recipe = load(SEED).await;
    for task in ["deploy:rollback", "deploy:rollback:code", "deploy:rollback:revision"] {
        assert!(recipe.explain(task).unwrap().description.unwrap().contains("RELEASE"), "{task}");
    }
}

#[tokio::test]
async fn what_migrates_is_quoted_except_for_the_words_of_the_recipe() {
    let settings = "set :current_path, '$HOME/x'\nset :rails_env, 'a;id'\nset :rake, 'bin/rake -s'\n\
                    set :migrate_env, 'A=1 B=2'\nset :migrate_target, :current";
    let work = run(&format!("{SEED}\n{settings}"), &["deploy:migrate"]).await.work();
    assert_eq!(work, ["run cd ~/x && bin/rake -s RAILS_ENV='a;id' A=1 B=2 db:migrate @ db1"]);
    let latest = "set(:latest_release) { '/srv/x $(id)' }";
    let work = run(&format!("{SEED}\n{latest}"), &["deploy:migrate"]).await.work();
    assert_eq!(work, ["run cd '/srv/x $(id)' && rake RAILS_ENV=production db:migrate @ db1"]);
}

#[tokio::test]
async fn rollback_with_nothing_to_go_back_to() {
    let recipe = load(SEED).await;
    let notes = Notes::default();
    *notes.facts.borrow_mut() = HostRelease::default();
    let Err(Stopped::Problem(problem)) = run_recipe(&recipe, &["deploy:rollback"], &notes).await else {
        panic!("it ran")
    };
    assert_eq!(problem.kind, ProblemKind::NothingToRollBack);
}

#[tokio::test]
async fn setup_and_cleanup() {
    let notes = run(SEED, &["deploy:setup", "deploy:cleanup"]).await;
    let root = "/var/www/my_cool_app";
    let expected = format!(
        "> deploy:setup setup\nbegin setup in {root} @ {ALL}\nsetup {root} {root}/releases {root}/shared {root}/shared/system \
         {root}/shared/log {root}/shared/pids g+w=true @ {ALL} for deploy:setup\n< deploy:setup\n> deploy:cleanup after\n\
         begin cleanup in {root} @ {ALL}\ncleanup keep 5 @ {ALL} for deploy:cleanup\n< deploy:cleanup"
    );
    assert_eq!(items(&notes), expected);
}

/// As in Ruby; on the command line such a word is refused.
#[tokio::test]
async fn a_recipes_odd_use_sudo_is_true() {
    for value in ["'maybe'", "'false'", ":off", "0"] {
        let recipe = SEED.replace("set :use_sudo, false", &format!("set :use_sudo, {value}"));
        let notes = run(&recipe, &["deploy:update"]).await;
        let begin = format!("begin deploy - sudo in /var/www/my_cool_app @ {ALL}");
        assert!(notes.lines.borrow().contains(&begin), "{value}: {}", items(&notes));
    }
}

#[tokio::test]
async fn sudo_is_the_default_for_built_in_work() {
    let notes = run(&SEED.replace("set :use_sudo, false", ""), &["deploy:update"]).await;
    let work = notes.work();
    assert_eq!(work[0], format!("begin deploy - sudo in /var/www/my_cool_app @ {ALL}"));
    assert!(work[1].starts_with("update_code"), "the code is checked out as the login: {work:?}");
    assert!(work.last().unwrap().starts_with("sudo publish"), "{work:?}");
}

#[tokio::test]
async fn redefined_hooked_and_called_built_ins() {
    let recipe = format!(
        "{SEED}
namespace :deploy do
  task(:update_code, :except => {{ :no_release => true }}) {{ strategy.deploy!; finalize_update }}
  task(:finalize_update, :except => {{ :no_release => true }}) {{ run 'echo mine' }}
  task(:mine) {{ update }}
end"
    );
    let notes = run(&recipe, &["deploy:mine"]).await;
    let work = notes.work();
    assert_eq!(work.len(), 5, "{work:?}");
    assert_eq!(work[1], format!("update_code {NEW} 4711 (trunk) links  @ {ALL} for deploy:update_code"));
    assert_eq!(work[2], format!("run echo mine @ {ALL}"));
    assert!(work[3].starts_with("run ln -nfs") && work[4].starts_with("publish"), "{work:?}");
}

#[tokio::test]
async fn what_hangs_at_finalize_update_comes_between() {
    let recipe = format!("{SEED}\nbefore('deploy:finalize_update') {{ run \"cd #{{latest_release}} && bundle\" }}");
    let notes = run(&recipe, &["deploy:update_code"]).await;
    let work = notes.work();
    assert!(work[1].contains("links  @"), "{work:?}");
    assert_eq!(work[2], format!("run cd /var/www/my_cool_app/releases/{NEW} && bundle @ {ALL}"));
    assert!(work[3].starts_with(&format!("ops link what is shared into releases/{NEW}: 5 ops")), "{work:?}");
}

#[tokio::test]
async fn the_old_name_of_create_symlink() {
    let old = format!(
        "{SEED}\nnamespace(:deploy) {{ task(:symlink, :roles => :app) {{ run 'ln -s mine' }} }}\nafter('deploy:symlink') {{ run 'hooked' }}"
    );
    let notes = run(&old, &["deploy:update"]).await;
    let work = notes.work();
    assert_eq!(work[3..], ["run ln -s mine @ app1,app2", "run hooked @ web1,web2,app1,app2,db1"], "{work:?}");
    let tasks = notes.tasks();
    assert_eq!(tasks[tasks.len() - 2..], ["deploy:create_symlink", "deploy:symlink"]);
    let named = format!("{SEED}\nnamespace(:deploy) {{ task(:after_symlink) {{ run 'x' }} }}");
    assert!(run(&named, &["deploy:symlink"]).await.work().contains(&format!("run x @ {ALL}")));
}

fn with_migrations(names: &'static str) -> Notes {
    let notes = Notes::answering(move |command, _| {
        (0, if command.shown == "ls db/migrate" { names.to_owned() } else { String::new() })
    });
    notes.facts.borrow_mut().migrations = Some(vec!["001_a.rb".into()]);
    notes
}

#[tokio::test]
async fn deploy_migrates_before_the_switch_when_there_is_something_new() {
    let notes = run_on(SEED, &["deploy"], with_migrations("001_a.rb\n002_b.rb\n")).await;
    let tasks = notes.tasks();
    let at = |name: &str| tasks.iter().position(|task| task == name).unwrap();
    assert!(at("deploy:update_code") < at("deploy:migrate") && at("deploy:migrate") < at("deploy:create_symlink"));
    assert!(notes.work().contains(&format!(
        "run cd /var/www/my_cool_app/releases/{NEW} && rake RAILS_ENV=production db:migrate @ db1"
    )));
    assert!(notes.messages.borrow().iter().any(|text| text.contains("002_b.rb")));
    let nothing_new = run_on(SEED, &["deploy"], with_migrations("001_a.rb\n")).await;
    assert!(!nothing_new.tasks().contains(&"deploy:migrate".to_owned()));
}

#[tokio::test]
async fn deploy_does_not_migrate_when_the_recipe_does_or_forbids_it() {
    for (extra, reason) in [
        ("set :migrate_on_deploy, false", "migrate_on_deploy is false"),
        ("after 'deploy:update_code', 'deploy:migrate'", "hooks the migrations itself"),
        ("after('deploy:create_symlink') do\n  run 'rake db:migrate'\nend", "migrates itself"),
        ("after('deploy:update_code') { run 'rake db:migrate' }", "migrated already"),
        ("role :db, 'db2.example.com', :primary => true", "are all :primary"),
        ("namespace(:deploy) { task(:migrate) { } }", "a deploy:migrate of its own"),
    ] {
        let recipe = format!("{SEED}\n{extra}");
        let notes = run_on(&recipe, &["deploy"], with_migrations("001_a.rb\n002_b.rb\n")).await;
        assert!(notes.notes().iter().any(|note| note.contains(reason)), "{extra}: {:?}", notes.notes());
        assert!(!notes.work().iter().any(|line| line.contains("ls db/migrate")), "{extra}");
    }
}

#[tokio::test]
async fn new_migrations_without_the_primary_host_are_refused() {
    let effects = super::deployer();
    deploy_ruby::Effects::set_env(&*effects, "HOSTFILTER", Some("app1.example.com"));
    let recipe = super::load_with(effects, SEED).await.unwrap();
    let notes = with_migrations("001_a.rb\n002_b.rb\n");
    let Err(Stopped::Problem(problem)) = run_recipe(&recipe, &["deploy"], &notes).await else { panic!("it ran") };
    assert_eq!(problem.kind, ProblemKind::Usage);
    assert!(problem.why.contains("db1.example.com is not among the selected hosts"), "{}", problem.why);
    assert_eq!(recipe.program(Vec::new()).narrowed().unwrap(), (1, 5, "HOSTFILTER=app1.example.com".to_owned()));
}

#[tokio::test]
async fn a_rehearsal_has_the_migration_under_its_condition() {
    let notes = Notes::default();
    notes.rehearsal.set(true);
    let notes = run_on(SEED, &["deploy"], notes).await;
    let work = notes.work();
    let at =
        |part: &str| work.iter().position(|line| line.contains(part)).unwrap_or_else(|| panic!("{part}: {work:#?}"));
    let migration = at("db:migrate @ db1");
    assert!(at("only if the new release has migrations") < migration && migration < at("in any case"), "{work:#?}");
    assert!(at("in any case") < at("publish"), "{work:#?}");
    assert!(work.last().unwrap() == "edge");
}

#[tokio::test]
async fn the_edge_comes_once_and_only_after_something_was_made_live() {
    let recipe =
        format!("{SEED}\nafter 'deploy:restart', 'x'\ntask(:x) {{ run 'hooked' }}\nafter('deploy') {{ run 'late' }}");
    let notes = run(&recipe, &["deploy", "deploy:restart"]).await;
    let work = notes.work();
    let edge = work.iter().position(|line| line == "edge").unwrap();
    assert_eq!(work[edge - 1], format!("run hooked @ {ALL}"));
    assert_eq!(work[edge + 1], format!("run late @ {ALL}"));
    assert_eq!(work.iter().filter(|line| *line == "edge").count(), 1);
    assert!(!run(SEED, &["deploy:restart"]).await.work().contains(&"edge".to_owned()));
}

#[tokio::test]
async fn maintenance_page() {
    let effects = super::deployer();
    deploy_ruby::Effects::set_env(&*effects, "REASON", Some("an upgrade"));
    let recipe = super::load_with(effects, SEED).await.unwrap();
    let notes = Notes::default();
    run_recipe(&recipe, &["deploy:web:disable", "deploy:web:enable"], &notes).await.unwrap();
    let work = notes.work();
    assert_eq!(work[1], "ops put the maintenance page up: 2 ops, 1 to undo @ web1,web2 for deploy:web:disable");
    assert_eq!(work[2], "ops take the maintenance page down: 1 ops, 0 to undo @ web1,web2 for deploy:web:enable");
}

#[tokio::test]
async fn invoke() {
    let effects = super::deployer();
    let recipe = super::load_with(effects.clone(), SEED).await.unwrap();
    let notes = Notes::default();
    let Err(Stopped::Problem(problem)) = run_recipe(&recipe, &["invoke"], &notes).await else { panic!("it ran") };
    assert_eq!(problem.kind, ProblemKind::Usage);
    deploy_ruby::Effects::set_env(&*effects, "COMMAND", Some("uptime"));
    run_recipe(&recipe, &["invoke"], &notes).await.unwrap();
    deploy_ruby::Effects::set_env(&*effects, "SUDO", Some("1"));
    run_recipe(&recipe, &["invoke"], &notes).await.unwrap();
    assert_eq!(notes.work(), [format!("run uptime @ {ALL}"), format!("run sudo uptime @ {ALL}")]);
}

const LOOK: &str = "look at the directories, the tools and the repository";

#[tokio::test]
async fn check_lists_everything_at_once() {
    let notes = Notes::answering(|command, host| match (command.shown.as_str(), host.as_str()) {
        (LOOK, "web1.example.com") => (0, "login deploy\nabsent releases\ntool 0\n".into()),
        (LOOK, "web2.example.com") => {
            (0, "login deploy\nunreadable\nsaid svn: E170013: Unable to connect\nsaid svn: E000111: refused\n".into())
        }
        (LOOK, _) => (0, "login deploy\n".into()),
        ("check command convert", "app2.example.com") => (1, String::new()),
        _ => (0, String::new()),
    });
    let recipe = load(&format!("{SEED}\ndepend :remote, :command, 'convert', :roles => :app")).await;
    let Err(Stopped::Problem(problem)) = run_recipe(&recipe, &["deploy:check"], &notes).await else {
        panic!("it passed")
    };
    assert_eq!(problem.why, "4 things are in the way on 3 hosts");
    let failed = notes.failed.borrow();
    let told: Vec<(&str, &str)> = failed.iter().map(|p| (p.host.as_ref().unwrap().as_str(), p.what.as_str())).collect();
    assert_eq!(
        told,
        [
            ("web1.example.com", "find /var/www/my_cool_app/releases"),
            ("web1.example.com", "find svn"),
            ("web2.example.com", "read the repository svn://svn.example.com/apps/my_cool_app/trunk from the host"),
            ("app2.example.com", "find what the recipe depends on, the command convert"),
        ]
    );
    assert_eq!(failed[2].why, "svn: E170013: Unable to connect; svn: E000111: refused");
    let line = SEED.lines().position(|line| line.starts_with("set :repository")).unwrap() + 1;
    assert_eq!(failed[2].site.as_ref().unwrap().line as usize, line);
    assert!(failed[2].next.as_ref().unwrap().contains("in `cap ssh web2.example.com`: svn info svn://"), "{failed:?}");
    assert!(failed[0].next.as_ref().unwrap().starts_with("`cap deploy:setup` "));
}

#[tokio::test]
async fn check_passes() {
    let notes = run(SEED, &["deploy:check"]).await;
    assert!(notes.messages.borrow().contains(&"the hosts are ready for a deploy".to_owned()));
    assert_eq!(notes.work().last().unwrap(), &format!("begin check in /var/www/my_cool_app @ {ALL}"));
}

#[tokio::test]
async fn tasks_that_are_refused_are_not_listed() {
    let recipe = load(SEED).await;
    assert!(!recipe.explain("deploy:check").unwrap().hidden);
    assert!(!recipe.explain("deploy:upload").unwrap().hidden && recipe.explain("shell").unwrap().hidden);
}

/// A condition whose command is the recipe's own is not tried in a rehearsal.
#[tokio::test]
async fn check_in_a_rehearsal() {
    let recipe = load(&format!("{SEED}\ndepend :remote, :match, 'touch /tmp/x', 'y'\n")).await;
    let notes = Notes::default();
    notes.rehearsal.set(true);
    run_recipe(&recipe, &["deploy:check"], &notes).await.unwrap();
    let text = "the hosts are ready for a deploy; 1 `depend' of the recipe is tried only in a real run".to_owned();
    assert!(notes.messages.borrow().contains(&text), "{:?}", notes.messages.borrow());
    assert!(notes.work().iter().all(|line| !line.contains("match")), "{:?}", notes.work());
}

#[tokio::test]
async fn pending() {
    let effects = super::deployer();
    let recipe =
        super::load_with(effects, &SEED.replace("svn://svn.example.com/apps/my_cool_app/trunk", "git@h:x.git"))
            .await
            .unwrap();
    let notes = Notes::default();
    notes.facts.borrow_mut().live_revision =
        Some(deploy_plan::Revision::new("8f3a2c1b00000000000000000000000000000001").unwrap());
    run_recipe(&recipe, &["deploy:pending"], &notes).await.unwrap();
    assert_eq!(notes.messages.borrow()[0], "nothing is pending: 8f3a2c1b00 (HEAD) is live");
}

#[tokio::test]
async fn what_is_not_supported_yet_is_said_before_any_host_is_asked() {
    for (extra, word) in [
        ("set :deploy_via, :copy", "deploy_via"),
        ("set :scm, :mercurial", "scm"),
        ("set(:deploy_via) { :copy }", "deploy_via"),
    ] {
        let recipe = format!("{SEED}\n{extra}\nbefore('deploy') {{ run 'x' }}");
        let (problem, notes) = fail(&recipe, &["deploy"]).await;
        assert_eq!(problem.kind, ProblemKind::Unsupported, "{extra}");
        assert!(problem.why.contains(word), "{}", problem.why);
        assert!(problem.site.is_some());
        assert!(
            !notes.lines.borrow().iter().any(|line| line.starts_with("begin") || line.starts_with("wait")),
            "{extra}"
        );
    }
}

#[tokio::test]
async fn bad_revisions() {
    for (extra, kind) in [
        ("set :repository, 'git@h:x.git'; set :branch, '-x'", ProblemKind::Usage),
        ("set :repository, 'git@h:x.git'; set :branch, 'nowhere'", ProblemKind::Usage),
    ] {
        let (problem, notes) = fail(&format!("{SEED}\n{extra}"), &["deploy"]).await;
        assert_eq!(problem.kind, kind, "{}", problem.why);
        assert!(notes.work().is_empty());
    }
}

/// A shared child outside the release would have shared data removed.
#[tokio::test]
async fn shared_children_stay_in_the_release() {
    for child in ["../../shared", "log/../..", ".", "./.."] {
        for task in ["deploy:setup", "deploy"] {
            let (problem, notes) = fail(&format!("{SEED}\nset :shared_children, ['log', '{child}']"), &[task]).await;
            assert_eq!(problem.kind, ProblemKind::Usage, "{child}: {}", problem.why);
            assert!(notes.work().is_empty());
        }
    }
}

#[tokio::test]
async fn mandatory_variables() {
    for name in ["application", "repository"] {
        let (problem, _) = fail("role :app, 'h'", &["deploy"]).await;
        let hint = problem.next.unwrap_or_default();
        assert_eq!(problem.kind, ProblemKind::Usage, "{name}: {}", problem.why);
        assert!(hint.starts_with("add to the recipe: set :"), "{hint}");
    }
}

#[tokio::test]
async fn on_rollback_bodies_are_numbered_and_run_in_their_scope() {
    let recipe = load(&format!(
        "{SEED}
before 'deploy:update_code', 'one'
task(:one, :roles => :app) {{ on_rollback {{ run 'first' }}; on_rollback {{ run 'undo one' }} }}
task(:two) {{ on_rollback {{ raise 'broken' }} }}
before 'deploy:create_symlink', 'two'"
    ))
    .await;
    let notes = Notes::default();
    let program = recipe.program(vec!["deploy".into()]);
    program.run(&notes).await.unwrap();
    let work = notes.work();
    assert_eq!(
        work.iter().filter(|line| line.starts_with("on_rollback")).collect::<Vec<_>>(),
        ["on_rollback 0 for one", "on_rollback 1 for two"]
    );
    let undone = Notes::default();
    program.undo(HandlerId(1), &undone).await.unwrap();
    program.undo(HandlerId(0), &undone).await.unwrap();
    assert_eq!(undone.work(), ["run undo one @ app1,app2"]);
    assert!(undone.messages.borrow()[0].contains("broken"));
}

#[tokio::test]
async fn a_publish_of_the_recipes_own_is_named_in_the_plan() {
    let recipe = format!("{SEED}\nnamespace(:deploy) {{ task(:create_symlink) {{ run 'ln -s mine' }} }}");
    let notes = run(&recipe, &["deploy"]).await;
    let told =
        notes.notes().into_iter().find(|note| note.starts_with("deploy:create_symlink is the recipe's own")).unwrap();
    assert!(told.contains("(/app/config/deploy.rb:28:22)"), "{told}");
    assert_eq!(notes.work().last().unwrap(), "edge", "something was made live all the same");
}

#[tokio::test]
async fn hosts_named_on_the_command_line_do_not_make_a_migration_run_twice() {
    for (hosts, wanted) in [("web1.example.com,db1.example.com", "db1"), ("web1.example.com", "web1")] {
        let effects = super::deployer();
        deploy_ruby::Effects::set_env(&*effects, "HOSTS", Some(hosts));
        let recipe = super::load_with(effects, SEED).await.unwrap();
        let notes = Notes::default();
        run_recipe(&recipe, &["deploy:migrate"], &notes).await.unwrap();
        let line = notes.work().pop().unwrap();
        assert!(line.contains("db:migrate") && line.ends_with(&format!("@ {wanted}")), "{line}");
    }
}
