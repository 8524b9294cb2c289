//! Bad input: a message of four parts, the right exit code, and hosts as they were.

use std::fs;

use deploy_testbed::repo::{AppRepo, Scm};
use deploy_testbed::{Fleet, FleetSpec};

use crate::support::{ALL, RECIPE, Ran, Stage, have, start};

fn two() -> Fleet {
    start(FleetSpec::embedded(), "embedded").unwrap()
}

/// Every failure says what, where, why and what to do next.
#[track_caller]
fn four_parts(ran: Ran, code: i32, words: &[&str]) -> Ran {
    let ran = ran.expect(code).says(words);
    for part in ["error: could not ", "where:", "why:", "next:"] {
        let mut lines = ran.text.lines().map(str::trim_start);
        assert!(lines.any(|line| line.starts_with(part)), "no {part} in:\n{}", ran.text);
    }
    ran
}

/// Every file of every host.
fn trees(stage: &Stage) -> Vec<String> {
    ALL.iter().map(|host| stage.tree(host)).collect()
}

#[test]
fn embedded_recipes_that_cannot_be_used() {
    let stage = Stage::new(two(), Scm::Git);
    stage.set_up();
    stage.cap(&["deploy"]).expect(0);
    let before = trees(&stage);
    four_parts(stage.cap(&["nosuch"]), 2, &["nosuch"]);
    four_parts(stage.cap(&["deploy:restrat"]), 2, &["deploy:restart"]);

    stage.write("config/deploy.rb", "set :application, \"x\nrole :web, 'web1'\n");
    four_parts(stage.cap(&["deploy"]), 2, &["config/deploy.rb:2:18", "unterminated string"]);

    stage.write("config/deploy.rb", "set :application, 'x'\nset :deploy_to, \"/srv/#{aplication}\"\nfoo = deploy_to\n");
    four_parts(stage.cap(&["deploy"]), 2, &["config/deploy.rb:2:", "aplication", "application"]);

    fs::remove_file(stage.project.join("Capfile")).unwrap();
    fs::remove_dir_all(stage.project.join("config")).unwrap();
    four_parts(stage.cap(&["deploy"]), 2, &["Capfile", "config/deploy.rb"]);
    assert_eq!(before, trees(&stage));
}

#[test]
fn embedded_hosts_that_cannot_be_had() {
    let stage = Stage::new(two(), Scm::Git);
    stage.set_up();
    stage.cap(&["deploy"]).expect(0);
    let before = trees(&stage);

    stage.fleet.faults("web2", |faults| faults.refuse_auth = true).unwrap();
    four_parts(stage.cap(&["deploy"]), 6, &["web2.example.com", "publickey"]);
    stage.fleet.faults("web2", |faults| faults.refuse_auth = false).unwrap();

    stage.fleet.stop_host("app1").unwrap();
    four_parts(stage.cap(&["deploy"]), 6, &["app1.example.com", "refused"]);
    stage.fleet.start_host("app1").unwrap();

    stage.fleet.change_host_key("db1").unwrap();
    four_parts(stage.cap(&["deploy"]), 6, &["db1.example.com", "SHA256:", "known_hosts:"]);
    assert_eq!(before, trees(&stage));
}

#[test]
fn embedded_unknown_hosts_and_names() {
    let stage = Stage::with(two(), Scm::Git, &RECIPE.replace("web2.example.com", "no-such-host.invalid"));
    let before = trees(&stage);
    four_parts(stage.cap(&["deploy:setup"]), 6, &["no-such-host.invalid"]);
    assert_eq!(before, trees(&stage));
    let stage = Stage::with(two(), Scm::Git, &RECIPE.replace("role :app", "role :other"));
    let before = trees(&stage);
    four_parts(stage.cap(&["deploy:restart"]), 2, &["app"]);
    fs::write(&stage.fleet.known_hosts, "").unwrap();
    four_parts(stage.cap(&["invoke", "COMMAND=true"]), 6, &["SHA256:"]);
    assert_eq!(before, trees(&stage));
}

