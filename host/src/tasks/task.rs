//! One task, ready to be asked: its documents rendered, its filters and metrics checked.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{
    data::Split,
    document::{Context, Document, Work},
    fewshot::{self, Examples},
    field::{Fields, Target},
    file::{FewshotConfig, GenerationKwargs, OutputType, TaskFile},
    filter::Pipeline,
    include::Source,
    metric::Metric,
    prompt::{Chat, Form, Prompter},
    render::{Columns, Row, Template},
};
use crate::error::{Error, Result};

/// Most tokens of a text where the task does not say.
const MOST_TOKENS: u32 = 256;

/// Most repeats of a text.
const MOST_REPEATS: u32 = 1024;

/// What a command line changes in a task.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Options {
    /// Only the first documents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Examples in a prompt, instead of the task's own number; a task that says 0 keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub num_fewshot: Option<u32>,
    /// Whether prompts go through the chat template.
    #[serde(default)]
    pub chat: Chat,
}

/// How texts are generated.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Generation {
    /// Texts that end one; not part of it.
    pub until: Vec<String>,
    /// Most tokens.
    pub max_tokens: u32,
    /// 0 is greedy.
    pub temperature: f32,
    /// Texts per document.
    pub repeats: u32,
}

/// A task with its documents.
#[derive(Debug, Clone)]
pub struct Task {
    /// Its name.
    pub name: String,
    /// What is asked of the model.
    pub output: OutputType,
    /// Examples in every prompt.
    pub shots: u32,
    /// What is measured.
    pub metrics: Vec<Metric>,
    /// What is made of a text before it is measured; one without a name of its own where no texts are made.
    pub pipelines: Vec<Pipeline>,
    /// How texts are generated.
    pub generation: Generation,
    /// Files of the evaluated split, for messages.
    pub data: String,
    /// Rows of it.
    pub rows: usize,
    /// What is asked; fewer than rows under a limit.
    pub documents: Vec<Document>,
}

impl Task {
    /// Reads the data of a task file and renders its documents.
    ///
    /// # Errors
    /// A usage error naming the key that is not supported, bad input naming the row that does not render.
    pub fn new(source: &Source, options: &Options) -> Result<Self> {
        let file: TaskFile = source.fit()?;
        let folder = source.path.parent().unwrap_or(Path::new(""));
        Self::built(file, folder, options).map_err(|error| error.within(source.path.display()))
    }

    fn built(file: TaskFile, folder: &Path, options: &Options) -> Result<Self> {
        let output = file.output_type;
        let metrics = Metric::all(file.metric_list.as_ref(), output)?;
        let repeats = file.repeats.unwrap_or(1);
        if !(1..=MOST_REPEATS).contains(&repeats) {
            return Err(Error::usage(format!("repeats: {repeats} is outside 1 to {MOST_REPEATS}")));
        }
        let texts = output == OutputType::GenerateUntil;
        let generation = generation(&file, repeats)?;
        let pipelines = match &file.filter_list {
            Some(specs) if texts => Pipeline::all(specs, repeats as usize)?,
            None => vec![Pipeline::first()],
            Some(_) => {
                return Err(Error::usage(format!(
                    "filter_list: {} makes no text to be filtered",
                    output.name()
                )));
            }
        };
        let split = evaluated(&file, folder)?;
        let shots = shots(&file, options);
        let mut prompter = prompter(&file, folder, &split.columns, shots, options)?;
        let most = options.limit.unwrap_or(usize::MAX);
        let mut documents: Vec<Document> = Vec::with_capacity(split.rows.len().min(most));
        for (id, row) in split.rows.iter().take(most).enumerate() {
            let document = document(&file, &mut prompter, options.chat, id, row)
                .and_then(|document| alike(document, documents.first(), &metrics))
                .and_then(|document| {
                    pipelines
                        .iter()
                        .filter(|_| texts)
                        .try_for_each(|pipeline| pipeline.check(row, repeats as usize))?;
                    Ok(document)
                });
            documents.push(document.map_err(|error| error.within(split.row(id)))?);
        }
        Ok(Self {
            name: file.task,
            output,
            shots,
            metrics,
            pipelines,
            generation,
            rows: split.rows.len(),
            data: split.place,
            documents,
        })
    }

