//! Stage 4, persona evaluation: the instrument is proven before anything is trained with it.
//!
//! What is known beforehand is on both sides. **Demonstrations** are replies that people wrote in the persona's voice to
//! scenarios of the train families; no evaluator was fitted to them and none chose them. The instrument has to find the
//! persona there: sensitivity is the mean over traits of the share of demonstrations that show what the profile requires,
//! families as clusters, and the style scorer has to see one steady voice. **Other text** is what the model before SFT says
//! to the same scenarios without any persona and as somebody else, and the suite's held-out contrast texts. A single
//! trait may well occur there: a model says sorry without any persona. What must not occur is a text that shows every
//! trait at once: that is a false alarm.

use std::collections::BTreeMap;

use realign_engine_abi::message::Load;

use super::{Context, Stage, StageRecord, models, record::Check};
use crate::{
    engine::query::{GenerateQuery, Prompt},
    error::{Error, Result},
    gates::{Rule, decide},
    metrics::{CellState, TraitCell, aggregate::mean_evidence},
    model::{ChatMessage, Direction, Finish, Sample},
    opening,
    persona::{
        scenarios::{Scenario, Split},
        texts::Purpose,
    },
    stats::by_cluster,
    suite::{
        evaluators::Evaluators,
        judge::Judge,
        load::Suite,
        persona_run::{self, plain},
        record::Metric,
        run::Means,
    },
    train::{
        config::Role,
        data::{self, Content},
        run::Notice,
    },
};

/// Version of both formulas.
const FORMULA: &str = "instrument/1";

/// Judges demonstrations and other text.
///
/// # Errors
/// The demonstrations cannot be read or answer no scenario; those of evaluators and engine.
pub fn run(context: &mut Context<'_>) -> Result<StageRecord> {
    let mut record = StageRecord::new(Stage::Instrument, context.inputs.clone());
    let mut suite = models::suite(context, Split::Train, Some(0))?;
    let demonstrations = demonstrations(context, &suite)?;
    suite.scenarios.retain(|scenario| demonstrations.iter().any(|sample| sample.id == scenario.id));
    let kinds: std::collections::BTreeSet<&str> =
        demonstrations.iter().map(|sample| sample.kind.as_str()).collect();
    record.checks.push(Check::of(
        "tested in every context kind",
        kinds.len() == suite.persona.contexts.len(),
        kinds.iter().copied().collect::<Vec<_>>().join(", "),
    ));
    let evaluators =
        Evaluators::prepare(&suite, context.sandbox).map_err(|error| error.within(suite.path.display()))?;
    context.go_on()?;
    let base: Load = context.base.clone();
    let mut backend = opening::files(context.settings, &base)?;
    let means = &mut Means { backend: &mut backend, sandbox: context.sandbox, store: context.store };
    let (file, observer) = (context.file, &mut *context.observer);

    let nobody = answers(&suite, &|_| None, "no-persona", means, observer)?;
    let wrong = &file.instrument.wrong_personas;
    let somebody = |place: usize| wrong.get(place % wrong.len()).cloned();
    let somebody_else = answers(&suite, &somebody, "wrong-persona", means, observer)?;
    let mut told = |stage: &str, done: usize, total: usize| observer(Notice::Stage(stage, done, total));
    let judge = &mut Judge { means, seed: file.seed, observer: &mut told };
    let found = persona_run::judge(&suite, &evaluators, demonstrations, None, Vec::new(), judge)?;
    record.metrics.extend(
        found.metrics.into_iter().filter_map(|metric| renamed(metric, context.thresholds.sensitivity)),
    );
    for (name, samples) in
        [("no-persona", nobody), ("wrong-persona", somebody_else), ("contrast", contrast(&suite))]
    {
        let cells = persona_run::trait_cells(&evaluators.detectors, &samples, &mut Vec::new(), judge)?;
        record.metrics.push(false_alarms(name, &cells, context.thresholds.false_alarms));
    }
    Ok(record)
}

