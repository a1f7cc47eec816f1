//! Answers to tasks that ask for nothing of the persona, and how much of it they show.

use std::collections::BTreeMap;

use super::{PersonaResult, plain, style};
use crate::{
    engine::{
        backend::{Backend, Progress},
        kept::keep_texts,
        query::{GenerateAnswer, GenerateQuery, Prompt},
    },
    error::Result,
    metrics::over_characterisation::{FORMULA, over_characterisation},
    model::{ChatMessage, Direction, Sample},
    persona::neutral::NeutralTask,
    sandbox::Prepared,
    store::{CellRecord, Store},
    suite::{judge::Judge, load::Suite},
};

/// Name of the metric, and the kind of its samples.
const NAME: &str = "over-characterisation";

/// Answers every neutral task as deployed.
///
/// # Errors
/// The engine or the store failed.
pub fn respond(
    suite: &Suite,
    backend: &mut Backend,
    store: &Store,
    progress: &mut Progress<'_>,
) -> Result<Vec<Sample>> {
    let system = suite.system(suite.file.deploy_prompt);
    let messages = |task: &NeutralTask| -> Vec<ChatMessage> {
        let asked = ChatMessage { role: "user".into(), content: task.prompt.clone() };
        system.iter().cloned().chain([asked]).collect()
    };
    let query = |task: &NeutralTask| GenerateQuery {
        id: format!("neutral/{}", task.id),
        prompt: Prompt::Messages(messages(task)),
        max_tokens: suite.file.decoding.max_tokens,
        temperature: suite.file.decoding.temperature,
        seed: suite.file.seed,
        stop: Vec::new(),
    };
    let queries: Vec<GenerateQuery> = suite.neutral.iter().map(query).collect();
    let answers = backend.generate(&queries, Some(store), progress)?;
    keep_texts(store, backend, &queries, &answers.iter().cloned().map(Ok).collect::<Vec<_>>())?;
    let sample = |(task, answer): (&NeutralTask, GenerateAnswer)| Sample {
        id: format!("neutral/{}", task.id),
        family: task.id.clone(),
        kind: NAME.into(),
        prompt: vec![ChatMessage { role: "user".into(), content: task.prompt.clone() }],
        response: answer.text,
        finish: answer.finish,
    };
    Ok(suite.neutral.iter().zip(answers).map(sample).collect())
}

/// Scores answers and adds the metric.
///
/// # Errors
/// As [`Judge::outcomes`].
pub(super) fn push(
    result: &mut PersonaResult,
    suite: &Suite,
    prepared: &Prepared,
    samples: Vec<Sample>,
    judge: &mut Judge<'_, '_, '_>,
) -> Result<()> {
    let outcomes = judge.outcomes(prepared, "style", &samples)?;
    let (voice, other) = style::anchors(suite, prepared, judge)?;
    let scores: Vec<(&str, f64)> = samples
        .iter()
        .zip(&outcomes)
        .filter_map(|(sample, outcome)| Some((sample.family.as_str(), style::score(outcome)?)))
        .collect();
    let found = over_characterisation(&scores, &voice, &other);
    let mut metric = plain(NAME.into(), FORMULA, found.map(|found| found.intensity));
    metric.unit = "m'".into();
    metric.direction = Some(Direction::Lower);
    metric.range = None;
    metric.beside = found.map_or_else(BTreeMap::new, |found| {
        [("exemplars' 95th percentile", found.exemplars), ("share above it", found.above)]
            .map(|(name, value)| (name.to_owned(), value))
            .into()
    });
    metric.reason = "advice: the voice in answers to tasks that ask for none of it".into();
    result.metrics.push(metric);
    let scores = scores.iter().map(|&(task, score)| (task, task, score));
    result.items.extend(style::placed(NAME, scores, &voice, &other));
    let record = |(sample, outcome): (&Sample, _)| CellRecord {
        evaluator: "style".into(),
        sample: sample.id.clone(),
        outcome,
    };
    result.cells.extend(samples.iter().zip(outcomes).map(record));
    result.samples.extend(samples);
    Ok(())
}
