//! `leaderboard`: several runs in order, with what is known of their places.

use serde::Serialize;

use super::{
    args,
    compare::method,
    outputs::Reserved,
    stored::{self, Stored},
    terminal,
};
use crate::{
    compare::{
        Correction, MetricInfo, Side,
        rank::{Ranking, rank},
    },
    error::{Error, Result},
    exit::Exit,
    report,
    settings::Settings,
    suite::record::Record,
};

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Document<'a> {
    /// In the order given; rankings name them by place.
    runs: Vec<&'a str>,
    rankings: &'a [Ranking],
}

/// Ranks and reports.
pub(super) fn run(settings: &Settings, arguments: &args::Leaderboard) -> Result<Exit> {
    let page = Reserved::create(arguments.html.as_deref())?;
    let stored: Vec<Stored> =
        arguments.runs.iter().map(|run| stored::find(settings, run)).collect::<Result<_>>()?;
    let records: Vec<&Record> = stored.iter().map(|stored| &stored.record).collect();
    let mut metrics = records[0].directions();
    for record in &records[1..] {
        let others = record.directions();
        metrics.retain(|name, _| others.contains_key(name));
    }
    let undirected = |info: &MetricInfo| info.direction.is_none();
    if let Some(wanted) = arguments.metric.as_ref().filter(|name| metrics.get(*name).is_some_and(undirected))
    {
        return Err(Error::usage(format!(
            "--metric: no way of `{wanted}` is better, so no run has a place by it"
        ))
        .hint("it is part of a profile: realign compare says whether it changed"));
    }
    metrics.retain(|_, info| !undirected(info));
    let all = metrics.clone();
    if let Some(wanted) = &arguments.metric {
        metrics.retain(|name, _| name == wanted);
        if metrics.is_empty() {
            let known: Vec<&str> = all.keys().map(String::as_str).collect();
            return Err(Error::usage(format!("--metric: not all runs have `{wanted}`"))
                .hint(format!("they have {}", known.join(", "))));
        }
    }
    let values: Vec<Vec<_>> = records
        .iter()
        .map(|record| {
            record.items.iter().filter(|item| metrics.contains_key(&item.metric)).cloned().collect()
        })
        .collect();
    let sides: Vec<Side<'_>> =
        records.iter().zip(&values).map(|(record, values)| Side { values, ..record.side() }).collect();
    let names: Vec<&str> = records.iter().map(|record| record.name.as_str()).collect();
    let rankings = rank(&sides, &names, &metrics, method(Correction::Holm, None))?;
    if settings.json {
        terminal::print_json(&Document { runs: names, rankings: &rankings })?;
    } else {
        terminal::print(&report::leaderboard::render(&rankings, &records))?;
    }
    if let Some(page) = page {
        page.write(&report::html::leaderboard::page(&rankings, &records))?;
    }
    Ok(Exit::Done)
}
