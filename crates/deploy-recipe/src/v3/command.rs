//! The text of a command as SSHKit makes it: mapping, directory, umask, environment, user, group. Pure.

/// What surrounds a command on a host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Around {
    /// `within`, joined.
    pub directory: Option<String>,
    pub umask: Option<String>,
    /// Names as they are exported.
    pub environment: Vec<(String, String)>,
    pub user: Option<String>,
    pub group: Option<String>,
    pub background: bool,
}

/// The first word of a command: lines joined, so that a text of several lines is one command.
pub(crate) fn sanitize(text: &str) -> String {
    text.lines().map(str::trim).collect::<Vec<_>>().join("; ")
}

/// Whether a command is looked up in the command map and surrounded: a text with blanks goes to the host as it is.
pub(crate) fn is_mapped(command: &str) -> bool {
    !command.contains(char::is_whitespace)
}

/// What the command map has for a command that nobody mapped.
pub(crate) fn default_mapping(command: &str) -> String {
    if ["if", "test", "time", "exec"].contains(&command) {
        command.to_owned()
    } else {
        format!("/usr/bin/env {command}")
    }
}

/// The text for the login shell. `command` is mapped and has its arguments.
pub(crate) fn surround(command: &str, around: &Around) -> String {
    let mut text = command.to_owned();
    if let Some(group) = &around.group {
        text = format!("sg {} -c {}", escape(group), escape(&text));
    }
    if around.background {
        text = format!("( nohup {text} > /dev/null & )");
    }
    let environment = exports(&around.environment);
    if let Some(user) = &around.user {
        let own = if environment.is_empty() { String::new() } else { format!("{environment} ") };
        text = format!("sudo -u {} {own}-- sh -c {}", escape(user), escape(&text));
    }
    if !environment.is_empty() {
        text = format!("( export {environment} ; {text} )");
    }
    if let Some(umask) = &around.umask {
        text = format!("umask {umask} && {text}");
    }
    match &around.directory {
        Some(directory) => format!("cd {} && {text}", escape_path(directory)),
        None => text,
    }
}

/// `A="1" B="$PATH:x"`: only double quotes are escaped, so that variables in a value mean the host's.
fn exports(environment: &[(String, String)]) -> String {
    let each = environment.iter().map(|(name, value)| format!("{name}=\"{}\"", value.replace('"', "\\\"")));
    each.collect::<Vec<_>>().join(" ")
}

/// As Ruby's `shellescape`.
pub(crate) fn escape(text: &str) -> String {
    if text.is_empty() {
        return "''".to_owned();
    }
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '\n' => out.push_str("'\n'"),
            c if c.is_ascii_alphanumeric() || "_-.,:+/@".contains(c) || !c.is_ascii() => out.push(c),
            c => {
                out.push('\\');
                out.push(c);
            }
        }
    }
    out
}

/// The same, with tildes as they are.
pub(crate) fn escape_path(text: &str) -> String {
    escape(text).replace("\\~", "~")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn as_sshkit_writes_it() {
        let some = |text: &str| Some(text.to_owned());
        let with = |around: Around| surround("/usr/bin/env ls -l", &around);
        assert_eq!(with(Around::default()), "/usr/bin/env ls -l");
        assert_eq!(with(Around { directory: some("/a b"), ..Around::default() }), "cd /a\\ b && /usr/bin/env ls -l");
        assert_eq!(with(Around { directory: some("~/x"), ..Around::default() }), "cd ~/x && /usr/bin/env ls -l");
        assert_eq!(
            with(Around { environment: env(&[("A", "1"), ("b", "say \"$PATH\"")]), ..Around::default() }),
            "( export A=\"1\" b=\"say \\\"$PATH\\\"\" ; /usr/bin/env ls -l )"
        );
        assert_eq!(
            with(Around {
                user: some("bob"),
                group: some("dev"),
                environment: env(&[("A", "1")]),
                ..Around::default()
            }),
            "( export A=\"1\" ; sudo -u bob A=\"1\" -- sh -c sg\\ dev\\ -c\\ /usr/bin/env\\\\\\ ls\\\\\\ -l )"
        );
        assert_eq!(
            with(Around { directory: some("/x"), umask: some("002"), background: true, ..Around::default() }),
            "cd /x && umask 002 && ( nohup /usr/bin/env ls -l > /dev/null & )"
        );
    }

    #[test]
    fn words() {
        assert_eq!(sanitize("  if x\n    then y\n  fi"), "if x; then y; fi");
        assert!(is_mapped("ls") && !is_mapped("ls -l") && !is_mapped("a\nb"));
        assert_eq!((default_mapping("test"), default_mapping("rake")), ("test".into(), "/usr/bin/env rake".into()));
        assert_eq!((escape(""), escape("a'b"), escape("$x~")), ("''".into(), "a\\'b".into(), "\\$x\\~".into()));
    }
}
