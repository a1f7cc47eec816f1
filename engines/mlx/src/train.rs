//! Training a low-rank adapter, one step at a time.
//!
//! The host plans and paces; a step arrives as token ids with marks and leaves as an updated adapter. On a processor
//! the gradient is written down block by block ([`crate::llama::recorded`]); on a GPU MLX differentiates its own
//! operations. Blocks below the first adapted one are computed once and nothing of them is kept; what answers or rows begin with
//! alike is computed once in every block.
//!
//! - [`batch`]: examples as rows of a pass, what they share, and what is scored
//! - [`head`]: log-probabilities and divergences without the logits of a whole batch
//! - [`loss`]: preference losses and their derivatives
//! - [`pass`]: one batch forward, with or without a gradient
//! - [`step`]: what the batches of a step add up to
//! - [`together`]: a step that several processes take
//! - [`adamw`]: the update; [`moments`]: its state on disk
//! - [`start`]: where training starts; [`trainer`]: the adapter on its way
//!
//! # Invariants
//!
//! Losses are normalised by the whole step's tokens or pairs, so a split into batches changes nothing but
//! rounding. Nothing changes unless a step is finite throughout. The same requests give the same bits.

pub mod adamw;
pub mod batch;
pub mod head;
pub mod loss;
pub mod moments;
pub mod pass;
pub mod start;
mod step;
mod together;
pub mod trainer;
