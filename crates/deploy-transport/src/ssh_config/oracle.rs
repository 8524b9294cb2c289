//! The same answers as `ssh -G`, on configurations written by hand and on generated ones.

use std::path::Path;
use std::process::{Command, Stdio};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;
use crate::environment::passwd_entry;
use crate::target::{Overrides, resolve};
use crate::test_support::{Program, program};

/// ssh goes by the password database alone, not by $HOME.
fn environment() -> LocalEnvironment {
    let mut environment = LocalEnvironment::current();
    if let Some((_, home)) = passwd_entry(environment.uid) {
        environment.home = PathBuf::from(home);
    }
    environment
}

/// ssh, and the lists of algorithms that it was built with.
struct Oracle {
    ssh: PathBuf,
    directory: tempfile::TempDir,
    defaults: HashMap<String, Vec<String>>,
    all: HashMap<String, Vec<String>>,
}

/// Options whose values are lists of algorithms, and how `ssh -Q` calls them.
const ALGORITHMS: [(&str, &str); 6] = [
    ("ciphers", "cipher"),
    ("kexalgorithms", "kex"),
    ("macs", "mac"),
    ("hostkeyalgorithms", "HostKeyAlgorithms"),
    ("pubkeyacceptedalgorithms", "PubkeyAcceptedAlgorithms"),
    ("casignaturealgorithms", "sig"),
];

/// What is compared, beside the algorithms.
const COMPARED: [&str; 32] = [
    "hostname",
    "user",
    "port",
    "identityfile",
    "identitiesonly",
    "identityagent",
    "proxyjump",
    "proxycommand",
    "userknownhostsfile",
    "globalknownhostsfile",
    "stricthostkeychecking",
    "hostkeyalias",
    "connecttimeout",
    "serveraliveinterval",
    "serveralivecountmax",
    "forwardagent",
    "addressfamily",
    "bindaddress",
    "certificatefile",
    "compression",
    "sendenv",
    "setenv",
    "pubkeyauthentication",
    "passwordauthentication",
    "kbdinteractiveauthentication",
    "preferredauthentications",
    "numberofpasswordprompts",
    "batchmode",
    "connectionattempts",
    "revokedhostkeys",
    "canonicalizehostname",
    "tag",
];

impl Oracle {
    fn new() -> Option<Self> {
        let ssh = program(Program::Ssh)?;
        let directory = tempfile::tempdir().unwrap();
        let mut oracle = Self { ssh, directory, defaults: HashMap::new(), all: HashMap::new() };
        let empty = oracle.write("empty", "");
        let list = |text: &str, separator: char| text.trim().split(separator).map(str::to_owned).collect();
        for line in oracle.ask(&empty, "x").unwrap() {
            let (keyword, value) = line.split_once(' ').unwrap_or((&line, ""));
            oracle.defaults.insert(keyword.to_owned(), list(value, ','));
        }
        for (option, query) in ALGORITHMS {
            let output = Command::new(&oracle.ssh).args(["-Q", query]).output().unwrap();
            oracle.all.insert(option.to_owned(), list(&String::from_utf8_lossy(&output.stdout), '\n'));
        }
        Some(oracle)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text.replace("INCLUDED", &self.directory.path().join("included").to_string_lossy()))
            .unwrap();
        path
    }

    /// What `ssh -G` says. `None` if ssh refuses the configuration.
    fn ask(&self, file: &Path, host: &str) -> Option<Vec<String>> {
        let output = Command::new(&self.ssh)
            // For `Match exec`.
            .env("SHELL", "/bin/sh")
            .args(["-G", "-F"])
            .arg(file)
            .args(["--", host])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        output.status.success().then(|| text.lines().map(str::to_owned).collect())
    }

    /// The same, reduced to what is compared.
    fn theirs(&self, file: &Path, host: &str, options: &HostOptions) -> Option<Vec<String>> {
        let answers = self.ask(file, host)?;
        let compared = answers.into_iter().filter(|line| {
            let keyword = line.split(' ').next().unwrap_or_default();
            match keyword {
                // Defaults of ssh that are not part of the configuration.
                "identityfile" => !options.identity_files.is_empty(),
                // Debian's ssh has an interval of its own with BatchMode.
                "serveraliveinterval" => options.server_alive_interval.is_some(),
                _ => COMPARED.contains(&keyword) || ALGORITHMS.iter().any(|(option, _)| *option == keyword),
            }
        });
        // These words mean yes.
        let yes =
            |line: String| line.replace("authentication unbound", "authentication true").replace("host-bound", "true");
        let mut lines: Vec<String> = compared.map(yes).collect();
        lines.sort();
        Some(lines)
    }

    /// What we say, in the words of `ssh -G`.
    fn ours(&self, config: &SshConfig, options: &HostOptions, host: &str) -> Vec<String> {
        let mut lines = plain(options, host);
        lines.extend(self.algorithms(options));
        // The jump hosts are not compared here, and may lead in circles.
        let direct = Overrides { proxy_jump: Some("none".into()), ..Overrides::default() };
        let target = resolve(host, &direct, config);
        let paths = |files: &[PathBuf]| match files {
            [] => "none".to_owned(),
            files => files.iter().map(|f| f.display().to_string()).collect::<Vec<_>>().join(" "),
        };
        match target {
            Ok(target) => {
                lines.push(format!("userknownhostsfile {}", paths(&target.known_hosts.user)));
                lines.push(format!("globalknownhostsfile {}", paths(&target.known_hosts.system)));
            }
            Err(error) => lines.push(format!("no target: {error}")),
        }
        lines.sort();
        lines
    }

    fn algorithms(&self, options: &HostOptions) -> Vec<String> {
        let given = [
            &options.ciphers,
            &options.kex_algorithms,
            &options.macs,
            &options.host_key_algorithms,
            &options.pubkey_accepted_algorithms,
            &options.ca_signature_algorithms,
        ];
        let refs = |names: &'_ [String]| -> Vec<String> { names.to_vec() };
        let line = |(list, (option, _)): (&&Option<AlgorithmList>, &(&str, &str))| {
            let (defaults, all) = (refs(&self.defaults[*option]), refs(&self.all[*option]));
            let names = match list {
                Some(list) => list.apply(
                    &defaults.iter().map(String::as_str).collect::<Vec<_>>(),
                    &all.iter().map(String::as_str).collect::<Vec<_>>(),
                ),
                None => defaults,
            };
            format!("{option} {}", names.join(","))
        };
        given.iter().zip(&ALGORITHMS).map(line).collect()
    }
}

