//! The MLX engine: reads a model, tokenizes, scores and generates.
//!
//! A shared library that a worker process of the host loads; it speaks the messages of `realign-engine-abi`.
//! MLX computes; this crate decides what is computed. Rust programs and tests use [`engine::Engine`] directly.
//!
//! - [`exports`]: the C functions; with [`raw`] the only places with unsafe code
//! - [`engine`]: one request in, one reply out
//! - [`checkpoint`]: a model on disk; [`gguf`], [`folder`], [`tokenizer`], [`template`]: what it holds, all of it untrusted
//! - [`disk`], [`tensor_file`]: folders and `.safetensors` files, read with the same suspicion, and written
//! - [`adapter`]: low-rank corrections of a model, as mlx-lm and PEFT store them
//! - [`transcript`]: a finished conversation with marks on what the assistant says
//! - [`llama`], [`host`]: the model and the loops between its matrix products
//! - [`prefix`], [`score`], [`generate`], [`sampler`]: what is asked of it
//! - [`export`]: adapters and models written for other programs
//! - [`train`]: an adapter, step by step
//! - [`selftest`]: how fast it is
//!
//! # Invariants
//!
//! The same request on the same machine gives the same bits: no clock, no random state, no order of hash maps
//! enters a result. The engine computes exactly the batch it is given; tokens of padding never meet a weight.

pub mod adapter;
pub mod checkpoint;
pub mod disk;
pub mod engine;
pub mod error;
pub mod export;
pub mod exports;
pub mod folder;
pub mod generate;
pub mod gguf;
pub mod host;
pub mod llama;
pub mod prefix;
pub mod raw;
pub mod sampler;
pub mod score;
pub mod selftest;
pub mod template;
pub mod tensor_file;
pub mod tokenizer;
pub mod train;
pub mod transcript;
