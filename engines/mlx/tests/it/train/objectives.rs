//! What is minimised, and that it goes down.

use realign_engine_abi::{
    message::{Reply, Request, ScoreRow},
    train::{AdapterShape, KlRow, PreferenceLoss, TrainBegin, TrainRow, TrainStep},
};

use super::{
    LOSSES, begin, divergences, example, log_probs, measure, pair, preference, referenced, rows, save,
    supervised, take, trained,
};
use crate::support::{VOCABULARY, ask, score, tiny, tokens};

fn scored(row: &ScoreRow) -> f64 {
    score(&mut tiny(), std::slice::from_ref(row))[0][0].logprob
}

#[test]
fn the_supervised_loss_is_the_mean_over_the_scored_tokens_of_the_step() {
    let mut engine = trained();
    let (long, mut short) = (example(1, 5, 9), example(2, 3, 4));
    // The second token of the short answer is not scored.
    short.answers[0].scored[1] = false;
    let found = measure(&mut engine, supervised(vec![rows(&[long.clone(), short.clone()])], 0.0));
    let all = ScoreRow { context: long.context, continuations: vec![long.answers[0].tokens.clone()] };
    let before = [short.context.as_slice(), &short.answers[0].tokens[..1]].concat();
    let after = [before.as_slice(), &short.answers[0].tokens[1..2]].concat();
    let first = ScoreRow {
        context: short.context.clone(),
        continuations: vec![short.answers[0].tokens[..1].to_vec()],
    };
    let rest = ScoreRow { context: after, continuations: vec![short.answers[0].tokens[2..].to_vec()] };
    let sum: f64 = [all, first, rest].iter().map(scored).sum();
    assert_eq!(found.scored_tokens, 12);
    assert_eq!(found.tokens, 13 + 6, "the last token of a sequence predicts nothing and is not run");
    assert!((found.loss + sum / 12.0).abs() < 1e-4, "{} is not {}", found.loss, -sum / 12.0);
}

#[test]
fn dpo_of_an_untrained_adapter_is_the_logarithm_of_two() {
    let mut engine = trained();
    let pairs = [pair(1, 6, 5, 8), pair(2, 4, 7, 3)];
    let batch = referenced(&mut engine, &pairs);
    let found = measure(&mut engine, preference(LOSSES[0], vec![batch], 0.0));
    assert!((found.loss - std::f64::consts::LN_2).abs() < 1e-9, "{}", found.loss);
}

#[test]
fn a_reference_that_a_step_measures_is_the_one_that_is_measured_alone_to_the_bit() {
    let shape = |layers| AdapterShape { layers, ..begin().adapter };
    for layers in [1, 2] {
        let mut engine = tiny();
        ask(&mut engine, Request::TrainBegin(TrainBegin { adapter: shape(layers), ..begin() }));
        take(&mut engine, supervised(vec![rows(&[example(3, 4, 6)])], 0.05));
        let batches = [vec![pair(1, 6, 5, 8), pair(2, 4, 7, 3)], vec![pair(5, 3, 4, 4)]];
        let known: Vec<Vec<TrainRow>> = batches.iter().map(|batch| referenced(&mut engine, batch)).collect();
        let references: Vec<_> = known.iter().flatten().map(|row| row.reference.clone()).collect();
        let step = |batches| preference(LOSSES[0], batches, 0.02);
        let unknown = || step(batches.iter().map(|batch| rows(batch)).collect());
        let (of_known, of_unknown) =
            (measure(&mut engine, step(known.clone())), measure(&mut engine, unknown()));
        assert_eq!(of_unknown.references, references);
        assert_eq!(of_unknown, of_known);
        // What a step measures is no part of what it learns from.
        assert_eq!(take(&mut engine, unknown()).references, references);
        assert_eq!(take(&mut engine, unknown()).references, references);
    }
}

#[test]
fn a_step_with_a_measured_reference_moves_the_adapter_as_one_with_a_known_reference_does() {
    let pairs = [pair(1, 6, 5, 8), pair(2, 4, 7, 3)];
    let moved = |known: bool| {
        let mut engine = trained();
        take(&mut engine, supervised(vec![rows(&[example(3, 4, 6)])], 0.05));
        let batch = if known { referenced(&mut engine, &pairs) } else { rows(&pairs) };
        take(&mut engine, preference(LOSSES[0], vec![batch], 0.02));
        let folder = tempfile::tempdir().unwrap();
        save(&mut engine, folder.path());
        std::fs::read(folder.path().join("adapters.safetensors")).unwrap()
    };
    assert!(moved(true) == moved(false));
}

