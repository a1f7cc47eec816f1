//! `plugin`: list, inspect, build and lock evaluators.

use std::{fs, path::Path};

use serde::Serialize;

use super::{args, terminal};
use crate::{
    error::{Error, Result},
    exit::Exit,
    ids::Digest,
    plugins::{
        build,
        lock::{Lock, LockedPlugin},
        registry,
        toolchain::Toolchain,
    },
    report::table,
    sandbox::{Description, Evaluator, Kind, Limits, Sandbox},
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
        args::Plugin::List => list(settings),
        args::Plugin::Inspect { plugin } => inspect(settings, plugin),
        args::Plugin::Build { folder, output } => build(settings, folder, output),
        args::Plugin::Lock { folder } => lock(settings, folder),
    }
}

fn list(settings: &Settings) -> Result<Exit> {
    let mut shown = Vec::new();
    for id in registry::built_in() {
        shown.push(load(settings, id)?);
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
    let mut table = table::new(&["metric", "unit", "from", "to", "chance"], &[2, 3, 4]);
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| value.to_string());
    for metric in &description.metrics {
        let (low, high, chance) = (number(metric.low), number(metric.high), number(metric.chance));
        table.add_row([&metric.name, &metric.unit, &low, &high, &chance]);
    }
    let Description { id, version, summary, config_schema, .. } = description;
    terminal::print(&format!(
        "{id} {version}, {kind}: {summary}\n\nsha256  {sha256}\nbytes   {bytes}\nasks    {asks}\nimports log only\n\n{}\n\nconfig  {config_schema}",
        table::text(&table)
    ))?;
    Ok(Exit::Done)
}

fn build(settings: &Settings, folder: &Path, output: &Path) -> Result<Exit> {
    let place = Output::create(output)?;
    let component = build::componentize(&Toolchain::find()?.compile(folder)?)?;
    // What is written has been loaded once, so a component that the host would refuse never gets a name.
    let shown = describe(&component, &sandbox(settings)?.load(&component)?);
    place.commit(&component)?;
    if settings.json {
        terminal::print_json(&shown)?;
    } else {
        terminal::note(&format!("{}: {} bytes, sha256 {}", output.display(), shown.bytes, shown.sha256));
    }
    Ok(Exit::Done)
}

/// Describes every component of a folder in its `lock.toml`.
fn lock(settings: &Settings, folder: &Path) -> Result<Exit> {
    let sandbox = sandbox(settings)?;
    let place = Output::create(&folder.join("lock.toml"))?;
    let entries = fs::read_dir(folder).map_err(|error| Error::unreadable(folder, &error))?;
    let mut locked = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| Error::unreadable(folder, &error))?.path();
        if path.extension().is_none_or(|extension| extension != "wasm") {
            continue;
        }
        let wasm = fs::read(&path).map_err(|error| Error::unreadable(&path, &error))?;
        let evaluator = sandbox.load(&wasm).map_err(|error| error.within(path.display()))?;
        locked.push(LockedPlugin {
            id: evaluator.description().id.clone(),
            version: evaluator.description().version.clone(),
            kind: evaluator.kind(),
            file: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            sha256: evaluator.digest().clone(),
            size: wasm.len() as u64,
        });
    }
    let lock = Lock::new(locked);
    place.commit(lock.text().as_bytes())?;
    terminal::note(&format!("{}: {} components", folder.join("lock.toml").display(), lock.plugins.len()));
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
