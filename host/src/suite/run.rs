//! The order of an evaluation: prepare, plan, respond, judge, measure, store.
//!
//! The plan is the identity of the run, written before the model is asked anything. What the model answers is
//! kept batch by batch, so a run that was killed finds its finished batches again and ends with the same record.

use std::collections::BTreeMap;

use serde_json::json;

use super::{
    benchmark_run::{self, check_failures},
    evaluators::Evaluators,
    file::DeployPrompt,
    identity,
    judge::Judge,
    load::Suite,
    persona_run::{self, PersonaResult},
    record::{FORMAT, Metric, Record},
    task_run, verify,
};
use crate::{
    compare::{Identity, ItemValue},
    engine::backend::Backend,
    error::Result,
    model::{Outcome, Sample},
    sandbox::{Item, Sandbox},
    store::{Begun, CellRecord, NewRun, RunId, Store},
};

/// Told what is being done and how far it is: stage, done, total.
pub type Observer<'a> = dyn FnMut(&str, usize, usize) + 'a;

/// Everything that an evaluation uses beside the suite.
pub struct Means<'a> {
    /// The model.
    pub backend: &'a mut Backend,
    /// Where evaluators run.
    pub sandbox: &'a Sandbox,
    /// Where results are kept.
    pub store: &'a Store,
}

/// What an evaluation gave, before it is a record.
#[derive(Debug, Default)]
pub struct Measured {
    /// The numbers.
    pub metrics: Vec<Metric>,
    /// What `compare` pairs.
    pub items: Vec<ItemValue>,
    /// Responses.
    pub samples: Vec<Sample>,
    /// What evaluators made of responses and items.
    pub cells: Vec<CellRecord>,
}

/// Evaluates a model with a suite and stores the run.
///
/// # Errors
/// Whatever [`Evaluators::prepare`], the engine or the store reports; exit 20 where evaluators failed on more
/// cells than the suite allows, after everything was stored.
pub fn run(suite: &Suite, name: &str, means: &mut Means<'_>, observer: &mut Observer<'_>) -> Result<Record> {
    let evaluators = prepare(suite, means)?;
    let identity = identity::of_suite(suite, &evaluators, means.sandbox.limits(), means.backend);
    // Before the model is asked anything: a bad row costs nothing then.
    let items = evaluators.items(suite)?;
    let run = begin(means.store, name, &suite.file.name, &identity)?;
    suite.asked.note(means.store, &run)?;
    let measured = measure(suite, &evaluators, &items, means, observer)?;
    let record = finish(means.store, &run, name, &suite.file.name, identity, &measured)?;
    check_failures(&measured.cells, suite.file.max_failed_share)?;
    Ok(record)
}

/// Everything that [`run`] computes, with its identity, and nothing stored: what a stored run is held against.
///
/// # Errors
/// As [`run`]; and exit 12 where the identity is not `expected`, before anything is computed.
pub fn again(
    suite: &Suite,
    expected: &Identity,
    means: &mut Means<'_>,
    observer: &mut Observer<'_>,
) -> Result<Measured> {
    let evaluators = prepare(suite, means)?;
    let identity = identity::of_suite(suite, &evaluators, means.sandbox.limits(), means.backend);
    verify::same_instrument(expected, &identity)?;
    measure(suite, &evaluators, &evaluators.items(suite)?, means, observer)
}

fn prepare(suite: &Suite, means: &Means<'_>) -> Result<Evaluators> {
    Evaluators::prepare(suite, means.sandbox).map_err(|error| error.within(suite.path.display()))
}

