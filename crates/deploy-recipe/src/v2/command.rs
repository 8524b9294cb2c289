//! The text of a command: escaping, environment, shell, placeholders. Pure.

/// Environment of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Environment {
    /// As the recipe wrote it: `A=1 B=2`.
    Text(String),
    /// Pairs, in order.
    Pairs(Vec<(String, String)>),
}

/// What runs the command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shell {
    /// `SHELL -c '…'`
    With(String),
    /// The login shell gets the text as it is.
    Raw,
}

/// The placeholder for a host's name.
pub(crate) const HOST: &str = "$CAPISTRANO:HOST$";
/// The placeholder for the names of a host's roles.
pub(crate) const HOST_ROLES: &str = "$CAPISTRANO:HOSTROLES$";

/// Blank space off both ends; a line end becomes a continued line, so that a here-document of a recipe is one line.
pub(crate) fn join_lines(text: &str) -> String {
    text.trim().replace("\r\n", "\n").replace('\n', "\\\n")
}

/// The text for the login shell.
pub(crate) fn wrap(command: &str, environment: Option<&Environment>, shell: &Shell) -> String {
    let mut parts: Vec<String> = Vec::new();
    if let Some(text) = environment.and_then(env_words) {
        parts.push(text);
    }
    match shell {
        Shell::With(shell) => {
            parts.push(format!("{shell} -c"));
            parts.push(quote(command));
        }
        Shell::Raw => parts.push(command.to_owned()),
    }
    parts.join(" ")
}

/// `env A=1 B=two\ words`: only blanks and double quotes are escaped, so that `$PATH` in a value means the host's.
fn env_words(environment: &Environment) -> Option<String> {
    match environment {
        Environment::Text(text) if text.trim().is_empty() => None,
        Environment::Text(text) => Some(format!("env {text}")),
        Environment::Pairs(pairs) if pairs.is_empty() => None,
        Environment::Pairs(pairs) => {
            let words = pairs.iter().map(|(name, value)| {
                let value: String =
                    value.chars().flat_map(|c| if c == ' ' || c == '"' { vec!['\\', c] } else { vec![c] }).collect();
                format!(" {name}={value}")
            });
            Some(std::iter::once("env".to_owned()).chain(words).collect())
        }
    }
}

/// One word for sh.
pub(crate) fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// A text for a person to type: in quotes where a shell would read anything into it.
pub(crate) fn typed(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { quote(text) }
}

/// A path as one word for sh that may begin in the home directory: `~/"my app"` must stay expandable.
pub(crate) fn quote_path(path: &str) -> String {
    match path.strip_prefix("~/") {
        Some(rest) if is_plain(rest) => path.to_owned(),
        Some(rest) => format!("~/{}", quote(rest)),
        None if is_plain(path) || path == "~" => path.to_owned(),
        None => quote(path),
    }
}

/// One word for sh, bare where nothing in it means anything to sh.
pub(crate) fn word(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { quote(text) }
}

/// A path with the home directory as `~`, which [`quote_path`] leaves expandable.
pub(crate) fn from_home(path: &str) -> String {
    match path.strip_prefix("$HOME") {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("~{rest}"),
        _ => path.to_owned(),
    }
}

fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-./:@%+=,".contains(&b))
}

/// Whether the text differs from host to host.
pub(crate) fn has_placeholder(text: &str) -> bool {
    text.contains(HOST) || text.contains(HOST_ROLES)
}

/// The text for one host; a placeholder that is not known stays.
pub(crate) fn for_host(text: &str, host: &str, roles: &[&str]) -> String {
    text.replace(HOST, host).replace(HOST_ROLES, &roles.join(","))
}

/// The `sudo` that commands are prefixed with. There is no terminal: the password comes on standard input.
pub(crate) fn sudo_words(sudo: &str, prompt: &str, user: Option<&str>) -> String {
    let mut words = format!("{sudo} -S");
    if !prompt.is_empty() {
        words.push_str(&format!(" -p {}", quote(prompt)));
    }
    if let Some(user) = user {
        words.push_str(&format!(" -u {user}"));
    }
    words
}

/// The command without the options of `sudo` that the recipe did not write.
pub(crate) fn shown(text: &str, sudo: &str, prompt: &str) -> String {
    text.replace(&sudo_words(sudo, prompt, None), sudo)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_joined() {
        assert_eq!(join_lines("  a &&\n  b  "), "a &&\\\n  b");
        assert_eq!(join_lines("a\r\nb\n"), "a\\\nb");
    }

    #[test]
    fn wrapping() {
        let sh = Shell::With("sh".into());
        assert_eq!(wrap("echo 'hi'", None, &sh), r"sh -c 'echo '\''hi'\'''");
        assert_eq!(wrap("echo 'hi'", None, &Shell::Raw), "echo 'hi'");
        assert_eq!(wrap("ls", None, &Shell::With("bash".into())), "bash -c 'ls'");
        let rvm = Shell::With("rvm_path=/x /x/bin/rvm-shell '2.0'".into());
        assert_eq!(wrap("ls", None, &rvm), "rvm_path=/x /x/bin/rvm-shell '2.0' -c 'ls'");
    }

    #[test]
    fn environments() {
        let sh = Shell::With("sh".into());
        let pairs = |pairs: &[(&str, &str)]| {
            Environment::Pairs(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
        };
        for (environment, text) in [
            (pairs(&[("A", "1"), ("B", "two \"words\"")]), r#"env A=1 B=two\ \"words\" sh -c 'ls'"#),
            (pairs(&[("PATH", "/opt/bin:$PATH")]), "env PATH=/opt/bin:$PATH sh -c 'ls'"),
            (pairs(&[]), "sh -c 'ls'"),
            (Environment::Text("A=1 B=2".into()), "env A=1 B=2 sh -c 'ls'"),
            (Environment::Text(String::new()), "sh -c 'ls'"),
        ] {
            assert_eq!(wrap("ls", Some(&environment), &sh), text);
        }
        assert_eq!(wrap("ls", Some(&pairs(&[("A", "1")])), &Shell::Raw), "env A=1 ls");
    }

    #[test]
    fn placeholders() {
        assert!(has_placeholder("echo $CAPISTRANO:HOST$") && !has_placeholder("echo $CAPISTRANO:OTHER$"));
        let text = "$CAPISTRANO:HOST$ $CAPISTRANO:HOSTROLES$ $CAPISTRANO:OTHER$";
        assert_eq!(for_host(text, "web1", &["app", "web"]), "web1 app,web $CAPISTRANO:OTHER$");
    }

    #[test]
    fn sudo() {
        assert_eq!(sudo_words("sudo", "sudo password: ", None), "sudo -S -p 'sudo password: '");
        assert_eq!(sudo_words("sudo", "", Some("app")), "sudo -S -u app");
        assert_eq!(shown("sudo -S -p 'x' -u app ls", "sudo", "x"), "sudo -u app ls");
    }

    #[test]
    fn paths_stay_expandable() {
        for (path, word) in [
            ("/var/www/shop", "/var/www/shop"),
            ("~/apps/shop", "~/apps/shop"),
            ("~/my apps/x", "~/'my apps/x'"),
            ("/my apps", "'/my apps'"),
            ("~", "~"),
        ] {
            assert_eq!(quote_path(path), word);
        }
        for (path, below) in [("$HOME/x", "~/x"), ("$HOME", "~"), ("$HOMER/x", "$HOMER/x"), ("/x", "/x")] {
            assert_eq!(from_home(path), below);
        }
    }
}
