//! One step after another: statuses, exact output, environment, input, marks.

use std::process::Command;

use deploy_shell::runner::{Event, Gate, Request, Secret, Status, Work};

use crate::hosts::{Host, each, shell};
use crate::session::{Session, command, eventually, input, kill, script, shell_text};

#[test]
fn hello_tells_the_host() {
    each(Host::all(), |host| {
        let mut session = Session::start(host);
        let hello = session.hello.clone().unwrap();
        let id = |flag: &str| {
            let out = Command::new("id").arg(flag).output().unwrap().stdout;
            String::from_utf8(out).unwrap().trim().to_owned()
        };
        assert_eq!(hello.uid.to_string(), id("-u"), "{}", host.name);
        assert_eq!(hello.user, id("-un"));
        assert_eq!(hello.group, id("-gn"));
        assert_eq!(hello.home, host.home.path().display().to_string());
        assert_eq!(hello.shell, host.login.display().to_string());
        assert_eq!(hello.os, "Linux");
        // Some builds of BusyBox's shell prefer their own applets to what PATH has, so `ash` may be one, too: `ls` says whose it is.
        let help = session.run(command("ls --help 2>&1"));
        assert_eq!(hello.busybox, help.out().contains("BusyBox"), "{}", host.name);
        assert!(hello.busybox || host.name != "busybox");
        assert_eq!(hello.bash, host.name.starts_with("bash"));
        assert!(hello.has_session && hello.builtin_printf);
        let umask = session.run(command("umask")).out();
        assert_eq!(u32::from_str_radix(umask.trim(), 8).unwrap(), hello.umask);
        assert_eq!(session.run(command("uname -n")).out().trim(), hello.host);
        session.quit();
    });
}

#[test]
fn two_hundred_steps_end_with_their_own_status() {
    each(Host::all(), |host| {
        let mut session = Session::start(host);
        for n in 0..200 {
            let done = session.run(command(&format!("echo out {n}; echo err {n} >&2; exit {n}")));
            assert_eq!(done.out(), format!("out {n}\n"), "{}", host.name);
            assert_eq!(done.err(), format!("err {n}\n"));
            let status = done.status();
            assert!(
                status == Status::Exited(n) || n > 128 && status == Status::Signaled(n - 128),
                "{}: {n} {status:?}",
                host.name
            );
        }
        session.quit();
        eventually("no process is left", || host.processes().is_empty());
    });
}

#[test]
fn an_exit_code_above_128_is_not_taken_for_a_signal() {
    each(Host::all(), |host| {
        let mut session = Session::start(host);
        assert_eq!(session.run(command("exit 137")).status(), Status::Exited(137), "{}", host.name);
        let killed = session.run(command("kill -9 $$")).status();
        assert_eq!(killed.likely_signal(), Some(9));
        if !host.name.starts_with("bash") {
            assert_eq!(killed, Status::Signaled(9), "{}", host.name);
        }
        let killed = session.run(command("kill -TERM $$"));
        assert_eq!(killed.status().likely_signal(), Some(15), "{}", host.name);
        assert_eq!(killed.err(), "");
        assert_eq!(session.run(command("no-such-command-here")).status(), Status::Exited(127));
        assert_eq!(session.run(command("echo next")).out(), "next\n");
        session.quit();
    });
}

#[test]
fn output_is_exact() {
    each(Host::all(), |host| {
        let mut session = Session::start(host);
        for text in ["", "x", "\n", "x\n\ny", "\u{1e}", "\u{1e}\n", "\u{1f}\u{1e}0123456789abcdef\n", "é\u{7f}\u{1}"] {
            let octal: String = text.bytes().map(|b| format!("\\{b:03o}")).collect();
            let done = session.run(command(&format!("printf '{octal}'; printf '{octal}' >&2; exit 3")));
            assert_eq!((done.out(), done.err()), (text.into(), text.into()), "{}", host.name);
            assert_eq!(done.status(), Status::Exited(3));
        }
        session.quit();
    });
}

