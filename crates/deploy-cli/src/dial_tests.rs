//! Options of a recipe as connection settings, and every refused connection word by word.

use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;

use deploy_engine::Dialer as _;
use deploy_transport::error::{ConnectErrorKind, ConnectPhase, Endpoint, KeyFileProblem, TriedLogin, UnknownHostKey};
use deploy_transport::known_hosts::{Fingerprint, RecordedKey};
use deploy_transport::{HostCertificate, LocalEnvironment};
use indexmap::IndexMap;

use super::*;

#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Observer for Heard {
    fn event(&self, event: &Event) {
        if let Event::Message { text, .. } = event {
            self.0.lock().unwrap().push(text.clone());
        }
    }
}

fn environment() -> LocalEnvironment {
    LocalEnvironment {
        user: "ann".into(),
        uid: 1000,
        home: "/home/ann".into(),
        hostname: "desk".into(),
        agent_socket: Some("/run/agent".into()),
        shell: "/bin/sh".into(),
    }
}

fn dial(config: &str) -> (Dial, Arc<Heard>, Secrets) {
    let heard = Arc::new(Heard::default());
    let secrets = Secrets::new();
    let config = SshConfig::from_text("/home/ann/.ssh/config", config, environment());
    let (io, _) = crate::io::Io::captured();
    let asker = crate::prompt::Asker::new(crate::io::Screen::new(io, false));
    let (requests, _) = tokio::sync::mpsc::unbounded_channel();
    let answers = Arc::new(Answers::new(asker, secrets.clone(), requests));
    (Dial::new(config, answers, heard.clone(), secrets.clone()), heard, secrets)
}

fn string(text: &str) -> Property {
    Property::Str(text.to_owned())
}

fn host(options: &[(&str, Property)]) -> Host {
    let options: Properties = options.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let properties = IndexMap::from([("ssh_options".to_owned(), Property::Map(options))]);
    Host { id: HostId::new("deploy@web1"), name: "web1".into(), user: Some("deploy".into()), port: None, properties }
}

#[test]
fn the_recipe_wins_over_ssh_config() {
    let (dial, heard, secrets) = dial("Host web1\n  HostName 10.0.0.1\n  Port 2222\n  User bob\n");
    let keys = Property::List(vec![string("~/.ssh/deploy")]);
    let options = [
        ("keys", keys),
        ("forward_agent", Property::Bool(true)),
        ("password", string("hunter2")),
        ("passphrase", string("open sesame")),
        ("timeout", Property::Int(7)),
        ("auth_methods", Property::List(vec![string("none"), string("publickey")])),
        ("keepalive", Property::Bool(false)),
        ("user", string("loses")),
    ];
    let target = dial.target(&host(&options)).unwrap();
    assert_eq!((target.name.as_str(), target.host.as_str(), target.port), ("deploy@web1", "10.0.0.1", 2222));
    assert_eq!(target.user, "deploy");
    assert_eq!(target.identity_files[0].path, PathBuf::from("/home/ann/.ssh/deploy"));
    assert!(target.forward_agent);
    assert_eq!(target.connect_timeout, Duration::from_secs(7));
    assert_eq!(target.auth_methods, [AuthMethod::PublicKey]);
    assert_eq!(target.keepalive_interval, Duration::ZERO);
    assert_eq!(secrets.clean("hunter2, open sesame"), "[secret], [secret]");
    assert!(heard.0.lock().unwrap().is_empty());
}

#[test]
fn a_check_that_is_off_is_told_once() {
    let (dial, heard, _) = dial("");
    for _ in 0..3 {
        dial.target(&host(&[("colour", Property::Bool(true)), ("verify_host_key", Property::Bool(false))])).unwrap();
    }
    let heard = heard.0.lock().unwrap();
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert!(heard[0].contains("switches the check of host keys off"), "{heard:?}");
}

#[test]
fn host_keys_are_strict_unless_the_recipe_says_otherwise() {
    let (dial, _, _) = dial("");
    let with = |value: Property| dial.target(&host(&[("paranoid", value)])).unwrap().strictness;
    assert_eq!(dial.target(&host(&[])).unwrap().strictness, Strictness::Strict);
    assert_eq!(with(Property::Bool(true)), Strictness::Strict);
    assert_eq!(with(Property::Sym("accept_new".into())), Strictness::AcceptNew);
    assert_eq!(with(Property::Sym("never".into())), Strictness::Off);
}

#[test]
fn no_ssh_config_and_a_gateway() {
    let (dial, _, _) = dial("Host web1\n  Port 2222\n");
    let mut host = host(&[("config", Property::Bool(false))]);
    host.properties.insert("gateway".into(), string("hop@gate:2200"));
    let target = dial.target(&host).unwrap();
    assert_eq!(target.port, 22);
    assert!(format!("{:?}", target.proxy).contains("gate"), "{:?}", target.proxy);
}

