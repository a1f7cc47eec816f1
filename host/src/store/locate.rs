//! From what a person types to a run: a name, an id, or the path of another store.

use std::path::Path;

use super::{RunRecord, Store};
use crate::error::{Error, Result};

impl Store {
    /// Finds the run that `reference` means: a name or an id in the store at `default`, a store file that holds
    /// one run, or `FILE#RUN`. Names come first, so a file cannot hide a run.
    ///
    /// # Errors
    /// Exit 22 if there is no such run, or more than one.
    pub fn locate(reference: &str, default: &Path) -> Result<(Self, RunRecord)> {
        let here =
            Self::open_existing(default).and_then(|store| store.find_run(reference).map(|run| (store, run)));
        if here.is_ok() {
            return here;
        }
        if Path::new(reference).is_file() {
            return only_run(Self::open_existing(Path::new(reference))?);
        }
        match reference.rsplit_once('#') {
            Some((file, run)) if Path::new(file).is_file() => {
                let store = Self::open_existing(Path::new(file))?;
                let run = store.find_run(run)?;
                Ok((store, run))
            }
            _ => here,
        }
    }
}

fn only_run(store: Store) -> Result<(Store, RunRecord)> {
    let mut runs = store.list_runs()?;
    let count = runs.len();
    match runs.pop() {
        Some(run) if count == 1 => Ok((store, run)),
        _ => Err(Error::bad_input(format!("{} holds {count} runs, not one", store.path().display()))
            .hint("name one of them: FILE#RUN")),
    }
}
