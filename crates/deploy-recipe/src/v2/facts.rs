//! Variables that come from the hosts, and what is opened there.

use std::rc::Rc;

use deploy_inventory::HostId;
use deploy_plan::{HostRelease, Layout, Opened, Problem, ProblemKind, Purpose, ReleaseId, RemotePath, Transaction};
use deploy_ruby::{Call, Hash, Value};

use super::Cap;
use super::cap::Open;
use super::command::quote_path;
use super::convert::{R, fail, site};
use super::places::PLACES;
use super::scope::Wanted;

/// Tasks in which a new release is made: there `release_path` is that release, whatever has been recorded so far.
const DEPLOYING: &[&str] = &[
    "deploy",
    "deploy:update",
    "deploy:update_code",
    "deploy:finalize_update",
    "deploy:create_symlink",
    "deploy:symlink",
    "deploy:migrations",
    "deploy:cold",
];

/// Whether a path says where it begins.
fn is_rooted(path: &str) -> bool {
    path.is_empty() || path.starts_with(['/', '~', '$'])
}

impl Cap {
    /// The layout as the variables say.
    pub async fn layout(self: &Rc<Self>, call: &Call) -> R<Layout> {
        if self.is_three() {
            return self.layout3(call).await;
        }
        self.need(call, "deploy_to").await?;
        // It may have become known only now, with what is made of it.
        self.refuse_nameless(call)?;
        let root = self.path(call, "deploy_to").await?;
        self.say_relative(&self.need(call, "deploy_to").await?);
        let mut layout = Layout::new(root);
        layout.releases = self.path(call, "releases_path").await?;
        layout.shared = self.path(call, "shared_path").await?;
        layout.current = self.path(call, "current_path").await?;
        layout.relative_links = self.own_flag(call, "relative_links", false).await?;
        layout.group_writable = self.flag(call, "group_writable", true).await?;
        Ok(layout)
    }

    /// A variable that is a path on the hosts; a relative one begins in the login's home, where commands start.
    pub async fn path(self: &Rc<Self>, call: &Call, variable: &str) -> R<RemotePath> {
        let text = self.need(call, variable).await?;
        if PLACES.contains(&variable) {
            self.refuse_stranger(call, variable, &text)?;
        }
        self.remote_path(call, variable, &text)
    }

    /// A path on the hosts.
    pub fn remote_path(&self, call: &Call, variable: &str, text: &str) -> R<RemotePath> {
        let parsed = if is_rooted(text) { RemotePath::new(text) } else { RemotePath::new(&format!("~/{text}")) };
        parsed.map_err(|error| {
            let problem = Problem::new(ProblemKind::Usage, format!("use {variable} {text:?}"), error.to_string());
            let example = if variable.ends_with("_directory") { "\"releases\"" } else { "\"/var/www/my_shop\"" };
            fail(call, problem.at(self.set_at(variable)).next(self.give(variable, example)))
        })
    }

    /// Says what a `deploy_to` means that is neither absolute nor below `~`: Capistrano takes it without a word, and the links
    /// that it makes then point nowhere. Ours do not; those of the recipe's own commands do.
    pub fn say_relative(&self, deploy_to: &str) {
        if !is_rooted(deploy_to) {
            let text = format!(
                "deploy_to {deploy_to:?} is relative and begins in the home directory of the login, as \"~/{deploy_to}\" does; \
                 write that, or an absolute path: a link that the recipe's own commands make to a place in it points nowhere"
            );
            self.warn_at(self.set_at("deploy_to"), &text);
        }
    }

