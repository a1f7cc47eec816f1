//! Numbers of tasks and groups from what the model answered.
//!
//! Documents are independent, as lm-eval takes them: each is a cluster of its own. A document whose text cannot be measured
//! (a pattern that takes too long on it) is a failed outcome and in no number.

use std::collections::BTreeMap;

use super::{Answered, DEFINITIONS};
use crate::{
    compare::ItemValue,
    metrics::aggregate::mean_evidence,
    model::{Estimate, Failure, Outcome, Value},
    stats::{Evidence, Interval, mean},
    store::CellRecord,
    suite::{
        persona_run::plain,
        record::{CHANCE, Metric as Number},
        run::Measured,
    },
    tasks::{
        document::{Document, Reply},
        filter::{NONE, Pipeline},
        metric::{Metric, Part},
        set::{Aggregate, Group, TaskSet},
        task::Task,
    },
};

/// A metric's name within its task: behind a comma the pipeline, where the task names its own.
#[must_use]
fn metric_name(metric: &Metric, pipeline: &Pipeline) -> String {
    if pipeline.name == NONE { metric.name.clone() } else { format!("{},{}", metric.name, pipeline.name) }
}

/// As [`metric_name`], of a group's number.
#[must_use]
fn group_name(aggregate: &Aggregate, filter: &str) -> String {
    if filter == NONE { aggregate.metric.clone() } else { format!("{},{filter}", aggregate.metric) }
}

impl Answered {
    /// A document's part in a number.
    ///
    /// # Errors
    /// Why it has none.
    pub fn part(&self, document: &Document, metric: &Metric, pipeline: &Pipeline) -> Result<Part, String> {
        match self {
            Self::Scores(scores) => metric.part(document, &Reply::Scores(scores)),
            Self::Texts(texts) => {
                let text = pipeline.apply(texts, &document.row).map_err(|error| error.to_string())?;
                metric.part(document, &Reply::Text(&text))
            }
        }
    }
}

/// A task's numbers that two runs are compared by, in their order, each with its name. A perplexity is none: it is no mean over
/// documents.
pub fn compared(task: &Task) -> impl Iterator<Item = (String, &Metric)> {
    task.pipelines.iter().flat_map(move |pipeline| {
        let comparable = task.metrics.iter().filter(|metric| !metric.is_perplexity());
        comparable.map(move |metric| (format!("{}/{}", task.name, metric_name(metric, pipeline)), metric))
    })
}

/// Everything that is measured of all tasks and groups.
#[must_use]
pub fn measured(set: &TaskSet, answers: &[Vec<Answered>]) -> Measured {
    let mut measured = Measured::default();
    let mut shares: BTreeMap<(usize, String), Vec<f64>> = BTreeMap::new();
    for (place, (task, answers)) in set.tasks.iter().zip(answers).enumerate() {
        let mut outcomes = vec![Ok(Vec::new()); task.documents.len()];
        for pipeline in &task.pipelines {
            for metric in &task.metrics {
                let name = metric_name(metric, pipeline);
                let parts: Vec<Result<Part, String>> = task
                    .documents
                    .iter()
                    .zip(answers)
                    .map(|(document, answered)| answered.part(document, metric, pipeline))
                    .collect();
                measured.metrics.push(number(task, metric, &name, &parts));
                if !metric.is_perplexity() {
                    measured.items.extend(items(task, metric, &name, &parts));
                }
                let values = parts.iter().flatten().map(|part| part.numerator / part.denominator);
                shares.insert((place, name.clone()), values.collect());
                collect(&mut outcomes, &name, parts);
            }
        }
        for (document, outcome) in task.documents.iter().zip(outcomes) {
            let outcome = match outcome {
                Ok(values) => Outcome::Scored { values, spans: Vec::new(), notes: Vec::new() },
                Err(message) => Outcome::Failed(Failure { code: "sample".into(), message }),
            };
            let (evaluator, sample) = (task.name.clone(), document.id.to_string());
            measured.cells.push(CellRecord { evaluator, sample, outcome });
        }
    }
    for GroupNumber { group, aggregate, name, tasks } in group_numbers(set) {
        let of_task =
            |(place, count)| shares.get(&(place, name.clone())).map(|values| (values.as_slice(), count));
        let values: Vec<(&[f64], usize)> = tasks.into_iter().filter_map(of_task).collect();
        measured.metrics.push(group_number(group, aggregate, &name, &values));
    }
    measured
}

