//! Logits, a chunk of the positions and a piece of the vocabulary at a time.
//!
//! The logits of a whole batch would be the largest array of a step by far. They are made for [`CHUNK`] positions
//! at once, used and given up, so memory grows with the vocabulary and with the batch but never with both. Within a
//! chunk they come in pieces of the vocabulary: the allocator hands an array of that size out again as it is, where one
//! of all logits is asked of the system each time, which clears it first.

use mlx_rs::{Array, transforms::eval};

use crate::{
    error::Result,
    host::filled::filled,
    llama::weights::{array, extent},
};

/// Positions projected at once, over all models: 512 x 49152 x 4 bytes are 96 MiB. Each chunk reads the whole head twice.
const CHUNK: usize = 512;
/// Tokens of the vocabulary in a piece, the last one apart: 512 x 8192 x 4 bytes are 16 MiB.
pub(super) const PIECE: usize = 8192;

/// What is wanted of each position.
#[derive(Debug)]
pub struct Wanted {
    /// A number per position.
    pub values: Vec<f32>,
    /// Its gradient with respect to the position's hidden state, `[positions, hidden]`; empty if not asked for.
    pub directions: Vec<f32>,
}

/// A number computed from a position's logits under each of `N` models.
pub(super) trait Measure<const N: usize> {
    /// What the slopes need besides the logits.
    type Kept;

    /// The number, from the logits of each model in pieces of [`PIECE`] tokens.
    fn value(&mut self, position: usize, lines: [&[&[f32]]; N]) -> (f32, Self::Kept);

    /// Writes the number's gradient with respect to the first model's logits in a piece that begins with token `first`.
    fn slopes(
        &self,
        position: usize,
        kept: &Self::Kept,
        first: usize,
        pieces: [&[f32]; N],
        slopes: &mut [f32],
    );
}

/// Projects the states `[positions, hidden]` of each model by `head [hidden, vocabulary]` and measures every position.
///
/// # Errors
/// An internal error if MLX fails.
pub(super) fn measured<const N: usize, M: Measure<N>>(
    states: [&Array; N],
    head: &Array,
    directions: bool,
    mut measure: M,
) -> Result<Wanted> {
    let (positions, width, vocabulary) = (extent(states[0], 0), extent(head, 0), extent(head, 1));
    let ends: Vec<i32> =
        (PIECE..vocabulary).step_by(PIECE).filter_map(|end| i32::try_from(end).ok()).collect();
    let heads = head.t().split_at_indices(&ends, 0)?;
    let states =
        states.iter().map(|states| states.contiguous()).collect::<std::result::Result<Vec<_>, _>>()?;
    let mut wanted = Wanted { values: Vec::with_capacity(positions), directions: Vec::new() };
    let chunk = CHUNK / N;
    for start in (0..positions).step_by(chunk) {
        let count = chunk.min(positions - start);
        let mut rows = Vec::with_capacity(N);
        for states in &states {
            let numbers = &states.try_as_slice::<f32>()?[start * width..][..count * width];
            rows.push(array(numbers, &[count, width])?);
        }
        let mut projected = Vec::with_capacity(heads.len());
        for head in &heads {
            let logits =
                rows.iter().map(|rows| rows.matmul(head.t())).collect::<std::result::Result<Vec<_>, _>>()?;
            eval(&logits)?;
            projected.push(logits);
        }
        let pieces = projected.iter().map(|logits| numbers(logits)).collect::<Result<Vec<[&[f32]; N]>>>()?;
        let mut kept = Vec::with_capacity(count);
        for position in 0..count {
            let lines: [Vec<&[f32]>; N] = std::array::from_fn(|model| {
                pieces.iter().map(|logits| line(logits[model], position, count)).collect()
            });
            let (value, own) = measure.value(start + position, lines.each_ref().map(Vec::as_slice));
            wanted.values.push(value);
            kept.push(own);
        }
        if !directions {
            continue;
        }
        let mut sum: Option<Array> = None;
        for (number, (logits, head)) in projected.into_iter().zip(&heads).enumerate() {
            let pieces: [&[f32]; N] = numbers(&logits)?;
            let slopes = filled(&[count, extent(head, 0)], |slopes| {
                let lines = slopes.chunks_exact_mut(extent(head, 0)).zip(&kept);
                for (position, (slopes, kept)) in lines.enumerate() {
                    let pieces = pieces.map(|piece| line(piece, position, count));
                    measure.slopes(start + position, kept, number * PIECE, pieces, slopes);
                }
            })?;
            drop(logits);
            let own = slopes.matmul(head)?;
            let all = sum.map_or(Ok(own.clone()), |sum| sum.add(own))?;
            all.eval()?;
            sum = Some(all);
        }
        if let Some(sum) = sum {
            wanted.directions.extend_from_slice(sum.try_as_slice::<f32>()?);
        }
    }
    Ok(wanted)
}

/// The logits of each model as slices.
fn numbers<const N: usize>(logits: &[Array]) -> Result<[&[f32]; N]> {
    let mut all = [&[][..]; N];
    for (numbers, logits) in all.iter_mut().zip(logits) {
        *numbers = logits.try_as_slice::<f32>()?;
    }
    Ok(all)
}

/// A position's line of an array of `count` lines.
fn line(numbers: &[f32], position: usize, count: usize) -> &[f32] {
    let width = numbers.len() / count;
    &numbers[position * width..][..width]
}
