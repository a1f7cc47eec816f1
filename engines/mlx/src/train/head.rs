//! From hidden states to log-probabilities and divergences.
//!
//! The head is frozen, so a position's gradient has a known direction: it is computed while the logits are there, kept
//! as one hidden vector, and only multiplied by what the loss turns out to want. Nothing is computed twice but
//! exponentials. Logits are made as [`pieces`] says.

mod pieces;

use mlx_rs::Array;

pub use self::pieces::Wanted;
use self::pieces::{Measure, PIECE, measured};
use crate::{
    error::{Error, Result},
    host::{
        exp::{exp, log_sum_exp},
        sums::dot,
        vectorised,
    },
    llama::weights::array,
    raw::custom::{Operation, apply},
};

/// Log-probabilities of target tokens.
///
/// `hidden [positions, hidden]` are states after the last norm, `head [hidden, vocabulary]`.
///
/// # Errors
/// An internal error if MLX fails.
pub fn log_probs(hidden: &Array, head: &Array, targets: &[u32], directions: bool) -> Result<Wanted> {
    measured([hidden], head, directions, LogProb(targets))
}

/// Exact divergences `sum_v p_v (ln p_v - ln q_v)` over the vocabulary, in nats, of `hidden` from `reference`, both
/// `[positions, hidden]` after the last norm.
///
/// # Errors
/// An internal error if MLX fails.
pub fn divergences(hidden: &Array, reference: &Array, head: &Array, directions: bool) -> Result<Wanted> {
    measured([hidden, reference], head, directions, Divergence::default())
}

/// The log-probability of each position's target.
struct LogProb<'a>(&'a [u32]);

impl Measure<1> for LogProb<'_> {
    /// The normaliser.
    type Kept = f32;

    #[expect(clippy::cast_possible_truncation, reason = "a log-probability of f32 logits is f32")]
    fn value(&mut self, position: usize, [line]: [&[&[f32]]; 1]) -> (f32, f32) {
        let (normaliser, target) = (log_sum_exp(line), self.0[position] as usize);
        let logit = line[target / PIECE][target % PIECE];
        ((f64::from(logit) - normaliser) as f32, normaliser as f32)
    }

    fn slopes(
        &self,
        position: usize,
        normaliser: &f32,
        first: usize,
        [piece]: [&[f32]; 1],
        slopes: &mut [f32],
    ) {
        log_prob_slopes(slopes, piece, *normaliser);
        let target = (self.0[position] as usize).checked_sub(first);
        if let Some(slope) = target.and_then(|target| slopes.get_mut(target)) {
            *slope += 1.0;
        }
    }
}

/// The divergence of a policy from a reference; its room for a piece's probabilities and log-ratios.
#[derive(Default)]
struct Divergence {
    probabilities: Vec<f32>,
    terms: Vec<f32>,
}

impl Measure<2> for Divergence {
    /// Both normalisers, and the divergence.
    type Kept = ([f32; 2], f32);

    #[expect(
        clippy::cast_possible_truncation,
        reason = "compared with f32 logits and kept like a log-probability"
    )]
    fn value(&mut self, _: usize, lines: [&[&[f32]]; 2]) -> (f32, Self::Kept) {
        let normalisers = lines.map(|line| log_sum_exp(line) as f32);
        let mut sum = 0.0;
        for (&policy, &reference) in lines[0].iter().zip(lines[1]) {
            self.probabilities.resize(policy.len(), 0.0);
            self.terms.resize(policy.len(), 0.0);
            divergence_terms([policy, reference], normalisers, &mut self.probabilities, &mut self.terms);
            // Blocks short enough that f32 loses nothing that matters.
            let blocks = self.probabilities.chunks(512).zip(self.terms.chunks(512));
            sum += blocks.map(|(probabilities, terms)| f64::from(dot(probabilities, terms))).sum::<f64>();
        }
        (sum as f32, (normalisers, sum as f32))
    }

    fn slopes(
        &self,
        _: usize,
        &(normalisers, value): &Self::Kept,
        _: usize,
        pieces: [&[f32]; 2],
        slopes: &mut [f32],
    ) {
        divergence_slopes(slopes, pieces, normalisers, value);
    }
}

