//! The page of a leaderboard: every metric with the runs in order, their intervals, and the places that they can have.

use maud::{Markup, html};

use super::{
    Cell, Column, Page, Section, Table, Tone, badge,
    many::{drawing, runs},
};
use crate::{
    compare::rank::{Ranked, Ranking},
    report::{
        comparison::unit,
        forest::Row,
        leaderboard::{PLACES, place},
    },
    suite::record::Record,
};

/// The page as one file; places in rankings are places in `records`, of which there is at least one.
#[must_use]
pub fn page(rankings: &[Ranking], records: &[&Record]) -> String {
    let sections = vec![
        Section { id: "places", title: "Places", body: places(rankings, records) },
        Section { id: "runs", title: "Runs", body: runs(records) },
    ];
    let title = format!("{} runs", records.len());
    let subtitle = format!("suite {}", records[0].suite);
    let verdict = (badge(Tone::Plain, "places"), sentence(rankings, records));
    Page { title: &title, subtitle: &subtitle, verdict, sections, script: None }.render()
}

/// Who is proven to be first, metric by metric.
fn sentence(rankings: &[Ranking], records: &[&Record]) -> String {
    let first = |ranking: &Ranking| {
        let run = ranking.runs.iter().find(|ranked| ranked.worst == 1)?;
        Some(format!("{} on {}", records[run.run].name, ranking.metric))
    };
    let proven: Vec<String> = rankings.iter().filter_map(first).collect();
    if proven.is_empty() {
        format!("no run is proven to be first on any of {} metrics", rankings.len())
    } else {
        format!("proven to be first: {}; {} of {} metrics", proven.join(", "), proven.len(), rankings.len())
    }
}

fn places(rankings: &[Ranking], records: &[&Record]) -> Markup {
    html! {
        p.quiet { (PLACES) }
        @for ranking in rankings {
            h3 { (ranking.metric) }
            (one(ranking, records))
        }
    }
}

/// One metric: a drawing and a table, from the best value to the worst.
fn one(ranking: &Ranking, records: &[&Record]) -> Markup {
    let of = |ranked: &Ranked| unit(records[ranked.run], &ranking.metric);
    let drawn = |ranked: &Ranked| {
        let name = format!("{}  {}", place(ranked), records[ranked.run].name);
        ranked.estimate.map(|estimate| Row { name, estimate, beside: None, mark: None })
    };
    let row = |ranked: &Ranked| {
        vec![
            Cell::text(&records[ranked.run].name),
            Cell::Text(place(ranked)),
            Cell::estimate(ranked.estimate.as_ref(), of(ranked)),
            ranked.estimate.map_or(Cell::Absent, |estimate| Cell::count(estimate.n)),
            ranked.estimate.map_or(Cell::Absent, |estimate| Cell::count(estimate.clusters)),
        ]
    };
    let table = Table {
        caption: "Runs from the best value to the worst.",
        columns: &[
            Column::Text("run"),
            Column::Number("place"),
            Column::Number("value"),
            Column::Number("n"),
            Column::Number("clusters"),
        ],
        rows: ranking.runs.iter().map(row).collect(),
    };
    let rows: Vec<Row> = ranking.runs.iter().filter_map(drawn).collect();
    let unit = ranking.runs.first().map_or("", of);
    html! { (drawing(&ranking.metric, unit, None, &rows)) (table.markup()) }
}
