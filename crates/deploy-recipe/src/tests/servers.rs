//! Roles and servers, filters, and what the engine learns of a host.

use deploy_inventory::{HostId, Property};
use deploy_plan::{ProblemKind, Program, Stopped};
use deploy_ruby::Effects;

use super::{Notes, SEED, deployer, fail, load, load_with, refuse, run, run_recipe};

async fn work(recipe: &str) -> Vec<String> {
    run(recipe, &["t"]).await.work()
}

#[tokio::test]
async fn declarations() {
    for (declaration, hosts) in [
        ("role :app, 'a', 'b'", "a,b"),
        ("role :app, 'a'\nrole :app, 'b'", "a,b"),
        ("role :app, *%w(a b)", "a,b"),
        ("server 'a', :web, :app\nserver 'b', :app", "a,b"),
        ("role :app, 'u@a:22', :user => 'x', :port => 1", "u@a:22"),
        ("role :app, 'a', :user => 'x', :port => 24", "x@a:24"),
        ("role(:app) { 'a' }", "a"),
        ("role(:app) { ['a', 'b'] }", "a,b"),
        ("role(:app) { ['a', { :user => 'x' }] }", "x@a"),
        ("role(:app, :user => 'x') { 'a' }", "x@a"),
        ("role :app, 'a'\nrole(:app) { nil }", "a"),
        ("set(:list) { ['a'] }\nrole(:app) { list }", "a"),
        ("roles[:app].push('a')\nroles[:app] << 'b'", "a,b"),
        ("Capistrano::Configuration.instance.role :app, 'a'", "a"),
    ] {
        let recipe = format!("{declaration}\ntask(:t, :roles => :app) {{ run 'x' }}");
        assert_eq!(work(&recipe).await, [format!("run x @ {hosts}")], "{declaration}");
    }
}

/// What a recipe takes out of `roles` is no host of it any more.
#[tokio::test]
async fn roles_are_a_live_table() {
    let start = "role :web, 'w', 'v'\nrole :app, 'a', :jobs => true\nrole(:db) { 'd' }\n";
    for (change, hosts) in [
        ("", "w,v,a,d"),
        ("roles.clear\nserver 's', :web, :app", "s"),
        ("roles.delete(:web)", "a,d"),
        ("roles.delete(:db)", "w,v,a"),
        ("roles.delete(:web) { fail }\nroles.delete(:none)", "a,d"),
        ("roles[:app] = []", "w,v,d"),
        ("roles[:app] = nil\nroles[:db] = 'x'", "w,v,x"),
        ("roles[:web] = roles[:app]\nroles[:app] = %w(x y)", "a,x,y,d"),
        ("roles[:web] = roles[:web].reject { |server| server.host == 'v' }", "w,a,d"),
        ("roles.store(:new, ['n', { :jobs => true }])", "w,v,a,d,n"),
        ("roles[:web].clear\nroles[:web] << 'x'", "x,a,d"),
        ("roles[:db].clear", "w,v,a"),
        ("roles.delete_if { |name, role| name != :app }", "a"),
        ("roles.select! { |name, role| role.length == 2 }", "w,v"),
        ("roles.replace(:app => roles[:web])", "w,v"),
        ("roles.merge!(:app => ['x'], :new => 'n')", "w,v,x,d,n"),
        ("roles.each { |name, role| role.clear if name == :web }", "a,d"),
        ("roles.keys.each { |name| roles.delete(name) unless name == :db }", "d"),
        ("roles.clear if roles.empty? || roles.key?(:none)", "w,v,a,d"),
    ] {
        let recipe = format!("{start}{change}\ntask(:t) {{ run 'x' }}");
        assert_eq!(work(&recipe).await, [format!("run x @ {hosts}")], "{change}");
    }
    let properties = format!("{start}roles[:web] = roles[:app]\ntask(:t, :only => {{ :jobs => true }}) {{ run 'x' }}");
    assert_eq!(work(&format!("{properties}\nroles.delete(:app)")).await, ["run x @ a"]);
    let within = format!("{start}task(:t) {{ run 'x'; roles.clear; server 's', :app; run 'y' }}");
    assert_eq!(work(&within).await, ["run x @ w,v,a,d", "run y @ s"]);
}