/// What the command line says and no task heeds, or what no setting can be, is refused and not deployed over.
#[test]
fn embedded_settings_and_options_that_mean_nothing() {
    let stage = Stage::new(two(), Scm::Git);
    stage.set_up();
    let before = trees(&stage);
    let option = "the command line, --to 20200101000000";
    four_parts(stage.cap(&["deploy", "--to", "20200101000000"]), 2, &[option, "deploy:rollback"]);
    for task in ["deploy:web:disable", "recover", "deploy:restart", "deploy:rollback:cleanup"] {
        four_parts(stage.cap(&[task, "--to", "20200101000000"]), 2, &[option, task, "deploy:rollback"]);
    }
    four_parts(stage.cap(&["deploy", "RELEASE=20200101000000"]), 2, &["RELEASE=20200101000000", "deploy:rollback"]);
    for (setting, words) in [
        ("branch=", "it is empty"),
        ("revision=", "it is empty"),
        ("use_sudo=maybe", "true or false"),
        ("repository_cache=../../x", "leaves the directory"),
        ("repository_cache=~/x/..", "would be in it"),
        ("application=..", "is no name"),
        ("application=.", "is no name"),
        ("application=", "it is empty"),
        ("port=abc", "a number from 1 to 65535"),
        ("revision=0862c2dc0e", "all 40 characters"),
    ] {
        let name = setting.split('=').next().unwrap();
        let place = format!("the command line, -s {name}");
        four_parts(stage.cap(&["deploy", "-s", setting]), 2, &[&place, words]);
    }
    // What to do about an option is an option.
    for (setting, next) in [
        ("deploy_to=", "give -s deploy_to=/var/www/my_shop"),
        ("branch=a;b", "give -s branch=main"),
        ("revision=", "give -s revision=HEAD, or leave it out"),
        ("deploy_via=teleport", "give -s deploy_via=remote_cache"),
        ("scm=sccs", "give -s scm=git, or the same with subversion"),
        ("port=abc", "give -s port as a number from 1 to 65535, or leave it out"),
        ("branch=main^", "where `git rev-parse 'main^'` prints it"),
        ("revision=HEAD~1", "where `git rev-parse 'HEAD~1'` prints it"),
        ("branch=a b", "it may have only letters, digits and . _ / - + @ # { } : % = ,"),
        ("branch=nosuch", "that the repository has: `git ls-remote git://"),
    ] {
        let mut command = stage.bare(&["deploy", "-s", &format!("repository={}", stage.server.url())]);
        if !setting.starts_with("deploy_to") {
            command.args(["-s", &format!("deploy_to={}", stage.deploy_to())]);
        }
        let ran = four_parts(
            stage.run({
                command.args(["-s", setting]);
                command
            }),
            2,
            &[next],
        );
        assert!(!ran.text.contains("set :"), "{}", ran.text);
    }
    for address in ["http://127.0.0.1:1/x", "file:///nonexistent/x"] {
        let mut lost = stage.bare(&["deploy", "-s", &format!("repository={address}")]);
        lost.args(["-s", &format!("deploy_to={}", stage.deploy_to())]);
        let ran = four_parts(stage.run(lost), 1, &["cannot read the repository", address, "check the address"]);
        assert!(!ran.text.contains("set :scm"), "{}", ran.text);
    }
    let mut none = stage.bare(&["--ssh-config", "/nonexistent/config", "deploy"]);
    none.args(["-s", &format!("deploy_to={}", stage.deploy_to())]);
    let ran = four_parts(stage.run(none), 2, &["the command line, --ssh-config /nonexistent/config"]);
    assert_eq!(ran.text.matches("error: ").count(), 1, "{}", ran.text);
    assert_eq!(before, trees(&stage));
}

