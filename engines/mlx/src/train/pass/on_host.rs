//! The gradient where loops run in Rust between matrix products: backward through what the blocks kept.

use mlx_rs::Array;

use super::{Above, Gradient, Measure};
use crate::{
    error::Result,
    host::norm::{norm, norm_backward},
    llama::{
        recorded::Recorded,
        weights::{array, extent},
    },
    train::head::{divergences, log_probs},
};

pub(super) fn gradient(
    above: &Above<'_>,
    weigh: &mut dyn FnMut(&[f32]) -> Result<Vec<f32>>,
) -> Result<Gradient> {
    let Above { run, first, below, trained, measure, .. } = above;
    let (model, batch) = (run.model, run.batch);
    let corrections = above.corrections(trained.iter().flat_map(|(_, factors)| factors));
    let (recorded, out) = Recorded::run(model, &run.layout, *first, (*below).clone(), &corrections)?;
    let (scale, epsilon) = (&model.weights.norm, model.config.epsilon);
    let states = run.predicting(&out)?;
    let (normed, head) = (norm(&states, scale, epsilon)?, model.weights.head.array());
    let mut wanted = match measure {
        Measure::LogProb => log_probs(&normed, head, &batch.targets, true)?,
        Measure::Divergence(reference) => divergences(&normed, reference, head, true)?,
    };
    let weights = weigh(&wanted.values)?;
    let width = model.config.hidden;
    for (direction, weight) in wanted.directions.chunks_exact_mut(width).zip(weights) {
        for number in direction {
            *number *= weight;
        }
    }
    let of_normed = array(&wanted.directions, &[batch.positions.len(), width])?;
    let of_states = norm_backward(&states, scale, &of_normed, epsilon)?;
    let found = recorded.backward(scattered(&of_states, &batch.positions, extent(&out, 0))?)?;
    let arrays = trained.iter().flat_map(|(site, _)| found[site].clone()).collect();
    Ok(Gradient { values: wanted.values, arrays })
}

/// Adds rows `[positions, width]` at their positions of `[tokens, width]`; a position can be named twice, where two
/// answers follow one context.
fn scattered(rows: &Array, positions: &[usize], tokens: usize) -> Result<Array> {
    let width = extent(rows, 1);
    let mut all = vec![0.0; tokens * width];
    for (row, &position) in rows.try_as_slice::<f32>()?.chunks_exact(width).zip(positions) {
        for (sum, number) in all[position * width..][..width].iter_mut().zip(row) {
            *sum += number;
        }
    }
    array(&all, &[tokens, width])
}
