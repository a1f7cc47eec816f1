//! Responses of a model to the scenarios, judged: adherence, consistency, style variance.
//!
//! Where the persona's prompt is deployed, the same scenarios are also answered without it: the control that
//! stands beside adherence tells a persona from a habit of the model.

pub mod neutral;
pub mod style;

use std::collections::{BTreeMap, BTreeSet};

use super::{
    evaluators::{Detector, Evaluators},
    file::DeployPrompt,
    judge::Judge,
    load::Suite,
    record::Metric,
};
use crate::{
    compare::ItemValue,
    engine::{
        backend::{Backend, Progress},
        kept::keep_texts,
        query::{GenerateQuery, Prompt},
    },
    error::Result,
    gates::{Comparison, Decision, Evidence, Rule},
    metrics::{
        adherence::{Adherence, AdherenceGate, adherence},
        cell::{CellState, TraitCell},
        consistency::consistency,
        spoiled::{SpoiledReason, spoiled},
    },
    model::{Direction, Outcome, Sample},
    persona::profile::Polarity,
    stats::Interval,
    store::{CellRecord, Store},
};

/// What judging the persona gave.
#[derive(Debug, Default)]
pub struct PersonaResult {
    /// Responses, in the order of the scenarios.
    pub samples: Vec<Sample>,
    /// What every evaluator made of every response.
    pub cells: Vec<CellRecord>,
    /// The numbers.
    pub metrics: Vec<Metric>,
    /// What `compare` pairs.
    pub items: Vec<ItemValue>,
}

/// Answers every scenario under a prompt.
///
/// # Errors
/// The engine or the store failed.
pub fn respond(
    suite: &Suite,
    prompt: DeployPrompt,
    backend: &mut Backend,
    store: &Store,
    progress: &mut Progress<'_>,
) -> Result<Vec<Sample>> {
    let system = suite.system(prompt);
    let queries: Vec<GenerateQuery> = suite
        .scenarios
        .iter()
        .map(|scenario| GenerateQuery {
            id: scenario.id.clone(),
            prompt: Prompt::Messages(system.iter().chain(&scenario.messages).cloned().collect()),
            max_tokens: suite.file.decoding.max_tokens,
            temperature: suite.file.decoding.temperature,
            seed: suite.file.seed,
            stop: Vec::new(),
        })
        .collect();
    let answers = backend.generate(&queries, Some(store), progress)?;
    keep_texts(store, backend, &queries, &answers.iter().cloned().map(Ok).collect::<Vec<_>>())?;
    let sample =
        |(scenario, answer): (&crate::persona::scenarios::Scenario, crate::engine::query::GenerateAnswer)| {
            Sample {
                id: scenario.id.clone(),
                family: scenario.family.clone(),
                kind: scenario.kind.clone(),
                prompt: scenario.messages.clone(),
                response: answer.text,
                finish: answer.finish,
            }
        };
    Ok(suite.scenarios.iter().zip(answers).map(sample).collect())
}

/// Judges responses; `control` are responses to the same scenarios without the persona's prompt, `neutral` answers to
/// tasks that ask for nothing of the persona.
///
/// # Errors
/// As [`Judge::outcomes`].
pub fn judge(
    suite: &Suite,
    evaluators: &Evaluators,
    samples: Vec<Sample>,
    control: Option<&[Sample]>,
    neutral: Vec<Sample>,
    judge: &mut Judge<'_, '_, '_>,
) -> Result<PersonaResult> {
    let mut result = PersonaResult::default();
    if !evaluators.detectors.is_empty() {
        let cells = trait_cells(&evaluators.detectors, &samples, &mut result.cells, judge)?;
        let gate = AdherenceGate {
            mean: Rule::at_least(suite.file.gates.adherence),
            floor: suite.file.gates.adherence_floor,
        };
        let found = adherence(&cells, &gate);
        let control = match control {
            Some(control) => {
                let cells = trait_cells(&evaluators.detectors, control, &mut Vec::new(), judge)?;
                adherence(&cells, &gate).evidence.map(|evidence| evidence.estimate.value)
            }
            None => None,
        };
        let forbidden =
            evaluators.detectors.iter().filter(|detector| detector.polarity == Polarity::Forbidden);
        let forbidden = forbidden.map(|detector| detector.trait_id.as_str()).collect();
        push_adherence(&mut result.metrics, &found, &gate, control, &samples, &forbidden);
        push_consistency(&mut result.metrics, &cells, suite);
        result.items.extend(trait_items(&cells));
    }
    if let Some(prepared) = &evaluators.style {
        style::push(&mut result, suite, prepared, &samples, judge)?;
    }
    result.samples = samples;
    if let Some(prepared) = evaluators.style.as_ref().filter(|_| !neutral.is_empty()) {
        neutral::push(&mut result, suite, prepared, neutral, judge)?;
    }
    Ok(result)
}

/// One cell per response and trait, detector after detector: what is known after threshold, polarity and spoiled
/// responses.
///
/// # Errors
/// As [`Judge::outcomes`].
pub fn trait_cells(
    detectors: &[Detector],
    samples: &[Sample],
    records: &mut Vec<CellRecord>,
    judge: &mut Judge<'_, '_, '_>,
) -> Result<Vec<TraitCell>> {
    let mut cells = Vec::with_capacity(detectors.len() * samples.len());
    for detector in detectors {
        let evaluator = format!("detector/{}", detector.trait_id);
        let outcomes = judge.outcomes(&detector.prepared, &evaluator, samples)?;
        for (sample, outcome) in samples.iter().zip(outcomes) {
            cells.push(TraitCell {
                trait_id: detector.trait_id.clone(),
                family: sample.family.clone(),
                kind: sample.kind.clone(),
                sample_id: sample.id.clone(),
                state: state(detector, sample, &outcome),
            });
            records.push(CellRecord { evaluator: evaluator.clone(), sample: sample.id.clone(), outcome });
        }
    }
    Ok(cells)
}

