//! Trait detector: is the tone of a reply positive, or negative? By VADER (Hutto and Gilbert 2014): a lexicon of feelings with
//! rules for negation, emphasis and idioms.
//!
//! VADER's compound score (-1 to 1) is made for a sentence: that of a long text lies at an end of the scale whatever it says. So
//! sentences are scored one by one, and presence is their mean, moved to 0 to 1. The crate gives Python's scores to the last
//! digit and looks hash maps up without ever walking one: the same text, the same score.

use std::{ops::Range, sync::LazyLock};

use realign_plugin::prelude::*;
use vader_parity::SentimentIntensityAnalyzer;

/// The lexicon, read once for every instance, which judges a whole batch.
static VADER: LazyLock<SentimentIntensityAnalyzer> = LazyLock::new(SentimentIntensityAnalyzer::new);

/// From here on a sentence counts as one of the tone, as VADER's authors have it.
const SPEAKS: f64 = 0.05;

/// Settings; also the prepared detector, since nothing has to be prepared.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sentiment {
    tone: Tone,
}

/// What presence stands for.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Tone {
    Positive,
    Negative,
}

impl TraitDetector for Sentiment {
    type Config = Self;
    const ABOUT: About = about!(include_str!("../config.schema.json"));

    fn prepare(config: Self, _: &Setup<'_>) -> Result<Self, Failure> {
        Ok(config)
    }

    fn detect(&self, sample: &Sample, _: &Answers<'_>) -> Result<Outcome, Failure> {
        let (sign, label) = match self.tone {
            Tone::Positive => (1.0, "positive"),
            Tone::Negative => (-1.0, "negative"),
        };
        let sentences = sentences(&sample.response);
        if sentences.is_empty() {
            return Ok(Outcome::NotApplicable("the response has no words".to_owned()));
        }
        let compounds: Vec<f64> = sentences
            .iter()
            .map(|sentence| VADER.polarity_scores(&sample.response[sentence.clone()]).compound)
            .collect();
        let mean = compounds.iter().sum::<f64>() / compounds.len() as f64;
        let scored = Scored::value("presence", f64::midpoint(1.0, sign * mean))
            .note("compound", format!("{mean:.4}, mean of {}", compounds.len()));
        let clearest = compounds
            .iter()
            .zip(&sentences)
            .map(|(compound, sentence)| (sign * compound, sentence))
            .filter(|(degree, _)| *degree >= SPEAKS)
            .max_by(|(one, _), (other, _)| one.total_cmp(other));
        Ok(match clearest {
            Some((_, sentence)) => scored.span(sentence.start, sentence.end, label).into(),
            None => scored.into(),
        })
    }
}

/// The sentences as byte ranges, each with what stands behind it up to the next: an emoji after the full stop belongs to what
/// was said.
fn sentences(response: &str) -> Vec<Range<usize>> {
    let mut sentences: Vec<_> = text::sentences(response).collect();
    let mut end = response.trim_end().len();
    for sentence in sentences.iter_mut().rev() {
        let next = sentence.start;
        sentence.end = sentence.start + response[sentence.start..end].trim_end().len();
        end = next;
    }
    sentences
}

export_trait_detector!(Sentiment);

#[cfg(test)]
mod tests {
    use realign_plugin::testing::{self, Mismatch};

    #[test]
    fn cases_hold() -> Result<(), Mismatch> {
        testing::trait_detector::<super::Sentiment>(include_str!("../cases.toml"))
    }
}
