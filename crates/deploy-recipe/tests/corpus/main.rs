//! What part of a folder of real recipes can be used: run by `cargo xtask corpus DIR`, not a test of its own.
//!
//! A case is a directory with a recipe (`Capfile`, `config/deploy.rb`, stages, tasks). Everything happens in memory: the
//! recipes are anybody's, so no file outside the case is read, none is written, no process is started. Commands on hosts
//! answer with nothing; a test of a recipe is answered both ways.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, reason = "a program for people")]

mod hosts;

use deploy_plan::{Problem, Program, Stopped};
use deploy_recipe::{Loader, Recipe, TaskInfo};
use deploy_ruby::{Finished, Interp, MemoryEffects, NoHost};
use hosts::Silent;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// One recipe with its files, by path.
struct Case {
    name: String,
    generation: &'static str,
    files: BTreeMap<String, String>,
}

/// What was found about one case.
#[derive(Default)]
struct Found {
    parsed: bool,
    loads: bool,
    loads_allowing: bool,
    /// It stops where Ruby would stop it, too: at its own `raise` or `exit`, or at a file that the case has not.
    stops_itself: bool,
    bodies: bool,
    causes: Vec<String>,
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let Some(dir) = args.first() else {
        println!("no folder of recipes given: nothing to do");
        return;
    };
    let only = args.get(1).cloned().unwrap_or_default();
    let cases = cases(Path::new(dir));
    let mut rows: BTreeMap<&str, Vec<(String, Found)>> = BTreeMap::new();
    for case in cases.into_iter().filter(|case| case.name.contains(&only)) {
        let (name, generation) = (case.name.clone(), case.generation);
        let found = std::thread::Builder::new().stack_size(64 << 20).spawn(move || look_at(&case)).unwrap().join();
        let found = found.unwrap_or_else(|_| Found { causes: vec!["PANIC".to_owned()], ..Found::default() });
        rows.entry(generation).or_default().push((name, found));
    }
    for (generation, rows) in &rows {
        report(generation, rows, !only.is_empty());
    }
}

