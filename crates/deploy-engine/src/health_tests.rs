//! Questions to ports and programs on the host, against a server that answers as it is told.

use super::*;
use std::time::Duration;

use deploy_plan::{ReleaseId, ReleaseIn};
use deploy_transport::{Connector, LocalConnector, LocalEnvironment, Target};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const RELEASE: &str = "20261123060439";

/// A server that answers its connections with these texts in turn, the last one for ever. Nothing is never an answer.
async fn server(answers: &'static [&'static str]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut kept = Vec::new();
        for count in 0.. {
            let (mut stream, _) = listener.accept().await.unwrap();
            let answer = answers[count.min(answers.len() - 1)];
            if answer.is_empty() {
                kept.push(stream);
                continue;
            }
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    port
}

fn asked(probe: Probe, attempts: u32, from: Vantage) -> PortCheck {
    let interval = Duration::from_millis(1);
    let (timeout, deadline) = (Duration::from_millis(200), Duration::from_secs(20));
    let check = HealthCheck { probe, from, attempts, interval, timeout, deadline };
    PortCheck { check, release: ReleaseId::new(RELEASE).unwrap() }
}

fn http(port: u16) -> Probe {
    Probe::Http(HttpProbe {
        host: "127.0.0.1".into(),
        port,
        path: "/up".into(),
        host_header: "shop".into(),
        status: vec![(200, 299)],
        body: None,
        release: Some(ReleaseIn::Header("X-Release".into())),
    })
}

async fn run(asked: &PortCheck) -> Result<(), String> {
    let target = Target::new("here", "me", &LocalEnvironment::current());
    let session = LocalConnector.connect(&target).await.unwrap();
    check(&session, asked).await.map_err(|ended| ended.why)
}

const GOOD: &str = "HTTP/1.1 200 OK\r\nX-Release: 20261123060439\r\nContent-Length: 0\r\n\r\n";
const OLD: &str = "HTTP/1.1 200 OK\r\nX-Release: 20251111111111\r\nContent-Length: 0\r\n\r\n";
const DOWN: &str = "HTTP/1.1 503 Down\r\nContent-Length: 4\r\n\r\nwait";

#[tokio::test]
async fn it_is_asked_until_the_right_release_answers() {
    let port = server(&[DOWN, "", OLD, "not http at all\r\n\r\n", GOOD]).await;
    assert_eq!(run(&asked(http(port), 5, Vantage::Host)).await, Ok(()));
    let port = server(&[DOWN, OLD]).await;
    let why = run(&asked(http(port), 3, Vantage::Deployer)).await.unwrap_err();
    assert_eq!(
        why,
        format!("attempt 3 of 3: the answer is not of release {RELEASE}: X-Release says \"20251111111111\"")
    );
}

#[tokio::test]
async fn who_never_answers_is_not_waited_for() {
    let port = server(&[""]).await;
    let why = run(&asked(http(port), 2, Vantage::Host)).await.unwrap_err();
    assert_eq!(why, "attempt 2 of 2: no answer within 0.2 s");
    let mut asked = asked(http(port), 1_000_000, Vantage::Host);
    asked.check.deadline = Duration::from_millis(500);
    let why = run(&asked).await.unwrap_err();
    assert!(why.starts_with("not healthy within 0.5 s; attempt "), "{why}");
}

#[tokio::test]
async fn a_port_is_open_or_not() {
    let port = server(&[""]).await;
    let tcp = |port| Probe::Tcp { host: "127.0.0.1".into(), port };
    assert_eq!(run(&asked(tcp(port), 1, Vantage::Host)).await, Ok(()));
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let why = run(&asked(tcp(free), 2, Vantage::Deployer)).await.unwrap_err();
    assert!(why.starts_with(&format!("attempt 2 of 2: no connection to 127.0.0.1:{free}")), "{why}");
}

/// What a program on the host printed.
fn output(code: u32, stdout: &str, stderr: &str) -> Output {
    let status = deploy_transport::ExitStatus::Code(code);
    Output { status, stdout: stdout.into(), stderr: stderr.into(), truncated: false }
}

#[test]
fn what_curl_and_wget_print_is_read() {
    let answer = |output: &Output| match answer_of(output) {
        Ok(answer) => Ok((answer.status, answer.header("X-Release").unwrap_or_default().to_owned(), answer.body)),
        Err(Attempt::Wrong(Wrong::NotYet(why))) => Err(why),
        Err(_) => Err("something else".to_owned()),
    };
    let curl = output(0, "curl\nHTTP/1.1 200 OK\r\nX-Release: 7\r\n\r\nfine", "");
    assert_eq!(answer(&curl), Ok((200, "7".to_owned(), b"fine".to_vec())));
    let refused = output(7, "curl\n", "curl: (7) Failed to connect to 127.0.0.1 port 9\n");
    assert_eq!(answer(&refused), Err("curl: (7) Failed to connect to 127.0.0.1 port 9".to_owned()));
    let wget = output(8, "wget\ndown", "  HTTP/1.1 503 Down\n  X-Release: 7\nwget: server returned error\n");
    assert_eq!(answer(&wget), Ok((503, "7".to_owned(), b"down".to_vec())));
    assert_eq!(answer(&output(0, "wget\nfine", "")), Ok((200, String::new(), b"fine".to_vec())));
    assert_eq!(answer(&output(1, "wget\n", "wget: can't connect\n")), Err("wget: can't connect".to_owned()));
}
