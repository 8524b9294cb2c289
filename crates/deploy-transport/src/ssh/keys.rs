//! Private key files: read once per process, decrypted once, asked for once.

use std::collections::HashMap;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use russh::keys::{self, Certificate, PrivateKey, PublicKey, decode_secret_key};
use tokio::sync::Mutex;

use crate::error::KeyFileProblem;
use crate::prompt::{Answers, PromptKind};
use crate::secret::Secret;

/// A key file as far as it can be used without a passphrase.
#[derive(Clone)]
pub(crate) struct KeyFile {
    pub(crate) path: PathBuf,
    pub(crate) named: bool,
    pub(crate) content: Content,
}

#[derive(Clone)]
pub(crate) enum Content {
    /// Ready to sign with.
    Open(Arc<PrivateKey>),
    /// Encrypted. The public half is known for the OpenSSH form and where a `.pub` file lies beside it.
    Encrypted(Option<PublicKey>),
    /// No private key here, but a `.pub` file: the agent may hold the other half.
    PublicOnly(PublicKey),
    /// Cannot be used.
    Problem(KeyFileProblem),
}

/// A certificate for one of the keys.
#[derive(Clone)]
pub(crate) struct UserCertificate {
    pub(crate) path: PathBuf,
    pub(crate) certificate: Arc<Certificate>,
}

/// The certificates of these files, and of those that lie beside the keys. What cannot be read is passed over, as ssh does.
pub(crate) fn certificates(named: &[PathBuf], keys: &[KeyFile]) -> Vec<UserCertificate> {
    let beside = keys.iter().map(|key| {
        let mut name = key.path.as_os_str().to_owned();
        name.push("-cert.pub");
        PathBuf::from(name)
    });
    let mut found: Vec<UserCertificate> = Vec::new();
    for path in named.iter().cloned().chain(beside) {
        match keys::load_openssh_certificate(&path) {
            Ok(certificate) if !found.iter().any(|have| *have.certificate == certificate) => {
                found.push(UserCertificate { path, certificate: Arc::new(certificate) });
            }
            Ok(_) => {}
            Err(error) => tracing::debug!(path = %path.display(), %error, "no certificate there"),
        }
    }
    found
}

impl KeyFile {
    /// A key that the recipe has as text.
    pub(crate) fn from_text(index: usize, text: &Secret, passphrase: Option<&Secret>) -> Self {
        let path = PathBuf::from(format!("key_data[{index}]"));
        let content = match decode_secret_key(text.expose(), passphrase.map(Secret::expose)) {
            Ok(key) => Content::Open(Arc::new(key)),
            Err(keys::Error::KeyIsEncrypted) => Content::Problem(KeyFileProblem::Encrypted),
            Err(_) if passphrase.is_some() => Content::Problem(KeyFileProblem::WrongPassphrase),
            Err(error) => Content::Problem(KeyFileProblem::Malformed(error.to_string())),
        };
        Self { path, named: true, content }
    }

    /// The public half, if it is known.
    pub(crate) fn public(&self) -> Option<&PublicKey> {
        match &self.content {
            Content::Open(key) => Some(key.public_key()),
            Content::Encrypted(public) => public.as_ref(),
            Content::PublicOnly(public) => Some(public),
            Content::Problem(_) => None,
        }
    }
}

/// All key files of this process.
#[derive(Default)]
pub(crate) struct KeyStore {
    files: Mutex<HashMap<PathBuf, Content>>,
    /// Decryption results, one lock per file so that other files do not wait for a person.
    decrypted: Mutex<HashMap<PathBuf, Arc<Mutex<Option<Decrypted>>>>>,
}

type Decrypted = Result<Arc<PrivateKey>, KeyFileProblem>;

impl KeyStore {
    /// Reads a key file, or remembers it.
    pub(crate) async fn load(&self, path: &Path, named: bool) -> KeyFile {
        let mut files = self.files.lock().await;
        let content = match files.get(path) {
            Some(content) => content.clone(),
            None => {
                let content = read(path);
                files.insert(path.to_owned(), content.clone());
                content
            }
        };
        KeyFile { path: path.to_owned(), named, content }
    }

