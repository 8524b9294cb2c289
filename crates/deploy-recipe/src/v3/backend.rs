//! Self inside `on`: one host, with the directory, environment and user that surround its commands.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use async_trait::async_trait;
use deploy_plan::{
    Command, CommandResult, CommandText, ExitStatus, Level, Problem, ProblemKind, StepClass, Suspension, Transfer, Want,
};
use deploy_ruby::{Args, Call, Hash, Ivars, Object, Reply, Stderr, Value};
use indexmap::IndexMap;

use super::command::{Around, is_mapped, sanitize, surround};
use super::host_object::HostObject;
use super::sshkit::level_of;
use super::together;
use crate::v2::{Cap, Later, R, property, site};

/// Words of a host.
const WORDS: &[&str] = &[
    "as",
    "background",
    "capture",
    "debug",
    "download!",
    "error",
    "execute",
    "fatal",
    "host",
    "info",
    "log",
    "make",
    "rake",
    "redact",
    "sudo",
    "test",
    "upload!",
    "warn",
    "with",
    "within",
];

/// One host inside `on`, or this machine inside `run_locally`.
pub(crate) struct Backend {
    cap: Rc<Cap>,
    /// None on this machine.
    host: Option<Rc<HostObject>>,
    directories: RefCell<Vec<String>>,
    environment: RefCell<Vec<(String, String)>>,
    user: RefCell<Option<String>>,
    group: RefCell<Option<String>>,
    recorded: RefCell<Vec<Command>>,
    /// Whether a strand of the same block has asked its host something: what is recorded runs as soon as it can.
    live: Rc<Cell<bool>>,
    ivars: Ivars,
}

/// An argument that is not shown.
struct Redacted {
    text: String,
}

#[async_trait(?Send)]
impl Object for Redacted {
    fn class_name(&self) -> String {
        "String".to_owned()
    }

    async fn call(self: Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        call.send(&Value::str(&self.text), name, args.clone()).await.map(Some)
    }

    fn to_s(&self) -> String {
        self.text.clone()
    }

    fn to_str(&self) -> Option<String> {
        Some(self.text.clone())
    }

    fn inspect(&self) -> String {
        "[REDACTED]".to_owned()
    }
}

/// A command as it is sent and as it is shown.
struct Text {
    sent: String,
    shown: String,
}

/// How a command was run.
pub(crate) struct Done {
    pub status: ExitStatus,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

impl Backend {
    /// On a host, beside others of the same block.
    pub fn on(cap: &Rc<Cap>, host: Rc<HostObject>, live: &Rc<Cell<bool>>) -> Self {
        Self { host: Some(host), live: live.clone(), ..Self::here(cap) }
    }

    /// On this machine.
    pub fn here(cap: &Rc<Cap>) -> Self {
        Self {
            cap: cap.clone(),
            host: None,
            directories: RefCell::default(),
            environment: RefCell::default(),
            user: RefCell::default(),
            group: RefCell::default(),
            recorded: RefCell::default(),
            live: Rc::default(),
            ivars: Ivars::default(),
        }
    }

    /// The host as a value.
    pub fn host_value(&self) -> Value {
        match &self.host {
            Some(host) => Value::Object(host.clone()),
            None => Value::str("localhost"),
        }
    }

    /// The host, where it is not this machine.
    pub fn host_id(&self) -> Option<deploy_inventory::HostId> {
        self.host.as_ref().map(|host| host.server.borrow().id())
    }

    /// What has been recorded and not run.
    pub fn take(&self) -> Vec<Command> {
        std::mem::take(&mut self.recorded.borrow_mut())
    }

    /// Runs what has been recorded.
    pub async fn flush(&self) {
        let commands = self.take();
        if !commands.is_empty() {
            self.cap.port.along(commands, None, Suspension::Result).await;
        }
    }

    /// Whether there is something to flush.
    pub fn has_commands(&self) -> bool {
        !self.recorded.borrow().is_empty()
    }

