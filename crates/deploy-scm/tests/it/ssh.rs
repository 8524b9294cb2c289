//! Repositories over ssh, with a stand-in for the ssh program that records how it was called, and passwords.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use deploy_scm::{Redacted, RepositoryUrl, ScmError, ScmKind, Source, Strategy};

use crate::world::{World, each_shell, have, in_shell};

/// Writes its arguments and the trusted lines to `ssh.log`, then runs the remote command here.
const SSH: &str = r#"#!/bin/sh
{
  printf '%s\n' "$@"
  if [ -n "$CAPSTAN_KNOWN_HOSTS" ]; then ls -l "$CAPSTAN_KNOWN_HOSTS" | cut -c1-10; cat "$CAPSTAN_KNOWN_HOSTS"; fi
} >>"$HOME/../ssh.log"
while :; do
  case $1 in
    -o | -p) shift 2 ;;
    --) shift ;;
    -*) shift ;;
    *) break ;;
  esac
done
shift
exec sh -c "$*"
"#;

fn program(world: &World, name: &str, text: &str) {
    world.write(&format!("bin/{name}"), text);
    fs::set_permissions(world.path(&format!("bin/{name}")), fs::Permissions::from_mode(0o755)).unwrap();
}

/// Runs with `bin` first in the path.
fn host(world: &World, source: &Source, wanted: &str, known_hosts: &[&str]) -> (bool, String) {
    let pinned = world.resolve(source, wanted);
    let pinned = pinned.unwrap_or_else(|e| panic!("{e}"));
    let mut side = world.side(Strategy::Checkout, "1");
    side.known_hosts = known_hosts.iter().map(|line| (*line).to_owned()).collect();
    let ops = source.host_ops(&pinned, &side).unwrap();
    let deploy_plan::Op::Script { body, .. } = &ops[0] else { panic!("a script") };
    let path = format!("{}:{}", world.path("bin").display(), std::env::var("PATH").unwrap());
    let output =
        world.command(&world.shell[0]).args(&world.shell[1..]).arg("-c").arg(body).env("PATH", path).output().unwrap();
    assert!(fs::read_dir(world.path("app/run")).unwrap().next().is_none(), "nothing is left in the run's directory");
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn git_over_ssh_is_strict() {
    if !have(&["git"]) {
        return;
    }
    each_shell(|world| {
        let local = world.git_repository();
        let hash = world.resolve(&local, "main").unwrap().revision.to_string();
        program(world, "ssh", SSH);
        let path = world.path("repo.git");
        let source =
            Source::new(ScmKind::Git, RepositoryUrl::parse(&format!("git@example.com:{}", path.display())).unwrap());
        let line = "example.com ssh-ed25519 AAAA it's $(touch x)";
        let (good, said) = host(world, &source, &hash, &[line, "two"]);
        assert!(good, "{said}");
        assert_eq!(world.read("app/releases/1/app.txt"), "one");
        let log = world.read("ssh.log");
        for wanted in [
            "StrictHostKeyChecking=yes\n",
            "BatchMode=yes\n",
            "UserKnownHostsFile=~/.ssh/known_hosts",
            "git@example.com\n",
            "-rw-------\n",
            line,
        ] {
            assert!(log.contains(wanted), "{wanted}: {log}");
        }
        fs::remove_file(world.path("ssh.log")).unwrap();
        fs::remove_dir_all(world.path("app/releases/1")).unwrap();
        assert!(host(world, &source, &hash, &[]).0);
        assert!(!world.read("ssh.log").contains("UserKnownHostsFile"));
        assert!(!world.has("x"));
        world.write("app/run/scm-ssh", "what an interrupted step left");
        fs::remove_dir_all(world.path("app/releases/1")).unwrap();
        assert!(host(world, &source, &hash, &[]).0, "what an interrupted step left does not stand in the way");
    });
}

#[test]
fn svn_over_ssh_is_strict() {
    if !have(&["svn", "svnadmin", "svnserve", "svnversion"]) {
        return;
    }
    each_shell(|world| {
        let local = world.svn_repository();
        world.resolve(&local, "HEAD").unwrap();
        program(world, "ssh", SSH);
        let path = world.path("svn/trunk").display().to_string().replace(' ', "%20");
        let source = Source::new(
            ScmKind::Subversion,
            RepositoryUrl::parse(&format!("svn+ssh://bob@example.com{path}")).unwrap(),
        );
        let pinned = world.resolve(&local, "HEAD").unwrap();
        let mut side = world.side(Strategy::Checkout, "1");
        side.known_hosts = vec!["example.com ssh-ed25519 AAAA".to_owned()];
        let ops = source.host_ops(&pinned, &side).unwrap();
        let deploy_plan::Op::Script { body, .. } = &ops[0] else { panic!("a script") };
        let env = format!("{}:{}", world.path("bin").display(), std::env::var("PATH").unwrap());
        let output = world
            .command(&world.shell[0])
            .args(&world.shell[1..])
            .arg("-c")
            .arg(body)
            .env("PATH", env)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(world.read("app/releases/1/app.txt"), "one");
        let log = world.read("ssh.log");
        for wanted in ["StrictHostKeyChecking=yes\n", "BatchMode=yes\n", "bob@example.com\n", "-rw-------\n"] {
            assert!(log.contains(wanted), "{wanted}: {log}");
        }
    });
}

#[test]
fn the_real_ssh_takes_the_options() {
    if !have(&["ssh", "git"]) {
        return;
    }
    in_shell(0, |world| {
        world.git_repository();
        let real = crate::world::which("ssh").unwrap();
        // -G prints the configuration that the given options make, and connects nowhere.
        let text = format!("#!/bin/sh\n{} -G \"$@\" >>\"$HOME/../ssh.log\" 2>&1\nexit 1\n", real.display());
        program(world, "ssh", &text);
        let source = Source::new(ScmKind::Git, RepositoryUrl::parse("git@example.com:x.git").unwrap());
        let (good, _) = host(world, &source, &"ab".repeat(20), &["line"]);
        assert!(!good);
        let log = world.read("ssh.log").to_lowercase();
        assert!(log.contains("stricthostkeychecking true") || log.contains("stricthostkeychecking yes"), "{log}");
        assert!(log.contains("batchmode yes"), "{log}");
        let line = log.lines().find(|line| line.starts_with("userknownhostsfile")).unwrap();
        assert!(line.contains("/.ssh/known_hosts ") && line.contains("app/run/scm-known-hosts"), "{line}");
    });
}

#[test]
fn passwords_are_refused_or_stay_private() {
    if !have(&["git"]) {
        return;
    }
    each_shell(|world| {
        let local = world.git_repository();
        let pinned = world.resolve(&local, "main").unwrap();
        let mut source = local.clone();
        source.password = Some(Redacted::new("s3cret'$(touch x)"));
        source.username = Some("al".to_owned());
        let side = world.side(Strategy::Checkout, "1");
        let error = source.host_ops(&pinned, &side).unwrap_err();
        assert!(matches!(error, ScmError::Unsupported { option: "scm_password", .. }), "{error}");

        let mut side = side;
        side.secret_file = Some(world.remote("app/secret"));
        let said = world.refuse(&source, &pinned, &side);
        assert!(said.contains("is not readable"), "{said}");
        world.write("app/secret", "s3cret'$(touch x)");
        // A program in git's place asks for the login as git does when a server wants one, with the options it was given.
        let real = crate::world::which("git").unwrap();
        let ask = "printf 'protocol=https\\nhost=h\\n\\n'";
        let text = format!(
            "#!/bin/sh\nprintf '%s\\n' \"$@\" >>\"$HOME/../argv.log\"\n{ask} | (s=; for a do shift; case $s$a in x*) ;; -c|*=*) set -- \"$@\" \"$a\" ;; *) s=x ;; esac; done\n{0} \"$@\" credential fill) >\"$HOME/../login.log\"\nexec {0} \"$@\"\n",
            real.display()
        );
        program(world, "git", &text);
        source.program = vec![world.path("bin/git").to_str().unwrap().to_owned()];
        let ops = source.host_ops(&pinned, &side).unwrap();
        assert!(!format!("{ops:?}").contains("s3cret"));
        let output = world.host(&ops);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(world.read("login.log").contains("username=al\npassword=s3cret'$(touch x)\n"));
        assert!(!world.read("argv.log").contains("s3cret"));
    });
}

#[test]
fn svn_takes_the_password_from_its_standard_input() {
    if !have(&["svn", "svnadmin", "svnversion"]) {
        return;
    }
    each_shell(|world| {
        let mut source = world.svn_repository();
        let pinned = world.resolve(&source, "HEAD").unwrap();
        source.password = Some(Redacted::new("s3cret"));
        source.username = Some("al".to_owned());
        let real = crate::world::which("svn").unwrap();
        let text = format!(
            "#!/bin/sh\nprintf '%s\\n' \"$@\" >>\"$HOME/../argv.log\"\ncase \"$*\" in *from-stdin*) cat >>\"$HOME/../stdin.log\" ;; esac\nexec {} \"$@\" </dev/null\n",
            real.display()
        );
        program(world, "svn", &text);
        source.program = vec![world.path("bin/svn").to_str().unwrap().to_owned()];
        let mut side = world.side(Strategy::RemoteCache, "1");
        side.secret_file = Some(world.remote("app/secret"));
        world.write("app/secret", "s3cret");
        world.deploy(&source, &pinned, &side);
        assert_eq!(world.read("stdin.log"), "s3cret");
        let argv = world.read("argv.log");
        assert!(argv.contains("--username\nal\n--no-auth-cache\n") && !argv.contains("s3cret"), "{argv}");

        assert!(!world.has("app/secret"), "the password is gone when the step is");
        world.write("app/secret", "s3cret");
        let old = "#!/bin/sh\necho 1.9.7\n";
        program(world, "svn", old);
        side.release = world.remote("app/releases/2");
        let said = world.refuse(&source, &pinned, &side);
        assert!(said.contains("cannot read a password"), "{said}");
    });
}
