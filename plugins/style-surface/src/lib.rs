//! Style scorer: the surface of a text. Sentence and word length, readability, punctuation, capitals, variety of words.
//!
//! Every text becomes eleven numbers that a person could check by hand, z-scored on the data and clipped; match is the negative mean
//! distance to the mean exemplar, in standard deviations, so 0 is the voice itself. No feature counts the length of the text.
//! Readability is the Flesch reading ease (Flesch 1948), `206.835 - 1.015 words/sentences - 84.6 syllables/words`, with syllables
//! counted as runs of vowels: rough, and the same for everybody.

use realign_plugin::prelude::*;

mod features;

/// Fewest texts a side.
const FEWEST: usize = 8;
/// Largest z-score, in standard deviations.
const CLIP: f64 = 4.0;

/// There is nothing to set.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {}

/// A fitted scorer; all vectors have the length of `features::NAMES`.
#[derive(Serialize, Deserialize)]
pub struct Surface {
    mean: Vec<f64>,
    /// Standard deviations; 0 for a feature that never varies, which then counts for nothing.
    deviation: Vec<f64>,
    exemplar: Vec<f64>,
}

impl StyleScorer for Surface {
    type Config = Config;
    const ABOUT: About = about!(r#"{"type": "object", "additionalProperties": false}"#);

    fn metrics() -> Vec<Metric> {
        vec![Metric { unit: "sd".into(), low: Some(-2.0 * CLIP), high: Some(0.0), ..Metric::score("match") }]
    }

    fn prepare(Config {}: Config, setup: &Setup<'_>) -> Result<Self, Failure> {
        let voices = setup.voices(FEWEST)?;
        let measure =
            |texts: &[String]| texts.iter().map(|text| features::measure(text)).collect::<Option<Vec<_>>>();
        let (Some(exemplars), Some(contrast)) = (measure(&voices.exemplars), measure(&voices.contrast))
        else {
            return Err(Failure::data("a text of exemplars or contrast has no words"));
        };
        let all: Vec<Vec<f64>> = exemplars.iter().chain(&contrast).cloned().collect();
        let mean = centre(&all);
        let spread = |place: usize| {
            let squares: f64 = all.iter().map(|text| (text[place] - mean[place]).powi(2)).sum();
            (squares / all.len() as f64).sqrt()
        };
        let deviation: Vec<f64> = (0..mean.len()).map(spread).collect();
        let mut fitted = Self { mean, deviation, exemplar: Vec::new() };
        let scaled: Vec<Vec<f64>> = exemplars.iter().map(|text| fitted.scaled(text)).collect();
        fitted.exemplar = centre(&scaled);
        Ok(fitted)
    }

    fn score(&self, sample: &Sample, _: &Answers<'_>) -> Result<Outcome, Failure> {
        let Some(found) = features::measure(&sample.response) else {
            return Ok(Outcome::NotApplicable("the response has no words".to_owned()));
        };
        let scaled = self.scaled(&found);
        let distances = scaled.iter().zip(&self.exemplar).map(|(a, b)| (a - b).abs());
        let score = -distances.sum::<f64>() / scaled.len() as f64;
        let noted = features::NAMES.iter().zip(&found);
        let scored = Scored::value("match", score);
        Ok(noted.fold(scored, |scored, (name, value)| scored.note(*name, format!("{value:.3}"))).into())
    }
}

impl Surface {
    fn scaled(&self, text: &[f64]) -> Vec<f64> {
        let scale = |((value, mean), deviation): ((&f64, &f64), &f64)| {
            if *deviation > 0.0 { ((value - mean) / deviation).clamp(-CLIP, CLIP) } else { 0.0 }
        };
        text.iter().zip(&self.mean).zip(&self.deviation).map(scale).collect()
    }
}

fn centre(texts: &[Vec<f64>]) -> Vec<f64> {
    let mean = |place: usize| texts.iter().map(|text| text[place]).sum::<f64>() / texts.len() as f64;
    (0..features::NAMES.len()).map(mean).collect()
}

export_style_scorer!(Surface);

#[cfg(test)]
mod tests {
    use realign_plugin::testing::{self, Mismatch};

    #[test]
    fn cases_hold() -> Result<(), Mismatch> {
        testing::style_scorer::<super::Surface>(include_str!("../cases.toml"))
    }
}
