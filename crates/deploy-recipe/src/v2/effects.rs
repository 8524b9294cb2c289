//! Local effects of a recipe: while a flow runs, the flow must have got there before anything is changed.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use deploy_plan::{Event, Item, Suspension};
use deploy_ruby::{Call, Command, CommandLine, Effects, Finished, Stat, Stream};

use super::Cap;
use super::convert::{site, site_of};
use super::local_query::only_reads;
use super::questions::ASKED_AT_RUN;
use crate::callbacks::{Action, When};
use crate::secret_names::is_secret;

/// Effects that wait for the flow.
pub(crate) struct FlowEffects {
    pub inner: Rc<dyn Effects>,
    pub cap: Rc<Cap>,
}

impl FlowEffects {
    /// Runs what is recorded; `false` where nothing may be changed.
    async fn reach(&self, call: &Call, what: impl FnOnce() -> String) -> bool {
        self.cap.acted.set(true);
        if !self.cap.port.is_open() {
            return true;
        }
        if self.cap.is_rehearsal() {
            self.cap.note(format!("on this machine, not done now: {}", what()));
            return false;
        }
        self.cap.port.settle(Suspension::LocalEffect, site(call)).await;
        true
    }
}

impl Cap {
    /// Whether nothing is to be changed anywhere, also before the flow and behind it.
    pub fn is_rehearsal(&self) -> bool {
        self.settings.rehearsal || self.port.is_rehearsal()
    }

    /// Says which hooks and blocks would run at the end of the process, and forgets the blocks.
    pub fn name_what_ends(&self, call: &Call) {
        let hooks = self.hooks.borrow().firing(When::Exit, None);
        let hooks = hooks.into_iter().map(|hook| match hook.action {
            Action::Task(name) => (format!("the hook of :exit that calls {name}"), hook.site),
            Action::Block(_) => ("a hook of :exit".to_owned(), hook.site),
        });
        let blocks = call.interp().take_at_exit().into_iter().map(|block| {
            let place = block.span().and_then(|span| call.interp().sources().position(span));
            ("an at_exit block".to_owned(), place.as_ref().map(site_of))
        });
        for (what, place) in hooks.chain(blocks) {
            let place = place.map(|place| format!(" ({place})")).unwrap_or_default();
            let text = format!("not run in a rehearsal: {what}{place}\n");
            self.local_effects(call).print(call, Stream::Err, text.as_bytes());
        }
    }
}

#[async_trait(?Send)]
impl Effects for FlowEffects {
    fn env(&self, name: &str) -> Option<String> {
        let value = self.inner.env(name);
        if let Some(secret) = value.as_ref().filter(|_| is_secret(name)) {
            self.inner.keep_secret(secret);
        }
        value
    }

    fn env_all(&self) -> Vec<(String, String)> {
        self.inner.env_all()
    }

    fn set_env(&self, name: &str, value: Option<&str>) {
        self.inner.set_env(name, value);
    }

    fn now(&self) -> jiff::Timestamp {
        self.inner.now()
    }

    fn time_zone(&self) -> jiff::tz::TimeZone {
        self.inner.time_zone()
    }

    fn print(&self, call: &Call, stream: Stream, text: &[u8]) {
        if !self.cap.port.is_open() {
            self.inner.print(call, stream, text);
            return;
        }
        let stream = match stream {
            Stream::Out => deploy_plan::Stream::Out,
            Stream::Err => deploy_plan::Stream::Err,
        };
        self.cap.port.tell(Event::Printed { stream, text: String::from_utf8_lossy(text).into_owned() });
    }

    fn keep_secret(&self, text: &str) {
        self.inner.keep_secret(text);
    }

    fn random(&self) -> u64 {
        self.inner.random()
    }

    fn hostname(&self) -> String {
        self.inner.hostname()
    }

    fn user(&self) -> String {
        self.inner.user()
    }

    fn cwd(&self) -> String {
        self.inner.cwd()
    }

