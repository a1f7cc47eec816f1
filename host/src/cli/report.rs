//! `report`: a stored run again, in the terminal, as a page, and for build servers.

use std::collections::BTreeMap;

use super::{
    args,
    outputs::{self, Outputs},
    stored, terminal,
};
use crate::{
    error::Result,
    exit::Exit,
    gates::GateFile,
    metrics::by_context::{ByContext, Observation, by_context},
    model::Sample,
    report::{self, checks},
    settings::Settings,
    suite::record::Record,
};

/// Reports what was stored. The run's own gates were for `eval`: the exit code follows a gate file alone.
pub(super) fn run(settings: &Settings, arguments: &args::Report) -> Result<Exit> {
    let stored = stored::find(settings, &arguments.run)?;
    let record = &stored.record;
    let args::Report { html, junit, summary, .. } = arguments;
    let outputs = Outputs::create(html.as_deref(), junit.as_deref(), summary.as_deref())?;
    let mut checks = checks::of_record(record);
    let mut exit = Exit::Done;
    if let Some(path) = &arguments.gates {
        let own = checks::of_file(&GateFile::read(path)?, record);
        let own = own.map_err(|error| error.within(path.display()))?;
        exit = outputs::exit(&own);
        checks = own;
    }
    if settings.json {
        terminal::print_json(record)?;
    } else {
        terminal::print(&report::record::render(record))?;
    }
    outputs.write(&record.suite, &record.name, &checks, || {
        let material = stored.material()?;
        let contexts = contexts(record, material.samples());
        Ok(report::html::run::page(material.of(record), &checks, &contexts))
    })?;
    Ok(exit)
}

/// The record's trait items with the context kinds of their samples.
fn contexts(record: &Record, samples: &[Sample]) -> ByContext {
    let kinds: BTreeMap<&str, &str> =
        samples.iter().map(|sample| (sample.id.as_str(), sample.kind.as_str())).collect();
    let observations: Vec<Observation<'_>> = record
        .items
        .iter()
        .filter_map(|item| {
            let trait_id = item.metric.strip_prefix("trait/")?;
            let kind = kinds.get(item.item.as_str())?;
            Some(Observation { trait_id, kind, family: &item.cluster, value: item.value })
        })
        .collect();
    let names = record.metrics.iter().map(|metric| metric.name.as_str());
    let order: Vec<&str> = names.filter_map(|name| name.strip_prefix("consistency/")).collect();
    by_context(&observations, &order)
}
