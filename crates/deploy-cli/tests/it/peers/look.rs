//! One case by both tools, and what is looked at after each step.

use std::fmt::Write as _;

use super::case::{Case, Step};
use super::{Bench, HOSTS, Peer, Side};
use crate::support::Ran;

/// Runs a case; gives what differs.
pub fn case(bench: &Bench, peer: &dyn Peer, case: &Case) -> Result<(), String> {
    let (mut theirs, mut ours) = (bench.side(case, false), bench.side(case, true));
    for side in [&theirs, &ours] {
        peer.project(case, side);
    }
    let mut record = Record::of(peer, case);
    for step in &case.steps {
        let (args, ok) = match step {
            Step::Shell(host, text) => {
                for host in HOSTS.iter().filter(|name| host == "all" || *name == host) {
                    for side in [&theirs, &ours] {
                        side.on(host, &named(side, std::slice::from_ref(text)).concat());
                    }
                }
                continue;
            }
            Step::Then { host, text, theirs: their_words, ours: our_words } => {
                if record.is_live() {
                    same(&theirs.on(host, text), their_words, &format!("Capistrano: {text}"))?;
                }
                same(&ours.on(host, text), our_words, &format!("ours: {text}"))?;
                continue;
            }
            Step::Same(args) => (args, 0),
            Step::Fails(code, args) | Step::Differs(_, code, args) => (args, *code),
        };
        forget(&theirs);
        forget(&ours);
        let before: Vec<String> = HOSTS.map(|host| releases(&theirs, host)).to_vec();
        let (they, we) = both(peer, &theirs, &ours, args);
        if we.code != ok {
            let they = they.map(|they| format!("Capistrano ended with {}:\n{}", they.code, they.text));
            let they = they.unwrap_or_default();
            return Err(format!("ours ended with {} and not {ok} in {args:?}:\n{}\n{they}", we.code, we.text));
        }
        if let Some(they) = &they
            && !matches!(step, Step::Differs(..))
            && (they.code == 0) != (ok == 0)
        {
            return Err(format!(
                "Capistrano ended with {} in {args:?}:\n{}\nOurs said:\n{}",
                they.code, they.text, we.text
            ));
        }
        if let (Step::Fails(..), Some(_)) = (step, &they) {
            drop_failed(&theirs, &before);
        }
        if matches!(step, Step::Differs(..)) {
            continue;
        }
        let expected = record.next(they.is_some().then(|| state(&mut theirs, peer.logs())))?;
        same(&state(&mut ours, peer.logs()), &expected, &format!("{args:?}"))?;
    }
    record.end()
}

fn both(peer: &dyn Peer, theirs: &Side<'_>, ours: &Side<'_>, args: &[String]) -> (Option<Ran>, Ran) {
    std::thread::scope(|scope| {
        let they = scope.spawn(|| peer.theirs(theirs, &named(theirs, args)).map(|command| theirs.run(command)));
        let we = ours.run(peer.ours(ours, &named(ours, args)));
        (they.join().unwrap(), we)
    })
}

/// `@R1` is the first release that was seen.
fn named(side: &Side<'_>, args: &[String]) -> Vec<String> {
    let named = |arg: &String| {
        side.seen
            .iter()
            .enumerate()
            .fold(arg.clone(), |arg, (index, name)| arg.replace(&format!("@R{}", index + 1), name))
    };
    args.iter().map(named).collect()
}

/// Line by line: what only one has.
fn same(ours: &str, theirs: &str, what: &str) -> Result<(), String> {
    if ours == theirs {
        return Ok(());
    }
    let mut text = format!("different after {what}\n");
    let has = |text: &str, line: &str| text.lines().any(|other| other == line);
    for line in theirs.lines() {
        let mark = if has(ours, line) { ' ' } else { '-' };
        let _ = writeln!(text, "{mark} {line}");
    }
    for line in ours.lines().filter(|line| !has(theirs, line)) {
        let _ = writeln!(text, "+ {line}");
    }
    let _ = writeln!(text, "(- Capistrano, + ours); ours in its order:\n{ours}");
    Err(text)
}

fn releases(side: &Side<'_>, host: &str) -> String {
    side.on(host, "ls $ROOT/releases 2>/dev/null; true")
}

