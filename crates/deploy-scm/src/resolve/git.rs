//! git: `ls-remote` for exactly the names that may be meant, then all names, then the deployer's own clone.

use deploy_plan::Revision;

use super::{Resolution, Resolver};
use crate::query::{Query, QueryKind, QueryOutput};
use crate::reference::{check_git, is_full_hash, is_short_hash};
use crate::{Pinned, ScmError};

/// One line of `git ls-remote`.
struct Advertised {
    hash: String,
    name: String,
}

impl Resolver {
    pub(super) fn start_git(&mut self) -> Result<Resolution, ScmError> {
        let wanted = self.wanted.clone();
        check_git(&wanted)?;
        if is_full_hash(&wanted) {
            return self.ask_remote(QueryKind::GitHash, &[]);
        }
        if let Some(branch) = wanted.strip_prefix(&format!("{}/", self.source.remote)) {
            let why = format!("names a remote branch: write {branch:?}");
            return Err(ScmError::Form { what: "revision", text: wanted, why });
        }
        let patterns: Vec<String> =
            self.meanings().into_iter().flat_map(|name| [format!("{name}^{{}}"), name]).collect();
        self.ask_remote(QueryKind::GitNamed, &patterns)
    }

    /// The full names that the wanted one may stand for: branches before tags.
    fn meanings(&self) -> Vec<String> {
        let wanted = &self.wanted;
        if wanted == "HEAD" || wanted.starts_with("refs/") {
            vec![wanted.clone()]
        } else if wanted.starts_with("heads/") || wanted.starts_with("tags/") {
            vec![format!("refs/{wanted}"), format!("refs/heads/{wanted}"), format!("refs/tags/{wanted}")]
        } else {
            vec![format!("refs/heads/{wanted}"), format!("refs/tags/{wanted}")]
        }
    }

    fn ask_remote(&self, kind: QueryKind, patterns: &[String]) -> Result<Resolution, ScmError> {
        let args =
            ["ls-remote", self.source.query_url().as_str()].into_iter().chain(patterns.iter().map(String::as_str));
        self.ask(Query::git(kind, args))
    }

    fn ask(&self, query: Query) -> Result<Resolution, ScmError> {
        let mut query = query.with_login(self.source.login(), self.source.password.as_ref());
        query.argv.splice(0..1, self.source.local_program.iter().cloned());
        Ok(Resolution::Ask(Box::new(query)))
    }

    pub(super) fn read_named(&mut self, query: &Query, output: &QueryOutput) -> Result<Resolution, ScmError> {
        if !output.is_success() {
            return Err(self.unreachable(query, output));
        }
        let refs = read_refs(&output.text())?;
        let mut found: Vec<(String, String)> = Vec::new();
        for name in self.meanings() {
            let of = |wanted: &str| refs.iter().find(|r| r.name == wanted).map(|r| r.hash.clone());
            if let Some(hash) = of(&format!("{name}^{{}}")).or_else(|| of(&name)) {
                found.push((name, hash));
            }
        }
        let Some((name, hash)) = found.first() else { return self.ask_remote(QueryKind::GitAll, &[]) };
        if found.iter().any(|(_, other)| other != hash) {
            let candidates = found.iter().map(|(name, hash)| format!("{} is {hash}", describe(name))).collect();
            let (wanted, url) = (self.wanted.clone(), self.source.query_url().to_string());
            return Err(ScmError::Ambiguous { wanted, url, candidates });
        }
        let short = name.strip_prefix("refs/heads/").or_else(|| name.strip_prefix("refs/tags/"));
        self.pinned(hash, describe(name), short.map(str::to_owned))
    }

    /// Reached only when no name fits: the answer serves short hashes and the message.
    pub(super) fn read_all(&mut self, query: &Query, output: &QueryOutput) -> Result<Resolution, ScmError> {
        if !output.is_success() {
            return Err(self.unreachable(query, output));
        }
        let refs = read_refs(&output.text())?;
        self.known = refs
            .iter()
            .filter_map(|r| r.name.strip_prefix("refs/heads/").or_else(|| r.name.strip_prefix("refs/tags/")))
            .filter(|name| !name.ends_with("^{}"))
            .map(str::to_owned)
            .collect();
        if !is_short_hash(&self.wanted) {
            return Err(self.not_found());
        }
        let mut hashes: Vec<&str> =
            refs.iter().map(|r| r.hash.as_str()).filter(|hash| hash.starts_with(&self.wanted.to_lowercase())).collect();
        hashes.sort_unstable();
        hashes.dedup();
        match hashes.as_slice() {
            [] => {
                let commit = format!("{}^{{commit}}", self.wanted);
                self.ask(Query::git(QueryKind::GitLocal, ["rev-parse", "--verify", "--quiet", &commit]))
            }
            [one] => self.pinned(one, format!("commit {}", self.wanted), None),
            several => Err(ScmError::Ambiguous {
                wanted: self.wanted.clone(),
                url: self.source.query_url().to_string(),
                candidates: several.iter().map(|hash| format!("commit {hash}")).collect(),
            }),
        }
    }

