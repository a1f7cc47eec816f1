//! What of the benchmarks and tasks is kept, from two runs of one suite.

use crate::{
    compare::{BothReported, align},
    error::{Error, Result},
    metrics::retention::{Benchmark, BenchmarkRetention, ItemPair, Retention, retention},
    model::Direction,
    report::record::word,
    stats::Evidence,
    suite::{
        load::Suite,
        persona_run::plain,
        record::{Metric, Record},
        task_run,
    },
};

/// Version of the formula.
const FORMULA: &str = "retention/2";

/// Retention of `kept` of every benchmark and every lm-eval task of the suite; of a group each task by itself. One whose baseline
/// is missing has no items, and no credit.
///
/// # Errors
/// The runs' items cannot be aligned; as [`numbers`].
pub fn of(suite: &Suite, before: &Record, after: &Record, kept: f64) -> Result<Retention> {
    let mut aligned = align(&before.items, &after.items)?;
    let (one, other) = (before.side(), after.side());
    let reported = BothReported::of(&aligned, &one, &other);
    let benchmarks: Vec<Benchmark> = numbers(suite)?
        .into_iter()
        .map(|name| {
            let metric = before.metrics.iter().find(|metric| metric.name == name);
            let pairs = aligned.metrics.remove(&name).unwrap_or_default();
            let item = |pair: crate::compare::Pair| ItemPair {
                group: pair.cluster,
                before: pair.before,
                after: pair.after,
            };
            Benchmark {
                direction: metric.and_then(|metric| metric.direction).unwrap_or(Direction::Higher),
                // Without a chance level nothing is known to lie above it.
                chance: metric.and_then(|metric| metric.beside.get("chance").copied()).unwrap_or(f64::NAN),
                range: metric.and_then(|metric| metric.range),
                items: pairs.into_iter().map(item).collect(),
                reported: reported.both(&name),
                name,
            }
        })
        .collect();
    Ok(retention(&benchmarks, kept))
}

/// Names of the numbers that have to be kept: the metric of each benchmark that has a better direction, and of each task its first that two runs can be
/// compared by.
///
/// # Errors
/// A usage error naming a task that has no such number.
pub fn numbers(suite: &Suite) -> Result<Vec<String>> {
    let directed = suite.file.benchmark.iter().filter(|spec| spec.direction.is_described());
    let mut names: Vec<String> = directed.map(|spec| format!("{}/{}", spec.id, spec.metric)).collect();
    for task in suite.tasks.iter().flat_map(|set| &set.tasks) {
        let Some((name, _)) = task_run::compared(task).next() else {
            let measured: Vec<&str> = task.metrics.iter().map(|metric| metric.name.as_str()).collect();
            let message = format!(
                "{}: task `{}` measures {}, and of a perplexity nothing is known document by document",
                suite.path.display(),
                task.name,
                measured.join(", ")
            );
            return Err(Error::usage(message).hint(
                "add `acc` or `bits_per_byte` to its metric_list, or leave it out of the pipeline's suite",
            ));
        };
        names.push(name);
    }
    Ok(names)
}

/// The gate, then one number per benchmark.
#[must_use]
pub fn metrics(found: &Retention, kept: f64) -> Vec<Metric> {
    let mut gate = plain("retention".into(), FORMULA, None);
    gate.verdict = Some(found.decision.verdict);
    gate.reason.clone_from(&found.decision.reason);
    gate.beside.insert("benchmarks that count".into(), found.counting as f64);
    gate.range = None;
    let mut metrics = vec![gate];
    metrics.extend(found.benchmarks.iter().map(|one| benchmark(one, kept)));
    metrics
}

/// One benchmark: the mean margin over what has to be kept. Its verdict is in its reason, because the gate is the whole's.
fn benchmark(one: &BenchmarkRetention, kept: f64) -> Metric {
    let mut metric = plain(format!("retention/{}", one.name), FORMULA, one.margin);
    metric.unit = format!("margin over {:.0} %", 100.0 * kept);
    metric.range = None;
    // The reason says it.
    metric.long_tail = false;
    let value = |evidence: &Option<Evidence>| evidence.map(|evidence| evidence.estimate.value);
    metric.beside.extend(value(&one.before).map(|value| ("before".to_owned(), value)));
    metric.beside.extend(value(&one.after).map(|value| ("after".to_owned(), value)));
    metric.beside.extend(one.ratio.map(|ratio| ("ratio".to_owned(), ratio)));
    metric.reason = format!("{}: {}", word(one.decision.verdict), one.decision.reason);
    metric
}
