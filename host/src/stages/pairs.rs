//! Stage 3, consistency data: the reference model answers the train families, and evaluators pair its answers.

use std::path::{Path, PathBuf};

use super::{Context, Stage, StageRecord, judged, record::Check};
use crate::{
    data::pairs::{self, Built, candidates::OpenBare, file::PairsFile, record::PairsRecord},
    error::{Error, Result},
    opening,
    persona::scenarios::Split,
    run::folder,
    suite::{
        load::{Selection, Suite},
        record::Metric,
        run::Means,
    },
    train::run::Notice,
    write::Output,
};

/// The file of pairs, in the stage's folder.
pub const PAIRS: &str = "pairs.jsonl";
/// Its record.
const RECORD: &str = "pairs.record.json";

/// Builds the pairs.
///
/// # Errors
/// Those of [`pairs::build`].
pub fn run(context: &mut Context<'_>) -> Result<StageRecord> {
    let mut record = StageRecord::new(Stage::Pairs, context.inputs.clone());
    let place = context.folder.stage(Stage::Pairs)?;
    let (file, suite) = settings(context, |_| {})?;
    let reference = context.reference();
    let built = build(context, &file, &suite, &reference, &place)?;
    record.artefacts.insert("pairs".into(), context.file_artefact(&place.join(PAIRS))?);
    record.artefacts.insert("record".into(), context.file_artefact(&place.join(RECORD))?);
    record.checks.push(enough(&built, context.thresholds.pairs));
    record.checks.push(covered(&built));
    record.metrics = gates(context, &built);
    for (reason, count) in &built.without {
        record.notes.push(format!("{count} of {} scenarios gave no pair: {reason}", built.scenarios));
    }
    Ok(record)
}

/// The configuration of pairs as this pipeline uses it, and the train families of its suite.
///
/// # Errors
/// Those of both files.
pub fn settings(context: &Context<'_>, change: impl FnOnce(&mut PairsFile)) -> Result<(PairsFile, Suite)> {
    let path = context.path(&context.file.pairs.config);
    let file = PairsFile::read(&path, |file| {
        file.model = None;
        file.held_out.clone_from(&context.file.held_out);
        file.deploy_prompt = Some(context.file.deploy_prompt);
        file.seed = context.file.seed.derive("pairs");
        change(file);
    })?;
    let selection = Selection {
        families: file.families,
        items: Some(0),
        deploy_prompt: file.deploy_prompt,
        split: Some(Split::Train),
        without_control: true,
        ..Selection::default()
    };
    let suite = Suite::load(&context.path(&context.file.suite), selection)?;
    file.check_against(&suite).map_err(|error| error.within(path.display()))?;
    Ok((file, suite))
}

/// Builds pairs with the answers of a model, and writes them and their record into `place`.
///
/// # Errors
/// Those of [`pairs::build`]; the files cannot be written.
pub fn build(
    context: &mut Context<'_>,
    file: &PairsFile,
    suite: &Suite,
    model: &realign_engine_abi::message::Load,
    place: &Path,
) -> Result<PairsRecord> {
    context.go_on()?;
    let path = context.path(&context.file.pairs.config);
    let mut backend = opening::files(context.settings, model)?;
    let (settings, base) = (context.settings, context.base);
    let mut without_adapters = || opening::files(settings, base);
    let adapted = model.adapters.len() > base.adapters.len();
    let unadapted = adapted.then_some(&mut without_adapters as &mut OpenBare<'_>);
    let mut means = Means { backend: &mut backend, sandbox: context.sandbox, store: context.store };
    let observer = &mut *context.observer;
    let built = pairs::build(file, &path, suite, unadapted, &mut means, &mut |stage, done, total| {
        observer(Notice::Stage(&format!("pairs: {stage}"), done, total));
    })?;
    write(built, &place.join(PAIRS), &place.join(RECORD))
}

/// Writes the pairs, then the record that names their digest.
fn write(built: Built, lines: &Path, record: &Path) -> Result<PairsRecord> {
    let Built { rows, record: mut found } = built;
    let bytes: Vec<u8> = rows
        .iter()
        .flat_map(|row| {
            let mut line = serde_json::to_vec(row).expect("a pair is JSON");
            line.push(b'\n');
            line
        })
        .collect();
    found.digests.insert("pairs".into(), crate::ids::Digest::of(&bytes));
    Output::create(lines)?.commit(&bytes)?;
    folder::put(record, &found)?;
    Ok(found)
}

fn enough(built: &PairsRecord, least: f64) -> Check {
    Check::of(
        format!("at least {least:.0} pairs"),
        built.pairs as f64 >= least,
        format!("{} pairs from {} scenarios", built.pairs, built.scenarios),
    )
}

/// Every trait differs between the sides of some pair, the right way round.
fn covered(built: &PairsRecord) -> Check {
    let bare: Vec<&str> =
        built.coverage.iter().filter(|(_, found)| found.toward == 0).map(|(name, _)| name.as_str()).collect();
    let evidence = if bare.is_empty() {
        format!("all {}", built.coverage.len())
    } else {
        format!("no consistent answer shows more of {}", bare.join(", "))
    };
    Check::of("every trait is covered", bare.is_empty(), evidence)
}

/// The numbers of the pairs, held against the pipeline's thresholds.
fn gates(context: &Context<'_>, built: &PairsRecord) -> Vec<Metric> {
    let asked = context.thresholds;
    let threshold = |name: &str| match name {
        "gap" => Some(asked.gap),
        "longer" => Some(asked.longer),
        "contrast" => Some(asked.separation),
        _ => None,
    };
    let gate = |metric: &Metric| match threshold(&metric.name) {
        Some(threshold) => judged::against(metric, threshold),
        None => metric.clone(),
    };
    built.metrics.iter().map(gate).collect()
}

/// A file of pairs that another stage reads.
///
/// # Errors
/// It is not there.
pub fn file_of(place: &Path) -> Result<PathBuf> {
    let path = place.join(PAIRS);
    if path.is_file() {
        return Ok(path);
    }
    Err(Error::bad_input(format!("no pairs: no file {}", path.display())))
}