#[test]
fn options_that_make_no_sense() {
    let (dial, _, _) = dial("");
    let mut text = String::new();
    for option in [
        ("port", string("x")),
        ("keys", Property::Bool(true)),
        ("verify_host_key", string("sometimes")),
        ("proxy", string("p")),
        ("key_data", Property::Bool(true)),
        ("config", Property::List(vec![string("a"), string("b")])),
    ] {
        let problem = dial.target(&host(&[option])).unwrap_err();
        text.push_str(&crate::errors::problems_text(&[problem], &|_| Vec::new()));
    }
    insta::assert_snapshot!(text);
}

fn fingerprint(fill: u8) -> Fingerprint {
    Fingerprint::of_key(&[fill; 32])
}

fn recorded(fill: u8, line: usize) -> RecordedKey {
    let file = "/home/ann/.ssh/known_hosts".into();
    RecordedKey { file, line, key_type: "ssh-ed25519".into(), fingerprint: fingerprint(fill) }
}

fn kinds() -> Vec<ConnectErrorKind> {
    let io = |kind, text: &str| io::Error::new(kind, text.to_owned());
    let jump = ConnectError {
        endpoint: Box::new(endpoint("gate")),
        kind: ConnectErrorKind::Refused(io(io::ErrorKind::ConnectionRefused, "Connection refused")),
        attempts: 1,
    };
    let tried = |method, source: &str, key: Option<u8>| TriedLogin {
        method,
        source: source.into(),
        fingerprint: key.map(fingerprint),
        problem: None,
    };
    vec![
        ConnectErrorKind::Settings("the user name has a space".into()),
        ConnectErrorKind::Resolve(io(io::ErrorKind::NotFound, "Name or service not known")),
        ConnectErrorKind::Refused(io(io::ErrorKind::ConnectionRefused, "Connection refused (os error 111)")),
        ConnectErrorKind::Unreachable(io(io::ErrorKind::HostUnreachable, "No route to host")),
        ConnectErrorKind::TimedOut { phase: ConnectPhase::Handshake, after: Duration::from_secs(15) },
        ConnectErrorKind::ResetBeforeBanner,
        ConnectErrorKind::NotSsh("HTTP/1.1 400".into()),
        ConnectErrorKind::HostKeyUnknown(Box::new(UnknownHostKey {
            fingerprint: fingerprint(1),
            key_type: "ssh-ed25519".into(),
            line: "[web1]:2222 ssh-ed25519 AAAA".into(),
            other_types: vec![],
            files: vec!["/home/ann/.ssh/known_hosts".into(), "/etc/ssh/ssh_known_hosts".into()],
        })),
        ConnectErrorKind::HostKeyChanged {
            fingerprint: fingerprint(1),
            key_type: "ssh-ed25519".into(),
            recorded: vec![recorded(2, 7)],
        },
        ConnectErrorKind::HostKeyRevoked {
            fingerprint: fingerprint(1),
            key_type: "ssh-ed25519".into(),
            recorded: Box::new(recorded(1, 9)),
        },
        ConnectErrorKind::HostCertificate {
            problem: "is expired".into(),
            certificate: Box::new(HostCertificate {
                key_id: "web1 of 2019".into(),
                serial: 77,
                principals: vec!["web1".into(), "*.example.com".into()],
                after: 1_546_300_800,
                before: 1_577_836_800,
                authority: recorded(4, 3),
            }),
        },
        ConnectErrorKind::AuthRefused {
            user: "deploy".into(),
            offered: vec!["publickey".into(), "password".into()],
            tried: vec![tried("publickey", "/home/ann/.ssh/id_ed25519", Some(3)), tried("password", "", None)],
            untried: 2,
        },
        ConnectErrorKind::KeyFile { path: "/k".into(), problem: KeyFileProblem::TooOpen(0o644) },
        ConnectErrorKind::KeyFile { path: "/k".into(), problem: KeyFileProblem::Encrypted },
        ConnectErrorKind::KeyFile { path: "/k".into(), problem: KeyFileProblem::Missing },
        ConnectErrorKind::Protocol("Too many authentication failures".into()),
        ConnectErrorKind::Jump { hop: "gate".into(), source: Box::new(jump) },
        ConnectErrorKind::Io(io(io::ErrorKind::BrokenPipe, "Broken pipe")),
    ]
}

fn endpoint(name: &str) -> Endpoint {
    let address: SocketAddr = "10.0.0.1:2222".parse().unwrap();
    Endpoint { name: name.into(), host: name.into(), port: 2222, user: "deploy".into(), address: Some(address) }
}

#[test]
fn refused_connections() {
    let (dial, _, _) = dial("Host web1\n  Port 2222\n");
    let mut text = String::new();
    for kind in kinds() {
        let host = host(&[]);
        let target = dial.target(&host).unwrap();
        let error = ConnectError { endpoint: Box::new(endpoint("web1")), kind, attempts: 2 };
        let problem = dial.refused(&target, &error).on(&host.id);
        writeln!(text, "{:?}", problem.kind).unwrap();
        text.push_str(&crate::errors::problems_text(&[problem], &|_| Vec::new()));
    }
    insta::assert_snapshot!(text);
}

