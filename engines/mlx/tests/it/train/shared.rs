//! What the answers of a pair share is run once, what the rows of a batch begin with as well, and nobody can tell from what
//! is learned.

use realign_engine_abi::train::{Example, PreferenceLoss};
use realign_engine_mlx::{
    llama::{attention::Kernels, forward::Llama},
    train::{
        batch::Batch,
        loss::{Side, pair_loss},
        pass::{Measure, measured_log_probs},
    },
};

use super::{
    LOSSES, alike, example,
    gradients::{equal_within, flat, gradient, model, trained_arrays},
    measure, pair, preference, rows, trained,
};
use crate::support::tokens;

/// Prompts of different lengths; answers that part at once, after some tokens, and where one of them ends.
fn pairs() -> Vec<Example> {
    let mut inside = alike(3, 5, 4, 3, 0);
    inside.answers[1].scored[1] = false;
    vec![pair(1, 9, 4, 6), alike(2, 3, 5, 2, 7), inside]
}

/// The same pairs with the line between context and answer elsewhere: all that is shared is context, or only one token.
fn divided(pair: &Example, context: usize) -> Example {
    let answers = pair.answers.iter().map(|answer| {
        let mut answer = answer.clone();
        answer.tokens.splice(..0, pair.context[context..].iter().copied());
        answer.scored.splice(..0, pair.context[context..].iter().map(|_| false));
        answer
    });
    Example { context: pair.context[..context].to_vec(), answers: answers.collect() }
}

/// Every answer behind a context of its own.
fn separate(pairs: &[Example]) -> Vec<Example> {
    let alone = |pair: &Example| {
        let of = |answer| Example { context: pair.context.clone(), answers: vec![answer] };
        pair.answers.clone().into_iter().map(of).collect::<Vec<_>>()
    };
    pairs.iter().flat_map(alone).collect()
}

/// The mean loss of pairs, with the model without corrections as reference, and its gradient. The answers may be those of
/// pairs or each an example.
fn loss_and_gradient(model: &Llama, examples: &[Example], loss: PreferenceLoss) -> (f64, Vec<f32>, usize) {
    let batch = Batch::new(&model.config, &examples.iter().collect::<Vec<_>>(), None).unwrap();
    let sums = |values: &[f32]| batch.sums(values).concat();
    let reference = sums(&measured_log_probs(model, &batch, None).unwrap());
    let lengths = batch.lengths().concat();
    let mut mean = 0.0;
    let mut weigh = |values: &[f32]| {
        let policy = sums(values);
        let side = |at: usize| Side { policy: policy[at], reference: reference[at], tokens: lengths[at] };
        let count = lengths.len() / 2;
        let losses = (0..count).map(|pair| pair_loss(loss, 0.1, side(2 * pair), side(2 * pair + 1)));
        let losses: Vec<_> = losses.collect();
        mean = losses.iter().map(|pair| pair.loss).sum::<f64>() / count as f64;
        let slopes = losses.iter().flat_map(|pair| [pair.chosen, pair.rejected]);
        Ok(batch.weights(&slopes.map(|slope| slope / count as f64).collect::<Vec<_>>()))
    };
    let found = flat(&gradient(model, &batch, &trained_arrays(model), Measure::LogProb, &mut weigh));
    (mean, found, batch.tokens())
}

#[test]
fn pairs_that_share_their_beginning_have_the_loss_and_the_gradient_of_separate_rows() {
    for kernels in [Kernels::Host, Kernels::Mlx] {
        let model = model(kernels);
        for loss in LOSSES {
            let (apart, expected, all) = loss_and_gradient(&model, &separate(&pairs()), loss);
            let divided: Vec<Example> = pairs().iter().map(|pair| divided(pair, 1)).collect();
            for pairs in [pairs(), divided] {
                let (together, found, run) = loss_and_gradient(&model, &pairs, loss);
                // Contexts of 9, 3 and 5 and beginnings of 5 and 3, for an end predicts nothing and is not run.
                assert_eq!(all - run, 9 + 3 + 5 + 5 + 3);
                let off = (together - apart).abs() / apart.abs();
                assert!(off < 1e-5, "{loss:?}: {together} is not {apart}");
                equal_within(&found, &expected, 1e-5);
            }
        }
    }
}

#[test]
fn a_context_that_answers_share_is_learned_from_as_if_each_had_its_own() {
    let model = model(Kernels::Host);
    equal_within(&learned(&model, &pairs()).0, &learned(&model, &separate(&pairs())).0, 1e-5);
}

/// The gradient of half of all log-probabilities, their sums, and how many tokens are run.
fn learned(model: &Llama, examples: &[Example]) -> (Vec<f32>, Vec<f64>, usize) {
    let batch = Batch::new(&model.config, &examples.iter().collect::<Vec<_>>(), None).unwrap();
    let slopes = vec![0.5; batch.lengths().concat().len()];
    let mut weigh = |_: &[f32]| Ok(batch.weights(&slopes));
    let found = gradient(model, &batch, &trained_arrays(model), Measure::LogProb, &mut weigh);
    (flat(&found), batch.sums(&found.values).concat(), batch.packed().len())
}

#[test]
fn rows_that_begin_alike_are_learned_from_as_if_each_began_alone() {
    let behind = |mut example: Example| {
        example.context.splice(..0, tokens(500, 12));
        example
    };
    // A pair whose answers begin alike, one whose context is the prompt alone, and an answer without another.
    let mut bare = pair(2, 3, 2, 7);
    bare.context.clear();
    let examples = [alike(1, 9, 3, 4, 6), bare, example(4, 2, 8)].map(behind);
    for kernels in [Kernels::Host, Kernels::Mlx] {
        let model = model(kernels);
        let (together, values, run) = learned(&model, &examples);
        let apart = examples.each_ref().map(|example| learned(&model, std::slice::from_ref(example)));
        assert_eq!(run, apart.iter().map(|(_, _, run)| run).sum::<usize>() - 2 * 12);
        let expected = apart.iter().flat_map(|(_, values, _)| values);
        assert!(values.iter().zip(expected).all(|(found, alone)| (found - alone).abs() < 1e-5 * alone.abs()));
        let sum = |place: usize| apart.iter().map(|(gradient, _, _)| gradient[place]).sum::<f32>();
        equal_within(&together, &(0..together.len()).map(sum).collect::<Vec<_>>(), 1e-5);
    }
}

#[test]
fn a_shared_beginning_is_scored_for_both_answers_and_dpo_starts_at_the_logarithm_of_two() {
    let mut engine = trained();
    let found = measure(&mut engine, preference(LOSSES[0], vec![rows(&pairs())], 0.0));
    assert!((found.loss - std::f64::consts::LN_2).abs() < 1e-9, "{}", found.loss);
    // 4 + 6, (5 + 2) + (5 + 7), (4 + 3) + 4 without the one that is not scored.
    assert_eq!(found.scored_tokens, 10 + 19 + 10);
    // Contexts and beginnings once, and no end.
    assert_eq!(found.tokens, (9 + 3 + 5) + (3 + 5 + 1 + 6) + (5 + 3 + 3));
}