/// Capistrano leaves a release whose deploy failed; ours does not. It goes, so that both go on from the same state.
fn drop_failed(theirs: &Side<'_>, before: &[String]) {
    for (host, before) in HOSTS.iter().zip(before) {
        let after = releases(theirs, host);
        for name in after.lines().filter(|name| !before.lines().any(|known| known == *name)) {
            theirs.on(
                host,
                &format!("[ \"$(readlink $ROOT/current)\" = $ROOT/releases/{name} ] || rm -rf $ROOT/releases/{name}"),
            );
        }
    }
}

fn forget(side: &Side<'_>) {
    for host in HOSTS {
        side.on(host, "rm -f $ROOT.log");
    }
}

/// On each host: what the recipe's own commands did, and what lies below the root, with kinds, modes, link targets and
/// contents. Left out are our own directory, the repository's copy, and REVISION_TIME, which Capistrano writes since 3.19.
fn state(side: &mut Side<'_>, logs: bool) -> String {
    let mut text = String::new();
    let log = if logs { "true" } else { "rm -f $ROOT/revisions.log" };
    for host in HOSTS {
        let seen = side.on(
            host,
            &format!("{log}; cat $ROOT.log 2>/dev/null; [ -d $ROOT ] || exit 0; cd $ROOT; \
             left='( -name .capstan -o -path ./repo -o -name cached-copy -o -name .git -o -name REVISION_TIME ) -prune -o'; \
             set -f; find . $left -printf '%y %m %p %l\\n' | sort -k 3; \
             find . $left -type f ! -name '*.tar.gz' ! -name REVISION ! -name revisions.log -exec cksum {{}} + | sort -k 3; \
             set +f; cat revisions.log releases/*/REVISION 2>/dev/null; for f in *.tar.gz; do [ ! -e $f ] || \
             tar -tzf $f | sed 's:^.*/2[0-9]\\{{13\\}}/::; s:^2[0-9]\\{{13\\}}/::' | grep -v REVISION_TIME | sort; done"),
        );
        let _ = writeln!(text, "== {host}\n{seen}");
    }
    plain(side, text)
}

/// Names of releases as R1, R2, … in their order, commits as C1, C2, …, the root as a word.
fn plain(side: &mut Side<'_>, text: String) -> String {
    let mut text = text.replace(&side.root, "ROOT");
    let digits = |letter: char| !letter.is_ascii_digit();
    side.seen.extend(text.split(digits).filter(|word| word.len() == 14 && word.starts_with("20")).map(str::to_owned));
    for (index, name) in side.seen.iter().enumerate() {
        text = text.replace(name, &format!("R{}", index + 1));
    }
    for (index, commit) in side.bench.commits.iter().enumerate() {
        text = text.replace(commit, &format!("C{}", index + 1));
    }
    text
}

/// Capistrano's answers: from itself, compared with what was recorded of it, or from the record alone.
struct Record {
    path: Option<std::path::PathBuf>,
    known: Vec<String>,
    new: Vec<String>,
    live: bool,
}

const BETWEEN: &str = "\n======\n";

impl Record {
    fn of(peer: &dyn Peer, case: &Case) -> Self {
        let path = peer.record(case);
        let text = path.as_ref().and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
        let known = text.split_terminator(BETWEEN).map(str::to_owned).collect();
        Self { path, known, new: Vec::new(), live: true }
    }

    fn is_live(&self) -> bool {
        self.live
    }

    fn next(&mut self, live: Option<String>) -> Result<String, String> {
        let Some(state) = live else {
            self.live = false;
            let index = self.new.len();
            let known = self.known.get(index).cloned().ok_or("Capistrano's answers were not recorded")?;
            self.new.push(known.clone());
            return Ok(known);
        };
        if let (Some(_), Some(known)) = (&self.path, self.known.get(self.new.len()))
            && !blessing()
        {
            same(&state, known, "reading the record (+ Capistrano now)")?;
        }
        self.new.push(state.clone());
        Ok(state)
    }

    /// Writes the record where that is asked for; it must be whole.
    fn end(self) -> Result<(), String> {
        match self.path {
            Some(path) if self.live && blessing() => {
                std::fs::write(path, self.new.iter().map(|state| format!("{state}{BETWEEN}")).collect::<String>())
                    .map_err(|error| error.to_string())
            }
            Some(_) if self.known.len() != self.new.len() => Err("the record has other steps".to_owned()),
            _ => Ok(()),
        }
    }
}

/// `CAPSTAN_BLESS=1` records what Capistrano answers.
fn blessing() -> bool {
    std::env::var_os("CAPSTAN_BLESS").is_some()
}
