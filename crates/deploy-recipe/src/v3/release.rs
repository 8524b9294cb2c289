//! Places and names of releases: paths, the time stamp of the run, what is open on the hosts.

use std::rc::Rc;

use deploy_inventory::HostId;
use deploy_plan::{HostRelease, Layout, Problem, ProblemKind, Purpose, ReleaseId};
use deploy_ruby::{Call, Value};

use super::state::Scm;
use crate::v2::{Cap, R, fail, names};

impl Cap {
    /// `deploy_to`
    pub async fn deploy_path(self: &Rc<Self>, call: &Call) -> R<String> {
        let text = self.text3(call, "deploy_to").await?.unwrap_or_default();
        Ok(text.trim_end_matches('/').to_owned())
    }

    /// A directory of the layout by the word that names it.
    pub async fn place(self: &Rc<Self>, call: &Call, word: &str) -> R<String> {
        let (variable, default) = match word {
            "current_path" => ("current_directory", "current"),
            "releases_path" => ("releases_directory", "releases"),
            "shared_path" => ("shared_directory", "shared"),
            _ => ("revision_log_file", "revisions.log"),
        };
        let name = self.text3(call, variable).await?.unwrap_or_else(|| default.to_owned());
        Ok(format!("{}/{name}", self.deploy_path(call).await?))
    }

    /// Where the mirror of the repository is.
    pub async fn repo_path(self: &Rc<Self>, call: &Call) -> R<String> {
        match self.text3(call, "repo_path").await? {
            Some(path) => Ok(path),
            None => Ok(format!("{}/repo", self.deploy_path(call).await?)),
        }
    }

    /// The name of the release of this run, or what one would be called that began now.
    pub fn timestamp3(&self, call: &Call) -> String {
        if let Some(id) = self.deploying() {
            return id.to_string();
        }
        let now = call.interp().effects().now().strftime("%Y%m%d%H%M%S").to_string();
        self.flow.borrow_mut().timestamp.get_or_insert(now).clone()
    }

    /// From now on `release_path` is this release.
    pub async fn set_release_path(self: &Rc<Self>, call: &Call, name: &str) -> R {
        let path = format!("{}/{name}", self.place(call, "releases_path").await?);
        let mut variables = self.variables.borrow_mut();
        let _ = variables.set("release_timestamp", Value::str(name), None);
        let _ = variables.set("release_path", Value::object(deploy_ruby::Pathname::new(&path)), None);
        Ok(Value::from(path))
    }

    /// `linked_files`, `linked_dirs`: names inside the release. One that leaves it would have what it names there removed.
    pub async fn linked(self: &Rc<Self>, call: &Call, variable: &str) -> R<Vec<String>> {
        let list = self.read3(call, variable).await?.unwrap_or_default();
        let all: Vec<String> = names(&list)
            .iter()
            .map(|name| name.trim().trim_end_matches('/').to_owned())
            .filter(|name| !name.is_empty())
            .collect();
        let bad =
            all.iter().find(|name| name.starts_with('/') || name.split('/').any(|part| part == ".." || part == "."));
        if let Some(bad) = bad {
            let why = format!("{bad:?} leaves the release: what it names would be removed and replaced by a link");
            let problem = Problem::new(ProblemKind::Usage, format!("read the variable `{variable}'"), why)
                .next("name what is inside the release, e.g. append :linked_dirs, \"log\", \"tmp/pids\"");
            return Err(fail(call, problem.at(self.set_at(variable))));
        }
        Ok(all)
    }

    /// The layout as the variables say.
    pub async fn layout3(self: &Rc<Self>, call: &Call) -> R<Layout> {
        let root = self.deploy_path(call).await?;
        self.refuse_stranger(call, "deploy_to", &root)?;
        let application = self.text3(call, "application").await?;
        if application.is_none() && !self.variables.borrow().is_own("deploy_to") {
            let problem =
                Problem::new(ProblemKind::Usage, "read the variable `application'", "the recipe does not set it");
            return Err(fail(call, problem.next("add to config/deploy.rb: set :application, \"my_shop\"")));
        }
        let mut layout = Layout::new(self.remote_path(call, "deploy_to", &root)?);
        self.say_relative(&root);
        layout.releases = self.remote_path(call, "releases_directory", &self.place(call, "releases_path").await?)?;
        layout.shared = self.remote_path(call, "shared_directory", &self.place(call, "shared_path").await?)?;
        layout.current = self.remote_path(call, "current_directory", &self.place(call, "current_path").await?)?;
        layout.relative_links = self.read3(call, "relative_links").await?.is_some_and(|value| value.truthy());
        layout.group_writable = self.read3(call, "group_writable").await?.is_some_and(|value| value.truthy());
        Ok(layout)
    }

    /// The hosts with releases that the filters leave; none when there are none.
    pub async fn release_hosts3(self: &Rc<Self>, call: &Call) -> R<Option<Vec<HostId>>> {
        let asked = self.v3.servers.borrow().iter().any(|server| !server.no_release());
        let left = self.selected_release_hosts3(call).await?;
        if left.is_empty() {
            if asked {
                self.flow.borrow_mut().skipped += 1;
                return Ok(None);
            }
            let problem =
                Problem::new(ProblemKind::NoHosts, "choose the hosts", "the stage declares no server with releases");
            return Err(fail(call, problem.next("add to the stage: server \"web1.example.com\", roles: %w[app]")));
        }
        Ok(Some(left))
    }

    /// The same, without a word where there are none.
    pub async fn selected_release_hosts3(self: &Rc<Self>, call: &Call) -> R<Vec<HostId>> {
        let all: Vec<_> = self.v3.servers.borrow().iter().filter(|server| !server.no_release()).cloned().collect();
        Ok(self.filtered(call, all).await?.iter().map(super::servers::Server::id).collect())
    }

    /// Opens the hosts for a new release; its id. The revision is pinned before.
    pub async fn open_deploy3(self: &Rc<Self>, call: &Call) -> R<Option<ReleaseId>> {
        if let Some(id) = self.deploying() {
            return Ok(Some(id));
        }
        let Some(hosts) = self.release_hosts3(call).await? else { return Ok(None) };
        if self.v3.scm.get() != Scm::Other {
            self.pinned(call).await?;
        }
        let release_name = self.flow.borrow().timestamp.clone();
        let opened = self.open(call, Purpose::Deploy { release_name }, hosts).await?;
        Ok(opened.release)
    }

    async fn facts3(self: &Rc<Self>, call: &Call) -> R<HostRelease> {
        if !self.port.is_open() {
            return Ok(HostRelease::default());
        }
        let Some(hosts) = self.release_hosts3(call).await? else { return Ok(HostRelease::default()) };
        let opened = self.open(call, Purpose::Read, hosts).await?;
        Ok(opened.hosts.into_iter().next().map(|(_, facts)| facts).unwrap_or_default())
    }

    /// The revision that was live before this run.
    pub async fn previous_revision3(self: &Rc<Self>, call: &Call) -> R {
        let facts = self.facts3(call).await?;
        Ok(facts.live_revision.map_or(Value::Nil, |revision| Value::str(revision.as_str())))
    }

    /// The revision of this deploy, else the live one.
    pub async fn current_revision3(self: &Rc<Self>, call: &Call) -> R {
        let pinned = self.flow.borrow().pinned.as_ref().map(|pinned| pinned.pinned.revision.clone());
        match pinned {
            Some(revision) => Ok(Value::str(revision.as_str())),
            None => self.previous_revision3(call).await,
        }
    }
}
