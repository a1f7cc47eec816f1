//! What a conversion did, as people read it.

use std::{collections::BTreeMap, fmt::Write as _};

use crate::data::convert::Conversion;

/// The whole report; `output` is where the rows went.
#[must_use]
pub fn render(found: &Conversion, output: &str) -> String {
    let form = serde_json::to_value(found.to).unwrap_or_default();
    let mut text = format!("{output}: {} rows as {}", found.rows, form.as_str().unwrap_or_default());
    for (what, fields) in [("kept in notes", &found.noted), ("dropped", &found.dropped)] {
        if !fields.is_empty() {
            let _ = write!(text, "\n{what}: {}", listed(fields));
        }
    }
    text
}

fn listed(fields: &BTreeMap<String, usize>) -> String {
    let listed: Vec<String> = fields.iter().map(|(name, rows)| format!("{name} ({rows} rows)")).collect();
    listed.join(", ")
}
