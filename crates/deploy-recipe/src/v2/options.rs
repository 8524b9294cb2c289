//! Options and settings that nobody knows are said once, with their place, and let pass as Capistrano lets them pass;
//! our own settings are read alike whether they come as symbol, text or truth value.

use std::rc::Rc;
use std::sync::Arc;

use deploy_inventory::nearest;
use deploy_plan::{Problem, ProblemKind, Site};
use deploy_ruby::{Call, Hash};

use super::Cap;
use super::convert::{R, fail, site};

/// Options of `run` and its kin.
pub(crate) const RUN: &[&str] = &[
    "roles",
    "hosts",
    "only",
    "except",
    "on_no_matching_servers",
    "once",
    "max_hosts",
    "shell",
    "data",
    "pty",
    "env",
    "eof",
    "silent",
    "skip_hostfilter",
];

/// Options of `task`.
pub(crate) const TASK: &[&str] = &[
    "roles",
    "hosts",
    "only",
    "except",
    "on_error",
    "on_no_matching_servers",
    "max_hosts",
    "once",
    "desc",
    "skip_hostfilter",
];

/// Options of `before`, `after` and `on`.
pub(crate) const HOOK: &[&str] = &["only", "except"];

/// Properties of a server that mean something without any task that names them.
const SERVER: &[&str] = &["primary", "no_release", "user", "port", "password", "ssh_options", "gateway"];

/// `ssh_options` that mean something here, and those of Net::SSH that change nothing that anybody could see.
const SSH: &[&str] = &[
    "append_all_supported_algorithms",
    "auth_methods",
    "bind_address",
    "compression",
    "compression_level",
    "config",
    "encryption",
    "forward_agent",
    "global_known_hosts_file",
    "hmac",
    "host_key",
    "host_key_alias",
    "host_name",
    "keepalive",
    "keepalive_interval",
    "keepalive_maxcount",
    "kex",
    "key_data",
    "keycerts",
    "keys",
    "keys_only",
    "logger",
    "max_pkt_size",
    "max_win_size",
    "non_interactive",
    "number_of_password_prompts",
    "paranoid",
    "passphrase",
    "password",
    "port",
    "proxy",
    "proxy_jump",
    "rekey_blocks_limit",
    "rekey_limit",
    "rekey_packet_limit",
    "send_env",
    "set_env",
    "strict_host_key_checking",
    "timeout",
    "use_agent",
    "user",
    "user_known_hosts_file",
    "username",
    "verbose",
    "verify_host_key",
];

/// Variables of Capistrano 2's deploy recipes that have no effect here.
const WITHOUT_EFFECT: &[(&str, &str)] = &[
    ("scm_passphrase", "a passphrase is never given to the hosts: use an ssh-agent with forward_agent"),
    ("scm_prefer_prompt", "nothing prompts on a host"),
    ("scm_user", "it is of systems that are not supported"),
    ("scm_module", "it is of systems that are not supported"),
    ("copy_strategy", "deploy_via :copy is not supported"),
    ("copy_cache", "deploy_via :copy is not supported"),
    ("copy_compression", "deploy_via :copy is not supported"),
    ("copy_dir", "deploy_via :copy is not supported"),
    ("copy_remote_dir", "deploy_via :copy is not supported"),
    ("copy_local_tar", "deploy_via :copy is not supported"),
    ("copy_remote_tar", "deploy_via :copy is not supported"),
    ("copy_via", "deploy_via :copy is not supported"),
    ("copy_dereference_symlink", "deploy_via :copy is not supported"),
    ("build_script", "deploy_via :copy is not supported"),
    ("maintenance_template_path", "the page is the built-in one"),
];

impl Cap {
    /// Says which options of a call nobody knows.
    pub fn say_unknown(&self, call: &Call, word: &str, options: &Hash, known: &[&str]) {
        self.say_unknown_at(site(call), word, options, known);
    }

    fn say_unknown_at(&self, place: Option<Site>, word: &str, options: &Hash, known: &[&str]) {
        for (key, _) in options.pairs() {
            let name = key.to_s();
            if !known.contains(&name.as_str()) {
                self.warn_at(
                    place.clone(),
                    &format!("{word} knows no option :{name}; it has no effect{}", meant(&name, known)),
                );
            }
        }
    }

    /// Says something of a place in the recipe, once: in the flow that runs, else in the next one.
    pub fn warn_at(&self, place: Option<Site>, text: &str) {
        let text = place.map_or_else(|| format!("warning: {text}"), |place| format!("warning: {place}: {text}"));
        if self.port.is_open() {
            self.note(text);
        } else {
            self.odd.borrow_mut().insert(text);
        }
    }

    /// What was found odd before the flow began, and what is odd about the settings as they are now.
    pub fn note_what_is_odd(&self) {
        let found: Vec<String> = self.odd.borrow().iter().cloned().collect();
        for text in found {
            self.note(text);
        }
        self.odd_ssh_options();
        self.odd_properties();
        if self.deploy_loaded.get() {
            for (name, why) in WITHOUT_EFFECT {
                let set = {
                    let variables = self.variables.borrow();
                    variables.is_own(name) && variables.peek(name).is_none_or(|value| value.truthy())
                };
                if set {
                    self.warn_at(self.set_at(name), &format!("the variable :{name} has no effect: {why}"));
                }
            }
        }
        let defaults = self.variables.borrow().peek("default_run_options").and_then(|value| value.as_hash().cloned());
        if let Some(defaults) = defaults {
            for (key, _) in defaults.pairs() {
                let name = key.to_s();
                if !RUN.contains(&name.as_str()) {
                    let place = self.set_at("default_run_options").or_else(|| self.place_of_word(&name));
                    let text =
                        format!("default_run_options knows no option :{name}; it has no effect{}", meant(&name, RUN));
                    self.warn_at(place, &text);
                }
            }
        }
    }

