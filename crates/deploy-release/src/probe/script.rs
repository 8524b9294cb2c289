//! The text of the probe. Few forks: everything that the shell can see by itself is seen by the shell.

use std::fmt::Write as _;

use deploy_plan::{Layout, RemotePath};

use crate::text::{path, word};

/// What is looked at beyond the layout itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProbeNeeds {
    /// Programs that must be there.
    pub tools: Vec<String>,
    /// Whether `sudo` will be used.
    pub sudo: bool,
    /// Whether the live release's migrations matter.
    pub migrations: bool,
    /// Whether free room matters.
    pub space: bool,
}

/// `cap_esc VALUE` sets `cap_v`: backslash, tab and newline escaped, so that any file name fits one field of a line.
const HELPERS: &str = r#"LC_ALL=C; export LC_ALL
N='
'; T='	'
cap_esc() {
case $1 in
*\\*|*"$T"*|*"$N"*)
cap_r=$1; cap_v=
while [ -n "$cap_r" ]; do
cap_t=${cap_r#?}; cap_c=${cap_r%"$cap_t"}; cap_r=$cap_t
case $cap_c in
\\) cap_v="$cap_v\\\\" ;;
"$T") cap_v="$cap_v\\t" ;;
"$N") cap_v="$cap_v\\n" ;;
*) cap_v=$cap_v$cap_c ;;
esac
done ;;
*) cap_v=$1 ;;
esac
}
cap_put() { cap_esc "$2"; printf '%s\t%s\n' "$1" "$cap_v"; }
cap_place() {
if [ -d "$2" ]; then
if [ -w "$2" ] && [ -x "$2" ]; then cap_v=writable; else
case $(LC_ALL=C rmdir "$2/.capstan-no-such" 2>&1) in *Read-only*) cap_v=mounted_readonly ;; *) cap_v=readonly ;; esac
fi
printf 'place\t%s\t%s\n' "$1" "$cap_v"
return 0
fi
if [ -e "$2" ] || [ -L "$2" ]; then printf 'place\t%s\tother\n' "$1"; else printf 'place\t%s\tabsent\n' "$1"; fi
return 1
}
"#;

const IDENTITY: &str = r#"printf 'capstan-probe\t1\n'
printf 'clock\t%s\n' "$(date +%s 2>/dev/null)"
cap_put user "$(id -un 2>/dev/null)"
cap_put home "$HOME"
if [ -r /proc/sys/kernel/random/boot_id ]; then
read -r cap_b </proc/sys/kernel/random/boot_id && cap_put boot "$cap_b"
fi
"#;

/// Existing directories gather in the positional parameters, so that one `stat` sees them all.
const PLACES: &str = r#"set --
cap_place deploy_to "$D" && set -- "$@" "$D"
cap_place releases "$R" && set -- "$@" "$R"
cap_place shared "$S" && set -- "$@" "$S"
cap_place state "$X" && set -- "$@" "$X"
cap_place current_dir "$P" && set -- "$@" "$P"
if [ ! -e "$D" ]; then
cap_a=$D
while [ -n "$cap_a" ] && [ ! -e "$cap_a" ]; do cap_a=${cap_a%/*}; done
cap_a=${cap_a:-/}
cap_put ancestor "$cap_a"
cap_place ancestor "$cap_a" && set -- "$@" "$cap_a"
fi
[ $# -eq 0 ] || stat -L -c 'stat	%a	%U	%G	%d	%i' "$@" 2>/dev/null
"#;

const RELEASES: &str = r#"cap_live=
if [ -d "$R" ]; then
for e in "$R"/* "$R"/.[!.]*; do
n=${e##*/}
if [ -L "$e" ]; then k=link; elif [ -d "$e" ]; then k=dir; elif [ -e "$e" ]; then k=other; else continue; fi
v=-
if [ $k = dir ]; then
if [ -f "$e/REVISION" ] && [ -r "$e/REVISION" ]; then v=; IFS= read -r v <"$e/REVISION"; v="=$v"; fi
[ "$e" -ef "$C" ] && cap_live=$n
fi
cap_esc "$n"; n=$cap_v; cap_esc "$v"
printf 'entry\t%s\t%s\t%s\n' "$k" "$cap_v" "$n"
done
fi
if [ -L "$C" ]; then
t=$(readlink "$C"; printf x); t=${t%"${N}x"}
if [ -e "$C" ]; then k=resolves; else k=dangling; fi
cap_esc "$cap_live"; n=$cap_v; cap_esc "$t"
printf 'current\tlink\t%s\t%s\t%s\n' "$k" "$n" "$cap_v"
elif [ -d "$C" ]; then printf 'current\tdirectory\n'
elif [ -e "$C" ]; then printf 'current\tother\n'
else printf 'current\tabsent\n'
fi
"#;

