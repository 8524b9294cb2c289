//! The repository: which system, which revision, how it comes to the hosts. Read on the deployer before any host is
//! asked.

use std::rc::Rc;

use deploy_plan::{Layout, Op, Problem, ProblemKind, RemotePath, Site};
use deploy_ruby::{Call, Command, CommandLine, Stderr, Value};
use deploy_scm::{
    Detection, HostSide, LocalDirectory, Query, QueryOutput, Redacted, RepositoryUrl, Resolution, Resolver, ScmError,
    ScmKind, Source, Strategy, Submodules, Transport, decide, detect,
};

use crate::v2::Cap;
use crate::v2::command::typed;
use crate::v2::convert::{R, fail, names};

/// A revision that was resolved once for all hosts, with all that is needed to get it.
#[derive(Clone)]
pub(crate) struct Pinned {
    pub source: Source,
    pub strategy: Strategy,
    pub exclude: Vec<String>,
    pub pinned: deploy_scm::Pinned,
}

/// Which kind of problem an error is.
fn kind_of(error: &ScmError) -> ProblemKind {
    match error {
        ScmError::Unsupported { .. } => ProblemKind::Unsupported,
        ScmError::Character { .. }
        | ScmError::Form { .. }
        | ScmError::Name(_)
        | ScmError::NotFound { .. }
        | ScmError::Ambiguous { .. } => ProblemKind::Usage,
        _ => ProblemKind::Scm,
    }
}

/// What to do about an error; `give` says how a variable is given a value.
fn next_of(
    error: &ScmError,
    variable: &str,
    source: Option<&Source>,
    give: impl Fn(&str, &str) -> String,
) -> Option<String> {
    let url = source.map(|source| typed(&source.url.to_string())).unwrap_or_default();
    let port = source.is_some_and(|source| {
        source.url.transport() == Transport::SvnSsh && source.url.ssh_host().is_some_and(|(_, port)| port.is_some())
    });
    let is_subversion = source.is_some_and(|source| source.kind == ScmKind::Subversion);
    match error {
        ScmError::Unsupported { option: "deploy_via", .. } => Some(give("deploy_via", ":remote_cache")),
        ScmError::Unsupported { option: "scm", .. } => {
            Some(format!("{}, or the same with subversion", give("scm", ":git")))
        }
        ScmError::NotFound { .. } | ScmError::Form { what: "revision", .. } if is_subversion => Some(format!(
            "name a revision that the repository has (`svn log {url}` lists them), or leave :revision out"
        )),
        // Names of commits by their place in the history, as git has them in a clone.
        ScmError::Character { what: "revision", found: '^' | '~' | '@', text, .. } => Some(format!(
            "name a branch, a tag or a commit; which commit {text} is only a clone knows, where `git rev-parse {}` prints it",
            typed(text)
        )),
        ScmError::Character { what: "revision", .. } | ScmError::Form { what: "revision", .. } => {
            Some(format!("name a branch, a tag or a commit: {}", give(variable, "\"main\"")))
        }
        ScmError::Character { what: "repository", .. } | ScmError::Form { what: "repository", .. } => {
            Some(format!("{} or another address", give(variable, "\"git@git.example.com:my_shop.git\"")))
        }
        ScmError::Unreachable { .. } if port => {
            let next = "take the port out of the address, in which Subversion knows none, and name it in ~/.ssh/config, on \
                        this machine and on the hosts";
            Some(next.to_owned())
        }
        // It was asked before the system was known.
        ScmError::Unreachable { .. } if source.is_none() => {
            let next = "check the address in :repository, and whether this machine reaches it and may read it";
            Some(next.to_owned())
        }
        ScmError::Unreachable { .. } => Some(match source.map(|source| source.kind) {
            Some(ScmKind::Git) => format!("try on this machine: git ls-remote {url}"),
            _ => format!("try on this machine: svn info {url}"),
        }),
        ScmError::Undecided { .. } => Some("say which it is: set :scm, :git or set :scm, :subversion".to_owned()),
        ScmError::MissingProgram { program } => Some(format!("install {program} on this machine")),
        ScmError::NotFound { wanted, .. } if is_short_hash(wanted) => Some(format!(
            "if it is the beginning of a commit's name, all 40 characters are wanted: `git rev-parse {wanted}` in a clone \
             prints them, and so does `cat current/REVISION` on a host that runs it"
        )),
        ScmError::NotFound { .. } => {
            Some(format!("name a branch, a tag or a commit that the repository has: `git ls-remote {url}` lists them"))
        }
        _ => None,
    }
}

