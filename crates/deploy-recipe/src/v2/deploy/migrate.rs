//! `deploy:migrate`, and whether a plain `deploy` runs it by itself.

use std::rc::Rc;

use deploy_inventory::{Filters, Host, HostId, Property, Selection};
use deploy_plan::{Command, CommandText, Event, Item, Level, Problem, ProblemKind, Site, StepClass, Suspension, Want};
use deploy_ruby::{Call, Hash, Proc, Unwind};

use super::table::{BuiltinTask, is};
use crate::callbacks::{Action, Hook, When};
use crate::v2::actions::{ask, build};
use crate::v2::command::{from_home, quote, quote_path, word};
use crate::v2::convert::{R, fail};
use crate::v2::run_options::RunOptions;
use crate::v2::scope::Wanted;
use crate::v2::{Cap, TaskRef};

/// Tasks of the namespace `deploy` that a plain deploy goes through.
const IN_THE_FLOW: &[&str] =
    &["default", "update", "update_code", "finalize_update", "create_symlink", "symlink", "restart"];

impl Cap {
    /// Runs the migrations of the newest or the live release.
    pub async fn migrate(self: &Rc<Self>, call: &Call) -> R<()> {
        let rake = self.text(call, "rake").await?.unwrap_or_else(|| "rake".to_owned());
        let rails_env = self.text(call, "rails_env").await?.unwrap_or_else(|| "production".to_owned());
        let extra = self.text(call, "migrate_env").await?.unwrap_or_default();
        let target = self.get(call, "migrate_target").await?;
        let directory = match target.as_name().as_deref() {
            None | Some("latest") => self.need(call, "latest_release").await?,
            Some("current") => self.need(call, "current_path").await?,
            Some(_) => return Err(call.argument_error(format!("unknown migration target {}", target.inspect()))),
        };
        let words = [rake, format!("RAILS_ENV={}", word(&rails_env)), extra, "db:migrate".to_owned()];
        let words: Vec<&str> = words.iter().map(|word| word.trim()).filter(|word| !word.is_empty()).collect();
        let text = format!("cd {} && {}", quote_path(&from_home(&directory)), words.join(" "));
        self.flow.borrow_mut().migrated = true;
        let options = RunOptions::read(self, call, &Hash::new()).await?;
        let Some(hosts) = self.scope(call, &options.wanted).await? else {
            return self.refuse_unmigrated(call).await;
        };
        let hosts = self.meant_for(hosts, &options.wanted.selection);
        let command = build(self, call, &text, &hosts, &options).await?;
        self.flow.borrow_mut().recorded += 1;
        if call.under_rescue() {
            ask(self, call, command, Suspension::Rescue).await?;
        } else {
            self.port.record(Item::Command(command));
        }
        Ok(())
    }

    /// `HOSTS` puts its hosts in the place of those that a task is for. A migration runs on those of them that it is
    /// for all the same, if there are any.
    fn meant_for(&self, hosts: Vec<Host>, selection: &Selection) -> Vec<Host> {
        let meant = self.inventory.borrow().select(selection, &Filters::default());
        let meant = meant.map(|selected| selected.hosts).unwrap_or_default();
        let both: Vec<Host> =
            hosts.iter().filter(|host| meant.iter().any(|other| other.id == host.id)).cloned().collect();
        if both.is_empty() { hosts } else { both }
    }

    /// Refuses migrations that are certain to come and have no host, before anything is opened for them.
    pub async fn refuse_migration_nowhere(self: &Rc<Self>, call: &Call) -> R<()> {
        let Some(task) = self.tasks.borrow().find("deploy:migrate").filter(|task| is(task, BuiltinTask::Migrate))
        else {
            return Ok(());
        };
        if !self.is_going_to_migrate() {
            return Ok(());
        }
        let wanted = Wanted::read(call, Some(&task.options), &Hash::new()).await?;
        if !self.select(call, &wanted.selection).await?.is_empty() {
            return Ok(());
        }
        let meant = self.inventory.borrow().select(&wanted.selection, &Filters::default());
        let meant = meant.map(|meant| meant.hosts).unwrap_or_default();
        if let Some(host) = meant.first() {
            // A hook may have nothing to migrate, which shows when the release is built.
            if ![BuiltinTask::Migrations, BuiltinTask::Cold].iter().any(|task| self.is_inside_builtin(*task)) {
                return Ok(());
            }
            let asked = self.flow.borrow().asked.join(", ");
            let why = format!("{asked} migrates on {}, which is not among the selected hosts", host.id);
            let next = "leave the filter out; to go live on these hosts with the schema as it is: cap deploy -s \
                        migrate_on_deploy=false";
            return Err(fail(call, Problem::new(ProblemKind::Usage, "migrate before the switch", why).next(next)));
        }
        self.in_task(task, self.scope(call, &wanted)).await.map(drop)
    }

