//! The loops in Rust as operations that MLX differentiates through.
//!
//! Used while a gradient is wanted. Each operation evaluates its inputs, so the forward pass is computed as it is
//! recorded and the backward pass as it is walked; nothing waits in a growing graph.

use std::sync::Arc;

use mlx_rs::{Array, transforms::eval};

use crate::{
    error::Result,
    host::{
        heads::{gather, spread},
        norm::{norm, norm_backward},
        softmax::{softmax, softmax_backward},
        swiglu::{swiglu, swiglu_backward},
    },
    llama::{layout::Layout, rope::Rope, weights::extent},
    raw::custom::{Operation, apply},
};

/// Packed rows to the grid of heads; see [`spread`].
///
/// # Errors
/// An internal error if MLX fails.
pub fn taped_spread(
    packed: &Array,
    layout: &Arc<Layout>,
    head: usize,
    rope: Option<&Arc<Rope>>,
) -> Result<Array> {
    struct Spread(Arc<Layout>, usize, Option<Arc<Rope>>);
    impl Operation for Spread {
        fn forward(&self, inputs: &[Array]) -> Result<Vec<Array>> {
            Ok(vec![spread(&inputs[0], &self.0, self.1, self.2.as_deref())?])
        }
        fn backward(&self, _: &[Array], gradients: &[Array], _: &[Array]) -> Result<Vec<Option<Array>>> {
            Ok(vec![Some(gather(&gradients[0], &self.0, self.2.as_deref())?)])
        }
    }
    single(Spread(Arc::clone(layout), head, rope.cloned()), std::slice::from_ref(packed))
}

/// The grid of heads to packed rows; see [`gather`].
///
/// # Errors
/// An internal error if MLX fails.
pub fn taped_gather(grid: &Array, layout: &Arc<Layout>) -> Result<Array> {
    struct Gather(Arc<Layout>, usize);
    impl Operation for Gather {
        fn forward(&self, inputs: &[Array]) -> Result<Vec<Array>> {
            Ok(vec![gather(&inputs[0], &self.0, None)?])
        }
        fn backward(&self, _: &[Array], gradients: &[Array], _: &[Array]) -> Result<Vec<Option<Array>>> {
            Ok(vec![Some(spread(&gradients[0], &self.0, self.1, None)?)])
        }
    }
    let head = extent(grid, 3);
    single(Gather(Arc::clone(layout), head), std::slice::from_ref(grid))
}

/// Attention weights; see [`softmax`].
///
/// # Errors
/// An internal error if MLX fails.
pub fn taped_softmax(scores: &Array, layout: &Arc<Layout>, scale: f32) -> Result<Array> {
    struct Softmax(Arc<Layout>, f32);
    impl Operation for Softmax {
        fn forward(&self, inputs: &[Array]) -> Result<Vec<Array>> {
            Ok(vec![softmax(&inputs[0], &self.0, self.1)?])
        }
        fn backward(
            &self,
            _: &[Array],
            gradients: &[Array],
            outputs: &[Array],
        ) -> Result<Vec<Option<Array>>> {
            Ok(vec![Some(softmax_backward(&outputs[0], &gradients[0], self.1)?)])
        }
    }
    single(Softmax(Arc::clone(layout), scale), std::slice::from_ref(scores))
}

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

fn single(operation: impl Operation, inputs: &[Array]) -> Result<Array> {
    let mut outputs = apply(operation, inputs)?;
    Ok(outputs.remove(0))
}