/// A cache of the repository in a place with a meaning of its own would be emptied for the repository's files.
#[test]
fn embedded_a_cache_among_the_releases_is_refused() {
    let stage = Stage::new(two(), Scm::Git);
    stage.set_up();
    stage.cap(&["deploy"]).expect(0);
    let before = trees(&stage);
    let root = stage.deploy_to();
    for (name, words) in [
        (format!("{root}/current"), "runs through"),
        (format!("{root}/current/vendor"), "runs through"),
        (format!("{root}/shared/../current"), "runs through"),
        (format!("{root}/releases/"), "among the releases"),
        (format!("{root}//releases/cache"), "among the releases"),
        (format!("{root}/.capstan/cache"), "its own records"),
        (root.clone(), "would be in it"),
        (".".to_owned(), "would be in it"),
    ] {
        let setting = format!("repository_cache={name}");
        for task in ["deploy", "deploy:check"] {
            let ran = stage.cap(&[task, "-s", "deploy_via=remote_cache", "-s", &setting]);
            four_parts(ran, 2, &["-s repository_cache", words, "cached-copy"]);
        }
    }
    assert_eq!(before, trees(&stage));
    stage.cap(&["deploy", "-s", "deploy_via=remote_cache", "-s", "repository_cache=currently/x"]).expect(0);
}

/// An application without a name would be deployed over its neighbours.
#[test]
fn embedded_an_application_without_a_name_is_refused() {
    let stage = Stage::new(two(), Scm::Git);
    let cap = |task: &str| stage.run(stage.bare(&[task, "-s", &format!("repository={}", stage.server.url())]));
    for value in ["nil", "''", "' '", "'..'", "'.'", "lambda { '..' }"] {
        let recipe = RECIPE.replace("set :application, ", "set :application, VALUE #").replace("VALUE", value);
        stage.write("config/deploy.rb", &recipe);
        for task in ["deploy:setup", "deploy:check", "deploy"] {
            let ran = four_parts(cap(task), 2, &["the variable `application'", "my_shop"]);
            assert!(!ran.text.contains("unchanged"), "{value}: no host is asked: {}", ran.text);
        }
    }
}

/// With Subversion the revision is what was asked for; there is no branch.
#[test]
fn embedded_a_revision_that_subversion_does_not_have() {
    if !have(Scm::Subversion) {
        return;
    }
    let stage = Stage::new(two(), Scm::Subversion);
    stage.set_up();
    let before = trees(&stage);
    for wanted in ["99", "nosuch"] {
        let ran = four_parts(stage.cap(&["deploy", "-s", &format!("revision={wanted}")]), 2, &[wanted, "-s revision"]);
        assert!(!ran.text.contains("branch"), "{}", ran.text);
    }
    assert_eq!(before, trees(&stage));
    stage.cap(&["deploy"]).expect(0);
    // What is live was deployed from a repository of another system: the two have nothing in common.
    let git = AppRepo::create(&stage.fleet.scratch("git").unwrap(), Scm::Git).unwrap();
    let server = git.serve().unwrap();
    let deploy_to = format!("deploy_to={}", stage.deploy_to());
    let repository = format!("repository={}", server.url());
    let moved = |task: &str| stage.run(stage.bare(&[task, "-s", &deploy_to, "-s", &repository]));
    for task in ["deploy:pending", "deploy:pending:diff"] {
        four_parts(moved(task), 1, &["-s repository", "is one of Subversion", "is one of git", "cap ", " deploy`"]);
    }
    moved("deploy").expect(0);
    moved("deploy:pending").expect(0).says(&["nothing is pending"]);
    four_parts(stage.cap(&["deploy:pending"]), 1, &["is one of git", "is one of Subversion"]);
}

