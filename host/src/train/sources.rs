//! The files of a training, read and checked before a model is started.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{
    config::{Kind, Role, TrainFile},
    data::{self, Row},
    prompts::{self, Prompt},
};
use crate::{
    engine::model_digest::file_digest,
    error::{Error, Result},
    ids::Digest,
    persona::neutral::{self, NeutralTask},
};

/// The files of a training, read and checked before a model is started.
#[derive(Debug)]
pub struct Sources {
    /// What is trained.
    pub kind: Kind,
    /// Name of the run.
    pub name: String,
    /// The configuration.
    pub file: TrainFile,
    pub(super) rows: Vec<Row>,
    pub(super) validation: Vec<Row>,
    pub(super) prompts: Option<(Vec<Prompt>, Vec<Prompt>)>,
    pub(super) neutral: Vec<Prompt>,
    pub(super) anchors: Vec<Prompt>,
    pub(super) digests: Vec<(PathBuf, Digest)>,
    /// What the suite of `[watch]` measures with, where there is one: it may decide which checkpoint comes out.
    pub(super) instrument: Option<BTreeMap<String, String>>,
}

impl Sources {
    /// Reads every file that the configuration at `path` names, relative to it, or where `overlay` says that it lies.
    ///
    /// # Errors
    /// Bad input naming file, line and field.
    pub fn read(
        kind: Kind,
        file: TrainFile,
        path: &Path,
        overlay: &BTreeMap<PathBuf, PathBuf>,
    ) -> Result<Self> {
        let here = path.parent().unwrap_or(Path::new(""));
        let place = |name: &PathBuf| overlay.get(name).cloned().unwrap_or_else(|| here.join(name));
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let read = |path: &Path, role| match kind {
            Kind::Sft => data::read_supervised(path, role),
            Kind::Preference => data::read_pairs(path, role),
        };
        let mut used = Vec::new();
        let mut used_path = |name: &PathBuf| {
            used.push(name.clone());
            place(name)
        };
        let mut rows = Vec::new();
        for spec in &file.data {
            rows.extend(read(&used_path(&spec.path), spec.role)?);
        }
        let validation = match &file.validation {
            Some(validation) => read(&used_path(&validation.data), Role::Persona)?,
            None => Vec::new(),
        };
        data::refuse_trained(&validation, &rows)?;
        if let Some(watch) = &file.watch {
            data::refuse_watched(&rows, &watch.held_out)?;
        }
        if let Some(scenarios) = &file.scenarios {
            data::refuse_held_out(&rows, &used_path(scenarios))?;
        }
        let (mut halves, mut neutral, mut anchors) = (None, Vec::new(), Vec::new());
        if let Some(kl) = &file.kl {
            let system = kl.system.as_deref();
            if let Some(prompts) = &kl.prompts {
                let prompts = used_path(prompts);
                let read = prompts::read(&prompts, system, false)?;
                let split = prompts::halves(&read, kl.families, kl.confirm_share, file.seed);
                halves = Some(split.map_err(|error| error.within(prompts.display()))?);
            }
            if let Some(path) = &kl.neutral {
                let tasks = neutral::read(&used_path(path))?;
                if tasks.len() < 2 {
                    let message = format!("{}: 1 neutral task, at least 2 are needed", path.display());
                    return Err(Error::bad_input(message));
                }
                neutral = prompts::neutral(tasks, system);
            }
            if let Some(path) = &kl.anchors {
                anchors = prompts::read(&used_path(path), system, true)?;
            }
        }
        used.sort();
        used.dedup();
        let digests = used.into_iter().map(|name| {
            let digest = file_digest(&place(&name))?;
            Ok((name, digest))
        });
        let digests = digests.collect::<Result<_>>()?;
        let prompts = halves;
        Ok(Self { kind, name, file, rows, validation, prompts, neutral, anchors, digests, instrument: None })
    }

    /// What the suite of `[watch]` measures with, and its neutral tasks, which are taken where the configuration names
    /// none.
    pub fn watched_by(&mut self, instrument: BTreeMap<String, String>, tasks: &[NeutralTask]) {
        self.instrument = Some(instrument);
        let kl = self.file.kl.as_ref().filter(|kl| kl.neutral.is_none());
        // One task gives no interval.
        if let Some(kl) = kl.filter(|_| tasks.len() > 1) {
            self.neutral = prompts::neutral(tasks.to_vec(), kl.system.as_deref());
        }
    }
}
