//! Style scorer: character n-grams.
//!
//! Characters carry style below the level of words: endings, spelling, punctuation, emoji (Stamatatos 2013, "On the robustness
//! of authorship attribution based on character n-gram features"). Every text becomes a vector of rates of the n-grams that most texts
//! of the data share, z-scored on the data and clipped; match is the cosine to the mean exemplar minus the cosine to the mean
//! contrast text, as in `style-delta`. Unlike function words, n-grams see topics too: exemplars and contrast texts should be
//! about the same things.

use std::collections::{BTreeMap, BTreeSet};

use realign_plugin::{
    prelude::*,
    vectors::{centre, cosine, deviation, z_scores},
};

/// Fewest texts a side.
const FEWEST: usize = 8;
/// Most features, the most widespread first.
const FEATURES: usize = 500;
/// Largest z-score, in standard deviations.
const CLIP: f64 = 3.0;
/// Characters of a response that are looked at; what comes after them changes a rate by little.
const CHARACTERS: usize = 20_000;

/// Settings from the suite.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Characters of an n-gram.
    #[serde(default = "three")]
    n: usize,
}

const fn three() -> usize {
    3
}

/// A fitted scorer; all vectors have the length of `features`.
#[derive(Serialize, Deserialize)]
pub struct Chars {
    n: usize,
    features: Vec<String>,
    mean: Vec<f64>,
    /// Standard deviations; 0 for a feature that never varies, which then counts for nothing.
    deviation: Vec<f64>,
    exemplar: Vec<f64>,
    contrast: Vec<f64>,
}

impl StyleScorer for Chars {
    type Config = Config;
    const ABOUT: About = about!(
        r#"{"type": "object", "additionalProperties": false, "properties": {"n": {"type": "integer", "minimum": 1, "maximum": 5}}}"#
    );

    fn metrics() -> Vec<Metric> {
        vec![Metric { low: Some(-2.0), high: Some(2.0), ..Metric::score("match") }]
    }

    fn prepare(Config { n }: Config, setup: &Setup<'_>) -> Result<Self, Failure> {
        if !(1..=5).contains(&n) {
            return Err(Failure::config(format!("n is {n}, must be 1 to 5")));
        }
        let voices = setup.voices(FEWEST)?;
        let grams = |texts: &[String]| texts.iter().map(|text| rates(text, n)).collect::<Option<Vec<_>>>();
        let (Some(exemplars), Some(contrast)) = (grams(&voices.exemplars), grams(&voices.contrast)) else {
            return Err(Failure::data(format!(
                "a text of exemplars or contrast has fewer than {n} characters"
            )));
        };
        let all: Vec<&BTreeMap<String, f64>> = exemplars.iter().chain(&contrast).collect();
        let features = widespread(&all);
        let vectors: Vec<Vec<f64>> = all.iter().map(|text| vector(text, &features)).collect();
        let mean = centre(&vectors);
        let deviation = deviation(&vectors, &mean);
        let scores: Vec<Vec<f64>> =
            vectors.iter().map(|vector| z_scores(vector, &mean, &deviation, CLIP)).collect();
        let (of_exemplars, of_contrast) = scores.split_at(exemplars.len());
        let (exemplar, contrast) = (centre(of_exemplars), centre(of_contrast));
        Ok(Self { n, features, mean, deviation, exemplar, contrast })
    }

    fn score(&self, sample: &Sample, _: &Answers<'_>) -> Result<Outcome, Failure> {
        let Some(rates) = rates(&sample.response, self.n) else {
            let reason = format!("the response has fewer than {} characters", self.n);
            return Ok(Outcome::NotApplicable(reason));
        };
        let z = z_scores(&vector(&rates, &self.features), &self.mean, &self.deviation, CLIP);
        Ok(Outcome::fit(cosine(&z, &self.exemplar) - cosine(&z, &self.contrast)))
    }
}

/// The rates of the features, 0 where a text has none of one.
fn vector(rates: &BTreeMap<String, f64>, features: &[String]) -> Vec<f64> {
    features.iter().map(|feature| rates.get(feature).copied().unwrap_or(0.0)).collect()
}

/// Rate of every n-gram of a text, in lower case and with single blanks; `None` where it is too short for one.
fn rates(text: &str, n: usize) -> Option<BTreeMap<String, f64>> {
    let normal: Vec<char> = text::normalise(text).chars().take(CHARACTERS).collect();
    let counts = text::counts(normal.windows(n).map(|gram| gram.iter().collect()));
    let total: u64 = counts.values().sum();
    (total > 0).then(|| counts.into_iter().map(|(gram, count)| (gram, count as f64 / total as f64)).collect())
}

/// The n-grams that occur in most texts, at least two; of equally widespread ones the first in the order of characters.
fn widespread(texts: &[&BTreeMap<String, f64>]) -> Vec<String> {
    let mut spread: BTreeMap<&String, usize> = BTreeMap::new();
    for gram in texts.iter().flat_map(|text| text.keys()) {
        *spread.entry(gram).or_insert(0) += 1;
    }
    let ranked: BTreeSet<(std::cmp::Reverse<usize>, &String)> = spread
        .into_iter()
        .filter(|(_, count)| *count >= 2)
        .map(|(gram, count)| (std::cmp::Reverse(count), gram))
        .collect();
    ranked.into_iter().take(FEATURES).map(|(_, gram)| gram.clone()).collect()
}

export_style_scorer!(Chars);

#[cfg(test)]
mod tests {
    use realign_plugin::testing::{self, Mismatch};

    #[test]
    fn cases_hold() -> Result<(), Mismatch> {
        testing::style_scorer::<super::Chars>(include_str!("../cases.toml"))
    }
}
