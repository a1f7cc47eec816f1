//! One lm-eval task file: pure YAML and Jinja over a local JSON-lines file, multiple choice, no examples in the
//! prompt.
//!
//! A file either means here exactly what it means there, or it is refused: Python (`!function`), other output
//! types, few-shot examples, filters and unknown keys end with an error that names the key.
//!
//! Definitions as in lm-eval 0.4.13: `acc` is 1 where the choice with the highest log-likelihood is the target;
//! `acc_norm` divides each log-likelihood by the number of characters of the choice, delimiter excluded, `acc_bytes` by its
//! bytes. The first of equal choices wins.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use serde_norway::Value as Yaml;

use super::render::Template;
use crate::{
    error::{Error, Result},
    read,
};

/// The YAML document.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    task: String,
    /// Allowed, and of no meaning for one task by itself.
    #[serde(default, rename = "task_alias")]
    _alias: Option<String>,
    /// As the alias.
    #[serde(default, rename = "tag")]
    _tag: Option<Yaml>,
    dataset_path: String,
    #[serde(default)]
    dataset_kwargs: DatasetKwargs,
    #[serde(default)]
    test_split: Option<String>,
    #[serde(default)]
    validation_split: Option<String>,
    output_type: String,
    #[serde(default)]
    description: String,
    doc_to_text: Yaml,
    doc_to_choice: Yaml,
    doc_to_target: Yaml,
    #[serde(default)]
    target_delimiter: Option<String>,
    #[serde(default)]
    num_fewshot: Option<u32>,
    #[serde(default)]
    metric_list: Vec<Metric>,
    /// As the alias.
    #[serde(default, rename = "metadata")]
    _metadata: Option<Yaml>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct DatasetKwargs {
    #[serde(default)]
    data_files: BTreeMap<String, PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Metric {
    #[serde(rename = "metric")]
    name: String,
    #[serde(default)]
    aggregation: Option<String>,
    #[serde(default)]
    higher_is_better: Option<bool>,
}

/// A task with its documents rendered: what is asked, and what would be right.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// Name that the file gives itself.
    pub name: String,
    /// Metrics wanted: some of `acc`, `acc_norm` and `acc_bytes`.
    pub metrics: Vec<String>,
    /// One per row of the data.
    pub documents: Vec<Document>,
}

/// One question.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Document {
    /// Position in the data, from 0, as lm-eval counts.
    pub id: usize,
    /// Raw text before the choice.
    pub context: String,
    /// Choices without the delimiter.
    pub choices: Vec<String>,
    /// What stands between context and choice.
    pub delimiter: String,
    /// Index of the right choice.
    pub target: usize,
}

impl Document {
    /// The texts whose likelihood is asked for, in the order of the choices.
    #[must_use]
    pub fn continuations(&self) -> Vec<String> {
        self.choices.iter().map(|choice| format!("{}{choice}", self.delimiter)).collect()
    }

    /// The value of a metric that [`Task::read`] accepts.
    #[must_use]
    pub fn value(&self, metric: &str, loglikelihood: &[f64]) -> f64 {
        match metric {
            "acc_norm" => self.normalised_accuracy(loglikelihood),
            "acc_bytes" => self.accuracy_per_byte(loglikelihood),
            _ => self.accuracy(loglikelihood),
        }
    }

    /// `acc`: 1 where the most likely choice is the target.
    #[must_use]
    pub fn accuracy(&self, loglikelihood: &[f64]) -> f64 {
        f64::from(u8::from(argmax(loglikelihood.iter().copied()) == Some(self.target)))
    }

    /// `acc_norm`: as `acc`, per character of the choice.
    #[must_use]
    pub fn normalised_accuracy(&self, loglikelihood: &[f64]) -> f64 {
        let per_character = loglikelihood
            .iter()
            .zip(&self.choices)
            .map(|(value, choice)| value / choice.chars().count() as f64);
        f64::from(u8::from(argmax(per_character) == Some(self.target)))
    }

    /// `acc_bytes`: as `acc`, per byte of the choice in UTF-8.
    #[must_use]
    pub fn accuracy_per_byte(&self, loglikelihood: &[f64]) -> f64 {
        let per_byte =
            loglikelihood.iter().zip(&self.choices).map(|(value, choice)| value / choice.len() as f64);
        f64::from(u8::from(argmax(per_byte) == Some(self.target)))
    }
}

/// Index of the largest value, the first of equals.
fn argmax(values: impl Iterator<Item = f64>) -> Option<usize> {
    let mut best: Option<(usize, f64)> = None;
    for (index, value) in values.enumerate() {
        if best.is_none_or(|(_, most)| value > most) {
            best = Some((index, value));
        }
    }
    best.map(|(index, _)| index)
}

