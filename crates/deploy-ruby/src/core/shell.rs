//! Local processes: backticks, `system`, and `$?`.

use super::take::text;
use crate::interp::{Args, Call, Command, CommandLine, Finished, Object, Reply, Stderr};
use crate::value::{Unwind, Value};
use async_trait::async_trait;
use std::rc::Rc;

/// `$?`
pub(crate) struct Status {
    status: Option<i32>,
    signal: Option<i32>,
    pid: u32,
}

impl Status {
    /// The number as `wait` gives it: the exit status in the second byte, a signal in the first.
    fn raw(&self) -> i64 {
        i64::from(self.status.unwrap_or(0)) << 8 | i64::from(self.signal.unwrap_or(0))
    }
}

#[async_trait(?Send)]
impl Object for Status {
    fn class_name(&self) -> String {
        "Process::Status".to_owned()
    }

    async fn call(self: Rc<Self>, _call: &Call, name: &str, _args: &Args) -> Reply {
        Ok(Some(match name {
            "success?" => self.status.map(|s| s == 0).into(),
            "exitstatus" => self.status.into(),
            "to_i" => Value::Int(self.raw()),
            "exited?" => Value::Bool(self.status.is_some()),
            "signaled?" => Value::Bool(self.signal.is_some()),
            "termsig" => self.signal.into(),
            "pid" => Value::Int(i64::from(self.pid)),
            _ => return Ok(None),
        }))
    }

    fn equals(&self, other: &Value) -> bool {
        matches!(other, Value::Int(i) if *i == self.raw())
    }

    fn to_s(&self) -> String {
        match (self.status, self.signal) {
            (Some(status), _) => format!("pid {} exit {status}", self.pid),
            (None, Some(signal)) => format!("pid {} SIG{signal}", self.pid),
            (None, None) => format!("pid {}", self.pid),
        }
    }

    fn inspect(&self) -> String {
        format!("#<Process::Status: {}>", self.to_s())
    }
}

/// Sets `$?` and returns it.
pub(crate) fn set_status(call: &Call, finished: &Finished) -> Value {
    let status = Value::object(Status { status: finished.status, signal: finished.signal, pid: finished.pid });
    call.interp().0.last_status.replace(status.clone());
    status
}

/// `` `text` ``: its output.
pub(crate) async fn backtick(call: &Call, line: &str) -> Result<Value, Unwind> {
    let command = Command {
        line: CommandLine::Shell(line.to_owned()),
        env: Vec::new(),
        dir: None,
        stdin: None,
        capture: true,
        stderr: Stderr::Inherit,
    };
    let finished = call.interp().effects().clone().run(call, command).await;
    let finished = finished.map_err(|error| crate::stdlib::io_error(call, &error, line))?;
    set_status(call, &finished);
    Ok(Value::bytes(finished.stdout))
}

/// What `system`, `exec`, `spawn` and Open3 are given: `[env,] command… [, options]`.
pub(crate) fn command(call: &Call, args: &Args) -> Result<Command, Unwind> {
    let mut words = args.positional.clone();
    let mut command = Command {
        line: CommandLine::Argv(Vec::new()),
        env: Vec::new(),
        dir: None,
        stdin: None,
        capture: false,
        stderr: Stderr::Inherit,
    };
    if let Some(Value::Hash(env)) = words.first() {
        for (name, value) in env.pairs() {
            command.env.push((name.to_s(), super::opt_text(&value)));
        }
        words.remove(0);
    }
    let mut options = args.keywords.clone();
    if let Some(Value::Hash(last)) = words.last() {
        options = Some(last.clone());
        words.pop();
    }
    if let Some(options) = options {
        command.dir = options.get_sym("chdir").as_ref().and_then(super::opt_text);
        if let Some(stdin) = options.get_sym("stdin_data") {
            command.stdin = Some(stdin.to_s_bytes());
        }
        if matches!(options.get_sym("err"), Some(Value::Array(_))) {
            command.stderr = Stderr::Merge;
        }
    }
    let words: Vec<String> = words.iter().map(|w| text(call, w)).collect::<Result<_, _>>()?;
    command.line = match words.as_slice() {
        [] => return Err(call.argument_error("wrong number of arguments (given 0, expected 1+)")),
        [line] => CommandLine::Shell(line.clone()),
        _ => CommandLine::Argv(words),
    };
    Ok(command)
}

/// `system`: whether it succeeded, nil if it could not be started.
pub(super) async fn system(call: &Call, args: &Args) -> Result<Value, Unwind> {
    let exception = args.option("exception").is_some_and(|v| v.truthy());
    let command = command(call, args)?;
    let shown = match &command.line {
        CommandLine::Shell(line) => line.clone(),
        CommandLine::Argv(words) => words.join(" "),
    };
    match call.interp().effects().clone().run(call, command).await {
        Ok(finished) => {
            set_status(call, &finished);
            if exception && finished.status != Some(0) {
                let status = finished.status.map_or_else(|| "by a signal".to_owned(), |s| format!("with exit {s}"));
                return Err(call.raise("RuntimeError", format!("Command failed {status}: {shown}")));
            }
            Ok(match finished.status {
                Some(127) => Value::Nil,
                status => Value::Bool(status == Some(0)),
            })
        }
        Err(error) if exception => Err(crate::stdlib::io_error(call, &error, &shown)),
        Err(_) => {
            set_status(call, &Finished { status: Some(127), ..Finished::default() });
            Ok(Value::Nil)
        }
    }
}