    /// Opens the layout on some hosts. What is open already for at least as much is not asked again.
    pub async fn open(self: &Rc<Self>, call: &Call, purpose: Purpose, hosts: Vec<HostId>) -> R<Opened> {
        if !self.port.is_open() {
            let why = "hosts can be asked only while a task runs, not while the recipe is being loaded";
            return Err(fail(call, Problem::new(ProblemKind::Recipe, "read the hosts", why).at(site(call))));
        }
        if let Some(open) = &self.flow.borrow().open {
            let known = hosts.iter().all(|id| open.answer.hosts.iter().any(|(host, _)| host == id));
            let makes_known = open.purpose == Purpose::CatchUp && purpose == Purpose::Setup;
            if known && (open.purpose == purpose || purpose == Purpose::Read || makes_known) {
                return Ok(open.answer.clone());
            }
        }
        let layout = self.layout(call).await?;
        let sudo = self.builtin_sudo(call).await?;
        let place = self.frame().and_then(|frame| frame.site);
        let answer = self.port.begin(Transaction { purpose: purpose.clone(), layout, hosts, sudo, site: place }).await;
        let mut flow = self.flow.borrow_mut();
        // A read does not hide what is open for more.
        if !purpose.only_reads() || flow.open.is_none() {
            flow.open = Some(Open { purpose, answer: answer.clone() });
        }
        Ok(answer)
    }

    /// Says that something depends on hosts that a dry run does not ask.
    pub fn note_not_known(&self, what: &str) {
        let asked = self.flow.borrow().asked.join(" ");
        self.note(format!("{what} is not known without connecting: `cap --plan {asked}` reads the hosts"));
    }

    /// Opens the hosts for a new release; its id. The revision is pinned before.
    pub async fn open_deploy(self: &Rc<Self>, call: &Call) -> R<ReleaseId> {
        if let Some(id) = self.deploying() {
            return Ok(id);
        }
        self.refuse_migration_nowhere(call).await?;
        self.pinned(call).await?;
        let task = self.tasks.borrow().find("deploy:update_code");
        let options = task.map(|task| task.options.clone()).unwrap_or_default();
        let wanted = Wanted::read(call, Some(&options), &Hash::new()).await?;
        let hosts = self.scope(call, &wanted).await?.unwrap_or_default();
        let hosts: Vec<HostId> = hosts.into_iter().map(|host| host.id).collect();
        let release_name = self.chosen_name(call).await?;
        let opened = self.open(call, Purpose::Deploy { release_name }, hosts).await?;
        opened.release.ok_or_else(|| {
            let problem = Problem::new(ProblemKind::Layout, "name the new release", "the hosts gave no release");
            fail(call, problem)
        })
    }

    /// The release that is being made, when the hosts are open for one.
    pub fn deploying(&self) -> Option<ReleaseId> {
        let flow = self.flow.borrow();
        let open = flow.open.as_ref()?;
        matches!(open.purpose, Purpose::Deploy { .. } | Purpose::CatchUp).then(|| open.answer.release.clone()).flatten()
    }

    /// The recipe's own release name, or the one that a task has read before a deploy began.
    async fn chosen_name(self: &Rc<Self>, call: &Call) -> R<Option<String>> {
        if self.variables.borrow().is_own("release_name") {
            return self.text(call, "release_name").await;
        }
        Ok(self.flow.borrow().timestamp.clone())
    }

    /// `release_name`
    pub async fn release_name(self: &Rc<Self>, call: &Call) -> R {
        if let Some(id) = self.deploying() {
            return Ok(Value::str(id.as_str()));
        }
        if self.port.is_open() && DEPLOYING.iter().any(|name| self.is_inside(name)) {
            let id = self.open_deploy(call).await?;
            return Ok(Value::str(id.as_str()));
        }
        let now = call.interp().effects().now();
        let name = now.strftime("%Y%m%d%H%M%S").to_string();
        let mut flow = self.flow.borrow_mut();
        Ok(Value::from(flow.timestamp.get_or_insert(name).clone()))
    }

    /// What the first host of the innermost task's scope has.
    async fn facts(self: &Rc<Self>, call: &Call) -> R<HostRelease> {
        let all = self.release_hosts(call).await?;
        let opened = self.open(call, Purpose::Read, all).await?;
        let options = self.current_task().map(|task| task.options.clone());
        let wanted = Wanted::read(call, options.as_deref(), &Hash::new()).await?;
        let scope = self.select(call, &wanted.selection).await?;
        let of = |id: &HostId| opened.hosts.iter().find(|(host, _)| host == id).map(|(_, facts)| facts.clone());
        let first = scope.iter().find_map(|host| of(&host.id));
        Ok(first.or_else(|| opened.hosts.first().map(|(_, facts)| facts.clone())).unwrap_or_default())
    }

