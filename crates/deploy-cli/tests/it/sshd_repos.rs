//! Repositories behind real servers that are read both by the deployer and by real sshd hosts: Apache over http and https,
//! open and behind a login, and Subversion over ssh.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use deploy_testbed::repo::{Access, Scm, WebServer};
use deploy_testbed::{FleetSpec, HostSpec, RunAs};

use crate::scenarios::check_live;
use crate::support::{ALL, RECIPE, Ran, Stage, start};

/// A fleet and a web server with its repository; none where either cannot run here.
fn web(scm: Scm) -> Option<(Stage, WebServer)> {
    let stage = Stage::new(start(FleetSpec::sshd(), "sshd")?, scm);
    // The server's workers have no rights of their own.
    fs::set_permissions(&stage.fleet.dir, std::os::unix::fs::PermissionsExt::from_mode(0o711)).unwrap();
    match WebServer::start(stage.repo.root().parent().unwrap()) {
        Ok(server) => Some((stage, server)),
        Err(error) if error.is_unavailable() => {
            let required = std::env::var("CAPSTAN_REQUIRE").unwrap_or_default();
            assert!(!required.split(',').any(|name| name == "apache"), "{error}");
            println!("skipped: {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

fn deploy(stage: &Stage, url: &str, more: &[&str]) -> Ran {
    let mut command = stage.bare(&["deploy", "-s", &format!("repository={url}")]);
    command.args(more);
    stage.run(command)
}

/// Writes a file of the login's home.
fn give(stage: &Stage, host: &str, name: &str, text: &str) {
    let path = stage.fleet.host(host).unwrap().root.clone().unwrap().join("home/deploy").join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    let own = "chown -R deploy: /home/deploy && chmod -R go-rwx ~deploy/.ssh";
    assert!(stage.fleet.run_as(host, RunAs::Root, own).unwrap().ok(), "{host}");
}

/// The client's configuration by which an authority is trusted, and the file that it goes to.
fn trust(scm: Scm, home: &str) -> (&'static str, String) {
    match scm {
        Scm::Git => (".gitconfig", format!("[http]\n\tsslCAInfo = {home}/ca.pem\n[credential]\n\thelper = store\n")),
        Scm::Subversion => (".subversion/servers", format!("[global]\nssl-authority-files = {home}/ca.pem\n")),
    }
}

fn host_trusts(stage: &Stage, server: &WebServer, host: &str) {
    give(stage, host, "ca.pem", &fs::read_to_string(server.authority()).unwrap());
    let (name, text) = trust(stage.repo.scm(), "/home/deploy");
    give(stage, host, name, &text);
}

fn deployer_trusts(stage: &Stage, server: &WebServer) {
    fs::copy(server.authority(), stage.project.join("ca.pem")).unwrap();
    let (name, text) = trust(stage.repo.scm(), stage.project.to_str().unwrap());
    stage.write(name, &text);
}

/// What every host has below the deployment's root.
fn trees(stage: &Stage) -> Vec<String> {
    ALL.iter().map(|host| stage.tree(host)).collect()
}

/// Deployed in the clear, then by https: not before the deployer and every host trust the authority.
fn by_http_and_https(scm: Scm) {
    let Some((stage, server)) = web(scm) else { return };
    stage.set_up();
    let plain = server.url(&stage.repo, false, Access::Everybody);
    deploy(&stage, &plain, &[]).expect(0);
    let one = check_live(&stage, &stage.repo.head().unwrap(), "1");

    let second = stage.repo.release("2").unwrap();
    let secure = server.url(&stage.repo, true, Access::Everybody);
    let before = trees(&stage);
    let ran = deploy(&stage, &secure, &[]).says(&["certificate", &secure, "next:", "on this machine"]);
    assert_eq!(ran.code, 1, "{}", ran.text);
    assert_eq!(trees(&stage), before, "the deployer reads the repository first");

    deployer_trusts(&stage, &server);
    for host in ALL.iter().filter(|host| **host != "app2") {
        host_trusts(&stage, &server, host);
    }
    let ran = deploy(&stage, &secure, &[]).expect(1).says(&["certificate", "app2.example.com", "next:"]);
    assert!(!ran.text.contains("Deployed"), "{}", ran.text);
    for host in ALL {
        assert_eq!(stage.live(host), one, "{host}");
    }
    host_trusts(&stage, &server, "app2");
    deploy(&stage, &secure, &[]).expect(0).says(&["Deployed"]);
    check_live(&stage, &second, "2");

    // A cache on the hosts that is made, and one that is brought up to date.
    for version in ["3", "4"] {
        let revision = stage.repo.release(version).unwrap();
        deploy(&stage, &secure, &["-s", "deploy_via=remote_cache"]).expect(0);
        check_live(&stage, &revision, version);
    }
    let revision = stage.repo.release("5").unwrap();
    deploy(&stage, &plain, &["-s", "deploy_via=export"]).expect(0);
    check_live(&stage, &revision, "5");
}

#[test]
fn git_by_http_and_https() {
    by_http_and_https(Scm::Git);
}

#[test]
fn subversion_by_http_and_https() {
    by_http_and_https(Scm::Subversion);
}

/// Puts the password where the client itself keeps it.
fn store_login(stage: &Stage, server: &WebServer, url: &str, host: Option<&str>) {
    let (user, password) = (WebServer::USER, server.password());
    match host {
        Some(host) => host_trusts(stage, server, host),
        None => deployer_trusts(stage, server),
    }
    match (stage.repo.scm(), host) {
        (Scm::Git, _) => {
            let authority = url.trim_start_matches("https://").split('/').next().unwrap();
            let line = format!("https://{user}:{password}@{}\n", authority.replace(':', "%3a"));
            match host {
                Some(host) => give(stage, host, ".git-credentials", &line),
                None => stage.write(".git-credentials", &line),
            }
        }
        (Scm::Subversion, Some(host)) => {
            stage.on(host, &svn_login(url, user, password));
        }
        (Scm::Subversion, None) => {
            let mut sh = Command::new("sh");
            sh.args(["-c", &svn_login(url, user, password)]).env("HOME", &stage.project);
            let output = sh.stdin(Stdio::null()).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
    }
}

fn svn_login(url: &str, user: &str, password: &str) -> String {
    format!(
        "svn info --non-interactive --username {user} --password {password} \
         --config-option servers:global:store-plaintext-passwords=yes {url} >/dev/null"
    )
}

/// Says so when it is dropped, by a test that fails too.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs something while somebody looks at every process of the machine, and so of every host; none may show the secret.
fn unseen<T>(secret: &str, work: impl FnOnce() -> T) -> T {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut seen = Vec::new();
            while !done.load(Ordering::Relaxed) {
                for entry in fs::read_dir("/proc").unwrap().flatten() {
                    let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
                    if String::from_utf8_lossy(&line).contains(secret) {
                        seen.push(String::from_utf8_lossy(&line).replace('\0', " "));
                    }
                }
                std::thread::sleep(Duration::from_millis(3));
            }
            seen
        });
        let over = Over(&done);
        let result = work();
        drop(over);
        assert_eq!(watch.join().unwrap(), Vec::<String>::new());
        result
    })
}

/// Nothing that a host keeps has the secret.
fn not_kept(stage: &Stage, secret: &str) {
    for host in ALL {
        let found = stage.on(host, &format!("grep -rlF -e {secret} /home/deploy /var/www /tmp 2>/dev/null; true"));
        assert_eq!(found, "", "{host}");
    }
}

/// A repository that wants a name and a password, which the recipe has: every host gets it, and nobody sees or keeps it.
fn login_of_the_recipe(scm: Scm) {
    let Some((stage, server)) = web(scm) else { return };
    stage.set_up();
    let (url, secret) = (server.url(&stage.repo, true, Access::Login), server.password());
    deployer_trusts(&stage, &server);
    for host in ALL {
        host_trusts(&stage, &server, host);
    }
    let before = trees(&stage);
    let ran = deploy(&stage, &url, &[]).says(&[&url, "next:"]);
    assert_eq!(ran.code, 1, "nobody has a password, and nobody is asked: {}", ran.text);
    let login = |password: &str| {
        let user = WebServer::USER;
        stage.write(
            "config/deploy.rb",
            &format!("{RECIPE}\nset :scm_username, '{user}'\nset :scm_password, '{password}'\n"),
        );
    };
    login("mellon-0000");
    let ran = deploy(&stage, &url, &[]).expect(1).says(&[&url, "next:"]);
    assert!(!ran.text.contains("mellon-0000"), "{}", ran.text);
    assert_eq!(trees(&stage), before, "the deployer reads the repository first");

    login(secret);
    let log = stage.project.join("log");
    let logged = ["--log", log.to_str().unwrap(), "-v"];
    let mut said = String::new();
    unseen(secret, || {
        let mut plan = stage.bare(&["--plan", "deploy", "-s", &format!("repository={url}")]);
        plan.stdin(Stdio::null());
        said += &stage.run(plan).expect(0).text;
        said += &deploy(&stage, &url, &logged).expect(0).text;
        check_live(&stage, &stage.repo.head().unwrap(), "1");
        for version in ["2", "3"] {
            let revision = stage.repo.release(version).unwrap();
            said += &deploy(&stage, &url, &["-s", "deploy_via=remote_cache"]).expect(0).text;
            check_live(&stage, &revision, version);
        }
        // One host cannot read it: what it was given is gone there, too.
        stage.on("db1", "mv ca.pem ca.pem.away");
        said += &deploy(&stage, &url, &logged).expect(1).says(&["db1.example.com", "next:"]).text;
        stage.on("db1", "mv ca.pem.away ca.pem");
    });
    said += &fs::read_to_string(&log).unwrap();
    assert!(!said.contains(secret), "{said}");
    not_kept(&stage, secret);

    // In the address.
    let with_password = url.replace("://", &format!("://{}:{secret}@", WebServer::USER));
    stage.write("config/deploy.rb", &format!("{RECIPE}\nset :repository, '{with_password}'\n"));
    let ran = unseen(secret, || stage.run(stage.bare(&["deploy"]))).expect(0);
    assert!(!ran.text.contains(secret), "{}", ran.text);
    check_live(&stage, &stage.repo.head().unwrap(), "3");
    not_kept(&stage, secret);
}

#[test]
fn git_with_the_login_of_the_recipe() {
    login_of_the_recipe(Scm::Git);
}

#[test]
fn subversion_with_the_login_of_the_recipe() {
    login_of_the_recipe(Scm::Subversion);
}

/// A repository that wants a password, which the clients themselves keep on every machine.
fn behind_a_login(scm: Scm) {
    let Some((stage, server)) = web(scm) else { return };
    stage.set_up();
    let url = server.url(&stage.repo, true, Access::Login);
    store_login(&stage, &server, &url, None);
    for host in ALL {
        host_trusts(&stage, &server, host);
    }
    for host in ALL.iter().filter(|host| **host != "db1") {
        store_login(&stage, &server, &url, Some(host));
    }
    deploy(&stage, &url, &[]).expect(1).says(&["db1.example.com", "next:"]);
    for host in ALL {
        assert_eq!(stage.on(host, "ls /var/www/my_cool_app/releases"), "", "{host}");
    }
    store_login(&stage, &server, &url, Some("db1"));
    deploy(&stage, &url, &[]).expect(0);
    check_live(&stage, &stage.repo.head().unwrap(), "1");
    deploy(&stage, &url, &["-s", &format!("scm_username={}", WebServer::USER)]).expect(0);
}

#[test]
fn git_behind_a_login() {
    behind_a_login(Scm::Git);
}

#[test]
fn subversion_behind_a_login() {
    behind_a_login(Scm::Subversion);
}

fn keygen(path: &Path) {
    let output = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(path).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Subversion through sshd and `svnserve -t`, on a port that only ssh's own configuration names, for an address of that
/// kind can have none. The hosts trust the repository's host by the lines that the deployer trusts it by, and by no other.
#[test]
fn subversion_over_ssh() {
    let Some(fleet) = start(FleetSpec::sshd().with(HostSpec::new("svn1")), "sshd") else { return };
    let stage = Stage::new(fleet, Scm::Subversion);
    stage.set_up();
    let server = stage.fleet.host("svn1").unwrap().clone();
    let home = server.root.clone().unwrap().join("home/deploy");
    let copied = Command::new("cp").arg("-R").arg(stage.repo.root().join("apps")).arg(home.join("apps")).status();
    assert!(copied.unwrap().success());
    let key = stage.project.join("repository_key");
    keygen(&key);
    let public = fs::read_to_string(key.with_extension("pub")).unwrap();
    give(&stage, "svn1", ".ssh/authorized_keys", &format!("command=\"svnserve -t\",restrict {public}"));
    for host in ALL {
        give(&stage, host, ".ssh/id_ed25519", &fs::read_to_string(&key).unwrap());
        give(&stage, host, ".ssh/config", &format!("Host svn1.example.com\n  Port {}\n", server.port));
    }

    let name = format!("[svn1.example.com]:{}", server.port);
    // ssh(1) takes its home from the system's users, so the deployer's svn gets its files by name.
    let trusted = stage.project.join("trusted");
    fs::write(&trusted, format!("{name} {}\n", server.host_key)).unwrap();
    stage.write(
        "repository_config",
        &format!(
            "Host svn1.example.com\n  HostName {}\n  HostKeyAlias {name}\n  Port {}\n  IdentityFile {}\n  UserKnownHostsFile {}\n",
            server.address,
            server.port,
            key.display(),
            trusted.display()
        ),
    );
    let ssh = format!("ssh -F {} -o BatchMode=yes", stage.project.join("repository_config").display());
    let url = "svn+ssh://deploy@svn1.example.com/home/deploy/apps/my_cool_app/trunk";
    let deploy = |more: &[&str]| {
        let mut command = stage.bare(&["deploy", "-s", &format!("repository={url}")]);
        command.args(more).env("SVN_SSH", &ssh);
        stage.run(command)
    };
    fs::create_dir_all(stage.project.join(".ssh")).unwrap();
    let known = |line: &str| fs::write(stage.project.join(".ssh/known_hosts"), line).unwrap();

    deploy(&[]).expect(1).says(&["Host key verification failed", "web1.example.com", "next:"]);
    let other = stage.fleet.host("web2").unwrap().host_key.clone();
    known(&format!("{name} {other}\n"));
    deploy(&[]).expect(1).says(&["Host key verification failed"]);
    for host in ALL {
        assert_eq!(stage.on(host, "ls /var/www/my_cool_app/releases"), "", "{host}");
    }

    known(&format!("{name} {}\n", server.host_key));
    deploy(&[]).expect(0);
    check_live(&stage, &stage.repo.head().unwrap(), "1");
    deploy(&["-s", "deploy_via=remote_cache"]).expect(0);
    deploy(&["-s", "deploy_via=remote_cache"]).expect(0);
    for host in ALL {
        let left = stage.on(host, "find ~/.ssh /var/www/my_cool_app/.capstan -name '*known*'; ls ~/.ssh");
        assert_eq!(left, "authorized_keys\nconfig\nid_ed25519", "{host}: nothing of it stays");
    }

    // The deployer does not trust the repository's host: no host is asked.
    let before = trees(&stage);
    fs::write(&trusted, format!("{name} {other}\n")).unwrap();
    deploy(&[]).expect(1).says(&["Host key verification failed", url, "on this machine"]);
    assert_eq!(trees(&stage), before);
    // Subversion would take the port for a part of the name.
    let with_port = url.replace("svn1.example.com", &format!("svn1.example.com:{}", server.port));
    let ran = stage.run(stage.bare(&["deploy", "-s", &format!("repository={with_port}")]));
    assert_ne!(ran.code, 0, "{}", ran.text);
    ran.says(&["port", "~/.ssh/config", "next:"]);
    assert_eq!(trees(&stage), before);
}