#[test]
fn output_that_imitates_a_trailer_is_output() {
    each(Host::all(), |host| {
        let mut session = Session::start(host);
        let fake = "\\036%s\\037E\\0371\\0370\\037exit\\036\\n";
        let text = format!("printf '{fake}' 0123456789abcdef0123456789abcdef; exit 1");
        let done = session.run(command(&text));
        assert_eq!(done.status(), Status::Exited(1));
        assert_eq!(done.out, b"\x1e0123456789abcdef0123456789abcdef\x1fE\x1f1\x1f0\x1fexit\x1e\n");
        session.quit();
    });
}

#[test]
fn fifty_megabytes_come_through() {
    each([Host::dash(), Host::bash(), Host::busybox()].into_iter().flatten().collect(), |host| {
        let mut session = Session::start(host);
        // Not compressible to a pattern: each block differs by its checksum of the block number.
        let text = "i=0; while [ $i -lt 50 ]; do head -c 1000000 /dev/zero | tr '\\000' \"$(printf '\\%03o' $((i + 33)))\"; \
                    i=$((i + 1)); done; echo end >&2";
        let done = session.run(command(text));
        assert_eq!(done.status(), Status::Exited(0));
        assert_eq!(done.out.len(), 50_000_000, "{}", host.name);
        assert!(done.out.chunks(1_000_000).zip(33u8..).all(|(block, byte)| block.iter().all(|&b| b == byte)));
        assert_eq!(done.err(), "end\n");
        session.quit();
    });
}

#[test]
fn binary_output_comes_through() {
    each(Host::all(), |host| {
        let mut session = Session::start(host);
        let done = session.run(command("head -c 3000000 /dev/urandom >random; cat random"));
        assert_eq!(done.out, std::fs::read(host.home.path().join("random")).unwrap(), "{}", host.name);
        session.quit();
    });
}

#[test]
fn a_command_runs_as_the_login_runs_it() {
    each(Host::all(), |host| {
        // Logins whose home is not where their start-up files leave them, and with variables of our own names.
        let extra = [("LANG", "C.UTF-8"), ("_rN", "theirs"), ("EMPTY", "")];
        let mut session = Session::launch(host, 60, &extra);
        session.greet();
        for text in ["env", "pwd", "umask", "echo $0 $#", "ls -l /proc/self/fd | wc -l", "echo \"$SHLVL\"", "set"] {
            let direct = Command::new(&host.login)
                .arg("-c")
                .arg(text)
                .env_clear()
                .envs(host.env())
                .envs([("LANG", "C.UTF-8"), ("EMPTY", "")])
                .current_dir(host.home.path())
                .stdin(std::process::Stdio::null())
                .output()
                .unwrap();
            let lines = |bytes: &[u8]| {
                let text = String::from_utf8_lossy(bytes).into_owned();
                // What a shell tells about its own process differs from one to the next.
                let own = ["_=", "PPID=", "BASHPID=", "RANDOM=", "SECONDS=", "EPOCH", "SRANDOM=", "LINENO="];
                let mut lines: Vec<String> =
                    text.lines().filter(|l| !own.iter().any(|o| l.starts_with(o))).map(String::from).collect();
                lines.sort();
                lines
            };
            let done = session.run(command(text));
            assert_eq!(lines(&done.out), lines(&direct.stdout), "{}: {text}", host.name);
        }
        session.quit();
    });
}

#[test]
fn input_is_empty_or_what_was_given() {
    each(Host::all(), |host| {
        let mut session = Session::start(host);
        assert_eq!(session.run(command("cat; echo $?")).out(), "0\n", "{}", host.name);
        assert_eq!(session.run(script("cat; echo $?")).out(), "0\n");
        assert_eq!(session.run(shell_text("cat; echo $?")).out(), "0\n");
        let all: Vec<u8> = (1..=255).collect();
        let work = Work::Command { text: "cat; echo >&2".into(), stdin: Some(Secret::new(all.clone())) };
        assert_eq!(session.run(work).out, all);
        assert_eq!(session.run(input("cat", "")).out(), "");
        let long = "x".repeat(4096);
        assert_eq!(session.run(input("cat", &long)).out(), long);
        // Neither a command that does not read, nor a daemon that holds it, delays the end.
        assert_eq!(session.run(input("true", &long)).status(), Status::Exited(0));
        let done = session.run(input("sleep 300 <&0 >/dev/null 2>&1 & echo $!", &long));
        assert_eq!(done.status(), Status::Exited(0));
        kill("KILL", done.out().trim().parse().unwrap());
        session.quit();
    });
}

