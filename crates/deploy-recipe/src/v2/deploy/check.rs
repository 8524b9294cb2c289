//! `deploy:check`: everything that is in the way of a deploy, on all hosts at once. Changes nothing.

use std::rc::Rc;

use deploy_inventory::HostId;
use deploy_plan::{
    Command, CommandResult, CommandText, Event, ExitStatus, Layout, Level, Problem, ProblemKind, Purpose, RemotePath,
    Site, StepClass, Suspension, Want,
};
use deploy_release::{Owner, Place, Unwritable, by_hand};
use deploy_ruby::{Args, Call, CommandLine, Stderr, Unwind, Value};
use deploy_scm::{ScmKind, Strategy};

use crate::v2::Cap;
use crate::v2::cap::Dependency;
use crate::v2::command::{quote, quote_path, typed};
use crate::v2::convert::{R, fail, problem_of};
use crate::v2::local_query::only_reads;
use crate::v2::scope::Wanted;

use super::scm::Pinned;

impl Cap {
    /// Looks at the repository, the hosts and the recipe's own conditions.
    pub async fn check(self: &Rc<Self>, call: &Call) -> R<()> {
        let Some(hosts) = self.task_hosts(call).await? else { return Ok(()) };
        let mut blockers: Vec<Problem> = Vec::new();
        let layout = self.layout(call).await?;
        let mut tools: Vec<(String, String)> = Vec::new();
        let pinned = match self.pinned(call).await {
            Ok(pinned) => {
                let needed = pinned.source.requirements(pinned.strategy, !pinned.exclude.is_empty());
                tools.extend(needed.into_iter().map(|needed| (needed.program, needed.purpose)));
                Some(pinned)
            }
            Err(unwind) => {
                blockers.push(self.as_blocker(call, unwind)?);
                None
            }
        };
        let asked = self.repository_question(call, pinned.as_ref()).await;
        let repository = match asked {
            Ok(text) => text,
            Err(unwind) => {
                let problem = self.as_blocker(call, unwind)?;
                // The settings may be what kept the revision from being found, too.
                if pinned.is_some() {
                    blockers.push(problem);
                }
                None
            }
        };
        // What a deploy does without is no blocker: it writes into shared/ for its cache only, and makes it for that.
        let writes_shared = pinned.as_ref().is_some_and(|pinned| pinned.strategy == Strategy::RemoteCache);
        let cache = match pinned.as_ref().filter(|_| writes_shared) {
            Some(pinned) => Some(self.cache_question(call, pinned, &layout).await?),
            None => None,
        };
        let sudo = self.builtin_sudo(call).await?;
        let last = |child: &String| layout.shared.join(child.rsplit('/').next().unwrap_or_default());
        let kept: Vec<RemotePath> = self.shared_children(call).await?.iter().map(last).collect();
        let seen = Looked { layout, kept, tools, repository, cache, writes_shared, sudo };
        let results = self.probe(seen.text(), "look at the directories, the tools and the repository", &hosts).await;
        for result in &results {
            blockers.extend(self.findings(result, &seen));
        }
        if !writes_shared {
            self.warn_of_shared(&results, &seen.layout);
        }
        let looked = !results.iter().any(|result| self.is_not_looked_at(result));
        let answered = results.iter().filter(|result| result.status.is_success());
        let answered: Vec<HostId> = answered.map(|result| result.host.clone()).collect();
        if looked && !answered.is_empty() {
            // What a deploy would be refused for, but for what has just been found.
            let opened = self.open(call, Purpose::Check, answered).await?;
            let new: Vec<Problem> =
                opened.blockers.into_iter().filter(|problem| !is_found(&blockers, problem)).collect();
            blockers.extend(new);
        }
        let mut untried = 0;
        let lost = |result: &&CommandResult| matches!(result.status, ExitStatus::Lost(_));
        let lost: Vec<HostId> = results.iter().filter(lost).map(|result| result.host.clone()).collect();
        let dependencies = self.dependencies.borrow().clone();
        for dependency in &dependencies {
            match self.check_dependency(call, dependency, &lost).await? {
                Some(found) => blockers.extend(found),
                None => untried += 1,
            }
        }
        if !blockers.is_empty() {
            return Err(self.refuse(call, blockers));
        }
        let text = verdict(looked, untried);
        self.port.tell(Event::Message { level: Level::Info, host: None, text });
        Ok(())
    }

