//! The adapter that comes out, as mlx-lm reads it, with what it came from.
//!
//! The factor that the search found is multiplied into `scale` of `adapter_config.json`, which is what a loader multiplies
//! the correction by: no weight is rounded again. The folder is whole or not there, and one whose divergence was not
//! proven to be under the limit has another name.

use std::{fs, path::Path};

use realign_engine_abi::{message::AdapterFile, train::TrainSave};
use serde_json::Value;

use super::{
    folder::Folder,
    outcome::Outcome,
    session::{Lost, Session},
    watch::Watched,
};
use crate::{
    engine::model_digest::{adapter_digest, file_digest},
    error::{Error, Result},
    read,
    write::{Output, publish_folder, retire_folder},
};

/// Folder of an adapter that may be used.
pub const PASSED: &str = "adapter";
/// Folder of an adapter whose divergence was not proven to be under the limit.
pub const OVER_LIMIT: &str = "adapter-over-limit";

/// The adapter's numbers, in the folder.
pub const TENSORS: &str = "adapters.safetensors";
/// Name of the digest of the numbers, among those of the outcome.
pub const WEIGHTS: &str = "adapter";
/// Name of the digest of numbers and settings, as the identity of a run with this adapter has it.
pub const WHOLE: &str = "adapter-with-settings";

const RECORD: &str = "train.json";

/// Told where an adapter lies; what it says of it.
pub type Judge<'a, T> = dyn FnMut(&Path) -> Result<Option<T>> + 'a;

/// Writes the session's adapter under the outcome's factor, has it judged as it is, and writes the outcome beside it.
///
/// # Errors
/// The worker died, something cannot be written, or what `judge` reports; no part of a folder is left behind.
pub fn write(
    folder: &Folder,
    session: &mut Session,
    outcome: Outcome,
    judge: &mut Judge<'_, Watched>,
) -> Result<Outcome, Lost> {
    let partial = folder.path(&outcome.adapter).with_extension("partial");
    let written = write_partial(&partial, folder, session, outcome, judge);
    if written.is_err() {
        // The first error is the one to tell; what is left is removed when the folder is next opened.
        let _ = fs::remove_dir_all(&partial);
    }
    written
}

fn write_partial(
    partial: &Path,
    folder: &Folder,
    session: &mut Session,
    mut outcome: Outcome,
    judge: &mut Judge<'_, Watched>,
) -> Result<Outcome, Lost> {
    save(partial, session, outcome.factor)?;
    outcome.exported = judge(partial)?;
    outcome.digests.insert(WEIGHTS.into(), file_digest(&partial.join(TENSORS))?);
    let whole = adapter_digest(&AdapterFile { folder: partial.to_owned(), factor: 1.0 })?;
    outcome.digests.insert(WHOLE.into(), whole);
    let mut bytes = serde_json::to_vec_pretty(&outcome).expect("an outcome is JSON");
    bytes.push(b'\n');
    Output::create(&partial.join(RECORD))?.commit(&bytes)?;
    // One name at a time: a training that is finished again cannot leave both.
    for name in [PASSED, OVER_LIMIT].iter().filter(|name| **name != outcome.adapter) {
        let other = folder.path(name);
        if other.exists() {
            retire_folder(&other)?;
        }
    }
    publish_folder(partial, &folder.path(&outcome.adapter))?;
    Ok(outcome)
}

/// Has the session's adapter judged under a factor; nothing of it stays.
///
/// # Errors
/// As [`write()`].
pub fn with_factor<T>(
    folder: &Folder,
    session: &mut Session,
    factor: f32,
    judge: &mut Judge<'_, T>,
) -> Result<Option<T>, Lost> {
    let partial = folder.path("factor.partial");
    let judged = save(&partial, session, factor).and_then(|()| Ok(judge(&partial)?));
    let removed = fs::remove_dir_all(&partial).map_err(|error| Error::unwritable(&partial, &error));
    let judged = judged?;
    removed?;
    Ok(judged)
}

/// Writes the session's adapter into a new folder, its scale multiplied by a factor.
fn save(partial: &Path, session: &mut Session, factor: f32) -> Result<(), Lost> {
    let failed = |error| Lost::Final(Error::unwritable(partial, &error));
    if partial.exists() {
        fs::remove_dir_all(partial).map_err(failed)?;
    }
    fs::create_dir(partial).map_err(failed)?;
    session.save(TrainSave { folder: partial.to_owned() })?;
    let moments = partial.join("optimizer.safetensors");
    if moments.exists() {
        fs::remove_file(moments).map_err(failed)?;
    }
    scale(&partial.join("adapter_config.json"), factor)?;
    Ok(())
}

/// Multiplies the scale that an adapter's configuration states.
fn scale(path: &Path, factor: f32) -> Result<()> {
    let mut config: Value = serde_json::from_str(&read::text(path)?)
        .map_err(|error| Error::engine(format!("{}: {error}", path.display())))?;
    let scale = config.pointer_mut("/lora_parameters/scale");
    let Some((scale, value)) = scale.and_then(|scale| scale.as_f64().map(|value| (scale, value))) else {
        return Err(Error::engine(format!("{}: lora_parameters.scale is missing", path.display())));
    };
    *scale = (value * f64::from(factor)).into();
    let mut bytes = serde_json::to_vec_pretty(&config).expect("it was JSON before");
    bytes.push(b'\n');
    Output::create(path)?.commit(&bytes)
}

/// The outcome of a training that was finished before.
///
/// # Errors
/// It is there and cannot be read.
pub fn finished(folder: &Folder) -> Result<Option<Outcome>> {
    for name in [PASSED, OVER_LIMIT] {
        if let Some(outcome) = read(&folder.path(name))? {
            return Ok(Some(outcome));
        }
    }
    Ok(None)
}

/// The outcome beside an adapter; `None` where there is none.
///
/// # Errors
/// It is there and cannot be read.
pub fn read(adapter: &Path) -> Result<Option<Outcome>> {
    let path = adapter.join(RECORD);
    if !path.is_file() {
        return Ok(None);
    }
    serde_json::from_str(&read::text(&path)?)
        .map(Some)
        .map_err(|error| Error::bad_input(format!("{}: {error}", path.display())))
}