/// Directories with a recipe, and their text files.
fn cases(dir: &Path) -> Vec<Case> {
    let mut found = Vec::new();
    let mut pending = vec![dir.to_path_buf()];
    while let Some(at) = pending.pop() {
        let recipe = ["Capfile", "capfile", "config/deploy.rb", "app/config/deploy.rb"];
        if recipe.iter().any(|name| at.join(name).is_file()) {
            let mut files = BTreeMap::new();
            read_all(&at, &at, &mut files);
            let text = |name: &str| files.get(name).cloned().unwrap_or_default();
            let capfile = format!("{}{}", text("Capfile"), text("capfile"));
            let newer = capfile.contains("capistrano/setup") || text("config/deploy.rb").contains("repo_url");
            let name = at.strip_prefix(dir).unwrap_or(&at).display().to_string();
            found.push(Case { name, generation: if newer { "dialect 3" } else { "dialect 2" }, files });
            continue;
        }
        let entries = std::fs::read_dir(&at).into_iter().flatten().flatten();
        pending.extend(entries.map(|entry| entry.path()).filter(|path| path.is_dir() && !path.is_symlink()));
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

fn read_all(root: &Path, at: &Path, files: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(at).into_iter().flatten().flatten() {
        let path: PathBuf = entry.path();
        if path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            read_all(root, &path, files);
        } else if let Ok(bytes) = std::fs::read(&path) {
            let name = path.strip_prefix(root).unwrap().display().to_string();
            files.insert(name, String::from_utf8_lossy(&bytes).into_owned());
        }
    }
}

fn look_at(case: &Case) -> Found {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut found = Found { parsed: parses(case), ..Found::default() };
    runtime.block_on(async {
        let mut allowed = Vec::new();
        for (round, stage) in stages(case).into_iter().enumerate() {
            let (strict, recipe) = load_allowing(case, &stage, &mut allowed).await;
            let first = round == 0;
            found.loads = strict.is_none() && (first || found.loads);
            found.causes.extend(strict.iter().map(|problem| format!("load: {}", cause(problem))));
            match recipe {
                Ok(recipe) => {
                    found.loads_allowing |= first;
                    if first {
                        found.bodies = bodies(&recipe, &mut found.causes).await;
                    }
                }
                Err(problem) => {
                    found.loads_allowing = false;
                    found.stops_itself = itself(&problem);
                    found.causes.push(format!("load with gems allowed: {}", cause(&problem)));
                    break;
                }
            }
        }
    });
    found.bodies &= found.loads_allowing;
    found
}

fn parses(case: &Case) -> bool {
    let interp = Interp::new(Rc::new(NoHost), Rc::new(MemoryEffects::new()));
    let recipe = |name: &str| {
        name == "Capfile"
            || name.ends_with("config/deploy.rb")
            || name.contains("config/deploy/") && name.ends_with(".rb")
    };
    case.files.iter().filter(|(name, _)| recipe(name)).all(|(name, text)| interp.parse(name, text).is_ok())
}

/// Each stage file in its turn; one round without any where there is none.
fn stages(case: &Case) -> Vec<Option<String>> {
    let inside = |name: &&String| {
        let folder = ["config/deploy/", "app/config/deploy/"].iter().find_map(|folder| name.strip_prefix(folder));
        folder.is_some_and(|rest| rest.ends_with(".rb") && !rest.contains('/'))
    };
    let found: Vec<Option<String>> = case.files.keys().filter(inside).cloned().map(Some).collect();
    if found.is_empty() { vec![None] } else { found }
}

fn world(case: &Case) -> Rc<MemoryEffects> {
    let effects = Rc::new(MemoryEffects::new());
    effects.set_clock("2026-11-23T05:44:46Z".parse().unwrap());
    for (name, text) in &case.files {
        effects.add_file(&format!("/app/{name}"), text);
    }
    effects.enter("/app");
    for _ in 0..20 {
        effects.add_answer("");
    }
    // The deployer's working copy of the project, on a branch.
    effects.on_run(|command| {
        let deploy_ruby::CommandLine::Shell(line) = &command.line else {
            return Ok(Finished { status: Some(0), ..Finished::default() });
        };
        let stdout = match line.split('|').next().unwrap_or_default().trim() {
            text if text.starts_with("git branch") => "* master\n",
            text if text.contains("rev-parse --abbrev-ref") || text.contains("symbolic-ref") => "master\n",
            text if text.starts_with("git rev-parse") => "0123456789012345678901234567890123456789\n",
            "whoami" => "deployer\n",
            _ => "",
        };
        Ok(Finished { status: Some(0), stdout: stdout.as_bytes().to_vec(), ..Finished::default() })
    });
    for (name, value) in
        [("USER", "deployer"), ("HOME", "/home/deployer"), ("PATH", "/usr/bin:/bin"), ("LANG", "C.UTF-8")]
    {
        deploy_ruby::Effects::set_env(&*effects, name, Some(value));
    }
    effects
}

/// Whether the first word of the command line chooses a stage.
fn has_stages(case: &Case) -> bool {
    case.generation == "dialect 3" || case.files.values().any(|text| text.contains("capistrano/ext/multistage"))
}

async fn load(case: &Case, stage: &Option<String>, allowed: &[String]) -> Result<Recipe, Box<Problem>> {
    let mut loader = Loader::new(world(case));
    loader.allow_require = allowed.to_vec();
    loader.rehearsal = true;
    // Some ask until an answer pleases them, which none does here.
    loader.steps = 3_000_000;
    let usual = ["Capfile", "capfile", "config/deploy.rb"].iter().any(|name| case.files.contains_key(*name));
    if !usual {
        loader.files = vec!["app/config/deploy.rb".to_owned()];
    } else if let Some(stage) = stage.as_ref().filter(|_| has_stages(case)) {
        let name = stage.rsplit('/').next().unwrap_or(stage);
        loader.words = vec![name.trim_end_matches(".rb").to_owned()];
    } else if let Some(stage) = stage {
        loader.default_too = true;
        loader.files = vec![stage.clone()];
    }
    loader.load().await
}

/// The first problem of a load without any gem let pass, and what comes of it when those in the way are, one by one.
async fn load_allowing(
    case: &Case,
    stage: &Option<String>,
    allowed: &mut Vec<String>,
) -> (Option<Box<Problem>>, Result<Recipe, Box<Problem>>) {
    let strict = load(case, stage, &[]).await.err();
    loop {
        let result = load(case, stage, allowed).await;
        let gem = result.as_ref().err().and_then(|problem| required(problem));
        match gem {
            Some(gem) if !allowed.contains(&gem) && allowed.len() < 60 => allowed.push(gem),
            _ => return (strict, result),
        }
    }
}

/// The name whose `require` or `load` the problem is about.
fn required(problem: &Problem) -> Option<String> {
    let text = format!("{} {}", problem.what, problem.why);
    let (_, after) = text
        .split_once("no such file to load -- ")
        .filter(|(_, name)| !["config/", "lib/", ".", "/"].iter().any(|own| name.starts_with(own)))
        .or_else(|| text.split_once("require "))
        .or_else(|| text.split_once("load "))
        .or_else(|| text.split_once("cannot load such file -- "))?;
    if !after.starts_with([' ', '(', '`', '"', '\'']) {
        return after.split_whitespace().next().map(str::to_owned);
    }
    let quoted = after.trim_start_matches([' ', '(', '`']);
    let quote = quoted.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    quoted[1..].split(quote).next().map(str::to_owned)
}

/// Whether every task that the recipe itself defines can be evaluated.
async fn bodies(recipe: &Recipe, causes: &mut Vec<String>) -> bool {
    let mut all = true;
    for task in recipe.tasks().into_iter().filter(own) {
        for yes in [true, false] {
            match recipe.program(vec![task.name.clone()]).run(&Silent::new(yes)).await {
                Ok(()) | Err(Stopped::Run) => {}
                Err(Stopped::Problem(problem)) if harmless(&problem) || itself(&problem) => {}
                Err(Stopped::Problem(problem)) => {
                    causes.push(format!("task {}: {}", task.name, cause(&problem)));
                    all = false;
                    break;
                }
            }
        }
    }
    all
}

/// Whether the recipe has written a task itself.
fn own(task: &TaskInfo) -> bool {
    task.site.as_ref().is_some_and(|site| !site.file.starts_with("built-in "))
}

/// Problems of a fleet that is not there, not of the language.
fn harmless(problem: &Problem) -> bool {
    !matches!(problem.kind, deploy_plan::ProblemKind::Recipe)
}

/// Whether the recipe ended by its own words, or for want of a file.
fn itself(problem: &Problem) -> bool {
    let source = problem.why.lines().nth(1).unwrap_or_default().trim();
    let words = ["raise", "abort", "exit", "fail"];
    let mut tokens = source.split(|c: char| !c.is_alphanumeric() && c != '_');
    let of_the_project = |name: &str| ["config/", "lib/", "."].iter().any(|own| name.starts_with(own));
    let missing = ["no such file to load -- ", "cannot load such file -- "];
    let text = format!("{} {}", problem.what, problem.why);
    missing.iter().any(|words| text.split_once(words).is_some_and(|(_, name)| of_the_project(name)))
        || problem.why.starts_with("there is no such file in ")
        || problem.why.starts_with("the recipe ended the run with status")
        || ["(Errno::ENOENT)", "(KeyError)"].iter().any(|class| problem.why.contains(class))
        || problem.why.starts_with("it ended with status")
        || problem.why.starts_with("it called exit")
        || tokens.any(|token| words.contains(&token))
}

fn cause(problem: &Problem) -> String {
    let why: Vec<&str> = problem.why.lines().take(2).map(str::trim).collect();
    format!("{}: {}", problem.what, why.join(" | "))
}

fn report(generation: &str, rows: &[(String, Found)], whole: bool) {
    let count = |good: fn(&Found) -> bool| {
        let n = rows.iter().filter(|(_, found)| good(found)).count();
        format!("{n:>4} of {:<4} {:>5.1} %", rows.len(), 100.0 * n as f64 / rows.len().max(1) as f64)
    };
    println!("\n{generation}");
    println!("  parsed                           {}", count(|found| found.parsed));
    println!("  loads                            {}", count(|found| found.loads));
    println!("  loads, unknown gems allowed      {}", count(|found| found.loads_allowing));
    println!("    or stop by their own words     {}", count(|found| found.loads_allowing || found.stops_itself));
    println!("    (a raise, an exit, or a file or setting of the project that the case has not)");
    println!("  every task body evaluates        {}", count(|found| found.bodies));
    let mut causes: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (name, found) in rows {
        for cause in &found.causes {
            let names = causes.entry(shape(cause)).or_default();
            // A recipe that each of its stages stops is one recipe.
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
    }
    let mut causes: Vec<_> = causes.into_iter().collect();
    causes.sort_by_key(|(_, names)| std::cmp::Reverse(names.len()));
    println!("  causes of failure, by how many recipes each stops:");
    for (cause, names) in causes.iter().take(if whole { usize::MAX } else { 60 }) {
        println!("    {:>3}  {cause}  ({})", names.len(), names[0]);
    }
}

/// A cause without what differs from case to case.
fn shape(cause: &str) -> String {
    let cause = cause.split(" | ").next().unwrap_or(cause);
    let (head, rest) = cause.split_once(": ").unwrap_or(("", cause));
    let head = if head.starts_with("task ") { "task" } else { head };
    let rest = rest.split_once("error: ").map_or(rest, |(_, rest)| rest);
    format!("{head}: {rest}")
}
