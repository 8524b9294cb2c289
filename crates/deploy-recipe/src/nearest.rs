//! "Did you mean", as a sentence.

/// "did you mean `a` or `b`?", or nothing.
pub(crate) fn did_you_mean<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let known = known.into_iter().filter(|name| *name != wanted);
    let quoted: Vec<String> = deploy_inventory::nearest(wanted, known).iter().map(|name| format!("`{name}`")).collect();
    let (last, head) = quoted.split_last()?;
    Some(if head.is_empty() {
        format!("did you mean {last}?")
    } else {
        format!("did you mean {} or {last}?", head.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::did_you_mean;

    #[test]
    fn sentence() {
        let known = ["deploy", "deploy:restart", "web:restart"];
        assert_eq!(did_you_mean("depoly", known).unwrap(), "did you mean `deploy`?");
        assert_eq!(did_you_mean("restart", known).unwrap(), "did you mean `deploy:restart` or `web:restart`?");
        assert_eq!(did_you_mean("zzz", known), None);
    }
}
