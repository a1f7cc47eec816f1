//! Attention over the cache and the new tokens.
//!
//! Two ways of computing the same thing. On a processor rotation and softmax run in Rust ([`crate::host`]) and
//! MLX does the matrix products; on a GPU everything is MLX operations, with its fused attention. Where a gradient
//! is wanted, MLX differentiates its own operations; for the loops in Rust there is [`crate::llama::recorded`].

use std::sync::Arc;

use mlx_rs::{
    Array,
    fast::scaled_dot_product_attention,
    ops::{concatenate, split_equal},
    transforms::eval,
};

use crate::{
    error::{Error, Result},
    host::{
        heads::{gather, spread},
        softmax::softmax,
    },
    llama::{cache::Cache, config::Config, layout::Layout, rope::Rope, weights::dimensions},
};

/// Where the operations between matrix products run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kernels {
    /// In Rust, on slices: for processors.
    Host,
    /// As MLX operations: for GPUs.
    Mlx,
}

/// What all blocks of one forward pass share.
#[derive(Debug)]
pub struct Pass<'a> {
    /// The model's shape.
    pub config: &'a Config,
    /// The model's rotations.
    pub rope: &'a Arc<Rope>,
    /// Where the new tokens lie.
    pub layout: &'a Arc<Layout>,
    /// Packed token of each grid cell and grid cell of each packed token; only for MLX operations, and none where
    /// they are the same.
    indices: Option<(Array, Array)>,
    /// Cosines and sines of each packed token, `[tokens, 1, head / 2]`, and who sees what,
    /// `[rows, 1, longest, columns]`; only for MLX operations.
    tables: Option<(Array, Array, Array)>,
    /// The packed tokens that the model's last block finishes, by index; all of them where none are named. The others are
    /// done there once they have given their keys and values.
    pub ends: Option<Array>,
}

impl<'a> Pass<'a> {
    /// Prepares a pass over the tokens of `layout`.
    ///
    /// # Errors
    /// A request error if the batch is too large for MLX.
    pub fn new(
        config: &'a Config,
        rope: &'a Arc<Rope>,
        layout: &'a Arc<Layout>,
        kernels: Kernels,
    ) -> Result<Self> {
        let (mut indices, mut all) = (None, None);
        if kernels == Kernels::Mlx {
            indices = (!layout.is_full())
                .then(|| Ok::<_, Error>((layout.grid_index()?, layout.packed_index()?)))
                .transpose()?;
            all = Some(tables(config, rope, layout)?);
        }
        Ok(Self { config, rope, layout, indices, tables: all, ends: None })
    }

    /// Attention of one block: packed queries, keys and values in, packed heads `[tokens, heads x head]` out.
    ///
    /// # Errors
    /// An internal error if MLX fails.
    pub fn attend(&self, cache: &mut Cache, block: usize, projected: [Array; 3]) -> Result<Array> {
        match &self.tables {
            None => self.attend_on_host(cache, block, &projected),
            Some(tables) => self.pack(&self.attend_in_mlx(cache, block, projected, tables)?),
        }
    }

    fn attend_on_host(&self, cache: &mut Cache, block: usize, projected: &[Array; 3]) -> Result<Array> {
        eval(projected)?;
        let Config { heads, kv_heads, head, .. } = *self.config;
        let [queries, keys, values] = projected;
        let queries = spread(queries, self.layout, head, Some(self.rope))?;
        let keys = spread(keys, self.layout, head, Some(self.rope))?;
        let values = spread(values, self.layout, head, None)?;
        let (keys, values) = cache.write(block, self.layout, keys, values)?;
        let (rows, longest) = (self.layout.rows(), self.layout.longest());
        let grouped = dimensions(&[rows, kv_heads, heads / kv_heads * longest, head])?;
        let scores = queries.reshape(&grouped)?.matmul(keys.transpose_axes(&[0, 1, 3, 2])?)?;
        scores.eval()?;
        let weights = softmax(&scores, self.layout, self.scale())?;
        let mixed = weights.matmul(values)?.reshape(&dimensions(&[rows, heads, longest, head])?)?;
        gather(&mixed, self.layout, None)
    }

