//! `batch_tokens = 1024`, or `"auto"`: what was measured to be best on this machine.

use serde::{Deserialize, Serialize, Serializer};

use crate::{
    error::{Error, Result},
    read::within,
};

/// Most padded tokens in a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "toml::Value")]
pub enum BatchTokens {
    /// So many.
    Fixed(u32),
    /// What a calibration of this machine, engine and model found. It is settled once, when a training begins: a plan
    /// holds the number.
    Auto,
}

impl BatchTokens {
    pub(super) fn check(self) -> Result<()> {
        match self {
            Self::Fixed(tokens) => within("batch_tokens", f64::from(tokens), 2.0, 1_048_576.0),
            Self::Auto => Ok(()),
        }
    }

    /// The number: the file's own, or else the one that the folder's plan `recorded` when this training began, or else
    /// what was `measured`. A later calibration changes no training that has begun.
    ///
    /// # Errors
    /// Exit 2 where nothing was measured: a guess would be a different training on every machine without anyone knowing.
    pub fn settle(self, recorded: Option<u32>, measured: impl FnOnce() -> Option<u32>) -> Result<u32> {
        match self {
            Self::Fixed(tokens) => Ok(tokens),
            Self::Auto => recorded.or_else(measured).ok_or_else(|| {
                Error::usage(
                    "batch_tokens: \"auto\", and this machine was not measured with this engine and model",
                )
                .hint("run: realign calibrate --model MODEL; or give a number, as batch_tokens = 1024")
            }),
        }
    }
}

impl Serialize for BatchTokens {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Fixed(tokens) => serializer.serialize_u32(*tokens),
            Self::Auto => serializer.serialize_str("auto"),
        }
    }
}

impl TryFrom<toml::Value> for BatchTokens {
    type Error = String;

    fn try_from(value: toml::Value) -> Result<Self, String> {
        match &value {
            toml::Value::String(text) if text == "auto" => Ok(Self::Auto),
            toml::Value::Integer(tokens) => u32::try_from(*tokens)
                .map(Self::Fixed)
                .map_err(|_| format!("batch_tokens: {tokens} is no number of tokens")),
            other => Err(format!("batch_tokens: {other} is neither \"auto\" nor a number")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_in_the_file_comes_before_what_was_measured() {
        assert_eq!(BatchTokens::Fixed(64).settle(Some(128), || Some(512)).unwrap(), 64);
    }

    #[test]
    fn what_a_plan_recorded_comes_before_what_was_measured_since() {
        assert_eq!(BatchTokens::Auto.settle(Some(128), || Some(512)).unwrap(), 128);
        assert_eq!(BatchTokens::Auto.settle(None, || Some(512)).unwrap(), 512);
    }

    #[test]
    fn without_a_measurement_nothing_is_guessed() {
        let error = BatchTokens::Auto.settle(None, || None).unwrap_err();
        insta::assert_snapshot!(error, @r#"batch_tokens: "auto", and this machine was not measured with this engine and model"#);
        insta::assert_snapshot!(error.advice().unwrap(), @"run: realign calibrate --model MODEL; or give a number, as batch_tokens = 1024");
    }
}
