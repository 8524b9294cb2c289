//! What a host does to get the files of a pinned revision: ops made of sh text, nothing of which a name can alter.

mod git;
mod svn;

use deploy_plan::{Op, RemotePath};

use crate::script::Script;
use crate::{Pinned, ScmError, ScmKind, Source, Strategy, Transport};

/// Answers git's question for a login from the environment of that one process.
pub(crate) const CREDENTIAL_HELPER_ENV: &str = concat!(
    "!capstan() { test \"$1\" = get || return 0; ",
    "test -z \"$CAPSTAN_SCM_USER\" || printf 'username=%s\\n' \"$CAPSTAN_SCM_USER\"; ",
    "printf 'password=%s\\n' \"$CAPSTAN_SCM_PASSWORD\"; }; capstan"
);

/// Where and how the files come to a host.
#[derive(Clone, Debug)]
pub struct HostSide {
    /// How.
    pub strategy: Strategy,
    /// The release to be made. It must not be there yet, or be an empty directory.
    pub release: RemotePath,
    /// The working copy of [`Strategy::RemoteCache`], or the mirror of [`Strategy::Archive`].
    pub cache: RemotePath,
    /// An existing private directory (0700) of this run, for a helper script and `known_hosts`, which are removed.
    pub run_dir: RemotePath,
    /// Lines of `known_hosts` that are trusted beside the login's own.
    pub known_hosts: Vec<String>,
    /// A private file (0600) in which the caller puts the repository's password before the step. Without it a
    /// repository that wants a password is refused.
    pub secret_file: Option<RemotePath>,
    /// What is not copied from the cache (`:copy_exclude`).
    pub exclude: Vec<String>,
    /// The directory of the repository that becomes the release, with [`Strategy::Archive`] (`:repo_tree`).
    pub tree: Option<String>,
    /// Seconds before a failed fetch is tried again; up to twice as long, differently on each host.
    pub retry_wait: u32,
}

impl HostSide {
    /// With the defaults for all that a recipe need not say.
    #[must_use]
    pub fn new(strategy: Strategy, release: RemotePath, cache: RemotePath, run_dir: RemotePath) -> Self {
        Self {
            strategy,
            release,
            cache,
            run_dir,
            known_hosts: Vec::new(),
            secret_file: None,
            exclude: Vec::new(),
            tree: None,
            retry_wait: 3,
        }
    }
}

impl Source {
    /// The ops that bring the pinned revision to a host, verified. They need the host's lock: a lock file that an
    /// interrupted fetch left in the cache is taken for stale.
    ///
    /// # Errors
    /// When a setting cannot be used, or a password is needed and there is no file for it.
    pub fn host_ops(&self, pinned: &Pinned, side: &HostSide) -> Result<Vec<Op>, ScmError> {
        self.check()?;
        self.check_side(side)?;
        let mut script = Script::new();
        self.settings(&mut script, pinned, side)?;
        script.text(CLEANUP);
        script.text(COMMON);
        script.text(FRESH);
        self.access(&mut script, &side.known_hosts)?;
        self.secret(&mut script, side)?;
        match self.kind {
            ScmKind::Git => self.git_steps(&mut script, pinned, side)?,
            ScmKind::Subversion => self.svn_steps(&mut script, side)?,
        }
        let how = match side.strategy {
            Strategy::Checkout => "check out",
            Strategy::Export => "export",
            Strategy::RemoteCache => "update the cache and copy",
            Strategy::Archive => "archive",
        };
        let title = format!("{how} {} ({}) from {}", pinned.revision.short(), pinned.label, self.url);
        Ok(vec![Op::Script { title, body: script.finish() }])
    }

    /// A text of sh that tries whether a host can read the repository, and changes nothing there: exit status 0 if it can,
    /// else the client's own words on standard error. The pinned revision is asked for where the client can do that
    /// without a checkout. A password never enters the text, which others on the host can read: a repository that needs
    /// one is not asked, only whether the client could take it.
    ///
    /// # Errors
    /// When a setting cannot be used.
    pub fn host_probe(&self, pinned: Option<&Pinned>, known_hosts: &[String]) -> Result<String, ScmError> {
        self.check()?;
        let mut script = Script::new();
        script.text("pause=0 tries=1");
        script.text(PROBE_CLEANUP);
        script.text(COMMON);
        if matches!(self.url.transport(), Transport::Ssh | Transport::SvnSsh) {
            script.text(PROBE_DIRECTORY);
            self.access(&mut script, known_hosts)?;
        }
        match self.kind {
            ScmKind::Git => self.git_probe(&mut script)?,
            ScmKind::Subversion => self.svn_probe(&mut script, pinned)?,
        }
        Ok(script.finish())
    }