#[test]
fn hints_repeat_the_configuration_that_was_asked() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("my config");
    std::fs::write(&file, "Host web1\n  HostName 10.0.0.1\n  Port 2222\n").unwrap();
    let (mut dial, _, _) = dial("");
    dial.config = SshConfig::from_file(&file, environment());
    let host = host(&[]);
    let target = dial.target(&host).unwrap();
    let next = |kind| {
        let error = ConnectError { endpoint: Box::new(endpoint("web1")), kind, attempts: 1 };
        dial.refused(&target, &error).next.unwrap_or_default()
    };
    let by_hand = next(ConnectErrorKind::TimedOut { phase: ConnectPhase::Tcp, after: Duration::from_secs(1) });
    let command = format!("ssh -F '{}' -p 2222 deploy@web1", file.display());
    assert!(by_hand.contains(&command), "{by_hand}");
    let resolve = next(ConnectErrorKind::Resolve(io::Error::other("no")));
    assert!(resolve.contains(&format!("the ssh configuration {}", file.display())), "{resolve}");
}

#[test]
fn options_that_nobody_knows_are_named_once() {
    let (dial, heard, _) = dial("Host *\n  Nonsense yes\n  KnownHostsCommand x\n  GSSAPIAuthentication yes\n");
    for _ in 0..3 {
        dial.target(&host(&[])).unwrap();
    }
    let heard = heard.0.lock().unwrap().join("\n");
    let expected = "/home/ann/.ssh/config:3: the ssh option knownhostscommand is not honoured\n\
                    /home/ann/.ssh/config:2: nonsense is not an option of ssh, so it has no effect";
    let mut lines: Vec<_> = heard.lines().collect();
    lines.sort_unstable();
    let mut expected: Vec<_> = expected.lines().collect();
    expected.sort_unstable();
    assert_eq!(lines, expected);
}

#[test]
fn algorithms_variables_and_the_rest_of_net_ssh() {
    let (dial, _, secrets) = dial("Host *\n  Ciphers aes128-ctr\n  SetEnv A=1\n  BatchMode yes\n");
    let list = |names: &[&str]| Property::List(names.iter().map(|name| string(name)).collect());
    let target = dial
        .target(&host(&[
            ("encryption", list(&["aes256-ctr", "aes128-cbc"])),
            ("compression", string("zlib")),
            ("keycerts", list(&["~/k-cert.pub"])),
            ("set_env", Property::Map(IndexMap::from([("B".to_owned(), string("2"))]))),
            ("passphrase", string("mellon")),
            ("bind_address", string("127.0.0.9")),
            ("non_interactive", Property::Bool(false)),
        ]))
        .unwrap();
    assert_eq!(target.algorithms.ciphers.unwrap().text(), "aes256-ctr,aes128-cbc");
    assert!(target.algorithms.compression && !target.batch_mode);
    assert_eq!(target.certificate_files, [PathBuf::from("/home/ann/k-cert.pub")]);
    assert_eq!(target.env, [("B".to_owned(), "2".to_owned())]);
    assert_eq!(target.bind_address, "127.0.0.9".parse().ok());
    assert_eq!(secrets.clean("mellon"), "[secret]");
    let problem = dial.target(&host(&[("kex", string("unheard-of"))])).unwrap_err();
    assert!(problem.why.contains("KexAlgorithms \"unheard-of\"") && problem.next.is_some(), "{problem:?}");
}

#[test]
fn a_hash_of_gateways() {
    let (dial, _, _) = dial("");
    let gateways = IndexMap::from([
        ("[\"outer\", \"deploy@inner:2200\"]".to_owned(), string("db1")),
        ("gate".to_owned(), Property::List(vec![string("web1"), string("web2")])),
        ("empty".to_owned(), Property::Nil),
    ]);
    let hops = |name: &str, gateways: &Properties| {
        let mut host = host(&[]);
        host.name = name.into();
        host.properties.insert("gateway".into(), Property::Map(gateways.clone()));
        match dial.target(&host).unwrap().proxy {
            deploy_transport::target::Proxy::Jump(hops) => {
                hops.iter().map(|hop| format!("{}:{}", hop.host, hop.port)).collect::<Vec<_>>().join(",")
            }
            _ => "direct".to_owned(),
        }
    };
    assert_eq!(hops("web1", &gateways), "gate:22");
    assert_eq!(hops("db1", &gateways), "outer:22,inner:2200");
    // The first that names anybody is everybody else's.
    assert_eq!(hops("other", &gateways), "outer:22,inner:2200");
    assert_eq!(hops("web1", &Properties::new()), "direct");
}
