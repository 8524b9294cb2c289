//! Evaluation runs ahead and waits where it must; every body is evaluated once.

use async_trait::async_trait;
use deploy_plan::{
    Command, CommandResult, Event, Hosts, Item, Opened, Program, Site, Stopped, Suspension, Transaction, Want,
};
use deploy_ruby::Effects;

use super::{NEW, Notes, SEED, deployer, load, load_with, run, run_on, run_recipe};

const APP: &str = "role :app, 'h'\n";

async fn lines(recipe: &str, notes: Notes) -> Vec<String> {
    run_on(&format!("{APP}{recipe}"), &["t"], notes).await.work()
}

#[tokio::test]
async fn plain_commands_are_only_recorded() {
    assert_eq!(
        lines("task(:t) { run 'a'; run 'b'; sudo 'c' }", Notes::default()).await,
        ["run a @ h", "run b @ h", "run sudo c @ h"]
    );
}

#[tokio::test]
async fn results_are_waited_for() {
    let notes = || Notes::answering(|command, _| (0, format!("<{}>\n", command.shown)));
    for (body, wanted) in [
        (
            "x = capture('who'); run \"got #{x.strip}\"",
            &["run a @ h", "wait Result Output: who @ h", "run got <who> @ h"][..],
        ),
        (
            "run('x') { |ch, stream, data| run \"#{ch[:host]} #{stream} #{data.strip}\" }",
            &["run a @ h", "wait Result Output: x @ h", "run h out <x> @ h"],
        ),
        ("`echo here`", &["run a @ h", "settle LocalEffect"]),
        ("system 'echo here'", &["run a @ h", "settle LocalEffect"]),
        ("File.open('/tmp/x', 'w') { |f| f.write 'y' }", &["run a @ h", "settle LocalEffect", "settle LocalEffect"]),
        ("sleep 1", &["run a @ h", "settle Sleep"]),
        ("`git rev-parse HEAD`", &["run a @ h"]),
        ("File.exist?('/tmp/x')", &["run a @ h"]),
        ("begin; run 'b'; rescue; end", &["run a @ h", "wait Rescue Status: b @ h"]),
        ("begin; run 'b'; ensure; run 'c'; end", &["run a @ h", "wait Rescue Status: b @ h", "run c @ h"]),
    ] {
        let recipe = format!("task(:t) {{ run 'a'; {body} }}");
        let effects = deployer();
        effects.add_file("/tmp/.keep", "");
        let recipe = load_with(effects, &format!("{APP}{recipe}")).await.unwrap();
        let notes = notes();
        run_recipe(&recipe, &["t"], &notes).await.unwrap();
        assert_eq!(notes.work(), wanted, "{body}");
    }
}

#[tokio::test]
async fn a_failure_is_rescued_where_the_recipe_says_so() {
    let broken = || Notes::answering(|command, _| (i32::from(command.shown == "bad"), String::new()));
    let recipe =
        "task(:t) { begin; run 'bad'; rescue Capistrano::CommandError => e; run \"rescued #{e.message}\"; end }";
    assert_eq!(
        lines(recipe, broken()).await,
        ["wait Rescue Status: bad @ h", "run rescued run \"bad\": exit status 1 on h @ h"]
    );
    let recipe = load(&format!("{APP}task(:t) {{ begin; run 'bad'; ensure; run 'always'; end; run 'never' }}")).await;
    let notes = broken();
    let Err(Stopped::Problem(problem)) = run_recipe(&recipe, &["t"], &notes).await else { panic!("it ran") };
    assert_eq!((problem.kind, problem.what.as_str()), (deploy_plan::ProblemKind::Step, "run \"bad\""));
    assert_eq!(notes.work(), ["wait Rescue Status: bad @ h", "run always @ h"]);
    let goes_on = "task(:t, :on_error => :continue) { begin; run 'bad'; rescue; run 'no'; end; run 'later' }";
    assert_eq!(lines(goes_on, broken()).await, ["wait Rescue Status: bad @ h"], "a lost host gets nothing more");
}

