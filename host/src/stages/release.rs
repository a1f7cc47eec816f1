//! Stage 7, evaluation and release: all five gates on the test split, which is read here and nowhere else.
//!
//! Both models answer the same test scenarios and the same benchmark items: the reference and the candidate. Deploy if
//! every gate passes by its bound; else reject, with what was measured and what helps.

mod card;

use std::{collections::BTreeSet, path::PathBuf};

use realign_engine_abi::message::{AdapterFile, Load};

use super::{
    Context, Stage, StageRecord, context::adapter, judged, models, optimise::KL, remedy::remedies, retained,
};
use crate::{
    error::{Error, Result},
    gates::{Rule, decide},
    model::{Direction, Verdict},
    opening,
    persona::scenarios::{Scenario, Split},
    suite::{load::Suite, persona_run::plain, record::Metric},
    train::{divergence, prompts::Prompt, run::Notice},
    write::Output,
};

/// Label of the candidate's evaluation on test.
pub const RELEASE: &str = "7-release";
/// Label of the reference's evaluation on test.
pub const REFERENCE: &str = "7-reference";
/// Tokens of a response whose divergence is measured.
const ROOM: u32 = 64;
/// The divergence from the model that everything began with.
const ORIGINAL: &str = "kl/original";
/// The model card's file.
const CARD: &str = "model-card.md";

/// Measures both models on test, and decides.
///
/// # Errors
/// Those of evaluation.
pub fn run(context: &mut Context<'_>) -> Result<StageRecord> {
    let mut record = StageRecord::new(Stage::Release, context.inputs.clone());
    let adapter =
        context.made(Stage::Iterate, "adapter").ok_or_else(|| Error::bad_input("stage 6 left no adapter"))?;
    let suite = models::suite(context, Split::Test, context.file.evaluation.items)?;
    let reference = context.reference();
    let before = models::evaluate(context, &suite, &reference, REFERENCE)?;
    let candidate = context.with(adapter.clone());
    let after = models::evaluate(context, &suite, &candidate, RELEASE)?;
    for (what, run) in [("reference on test", &before), ("release on test", &after)] {
        record.runs.insert(what.into(), run.name.clone());
    }
    record.metrics.extend(judged::by_bound(&after));
    record.metrics.extend(moved(context, &suite, adapter.clone())?);
    let kept = retained::of(&suite, &before, &after, context.thresholds.retention)?;
    record.metrics.extend(retained::metrics(&kept, context.thresholds.retention));
    let prefixed = |metric: Metric| Metric { name: format!("reference/{}", metric.name), ..metric };
    record.metrics.extend(judged::baseline(&before).into_iter().map(prefixed));

    let remedies = remedies(&record.metrics);
    let deploy = record.verdict() == Some(Verdict::Pass);
    record.notes.push(decision(deploy, &record));
    record
        .notes
        .extend(remedies.iter().map(|found| format!("{}: {} ({})", found.issue, found.remedy, found.seen)));
    record.artefacts.insert("adapter".into(), context.adapter_artefact(&adapter)?);
    let path = context.folder.stage(Stage::Release)?.join(CARD);
    Output::create(&path)?.commit(card::text(context, &record, &suite, &remedies).as_bytes())?;
    record.artefacts.insert("model card".into(), context.file_artefact(&path)?);
    Ok(record)
}

/// The divergence of the candidate on test scenarios: from the reference, which is the gate, and, where stage 1 put an
/// adapter on it, from the model that everything began with. That is advice, and every other family is enough for it.
fn moved(context: &mut Context<'_>, suite: &Suite, candidate: PathBuf) -> Result<Vec<Metric>> {
    let reference = context.reference();
    let last = adapter(candidate);
    let prompts = prompts(suite);
    let families: BTreeSet<String> = prompts.iter().map(|prompt| prompt.family.clone()).collect();
    let mut metrics = vec![one(context, prompts.clone(), &reference, std::slice::from_ref(&last), KL)?];
    let base = context.base.clone();
    let mut all = reference.adapters[base.adapters.len()..].to_vec();
    if !all.is_empty() {
        all.push(last);
        let some: BTreeSet<String> = families.into_iter().step_by(2).collect();
        let prompts = prompts.into_iter().filter(|prompt| some.contains(&prompt.family)).collect();
        let advice = one(context, prompts, &base, &all, ORIGINAL)?;
        metrics.push(Metric {
            bound: None,
            threshold: None,
            verdict: None,
            reason: "advice: from the model before stage 1".into(),
            ..advice
        });
    }
    Ok(metrics)
}

/// The suite's scenarios, as the model is deployed.
fn prompts(suite: &Suite) -> Vec<Prompt> {
    let system = suite.system(suite.file.deploy_prompt);
    let prompt = |scenario: &Scenario| Prompt {
        id: scenario.id.clone(),
        family: scenario.family.clone(),
        kind: Some(scenario.kind.clone()),
        messages: system.iter().chain(&scenario.messages).cloned().collect(),
    };
    suite.scenarios.iter().map(prompt).collect()
}

fn one(
    context: &mut Context<'_>,
    prompts: Vec<Prompt>,
    model: &Load,
    adapters: &[AdapterFile],
    name: &str,
) -> Result<Metric> {
    context.go_on()?;
    let (launch, workers) = (opening::launch(context.settings)?, context.settings.workers);
    let (seed, observer) = (context.file.seed.derive("release"), &mut *context.observer);
    let told = &mut |done, total| observer(Notice::Stage("7-release: KL", done, total));
    let (kl, kinds) = divergence::of((launch, workers), model, adapters, (prompts, ROOM), seed, told)?;
    let rule = Rule::at_most(context.thresholds.kl);
    let decision = decide(&rule, Some(&kl.evidence));
    let mut metric = plain(name.into(), crate::metrics::kl::FORMULA, Some(kl.evidence));
    metric.unit = "nats/token".into();
    metric.direction = Some(Direction::Lower);
    metric.range = None;
    metric.bound = Some(kl.evidence.upper);
    metric.threshold = Some(rule.threshold);
    metric.verdict = Some(decision.verdict);
    metric.reason = decision.reason;
    metric.beside.insert("p95".into(), kl.p95);
    metric.beside.insert("most".into(), kl.most);
    metric.beside.extend(kinds.into_iter().map(|(kind, value)| (format!("kind {kind}"), value)));
    Ok(metric)
}

fn decision(deploy: bool, record: &StageRecord) -> String {
    if deploy {
        return "decision: deploy; every gate passes by its bound".into();
    }
    let missed: Vec<String> = record.not_passed().into_iter().map(|(name, _, _)| name).collect();
    format!("decision: reject; not passed: {}", missed.join(", "))
}
