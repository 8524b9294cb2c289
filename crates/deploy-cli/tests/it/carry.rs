//! Files and directories that recipes carry to and from hosts.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use deploy_testbed::repo::Scm;
use deploy_testbed::{Fleet, FleetSpec};

use crate::support::{ALL, APP, RECIPE, Stage, start};

fn embedded() -> Fleet {
    start(FleetSpec::embedded(), "embedded").expect("embedded fleets start everywhere")
}

/// A recipe with one more task `t`, for the application hosts.
fn stage(fleet: Fleet, body: &str) -> Stage {
    let stage = Stage::with(fleet, Scm::Git, RECIPE);
    stage.write("config/deploy.rb", &format!("{RECIPE}\ntask :t, :roles => :app do\n{body}\nend\n"));
    stage
}

/// A file that is neither text nor small.
fn big(path: &Path) -> Vec<u8> {
    let content: Vec<u8> = (0..1_500_000u32).flat_map(u32::to_le_bytes).collect();
    fs::write(path, &content).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o751)).unwrap();
    content
}

fn there_and_back(fleet: Fleet) {
    let body = "upload 'big', 'in/big'\n\
                upload 'tree', 'in/tree', :recursive => true\n\
                put \"\\0#{'x' * 100_000}\", 'in/put', :mode => 0600\n\
                run 'test $(wc -c < in/put) = 100001 && echo after >> in/tree/a/text'\n\
                download 'in/big', 'back-$CAPISTRANO:HOST$'\n\
                get 'in/tree', 'tree-back', :via => :scp, :recursive => true\n\
                text = 'tree-back/a/text'\n\
                run \"echo #{File.exist?(text) && File.read(text).split.join('-')} > in/read\"\n";
    let stage = stage(fleet, body);
    let content = big(&stage.project.join("big"));
    stage.write("tree/a/text", "text\n");
    for host in APP {
        stage.on(host, "mkdir in");
    }
    let plan = stage.cap(&["--plan", "t"]).expect(0);
    let plan = plan.says(&["- upload big -> in/big", "put in/put (100001 bytes)", "app2.example.com"]);
    assert!(!plan.text.contains("$ upload"), "{}", plan.text);
    assert!(!stage.project.join("tree-back").exists());
    stage.on("app1", "test -z \"$(ls in)\"");
    stage.cap(&["t"]).expect(0).says(&["upload big -> in/big", "download in/big"]);
    for host in APP {
        assert_eq!(stage.on(host, "stat -c '%a %s' in/big in/put").trim(), "751 6000000\n600 100001", "{host}");
        assert_eq!(stage.on(host, "ls -A in | sort | tr '\\n' ' '").trim(), "big put read tree", "{host}");
        assert_eq!(stage.on(host, "cat in/read").trim(), "text-after", "{host}");
        let back = stage.project.join(format!("back-{host}.example.com"));
        assert!(fs::read(&back).unwrap() == content, "{host}");
        assert_eq!(fs::metadata(&back).unwrap().permissions().mode() & 0o777, 0o751, "{host}");
    }
}

#[test]
fn there_and_back_embedded() {
    there_and_back(embedded());
}

#[test]
fn there_and_back_sshd() {
    if let Some(fleet) = start(FleetSpec::sshd(), "sshd") {
        there_and_back(fleet);
    }
}

