//! The seeds' tables, marked as what they are.

use std::fmt::Write as _;

use super::{number, table};
use crate::hardware::reported::Reported;

/// The whole report.
#[must_use]
pub fn render(reported: &Reported) -> String {
    let header = ["machine", "GFLOP/s", "per core", "examples/s", "batch", "share", "said to be for"];
    let mut table = table::new(&header, &[1, 2, 3, 4, 5]);
    for machine in &reported.machines {
        table.add_row([
            machine.name.clone(),
            number::rate(machine.gflops),
            number::rate(machine.gflops_per_core),
            format!("{:.2}", machine.examples_per_second),
            machine.batch_size.to_string(),
            number::value(machine.share, "share"),
            machine.recommended_for.clone(),
        ]);
    }
    let mut text = format!(
        "reported by the seeds: {}\nmeasured by nobody here, and never computed with\n\n{}\n\n\
         they contradict themselves:\n",
        reported.source,
        table::text(&table)
    );
    for contradiction in &reported.contradictions {
        let mut line = String::from("-");
        for word in contradiction.note.split(' ') {
            if line.chars().count() + 1 + word.chars().count() > 100 {
                let _ = writeln!(text, "{line}");
                line = String::from(" ");
            }
            line = line + " " + word;
        }
        let _ = writeln!(text, "{line}");
    }
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hardware::reported::reported;

    #[test]
    fn the_tables_are_marked_and_their_contradictions_named() {
        let text = render(&reported());
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
        insta::assert_snapshot!(text);
    }
}
