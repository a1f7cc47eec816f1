//! Adapter folders as PEFT writes and reads them.
//!
//! `adapter_model.safetensors` holds `base_model.model.<path>.lora_A.weight` `[rank, inputs]` and
//! `.lora_B.weight` `[outputs, rank]`; `adapter_config.json` says where, and by what scale: `lora_alpha / r`.
//! PEFT has many variants of low-rank adapters, each behind a key: a key that is not known must be switched off.

use std::path::Path;

use serde_json::{Value, json};

use crate::{
    adapter::{
        Adapter, CONFIG, Half, MAX_RANK, SCALES, Site, corrections, names::Projection, rank, transpose,
    },
    disk::{Folder, object::Object, write},
    error::{Error, Result},
    llama::config::Config,
    tensor_file::{
        TensorFile,
        write::{Stored, tensors},
    },
};

/// Name of the file that holds the factors.
pub const TENSORS: &str = "adapter_model.safetensors";
/// What stands in front of a module's path.
const PREFIX: &str = "base_model.model.";
/// Keys that are understood below, and keys that change nothing once training has ended.
const KNOWN: [&str; 18] = [
    "peft_type",
    "task_type",
    "r",
    "lora_alpha",
    "target_modules",
    "layers_to_transform",
    "layers_pattern",
    "bias",
    "init_lora_weights",
    "auto_mapping",
    "base_model_name_or_path",
    "ensure_weight_tying",
    "inference_mode",
    "lora_dropout",
    "megatron_core",
    "peft_version",
    "qalora_group_size",
    "revision",
];

/// Reads an adapter for a model of this shape.
///
/// # Errors
/// A model error naming what is damaged, unknown or made for another model.
pub fn read(folder: &Folder, config: &Config) -> Result<Adapter> {
    let about = folder.object(CONFIG)?;
    about.only(&KNOWN, "this engine reads plain lora adapters only")?;
    for (key, want) in [("peft_type", "LORA"), ("bias", "none")] {
        if about.text(key)?.is_some_and(|value| value != want) {
            return Err(about
                .wrong(key, &format!("{want:?}"))
                .hint("this engine reads plain lora adapters only"));
        }
    }
    check_start(&about)?;
    let rank = rank(&about, "r")?;
    let scale = scale(&about, rank)?;
    let targets =
        about.texts("target_modules")?.ok_or_else(|| about.wrong("target_modules", "a list of texts"))?;
    // A target may be a whole path; its last two parts name the projection.
    let projection = |name: &str| {
        let known = Projection::ALL.into_iter().find(|projection| name.ends_with(projection.name()));
        known.map_or_else(|| Projection::from_name(name).map_err(|error| error.within(CONFIG)), Ok)
    };
    let targets = targets.into_iter().map(projection).collect::<Result<Vec<_>>>()?;
    let place = |key: &str| {
        let parts = [(".lora_A.weight", Half::A), (".lora_B.weight", Half::B)];
        let path = key.strip_prefix(PREFIX);
        let split = parts.into_iter().find_map(|(end, half)| Some((path?.strip_suffix(end)?, half)));
        let (path, half) = split.ok_or_else(|| {
            Error::model(format!("is not {PREFIX}<path> and .lora_A.weight or .lora_B.weight"))
                .hint("this engine reads plain lora adapters only")
        })?;
        let site = Site::from_path(path, config.layers)?;
        if !targets.contains(&site.projection) {
            return Err(Error::model(format!("is outside of what {CONFIG} says is adapted"))
                .hint("the two files do not belong together"));
        }
        Ok((site, half))
    };
    let corrections = TensorFile::read(folder.file(TENSORS)?)
        .and_then(|file| corrections(&file, config, rank, true, place))
        .map_err(|error| error.within(TENSORS))?;
    Ok(Adapter { rank, scale, corrections })
}

/// Some ways to begin change the weights of the model, to which the adapter belongs then.
fn check_start(about: &Object) -> Result<()> {
    match about.get("init_lora_weights") {
        None | Some(Value::Bool(_)) => Ok(()),
        Some(Value::String(way)) if ["gaussian", "eva", "orthogonal"].contains(&way.as_str()) => Ok(()),
        Some(_) => Err(about
            .wrong("init_lora_weights", "a start that leaves the model alone")
            .hint("let PEFT convert the adapter to one of the unchanged model first")),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "checked to be in range; f32 is what it multiplies")]
fn scale(about: &Object, rank: usize) -> Result<f32> {
    let limit = SCALES.end() * MAX_RANK as f64;
    let scale = about.number("lora_alpha", 1e-6..=limit)? / rank as f64;
    if !SCALES.contains(&scale) {
        return Err(about.error(format!("lora_alpha / r is {scale}, not from 1e-6 to 1e6")));
    }
    Ok(scale as f32)
}

/// Writes an adapter of a model of `blocks` blocks into an existing folder, flushed to disk.
///
/// # Errors
/// An unwritable error if a file is there already or cannot be written.
pub fn write(folder: &Path, adapter: &Adapter, blocks: usize) -> Result<()> {
    let (mut shapes, mut numbers) = (Vec::new(), Vec::new());
    let rank = adapter.rank;
    for (site, factors) in &adapter.corrections {
        let (inputs, outputs) = (factors.a.len() / rank, factors.b.len() / rank);
        shapes.push((format!("{PREFIX}{site}.lora_A.weight"), vec![rank, inputs]));
        shapes.push((format!("{PREFIX}{site}.lora_B.weight"), vec![outputs, rank]));
        numbers.extend([(&factors.a, rank), (&factors.b, outputs)]);
    }
    write::file(folder, TENSORS, |out| {
        tensors(out, "pt", Stored::F32, &shapes, |index| {
            let (numbers, columns) = numbers[index];
            Ok(transpose(numbers, columns))
        })
    })?;
    let targets: Vec<&str> = adapter.projections().into_iter().map(Projection::short_name).collect();
    let some = Some(adapter.blocks()).filter(|some| some.len() < blocks);
    let about = json!({
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": null,
        "r": rank,
        "lora_alpha": alpha(adapter.scale, rank),
        "lora_dropout": 0.0,
        "target_modules": targets,
        "layers_to_transform": some,
        "layers_pattern": some.is_some().then_some("layers"),
        "bias": "none",
        "fan_in_fan_out": false,
        "inference_mode": true,
    });
    write::json(folder, CONFIG, &about)?;
    write::sync(folder)
}

/// The scale in PEFT's words: a whole number where it is one, as PEFT declares it.
fn alpha(scale: f32, rank: usize) -> Value {
    let alpha = f64::from(scale) * rank as f64;
    #[expect(clippy::cast_possible_truncation, reason = "a whole number far below 2^63")]
    if alpha.fract() == 0.0 { json!(alpha as i64) } else { json!(alpha) }
}
