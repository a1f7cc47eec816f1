//! A field that is a text or a list of messages.

use serde::Deserialize;
use serde_json::Value;

use super::{Faults, message};
use crate::{
    error::{Error, Result},
    model::ChatMessage,
};

/// A text or a list of messages.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Value")]
pub(super) enum Turns {
    Text(String),
    Messages(Vec<ChatMessage>),
}

impl TryFrom<Value> for Turns {
    type Error = String;

    fn try_from(value: Value) -> std::result::Result<Self, String> {
        match value {
            Value::String(text) => Ok(Self::Text(text)),
            Value::Array(_) => serde_json::from_value(value)
                .map(Self::Messages)
                .map_err(|error| format!("messages: {error}")),
            _ => Err("neither a text nor a list of messages".into()),
        }
    }
}

impl Turns {
    /// Refuses a text of blanks; messages are checked with the conversation that they belong to.
    pub(super) fn check(&self, field: &str, faults: Faults) -> Result<()> {
        match self {
            Self::Text(text) if faults == Faults::Refused && text.trim().is_empty() => {
                Err(Error::bad_input(format!("{field}: empty")))
            }
            _ => Ok(()),
        }
    }

    /// As messages; a text becomes one of `role`.
    pub(super) fn messages(self, role: &str) -> Vec<ChatMessage> {
        match self {
            Self::Text(text) => vec![message(role, &text)],
            Self::Messages(messages) => messages,
        }
    }
}
