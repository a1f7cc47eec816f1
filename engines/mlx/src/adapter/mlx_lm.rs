//! Adapter folders as mlx-lm writes and reads them.
//!
//! `adapters.safetensors` holds `model.layers.N.<module>.lora_a` `[inputs, rank]` and `.lora_b` `[rank, outputs]`;
//! `adapter_config.json` says that the last `num_layers` blocks are adapted (0 and less: all), where, and by what
//! scale. mlx-lm writes the settings of its training beside these; they change nothing and are left unread.

use std::path::Path;

use serde_json::json;

use crate::{
    adapter::{Adapter, CONFIG, Half, Site, corrections, names::Projection, rank, scale},
    disk::{Folder, object::Object, write},
    error::{Error, Result},
    llama::config::Config,
    tensor_file::{
        TensorFile,
        write::{Stored, tensors},
    },
};

/// Name of the file that holds the factors.
pub const TENSORS: &str = "adapters.safetensors";

/// Reads an adapter for a model of this shape.
///
/// # Errors
/// A model error naming what is damaged, unknown or made for another model.
pub fn read(folder: &Folder, config: &Config) -> Result<Adapter> {
    let about = folder.object(CONFIG)?;
    match about.text("fine_tune_type")? {
        None | Some("lora") => {}
        Some(_) => {
            return Err(about
                .wrong("fine_tune_type", "\"lora\"")
                .hint("this engine reads lora adapters only"));
        }
    }
    let parameters = about.object("lora_parameters")?;
    parameters.only(
        &["rank", "scale", "dropout", "keys"],
        "it may change the numbers; this engine does not know it",
    )?;
    let first = first_block(&about, config.layers)?;
    let allowed = match parameters.texts("keys")? {
        None => Projection::ALL.to_vec(),
        Some(names) => names
            .into_iter()
            .map(|name| Projection::from_name(name).map_err(|error| error.within(CONFIG)))
            .collect::<Result<_>>()?,
    };
    let (rank, scale) = (rank(&parameters, "rank")?, scale(&parameters, "scale")?);
    let place = |key: &str| {
        let parts = [(".lora_a", Half::A), (".lora_b", Half::B)];
        let split = parts.into_iter().find_map(|(end, half)| Some((key.strip_suffix(end)?, half)));
        let (path, half) = split.ok_or_else(|| {
            Error::model("ends in neither .lora_a nor .lora_b").hint("this engine reads lora adapters only")
        })?;
        let site = Site::from_path(path, config.layers)?;
        if site.block < first || !allowed.contains(&site.projection) {
            return Err(Error::model(format!("is outside of what {CONFIG} says is adapted"))
                .hint("the two files do not belong together"));
        }
        Ok((site, half))
    };
    let corrections = TensorFile::read(folder.file(TENSORS)?)
        .and_then(|file| corrections(&file, config, rank, false, place))
        .map_err(|error| error.within(TENSORS))?;
    Ok(Adapter { rank, scale, corrections })
}

/// The first adapted block of a model of `blocks` blocks.
fn first_block(about: &Object, blocks: usize) -> Result<usize> {
    let number = about.get("num_layers").and_then(serde_json::Value::as_i64);
    let layers = number.ok_or_else(|| about.wrong("num_layers", "a whole number"))?;
    let layers = usize::try_from(layers).unwrap_or(0);
    Ok(if layers == 0 { 0 } else { blocks.saturating_sub(layers) })
}

/// Writes an adapter of a model of `blocks` blocks into an existing folder, flushed to disk.
///
/// # Errors
/// An unwritable error if a file is there already or cannot be written.
pub fn write(folder: &Path, adapter: &Adapter, blocks: usize) -> Result<()> {
    let (mut shapes, mut numbers) = (Vec::new(), Vec::new());
    for (site, factors) in &adapter.corrections {
        let (inputs, outputs) = (factors.a.len() / adapter.rank, factors.b.len() / adapter.rank);
        shapes.push((format!("{site}.lora_a"), vec![inputs, adapter.rank]));
        shapes.push((format!("{site}.lora_b"), vec![adapter.rank, outputs]));
        numbers.extend([&factors.a, &factors.b]);
    }
    write::file(folder, TENSORS, |out| {
        tensors(out, "mlx", Stored::F32, &shapes, |index| Ok(numbers[index].clone()))
    })?;
    let first = adapter.blocks().first().copied().unwrap_or(0);
    let keys: Vec<&str> = adapter.projections().into_iter().map(Projection::name).collect();
    let about = json!({
        "fine_tune_type": "lora",
        "num_layers": blocks.saturating_sub(first),
        "lora_parameters": { "rank": adapter.rank, "scale": adapter.scale, "dropout": 0.0, "keys": keys },
    });
    write::json(folder, CONFIG, &about)?;
    write::sync(folder)
}
