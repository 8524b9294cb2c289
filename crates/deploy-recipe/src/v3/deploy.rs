//! What the built-in tasks do: the flow of dialect 3 as the fleet's transaction.

use std::rc::Rc;

use deploy_plan::{
    Builtin, BuiltinItem, Event, Item, Level, LogLine, Op, Problem, ProblemKind, Publish, Purpose, Revision, Rollback,
};
use deploy_ruby::{Call, Stream, Value};

use super::state::Scm;
use super::table::Act;
use crate::v2::{Cap, Later, R, fail, quote_path};

/// The tasks of a deploy, in order.
const DEPLOY: &[&str] =
    &["starting", "started", "updating", "updated", "publishing", "published", "finishing", "finished"];
/// The tasks of a rollback.
const ROLLBACK: &[&str] =
    &["starting", "started", "reverting", "reverted", "publishing", "published", "finishing_rollback", "finished"];

impl Cap {
    /// What a built-in task does.
    pub fn builtin3<'a>(self: &'a Rc<Self>, call: &'a Call, act: Act) -> Later<'a, R<()>> {
        let calling: &[&str] = match act {
            Act::Starting => &["check", "set_previous_revision", "set_previous_revision_time"],
            Act::Updating => &["set_current_revision", "set_current_revision_time", "symlink:shared"],
            Act::Reverting => &["revert_release"],
            Act::Publishing => &["symlink:release"],
            Act::Finishing => &["cleanup"],
            Act::FinishingRollback => &["cleanup_rollback"],
            Act::Finished => &["log_revision"],
            Act::Check => &["check:directories", "check:linked_dirs", "check:make_linked_dirs", "check:linked_files"],
            Act::SymlinkShared => &["symlink:linked_files", "symlink:linked_dirs"],
            Act::Rollback => ROLLBACK,
            _ => &[],
        };
        match act {
            Act::Deploy => Box::pin(self.deploy3(call)),
            Act::Starting => Box::pin(async move {
                if self.read3(call, "print_config_variables").await?.is_some_and(|value| value.truthy()) {
                    self.call3(call, &["print_config_variables"]).await?;
                }
                self.call3(call, calling).await
            }),
            _ if !calling.is_empty() => Box::pin(self.call3(call, calling)),
            _ => Box::pin(self.work3(call, act)),
        }
    }

    async fn call3(self: &Rc<Self>, call: &Call, names: &[&str]) -> R<()> {
        for name in names {
            let task = self.find3(call, &format!("rake:deploy:{name}"))?;
            self.invoke_task(call, task, Vec::new(), None).await?;
        }
        Ok(())
    }

    async fn deploy3(self: &Rc<Self>, call: &Call) -> R<()> {
        let _ = self.variables.borrow_mut().set("deploying", Value::Bool(true), None);
        self.arm_failed();
        let flow = async { self.call3(call, DEPLOY).await.map(|()| Value::Nil) };
        self.transacted(call, flow).await.map(drop)
    }

    /// Whether a task is being executed, at any depth.
    fn is_in(&self, name: &str) -> bool {
        self.v3.executing.borrow().iter().any(|task| task == name)
    }

