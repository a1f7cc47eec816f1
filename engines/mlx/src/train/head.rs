//! From hidden states to log-probabilities and divergences, a chunk of the vocabulary's rows at a time.
//!
//! The logits of a whole batch would be the largest array of a step by far. They are made for [`CHUNK`] positions
//! at once, used and given up, so memory grows with the vocabulary and with the batch but never with both. The
//! head is frozen, so a position's gradient has a known direction: it is computed while the logits are there, kept
//! as one hidden vector, and only multiplied by what the loss turns out to want. Nothing is computed twice.

use mlx_rs::Array;

use crate::{
    error::{Error, Result},
    host::{
        exp::{exp, log_sum_exp},
        sums::dot,
        vectorised,
    },
    llama::weights::{array, extent},
    raw::custom::{Operation, apply},
};

/// Positions projected at once: 256 x 49152 x 4 bytes are 48 MiB. Each chunk reads the whole head twice.
const CHUNK: usize = 256;

/// What is wanted of each position.
#[derive(Debug)]
pub struct Wanted {
    /// A number per position.
    pub values: Vec<f32>,
    /// Its gradient with respect to the position's hidden state, `[positions, hidden]`; empty if not asked for.
    pub directions: Vec<f32>,
}

/// Log-probabilities of target tokens.
///
/// `hidden [positions, hidden]` are states after the last norm, `head [hidden, vocabulary]`.
///
/// # Errors
/// An internal error if MLX fails.
pub fn log_probs(hidden: &Array, head: &Array, targets: &[u32], directions: bool) -> Result<Wanted> {
    chunked(&[hidden], head, directions, |position, lines, gradient| {
        let (line, target) = (lines[0], targets[position] as usize);
        let normaliser = log_sum_exp(line);
        #[expect(clippy::cast_possible_truncation, reason = "a log-probability of f32 logits is f32")]
        let value = (f64::from(line[target]) - normaliser) as f32;
        if let Some(gradient) = gradient {
            #[expect(clippy::cast_possible_truncation, reason = "compared with f32 logits")]
            log_prob_slopes(gradient, line, normaliser as f32);
            gradient[target] += 1.0;
        }
        value
    })
}

/// Exact divergences `sum_v p_v (ln p_v - ln q_v)` over the vocabulary, in nats, of `hidden` from `reference`, both
/// `[positions, hidden]` after the last norm.
///
/// # Errors
/// An internal error if MLX fails.
pub fn divergences(hidden: &Array, reference: &Array, head: &Array, directions: bool) -> Result<Wanted> {
    let mut probabilities = vec![0.0_f32; extent(head, 1)];
    let mut terms = probabilities.clone();
    chunked(&[hidden, reference], head, directions, |_, lines, gradient| {
        #[expect(clippy::cast_possible_truncation, reason = "compared with f32 logits")]
        let normalisers = [lines[0], lines[1]].map(|line| log_sum_exp(line) as f32);
        divergence_terms([lines[0], lines[1]], normalisers, &mut probabilities, &mut terms);
        // Blocks short enough that f32 loses nothing that matters.
        let blocks = probabilities.chunks(512).zip(terms.chunks(512));
        let sum: f64 = blocks.map(|(probabilities, terms)| f64::from(dot(probabilities, terms))).sum();
        #[expect(clippy::cast_possible_truncation, reason = "kept as f32 like a log-probability")]
        let value = sum as f32;
        if let Some(gradient) = gradient {
            divergence_slopes(gradient, &probabilities, &terms, value);
        }
        value
    })
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

    fn divergence_slopes(slopes: &mut [f32], probabilities: &[f32], terms: &[f32], value: f32) {
        for ((slope, &probability), &term) in slopes.iter_mut().zip(probabilities).zip(terms) {
            *slope = probability * (term - value);
        }
    }
}

/// Projects chunks of positions of each array and calls `each` with a position, its logits from each and, where
/// directions are wanted, room for the gradient with respect to the first array's logits.
fn chunked(
    states: &[&Array],
    head: &Array,
    directions: bool,
    mut each: impl FnMut(usize, &[&[f32]], Option<&mut [f32]>) -> f32,
) -> Result<Wanted> {
    let positions = extent(states[0], 0);
    let (width, vocabulary) = (extent(head, 0), extent(head, 1));
    let back = head.t();
    let states =
        states.iter().map(|states| states.contiguous()).collect::<std::result::Result<Vec<_>, _>>()?;
    let mut wanted = Wanted { values: Vec::with_capacity(positions), directions: Vec::new() };
    // Never larger than what is asked for, and the same memory for every chunk.
    let mut slopes = vec![0.0; if directions { CHUNK.min(positions) * vocabulary } else { 0 }];
    for start in (0..positions).step_by(CHUNK) {
        let count = CHUNK.min(positions - start);
        let projected = states
            .iter()
            .map(|states| {
                let rows = &states.try_as_slice::<f32>()?[start * width..(start + count) * width];
                Ok(array(rows, &[count, width])?.matmul(head)?)
            })
            .collect::<Result<Vec<_>>>()?;
        let logits = projected
            .iter()
            .map(|logits| logits.try_as_slice::<f32>())
            .collect::<std::result::Result<Vec<_>, _>>()?;
        let mut rooms = slopes.chunks_exact_mut(vocabulary);
        for position in 0..count {
            let range = position * vocabulary..(position + 1) * vocabulary;
            let lines: Vec<&[f32]> = logits.iter().map(|logits| &logits[range.clone()]).collect();
            wanted.values.push(each(start + position, &lines, rooms.next()));
        }
        if directions {
            drop(projected);
            let gradient = array(&slopes[..count * vocabulary], &[count, vocabulary])?;
            wanted.directions.extend_from_slice(gradient.matmul(&back)?.try_as_slice::<f32>()?);
        }
    }
    Ok(wanted)
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