    fn directory(&self) -> Option<String> {
        let all = self.directories.borrow();
        let mut whole = all.first()?.trim_end_matches('/').to_owned();
        for next in all.iter().skip(1) {
            whole = format!("{}/{}", whole, next.trim_matches('/'));
        }
        Some(if whole.is_empty() { "/".to_owned() } else { whole })
    }

    /// A path of an upload or download: below `within`, where there is one.
    pub fn place(&self, path: &str) -> String {
        match self.directory() {
            Some(directory) if !path.starts_with(['/', '~']) => format!("{directory}/{path}"),
            _ => path.to_owned(),
        }
    }

    fn environment(&self) -> Vec<(String, String)> {
        let mut all: Vec<(String, String)> = Vec::new();
        for (key, value) in self.cap.v3.sshkit.default_env.borrow().pairs() {
            self.cap.guard(&key.to_s(), &value);
            put(&mut all, exported(&key), value.to_s());
        }
        for (name, value) in self.environment.borrow().iter() {
            self.cap.guard(name, &Value::str(value));
            put(&mut all, name.clone(), value.clone());
        }
        all
    }

    async fn text(&self, call: &Call, positional: &[Value], background: bool) -> R<Text> {
        let flat = flatten(positional);
        let Some((first, rest)) = flat.split_first() else {
            return Err(call.argument_error("a command is needed"));
        };
        let command = sanitize(&first.to_s());
        let shown: Vec<String> = std::iter::once(command.clone()).chain(rest.iter().map(shown_argument)).collect();
        if !is_mapped(&command) {
            let shown = if first.downcast::<Redacted>().is_some() { "[REDACTED]".to_owned() } else { command.clone() };
            return Ok(Text { sent: command, shown });
        }
        let mut words = vec![self.cap.mapped(call, &command).await?];
        words.extend(rest.iter().map(Value::to_s));
        let around = Around {
            directory: self.directory(),
            umask: self.cap.v3.sshkit.umask.borrow().clone(),
            environment: self.environment(),
            user: self.user.borrow().clone(),
            group: self.group.borrow().clone(),
            background,
        };
        Ok(Text { sent: surround(&words.join(" "), &around), shown: shown.join(" ") })
    }

    fn command(&self, call: &Call, host: &HostObject, text: Text) -> Command {
        let cap = &self.cap;
        if text.sent.contains("db:migrate") {
            cap.flow.borrow_mut().migrates_itself = true;
        }
        Command {
            shown: text.shown,
            text: CommandText::Same(text.sent),
            hosts: vec![host.id()],
            task: cap.task3(),
            site: site(call),
            class: StepClass::Once,
            sudo: false,
            pty: false,
            max_hosts: None,
            continue_on_error: false,
            forward_agent: cap.forwards_agent(),
        }
    }

    /// Records a command, or runs it where its end matters to the recipe.
    async fn execute(&self, call: &Call, args: &Args, background: bool) -> R {
        let (positional, options) = self.options(call, args)?;
        let text = self.text(call, &positional, background).await?;
        let may_fail = options.get_name("raise_on_non_zero_exit").is_some_and(|value| !value.truthy());
        if let Some(host) = &self.host
            && !may_fail
            && !call.under_rescue()
        {
            let command = self.command(call, host, text);
            self.recorded.borrow_mut().push(command);
            self.cap.flow.borrow_mut().recorded += 1;
            return Ok(Value::Bool(true));
        }
        let shown = text.shown.clone();
        let done = self.done(call, text, Suspension::Rescue, true).await?;
        if !done.status.is_success() && !may_fail {
            return Err(self.failed(call, &shown, &done));
        }
        Ok(Value::Bool(done.status.is_success()))
    }

    /// Runs a command, after what has been recorded for the host, and waits for its end.
    async fn done(&self, call: &Call, text: Text, why: Suspension, may_fail: bool) -> R<Done> {
        match &self.host {
            Some(host) => self.answer(call, self.command(call, host, text), why, may_fail).await,
            None => self.done_here(call, text).await,
        }
    }

