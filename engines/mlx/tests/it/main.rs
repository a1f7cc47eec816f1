//! The engine as its callers see it: on tiny random models everywhere, on the real small model where it is there.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod adapter_files;
mod border;
mod export;
mod generate;
mod kernels;
mod model_files;
mod model_folders;
mod real_model;
mod score;
mod support;
mod train;
