//! Finding, locking and building evaluators. What they may do when they run is the sandbox's business.
//!
//! - [`registry`]: a suite's plugin reference to the bytes of a component
//! - [`lock`]: which bytes those have to be
//! - [`build`]: core module to component

pub mod build;
mod builtin;
pub mod lock;
pub mod registry;
pub mod toolchain;
