//! Rows to learn from, as people write them: JSON lines.
//!
//! | For | A line is |
//! |---|---|
//! | `train sft` | `{"messages": [...]}`, `{"prompt", "completion"}`, `{"instruction", "response"}` or `{"text"}` |
//! | `train preference` | `{"prompt", "chosen", "rejected"}`, `{"chosen", "rejected"}` as whole conversations, or `{"scenario", "consistent_response", "inconsistent_response", "trait"}` |
//!
//! `prompt`, `completion`, `chosen` and `rejected` are texts or lists of messages. `system`, `id` and `family` may stand in
//! every line, and `notes` holds whatever else is worth keeping. A field that is none of these is an error: a misspelt
//! one would be data that is silently missing.
//!
//! [`inspect()`] reads the same forms for looking at: there, such fields and what is wrong with a row are kept.

mod inspect;
mod pairs;
mod supervised;
mod turns;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use serde::{Deserialize, de::DeserializeOwned};

use super::config::Role;
use crate::{
    error::{Error, Result},
    model::ChatMessage,
    persona::scenarios::Split,
    read,
};

pub use self::{
    inspect::{Alias, Found, as_written, inspect, inspect_as},
    pairs::read_pairs,
    supervised::read_supervised,
};

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The row's own id, or file name and line.
    pub id: String,
    /// Path and line, for errors.
    pub place: String,
    /// Scenario family, where the row names one.
    pub family: Option<String>,
    /// What it is for.
    pub role: Role,
    /// Traits whose detectors chose a pair, where it says so.
    pub chosen_by: BTreeSet<String>,
    /// What is learned from.
    pub content: Content,
}

/// What is learned from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Every token but the first.
    Text(String),
    /// Every turn of the assistant.
    Conversation(Vec<ChatMessage>),
    /// The last turn, which is the assistant's: one that is preferred to the other.
    Pair {
        /// The conversation with the preferred turn.
        chosen: Vec<ChatMessage>,
        /// The conversation with the other.
        rejected: Vec<ChatMessage>,
    },
}

/// What becomes of empty texts and of pairs whose sides are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Faults {
    /// They are errors: nothing can be learned from them.
    Refused,
    /// They are kept, to be counted.
    Kept,
}

/// What lines of both kinds may have.
trait Line: DeserializeOwned {
    /// Every field that a line may have.
    const FIELDS: &'static [&'static str];

    /// Id, family and content.
    fn parts(self, faults: Faults) -> Result<(Option<String>, Option<String>, Content)>;

    /// Traits whose detectors chose it.
    fn chosen_by(&self) -> BTreeSet<String> {
        BTreeSet::new()
    }
}

/// Reads a file of lines.
fn read_lines<L: Line>(path: &Path, role: Role) -> Result<Vec<Row>> {
    let lines: Vec<L> = read::jsonl(path)?;
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let mut rows = Vec::with_capacity(lines.len());
    for (index, line) in lines.into_iter().enumerate() {
        let place = format!("{} line {}", path.display(), index + 1);
        let chosen_by = line.chosen_by();
        let (id, family, content) = line.parts(Faults::Refused).map_err(|error| error.within(&place))?;
        let id = id.unwrap_or_else(|| format!("{name}:{}", index + 1));
        rows.push(Row { id, place, family, role, chosen_by, content });
    }
    read::unique_ids(path, rows.iter().map(|row| row.id.as_str()))?;
    Ok(rows)
}

/// Checks a finished conversation: an optional system message, then turns with text, the assistant's last.
fn check_conversation(field: &str, messages: &[ChatMessage], faults: Faults) -> Result<()> {
    for (index, message) in messages.iter().enumerate() {
        let place = format!("{field}[{index}]");
        let known = match message.role.as_str() {
            "system" => index == 0,
            "user" | "assistant" => true,
            _ => false,
        };
        if !known {
            return Err(Error::bad_input(format!("{place}.role: `{}` is not expected there", message.role))
                .hint("roles are user and assistant, and system for the first message"));
        }
        if faults == Faults::Refused && message.content.trim().is_empty() {
            return Err(Error::bad_input(format!("{place}.content: empty")));
        }
    }
    if messages.last().is_none_or(|message| message.role != "assistant") {
        return Err(Error::bad_input(format!("{field}: the last message must be the assistant's")));
    }
    Ok(())
}

