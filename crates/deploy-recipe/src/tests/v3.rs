//! Recipes of Capistrano 3.

use std::rc::Rc;

use deploy_plan::{Problem, Program, Stopped};
use deploy_ruby::MemoryEffects;

use super::{NEW, Notes, deployer};
use crate::{Dialect, Loader, Recipe};

const CAPFILE: &str = "require 'capistrano/setup'\nrequire 'capistrano/deploy'\nrequire 'capistrano/scm/git'\n\
     install_plugin Capistrano::SCM::Git\nDir.glob('lib/capistrano/tasks/*.rake').each { |r| import r }\n";
const STAGE: &str = "server 'deploy@web1', roles: %w[web]\nserver 'app1', user: 'deploy', roles: %w[app], size: 2\n\
     server 'app2', roles: :app\nserver 'db1', roles: %w[db], primary: true\nserver 'log1', roles: %w[log], no_release: true\n";

pub(super) fn project(capfile: &str, deploy: &str, rake: &str) -> Rc<MemoryEffects> {
    let effects = deployer();
    effects.add_file("/Capfile", &format!("{CAPFILE}{capfile}"));
    let deploy =
        format!("set :application, 'shop'\nset :repo_url, 'git@example.com:shop.git'\nset :branch, 'main'\n{deploy}");
    effects.add_file("/config/deploy.rb", &deploy);
    effects.add_file("/config/deploy/production.rb", STAGE);
    effects.add_file("/lib/capistrano/tasks/own.rake", rake);
    effects
}

pub(super) async fn load(effects: Rc<MemoryEffects>, words: &[&str]) -> Result<Recipe, Box<Problem>> {
    let mut loader = Loader::new(effects);
    loader.words = words.iter().map(|word| (*word).to_owned()).collect();
    loader.load().await
}

pub(super) async fn run_project(effects: Rc<MemoryEffects>, words: &[&str], notes: Notes) -> Result<Notes, Stopped> {
    let recipe = load(effects, words).await.unwrap_or_else(|problem| panic!("{}: {}", problem.what, problem.why));
    assert_eq!(recipe.dialect(), Dialect::Capistrano3);
    recipe.program(words.iter().map(|word| (*word).to_owned()).collect()).run(&notes).await?;
    Ok(notes)
}

/// Runs a task file's task `t` on the stage; the work.
async fn work(rake: &str) -> Vec<String> {
    work_on(rake, Notes::default()).await
}

async fn work_on(rake: &str, notes: Notes) -> Vec<String> {
    let done = run_project(project("", "", rake), &["production", "t"], notes).await;
    done.unwrap_or_else(|stopped| panic!("{stopped} for {rake}")).work()
}

async fn problem(deploy: &str, rake: &str, words: &[&str]) -> Problem {
    match run_project(project("", deploy, rake), words, Notes::default()).await {
        Err(Stopped::Problem(problem)) => *problem,
        Err(Stopped::Run) => panic!("the run stopped"),
        Ok(notes) => panic!("this works: {:?}", notes.work()),
    }
}

#[tokio::test]
async fn hosts_of_a_block_go_beside_each_other() {
    for (body, wanted) in [
        ("on(roles(:app)) { execute :ls, '-l' }", &["together ls -l @ app1,app2"][..]),
        (
            "on(roles(:app)) { |h| execute :echo, h.hostname; execute 'raw text' }",
            &["together echo app1 @ app1; echo app2 @ app2; raw text @ app1,app2"],
        ),
        ("on(roles(:app), in: :sequence, wait: 0) { execute :a }", &["together a @ app1", "together a @ app2"]),
        (
            "on(roles(:app), in: :sequence, wait: 5) { execute :a }",
            &["together a @ app1", "settle Sleep", "together a @ app2"],
        ),
        (
            "on(release_roles(:all), in: :groups, limit: 3, wait: 0) { execute :a }",
            &["together a @ web1,app1,app2", "together a @ db1"],
        ),
        ("on(primary(:db)) { execute :a }", &["together a @ db1"]),
        ("on(roles(:app, filter: :size)) { execute :a }", &["together a @ app1"]),
        ("on(roles(:app, exclude: :size)) { execute :a }", &["together a @ app2"]),
        ("on(roles(:app, size: 2)) { |h| execute :a, h.properties.size, h.fetch(:size) }", &["together a 2 2 @ app1"]),
        ("on(roles(:nosuch)) { execute :a }; on('app2') { execute :b }", &["together b @ app2"]),
        ("on(roles(:app)) { |h| h.user = 'root'; execute :a }", &["together a @ root@app1,root@app2"]),
    ] {
        assert_eq!(work(&format!("task(:t) {{ {body} }}")).await, wanted, "{body}");
    }
}

