//! Trait detector: length, punctuation and layout against rules.
//!
//! Presence is the share of the given rules that hold.

use std::cell::OnceCell;

use realign_plugin::{
    prelude::*,
    rules::{self, Verdict},
};

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
    /// What is said of the endings, the same of every response.
    #[serde(skip)]
    endings: OnceCell<String>,
}

impl TraitDetector for Structure {
    type Config = Self;
    const ABOUT: About = about!(include_str!("../config.schema.json"));

    fn prepare(config: Self, _: &Setup<'_>) -> Result<Self, Failure> {
        rules::check_range("words", config.words)?;
        rules::check_range("sentences", config.sentences)?;
        if config
            .ends_with
            .as_ref()
            .is_some_and(|endings| endings.is_empty() || endings.iter().any(String::is_empty))
        {
            return Err(Failure::config("ends_with needs at least one ending, and none of them empty"));
        }
        rules::check_some(&config.verdicts(""))?;
        Ok(config)
    }

    fn detect(&self, sample: &Sample, _: &Answers<'_>) -> Result<Outcome, Failure> {
        Ok(rules::presence(self.verdicts(&sample.response)))
    }
}

impl Structure {
    /// One verdict per given rule, in the order of the fields.
    fn verdicts(&self, response: &str) -> Vec<Verdict> {
        let within = |rule, range: Option<[usize; 2]>, count: fn(&str) -> usize| {
            range.map(|range| Verdict::within(rule, range, count(response)))
        };
        let wanted = |rule, wanted: Option<bool>, has: fn(&str) -> bool| {
            wanted.map(|wanted| Verdict::wanted(rule, wanted, has(response)))
        };
        let exclamations = self
            .max_exclamations
            .map(|most| Verdict::at_most("max_exclamations", most, measure::exclamations(response)));
        let ending = self.ends_with.as_ref().map(|endings| {
            let holds = endings.iter().any(|ending| measure::ends_with(response, ending));
            Verdict::new("ends_with", holds, self.endings.get_or_init(|| format!("one of {endings:?}")))
        });
        let given = [
            within("words", self.words, measure::words),
            within("sentences", self.sentences, measure::sentences),
            exclamations,
            wanted("lists", self.lists, measure::has_list),
            wanted("headings", self.headings, measure::has_heading),
            ending,
        ];
        given.into_iter().flatten().collect()
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
