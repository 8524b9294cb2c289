//! Logging in: which keys and passwords are tried, in which order, and how often.

use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use russh::client::{AuthResult, Handle, KeyboardInteractiveAuthResponse};
use russh::keys::agent::AgentIdentity;
use russh::keys::{Algorithm, Certificate, HashAlg, PrivateKey, PrivateKeyWithHashAlg, PublicKey};
use russh::{MethodKind, MethodSet, SendError, Signer};

use super::agent::{self, Agent};
use super::algorithms::may_sign;
use super::handler::{Handler, Shared, printable};
use super::keys::{Content, KeyFile, KeyStore, UserCertificate, certificates};
use super::signer::FileSigner;
use crate::error::{ConnectErrorKind, ConnectPhase, KeyFileProblem, TriedLogin};
use crate::known_hosts::Fingerprint;
use crate::prompt::{Answers, PromptKind};
use crate::target::{AuthMethod, Target};

/// OpenSSH's servers hang up after six refusals. One is kept for a password.
const MAX_KEYS: usize = 5;
/// How many methods in a row a server may want.
const MAX_STEPS: usize = 4;
/// How long an agent may take to sign, which can mean that a person confirms it.
const AGENT_DEADLINE: Duration = Duration::from_secs(60);
/// How often a server may ask questions in one keyboard-interactive login.
const MAX_ROUNDS: usize = 20;

/// What all logins of a connector share.
pub(crate) struct Credentials {
    pub(crate) keys: KeyStore,
    pub(crate) answers: Answers,
}

/// A key that can be tried.
enum Candidate {
    Agent(Box<AgentIdentity>),
    File(KeyFile),
    /// A certificate whose key the agent holds, or a file.
    AgentCertificate(UserCertificate, Box<AgentIdentity>),
    FileCertificate(UserCertificate, KeyFile),
}

/// The state of one login.
pub(crate) struct Login<'a> {
    handle: &'a mut Handle<Handler>,
    target: &'a Target,
    credentials: &'a Credentials,
    shared: Arc<Shared>,
    offered: Option<MethodSet>,
    tried: Vec<TriedLogin>,
    untried: usize,
    /// Methods that succeeded without being enough.
    steps: usize,
    /// Keys that have done their part, or were refused: each is tried once.
    spent: HashSet<Fingerprint>,
    key_problem: Option<ConnectErrorKind>,
    rsa_hash: Option<Option<HashAlg>>,
    /// A person was asked meanwhile, which can take longer than the server waits.
    pub(crate) asked: bool,
}

enum Step {
    In,
    Refused,
}

impl<'a> Login<'a> {
    pub(crate) fn new(
        handle: &'a mut Handle<Handler>,
        target: &'a Target,
        credentials: &'a Credentials,
        shared: Arc<Shared>,
    ) -> Self {
        Self {
            handle,
            target,
            credentials,
            shared,
            offered: None,
            tried: Vec::new(),
            untried: 0,
            steps: 0,
            spent: HashSet::new(),
            key_problem: None,
            rsa_hash: None,
            asked: false,
        }
    }

    /// Tries everything that is allowed until the server is content. A server may want several methods, one after the other: each
    /// success on the way begins a new round with what it still wants.
    pub(crate) async fn run(&mut self) -> Result<(), ConnectErrorKind> {
        for _ in 0..MAX_STEPS {
            let steps = self.steps;
            if matches!(self.round().await?, Step::In) {
                return Ok(());
            }
            if self.steps == steps {
                break;
            }
        }
        Err(self.refused())
    }

    /// Tries every method in turn, up to a success that is not enough.
    async fn round(&mut self) -> Result<Step, ConnectErrorKind> {
        let steps = self.steps;
        for method in &self.target.auth_methods {
            if !matches!(method, AuthMethod::PublicKey) && matches!(self.ask_for_methods().await?, Step::In) {
                return Ok(Step::In);
            }
            if !self.may_try(*method) {
                continue;
            }
            let step = match method {
                AuthMethod::PublicKey => self.public_keys().await?,
                AuthMethod::KeyboardInteractive => self.keyboard_interactive().await?,
                AuthMethod::Password => self.password().await?,
            };
            if matches!(step, Step::In) || self.steps > steps {
                return Ok(step);
            }
        }
        self.ask_for_methods().await
    }

