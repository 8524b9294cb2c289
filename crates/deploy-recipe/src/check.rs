//! What can be said of a recipe without running any of it: `cap check`.
//!
//! The files are found as the recipe asks for them by literal names, parsed, and looked through. What a recipe makes up
//! (`load "#{dir}/x"`) shows only when it runs.

use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;

use deploy_plan::Problem;
use deploy_ruby::{Call, Diagnostic, Interp, Request, RequestBase, RequestKind, Severity};

use crate::dialect::Dialect;
use crate::loader::Loader;
use crate::recipe::{Recipe, with_call};
use crate::v2::{Cap, how_to_allow};

/// How a `require` is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Met {
    /// A file of the project.
    File,
    /// Recipes of ours stand for the gem.
    BuiltIn,
    /// It would send notices: nothing is sent, which is said.
    Notifier,
    /// A part of Ruby's library that is built in, or a gem that is not needed here.
    Library,
    /// It loads the application, which is not needed here.
    Skipped,
    /// It was let pass by name.
    Allowed,
    /// Nothing: loading fails there.
    Unknown,
}

/// A `require` with a literal name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Required {
    /// The name.
    pub name: String,
    /// `file:line:column`
    pub place: String,
    /// How it is met.
    pub met: Met,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Checked {
    /// Which Capistrano the recipe is taken for.
    pub dialect: Dialect,
    /// Why: `Capfile:1: require "capistrano/setup"`, or in words.
    pub because: String,
    /// The files that were read, in their order.
    pub files: Vec<String>,
    /// What stops a run where it is reached, in the order of the files; with place, line of source and notes.
    pub errors: Vec<Diagnostic>,
    /// What may be missing.
    pub warnings: Vec<Diagnostic>,
    /// Whether a file is no Ruby at all: it stops every run that loads it.
    pub malformed: bool,
    /// Every literal `require`.
    pub required: Vec<Required>,
    /// Tasks that the recipe itself defines outside of any namespace, where their names are literal.
    pub top_tasks: Vec<String>,
}

/// Files that a pattern in a recipe may mean as further recipes.
const RECIPES: [&str; 3] = [".rb", ".rake", ".cap"];

impl Loader {
    /// Looks through all files of the recipe without running any of it.
    ///
    /// # Errors
    /// When there is no recipe, or its directory cannot be entered.
    pub async fn check(self) -> Result<Checked, Box<Problem>> {
        let recipe = Recipe::new(self.settings(), self.effects.clone());
        let (interp, cap) = (recipe.interp().clone(), recipe.cap().clone());
        let walked = with_call(&interp, &cap, move |call, cap| async move {
            let files = match self.first_files(&call).await {
                Ok(files) => files,
                Err(problem) => return Ok(Err(problem)),
            };
            let (dialect, because) = self.shown(&call, &files).await;
            cap.dialect.set(dialect);
            let mut walk = Walk::new(cap, dialect, because);
            walk.begin(files, &call).await;
            walk.run(&call).await;
            Ok(Ok(walk.found))
        });
        match walked.await {
            Ok(found) => found,
            Err(unwind) => Err(Box::new(crate::v2::problem_of(&interp.error(unwind), "look through the recipe"))),
        }
    }
}

/// A look through files, each once.
struct Walk {
    cap: Rc<Cap>,
    pending: VecDeque<String>,
    seen: BTreeSet<String>,
    found: Checked,
}

impl Walk {
    fn new(cap: Rc<Cap>, dialect: Dialect, because: String) -> Self {
        let found = Checked {
            dialect,
            because,
            files: Vec::new(),
            errors: Vec::new(),
            warnings: Vec::new(),
            malformed: false,
            required: Vec::new(),
            top_tasks: Vec::new(),
        };
        Self { cap, pending: VecDeque::new(), seen: BTreeSet::new(), found }
    }

    fn three(&self) -> bool {
        self.found.dialect == Dialect::Capistrano3
    }

    async fn begin(&mut self, files: Vec<String>, call: &Call) {
        let capfile = files.iter().any(|file| is_capfile(file));
        self.pending.extend(files);
        if self.three() && !capfile {
            self.stages(call).await;
            self.pending.extend(deploy_ruby::glob(call, "lib/capistrano/tasks/*.rake").await);
        }
    }

    /// What belongs to a recipe with stages.
    async fn stages(&mut self, call: &Call) {
        if self.three() {
            self.pending.push_back("config/deploy.rb".to_owned());
        }
        self.pending.extend(deploy_ruby::glob(call, "config/deploy/*.rb").await);
    }

