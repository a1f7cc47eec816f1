//! The three things that a task file says of a row: its question, its choices and its answer.

use serde::Serialize;
use serde_json::Value;
use serde_norway::Value as Yaml;

use super::{
    python,
    render::{Columns, Row, Template, kind},
};
use crate::error::{Error, Result};

/// What a document's answer is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Target {
    /// The place of a choice.
    Index(usize),
    /// A text.
    Text(String),
    /// Several that are all right.
    Several(Vec<Target>),
}

impl Target {
    /// As lm-eval prints it: `str(target)`.
    #[must_use]
    pub fn json(&self) -> Value {
        match self {
            Self::Index(index) => Value::from(*index),
            Self::Text(text) => Value::String(text.clone()),
            Self::Several(targets) => targets.iter().map(Self::json).collect(),
        }
    }
}

/// `doc_to_text`, `doc_to_choice` and `doc_to_target` over the columns of one split.
pub struct Fields {
    text: Template,
    choice: Option<Choices>,
    target: Answer,
}

/// Choices are either listed in the file or computed per row.
enum Choices {
    Listed(Vec<String>),
    Computed(Box<Template>),
}

enum Answer {
    Same(Target),
    Computed(Box<Template>),
}

impl Fields {
    /// # Errors
    /// A usage error naming the key that is missing, or whose value has another shape or does not compile.
    pub fn new(
        text: Option<&Yaml>,
        choice: Option<&Yaml>,
        target: Option<&Yaml>,
        columns: &Columns,
    ) -> Result<Self> {
        let text = match required("doc_to_text", text)? {
            Yaml::String(source) => Template::new("doc_to_text", source, columns)?,
            Yaml::Number(_) => {
                return Err(Error::usage("doc_to_text: an index; several inputs are not supported"));
            }
            _ => return Err(Error::usage("doc_to_text: not a text")),
        };
        let choice = choice.map(|choice| choices(choice, columns)).transpose()?;
        let target = match required("doc_to_target", target)? {
            Yaml::String(source) => {
                Answer::Computed(Box::new(Template::new("doc_to_target", source, columns)?))
            }
            other => {
                let value = serde_json::to_value(other)
                    .map_err(|error| Error::usage(format!("doc_to_target: {error}")))?;
                Answer::Same(answer(&value, choice.is_some())?)
            }
        };
        Ok(Self { text, choice, target })
    }

    /// The question of a row.
    ///
    /// # Errors
    /// Bad input where it cannot be rendered, or is an index of choices.
    pub fn text(&self, row: &Row) -> Result<String> {
        let text = self.text.text(row)?;
        if self.choice.is_some() && !text.is_empty() && text.chars().all(|c| c.is_ascii_digit()) {
            let message = format!("doc_to_text: gives the index {text}; several inputs are not supported");
            return Err(Error::bad_input(message));
        }
        Ok(text)
    }

    /// The choices of a row; `None` where the task has none.
    ///
    /// # Errors
    /// Bad input where they are not a list of texts, or an empty one.
    pub fn choices(&self, row: &Row) -> Result<Option<Vec<String>>> {
        let wrong = |message: String| Error::bad_input(format!("doc_to_choice: {message}"));
        let found = match &self.choice {
            None => return Ok(None),
            Some(Choices::Listed(listed)) => listed.clone(),
            Some(Choices::Computed(template)) => {
                let items = match template.value(row)? {
                    Value::Array(items) => items,
                    Value::String(text) => python::list(&text).ok_or_else(|| {
                        let shown: String = text.chars().take(40).collect();
                        wrong(format!("gives {shown:?}, which is no list"))
                    })?,
                    other => return Err(wrong(format!("gives {} instead of a list", kind(&other)))),
                };
                let text = |item: Value| match item {
                    Value::String(text) => Ok(text),
                    other => Err(wrong(format!("has {} where a text is needed", kind(&other)))),
                };
                items.into_iter().map(text).collect::<Result<_>>()?
            }
        };
        match found.iter().position(String::is_empty) {
            _ if found.is_empty() => Err(wrong("gives no choice".into())),
            Some(place) => Err(wrong(format!("choice {place} is empty"))),
            None => Ok(Some(found)),
        }
    }

    /// The answer of a row.
    ///
    /// # Errors
    /// Bad input where it is neither a text, a whole number of a choice, nor a list of these.
    pub fn target(&self, row: &Row) -> Result<Target> {
        match &self.target {
            Answer::Same(target) => Ok(target.clone()),
            Answer::Computed(template) => {
                answer(&self.read_back(template.value(row)?), self.choice.is_some())
            }
        }
    }

    /// A rendered text that is a number of a choice, or a printed list, is that.
    fn read_back(&self, value: Value) -> Value {
        let Value::String(text) = &value else { return value };
        if self.choice.is_some() && !text.is_empty() && text.chars().all(|c| c.is_ascii_digit()) {
            return text.parse::<u64>().map_or(value.clone(), Value::from);
        }
        python::list(text).map_or(value, Value::Array)
    }
}

fn required<'a>(key: &str, value: Option<&'a Yaml>) -> Result<&'a Yaml> {
    value.ok_or_else(|| Error::usage(format!("{key}: missing")))
}

fn choices(value: &Yaml, columns: &Columns) -> Result<Choices> {
    let listed = |items: &mut dyn Iterator<Item = &Yaml>| -> Result<Choices> {
        let text = |item: &Yaml| {
            item.as_str().map(str::to_owned).ok_or_else(|| {
                Error::usage("doc_to_choice: not a list of texts").hint("put numbers and yes/no into quotes")
            })
        };
        items.map(text).collect::<Result<Vec<String>>>().map(Choices::Listed)
    };
    match value {
        Yaml::String(source) => {
            Ok(Choices::Computed(Box::new(Template::new("doc_to_choice", source, columns)?)))
        }
        Yaml::Sequence(items) => listed(&mut items.iter()),
        Yaml::Mapping(items) => listed(&mut items.values()),
        _ => Err(Error::usage("doc_to_choice: neither a text nor a list of texts")),
    }
}

/// A value as an answer. Where there are choices a number is the place of one; elsewhere it is its text, as Python prints it.
fn answer(value: &Value, has_choices: bool) -> Result<Target> {
    let wrong = |what: String| Err(Error::bad_input(format!("doc_to_target: {what}")));
    match value {
        Value::String(text) => Ok(Target::Text(text.clone())),
        // In Python true and false are 1 and 0.
        Value::Bool(flag) if has_choices => Ok(Target::Index(usize::from(*flag))),
        Value::Number(number) if has_choices => match number.as_u64().and_then(|n| usize::try_from(n).ok()) {
            Some(index) => Ok(Target::Index(index)),
            None => wrong(format!("{number} is no place of a choice")),
        },
        Value::Number(_) | Value::Bool(_) => {
            Ok(Target::Text(python::text(&minijinja::Value::from(minijinja::value::Serde(value)))))
        }
        Value::Array(items) if items.is_empty() => wrong("gives an empty list".into()),
        Value::Array(items) => {
            let items = items.iter().map(|item| match item {
                Value::Array(_) => wrong("gives a list of lists".into()),
                item => answer(item, has_choices),
            });
            items.collect::<Result<_>>().map(Target::Several)
        }
        Value::Null | Value::Object(_) => wrong(format!("gives {} instead of an answer", kind(value))),
    }
}
