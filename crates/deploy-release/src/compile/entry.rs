//! Our own directory on a host: made before the lock, taken over under it.

use deploy_plan::{Layout, RemotePath, RunId};

use super::CompileContext;
use crate::text::path;

/// Makes `DEPLOY_TO/.capstan`, which the lock lives in. Exit status 0: it is there; 3: `deploy_to` does not exist or the
/// login may not write where it must, nothing was done or said, and the probe will tell why; anything else: it could not
/// be made.
#[must_use]
pub fn state_dir_script(layout: &Layout, sudo: bool) -> String {
    let state = layout.state();
    let own = make(&state, layout, layout.group_writable, sudo);
    let (root, at) = (path(&layout.deploy_to), path(&state));
    let mut text =
        format!("(\n[ -d {root} ] || exit 3\nif [ -d {at} ]; then [ -w {at} ] && [ -x {at} ] || exit 3; fi\n");
    if !sudo {
        text.push_str(&format!("[ -d {at} ] || [ -w {root} ] || exit 3\n"));
    }
    text + &own + "\n)"
}

pub(super) fn make_state_dir(state: &RemotePath, group: bool, cx: &CompileContext<'_>) -> String {
    make(state, cx.layout, group, cx.sudo)
}

/// The directory belongs to the login. A team whose logins share a group shares it too.
fn make(state: &RemotePath, layout: &Layout, group: bool, sudo: bool) -> String {
    let (at, deploy_to) = (path(state), path(&layout.deploy_to));
    let ledger = path(&state.join("ledger"));
    let make = if sudo {
        format!("mkdir {at} 2>/dev/null || {{ cap_sudo mkdir -p {at} && cap_sudo chown \"$(id -u)\" {at}; }}")
    } else {
        format!("mkdir {at}")
    };
    let share = if group {
        let chgrp = if sudo { "cap_sudo chgrp" } else { "chgrp" };
        format!(
            "g=$(stat -L -c %g {deploy_to} 2>/dev/null) && {chgrp} \"$g\" {at} 2>/dev/null || :\n\
             chmod 2770 {at} || exit\n( umask 007; : >>{ledger} )"
        )
    } else {
        format!("chmod 0700 {at} || exit\n( umask 077; : >>{ledger} )")
    };
    // Two runs may come here at once: whoever is second finds it made.
    format!("if [ -d {at} ]; then exit 0; fi\n{{ {make}; }} || {{ [ -d {at} ] && exit 0; exit 1; }}\n{share}")
}

/// What a run does first under the lock: it takes over the directory of ready-made links, so that every path which an
/// earlier holder could still use leads nowhere; mends the torn end of the ledger; sees to trash and reserve. A run that
/// comes back after it lost a host, and that nobody has followed there, still owns what it has claimed.
#[must_use]
pub fn entry_script(layout: &Layout, run: &RunId) -> String {
    let cx = CompileContext { layout, run, sudo: false, flush: false };
    let (state, links) = (path(&layout.state()), path(&cx.links()));
    let (ledger, trash, reserve) = (path(&cx.state("ledger")), path(&cx.state("trash")), path(&cx.state("reserve")));
    let journal = path(&cx.state("journal"));
    let (umask, mode) = if layout.group_writable { ("007", "2770") } else { ("077", "0700") };
    let stale = path(&cx.links().join(layout.current.file_name()));
    format!(
        "(\numask {umask}\n\
         for d in {state}/links.*; do\n\
         if [ -d \"$d\" ] && [ \"$d\" != {links} ]; then\n\
         if [ -d {links} ]; then rm -rf \"$d\"; else rm -f \"$d\"/.claim.* && mv \"$d\" {links}; fi || exit\nfi\ndone\n\
         if [ ! -d {links} ]; then mkdir {links} && chmod {mode} {links} || exit; fi\n\
         rm -f {stale} {links}/.restore || exit\n\
         [ -d {trash} ] || {{ mkdir {trash} && chmod {mode} {trash}; }} || printf 'warning: no trash directory\\n' >&2\n\
         [ -e {ledger} ] || ( : >>{ledger} ) || exit\n\
         [ -e {journal} ] || ( : >>{journal} ) 2>/dev/null || :\n\
         if [ -s {ledger} ] && [ -n \"$(tail -c 1 {ledger} | tr '\\000' x)\" ]; then printf '\\n' >>{ledger} || exit; fi\n\
         [ -s {reserve} ] || ( printf '%016384d' 0 >{reserve} ) 2>/dev/null || rm -f {reserve} || :\n\
         exit 0\n)"
    )
}