/// The form in which tables print a commit.
fn is_short_hash(text: &str) -> bool {
    (7..40).contains(&text.len()) && text.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c))
}

impl Cap {
    pub fn scm_problem(&self, what: &str, error: &ScmError, variable: &str, source: Option<&Source>) -> Problem {
        // The setting at fault, not the one that led to the question.
        let variable = match error {
            ScmError::Unreachable { .. } | ScmError::Undecided { .. } | ScmError::Answer { .. } => {
                if self.set_at("local_repository").is_some() { "local_repository" } else { "repository" }
            }
            ScmError::MissingProgram { .. } => "scm_command",
            // What is not supported may be another variable than the one that is being read.
            ScmError::Unsupported { option, .. } if self.set_at(option).is_some() => option,
            _ => variable,
        };
        let mut problem = Problem::new(kind_of(error), what, error.to_string()).at(self.set_at(variable));
        problem.task = self.current_task().map(|task| task.full_name());
        problem.next = next_of(error, variable, source, |name, value| self.give(name, value));
        problem
    }

    /// Where a variable was set.
    pub fn set_at(&self, variable: &str) -> Option<Site> {
        self.variables.borrow().site(variable)
    }

    /// The repository with the recipe's settings.
    pub async fn scm_source(self: &Rc<Self>, call: &Call) -> R<Source> {
        let text = self.need(call, "repository").await?;
        let parsed = RepositoryUrl::parse(&text);
        let bad = |error: &ScmError, variable: &str| {
            fail(call, self.scm_problem("read the repository's address", error, variable, None))
        };
        let url = parsed.map_err(|error| bad(&error, "repository"))?;
        let kind = self.scm_kind(call, &url).await?;
        let mut source = Source::new(kind, url);
        self.scm_options(call, &mut source).await?;
        Ok(source)
    }

    async fn scm_kind(self: &Rc<Self>, call: &Call, url: &RepositoryUrl) -> R<ScmKind> {
        let what = "find out the source code management system";
        if self.variables.borrow().is_own("scm")
            && let Some(name) = self.get(call, "scm").await?.as_name()
        {
            let kind = ScmKind::from_setting(&name);
            return kind.map_err(|error| fail(call, self.scm_problem(what, &error, "scm", None)));
        }
        let queries = match detect(url) {
            Detection::Known(kind) => return Ok(kind),
            Detection::Ask(queries) => queries,
        };
        let mut answers = Vec::new();
        for query in &queries {
            answers.push(self.query(call, query, None).await);
        }
        let effects = call.interp().effects().clone();
        let local = LocalDirectory {
            git: effects.stat(call, ".git", true).await.is_ok(),
            svn: effects.stat(call, ".svn", true).await.is_ok(),
        };
        decide(url, &answers, local).map_err(|error| fail(call, self.scm_problem(what, &error, "repository", None)))
    }