impl Task {
    /// Reads a task file and renders its documents.
    ///
    /// # Errors
    /// A usage error naming the key that is not supported, bad input naming the row that does not render.
    pub fn read(path: &Path) -> Result<Self> {
        let text = read::text(path)?;
        let file: File = serde_norway::from_str(&text).map_err(|error| {
            let message = error.to_string().replace('\n', " ");
            let error = Error::usage(format!("{}: {message}", path.display()));
            error.hint("only the keys of plain multiple-choice tasks over local JSON lines are read")
        })?;
        let supported = file.supported().map_err(|error| error.within(path.display()))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let data = folder.join(supported);
        let rows: Vec<serde_json::Map<String, serde_json::Value>> = read::jsonl(&data)?;
        let templates = Templates::new(&file).map_err(|error| error.within(path.display()))?;
        let mut documents = Vec::with_capacity(rows.len());
        for (id, row) in rows.iter().enumerate() {
            let document = templates.document(id, row);
            documents
                .push(document.map_err(|error| error.within(format!("{} line {}", data.display(), id + 1)))?);
        }
        let metrics = file.metric_list.into_iter().map(|metric| metric.name).collect();
        Ok(Self { name: file.task, metrics, documents })
    }
}

impl File {
    /// Refuses what would mean something else here than there; gives the data file.
    fn supported(&self) -> Result<&Path> {
        let unsupported = |key: &str, value: &str, wanted: &str| {
            Err(Error::usage(format!("{key}: `{value}` is not supported, only {wanted}")))
        };
        if self.output_type != "multiple_choice" {
            return unsupported("output_type", &self.output_type, "multiple_choice");
        }
        if self.dataset_path != "json" {
            return unsupported("dataset_path", &self.dataset_path, "json (a local file of JSON lines)");
        }
        if let Some(shots) = self.num_fewshot.filter(|shots| *shots > 0) {
            return unsupported("num_fewshot", &shots.to_string(), "0");
        }
        for metric in &self.metric_list {
            if !["acc", "acc_norm", "acc_bytes"].contains(&metric.name.as_str()) {
                return unsupported("metric_list.metric", &metric.name, "acc, acc_norm and acc_bytes");
            }
            if let Some(aggregation) = metric.aggregation.as_deref().filter(|name| *name != "mean") {
                return unsupported("metric_list.aggregation", aggregation, "mean");
            }
            if metric.higher_is_better == Some(false) {
                return unsupported("metric_list.higher_is_better", "false", "true");
            }
        }
        if self.metric_list.is_empty() {
            return Err(Error::usage("metric_list: empty").hint("name acc, acc_norm, acc_bytes or several"));
        }
        let split = self.test_split.as_ref().or(self.validation_split.as_ref());
        let Some(split) = split else {
            return Err(Error::usage("test_split: missing, and so is validation_split"));
        };
        match self.dataset_kwargs.data_files.get(split) {
            Some(file) => Ok(file),
            None => Err(Error::usage(format!("dataset_kwargs.data_files: no file for split `{split}`"))),
        }
    }
}

/// The compiled templates of one task.
struct Templates {
    description: Template,
    text: Template,
    choice: Choices,
    target: Template,
    delimiter: String,
}

/// Choices are either listed in the file or computed per row.
enum Choices {
    Listed(Vec<String>),
    Computed(Box<Template>),
}

impl Templates {
    fn new(file: &File) -> Result<Self> {
        let choice = match &file.doc_to_choice {
            Yaml::Sequence(items) => {
                let mut listed = Vec::new();
                for item in items {
                    listed.push(plain("doc_to_choice", item)?);
                }
                Choices::Listed(listed)
            }
            other => {
                let template = Template::new("doc_to_choice", &plain("doc_to_choice", other)?)?;
                Choices::Computed(Box::new(template))
            }
        };
        Ok(Self {
            description: Template::new("description", &file.description)?,
            text: Template::new("doc_to_text", &plain("doc_to_text", &file.doc_to_text)?)?,
            choice,
            target: Template::new("doc_to_target", &plain("doc_to_target", &file.doc_to_target)?)?,
            delimiter: file.target_delimiter.clone().unwrap_or_else(|| " ".into()),
        })
    }

    fn document(&self, id: usize, row: &serde_json::Map<String, serde_json::Value>) -> Result<Document> {
        let choices = match &self.choice {
            Choices::Listed(listed) => listed.clone(),
            Choices::Computed(template) => template.list(row)?,
        };
        if choices.is_empty() {
            return Err(Error::bad_input("doc_to_choice: gives no choice"));
        }
        let target = self.target.scalar(row)?;
        let target = match target.parse::<usize>() {
            Ok(index) => index,
            Err(_) => choices.iter().position(|choice| *choice == target).ok_or_else(|| {
                Error::bad_input(format!(
                    "doc_to_target: `{target}` is neither an index nor one of the choices"
                ))
            })?,
        };
        if target >= choices.len() {
            let message = format!("doc_to_target: index {target} of {} choices", choices.len());
            return Err(Error::bad_input(message));
        }
        let context = format!("{}{}", self.description.scalar(row)?, self.text.scalar(row)?);
        Ok(Document { id, context, choices, delimiter: self.delimiter.clone(), target })
    }
}