/// The numbers of all tasks and groups where nothing was asked, and why.
#[must_use]
pub fn unmeasured(set: &TaskSet, reason: &str) -> Vec<Number> {
    let mut numbers = measured(set, &vec![Vec::new(); set.tasks.len()]).metrics;
    for number in &mut numbers {
        reason.clone_into(&mut number.reason);
    }
    numbers
}

/// A number of a group, with what it is made of.
#[derive(Debug)]
pub struct GroupNumber<'a> {
    /// The group.
    pub group: &'a Group,
    /// What it makes of its tasks.
    pub aggregate: &'a Aggregate,
    /// The metric's name within a task.
    pub name: String,
    /// Places of the tasks that have that metric, each with how often it counts.
    pub tasks: BTreeMap<usize, usize>,
}

/// Every number of every group, in their order.
#[must_use]
pub fn group_numbers(set: &TaskSet) -> Vec<GroupNumber<'_>> {
    let has = |place: usize, name: &str| {
        let task = &set.tasks[place];
        let named = |pipeline| task.metrics.iter().any(|metric| metric_name(metric, pipeline) == name);
        task.pipelines.iter().any(named)
    };
    let mut numbers = Vec::new();
    for group in &set.groups {
        for aggregate in &group.aggregates {
            for filter in filters(set, group, aggregate) {
                let name = group_name(aggregate, &filter);
                let mut tasks = BTreeMap::new();
                for place in group.members.iter().copied().filter(|place| has(*place, &name)) {
                    *tasks.entry(place).or_insert(0) += 1;
                }
                numbers.push(GroupNumber { group, aggregate, name, tasks });
            }
        }
    }
    numbers
}

/// Adds one metric's values to the outcomes of all documents; the first failure of a document is its outcome.
fn collect(outcomes: &mut [Result<Vec<Value>, String>], name: &str, parts: Vec<Result<Part, String>>) {
    for (outcome, part) in outcomes.iter_mut().zip(parts) {
        match (outcome.as_mut(), part) {
            (Ok(values), Ok(Part { numerator, denominator })) => {
                values.push(Value { metric: name.to_owned(), numerator, denominator });
            }
            (Ok(_), Err(message)) => *outcome = Err(message),
            (Err(_), _) => {}
        }
    }
}

/// Pipelines whose numbers a group makes one of: those that it names, else all of its members.
#[must_use]
pub fn filters(set: &TaskSet, group: &Group, aggregate: &Aggregate) -> Vec<String> {
    let own = || {
        let tasks = group.members.iter().map(|place| &set.tasks[*place]);
        let mut names: Vec<String> =
            tasks.flat_map(|task| task.pipelines.iter().map(|pipeline| pipeline.name.clone())).collect();
        names.sort();
        names.dedup();
        names
    };
    aggregate.filters.clone().unwrap_or_else(own)
}

fn items<'a>(
    task: &'a Task,
    metric: &'a Metric,
    name: &'a str,
    parts: &'a [Result<Part, String>],
) -> impl Iterator<Item = ItemValue> + 'a {
    task.documents.iter().zip(parts).filter_map(move |(document, part)| {
        let part = part.as_ref().ok()?;
        Some(ItemValue {
            metric: format!("{}/{name}", task.name),
            item: document.id.to_string(),
            cluster: document.id.to_string(),
            value: metric.finish(part.numerator / part.denominator),
        })
    })
}