    async fn work3(self: &Rc<Self>, call: &Call, act: Act) -> R<()> {
        match act {
            Act::CheckDirectories => self.directories3(call).await,
            Act::CheckLinkedDirs => {
                let dirs = self.linked(call, "linked_dirs").await?;
                self.make_shared3(call, dirs).await
            }
            Act::CheckLinkedFileDirs => {
                let files = self.linked(call, "linked_files").await?;
                let parents =
                    files.iter().filter_map(|file| file.rsplit_once('/').map(|(parent, _)| parent.to_owned()));
                let parents: Vec<String> = parents.collect();
                self.make_shared3(call, parents).await
            }
            Act::CheckLinkedFiles => self.linked_files3(call).await,
            Act::NewReleasePath => self.new_release3(call).await,
            Act::RollbackReleasePath => self.choose_rollback3(call).await,
            Act::CreateRelease => self.create_release3(call).await,
            Act::SetCurrentRevision => self.revision_file3(call).await,
            Act::SymlinkLinkedFiles => self.link_shared3(call, "linked_files").await,
            Act::SymlinkLinkedDirs => self.link_shared3(call, "linked_dirs").await,
            Act::Recover => self.recover3(call).await,
            Act::CatchUp => self.catch_up3(call).await,
            Act::SymlinkRelease => self.publish3(call).await,
            Act::Cleanup => self.cleanup3(call).await,
            Act::CleanupRollback => self.cleanup_rollback3(call).await,
            Act::ScmCheck => self.scm_check3(call).await,
            Act::ScmRevision => {
                let pinned = self.pinned(call).await?;
                let revision = Value::str(pinned.pinned.revision.as_str());
                let _ = self.variables.borrow_mut().set("current_revision", revision, None);
                Ok(())
            }
            Act::PrintConfig => self.print_config3(call).await,
            Act::Doctor => self.doctor3(call).await,
            Act::Lock => self.lock_fleet(call).await,
            Act::Unlock => self.unlock_fleet(call).await,
            Act::Releases => self.list_releases(call).await,
            Act::Mark(mark, set) => self.mark_release(call, mark, set).await,
            // The planner reads and writes these itself, or they are there for their names.
            _ => Ok(()),
        }
    }

    fn record3(&self, builtin: Builtin, hosts: Vec<deploy_inventory::HostId>) {
        self.flow.borrow_mut().recorded += 1;
        let task = self.task3().unwrap_or_default();
        self.port.record(Item::Builtin(BuiltinItem { builtin, hosts, task, site: None, sudo: false }));
    }

    /// Makes the directories; in a deploy the hosts are then locked and read.
    async fn directories3(self: &Rc<Self>, call: &Call) -> R<()> {
        let Some(hosts) = self.release_hosts3(call).await? else { return Ok(()) };
        self.make_directories3(call, &hosts).await?;
        if self.is_in("deploy") {
            self.open_deploy3(call).await?;
        }
        Ok(())
    }

    async fn make_directories3(self: &Rc<Self>, call: &Call, hosts: &[deploy_inventory::HostId]) -> R<()> {
        let layout = self.layout3(call).await?;
        let mut directories = vec![layout.deploy_to.clone(), layout.shared.clone(), layout.releases.clone()];
        directories.extend(layout.current.parent().filter(|parent| *parent != layout.deploy_to));
        self.open(call, Purpose::Setup, hosts.to_vec()).await?;
        self.record3(Builtin::Setup { directories, group_writable: layout.group_writable }, hosts.to_vec());
        Ok(())
    }

    async fn make_shared3(self: &Rc<Self>, call: &Call, names: Vec<String>) -> R<()> {
        if names.is_empty() {
            return Ok(());
        }
        let Some(hosts) = self.release_hosts3(call).await? else { return Ok(()) };
        let layout = self.layout3(call).await?;
        let mut directories = Vec::new();
        for name in names {
            let path = layout.shared.join(&name);
            if !directories.contains(&path) {
                directories.push(path);
            }
        }
        self.open_for_ops(call, &hosts).await?;
        self.record3(Builtin::Setup { directories, group_writable: layout.group_writable }, hosts);
        Ok(())
    }

    /// Every linked file that is missing, on every host at once.
    async fn linked_files3(self: &Rc<Self>, call: &Call) -> R<()> {
        let files = self.linked(call, "linked_files").await?;
        if files.is_empty() {
            return Ok(());
        }
        let Some(hosts) = self.release_hosts3(call).await? else { return Ok(()) };
        let shared = self.layout3(call).await?.shared;
        let mut body = String::from("missing=0\n");
        for file in &files {
            let path = quote_path(&shared.join(file).to_string());
            body.push_str(&format!(
                "p={path}; [ -f \"$p\" ] || {{ printf 'linked file %s does not exist\\n' \"$p\" >&2; missing=1; }}\n"
            ));
        }
        body.push_str("[ \"$missing\" = 0 ]");
        let title = "find the linked files".to_owned();
        let ops = vec![Op::Script { title: title.clone(), body }];
        self.open_for_ops(call, &hosts).await?;
        self.record3(Builtin::Ops { title, ops, undo: Vec::new() }, hosts);
        Ok(())
    }

