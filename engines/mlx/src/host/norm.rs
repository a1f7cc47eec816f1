//! The root-mean-square norm in front of a layer.
//!
//! Forward and backward in one pass each; MLX differentiates its own as a chain of element-wise operations.

use mlx_rs::Array;

use crate::{
    error::Result,
    host::{filled::filled, sums::dot},
    llama::weights::extents,
};

/// `x / sqrt(mean(x^2) + epsilon) x scale`, row by row.
///
/// # Errors
/// An internal error if an array cannot be read.
pub fn norm(states: &Array, scale: &Array, epsilon: f32) -> Result<Array> {
    let states = states.contiguous()?;
    let (numbers, scales) = (states.try_as_slice::<f32>()?, scale.try_as_slice::<f32>()?);
    filled(&extents(&states), |normed| {
        let rows = numbers.chunks_exact(scales.len()).zip(normed.chunks_exact_mut(scales.len()));
        for (row, normed) in rows {
            let inverse = inverse_root(row, epsilon);
            for ((normed, &number), &scale) in normed.iter_mut().zip(row).zip(scales) {
                *normed = number * inverse * scale;
            }
        }
    })
}

/// The gradient with respect to the states: with `r = 1 / sqrt(mean(x^2) + epsilon)` and `h = g x scale`,
/// `r h - x r^3 mean(h x)`.
///
/// # Errors
/// An internal error if an array cannot be read.
pub fn norm_backward(states: &Array, scale: &Array, gradient: &Array, epsilon: f32) -> Result<Array> {
    let (states, gradient) = (states.contiguous()?, gradient.contiguous()?);
    let (numbers, scales) = (states.try_as_slice::<f32>()?, scale.try_as_slice::<f32>()?);
    let gradients = gradient.try_as_slice::<f32>()?;
    let width = scales.len();
    filled(&extents(&states), |found| {
        let rows = numbers.chunks_exact(width).zip(gradients.chunks_exact(width));
        for ((row, gradients), found) in rows.zip(found.chunks_exact_mut(width)) {
            let inverse = inverse_root(row, epsilon);
            for ((found, &gradient), &scale) in found.iter_mut().zip(gradients).zip(scales) {
                *found = gradient * scale;
            }
            let pull = dot(row, found) / width as f32 * inverse * inverse * inverse;
            for (found, &number) in found.iter_mut().zip(row) {
                *found = *found * inverse - number * pull;
            }
        }
    })
}

fn inverse_root(row: &[f32], epsilon: f32) -> f32 {
    1.0 / (dot(row, row) / row.len() as f32 + epsilon).sqrt()
}