/// A relative `deploy_to` is what the login's home makes of it, and a check and a deploy say so once.
#[test]
fn embedded_a_deploy_to_that_is_relative() {
    let stage = Stage::new(two(), Scm::Git);
    let repository = format!("repository={}", stage.server.url());
    let cap =
        |args: &[&str]| stage.run(stage.bare(&[args, &["-s", &repository, "-s", "deploy_to=apps/shop"]].concat()));
    for task in ["deploy:setup", "deploy:check", "deploy"] {
        let ran = cap(&[task]).expect(0);
        let warning = "warning: the command line, -s deploy_to: deploy_to \"apps/shop\" is relative";
        assert_eq!(ran.text.matches(warning).count(), 1, "{task}: {}", ran.text);
        assert!(ran.text.contains("\"~/apps/shop\""), "{}", ran.text);
    }
    for host in ALL {
        stage.on(host, "test -f ~/apps/shop/current/REVISION");
    }
    let ran = stage.cap(&["deploy:setup"]).expect(0);
    assert!(!ran.text.contains("is relative"), "{}", ran.text);
}

/// A built-in task that lacks its role says what to add.
#[test]
fn embedded_migrations_without_a_db_role() {
    let stage = Stage::with(two(), Scm::Git, &RECIPE.replace("role :db", "role :store"));
    stage.set_up();
    stage.cap(&["deploy"]).expect(0);
    // Our own directory has done its part by then: the role is looked for in the midst of the flow.
    let look = format!("cd {} && readlink current && ls releases", stage.deploy_to());
    let seen = || ALL.map(|host| stage.on(host, &look));
    let before = seen();
    let words = ["the built-in task runs on the role :db", "role :db, \"host.example.com\", :primary => true"];
    four_parts(stage.cap(&["deploy:migrations"]), 2, &words);
    assert_eq!(before, seen());
}

#[test]
fn embedded_repositories_that_cannot_be_read() {
    let stage = Stage::new(two(), Scm::Git);
    stage.set_up();
    let before = trees(&stage);
    four_parts(stage.cap(&["deploy", "-s", "branch=nosuch"]), 2, &["nosuch", "the command line, -s branch"]);
    let gone = "abcd".repeat(10);
    let revision = format!("revision={gone}");
    let ran = four_parts(stage.cap(&["deploy", "-s", &revision]), 2, &[&gone, "the command line, -s revision"]);
    assert!(!ran.text.contains("web1.example.com"), "no host is asked: {}", ran.text);
    let mut gone = stage.bare(&["deploy", "-s", "repository=git://127.0.0.1:1/x.git", "-s", "scm=git"]);
    gone.args(["-s", &format!("deploy_to={}", stage.deploy_to())]);
    four_parts(stage.run(gone), 1, &["127.0.0.1", "fatal: unable to connect", "-s repository"]);
    let canary = stage.project.join("canary");
    let evil = format!("$(touch {0});`touch {0}`", canary.display());
    four_parts(stage.cap(&["deploy", "-s", &format!("branch={evil}")]), 2, &["branch", "'$'"]);
    four_parts(stage.cap(&["deploy", "-s", &format!("application={evil}")]), 2, &["application", "'$'"]);
    // One that git itself allows.
    stage.repo.branch("x;touch${IFS}y").unwrap();
    stage.repo.release("9").unwrap();
    four_parts(stage.cap(&["deploy", "-s", "branch=x;touch${IFS}y"]), 2, &["branch", "';'"]);
    stage.repo.branch("main").unwrap();
    assert!(!canary.exists());
    four_parts(stage.cap(&["deploy", "-s", "branch=--upload-pack=x"]), 2, &["--upload-pack"]);
    four_parts(stage.cap(&["deploy", "-s", "deploy_via=teleport"]), 2, &["teleport"]);
    assert_eq!(before, trees(&stage));
}

