//! `history`: runs in the order in which they were made, each beside the first: checkpoints of a training, nights of a build.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    args,
    compare::method,
    outputs::Reserved,
    stored::{self, Stored},
    terminal,
};
use crate::{
    compare::{Comparison, Correction, Side, compare},
    error::{Error, Result},
    exit::Exit,
    model::Estimate,
    report,
    settings::Settings,
    store::{RunState, Store},
    suite::record::{Metric, Record},
};

/// One run, as `--json` lists it.
#[derive(Debug, Serialize)]
struct Entry<'a> {
    run: &'a str,
    /// What the run reports of every metric.
    values: BTreeMap<&'a str, Estimate>,
    /// Absent for the first.
    #[serde(skip_serializing_if = "Option::is_none", flatten)]
    since_first: Option<&'a Comparison>,
}

impl<'a> Entry<'a> {
    fn of(record: &'a Record, since_first: Option<&'a Comparison>) -> Self {
        let value = |metric: &'a Metric| Some((metric.name.as_str(), metric.estimate?));
        Self { run: &record.name, values: record.metrics.iter().filter_map(value).collect(), since_first }
    }
}

/// Compares and reports.
pub(super) fn run(settings: &Settings, arguments: &args::History) -> Result<Exit> {
    let page = Reserved::create(arguments.html.as_deref())?;
    let names = if arguments.runs.is_empty() { comparable(settings)? } else { arguments.runs.clone() };
    let stored: Vec<Stored> = names.iter().map(|run| stored::find(settings, run)).collect::<Result<_>>()?;
    let records: Vec<&Record> = stored.iter().map(|stored| &stored.record).collect();
    let Some((first, later)) = records.split_first().filter(|(_, later)| !later.is_empty()) else {
        return Err(Error::bad_input("a history needs two finished evaluations with the same instrument")
            .hint("list runs: realign runs"));
    };
    let mut metrics = first.directions();
    metrics.extend(later.iter().flat_map(|record| record.directions()));
    let sides: Vec<Side<'_>> = later.iter().map(|record| record.side()).collect();
    let comparisons = compare(&first.side(), &sides, &metrics, method(Correction::Holm, None), &[])?;
    let pairs: Vec<(&Record, &Comparison)> = later.iter().copied().zip(&comparisons).collect();
    let metric = arguments.metric.as_deref();
    if settings.json {
        let later = pairs.iter().map(|(record, comparison)| Entry::of(record, Some(comparison)));
        let first = Entry::of(first, None);
        terminal::print_json(&std::iter::once(first).chain(later).collect::<Vec<_>>())?;
    } else {
        terminal::print(&report::history::render(first, &pairs, metric))?;
    }
    if let Some(page) = page {
        page.write(&report::html::history::page(first, &pairs, metric))?;
    }
    Ok(Exit::Done)
}

/// Finished evaluations of the store that share the instrument of the newest one, oldest first.
fn comparable(settings: &Settings) -> Result<Vec<String>> {
    let store = Store::open_existing(&settings.store)?;
    let mut found: Vec<Record> = Vec::new();
    for run in store.list_runs()? {
        if run.state == RunState::Finished {
            // Other kinds of runs have other records; they have no part in this.
            found.extend(store.record_of::<Record>(&run.id).ok().flatten());
        }
    }
    let Some(newest) = found.last().map(|record| record.identity.instrument.clone()) else {
        return Ok(Vec::new());
    };
    found.retain(|record| record.identity.instrument == newest);
    Ok(found.into_iter().map(|record| record.name).collect())
}
