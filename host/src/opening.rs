//! From the name of a model to one that can be asked.
//!
//! Every verb and every stage opens models here, so that all of them use the workers that were measured to be best on
//! this machine. The number of workers changes no result.

use std::sync::Arc;

use realign_engine_abi::message::Load;

use crate::{
    engine::{
        backend::Backend,
        interrupt::Interrupt,
        launch::Launch,
        model_ref::ModelRef,
        openai::{OpenAiModel, address::Address},
        recorded::RecordedModel,
        workers::WorkerBackend,
    },
    error::{Error, Result},
    hardware,
    settings::Settings,
};

/// Opens a model.
///
/// # Errors
/// Exit 21 where no engine is set up or it does not start, or a server does not answer; bad input where a file is no model.
pub fn open(settings: &Settings, model: &ModelRef) -> Result<Backend> {
    match model {
        ModelRef::Recorded(path) => RecordedModel::open(path).map(Backend::Recorded),
        ModelRef::Files(load) => files(settings, load),
        ModelRef::OpenAi(address) => server(settings, address),
    }
}

/// Opens a server's model; `--workers` is how many requests may be under way, `--patience` bounds each.
fn server(settings: &Settings, address: &Address) -> Result<Backend> {
    let interrupt = Interrupt::new(Arc::clone(&settings.stop));
    OpenAiModel::open(address, settings.patience, settings.workers, interrupt)
        .map(|model| Backend::OpenAi(Box::new(model)))
}

/// Opens a model for the engine.
///
/// # Errors
/// As [`open`].
pub fn files(settings: &Settings, load: &Load) -> Result<Backend> {
    let workers = WorkerBackend::open(load, launch(settings)?, settings.workers)?;
    Ok(Backend::Workers(Box::new(advised(settings, workers))))
}

/// Uses as many workers as were measured to be best, unless the user named a number.
fn advised(settings: &Settings, mut workers: WorkerBackend) -> WorkerBackend {
    if settings.workers.is_none()
        && let Some(advice) = hardware::advice(&settings.home, workers.subject(), workers.engine())
    {
        workers.advise(advice.score_workers, advice.generate_workers);
    }
    workers
}

/// How workers are started. Each launch ends with the settings' flag by itself: a training that holds an interrupt back
/// does not hold back what others are asked.
///
/// # Errors
/// Exit 21 where no engine is set up.
pub fn launch(settings: &Settings) -> Result<Launch> {
    let library = settings.home.engine();
    if !library.is_file() {
        let message = format!("no engine is set up: no file {}", library.display());
        return Err(Error::engine(message)
            .hint("run `cargo xtask setup` in a clone of realign, or use --model recorded:FILE"));
    }
    let program = std::env::current_exe()
        .map_err(|error| Error::engine(format!("cannot tell where the realign program lies: {error}")))?;
    let interrupt = Interrupt::new(Arc::clone(&settings.stop));
    Ok(Launch { patience: settings.patience, interrupt, ..Launch::engine(&program, &library) })
}