#[tokio::test]
async fn what_surrounds_a_command() {
    let sent = std::cell::RefCell::new(Vec::new());
    let seen = Rc::new(sent);
    let keep = seen.clone();
    let notes = Notes::answering(move |command, host| {
        keep.borrow_mut().push(command.text.on(host).to_owned());
        (0, " said \n".to_owned())
    });
    let rake = "task(:t) { on(roles(:db)) { within('/x') { with(rails_env: :production) { as('bob') { \
         capture(:whoami) } } }; test('[ -d /x ]'); capture(:rake, 'db:version', strip: false); capture('a | b') } }";
    let effects = project(
        "",
        "SSHKit.config.command_map[:rake] = 'bundle exec rake'\nset :default_env, { path: '/y:$PATH' }\n",
        rake,
    );
    run_project(effects, &["production", "t"], notes).await.unwrap_or_else(|stopped| panic!("{stopped}"));
    assert_eq!(
        *seen.borrow(),
        [
            "cd /x && ( export PATH=\"/y:$PATH\" RAILS_ENV=\"production\" ; \
             sudo -u bob PATH=\"/y:$PATH\" RAILS_ENV=\"production\" -- sh -c /usr/bin/env\\ whoami )",
            "[ -d /x ]",
            "( export PATH=\"/y:$PATH\" ; bundle exec rake db:version )",
            "a | b"
        ]
    );
}

#[tokio::test]
async fn results_are_waited_for_host_by_host() {
    let notes = Notes::answering(|command, host| {
        (i32::from(command.shown == "test" || host.as_str() == "app2"), format!("<{host}>\n"))
    });
    let rake =
        "task(:t) { on(roles(:app)) { |h| execute :a; if test('[ -e x ]') then execute :yes else execute :no end } }";
    assert_eq!(
        work_on(rake, notes).await,
        [
            "together a @ app1",
            "wait Result Status: [ -e x ] @ app1",
            "together a @ app2",
            "wait Result Status: [ -e x ] @ app2",
            // A host that is through does not wait for one that is still at a question.
            "together yes @ app1",
            "settle Result",
            "together no @ app2",
            "settle Result"
        ]
    );
    let notes = Notes::answering(|_, _| (1, String::new()));
    let rake = "task(:t) { on(roles(:db)) { begin; execute :bad; rescue SSHKit::Command::Failed; execute :good; end } \n\
         begin; on(roles(:db)) { execute :worse }; rescue SSHKit::Runner::ExecuteError; on(roles(:db)) { execute :fine }; end }";
    assert_eq!(
        work_on(rake, notes).await,
        [
            "wait Rescue Status: bad @ db1",
            "together good @ db1",
            "wait Rescue Status: worse @ db1",
            "together fine @ db1"
        ]
    );
}

#[tokio::test]
async fn tasks_are_rakes() {
    let say = "def say(w) on(roles(:db)) { execute :echo, w } end\n";
    for (text, wanted) in [
        ("task(:a) { say 1 }; task(:t => :a) { say 2 }; task(:t) { say 3 }", "1 2 3"),
        ("task(:a) { say 1 }; task(:t) { invoke 'a'; invoke 'a'; invoke! 'a' }", "1 1"),
        (
            "task(:a, [:x, :y]) { |t, args| say \"#{args[:x]}-#{args.y}-#{t.name}\" }; task(:t) { invoke 'a', 'p', 'q' }",
            "p-q-a",
        ),
        ("task(:t, [:x] => :b) { |_, args| say args[:x].inspect }; task(:b) { say 0 }", "0 nil"),
        ("task(:t) { say 2 }; task(:b) { say 1 }; before :t, :b; after :t, :c; task(:c) { say 3 }", "1 2 3"),
        ("task(:t) { say 1 }; after(:t, :x) { say 2 }; after(:t, :y) { say 3 }", "1 2 3"),
        ("task(:t) { say 1 }; Rake::Task['t'].clear; task(:t) { say 2 }", "2"),
        (
            "task(:t) { say 1 }; Rake::Task['t'].clear_actions; Rake::Task[:t].enhance([:z]) { say 5 }; task(:z) { say 4 }",
            "4 5",
        ),
        ("namespace(:n) { task(:a) { say 1 }; task(:b => :a) { say 2 } }; task(:t => 'n:b')", "1 2"),
        ("task(:t) { Rake::Task['n:a'].invoke }; namespace(:n) { task(:a) { say 1 } }", "1"),
        ("task(:t) { %w[x y].each { |w| Rake::Task['u'].execute } }; task(:u) { say 1 }", "1 1"),
    ] {
        let done = work(&format!("{say}{text}")).await;
        let said: Vec<&str> =
            done.iter().map(|line| line.trim_start_matches("together echo ").trim_end_matches(" @ db1")).collect();
        assert_eq!(said.join(" "), wanted, "{text}");
    }
}