/// The same by SFTP, which brings modes and links, too, and leaves nothing half-done.
#[test]
fn by_sftp_there_and_back_sshd() {
    let Some(fleet) = start(FleetSpec::sshd(), "sshd") else { return };
    let body = "upload 'big', 'in/big', :via => :sftp\n\
                upload 'tree', 'in/tree', :via => :sftp, :recursive => true\n\
                upload 'tree', 'in/tree', :via => :sftp, :recursive => true\n\
                upload 'big', 'in', :via => :sftp, :mode => 0600\n\
                put 'secret', '~/in/put', :via => :sftp, :mode => 0640\n\
                put '', 'in/empty', :via => :sftp\n\
                download 'in/big', 'back-$CAPISTRANO:HOST$', :via => :sftp\n\
                get 'in/tree', 'tree-back', :via => :sftp, :recursive => true\n\
                get '/proc/version', 'version', :via => :sftp\n";
    let stage = stage(fleet, body);
    let content = big(&stage.project.join("big"));
    stage.write("tree/a/te xt", "text\n");
    fs::create_dir(stage.project.join("tree/closed")).unwrap();
    fs::set_permissions(stage.project.join("tree/closed"), fs::Permissions::from_mode(0o550)).unwrap();
    std::os::unix::fs::symlink("a/te xt", stage.project.join("tree/link")).unwrap();
    for host in APP {
        stage.on(host, "mkdir in; echo old > in/big");
    }
    stage.cap(&["t"]).expect(0).says(&["upload big -> in/big", "download in/big"]);
    for host in APP {
        assert_eq!(
            stage.on(host, "stat -c '%a %s' in/big in/put in/empty").trim(),
            "600 6000000\n640 6\n644 0",
            "{host}"
        );
        assert_eq!(stage.on(host, "ls -A in | sort | tr '\\n' ' '").trim(), "big empty put tree", "{host}");
        let tree =
            stage.on(host, "cd in/tree && find . | sort | tr '\\n' ' '; readlink link; stat -c %a closed; cat link");
        assert_eq!(tree.trim(), ". ./a ./a/te xt ./closed ./link a/te xt\n550\ntext", "{host}");
        assert!(fs::read(stage.project.join(format!("back-{host}.example.com"))).unwrap() == content, "{host}");
    }
    let back = stage.project.join("tree-back");
    assert_eq!(fs::read_to_string(back.join("link")).unwrap(), "text\n");
    assert_eq!(fs::read_link(back.join("link")).unwrap(), Path::new("a/te xt"));
    assert_eq!(fs::metadata(back.join("closed")).unwrap().permissions().mode() & 0o777, 0o550);
    assert!(fs::read_to_string(stage.project.join("version")).unwrap().starts_with("Linux"));
}

/// What a host refuses is told in its words, and what was there stays.
#[test]
fn by_sftp_failures_are_told_sshd() {
    let Some(fleet) = start(FleetSpec::sshd(), "sshd") else { return };
    let stage = stage(fleet, "upload ENV['FROM'], ENV['TO'], :via => :sftp\n");
    big(&stage.project.join("big"));
    for host in APP {
        stage.on(host, "mkdir closed; echo old > closed/file; chmod 555 closed");
    }
    for (from, to, words) in [
        ("big", "closed/file", "closed/"),
        ("big", "no/such/place", "no/such/"),
        ("big", "/dev/full/x", "/dev/full"),
        ("missing", "x", "missing"),
    ] {
        let ran = stage.cap(&["t", &format!("FROM={from}"), &format!("TO={to}")]);
        assert_ne!(ran.code, 0, "{}", ran.text);
        ran.says(&[words, "next:"]);
    }
    for host in APP {
        assert_eq!(stage.on(host, "cat closed/file; ls -A closed").trim(), "old\nfile", "{host}");
    }
    let recipe = format!("{RECIPE}\ntask(:t, :roles => :app) {{ get 'closed/none', 'here', :via => :sftp }}\n");
    stage.write("config/deploy.rb", &recipe);
    stage.cap(&["t"]).expect(1).says(&["get closed/none -> here", "closed/none: No such file"]);
    assert!(!stage.project.join("here").exists());
}

/// A server that speaks no SFTP.
#[test]
fn by_sftp_where_there_is_none_embedded() {
    let stage = stage(embedded(), "put 'x', 'file', :via => :sftp\n");
    for host in ALL {
        stage.fleet.faults(host, |faults| faults.refuse_sftp = true).unwrap();
    }
    stage.cap(&["t"]).expect(1).says(&["the host offers no SFTP to this login", "leave out `:via => :sftp'"]);
}