    fn attend_in_mlx(
        &self,
        cache: &mut Cache,
        block: usize,
        projected: [Array; 3],
        (cosines, sines, mask): &(Array, Array, Array),
    ) -> Result<Array> {
        let Config { heads, kv_heads, .. } = *self.config;
        let [queries, keys, values] = projected;
        let queries = self.grid(&rotate(&self.split(&queries, heads)?, cosines, sines)?)?;
        let keys = self.grid(&rotate(&self.split(&keys, kv_heads)?, cosines, sines)?)?;
        let values = self.grid(&self.split(&values, kv_heads)?)?;
        let (keys, values) = cache.write(block, self.layout, keys, values)?;
        Ok(scaled_dot_product_attention(queries, keys, values, self.scale(), mask, None)?)
    }

    fn scale(&self) -> f32 {
        1.0 / (self.config.head as f32).sqrt()
    }

    /// `[tokens, heads x head]` to `[tokens, heads, head]`.
    fn split(&self, packed: &Array, heads: usize) -> Result<Array> {
        Ok(packed.reshape(&dimensions(&[self.layout.packed(), heads, self.config.head])?)?)
    }

    /// `[tokens, heads, head]` to `[rows, heads, longest, head]`.
    fn grid(&self, packed: &Array) -> Result<Array> {
        let (rows, longest, heads, head) =
            (self.layout.rows(), self.layout.longest(), packed.dim(1), packed.dim(2));
        let cells = match &self.indices {
            Some((grid, _)) => packed.take_axis(grid, 0)?,
            None => packed.clone(),
        };
        let shape = dimensions(&[rows, longest])?;
        Ok(cells.reshape(&[shape[0], shape[1], heads, head])?.transpose_axes(&[0, 2, 1, 3])?)
    }

    /// `[rows, heads, longest, head]` to `[tokens, heads x head]`.
    fn pack(&self, grid: &Array) -> Result<Array> {
        let Config { heads, head, .. } = *self.config;
        let cells = self.layout.rows() * self.layout.longest();
        let flat = grid.transpose_axes(&[0, 2, 1, 3])?.reshape(&dimensions(&[cells, heads * head])?)?;
        Ok(match &self.indices {
            Some((_, packed)) => flat.take_axis(packed, 0)?,
            None => flat,
        })
    }
}

/// Rotates the first half of each head against its second.
fn rotate(heads: &Array, cosines: &Array, sines: &Array) -> Result<Array> {
    let halves = split_equal(heads, 2, -1)?;
    let (first, second) = (&halves[0], &halves[1]);
    let left = first.multiply(cosines)?.subtract(second.multiply(sines)?)?;
    let right = second.multiply(cosines)?.add(first.multiply(sines)?)?;
    Ok(concatenate(&[left, right], -1)?)
}

fn tables(config: &Config, rope: &Rope, layout: &Layout) -> Result<(Array, Array, Array)> {
    let (mut cosines, mut sines) = (Vec::new(), Vec::new());
    let mut mask = vec![false; layout.rows() * layout.longest() * layout.columns()];
    let mut lines = mask.chunks_exact_mut(layout.columns());
    for row in 0..layout.rows() {
        for column in 0..layout.longest() {
            let line = lines.next().expect("one line for each cell of the grid");
            if column >= layout.length(row) {
                // A query of padding must see something, or its softmax is not a number; nothing reads it.
                line[0] = true;
                continue;
            }
            layout.visible(row, column).for_each(|range| line[range].fill(true));
            if column < layout.first(row) {
                continue;
            }
            let (cosine, sine) = rope.at(layout.position(row, column));
            cosines.extend_from_slice(cosine);
            sines.extend_from_slice(sine);
        }
    }
    let turns = dimensions(&[layout.packed(), 1, config.head / 2])?;
    let seen = dimensions(&[layout.rows(), 1, layout.longest(), layout.columns()])?;
    Ok((
        Array::from_slice(&cosines, &turns),
        Array::from_slice(&sines, &turns),
        Array::from_slice(&mask, &seen),
    ))
}
