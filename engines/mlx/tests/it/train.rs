//! Training on tiny random models: what a loss is, what a gradient is, and what comes back after an interruption.

mod gradients;
mod marks;
mod objectives;
mod ranks;
mod refusals;
mod resume;
mod shared;

use std::path::Path;

use realign_engine_abi::{
    message::{Reply, Request},
    train::{
        AdamW, AdapterShape, Answer, Example, KlRow, LogProbs, Objective, PROJECTIONS, PreferenceLoss,
        StepReport, TrainBegin, TrainRow, TrainSave, TrainStep,
    },
};
use realign_engine_mlx::engine::Engine;

use crate::support::{ask, tiny, tokens};

/// Every preference loss.
const LOSSES: [PreferenceLoss; 7] = [
    PreferenceLoss::Dpo { beta: 0.1 },
    PreferenceLoss::Cdpo { beta: 0.1, label_smoothing: 0.1 },
    PreferenceLoss::Ipo { beta: 0.1 },
    PreferenceLoss::Hinge { beta: 0.1 },
    PreferenceLoss::Dpop { beta: 0.1, lambda: 5.0 },
    PreferenceLoss::Orpo { lambda: 0.2 },
    PreferenceLoss::Simpo { beta: 2.0, gamma: 0.5 },
];

/// All projections of both blocks.
fn begin() -> TrainBegin {
    TrainBegin {
        adapter: AdapterShape {
            rank: 4,
            scale: 2.0,
            layers: 2,
            modules: PROJECTIONS.map(String::from).to_vec(),
        },
        optimiser: AdamW { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0, clip_norm: Some(1.0) },
        seed: 7,
        resume: None,
        ranks: 1,
    }
}

/// A tiny model with a fresh adapter.
fn trained() -> Engine {
    let mut engine = tiny();
    let reply = ask(&mut engine, Request::TrainBegin(begin()));
    assert!(matches!(reply, Reply::Training(_)), "{reply:?}");
    engine
}

fn answer(seed: u64, count: usize) -> Answer {
    Answer { tokens: tokens(seed, count), scored: vec![true; count] }
}

/// A supervised example of so many tokens.
fn example(seed: u64, context: usize, count: usize) -> Example {
    Example { context: tokens(seed, context), answers: vec![answer(seed + 100, count)] }
}

fn pair(seed: u64, context: usize, chosen: usize, rejected: usize) -> Example {
    Example {
        context: tokens(seed, context),
        answers: vec![answer(seed + 100, chosen), answer(seed + 200, rejected)],
    }
}

/// A pair whose answers begin with the same tokens.
fn alike(seed: u64, context: usize, same: usize, chosen: usize, rejected: usize) -> Example {
    let mut pair = pair(seed, context, chosen, rejected);
    for answer in &mut pair.answers {
        answer.tokens.splice(..0, tokens(seed + 300, same));
        answer.scored.splice(..0, vec![true; same]);
    }
    pair
}

fn rows(examples: &[Example]) -> Vec<TrainRow> {
    examples.iter().map(|example| TrainRow { example: example.clone(), reference: Vec::new() }).collect()
}

/// Pairs with what the model without its adapter says of them.
fn referenced(engine: &mut Engine, pairs: &[Example]) -> Vec<TrainRow> {
    let reference = log_probs(engine, pairs, false);
    let row = |(example, reference): (&Example, Vec<f64>)| TrainRow { example: example.clone(), reference };
    pairs.iter().zip(reference).map(row).collect()
}

fn supervised(batches: Vec<Vec<TrainRow>>, rate: f64) -> TrainStep {
    TrainStep {
        objective: Objective::Supervised,
        batches,
        rate,
        anchors: Vec::new(),
        kl_weight: 0.0,
        update: true,
    }
}

fn preference(loss: PreferenceLoss, batches: Vec<Vec<TrainRow>>, rate: f64) -> TrainStep {
    TrainStep { objective: Objective::Preference { loss, nll: 0.0 }, ..supervised(batches, rate) }
}

fn take(engine: &mut Engine, step: TrainStep) -> StepReport {
    match ask(engine, Request::TrainStep(step)) {
        Reply::Step(report) => report,
        other => panic!("{other:?}"),
    }
}

/// A step that is only measured.
fn measure(engine: &mut Engine, step: TrainStep) -> StepReport {
    take(engine, TrainStep { update: false, ..step })
}

fn log_probs(engine: &mut Engine, examples: &[Example], adapted: bool) -> Vec<Vec<f64>> {
    match ask(engine, Request::LogProbs(LogProbs { adapted, examples: examples.to_vec() })) {
        Reply::LogProbs(found) => found,
        other => panic!("{other:?}"),
    }
}

fn divergences(engine: &mut Engine, rows: &[KlRow]) -> Vec<Vec<f32>> {
    match ask(engine, Request::Kl(rows.to_vec())) {
        Reply::Kl(found) => found,
        other => panic!("{other:?}"),
    }
}

fn save(engine: &mut Engine, folder: &Path) {
    let reply = ask(engine, Request::TrainSave(TrainSave { folder: folder.to_owned() }));
    assert_eq!(reply, Reply::Saved);
}
