//! What rows are held against: the items of benchmarks, documents of lm-eval tasks, scenarios, or any file of JSON lines.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    error::Result,
    persona::{
        neutral,
        profile::Persona,
        scenarios::{self, Split},
        texts::{self, Purpose},
    },
    read,
    suite::file::SuiteFile,
    tasks::{set::TaskSet, task::Options},
};

/// Where a row or an item stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The file, as it was named.
    pub file: String,
    /// 1-based; of an lm-eval task's data the row.
    pub line: usize,
}

/// One item that nobody may have been trained on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Where it stands.
    pub place: Place,
    /// Its texts.
    pub texts: Vec<String>,
}

/// Everything that rows are held against.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Against {
    /// The files, as they were named.
    pub names: Vec<String>,
    /// What is in them.
    pub items: Vec<Item>,
}

impl Against {
    /// Reads suites and files.
    ///
    /// # Errors
    /// As [`read()`].
    pub fn read(paths: &[PathBuf]) -> Result<Self> {
        let mut against = Self::default();
        for path in paths {
            against.names.push(path.display().to_string());
            against.items.extend(read(path)?);
        }
        Ok(against)
    }
}

/// Reads what a name stands for: of a suite (`.toml`) every item that it measures with, of any other file each line.
///
/// Of a suite these are all rows of every benchmark and of every lm-eval task's evaluated split, the neutral tasks, what the user says in the scenarios of the dev
/// and test families, and the texts that only test the voice. Train families are there to be trained on. Of a row every text
/// in it counts, however deep it lies.
///
/// # Errors
/// Usage errors for a suite, bad input for data; each names file and line.
pub fn read(path: &Path) -> Result<Vec<Item>> {
    if path.extension().is_some_and(|extension| extension == "toml") { suite(path) } else { rows(path) }
}

fn rows(path: &Path) -> Result<Vec<Item>> {
    let values: Vec<Value> = read::jsonl(path)?;
    let texts = values.into_iter().map(|value| {
        let mut texts = Vec::new();
        leaves(value, &mut texts);
        texts
    });
    Ok(items(path, texts.map(Some)))
}

fn suite(path: &Path) -> Result<Vec<Item>> {
    let file = SuiteFile::read(path)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut found = Vec::new();
    for benchmark in &file.benchmark {
        found.extend(rows(&folder.join(&benchmark.data))?);
    }
    for (index, spec) in file.task.iter().enumerate() {
        let options = Options { limit: None, num_fewshot: spec.num_fewshot, chat: spec.chat };
        let set = TaskSet::read(&folder.join(&spec.file), &options)
            .map_err(|error| error.within(format!("{}: task[{index}]", path.display())))?;
        for task in set.tasks {
            let texts = task.documents.into_iter().map(|document| {
                let mut texts = Vec::new();
                leaves(Value::Object(document.row), &mut texts);
                Some(texts)
            });
            found.extend(items(Path::new(&task.data), texts));
        }
    }
    if let Some(neutral) = &file.neutral {
        let path = folder.join(neutral);
        let tasks = neutral::read(&path)?;
        found.extend(items(&path, tasks.into_iter().map(|task| Some(vec![task.prompt]))));
    }
    let persona = Persona::read(&folder.join(&file.persona))?;
    let path = folder.join(&file.scenarios);
    let scenarios = scenarios::read(&path, &persona.contexts)?;
    let asked = scenarios.into_iter().map(|scenario| {
        let said = scenario.messages.into_iter().filter(|message| message.role == "user");
        (scenario.split != Split::Train).then(|| said.map(|message| message.content).collect())
    });
    found.extend(items(&path, asked));
    for texts in [&file.exemplars, &file.contrast] {
        let path = folder.join(texts);
        let kept = texts::read(&path)?;
        let kept = kept.into_iter().map(|row| (row.purpose == Purpose::HeldOut).then(|| vec![row.text]));
        found.extend(items(&path, kept));
    }
    Ok(found)
}

/// Lines become items; a line without texts is nobody's.
fn items(path: &Path, lines: impl Iterator<Item = Option<Vec<String>>>) -> Vec<Item> {
    let file = shown(path);
    let item = |(index, texts): (usize, Option<Vec<String>>)| {
        Some(Item { place: Place { file: file.clone(), line: index + 1 }, texts: texts? })
    };
    lines.enumerate().filter_map(item).collect()
}

/// A path as reports show it, without `./` inside.
fn shown(path: &Path) -> String {
    path.components().collect::<PathBuf>().display().to_string()
}

fn leaves(value: Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Array(values) => values.into_iter().for_each(|value| leaves(value, texts)),
        Value::Object(fields) => fields.into_values().for_each(|value| leaves(value, texts)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
