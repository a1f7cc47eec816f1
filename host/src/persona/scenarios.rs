//! Scenarios: families of situations, each told in every context kind, split by family.
//!
//! A family belongs to one split alone. Otherwise a model could be trained on the question that it is tested on,
//! in other words.

use std::{collections::BTreeMap, path::Path};

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    model::ChatMessage,
    read,
};

/// One situation in one context kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Unique in the file.
    pub id: String,
    /// What the kinds of one situation share; the unit of every interval.
    pub family: String,
    /// One of the persona's context kinds.
    pub kind: String,
    /// What the family may be used for.
    pub split: Split,
    /// Topic.
    pub category: String,
    /// The conversation up to and including the user's last turn; no system message.
    pub messages: Vec<ChatMessage>,
}

/// What a family may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Split {
    /// Training pairs.
    Train,
    /// Choosing checkpoints.
    Dev,
    /// Read once, at the end.
    Test,
}

/// Reads a scenario file and checks it against the persona's context kinds.
///
/// # Errors
/// Bad input naming file, line, field and value: unreadable row, duplicate id, unknown kind, a conversation that
/// does not alternate or does not end with the user, a family in two splits, a kind told twice or missing.
pub fn read(path: &Path, kinds: &[String]) -> Result<Vec<Scenario>> {
    let rows: Vec<Scenario> = read::jsonl(path)?;
    read::unique_ids(path, rows.iter().map(|row| row.id.as_str()))?;
    for (index, row) in rows.iter().enumerate() {
        check_row(row, kinds)
            .map_err(|error| error.within(format!("{} line {}", path.display(), index + 1)))?;
    }
    check_families(&rows, kinds).map_err(|error| error.within(path.display()))?;
    Ok(rows)
}

fn check_row(row: &Scenario, kinds: &[String]) -> Result<()> {
    if row.id.is_empty() || row.family.is_empty() {
        return Err(Error::bad_input("id or family: empty"));
    }
    if !kinds.contains(&row.kind) {
        let message =
            format!("kind: `{}` is none of the persona's contexts ({})", row.kind, kinds.join(", "));
        return Err(Error::bad_input(message));
    }
    for (index, message) in row.messages.iter().enumerate() {
        let expected = if index % 2 == 0 { "user" } else { "assistant" };
        if message.role != expected {
            let text = format!("messages[{index}].role: `{}`, `{expected}` is expected", message.role);
            return Err(Error::bad_input(text)
                .hint("start and end with the user and alternate; the system prompt is the persona's"));
        }
        if message.content.trim().is_empty() {
            return Err(Error::bad_input(format!("messages[{index}].content: empty")));
        }
    }
    if row.messages.len().is_multiple_of(2) {
        let message = format!("messages: {} of them, the last must be the user's", row.messages.len());
        return Err(Error::bad_input(message));
    }
    Ok(())
}

fn check_families(rows: &[Scenario], kinds: &[String]) -> Result<()> {
    let mut families: BTreeMap<&str, (Split, Vec<&str>)> = BTreeMap::new();
    for row in rows {
        let (split, told) = families.entry(&row.family).or_insert_with(|| (row.split, Vec::new()));
        if *split != row.split {
            let message = format!(
                "family `{}` is in two splits, {split:?} and {:?} (id `{}`)",
                row.family, row.split, row.id
            );
            return Err(Error::bad_input(message.to_lowercase()).hint("a family belongs to one split"));
        }
        if told.contains(&row.kind.as_str()) {
            return Err(Error::bad_input(format!("family `{}` tells kind `{}` twice", row.family, row.kind)));
        }
        told.push(&row.kind);
    }
    for (family, (_, told)) in &families {
        if let Some(missing) = kinds.iter().find(|kind| !told.contains(&kind.as_str())) {
            return Err(Error::bad_input(format!("family `{family}` lacks kind `{missing}`")));
        }
    }
    Ok(())
}