vectorised! {
    /// The slopes of all logits but the target's own.
    fn log_prob_slopes(slopes: &mut [f32], line: &[f32], normaliser: f32) {
        for (slope, &logit) in slopes.iter_mut().zip(line) {
            *slope = -exp(logit - normaliser);
        }
    }

    /// Each token's probability and its log-ratio.
    fn divergence_terms(lines: [&[f32]; 2], normalisers: [f32; 2], probabilities: &mut [f32], terms: &mut [f32]) {
        let logits = lines[0].iter().zip(lines[1]);
        for ((&policy, &reference), (probability, term)) in logits.zip(probabilities.iter_mut().zip(terms)) {
            let log = policy - normalisers[0];
            *probability = exp(log);
            *term = log - (reference - normalisers[1]);
        }
    }

    /// Probability times what the log-ratio is above its mean.
    fn divergence_slopes(slopes: &mut [f32], lines: [&[f32]; 2], normalisers: [f32; 2], value: f32) {
        for (slope, (&policy, &reference)) in slopes.iter_mut().zip(lines[0].iter().zip(lines[1])) {
            let log = policy - normalisers[0];
            *slope = exp(log) * (log - (reference - normalisers[1]) - value);
        }
    }
}

/// [`log_probs`] as an operation that MLX differentiates through: `[positions]`.
///
/// # Errors
/// An internal error if MLX fails.
pub fn taped_log_probs(hidden: &Array, head: &Array, targets: &[u32]) -> Result<Array> {
    struct LogProbs(Vec<u32>);
    impl Operation for LogProbs {
        fn forward(&self, inputs: &[Array]) -> Result<Vec<Array>> {
            kept(&log_probs(&inputs[0], &inputs[1], &self.0, true)?, &inputs[0])
        }
        fn backward(
            &self,
            _: &[Array],
            gradients: &[Array],
            outputs: &[Array],
        ) -> Result<Vec<Option<Array>>> {
            Ok(vec![Some(along(&outputs[1], &gradients[0])?), None])
        }
    }
    first(apply(LogProbs(targets.to_vec()), &[hidden.clone(), head.clone()])?)
}

/// [`divergences`] as an operation that MLX differentiates through: `[positions]`. The reference is a constant.
///
/// # Errors
/// An internal error if MLX fails.
pub fn taped_divergences(hidden: &Array, reference: &Array, head: &Array) -> Result<Array> {
    struct Divergences;
    impl Operation for Divergences {
        fn forward(&self, inputs: &[Array]) -> Result<Vec<Array>> {
            kept(&divergences(&inputs[0], &inputs[1], &inputs[2], true)?, &inputs[0])
        }
        fn backward(
            &self,
            _: &[Array],
            gradients: &[Array],
            outputs: &[Array],
        ) -> Result<Vec<Option<Array>>> {
            Ok(vec![Some(along(&outputs[1], &gradients[0])?), None, None])
        }
    }
    first(apply(Divergences, &[hidden.clone(), reference.clone(), head.clone()])?)
}

/// Values and directions as the outputs of an operation.
fn kept(wanted: &Wanted, hidden: &Array) -> Result<Vec<Array>> {
    let values = array(&wanted.values, &[wanted.values.len()])?;
    Ok(vec![values, Array::from_slice(&wanted.directions, hidden.shape())])
}

/// Each position's direction times the gradient of its value.
fn along(directions: &Array, gradients: &Array) -> Result<Array> {
    Ok(directions.multiply(gradients.reshape(&[-1, 1])?)?)
}

