//! Attention over the tokens of one pass, without a cache, and its gradient.

use std::sync::Arc;

use mlx_rs::{Array, transforms::eval};

use crate::{
    error::Result,
    host::{
        heads::{gather, spread},
        softmax::{softmax, softmax_backward},
    },
    llama::{config::Config, layout::Layout, rope::Rope, weights::dimensions},
};

/// What the attention of all blocks of a pass shares.
#[derive(Debug)]
pub struct Attention {
    layout: Arc<Layout>,
    rope: Arc<Rope>,
    heads: usize,
    kv_heads: usize,
    head: usize,
    scale: f32,
}

impl Attention {
    /// Attention of a model over tokens that lie as `layout` says.
    #[must_use]
    pub fn new(config: &Config, layout: &Arc<Layout>, rope: &Arc<Rope>) -> Self {
        let Config { heads, kv_heads, head, .. } = *config;
        let (layout, rope) = (Arc::clone(layout), Arc::clone(rope));
        Self { layout, rope, heads, kv_heads, head, scale: 1.0 / (head as f32).sqrt() }
    }

    /// Packed heads `[tokens, heads x head]` from packed queries, keys and values, and the weights of attention,
    /// which the gradient needs; heads are spread again when it is taken.
    ///
    /// # Errors
    /// An internal error if MLX fails.
    pub fn forward(&self, projected: &[Array; 3]) -> Result<[Array; 2]> {
        eval(projected)?;
        let [queries, keys, values] = self.grids(projected)?;
        let scores = queries.matmul(turned(&keys)?)?;
        let weights = softmax(&scores, &self.layout, self.scale)?;
        let mixed = gather(&self.apart(&weights.matmul(values)?)?, &self.layout, None)?;
        Ok([mixed, weights])
    }

    /// The gradients with respect to packed queries, keys and values.
    ///
    /// # Errors
    /// An internal error if MLX fails.
    pub fn backward(&self, projected: &[Array; 3], weights: &Array, gradient: &Array) -> Result<[Array; 3]> {
        let [queries, keys, values] = self.grids(projected)?;
        let mixed = self.grouped(&spread(gradient, &self.layout, self.head, None)?)?;
        let scores = softmax_backward(weights, &mixed.matmul(turned(&values)?)?, self.scale)?;
        let rope = Some(self.rope.as_ref());
        let of_queries = gather(&self.apart(&scores.matmul(&keys)?)?, &self.layout, rope)?;
        let of_keys = gather(&turned(&scores)?.matmul(&queries)?, &self.layout, rope)?;
        let of_values = gather(&turned(weights)?.matmul(&mixed)?, &self.layout, None)?;
        Ok([of_queries, of_keys, of_values])
    }

    /// Grids `[rows, kv_heads, group x longest, head]` of queries and `[rows, kv_heads, longest, head]` of the rest.
    fn grids(&self, packed: &[Array; 3]) -> Result<[Array; 3]> {
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

/// The last two axes exchanged.
fn turned(grid: &Array) -> Result<Array> {
    Ok(grid.transpose_axes(&[0, 1, 3, 2])?)
}
