//! Tables of single rules; `oracle.rs` compares whole answers with ssh's.

use std::time::Duration;

use super::*;

fn environment() -> LocalEnvironment {
    LocalEnvironment::current()
}

fn options(text: &str, host: &str) -> HostOptions {
    SshConfig::from_text("config", text, environment()).options_for(host, None).unwrap()
}

#[test]
fn match_blocks_do_not_leak() {
    let text = "Host web1\n Port 1\nMatch host other\n Port 2\n User leak\nHost *\n Port 3\n";
    assert_eq!(options(text, "web1").port, Some(1));
    assert_eq!(options(text, "web1").user, None);
    assert_eq!(options(text, "other").user.as_deref(), Some("leak"));
    assert_eq!(options(text, "db").port, Some(3));
}

#[test]
fn unhonoured_lines_are_named() {
    let text = "IgnoreUnknown Fancy*\nHost *\n KnownHostsCommand x\n Nonsense yes\n LogLevel DEBUG\n FancyThing 1\n\
                CanonicalizeHostname yes\nMatch localnetwork 10.0.0.0/8\n Port 5\n";
    let found = options(text, "web1");
    assert_eq!(found.port, None);
    let names: Vec<_> = found.unhonoured.iter().map(|u| (u.line, u.keyword.as_str(), u.known_to_ssh)).collect();
    assert_eq!(
        names,
        [
            (3, "knownhostscommand", true),
            (4, "nonsense", false),
            (7, "canonicalizehostname", true),
            (8, "match localnetwork", true)
        ]
    );
}

#[test]
fn errors_name_file_and_line() {
    for (text, problem) in [
        ("\nPort x", "not a port"),
        ("\nHost a\n", ""),
        ("\nUser \"a", "quotes"),
        ("\nMatch host", "no value"),
        ("\nIdentitiesOnly maybe", "neither"),
        ("\nConnectTimeout 5q", "not a time"),
    ] {
        let config = SshConfig::from_text("my config", text, environment());
        match config.options_for("web1", None) {
            Ok(_) => assert_eq!(problem, "", "{text:?}"),
            Err(error) => {
                let message = error.to_string();
                assert!(message.contains("my config:2") && message.contains(problem), "{message}");
            }
        }
    }
}

#[test]
fn times() {
    let time = |text: &str| {
        let found = options(&format!("ConnectTimeout {text}\nConnectTimeout 7"), "a");
        found.connect_timeout.unwrap()
    };
    for (text, seconds) in [("5", 5), ("1m30s", 90), ("2h", 7200), ("none", 7), ("1d", 86_400)] {
        assert_eq!(time(text), Duration::from_secs(seconds), "{text}");
    }
}

#[test]
fn a_named_file_must_exist() {
    let config = SshConfig::from_file("/nonexistent/config", environment());
    assert!(config.options_for("a", None).is_err());
    assert!(SshConfig::none(environment()).options_for("a", None).is_ok());
}

#[test]
fn commands_decide_once_and_only_where_everything_before_holds() {
    let dir = tempfile::tempdir().unwrap();
    let count = dir.path().join("count");
    let text = format!(
        "Match host web* exec \"echo %h >> {0}; test %n = web1\"\n Port 7\nMatch host other exec \"echo no >> {0}\"\n Port 8\n",
        count.display()
    );
    let config = SshConfig::from_text("config", &text, environment());
    let port = |host| config.options_for(host, None).unwrap().port;
    assert_eq!((port("web1"), port("web2"), port("web1"), port("db")), (Some(7), None, Some(7), None));
    assert_eq!(std::fs::read_to_string(&count).unwrap(), "web1\nweb2\n");
    // Nothing from outside gets into the command's shell.
    let error = config.options_for("web1;id", None).unwrap_err();
    assert!(error.to_string().contains("may not be put"), "{error}");
}

/// As ssh does, whose `-G` is asked with the same shell where it is installed.
#[test]
fn commands_run_in_the_shell_of_the_person() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let (shell, file) = (dir.path().join("myshell"), dir.path().join("config"));
    // It takes the command for a word of its own, like a shell of another language.
    std::fs::write(&shell, "#!/bin/sh\ntest \"$1 $2\" = '-c is-it web1'\n").unwrap();
    std::fs::set_permissions(&shell, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::write(&file, "Match exec \"is-it %h\"\n Port 7\n").unwrap();
    let config = SshConfig::from_file(&file, LocalEnvironment { shell: shell.clone(), ..environment() });
    let port = |host| config.options_for(host, None).unwrap().port;
    assert_eq!((port("web1"), port("web2")), (Some(7), None));
    let mut ssh = std::process::Command::new("ssh");
    if let Ok(told) = ssh.env("SHELL", &shell).args(["-G", "web1", "-F"]).arg(&file).output() {
        assert!(String::from_utf8_lossy(&told.stdout).contains("port 7\n"), "{told:?}");
    }
    let gone = SshConfig::from_file(&file, LocalEnvironment { shell: dir.path().join("gone"), ..environment() });
    let error = gone.options_for("web1", None).unwrap_err().to_string();
    assert!(error.contains("did not start") && error.contains("gone"), "{error}");
}

#[test]
fn tags_choose_blocks() {
    let text = "Host web1\n Tag blue\nMatch tagged blue\n Port 7\n";
    assert_eq!((options(text, "web1").port, options(text, "db").port), (Some(7), None));
}
