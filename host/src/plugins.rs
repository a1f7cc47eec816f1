//! Evaluators as files: finding the built-in ones and compiling new ones.

pub mod build;
mod builtin;
pub mod lock;
pub mod registry;
pub mod toolchain;
