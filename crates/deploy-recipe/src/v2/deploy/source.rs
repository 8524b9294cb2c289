//! `source` and `strategy` as a recipe may use them.

use std::rc::Rc;

use async_trait::async_trait;
use deploy_ruby::{Args, Call, Object, Reply, Value};
use deploy_scm::ScmKind;

use crate::v2::Cap;
use crate::v2::convert::unsupported;

/// `source`
pub(crate) struct SourceObject {
    pub cap: Rc<Cap>,
}

#[async_trait(?Send)]
impl Object for SourceObject {
    fn class_name(&self) -> String {
        "Capistrano::Deploy::SCM::Base".to_owned()
    }

    async fn call(self: Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        let cap = &self.cap;
        Ok(Some(match name {
            "local" => Value::Object(self.clone()),
            "head" => Value::from(cap.scm_head(call).await?),
            "query_revision" => {
                let source = cap.scm_source(call).await?;
                let pinned = cap.resolve(call, &source, &args.at(0).to_s()).await?;
                Value::str(pinned.revision.as_str())
            }
            "next_revision" => match args.at(0).to_s().parse::<i64>() {
                Ok(number) if cap.scm_source(call).await?.kind == ScmKind::Subversion => {
                    Value::from((number + 1).to_string())
                }
                _ => args.at(0),
            },
            "repository" => Value::from(cap.need(call, "repository").await?),
            "command" => Value::from(cap.scm_source(call).await?.program.join(" ")),
            "log" | "diff" => Value::from(cap.history_text(call, name, &args.at(0).to_s(), args.get(1)).await?),
            "checkout" | "export" | "sync" | "scm" | "handle_data" => {
                let why =
                    "the built-in deploy:update_code checks the code out; the text of its commands is not available";
                return Err(unsupported(call, format!("use source.{name}"), why));
            }
            _ => return Ok(None),
        }))
    }
}

/// `strategy`
pub(crate) struct StrategyObject {
    pub cap: Rc<Cap>,
}

#[async_trait(?Send)]
impl Object for StrategyObject {
    fn class_name(&self) -> String {
        "Capistrano::Deploy::Strategy::Base".to_owned()
    }

    async fn call(self: Rc<Self>, call: &Call, name: &str, _args: &Args) -> Reply {
        match name {
            "deploy!" => self.cap.record_checkout(call, false).await.map(|()| Some(Value::Nil)),
            "check!" => Err(unsupported(call, "use strategy.check!", "deploy:check looks at the hosts instead")),
            _ => Ok(None),
        }
    }
}