fn plain(options: &HostOptions, host: &str) -> Vec<String> {
    let environment = environment();
    let mut lines = Vec::new();
    let mut say = |keyword: &str, value: String| lines.push(format!("{keyword} {value}"));
    let yes_no = |flag: bool| if flag { "yes" } else { "no" }.to_owned();
    say("hostname", options.host_name.clone().unwrap_or_else(|| host.to_ascii_lowercase()));
    say("user", options.user.clone().unwrap_or_else(|| environment.user.clone()));
    say("port", options.port.unwrap_or(22).to_string());
    options.identity_files.iter().for_each(|file| say("identityfile", file.clone()));
    options.certificate_files.iter().for_each(|file| say("certificatefile", file.clone()));
    options.send_env.iter().for_each(|name| say("sendenv", name.clone()));
    options.set_env.iter().for_each(|(name, value)| say("setenv", format!("{name}={value}")));
    let agent = options.identity_agent.as_ref().map(|path| environment.expand_tilde(path));
    agent.iter().for_each(|path| say("identityagent", path.display().to_string()));
    let optional = [
        ("bindaddress", &options.bind_address),
        ("hostkeyalias", &options.host_key_alias),
        ("preferredauthentications", &options.preferred_authentications),
    ];
    for (keyword, value) in optional {
        value.iter().for_each(|value| say(keyword, value.clone()));
    }
    // ssh writes an address of the form ssh://… in its own way.
    let or_none = [
        ("proxyjump", &options.proxy_jump.as_ref().map(|jump| jump.replace("ssh://", ""))),
        ("proxycommand", &options.proxy_command),
        ("revokedhostkeys", &options.revoked_host_keys),
    ];
    for (keyword, value) in or_none {
        value.iter().filter(|v| *v != "none").for_each(|value| say(keyword, value.clone()));
    }
    let flags = [
        ("identitiesonly", options.identities_only, false),
        ("compression", options.compression, false),
        ("passwordauthentication", options.password_authentication, true),
        ("kbdinteractiveauthentication", options.kbd_interactive_authentication, true),
        ("batchmode", options.batch_mode, false),
    ];
    for (keyword, value, default) in flags {
        say(keyword, yes_no(value.unwrap_or(default)));
    }
    say("pubkeyauthentication", options.pubkey_authentication.unwrap_or(true).to_string());
    say("canonicalizehostname", options.canonicalize_host_name.unwrap_or(false).to_string());
    say("numberofpasswordprompts", options.password_prompts.unwrap_or(3).to_string());
    say("connectionattempts", options.connection_attempts.unwrap_or(1).to_string());
    let family = match options.address_family.unwrap_or_default() {
        AddressFamily::Any => "any",
        AddressFamily::V4 => "inet",
        AddressFamily::V6 => "inet6",
    };
    say("addressfamily", family.into());
    let checking = match options.strict_host_key_checking {
        Some(HostKeyChecking::Yes) => "true",
        Some(HostKeyChecking::No) => "false",
        Some(HostKeyChecking::AcceptNew) => "accept-new",
        Some(HostKeyChecking::Ask) | None => "ask",
    };
    say("stricthostkeychecking", checking.into());
    let timeout = match options.connect_timeout {
        Some(time) if !time.is_zero() => time.as_secs().to_string(),
        _ => "none".into(),
    };
    say("connecttimeout", timeout);
    options.server_alive_interval.iter().for_each(|time| say("serveraliveinterval", time.as_secs().to_string()));
    say("serveralivecountmax", options.server_alive_count_max.unwrap_or(3).to_string());
    let forward = match &options.forward_agent {
        None | Some(ForwardAgent::No) => "no".into(),
        Some(ForwardAgent::Yes) => "yes".into(),
        Some(ForwardAgent::Socket(socket)) => socket.clone(),
    };
    say("forwardagent", forward);
    lines
}