/// A server that is this machine itself: no SSH, and all of a deploy.
#[test]
fn a_server_that_is_here_embedded() {
    let stage = stage(embedded(), "");
    let recipe = "set :application, 'here'\nset :scm, :git\nset(:deploy_to) { \"#{Dir.pwd}/place\" }\nset :use_sudo, false\n\
                  set :normalize_asset_timestamps, false\n\
                  server 'localhost', :app, :web, :local => true\n\
                  task(:carries) { put 'x', \"#{Dir.pwd}/made\", :via => :sftp; run 'test -e ~ && echo $SSH_CONNECTION.' }\n\
                  namespace(:deploy) { task(:restart) { run \"touch #{current_path}/restarted\" } }\n";
    stage.write("config/deploy.rb", recipe);
    let cap = |words: &[&str]| {
        let mut command = stage.bare(words);
        command.arg("-s").arg(format!("repository={}", stage.server.url()));
        stage.run(command)
    };
    cap(&["carries"]).expect(0);
    assert_eq!(fs::read_to_string(stage.project.join("made")).unwrap(), "x");
    cap(&["deploy:setup"]).expect(0);
    cap(&["deploy"]).expect(0).says(&["localhost"]);
    let first = fs::read_link(stage.project.join("place/current")).unwrap();
    assert!(first.join("restarted").exists() && first.join("REVISION").exists());
    stage.repo.release("2").unwrap();
    cap(&["deploy"]).expect(0);
    assert_ne!(fs::read_link(stage.project.join("place/current")).unwrap(), first);
    cap(&["deploy:rollback"]).expect(0);
    assert_eq!(fs::read_link(stage.project.join("place/current")).unwrap(), first);
}

/// `deploy:upload` sends files and directories to the same paths below `current`.
#[test]
fn files_go_into_the_live_release() {
    let stage = stage(embedded(), "");
    stage.set_up();
    stage.write("config/one.yml", "1\n");
    stage.write("config/two.yml", "2\n");
    stage.write("extra/deep/text", "text\n");
    for (given, says) in [("FILES=", "no file is named in FILES"), ("FILES=no/*.yml", "matches no/*.yml")] {
        stage.cap(&["deploy:upload", given]).expect(2).says(&[says, "FILES=config/app.yml`"]);
    }
    // Before anything is live there is no directory to copy into.
    stage.cap(&["deploy:upload", "FILES=config/one.yml"]).expect(1).says(&["upload config/one.yml -> "]);
    stage.cap(&["deploy"]).expect(0);
    let files = "FILES=config/*.yml, extra,none";
    let planned = stage.cap(&["-n", "deploy:upload", files]).expect(0);
    planned.says(&["upload config/one.yml -> ~/", "current/config/two.yml", "upload extra -> ~/", "matches none"]);
    stage.on("app1", "test ! -e $(echo ~/*/current)/config/two.yml");
    stage.cap(&["deploy:upload", files, "HOSTS=app1.example.com"]).expect(0).says(&["matches none"]);
    let sent = "cd ~/*/current && cat config/one.yml config/two.yml extra/deep/text";
    assert_eq!(stage.on("app1", sent).trim(), "1\n2\ntext");
    stage.on("app2", "test ! -e $(echo ~/*/current)/extra");
}

/// What cannot be carried ends the run with the reason of the host; the file that was there stays as it was.
#[test]
fn failures_are_told_with_their_reason() {
    for (body, code, says) in [
        ("upload 'big', 'no/such/big'", 1, &["upload big -> no/such/big", "app1", "config/deploy.rb:", "no/such"][..]),
        ("download 'no/such', 'x'", 1, &["download no/such -> x", "there is no such file"]),
        ("upload 'nothing', 'x'", 2, &["read nothing on this machine", "No such file", "config/deploy.rb:"]),
    ] {
        let stage = stage(embedded(), body);
        big(&stage.project.join("big"));
        for host in APP {
            stage.on(host, "mkdir in && echo old > in/big");
        }
        let ran = stage.cap(&["t"]);
        assert_eq!(stage.on("app1", "cat in/big; ls -A in").trim(), "old\nbig", "{}", ran.text);
        ran.expect(code).says(says);
    }
    let stage = stage(embedded(), "");
    let go_on = "task(:g, :roles => :app, :on_error => :continue) { upload 'big', 'no/such'; run 'echo went-on' }";
    stage.write("config/deploy.rb", &format!("{RECIPE}\n{go_on}\n"));
    big(&stage.project.join("big"));
    stage.on("app1", "mkdir no");
    stage.cap(&["g"]).expect(0).says(&["is left out", "went-on"]);
}

