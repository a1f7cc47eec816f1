//! The gradient where everything is MLX operations: MLX differentiates them.
//!
//! The head runs in Rust here too, as an operation with a gradient of its own.

use mlx_rs::{
    Array,
    error::Exception,
    transforms::{eval, value_and_grad_with_argnums},
};

use super::{Above, Gradient, Measure};
use crate::{
    error::Result,
    llama::weights::array,
    raw::custom::take_failure,
    train::head::{taped_divergences, taped_log_probs},
};

pub(super) fn gradient(
    above: &Above<'_>,
    weigh: &mut dyn FnMut(&[f32]) -> Result<Vec<f32>>,
) -> Result<Gradient> {
    let Above { run, first, below, trained, measure, .. } = above;
    let model = run.model;
    let arrays: Vec<Array> = trained.iter().flat_map(|(_, factors)| factors.clone()).collect();
    let all: Vec<i32> = (0..).take(arrays.len()).collect();
    let (mut values, mut failure) = (Vec::new(), None);
    let mut loss = |arrays: &[Array]| -> Result<Array> {
        let corrections = above.corrections(arrays.iter());
        let out = run.blocks(*first..model.weights.blocks.len(), (*below).clone(), Some(&corrections))?;
        let states = model.last_norm(&out)?;
        let head = model.weights.head.array();
        let found = match measure {
            Measure::LogProb => taped_log_probs(&states, head, &run.batch.targets)?,
            Measure::Divergence(reference) => taped_divergences(&states, reference, head)?,
        };
        values = found.try_as_slice::<f32>()?.to_vec();
        let weights = weigh(&values)?;
        Ok(found.multiply(array(&weights, &[weights.len()])?)?.sum(None)?)
    };
    let recorded = |arrays: &[Array]| {
        loss(arrays).map(|loss| vec![loss]).map_err(|error| {
            failure = Some(error);
            Exception::custom("see the engine's own error")
        })
    };
    let found = value_and_grad_with_argnums(recorded, all.as_slice())(&arrays);
    let (_, gradients) =
        found.map_err(|error| failure.or_else(take_failure).unwrap_or_else(|| error.into()))?;
    eval(&gradients)?;
    Ok(Gradient { values, arrays: gradients })
}
