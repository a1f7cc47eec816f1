//! Realign keeps a language model in character, and proves it.
//!
//! # Layout
//!
//! Data flows one way: `cli -> settings -> run -> stages -> {suite, train, data, compare} -> {engine, sandbox} -> metrics -> gates -> store ->
//! report`.
//!
//! - [`cli`]: verbs; [`settings`]: command line, files and environment, validated once
//! - [`ids`], [`error`], [`exit`], [`model`], [`read`], [`mod@write`]: what everything shares
//! - [`template`]: files to begin with
//! - [`persona`]: profile, scenarios, contexts, splits; [`tasks`]: lm-eval task files
//! - [`suite`]: what an evaluation runs, and running it; [`compare`]: two runs side by side
//! - [`sandbox`]: everything wasmtime; [`plugins`]: finding, locking and building evaluators
//! - [`opening`]: from a name to a model; [`engine`]: workers, planned batches, the generation cache, recorded models
//! - [`data`]: preference pairs, built by asking the model and judging its answers; tools that judge and shape any rows
//! - [`hardware`]: this machine, measured; work placed on measured machines
//! - [`mod@train`]: adapters, step by step, under a limit of divergence
//! - [`adapter`]: what came out of it, written for other programs, with what is known of it
//! - [`run`]: a pipeline, planned, executed, gone on with; [`stages`]: its seven stages
//! - [`metrics`], [`stats`]: pure functions; [`gates`]: rule, evidence, verdict
//! - [`store`]: SQLite; [`report`]: what people read

pub mod adapter;
pub mod cli;
pub mod compare;
pub mod data;
pub mod engine;
pub mod error;
pub mod exit;
pub mod gates;
pub mod hardware;
pub mod ids;
pub mod metrics;
pub mod model;
pub mod opening;
pub mod persona;
pub mod plugins;
pub mod read;
pub mod report;
pub mod run;
pub mod sandbox;
pub mod settings;
pub mod stages;
pub mod stats;
pub mod store;
pub mod suite;
pub mod tasks;
pub mod template;
pub mod train;
pub mod write;
