//! Names that a person may have meant.

/// Up to three of the known names that are nearest to what was asked, best first: another case, a common beginning or
/// end, or a few letters more, fewer or exchanged.
///
/// ```
/// let known = ["web1.example.com", "web2.example.com", "db1.example.com"];
/// assert_eq!(deploy_inventory::nearest("web1", known), ["web1.example.com"]);
/// assert_eq!(deploy_inventory::nearest("bd1.example.com", known), ["db1.example.com"]);
/// ```
#[must_use]
pub fn nearest<'a>(asked: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    const MOST: usize = 3;
    let asked = asked.to_lowercase();
    let mut found: Vec<(usize, &str)> =
        known.into_iter().filter_map(|name| distance(&asked, name).map(|far| (far, name))).collect();
    found.sort_by_key(|(far, _)| *far);
    // A near miss is not helped by listing what is much farther away.
    let best = found.first().map_or(0, |(far, _)| *far);
    let mut names: Vec<String> = Vec::new();
    for (far, name) in found {
        if far <= best + 1 && names.len() < MOST && !names.iter().any(|n| n == name) {
            names.push(name.to_owned());
        }
    }
    names
}

fn distance(asked: &str, name: &str) -> Option<usize> {
    let name = name.to_lowercase();
    if asked.is_empty() {
        return None;
    }
    if asked == name {
        return Some(0);
    }
    if asked.len() >= 2 && (name.starts_with(asked) || name.ends_with(asked)) {
        return Some(1);
    }
    let far = strsim::osa_distance(asked, &name);
    let most = (asked.chars().count().max(name.chars().count()) / 3).max(1);
    (far <= most).then_some(far)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn table() {
        let known = ["web", "app", "db", "worker"];
        for (asked, wanted) in [
            ("wbe", &["web"][..]),
            ("WEB", &["web"]),
            ("dbs", &["db"]),
            ("wokrer", &["worker"]),
            ("work", &["worker"]),
            ("zzz", &[]),
            ("", &[]),
        ] {
            assert_eq!(nearest(asked, known), wanted, "{asked}");
        }
        assert_eq!(nearest("web", ["web1", "web2", "web3", "web4"]), ["web1", "web2", "web3"]);
        assert_eq!(nearest("a1", ["a1x", "a1x"]), ["a1x"]);
        assert_eq!(nearest("web1.exmaple.com", ["web1.example.com", "web2.example.com", "db1.example.com"]).len(), 2);
    }
}
