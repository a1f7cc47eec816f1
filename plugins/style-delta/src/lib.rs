//! Style scorer: cosine Delta on function words and surface features.
//!
//! Burrows' Delta compares z-scored rates of frequent words (Burrows 2002); the cosine of the z vectors separates better
//! than the sum of differences, because it ignores how far a text deviates altogether (Evert et al. 2017, DOI
//! 10.1093/llc/fqx023). Here: z from the rows of both sides, clipped at `CLIP` so that one odd rate in a short text does
//! not drown the rest, then match = cos(z, mean exemplar) - cos(z, mean contrast), -2 to 2.

use realign_plugin::{
    prelude::*,
    vectors::{centre, cosine, deviation, z_scores},
};

mod features;

/// Fewest texts a side; below that the standard deviations are mostly chance.
const FEWEST: usize = 8;

/// Largest z-score, in standard deviations.
const CLIP: f64 = 3.0;

/// There is nothing to set.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {}

/// A fitted scorer; all vectors have the length of `features::measure`'s.
#[derive(Serialize, Deserialize)]
pub struct Delta {
    mean: Vec<f64>,
    /// Standard deviations; 0 for a feature that never varies, which then counts for nothing.
    deviation: Vec<f64>,
    exemplar: Vec<f64>,
    contrast: Vec<f64>,
}

impl StyleScorer for Delta {
    type Config = Config;
    const ABOUT: About = about!(r#"{"type": "object", "additionalProperties": false}"#);

    fn metrics() -> Vec<Metric> {
        vec![Metric { low: Some(-2.0), high: Some(2.0), ..Metric::score("match") }]
    }

    fn prepare(Config {}: Config, setup: &Setup<'_>) -> Result<Self, Failure> {
        let voices = setup.voices(FEWEST)?;
        let measure =
            |texts: &[String]| texts.iter().map(|text| features::measure(text)).collect::<Option<Vec<_>>>();
        let (Some(exemplars), Some(contrast)) = (measure(&voices.exemplars), measure(&voices.contrast))
        else {
            return Err(Failure::data("a text of exemplars or contrast has no words"));
        };
        let all: Vec<_> = exemplars.iter().chain(&contrast).cloned().collect();
        let mean = centre(&all);
        let deviation = deviation(&all, &mean);
        let side = |texts: &[Vec<f64>]| {
            let scores: Vec<_> = texts.iter().map(|text| z_scores(text, &mean, &deviation, CLIP)).collect();
            centre(&scores)
        };
        let (exemplar, contrast) = (side(&exemplars), side(&contrast));
        Ok(Self { mean, deviation, exemplar, contrast })
    }

    fn score(&self, sample: &Sample, _: &Answers<'_>) -> Result<Outcome, Failure> {
        let Some(features) = features::measure(&sample.response) else {
            return Ok(Outcome::NotApplicable("the response has no words".to_owned()));
        };
        let z = z_scores(&features, &self.mean, &self.deviation, CLIP);
        Ok(Outcome::fit(cosine(&z, &self.exemplar) - cosine(&z, &self.contrast)))
    }
}

export_style_scorer!(Delta);

#[cfg(test)]
mod tests {
    use realign_plugin::testing::{self, Mismatch};

    #[test]
    fn cases_hold() -> Result<(), Mismatch> {
        testing::style_scorer::<super::Delta>(include_str!("../cases.toml"))
    }
}
