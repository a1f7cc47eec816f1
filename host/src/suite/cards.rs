//! The cards of a suite's evaluators.
//!
//! Held-out exemplars are right texts and held-out contrast texts wrong ones, each a group of its own. Labelled texts from
//! files come beside them. A text that an evaluator was fitted with never judges it. [`lone`] makes the card of a component
//! that no suite names.

pub mod lone;

use std::collections::BTreeSet;

use serde_json::json;

use super::{
    answers::Answerer,
    evaluators::{self, Benchmark, Evaluators},
    judge::Judge,
    load::Suite,
};
use crate::{
    error::{Error, Result},
    ids::{Digest, Seed},
    metrics::{
        aggregate,
        card::{
            Label,
            benchmark::{BenchmarkInput, benchmark},
        },
    },
    model::{ChatMessage, Outcome, Sample, Value},
    persona::texts::{Purpose, VoiceText},
    plugins::card::{
        self, Card, Numbers, Subject, guess,
        text::{self, LabelledText},
    },
    sandbox::{Item, Metric, Prepared},
    stats::{Evidence, Interval},
};

/// Who judges and who answers.
pub trait Examiner {
    /// One outcome per sample. `scope` is the component's place in the suite.
    ///
    /// # Errors
    /// As [`Judge::outcomes`].
    fn judge(&mut self, prepared: &Prepared, scope: &str, samples: &[Sample]) -> Result<Vec<Outcome>>;

    /// One outcome per item, from a model's answers; `None` where there is no model to ask.
    ///
    /// # Errors
    /// As [`Prepared::grade`].
    fn grade(
        &mut self,
        benchmark: &Benchmark,
        system: Option<ChatMessage>,
        items: &[Item],
    ) -> Result<Option<Vec<Outcome>>>;
}

/// Evaluators by themselves: whoever asks a model is refused.
#[derive(Debug, Clone, Copy)]
pub struct Alone;

impl Examiner for Alone {
    fn judge(&mut self, prepared: &Prepared, scope: &str, samples: &[Sample]) -> Result<Vec<Outcome>> {
        prepared.judge(samples, &mut |_| {
            let message = format!("{scope}: {} asks a model, and none is named", prepared.evaluator());
            Err(Error::usage(message).hint("add --model MODEL"))
        })
    }

    fn grade(&mut self, _: &Benchmark, _: Option<ChatMessage>, _: &[Item]) -> Result<Option<Vec<Outcome>>> {
        Ok(None)
    }
}

impl Examiner for Judge<'_, '_, '_> {
    fn judge(&mut self, prepared: &Prepared, scope: &str, samples: &[Sample]) -> Result<Vec<Outcome>> {
        self.outcomes(prepared, scope, samples)
    }

    fn grade(
        &mut self,
        benchmark: &Benchmark,
        system: Option<ChatMessage>,
        items: &[Item],
    ) -> Result<Option<Vec<Outcome>>> {
        let scope = format!("benchmark/{}", benchmark.spec.id);
        let mut answerer = Answerer {
            backend: self.means.backend,
            store: self.means.store,
            scope: &scope,
            seed: self.seed.derive(&benchmark.spec.id),
            system,
            progress: &mut |done, total| (self.observer)(&scope, done, total),
            beyond: None,
        };
        benchmark.prepared.grade(items, &mut |asks| answerer.answer(asks)).map(Some)
    }
}

/// Cards of all evaluators of a suite, or of the traits in `only`: detectors, style scorer, benchmarks. `extra` are
/// labelled texts beside the suite's own.
///
/// # Errors
/// Usage errors for a trait that the suite does not have; bad input where two texts share an id, or one was used to fit;
/// what the examiner reports.
pub fn cards(
    suite: &Suite,
    evaluators: &Evaluators,
    only: &BTreeSet<String>,
    extra: &[LabelledText],
    examiner: &mut dyn Examiner,
) -> Result<Vec<Card>> {
    let known = |wanted: &&String| !suite.file.detector.iter().any(|spec| spec.trait_id == **wanted);
    if let Some(unknown) = only.iter().find(known) {
        let message = format!("--trait: {} has no detector of `{unknown}`", suite.path.display());
        return Err(Error::usage(message));
    }
    let mut texts = own_texts(suite);
    texts.extend_from_slice(extra);
    text::check_ids(&texts)?;
    check_fit(suite, extra)?;
    let mut cards = Vec::new();
    for (spec, found) in suite.file.detector.iter().zip(&evaluators.detectors) {
        if !only.is_empty() && !only.contains(&spec.trait_id) {
            continue;
        }
        let about: Vec<&LabelledText> = texts.iter().filter(|text| text.is_about(&spec.trait_id)).collect();
        let scope = format!("detector/{}", spec.trait_id);
        let outcomes = examiner.judge(&found.prepared, &scope, &card::samples(&about))?;
        let rest = (spec.threshold, found.polarity, &spec.grants);
        let config = json!(spec.config).to_string();
        let instrument = evaluators::identity(&found.prepared, &rest);
        let subject = subject(&spec.trait_id, &found.prepared, &config, instrument);
        let seed = suite.file.seed.derive("card");
        cards.push(card::of_detector(
            &subject,
            found.polarity,
            Some(spec.threshold),
            &about,
            &outcomes,
            seed,
        ));
    }
    if !only.is_empty() {
        return Ok(cards);
    }
    if let (Some(spec), Some(prepared)) = (&suite.file.style, &evaluators.style) {
        let about: Vec<&LabelledText> = texts.iter().filter(|text| text.trait_id.is_none()).collect();
        let outcomes = examiner.judge(prepared, "style", &card::samples(&about))?;
        let rest = (&suite.exemplars, &suite.contrast, &spec.grants);
        let config = json!(spec.config).to_string();
        let subject = subject("style", prepared, &config, evaluators::identity(prepared, &rest));
        cards.push(card::of_style(&subject, suite.file.gates.style_variance, &about, &outcomes));
    }
    let items = evaluators.items(suite)?;
    for ((found, items), rows) in evaluators.benchmarks.iter().zip(&items).zip(&suite.benchmarks) {
        let bodies: Vec<&String> = rows.iter().map(|row| &row.body).collect();
        let rest = (&found.spec.metric, &found.spec.grants, bodies);
        let instrument = evaluators::identity(&found.prepared, &rest);
        let system = suite.system(suite.file.deploy_prompt);
        let graded = examiner.grade(found, system, items)?;
        cards.push(benchmark_card(found, items, graded.as_deref(), Some(instrument), suite.file.seed)?);
    }
    Ok(cards)
}