/// Written replies to scenarios of the train families, at most so many families.
fn demonstrations(context: &Context<'_>, suite: &Suite) -> Result<Vec<Sample>> {
    let path = context.path(&context.file.instrument.demonstrations);
    let rows = data::read_supervised(&path, Role::Persona)?;
    let mut known: BTreeMap<Vec<(String, String)>, &Scenario> = BTreeMap::new();
    for scenario in &suite.scenarios {
        known.insert(turns(&scenario.messages), scenario);
    }
    let mut samples: Vec<Sample> = Vec::new();
    for row in rows {
        let Content::Conversation(mut messages) = row.content else { continue };
        messages.retain(|message| message.role != "system");
        let Some(reply) = messages.pop() else { continue };
        let Some(scenario) = known.get(&turns(&messages)) else { continue };
        if samples.iter().any(|sample| sample.id == scenario.id) {
            continue;
        }
        samples.push(Sample {
            id: scenario.id.clone(),
            family: scenario.family.clone(),
            kind: scenario.kind.clone(),
            prompt: messages,
            response: reply.content,
            finish: Finish::End,
        });
    }
    if samples.is_empty() {
        return Err(Error::bad_input(format!(
            "{}: no row answers a scenario of the train families",
            path.display()
        ))
        .hint("write the scenario's messages as they are, then the reply"));
    }
    let mut families: Vec<String> = samples.iter().map(|sample| sample.family.clone()).collect();
    families.sort();
    families.dedup();
    let seed = context.file.seed;
    crate::suite::load::keep(&mut families, context.file.instrument.families, seed, |family| family);
    samples.retain(|sample| families.contains(&sample.family));
    Ok(samples)
}

fn turns(messages: &[ChatMessage]) -> Vec<(String, String)> {
    messages.iter().map(|message| (message.role.clone(), message.content.clone())).collect()
}

