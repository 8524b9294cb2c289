//! Filters: `HOSTS`, `ROLES`, `--hosts`, `--roles`, `set :filter`. They narrow what `on` runs on, and nothing else.

use std::rc::Rc;

use deploy_ruby::{Args, Call, Value};

use super::servers::Server;
use crate::v2::{Cap, R, names};

/// What a filter looks at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Host,
    Role,
}

/// One way to match a name.
enum Pattern {
    Exact(String),
    Regexp(Value),
}

/// One filter: some of its patterns must match.
struct Filter {
    kind: Kind,
    all: bool,
    patterns: Vec<Pattern>,
}

/// Whether a text is a host name and no regular expression.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.')
}

impl Filter {
    async fn read(call: &Call, kind: Kind, values: &Value) -> R<Self> {
        let mut filter = Self { kind, all: false, patterns: Vec::new() };
        for value in values.to_list() {
            if let Value::Regexp(_) = value {
                filter.patterns.push(Pattern::Regexp(value));
                continue;
            }
            let text = value.as_name().unwrap_or_else(|| value.to_s());
            let plain = kind == Kind::Role || text.split(',').all(is_plain);
            let parts: Vec<&str> = if plain { text.split(',').map(str::trim).collect() } else { vec![&text] };
            for part in parts.into_iter().filter(|part| !part.is_empty()) {
                filter.add(call, part).await?;
            }
        }
        Ok(filter)
    }

    async fn add(&mut self, call: &Call, part: &str) -> R<()> {
        let inside = part.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')).filter(|text| !text.is_empty());
        let pattern = match (self.kind, inside) {
            _ if part == "all" => {
                self.all = true;
                return Ok(());
            }
            (Kind::Role, Some(text)) => Pattern::Regexp(regexp(call, text).await?),
            (Kind::Host, _) if !is_plain(part) => Pattern::Regexp(regexp(call, part).await?),
            _ => Pattern::Exact(part.to_owned()),
        };
        self.patterns.push(pattern);
        Ok(())
    }

    async fn admits(&self, call: &Call, server: &Server) -> R<bool> {
        if self.all {
            return Ok(true);
        }
        let one = [server.hostname.clone()];
        let names: Vec<&String> =
            if self.kind == Kind::Host { one.iter().collect() } else { server.roles.iter().collect() };
        for pattern in &self.patterns {
            for name in &names {
                let found = match pattern {
                    Pattern::Exact(text) => *name == text,
                    Pattern::Regexp(regexp) => call.send(regexp, "===", Args::one(name.as_str())).await?.truthy(),
                };
                if found {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}

async fn regexp(call: &Call, text: &str) -> R {
    let program = format!("Regexp.new({})", Value::str(text).inspect());
    Box::pin(call.interp().eval_file(call.context(), "filter", &program, call.self_value().clone())).await
}

impl Cap {
    /// The given filters, as typed.
    pub fn filter_text(&self, call: &Call) -> String {
        let effects = self.local_effects(call);
        let mut texts = Vec::new();
        for name in ["HOSTS", "ROLES"] {
            texts.extend(effects.env(name).map(|value| format!("{name}={value}")));
        }
        for (flag, list) in [("--hosts", &self.v3.host_filters), ("--roles", &self.v3.role_filters)] {
            texts.extend(list.borrow().iter().map(|value| format!("{flag} {value}")));
        }
        if self.variables.borrow().exists("filter") {
            texts.push("set :filter".to_owned());
        }
        texts.join(" ")
    }

    async fn filters3(self: &Rc<Self>, call: &Call) -> R<Vec<Filter>> {
        let mut given: Vec<(Kind, Value)> = Vec::new();
        let effects = self.local_effects(call);
        for (kind, list, variable) in
            [(Kind::Host, &self.v3.host_filters, "HOSTS"), (Kind::Role, &self.v3.role_filters, "ROLES")]
        {
            given.extend(list.borrow().iter().map(|text| (kind, Value::str(text))));
            given.extend(effects.env(variable).map(|text| (kind, Value::from(text))));
        }
        if let Some(own) = self.read3(call, "filter").await?
            && let Some(hash) = own.as_hash()
        {
            for (name, kind) in
                [("hosts", Kind::Host), ("host", Kind::Host), ("roles", Kind::Role), ("role", Kind::Role)]
            {
                given.extend(hash.get_name(name).filter(|value| !value.is_nil()).map(|value| (kind, value)));
            }
        }
        let mut filters = Vec::new();
        for (kind, values) in given {
            filters.push(Filter::read(call, kind, &values).await?);
        }
        Ok(filters)
    }

    /// Those of the servers that all filters let through.
    pub async fn filtered(self: &Rc<Self>, call: &Call, servers: Vec<Server>) -> R<Vec<Server>> {
        let filters = self.filters3(call).await?;
        let mut left = Vec::new();
        'servers: for server in servers {
            for filter in &filters {
                if !filter.admits(call, &server).await? {
                    continue 'servers;
                }
            }
            left.push(server);
        }
        let custom = self.v3.custom_filters.borrow().clone();
        for filter in custom {
            let values = left.iter().map(|server| self.server_value(server.clone())).collect();
            let kept = call.call_proc(&filter, vec![Value::array(values)]).await?.to_list();
            left = kept.iter().filter_map(|value| self.server_of(value)).collect();
        }
        left.retain(|server| !self.port.is_left_out(&server.id()));
        Ok(left)
    }

    /// Hosts and roles in the filters that the recipe does not have.
    pub fn unknown_in_filters(&self, call: &Call) -> Option<String> {
        let servers = self.v3.servers.borrow();
        let effects = self.local_effects(call);
        let known: Vec<String> = servers.iter().map(|server| server.hostname.clone()).collect();
        let roles = servers.roles();
        for (name, is_known) in [
            ("HOSTS", &(|part: &str| known.iter().any(|k| k == part)) as &dyn Fn(&str) -> bool),
            ("ROLES", &|part: &str| roles.contains(part)),
        ] {
            let Some(text) = effects.env(name) else { continue };
            let parts = names(&Value::str(&text))
                .into_iter()
                .flat_map(|text| text.split(',').map(|part| part.trim().to_owned()).collect::<Vec<_>>());
            for part in parts.filter(|part| is_plain(&part.replace('_', "-")) && part != "all") {
                if !is_known(&part) {
                    let what = if name == "HOSTS" { "host" } else { "role" };
                    let all = if name == "HOSTS" {
                        known.join(", ")
                    } else {
                        roles.iter().cloned().collect::<Vec<_>>().join(", ")
                    };
                    return Some(format!(
                        "{name} names the {what} {part:?}, which this stage does not have; it has {all}"
                    ));
                }
            }
        }
        None
    }
}