    async fn answer(&self, call: &Call, command: Command, why: Suspension, may_fail: bool) -> R<Done> {
        crate::v2::need_flow(&self.cap, call)?;
        self.cap.flow.borrow_mut().recorded += 1;
        let want = if may_fail || call.under_rescue() { Want::Status } else { Want::Output };
        self.live.set(true);
        let results: Vec<CommandResult> = self.cap.port.along(self.take(), Some((command, want)), why).await;
        let nothing = Done { status: ExitStatus::Code(0), stdout: Vec::new(), stderr: Vec::new() };
        Ok(results.into_iter().next().map_or(nothing, |result| Done {
            status: result.status,
            stdout: result.stdout,
            stderr: result.stderr,
        }))
    }

    async fn done_here(&self, call: &Call, text: Text) -> R<Done> {
        let command = deploy_ruby::Command {
            line: deploy_ruby::CommandLine::Shell(text.sent),
            env: Vec::new(),
            dir: None,
            stdin: None,
            capture: true,
            stderr: Stderr::Capture,
        };
        let finished = call.interp().effects().clone().run(call, command).await;
        let finished =
            finished.map_err(|error| call.raise("SSHKit::Command::Failed", format!("{}: {error}", text.shown)))?;
        let status = finished.status.map_or_else(|| ExitStatus::Signal("unknown".to_owned()), ExitStatus::Code);
        Ok(Done { status, stdout: finished.stdout, stderr: finished.stderr })
    }

    fn failed(&self, call: &Call, shown: &str, done: &Done) -> deploy_ruby::Unwind {
        let text = |bytes: &[u8]| match String::from_utf8_lossy(bytes).trim() {
            "" => "Nothing written".to_owned(),
            text => text.to_owned(),
        };
        // In SSHKit's words: recipes look into them.
        let status = done.status.to_string().replacen("exit status ", "exit status: ", 1);
        let (stdout, stderr) = (text(&done.stdout), text(&done.stderr));
        let message = format!("{shown} {status}\n{shown} stdout: {stdout}\n{shown} stderr: {stderr}\n");
        let here = if self.host.is_some() { "" } else { " on this machine" };
        let mut problem =
            Problem::new(ProblemKind::Step, format!("run `{shown}`{here}"), done.status.to_string()).at(site(call));
        problem.host = self.host.as_ref().map(|host| host.id());
        problem.task = self.cap.task3();
        let text = if done.stderr.is_empty() { &done.stdout } else { &done.stderr };
        let lines: Vec<String> = String::from_utf8_lossy(text).lines().map(str::to_owned).collect();
        problem.tail = lines.get(lines.len().saturating_sub(20)..).unwrap_or_default().to_vec();
        let exception = call.interp().exception("SSHKit::Command::Failed", message);
        exception.set_payload(Rc::new(problem));
        call.interp().raise_at(call.context(), exception)
    }

    fn options(&self, call: &Call, args: &Args) -> R<(Vec<Value>, Rc<Hash>)> {
        let (positional, options) = args.split_options();
        if options.get_name("interaction_handler").is_some_and(|value| !value.is_nil()) {
            let why = "a command cannot be answered while it runs";
            return Err(crate::v2::unsupported(call, "use interaction_handler", why));
        }
        Ok((positional, options))
    }

    async fn test(&self, call: &Call, args: &Args) -> R {
        let (positional, _) = self.options(call, args)?;
        let text = self.text(call, &positional, false).await?;
        let done = self.done(call, text, Suspension::Result, true).await?;
        let rehearsed = done.status == ExitStatus::Skipped && self.cap.is_rehearsal();
        Ok(Value::Bool(done.status.is_success() || rehearsed))
    }

