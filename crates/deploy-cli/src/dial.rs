//! From what a recipe says about a host to a connection, and from a refused connection to words.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use deploy_inventory::{Host, HostId, Properties, Property};
use deploy_plan::{Event, Level, Observer, Problem, ProblemKind};
use deploy_report::Secrets;
use deploy_transport::ssh_config::AlgorithmList;
use deploy_transport::target::AuthMethod;
use deploy_transport::{
    AnyConnector, ConnectError, Connector, Overrides, Secret, SshConfig, SshConnector, Strictness, Target, resolve,
};

use crate::prompt::Answers;
use crate::refusal;

/// Makes targets of hosts, by the recipe's options over `ssh_config` over defaults.
pub struct Dial {
    config: SshConfig,
    ssh: Arc<SshConnector>,
    connector: Arc<dyn Connector>,
    /// The project's own known_hosts file.
    project: Option<PathBuf>,
    observer: Arc<dyn Observer>,
    secrets: Secrets,
    /// What has been warned of: each thing once, however many hosts it is about.
    told: Mutex<HashSet<String>>,
}

impl Dial {
    /// Connects over SSH with these answers, and tells `observer` of options that have no effect.
    #[must_use]
    pub fn new(config: SshConfig, answers: Arc<Answers>, observer: Arc<dyn Observer>, secrets: Secrets) -> Self {
        let ssh = Arc::new(SshConnector::new(answers));
        let connector = Arc::new(AnyConnector(Arc::clone(&ssh) as Arc<dyn Connector>)) as Arc<dyn Connector>;
        #[cfg(feature = "faults")]
        let connector = crate::faults::faulty(connector);
        Self { config, ssh, connector, project: None, observer, secrets, told: Mutex::default() }
    }

    /// Trusts the keys in this file too; it need not be there.
    #[must_use]
    pub fn with_project_file(mut self, file: PathBuf) -> Self {
        self.project = Some(file);
        self
    }

    /// What makes the connections.
    pub(crate) fn ssh(&self) -> &SshConnector {
        &self.ssh
    }

    fn warn(&self, text: String) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.insert(text.clone()) {
            self.observer.event(&Event::Message { level: Level::Warning, host: None, text });
        }
    }

    /// The configuration that a host wants instead of the usual one.
    fn other_config(&self, choice: &Config) -> Option<SshConfig> {
        let environment = self.config.environment();
        match choice {
            Config::Given => None,
            Config::None => Some(SshConfig::none(environment.clone())),
            Config::File(path) => {
                let path = path.strip_prefix("~").map_or_else(|_| path.clone(), |rest| environment.home.join(rest));
                Some(SshConfig::from_file(path, environment.clone()))
            }
        }
    }
}

impl deploy_engine::Dialer for Dial {
    fn target(&self, host: &Host) -> Result<Target, Problem> {
        let mut wanted = wanted(host).map_err(|why| settings_problem(&host.id, &why))?;
        wanted.overrides.extra_known_hosts_files.extend(self.project.clone());
        for text in &wanted.warnings {
            self.warn(text.clone());
        }
        if let Some(password) = &wanted.overrides.password {
            self.secrets.register(password.expose());
        }
        if let Some(passphrase) = &wanted.overrides.passphrase {
            self.secrets.register(passphrase.expose());
        }
        let other = self.other_config(&wanted.config);
        let mut target = resolve(&host.name, &wanted.overrides, other.as_ref().unwrap_or(&self.config))
            .map_err(|error| settings_problem(&host.id, &chain(&error)))?;
        for line in target.unhonoured.iter().filter(|line| !is_harmless(&line.keyword)) {
            let (file, number, keyword) = (line.file.display(), line.line, &line.keyword);
            self.warn(match line.known_to_ssh {
                true => format!("{file}:{number}: the ssh option {keyword} is not honoured"),
                false => format!("{file}:{number}: {keyword} is not an option of ssh, so it has no effect"),
            });
        }
        target.local = host.properties.get("local").is_some_and(Property::is_truthy);
        Ok(target)
    }

    fn connector(&self) -> &Arc<dyn Connector> {
        &self.connector
    }

    fn refused(&self, target: &Target, error: &ConnectError) -> Problem {
        refusal::problem(target, error)
    }
}

/// Options of distributions' own ssh_config that change nothing for a deployment: a login method that is not there.
fn is_harmless(keyword: &str) -> bool {
    matches!(keyword, "gssapiauthentication" | "gssapidelegatecredentials")
}

fn settings_problem(host: &HostId, why: &str) -> Problem {
    Problem::new(ProblemKind::Usage, format!("connect to {host}"), why)
        .on(host)
        .next("mend :ssh_options in the recipe, or the ssh configuration file named above")
}

/// An error and its sources.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(&format!(": {error}"));
        source = error.source();
    }
    text
}

/// Which ssh configuration a host is to use.
#[derive(Debug, Default, PartialEq, Eq)]
enum Config {
    #[default]
    Given,
    None,
    File(PathBuf),
}

/// What a recipe wants of a connection.
#[derive(Debug, Default)]
struct Wanted {
    overrides: Overrides,
    config: Config,
    warnings: Vec<String>,
}

