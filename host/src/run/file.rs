//! `pipeline.toml` as people write it. Unknown keys are refused; paths are relative to the file.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    gates::Profile,
    ids::Seed,
    read::{self, within},
    suite::file::DeployPrompt,
};

/// A pipeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PipelineFile {
    /// Version of the file format: 1.
    pub format: u32,
    /// Name of the run, unless the command line gives another.
    pub name: String,
    /// What is brought into character; the command line comes first.
    pub model: Option<String>,
    /// Persona, evaluators, scenarios, benchmarks.
    pub suite: PathBuf,
    /// Which system prompt every metric, baseline and reference uses.
    pub deploy_prompt: DeployPrompt,
    /// Where every random number starts.
    pub seed: Seed,
    /// What a gate that is not passed does.
    #[serde(default)]
    pub mode: Mode,
    /// What the gates ask for.
    #[serde(default)]
    pub thresholds: Profile,
    /// Traits whose detectors take no part in choosing pairs. The style scorer never does.
    pub held_out: BTreeSet<String>,
    /// How much of the suite is read.
    #[serde(default)]
    pub evaluation: Evaluation,
    /// Stage 1.
    pub sft: Sft,
    /// Stage 2.
    #[serde(default)]
    pub definition: Definition,
    /// Stage 3.
    pub pairs: Pairs,
    /// Stage 4.
    pub instrument: Instrument,
    /// Stage 5.
    pub optimise: Optimise,
    /// Stage 6.
    #[serde(default)]
    pub iterate: Iterate,
}

/// What a gate that is not passed does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// It ends the run; later stages are `not reached`.
    #[default]
    Strict,
    /// It is a warning; the run goes on, and its verdict stays.
    Permissive,
}

/// How much of the suite is read: a seeded choice, the same every time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evaluation {
    /// At most so many dev families, on which checkpoints and iterations are chosen.
    pub dev_families: Option<usize>,
    /// At most so many test families, which stage 7 reads once.
    pub test_families: Option<usize>,
    /// At most so many items of each benchmark, and so many neutral tasks.
    pub items: Option<usize>,
}

/// Stage 1: where the model comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sft {
    /// A training file for `train sft`.
    pub config: Option<PathBuf>,
    /// Or an adapter that is there already. With neither, stage 1 is the model as it is.
    pub adapter: Option<PathBuf>,
    /// Rows that nothing is trained on.
    pub validation: PathBuf,
}

/// Stage 2: texts whose right answer is known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Definition {
    /// Labelled texts as `plugin card` reads them, beside the suite's own held-out texts.
    pub texts: Vec<PathBuf>,
}

/// Stage 3: pairs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pairs {
    /// A file for `data pairs`.
    pub config: PathBuf,
}

/// Stage 4: texts on which the instrument is proven.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instrument {
    /// Replies in the persona's voice to scenarios of the train families, as rows for `train sft`. No evaluator is
    /// fitted to them and none chose them.
    pub demonstrations: PathBuf,
    /// At most so many families.
    #[serde(default = "thirty")]
    pub families: usize,
    /// System prompts of other personas.
    pub wrong_personas: Vec<String>,
}

/// Stage 5: training on the pairs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Optimise {
    /// A training file for `train preference`; the pairs of stage 3 are its first data file.
    pub config: PathBuf,
}

/// Stage 6: again, where it is weak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Iterate {
    /// At most so many passes.
    pub most: u32,
    /// Families that are asked for more pairs in a pass.
    pub families: Option<usize>,
}

impl Default for Iterate {
    fn default() -> Self {
        Self { most: 3, families: None }
    }
}

const fn thirty() -> usize {
    30
}

impl PipelineFile {
    /// Reads and checks a file; `change` puts the command line over it.
    ///
    /// # Errors
    /// A usage error naming file and field.
    pub fn read(path: &Path, change: impl FnOnce(&mut Self)) -> Result<Self> {
        let mut file: Self = read::toml(path)?;
        change(&mut file);
        file.check().map_err(|error| error.within(path.display()))?;
        Ok(file)
    }

    fn check(&self) -> Result<()> {
        if self.format != 1 {
            return Err(Error::usage(format!("format: {}, this version reads 1", self.format)));
        }
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if self.name.is_empty() || self.name.starts_with('.') || !self.name.chars().all(fits) {
            return Err(Error::usage(format!("name: {:?} is no name for a folder", self.name))
                .hint("use letters, digits, `-`, `_` and `.`"));
        }
        if self.held_out.is_empty() {
            return Err(Error::usage("held_out: empty, at least one trait is needed").hint(
                "an evaluator that takes no part in the choice is what shows that training is no trick",
            ));
        }
        if self.sft.config.is_some() && self.sft.adapter.is_some() {
            return Err(Error::usage("sft: `config` and `adapter` are both given")
                .hint("`config` trains, `adapter` takes what was trained before"));
        }
        if self.instrument.wrong_personas.iter().all(|prompt| prompt.trim().is_empty()) {
            return Err(Error::usage("instrument.wrong_personas: empty, at least one is needed")
                .hint("a system prompt of another persona, whose answers the instrument must not accept"));
        }
        within("instrument.families", self.instrument.families as f64, 2.0, 1e6)?;
        within("iterate.most", f64::from(self.iterate.most), 0.0, 100.0)
    }
}
