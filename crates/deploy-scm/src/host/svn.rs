//! Subversion on a host, limited to what svn 1.7 understands.

use crate::kind::svn_target;
use crate::script::Script;
use crate::{HostSide, Pinned, ScmError, Source, Strategy};

impl Source {
    pub(super) fn svn_probe(&self, script: &mut Script, pinned: Option<&Pinned>) -> Result<(), ScmError> {
        let words = || self.program.iter().map(String::as_str).chain(["--non-interactive"]);
        script.function("local_svn", words(), "")?;
        if self.password.is_some() {
            script.text(NEEDS_PASSWORD_FROM_STDIN);
            return Ok(());
        }
        script.text(LOCALE);
        let mut ask: Vec<&str> = words().collect();
        if let Some(user) = self.login() {
            ask.extend(["--username", user]);
        }
        ask.extend(self.arguments.iter().map(String::as_str));
        let target = svn_target(&self.url);
        ask.extend(["info", "-r", pinned.map_or("HEAD", |pinned| pinned.revision.as_str()), &target]);
        script.function("s", ask, ">/dev/null")?;
        script.text("s");
        Ok(())
    }

    pub(super) fn svn_steps(&self, script: &mut Script, side: &HostSide) -> Result<(), ScmError> {
        let mut svn: Vec<&str> = self.program.iter().map(String::as_str).collect();
        svn.push("--non-interactive");
        if let Some(user) = self.login() {
            svn.extend(["--username", user]);
        }
        if !self.auth_cache && self.login().is_some() {
            svn.push("--no-auth-cache");
        }
        svn.extend(self.arguments.iter().map(String::as_str));
        script.text(LOCALE);
        script.function("local_svn", self.program.iter().map(String::as_str).chain(["--non-interactive"]), "")?;
        if self.password.is_some() {
            script.text(NEEDS_PASSWORD_FROM_STDIN);
            svn.push("--password-from-stdin");
            script.function("s", &svn, "<\"$secret\"")?;
        } else {
            script.function("s", &svn, "")?;
        }
        script.set("target", &svn_target(&self.url))?;
        let quiet: &[&str] = if self.verbose { &[] } else { &["-q"] };
        for (name, command) in [("s_checkout", "checkout"), ("s_export", "export"), ("s_switch", "switch")] {
            script.function_of(name, "s", [command].iter().chain(quiet).copied())?;
        }
        script.text(SVN);
        match side.strategy {
            Strategy::Checkout => script.text("again make \"$dest\" && cd \"$dest\" && verify"),
            Strategy::Export | Strategy::Archive => script.text("again make_export \"$dest\""),
            Strategy::RemoteCache => {
                script.text(CACHE);
                self.copy_steps(script, side)?;
            }
        }
        Ok(())
    }
}

/// Subversion cannot write file names beyond ASCII in the C locale, which is what a login without a terminal often
/// has; but the messages that are read here must be in English.
const LOCALE: &str = r#"
LC_CTYPE=${LC_ALL:-${LC_CTYPE:-${LANG:-C}}} LC_MESSAGES=C
unset LC_ALL LANGUAGE
export LC_CTYPE LC_MESSAGES
if command -v locale >/dev/null 2>&1 && [ "$(locale charmap 2>/dev/null)" != UTF-8 ]; then
  for name in C.UTF-8 C.utf8 en_US.UTF-8 en_US.utf8; do
    if [ "$(LC_CTYPE=$name locale charmap 2>/dev/null)" = UTF-8 ]; then LC_CTYPE=$name; break; fi
  done
fi
"#;

/// Older clients take a password only in argv, where every user of the host could read it.
const NEEDS_PASSWORD_FROM_STDIN: &str = r#"
case $(local_svn --version --quiet 2>/dev/null) in
  '' | 0.* | 1.[0-9] | 1.[0-9].*)
    fail 'this svn cannot read a password from its standard input (1.10 can): store it with the login, or use svn+ssh' ;;
esac
"#;

/// Each command works in `.`: a path as an argument would have its `@` read as a peg revision.
const SVN: &str = r#"
make() { rm -rf "$1" && mkdir "$1" && (cd "$1" && s_checkout -r "$rev" "$target" .); }
make_export() { rm -rf "$1" && mkdir "$1" && (cd "$1" && s_export --force -r "$rev" "$target" .); }
populate() { verify; }
verify() {
  at=$(svnversion -n .) && [ "$at" = "$rev" ] && return 0
  printf '%s\n' "the working copy is at ${at:-nothing} instead of $rev" >&2
  return 1
}
"#;

/// An interrupted update leaves the working copy locked. Whatever is not in the repository would be copied into each
/// release: changes are taken back, strange files removed (svn before 1.9 has no option for that).
const CACHE: &str = r#"
usable() {
  [ -d "$cache/.svn" ] || return
  root=$(cd "$cache" && local_svn info . 2>/dev/null | sed -n 's/^Repository Root: //p')
  [ -n "$root" ] || return
  case $url/ in "$root"/*) return 0 ;; esac
  return 1
}
strange() {
  local_svn status --no-ignore --ignore-externals | while IFS= read -r line; do
    case $line in
      [?I~]*) rm -rf "./${line#????????}" || return ;;
    esac
  done
}
move() { local_svn cleanup && s_switch -r "$rev" "$target" .; }
refresh() {
  cd "$cache" || return
  local_svn cleanup && strange && local_svn revert -q -R . || return
  again move && verify
}
verify_copy() { [ ! -e .svn ] || verify; }
"#;