/// A connection that breaks midway is told as that; a small file leaves nothing behind, a big one goes on the next time.
#[test]
fn a_broken_connection_is_told() {
    let stage = stage(embedded(), "upload 'small', 'in/big'");
    fs::write(stage.project.join("small"), [vec![7; 500_000], b"break-here".to_vec(), vec![7; 7_000_000]].concat())
        .unwrap();
    // More comes after it than can be on the way at one time.
    let content = [vec![7; 2_000_000], b"break-here".to_vec(), vec![7; 12_000_000]].concat();
    fs::write(stage.project.join("big"), &content).unwrap();
    for host in APP {
        stage.on(host, "mkdir in && echo old > in/big");
    }
    let breaks = || {
        stage.fleet.faults("app2", |faults| faults.drop_on_input = Some("break-here".to_owned())).unwrap();
        let ran = stage.cap(&["t"]).says(&["app2", "lost"]);
        assert_ne!(ran.code, 0);
    };
    breaks();
    stage.on("app2", "until test \"$(ls -A in)\" = big; do sleep 0.1; done; test \"$(cat in/big)\" = old");
    let recipe = fs::read_to_string(stage.project.join("config/deploy.rb")).unwrap();
    stage.write("config/deploy.rb", &recipe.replace("upload 'small'", "upload 'big'"));
    breaks();
    stage.on("app2", "test \"$(cat in/big)\" = old; set -- in/.capstan-part-*; until test $(wc -c <$1) -gt 2000000; do sleep 0.1; done");
    stage.cap(&["t"]).expect(0);
    assert_eq!(stage.on("app2", "ls -A in; wc -c <in/big").trim(), format!("big\n{}", content.len()));
}

/// Dialect 3: inside `on`, in its place between commands.
#[test]
fn dialect_3_there_and_back() {
    let stage = Stage::with(embedded(), Scm::Git, "");
    stage.write("Capfile", "require 'capistrano/setup'\nDir.glob('lib/*.rake').each { |r| import r }\n");
    stage.write("config/deploy.rb", "set :application, 'x'\n");
    stage.write("config/deploy/production.rb", "role :app, %w[deploy@app1.example.com deploy@app2.example.com]\n");
    stage.write(
        "lib/t.rake",
        "task :t do\n  io = StringIO.new(\"\\0\" * 70_000)\n  on roles(:app) do |host|\n    execute :mkdir, '-p', 'in'\n    \
         upload! io, 'in/io'\n    within('in') { upload! 'big', 'big', log_percent: 10 }\n    \
         upload! 'tree', 'in', recursive: true\n    execute 'cp in/tree/text in/copy'\n    \
         download! 'in/big', \"back-#{host.hostname}\"\n    info \"read #{download!('in/copy').strip}\"\n  end\nend\n",
    );
    let content = big(&stage.project.join("big"));
    stage.write("tree/text", "words\n");
    stage
        .run(stage.bare(&["--plan", "production", "t"]))
        .expect(0)
        .says(&["upload big -> in/big", "upload tree -> in"]);
    stage.run(stage.bare(&["production", "t"])).expect(0).says(&["read words"]);
    for host in APP {
        assert_eq!(stage.on(host, "stat -c '%s' in/big in/io | tr '\\n' ' '").trim(), "6000000 70000", "{host}");
        assert!(fs::read(stage.project.join(format!("back-{host}.example.com"))).unwrap() == content, "{host}");
    }
    let failed = "task :f do\n  on(roles(:app)) { upload! 'big', '/no/such' }\nend\n";
    stage.write("lib/f.rake", failed);
    stage.run(stage.bare(&["production", "f"])).expect(1).says(&["upload big -> /no/such", "lib/f.rake:2", "app1"]);
}
