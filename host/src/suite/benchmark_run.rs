//! One benchmark: rows to items, asks to the model, grades to a number.

use std::collections::BTreeMap;

use super::{
    answers::Answerer,
    evaluators::Benchmark,
    file::BenchmarkSpec,
    persona_run::plain,
    record::{CHANCE, Metric},
};
use crate::{
    compare::ItemValue,
    engine::{
        backend::{Backend, Progress},
        openai::reach::Beyond,
    },
    error::{Error, Result},
    ids::Seed,
    metrics::aggregate::aggregate,
    model::{Aggregation, ChatMessage, Outcome, Value},
    sandbox::{self, Item},
    stats::Interval,
    store::{CellRecord, Store},
};

/// What one benchmark gave.
#[derive(Debug)]
pub struct BenchmarkResult {
    /// One per metric of the component; the suite's choice comes first.
    pub metrics: Vec<Metric>,
    /// What `compare` pairs: the suite's metric.
    pub items: Vec<ItemValue>,
    /// What the component made of every item.
    pub cells: Vec<CellRecord>,
}

/// Runs one benchmark on its items. One that asks for what is beyond the model has no numbers, and says why.
///
/// # Errors
/// The engine or the store failed; exit 20 on a time-out.
pub fn run(
    benchmark: &Benchmark,
    items: &[Item],
    seed: Seed,
    system: Option<ChatMessage>,
    backend: &mut Backend,
    store: &Store,
    progress: &mut Progress<'_>,
) -> Result<BenchmarkResult> {
    let scope = format!("benchmark/{}", benchmark.spec.id);
    let mut answerer = Answerer { backend, store, scope: &scope, seed, system, progress, beyond: None };
    let graded = benchmark.prepared.grade(items, &mut |asks| answerer.answer(asks));
    // What a server cannot answer is no failure of the evaluator, and says nothing about the rest of the suite.
    if let (Err(_), Some(beyond)) = (&graded, answerer.beyond) {
        return Ok(unmeasured(benchmark, &beyond));
    }
    let outcomes = graded?;
    let metrics = metrics(benchmark, items, &outcomes);
    let pairs = values_of(&benchmark.spec.metric, items, &outcomes);
    let name = format!("{}/{}", benchmark.spec.id, benchmark.spec.metric);
    let item_values = pairs.iter().map(|(item, value)| ItemValue {
        metric: name.clone(),
        item: item.id.clone(),
        cluster: item.group.clone(),
        value: value.ratio(),
    });
    let cells = items.iter().zip(&outcomes).map(|(item, outcome)| CellRecord {
        evaluator: scope.clone(),
        sample: item.id.clone(),
        outcome: outcome.clone(),
    });
    Ok(BenchmarkResult { metrics, items: item_values.collect(), cells: cells.collect() })
}

/// The suite's metric, then the others that the component measures.
fn metrics(benchmark: &Benchmark, items: &[Item], outcomes: &[Outcome]) -> Vec<Metric> {
    let mut metrics: Vec<Metric> = Vec::new();
    for metric in &benchmark.prepared.evaluator().description().metrics {
        let measured = measure(&benchmark.spec, metric, items, outcomes);
        if metric.name == benchmark.spec.metric {
            metrics.insert(0, measured);
        } else {
            metrics.push(measured);
        }
    }
    metrics
}

/// The result of a benchmark that is beyond the model: its metrics without numbers, and why.
fn unmeasured(benchmark: &Benchmark, why: &Beyond) -> BenchmarkResult {
    let mut metrics = metrics(benchmark, &[], &[]);
    for metric in &mut metrics {
        metric.reason = beyond(why);
    }
    BenchmarkResult { metrics, items: Vec::new(), cells: Vec::new() }
}

/// Why there is no number, and the way out.
pub(super) fn beyond(Beyond { why, way_out }: &Beyond) -> String {
    format!("insufficient: {why}; {way_out}")
}

