//! A line that is written: fields in the order in which people read them.

use serde::{Serialize, Serializer, ser::SerializeMap as _};
use serde_json::Value;

use crate::model::ChatMessage;

/// A line.
#[derive(Debug, Default)]
pub(super) struct Line(Vec<(&'static str, Field)>);

/// What a field holds.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Field {
    Text(String),
    Messages(Vec<ChatMessage>),
    Inside { messages: Vec<ChatMessage> },
    Any(Value),
}

impl Line {
    pub(super) fn push(&mut self, name: &'static str, field: Field) {
        self.0.push((name, field));
    }

    pub(super) fn text(&mut self, name: &'static str, text: &str) {
        self.push(name, Field::Text(text.to_owned()));
    }

    pub(super) fn text_if(&mut self, name: &'static str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    pub(super) fn messages(&mut self, name: &'static str, messages: &[ChatMessage]) {
        self.push(name, Field::Messages(messages.to_vec()));
    }
}

impl Serialize for Line {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, field) in &self.0 {
            map.serialize_entry(name, field)?;
        }
        map.end()
    }
}