    /// Whether the built-in flow or a hook in it calls `deploy:migrate`.
    fn is_going_to_migrate(&self) -> bool {
        let inside = |tasks: &[BuiltinTask]| tasks.iter().any(|task| self.is_inside_builtin(*task));
        if inside(&[BuiltinTask::Migrations, BuiltinTask::Cold]) {
            return true;
        }
        let mut names: Vec<String> = self.flow.borrow().frames.iter().map(|frame| frame.task.full_name()).collect();
        if inside(&[BuiltinTask::Deploy, BuiltinTask::Update, BuiltinTask::UpdateCode]) {
            names.extend(["deploy:update_code", "deploy:finalize_update"].map(str::to_owned));
        }
        if inside(&[BuiltinTask::Deploy, BuiltinTask::Update]) {
            names.extend(["deploy:create_symlink", "deploy:symlink"].map(str::to_owned));
        }
        let hooks = self.hooks.borrow();
        let calls = |hook: &Hook<Proc>| matches!(&hook.action, Action::Task(name) if name == "deploy:migrate");
        let fires = |when: When, name: &str| hooks.firing(when, Some(name)).iter().any(calls);
        names.iter().any(|name| fires(When::Before, name) || fires(When::After, name))
    }

    /// Whether the recipe's own flow migrates: then `deploy` does not do it by itself.
    fn migrates_elsewhere(&self) -> Option<String> {
        let hooks = self.hooks.borrow();
        if let Some((_, hook)) = hooks
            .iter()
            .find(|(_, hook)| matches!(&hook.action, Action::Task(name) if name.starts_with("deploy:migrat")))
        {
            let place = hook.site.as_ref().map(|site| format!(" at {site}")).unwrap_or_default();
            return Some(format!("the recipe hooks the migrations itself{place}"));
        }
        let flow = self.flow.borrow();
        if flow.asked.iter().any(|name| name.starts_with("deploy:migrat") || name == "deploy:cold") {
            return Some("deploy:migrate is asked for by name".to_owned());
        }
        if flow.migrates_itself || flow.migrated {
            return Some("the recipe has migrated already".to_owned());
        }
        drop(flow);
        self.hook_that_migrates()
    }

    /// A hook or redefined task of this flow whose text speaks of migrations.
    pub fn hook_that_migrates(&self) -> Option<String> {
        let sources = self.sources.borrow();
        let tasks = self.tasks.borrow();
        let hooks = self.hooks.borrow();
        let hooked = hooks.iter().filter_map(|(_, hook)| match &hook.action {
            Action::Task(name) => tasks.find(name).and_then(|task| task.site.clone()),
            Action::Block(_) => hook.site.clone(),
        });
        let in_the_flow =
            |name: &str| IN_THE_FLOW.contains(&name) || name.starts_with("before_") || name.starts_with("after_");
        let own = tasks.iter().filter(|task| task.namespace == "deploy" && in_the_flow(&task.name));
        let own = own.filter_map(|task| task.site.clone());
        let places: Vec<Site> = hooked.chain(own).collect();
        places.iter().find_map(|site| {
            let text = sources.iter().find(|(name, _)| **name == *site.file).map(|(_, text)| text)?;
            let line = line_that_migrates(text, site.line)?;
            Some(format!("the recipe migrates itself at {}:{line}", site.file))
        })
    }

