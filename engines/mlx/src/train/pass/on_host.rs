//! The gradient where loops run in Rust between matrix products: backward through what the blocks kept.

use super::{Above, Gradient, Measure};
use crate::{
    error::Result,
    host::norm::{norm, norm_backward},
    llama::{recorded::Recorded, weights::array},
    train::head::{divergences, log_probs},
};

pub(super) fn gradient(
    above: &Above<'_>,
    weigh: &mut dyn FnMut(&[f32]) -> Result<Vec<f32>>,
) -> Result<Gradient> {
    let Above { run, first, below, trained, measure, .. } = above;
    let (model, batch) = (run.model, run.batch);
    let corrections = above.corrections(trained.iter().flat_map(|(_, factors)| factors));
    let ends = (&run.ends, batch.positions.as_slice());
    let (recorded, states) = Recorded::run(model, &run.layout, ends, *first, (*below).clone(), &corrections)?;
    let (scale, epsilon) = (&model.weights.norm, model.config.epsilon);
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
    let found = recorded.backward(of_states)?;
    let arrays = trained.iter().flat_map(|(site, _)| found[site].clone()).collect();
    Ok(Gradient { values: wanted.values, arrays })
}