    async fn capture(&self, call: &Call, args: &Args) -> R {
        let (positional, options) = self.options(call, args)?;
        let text = self.text(call, &positional, false).await?;
        let shown = text.shown.clone();
        let may_fail = options.get_name("raise_on_non_zero_exit").is_some_and(|value| !value.truthy());
        let done = self.done(call, text, Suspension::Result, may_fail).await?;
        if !done.status.is_success() && !may_fail && !self.cap.is_rehearsal() {
            return Err(self.failed(call, &shown, &done));
        }
        if let Some(host) = &self.host {
            self.cap.port.tell_errors(host.id(), &done.stderr);
        }
        if options.get_name("strip").is_some_and(|value| !value.truthy()) {
            return Ok(Value::bytes(done.stdout));
        }
        Ok(Value::bytes(done.stdout.trim_ascii().to_vec()))
    }

    /// Carries a file or directory to or from the host: what is sent in its turn, what is fetched at once. Gives what was
    /// fetched as a value.
    pub async fn transfer(&self, call: &Call, host: &HostObject, shown: String, transfer: Transfer) -> R<Vec<u8>> {
        crate::v2::need_flow(&self.cap, call)?;
        let sends = matches!(transfer, Transfer::Send { .. });
        let mut command = self.command(call, host, Text { sent: String::new(), shown: shown.clone() });
        command.text = CommandText::Transfer(IndexMap::from([(host.id(), transfer)]));
        command.forward_agent = false;
        if sends && !call.under_rescue() {
            self.recorded.borrow_mut().push(command);
            self.cap.flow.borrow_mut().recorded += 1;
            return Ok(Vec::new());
        }
        if !sends {
            command.class = StepClass::Idempotent;
        }
        let why = if call.under_rescue() { Suspension::Rescue } else { Suspension::Result };
        let done = self.answer(call, command, why, false).await?;
        if !done.status.is_success() && !self.cap.is_rehearsal() {
            return Err(self.failed(call, &shown, &done));
        }
        Ok(done.stdout)
    }

    /// The host; none on this machine.
    pub fn host(&self) -> Option<&Rc<HostObject>> {
        self.host.as_ref()
    }

    /// The recipe.
    pub fn cap(&self) -> &Rc<Cap> {
        &self.cap
    }

    async fn within(&self, call: &Call, args: &Args) -> R {
        let Some(block) = &args.block else { return Err(call.argument_error("`within' needs a block")) };
        self.directories.borrow_mut().push(args.at(0).to_s());
        let result = call.call_proc(block, Vec::new()).await;
        self.directories.borrow_mut().pop();
        result
    }

    async fn with(&self, call: &Call, args: &Args) -> R {
        let Some(block) = &args.block else { return Err(call.argument_error("`with' needs a block")) };
        let (_, options) = args.split_options();
        let before = self.environment.borrow().clone();
        for (key, value) in options.pairs() {
            put(&mut self.environment.borrow_mut(), exported(&key), value.to_s());
        }
        let result = call.call_proc(block, Vec::new()).await;
        *self.environment.borrow_mut() = before;
        result
    }

    async fn as_other(&self, call: &Call, args: &Args) -> R {
        let Some(block) = &args.block else { return Err(call.argument_error("`as' needs a block")) };
        let before = (self.user.borrow().clone(), self.group.borrow().clone());
        let text = |value: Option<Value>| value.filter(|value| !value.is_nil()).map(|value| value.to_s());
        let (positional, options) = args.split_options();
        let (user, group) = match positional.first() {
            Some(user) => (text(Some(user.clone())), None),
            None => (text(options.get_name("user")), text(options.get_name("group"))),
        };
        (*self.user.borrow_mut(), *self.group.borrow_mut()) = (user, group);
        let result = call.call_proc(block, Vec::new()).await;
        (*self.user.borrow_mut(), *self.group.borrow_mut()) = before;
        result
    }

    fn log(&self, call: &Call, name: &str, args: &Args) -> Value {
        let level = level_of(name).unwrap_or(Level::Info);
        let text = args.at(0).to_s();
        let text = match &self.host {
            Some(host) => format!("{}: {text}", host.id()),
            None => text,
        };
        self.cap.say(call, level, text);
        Value::Nil
    }

