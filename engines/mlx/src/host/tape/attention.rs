//! Attention over the tokens of one pass, without a cache.

use std::sync::Arc;

use mlx_rs::Array;

use super::single;
use crate::{
    error::Result,
    host::{
        heads::{gather, spread},
        softmax::{softmax, softmax_backward},
    },
    llama::{config::Config, layout::Layout, rope::Rope, weights::dimensions},
    raw::custom::Operation,
};

/// Packed queries, keys and values in, packed heads `[tokens, heads x head]` out.
///
/// Of the arrays between, only the weights are kept for the gradient; heads are spread again when it is taken.
///
/// # Errors
/// An internal error if MLX fails.
pub fn taped_attention(
    projected: &[Array; 3],
    config: &Config,
    layout: &Arc<Layout>,
    rope: &Arc<Rope>,
    scale: f32,
) -> Result<Array> {
    let Config { heads, kv_heads, head, .. } = *config;
    let (layout, rope) = (Arc::clone(layout), Arc::clone(rope));
    single(Attention { layout, rope, heads, kv_heads, head, scale }, projected)
}

struct Attention {
    layout: Arc<Layout>,
    rope: Arc<Rope>,
    heads: usize,
    kv_heads: usize,
    head: usize,
    scale: f32,
}

impl Attention {
    /// Grids `[rows, kv_heads, group x longest, head]` of queries and `[rows, kv_heads, longest, head]` of the rest.
    fn grids(&self, packed: &[Array]) -> Result<[Array; 3]> {
        let grid = |packed: &Array, rope| spread(packed, &self.layout, self.head, rope);
        let rope = Some(self.rope.as_ref());
        let queries = self.grouped(&grid(&packed[0], rope)?)?;
        Ok([queries, grid(&packed[1], rope)?, grid(&packed[2], None)?])
    }

    /// Heads that share a key head, one below the other.
    fn grouped(&self, grid: &Array) -> Result<Array> {
        let (rows, longest) = (self.layout.rows(), self.layout.longest());
        let lines = self.heads / self.kv_heads * longest;
        Ok(grid.reshape(&dimensions(&[rows, self.kv_heads, lines, self.head])?)?)
    }

    fn apart(&self, grouped: &Array) -> Result<Array> {
        let (rows, longest) = (self.layout.rows(), self.layout.longest());
        Ok(grouped.reshape(&dimensions(&[rows, self.heads, longest, self.head])?)?)
    }
}

impl Operation for Attention {
    fn forward(&self, inputs: &[Array]) -> Result<Vec<Array>> {
        let [queries, keys, values] = self.grids(inputs)?;
        let scores = queries.matmul(turned(&keys)?)?;
        let weights = softmax(&scores, &self.layout, self.scale)?;
        let mixed = gather(&self.apart(&weights.matmul(values)?)?, &self.layout, None)?;
        Ok(vec![mixed, weights])
    }

    fn backward(
        &self,
        inputs: &[Array],
        gradients: &[Array],
        outputs: &[Array],
    ) -> Result<Vec<Option<Array>>> {
        let [queries, keys, values] = self.grids(inputs)?;
        let weights = &outputs[1];
        let mixed = self.grouped(&spread(&gradients[0], &self.layout, self.head, None)?)?;
        let scores = softmax_backward(weights, &mixed.matmul(turned(&values)?)?, self.scale)?;
        let rope = Some(self.rope.as_ref());
        let of_queries = gather(&self.apart(&scores.matmul(&keys)?)?, &self.layout, rope)?;
        let of_keys = gather(&turned(&scores)?.matmul(&queries)?, &self.layout, rope)?;
        let of_values = gather(&turned(weights)?.matmul(&mixed)?, &self.layout, None)?;
        Ok(vec![Some(of_queries), Some(of_keys), Some(of_values)])
    }
}

/// The last two axes exchanged.
fn turned(grid: &Array) -> Result<Array> {
    Ok(grid.transpose_axes(&[0, 1, 3, 2])?)
}
