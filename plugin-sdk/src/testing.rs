//! Runs an evaluator natively over its `cases.toml` (see [`cases`](crate::cases)). Feature `testing`.
//!
//! ```ignore
//! #[test]
//! fn cases_hold() -> Result<(), realign_plugin::testing::Mismatch> {
//!     realign_plugin::testing::trait_detector::<Says>(include_str!("../cases.toml"))
//! }
//! ```
//!
//! Besides the expectations it checks the description, and that a sample gets the same outcome to the bit alone, among
//! the others, and with the others in reverse order.

use std::{collections::BTreeMap, fmt};

use serde_json::Value;

use crate::{
    Benchmark, StyleScorer, TraitDetector,
    ask::{Answer, Ask},
    benchmark::BenchmarkKind,
    cases::{Case, Cases, Got},
    contract::{Description, Failure, Item, Outcome, Sample, Scored},
    detector::DetectorKind,
    kind::{Job, Kind, Progress},
    style::StyleKind,
};

/// Where an evaluator and its cases differ. Shown as a list by both `Display` and `Debug`.
pub struct Mismatch {
    lines: Vec<String>,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines.join("\n"))
    }
}

impl fmt::Debug for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cases and evaluator differ\n{self}")
    }
}

impl std::error::Error for Mismatch {}

/// Runs a trait detector over the text of a `cases.toml`.
///
/// # Errors
///
/// Every difference, by case.
pub fn trait_detector<T: TraitDetector>(cases: &str) -> Result<(), Mismatch> {
    run::<DetectorKind<T>>(cases, sample, Some("presence"))
}

/// Runs a style scorer over the text of a `cases.toml`.
///
/// # Errors
///
/// Every difference, by case.
pub fn style_scorer<T: StyleScorer>(cases: &str) -> Result<(), Mismatch> {
    run::<StyleKind<T>>(cases, sample, Some("match"))
}

/// Runs a benchmark over the text of a `cases.toml`.
///
/// # Errors
///
/// Every difference, by case.
pub fn benchmark<T: Benchmark>(cases: &str) -> Result<(), Mismatch> {
    run::<BenchmarkKind<T>>(cases, item::<T>, None)
}

/// Makes the subject of a case, given the state.
type Subject<S> = fn(&[u8], &Case) -> Result<S, Failure>;

fn sample(_: &[u8], case: &Case) -> Result<Sample, Failure> {
    case.sample().ok_or_else(|| Failure::internal("a detector or scorer needs response, not row"))
}

fn item<T: Benchmark>(state: &[u8], case: &Case) -> Result<Item, Failure> {
    let row = case.item_row().ok_or_else(|| Failure::internal("a benchmark needs row, not response"))?;
    Ok(BenchmarkKind::<T>::items(state, &[row])?.remove(0))
}

/// Runs all cases; `first_metric` is the name that the contract demands, if it does.
fn run<K: Kind>(
    text: &str,
    subject: Subject<K::Subject>,
    first_metric: Option<&str>,
) -> Result<(), Mismatch> {
    let refused = |line: String| Mismatch { lines: vec![format!("cases.toml: {line}")] };
    let cases: Cases = toml::from_str(text).map_err(|error| refused(error.to_string()))?;
    cases.check().map_err(refused)?;

    let mut lines = description_faults(&K::describe(), first_metric);
    let mut ready = BTreeMap::<_, Vec<_>>::new();
    for case in &cases.cases {
        let mut asked = Vec::new();
        let got = prepare::<K>(&cases, case).and_then(|state| {
            let subject = subject(&state, case)?;
            let outcome = judge::<K>(&state, &[(case, subject.clone())], &mut asked)?.remove(0);
            ready.entry(state).or_default().push((case, subject, outcome.clone()));
            Ok(outcome)
        });
        let differences = case.differences(&got_of(case, got), &asked);
        lines.extend(differences.iter().map(|line| format!("case {:?}: {line}", case.name)));
    }
    for (state, judged) in &mut ready {
        for order in ["together with others", "in reverse order"] {
            lines.extend(dependence::<K>(state, judged, order));
            judged.reverse();
        }
    }
    if lines.is_empty() { Ok(()) } else { Err(Mismatch { lines }) }
}

