//! Lists of algorithms, with which an option replaces, extends, shortens or reorders the built-in ones.

use crate::pattern;

/// The value of an option such as `Ciphers`: a list of its own, or `+`, `-` or `^` and what to add, to leave out, or to
/// put first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlgorithmList {
    text: String,
}

impl AlgorithmList {
    /// As it is written.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into() }
    }

    /// The value as it is written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The names it means, where `defaults` is the built-in list and `all` everything that could be had. Names outside
    /// `all` are left out.
    pub fn apply(&self, defaults: &[&str], all: &[&str]) -> Vec<String> {
        let defaults = || defaults.iter().map(|name| (*name).to_owned());
        let given = |text: &str| -> Vec<String> { text.split(',').map(|name| name.trim().to_owned()).collect() };
        let wanted: Vec<String> = match self.text.split_at_checked(1) {
            Some(("+", list)) => defaults().chain(given(list)).collect(),
            Some(("^", list)) => given(list).into_iter().chain(defaults()).collect(),
            Some(("-", list)) => {
                let removed = |name: &String| given(list).iter().any(|pattern| pattern::matches(name, pattern));
                return defaults().filter(|name| !removed(name)).collect();
            }
            _ => given(&self.text),
        };
        let mut names: Vec<String> = Vec::new();
        for pattern in wanted {
            match pattern.strip_prefix('!') {
                Some(denied) => names.retain(|name| !pattern::matches(name, denied)),
                None => {
                    let matching = all.iter().filter(|name| pattern::matches(name, &pattern));
                    let new: Vec<_> = matching.filter(|name| !names.iter().any(|have| have == *name)).collect();
                    names.extend(new.into_iter().map(|name| (*name).to_owned()));
                }
            }
        }
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaced_extended_shortened_and_reordered() {
        let (defaults, all) = (["a1", "a2", "b"], ["a1", "a2", "b", "c"]);
        let cases: [(&str, &[&str]); 9] = [
            ("b,a1", &["b", "a1"]),
            ("a*", &["a1", "a2"]),
            ("+c", &["a1", "a2", "b", "c"]),
            ("+a1", &["a1", "a2", "b"]),
            ("-a*", &["b"]),
            ("^b,c", &["b", "c", "a1", "a2"]),
            ("*,!b", &["a1", "a2", "c"]),
            ("unheard-of", &[]),
            ("b,unheard-of,b", &["b"]),
        ];
        for (text, expected) in cases {
            assert_eq!(AlgorithmList::new(text).apply(&defaults, &all), expected, "{text}");
        }
    }
}
