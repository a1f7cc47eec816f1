//! A matrix product with its low-rank correction, `x W + (scale x (x A)) B`.
//!
//! With `g` the gradient of the output and `h = scale x (g B^T)`: `g W^T + h A^T` for the rows, `x^T h` for `A` and
//! `(scale x (x A))^T g` for `B`. The weights are a constant.

use mlx_rs::Array;

use super::{alone, single};
use crate::{error::Result, raw::custom::Operation};

/// The corrected projection of rows `[n, inputs]`.
///
/// # Errors
/// An internal error if MLX fails.
pub fn taped_projection(rows: &Array, weights: &Array, (a, b): &(Array, Array), scale: f32) -> Result<Array> {
    single(Corrected(scale), &[rows.clone(), weights.clone(), a.clone(), b.clone()])
}

struct Corrected(f32);

impl Operation for Corrected {
    fn forward(&self, inputs: &[Array]) -> Result<Vec<Array>> {
        let [rows, weights, a, b] = inputs else { unreachable!("four inputs were given") };
        let narrow = rows.matmul(a)?.multiply(Array::from_f32(self.0))?;
        let out = rows.matmul(weights)?.add(narrow.matmul(b)?)?;
        Ok(vec![alone(&out)?, alone(&narrow)?])
    }

    fn backward(
        &self,
        inputs: &[Array],
        gradients: &[Array],
        outputs: &[Array],
    ) -> Result<Vec<Option<Array>>> {
        let [rows, weights, a, b] = inputs else { unreachable!("four inputs were given") };
        let gradient = &gradients[0];
        let narrow = gradient.matmul(b.t())?.multiply(Array::from_f32(self.0))?;
        let of_rows = gradient.matmul(weights.t())?.add(narrow.matmul(a.t())?)?;
        let (of_a, of_b) = (rows.t().matmul(&narrow)?, outputs[1].t().matmul(gradient)?);
        Ok(vec![Some(alone(&of_rows)?), None, Some(alone(&of_a)?), Some(alone(&of_b)?)])
    }
}
