//! `deploy:web:disable` and `deploy:web:enable`.

use std::rc::Rc;

use deploy_plan::{Builtin, Event, Level, Op, Purpose};
use deploy_ruby::{Call, Value};

use super::page;
use crate::v2::Cap;
use crate::v2::convert::R;

impl Cap {
    /// Puts the page up.
    pub async fn web_disable(self: &Rc<Self>, call: &Call) -> R<()> {
        let Some(hosts) = self.task_hosts(call).await? else { return Ok(()) };
        let content = self.maintenance_page(call).await?;
        let path = self.maintenance_path(call).await?;
        let mut ops = Vec::new();
        ops.extend(path.parent().map(|path| Op::MakeDir { path }));
        ops.push(Op::WriteFile { path: path.clone(), content, mode: Some(0o644) });
        let undo = vec![Op::RemoveFile { path: path.clone() }];
        let name = path.file_name().trim_end_matches(".html").to_owned();
        self.open_for_upkeep(call, Purpose::Read, &hosts).await?;
        self.record_builtin(Builtin::Ops { title: "put the maintenance page up".to_owned(), ops, undo }, hosts, false)
            .await;
        self.port.tell(Event::Message { level: Level::Info, host: None, text: page::advice(&name) });
        Ok(())
    }

    /// Takes it down.
    pub async fn web_enable(self: &Rc<Self>, call: &Call) -> R<()> {
        let Some(hosts) = self.task_hosts(call).await? else { return Ok(()) };
        let path = self.maintenance_path(call).await?;
        let ops = vec![Op::RemoveFile { path }];
        self.open_for_upkeep(call, Purpose::Read, &hosts).await?;
        let title = "take the maintenance page down".to_owned();
        self.record_builtin(Builtin::Ops { title, ops, undo: Vec::new() }, hosts, false).await;
        Ok(())
    }

    async fn maintenance_page(self: &Rc<Self>, call: &Call) -> R<String> {
        let effects = call.interp().effects().clone();
        let (reason, until) = (effects.env("REASON"), effects.env("UNTIL"));
        let Some(template) = self.text(call, "maintenance_template_path").await? else {
            return Ok(page::page(reason.as_deref(), until.as_deref()));
        };
        // The recipe's own template is ERB and expects these two names.
        let path = Value::str(&template).inspect();
        let program =
            format!("reason = ENV['REASON']\ndeadline = ENV['UNTIL']\nERB.new(File.read({path})).result(binding)\n");
        let root = self.namespace_value("");
        let page = call.interp().eval_file(call.context(), "maintenance page", &program, root).await?;
        Ok(page.to_s())
    }
}