    /// The deployer's own clone may know a short hash that is no branch's or tag's newest commit.
    pub(super) fn read_local(&mut self, output: &QueryOutput) -> Result<Resolution, ScmError> {
        let text = output.text();
        let hash = text.trim();
        if output.is_success() && is_full_hash(hash) {
            return self.pinned(hash, format!("commit {}", self.wanted), None);
        }
        Err(self.not_found())
    }

    fn pinned(&self, hash: &str, label: String, name: Option<String>) -> Result<Resolution, ScmError> {
        Ok(Resolution::Pinned(Pinned { revision: Revision::new(hash)?, label, name, unverified: None }))
    }

    /// A full hash: known where a name stands for it, else the repository is asked for that very commit. Where nobody can
    /// tell, the hash is taken as it is, as Capistrano takes it: the hosts may see what the deployer does not.
    pub(super) fn read_hash(&mut self, output: &QueryOutput) -> Result<Resolution, ScmError> {
        let hash = self.wanted.to_lowercase();
        if !output.is_success() {
            return self.taken(output.complaint(self.source.password.as_ref()));
        }
        let text = output.text();
        if text.lines().any(|line| line.split_once('\t').is_some_and(|(known, _)| known.eq_ignore_ascii_case(&hash))) {
            return self.pinned(&hash, format!("commit {hash}"), None);
        }
        let arguments = [self.source.query_url().as_str(), &hash];
        let mut query = Query::script(QueryKind::GitHolds, HOLDS, arguments);
        query.argv.extend(self.source.local_program.iter().cloned());
        // The helper for a login comes first among the words of git.
        let login = Query::git(QueryKind::GitHash, []).with_login(self.source.login(), self.source.password.as_ref());
        query.argv.extend(login.argv.into_iter().skip(1));
        (query.env, query.secret_env) = (login.env, login.secret_env);
        Ok(Resolution::Ask(Box::new(query)))
    }

    /// Whether the repository has the commit, as far as it says.
    pub(super) fn read_holds(&mut self, output: &QueryOutput) -> Result<Resolution, ScmError> {
        let said = String::from_utf8_lossy(&output.stderr);
        if output.is_success() {
            let hash = self.wanted.to_lowercase();
            return self.pinned(&hash, format!("commit {hash}"), None);
        }
        if said.contains("not our ref") {
            return Err(self.not_found());
        }
        self.taken(output.complaint(self.source.password.as_ref()))
    }

    fn taken(&self, why: String) -> Result<Resolution, ScmError> {
        let hash = self.wanted.to_lowercase();
        let (revision, label) = (Revision::new(&hash)?, format!("commit {hash}"));
        Ok(Resolution::Pinned(Pinned { revision, label, name: None, unverified: Some(why) }))
    }
}

/// Fetches one commit, and as little as the server can leave away, into a repository that is thrown away. A server says
/// no at once; one that is still sending after a while has it.
const HOLDS: &str = r#"
url=$1 hash=$2; shift 2
dir=$(mktemp -d) || exit 3
trap 'rm -rf "$dir"' EXIT
trap 'exit 143' HUP INT TERM
"$@" init -q --bare "$dir" || exit 3
"$@" -c protocol.version=2 --git-dir="$dir" fetch -q --no-tags --depth 1 --filter=tree:0 "$url" "$hash" &
fetch=$!
(
  tries=0
  while [ "$tries" -lt 15 ]; do
    sleep 1 >/dev/null 2>&1
    kill -0 "$fetch" 2>/dev/null || exit
    tries=$((tries + 1))
  done
  echo 'the repository is still sending that commit' >&2
  kill "$fetch" 2>/dev/null
) >/dev/null &
watch=$!
wait "$fetch"
status=$?
kill "$watch" 2>/dev/null
exit "$status"
"#;

fn describe(name: &str) -> String {
    if let Some(branch) = name.strip_prefix("refs/heads/") {
        format!("branch {branch}")
    } else if let Some(tag) = name.strip_prefix("refs/tags/") {
        format!("tag {tag}")
    } else {
        name.to_owned()
    }
}

fn read_refs(text: &str) -> Result<Vec<Advertised>, ScmError> {
    text.lines()
        .map(|line| match line.split_once('\t') {
            Some((hash, name)) if is_full_hash(hash) => {
                Ok(Advertised { hash: hash.to_lowercase(), name: name.to_owned() })
            }
            _ => Err(ScmError::Answer { program: "git", answer: line.chars().take(80).collect() }),
        })
        .collect()
}
