//! The suite with everything that it names, read and checked before a model is started.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{
    asked::Asked,
    file::{DeployPrompt, FitData, SuiteFile},
};
use crate::{
    error::{Error, Result},
    ids::{Digest, Seed},
    model::ChatMessage,
    persona::{
        neutral::{self, NeutralTask},
        profile::Persona,
        scenarios::{self, Scenario, Split},
        texts::{self, Purpose, VoiceText},
    },
    read,
    sandbox::Row,
    tasks::{set::TaskSet, task::Options},
};

/// What the command line changes in a suite.
#[derive(Debug, Clone, Copy, Default)]
pub struct Selection {
    /// At most so many scenario families of the split.
    pub families: Option<usize>,
    /// At most so many items of each benchmark, and so many neutral tasks.
    pub items: Option<usize>,
    /// Instead of the suite's own.
    pub deploy_prompt: Option<DeployPrompt>,
    /// Instead of the suite's own.
    pub split: Option<Split>,
    /// Instead of the suite's own.
    pub seed: Option<Seed>,
    /// Whether the control without the persona's prompt is left out.
    pub without_control: bool,
}

/// A suite, ready to be run.
#[derive(Debug, Clone)]
pub struct Suite {
    /// The file, with the command line's changes.
    pub file: SuiteFile,
    /// Where the file is, as the user named it.
    pub path: PathBuf,
    /// Its folder: plugins named by path are relative to it.
    pub folder: PathBuf,
    /// The persona.
    pub persona: Persona,
    /// Scenarios of the split, in the order of the file.
    pub scenarios: Vec<Scenario>,
    /// Texts in the persona's voice.
    pub exemplars: Vec<VoiceText>,
    /// Texts in other voices.
    pub contrast: Vec<VoiceText>,
    /// Rows of each benchmark, in the order of the suite.
    pub benchmarks: Vec<Vec<Row>>,
    /// lm-eval tasks, in the order of the suite.
    pub tasks: Vec<TaskSet>,
    /// Tasks that ask for nothing of the persona.
    pub neutral: Vec<NeutralTask>,
    /// Whether the scenarios are answered without the persona's prompt too.
    pub control: bool,
    /// How it was asked for.
    pub asked: Asked,
}

impl Suite {
    /// Reads the suite file and everything that it names.
    ///
    /// # Errors
    /// Usage errors for configuration, bad input for data; each names file and field.
    pub fn load(path: &Path, selection: Selection) -> Result<Self> {
        let mut file = SuiteFile::read(path)?;
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        file.deploy_prompt = selection.deploy_prompt.unwrap_or(file.deploy_prompt);
        file.split = selection.split.unwrap_or(file.split);
        file.seed = selection.seed.unwrap_or(file.seed);

        let persona = Persona::read(&folder.join(&file.persona))?;
        check_detectors(&file, &persona).map_err(|error| error.within(path.display()))?;
        let mut scenarios = scenarios::read(&folder.join(&file.scenarios), &persona.contexts)?;
        scenarios.retain(|scenario| scenario.split == file.split);
        if scenarios.is_empty() {
            let message =
                format!("{}: no scenario in split {:?}", folder.join(&file.scenarios).display(), file.split);
            return Err(Error::bad_input(message.to_lowercase()));
        }
        if let Some(most) = selection.families {
            keep_families(&mut scenarios, most, file.seed);
        }
        let exemplars = texts::read(&folder.join(&file.exemplars))?;
        let contrast = texts::read(&folder.join(&file.contrast))?;
        let mut benchmarks = Vec::new();
        for benchmark in &file.benchmark {
            let mut rows = read_rows(&folder.join(&benchmark.data))?;
            if let Some(most) = selection.items {
                keep(&mut rows, most, file.seed, |row| &row.id);
            }
            benchmarks.push(rows);
        }
        let mut neutral = match &file.neutral {
            Some(neutral) => neutral::read(&folder.join(neutral))?,
            None => Vec::new(),
        };
        if let Some(most) = selection.items {
            keep(&mut neutral, most, file.seed, |task| &task.id);
        }
        let mut tasks: Vec<TaskSet> = Vec::new();
        for (index, spec) in file.task.iter().enumerate() {
            let options = Options { limit: selection.items, num_fewshot: spec.num_fewshot, chat: spec.chat };
            let set = TaskSet::read(&folder.join(&spec.file), &options)?;
            let names = |set: &TaskSet| -> Vec<String> {
                let groups = set.groups.iter().map(|group| group.name.clone());
                set.tasks.iter().map(|task| task.name.clone()).chain(groups).collect()
            };
            let mut taken =
                tasks.iter().flat_map(names).chain(file.benchmark.iter().map(|spec| spec.id.clone()));
            if let Some(name) = taken.find(|name| names(&set).contains(name)) {
                return Err(Error::usage(format!("task[{index}].file: the name `{name}` stands twice"))
                    .within(path.display()));
            }
            tasks.push(set);
        }
        let asked = Asked::suite(path, &selection);
        let path = path.to_owned();
        let control = !selection.without_control;
        Ok(Self {
            file,
            path,
            folder,
            persona,
            scenarios,
            exemplars,
            contrast,
            benchmarks,
            tasks,
            neutral,
            control,
            asked,
        })
    }

