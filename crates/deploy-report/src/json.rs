//! A run as JSON lines, for programs.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use deploy_inventory::HostId;
use deploy_plan::{Clock, Event, ExitStatus, HostRow, Observer, Plan, Problem, Site, Step, Summary, Work};
use serde_json::{Map, Value, json};

use crate::assembler::Assembler;
use crate::plan::groups;
use crate::{Secrets, op_words, visible, words};

/// Writes one JSON object per line for each event. Field names are stable: new ones may be added, none is renamed.
///
/// Every object has `v` (1), `time` (UTC), `t` (seconds since the display was made) and `event`, which says what else is there:
///
/// | `event` | fields |
/// | --- | --- |
/// | `run_started` | `run`, `tasks` |
/// | `task_started` | `task` |
/// | `connecting` | `host` |
/// | `connected` | `host`, `seconds` |
/// | `planned` | `plan`: `phases` (`title`, `slot`, `condition` (or null), `hosts`, `steps` with `step`, `title`, `slot`, `task`, `site`, `class`, `sudo`, `hosts` and `command` or `work`: `hosts`, `ops`), `notes` (`text`, `warning`) |
/// | `step_started` | `host`, `step`, `title` |
/// | `output` | `host`, `step` (or null), `stream` (`out`, `err`), `line` |
/// | `transferred` | `host`, `step` (or null), `bytes`, `total` (or null): how far a file or tree is |
/// | `step_ended` | `host`, `step`, `title`, `ok`, `status` (`kind`: `code`, `signal`, `lost`, `skipped`; `code`, `signal` or `why`), `seconds` |
/// | `suspended` | `why`, `site` |
/// | `message` | `level` (`debug`, `note`, `warning`, `error`), `host`, `text` |
/// | `table` | `title`, `rows`: an object per row, its fields named by the columns, all texts |
/// | `failed` | `problem`: `kind`, `what`, `host`, `site`, `task`, `why`, `tail`, `next` |
/// | `undoing` | `reason` |
/// | `run_ended` | `outcome`, `rows` (`host`, `release`, `revision`, `seconds`, `result`, `note`, `round_trips`), `narrowed` (`selected`, `all`, `filter`), `notes`, `seconds`, `window_seconds`, `late_failure` |
///
/// Texts are made printable and free of secrets as on a terminal; output comes as lines. The bytes themselves are in
/// the log file.
pub struct JsonLines<W> {
    state: Mutex<State<W>>,
    clock: Arc<dyn Clock>,
    start: Duration,
    secrets: Secrets,
}

struct State<W> {
    assembler: Assembler,
    out: W,
}

impl<W: Write + Send> JsonLines<W> {
    /// Writes the events of a run to `out`.
    pub fn new(out: W, secrets: Secrets, clock: Arc<dyn Clock>) -> Self {
        let assembler = Assembler::new(secrets.clone());
        let start = clock.monotonic();
        Self { state: Mutex::new(State { assembler, out }), clock, start, secrets }
    }

    fn line(&self, name: &str, fields: Value) -> String {
        let t = self.clock.monotonic().saturating_sub(self.start);
        let mut object = Map::new();
        object.insert("v".to_owned(), json!(1));
        object.insert("time".to_owned(), json!(timestamp(self.clock.unix_seconds())));
        object.insert("t".to_owned(), secs(t));
        object.insert("event".to_owned(), json!(name));
        if let Value::Object(fields) = fields {
            object.extend(fields);
        }
        let mut line = Value::Object(object).to_string();
        line.push('\n');
        line
    }

    fn output_line(&self, host: &HostId, step: Option<u32>, stream: &str, line: &str) -> String {
        let clean = |text: &str| visible(&self.secrets.clean(text));
        let host = clean(host.as_str());
        self.line("output", json!({ "host": host, "step": step, "stream": stream, "line": line }))
    }
}