    async fn scm_options(self: &Rc<Self>, call: &Call, source: &mut Source) -> R<()> {
        let words =
            |text: Option<String>| text.map(|text| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        let own_name = if source.kind == ScmKind::Git { "git" } else { "svn" };
        for variable in ["scm_command", own_name] {
            if let Some(program) = words(self.own_text(call, variable).await?) {
                source.local_program.clone_from(&program);
                source.program = program;
                break;
            }
        }
        if let Some(program) = words(self.own_text(call, "local_scm_command").await?)
            && program.first().is_some_and(|word| word != ":default")
        {
            source.local_program = program;
        }
        if let Some(arguments) = words(self.own_text(call, "scm_arguments").await?) {
            source.arguments = arguments;
        }
        self.scm_login(call, source).await?;
        source.auth_cache = self.flag(call, "scm_auth_cache", false).await?;
        source.verbose = self.flag(call, "scm_verbose", false).await?;
        if let Some(remote) = self.own_text(call, "remote").await? {
            source.remote = remote;
        }
        if self.flag(call, "git_shallow_clone", false).await? {
            let depth = self.get(call, "git_shallow_clone").await?;
            source.depth = Some(depth.as_int().and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0).unwrap_or(1));
        }
        if self.flag(call, "git_enable_submodules", false).await? {
            let deep = self.flag(call, "git_submodules_recursive", true).await?;
            source.submodules = if deep { Submodules::Recursive } else { Submodules::TopLevel };
        }
        Ok(())
    }

    /// `scm_username` and `scm_password`, where the way to the repository can carry them.
    async fn scm_login(self: &Rc<Self>, call: &Call, source: &mut Source) -> R<()> {
        if source.kind == ScmKind::Subversion || source.url.transport() == Transport::Http {
            source.username = self.text(call, "scm_username").await?;
            if source.password.is_none() && source.url.transport() != Transport::SvnSsh {
                source.password = self.text(call, "scm_password").await?.map(Redacted::new);
            }
        }
        for (variable, used) in
            [("scm_username", source.username.is_some()), ("scm_password", source.password.is_some())]
        {
            let set = self.variables.borrow().is_own(variable);
            if set && !used {
                let text = format!("the variable :{variable} has no effect: {} has no login by password", source.url);
                self.warn_at(self.set_at(variable), &text);
            }
        }
        if let Some(password) = &source.password {
            self.local_effects(call).keep_secret(password.reveal());
        }
        Ok(())
    }

    /// The text of a variable that the recipe itself has set.
    async fn own_text(self: &Rc<Self>, call: &Call, variable: &str) -> R<Option<String>> {
        if self.variables.borrow().is_own(variable) { self.text(call, variable).await } else { Ok(None) }
    }

    /// The head that is deployed when the recipe names no revision.
    pub async fn scm_head(self: &Rc<Self>, call: &Call) -> R<String> {
        let source = self.scm_source(call).await?;
        self.refuse_empty(call, "branch", &self.get(call, "branch").await?)?;
        let branch = self.text(call, "branch").await?;
        Ok(match (source.kind, branch) {
            (ScmKind::Git, Some(branch)) => branch,
            (_, Some(branch)) => {
                self.refuse_stranger(call, "branch", &branch)?;
                self.note(format!(
                    "warning: the branch {branch:?} is ignored: with Subversion the repository's address names the branch"
                ));
                "HEAD".to_owned()
            }
            (_, None) => "HEAD".to_owned(),
        })
    }

    /// The revision of this run: resolved at the first call, the same ever after.
    pub async fn pinned(self: &Rc<Self>, call: &Call) -> R<Pinned> {
        if let Some(pinned) = self.flow.borrow().pinned.clone() {
            return Ok(pinned);
        }
        if self.is_three() {
            let pinned = self.pin3(call).await?;
            self.flow.borrow_mut().pinned = Some(pinned.clone());
            return Ok(pinned);
        }
        let strategy = self.strategy(call).await?;
        let source = self.scm_source(call).await?;
        let fixed = self.flow.borrow().revision.as_ref().map(ToString::to_string);
        let wanted = match fixed {
            Some(revision) => revision,
            None => self.need(call, "revision").await?,
        };
        let variable = if self.variables.borrow().is_own("revision") { "revision" } else { "branch" };
        self.refuse_stranger(call, variable, &wanted)?;
        let pinned = self.resolve(call, &source, &wanted).await?;
        if let Some(why) = &pinned.unverified {
            self.note(format!(
                "whether the repository has the commit {} shows on the hosts; asked from this machine: {why}",
                pinned.revision.short()
            ));
        }
        let exclude = names(&self.get(call, "copy_exclude").await?);
        let pinned = Pinned { source, strategy, exclude, pinned };
        self.flow.borrow_mut().pinned = Some(pinned.clone());
        Ok(pinned)
    }

