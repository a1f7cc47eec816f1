//! What a pair gained: the reward of its chosen answer over the rejected one.
//!
//! With a reference it is `beta ((log p - log r)(chosen) - (log p - log r)(rejected))`, for IPO per token of each answer;
//! without one, the difference of mean log-probabilities per token, times beta where the loss has it.

use realign_engine_abi::train::{Example, Objective, PreferenceLoss, StepReport, TrainStep};

/// Mean reward and the share of pairs where it is positive; `None` where nothing is preferred to anything.
#[must_use]
pub fn reward(step: &TrainStep, report: &StepReport) -> Option<(f64, f64)> {
    let Objective::Preference { loss, .. } = &step.objective else { return None };
    let sums = report.logprobs.iter().zip(&report.references);
    let rows = step.batches.iter().flatten().zip(sums);
    let rewards: Vec<f64> =
        rows.map(|(row, (policy, reference))| of_pair(loss, &row.example, policy, reference)).collect();
    if rewards.is_empty() {
        return None;
    }
    let count = rewards.len() as f64;
    let positive = rewards.iter().filter(|reward| **reward > 0.0).count() as f64;
    Some((rewards.iter().sum::<f64>() / count, positive / count))
}

fn of_pair(loss: &PreferenceLoss, example: &Example, policy: &[f64], reference: &[f64]) -> f64 {
    let length = |answer: usize| {
        let marks = example.answers.get(answer).map_or(&[][..], |answer| &answer.scored);
        marks.iter().filter(|&&scored| scored).count().max(1) as f64
    };
    let sum = |answer: usize| policy.get(answer).copied().unwrap_or(0.0);
    let gain = |answer: usize| sum(answer) - reference.get(answer).copied().unwrap_or(0.0);
    match *loss {
        PreferenceLoss::Dpo { beta }
        | PreferenceLoss::Cdpo { beta, .. }
        | PreferenceLoss::Hinge { beta }
        | PreferenceLoss::Dpop { beta, .. } => beta * (gain(0) - gain(1)),
        PreferenceLoss::Ipo { beta } => beta * (gain(0) / length(0) - gain(1) / length(1)),
        PreferenceLoss::Orpo { .. } => sum(0) / length(0) - sum(1) / length(1),
        PreferenceLoss::Simpo { beta, .. } => beta * (sum(0) / length(0) - sum(1) / length(1)),
    }
}

#[cfg(test)]
mod tests {
    use realign_engine_abi::train::{Answer, TrainRow};

    use super::*;

    fn of(objective: Objective, reference: &[f64]) -> Option<(f64, f64)> {
        let answer = |length: usize| Answer { tokens: vec![1; length], scored: vec![true; length] };
        let example = Example { context: vec![1], answers: vec![answer(2), answer(4)] };
        let step = TrainStep {
            objective,
            batches: vec![vec![TrainRow { example, reference: Vec::new() }]],
            rate: 0.1,
            anchors: Vec::new(),
            kl_weight: 0.0,
            update: true,
        };
        let report = StepReport {
            loss: 0.5,
            scored_tokens: 6,
            tokens: 5,
            gradient_norm: 0.0,
            kl: None,
            logprobs: vec![vec![-3.0, -8.0]],
            references: vec![reference.to_vec()],
        };
        reward(&step, &report)
    }

    fn found(loss: PreferenceLoss, reference: &[f64]) -> (f64, f64) {
        of(Objective::Preference { loss, nll: 0.0 }, reference).unwrap()
    }

    #[test]
    fn a_reward_is_what_was_gained_over_the_reference() {
        // Chosen gained 1, rejected lost 2.
        assert_eq!(found(PreferenceLoss::Dpo { beta: 0.5 }, &[-4.0, -6.0]), (1.5, 1.0));
        // Per token: 1/2 and -2/4.
        assert_eq!(found(PreferenceLoss::Ipo { beta: 0.5 }, &[-4.0, -6.0]), (0.5, 1.0));
        assert_eq!(found(PreferenceLoss::Dpo { beta: 0.5 }, &[-1.0, -8.0]), (-1.0, 0.0));
    }

    #[test]
    fn without_a_reference_it_is_the_difference_per_token() {
        assert_eq!(found(PreferenceLoss::Orpo { lambda: 0.1 }, &[]), (0.5, 1.0));
        assert_eq!(found(PreferenceLoss::Simpo { beta: 2.0, gamma: 1.0 }, &[]), (1.0, 1.0));
    }

    #[test]
    fn supervised_rows_have_no_reward() {
        assert_eq!(of(Objective::Supervised, &[]), None);
    }
}
