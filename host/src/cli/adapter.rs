//! `adapter`: what came out of a training, written for other programs, folded into its model, or multiplied.

use std::path::{Path, PathBuf};

use realign_engine_abi::{export::ExportFormat, message::Load};

use super::{args, interrupt, terminal};
use crate::{
    adapter::export::Wanted,
    engine::model_ref::ModelRef,
    error::{Error, Result},
    exit::Exit,
    opening, report,
    settings::Settings,
};

/// Writes what was asked for.
pub(super) fn run(settings: &Settings, verb: &args::Adapter) -> Result<Exit> {
    let wanted = wanted(settings, verb)?;
    let output = wanted.output.clone();
    let settings = &settings.stopped_by(interrupt::listen()?);
    let prepared = wanted.prepare()?;
    let launch = opening::launch(settings)?;
    let bar = terminal::bar("writing");
    let record = prepared.write(&launch, &mut |done, total| {
        let count = |tensors| usize::try_from(tensors).unwrap_or(usize::MAX);
        terminal::advance(&bar, count(done), count(total));
    });
    bar.finish_and_clear();
    let record = record?;
    if settings.json {
        terminal::print_json(&record)?;
    } else {
        terminal::print(&report::adapter::render(&record, &output.display().to_string()))?;
    }
    Ok(Exit::Done)
}

fn wanted(settings: &Settings, verb: &args::Adapter) -> Result<Wanted> {
    let (model, output) = match verb {
        args::Adapter::Export(arguments) => (&arguments.model, &arguments.output),
        args::Adapter::Fuse(arguments) => (&arguments.model, &arguments.output),
        args::Adapter::Scale(arguments) => (&arguments.model, &arguments.output),
    };
    let (model, adapters) = named(settings, model)?;
    let (format, factor) = match verb {
        args::Adapter::Export(arguments) => (arguments.format.into(), 1.0),
        args::Adapter::Fuse(arguments) => (arguments.dtype.into(), 1.0),
        args::Adapter::Scale(arguments) => (same_format(&adapters)?, arguments.factor),
    };
    if adapters.is_empty() {
        return Err(
            Error::usage("no adapter is named").hint("name it behind the model: --model smollm2+sft/adapter")
        );
    }
    Ok(Wanted { model, adapters, format, factor, output: output.clone() })
}

/// The model's files, and the adapters that are named behind them.
fn named(settings: &Settings, name: &str) -> Result<(PathBuf, Vec<PathBuf>)> {
    match ModelRef::parse(name, &settings.home)? {
        ModelRef::Files(Load { model, adapters }) => {
            Ok((model, adapters.into_iter().map(|adapter| adapter.folder).collect()))
        }
        other => {
            let what = if matches!(other, ModelRef::OpenAi(_)) {
                "a server's model has"
            } else {
                "recorded responses have"
            };
            Err(Error::usage(format!("--model {name}: {what} no adapter"))
                .hint("use a GGUF file, a model folder, or smollm2, with +ADAPTER_DIR"))
        }
    }
}

/// The format that the one adapter has.
fn same_format(adapters: &[PathBuf]) -> Result<ExportFormat> {
    if adapters.len() > 1 {
        return Err(Error::usage(format!("{} adapters are named, one is scaled", adapters.len()))
            .hint("make them one first: realign adapter export"));
    }
    let is_peft = |folder: &Path| folder.join("adapter_model.safetensors").is_file();
    let is_peft = adapters.first().is_some_and(|folder| is_peft(folder));
    Ok(if is_peft { ExportFormat::Peft } else { ExportFormat::MlxLm })
}

impl From<args::AdapterFormat> for ExportFormat {
    fn from(format: args::AdapterFormat) -> Self {
        match format {
            args::AdapterFormat::MlxLm => Self::MlxLm,
            args::AdapterFormat::Peft => Self::Peft,
        }
    }
}

impl From<args::Dtype> for ExportFormat {
    fn from(dtype: args::Dtype) -> Self {
        match dtype {
            args::Dtype::F32 => Self::FusedF32,
            args::Dtype::F16 => Self::FusedF16,
        }
    }
}
