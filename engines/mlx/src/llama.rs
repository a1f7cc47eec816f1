//! The Llama architecture: what a file must contain and how it computes.
//!
//! - [`config`]: metadata keys to a checked shape
//! - [`source`] and [`tensors`]: tensors by name, checked, widened, un-permuted, with adapters folded in
//! - [`weights`]: all of them as arrays
//! - [`correction`]: low-rank corrections of the projections that can be trained and taken off
//! - [`rope`]: the table of rotations
//! - [`cache`]: keys and values of the tokens seen so far
//! - [`layout`]: which token of a batch lies where
//! - [`attention`] and [`forward`]: the computation
//! - [`recorded`]: the computation on a processor where a gradient is wanted, and the gradient

pub mod attention;
pub mod cache;
pub mod config;
pub mod correction;
pub mod forward;
pub mod layout;
pub mod recorded;
pub mod rope;
pub mod source;
pub mod tensors;
pub mod weights;