/// What the model says to the suite's scenarios behind a system prompt that hangs on the scenario's place.
fn answers(
    suite: &Suite,
    system: &dyn Fn(usize) -> Option<String>,
    label: &str,
    means: &mut Means<'_>,
    observer: &mut dyn FnMut(Notice<'_>),
) -> Result<Vec<Sample>> {
    let queries: Vec<GenerateQuery> = suite
        .scenarios
        .iter()
        .enumerate()
        .map(|(place, scenario)| {
            let system = system(place).map(|content| ChatMessage { role: "system".into(), content });
            GenerateQuery {
                id: format!("{label}/{}", scenario.id),
                prompt: Prompt::Messages(system.iter().chain(&scenario.messages).cloned().collect()),
                max_tokens: suite.file.decoding.max_tokens,
                temperature: suite.file.decoding.temperature,
                seed: suite.file.seed,
                stop: Vec::new(),
            }
        })
        .collect();
    let answers = means.backend.generate(&queries, Some(means.store), &mut |done, total| {
        observer(Notice::Stage(label, done, total));
    })?;
    let sample = |(scenario, answer): (&Scenario, crate::engine::query::GenerateAnswer)| Sample {
        id: scenario.id.clone(),
        family: scenario.family.clone(),
        kind: scenario.kind.clone(),
        prompt: scenario.messages.clone(),
        response: answer.text,
        finish: answer.finish,
    };
    Ok(suite.scenarios.iter().zip(answers).map(sample).collect())
}

/// Held-out contrast texts as samples.
fn contrast(suite: &Suite) -> Vec<Sample> {
    let held_out = suite.contrast.iter().filter(|text| text.purpose == Purpose::HeldOut);
    held_out
        .map(|text| Sample {
            id: text.id.clone(),
            family: text.id.clone(),
            kind: "text".into(),
            prompt: Vec::new(),
            response: text.text.clone(),
            finish: Finish::End,
        })
        .collect()
}

/// The numbers of demonstrations under the names of this stage. Consistency is no property of an instrument.
fn renamed(mut metric: Metric, sensitivity: f64) -> Option<Metric> {
    if metric.name.starts_with("consistency") {
        return None;
    }
    if metric.name == "adherence" {
        metric.name = "sensitivity".into();
        let rule = Rule::at_least(sensitivity);
        let evidence = metric.estimate.zip(metric.bound).map(|(estimate, lower)| crate::stats::Evidence {
            estimate,
            lower,
            upper: estimate.high,
            effective_n: None,
            long_tail: false,
        });
        let decision = decide(&rule, evidence.as_ref());
        metric.threshold = Some(sensitivity);
        metric.verdict = Some(decision.verdict);
        metric.reason = decision.reason;
    } else if let Some(trait_id) = metric.name.strip_prefix("trait/") {
        metric.name = format!("sensitivity/{trait_id}");
    }
    Some(metric)
}

/// Share of texts that show every trait.
pub(super) fn false_alarms(source: &str, cells: &[TraitCell], most: f64) -> Metric {
    let mut samples: BTreeMap<&str, (&str, bool)> = BTreeMap::new();
    for cell in cells {
        let all = samples.entry(&cell.sample_id).or_insert((&cell.family, true));
        // A detector that failed might have said yes: the bound must not gain from it.
        all.1 &= matches!(cell.state, CellState::Hit | CellState::NotApplicable | CellState::Failed);
    }
    let clusters = by_cluster(samples.values().map(|&(family, all)| (family, f64::from(u8::from(all)))));
    let evidence = mean_evidence(&clusters, None);
    let rule = Rule::at_most(most);
    let decision = decide(&rule, evidence.as_ref());
    let mut reason = decision.reason;
    if let Some(further) = decision.further {
        reason = format!("{reason}; about {further} more families would decide");
    }
    let mut metric = Metric {
        direction: Some(Direction::Lower),
        bound: evidence.map(|evidence| evidence.upper),
        threshold: Some(most),
        verdict: Some(decision.verdict),
        reason,
        ..plain(format!("false-alarms/{source}"), FORMULA, evidence)
    };
    for (trait_id, share) in shares(cells) {
        metric.beside.insert(format!("trait {trait_id}"), share);
    }
    metric
}

/// Per trait the share of texts that show what the profile requires.
fn shares(cells: &[TraitCell]) -> BTreeMap<&str, f64> {
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for cell in cells {
        let count = counts.entry(&cell.trait_id).or_default();
        match cell.state {
            CellState::Hit => *count = (count.0 + 1, count.1 + 1),
            CellState::Miss => count.1 += 1,
            CellState::Failed | CellState::NotApplicable => {}
        }
    }
    counts.retain(|_, (_, n)| *n > 0);
    counts.into_iter().map(|(name, (hits, n))| (name, hits as f64 / n as f64)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Verdict;

    fn cells(alarms: usize, of: usize, state: CellState) -> Vec<TraitCell> {
        (0..of)
            .flat_map(|index| {
                ["thanks", "brief"].map(|trait_id| TraitCell {
                    trait_id: trait_id.into(),
                    family: index.to_string(),
                    kind: "plain".into(),
                    sample_id: index.to_string(),
                    state: if trait_id == "brief" || index < alarms { state } else { CellState::Miss },
                })
            })
            .collect()
    }

    #[test]
    fn a_text_with_one_trait_of_two_is_no_false_alarm() {
        let found = false_alarms("no-persona", &cells(0, 40, CellState::Hit), 0.1);
        assert!(found.estimate.unwrap().value.abs() < 1e-12);
        assert_eq!(found.verdict, Some(Verdict::Pass));
        assert!((found.beside["trait brief"] - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_detector_that_fails_does_not_hide_an_alarm() {
        let found = false_alarms("no-persona", &cells(40, 40, CellState::Failed), 0.1);
        assert_eq!(found.verdict, Some(Verdict::Fail));
    }

    #[test]
    fn few_texts_cannot_prove_that_there_are_few_alarms() {
        let found = false_alarms("no-persona", &cells(0, 10, CellState::Hit), 0.1);
        assert_eq!(found.verdict, Some(Verdict::Inconclusive));
    }
}
