//! Finding, locking and building evaluators. What they may do when they run is the sandbox's business.
//!
//! - [`registry`]: a suite's plugin reference to the bytes of a component
//! - [`lock`]: which bytes those have to be
//! - [`new`]: a folder to start from; [`source`]: a folder (which [`manifest`] describes) to a component,
//!   through [`toolchain`] and [`build`]
//! - [`contract`]: the contract as text; [`trial`]: examples and conformance
//! - [`card`]: what an evaluator's scores are worth; [`mod@bench`]: what they cost

pub mod bench;
pub mod build;
mod builtin;
pub mod card;
pub mod contract;
pub mod lock;
pub mod manifest;
pub mod new;
pub mod registry;
pub mod source;
pub mod toolchain;
pub mod trial;
