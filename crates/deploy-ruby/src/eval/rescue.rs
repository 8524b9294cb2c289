//! begin, rescue, else, ensure, retry.

use super::{R, ev};
use crate::ast::{Begin, Rescue};
use crate::interp::{Context, Env, Interp};
use crate::value::{Exception, Jump, Sym, Unwind, Value};
use std::rc::Rc;

impl Interp {
    pub(super) async fn eval_begin(&self, cx: &Context, env: &Rc<Env>, begin: &Begin) -> R {
        let Some(ensure) = &begin.ensure else {
            return self.eval_rescued(cx, env, begin).await;
        };
        let result = {
            let _guarded = cx.enter_rescue();
            self.eval_rescued(cx, env, begin).await
        };
        ev!(self, cx, env, ensure)?;
        result
    }

    async fn eval_rescued(&self, cx: &Context, env: &Rc<Env>, begin: &Begin) -> R {
        loop {
            let result = self.eval_protected(cx, env, begin).await;
            let Err(unwind) = result else {
                return match &begin.otherwise {
                    Some(otherwise) => ev!(self, cx, env, otherwise),
                    None => result,
                };
            };
            let Some(exception) = unwind.exception().cloned() else { return Err(unwind) };
            let Some(rescue) = self.find_rescue(cx, env, begin, &exception).await? else { return Err(unwind) };
            match self.run_rescue(cx, env, rescue, exception).await {
                Err(unwind) if matches!(*unwind.0, Jump::Retry) => {
                    self.burn(cx)?;
                    self.pause_when_due().await;
                }
                other => return other,
            }
        }
    }

    async fn eval_protected(&self, cx: &Context, env: &Rc<Env>, begin: &Begin) -> R {
        let _guarded = (!begin.rescues.is_empty()).then(|| cx.enter_rescue());
        ev!(self, cx, env, &begin.body)
    }

    async fn find_rescue<'a>(
        &self,
        cx: &Context,
        env: &Rc<Env>,
        begin: &'a Begin,
        exception: &Rc<Exception>,
    ) -> Result<Option<&'a Rescue>, Unwind> {
        for rescue in &begin.rescues {
            if rescue.classes.is_empty() {
                if exception.class().descends_from("StandardError") {
                    return Ok(Some(rescue));
                }
                continue;
            }
            for class in self.eval_list(cx, env, &rescue.classes).await? {
                let hit = match &class {
                    Value::Class(class) => exception.class().descends_from(class.name()),
                    // A class of the embedding's: none of the exceptions here is one.
                    Value::Object(_) => false,
                    _ => return Err(self.raise(cx, "TypeError", "class or module required for rescue clause")),
                };
                if hit {
                    return Ok(Some(rescue));
                }
            }
        }
        Ok(None)
    }

    async fn run_rescue(&self, cx: &Context, env: &Rc<Env>, rescue: &Rescue, exception: Rc<Exception>) -> R {
        let current = Sym::new("$!");
        let before = self.0.globals.borrow_mut().insert(current.clone(), Value::Exception(exception.clone()));
        if let Some(target) = &rescue.bind {
            self.assign(cx, env, target, Value::Exception(exception)).await?;
        }
        let result = ev!(self, cx, env, &rescue.body);
        self.0.globals.borrow_mut().insert(current, before.unwrap_or_default());
        result
    }
}
