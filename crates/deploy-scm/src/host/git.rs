//! git on a host, limited to what git 1.8.3 understands.

use crate::script::Script;
use crate::{HostSide, Pinned, ScmError, Source, Strategy, Submodules, Transport};

impl Source {
    pub(super) fn git_steps(&self, script: &mut Script, pinned: &Pinned, side: &HostSide) -> Result<(), ScmError> {
        script.set("remote", &self.remote)?;
        let mut git: Vec<&str> = self.program.iter().map(String::as_str).collect();
        git.extend(OPTIONS);
        let helper = format!("credential.helper={}", super::CREDENTIAL_HELPER_ENV);
        if self.password.is_some() {
            // No other helper: one of the login's own would keep the recipe's password on the host.
            git.extend(["-c", "credential.helper=", "-c", &helper]);
            script.set("CAPSTAN_SCM_USER", self.login().unwrap_or_default())?;
            script.text(CREDENTIALS);
        }
        script.function("g", &git, "")?;
        if side.strategy == Strategy::Archive {
            return self.archive_steps(script, pinned, side);
        }
        self.clone_function(script, pinned)?;
        script.text(GIT);
        script.text(match self.submodules {
            Submodules::None => NO_SUBMODULES,
            Submodules::TopLevel => SUBMODULES,
            Submodules::Recursive => ALL_SUBMODULES,
        });
        match side.strategy {
            Strategy::Checkout => script.text("again make \"$dest\" && cd \"$dest\" && populate"),
            Strategy::Export => script.text(EXPORT),
            Strategy::RemoteCache => {
                script.text(CACHE);
                self.copy_steps(script, side)?;
            }
            // Has steps of its own.
            Strategy::Archive => {}
        }
        Ok(())
    }

    pub(super) fn git_probe(&self, script: &mut Script) -> Result<(), ScmError> {
        if self.password.is_some() {
            return Ok(());
        }
        let program = self.program.iter().map(String::as_str);
        script.function("g", program.chain(["ls-remote", self.url.as_str(), "HEAD"]), ">/dev/null")?;
        script.text("g");
        Ok(())
    }

    /// Out of a bare mirror, as Capistrano 3 keeps one in `repo/`.
    fn archive_steps(&self, script: &mut Script, pinned: &Pinned, side: &HostSide) -> Result<(), ScmError> {
        let depth = self.depth.map(|depth| depth.max(1).to_string());
        let mut words = vec!["clone", "-q", "--mirror"];
        if self.url.transport() == Transport::Path {
            words.push("--no-local");
        }
        let mut update = vec!["remote", "update", "--prune"];
        if let Some(depth) = &depth {
            words.extend(["--depth", depth, "--no-single-branch"]);
            update = vec!["fetch", "-q", "--depth", depth, "origin"];
            update.extend(pinned.name.as_deref());
        }
        words.extend(["--", self.url.as_str()]);
        script.function_of("clone", "g", words)?;
        script.function_of("update", "g", update)?;
        let mut tar: Vec<String> = ["tar", "-x"].map(str::to_owned).to_vec();
        let tree = side.tree.as_deref().map(|tree| tree.trim_matches('/')).filter(|tree| !tree.is_empty());
        if let Some(tree) = tree {
            tar.extend(["--strip-components".to_owned(), tree.split('/').count().to_string()]);
        }
        tar.extend(["-f", "-", "-C"].map(str::to_owned));
        script.function("unpack", &tar, "")?;
        let archive = ["archive", "--format=tar", pinned.revision.as_str()].into_iter().chain(tree);
        script.function_of("pack", "g", archive)?;
        script.text(ARCHIVE);
        Ok(())
    }

    /// A clone without a working tree: which commit it gets is decided afterwards, by its hash alone. The branch
    /// matters only where the history is cut.
    fn clone_function(&self, script: &mut Script, pinned: &Pinned) -> Result<(), ScmError> {
        let depth = self.depth.map(|depth| depth.max(1).to_string());
        let mut words = vec!["clone", "-n", "-o", &self.remote];
        if !self.verbose {
            words.push("-q");
        }
        if self.url.transport() == Transport::Path {
            words.push("--no-local");
        }
        if let Some(depth) = &depth {
            words.extend(["--depth", depth]);
            if let Some(name) = &pinned.name {
                words.extend(["-b", name]);
            }
        }
        words.extend(["--", self.url.as_str()]);
        script.function_of("clone", "g", words)
    }
}

/// Hooks of a cache are no code of ours, and it is copied while nobody tidies it up in the background. What an older
/// git does not know it does not look at.
const OPTIONS: [&str; 6] =
    ["-c", "core.hooksPath=/dev/null", "-c", "gc.autoDetach=false", "-c", "maintenance.autoDetach=false"];

const CREDENTIALS: &str = r#"
CAPSTAN_SCM_PASSWORD=$(cat "$secret") || fail "cannot read $secret"
export CAPSTAN_SCM_USER CAPSTAN_SCM_PASSWORD
"#;