    fn set_cwd(&self, call: &Call, path: &str) -> io::Result<()> {
        self.inner.set_cwd(call, path)
    }

    async fn sleep(&self, call: &Call, time: Duration) {
        if self.cap.port.is_open() {
            if self.cap.is_rehearsal() {
                self.cap.port.record(Item::Note(format!("the recipe sleeps {} s", time.as_secs_f64())));
                return;
            }
            self.cap.port.settle(Suspension::Sleep, site(call)).await;
        }
        self.inner.sleep(call, time).await;
    }

    async fn run(&self, call: &Call, command: Command) -> io::Result<Finished> {
        let shown = || match &command.line {
            CommandLine::Shell(text) => text.clone(),
            CommandLine::Argv(argv) => argv.join(" "),
        };
        if only_reads(&command.line) || self.reach(call, shown).await {
            return self.inner.run(call, command).await;
        }
        Ok(Finished { status: Some(0), ..Finished::default() })
    }

    async fn prompt(&self, call: &Call, question: &str, echo: bool) -> io::Result<Option<String>> {
        self.cap.acted.set(true);
        if self.cap.port.is_open() {
            if self.cap.is_rehearsal() {
                self.cap.note(format!("asked at run: {}", question.trim()));
                return Ok(Some(ASKED_AT_RUN.to_owned()));
            }
            self.cap.port.settle(Suspension::Prompt, site(call)).await;
        }
        self.inner.prompt(call, question, echo).await
    }

    async fn read(&self, call: &Call, path: &str) -> io::Result<Vec<u8>> {
        self.inner.read(call, path).await
    }

    async fn write(&self, call: &Call, path: &str, data: &[u8], append: bool) -> io::Result<()> {
        if self.reach(call, || format!("write {path}")).await {
            return self.inner.write(call, path, data, append).await;
        }
        Ok(())
    }

    async fn stat(&self, call: &Call, path: &str, follow: bool) -> io::Result<Stat> {
        self.inner.stat(call, path, follow).await
    }

    async fn list(&self, call: &Call, path: &str) -> io::Result<Vec<String>> {
        self.inner.list(call, path).await
    }

    async fn make_dir(&self, call: &Call, path: &str) -> io::Result<()> {
        if self.reach(call, || format!("make directory {path}")).await {
            return self.inner.make_dir(call, path).await;
        }
        Ok(())
    }

    async fn remove_file(&self, call: &Call, path: &str) -> io::Result<()> {
        if self.reach(call, || format!("remove {path}")).await {
            return self.inner.remove_file(call, path).await;
        }
        Ok(())
    }

    async fn remove_dir(&self, call: &Call, path: &str) -> io::Result<()> {
        if self.reach(call, || format!("remove directory {path}")).await {
            return self.inner.remove_dir(call, path).await;
        }
        Ok(())
    }

    async fn rename(&self, call: &Call, from: &str, to: &str) -> io::Result<()> {
        if self.reach(call, || format!("rename {from} to {to}")).await {
            return self.inner.rename(call, from, to).await;
        }
        Ok(())
    }

    async fn symlink(&self, call: &Call, target: &str, link: &str) -> io::Result<()> {
        if self.reach(call, || format!("link {link} to {target}")).await {
            return self.inner.symlink(call, target, link).await;
        }
        Ok(())
    }

    async fn read_link(&self, call: &Call, path: &str) -> io::Result<String> {
        self.inner.read_link(call, path).await
    }

    async fn real_path(&self, call: &Call, path: &str) -> io::Result<String> {
        self.inner.real_path(call, path).await
    }

    async fn chmod(&self, call: &Call, path: &str, mode: u32) -> io::Result<()> {
        if self.reach(call, || format!("chmod {mode:o} {path}")).await {
            return self.inner.chmod(call, path, mode).await;
        }
        Ok(())
    }

    async fn touch(&self, call: &Call, path: &str) -> io::Result<()> {
        if self.reach(call, || format!("touch {path}")).await {
            return self.inner.touch(call, path).await;
        }
        Ok(())
    }
}
