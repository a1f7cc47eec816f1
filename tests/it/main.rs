//! Integration tests of the real binary.
//!
//! - `cards`: what evaluators' scores are worth
//! - `cli`: help, usage errors, exit codes
//! - `adapter`: adapters written for other programs, folded in and multiplied, with what is known of them
//! - `author`: begin, build, try, lock and measure evaluators
//! - `bad_input`: every file that a person can get wrong, with the line that they will read
//! - `browser`: pages in headless Chromium, where there is one
//! - `recorded`: a whole evaluation without an engine: report, repetition, comparison
//! - `real`: comparisons of published results, where those are present
//! - `served`: the real engine behind a small server; `servers`: servers at the command line; what needs weights is refused, and a key never shows
//! - `report`: stored runs shown again, and as pages; `simulation`: error rates of comparisons, measured (slow)
//! - `components`: the reference evaluators, built in and from source, over their cases
//! - `contract`: evaluators built for released and for later contracts, on this host
//! - `data`: the tools for preference data, each on small files that a person can check by hand
//! - `example`: the training data of the example persona
//! - `fuzz`: seeds and findings of the fuzz targets, through the same checks
//! - `golden`: log-likelihoods and accuracies that lm-eval computed, where those results are present
//! - `grants`: detectors and style scorers that ask the model
//! - `hardware`: calibrations, real and from files, and plans that go by them
//! - `import`: personas that were written down elsewhere
//! - `intervals`: one number of a run has one interval in every report
//! - `model`: the engine and the small model through the binary: kill, resume, worker count
//! - `train`: what a training refuses, and the engine on a tiny model: learning, kill, resume, Ctrl-C; `ranks`: two
//!   processes train what one does, and survive the loss of one
//! - `pipeline`: the seven stages on a tiny model: verdicts, kill, resume, roll back, bad input
//! - `tasks`: lm-eval task files, held against what lm-eval made of them, and broken ones
//! - `hostile`: attack guests against the sandbox

mod adapter;
mod author;
mod bad_input;
mod browser;
mod cards;
mod cli;
mod components;
mod contract;
mod data;
mod example;
mod fuzz;
mod golden;
mod grants;
mod hardware;
mod hostile;
mod import;
mod intervals;
mod model;
mod pairs;
mod pipeline;
mod profile;
mod real;
mod recorded;
mod report;
mod served;
mod servers;
mod simulation;
mod support;
mod tasks;
mod train;
mod windows;
