//! What a loaded recipe is: `cap doctor`.

use deploy_plan::Problem;
use deploy_ruby::{Call, Command, CommandLine, Stderr};

use crate::check::{Checked, Met, Required};
use crate::recipe::Recipe;
use crate::v2::Cap;
use crate::v3::Scm;

/// Variables that the built-in tasks read when they run; other variables that are set have to be read by the recipe.
const SETTINGS: &str = "application ask_on_terminal bootstrap branch copy_exclude current_dir current_directory current_path \
    current_release current_revision dangling_links default_env default_environment default_run_options default_shell \
    deploy_config_path deploy_to deploy_via domain flush_release format forward_agent gateway git_enable_submodules \
    git_environmental_variables git_http_password git_http_username git_max_concurrent_connections git_shallow_clone \
    git_submodules_recursive git_wrapper_path group_writable health_check keep_releases latest_release linked_dirs linked_files \
    local_repository local_scm_command local_user log_level magic_hooks maintenance_basename maintenance_template_path \
    max_failed migrate_env migrate_on_deploy migrate_target no_release normalize_asset_timestamps password port \
    previous_release previous_revision print_config_variables pty public_children rails_env rake relative_links \
    release_name release_path release_timestamp releases_directory releases_path repo_path repo_tree repo_url \
    repository repository_cache revision revision_log_file rollout rollout_ask rollout_pause run_method runner scm scm_arguments scm_auth_cache \
    scm_password scm_username scm_verbose shared_children shared_dir shared_directory shared_path ssh_options stage \
    stage_config_path stages sudo sudo_prompt svn_password svn_revision svn_username umask unreachable use_sudo user version_dir";

impl Recipe {
    /// What the recipe is, in words: dialect, files, gems, the programs needed on this machine, hosts, and variables that
    /// nothing reads.
    ///
    /// # Errors
    /// When a variable or a role cannot be evaluated.
    pub async fn doctor(&self, checked: &Checked) -> Result<String, Box<Problem>> {
        let mut text = format!("Recipe\n  dialect: {} ({})\n", self.dialect(), checked.because);
        if let Some(version) = self.locked() {
            text.push_str(&format!("  lock: {version:?}, accepted and not compared\n"));
        }
        text.push_str(&format!("  cap: {}\n\nFiles\n", env!("CARGO_PKG_VERSION")));
        for (file, _) in self.cap().sources.borrow().iter().filter(|(file, _)| !file.starts_with("built-in ")) {
            text.push_str(&format!("  {file}\n"));
        }
        text.push_str(&gems(&checked.required));
        text.push_str("\nPrograms\n  ssh: built in; no ssh client is needed\n");
        text.push_str(&self.clients().await?);
        text.push_str("\nServers\n");
        for (name, roles) in self.servers().await? {
            text.push_str(&format!("  {name}  [{}]\n", roles.join(", ")));
        }
        text.push_str(&self.unread_text());
        Ok(text)
    }

    /// The client of the version control system on this machine: the one that the recipe names, else those there are.
    async fn clients(&self) -> Result<String, Box<Problem>> {
        self.evaluate("look for git and svn", |call, cap| async move {
            let named = cap.scm_named();
            let mut text = String::new();
            for (program, arguments) in [("git", &["--version"][..]), ("svn", &["--version", "--quiet"])] {
                match version(&call, &cap, program, arguments).await {
                    Some(said) => text.push_str(&format!("  {program}: {said}\n")),
                    None if named.as_deref() == Some(program) => {
                        let line = format!("  {program}: missing here, so no branch can be resolved; install it\n");
                        text.push_str(&line);
                    }
                    None => {}
                }
            }
            Ok(text)
        })
        .await
    }

    async fn servers(&self) -> Result<Vec<(String, Vec<String>)>, Box<Problem>> {
        let hosts = self.hosts().await?;
        if self.cap().is_three() {
            let servers = self.cap().v3.servers.borrow();
            return Ok(servers
                .iter()
                .map(|server| (server.id().to_string(), server.roles.iter().cloned().collect()))
                .collect());
        }
        let inventory = self.cap().inventory.borrow();
        Ok(hosts
            .into_iter()
            .map(|host| (host.id.to_string(), inventory.roles_of(&host.id).into_iter().map(str::to_owned).collect()))
            .collect())
    }

