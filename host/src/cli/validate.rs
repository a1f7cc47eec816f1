//! `validate`: suites, personas, tasks and gate files, checked with everything that they name, before a model is asked.

use std::{fs, path::Path};

use serde::Serialize;

use super::{args, terminal};
use crate::{
    error::{Error, Result},
    exit::Exit,
    gates::GateFile,
    persona::profile::Persona,
    read,
    sandbox::{Limits, Sandbox},
    settings::Settings,
    suite::{
        evaluators::Evaluators,
        load::{Selection, Suite},
    },
    tasks::{set::TaskSet, task::Options},
};

/// What was found in one file.
#[derive(Debug, Serialize)]
struct Finding<'a> {
    file: &'a Path,
    /// What kind of file it is and what it holds; absent where it cannot be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    holds: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

/// Checks every file, and ends as the first error would.
pub(super) fn run(settings: &Settings, arguments: &args::Validate) -> Result<Exit> {
    let mut exit = Exit::Done;
    let mut findings = Vec::with_capacity(arguments.files.len());
    for file in &arguments.files {
        let found = check(settings, file);
        if let Err(error) = &found
            && exit == Exit::Done
        {
            exit = error.exit();
        }
        findings.push(match found {
            Ok(holds) => Finding { file, holds: Some(holds), error: None, hint: None },
            Err(error) => Finding {
                file,
                holds: None,
                error: Some(error.to_string()),
                hint: error.advice().map(str::to_owned),
            },
        });
    }
    if settings.json {
        terminal::print_json(&findings)?;
        return Ok(exit);
    }
    let mut lines = Vec::new();
    for Finding { file, holds, error, hint } in &findings {
        lines.extend(holds.iter().map(|holds| format!("fine   {}: {holds}", file.display())));
        lines.extend(error.iter().map(|error| format!("wrong  {error}")));
        lines.extend(hint.iter().map(|hint| format!("       {hint}")));
    }
    terminal::print(&lines.join("\n"))?;
    Ok(exit)
}

/// One file: what it is follows from its ending and its keys.
fn check(settings: &Settings, file: &Path) -> Result<String> {
    let ending = file.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    match ending {
        "yaml" | "yml" => {
            let set = TaskSet::read(file, &Options::default())?;
            let documents = set.documents();
            if !set.groups.is_empty() {
                let tasks = set.tasks.len();
                return Ok(format!("group {}: tasks {tasks}, documents {documents}", set.name));
            }
            let metrics =
                set.tasks.iter().flat_map(|task| task.metrics.iter().map(|metric| metric.name.as_str()));
            let metrics = metrics.collect::<Vec<_>>().join(", ");
            Ok(format!("task {}: documents {documents}, metrics {metrics}", set.name))
        }
        "toml" => toml_file(settings, file),
        _ => Err(Error::usage(format!("{}: neither .toml nor .yaml", file.display()))
            .hint("suites, personas and gate files are TOML; lm-eval tasks are YAML")),
    }
}

fn toml_file(settings: &Settings, file: &Path) -> Result<String> {
    let keys: toml::Table = read::toml(file)?;
    if keys.contains_key("scenarios") && keys.contains_key("persona") {
        return suite(settings, file);
    }
    if keys.contains_key("traits") {
        let persona = Persona::read(file)?;
        let (traits, contexts) = (persona.traits.len(), persona.contexts.len());
        return Ok(format!("persona {}: traits {traits}, context kinds {contexts}", persona.name));
    }
    if keys.contains_key("gate") {
        return Ok(format!("gate file: gates {}", GateFile::read(file)?.gate.len()));
    }
    let known: Vec<&str> = keys.keys().map(String::as_str).collect();
    Err(Error::usage(format!(
        "{}: no suite, persona or gate file: it has {}",
        file.display(),
        known.join(", ")
    ))
    .hint("a suite has `persona` and `scenarios`, a persona `traits`, a gate file `gate`"))
}

/// With its data, and with its evaluators loaded, prepared and given their rows.
fn suite(settings: &Settings, file: &Path) -> Result<String> {
    let suite = Suite::load(file, Selection::default())?;
    let artefacts = settings.home.artefacts();
    // Checking leaves nothing behind where nothing is set up.
    let cache = fs::exists(&artefacts).unwrap_or(false).then_some(artefacts.as_path());
    let sandbox = Sandbox::new(cache, Limits::default())?;
    let evaluators = Evaluators::prepare(&suite, &sandbox).map_err(|error| error.within(file.display()))?;
    let items: usize = evaluators.items(&suite)?.iter().map(Vec::len).sum();
    let documents: usize = suite.tasks.iter().map(TaskSet::documents).sum();
    let tasks = if documents == 0 { String::new() } else { format!(", documents of tasks {documents}") };
    Ok(format!(
        "suite {}: scenarios {}, detectors {}, benchmarks {}, items {items}{tasks}",
        suite.file.name,
        suite.scenarios.len(),
        suite.file.detector.len(),
        suite.file.benchmark.len()
    ))
}
