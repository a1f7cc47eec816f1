//! What stands before an answer: description, examples, question.
//!
//! Raw: the description, then each example as question, `target_delimiter`, answer, `fewshot_delimiter`, then the question; a
//! `gen_prefix` stands behind every question. Through a chat template: the description is the system message; examples are
//! turns of their own or stand with the question in one message. An example whose answer is empty has no delimiters, as in
//! lm-eval.

use serde::{Deserialize, Serialize};

use super::{
    document::Context,
    fewshot::Examples,
    field::{Fields, Target},
    render::{Row, Template},
    whitespace::is_space,
};
use crate::{
    error::{Error, Result},
    model::ChatMessage,
};

/// Whether prompts go through the model's chat template.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Chat {
    /// Raw text.
    #[default]
    None,
    /// Examples are turns.
    MultiTurn,
    /// Examples and question are one message.
    SingleTurn,
}

/// A part of a prompt.
struct Turn {
    role: &'static str,
    content: String,
    /// Behind it, in raw text.
    delimiter: String,
}

/// Question, answer and what stands around them, as they become turns.
pub(super) struct Form {
    /// The row's parts.
    pub(super) fields: Fields,
    /// The beginning of every answer.
    pub(super) prefix: Option<Template>,
    /// Between question and answer.
    pub(super) target_delimiter: String,
    /// Behind an example.
    pub(super) fewshot_delimiter: String,
}

/// Makes prompts.
pub(super) struct Prompter {
    pub(super) description: Template,
    pub(super) chat: Chat,
    pub(super) form: Form,
    pub(super) examples: Option<Examples>,
}

impl Prompter {
    /// The prompt of a document. Examples may be drawn, so documents have to come in their order.
    pub(super) fn prompt(&mut self, row: &Row) -> Result<Context> {
        let description = self.description.text(row)?;
        let mut turns = Vec::new();
        if !description.is_empty() {
            turns.push(Turn { role: "system", content: description, delimiter: String::new() });
        }
        if let Some(examples) = &mut self.examples {
            for (place, example) in examples.choose(row)? {
                let form = &examples.form;
                let target = form.fields.target(&example);
                let example = target.and_then(|target| form.turns(&example, Some(&target)));
                turns.extend(example.map_err(|error| error.within(place))?);
            }
        }
        turns.extend(self.form.turns(row, None)?);
        Ok(match self.chat {
            Chat::None => Context::Text(text(&turns)),
            Chat::MultiTurn => Context::Messages(turns.into_iter().map(Turn::message).collect()),
            Chat::SingleTurn => {
                let systems = usize::from(turns.first().is_some_and(|turn| turn.role == "system"));
                let rest = turns.split_off(systems);
                let content = text(&rest);
                turns.push(Turn { role: "user", content, delimiter: String::new() });
                Context::Messages(turns.into_iter().map(Turn::message).collect())
            }
        })
    }
}

impl Turn {
    fn message(self) -> ChatMessage {
        ChatMessage { role: self.role.into(), content: self.content }
    }
}

fn text(turns: &[Turn]) -> String {
    turns.iter().flat_map(|turn| [turn.content.as_str(), turn.delimiter.as_str()]).collect()
}

impl Form {
    /// A question, with its answer where there is one.
    fn turns(&self, row: &Row, target: Option<&Target>) -> Result<Vec<Turn>> {
        let question = self.fields.text(row)?;
        let prefix = self.prefix.as_ref().map(|prefix| prefix.text(row)).transpose()?.unwrap_or_default();
        let answer = match target {
            None => String::new(),
            Some(target) => self.answer(row, target)?,
        };
        let apart = if prefix.is_empty() { !answer.is_empty() } else { is_apart(&question, &prefix) };
        let delimiter = if apart { self.target_delimiter.clone() } else { String::new() };
        let mut turns = vec![Turn { role: "user", content: question, delimiter }];
        if !answer.is_empty() {
            let content = joined(&prefix, &answer, " ");
            turns.push(Turn { role: "assistant", content, delimiter: self.fewshot_delimiter.clone() });
        } else if !prefix.is_empty() {
            turns.push(Turn { role: "assistant", content: prefix, delimiter: String::new() });
        }
        Ok(turns)
    }

    fn answer(&self, row: &Row, target: &Target) -> Result<String> {
        match target {
            Target::Text(text) => Ok(text.clone()),
            Target::Index(place) => {
                let choices = self.fields.choices(row)?.unwrap_or_default();
                choices.get(*place).cloned().ok_or_else(|| {
                    Error::bad_input(format!("doc_to_target: index {place} of {} choices", choices.len()))
                })
            }
            Target::Several(targets) => match targets.first() {
                Some(Target::Text(text)) => Ok(text.clone()),
                _ => Err(Error::bad_input("doc_to_target: a list of indices in an example")),
            },
        }
    }
}

/// Whether two texts need something between them: none of them has white space there, and the first is not empty.
fn is_apart(first: &str, second: &str) -> bool {
    let (last, next) = (first.chars().next_back(), second.chars().next());
    last.is_some_and(|c| !is_space(c)) && next.is_none_or(|c| !is_space(c))
}

/// Two texts with a delimiter between them where both have something there and neither has white space.
fn joined(first: &str, second: &str, delimiter: &str) -> String {
    let delimiter = if !second.is_empty() && is_apart(first, second) { delimiter } else { "" };
    format!("{first}{delimiter}{second}")
}
