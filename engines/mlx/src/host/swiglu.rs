//! The gated activation between two matrix products.

use mlx_rs::Array;

use crate::{
    error::Result,
    host::{
        exp::exp,
        filled::{filled, filled_each},
    },
    llama::weights::extents,
};

/// `gate x sigmoid(gate) x up`, element by element; both arrays evaluated and of one shape.
///
/// # Errors
/// An internal error if an array cannot be read.
pub fn swiglu(gate: &Array, up: &Array) -> Result<Array> {
    let (gate, up) = (gate.contiguous()?, up.contiguous()?);
    let (gates, ups) = (gate.try_as_slice::<f32>()?, up.try_as_slice::<f32>()?);
    filled(&extents(&gate), |out| activated(gates, ups, out))
}

/// The gradients with respect to gate and up: with `s = sigmoid(gate)`, `g up s (1 + gate (1 - s))` and
/// `g gate s`.
///
/// # Errors
/// An internal error if an array cannot be read.
pub fn swiglu_backward(gate: &Array, up: &Array, gradient: &Array) -> Result<[Array; 2]> {
    let (gate, up, gradient) = (gate.contiguous()?, up.contiguous()?, gradient.contiguous()?);
    let (gates, ups) = (gate.try_as_slice::<f32>()?, up.try_as_slice::<f32>()?);
    let gradients = gradient.try_as_slice::<f32>()?;
    filled_each(&extents(&gate), |[of_gate, of_up]| pulled([gates, ups, gradients], of_gate, of_up))
}

vectorised! {
    fn activated(gates: &[f32], ups: &[f32], out: &mut [f32]) {
        for ((out, &gate), &up) in out.iter_mut().zip(gates).zip(ups) {
            *out = gate / (1.0 + exp(-gate)) * up;
        }
    }

    fn pulled([gates, ups, gradients]: [&[f32]; 3], of_gate: &mut [f32], of_up: &mut [f32]) {
        let inputs = gates.iter().zip(ups).zip(gradients);
        for (((&gate, &up), &gradient), (of_gate, of_up)) in inputs.zip(of_gate.iter_mut().zip(of_up)) {
            let sigmoid = 1.0 / (1.0 + exp(-gate));
            let carried = gradient * sigmoid;
            *of_gate = carried * up * (1.0 + gate * (1.0 - sigmoid));
            *of_up = carried * gate;
        }
    }
}
