//! Scores do not depend on how the work is shared.

use insta::assert_snapshot;
use proptest::prelude::*;
use realign_engine_abi::message::{Request, Score, ScoreRow};
use realign_engine_mlx::engine::Engine;

use crate::support::{CONTEXT, VOCABULARY, ask, failure, score, tiny, tokens};

/// Rows whose contexts share a start that is long enough to be computed once.
fn rows(shared: usize, seeds: &[(u64, usize)], continuations: &[Vec<Vec<u32>>]) -> Vec<ScoreRow> {
    let start = tokens(99, shared);
    let row = |(&(seed, length), continuations): (&(u64, usize), &Vec<Vec<u32>>)| ScoreRow {
        context: [&start[..], &tokens(seed, length)].concat(),
        continuations: continuations.clone(),
    };
    seeds.iter().zip(continuations).map(row).collect()
}

/// Every continuation alone, in a batch of one.
fn one_by_one(engine: &mut Engine, rows: &[ScoreRow]) -> Vec<Vec<Score>> {
    let mut alone = |row: &ScoreRow, continuation: &Vec<u32>| {
        let row = ScoreRow { context: row.context.clone(), continuations: vec![continuation.clone()] };
        score(engine, &[row])[0][0]
    };
    rows.iter()
        .map(|row| row.continuations.iter().map(|continuation| alone(row, continuation)).collect())
        .collect()
}

fn assert_close(left: &[Vec<Score>], right: &[Vec<Score>]) {
    assert_eq!(left.len(), right.len());
    for (left, right) in left.iter().flatten().zip(right.iter().flatten()) {
        assert!((left.logprob - right.logprob).abs() < 1e-4, "{left:?} {right:?}");
        assert_eq!(left.greedy, right.greedy);
    }
}

fn continuation() -> impl Strategy<Value = Vec<u32>> {
    // Few different tokens, so that continuations often share a start.
    prop::collection::vec(prop::sample::select(vec![5_u32, 6, 7]), 1..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn sharing_contexts_and_starts_changes_nothing(
        shared in prop::sample::select(vec![0_usize, 3, 40]),
        rows_of in prop::collection::vec(((any::<u64>(), 1_usize..20), prop::collection::vec(continuation(), 0..4)), 1..5),
    ) {
        let mut engine = tiny();
        let (seeds, continuations): (Vec<_>, Vec<_>) = rows_of.into_iter().unzip();
        let rows = rows(shared, &seeds, &continuations);
        let together = score(&mut engine, &rows);
        prop_assert_eq!(together.iter().map(Vec::len).collect::<Vec<_>>(), continuations.iter().map(Vec::len).collect::<Vec<_>>());
        assert_close(&together, &one_by_one(&mut engine, &rows));
        prop_assert_eq!(&score(&mut engine, &rows), &together, "the same batch gives the same bits");
        let backwards: Vec<ScoreRow> = rows.iter().rev().cloned().collect();
        let mut reversed = score(&mut engine, &backwards);
        reversed.reverse();
        assert_close(&together, &reversed);
    }
}

#[test]
fn probabilities_of_all_tokens_sum_to_one_and_one_of_them_is_greedy() {
    let mut engine = tiny();
    let continuations = (0..VOCABULARY).map(|token| vec![token]).collect();
    let scores = score(&mut engine, &[ScoreRow { context: tokens(1, 9), continuations }]);
    let sum: f64 = scores[0].iter().map(|score| score.logprob.exp()).sum();
    assert!((sum - 1.0).abs() < 1e-5, "{sum}");
    let greedy: Vec<usize> = (0..scores[0].len()).filter(|&token| scores[0][token].greedy).collect();
    let best = (0..scores[0].len()).max_by(|&a, &b| scores[0][a].logprob.total_cmp(&scores[0][b].logprob));
    assert_eq!(greedy, [best.unwrap()]);
}

#[test]
fn a_continuation_is_the_product_of_its_steps() {
    let mut engine = tiny();
    let (context, continuation) = (tokens(3, 12), tokens(4, 5));
    let whole = score(
        &mut engine,
        &[ScoreRow { context: context.clone(), continuations: vec![continuation.clone()] }],
    );
    let steps = (0..continuation.len()).map(|step| ScoreRow {
        context: [&context[..], &continuation[..step]].concat(),
        continuations: vec![vec![continuation[step]]],
    });
    let steps: f64 = steps.map(|row| score(&mut engine, &[row])[0][0].logprob).sum();
    assert!((whole[0][0].logprob - steps).abs() < 1e-4, "{whole:?} {steps}");
}

#[test]
fn a_row_that_does_not_fit_the_model_is_named() {
    let mut engine = tiny();
    let mut refusal = |context: Vec<u32>, continuation: Vec<u32>| {
        let good = ScoreRow { context: vec![5], continuations: vec![vec![6]] };
        let rows = vec![good, ScoreRow { context, continuations: vec![continuation] }];
        let error = failure(ask(&mut engine, Request::Score(rows)));
        format!("{:?}: {}", error.kind, error.message)
    };
    assert_snapshot!(refusal(vec![], vec![1]), @"Request: row 1 has an empty context or continuation");
    assert_snapshot!(refusal(vec![1], vec![]), @"Request: row 1 has an empty context or continuation");
    assert_snapshot!(refusal(vec![1, VOCABULARY], vec![1]), @"Request: row 1: token 263 is outside the vocabulary, which ends at 262");
    assert_snapshot!(refusal(tokens(1, CONTEXT as usize), vec![1, 2]), @"Request: row 1 has 97 tokens; the limit is 96");
    let full = ScoreRow { context: tokens(1, CONTEXT as usize), continuations: vec![vec![1]] };
    assert_eq!(score(&mut engine, &[full]).len(), 1, "the window may be filled to the last token");
}