    /// The private key of an encrypted file. Tries the passphrase that is known, then asks for it, at most once per process
    /// (three times if it is wrong).
    pub(crate) async fn decrypt(
        &self,
        path: &Path,
        known: Option<&Secret>,
        answers: &Answers,
        person: bool,
    ) -> Decrypted {
        let cell = self.decrypted.lock().await.entry(path.to_owned()).or_default().clone();
        let mut cell = cell.lock().await;
        if let Some(done) = cell.as_ref() {
            return done.clone();
        }
        let done = ask_and_decrypt(path, known, answers, person).await;
        if done.is_ok() || person {
            *cell = Some(done.clone());
        }
        done
    }
}

async fn ask_and_decrypt(path: &Path, known: Option<&Secret>, answers: &Answers, person: bool) -> Decrypted {
    let text = std::fs::read_to_string(path).map_err(|error| KeyFileProblem::Unreadable(error.to_string()))?;
    let kind = PromptKind::Passphrase { path: path.to_owned() };
    let question = format!("Passphrase for key {}:", path.display());
    let mut generation = 0;
    let mut problem = KeyFileProblem::Encrypted;
    if let Some(passphrase) = known {
        match decode(&text, passphrase.clone()).await {
            Some(key) => return Ok(key),
            None => problem = KeyFileProblem::WrongPassphrase,
        }
    }
    while let Some((passphrase, given)) = answers.get(&kind, &question, generation, person).await {
        if let Some(key) = decode(&text, passphrase).await {
            answers.accepted(&kind, given).await;
            return Ok(key);
        }
        generation = given;
        problem = KeyFileProblem::WrongPassphrase;
    }
    Err(problem)
}

async fn decode(text: &str, passphrase: Secret) -> Option<Arc<PrivateKey>> {
    let text = text.to_owned();
    // Key derivation is slow on purpose.
    let decoded = tokio::task::spawn_blocking(move || decode_secret_key(&text, Some(passphrase.expose()))).await;
    decoded.ok()?.ok().map(Arc::new)
}

fn read(path: &Path) -> Content {
    let beside = public_beside(path);
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            return match (beside, error.kind()) {
                (Some(public), _) => Content::PublicOnly(public),
                (None, io::ErrorKind::NotFound) => Content::Problem(KeyFileProblem::Missing),
                (None, _) => Content::Problem(KeyFileProblem::Unreadable(error.to_string())),
            };
        }
    };
    // `IdentityFile key.pub` names a key of the agent by its public half.
    if let Ok(public) = keys::load_public_key(path) {
        return Content::PublicOnly(public);
    }
    if let Some(mode) = too_open(path) {
        return Content::Problem(KeyFileProblem::TooOpen(mode));
    }
    match decode_secret_key(&text, None) {
        Ok(key) => Content::Open(Arc::new(key)),
        Err(keys::Error::KeyIsEncrypted) => Content::Encrypted(public_inside(&text).or(beside)),
        Err(_) if looks_encrypted(&text) => Content::Encrypted(beside),
        Err(error) => Content::Problem(KeyFileProblem::Malformed(error.to_string())),
    }
}

fn public_beside(path: &Path) -> Option<PublicKey> {
    let mut name = path.as_os_str().to_owned();
    name.push(".pub");
    keys::load_public_key(PathBuf::from(name)).ok()
}

/// The OpenSSH form carries the public half in clear.
fn public_inside(text: &str) -> Option<PublicKey> {
    PrivateKey::from_openssh(text).ok().map(|key| key.public_key().clone())
}

fn looks_encrypted(text: &str) -> bool {
    text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----") || text.contains("Proc-Type: 4,ENCRYPTED")
}

/// The mode of a file that others can read, as ssh refuses it.
fn too_open(path: &Path) -> Option<u32> {
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}