/// A YAML string, or a number as its text; Python functions and other shapes are refused.
fn plain(key: &str, value: &Yaml) -> Result<String> {
    match value {
        Yaml::String(text) => Ok(text.clone()),
        Yaml::Number(number) => Ok(number.to_string()),
        Yaml::Tagged(tagged) => {
            let message = format!("{key}: {} runs Python, which is refused", tagged.tag);
            Err(Error::usage(message).hint("write it as a Jinja template, or as an evaluator component"))
        }
        _ => Err(Error::usage(format!("{key}: neither a text nor a list of texts"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TASK: &str = r#"
task: demo
dataset_path: json
dataset_kwargs: {data_files: {test: rows.jsonl}}
test_split: test
output_type: multiple_choice
doc_to_text: "Q: {{question}}\nA:"
doc_to_choice: "{{choices}}"
doc_to_target: label
metric_list:
  - {metric: acc, aggregation: mean, higher_is_better: true}
"#;
    const ROW: &str = r#"{"question": "one?", "choices": ["yes", "no"], "label": 1}"#;

    fn read(task: &str, row: &str) -> Result<Task> {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("task.yaml"), task).expect("written");
        std::fs::write(folder.path().join("rows.jsonl"), format!("{row}\n")).expect("written");
        Task::read(&folder.path().join("task.yaml"))
    }

    fn refusal(task: &str, row: &str) -> String {
        let text = read(task, row).expect_err("refused").to_string();
        let start = ["task.yaml", "rows.jsonl"].iter().filter_map(|name| text.find(name)).min();
        text[start.unwrap_or(0)..].to_owned()
    }

    #[test]
    fn a_document_is_rendered_as_lm_eval_renders_it() {
        let task = read(TASK, ROW).expect("a task");
        let document = &task.documents[0];
        assert_eq!(document.context, "Q: one?\nA:");
        assert_eq!(document.continuations(), [" yes", " no"]);
        assert_eq!(document.target, 1);
    }

    #[test]
    fn a_target_computed_from_a_listed_choice_is_found() {
        let task = TASK.replace("\"{{choices}}\"", "[\" Yes\", \" No\"]").replace(
            "doc_to_target: label",
            "doc_to_target: \"{{[' Yes',' No'].index(answer)}}\"\ntarget_delimiter: \"\"",
        );
        let task = read(&task, r#"{"question": "one?", "answer": " No"}"#).expect("a task");
        assert_eq!(task.documents[0].target, 1);
        assert_eq!(task.documents[0].continuations(), [" Yes", " No"]);
    }

    #[test]
    fn the_first_of_equal_choices_wins_and_the_norm_counts_characters() {
        let task = read(TASK, ROW).expect("a task");
        let document = &task.documents[0];
        assert!(document.accuracy(&[-1.0, -1.0]) < 0.5);
        // "yes" has three characters and "no" two: -3.0 / 3 loses against -1.8 / 2.
        assert!(document.normalised_accuracy(&[-3.0, -1.8]) > 0.5);
        assert!(document.normalised_accuracy(&[-2.4, -1.8]) < 0.5);
    }

    #[test]
    fn what_would_mean_something_else_is_refused_by_name() {
        let with = |from: &str, to: &str| refusal(&TASK.replace(from, to), ROW);
        insta::assert_snapshot!(with("multiple_choice", "generate_until"), @"task.yaml: output_type: `generate_until` is not supported, only multiple_choice");
        insta::assert_snapshot!(with("doc_to_target: label", "doc_to_target: !function utils.target"), @"task.yaml: doc_to_target: !function runs Python, which is refused");
        insta::assert_snapshot!(with("metric: acc", "metric: brier_score"), @"task.yaml: metric_list.metric: `brier_score` is not supported, only acc, acc_norm and acc_bytes");
        insta::assert_snapshot!(with("{{question}}", "{{question"), @"task.yaml: doc_to_text: syntax error: unexpected identifier, expected end of variable block (in template:2)");
        insta::assert_snapshot!(with("task: demo", "task: demo\ntask: again"), @"task.yaml: duplicate field `task` at line 2 column 1");
        insta::assert_snapshot!(with("task: demo", "task: demo\nfewshot_split: train"), @"task.yaml: unknown field `fewshot_split`, expected one of `task`, `task_alias`, `tag`, `dataset_path`, `dataset_kwargs`, `test_split`, `validation_split`, `output_type`, `description`, `doc_to_text`, `doc_to_choice`, `doc_to_target`, `target_delimiter`, `num_fewshot`, `metric_list`, `metadata` at line 3 column 1");
    }

    #[test]
    fn a_row_that_does_not_fit_is_named_with_its_line() {
        insta::assert_snapshot!(refusal(TASK, r#"{"question": "one?", "choices": ["yes"], "label": 1}"#), @"rows.jsonl line 1: doc_to_target: index 1 of 1 choices");
        insta::assert_snapshot!(refusal(TASK, r#"{"choices": ["yes"], "label": 0}"#), @"rows.jsonl line 1: doc_to_text: undefined value: `question` is undefined (in template:1)");
        insta::assert_snapshot!(refusal(TASK, r#"{"question": "one?", "choices": "yes", "label": 0}"#), @"rows.jsonl line 1: doc_to_choice: gives string instead of a list");
    }
}
