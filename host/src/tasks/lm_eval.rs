//! One lm-eval task file: pure YAML and Jinja over local JSON-lines files, multiple choice, perhaps with the first rows of
//! another split as examples in the prompt.
//!
//! A file either means here exactly what it means there, or it is refused: Python (`!function`), other output
//! types, drawn few-shot examples, filters and unknown keys end with an error that names the key.
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

use super::{
    include,
    render::{Row, Template},
};
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
    fewshot_split: Option<String>,
    #[serde(default)]
    fewshot_delimiter: Option<String>,
    #[serde(default)]
    fewshot_config: Option<FewshotConfig>,
    #[serde(default)]
    metric_list: Vec<Metric>,
    /// As the alias.
    #[serde(default, rename = "metadata")]
    _metadata: Option<Yaml>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FewshotConfig {
    sampler: String,
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
        let text = include::read(path)?;
        let file: File = serde_norway::from_str(&text).map_err(|error| {
            let message = error.to_string().replace('\n', " ");
            let error = Error::usage(format!("{}: {message}", path.display()));
            error.hint("only the keys of plain multiple-choice tasks over local JSON lines are read")
        })?;
        let supported = file.supported().map_err(|error| error.within(path.display()))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let data = folder.join(supported);
        let rows: Vec<Row> = read::jsonl(&data)?;
        let templates = Templates::new(&file).map_err(|error| error.within(path.display()))?;
        let examples = file.examples(&templates, folder).map_err(|error| error.within(path.display()))?;
        let mut documents = Vec::with_capacity(rows.len());
        for (id, row) in rows.iter().enumerate() {
            let document = templates.document(id, row, &examples);
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
        let sampler = self.fewshot_config.as_ref().map_or("default", |config| config.sampler.as_str());
        if self.shots() > 0 && sampler != "first_n" {
            return unsupported("fewshot_config.sampler", sampler, "first_n");
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

impl File {
    /// How many examples stand in every prompt.
    fn shots(&self) -> usize {
        self.num_fewshot.unwrap_or(0) as usize
    }

    /// The first rows of the split of examples, rendered with their answers; one more than needed where documents come from
    /// the same split, because a document is never its own example.
    fn examples(&self, templates: &Templates, folder: &Path) -> Result<Examples> {
        let shots = self.shots();
        if shots == 0 {
            return Ok(Examples { shots, rows: Vec::new() });
        }
        let split = self.fewshot_split.as_ref().ok_or_else(|| {
            Error::usage("fewshot_split: missing").hint("name the split that the examples come from")
        })?;
        let file =
            self.dataset_kwargs.data_files.get(split).ok_or_else(|| {
                Error::usage(format!("dataset_kwargs.data_files: no file for split `{split}`"))
            })?;
        let data = folder.join(file);
        let mut rows: Vec<Row> = read::jsonl(&data)?;
        let wanted = shots + usize::from(self.test_split.as_ref() == Some(split));
        if rows.len() < wanted {
            let message = format!("{}: {} rows, {wanted} examples are needed", data.display(), rows.len());
            return Err(Error::bad_input(message).hint("lower num_fewshot"));
        }
        rows.truncate(wanted);
        let delimiter = self.fewshot_delimiter.as_deref().unwrap_or("\n\n");
        let render = |(index, row): (usize, Row)| {
            let text = templates.example(&row, delimiter);
            let place = || format!("{} line {}", data.display(), index + 1);
            text.map(|text| (row, text)).map_err(|error| error.within(place()))
        };
        let rows = rows.into_iter().enumerate().map(render).collect::<Result<_>>()?;
        Ok(Examples { shots, rows })
    }
}

/// Examples of answered questions.
struct Examples {
    shots: usize,
    /// Each with its row.
    rows: Vec<(Row, String)>,
}

impl Examples {
    /// What stands before a document.
    fn before(&self, document: &Row) -> String {
        let others = self.rows.iter().filter(|(row, _)| row != document);
        others.take(self.shots).map(|(_, text)| text.as_str()).collect()
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

    /// A question with its answer, as an example.
    fn example(&self, row: &Row, delimiter: &str) -> Result<String> {
        let (choices, target) = self.answer(row)?;
        Ok(format!("{}{}{}{delimiter}", self.text.scalar(row)?, self.delimiter, choices[target]))
    }

    fn document(&self, id: usize, row: &Row, examples: &Examples) -> Result<Document> {
        let (choices, target) = self.answer(row)?;
        let context =
            format!("{}{}{}", self.description.scalar(row)?, examples.before(row), self.text.scalar(row)?);
        Ok(Document { id, context, choices, delimiter: self.delimiter.clone(), target })
    }

    /// The choices, and which of them is right.
    fn answer(&self, row: &Row) -> Result<(Vec<String>, usize)> {
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
        Ok((choices, target))
    }
}

/// A YAML string, or a number as its text; other shapes are refused.
fn plain(key: &str, value: &Yaml) -> Result<String> {
    match value {
        Yaml::String(text) => Ok(text.clone()),
        Yaml::Number(number) => Ok(number.to_string()),
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
    fn the_first_rows_of_another_split_are_examples_and_a_document_is_never_its_own() {
        let shots = |split: &str| {
            TASK.replace("test: rows.jsonl}", "test: rows.jsonl, train: rows.jsonl}")
                + &format!("num_fewshot: 1\nfewshot_split: {split}\nfewshot_config: {{sampler: first_n}}\n")
        };
        let rows = format!("{ROW}\n{}", ROW.replace("one?", "two?"));
        let contexts = |split: &str| -> Vec<String> {
            let task = read(&shots(split), &rows).expect("a task");
            task.documents.into_iter().map(|document| document.context).collect()
        };
        assert_eq!(contexts("test"), ["Q: two?\nA: no\n\nQ: one?\nA:", "Q: one?\nA: no\n\nQ: two?\nA:"]);
        assert_eq!(contexts("train")[1], "Q: one?\nA: no\n\nQ: two?\nA:");
        let drawn = shots("test").replace("first_n", "default");
        insta::assert_snapshot!(refusal(&drawn, &rows), @"task.yaml: fewshot_config.sampler: `default` is not supported, only first_n");
    }

    #[test]
    fn an_included_file_gives_the_keys_that_are_not_said_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("written");
        write("base.yaml", TASK);
        write("rows.jsonl", &format!("{ROW}\n"));
        write("task.yaml", "include: base.yaml\ntask: other\n");
        let read = || Task::read(&folder.path().join("task.yaml"));
        let task = read().expect("a task");
        assert_eq!((task.name.as_str(), task.documents.len()), ("other", 1));
        write("base.yaml", "include: task.yaml\n");
        assert!(read().expect_err("a circle").to_string().ends_with("includes itself"));
        write(
            "task.yaml",
            "include: base.yaml\ndoc_to_text: !function utils.text\ndoc_to_target: !function utils.target\n",
        );
        write("base.yaml", TASK);
        insta::assert_snapshot!(
            read().expect_err("Python").to_string().rsplit("task.yaml: ").next().unwrap_or_default(),
            @"needs Python, which is refused: doc_to_target (utils.target), doc_to_text (utils.text)"
        );
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
        insta::assert_snapshot!(with("doc_to_target: label", "doc_to_target: !function utils.target"), @"task.yaml: needs Python, which is refused: doc_to_target (utils.target)");
        insta::assert_snapshot!(with("metric: acc", "metric: brier_score"), @"task.yaml: metric_list.metric: `brier_score` is not supported, only acc, acc_norm and acc_bytes");
        insta::assert_snapshot!(with("{{question}}", "{{question"), @"task.yaml: doc_to_text: syntax error: unexpected identifier, expected end of variable block (in template:2)");
        insta::assert_snapshot!(with("task: demo", "task: demo\ntask: again"), @r#"task.yaml: duplicate entry with key "task" at line 2 column 1"#);
        insta::assert_snapshot!(with("task: demo", "task: demo\nfewshot: train"), @"task.yaml: unknown field `fewshot`, expected one of `task`, `task_alias`, `tag`, `dataset_path`, `dataset_kwargs`, `test_split`, `validation_split`, `output_type`, `description`, `doc_to_text`, `doc_to_choice`, `doc_to_target`, `target_delimiter`, `num_fewshot`, `fewshot_split`, `fewshot_delimiter`, `fewshot_config`, `metric_list`, `metadata` at line 3 column 1");
    }

    #[test]
    fn a_row_that_does_not_fit_is_named_with_its_line() {
        insta::assert_snapshot!(refusal(TASK, r#"{"question": "one?", "choices": ["yes"], "label": 1}"#), @"rows.jsonl line 1: doc_to_target: index 1 of 1 choices");
        insta::assert_snapshot!(refusal(TASK, r#"{"choices": ["yes"], "label": 0}"#), @"rows.jsonl line 1: doc_to_text: undefined value: `question` is undefined (in template:1)");
        insta::assert_snapshot!(refusal(TASK, r#"{"question": "one?", "choices": "yes", "label": 0}"#), @"rows.jsonl line 1: doc_to_choice: gives string instead of a list");
    }
}