    fn warn_of_shared(&self, results: &[CommandResult], layout: &Layout) {
        let is_absent =
            |result: &&CommandResult| String::from_utf8_lossy(&result.stdout).lines().any(|l| l == ABSENT_SHARED);
        let hosts: Vec<&str> = results.iter().filter(is_absent).map(|result| result.host.as_str()).collect();
        if !hosts.is_empty() {
            let text = format!(
                "{} is not there on {}: links into it will point nowhere; `cap deploy:setup` makes it",
                layout.shared,
                hosts.join(", ")
            );
            self.port.tell(Event::Message { level: Level::Warning, host: None, text });
        }
    }

    /// Tells every blocker; the exception sums them up.
    fn refuse(&self, call: &Call, blockers: Vec<Problem>) -> Unwind {
        let count = blockers.len();
        let mut hosts: Vec<&HostId> = blockers.iter().filter_map(|problem| problem.host.as_ref()).collect();
        hosts.sort();
        hosts.dedup();
        let things = if count == 1 { "1 thing is".to_owned() } else { format!("{count} things are") };
        let where_ = match hosts.len() {
            0 => String::new(),
            1 => " on 1 host".to_owned(),
            several => format!(" on {several} hosts"),
        };
        let first = blockers.first().map_or(ProblemKind::Layout, |problem| problem.kind);
        let mut whole = Problem::new(first, "check that the hosts are ready", format!("{things} in the way{where_}"));
        whole.task = Some("deploy:check".to_owned());
        whole.next = Some("mend what is listed above, then run `cap deploy:check` again".to_owned());
        for problem in blockers {
            self.port.tell(Event::Failed { problem });
        }
        fail(call, whole)
    }

    /// An exception as one of the blockers; a jump goes on.
    fn as_blocker(&self, call: &Call, unwind: Unwind) -> R<Problem> {
        if unwind.exception().is_none() {
            return Err(unwind);
        }
        Ok(problem_of(&call.interp().error(unwind), "read the repository"))
    }

    /// What tries on a host whether it can read the repository; none where that cannot even be asked.
    async fn repository_question(self: &Rc<Self>, call: &Call, pinned: Option<&Pinned>) -> R<Option<Repository>> {
        let source = match pinned {
            Some(pinned) => pinned.source.clone(),
            None => self.scm_source(call).await?,
        };
        if source.password.is_some() {
            let text = format!(
                "a deploy gives the hosts the password for {} on standard input, which a check does not: whether they can \
                 read it shows then",
                source.url
            );
            self.port.tell(Event::Message { level: Level::Info, host: None, text });
        }
        let known_hosts = self.known_hosts(call, &source).await;
        let text = source.host_probe(pinned.map(|pinned| &pinned.pinned), &known_hosts);
        let text = text.map_err(|error| {
            fail(call, self.scm_problem("ask the hosts about the repository", &error, "repository", Some(&source)))
        })?;
        let by_hand = match source.kind {
            ScmKind::Git => format!("git ls-remote {}", typed(&source.url.to_string())),
            ScmKind::Subversion => format!("svn info {}", typed(&source.url.to_string())),
        };
        let site = self.set_at("repository");
        Ok(Some(Repository { text, url: source.url.to_string(), by_hand, site }))
    }

    /// What tries on a host whether the cache would be taken for one, and where that is.
    async fn cache_question(self: &Rc<Self>, call: &Call, pinned: &Pinned, layout: &Layout) -> R<(String, RemotePath)> {
        let cache = self.repository_cache(call, layout).await?;
        let text = pinned.source.cache_probe(&cache).map_err(|error| {
            fail(call, self.scm_problem("look at the cache", &error, "repository_cache", Some(&pinned.source)))
        })?;
        Ok((text, cache))
    }

