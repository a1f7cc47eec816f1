//! Evaluators as files: finding the built-in ones and compiling new ones.

pub mod registry;
pub mod toolchain;