#[tokio::test]
async fn variables() {
    let say = "task(:t) { on(roles(:db)) { execute :echo, VALUE } }";
    for (deploy, value, wanted) in [
        ("set :x, 1", "fetch(:x)", "1"),
        ("set :x, -> { \"a#{fetch(:y)}\" }; set(:y) { 'b' }", "fetch(:x)", "ab"),
        ("set :x, ->(a) { a }", "fetch(:x).call(7)", "7"),
        ("set :x, -> { -> { 5 } }", "fetch(:x)", "5"),
        ("set :x, [1]; append :x, 2, 3; remove :x, 1", "fetch(:x).join('-')", "2-3"),
        ("append :linked_dirs, 'log'", "any?(:linked_dirs)", "true"),
        ("set_if_empty :branch, 'other'; set_if_empty :z, 9", "\"#{fetch(:branch)} #{fetch(:z)}\"", "main 9"),
        ("", "fetch(:nosuch, 'd')", "d"),
        ("", "fetch(:nosuch) { 'e' }", "e"),
        ("", "fetch(:nosuch).inspect", "nil"),
        ("ask :who, 'alice'", "fetch(:who)", "alice"),
        ("ask(:who, proc { 'bob' })", "fetch(:who)", "bob"),
        ("set :x, 1; delete :x", "fetch(:x, 0)", "0"),
        (
            "",
            "\"#{fetch(:stage)} #{shared_path} #{release_path.join('a')} #{current_path}\"",
            "production /var/www/shop/shared /var/www/shop/current/a /var/www/shop/current",
        ),
        ("", "deploy_path.join('x').to_s + repo_path.to_s", "/var/www/shop/x/var/www/shop/repo"),
    ] {
        let effects = project("", &format!("{deploy}\n"), &say.replace("VALUE", value));
        let notes = run_project(effects, &["production", "t"], Notes::default())
            .await
            .unwrap_or_else(|e| panic!("{e}: {deploy}"));
        let mut work = notes.work();
        // What was recorded is run before a question is asked.
        work.retain(|line| line != "settle Prompt");
        assert_eq!(work, [format!("together echo {wanted} @ db1")], "{deploy} {value}");
    }
    let refused =
        load(project("", "validate(:x) { |k, v| raise \"bad #{k}\" if v > 1 }\nset :x, 2\n", ""), &["production"])
            .await;
    assert!(refused.is_err_and(|problem| problem.why.contains("bad x")));
}

const HOOKS: &str = "%w[starting started updating updated publishing published finishing finished].each do |name|\n  \
     before(\"deploy:#{name}\", \"before_#{name}\") { on(roles(:db)) { execute :echo, \"before_#{name}\" } }\n  \
     after(\"deploy:#{name}\", \"after_#{name}\") { on(roles(:db)) { execute :echo, \"after_#{name}\" } }\nend\n";

