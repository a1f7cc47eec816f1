//! Detectors made of rules: every rule that is given holds or is broken, and presence is the share that holds.
//!
//! So a threshold just below 1 demands all of them. A rule that is not given does not count, and every rule leaves a note
//! with what was measured: a person can check the verdict without the detector.

use crate::contract::{Failure, Note, Outcome, Scored, Value};

/// What became of one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The setting that gave the rule.
    pub rule: &'static str,
    /// Whether the response keeps it.
    pub holds: bool,
    /// That it holds or is broken, and what was measured beside what is allowed.
    note: String,
}

/// Bytes of a usual note. A note is written into one block of memory: it is said of every response, and formats, or texts of its
/// parts, cost several times as much as looking at the response does.
const USUAL_BYTES: usize = 32;

impl Verdict {
    /// Whether a count lies within a range, limits included.
    #[must_use]
    pub fn within(rule: &'static str, [low, high]: [usize; 2], count: usize) -> Self {
        let holds = (low..=high).contains(&count);
        let mut note = begun(holds);
        push_number(&mut note, count);
        note.push_str(" of ");
        push_number(&mut note, low);
        note.push_str(" to ");
        push_number(&mut note, high);
        Self { rule, holds, note }
    }

    /// Whether a count is at most `most`.
    #[must_use]
    pub fn at_most(rule: &'static str, most: usize, count: usize) -> Self {
        let holds = count <= most;
        let mut note = begun(holds);
        push_number(&mut note, count);
        note.push_str(" of at most ");
        push_number(&mut note, most);
        Self { rule, holds, note }
    }

    /// Whether something is there where it must be, or is missing where it must not.
    #[must_use]
    pub fn wanted(rule: &'static str, wanted: bool, has: bool) -> Self {
        Self::new(rule, has == wanted, if has { "there is one" } else { "none" })
    }

    /// Any other rule: whether it holds, and what was measured, beside what is allowed.
    #[must_use]
    pub fn new(rule: &'static str, holds: bool, measured: &str) -> Self {
        let mut note = begun(holds);
        note.push_str(measured);
        Self { rule, holds, note }
    }
}

/// The beginning of a note.
fn begun(holds: bool) -> String {
    let mut note = String::with_capacity(USUAL_BYTES);
    note.push_str(if holds { "holds: " } else { "broken: " });
    note
}

/// Writes a number in decimal.
fn push_number(text: &mut String, number: usize) {
    const DIGITS: [char; 10] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'];
    if number >= DIGITS.len() {
        push_number(text, number / DIGITS.len());
    }
    text.push(DIGITS[number % DIGITS.len()]);
}

/// Presence as the share of rules that hold, with a note for each.
#[must_use]
pub fn presence(verdicts: Vec<Verdict>) -> Outcome {
    let held = verdicts.iter().filter(|verdict| verdict.holds).count();
    let (numerator, denominator) = (held as f64, verdicts.len() as f64);
    let values = vec![Value { metric: "presence".to_owned(), numerator, denominator }];
    let note = |Verdict { rule, note, .. }| Note { key: rule.to_owned(), value: note };
    Scored { values, spans: Vec::new(), notes: verdicts.into_iter().map(note).collect() }.into()
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
        let verdicts = vec![
            Verdict::within("words", [1, usize::MAX], 0),
            Verdict::at_most("max_exclamations", 10, 1209),
            Verdict::wanted("lists", false, false),
            Verdict::new("person", true, "we"),
        ];
        let Outcome::Scored(scored) = presence(verdicts) else { panic!("rules always score") };
        assert!((scored.values[0].ratio() - 0.5).abs() < f64::EPSILON);
        let notes: Vec<String> =
            scored.notes.iter().map(|note| format!("{} {}", note.key, note.value)).collect();
        let words = format!("words broken: 0 of 1 to {}", usize::MAX);
        let others = ["max_exclamations broken: 1209 of at most 10", "lists holds: none", "person holds: we"];
        assert_eq!(notes[0], words);
        assert_eq!(notes[1..], others);
    }

    #[test]
    fn ranges_the_wrong_way_round_and_settings_without_a_rule_are_refused() {
        assert_eq!(check_range("words", Some([2, 2])), Ok(()));
        let refused = check_range("words", Some([3, 2])).unwrap_err().to_string();
        assert_eq!(refused, "config: words is [3, 2], the first must not be larger");
        assert!(check_some(&[]).is_err());
    }
}
