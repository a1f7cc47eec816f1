//! An operation computed in Rust that MLX differentiates through.
//!
//! MLX's `custom_vjp` takes two closures: one that computes outputs and one that turns the gradient with respect
//! to the outputs into one with respect to the inputs. Both run on the thread that asks for the gradient, but MLX
//! may drop its last reference to them on a stream's own thread, so an operation must be `Send` and `Sync`.

#![expect(unsafe_code, reason = "closures cross into C; each function states why that is sound")]

use std::{
    cell::RefCell,
    ffi::{c_int, c_void},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use mlx_rs::{Array, ops::zeros_like};
use mlx_sys::{mlx_closure, mlx_vector_array};

use crate::error::{Error, Result};

/// An operation with a gradient of its own.
pub trait Operation: Send + Sync + 'static {
    /// Outputs from inputs.
    ///
    /// # Errors
    /// What the operation says.
    fn forward(&self, inputs: &[Array]) -> Result<Vec<Array>>;

    /// Gradients with respect to the inputs, none where an input is a constant; `gradients` are those with
    /// respect to the outputs.
    ///
    /// # Errors
    /// What the operation says.
    fn backward(
        &self,
        inputs: &[Array],
        gradients: &[Array],
        outputs: &[Array],
    ) -> Result<Vec<Option<Array>>>;
}

thread_local! {
    /// The error of an operation on this thread, which could not be carried through C.
    static FAILURE: RefCell<Option<Error>> = const { RefCell::new(None) };
}

/// Takes the last error of an operation on this thread: what MLX's own error for a gradient does not say.
#[must_use]
pub fn take_failure() -> Option<Error> {
    FAILURE.take()
}

/// Applies an operation so that MLX can differentiate through it.
///
/// # Errors
/// What the operation says, or an internal error if MLX refuses it.
pub fn apply<O: Operation>(operation: O, inputs: &[Array]) -> Result<Vec<Array>> {
    let operation = Arc::new(operation);
    // SAFETY: every handle made here is freed once, below. The payloads are boxed `Arc`s of `O`, which the
    // trampolines of the same `O` read and `release` of the same `O` drops; MLX copies what it needs to keep.
    let outputs = unsafe {
        let forward =
            mlx_sys::mlx_closure_new_func_payload(Some(run::<O>), payload(&operation), Some(release::<O>));
        let backward = mlx_sys::mlx_closure_custom_new_func_payload(
            Some(differentiate::<O>),
            payload(&operation),
            Some(release::<O>),
        );
        let mut function = mlx_sys::mlx_closure_new();
        let mut status = mlx_sys::mlx_custom_vjp(&raw mut function, forward, backward);
        let arguments = vector(inputs);
        let mut outputs = mlx_sys::mlx_vector_array_new();
        if status == 0 {
            status = mlx_sys::mlx_closure_apply(&raw mut outputs, function, arguments);
        }
        let arrays = if status == 0 { arrays(outputs) } else { None };
        mlx_sys::mlx_vector_array_free(outputs);
        mlx_sys::mlx_vector_array_free(arguments);
        free(function);
        free(forward);
        mlx_sys::mlx_closure_custom_free(backward);
        arrays
    };
    outputs.ok_or_else(|| {
        take_failure()
            .unwrap_or_else(|| Error::internal("mlx refused an operation with a gradient of its own"))
    })
}

fn payload<O>(operation: &Arc<O>) -> *mut c_void {
    Box::into_raw(Box::new(Arc::clone(operation))).cast()
}

/// # Safety
/// `closure` is a live handle that is not used again.
unsafe fn free(closure: mlx_closure) {
    // SAFETY: the caller's promise.
    unsafe { mlx_sys::mlx_closure_free(closure) };
}

/// A new vector handle that shares the arrays.
fn vector(arrays: &[Array]) -> mlx_vector_array {
    let handles: Vec<mlx_sys::mlx_array> = arrays.iter().map(Array::as_ptr).collect();
    // SAFETY: the handles are live for the call and the new vector holds references of its own.
    unsafe { mlx_sys::mlx_vector_array_new_data(handles.as_ptr(), handles.len()) }
}

/// The arrays of a vector, sharing its references; none if MLX cannot hand one out.
fn arrays(vector: mlx_vector_array) -> Option<Vec<Array>> {
    // SAFETY: the vector is live; each array is a new handle that this side owns.
    unsafe {
        (0..mlx_sys::mlx_vector_array_size(vector))
            .map(|index| {
                let mut handle = mlx_sys::mlx_array_new();
                let status = mlx_sys::mlx_vector_array_get(&raw mut handle, vector, index);
                (status == 0).then(|| Array::from_ptr(handle))
            })
            .collect()
    }
}

extern "C" fn run<O: Operation>(
    result: *mut mlx_vector_array,
    inputs: mlx_vector_array,
    payload: *mut c_void,
) -> c_int {
    // SAFETY: `apply` made the payload for this `O`, and MLX passes it on unchanged while it is alive.
    let operation = unsafe { &*payload.cast::<Arc<O>>() };
    let work = || {
        let inputs = arrays(inputs).ok_or_else(unreadable)?;
        operation.forward(&inputs)
    };
    // SAFETY: MLX gives a valid vector handle to be filled.
    unsafe { answer(result, work) }
}

extern "C" fn differentiate<O: Operation>(
    result: *mut mlx_vector_array,
    inputs: mlx_vector_array,
    gradients: mlx_vector_array,
    outputs: mlx_vector_array,
    payload: *mut c_void,
) -> c_int {
    // SAFETY: as in `run`.
    let operation = unsafe { &*payload.cast::<Arc<O>>() };
    let work = || {
        let [inputs, gradients, outputs] =
            [inputs, gradients, outputs].map(|vector| arrays(vector).ok_or_else(unreadable));
        let inputs = inputs?;
        let found = operation.backward(&inputs, &gradients?, &outputs?)?;
        let or_zero = |(gradient, input): (Option<Array>, &Array)| match gradient {
            Some(gradient) => Ok(gradient),
            None => Ok(zeros_like(input)?),
        };
        found.into_iter().zip(&inputs).map(or_zero).collect()
    };
    // SAFETY: as in `run`.
    unsafe { answer(result, work) }
}

/// Fills `result` with what `work` gives; nothing unwinds into C.
///
/// # Safety
/// `result` points to a live vector handle.
unsafe fn answer(result: *mut mlx_vector_array, work: impl FnOnce() -> Result<Vec<Array>>) -> c_int {
    let done = catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(Error::internal("an operation of the engine panicked")));
    match done {
        Ok(found) => {
            let found = vector(&found);
            // SAFETY: the caller's promise; the vector that is copied from is freed once.
            unsafe {
                let status = mlx_sys::mlx_vector_array_set(result, found);
                mlx_sys::mlx_vector_array_free(found);
                status
            }
        }
        Err(error) => {
            FAILURE.set(Some(error));
            1
        }
    }
}

extern "C" fn release<O>(payload: *mut c_void) {
    // SAFETY: `payload` came from `Box::into_raw` in the function of that name, and MLX calls this once.
    let boxed = unsafe { Box::from_raw(payload.cast::<Arc<O>>()) };
    // A panic while dropping must not cross into C; there is nobody left to tell.
    let _ = catch_unwind(AssertUnwindSafe(|| drop(boxed)));
}

fn unreadable() -> Error {
    Error::internal("mlx does not hand out the arrays of an operation")
}