    /// A text of sh that tries whether a checkout would take a directory for its cache, and changes nothing: exit status 0
    /// if it would, or if nothing is there, else what the checkout would say on standard error.
    ///
    /// # Errors
    /// When the path cannot be used.
    pub fn cache_probe(&self, cache: &RemotePath) -> Result<String, ScmError> {
        let mut script = Script::new();
        script.set_path("cache", cache)?;
        script.text(PROBE_CLEANUP);
        script.text(COMMON);
        script.text(KNOWN_CACHE);
        Ok(script.finish())
    }

    fn check_side(&self, side: &HostSide) -> Result<(), ScmError> {
        if self.password.is_some() && side.secret_file.is_none() {
            let (option, value) = match self.url.password() {
                Some(_) => ("repository", self.url.to_string()),
                None => ("scm_password", "[redacted]".to_owned()),
            };
            let why = "a password would be readable in the process lists of the hosts; let them log in by a key";
            return Err(ScmError::Unsupported { option, value, why });
        }
        if let Some(tree) = &side.tree {
            crate::reference::check_git(tree.trim_matches('/')).map_err(|_| ScmError::Form {
                what: "repo_tree",
                text: tree.clone(),
                why: "is no directory inside the repository".to_owned(),
            })?;
        }
        let lines = side.known_hosts.iter().map(|line| ("known_hosts line", line));
        let excludes = side.exclude.iter().map(|pattern| ("copy_exclude pattern", pattern));
        for (what, text) in lines.chain(excludes) {
            if let Some((index, found)) = text.chars().enumerate().find(|(_, c)| c.is_control() && *c != '\t') {
                return Err(ScmError::Character { what, text: text.clone(), found, position: index + 1 });
            }
        }
        Ok(())
    }

    fn settings(&self, script: &mut Script, pinned: &Pinned, side: &HostSide) -> Result<(), ScmError> {
        script.set("rev", pinned.revision.as_str())?;
        match self.kind {
            ScmKind::Git => script.set("url", self.url.as_str())?,
            ScmKind::Subversion => script.set("url", &crate::kind::svn_encode(self.url.as_str()))?,
        }
        script.set("pause", &side.retry_wait.to_string())?;
        script.set_path("dest", &side.release)?;
        script.set_path("run", &side.run_dir)?;
        if matches!(side.strategy, Strategy::RemoteCache | Strategy::Archive) {
            script.set_path("cache", &side.cache)?;
        }
        Ok(())
    }

    /// How the repository is reached: never a prompt, always a known host key.
    fn access(&self, script: &mut Script, known_hosts: &[String]) -> Result<(), ScmError> {
        let over_ssh = matches!(self.url.transport(), Transport::Ssh | Transport::SvnSsh);
        if over_ssh || self.submodules != crate::Submodules::None {
            if !known_hosts.is_empty() {
                script.function(
                    "trusted",
                    ["printf", "%s\\n"].into_iter().chain(known_hosts.iter().map(String::as_str)),
                    "",
                )?;
                script.text(KNOWN_HOSTS);
            }
            script.text(SSH);
        }
        Ok(())
    }

    /// Where the password is. It goes away with the step.
    fn secret(&self, script: &mut Script, side: &HostSide) -> Result<(), ScmError> {
        if let (Some(_), Some(file)) = (&self.password, &side.secret_file) {
            script.set_path("secret", file)?;
            script.text(
                "[ -r \"$secret\" ] || fail \"the file with the repository's password is not readable: $secret\"",
            );
        }
        Ok(())
    }

    /// Copies the cache into the release.
    fn copy_steps(&self, script: &mut Script, side: &HostSide) -> Result<(), ScmError> {
        if side.exclude.is_empty() {
            script.function("copy", ["cp", "-RPp", "./."], "")?;
        } else {
            let excludes = side.exclude.iter().map(|pattern| format!("--exclude={pattern}"));
            script.function(
                "copy",
                ["rsync", "-lrpt"].map(str::to_owned).into_iter().chain(excludes).chain(["./".to_owned()]),
                "",
            )?;
        }
        script.text(KNOWN_CACHE);
        script.text(FROM_CACHE);
        Ok(())
    }
}

/// The environment, and what both systems need. A pause does not bring a client that is not there (126, 127).
const COMMON: &str = r#"
unset CDPATH GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES GIT_NAMESPACE GIT_TEMPLATE_DIR
GIT_TERMINAL_PROMPT=0 GIT_ASKPASS=true
export GIT_TERMINAL_PROMPT GIT_ASKPASS
fail() { printf '%s\n' "$*" >&2; exit 1; }
warn() { printf 'warning: %s\n' "$*" >&2; }
again() {
  try=1
  until "$@"; do
    status=$?
    case $status in 126|127) return "$status";; esac
    [ "$try" -lt "${tries:-3}" ] || return "$status"
    sleep "$((pause + ($$ + try) % (pause + 1)))"
    try=$((try + 1))
  done
}
fresh() {
  if [ ! -e "$1" ] && [ ! -L "$1" ]; then return 0; fi
  if [ -d "$1" ] && [ ! -L "$1" ] && [ -z "$(ls -A "$1")" ]; then return 0; fi
  fail "$1 is there already"
}
trap cleanup EXIT
trap 'exit 143' HUP INT TERM
"#;

