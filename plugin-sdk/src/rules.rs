//! Detectors made of rules: every rule that is given holds or is broken, and presence is the share that holds.
//!
//! So a threshold just below 1 demands all of them. A rule that is not given does not count, and every rule leaves a note
//! with what was measured: a person can check the verdict without the detector.

use crate::contract::{Failure, Outcome, Scored};

/// What became of one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The setting that gave the rule.
    pub rule: &'static str,
    /// Whether the response keeps it.
    pub holds: bool,
    /// What was measured, beside what is allowed.
    pub measured: String,
}

impl Verdict {
    /// Whether a count lies within a range, limits included.
    #[must_use]
    pub fn within(rule: &'static str, [low, high]: [usize; 2], count: usize) -> Self {
        let [of, from, to] = [count, low, high].map(|number| number.to_string());
        // Joined, not formatted: this is said of every response, and the machinery of formats costs several times as much.
        let measured = [of.as_str(), " of ", &from, " to ", &to].concat();
        Self { rule, holds: (low..=high).contains(&count), measured }
    }

    /// Whether something is there where it must be, or is missing where it must not.
    #[must_use]
    pub fn wanted(rule: &'static str, wanted: bool, has: bool) -> Self {
        let measured = if has { "there is one" } else { "none" }.to_owned();
        Self { rule, holds: has == wanted, measured }
    }
}

/// Presence as the share of rules that hold, with a note for each.
#[must_use]
pub fn presence(verdicts: Vec<Verdict>) -> Outcome {
    let held = verdicts.iter().filter(|verdict| verdict.holds).count();
    let scored = Scored::default().and("presence", held as f64, verdicts.len() as f64);
    let noted = verdicts.into_iter().fold(scored, |scored, Verdict { rule, holds, measured }| {
        scored.note(rule, [if holds { "holds: " } else { "broken: " }, &measured].concat())
    });
    noted.into()
}

/// Refuses a range whose first limit is the larger.
///
/// # Errors
/// `config`, naming the rule and both limits.
pub fn check_range(rule: &str, range: Option<[usize; 2]>) -> Result<(), Failure> {
    match range {
        Some([low, high]) if low > high => {
            Err(Failure::config(format!("{rule} is [{low}, {high}], the first must not be larger")))
        }
        _ => Ok(()),
    }
}

/// Refuses settings that give no rule; `verdicts` are those of any text.
///
/// # Errors
/// `config`.
pub fn check_some(verdicts: &[Verdict]) -> Result<(), Failure> {
    if verdicts.is_empty() {
        return Err(Failure::config("no rule is given, at least one is needed"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presence_is_the_share_of_rules_that_hold_and_says_why() {
        let verdicts = vec![Verdict::within("words", [1, 3], 4), Verdict::wanted("lists", false, false)];
        let Outcome::Scored(scored) = presence(verdicts) else { panic!("rules always score") };
        assert!((scored.values[0].ratio() - 0.5).abs() < f64::EPSILON);
        let notes: Vec<String> =
            scored.notes.iter().map(|note| format!("{} {}", note.key, note.value)).collect();
        assert_eq!(notes, ["words broken: 4 of 1 to 3", "lists holds: none"]);
    }

    #[test]
    fn ranges_the_wrong_way_round_and_settings_without_a_rule_are_refused() {
        assert_eq!(check_range("words", Some([2, 2])), Ok(()));
        let refused = check_range("words", Some([3, 2])).unwrap_err().to_string();
        assert_eq!(refused, "config: words is [3, 2], the first must not be larger");
        assert!(check_some(&[]).is_err());
    }
}