fn number(task: &Task, metric: &Metric, name: &str, parts: &[Result<Part, String>]) -> Number {
    let present: Vec<Part> = parts.iter().flatten().copied().collect();
    let evidence = if metric.is_share() {
        let values: Vec<Vec<f64>> = present.iter().map(|part| vec![part.numerator]).collect();
        mean_evidence(&values, Some(Interval { low: 0.0, high: 1.0 }))
    } else {
        let ratios: Vec<Vec<(f64, f64)>> =
            present.iter().map(|part| vec![(part.numerator, part.denominator)]).collect();
        let ratio = mean::ratio_of_sums(&ratios).and_then(|mean| mean.evidence());
        ratio.and_then(|ratio| ratio.map_increasing(|ratio| metric.finish(ratio)))
    };
    let mut beside = BTreeMap::new();
    let chances: Option<Vec<f64>> = task.documents.iter().map(|document| metric.chance(document)).collect();
    if let Some(chances) = chances.filter(|chances| !chances.is_empty()) {
        beside.insert(CHANCE.to_owned(), chances.iter().sum::<f64>() / chances.len() as f64);
    }
    let failed = parts.len() - present.len();
    if failed > 0 {
        beside.insert("failed".into(), failed as f64 / parts.len() as f64);
    }
    Number {
        unit: metric.unit().into(),
        direction: Some(metric.direction()),
        range: metric.is_share().then_some(Interval { low: 0.0, high: 1.0 }),
        reason: too_few(evidence),
        beside,
        ..plain(format!("{}/{name}", task.name), &format!("{} of {DEFINITIONS}", metric.name), evidence)
    }
}

/// Why there is no number, where there is none.
fn too_few(evidence: Option<Evidence>) -> String {
    if evidence.is_some() { String::new() } else { "insufficient: too few documents".into() }
}

/// `values`: of each task the values of its documents, and how often it counts.
fn group_number(group: &Group, aggregate: &Aggregate, name: &str, values: &[(&[f64], usize)]) -> Number {
    let unit = Interval { low: 0.0, high: 1.0 };
    let of = |values: &[(&[f64], usize)]| {
        let repeated =
            values.iter().flat_map(|(values, count)| values.iter().map(|value| vec![*value; *count]));
        mean_evidence(&repeated.collect::<Vec<_>>(), Some(unit))
    };
    let evidence = if aggregate.weight_by_size {
        of(values)
    } else {
        let parts = values.iter().map(|(values, count)| Some((of(&[(*values, 1)])?, *count as f64)));
        parts.collect::<Option<Vec<_>>>().and_then(|parts| mean_of_means(&parts))
    };
    let weights = if aggregate.weight_by_size { "documents" } else { "tasks" };
    let formula = format!("mean of {} over {weights}, {DEFINITIONS}", aggregate.metric);
    Number { reason: too_few(evidence), ..plain(format!("{}/{name}", group.name), &formula, evidence) }
}

/// The weighted mean of independent means. Its limits are recovered from theirs, so that they suit shares (Zou and Donner 2008,
/// "Construction of confidence limits about effect measures"): the distance of each limit from the mean is the root of the sum
/// of squares of the parts' weighted distances.
fn mean_of_means(parts: &[(Evidence, f64)]) -> Option<Evidence> {
    let whole: f64 = parts.iter().map(|(_, weight)| weight).sum();
    let value = parts.iter().map(|(part, weight)| weight * part.estimate.value).sum::<f64>() / whole;
    let away = |limit: fn(&Evidence) -> f64| {
        let square =
            |(part, weight): &(Evidence, f64)| (weight * (limit(part) - part.estimate.value)).powi(2);
        parts.iter().map(square).sum::<f64>().sqrt() / whole
    };
    Evidence {
        estimate: Estimate {
            value,
            low: value - away(|part| part.estimate.low),
            high: value + away(|part| part.estimate.high),
            n: parts.iter().map(|(part, _)| part.estimate.n).sum(),
            clusters: parts.iter().map(|(part, _)| part.estimate.clusters).sum(),
        },
        lower: value - away(|part| part.lower),
        upper: value + away(|part| part.upper),
        effective_n: None,
        long_tail: parts.iter().any(|(part, _)| part.long_tail),
    }
    .finite()
}