    async fn probe(&self, text: String, shown: &str, hosts: &[HostId]) -> Vec<CommandResult> {
        let command = Command {
            shown: shown.to_owned(),
            text: CommandText::Same(format!("sh -c {}", quote(&text))),
            hosts: hosts.to_vec(),
            task: Some("deploy:check".to_owned()),
            site: None,
            class: StepClass::Idempotent,
            sudo: false,
            pty: false,
            max_hosts: None,
            continue_on_error: false,
            forward_agent: self.forwards_agent(),
        };
        self.port.command(command, Want::Reach, Suspension::Facts).await
    }

    /// A rehearsal looks at no host that it may not connect to, or that the flow would have changed before.
    fn is_not_looked_at(&self, result: &CommandResult) -> bool {
        result.status == ExitStatus::Skipped && self.port.is_rehearsal()
    }

    fn findings(&self, result: &CommandResult, seen: &Looked) -> Vec<Problem> {
        if !result.status.is_success() {
            if self.is_not_looked_at(result) {
                return Vec::new();
            }
            if let Some(problem) = out_of_reach(result) {
                return vec![problem];
            }
            let tail = String::from_utf8_lossy(&result.stderr);
            let why = format!("{}: {}", result.status, tail.trim());
            return vec![Problem::new(ProblemKind::Step, "look at the host", why).on(&result.host)];
        }
        let output = String::from_utf8_lossy(&result.stdout).into_owned();
        let login = output.lines().find_map(|line| line.strip_prefix("login ")).unwrap_or("LOGIN").to_owned();
        let is_of_shared = |line: &str| line.split([' ', '\t']).nth(1) == Some("shared");
        let is_finding = |line: &&str| {
            let in_the_way = seen.writes_shared || line.starts_with("other ") || !is_of_shared(line);
            let is_blocker = *line != ABSENT_SHARED && in_the_way;
            !line.starts_with("login ") && is_blocker
        };
        let lines = output.lines().filter(is_finding);
        lines
            .filter_map(|line| {
                let found = finding(line, &result.host, &login, &seen.layout, &seen.tools);
                found.or_else(|| seen.in_the_way(line, &result.host))
            })
            .chain(seen.cache.as_ref().and_then(|(_, cache)| cache_finding(&output, &result.host, cache)))
            .chain(
                seen.repository.as_ref().and_then(|repository| repository.finding(&output, &result.host, &seen.tools)),
            )
            .map(|problem| problem.on(&result.host))
            .collect()
    }

    /// One thing that the recipe depends on, on those of its hosts that have answered so far; none where a rehearsal does
    /// not try it.
    async fn check_dependency(
        self: &Rc<Self>,
        call: &Call,
        dependency: &Dependency,
        lost: &[HostId],
    ) -> R<Option<Vec<Problem>>> {
        let arguments: Vec<String> = dependency.arguments.iter().map(Value::to_s).collect();
        let first = arguments.first().cloned().unwrap_or_default();
        let test = test_of(&dependency.kind, &arguments);
        let message = dependency.message.borrow().clone();
        let text = message.unwrap_or_else(|| test.message.clone());
        let problem = |why: String| {
            let what = format!("find what the recipe depends on, the {} {first}", dependency.kind);
            let mut problem = Problem::new(ProblemKind::MissingTool, what, why).next(test.next);
            problem.site = dependency.site.clone();
            problem.task = Some("deploy:check".to_owned());
            problem
        };
        let line = CommandLine::Shell(test.text.clone());
        // The command of a `match' is the recipe's own: nobody knows whether it only looks.
        let own = dependency.kind == "match" || !(dependency.remote || only_reads(&line));
        if own && self.port.is_rehearsal() {
            return Ok(None);
        }
        if !dependency.remote {
            let command = deploy_ruby::Command {
                line,
                env: Vec::new(),
                dir: None,
                stdin: Some(Vec::new()),
                capture: true,
                stderr: Stderr::Capture,
            };
            let done = self.local_effects(call).run(call, command).await;
            let fine = done.is_ok_and(|finished| finished.status == Some(0));
            return Ok(Some(if fine { Vec::new() } else { vec![problem(format!("{text} (on this machine)"))] }));
        }
        let options = self.current_task().map(|task| task.options.clone());
        let wanted = Wanted::read(call, options.as_deref(), &dependency.options).await?;
        let hosts: Vec<HostId> =
            self.scope(call, &wanted).await?.unwrap_or_default().into_iter().map(|host| host.id).collect();
        let hosts: Vec<HostId> = hosts.into_iter().filter(|host| !lost.contains(host)).collect();
        if hosts.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let results = self.probe(test.text, &format!("check {} {first}", dependency.kind), &hosts).await;
        let mut found = Vec::new();
        for result in results {
            if self.is_not_looked_at(&result) {
                return Ok(None);
            }
            if let Some(problem) = out_of_reach(&result) {
                found.push(problem);
                continue;
            }
            let fine = match (dependency.kind.as_str(), dependency.arguments.get(1)) {
                ("match", Some(expected)) => matches(call, expected, &result.stdout).await?,
                _ => result.status.is_success(),
            };
            if !fine {
                found.push(problem(text.clone()).on(&result.host));
            }
        }
        Ok(Some(found))
    }
}

