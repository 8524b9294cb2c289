//! Asking a port whether the application is healthy: through the host's own connection, by a program on the host where
//! its server allows no forwarding, or from this machine.

use std::sync::Arc;
use std::time::Duration;

use deploy_plan::{ExitStatus, HealthCheck, HttpProbe, PortCheck, Probe, Vantage};
use deploy_shell::quote;
use deploy_transport::{Exec, ExecError, ForwardError, Output, Session, Stream, forward, http};

use crate::carry::Ended;

/// Most that is kept of the output of a program on the host.
const OUTPUT_LIMIT: usize = 1024 * 1024;
/// How long a program on the host may take beyond what it was told.
const GRACE: Duration = Duration::from_secs(2);
/// The exit status of our scripts where no program is there that could ask.
const NO_PROGRAM: i32 = 97;

/// Why one attempt was no success.
enum Wrong {
    /// Worth another attempt.
    NotYet(String),
    /// No attempt will be better.
    Never(String),
    /// The connection to the host is gone.
    Lost(String),
}

/// How the attempts go on, and what the last one has shown.
struct Seen {
    attempt: u32,
    why: String,
    /// Forwarding was refused: from now on a program on the host asks.
    by_program: bool,
}

/// Asks until the answer is right, the attempts are used up or the time is over.
pub(crate) async fn check(session: &Arc<dyn Session>, asked: &PortCheck) -> Result<(), Ended> {
    let check = &asked.check;
    let mut seen = Seen { attempt: 0, why: "there was no answer".to_owned(), by_program: false };
    let ended = tokio::time::timeout(check.deadline, attempts(session, asked, &mut seen)).await;
    let code = |why: String| Ended { status: ExitStatus::Code(1), why };
    let (attempt, most) = (seen.attempt, check.attempts);
    match ended {
        Ok(Ok(())) => Ok(()),
        Ok(Err(Wrong::Lost(why))) => Err(Ended { status: ExitStatus::Lost(why), why: String::new() }),
        Ok(Err(Wrong::Never(why))) => Err(code(why)),
        Ok(Err(Wrong::NotYet(why))) => Err(code(format!("attempt {attempt} of {most}: {why}"))),
        Err(_) => {
            let seconds = check.deadline.as_secs_f32();
            Err(code(format!("not healthy within {seconds} s; attempt {attempt} of {most}: {}", seen.why)))
        }
    }
}

async fn attempts(session: &Arc<dyn Session>, asked: &PortCheck, seen: &mut Seen) -> Result<(), Wrong> {
    let check = &asked.check;
    loop {
        seen.attempt += 1;
        let by_program = seen.by_program;
        let once =
            async { if by_program { by_program_there(session, asked).await } else { by_stream(session, asked).await } };
        // A program has this as its own limit, and a word to say then.
        let limit = if by_program { check.timeout + GRACE } else { check.timeout };
        let wrong = match tokio::time::timeout(limit, once).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(Attempt::NoForwarding(why))) => {
                tracing::debug!(why, "no forwarding; a program on the host asks");
                // No attempt of the application's.
                seen.by_program = true;
                seen.attempt -= 1;
                continue;
            }
            Ok(Err(Attempt::Wrong(wrong))) => wrong,
            Err(_) => Wrong::NotYet(format!("no answer within {} s", check.timeout.as_secs_f32())),
        };
        let Wrong::NotYet(why) = wrong else { return Err(wrong) };
        tracing::debug!(attempt = seen.attempt, why, "not healthy");
        if seen.attempt >= check.attempts {
            return Err(Wrong::NotYet(why));
        }
        seen.why = why;
        tokio::time::sleep(check.interval).await;
    }
}

/// How one attempt ended that was no success.
enum Attempt {
    NoForwarding(String),
    Wrong(Wrong),
}

impl From<Wrong> for Attempt {
    fn from(wrong: Wrong) -> Self {
        Self::Wrong(wrong)
    }
}

fn not_yet(why: impl Into<String>) -> Attempt {
    Attempt::Wrong(Wrong::NotYet(why.into()))
}

/// Through a connection to the port itself.
async fn by_stream(session: &Arc<dyn Session>, asked: &PortCheck) -> Result<(), Attempt> {
    let check = &asked.check;
    let (host, port) = match &check.probe {
        Probe::Http(http) => (&http.host, http.port),
        Probe::Tcp { host, port } => (host, *port),
        Probe::Command(_) | Probe::Unit(_) => return Err(Wrong::Never("this check asks no port".to_owned()).into()),
    };
    let opened = match check.from {
        Vantage::Host => session.forward(host, port).await,
        Vantage::Deployer => forward::dial(host, port, check.timeout).await,
    };
    let mut stream = opened.map_err(|error| match error {
        ForwardError::Forbidden(why) => Attempt::NoForwarding(why),
        ForwardError::Lost(why) => Wrong::Lost(why).into(),
        ForwardError::Refused { .. } => not_yet(error.to_string()),
    })?;
    match &check.probe {
        Probe::Http(http) => ask(&mut *stream, http, asked).await,
        _ => Ok(()),
    }
}

async fn ask(stream: &mut dyn Stream, probe: &HttpProbe, asked: &PortCheck) -> Result<(), Attempt> {
    let answer = http::get(stream, &probe.host_header, &probe.path).await.map_err(not_yet)?;
    judge(probe, asked, &answer)
}

