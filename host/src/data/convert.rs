//! Rows from one form into another.
//!
//! What is read is what training reads, under other names if need be. What is written is read by training again, but for the
//! `openai` form, which is for elsewhere. Nothing gets lost in silence: what a form has no field for goes into `notes`, and
//! what it has no place for at all is counted as dropped. A row that a form cannot hold is refused with its line.

mod line;

use std::{collections::BTreeMap, slice::from_ref};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use self::line::{Field, Line};
use crate::{
    error::{Error, Result},
    model::ChatMessage,
    train::data::{Content, Found},
};

/// A form of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// `{"prompt", "chosen", "rejected"}`, all texts.
    Pairs,
    /// The same with lists of messages.
    PairMessages,
    /// `{"scenario", "consistent_response", "inconsistent_response", "trait"}`, as the seeds have it.
    Seeds,
    /// `{"messages"}`.
    Messages,
    /// `{"prompt", "completion"}`, both texts.
    Completions,
    /// `{"instruction", "response"}`, both texts.
    Instructions,
    /// `{"text"}`.
    Text,
    /// What `OpenAI`'s fine-tuning takes: `{"messages"}`, of pairs `{"input", "preferred_output", "non_preferred_output"}`.
    Openai,
}

/// What was converted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversion {
    /// The form.
    pub to: Form,
    /// Rows written.
    pub rows: usize,
    /// Fields that went into `notes`, each with the number of rows that had it.
    pub noted: BTreeMap<String, usize>,
    /// What the form has no place for, each with the number of rows that had it.
    pub dropped: BTreeMap<String, usize>,
}

/// Converts rows to JSON lines.
///
/// # Errors
/// Bad input naming the line of a row that the form cannot hold.
///
/// # Panics
/// If a line does not serialise, which is a bug in its type.
pub fn convert(rows: &[Found], to: Form) -> Result<(Vec<u8>, Conversion)> {
    let mut bytes = Vec::new();
    let mut report = Conversion { to, rows: rows.len(), noted: BTreeMap::new(), dropped: BTreeMap::new() };
    for found in rows {
        let line = one(found, to, &mut report).map_err(|error| error.within(&found.row.place))?;
        bytes.extend(serde_json::to_vec(&line).expect("lines serialise to JSON"));
        bytes.push(b'\n');
    }
    Ok((bytes, report))
}

fn one(found: &Found, to: Form, report: &mut Conversion) -> Result<Line> {
    let mut line = Line::default();
    if to == Form::Openai {
        match &found.row.content {
            Content::Text(_) => return Err(no_turns()),
            Content::Conversation(messages) => line.messages("messages", messages),
            Content::Pair { chosen, rejected } => {
                let (asked, chosen, rejected) = split(chosen, rejected)?;
                line.push("input", Field::Inside { messages: asked.to_vec() });
                line.messages("preferred_output", from_ref(chosen));
                line.messages("non_preferred_output", from_ref(rejected));
            }
        }
        drop_rest(found, report);
        return Ok(line);
    }
    line.text_if("id", found.id.as_deref());
    line.text_if("family", found.row.family.as_deref());
    let mut notes = Notes::new(found);
    match (to, &found.row.content) {
        (Form::Pairs | Form::PairMessages | Form::Seeds, Content::Pair { chosen, rejected }) => {
            let (asked, chosen, rejected) = split(chosen, rejected)?;
            if to == Form::PairMessages {
                line.messages("prompt", asked);
                line.messages("chosen", from_ref(chosen));
                line.messages("rejected", from_ref(rejected));
            } else {
                let (system, user) = single(asked)?;
                let names = match to {
                    Form::Seeds => ["scenario", "consistent_response", "inconsistent_response"],
                    _ => ["prompt", "chosen", "rejected"],
                };
                line.text_if("system", system);
                for (name, text) in names.into_iter().zip([user, &chosen.content, &rejected.content]) {
                    line.text(name, text);
                }
            }
            if to == Form::Seeds && found.trait_id.is_none() {
                return Err(Error::bad_input("trait: missing").hint(
                    "the seeds' form names the trait of a pair; --field trait=NAME says where it stands",
                ));
            }
            line.text_if("trait", found.trait_id.as_deref());
        }
        (Form::Pairs | Form::PairMessages | Form::Seeds, _) => {
            return Err(Error::bad_input("no pair: chosen and rejected are missing")
                .hint("pairs are built from answers: realign data pairs"));
        }
        (Form::Text, Content::Text(text)) => line.text("text", text),
        (Form::Text, _) => {
            return Err(Error::bad_input("a text has no turns").hint(
                "how turns become text is the model's own chat template's business: convert to messages",
            ));
        }
        (_, Content::Text(_)) => return Err(no_turns()),
        (_, Content::Conversation(messages)) => supervised(&mut line, to, messages)?,
        (_, Content::Pair { chosen, .. }) => {
            supervised(&mut line, to, chosen)?;
            count(&mut report.dropped, "rejected");
            notes.add("trait", found.trait_id.clone().map(Value::String));
        }
    }
    for name in notes.moved {
        count(&mut report.noted, &name);
    }
    if let Some(notes) = notes.value {
        line.push("notes", Field::Any(notes));
    }
    Ok(line)
}

