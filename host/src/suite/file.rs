//! The suite file as people write it.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    ids::Seed,
    persona::scenarios::Split,
    read::{self, within},
    tasks::prompt::Chat,
};

/// Kinds of questions that a suite can grant to an evaluator.
const ASK_KINDS: [&str; 3] = ["choose", "generate", "loglikelihood"];

/// A suite: a persona, the evaluators that judge it, and benchmarks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SuiteFile {
    /// Version of the file format: 1.
    pub format: u32,
    /// Name, as reports show it.
    pub name: String,
    /// Persona file, relative to this one, like every path here.
    pub persona: PathBuf,
    /// Scenario file.
    pub scenarios: PathBuf,
    /// Texts in the persona's voice.
    pub exemplars: PathBuf,
    /// Texts in other voices.
    pub contrast: PathBuf,
    /// Tasks that ask for nothing of the persona.
    pub neutral: Option<PathBuf>,
    /// Which families are used.
    pub split: Split,
    /// Which system prompt every measurement uses.
    pub deploy_prompt: DeployPrompt,
    /// Where every random number starts.
    pub seed: Seed,
    /// Share of cells that evaluators may fail on before the command ends with exit 20.
    pub max_failed_share: f64,
    /// How responses are made.
    pub decoding: Decoding,
    /// One per trait.
    #[serde(default)]
    pub detector: Vec<DetectorSpec>,
    /// Who scores the voice.
    pub style: Option<StyleSpec>,
    /// What else the model must be able to do.
    #[serde(default)]
    pub benchmark: Vec<BenchmarkSpec>,
    /// lm-eval tasks beside them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub task: Vec<TaskSpec>,
    /// What must be reached.
    #[serde(default)]
    pub gates: Gates,
}

/// Which system prompt every measurement uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum DeployPrompt {
    /// The persona's.
    Persona,
    /// None: the model has to know the persona by itself.
    None,
}

/// How responses are made.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decoding {
    /// Most tokens in a response.
    pub max_tokens: u32,
    /// 0 is greedy.
    pub temperature: f32,
}

/// Texts that an evaluator is fitted with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FitData {
    /// The persona's voice.
    Exemplars,
    /// Other voices.
    Contrast,
}

/// The detector of one trait.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DetectorSpec {
    /// Id of a trait of the persona.
    #[serde(rename = "trait")]
    pub trait_id: String,
    /// Id of a built-in component, or a path ending in `.wasm`.
    pub plugin: String,
    /// Presence at or above which the trait is found.
    pub threshold: f64,
    /// Settings of the component.
    #[serde(default)]
    pub config: toml::Table,
    /// Texts that it is fitted with.
    #[serde(default)]
    pub data: Vec<FitData>,
    /// Questions that it may ask.
    #[serde(default)]
    pub grants: BTreeSet<String>,
}

/// Who scores the voice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StyleSpec {
    /// Id of a built-in component, or a path ending in `.wasm`.
    pub plugin: String,
    /// Settings of the component.
    #[serde(default)]
    pub config: toml::Table,
    /// Texts that it is fitted with.
    #[serde(default)]
    pub data: Vec<FitData>,
    /// Questions that it may ask.
    #[serde(default)]
    pub grants: BTreeSet<String>,
}

/// One benchmark.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BenchmarkSpec {
    /// Unique in the suite.
    pub id: String,
    /// Id of a built-in component, or a path ending in `.wasm`.
    pub plugin: String,
    /// Rows, one JSON object per line, each with an `id`.
    pub data: PathBuf,
    /// The metric that stands for the benchmark.
    pub metric: String,
    /// Which way is better.
    #[serde(default, skip_serializing_if = "Better::is_described")]
    pub direction: Better,
    /// Settings of the component.
    #[serde(default)]
    pub config: toml::Table,
    /// Questions that it may ask.
    #[serde(default)]
    pub grants: BTreeSet<String>,
}

/// Which way of a benchmark's metrics is better.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Better {
    /// As the component describes each of them.
    #[default]
    Described,
    /// No way: they make a profile, which can change and can neither regress nor pass a gate.
    None,
}

impl Better {
    /// Whether the component's word holds.
    #[must_use]
    pub const fn is_described(&self) -> bool {
        matches!(self, Self::Described)
    }
}

/// An lm-eval task, or a group of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskSpec {
    /// Its file.
    pub file: PathBuf,
    /// Examples in a prompt, instead of the task's own number.
    #[serde(default)]
    pub num_fewshot: Option<u32>,
    /// Whether prompts go through the chat template, and in which form; then the deployed system prompt stands before them.
    #[serde(default)]
    pub chat: Chat,
}

/// What must be reached; the defaults are the strict profile.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Gates {
    /// Mean trait adherence, at least.
    pub adherence: f64,
    /// No trait may be proven below this.
    pub adherence_floor: f64,
    /// Consistency in the weakest context kind, at least.
    pub consistency: f64,
    /// Style variance, less than.
    pub style_variance: f64,
}

impl Default for Gates {
    fn default() -> Self {
        Self { adherence: 0.90, adherence_floor: 0.75, consistency: 0.85, style_variance: 0.15 }
    }
}

impl SuiteFile {
    /// Reads and checks a suite file by itself; what it names is checked by [`super::load`].
    ///
    /// # Errors
    /// A usage error naming the file and the field.
    pub fn read(path: &Path) -> Result<Self> {
        let suite: Self = read::toml(path)?;
        suite.check().map_err(|error| error.within(path.display()))?;
        Ok(suite)
    }

    fn check(&self) -> Result<()> {
        if self.format != 1 {
            return Err(Error::usage(format!("format: {}, this version reads 1", self.format)));
        }
        within("max_failed_share", self.max_failed_share, 0.0, 1.0)?;
        within("decoding.max_tokens", f64::from(self.decoding.max_tokens), 1.0, 4096.0)?;
        within("decoding.temperature", f64::from(self.decoding.temperature), 0.0, 5.0)?;
        within("gates.adherence", self.gates.adherence, 0.0, 1.0)?;
        within("gates.adherence_floor", self.gates.adherence_floor, 0.0, 1.0)?;
        within("gates.consistency", self.gates.consistency, 0.0, 1.0)?;
        within("gates.style_variance", self.gates.style_variance, 0.0, 10.0)?;
        for (index, detector) in self.detector.iter().enumerate() {
            within(&format!("detector[{index}].threshold"), detector.threshold, 0.0, 1.0)?;
            check_grants(&format!("detector[{index}]"), &detector.grants)?;
        }
        if let Some(style) = &self.style {
            check_grants("style", &style.grants)?;
        }
        let mut ids = BTreeSet::new();
        for (index, benchmark) in self.benchmark.iter().enumerate() {
            if !ids.insert(&benchmark.id) {
                return Err(Error::usage(format!("benchmark[{index}].id: `{}` stands twice", benchmark.id)));
            }
            check_grants(&format!("benchmark[{index}]"), &benchmark.grants)?;
        }
        Ok(())
    }
}

fn check_grants(place: &str, grants: &BTreeSet<String>) -> Result<()> {
    match grants.iter().find(|kind| !ASK_KINDS.contains(&kind.as_str())) {
        None => Ok(()),
        Some(unknown) => {
            Err(Error::usage(format!("{place}.grants: `{unknown}` is none of {}", ASK_KINDS.join(", "))))
        }
    }
}
