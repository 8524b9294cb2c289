//! Glob patterns: `*`, `**/`, `?`, `[a-z]`, `{a,b}`.

use crate::interp::{Call, FileKind};

/// Whether one path part matches a pattern part.
pub(super) fn part_matches(pattern: &str, name: &str, dot: bool) -> bool {
    if name.starts_with('.') && !pattern.starts_with('.') && !dot {
        return false;
    }
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    matches(&pattern, &name)
}

/// Standard backtracking over the last star only, so it is never exponential.
fn matches(pattern: &[char], name: &[char]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        let step = match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
                continue;
            }
            Some('?') => Some(1),
            Some('[') => class(pattern.get(p..).unwrap_or_default(), name.get(n).copied().unwrap_or(' ')),
            Some('\\') => (pattern.get(p + 1) == name.get(n)).then_some(2),
            c => (c == name.get(n)).then_some(1),
        };
        match (step, star) {
            (Some(width), _) => {
                p += width;
                n += 1;
            }
            (None, Some((at, from))) => {
                star = Some((at, from + 1));
                p = at + 1;
                n = from + 1;
            }
            (None, None) => return false,
        }
    }
    pattern.get(p..).unwrap_or_default().iter().all(|c| *c == '*')
}

/// Width of a bracket expression that contains the character.
fn class(pattern: &[char], c: char) -> Option<usize> {
    let end = pattern.iter().skip(2).position(|x| *x == ']').map(|i| i + 2)?;
    let body = pattern.get(1..end)?;
    let negated = matches!(body.first(), Some('^' | '!'));
    let body = if negated { body.get(1..)? } else { body };
    let mut hit = false;
    let mut i = 0;
    while let Some(low) = body.get(i) {
        match (body.get(i + 1), body.get(i + 2)) {
            (Some('-'), Some(high)) => {
                hit |= (*low..=*high).contains(&c);
                i += 3;
            }
            _ => {
                hit |= *low == c;
                i += 1;
            }
        }
    }
    (hit != negated).then_some(end + 1)
}

/// `a{b,c}d` as `abd` and `acd`.
pub(super) fn braces(pattern: &str) -> Vec<String> {
    let Some(open) = pattern.find('{') else { return vec![pattern.to_owned()] };
    let mut depth = 0;
    let mut parts = Vec::new();
    let mut from = open + 1;
    for (at, c) in pattern.char_indices().filter(|(at, _)| *at >= open) {
        match c {
            '{' => depth += 1,
            '}' => {
                depth -= 1;
                if depth == 0 {
                    parts.push((from, at));
                    let (head, tail) =
                        (pattern.get(..open).unwrap_or_default(), pattern.get(at + 1..).unwrap_or_default());
                    let middle = parts.into_iter().map(|(a, b)| pattern.get(a..b).unwrap_or_default());
                    return middle.flat_map(|m| braces(&format!("{head}{m}{tail}"))).take(4096).collect();
                }
            }
            ',' if depth == 1 => {
                parts.push((from, at));
                from = at + 1;
            }
            _ => {}
        }
    }
    vec![pattern.to_owned()]
}

/// `File.fnmatch`
pub(super) fn fnmatch(pattern: &str, path: &str, flags: i64) -> bool {
    let dot = flags & 4 != 0;
    let patterns = if flags & 16 != 0 { braces(pattern) } else { vec![pattern.to_owned()] };
    patterns.iter().any(|pattern| {
        if flags & 2 == 0 {
            return part_matches(pattern, path, dot);
        }
        let pattern: Vec<&str> = pattern.split('/').collect();
        let path: Vec<&str> = path.split('/').collect();
        parts_match(&pattern, &path, dot)
    })
}

