//! From `--model` to a model that can be asked.

use crate::{
    engine::{
        backend::Backend, launch::Launch, model_ref::ModelRef, recorded::RecordedModel,
        workers::WorkerBackend,
    },
    error::{Error, Result},
    settings::Settings,
};

/// Opens the model that the user named.
///
/// # Errors
/// Usage errors for a name that is no model; exit 21 where no engine is set up or it does not start; bad input
/// where the file is no model.
pub(super) fn open(settings: &Settings, name: &str) -> Result<Backend> {
    match ModelRef::parse(name, &settings.home)? {
        ModelRef::Recorded(path) => RecordedModel::open(&path).map(Backend::Recorded),
        ModelRef::Files(load) => WorkerBackend::open(&load, launch(settings)?, settings.workers)
            .map(|workers| Backend::Workers(Box::new(workers))),
    }
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
    Ok(Launch::engine(&program, &library))
}