    /// Whether choices are scored without the question too.
    #[must_use]
    pub fn wants_unconditional(&self) -> bool {
        self.metrics.iter().any(Metric::wants_unconditional)
    }
}

/// The split whose documents are asked: the test split, else the validation split.
fn evaluated(file: &TaskFile, folder: &Path) -> Result<Split> {
    let name = file.test_split.as_ref().or(file.validation_split.as_ref());
    let name = name.ok_or_else(|| Error::usage("test_split: missing, and so is validation_split"))?;
    Split::read(file, folder, name)
}

fn shots(file: &TaskFile, options: &Options) -> u32 {
    match (file.num_fewshot, options.num_fewshot) {
        (Some(0), _) | (None, None) => 0,
        (_, Some(asked)) => asked,
        (Some(own), None) => own,
    }
}

fn generation(file: &TaskFile, repeats: u32) -> Result<Generation> {
    let wrong = |message: String| Err(Error::usage(format!("generation_kwargs.{message}")));
    let kwargs = file.generation_kwargs.clone();
    if kwargs.is_some() && file.output_type != OutputType::GenerateUntil {
        return Err(Error::usage(format!(
            "generation_kwargs: {} generates nothing",
            file.output_type.name()
        )));
    }
    let GenerationKwargs { until, do_sample, temperature, max_gen_toks } = kwargs.unwrap_or_default();
    let until = until.map_or_else(
        || vec![file.fewshot_delimiter.clone()],
        |until| until.list().into_iter().map(str::to_owned).collect(),
    );
    if until.iter().any(String::is_empty) {
        return wrong("until: an empty text".into());
    }
    let temperature = temperature.unwrap_or(0.0);
    if !(0.0..=100.0).contains(&temperature) {
        return wrong(format!("temperature: {temperature} is outside 0 to 100"));
    }
    let temperature = match do_sample {
        Some(false) => 0.0,
        Some(true) if temperature <= 0.0 => {
            return wrong("do_sample: true without a temperature above 0".into());
        }
        Some(true) | None => temperature,
    };
    let max_tokens = max_gen_toks.unwrap_or(MOST_TOKENS);
    if max_tokens == 0 {
        return wrong("max_gen_toks: 0".into());
    }
    Ok(Generation { until, max_tokens, temperature, repeats })
}

fn prompter(
    file: &TaskFile,
    folder: &Path,
    columns: &Columns,
    shots: u32,
    options: &Options,
) -> Result<Prompter> {
    let prefix = |source: Option<&String>| -> Result<Option<Template>> {
        source.map(|source| Template::new("gen_prefix", source, columns)).transpose()
    };
    if options.chat != Chat::None && file.gen_prefix.is_some() {
        return Err(Error::usage("gen_prefix: not supported with a chat template"));
    }
    let fields = Fields::new(
        file.doc_to_text.as_ref(),
        file.doc_to_choice.as_ref(),
        file.doc_to_target.as_ref(),
        columns,
    )?;
    let form = Form {
        fields,
        prefix: prefix(file.gen_prefix.as_ref())?,
        target_delimiter: file.target_delimiter.clone(),
        fewshot_delimiter: file.fewshot_delimiter.clone(),
    };
    let examples = if shots == 0 {
        None
    } else {
        let config = file.fewshot_config.clone().unwrap_or_default();
        let FewshotConfig { sampler, doc_to_text, doc_to_choice, doc_to_target, gen_prefix, .. } = &config;
        let or = |own: &Option<_>, task: &Option<_>| own.as_ref().or(task.as_ref()).cloned();
        let fields = Fields::new(
            or(doc_to_text, &file.doc_to_text).as_ref(),
            or(doc_to_choice, &file.doc_to_choice).as_ref(),
            or(doc_to_target, &file.doc_to_target).as_ref(),
            columns,
        );
        let form = Form {
            fields: fields.map_err(|error| error.within("fewshot_config"))?,
            prefix: prefix(gen_prefix.as_ref().or(file.gen_prefix.as_ref()))?,
            target_delimiter: config.target_delimiter.clone().unwrap_or(file.target_delimiter.clone()),
            fewshot_delimiter: config.fewshot_delimiter.clone().unwrap_or(file.fewshot_delimiter.clone()),
        };
        Some(Examples::new(shots as usize, fewshot::split(file, folder)?, form, *sampler)?)
    };
    let description = Template::new("description", &file.description, columns)?;
    Ok(Prompter { description, chat: options.chat, form, examples })
}