/// Whether what stands against a deploy has been found by the check's own look at the same place.
fn is_found(found: &[Problem], problem: &Problem) -> bool {
    let places = found
        .iter()
        .filter(|old| old.host == problem.host && old.kind == problem.kind)
        .filter_map(|old| ["find ", "write into ", "switch "].iter().find_map(|looked| old.what.strip_prefix(looked)));
    let is_of = |place: &str| problem.why.strip_prefix(place).is_some_and(|rest| rest.starts_with(' '));
    places.into_iter().any(is_of)
}

/// Why a host gave no answer.
fn out_of_reach(result: &CommandResult) -> Option<Problem> {
    let ExitStatus::Lost(why) = &result.status else { return None };
    let lost = || Problem::new(ProblemKind::Connect, format!("ask {}", result.host), why.clone()).on(&result.host);
    Some(result.unreached.as_deref().cloned().unwrap_or_else(lost))
}

/// The last word of a check that found nothing in the way.
fn verdict(looked: bool, untried: usize) -> String {
    let untried = match untried {
        0 => String::new(),
        1 => "; 1 `depend' of the recipe is tried only in a real run".to_owned(),
        several => format!("; {several} `depend's of the recipe are tried only in a real run"),
    };
    if looked {
        format!("the hosts are ready for a deploy{untried}")
    } else {
        format!("no host was looked at, so nothing is known of whether they are ready: run `cap deploy:check`{untried}")
    }
}

async fn matches(call: &Call, expected: &Value, output: &[u8]) -> R<bool> {
    let output = Value::bytes(output.to_vec());
    let answer = match expected {
        Value::Regexp(_) => call.send(expected, "===", Args::one(output)).await?,
        text => call.send(&output, "include?", Args::one(text.to_s())).await?,
    };
    Ok(answer.truthy())
}

struct Test {
    text: String,
    message: String,
    next: &'static str,
}

fn test_of(kind: &str, arguments: &[String]) -> Test {
    let argument = |n: usize| arguments.get(n).cloned().unwrap_or_default();
    let (first, second) = (argument(0), argument(1));
    let (text, message) = match kind {
        "directory" => (format!("test -d {}", quote_path(&first)), format!("{first} is not a directory")),
        "file" => (format!("test -f {}", quote_path(&first)), format!("{first} is not a file")),
        "writable" => (format!("test -w {}", quote_path(&first)), format!("{first} is not writable")),
        "command" => (format!("command -v {} >/dev/null", quote(&first)), format!("{first} is not in the PATH")),
        "gem" => (
            format!("gem list --installed {} --version {} >/dev/null", quote(&format!("^{first}$")), quote(&second)),
            format!("the gem {first} {second} is not installed"),
        ),
        "deb" => (
            format!("dpkg -s {} | grep {} >/dev/null", quote(&first), quote(&format!("^Version: {second}"))),
            format!("the package {first} {second} is not installed"),
        ),
        "rpm" => (
            format!("rpm -q {} | grep {} >/dev/null", quote(&first), quote(&second)),
            format!("the package {first} {second} is not installed"),
        ),
        _ => (first.clone(), format!("the output of {first:?} is not as expected ({second})")),
    };
    let next = match kind {
        "directory" => "make it on the host (`cap ssh HOST` goes there), or take the `depend' out of the recipe",
        "file" => "put it there, or take the `depend' out of the recipe",
        "writable" => "let the login write there, or take the `depend' out of the recipe",
        "match" => "run the command by hand in `cap ssh HOST` and compare, or take the `depend' out of the recipe",
        _ => "install it, or take the `depend' out of the recipe",
    };
    Test { text, message, next }
}