    /// Ops are compiled for a layout that is open.
    async fn open_for_ops(self: &Rc<Self>, call: &Call, hosts: &[deploy_inventory::HostId]) -> R<()> {
        self.open(call, Purpose::Read, hosts.to_vec()).await.map(drop)
    }

    async fn new_release3(self: &Rc<Self>, call: &Call) -> R<()> {
        let Some(release) = self.open_deploy3(call).await? else { return Ok(()) };
        self.set_release_path(call, release.as_str()).await?;
        let name = if self.v3.scm.get() == Scm::Svn { "svn:create_release" } else { "git:create_release" };
        let ours = self.v3.scm.get() != Scm::Other
            && self.v3.rake.borrow().get(name).is_some_and(|task| task.has(Act::CreateRelease));
        if ours {
            return Ok(());
        }
        let Some(hosts) = self.release_hosts3(call).await? else { return Ok(()) };
        let (revision, label) = match self.flow.borrow().pinned.as_ref() {
            Some(pinned) => (pinned.pinned.revision.clone(), pinned.pinned.label.clone()),
            None => {
                let none = Revision::new("unknown");
                (none.map_err(|error| call.argument_error(error.to_string()))?, "the recipe's own code".to_owned())
            }
        };
        let update = self.claim3(call, release, &revision, &label).await?;
        self.note(format!("{name} is the recipe's own: the release is what its tasks put into it"));
        self.record3(Builtin::UpdateCode(Box::new(update)), hosts);
        self.flow.borrow_mut().building = true;
        Ok(())
    }

    async fn create_release3(self: &Rc<Self>, call: &Call) -> R<()> {
        let Some(hosts) = self.release_hosts3(call).await? else { return Ok(()) };
        let Some(release) = self.open_deploy3(call).await? else { return Ok(()) };
        let update = self.update3(call, release).await?;
        self.record3(Builtin::UpdateCode(Box::new(update)), hosts);
        self.flow.borrow_mut().building = true;
        Ok(())
    }

    /// `REVISION` is part of the checkout; a recipe may have chosen another text.
    async fn revision_file3(self: &Rc<Self>, call: &Call) -> R<()> {
        let text = self.read3(call, "current_revision").await?.unwrap_or_default().to_s();
        let pinned = self.flow.borrow().pinned.as_ref().map(|pinned| pinned.pinned.revision.to_string());
        let Some(release) = self.deploying().filter(|_| Some(&text) != pinned.as_ref() && !text.is_empty()) else {
            return Ok(());
        };
        let Some(hosts) = self.release_hosts3(call).await? else { return Ok(()) };
        let path = self.layout3(call).await?.release(&release).join("REVISION");
        let ops = vec![Op::WriteFile { path, content: format!("{text}\n"), mode: None }];
        self.record3(Builtin::Ops { title: "write REVISION".to_owned(), ops, undo: Vec::new() }, hosts);
        Ok(())
    }

    /// Links shared files or directories; a link that the repository has at that place stays.
    async fn link_shared3(self: &Rc<Self>, call: &Call, variable: &str) -> R<()> {
        let names = self.linked(call, variable).await?;
        if names.is_empty() {
            return Ok(());
        }
        let Some(hosts) = self.release_hosts3(call).await? else { return Ok(()) };
        let Some(release) = self.deploying() else {
            let why = "links are made into a new release, and this run builds none";
            return Err(fail(call, Problem::new(ProblemKind::Usage, format!("link the {variable}"), why)));
        };
        let layout = self.layout3(call).await?;
        let (dir, shared) = (layout.release(&release), &layout.shared);
        let remove = if variable == "linked_dirs" { "rm -rf" } else { "rm -f" };
        let mut body = String::new();
        for name in &names {
            let target = dir.join(name);
            let parent = target.parent().unwrap_or_else(|| dir.clone());
            body.push_str(&format!(
                "t={}; s={}; mkdir -p {} || exit 1; [ -L \"$t\" ] || {{ {remove} -- \"$t\" && ln -s -- \"$s\" \"$t\"; }} || exit 1\n",
                quote_path(&target.to_string()),
                quote_path(&shared.join(name).to_string()),
                quote_path(&parent.to_string()),
            ));
        }
        let title = format!("link {} from shared", names.join(", "));
        let ops = vec![Op::Script { title: title.clone(), body }];
        self.record3(Builtin::Ops { title, ops, undo: Vec::new() }, hosts);
        Ok(())
    }