#[test]
fn embedded_layouts_that_are_not_right() {
    let stage = Stage::new(two(), Scm::Git);
    four_parts(stage.cap(&["deploy"]), 1, &["deploy:setup", "web1.example.com", "db1.example.com"]);
    stage.set_up();
    four_parts(stage.cap(&["deploy:rollback"]), 1, &["nothing is live"]);
    stage.cap(&["deploy"]).expect(0);
    four_parts(stage.cap(&["deploy:rollback"]), 1, &["roll back"]);
    let current = format!("{}/current", stage.deploy_to());
    stage.on("web2", &format!("rm {current} && mkdir {current} && echo precious > {current}/file"));
    let ran = four_parts(stage.cap(&["deploy"]), 1, &["web2.example.com", "current"]);
    assert_eq!(stage.on("web2", &format!("cat {current}/file")), "precious", "{}", ran.text);
    assert_ne!(stage.live("web1"), "");
}

/// The table and the count of a deploy that one host stands against have all hosts that it was about.
#[test]
fn embedded_a_refused_deploy_is_about_all_of_its_hosts() {
    let stage = Stage::new(two(), Scm::Git);
    stage.set_up();
    let current = format!("{}/current", stage.deploy_to());
    stage.on("web2", &format!("mkdir {current}"));
    let ran = four_parts(stage.cap(&["deploy"]), 1, &["FAILED, nothing changed", "; 5 hosts"]);
    for host in ALL.iter().filter(|host| **host != "web2") {
        let mut rows = ran.text.lines().filter(|line| line.starts_with(&format!("{host}.example.com ")));
        assert!(rows.any(|row| row.ends_with("  unchanged")), "{host}\n{}", ran.text);
    }
    // One that cannot be reached at all is no different.
    stage.fleet.stop_host("web2").unwrap();
    for words in [&["deploy"][..], &["deploy:setup"], &["invoke", "COMMAND=true"]] {
        four_parts(stage.cap(words), 6, &["web1.example.com", "unchanged", "; 5 hosts"]);
    }
}

/// A step of our own has no command that could be run by hand; what a host says in one line is said once.
#[test]
fn embedded_a_link_that_points_nowhere_is_told_once() {
    let stage = Stage::with(two(), Scm::Git, &format!("{RECIPE}set :dangling_links, :fail\n"));
    stage.cap(&["deploy:setup"]).expect(0);
    let ran = four_parts(stage.cap(&["deploy"]), 1, &["finish releases/", ":dangling_links, :warn"]);
    let error = &ran.text[ran.text.find("error: could not").unwrap()..];
    // The hosts of this fleet have their files in different places, so each has an error of its own.
    assert_eq!(error.matches("which does not exist").count(), 2, "{error}");
    assert!(!error.contains("last lines") && !error.contains("by hand"), "{error}");
}

/// A host out of reach hides nothing of the others.
#[test]
fn embedded_a_check_looks_at_every_host() {
    let stage = Stage::new(two(), Scm::Git);
    stage.set_up();
    let current = format!("{}/current", stage.deploy_to());
    stage.on("web2", &format!("mkdir {current}"));
    stage.on("db1", &format!("rmdir {}/releases", stage.deploy_to()));
    stage.fleet.stop_host("app1").unwrap();
    let ran = stage.cap(&["deploy:check"]);
    assert_ne!(ran.code, 0);
    four_parts(ran, 6, &["app1.example.com", "refused", "web2.example.com", "mv ", "db1.example.com", "deploy:setup"]);
}

/// A host that cannot read the repository is found before a deploy, beside whatever else is wrong anywhere.
#[test]
fn embedded_a_check_has_every_host_read_the_repository() {
    let stage =
        Stage::with(two(), Scm::Git, &format!("{RECIPE}depend :remote, :directory, '/no/such/dir', :roles => :web\n"));
    stage.set_up();
    let before = trees(&stage);
    let elsewhere = format!("[url \"git://127.0.0.1:1/\"]\n insteadOf = {}", stage.server.url());
    stage.on("web2", &format!("printf '%s\\n' '{elsewhere}' >~/.gitconfig"));
    stage.fleet.stop_host("app1").unwrap();
    let words = ["app1.example.com", "read the repository", "web2.example.com", "unable to connect", "git ls-remote"];
    let ran = four_parts(stage.cap(&["deploy:check"]), 6, &words);
    assert!(
        ran.text.contains("web1.example.com, web2.example.com, task deploy:check, config/deploy.rb:"),
        "{}",
        ran.text
    );
    stage.on("web2", "rm ~/.gitconfig");
    stage.fleet.start_host("app1").unwrap();
    assert_eq!(before, trees(&stage));
}

