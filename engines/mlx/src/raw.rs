//! The only room that speaks to native libraries without mlx-rs between; [`custom`] and [`group`] are its other files.
//!
//! The default error handler of MLX's C layer ends the process. mlx-rs replaces it the first time one of its own
//! operations reports a status, so [`prepare`] runs such an operation before anything else is called.

#![expect(unsafe_code, reason = "calls into C libraries; each call states why it is sound")]

pub mod custom;
pub mod group;

use std::ffi::{CStr, c_char, c_void};

use mlx_rs::Array;

use crate::error::{Error, Result};

/// Makes failures of MLX errors instead of the end of the process. Call it before anything else.
///
/// # Errors
/// An internal error if MLX cannot add two numbers.
pub fn prepare() -> Result<()> {
    let sum = Array::from_int(1).add(Array::from_int(1))?;
    match sum.try_item_exact::<i32>() {
        Ok(2) => Ok(()),
        other => Err(Error::internal(format!("mlx says that 1 + 1 is {other:?}"))),
    }
}

/// Version of the MLX library that is loaded.
///
/// # Errors
/// An internal error if MLX does not say.
pub fn mlx_version() -> Result<String> {
    // SAFETY: a new string handle is written by `mlx_version`, read while it is alive, and freed once. Its data
    // is a C string that lives as long as the handle.
    let version = unsafe {
        let mut handle = mlx_sys::mlx_string_new();
        let status = mlx_sys::mlx_version(&raw mut handle);
        let data = mlx_sys::mlx_string_data(handle);
        let version =
            (status == 0 && !data.is_null()).then(|| CStr::from_ptr(data).to_string_lossy().into_owned());
        mlx_sys::mlx_string_free(handle);
        version
    };
    version.ok_or_else(|| Error::internal("mlx does not say its version"))
}

/// What `OpenBLAS` says of itself, kernel type included; empty where the process holds no `OpenBLAS`.
#[must_use]
pub fn blas() -> String {
    // SAFETY: the name is a C string. `dlsym` with RTLD_DEFAULT searches what is loaded and returns null if the
    // symbol is not there.
    let symbol = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"openblas_get_config".as_ptr()) };
    if symbol.is_null() {
        return String::new();
    }
    // SAFETY: OpenBLAS has exported `char *openblas_get_config(void)` with this name since 0.2; the text it
    // returns is static.
    let config = unsafe {
        let get = std::mem::transmute::<*mut c_void, extern "C" fn() -> *const c_char>(symbol);
        CStr::from_ptr(get())
    };
    config.to_string_lossy().trim().to_owned()
}