/// Reads a host's properties.
fn wanted(host: &Host) -> Result<Wanted, String> {
    let mut wanted = Wanted::default();
    if let Some(Property::Map(options)) = host.properties.get("ssh_options") {
        for (name, value) in options {
            option(&mut wanted, name, value)?;
        }
        keepalive(&mut wanted, options);
    }
    let overrides = &mut wanted.overrides;
    overrides.name = Some(host.id.as_str().to_owned());
    // What the recipe says of the host itself wins over its ssh_options.
    overrides.user = host.user.clone().or_else(|| overrides.user.take());
    overrides.port = host.port.or(overrides.port);
    match host.properties.get("gateway") {
        None | Some(Property::Nil | Property::Bool(false)) => {}
        Some(gateway @ (Property::Str(_) | Property::Sym(_) | Property::List(_))) => {
            overrides.proxy_jump = Some(texts("gateway", gateway)?.join(","));
        }
        Some(Property::Map(gateways)) => overrides.proxy_jump = gateway_for(host, gateways)?,
        Some(_) => {
            return Err(":gateway must be a host, a list of hops, or a hash of gateways and their hosts".to_owned());
        }
    }
    Ok(wanted)
}

/// The gateway of a host in a hash `{ gateway => hosts }`: the one that names it, else the first that names anybody. A chain
/// of gateways is a key of several.
fn gateway_for(host: &Host, gateways: &Properties) -> Result<Option<String>, String> {
    let mut default = None;
    for (gateway, hosts) in gateways {
        let hosts = match hosts {
            Property::Nil => Vec::new(),
            hosts => texts("gateway", hosts)?,
        };
        // Keys come as text, a list as Ruby shows it.
        let clean = |hop: &str| hop.trim().trim_matches(['"', '\'', ':']).to_owned();
        let hops: Vec<String> = gateway.trim_matches(['[', ']']).split(',').map(clean).collect();
        let hops = hops.join(",");
        if hosts.iter().any(|name| *name == host.name || name == host.id.as_str()) {
            return Ok(Some(hops));
        }
        if default.is_none() && !hosts.is_empty() {
            default = Some(hops);
        }
    }
    Ok(default)
}

/// Reads one of `ssh_options`, as Net::SSH knows them.
fn option(wanted: &mut Wanted, name: &str, value: &Property) -> Result<(), String> {
    if *value == Property::Nil {
        return Ok(());
    }
    let overrides = &mut wanted.overrides;
    match name {
        "keys" => overrides.identity_files = Some(texts(name, value)?),
        "keys_only" => overrides.identities_only = Some(value.is_truthy()),
        "use_agent" => overrides.use_agent = Some(value.is_truthy()),
        "forward_agent" => overrides.forward_agent = Some(value.is_truthy()),
        "auth_methods" => overrides.auth_methods = Some(methods(&texts(name, value)?)),
        "password" => overrides.password = Some(Secret::new(text(name, value)?)),
        "passphrase" => overrides.passphrase = Some(Secret::new(text(name, value)?)),
        "user" | "username" => overrides.user = Some(text(name, value)?),
        "port" => overrides.port = Some(port(value)?),
        "host_name" => overrides.host_name = Some(text(name, value)?),
        "host_key_alias" => overrides.host_key_alias = Some(text(name, value)?),
        "user_known_hosts_file" => overrides.user_known_hosts_files = Some(texts(name, value)?),
        "global_known_hosts_file" => overrides.global_known_hosts_files = Some(texts(name, value)?),
        "paranoid" | "verify_host_key" | "strict_host_key_checking" => {
            overrides.strictness = Some(strictness(name, value)?);
            if overrides.strictness == Some(Strictness::Off) {
                wanted.warnings.push(format!("ssh_options[:{name}] switches the check of host keys off: anybody on the way can take over the hosts"));
            }
        }
        "timeout" => overrides.connect_timeout = Some(duration(name, value)?),
        "config" => wanted.config = config(value)?,
        "keycerts" => overrides.certificate_files = Some(texts(name, value)?),
        "encryption" => overrides.ciphers = Some(algorithms(name, value)?),
        "kex" => overrides.kex = Some(algorithms(name, value)?),
        "hmac" => overrides.macs = Some(algorithms(name, value)?),
        "host_key" => overrides.host_keys = Some(algorithms(name, value)?),
        "compression" => overrides.compression = Some(compression(name, value)?),
        "bind_address" => overrides.bind_address = Some(text(name, value)?),
        "send_env" => overrides.send_env = Some(texts(name, value)?),
        "set_env" => overrides.set_env = Some(variables(name, value)?),
        "number_of_password_prompts" => overrides.password_prompts = Some(count(name, value)?),
        "non_interactive" => overrides.batch_mode = Some(value.is_truthy()),
        "proxy_jump" => overrides.proxy_jump = Some(texts(name, value)?.join(",")),
        "proxy" => proxy(overrides, value)?,
        "key_data" => overrides.key_data = texts(name, value)?.into_iter().map(Secret::new).collect(),
        // These have a place of their own, or change nothing that anybody could see.
        "keepalive"
        | "keepalive_interval"
        | "keepalive_maxcount"
        | "verbose"
        | "logger"
        | "compression_level"
        | "max_pkt_size"
        | "max_win_size"
        | "rekey_blocks_limit"
        | "rekey_limit"
        | "rekey_packet_limit"
        | "append_all_supported_algorithms" => {}
        // The recipe says of what it sets that it has no effect, with the place.
        _ => {}
    }
    Ok(())
}

