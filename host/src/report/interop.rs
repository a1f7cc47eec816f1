//! Results of tasks as lm-eval writes its own, for programs that read those.
//!
//! One document of results (means with `sd / sqrt(n)`, summed in its order, so the digits are its own) and per task one line
//! for each document and pipeline. As there, log-likelihoods, `is_greedy` and targets are texts. Hashes of prompts and targets are
//! lm-eval's where the prompt is raw text; `doc_hash`, which depends on how Python prints a row, is left out, as is the
//! bootstrapped error of `perplexity`. A prompt through a chat template is written as its messages.

use serde_json::{Map, Value, json};

use crate::{
    ids::Digest,
    suite::{
        record::Record,
        task_run::{Answered, filters},
    },
    tasks::{
        document::{Context, Document, Work},
        field::Target,
        filter::Pipeline,
        metric::{Metric, Part},
        python,
        set::{Aggregate, Group, TaskSet},
        task::Task,
    },
};

/// One metric of a task behind one pipeline.
struct Number<'a> {
    task: usize,
    metric: &'a Metric,
    filter: &'a str,
    value: Option<f64>,
    error: Option<f64>,
    size: usize,
}

/// The results document.
#[must_use]
pub fn results(record: &Record, set: &TaskSet, answers: &[Vec<Answered>]) -> Value {
    let (mut results, mut groups, mut subtasks) = (Map::new(), Map::new(), Map::new());
    let (mut shots, mut better, mut samples) = (Map::new(), Map::new(), Map::new());
    let numbers = numbers(set, answers);
    for (place, task) in set.tasks.iter().enumerate() {
        let mut entry = named(&task.name);
        entry.insert("sample_len".into(), json!(task.documents.len()));
        for number in numbers.iter().filter(|number| number.task == place) {
            put(&mut entry, &number.metric.name, number.filter, number.value, number.error);
        }
        results.insert(task.name.clone(), Value::Object(entry));
        let directions = task.metrics.iter().map(|metric| (metric.name.clone(), json!(metric.is_share())));
        better.insert(task.name.clone(), Value::Object(directions.collect()));
        shots.insert(task.name.clone(), json!(task.shots));
        let size = json!({ "original": task.rows, "effective": task.documents.len() });
        samples.insert(task.name.clone(), size);
    }
    for group in &set.groups {
        let entry = Value::Object(group_entry(set, group, &numbers));
        results.insert(group.name.clone(), entry.clone());
        groups.insert(group.name.clone(), entry);
        subtasks.insert(group.name.clone(), json!(group.children));
    }
    json!({
        "results": results,
        "groups": groups,
        "group_subtasks": subtasks,
        "n-shot": shots,
        "higher_is_better": better,
        "n-samples": samples,
        "config": { "model": "realign", "model_args": record.identity.subject },
        "realign": { "run": record.id, "record": record.digest().to_string(), "identity": record.identity },
    })
}

fn named(name: &str) -> Map<String, Value> {
    Map::from_iter([("alias".to_owned(), json!(name)), ("name".to_owned(), json!(name))])
}

fn put(entry: &mut Map<String, Value>, metric: &str, filter: &str, value: Option<f64>, error: Option<f64>) {
    entry.insert(format!("{metric},{filter}"), json!(value));
    entry.insert(
        format!("{metric}_stderr,{filter}"),
        error.map_or_else(|| json!("N/A"), |error| json!(error)),
    );
}

fn numbers<'a>(set: &'a TaskSet, answers: &[Vec<Answered>]) -> Vec<Number<'a>> {
    let mut numbers = Vec::new();
    for (place, (task, answers)) in set.tasks.iter().zip(answers).enumerate() {
        for pipeline in &task.pipelines {
            for metric in &task.metrics {
                let part = |(document, answered): (&Document, &Answered)| {
                    answered.part(document, metric, pipeline).ok()
                };
                let parts: Vec<Part> = task.documents.iter().zip(answers).filter_map(part).collect();
                let values: Vec<f64> = parts.iter().map(|part| part.numerator).collect();
                let weights: f64 = parts.iter().map(|part| part.denominator).sum();
                let value = values.iter().sum::<f64>() / weights;
                numbers.push(Number {
                    task: place,
                    metric,
                    filter: &pipeline.name,
                    value: (!parts.is_empty()).then(|| metric.finish(value)),
                    error: metric.is_share().then(|| standard_error(&values)).flatten(),
                    size: task.documents.len(),
                });
            }
        }
    }
    numbers
}

/// `sd / sqrt(n)`; one document has a mean and no spread.
fn standard_error(values: &[f64]) -> Option<f64> {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (values.len() > 1).then(|| (squares / (count - 1.0)).sqrt() / count.sqrt())
}