    fn word<'a>(self: &'a Rc<Self>, call: &'a Call, name: &'a str, args: &'a Args) -> Later<'a, R> {
        let before = |first: &str| {
            let positional = std::iter::once(Value::sym(first)).chain(args.positional.iter().cloned()).collect();
            Args { positional, ..args.clone() }
        };
        match name {
            "execute" => Box::pin(self.execute(call, args, false)),
            "background" => Box::pin(self.execute(call, args, true)),
            "sudo" | "rake" | "make" => {
                let all = before(name);
                Box::pin(async move { self.execute(call, &all, false).await })
            }
            "test" => Box::pin(self.test(call, args)),
            "capture" => Box::pin(self.capture(call, args)),
            "within" => Box::pin(self.within(call, args)),
            "with" => Box::pin(self.with(call, args)),
            "as" => Box::pin(self.as_other(call, args)),
            "upload!" => Box::pin(super::transfer::upload(self, call, args)),
            "download!" => Box::pin(super::transfer::download(self, call, args)),
            "host" => Box::pin(async move { Ok(self.host_value()) }),
            "redact" => Box::pin(async move { Ok(Value::object(Redacted { text: args.at(0).to_s() })) }),
            _ => Box::pin(async move { Ok(self.log(call, name, args)) }),
        }
    }
}

/// An argument as it is shown.
fn shown_argument(value: &Value) -> String {
    if value.downcast::<Redacted>().is_some() { "[REDACTED]".to_owned() } else { value.to_s() }
}

fn flatten(values: &[Value]) -> Vec<Value> {
    values
        .iter()
        .flat_map(|value| match value {
            Value::Array(items) => flatten(&items.to_vec()),
            other => vec![other.clone()],
        })
        .collect()
}

/// A symbol is exported in capitals, a text as it is.
fn exported(key: &Value) -> String {
    match key {
        Value::Sym(name) => name.as_str().to_uppercase(),
        other => other.to_s(),
    }
}

fn put(all: &mut Vec<(String, String)>, name: String, value: String) {
    match all.iter_mut().find(|(known, _)| *known == name) {
        Some((_, known)) => *known = value,
        None => all.push((name, value)),
    }
}

#[async_trait(?Send)]
impl Object for Backend {
    fn class_name(&self) -> String {
        if self.host.is_some() { "SSHKit::Backend::Netssh" } else { "SSHKit::Backend::Local" }.to_owned()
    }

    async fn call(self: Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        if WORDS.contains(&name) {
            return self.word(call, name, args).await.map(Some);
        }
        if ["on", "invoke", "invoke!", "run_locally"].contains(&name) {
            // What the block has for this host comes before what that does.
            together::record(&self.cap, vec![self.take()]);
        }
        super::top::word(&self.cap, call, name, args).await
    }

    fn responds_to(&self, name: &str) -> bool {
        WORDS.contains(&name) || super::top::is_word(name)
    }

    fn method_names(&self) -> Vec<String> {
        WORDS.iter().map(|word| (*word).to_owned()).collect()
    }

    fn inspect(&self) -> String {
        format!("#<{} {}>", self.class_name(), self.host_value().to_s())
    }

    fn ivars(&self) -> Option<&Ivars> {
        Some(&self.ivars)
    }
}

impl Cap {
    /// The options of all connections: as the recipe says, with the agent forwarded unless it says otherwise.
    pub fn ssh_options3(&self, given: &Value) -> deploy_inventory::Properties {
        let mut all = deploy_inventory::Properties::new();
        all.insert("forward_agent".to_owned(), deploy_inventory::Property::Bool(true));
        if let Some(hash) = given.as_hash() {
            all.extend(hash.pairs().into_iter().map(|(key, value)| (key.to_s(), property(&value))));
        }
        all
    }
}
