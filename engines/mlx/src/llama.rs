//! The Llama architecture: what a file must contain and how it computes.
//!
//! - [`config`]: metadata keys to a checked shape
//! - [`weights`]: tensors by name, checked, widened, un-permuted
//! - [`correction`]: low-rank corrections of the projections
//! - [`rope`]: the table of rotations
//! - [`cache`]: keys and values of the tokens seen so far
//! - [`layout`]: which token of a batch lies where
//! - [`attention`] and [`forward`]: the computation

pub mod attention;
pub mod cache;
pub mod config;
pub mod correction;
pub mod forward;
pub mod layout;
pub mod rope;
pub mod weights;