    /// Asks what the server would take, unless it has said so already. It may even want nothing.
    async fn ask_for_methods(&mut self) -> Result<Step, ConnectErrorKind> {
        if self.offered.is_some() {
            return Ok(Step::Refused);
        }
        let user = self.target.user.clone();
        let answer = timed(self.target.handshake_timeout, self.handle.authenticate_none(user)).await?;
        self.note(answer, None)
    }

    /// Is the method still possible, as far as the server has said?
    fn may_try(&self, method: AuthMethod) -> bool {
        let kind = match method {
            AuthMethod::PublicKey => MethodKind::PublicKey,
            AuthMethod::KeyboardInteractive => MethodKind::KeyboardInteractive,
            AuthMethod::Password => MethodKind::Password,
        };
        self.offered.as_ref().is_none_or(|offered| offered.contains(&kind))
    }

    fn refused(&mut self) -> ConnectErrorKind {
        if let (true, Some(problem)) = (self.tried.iter().all(|t| t.problem.is_some()), self.key_problem.take()) {
            // The only key that was asked for by name cannot be used: that is the reason.
            return problem;
        }
        let offered = self.offered.iter().flat_map(|o| o.iter()).map(String::from).collect();
        ConnectErrorKind::AuthRefused {
            user: self.target.user.clone(),
            offered,
            tried: std::mem::take(&mut self.tried),
            untried: self.untried,
        }
    }

    /// Takes an answer of the server into account.
    fn note(&mut self, answer: AuthResult, tried: Option<TriedLogin>) -> Result<Step, ConnectErrorKind> {
        match answer {
            AuthResult::Success => Ok(Step::In),
            AuthResult::Failure { remaining_methods, partial_success } => {
                if remaining_methods.is_empty() && self.handle.is_closed() {
                    self.tried.extend(tried);
                    return Err(self.hung_up());
                }
                let key = tried.as_ref().and_then(|tried| tried.fingerprint);
                if partial_success {
                    self.steps += 1;
                    self.spent.extend(key);
                } else {
                    // A key offered before its turn has not been judged.
                    self.spent.extend(key.filter(|_| remaining_methods.contains(&MethodKind::PublicKey)));
                    self.tried.extend(tried);
                }
                self.offered = Some(remaining_methods);
                Ok(Step::Refused)
            }
        }
    }

    /// The server ended the connection during the login.
    fn hung_up(&mut self) -> ConnectErrorKind {
        if self.tried.is_empty() {
            let reason = self.shared.reason().unwrap_or_else(|| "the server closed the connection".into());
            return ConnectErrorKind::Protocol(format!("the connection ended during the login: {reason}"));
        }
        self.refused()
    }

    // ---- keys

    async fn public_keys(&mut self) -> Result<Step, ConnectErrorKind> {
        let mut agent = Agent::connect(&self.target.agent, self.handle.agent_session_binding()).await;
        let candidates = self.candidates(agent.as_mut()).await;
        let (mut sent, steps) = (0, self.steps);
        for (index, candidate) in candidates.iter().enumerate() {
            if !self.may_try(AuthMethod::PublicKey) {
                break;
            }
            if sent == MAX_KEYS {
                self.untried = candidates.len() - index;
                break;
            }
            let step = match (candidate, agent.as_mut()) {
                (Candidate::Agent(identity), Some(agent)) => self.agent_key(identity, agent).await?,
                (Candidate::AgentCertificate(certificate, identity), Some(agent)) => {
                    self.agent_certificate(certificate, identity, agent).await?
                }
                (Candidate::Agent(_) | Candidate::AgentCertificate(..), None) => None,
                (Candidate::FileCertificate(certificate, file), _) => self.file_certificate(certificate, file).await?,
                (Candidate::File(file), _) => self.file_key(file).await?,
            };
            match step {
                Some(Step::In) => return Ok(Step::In),
                Some(Step::Refused) if self.steps > steps => return Ok(Step::Refused),
                Some(Step::Refused) => sent += 1,
                None => {}
            }
        }
        Ok(Step::Refused)
    }

