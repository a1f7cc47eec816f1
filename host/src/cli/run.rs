//! `run`, `resume`, `status`: the seven stages.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{args, interrupt, terminal};
use crate::{
    error::{Error, Result},
    exit::Exit,
    model::Verdict,
    report,
    run::{
        execute::{self, Origin, Range},
        folder::{self, ORIGIN, RECORD},
        journal::{Event, Journal},
        record::PipelineRecord,
    },
    settings::Settings,
    stages::Stage,
    store::Store,
    train::{outcome::Frontier, run::Notice},
    write::Output,
};

/// The page, in the folder of a run.
const PAGE: &str = "report.html";
/// Where runs lie unless the user says otherwise.
const RUNS: &str = ".realign/run";

/// Runs a pipeline.
pub(super) fn run(settings: &Settings, arguments: &args::Run) -> Result<Exit> {
    let origin = Origin {
        pipeline: arguments.pipeline.clone(),
        name: arguments.name.clone(),
        model: arguments.model.clone(),
        mode: arguments.mode,
    };
    let root = match &arguments.output {
        Some(root) => root.clone(),
        None => Path::new(RUNS).join(execute::name(&origin)?),
    };
    let range = Range {
        from: arguments.from.and_then(Stage::of),
        until: Stage::of(arguments.until).unwrap_or(Stage::Release),
    };
    go(settings, &origin, &root, range)
}

/// Goes on with a run.
pub(super) fn resume(settings: &Settings, arguments: &args::Resume) -> Result<Exit> {
    let root = find(&arguments.run)?;
    let origin: Option<Origin> = folder::json(&root.join(ORIGIN))?;
    let origin = origin.ok_or_else(|| unknown(&arguments.run))?;
    go(settings, &origin, &root, Range { from: None, until: Stage::Release })
}

fn go(settings: &Settings, origin: &Origin, root: &Path, range: Range) -> Result<Exit> {
    let settings = &settings.stopped_by(interrupt::listen()?);
    let bar = terminal::training_bar();
    let observer = &mut |notice: Notice<'_>| match notice {
        Notice::Step { line, total } => terminal::show_step(&bar, line, total),
        Notice::Stage(stage, done, total) => {
            bar.set_message(String::new());
            bar.set_prefix(stage.to_owned());
            terminal::advance(&bar, done, total);
        }
        Notice::Note(text) => bar.suspend(|| terminal::note(&text)),
    };
    let record = execute::execute(settings, origin, root, range, observer);
    bar.finish_and_clear();
    let record = record?;
    page(&record, root)?;
    show(settings, &record, root)?;
    Ok(exit(&record))
}

fn show(settings: &Settings, record: &PipelineRecord, root: &Path) -> Result<()> {
    if settings.json {
        terminal::print_json(&Document { verdict: record.verdict(), record })
    } else {
        terminal::print(&report::pipeline::render(record, &root.display().to_string()))
    }
}

/// Writes the page of a run into its folder.
fn page(record: &PipelineRecord, root: &Path) -> Result<()> {
    let mut frontiers = Vec::new();
    for stage in record.stages.iter().filter(|stage| [Stage::Optimise, Stage::Iterate].contains(&stage.stage))
    {
        let training = stage.artefacts.get("adapter").and_then(|adapter| adapter.path.parent());
        let Some(training) = training else { continue };
        let name = training.display().to_string();
        if frontiers.iter().any(|(known, _)| *known == name) {
            continue;
        }
        frontiers.extend(Frontier::read(&root.join(training))?.map(|found| (name, found)));
    }
    Output::create(&root.join(PAGE))?.commit(report::html::pipeline::page(record, &frontiers).as_bytes())
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Document<'a> {
    verdict: Option<Verdict>,
    #[serde(flatten)]
    record: &'a PipelineRecord,
}

/// The run's verdict, or that of its last stage where it was not to go further.
fn exit(record: &PipelineRecord) -> Exit {
    let last = record.stages.last().and_then(crate::stages::StageRecord::verdict);
    match record.verdict().or(last) {
        None | Some(Verdict::Pass) => Exit::Done,
        Some(Verdict::Fail) => Exit::Failed,
        Some(_) => Exit::Inconclusive,
    }
}

/// Shows a run as it stands.
pub(super) fn status(settings: &Settings, arguments: &args::Status) -> Result<Exit> {
    let root = find(&arguments.run)?;
    let record: Option<PipelineRecord> = folder::json(&root.join(RECORD))?;
    let origin: Option<Origin> = folder::json(&root.join(ORIGIN))?;
    let origin = origin.ok_or_else(|| unknown(&arguments.run))?;
    let store = Store::open_existing(&settings.store)?;
    let run = store.find_run(&execute::name(&origin)?)?;
    let events = Journal::new(&store, &run.id).events()?;
    if settings.json {
        terminal::print_json(&StatusDocument { name: &run.name, record: record.as_ref(), events: &events })?;
        return Ok(Exit::Done);
    }
    if let Some(record) = &record {
        terminal::print(&report::pipeline::render(record, &root.display().to_string()))?;
    }
    terminal::print(&report::pipeline::journal(&events))?;
    Ok(Exit::Done)
}

/// What `status --json` prints.
#[derive(Debug, Serialize)]
struct StatusDocument<'a> {
    name: &'a str,
    record: Option<&'a PipelineRecord>,
    events: &'a [Event],
}

/// The folder of a run: a path, or a name.
pub(super) fn find(run: &str) -> Result<PathBuf> {
    [PathBuf::from(run), Path::new(RUNS).join(run)]
        .into_iter()
        .find(|path| path.join(ORIGIN).is_file())
        .ok_or_else(|| unknown(run))
}

pub(super) fn unknown(run: &str) -> Error {
    Error::bad_input(format!("no pipeline run {run:?}: no {ORIGIN} in {run} or in {RUNS}/{run}"))
        .hint("begin one: realign run PIPELINE.toml")
}