/// A `Net::SSH::Proxy` object, which comes as the one option that says the same.
fn proxy(overrides: &mut Overrides, value: &Property) -> Result<(), String> {
    let Property::Map(proxy) = value else {
        let why = "must be Net::SSH::Proxy::Command.new(\"…\") or Net::SSH::Proxy::Jump.new(\"…\")";
        return Err(format!("ssh_options[:proxy] {why}"));
    };
    for (name, value) in proxy {
        match name.as_str() {
            "proxy_command" => overrides.proxy_command = Some(text(name, value)?),
            _ => overrides.proxy_jump = Some(text(name, value)?),
        }
    }
    Ok(())
}

/// Names in order of preference. Net::SSH ignores what it does not know, and so do we.
fn algorithms(name: &str, value: &Property) -> Result<AlgorithmList, String> {
    Ok(AlgorithmList::new(texts(name, value)?.join(",")))
}

/// `true`, `false` or an algorithm.
fn compression(name: &str, value: &Property) -> Result<bool, String> {
    match value {
        Property::Bool(flag) => Ok(*flag),
        value => Ok(text(name, value)? != "none"),
    }
}

fn variables(name: &str, value: &Property) -> Result<Vec<(String, String)>, String> {
    match value {
        Property::Map(variables) => {
            variables.iter().map(|(key, value)| Ok((key.clone(), text(name, value)?))).collect()
        }
        _ => Err(format!("ssh_options[:{name}] must be a hash of variables")),
    }
}

fn count(name: &str, value: &Property) -> Result<u32, String> {
    let number = value.text().and_then(|text| text.parse().ok());
    number.ok_or_else(|| format!("ssh_options[:{name}] must be a number"))
}

fn keepalive(wanted: &mut Wanted, options: &Properties) {
    let whole = |name: &str| match options.get(name) {
        Some(Property::Int(number)) => u32::try_from(*number).ok(),
        _ => None,
    };
    let off = matches!(options.get("keepalive"), Some(Property::Bool(false)));
    let interval = if off { Some(0) } else { whole("keepalive_interval") };
    wanted.overrides.keepalive_interval = interval.map(|seconds| Duration::from_secs(u64::from(seconds)));
    wanted.overrides.keepalive_max = whole("keepalive_maxcount");
}

fn text(name: &str, value: &Property) -> Result<String, String> {
    value.text().ok_or_else(|| format!("ssh_options[:{name}] must be a text"))
}

fn texts(name: &str, value: &Property) -> Result<Vec<String>, String> {
    match value {
        Property::List(values) => values.iter().map(|value| text(name, value)).collect(),
        value => Ok(vec![text(name, value)?]),
    }
}

fn port(value: &Property) -> Result<u16, String> {
    let number = value.text().and_then(|text| text.parse().ok()).filter(|port| *port != 0);
    number.ok_or_else(|| "ssh_options[:port] must be a number from 1 to 65535".to_owned())
}

fn duration(name: &str, value: &Property) -> Result<Duration, String> {
    let seconds = value.text().and_then(|text| text.parse().ok());
    seconds.map(Duration::from_secs).ok_or_else(|| format!("ssh_options[:{name}] must be a number of seconds"))
}

/// Methods that we know; `none` and `hostbased` are asked for by old recipes and never do anything useful here.
fn methods(names: &[String]) -> Vec<AuthMethod> {
    names.iter().filter_map(|name| AuthMethod::from_name(name)).collect()
}

/// Net::SSH's words. Its `true` meant "take a new key in silence"; here nothing does that but the word for it.
fn strictness(name: &str, value: &Property) -> Result<Strictness, String> {
    match value {
        Property::Bool(true) => Ok(Strictness::Strict),
        Property::Bool(false) => Ok(Strictness::Off),
        value => match text(name, value)?.as_str() {
            "always" | "very" | "secure" | "yes" => Ok(Strictness::Strict),
            "never" | "no" | "off" => Ok(Strictness::Off),
            "accept_new" | "accept-new" | "accept_new_or_local_tunnel" => Ok(Strictness::AcceptNew),
            other => Err(format!("ssh_options[:{name}] is {other:?}; it can be :always, :accept_new or :never")),
        },
    }
}

fn config(value: &Property) -> Result<Config, String> {
    match value {
        Property::Bool(true) => Ok(Config::Given),
        Property::Bool(false) => Ok(Config::None),
        value => match texts("config", value)?.as_slice() {
            [] => Ok(Config::None),
            [file] => Ok(Config::File(PathBuf::from(file))),
            _ => Err("ssh_options[:config] with several files is not supported yet".to_owned()),
        },
    }
}

#[cfg(test)]
#[path = "dial_tests.rs"]
mod tests;
