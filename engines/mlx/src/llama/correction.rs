//! Low-rank corrections of a model's projections, as arrays that a forward pass uses.
//!
//! A corrected projection computes `x W + scale x (x A) B` (Hu et al. 2021). The weights stay as they are, so the
//! model without its corrections is at hand at any time: it is the same pass without them.

use std::collections::BTreeMap;

use mlx_rs::Array;

use crate::{adapter::Site, error::Result};

/// `A [inputs, rank]` and `B [rank, outputs]`.
pub type Factors = (Array, Array);

/// The corrections of a model.
#[derive(Debug, Clone)]
pub struct Corrections {
    /// Multiplies every correction.
    pub scale: f32,
    /// The factors of each corrected projection.
    pub factors: BTreeMap<Site, Factors>,
}

impl Corrections {
    /// The first corrected block; `None` where nothing is corrected.
    #[must_use]
    pub fn first_block(&self) -> Option<usize> {
        self.factors.keys().next().map(|site| site.block)
    }
}

/// What is added to a projection's own output for rows of inputs: `(scale x (x A)) B`.
///
/// # Errors
/// An internal error if MLX fails.
pub fn correction(rows: &Array, (a, b): &Factors, scale: f32) -> Result<Array> {
    let narrow = rows.matmul(a)?.multiply(Array::from_f32(scale))?;
    Ok(narrow.matmul(b)?)
}
