//! The gated activation between two matrix products.

use mlx_rs::Array;

use crate::{error::Result, host::exp::exp};

/// `gate x sigmoid(gate) x up`, element by element; both arrays evaluated and of one shape.
///
/// # Errors
/// An internal error if an array cannot be read.
pub fn swiglu(gate: &Array, up: &Array) -> Result<Array> {
    let (gate, up) = (gate.contiguous()?, up.contiguous()?);
    let (gates, ups) = (gate.try_as_slice::<f32>()?, up.try_as_slice::<f32>()?);
    let mut out = vec![0.0; gates.len()];
    activated(gates, ups, &mut out);
    Ok(Array::from_slice(&out, gate.shape()))
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
    let mut of_gate = vec![0.0; gates.len()];
    let mut of_up = vec![0.0; gates.len()];
    pulled([gates, ups, gradients], &mut of_gate, &mut of_up);
    Ok([Array::from_slice(&of_gate, gate.shape()), Array::from_slice(&of_up, gate.shape())])
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
