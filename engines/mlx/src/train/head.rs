//! From hidden states to log-probabilities and divergences, a chunk of the vocabulary's rows at a time.
//!
//! The logits of a whole batch would be the largest array of a step by far. They are made for [`CHUNK`] positions
//! at once, used and given up, so memory grows with the vocabulary and with the batch but never with both. The
//! head is frozen, so a position's gradient has a known direction: it is computed while the logits are there, kept
//! as one hidden vector, and only multiplied by what the loss turns out to want. Nothing is computed twice.

use mlx_rs::Array;

use crate::{
    error::{Error, Result},
    host::exp::{exp, log_sum_exp},
    llama::weights::{array, extent},
    raw::custom::{Operation, apply},
};

/// Positions projected at once: 128 x 49152 x 4 bytes are 24 MiB.
const CHUNK: usize = 128;

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
    chunked(&[hidden], head, directions, |position, lines| {
        let line = &mut *lines[0];
        let target = targets[position] as usize;
        let normaliser = log_sum_exp(line);
        #[expect(clippy::cast_possible_truncation, reason = "a log-probability of f32 logits is f32")]
        let value = (f64::from(line[target]) - normaliser) as f32;
        if directions {
            #[expect(clippy::cast_possible_truncation, reason = "compared with f32 logits")]
            let shift = normaliser as f32;
            for logit in line.iter_mut() {
                *logit = -exp(*logit - shift);
            }
            line[target] += 1.0;
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
    chunked(&[hidden, reference], head, directions, |_, lines| {
        let [policy, reference] = lines else { unreachable!("two arrays were projected") };
        let (own, other) = (log_sum_exp(policy), log_sum_exp(reference));
        let mut sum = 0.0_f64;
        // Blocks short enough that f32 loses nothing that matters.
        #[expect(clippy::cast_possible_truncation, reason = "compared with f32 logits")]
        let (own, other) = (own as f32, other as f32);
        for (policy, reference) in policy.chunks_mut(512).zip(reference.chunks_mut(512)) {
            let mut block = 0.0_f32;
            for (policy, reference) in policy.iter_mut().zip(reference) {
                let log = *policy - own;
                let probability = exp(log);
                let term = log - (*reference - other);
                block += probability * term;
                (*policy, *reference) = (probability, term);
            }
            sum += f64::from(block);
        }
        #[expect(clippy::cast_possible_truncation, reason = "kept as f32 like a log-probability")]
        let value = sum as f32;
        if directions {
            for (policy, term) in policy.iter_mut().zip(&**reference) {
                *policy *= term - value;
            }
        }
        value
    })
}

/// Projects chunks of positions of each array and calls `each` with a position and its logits from each; where
/// directions are wanted it leaves the gradient with respect to the first array's logits in their place.
fn chunked(
    states: &[&Array],
    head: &Array,
    directions: bool,
    mut each: impl FnMut(usize, &mut [&mut [f32]]) -> f32,
) -> Result<Wanted> {
    let positions = extent(states[0], 0);
    let (width, vocabulary) = (extent(head, 0), extent(head, 1));
    let back = head.t();
    let states =
        states.iter().map(|states| states.contiguous()).collect::<std::result::Result<Vec<_>, _>>()?;
    let mut wanted = Wanted { values: Vec::with_capacity(positions), directions: Vec::new() };
    for start in (0..positions).step_by(CHUNK) {
        let count = CHUNK.min(positions - start);
        let mut logits = states
            .iter()
            .map(|states| {
                let rows = &states.try_as_slice::<f32>()?[start * width..(start + count) * width];
                let logits = array(rows, &[count, width])?.matmul(head)?;
                Ok(logits.try_as_slice::<f32>()?.to_vec())
            })
            .collect::<Result<Vec<_>>>()?;
        for position in 0..count {
            let range = position * vocabulary..(position + 1) * vocabulary;
            let mut lines: Vec<&mut [f32]> =
                logits.iter_mut().map(|logits| &mut logits[range.clone()]).collect();
            wanted.values.push(each(start + position, &mut lines));
        }
        if directions {
            let gradient = array(&logits[0], &[count, vocabulary])?;
            drop(logits);
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