/// What was built and is not live is not shown as live.
#[test]
fn embedded_a_release_that_is_only_built() {
    let stage = Stage::new(two(), Scm::Git);
    stage.set_up();
    stage.cap(&["deploy"]).expect(0);
    let live = stage.live("web1");
    stage.repo.release("2").unwrap();
    let ran = stage.cap(&["deploy:update_code"]).expect(0).says(&["built", "not live", "deploy:create_symlink"]);
    assert_eq!(stage.live("web1"), live);
    let names = stage.on("web1", &format!("ls {}/releases", stage.deploy_to()));
    let new = names.lines().find(|name| *name != live).unwrap();
    assert!(ran.text.contains(&format!("ok: built {new}")), "{}", ran.text);
    stage.cap(&["deploy:create_symlink"]).expect(0);
    assert_eq!(stage.live("web1"), new);
}

/// A password of a repository reaches a real server through the hosts' clients, and nobody sees it.
#[test]
fn embedded_a_repository_with_a_password() {
    if !have(Scm::Subversion) {
        return;
    }
    let stage = Stage::new(two(), Scm::Subversion);
    let conf = stage.repo.root().join("apps/conf");
    fs::write(conf.join("svnserve.conf"), "[general]\nanon-access = none\nauth-access = write\npassword-db = passwd\n")
        .unwrap();
    fs::write(conf.join("passwd"), "[users]\nal = s3cr'et$x\n").unwrap();
    stage.set_up();
    four_parts(stage.cap(&["deploy"]), 1, &["svn: E", "cannot read the repository"]);
    let login = "set :scm_username, 'al'\nset :scm_password, %q(s3cr'et$x)\n";
    stage.write("config/deploy.rb", &format!("{RECIPE}{login}"));
    let mut texts = vec![stage.cap(&["deploy:check"]).expect(0).text];
    for more in
        [&["-v"][..], &["-v", "--plan"], &["-v", "-s", "deploy_via=remote_cache"], &["-v", "-s", "deploy_via=export"]]
    {
        texts.push(stage.cap(&[&["deploy", "--log", "log"], more].concat()).expect(0).text);
    }
    texts.push(fs::read_to_string(stage.project.join("log")).unwrap());
    texts.push(stage.on("web1", &format!("cd {}; find . -type f -exec cat {{}} +", stage.deploy_to())));
    assert!(!stage.on("web1", &format!("ls -a {}/.capstan", stage.deploy_to())).contains("scm-password"));
    for text in texts {
        assert!(!text.contains("s3cr"), "{text}");
    }
}

/// Values whose names say that they are secrets are shown nowhere, also where the recipe puts them into commands.
#[test]
fn embedded_secrets_in_commands_of_the_recipe() {
    let stage = Stage::new(two(), Scm::Git);
    let task = "set :scm_password, %q(s3cr'et x)\nset :short_token, 'abc'\n\
        task(:leak, :roles => :web) { run \"echo #{scm_password.inspect} #{api_token} #{short_token}\"; puts scm_password }\n";
    stage.write("config/deploy.rb", &format!("{RECIPE}{task}"));
    let given = ["leak", "-s", "api_token=t0k3n", "--log", "log"];
    let mut texts: Vec<String> = [&[][..], &["-v"], &["--plan"], &["-n"], &["--format", "json"]]
        .iter()
        .map(|more| stage.cap(&[&given, *more].concat()).expect(0).says(&["[secret]", "abc"]).text)
        .collect();
    // So are they where the command fails, and in what is said of it.
    let task = format!("{task}task(:leak_and_fail) {{ run \"false #{{scm_password.inspect}} #{{api_token}}\" }}\n");
    stage.write("config/deploy.rb", &format!("{RECIPE}{task}"));
    texts.push(four_parts(stage.cap(&["leak_and_fail", "-s", "api_token=t0k3n"]), 1, &["[secret]"]).text);
    texts.push(fs::read_to_string(stage.project.join("log")).unwrap());
    for text in texts {
        assert!(!text.contains("s3cr") && !text.contains("t0k3n"), "{text}");
    }
}