/// Values of one metric with the items that they belong to.
fn values_of<'a>(metric: &str, items: &'a [Item], outcomes: &'a [Outcome]) -> Vec<(&'a Item, &'a Value)> {
    let value = |outcome: &'a Outcome| match outcome {
        Outcome::Scored { values, .. } => values.iter().find(|value| value.metric == metric),
        Outcome::NotApplicable(_) | Outcome::Failed(_) => None,
    };
    items.iter().zip(outcomes).filter_map(|(item, outcome)| Some((item, value(outcome)?))).collect()
}

/// What guessing gives: as described, or the mean over items of what each says in its note `chance`; a guess of bytes
/// costs 8 bits each.
fn chance(metric: &sandbox::Metric, outcomes: &[Outcome]) -> Option<f64> {
    let said: Vec<f64> = outcomes
        .iter()
        .filter_map(|outcome| match outcome {
            Outcome::Scored { notes, .. } => notes.iter().find(|note| note.key == CHANCE),
            Outcome::NotApplicable(_) | Outcome::Failed(_) => None,
        })
        .filter_map(|note| note.value.parse().ok())
        .filter(|chance: &f64| chance.is_finite())
        .collect();
    let mean = (!said.is_empty()).then(|| said.iter().sum::<f64>() / said.len() as f64);
    metric.chance.or(mean).or((metric.unit == "bits/byte").then_some(8.0))
}

fn measure(
    benchmark: &BenchmarkSpec,
    metric: &sandbox::Metric,
    items: &[Item],
    outcomes: &[Outcome],
) -> Metric {
    let pairs = values_of(&metric.name, items, outcomes);
    let clustered: Vec<(&str, &Value)> =
        pairs.iter().map(|(item, value)| (item.group.as_str(), *value)).collect();
    let range = metric.low.zip(metric.high).map(|(low, high)| Interval { low, high });
    let evidence = aggregate(&clustered, metric.aggregation, range);
    let mut beside = BTreeMap::new();
    beside.extend(chance(metric, outcomes).map(|chance| (CHANCE.to_owned(), chance)));
    let failed = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Failed(_))).count();
    if failed > 0 {
        beside.insert("failed".into(), failed as f64 / outcomes.len() as f64);
    }
    let formula = match metric.aggregation {
        Aggregation::Mean => "mean/1",
        Aggregation::RatioOfSums => "ratio-of-sums/1",
        Aggregation::Geometric => "geometric/1",
    };
    Metric {
        unit: metric.unit.clone(),
        direction: benchmark.direction.is_described().then_some(metric.direction),
        range,
        reason: if evidence.is_some() { String::new() } else { "insufficient: no item was measured".into() },
        beside,
        ..plain(format!("{}/{}", benchmark.id, metric.name), formula, evidence)
    }
}

/// Refuses a run in which evaluators failed on more cells than the suite allows.
///
/// # Errors
/// Exit 20 with the evaluator that failed most, its commonest code, the share and the limit.
pub fn check_failures(cells: &[CellRecord], allowed: f64) -> Result<()> {
    let failed: Vec<(&str, &str, &str)> = cells
        .iter()
        .filter_map(|cell| match &cell.outcome {
            Outcome::Failed(failure) => {
                Some((cell.evaluator.as_str(), failure.code.as_str(), failure.message.as_str()))
            }
            _ => None,
        })
        .collect();
    let share = failed.len() as f64 / cells.len().max(1) as f64;
    let Some((evaluator, code, message)) = failed.first().filter(|_| share > allowed) else {
        return Ok(());
    };
    let message = format!(
        "evaluators failed on {} of {} cells ({:.1} %), the suite allows {:.1} %; first: {evaluator}: {code}: {message}",
        failed.len(),
        cells.len(),
        100.0 * share,
        100.0 * allowed
    );
    Err(Error::evaluator(message)
        .hint("everything that was measured is stored; mend the evaluator or raise max_failed_share"))
}