fn subject<'a>(name: &'a str, prepared: &'a Prepared, config: &'a str, instrument: String) -> Subject<'a> {
    Subject { name, prepared, config, instrument: Some(instrument), cross_fitted: false }
}

/// Held-out texts of the suite.
fn own_texts(suite: &Suite) -> Vec<LabelledText> {
    let text = |text: &VoiceText, label| LabelledText {
        id: text.id.clone(),
        group: text.id.clone(),
        label,
        trait_id: None,
        prompt: Vec::new(),
        text: text.text.clone(),
    };
    let held_out = |text: &&VoiceText| text.purpose == Purpose::HeldOut;
    let right = suite.exemplars.iter().filter(held_out).map(|found| text(found, Label::Right));
    let wrong = suite.contrast.iter().filter(held_out).map(|found| text(found, Label::Wrong));
    right.chain(wrong).collect()
}

/// No labelled text may have been used to fit.
fn check_fit(suite: &Suite, extra: &[LabelledText]) -> Result<()> {
    let fitted: BTreeSet<&str> = suite
        .exemplars
        .iter()
        .chain(&suite.contrast)
        .filter(|text| text.purpose == Purpose::Fit)
        .map(|text| text.text.trim())
        .collect();
    match extra.iter().find(|text| fitted.contains(text.text.trim())) {
        None => Ok(()),
        Some(seen) => {
            Err(Error::bad_input(format!("text `{}`: evaluators of this suite are fitted with it", seen.id))
                .hint("take it out of the labelled texts, or mark it held-out in the suite's file"))
        }
    }
}

/// The card of a benchmark, from a model's outcomes where there are some.
///
/// # Errors
/// As [`Prepared::grade`].
///
/// # Panics
/// If the benchmark does not measure the metric of its specification, which preparing a suite rules out.
pub fn benchmark_card(
    found: &Benchmark,
    items: &[Item],
    graded: Option<&[Outcome]>,
    instrument: Option<String>,
    seed: Seed,
) -> Result<Card> {
    let Benchmark { spec, prepared } = found;
    let seed = seed.derive("guess");
    let guessed = prepared.grade(items, &mut |asks| Ok(guess::answers(asks, seed)))?;
    let metrics = &prepared.evaluator().description().metrics;
    let metric = metrics.iter().find(|metric| metric.name == spec.metric);
    let metric = metric.expect("preparing the suite checked that the benchmark has its metric");
    let range = metric.low.zip(metric.high).map(|(low, high)| Interval { low, high });
    let of = |outcomes: &[Outcome]| estimate(metric, range, items, outcomes);
    let failed = |outcomes: &[Outcome]| {
        outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Failed(_))).count()
    };
    let groups: BTreeSet<&str> = items.iter().map(|item| item.group.as_str()).collect();
    let numbers = benchmark(&BenchmarkInput {
        metric: &spec.metric,
        direction: spec.direction.is_described().then_some(metric.direction),
        range,
        items: items.len(),
        groups: groups.len(),
        chance: metric.chance.or_else(|| noted_chance(&guessed)),
        guessing: of(&guessed),
        baseline: graded.and_then(of),
        failed: failed(graded.unwrap_or(&guessed)),
    });
    let config = json!(spec.config).to_string();
    let subject = Subject { name: &spec.id, prepared, config: &config, instrument, cross_fitted: false };
    Ok(subject.card(Digest::of_json(&items), Numbers::Benchmark(Box::new(numbers))))
}

fn estimate(
    metric: &Metric,
    range: Option<Interval>,
    items: &[Item],
    outcomes: &[Outcome],
) -> Option<Evidence> {
    let mut values: Vec<(&str, &Value)> = Vec::new();
    for (item, outcome) in items.iter().zip(outcomes) {
        if let Outcome::Scored { values: found, .. } = outcome {
            let own = found.iter().filter(|value| value.metric == metric.name);
            values.extend(own.map(|value| (item.group.as_str(), value)));
        }
    }
    aggregate(&values, metric.aggregation, range)
}

/// Mean of the notes `chance`, where every item has one.
fn noted_chance(outcomes: &[Outcome]) -> Option<f64> {
    let noted = |outcome: &Outcome| match outcome {
        Outcome::Scored { notes, .. } => {
            notes.iter().find(|note| note.key == "chance")?.value.parse::<f64>().ok()
        }
        Outcome::NotApplicable(_) | Outcome::Failed(_) => None,
    };
    let chances: Vec<f64> = outcomes.iter().map(noted).collect::<Option<_>>()?;
    let mean = chances.iter().sum::<f64>() / chances.len() as f64;
    mean.is_finite().then_some(mean)
}