fn state(detector: &Detector, sample: &Sample, outcome: &Outcome) -> CellState {
    if spoiled(&sample.response, sample.finish).is_some() {
        return CellState::Miss;
    }
    match outcome {
        Outcome::Scored { values, .. } => {
            let found = values.first().is_some_and(|presence| presence.ratio() >= detector.threshold);
            let wanted = detector.polarity == Polarity::Required;
            if found == wanted { CellState::Hit } else { CellState::Miss }
        }
        Outcome::NotApplicable(_) => CellState::NotApplicable,
        Outcome::Failed(_) => CellState::Failed,
    }
}

fn push_adherence(
    metrics: &mut Vec<Metric>,
    found: &Adherence,
    gate: &AdherenceGate,
    control: Option<f64>,
    samples: &[Sample],
    forbidden: &BTreeSet<&str>,
) {
    let mut beside = BTreeMap::new();
    if let Some(control) = control {
        beside.insert("without the persona's prompt".to_owned(), control);
    }
    let share = |reason: SpoiledReason| {
        let spoiled =
            samples.iter().filter(|sample| spoiled(&sample.response, sample.finish) == Some(reason)).count();
        spoiled as f64 / samples.len().max(1) as f64
    };
    beside.insert("cut at the token limit".into(), share(SpoiledReason::Cut));
    beside.insert("empty".into(), share(SpoiledReason::Empty));
    beside.insert("looping".into(), share(SpoiledReason::Looping));
    metrics.push(gated("adherence", "adherence/1", found.evidence, &gate.mean, &found.decision, beside));
    for item in &found.traits {
        let mut metric = plain(format!("trait/{}", item.trait_id), "adherence/1", item.evidence);
        if item.applicable < item.cells {
            metric.beside.insert("applicable".into(), item.applicable as f64 / item.cells as f64);
        }
        if forbidden.contains(item.trait_id.as_str()) {
            metric.reason = "forbidden: the share of responses without it".into();
        }
        metrics.push(metric);
    }
}

fn push_consistency(metrics: &mut Vec<Metric>, cells: &[TraitCell], suite: &Suite) {
    let rule = Rule::at_least(suite.file.gates.consistency);
    let found = consistency(cells, suite.persona.plain_kind(), &rule);
    metrics.push(gated(
        "consistency",
        "consistency/1",
        found.evidence,
        &rule,
        &found.decision,
        BTreeMap::new(),
    ));
    for kind in &found.kinds {
        let mut metric = plain(format!("consistency/{}", kind.kind), "consistency/1", kind.evidence);
        metric.beside.extend(kind.agreement.map(|value| ("agreement".into(), value)));
        metric.beside.extend(kind.kappa.map(|value| ("kappa".into(), value)));
        metrics.push(metric);
    }
}

/// Trait by trait, and all traits together, per response; failed and not applicable cells are left out.
fn trait_items(cells: &[TraitCell]) -> Vec<ItemValue> {
    let value = |cell: &TraitCell| match cell.state {
        CellState::Hit => Some(1.0),
        CellState::Miss => Some(0.0),
        CellState::Failed | CellState::NotApplicable => None,
    };
    let mut items = Vec::new();
    for cell in cells {
        let Some(value) = value(cell) else { continue };
        let item =
            |metric: String, item: String| ItemValue { metric, item, cluster: cell.family.clone(), value };
        items.push(item("adherence".into(), format!("{}/{}", cell.sample_id, cell.trait_id)));
        items.push(item(format!("trait/{}", cell.trait_id), cell.sample_id.clone()));
    }
    items
}

/// A metric with a gate; shares are its unit.
#[must_use]
pub fn gated(
    name: &str,
    formula: &str,
    evidence: Option<Evidence>,
    rule: &Rule,
    decision: &Decision,
    beside: BTreeMap<String, f64>,
) -> Metric {
    let higher = rule.comparison == Comparison::AtLeast;
    let mut reason = decision.reason.clone();
    if let Some(further) = decision.further {
        reason = format!("{reason}; about {further} more families would decide");
    }
    Metric {
        direction: Some(if higher { Direction::Higher } else { Direction::Lower }),
        bound: evidence.map(|evidence| if higher { evidence.lower } else { evidence.upper }),
        threshold: Some(rule.threshold),
        verdict: Some(decision.verdict),
        reason,
        beside,
        ..plain(name.into(), formula, evidence)
    }
}

/// A metric without a gate; shares are its unit.
#[must_use]
pub fn plain(name: String, formula: &str, evidence: Option<Evidence>) -> Metric {
    Metric {
        name,
        unit: "share".into(),
        direction: Some(Direction::Higher),
        range: Some(Interval { low: 0.0, high: 1.0 }),
        formula: formula.into(),
        estimate: evidence.map(|evidence| evidence.estimate),
        bounds: evidence.map(|evidence| evidence.bounds()),
        bound: None,
        threshold: None,
        verdict: None,
        reason: String::new(),
        long_tail: evidence.is_some_and(|evidence| evidence.long_tail),
        beside: BTreeMap::new(),
    }
}