    /// How the files come to the hosts.
    pub async fn strategy(self: &Rc<Self>, call: &Call) -> R<Strategy> {
        let via = self.get(call, "deploy_via").await?;
        let name = via.as_name().unwrap_or_else(|| via.to_s());
        let what = "choose how the code comes to the hosts";
        Strategy::from_setting(&name).map_err(|error| fail(call, self.scm_problem(what, &error, "deploy_via", None)))
    }

    /// Resolves a name, question by question, on the deployer.
    pub async fn resolve(self: &Rc<Self>, call: &Call, source: &Source, wanted: &str) -> R<deploy_scm::Pinned> {
        let what = format!("find the revision {wanted:?}");
        let variable = if self.variables.borrow().is_own("revision") { "revision" } else { "branch" };
        let variable = match self.variables.borrow().is_own(variable) {
            true => variable,
            false if self.is_three() => "repo_url",
            false => "repository",
        };
        let local = match self.own_text(call, "local_repository").await? {
            Some(text) => match RepositoryUrl::parse(&text) {
                Ok(url) => Source { url, ..source.clone() },
                Err(error) => return Err(fail(call, self.scm_problem(&what, &error, "local_repository", None))),
            },
            None => source.clone(),
        };
        let problem = |error: ScmError| fail(call, self.scm_problem(&what, &error, variable, Some(&local)));
        let (mut resolver, mut state) = Resolver::start(&local, wanted).map_err(&problem)?;
        loop {
            match state {
                Resolution::Pinned(pinned) => return Ok(pinned),
                Resolution::Ask(query) => {
                    let output = self.query(call, &query, Some(&local)).await;
                    state = resolver.answer(&query, &output).map_err(&problem)?;
                }
            }
        }
    }

    /// Runs a query on the deployer. It changes nothing, so it need not wait for the flow.
    async fn query(self: &Rc<Self>, call: &Call, query: &Query, source: Option<&Source>) -> QueryOutput {
        let effects = self.local_effects(call);
        let mut argv = query.argv.clone();
        if let (Some(source), Some(first)) = (source, argv.first().cloned())
            && first == source.kind.program()
        {
            argv.splice(0..1, source.local_program.iter().cloned());
        }
        let set = |(name, value): &(String, String)| (name.clone(), Some(value.clone()));
        let unset = |pair: &&(String, String)| effects.env(&pair.0).is_none();
        let secret = |(name, value): &(String, Redacted)| (name.clone(), Some(value.reveal().to_owned()));
        let env = query.env.iter().map(set);
        let env =
            env.chain(query.env_unless_set.iter().filter(unset).map(set)).chain(query.secret_env.iter().map(secret));
        let stdin = query.stdin.as_ref().map(|text| text.reveal().as_bytes().to_vec()).unwrap_or_default();
        let command = Command {
            line: CommandLine::Argv(argv),
            env: env.collect(),
            dir: None,
            stdin: Some(stdin),
            capture: true,
            stderr: Stderr::Capture,
        };
        match effects.run(call, command).await {
            Ok(finished) => QueryOutput { code: finished.status, stdout: finished.stdout, stderr: finished.stderr },
            Err(error) => QueryOutput { code: None, stdout: Vec::new(), stderr: error.to_string().into_bytes() },
        }
    }

