//! Ways to log in to real sshd hosts: passwords, keys with a passphrase, ssh-agent, and the agent passed on.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use deploy_testbed::repo::Scm;
use deploy_testbed::{Fleet, FleetSpec, HostSpec, RunAs, Sudo};

use crate::scenarios::check_live;
use crate::support::{ALL, RECIPE, Ran, Stage, start};
use crate::terminal::{Terminal, until};

fn keygen(args: &[&str]) {
    let output = Command::new("ssh-keygen").arg("-q").args(args).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The fleet's ssh_config without its key, and with questions allowed.
pub fn config_without_key(stage: &Stage, more: &str) -> PathBuf {
    let text = fs::read_to_string(&stage.fleet.ssh_config).unwrap();
    let keep = |line: &&str| !["IdentityFile", "IdentitiesOnly", "BatchMode"].iter().any(|word| line.contains(word));
    let text: String = text.lines().filter(keep).map(|line| format!("{line}\n")).collect();
    let path = stage.project.join("ssh_config");
    fs::write(&path, format!("{text}{more}")).unwrap();
    path
}

/// Takes another ssh_config instead of the fleet's.
pub fn with_config(stage: &Stage, config: &Path, args: &[&str]) -> Command {
    let given = stage.command(args);
    let mut command = Command::new(given.get_program());
    let swap = |arg: &std::ffi::OsStr| match arg == stage.fleet.ssh_config.as_os_str() {
        true => config.as_os_str().to_owned(),
        false => arg.to_owned(),
    };
    command.args(given.get_args().map(swap)).env_clear();
    command.envs(given.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.current_dir(&stage.project).stdin(Stdio::null());
    command
}

fn answered(command: &Command, prompt: &str, answers: &[&str]) -> Ran {
    let mut terminal = Terminal::start(command);
    for answer in answers {
        terminal.wait_for(prompt);
        terminal.type_line(answer);
    }
    terminal.end()
}

/// Every host takes passwords and nothing else.
fn passwords_only(fleet: &Fleet) {
    sshd_options(fleet, "PasswordAuthentication yes\nPubkeyAuthentication no");
}

/// Every host has these options instead of no passwords.
fn sshd_options(fleet: &Fleet, options: &str) {
    for host in ALL {
        fleet.stop_host(host).unwrap();
        let root = fleet.host(host).unwrap().root.clone().unwrap();
        let path = root.join("etc/ssh/sshd_config");
        let text = fs::read_to_string(&path).unwrap();
        let text = text.replace("PasswordAuthentication no", options);
        fs::write(&path, text).unwrap();
        fleet.start_host(host).unwrap();
    }
}

#[test]
fn password_login_is_asked_once_for_all_hosts() {
    const SECRET: &str = "open-sesame-5120";
    let mut spec = FleetSpec::sshd();
    for host in ALL {
        spec = spec.with(HostSpec::new(host).sudo(Sudo::Password(SECRET.into())));
    }
    let Some(fleet) = start(spec, "sshd") else { return };
    let stage = Stage::new(fleet, Scm::Git);
    passwords_only(&stage.fleet);
    let config = config_without_key(&stage, "");
    let cap = |args: &[&str]| with_config(&stage, &config, args);

    let ran = stage.run(cap(&["deploy:setup"])).says(&["web1.example.com", "db1.example.com", "next:"]);
    assert!([2, 6].contains(&ran.code), "{}", ran.text);
    let ran = answered(&cap(&["deploy:setup"]), "assword", &[SECRET]).expect(0);
    assert_eq!(ran.text.matches("assword").count(), 1, "{}", ran.text);
    let shared = "mkdir -p /var/www/my_cool_app/shared/config && touch /var/www/my_cool_app/shared/config/database.yml";
    for host in ALL {
        stage.on(host, shared);
    }
    let ran = answered(&cap(&["deploy"]), "assword", &["wrong", SECRET]).expect(0);
    assert!(!ran.text.contains(SECRET), "{}", ran.text);
    let live = check_live(&stage, &stage.repo.head().unwrap(), "1");

    let ran = answered(&cap(&["deploy"]), "assword", &["wrong", "wrong", "wrong"]);
    let ran = ran.expect(6).says(&["web1.example.com", "password", "next:"]);
    assert!(!ran.text.contains("Deployed"), "{}", ran.text);
    // In the recipe as plain text: nobody is asked, and a wrong one is not asked for again.
    let mut plain = cap(&["deploy"]);
    plain.args(["-s", &format!("password={SECRET}")]);
    let ran = stage.run(plain).expect(0);
    assert!(!ran.text.contains(SECRET), "{}", ran.text);
    assert_ne!(stage.live("web1"), live);
    let mut plain = cap(&["deploy"]);
    plain.args(["-s", "password=nonsense"]);
    stage.run(plain).expect(6).says(&["app1.example.com", "next:"]);
}

#[test]
fn a_key_with_a_passphrase() {
    let Some(fleet) = start(FleetSpec::sshd(), "sshd") else { return };
    let stage = Stage::new(fleet, Scm::Git);
    stage.set_up();
    let key = stage.project.join("locked");
    fs::copy(&stage.fleet.identity, &key).unwrap();
    let name = key.to_str().unwrap();
    keygen(&["-p", "-f", name, "-P", "", "-N", "mellon-3381"]);
    let config = config_without_key(&stage, &format!("Host *\n  IdentityFile {name}\n"));
    let cap = |args: &[&str]| with_config(&stage, &config, args);

    let ran = stage.run(cap(&["deploy"])).says(&["passphrase", "web1.example.com", "next:"]);
    assert!([2, 6].contains(&ran.code), "{}", ran.text);
    let ran = answered(&cap(&["deploy"]), "assphrase", &["mellon-3381"]).expect(0);
    assert_eq!(ran.text.matches("assphrase").count(), 1, "once for all hosts: {}", ran.text);
    assert!(!ran.text.contains("mellon"), "{}", ran.text);
    check_live(&stage, &stage.repo.head().unwrap(), "1");
    answered(&cap(&["deploy"]), "assphrase", &["wrong", "mellon-3381"]).expect(0);

    stage.write("config/deploy.rb", &format!("{RECIPE}\nssh_options[:passphrase] = 'mellon-3381'\n"));
    stage.run(cap(&["deploy"])).expect(0);
}

/// A real ssh-agent; it ends with the value.
struct Agent {
    child: Child,
    socket: PathBuf,
}

impl Agent {
    fn start(directory: &Path) -> Self {
        let socket = directory.join("agent.sock");
        let child = Command::new("ssh-agent").arg("-D").arg("-a").arg(&socket).stdout(Stdio::null()).spawn().unwrap();
        until("the agent's socket", || socket.exists());
        Self { child, socket }
    }

    fn add(&self, key: &Path) {
        let output = Command::new("ssh-add").arg("-q").arg(key).env("SSH_AUTH_SOCK", &self.socket).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn an_agent_logs_in_and_is_passed_on_when_asked() {
    let Some(fleet) = start(FleetSpec::sshd(), "sshd") else { return };
    let recipe = format!("{RECIPE}\ntask :agent do\n  run 'ssh-add -l'\nend\n");
    let stage = Stage::with(fleet, Scm::Git, &recipe);
    stage.set_up();
    let agent = Agent::start(&stage.project);
    agent.add(&stage.fleet.identity);
    let config = config_without_key(&stage, "");
    let cap = |args: &[&str], socket: bool| {
        let mut command = with_config(&stage, &config, args);
        if socket {
            command.env("SSH_AUTH_SOCK", &agent.socket);
        }
        stage.run(command)
    };
    cap(&["deploy"], false).expect(6).says(&["web1.example.com", "publickey", "next:"]);
    cap(&["deploy"], true).expect(0);
    check_live(&stage, &stage.repo.head().unwrap(), "1");
    // Not passed on unless the recipe asks.
    cap(&["agent"], true).expect(1).says(&["authentication agent"]);
    stage.write("config/deploy.rb", &format!("{recipe}\nssh_options[:forward_agent] = true\n"));
    let ran = cap(&["agent"], true).expect(0);
    assert!(ran.text.contains("ED25519"), "{}", ran.text);
    // Without an agent here there is nothing to pass on; the rest works as before.
    stage.cap(&["deploy"]).expect(0);
}

/// The release comes from a repository that only a key in the agent opens, through the hosts, whose own known_hosts know
/// nothing of it: they trust it by the lines that the deployer trusts it by, and by no other.
#[test]
fn a_repository_behind_the_passed_on_agent() {
    let spec = FleetSpec::sshd().with(HostSpec::new("git1"));
    let Some(fleet) = start(spec, "sshd") else { return };
    let stage = Stage::with(fleet, Scm::Git, &format!("{RECIPE}\nssh_options[:forward_agent] = true\n"));
    stage.set_up();
    let server = stage.fleet.host("git1").unwrap().clone();
    let root = server.root.clone().unwrap();
    let bare = stage.repo.root().join(stage.repo.url_path());
    let copied = Command::new("cp").arg("-R").arg(&bare).arg(root.join("home/deploy/app.git")).status().unwrap();
    assert!(copied.success());
    let key = stage.project.join("repository_key");
    keygen(&["-t", "ed25519", "-N", "", "-f", key.to_str().unwrap()]);
    fs::copy(key.with_extension("pub"), root.join("home/deploy/.ssh/authorized_keys")).unwrap();
    let handed = stage.fleet.run_as("git1", RunAs::Root, "chown -R deploy: /home/deploy").unwrap();
    assert!(handed.ok());
    let agent = Agent::start(&stage.project);
    agent.add(&key);
    fs::remove_file(&key).unwrap();

    let name = format!("[{}]:{}", server.address, server.port);
    let url = format!("ssh://deploy@{}:{}/home/deploy/app.git", server.address, server.port);
    // ssh(1) takes its home from the system's users, so the deployer's git gets its file by name.
    let trusted = stage.project.join("trusted");
    fs::write(&trusted, format!("{name} {}\n", server.host_key)).unwrap();
    let ssh = format!("ssh -F /dev/null -o UserKnownHostsFile={}", trusted.display());
    let deploy = || {
        let mut command = stage.bare(&["deploy", "-s", &format!("repository={url}"), "-s", "scm=git"]);
        command.args(["-s", &format!("deploy_to={}", stage.deploy_to())]);
        command.env("SSH_AUTH_SOCK", &agent.socket).env("GIT_SSH_COMMAND", &ssh);
        stage.run(command)
    };
    fs::create_dir_all(stage.project.join(".ssh")).unwrap();
    let known = |line: &str| fs::write(stage.project.join(".ssh/known_hosts"), line).unwrap();

    let ran = deploy();
    assert_eq!(ran.code, 1, "nobody trusts the repository's host: {}", ran.text);
    ran.says(&["Host key verification failed", "web1.example.com", "next:"]);
    let other = stage.fleet.host("web2").unwrap().host_key.clone();
    known(&format!("{name} {other}\n"));
    deploy().expect(1).says(&["Host key verification failed"]);
    for host in ALL {
        assert_eq!(stage.on(host, "ls /var/www/my_cool_app/releases"), "", "{host}");
    }

    known(&format!("{name} {}\n", server.host_key));
    deploy().expect(0);
    check_live(&stage, &stage.repo.head().unwrap(), "1");
    for host in ALL {
        let left = stage.on(host, "find ~/.ssh /var/www/my_cool_app/.capstan -name '*known*'");
        assert_eq!(left, "", "{host}: nothing of it stays");
    }
    // Hashed, as distributions write them.
    keygen(&["-H", "-f", stage.project.join(".ssh/known_hosts").to_str().unwrap()]);
    assert!(fs::read_to_string(stage.project.join(".ssh/known_hosts")).unwrap().starts_with("|1|"));
    deploy().expect(0);
}

/// The fleet's ssh_config without the known_hosts file that trusts everything.
fn config_without_trust(stage: &Stage) -> PathBuf {
    let text = fs::read_to_string(&stage.fleet.ssh_config).unwrap();
    let text: String = text.lines().filter(|l| !l.contains("KnownHostsFile")).map(|l| format!("{l}\n")).collect();
    let path = stage.project.join("ssh_config_without_trust");
    fs::write(&path, format!("{text}Host *\n  UserKnownHostsFile none\n  GlobalKnownHostsFile none\n")).unwrap();
    path
}

fn fingerprint(key: &str) -> String {
    let mut child =
        Command::new("ssh-keygen").args(["-lf", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), key.as_bytes()).unwrap();
    let text = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    text.split(' ').nth(1).unwrap().to_owned()
}

#[test]
fn hosts_are_trusted_by_a_person_or_by_their_fingerprints() {
    let Some(fleet) = start(FleetSpec::sshd(), "sshd") else { return };
    let stage = Stage::new(fleet, Scm::Git);
    let config = config_without_trust(&stage);
    let cap = |args: &[&str]| with_config(&stage, &config, args);
    let known = stage.project.join("config/known_hosts");
    let keys: Vec<String> = ALL.iter().map(|host| fingerprint(&stage.fleet.host(host).unwrap().host_key)).collect();

    let ran = stage.run(cap(&["deploy:setup"])).expect(6);
    ran.says(&["is not known", "hosts:trust web1.example.com", &keys[0]]);
    // Nobody to ask, a wrong fingerprint, a host that is not there: nothing is stored.
    stage.run(cap(&["hosts:trust"])).expect(2).says(&["--fingerprint", "web1", "next:"]);
    let wrong = ["hosts:trust", "web1", "--fingerprint", "SHA256:AAAA"];
    stage.run(cap(&wrong)).expect(6).says(&["none of those given", &keys[0]]);
    stage.run(cap(&["hosts:trust", "nobody"])).expect(2).says(&["nobody", "db1.example.com"]);
    stage.run(cap(&["hosts:trust", "--fingerprint", "MD5:11"])).expect(2).says(&["SHA256:"]);
    stage.run(cap(&["-n", "hosts:trust"])).expect(2);
    assert!(!known.exists());

    // One by its fingerprint, the others by a person who says no once.
    stage
        .run(cap(&["hosts:trust", "web1", "--fingerprint", &keys[0]]))
        .expect(0)
        .says(&["stored in config/known_hosts"]);
    assert_eq!(fs::read_to_string(&known).unwrap().lines().count(), 1);
    let ran = answered(&cap(&["hosts:trust"]), "(yes/no)", &["yes", "no", "yes", "yes"]).expect(6);
    for key in &keys[1..] {
        assert!(ran.text.contains(key), "{key}: {}", ran.text);
    }
    assert!(ran.text.contains("web1.example.com: its key is trusted"), "{}", ran.text);
    assert_eq!(fs::read_to_string(&known).unwrap().lines().count(), 4);
    answered(&cap(&["hosts:trust"]), "(yes/no)", &["yes"]).expect(0);
    stage.run(cap(&["deploy:setup"])).expect(0);

    // A key that changes is never replaced, whatever is said.
    let changed = fs::read_to_string(&known).unwrap();
    let (first, second) = (stage.fleet.host("web1").unwrap(), stage.fleet.host("web2").unwrap());
    fs::write(&known, changed.replace(&first.host_key, &second.host_key)).unwrap();
    let ran = stage.run(cap(&["hosts:trust", "--fingerprint", &keys[0]])).expect(6);
    ran.says(&["has changed", "config/known_hosts:1"]);
    stage.run(cap(&["deploy:setup"])).expect(6).says(&["has changed"]);
    // Unless the recipe asks for it, and then each run says so.
    stage.write("config/deploy.rb", &format!("{RECIPE}\nssh_options[:verify_host_key] = :never\n"));
    for _ in 0..2 {
        stage.run(cap(&["deploy:setup"])).expect(0).says(&["switches the check of host keys off"]);
    }
}

#[test]
fn a_shell_on_a_host() {
    let Some(fleet) = start(FleetSpec::sshd(), "sshd") else { return };
    let stage = Stage::new(fleet, Scm::Git);
    let mut terminal = Terminal::start(&stage.bare(&["ssh", "app1"]));
    terminal.wait_for("$ ");
    terminal.type_line("hostname; tty; exit 0");
    let ran = terminal.end().expect(0);
    for word in ["app1", "/dev/pts"] {
        assert!(ran.text.contains(word), "{word}: {}", ran.text);
    }
    let ran = stage.run(stage.bare(&["ssh", "web2.example.com", "echo on $(hostname); exit 3"])).expect(3);
    assert!(ran.text.contains("on web2\n"), "{}", ran.text);
    stage.run(stage.bare(&["ssh", "web2", "cat"])).expect(0);
    stage.run(stage.bare(&["ssh", "web2", "kill -TERM $$"])).expect(143);
    stage.run(stage.bare(&["ssh"])).expect(2).says(&["ssh HOST", "db1.example.com"]);
    stage.run(stage.bare(&["ssh", "nobody"])).expect(2).says(&["nobody", "db1.example.com"]);
    stage.fleet.stop_host("web2").unwrap();
    stage.run(stage.bare(&["ssh", "web2"])).expect(6).says(&["web2.example.com", "next:"]);
}

/// The host's terminal has the size of the person's, when that changes too; `~.` hangs up.
#[test]
fn the_terminal_of_a_shell_on_a_host() {
    let Some(fleet) = start(FleetSpec::sshd(), "sshd") else { return };
    let stage = Stage::new(fleet, Scm::Git);
    let mut terminal = Terminal::start(&stage.bare(&["ssh", "app1"]));
    terminal.wait_for("$ ");
    for (rows, columns) in [(33, 101), (47, 77)] {
        terminal.resize(rows, columns);
        let until = format!("until test \"$(stty size)\" = '{rows} {columns}'; do sleep 0.1; done");
        // The echo of the line itself does not have the word whole.
        terminal.type_line(&format!("{until}; printf '%s%s\\n' now- {rows}"));
        terminal.wait_for(&format!("now-{rows}"));
    }
    terminal.type_line("cat");
    terminal.type_line("~~. is text");
    terminal.wait_for("~. is text");
    terminal.type_line("");
    terminal.press(b'~');
    terminal.press(b'.');
    terminal.end().expect(255);
}

/// Objects of Net::SSH that say how a host is reached, and a key that the recipe has as text.
#[test]
fn ways_that_a_recipe_makes_as_objects() {
    let Some(fleet) = start(FleetSpec::sshd(), "sshd") else { return };
    let stage = Stage::new(fleet, Scm::Git);
    let ask = |config: &Path, options: &str| {
        stage.write("config/deploy.rb", &format!("{RECIPE}\nrequire 'net/ssh/proxy/command'\n{options}\n"));
        let args = ["invoke", "COMMAND=echo on $(hostname)", "HOSTS=app1.example.com"];
        stage.run(with_config(&stage, config, &args))
    };
    let given = stage.fleet.ssh_config.clone();
    let logins = |host: &str| {
        let root = stage.fleet.host(host).unwrap().root.clone().unwrap();
        fs::read_to_string(root.join("var/log/sshd.log")).unwrap().matches("Accepted publickey").count()
    };
    let before = logins("web1");
    ask(&given, "ssh_options[:proxy] = Net::SSH::Proxy::Jump.new('web1.example.com')").expect(0).says(&["on app1"]);
    assert_eq!(logins("web1"), before + 1);
    let command = format!("ssh -F {} web1.example.com -W %h:%p", given.display());
    let by_command = format!("ssh_options[:proxy] = Net::SSH::Proxy::Command.new('{command}')");
    ask(&given, &by_command).expect(0).says(&["on app1"]);
    assert_eq!(logins("web1"), before + 2);
    ask(&given, "ssh_options[:proxy] = Net::SSH::Proxy::SOCKS5.new('proxy', 1080)").expect(2).says(&[
        "SOCKS5",
        "Proxy::Command",
        "config/deploy.rb",
    ]);
    let keyless = config_without_key(&stage, "Host *\n  BatchMode yes\n");
    ask(&keyless, "").expect(6);
    let text = fs::read_to_string(&stage.fleet.identity).unwrap();
    let ran = ask(&keyless, &format!("ssh_options[:key_data] = [<<KEY]\n{text}KEY\n")).expect(0).says(&["on app1"]);
    assert!(!ran.text.contains("PRIVATE KEY"), "{}", ran.text);
    ask(&keyless, "ssh_options[:key_data] = ['no key']").expect(2).says(&["key_data[0]", "whole private keys"]);
}

/// Servers that want a key and then a password: asked once for all of them.
#[test]
fn a_login_in_two_steps_is_asked_for_once() {
    const SECRET: &str = "open-sesame-7731";
    let mut spec = FleetSpec::sshd();
    for host in ALL {
        spec = spec.with(HostSpec::new(host).sudo(Sudo::Password(SECRET.into())));
    }
    let Some(fleet) = start(spec, "sshd") else { return };
    let stage = Stage::new(fleet, Scm::Git);
    let both = "PasswordAuthentication yes\nAuthenticationMethods publickey,password";
    sshd_options(&stage.fleet, both);
    let key = format!("Host *\n  IdentityFile {}\n", stage.fleet.identity.display());
    let config = config_without_key(&stage, &key);
    let cap = |args: &[&str]| with_config(&stage, &config, args);
    let ran = answered(&cap(&["deploy:setup"]), "assword", &[SECRET]).expect(0);
    assert_eq!(ran.text.matches("assword").count(), 1, "{}", ran.text);
    assert!(!ran.text.contains(SECRET), "{}", ran.text);
    // The password alone is not enough, and the message says what the servers want.
    let config = config_without_key(&stage, "");
    let ran = stage.run(with_config(&stage, &config, &["deploy:setup"])).expect(6);
    ran.says(&["web1.example.com", "publickey", "next:"]);
}

#[test]
fn gateways_as_a_name_a_chain_and_a_hash() {
    let Some(fleet) = start(FleetSpec::sshd(), "sshd") else { return };
    let stage = Stage::new(fleet, Scm::Git);
    let gateway = |value: &str| {
        stage.write("config/deploy.rb", &format!("{RECIPE}\nset :gateway, {value}\n"));
        stage.run(stage.bare(&["invoke", "COMMAND=echo from $SSH_CONNECTION", "ROLES=app"]))
    };
    // The servers' own logs are the proof: on loopback every connection comes from the same address.
    let logins = |host: &str| {
        let root = stage.fleet.host(host).unwrap().root.clone().unwrap();
        fs::read_to_string(root.join("var/log/sshd.log")).unwrap().matches("Accepted publickey").count()
    };
    let begun = ["web1", "web2", "db1"].map(logins);
    gateway("'web1.example.com'").expect(0);
    let now = || -> Vec<usize> { ["web1", "web2", "db1"].map(logins).iter().zip(begun).map(|(a, b)| a - b).collect() };
    assert_eq!(now(), [1, 0, 0], "one login for both hosts behind it");
    gateway("['web1.example.com', 'web2.example.com']").expect(0);
    assert_eq!(now(), [2, 1, 0]);
    gateway(
        "{ ['web1.example.com', 'web2.example.com'] => 'app1.example.com', 'db1.example.com' => ['app2.example.com'] }",
    )
    .expect(0);
    assert_eq!(now(), [3, 2, 1]);
    let ran = gateway("'nobody.example.com'").expect(6);
    ran.says(&["nobody.example.com", "next:"]);
    // Which of the two does not answer, and a command that goes the same way.
    stage.fleet.stop_host("app1").unwrap();
    let through = |ran: Ran| {
        let port = stage.fleet.host("web1").unwrap().port;
        ran.says(&["app1.example.com", &format!("-J deploy@web1.example.com:{port} "), "next:"])
    };
    let ran = through(gateway("'web1.example.com'").expect(6)).says(&["web1.example.com reaches that port"]);
    assert!(!ran.text.contains("on the jump host"), "{}", ran.text);
    stage.fleet.stop_host("web1").unwrap();
    let ran = gateway("'web1.example.com'").expect(6);
    ran.says(&["next:  on the jump host web1.example.com: see whether sshd runs there"]);
}
