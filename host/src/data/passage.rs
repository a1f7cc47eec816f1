//! The texts of a row, each by itself.

use crate::{
    ids::Digest,
    model::ChatMessage,
    train::data::{Content, Row},
};

/// A text of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage<'a> {
    /// `text`, `chosen`, `rejected`, or who says it in which turn: `user 1`.
    pub part: String,
    /// The text.
    pub text: &'a str,
}

/// Every text that a row teaches or shows, in its order. What both sides of a pair share stands once.
#[must_use]
pub fn passages(content: &Content) -> Vec<Passage<'_>> {
    fn turns(messages: &[ChatMessage]) -> Vec<Passage<'_>> {
        let named = |index: usize, role: &str| format!("{role} {}", index + 1);
        let turns = messages.iter().enumerate();
        turns
            .map(|(index, message)| Passage { part: named(index, &message.role), text: &message.content })
            .collect()
    }
    match content {
        Content::Text(text) => vec![Passage { part: "text".into(), text }],
        Content::Conversation(messages) => turns(messages),
        Content::Pair { chosen, rejected } => {
            let mut passages = turns(&chosen[..chosen.len().saturating_sub(1)]);
            for (part, side) in [("chosen", chosen), ("rejected", rejected)] {
                let last = side.last().map(|message| Passage { part: part.into(), text: &message.content });
                passages.extend(last);
            }
            passages
        }
    }
}

/// What the intervals of a row's numbers are clustered by: its family, else what it answers to, since rows with one prompt
/// are not independent.
#[must_use]
pub fn cluster(row: &Row) -> String {
    let asked = match &row.content {
        Content::Text(_) => None,
        Content::Conversation(messages) | Content::Pair { chosen: messages, .. } => {
            messages.split_last().map(|(_, asked)| Digest::of_json(&asked).to_string())
        }
    };
    row.family.clone().or(asked).unwrap_or_else(|| row.place.clone())
}
