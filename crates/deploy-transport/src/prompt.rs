//! Asking a person for passwords and passphrases, once each.
//!
//! Fifty hosts that want the same password must ask once. Answers are therefore kept in [`Answers`]
//! under one lock per question; a host that is refused moves on to the next *generation* of the answer, and
//! asks again only if no other host has been let in with the one it tried.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Mutex;

use crate::secret::Secret;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PromptKind {
    /// The login password of a user, for a whole group of hosts.
    Password {
        /// The login user.
        user: String,
    },
    /// The passphrase of a private key file.
    Passphrase {
        /// The key file.
        path: PathBuf,
    },
    /// A question that a server asked (keyboard-interactive).
    Question {
        /// The host's name as shown in output.
        host: String,
    },
}

/// One question to a person.
#[derive(Debug, Clone)]
pub struct PromptRequest {
    /// What is asked for.
    pub kind: PromptKind,
    /// The text to show. It may come from a server: control characters are already removed.
    pub text: String,
    /// May the answer be shown while it is typed?
    pub echo: bool,
    /// 1 for the first time, more when the answer before was wrong.
    pub attempt: u32,
    /// May a person be asked? Not with `BatchMode`: then only what is known already is an answer.
    pub person: bool,
}

/// Something that can ask a person. `None` means that nobody is there, or that the person gave up.
#[async_trait]
pub trait Prompter: Send + Sync {
    /// Asks one question.
    async fn ask(&self, request: &PromptRequest) -> Option<Secret>;
}

/// A [`Prompter`] for runs without a person: it never answers.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoPrompter;

#[async_trait]
impl Prompter for NoPrompter {
    async fn ask(&self, _request: &PromptRequest) -> Option<Secret> {
        None
    }
}

/// How often one question is asked before we give up, as in ssh.
const MAX_ATTEMPTS: u32 = 3;

#[derive(Default)]
struct Answer {
    /// How many times it was asked; the answer that is held is of this generation.
    generation: u32,
    secret: Option<Secret>,
    /// The generation has been accepted somewhere, so it is right and must not be asked again.
    accepted: bool,
    gave_up: bool,
}

/// The answers given so far, shared by all hosts of a connector.
pub(crate) struct Answers {
    prompter: Arc<dyn Prompter>,
    cells: std::sync::Mutex<HashMap<PromptKind, Arc<Mutex<Answer>>>>,
}

impl Answers {
    pub(crate) fn new(prompter: Arc<dyn Prompter>) -> Self {
        Self { prompter, cells: std::sync::Mutex::new(HashMap::new()) }
    }

    fn cell(&self, kind: &PromptKind) -> Arc<Mutex<Answer>> {
        let mut cells = lock(&self.cells);
        cells.entry(kind.clone()).or_default().clone()
    }

    /// The answer to try after the one of generation `refused` (0 at first), with its generation.
    /// Waits while another host is asking the same question.
    pub(crate) async fn get(&self, kind: &PromptKind, text: &str, refused: u32, person: bool) -> Option<(Secret, u32)> {
        let cell = self.cell(kind);
        let mut answer = cell.lock().await;
        if answer.generation > refused {
            return answer.secret.clone().map(|s| (s, answer.generation));
        }
        if answer.gave_up || answer.accepted || answer.generation >= MAX_ATTEMPTS {
            return None;
        }
        let attempt = answer.generation + 1;
        let request = PromptRequest { kind: kind.clone(), text: text.to_owned(), echo: false, attempt, person };
        let secret = self.prompter.ask(&request).await;
        if secret.is_none() && !person {
            // Another host may allow more.
            return None;
        }
        answer.secret = secret;
        answer.gave_up = answer.secret.is_none();
        answer.generation = attempt;
        answer.secret.clone().map(|s| (s, answer.generation))
    }

    /// Notes that the answer of this generation was right.
    pub(crate) async fn accepted(&self, kind: &PromptKind, generation: u32) {
        let cell = self.cell(kind);
        let mut answer = cell.lock().await;
        if answer.generation == generation {
            answer.accepted = true;
        }
    }

    /// Asks a question whose answer is not kept.
    pub(crate) async fn ask_once(&self, host: &str, text: &str, echo: bool, person: bool) -> Option<Secret> {
        let request = PromptRequest {
            kind: PromptKind::Question { host: host.to_owned() },
            text: text.to_owned(),
            echo,
            attempt: 1,
            person,
        };
        self.prompter.ask(&request).await
    }
}

/// A lock that survives a panic of its holder: what it guards is never half-written here.
pub(crate) fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    struct Counting(AtomicU32);

    #[async_trait]
    impl Prompter for Counting {
        async fn ask(&self, request: &PromptRequest) -> Option<Secret> {
            self.0.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            Some(Secret::new(format!("answer {}", request.attempt)))
        }
    }

    fn kind() -> PromptKind {
        PromptKind::Password { user: "deploy".into() }
    }

    #[tokio::test]
    async fn fifty_hosts_ask_once() {
        let prompter = Arc::new(Counting(AtomicU32::new(0)));
        let answers = Answers::new(prompter.clone());
        let all =
            futures_util::future::join_all((0..50).map(|_| async { answers.get(&kind(), "Password:", 0, true).await }))
                .await;
        assert!(all.iter().all(|a| a.as_ref().is_some_and(|a| a.1 == 1)));
        assert_eq!(prompter.0.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_wrong_answer_is_asked_again_but_a_right_one_never() {
        let prompter = Arc::new(Counting(AtomicU32::new(0)));
        let answers = Answers::new(prompter.clone());
        let (_, first) = answers.get(&kind(), "Password:", 0, true).await.unwrap();
        let (second, generation) = answers.get(&kind(), "Password:", first, true).await.unwrap();
        assert_eq!((second.expose(), generation), ("answer 2", 2));
        answers.accepted(&kind(), generation).await;
        assert!(answers.get(&kind(), "Password:", generation, true).await.is_none());
        assert_eq!(prompter.0.load(Ordering::SeqCst), 2);
    }
}