/// A hash's words that the table does not have, and values that are no servers, are refused at their place.
#[tokio::test]
async fn what_roles_cannot_do_is_an_error() {
    for (change, words) in [
        ("roles[:app] = 5", "5 is no server of the role app"),
        ("roles[:app] = '-x'", "may not have '-'"),
        ("roles[:app].delete('a')", "has no method `delete`"),
        ("roles[:app].reject! { true }", "has no method `reject!`"),
        ("roles.wipe", "has no method `wipe`"),
        ("roles[nil] = 'a'", "expected a role"),
    ] {
        let problem = refuse(&format!("role :app, 'a'\n{change}")).await;
        assert!(problem.why.contains(words), "{change}: {}", problem.why);
        assert_eq!(problem.site.unwrap().line, 2, "{change}");
    }
}

#[tokio::test]
async fn bad_declarations() {
    for (declaration, words) in [
        ("server 'a'", "needs at least one role"),
        ("role :app, '-oProxyCommand=x'", "may not have '-'"),
        ("role :app, 'a;b'", "may not have ';'"),
        ("namespace(:n) { role :app, 'a' }", "cannot be defined in a namespace"),
        ("role", "the role's name"),
    ] {
        let problem = refuse(declaration).await;
        assert!(problem.why.contains(words), "{declaration}: {}", problem.why);
    }
}

#[tokio::test]
async fn lists_of_servers() {
    let recipe = "role :app, 'a', 'u@b:22', :jobs => true\nrole :web, 'a'\nrole :none\ntask :t do\n\
        run roles[:app].map { |s| s.host }.join(' ')\n\
        run roles[:app].servers.first.to_s + ' ' + roles[:app].first.options[:jobs].to_s\n\
        run roles.keys.inspect\n\
        run find_servers(:roles => :web).map(&:host).inspect\n\
        run find_servers(:only => { :jobs => true }).length.to_s\n\
        run find_servers_for_task(current_task).size.to_s\n\
        run roles[:none].empty?.to_s + roles[:unknown].empty?.to_s\n\
        run role_names_for_host('a').inspect\nend";
    let lines = work(recipe).await;
    let shown: Vec<&str> =
        lines.iter().map(|line| line.trim_start_matches("run ").trim_end_matches(" @ a,u@b:22")).collect();
    assert_eq!(shown, ["a b", "a true", "[:app, :web, :none]", "[\"a\"]", "2", "2", "truetrue", "[:app, :web]"]);
}

#[tokio::test]
async fn a_block_is_evaluated_once() {
    let recipe = "role(:app) { $n = ($n || 0) + 1; \"h#{$n}\" }\ntask(:t) { run 'a'; run 'b' }";
    assert_eq!(work(recipe).await, ["run a @ h1", "run b @ h1"]);
}

#[tokio::test]
async fn no_hosts() {
    for (recipe, words) in [
        ("role :app, 'a'\ntask(:t, :roles => :db) { run 'x' }", "there is no role \"db\""),
        ("role :app, 'a'\nrole :db\ntask(:t, :roles => :db) { run 'x' }", "the role \"db\" has no servers"),
        ("role :app, 'a'\ntask(:t, :only => { :x => 1 }) { run 'x' }", "the conditions exclude"),
        ("role :app, 'a'\ntask(:t, :roles => nil) { run 'x' }", ":roles is nil or empty"),
        ("task(:t) { run 'x' }", "the recipe declares no host"),
    ] {
        let (problem, notes) = fail(recipe, &["t"]).await;
        assert_eq!(problem.kind, ProblemKind::NoHosts, "{recipe}");
        assert!(problem.why.contains(words), "{recipe}: {}", problem.why);
        assert_eq!(problem.what, "find the hosts of `t'");
        assert!(notes.work().is_empty());
    }
    let goes_on = "role :app, 'a'\ntask(:t) { run 'x', :roles => :db, :on_no_matching_servers => :continue; run 'y' }";
    assert_eq!(work(goes_on).await, ["run y @ a"]);
    let alone = "role :app, 'a'\ntask(:t, :roles => :zzz, :on_no_matching_servers => :continue) { run 'x' }";
    let notes = run(alone, &["t"]).await;
    assert!(notes.work().is_empty());
    assert_eq!(*notes.messages.borrow(), ["skipping `t' because no servers matched"]);
}

async fn filtered(name: &str, value: &str, recipe: &str, task: &str) -> (Notes, Result<(), Stopped>) {
    let effects = deployer();
    effects.set_env(name, Some(value));
    let recipe = load_with(effects, recipe).await.unwrap();
    let notes = Notes::default();
    let ended = run_recipe(&recipe, &[task], &notes).await;
    (notes, ended)
}