impl Oracle {
    /// Compares one configuration; the included files lie there already.
    fn compare(&self, text: &str, host: &str) -> Result<(), String> {
        let file = self.write("config", text);
        let config = SshConfig::from_file(&file, environment());
        match config.options_for(host, None) {
            Ok(options) => {
                let (theirs, ours) = (self.theirs(&file, host, &options), self.ours(&config, &options, host));
                match theirs {
                    // A list of nothing but unknown algorithms is refused when the target is made.
                    None if ours.iter().any(|line| line.starts_with("no target")) => Ok(()),
                    None => Err(format!("only ssh refuses for {host}:\n{text}")),
                    Some(theirs) if theirs == ours => Ok(()),
                    Some(theirs) => {
                        let differ = |a: &[String], b: &[String]| {
                            a.iter().filter(|line| !b.contains(line)).cloned().collect::<Vec<_>>().join("; ")
                        };
                        let (a, b) = (differ(&theirs, &ours), differ(&ours, &theirs));
                        Err(format!("ssh says {a:?}, we {b:?} for {host}:\n{text}"))
                    }
                }
            }
            Err(error) => match self.ask(&file, host) {
                None => Ok(()),
                Some(_) => Err(format!("only we refuse for {host}: {error}\n{text}")),
            },
        }
    }
}

/// Configurations as people have them, separated by lines of dashes.
const BY_HAND: &str = include_str!("by_hand.txt");

#[test]
fn answers_as_ssh_does_on_configurations_written_by_hand() {
    let Some(oracle) = Oracle::new() else { return };
    oracle.write("included/one.conf", "Host web1\n  User included\n");
    oracle.write("included/two.conf", "Port 2022\nHost db\n  User database\nMatch user included\n  ForwardAgent yes\n");
    oracle.write("included/.hidden.conf", "User hidden\n");
    let mut wrong = Vec::new();
    let mut compared = 0;
    for text in BY_HAND.split("\n----\n") {
        for host in ["web1", "WEB22", "db", "db.example.com", "10.0.0.5"] {
            wrong.extend(oracle.compare(text, host).err());
            compared += 1;
        }
    }
    assert!(wrong.is_empty(), "{} of {compared}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(compared >= 200, "{compared}");
}

/// Options that came later, beside the first ones below.
fn more_options() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec![
        "AddressFamily inet6",
        "AddressFamily ANY",
        "BindAddress 10.1.2.3",
        "CertificateFile ~/.ssh/c-cert.pub",
        "CertificateFile none",
        "Ciphers aes256-ctr,aes128-ctr",
        "Ciphers +aes128-cbc",
        "Ciphers -*gcm*,chacha*",
        "Ciphers ^aes256-ctr",
        "KexAlgorithms curve25519-sha256,ecdh-sha2-nistp256",
        "KexAlgorithms ^ecdh-sha2-nistp521",
        "KexAlgorithms -sntrup*",
        "MACs +hmac-sha1-96",
        "MACs -umac-64*,hmac-sha1*",
        "HostKeyAlgorithms rsa-sha2-512,ssh-ed25519",
        "HostKeyAlgorithms -*cert*",
        "HostKeyAlgorithms +ssh-rsa",
        "HostKeyAlgorithms ^rsa*",
        "PubkeyAcceptedAlgorithms +ssh-rsa",
        "PubkeyAcceptedKeyTypes ssh-ed25519*",
        "CASignatureAlgorithms ssh-ed25519",
        "SendEnv LANG LC_*",
        "SendEnv FOO -LC_*",
        "SendEnv LANG # x",
        "SetEnv A=1 \"B=2 3\"",
        "SetEnv A=9",
        "PubkeyAuthentication no",
        "PasswordAuthentication no",
        "ChallengeResponseAuthentication no",
        "KbdInteractiveAuthentication yes",
        "PreferredAuthentications keyboard-interactive,publickey",
        "NumberOfPasswordPrompts 1",
        "ConnectionAttempts 4",
        "BatchMode yes",
        "RevokedHostKeys /etc/ssh/revoked",
        "GlobalKnownHostsFile /a /b",
        "GlobalKnownHostsFile none",
        "UserKnownHostsFile %d/x ${HOME}/y",
        "UserKnownHostsFile none",
        "CanonicalizeHostname no",
        "Compression yes",
    ])
}