fn first(outputs: Vec<Array>) -> Result<Array> {
    outputs.into_iter().next().ok_or_else(|| Error::internal("an operation without outputs"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raw;

    const WIDTH: usize = 3;
    /// Two whole pieces of the vocabulary and a part of a third.
    const VOCABULARY: usize = 2 * PIECE + 77;
    /// More than one chunk, whether one model is projected or two.
    const POSITIONS: usize = 515;

    /// Numbers between -1 and 1 that repeat late.
    fn numbers(count: usize, step: f32) -> Vec<f32> {
        (0..count).map(|number| (number as f32 * step).sin()).collect()
    }

    fn softmax(state: &[f32], head: &[f32]) -> Vec<f64> {
        let logit =
            |row: &[f32]| row.iter().zip(state).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>();
        let raised: Vec<f64> = head.chunks_exact(WIDTH).map(|row| logit(row).exp()).collect();
        let total: f64 = raised.iter().sum();
        raised.into_iter().map(|number| number / total).collect()
    }

    /// `sum_v slope_v W_v`.
    fn pulled(slopes: impl Iterator<Item = f64>, head: &[f32]) -> [f64; WIDTH] {
        let mut sum = [0.0; WIDTH];
        for (slope, row) in slopes.zip(head.chunks_exact(WIDTH)) {
            sum.iter_mut().zip(row).for_each(|(sum, &number)| *sum += slope * f64::from(number));
        }
        sum
    }

    fn assert_near(found: &[f32], exact: &[f64], what: &str) {
        let worst = found.iter().zip(exact).map(|(&found, exact)| (f64::from(found) - exact).abs());
        let worst = worst.fold(0.0, f64::max);
        assert!(worst < 1e-5, "{what}: {worst}");
    }

    #[test]
    fn pieces_and_chunks_give_what_the_whole_vocabulary_gives() {
        raw::prepare().unwrap();
        let head = numbers(VOCABULARY * WIDTH, 0.731);
        let [policy, reference] = [1.37, 2.11].map(|step| numbers(POSITIONS * WIDTH, step));
        // In every piece, and on both sides of the borders between them.
        let targets: Vec<u32> = [0, PIECE - 1, PIECE, 2 * PIECE, VOCABULARY - 1]
            .iter()
            .cycle()
            .take(POSITIONS)
            .map(|&target| u32::try_from(target).unwrap())
            .collect();
        let stored = array(&head, &[VOCABULARY, WIDTH]).unwrap();
        let states = [&policy, &reference].map(|rows| array(rows, &[POSITIONS, WIDTH]).unwrap());
        let log_probs = log_probs(&states[0], &stored.t(), &targets, true).unwrap();
        let divergences = divergences(&states[0], &states[1], &stored.t(), true).unwrap();
        assert_eq!([log_probs.values.len(), divergences.values.len()], [POSITIONS; 2]);
        for position in [0, 1, 2, 3, 4, 255, 256, 511, 512, POSITIONS - 1] {
            let own = position * WIDTH..(position + 1) * WIDTH;
            let [p, q] = [&policy, &reference].map(|rows| softmax(&rows[own.clone()], &head));
            let target = targets[position] as usize;
            let what = format!("position {position}");
            assert_near(&[log_probs.values[position]], &[p[target].ln()], &what);
            let slopes = (0..VOCABULARY).map(|token| f64::from(u8::from(token == target)) - p[token]);
            assert_near(&log_probs.directions[own.clone()], &pulled(slopes, &head), &what);
            let terms = || p.iter().zip(&q).map(|(p, q)| (p / q).ln());
            let divergence: f64 = p.iter().zip(terms()).map(|(p, term)| p * term).sum();
            assert_near(&[divergences.values[position]], &[divergence], &what);
            let slopes = p.iter().zip(terms()).map(|(p, term)| p * (term - divergence));
            assert_near(&divergences.directions[own], &pulled(slopes, &head), &what);
        }
    }
}