#[tokio::test]
async fn nothing_can_catch_the_end_of_the_run() {
    let text = format!(
        "{APP}task(:t) {{ begin; begin; capture 'x'; rescue Exception; run 'caught'; end; ensure; puts 'ensured'; run 'ensured'; end }}"
    );
    let recipe = load(&text).await;
    let notes = Notes::default();
    notes.stop_at.set(1);
    assert_eq!(run_recipe(&recipe, &["t"], &notes).await, Err(Stopped::Run));
    assert!(notes.work().is_empty() && notes.messages.borrow().is_empty(), "{:?}", notes.lines);
    let again = Notes::default();
    run_recipe(&recipe, &["t"], &again).await.unwrap();
    assert_eq!(again.work().len(), 2, "the recipe is as good as new: {:?}", again.lines);
}

#[tokio::test]
async fn every_body_is_evaluated_once() {
    let recipe = "set(:who) { capture('who').strip }\ntask(:t) do\n  $n = ($n || 0) + 1\n  run \"n#{$n} #{who} #{who}\"\n  \
                  run \"later #{capture('x').strip} n#{$n}\"\nend";
    let notes = Notes::answering(|command, _| (0, command.shown.to_uppercase()));
    assert_eq!(
        lines(recipe, notes).await,
        ["wait Result Output: who @ h", "run n1 WHO WHO @ h", "wait Result Output: x @ h", "run later X n1 @ h"]
    );
}

#[tokio::test]
async fn host_variables() {
    let show = "task(:t) { run [current_release, previous_release, latest_release, releases, current_revision, latest_revision].inspect }";
    let notes = run(&format!("{SEED}\n{show}"), &["t"]).await;
    let root = "/var/www/my_cool_app/releases";
    let work = notes.work();
    assert_eq!(work[0], "begin read in /var/www/my_cool_app @ web1,web2,app1,app2,db1");
    assert_eq!(
        work[1],
        format!(
            "run [\"{root}/20261101000002\", \"{root}/20261101000001\", \"{root}/20261101000002\", \
             [\"20261101000001\", \"20261101000002\"], \"4700\", \"4700\"] @ web1,web2,app1,app2,db1"
        )
    );
    assert_eq!(work.len(), 2, "read once");
}

#[tokio::test]
async fn host_variables_in_a_deploy() {
    let show = "after('deploy:update_code') { run [current_release, previous_release, latest_release, release_name, current_revision, latest_revision, previous_revision].inspect }";
    let notes = run(&format!("{SEED}\n{show}"), &["deploy:update"]).await;
    let root = "/var/www/my_cool_app/releases";
    let line = notes.work().into_iter().find(|line| line.starts_with("run [")).unwrap();
    assert!(
        line.starts_with(&format!(
            "run [\"{root}/{NEW}\", \"{root}/20261101000002\", \"{root}/{NEW}\", \"{NEW}\", \"4700\", \"4711\", \"4700\"]"
        )),
        "{line}"
    );
}

#[tokio::test]
async fn the_release_name_is_the_recipes_own_or_the_fleets() {
    let early =
        run(&format!("{SEED}\nbefore('deploy:update_code') {{ run release_name }}"), &["deploy:update_code"]).await;
    assert_eq!(
        early.work()[..2],
        [
            "begin deploy - in /var/www/my_cool_app @ web1,web2,app1,app2,db1".to_owned(),
            format!("run {NEW} @ web1,web2,app1,app2,db1")
        ]
    );
    let own = run(&format!("{SEED}\nset :release_name, 'v1'"), &["deploy:update_code"]).await;
    assert_eq!(own.work()[0], "begin deploy v1 in /var/www/my_cool_app @ web1,web2,app1,app2,db1");
    let outside = format!("{SEED}\ntask(:mine) {{ run release_path; deploy.update_code }}");
    let notes = run(&outside, &["mine"]).await;
    assert_eq!(notes.work()[0], "run /var/www/my_cool_app/releases/20261123054446 @ web1,web2,app1,app2,db1");
    assert_eq!(notes.work()[1], "begin deploy 20261123054446 in /var/www/my_cool_app @ web1,web2,app1,app2,db1");
}

