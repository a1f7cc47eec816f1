use proptest::prelude::*;
use realign_engine_abi::train::{Answer, Example, Objective};

use super::*;

/// A row that is told from others by its first token.
fn row(name: u32, length: usize) -> TrainRow {
    let answer = Answer { tokens: vec![1; length], scored: vec![true; length] };
    TrainRow { example: Example { context: vec![name], answers: vec![answer] }, reference: Vec::new() }
}

fn step(batches: &[Vec<usize>], anchors: &[usize]) -> TrainStep {
    let mut names = 0..;
    let mut next = |&length: &usize| row(names.next().unwrap(), length);
    TrainStep {
        objective: Objective::Supervised,
        batches: batches.iter().map(|batch| batch.iter().map(&mut next).collect()).collect(),
        rate: 0.1,
        anchors: anchors
            .iter()
            .map(|&length| KlRow { context: vec![1], response: vec![2; length], ended: true })
            .collect(),
        kl_weight: 0.5,
        update: true,
    }
}

fn said(logprobs: Vec<Vec<f64>>) -> StepReport {
    let references = logprobs.iter().map(|sums| sums.iter().map(|sum| sum + 0.5).collect()).collect();
    StepReport { loss: 1.5, scored_tokens: 8, tokens: 9, gradient_norm: 0.25, kl: None, logprobs, references }
}

prop_compose! {
    fn a_step()(
        batches in prop::collection::vec(prop::collection::vec(1_usize..60, 1..6), 1..5),
        anchors in prop::collection::vec(1_usize..40, 0..4),
    ) -> TrainStep {
        step(&batches, &anchors)
    }
}

proptest! {
    #[test]
    fn every_row_is_with_one_rank_and_its_report_comes_back_to_its_place(step in a_step(), ranks in 1_usize..6) {
        let shares = split(&step, ranks);
        prop_assert!(shares.iter().all(|share| share.step.batches.iter().all(|batch| !batch.is_empty())));
        let echo = |share: &Share| {
            said(share.step.batches.iter().flatten().map(|row| vec![f64::from(row.example.context[0])]).collect())
        };
        let whole = report(&shares, shares.iter().map(echo).collect()).unwrap();
        let rows = step.batches.iter().flatten().count();
        prop_assert_eq!(whole.logprobs, (0..rows).map(|name| vec![name as f64]).collect::<Vec<_>>());
        prop_assert_eq!(whole.references, (0..rows).map(|name| vec![name as f64 + 0.5]).collect::<Vec<_>>());
        let anchors: usize = shares.iter().map(|share| share.step.anchors.len()).sum();
        prop_assert_eq!(anchors, step.anchors.len());
    }

    #[test]
    fn no_rank_has_more_than_another_by_more_than_the_longest_row(step in a_step(), ranks in 1_usize..6) {
        let load = |share: &Share| {
            share.step.batches.iter().flatten().map(|row| row.example.tokens()).sum::<usize>()
                + share.step.anchors.iter().map(anchor_tokens).sum::<usize>()
        };
        let loads: Vec<usize> = split(&step, ranks).iter().map(load).collect();
        let longest = step.batches.iter().flatten().map(|row| row.example.tokens()).chain(step.anchors.iter().map(anchor_tokens)).max();
        prop_assert!(loads.iter().max().unwrap() - loads.iter().min().unwrap() <= longest.unwrap());
    }

    #[test]
    fn one_rank_has_the_step_as_it_is(step in a_step()) {
        prop_assert_eq!(&split(&step, 1)[0].step, &step);
    }
}

#[test]
fn a_rank_without_rows_has_an_empty_share() {
    let shares = split(&step(&[vec![4]], &[]), 3);
    assert_eq!(shares.iter().map(|share| share.step.batches.len()).collect::<Vec<_>>(), [1, 0, 0]);
}

#[test]
fn ranks_that_took_different_steps_have_no_report() {
    let shares = split(&step(&[vec![4, 4]], &[]), 2);
    let one = || said(vec![vec![-1.0]]);
    assert!(report(&shares, vec![one(), one()]).is_some());
    assert!(report(&shares, vec![one(), StepReport { loss: 1.500_000_1, ..one() }]).is_none());
    assert!(report(&shares, vec![one(), said(Vec::new())]).is_none());
}

#[test]
fn a_divergence_names_the_batch_by_its_place_in_the_whole_step() {
    // The second rank has the only row of the second batch, and none of the first.
    let shares = split(&step(&[vec![9], vec![5]], &[]), 2);
    let found = |batch, what: &str| Divergence { batch, what: what.into() };
    let whole = divergence(&shares, vec![found(None, "something on another rank"), found(Some(0), "loss")]);
    assert_eq!(whole, Some(found(Some(1), "loss")));
    let whole = divergence(&shares, vec![found(None, "gradient"), found(None, "gradient")]);
    assert_eq!(whole, Some(found(None, "gradient")));
}
