//! Low-rank corrections of a model's projections, as arrays that a forward pass uses.
//!
//! A corrected projection computes `x W + scale x (x A) B` (Hu et al. 2021). The weights stay as they are, so the
//! model without its corrections is at hand at any time: it is the same pass without them.

use std::collections::BTreeMap;

use mlx_rs::Array;

use crate::error::Result;

/// A projection of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Projection {
    /// Hidden to queries.
    Query,
    /// Hidden to keys.
    Key,
    /// Hidden to values.
    Value,
    /// Heads to hidden.
    Output,
    /// Hidden to inner, through the gate.
    Gate,
    /// Hidden to inner, beside the gate.
    Up,
    /// Inner to hidden.
    Down,
}

/// Which projection of which block.
pub type Place = (usize, Projection);

/// `A [inputs, rank]` and `B [rank, outputs]`.
pub type Factors = (Array, Array);

/// The corrections of a model.
#[derive(Debug, Clone)]
pub struct Corrections {
    /// Multiplies every correction.
    pub scale: f32,
    /// The factors of each corrected projection.
    pub factors: BTreeMap<Place, Factors>,
}

impl Corrections {
    /// The first block that is corrected; blocks before it are as without.
    #[must_use]
    pub fn first_block(&self) -> usize {
        self.factors.keys().next().map_or(usize::MAX, |&(block, _)| block)
    }

    /// What is added to the projection's own output for rows of inputs; none where it is not corrected.
    ///
    /// # Errors
    /// An internal error if MLX fails.
    pub fn of(&self, place: Place, rows: &Array) -> Result<Option<Array>> {
        let Some((a, b)) = self.factors.get(&place) else { return Ok(None) };
        let narrow = rows.matmul(a)?.multiply(Array::from_f32(self.scale))?;
        Ok(Some(narrow.matmul(b)?))
    }
}