fn prepare<K: Kind>(cases: &Cases, case: &Case) -> Result<Vec<u8>, Failure> {
    let (config, profile) = (cases.config(case), cases.profile());
    K::prepare(&Job { config: &config, profile: &profile }, &cases.rows(case))
}

/// Steps until done, answering from the cases; the bodies of the questions are added to `asked`.
fn judge<K: Kind>(
    state: &[u8],
    batch: &[(&Case, K::Subject)],
    asked: &mut Vec<Value>,
) -> Result<Vec<Outcome>, Failure> {
    let subjects: Vec<_> = batch.iter().map(|(_, subject)| subject.clone()).collect();
    let asks = match K::step(state, &subjects, &[])? {
        Progress::Done(outcomes) => return Ok(outcomes),
        Progress::Asks(asks) => asks,
    };
    for ask in &asks {
        asked.push(serde_json::from_str(&ask.body).map_err(|error| Failure::internal(error.to_string()))?);
    }
    let canned: Vec<_> = batch.iter().flat_map(|(case, _)| &case.answers).collect();
    if asks.len() != canned.len() {
        return Err(Failure::internal(format!(
            "{} questions, cases.toml has {} answers",
            asks.len(),
            canned.len()
        )));
    }
    let answer = |(Ask { id, .. }, body): (_, &&Value)| Answer { id, body: body.to_string() };
    let answers: Vec<_> = asks.into_iter().zip(&canned).map(answer).collect();
    match K::step(state, &subjects, &answers)? {
        Progress::Done(outcomes) => Ok(outcomes),
        Progress::Asks(_) => Err(Failure::internal("asked again with all questions answered")),
    }
}

/// The outcome in the terms of the cases.
fn got_of(case: &Case, outcome: Result<Outcome, Failure>) -> Got {
    match outcome {
        Ok(Outcome::Scored(Scored { values, spans, .. })) => {
            let response = case.sample().map(|sample| sample.response).unwrap_or_default();
            let marked =
                |start, end| response.get(start as usize..end as usize).unwrap_or("<not a stretch of text>");
            Got::Scored {
                values: values.iter().map(|value| (value.metric.clone(), value.ratio())).collect(),
                spans: spans.iter().map(|span| marked(span.start, span.end).to_owned()).collect(),
            }
        }
        Ok(Outcome::NotApplicable(reason)) => Got::NotApplicable(reason),
        Ok(Outcome::Cannot(failure)) | Err(failure) => Got::Failed(failure.code, failure.message),
    }
}

/// Cases whose outcome in a batch differs from the one they got alone.
fn dependence<K: Kind>(state: &[u8], judged: &[(&Case, K::Subject, Outcome)], order: &str) -> Vec<String> {
    let batch: Vec<_> = judged.iter().map(|(case, subject, _)| (*case, subject.clone())).collect();
    match judge::<K>(state, &batch, &mut Vec::new()) {
        Err(failure) => vec![format!("all cases {order}: {failure}")],
        Ok(outcomes) => {
            let differs = judged.iter().zip(&outcomes).filter(|((_, _, alone), outcome)| alone != *outcome);
            differs
                .map(|((case, _, alone), outcome)| {
                    format!("case {:?}: alone {alone:?}, {order} {outcome:?}", case.name)
                })
                .collect()
        }
    }
}

/// What the host would refuse in a description.
fn description_faults(Description { about, metrics, .. }: &Description, first: Option<&str>) -> Vec<String> {
    let mut faults = Vec::new();
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if about.id.is_empty() || about.id.len() > 64 || !about.id.chars().all(good) {
        faults.push(format!("id {:?} must be 1 to 64 of a-z, 0-9 and -", about.id));
    }
    if about.summary.is_empty() {
        faults.push("summary is empty: set description in Cargo.toml".to_owned());
    }
    match serde_json::from_str::<Value>(about.config_schema) {
        Ok(Value::Object(_)) => {}
        Ok(other) => faults.push(format!("config schema is not a JSON object but {other}")),
        Err(error) => faults.push(format!("config schema is not JSON: {error}")),
    }
    match (metrics.first(), first) {
        (None, _) => faults.push("no metric is described, at least one is needed".to_owned()),
        (Some(metric), Some(wanted)) if metric.name != wanted => {
            faults.push(format!("first metric is {:?}, must be {wanted:?}", metric.name));
        }
        _ => {}
    }
    faults
}
