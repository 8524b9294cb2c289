//! The one moment that matters: `current` changes by one rename, or not at all.

use deploy_plan::{Expect, ReleaseId};

use super::CompileContext;
use super::files::{fail, flush};
use crate::text::{path, word};

/// Refuses where `current` is no link.
fn must_be_a_link(cx: &CompileContext<'_>) -> String {
    let c = cx.current();
    let no_link = fail(&format!("cannot switch {}: it is a real directory or file, not a link", cx.layout.current));
    format!("if [ ! -L {c} ] && [ -e {c} ]; then {no_link}; fi")
}

/// Says what `current` is instead of what was expected, then fails.
fn changed(cx: &CompileContext<'_>, expected: &str) -> String {
    let c = cx.current();
    format!(
        "{{ printf '%s points to %s, not to %s\\n' {} \"$(readlink {c} || echo nothing)\" {} >&2; exit 1; }}",
        word(&cx.layout.current.to_string()),
        word(expected)
    )
}

fn is_live(id: &ReleaseId, cx: &CompileContext<'_>) -> String {
    let c = cx.current();
    format!("[ -L {c} ] && [ {c} -ef {} ]", cx.release(id))
}

/// Takes away what an earlier try left half-way. Nothing is forked where there is nothing.
fn clear(staged: &str) -> String {
    format!("[ ! -L {staged} ] || rm -f {staged}")
}

/// Renames a link of the run's own directory over `current`. A run that lost its lock finds no such directory.
fn rename(ready: &str, cx: &CompileContext<'_>) -> String {
    let sudo = cx.sudo();
    let staged = path(&cx.links().join(cx.layout.current.file_name()));
    let clear = clear(&staged);
    let mut text =
        format!("{clear} || exit\nmv {ready} {staged} && {sudo}mv -f {staged} {}/ || exit\n", path(&cx.current_dir()));
    if cx.flush {
        text.push_str(&format!("{{ {}; }} || exit\n", flush(&cx.current_dir())));
    }
    text
}

/// Compare, rename, flush, read back, and have the next link ready.
pub(super) fn switch(to: &ReleaseId, expect: &Expect, cx: &CompileContext<'_>) -> String {
    let c = cx.current();
    let (link, text) = (cx.ready_link(to), cx.link_text(to));
    let expected = match expect {
        Expect::Nothing => format!("[ ! -e {c} ] && [ ! -L {c} ] || {}", changed(cx, "nothing")),
        Expect::Release(id) => format!("{{ {}; }} || {}", is_live(id, cx), changed(cx, id.as_str())),
        Expect::LinkText(text) => {
            format!("[ \"$(readlink {c})\" = {} ] || {}", word(text), changed(cx, text))
        }
    };
    let missing = fail(&format!("cannot switch to {}: it is not there", cx.layout.release(to)));
    let is_live = is_live(to, cx);
    [
        must_be_a_link(cx),
        // What was done already is done: the answer to an earlier try may have been lost.
        format!("if {is_live}; then exit 0; fi"),
        format!("[ -d {} ] || {missing}", cx.release(to)),
        expected,
        super::links::ready_link(to, cx),
        rename(&link, cx),
        format!("{{ {is_live} && [ \"$(readlink {c})\" = {text} ]; }} || {}", changed(cx, to.as_str())),
        // The link was used up; the next switch to this release should need no inode. Where there is none now, so be it:
        // the script around may run under `set -e`.
        format!("ln -s -- {text} {link} 2>/dev/null || :\nexit 0"),
    ]
    .join("\n")
}

/// Proves which release is live.
pub(super) fn read_back(release: &ReleaseId, cx: &CompileContext<'_>) -> String {
    format!("{{ {}; }} || {}", is_live(release, cx), changed(cx, release.as_str()))
}

/// Takes `current` away again. It moves into the run's own directory: the same fence, and still one rename.
pub(super) fn unpublish(from: &ReleaseId, cx: &CompileContext<'_>) -> String {
    let c = cx.current();
    let staged = path(&cx.links().join(cx.layout.current.file_name()));
    let links = path(&cx.links());
    let flush = if cx.flush { flush(&cx.current_dir()) } else { ":".to_owned() };
    [
        format!("if [ ! -e {c} ] && [ ! -L {c} ]; then exit 0; fi"),
        must_be_a_link(cx),
        format!("{{ {}; }} || {}", is_live(from, cx), changed(cx, from.as_str())),
        format!("{} || exit\n{}mv -f {c} {links}/ || exit", clear(&staged), cx.sudo()),
        format!("rm -f {staged} || exit\n{flush}"),
    ]
    .join("\n")
}

/// Puts back a link that named no release of ours.
pub(super) fn restore(text: &str, from: &ReleaseId, cx: &CompileContext<'_>) -> String {
    let c = cx.current();
    let ready = path(&cx.links().join(".restore"));
    let text = word(text);
    [
        must_be_a_link(cx),
        format!("if [ \"$(readlink {c})\" = {text} ]; then exit 0; fi"),
        format!("{{ {}; }} || {}", is_live(from, cx), changed(cx, from.as_str())),
        format!("rm -f {ready} && ln -s -- {text} {ready} || exit"),
        rename(&ready, cx),
        format!("[ \"$(readlink {c})\" = {text} ]"),
    ]
    .join("\n")
}
