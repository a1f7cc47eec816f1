//! Attention weights from attention scores, each query seeing only its own columns.

use mlx_rs::Array;

use crate::{
    error::Result,
    host::{
        exp::{exp, maximum},
        filled::filled,
        sums::{dot, sum},
    },
    llama::{
        layout::Layout,
        weights::{extent, extents},
    },
};

/// Softmax over the visible columns; invisible ones get weight 0, queries of padding and of tokens that are packed with
/// another row get none at all.
///
/// `scores` is `[rows, kv_heads, group x longest, columns]`, evaluated; they are multiplied by `scale` first.
///
/// # Errors
/// An internal error if the array cannot be read.
pub fn softmax(scores: &Array, layout: &Layout, scale: f32) -> Result<Array> {
    let scores = scores.contiguous()?;
    let numbers = scores.try_as_slice::<f32>()?;
    let columns = layout.columns();
    let per_row = numbers.len() / layout.rows();
    filled(&extents(&scores), |weights| {
        let (ins, outs) = (numbers.chunks_exact(columns), weights.chunks_exact_mut(columns));
        for (line, (scores, weights)) in ins.zip(outs).enumerate() {
            let row = line * columns / per_row;
            let query = line % layout.longest();
            weights.fill(0.0);
            if (layout.first(row)..layout.length(row)).contains(&query) {
                one(scores, weights, layout, row, query, scale);
            }
        }
    })
}

/// The gradient with respect to the scores: `scale x w (g - sum(g w))` over the visible columns, 0 elsewhere.
///
/// `weights` is what [`softmax`] gave, `gradient` the gradient with respect to it, both of its shape.
///
/// # Errors
/// An internal error if an array cannot be read.
pub fn softmax_backward(weights: &Array, gradient: &Array, scale: f32) -> Result<Array> {
    let gradient = gradient.contiguous()?;
    let (numbers, gradients) = (weights.try_as_slice::<f32>()?, gradient.try_as_slice::<f32>()?);
    let columns = extent(weights, 3);
    filled(&extents(weights), |found| {
        let lines = numbers.chunks_exact(columns).zip(gradients.chunks_exact(columns));
        for ((weights, gradients), found) in lines.zip(found.chunks_exact_mut(columns)) {
            // Invisible columns weigh 0, so they add nothing and get nothing.
            pulled(found, [weights, gradients], dot(weights, gradients), scale);
        }
    })
}

fn one(scores: &[f32], weights: &mut [f32], layout: &Layout, row: usize, query: usize, scale: f32) {
    let shift = layout.visible(row, query).map(|range| maximum(&scores[range])).fold(f32::MIN, f32::max);
    let mut total = 0.0_f32;
    for range in layout.visible(row, query) {
        raised(&mut weights[range.clone()], &scores[range.clone()], shift, scale);
        total += sum(&weights[range]);
    }
    let inverse = 1.0 / total;
    for range in layout.visible(row, query) {
        weights[range].iter_mut().for_each(|weight| *weight *= inverse);
    }
}

vectorised! {
    fn raised(weights: &mut [f32], scores: &[f32], shift: f32, scale: f32) {
        for (weight, &score) in weights.iter_mut().zip(scores) {
            *weight = exp((score - shift) * scale);
        }
    }

    fn pulled(found: &mut [f32], [weights, gradients]: [&[f32]; 2], mean: f32, scale: f32) {
        for ((found, &weight), &gradient) in found.iter_mut().zip(weights).zip(gradients) {
            *found = scale * weight * (gradient - mean);
        }
    }
}
