//! Runs to show in tests: every kind of event, hostile output, a secret.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use deploy_inventory::HostId;
use deploy_plan::{
    Clock, Command, CommandText, Event, ExitStatus, Expect, HostResult, HostRow, Level, Op, Outcome, Phase, Plan,
    PlanNote, Problem, ProblemKind, ReleaseId, RemotePath, Revision, RunId, Site, Slot, Step, StepClass, StepId,
    Stream, Summary, Suspension, Work,
};
use indexmap::IndexMap;

use crate::Secrets;

/// A clock that stands at one moment and moves on by a quarter second whenever it is asked.
pub(crate) struct SlowClock(Mutex<Duration>);

impl SlowClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(Duration::from_secs(7))))
    }
}

impl Clock for SlowClock {
    fn unix_seconds(&self) -> i64 {
        1_795_412_686
    }

    fn monotonic(&self) -> Duration {
        let mut now = self.0.lock().unwrap();
        *now += Duration::from_millis(250);
        *now
    }
}

/// A clock that stands still until it is set.
pub(crate) struct SetClock(Mutex<Duration>);

impl SetClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::default()))
    }

    pub(crate) fn set(&self, seconds: u64) {
        *self.0.lock().unwrap() = Duration::from_secs(seconds);
    }
}

impl Clock for SetClock {
    fn unix_seconds(&self) -> i64 {
        1_795_412_686
    }

    fn monotonic(&self) -> Duration {
        *self.0.lock().unwrap()
    }
}

/// A writer whose content can be looked at.
#[derive(Clone, Default)]
pub(crate) struct Paper(Arc<Mutex<Vec<u8>>>);

impl Paper {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.bytes()).unwrap()
    }
}

impl std::io::Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

pub(crate) fn secrets() -> Secrets {
    let secrets = Secrets::new();
    secrets.register("hunter2");
    secrets
}

pub(crate) fn host(name: &str) -> HostId {
    HostId::new(name)
}

fn hosts() -> [HostId; 3] {
    ["web1.example.com", "web2.example.com", "db1"].map(HostId::new)
}

fn id(text: &str) -> ReleaseId {
    ReleaseId::new(text).unwrap()
}

fn path(text: &str) -> RemotePath {
    RemotePath::new(text).unwrap()
}

pub(crate) fn site(line: u32) -> Site {
    Site { file: Arc::from("config/deploy.rb"), line, column: 5 }
}

fn ops(ops: &[Op]) -> IndexMap<HostId, Vec<Op>> {
    hosts().into_iter().map(|host| (host, ops.to_vec())).collect()
}

fn step(number: u32, title: &str, slot: Slot, work: Work) -> Step {
    Step {
        id: StepId(number),
        title: title.to_owned(),
        slot,
        task: Some("deploy:update_code".to_owned()),
        site: None,
        class: StepClass::Idempotent,
        deadline: None,
        sudo: false,
        forward_agent: false,
        work,
        undo: IndexMap::new(),
    }
}

pub(crate) fn plan() -> Plan {
    let release = path("/var/www/shop/releases/20261123054446");
    let mut build = step(
        1,
        "check out revision 4711",
        Slot::Build,
        Work::Ops(ops(&[
            Op::ClaimRelease { release: release.clone() },
            Op::Script {
                title: "check out revision 4711".to_owned(),
                body: "svn checkout -q -r 4711 --password hunter2 \\\n  svn://svn.example.com/shop".to_owned(),
            },
        ])),
    );
    build.deadline = Some(Duration::from_secs(600));
    build.undo = ops(&[Op::RemoveRelease { release: id("20261123054446") }]);
    let link = Command {
        shown: "ln -nfs /var/www/shop/shared/config/database.yml \\\n  /var/www/shop/releases/20261123054446/config"
            .to_owned(),
        text: CommandText::Same("ln".to_owned()),
        hosts: hosts().into_iter().take(2).collect(),
        task: Some("deploy:after_update_code".to_owned()),
        site: Some(site(24)),
        class: StepClass::Once,
        sudo: false,
        pty: false,
        max_hosts: None,
        continue_on_error: false,
        forward_agent: false,
    };
    let mut hook = step(2, "ln -nfs /var/www/shop/shared/config", Slot::Build, Work::Command(link));
    hook.site = Some(site(24));
    hook.task = Some("deploy:after_update_code".to_owned());
    let switch =
        |expect| vec![Op::Switch { to: id("20261123054446"), expect }, Op::ReadBack { release: id("20261123054446") }];
    let [web1, web2, db1] = hosts();
    let switches = IndexMap::from([
        (web1, switch(Expect::Release(id("20261122000000")))),
        (web2, switch(Expect::Release(id("20261122000000")))),
        (db1, switch(Expect::Nothing)),
    ]);
    let publish = step(3, "make 20261123054446 live", Slot::Publish, Work::Ops(switches));
    Plan {
        phases: vec![
            Phase {
                title: "build the release".to_owned(),
                slot: Slot::Build,
                steps: vec![build, hook],
                handlers: vec![],
                condition: None,
                wave: None,
            },
            Phase {
                title: "switch".to_owned(),
                slot: Slot::Publish,
                steps: vec![publish],
                handlers: vec![],
                condition: Some("the build brought something new".to_owned()),
                wave: None,
            },
        ],
        notes: vec![
            PlanNote { text: "deploy:after_update_code runs as a magic hook".to_owned(), warning: false },
            PlanNote { text: "no health check is configured".to_owned(), warning: true },
        ],
    }
}