#[tokio::test]
async fn filters() {
    let recipe = "role :web, 'w'\nrole :app, 'a', 'b'\ntask(:t, :roles => :app) { run 'x' }";
    for (name, value, wanted) in [
        ("HOSTS", "w", "run x @ w"),
        ("HOSTS", "other", "run x @ other"),
        ("ROLES", "web", "run x @ w"),
        ("HOSTFILTER", "b", "run x @ b"),
        ("HOSTROLEFILTER", "app", "run x @ a,b"),
    ] {
        let (notes, ended) = filtered(name, value, recipe, "t").await;
        assert_eq!((notes.work(), ended), (vec![wanted.to_owned()], Ok(())), "{name}={value}");
    }
    for (name, value, words) in [
        ("HOSTFILTER", "w", "no servers matched with HOSTFILTER=w"),
        ("HOSTFILTER", "zz", "zz"),
        ("ROLES", "wbe", "wbe"),
        ("HOSTS", "", "HOSTS"),
    ] {
        let (_, ended) = filtered(name, value, recipe, "t").await;
        let Err(Stopped::Problem(problem)) = ended else { panic!("{name}={value} ran") };
        assert!(problem.why.contains(words), "{name}={value}: {}", problem.why);
    }
}

#[tokio::test]
async fn a_host_filter_leaves_out_tasks_without_hosts() {
    let (notes, ended) = filtered("HOSTFILTER", "web1.example.com", SEED, "deploy:update").await;
    assert_eq!(ended, Ok(()));
    let work = notes.work();
    assert_eq!(work.len(), 3, "{work:?}");
    assert!(work[1].ends_with("@ web1 for deploy:update_code") && work[2].starts_with("publish"), "{work:?}");
    assert!(
        notes.messages.borrow().contains(&"skipping `deploy:after_update_code' because no servers matched".to_owned())
    );
}

#[tokio::test]
async fn logins() {
    let recipe = load(
        "role :app, 'a', 'u@b:22', :ssh_options => { :keys => 'k' }\nset(:user) { 'deploy' }\nset :port, 2222\n\
         set :ssh_options, { :forward_agent => true, :keys => 'all' }\nset :gateway, 'gw'",
    )
    .await;
    let hosts = recipe.hosts().await.unwrap();
    let options = |n: usize, name: &str| {
        let Some(Property::Map(options)) = hosts[n].properties.get("ssh_options") else { panic!("no options") };
        options.get(name).cloned()
    };
    assert_eq!((hosts[0].user.as_deref(), hosts[0].port), (Some("deploy"), Some(2222)));
    assert_eq!((hosts[1].user.as_deref(), hosts[1].port), (Some("u"), Some(22)));
    assert_eq!(options(0, "keys"), Some(Property::Str("k".into())));
    assert_eq!(options(0, "forward_agent"), Some(Property::Bool(true)));
    assert_eq!(hosts[0].properties["gateway"], Property::Str("gw".into()));
    let program = recipe.program(Vec::new());
    assert_eq!(program.host(&HostId::new("a")).unwrap().port, Some(2222));
    assert_eq!(program.host(&HostId::new("nobody")), None);
}

#[tokio::test]
async fn hosts_of_the_command_line_are_known_to_the_engine() {
    let effects = deployer();
    effects.set_env("HOSTS", Some("bob@other:2200"));
    let recipe = load_with(effects, SEED).await.unwrap();
    let program = recipe.program(vec!["deploy:restart".into()]);
    program.run(&Notes::default()).await.unwrap();
    let host = program.host(&HostId::new("bob@other:2200")).unwrap();
    assert_eq!((host.name.as_str(), host.user.as_deref(), host.port), ("other", Some("bob"), Some(2200)));
}

#[tokio::test]
async fn a_server_that_was_never_filled_in_is_an_error_only_where_it_is_contacted() {
    let text = "role :web, 'your web-server here'\nrole :app, 'app1'\ntask(:t, :roles => :app) { run 'true' }\n";
    let notes = run(text, &["t"]).await;
    assert_eq!(notes.work(), ["run true @ app1"]);
    let noted = notes.notes().join("\n");
    assert!(noted.contains("your-web-server-here.invalid stands for it"), "{noted}");
    // An empty name too, as of an answer that nobody gave.
    let notes =
        run("role :web, ''\nserver '<ip>', :db\ntask(:t, :roles => :app) { run 'true' }\nrole :app, 'app1'\n", &["t"]);
    assert_eq!(notes.await.work(), ["run true @ app1"]);
    for bad in ["-oProxyCommand x", "a b; reboot", "$(id) x"] {
        refuse(&format!("role :web, {bad:?}")).await;
    }
}