impl<W: Write + Send> Observer for JsonLines<W> {
    fn event(&self, event: &Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        match event {
            Event::Output { host, step, stream, bytes } => {
                for line in state.assembler.push(host, *stream, bytes) {
                    text.push_str(&self.output_line(host, step.map(|s| s.0), words::stream(*stream), &line));
                }
            }
            Event::StepStarted { host, .. } | Event::StepEnded { host, .. } => {
                let step = if let Event::StepEnded { step, .. } = event { Some(step.0) } else { None };
                for (stream, line) in state.assembler.finish(host) {
                    text.push_str(&self.output_line(host, step, words::stream(stream), &line));
                }
            }
            Event::RunEnded { .. } => {
                for (host, stream, line) in state.assembler.finish_all() {
                    text.push_str(&self.output_line(&host, None, words::stream(stream), &line));
                }
            }
            _ => {}
        }
        if let Some((name, fields)) = fields(event, &|text| visible(&self.secrets.clean(text))) {
            text.push_str(&self.line(name, fields));
        }
        // Nobody reads any more: the run itself goes on.
        let _ = state.out.write_all(text.as_bytes()).and_then(|()| state.out.flush());
    }
}

/// A plan as one JSON value, as in the `planned` event.
#[must_use]
pub fn plan_json(plan: &Plan, secrets: &Secrets) -> Value {
    plan_value(plan, &|text| visible(&secrets.clean(text)))
}

pub(crate) fn timestamp(unix_seconds: i64) -> String {
    jiff::Timestamp::from_second(unix_seconds).map_or_else(|_| unix_seconds.to_string(), |time| time.to_string())
}

type Clean<'a> = &'a dyn Fn(&str) -> String;

fn secs(elapsed: Duration) -> Value {
    json!(f64::from(u32::try_from(elapsed.as_millis()).unwrap_or(u32::MAX)) / 1000.0)
}

fn site_value(site: Option<&Site>, clean: Clean<'_>) -> Value {
    site.map_or(Value::Null, |site| json!({ "file": clean(&site.file), "line": site.line, "column": site.column }))
}

fn host_values<'a>(hosts: impl Iterator<Item = &'a HostId>, clean: Clean<'_>) -> Vec<String> {
    hosts.map(|host| clean(host.as_str())).collect()
}

/// The name of an event and its fields; output is handled apart.
fn fields(event: &Event, clean: Clean<'_>) -> Option<(&'static str, Value)> {
    Some(match event {
        Event::RunStarted { run, tasks } => {
            let tasks: Vec<String> = tasks.iter().map(|task| clean(task)).collect();
            ("run_started", json!({ "run": run.as_str(), "tasks": tasks }))
        }
        Event::TaskStarted { task } => ("task_started", json!({ "task": clean(task) })),
        Event::Connecting { host } => ("connecting", json!({ "host": clean(host.as_str()) })),
        Event::Connected { host, elapsed } => {
            ("connected", json!({ "host": clean(host.as_str()), "seconds": secs(*elapsed) }))
        }
        Event::Planned { plan } => ("planned", json!({ "plan": plan_value(plan, clean) })),
        Event::StepStarted { host, step, title } => {
            ("step_started", json!({ "host": clean(host.as_str()), "step": step.0, "title": clean(title) }))
        }
        Event::Output { .. } => return None,
        Event::Transferred { host, step, bytes, total } => (
            "transferred",
            json!({ "host": clean(host.as_str()), "step": step.map(|step| step.0), "bytes": bytes, "total": total }),
        ),
        Event::StepEnded { host, step, title, status, elapsed } => (
            "step_ended",
            json!({ "host": clean(host.as_str()), "step": step.0, "title": clean(title), "ok": status.is_success(),
                    "status": status_value(status, clean), "seconds": secs(*elapsed) }),
        ),
        Event::Suspended { why, site } => {
            ("suspended", json!({ "why": words::suspension(*why), "site": site_value(site.as_ref(), clean) }))
        }
        Event::Printed { stream, text } => {
            ("printed", json!({ "stream": words::stream(*stream), "text": clean(text) }))
        }
        Event::Message { level, host, text } => {
            let host = host.as_ref().map(|host| clean(host.as_str()));
            ("message", json!({ "level": words::level(*level), "host": host, "text": clean(text) }))
        }
        Event::Table { title, columns, rows } => {
            let object = |row: &Vec<String>| -> Value {
                let cells = columns.iter().zip(row).map(|(name, cell)| ((*name).to_owned(), json!(clean(cell))));
                Value::Object(cells.collect())
            };
            let rows: Vec<Value> = rows.iter().map(object).collect();
            ("table", json!({ "title": clean(title), "rows": rows }))
        }
        Event::Failed { problem } => ("failed", json!({ "problem": problem_value(problem, clean) })),
        Event::Undoing { reason } => ("undoing", json!({ "reason": clean(reason) })),
        Event::RunEnded { summary } => ("run_ended", summary_value(summary, clean)),
    })
}

