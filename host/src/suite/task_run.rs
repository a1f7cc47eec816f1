//! One lm-eval task against a model.

use std::collections::BTreeMap;

use super::{
    asked::Asked,
    record::{CHANCE, Metric, Record},
    run::{self, Measured},
    verify,
};
use crate::{
    compare::{Identity, ItemValue},
    engine::{
        backend::{Backend, Progress},
        kept::keep_scores,
        query::{Prompt, ScoreAnswer, ScoreQuery},
    },
    error::Result,
    ids::Digest,
    metrics::aggregate::aggregate,
    model::{Aggregation, Direction, Outcome, Value},
    stats::Interval,
    store::{CellRecord, Store},
    tasks::lm_eval::{Document, Task},
};

/// Version of lm-eval whose definitions are followed.
const DEFINITIONS: &str = "lm-eval 0.4.13";

/// Scores every document and stores the run; gives its record, and what the model answered to each document.
///
/// # Errors
/// The engine or the store failed, or the name belongs to a run with another plan.
pub fn run(
    task: &Task,
    name: &str,
    asked: &Asked,
    backend: &mut Backend,
    store: &Store,
    progress: &mut Progress<'_>,
) -> Result<(Record, Vec<ScoreAnswer>)> {
    let identity = identity(task, backend);
    let id = run::begin(store, name, &task.name, &identity)?;
    asked.note(store, &id)?;
    let answers = answers(task, backend, store, progress)?;
    let record = run::finish(store, &id, name, &task.name, identity, &measured(task, &answers))?;
    Ok((record, answers))
}

/// Everything that [`run()`] computes, and nothing stored: what a stored run is held against.
///
/// # Errors
/// As [`run()`]; and exit 12 where the identity is not `expected`, before anything is computed.
pub fn again(
    task: &Task,
    expected: &Identity,
    backend: &mut Backend,
    store: &Store,
    progress: &mut Progress<'_>,
) -> Result<Measured> {
    verify::same_instrument(expected, &identity(task, backend))?;
    Ok(measured(task, &answers(task, backend, store, progress)?))
}

/// What the model says to every document.
fn answers(
    task: &Task,
    backend: &mut Backend,
    store: &Store,
    progress: &mut Progress<'_>,
) -> Result<Vec<ScoreAnswer>> {
    let queries: Vec<ScoreQuery> = task
        .documents
        .iter()
        .map(|document| ScoreQuery {
            id: document.id.to_string(),
            context: Prompt::Raw(document.context.clone()),
            continuations: document.continuations(),
        })
        .collect();
    let answers = backend.score(&queries, Some(store), progress)?;
    let kept: Vec<_> = answers.iter().cloned().map(Ok).collect();
    keep_scores(store, backend, &queries, &kept)?;
    Ok(answers)
}

fn measured(task: &Task, answers: &[ScoreAnswer]) -> Measured {
    let scored: Vec<(&Document, Vec<Value>)> = task
        .documents
        .iter()
        .zip(answers)
        .map(|(document, answer)| (document, values(task, document, answer)))
        .collect();
    let metrics = task.metrics.iter().map(|metric| measure(task, metric, &scored)).collect();
    let (mut items, mut cells) = (Vec::new(), Vec::new());
    for (document, values) in scored {
        items.extend(values.iter().map(|value| ItemValue {
            metric: format!("{}/{}", task.name, value.metric),
            item: document.id.to_string(),
            cluster: document.id.to_string(),
            value: value.ratio(),
        }));
        let outcome = Outcome::Scored { values, spans: Vec::new(), notes: Vec::new() };
        cells.push(CellRecord { evaluator: task.name.clone(), sample: document.id.to_string(), outcome });
    }
    Measured { metrics, items, samples: Vec::new(), cells }
}

fn identity(task: &Task, backend: &Backend) -> Identity {
    let instrument = BTreeMap::from([
        ("task".into(), task.name.clone()),
        ("documents".into(), Digest::of_json(&task.documents).to_string()),
        ("metrics".into(), task.metrics.join(", ")),
        ("definitions".into(), DEFINITIONS.into()),
    ]);
    Identity { subject: backend.subject(), engine: backend.engine(), instrument }
}

fn values(task: &Task, document: &Document, answer: &ScoreAnswer) -> Vec<Value> {
    let value = |metric: &String| Value {
        metric: metric.clone(),
        numerator: document.value(metric, &answer.logprob),
        denominator: 1.0,
    };
    task.metrics.iter().map(value).collect()
}

/// What guessing gives: the mean of one over the number of choices.
fn chance(task: &Task) -> Option<f64> {
    let count = task.documents.len();
    let sum: f64 = task.documents.iter().map(|document| 1.0 / document.choices.len() as f64).sum();
    (count > 0).then(|| sum / count as f64)
}

fn measure(task: &Task, metric: &str, scored: &[(&Document, Vec<Value>)]) -> Metric {
    // Documents are taken as independent, as lm-eval takes them: each is a cluster of its own.
    let ids: Vec<String> = scored.iter().map(|(document, _)| document.id.to_string()).collect();
    let clustered: Vec<(&str, &Value)> = ids
        .iter()
        .zip(scored)
        .filter_map(|(id, (_, values))| {
            Some((id.as_str(), values.iter().find(|value| value.metric == metric)?))
        })
        .collect();
    let range = Some(Interval { low: 0.0, high: 1.0 });
    let evidence = aggregate(&clustered, Aggregation::Mean, range);
    Metric {
        name: format!("{}/{metric}", task.name),
        unit: "share".into(),
        direction: Direction::Higher,
        range,
        formula: format!("{metric} of {DEFINITIONS}"),
        estimate: evidence.map(|evidence| evidence.estimate),
        bounds: evidence.map(|evidence| evidence.bounds()),
        bound: None,
        threshold: None,
        verdict: None,
        reason: String::new(),
        beside: chance(task).map(|chance| (CHANCE.to_owned(), chance)).into_iter().collect(),
    }
}
