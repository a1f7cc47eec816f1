//! A task's results as lm-eval writes its own, for programs that read those.
//!
//! Two files: results (means with `sd / sqrt(n)`, as lm-eval has them) and samples, one line per document. As there,
//! log-likelihoods and `is_greedy` are texts. Hashes of prompts and targets are lm-eval's; `doc_hash`, which depends on how
//! Python prints a row, is left out.

use serde_json::{Map, Value, json};

use crate::{
    engine::query::ScoreAnswer,
    ids::Digest,
    stats::mean,
    suite::record::Record,
    tasks::lm_eval::{Document, Task},
};

/// The results document.
#[must_use]
pub fn results(record: &Record, task: &Task) -> Value {
    let mut numbers = Map::from_iter([("alias".to_owned(), json!(task.name))]);
    let mut better = Map::new();
    for metric in &task.metrics {
        let name = format!("{}/{metric}", task.name);
        let values: Vec<Vec<f64>> =
            record.items.iter().filter(|item| item.metric == name).map(|item| vec![item.value]).collect();
        let found = mean::clustered(&values);
        let value = found.map(|found| found.value);
        // One document has a mean and no spread.
        let value = value.or_else(|| values.first().filter(|_| values.len() == 1).map(|value| value[0]));
        numbers.insert(format!("{metric},none"), json!(value));
        let error = found.map_or_else(|| json!("N/A"), |found| json!(found.standard_error));
        numbers.insert(format!("{metric}_stderr,none"), error);
        better.insert(metric.clone(), json!(true));
    }
    let count = task.documents.len();
    json!({
        "results": { task.name.clone(): numbers },
        "group_subtasks": { task.name.clone(): [] },
        "n-shot": { task.name.clone(): 0 },
        "higher_is_better": { task.name.clone(): better },
        "n-samples": { task.name.clone(): { "original": count, "effective": count } },
        "config": { "model": "realign", "model_args": record.identity.subject },
        "realign": { "run": record.id, "record": record.digest().to_string(), "identity": record.identity },
    })
}

/// One line per document.
#[must_use]
pub fn samples(task: &Task, answers: &[ScoreAnswer]) -> Vec<Value> {
    task.documents.iter().zip(answers).map(|(document, answer)| sample(task, document, answer)).collect()
}

fn sample(task: &Task, document: &Document, answer: &ScoreAnswer) -> Value {
    let continuations = document.continuations();
    let argument = |(index, continuation): (usize, &String)| {
        (format!("gen_args_{index}"), json!({ "arg_0": document.context, "arg_1": continuation }))
    };
    let arguments: Map<String, Value> = continuations.iter().enumerate().map(argument).collect();
    let responses: Vec<[String; 2]> = answer
        .logprob
        .iter()
        .zip(&answer.greedy)
        .map(|(logprob, greedy)| [python_float(*logprob), if *greedy { "True" } else { "False" }.to_owned()])
        .collect();
    let target = document.target.to_string();
    let mut line = json!({
        "doc_id": document.id,
        "target": target,
        "arguments": arguments,
        "resps": responses.iter().map(|response| [response]).collect::<Vec<_>>(),
        "filtered_resps": responses,
        "filter": "none",
        "metrics": task.metrics,
        "prompt_hash": Digest::of(document.context.as_bytes()),
        "target_hash": Digest::of(target.as_bytes()),
    });
    for metric in &task.metrics {
        line[metric] = json!(document.value(metric, &answer.logprob));
    }
    line
}

/// A number as Python prints it: the shortest digits that give it back, with a point.
fn python_float(value: f64) -> String {
    format!("{value:?}")
}
