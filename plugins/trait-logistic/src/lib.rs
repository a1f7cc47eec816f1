//! Trait detector: a logistic model on word n-grams, with weights that were fitted elsewhere and stay as they are.
//!
//! Presence is `logistic(bias + sum over features of weight x rate)`, where the rate of an n-gram is how often it occurs for
//! each hundred words. Rates, not counts: what a reply is like must not depend on how long it is. Weights come as rows of data,
//! one n-gram each, so a model can be exchanged without a new component, and its digest is part of the run's identity.

use std::collections::BTreeMap;

use realign_plugin::{prelude::*, text::Weights};

/// Most words in an n-gram.
const LONGEST: usize = 4;
/// Words that rates are given for.
const PER: f64 = 100.0;

/// Settings from the suite.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Weights, by n-gram; beside those of the rows.
    #[serde(default)]
    weights: BTreeMap<String, f64>,
    /// Log-odds of a text without any of them.
    bias: f64,
}

/// A model.
#[derive(Serialize, Deserialize)]
pub struct Logistic {
    bias: f64,
    longest: usize,
    weights: Weights,
}

/// Body of a row: one weight.
#[derive(Deserialize)]
struct Weight {
    ngram: String,
    weight: f64,
}

impl TraitDetector for Logistic {
    type Config = Config;
    const ABOUT: About = about!(include_str!("../config.schema.json"));

    fn prepare(config: Config, setup: &Setup<'_>) -> Result<Self, Failure> {
        let mut weights = BTreeMap::new();
        let mut longest = 0;
        let rows = setup.rows.iter().map(|row| row.read::<Weight>().map(|found| (found.ngram, found.weight)));
        let own = config.weights.into_iter().map(Ok);
        for weight in own.chain(rows) {
            let (ngram, weight) = weight?;
            let words = text::words(&ngram);
            if words.is_empty() || words.len() > LONGEST {
                let message =
                    format!("n-gram {ngram:?} has {} words, 1 to {LONGEST} are allowed", words.len());
                return Err(Failure::data(message));
            }
            longest = longest.max(words.len());
            let key = words.iter().map(|word| &*word.text).collect::<Vec<_>>().join(" ");
            if weights.insert(key, weight).is_some() {
                return Err(Failure::data(format!("n-gram {ngram:?} has two weights")));
            }
        }
        if weights.is_empty() {
            return Err(Failure::data("there are no weights, neither in the settings nor as rows"));
        }
        Ok(Self { bias: config.bias, longest, weights: weights.into() })
    }

    fn detect(&self, sample: &Sample, _: &Answers<'_>) -> Result<Outcome, Failure> {
        let words = text::words(&sample.response);
        if words.is_empty() {
            return Ok(Outcome::NotApplicable("the response has no words".to_owned()));
        }
        let mut found = 0_u32;
        let mut sum = 0.0;
        for n in 1..=self.longest {
            text::for_each_ngram(&words, n, |ngram| {
                if let Some(weight) = self.weights.get(ngram) {
                    found += 1;
                    sum += weight;
                }
            });
        }
        let odds = self.bias + sum * PER / words.len() as f64;
        let presence = 1.0 / (1.0 + (-odds).exp());
        Ok(Scored::value("presence", presence).note("features found", found.to_string()).into())
    }
}

export_trait_detector!(Logistic);

#[cfg(test)]
mod tests {
    use realign_plugin::testing::{self, Mismatch};

    #[test]
    fn cases_hold() -> Result<(), Mismatch> {
        testing::trait_detector::<super::Logistic>(include_str!("../cases.toml"))
    }
}
