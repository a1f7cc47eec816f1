//! Attention weights from attention scores, each query seeing only its own columns.

use mlx_rs::Array;

use crate::{
    error::Result,
    host::exp::{exp, maximum},
    llama::layout::Layout,
};

/// Softmax over the visible columns; invisible ones get weight 0, queries of padding get none at all.
///
/// `scores` is `[rows, kv_heads, group x longest, columns]`, evaluated; they are multiplied by `scale` first.
///
/// # Errors
/// An internal error if the array cannot be read.
pub fn softmax(scores: &Array, layout: &Layout, scale: f32) -> Result<Array> {
    let numbers = scores.try_as_slice::<f32>()?;
    let mut weights = vec![0.0; numbers.len()];
    let columns = layout.columns();
    let per_row = numbers.len() / layout.rows();
    let (ins, outs) = (numbers.chunks_exact(columns), weights.chunks_exact_mut(columns));
    for (line, (scores, weights)) in ins.zip(outs).enumerate() {
        let row = line * columns / per_row;
        let query = line % layout.longest();
        if query < layout.length(row) {
            one(scores, weights, layout, row, query, scale);
        }
    }
    Ok(Array::from_slice(&weights, scores.shape()))
}

fn one(scores: &[f32], weights: &mut [f32], layout: &Layout, row: usize, query: usize, scale: f32) {
    let shift = layout.visible(row, query).map(|range| maximum(&scores[range])).fold(f32::MIN, f32::max);
    let mut sum = 0.0_f32;
    for range in layout.visible(row, query) {
        for (weight, &score) in weights[range.clone()].iter_mut().zip(&scores[range.clone()]) {
            *weight = exp((score - shift) * scale);
        }
        sum += lanes(&weights[range]);
    }
    let inverse = 1.0 / sum;
    for range in layout.visible(row, query) {
        weights[range].iter_mut().for_each(|weight| *weight *= inverse);
    }
}

/// A sum in eight lanes, which the compiler can vectorise and the order of which is fixed.
fn lanes(numbers: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; 8];
    let chunks = numbers.chunks_exact(8);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (lane, number) in lanes.iter_mut().zip(chunk) {
            *lane += number;
        }
    }
    lanes.iter().sum::<f32>() + rest.iter().sum::<f32>()
}