fn measure(
    suite: &Suite,
    evaluators: &Evaluators,
    items: &[Vec<Item>],
    means: &mut Means<'_>,
    observer: &mut Observer<'_>,
) -> Result<Measured> {
    let PersonaResult { samples, cells, metrics, items: values } =
        persona(suite, evaluators, means, observer)?;
    let mut measured = Measured { metrics, items: values, samples, cells };
    for ((benchmark, items), spec) in evaluators.benchmarks.iter().zip(items).zip(&suite.file.benchmark) {
        if items.is_empty() {
            continue;
        }
        let mut progress = |done, total| observer(&spec.id, done, total);
        let seed = suite.file.seed.derive(&spec.id);
        let system = suite.system(suite.file.deploy_prompt);
        let result =
            benchmark_run::run(benchmark, items, seed, system, means.backend, means.store, &mut progress)?;
        measured.metrics.extend(result.metrics);
        measured.items.extend(result.items);
        measured.cells.extend(result.cells);
    }
    for set in suite.tasks.iter().filter(|set| set.documents() > 0) {
        let mut progress = |done, total| observer(&set.name, done, total);
        let scope = format!("task/{}/", set.name);
        let system = suite.system(suite.file.deploy_prompt);
        let (backend, store) = (&mut *means.backend, means.store);
        if let Some(why) = task_run::beyond(set, system.as_ref(), backend) {
            measured.metrics.extend(task_run::unmeasured(set, &benchmark_run::beyond(&why)));
            continue;
        }
        let answers = task_run::answers(set, &scope, system.as_ref(), backend, store, &mut progress)?;
        let Measured { metrics, items, cells, .. } = task_run::measured(set, &answers);
        measured.metrics.extend(metrics);
        measured.items.extend(items);
        measured.cells.extend(cells);
    }
    Ok(measured)
}

/// Writes the plan, or finds the run that has it.
///
/// # Errors
/// Exit 2 where the name belongs to a run with another plan.
pub fn begin(store: &Store, name: &str, suite: &str, identity: &Identity) -> Result<RunId> {
    let plan = json!({ "format": FORMAT, "suite": suite, "identity": identity });
    let run = NewRun { name: name.into(), plan, identity: json!(identity) };
    let (id, begun) = store.begin_run(&run)?;
    match begun {
        Begun::New => store.append_event(&id, &"begun")?,
        Begun::Resumed => store.append_event(&id, &"resumed")?,
        Begun::Finished => {}
    }
    Ok(id)
}

fn persona(
    suite: &Suite,
    evaluators: &Evaluators,
    means: &mut Means<'_>,
    observer: &mut Observer<'_>,
) -> Result<PersonaResult> {
    if evaluators.detectors.is_empty() && evaluators.style.is_none() {
        return Ok(PersonaResult::default());
    }
    let prompt = suite.file.deploy_prompt;
    // Recorded responses are what they are: there is no model to ask again without the prompt.
    let wants_control = suite.control && prompt == DeployPrompt::Persona && !means.backend.made_elsewhere();
    let mut respond = |prompt, label: &str, observer: &mut Observer<'_>| -> Result<Vec<Sample>> {
        let mut progress = |done, total| observer(label, done, total);
        persona_run::respond(suite, prompt, means.backend, means.store, &mut progress)
    };
    let samples = respond(prompt, "responses", observer)?;
    let control = if wants_control { Some(respond(DeployPrompt::None, "control", observer)?) } else { None };
    let mut neutral = Vec::new();
    if evaluators.style.is_some() && !suite.neutral.is_empty() {
        let mut progress = |done, total| observer("neutral tasks", done, total);
        neutral = persona_run::neutral::respond(suite, means.backend, means.store, &mut progress)?;
    }
    let mut judge = Judge { means, seed: suite.file.seed, observer };
    persona_run::judge(suite, evaluators, samples, control.as_deref(), neutral, &mut judge)
}

/// Makes the record and stores it with what it was computed from.
///
/// # Errors
/// The store cannot be written, or the run is finished with other results.
pub fn finish(
    store: &Store,
    run: &RunId,
    name: &str,
    suite: &str,
    identity: Identity,
    measured: &Measured,
) -> Result<Record> {
    let Measured { metrics, items, samples, cells } = measured;
    let mut failures = BTreeMap::new();
    for cell in cells {
        if let Outcome::Failed(failure) = &cell.outcome {
            *failures.entry(format!("{}: {}", cell.evaluator, failure.code)).or_insert(0) += 1;
        }
    }
    let record = Record {
        format: FORMAT,
        id: run.to_string(),
        name: name.into(),
        suite: suite.into(),
        identity,
        metrics: metrics.clone(),
        items: items.clone(),
        failures,
    };
    store.put_samples(run, samples)?;
    store.put_cells(run, cells)?;
    store.put_record(run, &record)?;
    store.finish_run(run)?;
    Ok(record)
}
