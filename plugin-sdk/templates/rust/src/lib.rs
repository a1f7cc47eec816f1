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
    const ABOUT: About =
        about!(r#"{"type": "object", "required": ["word"], "properties": {"word": {"type": "string"}}}"#);

    fn prepare(config: Self, _: &Setup<'_>) -> Result<Self, Failure> {
        Ok(config)
    }

    fn detect(&self, sample: &Sample, _: &Answers<'_>) -> Result<Outcome, Failure> {
        let found = text::words(&sample.response).iter().any(|word| word.text == self.word);
        Ok(Outcome::presence(f64::from(found)))
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
