//! Texts whose right answer is known: one JSON object per line.
//!
//! ```text
//! {"id": "a-1", "group": "a", "label": "right", "response": "Thanks! We will look."}
//! {"id": "a-2", "group": "a", "label": "none", "response": "As an AI model, I ...", "trait": "speaks-as-team"}
//! ```
//!
//! `text` may stand for `response`. Without a `group` a text is a group of its own. A row with a `trait` is about that
//! trait only. Further keys are left alone, so that lines of `realign generate` need a label and nothing else.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    metrics::card::Label,
    model::{ChatMessage, Finish, Sample},
    read,
};

/// One text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelledText {
    /// Unique in everything that a card is made of.
    pub id: String,
    /// Texts of one group are not independent of each other.
    pub group: String,
    /// What is known of it.
    pub label: Label,
    /// The one trait that the label is about; all of them where it is absent.
    #[serde(rename = "trait", skip_serializing_if = "Option::is_none")]
    pub trait_id: Option<String>,
    /// What it answers, if that is known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub prompt: Vec<ChatMessage>,
    /// The text.
    pub text: String,
}

/// A line of a file.
#[derive(Debug, Deserialize)]
struct Row {
    id: String,
    group: Option<String>,
    label: Label,
    #[serde(rename = "trait")]
    trait_id: Option<String>,
    #[serde(default)]
    prompt: Prompt,
    text: Option<String>,
    response: Option<String>,
}

/// Messages, or raw text as `generate` has it.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Prompt {
    Messages(Vec<ChatMessage>),
    Raw(String),
}

impl Default for Prompt {
    fn default() -> Self {
        Self::Messages(Vec::new())
    }
}

impl LabelledText {
    /// As an evaluator is given it.
    #[must_use]
    pub fn sample(&self) -> Sample {
        Sample {
            id: self.id.clone(),
            family: self.group.clone(),
            kind: "text".into(),
            prompt: self.prompt.clone(),
            response: self.text.clone(),
            finish: Finish::End,
        }
    }

    /// Whether its label is about this trait.
    #[must_use]
    pub fn is_about(&self, trait_id: &str) -> bool {
        self.trait_id.as_deref().is_none_or(|about| about == trait_id)
    }
}

/// Reads a file of labelled texts.
///
/// # Errors
/// Bad input naming file, line and field: an unknown label, a text twice or not at all, an id that stands twice.
pub fn read(path: &Path) -> Result<Vec<LabelledText>> {
    let rows: Vec<Row> = read::jsonl(path)?;
    read::unique_ids(path, rows.iter().map(|row| row.id.as_str()))?;
    let place = |index: usize| format!("{} line {}", path.display(), index + 1);
    rows.into_iter()
        .enumerate()
        .map(|(index, row)| text(row).map_err(|error| error.within(place(index))))
        .collect()
}

/// Refuses texts of several sources that share an id.
///
/// # Errors
/// Bad input naming the id.
pub fn check_ids(texts: &[LabelledText]) -> Result<()> {
    let mut ids = std::collections::BTreeSet::new();
    match texts.iter().find(|text| !ids.insert(&text.id)) {
        None => Ok(()),
        Some(twice) => Err(Error::bad_input(format!("id `{}` stands in two sources of texts", twice.id))
            .hint("give every text an id of its own")),
    }
}

fn text(row: Row) -> Result<LabelledText> {
    let text = match (row.text, row.response) {
        (Some(text), None) | (None, Some(text)) => text,
        (None, None) => return Err(Error::bad_input("text: missing").hint("name it text or response")),
        (Some(_), Some(_)) => {
            return Err(Error::bad_input("text and response: both are there, one is needed"));
        }
    };
    let prompt = match row.prompt {
        Prompt::Messages(messages) => messages,
        Prompt::Raw(content) => vec![ChatMessage { role: "user".into(), content }],
    };
    let group = row.group.unwrap_or_else(|| row.id.clone());
    Ok(LabelledText { id: row.id, group, label: row.label, trait_id: row.trait_id, prompt, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(rows: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("texts.jsonl");
        std::fs::write(&path, rows).unwrap();
        let error = read(&path).unwrap_err().to_string();
        error.replace(&folder.path().display().to_string(), "")
    }

    #[test]
    fn lines_of_generate_need_a_label_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("texts.jsonl");
        let line = r#"{"id":"a","prompt":"Hi","label":"none","response":"Hello.","tokens":3,"finish":"end"}"#;
        std::fs::write(&path, line).unwrap();
        let texts = read(&path).unwrap();
        assert_eq!((texts[0].group.as_str(), texts[0].prompt[0].content.as_str()), ("a", "Hi"));
        assert!(texts[0].is_about("any"));
    }

    #[test]
    fn what_is_wrong_with_a_row_is_named_with_its_line() {
        let lines = [
            refusal("{\"id\":\"a\",\"label\":\"good\",\"text\":\"x\"}\n"),
            refusal("{\"id\":\"a\",\"label\":\"right\"}\n"),
            refusal("{\"id\":\"a\",\"label\":\"right\",\"text\":\"x\",\"response\":\"x\"}\n"),
            refusal(
                "{\"id\":\"a\",\"label\":\"right\",\"text\":\"x\"}\n{\"id\":\"a\",\"label\":\"none\",\"text\":\"y\"}\n",
            ),
        ];
        insta::assert_snapshot!(lines.join("\n"));
    }
}