#[test]
fn the_model_without_its_adapter_is_the_model_to_the_bit() {
    let pairs = [pair(1, 6, 5, 8), pair(2, 4, 7, 3)];
    let plain = log_probs(&mut tiny(), &pairs, false);
    let mut engine = trained();
    assert_eq!(log_probs(&mut engine, &pairs, true), plain, "a fresh adapter adds nothing");
    take(&mut engine, supervised(vec![rows(&[example(3, 4, 6)])], 0.01));
    assert_eq!(log_probs(&mut engine, &pairs, false), plain);
    assert_ne!(log_probs(&mut engine, &pairs, true), plain);
}

#[test]
fn every_preference_loss_falls_and_widens_the_margin() {
    for loss in LOSSES {
        let mut engine = trained();
        let pairs: Vec<_> = (0..4).map(|seed| pair(seed, 5, 6, 6)).collect();
        let batch = referenced(&mut engine, &pairs);
        let batch = if matches!(loss, PreferenceLoss::Orpo { .. } | PreferenceLoss::Simpo { .. }) {
            batch.into_iter().map(|row| TrainRow { reference: Vec::new(), ..row }).collect()
        } else {
            batch
        };
        let step = || preference(loss, vec![batch.clone()], 0.02);
        let before = measure(&mut engine, step());
        for _ in 0..12 {
            take(&mut engine, step());
        }
        let after = measure(&mut engine, step());
        let margin = |report: &[Vec<f64>]| report.iter().map(|sums| sums[0] - sums[1]).sum::<f64>();
        assert!(after.loss < before.loss, "{loss:?}: {} to {}", before.loss, after.loss);
        assert!(margin(&after.logprobs) > margin(&before.logprobs), "{loss:?}");
    }
}

#[test]
fn eight_examples_are_learned_by_heart() {
    let mut engine = trained();
    let examples: Vec<_> = (0..8).map(|seed| example(seed, 4, 5)).collect();
    let step = || supervised(vec![rows(&examples)], 0.03);
    let before = measure(&mut engine, step()).loss;
    for _ in 0..150 {
        take(&mut engine, step());
    }
    let after = measure(&mut engine, step()).loss;
    assert!(after < 0.1 * before, "{before} to {after}");
}

#[test]
fn a_divergence_is_the_sum_over_the_vocabulary() {
    let mut engine = trained();
    for _ in 0..3 {
        take(&mut engine, supervised(vec![rows(&[example(3, 4, 6)])], 0.02));
    }
    let (context, response) = (tokens(5, 6), tokens(6, 3));
    let row = KlRow { context: context.clone(), response: response.clone(), ended: false };
    let found = divergences(&mut engine, &[row.clone(), KlRow { ended: true, ..row }]);
    assert_eq!([found[0].len(), found[1].len()], [3, 4], "the end of the turn is one more token");
    let continuations: Vec<Vec<u32>> = (0..VOCABULARY).map(|token| vec![token]).collect();
    for (index, &divergence) in found[0].iter().enumerate() {
        let before = [context.as_slice(), &response[..index]].concat();
        let ask_all = [ScoreRow { context: before, continuations: continuations.clone() }];
        let policy = score(&mut engine, &ask_all).remove(0);
        let reference = score(&mut tiny(), &ask_all).remove(0);
        let terms = policy.iter().zip(&reference).map(|(p, q)| p.logprob.exp() * (p.logprob - q.logprob));
        let sum: f64 = terms.sum();
        assert!(sum > 1e-3, "the adapter must have learned something: {sum}");
        assert!((f64::from(divergence) - sum).abs() < 1e-4 * (1.0 + sum), "{divergence} is not {sum}");
    }
}

#[test]
fn an_anchor_holds_the_model_back() {
    let anchors: Vec<KlRow> = (20..24)
        .map(|seed| KlRow { context: tokens(seed, 5), response: tokens(seed + 50, 6), ended: true })
        .collect();
    let moved = |kl_weight: f64| {
        let mut engine = trained();
        let mut last = None;
        for _ in 0..10 {
            let step = supervised(vec![rows(&[example(3, 4, 6)])], 0.02);
            last = take(&mut engine, TrainStep { anchors: anchors.clone(), kl_weight, ..step }).kl;
        }
        last.unwrap()
    };
    let (free, held) = (moved(0.0), moved(20.0));
    assert!(held < 0.5 * free, "{free} without, {held} with the penalty");
}

#[test]
fn a_factor_scales_the_adapter_until_the_next_step() {
    let mut engine = trained();
    for _ in 0..3 {
        take(&mut engine, supervised(vec![rows(&[example(3, 4, 6)])], 0.02));
    }
    let row = [KlRow { context: tokens(5, 6), response: tokens(6, 5), ended: false }];
    let mut at = |factor: f32| {
        assert_eq!(ask(&mut engine, Request::AdapterFactor(factor)), Reply::Scaled);
        divergences(&mut engine, &row)[0].iter().sum::<f32>()
    };
    let (none, half, whole) = (at(0.0), at(0.5), at(1.0));
    assert!(none.abs() < 1e-6 && half > 1e-3 && whole > half, "{none} {half} {whole}");
}
