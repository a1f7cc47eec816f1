//! Checkpoints: whole or not there.
//!
//! `checkpoint-0000123` is written under the name `checkpoint-0000123.partial`, flushed file by file, and renamed. The
//! engine writes the adapter and its optimiser, the host the state. A folder is removed by losing its name first.
//!
//! The checkpoint to go on from is the one with the most rollbacks, then the most steps: a run that has gone back never
//! returns to the steps that it gave up.

use std::{fs, path::PathBuf};

use realign_engine_abi::train::TrainSave;

use super::{
    folder::Folder,
    session::{Lost, Session},
    state::{FORMAT, State},
};
use crate::{
    error::{Error, Result},
    ids::Digest,
    read,
    write::{Output, publish_folder, retire_folder},
};

const STATE: &str = "state.json";

/// A checkpoint on disk.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    /// Its folder.
    pub path: PathBuf,
    /// What it goes on from.
    pub state: State,
}

/// Folder of the checkpoint after a step.
#[must_use]
pub fn path(folder: &Folder, step: u32) -> PathBuf {
    folder.path(&format!("checkpoint-{step:07}"))
}

/// Writes a checkpoint.
///
/// # Errors
/// The worker died, or something cannot be written; no part of a checkpoint is left behind.
pub fn write(folder: &Folder, state: &State, session: &mut Session) -> Result<(), Lost> {
    let partial = path(folder, state.step).with_extension("partial");
    let written = write_partial(&partial, state, session)
        .and_then(|()| publish_folder(&partial, &path(folder, state.step)).map_err(Lost::Final));
    if written.is_err() {
        // The first error is the one to tell; what is left is removed when the folder is next opened.
        let _ = fs::remove_dir_all(&partial);
    }
    written
}

fn write_partial(partial: &std::path::Path, state: &State, session: &mut Session) -> Result<(), Lost> {
    let failed = |error| Lost::Final(Error::unwritable(partial, &error));
    if partial.exists() {
        fs::remove_dir_all(partial).map_err(failed)?;
    }
    fs::create_dir(partial).map_err(failed)?;
    session.save(TrainSave { folder: partial.to_owned() })?;
    write_state(partial, state)?;
    Ok(())
}

fn write_state(checkpoint: &std::path::Path, state: &State) -> Result<()> {
    let mut bytes = serde_json::to_vec_pretty(state).expect("a state is JSON");
    bytes.push(b'\n');
    Output::create(&checkpoint.join(STATE))?.commit(&bytes)
}

/// All checkpoints of a plan, in the order in which they were reached.
///
/// # Errors
/// A checkpoint cannot be read or belongs to another plan.
pub fn list(folder: &Folder, plan: &Digest) -> Result<Vec<Kept>> {
    let unreadable = |error| Error::unreadable(folder.root(), &error);
    let mut kept = Vec::new();
    for entry in fs::read_dir(folder.root()).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let number =
            name.strip_prefix("checkpoint-").filter(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
        if number.is_none() {
            continue;
        }
        let file = path.join(STATE);
        let state: State =
            serde_json::from_str(&read::text(&file)?).map_err(|error| damaged(&file, &error.to_string()))?;
        if state.format != FORMAT || state.plan != *plan {
            return Err(damaged(&file, "it belongs to another training"));
        }
        kept.push(Kept { path, state });
    }
    kept.sort_by_key(|kept| (kept.state.attempt, kept.state.step));
    Ok(kept)
}

fn damaged(file: &std::path::Path, why: &str) -> Error {
    Error::bad_input(format!("{}: {why}", file.display()))
        .hint("remove this checkpoint's folder to go on from the one before it")
}

/// Removes what is no longer needed: all but the newest `keep`, those of the steps in `also`, and the newest that is known to be
/// under `limit`, where there is one.
///
/// # Errors
/// A checkpoint cannot be read or removed.
pub fn prune(folder: &Folder, plan: &Digest, keep: usize, also: &[u32], limit: Option<f64>) -> Result<()> {
    let kept = list(folder, plan)?;
    let good = good(&kept, limit).map(|kept| kept.state.step);
    for old in kept.iter().rev().skip(keep.max(1)) {
        if !also.contains(&old.state.step) && good != Some(old.state.step) {
            retire_folder(&old.path)?;
        }
    }
    Ok(())
}

/// The newest checkpoint whose divergence is known to be at most `limit`; the one before the first step is.
#[must_use]
pub fn good(kept: &[Kept], limit: Option<f64>) -> Option<&Kept> {
    let limit = limit?;
    kept.iter().rev().find(|kept| kept.state.step == 0 || kept.state.is_known_good(limit))
}

/// Goes back to a checkpoint with a new state, and removes those that were reached after it. Killed in between, the
/// checkpoint that was gone back to is still the one to go on from, because it has one more rollback.
///
/// # Errors
/// A state cannot be written, or a checkpoint cannot be removed.
pub fn go_back(kept: &[Kept], to: &Kept, state: &State) -> Result<()> {
    write_state(&to.path, state)?;
    for later in kept.iter().filter(|kept| kept.state.step > to.state.step) {
        retire_folder(&later.path)?;
    }
    Ok(())
}
