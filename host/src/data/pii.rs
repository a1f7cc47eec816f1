//! Personal data in rows: found, located, masked, replaced.
//!
//! Every text in a row is looked through, whatever its field is called, and every number. What is found is shown with its
//! place and masked: the report never holds it. Redacted rows are written whole; a row without a find stays as it was, byte by
//! byte.

pub mod find;

use std::{collections::BTreeMap, path::Path};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use self::find::{Kind, find};
use crate::{
    error::Result,
    metrics::aggregate::mean_evidence,
    read,
    stats::by_cluster,
    suite::{persona_run::plain, record::Metric},
};

/// Version of the report; raised when an old reader would misread a new one.
pub const FORMAT: u32 = 1;

/// What was found in a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inspection {
    /// [`FORMAT`].
    pub format: u32,
    /// The file, as it was named.
    pub file: String,
    /// Rows.
    pub rows: usize,
    /// Share of rows with a find.
    pub share: Metric,
    /// Finds of each kind.
    pub counts: BTreeMap<Kind, usize>,
    /// Every find, in the order of the file.
    pub finds: Vec<Find>,
}

/// One find.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Find {
    /// 1-based line.
    pub line: usize,
    /// Field, as in `messages[1].content`.
    pub field: String,
    /// First byte in the field's text.
    pub start: usize,
    /// What it is.
    pub kind: Kind,
    /// What it looks like, without what it is.
    pub masked: String,
}

/// Looks through a file; the second result are its rows with every find replaced.
///
/// # Errors
/// Bad input naming file and line: what is no JSON object.
pub fn inspect(path: &Path) -> Result<(Inspection, Vec<u8>)> {
    let mut finds = Vec::new();
    let mut redacted = Vec::new();
    let mut flags = Vec::new();
    for (index, (raw, fields)) in read::lines::<Map<String, Value>>(path)?.into_iter().enumerate() {
        let before = finds.len();
        let mut row = Value::Object(fields);
        walk(&mut row, "", index + 1, &mut finds);
        let changed = finds.len() > before;
        flags.push((index.to_string(), f64::from(u8::from(changed))));
        redacted.extend(if changed { row.to_string() } else { raw }.into_bytes());
        redacted.push(b'\n');
    }
    let mut counts = BTreeMap::new();
    for find in &finds {
        *counts.entry(find.kind).or_default() += 1;
    }
    let values = flags.iter().map(|(row, flag)| (row.as_str(), *flag));
    let share = plain("rows".into(), "pii/1", mean_evidence(&by_cluster(values), None));
    let file = path.display().to_string();
    Ok((Inspection { format: FORMAT, file, rows: flags.len(), share, counts, finds }, redacted))
}

/// Finds and replaces in a value; `field` is where it stands.
fn walk(value: &mut Value, field: &str, line: usize, finds: &mut Vec<Find>) {
    match value {
        Value::Array(values) => {
            for (index, value) in values.iter_mut().enumerate() {
                walk(value, &format!("{field}[{index}]"), line, finds);
            }
        }
        Value::Object(fields) => {
            for (name, value) in fields.iter_mut() {
                let inside = if field.is_empty() { name.clone() } else { format!("{field}.{name}") };
                walk(value, &inside, line, finds);
            }
        }
        Value::String(text) => {
            if let Some(replaced) = replace(text, field, line, finds) {
                *text = replaced;
            }
        }
        Value::Number(number) => {
            if let Some(replaced) = replace(&number.to_string(), field, line, finds) {
                *value = Value::String(replaced);
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}

/// The text with every find replaced; `None` where there is none.
fn replace(text: &str, field: &str, line: usize, finds: &mut Vec<Find>) -> Option<String> {
    let spans = find(text);
    if spans.is_empty() {
        return None;
    }
    let mut replaced = String::new();
    let mut end = 0;
    for span in spans {
        let found = &text[span.range.clone()];
        finds.push(Find {
            line,
            field: field.to_owned(),
            start: span.range.start,
            kind: span.kind,
            masked: mask(span.kind, found),
        });
        replaced += &text[end..span.range.start];
        replaced += span.kind.token();
        end = span.range.end;
    }
    Some(replaced + &text[end..])
}

/// Letters and digits become stars. Of a long number its last two digits stay, of an address its first character and what
/// kind of domain it is: enough to find it in the row, too little to use it.
fn mask(kind: Kind, found: &str) -> String {
    let length = found.chars().count();
    let kept = |place: usize| match kind {
        Kind::Email => place == 0 || found.rfind('.').is_some_and(|dot| place > found[..dot].chars().count()),
        Kind::Card | Kind::Iban | Kind::Phone => place + 2 >= length,
        Kind::Ssn | Kind::Ip => false,
    };
    let star = |(place, character): (usize, char)| {
        if character.is_alphanumeric() && !kept(place) { '*' } else { character }
    };
    found.chars().enumerate().map(star).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_keeps_the_form_and_not_the_secret() {
        assert_eq!(mask(Kind::Email, "jo.doe@mail.harbor.co"), "j*.***@****.******.co");
        assert_eq!(mask(Kind::Card, "4111 1111 1111 1111"), "**** **** **** **11");
        assert_eq!(mask(Kind::Ssn, "536-90-4399"), "***-**-****");
        assert_eq!(mask(Kind::Phone, "(212) 736-5000"), "(***) ***-**00");
    }
}