    /// The keys in ssh's order: those of the agent that are configured, the agent's others, then files.
    async fn candidates(&mut self, agent: Option<&mut Agent>) -> Vec<Candidate> {
        let mut files = Vec::new();
        for identity in &self.target.identity_files {
            files.push(self.credentials.keys.load(&identity.path, identity.named).await);
        }
        for (index, text) in self.target.key_data.iter().enumerate() {
            files.push(KeyFile::from_text(index, text, self.target.passphrase.as_ref()));
        }
        let held = match agent {
            Some(agent) => agent.identities().await,
            None => Vec::new(),
        };
        let is_configured =
            |key: &PublicKey| files.iter().any(|f| f.public().is_some_and(|p| p.key_data() == key.key_data()));
        let (configured, others): (Vec<_>, Vec<_>) = held.into_iter().partition(|i| is_configured(&i.public_key()));
        let others = if self.target.identities_only { Vec::new() } else { others };
        let certificates = certificates(&self.target.certificate_files, &files);
        let certified = |key: &PublicKey| -> Vec<UserCertificate> {
            let fits = |c: &&UserCertificate| c.certificate.public_key() == key.key_data();
            certificates.iter().filter(fits).cloned().collect()
        };
        let mut seen = self.spent.clone();
        let mut candidates = Vec::new();
        for identity in configured.into_iter().chain(others) {
            // A certificate that the agent itself holds is an identity of its own.
            let is_certificate = matches!(identity, AgentIdentity::Certificate { .. });
            let key = identity.public_key().into_owned();
            if is_certificate || seen.insert(fingerprint(&key)) {
                if !is_certificate {
                    candidates.extend(
                        certified(&key).into_iter().map(|c| Candidate::AgentCertificate(c, Box::new(identity.clone()))),
                    );
                }
                candidates.push(Candidate::Agent(Box::new(identity)));
            }
        }
        for file in files {
            let known = file.public().cloned();
            if known.as_ref().is_none_or(|key| seen.insert(fingerprint(key))) {
                let certificates = known.as_ref().map(certified).unwrap_or_default();
                candidates.extend(certificates.into_iter().map(|c| Candidate::FileCertificate(c, file.clone())));
                candidates.push(Candidate::File(file));
            }
        }
        candidates
    }

    async fn agent_key(
        &mut self,
        identity: &AgentIdentity,
        agent: &mut Agent,
    ) -> Result<Option<Step>, ConnectErrorKind> {
        let key = identity.public_key().into_owned();
        let mut tried = tried_key(format!("agent {:?}", printable(identity.comment())), &key);
        let hash = self.hash_for(&key.algorithm()).await?;
        let deadline = self.target.handshake_timeout;
        let user = self.target.user.clone();
        let mut signer = agent.signer();
        let login = async {
            match identity {
                AgentIdentity::PublicKey { key, .. } => {
                    self.handle.authenticate_publickey_with(user, key.clone(), hash, &mut signer).await
                }
                AgentIdentity::Certificate { certificate, .. } => {
                    self.handle.authenticate_certificate_with(user, certificate.clone(), hash, &mut signer).await
                }
            }
        };
        // The agent may ask a person to confirm.
        let deadline = deadline.max(AGENT_DEADLINE);
        let answer = tokio::time::timeout(deadline, login).await.map_err(|_| login_timed_out(deadline))?;
        match answer {
            Ok(answer) => self.note(answer, Some(tried)).map(Some),
            Err(agent::SignError::Gone) => Err(self.hung_up()),
            Err(agent::SignError::Agent(problem)) => {
                tried.problem = Some(format!("the agent did not sign: {problem}"));
                self.tried.push(tried);
                Ok(None)
            }
        }
    }

    /// Shows a certificate and lets the agent sign with its key.
    async fn agent_certificate(
        &mut self,
        certificate: &UserCertificate,
        identity: &AgentIdentity,
        agent: &mut Agent,
    ) -> Result<Option<Step>, ConnectErrorKind> {
        let tried = tried_certificate(certificate);
        let hash = self.hash_for(&certificate.certificate.algorithm()).await?;
        let user = self.target.user.clone();
        let mut signer = agent.signer_with(identity.clone());
        let shown = Certificate::clone(&certificate.certificate);
        let login = self.handle.authenticate_certificate_with(user, shown, hash, &mut signer);
        let deadline = self.target.handshake_timeout.max(AGENT_DEADLINE);
        match tokio::time::timeout(deadline, login).await.map_err(|_| login_timed_out(deadline))? {
            Ok(answer) => self.note(answer, Some(tried)).map(Some),
            Err(agent::SignError::Gone) => Err(self.hung_up()),
            Err(agent::SignError::Agent(problem)) => {
                self.tried.push(TriedLogin { problem: Some(format!("the agent did not sign: {problem}")), ..tried });
                Ok(None)
            }
        }
    }