    async fn run(&mut self, call: &Call) {
        while let Some(file) = self.pending.pop_front() {
            let file = normal(&file);
            if !self.seen.insert(file.clone()) {
                continue;
            }
            let Ok(bytes) = self.cap.local_effects(call).read(call, &file).await else { continue };
            self.found.files.push(file.clone());
            match call.interp().parse(&file, &String::from_utf8_lossy(&bytes)) {
                Ok(tree) => {
                    self.found.errors.extend(call.interp().unsupported(&tree));
                    self.found.top_tasks.extend(tree.top_tasks().iter().cloned());
                    for request in tree.requests() {
                        self.follow(call, &file, request).await;
                    }
                }
                Err(wrong) => {
                    self.found.malformed = true;
                    self.found.errors.extend(wrong);
                }
            }
        }
    }

    async fn follow(&mut self, call: &Call, file: &str, request: &Request) {
        let name = full_name(file, request);
        match request.kind {
            RequestKind::Glob => {
                let hits = deploy_ruby::glob(call, &name).await;
                self.pending.extend(hits.into_iter().filter(|hit| RECIPES.iter().any(|end| hit.ends_with(end))));
            }
            RequestKind::Load | RequestKind::Import => match self.cap.find_file(call, &name).await {
                Some((path, _)) => self.pending.push_back(path),
                None if self.is_bundled(&name) => {}
                None => {
                    let text = format!("there is no file {name}");
                    let warning = Diagnostic::warning(call.interp().sources(), Some(request.span), text);
                    self.found.warnings.push(warning);
                }
            },
            RequestKind::Require | RequestKind::RequireRelative => self.require(call, request, &name).await,
        }
    }

    fn is_bundled(&self, name: &str) -> bool {
        let name = name.strip_suffix(".rb").unwrap_or(name);
        ["deploy", "standard", "deploy/assets", "deploy/rails3"].contains(&name) || self.cap.is_allowed(name)
    }

    async fn require(&mut self, call: &Call, request: &Request, name: &str) {
        let met = match self.cap.how_met(name) {
            Met::Unknown => match self.cap.find_file(call, name).await {
                Some((path, _)) => {
                    self.pending.push_back(path);
                    Met::File
                }
                None => Met::Unknown,
            },
            met => met,
        };
        if name == "capistrano/setup" || name == "capistrano/ext/multistage" {
            self.stages(call).await;
        }
        let sources = call.interp().sources();
        let place = sources.position(request.span).map(|position| position.to_string()).unwrap_or_default();
        if met == Met::Unknown {
            let text = format!("nothing is built in for `require {:?}`: its tasks and words would be missing", name);
            let next = format!("next: {}", how_to_allow(name));
            self.found.errors.push(Diagnostic::error(sources, Some(request.span), text).with_note(next));
        }
        self.found.required.push(Required { name: name.to_owned(), place, met });
    }
}

/// Whether a file is a Capfile by its name.
pub(crate) fn is_capfile(file: &str) -> bool {
    file.rsplit('/').next().unwrap_or(file).to_lowercase().starts_with("capfile")
}

/// The path that a request means.
fn full_name(file: &str, request: &Request) -> String {
    if request.name.starts_with('/') {
        return request.name.clone();
    }
    let directory = file.rsplit_once('/').map_or("", |(directory, _)| directory);
    let base = match request.base {
        RequestBase::Directory => return request.name.trim_start_matches("./").to_owned(),
        RequestBase::File => file,
        RequestBase::FileDirectory => directory,
    };
    normal(&format!("{base}/{}", request.name))
}

/// A path without `.` and, where a part goes before it, without `..`.
fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "." => {}
            "" if !parts.is_empty() => {}
            ".." if parts.last().is_some_and(|last| !last.is_empty() && *last != "..") => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let skip = usize::from(!path.starts_with('/') && parts.first() == Some(&""));
    parts.split_off(skip).join("/")
}

impl Recipe {
    /// Every place in the loaded files whose syntax is outside the language. Only those that are reached stop a run.
    #[must_use]
    pub fn unsupported(&self) -> Vec<String> {
        let sources = self.cap().sources.borrow();
        let places = |(name, text): &(String, String)| unsupported(self.interp(), name, text);
        sources.iter().flat_map(places).collect()
    }
}

fn unsupported(interp: &Interp, name: &str, text: &str) -> Vec<String> {
    let Ok(tree) = interp.parse(name, text) else { return Vec::new() };
    let found = interp.unsupported(&tree);
    found.iter().filter(|found| found.severity == Severity::Error).map(Diagnostic::render).collect()
}

#[cfg(test)]
mod tests {
    use super::normal;

    #[test]
    fn paths_in_one_form() {
        for (path, plain) in [
            ("./config/deploy.rb", "config/deploy.rb"),
            ("config/deploy.rb/../../lib/x", "lib/x"),
            ("/app//config/./x", "/app/config/x"),
            ("../x", "../x"),
            ("/../x", "/../x"),
        ] {
            assert_eq!(normal(path), plain, "{path}");
        }
    }
}