    async fn choose_rollback3(self: &Rc<Self>, call: &Call) -> R<()> {
        let Some(hosts) = self.release_hosts3(call).await? else { return Ok(()) };
        let named = call.interp().effects().env("ROLLBACK_RELEASE");
        let to = named.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
        let opened = self.open(call, Purpose::Rollback { to }, hosts).await?;
        let Some(to) = opened.release else {
            let why = "there are no older releases to roll back to";
            return Err(fail(call, Problem::new(ProblemKind::NothingToRollBack, "roll back", why)));
        };
        self.set_release_path(call, to.as_str()).await?;
        let _ = self.variables.borrow_mut().set("rollback_timestamp", Value::str(to.as_str()), None);
        self.flow.borrow_mut().left = opened.hosts.iter().find_map(|(_, facts)| facts.live.clone());
        Ok(())
    }

    async fn publish3(self: &Rc<Self>, call: &Call) -> R<()> {
        let Some(hosts) = self.release_hosts3(call).await? else { return Ok(()) };
        let purpose = self.flow.borrow().open.as_ref().map(|open| (open.purpose.clone(), open.answer.release.clone()));
        let builtin = match purpose {
            Some((Purpose::Deploy { .. } | Purpose::CatchUp, Some(release))) => {
                let pinned = self.flow.borrow().pinned.as_ref().map(|pinned| pinned.pinned.clone());
                let label = pinned.as_ref().map_or_else(|| "the recipe's own code".to_owned(), |p| p.label.clone());
                let log = self.log_line3(call).await?;
                let (revision, rollout) = (pinned.map(|pinned| pinned.revision), self.rollout(call).await?);
                Builtin::Publish(Publish { release, revision, label, log, rollout })
            }
            Some((Purpose::Recover { .. }, Some(release))) => Builtin::Publish(Publish {
                label: format!("release {release}"),
                release,
                revision: None,
                log: LogLine::default(),
                rollout: None,
            }),
            Some((Purpose::Rollback { .. }, Some(to))) => {
                let log = match self.log_line3(call).await? {
                    LogLine::Text(_) => self.log_by3(call).await?,
                    log => log,
                };
                Builtin::Rollback(Rollback { to, from: self.flow.borrow().left.clone(), log })
            }
            _ => {
                let opened = self.open(call, Purpose::Republish, hosts.clone()).await?;
                let Some(release) = opened.release else {
                    let problem = Problem::new(
                        ProblemKind::Layout,
                        "make the newest release live",
                        "there is no complete release on the hosts",
                    );
                    return Err(fail(call, problem.next("`cap deploy` builds one")));
                };
                Builtin::Publish(Publish {
                    label: format!("release {release}"),
                    release,
                    revision: None,
                    log: LogLine::default(),
                    rollout: None,
                })
            }
        };
        self.record3(builtin, hosts);
        self.flow.borrow_mut().published = true;
        Ok(())
    }

    /// What the recipe makes of the line in `revisions.log`. A rollback's has Capistrano's own words, whatever is set.
    async fn log_line3(self: &Rc<Self>, call: &Call) -> R<LogLine> {
        let has = |name: &str, act| self.v3.rake.borrow().get(name).is_some_and(|task| task.has(act));
        if !has("deploy:log_revision", Act::LogRevision) || !has("deploy:finished", Act::Finished) {
            return Ok(LogLine::Nothing);
        }
        match self.text3(call, "revision_log_message").await? {
            Some(text) => Ok(LogLine::Text(text.replace('\n', " "))),
            None => self.log_by3(call).await,
        }
    }

    async fn log_by3(self: &Rc<Self>, call: &Call) -> R<LogLine> {
        Ok(self.text3(call, "local_user").await?.map_or_else(LogLine::default, LogLine::By))
    }