#[tokio::test]
async fn the_flow_with_its_hooks_in_order() {
    let deploy =
        format!("append :linked_files, 'config/database.yml'\nappend :linked_dirs, 'log', 'tmp/pids'\n{HOOKS}");
    let notes = run_project(project("", &deploy, ""), &["production", "deploy"], Notes::default()).await.unwrap();
    let say = |name: &str| format!("together echo {name} @ db1");
    let fleet = "web1,app1,app2,db1";
    let wanted = [
        "on_rollback 0 for deploy:failed".to_owned(),
        say("before_starting"),
        format!("begin setup in /var/www/shop @ {fleet}"),
        format!(
            "setup /var/www/shop /var/www/shop/shared /var/www/shop/releases g+w=false @ {fleet} for deploy:check:directories"
        ),
        format!("begin deploy - in /var/www/shop @ {fleet}"),
        format!(
            "setup /var/www/shop/shared/log /var/www/shop/shared/tmp/pids g+w=false @ {fleet} for deploy:check:linked_dirs"
        ),
        format!("setup /var/www/shop/shared/config g+w=false @ {fleet} for deploy:check:make_linked_dirs"),
        format!("ops find the linked files: 1 ops, 0 to undo @ {fleet} for deploy:check:linked_files"),
        say("after_starting"),
        say("before_started"),
        say("after_started"),
        format!(
            "update_code {NEW} 8f3a2c1b00000000000000000000000000000001 (branch main) links  @ {fleet} for git:create_release"
        ),
        say("before_updating"),
        format!("ops link config/database.yml from shared: 1 ops, 0 to undo @ {fleet} for deploy:symlink:linked_files"),
        format!("ops link log, tmp/pids from shared: 1 ops, 0 to undo @ {fleet} for deploy:symlink:linked_dirs"),
        say("after_updating"),
        say("before_updated"),
        say("after_updated"),
        say("before_publishing"),
        format!("publish {NEW} 8f3a2c1b00000000000000000000000000000001 @ {fleet} for deploy:symlink:release"),
        say("after_publishing"),
        say("before_published"),
        say("after_published"),
        "edge".to_owned(),
        say("before_finishing"),
        format!("cleanup keep 5 @ {fleet} for deploy:cleanup"),
        say("after_finishing"),
        say("before_finished"),
        say("after_finished"),
    ];
    assert_eq!(notes.work(), wanted);
    let slots = notes.lines.borrow();
    let slot = |task: &str| {
        let found = slots.iter().find_map(|line| line.strip_prefix(&format!("> {task} ")).map(str::to_owned));
        found.unwrap_or_else(|| panic!("{task}"))
    };
    for (task, wanted) in [
        ("deploy:check:directories", "setup"),
        ("git:create_release", "build"),
        ("deploy:symlink:release", "publish"),
        ("after_publishing", "restart"),
        ("after_published", "restart"),
        ("before_finishing", "-"),
    ] {
        assert_eq!(slot(task), wanted, "{task}");
    }
}

#[tokio::test]
async fn a_rollback_needs_no_repository() {
    let effects = project("", "", "after('deploy:reverting', :x) { on(roles(:db)) { execute :echo, release_path } }");
    effects.on_run(|_| panic!("nothing is asked of the repository"));
    let notes = run_project(effects, &["production", "deploy:rollback"], Notes::default()).await.unwrap();
    let work = notes.work();
    assert!(work.iter().any(|line| line.starts_with("rollback to 20261101000001 from 20261101000002")), "{work:#?}");
    assert!(work.iter().any(|line| line == "together echo /var/www/shop/releases/20261101000001 @ db1"), "{work:#?}");
    assert!(work.iter().any(|line| line.starts_with("remove left 20261101000002")), "{work:#?}");
    assert!(!work.iter().any(|line| line.contains("deploy:failed")), "{work:#?}");
}

#[tokio::test]
async fn filters_narrow_what_blocks_run_on() {
    let rake = "task(:t) { on(roles(:all)) { |h| execute :a }; on(release_roles(:all)) { execute :b } }";
    for (name, value, wanted) in [
        ("HOSTS", "app1,db1", &["together a @ app1,db1", "together b @ app1,db1"][..]),
        ("HOSTS", "^app", &["together a @ app1,app2", "together b @ app1,app2"]),
        ("ROLES", "log", &["together a @ log1"]),
        ("ROLES", "/^(web|db)$/", &["together a @ web1,db1", "together b @ web1,db1"]),
        ("ROLES", "all", &["together a @ web1,app1,app2,db1,log1", "together b @ web1,app1,app2,db1"]),
    ] {
        let effects = project("", "", rake);
        deploy_ruby::Effects::set_env(&*effects, name, Some(value));
        let notes = run_project(effects, &["production", "t"], Notes::default()).await.unwrap();
        assert_eq!(notes.work(), wanted, "{name}={value}");
    }
    let nothing = problem("set :filter, hosts: %w[nosuch]\n", rake, &["production", "t"]).await;
    assert!(nothing.why.contains("no servers matched"), "{}", nothing.why);
    let effects = project("", "", rake);
    deploy_ruby::Effects::set_env(&*effects, "HOSTS", Some("ap1"));
    let Err(Stopped::Problem(typo)) = run_project(effects, &["production", "t"], Notes::default()).await else {
        panic!()
    };
    assert!(typo.why.contains("\"ap1\""), "{}", typo.why);
}

