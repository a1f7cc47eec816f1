//! Personal data as people read of it: masked.

use std::fmt::Write as _;

use super::{pairs, table};
use crate::data::pii::{Inspection, find::Kind};

/// Most finds that are listed.
const MOST: usize = 30;

/// The whole report; `output` is where the redacted rows went.
#[must_use]
pub fn render(found: &Inspection, output: Option<&str>) -> String {
    let mut text = format!("{}\n\n", found.file);
    text += &pairs::measured_table("rows", [("with a find".to_owned(), &found.share)]);
    let counts: Vec<String> = Kind::ALL
        .iter()
        .filter_map(|kind| Some(format!("{} {}", found.counts.get(kind)?, name(*kind))))
        .collect();
    if !counts.is_empty() {
        let _ = write!(text, "\n\n{}\n", counts.join(", "));
        let mut table = table::new(&["line", "kind", "masked", "field", "byte"], &[4]);
        for find in found.finds.iter().take(MOST) {
            table.add_row([
                find.line.to_string(),
                name(find.kind).to_owned(),
                find.masked.clone(),
                find.field.clone(),
                find.start.to_string(),
            ]);
        }
        text += &table::text(&table);
        if found.finds.len() > MOST {
            let _ = write!(text, "\n{} more: --json lists all", found.finds.len() - MOST);
        }
    }
    if let Some(output) = output {
        let _ = write!(text, "\n\nwritten: {output}, with every find replaced");
    }
    text
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Iban => "IBAN",
        Kind::Card => "card",
        Kind::Ssn => "social security",
        Kind::Email => "e-mail",
        Kind::Ip => "IP address",
        Kind::Phone => "telephone",
    }
}
