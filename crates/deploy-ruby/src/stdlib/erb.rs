//! ERB: a template becomes a program of the same language, with its lines where they were.

use super::binding::Binding;
use crate::core::text;
use crate::interp::{Args, Call, Env, Object, Reply};
use crate::value::{Str, Sym, Unwind, Value, inspect_bytes};
use async_trait::async_trait;
use std::cell::RefCell;
use std::rc::Rc;

struct Template {
    program: String,
    file: RefCell<String>,
}

pub(super) fn class_call(call: &Call, name: &str, args: &Args) -> Reply {
    if name == "version" {
        return Ok(Some(Value::str("4.0.0")));
    }
    if name != "new" {
        return Ok(None);
    }
    let mode = args.option("trim_mode").unwrap_or_else(|| args.at(2)).to_s();
    let program = compile(&text(call, &args.at(0))?, &mode);
    Ok(Some(Value::object(Template { program, file: RefCell::new("(erb)".to_owned()) })))
}

/// `h`, `html_escape`, `url_encode`
pub(super) fn escape_html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

#[derive(PartialEq)]
enum Piece<'a> {
    Text(String),
    Code(&'a str),
    Output(&'a str),
    Comment(&'a str),
}

fn compile(template: &str, mode: &str) -> String {
    let mut program = String::from("_erbout = +''; ");
    let mut text = String::new();
    for line in template.split_inclusive('\n') {
        // A line of code, in the mode `%`; `%%` stands for a percent sign.
        match line.strip_prefix('%').filter(|_| mode.contains('%') && !inside_tag(&text)) {
            Some(code) if !code.starts_with('%') => {
                add(&std::mem::take(&mut text), mode, &mut program);
                program.push_str(code);
            }
            Some(rest) => text.push_str(rest),
            None => text.push_str(line),
        }
    }
    add(&text, mode, &mut program);
    program.push_str("\n_erbout");
    program
}

fn inside_tag(text: &str) -> bool {
    text.rfind("<%").is_some_and(|open| text.rfind("%>").is_none_or(|close| close < open))
}

/// Adds what a piece of the template does.
fn add(template: &str, mode: &str, program: &mut String) {
    for piece in pieces(template, mode) {
        match piece {
            Piece::Text(text) if text.is_empty() => {}
            Piece::Text(text) => {
                program.push_str(&format!("_erbout << {}; ", inspect_bytes(text.as_bytes())));
                program.push_str(&"\n".repeat(text.matches('\n').count()));
            }
            Piece::Code(code) => {
                program.push_str(&format!("{code}{}", if code.trim_end().contains('#') { "\n" } else { "; " }))
            }
            Piece::Output(code) => program.push_str(&format!("_erbout << (({code}).to_s); ")),
            Piece::Comment(code) => program.push_str(&"\n".repeat(code.matches('\n').count())),
        }
    }
}

fn pieces<'a>(template: &'a str, mode: &str) -> Vec<Piece<'a>> {
    let mut out = Vec::new();
    let mut rest = template;
    let mut text = String::new();
    let mut line_began_with_tag = rest.starts_with("<%");
    while let Some(at) = rest.find("<%") {
        let (head, tail) = rest.split_at(at);
        text.push_str(head);
        if let Some(after) = tail.strip_prefix("<%%") {
            text.push_str("<%");
            rest = after;
            continue;
        }
        if head.contains('\n') || (head.is_empty() && text.is_empty()) {
            line_began_with_tag = text.is_empty() || text.ends_with('\n');
        }
        let body = tail.get(2..).unwrap_or_default();
        let end = body.find("%>").unwrap_or(body.len());
        let (inside, after) = body.split_at(end);
        let mut after = after.strip_prefix("%>").unwrap_or(after);
        let mut inside = inside;
        if mode.contains('-') {
            if let Some(cut) = inside.strip_prefix('-') {
                inside = cut;
                let keep = text.trim_end_matches([' ', '\t']).len();
                if keep == 0 || text.get(..keep).is_some_and(|t| t.ends_with('\n')) {
                    text.truncate(keep);
                }
            }
            if let Some(cut) = inside.strip_suffix('-') {
                inside = cut;
                after = skip_newline(after);
            }
        }
        let whole_line = mode.contains('>') && (!mode.contains("<>") || line_began_with_tag);
        if whole_line {
            after = skip_newline(after);
        }
        out.push(Piece::Text(std::mem::take(&mut text)));
        out.push(match inside.chars().next() {
            Some('=') => Piece::Output(inside.get(1..).unwrap_or_default()),
            Some('#') => Piece::Comment(inside),
            _ => Piece::Code(inside),
        });
        rest = after;
    }
    text.push_str(rest);
    out.push(Piece::Text(text.replace("%%>", "%>")));
    out
}

fn skip_newline(text: &str) -> &str {
    text.strip_prefix("\r\n").or_else(|| text.strip_prefix('\n')).unwrap_or(text)
}

impl Template {
    async fn render(&self, call: &Call, env: Rc<Env>) -> Result<Value, Unwind> {
        let interp = call.interp();
        let name = self.file.borrow().clone();
        let tree = crate::lower::parse(interp.sources(), &name, self.program.as_bytes(), &env.scopes());
        let tree = tree.map_err(|errors| interp.syntax_error(call.context(), errors))?;
        let _frame = call.context().enter("in a template");
        let home = env.home.clone();
        let inner = Env::new(&tree.body, Some(env), home, 0);
        interp.eval(call.context(), &inner, &tree.body.code).await
    }
}

/// A scope with these variables, whose self is the caller's.
fn scope_of(call: &Call, pairs: Vec<(Value, Value)>) -> Result<Rc<Env>, Unwind> {
    let Some(env) = &call.env else { return Err(call.raise("RuntimeError", "no scope to render in")) };
    let names: Vec<Sym> = pairs.iter().map(|(k, _)| Sym::new(&k.to_s())).collect();
    Ok(Env::with_variables(names, pairs.into_iter().map(|(_, v)| v).collect(), env.home.clone()))
}

#[async_trait(?Send)]
impl Object for Template {
    fn class_name(&self) -> String {
        "ERB".to_owned()
    }

    fn responds_to(&self, name: &str) -> bool {
        matches!(name, "result" | "result_with_hash" | "src")
    }

    async fn call(self: Rc<Self>, call: &Call, name: &str, args: &Args) -> Reply {
        Ok(Some(match name {
            "result" => {
                let env = match args.at(0).downcast::<Binding>() {
                    Some(binding) => binding.0.clone(),
                    None => scope_of(call, Vec::new())?,
                };
                Box::pin(self.render(call, env)).await?
            }
            "result_with_hash" => {
                let pairs = args.options().map(|h| h.pairs()).unwrap_or_default();
                Box::pin(self.render(call, scope_of(call, pairs)?)).await?
            }
            "src" => Value::Str(Str::new(&self.program)),
            "filename=" => {
                self.file.replace(text(call, &args.at(0))?);
                args.at(0)
            }
            "location=" => args.at(0),
            _ => return Ok(None),
        }))
    }
}
