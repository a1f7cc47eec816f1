//! Checkpoints: whole or not there.
//!
//! `checkpoint-0000123` is written under the name `checkpoint-0000123.partial`, flushed file by file, and renamed. The
//! engine writes the adapter and its optimiser, the host the state. A folder is removed by losing its name first.
//!
//! The checkpoint to go on from is the one with the most rollbacks, then the most steps: a run that has gone back never
//! returns to the steps that it gave up.

use std::{collections::BTreeSet, fs, path::PathBuf};

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

/// Replaces the state in the checkpoint of its step.
///
/// # Errors
/// It cannot be written; the state that was there stays.
pub fn note(folder: &Folder, state: &State) -> Result<()> {
    write_state(&path(folder, state.step), state)
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

/// What may be removed, and what may not.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// The newest so many stay.
    pub newest: usize,
    /// The limit that decides which step is the best one, where divergence is measured.
    pub limit: Option<f64>,
    /// Whether a run may go back to the newest checkpoint that is known to be under the limit.
    pub goes_back: bool,
}

/// Removes what is no longer needed. What stays beside the newest: the steps that may come out by the newest (the best one,
/// and the latest without a warning), the checkpoint that the run would go back to, and the same of that one.
///
/// # Errors
/// A checkpoint cannot be read or removed.
pub fn prune(folder: &Folder, plan: &Digest, retention: Retention) -> Result<()> {
    let kept = list(folder, plan)?;
    let back = good(&kept, retention.limit.filter(|_| retention.goes_back));
    let may_come_out = |kept: &Kept| {
        let best = kept.state.best(retention.limit).map(|best| best.step);
        [best, kept.state.latest_without_warning(retention.limit)].into_iter().flatten()
    };
    let mut needed: BTreeSet<u32> = kept.last().into_iter().chain(back).flat_map(may_come_out).collect();
    needed.extend(back.map(|kept| kept.state.step));
    for old in kept.iter().rev().skip(retention.newest.max(1)) {
        if !needed.contains(&old.state.step) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_was_killed_while_it_went_back_still_goes_back() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path(), &serde_json::json!({})).unwrap();
        let plan = Digest::of(b"plan");
        let put = |attempt, step| {
            fs::create_dir_all(path(&folder, step)).unwrap();
            let state = State { attempt, step, ..State::new(plan.clone(), 0.0) };
            write_state(&path(&folder, step), &state).unwrap();
        };
        put(0, 8);
        put(1, 4);
        let kept = list(&folder, &plan).unwrap();
        assert_eq!(kept.iter().map(|kept| kept.state.step).collect::<Vec<_>>(), [8, 4]);
    }

    #[test]
    fn a_checkpoint_of_another_training_is_refused() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path(), &serde_json::json!({})).unwrap();
        fs::create_dir_all(path(&folder, 3)).unwrap();
        write_state(&path(&folder, 3), &State::new(Digest::of(b"one"), 0.0)).unwrap();
        let error = list(&folder, &Digest::of(b"other")).unwrap_err().to_string();
        assert!(error.ends_with("checkpoint-0000003/state.json: it belongs to another training"), "{error}");
    }
}