fn document(file: &TaskFile, prompter: &mut Prompter, chat: Chat, id: usize, row: &Row) -> Result<Document> {
    let context = prompter.prompt(row)?;
    let fields = &prompter.form.fields;
    let target = fields.target(row)?;
    let wrong = |what: &str| Err(Error::bad_input(format!("doc_to_target: {what}")));
    let text = |target: &Target| match target {
        Target::Text(text) if !text.is_empty() => Ok(text.clone()),
        Target::Text(_) => wrong("gives an empty text"),
        _ => wrong("gives no text"),
    };
    let work = match file.output_type {
        OutputType::Loglikelihood => Work::Continuation(text(&target)?),
        OutputType::LoglikelihoodRolling => Work::Whole(text(&target)?),
        OutputType::GenerateUntil => Work::Text { right: accepted(&target, fields.choices(row)?)? },
        OutputType::MultipleChoice => {
            let choices = fields.choices(row)?.ok_or_else(|| Error::usage("doc_to_choice: missing"))?;
            let right = places(&target, &choices)?;
            // The template's own turn ends where the answer begins.
            let delimiter =
                if chat == Chat::None { prompter.form.target_delimiter.clone() } else { String::new() };
            Work::Choices { choices, delimiter, right }
        }
    };
    if matches!((&context, &work), (Context::Text(text), Work::Text { .. }) if text.is_empty()) {
        return Err(Error::bad_input("doc_to_text: an empty prompt cannot be continued"));
    }
    Ok(Document { id, row: row.clone(), context, work, target })
}

/// Places of the right choices.
fn places(target: &Target, choices: &[String]) -> Result<Vec<usize>> {
    let wrong = |what: String| Err(Error::bad_input(format!("doc_to_target: {what}")));
    match target {
        Target::Index(place) if *place < choices.len() => Ok(vec![*place]),
        Target::Index(place) => wrong(format!("index {place} of {} choices", choices.len())),
        Target::Text(text) => match choices.iter().position(|choice| choice == text) {
            Some(place) => Ok(vec![place]),
            None => wrong(format!("`{text}` is neither an index nor one of the choices")),
        },
        Target::Several(targets) => {
            let place = |target: &Target| match target {
                Target::Index(_) => places(target, choices),
                _ => wrong("a list of several right choices holds indices only".into()),
            };
            Ok(targets.iter().map(place).collect::<Result<Vec<_>>>()?.concat())
        }
    }
}

/// Texts that are right; with choices the target is the place of one.
fn accepted(target: &Target, choices: Option<Vec<String>>) -> Result<Vec<String>> {
    let wrong = |what: String| Err(Error::bad_input(format!("doc_to_target: {what}")));
    match (target, choices) {
        (Target::Index(place), Some(choices)) => match choices.get(*place) {
            Some(choice) => Ok(vec![choice.clone()]),
            None => wrong(format!("index {place} of {} choices", choices.len())),
        },
        (_, Some(_)) => wrong("no index, although there are choices".into()),
        (Target::Text(text), None) => Ok(vec![text.clone()]),
        (Target::Several(targets), None) => targets
            .iter()
            .map(|target| accepted(target, None))
            .collect::<Result<Vec<_>>>()
            .map(|all| all.concat()),
        (Target::Index(place), None) => wrong(format!("gives the index {place} without choices")),
    }
}

/// Refuses documents of different kinds: lm-eval looks at the first one only, and would read the others as it.
fn alike(document: Document, first: Option<&Document>, metrics: &[Metric]) -> Result<Document> {
    let several = |document: &Document| matches!(document.target, Target::Several(_));
    if first.is_some_and(|first| several(first) != several(&document)) {
        let message = "doc_to_target: a list in some rows and none in others";
        return Err(Error::bad_input(message));
    }
    if several(&document)
        && let Some(metric) = metrics.iter().find(|metric| metric.wants_unconditional())
    {
        return Err(Error::bad_input(format!(
            "doc_to_target: several right choices, which {} cannot have",
            metric.name
        )));
    }
    Ok(document)
}