    async fn release_dir(self: &Rc<Self>, call: &Call, id: Option<&ReleaseId>) -> R {
        match id {
            Some(id) => Ok(Value::from(format!("{}/{id}", self.need(call, "releases_path").await?))),
            None => Ok(Value::Nil),
        }
    }

    /// The release that this run has built, when it has.
    fn built(&self) -> Option<ReleaseId> {
        if self.flow.borrow().building { self.deploying() } else { None }
    }

    /// `releases`: complete ones, oldest first.
    pub async fn releases(self: &Rc<Self>, call: &Call) -> R {
        let facts = self.facts(call).await?;
        if facts.not_asked {
            self.note_not_known("which releases there are, and how many,");
        }
        let mut names: Vec<Value> = facts.releases.iter().map(|id| Value::str(id.as_str())).collect();
        names.extend(self.built().map(|id| Value::str(id.as_str())));
        Ok(Value::array(names))
    }

    /// `current_release`: the one that this run has built, else the live one, else the newest.
    pub async fn current_release(self: &Rc<Self>, call: &Call) -> R {
        if let Some(id) = self.built() {
            return self.release_dir(call, Some(&id)).await;
        }
        let facts = self.facts(call).await?;
        self.release_dir(call, facts.live.as_ref().or(facts.releases.last())).await
    }

    /// `previous_release`: the one that a rollback would go to.
    pub async fn previous_release(self: &Rc<Self>, call: &Call) -> R {
        let facts = self.facts(call).await?;
        let previous =
            if self.built().is_some() { facts.live.or(facts.releases.last().cloned()) } else { facts.previous };
        self.release_dir(call, previous.as_ref()).await
    }

    /// `latest_release`: the new one in a deploy, else the current one.
    pub async fn latest_release(self: &Rc<Self>, call: &Call) -> R {
        if self.deploying().is_some() || self.flow.borrow().timestamp.is_some() {
            return self.get(call, "release_path").await;
        }
        self.get(call, "current_release").await
    }

    /// `current_revision`: that of the live release.
    pub async fn current_revision(self: &Rc<Self>, call: &Call) -> R {
        let known = self.flow.borrow().current_revision.clone();
        let revision = match known {
            Some(revision) => revision,
            // What a host would answer at this place.
            None if self.flow.borrow().switched && self.deploying().is_some() => {
                Some(self.pinned(call).await?.pinned.revision.as_str().to_owned())
            }
            None => self.live_revision(call).await?,
        };
        self.flow.borrow_mut().current_revision = Some(revision.clone());
        Ok(revision.map_or(Value::Nil, Value::from))
    }

    /// The revision that was live before this run.
    async fn live_revision(self: &Rc<Self>, call: &Call) -> R<Option<String>> {
        Ok(self.facts(call).await?.live_revision.map(|revision| revision.as_str().to_owned()))
    }

    /// `latest_revision`
    pub async fn latest_revision(self: &Rc<Self>, call: &Call) -> R {
        if self.deploying().is_some() {
            return Ok(Value::str(self.pinned(call).await?.pinned.revision.as_str()));
        }
        self.current_revision(call).await
    }

    /// `previous_revision`
    pub async fn previous_revision(self: &Rc<Self>, call: &Call) -> R {
        let path = self.get(call, "previous_release").await?;
        if path.is_nil() {
            return Ok(Value::Nil);
        }
        if self.built().is_some() {
            return Ok(self.live_revision(call).await?.map_or(Value::Nil, Value::from));
        }
        let text = format!("cat {}", quote_path(&format!("{}/REVISION", path.to_s())));
        let answer = super::actions::capture(self, call, &text, &Hash::new(), None).await?;
        Ok(Value::from(answer.to_s().trim().to_owned()))
    }
}
