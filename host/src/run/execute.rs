//! The stages in their order, and when to stop.

use std::path::{Path, PathBuf};

use realign_engine_abi::message::Load;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    file::{Mode, PipelineFile},
    folder::{self, Folder, ORIGIN, RECORD},
    journal::{Event, Journal},
    plan,
    record::{FORMAT, PipelineRecord},
};
use crate::{
    engine::{
        model_digest::{adapter_digest, file_digest},
        model_ref::ModelRef,
    },
    error::{Error, Result},
    ids::Digest,
    model::Verdict,
    sandbox::{Limits, Sandbox},
    settings::Settings,
    stages::{Context, Stage, StageRecord, context::adapter, optimise::KL},
    store::{NewRun, RunId, Store},
    train::run::{Notice, Observer},
};

/// What is to be run; what `resume` reads again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The pipeline file.
    pub pipeline: PathBuf,
    /// Instead of the file's own.
    pub name: Option<String>,
    /// Instead of the file's own.
    pub model: Option<String>,
    /// Instead of the file's own.
    pub mode: Option<Mode>,
}

/// Which stages.
#[derive(Debug, Clone, Copy)]
pub struct Range {
    /// Given up first and done again, with all that follow; what they had made is kept in `history`.
    pub from: Option<Stage>,
    /// The last one.
    pub until: Stage,
}

/// The name that a run goes by.
///
/// # Errors
/// The pipeline file cannot be read.
pub fn name(origin: &Origin) -> Result<String> {
    read(origin).map(|file| file.name)
}

/// The pipeline file with the command line's changes.
///
/// # Errors
/// It cannot be read.
pub fn read(origin: &Origin) -> Result<PipelineFile> {
    PipelineFile::read(&origin.pipeline, |file| {
        file.name = origin.name.clone().unwrap_or_else(|| file.name.clone());
        file.model = origin.model.clone().or(file.model.take());
        file.mode = origin.mode.unwrap_or(file.mode);
    })
}

/// Runs a pipeline in the folder `root`, going on from what is there.
///
/// # Errors
/// Configuration and data that cannot be right, before anything runs; what engine, sandbox and store report; exit 130
/// where it was asked to stop.
pub fn execute(
    settings: &Settings,
    origin: &Origin,
    root: &Path,
    range: Range,
    observer: &mut Observer<'_>,
) -> Result<PipelineRecord> {
    let file = read(origin)?;
    let here = origin.pipeline.parent().unwrap_or(Path::new("")).to_owned();
    let base = model(settings, &file, &origin.pipeline)?;
    let sandbox = Sandbox::new(Some(&settings.home.artefacts()), Limits::default())?;
    let plan = plan::plan(&file, &origin.pipeline, &base, &sandbox)?;
    let folder = Folder::open(root)?;
    folder.claim(&plan)?;
    folder::put(&folder.path(ORIGIN), &absolute(origin)?)?;
    let store = Store::open(&settings.store)?;
    let (run, _) = store.begin_run(&NewRun {
        name: file.name.clone(),
        plan: plan.clone(),
        identity: identity(&plan),
    })?;
    let journal = Journal::new(&store, &run);
    let digest = Digest::of_json(&plan);
    let known = journal.events()?;
    journal.add(&if known.is_empty() { Event::Begun { plan: digest.clone() } } else { Event::Resumed })?;
    if let Some(stage) = range.from {
        give_up(&folder, &journal, stage)?;
    }
    let mut context = Context {
        settings,
        file: &file,
        here: &here,
        thresholds: file.thresholds.thresholds(),
        name: &file.name,
        base: &base,
        folder: &folder,
        store: &store,
        sandbox: &sandbox,
        observer,
        done: Vec::new(),
        inputs: digest.clone(),
    };
    let mut stopped = false;
    for stage in Stage::ALL.into_iter().filter(|stage| *stage <= range.until) {
        context.inputs = inputs(&digest, &context.done);
        let record = match done(&folder, stage, &context.inputs)? {
            Some(record) => record,
            None => go(&mut context, stage, &journal)?,
        };
        // Killed between a record and its line in the journal, the line is added now.
        let decided = Event::Decided { stage, verdict: record.verdict(), record: record.digest() };
        if !journal.events()?.contains(&decided) {
            journal.add(&decided)?;
        }
        let stops = file.mode == Mode::Strict && stops(&record);
        context.done.push(record);
        if stops && stage != Stage::Release {
            journal.add_once(&Event::Stopped { stage })?;
            stopped = true;
            break;
        }
    }
    let stages = context.done;
    let last = stages.last().map_or(Stage::Sft, |record| record.stage);
    let not_reached = Stage::ALL.into_iter().filter(|stage| stopped && *stage > last).collect();
    let thresholds = file.thresholds.thresholds();
    let record = PipelineRecord {
        format: FORMAT,
        id: run.to_string(),
        name: file.name.clone(),
        plan: digest,
        file: PipelineFile { model: None, ..file },
        thresholds,
        stages,
        not_reached,
    };
    finish(&folder, &store, &run, &journal, &record)?;
    Ok(record)
}