    /// Migrates between building and publishing, when the new release has migrations that the live one lacks and
    /// nothing else in the flow would run them.
    pub async fn migrate_on_deploy(self: &Rc<Self>, call: &Call) -> R<()> {
        if !self.own_flag(call, "migrate_on_deploy", true).await? {
            self.note("migrations are not run: migrate_on_deploy is false");
            return Ok(());
        }
        let Some(release) = self.deploying().filter(|_| !self.leaves_out("deploy:migrate")) else { return Ok(()) };
        if let Some(why) = self.migrates_elsewhere() {
            self.note(format!("cap deploy does not migrate by itself: {why}"));
            return Ok(());
        }
        let task = self.find_task(call, "deploy:migrate")?;
        if !is(&task, BuiltinTask::Migrate) {
            self.note("cap deploy does not migrate by itself: the recipe has a deploy:migrate of its own");
            return Ok(());
        }
        let Some(host) = self.migration_host(call).await? else { return Ok(()) };
        if self.port.is_rehearsal() {
            return self.rehearse_migration(call, task, &host).await;
        }
        let new = self.new_migrations(call, &host.look_on, release.as_str()).await?;
        if new.is_empty() {
            return Ok(());
        }
        if !host.selected {
            return Err(not_selected(call, &new, &host.target));
        }
        let text =
            format!("new migrations: {}; deploy:migrate runs on {} before the switch", first_of(&new), host.target);
        self.port.tell(Event::Message { level: Level::Info, host: None, text });
        self.execute(call, task, None).await.map(drop)
    }

    /// A flow of the recipe's own that migrates on a host which a filter leaves out: a release with new migrations must not
    /// go live without them, for no later deploy would see that they are new.
    async fn refuse_unmigrated(self: &Rc<Self>, call: &Call) -> R<()> {
        let Some(release) = self.deploying() else { return Ok(()) };
        if !self.own_flag(call, "migrate_on_deploy", true).await? {
            return Ok(());
        }
        let Some(host) = self.migration_host(call).await?.filter(|host| !host.selected) else { return Ok(()) };
        if self.port.is_rehearsal() {
            self.note_refusal(&host.target);
            return Ok(());
        }
        let new = self.new_migrations(call, &host.look_on, release.as_str()).await?;
        if new.is_empty() { Ok(()) } else { Err(not_selected(call, &new, &host.target)) }
    }

    fn note_refusal(&self, target: &HostId) {
        self.note(format!(
            "a release with migrations that the live one lacks is refused: {target} is not among the selected hosts"
        ));
    }

    /// Whether there is anything to migrate shows when the release is built: a plan has the migration as a phase that runs
    /// only then.
    async fn rehearse_migration(self: &Rc<Self>, call: &Call, task: TaskRef, host: &MigrationHost) -> R<()> {
        if !host.selected {
            self.note_refusal(&host.target);
            return Ok(());
        }
        let text = "the new release has migrations that the live one lacks, which shows when it is built";
        self.port.record(Item::Condition(Some(text.to_owned())));
        let done = self.execute(call, task, None).await;
        self.port.record(Item::Condition(None));
        done.map(drop)
    }

    /// Where migrations would run; none, with a note, when that is not exactly one host.
    async fn migration_host(self: &Rc<Self>, call: &Call) -> R<Option<MigrationHost>> {
        self.settle_roles(call).await?;
        let primary = Selection::roles(["db"]).only("primary", Property::Bool(true));
        let all = self.inventory.borrow().select(&primary, &Filters::default());
        let all = all.map(|selected| selected.hosts).unwrap_or_default();
        let target = match all.as_slice() {
            [one] => one.clone(),
            [] => {
                self.note("cap deploy does not migrate by itself: no host of the role db is :primary");
                return Ok(None);
            }
            several => {
                let names: Vec<&str> = several.iter().map(|host| host.id.as_str()).collect();
                self.note(format!("cap deploy does not migrate by itself: {} are all :primary", names.join(", ")));
                return Ok(None);
            }
        };
        if target.properties.get("no_release").is_some_and(Property::is_truthy) {
            self.note(format!("cap deploy does not migrate by itself: {} has no releases", target.id));
            return Ok(None);
        }
        let open = {
            let flow = self.flow.borrow();
            flow.open.as_ref().map(|open| open.answer.hosts.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>())
        };
        let open = open.unwrap_or_default();
        let selected = open.contains(&target.id);
        let look_on = if selected { Some(target.id.clone()) } else { open.first().cloned() };
        Ok(look_on.map(|look_on| MigrationHost { target: target.id, look_on, selected }))
    }