fn supervised(line: &mut Line, to: Form, messages: &[ChatMessage]) -> Result<()> {
    let names = match to {
        Form::Completions => ["prompt", "completion"],
        Form::Instructions => ["instruction", "response"],
        _ => {
            line.messages("messages", messages);
            return Ok(());
        }
    };
    let Some((answer, asked)) = messages.split_last() else {
        return Err(Error::bad_input("messages: empty"));
    };
    let (system, user) = single(asked)?;
    line.text_if("system", system);
    line.text(names[0], user);
    line.text(names[1], &answer.content);
    Ok(())
}

/// The conversation before the answers, and both answers.
fn split<'a>(
    chosen: &'a [ChatMessage],
    rejected: &'a [ChatMessage],
) -> Result<(&'a [ChatMessage], &'a ChatMessage, &'a ChatMessage)> {
    match (chosen.split_last(), rejected.last()) {
        (Some((chosen, asked)), Some(rejected)) => Ok((asked, chosen, rejected)),
        _ => Err(Error::bad_input("chosen or rejected: empty")),
    }
}

/// System prompt and question, where one text can hold what was said before the answer.
fn single(asked: &[ChatMessage]) -> Result<(Option<&str>, &str)> {
    match asked {
        [user] if user.role == "user" => Ok((None, &user.content)),
        [system, user] if system.role == "system" && user.role == "user" => {
            Ok((Some(&system.content), &user.content))
        }
        _ => {
            let message = format!("{} turns before the answer, one text holds one", asked.len());
            Err(Error::bad_input(message).hint("convert to messages or pair-messages"))
        }
    }
}

fn no_turns() -> Error {
    Error::bad_input("a raw text has no turns: who asks and who answers is not said")
}

fn drop_rest(found: &Found, report: &mut Conversion) {
    let own = [
        ("id", found.id.is_some()),
        ("family", found.row.family.is_some()),
        ("trait", found.trait_id.is_some()),
        ("notes", found.notes.is_some()),
    ];
    for (name, _) in own.into_iter().filter(|(_, there)| *there) {
        count(&mut report.dropped, name);
    }
    for name in found.extra.keys() {
        count(&mut report.dropped, name);
    }
}

fn count(counts: &mut BTreeMap<String, usize>, name: &str) {
    *counts.entry(name.to_owned()).or_default() += 1;
}

/// A row's notes, with what its new form has no field for.
struct Notes {
    value: Option<Value>,
    moved: Vec<String>,
}

impl Notes {
    fn new(found: &Found) -> Self {
        let mut notes = Self { value: found.notes.clone(), moved: Vec::new() };
        for (name, value) in &found.extra {
            notes.add(name, Some(value.clone()));
        }
        notes
    }

    fn add(&mut self, name: &str, value: Option<Value>) {
        let Some(value) = value else { return };
        let mut fields = match self.value.take() {
            None => Map::new(),
            Some(Value::Object(fields)) => fields,
            Some(other) => [("notes".to_owned(), other)].into_iter().collect(),
        };
        // A note of the same name came first and stays.
        let free = if fields.contains_key(name) { format!("{name}-of-row") } else { name.to_owned() };
        fields.insert(free, value);
        self.value = Some(Value::Object(fields));
        self.moved.push(name.to_owned());
    }
}