#[tokio::test]
async fn what_is_wrong_is_told_at_its_place() {
    let rake = "task(:t) { execute :ls }\ntask(:u) { after 'x', 'y' }\ntask(:v) { invoke 'depoly' }\ntask(:a => :b); task(:b => :a)";
    for (words, wanted) in [
        (&["production", "t"][..], "`execute' needs hosts"),
        (&["production", "u"], "there is no task `x'"),
        (&["production", "v"], "there is no task `depoly'"),
        (&["production", "a"], "Circular dependency detected: TOP => a => b => a"),
        (&["deploy"], "no stage is named"),
        (&["production", "nosuch"], "does not exist"),
    ] {
        let found = problem("", rake, words).await;
        assert!(found.why.contains(wanted), "{words:?}: {} {}", found.what, found.why);
    }
    let setup = problem("", "", &["production", "deploy:setup"]).await;
    assert!(setup.next.is_some_and(|next| next.contains("deploy:check:directories")));
    let unknown = load(project("require 'capistrano/nosuch'\n", "", ""), &["production"]).await.err().unwrap();
    assert_eq!(unknown.site.map(|site| site.to_string()).as_deref(), Some("Capfile:6:1"));
    assert!(unknown.next.is_some_and(|next| next.contains("CAP_ALLOW_REQUIRE=capistrano/nosuch")));
    let leaves = problem("append :linked_dirs, '../x'\n", "", &["production", "deploy"]).await;
    assert!(leaves.why.contains("leaves the release"), "{}", leaves.why);
    let reserved = project("", "", "");
    reserved.add_file("/config/deploy/deploy.rb", "");
    assert!(load(reserved, &["production"]).await.is_err_and(|problem| problem.why.contains("reserved word")));
}

#[tokio::test]
async fn lists_do_not_load_a_stage() {
    let effects = project("", "desc 'of the stage'\ntask :leaks\n", "desc 'Says hello.'\ntask :hello, [:to]\n");
    let recipe = load(effects, &[]).await.unwrap();
    let names: Vec<String> = recipe.tasks().into_iter().filter(|task| !task.hidden).map(|task| task.name).collect();
    for name in ["deploy", "deploy:rollback", "deploy:check:linked_files", "git:check", "install", "hello[to]"] {
        assert!(names.iter().any(|known| known == name), "{name} in {names:?}");
    }
    assert!(!names.iter().any(|name| name == "leaks"));
    assert_eq!(recipe.explain("hello[x]").unwrap().summary, "Says hello.");
    assert_eq!(recipe.stage_word(&["hello".to_owned()]), None);
    let words = ["production".to_owned(), "hello".to_owned()];
    let chosen = load(project("", "", "task :hello\n"), &["production", "hello"]).await.unwrap();
    assert_eq!(chosen.stage_word(&words), Some("production"));
}

#[tokio::test]
async fn a_recipe_may_bring_the_code_itself() {
    let rake = "Rake::Task['git:create_release'].clear\nnamespace :git do\n  task :create_release do\n    \
         on(release_roles(:all)) { execute :cp, '-R', '/src/.', release_path }\n  end\nend";
    let notes = run_project(project("", "", rake), &["production", "deploy"], Notes::default()).await.unwrap();
    let work = notes.work();
    let at =
        |part: &str| work.iter().position(|line| line.contains(part)).unwrap_or_else(|| panic!("{part} in {work:#?}"));
    assert!(at("update_code") < at("cp -R /src/.") && at("cp -R /src/.") < at("publish"));
    assert!(notes.notes().iter().any(|note| note.contains("git:create_release is the recipe's own")));
}

#[tokio::test]
async fn files_are_carried_in_their_place() {
    let rake = "task(:t) { io = StringIO.new('xyz'); on(roles(:app)) { execute :a; upload! io, '/etc/x'; execute :b; \
         within('/srv') { upload! '/Capfile', 'c' } } }";
    assert_eq!(
        work(rake).await,
        [
            "together a @ app1,app2; upload 3 bytes -> /etc/x @ app1,app2; b @ app1,app2; upload /Capfile -> /srv/c @ app1,app2"
        ]
    );
    let notes = Notes::answering(|_, host| (0, format!("from {host}")));
    let rake = "task(:t) { on(roles(:app)) { execute :a; text = download!('/x'); execute text; download! '/x', 'y' } }";
    let work = work_on(rake, notes).await;
    let has = |line: &str| assert!(work.iter().any(|other| other.contains(line)), "{line} in {work:#?}");
    has("wait Result Output: download /x @ app2");
    has("from app2 @ app2");
    has("wait Result Output: download /x -> y @ app1");
    let refused = problem("", "task(:t) { on(roles(:app)) { upload! '/config', '/x' } }", &["production", "t"]).await;
    assert!(refused.why.contains("recursive: true"), "{}", refused.why);
    let done =
        work_on("task(:t) { on(roles(:app)) { upload! '/config', '/x', recursive: true } }", Notes::default()).await;
    assert_eq!(done, ["together upload /config -> /x @ app1,app2"]);
}
