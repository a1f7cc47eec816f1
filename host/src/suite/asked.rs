//! How an evaluation was asked for: what it takes to ask for it again. Kept in a run's journal, because paths are no part
//! of what a run depends on.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{file::DeployPrompt, load::Selection};
use crate::{
    error::Result,
    ids::Seed,
    store::{RunId, Store},
    tasks::task::Options,
};

/// One evaluation, as it was asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Asked {
    /// With a suite.
    Suite {
        /// Its file, from the root.
        path: PathBuf,
        /// Families.
        limit: Option<usize>,
        /// Items of each benchmark.
        items: Option<usize>,
        /// Instead of the suite's own.
        deploy_prompt: Option<DeployPrompt>,
        /// Instead of the suite's own.
        seed: Option<Seed>,
    },
    /// With one lm-eval task, or a group of them.
    Task {
        /// Its file, from the root.
        path: PathBuf,
        /// What the command line changed.
        #[serde(flatten)]
        options: Options,
    },
}

/// An event of a run's journal that has this.
#[derive(Debug, Serialize, Deserialize)]
struct Event {
    asked: Asked,
}

impl Asked {
    /// A suite with what the command line changed in it.
    #[must_use]
    pub fn suite(path: &Path, selection: &Selection) -> Self {
        let Selection { families, items, deploy_prompt, seed, .. } = *selection;
        Self::Suite { path: absolute(path), limit: families, items, deploy_prompt, seed }
    }

    /// A task with what the command line changed in it.
    #[must_use]
    pub fn task(path: &Path, options: &Options) -> Self {
        Self::Task { path: absolute(path), options: options.clone() }
    }

    /// The same with its file elsewhere.
    #[must_use]
    pub fn moved(mut self, to: &Path) -> Self {
        let (Self::Suite { path, .. } | Self::Task { path, .. }) = &mut self;
        to.clone_into(path);
        self
    }

    /// Writes it into a run's journal.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn note(&self, store: &Store, run: &RunId) -> Result<()> {
        store.append_event(run, &Event { asked: self.clone() })
    }

    /// How a run was asked for the last time; `None` where an earlier version made it.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn of(store: &Store, run: &RunId) -> Result<Option<Self>> {
        let events: Vec<serde_json::Value> = store.events(run)?;
        let mut asked = events.into_iter().filter_map(|event| serde_json::from_value::<Event>(event).ok());
        Ok(asked.next_back().map(|event| event.asked))
    }
}

/// From the root where that is known, so that it holds from any folder.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
