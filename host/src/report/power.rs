//! What a suite can see, as a table.

use super::{number, table};
use crate::suite::power::Sight;

/// The whole report.
#[must_use]
pub fn render(suite: &str, sights: &[Sight]) -> String {
    let header = ["metric", "items", "clusters", "shows a change of", "proves kept"];
    let mut table = table::new(&header, &[1, 2, 3, 4]);
    for sight in sights {
        let unknown = if sight.clusters < 2 { "nothing: too few clusters" } else { "known after a run" };
        let shown = sight.least.zip(sight.most).map_or_else(
            || unknown.to_owned(),
            |(least, most)| {
                if sight.items == sight.clusters {
                    number::value(least, "share")
                } else {
                    number::span(least, most, "share")
                }
            },
        );
        let kept = sight.unlost.map_or_else(|| "-".to_owned(), |kept| number::value(kept, "share"));
        let (items, clusters) = (sight.items.to_string(), sight.clusters.to_string());
        table.add_row([sight.metric.clone(), items, clusters, shown, kept]);
    }
    format!(
        "{suite}: what a comparison of two runs can see\n\n{}\n\n\
         The smallest difference of shares that 80 of 100 comparisons show where 10 % of the items change,\n\
         before the correction over metrics: the first number if items change each by themselves, the\n\
         second if all of a cluster change together. Proven to be kept, if no item changes, is what so many\n\
         clusters say that might be lost whole: retention asks for 95 %, which 59 of one size prove.",
        table::text(&table)
    )
}