#[tokio::test]
async fn overridden_paths() {
    let text = format!(
        "{SEED}\nset :current_path, '/live'\nset(:shared_path) {{ \"#{{deploy_to}}/common\" }}\nset :deploy_to, 'apps/x'\nset :shared_children, %w(log)"
    );
    let notes = run(&text, &["deploy:update"]).await;
    let work = notes.work();
    assert!(work[0].contains("in ~/apps/x @"), "{work:?}");
    assert!(work[1].contains("links log->~/apps/x/common/log"), "{work:?}");
}

#[tokio::test]
async fn bad_paths_are_refused_before_anything_is_asked() {
    let (problem, notes) = super::fail(&format!("{SEED}\nset :deploy_to, \"/a\\nb\""), &["deploy"]).await;
    assert_eq!(problem.kind, deploy_plan::ProblemKind::Usage);
    assert!(problem.site.is_some() && notes.work().is_empty());
    for (text, task, variable, words) in [
        ("set :deploy_to, '/srv/x; id'", "deploy:setup", "deploy_to", "';' as character 7"),
        ("set :deploy_to, '/srv/x; id'", "deploy", "deploy_to", "';' as character 7"),
        ("set(:deploy_to) { '/srv/$(id)' }", "deploy:setup", "deploy_to", "'$' as character 6"),
        ("set(:deploy_to) { '/srv/$(id)' }", "deploy:restart", "deploy_to", "'$' as character 6"),
        ("set :application, \"a\\nb\"", "deploy:restart", "application", "'\\n' as character 2"),
        ("set :application, 'my;app'", "deploy:check", "application", "';' as character 3"),
        ("set :shared_path, '/srv/`id`'", "deploy:web:disable", "shared_path", "'`' as character 6"),
    ] {
        let (problem, notes) = super::fail(&format!("{SEED}\n{text}"), &[task]).await;
        assert_eq!(problem.kind, deploy_plan::ProblemKind::Usage, "{text} {task}");
        assert_eq!(problem.what, format!("use the variable `{variable}'"), "{text} {task}");
        assert!(problem.why.contains(words) && problem.next.is_some(), "{text}: {}", problem.why);
        let line = u32::try_from(SEED.lines().count()).unwrap() + 2;
        assert_eq!(problem.site.map(|site| site.line), Some(line), "{text} {task}");
        assert!(notes.work().is_empty(), "{text} {task}: {:?}", notes.work());
    }
    let fine = run(&format!("{SEED}\nset :deploy_to, '$HOME/apps/x'"), &["deploy:setup"]).await;
    assert!(fine.work()[0].contains("in ~/apps/x"), "{:?}", fine.work());
}

#[tokio::test]
async fn a_rehearsal_changes_nothing_here() {
    let effects = deployer();
    effects.add_file("/tmp/.keep", "");
    let text = format!(
        "{APP}task(:t) {{ run_locally 'echo x'; File.open('/tmp/new', 'w') {{ |f| f.write 'y' }}; sleep 5; \
         run Capistrano::CLI.ui.ask('Branch?') }}"
    );
    let recipe = load_with(effects.clone(), &text).await.unwrap();
    let notes = Notes::default();
    notes.rehearsal.set(true);
    run_recipe(&recipe, &["t"], &notes).await.unwrap();
    assert_eq!(notes.work(), ["run [asked at run] @ h"]);
    assert_eq!(notes.notes().len(), 4, "{:?}", notes.notes());
    assert!(effects.slept().is_zero() && notes.notes()[0].contains("echo x"));
}

#[tokio::test]
async fn output_of_the_recipe_goes_to_the_observer() {
    let notes =
        run(&format!("{APP}task(:t) {{ puts 'hello'; logger.info 'told'; logger.important 'mark' }}"), &["t"]).await;
    assert_eq!(*notes.messages.borrow(), ["hello", "told", "mark"]);
}

#[tokio::test]
async fn exit_ends_the_flow() {
    let notes = run(&format!("{APP}task(:t) {{ run 'a'; exit; run 'b' }}"), &["t"]).await;
    assert_eq!(notes.work(), ["run a @ h"]);
    let recipe = load(&format!("{APP}task(:t) {{ run 'a'; abort 'no' }}")).await;
    assert!(recipe.program(vec!["t".into()]).run(&Notes::default()).await.is_err());
}