fn started(host: &HostId, number: u32, title: &str) -> Event {
    Event::StepStarted { host: host.clone(), step: StepId(number), title: title.to_owned() }
}

fn ended(host: &HostId, number: u32, title: &str, status: ExitStatus, millis: u64) -> Event {
    let elapsed = Duration::from_millis(millis);
    Event::StepEnded { host: host.clone(), step: StepId(number), title: title.to_owned(), status, elapsed }
}

fn output(host: &HostId, stream: Stream, bytes: &[u8]) -> Event {
    Event::Output { host: host.clone(), step: Some(StepId(2)), stream, bytes: bytes.to_vec() }
}

fn message(level: Level, host: Option<&HostId>, text: &str) -> Event {
    Event::Message { level, host: host.cloned(), text: text.to_owned() }
}

pub(crate) fn problem() -> Problem {
    let mut problem = Problem::new(ProblemKind::Step, "run the hook deploy:after_update_code", "exit status 1")
        .on(&host("web2.example.com"))
        .at(Some(site(24)))
        .next("look at the directory");
    problem.task = Some("deploy:after_update_code".to_owned());
    problem
}

pub(crate) fn summary() -> Summary {
    let row = |host: &HostId, release: Option<&str>, millis, result, note: &str| HostRow {
        host: host.clone(),
        release: release.map(id),
        revision: release.map(|_| Revision::new(&"ab12".repeat(10)).unwrap()),
        elapsed: Duration::from_millis(millis),
        result,
        note: note.to_owned(),
        round_trips: 6,
    };
    let [web1, web2, db1] = hosts();
    Summary {
        outcome: Outcome::PutBack,
        rows: vec![
            row(&web1, Some("20261122000000"), 4012, HostResult::PutBack, ""),
            row(&web2, Some("20261122000000"), 12_345, HostResult::Failed, "deploy:after_update_code"),
            row(&db1, None, 300, HostResult::Unchanged, ""),
        ],
        narrowed: Some((3, 5, "HOSTS=web1.example.com,web2.example.com,db1".to_owned())),
        notes: vec!["no health check is configured".to_owned()],
        elapsed: Duration::from_millis(13_700),
        window: None,
        late_failure: false,
        unrestarted: false,
        abandoned: false,
        commands_ran: false,
    }
}

