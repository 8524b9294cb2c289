//! A repository with everything that a recipe says about how to use it.

use crate::{Redacted, RepositoryUrl, ScmError, ScmKind, Strategy};

/// What happens to submodules of a git repository.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Submodules {
    /// Their directories stay empty.
    #[default]
    None,
    /// Those of the repository itself are checked out.
    TopLevel,
    /// Those of submodules too.
    Recursive,
}

/// A repository and how to use it. Make one by [`Source::new`] and set the fields that the recipe sets.
#[derive(Clone, Debug)]
pub struct Source {
    /// The system.
    pub kind: ScmKind,
    /// The address.
    pub url: RepositoryUrl,
    /// The address by which the deployer reaches it, where that is another one (`:local_repository`).
    pub local_url: Option<RepositoryUrl>,
    /// The client program on the hosts, with leading arguments (`:scm_command`).
    pub program: Vec<String>,
    /// The client program on the deployer (`:local_scm_command`).
    pub local_program: Vec<String>,
    /// Arguments for each Subversion command (`:scm_arguments`).
    pub arguments: Vec<String>,
    /// `:scm_username`.
    pub username: Option<String>,
    /// `:scm_password`, unless the address holds one.
    pub password: Option<Redacted>,
    /// Whether svn may store the password on the hosts (`:scm_auth_cache`).
    pub auth_cache: bool,
    /// What the clone calls the repository (`:remote`).
    pub remote: String,
    /// How many commits a fresh clone fetches (`:git_shallow_clone`).
    pub depth: Option<u32>,
    /// `:git_enable_submodules` and `:git_submodules_recursive`.
    pub submodules: Submodules,
    /// Whether the client tells its progress (`:scm_verbose`).
    pub verbose: bool,
}

impl Source {
    /// A repository without any special setting.
    #[must_use]
    pub fn new(kind: ScmKind, url: RepositoryUrl) -> Self {
        Self {
            kind,
            password: url.password().cloned(),
            username: None,
            url,
            local_url: None,
            program: vec![kind.program().to_owned()],
            local_program: vec![kind.program().to_owned()],
            arguments: Vec::new(),
            auth_cache: false,
            remote: "origin".to_owned(),
            depth: None,
            submodules: Submodules::None,
            verbose: false,
        }
    }

    /// The address for the deployer's own queries.
    pub(crate) fn query_url(&self) -> &RepositoryUrl {
        self.local_url.as_ref().unwrap_or(&self.url)
    }

    /// The user to name to the repository, where that is not part of the address.
    pub(crate) fn login(&self) -> Option<&str> {
        self.username.as_deref().or_else(|| self.url.user().filter(|_| self.password.is_some()))
    }

    /// Checks the settings that become arguments.
    pub(crate) fn check(&self) -> Result<(), ScmError> {
        let form =
            |text: &str, why: &str| ScmError::Form { what: "setting", text: text.to_owned(), why: why.to_owned() };
        crate::reference::check_git(&self.remote)
            .map_err(|_| form(&self.remote, "is no name for a remote repository (:remote)"))?;
        if let Some(user) = &self.username
            && (user.starts_with('-') || user.chars().any(char::is_control))
        {
            return Err(form(user, "is no user name (:scm_username)"));
        }
        if self.program.is_empty() || self.local_program.is_empty() {
            return Err(form("", "is no program (:scm_command)"));
        }
        let words = self.program.iter().chain(&self.local_program).chain(&self.arguments);
        match words.into_iter().find(|word| word.contains('\0')) {
            Some(word) => Err(form(word, "has a NUL in it")),
            None => Ok(()),
        }
    }

    /// The programs that a host needs for this repository and strategy, each with what it is needed for.
    #[must_use]
    pub fn requirements(&self, strategy: Strategy, excludes: bool) -> Vec<Requirement> {
        let program = self.program.first().cloned().unwrap_or_else(|| self.kind.program().to_owned());
        let mut needed = vec![Requirement { program, purpose: format!("read the {} repository", self.kind) }];
        if self.kind == ScmKind::Subversion && !matches!(strategy, Strategy::Export | Strategy::Archive) {
            needed.push(Requirement { program: "svnversion".into(), purpose: "verify the working copy".into() });
        }
        if self.url.ssh_host().is_some() {
            needed.push(Requirement { program: "ssh".into(), purpose: format!("reach {}", self.url) });
        }
        if strategy == Strategy::RemoteCache && excludes {
            needed
                .push(Requirement { program: "rsync".into(), purpose: "copy the cache without :copy_exclude".into() });
        }
        needed
    }
}

/// A program that a host must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// Its name or path.
    pub program: String,
    /// What for, to go behind "is needed to".
    pub purpose: String,
}