    /// Shows a certificate and signs with the key of a file.
    async fn file_certificate(
        &mut self,
        certificate: &UserCertificate,
        file: &KeyFile,
    ) -> Result<Option<Step>, ConnectErrorKind> {
        let key = match &file.content {
            Content::Open(key) => Arc::clone(key),
            Content::Encrypted(_) => {
                self.asked = true;
                let (known, person) = (self.target.passphrase.as_ref(), !self.target.batch_mode);
                let keys = &self.credentials.keys;
                match keys.decrypt(&file.path, known, &self.credentials.answers, person).await {
                    Ok(key) => key,
                    // The plain key comes next and says what is wrong.
                    Err(_) => return Ok(None),
                }
            }
            Content::PublicOnly(_) | Content::Problem(_) => return Ok(None),
        };
        let shown = Certificate::clone(&certificate.certificate);
        let hash = self.hash_for(&key.algorithm()).await?;
        let mut signer = FileSigner { key, hash };
        let deadline = self.target.handshake_timeout;
        let user = self.target.user.clone();
        let login = self.handle.authenticate_certificate_with(user, shown, hash, &mut signer);
        let tried = tried_certificate(certificate);
        match tokio::time::timeout(deadline, login).await.map_err(|_| login_timed_out(deadline))? {
            Ok(answer) => self.note(answer, Some(tried)).map(Some),
            Err(agent::SignError::Gone) => Err(self.hung_up()),
            Err(agent::SignError::Agent(problem)) => {
                self.tried.push(TriedLogin { problem: Some(problem), ..tried });
                Ok(None)
            }
        }
    }

    async fn file_key(&mut self, file: &KeyFile) -> Result<Option<Step>, ConnectErrorKind> {
        match &file.content {
            Content::Open(key) => self.open_key(file, key).await.map(Some),
            Content::Encrypted(public) => self.encrypted_key(file, public.as_ref()).await,
            Content::PublicOnly(_) => Ok(None),
            Content::Problem(KeyFileProblem::Missing) if !file.named => Ok(None),
            Content::Problem(problem) => {
                self.unusable(file, problem.clone());
                Ok(None)
            }
        }
    }

    async fn open_key(&mut self, file: &KeyFile, key: &Arc<PrivateKey>) -> Result<Step, ConnectErrorKind> {
        let tried = tried_key(file.path.display().to_string(), key.public_key());
        let hash = self.hash_for(&key.algorithm()).await?;
        let key = PrivateKeyWithHashAlg::new(Arc::clone(key), hash);
        let user = self.target.user.clone();
        let answer = timed(self.target.handshake_timeout, self.handle.authenticate_publickey(user, key)).await?;
        self.note(answer, Some(tried))
    }

    /// Asks the server first whether it would take the key, so that nobody types a passphrase in vain.
    async fn encrypted_key(
        &mut self,
        file: &KeyFile,
        public: Option<&PublicKey>,
    ) -> Result<Option<Step>, ConnectErrorKind> {
        if let Some(public) = public {
            let hash = self.hash_for(&public.algorithm()).await?;
            let user = self.target.user.clone();
            let mut signer = ProbeSigner;
            let probe = self.handle.authenticate_publickey_with(user, public.clone(), hash, &mut signer);
            match tokio::time::timeout(self.target.handshake_timeout, probe).await {
                Ok(Err(Probed::Wanted)) => {}
                Ok(Err(Probed::Gone)) => return Err(self.hung_up()),
                Ok(Ok(answer)) => {
                    let tried = tried_key(file.path.display().to_string(), public);
                    return self.note(answer, Some(tried)).map(Some);
                }
                Err(_) => return Err(login_timed_out(self.target.handshake_timeout)),
            }
        }
        self.asked = true;
        let known = self.target.passphrase.as_ref();
        let person = !self.target.batch_mode;
        match self.credentials.keys.decrypt(&file.path, known, &self.credentials.answers, person).await {
            Ok(key) => self.open_key(file, &key).await.map(Some),
            Err(problem) => {
                self.unusable(file, problem);
                Ok(None)
            }
        }
    }

