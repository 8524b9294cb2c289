//! Options that nobody knows, settings of our own, and what must not go on for ever.

use std::rc::Rc;

use deploy_plan::{Problem, ProblemKind, Stopped};
use deploy_ruby::MemoryEffects;

use super::{Notes, SEED, deployer, fail, load, refuse, run, run_recipe};
use crate::{CliValue, Loader, Recipe};

/// Lines of the recipe that the tests add to.
fn seed_lines() -> u32 {
    SEED.lines().count() as u32
}

async fn load_saying(text: &str, said: &[(&str, &str)]) -> Recipe {
    let effects = deployer();
    effects.add_file("/app/config/deploy.rb", text);
    let mut loader = Loader::new(effects);
    loader.files = vec!["/app/config/deploy.rb".to_owned()];
    loader.after = said.iter().map(|(name, value)| ((*name).to_owned(), CliValue::parse(value))).collect();
    loader.load().await.unwrap_or_else(|problem| panic!("{}", problem.why))
}

async fn failing(text: &str, said: &[(&str, &str)], task: &str) -> Problem {
    let recipe = load_saying(text, said).await;
    match run_recipe(&recipe, &[task], &Notes::default()).await {
        Err(Stopped::Problem(problem)) => *problem,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn options_that_nobody_knows_are_said_once_with_their_place() {
    let text = "role :web, 'w1', :primay => true\n\
                role :app, 'a1', :size => 'big'\n\
                ssh_options[:colour] = 1\n\
                set :default_run_options, :pyt => true\n\
                task(:t, :rolse => :web) do\n  2.times { run 'true', :hots => 'w1' }\n  put 'x', '/x', :mode => 0644 if false\nend\n\
                task(:u, :only => { :size => 'big' }) { run 'true', :once => true, :pty => true }\n\
                before 't', 'u', :exept => 1\n";
    let notes = run(text, &["t"]).await.notes();
    let at = "warning: /app/config/deploy.rb";
    for word in [
        format!("{at}:5:1: the task t knows no option :rolse; it has no effect; did you mean :roles?"),
        format!("{at}:10:1: before knows no option :exept; it has no effect; did you mean :except?"),
        format!("{at}:3:13: ssh_options[:colour] has no effect"),
        format!("{at}:1:18: the option :primay of w1 means nothing to any task; did you mean :primary?"),
        format!("{at}:4:1: default_run_options knows no option :pyt; it has no effect; did you mean :pty?"),
        format!("{at}:6:13: a command knows no option :hots; it has no effect; did you mean :hosts?"),
    ] {
        assert_eq!(notes.iter().filter(|note| **note == word).count(), 1, "{word}\n{notes:#?}");
    }
    assert_eq!(notes.len(), 6, "{notes:#?}");
}

#[tokio::test]
async fn the_seed_has_nothing_odd() {
    let notes = run(SEED, &["deploy"]).await.notes();
    assert!(!notes.iter().any(|note| note.contains("warning")), "{notes:#?}");
}

#[tokio::test]
async fn variables_without_effect_are_said() {
    let notes = run(&format!("{SEED}set :scm_passphrase, 'x'\nset :copy_cache, true\n"), &["deploy"]).await.notes();
    let of = |name: &str| notes.iter().any(|note| note.contains(&format!("the variable :{name} has no effect")));
    assert!(of("scm_passphrase") && of("copy_cache"), "{notes:#?}");
}

#[tokio::test]
async fn our_settings_take_any_form_of_a_word() {
    for off in ["false", "'false'", "no", "off", "0"] {
        let recipe = load_saying(SEED, &[("magic_hooks", off), ("migrate_on_deploy", off)]).await;
        let notes = Notes::default();
        run_recipe(&recipe, &["deploy"], &notes).await.unwrap();
        assert!(!notes.tasks().contains(&"deploy:after_update_code".to_owned()), "{off}");
        assert!(notes.notes().iter().any(|note| note.contains("migrate_on_deploy is false")), "{off}");
    }
    for on in ["true", "yes", "on", "1"] {
        let recipe = load_saying(SEED, &[("magic_hooks", on)]).await;
        let notes = Notes::default();
        run_recipe(&recipe, &["deploy"], &notes).await.unwrap();
        assert!(notes.tasks().contains(&"deploy:after_update_code".to_owned()), "{on}");
    }
    for (name, value) in [("magic_hooks", "maybe"), ("dangling_links", "nope"), ("relative_links", "2")] {
        let problem = failing(SEED, &[(name, value)], "deploy").await;
        assert_eq!(problem.kind, ProblemKind::Usage);
        assert_eq!(problem.site.unwrap().to_string(), format!("the command line, -s {name}"));
        assert!(problem.why.contains(value) && problem.next.is_some(), "{}", problem.why);
    }
    let symbol = fail(&format!("{SEED}set :dangling_links, :nope\n"), &["deploy"]).await.0;
    assert_eq!(symbol.site.unwrap().line, seed_lines() + 1);
}

#[tokio::test]
async fn a_setting_is_named_where_it_was_made() {
    // What a hook did last is not the place of what fails behind it.
    let text =
        format!("{SEED}before 'deploy' do\n  x = [1].map {{ |y| y + 1 }}\n  puts x.inspect\nend\nset :branch, 'a;b'\n");
    let (problem, _) =
        fail(&text.replace("svn://svn.example.com/apps/my_cool_app/trunk", "git://h/x.git"), &["deploy"]).await;
    assert_eq!(problem.site.as_ref().unwrap().line, seed_lines() + 5, "{problem:?}");
    let (problem, _) =
        fail(&format!("{SEED}before('deploy') {{ logger.info 'x' }}\nset :shared_children, %w(../x)\n"), &["deploy"])
            .await;
    assert_eq!(problem.site.as_ref().unwrap().line, seed_lines() + 2, "{problem:?}");
    let problem = failing(SEED, &[("deploy_via", "copy")], "deploy").await;
    assert_eq!(problem.site.unwrap().to_string(), "the command line, -s deploy_via");
    let problem = failing(SEED, &[("repository", "svn+x://h")], "deploy").await;
    assert_eq!(problem.site.unwrap().to_string(), "the command line, -s repository");
    let problem = refuse("set :Big, 1\n").await;
    assert_eq!(problem.site.unwrap().line, 1);
}

#[tokio::test]
async fn a_loop_without_end_is_an_error_with_its_place() {
    for (text, line) in [
        ("x = 1\nwhile true\n  x += 1\nend\n", 2..=3),
        ("x = 1\n\nloop { x }\n", 3..=3),
        ("begin\n  raise 'x'\nrescue\n  retry\nend\n", 2..=4),
    ] {
        let effects = deployer();
        effects.add_file("/app/config/deploy.rb", text);
        let mut loader = Loader::new(effects);
        loader.files = vec!["/app/config/deploy.rb".to_owned()];
        loader.steps = 20_000;
        let problem = loader.load().await.err().unwrap();
        assert_eq!(problem.kind, ProblemKind::Recipe);
        assert!(problem.why.contains("loop without end"), "{}", problem.why);
        assert!(line.contains(&problem.site.as_ref().unwrap().line), "{text}: {:?}", problem.site);
    }
}

#[tokio::test]
async fn a_loop_without_end_can_be_interrupted() {
    let effects: Rc<MemoryEffects> = deployer();
    effects.add_file("/app/config/deploy.rb", "x = 1\nwhile true\n  x += 1\nend\n");
    let mut loader = Loader::new(effects);
    loader.files = vec!["/app/config/deploy.rb".to_owned()];
    loader.steps = u64::MAX;
    let mut turns = 0;
    // Ready at the third time of asking: the evaluation has let go of the thread twice before.
    let stop = std::future::poll_fn(move |_| {
        turns += 1;
        if turns > 2 { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    });
    let problem = loader.load_unless(stop).await.err().unwrap();
    assert_eq!(problem.kind, ProblemKind::Interrupted);
    assert!((2..=3).contains(&problem.site.unwrap().line));
}

#[tokio::test]
async fn put_goes_by_max_hosts() {
    let text = format!("{SEED}task(:t, :roles => [:web, :app]) {{ put 'x', '/x', :max_hosts => 3 }}\n");
    let work = run(&text, &["t"]).await.work();
    assert_eq!(work, ["run put /x (1 bytes) @ web1,web2,app1,app2"]);
}

#[tokio::test]
async fn passwords_of_repositories_go_where_they_can() {
    let with = |more: &str| format!("{SEED}set :scm_username, 'al'\nset :scm_password, 's3cret'\n{more}");
    let recipe = load(&with("")).await;
    let notes = Notes::default();
    run_recipe(&recipe, &["deploy"], &notes).await.unwrap();
    assert!(!notes.notes().iter().any(|note| note.contains("scm_password")));
    assert!(!notes.lines.borrow().iter().any(|line| line.contains("s3cret")));
    let notes = run(&with("set :repository, 'git://h/x.git'\n"), &["deploy"]).await.notes();
    let said = |name: &str| notes.iter().filter(|note| note.contains(&format!(":{name} has no effect"))).count();
    assert_eq!((said("scm_username"), said("scm_password")), (1, 1), "{notes:#?}");
}
