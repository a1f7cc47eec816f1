//! Adapters and models in the formats of others: conversion, scaling, joining, fusing.

use std::path::Path;

use realign_engine_abi::export::{Export, ExportFormat, Exported};

use crate::{
    adapter::{self, Adapter, join::joined, mlx_lm, peft},
    checkpoint::Checkpoint,
    disk,
    error::{Error, Result},
    folder,
    llama::config::Config,
    tensor_file::write::Stored,
};

/// Writes what is asked for. `progress` is told of (tensors done, tensors in all) and says whether to go on.
///
/// # Errors
/// A model error if the model or an adapter is damaged or they do not belong together; an unwritable error
/// if the target exists or cannot be written; a request error if `progress` asked to stop. Then nothing is left behind.
pub fn export(request: &Export, progress: &mut dyn FnMut(u64, u64) -> bool) -> Result<Exported> {
    let place = |error: Error| error.within(request.model.display());
    let model = Checkpoint::open(&request.model).map_err(place)?;
    let adapters = request.adapters.iter().map(|file| adapter::read(file, &model.config));
    let adapters = adapters.collect::<Result<Vec<_>>>()?;
    let fused = |stored, progress| {
        let write = |folder: &Path| folder::write::write(folder, &model, &adapters, stored, progress);
        let parameters = disk::write::folder(&request.folder, write)?;
        Ok(Exported { parameters, rank: None })
    };
    match request.format {
        ExportFormat::MlxLm => one(request, &adapters, &model.config, mlx_lm::write),
        ExportFormat::Peft => one(request, &adapters, &model.config, peft::write),
        ExportFormat::FusedF32 => fused(Stored::F32, progress),
        ExportFormat::FusedF16 => fused(Stored::F16, progress),
    }
}

fn one(
    request: &Export,
    adapters: &[Adapter],
    config: &Config,
    write: fn(&Path, &Adapter, usize) -> Result<()>,
) -> Result<Exported> {
    let adapter = joined(adapters, config)?;
    disk::write::folder(&request.folder, |folder| write(folder, &adapter, config.layers))?;
    Ok(Exported { parameters: adapter.parameters(), rank: u32::try_from(adapter.rank).ok() })
}
