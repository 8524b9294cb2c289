//! Questions to the person at the terminal: `Capistrano::CLI` and its `ui`.

use std::cell::RefCell;
use std::rc::Rc;

use async_trait::async_trait;
use deploy_plan::{Problem, ProblemKind};
use deploy_ruby::{Args, Call, Object, Reply, Stream, Value};

use super::Cap;
use super::convert::{R, fail, site};
use super::execute::NOTHING;

/// What a question is answered with where nothing may be asked.
pub(crate) const ASKED_AT_RUN: &str = "[asked at run]";

/// `Capistrano::CLI`
pub(crate) struct Cli {
    pub cap: Rc<Cap>,
}

#[async_trait(?Send)]
impl Object for Cli {
    fn class_name(&self) -> String {
        "Capistrano::CLI".to_owned()
    }

    async fn call(self: Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        Ok(Some(match name {
            "ui" => Value::object(Ui { cap: self.cap.clone() }),
            "password_prompt" => {
                let question = args.get(0).map_or_else(|| "Password: ".to_owned(), Value::to_s);
                self.cap.ask(call, &question, false).await?
            }
            "debug_prompt" => Value::str("y"),
            _ => return Ok(None),
        }))
    }
}

/// `Capistrano::CLI.ui`
struct Ui {
    cap: Rc<Cap>,
}

#[async_trait(?Send)]
impl Object for Ui {
    fn class_name(&self) -> String {
        "HighLine".to_owned()
    }

    async fn call(self: Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        Ok(Some(match name {
            "ask" => self.question(call, args, false).await?,
            "agree" | "confirm" => self.question(call, args, true).await?,
            "say" => {
                let text = args.at(0).to_s();
                let end = if text.ends_with([' ', '\n']) { "" } else { "\n" };
                call.interp().effects().print(call, Stream::Out, format!("{text}{end}").as_bytes());
                NOTHING
            }
            "choose" => self.choose(call, args).await?,
            "color" | "wrap" => args.at(0),
            _ => return Ok(None),
        }))
    }
}

/// How often a bad answer is asked again.
const TRIES: usize = 5;

impl Ui {
    async fn question(&self, call: &Call, args: &Args, agree: bool) -> R {
        let settings = Rc::new(Question::default());
        if let Some(block) = &args.block {
            call.call_proc(block, vec![Value::Object(settings.clone())]).await?;
        }
        let question = args.at(0).to_s();
        for _ in 0..TRIES {
            let answer = self.cap.ask(call, &settings.text(&question), settings.echo()).await?;
            let mut text = answer.to_s();
            if self.cap.port.is_rehearsal() && text == ASKED_AT_RUN {
                return Ok(if agree { Value::Bool(true) } else { answer });
            }
            if text.is_empty() {
                text = settings.get("default").map_or_else(String::new, |value| value.to_s());
            }
            if agree {
                match text.to_lowercase().as_str() {
                    "y" | "yes" => return Ok(Value::Bool(true)),
                    "n" | "no" => return Ok(Value::Bool(false)),
                    _ => continue,
                }
            }
            if settings.admits(call, &text).await? {
                return converted(call, &text, args.get(1)).await;
            }
        }
        let problem = Problem::new(ProblemKind::Usage, format!("ask {question:?}"), "no valid answer was given");
        Err(fail(call, problem.at(site(call))))
    }

    async fn choose(&self, call: &Call, args: &Args) -> R {
        let choices: Vec<String> = args.positional.iter().flat_map(Value::to_list).map(|value| value.to_s()).collect();
        let lines = choices.iter().enumerate().map(|(i, choice)| format!("{}. {choice}\n", i + 1));
        let question = format!("{}?  ", lines.collect::<String>());
        for _ in 0..TRIES {
            let answer = self.cap.ask(call, &question, true).await?.to_s();
            let by_number = answer.parse::<usize>().ok().and_then(|n| n.checked_sub(1)).and_then(|n| choices.get(n));
            if let Some(choice) = by_number.or_else(|| choices.iter().find(|choice| **choice == answer)) {
                return Ok(Value::str(choice));
            }
            if self.cap.port.is_rehearsal() {
                return Ok(Value::from(answer));
            }
        }
        Err(fail(
            call,
            Problem::new(ProblemKind::Usage, "ask for a choice", "no valid answer was given").at(site(call)),
        ))
    }
}

/// The answer in the kind that was asked for.
async fn converted(call: &Call, text: &str, kind: Option<&Value>) -> R {
    match kind {
        Some(Value::Class(class)) if class.name() == "Integer" => match text.trim().parse::<i64>() {
            Ok(number) => Ok(Value::Int(number)),
            Err(_) => Err(call.argument_error(format!("invalid value for Integer: {text:?}"))),
        },
        Some(Value::Class(class)) if class.name() == "Symbol" => Ok(Value::sym(text)),
        Some(Value::Proc(convert)) => call.call_proc(convert, vec![Value::str(text)]).await,
        _ => Ok(Value::str(text)),
    }
}

/// What the block of `ask` sets.
#[derive(Default)]
struct Question {
    settings: RefCell<Vec<(String, Value)>>,
}

impl Question {
    fn get(&self, name: &str) -> Option<Value> {
        let settings = self.settings.borrow();
        settings.iter().rev().find(|(n, _)| n == name).map(|(_, value)| value.clone())
    }

    fn echo(&self) -> bool {
        self.get("echo").is_none_or(|value| value.truthy() && value.as_name().as_deref() != Some("*"))
    }

    fn text(&self, question: &str) -> String {
        let hint = self.get("default").map(|value| format!("|{}|  ", value.to_s())).unwrap_or_default();
        format!("{question}{hint}")
    }

    async fn admits(&self, call: &Call, answer: &str) -> R<bool> {
        if let Some(allowed) = self.get("in")
            && !call.send(&allowed, "include?", Args::one(answer)).await?.truthy()
        {
            return Ok(false);
        }
        match self.get("validate") {
            Some(Value::Proc(test)) => Ok(call.call_proc(&test, vec![Value::str(answer)]).await?.truthy()),
            Some(pattern @ Value::Regexp(_)) => Ok(call.send(&pattern, "===", Args::one(answer)).await?.truthy()),
            _ => Ok(true),
        }
    }
}

#[async_trait(?Send)]
impl Object for Question {
    fn class_name(&self) -> String {
        "HighLine::Question".to_owned()
    }

    async fn call(self: Rc<Self>, _call: &Call, name: &str, args: &Args) -> Reply {
        if let Some(name) = name.strip_suffix('=') {
            self.settings.borrow_mut().push((name.to_owned(), args.at(0)));
            return Ok(Some(args.at(0)));
        }
        match name {
            "responses" => Ok(Some(Value::hash([]))),
            _ => Ok(self.get(name)),
        }
    }
}

impl Cap {
    /// Asks the person; where that cannot be done, a problem that names the question.
    pub async fn ask(&self, call: &Call, question: &str, echo: bool) -> R {
        let effects = call.interp().effects().clone();
        let why = match effects.prompt(call, question, echo).await {
            Ok(Some(answer)) => return Ok(Value::from(answer)),
            Ok(None) => "standard input has ended: there is nobody to answer".to_owned(),
            Err(error) => error.to_string(),
        };
        let mut problem = Problem::new(ProblemKind::Usage, format!("ask {:?}", question.trim()), why).at(site(call));
        problem.next = Some("give the value with -S NAME=VALUE where the recipe allows it".to_owned());
        Err(fail(call, problem))
    }
}
