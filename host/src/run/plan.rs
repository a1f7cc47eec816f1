//! Everything that decides the result, before anything runs.
//!
//! The plan holds the pipeline, its thresholds, the digest of every file that it names, of the model, and of every
//! evaluator with its settings. What cannot be right is refused here, where it has cost nothing: a family in two splits, rows
//! of dev or test families among those that are trained on, a benchmark's items among them, an evaluator that is missing.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use realign_engine_abi::message::Load;
use serde_json::{Value, json};

use super::file::PipelineFile;
use crate::{
    data::{
        decontaminate::{decontaminate, source::Against},
        pairs::file::PairsFile,
    },
    engine::model_digest::{adapter_digest, file_digest, model_digest},
    error::{Error, Result},
    ids::Digest,
    persona::scenarios::Split,
    plugins::card::text,
    sandbox::Sandbox,
    stages::retained,
    suite::{
        evaluators::Evaluators,
        identity,
        load::{Selection, Suite},
    },
    train::{
        config::{Kind, Role, TrainFile},
        data,
    },
};

/// Makes the plan of the pipeline that was read from `path`.
///
/// # Errors
/// A file that cannot be read or does not fit the others; each names file and field.
pub fn plan(file: &PipelineFile, path: &Path, base: &Load, sandbox: &Sandbox) -> Result<Value> {
    let here = path.parent().unwrap_or(Path::new(""));
    let mut inputs = BTreeMap::new();
    let suite_path = here.join(&file.suite);
    let mut instrument = BTreeMap::new();
    for (split, name, families) in [
        (Split::Train, "train", None),
        (Split::Dev, "dev", file.evaluation.dev_families),
        (Split::Test, "test", file.evaluation.test_families),
    ] {
        let items = if split == Split::Train { Some(0) } else { file.evaluation.items };
        let selection = Selection {
            families,
            items,
            deploy_prompt: Some(file.deploy_prompt),
            split: Some(split),
            without_control: true,
            ..Selection::default()
        };
        let suite = Suite::load(&suite_path, selection)?;
        let evaluators =
            Evaluators::prepare(&suite, sandbox).map_err(|error| error.within(suite.path.display()))?;
        evaluators.items(&suite)?;
        if split == Split::Train {
            check_held_out(file, &suite).map_err(|error| error.within(path.display()))?;
            check_pairs(file, here, &suite, &mut inputs)?;
            retained::numbers(&suite)?;
        }
        instrument.insert(name, identity::instrument(&suite, &evaluators, sandbox.limits()));
    }
    for name in &file.definition.texts {
        put(&mut inputs, name, &here.join(name))?;
        text::read(&here.join(name))?;
    }
    let suite = Suite::load(&suite_path, Selection::default())?;
    let scenarios = suite.folder.join(&suite.file.scenarios);
    let against = Against::read(std::slice::from_ref(&suite_path))?;
    for name in [&file.sft.validation, &file.instrument.demonstrations] {
        let path = here.join(name);
        put(&mut inputs, name, &path)?;
        refuse_measured(&path, &against)?;
        data::refuse_held_out(&data::read_supervised(&path, Role::Persona)?, &scenarios)?;
    }
    let configs = file.sft.config.iter().map(|config| (Kind::Sft, config));
    for (kind, config) in configs.chain([(Kind::Preference, &file.optimise.config)]) {
        for rows in training(kind, config, here, &mut inputs)? {
            refuse_measured(&rows, &against)?;
        }
    }
    if let Some(adapter) = &file.sft.adapter {
        let adapter = realign_engine_abi::message::AdapterFile { folder: here.join(adapter), factor: 1.0 };
        inputs.insert("sft.adapter".into(), adapter_digest(&adapter)?);
    }
    let adapters = base.adapters.iter().map(adapter_digest).collect::<Result<Vec<_>>>()?;
    Ok(json!({
        "format": super::record::FORMAT,
        "kind": "pipeline",
        "file": PipelineFile { model: None, ..file.clone() },
        "thresholds": file.thresholds.thresholds(),
        "model": { "model": model_digest(&base.model)?, "adapters": adapters },
        "inputs": inputs,
        "instrument": instrument,
    }))
}

fn check_held_out(file: &PipelineFile, suite: &Suite) -> Result<()> {
    let unknown = |trait_id: &&String| !suite.file.detector.iter().any(|spec| spec.trait_id == **trait_id);
    match file.held_out.iter().find(unknown) {
        None => Ok(()),
        Some(unknown) => {
            Err(Error::usage(format!("held_out: the suite has no detector of a trait `{unknown}`")))
        }
    }
}

fn check_pairs(
    file: &PipelineFile,
    here: &Path,
    suite: &Suite,
    inputs: &mut BTreeMap<String, Digest>,
) -> Result<()> {
    let path = here.join(&file.pairs.config);
    let pairs = PairsFile::read(&path, |pairs| pairs.held_out.clone_from(&file.held_out))?;
    pairs.check_against(suite).map_err(|error| error.within(path.display()))?;
    put(inputs, &file.pairs.config, &path)
}

/// A training file and what it names; of `[[data]]` of a preference training only what the pipeline keeps. Gives the files of
/// rows that are trained on.
fn training(
    kind: Kind,
    config: &Path,
    here: &Path,
    inputs: &mut BTreeMap<String, Digest>,
) -> Result<Vec<PathBuf>> {
    let path = here.join(config);
    put(inputs, config, &path)?;
    let file = TrainFile::read(&path, kind, |_| {})?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let kept = file.data.iter().filter(|spec| kind == Kind::Sft || spec.role == Role::General);
    let mut named: Vec<&PathBuf> = kept.map(|spec| &spec.path).collect();
    let trained = named.iter().map(|name| folder.join(name)).collect();
    named.extend(&file.scenarios);
    named.extend(file.validation.as_ref().map(|validation| &validation.data));
    if let Some(kl) = &file.kl {
        named.extend(&kl.prompts);
        named.extend(&kl.anchors);
    }
    named.extend(file.watch.as_ref().map(|watch| &watch.suite));
    for name in named {
        put(inputs, name, &folder.join(name))?;
    }
    Ok(trained)
}

/// Refuses rows in which an item of the suite is found: what is trained on is not measured with.
fn refuse_measured(path: &Path, against: &Against) -> Result<()> {
    let rows = data::inspect(path)?;
    let found = decontaminate(path, &rows, against, 1.0, &mut |_, _| {});
    let Some(hit) = found.hits.first() else { return Ok(()) };
    Err(Error::bad_input(format!(
        "{} line {}: the suite measures with it ({} line {}); {} of {} rows are like that",
        path.display(),
        hit.line,
        hit.item.file,
        hit.item.line,
        found.hits.len(),
        rows.len()
    ))
    .hint("take them out: realign data decontaminate ROWS.jsonl --against SUITE.toml --output CLEAN.jsonl"))
}

fn put(inputs: &mut BTreeMap<String, Digest>, name: &Path, path: &Path) -> Result<()> {
    let digest = file_digest(path)?;
    let name = name.display().to_string();
    match inputs.insert(name.clone(), digest.clone()) {
        Some(other) if other != digest => Err(Error::usage(format!(
            "`{name}` names two files: {} and one beside another configuration",
            path.display()
        ))
        .hint("keep the files of a pipeline in one folder")),
        _ => Ok(()),
    }
}