/// A deploy that fails on one of three hosts and is put back.
pub(crate) fn failed_deploy() -> Vec<Event> {
    let [web1, web2, db1] = hosts();
    let (checkout, link) = ("check out revision 4711", "ln -nfs /var/www/shop/shared/config");
    vec![
        Event::RunStarted { run: RunId::new("20261123054446-4f1c").unwrap(), tasks: vec!["deploy".to_owned()] },
        Event::TaskStarted { task: "deploy:update_code".to_owned() },
        Event::Connecting { host: web1.clone() },
        Event::Connected { host: web1.clone(), elapsed: Duration::from_millis(84) },
        Event::Planned { plan: plan() },
        started(&web1, 1, checkout),
        started(&web2, 1, checkout),
        started(&db1, 1, checkout),
        output(&web1, Stream::Out, b"A    config/deploy.rb\nA    pass"),
        output(&web2, Stream::Err, b"caf\xc3"),
        output(&web1, Stream::Out, b"word hun"),
        output(&web2, Stream::Err, b"\xa9 \x1b]0;owned\x07 \xff\r\n"),
        output(&web1, Stream::Out, b"ter2\n10%\r100%\n"),
        output(&db1, Stream::Out, b"no line end"),
        ended(&web1, 1, checkout, ExitStatus::Code(0), 1234),
        ended(&web2, 1, checkout, ExitStatus::Code(0), 61_000),
        ended(&db1, 1, checkout, ExitStatus::Code(0), 90),
        message(Level::Info, Some(&db1), "the cache was replaced\nit was of another repository"),
        message(Level::Warning, None, "config/database.yml points nowhere"),
        Event::Printed { stream: Stream::Out, text: "said by puts\n\nbelow an empty line\n".to_owned() },
        message(Level::Debug, None, "two channels"),
        started(&web1, 2, link),
        started(&web2, 2, link),
        ended(&web1, 2, link, ExitStatus::Code(0), 20),
        output(&web2, Stream::Err, b"ln: failed to create symbolic link: No such file or directory\n"),
        ended(&web2, 2, link, ExitStatus::Code(1), 31),
        ended(&db1, 3, "make 20261123054446 live", ExitStatus::Skipped, 0),
        Event::Failed { problem: problem() },
        Event::Undoing { reason: "run the hook deploy:after_update_code".to_owned() },
        started(&web2, 4, "remove release 20261123054446"),
        output(&web2, Stream::Out, b"undo prints, too\n"),
        ended(&web2, 4, "remove release 20261123054446", ExitStatus::Code(0), 31),
        Event::Suspended { why: Suspension::Result, site: Some(site(30)) },
        message(Level::Error, Some(&web1), "said loudly"),
        Event::RunEnded { summary: summary() },
    ]
}

/// A deploy of a build, a restart of every second host and a switch, in which all goes well.
pub(crate) fn good_deploy(hosts: usize) -> Vec<Event> {
    let hosts: Vec<HostId> = (1..=hosts).map(|number| HostId::new(&format!("host{number}"))).collect();
    let half: Vec<HostId> = hosts.iter().step_by(2).cloned().collect();
    let all_of = |ops: &[Op]| Work::Ops(hosts.iter().map(|host| (host.clone(), ops.to_vec())).collect());
    let Work::Command(mut command) = plan().phases.remove(0).steps.remove(1).work else { unreachable!() };
    command.hosts.clone_from(&half);
    command.shown = "touch tmp/restart.txt".to_owned();
    let steps = [
        step(1, "check out 4711", Slot::Build, all_of(&[Op::EmptyTrash])),
        step(2, "touch tmp/restart.txt", Slot::Restart, Work::Command(command)),
        step(3, "switch current", Slot::Publish, all_of(&[Op::EmptyTrash])),
    ];
    let phase = |step: &Step| Phase {
        title: step.title.clone(),
        slot: step.slot,
        steps: vec![step.clone()],
        handlers: vec![],
        condition: None,
        wave: None,
    };
    let plan = Plan { phases: steps.iter().map(phase).collect(), notes: vec![] };
    let mut events = vec![
        Event::RunStarted { run: RunId::new("r-1").unwrap(), tasks: vec!["deploy".to_owned()] },
        Event::Planned { plan },
    ];
    for (number, title, on) in
        [(1, "check out 4711", &hosts), (2, "touch tmp/restart.txt", &half), (3, "switch current", &hosts)]
    {
        events.extend(on.iter().map(|host| started(host, number, title)));
        events.extend((1..).zip(on).map(|(n, host)| ended(host, number, title, ExitStatus::Code(0), 99 + n)));
    }
    let rows = hosts.iter().map(|host| HostRow {
        host: host.clone(),
        release: Some(id("20261123054446")),
        revision: Revision::new("4711").ok(),
        elapsed: Duration::from_millis(300),
        result: HostResult::Live,
        note: String::new(),
        round_trips: 6,
    });
    let rows = rows.collect();
    let end = Summary { outcome: Outcome::Deployed, rows, narrowed: None, notes: vec![], ..summary() };
    events.push(Event::RunEnded { summary: end });
    events
}
