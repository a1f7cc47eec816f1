//! Stage 3, consistency data: the reference model answers the train families, evaluators pair its answers, and the pairs
//! are validated like anybody's.
//!
//! What only the builder knows comes from its record: whether held-out evaluators tell the two sides apart (`contrast`), and
//! how the choice went. Everything else comes from [`validate()`], which reads the file again as it was written.

use std::path::{Path, PathBuf};

use realign_engine_abi::message::Load;

use super::{Context, Stage, StageRecord, judged, record::Check};
use crate::{
    data::{
        decontaminate::source::Against,
        ifd::ifd,
        pairs::{self, Built, candidates::OpenBare, file::PairsFile, record::PairsRecord},
        pii,
        validate::{
            Request, Validation,
            check::{Check as Found, Finding},
            validate,
        },
    },
    engine::backend::Backend,
    error::{Error, Result},
    exit::Exit,
    model::{Direction, Verdict},
    opening,
    persona::scenarios::Split,
    run::folder,
    suite::{
        load::{Selection, Suite},
        persona_run::plain,
        record::Metric,
        run::Means,
    },
    train::{
        data::{Found as Row, inspect},
        run::Notice,
    },
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
    // Opened once: building, validating and reading the pairs all ask the same model.
    let load = context.reference();
    let mut reference = opening::files(context.settings, &load)?;
    let built = build(context, (&file, &suite), (&load, &mut reference), &place)?;
    record.artefacts.insert("pairs".into(), context.file_artefact(&place.join(PAIRS))?);
    record.artefacts.insert("record".into(), context.file_artefact(&place.join(RECORD))?);
    let rows = inspect(&place.join(PAIRS))?;
    let validated = check(context, &suite, &mut reference, (&place, &rows))?;
    record.checks = validated.checks.iter().filter_map(counted).collect();
    record.metrics = validated.checks.iter().filter_map(measured).collect();
    record.metrics.extend(gates(context, &built));
    beside(context, &mut reference, (&place, &rows), &mut record)?;
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

/// Builds pairs with the answers of a model, opened as `backend`, and writes them and their record into `place`.
///
/// # Errors
/// Those of [`pairs::build`]; the files cannot be written.
pub fn build(
    context: &mut Context<'_>,
    (file, suite): (&PairsFile, &Suite),
    (model, backend): (&Load, &mut Backend),
    place: &Path,
) -> Result<PairsRecord> {
    context.go_on()?;
    let path = context.path(&context.file.pairs.config);
    let (settings, base) = (context.settings, context.base);
    let mut without_adapters = || opening::files(settings, base);
    let adapted = model.adapters.len() > base.adapters.len();
    let unadapted = adapted.then_some(&mut without_adapters as &mut OpenBare<'_>);
    let mut means = Means { backend, sandbox: context.sandbox, store: context.store };
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

/// Validates the pairs as they lie in `place`, with the reference model.
fn check(
    context: &mut Context<'_>,
    suite: &Suite,
    reference: &mut Backend,
    (place, rows): (&Path, &[Row]),
) -> Result<Validation> {
    context.go_on()?;
    let path = place.join(PAIRS);
    let against = Against::read(&[context.path(&context.file.suite)])?;
    let request = Request {
        profile: context.file.thresholds,
        least_pairs: None,
        suite: Some(suite),
        held_out: context.file.held_out.clone(),
        against: Some(&against),
        shift: true,
    };
    let mut means = Means { backend: reference, sandbox: context.sandbox, store: context.store };
    let observer = &mut *context.observer;
    validate(&path, rows, &request, Some(&mut means), &mut |stage, done, total| {
        observer(Notice::Stage(&format!("pairs, validated: {stage}"), done, total));
    })
}

/// What decides nothing and a reader wants to know: the share of rows with personal data, and by how much the conversation makes
/// the chosen answer likelier.
fn beside(
    context: &mut Context<'_>,
    reference: &mut Backend,
    (place, rows): (&Path, &[Row]),
    record: &mut StageRecord,
) -> Result<()> {
    let path = place.join(PAIRS);
    let (found, _) = pii::inspect(&path)?;
    record.metrics.push(Metric {
        name: "personal-data".into(),
        direction: Some(Direction::Lower),
        ..found.share
    });
    let (store, observer) = (context.store, &mut *context.observer);
    let mut progress = |done, total| observer(Notice::Stage("pairs: difficulty", done, total));
    match ifd(&path, rows, reference, store, &mut progress) {
        Ok(found) => {
            record.metrics.push(Metric { name: "ifd".into(), ..found.nll.mean });
            record.metrics.push(Metric { name: "ifd-above-one".into(), ..found.above_one });
        }
        // A template without an opening of the assistant's turn, an answer that is certain by itself.
        Err(error) if matches!(error.exit(), Exit::Usage | Exit::BadInput) => {
            record.notes.push(format!("the difficulty of the pairs is not known: {error}"));
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

/// What was counted of the pairs, where it decides something.
fn counted(check: &Found) -> Option<Check> {
    let Finding::Count { count, of, limit } = check.found else { return None };
    let verdict = check.verdict?;
    let what = match check.name.as_str() {
        "pairs" => format!("at least {} pairs", limit.unwrap_or_default()),
        "coverage" => "every trait is taught by some pair".into(),
        "one-class" => "neither side is one text throughout".into(),
        "duplicates" => "no pair twice".into(),
        name => format!("no {name} pairs"),
    };
    let number = if check.name == "pairs" { count.to_string() } else { format!("{count} of {of}") };
    let evidence = if check.reason.is_empty() { number } else { format!("{number}: {}", check.reason) };
    Some(Check { what, verdict, evidence })
}

/// What was measured of them.
fn measured(check: &Found) -> Option<Metric> {
    match &check.found {
        Finding::Measured(metric) => Some((**metric).clone()),
        Finding::Nothing if check.verdict == Some(Verdict::Insufficient) => Some(Metric {
            verdict: check.verdict,
            reason: check.reason.clone(),
            ..plain(check.name.clone(), "", None)
        }),
        _ => None,
    }
}

/// What only the builder knows: the contrast of the two sides, held against the pipeline's threshold, and every evaluator
/// by itself.
fn gates(context: &Context<'_>, built: &PairsRecord) -> Vec<Metric> {
    let own = built.metrics.iter().filter(|metric| !["gap", "longer"].contains(&metric.name.as_str()));
    let gate = |metric: &Metric| match metric.name.as_str() {
        "contrast" => judged::against(metric, context.thresholds.separation),
        _ => metric.clone(),
    };
    own.map(gate).collect()
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
