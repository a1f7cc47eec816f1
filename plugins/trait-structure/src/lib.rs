//! Trait detector: length, punctuation and layout against rules.
//!
//! Presence is the share of the given rules that hold, so a threshold just below 1 demands all of them. Rules that are
//! not given do not count. Every rule leaves a note with what was measured.

use realign_plugin::prelude::*;

mod measure;

/// The rules, as the suite gives them; also the prepared detector, since nothing has to be prepared.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Structure {
    /// Fewest and most words.
    words: Option<[usize; 2]>,
    /// Fewest and most sentences.
    sentences: Option<[usize; 2]>,
    /// Most exclamation marks.
    max_exclamations: Option<usize>,
    /// Whether there must, or must not, be a list.
    lists: Option<bool>,
    /// Whether there must, or must not, be a heading.
    headings: Option<bool>,
    /// Endings of which the response must have one.
    ends_with: Option<Vec<String>>,
}

/// What became of one rule.
struct Verdict {
    rule: &'static str,
    holds: bool,
    measured: String,
}

impl TraitDetector for Structure {
    type Config = Self;
    const ABOUT: About = about!(include_str!("../config.schema.json"));

    fn prepare(config: Self, _: &Setup<'_>) -> Result<Self, Failure> {
        for (rule, range) in [("words", config.words), ("sentences", config.sentences)] {
            if let Some([low, high]) = range
                && low > high
            {
                return Err(Failure::config(format!(
                    "{rule} is [{low}, {high}], the first must not be larger"
                )));
            }
        }
        if config
            .ends_with
            .as_ref()
            .is_some_and(|endings| endings.is_empty() || endings.iter().any(String::is_empty))
        {
            return Err(Failure::config("ends_with needs at least one ending, and none of them empty"));
        }
        if config.verdicts("").is_empty() {
            return Err(Failure::config("no rule is given, at least one is needed"));
        }
        Ok(config)
    }

    fn detect(&self, sample: &Sample, _: &Answers<'_>) -> Result<Outcome, Failure> {
        let verdicts = self.verdicts(&sample.response);
        let held = verdicts.iter().filter(|verdict| verdict.holds).count();
        let scored = Scored::default().and("presence", held as f64, verdicts.len() as f64);
        let noted = verdicts.into_iter().fold(scored, |scored, Verdict { rule, holds, measured }| {
            scored.note(rule, format!("{}: {measured}", if holds { "holds" } else { "broken" }))
        });
        Ok(noted.into())
    }
}

impl Structure {
    /// One verdict per given rule, in the order of the fields.
    fn verdicts(&self, response: &str) -> Vec<Verdict> {
        let within = |rule, range: Option<[usize; 2]>, count: fn(&str) -> usize| {
            range.map(|[low, high]| {
                let count = count(response);
                Verdict {
                    rule,
                    holds: (low..=high).contains(&count),
                    measured: format!("{count} of {low} to {high}"),
                }
            })
        };
        let wanted = |rule, wanted: Option<bool>, has: fn(&str) -> bool| {
            wanted.map(|wanted| {
                let has = has(response);
                Verdict {
                    rule,
                    holds: has == wanted,
                    measured: if has { "there is one" } else { "none" }.to_owned(),
                }
            })
        };
        let exclamations = self.max_exclamations.map(|most| {
            let count = measure::exclamations(response);
            Verdict {
                rule: "max_exclamations",
                holds: count <= most,
                measured: format!("{count} of at most {most}"),
            }
        });
        let ending = self.ends_with.as_ref().map(|endings| {
            let holds = endings.iter().any(|ending| measure::ends_with(response, ending));
            Verdict { rule: "ends_with", holds, measured: format!("one of {endings:?}") }
        });
        let rules = [
            within("words", self.words, measure::words),
            within("sentences", self.sentences, measure::sentences),
            exclamations,
            wanted("lists", self.lists, measure::has_list),
            wanted("headings", self.headings, measure::has_heading),
            ending,
        ];
        rules.into_iter().flatten().collect()
    }
}

export_trait_detector!(Structure);

#[cfg(test)]
mod tests {
    use realign_plugin::testing::{self, Mismatch};

    #[test]
    fn cases_hold() -> Result<(), Mismatch> {
        testing::trait_detector::<super::Structure>(include_str!("../cases.toml"))
    }
}
