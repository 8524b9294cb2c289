//! Questions to the person at the terminal.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::sync::Arc;

use async_trait::async_trait;
use deploy_inventory::HostId;
use deploy_report::{Secrets, visible};
use deploy_transport::{PromptKind, PromptRequest, Prompter, Secret};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::sync::{Mutex, mpsc, oneshot};

use crate::io::Screen;

/// Where a person can be asked.
const TERMINAL: &str = "/dev/tty";

/// Asks on the terminal; where there is none, nothing is asked.
#[derive(Clone)]
pub struct Asker {
    screen: Screen,
    /// One question at a time.
    turn: Arc<Mutex<()>>,
}

impl Asker {
    /// Asks beside what is on this screen.
    #[must_use]
    pub fn new(screen: Screen) -> Self {
        Self { screen, turn: Arc::default() }
    }

    /// Asks one question and gives the answer without its line end; none at the end of the input.
    ///
    /// # Errors
    /// When there is no terminal, or it fails.
    pub async fn ask(&self, question: &str, echo: bool) -> io::Result<Option<String>> {
        if !self.screen.terminal().input {
            let why = format!("there is no terminal to ask {:?} on", visible(question.trim()));
            return Err(io::Error::new(io::ErrorKind::Unsupported, why));
        }
        let _turn = self.turn.lock().await;
        let _pause = self.screen.pause();
        // Whoever drops this future (an interrupt) leaves a thread that still reads; the terminal must not stay silent.
        let _echo = Echo::now();
        let question = visible(question);
        let asked =
            tokio::task::spawn_blocking(move || if echo { read_line(&question) } else { read_hidden(&question) });
        asked.await.unwrap_or_else(|error| Err(io::Error::other(error)))
    }
}

fn read_line(question: &str) -> io::Result<Option<String>> {
    let mut terminal = std::fs::OpenOptions::new().read(true).write(true).open(TERMINAL)?;
    terminal.write_all(question.as_bytes())?;
    terminal.flush()?;
    let mut line = String::new();
    let read = BufReader::new(terminal).read_line(&mut line)?;
    Ok((read > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned()))
}

fn read_hidden(question: &str) -> io::Result<Option<String>> {
    match rpassword::prompt_password(question) {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

/// The terminal's settings, put back when dropped.
struct Echo(Option<(std::fs::File, Termios)>);

impl Echo {
    fn now() -> Self {
        let terminal = std::fs::OpenOptions::new().read(true).write(true).open(TERMINAL).ok();
        Self(terminal.and_then(|terminal| tcgetattr(&terminal).ok().map(|settings| (terminal, settings))))
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        if let Some((terminal, settings)) = &self.0 {
            // There is nothing left to do about a terminal that refuses.
            let _ = tcsetattr(terminal, OptionalActions::Now, settings);
        }
    }
}

/// A request for the recipe's `:password`: `again` when the answer before was wrong.
pub struct PasswordRequest {
    /// Whether the answer before was wrong.
    pub again: bool,
    /// Where the answer goes.
    pub answer: oneshot::Sender<Option<String>>,
}

/// Answers what SSH connections and `sudo` want to know. The password is the recipe's `:password` variable, which lives on
/// the recipe's own thread: requests for it go there.
pub struct Answers {
    asker: Asker,
    secrets: Secrets,
    password: mpsc::UnboundedSender<PasswordRequest>,
    sudo: Mutex<Option<Option<Secret>>>,
}

impl Answers {
    /// Answers by asking, and by requests for the recipe's password.
    #[must_use]
    pub fn new(asker: Asker, secrets: Secrets, password: mpsc::UnboundedSender<PasswordRequest>) -> Self {
        Self { asker, secrets, password, sudo: Mutex::default() }
    }

    fn keep(&self, text: String) -> Secret {
        self.secrets.register(&text);
        Secret::new(text)
    }

    async fn ask_person(&self, request: &PromptRequest) -> Option<Secret> {
        let answer = self.asker.ask(&format!("{} ", request.text.trim_end()), request.echo).await;
        answer.ok().flatten().map(|text| self.keep(text))
    }

    async fn recipe_password(&self, again: bool) -> Option<Secret> {
        let (answer, answered) = oneshot::channel();
        self.password.send(PasswordRequest { again, answer }).ok()?;
        answered.await.ok().flatten().map(|text| self.keep(text))
    }
}

#[async_trait]
impl Prompter for Answers {
    async fn ask(&self, request: &PromptRequest) -> Option<Secret> {
        match &request.kind {
            PromptKind::Password { .. } => self.recipe_password(request.attempt > 1).await,
            _ if !request.person => None,
            _ => self.ask_person(request).await,
        }
    }
}

#[async_trait]
impl deploy_engine::SudoPassword for SharedAnswers {
    async fn ask(&self, _host: &HostId, again: bool) -> Option<Secret> {
        let mut sudo = self.0.sudo.lock().await;
        if sudo.is_none() || again {
            *sudo = Some(self.0.recipe_password(again).await);
        }
        sudo.clone().flatten()
    }
}

#[async_trait]
impl deploy_engine::Person for Asker {
    fn is_there(&self) -> bool {
        self.screen.terminal().input
    }

    async fn agrees(&self, question: &str) -> bool {
        let answer = self.ask(question, true).await.ok().flatten();
        answer.is_some_and(|answer| matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
    }
}

/// The same answers for `sudo`.
pub struct SharedAnswers(pub Arc<Answers>);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::Io;

    fn answers() -> (Answers, mpsc::UnboundedReceiver<PasswordRequest>) {
        let (io, _) = Io::captured();
        let (sender, receiver) = mpsc::unbounded_channel();
        (Answers::new(Asker::new(Screen::new(io, false)), Secrets::new(), sender), receiver)
    }

    #[tokio::test]
    async fn without_a_terminal_a_question_is_an_error_that_names_it() {
        let (io, captured) = Io::captured();
        let error = Asker::new(Screen::new(io, false)).ask("Branch?\u{1b}[2J ", true).await.unwrap_err();
        assert_eq!(error.to_string(), "there is no terminal to ask \"Branch?\\\\x1b[2J\" on");
        assert_eq!(captured.out() + &captured.err(), "");
    }

    #[tokio::test]
    async fn passwords_are_the_recipes_and_become_secrets() {
        let (answers, mut requests) = answers();
        let answers = Arc::new(answers);
        let secrets = answers.secrets.clone();
        let recipe = tokio::spawn(async move {
            let mut asked = Vec::new();
            while let Some(request) = requests.recv().await {
                asked.push(request.again);
                request.answer.send(Some(format!("hunter{}", asked.len()))).unwrap();
            }
            asked
        });
        let kind = PromptKind::Password { user: "deploy".into() };
        let request = |attempt| PromptRequest {
            kind: kind.clone(),
            text: "Password:".into(),
            echo: false,
            attempt,
            person: false,
        };
        assert_eq!(Prompter::ask(&*answers, &request(1)).await.unwrap().expose(), "hunter1");
        assert_eq!(Prompter::ask(&*answers, &request(2)).await.unwrap().expose(), "hunter2");
        let host = HostId::new("a");
        let for_sudo = SharedAnswers(answers.clone());
        for _ in 0..2 {
            let sudo = deploy_engine::SudoPassword::ask(&for_sudo, &host, false).await;
            assert_eq!(sudo.unwrap().expose(), "hunter3", "asked once for all hosts");
        }
        drop((answers, for_sudo));
        assert_eq!(recipe.await.unwrap(), [false, true, false]);
        assert_eq!(secrets.clean("x hunter2 y"), "x [secret] y");
    }
}