const STATE: &str = r#"for e in "$X"/links.*; do [ -d "$e" ] && cap_put links "${e##*/}"; done
n=0
for e in "$X"/trash/*; do if [ -e "$e" ] || [ -L "$e" ]; then n=$((n + 1)); fi; done
printf 'trash\t%s\n' "$n"
if [ -f "$X/journal" ] && [ -r "$X/journal" ]; then
while IFS= read -r e || [ -n "$e" ]; do [ -z "$e" ] || cap_put journal "$e"; done <"$X/journal"
fi
[ -f "$X/hold" ] && [ -r "$X/hold" ] && cap_put hold "$(cat "$X/hold")"
"#;

const MIGRATIONS: &str = r#"if [ -d "$C/db/migrate" ]; then
printf 'migrations\n'
for e in "$C"/db/migrate/*; do [ -e "$e" ] && cap_put migration "${e##*/}"; done
fi
for e in Rakefile rakefile Rakefile.rb rakefile.rb; do [ -f "$C/$e" ] && printf 'rakefile\n'; done
"#;

const SUDO: &str = r#"if command -v sudo >/dev/null 2>&1; then
if sudo -n true </dev/null >/dev/null 2>&1; then printf 'sudo\tfree\n'
elif sudo -n -l </dev/null >/dev/null 2>&1; then printf 'sudo\tpartly\n'
else printf 'sudo\tpassword\n'; fi
else printf 'sudo\tabsent\n'; fi
"#;

const SPACE: &str = r#"cap_a=$D
while [ -n "$cap_a" ] && [ ! -e "$cap_a" ]; do cap_a=${cap_a%/*}; done
cap_put blocks "$(df -Pk "${cap_a:-/}" 2>/dev/null | tail -n 1)"
cap_put inodes "$(df -Pi "${cap_a:-/}" 2>/dev/null | tail -n 1)"
"#;

/// The ledger comes last and raw: whatever is in it cannot be mistaken for an answer.
const LEDGER: &str = r#"if [ -e "$X/ledger" ] && ! { [ -w "$X/ledger" ] && [ -r "$X/ledger" ]; }; then printf 'ledger_readonly\n'; fi
printf 'ledger-begin\n'
[ -r "$X/ledger" ] && cat "$X/ledger"
printf '\nledger-end\nend\n'
"#;

/// The script that looks at a host. It changes nothing, needs nothing but POSIX sh and a few common programs, and
/// answers on standard output for [`parse_probe`](crate::parse_probe).
#[must_use]
pub fn probe_script(layout: &Layout, needs: &ProbeNeeds) -> String {
    let mut text = String::from("(\n");
    text.push_str(HELPERS);
    let parent = layout.current.parent().unwrap_or_else(|| layout.deploy_to.clone());
    let state = layout.state();
    let names: [(&str, &RemotePath); 6] = [
        ("D", &layout.deploy_to),
        ("R", &layout.releases),
        ("S", &layout.shared),
        ("C", &layout.current),
        ("X", &state),
        ("P", &parent),
    ];
    for (name, place) in names {
        let _ = writeln!(text, "{name}={}", path(place));
    }
    for part in [IDENTITY, PLACES, RELEASES, STATE] {
        text.push_str(part);
    }
    for tool in &needs.tools {
        let tool = word(tool);
        let _ = writeln!(
            text,
            "if command -v {tool} >/dev/null 2>&1; then printf 'tool\\tyes\\t%s\\n' {tool}; else printf 'tool\\tno\\t%s\\n' {tool}; fi"
        );
    }
    for (wanted, part) in [(needs.migrations, MIGRATIONS), (needs.sudo, SUDO), (needs.space, SPACE)] {
        if wanted {
            text.push_str(part);
        }
    }
    text.push_str(LEDGER);
    text.push_str("exit 0\n)");
    text
}
