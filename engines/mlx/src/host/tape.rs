//! The steps of a pass as operations that MLX differentiates through.
//!
//! Used while a gradient is wanted. Each operation evaluates its inputs, so the forward pass is computed as it is
//! recorded and the backward pass as it is walked; nothing waits in a growing graph. What is evaluated while MLX
//! records stays in memory until the gradient is done, so an operation covers as many steps as it can and shows MLX
//! only what its gradient needs.
//!
//! - [`attention`]: from queries, keys and values to mixed values
//! - [`projection`]: a matrix product with its low-rank correction

pub mod attention;
pub mod projection;

use mlx_rs::{Array, transforms::eval};

use crate::{
    error::Result,
    host::{
        norm::{norm, norm_backward},
        swiglu::{swiglu, swiglu_backward},
    },
    raw::custom::{Operation, apply},
};

/// The gated activation; see [`swiglu`].
///
/// # Errors
/// An internal error if MLX fails.
pub fn taped_swiglu(gate: &Array, up: &Array) -> Result<Array> {
    struct Swiglu;
    impl Operation for Swiglu {
        fn forward(&self, inputs: &[Array]) -> Result<Vec<Array>> {
            eval(inputs)?;
            Ok(vec![swiglu(&inputs[0], &inputs[1])?])
        }
        fn backward(&self, inputs: &[Array], gradients: &[Array], _: &[Array]) -> Result<Vec<Option<Array>>> {
            Ok(swiglu_backward(&inputs[0], &inputs[1], &gradients[0])?.map(Some).into())
        }
    }
    single(Swiglu, &[gate.clone(), up.clone()])
}

/// The norm in front of a layer, whose scale is a constant; see [`norm`].
///
/// # Errors
/// An internal error if MLX fails.
pub fn taped_norm(states: &Array, scale: &Array, epsilon: f32) -> Result<Array> {
    struct Norm(f32);
    impl Operation for Norm {
        fn forward(&self, inputs: &[Array]) -> Result<Vec<Array>> {
            Ok(vec![norm(&inputs[0], &inputs[1], self.0)?])
        }
        fn backward(&self, inputs: &[Array], gradients: &[Array], _: &[Array]) -> Result<Vec<Option<Array>>> {
            Ok(vec![Some(norm_backward(&inputs[0], &inputs[1], &gradients[0], self.0)?), None])
        }
    }
    single(Norm(epsilon), &[states.clone(), scale.clone()])
}

/// The same numbers in an array without a past. While MLX records, an array keeps what it was computed from alive;
/// inside of an operation nobody will ask for that again.
fn alone(array: &Array) -> Result<Array> {
    let array = array.contiguous()?;
    Ok(Array::from_slice(array.try_as_slice::<f32>()?, array.shape()))
}

/// The first output of an operation.
fn single(operation: impl Operation, inputs: &[Array]) -> Result<Array> {
    let mut outputs = apply(operation, inputs)?;
    Ok(outputs.remove(0))
}