#[test]
fn text_of_all_bytes_and_of_great_length_arrives() {
    each(Host::all(), |host| {
        let mut session = Session::start(host);
        let bytes: String = (1..=127u8).filter(|&b| b != b'\'').map(char::from).chain("éß\u{10348}".chars()).collect();
        let done = session.run(command(&format!("printf %s '{bytes}'")));
        assert_eq!(done.out(), bytes, "{}", host.name);
        let done = session.run(script(&format!("printf %s '{bytes}'")));
        assert_eq!(done.out(), bytes);
        let long = "y".repeat(128 * 1024 - 40);
        assert_eq!(session.run(command(&format!("echo {long} | wc -c"))).out().trim(), (long.len() + 1).to_string());
        let long = "z".repeat(200_000);
        let done = session.run(script(&format!("a={long}\necho ${{#a}}")));
        assert_eq!(done.out().trim(), "200000");
        session.quit();
    });
}

#[test]
fn scripts_print_marks_among_their_output() {
    each(Host::all(), |host| {
        let mut session = Session::start(host);
        let text = "printf before; _mark step one 'a b' '' 'x\ny'; _fact live 'releases/1'; printf between\n\
                    for r in 1 2; do _item release \"r $r\"; done; _mark odd \"$(printf 'x\\037y')\"; printf after; exit 4";
        let done = session.run(script(text));
        assert_eq!(done.out(), "beforebetweenafter", "{}", host.name);
        assert_eq!(done.status(), Status::Exited(4));
        let mark = |kind: &str, fields: &[&str]| (kind.to_owned(), fields.iter().map(|f| (*f).to_owned()).collect());
        assert_eq!(
            done.marks,
            [
                mark("step", &["one", "a b", "", "x\ny"]),
                mark("fact", &["live", "releases/1"]),
                mark("item", &["release", "r 1"]),
                mark("item", &["release", "r 2"]),
                mark("bad-mark", &["odd"]),
            ]
        );
        let done = session.run(shell_text("_fact a b; echo x"));
        assert_eq!((done.out().as_str(), done.marks.len()), ("x\n", 1));
        session.quit();
    });
}

#[test]
fn a_broken_script_runs_nothing_and_the_next_step_works() {
    each(Host::all(), |host| {
        let mut session = Session::start(host);
        let done = session.run(script("echo started\nif true; then"));
        assert_ne!(done.status(), Status::Exited(0), "{}", host.name);
        assert_eq!(done.out(), "");
        let done = session.run(shell_text("if true; then"));
        assert_ne!(done.status(), Status::Exited(0), "{}", host.name);
        assert_eq!(session.run(command("echo next")).out(), "next\n");
        session.quit();
    });
}

#[test]
fn shell_text_stays_in_force() {
    each(Host::all(), |host| {
        let mut session = Session::start(host);
        session.run(shell_text("umask 027; CAPSTAN_X=1; export CAPSTAN_X; _later=2"));
        assert_eq!(session.run(command("umask; echo $CAPSTAN_X$_later")).out(), "0027\n1\n", "{}", host.name);
        assert_eq!(session.run(shell_text("echo $_later; (exit 5)")).status(), Status::Exited(5));
        session.quit();
    });
}

/// Blocked and ignored signals of a process, without 32 and 33, which belong to the C library and may be inherited from
/// whatever started the test.
fn masks(status: &str) -> Vec<u64> {
    let mask = |line: &str| u64::from_str_radix(line.split_once('\t').unwrap().1, 16).unwrap() & !(0b11 << 31);
    let masks: Vec<u64> = status.lines().map(mask).collect();
    assert_eq!(masks.len(), 2, "{status}");
    masks
}