    /// Where a host keeps the repository (`:repository_cache`).
    pub async fn repository_cache(self: &Rc<Self>, call: &Call, layout: &Layout) -> R<RemotePath> {
        let name = self.own_text(call, "repository_cache").await?.unwrap_or_else(|| "cached-copy".to_owned());
        self.refuse_cache_outside(call, &name)?;
        let cache = match RemotePath::new(&name) {
            Ok(path) if name.starts_with(['/', '~']) => path,
            _ => layout.shared.join(&name),
        };
        self.refuse_cache_among_releases(call, &cache, layout)?;
        Ok(cache)
    }

    /// Refuses a cache in a place that has a meaning of its own: it would be replaced there by the repository's files.
    fn refuse_cache_among_releases(&self, call: &Call, cache: &RemotePath, layout: &Layout) -> R<()> {
        let cache = plain(cache);
        let is_in = |place: &RemotePath| cache.starts_with(&plain(place));
        let holds = |place: &RemotePath| plain(place).starts_with(&cache);
        let why = if is_in(&layout.current) {
            format!("it runs through {}, the link to the live release", layout.current)
        } else if is_in(&layout.releases) {
            format!("it is among the releases in {}", layout.releases)
        } else if is_in(&layout.state()) {
            format!("it is in {}, where a deploy keeps its own records", layout.state())
        } else if let Some(place) =
            [&layout.shared, &layout.releases, &layout.current, &layout.state()].into_iter().find(|place| holds(place))
        {
            format!("{place} would be in it, or be the cache itself")
        } else {
            return Ok(());
        };
        let problem = Problem::new(ProblemKind::Usage, "read the variable `repository_cache'", why)
            .next("name a directory inside `shared', e.g. \"cached-copy\", or one of its own elsewhere");
        Err(fail(call, problem.at(self.set_at("repository_cache"))))
    }

    /// Refuses a `repository_cache` that leaves `shared`, which it is relative to.
    pub fn refuse_cache_outside(&self, call: &Call, name: &str) -> R<()> {
        if name.starts_with(['/', '~']) || !name.split('/').any(|part| part == "..") {
            return Ok(());
        }
        let why = format!("{name:?} leaves the directory `shared', which it is relative to");
        let problem = Problem::new(ProblemKind::Usage, "read the variable `repository_cache'", why)
            .next("name a directory inside `shared', e.g. \"cached-copy\", or an absolute path");
        Err(fail(call, problem.at(self.set_at("repository_cache"))))
    }

    /// The ops that bring the code into a release.
    pub async fn checkout_ops(
        self: &Rc<Self>,
        call: &Call,
        pinned: &Pinned,
        release: RemotePath,
        layout: &Layout,
    ) -> R<Vec<Op>> {
        let cache = self.repository_cache(call, layout).await?;
        let mut side = HostSide::new(pinned.strategy, release, cache, layout.state());
        side.exclude.clone_from(&pinned.exclude);
        side.known_hosts = self.known_hosts(call, &pinned.source).await;
        let mut before = Vec::new();
        if let Some(password) = &pinned.source.password {
            // As an op of its own it is in no list of processes and in no plan; the checkout removes it at its end.
            let path = side.run_dir.join("scm-password");
            before.push(Op::WriteFile { path: path.clone(), content: password.reveal().to_owned(), mode: Some(0o600) });
            side.secret_file = Some(path);
        }
        let ops = pinned.source.host_ops(&pinned.pinned, &side);
        let what = "prepare the checkout";
        let ops =
            ops.map_err(|error| fail(call, self.scm_problem(what, &error, "repository", Some(&pinned.source))))?;
        Ok(before.into_iter().chain(ops).collect())
    }

