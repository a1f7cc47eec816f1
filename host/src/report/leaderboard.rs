//! Runs in order, metric by metric, with the places that they can have.

use super::{comparison::unit, number, table};
use crate::{
    compare::rank::{Ranked, Ranking},
    suite::record::Record,
};

/// What a place is.
pub(super) const PLACES: &str =
    "A place is what all pairs of runs leave possible, with 95 % confidence for all of them at once.";

/// The whole report; places in rankings are places in `records`.
#[must_use]
pub fn render(rankings: &[Ranking], records: &[&Record]) -> String {
    let mut parts = Vec::new();
    for ranking in rankings {
        let header = [ranking.metric.as_str(), "place", "value", "95 % interval", "n", "clusters"];
        let mut table = table::new(&header, &[1, 2, 3, 4, 5]);
        for ranked in &ranking.runs {
            let record = records[ranked.run];
            let unit = unit(record, &ranking.metric);
            let none = || "-".to_owned();
            table.add_row([
                record.name.clone(),
                place(ranked),
                ranked.estimate.map_or_else(none, |estimate| number::value(estimate.value, unit)),
                ranked.estimate.map_or_else(none, |estimate| number::interval(&estimate, unit)),
                ranked.estimate.map_or_else(none, |estimate| estimate.n.to_string()),
                ranked.estimate.map_or_else(none, |estimate| estimate.clusters.to_string()),
            ]);
        }
        parts.push(table::text(&table));
    }
    parts.push(PLACES.into());
    parts.join("\n\n")
}

/// The places that a run can have.
pub(super) fn place(ranked: &Ranked) -> String {
    if ranked.best == ranked.worst {
        ranked.best.to_string()
    } else {
        format!("{} to {}", ranked.best, ranked.worst)
    }
}