/// `make` clones to a place that was free when we began; the rest works in the tree that it stands in. Some names of
/// branches keep git from having a branch `deploy` beside them.
const GIT: &str = r#"
make() { rm -rf "$1" && clone "$1"; }
present() { g cat-file -e "$rev^{commit}" 2>/dev/null; }
fetch_rest() {
  if present; then return 0; fi
  if [ -f .git/shallow ]; then again g fetch -q --unshallow "$remote"; fi
  if present || { g fetch -q "$remote" "$rev" 2>/dev/null && present; }; then return 0; fi
  printf '%s\n' "commit $rev is not in $url, or no longer" >&2
  return 1
}
verify() {
  head=$(g rev-parse HEAD) && [ "$head" = "$rev" ] && return 0
  printf '%s\n' "the working tree is at ${head:-nothing} instead of $rev" >&2
  return 1
}
populate() {
  fetch_rest || return
  g checkout -q -B deploy "$rev" 2>/dev/null || g checkout -q --detach "$rev" || return
  submodules && verify
}
"#;

const NO_SUBMODULES: &str = r#"
submodules() {
  if [ -f .gitmodules ]; then
    warn 'the repository has submodules, which are not checked out: set :git_enable_submodules'
  fi
}
"#;

const SUBMODULES: &str = r#"
submodules() { g submodule -q init && g submodule -q sync && again g submodule -q update --init --force; }
"#;

const ALL_SUBMODULES: &str = r#"
submodules() { g submodule -q init && g submodule -q sync --recursive && again g submodule -q update --init --force --recursive; }
"#;

const EXPORT: &str = r#"
again make "$dest" && cd "$dest" && populate && rm -rf .git && find . -name .git -prune -exec rm -rf {} \;
"#;

/// The mirror is made under another name and renamed, so that half of one is never taken for a mirror. A pipe has the
/// status of its last command, hence the mark of an archive that broke off.
const ARCHIVE: &str = r#"
mirror() { [ -f "$cache/HEAD" ] && [ -d "$cache/objects" ]; }
make() { rm -rf "$1" && clone "$1"; }
present() { g cat-file -e "$rev^{commit}" 2>/dev/null; }
complete() {
  if present || { g fetch -q origin "$rev" 2>/dev/null && present; }; then return 0; fi
  if [ -f shallow ] && again g fetch -q --unshallow origin && present; then return 0; fi
  printf '%s
' "commit $rev is not in $url, or no longer" >&2
  return 1
}
refresh() {
  cd "$cache" || return
  find . -name '*.lock' -type f -exec rm -f {} \; || return
  g remote set-url origin "$url" && again update >/dev/null && complete
}
renew() {
  if ! again make "$cache.capstan-new" || ! (cd "$cache.capstan-new" && complete); then
    rm -rf "$cache.capstan-new"
    return 1
  fi
  if [ -e "$cache" ] || [ -L "$cache" ]; then
    mv "$cache" "$cache.capstan-old" || return
  fi
  mv "$cache.capstan-new" "$cache" || return
  rm -rf "$cache.capstan-old" || warn "cannot remove $cache.capstan-old"
}
if { [ -e "$cache" ] || [ -L "$cache" ]; } && ! mirror; then
  if [ ! -d "$cache" ] || [ -n "$(ls -A "$cache")" ]; then
    fail "$cache is no mirror of a git repository; move it away, the repository is kept there"
  fi
fi
rm -rf "$cache.capstan-new" "$cache.capstan-old" || exit
if mirror; then
  if ! (refresh); then
    warn "the mirror $cache could not be brought up to date; it is made anew"
    tries=1
    renew || exit
  fi
else
  renew || exit
fi
mkdir -p "$dest" && cd "$cache" || exit
rm -f "$run/scm-broken" || exit
{ pack || : >"$run/scm-broken"; } | unpack "$dest" || exit
if [ -e "$run/scm-broken" ]; then
  rm -f "$run/scm-broken"
  exit 1
fi
g log -1 --format=%ct "$rev" >"$dest/REVISION_TIME"
"#;

/// The lock of the deployment is ours, so whatever lock file lies in the cache is stale.
const CACHE: &str = r#"
usable() {
  [ -d "$cache/.git" ] || return
  (cd "$cache" && [ "$(g config --get "remote.$remote.url")" = "$url" ])
}
refresh() {
  cd "$cache" || return
  find .git -name '*.lock' -type f -exec rm -f {} \; || return
  again g fetch -q -f --prune "$remote" "+refs/heads/*:refs/remotes/$remote/*" '+refs/tags/*:refs/tags/*' || return
  fetch_rest || return
  g reset -q --hard "$rev" || return
  submodules || return
  g clean -q -d -x -f -f && verify
}
verify_copy() { [ ! -e .git ] || verify; }
"#;
