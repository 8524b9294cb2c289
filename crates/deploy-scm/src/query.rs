//! Questions to a repository as data: the caller runs them on the deployer and hands back what came out.

use crate::Redacted;

/// What a query is for; decides how its answer is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum QueryKind {
    IsGit,
    IsSubversion,
    GitNamed,
    GitAll,
    GitLocal,
    GitHash,
    GitHolds,
    SvnInfo,
}

/// A read-only command for the deployer. Run it without a terminal and with an empty standard input unless one is
/// given.
#[derive(Clone, Debug)]
pub struct Query {
    /// Program and arguments. Never a secret.
    pub argv: Vec<String>,
    /// Environment to set.
    pub env: Vec<(String, String)>,
    /// Environment to set only where the deployer's own has no such variable.
    pub env_unless_set: Vec<(String, String)>,
    /// Environment with secrets.
    pub secret_env: Vec<(String, Redacted)>,
    /// What to write to standard input.
    pub stdin: Option<Redacted>,
    pub(crate) kind: QueryKind,
}

impl Query {
    pub(crate) fn git<'a>(kind: QueryKind, args: impl IntoIterator<Item = &'a str>) -> Self {
        Self::new(kind, &["git"], args, &[("GIT_TERMINAL_PROMPT", "0"), ("GIT_ASKPASS", "true")])
    }

    pub(crate) fn svn<'a>(kind: QueryKind, args: impl IntoIterator<Item = &'a str>) -> Self {
        Self::new(kind, &["svn", "--non-interactive"], args, &[])
    }

    fn new<'a>(
        kind: QueryKind,
        program: &[&'a str],
        args: impl IntoIterator<Item = &'a str>,
        env: &[(&str, &str)],
    ) -> Self {
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        // A prompt for a passphrase or an unknown host key would wait for an answer that nobody can see.
        let ssh = "ssh -o BatchMode=yes";
        Self {
            argv: program.iter().copied().chain(args).map(str::to_owned).collect(),
            env: [("LC_ALL", "C")].iter().chain(env).map(pair).collect(),
            env_unless_set: [("GIT_SSH_COMMAND", ssh), ("SVN_SSH", ssh)].iter().map(pair).collect(),
            secret_env: Vec::new(),
            stdin: None,
            kind,
        }
    }

    /// A shell text of ours with these arguments; what it starts gets the same environment.
    pub(crate) fn script<'a>(kind: QueryKind, text: &'a str, args: impl IntoIterator<Item = &'a str>) -> Self {
        let mut query = Self::git(kind, []);
        query.argv = ["sh", "-c", text, "sh"].into_iter().chain(args).map(str::to_owned).collect();
        query
    }

    /// Names the user and the password to the repository: to git by a helper whose text has no secret, to svn on its
    /// standard input.
    pub(crate) fn with_login(mut self, user: Option<&str>, password: Option<&Redacted>) -> Self {
        let svn = matches!(self.kind, QueryKind::IsSubversion | QueryKind::SvnInfo);
        if let (true, Some(user)) = (svn, user) {
            self.argv.extend(["--username".to_owned(), user.to_owned()]);
        }
        let Some(password) = password else { return self };
        if svn {
            self.argv.extend(["--password-from-stdin", "--no-auth-cache"].map(str::to_owned));
            self.stdin = Some(password.clone());
        } else {
            let helper = format!("credential.helper={}", crate::host::CREDENTIAL_HELPER_ENV);
            // No other helper: one of the person's own would keep the recipe's password.
            let words = ["-c", "credential.helper=", "-c", &helper].map(str::to_owned);
            self.argv.splice(1..1, words);
            self.secret_env.push(("CAPSTAN_SCM_PASSWORD".to_owned(), password.clone()));
            self.env.push(("CAPSTAN_SCM_USER".to_owned(), user.unwrap_or_default().to_owned()));
        }
        self
    }

    /// Which program must be there.
    #[must_use]
    pub fn program(&self) -> &str {
        self.argv.first().map_or("", String::as_str)
    }
}

/// What came out of a query.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueryOutput {
    /// The exit code; none when the program was killed or could not be started.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error; for a program that could not be started, the reason.
    pub stderr: Vec<u8>,
}

impl QueryOutput {
    /// Whether the program succeeded.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.code == Some(0)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// What the program said went wrong: the verdict first, then the lines that led to it, on one line, without the secret.
    pub(crate) fn complaint(&self, secret: Option<&Redacted>) -> String {
        let text = complaint(&self.stderr);
        match (text.is_empty(), secret) {
            (true, _) => self.code.map_or_else(|| "it was killed".to_owned(), |code| format!("exit status {code}")),
            (false, Some(secret)) => secret.scrub(&text),
            (false, None) => text,
        }
    }
}

/// What git says in every case, whatever the cause, and what is no cause.
fn is_advice(line: &str) -> bool {
    [
        "Please make sure you have the correct access rights",
        "and the repository exists.",
        "hint:",
        "Warning: Permanently added",
        // How to call ssh otherwise than we do.
        "svn: E210002: To better debug SSH",
    ]
    .iter()
    .any(|advice| line.starts_with(advice))
}

/// What a client said went wrong, on one line: the verdict first, then the lines that led to it.
#[must_use]
pub fn complaint(stderr: &[u8]) -> String {
    let stderr = String::from_utf8_lossy(stderr);
    let lines: Vec<&str> = stderr.lines().map(str::trim).filter(|line| !line.is_empty() && !is_advice(line)).collect();
    let (verdict, rest): (Vec<&str>, Vec<&str>) = lines.into_iter().partition(|line| line.starts_with("fatal:"));
    let rest = rest.get(rest.len().saturating_sub(6)..).unwrap_or_default();
    let mut said: Vec<&str> = Vec::new();
    for line in verdict.into_iter().take(2).chain(rest.iter().copied()) {
        if !said.contains(&line) {
            said.push(line);
        }
    }
    said.join("; ").chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}
