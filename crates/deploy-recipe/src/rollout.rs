//! The settings `rollout`, `rollout_pause` and `rollout_ask`, in both dialects: a release that gets to the fleet in waves.

use std::rc::Rc;
use std::time::Duration;

use deploy_plan::{Rollout, WaveSize};
use deploy_ruby::{Call, Value};

use crate::v2::{Cap, R};

/// Their names.
const SIZES: &str = "rollout";
const PAUSE: &str = "rollout_pause";
const ASK: &str = "rollout_ask";
/// The longest pause that makes sense: a day.
const LONGEST: f64 = 86_400.0;

impl Cap {
    /// How a release gets to the fleet; none where it does at once.
    pub async fn rollout(self: &Rc<Self>, call: &Call) -> R<Option<Rollout>> {
        let sizes = self.fleet_setting(call, SIZES).await?;
        let pause = self.fleet_setting(call, PAUSE).await?;
        let ask = self.fleet_setting(call, ASK).await?;
        let (sizes_text, pause_text, ask_text) = (shown(&sizes), pause.to_s(), ask.to_s());
        let wanted = "the sizes of the waves: 1, \"10%\" or a list like [1, \"10%\", \"100%\"]";
        let sizes = sizes_of(&sizes).ok_or_else(|| self.no_value(call, SIZES, &sizes_text, wanted))?;
        let wanted = "seconds, from 0 to 86400";
        let pause = pause_of(&pause_text).ok_or_else(|| self.no_value(call, PAUSE, &pause_text, wanted))?;
        let ask = truth_of(&ask_text).ok_or_else(|| self.no_value(call, ASK, &ask_text, "true or false"))?;
        Ok((!sizes.is_empty()).then_some(Rollout { sizes, pause, ask }))
    }
}

fn shown(value: &Value) -> String {
    if value.as_name().is_some() { value.to_s() } else { value.inspect() }
}

/// Sizes of waves: none where the value says that there are none, and nothing where it makes no sense.
fn sizes_of(value: &Value) -> Option<Vec<WaveSize>> {
    let words: Vec<String> = match value {
        Value::Nil | Value::Bool(false) => return Some(Vec::new()),
        Value::Array(list) => list.to_vec().iter().map(Value::to_s).collect(),
        one => match one.to_s().trim() {
            "" | "off" | "no" | "none" | "false" => return Some(Vec::new()),
            // From the command line.
            text => text.split(',').map(str::to_owned).collect(),
        },
    };
    words.iter().map(|word| size_of(word)).collect()
}

fn size_of(word: &str) -> Option<WaveSize> {
    let word = word.trim();
    match word.strip_suffix('%') {
        Some(part) => part.trim().parse().ok().filter(|part| (1..=100).contains(part)).map(WaveSize::Percent),
        None => word.parse().ok().filter(|count| *count > 0).map(WaveSize::Hosts),
    }
}

fn pause_of(text: &str) -> Option<Duration> {
    if text.trim().is_empty() {
        return Some(Duration::ZERO);
    }
    let seconds: f64 = text.trim().parse().ok()?;
    (0.0..=LONGEST).contains(&seconds).then(|| Duration::from_secs_f64(seconds))
}

fn truth_of(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" | "" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        use WaveSize::{Hosts, Percent};
        let list = Value::array(vec![Value::Int(1), Value::str("10%"), Value::str("100%")]);
        assert_eq!(sizes_of(&list), Some(vec![Hosts(1), Percent(10), Percent(100)]));
        for (text, sizes) in [
            ("1, 25 %", Some(vec![Hosts(1), Percent(25)])),
            ("3", Some(vec![Hosts(3)])),
            ("off", Some(Vec::new())),
            ("", Some(Vec::new())),
            ("0", None),
            ("0%", None),
            ("101%", None),
            ("1,,2", None),
            ("-1", None),
            ("canary", None),
        ] {
            assert_eq!(sizes_of(&Value::str(text)), sizes, "{text:?}");
        }
        assert_eq!(sizes_of(&Value::Nil), Some(Vec::new()));
        assert_eq!(sizes_of(&Value::Bool(true)), None);
    }

    #[test]
    fn pauses() {
        assert_eq!(pause_of(""), Some(Duration::ZERO));
        assert_eq!(pause_of("2.5"), Some(Duration::from_millis(2500)));
        for text in ["-1", "NaN", "inf", "86401", "soon"] {
            assert_eq!(pause_of(text), None, "{text:?}");
        }
    }
}