#[test]
fn signals_are_the_default_ones() {
    each(Host::all(), |host| {
        let mut session = Session::start(host);
        for text in [
            "grep Sig[BI] /proc/self/status; true",
            "(grep Sig[BI] /proc/self/status)",
            "env grep Sig[BI] /proc/self/status",
        ] {
            // BusyBox's shell ignores SIGQUIT by itself in some places; then it does so for a direct login, too.
            let direct = host.direct(text);
            assert_eq!(masks(&session.run(command(text)).out()), masks(&direct), "{}: {text}", host.name);
            if host.login.ends_with("dash") {
                assert_eq!(masks(&direct), [0, 0]);
            }
            assert_eq!(masks(&session.run(script(&format!("{text}\ntrue"))).out()), [0, 0], "{}: {text}", host.name);
        }
        let done = session.run(command("sh -c 'kill -INT $$'; echo $?; sh -c 'kill -PIPE $$'; echo $?"));
        assert_eq!(done.out(), "130\n141\n", "{}", host.name);
        session.quit();
    });
}

#[test]
fn many_requests_go_in_one_flight_with_the_program() {
    each(Host::all(), |host| {
        let mut session = Session::launch(host, 60, &[]);
        let taken = session.id();
        session.send(&Request::Lock { id: taken, lock: crate::session::lock("unit", "run-1") });
        let id = session.id();
        session.send(&Request::Step { id, work: script("_fact here yes; exit 6"), gate: Gate::LOCK });
        let done = session.finish(id);
        assert_eq!(done.status(), Status::Exited(6), "{}", host.name);
        assert_eq!(done.marks.len(), 1);
        session.quit();
    });
}

#[test]
fn a_chain_stops_at_its_first_failure_and_the_next_one_starts_anew() {
    each(Host::all(), |host| {
        let mut session = Session::launch(host, 60, &[]);
        let opens = Gate { opens: true, ..Gate::default() };
        let follows = Gate { unless_failed: true, ..Gate::default() };
        let plan = [
            ("exit 4", opens, Status::Exited(4)),
            ("echo never", follows, Status::Skipped),
            ("echo always", Gate::default(), Status::Exited(0)),
            ("echo never", follows, Status::Skipped),
            ("true", opens, Status::Exited(0)),
            ("echo then", follows, Status::Exited(0)),
        ];
        let mut expected = Vec::new();
        for (text, gate, status) in plan {
            let id = session.id();
            session.send(&Request::Step { id, work: command(text), gate });
            expected.push((id, status));
        }
        let (mut ended, mut out) = (Vec::new(), Vec::new());
        while ended.len() < expected.len() {
            match session.next().expect("the runner goes on to the end") {
                (false, Event::End { step, status }) => ended.push((step, status)),
                (false, Event::Output { bytes, .. }) => out.extend(bytes),
                _ => {}
            }
        }
        assert_eq!(ended, expected, "{}", host.name);
        assert_eq!(String::from_utf8_lossy(&out), "always\nthen\n", "{}", host.name);
        session.quit();
    });
}

#[test]
fn noise_of_the_login_is_told_apart() {
    let Some(mut host) = Host::bash() else { return };
    let noisy = host.home.path().join("noisy");
    std::fs::write(
        &noisy,
        format!(
            "#!{}\necho motd; echo grumble >&2; cd /; exec {} \"$@\"\n",
            host.login.display(),
            host.login.display()
        ),
    )
    .unwrap();
    let mut mode = std::fs::metadata(&noisy).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut mode, 0o755);
    std::fs::set_permissions(&noisy, mode).unwrap();
    host.login = noisy;
    let mut session = Session::start(&host);
    let done = session.run(script("pwd; echo $OLDPWD"));
    assert_eq!(done.out(), format!("{}\n\n", host.home.path().display()));
    assert_eq!(done.err(), "");
    let noise = String::from_utf8_lossy(&session.noise).into_owned();
    assert!(noise.contains("motd\n") && noise.contains("grumble\n"), "{noise}");
    session.quit();
}

#[test]
fn any_login_shell_can_start_it() {
    for name in ["zsh", "fish", "csh", "tcsh", "mksh", "ksh"] {
        let Some(mut host) = Host::dash() else { return };
        let Some(found) = std::env::var("PATH")
            .ok()
            .and_then(|path| path.split(':').map(|dir| std::path::Path::new(dir).join(name)).find(|p| p.is_file()))
        else {
            eprintln!("skipped: no {name} on this machine");
            continue;
        };
        host.login = found;
        let mut session = Session::start(&host);
        assert_eq!(session.run(command("echo hi")).out(), "hi\n", "{name}");
        session.quit();
    }
    shell("dash");
}
