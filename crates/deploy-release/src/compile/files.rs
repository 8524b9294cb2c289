//! Directories, files and links inside a release.

use deploy_plan::RemotePath;

use super::CompileContext;
use crate::text::{path, word};

/// A message on standard error, then failure.
pub(super) fn fail(message: &str) -> String {
    format!("{{ printf '%s\\n' {} >&2; exit 1; }}", word(message))
}

pub(super) fn make_dir(at: &RemotePath, cx: &CompileContext<'_>) -> String {
    format!("[ -d {at} ] || {sudo}mkdir -p {at}", at = path(at), sudo = cx.sudo())
}

pub(super) fn group_writable(at: &RemotePath, recursive: bool, cx: &CompileContext<'_>) -> String {
    let recursive = if recursive { "-R " } else { "" };
    format!("{}chmod {recursive}g+w {}", cx.sudo(), path(at))
}

/// As Capistrano: whatever the checkout has at that place gives way.
pub(super) fn replace_with_link(at: &RemotePath, target: &RemotePath, cx: &CompileContext<'_>) -> String {
    let sudo = cx.sudo();
    let parent = at.parent().map(|parent| format!("[ -d {p} ] || {sudo}mkdir -p {p} || exit\n", p = path(&parent)));
    format!(
        "{sudo}rm -rf {at} || exit\n{}{sudo}ln -s {target} {at}",
        parent.unwrap_or_default(),
        at = path(at),
        target = path(target)
    )
}

/// A reader sees the old file or the new one. With a mode of its own it is never readable with another.
pub(super) fn write_file(at: &RemotePath, content: &str, mode: Option<u32>, cx: &CompileContext<'_>) -> String {
    if content.contains('\0') {
        return fail(&format!("cannot write {at}: the content has a NUL byte"));
    }
    let (sudo, file, new) = (cx.sudo(), path(at), path(&beside(at, cx)));
    let write = if cx.sudo {
        // Not through a pipe: standard input is where sudo may be given its password.
        format!("cap_sudo sh -c 'printf %s \"$1\" >\"$2\"' sh {} {new}", word(content))
    } else {
        format!("printf '%s' {} >{new}", word(content))
    };
    let umask = if mode.is_some() { "umask 077\n" } else { "" };
    let chmod = mode.map(|mode| format!(" && {sudo}chmod {mode:o} {new}")).unwrap_or_default();
    let directory = fail(&format!("cannot write {at}: it is a directory"));
    format!(
        "if [ -d {file} ] && [ ! -L {file} ]; then {directory}; fi\n\
         {umask}{{ {write}{chmod} && {sudo}mv -f {new} {file}; }} || {{ {sudo}rm -f {new}; exit 1; }}"
    )
}

/// A name of the run in the same directory.
fn beside(at: &RemotePath, cx: &CompileContext<'_>) -> RemotePath {
    let name = format!(".{}.{}", at.file_name(), cx.run);
    at.parent().map_or_else(|| at.clone(), |parent| parent.join(&name))
}

/// BusyBox's `rm -f` complains where a part of the path is no directory; others take that for nothing there.
pub(super) fn remove_file(at: &RemotePath, cx: &CompileContext<'_>) -> String {
    format!("if [ -e {at} ] || [ -L {at} ]; then {}rm -f {at}; fi", cx.sudo(), at = path(at))
}

/// Like Capistrano, without its complaints about directories that an application does not have.
pub(super) fn touch_assets(release: &RemotePath, children: &[String], stamp: &str) -> String {
    let places: Vec<String> = children.iter().map(|child| path(&release.join("public").join(child))).collect();
    if places.is_empty() {
        return ":".to_owned();
    }
    let stamp = word(stamp);
    format!(
        "TZ=UTC; export TZ\nfor d in {}; do\n[ -d \"$d\" ] || continue\n\
         find \"$d\" -exec touch -c -t {stamp} {{}} + 2>/dev/null || find \"$d\" -exec touch -c -t {stamp} {{}} \\; || :\n\
         done\n:",
        places.join(" ")
    )
}

/// What is removed again later is only what was claimed here.
pub(super) fn claim(release: &RemotePath, cx: &CompileContext<'_>) -> String {
    let at = path(release);
    let there = fail(&format!("cannot build {release}: it is there already"));
    let mark = cx.claim_mark(release.file_name());
    format!("if [ -e {at} ] || [ -L {at} ]; then {there}; fi\n: >{mark}")
}

/// `sync -f` takes one filesystem; where it is not known, all are flushed.
pub(super) fn flush(at: &RemotePath) -> String {
    format!("sync -f {} 2>/dev/null || sync", path(at))
}
