//! The built-in tasks that call others, and the dispatch to all of them.

use std::rc::Rc;

use deploy_inventory::HostId;
use deploy_plan::{Builtin, BuiltinItem, Item, Mark, Problem, ProblemKind, Purpose};
use deploy_ruby::{Call, Hash, Value};

use super::table::BuiltinTask;
use crate::v2::Cap;
use crate::v2::actions::run;
use crate::v2::convert::{Later, R, fail, unsupported};
use crate::v2::execute::NOTHING;

impl Cap {
    /// The body of a built-in task.
    pub fn builtin<'a>(self: &'a Rc<Self>, call: &'a Call, builtin: BuiltinTask) -> Later<'a, R> {
        match builtin {
            BuiltinTask::Deploy
            | BuiltinTask::Update
            | BuiltinTask::Migrations
            | BuiltinTask::Cold
            | BuiltinTask::Rollback
            | BuiltinTask::RollbackCode
            | BuiltinTask::Symlink => Box::pin(self.calling(call, builtin)),
            _ => Box::pin(self.working(call, builtin)),
        }
    }

    /// Tasks that only call others.
    async fn calling(self: &Rc<Self>, call: &Call, builtin: BuiltinTask) -> R {
        let transaction = |tasks: &'static [&'static str]| self.transacted(call, self.call_tasks(call, tasks));
        match builtin {
            BuiltinTask::Deploy => transaction(&["deploy:update", "deploy:restart"]).await,
            BuiltinTask::Update => self.transacted(call, self.update(call)).await,
            BuiltinTask::Migrations => {
                // A name that a variable can have.
                let _ = self.variables.borrow_mut().set("migrate_target", Value::sym("latest"), None);
                let tasks = &["deploy:update_code", "deploy:migrate", "deploy:create_symlink", "deploy:restart"];
                transaction(tasks).await
            }
            BuiltinTask::Cold => transaction(&["deploy:update", "deploy:migrate", "deploy:start"]).await,
            BuiltinTask::Rollback => {
                self.call_tasks(call, &["deploy:rollback:revision", "deploy:restart", "deploy:rollback:cleanup"]).await
            }
            BuiltinTask::RollbackCode => {
                self.call_tasks(call, &["deploy:rollback:revision", "deploy:rollback:cleanup"]).await
            }
            _ => self.call_tasks(call, &["deploy:create_symlink"]).await,
        }
    }

    /// `deploy:update`; in a `deploy` with the migrations between building and switching.
    async fn update(self: &Rc<Self>, call: &Call) -> R {
        self.call_task(call, "deploy:update_code").await?;
        if self.is_inside_builtin(BuiltinTask::Deploy) {
            self.migrate_on_deploy(call).await?;
        }
        self.call_task(call, "deploy:create_symlink").await?;
        Ok(NOTHING)
    }

    async fn call_tasks(self: &Rc<Self>, call: &Call, names: &[&str]) -> R {
        for name in names {
            self.call_task(call, name).await?;
        }
        Ok(NOTHING)
    }

    /// Tasks that do something themselves.
    async fn working(self: &Rc<Self>, call: &Call, builtin: BuiltinTask) -> R {
        match builtin {
            BuiltinTask::Setup => self.record_setup(call).await?,
            BuiltinTask::UpdateCode => self.update_code(call).await?,
            BuiltinTask::FinalizeUpdate => self.record_finalize(call).await?,
            BuiltinTask::CreateSymlink => self.create_symlink(call).await?,
            BuiltinTask::Migrate => self.migrate(call).await?,
            BuiltinTask::Cleanup => self.record_cleanup(call).await?,
            BuiltinTask::RollbackRevision => self.record_rollback(call).await?,
            BuiltinTask::RollbackCleanup => self.record_remove_left(call).await?,
            BuiltinTask::Check => self.check(call).await?,
            BuiltinTask::WebDisable => self.web_disable(call).await?,
            BuiltinTask::WebEnable => self.web_enable(call).await?,
            BuiltinTask::Recover => self.recover(call).await?,
            BuiltinTask::CatchUp => self.catch_up(call).await?,
            BuiltinTask::Releases => self.list_releases(call).await?,
            BuiltinTask::MarkBad => self.mark_release(call, Mark::Bad, true).await?,
            BuiltinTask::MarkGood => self.mark_release(call, Mark::Bad, false).await?,
            BuiltinTask::Pin => self.mark_release(call, Mark::Pinned, true).await?,
            BuiltinTask::Unpin => self.mark_release(call, Mark::Pinned, false).await?,
            BuiltinTask::Lock => self.lock_fleet(call).await?,
            BuiltinTask::Unlock => self.unlock_fleet(call).await?,
            BuiltinTask::Pending => self.pending(call, "log").await?,
            BuiltinTask::PendingDiff => self.pending(call, "diff").await?,
            BuiltinTask::Invoke => self.invoke(call).await?,
            BuiltinTask::Upload => crate::v2::upload_files(self, call).await?,
            BuiltinTask::Shell => {
                let why = "the prompt for commands is not there yet; `cap invoke COMMAND=…` runs one command";
                return Err(unsupported(call, "run shell", why));
            }
            // Restart, start and stop are the recipe's to fill.
            _ => {}
        }
        Ok(NOTHING)
    }

    /// Calls a task of the deploy recipes, whoever wrote its body now.
    pub async fn call_task(self: &Rc<Self>, call: &Call, name: &str) -> R<()> {
        let task = self.find_task(call, name)?;
        self.execute(call, task, None).await.map(drop)
    }

    /// Records built-in work of the innermost task.
    pub async fn record_builtin(self: &Rc<Self>, builtin: Builtin, hosts: Vec<HostId>, sudo: bool) {
        let frame = self.frame();
        let task = frame.as_ref().map(|frame| frame.task.full_name()).unwrap_or_default();
        let place = frame.and_then(|frame| frame.site);
        self.flow.borrow_mut().recorded += 1;
        self.port.record(Item::Builtin(BuiltinItem { builtin, hosts, task, site: place, sudo }));
    }

    async fn record_setup(self: &Rc<Self>, call: &Call) -> R<()> {
        let Some(hosts) = self.task_hosts(call).await? else { return Ok(()) };
        let layout = self.layout(call).await?;
        let mut directories = vec![layout.deploy_to.clone(), layout.releases.clone(), layout.shared.clone()];
        // `current` may be a link in a directory of its own.
        directories.extend(layout.current.parent().filter(|parent| *parent != layout.deploy_to));
        for child in self.shared_children(call).await? {
            let last = child.rsplit('/').next().unwrap_or_default();
            directories.push(layout.shared.join(last));
        }
        let sudo = self.builtin_sudo(call).await?;
        self.open(call, Purpose::Setup, hosts.clone()).await?;
        let builtin = Builtin::Setup { directories, group_writable: layout.group_writable };
        self.record_builtin(builtin, hosts, sudo).await;
        Ok(())
    }

    /// `shared_children` as texts, blank space and slashes at the ends off. One that leaves the release would have what it
    /// names there removed, in every release and in `shared` itself.
    pub async fn shared_children(self: &Rc<Self>, call: &Call) -> R<Vec<String>> {
        let list = self.get(call, "shared_children").await?;
        let children = crate::v2::convert::names(&list).into_iter();
        let children: Vec<String> =
            children.map(|child| child.trim().trim_matches('/').to_owned()).filter(|child| !child.is_empty()).collect();
        if let Some(bad) = children.iter().find(|child| child.split('/').any(|part| part == ".." || part == ".")) {
            let why = format!("{bad:?} leaves the release: what it names would be removed and replaced by a link");
            let problem = Problem::new(ProblemKind::Usage, "read the variable `shared_children'", why)
                .next("name directories inside the release, e.g. %w(public/system log tmp/pids)");
            return Err(fail(call, problem.at(self.set_at("shared_children"))));
        }
        Ok(children)
    }

    /// The number that `keep_releases` says.
    pub fn releases_to_keep(&self, call: &Call, setting: &Value) -> R<usize> {
        let number = setting.as_int().or_else(|| setting.to_s().trim().parse::<i64>().ok());
        let Some(keep) = number.and_then(|n| usize::try_from(n).ok()) else {
            let why = format!("{} is no number of releases", setting.inspect());
            let problem = Problem::new(ProblemKind::Usage, "read the variable `keep_releases'", why)
                .next(format!("take a whole number of releases: {}", self.give("keep_releases", "5")));
            return Err(fail(call, problem.at(self.set_at("keep_releases"))));
        };
        if keep < 2 {
            self.note(format!("keep_releases is {keep}: the live release and the one before it stay all the same"));
        }
        Ok(keep)
    }

    async fn record_cleanup(self: &Rc<Self>, call: &Call) -> R<()> {
        let Some(hosts) = self.task_hosts(call).await? else { return Ok(()) };
        let setting = self.read(call, "keep_releases").await?.unwrap_or(Value::Int(5));
        let keep = self.releases_to_keep(call, &setting)?;
        let sudo = self.builtin_sudo(call).await?;
        self.open_for_upkeep(call, Purpose::Cleanup, &hosts).await?;
        self.record_builtin(Builtin::Cleanup { keep }, hosts, sudo).await;
        Ok(())
    }

    /// Opens for work on releases, unless a deploy or rollback has them open for more.
    pub async fn open_for_upkeep(self: &Rc<Self>, call: &Call, purpose: Purpose, hosts: &[HostId]) -> R<()> {
        let more = matches!(
            self.flow.borrow().open.as_ref().map(|open| open.purpose.clone()),
            Some(Purpose::Deploy { .. } | Purpose::Rollback { .. } | Purpose::Republish | Purpose::CatchUp)
        );
        if !more {
            self.open(call, purpose, hosts.to_vec()).await?;
        }
        Ok(())
    }

    /// `invoke COMMAND=… [SUDO=1]`
    async fn invoke(self: &Rc<Self>, call: &Call) -> R<()> {
        let effects = call.interp().effects().clone();
        let Some(text) = effects.env("COMMAND").filter(|text| !text.trim().is_empty()) else {
            let mut problem = Problem::new(ProblemKind::Usage, "run invoke", "no command is given");
            problem.next = Some("cap invoke COMMAND=\"uptime\"".to_owned());
            return Err(fail(call, problem));
        };
        let text =
            if effects.env("SUDO").is_some() { format!("{} {text}", self.sudo_words(call, None).await?) } else { text };
        run(self, call, &text, &Hash::new(), None).await.map(drop)
    }
}
