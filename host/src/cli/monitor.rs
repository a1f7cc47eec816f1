//! `monitor`: new transcripts against what a release showed.

use std::path::Path;

use super::{args, run as pipeline, terminal};
use crate::{
    engine::model_ref::ModelRef,
    error::{Error, Result},
    exit::Exit,
    opening, report,
    run::{
        execute::{self, Origin},
        folder::{self, ORIGIN},
        monitor::{self, LEAST},
    },
    sandbox::{Limits, Sandbox},
    settings::Settings,
    stages::release,
    store::Store,
    suite::{
        load::{Selection, Suite},
        record::Record,
        run::Means,
    },
};

/// Judges them.
pub(super) fn run(settings: &Settings, arguments: &args::Monitor) -> Result<Exit> {
    let root = pipeline::find(&arguments.run)?;
    let origin: Option<Origin> = folder::json(&root.join(ORIGIN))?;
    let origin = origin.ok_or_else(|| pipeline::unknown(&arguments.run))?;
    let file = execute::read(&origin)?;
    let store = Store::open_existing(&settings.store)?;
    let name = format!("{}-{}", file.name, release::RELEASE);
    let found = store.find_run(&name).map_err(|error| error.hint("the pipeline has not reached stage 7"))?;
    let released: Option<Record> = store.record_of(&found.id)?;
    let released = released
        .ok_or_else(|| Error::bad_input(format!("run {name} is not finished")).hint("realign resume"))?;
    let suite = origin.pipeline.parent().unwrap_or(Path::new("")).join(&file.suite);
    let selection = Selection {
        items: Some(0),
        deploy_prompt: Some(file.deploy_prompt),
        without_control: true,
        ..Selection::default()
    };
    let suite = Suite::load(&suite, selection)?;
    let sandbox = Sandbox::new(Some(&settings.home.artefacts()), Limits::default())?;
    // Evaluators may ask the model; which one answers was part of what the release was measured with.
    let model = file.model.ok_or_else(|| Error::usage("the run names no model"))?;
    let mut backend = opening::open(settings, &ModelRef::parse(&model, &settings.home)?)?;
    let mut means = Means { backend: &mut backend, sandbox: &sandbox, store: &store };
    let bar = terminal::bar("judging");
    let drift = monitor::monitor(&suite, &released, &arguments.input, &mut means, &mut |_, done, total| {
        terminal::advance(&bar, done, total);
    });
    bar.finish_and_clear();
    let drift = drift?;
    if settings.json {
        terminal::print_json(&drift)?;
    } else {
        terminal::print(&report::monitor::render(&drift))?;
    }
    Ok(if drift.conversations < LEAST {
        Exit::Inconclusive
    } else if drift.drifted() {
        Exit::Failed
    } else {
        Exit::Done
    })
}
