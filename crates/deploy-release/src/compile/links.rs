//! Ready-made links, and links that point nowhere.

use deploy_plan::{ReleaseId, RemotePath};

use super::CompileContext;
use crate::text::{path, word};

/// Has the link ready. One that is right already is left alone, so that a full disk does not matter then.
pub(super) fn ready_link(release: &ReleaseId, cx: &CompileContext<'_>) -> String {
    let (link, text) = (cx.ready_link(release), cx.link_text(release));
    format!(
        "if [ -L {link} ] && [ \"$(readlink {link})\" = {text} ]; then :; else\n\
         [ ! -L {link} ] || rm -f {link} || exit\nln -s -- {text} {link} || exit\nfi"
    )
}

/// The top two levels, without going through links: a link to a directory of uploads must not be searched.
pub(super) fn check_links(release: &RemotePath, refuse: bool) -> String {
    let at = path(release);
    let (mark, end) = if refuse { (word("error: "), "[ -z \"$cap_found\" ]") } else { (word("warning: "), ":") };
    format!(
        "cap_found=\ncap_look() {{\nfor f in \"$1\"/* \"$1\"/.[!.]*; do\n\
         if [ -L \"$f\" ] && [ ! -e \"$f\" ]; then\ncap_found=1\n\
         printf '%s%s points to %s, which does not exist\\n' {mark} \"$f\" \"$(readlink \"$f\")\" >&2\nfi\ndone\n}}\n\
         cap_look {at}\nfor d in {at}/* {at}/.[!.]*; do\n\
         case ${{d##*/}} in .git|.svn|.hg|.bzr) continue ;; esac\n\
         if [ -d \"$d\" ] && [ ! -L \"$d\" ]; then cap_look \"$d\"; fi\ndone\n{end}"
    )
}
