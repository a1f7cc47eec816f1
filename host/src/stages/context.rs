//! What every stage works with.

use std::{
    path::{Path, PathBuf},
    sync::atomic::Ordering,
};

use realign_engine_abi::message::{AdapterFile, Load};

use super::{Stage, StageRecord, record::Artefact};
use crate::{
    engine::{
        interrupt::interrupted,
        model_digest::{adapter_digest, file_digest},
    },
    error::Result,
    gates::Thresholds,
    ids::Digest,
    run::{file::PipelineFile, folder::Folder},
    sandbox::Sandbox,
    settings::Settings,
    store::Store,
    train::run::{Notice, Observer},
};

/// What every stage works with.
pub struct Context<'a> {
    /// Home, workers, patience.
    pub settings: &'a Settings,
    /// The pipeline, with the command line's changes.
    pub file: &'a PipelineFile,
    /// Where the pipeline file lies: its paths are relative to this.
    pub here: &'a Path,
    /// What its gates ask for.
    pub thresholds: Thresholds,
    /// Name of the run.
    pub name: &'a str,
    /// The model that everything begins with.
    pub base: &'a Load,
    /// The folder of the run.
    pub folder: &'a Folder,
    /// Where evaluations are stored.
    pub store: &'a Store,
    /// Where evaluators run.
    pub sandbox: &'a Sandbox,
    /// Told of what happens.
    pub observer: &'a mut Observer<'a>,
    /// The stages before this one.
    pub done: Vec<StageRecord>,
    /// Digest of the plan and of their records.
    pub inputs: Digest,
}

impl Context<'_> {
    /// A path of the pipeline file.
    #[must_use]
    pub fn path(&self, name: &Path) -> PathBuf {
        self.here.join(name)
    }

    /// The record of a stage that is done.
    ///
    /// # Panics
    /// Where it is not: the order of stages is fixed.
    #[must_use]
    pub fn stage(&self, stage: Stage) -> &StageRecord {
        self.done.iter().find(|record| record.stage == stage).expect("stages run in their order")
    }

    /// The path of something that a stage made.
    #[must_use]
    pub fn made(&self, stage: Stage, name: &str) -> Option<PathBuf> {
        self.stage(stage).artefacts.get(name).map(|artefact| self.folder.path(&artefact.path))
    }

    /// The stage-1 model: the reference of every divergence and every loss.
    #[must_use]
    pub fn reference(&self) -> Load {
        let mut load = self.base.clone();
        load.adapters.extend(self.made(Stage::Sft, "adapter").map(adapter));
        load
    }

    /// The stage-1 model with an adapter trained on it.
    #[must_use]
    pub fn with(&self, folder: PathBuf) -> Load {
        let mut load = self.reference();
        load.adapters.push(adapter(folder));
        load
    }

    /// A file that a stage made.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn file_artefact(&self, path: &Path) -> Result<Artefact> {
        Ok(Artefact { path: self.folder.relative(path), digest: file_digest(path)? })
    }

    /// An adapter that a stage made.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn adapter_artefact(&self, path: &Path) -> Result<Artefact> {
        let digest = adapter_digest(&adapter(path.to_owned()))?;
        Ok(Artefact { path: self.folder.relative(path), digest })
    }

    /// Says something that people should know.
    pub fn note(&mut self, text: String) {
        (self.observer)(Notice::Note(text));
    }

    /// # Errors
    /// Exit 130 where the run was asked to stop.
    pub fn go_on(&self) -> Result<()> {
        if self.settings.stop.load(Ordering::SeqCst) { Err(interrupted()) } else { Ok(()) }
    }
}

/// An adapter as it is.
#[must_use]
pub const fn adapter(folder: PathBuf) -> AdapterFile {
    AdapterFile { folder, factor: 1.0 }
}
