//! Trait detector: is a word in the response?

use realign_plugin::prelude::*;

/// Settings from the suite; also the prepared detector, since nothing has to be prepared.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Says {
    word: String,
}

impl TraitDetector for Says {
    type Config = Self;
    const ABOUT: About = about!(
        r#"{"type": "object", "required": ["word"], "additionalProperties": false, "properties": {"word": {"type": "string"}}}"#
    );

    fn prepare(config: Self, _: &Setup<'_>) -> Result<Self, Failure> {
        if config.word.is_empty() {
            return Err(Failure::config("word is empty"));
        }
        Ok(config)
    }

    fn detect(&self, sample: &Sample, _: &Answers<'_>) -> Result<Outcome, Failure> {
        let words = text::words(&sample.response);
        let found: Vec<_> = words.iter().filter(|word| word.text == self.word).collect();
        let scored = Scored::value("presence", if found.is_empty() { 0.0 } else { 1.0 });
        Ok(found.into_iter().take(8).fold(scored, |scored, word| scored.span(word.start, word.end, "word")).into())
    }
}

export_trait_detector!(Says);

#[cfg(test)]
mod tests {
    use realign_plugin::testing::{self, Mismatch};

    #[test]
    fn cases_hold() -> Result<(), Mismatch> {
        testing::trait_detector::<super::Says>(include_str!("../cases.toml"))
    }
}