    /// The system message under a deploy prompt.
    #[must_use]
    pub fn system(&self, prompt: DeployPrompt) -> Option<ChatMessage> {
        match prompt {
            DeployPrompt::Persona => {
                Some(ChatMessage { role: "system".into(), content: self.persona.system_prompt.trim().into() })
            }
            DeployPrompt::None => None,
        }
    }

    /// The rows that an evaluator is fitted with: texts for fitting only, labelled with where they come from.
    #[must_use]
    pub fn fit_rows(&self, data: &[FitData]) -> Vec<Row> {
        let mut rows = Vec::new();
        for source in data {
            let (label, texts) = match source {
                FitData::Exemplars => ("exemplars", &self.exemplars),
                FitData::Contrast => ("contrast", &self.contrast),
            };
            for text in texts.iter().filter(|text| text.purpose == Purpose::Fit) {
                let body = serde_json::json!({ "text": text.text, "label": label });
                rows.push(Row { id: text.id.clone(), body: body.to_string() });
            }
        }
        rows
    }
}

/// Every trait has exactly one detector and every detector a trait.
fn check_detectors(file: &SuiteFile, persona: &Persona) -> Result<()> {
    if file.detector.is_empty() {
        return Ok(());
    }
    let mut detectors: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, detector) in file.detector.iter().enumerate() {
        if !persona.traits.iter().any(|item| item.id == detector.trait_id) {
            let message =
                format!("detector[{index}].trait: the persona has no trait `{}`", detector.trait_id);
            return Err(Error::usage(message));
        }
        if detectors.insert(&detector.trait_id, index).is_some() {
            return Err(Error::usage(format!(
                "detector[{index}].trait: `{}` has two detectors",
                detector.trait_id
            )));
        }
    }
    match persona.traits.iter().find(|item| !detectors.contains_key(item.id.as_str())) {
        None => Ok(()),
        Some(bare) => Err(Error::usage(format!("detector: trait `{}` has none", bare.id))
            .hint("add a [[detector]] for it, or take the trait out of the persona")),
    }
}

/// Reads rows of a benchmark: JSON objects with an `id`, one a line.
///
/// # Errors
/// Bad input naming file and line.
pub fn read_rows(path: &Path) -> Result<Vec<Row>> {
    #[derive(Deserialize)]
    struct Head {
        id: String,
    }
    let values: Vec<serde_json::Value> = read::jsonl(path)?;
    let mut rows = Vec::with_capacity(values.len());
    for (index, value) in values.into_iter().enumerate() {
        let head = Head::deserialize(&value)
            .map_err(|error| Error::bad_input(format!("{} line {}: {error}", path.display(), index + 1)))?;
        rows.push(Row { id: head.id, body: value.to_string() });
    }
    read::unique_ids(path, rows.iter().map(|row| row.id.as_str()))?;
    Ok(rows)
}

/// Keeps at most `most` families, whole, chosen by a seeded hash so that a subset is no part of the file's order.
fn keep_families(scenarios: &mut Vec<Scenario>, most: usize, seed: Seed) {
    let mut families: Vec<String> = scenarios.iter().map(|scenario| scenario.family.clone()).collect();
    families.sort();
    families.dedup();
    keep(&mut families, most, seed, |family| family);
    scenarios.retain(|scenario| families.contains(&scenario.family));
}

/// Keeps at most `most` of `items`, in their order, chosen by a seeded hash of their ids.
pub(crate) fn keep<T>(items: &mut Vec<T>, most: usize, seed: Seed, id: impl Fn(&T) -> &str) {
    if items.len() <= most {
        return;
    }
    let rank = |item: &T| Digest::of(format!("{}/{}", seed.0, id(item)).as_bytes());
    let mut ranks: Vec<Digest> = items.iter().map(&rank).collect();
    ranks.sort();
    let Some(bar) = ranks.get(most).cloned() else {
        return;
    };
    items.retain(|item| rank(item) < bar);
}