const FRESH: &str = "fresh \"$dest\"";

/// What a step leaves behind nowhere. The names may be unset.
const CLEANUP: &str = r#"
secret=
cleanup() {
  rm -f "$run/scm-ssh" "$run/scm-known-hosts"
  if [ -n "$secret" ]; then rm -f "$secret"; fi
}
"#;

/// For a look at the repository: files of its own, if any.
const PROBE_CLEANUP: &str = r#"
run=
cleanup() { if [ -n "$run" ]; then rm -rf "$run"; fi; }
"#;

const PROBE_DIRECTORY: &str = "run=$(mktemp -d) || exit";

/// `trusted` prints the lines.
const KNOWN_HOSTS: &str = r#"
rm -f "$run/scm-known-hosts" || exit
(umask 077; set -C; trusted >"$run/scm-known-hosts") || fail "cannot write $run/scm-known-hosts"
CAPSTAN_KNOWN_HOSTS=$run/scm-known-hosts
export CAPSTAN_KNOWN_HOSTS
"#;

/// git before 2.3 has no `GIT_SSH_COMMAND`, only `GIT_SSH`, which is one program without arguments; run by `sh` it
/// works on a file system without the right to execute. Subversion splits `SVN_SSH` as a shell would.
const SSH: &str = r#"
rm -f "$run/scm-ssh" || exit
ssh_helper() {
  printf '%s\n' '#!/bin/sh' 'set -- -o BatchMode=yes -o StrictHostKeyChecking=yes "$@"' 'if [ -n "$CAPSTAN_KNOWN_HOSTS" ]; then' \
    '  set -- -o "UserKnownHostsFile=~/.ssh/known_hosts ~/.ssh/known_hosts2 \"$CAPSTAN_KNOWN_HOSTS\"" "$@"' 'fi' 'exec ssh "$@"'
}
(umask 077; set -C; ssh_helper >"$run/scm-ssh") && chmod 700 "$run/scm-ssh" || fail "cannot write $run/scm-ssh"
CAPSTAN_SSH=$run/scm-ssh GIT_SSH=$run/scm-ssh GIT_SSH_COMMAND='sh "$CAPSTAN_SSH"' GIT_SSH_VARIANT=ssh
SVN_SSH='sh -c '\''exec sh "$CAPSTAN_SSH" "$@"'\'' ssh'
export CAPSTAN_SSH GIT_SSH GIT_SSH_COMMAND GIT_SSH_VARIANT SVN_SSH
"#;

/// Takes a cache's directory only if it is plainly a working copy; what was somebody's own stays.
const KNOWN_CACHE: &str = r#"
known_cache() {
  if [ ! -e "$cache" ] && [ ! -L "$cache" ]; then return 0; fi
  for mark in .git .svn .hg .bzr _darcs CVS; do
    if [ -e "$cache/$mark" ]; then return 0; fi
  done
  if [ -d "$cache" ] && [ -z "$(ls -A "$cache")" ]; then return 0; fi
  fail "$cache is no working copy; move it away, the repository is kept there"
}
known_cache
"#;