    fn unusable(&mut self, file: &KeyFile, problem: KeyFileProblem) {
        self.tried.push(TriedLogin {
            method: "publickey",
            source: file.path.display().to_string(),
            fingerprint: file.public().map(fingerprint),
            problem: Some(problem.to_string()),
        });
        if file.named && self.key_problem.is_none() {
            self.key_problem = Some(ConnectErrorKind::KeyFile { path: file.path.clone(), problem });
        }
    }

    /// The hash to sign with: for RSA the best that the server takes, never SHA-1.
    async fn hash_for(&mut self, algorithm: &Algorithm) -> Result<Option<HashAlg>, ConnectErrorKind> {
        if !matches!(algorithm, Algorithm::Rsa { .. }) {
            return Ok(None);
        }
        if self.rsa_hash.is_none() {
            let best = timed(self.target.handshake_timeout, self.handle.best_supported_rsa_hash()).await?;
            self.rsa_hash = Some(self.rsa_hash_of(best));
        }
        Ok(self.rsa_hash.flatten())
    }

    /// A server that does not say what it takes is either young enough for SHA-2 or so old that SHA-1 must be asked for
    /// (`PubkeyAcceptedAlgorithms +ssh-rsa`).
    fn rsa_hash_of(&self, announced: Option<Option<HashAlg>>) -> Option<HashAlg> {
        let wanted = &self.target.algorithms;
        let allowed = |hash: Option<HashAlg>| may_sign(wanted, &Algorithm::Rsa { hash });
        match announced {
            Some(hash) if allowed(hash) => hash,
            None if wanted.user_keys.is_some() && allowed(None) => None,
            _ if allowed(Some(HashAlg::Sha512)) => Some(HashAlg::Sha512),
            _ => Some(HashAlg::Sha256),
        }
    }

    // ---- passwords

    async fn password(&mut self) -> Result<Step, ConnectErrorKind> {
        let (mut generation, steps) = (0, self.steps);
        loop {
            let Some((password, given)) = self.next_password(generation).await else {
                return Ok(Step::Refused);
            };
            let user = self.target.user.clone();
            let login = self.handle.authenticate_password(user, password.expose());
            let answer = timed(self.target.handshake_timeout, login).await?;
            if matches!(self.note(answer, Some(tried_password("password")))?, Step::In) {
                self.password_accepted(given).await;
                return Ok(Step::In);
            }
            if self.steps > steps {
                self.password_accepted(given).await;
                return Ok(Step::Refused);
            }
            if self.target.password.is_some() || !self.may_try(AuthMethod::Password) {
                return Ok(Step::Refused);
            }
            generation = given;
        }
    }

    fn password_kind(&self) -> PromptKind {
        PromptKind::Password { user: self.target.user.clone() }
    }

    /// The password to try after the one of generation `refused`.
    async fn next_password(&mut self, refused: u32) -> Option<(crate::secret::Secret, u32)> {
        if let Some(password) = &self.target.password {
            return (refused == 0).then(|| (password.clone(), 1));
        }
        if refused >= self.target.password_prompts {
            return None;
        }
        self.asked = true;
        let question = format!("Password for user {}:", self.target.user);
        self.credentials.answers.get(&self.password_kind(), &question, refused, !self.target.batch_mode).await
    }

    async fn password_accepted(&self, generation: u32) {
        if self.target.password.is_none() && generation > 0 {
            self.credentials.answers.accepted(&self.password_kind(), generation).await;
        }
    }