    /// The engine brings the links in order; what is live is then published once more, with all that hangs on it.
    async fn recover3(self: &Rc<Self>, call: &Call) -> R<()> {
        let Some(hosts) = self.release_hosts3(call).await? else { return Ok(()) };
        let migrated = self.migrated(call)?;
        let opened = self.open(call, Purpose::Recover { migrated }, hosts).await?;
        if !opened.is_asked() {
            self.note_not_known("what a run has left unfinished");
            return Ok(());
        }
        if opened.release.is_none() {
            self.note("no run has left anything unfinished that a restart would finish");
            return Ok(());
        }
        self.call3(call, &["publishing", "published"]).await
    }

    /// A deploy of what the others serve. A new host gets its directories first, as in every deploy.
    async fn catch_up3(self: &Rc<Self>, call: &Call) -> R<()> {
        let Some(hosts) = self.release_hosts3(call).await? else { return Ok(()) };
        self.make_directories3(call, &hosts).await?;
        if !self.is_anyone_behind(call, hosts).await? {
            return Ok(());
        }
        let task = self.find3(call, "rake:deploy")?;
        self.invoke_task(call, task, Vec::new(), None).await
    }

    async fn cleanup3(self: &Rc<Self>, call: &Call) -> R<()> {
        let Some(hosts) = self.release_hosts3(call).await? else { return Ok(()) };
        let setting = self.read3(call, "keep_releases").await?.unwrap_or(Value::Int(5));
        let keep = self.releases_to_keep(call, &setting)?;
        self.open_for_upkeep(call, Purpose::Cleanup, &hosts).await?;
        self.record3(Builtin::Cleanup { keep }, hosts);
        Ok(())
    }

    async fn cleanup_rollback3(self: &Rc<Self>, call: &Call) -> R<()> {
        let Some(hosts) = self.release_hosts3(call).await? else { return Ok(()) };
        let left = self.flow.borrow().left.clone();
        match left {
            Some(release) => self.record3(Builtin::RemoveLeft { release, archive: true }, hosts),
            None => self.note("deploy:cleanup_rollback: nothing was left behind"),
        }
        Ok(())
    }

    /// The repository is read on this machine; going back needs no repository.
    async fn scm_check3(self: &Rc<Self>, call: &Call) -> R<()> {
        if self.is_in("deploy:rollback") {
            return Ok(());
        }
        let pinned = self.pinned(call).await?;
        let text = format!("the repository has {} at {}", pinned.pinned.label, pinned.pinned.revision);
        self.port.tell(Event::Message { level: Level::Debug, host: None, text });
        Ok(())
    }

    async fn print_config3(self: &Rc<Self>, call: &Call) -> R<()> {
        let names: Vec<String> = self.variables.borrow().names().map(str::to_owned).collect();
        let mut text = String::from("configuration:\n");
        for name in names {
            let asked = self.v3.questions.borrow().contains(&name);
            let secret = ["password", "secret", "token"].iter().any(|word| name.contains(word));
            let value = match (asked, secret) {
                (true, _) => "[asked when it is read]".to_owned(),
                (_, true) => "[not shown]".to_owned(),
                _ => self.read3(call, &name).await?.unwrap_or_default().inspect(),
            };
            text.push_str(&format!("  :{name} => {value}\n"));
        }
        call.interp().effects().print(call, Stream::Out, text.as_bytes());
        Ok(())
    }

    async fn doctor3(self: &Rc<Self>, call: &Call) -> R<()> {
        let mut text = format!(
            "Environment\n  dialect: {}\n  version: {}\n\nServers\n",
            self.dialect.get(),
            env!("CARGO_PKG_VERSION")
        );
        for server in self.v3.servers.borrow().iter() {
            let roles: Vec<&str> = server.roles.iter().map(String::as_str).collect();
            text.push_str(&format!("  {}  [{}]\n", server.id(), roles.join(", ")));
        }
        text.push_str("\nVariables\n");
        let unread: Vec<String> = {
            let variables = self.variables.borrow();
            variables
                .never_read()
                .map(|(name, site)| {
                    let place = site.map(|site| format!(" ({site})")).unwrap_or_default();
                    format!("  :{name} is set{place} and nothing has read it so far\n")
                })
                .collect()
        };
        text.push_str(&unread.concat());
        call.interp().effects().print(call, Stream::Out, text.as_bytes());
        Ok(())
    }
}