const FROM_CACHE: &str = r#"
renew() {
  near=${cache%/*}
  if [ -d "$near" ] && [ ! -w "$near" ]; then fail "cannot write in $near"; fi
  if ! again make "$cache.capstan-new" || ! (cd "$cache.capstan-new" && populate); then
    rm -rf "$cache.capstan-new"
    return 1
  fi
  if [ -e "$cache" ] || [ -L "$cache" ]; then
    mv "$cache" "$cache.capstan-old" || return
  fi
  mv "$cache.capstan-new" "$cache" || return
  rm -rf "$cache.capstan-old" || warn "cannot remove $cache.capstan-old"
}
rm -rf "$cache.capstan-new" "$cache.capstan-old" || exit
if usable; then
  if ! (refresh); then
    warn "the cache $cache could not be brought up to date; it is made anew"
    tries=1
    renew || exit
  fi
else
  renew || exit
fi
mkdir -p "$dest" && cd "$cache" && copy "$dest/" || exit
cd "$dest" && verify_copy
"#;

#[cfg(test)]
mod tests {
    //! The scripts use only what the oldest supported clients understand.

    use super::*;
    use crate::{RepositoryUrl, Submodules};
    use deploy_plan::Revision;

    /// Subcommands and options of git 1.8.3.
    const GIT: &[(&str, &[&str])] = &[
        ("clone", &["-q", "-n", "-o", "-b", "--depth", "--no-local", "--mirror", "--no-single-branch", "--"]),
        ("fetch", &["-q", "-f", "--prune", "--unshallow", "--depth"]),
        ("remote", &["--prune"]),
        ("archive", &["--format=tar"]),
        ("log", &["-1", "--format=%ct"]),
        ("checkout", &["-q", "-B", "--detach"]),
        ("reset", &["-q", "--hard"]),
        ("clean", &["-q", "-d", "-x", "-f"]),
        ("cat-file", &["-e"]),
        ("rev-parse", &[]),
        ("config", &["--get"]),
        ("submodule", &["-q", "--init", "--force", "--recursive"]),
    ];

    /// Subcommands and options of svn 1.7; the one newer option is looked for first.
    const SVN: &[(&str, &[&str])] = &[
        ("checkout", &["-q", "-r"]),
        ("export", &["-q", "-r", "--force"]),
        ("switch", &["-q", "-r"]),
        ("info", &[]),
        ("cleanup", &[]),
        ("revert", &["-q", "-R"]),
        ("status", &["--no-ignore", "--ignore-externals"]),
        ("--version", &["--quiet"]),
    ];

    fn bodies(kind: ScmKind, url: &str) -> String {
        let mut all = String::new();
        for strategy in [Strategy::Checkout, Strategy::Export, Strategy::RemoteCache, Strategy::Archive] {
            for submodules in [Submodules::None, Submodules::TopLevel, Submodules::Recursive] {
                let mut source = Source::new(kind, RepositoryUrl::parse(url).unwrap());
                (source.submodules, source.depth) = (submodules, Some(2));
                let path = |text| RemotePath::new(text).unwrap();
                let side = HostSide::new(strategy, path("/r"), path("/c"), path("/d"));
                let name = Some("main".to_owned());
                let revision = Revision::new("7").unwrap();
                let pinned = Pinned { revision, label: String::new(), name, unverified: None };
                for op in source.host_ops(&pinned, &side).unwrap() {
                    let Op::Script { body, .. } = op else { panic!("a script") };
                    all.push_str(&body);
                }
            }
        }
        all
    }

    /// Every call of one of `functions`, as its words up to the end of the command.
    fn calls(text: &str, functions: &[&str]) -> Vec<Vec<String>> {
        let spaced = text.replace("$(", " ; ").replace([';', '(', ')', '{', '}', '|', '&', '\n'], " ; ");
        let words: Vec<&str> = spaced.split_whitespace().map(|w| w.trim_matches(['"', '\''])).collect();
        let starts = words.iter().enumerate().filter(|(_, word)| functions.contains(word));
        starts
            .map(|(at, _)| words[at + 1..].iter().take_while(|w| **w != ";").map(|w| (*w).to_owned()).collect())
            .filter(|call: &Vec<String>| !call.is_empty())
            .collect()
    }

    fn check(calls: &[Vec<String>], allowed: &[(&str, &[&str])]) {
        assert!(calls.len() > 10, "the calls are found");
        let mut used: Vec<&str> = Vec::new();
        for call in calls {
            let name = call[0].as_str();
            let Some((_, options)) = allowed.iter().find(|(command, _)| *command == name) else { panic!("{call:?}") };
            used.push(name);
            for word in call[1..].iter().filter(|word| word.starts_with('-')) {
                assert!(options.contains(&word.as_str()), "{word} in {call:?}");
            }
        }
        for (name, _) in allowed.iter().filter(|(name, _)| *name != "--version") {
            assert!(used.contains(name), "{name} is looked at");
        }
    }

    #[test]
    fn git_understands_it_since_1_8_3() {
        check(&calls(&bodies(ScmKind::Git, "/srv/x.git"), &["g"]), GIT);
    }

    #[test]
    fn svn_understands_it_since_1_7() {
        check(&calls(&bodies(ScmKind::Subversion, "svn://h/x"), &["s", "local_svn"]), SVN);
    }

    #[test]
    fn no_here_documents_and_no_bashisms() {
        for text in [bodies(ScmKind::Git, "git@h:x"), bodies(ScmKind::Subversion, "svn+ssh://h/x")] {
            for word in ["<<", "[[", "local ", "$'", "<(", "function ", "pipefail", "$RANDOM"] {
                assert!(!text.contains(word), "{word}");
            }
        }
    }

    #[test]
    fn plain_paths_are_cloned_like_any_other() {
        assert!(bodies(ScmKind::Git, "/srv/x.git").contains("--no-local"));
        assert!(!bodies(ScmKind::Git, "file:///srv/x.git").contains("--no-local"));
    }
}
