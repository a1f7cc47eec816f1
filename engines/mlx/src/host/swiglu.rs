//! The gated activation between two matrix products.

use mlx_rs::Array;

use crate::{error::Result, host::exp::exp};

/// `gate x sigmoid(gate) x up`, element by element; both arrays evaluated and of one shape.
///
/// # Errors
/// An internal error if an array cannot be read.
pub fn swiglu(gate: &Array, up: &Array) -> Result<Array> {
    let (gates, ups) = (gate.try_as_slice::<f32>()?, up.try_as_slice::<f32>()?);
    let out: Vec<f32> = gates.iter().zip(ups).map(|(&gate, &up)| gate / (1.0 + exp(-gate)) * up).collect();
    Ok(Array::from_slice(&out, gate.shape()))
}
