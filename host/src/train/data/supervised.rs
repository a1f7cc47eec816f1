//! Lines that show what to say.

use std::path::Path;

use serde::Deserialize;

use super::{Content, Faults, Line, Row, check_conversation, read_lines, turns::Turns, with_system};
use crate::{
    error::{Error, Result},
    model::ChatMessage,
    train::config::Role,
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Supervised {
    id: Option<String>,
    family: Option<String>,
    system: Option<String>,
    messages: Option<Vec<ChatMessage>>,
    prompt: Option<Turns>,
    completion: Option<Turns>,
    instruction: Option<Turns>,
    response: Option<Turns>,
    text: Option<String>,
    #[serde(rename = "notes")]
    _notes: Option<serde_json::Value>,
}

/// Reads rows of conversations, completions or texts.
///
/// # Errors
/// Bad input naming file, line and field: an unreadable row, a row of no form or of two, an empty text, a conversation
/// that does not end with the assistant, an id twice.
pub fn read_supervised(path: &Path, role: Role) -> Result<Vec<Row>> {
    read_lines::<Supervised>(path, role)
}

impl Line for Supervised {
    const FIELDS: &'static [&'static str] = &[
        "id",
        "family",
        "system",
        "messages",
        "prompt",
        "completion",
        "instruction",
        "response",
        "text",
        "notes",
    ];

    fn parts(self, faults: Faults) -> Result<(Option<String>, Option<String>, Content)> {
        let Self { id, family, system, messages, prompt, completion, instruction, response, text, .. } = self;
        let system = system.as_deref();
        let content = match (messages, (prompt, completion), (instruction, response), text) {
            (Some(messages), (None, None), (None, None), None) => {
                conversation("messages", system, messages, faults)?
            }
            (None, (Some(prompt), Some(completion)), (None, None), None) => {
                exchange(["prompt", "completion"], system, prompt, completion, faults)?
            }
            (None, (None, None), (Some(instruction), Some(response)), None) => {
                exchange(["instruction", "response"], system, instruction, response, faults)?
            }
            (None, (None, None), (None, None), Some(text)) => {
                if system.is_some() {
                    return Err(Error::bad_input("system: a raw text has none"));
                }
                if faults == Faults::Refused && text.trim().is_empty() {
                    return Err(Error::bad_input("text: empty"));
                }
                Content::Text(text)
            }
            _ => {
                return Err(Error::bad_input(
                    "one of `messages`, `prompt` with `completion`, `instruction` with `response`, and `text` is needed",
                )
                .hint(
                    "other names for them: realign data convert ROWS.jsonl --to completions --field prompt=question --field completion=answer; \
                     pairs are for: realign train preference",
                ));
            }
        };
        Ok((id, family, content))
    }
}

fn exchange(
    [asked, said]: [&str; 2],
    system: Option<&str>,
    prompt: Turns,
    answer: Turns,
    faults: Faults,
) -> Result<Content> {
    prompt.check(asked, faults)?;
    answer.check(said, faults)?;
    let mut messages = prompt.messages("user");
    messages.extend(answer.messages("assistant"));
    conversation(&format!("{asked} and {said}"), system, messages, faults)
}

fn conversation(
    field: &str,
    system: Option<&str>,
    messages: Vec<ChatMessage>,
    faults: Faults,
) -> Result<Content> {
    let messages = with_system(field, system, messages)?;
    check_conversation(field, &messages, faults)?;
    Ok(Content::Conversation(messages))
}