/// What is looked at on every host.
struct Looked {
    layout: Layout,
    /// Directories in `shared/`.
    kept: Vec<RemotePath>,
    /// Programs with what they are needed for.
    tools: Vec<(String, String)>,
    repository: Option<Repository>,
    /// What tries the cache of the repository, and where that is.
    cache: Option<(String, RemotePath)>,
    /// Whether a deploy writes into `shared/`.
    writes_shared: bool,
    /// Whether `deploy:setup` makes directories as root.
    sudo: bool,
}

/// What the probe says where `shared/` is missing.
const ABSENT_SHARED: &str = "absent shared";

impl Looked {
    fn text(&self) -> String {
        let mut text = probe_text(&self.layout, &self.tools, self.sudo);
        for (index, place) in self.kept.iter().enumerate() {
            let place = quote_path(&place.to_string());
            text.push_str(&format!("if [ -e {place} ] && [ ! -d {place} ]; then echo 'kept {index}'; fi\n"));
        }
        let log = quote_path(&self.log().to_string());
        text.push_str(&format!("if [ -d {log} ]; then echo 'log directory'; fi\n"));
        if let Some((cache, _)) = &self.cache {
            text.push_str(&format!("said=$( {cache} 2>&1) || printf '%s\\n' \"$said\" | sed 's/^/cache /'\n"));
        }
        if let Some(repository) = &self.repository {
            // A client that is missing is a finding of its own.
            let program = self.tools.first().map(|(program, _)| quote(program)).unwrap_or_else(|| "sh".to_owned());
            text.push_str(&format!("if command -v {program} >/dev/null 2>&1; then\n"));
            text.push_str(&format!("  if said=$( {} 2>&1); then :; else\n", repository.text));
            text.push_str("    echo unreadable; printf '%s\\n' \"$said\" | sed 's/^/said /'\n  fi\nfi\n");
        }
        text
    }
}

impl Looked {
    /// Where each deploy adds a line.
    fn log(&self) -> RemotePath {
        self.layout.deploy_to.join("revisions.log")
    }

    /// Something else than what belongs in a place.
    fn in_the_way(&self, line: &str, host: &HostId) -> Option<Problem> {
        let (word, rest) = line.split_once(' ')?;
        let found = match word {
            "kept" => Unwritable::no_directory(self.kept.get(rest.parse::<usize>().ok()?)?),
            "log" => Unwritable::no_file(&self.log()),
            _ => return None,
        };
        let what = if word == "kept" { "keep what outlives releases" } else { "log the release" };
        Some(told(what.to_owned(), found, host))
    }
}

/// How the repository is tried on a host.
struct Repository {
    text: String,
    url: String,
    by_hand: String,
    site: Option<Site>,
}

impl Repository {
    /// What a host's output says of it.
    fn finding(&self, output: &str, host: &HostId, tools: &[(String, String)]) -> Option<Problem> {
        if !output.lines().any(|line| line == "unreadable") {
            return None;
        }
        let said: Vec<u8> =
            output.lines().filter_map(|line| line.strip_prefix("said ")).collect::<Vec<_>>().join("\n").into();
        let why = deploy_scm::complaint(&said);
        let over_ssh = tools.iter().any(|(program, _)| program == "ssh");
        let next = if over_ssh && why.contains("Host key verification failed") {
            format!(
                "log in to the repository's host once from this machine, so that its key is in your known_hosts; {}",
                by_hand(host, &self.by_hand)
            )
        } else if over_ssh && why.contains("Permission denied") {
            format!(
                "give {host} a key for the repository, or set :forward_agent in ssh_options; {}",
                by_hand(host, &self.by_hand)
            )
        } else {
            by_hand(host, &self.by_hand)
        };
        let problem = Problem::new(ProblemKind::Scm, format!("read the repository {} from the host", self.url), why);
        Some(problem.at(self.site.clone()).next(next))
    }
}