    fn odd_ssh_options(&self) {
        let mut names: Vec<String> = self.logins.borrow().ssh_options.keys().cloned().collect();
        for host in self.inventory.borrow().hosts() {
            if let Some(deploy_inventory::Property::Map(own)) = host.properties.get("ssh_options") {
                names.extend(own.keys().cloned());
            }
        }
        for name in names.iter().filter(|name| !SSH.contains(&name.as_str())) {
            let place = self.place_of_word(name).or_else(|| self.set_at("ssh_options"));
            self.warn_at(place, &format!("ssh_options[:{name}] has no effect{}", meant(name, SSH)));
        }
    }

    /// Properties of hosts are free; one that no task asks for and that is nearly one of ours is a slip of the pen.
    fn odd_properties(&self) {
        let tasks = self.tasks.borrow();
        let asked = |name: &str| {
            tasks.iter().any(|task| {
                let conditions = ["only", "except"].iter().filter_map(|key| task.options.get_name(key));
                conditions.filter_map(|value| value.as_hash().cloned()).any(|hash| hash.get_name(name).is_some())
            })
        };
        let hosts = self.inventory.borrow().hosts();
        for host in &hosts {
            for name in host.properties.keys().filter(|name| !SERVER.contains(&name.as_str())) {
                let near = nearest(name, SERVER.iter().copied());
                if let (Some(near), false) = (near.first(), asked(name)) {
                    let text =
                        format!("the option :{name} of {} means nothing to any task; did you mean :{near}?", host.id);
                    self.warn_at(self.place_of_word(name), &text);
                }
            }
        }
    }

    /// Where a name stands for the first time as a symbol or key in what was loaded.
    fn place_of_word(&self, name: &str) -> Option<Site> {
        let sources = self.sources.borrow();
        sources.iter().find_map(|(file, text)| {
            text.lines().enumerate().find_map(|(index, line)| {
                let at = column_of(line, name)?;
                let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
                Some(Site { file: Arc::from(file.as_str()), line: number(index + 1), column: number(at) })
            })
        })
    }

    /// A truth value of our own: `true`, `:yes`, `"off"`, … ; `default` where it is not set.
    pub async fn own_flag(self: &Rc<Self>, call: &Call, name: &str, default: bool) -> R<bool> {
        let value = self.get(call, name).await?;
        if value.is_nil() {
            return Ok(default);
        }
        let word = value.as_name().unwrap_or_else(|| value.to_s());
        match word.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Ok(true),
            "false" | "no" | "off" | "0" | "" => Ok(false),
            other => Err(self.no_value(call, name, other, "true or false")),
        }
    }

    /// The problem of a setting of our own that has a value it cannot have.
    pub fn no_value(&self, call: &Call, name: &str, got: &str, wanted: &str) -> deploy_ruby::Unwind {
        let why = format!("it is {got:?} and can be {wanted}");
        let problem = Problem::new(ProblemKind::Usage, format!("read the variable `{name}'"), why);
        let next = match self.option_of(name) {
            Some(option) => format!("give {option} as {wanted}, or leave it out"),
            None => format!("set :{name} to {wanted}, or leave it out"),
        };
        fail(call, problem.at(self.set_at(name)).next(next))
    }

    /// The option of the command line that a variable has its value from, such as `-s branch`.
    fn option_of(&self, name: &str) -> Option<String> {
        self.set_at(name)?.word().map(str::to_owned)
    }

    /// How to give a variable this value, written as in Ruby, where it has its present one: on the command line or in the
    /// recipe.
    pub fn give(&self, name: &str, value: &str) -> String {
        match self.option_of(name) {
            Some(option) => format!("give {option}={}", value.trim_start_matches(':').trim_matches('"')),
            None => format!("set :{name}, {value}"),
        }
    }
}

fn meant(name: &str, known: &[&str]) -> String {
    nearest(name, known.iter().copied()).first().map(|near| format!("; did you mean :{near}?")).unwrap_or_default()
}

/// The 1-based column of `:name` or `name:` as a word, outside of a comment that fills the line.
fn column_of(line: &str, name: &str) -> Option<usize> {
    if line.trim_start().starts_with('#') {
        return None;
    }
    let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    line.match_indices(name).find_map(|(at, _)| {
        let (before, behind) = (line.get(..at)?, line.get(at + name.len()..)?);
        let whole = !part(before.chars().next_back()) && !part(behind.chars().next());
        let symbol = before.ends_with(':') || behind.starts_with(':');
        (whole && symbol).then(|| before.trim_end_matches(':').chars().count() + 1)
    })
}

#[cfg(test)]
mod tests {
    use super::column_of;

    #[test]
    fn columns() {
        for (line, name, column) in [
            ("ssh_options[:colour] = 1", "colour", Some(13)),
            ("role :db, 'h', primay: true", "primay", Some(16)),
            ("# :colour", "colour", None),
            ("colourful :colours", "colour", None),
            ("colour", "colour", None),
        ] {
            assert_eq!(column_of(line, name), column, "{line}");
        }
    }
}
