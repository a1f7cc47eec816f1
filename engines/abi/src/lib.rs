//! What crosses the border between the realign host and a native engine.
//!
//! An engine is a shared library chosen by the operator. It runs inside a worker process, so a crash in
//! native code costs one batch, never the host. Two borders carry the same messages:
//!
//! ```text
//! host  --frames over pipes-->  worker process  --C ABI-->  engine library
//! ```
//!
//! # Layout
//!
//! - [`message`]: requests, replies and events as plain serde data
//! - [`train`]: the messages of training
//! - [`export`]: adapters and models in the formats of others
//! - [`frame`]: how one message is laid out in bytes, on a pipe and across the C ABI
//! - [`ffi`]: the C functions that an engine library exports
//! - [`place`]: where set-up puts the engine and the host looks for it
//!
//! # Invariants
//!
//! A frame is at most [`frame::MAX_FRAME`] bytes. A library whose `realign_engine_abi_version` differs from
//! [`ffi::ABI_VERSION`] is refused before anything else is called.

pub mod export;
pub mod ffi;
pub mod frame;
pub mod message;
pub mod place;
pub mod train;
