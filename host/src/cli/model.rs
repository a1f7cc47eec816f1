//! From `--model` to a model that can be asked.

use realign_engine_abi::message::Load;

use super::terminal;
use crate::{
    adapter::origin,
    engine::{backend::Backend, model_ref::ModelRef},
    error::Result,
    opening,
    settings::Settings,
};

/// Opens the model that the user named.
///
/// # Errors
/// Usage errors for a name that is no model; those of [`opening::open`].
pub(super) fn open(settings: &Settings, name: &str) -> Result<Backend> {
    open_reference(settings, &ModelRef::parse(name, &settings.home)?)
}

/// Opens a model whose name has been read.
///
/// # Errors
/// As [`open`].
pub(super) fn open_reference(settings: &Settings, model: &ModelRef) -> Result<Backend> {
    if let ModelRef::Files(load) = model {
        note_foreign_adapter(load);
    }
    opening::open(settings, model)
}

/// Says of an adapter whose record names another beginning that it does. It may be what is wanted: a folder with the
/// first adapter fused in has another digest than the model with it. What cannot be read is told when it is loaded.
pub(super) fn note_foreign_adapter(load: &Load) {
    if let Err(error) = origin::check(load) {
        terminal::note(&format!("note: {error}"));
    }
}
