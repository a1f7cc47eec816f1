//! Style scorer: cosine Delta on function words and surface features.
//!
//! Burrows' Delta compares z-scored rates of frequent words (Burrows 2002); the cosine of the z vectors separates better
//! than the sum of differences, because it ignores how far a text deviates altogether (Evert et al. 2017, DOI
//! 10.1093/llc/fqx023). Here: z from the rows of both sides, clipped at `CLIP` so that one odd rate in a short text does
//! not drown the rest, then match = cos(z, mean exemplar) - cos(z, mean contrast), -2 to 2.

use realign_plugin::prelude::*;

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
            let scores: Vec<_> = texts.iter().map(|text| z_scores(text, &mean, &deviation)).collect();
            centre(&scores)
        };
        let (exemplar, contrast) = (side(&exemplars), side(&contrast));
        Ok(Self { mean, deviation, exemplar, contrast })
    }

    fn score(&self, sample: &Sample, _: &Answers<'_>) -> Result<Outcome, Failure> {
        let Some(features) = features::measure(&sample.response) else {
            return Ok(Outcome::NotApplicable("the response has no words".to_owned()));
        };
        let z = z_scores(&features, &self.mean, &self.deviation);
        Ok(Outcome::fit(cosine(&z, &self.exemplar) - cosine(&z, &self.contrast)))
    }
}

/// Mean of each component; `vectors` is not empty and all have the same length.
fn centre(vectors: &[Vec<f64>]) -> Vec<f64> {
    let count = vectors.len() as f64;
    (0..vectors[0].len()).map(|i| vectors.iter().map(|vector| vector[i]).sum::<f64>() / count).collect()
}

/// Population standard deviation of each component.
fn deviation(vectors: &[Vec<f64>], mean: &[f64]) -> Vec<f64> {
    let squares =
        |(i, mean): (usize, &f64)| vectors.iter().map(|vector| (vector[i] - mean).powi(2)).sum::<f64>();
    mean.iter().enumerate().map(|component| (squares(component) / vectors.len() as f64).sqrt()).collect()
}

/// Clipped z-scores.
fn z_scores(features: &[f64], mean: &[f64], deviation: &[f64]) -> Vec<f64> {
    let z = |((feature, mean), deviation): ((&f64, &f64), &f64)| {
        // Rounding leaves a hair of deviation on a constant feature; dividing by it would make noise of it.
        if *deviation > 1e-12 { ((feature - mean) / deviation).clamp(-CLIP, CLIP) } else { 0.0 }
    };
    features.iter().zip(mean).zip(deviation).map(z).collect()
}

/// Cosine of the angle between two vectors; 0 where one of them has no direction.
fn cosine(a: &[f64], b: &[f64]) -> f64 {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let norms = (dot(a, a) * dot(b, b)).sqrt();
    if norms > 0.0 { (dot(a, b) / norms).clamp(-1.0, 1.0) } else { 0.0 }
}

export_style_scorer!(Delta);

#[cfg(test)]
mod tests {
    use realign_plugin::testing::{self, Mismatch};

    use super::*;

    #[test]
    fn cases_hold() -> Result<(), Mismatch> {
        testing::style_scorer::<Delta>(include_str!("../cases.toml"))
    }

    #[test]
    fn cosine_of_parallel_opposite_and_empty_vectors() {
        assert!((cosine(&[1.0, 2.0], &[2.0, 4.0]) - 1.0).abs() < 1e-12);
        assert!((cosine(&[1.0, 2.0], &[-1.0, -2.0]) + 1.0).abs() < 1e-12);
        assert!(cosine(&[0.0, 0.0], &[1.0, 2.0]).abs() < f64::EPSILON);
    }
}
