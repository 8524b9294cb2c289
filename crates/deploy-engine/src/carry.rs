//! Work on a channel of its own beside the runner: a file or tree on its way to or from a host, a question to a port.

use std::sync::Arc;

use deploy_inventory::HostId;
use deploy_plan::{ExitStatus, PortCheck, Sent, Transfer, Via};
use deploy_transport::transfer::{
    self, Download, Existing, Progress, Source, TransferError, TransferProblem, Upload, sftp,
};
use deploy_transport::{ExecError, Session};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

/// Most of a file that is fetched as a value of the recipe.
const VALUE_LIMIT: usize = 256 * 1024 * 1024;
/// How often a transfer of unknown size is told of.
const STRIDE: u64 = 1024 * 1024;

/// What is heard of a transfer.
pub(crate) enum Carried {
    /// It has come so far.
    Progress(Progress),
    /// Its end: the content where that is the result, or why there is none.
    End(Result<Vec<u8>, Ended>),
}

/// Why it did not come about.
pub(crate) struct Ended {
    pub status: ExitStatus,
    pub why: String,
}

/// A transfer at work. It ends when this is dropped; the host's side removes what is half there.
pub(crate) struct Carrying {
    said: mpsc::UnboundedReceiver<Carried>,
    task: AbortHandle,
}

impl Carrying {
    pub(crate) fn start(session: &Arc<dyn Session>, host: &HostId, transfer: Transfer) -> Self {
        let (tell, said) = mpsc::unbounded_channel();
        let (session, host) = (Arc::clone(session), host.as_str().to_owned());
        let task = tokio::spawn(async move {
            let mut steps = Steps::default();
            let mut progress = |progress: Progress| {
                if steps.tells(progress) {
                    let _ = tell.send(Carried::Progress(progress));
                }
            };
            let result = carry(&*session, &host, transfer, &mut progress).await;
            let _ = tell.send(Carried::End(result.map_err(|error| ended(&error))));
        });
        Self { said, task: task.abort_handle() }
    }

    /// Asks a port instead; what the application says in the end is the content.
    pub(crate) fn checking(session: &Arc<dyn Session>, check: PortCheck) -> Self {
        let (tell, said) = mpsc::unbounded_channel();
        let session = Arc::clone(session);
        let task = tokio::spawn(async move {
            let result = crate::health::check(&session, &check).await;
            let _ = tell.send(Carried::End(result.map(|()| Vec::new())));
        });
        Self { said, task: task.abort_handle() }
    }

    /// What is heard next. Safe to be dropped while it waits.
    pub(crate) async fn next(&mut self) -> Carried {
        let gone = || Ended { status: ExitStatus::Lost("its task ended".to_owned()), why: String::new() };
        self.said.recv().await.unwrap_or_else(|| Carried::End(Err(gone())))
    }
}

impl Drop for Carrying {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn carry(
    session: &dyn Session,
    host: &str,
    transfer: Transfer,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Vec<u8>, TransferError> {
    let nothing = |_| Vec::new();
    match transfer {
        Transfer::Send { what, to, mode, via } => {
            let (source, existing) = match what {
                Sent::File(path) => (Source::File(path), Existing::Merge),
                Sent::Tree { path, inside: false } => (Source::Tree(path), Existing::Merge),
                Sent::Tree { path, inside: true } => (Source::Tree(path), Existing::Inside),
                Sent::Bytes(content) => (Source::Bytes(content.bytes().to_vec().into()), Existing::Merge),
            };
            let upload = Upload { mode, existing, ..Upload::new(source, to) };
            if via == Via::Sftp {
                match sftp::upload(session, host, &upload, progress).await {
                    Err(error) if is_here(&error) => {}
                    sent => return sent.map(nothing),
                }
            }
            transfer::upload(session, host, &upload, progress).await.map(nothing)
        }
        Transfer::Fetch { from, to: Some(to), via } => {
            let download = Download::new(from, to);
            if via == Via::Sftp {
                match sftp::download(session, host, &download, progress).await {
                    Err(error) if is_here(&error) => {}
                    fetched => return fetched.map(nothing),
                }
            }
            transfer::download(session, host, &download, progress).await.map(nothing)
        }
        Transfer::Fetch { from, to: None, .. } => transfer::read(session, host, &from, VALUE_LIMIT).await,
    }
}

/// Whether the host is this machine itself, to which no SFTP is spoken.
fn is_here(error: &TransferError) -> bool {
    matches!(error.problem, TransferProblem::Exec(ExecError::Unsupported { .. }))
}

/// How it ended in our words; a connection that went is no failure of the transfer.
fn ended(error: &TransferError) -> Ended {
    let why = error.problem.to_string();
    let status = match &error.problem {
        TransferProblem::Lost(reason) => ExitStatus::Lost(reason.clone()),
        TransferProblem::Exec(ExecError::Lost { .. }) => ExitStatus::Lost(why.clone()),
        _ => ExitStatus::Code(1),
    };
    Ended { status, why }
}

/// Which steps of a transfer are worth a word: each percent, or each [`STRIDE`].
#[derive(Default)]
struct Steps {
    told: u64,
}

impl Steps {
    fn tells(&mut self, progress: Progress) -> bool {
        let step = match progress.total {
            Some(total) => progress.bytes.saturating_mul(100) / total.max(1),
            None => progress.bytes / STRIDE,
        };
        let tells = step > self.told;
        self.told = self.told.max(step);
        tells
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transfer_is_told_of_at_most_a_hundred_times() {
        let mut steps = Steps::default();
        let told = (1..=10_000).filter(|&bytes| steps.tells(Progress { bytes, total: Some(10_000) })).count();
        assert_eq!(told, 100);
        let mut steps = Steps::default();
        let told = (1..=64).filter(|n| steps.tells(Progress { bytes: n * STRIDE / 16, total: None })).count();
        assert_eq!(told, 4);
    }
}
