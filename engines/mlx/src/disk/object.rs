//! A JSON object of an untrusted file: every value is checked where it is taken.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use crate::error::{Error, Result};

/// A JSON object and the file it came from.
#[derive(Debug)]
pub struct Object {
    /// What messages call it.
    place: String,
    values: Map<String, Value>,
}

impl Object {
    /// Parses the text of a file.
    ///
    /// # Errors
    /// A model error if it is not a JSON object.
    pub fn parse(place: &str, text: &str) -> Result<Self> {
        let value = serde_json::from_str(text)
            .map_err(|error| Error::model(format!("{place}: is not JSON: {error}")))?;
        match value {
            Value::Object(values) => Ok(Self { place: place.to_owned(), values }),
            other => Err(Error::model(format!("{place}: is {}, not an object", shown(Some(&other))))),
        }
    }

    /// All keys, in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    /// The value under a key; null counts as absent.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.values.get(key).filter(|value| !value.is_null())
    }

    /// Refuses the first key that is neither known nor switched off: null, false, or empty.
    ///
    /// # Errors
    /// A model error naming the key.
    pub fn only(&self, known: &[&str], hint: &str) -> Result<()> {
        let unknown = |(key, value): &(&String, &Value)| !known.contains(&key.as_str()) && !is_off(value);
        match self.values.iter().find(unknown) {
            None => Ok(()),
            Some((key, value)) => {
                let key = key.chars().take(80).collect::<String>();
                Err(self.error(format!("key {key} is {} and not supported", shown(Some(value)))).hint(hint))
            }
        }
    }

    /// Refuses a key that is there and switched on.
    ///
    /// # Errors
    /// A model error naming the key.
    pub fn off(&self, keys: &[&str], hint: &str) -> Result<()> {
        let on = |key: &&&str| self.get(key).is_some_and(|value| !is_off(value));
        match keys.iter().find(on) {
            None => Ok(()),
            Some(key) => {
                let value = shown(self.get(key));
                Err(self.error(format!("key {key} is {value} and not supported")).hint(hint))
            }
        }
    }

    /// A whole number from 1 to `limit`.
    ///
    /// # Errors
    /// A model error naming the key, what it is and what it may be.
    pub fn count(&self, key: &str, limit: u64) -> Result<usize> {
        self.get(key)
            .and_then(Value::as_u64)
            .filter(|number| (1..=limit).contains(number))
            .and_then(|number| usize::try_from(number).ok())
            .ok_or_else(|| self.wrong(key, &format!("a whole number from 1 to {limit}")))
    }

    /// As [`Object::count`], with a value for an absent key.
    ///
    /// # Errors
    /// As [`Object::count`].
    pub fn count_or(&self, key: &str, limit: u64, default: usize) -> Result<usize> {
        if self.get(key).is_none() { Ok(default) } else { self.count(key, limit) }
    }

    /// A number in a range.
    ///
    /// # Errors
    /// A model error naming the key, what it is and what it may be.
    pub fn number(&self, key: &str, range: RangeInclusive<f64>) -> Result<f64> {
        self.get(key).and_then(Value::as_f64).filter(|number| range.contains(number)).ok_or_else(|| {
            self.wrong(key, &format!("a number from {:e} to {:e}", range.start(), range.end()))
        })
    }

    /// As [`Object::number`], with a value for an absent key.
    ///
    /// # Errors
    /// As [`Object::number`].
    pub fn number_or(&self, key: &str, range: RangeInclusive<f64>, default: f64) -> Result<f64> {
        if self.get(key).is_none() { Ok(default) } else { self.number(key, range) }
    }

    /// A truth value; false where the key is absent.
    ///
    /// # Errors
    /// A model error if it is something else.
    pub fn flag(&self, key: &str) -> Result<bool> {
        match self.get(key) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(self.wrong(key, "true or false")),
        }
    }

    /// A text, if the key is there.
    ///
    /// # Errors
    /// A model error if it is something else.
    pub fn text(&self, key: &str) -> Result<Option<&str>> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.wrong(key, "a text")),
        }
    }

    /// A list of texts, if the key is there.
    ///
    /// # Errors
    /// A model error if it is something else.
    pub fn texts(&self, key: &str) -> Result<Option<Vec<&str>>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let texts = value.as_array().and_then(|list| list.iter().map(Value::as_str).collect());
        texts.map(Some).ok_or_else(|| self.wrong(key, "a list of texts"))
    }

    /// A list of objects; empty where the key is absent.
    ///
    /// # Errors
    /// A model error if it is something else.
    pub fn objects(&self, key: &str) -> Result<Vec<Self>> {
        let list = match self.get(key) {
            None => return Ok(Vec::new()),
            Some(value) => value.as_array().ok_or_else(|| self.wrong(key, "a list"))?,
        };
        let one = |(index, value): (usize, &Value)| match value {
            Value::Object(values) => {
                Ok(Self { place: format!("{}: {key}[{index}]", self.place), values: values.clone() })
            }
            _ => Err(self.error(format!("{key}[{index}] is not an object"))),
        };
        list.iter().enumerate().map(one).collect()
    }

    /// An object inside this one.
    ///
    /// # Errors
    /// A model error if the key is absent or not an object.
    pub fn object(&self, key: &str) -> Result<Self> {
        match self.get(key) {
            Some(Value::Object(values)) => {
                Ok(Self { place: format!("{}: {key}", self.place), values: values.clone() })
            }
            _ => Err(self.wrong(key, "an object")),
        }
    }

    /// An error about a key whose value is not what it must be.
    #[must_use]
    pub fn wrong(&self, key: &str, want: &str) -> Error {
        self.error(format!("{key} is {}, not {want}", shown(self.get(key))))
    }

    /// An error about this object.
    #[must_use]
    pub fn error(&self, message: impl Into<String>) -> Error {
        Error::model(message).within(&self.place)
    }
}

/// A value as an error message shows it: short, whatever the file holds.
fn shown(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "missing".into(),
        Some(Value::Array(list)) => format!("a list of {}", list.len()),
        Some(Value::Object(values)) => format!("an object of {}", values.len()),
        Some(Value::String(text)) => format!("{:?}", text.chars().take(40).collect::<String>()),
        Some(other) => other.to_string(),
    }
}

fn is_off(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(values) => values.is_empty(),
        _ => false,
    }
}