/// Puts a system message in front.
fn with_system(
    field: &str,
    system: Option<&str>,
    mut messages: Vec<ChatMessage>,
) -> Result<Vec<ChatMessage>> {
    let Some(system) = system else { return Ok(messages) };
    if messages.first().is_some_and(|message| message.role == "system") {
        return Err(Error::bad_input(format!("system: {field} begins with a system message already")));
    }
    messages.insert(0, message("system", system));
    Ok(messages)
}

fn message(role: &str, content: &str) -> ChatMessage {
    ChatMessage { role: role.into(), content: content.into() }
}

/// Refuses rows whose family a scenario file keeps for choosing or testing.
///
/// # Errors
/// Bad input naming the row and the split, or a scenario file that cannot be read.
pub fn refuse_held_out(rows: &[Row], scenarios: &Path) -> Result<()> {
    #[derive(Deserialize)]
    struct Scenario {
        family: String,
        split: Split,
    }
    let splits: BTreeMap<String, Split> = read::jsonl::<Scenario>(scenarios)?
        .into_iter()
        .map(|scenario| (scenario.family, scenario.split))
        .collect();
    for row in rows {
        let Some(family) = &row.family else { continue };
        let split = match splits.get(family) {
            Some(Split::Dev) => "dev",
            Some(Split::Test) => "test",
            Some(Split::Train) | None => continue,
        };
        return Err(Error::bad_input(format!(
            "{}: family `{family}` is in the {split} split of {}",
            row.place,
            scenarios.display()
        ))
        .hint("train on families of the train split alone"));
    }
    Ok(())
}

/// Refuses validation rows that are trained on: their loss would fall whatever was learned.
///
/// # Errors
/// Bad input naming both rows.
pub fn refuse_trained(validation: &[Row], rows: &[Row]) -> Result<()> {
    for row in validation {
        if let Some(trained) = rows.iter().find(|trained| trained.content == row.content) {
            return Err(Error::bad_input(format!(
                "{}: the same row is trained on ({})",
                row.place, trained.place
            ))
            .hint("validate on rows that are kept back"));
        }
    }
    Ok(())
}

/// Refuses pairs that were chosen by an evaluator that is to watch over them.
///
/// # Errors
/// Bad input naming the row and the trait.
pub fn refuse_watched(rows: &[Row], held_out: &BTreeSet<String>) -> Result<()> {
    for row in rows {
        if let Some(trait_id) = row.chosen_by.intersection(held_out).next() {
            return Err(Error::bad_input(format!(
                "{}: the pair was chosen by trait `{trait_id}`, which watch.held_out names",
                row.place
            ))
            .hint(
                "an evaluator that chose cannot watch: name the traits that held_out of pairs.toml names",
            ));
        }
    }
    Ok(())
}

/// Refuses pairs that teach one text: a preference needs two sides.
fn refuse_one_class(path: &Path, rows: &[Row]) -> Result<()> {
    let last = |messages: &[ChatMessage]| messages.last().map(|message| message.content.clone());
    let sides: Vec<(Option<String>, Option<String>)> = rows
        .iter()
        .filter_map(|row| match &row.content {
            Content::Pair { chosen, rejected } => Some((last(chosen), last(rejected))),
            _ => None,
        })
        .collect();
    if sides.len() < 2 {
        return Ok(());
    }
    let chosen: BTreeSet<&Option<String>> = sides.iter().map(|(chosen, _)| chosen).collect();
    let rejected: BTreeSet<&Option<String>> = sides.iter().map(|(_, rejected)| rejected).collect();
    let side = match (chosen.len(), rejected.len()) {
        (1, _) => "chosen",
        (_, 1) => "rejected",
        _ => return Ok(()),
    };
    Err(Error::bad_input(format!("{}: {side} is the same text in all {} rows", path.display(), sides.len()))
        .hint("a preference is learned from differences between answers: add others"))
}

#[cfg(test)]
mod tests;
