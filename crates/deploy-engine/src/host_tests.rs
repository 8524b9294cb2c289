//! A host's task against a real shell on this machine.

use std::time::Instant as Moment;

use async_trait::async_trait;
use deploy_inventory::Host;
use deploy_plan::{Clock, Problem, ProblemKind};
use deploy_transport::{ConnectError, Connector, LocalConnector, LocalEnvironment, Target};

use super::*;
use crate::ports::{Dialer, Person, SudoPassword};

struct Here(Arc<dyn Connector>);

impl Dialer for Here {
    fn target(&self, host: &Host) -> Result<Target, Problem> {
        Ok(Target::new(&host.name, "me", &LocalEnvironment::current()))
    }

    fn connector(&self) -> &Arc<dyn Connector> {
        &self.0
    }

    fn refused(&self, _: &Target, error: &ConnectError) -> Problem {
        Problem::new(ProblemKind::Connect, "connect", error.to_string())
    }
}

struct Now(Moment);

impl Clock for Now {
    fn unix_seconds(&self) -> i64 {
        0
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

struct Deaf;

impl Observer for Deaf {
    fn event(&self, _: &Event) {}
}

#[async_trait]
impl SudoPassword for Deaf {
    async fn ask(&self, _: &HostId, _again: bool) -> Option<Secret> {
        None
    }
}

#[async_trait]
impl Person for Deaf {
    fn is_there(&self) -> bool {
        false
    }

    async fn agrees(&self, _: &str) -> bool {
        false
    }
}

async fn host() -> HostHandle {
    let ports = Ports {
        dialer: Box::new(Here(Arc::new(LocalConnector))),
        clock: Arc::new(Now(Moment::now())),
        observer: Arc::new(Deaf),
        sudo: Box::new(Deaf),
        person: Box::new(Deaf),
    };
    let target = Target::new("here", "me", &LocalEnvironment::current());
    let session = LocalConnector.connect(&target).await.unwrap();
    HostHandle::start(HostId::new("here"), session, false, Arc::new(ports)).await.unwrap()
}

fn job(body: &str) -> Job {
    let kind = JobKind::Script { body: body.to_owned(), sudo: None };
    let title = body.to_owned();
    Job {
        step: None,
        title,
        kind,
        output: crate::flight::Output::Kept,
        always: false,
        needs_lock: false,
        deadline: None,
    }
}

/// The first Ctrl-C kills and then undoes, without a pause between: both wait for the host's task at once, and the kill must
/// never end the undo. Taken in any other order it would, in about half of the rounds.
#[tokio::test(flavor = "current_thread")]
async fn a_kill_is_never_meant_for_what_is_asked_after_it() {
    let host = host().await;
    for round in 0..40 {
        host.kill();
        let results = host.fly(vec![job("sleep 0.02; echo undone")]).await;
        assert_eq!(results[0].status, ExitStatus::Code(0), "round {round}");
        assert_eq!(results[0].stdout, b"undone\n", "round {round}");
    }
    host.close().await;
}

#[tokio::test(flavor = "current_thread")]
async fn a_kill_ends_what_runs_and_gives_up_what_waits() {
    let host = host().await;
    let mut last = job("echo always");
    last.always = true;
    let flight = host.fly(vec![job("sleep 600"), job("echo never"), last]);
    let kill = async {
        // Not before it is on its way: a kill is for what was asked before.
        tokio::task::yield_now().await;
        host.kill();
    };
    let (results, ()) = tokio::join!(flight, kill);
    assert!(matches!(results[0].status, ExitStatus::Signal(_) | ExitStatus::Skipped), "{:?}", results[0].status);
    assert_eq!(results[1].status, ExitStatus::Skipped);
    // It is begun, but the kill is for it too: it was asked for before.
    let status = &results[2].status;
    assert!(matches!(status, ExitStatus::Code(0) | ExitStatus::Signal(_)), "{status:?}");
    host.close().await;
}

#[tokio::test(flavor = "current_thread")]
async fn work_travels_with_the_runner_and_each_flight_is_one_round_trip() {
    let host = host().await;
    let results = host.fly(vec![job("echo one"), job("echo two")]).await;
    assert_eq!((results[0].stdout.as_slice(), results[1].stdout.as_slice()), (&b"one\n"[..], &b"two\n"[..]));
    assert_eq!(host.round_trips(), 1, "the program and the first flight leave together");
    host.fly(vec![job("true")]).await;
    assert_eq!(host.round_trips(), 2);
    host.close().await;
}

/// A hello that nobody waits for costs nothing, however early it comes; one that somebody waits for is a round trip.
#[tokio::test(flavor = "current_thread")]
async fn only_a_hello_that_is_waited_for_is_a_round_trip() {
    let waiting = host().await;
    waiting.greeted().await.unwrap();
    waiting.fly(vec![job("true")]).await;
    assert_eq!(waiting.round_trips(), 2);
    waiting.close().await;
    let other = host().await;
    let mut greeting = other.greeting.clone();
    greeting.wait_for(Option::is_some).await.unwrap();
    other.fly(vec![job("true")]).await;
    assert_eq!(other.round_trips(), 1, "it came, but nothing was held back for it");
    other.close().await;
}

/// Nothing that needs the lock runs without it, and that is a failure, not a silence.
#[tokio::test(flavor = "current_thread")]
async fn a_step_that_needs_a_lock_that_is_gone_fails() {
    let host = host().await;
    let mut fenced = job("echo done");
    fenced.needs_lock = true;
    let results = host.fly(vec![fenced]).await;
    assert_eq!(results[0].status, ExitStatus::Code(126));
    assert!(results[0].tail_lines(1)[0].contains("does not hold the lock"), "{:?}", results[0].tail_lines(1));
    host.close().await;
}