    async fn keyboard_interactive(&mut self) -> Result<Step, ConnectErrorKind> {
        let deadline = self.target.handshake_timeout;
        let (mut generation, steps) = (0, self.steps);
        loop {
            let user = self.target.user.clone();
            let start = self.handle.authenticate_keyboard_interactive_start(user, None::<String>);
            let mut answer = timed(deadline, start).await?;
            let before = generation;
            for _ in 0..MAX_ROUNDS {
                let KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } = &answer else {
                    break;
                };
                let prompts: Vec<_> = prompts.iter().map(|p| (printable(&p.prompt), p.echo)).collect();
                let Some(responses) = self.responses(&prompts, before, &mut generation).await else {
                    return Ok(Step::Refused);
                };
                let respond = self.handle.authenticate_keyboard_interactive_respond(responses);
                answer = timed(deadline, respond).await?;
            }
            let answer = match answer {
                KeyboardInteractiveAuthResponse::Success => AuthResult::Success,
                KeyboardInteractiveAuthResponse::Failure { remaining_methods, partial_success } => {
                    AuthResult::Failure { remaining_methods, partial_success }
                }
                KeyboardInteractiveAuthResponse::InfoRequest { .. } => {
                    return Err(ConnectErrorKind::Protocol("the server asks questions without end".into()));
                }
            };
            if matches!(self.note(answer, Some(tried_password("keyboard-interactive")))?, Step::In) {
                self.password_accepted(generation).await;
                return Ok(Step::In);
            }
            if self.steps > steps {
                self.password_accepted(generation).await;
                return Ok(Step::Refused);
            }
            // Another round makes sense only if there may be another password.
            let again = generation > before && self.target.password.is_none();
            if !again || !self.may_try(AuthMethod::KeyboardInteractive) {
                return Ok(Step::Refused);
            }
        }
    }

    /// Answers a server's questions. The one for the password is answered from the group's password, others by a person.
    async fn responses(
        &mut self,
        prompts: &[(String, bool)],
        refused: u32,
        generation: &mut u32,
    ) -> Option<Vec<String>> {
        let mut responses = Vec::new();
        for (text, echo) in prompts {
            let lower = text.to_lowercase();
            let secret = if !echo && lower.contains("password") {
                let (secret, given) = self.next_password(refused).await?;
                *generation = given;
                secret
            } else {
                self.asked = true;
                self.credentials.answers.ask_once(&self.target.name, text, *echo, !self.target.batch_mode).await?
            };
            responses.push(secret.expose().to_owned());
        }
        Some(responses)
    }
}

fn tried_key(source: String, key: &PublicKey) -> TriedLogin {
    TriedLogin { method: "publickey", source, fingerprint: Some(fingerprint(key)), problem: None }
}

fn tried_certificate(certificate: &UserCertificate) -> TriedLogin {
    let shown = &certificate.certificate;
    let key = PublicKey::from(shown.public_key().clone());
    let id = printable(shown.key_id());
    tried_key(format!("certificate {} {id:?} serial {}", certificate.path.display(), shown.serial()), &key)
}

fn tried_password(method: &'static str) -> TriedLogin {
    TriedLogin { method, source: String::new(), fingerprint: None, problem: None }
}

fn fingerprint(key: &PublicKey) -> Fingerprint {
    Fingerprint::of_key(&key.to_bytes().unwrap_or_default())
}

fn login_timed_out(after: Duration) -> ConnectErrorKind {
    ConnectErrorKind::TimedOut { phase: ConnectPhase::Login, after }
}

/// An answer of the server within the deadline.
async fn timed<T>(
    deadline: Duration,
    answer: impl Future<Output = Result<T, russh::Error>>,
) -> Result<T, ConnectErrorKind> {
    match tokio::time::timeout(deadline, answer).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(russh::Error::SendError | russh::Error::RecvError | russh::Error::Disconnect)) => {
            Err(ConnectErrorKind::Protocol("the server closed the connection during the login".into()))
        }
        Ok(Err(error)) => Err(ConnectErrorKind::Protocol(error.to_string())),
        Err(_) => Err(login_timed_out(deadline)),
    }
}

/// Stops a login at the moment when the server asks for the signature: it would take the key.
struct ProbeSigner;

enum Probed {
    Wanted,
    Gone,
}

impl From<SendError> for Probed {
    fn from(_: SendError) -> Self {
        Self::Gone
    }
}

impl Signer for ProbeSigner {
    type Error = Probed;

    async fn auth_sign(&mut self, _: &AgentIdentity, _: Option<HashAlg>, _: Vec<u8>) -> Result<Vec<u8>, Probed> {
        Err(Probed::Wanted)
    }
}
