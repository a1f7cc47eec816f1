//! Trait detector: does a response read like the exemplars or like the contrast texts?
//!
//! Multinomial naive Bayes with equal priors on word n-grams of every order from 1 to `ngram`, with additive smoothing:
//! P(g | side) = (count of g on that side + s) / (all n-grams on that side + s V), where V is the number of different
//! n-grams on both sides (Manning, Raghavan, Schütze, Introduction to Information Retrieval, 2008, section 13.2).
//!
//! Presence is logistic(mean over the response's known n-grams of ln P(g | exemplars) - ln P(g | contrast)). The mean, not
//! the sum: a sum grows with length until every long response stands at 0 or 1, whatever its voice, while both lie on the
//! same side of 0.5. N-grams that neither side knows are left out: their odds are not evidence, only the ratio of the
//! two sides' sizes. Where no n-gram is known nothing of the voice was found, and presence is 0.

use std::collections::BTreeMap;

use realign_plugin::{prelude::*, text::Weights};

/// Fewest texts a side; with fewer the counts say more about the topics than about the voice.
const FEWEST: usize = 8;

/// Settings from the suite.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    ngram: usize,
    smoothing: f64,
}

/// A fitted classifier.
#[derive(Serialize, Deserialize)]
pub struct Bayes {
    ngram: usize,
    /// N-gram to ln P(g | exemplars) - ln P(g | contrast).
    log_odds: Weights,
}

impl TraitDetector for Bayes {
    type Config = Config;
    const ABOUT: About = about!(include_str!("../config.schema.json"));

    fn prepare(config: Config, setup: &Setup<'_>) -> Result<Self, Failure> {
        let Config { ngram, smoothing } = config;
        if !(1..=3).contains(&ngram) {
            return Err(Failure::config(format!("ngram is {ngram}, must be 1 to 3")));
        }
        if !(smoothing > 0.0 && smoothing <= 100.0) {
            return Err(Failure::config(format!(
                "smoothing is {smoothing}, must be above 0 and at most 100"
            )));
        }
        let voices = setup.voices(FEWEST)?;
        let exemplars = side(&voices.exemplars, ngram);
        let contrast = side(&voices.contrast, ngram);
        if exemplars.is_empty() || contrast.is_empty() {
            return Err(Failure::data("exemplars or contrast hold no words"));
        }
        Ok(Self { ngram, log_odds: log_odds(&exemplars, &contrast, smoothing).into() })
    }

    fn detect(&self, sample: &Sample, _: &Answers<'_>) -> Result<Outcome, Failure> {
        let words = text::words(&sample.response);
        if words.is_empty() {
            return Ok(Outcome::NotApplicable("the response has no words".to_owned()));
        }
        let (mut all, mut known) = (0_usize, Vec::with_capacity(words.len() * self.ngram));
        for n in 1..=self.ngram {
            text::for_each_ngram(&words, n, |ngram| {
                all += 1;
                known.extend(self.log_odds.get(ngram));
            });
        }
        let mean = known.iter().sum::<f64>() / known.len() as f64;
        let presence = if known.is_empty() { 0.0 } else { 1.0 / (1.0 + (-mean).exp()) };
        let share = format!("{} of {all}", known.len());
        Ok(Scored::value("presence", presence).note("known n-grams", share).into())
    }
}

/// All n-grams of a text, of every order up to `highest`.
fn ngrams(text: &str, highest: usize) -> Vec<String> {
    let words = text::words(text);
    (1..=highest).flat_map(|n| text::ngrams(&words, n)).collect()
}

/// How often each n-gram occurs on one side.
fn side(texts: &[String], highest: usize) -> BTreeMap<String, u64> {
    text::counts(texts.iter().flat_map(|text| ngrams(text, highest)))
}

fn log_odds(
    exemplars: &BTreeMap<String, u64>,
    contrast: &BTreeMap<String, u64>,
    smoothing: f64,
) -> BTreeMap<String, f64> {
    let mut known: Vec<_> = exemplars.keys().chain(contrast.keys()).collect();
    known.sort_unstable();
    known.dedup();
    let spread = smoothing * known.len() as f64;
    let total = |side: &BTreeMap<String, u64>| side.values().sum::<u64>() as f64 + spread;
    let (all_exemplars, all_contrast) = (total(exemplars), total(contrast));
    let smoothed = |count: Option<&u64>| count.copied().unwrap_or(0) as f64 + smoothing;
    let odds = |ngram: &String| {
        (smoothed(exemplars.get(ngram)) / all_exemplars).ln()
            - (smoothed(contrast.get(ngram)) / all_contrast).ln()
    };
    known.into_iter().map(|ngram| (ngram.clone(), odds(ngram))).collect()
}

export_trait_detector!(Bayes);

#[cfg(test)]
mod tests {
    use realign_plugin::testing::{self, Mismatch};

    use super::*;

    #[test]
    fn cases_hold() -> Result<(), Mismatch> {
        testing::trait_detector::<Bayes>(include_str!("../cases.toml"))
    }

    #[test]
    fn log_odds_follow_the_formula() {
        let exemplars = BTreeMap::from([("we".to_owned(), 3), ("the".to_owned(), 1)]);
        let contrast = BTreeMap::from([("the".to_owned(), 1), ("you".to_owned(), 1)]);
        let odds = log_odds(&exemplars, &contrast, 1.0);
        // V = 3: "we" is (3 + 1) / (4 + 3) against (0 + 1) / (2 + 3).
        assert!((odds["we"] - ((4.0 / 7.0) / (1.0 / 5.0_f64)).ln()).abs() < 1e-12);
        assert!((odds["the"] - ((2.0 / 7.0) / (2.0 / 5.0_f64)).ln()).abs() < 1e-12);
        assert_eq!(odds.len(), 3);
    }
}
