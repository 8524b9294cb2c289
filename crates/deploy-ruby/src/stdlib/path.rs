//! Paths as text.

use crate::interp::Call;

/// All but the last part.
pub(crate) fn dirname(path: &str) -> String {
    let trimmed = path.trim_end_matches('/');
    if trimmed.is_empty() {
        return if path.starts_with('/') { "/" } else { "." }.to_owned();
    }
    match trimmed.rfind('/') {
        None => ".".to_owned(),
        Some(at) => {
            let dir = trimmed.get(..at).unwrap_or_default().trim_end_matches('/');
            if dir.is_empty() { "/".to_owned() } else { dir.to_owned() }
        }
    }
}

/// The last part, without a suffix (`.*` for any).
pub(super) fn basename(path: &str, suffix: &str) -> String {
    let trimmed = path.trim_end_matches('/');
    if trimmed.is_empty() {
        return if path.is_empty() { "" } else { "/" }.to_owned();
    }
    let base = trimmed.rsplit('/').next().unwrap_or(trimmed);
    let cut = if suffix == ".*" { base.strip_suffix(extname(base).as_str()) } else { base.strip_suffix(suffix) };
    cut.filter(|c| !c.is_empty()).unwrap_or(base).to_owned()
}

/// The suffix with its dot.
pub(super) fn extname(path: &str) -> String {
    let base = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let name = base.trim_start_matches('.');
    match name.rfind('.') {
        Some(at) if at > 0 => name.get(at..).unwrap_or_default().to_owned(),
        _ => String::new(),
    }
}

/// Joins with exactly one slash.
pub(crate) fn join_path(a: &str, b: &str) -> String {
    if a.is_empty() {
        return format!("/{}", b.trim_start_matches('/'));
    }
    match (a.ends_with('/'), b.starts_with('/')) {
        (true, _) => format!("{}/{}", a.trim_end_matches('/'), b.trim_start_matches('/')),
        (false, true) => format!("{a}{b}"),
        (false, false) => format!("{a}/{b}"),
    }
}

/// Removes `.`, `..` and double slashes from an absolute path.
pub(super) fn normalize(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// `~` and `~/…` as the home directory.
pub(super) fn home(call: &Call, path: &str) -> String {
    let home = || call.interp().effects().env("HOME").unwrap_or_else(|| "/".to_owned());
    match path.strip_prefix('~') {
        Some("") => home(),
        Some(rest) if rest.starts_with('/') => format!("{}{rest}", home()),
        _ => path.to_owned(),
    }
}

/// `File.expand_path`
pub(crate) fn expand(call: &Call, path: &str, base: Option<&str>) -> String {
    let path = home(call, path);
    if path.starts_with('/') {
        return normalize(&path);
    }
    let base = match base {
        Some(base) => expand(call, base, None),
        None => call.interp().effects().cwd(),
    };
    normalize(&format!("{base}/{path}"))
}

/// Way from one absolute path to another.
pub(super) fn relative(from: &str, to: &str) -> String {
    let from: Vec<&str> = from.split('/').filter(|p| !p.is_empty() && *p != ".").collect();
    let to: Vec<&str> = to.split('/').filter(|p| !p.is_empty() && *p != ".").collect();
    let same = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n("..", from.len() - same);
    let parts: Vec<&str> = up.chain(to.into_iter().skip(same)).collect();
    if parts.is_empty() { ".".to_owned() } else { parts.join("/") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_paths() {
        assert_eq!(dirname("/a/b/c.rb"), "/a/b");
        assert_eq!((dirname("c.rb").as_str(), dirname("/c").as_str(), dirname("/").as_str()), (".", "/", "/"));
        assert_eq!(basename("/a/b/c.rb", ".rb"), "c");
        assert_eq!((basename("c.tar.gz", ".*").as_str(), basename("/", "").as_str()), ("c.tar", "/"));
        assert_eq!((extname("a.rb").as_str(), extname(".bashrc").as_str(), extname("a.").as_str()), (".rb", "", "."));
        assert_eq!(join_path("a/", "/b"), "a/b");
        assert_eq!(normalize("/a/./b/../c//d"), "/a/c/d");
        assert_eq!(relative("/a/b/c", "/a/d"), "../../d");
    }
}