/// The model that everything begins with.
fn model(settings: &Settings, file: &PipelineFile, path: &Path) -> Result<Load> {
    let Some(name) = &file.model else {
        return Err(Error::usage(format!("{}: model: no model is named", path.display()))
            .hint("add model = \"smollm2\", or give --model"));
    };
    ModelRef::parse(name, &settings.home)?.trainable(name)
}

/// The pipeline's path as another command in another folder finds it.
fn absolute(origin: &Origin) -> Result<Origin> {
    let pipeline =
        std::path::absolute(&origin.pipeline).map_err(|error| Error::unreadable(&origin.pipeline, &error))?;
    Ok(Origin { pipeline, ..origin.clone() })
}

/// A pipeline is not compared: its identity is its plan.
fn identity(plan: &Value) -> Value {
    serde_json::json!({ "plan": Digest::of_json(plan) })
}

/// Digest of the plan and of the records so far.
fn inputs(plan: &Digest, done: &[StageRecord]) -> Digest {
    Digest::of_json(&(plan, done.iter().map(StageRecord::digest).collect::<Vec<_>>()))
}

/// The record of a stage that is done: with the inputs that it has now, and everything that it made still as it was.
fn done(folder: &Folder, stage: Stage, inputs: &Digest) -> Result<Option<StageRecord>> {
    let Some(record) = folder.record(stage)? else { return Ok(None) };
    if record.inputs != *inputs {
        return Err(Error::bad_input(format!("{stage}: its record was made from other inputs"))
            .hint("do it again: realign run PIPELINE.toml --from N"));
    }
    for (name, artefact) in &record.artefacts {
        let path = folder.path(&artefact.path);
        let found = if path.is_dir() { adapter_digest(&adapter(path.clone()))? } else { file_digest(&path)? };
        if found != artefact.digest {
            return Err(Error::bad_input(format!(
                "{stage}: {name} has changed: {} has digest {}, its record says {}",
                path.display(),
                found.short(),
                artefact.digest.short()
            ))
            .hint("do it again: realign run PIPELINE.toml --from N"));
        }
    }
    Ok(Some(record))
}

/// Does a stage, and puts its record in place.
fn go(context: &mut Context<'_>, stage: Stage, journal: &Journal<'_>) -> Result<StageRecord> {
    context.go_on()?;
    journal.add_once(&Event::StageBegun { stage, inputs: context.inputs.clone() })?;
    (context.observer)(Notice::Note(stage.to_string()));
    let record = stage.run(context)?;
    context.folder.put_record(&record)?;
    (context.observer)(Notice::Note(format!(
        "{stage}: {}",
        record.verdict().map_or("done", crate::report::record::word)
    )));
    Ok(record)
}

/// Whether a strict run ends here. Stage 5 is the first pass of stage 6, which mends everything but an adapter over the
/// limit of divergence.
fn stops(record: &StageRecord) -> bool {
    let verdict = record.verdict();
    if record.stage == Stage::Optimise {
        return record.metric(KL).is_none_or(|metric| metric.verdict != Some(Verdict::Pass));
    }
    verdict.is_some_and(|verdict| verdict != Verdict::Pass)
}

/// Gives up a stage and all later ones.
fn give_up(folder: &Folder, journal: &Journal<'_>, stage: Stage) -> Result<()> {
    for before in Stage::ALL.into_iter().filter(|before| *before < stage) {
        if folder.record(before)?.is_none() {
            return Err(Error::usage(format!("--from {}: {before} is not done", stage.number()))
                .hint(format!("--from {} at most", before.number())));
        }
    }
    journal.add(&Event::RolledBack { stage })?;
    folder.roll_back(stage)
}

/// Stores the record of the run; a run whose release was decided is finished.
fn finish(
    folder: &Folder,
    store: &Store,
    run: &RunId,
    journal: &Journal<'_>,
    record: &PipelineRecord,
) -> Result<()> {
    folder::put(&folder.path(RECORD), record)?;
    store.put_record(run, record)?;
    if record.stages.len() == Stage::ALL.len() {
        journal.add_once(&Event::Finished { record: record.digest() })?;
    }
    Ok(())
}