/// What is said of a directory that the repository would have been kept in.
fn cache_finding(output: &str, host: &HostId, cache: &RemotePath) -> Option<Problem> {
    let said = output.lines().find_map(|line| line.strip_prefix("cache "))?;
    let (why, next) = said.split_once("; ").unwrap_or((said, "move it away"));
    let path = cache.to_string();
    let away = by_hand(host, &format!("mv {} {}", quote_path(&path), quote_path(&format!("{path}.before"))));
    Some(Problem::new(ProblemKind::Scm, format!("keep the repository in {path}"), why).next(format!("{next}; {away}")))
}

/// The nearest directory above the root, where the login may not make the root in it.
fn parent_text(sudo: bool) -> String {
    let may_make = if sudo { ":" } else { "[ -w \"$a\" ]" };
    format!(
        "a=$p; while [ -n \"$a\" ] && [ ! -e \"$a\" ]; do a=${{a%/*}}; done; a=${{a:-/}}\n\
         if [ -e \"$p\" ]; then echo 'other deploy_to'; elif [ ! -d \"$a\" ]; then printf 'blocked deploy_to\\t%s\\n' \"$a\"; \
         elif {may_make}; then echo 'absent deploy_to'; else \
         printf 'unmakable deploy_to\\t%s\\t%s\\n' \"$(stat -L -c '{}' \"$a\" 2>/dev/null)\" \"$a\"; fi",
        Owner::STAT
    )
}

/// What the host prints: one finding a line. With `sudo`, setup may make directories anywhere.
fn probe_text(layout: &Layout, tools: &[(String, String)], sudo: bool) -> String {
    let mut text = String::from("echo \"login $(id -un)\"\n");
    let look = |name: &str, path: &RemotePath| {
        let path = quote_path(&path.to_string());
        let absent = match name {
            "deploy_to" => parent_text(sudo),
            _ => format!("if [ -e \"$p\" ]; then echo 'other {name}'; else echo 'absent {name}'; fi"),
        };
        format!(
            "p={path}; if [ ! -d \"$p\" ]; then {absent}; elif [ ! -w \"$p\" ]; then \
             case $(LC_ALL=C rmdir \"$p/.capstan-no-such\" 2>&1) in *Read-only*) w=mounted ;; *) w=unwritable ;; esac; \
             printf '%s\\t%s\\n' \"$w {name}\" \"$(stat -L -c '{}' \"$p\" 2>/dev/null)\"; fi\n",
            Owner::STAT
        )
    };
    text.push_str(&look("deploy_to", &layout.deploy_to));
    // Where the root is missing, what should be in it is no news.
    let root = quote_path(&layout.deploy_to.to_string());
    text.push_str(&format!("if [ -d {root} ]; then\n"));
    text.push_str(&look("releases", &layout.releases));
    text.push_str(&look("shared", &layout.shared));
    text.push_str("fi\n");
    let current = quote_path(&layout.current.to_string());
    text.push_str(&format!("p={current}; if [ -e \"$p\" ] && [ ! -L \"$p\" ]; then echo 'real current'; fi\n"));
    for (index, (program, _)) in tools.iter().enumerate() {
        text.push_str(&format!("command -v {} >/dev/null 2>&1 || echo 'tool {index}'\n", quote(program)));
    }
    text
}

