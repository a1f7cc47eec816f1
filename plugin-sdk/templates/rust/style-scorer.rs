//! Style scorer: are sentences about as long as those of the voice?

use realign_plugin::prelude::*;

/// There is nothing to set.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {}

/// What was learned from the exemplars: words per sentence.
#[derive(Serialize, Deserialize)]
pub struct Pace {
    usual: f64,
}

impl StyleScorer for Pace {
    type Config = Config;
    const ABOUT: About = about!(r#"{"type": "object", "additionalProperties": false}"#);

    fn prepare(Config {}: Config, setup: &Setup<'_>) -> Result<Self, Failure> {
        let voices = setup.voices(8)?;
        let rates: Vec<f64> = voices.exemplars.iter().filter_map(|text| words_per_sentence(text)).collect();
        if rates.is_empty() {
            return Err(Failure::data("no exemplar has a word"));
        }
        Ok(Self { usual: rates.iter().sum::<f64>() / rates.len() as f64 })
    }

    fn score(&self, sample: &Sample, _: &Answers<'_>) -> Result<Outcome, Failure> {
        Ok(match words_per_sentence(&sample.response) {
            Some(rate) => Scored::value("match", -(rate - self.usual).abs()).into(),
            None => Outcome::NotApplicable("the response has no words".to_owned()),
        })
    }
}

fn words_per_sentence(response: &str) -> Option<f64> {
    let words = text::words(response).len();
    let sentences = text::sentences(response).count();
    (words > 0 && sentences > 0).then(|| words as f64 / sentences as f64)
}

export_style_scorer!(Pace);

#[cfg(test)]
mod tests {
    use realign_plugin::testing::{self, Mismatch};

    #[test]
    fn cases_hold() -> Result<(), Mismatch> {
        testing::style_scorer::<super::Pace>(include_str!("../cases.toml"))
    }
}