    /// Names in `db/migrate` of the new release that the live one lacks; none without a Rakefile.
    async fn new_migrations(self: &Rc<Self>, call: &Call, host: &HostId, release: &str) -> R<Vec<String>> {
        let dir = format!("{}/{release}", self.need(call, "releases_path").await?);
        let dir = quote_path(&from_home(&dir));
        let text = format!("cd {dir} && if [ -f Rakefile ] && [ -d db/migrate ]; then ls db/migrate; fi");
        let command = Command {
            shown: "ls db/migrate".to_owned(),
            text: CommandText::Same(format!("sh -c {}", quote(&text))),
            hosts: vec![host.clone()],
            task: Some("deploy:migrate".to_owned()),
            site: None,
            class: StepClass::Idempotent,
            sudo: false,
            pty: false,
            max_hosts: None,
            continue_on_error: false,
            forward_agent: false,
        };
        let results = self.port.command(command, Want::Output, Suspension::Facts).await;
        let live: Vec<String> = {
            let flow = self.flow.borrow();
            let facts =
                flow.open.as_ref().and_then(|open| open.answer.hosts.iter().find(|(id, _)| id == host).cloned());
            facts.and_then(|(_, facts)| facts.migrations).unwrap_or_default()
        };
        let output =
            results.first().map(|result| String::from_utf8_lossy(&result.stdout).into_owned()).unwrap_or_default();
        let names = output.lines().map(str::trim).filter(|name| !name.is_empty());
        Ok(names.filter(|name| !live.iter().any(|known| known == name)).map(str::to_owned).collect())
    }
}

struct MigrationHost {
    /// The primary database host.
    target: HostId,
    /// Whose new release is looked at.
    look_on: HostId,
    /// Whether the target is part of this run.
    selected: bool,
}

/// The first few names.
fn first_of(new: &[String]) -> String {
    let names = new.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
    if new.len() > 3 { format!("{names} and {} more", new.len() - 3) } else { names }
}

/// New migrations whose host takes no part in the run.
fn not_selected(call: &Call, new: &[String], target: &HostId) -> Unwind {
    let why =
        format!("the release has new migrations ({}), and {target} is not among the selected hosts", first_of(new));
    let problem = Problem::new(ProblemKind::Usage, "migrate before the switch", why);
    fail(call, problem.next("deploy to all hosts, or say `set :migrate_on_deploy, false`"))
}

/// The line of a block that begins on a line (from 1) and speaks of migrations. The block ends where the indentation of
/// its first line comes back.
fn line_that_migrates(text: &str, first: u32) -> Option<u32> {
    let skipped = usize::try_from(first).unwrap_or(usize::MAX).saturating_sub(1);
    let mut outer = None;
    for (number, line) in (first..).zip(text.lines().skip(skipped)) {
        let code = line.trim_start();
        let indent = line.len() - code.len();
        if !code.starts_with('#') && code.contains("db:migrate") {
            return Some(number);
        }
        match outer {
            None => outer = Some(indent),
            Some(outer) if !code.is_empty() && indent <= outer => return None,
            Some(_) => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::line_that_migrates;

    #[test]
    fn a_block_is_looked_through_to_its_end() {
        let text =
            "task :a do\n  # rake db:migrate\n\n  run 'x'\nend\n  task :b do\n    run 'rake db:migrate'\n  end\n";
        assert_eq!(line_that_migrates(text, 1), None);
        assert_eq!(line_that_migrates(text, 6), Some(7));
        assert_eq!(line_that_migrates(text, 99), None);
        assert_eq!(line_that_migrates("after('x') { run 'rake db:migrate' }", 1), Some(1));
    }
}
