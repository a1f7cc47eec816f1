//! `layers = "all"` or a number.

use serde::{Deserialize, Serialize};

/// Which blocks are adapted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "toml::Value", into = "String")]
pub enum Layers {
    /// Every block.
    All,
    /// The last so many.
    Last(u32),
}

impl Layers {
    /// The number of blocks in a model that has `layers`.
    #[must_use]
    pub fn of(self, layers: u32) -> u32 {
        match self {
            Self::All => layers,
            Self::Last(count) => count,
        }
    }
}

impl TryFrom<toml::Value> for Layers {
    type Error = String;

    fn try_from(value: toml::Value) -> Result<Self, String> {
        match &value {
            toml::Value::String(text) if text == "all" => Ok(Self::All),
            toml::Value::Integer(count) => u32::try_from(*count)
                .map(Self::Last)
                .map_err(|_| format!("layers: {count} is no number of blocks")),
            other => Err(format!("layers: {other} is neither \"all\" nor a number")),
        }
    }
}

impl From<Layers> for String {
    fn from(layers: Layers) -> Self {
        match layers {
            Layers::All => "all".into(),
            Layers::Last(count) => count.to_string(),
        }
    }
}
