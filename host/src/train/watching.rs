//! The suite of `[watch]`, run with an adapter.

use std::{collections::BTreeMap, path::Path};

use realign_engine_abi::message::{AdapterFile, Load};

use super::{
    config::{TrainFile, Watch},
    watch::{Asked, Stage, Watcher},
};
use crate::{
    engine::{backend::Backend, launch::Launch, workers::WorkerBackend},
    error::{Error, Result},
    opening,
    persona::{neutral::NeutralTask, scenarios::Split},
    sandbox::{Limits, Sandbox},
    settings::Settings,
    store::Store,
    suite::{
        evaluators::Evaluators,
        identity,
        load::{Selection, Suite},
        record::Record,
        run::{self, Means},
    },
};

/// The suite, and what it is run with.
pub struct Watching {
    watch: Watch,
    /// With benchmarks and neutral tasks.
    whole: Suite,
    /// Without them.
    responses: Suite,
    sandbox: Sandbox,
    store: Store,
    launch: Launch,
    workers: Option<usize>,
    load: Load,
}

/// Reads and checks the suite; `None` where the configuration has no `[watch]`.
///
/// # Errors
/// Those of the suite; a usage error where `watch.held_out` names a trait without a detector.
pub fn open(settings: &Settings, file: &TrainFile, config: &Path, load: &Load) -> Result<Option<Watching>> {
    let Some(watch) = file.watch.clone() else { return Ok(None) };
    let path = config.parent().unwrap_or(Path::new("")).join(&watch.suite);
    let selection = Selection {
        families: watch.families,
        items: watch.items,
        deploy_prompt: watch.deploy_prompt,
        split: Some(Split::Dev),
        seed: None,
        without_control: true,
    };
    let whole = Suite::load(&path, selection)?;
    if let Some(unknown) = watch
        .held_out
        .iter()
        .find(|trait_id| !whole.file.detector.iter().any(|spec| spec.trait_id == **trait_id))
    {
        let message =
            format!("{}: watch.held_out: the suite has no detector of a trait `{unknown}`", config.display());
        return Err(Error::usage(message));
    }
    let responses = Suite::load(&path, Selection { items: Some(0), ..selection })?;
    Ok(Some(Watching {
        watch,
        whole,
        responses,
        sandbox: Sandbox::new(Some(&settings.home.artefacts()), Limits::default())?,
        store: Store::open(&settings.store)?,
        launch: opening::launch(settings)?,
        workers: settings.workers,
        load: load.clone(),
    }))
}

impl Watching {
    /// What the suite measures with.
    ///
    /// # Errors
    /// An evaluator is refused.
    pub fn instrument(&self) -> Result<BTreeMap<String, String>> {
        let evaluators = Evaluators::prepare(&self.whole, &self.sandbox)
            .map_err(|error| error.within(self.whole.path.display()))?;
        Ok(identity::instrument(&self.whole, &evaluators, self.sandbox.limits()))
    }

    /// Its neutral tasks.
    pub fn neutral(&self) -> &[NeutralTask] {
        &self.whole.neutral
    }

    /// As training asks it.
    pub fn watcher(self) -> Watcher<'static> {
        let held_out = self.watch.held_out.clone();
        Watcher::new(Box::new(move |asked, stage| self.evaluate(asked, stage)), held_out)
    }

    /// Runs the suite with workers of its own, which end with it.
    fn evaluate(&self, asked: Asked<'_>, stage: &mut Stage<'_>) -> Result<Record> {
        let mut load = self.load.clone();
        load.adapters
            .extend(asked.adapter.map(|folder| AdapterFile { folder: folder.to_owned(), factor: 1.0 }));
        let workers = WorkerBackend::open(&load, self.launch.clone(), self.workers)?;
        let mut backend = Backend::Workers(Box::new(workers));
        let suite = if asked.whole { &self.whole } else { &self.responses };
        let means = &mut Means { backend: &mut backend, sandbox: &self.sandbox, store: &self.store };
        run::run(suite, asked.name, means, stage)
    }
}