    /// Variables that the recipe sets, and that nothing has read or could read: no task that is built in and no text
    /// that is loaded names them.
    #[must_use]
    pub fn unread(&self) -> Vec<(String, String)> {
        let settings: Vec<&str> = SETTINGS.split_whitespace().collect();
        let sources = self.cap().sources.borrow();
        let built_in = crate::v3::loaded_texts(self.cap());
        let texts: Vec<&str> = sources.iter().map(|(_, text)| text.as_str()).chain(built_in).collect();
        let unread = self
            .never_read()
            .into_iter()
            .filter(|(name, _)| !settings.contains(&name.as_str()) && !texts.iter().any(|text| reads(text, name)));
        unread
            .map(|(name, site)| (name, site.map_or_else(|| "the command line".to_owned(), |site| site.to_string())))
            .collect()
    }

    fn unread_text(&self) -> String {
        let unread = self.unread();
        if unread.is_empty() {
            return "\nVariables\n  all that are set are read somewhere\n".to_owned();
        }
        let line = |(name, place): &(String, String)| format!("  :{name} is set ({place}), and nothing reads it\n");
        format!("\nVariables\n{}", unread.iter().map(line).collect::<String>())
    }
}

/// The first line of what a program says of its version; none where it cannot be run.
async fn version(call: &Call, cap: &Cap, program: &str, arguments: &[&str]) -> Option<String> {
    let line = std::iter::once(&program).chain(arguments).map(|&word| word.to_owned()).collect();
    let command = Command {
        line: CommandLine::Argv(line),
        env: Vec::new(),
        dir: None,
        stdin: Some(Vec::new()),
        capture: true,
        stderr: Stderr::Merge,
    };
    let finished = cap.local_effects(call).run(call, command).await.ok().filter(|done| done.status == Some(0))?;
    String::from_utf8_lossy(&finished.stdout).lines().next().map(str::to_owned)
}

impl Cap {
    /// The version control system that the recipe names, where nothing has to be evaluated for it.
    fn scm_named(&self) -> Option<String> {
        match (self.is_three(), self.v3.scm.get()) {
            (true, Scm::Svn) => Some("svn".to_owned()),
            (true, Scm::Git | Scm::Unset) => Some("git".to_owned()),
            (true, _) => None,
            (false, _) => {
                let scm = self.variables.borrow().peek("scm").map(|value| value.to_s())?;
                Some(if scm == "subversion" { "svn".to_owned() } else { scm })
            }
        }
    }
}

fn gems(required: &[Required]) -> String {
    let mut text = String::from("\nRequired\n");
    for Required { name, place, met } in required {
        let met = match met {
            Met::File => "a file of the project",
            Met::BuiltIn => "built in",
            Met::Notifier => "not built in: no notice is sent",
            Met::Library => "built in (Ruby's library, or nothing is needed)",
            Met::Skipped => "skipped: it loads the application",
            Met::Allowed => "let pass: its tasks and hooks are missing",
            Met::Unknown => "unknown: loading fails here where it is reached",
        };
        text.push_str(&format!("  {name}  {met}  ({place})\n"));
    }
    if required.is_empty() {
        text.push_str("  nothing\n");
    }
    text
}

/// Whether a text names a variable elsewhere than where it sets it.
fn reads(text: &str, name: &str) -> bool {
    text.lines().filter(|line| !line.trim_start().starts_with('#')).any(|line| {
        line.match_indices(name).any(|(at, _)| {
            let before = line.get(..at).unwrap_or_default();
            let after = line.get(at + name.len()..).unwrap_or_default();
            let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
            let whole = !part(before.chars().next_back()) && !part(after.chars().next());
            let bare = before.trim_end_matches([':', '"', '\'', '(', ' ']);
            let sets = ["set", "set_if_empty"].iter().any(|word| bare == *word || bare.ends_with(&format!(" {word}")));
            whole && !sets
        })
    })
}

#[cfg(test)]
mod tests {
    use super::reads;

    #[test]
    fn a_variable_is_read_where_it_is_named_and_not_set() {
        for (line, read) in [
            ("set :colour, 'red'", false),
            ("  set(:colour) { 'red' }", false),
            ("# colour", false),
            ("set :colours, 1", false),
            ("run \"paint #{colour}\"", true),
            ("execute :paint, fetch(:colour)", true),
            ("set :paint, colour", true),
        ] {
            assert_eq!(reads(line, "colour"), read, "{line}");
        }
    }
}
