//! Keys and values of the tokens seen so far.
//!
//! One buffer of keys and one of values per block, `[rows, kv_heads, capacity, head]`. New columns are written
//! into the buffer; MLX does it in place as long as nothing else holds the buffer, so a step of generation
//! copies nothing that it has already seen.

use std::ops::Range;

use mlx_rs::{
    Array,
    ops::{
        broadcast_to, concatenate,
        indexing::{TryIndexMutOp, TryIndexOp},
        zeros,
    },
};

use crate::{
    error::Result,
    llama::{
        config::Config,
        layout::{Layout, Row, index},
        weights::dimensions,
    },
};

/// Keys and values of all blocks for the rows of a batch.
#[derive(Debug)]
pub struct Cache {
    /// Keys and values of each block.
    buffers: Vec<(Array, Array)>,
    rows: usize,
    columns: usize,
    capacity: usize,
    /// Columns that each row does not see.
    gaps: Vec<Vec<Range<usize>>>,
}

impl Cache {
    /// An empty cache for `rows` rows and up to `capacity` columns.
    ///
    /// # Errors
    /// A request error if it is too large for MLX.
    pub fn new(config: &Config, rows: usize, capacity: usize) -> Result<Self> {
        let shape = dimensions(&[rows, config.kv_heads, capacity, config.head])?;
        let buffers = (0..config.layers)
            .map(|_| Ok((zeros::<f32>(&shape)?, zeros::<f32>(&shape)?)))
            .collect::<Result<_>>()?;
        Ok(Self { buffers, rows, columns: 0, capacity, gaps: vec![Vec::new(); rows] })
    }

    /// Rows of the batch.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// Where new tokens, one entry per row of the cache, would lie.
    #[must_use]
    pub fn layout(&self, rows: &[Row<'_>]) -> Layout {
        Layout::new(rows, self.columns, &self.gaps)
    }

    /// Columns that can still be written.
    #[must_use]
    pub const fn room(&self) -> usize {
        self.capacity - self.columns
    }

    /// A cache of the given rows, in the given order, repeated where named twice, with room for `more` columns.
    ///
    /// # Errors
    /// A request error if it is too large for MLX.
    pub fn select(&self, rows: &[usize], more: usize) -> Result<Self> {
        let picked = index(rows.iter().copied())?;
        let take = |buffer: &Array| -> Result<Array> {
            let filled = columns(buffer, self.columns)?;
            let [_, kv_heads, _, head] = four(&filled);
            let taken = if self.rows == 1 {
                broadcast_to(&filled, &[picked.dim(0), kv_heads, filled.dim(2), head])?
            } else {
                filled.take_axis(&picked, 0)?
            };
            let room = dimensions(&[rows.len(), 1, more, 1])?;
            let empty = zeros::<f32>(&[room[0], kv_heads, room[2], head])?;
            let joined = concatenate(&[taken, empty], 2)?;
            joined.eval()?;
            Ok(joined)
        };
        let buffers = self
            .buffers
            .iter()
            .map(|(keys, values)| Ok((take(keys)?, take(values)?)))
            .collect::<Result<_>>()?;
        let gaps = rows.iter().map(|&row| self.gaps[row].clone()).collect();
        Ok(Self { buffers, rows: rows.len(), columns: self.columns, capacity: self.columns + more, gaps })
    }

    /// Writes the new keys and values of a block, `[rows, kv_heads, longest, head]`, and returns all of the
    /// block's columns, the new ones included.
    ///
    /// # Errors
    /// An internal error if MLX fails.
    pub fn write(
        &mut self,
        block: usize,
        layout: &Layout,
        keys: Array,
        values: Array,
    ) -> Result<(Array, Array)> {
        let total = layout.columns();
        if self.columns == 0 && self.capacity == total {
            self.buffers[block] = (keys.clone(), values.clone());
            return Ok((keys, values));
        }
        let range = dimensions(&[layout.past(), total])?;
        let (old_keys, old_values) = &mut self.buffers[block];
        old_keys.try_index_mut((.., .., range[0]..range[1], ..), keys)?;
        old_values.try_index_mut((.., .., range[0]..range[1], ..), values)?;
        Ok((columns(old_keys, total)?, columns(old_values, total)?))
    }

    /// Counts the new columns as seen, once every block has been written.
    pub fn advance(&mut self, layout: &Layout) {
        self.columns = layout.columns();
        self.gaps = layout.gaps_after();
    }
}

/// The first columns of a buffer.
fn columns(buffer: &Array, count: usize) -> Result<Array> {
    let count = dimensions(&[count])?[0];
    Ok(if buffer.dim(2) == count { buffer.clone() } else { buffer.try_index((.., .., ..count, ..))? })
}

fn four(array: &Array) -> [i32; 4] {
    [array.dim(0), array.dim(1), array.dim(2), array.dim(3)]
}
