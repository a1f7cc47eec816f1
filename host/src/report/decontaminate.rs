//! Contaminated rows as people read them.

use std::fmt::Write as _;

use super::{number, pairs, table};
use crate::data::decontaminate::{Decontamination, index::Kind};

/// Most rows that are listed.
const MOST: usize = 20;

/// The whole report; `output` is where the remaining rows went.
#[must_use]
pub fn render(found: &Decontamination, output: Option<&str>) -> String {
    let mut text =
        format!("{} against {} items of {}\n\n", found.file, found.items, found.against.join(", "));
    text += &pairs::measured_table("rows", [("clean".to_owned(), &found.clean)]);
    if !found.hits.is_empty() {
        let _ = write!(text, "\n\n{} contaminated\n", found.hits.len());
        let mut table = table::new(&["line", "how", "score", "found in", "text"], &[2]);
        for hit in found.hits.iter().take(MOST) {
            let others = if hit.others > 0 { format!(" and {} more", hit.others) } else { String::new() };
            table.add_row([
                format!("{} {}", hit.line, hit.part),
                kind(hit.kind).to_owned(),
                number::value(hit.score, ""),
                format!("{}:{}{others}", hit.item.file, hit.item.line),
                hit.text.clone(),
            ]);
        }
        text += &table::text(&table);
        if found.hits.len() > MOST {
            let _ = write!(text, "\n{} more: --json lists all", found.hits.len() - MOST);
        }
    }
    let _ = write!(text, "\n\n{}", found.clean.reason);
    if let Some(output) = output {
        let _ = write!(text, "\nwritten: {output}, without them");
    }
    text
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Exact => "same words",
        Kind::Ngram => "its runs of words",
        Kind::Contains => "has the item's runs",
        Kind::Near => "resembles",
    }
}