fn option_line() -> impl Strategy<Value = String> {
    let value = proptest::sample::select(vec![
        "HostName %h.example",
        "HostName 10.0.0.1",
        "hostname=x%%y",
        "User deploy",
        "USER = \"root\"",
        "User ann # comment",
        "Port 2222",
        "port=22",
        "IdentityFile ~/.ssh/a",
        "IdentityFile \"~/.ssh/b c\"",
        "IdentityFile %d/x",
        "IdentitiesOnly yes",
        "IdentitiesOnly false",
        "IdentityAgent none",
        "IdentityAgent /tmp/agent",
        "ProxyJump gate",
        "ProxyJump ann@gate:2200,second",
        "ProxyJump none",
        "ProxyCommand nc %h %p",
        "ProxyCommand none",
        "ProxyCommand = nc \"%h\" # x",
        "UserKnownHostsFile ~/a /tmp/b",
        "StrictHostKeyChecking accept-new",
        "StrictHostKeyChecking off",
        "StrictHostKeyChecking yes",
        "HostKeyAlias al",
        "ConnectTimeout 1m10",
        "ConnectTimeout none",
        "ServerAliveInterval 7",
        "ServerAliveCountMax 9",
        "ForwardAgent yes",
        "ForwardAgent no",
        "# note",
    ]);
    let value = prop_oneof![value, more_options()];
    (value, prop_oneof![Just(""), Just("  "), Just("\t")]).prop_map(|(value, indent)| format!("{indent}{value}"))
}

fn pattern() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("web1".to_owned()),
        Just("*".into()),
        Just("web*".into()),
        Just("!web1".into()),
        Just("web?".into()),
        Just("db".into()),
        Just("WEB1".into()),
        Just("!db".into())
    ]
}

fn block_line() -> impl Strategy<Value = String> {
    let list = || proptest::collection::vec(pattern(), 1..3).prop_map(|p| p.join(","));
    let criterion = prop_oneof![
        list().prop_map(|l| format!("host {l}")),
        list().prop_map(|l| format!("!host {l}")),
        list().prop_map(|l| format!("originalhost {l}")),
        Just("host *.example".to_owned()),
        Just("host=\"10.0.0.1\"".to_owned()),
        Just("user deploy,ann".to_owned()),
        Just("!user root".to_owned()),
        Just("localuser root".to_owned()),
        Just("final".to_owned()),
        Just("!final".to_owned()),
        Just("canonical".to_owned()),
        Just("exec \"test %h = web1\"".to_owned()),
        Just("!exec \"test '%n:%p:%r' = 'db:22:deploy'\"".to_owned()),
    ];
    prop_oneof![
        proptest::collection::vec(pattern(), 1..4).prop_map(|p| format!("Host {}", p.join(" "))),
        proptest::collection::vec(criterion, 1..3).prop_map(|c| format!("Match {}", c.join(" "))),
        Just("Match all".to_owned()),
        Just("Match final all".to_owned()),
        Just("Include INCLUDED/*.conf".to_owned()),
        Just("Include INCLUDED/one.conf INCLUDED/missing".to_owned()),
    ]
}

fn text() -> impl Strategy<Value = String> {
    proptest::collection::vec(prop_oneof![3 => option_line(), 1 => block_line()], 0..14)
        .prop_map(|lines| lines.join("\n") + "\n")
}

fn without_include(text: &str) -> String {
    text.lines().filter(|l| !l.starts_with("Include")).collect::<Vec<_>>().join("\n")
}

#[test]
fn answers_as_ssh_does_on_generated_configurations() {
    let Some(oracle) = Oracle::new() else { return };
    let host = prop_oneof![Just("web1"), Just("web22"), Just("db"), Just("WEB1")];
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(250) });
    runner
        .run(&(text(), text(), text(), host), |(main, one, two, host)| {
            oracle.write("included/one.conf", &without_include(&one));
            oracle.write("included/two.conf", &without_include(&two));
            oracle.compare(&main, host).map_err(TestCaseError::fail)
        })
        .unwrap();
}