fn finding(line: &str, host: &HostId, login: &str, layout: &Layout, tools: &[(String, String)]) -> Option<Problem> {
    let (word, rest) = line.split_once(' ')?;
    let (name, stat) = rest.split_once('\t').unwrap_or((rest, ""));
    let place = match name {
        "deploy_to" => &layout.deploy_to,
        "releases" => &layout.releases,
        "shared" => &layout.shared,
        _ => &layout.current,
    };
    let path = place.to_string();
    let quoted = quote_path(&path);
    Some(match word {
        "absent" => Problem::new(ProblemKind::Layout, format!("find {path}"), "it is not there")
            .next("`cap deploy:setup` makes what is missing, on all hosts"),
        "other" => told(format!("find {path}"), Unwritable::no_directory(place), host),
        "blocked" => told(format!("find {path}"), Unwritable::below_a_file(stat), host),
        "unmakable" => {
            let (stat, parent) = stat.rsplit_once('\t')?;
            let mut found = Unwritable::to_make(place, parent, Owner::of_stat(stat).as_ref(), login);
            found.why = format!("it is not there, and {}", found.why);
            told(format!("find {path}"), found, host)
        }
        "unwritable" | "mounted" => {
            let read_only = word == "mounted";
            let found = Place { read_only, owner: Owner::of_stat(stat), ..Place::default() };
            told(format!("write into {path}"), Unwritable::new(place, &found, login), host)
        }
        "real" => Problem::new(
            ProblemKind::CurrentNotALink,
            format!("switch {path}"),
            "it is a real file or directory, no link",
        )
        .next(by_hand(host, &format!("mv {quoted} {}", quote_path(&format!("{path}.before"))))),
        "tool" => {
            let (program, purpose) = rest.parse::<usize>().ok().and_then(|index| tools.get(index))?;
            Problem::new(ProblemKind::MissingTool, format!("find {program}"), format!("it is needed to {purpose}"))
                .next(format!("install {program} on {host}"))
        }
        _ => return None,
    })
}

/// Why something cannot be used, and the command that mends it.
fn told(what: String, found: Unwritable, host: &HostId) -> Problem {
    let next = found.command.map(|command| by_hand(host, &command));
    Problem::new(ProblemKind::Layout, what, found.why).next(next.unwrap_or_else(|| Unwritable::ELSE.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout() -> Layout {
        Layout::new(RemotePath::new("/var/www/my shop").unwrap())
    }

    #[test]
    fn findings_name_what_mends_them() {
        let tools = [("git".to_owned(), "read the git repository".to_owned())];
        let of = |line: &str| finding(line, &HostId::new("web1"), "deploy", &layout(), &tools).unwrap();
        assert!(of("absent releases").next.unwrap().starts_with("`cap deploy:setup` "));
        let next = of("unwritable deploy_to").next.unwrap();
        assert!(next.starts_with("in `cap ssh web1`: sudo chown deploy: ") && next.ends_with("'"), "{next}");
        let theirs = of("unwritable releases\t755\troot\tdomain users\t64\t12");
        assert!(
            theirs.why.contains("belongs to root:domain users with mode 755, and deploy may not"),
            "{}",
            theirs.why
        );
        assert!(theirs.next.unwrap().starts_with("in `cap ssh web1`: sudo chown deploy: "));
        let ours = of("unwritable releases\t555\tdeploy\tdeploy\t64\t12").next.unwrap();
        assert!(ours.starts_with("in `cap ssh web1`: chmod u+rwx ") && !ours.contains("chown"), "{ours}");
        let absent = of("unmakable deploy_to\t755\troot\troot\t64\t2\t/");
        assert!(absent.why.contains("may not make directories in / (it belongs to root:root"), "{}", absent.why);
        assert!(absent.next.unwrap().contains("sudo mkdir -p "));
        assert_eq!(of("real current").kind, ProblemKind::CurrentNotALink);
        assert_eq!(of("tool 0").why, "it is needed to read the git repository");
        assert!(finding("noise", &HostId::new("web1"), "deploy", &layout(), &tools).is_none());
    }

    #[test]
    fn the_probe_runs_in_sh() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("app");
        std::fs::create_dir_all(root.join("releases")).unwrap();
        std::fs::create_dir_all(root.join("current")).unwrap();
        let layout = Layout::new(RemotePath::new(root.to_str().unwrap()).unwrap());
        let tools = [("sh".to_owned(), String::new()), ("no-such-tool-here".to_owned(), String::new())];
        let output =
            std::process::Command::new("sh").arg("-c").arg(probe_text(&layout, &tools, false)).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("login ")).collect();
        assert_eq!(lines, ["absent shared", "real current", "tool 1"]);
    }
}