#[tokio::test]
async fn environment_of_a_block() {
    let effects = deployer();
    effects.set_env("A", Some("outer"));
    let text = format!("{APP}task(:t) {{ with_env('A', 'inner') {{ run ENV['A'] }}; run ENV['A'] }}");
    let recipe = load_with(effects, &text).await.unwrap();
    let notes = Notes::default();
    run_recipe(&recipe, &["t"], &notes).await.unwrap();
    assert_eq!(notes.work(), ["run inner @ h", "run outer @ h"]);
}

/// An engine that wants the password while it opens the hosts.
struct Asking {
    notes: Notes,
    recipe: crate::Recipe,
}

#[async_trait(?Send)]
impl Hosts for Asking {
    fn record(&self, item: Item) {
        self.notes.record(item);
    }

    async fn begin(&self, transaction: Transaction) -> Result<Opened, Stopped> {
        let password = self.recipe.password().await.unwrap().unwrap();
        let host = self.recipe.setting("domain").await.unwrap().unwrap().text().unwrap();
        self.notes.messages.borrow_mut().push(format!("{password} for {host}"));
        self.notes.begin(transaction).await
    }

    async fn command(&self, command: Command, want: Want, why: Suspension) -> Result<Vec<CommandResult>, Stopped> {
        self.notes.command(command, want, why).await
    }

    async fn settle(&self, why: Suspension, site: Option<Site>) -> Result<(), Stopped> {
        self.notes.settle(why, site).await
    }

    fn is_rehearsal(&self) -> bool {
        false
    }

    fn tell(&self, event: Event) {
        self.notes.tell(event);
    }
}

#[tokio::test]
async fn the_engine_may_ask_the_recipe_while_the_flow_waits_for_it() {
    let effects = deployer();
    effects.add_answer("secret");
    let text = format!(
        "{SEED}\nset(:password) {{ Capistrano::CLI.password_prompt('Password: ') }}\nset(:domain) {{ 'example.com' }}"
    );
    let recipe = load_with(effects, &text).await.unwrap();
    let hosts = Asking { notes: Notes::default(), recipe: recipe.clone() };
    recipe.program(vec!["deploy:update".into()]).run(&hosts).await.unwrap();
    assert_eq!(*hosts.notes.messages.borrow(), ["secret for example.com"]);
    assert!(!hosts.notes.work().iter().any(|line| line.starts_with("settle")));
}

#[tokio::test]
async fn a_wrong_password_is_asked_for_again() {
    let effects = deployer();
    effects.add_answer("first");
    effects.add_answer("second");
    let recipe = load_with(effects, APP).await.unwrap();
    assert_eq!(recipe.password().await.unwrap().as_deref(), Some("first"));
    assert_eq!(recipe.password().await.unwrap().as_deref(), Some("first"));
    assert!(recipe.reset_password());
    assert_eq!(recipe.password().await.unwrap().as_deref(), Some("second"));
    assert!(!load("set :password, 'plain'").await.reset_password());
}

#[tokio::test]
async fn a_broken_transaction_fails_the_run_even_if_the_recipe_goes_on() {
    for (body, fails) in [
        ("begin; transaction { run 'a'; raise 'broken' }; rescue; end; run 'b'", true),
        ("begin; transaction { transaction { raise 'broken' } }; rescue; end", true),
        ("transaction { begin; raise 'broken'; rescue; end }", false),
        ("transaction { begin; transaction { raise 'broken' }; rescue; end }", false),
        ("begin; raise 'broken'; rescue; end", false),
        ("transaction { exit }", true),
        ("catch(:x) { transaction { throw :x } }", false),
    ] {
        let recipe = load(&format!("{APP}task(:t) {{ {body} }}")).await;
        let ended = run_recipe(&recipe, &["t"], &Notes::default()).await;
        assert_eq!(matches!(ended, Err(Stopped::Problem(_))), fails, "{body}: {ended:?}");
    }
}
