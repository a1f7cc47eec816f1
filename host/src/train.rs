//! Training: what to ask of an engine, step by step, and when to stop.
//!
//! The host decides everything that could change a number: it tokenizes and marks, plans which rows share a batch,
//! sets the rate of every step, and holds the divergence from the starting model under a limit. The engine holds
//! the adapter and its optimiser, and computes.
//!
//! # Invariants
//!
//! - The order of all steps is a function of configuration, data and seed, made before the first one is taken.
//! - A checkpoint is whole or not there. Whatever is killed, the same command goes on from the last checkpoint and
//!   ends with the same adapter, byte for byte, on the same machine.
//! - No clock reaches a checkpoint or an adapter; times are in the log alone.
//! - An adapter whose divergence was measured over the limit is never called `adapter`.
//!
//! # Layout
//!
//! - [`config`]: the file; [`data`]: rows; [`examples`]: rows as tokens; [`prompts`]: rows to respond to
//! - [`sources`]: all files, read and checked; [`plan`]: the order of steps; [`schedule`]: their rates; [`job`]: all of it together, ready to run
//! - [`session`]: a model and an adapter in training; [`shard`]: a step over the workers that take it together; [`mod@reference`], [`references`]: what the model without it says
//! - [`state`], [`checkpoint`]: what a run goes on from; [`folder`]: the folder of a run
//! - [`whole`]: all of it in order; [`run`]: the loop; [`failure`]: how it ends early; [`reward`]: what a pair gained; [`loss_guard`]: when it stops; [`controller`]: how much divergence costs
//! - [`watch`]: what a suite says of checkpoints, and what must not be lost; [`watching`]: running it
//! - [`perplexity`]: how well a model expects rows; [`divergence`]: how far a finished adapter moves it
//! - [`kl`]: divergence on the model's own responses; [`search`]: the largest adapter under the limit; [`beside`]: how far it moves the model elsewhere
//! - [`outcome`], [`export`]: what comes out; [`log`], [`tensorboard`]: every step, for people and other programs

pub mod beside;
pub mod checkpoint;
pub mod config;
pub mod controller;
pub mod data;
pub mod divergence;
pub mod examples;
pub mod export;
pub mod failure;
pub mod folder;
pub mod job;
pub mod kl;
pub mod log;
pub mod loss_guard;
pub mod outcome;
pub mod perplexity;
pub mod plan;
pub mod prompts;
pub mod reference;
pub mod references;
pub mod reward;
pub mod run;
pub mod schedule;
pub mod search;
pub mod session;
pub mod shard;
pub mod sources;
pub mod state;
pub mod tensorboard;
pub mod watch;
pub mod watching;
pub mod whole;

#[cfg(test)]
mod tests;
