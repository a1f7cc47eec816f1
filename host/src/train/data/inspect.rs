//! Rows that are looked at before anybody learns from them: somebody else's, perhaps.
//!
//! The forms are those of training, and so is the code that reads them. Three things are kept here that training refuses,
//! because a report can say more about them than an error: fields that belong to no form, empty texts, and pairs whose sides
//! are equal. A row of no form is an error here, too.

use std::path::Path;

use serde_json::{Map, Value};

use super::{Faults, Line, Row, pairs::Pair, supervised::Supervised};
use crate::{
    error::{Error, Result},
    read,
    train::config::Role,
};

/// Fields by which a row is a pair.
const OF_PAIRS: [&str; 5] =
    ["chosen", "rejected", "scenario", "consistent_response", "inconsistent_response"];

/// A row with what training has no use for.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The row. Without an id of its own it has file name and line for one.
    pub row: Row,
    /// 1-based line.
    pub line: usize,
    /// The line as it was written.
    pub raw: String,
    /// The id that the row brought with it.
    pub id: Option<String>,
    /// Trait that a pair is about, as the seeds' form names it.
    pub trait_id: Option<String>,
    /// Whatever the writer noted.
    pub notes: Option<Value>,
    /// Fields that belong to no form.
    pub extra: Map<String, Value>,
}

/// Another name for a field: ours, and theirs as a path of names with dots between.
pub type Alias = (String, String);

/// Reads pairs and supervised rows alike.
///
/// # Errors
/// Bad input naming file, line and field: what is not JSON, a row of no form or of two, a field of the wrong type.
pub fn inspect(path: &Path) -> Result<Vec<Found>> {
    inspect_as(path, &[])
}

/// As [`inspect()`], where fields have other names.
///
/// # Errors
/// As [`inspect()`], and where a row lacks a field that has another name, or has both.
pub fn inspect_as(path: &Path, aliases: &[Alias]) -> Result<Vec<Found>> {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let mut rows = Vec::new();
    for (index, (raw, mut fields)) in read::lines::<Map<String, Value>>(path)?.into_iter().enumerate() {
        let line = index + 1;
        let place = format!("{} line {line}", path.display());
        for (ours, theirs) in aliases {
            rename(&mut fields, ours, theirs).map_err(|error| error.within(&place))?;
        }
        fields.retain(|_, value| !value.is_null());
        let is_pair = OF_PAIRS.iter().any(|field| fields.contains_key(*field));
        let parts = if is_pair { parts::<Pair>(fields) } else { parts::<Supervised>(fields) };
        let Parts { mut row, trait_id, notes, extra } = parts.map_err(|error| error.within(&place))?;
        let id = (!row.id.is_empty()).then(|| row.id.clone());
        if id.is_none() {
            row.id = format!("{name}:{line}");
        }
        row.place = place;
        rows.push(Found { row, line, raw, id, trait_id, notes, extra });
    }
    Ok(rows)
}

/// Rows as lines, each as it was written.
#[must_use]
pub fn as_written<'a>(rows: impl IntoIterator<Item = &'a Found>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for found in rows {
        bytes.extend(found.raw.as_bytes());
        bytes.push(b'\n');
    }
    bytes
}

struct Parts {
    row: Row,
    trait_id: Option<String>,
    notes: Option<Value>,
    extra: Map<String, Value>,
}

fn parts<L: Line>(fields: Map<String, Value>) -> Result<Parts> {
    let (mut known, extra): (Map<_, _>, Map<_, _>) =
        fields.into_iter().partition(|(name, _)| L::FIELDS.contains(&name.as_str()));
    // Other people number their rows.
    for name in ["id", "family"] {
        if let Some(Value::Number(number)) = known.get(name) {
            let text = number.to_string();
            known.insert(name.into(), Value::String(text));
        }
    }
    let trait_id = known.get("trait").and_then(Value::as_str).map(str::to_owned);
    let notes = known.get("notes").cloned();
    let line: L = serde_json::from_value(Value::Object(known.clone()))
        .map_err(|error| Error::bad_input(error.to_string()).within(culprit::<L>(&known)))?;
    let chosen_by = line.chosen_by();
    let (id, family, content) = line.parts(Faults::Kept)?;
    let row = Row {
        id: id.unwrap_or_default(),
        place: String::new(),
        family,
        role: Role::Persona,
        chosen_by,
        content,
    };
    Ok(Parts { row, trait_id, notes, extra })
}

fn rename(fields: &mut Map<String, Value>, ours: &str, theirs: &str) -> Result<()> {
    let missing = || Error::bad_input(format!("{theirs}: missing"));
    let found = match theirs.rsplit_once('.') {
        None => fields.remove(theirs).ok_or_else(missing)?,
        Some((path, name)) => {
            let mut names = path.split('.');
            let first = names.next().and_then(|first| fields.get_mut(first));
            let inside = names.try_fold(first, |value, name| Some(value?.get_mut(name)));
            let inside = inside.flatten().and_then(Value::as_object_mut);
            inside.and_then(|inside| inside.remove(name)).ok_or_else(missing)?
        }
    };
    match fields.insert(ours.into(), found) {
        None => Ok(()),
        Some(_) => Err(Error::bad_input(format!("{ours}: the row has it beside {theirs}"))),
    }
}

/// The first field that by itself does not fit; serde names what is wrong with a value, but not whose value it is.
fn culprit<L: Line>(fields: &Map<String, Value>) -> &str {
    let alone = |(name, value): (&String, &Value)| {
        let field: Map<String, Value> = [(name.clone(), value.clone())].into_iter().collect();
        serde_json::from_value::<L>(Value::Object(field)).is_err()
    };
    fields.iter().find(|field| alone(*field)).map_or("row", |(name, _)| name)
}
