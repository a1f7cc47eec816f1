//! The keys of a task file, as lm-eval 0.4.13 has them, without those that run Python or load from a hub.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_norway::Value as Yaml;

/// One task. Fields that begin with an underscore are allowed and change no score.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskFile {
    /// Its name.
    pub task: String,
    #[serde(default, rename = "task_alias")]
    _alias: Option<String>,
    #[serde(default, rename = "tag")]
    _tag: Option<Yaml>,
    #[serde(default, rename = "metadata")]
    _metadata: Option<Yaml>,
    #[serde(default, rename = "should_decontaminate")]
    _should_decontaminate: bool,
    #[serde(default, rename = "doc_to_decontamination_query")]
    _decontamination: Option<String>,
    /// `json`, `csv` or `parquet`: how the files of the data are read.
    pub dataset_path: String,
    /// Which files.
    #[serde(default)]
    pub dataset_kwargs: DatasetKwargs,
    /// Name of a split that examples may come from.
    #[serde(default)]
    pub training_split: Option<String>,
    /// Evaluated where there is no test split.
    #[serde(default)]
    pub validation_split: Option<String>,
    /// Evaluated.
    #[serde(default)]
    pub test_split: Option<String>,
    /// Where examples come from.
    #[serde(default)]
    pub fewshot_split: Option<String>,
    /// What is asked of the model.
    #[serde(default)]
    pub output_type: OutputType,
    /// Stands before everything.
    #[serde(default)]
    pub description: String,
    /// The question.
    pub doc_to_text: Option<Yaml>,
    /// The choices.
    pub doc_to_choice: Option<Yaml>,
    /// The answer.
    pub doc_to_target: Option<Yaml>,
    /// Between a question and its answer.
    #[serde(default = "space")]
    pub target_delimiter: String,
    /// After an example.
    #[serde(default = "blank_line")]
    pub fewshot_delimiter: String,
    /// The beginning of every answer.
    #[serde(default)]
    pub gen_prefix: Option<String>,
    /// Examples in a prompt.
    #[serde(default)]
    pub num_fewshot: Option<u32>,
    /// What is different for examples.
    #[serde(default)]
    pub fewshot_config: Option<FewshotConfig>,
    /// What is measured; the output type's own metrics where absent.
    #[serde(default)]
    pub metric_list: Option<Vec<MetricSpec>>,
    /// What is made of a generated text before it is measured.
    #[serde(default)]
    pub filter_list: Option<Vec<FilterPipeline>>,
    /// How texts are generated.
    #[serde(default)]
    pub generation_kwargs: Option<GenerationKwargs>,
    /// How often each text is generated.
    #[serde(default)]
    pub repeats: Option<u32>,
}

fn space() -> String {
    " ".into()
}

fn blank_line() -> String {
    "\n\n".into()
}

/// What is asked of the model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputType {
    /// How likely is the target?
    Loglikelihood,
    /// How likely is the whole text?
    LoglikelihoodRolling,
    /// What does it say?
    #[default]
    GenerateUntil,
    /// Which choice is likeliest?
    MultipleChoice,
}

impl OutputType {
    /// Its name in task files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Loglikelihood => "loglikelihood",
            Self::LoglikelihoodRolling => "loglikelihood_rolling",
            Self::GenerateUntil => "generate_until",
            Self::MultipleChoice => "multiple_choice",
        }
    }
}

/// Where the data is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatasetKwargs {
    /// Files of each split, read one after the other.
    #[serde(default)]
    pub data_files: BTreeMap<String, OneOrMany>,
}

/// One text, or several.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum OneOrMany {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

/// What is different for examples.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FewshotConfig {
    /// How they are chosen.
    #[serde(default)]
    pub sampler: Sampler,
    /// Instead of `fewshot_split`.
    #[serde(default)]
    pub split: Option<String>,
    /// The examples themselves, where no split is named.
    #[serde(default)]
    pub samples: Option<Vec<Yaml>>,
    /// Instead of the task's own.
    pub doc_to_text: Option<Yaml>,
    /// Instead of the task's own.
    pub doc_to_choice: Option<Yaml>,
    /// Instead of the task's own.
    pub doc_to_target: Option<Yaml>,
    /// Instead of the task's own.
    #[serde(default)]
    pub gen_prefix: Option<String>,
    /// Instead of the task's own.
    #[serde(default)]
    pub fewshot_delimiter: Option<String>,
    /// Instead of the task's own.
    #[serde(default)]
    pub target_delimiter: Option<String>,
}

/// How examples are chosen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sampler {
    /// Drawn.
    #[default]
    Default,
    /// The first rows.
    FirstN,
}

/// One metric with its settings.
#[derive(Debug, Clone, Deserialize)]
pub struct MetricSpec {
    /// Its name.
    pub metric: String,
    /// How documents become one number.
    #[serde(default)]
    pub aggregation: Option<String>,
    /// Which way is better.
    #[serde(default)]
    pub higher_is_better: Option<bool>,
    /// Its own settings.
    #[serde(flatten)]
    pub settings: BTreeMap<String, Yaml>,
}

/// A named sequence of filters.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilterPipeline {
    /// Stands behind the metric's name.
    pub name: String,
    /// Applied in this order.
    pub filter: Vec<FilterSpec>,
}

/// One filter with its settings.
#[derive(Debug, Clone, Deserialize)]
pub struct FilterSpec {
    /// Its name.
    pub function: String,
    /// Its own settings.
    #[serde(flatten)]
    pub settings: BTreeMap<String, Yaml>,
}

/// How texts are generated.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenerationKwargs {
    /// Texts that end a response.
    #[serde(default)]
    pub until: Option<OneOrMany>,
    /// Whether tokens are drawn.
    #[serde(default)]
    pub do_sample: Option<bool>,
    /// At which temperature.
    #[serde(default)]
    pub temperature: Option<f32>,
    /// Most tokens.
    #[serde(default, alias = "max_new_tokens", alias = "max_tokens", alias = "max_completion_tokens")]
    pub max_gen_toks: Option<u32>,
}

impl OneOrMany {
    /// As a list.
    #[must_use]
    pub fn list(&self) -> Vec<&str> {
        match self {
            Self::One(one) => vec![one],
            Self::Many(many) => many.iter().map(String::as_str).collect(),
        }
    }
}