fn judge(probe: &HttpProbe, asked: &PortCheck, answer: &http::Answer) -> Result<(), Attempt> {
    probe.judge(&asked.release, answer.status, |name| answer.header(name), &answer.body).map_err(not_yet)
}

/// By `curl` or `wget` on the host (a plain port: `nc` or bash).
async fn by_program_there(session: &Arc<dyn Session>, asked: &PortCheck) -> Result<(), Attempt> {
    let check = &asked.check;
    let script = script(check).map_err(|error| Attempt::Wrong(Wrong::Never(error.to_string())))?;
    let run = async {
        let running = session.exec(Exec::new(script)).await?;
        Ok::<Output, ExecError>(running.output(OUTPUT_LIMIT).await)
    };
    let output = match run.await {
        Ok(output) => output,
        Err(ExecError::Lost { reason, .. }) => return Err(Wrong::Lost(reason).into()),
        Err(error) => return Err(Wrong::Never(error.to_string()).into()),
    };
    match output.status {
        deploy_transport::ExitStatus::Lost(why) => return Err(Wrong::Lost(why).into()),
        deploy_transport::ExitStatus::Code(code) if i32::try_from(code) == Ok(NO_PROGRAM) => {
            let tools = if matches!(check.probe, Probe::Http(_)) { "curl nor wget" } else { "nc nor bash" };
            let why = format!("the host allows no forwarding, and has neither {tools} to ask with");
            return Err(Wrong::Never(why).into());
        }
        _ => {}
    }
    match &check.probe {
        Probe::Http(probe) => judge(probe, asked, &answer_of(&output)?),
        _ if output.status.success() => Ok(()),
        _ => Err(not_yet(said(&output))),
    }
}

/// The last line that a program has said, or how it ended.
fn said(output: &Output) -> String {
    let text = output.stderr_text();
    let last = text.lines().rev().find(|line| !line.trim().is_empty()).map(|line| line.trim().to_owned());
    last.unwrap_or_else(|| format!("no connection ({})", output.status))
}

/// What `curl -i` has printed, or `wget -S` (which has the header on standard error).
fn answer_of(output: &Output) -> Result<http::Answer, Attempt> {
    let out = output.stdout.strip_prefix(b"curl\n");
    if let Some(bytes) = out {
        if bytes.is_empty() {
            return Err(not_yet(said(output)));
        }
        let (answer, length) = http::head(bytes).map_err(not_yet)?.ok_or_else(|| not_yet(said(output)))?;
        return Ok(http::Answer { body: bytes.get(length..).unwrap_or_default().to_vec(), ..answer });
    }
    let body = output.stdout.strip_prefix(b"wget\n").unwrap_or(&output.stdout).to_vec();
    let header = output.stderr_text();
    let mut answer = http::Answer { status: 0, headers: Vec::new(), body };
    for line in header.lines().map(str::trim) {
        if let Some(status) = line.strip_prefix("HTTP/").and_then(|rest| rest.split(' ').nth(1)?.parse().ok()) {
            answer.status = status;
        } else if let Some((name, value)) = line.split_once(": ") {
            answer.headers.push((name.to_owned(), value.trim().to_owned()));
        }
    }
    if answer.status == 0 && output.status.success() {
        // One that does not show the header ends with 0 only where all is well.
        answer.status = 200;
    }
    if answer.status == 0 { Err(not_yet(said(output))) } else { Ok(answer) }
}

/// What asks on the host, for whatever shell the login has.
fn script(check: &HealthCheck) -> Result<String, deploy_shell::QuoteError> {
    let seconds = check.timeout.as_millis().div_ceil(1000).max(1);
    let body = match &check.probe {
        Probe::Http(probe) => {
            let (url, host) = (quote(&probe.url())?, quote(&format!("Host: {}", probe.host_header))?);
            format!(
                "if command -v curl >/dev/null 2>&1; then\n\
                 echo curl; exec curl -sS -i --max-time {seconds} -H {host} {url}\n\
                 elif command -v wget >/dev/null 2>&1; then\n\
                 cap_help=`wget --help 2>&1`; set --\n\
                 for cap_o in --tries=1 --content-on-error; do\n\
                 case $cap_help in *\"${{cap_o%%=*}}\"*) set -- \"$@\" \"$cap_o\";; esac\n\
                 done\n\
                 echo wget; exec wget -q -S -O - -T {seconds} \"$@\" --header {host} {url}\n\
                 fi\n\
                 exit {NO_PROGRAM}"
            )
        }
        Probe::Tcp { host, port } => {
            let host = quote(host)?;
            format!(
                "if command -v nc >/dev/null 2>&1; then exec nc -z -w {seconds} {host} {port}; fi\n\
                 if command -v bash >/dev/null 2>&1; then exec bash -c 'exec 3<>\"/dev/tcp/$0/$1\"' {host} {port}; fi\n\
                 exit {NO_PROGRAM}"
            )
        }
        Probe::Command(_) | Probe::Unit(_) => format!("exit {NO_PROGRAM}"),
    };
    Ok(format!("sh -c {}", quote(&body)?))
}

#[cfg(test)]
#[path = "health_tests.rs"]
mod tests;
