//! The optimiser's state on disk, beside the adapter that it belongs to.
//!
//! `optimizer.safetensors` holds `<place>.lora_a.first`, `.second` and the same of `lora_b`, in f32 as they are in
//! memory; `optimizer.json` the number of steps taken.

use std::{collections::BTreeMap, path::Path};

use serde_json::json;

use crate::{
    adapter::{Adapter, Site},
    disk::{Folder, write},
    error::{Error, Result},
    tensor_file::{
        TensorFile,
        write::{Stored, tensors},
    },
    train::adamw::Moments,
};

const TENSORS: &str = "optimizer.safetensors";
const COUNT: &str = "optimizer.json";

/// The four tensors of a place, in order.
fn names(site: Site) -> [String; 4] {
    ["lora_a.first", "lora_a.second", "lora_b.first", "lora_b.second"].map(|part| format!("{site}.{part}"))
}

/// Writes moments into an existing folder, flushed to disk.
///
/// # Errors
/// An unwritable error if a file is there already or cannot be written.
pub fn write(folder: &Path, moments: &BTreeMap<Site, [Moments; 2]>, steps: u64) -> Result<()> {
    let (mut shapes, mut numbers) = (Vec::new(), Vec::new());
    for (&site, [a, b]) in moments {
        for (name, list) in names(site).into_iter().zip([&a.first, &a.second, &b.first, &b.second]) {
            shapes.push((name, vec![list.len()]));
            numbers.push(list);
        }
    }
    write::file(folder, TENSORS, |out| {
        tensors(out, "mlx", Stored::F32, &shapes, |index| Ok(numbers[index].clone()))
    })?;
    write::json(folder, COUNT, &json!({ "steps": steps }))?;
    write::sync(folder)
}

/// Reads the moments of an adapter, and the number of steps taken.
///
/// # Errors
/// A model error naming what is missing, damaged or of another shape.
pub fn read(folder: &Folder, adapter: &Adapter) -> Result<(BTreeMap<Site, [Moments; 2]>, u64)> {
    let count = folder.object(COUNT)?;
    let steps = count.get("steps").and_then(serde_json::Value::as_u64);
    let steps = steps.ok_or_else(|| count.wrong("steps", "a whole number"))?;
    let file = TensorFile::read(folder.file(TENSORS)?).map_err(|error| error.within(TENSORS))?;
    let list = |name: &str, length: usize| {
        let numbers = file.numbers(name)?;
        if numbers.len() == length && numbers.iter().all(|number| number.is_finite()) {
            return Ok(numbers);
        }
        Err(Error::model(format!("{TENSORS}: tensor {name} is not {length} finite numbers"))
            .hint("the checkpoint is damaged; take the one before it"))
    };
    let mut moments = BTreeMap::new();
    for (&site, factors) in &adapter.corrections {
        let [first_a, second_a, first_b, second_b] = names(site);
        let (a, b) = (factors.a.len(), factors.b.len());
        let a = Moments { first: list(&first_a, a)?, second: list(&second_a, a)? };
        let b = Moments { first: list(&first_b, b)?, second: list(&second_b, b)? };
        moments.insert(site, [a, b]);
    }
    Ok((moments, steps))
}
