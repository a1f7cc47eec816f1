//! `plugin`: begin, build, try, inspect, measure, list and lock evaluators, and what they are worth.

mod bench;
mod card;
mod lock;
mod test;

use std::path::Path;

use serde::Serialize;

use super::{args, terminal};
use crate::{
    error::Result,
    exit::Exit,
    ids::Digest,
    plugins::{contract, new, registry, source},
    report::table,
    sandbox::{Aggregation, Description, Direction, Evaluator, Kind, Limits, Sandbox},
    settings::Settings,
    write::Output,
};

/// A component, as `list` and `inspect` show it.
#[derive(Debug, Serialize)]
struct Shown {
    kind: Kind,
    sha256: Digest,
    bytes: usize,
    #[serde(flatten)]
    description: Description,
}

/// Does what was asked for.
pub(super) fn run(settings: &Settings, verb: &args::Plugin) -> Result<Exit> {
    match verb {
        args::Plugin::New { name, kind, lang } => begin(settings, name, *kind, *lang),
        args::Plugin::Build { folder, output } => build(settings, folder, output.as_deref()),
        args::Plugin::Test { plugin, cases, native } => {
            test::run(settings, plugin, cases.as_deref(), *native)
        }
        args::Plugin::Inspect { plugin } => inspect(settings, plugin),
        args::Plugin::Card(arguments) => card::run(settings, arguments),
        args::Plugin::Bench { plugin, cases } => bench::run(settings, plugin, cases.as_deref()),
        args::Plugin::List { folder } => list(settings, folder.as_deref()),
        args::Plugin::Lock { folder, check } => lock::run(settings, folder, *check),
    }
}

fn begin(settings: &Settings, name: &str, kind: Kind, language: new::Language) -> Result<Exit> {
    new::write(Path::new(name), name, kind, language)?;
    if settings.json {
        terminal::print_json(&serde_json::json!({ "folder": name }))?;
        return Ok(Exit::Done);
    }
    terminal::note(&format!("{name}: a {kind}; its README.md says how to build and try it"));
    Ok(Exit::Done)
}

fn build(settings: &Settings, folder: &Path, output: Option<&Path>) -> Result<Exit> {
    let named = output.map(Output::create).transpose()?;
    let built = source::build(folder)?;
    // What is written has been loaded once, so a component that the host would refuse never gets a name.
    let shown = describe(&built.component, &sandbox(settings)?.load(&built.component)?);
    let own = folder.join(&built.name).with_extension("wasm");
    let place = named.map_or_else(|| Output::create(&own), Ok)?;
    place.commit(&built.component)?;
    if settings.json {
        terminal::print_json(&shown)?;
    } else {
        let path = output.unwrap_or(&own).display();
        terminal::note(&format!("{path}: {} bytes, sha256 {}", shown.bytes, shown.sha256));
    }
    Ok(Exit::Done)
}

fn list(settings: &Settings, folder: Option<&Path>) -> Result<Exit> {
    let mut shown = Vec::new();
    match folder {
        None => {
            for id in registry::built_in() {
                shown.push(load(settings, id)?);
            }
        }
        Some(folder) => {
            for path in lock::components(folder)? {
                shown.push(load(settings, &path.display().to_string())?);
            }
        }
    }
    if settings.json {
        terminal::print_json(&shown)?;
        return Ok(Exit::Done);
    }
    let mut table = table::new(&["id", "version", "kind", "what it does"], &[]);
    for Shown { kind, description, .. } in &shown {
        table.add_row([&description.id, &description.version, &kind.to_string(), &description.summary]);
    }
    terminal::print(&table::text(&table))?;
    Ok(Exit::Done)
}

fn inspect(settings: &Settings, plugin: &str) -> Result<Exit> {
    let shown = load(settings, plugin)?;
    if settings.json {
        terminal::print_json(&shown)?;
        return Ok(Exit::Done);
    }
    let Shown { kind, sha256, bytes, description } = &shown;
    let asks = description.asks.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    let asks = if asks.is_empty() { "nothing" } else { &asks };
    let mut table =
        table::new(&["metric", "unit", "better", "from", "to", "chance", "over samples"], &[3, 4, 5]);
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| value.to_string());
    for metric in &description.metrics {
        let (low, high, chance) = (number(metric.low), number(metric.high), number(metric.chance));
        let better = match metric.direction {
            Direction::Higher => "higher",
            Direction::Lower => "lower",
        };
        let over = match metric.aggregation {
            Aggregation::Mean => "mean",
            Aggregation::RatioOfSums => "ratio of sums",
            Aggregation::Geometric => "geometric mean",
        };
        table.add_row([&metric.name, &metric.unit, better, &low, &high, &chance, over]);
    }
    let Description { id, version, summary, config_schema, .. } = description;
    let schema = serde_json::from_str::<serde_json::Value>(config_schema)
        .ok()
        .and_then(|schema| serde_json::to_string_pretty(&schema).ok())
        .unwrap_or_else(|| config_schema.clone());
    terminal::print(&format!(
        "{id} {version}, {kind}: {summary}\n\nsha256   {sha256}\nbytes    {bytes}\nworld    {}\nexports  realign:evaluator/{kind}\nimports  log only\nasks     {asks}\n\n{}\n\nconfig   {schema}",
        contract::world_name(*kind),
        table::text(&table)
    ))?;
    Ok(Exit::Done)
}

fn load(settings: &Settings, plugin: &str) -> Result<Shown> {
    let found = registry::find(plugin, Path::new(""))?;
    let evaluator = sandbox(settings)?.load(&found).map_err(|error| error.within(plugin))?;
    Ok(describe(&found, &evaluator))
}

fn sandbox(settings: &Settings) -> Result<Sandbox> {
    Sandbox::new(Some(&settings.home.artefacts()), Limits::default())
}

fn describe(wasm: &[u8], evaluator: &Evaluator) -> Shown {
    Shown {
        kind: evaluator.kind(),
        sha256: evaluator.digest().clone(),
        bytes: wasm.len(),
        description: evaluator.description().clone(),
    }
}
