//! From `--model` to a model that can be asked.

use realign_engine_abi::message::Load;

use super::terminal;
use crate::{
    adapter::origin,
    engine::{
        backend::Backend, launch::Launch, model_ref::ModelRef, recorded::RecordedModel,
        workers::WorkerBackend,
    },
    error::{Error, Result},
    hardware,
    settings::Settings,
};

/// Opens the model that the user named.
///
/// # Errors
/// Usage errors for a name that is no model; exit 21 where no engine is set up or it does not start; bad input
/// where the file is no model.
pub(super) fn open(settings: &Settings, name: &str) -> Result<Backend> {
    open_reference(settings, &ModelRef::parse(name, &settings.home)?)
}

/// Opens a model whose name has been read.
///
/// # Errors
/// As [`open`].
pub(super) fn open_reference(settings: &Settings, reference: &ModelRef) -> Result<Backend> {
    match reference {
        ModelRef::Recorded(path) => RecordedModel::open(path).map(Backend::Recorded),
        ModelRef::Files(load) => {
            note_foreign_adapter(load);
            let workers = WorkerBackend::open(load, launch(settings)?, settings.workers)?;
            Ok(Backend::Workers(Box::new(advised(settings, workers))))
        }
    }
}

/// Says of an adapter whose record names another beginning that it does. It may be what is wanted: a folder with the
/// first adapter fused in has another digest than the model with it. What cannot be read is told when it is loaded.
pub(super) fn note_foreign_adapter(load: &Load) {
    if let Err(error) = origin::check(load) {
        terminal::note(&format!("note: {error}"));
    }
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

/// How workers are started.
///
/// # Errors
/// Exit 21 where no engine is set up.
pub(super) fn launch(settings: &Settings) -> Result<Launch> {
    let library = settings.home.engine();
    if !library.is_file() {
        let message = format!("no engine is set up: no file {}", library.display());
        return Err(Error::engine(message)
            .hint("run `cargo xtask setup` in a clone of realign, or use --model recorded:FILE"));
    }
    let program = std::env::current_exe()
        .map_err(|error| Error::engine(format!("cannot tell where the realign program lies: {error}")))?;
    Ok(Launch { patience: settings.patience, ..Launch::engine(&program, &library) })
}
