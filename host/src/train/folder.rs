//! The folder of a run.
//!
//! ```text
//! plan.json                what decides the result: configuration, digests of data and model
//! checkpoint-0000050/      adapter, optimiser, state.json
//! steps.jsonl  tensorboard/
//! cache.db                 what the starting model says
//! frontier.json            divergence against the adapter's scale; frontier.svg: the same, drawn
//! adapter/                 what came out; adapter-over-limit/ where the divergence was not proven to be below the limit
//! ```
//!
//! One process at a time works in it.

use std::{
    collections::BTreeMap,
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::{
    error::{Error, Result},
    ids::Digest,
    read,
    write::Output,
};

/// The plan's file.
pub const PLAN: &str = "plan.json";

/// An open folder, held until it is dropped.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    _lock: File,
}

impl Folder {
    /// Opens a folder for a plan; makes it if it is missing. What a killed run left half written is removed.
    ///
    /// # Errors
    /// Exit 2 if the folder belongs to another plan, naming what differs, or if another process works in it; exit 23
    /// if it cannot be written.
    pub fn open(root: &Path, plan: &Value) -> Result<Self> {
        let failed = |error| Error::unwritable(root, &error);
        fs::create_dir_all(root).map_err(failed)?;
        // The engine is another process: it is given absolute paths.
        let root = std::path::absolute(root).map_err(failed)?;
        let lock = File::create(root.join("lock")).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::usage(format!(
                    "{}: another process works in this folder",
                    root.display()
                ))
                .hint("wait for it, or choose another --output"));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let folder = Self { root, _lock: lock };
        folder.claim(plan)?;
        folder.clean()?;
        Ok(folder)
    }

    /// The path of something in the folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// The folder itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Writes the plan, or checks that it is the folder's own.
    fn claim(&self, plan: &Value) -> Result<()> {
        let path = self.path(PLAN);
        let Some(known) = self::plan(&path)? else {
            let mut bytes = serde_json::to_vec_pretty(plan).expect("a plan is JSON");
            bytes.push(b'\n');
            return Output::create(&path)?.commit(&bytes);
        };
        if known == *plan {
            return Ok(());
        }
        let (before, now) = (flat(&known), flat(plan));
        let keys: std::collections::BTreeSet<&String> = before.keys().chain(now.keys()).collect();
        let absent = "absent".to_owned();
        let differences: Vec<String> = keys
            .into_iter()
            .map(|key| (key, before.get(key).unwrap_or(&absent), now.get(key).unwrap_or(&absent)))
            .filter(|(_, before, now)| before != now)
            .map(|(key, before, now)| format!("{key} was {before} and is {now}"))
            .collect();
        Err(Error::usage(format!(
            "{} holds another training: {}",
            self.root.display(),
            differences.join("; ")
        ))
        .hint("give the same command as before to go on with it, or choose another --output"))
    }

    fn clean(&self) -> Result<()> {
        let failed = |error| Error::unwritable(&self.root, &error);
        for entry in fs::read_dir(&self.root).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_some_and(|ending| ending == "partial") {
                fs::remove_dir_all(&path).map_err(failed)?;
            }
        }
        Ok(())
    }
}

/// The plan in a file; `None` where there is none.
///
/// # Errors
/// It is there and cannot be read.
pub fn plan(path: &Path) -> Result<Option<Value>> {
    if !path.exists() {
        return Ok(None);
    }
    serde_json::from_str(&read::text(path)?)
        .map(Some)
        .map_err(|error| Error::bad_input(format!("{}: {error}", path.display())))
}

/// The digest that names a plan.
#[must_use]
pub fn digest(plan: &Value) -> Digest {
    Digest::of_json(plan)
}

/// Every leaf of a JSON document under its dotted path.
fn flat(value: &Value) -> BTreeMap<String, String> {
    fn walk(place: &str, value: &Value, into: &mut BTreeMap<String, String>) {
        let below = |key: &str| if place.is_empty() { key.to_owned() } else { format!("{place}.{key}") };
        match value {
            Value::Object(fields) => fields.iter().for_each(|(key, value)| walk(&below(key), value, into)),
            Value::Array(items) => {
                items
                    .iter()
                    .enumerate()
                    .for_each(|(index, value)| walk(&below(&index.to_string()), value, into));
            }
            leaf => {
                let text = leaf.to_string();
                let shown = text.get(..40).map_or(text.clone(), |start| format!("{start}..."));
                into.insert(place.to_owned(), shown);
            }
        }
    }
    let mut leaves = BTreeMap::new();
    walk("", value, &mut leaves);
    leaves
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::exit::Exit;

    #[test]
    fn another_plan_is_refused_with_what_differs() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().join("run");
        drop(Folder::open(&root, &json!({ "seed": 1, "optimiser": { "rate": 0.1 } })).unwrap());
        drop(Folder::open(&root, &json!({ "seed": 1, "optimiser": { "rate": 0.1 } })).unwrap());
        let error = Folder::open(&root, &json!({ "seed": 2, "optimiser": { "rate": 0.2 } })).unwrap_err();
        assert_eq!(error.exit(), Exit::Usage);
        let message = error.to_string().replace(&place.path().display().to_string(), "");
        insta::assert_snapshot!(message, @"/run holds another training: optimiser.rate was 0.1 and is 0.2; seed was 1 and is 2");
    }

    #[test]
    fn one_process_at_a_time_works_in_a_folder() {
        let place = tempfile::tempdir().unwrap();
        let held = Folder::open(place.path(), &json!({})).unwrap();
        let error = Folder::open(place.path(), &json!({})).unwrap_err();
        assert!(error.to_string().ends_with("another process works in this folder"), "{error}");
        drop(held);
        Folder::open(place.path(), &json!({})).unwrap();
    }

    #[test]
    fn what_was_left_half_written_is_removed() {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir(place.path().join("checkpoint-0000001.partial")).unwrap();
        Folder::open(place.path(), &json!({})).unwrap();
        assert!(!place.path().join("checkpoint-0000001.partial").exists());
    }
}