/// `deploy:check` says of hosts that it cannot reach what a deploy says.
#[test]
fn embedded_a_check_says_of_hosts_out_of_reach_what_a_deploy_says() {
    let stage = Stage::new(two(), Scm::Git);
    stage.set_up();
    stage.fleet.faults("web2", |faults| faults.refuse_auth = true).unwrap();
    stage.fleet.stop_host("app1").unwrap();
    stage.fleet.change_host_key("db1").unwrap();
    let errors = |task: &str| {
        let ran = four_parts(stage.cap(&[task]), 6, &["web1.example.com", "unchanged", "; 5 hosts"]);
        let errors = ran.text.split("\nerror: ").skip(1).map(|error| error.trim().to_owned());
        let mut errors: Vec<String> = errors.filter(|error| error.starts_with("could not connect to ")).collect();
        errors.sort();
        errors
    };
    let (deploy, check) = (errors("deploy"), errors("deploy:check"));
    assert_eq!(deploy.len(), 3, "{deploy:?}");
    assert_eq!(deploy, check);
}

/// Without `shared/` a check warns and a deploy warns of links; for a cache, which lies there, it is made.
#[test]
fn embedded_a_check_and_a_deploy_agree_on_shared() {
    let stage = Stage::new(two(), Scm::Git);
    stage.set_up();
    let shared = format!("{}/shared", stage.deploy_to());
    stage.on("web2", &format!("rm -r {shared}"));
    stage.cap(&["deploy:check"]).expect(0).says(&["shared is not there on web2.example.com", "ready for a deploy"]);
    stage.cap(&["deploy"]).expect(0).says(&["web2.example.com", "does not exist"]);
    for task in ["deploy:check", "deploy"] {
        stage.cap(&[task, "-s", "deploy_via=remote_cache"]).expect(0);
    }
}

/// What the cache of the repository cannot be kept in is found by a check, in the words of the deploy that would fail.
#[test]
fn embedded_a_check_finds_a_cache_that_is_no_working_copy() {
    let stage = Stage::new(two(), Scm::Git);
    stage.set_up();
    let shared = format!("{}/shared", stage.deploy_to());
    stage.on("web2", &format!("mkdir {shared}/cached-copy {shared}/uploads && touch {shared}/cached-copy/holiday.jpg"));
    let before = stage.tree("web2");
    let cached = ["-s", "deploy_via=remote_cache"];
    let words = ["web2.example.com", "cached-copy is no working copy", "move it away, the repository is kept there"];
    let ran = four_parts(stage.cap(&[&["deploy:check"][..], &cached].concat()), 1, &words);
    assert!(!ran.text.contains("ready for a deploy"), "{}", ran.text);
    assert_eq!(stage.tree("web2"), before);
    four_parts(stage.cap(&[&["deploy"][..], &cached].concat()), 1, &words);
    // No cache, or an empty directory for it, is in nobody's way.
    stage.cap(&["deploy:check"]).expect(0);
    for name in ["uploads", "none"] {
        stage.cap(&["deploy:check", cached[0], cached[1], "-s", &format!("repository_cache={name}")]).expect(0);
    }
    stage.on("web1", &format!("mkdir {shared}/uploads && touch {shared}/uploads/x"));
    let ran = stage.cap(&["deploy:check", cached[0], cached[1], "-s", "repository_cache=uploads"]);
    four_parts(ran, 1, &["web1.example.com", "uploads is no working copy", "mv "]);
}
