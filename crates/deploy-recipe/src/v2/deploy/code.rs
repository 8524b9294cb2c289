//! Building a release: `deploy:update_code` and `deploy:finalize_update`.

use std::rc::Rc;

use deploy_plan::{AssetTouch, Builtin, Layout, Op, RemotePath, SharedLink, UpdateCode};
use deploy_ruby::Call;

use super::table::{BuiltinTask, is};
use crate::callbacks::When;
use crate::magic::{self, Side};
use crate::v2::Cap;
use crate::v2::convert::{R, names};

/// What finalizing does to a release.
struct Finish {
    links: Vec<SharedLink>,
    group_writable: bool,
    assets: Option<AssetTouch>,
    refuse_dangling: bool,
}

impl Cap {
    /// `deploy:update_code`: one item with `deploy:finalize_update`, or two where something hangs between them.
    pub async fn update_code(self: &Rc<Self>, call: &Call) -> R<()> {
        let split = self.finalize_is_apart();
        self.record_checkout(call, !split).await?;
        if split {
            self.call_task(call, "deploy:finalize_update").await?;
        }
        Ok(())
    }

    /// Whether the recipe has put anything at `deploy:finalize_update`.
    fn finalize_is_apart(&self) -> bool {
        const NAME: &str = "deploy:finalize_update";
        let tasks = self.tasks.borrow();
        let Some(task) = tasks.find(NAME) else { return true };
        let hooks = self.hooks.borrow();
        let hooked = [When::Before, When::After].into_iter().any(|when| !hooks.firing(when, Some(NAME)).is_empty());
        let named = [Side::Before, Side::After].into_iter().any(|side| magic::find(&tasks, &task, side).is_some());
        hooked || named || !is(&task, BuiltinTask::FinalizeUpdate)
    }

    /// Records the checkout of the pinned revision into the new release.
    pub async fn record_checkout(self: &Rc<Self>, call: &Call, whole: bool) -> R<()> {
        let Some(hosts) = self.task_hosts(call).await? else { return Ok(()) };
        let pinned = self.pinned(call).await?;
        // What is wrong with the settings is told before any host is asked.
        self.shared_children(call).await?;
        let layout = self.layout(call).await?;
        self.repository_cache(call, &layout).await?;
        let release = self.open_deploy(call).await?;
        let layout = self.layout(call).await?;
        let dir = layout.release(&release);
        let checkout = self.checkout_ops(call, &pinned, dir, &layout).await?;
        let mut finish = self.finish(call, &layout).await?;
        if !whole {
            // The task that finishes comes later, as work of its own.
            finish = Finish { links: Vec::new(), group_writable: false, assets: None, ..finish };
        }
        let update = UpdateCode {
            release,
            revision: pinned.pinned.revision.clone(),
            label: pinned.pinned.label.clone(),
            checkout,
            write_revision: true,
            links: finish.links,
            group_writable: finish.group_writable,
            assets: finish.assets,
            refuse_dangling: finish.refuse_dangling,
            flush: self.own_flag(call, "flush_release", true).await?,
        };
        self.record_builtin(Builtin::UpdateCode(Box::new(update)), hosts, false).await;
        self.flow.borrow_mut().building = true;
        Ok(())
    }

    /// `deploy:finalize_update` as work of its own.
    pub async fn record_finalize(self: &Rc<Self>, call: &Call) -> R<()> {
        let Some(hosts) = self.task_hosts(call).await? else { return Ok(()) };
        let release = self.open_deploy(call).await?;
        let layout = self.layout(call).await?;
        let dir = layout.release(&release);
        let finish = self.finish(call, &layout).await?;
        let mut ops = Vec::new();
        if finish.group_writable {
            ops.push(Op::GroupWritable { path: dir.clone(), recursive: true });
        }
        for link in finish.links {
            let at = dir.join(&link.at);
            ops.push(Op::ReplaceWithLink { at, target: link.target });
        }
        if let Some(AssetTouch { children, stamp }) = finish.assets {
            ops.push(Op::TouchAssets { release: dir, children, stamp });
        }
        let title = format!("link what is shared into releases/{release}");
        self.record_builtin(Builtin::Ops { title, ops, undo: Vec::new() }, hosts, false).await;
        Ok(())
    }

    async fn finish(self: &Rc<Self>, call: &Call, layout: &Layout) -> R<Finish> {
        let mut links = Vec::new();
        for child in self.shared_children(call).await? {
            let last = child.rsplit('/').next().unwrap_or_default();
            links.push(SharedLink { target: layout.shared.join(last), at: child });
        }
        let assets = if self.flag(call, "normalize_asset_timestamps", true).await? {
            let children = match self.read(call, "public_children").await? {
                Some(list) => names(&list),
                None => ["images", "stylesheets", "javascripts"].map(str::to_owned).to_vec(),
            };
            let stamp = call.interp().effects().now().strftime("%Y%m%d%H%M.%S").to_string();
            Some(AssetTouch { children, stamp })
        } else {
            None
        };
        let refuse_dangling = self.refuses_dangling(call).await?;
        Ok(Finish { links, group_writable: layout.group_writable, assets, refuse_dangling })
    }

    /// `dangling_links`: whether a link that points nowhere refuses the release.
    pub async fn refuses_dangling(self: &Rc<Self>, call: &Call) -> R<bool> {
        let value = self.get(call, "dangling_links").await?;
        match value.as_name().unwrap_or_else(|| value.to_s()).trim().to_ascii_lowercase().as_str() {
            "fail" | "refuse" => Ok(true),
            "" | "warn" => Ok(false),
            other => Err(self.no_value(call, "dangling_links", other, ":fail or :warn")),
        }
    }

    /// The maintenance page's place.
    pub async fn maintenance_path(self: &Rc<Self>, call: &Call) -> R<RemotePath> {
        let name = self.text(call, "maintenance_basename").await?.unwrap_or_else(|| "maintenance".to_owned());
        let shared = self.path(call, "shared_path").await?;
        Ok(shared.join("system").join(&format!("{name}.html")))
    }
}