fn parts_match(pattern: &[&str], path: &[&str], dot: bool) -> bool {
    match (pattern.split_first(), path.split_first()) {
        (None, None) => true,
        (Some((&"**", rest)), _) if !rest.is_empty() => {
            parts_match(rest, path, dot)
                || path
                    .split_first()
                    .is_some_and(|(first, tail)| (dot || !first.starts_with('.')) && parts_match(pattern, tail, dot))
        }
        (Some((p, rest)), Some((first, tail))) => part_matches(p, first, dot) && parts_match(rest, tail, dot),
        _ => false,
    }
}

/// Paths that exist and match, sorted, relative to `base` if the pattern is.
pub(super) async fn glob(call: &Call, pattern: &str, base: &str, dot: bool) -> Vec<String> {
    let mut found = Vec::new();
    for pattern in braces(pattern) {
        let absolute = pattern.starts_with('/');
        let start = if absolute { "/".to_owned() } else { String::new() };
        let mut parts: Vec<&str> = pattern.split('/').filter(|p| !p.is_empty()).collect();
        let only_dirs = pattern.ends_with('/');
        if parts.is_empty() {
            continue;
        }
        if parts.last() == Some(&"**") {
            parts.pop();
            parts.push("*");
        }
        let mut hits = Vec::new();
        walk(call, base, start, &parts, dot, &mut hits).await;
        for hit in hits {
            match only_dirs {
                false => found.push(hit),
                true if is_dir(call, base, &hit).await => found.push(format!("{hit}/")),
                true => {}
            }
        }
    }
    found
}

fn real(base: &str, path: &str) -> String {
    match (path.starts_with('/'), path.is_empty()) {
        (true, _) => path.to_owned(),
        (false, true) => base.to_owned(),
        (false, false) => super::join_path(base, path),
    }
}

async fn is_dir(call: &Call, base: &str, path: &str) -> bool {
    let stat = call.interp().effects().clone().stat(call, &real(base, path), true).await;
    stat.is_ok_and(|s| s.kind == FileKind::Directory)
}

fn child(at: &str, name: &str) -> String {
    if at.is_empty() { name.to_owned() } else { super::join_path(at, name) }
}

async fn walk(call: &Call, base: &str, at: String, parts: &[&str], dot: bool, hits: &mut Vec<String>) {
    let Some((part, rest)) = parts.split_first() else {
        hits.push(at);
        return;
    };
    let effects = call.interp().effects().clone();
    let magic = part.contains(['*', '?', '[', '\\']);
    if !magic {
        let next = child(&at, part);
        if effects.stat(call, &real(base, &next), false).await.is_ok() {
            Box::pin(walk(call, base, next, rest, dot, hits)).await;
        }
        return;
    }
    if *part == "**" {
        Box::pin(walk(call, base, at.clone(), rest, dot, hits)).await;
    }
    let Ok(mut names) = effects.list(call, &real(base, &at)).await else { return };
    names.sort();
    for name in names {
        let next = child(&at, &name);
        if *part == "**" {
            let stat = effects.stat(call, &real(base, &next), false).await;
            if stat.is_ok_and(|s| s.kind == FileKind::Directory) && (dot || !name.starts_with('.')) {
                Box::pin(walk(call, base, next, parts, dot, hits)).await;
            }
        } else if part_matches(part, &name, dot) && (rest.is_empty() || is_dir(call, base, &next).await) {
            Box::pin(walk(call, base, next, rest, dot, hits)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        assert!(part_matches("*.rb", "deploy.rb", false));
        assert!(!part_matches("*", ".hidden", false));
        assert!(part_matches("d[a-f]p?oy", "deploy", false));
        assert!(!part_matches("[^d]*", "deploy", false));
        assert_eq!(braces("{a,b{c,d}}.rb"), ["a.rb", "bc.rb", "bd.rb"]);
        assert!(fnmatch("lib/**/*.rake", "lib/a/b/c.rake", 2));
        assert!(fnmatch("lib/**/*.rake", "lib/c.rake", 2));
        assert!(!fnmatch("lib/*.rake", "lib/a/c.rake", 2));
    }
}