    /// The lines of `known_hosts` by which this machine trusts the repository's host.
    pub async fn known_hosts(self: &Rc<Self>, call: &Call, source: &Source) -> Vec<String> {
        let Some((host, port)) = source.url.ssh_host() else { return Vec::new() };
        let name = match port {
            Some(port) if port != 22 => format!("[{host}]:{port}"),
            _ => host.to_owned(),
        };
        // Where the address has none, the hosts' own ssh_config may name one.
        let any_port = port.is_none();
        let effects = self.local_effects(call);
        let home = effects.env("HOME").unwrap_or_default();
        let mut lines: Vec<String> = Vec::new();
        for file in [format!("{home}/.ssh/known_hosts"), "/etc/ssh/ssh_known_hosts".to_owned()] {
            let Ok(bytes) = effects.read(call, &file).await else { continue };
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let plain = text.lines().filter(|line| is_for(line, &name, any_port)).map(str::to_owned);
            lines.extend(plain);
            if text.lines().any(|line| line.starts_with("|1|")) {
                lines.extend(self.hashed_lines(call, &file, &name).await);
            }
        }
        lines.dedup();
        lines
    }

    /// Lines whose names are hashed; the tool that made the hashes finds them.
    async fn hashed_lines(self: &Rc<Self>, call: &Call, file: &str, name: &str) -> Vec<String> {
        let argv = ["ssh-keygen", "-F", name, "-f", file].map(str::to_owned).to_vec();
        let command = Command {
            line: CommandLine::Argv(argv),
            env: Vec::new(),
            dir: None,
            stdin: Some(Vec::new()),
            capture: true,
            stderr: Stderr::Capture,
        };
        let Ok(finished) = self.local_effects(call).run(call, command).await else { return Vec::new() };
        let text = String::from_utf8_lossy(&finished.stdout).into_owned();
        text.lines().filter(|line| line.starts_with("|1|")).map(str::to_owned).collect()
    }

    /// `:git`, `:subversion`: what `scm` reads as.
    pub async fn scm_word(self: &Rc<Self>, call: &Call) -> R {
        let source = self.scm_source(call).await?;
        Ok(Value::sym(if source.kind == ScmKind::Git { "git" } else { "subversion" }))
    }
}

/// The parts of a path with what `..` undoes taken out, as far as that shows in the text.
fn plain(path: &RemotePath) -> Vec<String> {
    let mut parts = vec![if path.is_below_home() { "~" } else { "" }.to_owned()];
    for part in path.rest().split('/').filter(|part| !part.is_empty()) {
        match part {
            ".." if parts.len() > 1 => drop(parts.pop()),
            part => parts.push(part.to_owned()),
        }
    }
    parts
}

/// Whether a plain line of `known_hosts` names the host; on another port than 22 too, if any will do.
fn is_for(line: &str, name: &str, any_port: bool) -> bool {
    let line = line.trim();
    if line.is_empty() || line.starts_with(['#', '|']) {
        return false;
    }
    let mut fields = line.split_whitespace();
    let first = fields.next().unwrap_or_default();
    let names = if first.starts_with('@') { fields.next().unwrap_or_default() } else { first };
    let host = |known: &str| known.strip_prefix('[').and_then(|rest| Some(rest.split_once("]:")?.0.to_owned()));
    names.split(',').any(|known| {
        known.eq_ignore_ascii_case(name)
            || (any_port && host(known).is_some_and(|host| host.eq_ignore_ascii_case(name)))
    })
}

#[cfg(test)]
mod tests {
    use super::is_for;

    #[test]
    fn plain_lines() {
        for (line, is) in [
            ("git.example.com ssh-ed25519 AAAA", true),
            ("other,git.example.com,10.0.0.1 ssh-rsa AAAA", true),
            ("@cert-authority git.example.com ssh-rsa AAAA", true),
            ("[git.example.com]:2222 ssh-rsa AAAA", false),
            ("# git.example.com", false),
            ("|1|x|y ssh-rsa AAAA", false),
            ("", false),
        ] {
            assert_eq!(is_for(line, "git.example.com", false), is, "{line}");
        }
        assert!(is_for("[git.example.com]:2222 ssh-rsa AAAA", "[git.example.com]:2222", false));
        assert!(is_for("other,[git.example.com]:2222 ssh-rsa AAAA", "git.example.com", true));
        assert!(!is_for("[other.example.com]:2222 ssh-rsa AAAA", "git.example.com", true));
    }
}
