//! Style scorer: character n-grams.
//!
//! Characters carry style below the level of words: endings, spelling, punctuation, emoji (Stamatatos 2013, "On the robustness
//! of authorship attribution based on character n-gram features"). Every text becomes a vector of rates of the n-grams that most texts
//! of the data share, z-scored on the data and clipped; match is the cosine to the mean exemplar minus the cosine to the mean
//! contrast text, as in `style-delta`. Unlike function words, n-grams see topics too: exemplars and contrast texts should be
//! about the same things.

use std::{
    cell::OnceCell,
    collections::{BTreeMap, BTreeSet},
};

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
/// Bits of a character: the last one is U+10FFFF.
const BITS: usize = 21;

/// An n-gram as one number, its characters side by side: n-grams of one length have the order of their texts, and are compared in a
/// few instructions.
type Gram = u128;

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
    /// Where each feature stands in the vectors, the same for every response.
    #[serde(skip)]
    places: OnceCell<Places>,
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
        let all: Vec<Vec<Gram>> =
            voices.exemplars.iter().chain(&voices.contrast).map(|text| grams(text, n)).collect();
        if all.iter().any(Vec::is_empty) {
            return Err(Failure::data(format!(
                "a text of exemplars or contrast has fewer than {n} characters"
            )));
        }
        let features = widespread(&all);
        let places = Places::new(&features);
        let vectors: Vec<Vec<f64>> = all.iter().map(|grams| places.rates(grams)).collect();
        let mean = centre(&vectors);
        let deviation = deviation(&vectors, &mean);
        let scores: Vec<Vec<f64>> =
            vectors.iter().map(|vector| z_scores(vector, &mean, &deviation, CLIP)).collect();
        let (of_exemplars, of_contrast) = scores.split_at(voices.exemplars.len());
        let (exemplar, contrast) = (centre(of_exemplars), centre(of_contrast));
        let features = features.into_iter().map(|gram| text_of(gram, n)).collect();
        Ok(Self { n, features, mean, deviation, exemplar, contrast, places: places.into() })
    }

    fn score(&self, sample: &Sample, _: &Answers<'_>) -> Result<Outcome, Failure> {
        let grams = grams(&sample.response, self.n);
        if grams.is_empty() {
            let reason = format!("the response has fewer than {} characters", self.n);
            return Ok(Outcome::NotApplicable(reason));
        }
        let places = self.places.get_or_init(|| {
            let features: Vec<Gram> = self.features.iter().map(|text| gram(text)).collect();
            Places::new(&features)
        });
        let z = z_scores(&places.rates(&grams), &self.mean, &self.deviation, CLIP);
        Ok(Outcome::fit(cosine(&z, &self.exemplar) - cosine(&z, &self.contrast)))
    }
}

/// Features in order, each with its place in the vectors.
struct Places(Vec<(Gram, usize)>);

impl Places {
    fn new(features: &[Gram]) -> Self {
        let mut places: Vec<_> = features.iter().copied().zip(0..).collect();
        places.sort_unstable();
        Self(places)
    }

    /// Of all n-grams of a text the share that each feature has, 0 where it has none of one.
    fn rates(&self, grams: &[Gram]) -> Vec<f64> {
        let mut counts = vec![0_u32; self.0.len()];
        for gram in grams {
            if let Ok(found) = self.0.binary_search_by_key(gram, |(feature, _)| *feature) {
                counts[self.0[found].1] += 1;
            }
        }
        counts.into_iter().map(|count| f64::from(count) / grams.len() as f64).collect()
    }
}

/// Every n-gram of a text, in lower case and with single blanks; none where it is too short for one.
fn grams(text: &str, n: usize) -> Vec<Gram> {
    let whole = (1 << (BITS * n)) - 1;
    let mut gram = 0;
    let next = |c| {
        gram = with(gram, c) & whole;
        gram
    };
    // The first ones have too few characters.
    text::normalise(text).chars().take(CHARACTERS).map(next).skip(n - 1).collect()
}

/// What a number becomes with one more character.
fn with(gram: Gram, c: char) -> Gram {
    (gram << BITS) | Gram::from(u32::from(c))
}

/// The n-gram of which `text` has the characters.
fn gram(text: &str) -> Gram {
    text.chars().fold(0, with)
}

/// The characters of an n-gram.
fn text_of(gram: Gram, n: usize) -> String {
    let character =
        |at| u32::try_from((gram >> (BITS * at)) & ((1 << BITS) - 1)).ok().and_then(char::from_u32);
    (0..n).rev().filter_map(character).collect()
}

/// The n-grams that occur in most texts, at least two; of equally widespread ones the first in the order of characters.
fn widespread(texts: &[Vec<Gram>]) -> Vec<Gram> {
    let mut spread: BTreeMap<Gram, usize> = BTreeMap::new();
    for text in texts {
        let mut different = text.clone();
        different.sort_unstable();
        different.dedup();
        for gram in different {
            *spread.entry(gram).or_insert(0) += 1;
        }
    }
    let ranked: BTreeSet<(std::cmp::Reverse<usize>, Gram)> = spread
        .into_iter()
        .filter(|(_, count)| *count >= 2)
        .map(|(gram, count)| (std::cmp::Reverse(count), gram))
        .collect();
    ranked.into_iter().take(FEATURES).map(|(_, gram)| gram).collect()
}

export_style_scorer!(Chars);

#[cfg(test)]
mod tests {
    use realign_plugin::testing::{self, Mismatch};

    use super::{gram, grams, text_of};

    #[test]
    fn numbers_of_ngrams_have_their_characters_and_their_order() {
        let texts =
            ["aaa", "aab", "a\u{10ffff}a", "\u{7f}zz", "\u{80}  ", "\u{ffff}好é", "\u{10000}\u{10ffff}\u{1}"];
        for text in texts {
            assert_eq!(text_of(gram(text), 3), text);
        }
        assert!(texts.iter().map(|text| gram(text)).is_sorted());
        assert_eq!(grams("a b\tC", 3), [gram("a b"), gram(" b "), gram("b c")]);
        assert!(grams("ab", 3).is_empty() && grams("", 1).is_empty());
    }

    #[test]
    fn cases_hold() -> Result<(), Mismatch> {
        testing::style_scorer::<super::Chars>(include_str!("../cases.toml"))
    }
}