fn status_value(status: &ExitStatus, clean: Clean<'_>) -> Value {
    let kind = words::status(status);
    match status {
        ExitStatus::Code(code) => json!({ "kind": kind, "code": code }),
        ExitStatus::Signal(name) => json!({ "kind": kind, "signal": clean(name) }),
        ExitStatus::Lost(why) => json!({ "kind": kind, "why": clean(why) }),
        ExitStatus::Skipped => json!({ "kind": kind }),
    }
}

fn problem_value(problem: &Problem, clean: Clean<'_>) -> Value {
    let tail: Vec<String> = problem.tail.iter().map(|line| clean(line)).collect();
    json!({
        "kind": words::problem_kind(problem.kind),
        "what": clean(&problem.what),
        "host": problem.host.as_ref().map(|host| clean(host.as_str())),
        "site": site_value(problem.site.as_ref(), clean),
        "task": problem.task.as_deref().map(clean),
        "why": clean(&problem.why),
        "tail": tail,
        "next": problem.next.as_deref().map(clean),
    })
}

fn summary_value(summary: &Summary, clean: Clean<'_>) -> Value {
    let rows: Vec<Value> = summary.rows.iter().map(|row| row_value(row, clean)).collect();
    let notes: Vec<String> = summary.notes.iter().map(|note| clean(note)).collect();
    let narrowed = summary
        .narrowed
        .as_ref()
        .map(|(selected, all, filter)| json!({ "selected": selected, "all": all, "filter": clean(filter) }));
    json!({
        "outcome": words::outcome(summary.outcome),
        "rows": rows,
        "narrowed": narrowed,
        "notes": notes,
        "seconds": secs(summary.elapsed),
        "window_seconds": summary.window.map(secs),
        "late_failure": summary.late_failure,
    })
}

fn row_value(row: &HostRow, clean: Clean<'_>) -> Value {
    json!({
        "host": clean(row.host.as_str()),
        "release": row.release.as_ref().map(|release| release.as_str()),
        "revision": row.revision.as_ref().map(|revision| revision.as_str()),
        "seconds": secs(row.elapsed),
        "result": words::result(row.result),
        "note": clean(&row.note),
        "round_trips": row.round_trips,
    })
}

fn plan_value(plan: &Plan, clean: Clean<'_>) -> Value {
    let phases: Vec<Value> = plan
        .phases
        .iter()
        .map(|phase| {
            let steps: Vec<Value> = phase.steps.iter().map(|step| step_value(step, clean)).collect();
            let hosts = host_values(phase.hosts().iter(), clean);
            let condition = phase.condition.as_deref().map(&clean);
            json!({ "title": clean(&phase.title), "slot": phase.slot.word(), "condition": condition, "hosts": hosts, "steps": steps })
        })
        .collect();
    let notes: Vec<Value> =
        plan.notes.iter().map(|note| json!({ "text": clean(&note.text), "warning": note.warning })).collect();
    json!({ "phases": phases, "notes": notes })
}

fn step_value(step: &Step, clean: Clean<'_>) -> Value {
    let mut value = json!({
        "step": step.id.0,
        "title": clean(&step.title),
        "slot": step.slot.word(),
        "task": step.task.as_deref().map(clean),
        "site": site_value(step.site.as_ref(), clean),
        "class": words::class(step.class),
        "sudo": step.sudo,
        "hosts": host_values(step.hosts(), clean),
    });
    let (name, work) = match &step.work {
        Work::Command(command) => ("command", json!(clean(&command.shown))),
        Work::Ops(ops) => {
            let groups = groups(ops).into_iter().map(|(hosts, ops)| {
                let ops: Vec<String> = ops.iter().map(|op| clean(&op_words(op))).collect();
                json!({ "hosts": host_values(hosts.iter(), clean), "ops": ops })
            });
            ("work", Value::Array(groups.collect()))
        }
    };
    if let Value::Object(fields) = &mut value {
        fields.insert(name.to_owned(), work);
    }
    value
}
