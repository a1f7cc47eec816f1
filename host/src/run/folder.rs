//! The folder of a run.
//!
//! ```text
//! origin.json              the pipeline file and what the command line changed, for `resume`
//! plan.json                everything that decides the result
//! 1-sft/ ... 7-release/    what each stage made; stage.json is its record, written last
//! history/                 what was rolled back
//! record.json              the whole run
//! ```
//!
//! One process at a time works in it.

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    error::{Error, Result},
    read,
    stages::{Stage, StageRecord, record::FORMAT},
    write::Output,
};

/// The plan's file.
pub const PLAN: &str = "plan.json";
/// The file that `resume` reads.
pub const ORIGIN: &str = "origin.json";
/// The record of the whole run.
pub const RECORD: &str = "record.json";
const STAGE: &str = "stage.json";
const HISTORY: &str = "history";

/// An open folder, held until it is dropped.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    _lock: File,
}

impl Folder {
    /// Opens the folder of a run; makes it if it is missing.
    ///
    /// # Errors
    /// Exit 2 if another process works in it; exit 23 if it cannot be written.
    pub fn open(root: &Path) -> Result<Self> {
        let failed = |error| Error::unwritable(root, &error);
        fs::create_dir_all(root).map_err(failed)?;
        // The engine is another process: it is given absolute paths.
        let root = std::path::absolute(root).map_err(failed)?;
        let lock = File::create(root.join("lock")).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { root, _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                let message = format!("{}: another process works in this folder", root.display());
                Err(Error::usage(message).hint("wait for it, or choose another --output"))
            }
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// The folder itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The path of something in the folder.
    #[must_use]
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.root.join(name)
    }

    /// A path within the folder, as records have it.
    #[must_use]
    pub fn relative(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.root).unwrap_or(path).to_owned()
    }

    /// The folder of a stage, made if it is missing.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn stage(&self, stage: Stage) -> Result<PathBuf> {
        let path = self.path(stage.folder());
        fs::create_dir_all(&path).map_err(|error| Error::unwritable(&path, &error))?;
        Ok(path)
    }

    /// The record of a stage; `None` where it is not done.
    ///
    /// # Errors
    /// It is there and cannot be read, or has another format.
    pub fn record(&self, stage: Stage) -> Result<Option<StageRecord>> {
        let path = self.path(stage.folder()).join(STAGE);
        let record: Option<StageRecord> = json(&path)?;
        match record {
            Some(record) if record.format != FORMAT => {
                let message =
                    format!("{} has format {}, this realign reads {FORMAT}", path.display(), record.format);
                Err(Error::bad_input(message).hint("use the realign that made it, or another --output"))
            }
            record => Ok(record),
        }
    }

    /// Puts the record of a stage in place.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn put_record(&self, record: &StageRecord) -> Result<()> {
        put(&self.stage(record.stage)?.join(STAGE), record)
    }

    /// Writes the plan, or checks that it is the folder's own.
    ///
    /// # Errors
    /// Exit 2 where the folder belongs to another plan, naming the first part that differs.
    pub fn claim(&self, plan: &Value) -> Result<()> {
        let path = self.path(PLAN);
        let Some(known) = json::<Value>(&path)? else { return put(&path, plan) };
        if known == *plan {
            return Ok(());
        }
        let place = difference(&known, plan, "plan");
        Err(Error::usage(format!("{} holds another run: {place} differs", self.root.display()))
            .hint("give the same command as before to go on with it, or choose another --output"))
    }

    /// Moves what a stage and all later ones made into `history`.
    ///
    /// # Errors
    /// Something cannot be moved.
    ///
    /// # Panics
    /// Never: numbers do not end.
    pub fn roll_back(&self, stage: Stage) -> Result<()> {
        let failed = |path: &Path, error| Error::unwritable(path, &error);
        let history = self.path(HISTORY);
        fs::create_dir_all(&history).map_err(|error| failed(&history, error))?;
        // The last one first: killed in between, no stage is left behind one that is gone.
        for later in Stage::ALL.into_iter().rev().filter(|later| *later >= stage) {
            let path = self.path(later.folder());
            if !path.exists() {
                continue;
            }
            let place = (1..).map(|number| history.join(format!("{}-{number}", later.folder())));
            let place = place.into_iter().find(|place| !place.exists()).expect("numbers do not end");
            fs::rename(&path, &place).map_err(|error| failed(&path, error))?;
        }
        let record = self.path(RECORD);
        if record.exists() {
            fs::remove_file(&record).map_err(|error| failed(&record, error))?;
        }
        Ok(())
    }
}

/// A JSON file; `None` where there is none.
///
/// # Errors
/// It is there and cannot be read.
pub fn json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    if !path.exists() {
        return Ok(None);
    }
    serde_json::from_str(&read::text(path)?)
        .map(Some)
        .map_err(|error| Error::bad_input(format!("{}: {error}", path.display())))
}

/// Writes a JSON file.
///
/// # Errors
/// It cannot be written.
///
/// # Panics
/// If the value does not serialise to JSON, which is a bug in its type.
pub fn put<T: Serialize>(path: &Path, value: &T) -> Result<()> {
    let mut bytes = serde_json::to_vec_pretty(value).expect("records serialise to JSON");
    bytes.push(b'\n');
    Output::create(path)?.commit(&bytes)
}

/// The first place at which two documents differ.
fn difference(before: &Value, now: &Value, place: &str) -> String {
    if let (Value::Object(before), Value::Object(now)) = (before, now) {
        let keys: std::collections::BTreeSet<&String> = before.keys().chain(now.keys()).collect();
        let differs = keys.into_iter().find(|key| before.get(*key) != now.get(*key));
        if let Some(key) = differs {
            let absent = Value::Null;
            let (before, now) = (before.get(key).unwrap_or(&absent), now.get(key).unwrap_or(&absent));
            return difference(before, now, &format!("{place}.{key}"));
        }
    }
    place.to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{exit::Exit, ids::Digest};

    #[test]
    fn a_folder_belongs_to_one_plan_and_says_what_differs() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path()).unwrap();
        folder.claim(&json!({ "file": { "seed": 1 } })).unwrap();
        folder.claim(&json!({ "file": { "seed": 1 } })).unwrap();
        let error = folder.claim(&json!({ "file": { "seed": 2 } })).unwrap_err();
        assert_eq!(error.exit(), Exit::Usage);
        assert!(error.to_string().ends_with("holds another run: plan.file.seed differs"), "{error}");
    }

    #[test]
    fn what_is_rolled_back_is_kept_and_a_stage_before_it_stays() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path()).unwrap();
        for stage in [Stage::Sft, Stage::Pairs] {
            folder.put_record(&StageRecord::new(stage, Digest::of(b""))).unwrap();
        }
        for number in 1..3 {
            folder.roll_back(Stage::Definition).unwrap();
            assert!(folder.record(Stage::Sft).unwrap().is_some());
            assert!(folder.record(Stage::Pairs).unwrap().is_none());
            assert!(place.path().join(format!("history/3-pairs-{number}/stage.json")).is_file());
            folder.put_record(&StageRecord::new(Stage::Pairs, Digest::of(b""))).unwrap();
        }
    }
}