fn group_entry(set: &TaskSet, group: &Group, numbers: &[Number<'_>]) -> Map<String, Value> {
    let mut entry = named(&group.name);
    if group.aggregates.is_empty() {
        return entry;
    }
    let sizes = group.members.iter().map(|place| set.tasks[*place].documents.len());
    entry.insert("sample_len".into(), json!(sizes.sum::<usize>()));
    for aggregate in &group.aggregates {
        for filter in filters(set, group, aggregate) {
            let parts: Vec<&Number<'_>> = group
                .members
                .iter()
                .filter_map(|place| {
                    numbers.iter().find(|number| {
                        number.task == *place
                            && number.metric.name == aggregate.metric
                            && number.filter == filter
                    })
                })
                .collect();
            let (value, error) = together(aggregate, &parts);
            put(&mut entry, &aggregate.metric, &filter, value, error);
        }
    }
    entry
}

/// A group's mean, and its standard error: pooled within tasks, or of the mean of means.
fn together(aggregate: &Aggregate, parts: &[&Number<'_>]) -> (Option<f64>, Option<f64>) {
    let values: Option<Vec<f64>> = parts.iter().map(|part| part.value).collect();
    let errors: Option<Vec<f64>> = parts.iter().map(|part| part.error).collect();
    let sizes: Vec<f64> = parts.iter().map(|part| part.size as f64).collect();
    let (count, total) = (parts.len() as f64, sizes.iter().sum::<f64>());
    if aggregate.weight_by_size {
        let sum = |values: Vec<f64>| values.iter().zip(&sizes).map(|(value, size)| value * size).sum::<f64>();
        let pooled = |errors: Vec<f64>| {
            let squares: f64 =
                errors.iter().zip(&sizes).map(|(error, size)| (size - 1.0) * error.powi(2) * size).sum();
            (squares / (total - count) / total).sqrt()
        };
        return (values.map(|values| sum(values) / total), errors.map(pooled));
    }
    let root = |errors: Vec<f64>| errors.iter().map(|error| error.powi(2)).sum::<f64>().sqrt() / count;
    (values.map(|values| values.iter().sum::<f64>() / count), errors.map(root))
}

/// For each pipeline one line per document.
#[must_use]
pub fn samples(task: &Task, answers: &[Answered]) -> Vec<Value> {
    let lines = |pipeline| {
        task.documents
            .iter()
            .zip(answers)
            .map(move |(document, answered)| sample(task, pipeline, document, answered))
    };
    task.pipelines.iter().flat_map(lines).collect()
}

fn sample(task: &Task, pipeline: &Pipeline, document: &Document, answered: &Answered) -> Value {
    let prompt = match &document.context {
        _ if matches!(document.work, Work::Whole(_)) => json!(""),
        Context::Text(text) => json!(text),
        Context::Messages(messages) => json!(messages),
    };
    let target = printed(&document.target);
    let (responses, filtered) = replies(pipeline, document, answered);
    // Of a text by itself lm-eval's first argument is the text.
    let first = match &document.work {
        Work::Whole(text) => text,
        _ => prompt.as_str().unwrap_or_default(),
    };
    let mut line = json!({
        "doc_id": document.id,
        "doc": document.row,
        "target": target,
        "arguments": arguments(task, document, &prompt),
        "resps": responses,
        "filtered_resps": filtered,
        "filter": pipeline.name,
        "metrics": task.metrics.iter().map(|metric| &metric.name).collect::<Vec<_>>(),
        "target_hash": Digest::of(target.as_bytes()),
    });
    if prompt.is_string() {
        line["prompt_hash"] = json!(Digest::of(first.as_bytes()));
    }
    for metric in &task.metrics {
        line[&metric.name] = match answered.part(document, metric, pipeline) {
            Ok(part) if metric.is_share() => json!(part.numerator),
            Ok(part) if part.denominator > 1.0 || matches!(document.work, Work::Whole(_)) => {
                json!([-part.numerator, part.denominator])
            }
            Ok(part) => json!(-part.numerator),
            Err(_) => Value::Null,
        };
    }
    line
}

/// What was asked, as lm-eval numbers it.
fn arguments(task: &Task, document: &Document, prompt: &Value) -> Value {
    let continuations = document.continuations();
    let mut all: Vec<Value> = match &document.work {
        Work::Whole(text) => vec![json!({ "arg_0": text })],
        Work::Text { .. } => {
            let generation = &task.generation;
            let settings = json!({
                "until": generation.until,
                "max_gen_toks": generation.max_tokens,
                "temperature": generation.temperature,
                "do_sample": generation.temperature > 0.0,
            });
            vec![json!({ "arg_0": prompt, "arg_1": settings })]
        }
        _ => continuations.iter().map(|text| json!({ "arg_0": prompt, "arg_1": text })).collect(),
    };
    if task.wants_unconditional() {
        all.extend(continuations.iter().map(|text| json!({ "arg_0": "", "arg_1": text })));
    }
    let numbered = all.into_iter().enumerate().map(|(index, value)| (format!("gen_args_{index}"), value));
    Value::Object(numbered.collect())
}

/// Responses to every question of a document, one list each, and what is left of them behind the pipeline.
fn replies(pipeline: &Pipeline, document: &Document, answered: &Answered) -> (Value, Value) {
    match answered {
        Answered::Texts(texts) => (json!([texts]), json!([pipeline.apply(texts, &document.row).ok()])),
        Answered::Scores(scores) if matches!(document.work, Work::Whole(_)) => {
            let found: Vec<String> = scores.logprob.iter().map(|value| python::float(*value)).collect();
            (json!([found]), json!(found))
        }
        Answered::Scores(scores) => {
            let greedy = scores.greedy.iter().map(|greedy| if *greedy { "True" } else { "False" });
            let conditional = scores.logprob.iter().zip(greedy);
            let without = scores.unconditional.iter().map(|value| (value, "False"));
            let found: Vec<[String; 2]> = conditional
                .chain(without)
                .map(|(value, greedy)| [python::float(*value), greedy.into()])
                .collect();
            (json!(found.iter().map(|response| [response]).collect::<Vec<_>>()), json!(found))
        }
    }
}

/// `str(target)`.
fn printed(target: &Target) -> String {
    match target {
        Target::Text(text) => text.clone(),
        other => python::text(&minijinja::Value::from(minijinja::value::Serde(&other.json()))),
    }
}
