//! What a mixture holds, as people read it.

use std::fmt::Write as _;

use super::{number, table};
use crate::data::mix::Mixture;

/// The whole report; `output` is where the rows went.
#[must_use]
pub fn render(found: &Mixture, output: &str) -> String {
    let header = ["rows", "written", "share", "there were", "left out", "repeated", "families"];
    let mut table = table::new(&header, &[1, 2, 3, 4, 5, 6]);
    let all = found.persona.written + found.general.written;
    for (name, part) in [("persona", &found.persona), ("general", &found.general)] {
        let share = if all == 0 { 0.0 } else { part.written as f64 / all as f64 };
        table.add_row([
            name.to_owned(),
            part.written.to_string(),
            number::value(share, "share"),
            part.available.to_string(),
            part.left_out.len().to_string(),
            part.repeated.len().to_string(),
            part.families.to_string(),
        ]);
    }
    let mut text = table::text(&table);
    for (name, part) in [("persona", &found.persona), ("general", &found.general)] {
        if part.written < part.asked {
            let _ = write!(
                text,
                "\n{name}: {} rows were asked for, and whole families come no closer than {}",
                part.asked, part.written
            );
        }
    }
    let _ = write!(text, "\nwritten: {output}");
    text
}
