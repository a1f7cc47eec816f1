//! Drift for people.

use super::{number, table};
use crate::run::monitor::{Drift, LEAST};

/// The table, and what it says.
#[must_use]
pub fn render(drift: &Drift) -> String {
    let mut table =
        table::new(&["number", "release", "now", "families", "conversations", "p", ""], &[1, 2, 3, 4, 5]);
    for found in &drift.numbers {
        let unit = if found.name.starts_with("trait/") { "share" } else { "m'" };
        let value =
            |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| number::value(value, unit));
        table.add_row([
            found.name.clone(),
            value(found.release),
            value(found.now),
            found.clusters.0.to_string(),
            found.clusters.1.to_string(),
            number::probability(found.p),
            if found.drifted { "drifted".to_owned() } else { String::new() },
        ]);
    }
    let said = if drift.conversations < LEAST {
        format!("insufficient: {} conversations, at least {LEAST} are needed", drift.conversations)
    } else if drift.drifted() {
        "drift: look at what the users ask, then at the model".to_owned()
    } else {
        "no drift found".to_owned()
    };
    format!(
        "{} conversations against {}\n\n{}\n\n{said}\nwhere nothing changed, drift is raised in at most {:.0} % of checks (p after Holm, permutation of clusters)",
        drift.conversations,
        drift.release,
        table::text(&table),
        100.0 * drift.false_alarms
    )
}
